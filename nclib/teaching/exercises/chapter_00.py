"""Exercises of the page on your own data, which comes before chapter 1."""

from __future__ import annotations

import numpy as np

from nclib.data.penalties import translate_penalties
from nclib.teaching._answers import (
    Array,
    Numbers,
)
from nclib.teaching.exercises.common import (
    LESIONS,
    LETTERS,
    problem_of,
)
from nclib.teaching.exercises.register import EXERCISES, Given, Mistake, Solved, asks
from nclib.theory.collapse import collapse_factors
from nclib.theory.margins import first_loss

_DECAY = Given("decay", "the weight decay of both scripts", 5e-4, (1e-4, 2e-4, 3e-4, 1e-3, 2e-3))
# All of them divide the number of letters, so that no batch is smaller than the others.
_BATCH = Given("batch", "the number of samples in a batch", 100, (44, 50, 55, 110, 125, 220, 250))


@asks(
    "00-a.1",
    Numbers("lambda_W of the script with the sum, then of the one with the mean", (2,)),
    "How many times the theory's fit is each loss? Divide the weight decay by that.",
    (_DECAY, _BATCH),
)
def _two_scripts(decay: float = 5e-4, batch: int = 100) -> Solved:
    summed, averaged = (
        translate_penalties(
            LETTERS, weight_decay=decay, reduction=reduction, batch_size=batch
        ).loss_factor
        for reduction in ("sum", "mean")
    )
    factors = np.array([summed, averaged])
    return decay / factors, [
        Mistake(
            "took the weight decay for lambda_W",
            [decay, decay],
            "That is so only for half the sum over classes, averaged over samples. What are these "
            "losses?",
        ),
        Mistake(
            "forgot the half",
            2 * decay / factors,
            "The theory's fit has a half, and MSELoss has none.",
        ),
        Mistake(
            "left out the batch",
            decay / (factors / [batch, 1]),
            "The sum goes over the whole batch. The theory's fit is a mean over the samples.",
        ),
        Mistake(
            "took all samples for a batch",
            decay / (factors * [LETTERS.N / batch, 1]),
            f"The sum goes over a batch of {batch}, and not over all samples.",
        ),
        Mistake(
            "left out the classes",
            decay / (factors * [1, LETTERS.K]),
            "The mean of MSELoss() goes over the classes as well.",
        ),
        Mistake(
            "multiplied instead of dividing",
            decay * factors,
            "A larger loss makes the same weight decay weaker: divide.",
        ),
        Mistake(
            "swapped the two",
            (decay / factors)[::-1],
            "Give the sum first. Which loss is larger, and so makes the weight decay weaker?",
        ),
    ]


@asks(
    "00-a.2",
    Numbers("how many times more the stronger one regularises"),
    "Divide the two lambda_W.",
    (_DECAY, _BATCH),
)
def _stronger_script(decay: float = 5e-4, batch: int = 100) -> Solved:
    weak, strong = EXERCISES["00-a.1"].solve(decay=decay, batch=batch)[0]
    times = strong / weak
    return times, [
        Mistake("turned the ratio over", 1 / times, "How many times is the larger the smaller?"),
        Mistake(
            "left out the classes",
            times / LETTERS.K,
            "This is the batch. MSELoss() takes the mean over the classes, too.",
        ),
        Mistake(
            "left out the batch",
            LETTERS.K,
            "These are the classes. The sum also goes over the samples of the batch.",
        ),
        Mistake(
            "took all samples for a batch",
            LETTERS.N * LETTERS.K,
            f"The sum goes over a batch of {batch}, and not over all samples.",
        ),
        Mistake("took both for the same", 1, "They have the same weight decay, not the same loss."),
    ]


@asks(
    "00-b",
    Numbers("the weight decay for one layer, and for three", (2,)),
    "Start anywhere: a factor on all penalties becomes a larger one, if the weight decay has to do "
    "it alone.",
    (Given("lambda_H", "lambda_H", 1e-4, (4e-5, 5e-5, 6e-5, 8e-5, 1.2e-4, 1.5e-4, 2e-4)),),
)
def _room_for_lesions(lambda_H: float = 1e-4) -> Solved:
    start, depths = 1e-3, np.array([1, 3])
    c = translate_penalties(LESIONS, lambda_W=start).loss_factor
    problems = [problem_of(LESIONS, depth, start, lambda_H) for depth in depths]
    t = np.array([first_loss(problem).factor for problem in problems])
    deaths = np.array([collapse_factors(problem)[:-1].min() for problem in problems])
    exponent = (depths + 1) / depths

    def decay(factor: Array) -> Array:
        return c * start * factor

    right = decay((t / 2) ** exponent)
    return right, [
        Mistake(
            "gave lambda_W",
            start * (t / 2) ** exponent,
            "This is lambda_W. Translate it: MSELoss() takes the mean over the classes.",
        ),
        Mistake(
            "moved all penalties",
            decay(t / 2),
            "This would do if lambda_H moved as well. It stays, so the weight decay must do more.",
        ),
        Mistake(
            "turned the exponent over",
            decay((t / 2) ** (1 / exponent)),
            "L layers have to do what L + 1 penalties did: is the exponent above or below 1?",
        ),
        Mistake(
            "let one layer do the work of all",
            decay((t / 2) ** (depths + 1)),
            "The weight decay acts on all L layers: take the L-th root.",
        ),
        Mistake(
            "waited for the first mode to die",
            decay((deaths / 2) ** exponent),
            "With one layer a class is lost before a mode dies. nclib.first_loss finds it.",
        ),
        Mistake(
            "went up to the first loss",
            decay(t**exponent),
            "There the first class is lost. The margin shall be 2.",
        ),
        Mistake(
            "halved the weight decay of the first loss",
            decay(t**exponent / 2),
            "The margin is a factor on all penalties, lambda_H too. Half the weight decay alone is "
            "less than that.",
        ),
    ]


@asks(
    "00-c",
    Numbers("the factor on the margin when every class is split"),
    "Splitting changes kappa, and it changes what the loss is divided by.",
)
def _split_classes() -> Solved:
    def margin(counts: list[int]) -> float:
        c = translate_penalties(counts, weight_decay=5e-3).loss_factor
        layers, features = 5e-3 / c, 2 * 0.1 / (c * sum(counts))
        return first_loss(problem_of(counts, 1, layers, features)).factor

    factor = margin([50] * 8) / margin([100] * 4)
    return factor, [
        Mistake(
            "forgot the mean over the classes",
            1 / np.sqrt(2),
            "So much smaller is kappa. But the loss is divided by twice as many classes, too.",
        ),
        Mistake(
            "forgot kappa, or one of the two penalties",
            1 / 2,
            "Three things change: kappa is smaller, and both penalties are larger.",
        ),
        Mistake(
            "halved kappa",
            1 / 4,
            "Splitting halves n, which is the square of kappa.",
        ),
        Mistake(
            "turned the ratio over",
            2 * np.sqrt(2),
            "This is how much the margin was larger before.",
        ),
        Mistake(
            "took the margin for a matter of the number of samples",
            1,
            "There are as many samples as before, but more classes: look at kappa and at the loss.",
        ),
    ]
