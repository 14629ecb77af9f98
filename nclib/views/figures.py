"""Static figures of the book, drawn with matplotlib from what `nclib.theory` computes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray

from nclib.theory.counts import ClassCounts
from nclib.theory.descent import Descent
from nclib.theory.geometry import mode_coordinates
from nclib.theory.minimizer import Minimizer, collapse_factors, global_minimizer
from nclib.theory.problem import Problem
from nclib.theory.shrinkage import (
    lemma_a2_g,
    lemma_a2_minimizer,
    lemma_a2_threshold,
)
from nclib.views import style


@style.styled
def survival_map(
    counts: ClassCounts,
    depths: Sequence[int] = (1, 3, 6),
    *,
    lambdas: tuple[float, float] = (1e-4, 2e-2),
    bias: bool = True,
) -> Figure:
    """Draw which modes survive as one lambda for everything grows, a panel for each depth.

    Parameters
    ----------
    counts : ClassCounts
        Samples per class.
    depths : sequence of int, default (1, 3, 6)
        Depths of the head.
    lambdas : (float, float), default (1e-4, 2e-2)
        Range of the common value of every lambda.
    bias : bool, default True
        Whether the head has a bias.

    Returns
    -------
    matplotlib.figure.Figure
        A row for each mode, from the strongest at the top; the colour is the shrink factor
        z / kappa, and a dead mode is left blank.
    """
    grid = np.geomspace(*lambdas, 400)
    figure, axes = style.new_figure(
        len(depths), height=0.9 + 1.75 * len(depths), sharex=True, sharey=True
    )
    norm = Normalize(0, 1)
    for axis, depth in zip(axes, depths, strict=True):
        kept = []
        for lam in grid:
            problem = Problem(counts, depth, bias, lambda_W=lam, lambda_H=lam)
            best = global_minimizer(problem)
            kept.append(np.where(best.survives, best.s, np.nan)[best.kappa > 0])
        table = np.array(kept).T
        edges = np.geomspace(*lambdas, grid.size + 1)
        mesh = axis.pcolormesh(
            edges,
            np.arange(table.shape[0] + 1) + 0.5,
            table,
            cmap=style.SHRINK_COLORMAP,
            norm=norm,
            rasterized=True,
        )
        axis.set_xscale("log")
        axis.set_xlim(lambdas)
        axis.grid(visible=False)
        axis.set_yticks([1, table.shape[0]], ["strongest", "weakest"])
        axis.set_title("1 linear layer" if depth == 1 else f"{depth} linear layers")
    axes[0].invert_yaxis()
    axes[-1].set_xlabel("every λ: the strength of the regularisation")
    figure.supylabel("modes of the labels", fontsize="medium")
    bar = figure.colorbar(mesh, ax=axes, location="top", aspect=40, shrink=0.75)
    bar.set_label("share of each mode that the optimum keeps (blank: dead)")
    return figure


def write_main_result(path: str | os.PathLike[str]) -> None:
    """Write the picture of the landing page: the survival map of the paper's CIFAR-10 counts.

    Parameters
    ----------
    path : path-like
        A PNG file; it is replaced as a whole or not at all.
    """
    target = Path(path)
    figure = survival_map(ClassCounts.cifar10_paper())
    with NamedTemporaryFile(dir=target.parent, suffix=".png", delete=False) as scratch:
        figure.savefig(scratch, format="png", metadata={"Software": None})
    plt.close(figure)
    Path(scratch.name).chmod(0o644)
    Path(scratch.name).replace(target)


@style.styled
def lemma_curves(depth: int, factors: Sequence[float] = (0.6, 1.0, 1.4)) -> Figure:
    """Draw g of Lemma A.2 below, at and above the threshold, with its minimisers.

    Parameters
    ----------
    depth : int
        Number of layers L.
    factors : sequence of float, default (0.6, 1.0, 1.4)
        Values of alpha, relative to the threshold.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (axis,) = style.new_figure(height=3.4)
    x = np.linspace(0, 3, 601)
    threshold = lemma_a2_threshold(depth)
    greys = np.linspace(0.75, 1.0, len(factors))
    for factor, shade in zip(factors, greys, strict=True):
        alpha = factor * threshold
        axis.plot(x, lemma_a2_g(x, alpha, depth), color=style.DEPTH_COLORS[depth], alpha=shade)
        axis.text(
            x[-1],
            float(lemma_a2_g(x[-1], alpha, depth)),
            f" α = {factor:g} α*",
            va="center",
        )
        lowest = {float(lemma_a2_minimizer(alpha, depth))}
        if factor == 1 and depth > 1:  # the tie: 0 and the root just below the threshold
            lowest.add(float(lemma_a2_minimizer(alpha * (1 - 1e-9), depth)))
        for place in lowest:
            axis.plot(
                place,
                float(lemma_a2_g(place, alpha, depth)),
                "o",
                color=style.DEAD if place == 0 else style.CLOSED_FORM,
                clip_on=False,
                zorder=3,
            )
    axis.set_xlim(0, x[-1])
    axis.set_xlabel("x")
    axis.set_ylabel("g(x) = 1 / (xᴸ + 1) + α x")
    axis.set_title(f"L = {depth}: the lowest point jumps")
    axis.legend(
        handles=[
            Line2D([], [], marker="o", ls="", color=style.CLOSED_FORM, label="lowest point: alive"),
            Line2D([], [], marker="o", ls="", color=style.DEAD, label="lowest point: dead"),
        ],
        loc="upper left",
    )
    return figure


@style.styled
def shrink_curves(depths: Sequence[int] = (1, 2, 3, 6)) -> Figure:
    """Draw the one rule: kappa in, z out, both relative to the threshold of each depth.

    Parameters
    ----------
    depths : sequence of int, default (1, 2, 3, 6)
        Depths of the head.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (axis,) = style.new_figure(height=4.0)
    kappa = np.linspace(0.02, 2.5, 600)
    axis.plot(kappa, kappa, color=style.LABELS, ls="--", lw=1.2)
    axis.text(0.95, 1.0, "nothing lost", color=style.MUTED, ha="right")
    label_at = 0.0
    for depth in sorted(depths):
        color = style.DEPTH_COLORS[depth]
        power = lemma_a2_minimizer(lemma_a2_threshold(depth) / kappa**2, depth) ** depth
        z = kappa * power / (1 + power)
        for part in (z > 0, z == 0):
            axis.plot(kappa[part], z[part], color=color)
        jump = (depth - 1) / depth
        axis.plot([1, 1], [0, jump], color=color, ls=":", lw=1.6)
        axis.plot(1, jump, style.DEPTH_MARKERS[depth], color=color)
        label_at = max(float(z[-1]), label_at + 0.13)  # keep neighbouring labels apart
        axis.text(2.52, label_at, f"L = {depth}", color=color, va="center", weight="bold")
    axis.set_xlim(0, 2.5)
    axis.set_ylim(0, 2.6)
    axis.set_xlabel("κ in: what the labels ask for (threshold = 1)")
    axis.set_ylabel("z out: what the optimum answers")
    axis.set_title("Soft for one layer, a jump for more")
    return figure


@style.styled
def mode_spectra(minimizers: Sequence[Minimizer], title: str) -> Figure:
    """Draw what each of several optima keeps of every mode, one panel below the other.

    Parameters
    ----------
    minimizers : sequence of Minimizer
        Optima of the same counts at different depths.
    title : str
        What the counts are.

    Returns
    -------
    matplotlib.figure.Figure
        Grey rings: kappa. Filled markers: z of surviving modes. Crosses: dead modes.
    """
    figure, axes = style.new_figure(
        len(minimizers), height=1.4 + 1.6 * len(minimizers), sharex=True, sharey=True
    )
    for axis, best in zip(axes, minimizers, strict=True):
        depth = best.problem.depth
        mode = np.arange(1, best.problem.K + 1)
        alive, dead = best.survives, ~best.survives & (best.kappa > 0)
        color = style.DEPTH_COLORS[depth]
        axis.vlines(mode, best.z, best.kappa, color=style.LABELS, lw=1.0)
        axis.plot(mode, best.kappa, "o", mfc="white", mec=style.LABELS, ms=6)
        axis.plot(mode[alive], best.z[alive], style.DEPTH_MARKERS[depth], color=color, ms=5.5)
        if dead.any():
            axis.plot(mode[dead], best.z[dead], "x", color=style.DEAD, ms=7, mew=2, clip_on=False)
        layers = "1 layer" if depth == 1 else f"{depth} layers"
        axis.set_title(f"{layers}: {best.alive} of {int(np.sum(best.kappa > 0))} modes alive")
        axis.set_ylim(bottom=0)
    axes[-1].set_xlabel("mode, from the strongest to the weakest")
    figure.supylabel("singular value", fontsize="medium")
    figure.suptitle(title, fontsize="medium")
    handles = [
        Line2D([], [], marker="o", ls="", mfc="white", mec=style.LABELS, label="κ, the labels"),
        Line2D([], [], marker="o", ls="", color=style.INK, label="z, the optimum"),
        Line2D([], [], marker="x", ls="", color=style.DEAD, mew=2, label="dead"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


@style.styled
def descent_path(found: Descent) -> Figure:
    """Draw how a descent comes down to the closed form.

    Parameters
    ----------
    found : Descent
        The descent, with its path.

    Returns
    -------
    matplotlib.figure.Figure
        Above: the objective less the closed-form minimum. Below: the singular values of the
        prediction, with those of the closed form as black marks at the right.
    """
    figure, (above, below) = style.new_figure(2, height=5.2, sharex=True)
    path, best = found.path, found.best
    step = path.step + 1
    above.plot(step, np.maximum(path.objective - best.objective, 1e-17), color=style.DESCENT)
    above.set_xscale("log")
    above.set_yscale("log")
    above.set_title("Objective above the closed-form minimum")
    below.plot(step, path.z, color=style.DESCENT, lw=1.4)
    end = np.full(best.z.size, step[-1] * 1.25)
    below.plot(end, best.z, "<", color=style.CLOSED_FORM, ms=6, clip_on=False)
    below.set_title("Singular values of the prediction")
    below.set_xlabel("steps of descent, counted from 1")
    below.set_ylim(0, 1.6 * best.kappa[0])
    below.legend(
        handles=[
            Line2D([], [], color=style.DESCENT, label="descent"),
            Line2D([], [], marker="<", ls="", color=style.CLOSED_FORM, label="closed form"),
        ],
        loc="upper right",
    )
    return figure


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
    figure, axes = plt.subplots(2, 2, figsize=(style.WIDTH, 5.6), sharex=True, sharey=True)
    for axis, one, title in zip(axes.flat, found, titles, strict=True):
        starts = np.cumsum(one.problem.counts.n)[:-1]
        for k, points in enumerate(np.split(one.H, starts, axis=1)):
            look = {"marker": style.CLASS_MARKERS[k], "color": style.CLASS_COLORS[k]}
            axis.scatter(*points, s=16, alpha=0.45, lw=0, **look)
            axis.scatter(*points.mean(axis=1), s=85, edgecolor="white", zorder=3, **look)
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
    figure, axes = style.new_figure(len(minimizers), height=0.7 + 2.15 * len(minimizers))
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
                    mark.set(mfc="white", mew=2, clip_on=False)
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
        handle.set(mfc="white", mew=2)
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
    figure, axes = plt.subplots(rows, 2, figsize=(style.WIDTH, 0.9 + 2.35 * rows), squeeze=False)
    for axis in axes.flat[len(matrices) :]:
        axis.set_axis_off()
    for axis, matrix, title in zip(axes.flat, matrices, titles, strict=False):
        K = matrix.shape[0]
        image = axis.imshow(matrix, cmap=style.COSINE_COLORMAP, norm=Normalize(-1, 1))
        if K <= 4:
            for (i, j), value in np.ndenumerate(matrix):
                if np.isfinite(value):
                    light = style.INK if abs(value) < 0.6 else "white"
                    text = f"{round(value, 2) + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")
                    axis.text(j, i, text, ha="center", va="center", color=light, size="small")
        axis.set_xticks(range(K), [str(k + 1) for k in range(K)])
        axis.set_yticks(range(K), [str(k + 1) for k in range(K)])
        axis.tick_params(length=0)
        axis.grid(visible=False)
        axis.spines[:].set_visible(False)
        axis.set_title(title)
    bar = figure.colorbar(
        image, ax=axes, location="bottom", aspect=40, shrink=0.75, ticks=[-1, -0.5, 0, 0.5, 1]
    )
    bar.set_label("cosine of the angle between two classes")
    return figure


def _plain_ticks(axis: Axes) -> None:
    """Write 0.002, 0.005, 0.01 under a logarithmic axis that spans about one decade."""
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter(NullFormatter())


@style.styled
def death_spread(counts: ClassCounts, depths: Sequence[int] = (1, 2, 3, 6)) -> Figure:
    """Draw when the first and the last mode die, a bar for each depth.

    Parameters
    ----------
    counts : ClassCounts
        Samples per class.
    depths : sequence of int, default (1, 2, 3, 6)
        Depths of the head.

    Returns
    -------
    matplotlib.figure.Figure
        Over the common value of every lambda: a line from the first to the last death, with a
        tick for each death.
    """
    figure, (axis,) = style.new_figure(height=1.1 + 0.55 * len(depths))
    ends: list[float] = []
    for row, depth in enumerate(depths):
        factors = collapse_factors(Problem(counts, depth, lambda_W=(1.0,) * depth, lambda_H=1.0))
        deaths = factors[factors > 0]
        color = style.DEPTH_COLORS[depth]
        axis.plot([deaths.min(), deaths.max()], [row, row], color=color, lw=3)
        axis.plot(deaths, np.full(deaths.size, row), "|", color=color, ms=17, mew=2)
        ends.extend((deaths.min(), deaths.max()))
    axis.set_xscale("log")
    axis.set_xlim(0.75 * min(ends), 1.2 * max(ends))
    _plain_ticks(axis)
    axis.set_yticks(range(len(depths)), [f"L = {depth}" for depth in depths])
    axis.set_ylim(len(depths) - 0.4, -0.6)
    axis.grid(visible=False, axis="y")
    axis.set_xlabel("every λ: each tick is a mode that dies")
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
        table = np.empty((counts.m, grid.size))
        for column, lam in enumerate(grid):
            problem = Problem(counts, depth, bias, lambda_W=lam, lambda_H=lam)
            right = global_minimizer(problem).training_accuracy().per_class
            for j in range(counts.m):
                table[j, column] = right[counts.group == j].mean()
        mesh = axis.pcolormesh(
            np.geomspace(*lambdas, grid.size + 1),
            np.arange(counts.m + 1) + 0.5,
            table,
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
    _plain_ticks(axes[-1])
    axes[-1].set_xlabel("every λ: the strength of the regularisation")
    figure.supylabel("classes × samples in each", fontsize="medium")
    bar = figure.colorbar(mesh, ax=axes, location="top", aspect=40, shrink=0.75)
    bar.set_label("share of their training samples classified right")
    return figure


@style.styled
def count_profiles(data_sets: Mapping[str, ClassCounts]) -> Figure:
    """Draw how the class counts of several data sets fall, from the largest class to the smallest.

    Parameters
    ----------
    data_sets : mapping of str to ClassCounts
        Up to six data sets by name.

    Returns
    -------
    matplotlib.figure.Figure
        Each class's count relative to the largest, over its place among the classes.
    """
    figure, (axis,) = style.new_figure(height=4.2)
    looks = [("-", "o"), ("--", "s"), (":", "^"), ("-.", "D"), ("-", "v"), ("--", "P")]
    shades = np.linspace(0.0, 0.62, len(data_sets))
    for (name, counts), (line, marker), shade in zip(
        data_sets.items(), looks, shades, strict=False
    ):
        share = counts.n[counts.falling_order] / counts.n.max()
        place = np.linspace(0, 1, counts.K)
        axis.plot(
            place,
            share,
            ls=line,
            marker=marker,
            ms=4.5,
            lw=1.5,
            color=str(shade),
            markevery=max(1, counts.K // 10),
            label=f"{name} (1 : {counts.n.max() / counts.n.min():.3g})",
        )
    axis.set_yscale("log")
    axis.set_yticks([1, 0.1, 0.01, 0.001], ["1", "1/10", "1/100", "1/1000"])
    axis.set_xticks([0, 0.5, 1], ["largest class", "halfway", "smallest class"])
    first, _, last = axis.get_xticklabels()
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")
    axis.set_ylabel("samples, relative to the largest class")
    figure.legend(loc="outside lower center", ncols=1)
    return figure
