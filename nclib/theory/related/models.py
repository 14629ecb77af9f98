"""The relatives whose optimum is known, each by a key: the same counts and penalties for all.

What a model is in one formula, and its optimum for given counts and one common lambda. Portraits,
the table of properties and the explorable ask for nothing more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nclib._checks import positive
from nclib.theory.counts import ClassCounts, as_counts
from nclib.theory.losses.groups import Bias
from nclib.theory.losses.objects import CrossEntropy, Loss, SquaredError
from nclib.theory.losses.optimum import loss_minimizer
from nclib.theory.losses.problem import LossProblem
from nclib.theory.minimizer import global_minimizer
from nclib.theory.optimum import Optimum, class_outcomes
from nclib.theory.problem import Problem

DEPTH = 3
"""Layers of the deep heads in the list."""

RHO = 0.1
"""Penalty on the bias of the model that has one, in the list."""


@dataclass(frozen=True)
class Relative:
    """One model of the family.

    Attributes
    ----------
    key : str
        Short name.
    label : str
        What it is, in a few words.
    problem : callable
        ``(counts, lam)`` to the problem with every lambda equal to `lam`.
    bias : bool
        Whether it has a bias.
    depth : int
        Number of linear layers.
    twin : str or None
        Key of the model that differs by the bias alone.
    deeper : str or None
        Key of the model that differs by the depth alone.
    """

    key: str
    label: str
    problem: Callable[[ClassCounts, float], Problem | LossProblem]
    bias: bool
    depth: int = 1
    twin: str | None = None
    deeper: str | None = None

    def optimum(self, counts: ClassCounts, lam: float) -> Optimum:
        """Return the global optimum for these counts, with every lambda equal to `lam`."""
        problem = self.problem(counts, lam)
        if isinstance(problem, LossProblem):
            return loss_minimizer(problem)
        return global_minimizer(problem)


def _squared(depth: int, bias: bool) -> Callable[[ClassCounts, float], Problem]:
    def problem(counts: ClassCounts, lam: float) -> Problem:
        return Problem(counts, depth, bias=bias, lambda_W=(lam,) * depth, lambda_H=lam)

    return problem


def _loss(loss: Loss, bias: Bias, **settings: Any) -> Callable[[ClassCounts, float], LossProblem]:
    def problem(counts: ClassCounts, lam: float) -> LossProblem:
        return LossProblem(counts, loss, bias=bias, lambda_W=(lam,), lambda_H=lam, **settings)

    return problem


RELATIVES = {
    relative.key: relative
    for relative in (
        Relative(
            "squared, no bias",
            "squared error, one layer, no bias",
            _squared(1, bias=False),
            bias=False,
            twin="squared, bias",
            deeper="deep, no bias",
        ),
        Relative(
            "squared, penalised bias",
            "squared error, one layer, penalised bias",
            _loss(SquaredError(), "decayed", lambda_b=RHO),
            bias=True,
            twin="squared, no bias",
        ),
        Relative(
            "squared, bias",
            "squared error, one layer, free bias",
            _squared(1, bias=True),
            bias=True,
            twin="squared, no bias",
            deeper="deep, bias",
        ),
        Relative(
            "deep, no bias",
            "squared error, three layers, no bias",
            _squared(DEPTH, bias=False),
            bias=False,
            depth=DEPTH,
            twin="deep, bias",
            deeper="squared, no bias",
        ),
        Relative(
            "deep, bias",
            "squared error, three layers, free bias",
            _squared(DEPTH, bias=True),
            bias=True,
            depth=DEPTH,
            twin="deep, no bias",
            deeper="squared, bias",
        ),
        Relative(
            "cross-entropy, no bias",
            "cross-entropy, one layer, no bias",
            _loss(CrossEntropy(), "none"),
            bias=False,
            twin="cross-entropy, bias",
        ),
        Relative(
            "cross-entropy, bias",
            "cross-entropy, one layer, free bias",
            _loss(CrossEntropy(), "free"),
            bias=True,
            twin="cross-entropy, no bias",
        ),
        Relative(
            "cross-entropy, ReLU",
            "cross-entropy, features after a ReLU, no bias",
            _loss(CrossEntropy(), "none", non_negative=True),
            bias=False,
        ),
    )
}
"""Every model, by key, in the order in which they are shown."""


def relative_optimum(key: str, counts: ClassCounts, lam: float) -> Optimum:
    """Return the optimum of one of the relatives.

    Parameters
    ----------
    key : str
        Of `RELATIVES`.
    counts : ClassCounts
        Samples per class (or anything that `ClassCounts` takes).
    lam : float
        Every lambda, positive.

    Returns
    -------
    Optimum

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    >>> for key in ("squared, no bias", "squared, bias"):
    ...     print(relative_optimum(key, [300, 300, 30, 30], 0.005).alive)
    4
    3
    """
    if key not in RELATIVES:
        raise ValueError(f"key must be one of {', '.join(map(repr, RELATIVES))}; got {key!r:.60}")
    return RELATIVES[key].optimum(as_counts(counts), positive("lam", lam))


def rare_merger(key: str, counts: ClassCounts, tolerance: float = 1e-9) -> float:
    """Find the common lambda from which on the rarest classes share one class mean.

    Parameters
    ----------
    key, counts
        As for `relative_optimum`; with at least two classes of the smallest count.
    tolerance : float, default 1e-9
        Relative width of the interval at which the bisection ends.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    The paper's own formula for one layer is the root of the count over N:

    >>> round(rare_merger("cross-entropy, bias", [300, 300, 30, 30]), 6), round(30**0.5 / 660, 6)
    (0.008299, 0.008299)
    """
    counts = as_counts(counts)
    if counts.multiplicities[-1] < 2:
        raise ValueError("counts must have two classes of the smallest count, which may merge")
    rarest = int(counts.n.argmin())

    def merged(lam: float) -> bool:
        outcomes = class_outcomes(relative_optimum(key, counts, lam))
        return bool(outcomes.merged[outcomes.group[rarest]] > 1)

    low = high = math.sqrt(counts.values[-1]) / counts.N
    while merged(low):
        low /= 2
    while not merged(high):
        high *= 2
    while high - low > tolerance * high:
        middle = (low + high) / 2
        low, high = (low, middle) if merged(middle) else (middle, high)
    return high
