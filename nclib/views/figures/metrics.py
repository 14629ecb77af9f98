"""What the metrics of collapse show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from nclib.metrics.registry import metric
from nclib.views import style


@style.styled
def metric_floor(ratios: Sequence[float], floors: Mapping[int, Sequence[float]]) -> Figure:
    """Draw what a metric shows at the exact optimum against the imbalance, for several depths.

    Parameters
    ----------
    ratios : sequence of float
        Largest over smallest class count.
    floors : mapping of int to sequence of float
        For each depth the value of the metric at each ratio.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (axis,) = style.new_figure(height=3.6)
    for depth, floor in floors.items():
        color, every = style.DEPTH_COLORS[depth], max(1, len(ratios) // 6)
        marker = style.DEPTH_MARKERS[depth]
        axis.plot(ratios, floor, color=color, marker=marker, markevery=every, label=f"L = {depth}")
    axis.axhline(0, color=style.CLOSED_FORM, lw=1.2, ls="--", label="corrected, every L")
    axis.set_xscale("log")
    axis.set_xticks([1, 2, 5, 10, 20, 50, 100], labels=["1", "2", "5", "10", "20", "50", "100"])
    axis.minorticks_off()
    axis.set_xlabel("largest over smallest class count")
    axis.set_ylabel(f"{metric('nc2_wh').title} at the exact optimum")
    axis.set_title("As printed, the metric has a floor")
    axis.legend(loc="upper left")
    return figure
