"""What becomes of each class at the optimum, and how far it is from becoming something else.

The closed form is about modes; a practitioner asks about classes. Classes of one count share their
fate, so everything here costs what the distinct counts cost, however many classes there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from nclib._checks import MAX_COUNT, as_whole
from nclib._records import Record
from nclib.theory import shrinkage
from nclib.theory.counts import ClassCounts
from nclib.theory.minimizer import (
    LocalMinima,
    Minimizer,
    collapse_factors,
    global_minimizer,
    value_at_death,
)
from nclib.theory.problem import Problem, require_problem

Array = NDArray[np.float64]

T = TypeVar("T")

_NEAR = 1e-9
"""Just below and just above a death, relative to it."""

_SMALL = 1e-6
"""A factor so far below the first death that nothing is lost there but by a narrow width."""

_MOST_WORK = 1e7
"""All counts of a class are tried up to this many, times the cube of the distinct counts.

That is a second or so for all classes together.
"""

_ENTRIES = 2**18
"""Entries of the matrices that are worked on at a time."""


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
        The group of that class, which may be the same group, and is in a tie of several.
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
    first_loss : The least of them, for the price of one.

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
    chosen = _chosen_classes(require_problem(problem), classes)
    fate = np.array([_fate(k, problem) for k in chosen], dtype=np.int64)
    _, first, answer = np.unique(fate, return_index=True, return_inverse=True)
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
    chosen = _chosen_classes(require_problem(problem), classes)
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
        fates = class_fates(LocalMinima(moved, self.best.spectrum).best)
        group = fates.group[self.chosen]
        return _Lead((fates.own_logit - fates.rival_logit)[group], fates.right[group])

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
            first = near - _last(lambda d: lost_after(near - d), near)
        else:
            first = near + 1 + _last(lambda d: not lost_after(near + d), deaths.size - 1 - near)
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


class RightCounts(NamedTuple):
    """With how many samples a class is classified right; see `right_counts`.

    Attributes
    ----------
    low, high : int or None, float or None
        Ends of a run of such counts: right with `low` samples and with `high`, wrong with one fewer
        than `low` or one more than `high`. The run has the class's own count if that is right, and
        is else the nearest (of two as near, the one with more samples). `high` is infinite where
        every larger count is right. Both are None where no count is known to be right.
    smallest : int or None
        The smallest count that is right. It may lie below the run. None where there is none, or
        where smaller counts were left untried.
    exhaustive : bool
        Whether all counts were tried or are decided by a proof. Where not, only the ends of the run
        and some counts between were tried: others between them may be wrong, and nearer runs may
        exist.
    """

    low: int | None
    high: float | None
    smallest: int | None
    exhaustive: bool


def right_counts(problem: Problem, classes: Iterable[int] | None = None) -> list[RightCounts]:
    """Find with how many samples a class would be right, the other counts and penalties fixed.

    More samples can kill a class: they raise N, and with it the price of every mode. So the counts
    that are right need be neither all from some number on nor without gaps.

    Parameters
    ----------
    problem : Problem
        Class counts, depth, bias, penalties and widths.
    classes : iterable of int, optional
        Which classes, from 0. Default: all.

    Returns
    -------
    list of RightCounts
        For each class asked for the run of counts around its own, or the nearest, with which the
        global minimiser classifies all of its samples right.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Notes
    -----
    What is proved needs no trial. With a bias, a class with more samples than any other is always
    right. Without a bias a class is right while its mode is alive, ``(R + x)^(L+1) / x^L`` below a
    number with x its samples and R those of the others: that falls up to x = L R and rises from
    there, so the counts are an interval. Of two classes with a bias the rarer one is right, for one
    layer, from some count on; for more layers it is right while the mode is alive, which is an
    interval around ``L / (L + 1)`` of the other count. Else all counts up to the largest other one
    are tried, where that is not too much work; where it is, the ends of the run are searched with
    steps that double and then by halving.

    Examples
    --------
    With three layers the last class needs 225 samples. A class of 500 would be right with 101:

    >>> problem = Problem([500, 500, 100], depth=3, lambda_W=1.5e-2, lambda_H=1.5e-2)
    >>> right_counts(problem, [2])
    [RightCounts(low=225, high=inf, smallest=225, exhaustive=True)]
    >>> right_counts(problem, [0])
    [RightCounts(low=101, high=inf, smallest=101, exhaustive=True)]

    A third sample would lose this class of two:

    >>> problem = Problem([3, 2], depth=2, lambda_W=0.14, lambda_H=0.14)
    >>> right_counts(problem, [1])
    [RightCounts(low=2, high=2, smallest=2, exhaustive=True)]
    """
    chosen = _chosen_classes(require_problem(problem), classes)
    return _once_per_fate(lambda k: _OneCount(problem, k).answer(), chosen, problem)


class _OneCount:
    """A problem in which one class may have any number of samples."""

    def __init__(self, problem: Problem, k: int) -> None:
        self.problem, self.k = problem, k
        n = problem.counts.n
        self.own = int(n[k])
        self.others = np.delete(n, k)
        self.most = int(self.others.max())
        self.rest = problem.N - self.own

    def answer(self) -> RightCounts:
        if not self.problem.bias:
            return self._of_runs([self._alive_without_bias()])
        if self.problem.K == 2:
            depth = self.problem.depth
            peak = self.most if depth == 1 else self.most * depth // (depth + 1)
            low, high = _interval(self._is_right, max(peak, 1), self.most)
            return self._of_runs([(low, high), (self.most + 1, math.inf)])
        if self.most * (np.unique(self.others).size + 1) ** 3 > _MOST_WORK:
            return self._searched()
        right = self._are_right(np.arange(1, self.most + 1))
        edges = np.flatnonzero(np.diff(np.concatenate([[False], right, [False]]))).tolist()
        runs = [(low + 1, high) for low, high in zip(edges[::2], edges[1::2], strict=True)]
        return self._of_runs([*runs, (self.most + 1, math.inf)])

    def _of_runs(self, runs: list[tuple[int, float]]) -> RightCounts:
        """Choose among all runs, by rising counts; those that touch are one."""
        joined: list[tuple[int, float]] = []
        for low, high in runs:
            if low > high:
                continue
            if joined and joined[-1][1] == low - 1:
                joined[-1] = joined[-1][0], high
            else:
                joined.append((low, high))
        if not joined:
            return RightCounts(None, None, None, True)

        def distance(run: tuple[int, float]) -> tuple[float, int]:
            return max(run[0] - self.own, self.own - run[1], 0), -run[0]

        low, high = min(joined, key=distance)
        return RightCounts(low, high, joined[0][0], True)

    def _is_right(self, count: int) -> bool:
        counts = self.problem.counts.n.copy()
        counts[self.k] = count
        best = global_minimizer(replace(self.problem, counts=ClassCounts(counts)))
        return bool(best.training_accuracy().per_class[self.k] == 1)

    def _alive_without_bias(self) -> tuple[int, float]:
        """Find the interval of counts with which the class's own mode is alive."""
        depth, limit = self.problem.depth, shrinkage.log_theta_threshold(self.problem.depth)

        def alive(count: int) -> bool:
            N = float(self.rest + count)
            log_theta = shrinkage.log_theta(math.sqrt(count), self.problem, N)
            return bool(shrinkage.below(log_theta, limit, depth))

        least = 1
        if self.problem.rank_limit < self.problem.K:
            # Among so many of the largest counts the class must be; of equal ones, by its place.
            last = int(np.sort(self.others)[-self.problem.rank_limit])
            before = (self.others > last).sum() + (self.others[: self.k] == last).sum()
            least = last if before < self.problem.rank_limit else last + 1
        largest = MAX_COUNT - 1
        low, high = _interval(alive, min(max(depth * self.rest, least), largest), largest, least)
        return low, math.inf if high == largest else high

    def _searched(self) -> RightCounts:
        """Look for the ends of a run where all counts would be too much work."""
        known = {self.most + 1: True}

        def right(count: int) -> bool:
            if count not in known:
                known[count] = bool(self._are_right(np.array([count]))[0])
            return known[count]

        own = min(self.own, self.most + 1)
        start, least, most = own, 1, self.most + 1
        step = 1
        while not right(start):
            # Whatever is found on one side of the own count, the run does not reach beyond it.
            if right(min(own + step, self.most + 1)):
                start, least = min(own + step, self.most + 1), own + 1
            elif right(max(own - step, 1)):
                start, most = max(own - step, 1), own - 1
            step *= 2
        low = start - _last(lambda d: right(start - d), start - least)
        high: float = start + _last(lambda d: right(start + d), most - start)
        high = math.inf if high > self.most else high
        return RightCounts(low, high, low if low == 1 else None, False)

    def _are_right(self, counts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the class is right with each of some numbers of samples, all at once.

        With a bias the logits for a sample of class k are ``phi(A) (e_k - n/N) + n/N``, where
        ``A = diag(n) - n n'/N`` and phi takes an eigenvalue kappa^2 to its share s. They are alike
        for other classes of one count, so A is needed on those m counts and on k alone: a small
        symmetric matrix for each number of samples. What rounding might decide is asked of
        `global_minimizer`.
        """
        values, sizes = np.unique(self.others, return_counts=True)
        chunk = max(1, _ENTRIES // (values.size + 1) ** 2)
        result = np.empty(counts.size, dtype=bool)
        for start in range(0, counts.size, chunk):
            part = slice(start, start + chunk)
            lead, doubt = self._lead(counts[part].astype(float), values.astype(float), sizes)
            result[part] = lead > 0
            for i in start + np.flatnonzero(doubt):
                result[i] = self._is_right(int(counts[i]))
        return result

    def _lead(
        self, counts: Array, values: Array, sizes: NDArray[np.int64]
    ) -> tuple[Array, NDArray[np.bool_]]:
        """How far the class is ahead of its strongest rival, and where that may be rounding."""
        problem, depth = self.problem, self.problem.depth
        N = counts + self.rest
        n = np.column_stack([counts, np.tile(values, (counts.size, 1))])
        size = np.append(1.0, sizes)
        p = n * np.sqrt(size)
        A = -p[:, :, None] * p[:, None, :] / N[:, None, None]
        A[:, np.arange(size.size), np.arange(size.size)] += n
        t, Q = np.linalg.eigh(A)
        t[:, 0] = 0.0  # A 1 = 0
        t = np.maximum(t, 0.0)
        log_theta = shrinkage.log_theta(np.sqrt(t), problem, N[:, None])
        y = shrinkage.global_logit(log_theta, depth)
        # A width keeps the strongest of all modes, also of those inside the other groups.
        inner = (values > t[:, :, None]) @ (sizes - 1)
        y[np.arange(size.size)[::-1] + inner >= problem.rank_limit] = -np.inf
        share = p / N[:, None]
        apart = -share
        apart[:, 0] += 1
        along = shrinkage.logistic(y) * np.einsum("bij,bi->bj", Q, apart)
        logits = (np.einsum("bij,bj->bi", Q, along) + share) / np.sqrt(size)
        lead = logits[:, 0] - logits[:, 1:].max(axis=1)

        error = 1e-13 * n.max(axis=1)  # of t, with room
        with np.errstate(divide="ignore", invalid="ignore"):
            off = np.abs(log_theta - shrinkage.log_theta_threshold(depth))
            doubt = (off <= depth * (1e-9 + error[:, None] / t))[:, 1:].any(axis=1)
            alive = y > -np.inf
            weakest = np.where(alive, t, np.inf).min(axis=1)
            gap = weakest - np.where(alive, 0.0, t).max(axis=1)
            doubt |= np.abs(lead) <= 1e-9 + error * (1 / weakest + 1 / gap)
        if problem.rank_limit < problem.K:
            doubt |= (np.abs(values - t[:, :, None]) <= error[:, None, None]).any(axis=(1, 2))
        return lead, doubt


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
    spectrum = global_minimizer(problem).spectrum
    for value in lambda_H:
        yield class_fates(LocalMinima(replace(problem, lambda_H=value), spectrum).best)


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
        where kappa = 0 or the width excludes the mode, and nowhere else.

    Raises
    ------
    TypeError, ValueError
        If `problem` is none, or a value is too large or too small for a floating-point number.

    Examples
    --------
    >>> problem = Problem([500, 500, 100, 100], depth=1, lambda_W=1e-3, lambda_H=1e-3)
    >>> collapse_lambda_H(problem).round(3)
    array([0.347, 0.116, 0.069, 0.   ])
    """
    return value_at_death(require_problem(problem), "lambda_H", math.log(problem.lambda_H), 1.0)


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """Return the first number from `low` on at which it holds, as from there on, or `high`."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _last(holds: Callable[[int], bool], most: int) -> int:
    """Return a number up to `most` at which it holds, as at 0, but not at the next.

    With steps that double, then by halving.
    """
    low, step = 0, 1
    while low < most:
        at = min(low + step, most)
        if not holds(at):
            return _first(lambda i: not holds(i), low + 1, at) - 1
        low, step = at, 2 * step
    return most


def _interval(
    holds: Callable[[int], bool], peak: int, most: int, least: int = 1
) -> tuple[int, int]:
    """Return the first and the last number at which it holds; (1, 0) where there is none.

    They are an interval which, unless it is empty, has `peak` or the number after that.
    """
    top = peak if holds(peak) else min(peak + 1, most)
    if not holds(top):
        return 1, 0
    return _first(holds, least, top), _first(lambda i: not holds(i), top + 1, most + 1) - 1


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
