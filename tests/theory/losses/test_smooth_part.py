"""The loss on groups of classes and its derivatives, against all classes written out."""

from dataclasses import replace

import numpy as np
import pytest
from torch_reference import random_problem

from nclib.theory.losses.certificate import best_bias, spectral_norm
from nclib.theory.losses.groups import Complement, Point, SmoothPart, _continued_diagonal
from nclib.theory.losses.objects import CrossEntropy, Sampling, SquaredError
from nclib.theory.losses.problem import LossProblem

each_seed = pytest.mark.parametrize("seed", range(24))


VECTOR = np.array([0.5, 0.5, 1.3, 2.0, 2.0, 2.0])
EVERYTHING = LossProblem(
    [9, 9, 4, 2, 2, 2],
    CrossEntropy(VECTOR, 0.1, 0.7, VECTOR[::-1].copy() / 3, VECTOR**2, 1 / VECTOR + 0.3),
    bias="decayed",
    lambda_W=0.02,
    lambda_H=0.01,
    lambda_b=0.05,
    sampling=Sampling("sqrt", "fixed"),
)
SQUARED = replace(EVERYTHING, loss=SquaredError(VECTOR, 0.1))


def made(seed, size=2.0):
    """A random problem, after two with all at once, its smooth part and a point of it."""
    rng = np.random.default_rng(5000 + seed)
    problem = (EVERYTHING, SQUARED)[seed] if seed < 2 else random_problem(rng)
    smooth = SmoothPart(problem.form)
    return problem, smooth, random_point(smooth, rng, size), rng


def random_point(smooth, rng, size=1.0):
    """Inner coordinates only where there are inner modes."""
    between, inner, bias = (size * rng.standard_normal(x.shape) for x in smooth.zero)
    return Point(between, np.where(smooth.form.has_inner, inner, 0.0), bias)


def written_out(problem, others, own):
    group = problem.group
    Z = others[np.ix_(group, group)]
    np.fill_diagonal(Z, own[group])
    return Z


@each_seed
def test_value_is_that_of_the_loss_on_all_classes(seed):
    problem, smooth, point, _ = made(seed)
    Z = written_out(problem, *smooth.logits(point))
    value = problem.loss.fit(Z, problem.counts, problem.drawn)
    b = smooth.bias(point)[problem.group]
    value += problem.bias_penalty / 2 * (b @ b)
    assert smooth.at(point).value == pytest.approx(value, rel=1e-12)


@each_seed
def test_modes_are_those_of_the_product_on_all_classes(seed):
    """And its coordinates are orthonormal: their squares sum to those of all entries."""
    problem, smooth, point, _ = made(seed)
    b = smooth.bias(point)[problem.group]
    Z = written_out(problem, *smooth.logits(point))
    T = (Z - b[:, None]) * np.sqrt(problem.feature_weight)
    modes = np.linalg.svd(T, compute_uv=False)
    between = np.linalg.svd(smooth.between(point), compute_uv=False)
    inner = np.repeat(np.abs(smooth.inner(point)), np.bincount(problem.group) - 1)
    expected = np.sort(np.concatenate([between, inner]))[::-1]
    np.testing.assert_allclose(modes, expected, atol=1e-12 * modes[0])
    cost = between.sum() + smooth.inner_cost @ np.abs(point.inner)
    assert cost == pytest.approx(modes.sum(), rel=1e-12)
    assert np.sum(point.between**2) + np.sum(point.inner**2) == pytest.approx(np.sum(T**2))
    assert point.bias @ point.bias == pytest.approx(smooth.bias_scale**2 * (b @ b))


@each_seed
def test_gradient_and_curvature_are_derivatives(seed):
    """By central differences, on the way of a random direction."""
    _, smooth, point, rng = made(seed, size=1.0)
    X, step = random_point(smooth, rng), 1e-5
    sides = [point.plus(X, sign * step) for sign in (1, -1)]
    values = [smooth.at(side).value for side in sides]
    local = smooth.at(point)
    slope = smooth.gradient(point, local.residual, local.own_residual)
    scale = np.sqrt(slope.dot(slope) * X.dot(X))
    difference = (values[0] - values[1]) / (2 * step)
    assert slope.dot(X) == pytest.approx(difference, abs=1e-7 * scale + 1e-9 * local.value)
    slopes = []
    for side in sides:
        there = smooth.at(side)
        slopes.append(smooth.gradient(side, there.residual, there.own_residual))
    bent = smooth.curvature(local, X)
    for found, one, other in zip(bent, *slopes, strict=True):
        expected = (one - other) / (2 * step)
        np.testing.assert_allclose(found, expected, atol=1e-6 * np.sqrt(bent.dot(bent)))


@each_seed
def test_curvature_by_the_bias_alone_is_its_block(seed):
    _, smooth, point, _ = made(seed)
    local = smooth.at(point)
    block = smooth.bias_curvature(local) if smooth.bias_size else np.zeros((0, 0))
    for j, e in enumerate(np.eye(smooth.bias_size)):
        X = smooth.zero._replace(bias=e)
        bent = smooth.curvature(local, X).bias
        np.testing.assert_allclose(block[j], bent, atol=1e-12 * np.abs(block).max())


@each_seed
def test_curvature_by_single_entries(seed):
    """Without a bias: what is left out then, softmax doesn't see."""
    problem, _, _, rng = made(seed)
    smooth = SmoothPart(replace(problem, bias="none", lambda_b=None).form)
    local = smooth.at(random_point(smooth, rng, 3.0))
    entries, inner = smooth.diagonal_curvature(local)
    G = smooth.form.G
    rounding = 1e-15 * (smooth.form.mass / smooth.form.scale**2).max()
    for a in range(G):
        for b in range(G):
            unit = np.zeros((G, G))
            unit[a, b] = 1.0
            X = smooth.zero._replace(between=smooth.left.drop(unit, axis=-2))
            bent = X.dot(smooth.curvature(local, X))
            assert entries[a, b] == pytest.approx(bent, rel=1e-8, abs=rounding)
        if smooth.form.has_inner[a]:
            X = smooth.zero._replace(inner=np.eye(G)[a])
            bent = X.dot(smooth.curvature(local, X))
            assert inner[a] == pytest.approx(bent, rel=1e-8, abs=rounding)


@each_seed
def test_several_points_at_once(seed):
    _, smooth, _, rng = made(seed)
    points = [random_point(smooth, rng) for _ in range(3)]
    several = Point(*(np.stack(parts) for parts in zip(*points, strict=True)))
    local = smooth.at(points[0])
    together = [*smooth.logits(several), smooth.bias(several), *smooth.curvature(local, several)]
    each = [[*smooth.logits(p), smooth.bias(p), *smooth.curvature(local, p)] for p in points]
    for found, expected in zip(together, zip(*each, strict=True), strict=True):
        np.testing.assert_allclose(found, np.stack(expected), rtol=1e-12, atol=1e-13)


@each_seed
def test_the_best_bias_is_found_from_far_away(seed):
    """Newton's full steps would leave softmax's curved part; shortened ones come back."""
    _, smooth, point, rng = made(seed, size=0.3)
    far = point._replace(bias=3 * smooth.bias_scale * rng.standard_normal(point.bias.shape))
    found, local = best_bias(smooth, far)
    np.testing.assert_array_equal(found.between, far.between)
    np.testing.assert_array_equal(found.inner, far.inner)
    slope = smooth.gradient(found, local.residual, local.own_residual).bias
    assert np.abs(slope).max(initial=0.0) < 1e-10
    assert local.value == smooth.at(found).value


@each_seed
def test_the_norm_of_a_derivative_is_that_on_all_classes(seed):
    """The largest singular value; of inner modes that are kept dead nothing is counted."""
    problem, smooth, point, _ = made(seed)
    values = np.linalg.svd(
        (written_out(problem, *smooth.logits(point)) - smooth.bias(point)[problem.group][:, None])
        * np.sqrt(problem.feature_weight),
        compute_uv=False,
    )
    # A point is as good as a derivative, but that the latter has the inner modes' number in it.
    assert spectral_norm(smooth, _as_slope(smooth, point)) == pytest.approx(values[0], rel=1e-12)
    alone = spectral_norm(smooth, _as_slope(smooth, point), np.ones(smooth.form.G, dtype=bool))
    expected = np.linalg.norm(smooth.between(point), 2)
    assert alone == pytest.approx(expected, rel=1e-12)


def _as_slope(smooth, point):
    return point._replace(inner=smooth.inner(point) * smooth.inner_cost)


@pytest.mark.parametrize(
    "vector", [[3.0, 0.0, 4.0], [-1.0, 2.0, 2.0], [0.0, 1.0, 0.0], [-2.0], [1.0, 1e-4, 0.0]]
)
def test_what_is_orthogonal_to_a_vector(vector):
    vector = np.array(vector)
    rest = Complement(vector, vector.size)
    assert rest.size == vector.size - 1
    basis = rest.lift(np.eye(rest.size))
    np.testing.assert_allclose(basis @ basis.T, np.eye(rest.size), atol=1e-15)
    np.testing.assert_allclose(basis @ vector, 0, atol=1e-15)
    np.testing.assert_allclose(rest.lift(np.eye(rest.size), axis=-2), basis.T, atol=1e-15)
    y = np.arange(2.0 * vector.size).reshape(2, -1)
    np.testing.assert_allclose(rest.drop(y), y @ basis.T, atol=1e-14)
    np.testing.assert_allclose(rest.drop(y.T, axis=-2), basis @ y.T, atol=1e-14)


def test_of_no_vector_everything_is_orthogonal():
    everything, y = Complement(None, 3), np.arange(6.0).reshape(2, 3)
    assert everything.size == 3
    np.testing.assert_array_equal(everything.lift(y), y)
    np.testing.assert_array_equal(everything.drop(y), y)


def test_a_diagonal_is_continued_from_the_factors_of_rows_and_columns():
    """Exactly where each row's factor times its column's is the same number; at most 1."""
    factor = np.array([0.1, 0.2, 0.5, 1.0])
    for number, expected in ((0.05, 0.05), (3.0, 1.0)):
        p = number * np.outer(factor, 1 / factor)
        np.fill_diagonal(p, 0.7)
        np.testing.assert_allclose(_continued_diagonal(p), expected, rtol=1e-12)
    np.testing.assert_allclose(_continued_diagonal(np.zeros((3, 3))), 0.0, atol=1e-200)
    assert _continued_diagonal(np.array([[0.3]])) == 1.0


@pytest.mark.parametrize("loss", [CrossEntropy(), SquaredError(label_smoothing=0.1)])
def test_merged_groups_hold_all_classes(loss):
    """Neighbours go together; masses and all else are means over their classes."""
    n = np.array([90, 90, 70, 60, 60, 60, 40, 40])
    problem = LossProblem(n, loss, lambda_W=0.1, lambda_H=0.1)
    fewer, to = problem.form.merged(2)
    assert to.tolist() == [0, 0, 1, 1]
    assert fewer.size.tolist() == [3, 5]
    parts = (n[:3], n[3:])
    np.testing.assert_allclose(fewer.mass, [part.mean() / n.sum() for part in parts], rtol=1e-14)
    np.testing.assert_allclose(fewer.scale, [np.sqrt(part).mean() for part in parts], rtol=1e-14)
    np.testing.assert_allclose(fewer.total, 1.0, rtol=1e-14)


def test_two_classes_have_inner_modes_and_one_has_none():
    form = LossProblem([9, 8, 8, 7, 7, 7], CrossEntropy(), lambda_W=0.1, lambda_H=0.1).form
    assert form.has_inner.tolist() == [False, True, True]
    smooth = SmoothPart(form)
    point = smooth.zero._replace(inner=np.ones(3))
    assert smooth.inner(point).tolist() == pytest.approx([0, 1, 1 / np.sqrt(2)], rel=1e-15)


@each_seed
def test_what_nothing_depends_on_is_left_out(seed):
    """A shift that softmax does not see, and the features' mean where a free bias has its place."""
    problem, smooth, point, _ = made(seed)
    b = smooth.bias(point)[problem.group]
    product = written_out(problem, *smooth.logits(point)) - b[:, None]
    size = np.abs(product).max()
    if smooth.form.softmax:
        unseen = 1 / smooth.form.logit_factor[problem.group]
        np.testing.assert_allclose(unseen @ product, 0, atol=1e-12 * size)
        np.testing.assert_allclose(unseen @ b, 0, atol=1e-12)
    if problem.bias == "free":
        np.testing.assert_allclose(product @ problem.feature_weight, 0, atol=1e-10 * size)
    dimensions = smooth.form.G - smooth.form.softmax
    assert smooth.bias_size == (0 if problem.bias == "none" else dimensions)


@each_seed
def test_a_point_is_found_again_from_its_logits(seed):
    _, smooth, point, _ = made(seed)
    (others, own), b = smooth.logits(point), smooth.bias(point)
    again = smooth.point(others - b[:, None], own - b, b)
    for found, expected in zip(again, point, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_squares_and_steps_of_points():
    one = Point(np.array([[1.0, 2.0]]), np.array([3.0]), np.array([4.0]))
    other = Point(np.array([[5.0, 6.0]]), np.array([-1.0]), np.array([0.5]))
    assert one.dot(other) == 5 + 12 - 3 + 2
    moved = one.plus(other, 2.0)
    assert [x.tolist() for x in moved] == [[[11.0, 14.0]], [1.0], [5.0]]
    assert [x.tolist() for x in one.plus(other)] == [[[6.0, 8.0]], [2.0], [4.5]]
    assert [x.tolist() for x in one.times(-2.0)] == [[[-2.0, -4.0]], [-6.0], [-8.0]]
