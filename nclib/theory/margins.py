"""How far the classes are from being lost as all penalties grow by a common factor."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nclib.theory._search import chosen_classes, last_at, outcome_of
from nclib.theory.collapse import collapse_factors
from nclib.theory.minimizer import LocalMinima, global_minimizer
from nclib.theory.optimum import class_outcomes
from nclib.theory.problem import Problem, require_problem

Array = NDArray[np.float64]


_NEAR = 1e-9
"""Just below and just above a death, relative to it."""

_SMALL = 1e-6
"""A factor so far below the first death that nothing is lost there but by a narrow width."""


class FirstLoss(NamedTuple):
    """Which classes are lost first; see `first_loss`.

    Attributes
    ----------
    factor : float
        Common factor on every lambda at which that happens: the margin of the classes asked about.
        Infinite where none of them is ever lost, 0 where no factor saves one.
    classes : tuple of int
        Those that are lost there.
    """

    factor: float
    classes: tuple[int, ...]


def misclassification_factors(problem: Problem, classes: Iterable[int] | None = None) -> Array:
    """Find the common factor on every lambda up to which each class is classified right.

    Parameters
    ----------
    problem : Problem
        Class counts, depth, bias, penalties and widths.
    classes : iterable of int, optional
        Which classes, from 0. Default: all.

    Returns
    -------
    ndarray
        For each class asked for: below this factor the global minimiser classifies all of its
        training samples right, above it not. Infinite for a class that is right even at total
        collapse, as the most frequent one is with a bias; 0 for one that no factor saves, where a
        width excludes too many modes. Below 1: already lost.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    nclib.first_loss : The least of them, for the price of one.

    Notes
    -----
    Searched by halving, first among the deaths of modes, then between two of them. A class that is
    lost at some factor stays lost at every larger one; this is proved for the global minimum, at
    every depth, when all penalties are raised together. (It says nothing of penalties raised apart,
    of other local minima, or of other numbers of samples: see `right_counts`.)

    *Proof.* Without a bias a class is right exactly while its own mode is alive. With one, let
    class k have fewer samples than class j. Its lead over j is ``m = m_0 + sum_i s_i g_i`` over the
    modes, with ``m_0 = (n_k - n_j)/N < 0``, and ``g_i`` positive for ``kappa_i^2 < n_j`` and
    negative for ``kappa_i^2 > n_j``. The shares ``s_i`` of living modes grow with ``kappa_i``, and
    their speeds ``d_i = -ds_i/dlog(Lambda) = s_i (1 - s_i) / (2 L s_i - L + 1)`` fall with ``s_i``.
    With ``s*, d*`` between those of the two kinds, ``m <= m_0 + s* G`` and
    ``dm/dlog(Lambda) <= -d* G``, where G is the sum of ``g_i`` over the living. So where m is not
    negative G is positive, and m falls. Of the living the weakest dies first: its ``g_i`` is
    positive, and m falls, or no positive one is left, and m is negative already. Against a class of
    the same count only the share of their inner modes matters, and that falls. No class is answered
    as one with fewer samples.

    Examples
    --------
    >>> problem = Problem([900, 100], depth=1, lambda_W=1e-3, lambda_H=1e-3)
    >>> misclassification_factors(problem).round(2)
    array([ inf, 7.45])
    """
    chosen = chosen_classes(require_problem(problem), classes)
    outcome = np.array([outcome_of(k, problem) for k in chosen], dtype=np.int64)
    _, first, answer = np.unique(outcome, return_index=True, return_inverse=True)
    losses = _Losses(problem, np.array(chosen, dtype=np.int64)[first].tolist())
    deaths = losses.deaths
    # All classes halve together: what is needed at one factor is computed once and not kept.
    low, high = np.zeros(first.size, dtype=np.int64), np.full(first.size, deaths.size)
    while (searched := low < high).any():
        middle = (low + high) // 2
        for i in np.unique(middle[searched]):
            here = searched & (middle == i)
            right = losses.lead(deaths[i] * (1 + _NEAR)).right == 1
            low[here & right] = i + 1
            high[here & ~right] = i
    factors = np.full(first.size, math.inf)
    for lost in np.unique(low[low < deaths.size]):
        here = np.flatnonzero(low == lost)
        factors[here] = losses.up_to_death(lost, here[:, None])
    return factors[answer]


def first_loss(problem: Problem, classes: Iterable[int] | None = None) -> FirstLoss:
    """Find the classes that are lost first when every lambda grows by a common factor.

    Parameters
    ----------
    problem : Problem
        Class counts, depth, bias, penalties and widths.
    classes : iterable of int, optional
        Among which classes, from 0. Default: all.

    Returns
    -------
    FirstLoss
        The least of their `misclassification_factors` (the margin), and whose it is. It costs what
        the factor of one class costs.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, or no class is given.

    Examples
    --------
    With one layer and a bias a class can be lost long before the first mode dies:

    >>> problem = Problem([900, 100], depth=1, lambda_W=1e-3, lambda_H=1e-3)
    >>> factor, lost = first_loss(problem)
    >>> round(factor, 2), lost, float(collapse_factors(problem)[0].round(2))
    (7.45, (1,), 13.42)
    """
    chosen = chosen_classes(require_problem(problem), classes)
    if not chosen:
        raise ValueError("classes must have at least one class")
    losses = _Losses(problem, chosen)
    # Nearly always the next death decides: among the right classes from here, else from the start.
    near = int(np.searchsorted(losses.deaths, 1.0)) if (losses.lead(1.0).right == 1).all() else 0
    factor = losses.first(near)
    if factor == math.inf:
        return FirstLoss(factor, ())
    lost = losses.lead(factor * (1 + _NEAR) if factor else losses.least).right < 1
    return FirstLoss(factor, tuple(np.array(chosen)[lost].tolist()))


class _Lead(NamedTuple):
    """How far some classes are ahead of their strongest rivals, and whether they are right."""

    lead: Array
    right: Array


class _Losses:
    """When some classes of a problem are lost, as every lambda is multiplied by one factor."""

    def __init__(self, problem: Problem, chosen: list[int]) -> None:
        self.chosen = np.array(chosen, dtype=np.int64)
        deaths = np.unique(collapse_factors(problem))
        self.deaths = deaths[deaths > 0]
        self.least = float(self.deaths[0]) * _SMALL
        # Only the product of the penalties counts: alike, they stay numbers at every factor.
        self.log_lambda = problem.log_Lambda / (problem.depth + 1)
        self.best = global_minimizer(problem)

    def lead(self, factor: float) -> _Lead:
        """Look at the classes in the global minimiser with every lambda times a factor."""
        problem = self.best.problem
        each = math.exp(self.log_lambda + math.log(factor))
        moved = replace(problem, lambda_W=(each,) * problem.depth, lambda_H=each)
        outcomes = class_outcomes(LocalMinima(moved, self.best.spectrum).best)
        group = outcomes.group[self.chosen]
        return _Lead((outcomes.own_logit - outcomes.rival_logit)[group], outcomes.right[group])

    def first(self, near: int) -> float:
        """Find the factor at which the first of the classes is lost.

        The search among the deaths begins at a guess, with steps that double.
        """
        deaths = self.deaths

        def lost_after(i: int) -> bool:
            return bool((self.lead(deaths[i] * (1 + _NEAR)).right < 1).any())

        if near == deaths.size:
            return math.inf
        if lost_after(near):
            first = near - last_at(lambda d: lost_after(near - d), near)
        else:
            first = near + 1 + last_at(lambda d: not lost_after(near + d), deaths.size - 1 - near)
        if first == deaths.size:
            return math.inf
        return float(self.up_to_death(first, [np.arange(self.chosen.size)])[0])

    def up_to_death(self, i: int, sets: Iterable[NDArray[np.int64]]) -> Array:
        """Find the factor at which the first class of each set is lost, up to the death of mode i.

        After the death of the mode before it all classes are right that any factor saves. Sets hold
        places of classes.
        """
        from scipy.optimize import brentq

        death = float(self.deaths[i])
        start = float(self.deaths[i - 1]) * (1 + _NEAR) if i else self.least
        end = death * (1 - _NEAR)
        at_end = self.lead(end)
        if (at_end.right == 1).all():
            return np.array([death for _ in sets])
        at_start = self.lead(start)

        def factor(places: NDArray[np.int64]) -> float:
            def least_lead(factor: float) -> float:
                return float(self.lead(factor).lead[places].min())

            if (at_end.right[places] == 1).all():
                return death
            if (at_start.right[places] < 1).any():
                return 0.0
            if not at_start.lead[places].min() > 0 > at_end.lead[places].min():
                return death  # a tie that only rounding decides
            return float(brentq(least_lead, start, end, xtol=1e-300, rtol=1e-12))

        return np.array([factor(places) for places in sets])
