"""The path from a free bias to none, against a minimiser that knows nothing of it."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize

import nclib as nc
from nclib.theory.related import (
    balanced_bias_cosines,
    balanced_bias_threshold,
    bias_optimum,
    portrait,
)


def free_minimum(n, depth, lam, rho, seeds):
    """Best of several L-BFGS descents over W_1..W_L, class means and bias, written out here."""
    n = np.asarray(n, dtype=float)
    K, N = n.size, n.sum()

    def unpack(x):
        return x[: (depth + 1) * K * K].reshape(depth + 1, K, K), x[(depth + 1) * K * K :]

    def function(x):
        factors, b = unpack(x)
        layers = [factors[-1]]
        for W in factors[:-1]:
            layers.append(W @ layers[-1])
        residual = layers[-1] + b[:, None] - np.eye(K)
        value = (residual**2 @ n).sum() / (2 * N) + rho / 2 * b @ b
        value += lam / 2 * (factors[:-1] ** 2).sum() + lam / 2 * (factors[-1] ** 2 @ n).sum()
        back = residual * n / N
        gradient, grad_b = np.empty_like(factors), back.sum(axis=1) + rho * b
        for j in range(depth - 1, -1, -1):
            gradient[j] = back @ layers[j].T + lam * factors[j]
            back = factors[j].T @ back
        gradient[-1] = back + lam * factors[-1] * n
        return value, np.concatenate([gradient.ravel(), grad_b])

    best = None
    for seed in range(seeds):
        start = 0.7 * np.random.default_rng(seed).standard_normal((depth + 1) * K * K + K)
        # Deep heads: from the identity, where no mode falls to 0 on the way.
        if depth > 1:
            near = np.tile(np.eye(K), (depth + 1, 1, 1))
            start = np.concatenate([near.ravel(), np.zeros(K)]) + 0.05 * start
        options = {"maxiter": 20_000, "maxfun": 40_000, "ftol": 1e-16, "gtol": 1e-11}
        found = minimize(function, start, jac=True, method="L-BFGS-B", options=options)
        if best is None or found.fun < best.fun:
            best = found
    factors, b = unpack(best.x)
    return best.fun, factors[-1], b


def off_diagonal_cosines(means):
    unit = means / np.linalg.norm(means, axis=0)
    return (unit.T @ unit)[np.triu_indices(means.shape[1], 1)]


@pytest.mark.parametrize("rho", [0.02, 0.6, 2.0])
def test_equal_counts_have_the_cosine_of_a_free_descent(rho, record_error):
    n, lam = [12] * 4, 0.02
    problem = nc.Problem(n, 1, lambda_W=lam, lambda_H=lam)
    value, means, _ = free_minimum(n, 1, lam, rho, seeds=2)
    assert record_error(
        "bias path: objective", abs(bias_optimum(problem, rho).objective - value), 1e-9
    )
    seen = off_diagonal_cosines(means)
    assert record_error(
        "bias path: cosines", np.abs(seen - balanced_bias_cosines(problem, rho)).max(), 1e-4
    )


@pytest.mark.parametrize("rho", [0.5, 3.0])
def test_so_do_deep_heads(rho):
    n, lam = [10] * 3, 0.008
    problem = nc.Problem(n, 3, lambda_W=lam, lambda_H=lam)
    value, means, _ = free_minimum(n, 3, lam, rho, seeds=2)
    assert bias_optimum(problem, rho).objective == pytest.approx(value, rel=1e-7)
    cosine = float(balanced_bias_cosines(problem, rho))
    assert off_diagonal_cosines(means) == pytest.approx(cosine, abs=1e-3)


def test_the_threshold_for_one_layer_is_the_formula_of_the_one_layer_theorem():
    for K, size, lam in ((4, 30, 0.01), (10, 300, 0.002), (3, 7, 0.05)):
        problem = nc.Problem([size] * K, 1, lambda_W=lam, lambda_H=lam)
        by_hand = K * lam * math.sqrt(size) / (1 - K * lam * math.sqrt(size))
        assert balanced_bias_threshold(problem) == pytest.approx(by_hand, rel=1e-12)
        general = nc.theory.penalised_bias_threshold(problem)
        assert balanced_bias_threshold(problem) == pytest.approx(general, rel=1e-12)


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_the_simplex_is_left_at_the_threshold_by_a_jump_only_in_deep_heads(depth, record_error):
    unit = nc.Problem([20] * 5, depth, lambda_W=1.0, lambda_H=1.0)
    lam = 0.4 * nc.collapse_factors(unit)[0]
    problem = nc.Problem([20] * 5, depth, lambda_W=lam, lambda_H=lam)
    threshold = balanced_bias_threshold(problem)
    off = abs(threshold - 0.4 / 0.6)
    assert record_error("bias path: threshold against t / (1 - t)", off, 1e-9)
    below, above = balanced_bias_cosines(problem, [0.999 * threshold, 1.001 * threshold])
    assert below == pytest.approx(-1 / 4, abs=1e-12)
    wrong = (above + 1 / 4 > 0.05) != (depth > 1)
    assert record_error("bias path: a jump at other depths", int(wrong), 0)
    # The dense optimum, by its singular value decomposition.
    seen = portrait(bias_optimum(problem, 1.001 * threshold)).mean_cosines[0, 1:]
    assert seen == pytest.approx(above, abs=1e-6)


def test_the_ends_are_the_two_theorems_and_the_labels_that_are_dead_have_no_cosine():
    problem = nc.Problem([30, 20, 10], 1, lambda_W=0.02, lambda_H=0.02)
    assert bias_optimum(problem, 0).objective == nc.global_minimizer(problem).objective
    free = nc.Problem([30, 20, 10], 1, bias=False, lambda_W=0.02, lambda_H=0.02)
    assert bias_optimum(problem, math.inf).objective == nc.global_minimizer(free).objective
    dead = nc.Problem([30] * 3, 1, lambda_W=1.0, lambda_H=1.0)
    assert balanced_bias_threshold(dead) == math.inf
    assert np.isnan(balanced_bias_cosines(dead, [0, 1])).all()


def test_labels_nearly_dead_or_just_dead_and_those_in_between():
    """With t for ``K tau sqrt(n_0)`` the threshold is t / (1 - t): of two classes, by hand."""
    for t, threshold in ((0.9, 9.0), (0.99, 99.0), (1.0, math.inf), (1.1, math.inf)):
        problem = nc.Problem([1, 1], 1, lambda_W=t / 2, lambda_H=t / 2)
        assert balanced_bias_threshold(problem) == pytest.approx(threshold, rel=1e-9)
        ends = balanced_bias_cosines(problem, [0, math.inf])
        expected = [-1, 0] if t < 1 else [math.nan, math.nan]
        np.testing.assert_allclose(ends, expected, atol=1e-12)


def test_what_is_not_on_the_path_is_refused():
    problem = nc.Problem([3, 2], 1, lambda_W=0.1, lambda_H=0.1)
    with pytest.raises(ValueError, match=r"problem must have equal counts; got 2 distinct ones"):
        balanced_bias_cosines(problem, 1)
    with pytest.raises(ValueError, match=r"rho_b must be 0 or larger, or infinite; got \[-1\]"):
        bias_optimum(problem, -1)
    none = nc.Problem([3, 3], 1, bias=False, lambda_W=0.1, lambda_H=0.1)
    for call in (balanced_bias_threshold, lambda p: bias_optimum(p, 1)):
        with pytest.raises(ValueError, match="problem must have a bias"):
            call(none)
    narrow = nc.Problem([3, 3, 3], 1, lambda_W=0.1, lambda_H=0.1, widths=(2,))
    with pytest.raises(ValueError, match=r"no width below K = 3; got widths = \(2,\)"):
        balanced_bias_threshold(narrow)
