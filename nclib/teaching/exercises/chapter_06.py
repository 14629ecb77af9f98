"""Exercises of chapter 6: Theorem 4.4."""

from __future__ import annotations

from functools import cache

import numpy as np

from nclib.teaching._answers import (
    Numbers,
)
from nclib.teaching.exercises.common import (
    first_where,
)
from nclib.teaching.exercises.register import Given, Mistake, Solved, asks
from nclib.theory.counts import ClassCounts
from nclib.theory.spectrum import Spectrum


@asks(
    "06-a",
    Numbers("all singular values", (10,), ordered=False),
    "Count them: each group of l classes gives l - 1, and two groups give two more.",
    (
        Given(
            "rare", "the number of images in a rare class", 50, (20, 25, 40, 80, 100, 125, 200, 250)
        ),
    ),
)
def _a_step(rare: int = 50) -> Solved:
    counts = ClassCounts([5000] * 5 + [rare] * 5)
    kappa = Spectrum(counts).kappa
    between = kappa[4]
    common, seldom = np.sqrt([5000, rare])
    return kappa, [
        Mistake(
            "gave the squares",
            kappa**2,
            "These are the squares of the singular values.",
        ),
        Mistake(
            "left the labels as they were",
            np.repeat([common, seldom], 5),
            "These are the values without a bias. Each group loses one, and two others come.",
        ),
        Mistake(
            "forgot the root at the value between the groups",
            [*[common] * 4, between**2, *[seldom] * 4, 0],
            "One entry is not under a root: K N_1 N_2 / N is a square.",
        ),
        Mistake(
            "counted twice the frequent group's value, and no 0",
            [*[common] * 5, between, *[seldom] * 4],
            "One value must be 0: the columns of the centred labels are dependent.",
        ),
        Mistake(
            "took the number of groups for K in K N_1 N_2 / N",
            [*[common] * 4, np.sqrt(2 * 5000 * rare / counts.N), *[seldom] * 4, 0],
            "K is the number of classes, not of groups.",
        ),
    ]


_MIDDLE = Given("middle", "the count of the middle group", 300, (200, 220, 250, 320, 340, 360))
_RARE = Given("rare", "the count of the two rarest classes", 100, (60, 80, 90, 120, 130))


@cache
def _upper_zero(size: int, middle: int, rare: int) -> float:
    """Find the upper zero of two classes of 500, two rare ones and `size` in the middle."""
    spectrum = Spectrum(ClassCounts([500] * 2 + [middle] * size + [rare] * 2))
    return float(spectrum.kappa[spectrum.is_between][0] ** 2)


@asks(
    "06-b.1",
    Numbers("the number of classes of 300", digits=1e-6),
    "The zero is above 499 exactly when the secular function at 499 is still below 0.",
    (_MIDDLE, _RARE),
)
def _large_group(middle: int = 300, rare: int = 100) -> Solved:
    size = first_where(lambda size: _upper_zero(size, middle, rare) > 499, 1, 2000)
    return size, [
        Mistake(
            "rounded down",
            size - 1,
            "Just too few: try this number, and one more.",
        ),
        Mistake(
            "left out that two classes have 500",
            first_where(
                lambda size: 500 - middle / (499 - middle) * size < rare / (499 - rare), 1, 2000
            ),
            "In the secular function each term is multiplied by the number of classes.",
        ),
        Mistake(
            "took the singular value within 1 of the root of 500",
            first_where(
                lambda size: _upper_zero(size, middle, rare) > (np.sqrt(500) - 1) ** 2, 1, 2000
            ),
            "Zeros of the secular function are squares. It is the zero that comes within 1 of 500.",
        ),
        Mistake(
            "asked for within 0.1",
            first_where(lambda size: _upper_zero(size, middle, rare) > 499.9, 1, 20_000),
            "You came closer than within 1.",
        ),
    ]


@asks(
    "06-b.2",
    Numbers("where the two zeros go", (2,), ordered=False, digits=5e-3),
    "Let the group shrink in steps, and look at both zeros.",
    (_MIDDLE, _RARE),
)
def _vanishing_group(middle: int = 300, rare: int = 100) -> Solved:
    rest = Spectrum(ClassCounts([500] * 2 + [rare] * 2))
    left = rest.kappa[rest.is_between][0] ** 2
    return [middle, left], [
        Mistake(
            "gave the singular values",
            np.sqrt([middle, left]),
            "These are the roots: give the zeros.",
        ),
        Mistake(
            "sent the zeros to the poles that stay",
            [500, rare],
            f"Zeros stay between poles. Only the pole at {middle} disappears.",
        ),
        Mistake(
            "let one of the zeros go to 0",
            [left, 0],
            f"Zeros stay between the poles at {rare}, {middle} and 500. One of them goes with the "
            "group.",
        ),
        Mistake(
            "kept five classes in K N_1 N_2 / N",
            [middle, left * 5 / 4],
            "Without the group there are four classes.",
        ),
        Mistake(
            "sent both to the vanishing pole",
            [middle, middle],
            "Two groups are left, and they have a zero of their own.",
        ),
    ]
