"""The training engine: objective (4.3) on real samples, by Adam, with what the theory predicts.

The loss of a batch is ``1/2 mean ||z - y||^2 + N lambda_H / 2 mean ||h||^2``, with another loss in
the place of the squared error where that is asked for (`BatchObjective`), and the optimiser adds
``lambda_Wj W_j`` to the gradient of each layer of the head (Adam's L2 `weight_decay`; the decoupled
decay of AdamW is something else). So at fixed weights the gradients of an epoch's batches, each
weighted by its share of the samples, add up to the gradient of the objective.
"""

from __future__ import annotations

import logging
import os
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nclib._checks import DROP_CLASS
from nclib._extras import imported
from nclib.theory.counts import ClassCounts
from nclib.training.checkpoints import CheckpointError, CheckpointStore, Interval, last_good
from nclib.training.config import TrainingConfig
from nclib.training.epoch_graph import EpochGraph
from nclib.training.evaluation import Evaluator, history_epochs
from nclib.training.experiment import Optimum, optimum_of, reached_minimum
from nclib.training.history import HistoryEntry, Machine, WithHistory
from nclib.training.inputs import checked_samples, fingerprint
from nclib.training.networks import Network, make_network
from nclib.training.numerics import (
    autocast,
    chosen_device,
    is_out_of_memory,
    machine_facts,
    matrix_products,
)
from nclib.training.objective import BatchObjective

__all__ = [
    "DivergenceError",
    "TrainingConfig",
    "TrainingResult",
    "chosen_device",
    "history_epochs",
    "train",
]


logger = logging.getLogger(__name__)


_DIVERGED = 1e6
"""A loss this many times the first one counts as divergence."""


class DivergenceError(ArithmeticError):
    """The loss or a weight became NaN or infinite, or the loss grew beyond all bounds."""


@dataclass(frozen=True, eq=False, repr=False)
class TrainingResult(WithHistory):
    """A trained network and how it came there.

    Attributes
    ----------
    config : TrainingConfig
    network : Network
        On the device it was trained on.
    minimizer : Minimizer, LossMinimizer or NonNegativeMinimizer
        The global minimum, of ``minimizer.problem``: the closed form, or solved to a certified gap
        where there is none.
    history : list of HistoryEntry
        One entry for each evaluated epoch, of plain values that JSON can hold.
    machine : Machine
        Device, processor, threads and versions.
    """

    config: TrainingConfig
    network: Network
    minimizer: Optimum
    history: list[HistoryEntry]
    machine: Machine

    @property
    def reached(self) -> Optimum:
        """The local minimum with as many modes alive as the network has in the end.

        One layer has no local minimum but the global one; those of deeper heads are known for the
        paper's model only, and here it is the global one for every other.
        """
        return reached_minimum(self.minimizer, self.final["alive"])

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
        Default: a CUDA device, Apple's MPS, or the CPU, the first that is there.
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
        Its history has a `HistoryEntry` for each epoch that was evaluated. A mode of the prediction
        counts as alive from half of the least share s = z / kappa that it keeps at any minimum
        where it is alive, (L - 1) / 2L; with one layer, where that is 0, from s = 0.001.

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
    due = Interval(checkpoint_epochs, checkpoint_seconds)
    if resume and checkpoints is None:
        raise ValueError("resume needs the folder of the checkpoints; got checkpoints=None")
    store = None
    try:
        trainer = _Trainer(config, samples, labels, test, chosen_device(device))
        if checkpoints is not None:
            store = CheckpointStore(checkpoints)
            trainer.restore(store, resume)
        trainer.run(store, due, progress)
    except KeyboardInterrupt as interrupt:
        go_on = " resume=True goes on from it." * bool(store is not None and store.paths())
        interrupt.add_note(f"{last_good(store)}{go_on}")
        raise
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise MemoryError(
            f"out of memory: {error}. Needed are four numbers for each weight, and the samples. "
            f"Lower width (now {config.width}), depth ({config.depth}) or batch_size "
            f"({config.batch_size}). {last_good(store)}"
        ) from error
    return trainer.result()


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
        x, y = checked_samples("samples", samples, labels, real)
        counts = np.bincount(y.numpy())
        if counts.min() == 0:
            raise ValueError(
                f"labels must hold every class; no samples of {np.argmin(counts)}; {DROP_CLASS}"
            )
        self.problem = config.problem(ClassCounts(counts))
        self.minimizer = optimum_of(self.problem)
        self.real, self.labels = real, y
        self.x, self.y = x.to(device), y.to(device)
        self.fingerprint = fingerprint(x, y)
        self.test: tuple[Tensor, Tensor] | None = None
        if test is not None:
            x_test, y_test = checked_samples("test", *test, real)
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
            self.fingerprint += fingerprint(x_test, y_test)
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
        self.objective = BatchObjective(config, self.problem.counts, real, device)
        self.evaluator = Evaluator(
            config, self.network, self.minimizer, (self.x, self.y), self.test
        )
        self.epoch = 0
        self.seconds = 0.0
        self.history: list[HistoryEntry] = []
        self.graph: EpochGraph | None = None

    def _optimizer(self) -> torch.optim.Adam:
        """One group for each decay; a group of the head has its lambda as `weight_decay`."""
        decays: dict[tuple[float, bool], list[Tensor]] = {}
        for W, lambda_W in zip(self.network.head.weights, self.config.lambda_W, strict=True):
            decays.setdefault((lambda_W, True), []).append(W)
        for parameter in self.network.backbone.parameters():
            decays.setdefault((self.config.weight_decay, False), []).append(parameter)
        if self.network.head.b is not None:
            lambda_b = self.config.lambda_b
            decays.setdefault((lambda_b, lambda_b > 0), []).append(self.network.head.b)
        groups = [
            {"params": parameters, "weight_decay": decay, "decay": decay, "penalty": penalty}
            for (decay, penalty), parameters in decays.items()
        ]
        cuda = self.device.type == "cuda"
        return torch.optim.Adam(groups, lr=self.config.learning_rate, fused=True, capturable=cuda)

    def run(self, store: CheckpointStore | None, due: Interval, progress: bool) -> None:
        """Train to the last epoch, with evaluations and checkpoints on the way."""
        epochs = self.config.epochs
        evaluated = set(history_epochs(epochs, self.config.evaluations))
        began = time.perf_counter() - self.seconds
        if not self.history:
            self._evaluate()
        # Where memory comes from torch's own cache (CUDA), there is nothing to gain.
        reused = self.network.reused_gradients() if self.device.type == "cpu" else nullcontext()
        bar = _progress_bar(epochs, self.epoch) if progress else None
        with bar or nullcontext(), reused:
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
                    if bar is not None:
                        now = self.history[-1]
                        bar.set_postfix_str(
                            f"objective {now['objective']:.5g}, gap {now['gap']:.1e}"
                        )
                if write and store is not None:
                    self._save(store)
                    due.restart()
                if bar is not None:
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
                last_good(store),
            )

    def _train_epoch(self) -> float:
        """Take one step for each batch; return the mean loss."""
        config, N = self.config, self.problem.N
        order = self.objective.epoch(self.labels, self.order).to(self.device)
        batches = torch.split(order, config.batch_size)
        steps = config.epochs * len(batches)
        # Adam on CUDA takes a rate that is a tensor in float32 alone, which float64 would notice.
        if self.device.type == "cuda" and config.dtype != "float64":
            return self._as_graph().run(order, self.epoch)
        total = torch.zeros((), dtype=self.real, device=self.device)
        with matrix_products(config.dtype, self.device):
            for i, rows in enumerate(batches):
                lambda_factor = self._set_rates((self.epoch * len(batches) + i) / steps)
                self.optimizer.zero_grad()
                loss = self._batch_loss(rows, lambda_factor)
                torch.autograd.backward(loss)
                self.optimizer.step()
                total += loss.detach() * (len(rows) / N)
        return float(total)

    def _as_graph(self) -> EpochGraph:
        if self.graph is None:
            N, real = self.problem.N, self.real
            self.graph = EpochGraph(
                self.config, N, self._batch_loss, self.optimizer, dtype=real, device=self.device
            )
        return self.graph

    def _set_rates(self, done: float) -> float:
        factor = self.config.lambda_factor_at(done)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate_at(done)
            group["weight_decay"] = group["decay"] * (factor if group["penalty"] else 1)
        return factor

    def _batch_loss(self, rows: Tensor, lambda_factor: float | Tensor) -> Tensor:
        with autocast(self.config.dtype, self.device):
            features = self.network.backbone(self.x[rows])
        # The head's products have few rows: what they cost is reading the weights once.
        features = features.to(self.real)
        y = self.y[rows]
        fit = self.objective.fit(self.network.head(features), y)
        weight = self.problem.N * self.problem.lambda_H * lambda_factor / 2
        return (fit + weight * self.objective.squares(features, y)) / len(rows)

    def _require_finite(self, store: CheckpointStore | None) -> None:
        for name, parameter in self.network.named_parameters():
            if not bool(torch.isfinite(parameter).all()):
                raise DivergenceError(self._diverged(f"{name} is not finite", store))

    def _diverged(self, what: str, store: CheckpointStore | None) -> str:
        return (
            f"training diverged in epoch {self.epoch}: {what}; lower learning_rate "
            f"(now {self.config.learning_rate:g}). {last_good(store)}"
        )

    def _evaluate(self) -> None:
        self.history.append(self.evaluator.entry(self.epoch, self.seconds))

    # ------------------------------------------------------------ state

    def _state(self) -> dict[str, Any]:
        return {
            "config": self.config.to_dict(),
            "data": self.fingerprint,
            "machine": machine_facts(self.device),
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
        machine = machine_facts(self.device)
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
        for group in self.optimizer.param_groups:  # the run may have begun on another device
            group["capturable"] = self.device.type == "cuda"
        self.order.set_state(state["order"])
        self.epoch, self.seconds = state["epoch"], state["seconds"]
        self.history = state["history"]

    def result(self) -> TrainingResult:
        return TrainingResult(
            self.config, self.network, self.minimizer, self.history, machine_facts(self.device)
        )


def _progress_bar(epochs: int, done: int) -> Any:
    bar = imported("tqdm.auto", "a progress bar").tqdm
    return bar(total=epochs, initial=done, unit="epoch", dynamic_ncols=True)
