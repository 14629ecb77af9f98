"""Where modes die and classes are lost by plain arithmetic, also at the ends of the numbers."""

import math

import numpy as np
import pytest

from nclib.theory import Problem, collapse_factors, first_loss, two_class_limits
from nclib.theory.collapse import collapse_lambda_H
from nclib.theory.margins import FirstLoss, misclassification_factors


def log10_lambda_H(n, N, lambda_W):
    """At the death of a mode of two layers without a bias: n^2 / (16 N^3 lambda_W^2)."""
    return 2 * math.log10(n) - math.log10(16) - 3 * math.log10(N) - 2 * math.log10(lambda_W)


@pytest.mark.parametrize(
    ("lambda_W", "mode"),
    [
        (1e-200, 0),  # far too large
        (1e200, 0),  # far too small
        (1e150, 1),  # 6e-308, the next 6e-320
    ],
)
def test_the_first_death_that_no_number_holds_is_named_with_its_power_of_ten(lambda_W, mode):
    n = (10**6, 1)
    problem = Problem(n, 2, bias=False, lambda_W=lambda_W, lambda_H=1.0)
    power = log10_lambda_H(n[mode], sum(n), lambda_W)
    with pytest.raises(ValueError, match=r"lambda_H at which mode \d dies: 10 to") as caught:
        collapse_lambda_H(problem)
    assert f"mode {mode} dies: 10 to the power {power:.6g}" in str(caught.value)


@pytest.mark.parametrize("lambda_W", [1e-150, 1e149])
def test_deaths_near_the_ends_of_the_numbers_are_numbers(lambda_W):
    """2e307, and 6e-306 with 6e-318 left out by a width."""
    n, width = (10**6, 1), 1 if lambda_W > 1 else 2
    problem = Problem(n, 2, bias=False, lambda_W=lambda_W, lambda_H=1.0, widths=(width, width))
    found = collapse_lambda_H(problem)
    wanted = [10 ** log10_lambda_H(one, sum(n), lambda_W) for one in n[:width]]
    np.testing.assert_allclose(found[:width], wanted, rtol=1e-10)
    assert not found[width:].any()


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("n", [(900, 100), (100, 900), (5, 5), (3, 1)])
def test_limits_of_two_classes_in_plain_arithmetic(n, depth):
    """kappa^2 = 2 n_1 n_2 / N; for one layer the rarer class goes at N/(2 n_1) of the way."""
    lambda_W, lambda_H = 0.01, 0.03
    N, n_1, n_2 = sum(n), max(n), min(n)
    kappa2 = 2 * n_1 * n_2 / N
    power = kappa2**depth * (depth - 1) ** (depth - 1) / depth ** (2 * depth)
    dead = (power / N ** (depth + 1) / (lambda_W**depth * lambda_H)) ** (1 / (depth + 1))
    problem = Problem(n, depth, lambda_W=lambda_W, lambda_H=lambda_H)
    limits = two_class_limits(problem)
    assert limits.needed == pytest.approx((n_1 - n_2) / (2 * n_1), abs=1e-15)
    assert limits.dead == pytest.approx(dead, rel=1e-12)
    assert limits.wrong == pytest.approx(dead * N / (2 * n_1) if depth == 1 else dead, rel=1e-12)
    np.testing.assert_allclose(collapse_factors(problem), [dead, 0], rtol=1e-12)


def test_two_classes_and_a_bias_are_needed_for_their_limits():
    for n, bias in (((3, 2, 1), True), ((3, 2), False), ((3, 2, 1), False)):
        with pytest.raises(ValueError, match="problem must have two classes and a bias"):
            two_class_limits(Problem(n, 1, bias=bias, lambda_W=0.1, lambda_H=0.1))
    with pytest.raises(TypeError, match="problem must be a Problem"):
        two_class_limits((3, 2))


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("scale", [0.01, 0.2, 0.5, 0.9, 0.999, 1.001, 3.0, 1e3])
def test_two_classes_are_lost_at_their_limit_wherever_the_penalties_are(depth, scale):
    """Far below it, close to it on both sides, and long after every mode has died."""
    limit = two_class_limits(Problem([900, 100], depth, lambda_W=1, lambda_H=1)).wrong
    problem = Problem([900, 100], depth, lambda_W=scale * limit, lambda_H=scale * limit)
    lost = pytest.approx(1 / scale, rel=1e-9)
    assert first_loss(problem) == FirstLoss(lost, (1,))
    assert first_loss(problem, [1]) == FirstLoss(lost, (1,))
    assert first_loss(problem, [0]) == FirstLoss(math.inf, ())
    assert misclassification_factors(problem).tolist() == [math.inf, lost]
    assert misclassification_factors(problem, [1, 0, 1]).tolist() == [lost, math.inf, lost]
    assert misclassification_factors(problem, []).tolist() == []


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_largest_class_is_never_lost_whichever_modes_have_died(depth):
    n = [900, 400, 100, 25]
    first, second, third, _ = collapse_factors(Problem(n, depth, lambda_W=1, lambda_H=1))
    for lam in (0.5 * third, math.sqrt(second * third), math.sqrt(first * second), 2 * first):
        problem = Problem(n, depth, lambda_W=float(lam), lambda_H=float(lam))
        assert first_loss(problem, [0]) == FirstLoss(math.inf, ())


@pytest.mark.parametrize("n", [(900, 400, 100), (10, 8, 6), (60, 30, 10, 5)])
def test_between_two_deaths_classes_of_one_layer_are_lost_where_dense_logits_say(n):
    """Theorem 4.2: the singular values of the centred labels, less N lambda each."""
    n, N = np.array(n), sum(n)
    left, kappa, right = np.linalg.svd(np.diag(np.sqrt(n)) - np.outer(n, np.sqrt(n)) / N)
    factors = misclassification_factors(Problem(n, 1, lambda_W=1.0, lambda_H=1.0))
    deaths = kappa[:-1] / N
    assert any(deaths[-1] * 1.01 < factor < deaths[0] * 0.99 for factor in factors)
    for k in range(1, n.size):
        for lam, is_right in ((factors[k] * (1 - 1e-6), True), (factors[k] * (1 + 1e-6), False)):
            z = np.maximum(kappa - N * lam, 0.0)
            answer = (left * z @ right)[:, k] / np.sqrt(n[k]) + n / N
            assert (answer.argmax() == k) == is_right


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("scale", [0.01, 0.3, 0.9, 1.1, 30.0])
def test_without_a_bias_classes_are_lost_one_by_one_as_their_modes_die(depth, scale):
    """At scale (n_k / n_0)^(L / (L + 1)), from the rarest on; those of one count together."""
    n = np.array([16, 100, 4, 16, 1])
    death = collapse_factors(Problem(n, depth, bias=False, lambda_W=1, lambda_H=1))[0]
    lam = scale * float(death)
    problem = Problem(n, depth, bias=False, lambda_W=lam, lambda_H=lam)
    factors = (n / 100) ** (depth / (depth + 1)) / scale
    np.testing.assert_allclose(misclassification_factors(problem), factors, rtol=1e-9)
    for classes in ((0, 1, 2, 3, 4), (0, 1, 2, 3), (0, 1, 3), (1,), (1, 0)):
        least = factors[list(classes)].min()
        lost = tuple(k for k in classes if factors[k] == least)
        found = first_loss(problem, classes)
        assert found == FirstLoss(pytest.approx(least, rel=1e-9), lost)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_what_a_width_leaves_out_no_factor_saves(rank):
    problem = Problem([9, 4, 1], 2, bias=False, lambda_W=1e-3, lambda_H=1e-3, widths=(rank, 3))
    factors = misclassification_factors(problem)
    assert (factors > 0).tolist() == [True, rank > 1, rank > 2]
    assert first_loss(problem) == FirstLoss(
        pytest.approx(factors.min(), rel=1e-9), tuple(range(rank, 3)) if rank < 3 else (2,)
    )
    assert first_loss(problem, [0]) == FirstLoss(pytest.approx(factors[0], rel=1e-9), (0,))


def test_deaths_may_lie_a_million_times_apart():
    """With one layer a class is right up to half of the first death at least, and not beyond it."""
    problem = Problem([10**14, 10**13, 1], 1, lambda_W=1e-9, lambda_H=1e-9)
    deaths = collapse_factors(problem)
    assert deaths[0] > 1e6 * deaths[1] > 0
    factor = misclassification_factors(problem, [2])[0]
    assert 0.5 <= factor / deaths[1] <= 1
    assert first_loss(problem) == FirstLoss(pytest.approx(factor, rel=1e-9), (2,))
