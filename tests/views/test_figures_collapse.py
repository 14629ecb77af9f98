"""Figures of collapse: what is drawn against values worked out apart from it."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

import nclib as nc
from nclib.views import figures, style

pytestmark = pytest.mark.usefixtures("as_listed")


def draw(figure):
    figure.canvas.draw()
    return figure


@pytest.mark.descends
def test_features_in_the_plane_shows_every_sample_and_the_class_means():
    problem = nc.Problem([3, 2, 1], 1, lambda_W=0.01, lambda_H=0.01, widths=(2,))
    moments = [nc.descend(problem, starts=1, max_steps=t) for t in (1, 2, 3, 60)]
    figure = draw(figures.features_in_the_plane(moments, list("abcd")))
    for axis, moment in zip(figure.axes, moments, strict=True):
        drawn = [cloud.get_offsets() for cloud in axis.collections]
        samples, means = drawn[::2], drawn[1::2]
        np.testing.assert_allclose(np.concatenate(samples), moment.H.T)
        expected = [moment.H[:, :3].mean(1), moment.H[:, 3:5].mean(1), moment.H[:, 5]]
        np.testing.assert_allclose(np.concatenate(means), expected)
        limits = [*axis.get_xlim(), *axis.get_ylim()]
        assert np.abs(moment.H).max() < max(limits)
        (origin,) = axis.lines
        assert origin.get_xydata().tolist() == [[0, 0]]
        assert not any(axis.xaxis.get_tick_params()[side] for side in ("labelbottom", "labeltop"))
        assert not axis.yaxis.get_tick_params()["labelleft"]
    assert [axis.get_title(loc="left") for axis in figure.axes] == list("abcd")
    wide = style.in_wide_form(figure)
    assert wide.axes[0].get_subplotspec().get_gridspec().get_geometry() == (1, 4)


def test_plane_geometry_of_equal_counts_is_a_triangle_with_the_head_on_the_means():
    best = nc.global_minimizer(nc.Problem([20, 20, 20], 1, lambda_W=0.004, lambda_H=0.004))
    axis = draw(figures.plane_geometry([best], ["equal"])).axes[0]
    means = np.array([line.get_xydata()[0] for line in axis.lines if len(line.get_xdata()) == 1])
    tips = np.array([arrow.xy for arrow in axis.texts])
    np.testing.assert_allclose(means @ means.T, 1.5 * np.eye(3) - 0.5, atol=1e-12)
    np.testing.assert_allclose(tips, means, atol=1e-12)


def test_plane_geometry_lays_merged_classes_on_each_other_below_the_common_one():
    best = nc.global_minimizer(nc.Problem([60, 10, 10], 1, lambda_W=0.045, lambda_H=0.045))
    axis = draw(figures.plane_geometry([best], ["merged"])).axes[0]
    means = np.array([line.get_xydata()[0] for line in axis.lines if len(line.get_xdata()) == 1])
    # The mean of all features is 0: 60 h_1 + 20 h_2 = 0; the longest has length 1.
    np.testing.assert_allclose(means, [[0, 1 / 3], [0, -1], [0, -1]], atol=1e-12)


@pytest.mark.parametrize(
    ("counts", "height"),
    # What is 0 but for its last bits may have either sign.
    [([30, 60, 10], 1), pytest.param([10, 20, 20], 0, marks=pytest.mark.descends)],
)
def test_plane_geometry_has_the_first_class_on_top_if_it_has_a_side(counts, height):
    """In the second the strongest mode tells the two others apart: the first has none of it."""
    best = nc.global_minimizer(nc.Problem(counts, 1, lambda_W=1e-3, lambda_H=1e-3))
    axis = figures.plane_geometry([best], ["a"]).axes[0]
    means = np.array([line.get_xydata()[0] for line in axis.lines if len(line.get_xdata()) == 1])
    tips = np.array([arrow.xy for arrow in axis.texts])
    for points in (means, tips):
        assert np.linalg.norm(points, axis=1).max() == pytest.approx(1)
        np.testing.assert_allclose(np.sign(points[0, 1].round(9)), height)


def test_plane_geometry_of_total_collapse_shows_no_arrow():
    best = nc.global_minimizer(nc.Problem([60, 10, 10], 1, lambda_W=1.0, lambda_H=1.0))
    axis = draw(figures.plane_geometry([best], ["nothing"])).axes[0]
    assert not axis.texts
    assert all((line.get_xydata() == 0).all() for line in axis.lines)


def test_cosine_maps_write_the_numbers_and_leave_no_direction_blank():
    matrix = np.array([[1.0, -1 / 3, np.nan], [-1 / 3, 1.0, np.nan], [np.nan, np.nan, np.nan]])
    figure = draw(figures.cosine_maps([matrix, np.eye(3) - 1e-17, np.eye(5)], ["a", "b", "c"]))
    a, b, c, unused = figure.axes[:4]
    assert sorted(text.get_text() for text in a.texts) == [
        "1.00",
        "1.00",
        "\N{MINUS SIGN}0.33",
        "\N{MINUS SIGN}0.33",
    ]
    assert [text.get_text() for text in b.texts].count("0.00") == 6
    assert not c.texts
    assert not unused.axison
    np.testing.assert_array_equal(np.ma.filled(a.images[0].get_array(), np.nan), matrix)
    assert a.images[0].norm.vmin == -1
    assert a.images[0].norm.vmax == 1


def test_cosine_maps_of_many_classes_name_every_third():
    axis = figures.cosine_maps([np.eye(7)], ["a"]).axes[0]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["1", "4", "7"]
    assert axis.get_yticks().tolist() == [0, 3, 6]


def test_death_spread_of_one_layer():
    # One layer, one lambda: mode k dies at kappa_k / N. n = (60, 10, 10): kappa^2 = 22.5 and 10.
    axis = draw(figures.death_spread(nc.ClassCounts([60, 10, 10]), (1, 2))).axes[0]
    ticks = [line for line in axis.lines if line.get_marker() == "|"]
    np.testing.assert_allclose(ticks[0].get_xdata(), np.sqrt([22.5, 10]) / 80)
    assert len({line.get_color() for line in ticks}) == 2
    assert axis.get_xlim()[0] < ticks[0].get_xdata().min()
    assert axis.get_xlim()[1] > ticks[0].get_xdata().max()


def test_accuracy_map_of_two_equal_classes_ends_at_the_threshold():
    # kappa^2 = 50 and N = 100: at lambda = sqrt(50)/100 both logits become 1/2, a tie.
    figure = figures.accuracy_map(nc.ClassCounts([50, 50]), (1,), lambdas=(1e-2, 1.0))
    axis = draw(figure).axes[0]
    (mesh,) = axis.collections
    row = np.ma.filled(mesh.get_array().astype(float), np.nan).ravel()
    grid = np.geomspace(1e-2, 1, row.size)
    np.testing.assert_array_equal(row, np.where(grid < np.sqrt(50) / 100, 1.0, 0.5))
    assert [label.get_text() for label in axis.get_yticklabels()] == ["2 × 50"]


def test_accuracy_map_has_a_row_for_each_distinct_count():
    axis = draw(figures.accuracy_map(nc.ClassCounts([5, 90, 5, 20]), (1, 3))).axes[0]
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert labels == ["1 × 90", "1 × 20", "2 × 5"]
    assert axis.get_ylim()[0] > axis.get_ylim()[1]


def test_count_profiles_fall_from_one():
    sets = {"a": nc.ClassCounts([10, 1000, 100]), "b": nc.ClassCounts([7, 7])}
    figure = draw(figures.count_profiles(sets))
    first, second = figure.axes[0].lines
    np.testing.assert_allclose(first.get_xydata(), [[0, 1], [0.5, 0.1], [1, 0.01]])
    np.testing.assert_allclose(second.get_ydata(), 1)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["a (1 : 100)", "b (1 : 1)"]


def test_figures_leave_the_callers_settings_alone():
    before = dict(mpl.rcParams)
    figures.death_spread(nc.ClassCounts([3, 2, 1]))
    figures.cosine_maps([np.eye(2)], ["a"])
    assert dict(mpl.rcParams) == before


def test_class_colours_are_no_depth_colours():
    taken = {*style.DEPTH_COLORS.values(), style.DEAD, style.DESCENT, style.CLOSED_FORM}
    assert not taken & set(style.CLASS_COLORS)
    assert len(set(style.CLASS_MARKERS)) == len(style.CLASS_COLORS) == 3
