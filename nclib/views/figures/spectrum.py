"""Where the modes of the labels come from."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from nclib.theory.counts import ClassCounts
from nclib.theory.spectrum import Spectrum
from nclib.views import style

Array = NDArray[np.float64]


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
        image = axis.imshow(matrix, cmap=style.SIGNED_COLORMAP, vmin=-largest, vmax=largest)
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
    axis.plot(zeros, np.zeros_like(zeros), "o", mfc=style.PAPER, mec=style.LABELS, mew=2, ms=8)
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
            **style.RING,
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
            mfc=style.PAPER,
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
            **style.RING,
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
            mfc=style.PAPER,
            mec=style.LABELS,
            mew=1.6,
            ms=6.5 if counts.K < 50 else 3,
            zorder=1.9 if counts.K > 50 else 3,
        )
        axis.set_yscale("log")
        if counts.m == 1:  # a range of nothing has no ticks
            axis.set_ylim(counts.values[0] / 10, counts.values[0] * 10)
        style.whole_ticks(axis)
        axis.set_title(name)
    axes[-1].set_xlabel("class k at k, mode k between k and k + 1")
    handles = [
        Line2D([], [], color=style.INK, lw=1.4, label="count of class k"),
        Line2D([], [], **style.RING, ms=7, label="κ² of mode k"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
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
