"""Figures of losses, weights and samplers: what is drawn is what was given."""

import numpy as np
import pytest
from drawn import lines_with

import nclib as nc
from nclib.views import figures, style

pytestmark = pytest.mark.usefixtures("as_listed")


def test_a_row_for_each_remedy_with_the_rarest_and_the_most_frequent_class_marked():
    counts = nc.ClassCounts([20, 500, 100])
    lost = {
        "nothing": np.array([1.5, np.inf, 4.0]),
        "weights": np.array([9.0, 2.0, 5.0]),
        "neither": np.array([2.0, 2.0, 2.0]),
    }
    figure = figures.remedies(counts, lost, "factor")
    (axis,) = figure.axes
    assert [text.get_text() for text in axis.get_yticklabels()] == list(lost)
    assert axis.get_xscale() == "log"
    assert axis.get_xlabel() == "factor"
    place = {
        marker: [line.get_xydata()[0].tolist() for line in lines_with(axis, marker=marker)]
        for marker in ("v", "o", "|", ">")
    }
    assert place["v"] == [[1.5, 0], [9.0, 1], [2.0, 2]]
    assert place["o"] == [[2.0, 1], [2.0, 2]]
    assert place["|"] == [[4.0, 0], [5.0, 1], [2.0, 2]]
    # Where marks meet, the strokes of the others hide neither the triangle nor the disk.
    depth = {
        marker: {line.get_zorder() for line in lines_with(axis, marker=marker)} for marker in "vo|"
    }
    assert max(depth["|"]) < min(depth["v"] | depth["o"])
    # What is never lost stands to the right of all else, in its own colour.
    ((x, y),) = place[">"]
    assert x == pytest.approx(axis.get_xlim()[1])
    assert x > 9
    assert y == 0
    (arrow,) = lines_with(axis, marker=">")
    assert arrow.get_color() == style.DEPTH_COLORS[1]
    top, bottom = axis.get_ylim()
    assert top > bottom  # the first remedy on top


def test_what_is_lost_at_once_does_not_stretch_the_axis():
    lost = {"nothing": np.array([0.5, 0.0, 2.0])}
    (axis,) = figures.remedies(nc.ClassCounts([20, 500, 100]), lost, "factor").axes
    assert axis.get_xlim() == pytest.approx((0.5 / 4**0.05, 2 * 4**0.12))


def test_lines_take_turns_and_two_layers_are_layers():
    powers, values = np.array([0.0, 1.0]), (400, 200, 100, 50)
    deaths = {2: np.outer([1.0, 2.0], [4, 3, 2, 1])}
    (axis,) = figures.weight_powers(values, powers, deaths).axes
    dashes = [line.get_linestyle() for line in axis.lines if line.get_label() in map(str, values)]
    assert dashes == ["-", "--", "-", "--"]
    assert axis.get_title("left") == "2 layers: all alike at a = 2/3"
    assert axis.get_xlim() == (0, 1)
    low, high = np.log(axis.get_ylim())
    assert low < 0
    assert high > np.log(8)
    assert high - low < 2 * np.log(8)
    assert [tick for tick in axis.get_yticks() if low <= np.log(tick) <= high] == [1, 2, 5, 10]


def test_a_panel_for_each_depth_where_all_lines_cross():
    powers = np.array([0.0, 0.5, 0.75, 1.0])
    values = (400, 100)
    n = np.array(values, dtype=float)
    deaths = {L: n ** (L / (L + 1)) * n ** -powers[:, None] for L in (1, 3)}
    figure = figures.weight_powers(values, powers, deaths)
    for axis, (depth, expected) in zip(figure.axes, deaths.items(), strict=True):
        drawn = [line for line in axis.lines if len(line.get_xdata()) == powers.size]
        assert [line.get_label() for line in drawn] == ["400", "100"]
        for line, column in zip(drawn, expected.T, strict=True):
            np.testing.assert_array_equal(line.get_xydata(), np.transpose([powers, column]))
        assert len({line.get_linestyle() for line in drawn}) == 2
        (crossing,) = lines_with(axis, linestyle=":")
        assert crossing.get_xdata()[0] == depth / (depth + 1)
        assert axis.get_title("left").startswith(f"{depth} layer")
        texts = [text.get_text() for text in axis.texts]
        assert texts == ["n = 400", "n = 100"]
    assert "n^(-a)" in figure.axes[-1].get_xlabel()
