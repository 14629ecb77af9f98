"""What exercises of several chapters compute with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nclib.data.published import gallery
from nclib.teaching._answers import Array
from nclib.teaching.beyond import equal
from nclib.teaching.exercises.register import Given
from nclib.theory.collapse import collapse_factors
from nclib.theory.counts import ClassCounts, as_counts
from nclib.theory.minimizer import Minimizer
from nclib.theory.problem import Problem


def problem_of(
    counts: ClassCounts | Array | list[int],
    depth: int,
    lambda_W: float,
    lambda_H: float,
    bias: bool = True,
) -> Problem:
    """One lambda for all layers."""
    layers = (lambda_W,) * depth
    return Problem(as_counts(counts), depth, bias=bias, lambda_W=layers, lambda_H=lambda_H)


def deaths_of(
    counts: ClassCounts | Array | list[int], depth: int, lam: float = 1.0, bias: bool = True
) -> Array:
    """Factor on every lambda at which each mode dies, for the modes that are ever alive."""
    factors = collapse_factors(equal(counts, depth, lam, bias=bias))
    return factors[factors > 0]


def first_where(true: Callable[[int], bool], low: int, high: int) -> int:
    """Find the first whole number from `low` to `high` for which `true` holds; it stays true."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if true(middle) else (middle + 1, high)
    return low


def wrong_classes(best: Minimizer) -> set[int]:
    """Classes that are not always right, numbered from 1."""
    return set((np.flatnonzero(best.training_accuracy().per_class < 1) + 1).tolist())


def scaled_function(factor: float, function: Callable[..., float]) -> Callable[..., float]:
    """Return a function whose values are a multiple of those of another."""
    return lambda *arguments: factor * function(*arguments)


CIFAR = ClassCounts.cifar10_paper()


LETTERS = ClassCounts.emnist_letters_paper()


LESIONS = gallery()["ham10000"].counts


RAREST = Given(
    "rarest",
    "the number of images of the rarest lesion",
    115,
    (98, 101, 104, 107, 110, 112, 118, 121),
)


def lesions(rarest: float) -> ClassCounts:
    """Return the counts of the lesions, with another number of images of the rarest."""
    return ClassCounts([*LESIONS.n[:-1].tolist(), int(rarest)])
