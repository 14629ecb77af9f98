"""Class means and the head as vectors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from nclib.theory.counts import ClassCounts
from nclib.theory.descent import Descent
from nclib.theory.geometry import mode_coordinates
from nclib.theory.minimizer import Minimizer
from nclib.views import style


@style.styled
def features_in_the_plane(found: Sequence[Descent], titles: Sequence[str]) -> Figure:
    """Draw the features of every sample, at several moments of a descent in two dimensions.

    Parameters
    ----------
    found : sequence of four Descent
        Ends of ever longer descents from the same start, with d_0 = 2 and up to three classes.
    titles : sequence of str
        One for each.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each moment: a small marker for each sample, a large one for each class mean.
    """
    reach = 1.08 * max(float(np.abs(one.H).max()) for one in found)
    # Two panels to a row: nothing in them needs to be read but their titles.
    figure, axes = style.new_figure(2, 2, height=5.6, wide=(1, 4, 2.6), sharex=True, sharey=True)
    for axis, one, title in zip(axes, found, titles, strict=True):
        starts = np.cumsum(one.problem.counts.n)[:-1]
        for k, points in enumerate(np.split(one.H, starts, axis=1)):
            look: dict[str, Any] = {
                "color": style.CLASS_COLORS[k],
                "marker": style.CLASS_MARKERS[k],
            }
            x, y = points
            axis.scatter(x, y, 16, alpha=0.45, lw=0, **look)
            axis.scatter(x.mean(), y.mean(), 85, edgecolor=style.PAPER, zorder=3, **look)
        axis.plot(0, 0, "+", color=style.MUTED, ms=9, mew=1.2, zorder=1)
        axis.set_xlim(-reach, reach)
        axis.set_ylim(-reach, reach)
        axis.set_aspect("equal")
        axis.tick_params(labelbottom=False, labelleft=False, length=0)
        axis.set_title(title)
    figure.legend(handles=_class_handles(found[0].problem.counts), loc="outside lower center")
    return figure


def _class_handles(counts: ClassCounts) -> list[Line2D]:
    return [
        Line2D(
            [],
            [],
            marker=style.CLASS_MARKERS[k],
            color=style.CLASS_COLORS[k],
            ls="",
            ms=8,
            label=f"class {k + 1}: {count} samples",
        )
        for k, count in enumerate(counts.n)
    ]


@style.styled
def plane_geometry(minimizers: Sequence[Minimizer], titles: Sequence[str]) -> Figure:
    """Draw the class means and the rows of the head of several optima of three classes.

    Parameters
    ----------
    minimizers : sequence of Minimizer
        Optima with a bias and K = 3, so that all there is to see lies in a plane.
    titles : sequence of str
        One for each.

    Returns
    -------
    matplotlib.figure.Figure
        One panel below the other, turned so that the strongest mode points up. Markers: class
        means. Arrows: rows of the head. Each kind is scaled so that its longest one has length 1.
    """
    figure, axes = style.new_figure(
        len(minimizers),
        height=0.7 + 2.15 * len(minimizers),
        wide=(1, len(minimizers), 3.4),
    )
    for axis, best, title in zip(axes, minimizers, titles, strict=True):
        means, head = (points[1::-1] for points in mode_coordinates(best))
        up = np.sign(means[1, 0]) or 1.0  # class 1 on top
        for points, is_mean in ((means, True), (head, False)):
            longest = np.linalg.norm(points, axis=0).max()
            for k, (x, y) in enumerate((up * points / (longest or 1.0)).T):
                color = style.CLASS_COLORS[k]
                if is_mean:
                    axis.plot([0, x], [0, y], color=color, lw=1.0, ls=":")
                    (mark,) = axis.plot(x, y, style.CLASS_MARKERS[k], color=color, ms=11)
                    mark.set(mfc=style.PAPER, mew=2, clip_on=False)
                elif x or y:
                    arrow = {"arrowstyle": "-|>", "color": color, "lw": 1.6, "zorder": 3}
                    axis.annotate(
                        "", (x, y), (0, 0), arrowprops=arrow | {"shrinkA": 0, "shrinkB": 0}
                    )
        axis.set_xlim(-2.2, 2.2)
        axis.set_ylim(-1.12, 1.12)
        axis.set_aspect("equal")
        axis.set_axis_off()
        axis.set_title(title)
    handles = _class_handles(minimizers[0].problem.counts)
    for handle in handles:
        handle.set(mfc=style.PAPER, mew=2)
    handles.append(Line2D([], [], marker="$\\rightarrow$", color=style.INK, ls="", ms=14))
    handles[-1].set_label("its row of the head")
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


@style.styled
def cosine_maps(matrices: Sequence[NDArray[np.float64]], titles: Sequence[str]) -> Figure:
    """Draw matrices of cosines as heat maps with the numbers written in.

    Parameters
    ----------
    matrices : sequence of (K, K) ndarray
        Cosines between classes, as `nclib.cosines` gives them; NaN is left blank.
    titles : sequence of str
        One for each.

    Returns
    -------
    matplotlib.figure.Figure
        Two maps to a row.
    """
    rows = (len(matrices) + 1) // 2
    figure, axes = style.new_figure(
        rows, 2, height=0.9 + 2.35 * rows, wide=(-(-rows // 2), 4, 0.9 + 2.2 * -(-rows // 2))
    )
    for axis in axes[len(matrices) :]:
        axis.set_axis_off()
    for axis, matrix, title in zip(axes, matrices, titles, strict=False):
        K = matrix.shape[0]
        image = axis.imshow(matrix, cmap=style.SIGNED_COLORMAP, norm=Normalize(-1, 1))
        if K <= 4:
            for (i, j), value in np.ndenumerate(matrix):
                if np.isfinite(value):
                    light = style.ON_PALE if abs(value) < 0.6 else style.ON_DARK
                    text = f"{round(value, 2) + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")
                    axis.text(j, i, text, ha="center", va="center", color=light, size="small")
        named = range(0, K, 1 if K <= 5 else 3)
        axis.set_xticks(named, [str(k + 1) for k in named])
        axis.set_yticks(named, [str(k + 1) for k in named])
        axis.tick_params(length=0)
        axis.grid(visible=False)
        axis.spines[:].set_visible(False)
        axis.set_title(title)
    bar = figure.colorbar(
        image, ax=axes, location="bottom", aspect=40, shrink=0.75, ticks=[-1, -0.5, 0, 0.5, 1]
    )
    bar.set_label("cosine of the angle between two classes")
    return figure


@style.styled
def heat_maps(
    matrices: Sequence[NDArray[np.float64]],
    titles: Sequence[str],
    *,
    rows: Sequence[object],
    columns: Sequence[object],
    row_label: str,
    column_label: str,
) -> Figure:
    """Draw one or two signed matrices of the same shape, side by side, on one scale.

    Parameters
    ----------
    matrices : sequence of (R, C) ndarray
        What to draw: negative entries orange, 0 white, positive ones purple.
    titles : sequence of str
        One for each matrix.
    rows, columns : sequence
        One name for each row and column. Neighbours with equal names are one group: it is named
        once, and a line sets it off.
    row_label, column_label : str
        What the rows and columns are.

    Returns
    -------
    matplotlib.figure.Figure
    """
    count = len(matrices)
    figure, axes = style.new_figure(1, count, height=3.6 if count > 1 else 4.9, sharey=True)
    largest = max(float(np.abs(matrix).max()) for matrix in matrices)
    for axis, matrix, title in zip(axes, matrices, titles, strict=True):
        image = axis.imshow(
            matrix, cmap=style.SIGNED_COLORMAP, vmin=-largest, vmax=largest, interpolation="nearest"
        )
        axis.grid(visible=False)
        axis.tick_params(length=0)
        for names, line, axle in (
            (rows, axis.axhline, axis.yaxis),
            (columns, axis.axvline, axis.xaxis),
        ):
            edges = [0, *(i for i in range(1, len(names)) if names[i] != names[i - 1]), len(names)]
            for edge in edges[1:-1]:
                line(edge - 0.5, color=style.LABELS, lw=0.6)
            centres = [(low + high - 1) / 2 for low, high in pairwise(edges)]
            axle.set_ticks(centres, [str(names[edge]) for edge in edges[:-1]])
        axis.set_title(title)
        axis.set_xlabel(column_label)
    axes[0].set_ylabel(row_label)
    figure.colorbar(image, ax=axes, location="bottom", aspect=40, shrink=0.75, ticks=MaxNLocator(5))
    return figure
