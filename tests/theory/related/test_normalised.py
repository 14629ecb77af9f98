"""Normalised features and classifiers: gradient and Hessian by differences along great circles."""

import numpy as np
import pytest
from scipy.special import logsumexp

import nclib as nc
from nclib.theory.related import NormalisedProblem, constrained_minimizer, layer_peeled_problem

CASES = [((2, 2, 2), 3.0), ((2, 2, 2, 2), 8.0), ((4, 2, 1), 2.0)]
each_case = pytest.mark.parametrize(("n", "tau"), CASES)


def on_the_sphere(rng, d, columns):
    vectors = rng.standard_normal((d, columns))
    return vectors / np.linalg.norm(vectors, axis=0)


def moved(columns, direction, t):
    """Along great circles, for so long as the direction says."""
    length = np.linalg.norm(direction, axis=0)
    unit = np.divide(direction, length, out=np.zeros_like(direction), where=length > 0)
    return columns * np.cos(t * length) + unit * np.sin(t * length)


def loss(n, tau, W, H):
    labels = np.arange(len(n)) if H.shape[1] == len(n) else np.repeat(np.arange(len(n)), n)
    weight = np.array(n) / sum(n) if H.shape[1] == len(n) else np.full(sum(n), 1 / sum(n))
    Z = tau * W.T @ H
    return weight @ (logsumexp(Z, axis=0) - Z[labels, np.arange(labels.size)])


@each_case
@pytest.mark.parametrize("by_sample", [False, True])
def test_gradient_and_hessian_along_great_circles(n, tau, by_sample, record_error):
    rng = np.random.default_rng(1)
    made, K, d = NormalisedProblem(n, tau), len(n), 4
    W, H = on_the_sphere(rng, d, K), on_the_sphere(rng, d, sum(n) if by_sample else K)
    assert made.objective(W, H) == pytest.approx(loss(n, tau, W, H), rel=1e-13)
    dW, dH = made.gradient(W, H)
    hessian = made.hessian(W, H)
    assert np.abs(hessian - hessian.T).max() < 1e-12 * np.abs(hessian).max()
    for _ in range(5):
        step_W, step_H = rng.standard_normal(W.shape), rng.standard_normal(H.shape)
        step_W -= W * np.sum(W * step_W, axis=0)
        step_H -= H * np.sum(H * step_H, axis=0)

        def value(t, step_W=step_W, step_H=step_H):
            return loss(n, tau, moved(W, step_W, t), moved(H, step_H, t))

        slope = (value(1e-5) - value(-1e-5)) / 2e-5
        error = abs(np.vdot(dW, step_W) + np.vdot(dH, step_H) - slope) / abs(slope)
        assert record_error("normalised: gradient", error, 1e-6)
        curvature = (value(1e-3) - 2 * value(0) + value(-1e-3)) / 1e-6
        direction = np.concatenate([step_W.ravel(), step_H.ravel()])
        error = abs(direction @ hessian @ direction - curvature) / np.abs(hessian).max()
        assert record_error("normalised: Hessian", error, 1e-3)


@pytest.mark.parametrize("K", [2, 3, 5])
@pytest.mark.parametrize("tau", [0.5, 3.0, 10.0])
def test_balanced_every_start_ends_at_a_simplex(K, tau, record_error):
    made = NormalisedProblem([3] * K, tau)
    simplex = (np.eye(K) - 1 / K) * K / (K - 1)
    for seed in range(4):
        found = made.minimise(K + 1, seed=seed)
        # A loss of 1e-9 is a difference of numbers of size tau.
        error = abs(found.objective - made.simplex_value) / (made.simplex_value + 1e-4)
        assert record_error("normalised: value of the simplex", error, 1e-9)
        for vectors in (found.W, found.H):
            error = np.abs(nc.cosines(vectors) - simplex).max()
            assert record_error("normalised: simplex", error, 1e-3)
        error = np.abs(np.sum(found.W * found.H, axis=0) - 1).max()
        assert record_error("normalised: alignment", error, 1e-6)


@pytest.mark.parametrize("n", [(2, 2, 2, 2), (9, 6, 3, 1)])
def test_narrow_points_are_strict_saddles(n, record_error):
    """Critical with free dimensions to spare: the Hessian has a negative eigenvalue there."""
    made = NormalisedProblem(n, 3.0)
    best = made.minimise(5, seed=0)
    for inner in (1, 2):
        found = made.minimise(5, inner=inner, seed=inner)
        slope = max(np.abs(part).max() for part in made.gradient(found.W, found.H))
        assert record_error("normalised: gradient of a narrow point", slope, 1e-7)
        assert found.objective > best.objective * 1.01
        assert np.linalg.eigvalsh(made.hessian(found.W, found.H))[0] < -1e-3
    assert np.linalg.eigvalsh(made.hessian(best.W, best.H))[0] > -1e-7


def test_samples_of_a_class_collapse():
    """A feature for each sample, from the class optimum with a push: no way down but for all."""
    made = NormalisedProblem((3, 3, 3), 3.0)
    found = made.minimise(4, seed=0)
    labels = np.repeat(np.arange(3), 3)
    hessian = made.hessian(found.W, found.H[:, labels])
    assert np.linalg.eigvalsh(hessian)[0] > -1e-7
    rng = np.random.default_rng(0)
    apart = found.H[:, labels] + 0.05 * rng.standard_normal((4, 9))
    apart /= np.linalg.norm(apart, axis=0)
    assert made.objective(found.W, apart) > found.objective


@pytest.mark.parametrize("n", [(5, 5, 5), (50, 5, 1), (1000, 1000, 1, 1)])
def test_the_layer_peeled_model_is_a_lower_bound(n):
    """Unit vectors meet its bounds. With equal counts the two are one."""
    tau = 4.0
    made = NormalisedProblem(n, tau)
    bound = constrained_minimizer(layer_peeled_problem(n), E_W=1, E_H=tau**2)
    found = min(made.minimise(len(n), seed=seed).objective for seed in range(3))
    lower = bound.objective * (1 - bound.certificate)
    if len(set(n)) == 1:
        assert found == pytest.approx(lower, rel=1e-8)
    else:
        assert found > lower * (1 + 1e-3)


@pytest.mark.parametrize("by_sample", [False, True])
def test_where_the_largest_cosines_count_for_all_nothing_overflows(by_sample):
    """All but the own exponential are 0: so are the loss and both its derivatives."""
    made = NormalisedProblem((2, 2, 2), 1000.0)
    H = np.eye(3)[:, np.repeat(np.arange(3), 2)] if by_sample else np.eye(3)
    assert made.objective(np.eye(3), H) == 0
    for derivative in (*made.gradient(np.eye(3), H), made.hessian(np.eye(3), H)):
        assert np.array_equal(derivative, np.zeros_like(derivative))


def test_dimensions_that_the_search_may_not_use_stay_0():
    found = NormalisedProblem((2, 2, 2), 3.0).minimise(4, inner=2)
    for vectors in (found.W, found.H):
        assert vectors.shape == (4, 3)
        assert not vectors[2:].any()
        assert np.linalg.norm(vectors, axis=0) == pytest.approx(np.ones(3))
    assert np.abs(NormalisedProblem((2, 2), 3.0).minimise(1).W).tolist() == [[1, 1]]


def test_what_is_refused():
    made = NormalisedProblem((2, 1), 1.0)
    unit = np.eye(2)
    with pytest.raises(ValueError, match="tau must be positive"):
        NormalisedProblem((2, 1), 0)
    with pytest.raises(ValueError, match="columns of H must have length 1"):
        made.objective(unit, (1 + 1e-7) * unit)
    assert made.objective(unit, (1 + 1e-9) * unit) == pytest.approx(made.objective(unit, unit))
    for width, inner in ((0, None), (2, 0), (2, 3)):
        with pytest.raises(ValueError, match="width must be" if width == 0 else "inner must be"):
            made.minimise(width, inner=inner)
    with pytest.raises(ValueError, match="W and H must have shapes"):
        made.gradient(unit, np.ones((3, 2)))
    with pytest.raises(ValueError, match="W and H must have shapes"):
        made.objective(unit, np.ones((2, 4)) / np.sqrt(2))
