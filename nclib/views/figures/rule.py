"""How the one rule shrinks a mode."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nclib.theory.problem import Problem
from nclib.theory.shrinkage import (
    lemma_a2_g,
    lemma_a2_minimizer,
    lemma_a2_threshold,
    scalar_objective,
    shrink,
)
from nclib.views import style


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
    axis.set_ylabel(r"g(x) = 1 / (x$^L$ + 1) + $\alpha$ x")
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
