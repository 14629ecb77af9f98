"""Figures of the chapter on the proofs: what they draw, against values worked out apart."""

import numpy as np
import pytest
from drawn import lines_with

import nclib as nc
from nclib.theory.problem import ObjectiveParts
from nclib.views import figures, style

pytestmark = pytest.mark.usefixtures("as_listed")


def texts(axis):
    return [text.get_text() for text in axis.texts]


def test_staircase_has_a_bar_for_each_value_and_what_each_step_took():
    axis = figures.staircase({"start": 4.0, "middle": 3.0, "end": 0.5}).axes[0]
    bars = [(bar.get_x(), bar.get_width()) for bar in axis.patches]
    assert bars == [(0, 4.0), (0, 3.0), (3.0, 1.0), (0, 0.5), (0.5, 2.5)]
    assert texts(axis) == ["start", "4.000", "middle", "3.000", "end", "0.500"]
    assert axis.get_ylim()[0] > axis.get_ylim()[1]  # the start is on top


def test_splitting_path_stacks_the_parts_from_the_core_up():
    share = np.array([0.0, 1.0])
    parts = [ObjectiveParts(1.0, 3.0, 0.5, 2.0), ObjectiveParts(1.0, 0.0, 0.0, 0.0)]
    axis = figures.splitting_path(share, parts).axes[0]
    tops = [max(area.get_paths()[0].vertices[:, 1]) for area in axis.collections]
    assert tops == [1.0, 4.0, 4.5, 6.5]
    heights = dict(zip(texts(axis), [text.get_position()[1] for text in axis.texts], strict=True))
    assert heights == {
        "core": 0.5,
        "spread of the samples": 2.5,
        "global mean": 4.25,
        "bias": 5.5,
    }


def test_product_price_puts_points_on_the_hyperbola_and_on_their_ellipses():
    axis = figures.product_price(9.0, {"best": (3.0, 1 / 3), "other": (1.0, 1.0)}).axes[0]
    (hyperbola,) = lines_with(axis, color=style.LABELS)
    w, e = hyperbola.get_data()
    np.testing.assert_allclose(w * e, 1.0)
    (best,) = lines_with(axis, marker="o")
    assert best.get_xydata().tolist() == [[3.0, 1 / 3]]
    for line, cost in zip(
        [line for line in axis.lines if len(line.get_xdata()) == 300],
        (1.0, (1 / 9 + 9) / 2),
        strict=True,
    ):
        x, y = line.get_data()
        np.testing.assert_allclose((x**2 / 9 + 9 * y**2) / 2, cost)
    assert {"best: 1.00", "other: 4.56"} <= set(texts(axis))


def test_shared_penalty_marks_where_both_pay_the_same():
    t = np.geomspace(0.25, 4, 401)
    axis = figures.shared_penalty(t, {"one": 2 * t**2, "two": 2 / t**2}).axes[0]
    (point,) = lines_with(axis, marker="o")
    np.testing.assert_allclose(point.get_xydata(), [[1.0, 4.0]], atol=1e-12)
    names = [text.get_text() for text in axis.get_legend().get_texts()]
    assert names == ["one", "two", "sum"]


def test_trace_by_angle_draws_all_traces_under_the_bound():
    degrees = np.array([0.0, 90.0, 180.0])
    together, apart = np.array([6.5, 3.5, 6.5]), np.array([[1.0, -2.0], [3.0, 0.0], [4.0, 6.0]])
    axis = figures.trace_by_angle(degrees, together, apart, 6.5).axes[0]
    (curve,) = lines_with(axis, color=style.INK, linestyle="-")
    np.testing.assert_array_equal(curve.get_xydata(), np.stack([degrees, together], axis=1))
    dots = np.stack([line.get_ydata() for line in lines_with(axis, marker=".")], axis=1)
    np.testing.assert_array_equal(dots, apart)
    (bound,) = lines_with(axis, linestyle="--")
    assert set(bound.get_ydata()) == {6.5}


def test_marginal_costs_cross_at_the_markers():
    """N = 2: the gain is (kappa - z)/2, the price Lambda^(1/(L+1)) z^((1-L)/(1+L))."""
    kappa = np.sqrt(2.0)
    problems = [nc.Problem([1, 1], depth, lambda_W=0.1, lambda_H=0.1) for depth in (1, 2)]
    axes = figures.marginal_costs(kappa, problems).axes
    (line,) = lines_with(axes[0], color=style.DEPTH_COLORS[1])
    np.testing.assert_allclose(line.get_ydata(), 0.1)
    (gain,) = lines_with(axes[0], linestyle="--")
    z, drawn = gain.get_data()
    np.testing.assert_allclose(drawn, (kappa - z) / 2, atol=1e-12)
    (valley,) = lines_with(axes[0], marker="o")
    assert valley.get_xdata() == pytest.approx(kappa - 0.2)
    (line,) = lines_with(axes[1], color=style.DEPTH_COLORS[2])
    z, drawn = (values[100:] for values in line.get_data())
    np.testing.assert_allclose(drawn, 0.1 * z ** (-1 / 3), rtol=1e-4)
    for marker in ("o", "^"):
        (point,) = lines_with(axes[1], marker=marker)
        at = float(point.get_xdata()[0])
        assert (kappa - at) / 2 == pytest.approx(0.1 * at ** (-1 / 3), rel=1e-9)
        assert float(point.get_ydata()[0]) == pytest.approx((kappa - at) / 2, abs=1e-9)


def test_lemma_roots_branches_solve_the_equation_and_meet_at_the_top():
    L = 3
    above, below = figures.lemma_roots(L, (0.5, 2.0)).axes
    hill, valley = (line for line in above.lines if line.get_label().startswith(("hill", "valley")))
    for branch in (hill, valley):
        x, alpha = branch.get_data()
        np.testing.assert_allclose(L * x ** (L - 1) / (x**L + 1) ** 2, alpha, rtol=1e-10)
    assert (hill.get_xdata() < valley.get_xdata()).all()
    assert valley.get_xdata()[-1] - hill.get_xdata()[-1] < 1e-3
    assert valley.get_ydata()[-1] == pytest.approx(0.8399, abs=5e-5)
    # at half the threshold a hill and a valley, at twice the threshold neither
    assert len(lines_with(below, marker="^")) == len(lines_with(below, marker="o")) == 1
    alpha = 0.5 * 2 ** (2 / 3) / 3
    (point,) = lines_with(below, marker="o")
    ((x, g),) = point.get_xydata()
    assert alpha == pytest.approx(L * x ** (L - 1) / (x**L + 1) ** 2)
    assert g == pytest.approx(1 / (x**L + 1) + alpha * x)


def test_characteristic_polynomial_has_its_signs_at_the_counts_and_its_roots_between():
    # n = (4, 1, 1): f(t) = t (t - 2), f(4) = 8, f(1) = -1.
    axis = figures.characteristic_polynomial(nc.Spectrum(nc.ClassCounts([4, 1, 1]))).axes[0]
    (rings,) = [line for line in axis.lines if line.get_markerfacecolor() == style.PAPER]
    np.testing.assert_allclose(rings.get_xydata(), [[2.0, 0.0], [0.0, 0.0]])
    dots = [line.get_xydata()[0] for line in lines_with(axis, marker="o", color=style.DESCENT)]
    np.testing.assert_allclose(dots, [[4.0, 1.0], [1.0, -1 / 8]])
    assert texts(axis) == ["+", "−"]
    (curve,) = lines_with(axis, color=style.INK)
    t, f = curve.get_data()
    np.testing.assert_allclose(f, t * (t - 2) / 8, atol=1e-12)
