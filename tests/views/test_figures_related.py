"""Figures of the relatives: what is drawn is what was given, and every model has its own look."""

import numpy as np
import pytest
from drawn import lines_with

import nclib as nc
from nclib.theory.related import RELATIVES, Portrait
from nclib.views import figures, style

pytestmark = pytest.mark.usefixtures("as_listed")


def made(means, head):
    means, head = np.array(means, float), np.array(head, float)
    K = means.shape[1]
    return Portrait(means, head, np.ones(K), np.zeros(K, bool))


def test_lengths_are_relative_to_the_longest_in_the_order_of_the_counts():
    counts = nc.ClassCounts([20, 500, 100])
    seen = made([[3, 0, 0], [4, 1, 0], [0, 0, 2]], [[1, 0, 0], [0, 4, 0], [0, 0, 2]])
    figure = figures.lengths_by_model(counts, {"squared, bias": seen})
    means, head = figure.axes
    (line,) = means.lines
    np.testing.assert_allclose(line.get_xydata(), [[20, 1], [100, 0.4], [500, 0.2]])
    (line,) = head.lines
    np.testing.assert_allclose(line.get_xydata(), [[20, 0.25], [100, 0.5], [500, 1]])
    assert means.get_xscale() == "log"
    assert [axis.get_title("left") for axis in figure.axes] == ["Class means", "Classifiers"]


def test_every_model_has_a_look_of_its_own_that_colours_are_not_needed_for():
    seen = made(np.eye(3), np.eye(3))
    figure = figures.lengths_by_model(nc.ClassCounts([3, 2, 1]), dict.fromkeys(RELATIVES, seen))
    lines = figure.axes[0].lines
    assert [line.get_label() for line in lines] == list(RELATIVES)
    assert len({line.get_marker() for line in lines}) == len(RELATIVES)
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == len(RELATIVES)
    for line in lines:
        relative = RELATIVES[line.get_label()]
        assert (line.get_linestyle() == "--") == (not relative.bias)


def test_classes_apart_are_steps_a_little_beside_each_other():
    lambdas = np.geomspace(0.001, 0.1, 30)
    apart = {
        "squared, bias": np.where(lambdas < 0.01, 6, 3),
        "deep, bias": np.where(lambdas < 0.005, 6, 3),
    }
    figure = figures.apart_by_model(lambdas, apart)
    (axis,) = figure.axes
    for line, numbers in zip(axis.lines, apart.values(), strict=True):
        np.testing.assert_array_equal(line.get_xdata(), lambdas)
        off = line.get_ydata() - numbers
        assert np.ptp(off) < 1e-12
        assert abs(off[0]) < 0.2
        assert line.get_drawstyle() == "steps-mid"
    assert axis.lines[0].get_ydata()[0] != axis.lines[1].get_ydata()[0]


def test_cosines_break_at_the_threshold_and_the_two_ends_are_named():
    rho = np.geomspace(0.01, 10, 50)
    cosines = {1: np.linspace(-0.5, 0, 50), 3: np.linspace(-0.5, -0.1, 50)}
    limits = {1: 0.1, 3: float(rho[30])}
    figure = figures.bias_cosines(rho, cosines, limits, classes=3)
    (axis,) = figure.axes
    for depth, values in cosines.items():
        color = style.DEPTH_COLORS[depth]
        below, above = lines_with(axis, color=color, marker="None")
        np.testing.assert_array_equal([*below.get_xdata(), *above.get_xdata()], rho)
        np.testing.assert_array_equal([*below.get_ydata(), *above.get_ydata()], values)
        (mark,) = lines_with(axis, color=color, marker=style.DEPTH_MARKERS[depth])
        assert mark.get_xydata()[0].tolist() == [limits[depth], above.get_ydata()[0]]
        assert below.get_xdata()[-1] < mark.get_xdata()[0] <= above.get_xdata()[0]
    assert {line.get_ydata()[0] for line in lines_with(axis, linestyle=":")} == {-0.5, 0.0}
    assert [text.get_text().strip() for text in axis.texts] == ["simplex", "orthogonal frame"]


def test_parts_of_a_loss_without_what_a_logarithm_lacks():
    parts = {"one": np.array([1.0, 0.1]), "two": np.array([0.5, 0.0])}
    figure = figures.central_path([1, 2], parts, "epochs")
    (axis,) = figure.axes
    one, two = axis.lines
    assert one.get_ydata().tolist() == [1.0, 0.1]
    np.testing.assert_array_equal(two.get_ydata(), [0.5, np.nan])
    assert (axis.get_xscale(), axis.get_yscale(), axis.get_xlabel()) == ("log", "log", "epochs")
    assert one.get_marker() != two.get_marker()


def test_codes_below_one_stand_below_the_line_of_collapse():
    ratios = {3: np.array([1.2, 1.1]), 4: np.array([1.05, 0.9])}
    figure = figures.code_ratios([3, 6], ratios)
    (axis,) = figure.axes
    three, four, collapse = axis.lines
    assert collapse.get_ydata() == [1.0, 1.0]
    assert three.get_ydata().tolist() == [1.2, 1.1]
    assert four.get_ydata().tolist() == [1.05, 0.9]
    assert three.get_marker() != four.get_marker()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["L = 3", "L = 4"]
