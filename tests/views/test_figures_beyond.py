"""Figures of the chapter beyond the paper: the values drawn, worked out apart."""

import numpy as np
import pytest
from drawn import lines_with
from matplotlib.colors import to_hex

from nclib.theory.descent import LambdaSweep
from nclib.views import figures, style

pytestmark = pytest.mark.usefixtures("as_listed")


def legend_texts(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_accuracy_by_depth_draws_each_depth_in_its_colour():
    lambdas = np.array([0.001, 0.01])
    figure = figures.accuracy_by_depth(
        {"a": (lambdas, {1: np.array([1, 0.5]), 3: np.array([0.9, 0.2])})}, "λ"
    )
    (axis,) = figure.axes
    (one,) = lines_with(axis, color=style.DEPTH_COLORS[1])
    (three,) = lines_with(axis, color=style.DEPTH_COLORS[3])
    np.testing.assert_array_equal(one.get_xydata(), [[0.001, 1], [0.01, 0.5]])
    np.testing.assert_array_equal(three.get_ydata(), [0.9, 0.2])
    assert axis.get_title(loc="left") == "a"
    assert axis.get_xlabel() == "λ"
    assert legend_texts(figure) == ["1 layer", "3 layers"]


def test_death_ranges_join_the_first_and_the_last_death():
    first, last = np.array([1e-3, 2e-3]), np.array([1e-2, 4e-2])
    figure = figures.death_ranges([1, 2], {"a": (first, last), "b": (last, last)}, "value")
    upper, lower = figure.axes
    (high,) = lines_with(upper, marker="^")
    (low,) = lines_with(upper, marker="v")
    np.testing.assert_array_equal(high.get_ydata(), last)
    np.testing.assert_array_equal(low.get_ydata(), first)
    assert upper.get_yscale() == "log"
    assert lower.get_title(loc="left") == "b"


def test_tie_costs_mark_zero_and_the_jump():
    share = np.linspace(0, 1, 5)
    figure = figures.tie_costs(share, {2: share + 1, 3: 2 * share + 1})
    (axis,) = figure.axes
    marks = {tuple(line.get_xydata()[0]) for line in axis.lines if len(line.get_xdata()) == 1}
    assert marks == {(0.0, 1.0), (1 / 2, 1.0), (2 / 3, 1.0)}
    curves = [line for line in axis.lines if len(line.get_xdata()) == 5]
    np.testing.assert_array_equal(curves[1].get_ydata(), 2 * share + 1)


def test_right_and_wrong_put_a_large_dot_where_a_class_is_right():
    right = np.array([[True, False, False], [False, True, True]])
    (axis,) = figures.right_and_wrong(right, "x", "title").axes
    large = {tuple(line.get_xydata()[0]) for line in lines_with(axis, marker="o")}
    small = {tuple(line.get_xydata()[0]) for line in lines_with(axis, marker=".")}
    assert large == {(1, 1), (2, 2), (3, 2)}
    assert small == {(2, 1), (3, 1), (1, 2)}
    (axis,) = figures.right_and_wrong(np.ones((2, 12), bool), "x", "title").axes
    assert axis.get_xticks().tolist() == [1, 5, 10]


def test_hysteresis_draws_both_ways_as_shares():
    up = LambdaSweep(np.array([0.5, 1.5]), np.array([[4.0, 0.0], [2.0, 0.0]]), np.zeros(2))
    down = LambdaSweep(np.array([1.5, 0.5]), np.array([[0.0, 0.0], [1.0, 0.0]]), np.zeros(2))
    figure = figures.hysteresis(
        {2: (up, down)}, {2: (np.array([0.0, 1.0]), np.array([1.0, 0.5]))}, 4.0, {2: 1.19}
    )
    (axis,) = figure.axes
    (rising,) = lines_with(axis, marker="^")
    (falling,) = lines_with(axis, marker="v")
    np.testing.assert_array_equal(rising.get_xydata(), [[0.5, 1.0], [1.5, 0.5]])
    np.testing.assert_array_equal(falling.get_xydata(), [[1.5, 0.0], [0.5, 0.25]])
    assert [line.get_xdata()[0] for line in lines_with(axis, linestyle=":")] == [1.19]
    assert [line.get_xdata()[0] for line in lines_with(axis, linestyle="--")] == [1]


def test_basins_stack_the_shares():
    table = np.array([[0.5, 0.0], [0.25, 0.25], [0.25, 0.75]])
    figure = figures.basins([0.1, 1.0], {"a": table})
    (axis,) = figure.axes
    heights = np.array([bar.get_height() for bar in axis.patches]).reshape(3, 2)
    bottoms = np.array([bar.get_y() for bar in axis.patches]).reshape(3, 2)
    np.testing.assert_array_equal(heights, table)
    np.testing.assert_array_equal(bottoms, [[0, 0], [0.5, 0], [0.75, 0.25]])
    assert [label.get_text() for label in axis.get_xticklabels()] == ["0.1", "1"]
    assert legend_texts(figure) == ["0 alive", "1 alive", "2 alive"]
    assert len({to_hex(bar.get_facecolor()) for bar in axis.patches}) == 3


def test_penalised_bias_path_has_both_ends_and_the_threshold():
    rho = np.array([0.1, 1.0])
    figure = figures.penalised_bias_path(
        rho,
        {"optimum": np.array([0.2, 0.3]), "tempting": np.array([0.2, 0.25])},
        (0.15, 0.35),
        {"bias": np.array([1.0, 0.5]), "mean": np.array([0.0, 0.4])},
        0.7,
    )
    above, below = figure.axes
    levels = [line.get_ydata()[0] for line in above.lines[:2]]
    assert levels == [0.15, 0.35]
    (optimum,) = lines_with(above, color=style.CLOSED_FORM)
    (tempting,) = lines_with(above, color=style.DEAD)
    np.testing.assert_array_equal(optimum.get_ydata(), [0.2, 0.3])
    np.testing.assert_array_equal(tempting.get_ydata(), [0.2, 0.25])
    for axis in (above, below):
        assert [line.get_xdata()[0] for line in lines_with(axis, linestyle=":")] == [0.7]
    (mean,) = lines_with(below, color=style.DESCENT)
    np.testing.assert_array_equal(mean.get_ydata(), [0.0, 0.4])


def test_smallest_leads_show_where_a_class_is_wrong():
    factors = np.array([0.5, 1.0])
    leads = {1: np.array([0.5, -0.2]), 2: np.array([0.8, 0.1])}
    (axis,) = figures.smallest_leads(factors, leads, "title").axes
    curves = [line for line in axis.lines if len(line.get_xdata()) == 2]
    drawn = [line.get_ydata().tolist() for line in curves if line.get_color() != style.INK]
    assert drawn == [[0.5, -0.2], [0.8, 0.1]]
    assert axis.get_ylim()[0] < -0.2


def test_growing_class_steps_down():
    sizes = np.array([10, 100, 1000])
    figure = figures.growing_class(
        sizes, {1: np.array([3, 2, 0]), 3: np.array([3, 3, 1])}, 3, 50, "x"
    )
    (axis,) = figure.axes
    (one,) = lines_with(axis, color=style.DEPTH_COLORS[1])
    (three,) = lines_with(axis, color=style.DEPTH_COLORS[3])
    np.testing.assert_allclose(one.get_ydata(), [3, 2, 0], atol=0.1)
    np.testing.assert_allclose(three.get_ydata(), [3, 3, 1], atol=0.1)
    assert np.abs(one.get_ydata()[0] - three.get_ydata()[0]) > 0.05
    assert [line.get_xdata()[0] for line in lines_with(axis, linestyle=":")] == [50]


def test_two_class_phases_fill_up_to_the_limit():
    ratio = np.array([1.0, 10.0, 100.0])
    figure = figures.two_class_phases(ratio, {"a": [1.0, 0.55, 0.505], "b": [1.0, 1.0, 1.0]})
    first, second = figure.axes
    for axis, expected in ((first, [1.0, 0.55, 0.505]), (second, [1.0, 1.0, 1.0])):
        (limit,) = lines_with(axis, color=style.INK)
        np.testing.assert_array_equal(limit.get_ydata(), expected)
        assert [line.get_ydata()[0] for line in lines_with(axis, linestyle="--")] == [1]
    assert legend_texts(figure) == ["alive and right", "alive and wrong", "dead: merged"]
