"""Figures of the relatives with cross-entropy: what is drawn is what was given."""

import numpy as np
import pytest

from nclib.views import figures, style

pytestmark = pytest.mark.usefixtures("as_listed")


def test_angles_to_two_matrices_in_two_panels():
    lambdas = np.array([1e-2, 1e-4, 1e-8])
    angles = {
        title: {name: np.arange(3.0) + shift for shift, name in enumerate(("one", "other"))}
        for title in ("no bias", "bias", "both")
    }
    figure = figures.limit_angles(lambdas, angles)
    assert [axis.get_title("left") for axis in figure.axes] == ["no bias", "bias", "both"]
    for axis, lines in zip(figure.axes, angles.values(), strict=True):
        for line, (name, values) in zip(axis.lines, lines.items(), strict=True):
            np.testing.assert_array_equal(line.get_xydata(), np.transpose([lambdas, values]))
            assert line.get_label() == name
        assert len({(line.get_linestyle(), line.get_marker()) for line in axis.lines}) == 2
    assert figure.axes[0].get_xlim() == pytest.approx((1e-2, 1e-8))
    assert figure.axes[1].get_xscale() == "log"
    assert [axis.get_xlabel() for axis in figure.axes] == ["", "", "every λ, falling"]


def test_rare_rows_with_the_ratio_where_they_become_one():
    ratio = np.array([1.0, 3.0, 10.0])
    cosines = {"by class": np.array([-0.1, 0.2, 1.0]), "by sample": np.array([-0.1, 0.0, 0.4])}
    figure = figures.rare_rows(ratio, cosines, {"by class": 7.5})
    (axis,) = figure.axes
    curves = [line for line in axis.lines if len(line.get_xdata()) == 3]
    for line, (name, values) in zip(curves, cosines.items(), strict=True):
        np.testing.assert_array_equal(line.get_xydata(), np.transpose([ratio, values]))
        assert line.get_label() == name
    (place,) = [line for line in axis.lines if len(line.get_xdata()) == 2]
    assert place.get_xdata()[0] == 7.5
    assert place.get_color() == curves[0].get_color()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(cosines)


def test_deaths_of_both_losses():
    pairs = {
        "two sizes": (np.array([0.2, 0.9]), np.array([0.98, 1.0])),
        "more": (np.array([0.5]), np.array([0.95])),
    }
    figure = figures.deaths_compared(pairs)
    (axis,) = figure.axes
    *points, together = axis.lines
    for line, (where, ratio) in zip(points, pairs.values(), strict=True):
        np.testing.assert_array_equal(line.get_xydata(), np.transpose([where, ratio]))
        assert line.get_linestyle() == "None"
    assert len({line.get_marker() for line in points}) == 2
    assert together.get_ydata()[0] == 1.0
    assert together.get_color() == style.LABELS
