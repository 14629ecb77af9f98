"""Why each step of the proofs holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from nclib.theory.problem import ObjectiveParts, Problem
from nclib.theory.shrinkage import (
    lemma_a2_alpha,
    lemma_a2_g,
    lemma_a2_spinodal,
    lemma_a2_stationary,
    lemma_a2_threshold,
    scalar_objective,
)
from nclib.theory.spectrum import Spectrum
from nclib.views import style

Array = NDArray[np.float64]

_HILL: dict[str, Any] = {
    "marker": "^",
    "ls": "",
    "mfc": style.PAPER,
    "mec": style.INK,
    "ms": 8,
    "mew": 1.4,
}
_VALLEY: dict[str, Any] = {"marker": "o", "ls": "", "color": style.CLOSED_FORM, "ms": 7}
_WASTE = (0.6, 0.35, 0.2)
"""Shades of the colour of descent: what a point costs above the core."""


@style.styled
def staircase(values: Mapping[str, float]) -> Figure:
    """Draw a proof as a staircase: the objective after each step, none higher than the one before.

    Parameters
    ----------
    values : mapping of str to float
        What was done, and the objective then, from the starting point to the minimum.

    Returns
    -------
    matplotlib.figure.Figure
        A bar for each value, its name above it; the pale end of a bar is what the step took away.
    """
    heights = list(values.values())
    figure, (axis,) = style.new_figure(height=0.6 + 0.72 * len(heights))
    for row, (name, value) in enumerate(values.items()):
        last = row == len(heights) - 1
        color = style.CLOSED_FORM if last else style.DESCENT
        axis.barh(row, value, height=0.36, color=color)
        if row:
            before = heights[row - 1]
            axis.barh(
                row, before - value, left=value, height=0.36, color=style.DESCENT, alpha=_WASTE[2]
            )
        axis.text(0, row - 0.26, name, va="bottom")
        axis.text(heights[0], row - 0.26, f"{value:.3f}", va="bottom", ha="right")
    axis.set_ylim(len(heights) - 0.6, -0.75)
    axis.set_xlim(0, heights[0])
    axis.set_yticks([])
    axis.grid(visible=False, axis="y")
    axis.spines["left"].set_visible(False)
    axis.set_xlabel("objective")
    return figure


@style.styled
def splitting_path(share: Array, parts: Sequence[ObjectiveParts]) -> Figure:
    """Draw the parts of the objective, stacked, on the way to the collapsed point.

    Parameters
    ----------
    share : (T,) ndarray
        How much of the way is done, from 0 to 1.
    parts : sequence of T ObjectiveParts
        The parts there.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (axis,) = style.new_figure(height=3.8)
    table = np.array(parts).T
    labels = ("core", "spread of the samples", "global mean", "bias")
    areas = axis.stackplot(share, table, edgecolor=style.PAPER, lw=0.8)
    looks = ((style.LABELS, 1.0), *((style.DESCENT, strength) for strength in _WASTE))
    for area, (color, strength) in zip(areas, looks, strict=True):
        area.set(facecolor=color, alpha=strength)
    tops = np.cumsum(table[:, 0])
    for name, top, size in zip(labels, tops, table[:, 0], strict=True):
        axis.text(0.02, top - size / 2, name, va="center")
    axis.set_xlim(share[0], share[-1])
    axis.set_ylim(0, 1.03 * tops[-1])
    axis.set_xlabel("share of the way from a random point to its collapsed one")
    axis.set_ylabel("objective")
    axis.set_title("The core does not move")
    return figure


@style.styled
def product_price(alpha: float, points: Mapping[str, tuple[float, float]]) -> Figure:
    """Draw Lemma A.1 for numbers: the pairs with product 1, and what some of them cost.

    Parameters
    ----------
    alpha : float
        The alpha of the lemma.
    points : mapping of str to (float, float)
        Name to (W, E), at most two, the cheapest first.

    Returns
    -------
    matplotlib.figure.Figure
        The hyperbola W E = 1, and through each point the ellipse of pairs that cost the same.
    """
    figure, (axis,) = style.new_figure(height=4.0)
    reach = 1.5 * max(value for pair in points.values() for value in pair)
    w = np.geomspace(1e-3, reach, 600)
    axis.plot(w, 1 / w, color=style.LABELS, lw=3)
    angle = np.linspace(0, np.pi / 2, 300)
    looks = (("o", style.CLOSED_FORM, "-"), ("s", style.DESCENT, "--"))
    for (name, (W, E)), (marker, color, dashes) in zip(points.items(), looks, strict=False):
        cost = (W**2 / alpha + alpha * E**2) / 2
        ellipse = np.sqrt(2 * cost) * np.array(
            [np.sqrt(alpha) * np.cos(angle), np.sin(angle) / np.sqrt(alpha)]
        )
        axis.plot(*ellipse, color=color, lw=1.4, ls=dashes)
        axis.plot(W, E, marker, color=color, ms=8, zorder=3)
        axis.annotate(
            f"{name}: {cost:.2f}", (W, E), xytext=(9, 7), textcoords="offset points", weight="bold"
        )
    axis.text(0.98, 0.94, "grey: W E = 1", color=style.MUTED, ha="right", transform=axis.transAxes)
    axis.set_xlim(0, reach)
    axis.set_ylim(0, 0.7 * reach)
    axis.set_xlabel("W")
    axis.set_ylabel("E")
    axis.set_title(f"α = {alpha:g}: pairs of equal cost touch the cheapest")
    return figure


@style.styled
def shared_penalty(share: Array, penalties: Mapping[str, Array]) -> Figure:
    """Draw how two factors of a fixed product pay as one grows at the cost of the other.

    Parameters
    ----------
    share : (T,) ndarray
        By how much the first is multiplied and the second divided.
    penalties : mapping of str to (T,) ndarray
        What each of the two pays.

    Returns
    -------
    matplotlib.figure.Figure
        Both and their sum, whose lowest point is marked.
    """
    figure, (axis,) = style.new_figure(height=3.4)
    total = np.sum(list(penalties.values()), axis=0)
    for (name, values), dashes in zip(penalties.items(), ("--", ":"), strict=True):
        axis.plot(share, values, color=style.DESCENT, ls=dashes, label=name)
    axis.plot(share, total, color=style.INK, label="sum")
    lowest = int(total.argmin())
    axis.axvline(share[lowest], color=style.LABELS, lw=1.0)
    axis.plot(share[lowest], total[lowest], "o", color=style.CLOSED_FORM, ms=7)
    axis.set_xscale("log")
    style.plain_log_ticks(axis)
    axis.set_xlim(share[0], share[-1])
    axis.set_ylim(0, 1.05 * max(total[0], total[-1]))
    axis.set_xlabel("factor on one layer, its inverse on the next")
    axis.set_ylabel("penalty")
    axis.set_title("Least where both pay the same")
    axis.legend(loc="upper center", ncols=3)
    return figure


@style.styled
def trace_by_angle(degrees: Array, together: Array, apart: Array, bound: float) -> Figure:
    """Draw tr(Yhat' Z) as the singular vectors of a 2 x 2 matrix Z are turned.

    Parameters
    ----------
    degrees : (T,) ndarray
        Angle of the left singular vectors of Z against those of Yhat.
    together : (T,) ndarray
        The trace where the right ones are turned by the same angle.
    apart : (T, S) ndarray
        The trace for S other angles of the right ones.
    bound : float
        What von Neumann's inequality allows.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (axis,) = style.new_figure(height=3.6)
    axis.plot(degrees, apart, ".", color=style.LABELS, ms=2)
    axis.plot(degrees, together, color=style.INK)
    axis.axhline(bound, color=style.CLOSED_FORM, ls="--", lw=1.2)
    axis.text(degrees[degrees.size // 2], bound, "bound", ha="center", va="bottom")
    axis.set_xlim(degrees[0], degrees[-1])
    axis.set_ylim(None, 1.18 * bound)
    axis.set_xticks(np.arange(degrees[0], degrees[-1] + 1, 45))
    axis.set_xlabel(r"left singular vectors of $Z$ against those of $\hat Y$, degrees")
    axis.set_ylabel(r"$\operatorname{tr}(\hat Y^{\prime} Z)$")
    axis.set_title("Largest where the vectors agree")
    handles = [
        Line2D([], [], color=style.INK, label="right ones turned alike"),
        Line2D([], [], marker=".", ls="", color=style.LABELS, label="by any other angle"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


@style.styled
def marginal_costs(kappa: float, problems: Sequence[Problem]) -> Figure:
    """Draw what a little more of one mode gains and costs, a panel for each problem.

    Parameters
    ----------
    kappa : float
        Strength of the mode in the labels.
    problems : sequence of Problem
        They differ in depth.

    Returns
    -------
    matplotlib.figure.Figure
        The falling line is how fast the misfit falls, the other how fast the penalty rises, both
        by differences of `nclib.theory.scalar_objective`. Where they cross there is a valley or a
        hill of the sum.
    """
    figure, axes = style.new_figure(len(problems), height=1.0 + 2.0 * len(problems), sharex=True)
    edges = np.linspace(0, 1.1 * kappa, 1001)
    middle = (edges[1:] + edges[:-1]) / 2
    for axis, problem in zip(axes, problems, strict=True):
        penalty = scalar_objective(edges, edges, problem)
        misfit = scalar_objective(edges, kappa, problem) - penalty
        gain, price = -np.diff(misfit) / np.diff(edges), np.diff(penalty) / np.diff(edges)
        axis.plot(middle, gain, color=style.LABELS, ls="--", lw=1.6)
        axis.plot(middle, price, color=style.DEPTH_COLORS[problem.depth])
        roots = lemma_a2_stationary(lemma_a2_alpha(kappa, problem), problem.depth)
        for root, look in zip(roots, (_HILL, _VALLEY), strict=True):
            power = float(root) ** problem.depth
            z = kappa * power / (1 + power)
            axis.plot(z, np.interp(z, middle, gain), **look)
        axis.set_ylim(0, 1.6 * gain[0])
        axis.set_xlim(0, edges[-1])
        axis.set_yticks([])
        axis.set_title("1 layer" if problem.depth == 1 else f"{problem.depth} layers")
        axis.axvline(kappa, color=style.LABELS, lw=1.0)
        axis.text(kappa, 1.55 * gain[0], "κ ", ha="right", va="top", color=style.MUTED)
    axes[-1].set_xlabel("z: what the optimum could answer")
    figure.supylabel("by how much, for a little more z", fontsize="medium")
    handles = [
        Line2D([], [], color=style.LABELS, ls="--", lw=1.6),
        tuple(Line2D([], [], color=style.DEPTH_COLORS[problem.depth]) for problem in problems),
        Line2D([], [], **_HILL),
        Line2D([], [], **_VALLEY),
    ]
    figure.legend(  # type: ignore[call-overload]  # stubs know no tuples of handles
        handles,
        ["gain", "price", "hill", "valley"],
        handler_map={tuple: HandlerTuple(None)},
        loc="outside lower center",
        ncols=4,
        columnspacing=1.2,
    )
    return figure


@style.styled
def lemma_roots(depth: int, factors: Sequence[float]) -> Figure:
    """Draw where g of Lemma A.2 is stationary: its hill and its valley, as the price rises.

    Parameters
    ----------
    depth : int
        Number of layers L, at least 2.
    factors : sequence of float
        Values of alpha for the lower panel, relative to the threshold.

    Returns
    -------
    matplotlib.figure.Figure
        Above: both roots against alpha, up to where they meet, and the threshold. Below: g for
        each factor.
    """
    figure, (above, below) = style.new_figure(2, height=6.2, wide=(1, 2, 3.5), sharex=True)
    threshold, spinodal = lemma_a2_threshold(depth), lemma_a2_spinodal(depth)
    color = style.DEPTH_COLORS[depth]
    alpha = np.append(np.geomspace(1e-4, 0.98, 400), 1 - np.geomspace(0.02, 1e-9, 200)) * spinodal
    hill, valley = lemma_a2_stationary(alpha, depth)
    above.plot(hill, alpha, color=color, ls="--", label="hill: smaller root")
    above.plot(valley, alpha, color=color, label="valley: larger root")
    end = 2.5
    for height, name in ((threshold, "α*, the threshold"), (spinodal, "the valley ends")):
        above.axhline(height, color=style.LABELS, lw=1.0)
        above.text(end, height, name, ha="right", va="bottom", color=style.MUTED)
    above.set_ylim(0, 1.2 * spinodal)
    above.set_ylabel("α, the price")
    above.set_title(f"L = {depth}: where g is stationary")
    above.legend(loc="center right", bbox_to_anchor=(1.0, 0.69))
    x = np.linspace(0, end, 501)
    for factor, shade in zip(factors, np.linspace(0.6, 1.0, len(factors)), strict=True):
        price = factor * threshold
        below.plot(x, lemma_a2_g(x, price, depth), color=color, alpha=shade)
        at_end = float(lemma_a2_g(end, price, depth))
        below.text(end, at_end, f" {factor:g} α*", va="center")
        for root, look in zip(lemma_a2_stationary(price, depth), (_HILL, _VALLEY), strict=True):
            if np.isfinite(root):
                below.plot(root, lemma_a2_g(root, price, depth), **look)
    below.set_xlim(0, end)
    below.set_xlabel("x")
    below.set_ylabel("g(x)")
    below.set_title("g, with its hill and its valley")
    return figure


@style.styled
def characteristic_polynomial(spectrum: Spectrum) -> Figure:
    """Draw f(t) = det(tI - GG'), whose sign changes from each distinct count to the next.

    Parameters
    ----------
    spectrum : Spectrum
        With a bias.

    Returns
    -------
    matplotlib.figure.Figure
        The polynomial, relative to its largest value there; rings: its roots, the squares of the
        between-group kappa; dots with a sign: its values at the counts.
    """
    figure, (axis,) = style.new_figure(height=3.6)
    roots = spectrum.kappa[spectrum.is_between] ** 2
    counts = spectrum.counts.values.astype(float)
    t = np.linspace(0, counts[0], 1200)
    curve = np.prod(t[:, None] - roots, axis=1)
    size = np.abs(curve).max()
    at_counts = np.prod(counts[:, None] - roots, axis=1) / size
    axis.axhline(0, color=style.MUTED, lw=0.8)
    axis.plot(t, curve / size, color=style.INK)
    axis.plot(roots, np.zeros(roots.size), **style.RING, ms=7, mew=1.6, zorder=3)
    for count, value in zip(counts, at_counts, strict=True):
        axis.plot([count, count], [0, value], color=style.LABELS, lw=1.0, ls=":")
        axis.plot(count, value, "o", color=style.DESCENT, ms=6, clip_on=False, zorder=3)
        sign = "+" if value > 0 else "−"  # noqa: RUF001
        axis.annotate(
            sign,
            (count, value),
            xytext=(0, 7 if value > 0 else -7),
            textcoords="offset points",
            ha="center",
            va="bottom" if value > 0 else "top",
            weight="bold",
        )
    axis.set_xlim(0, 1.03 * counts[0])
    axis.set_ylim(1.25 * min(at_counts.min(), 0) - 0.12, 1.2)
    axis.set_yticks([0])
    axis.set_xlabel("t")
    axis.set_ylabel("f(t), scaled")
    axis.set_title("A sign at each count, a root in each gap")
    return figure
