"""Whether the theory speaks about a network of which features and head are at hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nclib.diagnosis.validity import Observation, Outside, beside_the_optimum
from nclib.metrics import MetricsAccumulator, SecondPass
from nclib.theory.minimizer import Minimizer, global_minimizer

Array = NDArray[np.float64]


class Residuals:
    """What the squared error makes of the logits of a head, summed over blocks of samples.

    Parameters
    ----------
    Ws : list of ndarray
        The layers, W_1 first.
    b : (K,) ndarray or None
    """

    def __init__(self, Ws: list[NDArray[np.floating]], b: NDArray[np.floating] | None) -> None:
        layers = [np.asarray(W, dtype=float) for W in Ws]
        self.last = layers[-1]
        self.squares_of_weights = [float(np.square(W).sum()) for W in layers]
        d = layers[0].shape[1]
        self._below = np.linalg.multi_dot([*layers[-2::-1], np.eye(d)]) if layers[1:] else None
        self._b = np.zeros(len(self.last)) if b is None else np.asarray(b, dtype=float)
        self.fit = self.squares = 0.0
        self.gradient = np.zeros_like(self.last)
        self.never_negative = True
        self.lengths = np.array([np.inf, 0.0])

    def update(self, block: NDArray[np.floating], labels: NDArray[np.integer]) -> None:
        """Add a block of features."""
        features = np.asarray(block, dtype=float)
        inputs = features if self._below is None else features @ self._below.T
        residual = inputs @ self.last.T + self._b
        residual[np.arange(labels.size), labels] -= 1
        self.fit += float(np.square(residual).sum()) / 2
        self.gradient += residual.T @ inputs
        lengths = np.square(features).sum(axis=1)
        self.squares += float(lengths.sum())
        self.never_negative &= bool((features >= 0).all())
        self.lengths[:] = min(self.lengths[0], lengths.min()), max(self.lengths[1], lengths.max())


def observe(
    accumulator: MetricsAccumulator, second: SecondPass, residuals: Residuals, best: Minimizer
) -> Observation:
    """Return what tells whether the theory of the squared error speaks about a network."""
    problem, N = best.problem, best.problem.N
    modes = accumulator.modes(problem.lambda_W[0])
    means, n = accumulator.class_means(), accumulator.counts
    centre = n @ means / N
    total = residuals.squares
    decay = problem.lambda_W[-1] * residuals.last
    size = float(np.linalg.norm(decay))
    objective = residuals.fit / N + problem.lambda_H / 2 * total
    for lam, squares in zip(problem.lambda_W, residuals.squares_of_weights, strict=True):
        objective += lam / 2 * squares
    outside = []
    if problem.bias and residuals.never_negative:
        outside.append(
            Outside(
                "the features are never negative",
                "the theory does not cover a ReLU before a head with a bias",
            )
        )
    if residuals.lengths[1] <= residuals.lengths[0] * (1 + 1e-4) and accumulator.d != 1:
        outside.append(
            Outside(
                "the features all have the same length",
                "the theory does not cover features that are normalised",
            )
        )
    answers = second.accuracy_by_class
    assert answers is not None
    compared = beside_the_optimum(
        best,
        modes,
        (answers > 0.5).tolist(),
        [str(k) for k in range(problem.K)],
        lambda lambda_H: global_minimizer(replace(problem, lambda_H=lambda_H)),
        may_be_stuck=problem.depth > 1 or residuals.never_negative,
    )
    return Observation(
        rest=float(np.linalg.norm(residuals.gradient / N + decay)) / size if size else np.inf,
        lambda_H=modes.lambda_H,
        gap=objective / best.objective - 1,
        within=float(second.squares_by_class.sum()) / total if total else None,
        mean=float(N * centre @ centre) / total if problem.bias and total else None,
        depth=problem.depth,
        outside=tuple(outside),
        **compared,
    )
