"""Searches by steps that double and by halving, and for which classes to search."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from nclib._checks import as_whole
from nclib.theory.problem import Problem

Array = NDArray[np.float64]


def first_at(holds: Callable[[int], bool], low: int, high: int) -> int:
    """Return the first number from `low` on at which it holds, as from there on, or `high`.

    Examples
    --------
    >>> first_at(lambda i: i * i >= 50, 0, 100)
    8
    """
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def last_at(holds: Callable[[int], bool], most: int) -> int:
    """Return a number up to `most` at which it holds, as at 0, but not at the next.

    With steps that double, then by halving.
    """
    low, step = 0, 1
    while low < most:
        at = min(low + step, most)
        if not holds(at):
            return first_at(lambda i: not holds(i), low + 1, at) - 1
        low, step = at, 2 * step
    return most


def interval_of(
    holds: Callable[[int], bool], peak: int, most: int, least: int = 1
) -> tuple[int, int]:
    """Return the first and the last number at which it holds; (1, 0) where there is none.

    They are an interval which, unless it is empty, has `peak` or the number after that.
    """
    top = peak if holds(peak) else min(peak + 1, most)
    if not holds(top):
        return 1, 0
    return first_at(holds, least, top), first_at(lambda i: not holds(i), top + 1, most + 1) - 1


def outcome_of(k: int, problem: Problem) -> int:
    """Return a number that class k shares with those that fare alike whatever the penalties."""
    return int(problem.counts.group[k]) if problem.widths is None else k


def chosen_classes(problem: Problem, classes: Iterable[int] | None) -> list[int]:
    """Return the classes that were asked for, all where none were named."""
    if classes is None:
        return list(range(problem.K))
    return [as_whole("each of classes", k, 0, problem.K - 1) for k in classes]
