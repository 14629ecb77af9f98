"""The paper among its relatives: one look for each model, in every picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from nclib.theory.counts import ClassCounts
from nclib.theory.related.models import RELATIVES
from nclib.theory.related.portraits import Portrait
from nclib.views import style

Array = NDArray[np.float64]

_MARKERS = ("o", "s", "^", "v", "D", "P", "X", "<", ">", "p", "h")


def _look(key: str) -> dict[str, Any]:
    """Colour by loss and depth, line by bias, marker by model."""
    relative = RELATIVES[key]
    color = style.DEPTH_COLORS[relative.depth]
    if not relative.label.startswith("squared"):
        color = style.CLASS_COLORS[2 if "ReLU" not in key else 1]
    line = "-" if relative.bias else "--"
    return {
        "color": color,
        "ls": ":" if "penalised" in key else line,
        "marker": _MARKERS[list(RELATIVES).index(key)],
        "mfc": style.PAPER,
        "mew": 1.6,
        "label": key,
    }


@style.styled
def lengths_by_model(counts: ClassCounts, portraits: Mapping[str, Portrait]) -> Figure:
    """Draw how long class means and classifiers are, against the samples of the class.

    Parameters
    ----------
    counts : ClassCounts
    portraits : mapping of str to Portrait
        By the key of a relative.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels, class means above classifiers, both relative to the longest of the model.
    """
    figure, axes = style.new_figure(2, height=6.6, sharex=True)
    order = np.argsort(counts.n, kind="stable")
    for key, seen in portraits.items():
        for axis, lengths in zip(axes, (seen.mean_lengths, seen.head_lengths), strict=True):
            longest = float(lengths.max()) or 1.0
            axis.plot(counts.n[order], lengths[order] / longest, ms=6, **_look(key))
    for axis, title in zip(axes, ("Class means", "Classifiers"), strict=True):
        axis.set_title(title)
        axis.set_ylabel("length over the longest")
        axis.set_ylim(-0.04, 1.06)
    axes[0].set_xscale("log")
    style.plain_log_ticks(axes[0])
    axes[1].set_xlabel("samples of the class")
    figure.legend(handles=axes[0].lines, loc="outside lower center", ncols=2)
    return figure


@style.styled
def apart_by_model(lambdas: Array, apart: Mapping[str, NDArray[np.int64]]) -> Figure:
    """Draw how many classes stand apart from all others as every penalty grows.

    Parameters
    ----------
    lambdas : (T,) ndarray
        The common penalty.
    apart : mapping of str to (T,) ndarray of int
        By the key of a relative.

    Returns
    -------
    matplotlib.figure.Figure
        Steps. Lines that would lie on each other are a little apart.
    """
    figure, (axis,) = style.new_figure(height=4.9)
    for row, (key, numbers) in enumerate(apart.items()):
        shift = 0.05 * (row - (len(apart) - 1) / 2)
        axis.plot(
            lambdas,
            numbers + shift,
            drawstyle="steps-mid",
            ms=5,
            markevery=(2 * row, 17),
            **_look(key),
        )
    axis.set_xscale("log")
    style.plain_log_ticks(axis)
    axis.set_xlim(lambdas[0], lambdas[-1])
    axis.set_xlabel("every λ")
    axis.set_ylabel("classes apart from all others")
    figure.legend(handles=axis.lines, loc="outside lower center", ncols=2)
    return figure


@style.styled
def bias_cosines(
    rho: Array, cosines: Mapping[int, Array], thresholds: Mapping[int, float], classes: int
) -> Figure:
    """Draw the cosine of two class means as the penalty on the bias grows, by depth.

    Parameters
    ----------
    rho : (T,) ndarray
        Penalty on the bias.
    cosines : mapping of int to (T,) ndarray
        By the number of layers.
    thresholds : mapping of int to float
        Where the simplex is left.
    classes : int

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (axis,) = style.new_figure(height=3.9)
    for depth, values in cosines.items():
        color = style.DEPTH_COLORS[depth]
        marker = style.DEPTH_MARKERS[depth]
        below = rho < thresholds[depth]
        axis.plot(rho[below], values[below], color=color)
        axis.plot(rho[~below], values[~below], color=color)
        first = float(values[~below][0])
        axis.plot(thresholds[depth], first, marker, color=color, mfc=style.PAPER, mew=2, ms=8)
    for value, text in ((-1 / (classes - 1), "simplex"), (0.0, "orthogonal frame")):
        axis.axhline(value, color=style.LABELS, ls=":", lw=1.4, zorder=1)
        axis.text(rho[0], value, f" {text}", va="bottom", color=style.MUTED)
    axis.set_xscale("log")
    axis.set_xlim(rho[0], rho[-1])
    axis.margins(y=0.12)
    axis.set_xlabel(r"penalty on the bias, $\rho_b$")
    axis.set_ylabel("cosine of two class means")
    handles = [
        Line2D(
            [],
            [],
            color=style.DEPTH_COLORS[depth],
            marker=style.DEPTH_MARKERS[depth],
            mfc=style.PAPER,
            mew=2,
            label=f"L = {depth}",
        )
        for depth in cosines
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


@style.styled
def central_path(steps: Sequence[int], parts: Mapping[str, Array], xlabel: str) -> Figure:
    """Draw the parts of a loss along a descent.

    Parameters
    ----------
    steps : (T,) sequence of int
        Positive.
    parts : mapping of str to (T,) ndarray
        Up to three, by what they are; values of 0 or less are left out.
    xlabel : str
        What the steps are.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (axis,) = style.new_figure(height=3.8)
    looks: tuple[dict[str, Any], ...] = (
        {"color": style.CLOSED_FORM, "ls": "-", "marker": "o"},
        {"color": style.DESCENT, "ls": "--", "marker": "s"},
        {"color": style.DEAD, "ls": ":", "marker": "^"},
    )
    for (name, values), look in zip(parts.items(), looks, strict=False):
        shown = np.where(values > 0, values, np.nan)
        axis.plot(steps, shown, ms=5, mfc=style.PAPER, mew=1.6, label=name, **look)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel(xlabel)
    axis.set_ylabel("part of the loss")
    figure.legend(handles=axis.lines, loc="outside lower center", ncols=2)
    return figure


@style.styled
def code_ratios(classes: Sequence[int], ratios: Mapping[int, Array]) -> Figure:
    """Draw what a code of low rank costs beside deep collapse, by classes and depth.

    Parameters
    ----------
    classes : (T,) sequence of int
        Numbers of classes.
    ratios : mapping of int to (T,) ndarray
        For each number of layers, objective of the code over that of collapse.

    Returns
    -------
    matplotlib.figure.Figure
        A line for each depth; below 1 collapse is not optimal.
    """
    figure, (axis,) = style.new_figure(height=4.0)
    for place, (depth, values) in enumerate(ratios.items()):
        axis.plot(
            classes,
            values,
            color=style.DEPTH_COLORS[depth],
            marker=_MARKERS[place],
            mfc=style.PAPER,
            mew=1.8,
            label=f"L = {depth}",
        )
    axis.axhline(1.0, color=style.LABELS, ls=":", lw=1.8, zorder=1)
    axis.set_xlabel("number of classes K")
    axis.set_ylabel("objective over that of collapse")
    axis.set_xticks(list(classes))
    figure.legend(handles=axis.lines[:-1], loc="outside lower center", ncols=len(ratios))
    return figure
