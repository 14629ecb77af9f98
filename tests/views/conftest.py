"""What the tests of all explorables share, and those of all figures."""

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
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
    """Lines of what a listing leaves out: numbers set at the ticks, a grid, marks over an edge."""
    for number, axes in enumerate(figure.axes, start=1):
        parts = []
        for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
            if isinstance(axis.get_major_locator(), FixedLocator):
                parts.append(f"{name} at {' '.join(f'{at:g}' for at in axis.get_majorticklocs())}")
            if axes.axison and axis.get_tick_params()["gridOn"]:
                parts.append(f"grid of {name}")
        whole = sum(not line.get_clip_on() for line in axes.lines)
        yield f"beside {number}: {', '.join([*parts, f'{whole} not cut'])}"


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
