"""Explicit cheapest factors of a product: shapes, the share of each factor, refusals."""

import numpy as np
import pytest

import nclib as nc
from nclib.theory.factors import cheapest_factors


def test_every_factor_pays_the_same_for_every_singular_value(record_error):
    problem = nc.Problem([3, 2, 1], 3, lambda_W=(0.2, 0.05, 0.7), lambda_H=0.01, widths=(5, 2, 4))
    z = np.array([4.0, 0.25])
    share = (0.2 * 0.05 * 0.7 * 0.01) ** 0.25 * np.sqrt(z)  # Lambda^(1/4) z^(2/4)
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.standard_normal((rows, 2)))[0] for rows in (3, 6))
    Ws, E = cheapest_factors((left * z) @ right.T, problem, seed=1)
    assert [W.shape for W in Ws] == [(2, 5), (4, 2), (3, 4)]
    assert E.shape == (5, 6)
    for penalty, factor in zip((0.01, 0.2, 0.05, 0.7), (E, *Ws), strict=True):
        paid = penalty * np.linalg.svd(factor, compute_uv=False)[:2] ** 2
        assert record_error("cheapest factors: share", np.abs(paid / share - 1).max(), 1e-12)


def test_they_are_those_of_the_global_minimiser():
    problem = nc.Problem([4, 4, 2, 1], 2, lambda_W=0.01, lambda_H=0.02)
    best = nc.global_minimizer(problem)
    Ws, H_bar, b = best.weights(seed=0)
    Ws, E = cheapest_factors(Ws[1] @ Ws[0] @ (H_bar * np.sqrt(problem.counts.n)), problem)
    value = problem.objective(Ws, E / np.sqrt(problem.counts.n), b)
    assert value == pytest.approx(best.objective, rel=1e-13)


def test_rounding_of_a_product_is_not_rank():
    """With six layers 1e-15 would cost 1e-15^(2/7), a factor 5e-5 of what 1 costs."""
    problem = nc.Problem([1, 1], 6, lambda_W=0.1, lambda_H=0.1)
    Ws, E = cheapest_factors(np.diag([1.0, 1e-15]), problem)
    assert np.linalg.matrix_rank(E) == 1
    assert np.linalg.matrix_rank(Ws[0]) == 1


def test_zero_has_zero_factors():
    problem = nc.Problem([2, 1], 2, lambda_W=0.1, lambda_H=0.1, widths=(3, 1))
    Ws, E = cheapest_factors(np.zeros((2, 4)), problem)
    assert [A.shape for A in (*Ws, E)] == [(1, 3), (2, 1), (3, 4)]
    assert not any(A.any() for A in (*Ws, E))


@pytest.mark.parametrize("Z", [np.zeros(2), np.zeros((3, 3)), np.full((2, 2), np.nan)])
def test_other_shapes_and_values_are_refused(Z):
    problem = nc.Problem([2, 1], 1, lambda_W=0.1, lambda_H=0.1)
    with pytest.raises(ValueError, match="Z must be a matrix of finite numbers with K = 2 rows"):
        cheapest_factors(Z, problem)


def test_a_problem_is_needed():
    with pytest.raises(TypeError, match="problem must be a Problem"):
        cheapest_factors(np.eye(2), [2, 1])
