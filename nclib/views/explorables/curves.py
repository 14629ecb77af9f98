"""Training curves of real networks, with a scrubber over the epoch."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
from numpy.typing import NDArray

from nclib._text import modes, percent
from nclib.metrics.registry import DRAWN
from nclib.views.explorables.explorable import (
    Explorable,
    Handle,
    Picture,
    Slider,
    State,
    chosen,
    states,
)
from nclib.views.figures.training import DATA_NAMES, READING_NAMES, Band, band

if TYPE_CHECKING:  # it needs torch, and an explorable does not
    from nclib.training.results import Result

POSITIONS = 24
"""At most so many epochs, of those in the histories."""

DIGITS = 3
"""Significant digits of a metric: as many as the chart and the sentence show."""

METRIC_NAMES = {metric.key: metric.plain for metric in DRAWN}
"""Without small capitals: not every font of a browser has them."""

DASHES = [[1, 0], [9, 3], [2, 3], [9, 3, 2, 3], [5, 2]]
"""Line of each metric, for readers who don't see the colours."""

SHAPES = ["circle", "square", "triangle-up", "diamond", "triangle-down"]
"""Mark of each metric, for readers who don't see the colours."""

WITH_BIAS = {True: "with", False: "without"}


def training_curves(results: Sequence[Result]) -> Explorable:
    """Show the metrics of trained networks against the epoch.

    Parameters
    ----------
    results : sequence of Result
        Runs that differ in the images, the bias, the depth and the seed. Their histories must have
        some epochs in common.

    Returns
    -------
    Explorable
        For the chosen images, bias, depth and reading a curve for each metric, the median over the
        seeds, in a band from the least to the largest, with its value at the chosen epoch.

    Raises
    ------
    ValueError
        If there are no results, or histories have no epoch after 0 in common.
    """
    if not results:
        raise ValueError("results must hold at least one; got none")
    groups: dict[tuple[str, str, int], list[Result]] = {}
    for result in results:
        groups.setdefault(_group(result), []).append(result)
    sliders = _sliders(groups, _common_epochs(results))
    bands: dict[Any, Band] = {
        (group, name, reading): band(runs, name, reading)
        for group, runs in groups.items()
        for name in METRIC_NAMES
        for reading in READING_NAMES
    }
    rows = []
    summaries: dict[State, str] = {}
    for state in states(sliders):
        *group, reading, epoch = state
        runs = groups.get((group[0], group[1], group[2]), [])
        values = {}
        for name, title in METRIC_NAMES.items():
            cells: list[float | None] = [None, None, None]
            if runs:
                key = next(key for key, shown in READING_NAMES.items() if shown == reading)
                cells = _at(bands[tuple(group), name, key], epoch)
            rows.append((*state, title, *cells))
            values[title] = cells[1]
        summaries[state] = _sentence(runs, epoch, values)
    names = (*(slider.name for slider in sliders), "metric", "low", "value", "high")
    table = dict(zip(names, zip(*rows, strict=True), strict=True))
    return Explorable(
        name="curves",
        question="How do real networks come to the geometry of the theory?",
        alt_text=(
            "Five curves against the epoch, both axes logarithmic: the metrics NC1, NC2 of the "
            "head, of the features and of their product, and NC3. A vertical line at the chosen "
            "epoch has a mark on each curve. The curves start near one and end far below it."
        ),
        sliders=sliders,
        table=table,
        picture=_picture(sliders, table),
        summaries=summaries,
        handles=(Handle(("epoch",), "epoch", {"metric": next(iter(METRIC_NAMES.values()))}),),
        plays="epoch",
    )


def _group(result: Result) -> tuple[str, str, int]:
    experiment = result.experiment
    data, config = experiment.data, experiment.config
    return DATA_NAMES.get(data, data), WITH_BIAS[config.bias], config.depth


def _common_epochs(results: Sequence[Result]) -> list[int]:
    """Epochs that all histories have, evenly in log(epoch), with the first and the last."""
    common = functools.reduce(np.intersect1d, [result.epochs[1:] for result in results])
    if not common.size:
        raise ValueError("histories of results must have epochs after 0 in common")
    wanted = np.geomspace(common[0], common[-1], POSITIONS)
    nearest = np.abs(np.log(common[:, None] / wanted)).argmin(axis=0)
    return [int(epoch) for epoch in common[np.unique(nearest)]]


def _sliders(
    groups: Mapping[tuple[str, str, int], Sequence[Result]], epochs: Sequence[int]
) -> tuple[Slider[Any], ...]:
    images, bias, depths = (list(dict.fromkeys(part)) for part in zip(*groups, strict=True))
    depths = sorted(depths)
    return (
        Slider("images", "Images", images, default=images[0]),
        Slider("bias", "Bias", sorted(bias), default=sorted(bias)[0]),
        Slider("L", "Linear layers", depths, default=depths[len(depths) // 2]),
        Slider("reading", "Metrics", list(READING_NAMES.values()), default="corrected"),
        Slider("epoch", "Epoch", list(epochs), default=epochs[-1]),
    )


def _at(curve: Band, epoch: int) -> list[float | None]:
    """Least, median and largest value at an epoch; none for NaN, and for 0: the axis has none."""
    (here,) = np.flatnonzero(curve.epochs == epoch)
    values = (float(f"{part[here]:.{DIGITS}g}") for part in (curve.low, curve.middle, curve.high))
    return [value if value > 0 else None for value in values]


def _sentence(runs: Sequence[Result], epoch: int, values: Mapping[str, float | None]) -> str:
    if not runs:
        return "No such run is stored."
    (here,) = np.flatnonzero(runs[0].epochs == epoch)
    entries = [run.history[here] for run in runs]
    alive = sorted({entry["alive"] for entry in entries})
    total = runs[0].experiment.counts.K - runs[0].experiment.config.bias
    gap, right = (
        float(np.median([entry[name] for entry in entries])) for name in ("gap", "train_accuracy")
    )
    seeds = "1 seed" if len(runs) == 1 else f"median of {len(runs)} seeds"
    sentence = (
        f"{' or '.join(map(str, alive))} of {modes(total)} alive, {percent(right, 1)} % of the "
        f"training images right, the objective {100 * gap:.2g} % above its minimum ({seeds})."
    )
    known = {title: value for title, value in values.items() if value is not None}
    if len(known) < 2:
        return sentence
    near, far = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
    return f"{sentence} Nearest to collapse is {near}, farthest from it {far}."


def _picture(sliders: Sequence[Slider[Any]], table: Mapping[str, Sequence[Any]]) -> Picture:
    *group, epoch = sliders
    drawn: NDArray[np.float64] = np.array(
        [cell for name in ("low", "high") for cell in table[name] if cell is not None]
    )
    decades = [10.0 ** np.floor(np.log10(drawn.min())), 10.0 ** np.ceil(np.log10(drawn.max()))]
    x = alt.X(
        "epoch:Q",
        scale=alt.Scale(type="log", domain=[epoch.values[0], epoch.values[-1]], nice=False),
        axis=alt.Axis(title="epoch", values=[1, 10, 100, 1000, 10000], format="d", grid=False),
    )
    y_scale = alt.Scale(type="log", domain=decades, nice=False)
    y_axis = alt.Axis(
        title="distance from collapse",
        values=[10.0**k for k in range(-12, 7)],
        format="~g",
    )
    y = alt.Y("value:Q", scale=y_scale, axis=y_axis)
    titles = list(METRIC_NAMES.values())
    legend = alt.Legend(
        title=None,
        # On a phone three names don't fit side by side.
        columns=2,
        symbolOpacity=1,
        symbolSize=120,
    )
    colors = alt.Scale(domain=titles, range=[metric.color for metric in DRAWN if metric.color])
    color = alt.Color("metric:N", scale=colors, legend=legend)
    dash = alt.StrokeDash("metric:N", scale=alt.Scale(domain=titles, range=DASHES), legend=legend)
    shape = alt.Shape("metric:N", scale=alt.Scale(domain=titles, range=SHAPES), legend=legend)
    now = f"datum.epoch === {epoch.name}"
    known = alt.Chart().transform_filter("isValid(datum.value)")
    tooltip = [
        alt.Tooltip("metric:N"),
        alt.Tooltip("value:Q", title="median", format=".3g"),
        alt.Tooltip("low:Q", title="least", format=".3g"),
        alt.Tooltip("high:Q", title="largest", format=".3g"),
    ]
    return (
        alt.layer(
            alt.Chart()
            .transform_filter(f"{now} && datum.metric === '{titles[0]}'")
            .mark_rule(strokeWidth=1.5)
            .encode(x=x),
            known.transform_filter("isValid(datum.low) && isValid(datum.high)")
            .mark_area(opacity=0.2)
            .encode(x=x, y=alt.Y("low:Q", scale=y_scale, axis=y_axis), y2="high:Q", color=color),
            known.mark_line(strokeWidth=2).encode(x=x, y=y, color=color, strokeDash=dash),
            known.transform_filter(now)
            .mark_point(filled=True, size=90, opacity=1)
            .encode(x=x, y=y, color=color, shape=shape, tooltip=tooltip),
        )
        .transform_filter(chosen(*group))
        .properties(height=340)
    )
