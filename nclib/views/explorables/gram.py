"""Theorem 4.2: angles between class means and between predictions, from balance to imbalance."""

from __future__ import annotations

import numpy as np

from nclib.theory.counts import ClassCounts
from nclib.theory.geometry import cosines, mode_coordinates
from nclib.theory.problem import Problem
from nclib.theory.tables import outcomes_over
from nclib.views.explorables.explorable import Explorable, Slider, State, states
from nclib.views.explorables.maps import two_maps

CLASSES = 6
LARGEST = 600
"""Samples of each frequent class; all the ratios divide it."""

RATIO = Slider(
    "ratio",
    "Imbalance ratio",
    (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 15, 20, 24, 30, 40, 50, 60, 75, 100),
    default=20,
)
LAMBDA = Slider("lambda", "Every λ", [round(0.0005 * k, 4) for k in range(1, 14)], default=0.003)

MAPS = ("class means", "predictions")


def gram_maps() -> Explorable:
    """Show the angles between six classes as three of them become rare.

    Returns
    -------
    Explorable
        Two heat maps with the numbers written in: cosines between the class means, and between
        the predictions (less the bias). Crosses where a vector is 0 and has no direction.

    References
    ----------
    Liu, arXiv 2411.17278, Theorem 4.2.

    Examples
    --------
    >>> gram_maps().summaries[15, 0.003].split(", ")[0]  # ratio, lambda
    'The rare classes have 40 samples. Two rare class means have cosine 0.56'
    """
    rows = []
    summaries: dict[State, str] = {}
    places = list(states((RATIO, LAMBDA)))
    problems = (
        Problem(ClassCounts.step(CLASSES, LARGEST, ratio), 1, lambda_W=lam, lambda_H=lam)
        for ratio, lam in places
    )
    for (ratio, lam), outcomes in zip(places, outcomes_over(problems), strict=True):
        counts = outcomes.minimizer.problem.counts
        means, head = mode_coordinates(outcomes.minimizer)
        angles = cosines(means), cosines(head.T @ means)
        for name, matrix in zip(MAPS, angles, strict=True):
            rows += [
                (ratio, lam, name, k + 1, j + 1, None if np.isnan(cosine) else cosine)
                for (k, j), cosine in np.ndenumerate(matrix)
            ]
        pairs = (angles[0][pair] for pair in ((-2, -1), (0, 1), (0, -1)))
        summaries[ratio, lam] = _sentence(counts, outcomes.classes_merged > 0, *pairs)
    names = ("ratio", "lambda", "of", "class", "other", "cosine")
    return Explorable(
        name="gram",
        question="What becomes of the simplex when half of the classes get rare?",
        alt_text=(
            "Two maps of six by six cosines, for class means and for predictions, where three "
            "classes have a twentieth of the samples of the others. Any two rare classes have "
            "cosine 1 in both: they are one point. Two frequent ones have minus 0.50."
        ),
        sliders=(RATIO, LAMBDA),
        table=dict(zip(names, zip(*rows, strict=True), strict=True)),
        picture=two_maps(
            (RATIO, LAMBDA),
            CLASSES,
            MAPS,
            f"datum.value % {CLASSES + 1} < {CLASSES / 2} ? 'frequent' : 'rare'",
        ),
        summaries=summaries,
        plays="ratio",
    )


def _sentence(counts: ClassCounts, merged: bool, rare: float, frequent: float, mixed: float) -> str:
    if counts.m == 1:
        return (
            f"All classes have {LARGEST} samples. Any two class means, and any two predictions, "
            f"have cosine {_number(rare)}: the simplex."
        )
    sizes = f"The rare classes have {counts.n[-1]} samples."
    if np.isnan(rare):
        return (
            f"{sizes} Their class means are 0 and have no direction; two frequent ones have "
            f"cosine {_number(frequent)}."
        )
    together = f"have cosine {_number(rare)}" + (" and are one point" if merged else "")
    return (
        f"{sizes} Two rare class means {together}, two frequent ones {_number(frequent)}, "
        f"one of each {_number(mixed)}."
    )


def _number(value: float) -> str:
    return f"{round(float(value), 2) + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")
