"""The look that figures share, in a figure of four panels, and how looks are written as SVG."""

import re

import numpy as np
import pytest
from matplotlib.figure import Figure

from nclib.views import style


@style.styled
def four_panels():
    return style.new_figure(2, 2, height=4.0)[0]


def test_panels_come_row_after_row_with_lines_left_and_below_and_a_grid_behind():
    figure = four_panels()
    assert len(figure.axes) == 4
    places = [axis.get_subplotspec() for axis in figure.axes]
    assert [(place.rowspan.start, place.colspan.start) for place in places] == [
        (0, 0), (0, 1), (1, 0), (1, 1)
    ]  # fmt: skip
    for axis in figure.axes:
        seen = {side for side, spine in axis.spines.items() if spine.get_visible()}
        assert seen == {"left", "bottom"}
        assert axis.xaxis.get_tick_params()["gridOn"]
        assert axis.get_axisbelow() is True


def test_panels_of_a_square_stay_one_where_there_is_room():
    wide = style.in_wide_form(four_panels())
    assert wide.get_size_inches().tolist() == [style.WIDE, 4.0]
    shapes = {axis.get_subplotspec().get_gridspec().get_geometry() for axis in wide.axes}
    assert shapes == {(2, 2)}


def test_a_figure_that_is_none_of_the_books_is_written_alone():
    figure = Figure(figsize=(2, 1))
    assert style.in_wide_form(figure) is None
    assert re.findall(r'<svg class="(\w+)"', style.drawing(figure)) == ["narrow"]


def test_dashes_and_what_is_seen_through_are_rounded_like_widths():
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1], [0, 1], lw=0.333, dashes=(4, 2), alpha=0.344)
    # Dashes are counted in widths of their line.
    (dashed,) = re.findall(r'style="([^"]*stroke-dasharray[^"]*)"', style.drawing(figure))
    for said in ("stroke-dasharray: 1.33,0.67", "stroke-width: 0.33", "stroke-opacity: 0.34"):
        assert said in dashed.split("; ")


def test_depths_that_are_compared_look_different():
    for look in (style.DEPTH_MARKERS, style.DEPTH_COLORS):
        assert {1, 2, 3, 6} <= look.keys() <= {1, 2, 3, 4, 5, 6}
        assert len(set(look.values())) == len(look)
    assert not set(style.shades(7)) & set(style.DEPTH_COLORS.values())


@pytest.mark.parametrize(("most", "apart"), [(3, 1), (40, 5), (70, 10)])
def test_classes_are_counted_by_ones_fives_and_tens(most, apart):
    axis = Figure(figsize=(5, 3)).subplots()
    axis.plot([1, most], [0, 1])
    style.whole_ticks(axis)
    assert set(np.diff(axis.get_xticks())) == {apart}
