"""The floor of a metric: what is drawn is what was given."""

import numpy as np
import pytest
from drawn import lines_with

from nclib.views import figures, style

pytestmark = pytest.mark.usefixtures("as_listed")


def test_a_curve_for_each_depth_and_the_corrected_metric_at_zero():
    ratios = [1.0, 4.0, 100.0]
    floors = {1: [0.0, 0.1, 0.3], 3: [0.0, 0.2, 0.5]}
    (axis,) = figures.metric_floor(ratios, floors).axes
    for depth, floor in floors.items():
        (line,) = lines_with(axis, color=style.DEPTH_COLORS[depth])
        np.testing.assert_array_equal(line.get_xydata(), np.transpose([ratios, floor]))
        assert line.get_marker() == style.DEPTH_MARKERS[depth]
        assert line.get_markevery() == 1
    (zero,) = lines_with(axis, linestyle="--")
    assert set(zero.get_ydata()) == {0}
    labels = [text.get_text() for text in axis.get_legend().get_texts()]
    assert labels == ["L = 1", "L = 3", "corrected, every L"]


def test_of_many_ratios_about_six_are_marked():
    ratios = np.geomspace(1, 100, 13)
    (axis,) = figures.metric_floor(ratios, {1: np.linspace(0, 1, 13)}).axes
    (line,) = lines_with(axis, color=style.DEPTH_COLORS[1])
    assert line.get_markevery() == 2
