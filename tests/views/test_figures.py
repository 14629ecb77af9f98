"""The figures draw what the theory says: every expected value here is worked out apart from it."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from drawn import lines_with

import nclib as nc
from nclib.views import figures, style
from nclib.views.listing import listing

pytestmark = pytest.mark.usefixtures("as_listed")


def xy(lines):
    return {
        (round(float(x), 6), round(float(y), 6))
        for line in lines
        for x, y in [*zip(*line.get_data(), strict=True)]
    }


def test_survival_map_ends_each_row_where_its_mode_dies():
    # One layer: mode k dies at lambda = kappa_k / N; balanced classes have kappa = sqrt(n).
    counts = nc.ClassCounts([400, 400, 400])
    figure = figures.survival_map(counts, depths=(1,), lambdas=(1e-3, 1e-1))
    (mesh,) = figure.axes[0].collections
    table = np.ma.filled(mesh.get_array().astype(float), np.nan).reshape(2, -1)
    grid = np.geomspace(1e-3, 1e-1, table.shape[1])
    expected = np.where(grid < 20 / 1200, 1 - grid * 1200 / 20, np.nan)
    for row in table:
        np.testing.assert_allclose(row, expected, rtol=1e-9)


def test_survival_map_has_a_panel_for_each_depth_and_no_row_for_the_null_mode():
    figure = figures.survival_map(nc.ClassCounts.cifar10_paper(), depths=(1, 3, 6))
    panels = figure.axes[:3]
    assert [panel.get_title(loc="left") for panel in panels] == [
        "1 linear layer",
        "3 linear layers",
        "6 linear layers",
    ]
    assert panels[0].get_ylim() == (9.5, 0.5)


def test_lemma_curves_mark_the_tie():
    # At the threshold, three layers: 0 and 2^(1/3) are both lowest, with g = 1.
    figure = figures.lemma_curves(3)
    marks = xy(lines_with(figure.axes[0], marker="o"))
    assert (0.0, 1.0) in marks
    assert any(abs(x - 2 ** (1 / 3)) < 1e-4 and abs(y - 1) < 1e-4 for x, y in marks)
    assert len(marks) == 3  # alive, and the two of the tie; above it the same 0 again


def test_lemma_curves_for_one_layer_have_no_valley():
    # L = 1: the lowest point is 1 / sqrt(alpha) - 1 for alpha < 1, else 0.
    figure = figures.lemma_curves(1, factors=(0.25, 1.5))
    assert xy(lines_with(figure.axes[0], marker="o")) == {(1.0, 0.75), (0.0, 1.0)}


def test_lemma_curves_for_one_layer_have_no_tie():
    figure = figures.lemma_curves(1, factors=(1.0,))
    assert xy(lines_with(figure.axes[0], marker="o")) == {(0.0, 1.0)}
    assert len(lines_with(figure.axes[0], marker="o")) == 1


def test_every_depth_of_the_book_has_a_mark_of_its_own():
    marks = [line for line in figures.shrink_curves().axes[0].lines if len(line.get_xdata()) == 1]
    drawn = {float(line.get_ydata()[0]): line.get_marker() for line in marks}
    assert drawn.keys() == {0, 1 / 2, 2 / 3, 5 / 6}
    assert len(set(drawn.values())) == 4


def test_defaults_are_those_of_the_docstrings():
    found = 0
    for name in figures.__all__:
        draw = getattr(figures, name)
        for parameter in inspect.signature(draw).parameters.values():
            said = re.search(rf"\b{parameter.name} : .*, default (.+)", inspect.getdoc(draw))
            if said:
                assert ast.literal_eval(said[1]) == parameter.default, (name, parameter.name)
                found += 1
    assert found > 10


def test_shrink_curves_are_soft_for_one_layer_and_jump_for_more():
    figure = figures.shrink_curves((1, 2, 3))
    axis = figure.axes[0]
    for line in lines_with(axis, color=style.DEPTH_COLORS[1], linestyle="-", marker="None"):
        kappa, z = line.get_data()
        np.testing.assert_allclose(z, np.maximum(kappa - 1, 0), atol=1e-9)
    for depth in (2, 3):
        curves = lines_with(axis, color=style.DEPTH_COLORS[depth], linestyle="-", marker="None")
        ends = [line.get_ydata()[0] for line in curves if line.get_ydata()[0] > 0]
        assert ends == [pytest.approx((depth - 1) / depth, abs=0.02)]


def test_mode_spectra_show_kept_and_dead_modes():
    # Balanced, one layer: z = sqrt(n) - N sqrt(lambda_W lambda_H).
    problems = [nc.Problem([100, 100, 100], 1, lambda_W=lam, lambda_H=lam) for lam in (0.01, 0.04)]
    figure = figures.mode_spectra([nc.global_minimizer(p) for p in problems], "three classes")
    alive, dead = figure.axes[:2]
    assert xy(lines_with(alive, color=style.DEPTH_COLORS[1])) == {(1, 7.0), (2, 7.0)}
    assert not lines_with(alive, marker="x")
    assert xy(lines_with(dead, marker="x")) == {(1, 0.0), (2, 0.0)}
    assert dead.get_title(loc="left") == "1 layer: 0 of 2 modes alive"


def test_descent_path_shows_the_path_and_the_closed_form():
    problem = nc.Problem([4, 4], 1, bias=False, lambda_W=0.05, lambda_H=0.05)
    found = nc.descend(problem)
    below = figures.descent_path(found).axes[1]
    marks = lines_with(below, marker="<")[0].get_ydata()
    np.testing.assert_allclose(marks, 2 - 8 * 0.05)
    ends = [line.get_ydata()[-1] for line in lines_with(below, color=style.DESCENT)]
    np.testing.assert_allclose(ends, 2 - 8 * 0.05, rtol=1e-6)


@pytest.mark.descends
def test_descent_path_shows_the_centred_prediction_of_a_head_with_a_bias():
    """On the way, where the mean of the features is not 0 yet: dense, over all samples."""
    problem = nc.Problem([5, 3, 2], 1, lambda_W=0.02, lambda_H=0.02)
    found = nc.descend(problem, starts=1, seed=1, max_steps=2)
    above, below = figures.descent_path(found).axes
    label = np.repeat(np.arange(3), [5, 3, 2])
    means = np.stack([found.H[:, label == k].mean(axis=1) for k in range(3)], axis=1)[:, label]
    logits = found.Ws[0] @ means
    plain = np.linalg.svd(logits, compute_uv=False)
    centred = np.linalg.svd(logits - logits.mean(axis=1, keepdims=True), compute_uv=False)
    assert np.abs(plain - centred).max() > 0.1
    paths = lines_with(below, color=style.DESCENT)
    ends = [line.get_ydata()[-1] for line in paths]
    np.testing.assert_allclose(ends, centred[:3], atol=1e-12)
    # What the closed form says stands to the right of where they end, near them.
    (marks,) = lines_with(below, marker="<")
    last = paths[0].get_xdata()[-1]
    assert all(last < x < 2 * last for x in marks.get_xdata())
    assert below.get_ylim() == pytest.approx((0, 1.6 * found.best.kappa[0]))
    # And the objective there: squared error and penalties written out.
    residual = found.Ws[0] @ found.H + found.b[:, None] - np.eye(3)[:, label]
    objective = 0.5 * np.sum(residual**2) / 10
    objective += 0.01 * (np.sum(found.Ws[0] ** 2) + np.sum(found.H**2))
    (gap,) = above.lines
    # Closed form by the one rule for one layer: every singular value of the centred labels loses
    # N sqrt(lambda_W lambda_H).
    kappa = np.linalg.svd(np.eye(3)[:, label] - [[0.5], [0.3], [0.2]], compute_uv=False)[:2]
    z = kappa - 10 * 0.02
    lowest = 0.5 * np.sum((kappa - z) ** 2) / 10 + 0.02 * np.sum(z)
    assert gap.get_ydata()[-1] == pytest.approx(objective - lowest, rel=1e-9)


@pytest.mark.descends
def test_the_listing_of_a_descent_is_the_same_on_whatever_way_it_went():
    """As on another CPU: other starts lead through other points, in more or fewer steps."""
    problem = nc.Problem([5, 3, 2], 1, lambda_W=0.02, lambda_H=0.02)
    ways = [nc.descend(problem, starts=1, seed=seed) for seed in (0, 1, 2)]
    assert len({found.path.step[-1] for found in ways}) > 1
    for draw in (figures.descent_path, figures.variability_path):
        assert len({listing(draw(found)) for found in ways}) == 1
    other = nc.descend(nc.Problem([5, 3, 2], 1, lambda_W=0.021, lambda_H=0.02), starts=1)
    assert listing(figures.descent_path(other)) != listing(figures.descent_path(ways[0]))


@pytest.mark.descends
def test_descent_paths_have_no_zero_on_their_logarithmic_axes():
    """What is 0, or by rounding below, is drawn as nearly 0: a logarithm has no place for it."""
    problem = nc.Problem([4, 4], 1, bias=False, lambda_W=0.05, lambda_H=0.05)
    found = nc.descend(problem, starts=1)
    below = found.best.objective - 1e-16
    path = replace(
        found.path,
        objective=np.append(found.path.objective[:-1], below),
        variability=np.append(found.path.variability[:-1], 0.0),
    )
    ended = replace(found, path=path)
    for axis in (figures.descent_path(ended).axes[0], figures.variability_path(ended).axes[0]):
        assert (axis.get_xscale(), axis.get_yscale()) == ("log", "log")
        (line,) = axis.lines
        x, y = line.get_data()
        assert x.tolist() == (found.path.step + 1).tolist()
        assert (x > 0).all()
        assert (y > 0).all()
        assert y[-1] < 1e-15
    class_means = nc.descend(problem, starts=1, class_means=True)
    (line,) = figures.variability_path(class_means).axes[0].lines
    assert (line.get_ydata() > 0).all()


def test_a_figure_leaves_the_callers_settings_alone():
    before = dict(mpl.rcParams)
    figures.lemma_curves(3)
    assert dict(mpl.rcParams) == before


def test_write_main_result_replaces_the_file_and_repeats_itself(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(b"old")
    figures.write_main_result(path)
    first = path.read_bytes()
    assert first.startswith(b"\x89PNG")
    figures.write_main_result(path)
    assert path.read_bytes() == first
    assert list(tmp_path.iterdir()) == [path]
