"""Figures as they are drawn if nothing else is asked for, and what depends on how much there is."""

import numpy as np
import pytest
from made_results import made
from matplotlib.ticker import NullFormatter

import nclib as nc
from nclib.views import figures
from nclib.views.figures.runs import PANELS, compare_runs

pytestmark = pytest.mark.usefixtures("as_listed")

LAYERS = ["1 linear layer", "3 linear layers", "6 linear layers"]


@pytest.mark.parametrize(
    ("draw", "limits"),
    [
        (figures.survival_map, (1e-4, 2e-2)),
        (figures.sample_size_map, (5, 5e4)),
        (figures.accuracy_map, (1e-3, 2e-2)),
    ],
)
def test_maps_have_one_three_and_six_layers_and_a_bias(draw, limits):
    options = {"lam": 1e-3, "largest": 10_000} if draw is figures.sample_size_map else {}
    *panels, _ = draw(nc.ClassCounts([3, 2]), **options).axes
    assert [panel.get_title(loc="left") for panel in panels] == LAYERS
    # With a bias two classes have one mode.
    rows = 1 if draw is not figures.accuracy_map else 2
    for panel in panels:
        assert panel.get_xlim() == pytest.approx(limits)
        assert panel.get_ylim() == (rows + 0.5, 0.5)


def test_an_axis_goes_from_the_first_to_the_last():
    lambdas = np.array([1e-3, 1e-2, 1e-1])
    (axis,) = figures.accuracy_by_depth({"a": (lambdas, {1: np.ones(3)})}, "λ").axes
    assert axis.get_xlim() == pytest.approx((1e-3, 1e-1))


def test_there_is_a_tick_only_where_there_is_something():
    (axis,) = figures.right_and_wrong(np.ones((1, 4), bool), "x", "title").axes
    assert axis.get_xticks().tolist() == [1]


def test_how_many_are_marked():
    ratios = np.geomspace(1, 100, 11)
    (axis,) = figures.metric_floor(ratios, {1: np.ones(11)}).axes
    assert axis.lines[0].get_markevery() == 1
    (axis,) = figures.count_profiles({"a": nc.ClassCounts(range(32, 0, -1))}).axes
    assert axis.lines[0].get_markevery() == 3
    names = ("nc2_w", "nc2_h", "nc2_wh", "nc3")
    rows = [{"epoch": k, "evaluated": False} | dict.fromkeys(names, 0.5) for k in range(71)]
    (axis,) = figures.metrics_by_epoch(rows, "digits").axes
    assert axis.lines[0].get_markevery() == (4, 8)


def test_a_third_line_has_a_look_of_its_own():
    lambdas = np.array([1e-2, 1e-4])
    angles = {"a": {name: np.ones(2) for name in ("one", "two", "three")}}
    (axis,) = figures.limit_angles(lambdas, angles).axes
    for looks in ("color", "linestyle", "marker"):
        assert len({getattr(line, f"get_{looks}")() for line in axis.lines}) == 3


def test_a_short_logarithmic_axis_has_numbers_between_the_powers_of_ten():
    # As printed the metric is 0.5 + 4 / (1 + epoch).
    (run,) = [made(epochs=[0, 1, 2, 5, 10])]
    printed, _ = figures.two_readings([run], "nc2_wh").axes
    low, high = printed.get_ylim()
    assert 0.2 < low < 0.5 < 2 < high < 5
    between = [float(tick) for tick in printed.yaxis.get_minorticklocs() if low <= tick <= high]
    assert between == pytest.approx([0.5, 2])
    *metrics, accuracy = figures.training_curves([made(epochs=[0, 1, 10, 100, 1000])]).axes
    for axis in (accuracy, metrics[0]):
        assert isinstance(axis.yaxis.get_minor_formatter(), NullFormatter)


def test_a_curve_that_a_run_lacks_is_left_out():
    run = made()
    for entry in run.history:
        del entry["metrics"]["corrected"]["nc3"]
    panels = dict(zip((name for name, _ in PANELS), compare_runs([run]).axes, strict=True))
    assert np.isnan(panels["nc3"].lines[0].get_ydata()).all()
    assert np.isfinite(panels["nc1"].lines[0].get_ydata()).all()
