"""What a minimiser does to the groups of equal counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nclib.theory.problem import Problem
from nclib.theory.secular import FilteredModes, row_chunks
from nclib.theory.spectrum import Spectrum

Array = NDArray[np.float64]


LOGIT_TIE = 1e-12
"""Logits of different groups that differ by less than this, relative to them, count as tied."""


@dataclass(frozen=True)
class GroupView:
    """What a minimiser does to the groups of equal counts.

    A group's head is the classes that its surviving inner modes tell apart, its tail the others,
    which share one mean. Unless `alive` cuts the group's block, one of the two is the whole group.

    Examples
    --------
    >>> from nclib.theory.minimizer import global_minimizer
    >>> best = global_minimizer(Problem([9, 9, 2, 2], depth=3, lambda_W=0.03, lambda_H=0.03))
    >>> view = GroupView.of(best.problem, best.spectrum, best.s, best.alive)
    >>> best.alive, [view.means(group) for group in range(2)]
    (2, ['apart', 'share one'])
    """

    problem: Problem
    spectrum: Spectrum
    head_size: NDArray[np.int64]
    """Classes in the head of each group, shape (m,)."""
    inner_s: Array
    """Shrink factor of each group's surviving inner modes, 0 where there are none, shape (m,)."""
    between_s: Array
    """Shrink factor of each between-group mode but the null one, shape (m - 1,)."""
    groups_apart: bool
    """Whether a between-group mode survives: one is enough to tell all groups apart."""

    @classmethod
    def of(cls, problem: Problem, spectrum: Spectrum, s: Array, alive: int) -> GroupView:
        """Look at the `alive` strongest modes, with their shrink factors `s`."""
        size = problem.counts.multiplicities
        start = np.cumsum(size) - size
        # With bias, each group's last mode is the between-group (or null) one.
        inner = np.clip(alive - start, 0, size - problem.bias)
        between = np.cumsum(size)[:-1] - 1
        return cls(
            problem=problem,
            spectrum=spectrum,
            head_size=np.where(inner > 0, inner + problem.bias, 0),
            inner_s=np.where(inner > 0, s[start], 0.0),
            between_s=s[between],
            groups_apart=problem.bias and bool((between < alive).any()),
        )

    @cached_property
    def head_drop(self) -> Array:
        """What a head's wrong classes lose: with bias, inner_s / head size."""
        bias = self.problem.bias
        drop: Array = self.inner_s * bias / np.maximum(self.head_size, 1)
        return drop

    @cached_property
    def in_head(self) -> NDArray[np.bool_]:
        """Whether each class is in the head of its group, shape (K,)."""
        counts = self.problem.counts
        size = counts.multiplicities
        sorted_group = np.repeat(np.arange(counts.m), size)
        rank = np.arange(counts.K) - np.repeat(np.cumsum(size) - size, size)
        result = np.empty(counts.K, dtype=bool)
        result[counts.falling_order] = rank < self.head_size[sorted_group]
        return result

    def means(self, group: int) -> str:
        """Say in words what has become of the class means of a group."""
        size = int(self.problem.counts.multiplicities[group])
        head = int(self.head_size[group])
        if head == size or (size == 1 and self.groups_apart):
            return "apart"
        rest = "share one" if self.groups_apart else "are 0"
        return f"{head:,} apart, the others {rest}" if head else rest

    @cached_property
    def _modes(self) -> FilteredModes | None:
        """The between-group modes, as far as they survive; None without a bias."""
        return self.spectrum._filtered(self.between_s) if self.problem.bias else None

    def between(self, chosen: slice) -> Array:
        """Answers to samples of a slice of groups, inner modes apart, shape (rows, m).

        Each row holds the logit of a class of every group a, ``N_a / N + N_a D_ab`` with D of
        `FilteredModes`: the null mode gives the first term. 0 without a bias.
        """
        counts = self.problem.counts
        if self._modes is None:
            return np.zeros((chosen.stop - chosen.start, counts.m))
        logits = self._modes.rows(chosen)
        logits += 1 / counts.N
        logits *= counts.values
        return logits

    @cached_property
    def own(self) -> Array:
        """Logit of a class for samples of its own group, inner modes apart, shape (m,)."""
        counts = self.problem.counts
        if self._modes is None:
            return np.zeros(counts.m)
        logits: Array = (self._modes.diagonal + 1 / counts.N) * counts.values
        return logits

    @property
    def head_logit(self) -> Array:
        """Logit of a class of each group's head for its own samples, shape (m,)."""
        return self.own + (self.inner_s - self.head_drop)

    @cached_property
    def rivals(self) -> _Rivals:
        """The strongest class of another group for the samples of each group."""
        counts = self.problem.counts
        m, size = counts.m, counts.multiplicities
        result = _Rivals(np.zeros(m, dtype=np.int64), *(np.zeros(m) for _ in range(3)))
        for rows in row_chunks(m):
            at = np.arange(rows.start, rows.stop)
            others = self.between(rows)
            others[at - rows.start, at] = -np.inf
            result.group[rows] = strongest = others.argmax(axis=1)
            result.logit[rows] = logit = others[at - rows.start, strongest]
            for own, ties in (
                (self.head_logit[rows], result.head_ties),
                (self.own[rows], result.tail_ties),
            ):
                slack = LOGIT_TIE * np.abs(own)
                close = np.flatnonzero(np.abs(logit - own) <= slack)
                alike = np.abs(others[close] - own[close, None]) <= slack[close, None]
                ties[at[close]] = alike @ size
        return result


class _Rivals(NamedTuple):
    """For the samples of each group: who is strongest among the classes of all other groups."""

    group: NDArray[np.int64]
    """Its group, the first where several tie, shape (m,)."""
    logit: Array
    """Its logit, minus infinity where there is no other group, shape (m,)."""
    head_ties: Array
    """How many such classes tie with a class of the head, if the strongest does, shape (m,)."""
    tail_ties: Array
    """The same with a class of the tail."""
