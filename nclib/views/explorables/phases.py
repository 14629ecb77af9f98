"""Theorem 4.3: which modes are alive, for every penalty and imbalance."""

from __future__ import annotations

from typing import Any

import altair as alt

from nclib._text import modes_are_alive, percent
from nclib.theory.counts import ClassCounts
from nclib.theory.problem import Problem
from nclib.theory.tables import deaths_by_lambda, outcomes_over
from nclib.views.explorables.explorable import (
    DEPTH_SCALE,
    Explorable,
    Handle,
    Picture,
    Slider,
    State,
    chosen,
    states,
)

CLASSES = 10
LARGEST = 5000
"""Samples of each frequent class, as in the benchmark of CIFAR-10 with a step imbalance."""

LAST = 0.01
"""The strongest penalty."""

DEPTH = Slider("L", "Linear layers", (1, 2, 3, 4, 5, 6), default=1)
LAMBDA = Slider(
    "lambda",
    "Every λ",
    (*(d * 10**p for p in (-5, -4, -3) for d in (1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.3, 8)), LAST),
    default=0.0005,
)
RATIO = Slider("ratio", "Imbalance ratio", (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000), default=100)
RATIOS_OF_BORDERS = sorted((*RATIO.values, 1.25, 1.6, 2.5, 4, 8, 25, 40, 125, 250))

# What is true right of each border, its dash, and the weakest mode that dies there (from 0).
BORDERS = (
    ("the rare classes merge", [1, 0], CLASSES - 2),
    ("their means are 0", [7, 4], CLASSES // 2 - 1),
    ("all means are 0", [2, 2], CLASSES // 2 - 2),
)


def phase_diagram() -> Explorable:
    """Show where modes die in the plane of penalty and imbalance, and the reader's point in it.

    Returns
    -------
    Explorable
        Ten classes, five of which are rare, a head with bias and a common value of every lambda.
        Three lines: where the inner modes of the rare classes die, the mode that sets frequent
        against rare, and the inner modes of the frequent classes.

    References
    ----------
    Liu, arXiv 2411.17278, Theorem 4.3.

    Examples
    --------
    >>> phase_diagram().summaries[1, 0.0005, 100].split(". ")[0]  # L, lambda, ratio
    '4 of 9 modes are alive: the means of the rare classes are 0'
    """
    rows: list[tuple[Any, ...]] = []
    summaries: dict[State, str] = {}
    for depth in DEPTH.values:
        for ratio in RATIOS_OF_BORDERS:
            death = deaths_by_lambda(ClassCounts.step(CLASSES, LARGEST, ratio), depth)
            at = [death[mode] for _, _, mode in BORDERS]
            for (name, _, _), lam, until in zip(BORDERS, at, [*at[1:], LAST], strict=True):
                rows.append((depth, lam, ratio, name, until, None, None))
    places = list(states((DEPTH, LAMBDA, RATIO)))
    problems = (_problem(*place) for place in places)
    for place, outcomes in zip(places, outcomes_over(problems), strict=True):
        best = outcomes.minimizer
        rows.append((*place, "you", None, best.alive, outcomes.accuracy))
        summaries[place] = _sentence(best.problem.counts, best.alive, outcomes.accuracy)
    names = ("L", "lambda", "ratio", "part", "until", "alive", "accuracy")
    return Explorable(
        name="phases",
        question="How much penalty can a data set bear, and what does depth change about it?",
        alt_text=(
            "Imbalance ratio against λ, both logarithmic. Three lines start from one point at the "
            "bottom, where the classes are balanced. Two of them lean far to the left, close "
            "together; the third turns up at once. A dot is between the second line and the third: "
            "there the means of the rare classes are 0, and the frequent classes live."
        ),
        sliders=(DEPTH, LAMBDA, RATIO),
        table=dict(zip(names, zip(*rows, strict=True), strict=True)),
        picture=_picture(),
        summaries=summaries,
        handles=(Handle(("lambda", "ratio"), "lambda", {"part": "you"}, y="ratio"),),
        plays="lambda",
    )


def _problem(depth: int, lam: float, ratio: float) -> Problem:
    counts = ClassCounts.step(CLASSES, LARGEST, ratio)
    return Problem(counts, depth, lambda_W=(lam,) * depth, lambda_H=lam)


def _sentence(counts: ClassCounts, alive: int, accuracy: float) -> str:
    outcome = {
        CLASSES - 1: "all class means differ",
        CLASSES // 2: "the rare classes share one mean",
        CLASSES // 2 - 1: "the means of the rare classes are 0",
        0: "all class means are 0",
    }[alive]
    sizes = " against ".join(str(value) for value in counts.values)
    return (
        f"{modes_are_alive(alive, CLASSES - 1)}: {outcome}. With {sizes} samples a class the "
        f"optimum gets {percent(accuracy, 1)} % of the training samples right."
    )


def _picture() -> Picture:
    x = alt.X(
        "lambda:Q",
        scale=alt.Scale(type="log", domain=[LAMBDA.values[0], LAST], nice=False),
        axis=alt.Axis(
            title="every λ", values=[1e-5, 1e-4, 1e-3, 1e-2], labelExpr="datum.value", grid=False
        ),
    )
    y = alt.Y(
        "ratio:Q",
        scale=alt.Scale(type="log", domain=[RATIO.values[0], RATIO.values[-1]], nice=False),
        axis=alt.Axis(
            title="imbalance ratio", values=[1, 10, 100, 1000], labelExpr="datum.value", grid=False
        ),
    )
    color = alt.Color("L:N", scale=DEPTH_SCALE, legend=None)
    dash = alt.StrokeDash(
        "part:N",
        scale=alt.Scale(domain=[b[0] for b in BORDERS], range=[b[1] for b in BORDERS]),
        legend=alt.Legend(title="right of the line", columns=1, symbolSize=900, labelLimit=300),
    )
    depth = alt.Chart().transform_filter(chosen(DEPTH))
    borders = depth.transform_filter("datum.part !== 'you'")
    you = alt.Chart().transform_filter(f"{chosen(DEPTH, LAMBDA, RATIO)} && datum.part === 'you'")
    regions = (
        depth.transform_filter(f"datum.part === '{name}'")
        .mark_area(orient="horizontal", color="currentColor", opacity=0.08 * (place + 1), clip=True)
        .encode(x=x, x2="until", y=y)
        for place, (name, _, _) in enumerate(BORDERS)
    )
    tooltip = [
        alt.Tooltip("lambda:Q", title="every λ"),
        alt.Tooltip("ratio:Q", title="imbalance ratio"),
        alt.Tooltip("alive:Q", title=f"modes alive of {CLASSES - 1}"),
        alt.Tooltip("accuracy:Q", title="training samples right", format=".1%"),
    ]
    return alt.layer(
        *regions,
        borders.mark_line(clip=True).encode(
            x=x, y=y, color=color, strokeDash=dash, order="ratio:Q"
        ),
        you.mark_point(filled=True, size=150, color="currentColor", opacity=1).encode(
            x=x, y=y, tooltip=tooltip
        ),
    ).properties(height=320)
