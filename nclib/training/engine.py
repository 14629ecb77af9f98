"""The training engine: objective (4.3) on real samples, by Adam, with what the theory predicts.

The loss of a batch is ``1/2 mean ||z - y||^2 + N lambda_H / 2 mean ||h||^2``, and the optimiser
adds ``lambda_Wj W_j`` to the gradient of each layer of the head (Adam's L2 `weight_decay`; the
decoupled decay of AdamW is something else). So at fixed weights the gradients of an epoch's
batches, each weighted by its share of the samples, add up to the gradient of the objective.
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self, get_args

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm  # type: ignore[import-untyped]

import nclib
from nclib._numbers import as_whole, is_number, plain
from nclib.metrics import NUMBERS, Accuracy, MetricsAccumulator
from nclib.theory.counts import ClassCounts
from nclib.theory.minimizer import Minimizer, global_minimizer, local_minima
from nclib.theory.problem import Problem
from nclib.training.checkpoints import CheckpointError, CheckpointStore
from nclib.training.networks import BackboneKind, HeadKind, Network, make_network

Schedule = Literal["constant", "cosine", "step"]
Precision = Literal["float32", "float64", "bfloat16"]

logger = logging.getLogger(__name__)

WARMUP_START = 1e-3
"""The factor on every lambda with which a warm-up begins."""

_DIVERGED = 1e6
"""A loss this many times the first one counts as divergence."""

_EVALUATION_ROWS = 1024


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """All settings of a run that change its numbers.

    The defaults are the paper's where it names a value. It names neither the lambdas nor the
    schedule of the learning rate.

    Parameters
    ----------
    depth : int
        Number L of linear layers in the head.
    lambda_W : float or (L,) sequence of float
        Penalty on the head's layers, as for `Problem`.
    lambda_H : float
        Penalty on the features.
    bias : bool, default True
        Whether the head has a bias (not penalised).
    backbone : {"mlp", "conv"}, default "mlp"
        The paper's six affine maps, or a small convolutional network.
    width : int, default 2048
        Width of the backbone and of the head's inner layers.
    feature_dim : int, optional
        Dimension d of the features. Default: `width`.
    last_relu : bool, default False
        Whether the backbone ends with a ReLU. Then the optimum with a bias is out of reach.
    head : {"linear", "relu"}, default "linear"
        "relu" puts a ReLU between the head's layers, which the theory does not cover: the metrics
        that need the product of the layers are then left out.
    head_scale : float, default 1
        Factor on the initial weights of the head's layers. Where all modes of a deep head begin
        weak, those of rare classes may be lost; a larger beginning keeps them.
    epochs : int, default 12000
    batch_size : int, default 128
        The last batch of an epoch is smaller.
    learning_rate : float, default 1e-4
        Of Adam, at the start.
    schedule : {"constant", "cosine", "step"}, default "constant"
        "cosine" falls to 0; "step" divides by 10 after half of the epochs and again after three
        quarters.
    lambda_warmup : float, default 0
        Share of the epochs, in [0, 1), over which all lambdas rise, log-linearly, from 1e-3 of
        their value. A surviving mode outlasts a rising lambda, a dead one does not come back.
    weight_decay : float, default 0
        Adam's L2 decay on the backbone.
    dtype : {"float32", "float64", "bfloat16"}, default "float32"
        "bfloat16" keeps everything in float32 but rounds what goes into matrix products while it
        trains: faster where the hardware has it.
    seed : int, default 0
        Draws the weights and the order of the samples.
    evaluations : int, default 60
        At most how many epochs enter the history, spaced evenly in log(epoch).

    Raises
    ------
    TypeError, ValueError
        If a setting is not as described; the message names it.

    Examples
    --------
    >>> config = TrainingConfig(depth=2, lambda_W=5e-4, lambda_H=1e-5, epochs=100, width=64)
    >>> config.lambda_W, config.seed
    ((0.0005, 0.0005), 0)
    >>> TrainingConfig.from_dict(config.to_dict()) == config
    True
    """

    depth: int
    lambda_W: tuple[float, ...]
    lambda_H: float
    bias: bool = True
    backbone: BackboneKind = "mlp"
    width: int = 2048
    feature_dim: int | None = None
    last_relu: bool = False
    head: HeadKind = "linear"
    head_scale: float = 1.0
    epochs: int = 12_000
    batch_size: int = 128
    learning_rate: float = 1e-4
    schedule: Schedule = "constant"
    lambda_warmup: float = 0.0
    weight_decay: float = 0.0
    dtype: Precision = "float32"
    seed: int = 0
    evaluations: int = 60

    def __post_init__(self) -> None:
        problem = Problem(
            ClassCounts([1, 1]),
            self.depth,
            self.bias,
            lambda_W=self.lambda_W,
            lambda_H=self.lambda_H,
        )
        for name in ("depth", "bias", "lambda_W", "lambda_H"):
            object.__setattr__(self, name, getattr(problem, name))
        for name in ("width", "epochs", "batch_size", "evaluations"):
            object.__setattr__(self, name, as_whole(name, getattr(self, name), 1))
        if self.feature_dim is not None:
            feature_dim = as_whole("feature_dim", self.feature_dim, 1)
            object.__setattr__(self, "feature_dim", feature_dim)
        object.__setattr__(self, "seed", as_whole("seed", self.seed, 0))
        for name, choices in (
            ("backbone", BackboneKind),
            ("head", HeadKind),
            ("schedule", Schedule),
            ("dtype", Precision),
        ):
            object.__setattr__(self, name, _choice(name, getattr(self, name), choices))
        last_relu = plain(self.last_relu)
        if not isinstance(last_relu, bool):
            raise TypeError(f"last_relu must be True or False; got {self.last_relu!r:.60}")
        object.__setattr__(self, "last_relu", last_relu)
        for name, below, zero_allowed in (
            ("learning_rate", math.inf, False),
            ("head_scale", math.inf, False),
            ("weight_decay", math.inf, True),
            ("lambda_warmup", 1, True),
        ):
            value = _between(name, getattr(self, name), 0, below, low_allowed=zero_allowed)
            object.__setattr__(self, name, value)

    def problem(self, counts: ClassCounts) -> Problem:
        """Return the model whose closed form this training aims at.

        Parameters
        ----------
        counts : ClassCounts
            Samples of each class in the training set.

        Returns
        -------
        Problem
        """
        feature_dim = self.width if self.feature_dim is None else self.feature_dim
        widths = (feature_dim, *[self.width] * (self.depth - 1))
        return Problem(
            counts,
            self.depth,
            self.bias,
            lambda_W=self.lambda_W,
            lambda_H=self.lambda_H,
            widths=widths,
        )

    def learning_rate_at(self, progress: float) -> float:
        """Return the learning rate when a share `progress`, in [0, 1], of the steps is done."""
        if self.schedule == "cosine":
            return self.learning_rate * (1 + math.cos(math.pi * progress)) / 2
        if self.schedule == "step" and progress >= 0.5:
            return self.learning_rate * (0.1 if progress < 0.75 else 0.01)
        return self.learning_rate

    def lambda_factor_at(self, progress: float) -> float:
        """Return the factor on every lambda when a share `progress` of the steps is done."""
        if progress >= self.lambda_warmup:
            return 1.0
        return float(WARMUP_START ** (1 - progress / self.lambda_warmup))

    def to_dict(self) -> dict[str, Any]:
        """Return all settings as plain values that JSON can hold."""
        return {**asdict(self), "lambda_W": list(self.lambda_W)}

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Self:
        """Make a configuration from what `to_dict` returned.

        Raises
        ------
        ValueError
            If a setting is unknown or missing.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(settings) - known)
        if unknown:
            raise ValueError(f"settings must be those of TrainingConfig; got {unknown}")
        missing = sorted({"depth", "lambda_W", "lambda_H"} - set(settings))
        if missing:
            raise ValueError(f"settings must have {missing}")
        return cls(**settings)


class DivergenceError(ArithmeticError):
    """The loss or a weight became NaN or infinite, or the loss grew beyond all bounds."""


@dataclass(frozen=True, eq=False, repr=False)
class TrainingResult:
    """A trained network and how it came there.

    Attributes
    ----------
    config : TrainingConfig
    network : Network
        On the device it was trained on.
    minimizer : Minimizer
        The closed form of the global minimum, of ``minimizer.problem``.
    history : list of dict
        One entry for each evaluated epoch, of plain values that JSON can hold (None where a
        number is NaN or does not exist); see `train`.
    machine : dict
        Device, processor, threads and versions.
    """

    config: TrainingConfig
    network: Network
    minimizer: Minimizer
    history: list[dict[str, Any]]
    machine: dict[str, Any]

    @property
    def final(self) -> dict[str, Any]:
        """The last entry of the history."""
        return self.history[-1]

    @property
    def reached(self) -> Minimizer:
        """The local minimum with as many modes alive as the network has in the end.

        One layer has no local minimum but the global one.
        """
        minima = local_minima(self.minimizer.problem)
        alive: int = self.final["alive"]
        return minima[min(alive, len(minima) - 1)]

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the network, as plain values that JSON can hold.

        The `minimum` and the local minimum `reached` are given by their objective and how many
        modes they have `alive`.
        """
        reached = self.reached
        return {
            "config": self.config.to_dict(),
            "counts": self.minimizer.problem.counts.n.tolist(),
            "minimum": {"objective": self.minimizer.objective, "alive": self.minimizer.alive},
            "reached": {"objective": reached.objective, "alive": reached.alive},
            "history": self.history,
            "machine": self.machine,
        }

    def __repr__(self) -> str:
        final = self.final
        return (
            f"TrainingResult(epoch {final['epoch']}, objective={final['objective']:.6g}, "
            f"minimum={self.minimizer.objective:.6g})"
        )


def train(
    config: TrainingConfig,
    samples: Any,
    labels: Any,
    *,
    test: tuple[Any, Any] | None = None,
    device: str | torch.device | None = None,
    checkpoints: str | os.PathLike[str] | None = None,
    checkpoint_epochs: int | None = None,
    checkpoint_seconds: float = 120.0,
    resume: bool = False,
    progress: bool = True,
) -> TrainingResult:
    """Train a network towards the closed form.

    Parameters
    ----------
    config : TrainingConfig
        All settings that change the numbers.
    samples : (N, d), (N, H, W) or (N, C, H, W) array or tensor
        The training samples, normalised; kept on the device.
    labels : (N,) array or tensor of int
        Their classes, 0 to K - 1, each at least once.
    test : pair of samples and labels, optional
        Others, for the test accuracy.
    device : str or torch.device, optional
        Default: a CUDA device, Apple's MPS, or the processor, the first that is there.
    checkpoints : path-like, optional
        A folder for checkpoints: all that a run needs to go on exactly where it was. The newest
        two are kept. One is written when the training ends.
    checkpoint_epochs : int, optional
        Write one every so many epochs.
    checkpoint_seconds : float, default 120
        Write one after the first epoch that ends so long after the one before.
    resume : bool, default False
        Go on from the newest checkpoint in the folder, if there is one. The numbers are then bit
        for bit those of a run that was never interrupted, on the same device with the same number
        of threads.
    progress : bool, default True
        Whether to show a progress bar.

    Returns
    -------
    TrainingResult
        Each entry of its history has

        - `epoch` (0 before the first step), `seconds` of training so far, `learning_rate`,
          `lambda_factor`;
        - `objective` with the full lambdas, its parts `fit`, `penalty_W`, `penalty_H`, and `gap`,
          how far it is above the closed-form minimum, relative to it;
        - `train_accuracy`, `test_accuracy`, and each of them `_per_class`;
        - `metrics`: for each reading, "corrected" and "as_printed", `nc1`, `nc2_w`, `nc2_h`,
          `nc2_wh`, `nc3`, `nc4` and the effective `lambda_H`, of the training samples;
        - `singular_values` of the `product` P, of the weighted class means Hbar D (`features`)
          and of P Hbar D (`prediction`), falling; the last entry has those of each of the head's
          `layers` too;
        - `alive`: how many modes the prediction has, counted from its singular values z: which of
          the local minima the run is at, or on the way to. A mode counts from half of the least
          share s = z / kappa that it keeps at any minimum where it is alive, (L - 1) / 2L; with
          one layer, where that is 0, from s = 0.001.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, or the checkpoint is of other settings or data.
    CheckpointError
        If `resume` is given and no checkpoint can be read, or if it is not and there are some.
    DivergenceError
        If the loss becomes NaN or grows without bounds; names the epoch and the last checkpoint.
    MemoryError
        If the network does not fit; says what to lower.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.repeat([0, 1, 2], [30, 20, 10])
    >>> samples = rng.standard_normal((3, 8))[labels] + 0.1 * rng.standard_normal((60, 8))
    >>> config = TrainingConfig(
    ...     depth=1, lambda_W=0.02, lambda_H=0.002, width=32, epochs=200, learning_rate=0.01
    ... )
    >>> result = train(config, samples, labels, progress=False)
    >>> result.final["train_accuracy"], result.final["alive"], result.minimizer.alive
    (1.0, 2, 2)
    """
    due = _Interval(checkpoint_epochs, checkpoint_seconds)
    if resume and checkpoints is None:
        raise ValueError("resume needs the folder of the checkpoints; got checkpoints=None")
    store = None
    try:
        trainer = _Trainer(config, samples, labels, test, chosen_device(device))
        if checkpoints is not None:
            store = CheckpointStore(checkpoints)
            trainer.restore(store, resume)
        trainer.run(store, due, progress)
    except (RuntimeError, MemoryError) as error:
        if not _is_out_of_memory(error):
            raise
        raise MemoryError(
            f"out of memory: {error}. Needed are four numbers for each weight, and the samples. "
            f"Lower width (now {config.width}), depth ({config.depth}) or batch_size "
            f"({config.batch_size}). {_last_good(store)}"
        ) from error
    return trainer.result()


def chosen_device(device: str | torch.device | None = None) -> torch.device:
    """Return the device that is asked for, or the best that is there."""
    if device is None:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    return torch.device(device)


def history_epochs(epochs: int, evaluations: int) -> list[int]:
    """Return which epochs enter the history: 0, and at most `evaluations` more up to the last."""
    spaced = np.geomspace(1, epochs, evaluations) if evaluations > 1 else np.array([epochs])
    return [0, *np.unique(np.rint(spaced).astype(int)).tolist()]


class _Trainer:
    """A run: what `train` does, in pieces."""

    def __init__(
        self,
        config: TrainingConfig,
        samples: Any,
        labels: Any,
        test: tuple[Any, Any] | None,
        device: torch.device,
    ) -> None:
        self.config, self.device = config, device
        real = torch.float64 if config.dtype == "float64" else torch.float32
        if device.type == "mps" and real is torch.float64:
            raise ValueError("dtype must not be 'float64' on device 'mps', which does not have it")
        x, y = _samples("samples", samples, labels, real)
        counts = np.bincount(y.numpy())
        if counts.min() == 0:
            raise ValueError(f"labels must hold every class; no samples of {np.argmin(counts)}")
        self.problem = config.problem(ClassCounts(counts))
        self.minimizer = global_minimizer(self.problem)
        self.x, self.y = x.to(device), y.to(device)
        self.fingerprint = _fingerprint(x, y)
        self.test: tuple[Tensor, Tensor] | None = None
        if test is not None:
            x_test, y_test = _samples("test", *test, real)
            if x_test.shape[1:] != x.shape[1:]:
                raise ValueError(
                    f"test samples must have shape {tuple(x.shape[1:])}, as the training samples; "
                    f"got {tuple(x_test.shape[1:])}"
                )
            if int(y_test.max()) >= self.problem.K:
                raise ValueError(
                    f"test labels must be from 0 to K - 1 = {self.problem.K - 1}; "
                    f"got {int(y_test.max())}"
                )
            self.fingerprint += _fingerprint(x_test, y_test)
            self.test = x_test.to(device), y_test.to(device)
        network_seed, order_seed = np.random.SeedSequence(config.seed).generate_state(2).tolist()
        self.order = torch.Generator().manual_seed(order_seed)
        self.network = make_network(
            x.shape[1:],
            self.problem.K,
            backbone=config.backbone,
            head=config.head,
            depth=config.depth,
            bias=config.bias,
            width=config.width,
            feature_dim=config.feature_dim,
            last_relu=config.last_relu,
            head_scale=config.head_scale,
            seed=network_seed,
        ).to(device, real)
        self.optimizer = self._optimizer()
        self.one_hot = torch.eye(self.problem.K, dtype=real, device=device)
        self.epoch = 0
        self.seconds = 0.0
        self.history: list[dict[str, Any]] = []

    def _optimizer(self) -> torch.optim.Adam:
        """One group for each decay; a group of the head has its lambda as `weight_decay`."""
        decays: dict[tuple[float, bool], list[Tensor]] = {}
        for W, lambda_W in zip(self.network.head.weights, self.config.lambda_W, strict=True):
            decays.setdefault((lambda_W, True), []).append(W)
        for parameter in self.network.backbone.parameters():
            decays.setdefault((self.config.weight_decay, False), []).append(parameter)
        if self.network.head.b is not None:
            decays.setdefault((0.0, False), []).append(self.network.head.b)
        groups = [
            {"params": parameters, "weight_decay": decay, "decay": decay, "penalty": penalty}
            for (decay, penalty), parameters in decays.items()
        ]
        return torch.optim.Adam(groups, lr=self.config.learning_rate, fused=True)

    def run(self, store: CheckpointStore | None, due: _Interval, progress: bool) -> None:
        """Train to the last epoch, with evaluations and checkpoints on the way."""
        epochs = self.config.epochs
        evaluated = set(history_epochs(epochs, self.config.evaluations))
        began = time.perf_counter() - self.seconds
        if not self.history:
            self._evaluate()
        # Where memory comes from torch's own cache (CUDA), there is nothing to gain.
        reused = self.network.reused_gradients() if self.device.type == "cpu" else nullcontext()
        bar = tqdm(
            total=epochs, initial=self.epoch, unit="epoch", disable=not progress, dynamic_ncols=True
        )
        with bar, reused:
            while self.epoch < epochs:
                loss = self._train_epoch()
                self.epoch += 1
                self.seconds = time.perf_counter() - began
                limit = _DIVERGED * max(0.5, self.history[0]["objective"])
                if not loss < limit:
                    raise DivergenceError(self._diverged(f"the loss is {loss:.3g}", store))
                write = store is not None and (self.epoch == epochs or due.reached(self.epoch))
                if self.epoch in evaluated or write:
                    self._require_finite(store)
                if self.epoch in evaluated:
                    self._evaluate()
                    now = self.history[-1]
                    bar.set_postfix_str(f"objective {now['objective']:.5g}, gap {now['gap']:.1e}")
                if write and store is not None:
                    self._save(store)
                    due.restart()
                bar.update()
        self.optimizer.zero_grad()

    def _save(self, store: CheckpointStore) -> None:
        try:
            store.save(self.epoch, self._state())
        except OSError as error:
            # What is on the disk stays, and the next checkpoint may find room.
            logger.warning(
                "no checkpoint of epoch %d (%s); training goes on. %s",
                self.epoch,
                error,
                _last_good(store),
            )

    def _train_epoch(self) -> float:
        """Take one step for each batch; return the mean loss."""
        config, N = self.config, self.problem.N
        order = torch.randperm(N, generator=self.order).to(self.device)
        batches = torch.split(order, config.batch_size)
        steps = config.epochs * len(batches)
        total = torch.zeros((), dtype=self.one_hot.dtype, device=self.device)
        with _numerics(config.dtype, self.device):
            for i, rows in enumerate(batches):
                lambda_factor = self._set_rates((self.epoch * len(batches) + i) / steps)
                self.optimizer.zero_grad()
                loss = self._batch_loss(rows, lambda_factor)
                torch.autograd.backward(loss)
                self.optimizer.step()
                total += loss.detach() * (len(rows) / N)
        return float(total)

    def _set_rates(self, done: float) -> float:
        factor = self.config.lambda_factor_at(done)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate_at(done)
            group["weight_decay"] = group["decay"] * (factor if group["penalty"] else 1)
        return factor

    def _batch_loss(self, rows: Tensor, lambda_factor: float) -> Tensor:
        with _autocast(self.config.dtype, self.device):
            features = self.network.backbone(self.x[rows])
        # The head's products have few rows: what they cost is reading the weights once.
        features = features.to(self.one_hot.dtype)
        error = self.network.head(features) - self.one_hot[self.y[rows]]
        weight = self.problem.N * self.problem.lambda_H * lambda_factor
        loss: Tensor = (error.square().sum() + weight * features.square().sum()) / (2 * len(rows))
        return loss

    def _require_finite(self, store: CheckpointStore | None) -> None:
        for name, parameter in self.network.named_parameters():
            if not bool(torch.isfinite(parameter).all()):
                raise DivergenceError(self._diverged(f"{name} is not finite", store))

    def _diverged(self, what: str, store: CheckpointStore | None) -> str:
        return (
            f"training diverged in epoch {self.epoch}: {what}; lower learning_rate "
            f"(now {self.config.learning_rate:g}). {_last_good(store)}"
        )

    # ------------------------------------------------------------ evaluation

    @torch.no_grad()
    def _evaluate(self) -> None:
        """Append an entry to the history; always in full precision."""
        config, problem = self.config, self.problem
        done = self.epoch / config.epochs
        features, logits = self._forward(self.x)
        error = _double(logits - self.one_hot[self.y])
        fit = float(error.square().sum()) / (2 * problem.N)
        penalty_H = problem.lambda_H / 2 * float(_double(features).square().sum())
        Ws = [W.detach() for W in self.network.head.weights]
        penalty_W = sum(
            lam / 2 * float(_double(W).square().sum())
            for lam, W in zip(problem.lambda_W, Ws, strict=True)
        )
        objective = fit + penalty_W + penalty_H
        minimum = self.minimizer.objective
        right, per_class = _accuracy(logits, self.y, problem.K)
        entry: dict[str, Any] = {
            "epoch": self.epoch,
            "seconds": self.seconds,
            "learning_rate": config.learning_rate_at(done),
            "lambda_factor": config.lambda_factor_at(done),
            "objective": objective,
            "gap": objective / minimum - 1,
            "fit": fit,
            "penalty_W": penalty_W,
            "penalty_H": penalty_H,
            "train_accuracy": right,
            "train_accuracy_per_class": per_class,
            "test_accuracy": None,
            "test_accuracy_per_class": None,
        }
        if self.test is not None:
            x_test, y_test = self.test
            right, per_class = _accuracy(self._forward(x_test)[1], y_test, problem.K)
            entry |= {"test_accuracy": right, "test_accuracy_per_class": per_class}
        entry["metrics"] = self._metrics(features, Ws)
        entry |= self._singular_values(features, logits, Ws)
        self.history.append(entry)

    def _forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features and logits of all samples."""
        with _numerics("float32", self.device):
            parts = [self.network(part) for part in torch.split(x, _EVALUATION_ROWS)]
        return torch.cat([part[1] for part in parts]), torch.cat([part[0] for part in parts])

    def _metrics(self, features: Tensor, Ws: list[Tensor]) -> dict[str, dict[str, float | None]]:
        linear = self.config.head == "linear"
        b = self.network.head.b
        accumulator = MetricsAccumulator(
            self.problem.K, Ws if linear else None, b if linear else None
        )
        accumulator.update(features, self.y)
        second = accumulator.second_pass()
        second.update(features, self.y)
        values: dict[str, dict[str, float | None]] = {}
        for reading in ("corrected", "as_printed"):
            numbers = second.compute(self.minimizer, reading=reading).numbers()
            values[reading] = {metric.key: _plain(numbers[metric.key]) for metric in NUMBERS}
        return values

    def _singular_values(
        self, features: Tensor, logits: Tensor, Ws: list[Tensor]
    ) -> dict[str, Any]:
        problem, head = self.problem, self.network.head
        # Class means times sqrt(n_k) are sums over sqrt(n_k).
        root = torch.from_numpy(np.sqrt(problem.counts.n))
        share = (torch.nn.functional.one_hot(self.y.cpu(), problem.K) / root).to(_home(self.device))
        matrices = {
            "features": share.T @ _double(features),
            "prediction": share.T @ _double(logits if head.b is None else logits - head.b),
        }
        if head.kind == "linear":
            matrices["product"] = head.product()
        values: dict[str, Any] = {name: _spectrum(A, problem.K) for name, A in matrices.items()}
        if self.epoch == self.config.epochs:
            values["layers"] = [_spectrum(W, problem.K) for W in Ws]
        # On an alive branch s = z / kappa is at least (L - 1) / 2L: half-way from there to 0.
        cut = max((problem.depth - 1) / (4 * problem.depth), 1e-3)
        z, kappa = np.array(values["prediction"]), self.minimizer.kappa
        possible = kappa[: problem.rank_limit - (problem.bias and problem.rank_limit == problem.K)]
        alive = int(np.count_nonzero(z[: possible.size] > cut * possible))
        return {"singular_values": values, "alive": alive}

    # ------------------------------------------------------------ state

    def _state(self) -> dict[str, Any]:
        return {
            "config": self.config.to_dict(),
            "data": self.fingerprint,
            "machine": _machine(self.device),
            "epoch": self.epoch,
            "seconds": self.seconds,
            "history": self.history,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "order": self.order.get_state(),
        }

    def restore(self, store: CheckpointStore, resume: bool) -> None:
        """Take up the newest checkpoint, if that is wanted and there is one."""
        if not resume:
            if store.paths():
                raise CheckpointError(
                    f"{store.folder} has checkpoints, the newest {store.paths()[-1].name}: "
                    "resume that run, or name another folder"
                )
            return
        state = store.load()
        if state is None:
            return
        ours = {**self.config.to_dict(), "data": self.fingerprint}
        theirs = {**state["config"], "data": state["data"]}
        different = [
            f"{name} = {theirs.get(name)!r} there, {ours.get(name)!r} here"
            for name in sorted(ours.keys() | theirs.keys())
            if theirs.get(name) != ours.get(name)
        ]
        if different:
            raise ValueError(
                f"{store.folder} has checkpoints of another run: {'; '.join(different)}"
            )
        machine = _machine(self.device)
        changed = [
            f"{k} {state['machine'].get(k)} -> {v}"
            for k, v in machine.items()
            if state["machine"].get(k) != v
        ]
        if changed:
            logger.warning(
                "the run began elsewhere (%s): it goes on, equal to rounding but not bit for bit",
                ", ".join(changed),
            )
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.order.set_state(state["order"])
        self.epoch, self.seconds = state["epoch"], state["seconds"]
        self.history = state["history"]

    def result(self) -> TrainingResult:
        return TrainingResult(
            self.config, self.network, self.minimizer, self.history, _machine(self.device)
        )


class _Interval:
    """When the next checkpoint is due."""

    def __init__(self, epochs: int | None, seconds: float) -> None:
        if epochs is not None:
            epochs = as_whole("checkpoint_epochs", epochs, 1)
        if seconds != math.inf:
            seconds = _between("checkpoint_seconds", seconds, 0, math.inf)
        self.epochs, self.seconds = epochs, seconds
        self.last_time = time.monotonic()

    def reached(self, epoch: int) -> bool:
        by_epochs = self.epochs is not None and epoch % self.epochs == 0
        return by_epochs or time.monotonic() - self.last_time >= self.seconds

    def restart(self) -> None:
        self.last_time = time.monotonic()


@contextmanager
def _numerics(dtype: Precision, device: torch.device) -> Iterator[None]:
    """Set how matrix products round, and make convolutions reproducible, for a while."""
    before = torch.get_float32_matmul_precision()
    # On processors "medium" rounds the factors to bfloat16 inside the product.
    rounded = dtype == "bfloat16" and device.type == "cpu"
    torch.set_float32_matmul_precision("medium" if rounded else "highest")
    try:
        with torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        ):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextmanager
def _autocast(dtype: Precision, device: torch.device) -> Iterator[None]:
    enabled = dtype == "bfloat16" and device.type != "cpu"
    with torch.autocast(device.type, torch.bfloat16, enabled=enabled):
        yield


def _as_tensor(values: Any) -> Tensor:
    """Make a tensor in the same memory, or of a copy where torch would warn: it can't lock one."""
    if isinstance(values, np.ndarray) and not values.flags.writeable:
        values = values.copy()
    return torch.as_tensor(values)


def _samples(name: str, samples: Any, labels: Any, real: torch.dtype) -> tuple[Tensor, Tensor]:
    x = _as_tensor(samples)
    if x.ndim not in (2, 3, 4) or not x.numel():
        raise ValueError(
            f"{name} must have shape (N, d), (N, H, W) or (N, C, H, W); got {tuple(x.shape)}"
        )
    x = x.to("cpu", real)
    if not bool(torch.isfinite(x).all()):
        raise ValueError(f"{name} must be finite; got NaN or infinity")
    y = _as_tensor(labels)
    if y.is_floating_point() or y.is_complex() or y.dtype == torch.bool:
        raise TypeError(f"labels of {name} must be whole numbers; got {y.dtype}")
    if y.shape != (len(x),):
        raise ValueError(
            f"labels of {name} must be one for each of the {len(x)} samples; got {tuple(y.shape)}"
        )
    y = y.to("cpu", torch.int64)
    if int(y.min()) < 0:
        raise ValueError(f"labels of {name} must not be negative; got {int(y.min())}")
    return x.contiguous(), y


def _fingerprint(x: Tensor, y: Tensor) -> str:
    """Name the data: a checkpoint of other data must not be taken up."""
    digest = hashlib.sha256(repr((tuple(x.shape), x.dtype)).encode())
    digest.update(x.numpy().data)
    digest.update(y.numpy().data)
    return digest.hexdigest()


def _accuracy(logits: Tensor, y: Tensor, K: int) -> tuple[float, list[float | None]]:
    """Share of the samples that are classified right: of all, and of each class."""
    accuracy = Accuracy(K)
    accuracy.update(logits.argmax(dim=1).cpu().numpy(), y.cpu().numpy())
    return accuracy.overall, [_plain(value) for value in accuracy.by_class]


def _spectrum(matrix: Tensor, K: int) -> list[float]:
    """Singular values, falling: the K largest, or all where there are fewer, then zeros."""
    values: list[float] = torch.linalg.svdvals(_double(matrix))[:K].cpu().tolist()
    return values + [0.0] * (K - len(values))


def _home(device: torch.device) -> torch.device:
    """Where float64 is: Apple's GPUs have none."""
    return torch.device("cpu") if device.type == "mps" else device


def _double(tensor: Tensor) -> Tensor:
    return tensor.to(_home(tensor.device)).double()


def _plain(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _machine(device: torch.device) -> dict[str, Any]:
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "processor": platform.machine(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "nclib": nclib.__version__,
    }


def _is_out_of_memory(error: BaseException) -> bool:
    text = str(error)
    return (
        isinstance(error, MemoryError | torch.OutOfMemoryError)
        or "not enough memory" in text
        or "can't allocate memory" in text
    )


def _last_good(store: CheckpointStore | None) -> str:
    if store is None or not store.paths():
        return "There is no checkpoint."
    return f"The last good checkpoint is {store.paths()[-1]}."


def _choice(name: str, value: object, choices: Any) -> str:
    """Return one of the strings allowed, as Python's own."""
    for choice in get_args(choices):
        if isinstance(value, str) and value == choice:
            return str(choice)
    allowed = " or ".join(repr(choice) for choice in get_args(choices))
    raise ValueError(f"{name} must be {allowed}; got {value!r:.60}")


def _between(name: str, value: Any, low: float, high: float, low_allowed: bool = True) -> float:
    """Return a number in an interval that is open above, as Python's float."""
    if not is_number(value):
        raise TypeError(f"{name} must be a number; got {value!r:.60}")
    try:
        number = float(plain(value))
    except OverflowError:
        number = math.inf
    if not low <= number < high or (number == low and not low_allowed):
        first = f"at least {low:g}" if low_allowed else f"above {low:g}"
        below = "finite" if high == math.inf else f"below {high:g}"
        raise ValueError(f"{name} must be {first} and {below}; got {value!r:.60}")
    return number + 0.0  # of the two zeros the one without a sign
