"""What became of trained networks, beside what the theory says of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray

from nclib.metrics.registry import DRAWN
from nclib.views import style

if TYPE_CHECKING:  # it needs torch, and a figure does not
    from nclib.training.results import Result

Array = NDArray[np.float64]

METRIC_NAMES = {metric.key: metric.title for metric in DRAWN}
"""The metrics of the paper's figures, in their order there."""

READING_NAMES = {"corrected": "corrected", "as_printed": "as printed"}

DATA_NAMES = {
    "cifar10": "CIFAR-10",
    "cifar10_subset": "CIFAR-10",
    "emnist-letters": "EMNIST letters",
    "fashion-mnist": "Fashion-MNIST",
    "ocr_letters": "OCR letters",
}
"""How readers know the images; what is not here is called by its own name."""

_QUANTITY_NAMES = METRIC_NAMES | {
    "objective": "Objective",
    "gap": "Objective above the minimum",
    "train_accuracy": "Training accuracy",
    "test_accuracy": "Test accuracy",
}

_GROUP_COLORS = (style.CLOSED_FORM, style.DESCENT)

_SMALLEST = 1e-9
"""What is drawn of a gap that is 0 or, by rounding, below 0."""


class Band(NamedTuple):
    """One quantity along the training of runs that differ in the seed.

    Attributes
    ----------
    epochs, low, middle, high : (T,) ndarray
        Least, median and largest value; NaN where a run has none.
    """

    epochs: NDArray[np.int64]
    low: Array
    middle: Array
    high: Array


def band(results: Sequence[Result], name: str, reading: str = "corrected") -> Band:
    """Join the same curve of several runs.

    Parameters
    ----------
    results : sequence of Result
        Runs of the same length, at least one.
    name, reading : str
        As for `Result.curve`.

    Returns
    -------
    Band

    Raises
    ------
    ValueError
        If the histories are not of the same epochs.
    """
    first = results[0]
    for other in results:
        if not np.array_equal(other.epochs, first.epochs):
            raise ValueError(
                "results must have the same epochs in their histories; "
                f"{first!r} and {other!r} do not"
            )
    curves = np.array([result.curve(name, reading) for result in results])
    return Band(first.epochs, curves.min(axis=0), np.median(curves, axis=0), curves.max(axis=0))


@style.styled
def training_curves(results: Sequence[Result], reading: str = "corrected") -> Figure:
    """Draw a figure of the paper: every metric and the training accuracy against the epoch.

    Parameters
    ----------
    results : sequence of Result
        Runs of one data set, with a bias or without, of any depths and seeds.
    reading : {"corrected", "as_printed"}, default "corrected"
        Of the metrics.

    Returns
    -------
    matplotlib.figure.Figure
        For each depth a line, the median over the seeds, in a band from the least to the largest.
    """
    figure, axes = style.new_figure(len(METRIC_NAMES) + 1, height=9.6, sharex=True)
    for axis, name in zip(axes, [*METRIC_NAMES, "train_accuracy"], strict=True):
        if name in METRIC_NAMES:
            axis.set_yscale("log")
        for depth, runs in _by_depth(results):
            _draw_band(axis, band(runs, name, reading), depth)
        axis.set_title(_QUANTITY_NAMES[name])
    _log_epochs(axes)
    _legend(figure, _depth_handles([depth for depth, _ in _by_depth(results)]))
    return figure


@style.styled
def two_readings(
    results: Sequence[Result], name: str, floors: Mapping[int, float] | None = None
) -> Figure:
    """Draw one metric as printed and corrected.

    Parameters
    ----------
    results : sequence of Result
        Runs of one data set, with a bias or without, of any depths and seeds.
    name : {"nc2_w", "nc2_h", "nc2_wh", "nc3"}
        The metric.
    floors : mapping of int to float, optional
        For each depth the value that the printed metric has at the exact optimum.

    Returns
    -------
    matplotlib.figure.Figure
        Above as printed, below corrected, both with the same axis.
    """
    figure, axes = style.new_figure(2, height=5.4, sharex=True, sharey=True)
    for axis, reading in zip(axes, ("as_printed", "corrected"), strict=True):
        axis.set_yscale("log")
        for depth, runs in _by_depth(results):
            _draw_band(axis, band(runs, name, reading), depth)
            if floors and reading == "as_printed":
                axis.axhline(floors[depth], color=style.DEPTH_COLORS[depth], ls=":", lw=1.4)
        axis.set_title(f"{METRIC_NAMES[name]}, {READING_NAMES[reading]}")
    _log_epochs(axes)
    _legend(figure, _depth_handles([depth for depth, _ in _by_depth(results)]))
    return figure


@style.styled
def predicted_singular_values(results: Sequence[Result]) -> Figure:
    """Draw the singular values of trained networks on those of the closed form.

    Parameters
    ----------
    results : sequence of Result
        Runs of one data set, with a bias or without, of any depths and seeds.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for the head P, one for the weighted class means and one for the prediction. For
        each depth the closed form of the global minimum as short lines, and the runs as marks.
    """
    parts: dict[Literal["product", "features", "prediction"], tuple[str, str]] = {
        "product": ("Head P", "product_singular_values"),
        "features": ("Class means, weighted", "feature_singular_values"),
        "prediction": ("Prediction", "z"),
    }
    figure, axes = style.new_figure(len(parts), height=7.4, sharex=True)
    depths = [depth for depth, _ in _by_depth(results)]
    for axis, (name, (title, predicted)) in zip(axes, parts.items(), strict=True):
        for depth, runs in _by_depth(results):
            exact = getattr(runs[0].experiment.minimizer, predicted)
            modes = np.arange(1, exact.size + 1) + 0.22 * (
                depths.index(depth) - (len(depths) - 1) / 2
            )
            color = style.DEPTH_COLORS[depth]
            axis.hlines(
                exact, modes - 0.12, modes + 0.12, color=style.CLOSED_FORM, lw=1.6, zorder=3
            )
            for run in runs:
                measured = run.final["singular_values"].get(name)
                if measured is not None:
                    axis.plot(
                        modes,
                        measured,
                        style.DEPTH_MARKERS[depth],
                        ms=5,
                        mfc="none",
                        color=color,
                    )
        axis.set_title(title)
        axis.set_ylim(bottom=0)
        axis.set_xlim(left=0.4)
        style.whole_ticks(axis)
    axes[-1].set_xlabel("mode, the strongest first")
    handles = [
        Line2D([], [], ls="", marker=style.DEPTH_MARKERS[depth], mfc="none",
               color=style.DEPTH_COLORS[depth], label=f"L = {depth}")
        for depth in depths
    ]  # fmt: skip
    handles.append(Line2D([], [], color=style.CLOSED_FORM, lw=1.2, label="closed form"))
    _legend(figure, handles)
    return figure


@style.styled
def mode_paths(runs: Mapping[str, Result]) -> Figure:
    """Draw how the modes of a network grow, or die, in its training.

    Parameters
    ----------
    runs : mapping of str to Result
        Title to run, a panel for each.

    Returns
    -------
    matplotlib.figure.Figure
        Singular values of the prediction against the epoch, each as a share of its kappa, with the
        closed form of the global minimum at the right and the rise of the penalties behind.
    """
    rows = max(1, len(runs))
    figure, axes = style.new_figure(rows, height=0.9 + 2.3 * rows, sharex=True)
    for axis, (title, run) in zip(axes, runs.items(), strict=bool(runs)):
        best = run.experiment.minimizer
        alive = run.final["alive"]
        z = np.array([entry["singular_values"]["prediction"] for entry in run.history])
        kept = z[:, best.kappa > 0] / best.kappa[best.kappa > 0]
        epochs = run.epochs[1:]
        for k, share in enumerate(kept[1:].T):
            axis.plot(epochs, share, color=style.DESCENT if k < alive else style.DEAD, lw=1.3)
            axis.plot(1.25 * epochs[-1], best.s[k], "<", color=style.CLOSED_FORM, clip_on=False)
        factor = [entry["lambda_factor"] for entry in run.history[1:]]
        axis.fill_between(epochs, 0, factor, color=style.LABELS, alpha=0.25, lw=0)
        axis.set_ylim(0, max(1.15, 1.04 * kept[1:].max()))
        axis.set_ylabel("z / κ")
        axis.set_title(title)
    _log_epochs(axes)
    handles = [
        Line2D([], [], color=style.DESCENT, label="mode alive at the end"),
        Line2D([], [], color=style.DEAD, label="mode dead at the end"),
        Line2D([], [], ls="", marker="<", color=style.CLOSED_FORM, label="closed form"),
        Line2D([], [], color=style.LABELS, alpha=0.4, lw=8, label="λ, share of its value"),
    ]
    _legend(figure, handles, columns=2)
    return figure


@style.styled
def gaps(results: Sequence[Result]) -> Figure:
    """Draw how far each run is above the global minimum, and above the one that it came to.

    Parameters
    ----------
    results : sequence of Result
        Any runs.

    Returns
    -------
    matplotlib.figure.Figure
        A row for each data set, bias and depth; in it for each seed a ring at the gap to the
        global minimum and a mark at the gap to the local minimum with as many modes alive. At the
        right the modes alive, of those that could be.
    """
    rows = _by_setting(results)
    figure, (axis,) = style.new_figure(height=1.5 + 0.36 * len(rows))
    for row, runs in enumerate(rows.values()):
        depth = runs[0].experiment.config.depth
        for place, run in enumerate(runs):
            y = row + 0.22 * (place - (len(runs) - 1) / 2)
            ends = [max(gap, _SMALLEST) for gap in (run.final["gap"], run.reached["gap"])]
            axis.plot(ends, [y, y], color=style.LABELS, lw=1)
            axis.plot(ends[0], y, **style.RING, ms=7)
            axis.plot(ends[1], y, style.DEPTH_MARKERS[depth], color=style.DEPTH_COLORS[depth], ms=4)
        alive = ", ".join(str(run.reached["alive"]) for run in runs)
        axis.annotate(
            f"{alive} of {_modes(runs[0])}",
            (1, row),
            xycoords=axis.get_yaxis_transform(),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    axis.set_yticks(range(len(rows)), list(rows), fontsize=9)
    axis.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    axis.set_xscale("log")
    axis.set_xlabel("relative gap of the objective")
    axis.set_title("modes alive", loc="right", fontsize=9, weight="normal")
    handles = [
        Line2D([], [], **style.RING, ms=7, label="to the global minimum"),
        Line2D([], [], ls="", marker="o", color=style.INK, ms=4, label="to the one it is at"),
    ]
    _legend(figure, handles)
    return figure


@style.styled
def global_shares(groups: Mapping[str, Sequence[Result]]) -> Figure:
    """Draw how many runs have all the modes of the global minimum, for ways to train.

    Parameters
    ----------
    groups : mapping of str to sequence of Result
        What a way to train is called, at most two, and its runs.

    Returns
    -------
    matplotlib.figure.Figure
        A row for each data set, bias and depth, with a bar for each way to train.
    """
    shares = {name: _by_setting(runs) for name, runs in groups.items()}
    rows = list(dict.fromkeys(title for settings in shares.values() for title in settings))
    figure, (axis,) = style.new_figure(height=1.3 + 0.42 * len(rows))
    height = 0.8 / len(groups)
    for i, (settings, color) in enumerate(zip(shares.values(), _GROUP_COLORS, strict=False)):
        for title, runs in settings.items():
            reached, total = sum(run.reached["is_global"] for run in runs), len(runs)
            y = rows.index(title) + (i - (len(groups) - 1) / 2) * height
            axis.barh(y, reached / total, 0.9 * height, color=color)
            axis.text(reached / total + 0.015, y, f"{reached} of {total}", va="center", fontsize=9)
    axis.set_yticks(range(len(rows)), rows, fontsize=9)
    axis.invert_yaxis()
    axis.set_xlim(0, 1.2)
    axis.set_xticks([0, 0.5, 1], ["none", "half", "all"])
    axis.grid(visible=False, axis="y")
    axis.set_title("Runs that end at the global minimum")
    _legend(figure, [
        Line2D([], [], color=color, lw=6, label=name)
        for name, color in zip(groups, _GROUP_COLORS, strict=False)
    ])  # fmt: skip
    return figure


@style.styled
def accuracy_against_count(
    groups: Mapping[str, Sequence[Result]],
    kind: Literal["test_accuracy", "train_accuracy"] = "test_accuracy",
) -> Figure:
    """Draw the accuracy of each class at the end of the training against its samples.

    Parameters
    ----------
    groups : mapping of str to sequence of Result
        Title to runs of one data set, a panel for each.
    kind : {"test_accuracy", "train_accuracy"}, default "test_accuracy"

    Returns
    -------
    matplotlib.figure.Figure
        For each depth a small mark for every class, the median over the seeds, and a line through
        the means of classes with equal counts.
    """
    figure, axes = style.new_figure(
        len(groups), height=0.9 + 2.4 * len(groups), sharex=True, sharey=True
    )
    depths: dict[int, None] = {}
    by_class: Literal["test_accuracy_per_class", "train_accuracy_per_class"]
    by_class = "test_accuracy_per_class" if kind == "test_accuracy" else "train_accuracy_per_class"
    for axis, (title, results) in zip(axes, groups.items(), strict=True):
        for depth, runs in _by_depth(results):
            depths[depth] = None
            counts = runs[0].experiment.counts
            seen = [run.final[by_class] for run in runs]
            accuracy = np.median(np.array(seen, dtype=float), axis=0)
            mean = [accuracy[counts.n == value].mean() for value in counts.values]
            color, marker = style.DEPTH_COLORS[depth], style.DEPTH_MARKERS[depth]
            axis.plot(counts.n, accuracy, marker, color=color, ms=3.5, alpha=0.45, mew=0)
            axis.plot(counts.values, mean, color=color, marker=marker, ms=6)
        axis.set_title(title)
        axis.set_ylim(-0.04, 1.04)
    axes[0].set_xscale("log")
    style.plain_log_ticks(axes[-1])
    axes[-1].set_xlabel("training images of the class")
    _legend(figure, _depth_handles(list(depths)))
    return figure


@style.styled
def compared_curves(groups: Mapping[str, Sequence[Result]], names: Sequence[str]) -> Figure:
    """Draw the training of two kinds of network beside each other.

    Parameters
    ----------
    groups : mapping of str to sequence of Result
        What a kind of network is called, at most two, and its runs.
    names : sequence of str
        What is drawn: "nc1", "nc2_w", "objective", "gap", "train_accuracy", "test_accuracy", ...

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each quantity, with the median and the band of the seeds.
    """
    figure, axes = style.new_figure(len(names), height=0.9 + 1.8 * len(names), sharex=True)
    for axis, name in zip(axes, names, strict=True):
        if not name.endswith("accuracy"):
            axis.set_yscale("log")
        for runs, color in zip(groups.values(), _GROUP_COLORS, strict=False):
            if not runs:
                continue
            epochs, low, middle, high = _on(axis, band(runs, name))
            axis.plot(epochs, middle, color=color)
            axis.fill_between(epochs, low, high, color=color, alpha=0.2, lw=0)
        axis.set_title(_QUANTITY_NAMES[name])
    _log_epochs(axes)
    _legend(figure, [
        Line2D([], [], color=color, label=name)
        for name, color in zip(groups, _GROUP_COLORS, strict=False)
    ])  # fmt: skip
    return figure


def _by_setting(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Group runs that differ in the seed only, by what they have in common."""
    groups: dict[str, list[Result]] = {}
    for run in sorted(results, key=_order):
        config, data = run.experiment.config, run.experiment.data
        bias = "bias" if config.bias else "no bias"
        title = f"{DATA_NAMES.get(data, data)}, {bias}, L = {config.depth}"
        groups.setdefault(title, []).append(run)
    return groups


def _order(run: Result) -> tuple[str, bool, int, int]:
    config = run.experiment.config
    return run.experiment.data, not config.bias, config.depth, config.seed


def _modes(run: Result) -> int:
    """How many modes can be alive at the most, where the widths leave room for all."""
    return run.experiment.counts.K - int(run.experiment.config.bias)


def _by_depth(results: Sequence[Result]) -> Iterator[tuple[int, list[Result]]]:
    for depth in sorted({run.experiment.config.depth for run in results}):
        yield depth, [run for run in results if run.experiment.config.depth == depth]


def _on(axis: Axes, drawn: Band) -> Band:
    """Keep what the axes have a place for: epochs from 1 on, and on a logarithm no 0."""
    low, middle, high = (
        style.positive(curve[1:]) if axis.get_yscale() == "log" else curve[1:]
        for curve in (drawn.low, drawn.middle, drawn.high)
    )
    return Band(drawn.epochs[1:], low, middle, high)


def _draw_band(axis: Axes, drawn: Band, depth: int) -> None:
    """Draw one depth."""
    epochs, low, middle, high = _on(axis, drawn)
    color = style.DEPTH_COLORS[depth]
    axis.plot(
        epochs, middle, color=color, lw=1.6, marker=style.DEPTH_MARKERS[depth], ms=4.5, markevery=8
    )
    axis.fill_between(epochs, low, high, color=color, alpha=0.2, lw=0)


def _log_epochs(axes: Sequence[Axes]) -> None:
    axes[0].set_xscale("log")
    axes[-1].set_xlabel("epoch")
    for axis in axes:
        low, high = axis.get_ylim()
        if axis.get_yscale() == "log" and high < 30 * low:  # too few powers of ten to read it by
            axis.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
            axis.yaxis.set_minor_formatter("{x:g}")
            axis.yaxis.set_major_formatter("{x:g}")
        else:
            axis.yaxis.set_minor_formatter(NullFormatter())


def _depth_handles(depths: Sequence[int]) -> list[Line2D]:
    return [
        Line2D([], [], color=style.DEPTH_COLORS[depth], marker=style.DEPTH_MARKERS[depth],
               label=f"L = {depth}")
        for depth in depths
    ]  # fmt: skip


def _legend(figure: Figure, handles: Sequence[Line2D], columns: int | None = None) -> None:
    figure.legend(handles=handles, loc="outside upper center", ncols=columns or len(handles))
