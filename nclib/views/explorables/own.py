"""A reader's own class counts: which classes and modes survive as penalties and depth change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import altair as alt
import numpy as np

from nclib._text import modes_are_alive, percent
from nclib.diagnosis import mode_limit
from nclib.theory.collapse import collapse_factors
from nclib.theory.losses.problem import LossProblem
from nclib.theory.minimizer import Minimizer
from nclib.theory.optimum import ClassOutcomes
from nclib.theory.problem import Problem
from nclib.theory.tables import outcomes_over, outcomes_over_factors
from nclib.views import style
from nclib.views.explorables.explorable import (
    CROSS,
    Explorable,
    Picture,
    Slider,
    State,
    chosen,
)

FACTORS = (
    0.1, 0.125, 0.16, 0.2, 0.25, 0.32, 0.4, 0.5, 0.63, 0.8,
    1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.3, 8.0, 10.0,
)  # fmt: skip
"""By what all penalties are multiplied."""

DEPTHS = (1, 2, 3, 4, 5, 6)

QUICK = 100
"""Up to this many distinct counts the depth moves too."""

SHOWN = 60
"""A picture shows up to this many counts or modes, evenly chosen of more."""

OUTCOMES = {"right": style.RIGHT, "a guess": style.MERGED, "wrong": style.WRONG}
"""Colour of what becomes of a class."""


def class_outcomes(problem: Problem | LossProblem, label: Callable[[int], str]) -> Explorable:
    """Show what becomes of each class of given counts.

    Parameters
    ----------
    problem : Problem or LossProblem
        One `lambda_W` for all layers of a `Problem` lets the depth move too.
    label : callable
        Names a group of classes, by its number as in `ClassOutcomes`.

    Returns
    -------
    Explorable
        For each count, by the factor on all penalties and the depth, what the optimum answers for
        a sample's own class and for the strongest other class.

    Examples
    --------
    >>> problem = Problem([500, 100, 100], 3, lambda_W=5e-3, lambda_H=1e-3)
    >>> class_outcomes(problem, str).summaries[3, 10.0].split("; ")[0]  # L, factor
    '0 of 2 modes are alive, and 1 of 3 classes is right, 3 have merged'
    """
    sliders = _sliders(problem)
    rows: list[tuple[Any, ...]] = []
    summaries: dict[State, str] = {}
    for state, outcomes in _outcomes(problem, sliders):
        summaries[state] = _sentence(outcomes)
        for g in _some(outcomes.size.size):
            rows.append(
                (
                    *state,
                    outcomes.count[g],
                    _name(label(g)),
                    outcomes.own_logit[g],
                    outcomes.rival_logit[g],
                    _outcome(outcomes.right[g]),
                )
            )
    return Explorable(
        name="own-classes",
        question="What becomes of each class as the penalties grow, and what does depth change?",
        alt_text=(
            "Logits against the samples of a class, for the class itself and for the strongest "
            "other one. The fewer samples, the lower is the first and the higher the second."
        ),
        sliders=sliders,
        table=_columns(sliders, ("n", "name", "own", "other", "outcome"), rows),
        picture=_classes_picture(sliders),
        summaries=summaries,
    )


def mode_outcomes(problem: Problem) -> Explorable:
    """Show what becomes of each mode of given counts.

    Parameters
    ----------
    problem : Problem
        As for `class_outcomes`.

    Returns
    -------
    Explorable
        Kappa against z for each mode, by the factor on all penalties and the depth.

    Examples
    --------
    >>> problem = Problem([500, 100, 100], 3, lambda_W=5e-3, lambda_H=1e-3)
    >>> mode_outcomes(problem).table["kappa"][:2]
    (14.6385, 10.0)
    """
    sliders = _sliders(problem)
    rows: list[tuple[Any, ...]] = []
    summaries: dict[State, str] = {}
    factors: dict[int, Any] = {}
    for state, outcomes in _states(problem, sliders):
        best = outcomes.minimizer
        depth, factor = best.problem.depth, state[-1]
        if depth not in factors:
            factors[depth] = factor * collapse_factors(best.problem)
        spectrum = best.spectrum
        start = np.cumsum(spectrum.block_size) - spectrum.block_size
        start = start[spectrum.block_kappa > 0]
        summaries[state] = _sentence(outcomes)
        for i in start[_some(start.size)]:
            rows.append((*state, best.kappa[i], best.z[i], factors[depth][i]))
    return Explorable(
        name="own-modes",
        question="Which modes survive, and how far is each from its death?",
        alt_text=(
            "Strength of each mode in the optimal prediction against its strength in the labels. "
            "The points lie below the diagonal; dead modes are crosses at 0."
        ),
        sliders=sliders,
        table=_columns(sliders, ("kappa", "z", "dies"), rows),
        picture=_modes_picture(sliders),
        summaries=summaries,
    )


def _sliders(problem: Problem | LossProblem) -> tuple[Slider[Any], ...]:
    factor = Slider("factor", "All penalties times", FACTORS, default=1.0)
    if isinstance(problem, LossProblem) or problem.counts.m > QUICK:
        return (factor,)
    if len(set(problem.lambda_W)) > 1 or problem.widths:
        return (factor,)
    depths = sorted({*DEPTHS, problem.depth})
    return Slider("L", "Linear layers", depths, default=problem.depth), factor


def _outcomes(
    problem: Problem | LossProblem, sliders: Sequence[Slider[Any]]
) -> Iterator[tuple[State, ClassOutcomes[Any]]]:
    """Yield every state with what becomes of the classes there."""
    if isinstance(problem, Problem):
        yield from _states(problem, sliders)
        return
    factors = sliders[-1].values
    for factor, outcomes in zip(factors, outcomes_over_factors(problem, factors), strict=True):
        yield (factor,), outcomes


def _states(
    problem: Problem, sliders: Sequence[Slider[Any]]
) -> Iterator[tuple[State, ClassOutcomes[Minimizer]]]:
    """Yield every state with what becomes of the classes there, the last slider fastest."""
    states, problems = [], []
    for depth in sliders[0].values if len(sliders) == 2 else (problem.depth,):
        lambda_W = (
            problem.lambda_W if depth == problem.depth else (problem.lambda_W[0],) * int(depth)
        )
        for factor in sliders[-1].values:
            scaled = replace(
                problem,
                depth=int(depth),
                lambda_W=tuple(factor * lam for lam in lambda_W),
                lambda_H=factor * problem.lambda_H,
            )
            problems.append(scaled)
            states.append((depth, factor) if len(sliders) == 2 else (factor,))
    yield from zip(states, outcomes_over(problems), strict=True)


def _columns(
    sliders: Sequence[Slider[Any]], names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> dict[str, Sequence[Any]]:
    all_names = (*(slider.name for slider in sliders), *names)
    return dict(zip(all_names, zip(*rows, strict=True), strict=True))


def _some(number: int) -> list[int]:
    return [round(i) for i in np.linspace(0, number - 1, min(number, SHOWN))]


def _name(label: str) -> str:
    """Commas would be columns in the downloaded data."""
    return label.replace(",", ";").replace('"', "'")


def _outcome(right: float) -> str:
    return "right" if right == 1 else "a guess" if right else "wrong"


def _sentence(outcomes: ClassOutcomes[Any]) -> str:
    alive, possible = outcomes.minimizer.alive, mode_limit(outcomes.minimizer.problem)
    K = outcomes.group.size
    right, merged = outcomes.classes_right, outcomes.classes_merged
    also = f", {merged:,} have merged" if merged and right < K else ""
    return (
        f"{modes_are_alive(alive, possible)}, and {right:,} of {K:,} "
        f"classes {'is' if right == 1 else 'are'} right{also}; the optimum gets "
        f"{percent(outcomes.accuracy, 1)} % of the training samples right."
    )


def _classes_picture(sliders: Sequence[Slider[Any]]) -> Picture:
    x = alt.X(
        "n:Q",
        scale=alt.Scale(type="log", nice=False, padding=20),
        axis=alt.Axis(title="samples of the class", format="~s", grid=False, labelOverlap=True),
    )
    y = alt.Axis(title="logit")
    outcome = alt.Scale(domain=list(OUTCOMES), range=list(OUTCOMES.values()))
    shape = alt.Scale(domain=list(OUTCOMES), range=["circle", "triangle-up", CROSS])
    legend = alt.Legend(title="own class, classified")
    tooltip = [
        alt.Tooltip("name:N", title="class"),
        alt.Tooltip("n:Q", title="samples"),
        alt.Tooltip("own:Q", title="own logit", format=".3f"),
        alt.Tooltip("other:Q", title="best other", format=".3f"),
    ]
    base = alt.Chart().transform_filter(chosen(*sliders))
    own = base.mark_point(filled=False, size=110, strokeWidth=2.5, opacity=1).encode(
        x=x,
        y=alt.Y("own:Q", axis=y),
        color=alt.Color("outcome:N", scale=outcome, legend=legend),
        shape=alt.Shape("outcome:N", scale=shape, legend=legend),
        tooltip=tooltip,
    )
    other = base.mark_tick(
        orient="horizontal", size=14, thickness=3, color="currentColor", opacity=0.6
    )
    link = base.mark_rule(opacity=0.25).encode(x=x, y=alt.Y("own:Q", axis=y), y2="other:Q")
    return alt.layer(link, other.encode(x=x, y=alt.Y("other:Q", axis=y), tooltip=tooltip), own)


def _modes_picture(sliders: Sequence[Slider[Any]]) -> Picture:
    x = alt.X(
        "kappa:Q",
        scale=alt.Scale(zero=True, nice=False, padding=10),
        axis=alt.Axis(title="κ, in the labels", grid=False),
    )
    y = alt.Axis(title="z, in the prediction")
    tooltip = [
        alt.Tooltip("kappa:Q", title="κ", format=".4g"),
        alt.Tooltip("z:Q", title="z", format=".4g"),
        alt.Tooltip("dies:Q", title="dies at factor", format=".3g"),
    ]
    base = alt.Chart().transform_filter(chosen(*sliders))
    asked = base.mark_line(opacity=0.4, strokeDash=[4, 4], color="currentColor").encode(
        x=x, y=alt.Y("kappa:Q", axis=y)
    )
    alive = "datum.z > 0"
    modes = base.mark_point(size=100, strokeWidth=2.5, opacity=1).encode(
        x=x,
        y=alt.Y("z:Q", axis=y),
        color=alt.condition(alive, alt.value(style.DEPTH_COLORS[1]), alt.value(style.DEAD)),
        shape=alt.condition(alive, alt.value("circle"), alt.value(CROSS)),
        tooltip=tooltip,
    )
    return alt.layer(asked, modes)
