"""Figures of trained networks: what is drawn, from the numbers in the files of results."""

import numpy as np
import pytest
from drawn import lines_with
from made_results import EPOCHS, METRICS, made, stored
from matplotlib.colors import to_hex

import nclib as nc
from nclib.views import figures, style
from nclib.views.figures.runs import PANELS, compare_runs
from nclib.views.figures.training import band

SEEDS = (0, 1, 4)


pytestmark = pytest.mark.usefixtures("as_listed")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Two depths, three seeds, as read back; and the contents of the files."""
    runs = [made(depth=depth, seed=seed, level=0.1) for depth in (1, 3) for seed in SEEDS]
    return stored(tmp_path_factory.mktemp("results"), runs)


def values(files, depth, name, reading="corrected"):
    """The curves of a depth in the files, (seeds, epochs), from epoch 1."""
    chosen = [file for file in files if file["experiment"]["config"]["depth"] == depth]
    assert len(chosen) == len(SEEDS)
    return np.array(
        [
            [
                entry["metrics"][reading][name] if name in METRICS else entry[name]
                for entry in file["history"][1:]
            ]
            for file in chosen
        ]
    )


def vertices(axis, color):
    """Heights of the band of a colour, the lower ones and the upper ones at each epoch."""
    (area,) = [
        area
        for area in axis.collections
        if to_hex(area.get_facecolor()[0]) == color and hasattr(area, "get_paths")
    ]
    points = area.get_paths()[0].vertices
    return [
        (points[points[:, 0] == epoch, 1].min(), points[points[:, 0] == epoch, 1].max())
        for epoch in EPOCHS[1:]
    ]


class TestBand:
    def test_least_median_and_largest(self, results):
        runs, files = results
        drawn = band([run for run in runs if run.experiment.config.depth == 3], "nc2_h")
        expected = values(files, 3, "nc2_h")
        np.testing.assert_array_equal(drawn.epochs, EPOCHS)
        np.testing.assert_allclose(drawn.low[1:], expected.min(axis=0), rtol=1e-12)
        np.testing.assert_allclose(drawn.middle[1:], np.sort(expected, axis=0)[1], rtol=1e-12)
        np.testing.assert_allclose(drawn.high[1:], expected.max(axis=0), rtol=1e-12)

    def test_histories_of_other_epochs_are_refused(self):
        with pytest.raises(ValueError, match="same epochs in their histories"):
            band([made(), made(epochs=[0, 1, 3])], "nc1")


class TestTrainingCurves:
    @pytest.mark.parametrize("reading", ["corrected", "as_printed"])
    def test_a_line_and_a_band_for_each_depth(self, results, reading):
        runs, files = results
        axes = figures.training_curves(runs, reading).axes
        assert len(axes) == len(METRICS) + 1
        for axis, name in zip(axes, [*METRICS, "train_accuracy"], strict=True):
            for depth in (1, 3):
                color = style.DEPTH_COLORS[depth]
                (line,) = lines_with(axis, color=color)
                expected = values(files, depth, name, reading)
                np.testing.assert_array_equal(line.get_xdata(), EPOCHS[1:])
                np.testing.assert_allclose(line.get_ydata(), np.median(expected, axis=0))
                low, high = np.transpose(vertices(axis, color))
                np.testing.assert_allclose(low, expected.min(axis=0))
                np.testing.assert_allclose(high, expected.max(axis=0))
            assert axis.get_xscale() == "log"
            assert axis.get_yscale() == ("log" if name in METRICS else "linear")

    def test_without_results_the_panels_are_empty(self):
        assert not any(axis.lines for axis in figures.training_curves([]).axes)


def test_two_readings_share_an_axis_and_floors_stand_in_the_printed_one(results):
    runs, files = results
    above, below = figures.two_readings(runs, "nc2_wh", {1: 0.2, 3: 0.4}).axes
    for axis, reading in ((above, "as_printed"), (below, "corrected")):
        for depth in (1, 3):
            (line,) = lines_with(axis, color=style.DEPTH_COLORS[depth], linestyle="-")
            expected = np.median(values(files, depth, "nc2_wh", reading), axis=0)
            np.testing.assert_allclose(line.get_ydata(), expected)
    floors = {line.get_color(): line.get_ydata()[0] for line in lines_with(above, linestyle=":")}
    assert floors == {style.DEPTH_COLORS[1]: 0.2, style.DEPTH_COLORS[3]: 0.4}
    assert not lines_with(below, linestyle=":")
    assert above.get_ylim() == below.get_ylim()
    assert "as printed" in above.get_title(loc="left")


def test_singular_values_stand_beside_those_of_the_theorem(results):
    runs, files = results
    axes = figures.predicted_singular_values(runs).axes
    # Theorem 4.3 in the paper's variables, from a dense decomposition.
    n = np.array(runs[0].experiment.counts.n)
    N, lam_W, lam_H = n.sum(), 5e-4, 1e-4
    kappa = np.linalg.svd(nc.effective_label_matrix(n), compute_uv=False)
    for place, depth in enumerate((1, 3)):
        alpha = depth * N / kappa[:3] ** 2 * (N * lam_H * lam_W**depth) ** (1 / depth)
        x = np.append(nc.theory.lemma_a2_minimizer(alpha, depth), 0)
        s = x**depth / (1 + x**depth)
        expected = (
            np.sqrt(N * lam_H * s / (1 - s)),
            np.sqrt(s * (1 - s) / (N * lam_H)) * kappa,
            s * kappa,
        )
        for axis, exact, name in zip(
            axes, expected, ("product", "features", "prediction"), strict=True
        ):
            heights = [segment[0, 1] for segment in axis.collections[place].get_segments()]
            np.testing.assert_allclose(heights, exact, rtol=1e-9, atol=1e-12)
            marks = lines_with(axis, color=style.DEPTH_COLORS[depth])
            chosen = [file for file in files if file["experiment"]["config"]["depth"] == depth]
            for mark, file in zip(marks, chosen, strict=True):
                measured = file["history"][-1]["singular_values"][name]
                np.testing.assert_allclose(mark.get_ydata(), measured)


def test_mode_paths_tell_living_modes_from_dead_ones(tmp_path):
    (run,), (file,) = stored(tmp_path, [made(alive=2)])
    (axis,) = figures.mode_paths({"title": run}).axes
    kappa = np.linalg.svd(nc.effective_label_matrix(run.experiment.counts), compute_uv=False)
    z = np.array([entry["singular_values"]["prediction"] for entry in file["history"][1:]])
    paths = [line for line in axis.lines if len(line.get_xdata()) == len(EPOCHS) - 1]
    assert len(paths) == 3  # not the null mode
    for k, (line, color) in enumerate(zip(paths, [style.DESCENT] * 2 + [style.DEAD], strict=True)):
        np.testing.assert_allclose(line.get_ydata(), z[:, k] / kappa[k], rtol=1e-6)
        assert line.get_color() == color
    arrows = [line.get_ydata()[0] for line in lines_with(axis, marker="<")]
    np.testing.assert_allclose(arrows, run.experiment.minimizer.s[:3])
    points = axis.collections[0].get_paths()[0].vertices
    tops = [points[points[:, 0] == epoch, 1].max() for epoch in EPOCHS[1:]]
    np.testing.assert_allclose(tops, [0.2, 0.4, 1, 1])


def test_gaps_to_the_global_minimum_and_to_the_one_that_was_reached(tmp_path):
    runs, files = stored(tmp_path, [made(seed=0, alive=1), made(seed=1), made(bias=False, depth=1)])
    (axis,) = figures.gaps(runs).axes
    titles = [label.get_text() for label in axis.get_yticklabels()]
    assert titles == ["digits, bias, L = 3", "digits, no bias, L = 1"]
    hollow = [line for line in axis.lines if line.get_markerfacecolor() == style.PAPER]
    rings = [line.get_xdata()[0] for line in hollow]
    marks = [
        line.get_xdata()[0]
        for line in axis.lines
        if line.get_color() in style.DEPTH_COLORS.values()
    ]
    files = [*files[1:], files[0]]  # the rows begin with those with a bias
    assert rings == [file["history"][-1]["gap"] for file in files]
    assert marks == [file["reached"]["gap"] for file in files]
    assert rings[0] > 2 * marks[0]
    texts = [text.get_text() for text in axis.texts]
    assert texts == ["1, 3 of 3", "4 of 4"]


def test_without_runs_there_are_no_gaps():
    (axis,) = figures.gaps([]).axes
    assert not axis.lines
    assert axis.get_ylim() == (0.5, -0.5)


def test_runs_of_other_data_have_another_dash_and_shares_are_percents(tmp_path):
    runs, _ = stored(tmp_path, [made(seed=0), made(seed=1, bias=False)])
    figure = compare_runs(runs)
    for axis in figure.axes:
        assert sorted(line.get_linestyle() for line in axis.lines) == ["-", "--"]
    assert figure.axes[-1].yaxis.get_major_formatter()(0.5) == "50.0%"
    for axis in figure.axes[:6]:
        assert not axis.xaxis.get_tick_params()["labelbottom"]


def test_a_gap_of_zero_is_drawn_as_the_smallest_that_is_shown(tmp_path):
    """A run that is at its minimum to the last bit, or by rounding below it."""
    (run,), _ = stored(tmp_path, [made()])
    run.history[-1]["gap"] = 0.0
    run.reached["gap"] = -1e-16
    (axis,) = figures.gaps([run]).axes
    assert axis.get_xscale() == "log"
    drawn = np.concatenate([line.get_xdata() for line in axis.lines])
    assert drawn.tolist() == [1e-9] * 4  # the link between the two, the ring and the mark


def test_curves_begin_after_epoch_0_and_leave_out_zeros(tmp_path):
    """compare_runs: a logarithmic axis has no place for epoch 0, nor for a metric that is 0."""
    result = made()
    corrected = [entry["metrics"]["corrected"] for entry in result.history]
    corrected[2]["nc1"], corrected[3]["nc1"], corrected[4]["nc3"] = 0.0, -1e-18, 0.0
    result.history[1]["gap"] = 0.0
    result.history[0]["train_accuracy"] = 0.0
    (run,), (file,) = stored(tmp_path, [result])
    panels = dict(zip((name for name, _ in PANELS), compare_runs([run]).axes, strict=True))
    for name, axis in panels.items():
        (line,) = axis.lines
        x, y = line.get_data()
        assert axis.get_xscale() == "log"
        assert (x > 0).all()
        np.testing.assert_array_equal(x[1:], EPOCHS[1:])
        entries = file["history"]
        seen = [e["metrics"]["corrected"][name] if name in METRICS else e[name] for e in entries]
        if name.endswith("accuracy"):  # a share may be 0: its axis is no logarithm
            assert axis.get_yscale() == "linear"
            np.testing.assert_array_equal(y, seen)
        else:
            assert axis.get_yscale() == "log"
            np.testing.assert_array_equal(y, [value if value > 0 else np.nan for value in seen])
    nothing = {
        name: int(np.isnan(axis.lines[0].get_ydata()).sum()) for name, axis in panels.items()
    }
    assert {name: number for name, number in nothing.items() if number} == {
        "nc1": 2,
        "nc3": 1,
        "gap": 1,
    }


def test_zeros_of_metrics_and_gaps_are_no_fall_to_the_foot_of_the_axis(tmp_path):
    """Where all seeds have one; an accuracy of 0 is there, on an axis that has 0."""
    result = made()
    for entry, reading in ((2, "corrected"), (3, "as_printed")):
        metrics = result.history[entry]["metrics"][reading]
        metrics.update(dict.fromkeys(metrics, 0.0))
    result.history[4]["gap"] = -1e-16
    result.history[1]["train_accuracy"] = 0.0
    (run,), _ = stored(tmp_path, [result])
    *metrics, accuracy = figures.training_curves([run]).axes
    printed, corrected = figures.two_readings([run], "nc3").axes
    nc1, gap, share = figures.compared_curves({"a": [run]}, ["nc1", "gap", "train_accuracy"]).axes
    for axes, left_out in (
        ([*metrics, corrected, nc1], 2),
        ([printed], 3),
        ([gap], 4),
        ([accuracy, share], None),
    ):
        for axis in axes:
            (line,), (area,) = axis.lines, axis.collections
            missing = np.flatnonzero(np.isnan(line.get_ydata())) + 1
            assert missing.tolist() == ([] if left_out is None else [left_out])
            assert axis.get_yscale() == ("linear" if left_out is None else "log")
            drawn = np.concatenate([path.vertices for path in area.get_paths()])
            assert ((drawn[:, 1] > 0) | (left_out is None)).all()
    assert accuracy.lines[0].get_ydata()[0] == 0


def test_shares_count_the_runs_at_the_global_minimum(tmp_path):
    runs, files = stored(
        tmp_path, [made(seed=0, alive=1), made(seed=1), made(seed=2), made(seed=0, bias=False)]
    )
    (axis,) = figures.global_shares(
        {"a": runs, "b": [run for run in runs if run.final["alive"] == 1]}
    ).axes
    reached = [file["reached"]["is_global"] for file in files]
    assert sorted(reached) == [False, True, True, True]
    assert [bar.get_width() for bar in axis.patches] == pytest.approx([2 / 3, 1, 0])
    assert [text.get_text() for text in axis.texts] == ["2 of 3", "1 of 1", "0 of 1"]
    colors = [to_hex(bar.get_facecolor()) for bar in axis.patches]
    assert colors == [style.CLOSED_FORM, style.CLOSED_FORM, style.DESCENT]


def test_accuracy_of_each_class_and_the_mean_of_equal_counts(tmp_path):
    runs, files = stored(tmp_path, [made(seed=seed, level=seed + 1.0) for seed in SEEDS])
    figure = figures.accuracy_against_count({"a": runs, "b": [], "c": []})
    axis, empty, last = figure.axes
    assert (empty.get_xlabel(), last.get_xlabel()) == ("", "training images of the class")
    classes, means = axis.lines
    seen = np.array([file["history"][-1]["test_accuracy_per_class"] for file in files])
    median = np.sort(seen, axis=0)[1]
    np.testing.assert_array_equal(classes.get_xdata(), [60, 30, 30, 12])
    np.testing.assert_allclose(classes.get_ydata(), median)
    np.testing.assert_array_equal(means.get_xdata(), [60, 30, 12])
    expected = [median[0], (median[1] + median[2]) / 2, median[3]]
    np.testing.assert_allclose(means.get_ydata(), expected)
    assert not empty.lines


def test_compared_curves_draw_both_kinds(tmp_path):
    runs, files = stored(tmp_path, [made(level=0.1), made(level=0.2, head="relu")])
    linear = [run for run in runs if run.experiment.config.head == "linear"]
    relu = [run for run in runs if run.experiment.config.head == "relu"]
    axes = figures.compared_curves({"linear": linear, "relu": relu}, ["nc1", "gap"]).axes
    for axis, read in zip(
        axes,
        (lambda entry: entry["metrics"]["corrected"]["nc1"], lambda entry: entry["gap"]),
        strict=True,
    ):
        colors = {"linear": style.CLOSED_FORM, "relu": style.DESCENT}
        for file in files:
            color = colors[file["experiment"]["config"]["head"]]
            (line,) = lines_with(axis, color=color)
            expected = [read(entry) for entry in file["history"][1:]]
            np.testing.assert_allclose(line.get_ydata(), expected, rtol=1e-6)
    without = figures.compared_curves({"linear": linear, "relu": []}, ["nc1"])
    assert len(without.axes[0].lines) == 1
