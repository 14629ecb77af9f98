"""Stored runs side by side: their curves along the training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from nclib.metrics.registry import DRAWN
from nclib.views import style

if TYPE_CHECKING:
    from nclib.training.results import Result

PANELS = (
    ("gap", "gap to the global minimum"),
    *((metric.key, metric.title) for metric in DRAWN),
    ("train_accuracy", "training accuracy"),
    ("test_accuracy", "test accuracy"),
)

DASHES = ("-", "--", ":", "-.")
"""How lines of different data, counts or bias are drawn."""


@style.styled
def compare_runs(results: Sequence[Result]) -> Figure:
    """Draw the curves of stored runs: metrics (corrected), gap and accuracy against the epoch.

    Parameters
    ----------
    results : sequence of Result
        One line in each panel for each. The colour tells the depth, the dash the data.

    Returns
    -------
    matplotlib.figure.Figure
    """
    kinds = list(dict.fromkeys(map(_kind, results)))
    figure, axes = plt.subplots(4, 2, figsize=(1.6 * style.WIDTH, 9.5), sharex=True)
    for axis, (name, label) in zip(axes.flat, PANELS, strict=True):
        for result in results:
            # The start is epoch 0, which a logarithmic axis lacks.
            epochs, values = np.maximum(result.epochs, 0.7), _curve(result, name)
            axis.plot(epochs, values, color=_color(result), ls=_dash(kinds, result), lw=1.3)
        axis.set_xscale("log")
        axis.set_title(label)
        if name.endswith("accuracy"):
            axis.yaxis.set_major_formatter(PercentFormatter(1.0))
        else:
            axis.set_yscale("log")
    for axis in axes[-1]:
        axis.set_xlabel("epoch")
    depths = {r.experiment.config.depth: _color(r) for r in results}
    lines = [Line2D([], [], color=c, label=f"L = {depth}") for depth, c in sorted(depths.items())]
    lines += [
        Line2D([], [], color=style.INK, ls=DASHES[i % len(DASHES)], label=kind)
        for i, kind in enumerate(kinds)
    ]
    figure.legend(handles=lines, loc="outside upper left", ncols=3)
    return figure


def _curve(result: Result, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return a curve, NaN where a run has none, and where a logarithm has no value."""
    try:
        values = np.array(result.curve(name), dtype=float)
    except ValueError:
        values = np.full(len(result.history), np.nan)
    return values if name.endswith("accuracy") else style.positive(values)


def _kind(result: Result) -> str:
    experiment = result.experiment
    bias = "bias" if experiment.config.bias else "no bias"
    return f"{experiment.data}, N = {experiment.counts.N:,}, {bias}"


def _dash(kinds: Sequence[str], result: Result) -> str:
    return DASHES[kinds.index(_kind(result)) % len(DASHES)]


def _color(result: Result) -> str:
    return style.DEPTH_COLORS.get(result.experiment.config.depth, style.MUTED)
