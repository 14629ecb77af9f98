"""Figures of the chapters on the bias and the spectrum: the values drawn, worked out apart."""

import numpy as np
import pytest

import nclib as nc
from nclib.views import figures, style

pytestmark = pytest.mark.usefixtures("as_listed")


def markers(axis, marker):
    return [line for line in axis.lines if line.get_marker() == marker]


def test_heat_maps_share_one_scale_that_is_symmetric():
    left, right = np.array([[1.0, -2.0], [0.0, 3.0]]), np.array([[-5.0, 0.0], [1.0, 1.0]])
    figure = figures.heat_maps(
        [left, right], ["a", "b"], rows=[7, 7], columns=["x", "y"], row_label="r", column_label="c"
    )
    first, second = figure.axes[:2]
    np.testing.assert_array_equal(first.images[0].get_array(), left)
    np.testing.assert_array_equal(second.images[0].get_array(), right)
    assert first.images[0].get_clim() == second.images[0].get_clim() == (-5.0, 5.0)
    assert [first.get_title(loc="left"), second.get_title(loc="left")] == ["a", "b"]


def test_heat_maps_name_each_group_once_at_its_middle():
    figure = figures.heat_maps(
        [np.zeros((5, 3))],
        ["a"],
        rows=[100, 100, 10, 10, 10],
        columns=range(1, 4),
        row_label="class",
        column_label="mode",
    )
    axis = figure.axes[0]
    assert axis.get_yticks().tolist() == [0.5, 3.0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["100", "10"]
    assert axis.get_xticks().tolist() == [0, 1, 2]
    edges = [line.get_ydata()[0] for line in axis.lines if len(set(line.get_ydata())) == 1]
    assert 1.5 in edges


def test_class_regions_mark_what_the_head_gets_right():
    # Answers: class 1 where x > 0, class 2 where x < 0, class 3 nowhere in sight.
    W = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])
    H_bar = np.array([[1.0, -1.0, 0.5], [0.0, 0.0, 1.0]])
    W[2, 1] = 0.1
    b = np.array([0.0, 0.0, -9.0])
    figure = figures.class_regions(W, H_bar, b, {0: "one", 1: "two", 2: "three"})
    axis = figure.axes[0]
    filled = {tuple(line.get_xydata()[0]): line.get_markerfacecolor() == style.INK
              for line in markers(axis, "o")}  # fmt: skip
    assert filled == {(1.0, 0.0): True, (-1.0, 0.0): True, (0.5, 1.0): False}
    texts = {text.get_text(): text.get_position() for text in axis.texts}
    assert texts["class 1"][0] > 0 > texts["class 2"][0]
    assert not any("class 3" in text for text in texts)
    assert {"one", "two", "three"} <= set(texts)


def test_class_regions_draw_only_the_classes_that_are_named():
    figure = figures.class_regions(
        np.eye(2), 2 * np.eye(2), np.zeros(2), {0: "one"}, ("left", "up")
    )
    axis = figure.axes[0]
    assert len(markers(axis, "o")) == 1
    # Either answer has the square on its side of the diagonal.
    corners = [{tuple(corner) for corner in patch.get_xy()} for patch in axis.patches]
    edges = {(-5.2, -5.2), (5.2, 5.2)}
    assert corners == [edges | {(5.2, -5.2)}, edges | {(-5.2, 5.2)}]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("left", "up")


def test_accuracy_steps_of_two_classes():
    """One layer: the rare class is lost at kappa / (2 n_1), the mode dies at kappa / N."""
    n_1, n_2 = 900, 100
    figure = figures.accuracy_steps({"two": nc.ClassCounts([n_1, n_2])})
    axis = figure.axes[0]
    curve = next(line for line in axis.lines if line.get_color() == style.DEPTH_COLORS[1])
    factor, accuracy = curve.get_data()
    lost = (n_1 + n_2) / (2 * n_1)  # relative to the death
    np.testing.assert_array_equal(np.array(accuracy) > 0.99, factor < lost)
    assert accuracy[-1] == pytest.approx(0.9)
    assert markers(axis, "x")[0].get_xdata().tolist() == [1.0]
    assert axis.get_title(loc="left") == "two"


def test_accuracy_steps_of_two_layers_fall_at_the_death():
    figure = figures.accuracy_steps({"two": nc.ClassCounts([900, 100])}, depth=2)
    curve = next(line for line in figure.axes[0].lines if line.get_color() == style.DEPTH_COLORS[2])
    factor, accuracy = curve.get_data()
    np.testing.assert_array_equal(np.array(accuracy) > 0.99, factor < 1)


def test_accuracy_steps_are_relative_to_the_first_death():
    figure = figures.accuracy_steps({"three": nc.ClassCounts([900, 100, 40])}, depth=3)
    axis = figure.axes[0]
    curve = next(line for line in axis.lines if line.get_color() == style.DEPTH_COLORS[3])
    factor, accuracy = curve.get_data()
    np.testing.assert_array_equal(np.array(accuracy) == 1, factor < 1)
    (dead,) = markers(axis, "x")
    assert min(dead.get_xdata()) == 1
    assert factor[-1] == pytest.approx(1.25 * max(dead.get_xdata()))


def test_secular_curve_rises_between_poles_and_crosses_at_the_rings():
    # n = (4, 1, 1): S(t) = 4 / (4 - t) + 2 / (1 - t), zero at t = 2 = K N_1 N_2 / N.
    figure = figures.secular_curve(nc.Spectrum(nc.ClassCounts([4, 1, 1])))
    axis = figure.axes[0]
    (rings,) = markers(axis, "o")
    np.testing.assert_allclose(rings.get_xydata(), [[2.0, 0.0]])
    poles = [line.get_xdata()[0] for line in axis.lines if line.get_linestyle() == "--"]
    assert poles == [4.0, 1.0]
    branches = [line for line in axis.lines if line.get_color() == style.INK]
    assert len(branches) == 3
    for branch in branches:
        t, curve = branch.get_data()
        drawn = ~np.isnan(curve)
        np.testing.assert_allclose(curve[drawn], 4 / (4 - t[drawn]) + 2 / (1 - t[drawn]))
        assert (np.diff(curve[drawn]) > 0).all()


def test_interlacing_puts_a_ring_in_each_gap_and_one_at_zero():
    figure = figures.interlacing(
        {
            "first": nc.Spectrum(nc.ClassCounts([4, 1, 1])),
            "second": nc.Spectrum(nc.ClassCounts([300, 100])),
        },
        "title",
    )
    axis = figure.axes[0]
    bars = [line.get_xydata().tolist() for line in markers(axis, "|")]
    assert bars == [[[4, 0], [1, 0]], [[300, 1], [100, 1]]]
    rings = [line.get_xydata() for line in markers(axis, "o")]
    np.testing.assert_allclose(rings[0], [[2, 0], [0, 0]])
    np.testing.assert_allclose(rings[1], [[150, 1], [0, 1]])  # 2 * 300 * 100 / 400
    assert [label.get_text() for label in axis.get_yticklabels()] == ["first", "second"]


def test_interlacing_relative_to_the_largest_count():
    spectra = {"only": nc.Spectrum(nc.ClassCounts([300, 100]))}
    axis = figures.interlacing(spectra, "title", relative=True).axes[0]
    np.testing.assert_allclose(markers(axis, "|")[0].get_xdata(), [1, 1 / 3])
    np.testing.assert_allclose(markers(axis, "o")[0].get_xdata(), [0.5, 0])


def test_balanced_counts_are_in_the_middle_and_many_classes_have_some_marks():
    figure = figures.tail_spectra({"three": nc.ClassCounts([7] * 3), "two": nc.ClassCounts([5, 5])})
    assert figure.axes[0].get_ylim() == (0.7, 70)
    assert [axis.get_xlabel() != "" for axis in figure.axes] == [False, True]
    (axis,) = figures.count_profiles({"a": nc.ClassCounts(range(25, 0, -1))}).axes
    assert axis.lines[0].get_markevery() == 2


def test_tail_spectra_put_each_ring_on_its_drop():
    # n = (1, 4, 1) in any order: kappa^2 = 2 and 1.
    figure = figures.tail_spectra({"three": nc.ClassCounts([1, 4, 1])})
    axis = figure.axes[0]
    (steps,) = [line for line in axis.lines if line.get_color() == style.INK]
    np.testing.assert_array_equal(steps.get_xydata(), [[1, 4], [2, 1], [3, 1]])
    (rings,) = markers(axis, "o")
    np.testing.assert_allclose(rings.get_xydata(), [[1.5, 2.0], [2.5, 1.0]])
    assert axis.get_yscale() == "log"
