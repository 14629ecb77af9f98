"""What a minimiser does to the groups of equal counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nclib.theory.groups import Groups
from nclib.theory.problem import Problem
from nclib.theory.secular import FilteredModes
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

    def by_outcome(self) -> Groups:
        """Logits by the heads and the tails of the groups that have them."""
        counts = self.problem.counts
        code = 2 * counts.group + ~self.in_head
        occurs = np.bincount(code, minlength=2 * counts.m)
        present = np.flatnonzero(occurs)
        number = np.full(2 * counts.m, -1)
        number[present] = np.arange(present.size)
        of_count, in_tail = present // 2, present % 2 == 1
        tail_size = occurs[1::2]
        lead = np.where(in_tail, 0.0, self.inner_s[of_count])
        drop = np.where(in_tail, 0.0, self.head_drop[of_count])
        own = self.own[of_count] + lead - drop
        at_one_mean = tail_size[of_count] if self.groups_apart else tail_size.sum()
        return Groups(
            group=number[code],
            own=own,
            lead=lead,
            rows=lambda chosen: self._rows(chosen, of_count, drop),
            slack=LOGIT_TIE * np.abs(own),
            merged=np.where(in_tail, at_one_mean, 1),
            kin=of_count,
        )

    def _rows(self, chosen: slice, of_count: NDArray[np.int64], drop: Array) -> Array:
        """Return rows of `Groups`: the count of each group and what its wrong classes lose."""
        first, last = of_count[chosen.start], of_count[chosen.stop - 1]
        logits = self.between(slice(first, last + 1))
        at = np.arange(chosen.start, chosen.stop)
        if of_count.size > self.problem.counts.m:
            logits = logits[np.ix_(of_count[chosen] - first, of_count)]
        logits[at - chosen.start, at] -= drop[chosen]
        return logits
