"""The one rule: what the optimum makes of each mode of the labels."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
from numpy.typing import NDArray

from nclib._text import modes_are_alive
from nclib.theory.counts import ClassCounts
from nclib.theory.problem import Problem
from nclib.theory.shrinkage import shrink, threshold_kappa
from nclib.theory.spectrum import Spectrum
from nclib.theory.tables import deaths_by_lambda
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

DEPTH = Slider("L", "Linear layers", (1, 2, 3, 4, 5, 6), default=1)
STEPS = 60
"""Steps of kappa along the curve."""


def one_rule(counts: ClassCounts) -> Explorable:
    """Show the one rule: kappa in, z out, with the counts' own kappa on the axis.

    Parameters
    ----------
    counts : ClassCounts
        Samples per class; the head has a bias.

    Returns
    -------
    Explorable
        The curve of z against kappa, for 1 to 6 layers and a common value of every lambda, from
        where no mode is dead to where all are.

    Examples
    --------
    >>> explorable = one_rule(ClassCounts([60, 30, 10]))
    >>> depth, every_lambda = explorable.sliders
    >>> explorable.summaries[1, every_lambda.values[0]]
    '2 of 2 modes are alive: those with κ above 1.07. There the answer starts from 0.'
    """
    modes = Spectrum(counts).kappa
    modes = modes[modes > 0]
    deaths = [deaths_by_lambda(counts, L)[: modes.size] for L in DEPTH.values]
    lambdas = geometric(0.8 * np.min(deaths), 1.2 * np.max(deaths), 33)
    every_lambda = Slider("lambda", "Every λ", lambdas, default=lambdas[16])
    end = 1.08 * float(modes[0])
    parts = ["curve"] * (STEPS + 1) + ["mode"] * modes.size
    kappa = np.concatenate([np.linspace(0, end, STEPS + 1), modes])
    rows = []
    summaries: dict[State, str] = {}
    for depth, lam in itertools.product(DEPTH.values, lambdas):
        problem = _problem(counts, depth, lam)
        threshold = threshold_kappa(problem)
        onset = float(shrink(threshold * (1 + 1e-8), problem))
        for part, kappa_in, z_out in zip(parts, kappa, shrink(kappa, problem), strict=True):
            rows.append((depth, lam, part, kappa_in, z_out, threshold, round(onset, 6)))
        summaries[depth, lam] = _sentence(modes, threshold, onset / threshold)
    names = ("L", "lambda", "part", "kappa", "z", "threshold", "z_at_threshold")
    return Explorable(
        name="one-rule",
        question="What does the best network make of each mode: less of it, or nothing?",
        alt_text=(
            "Strength put out, z, against strength asked for, κ, below a dashed diagonal where "
            "nothing is lost. The curve is 0 up to a threshold and then rises beside the diagonal. "
            "Each mode of the counts is a ring on the diagonal, joined to a dot on the curve, or "
            "to a cross at 0 where the mode is dead."
        ),
        sliders=(DEPTH, every_lambda),
        table=dict(zip(names, zip(*rows, strict=True), strict=True)),
        picture=_picture((DEPTH, every_lambda), end),
        summaries=summaries,
        handles=(Handle(("lambda",), "threshold", {"part": "curve", "kappa": 0}, y="z"),),
        plays="lambda",
    )


def _problem(counts: ClassCounts, depth: int, lam: float) -> Problem:
    return Problem(counts, depth, lambda_W=(lam,) * depth, lambda_H=lam)


def _sentence(modes: NDArray[np.float64], threshold: float, share: float) -> str:
    alive = int(np.count_nonzero(modes > threshold))
    if not alive:
        return f"No mode is alive: none has a κ above {threshold:.3g}."
    start = modes_are_alive(alive, modes.size)
    jump = f"jumps from 0 to {100 * share:.0f} % of κ" if share > 1e-3 else "starts from 0"
    return f"{start}: those with κ above {threshold:.3g}. There the answer {jump}."


def _picture(sliders: Sequence[Slider[Any]], end: float) -> Picture:
    scale = alt.Scale(domain=[0, end], nice=False)
    along = alt.Axis(title="κ in: what the labels ask for", tickCount=6)
    up = alt.Axis(title="z out: what the optimum answers", tickCount=6)
    x, at = (alt.X(field, scale=scale, axis=along) for field in ("kappa:Q", "at:Q"))
    z, out, asked = (alt.Y(field, scale=scale, axis=up) for field in ("z:Q", "out:Q", "kappa:Q"))
    color = alt.Color("L:N", scale=DEPTH_SCALE, legend=None)
    curve = alt.Chart().transform_filter("datum.part === 'curve'")
    once = curve.transform_filter("datum.kappa === 0").transform_calculate(
        at=f"min(datum.threshold, {end})"
    )
    # From the last κ below the threshold: the curve starts at the threshold itself.
    alive = curve.transform_filter(
        f"datum.kappa > datum.threshold - {end / STEPS}"
    ).transform_calculate(
        at="max(datum.kappa, datum.threshold)", out="max(datum.z, datum.z_at_threshold)"
    )
    jump = once.transform_filter(f"datum.threshold < {end}")
    modes = alt.Chart().transform_filter("datum.part === 'mode'")
    tooltip = [
        alt.Tooltip("kappa:Q", title="κ", format=".4g"),
        alt.Tooltip("z:Q", title="z", format=".4g"),
    ]
    return (
        alt.layer(
            curve.mark_line(color=style.LABELS, strokeDash=[5, 4], strokeWidth=1.5).encode(
                x=x, y=asked
            ),
            modes.mark_rule(color=style.LABELS).encode(x=x, y=z, y2="kappa:Q"),
            once.mark_rule(strokeWidth=3).encode(x=x, x2="at:Q", y=z, color=color),
            jump.mark_rule(strokeDash=[2, 3], strokeWidth=2).encode(
                x=at, y=z, y2="z_at_threshold:Q", color=color
            ),
            alive.mark_line(strokeWidth=3).encode(x=at, y=out, color=color),
            modes.mark_point(color=style.LABELS, size=60, opacity=1).encode(x=x, y=asked),
            modes.transform_filter("datum.z > 0")
            .mark_point(filled=True, size=70, color="currentColor", opacity=1)
            .encode(x=x, y=z, tooltip=tooltip),
            modes.transform_filter("datum.z === 0")
            .mark_point(shape=CROSS, size=150, color=style.DEAD, strokeWidth=2.5, opacity=1)
            .encode(x=x, y=z, tooltip=tooltip),
        )
        .transform_filter(chosen(*sliders))
        .properties(height=360)
    )
