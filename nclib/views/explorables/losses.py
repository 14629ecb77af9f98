"""The loss that people train with: what becomes of seven classes, remedy by remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import altair as alt
import numpy as np
from numpy.typing import NDArray

from nclib._text import share_text
from nclib.data.published import gallery
from nclib.theory.counts import ClassCounts
from nclib.theory.losses.objects import CrossEntropy, Sampling, SquaredError
from nclib.theory.losses.problem import LossProblem
from nclib.theory.optimum import ClassOutcomes, Optimum
from nclib.theory.tables import outcomes_over_factors
from nclib.views import style
from nclib.views.explorables.explorable import (
    CROSS,
    Explorable,
    Picture,
    Slider,
    State,
    chosen,
    geometric,
)

Array = NDArray[np.float64]

LOSSES = {"cross-entropy": CrossEntropy, "squared error": SquaredError}

SMOOTHING = 0.1
"""Of the labels."""

REMEDIES: dict[str, Callable[[Array], dict[str, Any]]] = {
    "nothing": lambda n: {},
    "class weights 1/√n": lambda n: {"class_weights": n**-0.5},
    "class weights 1/n": lambda n: {"class_weights": 1 / n},
    "balanced sampling": lambda n: {"sampling": Sampling("balanced")},
    "√n sampling": lambda n: {"sampling": Sampling("sqrt")},
    "label smoothing 0.1": lambda n: {"label_smoothing": SMOOTHING},
    "logit adjustment": lambda n: {"adjustment": 1.0},
}
"""What is done about the imbalance, as settings of the loss and the sampler."""

LOSS = Slider("loss", "Loss", tuple(LOSSES), default="cross-entropy")
REMEDY = Slider("remedy", "Remedy", tuple(REMEDIES), default="nothing")
LAMBDA = Slider("lambda", "Every λ", geometric(3e-4, 1.5e-2, 25), default=0.0013)


def remedy_outcomes() -> Explorable:
    """Show what a remedy does to seven classes of skin lesions, for two losses.

    Returns
    -------
    Explorable
        One layer with a free bias: a row for each class, with the answer of the optimum for the
        class itself less its best other one. Cross-entropy answers with probabilities.

    Examples
    --------
    >>> remedy_outcomes().summaries["cross-entropy", "class weights 1/√n", 0.0013].split(":")[0]
    'All 7 classes are right, and 6 of 6 modes are alive'
    """
    counts = gallery()["ham10000"].counts
    rows: list[tuple[Any, ...]] = []
    summaries: dict[State, str] = {}
    for loss in LOSSES:
        for remedy in REMEDIES:
            for lam, outcomes in _path(counts, loss, remedy):
                best, right = outcomes.minimizer, outcomes.right[outcomes.group] == 1
                lead = _leads(best, loss == "cross-entropy")
                rows += [
                    (loss, remedy, lam, k + 1, counts.n[k], round(float(lead[k]), 5), int(right[k]))
                    for k in range(counts.K)
                ]
                summaries[loss, remedy, lam] = _sentence(counts, outcomes, right, loss, remedy)
    names = ("loss", "remedy", "lambda", "class", "n", "lead", "right")
    return Explorable(
        name="remedies",
        question="Which remedy keeps the rare classes, and what does it do to the frequent ones?",
        alt_text=(
            "Seven rows, one for each kind of skin lesion, from 6,705 images at the top to 115 at "
            "the bottom, around a vertical line at 0. The bars to the right of it are classes that "
            "the optimum gets right, with a dot at the end, longest for the most frequent. The "
            "two rarest have short bars to the left, with a cross."
        ),
        sliders=(LOSS, REMEDY, LAMBDA),
        table=dict(zip(names, zip(*rows, strict=True), strict=True)),
        picture=_picture(counts),
        summaries=summaries,
        plays="lambda",
    )


def _path(
    counts: ClassCounts, loss: str, remedy: str
) -> Iterator[tuple[float, ClassOutcomes[Any]]]:
    """Yield what the optimum does to the classes at every lambda, from the strongest down."""
    settings = REMEDIES[remedy](counts.n.astype(float))
    sampling = settings.pop("sampling", None)
    if loss == "squared error":
        settings.pop("adjustment", None)  # it has no softmax to adjust
    problem = LossProblem(
        counts, LOSSES[loss](**settings), lambda_W=(1.0,), lambda_H=1.0, sampling=sampling
    )
    falling = LAMBDA.values[::-1]
    yield from zip(falling, outcomes_over_factors(problem, falling, tol=1e-11), strict=True)


def _leads(best: Optimum, softmax: bool) -> Array:
    """Answer for a sample's own class less the best other one, (K,)."""
    answers = best.logits()
    if softmax:
        answers = np.exp(answers - answers.max(axis=0))
        answers /= answers.sum(axis=0)
    own = answers.diagonal().copy()
    np.fill_diagonal(answers, -np.inf)
    return np.asarray(own - answers.max(axis=0))


def _sentence(
    counts: ClassCounts,
    outcomes: ClassOutcomes[Any],
    right: NDArray[np.bool_],
    loss: str,
    remedy: str,
) -> str:
    if right.all():
        what = f"All {counts.K} classes are right"
    elif not right.any():
        what = "No class is right"
    else:
        named = [(counts.names or ())[k] for k in np.flatnonzero(~right)]
        what = f"{right.sum()} of {counts.K} classes are right, without {', '.join(named)}"
    if loss == "squared error" and remedy == "logit adjustment":
        what = f"The squared error has no logits to adjust, so nothing is done. {what}"
    return (
        f"{what}, and {outcomes.minimizer.alive} of {counts.K - 1} modes are alive: training "
        f"accuracy of the optimum {share_text(outcomes.accuracy)}."
    )


def _picture(counts: ClassCounts) -> Picture:
    rows = alt.Scale(domain=[counts.K + 0.6, 0.4], nice=False)
    names = counts.names or ()
    labels = [f"{name}, {n:,}" for name, n in zip(names, counts.n.tolist(), strict=True)]
    y = alt.Y(
        "class:Q",
        scale=rows,
        axis=alt.Axis(
            title=None,
            values=list(range(1, counts.K + 1)),
            labelExpr=f"{labels!r}[datum.value - 1]",
            grid=False,
            ticks=False,
            domain=False,
        ),
    )
    x = alt.X(
        "lead:Q",
        scale=alt.Scale(domain=[-1, 1], nice=False),
        axis=alt.Axis(
            title="own answer less the best other",
            values=[-1, -0.5, 0, 0.5, 1],
            grid=True,
        ),
    )
    now = alt.Chart().transform_filter(chosen(LOSS, REMEDY, LAMBDA))
    tooltip = [
        alt.Tooltip("n:Q", title="samples"),
        alt.Tooltip("lead:Q", title="lead", format=".3f"),
    ]
    color = alt.condition("datum.right === 1", alt.value(style.RIGHT), alt.value(style.WRONG))
    zero = now.transform_filter("datum.class === 1").transform_calculate(origin="0")
    return alt.layer(
        zero.mark_rule(strokeWidth=1.2).encode(
            x=alt.X("origin:Q", scale=alt.Scale(domain=[-1, 1], nice=False), title="")
        ),
        now.transform_calculate(origin="0")
        .mark_rule(strokeWidth=7, opacity=0.45)
        .encode(x=x, x2="origin:Q", y=y, color=color),
        now.transform_filter("datum.right === 1")
        .mark_point(filled=True, size=110, color=style.RIGHT, opacity=1)
        .encode(x=x, y=y, tooltip=tooltip),
        now.transform_filter("datum.right === 0")
        .mark_point(shape=CROSS, size=150, color=style.WRONG, strokeWidth=2.5, opacity=1)
        .encode(x=x, y=y, tooltip=tooltip),
    ).properties(height=34 * counts.K)
