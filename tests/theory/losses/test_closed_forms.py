"""What needs no search: classes after a ReLU, and where inner modes die, by the formulas alone."""

import numpy as np
import pytest

from nclib.theory.losses.objects import CrossEntropy, Sampling, SquaredError
from nclib.theory.losses.optimum import loss_minimizer
from nclib.theory.losses.problem import LossProblem
from nclib.theory.losses.thresholds import loss_collapse_factors


def test_weights_of_classes_after_a_relu_attain_the_objective():
    """By the loss of the logits that they make, and by what they cost."""
    problem = LossProblem(
        [40, 25, 25, 9],
        CrossEntropy([0.5, 1, 1, 3]),
        bias="none",
        non_negative=True,
        lambda_W=0.02,
        lambda_H=0.005,
    )
    best = loss_minimizer(problem)
    assert best.alive == 4
    assert problem.objective(*best.weights()) == pytest.approx(best.objective, rel=1e-13)


@pytest.mark.parametrize("bias", ["free", "none"])
def test_equal_counts_are_one_group_whose_logits_lose_one_share(bias):
    """Of 4 classes of 25, one layer: 1 - N lambda / sqrt(n), of what the bias leaves."""
    problem = LossProblem([25] * 4, SquaredError(), bias=bias, lambda_W=0.01, lambda_H=0.01)
    best = loss_minimizer(problem)
    share = 1 - 100 * 0.01 / 5
    mean = 1 / 4 if bias == "free" else 0.0
    np.testing.assert_allclose(best.logits(), share * (np.eye(4) - mean) + mean, atol=1e-14)
    np.testing.assert_allclose(best.inner, [5 * share], rtol=1e-14)


def test_inner_modes_die_where_the_weight_of_a_class_meets_its_price():
    """At lambda = (1 - eps) w phi psi n' / (N d) for weights, smoothing, factors and samplers.

    The features of class k cost d^2, which is n' where their penalty follows the sampler, and n
    where it does not.
    """
    n, N = np.array([80.0, 30.0, 5.0]), 230
    counts, pairs = np.repeat(n, 2).astype(int), [0, 2, 4]
    factors, shares = np.array([1.0, 0.6, 0.4]), np.array([0.2, 0.2, 0.1])
    drawn = N * shares
    rows = [
        (SquaredError(), None, np.sqrt(n)),
        (CrossEntropy(label_smoothing=0.25), None, 0.75 * np.sqrt(n)),
        (CrossEntropy(logit_factors=np.repeat(factors, 2)), None, factors * np.sqrt(n)),
        (CrossEntropy(sample_factors=np.repeat(factors, 2)), None, factors * np.sqrt(n)),
        (CrossEntropy(adjustment=1.0), Sampling(np.repeat(shares, 2)), np.sqrt(drawn)),
        (CrossEntropy(), Sampling(np.repeat(shares, 2), "fixed"), drawn / np.sqrt(n)),
        (SquaredError(), Sampling(np.repeat(shares, 2), "fixed"), drawn / np.sqrt(n)),
        (CrossEntropy(1 / counts), None, N / 6 / np.sqrt(n)),
    ]
    for loss, sampling, expected in rows:
        for bias in ("free", "none", "decayed"):
            problem = LossProblem(
                counts, loss, bias=bias, lambda_W=0.2, lambda_H=0.2, sampling=sampling
            )
            found = loss_collapse_factors(problem)
            np.testing.assert_allclose(found.inner, expected / N / 0.2, rtol=1e-12)
            np.testing.assert_array_equal(problem.representative, pairs)
