"""What becomes of each class at the optimum, and how far it is from becoming something else.

The closed form is about modes; a practitioner asks about classes. Classes of one count share their
fate, so everything here costs what the distinct counts cost, however many classes there are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from nclib._checks import as_whole
from nclib._records import Record
from nclib.theory.collapse import value_at_death
from nclib.theory.minimizer import LocalMinima, Minimizer, global_minimizer
from nclib.theory.problem import Problem, require_problem

Array = NDArray[np.float64]

T = TypeVar("T")


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


def fate_of(k: int, problem: Problem) -> int:
    """Return a number that class k shares with those that fare alike whatever the penalties."""
    return int(problem.counts.group[k]) if problem.widths is None else k


def chosen_classes(problem: Problem, classes: Iterable[int] | None) -> list[int]:
    """Return the classes that were asked for, all where none were named."""
    if classes is None:
        return list(range(problem.K))
    return [as_whole("each of classes", k, 0, problem.K - 1) for k in classes]


def _representatives(group: NDArray[np.int64], groups: int) -> NDArray[np.int64]:
    """Return one class of each group: the first."""
    result = np.zeros(groups, dtype=np.int64)
    result[group[::-1]] = np.arange(group.size)[::-1]
    return result
