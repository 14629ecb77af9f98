"""Modes: which are alive, at which penalties, and what is left of them."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from nclib._files import write_whole
from nclib._text import modes
from nclib.theory.counts import ClassCounts
from nclib.theory.minimizer import Minimizer
from nclib.theory.problem import Problem
from nclib.theory.tables import common_lambda, deaths_by_lambda, kept_shares
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
    grid = np.geomspace(*lambdas, 400)
    return _kept_map(
        {depth: kept_shares(common_lambda(counts, depth, grid, bias=bias)) for depth in depths},
        edges=np.geomspace(*lambdas, 401),
        xlabel="every λ: the strength of the regularisation",
    )


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
    larger = [ClassCounts(counts.n * factor) for factor in factors]
    return _kept_map(
        {
            depth: kept_shares(
                Problem(each, depth, bias=bias, lambda_W=(lam,) * depth, lambda_H=lam)
                for each in larger
            )
            for depth in depths
        },
        edges=np.concatenate([[sizes[0]], edges, [sizes[-1]]]),
        xlabel="N: number of samples, proportions and λ fixed",
    )


def _kept_map(shares: Mapping[int, Array], edges: Array, xlabel: str) -> Figure:
    """Colour the share that is kept of each mode, a panel for each depth, a column a problem."""
    figure, axes = style.new_figure(
        len(shares), height=0.9 + 1.75 * len(shares), sharex=True, sharey=True
    )
    for axis, (depth, table) in zip(axes, shares.items(), strict=True):
        mesh = axis.pcolormesh(
            edges,
            np.arange(table.shape[0] + 1) + 0.5,
            np.where(table > 0, table, np.nan),
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
    figure = survival_map(ClassCounts.cifar10_paper())
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    plt.close(figure)
    write_whole(path, picture.getvalue())


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
        # A reader may ask for a depth that the book does not show.
        color = style.DEPTH_COLORS.get(depth, style.INK)
        marker = style.DEPTH_MARKERS.get(depth, "o")
        axis.vlines(mode, best.z, best.kappa, color=style.LABELS, lw=1.0)
        axis.plot(mode, best.kappa, "o", mfc=style.PAPER, mec=style.LABELS, ms=6)
        axis.plot(mode[alive], best.z[alive], marker, color=color, ms=5.5)
        if dead.any():
            axis.plot(mode[dead], best.z[dead], "x", color=style.DEAD, ms=7, mew=2, clip_on=False)
        layers = "1 layer" if depth == 1 else f"{depth} layers"
        axis.set_title(f"{layers}: {best.alive} of {modes(int(np.sum(best.kappa > 0)))} alive")
        axis.set_ylim(bottom=0)
    style.whole_ticks(axes[-1])
    axes[-1].set_xlabel("mode, from the strongest to the weakest")
    figure.supylabel("singular value", fontsize="medium")
    figure.suptitle(title, fontsize="medium")
    handles = [
        Line2D([], [], **style.RING, label="κ, the labels"),
        Line2D([], [], marker="o", ls="", color=style.INK, label="z, the optimum"),
        Line2D([], [], **style.CROSS, label="dead"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


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
        deaths = deaths_by_lambda(counts, depth)
        deaths = deaths[deaths > 0]
        color = style.DEPTH_COLORS[depth]
        axis.plot([deaths.min(), deaths.max()], [row, row], color=color, lw=3)
        axis.plot(deaths, np.full(deaths.size, row), "|", color=color, ms=17, mew=2)
        ends.extend((deaths.min(), deaths.max()))
    axis.set_xscale("log")
    axis.set_xlim(0.75 * min(ends), 1.2 * max(ends))
    style.plain_log_ticks(axis)
    axis.set_yticks(range(len(depths)), [f"L = {depth}" for depth in depths])
    axis.set_ylim(len(depths) - 0.4, -0.6)
    axis.grid(visible=False, axis="y")
    axis.set_xlabel("every λ: each tick is a mode that dies")
    return figure
