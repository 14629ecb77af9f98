"""What follows beyond the paper: ties, families of optima, the landscape, a penalised bias."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import NDArray

from nclib.theory.descent import LambdaSweep
from nclib.views import style

Array = NDArray[np.float64]

ALIVE_SHADES = ("#f2f2f2", "#9ecae1", "#2171b5", "#08306b")
"""Number of living modes where a descent ended, from none to three."""

TINT = 0.25
"""How strong the colour of a region is."""


def _layers(depth: int) -> str:
    return "1 layer" if depth == 1 else f"{depth} layers"


def _depth_handles(depths: Sequence[int]) -> list[Line2D]:
    return [
        Line2D([], [], color=style.DEPTH_COLORS[depth], label=_layers(depth)) for depth in depths
    ]


@style.styled
def accuracy_by_depth(
    data_sets: Mapping[str, tuple[Array, Mapping[int, Array]]], xlabel: str
) -> Figure:
    """Draw the training accuracy of the optimum at several depths.

    Parameters
    ----------
    data_sets : mapping of str to (lambdas, accuracies)
        A panel for each: the penalties (T,), and for each depth the accuracy at them (T,).
    xlabel : str
        What the penalties are.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = style.new_figure(len(data_sets), height=1.2 + 2.1 * len(data_sets), sharey=True)
    for axis, (name, (lambdas, accuracies)) in zip(axes, data_sets.items(), strict=True):
        for i, (depth, accuracy) in enumerate(accuracies.items()):
            (line,) = axis.plot(lambdas, accuracy, color=style.DEPTH_COLORS[depth], lw=1.6)
            # Where one line lies on another, each shows its markers.
            line.set(marker=style.DEPTH_MARKERS[depth], ms=5, mfc=style.PAPER)
            line.set_markevery(((i + 0.5) / len(accuracies) / 5, 0.2))
        axis.set_xscale("log")
        axis.set_xlim(lambdas[0], lambdas[-1])
        style.plain_log_ticks(axis)
        axis.set_ylim(0, 1.05)
        axis.set_title(name)
    axes[-1].set_xlabel(xlabel)
    figure.supylabel("training accuracy of the optimum", fontsize="medium")
    handles = _depth_handles(list(next(iter(data_sets.values()))[1]))
    for depth, handle in zip(accuracies, handles, strict=True):
        handle.set(marker=style.DEPTH_MARKERS[depth], ms=5, mfc=style.PAPER)
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    return figure


@style.styled
def death_ranges(
    depths: Sequence[int], panels: Mapping[str, tuple[Array, Array]], ylabel: str
) -> Figure:
    """Draw when the first and the last mode die, against the depth, for several things to move.

    Parameters
    ----------
    depths : (T,) sequence of int
        Numbers of layers.
    panels : mapping of str to (first, last)
        A panel for each: the value at which the weakest and the strongest mode die (T,).
    ylabel : str
        What these values are.

    Returns
    -------
    matplotlib.figure.Figure
        Below the band every mode is alive, above it none.
    """
    figure, axes = style.new_figure(len(panels), height=1.0 + 1.95 * len(panels), sharex=True)
    for axis, (title, (first, last)) in zip(axes, panels.items(), strict=True):
        axis.fill_between(depths, first, last, color=style.DEPTH_COLORS[1], alpha=0.15, lw=0)
        axis.plot(depths, last, "^-", color=style.DEPTH_COLORS[1], ms=5, lw=1.4)
        axis.plot(depths, first, "v-", color=style.DEAD, ms=5, lw=1.4)
        axis.set_yscale("log")
        axis.set_title(title)
    axes[-1].set_xticks(depths)
    axes[-1].set_xlabel("number of layers L")
    figure.supylabel(ylabel, fontsize="medium")
    handles = [
        Line2D([], [], marker="^", color=style.DEPTH_COLORS[1], label="last mode dies"),
        Line2D([], [], marker="v", color=style.DEAD, label="first mode dies"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


@style.styled
def tie_costs(share: Array, costs: Mapping[int, Array]) -> Figure:
    """Draw the cost of one mode exactly at its threshold, for several depths.

    Parameters
    ----------
    share : (T,) ndarray
        Share s of the mode that is kept, from 0 to 1.
    costs : mapping of int to (T,) ndarray
        For each depth the cost at that share, relative to the cost of the dead mode.

    Returns
    -------
    matplotlib.figure.Figure
        Dots mark 0 and the share (L-1)/L, where the cost is 1 again.
    """
    figure, (axis,) = style.new_figure(height=3.7)
    axis.axhline(1, color=style.LABELS, lw=1.0)
    for depth, cost in costs.items():
        color = style.DEPTH_COLORS[depth]
        axis.plot(share, cost, color=color)
        axis.plot((depth - 1) / depth, 1, style.DEPTH_MARKERS[depth], color=color, ms=7, zorder=3)
    axis.plot(0, 1, "o", color=style.CLOSED_FORM, ms=7, zorder=3, clip_on=False)
    axis.set_xlim(0, 1)
    axis.set_xlabel("share of the mode that is kept")
    axis.set_ylabel("cost, dead mode = 1")
    axis.set_title("At the threshold two answers cost the same")
    figure.legend(handles=_depth_handles(list(costs)), loc="outside lower center", ncols=4)
    return figure


@style.styled
def right_and_wrong(right: NDArray[np.bool_], xlabel: str, title: str) -> Figure:
    """Draw which classes several optima classify right, a row for each optimum.

    Parameters
    ----------
    right : (T, C) ndarray of bool
        Whether optimum t classifies class c right.
    xlabel : str
        What the classes are.
    title : str
        What the optima have in common.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (axis,) = style.new_figure(height=1.5 + 0.3 * len(right))
    for row, column in np.argwhere(right):
        axis.plot(column + 1, row + 1, "o", color=style.RIGHT, ms=7)
    for row, column in np.argwhere(~right):
        axis.plot(column + 1, row + 1, ".", color=style.WRONG, ms=3)
    axis.set_xlim(0.3, right.shape[1] + 0.7)
    axis.set_ylim(len(right) + 0.7, 0.3)
    axis.set_xticks([1, *range(5, right.shape[1] + 1, 5)])
    axis.set_yticks(range(1, len(right) + 1))
    axis.grid(visible=False)
    axis.set_xlabel(xlabel)
    axis.set_ylabel("optimum")
    axis.set_title(title)
    handles = [
        Line2D([], [], marker="o", ls="", color=style.RIGHT, label="classified right"),
        Line2D([], [], marker=".", ls="", color=style.WRONG, label="wrong"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


@style.styled
def hysteresis(
    sweeps: Mapping[int, tuple[LambdaSweep, LambdaSweep]],
    closed_form: Mapping[int, tuple[Array, Array]],
    kappa: float,
    limits: Mapping[int, float],
) -> Figure:
    """Draw what descent holds on to while every lambda rises, and while it falls.

    Parameters
    ----------
    sweeps : mapping of int to (LambdaSweep, LambdaSweep)
        For each depth the way up, from the living mode, and the way down, from the dead one.
        Factors are relative to the death of the mode.
    closed_form : mapping of int to (factors, share)
        For each depth what the global minimiser keeps of the mode.
    kappa : float
        Strength of the mode in the labels.
    limits : mapping of int to float
        Factor at which the living branch ends.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each depth. A line: the global minimiser. Triangles up and down: descent.
    """
    figure, axes = style.new_figure(
        len(sweeps), height=1.2 + 1.75 * len(sweeps), sharex=True, sharey=True
    )
    for axis, (depth, (up, down)) in zip(axes, sweeps.items(), strict=True):
        axis.axvline(1, color=style.DEAD, ls="--", lw=1.4)
        axis.axvline(limits[depth], color=style.LABELS, ls=":", lw=1.8)
        axis.plot(*closed_form[depth], color=style.CLOSED_FORM, lw=1.4)
        for sweep, marker in ((down, "v"), (up, "^")):
            axis.plot(
                sweep.factors,
                sweep.z[:, 0] / kappa,
                marker,
                color=style.DESCENT,
                mec=style.INK,
                mew=0.5,
                ms=6,
                clip_on=False,
                zorder=3,
            )
        axis.set_title(_layers(depth))
        axis.set_ylim(0, 1)
    axes[-1].set_xlim(left=0)
    axes[-1].set_xlabel("every λ, relative to the death of the mode")
    figure.supylabel("share of the mode that is kept", fontsize="medium")
    triangle: dict[str, Any] = {"ls": "", "color": style.DESCENT, "mec": style.INK, "mew": 0.5}
    handles = [
        Line2D([], [], color=style.CLOSED_FORM, lw=1.4, label="global minimum"),
        Line2D([], [], marker="^", label="descent, λ rising", **triangle),
        Line2D([], [], color=style.DEAD, ls="--", lw=1.4, label="death"),
        Line2D([], [], marker="v", label="descent, λ falling", **triangle),
        Line2D([], [], color=style.LABELS, ls=":", lw=1.8, label="end of the branch"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


@style.styled
def basins(scales: Sequence[float], shares: Mapping[str, Array]) -> Figure:
    """Draw at which local minimum random starts end, by the size of the start.

    Parameters
    ----------
    scales : (T,) sequence of float
        Sizes of the start, relative to a solution.
    shares : mapping of str to (A, T) ndarray
        A panel for each: the share of the starts that end with a = 0, ..., A - 1 modes alive.

    Returns
    -------
    matplotlib.figure.Figure
        A bar for each size, divided by the number of living modes.
    """
    figure, axes = style.new_figure(
        len(shares), height=1.1 + 1.35 * len(shares), sharex=True, sharey=True
    )
    place = np.arange(len(scales))
    most = max(len(table) for table in shares.values())
    for axis, (title, table) in zip(axes, shares.items(), strict=True):
        below = np.cumsum(table, axis=0) - table
        for alive, share in enumerate(table):
            axis.bar(
                place,
                share,
                bottom=below[alive],
                color=ALIVE_SHADES[alive],
                edgecolor=style.MUTED,
                linewidth=0.6,
                width=0.8,
            )
        axis.set_title(title)
        axis.set_ylim(0, 1)
        axis.set_yticks([0, 1])
        axis.grid(visible=False)
    axes[-1].set_xticks(place, [f"{scale:g}" for scale in scales])
    axes[-1].set_xlabel("size of the start, relative to a solution")
    figure.supylabel("share of the starts", fontsize="medium")
    handles = [
        Patch(facecolor=ALIVE_SHADES[alive], edgecolor=style.MUTED, label=f"{alive} alive")
        for alive in range(most)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    return figure


@style.styled
def penalised_bias_path(
    rho: Array,
    objectives: Mapping[str, Array],
    ends: tuple[float, float],
    sizes: Mapping[str, Array],
    threshold: float,
) -> Figure:
    """Draw the optimum as the penalty on the bias grows.

    Parameters
    ----------
    rho : (T,) ndarray
        The penalty.
    objectives : mapping of str to (T,) ndarray
        ``"optimum"`` and ``"tempting"``: the minimum, and what the tempting formula says.
    ends : (float, float)
        Minimum with a free bias, and without a bias.
    sizes : mapping of str to (T,) ndarray
        ``"bias"`` and ``"mean"``: length of the bias, and of what the features add to it.
    threshold : float
        Penalty from which on the answers are those without a bias.

    Returns
    -------
    matplotlib.figure.Figure
        Above the objectives, below the sizes.
    """
    figure, (above, below) = style.new_figure(2, height=5.8, wide=(1, 2, 3.6), sharex=True)
    for value, color, text, align in (
        (ends[0], style.DEPTH_COLORS[1], "free bias", "bottom"),
        (ends[1], style.DEPTH_COLORS[3], "no bias", "bottom"),
    ):
        above.axhline(value, color=color, lw=1.2)
        above.text(rho[0], value, f" {text}", va=align, color=style.INK)
    above.plot(rho, objectives["optimum"], color=style.CLOSED_FORM)
    above.plot(rho, objectives["tempting"], color=style.DEAD, ls="--")
    above.set_title("Objective")
    above.margins(y=0.12)
    below.plot(rho, sizes["bias"], color=style.DEPTH_COLORS[1])
    below.plot(rho, sizes["mean"], color=style.DESCENT)
    below.set_title("Who answers the label mean")
    below.set_ylabel("length")
    below.set_ylim(bottom=0)
    for axis in (above, below):
        axis.axvline(threshold, color=style.LABELS, ls=":", lw=1.8)
        axis.set_xscale("log")
        axis.set_xlim(rho[0], rho[-1])
    below.set_xlabel(r"penalty on the bias, $\rho_b$")
    handles = [
        Line2D([], [], color=style.CLOSED_FORM, label="optimum"),
        Line2D([], [], color=style.DEPTH_COLORS[1], label="bias b"),
        Line2D([], [], color=style.DEAD, ls="--", label="tempting formula"),
        Line2D([], [], color=style.DESCENT, label="features, P h"),
        Line2D([], [], color=style.LABELS, ls=":", lw=1.8, label="same answers as without"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


@style.styled
def smallest_leads(factors: Array, leads: Mapping[int, Array], title: str) -> Figure:
    """Draw the lead of the worst class while every mode is alive.

    Parameters
    ----------
    factors : (T,) ndarray
        Common value of every lambda, relative to the first death.
    leads : mapping of int to (T,) ndarray
        For each depth the smallest lead of a class's own logit over the best other one.
    title : str
        What the counts are.

    Returns
    -------
    matplotlib.figure.Figure
        Below the line at 0 some class is misclassified.
    """
    figure, (axis,) = style.new_figure(height=3.9)
    axis.axhspan(-10, 0, color=style.WRONG, alpha=0.5 * TINT, lw=0)
    axis.axhline(0, color=style.INK, lw=1.0)
    for depth, lead in leads.items():
        axis.plot(factors, lead, color=style.DEPTH_COLORS[depth])
        axis.plot(
            factors[-1],
            lead[-1],
            style.DEPTH_MARKERS[depth],
            color=style.DEPTH_COLORS[depth],
            ms=6,
            clip_on=False,
            zorder=3,
        )
    lowest = min(float(np.min(lead)) for lead in leads.values())
    axis.set_ylim(min(1.6 * lowest, -0.1), 1)
    axis.set_xlim(factors[0], factors[-1])
    axis.text(factors[0], 0, " misclassified", va="top", color=style.INK)
    axis.set_xlabel("every λ, relative to the first death")
    axis.set_ylabel("smallest lead of a class")
    axis.set_title(title)
    figure.legend(handles=_depth_handles(list(leads)), loc="outside lower center", ncols=4)
    return figure


@style.styled
def growing_class(
    counts: Array, alive: Mapping[int, Array], most: int, now: float, xlabel: str
) -> Figure:
    """Draw how many modes are alive as one class gets more samples and nothing else changes.

    Parameters
    ----------
    counts : (T,) ndarray
        Samples of the class that grows.
    alive : mapping of int to (T,) ndarray
        For each depth the number of living modes.
    most : int
        Number of modes.
    now : float
        What the class has in the data set.
    xlabel : str
        Which class it is.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (axis,) = style.new_figure(height=3.7)
    axis.axvline(now, color=style.LABELS, ls=":", lw=1.8)
    axis.text(now, most + 0.25, " today", va="bottom", color=style.INK)
    for place, (depth, number) in enumerate(alive.items()):
        # Set apart a little, so that equal numbers don't hide each other.
        axis.step(counts, number + 0.08 * (place - 1), where="mid", color=style.DEPTH_COLORS[depth])
    axis.set_xscale("log")
    axis.set_xlim(counts[0], counts[-1])
    axis.set_ylim(-0.3, most + 0.9)
    axis.set_yticks(range(most + 1))
    axis.set_xlabel(xlabel)
    axis.set_ylabel("modes alive")
    axis.set_title("More of one class, and the others pay")
    figure.legend(handles=_depth_handles(list(alive)), loc="outside lower center", ncols=4)
    return figure


@style.styled
def two_class_phases(ratio: Array, wrong: Mapping[str, Array]) -> Figure:
    """Draw what becomes of the rarer of two classes, by imbalance and penalty.

    Parameters
    ----------
    ratio : (T,) ndarray
        Imbalance n_1 / n_2.
    wrong : mapping of str to (T,) ndarray
        A panel for each: the penalty from which on the rare class is misclassified, relative to
        the death of the mode.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = style.new_figure(
        len(wrong),
        height=0.9 + 2.1 * len(wrong),
        wide=(1, len(wrong), 3.7),
        sharex=True,
        sharey=True,
    )
    for axis, (title, limit) in zip(axes, wrong.items(), strict=True):
        axis.fill_between(ratio, 0, limit, color=style.RIGHT, alpha=TINT, lw=0)
        axis.fill_between(ratio, limit, 1, color=style.WRONG, alpha=TINT, lw=0)
        axis.fill_between(ratio, 1, 1.5, color=style.DEAD, alpha=TINT, lw=0)
        axis.plot(ratio, limit, color=style.INK, lw=1.4)
        axis.axhline(1, color=style.DEAD, ls="--", lw=1.4)
        axis.set_xscale("log")
        axis.set_xlim(ratio[0], ratio[-1])
        axis.set_ylim(0, 1.5)
        axis.xaxis.set_major_locator(FixedLocator([1, 3, 10, 30, 100, 300, 1000]))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_locator(NullLocator())
        axis.grid(visible=False)
        axis.set_title(title)
    axes[-1].set_xlabel("imbalance n₁ / n₂")
    figure.supylabel("every λ, relative to the death of the mode", fontsize="medium")
    handles = [
        Patch(color=style.RIGHT, alpha=TINT, label="alive and right"),
        Patch(color=style.WRONG, alpha=TINT, label="alive and wrong"),
        Patch(color=style.DEAD, alpha=TINT, label="dead: merged"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, columnspacing=1.2)
    return figure
