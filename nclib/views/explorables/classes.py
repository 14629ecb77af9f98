"""Which classes survive, as imbalance, penalties and depth change."""

from __future__ import annotations

import altair as alt
import numpy as np
from numpy.typing import ArrayLike, NDArray

from nclib._text import percent
from nclib.theory.counts import ClassCounts
from nclib.theory.tables import common_lambda, deaths_by_lambda, kept_shares
from nclib.views import style
from nclib.views.explorables.explorable import (
    CROSS,
    DEPTH_SCALE,
    Explorable,
    Handle,
    Picture,
    Slider,
    State,
    chosen,
    geometric,
)

CLASSES = 10
LARGEST = 500
"""Samples of the largest class."""

RATIO = Slider("ratio", "Imbalance ratio", (1, 2, 5, 10, 20, 50, 100), default=10)
DEPTH = Slider("L", "Linear layers", (1, 2, 3, 4, 5, 6), default=3)
LAMBDA = Slider("lambda", "Every λ", geometric(2e-4, 3e-2, 41), default=0.00519)

ROW = 0.85
"""Height of a class that keeps everything, relative to the distance of two rows."""

STEP = 1.2
"""More than the ratio of neighbouring positions of lambda."""


def survival() -> Explorable:
    """Show which of ten classes survive as imbalance, penalties and depth change.

    Returns
    -------
    Explorable
        For long-tailed counts and a head without bias, where each class is a mode of its own: a row
        for each class, with the share of its answer that the optimum keeps against the common
        value of every lambda.

    Examples
    --------
    >>> survival().summaries[1, 6, 0.00519]  # ratio, L, lambda
    'All 10 classes survive, and the weakest of them keeps 86 % of its answer.'
    """
    rows = []
    summaries: dict[State, str] = {}
    for ratio in RATIO.values:
        counts = ClassCounts.exponential(CLASSES, LARGEST, ratio)
        for depth in DEPTH.values:
            # Without bias, class k is mode k.
            dies = deaths_by_lambda(counts, depth, bias=False)
            before = _kept(counts, depth, dies * (1 - 1e-7)).diagonal()
            kept = _kept(counts, depth, LAMBDA.values)
            for k, n in enumerate(counts.n):
                rows += [
                    (ratio, depth, k + 1, n, lam, share, dies[k], round(before[k], 6))
                    for lam, share in zip(LAMBDA.values, kept[:, k], strict=True)
                ]
            for lam, shares in zip(LAMBDA.values, kept, strict=True):
                summaries[ratio, depth, lam] = _sentence(counts, shares)
    names = ("ratio", "L", "class", "n", "lambda", "kept", "dies", "kept_before_death")
    return Explorable(
        name="survival",
        question="Which classes survive, and do they fade out or drop out?",
        alt_text=(
            "Ten rows, one for each class, from 500 samples at the top to 50 at the bottom. Each "
            "is a band that starts at full height on the left and ends in a cliff, the sooner the "
            "fewer samples the class has. A vertical line at the chosen λ has a dot in each row "
            "whose band reaches it, and a cross in each of the others."
        ),
        sliders=(RATIO, DEPTH, LAMBDA),
        table=dict(zip(names, zip(*rows, strict=True), strict=True)),
        picture=_picture(),
        summaries=summaries,
        handles=(Handle(("lambda",), "lambda", {"class": 1}),),
        plays="lambda",
    )


def _kept(counts: ClassCounts, depth: int, lambdas: ArrayLike) -> NDArray[np.float64]:
    """Share that the optimum keeps of each class, one row for each lambda."""
    return kept_shares(common_lambda(counts, depth, lambdas, bias=False)).T


def _sentence(counts: ClassCounts, kept: NDArray[np.float64]) -> str:
    alive = int(np.count_nonzero(kept))
    if not alive:
        return "No class survives."
    weakest = f"the weakest of them keeps {percent(kept[alive - 1], 0)} % of its answer"
    if alive == counts.K:
        return f"All {alive} classes survive, and {weakest}."
    return (
        f"{alive} of {counts.K} classes survive, and {weakest}. "
        f"Every class with {counts.n[alive]} samples or fewer is gone."
    )


def _picture() -> Picture:
    x = alt.X(
        "at:Q",
        scale=alt.Scale(type="log", domain=[LAMBDA.values[0], LAMBDA.values[-1]], nice=False),
        axis=alt.Axis(
            title="every λ, the regularisation",
            values=[0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02],
            format="~g",
            # On a phone every other one goes before two touch.
            labelSeparation=10,
            grid=False,
        ),
    )
    rows = alt.Scale(domain=[CLASSES + 0.15, 0], nice=False)
    titled = alt.Axis(
        title="classes, by number of samples", values=[], domain=False, titlePadding=40
    )
    y = alt.Y("class:Q", scale=rows, axis=titled)
    top = alt.Y("top:Q", scale=rows, axis=titled)
    color = alt.Color("L:N", scale=DEPTH_SCALE, legend=None)
    # Up to the last λ before the death, and then to the death itself.
    whole = (
        alt.Chart()
        .transform_filter(f"datum.lambda < {STEP} * datum.dies")
        .transform_calculate(
            at="min(datum.lambda, datum.dies)",
            top=f"datum.class - {ROW} * (datum.kept > 0 ? datum.kept : datum.kept_before_death)",
        )
    )
    now = (
        alt.Chart()
        .transform_filter("datum.lambda === lambda")
        .transform_calculate(at="datum.lambda", top=f"datum.class - {ROW} * datum.kept")
    )
    tooltip = [
        alt.Tooltip("n:Q", title="samples"),
        alt.Tooltip("kept:Q", title="share kept", format=".3f"),
        alt.Tooltip("dies:Q", title="dies at λ", format=".3g"),
    ]
    bands = whole.mark_area().encode(
        x=x,
        y=top,
        y2="class:Q",
        detail="class:N",
        color=color,
        opacity=alt.condition("datum.dies > lambda", alt.value(0.9), alt.value(0.3)),
    )
    base = now.mark_rule(opacity=0.3).encode(y=y)
    names = now.mark_text(align="right", dx=-8, dy=-8).encode(x=alt.value(0), y=y, text="n:Q")
    cursor = now.transform_filter("datum.class === 1").mark_rule(strokeWidth=1.5).encode(x=x)
    alive = now.transform_filter("datum.kept > 0").mark_point(
        filled=True, size=70, color="currentColor", opacity=1
    )
    dead = now.transform_filter("datum.kept === 0").mark_point(
        shape=CROSS, size=150, color=style.DEAD, strokeWidth=2.5, opacity=1
    )
    return (
        alt.layer(
            base,
            bands,
            cursor,
            names,
            alive.encode(x=x, y=top, tooltip=tooltip),
            dead.encode(x=x, y=y, tooltip=tooltip),
        )
        .transform_filter(chosen(RATIO, DEPTH))
        .properties(height=34 * CLASSES)
    )
