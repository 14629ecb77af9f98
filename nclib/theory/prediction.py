"""What becomes of each class at the optimum, and how far it is from becoming something else.

The closed form is about modes; a practitioner asks about classes. Classes of one count share their
fate, so everything here costs what the distinct counts cost, however many classes there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from nclib._numbers import as_whole
from nclib._records import Record
from nclib.theory import shrinkage
from nclib.theory.counts import ClassCounts
from nclib.theory.minimizer import Minimizer, collapse_factors, global_minimizer
from nclib.theory.problem import Problem, require_problem

Array = NDArray[np.float64]

T = TypeVar("T")

_NEAR = 1e-9
"""Just below and just above a death, relative to it."""

_SMALL = 1e-6
"""A factor so far below the first death that nothing is lost there but by a narrow width."""


@dataclass(frozen=True, eq=False, repr=False)
class ClassFates(Record):
    """What a minimiser does to the classes, in groups that fare alike; made by `class_fates`.

    Arrays have one entry for each of G groups: the classes of one count, by falling count. (Where
    a width cuts a block of equal kappa, those of the count that are told apart, then the others.)

    Attributes
    ----------
    minimizer : Minimizer
    group : (K,) ndarray of int64
        The group of each class.
    count : (G,) ndarray of int64
        Samples of each of its classes.
    size : (G,) ndarray of int64
        Number of its classes.
    own_logit : (G,) ndarray
        What the optimum answers for a sample's own class.
    rival_logit : (G,) ndarray
        The largest answer for another class.
    rival : (G,) ndarray of int64
        The group of that class, which may be the same group.
    right : (G,) ndarray
        Share of the samples that are classified right; 1/t in a tie of t classes.
    merged : (G,) ndarray of int64
        How many classes share the class-mean feature; 1 where a class stands apart.
    accuracy : float
        Share of all training samples that are classified right.
    """

    minimizer: Minimizer
    group: NDArray[np.int64]
    count: NDArray[np.int64]
    size: NDArray[np.int64]
    own_logit: Array
    rival_logit: Array
    rival: NDArray[np.int64]
    right: Array
    merged: NDArray[np.int64]
    accuracy: float

    @cached_property
    def representative(self) -> NDArray[np.int64]:
        """One class of each group, shape (G,)."""
        return _representatives(self.group, self.size.size)

    @property
    def classes_right(self) -> int:
        """Number of classes whose samples are all classified right."""
        return int(self.size[self.right == 1].sum())

    @property
    def classes_merged(self) -> int:
        """Number of classes that share their class-mean feature with another."""
        return int(self.size[self.merged > 1].sum())

    def __repr__(self) -> str:
        return (
            f"ClassFates({self.classes_right} of {self.group.size} classes right, "
            f"{self.classes_merged} merged, accuracy={self.accuracy:.6g})"
        )


def class_fates(minimizer: Minimizer) -> ClassFates:
    """Say what a minimiser does to the classes: which it tells apart and classifies right.

    Parameters
    ----------
    minimizer : Minimizer
        Of `global_minimizer` or `local_minima`.

    Returns
    -------
    ClassFates

    Examples
    --------
    >>> problem = Problem([500, 100, 100], depth=3, lambda_W=1.5e-2, lambda_H=1.5e-2)
    >>> fates = class_fates(global_minimizer(problem))
    >>> fates
    ClassFates(1 of 3 classes right, 2 merged, accuracy=0.857143)
    >>> fates.count, fates.right, fates.merged
    (array([500, 100]), array([1. , 0.5]), array([1, 2]))
    """
    if not isinstance(minimizer, Minimizer):
        raise TypeError(f"minimizer must be a Minimizer; got {minimizer!r:.60}")
    view, counts = minimizer._groups, minimizer.problem.counts
    code = 2 * counts.group + ~view.in_head
    occurs = np.bincount(code, minlength=2 * counts.m)
    present = np.flatnonzero(occurs)
    number = np.full(2 * counts.m, -1)
    number[present] = np.arange(present.size)
    of_count, in_tail = present // 2, present % 2 == 1
    size, has_tail = occurs[present], (occurs[1::2] > 0)[of_count]

    own = view.own[of_count]
    drop, lead = view.head_drop[of_count], view.inner_s[of_count]
    # Among the classes of its own count a tail ties; a head loses its drop, which a tail does not.
    beside = np.where(in_tail | has_tail, own, own - drop)
    beside = np.where(counts.multiplicities[of_count] > 1, beside, -np.inf)
    strongest, elsewhere = view.rivals.group[of_count], view.rivals.logit[of_count]
    first_of_count = np.where(number[0::2] >= 0, number[0::2], number[1::2])
    head, tail = number[0::2][of_count], number[1::2][of_count]
    at_home = np.where(in_tail & (size == 1), head, np.where(has_tail, tail, number[present]))

    group = number[code]
    accuracy = minimizer.training_accuracy()
    tail_size = occurs[1::2]
    at_one_mean = tail_size[of_count] if view.groups_apart else np.full(size.size, tail_size.sum())
    return ClassFates(
        minimizer=minimizer,
        group=group,
        count=counts.values[of_count],
        size=size,
        own_logit=np.where(in_tail, own, own + lead - drop),
        rival_logit=np.maximum(beside, elsewhere),
        rival=np.where(beside >= elsewhere, at_home, first_of_count[strongest]),
        right=accuracy.per_class[_representatives(group, size.size)],
        merged=np.where(in_tail, at_one_mean, 1),
        accuracy=accuracy.overall,
    )


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

    Notes
    -----
    Searched by halving, first among the deaths of modes, then between two of them: a class that is
    lost at some factor stays lost at larger ones. (Not proved; so in every problem tried.)

    Examples
    --------
    >>> problem = Problem([900, 100], depth=1, lambda_W=1e-3, lambda_H=1e-3)
    >>> misclassification_factors(problem).round(2)
    array([ inf, 7.45])
    """
    from scipy.optimize import brentq

    chosen = _chosen_classes(require_problem(problem), classes)
    fate = np.array([_fate(k, problem) for k in chosen], dtype=np.int64)
    _, first, answer = np.unique(fate, return_index=True, return_inverse=True)
    asked = np.array(chosen, dtype=np.int64)[first]
    deaths = np.unique(collapse_factors(problem))
    deaths = deaths[deaths > 0]
    best = global_minimizer(problem)

    def right_at(factor: float) -> NDArray[np.bool_]:
        right: NDArray[np.bool_] = _rescaled(best, factor).training_accuracy().per_class[asked] == 1
        return right

    def margins_at(factor: float) -> Array:
        fates = class_fates(_rescaled(best, factor))
        return (fates.own_logit - fates.rival_logit)[fates.group[asked]]

    def margin_at(factor: float, j: int) -> float:
        return float(margins_at(factor)[j])

    # All classes halve together: what is needed at one factor is computed once and not kept.
    low, high = np.zeros(asked.size, dtype=np.int64), np.full(asked.size, deaths.size)
    while (searched := low < high).any():
        middle = (low + high) // 2
        for i in np.unique(middle[searched]):
            here = searched & (middle == i)
            right = right_at(deaths[i] * (1 + _NEAR))
            low[here & right] = i + 1
            high[here & ~right] = i

    factors = np.full(asked.size, math.inf)
    for lost in np.unique(low[low < deaths.size]):
        here = low == lost
        factors[here] = death = deaths[lost]
        before = deaths[lost - 1] * (1 + _NEAR) if lost else death * _SMALL
        after = death * (1 - _NEAR)
        earlier = np.flatnonzero(here & ~right_at(after))
        if not earlier.size:
            continue
        saved = right_at(before)[earlier]
        factors[earlier[~saved]] = 0.0
        margin_before, margin_after = margins_at(before), margins_at(after)
        for j in earlier[saved]:
            if margin_before[j] > 0 > margin_after[j]:  # else a tie that only rounding decides
                factors[j] = brentq(margin_at, before, after, args=(j,), xtol=1e-300, rtol=1e-12)
    return factors[answer]


def smallest_counts(problem: Problem, classes: Iterable[int] | None = None) -> NDArray[np.int64]:
    """Find how few samples of a class would do, the other counts fixed.

    Parameters
    ----------
    problem : Problem
        Class counts, depth, bias, penalties and widths.
    classes : iterable of int, optional
        Which classes, from 0. Default: all; each count costs some twenty minimisers.

    Returns
    -------
    ndarray of int64
        For each class asked for: the smallest number of its samples with which the global
        minimiser classifies them right. 0 where no number up to the largest of the other counts
        does.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Notes
    -----
    Searched by halving: a class that is right with some number of samples is right with more, up to
    the largest other count. (Not proved; so in every problem tried. Beyond that count it may fail:
    more samples at fixed lambda_H kill modes, without a bias those of the largest class too.)

    Examples
    --------
    >>> problem = Problem([500, 500, 100], depth=3, lambda_W=1.5e-2, lambda_H=1.5e-2)
    >>> smallest_counts(problem)
    array([101, 101, 225])
    """
    chosen = _chosen_classes(require_problem(problem), classes)
    n = problem.counts.n

    guess = 1

    def smallest(k: int) -> int:
        nonlocal guess
        largest = int(np.delete(n, k).max())

        def right_with(samples: int) -> bool:
            changed = n.copy()
            changed[k] = samples
            best = global_minimizer(replace(problem, counts=ClassCounts(changed)))
            return bool(best.training_accuracy().per_class[k] == 1)

        # Rare classes need much the same, so the answer of one is the first guess of the next.
        guess = _first(right_with, 1, largest + 1, near=guess)
        return guess if guess <= largest else 0

    return np.array(_once_per_fate(smallest, chosen, problem), dtype=np.int64)


def fates_over_lambda_H(problem: Problem, lambda_H: Iterable[float]) -> Iterator[ClassFates]:
    """Say what the optimum does to the classes, for one lambda_H after another.

    Parameters
    ----------
    problem : Problem
        Class counts, depth, bias, penalties and widths; its own lambda_H does not matter.
    lambda_H : iterable of float
        Penalties on the features, positive.

    Yields
    ------
    ClassFates

    Examples
    --------
    >>> problem = Problem([500, 100, 100], depth=3, lambda_W=1.5e-2, lambda_H=1)
    >>> [fates.classes_right for fates in fates_over_lambda_H(problem, [1e-3, 1e-2, 1])]
    [3, 1, 1]
    """
    best = global_minimizer(problem)
    for value in lambda_H:
        yield class_fates(_moved(best, replace(problem, lambda_H=value)))


def collapse_lambda_H(problem: Problem) -> Array:
    """Find the lambda_H at which each mode dies, the penalties of the weights fixed.

    Parameters
    ----------
    problem : Problem
        Class counts, depth, bias, penalties and widths; its own lambda_H does not matter.

    Returns
    -------
    (K,) ndarray
        By mode: in the global minimiser the mode is alive below this value and dead above it. 0
        where kappa = 0 or the width excludes the mode.

    Examples
    --------
    >>> problem = Problem([500, 500, 100, 100], depth=1, lambda_W=1e-3, lambda_H=1e-3)
    >>> collapse_lambda_H(problem).round(3)
    array([0.347, 0.116, 0.069, 0.   ])
    """
    with np.errstate(over="ignore"):
        limits: Array = problem.lambda_H * collapse_factors(problem) ** (problem.depth + 1)
    return limits


def _rescaled(best: Minimizer, factor: float) -> Minimizer:
    """Return the global minimiser with every lambda times a factor."""
    problem = best.problem
    lambda_W = tuple(factor * lam for lam in problem.lambda_W)
    return _moved(best, replace(problem, lambda_W=lambda_W, lambda_H=factor * problem.lambda_H))


def _moved(best: Minimizer, problem: Problem) -> Minimizer:
    """Return the global minimiser for other penalties; the spectrum, which costs most, stays."""
    spectrum = best.spectrum
    log_theta = shrinkage.log_theta(spectrum.block_kappa, problem)
    logit = shrinkage.global_logit(log_theta, problem.depth)
    alive = min(int(spectrum.block_size[logit > -np.inf].sum()), problem.rank_limit)
    return replace(best, problem=problem, alive=alive, is_global=True, _block_logit=logit)


def _first(holds: Callable[[int], bool], low: int, high: int, near: int = 0) -> int:
    """Return the first number from `low` on at which it holds, or `high`: it holds from there on.

    With steps that double, from a guess where there is one, then by halving.
    """
    step, at = 1, min(max(near, low), high - 1)
    if near and low < high:
        if holds(at):
            high = at
            while low < high and holds(at := max(high - step, low)):
                high, step = at, 2 * step
            low = min(at + 1, high) if low < high else low
        else:
            low = at + 1
            while low < high and not holds(at := min(low + step, high - 1)):
                low, step = at + 1, 2 * step
            high = at if low < high else high
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _once_per_fate(answer: Callable[[int], T], classes: list[int], problem: Problem) -> list[T]:
    """Answer for each class, once for all classes of one count where no width sets them apart."""
    known: dict[int, T] = {}
    result = []
    for k in classes:
        key = _fate(k, problem)
        if key not in known:
            known[key] = answer(k)
        result.append(known[key])
    return result


def _fate(k: int, problem: Problem) -> int:
    """Return a number that class k shares with those that fare alike whatever the penalties."""
    return int(problem.counts.group[k]) if problem.widths is None else k


def _chosen_classes(problem: Problem, classes: Iterable[int] | None) -> list[int]:
    if classes is None:
        return list(range(problem.K))
    return [as_whole("each of classes", k, 0, problem.K - 1) for k in classes]


def _representatives(group: NDArray[np.int64], groups: int) -> NDArray[np.int64]:
    """Return one class of each group: the first."""
    result = np.zeros(groups, dtype=np.int64)
    result[group[::-1]] = np.arange(group.size)[::-1]
    return result
