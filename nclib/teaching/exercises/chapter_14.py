"""Exercises of chapter 14: the errata."""

from __future__ import annotations

import numpy as np

from nclib.teaching._answers import (
    Chosen,
    Numbers,
)
from nclib.teaching.beyond import equal
from nclib.teaching.exercises.register import Mistake, Solved, asks
from nclib.theory.counts import ClassCounts
from nclib.theory.minimizer import global_minimizer
from nclib.theory.spectrum import Spectrum, effective_label_matrix


@asks(
    "14-a",
    Chosen("the errata that can be seen with n = (5, 5, 5)", ("E1", "E3", "E4", "E8")),
    "Ask of each: what would have to differ, or how many groups does it need?",
)
def _slips_that_hide() -> Solved:
    even = ClassCounts([5, 5, 5])
    spectrum, best = Spectrum(even), global_minimizer(equal(even, 3, 1e-3))
    eigenvalues = np.sort(np.linalg.eigvals(effective_label_matrix(even)).real)[::-1]
    # As printed the target has q squared: s kappa / q, up to a factor, instead of s kappa.
    q = 1 / (1 - best.s)
    right, printed = best.z, best.z / q
    seen = set()
    if not np.allclose(eigenvalues, spectrum.kappa):
        seen.add("E1")
    if not np.allclose(right / np.linalg.norm(right), printed / np.linalg.norm(printed)):
        seen.add("E3")
    if even.m == 3:
        seen |= {"E4", "E8"}
    groups = "E4 and E8 are about three different counts. How many different counts are there here?"
    return seen, [
        Mistake(
            "thought that eigenvalues and singular values always differ",
            {"E1"},
            "Is the matrix symmetric here? Then its eigenvalues, none negative, are its singular "
            "values.",
        ),
        Mistake(
            "forgot that the metric divides by norms",
            {"E3"},
            "With all kappa equal, q to any power is one common factor. What does the norm do "
            "with it?",
        ),
        Mistake("counted classes as groups (E4)", {"E4"}, groups),
        Mistake("counted classes as groups (E8)", {"E8"}, groups),
        Mistake("counted classes as groups", {"E4", "E8"}, groups),
        Mistake(
            "thought that a wrong formula is wrong everywhere",
            {"E1", "E3", "E4", "E8"},
            "A wrong formula may give right numbers in special cases, and equal counts are very "
            "special.",
        ),
    ]


@asks(
    "14-b",
    Numbers("the largest floor", digits=3e-4),
    "Both targets become directions in a plane. How far apart are two unit vectors at an angle t?",
)
def _highest_floor() -> Solved:
    def distance(ratio: float) -> float:
        right, printed = np.array([1.0, 1 / ratio]), np.array([1.0, 1.0])
        return float(
            np.linalg.norm(right / np.linalg.norm(right) - printed / np.linalg.norm(printed))
        )

    return distance(np.inf), [
        Mistake("gave the angle in degrees", 45, "This is the angle. How long is the chord?"),
        Mistake("gave the angle", np.pi / 4, "This is the angle. The chord is a little shorter."),
        Mistake(
            "took the sine of the angle",
            np.sin(np.pi / 4),
            "The chord of an angle t is 2 sin(t/2), not sin t.",
        ),
        Mistake(
            "forgot the 2",
            np.sin(np.pi / 8),
            "This is half of the chord.",
        ),
        Mistake(
            "took the targets for orthogonal",
            np.sqrt(2),
            "The printed target (1, 1) is never orthogonal to (kappa_1, kappa_2).",
        ),
        Mistake(
            "stopped at a ratio of 1000",
            distance(1000),
            "Close, but the ratio can grow on. What is the limit?",
        ),
    ]
