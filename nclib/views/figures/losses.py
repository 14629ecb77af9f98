"""Losses, class weights and samplers: when each class is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray

from nclib.theory.counts import ClassCounts
from nclib.views import style

Array = NDArray[np.float64]

_RAREST: dict[str, Any] = {"marker": "v", "color": style.DESCENT, "ms": 8}
_MOST_FREQUENT: dict[str, Any] = {"marker": "o", "color": style.DEPTH_COLORS[1], "ms": 7}
_OTHERS: dict[str, Any] = {"marker": "|", "color": style.MUTED, "ms": 8, "mew": 1.4}


@style.styled
def remedies(counts: ClassCounts, lost: Mapping[str, Array], xlabel: str) -> Figure:
    """Draw when each class is lost, with one remedy after another.

    Parameters
    ----------
    counts : ClassCounts
    lost : mapping of str to (K,) ndarray
        For each remedy the factor on all penalties up to which each class is right; infinite where
        it is right at any.
    xlabel : str
        What the factor multiplies.

    Returns
    -------
    matplotlib.figure.Figure
        A row for each remedy. The rarest class is a triangle, the most frequent one a disk, the
        others are strokes. What is never lost stands at the right end, with an arrow.
    """
    figure, (axis,) = style.new_figure(height=1.5 + 0.36 * len(lost))
    rarest, most = int(np.argmin(counts.n)), int(np.argmax(counts.n))
    finite = np.concatenate([row[np.isfinite(row) & (row > 0)] for row in lost.values()])
    low, high = float(finite.min()), float(finite.max())
    end = high * (high / low) ** 0.12
    for row, factors in enumerate(lost.values()):
        drawn = np.where(np.isfinite(factors), factors, end)
        axis.hlines(row, drawn.min(), drawn.max(), color=style.LABELS, lw=1.0)
        for k, factor in enumerate(drawn):
            mark = {rarest: _RAREST, most: _MOST_FREQUENT}.get(k, _OTHERS)
            top = 4 if k in (rarest, most) else 3
            if np.isinf(factors[k]):
                axis.plot(end, row, **(mark | {"marker": ">"}), ls="", clip_on=False, zorder=top)
            else:
                axis.plot(factor, row, **mark, ls="", zorder=top)
    axis.set_xscale("log")
    style.plain_log_ticks(axis)
    axis.set_xlim(low / (high / low) ** 0.05, end)
    axis.set_ylim(len(lost) - 0.5, -0.5)
    axis.set_yticks(range(len(lost)), list(lost))
    axis.grid(visible=False, axis="y")
    axis.set_xlabel(xlabel)
    figure.legend(
        handles=[
            Line2D([], [], ls="", **_RAREST, label=f"rarest, {counts.n[rarest]:,}"),
            Line2D([], [], ls="", **_OTHERS, label="others"),
            Line2D([], [], ls="", **_MOST_FREQUENT, label=f"most frequent, {counts.n[most]:,}"),
            Line2D([], [], ls="", marker=">", color=style.MUTED, ms=7, label="never lost"),
        ],
        loc="outside lower center",
        ncols=2,
    )
    return figure


@style.styled
def weight_powers(values: Sequence[int], powers: Array, deaths: Mapping[int, Array]) -> Figure:
    """Draw where classes die against the power of their counts that weights them.

    Parameters
    ----------
    values : sequence of int
        The m distinct counts, falling.
    powers : (P,) ndarray
        a, for weights n^(-a).
    deaths : mapping of int to (P, m) ndarray
        For each depth the penalty at which the classes of each count die.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each depth, a line for each count, labelled at both ends. A dotted line stands
        at L/(L+1), where all cross.
    """
    figure, axes = style.new_figure(len(deaths), height=0.8 + 2.3 * len(deaths), sharex=True)
    shades = style.shades(len(values))
    for axis, (depth, factors) in zip(axes, deaths.items(), strict=True):
        axis.axvline(depth / (depth + 1), color=style.MUTED, ls=":", lw=1.4)
        for place, (n, shade) in enumerate(zip(values, shades, strict=True)):
            dash = "-" if place % 2 == 0 else "--"
            axis.plot(powers, factors[:, place], color=shade, ls=dash, label=f"{n:,}")
        for place in (0, len(values) - 1):
            axis.annotate(
                f"n = {values[place]:,}",
                (powers[0], factors[0, place]),
                xytext=(4, 4 if place == 0 else -4),
                textcoords="offset points",
                va="bottom" if place == 0 else "top",
            )
        axis.set_yscale("log")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_minor_formatter(NullFormatter())
        axis.margins(x=0.0, y=0.18)
        axis.set_ylabel("dies at")
        plural = "s" if depth > 1 else ""
        axis.set_title(f"{depth} layer{plural}: all alike at a = {depth}/{depth + 1}")
    axes[-1].set_xlabel("a, for class weights n^(-a)")
    return figure
