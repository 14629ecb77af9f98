"""Theorem 4.1: how long the rows of W and the class means are, as the two penalties change."""

from __future__ import annotations

import json
from typing import Any

import altair as alt
import numpy as np

from nclib.data.published import gallery
from nclib.theory.geometry import mode_coordinates
from nclib.theory.problem import Problem
from nclib.theory.tables import outcomes_over
from nclib.views import style
from nclib.views.explorables.explorable import (
    CROSS,
    Explorable,
    Handle,
    Picture,
    Slider,
    State,
    chosen,
    states,
)

COUNTS = gallery()["ham10000"].counts

# Three steps double a penalty exactly, so that readers can hold the product.
LAMBDAS = tuple(5e-4 * base * 2**k for k in range(7) for base in (1, 1.25, 1.6))[:-2]

LAMBDA_W = Slider("lambda_W", "λ_W, on the head", LAMBDAS, default=0.002)
LAMBDA_H = Slider("lambda_H", "λ_H, on the features", LAMBDAS, default=0.002)

# Column of the table, title, end of the axis and its ticks.
PANELS: tuple[tuple[str, list[str], float, list[float]], ...] = (
    ("row", ["length of", "row of W"], 20.0, [0, 10]),
    ("mean", ["length of", "class mean"], 0.25, [0, 0.1, 0.2]),
    ("output", ["output", "for class"], 1.0, [0, 0.5, 1]),
)

ROW = 34
"""Pixels of a class."""


def surviving_norms() -> Explorable:
    """Show lengths and outputs of the HAM10000 classes for every pair of penalties.

    Returns
    -------
    Explorable
        A row for each class and three columns of marks: the length of its row of W, the length of
        its class mean, and what the head puts out for it. Grey ticks stay where the marks are at
        first.

    References
    ----------
    Liu, arXiv 2411.17278, Theorem 4.1.

    Examples
    --------
    >>> surviving_norms().summaries[0.02, 0.02]  # lambda_W, lambda_H
    'No class survives: every row of W, every class mean and every output is 0.'
    """
    rows = []
    summaries: dict[State, str] = {}
    places = list(states((LAMBDA_W, LAMBDA_H)))
    problems = (
        Problem(COUNTS, 1, bias=False, lambda_W=lambda_W, lambda_H=lambda_H)
        for lambda_W, lambda_H in places
    )
    for (lambda_W, lambda_H), outcomes in zip(places, outcomes_over(problems), strict=True):
        best = outcomes.minimizer
        means, head = mode_coordinates(best)
        own = outcomes.own_logit[outcomes.group]
        seen = np.linalg.norm(head, axis=0), np.linalg.norm(means, axis=0), own
        for cells in zip(COUNTS.names or (), COUNTS.n, *seen, strict=True):
            rows.append((lambda_W, lambda_H, *cells))
        summaries[lambda_W, lambda_H] = _sentence(best.alive, *(column[0] for column in seen))
    names = ("lambda_W", "lambda_H", "class", "n", "row", "mean", "output")
    return Explorable(
        name="norms",
        question="Which lengths does each penalty change, and what depends on their product alone?",
        alt_text=(
            "Seven classes of skin lesions, from the most frequent at the top, and for each the "
            "length of its row of W, the length of its class mean and its output. The four "
            "frequent classes have dots: the more frequent, the longer the row and the larger the "
            "output. The three rare ones have crosses at zero in all three columns."
        ),
        sliders=(LAMBDA_W, LAMBDA_H),
        table=dict(zip(names, zip(*rows, strict=True), strict=True)),
        picture=_picture(),
        summaries=summaries,
        # The ends of the first bars.
        handles=(
            Handle(("lambda_W",), "row", {"class": "nv"}, y=ROW // 2, scale="layer_0_x"),
            Handle(("lambda_H",), "mean", {"class": "nv"}, y=ROW // 2, scale="layer_1_x"),
        ),
        plays="lambda_W",
    )


def _sentence(alive: int, row: float, mean: float, output: float) -> str:
    if not alive:
        return "No class survives: every row of W, every class mean and every output is 0."
    return (
        f"{alive} of {COUNTS.K} classes {'survives' if alive == 1 else 'survive'}. "
        f"For nv the row of W is {row:.3g} long, the class mean {mean:.3g}, "
        f"and the output is {output:.3g}."
    )


def _picture() -> Picture:
    """Three panels in one view, since only a single view can be as wide as the page.

    Each has a horizontal scale of its own, whose axis fills its part of the width.
    """
    rows = alt.Chart().transform_calculate(label="datum.class + ', ' + format(datum.n, ',')")
    now = rows.transform_filter(chosen(LAMBDA_W, LAMBDA_H))
    start = rows.transform_filter(
        " && ".join(f"datum.{s.name} === {json.dumps(s.default)}" for s in (LAMBDA_W, LAMBDA_H))
    )
    y = alt.Y(
        "label:N",
        sort=None,
        axis=alt.Axis(
            title=None, domain=False, ticks=False, grid=True, gridDash=[1, 3], labelPadding=10
        ),
    )
    part, step = 0.3, 0.35
    panels = []
    for place, (name, title, end, ticks) in enumerate(PANELS):
        left = place * step
        x = alt.X(
            f"{name}:Q",
            scale=alt.Scale(
                domain=[-left / part * end, (1 - left) / part * end], nice=False, zero=False
            ),
            axis=alt.Axis(
                title=title,
                titleAnchor=("start", "middle", "end")[place],
                values=ticks,
                labelExpr="datum.value",
                orient="bottom",
                offset=8,
                domain=False,
                grid=True,
            ),
        )
        tooltip = [
            alt.Tooltip("label:N", title="class"),
            alt.Tooltip(f"{name}:Q", title=" ".join(title), format=".3g"),
        ]
        alive = now.transform_filter(f"datum.{name} > 0")
        dead = now.transform_filter(f"datum.{name} === 0")
        blue: dict[str, Any] = {"color": style.DEPTH_COLORS[1], "opacity": 1}
        panels.append(
            alt.layer(
                start.mark_tick(size=16, thickness=2, color=style.LABELS).encode(x=x, y=y),
                alive.mark_rule(size=3, **blue).encode(x=x, y=y, x2=alt.datum(0)),
                alive.mark_point(filled=True, size=70, **blue).encode(x=x, y=y, tooltip=tooltip),
                dead.mark_point(
                    shape=CROSS, size=90, color=style.DEAD, strokeWidth=2.5, opacity=1
                ).encode(x=x, y=y, tooltip=tooltip),
            )
        )
    picture: Picture = alt.layer(*panels).resolve_scale(x="independent")
    return picture.properties(height=ROW * COUNTS.K)
