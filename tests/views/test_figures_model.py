"""The figures of the chapters on the model and Theorem 4.1, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import lines_with
from matplotlib.colors import to_rgba
from matplotlib.patches import FancyBboxPatch

import nclib as nc
from nclib.views import figures, style

pytestmark = pytest.mark.usefixtures("as_listed")


def points(lines):
    return [
        (pytest.approx(float(x), abs=1e-9), pytest.approx(float(y), abs=1e-9))
        for line in lines
        for x, y in zip(*line.get_data(), strict=True)
    ]


def test_model_sketch_goes_from_the_sample_to_the_output():
    (axis,) = figures.model_sketch().axes
    boxes = [patch for patch in axis.patches if isinstance(patch, FancyBboxPatch)]
    assert len(boxes) == 6
    heights = [box.get_y() for box in boxes]
    assert heights == sorted(heights, reverse=True)
    inside = [text.get_text() for text in axis.texts if text.get_ha() == "center"]
    assert [text for text in inside if text][::2] == [
        "a sample",
        "left out: as if it could make any features",
        r"free variables, penalty $\lambda_H$",
        r"penalties $\lambda_{W_1}, \dots, \lambda_{W_L}$",
        "no penalty",
        r"compared with the labels $Y$: squared error",
    ]


def test_spread_cost_marks_the_samples_and_their_mean():
    spread = np.linspace(-1, 2, 31)
    (axis,) = figures.spread_cost(spread, 3 + 2 * spread**2).axes
    assert points(lines_with(axis, marker="o")) == [(1.0, 5.0), (0.0, 3.0)]


def test_spread_cost_needs_both_marks():
    with pytest.raises(IndexError):
        figures.spread_cost(np.array([0.0, 0.5]), np.zeros(2))


def test_variability_path_shows_the_whole_path():
    problem = nc.Problem([3, 2], 1, bias=False, lambda_W=0.05, lambda_H=0.05)
    found = nc.descend(problem, starts=1)
    (line,) = figures.variability_path(found).axes[0].lines
    step, share = line.get_data()
    assert step[0] == 1
    assert step[-1] == found.path.step[-1] + 1
    # Five features in two classes: neither all the same nor collapsed at the start.
    assert 0.05 < share[0] < 1
    assert share[-1] < 1e-9


def test_label_matrices_share_one_scale():
    # n = (9, 1): D = diag(3, 1); with a bias [[.3, -.9], [-.3, .9]].
    counts = nc.ClassCounts([9, 1])
    figure = figures.label_matrices(
        nc.effective_label_matrix(counts, bias=False), nc.effective_label_matrix(counts)
    )
    images = [axis.images[0] for axis in figure.axes[:2]]
    np.testing.assert_allclose(images[0].get_array(), [[3, 0], [0, 1]])
    np.testing.assert_allclose(images[1].get_array(), [[0.3, -0.9], [-0.3, 0.9]])
    assert [image.get_clim() for image in images] == [(-3, 3), (-3, 3)]


def test_scalar_costs_mark_the_lowest_point():
    # One layer, N = 8: (2 - z)^2 / 16 + 0.05 z is least at z = 2 - 8 * 0.05.
    # Two layers, every lambda 1: the price is far too high, so the mode is dead.
    cheap = nc.Problem([4, 4], 1, lambda_W=0.05, lambda_H=0.05)
    dear = nc.Problem([4, 4], 2, lambda_W=1, lambda_H=1)
    first, second = figures.scalar_costs(2.0, [cheap, dear]).axes
    assert points(lines_with(first, marker="o")) == [(1.6, 0.4**2 / 16 + 0.05 * 1.6)]
    assert points(lines_with(second, marker="o", color=style.DEAD)) == [(0.0, 0.25)]


def test_scalar_costs_add_misfit_and_penalty():
    problem = nc.Problem([4, 4], 3, lambda_W=0.01, lambda_H=0.01)
    (axis,) = figures.scalar_costs(2.0, [problem]).axes
    (misfit,) = lines_with(axis, linestyle="--")
    (penalty,) = lines_with(axis, linestyle=":")
    (total,) = lines_with(axis, color=style.DEPTH_COLORS[3])
    z = total.get_xdata()
    np.testing.assert_allclose(misfit.get_ydata(), (2 - z) ** 2 / 16, atol=1e-15)
    # (L + 1) / 2 * Lambda^(1 / (L + 1)) * z^(2 / (L + 1)) with L = 3, Lambda = 1e-8
    np.testing.assert_allclose(penalty.get_ydata(), 2 * 0.01 * np.sqrt(z), atol=1e-15)
    np.testing.assert_allclose(total.get_ydata(), misfit.get_ydata() + penalty.get_ydata())


def test_sample_size_map_ends_each_row_where_more_data_kills_its_mode():
    # One layer, no bias, two equal classes: z / kappa = 1 - sqrt(2 N) lam.
    counts = nc.ClassCounts([50, 50])
    figure = figures.sample_size_map(counts, depths=(1,), lam=0.01, largest=100, bias=False)
    (mesh,) = figure.axes[0].collections
    table = np.ma.filled(mesh.get_array().astype(float), np.nan).reshape(2, -1)
    N = 100 * np.unique(np.geomspace(1, 100, 200).astype(int))
    expected = np.where(N < 5000, 1 - np.sqrt(2 * N) * 0.01, np.nan)
    for row in table:
        np.testing.assert_allclose(row, expected, rtol=1e-9)
    assert figure.axes[0].get_xlim() == (100, 10_000)


def test_class_survival_has_a_row_for_each_class():
    # N = 130, N sqrt(lambda_W lambda_H) = 2.6: roots 10, 5, 2.236 become 7.4, 2.4 and nothing.
    counts = nc.ClassCounts([25, 100, 5], names=["b", "a", "c"])
    best = nc.global_minimizer(nc.Problem(counts, 1, bias=False, lambda_W=0.02, lambda_H=0.02))
    axis = figures.class_survival(best, 2.6, "three classes").axes[0]
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["a, 100", "b, 25", "c, 5"]
    assert points(lines_with(axis, color=style.DEPTH_COLORS[1])) == [(7.4, 0), (2.4, 1)]
    assert points(lines_with(axis, marker="x")) == [(0, 2)]
    rings = [line for line in axis.lines if line.get_markerfacecolor() == style.PAPER]
    assert points(rings) == [(10, 0), (5, 1), (np.sqrt(5), 2)]
    (threshold,) = lines_with(axis, linestyle="--")
    assert list(threshold.get_xdata()) == [2.6, 2.6]


def test_lengths_against_lambda_stop_where_a_class_dies():
    lambdas = np.array([0.1, 1.0, 10.0])
    rows = np.array([[3.0, 2.0], [2.0, 0.0], [1.0, 0.0]])
    figure = figures.lengths_against_lambda(lambdas, rows, rows / 2, ["a", "b"], "λ")
    for axis, factor in zip(figure.axes, (1, 0.5), strict=True):
        curves = lines_with(axis, linestyle="-")
        assert [list(line.get_ydata()) for line in curves] == [
            [3 * factor, 2 * factor, factor],
            [2 * factor],
        ]
        assert points(lines_with(axis, marker="x")) == [(1.0, 0.0)]
        # The frequent class is the darker one.
        shades = [sum(to_rgba(line.get_color())[:3]) for line in curves]
        assert shades[0] < shades[1]


def test_lengths_against_count_tell_the_dead_from_the_living():
    n = np.array([100, 10, 1])
    curve = (np.array([1.0, 1000.0]), np.array([0.0, 5.0]), np.array([0.0, 1.0]))
    figure = figures.lengths_against_count(
        n, np.array([3.0, 1.0, 0.0]), np.array([0.5, 0.7, 0.0]), curve, 4.0
    )
    above, below = figure.axes
    assert points(lines_with(above, marker="o")) == [(100, 3), (10, 1)]
    assert points(lines_with(below, marker="o")) == [(100, 0.5), (10, 0.7)]
    for axis in (above, below):
        assert points(lines_with(axis, marker="x")) == [(1, 0)]
        (threshold,) = lines_with(axis, linestyle="--")
        assert list(threshold.get_xdata()) == [4.0, 4.0]
