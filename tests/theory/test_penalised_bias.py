"""What an optimum with a penalised bias answers and is made of, against its dense logits."""

import math

import numpy as np
import pytest

import nclib as nc
from nclib.theory import penalised_bias
from nclib.theory.penalised_bias import penalised_bias_minimizer, penalised_bias_threshold

N_ = np.array([9, 2, 5, 5, 2, 2])


def dense(best):
    return best.head() @ best.class_means() + best.b[:, None]


@pytest.mark.parametrize("rho_b", [0.01, 0.1, 30.0])
@pytest.mark.parametrize(("lam", "merged"), [(0.02, [1, 1, 1]), (0.06, [1, 1, 3])])
def test_groups_are_those_of_the_dense_logits(lam, merged, rho_b):
    """Inner modes of classes of n samples are alive while N lam < sqrt(n): as without a bias."""
    best = penalised_bias_minimizer(nc.Problem(N_, 1, lambda_W=lam, lambda_H=lam), rho_b)
    Z, groups = dense(best), best.groups
    assert groups.group.tolist() == [0, 2, 1, 1, 2, 2]
    np.testing.assert_allclose(groups.own, Z.diagonal()[[0, 2, 1]], atol=1e-12)
    np.testing.assert_allclose(groups.lead[1], Z[2, 2] - Z[3, 2], atol=1e-12)
    if merged[2] > 1:
        assert groups.lead[2] == 0
        assert abs(Z[1, 1] - Z[5, 1]) < 1e-9
    else:
        np.testing.assert_allclose(groups.lead[2], Z[1, 1] - Z[5, 1], atol=1e-12)
        assert groups.lead[2] > 0.05
    np.testing.assert_array_equal(groups.merged, merged)
    rows = groups.rows(slice(0, 3))
    np.testing.assert_allclose(rows[0, 1:], Z[[2, 1], 0], atol=1e-12)
    np.testing.assert_allclose(rows[1], Z[[0, 3, 1], 2], atol=1e-12)
    np.testing.assert_allclose(rows[2], Z[[0, 2, 5], 1], atol=1e-9)
    np.testing.assert_array_equal(groups.rows(slice(1, 3)), rows[1:])
    rows[:] = 7.0
    np.testing.assert_allclose(groups.rows(slice(1, 2))[0], Z[[0, 3, 1], 2], atol=1e-12)


def test_classes_of_a_group_that_is_dead_are_right_in_their_share_alone():
    """Three classes with one mean are told apart by nothing, whether they are tied or beaten."""
    best = penalised_bias_minimizer(nc.Problem(N_, 1, lambda_W=0.06, lambda_H=0.06), 30.0)
    right = nc.class_outcomes(best).right
    own, rivals = dense(best)[1, 1], dense(best)[[0, 2], 1]
    assert right[2] == (1 / 3 if own > rivals.max() else 0)
    assert right[0] == 1


def test_means_of_one_direction_and_two_lengths_are_not_the_same():
    """One mode is alive, on which two rare classes lie a tenth of their length apart."""
    best = penalised_bias_minimizer(nc.Problem([500, 12, 10], 1, lambda_W=7e-3, lambda_H=7e-3), 0.1)
    means = best.class_means()
    assert best.alive == 1
    between, largest = (
        np.linalg.norm(means[:, 1] - means[:, 2]),
        np.linalg.norm(means, axis=0).max(),
    )
    assert 0.05 < between / largest < 0.1
    assert best.groups.merged.tolist() == [1, 1, 1]


@pytest.mark.parametrize("depth", [1, 2])
def test_however_small_logits_are_the_largest_is_the_answer(depth):
    """Just below the death of equal classes, with next to no bias: one millionth and less."""
    unit = nc.Problem([7] * 4, depth, lambda_W=1, lambda_H=1)
    lam = nc.collapse_factors(unit)[0] * (1 - 1e-6)
    best = penalised_bias_minimizer(nc.Problem([7] * 4, depth, lambda_W=lam, lambda_H=lam), 1e9)
    Z = dense(best)
    if depth == 1:
        assert np.abs(Z).max() < 1e-5
    outcomes = nc.class_outcomes(best)
    assert outcomes.right.tolist() == [1]
    assert outcomes.merged.tolist() == [1]


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("K", [2, 3])
def test_a_mode_that_is_dead_is_zero_in_every_layer(K, depth):
    """Of equal counts the mean dies first, at gamma^2 of the others' death; roots of rounding."""
    count = 10**6
    unit = nc.Problem([count] * K, depth, lambda_W=1, lambda_H=1)
    lam = 0.5 * nc.collapse_factors(unit)[0]
    best = penalised_bias_minimizer(nc.Problem([count] * K, depth, lambda_W=lam, lambda_H=lam), 0.2)
    assert best.alive == K - 1
    assert best.singular_values[-1] == 0
    assert (best.singular_values[:-1] > 0.4 * math.sqrt(count)).all()
    Ws, H, b = best.weights()
    for factor in (*Ws, H):
        values = np.linalg.svd(factor, compute_uv=False)
        assert values[-1] < 1e-9 * values[0]
    value = best.problem.objective(Ws, H, b) + 0.1 * float(b @ b)
    assert value == pytest.approx(best.objective, rel=1e-12)


@pytest.mark.parametrize("n", [(3, 2, 1), (7, 7, 2, 1)])
def test_without_a_bias_a_class_is_lost_from_where_no_penalty_is_enough(n):
    """Where 1 <= N tau the rarest is; below, it is the sum of the formula."""
    N = sum(n)
    for tau, finite in ((1.001 / N, False), (1.5 / N, False), (0.999 / N, True)):
        problem = nc.Problem(n, 1, lambda_W=4 * tau, lambda_H=tau / 4)
        found = penalised_bias_threshold(problem)
        expected = tau * sum(k / (math.sqrt(k) - N * tau) for k in n) if finite else math.inf
        assert found == pytest.approx(expected, rel=1e-9)
    problem = nc.Problem(n, 1, lambda_W=1.5 / N, lambda_H=1.5 / N)
    best = penalised_bias_minimizer(problem, 1e3)
    assert best.alive < len(n)


@pytest.mark.parametrize(
    ("lam", "rho_b", "steps"),
    [(0.02, 0.1, 58), (0.02, 0.01, 120), (0.02, 1e-4, 177), (0.06, 0.1, 37)],
)
def test_few_steps_of_the_iteration_come_to_rest(lam, rho_b, steps, monkeypatch):
    """As many as were counted once, and a few more; with half of them the end is refused."""
    problem = nc.Problem(N_, 1, lambda_W=lam, lambda_H=lam)
    monkeypatch.setattr(penalised_bias, "_MOST_STEPS", steps + 3)
    best = penalised_bias_minimizer(problem, rho_b)
    monkeypatch.setattr(penalised_bias, "_MOST_STEPS", steps // 2)
    with pytest.raises(RuntimeError, match=f"no rest after {steps // 2} steps for rho_b = {rho_b}"):
        penalised_bias_minimizer(problem, rho_b)
    assert best.certificate == 0
    assert best.alive == (5 if lam < 0.05 else 3)


def test_two_layers_need_equal_counts():
    problem = nc.Problem([3, 2, 2], 2, lambda_W=0.1, lambda_H=0.1)
    words = "one layer or equal counts for a penalised bias; got depth = 2 and 2 distinct counts"
    with pytest.raises(ValueError, match=words):
        penalised_bias_minimizer(problem, 0.1)
