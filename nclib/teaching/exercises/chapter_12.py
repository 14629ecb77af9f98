"""Exercises of chapter 12: the relatives."""

from __future__ import annotations

import math

import numpy as np

from nclib.teaching._answers import Chosen, Numbers
from nclib.teaching.exercises.register import Given, Mistake, Solved, asks
from nclib.theory.counts import ClassCounts
from nclib.theory.problem import Problem
from nclib.theory.related.bias_path import balanced_bias_cosines, balanced_bias_threshold
from nclib.theory.related.models import rare_merger
from nclib.theory.related.relu_head import ReLUCode, collapsed_code, pair_code

_SIZE = Given("size", "the samples of each class", 360, (200, 250, 300, 420, 480))
_RARE = Given("rare", "the samples of a rare class", 30, (20, 24, 36, 40, 50))

_CLASSES, _LAMBDA = 10, 0.002


def _balanced(size: float) -> Problem:
    counts = ClassCounts([int(size)] * _CLASSES)
    return Problem(counts, 1, lambda_W=(_LAMBDA,), lambda_H=_LAMBDA)


@asks(
    "12-a.1",
    Numbers("the penalty at which the simplex is left"),
    "With t for lambda over that at which the modes die: t over 1 - t.",
    (_SIZE,),
)
def _leaves_the_simplex(size: int = 360) -> Solved:
    leaves = balanced_bias_threshold(_balanced(size))
    share = leaves / (1 + leaves)
    return leaves, [
        Mistake("gave t itself", share, "This is t, lambda over that at which the modes die."),
        Mistake("turned it over", 1 / leaves, "It is t over 1 - t, not 1 - t over t."),
        Mistake(
            "forgot the root",
            _CLASSES * _LAMBDA * size / abs(1 - _CLASSES * _LAMBDA * size),
            "The modes die where lambda is the root of the count over N.",
        ),
        Mistake(
            "took one class for all",
            share / _CLASSES / (1 - share / _CLASSES),
            "N counts the samples of all ten classes.",
        ),
    ]


@asks(
    "12-a.2",
    Numbers("the cosine at the penalty 2"),
    "What is left of a contrast, and of the mean, for which N is 3/2 times as large?",
    (_SIZE,),
)
def _cosine(size: int = 360) -> Solved:
    problem, rho = _balanced(size), 2.0
    cosine = float(balanced_bias_cosines(problem, rho))
    root, price = math.sqrt(size), problem.N * _LAMBDA
    contrast, mean = root - price, root - price * (1 + 1 / rho)
    return cosine, [
        Mistake("took the simplex", -1 / (_CLASSES - 1), "The simplex is left before that."),
        Mistake("took the orthogonal frame", 0.0, "That is reached for an infinite penalty only."),
        Mistake("turned the sign round", -cosine, "The mean is weaker than the contrasts."),
        Mistake(
            "took N twice for 3/2 of it",
            (root - 3 * price - contrast) / (root - 3 * price + (_CLASSES - 1) * contrast),
            "The mean has N times 1 + 1/rho, with rho = 2.",
        ),
        Mistake(
            "counted all ten contrasts",
            (mean - contrast) / (mean + _CLASSES * contrast),
            "Ten classes have nine contrasts.",
        ),
    ]


def _halves(rare: float) -> ClassCounts:
    return ClassCounts([300] * 3 + [int(rare)] * 3)


@asks(
    "12-b.1",
    Numbers("the lambda with one layer and with three", (2,)),
    "The three rare classes are one where the inner modes of kappa^2 = n are dead.",
    (_RARE,),
)
def _mergers(rare: int = 30) -> Solved:
    counts = _halves(rare)
    keys = ("squared, bias", "deep, bias")
    merge = np.array([rare_merger(key, counts, 1e-12) for key in keys])
    return merge, [
        Mistake(
            "took the same for both", merge[[0, 0]], "Depth moves it: see the threshold of 4.3."
        ),
        Mistake("swapped the two", merge[::-1], "Give the one of one layer first."),
        Mistake(
            "took the frequent classes",
            np.array([_frequent_merger(counts, depth) for depth in (1, 3)]),
            "This is where the three frequent classes merge.",
        ),
        Mistake("forgot the root", merge**2, "With one layer it is the root of n over N."),
    ]


def _frequent_merger(counts: ClassCounts, depth: int) -> float:
    """Return where the inner modes of the largest count die, by Theorem 4.3."""
    n, N = float(counts.n.max()), counts.N
    room = n * (depth - 1) ** ((depth - 1) / depth) if depth > 1 else n
    return float(((room / (depth**2 * N)) ** depth / N) ** (1 / (depth + 1)))


@asks(
    "12-b.2",
    Chosen("the changes that move the merger", (1, 2, 3, 4)),
    "Compare the lambdas at which the rare classes merge, model by model.",
)
def _moves() -> Solved:
    counts = _halves(30)
    plain = rare_merger("squared, bias", counts)
    changes = ("cross-entropy, bias", "squared, no bias", "squared, penalised bias", "deep, bias")
    moving = {
        number
        for number, key in enumerate(changes, 1)
        if not math.isclose(rare_merger(key, counts), plain, rel_tol=1e-6)
    }
    return moving, [
        Mistake("thought that the loss matters", {1, 4}, "Inner modes do not see the loss."),
        Mistake("thought that the bias matters", {2, 3, 4}, "A bias is constant in a group."),
        Mistake("thought that all matter", {1, 2, 3, 4}, "Three of the four move nothing."),
        Mistake("thought that none matters", set(), "One of them does: compare the numbers."),
    ]


def _price(code: ReLUCode) -> float:
    return float(np.prod([np.sum(factor**2) for factor in (*code.Ws, code.H)]))


def _ratio(K: int, depth: int) -> float:
    return _price(pair_code(K, depth)) / _price(collapsed_code(K, depth))


@asks(
    "12-c.1",
    Numbers("the price of the pairs over that of collapse"),
    "Multiply the squared norms of all layers and of the class means, for both codes.",
)
def _pairs() -> Solved:
    ratio = _ratio(10, 5)
    return ratio, [
        Mistake("turned it over", 1 / ratio, "The pairs over collapse, please."),
        Mistake("took four layers", _ratio(10, 4), "This is the ratio for four layers."),
        Mistake("took six layers", _ratio(10, 6), "This is the ratio for six layers."),
        Mistake("took the ranks alone", (5 / 10) ** 5, "The last two layers have other norms."),
    ]


@asks(
    "12-c.2",
    Numbers("the smallest number of layers"),
    "With r things the ratio is r/(r-1) for three layers; what does one more layer do?",
)
def _layers() -> Solved:
    least = next(depth for depth in range(2, 20) if _ratio(15, depth) < 1)
    return least, [
        Mistake("took one too few", 3, "With three layers the ratio is 6/5."),
        Mistake("took two", 2, "With two layers the ratio is r."),
        Mistake("took one too many", 5, "Try one layer less."),
    ]
