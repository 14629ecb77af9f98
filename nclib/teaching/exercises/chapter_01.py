"""Exercises of chapter 1: collapse."""

from __future__ import annotations

import numpy as np

from nclib.teaching._answers import (
    Chosen,
    Directions,
    Numbers,
)
from nclib.teaching.beyond import equal
from nclib.teaching.exercises.common import (
    RAREST,
    deaths_of,
    lesions,
    wrong_classes,
)
from nclib.teaching.exercises.register import Mistake, Solved, asks
from nclib.theory.counts import ClassCounts
from nclib.theory.geometry import cosines, mode_coordinates
from nclib.theory.minimizer import global_minimizer
from nclib.theory.spectrum import Spectrum


@asks(
    "01-a",
    Directions(5),
    "Compute the cosines with nclib.cosines: all of them should be -1/(K-1), and all lengths "
    "equal.",
)
def _five_vectors() -> Solved:
    balanced = global_minimizer(equal([1] * 5, 1, 0.1))
    turns = 2 * np.pi * np.arange(5) / 5
    return mode_coordinates(balanced)[0], [
        Mistake(
            "took the unit vectors as they are",
            np.eye(5),
            "These stand at right angles, their cosines are 0. Vectors with the smallest largest "
            "cosine sum to 0: what can you subtract from each?",
        ),
        Mistake(
            "subtracted 1/(K-1), the size of the cosine, instead of the mean",
            np.eye(5) - 1 / 4,
            "Your vectors do not sum to 0. What is the mean of the five unit vectors?",
        ),
        Mistake(
            "spread them around a circle",
            np.array([np.cos(turns), np.sin(turns)]),
            "In a plane neighbours are close together. Five vectors with equal angles need four "
            "dimensions.",
        ),
        Mistake(
            "subtracted 1, the sum of the unit vectors",
            np.eye(5) - 1,
            "These point into nearly the same direction. Subtract the mean of the unit vectors, "
            "not their sum.",
        ),
    ]


@asks(
    "01-b.1",
    Numbers("the lambda at which the first mode dies"),
    "With lambda = 1 for everything, nclib.collapse_factors gives the lambda at which each mode "
    "dies.",
    (RAREST,),
)
def _first_death(rarest: int = 115) -> Solved:
    counts = lesions(rarest)
    deaths = deaths_of(counts, 1)
    return deaths.min(), [
        Mistake(
            "took the minimum over all K modes",
            0,
            "With a bias the last mode is the constant one, which was never alive. Leave it out.",
        ),
        Mistake(
            "took the first in the list, which is the strongest",
            deaths.max(),
            "That is where the last mode dies. Modes are ordered by falling strength.",
        ),
        Mistake(
            "left out the bias",
            deaths_of(counts, 1, bias=False).min(),
            "This is right for a model without bias. Here there is one.",
        ),
        Mistake(
            "used the weakest singular value itself",
            Spectrum(counts).kappa[-2],
            "This is the singular value of the labels. What do you have to divide it by?",
        ),
        Mistake(
            "gave the product of both penalties",
            deaths.min() ** 2,
            "This is lambda_W times lambda_H. Asked is the one lambda that both are equal to.",
        ),
    ]


@asks(
    "01-b.2",
    Chosen("the classes answered wrong at 0.99 times that lambda, from 1", tuple(range(1, 8))),
    "Look at training_accuracy().per_class: which entries are below 1?",
    (RAREST,),
)
def _wrong_while_alive(rarest: int = 115) -> Solved:
    counts = lesions(rarest)
    first = deaths_of(counts, 1).min()
    wrong = wrong_classes(global_minimizer(equal(counts, 1, 0.99 * first)))
    return wrong, [
        Mistake(
            "took alive for right",
            set(),
            "All modes are alive here. But a mode can be alive and too weak to decide for a class.",
        ),
        Mistake(
            "looked at 0.9 instead of 0.99",
            wrong_classes(global_minimizer(equal(counts, 1, 0.9 * first))),
            "One class is missing. Did you go up to 0.99?",
        ),
        Mistake(
            "numbered the classes from 0",
            {k - 1 for k in wrong},
            "Number the classes from 1.",
        ),
        Mistake(
            "listed the classes that are right",
            set(range(1, 8)) - wrong,
            "These are the classes that are right.",
        ),
    ]


@asks(
    "01-c",
    Numbers("the limit of the angle between the rare classes, in degrees"),
    "Put the ratio of the kappas into part 2, and let N / n_1 go to 1.",
)
def _angle_of_rare_classes() -> Solved:
    counts = ClassCounts([10**12, 1, 1])
    best = global_minimizer(equal(counts, 1, 1e-6 * deaths_of(counts, 1).min()))
    half = np.arccos(cosines(mode_coordinates(best)[0])[1, 2]) / 2
    angle = np.degrees(2 * half)
    return angle, [
        Mistake(
            "thought that imbalance alone merges the rare classes",
            0,
            "It does not go to 0: imbalance bends the shape, only the penalty breaks it.",
        ),
        Mistake("gave radians", 2 * half, "Give it in degrees."),
        Mistake("gave half of the angle", angle / 2, "This is half of the angle."),
        Mistake(
            "took the square of the tangent for the tangent",
            2 * np.degrees(np.arctan(np.tan(half) ** 2)),
            "e_k squared is proportional to kappa_k, so the square of the tangent is what you know "
            "first.",
        ),
        Mistake(
            "turned the ratio over",
            180 - angle,
            "The tangent is e_2 / e_1 times a number: mode 2, which sets the rare classes against "
            "each other, is on top.",
        ),
        Mistake(
            "kept the angle of the simplex",
            120,
            "This is the angle for equal counts. Now let n_1 grow.",
        ),
    ]
