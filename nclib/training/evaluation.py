"""What is measured of a network between two epochs: an entry of the history."""

from __future__ import annotations

import math
from typing import TypedDict, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nclib.metrics import NUMBERS, Accuracy, MetricsAccumulator
from nclib.theory.losses.objects import CrossEntropy
from nclib.theory.minimizer import Minimizer
from nclib.theory.problem import Problem
from nclib.training.config import TrainingConfig
from nclib.training.experiment import Optimum
from nclib.training.history import HistoryEntry, MetricValues, SingularValues
from nclib.training.networks import Network
from nclib.training.numerics import double, float64_device, matrix_products
from nclib.training.objective import BatchObjective

_EVALUATION_ROWS = 1024

_LEAST_LOGIT = 0.01
"""With cross-entropy a mode is alive from here on, in logits of the most frequent class."""


def history_epochs(epochs: int, evaluations: int) -> list[int]:
    """Return which epochs enter the history: 0, and at most `evaluations` more up to the last."""
    spaced = np.geomspace(1, epochs, evaluations) if evaluations > 1 else np.array([epochs])
    return [0, *np.unique(np.rint(spaced).astype(int)).tolist()]


class _PenaltyOfBias(TypedDict, total=False):
    penalty_b: float


class Evaluator:
    """Measures one network on one set of samples, again and again.

    Parameters
    ----------
    config : TrainingConfig
    network : Network
        Looked at, never changed.
    minimizer : Minimizer, LossMinimizer or NonNegativeMinimizer
        What it is compared with.
    train, test : pair of samples and labels
        Tensors on the network's device; `test` may be None.
    """

    def __init__(
        self,
        config: TrainingConfig,
        network: Network,
        minimizer: Optimum,
        train: tuple[Tensor, Tensor],
        test: tuple[Tensor, Tensor] | None,
    ) -> None:
        self.config, self.network, self.minimizer = config, network, minimizer
        self.problem = minimizer.problem
        self.x, self.y = train
        self.test = test
        self.device = self.x.device
        place = float64_device(self.device)
        self.objective = BatchObjective(config, self.problem.counts, torch.float64, place)
        self.labels = self.y.to(place)
        self.cut = self._least_alive()

    def _least_alive(self) -> NDArray[np.float64]:
        """Return from which singular value on the prediction's modes are alive, one for each."""
        config, problem, best = self.config, self.problem, self.minimizer
        if isinstance(config.loss, CrossEntropy):
            largest = math.sqrt(float(self.objective.feature_weight.max()))
            return np.full(problem.K - config.bias, _LEAST_LOGIT * largest)
        # On an alive branch s = z / kappa is at least (L - 1) / 2L: half-way from there to 0.
        share = max((problem.depth - 1) / (4 * problem.depth), 1e-3)
        if isinstance(problem, Problem):
            limit = problem.rank_limit
            kappa = cast(Minimizer, best).kappa
            return share * kappa[: limit - (config.bias and limit == problem.K)]
        # Which mode a singular value belongs to is not known where modes have weights.
        kappa = np.sqrt(self.objective.feature_weight) * (1 - config.loss.label_smoothing)
        return np.full(problem.K - config.bias, share * kappa.min())

    @torch.no_grad()
    def entry(self, epoch: int, seconds: float) -> HistoryEntry:
        """Return what the network is like after an epoch; always in full precision.

        Parameters
        ----------
        epoch : int
            How many are done.
        seconds : float
            Of training so far.

        Returns
        -------
        HistoryEntry
        """
        config, problem = self.config, self.problem
        done = epoch / config.epochs
        features, logits = self._forward(self.x)
        fit, squares = self.objective.of_all(double(logits), double(features), self.labels)
        penalty_H = problem.lambda_H / 2 * squares
        Ws = [W.detach() for W in self.network.head.weights]
        penalty_W = sum(
            lam / 2 * float(double(W).square().sum())
            for lam, W in zip(problem.lambda_W, Ws, strict=True)
        )
        penalty_b = 0.0
        if self.network.head.b is not None:
            penalty_b = config.lambda_b / 2 * float(double(self.network.head.b).square().sum())
        objective = fit + penalty_W + penalty_H + penalty_b
        minimum = self.minimizer.objective
        right, per_class = _accuracy(logits, self.y, problem.K)
        test_right, test_per_class = None, None
        if self.test is not None:
            x_test, y_test = self.test
            test_right, test_per_class = _accuracy(self._forward(x_test)[1], y_test, problem.K)
        values = self._singular_values(features, logits)
        alive = self._alive(values)
        if epoch == config.epochs:
            values["layers"] = [_spectrum(W, problem.K) for W in Ws]
        of_bias: _PenaltyOfBias = {"penalty_b": penalty_b} if config.lambda_b else {}
        return {
            "epoch": epoch,
            "seconds": seconds,
            "learning_rate": config.learning_rate_at(done),
            "lambda_factor": config.lambda_factor_at(done),
            "objective": objective,
            "gap": objective / minimum - 1,
            "fit": fit,
            "penalty_W": penalty_W,
            "penalty_H": penalty_H,
            **of_bias,
            "train_accuracy": right,
            "train_accuracy_per_class": per_class,
            "test_accuracy": test_right,
            "test_accuracy_per_class": test_per_class,
            "metrics": self._metrics(features, Ws),
            "singular_values": values,
            "alive": alive,
        }

    def _forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features and logits of all samples."""
        with matrix_products("float32", self.device):
            parts = [self.network(part) for part in torch.split(x, _EVALUATION_ROWS)]
        return torch.cat([part[1] for part in parts]), torch.cat([part[0] for part in parts])

    def _metrics(self, features: Tensor, Ws: list[Tensor]) -> dict[str, MetricValues]:
        linear = self.config.head == "linear"
        b = self.network.head.b
        accumulator = MetricsAccumulator(
            self.problem.K, Ws if linear else None, b if linear else None
        )
        accumulator.update(features, self.y)
        second = accumulator.second_pass()
        second.update(features, self.y)
        values: dict[str, MetricValues] = {}
        # Metrics compare with the paper's minima.
        minimum = self.minimizer if isinstance(self.problem, Problem) else None
        for reading in ("corrected", "as_printed"):
            numbers = second.compute(minimum, reading=reading).numbers()
            values[reading] = {metric.key: _plain(numbers[metric.key]) for metric in NUMBERS}
        return values

    def _singular_values(self, features: Tensor, logits: Tensor) -> SingularValues:
        problem, head = self.problem, self.network.head
        # Class means times d_k, which is sqrt(n_k) without a sampler.
        root = torch.from_numpy(problem.counts.n / np.sqrt(self.objective.feature_weight))
        share = (torch.nn.functional.one_hot(self.y.cpu(), problem.K) / root).to(
            float64_device(self.device)
        )
        prediction = share.T @ double(logits if head.b is None else logits - head.b)
        values: SingularValues = {
            "features": _spectrum(share.T @ double(features), problem.K),
            "prediction": _spectrum(prediction, problem.K),
        }
        if head.kind == "linear":
            values["product"] = _spectrum(head.product(), problem.K)
        return values

    def _alive(self, values: SingularValues) -> int:
        """Count the modes that the prediction has."""
        return int(np.count_nonzero(values["prediction"][: self.cut.size] > self.cut))


def _accuracy(logits: Tensor, y: Tensor, K: int) -> tuple[float, list[float | None]]:
    """Share of the samples that are classified right: of all, and of each class."""
    accuracy = Accuracy(K)
    accuracy.update(logits.argmax(dim=1).cpu().numpy(), y.cpu().numpy())
    return accuracy.overall, [_plain(value) for value in accuracy.by_class]


def _spectrum(matrix: Tensor, K: int) -> list[float]:
    """Singular values, falling: the K largest, or all where there are fewer, then zeros."""
    values: list[float] = torch.linalg.svdvals(double(matrix))[:K].cpu().tolist()
    return values + [0.0] * (K - len(values))


def _plain(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
