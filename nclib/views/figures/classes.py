"""What becomes of the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import NDArray

from nclib.theory.counts import ClassCounts
from nclib.theory.minimizer import Minimizer
from nclib.theory.tables import (
    accuracy_by_count,
    common_lambda,
    deaths_by_lambda,
    outcomes_over,
)
from nclib.views import style

Array = NDArray[np.float64]


@style.styled
def class_survival(best: Minimizer, threshold: float, title: str) -> Figure:
    """Draw what a head of one layer without bias keeps of each class.

    Parameters
    ----------
    best : Minimizer
        Optimum of a problem with names for its classes, or without.
    threshold : float
        What every class loses; a class that has less is lost.
    title : str
        What the counts are.

    Returns
    -------
    matplotlib.figure.Figure
        A row for each class, the most frequent at the top. Grey rings: sqrt(n). Filled markers: z
        of a class that is alive. Crosses: dead classes. A line marks the threshold.
    """
    counts = best.problem.counts
    order = counts.falling_order
    figure, (axis,) = style.new_figure(height=1.7 + 0.3 * counts.K)
    row = np.arange(counts.K)
    alive = best.survives
    axis.axvline(threshold, color=style.DEAD, ls="--", lw=1.4)
    axis.text(threshold, counts.K - 0.35, " threshold", color=style.INK, va="center")
    axis.hlines(row, best.z, best.kappa, color=style.LABELS, lw=1.0)
    axis.plot(best.kappa, row, "o", mfc=style.PAPER, mec=style.LABELS, ms=6)
    axis.plot(
        best.z[alive], row[alive], style.DEPTH_MARKERS[1], color=style.DEPTH_COLORS[1], ms=5.5
    )
    axis.plot(best.z[~alive], row[~alive], "x", color=style.DEAD, ms=7, mew=2, clip_on=False)
    names = counts.names or [f"class {k + 1}" for k in range(counts.K)]
    axis.set_yticks(row, [f"{names[k]}, {counts.n[k]:,}" for k in order])
    axis.set_ylim(counts.K - 0.1, -0.6)
    axis.set_xlim(left=0)
    axis.set_xlabel("strength: √n in the labels, z in the output")
    axis.set_title(title)
    figure.legend(
        handles=[
            Line2D([], [], **style.RING, label="√n, labels"),
            Line2D([], [], marker="o", ls="", color=style.DEPTH_COLORS[1], label="z, optimum"),
            Line2D([], [], **style.CROSS, label="dead"),
        ],
        loc="outside lower center",
        ncols=3,
    )
    return figure


@style.styled
def lengths_against_lambda(
    lambdas: Array, rows: Array, columns: Array, names: Sequence[str], xlabel: str
) -> Figure:
    """Draw the lengths of a head's rows and of the class means as one penalty changes.

    Parameters
    ----------
    lambdas : (T,) ndarray
        The penalty.
    rows, columns : (T, C) ndarray
        Length of the row of W, and of the class mean, of each of C classes; 0 where dead.
    names : sequence of str
        Names of the classes, the most frequent first.
    xlabel : str
        Which penalty, and what stays fixed.

    Returns
    -------
    matplotlib.figure.Figure
        Above the rows of W, below the class means. A cross on the axis marks where a class dies.
    """
    figure, (above, below) = style.new_figure(2, height=5.6, sharex=True)
    for axis, lengths, title in (
        (above, rows, "Rows of W"),
        (below, columns, "Class means"),
    ):
        for k, (name, color) in enumerate(zip(names, style.shades(len(names)), strict=True)):
            alive = lengths[:, k] > 0
            axis.plot(lambdas[alive], lengths[alive, k], color=color, label=name)
            if not alive.all():
                death = lambdas[int(np.argmin(alive))]
                axis.plot(death, 0, "x", color=style.DEAD, ms=7, mew=2, clip_on=False, zorder=3)
        axis.set_xscale("log")
        axis.set_ylim(bottom=0)
        axis.set_ylabel("length")
        axis.set_title(title)
    below.set_xlabel(xlabel)
    handles, labels = above.get_legend_handles_labels()
    handles.append(Line2D([], [], **style.CROSS))
    figure.legend(handles, [*labels, "dies"], loc="outside lower center", ncols=3)
    return figure


@style.styled
def lengths_against_count(
    n: Array, rows: Array, columns: Array, curve: tuple[Array, Array, Array], threshold: float
) -> Figure:
    """Draw how long a row of W and a class mean are, by the size of the class.

    Parameters
    ----------
    n : (K,) array_like
        Samples per class.
    rows, columns : (K,) ndarray
        Lengths of the rows of W and of the class means.
    curve : (n, row length, column length) of (T,) ndarrays
        The same by the theorem, for every n.
    threshold : float
        The n at which a class dies.

    Returns
    -------
    matplotlib.figure.Figure
        Above the rows of W, below the class means.
    """
    figure, axes = style.new_figure(2, height=5.4, sharex=True)
    for axis, lengths, line, title in (
        (axes[0], rows, curve[1], "Rows of W: longer for frequent classes"),
        (axes[1], columns, curve[2], "Class means: longest at 4 times the threshold"),
    ):
        axis.plot(curve[0], line, color=style.DEPTH_COLORS[1])
        alive = lengths > 0
        axis.plot(n[alive], lengths[alive], "o", color=style.CLOSED_FORM, ms=5.5)
        axis.plot(n[~alive], lengths[~alive], "x", color=style.DEAD, ms=7, mew=2, clip_on=False)
        axis.axvline(threshold, color=style.DEAD, ls="--", lw=1.4)
        axis.set_xscale("log")
        axis.set_ylim(bottom=0)
        axis.set_ylabel("length")
        axis.set_title(title)
    axes[1].set_xlabel("samples in the class")
    figure.legend(
        handles=[
            Line2D([], [], color=style.DEPTH_COLORS[1], label="theorem"),
            Line2D([], [], marker="o", ls="", color=style.CLOSED_FORM, label="alive"),
            Line2D([], [], **style.CROSS, label="dead"),
        ],
        loc="outside lower center",
        ncols=3,
    )
    return figure


@style.styled
def class_regions(
    W: NDArray[np.float64],
    H_bar: NDArray[np.float64],
    b: NDArray[np.float64],
    names: Mapping[int, str],
    axes_names: tuple[str, str] = ("first feature", "second feature"),
) -> Figure:
    """Draw class means in a plane of features and which class the head answers where.

    Parameters
    ----------
    W : (K, 2) ndarray
        The head.
    H_bar : (2, K) ndarray
        The class means.
    b : (K,) ndarray
        The bias.
    names : mapping of int to str
        What to write at the mean of a class; classes that are not named are not drawn (of merged
        classes, name one).
    axes_names : (str, str), optional
        What the two features are.

    Returns
    -------
    matplotlib.figure.Figure
        A filled mark: the head answers this class at its mean. A ring: it answers another. The
        regions carry the number of the class that is answered there, counted from 1.
    """
    figure, (axis,) = style.new_figure(height=4.0)
    reach = 2.6 * np.abs(H_bar).max()
    side = np.linspace(-reach, reach, 301)
    grid = np.stack(np.meshgrid(side, side))
    answer = (np.tensordot(W, grid, 1) + b[:, None, None]).argmax(axis=0)
    for place, k in enumerate(np.unique(answer)):
        region = _region(W, b, int(k), reach)
        axis.fill(*region.T, color=style.REGION_COLORS[place % 3], lw=0, zorder=0)
        inside = grid[:, answer == k]
        middle = inside.mean(axis=1, keepdims=True)
        if inside[1].max() > 0.86 * reach:  # at the top, where no mean lies
            middle[1] = 0.86 * reach
        x, y = inside[:, np.square(inside - middle).sum(axis=0).argmin()]
        axis.text(x, y, f"class {k + 1}", ha="center", va="center", style="italic")
    right = (W @ H_bar + b[:, None]).argmax(axis=0) == np.arange(len(b))
    for k, name in names.items():
        fill = style.INK if right[k] else style.PAPER
        axis.plot(*H_bar[:, k], "o", mfc=fill, mec=style.INK, mew=1.6, ms=8)
        axis.annotate(
            name, (H_bar[0, k], H_bar[1, k]), xytext=(8, 0), textcoords="offset points", va="center"
        )
    axis.plot(0, 0, "+", color=style.MUTED, ms=9)
    axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axis.set_title("What the head answers where")
    axis.grid(visible=False)
    axis.set_xlabel(axes_names[0])
    axis.set_ylabel(axes_names[1])
    handles = [
        Line2D([], [], marker="o", ls="", color=style.INK, ms=8, label="classified right"),
        Line2D(
            [], [], marker="o", ls="", mfc=style.PAPER, mec=style.INK, mew=1.6, ms=8, label="wrong"
        ),
        Line2D([], [], marker="+", ls="", color=style.MUTED, ms=9, label="origin"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _region(W: Array, b: Array, k: int, reach: float) -> Array:
    """Corners of the part of a square in which no logit is larger than that of class k."""
    corners = reach * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    for j in range(len(b)):
        lead = corners @ (W[k] - W[j]) + b[k] - b[j]
        kept = []
        for i, corner in enumerate(corners):
            before = i - 1
            if lead[before] * lead[i] < 0:  # the border crosses this edge
                share = lead[before] / (lead[before] - lead[i])
                kept.append(corners[before] + share * (corner - corners[before]))
            if lead[i] >= 0:
                kept.append(corner)
        corners = np.array(kept)
    return corners


@style.styled
def accuracy_steps(data_sets: Mapping[str, ClassCounts], depth: int = 1) -> Figure:
    """Draw the training accuracy of the optimum as one lambda for everything grows.

    Parameters
    ----------
    data_sets : mapping of str to ClassCounts
        A panel for each.
    depth : int, default 1
        Number of layers.

    Returns
    -------
    matplotlib.figure.Figure
        Crosses mark where modes die; lambda is relative to the first death.
    """
    figure, axes = style.new_figure(len(data_sets), height=1.1 + 1.6 * len(data_sets), sharey=True)
    for axis, (name, counts) in zip(axes, data_sets.items(), strict=True):
        deaths = deaths_by_lambda(counts, depth)
        deaths = deaths[deaths > 0]
        grid = np.geomspace(0.6, 1.25 * deaths[0] / deaths[-1], 500)
        problems = common_lambda(counts, depth, grid * deaths[-1])
        accuracy = [outcomes.accuracy for outcomes in outcomes_over(problems)]
        axis.plot(grid, accuracy, color=style.DEPTH_COLORS[depth])
        dead = np.unique(deaths) / deaths[-1]
        axis.plot(dead, np.zeros_like(dead), "x", color=style.DEAD, ms=7, mew=2, clip_on=False)
        axis.set_xscale("log")
        axis.set_xlim(grid[0], grid[-1])
        axis.xaxis.set_major_locator(FixedLocator([0.7, 1, 1.5, 2, 3, 5, 7, 10, 20]))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set_ylim(0, 1.05)
        axis.set_title(name)
    axes[-1].set_xlabel("every λ, relative to the first death of a mode")
    figure.supylabel("training accuracy of the optimum", fontsize="medium")
    layers = "one layer" if depth == 1 else f"{depth} layers"
    handles = [
        Line2D([], [], color=style.DEPTH_COLORS[depth], label=f"accuracy, {layers}"),
        Line2D([], [], **style.CROSS, label="modes die"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


@style.styled
def accuracy_map(
    counts: ClassCounts,
    depths: Sequence[int] = (1, 3, 6),
    *,
    lambdas: tuple[float, float] = (1e-3, 2e-2),
    bias: bool = True,
) -> Figure:
    """Draw which classes the optimum classifies right as one lambda for everything grows.

    Parameters
    ----------
    counts : ClassCounts
        Samples per class.
    depths : sequence of int, default (1, 3, 6)
        Depths of the head, one panel each.
    lambdas : (float, float), default (1e-3, 2e-2)
        Range of the common value of every lambda.
    bias : bool, default True
        Whether the head has a bias.

    Returns
    -------
    matplotlib.figure.Figure
        A row for each distinct count, the largest at the top. The colour is the share of the
        training samples of these classes that are right.
    """
    grid = np.geomspace(*lambdas, 150)
    figure, axes = style.new_figure(
        len(depths), height=0.9 + 1.55 * len(depths), sharex=True, sharey=True
    )
    for axis, depth in zip(axes, depths, strict=True):
        mesh = axis.pcolormesh(
            np.geomspace(*lambdas, grid.size + 1),
            np.arange(counts.m + 1) + 0.5,
            accuracy_by_count(common_lambda(counts, depth, grid, bias=bias)),
            cmap=style.SHRINK_COLORMAP,
            norm=Normalize(0, 1),
            rasterized=True,
        )
        axis.set_xscale("log")
        axis.set_xlim(lambdas)
        axis.grid(visible=False)
        labels = [
            f"{size} × {count}"
            for size, count in zip(counts.multiplicities, counts.values, strict=True)
        ]
        axis.set_yticks(range(1, counts.m + 1), labels)
        axis.set_title("1 linear layer" if depth == 1 else f"{depth} linear layers")
    axes[0].invert_yaxis()
    style.plain_log_ticks(axes[-1])
    axes[-1].set_xlabel("every λ: the strength of the regularisation")
    figure.supylabel("classes × samples in each", fontsize="medium")
    bar = figure.colorbar(mesh, ax=axes, location="top", aspect=40, shrink=0.75)
    bar.set_label("share of their training samples classified right")
    return figure
