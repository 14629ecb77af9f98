"""Exercises of chapter 3: Theorem 4.1."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from nclib.teaching._answers import (
    Function,
    Numbers,
)
from nclib.teaching.beyond import equal
from nclib.teaching.exercises.common import (
    CIFAR,
    LESIONS,
    deaths_of,
    first_where,
    problem_of,
)
from nclib.teaching.exercises.register import Given, Mistake, Solved, asks
from nclib.theory.counts import ClassCounts
from nclib.theory.geometry import mode_coordinates
from nclib.theory.minimizer import global_minimizer
from nclib.theory.shrinkage import (
    threshold_kappa,
)


@asks(
    "03-a",
    Numbers("the two ends of the interval of lambda", (2,), ordered=False),
    "A class is alive if n_k > N^2 lambda_W lambda_H. Which class must just be dead, and which "
    "just be alive?",
    (Given("times", "the factor on all class counts", 1, (2, 3, 4, 5, 6, 7, 8, 9)),),
)
def _one_threshold(times: int = 1) -> Solved:
    counts = ClassCounts(times * CIFAR.n)
    n_500, n_400, n_300, n_200 = np.unique(deaths_of(counts, 1, bias=False))[:0:-1]
    ends = np.array([n_300, n_400])
    between = deaths_of(counts, 1)
    return ends, [
        Mistake(
            "forgot the root",
            ends**2 * counts.N,
            "The test has lambda squared. Take the root of n_k.",
        ),
        Mistake(
            "left out N",
            ends * counts.N,
            "These are roots of counts. Where has N gone?",
        ),
        Mistake(
            f"took the classes of {500 * times} and {400 * times} for the ends",
            [n_400, n_500],
            f"Between these only the classes of {500 * times} are alive. The classes of "
            f"{400 * times} shall be, too.",
        ),
        Mistake(
            "stopped one pair too low",
            [n_200, n_300],
            f"Between these the classes of {300 * times} are alive as well.",
        ),
        Mistake(
            "gave the interval of the product of both penalties",
            ends**2,
            "This is the interval for lambda_W lambda_H. Here both are one lambda.",
        ),
        Mistake(
            "used the modes of the model with a bias",
            [between[4], between[3]],
            "These are the ends for a model with a bias. In this chapter there is none.",
        ),
    ]


def _class_mean(k: int, lambda_W: float, lambda_H: float) -> float:
    """Length of the mean of one class of the lesions, without bias."""
    best = global_minimizer(problem_of(LESIONS, 1, lambda_W, lambda_H, bias=False))
    means = mode_coordinates(best)[0]
    return float(np.linalg.norm(means[:, k]))


@cache
def _peak(lambda_H: float = 1e-4) -> tuple[float, float]:
    """Best lambda_W and height of the first class, by golden section in its logarithm."""
    golden = (np.sqrt(5) - 1) / 2
    low, high = np.log(1e-5), np.log(LESIONS.n[0] / (LESIONS.N**2 * lambda_H))
    for _ in range(60):
        left, right = high - golden * (high - low), low + golden * (high - low)
        if _class_mean(0, np.exp(left), lambda_H) < _class_mean(0, np.exp(right), lambda_H):
            low = left
        else:
            high = right
    lambda_W = float(np.exp((low + high) / 2))
    return lambda_W, _class_mean(0, lambda_W, lambda_H)


@asks(
    "03-b.1",
    Numbers("the height of the peak, a length"),
    "Write the squared length as a parabola in the root of lambda_W.",
    (Given("lambda_H", "lambda_H", 1e-4, (5e-5, 6e-5, 8e-5, 1.2e-4, 1.5e-4, 2e-4, 2.5e-4)),),
)
def _height(lambda_H: float = 1e-4) -> Solved:
    lambda_W, height = _peak(lambda_H)
    return height, [
        Mistake(
            "gave the square of the length",
            height**2,
            "This is the square of the length.",
        ),
        Mistake(
            "gave the place instead of the height",
            lambda_W,
            "This is the lambda_W at which the most frequent class peaks. How long is its mean "
            "there?",
        ),
        Mistake(
            "forgot the factor 4 of the top of the parabola",
            2 * height,
            "The top of a t - b t^2 is a^2 / (4b).",
        ),
        Mistake(
            "measured the columns of E, which carry the root of n_k",
            height * np.sqrt(LESIONS.n[0]),
            "This is the length times the root of n_k. The class mean has no such factor.",
        ),
    ]


@asks(
    "03-b.2",
    Numbers("the factor by which it is below the lambda_W at which the class dies"),
    "Find both values of lambda_W for one class, and divide.",
)
def _below_death() -> Solved:
    factor = LESIONS.n[0] / (LESIONS.N**2 * 1e-4) / _peak()[0]
    return factor, [
        Mistake(
            "turned the ratio over",
            1 / factor,
            "This is the ratio the other way round: by which factor is it *below*?",
        ),
        Mistake(
            "compared the roots of lambda_W",
            np.sqrt(factor),
            "The top is half-way in the root of lambda_W. What is that in lambda_W?",
        ),
        Mistake(
            "squared once too often",
            factor**2,
            "You have squared once too often.",
        ),
    ]


@asks(
    "03-c",
    Function(
        "the two ends between which class k is alive, or None if there are none",
        ("M", "product"),
        ((10_000, 2e-5), (40_000, 1e-6), (12_501, 2e-5), (1_000_000, 1e-7), (1_000_000, 1e-6)),
        returns=2,
        may_be_none=True,
    ),
    "Test your function: at each end n_k = (M + n_k)^2 lambda_W lambda_H must hold.",
)
def _save_a_class() -> Solved:
    def alive_between(M: int, product: float) -> tuple[int, int] | None:
        def alive(n_k: int) -> bool:
            problem = equal([n_k, M], 1, np.sqrt(product), bias=False)
            return bool(np.sqrt(n_k) > threshold_kappa(problem))

        if not alive(M):
            return None
        return first_where(alive, 1, M), first_where(lambda n_k: not alive(n_k), M, 10**12)

    def outer(M: float, product: float) -> float:
        return math.sqrt(max((1 / product - 2 * M) ** 2 - 4 * M**2, 0.0))

    def never_none(M: float, product: float) -> tuple[float, float]:
        middle, half = 1 / product - 2 * M, outer(M, product)
        return (middle - half) / 2, (middle + half) / 2

    def unhalved(M: float, product: float) -> tuple[float, float] | None:
        ends = alive_between(int(M), product)
        return ends and (2 * ends[0], 2 * ends[1])

    def without_itself(M: float, product: float) -> tuple[float, float] | None:
        return (M**2 * product, 1 / product) if 4 * M * product < 1 else None

    return alive_between, [
        Mistake(
            "did not look at whether the roots are real",
            never_none,
            "For large M there are no ends: the square root has a negative number under it. "
            "Return None there.",
        ),
        Mistake(
            "forgot that n_k is part of N at the lower end",
            without_itself,
            "N is M + n_k at both ends: collecting more of a class makes N larger, too.",
        ),
        Mistake(
            "forgot the 2 in the denominator of the roots",
            unhalved,
            "Both ends are twice too large: look at the formula for the roots again.",
        ),
        Mistake(
            "took class k for hopeless at every size",
            lambda M, product: None,
            "At n_k = M the left side is largest. Is the class dead there, for small products?",
        ),
    ]
