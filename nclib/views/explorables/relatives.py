"""The relatives side by side: angles between class means and between classifiers, by model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from nclib.theory.counts import ClassCounts
from nclib.theory.related.max_margin import MaxMarginGeometry
from nclib.theory.related.models import RELATIVES
from nclib.theory.related.portraits import Portrait, max_margin_portrait
from nclib.theory.related.table import portraits_over
from nclib.views.explorables.explorable import Explorable, Slider, State, geometric
from nclib.views.explorables.maps import two_maps

CLASSES = 6

COUNTS = {
    "300, six times": (300,) * 6,
    "300 and 30, three times each": (300,) * 3 + (30,) * 3,
    "300, 190, 120, 75, 48, 30": (300, 190, 120, 75, 48, 30),
}
"""Samples per class to choose from."""

SELI = "SELI, for vanishing λ"
"""Where cross-entropy without a bias goes; no lambda is left in it."""

MODEL = Slider("model", "Model", (*RELATIVES, SELI), default="deep, bias")
CHOSEN = Slider(
    "counts", "Samples per class", tuple(COUNTS), default="300 and 30, three times each"
)
LAMBDA = Slider("lambda", "Every λ", geometric(5e-4, 3.2e-2, 13), default=0.004)

MAPS = ("class means", "classifiers")
DIGITS = 3
"""After the point, of a cosine: what a map can show."""


def relatives() -> Explorable:
    """Show what each model of the family makes of six classes, for the same counts and penalties.

    Returns
    -------
    Explorable
        Two maps with the numbers written in: cosines between the class means, and between the
        classifiers, as the model has them (not centred). Crosses where a vector is 0.

    Examples
    --------
    >>> places = "squared, bias", "300, six times", 0.001
    >>> relatives().summaries[places].split(". ")[0]
    'All 6 classes are right'
    """
    rows: list[tuple[Any, ...]] = []
    summaries: dict[State, str] = {}
    for model in MODEL.values:
        for name, n in COUNTS.items():
            for lam, seen in zip(LAMBDA.values, _portraits(model, ClassCounts(n)), strict=True):
                for of, matrix in zip(MAPS, (seen.mean_cosines, seen.head_cosines), strict=True):
                    rows += [
                        (model, name, lam, of, k + 1, j + 1, _cell(cosine))
                        for (k, j), cosine in np.ndenumerate(matrix)
                    ]
                summaries[model, name, lam] = _sentence(seen)
    names = ("model", "counts", "lambda", "of", "class", "other", "cosine")
    return Explorable(
        name="relatives",
        question="What does each model of the family make of the same six classes?",
        alt_text=(
            "Two maps of six by six cosines, for class means and for classifiers, of a deep head "
            "with a bias where three classes have 300 samples and three have 30. Any two rare "
            "classes have cosine 1 in both maps: they are one. Two frequent ones have a negative "
            "cosine."
        ),
        sliders=(MODEL, CHOSEN, LAMBDA),
        table=dict(zip(names, zip(*rows, strict=True), strict=True)),
        picture=two_maps(
            (MODEL, CHOSEN, LAMBDA),
            CLASSES,
            MAPS,
            f"'class ' + (floor(datum.value % {CLASSES + 1}) + 1)",
        ),
        summaries=summaries,
        plays="lambda",
    )


def _portraits(model: str, counts: ClassCounts) -> Iterable[Portrait]:
    if model == SELI:
        return [max_margin_portrait(MaxMarginGeometry(counts))] * len(LAMBDA.values)
    return portraits_over(model, counts, LAMBDA.values)


def _cell(cosine: float) -> float | None:
    return None if np.isnan(cosine) else round(float(cosine), DIGITS)


def _sentence(seen: Portrait) -> str:
    right = int((seen.right == 1).sum())
    if right == seen.K:
        said = f"All {seen.K} classes are right"
    else:
        said = f"{right} of {seen.K} classes are right" if right else "No class is right"
    dead = int((seen.mean_lengths <= 1e-9 * seen.mean_lengths.max(initial=1e-300)).sum())
    together = int(seen.merged.sum())
    if dead:
        said += f". {dead} class means are 0"
    elif together:
        said += f". {together} classes share their class mean with another"
    else:
        said += ". All class means differ"
    aligned = seen.alignment[np.isfinite(seen.alignment)]
    if aligned.size:
        said += f"; classifier and class mean: cosine at least {aligned.min():.2f}"
    return said + "."
