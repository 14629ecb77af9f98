"""Exercises of chapter 2: the model and the one rule."""

from __future__ import annotations

import numpy as np

from nclib.teaching._answers import (
    Numbers,
)
from nclib.teaching.beyond import equal
from nclib.teaching.exercises.common import (
    LETTERS,
    deaths_of,
)
from nclib.teaching.exercises.register import Given, Mistake, Solved, asks
from nclib.theory.counts import ClassCounts
from nclib.theory.minimizer import global_minimizer
from nclib.theory.spectrum import Spectrum


@asks(
    "02-a",
    Numbers("the best z of the mode that is not 0"),
    "Write down kappa first. Then set the derivative of the cost to 0.",
    (
        Given("n_1", "the number of samples of the first class", 3, (4, 5, 6, 7, 8)),
        Given("lam", "lambda_W = lambda_H", 0.01, (0.015, 0.02, 0.025, 0.03)),
    ),
)
def _two_by_hand(n_1: int = 3, lam: float = 0.01) -> Solved:
    counts = ClassCounts([n_1, 1])
    kappa, N = Spectrum(counts).kappa[0], counts.N
    return global_minimizer(equal(counts, 1, lam)).z[0], [
        Mistake(
            "forgot to take the root of the sum of squares",
            kappa**2 - N * lam,
            "The sum of all squares is kappa squared.",
        ),
        Mistake(
            "left out N",
            kappa - lam,
            "The fit is divided by 2N. What does that do to the derivative?",
        ),
        Mistake(
            "left out the root of the product of the penalties",
            kappa - N * lam**2,
            "For one layer the price of z is the root of lambda_W lambda_H, times z.",
        ),
        Mistake(
            "took the labels without centring them",
            np.sqrt(n_1) - N * lam,
            "This is the answer without a bias. With a bias the labels are centred first.",
        ),
        Mistake("paid no penalty", kappa, "This is kappa. The penalty makes z smaller."),
        Mistake(
            "divided by N instead of multiplying",
            kappa - lam / N,
            "From (kappa - z) / N = the penalty: multiply by N.",
        ),
    ]


@asks(
    "02-b",
    Numbers("the number of samples at which the first mode dies", digits=0.07),
    "Start at a factor where all 25 modes are alive and one where they are not, and halve.",
    (Given("lam", "every lambda", 5e-4, (3.5e-4, 4e-4, 4.5e-4, 5.5e-4, 6e-4, 6.5e-4)),),
)
def _too_much_data(lam: float = 5e-4) -> Solved:
    factors = deaths_of(LETTERS, 2, lam)
    # At fixed proportions the factors fall as N to the power -1/(L+1).
    right = LETTERS.N * factors.min() ** 3
    return right, [
        Mistake(
            "gave the factor on the counts",
            right / LETTERS.N,
            "This is the factor on the counts. How many samples is that?",
        ),
        Mistake(
            "waited until the last mode died",
            LETTERS.N * factors.max() ** 3,
            "Here the last mode dies. Asked is the first.",
        ),
        Mistake(
            "waited for 26 modes, which never live",
            LETTERS.N,
            "With a bias at most K - 1 = 25 modes are ever alive. For how many did you look?",
        ),
    ]
