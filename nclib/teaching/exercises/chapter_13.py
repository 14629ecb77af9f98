"""Exercises of chapter 13: relatives with cross-entropy."""

from __future__ import annotations

import numpy as np

from nclib.teaching._answers import Array, Numbers
from nclib.teaching.exercises.register import Given, Mistake, Solved, asks
from nclib.theory.counts import ClassCounts
from nclib.theory.losses.objects import CrossEntropy
from nclib.theory.losses.problem import LossProblem
from nclib.theory.losses.thresholds import loss_collapse_factors
from nclib.theory.related.layer_peeled import constrained_minimizer, layer_peeled_problem
from nclib.theory.related.max_margin import MaxMarginGeometry

_LARGE = Given("large", "the count of the large classes", 160, (90, 120, 200, 250, 360))
_SMALL = Given("small", "the count of the small classes", 40, (10, 15, 24, 30, 50))


@asks(
    "13-a.1",
    Numbers("the square without a bias, and with one", (2,)),
    "One is the arithmetic mean of the two counts, the other the harmonic one.",
    (_LARGE, _SMALL),
)
def _squares(large: int = 160, small: int = 40) -> Solved:
    counts = ClassCounts([large] * 2 + [small] * 2)
    squares = np.array([MaxMarginGeometry(counts, bias=b).between[0] ** 2 for b in (False, True)])
    geometric = float(np.sqrt(large * small))
    return squares, [
        Mistake(
            "swapped the two", squares[::-1], "Which of them is weaker: with a bias or without?"
        ),
        Mistake("gave the values, not their squares", squares**0.5, "The squares are asked for."),
        Mistake(
            "took the geometric mean",
            np.array([geometric, geometric]),
            "This is the root of the product of the counts: neither matrix has it.",
        ),
        Mistake(
            "gave the inner modes",
            np.array([large, small]),
            "These are the squares of the inner modes. Which mode sets the two kinds apart?",
        ),
    ]


@asks(
    "13-b.1",
    Numbers("lambda_W and lambda_H", (2,)),
    "One more unit of the nuclear norm raises each lead by 1/3. What does the loss gain by it?",
    (Given("E_H", "the bound on the features", 4, (2, 3, 5, 6)),),
)
def _penalties(E_H: float = 4) -> Solved:
    best = constrained_minimizer(layer_peeled_problem([1] * 4), E_W=1, E_H=E_H)
    problem, lam = best.optimum.problem, best.multiplier
    penalties = np.array([problem.lambda_W[0], problem.lambda_H])
    wrong = 3 * lam  # what the answers of the simplex leave out
    return penalties, [
        Mistake("swapped the two", penalties[::-1], "The longer vectors have the smaller penalty."),
        Mistake(
            "took both alike",
            np.array([lam, lam]),
            "Their product is right. Their ratio is that of the bounds, turned over.",
        ),
        Mistake(
            "forgot the other classes",
            3 * penalties,
            "A unit of the norm is shared by three modes: each lead grows by a third of it.",
        ),
        Mistake(
            "took the own answer for the others",
            penalties * (1 - wrong) / wrong,
            "The loss falls by what the other classes are answered with.",
        ),
    ]


@asks(
    "13-b.2",
    Numbers("lambda where features count by class, and by sample", (2,)),
    "A group merges at its share of the loss over the root of what its features count.",
    (
        Given("large", "the count of the frequent classes", 90, (70, 120, 150, 250, 360)),
        Given("small", "the count of the rare classes", 10, (8, 12, 16, 20, 30)),
    ),
)
def _mergers(large: int = 90, small: int = 10) -> Solved:
    n = [large] * 5 + [small] * 5
    by_class = loss_collapse_factors(layer_peeled_problem(n)).inner
    by_sample = loss_collapse_factors(_unit(n, "none")).inner
    right = np.array([by_class[1], by_sample[1]])
    return right, [
        Mistake("swapped the two", right[::-1], "Where features count by class all pay alike."),
        Mistake(
            "took the frequent classes",
            np.array([by_class[0], by_sample[0]]),
            "Here the frequent classes merge.",
        ),
        Mistake("forgot the N", right * sum(n), "Divide by the number of all samples."),
    ]


def _unit(n: list[int], bias: str) -> LossProblem:
    return LossProblem(
        ClassCounts(n),
        CrossEntropy(),
        bias=bias,  # type: ignore[arg-type]
        lambda_W=(1.0,),
        lambda_H=1.0,
    )


_TWO = (
    Given("large", "the count of the frequent class", 90, (60, 75, 130, 160, 210)),
    Given("small", "the count of the rare class", 10, (4, 6, 12, 16, 20)),
)


def _slopes(large: int, small: int) -> Array:
    """Largest singular value of the derivative at 0, without a bias and with the best one."""
    biases = ("none", "free")
    return np.array([loss_collapse_factors(_unit([large, small], b)).total for b in biases])


@asks(
    "13-c.1",
    Numbers("lambda without a bias, and with one", (2,)),
    "At 0 the derivative is minus SELI's matrix over N, and with a bias minus the paper's.",
    _TWO,
)
def _minimum_from(large: int = 90, small: int = 10) -> Solved:
    slopes, N = _slopes(large, small), large + small
    return slopes, [
        Mistake(
            "swapped the two", slopes[::-1], "A bias answers a part of the labels for nothing."
        ),
        Mistake("forgot the N", slopes * N, "The loss is a mean over all samples."),
        Mistake("forgot the root", slopes**2 * N, "This has the square of the singular value."),
    ]


@asks(
    "13-c.2",
    Numbers("the slope over lambda"),
    "Divide where it becomes a minimum by the lambda that is given.",
    _TWO,
)
def _slope(large: int = 90, small: int = 10) -> Solved:
    without, with_bias = _slopes(large, small)
    lam = 0.02
    return float(without / lam), [
        Mistake("took the bias", float(with_bias / lam), "Here there is no bias."),
        Mistake("gave the slope itself", float(without), "Divide it by lambda."),
        Mistake("turned the ratio over", float(lam / without), "The slope over lambda, please."),
        Mistake(
            "took the product of the penalties",
            float(without / lam**2),
            "The price is the root of the product of the two penalties.",
        ),
    ]
