"""What the tests of all explorables share, and those of all figures."""

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.ticker import FixedLocator

from nclib.views.listing import listing

# Half a unit of the sixth significant digit, relative to the smallest number that has it.
ROUNDING = 5.1e-6


@pytest.fixture
def compare(record_error):
    """Compares a column with values worked out apart, to the rounding of the table."""

    def check(what, column, expected):
        expected = np.broadcast_to(expected, column.shape)
        scale = np.where(expected == 0, 1.0, np.abs(expected))
        error = np.max(np.abs(column - expected) / scale)
        assert record_error(f"explorables: {what}", error, ROUNDING)

    return check


LISTINGS = Path(__file__).with_name("listings.txt")
"""What the figures show that tests draw, looked through by a person.

With NCLIB_RENEW_LISTINGS=1 a test writes the listings of its figures instead; then look through
what has changed.
"""


def listings():
    """Listings of the figures of each test, by its name."""
    parts = f"\n{LISTINGS.read_text(encoding='utf-8')}".split("\n=== ")[1:]
    return dict(part.removesuffix("\n").split("\n", 1) for part in parts)


def beside(figure):
    """Lines of what a listing leaves out.

    Numbers set at the ticks, and whether an axis has any; a grid; the limits of axes that are off;
    lines around a panel; marks over an edge, and how many have one; on which side of its place a
    text stands, and its colour.
    """
    for number, axes in enumerate(figure.axes, start=1):
        parts = []
        for name, axis, sides, limits in (
            ("x", axes.xaxis, ("labelbottom", "labeltop"), axes.get_xlim()),
            ("y", axes.yaxis, ("labelleft", "labelright"), axes.get_ylim()),
        ):
            ticks = axis.get_tick_params()
            if isinstance(axis.get_major_locator(), FixedLocator):
                parts.append(f"{name} at {' '.join(f'{at:g}' for at in axis.get_majorticklocs())}")
            if not axes.axison:
                parts.append("{} from {:.6g} to {:.6g}".format(name, *limits))
            elif not any(ticks.get(side) for side in sides):
                parts.append(f"no numbers at {name}")
            if axes.axison and ticks["gridOn"]:
                parts.append(f"grid of {name}")
        spines = " ".join(side for side, spine in axes.spines.items() if spine.get_visible())
        if axes.axison and spines != "left bottom":
            parts.append(f"lines around it: {spines or 'none'}")
        over = sum(not line.get_clip_on() for line in axes.lines)
        parts += [f"{over} over the edge"] if over else []
        marks = [line.get_markevery() for line in axes.lines]
        parts += [
            f"marks at {every}" for every in dict.fromkeys(map(str, marks)) if every != "None"
        ]
        words = [
            f"{text.get_ha()} {text.get_va()} {to_hex(text.get_color())}"
            for text in axes.texts
            if text.get_text()
        ]
        parts += dict.fromkeys(words)
        if parts:
            yield f"beside {number}: {', '.join(parts)}"


@pytest.fixture
def as_listed(request):
    """After a test: its figures show what is listed, from their titles to the last number."""
    before = plt.get_fignums()
    yield
    name = request.node.nodeid.rpartition("/")[2]
    drawn = [plt.figure(n) for n in plt.get_fignums() if n not in before]
    shown = ["\n".join([listing(figure), *beside(figure)]) for figure in drawn]
    plt.close("all")
    if request.node.get_closest_marker("descends") or not shown:
        return
    if os.environ.get("NCLIB_RENEW_LISTINGS"):
        known = listings() | {name: "\n---\n".join(shown)}
        text = "\n".join(f"=== {one}\n{known[one]}\n" for one in sorted(known))
        LISTINGS.write_text(text, encoding="utf-8")
    assert "\n---\n".join(shown) == listings()[name]
