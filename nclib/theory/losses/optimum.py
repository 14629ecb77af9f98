"""The one door: the optimum of a `LossProblem`, in closed form or solved to a certified gap."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from nclib.theory.losses.closed import (
    NonNegativeMinimizer,
    non_negative_minimizer,
    squared_minimizer,
    squared_modes,
)
from nclib.theory.losses.groups import Point, SmoothPart
from nclib.theory.losses.minimizer import LossMinimizer, from_coordinates
from nclib.theory.losses.problem import LossProblem, require_loss_problem
from nclib.theory.losses.solver import Solution, Solver

Array = NDArray[np.float64]

GAP = 1e-9
"""Relative duality gap to which the convex problem is solved, unless another is asked for."""


_FARTHEST = 1.5
"""A start is extrapolated by at most this multiple of the last step along a path."""


def loss_minimizer(
    problem: LossProblem, *, tol: float = GAP
) -> LossMinimizer | NonNegativeMinimizer:
    """Minimise the model for a loss, a bias and a sampler.

    Parameters
    ----------
    problem : LossProblem
        One layer: any of the losses. More: the squared error without a bias (class weights and
        samplers included), or with a free one and equal weights (label smoothing included).
        Non-negative features: the squared error as without a bias, or plain cross-entropy with one
        layer.
    tol : float, default 1e-9
        Relative duality gap to reach, where there is no closed form.

    Returns
    -------
    LossMinimizer or NonNegativeMinimizer

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, or if the optimum is not known; the message says what
        is.
    RuntimeError
        If the gap was not reached.

    Examples
    --------
    >>> from nclib.theory.losses.objects import SquaredError
    >>> problem = LossProblem([300, 30], SquaredError(), lambda_W=1e-3, lambda_H=1e-3)
    >>> loss_minimizer(problem).certificate
    0.0
    """
    return next(loss_path(problem, [1.0], tol=tol))


def loss_path(
    problem: LossProblem, factors: Iterable[float], *, tol: float = GAP
) -> Iterator[LossMinimizer | NonNegativeMinimizer]:
    """Minimise for one factor on every penalty after another, each from the optimum before it.

    Parameters
    ----------
    problem : LossProblem
        As for `loss_minimizer`.
    factors : iterable of float
        Common factors on all penalties. Falling ones are quickest: from few modes to more.
    tol : float, default 1e-9
        As for `loss_minimizer`.

    Yields
    ------
    LossMinimizer or NonNegativeMinimizer

    Examples
    --------
    >>> from nclib.theory.losses.objects import SquaredError
    >>> problem = LossProblem([300, 30], SquaredError(), lambda_W=1e-3, lambda_H=1e-3)
    >>> [best.alive for best in loss_path(problem, [100, 1])]
    [0, 1]
    """
    walk = Walk(require_loss_problem(problem), tol)
    for factor in factors:
        yield walk.at(factor)


class Walk:
    """Optima of one problem at one factor on its penalties after another; see `loss_path`.

    With `frozen`, the inner modes of these groups are kept dead (for thresholds).
    """

    def __init__(
        self, problem: LossProblem, tol: float = GAP, frozen: NDArray[np.bool_] | None = None
    ) -> None:
        self.problem, self.tol, self.frozen = problem, tol, frozen
        self._seen: list[tuple[float, Point]] = []
        self._modes = squared_modes(problem) if frozen is None else None
        self._smooth = None if problem.bias == "decayed" else SmoothPart(problem.form)
        if problem.non_negative:
            _require_known_non_negative(problem)
        elif self._modes is None and problem.depth > 1:
            raise ValueError(_unknown(problem))

    def at(self, factor: float) -> LossMinimizer | NonNegativeMinimizer:
        """Minimise with every penalty times a factor."""
        problem = self.problem if factor == 1.0 else self.problem.rescaled(factor)
        if self._modes is not None:
            return squared_minimizer(problem, self._modes)
        if problem.non_negative:
            return non_negative_minimizer(problem)
        # A decayed bias's penalty is part of the smooth part, so that is another at each factor.
        smooth = self._smooth or SmoothPart(problem.form)
        solution = Solver(smooth, self.frozen).solve(problem.price, self._start(factor), self.tol)
        self._seen = [*self._seen[-1:], (math.log(factor), solution.point)]
        best = _from_solution(problem, smooth, solution)
        if best.alive > problem.rank_limit:
            raise ValueError(
                f"widths must leave room for the {best.alive} modes alive; got {problem.widths}: "
                "with less the problem is not convex"
            )
        return best

    def _start(self, factor: float) -> Point | None:
        """Go on along the line through the last two optima, over the logarithm of the factor."""
        if not self._seen:
            return None
        here, point = self._seen[-1]
        before, earlier = self._seen[0]
        if here == before:
            return point
        share = (math.log(factor) - here) / (here - before)
        return point.plus(point.plus(earlier, -1.0), share) if 0 <= share <= _FARTHEST else point


def _from_solution(problem: LossProblem, smooth: SmoothPart, solution: Solution) -> LossMinimizer:
    return from_coordinates(
        problem,
        smooth,
        solution.objective,
        solution.gap,
        smooth.inner(solution.point),
        solution.between,
        smooth.bias(solution.point),
    )


def _require_known_non_negative(problem: LossProblem) -> None:
    if problem.bias != "none":
        raise ValueError(
            "bias must be 'none' where the features are non-negative: with a bias the global mean "
            "of the features would have to be 0, and no closed form is known"
        )
    if not problem.form.softmax:
        if squared_modes(problem) is None:
            raise ValueError(
                "label_smoothing must be 0 for the squared error on non-negative features: no "
                "closed form is known with it"
            )
    elif problem.depth > 1:
        raise ValueError(
            f"depth must be 1 for cross-entropy; got {problem.depth}: for more layers no optimum "
            "is known"
        )


def _unknown(problem: LossProblem) -> str:
    """Say why more than one layer is not covered, and what is."""
    known = (
        "Known for more than one layer: the squared error without a bias and without label "
        "smoothing (any class weights, any sampler), or with a free bias and one weight for all "
        "samples (label smoothing, and a sampler that the features' penalty follows)"
    )
    if problem.form.softmax:
        reason = f"no optimum is known for cross-entropy with depth = {problem.depth}"
    elif problem.bias == "decayed" and problem.form.G == 1:
        reason = (
            f"a penalised bias with depth = {problem.depth} and equal counts is not known here, "
            "but penalised_bias_minimizer has it"
        )
    elif problem.bias == "decayed":
        reason = (
            f"a penalised bias with depth = {problem.depth} and unequal counts is open: take it "
            "free or none"
        )
    elif problem.bias == "free":
        reason = f"unequal weights with a bias and depth = {problem.depth} are open"
    else:
        reason = f"label smoothing without a bias and with depth = {problem.depth} is open"
    return f"{reason}. {known}."
