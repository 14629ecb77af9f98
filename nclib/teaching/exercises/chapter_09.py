"""Exercises of chapter 9: the loss you train with."""

from __future__ import annotations

import numpy as np

from nclib.teaching._answers import Array, Chosen, Decision, Numbers
from nclib.teaching.exercises.common import CIFAR, RAREST, lesions
from nclib.teaching.exercises.register import Given, Mistake, Solved, asks
from nclib.theory.counts import ClassCounts
from nclib.theory.losses.objects import CrossEntropy, SquaredError
from nclib.theory.losses.problem import LossProblem
from nclib.theory.losses.thresholds import loss_collapse_factors, loss_margins

_LARGE = Given("large", "the count of the large classes", 400, (250, 300, 360, 500, 600))
_SMALL = Given("small", "the count of the small classes", 100, (40, 50, 80, 120, 150))


def _mergers(counts: ClassCounts, loss: CrossEntropy) -> Array:
    """Lambda at which the classes of each count merge, the most frequent first."""
    return loss_collapse_factors(LossProblem(counts, loss, lambda_W=(1.0,), lambda_H=1.0)).inner


@asks(
    "09-a.1",
    Numbers("where the large classes merge without weights, and where the small ones do", (2,)),
    "Classes of count n merge at the square root of n over N.",
    (_LARGE, _SMALL),
)
def _plain_mergers(large: int = 400, small: int = 100) -> Solved:
    counts = ClassCounts([large] * 2 + [small] * 2)
    merge = _mergers(counts, CrossEntropy())
    n = np.array([float(large), float(small)])
    return merge, [
        Mistake("forgot the root", n / counts.N, "The root of the count is what is asked for."),
        Mistake("gave the product", merge**2, "This is the product of the two penalties."),
        Mistake("forgot the N", np.sqrt(n), "Divide by the number of all samples."),
        Mistake("swapped the two", merge[::-1], "Give the large classes first."),
    ]


@asks(
    "09-a.2",
    Numbers("the same with weights 1/n", (2,)),
    "First divide the weights by their mean over all samples, as torch does it.",
    (_LARGE, _SMALL),
)
def _weighted_mergers(large: int = 400, small: int = 100) -> Solved:
    counts = ClassCounts([large] * 2 + [small] * 2)
    n = np.array([float(large), float(small)])
    merge = _mergers(counts, CrossEntropy(class_weights=1 / counts.n))
    alike = _mergers(counts, CrossEntropy(class_weights=1 / np.sqrt(counts.n)))
    return merge, [
        Mistake(
            "forgot to divide by the sum of the weights",
            1 / np.sqrt(n) / counts.N,
            "CrossEntropyLoss(weight=...) divides by the sum of the weights of the samples.",
        ),
        Mistake(
            "thought that weights do nothing",
            _mergers(counts, CrossEntropy()),
            "These are the places without weights.",
        ),
        Mistake(
            "thought that they treat all alike",
            alike,
            "So it is with weights of one over the root of n.",
        ),
        Mistake("swapped the two", merge[::-1], "Which of them merge first, with these weights?"),
    ]


def _lost(counts: ClassCounts, depth: int, power: float) -> Array:
    """Find the common lambda at which each lesion dies, with weights n^(-power) and no bias."""
    loss = SquaredError(class_weights=counts.n.astype(float) ** -power)
    layers = (1.0,) * depth
    return loss_margins(
        LossProblem(counts, loss, depth, bias="none", lambda_W=layers, lambda_H=1)
    ).lost


@asks(
    "09-b.1",
    Numbers("the power a"),
    "Class k dies at a Lambda that goes with n^L w^(L+1). For which w is that the same for all?",
)
def _fair_power() -> Solved:
    depth = 2
    return depth / (depth + 1), [
        Mistake("took one layer", 1 / 2, "This is the power for one layer."),
        Mistake("took three layers", 3 / 4, "This is the power for three layers."),
        Mistake(
            "took the inverse frequency",
            1,
            "The inverse frequency is fair for infinitely many layers only.",
        ),
        Mistake("turned it over", 3 / 2, "n^2 w^3 must not depend on n: which power of n is w?"),
        Mistake("gave the power of n, not a", -2 / 3, "The weights are n^(-a): give a."),
    ]


@asks(
    "09-b.2",
    Numbers("the ratio of the two lambdas"),
    "With w = 1/n the product of all penalties at death goes with 1/n.",
    (RAREST,),
)
def _ratio_of_deaths(rarest: int = 115) -> Solved:
    counts, depth = lesions(rarest), 2
    ratio = float(counts.n.max() / counts.n.min())
    lost = _lost(counts, depth, 1.0)
    times = float(lost[-1] / lost[0])
    return times, [
        Mistake(
            "gave the ratio of the products",
            ratio,
            "This is the ratio of Lambda, the product of three penalties.",
        ),
        Mistake("took two penalties for three", ratio**0.5, "The features have a penalty as well."),
        Mistake("turned the ratio over", 1 / times, "The rarest over the most frequent, please."),
        Mistake(
            "left the weights out",
            ratio ** (-depth / (depth + 1)),
            "So it is without weights: then the rarest dies first.",
        ),
    ]


STRENGTH = 0.005
"""Every lambda of exercise c."""


@asks(
    "09-c.1",
    Chosen("the classes that share a mean with another", tuple(range(1, 11))),
    "Compare 0.005 with the root of each count over 3000.",
)
def _merged_classes() -> Solved:
    merge = _mergers(CIFAR, CrossEntropy())[CIFAR.group]
    merged = set((np.flatnonzero(merge <= STRENGTH) + 1).tolist())
    return merged, [
        Mistake(
            "took the rarest alone", {9, 10}, "There is another count with a root of less than 15."
        ),
        Mistake(
            "took those that stay apart",
            set(range(1, 11)) - merged,
            "These stay apart: they can pay the price.",
        ),
        Mistake("thought that all merge", set(range(1, 11)), "That is the total collapse."),
        Mistake(
            "thought that none merge", set(), "The root of 100 is 10, and N times 0.005 is 15."
        ),
    ]


@asks(
    "09-c.2",
    Numbers("the weight at which the two rarest come apart"),
    "Divide the weights by their mean over the samples: then w sqrt(n)/N must be 0.005.",
)
def _weight_that_parts() -> Solved:
    price, n, rare, N = STRENGTH, 100, 200, CIFAR.N
    root = np.sqrt(n)
    # w root / (N - rare + rare w) = price
    weight = price * (N - rare) / (root - price * rare)
    return float(weight), [
        Mistake(
            "forgot to divide by the mean weight",
            price * N / root,
            "The weight of the two also raises the mean by which all weights are divided.",
        ),
        Mistake(
            "took a weight for as many samples",
            (price * N / root) ** 2,
            "A weight counts as it is, and a count by its root.",
        ),
        Mistake(
            "took the mean over the classes",
            price * N * 0.8 / (root - price * N * 0.2),
            "The mean goes over the samples, of which the two classes have but 200.",
        ),
        Mistake("turned the ratio over", 1 / float(weight), "The two need a weight above 1."),
    ]


@asks(
    "09-c.3",
    Decision("some tau of logit adjustment parts them"),
    "Does what is added to the logits of a class enter the place where it merges?",
)
def _adjustment_parts() -> Solved:
    taus = (0.5, 1.0, 2.0, 4.0)
    plain = _mergers(CIFAR, CrossEntropy())
    parts = any(
        not np.allclose(_mergers(CIFAR, CrossEntropy(adjustment=tau)), plain) for tau in taus
    )
    return parts, [
        Mistake(
            "thought that adjustment moves modes",
            not parts,
            "With a free bias only the bias takes up what is added to the logits.",
        ),
    ]
