"""Data sets as they are published: which of their classes the optimum keeps."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np

from nclib.data.published import gallery
from nclib.theory.counts import ClassCounts
from nclib.theory.tables import common_lambda, outcomes_over
from nclib.views import style
from nclib.views.explorables.explorable import (
    CROSS,
    Explorable,
    Picture,
    Slider,
    State,
    chosen,
)

DATA = Slider("data", "Data set", tuple(gallery()), default="ham10000")
DEPTH = Slider("L", "Linear layers", (1, 2, 3, 6), default=1)
LAMBDA = Slider(
    "lambda",
    "Every λ",
    [d * 10**p for p in range(-6, -1) for d in (1, 1.3, 1.8, 2.4, 3.2, 4.2, 5.6, 7.5)][:-2],
    default=0.0013,
)

# What may become of a class, from good to bad, and its colour.
OUTCOMES = {
    "right": style.RIGHT,
    "merged": style.MERGED,
    "misclassified": style.WRONG,
}

FLOOR, CEILING = 0.7, 3e5
"""Ends of the logarithmic axis: one sample is seen, too."""


def data_sets() -> Explorable:
    """Show which classes of each published data set survive, merge or are misclassified.

    Returns
    -------
    Explorable
        A head with bias and a common value of every lambda. The classes stand side by side, the
        largest first, as high as they have samples; the colour says what becomes of each at the
        optimum.

    Examples
    --------
    >>> data_sets().summaries["emnist-letters-paper", 1, 0.0013].split(". ")[0]  # data, L, lambda
    'Classified right: 6 of 26 classes, down to one of 600 samples'
    """
    states: list[tuple[Any, ...]] = []
    groups: list[tuple[Any, ...]] = []
    summaries: dict[State, str] = {}
    for name in DATA.values:
        counts = gallery()[name].counts
        rank = np.cumsum(counts.multiplicities) - counts.multiplicities
        for depth in DEPTH.values:
            outcomes = np.empty((len(LAMBDA.values), counts.m), dtype=int)
            found = outcomes_over(common_lambda(counts, depth, LAMBDA.values))
            for place, (lam, here) in enumerate(zip(LAMBDA.values, found, strict=True)):
                # The groups are the distinct counts, and their classes share one outcome.
                outcomes[place] = np.where(here.right == 0, 2, here.merged > 1)
                states.append((name, depth, lam, here.accuracy, here.right[here.group].mean()))
                summaries[name, depth, lam] = _sentence(
                    counts, outcomes[place], here.minimizer.alive
                )
            for j in range(counts.m):
                size, n = counts.multiplicities[j], counts.values[j]
                begins = [_first(outcomes[:, j] >= outcome) for outcome in (1, 2)]
                groups.append((name, depth, rank[j], size, n, *begins))
    names = ("data", "L", "lambda", "accuracy", "balanced", "rank", "classes", "n", "lost", "wrong")
    rows = [(*row, *[None] * 5) for row in states]
    rows += [(name, depth, None, None, None, *cells) for name, depth, *cells in groups]
    return Explorable(
        name="data-sets",
        question="Which classes of a real data set does the penalty cost, and how many samples?",
        alt_text=(
            "The seven classes of skin lesions side by side, from 6705 samples on the left to 115 "
            "on the right, on a logarithmic axis. The five larger classes are dark, classified "
            "right. The two smallest are crossed out, misclassified: 97.4 % of all samples are "
            "right, and 71.4 % on average over the classes."
        ),
        sliders=(DATA, DEPTH, LAMBDA),
        table=dict(zip(names, zip(*rows, strict=True), strict=True)),
        picture=_picture(),
        summaries=summaries,
        plays="lambda",
    )


def _first(holds: Any) -> float | None:
    """Return the first lambda at which something holds; None where it never does."""
    return LAMBDA.values[int(np.argmax(holds))] if holds.any() else None


def _sentence(counts: ClassCounts, outcomes: Any, alive: int) -> str:
    right, merged, wrong = (
        int(counts.multiplicities[outcomes == outcome].sum()) for outcome in range(3)
    )
    if not alive:
        return (
            "No mode is alive: all class means are 0, and only the frequencies of the classes are "
            "left to answer with."
        )
    if right == counts.K:
        return f"All {right} classes are classified right."
    smallest = f", down to one of {counts.values[outcomes == 0].min()} samples" if right else ""
    return (
        f"Classified right: {right} of {counts.K} classes{smallest}. "
        f"Merged with others: {merged}. Misclassified: {wrong}."
    )


def _picture() -> Picture:
    right, merged, wrong = OUTCOMES
    groups = (
        alt.Chart()
        .transform_filter(f"{chosen(DATA, DEPTH)} && isValid(datum.n)")
        .transform_joinaggregate(K="sum(classes)")
        .transform_calculate(
            left="datum.rank / datum.K",
            right="(datum.rank + datum.classes) / datum.K",
            middle="(datum.rank + datum.classes / 2) / datum.K",
            outcome=(
                f"isValid(datum.wrong) && datum.wrong <= lambda ? '{wrong}' : "
                f"isValid(datum.lost) && datum.lost <= lambda ? '{merged}' : '{right}'"
            ),
        )
    )
    now = alt.Chart().transform_filter(f"{chosen(DATA, DEPTH, LAMBDA)} && isValid(datum.accuracy)")
    along = alt.Scale(domain=[0, 1], nice=False)
    axis = alt.Axis(title="classes, the largest first", format="%", grid=False, tickCount=5)
    x = alt.X("left:Q", scale=along, axis=axis)
    y = alt.Y(
        "n:Q",
        scale=alt.Scale(type="log", domain=[FLOOR, CEILING], nice=False),
        axis=alt.Axis(title="samples of each class", values=[10**k for k in range(6)], format="~s"),
    )
    colors = alt.Scale(domain=list(OUTCOMES), range=list(OUTCOMES.values()))
    legend = alt.Legend(title=None, symbolType="square", symbolStrokeWidth=0, offset=48)
    tooltip = [
        alt.Tooltip("n:Q", title="samples each", format=","),
        alt.Tooltip("classes:Q", title="classes"),
        alt.Tooltip("outcome:N", title="at this λ"),
        alt.Tooltip("wrong:Q", title="misclassified from λ"),
    ]
    # A thin stroke hides the seams between neighbours.
    bars = groups.mark_bar(opacity=1, strokeWidth=0.5, aria=False).encode(
        x=x,
        x2="right:Q",
        y=y,
        y2=alt.datum(FLOOR),
        fill=alt.Fill("outcome:N", scale=colors, legend=legend),
        stroke=alt.Stroke("outcome:N", scale=colors, legend=legend),
        tooltip=tooltip,
    )
    crosses = (
        groups.transform_filter(f"datum.outcome === '{wrong}'")
        .mark_point(
            shape=CROSS,
            size=40,
            color=style.WRONG,
            strokeWidth=1.5,
            opacity=1,
            yOffset=-7,
            aria=False,
        )
        .encode(x=alt.X("middle:Q", scale=along, axis=axis), y=y, tooltip=tooltip)
    )
    said = [
        now.transform_calculate(text=text)
        .mark_text(align="right", fontSize=14)
        .encode(x=alt.value("width"), y=alt.value(height), text="text:N")
        for text, height in (
            ("format(datum.accuracy, '.1%') + ' of all samples right'", -28),
            ("format(datum.balanced, '.1%') + ' on average over classes'", -10),
        )
    ]
    return alt.layer(bars, crosses, *said).properties(height=300)
