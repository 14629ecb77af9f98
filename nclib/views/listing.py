"""What a figure shows, in words and numbers.

Pictures can't be compared from machine to machine: their text is set in the fonts that are there.
So a notebook stores beside each picture the list of what is drawn in it, and the tests compare the
lists. A page shows the picture alone; a terminal, which shows none, prints the list.

Numbers are given to about a thousandth of their axis, which is what the eye can see. Sizes, widths
and the place of letters are looks, and are not listed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection, PathCollection, QuadMesh
from matplotlib.colors import Colormap, to_hex
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Annotation, Text
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter
from numpy.typing import NDArray

Array = NDArray[np.float64]
Write = Callable[[float], str]

FEW = 12
"""So many points are written out; of more, as many, evenly chosen."""

CELLS = 8
"""The same for the rows, and for the columns, of an image."""

DIGITS = 4
"""Significant digits where an axis doesn't say how fine to be."""

CONVERGED = 1e-10
"""The end of a run, on a logarithmic axis, is rounding below this."""

# A number half way between two that can be written goes up: its last bit must not decide.
_UPWARDS = 1e-7


class Listed(Figure):
    """A figure that lists what it shows wherever it can't be seen.

    Attributes
    ----------
    runs : list of Line2D
        Lines along a minimisation whose steps amplify rounding, such as L-BFGS: how many there are,
        and where they lead through, depends on the CPU. Of these lines only the ends are
        listed, and of marks only the heights.
    trained : list of Line2D
        What a training in float32 reached on this machine: its third digit depends on the CPU. Of
        these lines the number of points is listed.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.runs: list[Line2D] = []
        self.trained: list[Line2D] = []

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Give IPython the listing for the plain text of this figure."""
        printer.text(listing(self))


def listing(figure: Figure) -> str:
    """List what a figure shows.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Any figure.

    Returns
    -------
    str
        For each of its axes a line with titles, labels, scales and the limits that were set. Below
        it what is drawn: how it looks, how many there are, and its numbers. Few are all there; of
        many some that are evenly chosen, with the least, the largest and the mean. At the end the
        words and the legend of the figure.

    Examples
    --------
    >>> figure = Figure()
    >>> axis = figure.subplots()
    >>> points = axis.plot([0, 1, 2], [0, 1, 4], "o", color="black")
    >>> title = axis.set_title("squares")
    >>> print(listing(figure))
    axes 1: title "squares"
      o #000000: (0, 0), (1, 1), (2, 4)
    """
    lines = []
    for number, axes in enumerate(figure.axes, start=1):
        about, drawn = _about(axes), list(_drawn(axes, figure))
        if about or drawn:
            lines += [f"axes {number}: {about}".rstrip(), *(f"  {part}" for part in drawn)]
    lines += [f"words: {_quoted(text.get_text())}" for text in figure.texts if text.get_text()]
    return "\n".join([*lines, *map(_legend, figure.legends)])


# ---------------------------------------------------------------- axes


def _about(axes: Axes) -> str:
    """Titles; and for each direction label, scale, limits that were set and words at the ticks."""
    titles = [axes.get_title(loc=place) for place in ("left", "center", "right")]
    parts = [f"title {_quoted(title)}" for title in titles if title]
    for name, axis, limits, free in (
        ("x", axes.xaxis, axes.get_xlim(), axes.get_autoscalex_on()),
        ("y", axes.yaxis, axes.get_ylim(), axes.get_autoscaley_on()),
    ):
        if not axes.axison:
            continue
        said = [_quoted(axis.get_label_text())] if axis.get_label_text() else []
        if axis.get_scale() != "linear":
            said.append(axis.get_scale())
        if not free:
            said.append("from {} to {}".format(*map(_writer(axis), limits)))
        elif limits[0] > limits[1]:
            said.append("turned round")
        said += _words_at_ticks(axis)
        if said:
            parts.append(" ".join([name, *said]))
    return ", ".join(parts)


def _words_at_ticks(axis: Any) -> list[str]:
    """Find what was written by hand at the ticks of an axis, if it is shown."""
    places, formatter = axis.get_majorticklocs(), axis.get_major_formatter()
    sides = ("labelbottom", "labeltop", "labelleft", "labelright")
    shown = any(axis.get_tick_params().get(side) for side in sides)
    by_hand = isinstance(formatter, FixedFormatter | FuncFormatter)
    if not (shown and by_hand and isinstance(axis.get_major_locator(), FixedLocator)):
        return []
    write = _writer(axis)
    marked = zip(places, formatter.format_ticks(places), strict=True)
    return ["with", ", ".join(f"{_quoted(word)} at {write(place)}" for place, word in marked)]


def _writer(axis: Any) -> Write:
    """Choose how to write numbers along an axis: as finely as they can be seen."""
    low, high = axis.get_view_interval()
    return _to_steps(abs(high - low)) if axis.get_scale() == "linear" else _significant


def _to_steps(span: float) -> Write:
    """Write numbers to so many digits of a span, 0.3 and 0.004 alike."""
    if not 0 < span < math.inf:
        return _significant
    decimals = DIGITS - 1 - math.floor(math.log10(span * (1 + _UPWARDS)))

    def write(value: float) -> str:
        if not math.isfinite(value):
            return str(value)
        steps = math.floor(value * 10.0**decimals + 0.5 + _UPWARDS)
        return f"{round(steps / 10.0**decimals, max(decimals, 0)):.12g}"

    return write


def _significant(value: float) -> str:
    """Write a number with so many digits, whatever its size."""
    return _to_steps(abs(value))(value) if value and math.isfinite(value) else f"{value + 0.0:g}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\n", " / ") + '"'


# ---------------------------------------------------------------- what is drawn


def _drawn(axes: Axes, figure: Figure) -> Iterator[str]:
    """Yield a line for each thing, or group of things that look the same."""
    if axes.get_label() == "<colorbar>":  # what its colours mean is said by its limits
        return
    runs: Collection[Line2D] = getattr(figure, "runs", ())
    trained: Collection[Line2D] = getattr(figure, "trained", ())
    groups: dict[Any, list[Line2D]] = {}
    for line in filter(Artist.get_visible, axes.lines):
        number, inside = len(line.get_xydata()), _branches(line, axes)  # type: ignore[arg-type]
        if number:
            # Marks that were drawn one by one, and lines across the axes, are one group.
            kind = "run" if line in runs else "single" if number == 1 else number
            kind = "trained" if line in trained else kind
            key = kind if all(inside) else inside, _look(line)
            groups.setdefault(key, []).append(line)
    for (kind, look), group in groups.items():
        points = [np.asarray(line.get_xydata(), dtype=float) for line in group]
        if kind == "run":
            yield f"{look}, a run: {_ends(group, axes)}"
        elif kind == "trained":
            yield f"{look}, trained here: {sum(map(len, points))} points"
        elif kind in ((True, False), (False, True)):
            name, column, axis = ("x", 0, axes.xaxis) if kind[0] else ("y", 1, axes.yaxis)
            write = _writer(axis)
            places = ", ".join(write(table[0, column]) for table in points)
            yield f"{look}, through {name} = {places}"
        elif kind == "single":
            yield f"{look}: {_points(np.concatenate(points), axes, _writers(group[0], axes))}"
        else:
            few = FEW if len(group) <= 3 else FEW // 3
            for line, table in zip(group, points, strict=True):
                yield f"{look}: {_points(table, axes, _writers(line, axes), few)}"
    for cloth in filter(Artist.get_visible, axes.collections):
        yield from _collection(cloth, axes)
    for image in filter(Artist.get_visible, axes.images):
        yield _image(image)
    yield from _patches(axes)
    words = [_word(text, axes) for text in axes.texts if text.get_visible()]
    if any(words):
        yield "words: " + ", ".join(filter(None, words))
    if (legend := axes.get_legend()) is not None:
        yield _legend(legend)


def _branches(artist: Artist, axes: Axes) -> tuple[bool, bool]:
    """Whether an artist's x and y are numbers of the axes, rather than shares of their size."""
    x, y = Artist.get_transform(artist).contains_branch_seperately(axes.transData)
    return bool(x), bool(y)


def _writers(artist: Artist, axes: Axes) -> list[Write]:
    return [
        _writer(axis) if inside else _significant
        for axis, inside in zip((axes.xaxis, axes.yaxis), _branches(artist, axes), strict=True)
    ]


def _ends(runs: Iterable[Line2D], axes: Axes) -> str:
    """Say how high lines end, and how high marks are: what is alike on every CPU."""
    write, on_log = _writer(axes.yaxis), axes.get_yscale() == "log"
    heights: list[float] = []
    for line in runs:
        y = np.asarray(line.get_ydata(), dtype=float)
        heights += list(y if line.get_linestyle() == "None" else y[-1:])
    return "ends at " + ", ".join(
        f"less than {CONVERGED:g}" if on_log and height < CONVERGED else write(height)
        for height in heights
    )


def _points(points: Any, axes: Axes, writers: Sequence[Write], few: int = FEW) -> str:
    """Write (n, 2) points: all, or some with their number, range and mean."""
    table = _plain(points)
    chosen = table[_evenly(len(table), few)]
    written = ", ".join(f"({writers[0](x)}, {writers[1](y)})" for x, y in chosen)
    if len(table) <= few:
        return written
    ranges = ", ".join(
        f"{name} {_range(column, write, axis.get_scale() == 'log')}"
        for name, column, write, axis in zip(
            "xy", table.T, writers, (axes.xaxis, axes.yaxis), strict=True
        )
    )
    return f"{len(table)} points, {ranges}: {written}"


def _evenly(number: int, few: int) -> NDArray[np.intp]:
    """Choose some of so many numbers from 0 on, the first and the last among them."""
    return np.floor(np.linspace(0, number - 1, min(number, few)) + 0.5).astype(np.intp)


def _range(values: Array, write: Write, on_log: bool = False) -> str:
    """Say least, largest and mean, which on a logarithmic axis is the geometric one."""
    known = values[np.isfinite(values)]
    missing = f" ({values.size - known.size} missing)" if known.size < values.size else ""
    if not known.size:
        return "nothing" + missing
    positive = on_log and known.min() > 0
    mean = np.exp(np.log(known).mean()) if positive else known.mean()
    return f"{write(known.min())} to {write(known.max())} (mean {write(mean)}){missing}"


def _collection(cloth: Any, axes: Axes) -> Iterator[str]:
    """Write clouds of points, bunches of lines, areas and meshes."""
    writers, color = _writers(cloth, axes), _color(cloth)
    if isinstance(cloth, QuadMesh):
        # Corners of the cells; a mesh of the book has straight rows and columns.
        corners = _plain(cloth.get_coordinates())
        table = _plain(cloth.get_array()).reshape(corners.shape[0] - 1, corners.shape[1] - 1)
        rows, columns = (_evenly(size, CELLS) for size in table.shape)
        x = ", ".join(writers[0](value) for value in corners[0, [*columns, -1], 0])
        y = ", ".join(writers[1](value) for value in corners[[*rows, -1], 0, 1])
        yield f"mesh, {_cells(cloth, table)}; edges at x {x}; at y {y}"
    elif isinstance(cloth, LineCollection):
        segments = [part for part in cloth.get_segments() if len(part)]
        if segments:
            starts, stops = ([part[end] for part in segments] for end in (0, -1))
            yield f"strokes {color}, from {_points(starts, axes, writers)}"
            yield f"strokes {color}, to {_points(stops, axes, writers)}"
    elif isinstance(cloth, PathCollection):
        offsets = _plain(cloth.get_offsets())
        if len(offsets):
            # Its own transform scales its marks; they stand in the data.
            data = [_writer(axis) for axis in (axes.xaxis, axes.yaxis)]
            yield f"spots {color}: {_points(offsets, axes, data)}"
    else:
        for path in cloth.get_paths():
            if len(path.vertices):
                yield f"area {color}: {_points(path.vertices, axes, writers)}"


def _image(image: AxesImage) -> str:
    place = ", ".join(map(_significant, image.get_extent()))
    return f"image, {_cells(image, _plain(image.get_array()))}; over {place}"


def _plain(values: Any) -> Array:
    """Turn what matplotlib keeps into numbers, with NaN where it shows nothing."""
    filled: Array = np.ma.filled(np.ma.asarray(values, dtype=float), np.nan)
    return filled


def _cells(source: ScalarMappable, table: Array) -> str:
    """Write a table of numbers that are shown as colours: their scale, and some of them."""
    low, high = source.get_clim()
    # Colours are told apart like heights on an axis.
    write = _to_steps(max(abs(low), abs(high)))
    rows, columns = (_evenly(size, CELLS) for size in table.shape)
    some = "; ".join(" ".join(map(write, row)) for row in table[np.ix_(rows, columns)])
    scale = f"{_colormap(source.get_cmap())} from {_significant(low)} to {_significant(high)}"
    size = " x ".join(map(str, table.shape))
    return f"{size} cells, {scale}, {_range(table, write)}: {some}"


def _patches(axes: Axes) -> Iterator[str]:
    """Write bars and boxes by their lower and upper corners, those of one colour together."""
    groups: dict[tuple[str, tuple[bool, bool]], list[Patch]] = {}
    for patch in filter(Artist.get_visible, axes.patches):
        groups.setdefault((_color(patch), _branches(patch, axes)), []).append(patch)
    for (color, _), group in groups.items():
        outlines = [
            patch.get_path().transformed(patch.get_patch_transform()).vertices for patch in group
        ]
        writers = _writers(group[0], axes)
        for name, corner in (("from", np.min), ("to", np.max)):
            corners = [corner(outline, axis=0) for outline in outlines]
            yield f"boxes {color}, {name} {_points(corners, axes, writers, 2 * FEW)}"


def _word(text: Text, axes: Axes) -> str:
    """Write a text with its place, or an arrow with its ends; nothing for an empty text."""
    parts = [_quoted(text.get_text())] if text.get_text() else []
    if isinstance(text, Annotation):
        inside = text.xycoords == "data"
        axle = (axes.xaxis, axes.yaxis)
        writers = [_writer(axis) if inside else _significant for axis in axle]
        if text.arrow_patch is not None:
            parts.append(f"arrow from {_place(text.xyann, writers)} to {_place(text.xy, writers)}")
        elif parts:
            parts.append(f"at {_place(text.xy, writers)}")
    elif parts:
        parts.append(f"at {_place(text.get_position(), _writers(text, axes))}")
    return " ".join(parts)


def _place(point: Sequence[float], writers: Sequence[Write]) -> str:
    return f"({', '.join(write(value) for write, value in zip(writers, point, strict=True))})"


def _legend(legend: Legend) -> str:
    shown = zip(legend.legend_handles, legend.get_texts(), strict=True)
    return "legend: " + ", ".join(f"{_look(h)} {_quoted(text.get_text())}" for h, text in shown)


# ---------------------------------------------------------------- looks


def _colormap(colors: Colormap) -> str:
    """Name of a map of colours, or the colours of one that has none of its own."""
    if colors.name in mpl.colormaps:
        return colors.name
    return " ".join(to_hex(colors(int(place))) for place in _evenly(colors.N, FEW))


def _look(handle: Any) -> str:
    """Dash, mark and colour of a line; the colour alone of anything else."""
    if not isinstance(handle, Line2D):
        return _color(handle)
    dash, mark = (
        "" if sign in ("None", "none", None) else str(sign)
        for sign in (handle.get_linestyle(), handle.get_marker())
    )
    edge, face = handle.get_markeredgecolor(), handle.get_markerfacecolor()
    color = to_hex(handle.get_color() if dash else edge)
    if mark and handle.get_fillstyle() != "none" and _hex(face) != color:
        return f"{dash}{mark} {color} filled {_hex(face)}"
    return f"{dash}{mark} {color}"


def _color(artist: Any) -> str:
    """Colour that an artist is filled with, or drawn in."""
    for colors in (artist.get_facecolor(), artist.get_edgecolor()):
        for color in np.atleast_2d(np.asarray(colors, dtype=float).reshape(-1, 4)):
            return _hex(color)
    return "none"


def _hex(color: Any) -> str:
    return "none" if isinstance(color, str) and color == "none" else to_hex(color)
