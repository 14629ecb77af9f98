"""Static figures of the book, drawn with matplotlib from what `nclib.theory` computes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import NamedTemporaryFile

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullFormatter, NullLocator
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
    scalar_objective,
    shrink,
)
from nclib.theory.spectrum import Spectrum
from nclib.views import style

Array = NDArray[np.float64]


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
    return _kept_map(
        {
            depth: [
                Problem(counts, depth, bias, lambda_W=lam, lambda_H=lam)
                for lam in np.geomspace(*lambdas, 400)
            ]
            for depth in depths
        },
        edges=np.geomspace(*lambdas, 401),
        xlabel="every λ: the strength of the regularisation",
    )


def _kept_map(problems: Mapping[int, Sequence[Problem]], edges: Array, xlabel: str) -> Figure:
    """Colour the share that is kept of each mode, a panel for each depth, a column a problem."""
    figure, axes = style.new_figure(
        len(problems), height=0.9 + 1.75 * len(problems), sharex=True, sharey=True
    )
    for axis, (depth, row) in zip(axes, problems.items(), strict=True):
        kept = []
        for best in map(global_minimizer, row):
            kept.append(np.where(best.survives, best.s, np.nan)[best.kappa > 0])
        table = np.array(kept).T
        mesh = axis.pcolormesh(
            edges,
            np.arange(table.shape[0] + 1) + 0.5,
            table,
            cmap=style.SHRINK_COLORMAP,
            norm=Normalize(0, 1),
            rasterized=True,
        )
        axis.set_xscale("log")
        axis.set_xlim(edges[0], edges[-1])
        axis.grid(visible=False)
        axis.set_yticks([1, table.shape[0]], ["strongest", "weakest"])
        axis.set_title("1 linear layer" if depth == 1 else f"{depth} linear layers")
    axes[0].invert_yaxis()
    axes[-1].set_xlabel(xlabel)
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
def model_sketch() -> Figure:
    """Draw what the model keeps of a network, and what it leaves free.

    Returns
    -------
    matplotlib.figure.Figure
        Boxes from top to bottom, in the order in which a sample passes them.
    """
    figure, (axis,) = style.new_figure(height=5.6)
    left_out, modelled = "#f0f0f0", "#dcebf5"
    boxes = [
        ("a sample", "", left_out),
        ("backbone: all nonlinear layers", "left out: as if it could make any features", left_out),
        (r"features $H$", r"free variables, penalty $\lambda_H$", modelled),
        (
            r"linear layers $W_1, \dots, W_L$",
            r"penalties $\lambda_{W_1}, \dots, \lambda_{W_L}$",
            modelled,
        ),
        (r"bias $b$", "no penalty", modelled),
        ("output", r"compared with the labels $Y$: squared error", modelled),
    ]
    for place, (name, note, color) in enumerate(boxes):
        y = -1.6 * place
        axis.add_patch(
            FancyBboxPatch(
                (0.1, y - 0.45),
                7.8,
                0.9,
                boxstyle="round,pad=0.06",
                facecolor=color,
                edgecolor=style.MUTED,
                linewidth=0.8,
            )
        )
        axis.text(4, y + (0.22 if note else 0), name, ha="center", va="center", weight="bold")
        axis.text(4, y - 0.24, note, ha="center", va="center")
        if place:
            axis.annotate(
                "",
                (4, y + 0.5),
                (4, y + 1.1),
                arrowprops={"arrowstyle": "->", "color": style.MUTED},
            )
    axis.set_xlim(0, 8)
    axis.set_ylim(-1.6 * (len(boxes) - 1) - 0.55, 0.55)
    axis.axis("off")
    return figure


@style.styled
def spread_cost(spread: Array, objective: Array) -> Figure:
    """Draw the objective as the samples of a class are pulled together or pushed apart.

    Parameters
    ----------
    spread : (T,) ndarray
        Factors on the distances from the class mean; 0 and 1 must be among them.
    objective : (T,) ndarray
        Objective at each.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (axis,) = style.new_figure(height=3.2)
    axis.plot(spread, objective, color=style.INK)
    for factor, text, color in (
        (1, "as they were drawn", style.DESCENT),
        (0, "all at their\nclass mean", style.CLOSED_FORM),
    ):
        height = float(objective[int(np.flatnonzero(np.isclose(spread, factor))[0])])
        axis.plot(factor, height, "o", color=color, ms=8, zorder=3)
        axis.annotate(
            text,
            (factor, height),
            xytext=(-10 if factor else 0, 2 if factor else 14),
            textcoords="offset points",
            ha="right" if factor else "center",
        )
    axis.set_xlabel("spread of the samples of a class (1: as drawn)")
    axis.set_ylabel("objective")
    axis.set_title("Lowest where each class is one point")
    return figure


@style.styled
def variability_path(found: Descent) -> Figure:
    """Draw how the features of each class come together in a descent.

    Parameters
    ----------
    found : Descent
        A descent with one feature per sample.

    Returns
    -------
    matplotlib.figure.Figure
        Spread within the classes as a share of all spread, against the step.
    """
    figure, (axis,) = style.new_figure(height=3.0)
    path = found.path
    axis.plot(path.step + 1, np.maximum(path.variability, 1e-17), color=style.DESCENT)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel("steps of descent, counted from 1")
    axis.set_ylabel("within-class share")
    axis.set_title("The samples of a class come together")
    return figure


@style.styled
def label_matrices(without_bias: Array, with_bias: Array) -> Figure:
    """Draw the effective label matrix without and with a bias.

    Parameters
    ----------
    without_bias, with_bias : (K, K) ndarray
        The two matrices of the same counts.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels with one scale of colours, white at 0.
    """
    figure, axes = style.new_figure(2, height=6.6)
    largest = float(np.abs(without_bias).max())
    for axis, matrix, title in (
        (axes[0], without_bias, r"Without a bias: $\hat{Y} = D$"),
        (axes[1], with_bias, r"With a bias: $\hat{Y} = (I - n\mathbf{1}'/N)\,D$"),
    ):
        image = axis.imshow(matrix, cmap="PuOr_r", vmin=-largest, vmax=largest)
        axis.set_title(title)
        axis.grid(visible=False)
        classes = np.arange(matrix.shape[0])
        axis.set_xticks(classes, [str(k) for k in classes + 1])
        axis.set_yticks(classes, [str(k) for k in classes + 1])
        axis.set_ylabel("output for class")
    axes[1].set_xlabel("samples of class, weight √n")
    figure.colorbar(image, ax=axes, shrink=0.6)
    return figure


@style.styled
def scalar_costs(kappa: float, problems: Sequence[Problem]) -> Figure:
    """Draw the cost of answering one mode with z, a panel for each problem.

    Parameters
    ----------
    kappa : float
        Strength of the mode in the labels.
    problems : sequence of Problem
        They differ in depth.

    Returns
    -------
    matplotlib.figure.Figure
        The misfit falls from z = 0 to kappa, the penalty rises; a dot marks the lowest point of
        their sum.
    """
    figure, axes = style.new_figure(len(problems), height=1.0 + 2.1 * len(problems), sharex=True)
    z = np.linspace(0, 1.15 * kappa, 700)
    for axis, problem in zip(axes, problems, strict=True):
        total = scalar_objective(z, kappa, problem)
        misfit = total - scalar_objective(z, z, problem)
        best = float(shrink(kappa, problem))
        lowest = float(scalar_objective(best, kappa, problem))
        color = style.DEPTH_COLORS[problem.depth]
        axis.plot(z, misfit, color=style.LABELS, ls="--", lw=1.4)
        axis.plot(z, total - misfit, color=style.LABELS, ls=":", lw=1.8)
        axis.plot(z, total, color=color)
        axis.axvline(kappa, color=style.LABELS, lw=1.0)
        dead = best == 0
        axis.plot(
            best,
            lowest,
            "o",
            color=style.DEAD if dead else style.CLOSED_FORM,
            ms=7,
            zorder=3,
            clip_on=False,
        )
        axis.set_title("1 layer" if problem.depth == 1 else f"{problem.depth} layers")
        axis.set_ylim(0, 1.45 * float(total[0]))
        axis.set_xlim(0, z[-1])
        axis.set_yticks([])
        axis.text(kappa, 1.38 * float(total[0]), "κ ", ha="right", va="top", color=style.MUTED)
    axes[-1].set_xlabel("z: what the optimum could answer")
    figure.supylabel("cost", fontsize="medium")
    handles = [
        Line2D([], [], color=style.LABELS, ls="--", lw=1.4, label="misfit"),
        Line2D([], [], color=style.LABELS, ls=":", lw=1.8, label="penalty"),
        Line2D([], [], color=style.INK, label="sum"),
        Line2D([], [], marker="o", ls="", color=style.CLOSED_FORM, label="lowest"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, columnspacing=1.2)
    return figure


@style.styled
def sample_size_map(
    counts: ClassCounts,
    depths: Sequence[int] = (1, 3, 6),
    *,
    lam: float,
    largest: int,
    bias: bool = True,
) -> Figure:
    """Draw which modes survive as every class grows by one factor and every lambda stays.

    Parameters
    ----------
    counts : ClassCounts
        Samples per class at factor 1.
    depths : sequence of int, default (1, 3, 6)
        Depths of the head.
    lam : float
        Common value of every lambda.
    largest : int
        Largest factor on the counts.
    bias : bool, default True
        Whether the head has a bias.

    Returns
    -------
    matplotlib.figure.Figure
        As `survival_map`, against the number of samples.
    """
    factors = np.unique(np.geomspace(1, largest, 200).astype(int))
    sizes = factors * counts.N
    edges = np.sqrt(sizes[:-1] * sizes[1:])
    return _kept_map(
        {
            depth: [
                Problem(
                    ClassCounts(counts.n * factor),
                    depth,
                    bias,
                    lambda_W=(lam,) * depth,
                    lambda_H=lam,
                )
                for factor in factors
            ]
            for depth in depths
        },
        edges=np.concatenate([[sizes[0]], edges, [sizes[-1]]]),
        xlabel="N: number of samples, proportions and λ fixed",
    )


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
    axis.plot(best.kappa, row, "o", mfc="white", mec=style.LABELS, ms=6)
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
            Line2D([], [], marker="o", ls="", mfc="white", mec=style.LABELS, label="√n, labels"),
            Line2D([], [], marker="o", ls="", color=style.DEPTH_COLORS[1], label="z, optimum"),
            Line2D([], [], marker="x", ls="", color=style.DEAD, mew=2, label="dead"),
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
        for k, (name, color) in enumerate(zip(names, _class_shades(len(names)), strict=True)):
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
    handles.append(Line2D([], [], marker="x", ls="", color=style.DEAD, mew=2))
    figure.legend(handles, [*labels, "dies"], loc="outside lower center", ncols=3)
    return figure


def _class_shades(number: int) -> Array:
    """Colours of classes by their rank, dark for the frequent ones."""
    return np.asarray(plt.get_cmap("Greys")(np.linspace(1.0, 0.4, number)))


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
            Line2D([], [], marker="x", ls="", color=style.DEAD, mew=2, label="dead"),
        ],
        loc="outside lower center",
        ncols=3,
    )
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
        What to draw: negative entries blue, 0 white, positive ones red.
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
    figure, axes = plt.subplots(
        1, count, figsize=(style.WIDTH, 3.6 if count > 1 else 4.9), squeeze=False, sharey=True
    )
    largest = max(float(np.abs(matrix).max()) for matrix in matrices)
    for axis, matrix, title in zip(axes[0], matrices, titles, strict=True):
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
    axes[0, 0].set_ylabel(row_label)
    figure.colorbar(image, ax=axes, location="bottom", aspect=40, shrink=0.75, ticks=MaxNLocator(5))
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
    answered = np.unique(answer)
    shades = ListedColormap([style.REGION_COLORS[i % 3] for i in range(answered.size)])
    axis.pcolormesh(side, side, np.searchsorted(answered, answer), cmap=shades, rasterized=True)
    for k in answered:
        inside = grid[:, answer == k]
        middle = inside.mean(axis=1, keepdims=True)
        if inside[1].max() > 0.86 * reach:  # at the top, where no mean lies
            middle[1] = 0.86 * reach
        x, y = inside[:, np.square(inside - middle).sum(axis=0).argmin()]
        axis.text(x, y, f"class {k + 1}", ha="center", va="center", style="italic")
    right = (W @ H_bar + b[:, None]).argmax(axis=0) == np.arange(len(b))
    for k, name in names.items():
        fill = style.INK if right[k] else "white"
        axis.plot(*H_bar[:, k], "o", mfc=fill, mec=style.INK, mew=1.6, ms=8)
        axis.annotate(
            name, (H_bar[0, k], H_bar[1, k]), xytext=(8, 0), textcoords="offset points", va="center"
        )
    axis.plot(0, 0, "+", color=style.MUTED, ms=9)
    axis.set_aspect("equal")
    axis.set_title("What the head answers where")
    axis.grid(visible=False)
    axis.set_xlabel(axes_names[0])
    axis.set_ylabel(axes_names[1])
    handles = [
        Line2D([], [], marker="o", ls="", color=style.INK, ms=8, label="classified right"),
        Line2D([], [], marker="o", ls="", mfc="white", mec=style.INK, mew=1.6, ms=8, label="wrong"),
        Line2D([], [], marker="+", ls="", color=style.MUTED, ms=9, label="origin"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


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
        deaths = collapse_factors(Problem(counts, depth, lambda_W=(1.0,) * depth, lambda_H=1.0))
        deaths = deaths[deaths > 0]
        grid = np.geomspace(0.6, 1.25 * deaths[0] / deaths[-1], 500)
        optima = [
            global_minimizer(Problem(counts, depth, lambda_W=lam, lambda_H=lam))
            for lam in grid * deaths[-1]
        ]
        accuracy = [best.training_accuracy().overall for best in optima]
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
        Line2D([], [], marker="x", ls="", color=style.DEAD, mew=2, label="modes die"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


@style.styled
def secular_curve(spectrum: Spectrum) -> Figure:
    """Draw the secular function: its poles at the counts and its zeros, the squares of kappa.

    Parameters
    ----------
    spectrum : Spectrum
        Of a head with a bias.

    Returns
    -------
    matplotlib.figure.Figure
        Curve: sum_j l_j N_j / (N_j - t). Dashed lines: its poles. Rings: its zeros.
    """
    figure, (axis,) = style.new_figure(height=4.0)
    poles = spectrum.counts.values.astype(float)
    ends = np.array([1.15 * poles[0], *poles, 0.0])
    reach = 4.0 * spectrum.counts.K
    for high, low in pairwise(ends):
        t = np.linspace(low, high, 2001)[1:-1]
        curve = spectrum.secular_function(t)
        axis.plot(t, np.where(np.abs(curve) < 2 * reach, curve, np.nan), color=style.INK, lw=1.8)
    for pole in poles:
        axis.axvline(pole, color=style.MUTED, ls="--", lw=1.0)
    axis.axhline(0, color=style.MUTED, lw=0.8)
    zeros = spectrum.kappa[spectrum.is_between][:-1] ** 2
    axis.plot(zeros, np.zeros_like(zeros), "o", mfc="white", mec=style.LABELS, mew=2, ms=8)
    axis.set_xlim(0, ends[0])
    axis.set_ylim(-reach, reach)
    axis.set_xlabel("t")
    axis.set_ylabel("S(t)")
    axis.grid(visible=False)
    handles = [
        Line2D([], [], color=style.MUTED, ls="--", lw=1.0, label="counts: poles"),
        Line2D(
            [],
            [],
            marker="o",
            ls="",
            mfc="white",
            mec=style.LABELS,
            mew=2,
            ms=8,
            label="κ² between them: zeros",
        ),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


@style.styled
def interlacing(spectra: Mapping[str, Spectrum], title: str, *, relative: bool = False) -> Figure:
    """Draw counts and between-group kappa squared on a line, a line for each set of counts.

    Parameters
    ----------
    spectra : mapping of str to Spectrum
        A line for each, from the top, with its name at the left.
    title : str
        What changes from line to line.
    relative : bool, default False
        Show each line relative to its largest count.

    Returns
    -------
    matplotlib.figure.Figure
        Bars: the distinct counts. Rings: the squares of the between-group kappa, 0 included.
    """
    figure, (axis,) = style.new_figure(height=1.5 + 0.42 * len(spectra))
    for line, spectrum in enumerate(spectra.values()):
        unit = spectrum.counts.values[0] if relative else 1
        axis.plot(
            spectrum.counts.values / unit,
            np.full(spectrum.counts.m, line),
            "|",
            color=style.INK,
            ms=15,
            mew=1.8,
        )
        squares = spectrum.kappa[spectrum.is_between] ** 2 / unit
        axis.plot(
            squares,
            np.full(squares.size, line),
            "o",
            mfc="white",
            mec=style.LABELS,
            mew=2,
            ms=7.5,
            clip_on=False,
            zorder=3,
        )
    axis.set_yticks(range(len(spectra)), list(spectra))
    axis.set_ylim(len(spectra) - 0.4, -0.6)
    axis.set_xlim(left=0)
    axis.set_xlabel("κ², relative to the largest count" if relative else "κ²")
    axis.set_title(title)
    handles = [
        Line2D([], [], marker="|", ls="", color=style.INK, ms=13, mew=1.8, label="counts"),
        Line2D(
            [],
            [],
            marker="o",
            ls="",
            mfc="white",
            mec=style.LABELS,
            mew=2,
            ms=7.5,
            label="κ² of the between-group modes",
        ),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


@style.styled
def tail_spectra(data_sets: Mapping[str, ClassCounts]) -> Figure:
    """Draw the sorted counts of long-tailed data and the squares of kappa with a bias.

    Parameters
    ----------
    data_sets : mapping of str to ClassCounts
        A panel for each.

    Returns
    -------
    matplotlib.figure.Figure
        Steps: counts, falling, the k-th at k. Rings: kappa_k squared, at the drop from k to k + 1.
    """
    figure, axes = style.new_figure(len(data_sets), height=1.0 + 2.2 * len(data_sets))
    for axis, (name, counts) in zip(axes, data_sets.items(), strict=True):
        squares = Spectrum(counts).kappa[:-1] ** 2
        place = np.arange(1, counts.K + 1)
        axis.plot(
            place,
            counts.n[counts.falling_order],
            color=style.INK,
            lw=1.4,
            drawstyle="steps-mid",
        )
        axis.plot(
            place[:-1] + 0.5,
            squares,
            "o",
            mfc="white",
            mec=style.LABELS,
            mew=1.6,
            ms=6.5 if counts.K < 50 else 3,
            zorder=1.9 if counts.K > 50 else 3,
        )
        axis.set_yscale("log")
        axis.set_title(name)
    axes[-1].set_xlabel("class k at k, mode k between k and k + 1")
    handles = [
        Line2D([], [], color=style.INK, lw=1.4, label="count of class k"),
        Line2D(
            [], [], marker="o", ls="", mfc="white", mec=style.LABELS, ms=7, label="κ² of mode k"
        ),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
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
