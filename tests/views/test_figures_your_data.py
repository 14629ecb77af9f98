"""Figures of a monitored training: what is drawn is what was given."""

import numpy as np
import pytest
from drawn import lines_with

import nclib as nc
from nclib.views import figures, style

NAMES = ("nc2_w", "nc2_h", "nc2_wh", "nc3")


pytestmark = pytest.mark.usefixtures("as_listed")


def row(epoch, evaluated=False):
    values = {name: (i + 1) / (epoch + 1) for i, name in enumerate(NAMES)}
    return {"epoch": epoch, "evaluated": evaluated, **values}


def test_predicted_and_reached_for_each_class():
    counts = nc.ClassCounts([120, 40, 10], names=["zero", "one", "two"])
    runs = {"strong": ([1, 0.5, 0], [1, 0.4, 0.1]), "weak": ([1, 1, 1], [1, 1, 0.9])}
    runs["none"] = ([1, 0, 0], [1, 0, 0])
    figure = figures.accuracy_by_class(counts, runs)
    for axis, (title, (predicted, reached)) in zip(figure.axes, runs.items(), strict=True):
        assert axis.get_title("left") == title
        (ring,) = lines_with(axis, markeredgecolor=style.INK)
        (mark,) = lines_with(axis, color=style.DESCENT)
        np.testing.assert_array_equal(ring.get_xydata(), np.transpose([range(3), predicted]))
        np.testing.assert_array_equal(mark.get_xydata(), np.transpose([range(3), reached]))
    ticks = [text.get_text() for text in figure.axes[-1].get_xticklabels()]
    assert ticks == ["zero\n120", "one\n40", "two\n10"]


def test_a_curve_for_each_metric_without_the_evaluations():
    history = [row(1), row(1, evaluated=True), row(2), row(3)]
    (axis,) = figures.metrics_by_epoch(history, "digits").axes
    assert len(axis.lines) == 4
    for i, line in enumerate(axis.lines):
        assert line.get_markevery() == (0, 1)
        assert line.get_xdata().tolist() == [1, 2, 3]
        np.testing.assert_allclose(line.get_ydata(), (i + 1) / np.array([2, 3, 4]))
    assert axis.get_yscale() == "log"


def test_of_a_long_history_about_eight_epochs_are_marked():
    (axis,) = figures.metrics_by_epoch([row(epoch) for epoch in range(63)], "digits").axes
    assert {line.get_markevery() for line in axis.lines} == {(3, 7)}


def test_a_mark_for_each_metric_and_setting():
    rows = {"as the theory": row(9), "cross-entropy": row(1)}
    (axis,) = figures.distances_by_setting(rows).axes
    assert [text.get_text() for text in axis.get_yticklabels()] == list(rows)
    for i, line in enumerate(axis.lines):
        np.testing.assert_allclose(line.get_xdata(), [(i + 1) / 10, (i + 1) / 2])
        assert line.get_ydata().tolist() == [0, 1]
    assert len({line.get_marker() for line in axis.lines}) == 4


def test_distances_of_zero_have_no_place_on_a_logarithmic_axis():
    at_it = dict.fromkeys(row(1), 0.0) | {"epoch": 2, "evaluated": False}
    rows = [row(1), at_it, row(3)]
    (axis,) = figures.metrics_by_epoch(rows, "digits").axes
    for line in axis.lines:
        assert np.isnan(line.get_ydata()).tolist() == [False, True, False]
    (axis,) = figures.distances_by_setting({"a": row(1), "at it": at_it}).axes
    for line in axis.lines:
        assert np.isnan(line.get_xdata()).tolist() == [False, True]
