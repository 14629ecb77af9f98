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


@pytest.mark.parametrize("size", [1e-200, 1e-20, 1e20])
def test_small_is_small_beside_the_largest_alone(size):
    """Three singular values of one size, then those that differ by more than twelve digits."""
    problem = nc.Problem([1, 1, 1], 1, bias=False, lambda_W=0.3, lambda_H=0.7)
    for z, rank in (([3, 2, 1], 3), ([3, 2, 1e-11], 3), ([3, 2, 1e-13], 2), ([3, 0, 0], 1)):
        Z = size * np.diag([float(value) for value in z])
        (W,), E = cheapest_factors(Z, problem)
        kept = np.linalg.svd(W, compute_uv=False) > 1e-9 * np.sqrt(size)
        assert kept.sum() == rank
        np.testing.assert_allclose(W @ E, Z, rtol=0, atol=1e-12 * size)


@pytest.mark.parametrize("columns", [0, 1, 2, 3, 7])
def test_any_number_of_columns_is_written_as_a_product(columns):
    problem = nc.Problem([2, 2, 1], 2, lambda_W=(0.1, 0.4), lambda_H=0.2, widths=(4, 3))
    Z = np.random.default_rng(columns).standard_normal((3, columns))
    Ws, E = cheapest_factors(Z, problem, seed=np.random.default_rng(1))
    assert [A.shape for A in (*Ws, E)] == [(3, 4), (3, 3), (4, columns)]
    np.testing.assert_allclose(Ws[1] @ Ws[0] @ E, Z, atol=1e-13)


def test_a_rank_that_the_least_width_does_not_let_through_is_refused():
    problem = nc.Problem([2, 2, 1], 2, lambda_W=0.1, lambda_H=0.2, widths=(4, 2))
    with pytest.raises(ValueError, match="Z must have rank at most 2, the least width; got 3"):
        cheapest_factors(np.eye(3), problem)
    Ws, E = cheapest_factors(np.diag([1.0, 2.0, 0.0]), problem)
    np.testing.assert_allclose(Ws[1] @ Ws[0] @ E, np.diag([1.0, 2.0, 0.0]), atol=1e-14)


def test_the_seed_draws_the_bases_and_is_zero_unless_given():
    problem = nc.Problem([2, 1], 2, lambda_W=0.1, lambda_H=0.1)
    (default, first, other) = (
        cheapest_factors(np.eye(2), problem, *seed)[1] for seed in ((), (0,), (1,))
    )
    np.testing.assert_array_equal(default, first)
    assert np.abs(first - other).max() > 1e-3


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
