"""One look for every figure: colours, sizes, how a figure is begun, and in which forms it is shown.

A colour means one thing in every picture. The hues are mostly those of Okabe and Ito, darker where
they have to be seen on white; `tests/views/test_colors.py` looks at every chart as colour-blind
readers see it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from contextvars import ContextVar
from textwrap import wrap
from typing import Any, ParamSpec

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from numpy.typing import ArrayLike, NDArray

from nclib.views.drawing import lay_out, svg
from nclib.views.listing import Listed, listing

P = ParamSpec("P")

INK = "#1a1a1a"
MUTED = "#6b6b6b"
GRID = "#dddddd"

LABELS = "#999999"
"""What the labels ask for: kappa, before shrinking."""

DEAD = "#b0467f"
"""A dead mode."""

RIGHT = "#5b2bd0"
"""A class that is classified right."""

MERGED = "#7a8450"
"""A class that is the same as others: of their samples one class is right."""

WRONG = "#63380b"
"""A class that is classified wrong."""

CLOSED_FORM = INK
DESCENT = "#e69f00"

DEPTH_COLORS = {
    1: "#0072b2",
    2: "#3a8fc2",
    3: "#007a58",
    4: "#6f8f3a",
    5: "#a07a30",
    6: "#c45500",
}
"""Colour of each depth that the book shows."""

DEPTH_MARKERS = {1: "o", 2: "v", 3: "s", 6: "D"}
"""Marker of each depth, for readers who don't see the colours."""

CLASS_COLORS = ("#2f3a4d", "#12908e", "#d97757")
"""Colour of each class where a picture shows up to three as points."""

CLASS_MARKERS = ("o", "s", "^")

PAPER = "#ffffff"
"""What a figure stands on: white, or the page."""

ON_PALE = "#111111"
ON_DARK = "#fefefe"
"""Words on a map of colours. No page sets their variables: the map is the same in every theme."""

LEFT_OUT = "#f0f0f0"
MODELLED = "#dcebf5"
"""Boxes of what the model leaves out, and of what it keeps."""

VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    GRID: "grid",
    LABELS: "labels",
    PAPER: "paper",
    DEAD: "dead",
    RIGHT: "right",
    MERGED: "merged",
    WRONG: "wrong",
    DESCENT: "descent",
    ON_PALE: "on-pale",
    ON_DARK: "on-dark",
    LEFT_OUT: "left-out",
    MODELLED: "modelled",
    **{color: f"depth-{depth}" for depth, color in DEPTH_COLORS.items()},
    **{color: f"class-{number}" for number, color in enumerate(CLASS_COLORS, start=1)},
}
"""Name of the variable with which a page sets each colour for its theme, after ``--nc-``."""

GROUNDS = (INK, MUTED, GRID, PAPER, ON_PALE, ON_DARK)
"""Those that mean nothing: words, lines behind a picture, what it stands on."""

SIGNED_COLORMAP = "PuOr"
"""Cosines and entries of a matrix: negative orange, 0 white, positive purple."""

RING: dict[str, Any] = {"marker": "o", "ls": "", "mfc": PAPER, "mec": LABELS}
"""How what the labels ask for is marked."""

CROSS: dict[str, Any] = {"marker": "x", "ls": "", "color": DEAD, "mew": 2}
"""How a dead mode or class is marked."""

SHRINK_COLORMAP = "cividis"
"""Shrink factor s, from 0 to 1."""

REGION_COLORS = ("#f2f2f2", "#dcdcdc", "#c6c6c6")
"""Regions of the plane of features, in turns."""

WIDTH = 5.2
"""Width of a figure in inches where it is narrow: a phone scales it to 340 pixels."""

WIDE = 7.2
"""The same where there is room: the column of a page on a desk, at the same size of letters."""

_RC: dict[Any, Any] = {
    "figure.dpi": 160,
    "savefig.dpi": 160,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "lines.linewidth": 2.0,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "mathtext.fontset": "dejavusans",
}


_wide = ContextVar("wide", default=False)


class Drawn(Listed):
    """A figure of the book: one that can be drawn again, wide, and is shown in both forms.

    Attributes
    ----------
    again : callable or None
        Draws the same figure; None while it is being drawn.
    as_drawn : str
        Its listing then.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.again: Callable[[], Figure] | None = None
        self.as_drawn = ""

    def _ipython_display_(self) -> None:
        """Give a notebook the drawing, and the listing as its plain text."""
        from IPython.display import display

        display({"image/svg+xml": drawing(self), "text/plain": listing(self)}, raw=True)  # type: ignore[no-untyped-call]


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw a figure in the book's style, whatever the caller's own settings are."""

    @functools.wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with mpl.rc_context(_RC):
            figure = draw(*args, **kwargs)
            # A notebook's first figure makes pyplot interactive, and so shown: don't undo that.
            interactive = mpl.is_interactive()
            if _wide.get():
                _fit_words(figure)
        mpl.interactive(interactive)
        if isinstance(figure, Drawn):
            figure.again = functools.partial(wrapper, *args, **kwargs)
            figure.as_drawn = listing(figure)
        return figure

    return wrapper


def in_wide_form(figure: Figure) -> Figure | None:
    """Draw a figure again, wide; None for one that was changed since, or is not the book's.

    The new figure is none of those that pyplot would show.
    """
    if not isinstance(figure, Drawn) or not figure.again or listing(figure) != figure.as_drawn:
        return None
    token = _wide.set(True)
    try:
        wide = figure.again()
    finally:
        _wide.reset(token)
    plt.close(wide)
    return wide


def drawing(figure: Figure) -> str:
    """Write a figure as SVG: first wide, for a desk, then narrow, for a phone.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Mostly what a function with `styled` returned.

    Returns
    -------
    str
        One `svg` element that holds both (`nclib.views.drawing.svg`), or the figure alone as it
        is, if it was changed after it was drawn or is none of the book's.
    """
    wide = in_wide_form(figure)
    forms = {"narrow": figure} if wide is None else {"wide": wide, "narrow": figure}
    return svg(forms, VARIABLES)


def new_figure(
    rows: int = 1,
    columns: int = 1,
    *,
    height: float,
    wide: tuple[int, int, float] | None = None,
    **options: Any,
) -> tuple[Drawn, list[Axes]]:
    """Begin a figure in the width of the page.

    Parameters
    ----------
    rows : int
        Number of panels, one below the other.
    columns : int
        Number of panels in each row.
    height : float
        Height in inches.
    wide : (int, int, float), optional
        Rows, columns and height where the figure has the width of a desk. Without it panels that
        stand in one column are put side by side, up to three in a row, and others stay.
    **options
        Passed to `matplotlib.pyplot.subplots`.

    Returns
    -------
    figure : Drawn
    axes : list of matplotlib.axes.Axes
        Row after row.
    """
    width, panels = WIDTH, rows * columns
    if _wide.get():
        width = WIDE
        if wide is None:
            across = rows if rows < 4 else 2 if rows == 4 else 3
            down = -(-rows // across)
            wide = (
                (down, across, 0.8 + 2.2 * down) if columns == 1 < rows else (rows, columns, height)
            )
        rows, columns, height = wide
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(width, height),
        squeeze=False,
        FigureClass=Drawn,
        **options,
    )
    assert isinstance(figure, Drawn)
    shown, surplus = list(axes.flat)[:panels], list(axes.flat)[panels:]
    for place, axis in enumerate(surplus, start=panels):
        axis.remove()
        axes.flat[place - columns].tick_params(labelbottom=True)
    return figure, shown


def _fit_words(figure: Figure) -> None:
    """Fit the words of a wide figure: panels side by side share a label below, titles wrap."""
    panels = [(axis, place) for axis in figure.axes if (place := axis.get_subplotspec())]
    below = [axis for axis, place in panels if place.is_last_row()]
    labels = [label for axis in below if (label := axis.get_xlabel())]
    lay_out(figure)
    for axis in below:
        if len(labels) == 1:
            axis.set_xlabel(labels[0])
        _fit(axis.xaxis.label, axis.get_window_extent().width)
    for axis, _ in panels:
        title = axis.set_title(axis.get_title(loc="left"), loc="left")
        _fit(title, axis.get_window_extent().width)


def _fit(text: Text, room: float) -> None:
    """Break a text into lines of so many pixels, but no formula."""
    words, width = text.get_text(), text.get_window_extent().width
    if width > room:
        joined = re.sub(r"\$.*?\$", lambda formula: formula[0].replace(" ", "~"), words)
        lines = wrap(joined, int(len(words) * room / width), break_long_words=False)
        text.set_text("\n".join(lines).replace("~", " "))


def positive(values: ArrayLike) -> NDArray[np.float64]:
    """Leave out what a logarithmic axis has no place for: NaN instead of 0 and less.

    A line to a 0 would be drawn as a fall to the foot of the axis.
    """
    numbers = np.array(values, dtype=float)
    numbers[~(numbers > 0)] = np.nan
    return numbers


def shades(number: int) -> list[str]:
    """Greys of things in an order, dark for the first."""
    return [to_hex((level, level, level)) for level in np.linspace(0.1, 0.68, number).tolist()]


def plain_log_ticks(axis: Axes) -> None:
    """Write 0.002, 0.005, 0.01 under a logarithmic axis that spans about one decade."""
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter(NullFormatter())


def whole_ticks(axis: Axes) -> None:
    """Keep to whole numbers under an axis of classes or modes, however short."""
    axis.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=True))
