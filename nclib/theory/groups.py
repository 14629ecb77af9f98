"""Logits by groups of classes that an optimum treats alike, and the strongest rivals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nclib.theory.secular import row_chunks

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Groups:
    """What an optimum answers, by G groups of classes that it treats alike.

    Attributes
    ----------
    group : (K,) ndarray of int64
        The group of each class.
    own : (G,) ndarray
        Logit of a sample's own class.
    lead : (G,) ndarray
        By how much that is more than the logit of another class of the group: 0 where they are the
        same. Decided by which modes are alive, so that there is no rounding to allow for.
    rows : callable
        Takes a slice of groups to an array (rows, G): for a sample of each group of the slice the
        logit of a class of every group; of its own, of another class. A new array each time.
    slack : (G,) ndarray
        Logits of other groups that differ by less from `own` count as tied.
    merged : (G,) ndarray of int64
        How many classes share the class mean; 1 where a class stands apart.
    kin : (G,) ndarray of int64
        Groups of one number differ in no more than which of their inner modes are alive: those
        without a lead tie with all of them, those with one beat them.

    Examples
    --------
    >>> from nclib.theory.minimizer import global_minimizer
    >>> from nclib.theory.problem import Problem
    >>> problem = Problem([500, 100, 100], depth=3, lambda_W=1.5e-2, lambda_H=1.5e-2)
    >>> groups = global_minimizer(problem).groups
    >>> groups.own.round(3), groups.lead, groups.rows(slice(0, 2)).round(3)
    (array([0.94 , 0.425]), array([0., 0.]), array([[0.94 , 0.03 ],
           [0.151, 0.425]]))
    """

    group: NDArray[np.int64]
    own: Array
    lead: Array
    rows: Callable[[slice], Array]
    slack: Array
    merged: NDArray[np.int64]
    kin: NDArray[np.int64]

    def __repr__(self) -> str:
        return f"Groups({self.own.size} of {self.group.size} classes)"

    @cached_property
    def size(self) -> NDArray[np.int64]:
        """Number of classes of each group, (G,)."""
        return np.bincount(self.group)

    @cached_property
    def rivals(self) -> Rivals:
        """The strongest other class for the samples of each group."""
        G, size = self.own.size, self.size
        group, logit, ties = np.arange(G), np.empty(G), np.zeros(G)
        kin_size = np.bincount(self.kin, size)[self.kin]
        of_kin = np.bincount(self.kin)[self.kin]
        for rows in row_chunks(G):
            at = np.arange(rows.start, rows.stop)
            logits = self.rows(rows)
            beside = np.where(size[at] > 1, logits[at - rows.start, at], -np.inf)
            logits[at - rows.start, at] = -np.inf
            for g in at[of_kin[at] > 1]:
                row, kin = logits[g - rows.start], np.flatnonzero(self.kin == self.kin[g])
                row[g] = beside[g - rows.start]
                group[g], beside[g - rows.start] = kin[row[kin].argmax()], row[kin].max()
                row[kin] = -np.inf
            strongest = logits.argmax(axis=1)
            elsewhere = logits[at - rows.start, strongest]
            group[rows] = np.where(beside >= elsewhere, group[rows], strongest)
            logit[rows] = np.maximum(beside, elsewhere)
            own, slack = self.own[rows], self.slack[rows]
            close = np.flatnonzero(np.abs(elsewhere - own) <= slack)
            alike = np.abs(logits[close] - own[close, None]) <= slack[close, None]
            ties[at[close]] = alike @ size
            ties[at[elsewhere > own + slack]] = np.inf
        ties += np.where(self.lead > 0, 0.0, np.where(self.lead == 0, kin_size - 1, np.inf))
        return Rivals(group, logit, 1.0 / (1.0 + ties))


class Rivals(NamedTuple):
    """Who is strongest among the other classes, for the samples of each group; see `Groups`."""

    group: NDArray[np.int64]
    """Its group, (G,)."""
    logit: Array
    """Its logit, minus infinity where there is no other class, (G,)."""
    right: Array
    """Share of the samples that are classified right, 1/t in a tie of t classes, (G,)."""


def sharing_a_mean(
    means: Array, size: NDArray[np.int64], together: NDArray[np.bool_], rounding: float
) -> NDArray[np.int64]:
    """Count the classes that share a class mean, by group, from the means themselves.

    Parameters
    ----------
    means : (d, G) ndarray
        Mean of a class of each group.
    size : (G,) ndarray of int64
        Classes of each group.
    together : (G,) ndarray of bool
        Groups whose classes share one mean, those of a single class included.
    rounding : float
        Means that differ by less, relative to the largest, are the same.

    Returns
    -------
    (G,) ndarray of int64
    """
    squares = np.sum(means**2, axis=0)
    distance = squares[:, None] + squares - 2 * means.T @ means
    same = distance <= rounding**2 * max(float(squares.max(initial=0.0)), 1e-300)
    same |= np.eye(size.size, dtype=bool)
    same &= together[:, None] & together
    return np.where(together, same @ size, 1)
