"""Exercises of chapter 4: Theorem 4.2."""

from __future__ import annotations

import numpy as np

from nclib.data.published import gallery
from nclib.teaching._answers import (
    Decision,
    Numbers,
)
from nclib.teaching.beyond import equal
from nclib.teaching.exercises.register import Given, Mistake, Solved, asks
from nclib.theory.collapse import two_class_limits
from nclib.theory.counts import ClassCounts
from nclib.theory.minimizer import global_minimizer
from nclib.theory.spectrum import Spectrum

_R8 = gallery()["reuters-r8"].counts


_SPOTS = gallery()["mammography"].counts


_LARGEST = Given(
    "largest",
    "the number of texts in the largest class",
    2840,
    (2100, 2250, 2400, 2550, 2700, 3000, 3150, 3300),
)


def _texts(largest: int) -> ClassCounts:
    """Return the counts of Reuters R8, with another number of texts in the largest class."""
    return ClassCounts([largest, *_R8.n[1:].tolist()])


@asks(
    "04-a.1",
    Numbers("what the network answers, class by class", (8,)),
    "Nothing is penalised in the bias, so it fits the labels as well as one vector can.",
    (_LARGEST,),
)
def _blind_answer(largest: int = 2840) -> Solved:
    counts = _texts(largest)
    best = global_minimizer(equal(counts, 1))
    return best.logits()[:, 0], [
        Mistake(
            "gave every class the same",
            np.full(8, 1 / 8),
            "This treats all classes alike. The best constant answer is the mean of the labels.",
        ),
        Mistake(
            "answered with the most frequent class",
            np.eye(8)[0],
            "This is how the answer is read, not what it is: the largest entry decides.",
        ),
        Mistake(
            "forgot that the bias stays",
            np.zeros(8),
            "Without a bias the answer would be 0. Here there is one, and it costs nothing.",
        ),
        Mistake(
            "gave the counts",
            counts.n,
            "These are the counts. The labels are 0 and 1, and so their mean is at most 1.",
        ),
    ]


@asks(
    "04-a.2",
    Numbers("the training accuracy"),
    "Every text gets the same answer. Which class is that, and what share of the texts is in it?",
    (_LARGEST,),
)
def _blind_accuracy(largest: int = 2840) -> Solved:
    counts = _texts(largest)
    best = global_minimizer(equal(counts, 1))
    accuracy = best.training_accuracy().overall
    share = counts.n / counts.N
    return accuracy, [
        Mistake(
            "took it for a random guess",
            1 / 8,
            "This would be guessing. The network always gives the same answer.",
        ),
        Mistake(
            "averaged over classes",
            (share @ share),
            "This would be drawing answers with the frequencies of the classes. But the largest "
            "entry wins every time.",
        ),
        Mistake("gave a percentage", 100 * accuracy, "Give a share between 0 and 1."),
        Mistake("gave the share of errors", 1 - accuracy, "This is the share of errors."),
    ]


@asks(
    "04-a.3",
    Numbers("the objective"),
    "W and H are 0, so only the fit is left: sum the squares of n/N minus the label.",
    (_LARGEST,),
)
def _blind_objective(largest: int = 2840) -> Solved:
    counts = _texts(largest)
    objective = global_minimizer(equal(counts, 1)).objective
    return objective, [
        Mistake(
            "lost the factor 1/2 of the loss",
            2 * objective,
            "The loss is divided by 2N.",
        ),
        Mistake(
            "took the answer 0 for the best",
            0.5,
            "This is the objective of the answer 0. The bias does better.",
        ),
        Mistake(
            "summed over the samples",
            objective * counts.N,
            "This is the sum over all texts. The loss is their mean.",
        ),
        Mistake(
            "thought that a fit without penalties costs nothing",
            0,
            "The penalties are 0, but one answer cannot fit eight different labels.",
        ),
    ]


@asks(
    "04-b.1",
    Numbers("the two ends of the interval of lambda", (2,), ordered=False),
    "Both ends are kappa divided by a count: one where the mode dies, one where the rare class "
    "ties with the frequent one.",
    (Given("rare", "the number of calcifications", 260, (180, 200, 220, 240, 300, 340, 380, 420)),),
)
def _alive_and_missed(rare: int = 260) -> Solved:
    counts = ClassCounts([int(_SPOTS.n[0]), rare])
    _, wrong, dead = two_class_limits(equal(counts, 1))
    n_1, n_2 = counts.n
    return [wrong, dead], [
        Mistake(
            "took n_1 for 2 n_1 at the lower end",
            [2 * wrong, dead],
            "The tie is at the share (1 - n_2/n_1) / 2. Solve z = s kappa for lambda again.",
        ),
        Mistake(
            "took 1/2 of the mode for the tie",
            [dead / 2, dead],
            "A share of one half would be the limit for a very rare class. It is "
            "(1 - n_2/n_1) / 2 exactly.",
        ),
        Mistake(
            "thought that the rare class is missed from the start",
            [0, dead],
            "With hardly any penalty every sample is right. Where does that end?",
        ),
        Mistake(
            "used the model without a bias",
            np.sqrt([n_2, n_1]) / counts.N,
            "These are the deaths of the two classes without a bias. With a bias there is one "
            "mode.",
        ),
        Mistake(
            "took kappa squared",
            np.array([wrong, dead]) * Spectrum(counts).kappa[0],
            "You have kappa squared where kappa should be.",
        ),
        Mistake(
            "read s as the share that the penalty takes",
            [dead * (1 - n_2 / n_1) / 2, dead],
            "s is the share of the mode that is kept: the penalty takes 1 - s.",
        ),
    ]


@asks(
    "04-b.2",
    Decision("there is such a range for two layers"),
    "Compare the least share of a mode that is alive with the share at which the classes tie.",
)
def _not_with_two_layers() -> Solved:
    _, wrong, dead = two_class_limits(equal(_SPOTS, 2))
    return bool(wrong < dead), [
        Mistake(
            "carried the answer over from one layer",
            True,
            "With two layers a mode that is alive keeps at least half. The tie is below one half.",
        )
    ]
