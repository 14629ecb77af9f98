"""Theorem 4.2: angles between class means and between predictions, from balance to imbalance."""

from __future__ import annotations

import altair as alt
import numpy as np

from nclib.theory.counts import ClassCounts
from nclib.theory.geometry import cosines, mode_coordinates
from nclib.theory.problem import Problem
from nclib.theory.tables import outcomes_over
from nclib.views import style
from nclib.views.explorables.explorable import (
    CROSS,
    Explorable,
    Picture,
    Slider,
    State,
    chosen,
    states,
)

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
SECOND = CLASSES + 1
"""Where the second map begins, in cells."""

NARROW = "(width < 480)"
"""Whether the numbers have no room in two maps side by side."""


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
        picture=_picture(),
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


def _picture() -> Picture:
    """Both maps in one view, since only a single view can be as wide as the page.

    They stand side by side, on a phone one below the other.
    """
    middles = [k + 0.5 for k in range(CLASSES)]

    def x(field: str) -> alt.X:
        end = alt.expr(f"{NARROW} ? {CLASSES} : {SECOND + CLASSES}")
        scale = alt.Scale(domain=[0, end], nice=False)
        return alt.X(f"{field}:Q", scale=scale, axis=None)

    def y(field: str) -> alt.Y:
        end = alt.expr(f"{NARROW} ? {SECOND + CLASSES} : {CLASSES}")
        both = [*middles, *(SECOND + middle for middle in middles)]
        axis = alt.Axis(
            title=None,
            values=alt.expr(f"{NARROW} ? {both} : {middles}"),
            labelExpr=f"datum.value % {SECOND} < {CLASSES / 2} ? 'frequent' : 'rare'",
            domain=False,
            ticks=False,
            grid=False,
        )
        scale = alt.Scale(domain=[0, end], reverse=True, nice=False)
        return alt.Y(f"{field}:Q", scale=scale, axis=axis)

    color = alt.Color(
        "cosine:Q",
        scale=alt.Scale(scheme="purpleorange", reverse=True, domain=[-1, 1]),
        legend=None,  # the numbers are written in
    )
    ink = alt.condition("abs(datum.cosine) > 0.6", alt.value("white"), alt.value(style.INK))
    first = alt.Chart().transform_filter("datum.class === 1 && datum.other === 1")
    known = alt.Chart().transform_filter("datum.cosine !== null")
    none = alt.Chart().transform_filter("datum.cosine === null")
    tooltip = [
        alt.Tooltip("cosine:Q", title="cosine", format=".3f"),
        alt.Tooltip("pair:N", title="of classes"),
    ]
    maps = alt.layer(
        first.mark_text(align="left", baseline="bottom", dy=-5).encode(
            x=x("left"), y=y("top"), text="title:N"
        ),
        known.mark_rect(stroke=style.LABELS, strokeWidth=0.5).encode(
            x=x("left"), x2="right", y=y("top"), y2="bottom", color=color
        ),
        known.mark_text(fontSize=12).encode(
            x=x("middle"),
            y=y("centre"),
            text=alt.Text("cosine:Q", format=".2f"),
            color=ink,
            tooltip=tooltip,
        ),
        none.mark_point(shape=CROSS, size=60, color=style.DEAD, strokeWidth=2.5, opacity=1).encode(
            x=x("middle"), y=y("centre"), tooltip=tooltip
        ),
    )
    shift = f"(datum.of === '{MAPS[1]}' ? {SECOND} : 0)"
    return (
        maps.transform_filter(chosen(RATIO, LAMBDA))
        .transform_calculate(
            left=f"datum.other - 1 + ({NARROW} ? 0 : {shift})",
            top=f"datum.class - 1 + ({NARROW} ? {shift} : 0)",
            title="'cosines of ' + datum.of",
            pair="datum.class + ' and ' + datum.other",
        )
        .transform_calculate(
            right="datum.left + 1",
            bottom="datum.top + 1",
            middle="datum.left + 0.5",
            centre="datum.top + 0.5",
        )
        .properties(height=50 * CLASSES)
    )
