"""With how many samples a class would be right, the other counts fixed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from nclib._checks import MAX_COUNT
from nclib.theory import shrinkage
from nclib.theory._search import chosen_classes, interval_of, last_at, outcome_of
from nclib.theory.counts import ClassCounts
from nclib.theory.minimizer import global_minimizer
from nclib.theory.problem import Problem, require_problem
from nclib.theory.secular import FilteredModes, SecularRoots

Array = NDArray[np.float64]

T = TypeVar("T")


_MOST_WORK = 1e7
"""All counts of a class are tried up to this many, times the cube of the distinct counts.

That is a second or so for all classes together.
"""

_ENTRIES = 2**18
"""Entries of the matrices that are worked on at a time."""


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
    chosen = chosen_classes(require_problem(problem), classes)
    return _once_per_outcome(lambda k: _OneCount(problem, k).answer(), chosen, problem)


class _OneCount:
    """A problem in which one class may have any number of samples."""

    def __init__(self, problem: Problem, k: int) -> None:
        self.problem, self.k = problem, k
        n = problem.counts.n
        self.own = int(n[k])
        self.others = np.delete(n, k)
        self.most = int(self.others.max())
        self.rest = problem.N - self.own

    @cached_property
    def _distinct_others(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The counts of the other classes, rising, and how many classes have each."""
        return np.unique(self.others, return_counts=True)

    def answer(self) -> RightCounts:
        if not self.problem.bias:
            return self._of_runs([self._alive_without_bias()])
        if self.problem.K == 2:
            depth = self.problem.depth
            peak = self.most if depth == 1 else self.most * depth // (depth + 1)
            low, high = interval_of(self._is_right, max(peak, 1), self.most)
            return self._of_runs([(low, high), (self.most + 1, math.inf)])
        if self.most * (self._distinct_others[0].size + 1) ** 3 > _MOST_WORK:
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
        low, high = interval_of(alive, min(max(depth * self.rest, least), largest), largest, least)
        return low, math.inf if high == largest else high

    def _searched(self) -> RightCounts:
        """Look for the ends of a run where all counts would be too much work."""
        known = {self.most + 1: True}

        def right(count: int) -> bool:
            if count not in known:
                known[count] = self._is_right_by_groups(count)
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
        low = start - last_at(lambda d: right(start - d), start - least)
        high: float = start + last_at(lambda d: right(start + d), most - start)
        high = math.inf if high > self.most else high
        return RightCounts(low, high, low if low == 1 else None, False)

    def _is_right_by_groups(self, count: int) -> bool:
        """Whether the class is right with one number of samples, for very many distinct counts.

        By the secular equation, where no matrix is needed. A count that another class has, a width
        that leaves modes out, and what rounding might decide are for `_are_right`.
        """
        problem, N = self.problem, float(self.rest + count)
        values, sizes = self._distinct_others
        place = int(np.searchsorted(values, count))
        known = place < values.size and values[place] == count
        if known or problem.rank_limit < problem.K:
            return bool(self._are_right(np.array([count]))[0])
        poles = np.insert(values, place, count)[::-1].astype(float)
        secular = SecularRoots.solve(poles, poles * np.insert(sizes, place, 1)[::-1])
        log_theta = shrinkage.log_theta(np.sqrt(secular.roots), problem, N)
        off = np.abs(log_theta - shrinkage.log_theta_threshold(problem.depth))
        share = shrinkage.logistic(shrinkage.global_logit(log_theta, problem.depth))
        modes, own = FilteredModes.of(secular, share), values.size - place
        logits = (modes.rows(slice(own, own + 1))[0] + 1 / N) * poles
        lead = logits[own] - np.delete(logits, own).max()
        if off.min() <= problem.depth * 1e-9 or abs(lead) <= 1e-9:
            return bool(self._are_right(np.array([count]))[0])
        return bool(lead > 0)

    def _are_right(self, counts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the class is right with each of some numbers of samples, all at once.

        With a bias the logits for a sample of class k are ``phi(A) (e_k - n/N) + n/N``, where
        ``A = diag(n) - n n'/N`` and phi takes an eigenvalue kappa^2 to its share s. They are alike
        for other classes of one count, so A is needed on those m counts and on k alone: a small
        symmetric matrix for each number of samples. What rounding might decide is asked of
        `global_minimizer`.
        """
        values, sizes = self._distinct_others
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


def _once_per_outcome(answer: Callable[[int], T], classes: list[int], problem: Problem) -> list[T]:
    """Answer for each class, once for all classes of one count where no width sets them apart."""
    known: dict[int, T] = {}
    result = []
    for k in classes:
        key = outcome_of(k, problem)
        if key not in known:
            known[key] = answer(k)
        result.append(known[key])
    return result
