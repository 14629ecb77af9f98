"""Any targets with a bias, any depth, against free descent over layers, features and bias."""

import numpy as np
import pytest
from scipy.optimize import minimize

import nclib as nc
from nclib.theory.losses.targets import TargetProblem, target_minimizer


def free_minimum(Y, depth, lambda_W, lambda_H, seed, starts=8, width=None):
    """L-BFGS over W_1, ..., W_L, the features of all samples and b; the gradient by hand."""
    K, N = Y.shape
    width = width or K
    shapes = [(width, width)] * (depth - 1) + [(K, width), (width, N), (K,)]
    sizes = [int(np.prod(shape)) for shape in shapes]
    cuts = np.cumsum(sizes)[:-1]

    def objective(flat):
        parts = [part.reshape(s) for part, s in zip(np.split(flat, cuts), shapes, strict=True)]
        Ws, H, b = parts[:depth], parts[depth], parts[-1]
        outputs = [H]
        for W in Ws:
            outputs.append(W @ outputs[-1])
        residual = outputs.pop() + b[:, None] - Y
        value = np.sum(residual**2) / (2 * N) + lambda_H / 2 * np.sum(H**2)
        value += lambda_W / 2 * sum(np.sum(W**2) for W in Ws)
        back = residual / N
        gradients = [back.sum(axis=1)]
        slopes = []
        for W, below in zip(Ws[::-1], outputs[::-1], strict=True):
            slopes.append(back @ below.T + lambda_W * W)
            back = W.T @ back
        gradients = [*slopes[::-1], back + lambda_H * H, gradients[0]]
        return value, np.concatenate([g.ravel() for g in gradients])

    rng = np.random.default_rng(seed)
    best = None
    for _ in range(starts):
        flat = rng.standard_normal(sum(sizes)) * 0.8
        for _ in range(3):
            result = minimize(
                objective, flat, jac=True, method="L-BFGS-B",
                options={"maxiter": 5000, "maxfun": 9000, "ftol": 0, "gtol": 1e-13, "maxcor": 30},
            )  # fmt: skip
            flat = result.x
        if best is None or result.fun < best.fun:
            best = result
    parts = [part.reshape(s) for part, s in zip(np.split(best.x, cuts), shapes, strict=True)]
    return best.fun, parts


def labels(kind, rng):
    if kind == "several labels":
        return (rng.random((4, 15)) < 0.4).astype(float)
    if kind == "soft labels":
        return rng.dirichlet(np.ones(4), 15).T
    return rng.standard_normal((3, 12)) * 2


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("kind", ["several labels", "soft labels", "regression"])
def test_targets_against_free_descent(kind, depth):
    Y = labels(kind, np.random.default_rng(depth))
    strength = np.linalg.norm(Y - Y.mean(axis=1, keepdims=True), 2) ** 2 / Y.shape[1]
    lam = 0.2 * strength ** (depth / (depth + 1)) / Y.shape[1] ** (1 / (depth + 1))
    problem = TargetProblem.from_targets(Y, depth, lambda_W=lam, lambda_H=lam)
    best = target_minimizer(problem)
    assert best.alive > 0
    reference, parts = free_minimum(Y, depth, lam, lam, seed=depth)
    assert reference >= best.objective * (1 - 1e-12)
    assert reference <= best.objective * (1 + 1e-7)
    H, b = parts[depth], parts[-1]
    Z = H
    for W in parts[:depth]:
        Z = W @ Z
    np.testing.assert_allclose(best.predictions(Y), Z + b[:, None], atol=1e-4)
    features = best.features(Y)
    np.testing.assert_allclose(features.T @ features, H.T @ H, atol=1e-4)
    np.testing.assert_allclose(
        best.head() @ features + best.b[:, None], best.predictions(Y), atol=1e-12
    )


def test_one_hot_targets_are_the_papers():
    n = [7, 4, 4, 1]
    Y = np.repeat(np.eye(4), n, axis=1)
    paper = nc.global_minimizer(nc.Problem(n, 2, lambda_W=0.02, lambda_H=0.01))
    best = target_minimizer(TargetProblem.from_targets(Y, 2, lambda_W=0.02, lambda_H=0.01))
    assert best.objective == pytest.approx(paper.objective, rel=1e-13)
    np.testing.assert_allclose(best.singular_values, paper.z, atol=1e-7)
    np.testing.assert_allclose(best.predictions(np.eye(4)), paper.logits(), atol=1e-12)


def test_samples_whose_targets_agree_on_the_modes_alive_collapse():
    Y = np.array([[1.0, 1, 0, 0, 1, 0], [0, 0.01, 0, 0.01, 0, 0]])
    problem = TargetProblem.from_targets(Y, 1, lambda_W=0.02, lambda_H=0.02)
    best = target_minimizer(problem)
    assert best.alive == 1
    axis = best.U[:, 0] @ Y
    features = best.features(Y)
    assert np.linalg.matrix_rank(features) == 1
    np.testing.assert_allclose(np.diff(np.sort(axis)), np.diff(np.sort(features[0])) * (
        np.ptp(axis) / np.ptp(features[0])), atol=1e-12)  # fmt: skip


def test_widths_keep_the_strongest():
    Y = np.diag([3.0, 2.0, 1.0]).repeat(4, axis=1)
    problem = TargetProblem.from_targets(Y, 2, lambda_W=1e-3, lambda_H=1e-3, widths=(1, 3))
    best = target_minimizer(problem)
    assert best.alive == 1
    reference, _ = free_minimum(Y, 2, 1e-3, 1e-3, seed=0, width=1)
    assert reference == pytest.approx(best.objective, rel=1e-7)


def test_the_covariance_is_enough():
    Y = labels("regression", np.random.default_rng(9))
    one = TargetProblem.from_targets(Y, 3, lambda_W=1e-2, lambda_H=1e-2)
    other = TargetProblem(
        Y.mean(axis=1), np.cov(Y, bias=True), Y.shape[1], 3, lambda_W=1e-2, lambda_H=1e-2
    )
    assert target_minimizer(one).objective == pytest.approx(target_minimizer(other).objective)


def test_targets_that_are_all_the_same_leave_nothing_to_learn():
    Y = np.tile([[2.0], [-1.0]], 3)
    best = target_minimizer(TargetProblem.from_targets(Y, 2, lambda_W=1e-3, lambda_H=1e-3))
    assert (best.alive, best.objective) == (0, 0.0)
    np.testing.assert_array_equal(best.predictions(Y), Y)


def test_rounding_of_a_covariance_is_forgiven():
    """A part in 10^12 of its largest entry, however large that is."""
    settings = {"lambda_W": 1.0, "lambda_H": 1.0}
    for covariance in ([[1e8, 1e-4], [0.0, 1e8]], [[1e8, 0.0], [0.0, -1e-4]]):
        best = target_minimizer(TargetProblem([0.0, 0.0], covariance, 2, 1, **settings))
        exact = target_minimizer(
            TargetProblem([0.0, 0.0], np.diag(np.maximum(np.diag(covariance), 0)), 2, 1, **settings)
        )
        assert best.objective == pytest.approx(exact.objective, rel=1e-9)
        assert best.alive == exact.alive


def test_eigenvalues_that_are_rounding_are_no_modes():
    """With next to no penalty as many are alive as the targets' rank, and reach every target."""
    rng = np.random.default_rng(0)
    for rank in (1, 1, 1, 2, 2, 2):
        Y = rng.standard_normal((6, rank)) @ rng.standard_normal((rank, 12))
        best = target_minimizer(TargetProblem.from_targets(Y, 1, lambda_W=1e-14, lambda_H=1e-14))
        assert (best.alive, best.certificate) == (rank, 0.0)
        np.testing.assert_allclose(best.predictions(Y), Y, atol=1e-10)


def test_nothing_of_targets_can_be_changed():
    mean, covariance = np.zeros(2), np.eye(2)
    problem = TargetProblem(mean, covariance, 2, 1, lambda_W=1.0, lambda_H=1.0)
    for array in (problem.mean, problem.covariance):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0
    mean[0] = covariance[0, 0] = 7.0  # the caller's own
    assert (problem.mean[0], problem.covariance[0, 0]) == (0.0, 1.0)


PLAIN = {"lambda_W": 1, "lambda_H": 1}


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: TargetProblem([0.0], [[1.0, 0]], 3, 1, **PLAIN), ValueError, "shapes"),
        (lambda: TargetProblem([], np.zeros((0, 0)), 3, 1, **PLAIN), ValueError, "shapes"),
        (
            lambda: TargetProblem([0, 0], [[1e-12, 5e-13], [0, 1e-12]], 3, 1, **PLAIN),
            ValueError,
            "symmetric",
        ),
        (lambda: TargetProblem([[0.0]], [[1.0]], 3, 1, **PLAIN), ValueError, "shapes"),
        (lambda: TargetProblem([0, 0], [[1, 2], [0, 1]], 3, 1, **PLAIN), ValueError, "symmetric"),
        (lambda: TargetProblem([0.0], [[np.inf]], 3, 1, **PLAIN), ValueError, "finite"),
        (lambda: TargetProblem([0, 0], [[1, 0], [0, -0.1]], 3, 1, **PLAIN), ValueError, "negative"),
        (lambda: TargetProblem([0.0], [[-1.0]], 3, 1, **PLAIN), ValueError, "negative"),
        (lambda: TargetProblem([np.nan], [[1.0]], 3, 1, **PLAIN), ValueError, "finite"),
        (lambda: TargetProblem([0.0], [[1.0]], 1, 1, **PLAIN), ValueError, "N must be"),
        (lambda: TargetProblem.from_targets([1.0, 2], 1, **PLAIN), ValueError, "targets must"),
        (lambda: target_minimizer(nc.Problem([3, 2], 1, **PLAIN)), TypeError, "TargetProblem"),
    ],
)
def test_bad_input_is_named(make, error, words):
    with pytest.raises(error, match=words):
        make()
