"""Relatives with cross-entropy: where they go, when rare classes merge, which modes die first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nclib.views import style

Array = NDArray[np.float64]

_LOOKS: tuple[dict[str, Any], ...] = (
    {"color": style.DEPTH_COLORS[1], "ls": "-", "marker": "o"},
    {"color": style.DEPTH_COLORS[6], "ls": "--", "marker": "s"},
    {"color": style.DEPTH_COLORS[3], "ls": "-.", "marker": "^"},
)


@style.styled
def limit_angles(lambdas: Array, angles: Mapping[str, Mapping[str, Array]]) -> Figure:
    """Draw how far an optimum's product is from matrices that it may tend to.

    Parameters
    ----------
    lambdas : (T,) ndarray
        The common penalty, falling.
    angles : mapping of str to mapping of str to (T,) ndarray
        For each panel by its title, and each matrix by its name, the angles in degrees.

    Returns
    -------
    matplotlib.figure.Figure
        Panels one below the other; penalties fall to the right.
    """
    figure, axes = style.new_figure(len(angles), height=1.1 + 2.5 * len(angles), sharex=True)
    for axis, (title, lines) in zip(axes, angles.items(), strict=True):
        for (name, values), look in zip(lines.items(), _LOOKS, strict=False):
            axis.plot(lambdas, values, label=name, mfc=style.PAPER, mew=1.6, ms=5, **look)
        axis.set_title(title)
        axis.set_ylabel("angle in degrees")
        axis.set_ylim(bottom=0)
        axis.set_xscale("log")
    axes[-1].set_xlim(lambdas.max(), lambdas.min())
    axes[-1].set_xlabel("every λ, falling")
    figure.legend(handles=axes[0].lines, loc="outside lower center", ncols=2)
    return figure


@style.styled
def rare_rows(ratio: Array, cosines: Mapping[str, Array], merged: Mapping[str, float]) -> Figure:
    """Draw the cosine between the rows of two rare classes as the imbalance grows.

    Parameters
    ----------
    ratio : (T,) ndarray
        Samples of a frequent class over those of a rare one.
    cosines : mapping of str to (T,) ndarray
        Up to three, by what they are.
    merged : mapping of str to float
        For some of them the ratio at which the rows become one.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (axis,) = style.new_figure(height=4.2)
    handles = []
    for (name, values), look in zip(cosines.items(), _LOOKS, strict=False):
        handles += axis.plot(ratio, values, label=name, mfc=style.PAPER, mew=1.6, ms=4, **look)
        if name in merged:
            axis.axvline(merged[name], color=look["color"], ls=":", lw=1.6, zorder=1)
    axis.set_xscale("log")
    style.plain_log_ticks(axis)
    axis.set_xlim(ratio[0], ratio[-1])
    axis.set_xlabel("imbalance ratio $R = n_A / n_B$")
    axis.set_ylabel("cosine of two rare rows")
    axis.set_ylim(top=1.06)
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


@style.styled
def deaths_compared(pairs: Mapping[str, tuple[Array, Array]]) -> Figure:
    """Draw where cross-entropy loses the modes between groups, against the squared error.

    Parameters
    ----------
    pairs : mapping of str to tuple of ndarray
        Up to three, by what they are: for each mode where it dies with the squared error, relative
        to the total collapse, and where with cross-entropy, relative to the former.

    Returns
    -------
    matplotlib.figure.Figure
        A point for each mode; on the line at 1 both lose it together.
    """
    figure, (axis,) = style.new_figure(height=4.0)
    handles = []
    for (name, (where, ratio)), look in zip(pairs.items(), _LOOKS, strict=False):
        marks = {key: value for key, value in look.items() if key != "ls"}
        handles += axis.plot(where, ratio, ls="", label=name, mfc="none", mew=1.4, ms=5, **marks)
    axis.axhline(1.0, color=style.LABELS, ls=":", lw=1.6, zorder=1)
    axis.set_xscale("log")
    style.plain_log_ticks(axis)
    axis.set_xlabel("death with the squared error, over the total collapse")
    axis.set_ylabel("with cross-entropy, over that")
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure
