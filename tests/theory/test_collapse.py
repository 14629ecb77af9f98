"""Where modes die by plain arithmetic, also where no floating-point number holds the answer."""

import math

import numpy as np
import pytest

from nclib.theory import Problem, collapse_factors, two_class_limits
from nclib.theory.collapse import collapse_lambda_H


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
