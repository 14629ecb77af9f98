"""One look for every figure: colours, sizes and how a figure is begun.

The colours are those of Okabe and Ito, which colour-blind readers can tell apart. The same colour
means the same thing in every picture.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from numpy.typing import ArrayLike, NDArray

from nclib.views.listing import Listed

P = ParamSpec("P")

INK = "#1a1a1a"
MUTED = "#6b6b6b"
GRID = "#dddddd"

LABELS = "#999999"
"""What the labels ask for: kappa, before shrinking."""

DEAD = "#cc79a7"
"""A dead mode."""

CLOSED_FORM = "#1a1a1a"
DESCENT = "#e69f00"

DEPTH_COLORS = {
    1: "#0072b2",
    2: "#56b4e9",
    3: "#009e73",
    # Yellow and orange, darker: the first would not be seen on white, the second is descent's.
    4: "#8f9400",
    5: "#b87f00",
    6: "#d55e00",
}
"""Colour of each depth that the book shows."""

DEPTH_MARKERS = {1: "o", 2: "v", 3: "s", 6: "D"}
"""Marker of each depth, for readers who don't see the colours."""

CLASS_COLORS = ("#332288", "#999933", "#882255")
"""Colour of each class where a picture shows up to three as points (Paul Tol's muted scheme)."""

CLASS_MARKERS = ("o", "s", "^")

COSINE_COLORMAP = "PuOr"
"""Cosines, from -1 to 1."""

RING: dict[str, Any] = {"marker": "o", "ls": "", "mfc": "white", "mec": LABELS}
"""How what the labels ask for is marked."""

CROSS: dict[str, Any] = {"marker": "x", "ls": "", "color": DEAD, "mew": 2}
"""How a dead mode or class is marked."""

SHRINK_COLORMAP = "cividis"
"""Shrink factor s, from 0 to 1."""

SIGNED_COLORMAP = "RdBu_r"
"""Entries of a matrix: negative blue, 0 white, positive red."""

REGION_COLORS = ("#f2f2f2", "#dcdcdc", "#c6c6c6")
"""Regions of the plane of features, in turns."""

WIDTH = 5.2
"""Width of a figure in inches: its text stays readable when a phone scales it to 340 pixels."""

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


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw a figure in the book's style, whatever the caller's own settings are."""

    @functools.wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with mpl.rc_context(_RC):
            figure = draw(*args, **kwargs)
            # A notebook's first figure makes pyplot interactive, and so shown: don't undo that.
            interactive = mpl.is_interactive()
        mpl.interactive(interactive)
        return figure

    return wrapper


def new_figure(
    rows: int = 1, columns: int = 1, *, height: float, **options: Any
) -> tuple[Listed, list[Axes]]:
    """Begin a figure in the width of the page.

    Parameters
    ----------
    rows : int
        Number of panels, one below the other.
    columns : int
        Number of panels in each row.
    height : float
        Height in inches.
    **options
        Passed to `matplotlib.pyplot.subplots`.

    Returns
    -------
    figure : Listed
    axes : list of matplotlib.axes.Axes
        Row after row.
    """
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(WIDTH, height),
        squeeze=False,
        FigureClass=Listed,
        **options,
    )
    assert isinstance(figure, Listed)
    return figure, list(axes.flat)


def positive(values: ArrayLike) -> NDArray[np.float64]:
    """Leave out what a logarithmic axis has no place for: NaN instead of 0 and less.

    A line to a 0 would be drawn as a fall to the foot of the axis.
    """
    numbers = np.array(values, dtype=float)
    numbers[~(numbers > 0)] = np.nan
    return numbers


def plain_log_ticks(axis: Axes) -> None:
    """Write 0.002, 0.005, 0.01 under a logarithmic axis that spans about one decade."""
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter(NullFormatter())


def whole_ticks(axis: Axes) -> None:
    """Keep to whole numbers under an axis of classes or modes, however short."""
    axis.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=True))
