"""Critical points with cross-entropy: every kind against second derivatives taken otherwise."""

import numpy as np
import pytest
from scipy.special import logsumexp

import nclib as nc
from nclib.theory.related import critical_point, minimise_factors

COUNTS = {"balanced": (20, 20, 20, 20), "imbalanced": (40, 20, 10, 5), "groups": (30, 30, 3, 3)}
each_counts = pytest.mark.parametrize("n", COUNTS.values(), ids=COUNTS)
each_bias = pytest.mark.parametrize("bias", ["none", "free", "decayed"])


def problem(n, bias, lambda_W=0.02, lambda_H=0.004):
    return nc.LossProblem(n, nc.CrossEntropy(), bias=bias, lambda_W=lambda_W, lambda_H=lambda_H)


def objective(made, W, H, b):
    """Written out: mean cross-entropy and the penalties."""
    n = made.counts.n
    Z = W @ H + (0 if b is None else b[:, None])
    loss = n @ (logsumexp(Z, axis=0) - np.diag(Z)) / n.sum()
    penalties = made.lambda_W[0] * np.sum(W**2) + made.lambda_H * np.sum(H**2 @ n)
    return loss + penalties / 2 + (made.lambda_b or 0) / 2 * (0 if b is None else b @ b)


def least_eigenvalue(made, W, H, b):
    """Of the Hessian by head, means and bias, by differences of the gradient, dense."""
    shapes = [W.shape, H.shape] + ([] if b is None else [b.shape])
    sizes = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes)])
    x = np.concatenate([part.ravel() for part in (W, H, b) if part is not None])

    def gradient(x):
        parts = [
            x[low:high].reshape(shape)
            for low, high, shape in zip(sizes, sizes[1:], shapes, strict=False)
        ]
        (dW,), dH, db = made.gradient([parts[0]], parts[1], parts[2] if b is not None else None)
        return np.concatenate([part.ravel() for part in (dW, dH, db) if part is not None])

    step = 1e-5
    rows = [
        (gradient(x + step * one) - gradient(x - step * one)) / (2 * step) for one in np.eye(x.size)
    ]
    return float(np.linalg.eigvalsh((np.array(rows) + np.array(rows).T) / 2)[0])


@each_counts
@each_bias
def test_narrow_points_are_strict_saddles_and_wide_ones_global(n, bias, record_error):
    made = problem(n, bias)
    best = nc.loss_minimizer(made, tol=1e-12)
    for inner in (1, 2, 3, 5):
        W, H, b, value = minimise_factors(made, 5, inner=inner, seed=inner)
        point = critical_point(made, W, H, b)
        assert point.objective == pytest.approx(value, rel=1e-12)
        error = abs(objective(made, W, H, b) / value - 1)
        assert record_error("landscape: the objective written out", error, 1e-12)
        above = value / best.objective - 1
        assert point.is_global is bool(above < 1e-8)
        least = least_eigenvalue(made, W, H, b)
        if point.is_global:
            assert least > -1e-7
            assert point.direction is None
            continue
        dW, dH = point.direction
        assert np.sum(dW**2) + np.sum(dH**2) == pytest.approx(1, rel=1e-12)
        t = 1e-3
        values = [objective(made, W + s * dW, H + s * dH, b) for s in (-t, 0, t)]
        measured = (values[0] - 2 * values[1] + values[2]) / t**2
        error = abs(measured / point.curvature - 1)
        assert record_error("landscape: curvature against differences", error, 1e-3)
        assert least <= point.curvature * (1 - 1e-6)
        # and down it goes, as far as a tenth of the point itself
        size = 0.1 * np.linalg.norm(W)
        assert objective(made, W + size * dW, H + size * dH, b) < value


@each_bias
def test_the_origin_is_a_saddle_below_total_collapse_and_the_minimum_above(bias):
    n = np.array(COUNTS["imbalanced"])
    zero = np.zeros((4, 5)), np.zeros((5, 4))
    total = nc.theory.loss_collapse_factors(problem(n, bias, 1, 1)).total
    for factor, is_global in ((0.99, False), (1.01, True)):
        made = problem(n, bias, factor * total, factor * total)
        b = None
        if bias == "free":
            b = np.log(n / n.sum())
        if bias == "decayed":
            b = nc.loss_minimizer(problem(n, bias, 1.01 * total, 1.01 * total)).b
            if not is_global:
                continue  # its bias is another
        point = critical_point(made, *zero, b)
        assert point.is_global is is_global
        assert point.rank == 0


@pytest.mark.parametrize("seed", range(12))
def test_random_starts_end_at_the_optimum_whatever_the_counts(seed, record_error):
    """The benign landscape, seen: the free search against the certified optimum."""
    rng = np.random.default_rng(seed)
    n = rng.integers(1, rng.choice([4, 40]), rng.integers(2, 6), endpoint=True)
    bias = ("none", "free")[seed % 2]
    total = nc.theory.loss_collapse_factors(problem(n, bias, 1, 1)).total
    made = problem(n, bias, 0.3 * total, 0.2 * total)
    best = nc.loss_minimizer(made, tol=1e-12)
    found = minimise_factors(made, n.size + 1, seed=seed)
    error = abs(found.objective / best.objective - 1)
    assert record_error("landscape: random starts against the optimum", error, 1e-9)
    point = critical_point(made, *found[:3])
    assert point.is_global
    assert point.rank == best.alive


@pytest.mark.parametrize("gap", [1.0, 18.0])
def test_rank_and_tolerances_are_relative_to_the_size_of_a_solution(gap):
    """A simplex with logits ``gap (I - 11'/K)``, and the price that makes it the optimum by hand.

    With a gap of 18 the price is 2e-8, and so are the singular values that are not 0.
    """
    K = 3
    simplex = np.eye(K, K + 1) - np.eye(K, K + 1).sum(axis=0) / K
    price = 1 / (np.exp(gap) + K - 1)
    W, H = np.sqrt(gap) * simplex, np.sqrt(gap) * simplex.T
    made = problem((1,) * K, "none", price, price)
    point = critical_point(made, W, H)
    assert (point.is_global, point.rank, point.curvature) == (True, K - 1, 0)
    assert point.slope == pytest.approx(1, abs=1e-7)
    # A further dimension, in units of the largest singular value of both factors.
    along = np.outer(np.ones(K), np.eye(K + 1)[K]) * np.sqrt(2 * gap / K)
    assert critical_point(made, W + 0.5e-7 * along, H).rank == K - 1
    assert critical_point(made, W + 2e-7 * along, H).rank == K
    with pytest.raises(ValueError, match="must be a critical point"):
        critical_point(made, W + 1e-4 * along, H)


def test_the_gradient_that_is_refused_and_the_penalties_are_those_by_hand():
    zero_W, zero_H, W, H = np.zeros((2, 1)), np.zeros((1, 2)), np.array([[2], [0]]), np.ones((1, 2))
    # n = (3, 1), so that both logits' slopes are 1/4 in size: over sqrt(price), sqrt(lambda_W).
    at = {bias: problem((3, 1), bias, 0.04, 0.01) for bias in ("none", "free")}
    for bias, head, means, b, found in (
        ("free", zero_W, zero_H, [0, 0], "2.5, relative to penalties of 0"),
        ("none", zero_W, H, None, "2, relative to penalties of 0.2"),
        ("none", W, zero_H, None, "5.4, relative to penalties of 0.4"),
        ("none", W, H, None, "[0-9.]+, relative to penalties of 0.6"),
    ):
        with pytest.raises(ValueError, match=f"got a gradient of {found}$"):
            critical_point(at[bias], head, means, b)


def test_the_origin_of_the_squared_error_by_hand():
    """There the derivative by the product is -diag(sqrt(n)) / N."""
    made = nc.LossProblem([9, 4, 1], nc.SquaredError(), bias="none", lambda_W=0.2, lambda_H=0.05)
    point = critical_point(made, np.zeros((3, 1)), np.zeros((1, 3)))
    assert point.slope == pytest.approx(3 / (14 * 0.1), rel=1e-12)
    assert not point.is_global


def test_one_free_dimension_is_enough_for_the_way_down():
    made = problem(COUNTS["imbalanced"], "none")
    W, H, b, _ = minimise_factors(made, 2, inner=1)
    point = critical_point(made, W, H)
    dW, dH = point.direction
    t = 1e-3
    values = [objective(made, W + s * dW, H + s * dH, b) for s in (-t, 0, t)]
    measured = (values[0] - 2 * values[1] + values[2]) / t**2
    assert measured == pytest.approx(point.curvature, rel=1e-3)
    assert (point.rank, point.curvature < 0) == (1, True)


def test_class_weights_and_samplers_change_nothing_of_it():
    n = (40, 20, 10, 5)
    loss = nc.CrossEntropy(class_weights=1 / np.array(n), label_smoothing=0.1)
    sampler = nc.theory.Sampling("sqrt", feature_penalty="fixed")
    made = nc.LossProblem(n, loss, lambda_W=0.01, lambda_H=0.004, sampling=sampler)
    best = nc.loss_minimizer(made)
    narrow = critical_point(made, *minimise_factors(made, 5, inner=1)[:3])
    wide = critical_point(made, *minimise_factors(made, 5)[:3])
    assert not narrow.is_global
    assert narrow.curvature < 0
    assert wide.is_global
    assert wide.objective == pytest.approx(best.objective, rel=1e-9)


def test_what_is_refused():
    made = problem((3, 2, 1), "none")
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="must be a critical point"):
        critical_point(made, rng.standard_normal((3, 4)), rng.standard_normal((4, 3)))
    W, H, _, _ = minimise_factors(made, 1)
    with pytest.raises(ValueError, match="leave an inner dimension free"):
        critical_point(made, W, H)
    with pytest.raises(ValueError, match=r"H must have shape \(d, K\)"):
        critical_point(made, np.zeros((3, 4)), np.zeros((4, 6)))
    deep = nc.LossProblem([3, 2], nc.SquaredError(), 2, lambda_W=0.1, lambda_H=0.1)
    with pytest.raises(ValueError, match="one layer"):
        critical_point(deep, np.zeros((2, 4)), np.zeros((4, 2)))
    with pytest.raises(ValueError, match="one layer"):
        minimise_factors(deep, 2)
    for inner in (0, 3):
        with pytest.raises(ValueError, match="inner"):
            minimise_factors(made, 2, inner=inner)
    with pytest.raises(ValueError, match="width must be"):
        minimise_factors(made, 0)
