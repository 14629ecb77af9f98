"""At which penalties modes die and classes are lost, for every loss: the inverse questions.

All answers are common factors on every penalty, the bias's included: 1 is today.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nclib._checks import as_whole, positive
from nclib._records import Record
from nclib.theory import shrinkage
from nclib.theory.losses.certificate import (
    best_bias,
    first_point,
    inner_slopes,
    spectral_norm,
)
from nclib.theory.losses.closed import (
    NonNegativeMinimizer,
    mode_log_theta,
    non_negative_shares,
    squared_modes,
)
from nclib.theory.losses.groups import SmoothPart
from nclib.theory.losses.minimizer import LOGIT_NOISE, LOGIT_TIE, LossMinimizer
from nclib.theory.losses.optimum import Walk
from nclib.theory.losses.problem import LossProblem, require_loss_problem

Array = NDArray[np.float64]

_RATIO = 0.7
"""Step of the factors along which the path is searched."""

_WEAKEST = 1e-6
"""The search along the path ends at this share of the total collapse."""

_SETTLED = 3
"""It ends before where this many steps found every mode alive and every class right."""

_NEAR = 1e-9
"""Just below and just above a death, relative to it."""

_GAP = 1e-13
"""Relative duality gap aimed for along the path: near its death a mode has hardly any share."""


@dataclass(frozen=True, eq=False)
class CollapseFactors(Record):
    """Common factors on all penalties at which modes die; made by `loss_collapse_factors`.

    Attributes
    ----------
    group : (K,) ndarray of int64
        Group of each class: those that the problem treats alike.
    inner : (G,) ndarray
        Where the inner modes of each group die, so that its classes merge; NaN for a group of one
        class.
    merging : (G,) ndarray
        The same for a group of one class: where two classes treated like it would merge. NaN for a
        single class with a margin, with which that would be another optimum.
    total : float
        Where the last mode dies: from there on the head's product is 0.
    """

    group: NDArray[np.int64]
    inner: Array
    merging: Array
    total: float


def loss_collapse_factors(problem: LossProblem) -> CollapseFactors:
    r"""Find the factor on all penalties at which each group's classes merge, and at which all do.

    Parameters
    ----------
    problem : LossProblem

    Returns
    -------
    CollapseFactors

    Raises
    ------
    TypeError, ValueError
        If `problem` is not as described, or its optimum is not known.

    Notes
    -----
    With one layer the inner modes of group g are dead exactly from

    .. math:: \sqrt{\lambda_W \lambda_H} = \frac{a_g \Delta_g q_g}{d_g}

    on, where a_g is the weight of its loss per class and ``lambda_H d_g^2 / 2`` the price of
    a class mean's square; q_g is the difference between the own and another target, and more with a
    margin, where it is found along the optima in which these modes are kept dead. Total collapse is
    the singular value of the derivative at T = 0, with the bias that is best there.

    Examples
    --------
    >>> from nclib.theory.losses.objects import CrossEntropy
    >>> problem = LossProblem([300, 300, 30, 30], CrossEntropy(), lambda_W=1e-3, lambda_H=1e-3)
    >>> factors = loss_collapse_factors(problem)
    >>> factors.inner.round(3), round(factors.total, 3)
    (array([26.243,  8.299]), 26.243)
    """
    require_loss_problem(problem)
    form = problem.form
    Walk(problem)  # an unknown optimum is refused
    modes = squared_modes(problem)
    if modes is not None:
        # As squared_modes has it, but also where a group has but one class.
        weight = form.mass * problem.N / form.scale**2
        merging = _deaths(problem, form.own * form.scale, weight)
        between = _deaths(problem, modes.between[1], modes.between_weight)
        total = max(
            float(merging.max(where=form.has_inner, initial=0.0)), float(between.max(initial=0.0))
        )
    elif problem.non_negative:
        merging = (problem.K - 1) / problem.K / non_negative_shares(problem)
        total = float(merging.max())
    else:
        factor = form.logit_factor * form.sample_factor
        merging = form.mass * factor * form.own / form.scale / problem.price
        for g in np.flatnonzero(form.margin != 0):
            merging[g] = (
                _death_with_margin(problem, int(g), float(merging[g]))
                if form.has_inner[g]
                else np.nan
            )
        total = _total_collapse(problem)
    inner = np.where(form.has_inner, merging, np.nan)
    return CollapseFactors(problem.group, inner, merging, total)


def _deaths(problem: LossProblem, kappa: Array, weight: Array) -> Array:
    """Factor at which each mode of the one rule dies; 0 where kappa is 0."""
    gap = shrinkage.log_theta_threshold(problem.depth) - mode_log_theta(problem, kappa, weight)
    return np.asarray(np.exp(gap / (problem.depth + 1)))


def _death_with_margin(problem: LossProblem, g: int, unadjusted: float) -> float:
    """Solve ``lambda = a_g Delta_g q_g / d_g`` where q_g depends on the optimum itself."""
    from scipy.optimize import brentq

    frozen = np.arange(problem.form.G) == g
    walk = Walk(problem, _GAP, frozen)

    def excess(factor: float) -> float:
        best = walk.at(factor)
        here = problem.rescaled(factor)
        smooth = SmoothPart(here.form)
        others, own = best.group_logits()
        _, slope = smooth.at_logits(others, own)
        return -float(inner_slopes(smooth, slope)[g]) / here.price - 1

    low = high = unadjusted
    # q is at most twice the unadjusted value for a margin above 0, and below it for one below.
    while excess(high) > 0:
        low, high = high, 1.5 * high
    while low == high or excess(low) < 0:
        low /= 1.5
    return float(brentq(excess, low, high, rtol=1e-12, xtol=1e-300))


def _total_collapse(problem: LossProblem) -> float:
    """Factor from which on T = 0 is the optimum."""
    from scipy.optimize import brentq

    def ratio(factor: float) -> float:
        here = problem.rescaled(factor)
        smooth = SmoothPart(here.form)
        point, local = best_bias(smooth, first_point(smooth))
        slope = smooth.gradient(point, local.residual, local.own_residual)
        return spectral_norm(smooth, slope) / here.price

    now = ratio(1.0)
    if problem.bias != "decayed":
        return now  # the norm does not depend on the penalties
    low, high = min(now, 1.0), max(now, 1.0)
    while ratio(high) > 1:
        high *= 2
    while ratio(low) < 1:
        low /= 2
    return float(brentq(lambda t: ratio(t) - 1, low, high, rtol=1e-13, xtol=1e-300))


@dataclass(frozen=True, eq=False)
class LossMargins(Record):
    """How far all penalties can be raised before something is lost; made by `loss_margins`.

    Attributes
    ----------
    lost : (K,) ndarray
        Common factor on all penalties up to which each class is classified right. Infinite for a
        class that is right even at total collapse; 0 for one that was wrong all along the path.
        Below 1: already lost.
    modes : (modes,) ndarray
        Factor at which each mode dies, falling: inner ones, of which each group has one less than
        it has classes, and those between groups. (Some between groups may be dead all along the
        path: 0.)
    between : (between,) ndarray
        Of these, those between groups.
    """

    lost: Array
    modes: Array
    between: Array

    @property
    def first(self) -> float:
        """The smallest of `lost`: today's distance from losing a class."""
        return float(self.lost.min())


def loss_margins(problem: LossProblem) -> LossMargins:
    """Find the factor on all penalties at which each class is lost, and at which each mode dies.

    Parameters
    ----------
    problem : LossProblem

    Returns
    -------
    LossMargins

    Raises
    ------
    TypeError, ValueError
        If `problem` is not as described, or its optimum is not known.

    Notes
    -----
    Inner modes die where `loss_collapse_factors` says, and with them classes merge. The other
    answers are searched along the path of optima, in steps of about 1.4 from the total collapse
    down to where every mode is alive and every class right (or to a millionth), and beside every
    death, then refined: a class that is lost and right again between two of these is not seen.

    Examples
    --------
    >>> from nclib.theory.losses.objects import CrossEntropy
    >>> problem = LossProblem([900, 100], CrossEntropy(), lambda_W=1e-3, lambda_H=1e-3)
    >>> loss_margins(problem).lost.round(2)  # for two classes, as with the squared error
    array([ inf, 7.45])
    """
    search = _Search(problem)
    return LossMargins(search.lost()[problem.group], *search.modes())


class _Search:
    """The path of a problem on a grid of factors, and roots between two of them."""

    def __init__(self, problem: LossProblem) -> None:
        self.problem = problem
        self.collapse = loss_collapse_factors(problem)
        self.total = self.collapse.total
        self.walk = Walk(problem, _GAP)
        self._leads: dict[float, Array] = {}
        self._between: dict[float, Array] = {}
        # Beside the deaths that are known, where with more layers all jumps are.
        known = squared_modes(problem) is not None or problem.non_negative
        deaths = self.modes()[0] if known else np.zeros(0)
        factors = np.unique(np.concatenate([deaths * (1 - _NEAR), deaths * (1 + _NEAR)]))[::-1]
        for factor in (self.total * (1 + _NEAR), *factors):
            self.leads(float(factor))
        factor, settled = self.total, 0
        while settled < _SETTLED and factor > _WEAKEST * self.total:
            everything = (self.leads(factor) > 0).all() and (self._between[factor] > 0).all()
            settled = settled + 1 if everything else 0
            factor *= _RATIO
        self.factors = np.array(sorted(self._leads, reverse=True))
        # With class weights a class can be lost where a mode dies, and right again soon after: the
        # search for a death leaves factors close to it on both sides.
        self.between_deaths = self._between_deaths()
        self.factors = np.array(sorted(self._leads, reverse=True))

    def leads(self, factor: float) -> Array:
        """Own logit less the largest of another group, (G,); just below 0 where they are tied.

        A tie is a loss, and may last: without a bias all logits of a dead class are 0.
        """
        if factor not in self._leads:
            best = self.walk.at(factor)
            others, own = best.group_logits()
            rivals = others.copy()
            np.fill_diagonal(rivals, -np.inf)
            lead = own - rivals.max(axis=0)
            scale = max(float(np.abs(own).max()), float(np.abs(others).max()))
            slack = max(LOGIT_TIE * scale, LOGIT_NOISE)
            self._leads[factor] = np.where(np.abs(lead) <= slack, -slack, lead)
            self._between[factor] = self._excess(best, factor)
        return self._leads[factor]

    def lost(self) -> Array:
        """Factor up to which the classes of each group are right, (G,)."""
        result = np.array([self._lost_to_others(g) for g in range(self.problem.form.G)])
        inner = self.collapse.inner
        return np.where(np.isnan(inner), result, np.minimum(result, inner))

    def _lost_to_others(self, g: int) -> float:
        rising = self.factors[::-1]
        right = [self.leads(float(factor))[g] > 0 for factor in rising]
        if not right[0]:
            return 0.0
        if all(right):
            return math.inf
        first = right.index(False)
        low, high = float(rising[first - 1]), float(rising[first])
        if high - low <= 4 * _NEAR * high:
            return (low + high) / 2
        return self._root(lambda factor: float(self.leads(factor)[g]), low, high)

    def _excess(self, best: LossMinimizer | NonNegativeMinimizer, factor: float) -> Array:
        """For each mode between groups: positive where it is alive, negative where dead."""
        problem, z = self.problem, best.between_values
        if not z.size or squared_modes(problem) is not None:
            return np.zeros(0)
        here = problem.rescaled(factor)
        smooth = SmoothPart(here.form)
        others, own = best.group_logits()
        _, slope = smooth.at_logits(others, own)
        reach = np.linalg.svd(slope.between, compute_uv=False) / here.price - 1
        # Any function of the right sign that passes through 0 at the death will do.
        size = problem.form.mass.max() / problem.form.scale.max() ** 2 / here.price
        return np.asarray(np.where(z > 0, z * size, np.minimum(reach, 0.0)))

    def modes(self) -> tuple[Array, Array]:
        """Factors at which the modes die, falling: of all, and of those between groups."""
        problem, form = self.problem, self.problem.form
        inner = np.repeat(self.collapse.inner, form.size.astype(int) - 1)
        known = squared_modes(problem)
        if known is not None:
            between = _deaths(problem, known.between[1], known.between_weight)
        elif problem.non_negative:
            factors = (problem.K - 1) / problem.K / non_negative_shares(problem)
            inner, between = np.repeat(factors, form.size.astype(int)), np.zeros(0)
        else:
            between = self.between_deaths
        between = np.sort(between)[::-1]
        deaths = np.sort(np.concatenate([inner, between]))[::-1]
        # A width keeps the strongest modes only: the others are never alive.
        return np.asarray(deaths[: problem.K]), between

    def _between_deaths(self) -> Array:
        """Factors at which the modes between groups die, where no closed form has them."""
        count = self._between[self.total].size
        return np.array([self._death(j) for j in range(count)])

    def _death(self, j: int) -> float:
        rising = self.factors[::-1]
        alive = [self._between[float(factor)][j] > 0 for factor in rising]
        if not any(alive):
            return 0.0
        last = max(index for index, lives in enumerate(alive) if lives)
        if last == len(alive) - 1:
            return float(rising[-1])
        low, high = float(rising[last]), float(rising[last + 1])
        if high - low <= 4 * _NEAR * high:
            return (low + high) / 2

        def excess(factor: float) -> float:
            self.leads(factor)
            return float(self._between[factor][j])

        return self._root(excess, low, high)

    def _root(self, function: Callable[[float], float], low: float, high: float) -> float:
        from scipy.optimize import brentq

        return float(brentq(function, low, high, rtol=1e-10, xtol=1e-300))


def penalties_leaving(
    problem: LossProblem, margin: float, classes: Iterable[int] | None = None
) -> LossProblem:
    """Change all penalties by one factor so that a given margin is left.

    Parameters
    ----------
    problem : LossProblem
    margin : float
        Factor that shall remain until the first of the classes is lost, positive.
    classes : iterable of int, optional
        Which classes, from 0. Default: all that are right at some penalty.

    Returns
    -------
    LossProblem
        The same problem with other penalties: ``loss_margins`` of it is `margin` for the first
        class to be lost.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, or if no penalty does: none of the classes is lost at
        any, or one of those asked for is wrong at every one.

    Examples
    --------
    >>> from nclib.theory.losses.objects import CrossEntropy
    >>> problem = LossProblem([900, 100], CrossEntropy(), lambda_W=1e-3, lambda_H=1e-3)
    >>> round(penalties_leaving(problem, 2).lambda_H, 6)
    0.003727
    """
    wanted = positive("margin", margin)
    lost = loss_margins(problem).lost
    if classes is None:
        lost = lost[lost > 0]
    else:
        lost = lost[[as_whole("each of classes", k, 0, problem.K - 1) for k in classes]]
    first = float(lost.min(initial=math.inf))
    if not 0 < first < math.inf:
        what = "is lost at any penalty" if first else "can be kept: one is wrong at every penalty"
        raise ValueError(f"none of the classes {what}; got margin = {margin!r}")
    return problem.rescaled(first / wanted)
