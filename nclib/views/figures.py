"""Static figures of the book, drawn with matplotlib from what `nclib.theory` computes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nclib.theory.counts import ClassCounts
from nclib.theory.descent import Descent
from nclib.theory.minimizer import Minimizer, global_minimizer
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
