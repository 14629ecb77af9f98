"""What a network on somebody's own data does, beside what was predicted."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from nclib.metrics.registry import AGAINST_OPTIMUM
from nclib.theory.counts import ClassCounts
from nclib.views import style

Array = NDArray[np.float64]

_MARKS = (
    (style.DEPTH_COLORS[1], "o"),
    (style.DEPTH_COLORS[3], "s"),
    (style.DEPTH_COLORS[6], "D"),
    (style.INK, "^"),
)
"""Colours and markers, in turns."""

_METRICS = {
    metric.key: (metric.legend or metric.label, *mark)
    for metric, mark in zip(AGAINST_OPTIMUM, itertools.cycle(_MARKS), strict=False)
}
"""Name, colour and marker of the metrics that compare with a minimiser."""


@style.styled
def accuracy_by_class(
    counts: ClassCounts, runs: Mapping[str, tuple[Sequence[float], Sequence[float]]]
) -> Figure:
    """Draw the training accuracy of each class, predicted and reached.

    Parameters
    ----------
    counts : ClassCounts
        Samples per class, the most frequent class first.
    runs : mapping of str to (predicted, reached)
        Title of each panel, and two accuracies for each class.

    Returns
    -------
    matplotlib.figure.Figure
        Rings: predicted. Filled marks: reached.
    """
    figure, axes = style.new_figure(len(runs), height=0.9 + 1.75 * len(runs), sharex=True)
    place = np.arange(counts.K)
    for axis, (title, (predicted, reached)) in zip(axes, runs.items(), strict=True):
        axis.vlines(place, 0, reached, color=style.DESCENT, lw=3)
        axis.plot(place, reached, "o", color=style.DESCENT, ms=5, clip_on=False, zorder=3)
        axis.plot(
            place,
            predicted,
            "o",
            mfc="none",
            mec=style.INK,
            mew=1.4,
            ms=10,
            clip_on=False,
            zorder=4,
        )
        axis.set_ylim(0, 1.05)
        axis.set_title(title)
        axis.grid(visible=False, axis="x")
    names = counts.names or tuple(str(k) for k in range(counts.K))
    axes[-1].set_xticks(place, [f"{a}\n{n:,}" for a, n in zip(names, counts.n, strict=True)])
    axes[-1].set_xlabel("class, and how many samples it has")
    figure.supylabel("training accuracy", fontsize="medium")
    figure.legend(
        handles=[
            Line2D([], [], marker="o", ls="", mfc="none", mec=style.INK, ms=9, label="predicted"),
            Line2D([], [], marker="o", ls="", color=style.DESCENT, label="reached"),
        ],
        loc="outside lower center",
        ncols=2,
    )
    return figure


@style.styled
def metrics_by_epoch(history: Sequence[Mapping[str, Any]], title: str) -> Figure:
    """Draw how far a network is from the predicted geometry, as it trains.

    Parameters
    ----------
    history : sequence of rows
        The history of a `nclib.Monitor`; rows of evaluations are left out.
    title : str
        What was trained.

    Returns
    -------
    matplotlib.figure.Figure
    """
    rows = [row for row in history if not row["evaluated"]]
    figure, (axis,) = style.new_figure(height=3.4)
    every = max(1, len(rows) // 8)
    for name, (label, color, marker) in _METRICS.items():
        figure.trained += axis.plot(
            [row["epoch"] for row in rows],
            style.positive([row[name] for row in rows]),
            color=color,
            marker=marker,
            ms=5,
            markevery=(every // 2, every),
            label=label,
        )
    axis.set_yscale("log")
    axis.set_xlabel("epoch")
    axis.set_ylabel("distance from the prediction")
    axis.set_title(title)
    figure.legend(loc="outside lower center", ncols=2)
    return figure


@style.styled
def distances_by_setting(rows: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Draw how far trained networks are from the predicted geometry.

    Parameters
    ----------
    rows : mapping of str to row
        For each setting, a row of a `nclib.Monitor`.

    Returns
    -------
    matplotlib.figure.Figure
        A row for each setting, a mark for each metric, on a logarithmic axis.
    """
    figure, (axis,) = style.new_figure(height=1.5 + 0.5 * len(rows))
    place = np.arange(len(rows))
    for name, (label, color, marker) in _METRICS.items():
        values = style.positive([row[name] for row in rows.values()])
        figure.trained += axis.plot(values, place, marker, color=color, ms=7, label=label)
    axis.set_yticks(place, list(rows))
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_xscale("log")
    axis.set_xlabel("distance from the prediction")
    axis.set_title("Where the theory does not reach")
    figure.legend(loc="outside lower center", ncols=2)
    return figure
