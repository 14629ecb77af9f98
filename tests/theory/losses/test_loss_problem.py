"""A problem with a loss: its groups, its price, what it prints, and that nothing changes it."""

import dataclasses

import numpy as np
import pytest

from nclib import loss_minimizer
from nclib.theory import loss_collapse_factors, loss_margins
from nclib.theory.losses.objects import CrossEntropy, Sampling, SquaredError
from nclib.theory.losses.problem import LossProblem
from nclib.theory.losses.targets import TargetProblem, target_minimizer

EQUAL = {"lambda_W": 0.01, "lambda_H": 0.02}

# Five classes of three counts; with these weights the two of 20 samples are apart.
N_ = [30, 20, 20, 10, 10]
V = np.array([1.0, 2.0, 3.0, 2.0, 2.0])


@pytest.mark.parametrize(
    ("loss", "sampling", "expected"),
    [
        (CrossEntropy(), None, [0, 1, 1, 2, 2]),
        (CrossEntropy(class_weights=V), None, [0, 2, 1, 3, 3]),
        (SquaredError(class_weights=1 / V), None, [0, 1, 2, 3, 3]),
        (CrossEntropy(margins=V), None, [0, 2, 1, 3, 3]),
        (CrossEntropy(adjustment=V), None, [0, 2, 1, 3, 3]),
        (CrossEntropy(logit_factors=V), None, [0, 2, 1, 3, 3]),
        (CrossEntropy(sample_factors=V), None, [0, 2, 1, 3, 3]),
        (CrossEntropy(V, 0.1, 0.5, V[::-1] * 0 + 7), Sampling("balanced"), [0, 2, 1, 3, 3]),
        (CrossEntropy(), Sampling([1, 2, 2, 2, 1]), [0, 1, 1, 2, 3]),
        (CrossEntropy(margins=[1, 2, 2, 1, 2], logit_factors=[1, 3, 4, 1, 1]), None,
         [0, 2, 1, 4, 3]),
    ],
)  # fmt: skip
def test_groups_are_classes_that_nothing_tells_apart(loss, sampling, expected):
    """The frequent ones first, then those of larger numbers."""
    problem = LossProblem(N_, loss, sampling=sampling, **EQUAL)
    assert problem.group.tolist() == expected
    first = [expected.index(g) for g in range(max(expected) + 1)]
    assert problem.representative.tolist() == first
    np.testing.assert_array_equal(problem.form.size, np.bincount(expected))
    np.testing.assert_allclose(problem.form.scale**2, problem.feature_weight[first], rtol=1e-14)


def test_what_a_sampler_makes_of_the_features_penalty():
    counts, shares = [8, 2], [0.25, 0.75]
    for penalty, expected in (("sampled", [2.5, 7.5]), ("fixed", [8, 2])):
        problem = LossProblem(counts, SquaredError(), sampling=Sampling(shares, penalty), **EQUAL)
        np.testing.assert_allclose(problem.feature_weight, expected, rtol=1e-14)
        np.testing.assert_allclose(problem.form.mass, [0.25, 0.75], rtol=1e-14)


def test_a_price_is_the_root_of_all_penalties_and_grows_with_them():
    problem = LossProblem(
        [3, 2], SquaredError(), 2, bias="decayed", lambda_W=[0.5, 0.2], lambda_H=0.1, lambda_b=0.7
    )
    assert problem.price**2 == pytest.approx(0.5 * 0.2 * 0.1, rel=1e-14)
    assert (problem.bias_penalty, problem.has_bias) == (0.7, True)
    raised = problem.rescaled(3.0)
    assert raised.lambda_W == pytest.approx((1.5, 0.6), rel=1e-15)
    assert raised.lambda_H == pytest.approx(0.3, rel=1e-15)
    assert raised.lambda_b == pytest.approx(2.1, rel=1e-15)
    free = LossProblem([3, 2], SquaredError(), **EQUAL)
    assert (free.bias_penalty, free.rescaled(2.0).lambda_b) == (0.0, None)


def test_problems_say_what_they_are():
    made = LossProblem(
        [3, 2], SquaredError(), 2, bias="none", non_negative=np.True_,
        lambda_W=[0.5, 0.2], lambda_H=0.1,
    )  # fmt: skip
    assert repr(made) == (
        "LossProblem(K=2, N=5, SquaredError, depth=2, bias=none, lambda_W=(0.5, 0.2), lambda_H=0.1)"
    )
    targets = TargetProblem.from_targets(np.eye(3), 2, lambda_W=0.5, lambda_H=0.1)
    assert repr(targets) == "TargetProblem(K=3, N=3, depth=2)"
    assert repr(target_minimizer(targets)).startswith("TargetMinimizer(0 of 3 modes alive, depth=2")
    best = loss_minimizer(LossProblem([3, 3], CrossEntropy(), lambda_W=1, lambda_H=1))
    assert repr(best) == (
        f"LossMinimizer(0 of 2 modes alive, objective=0.693147, certificate={best.certificate:.1e})"
    )
    relu = LossProblem(
        [3, 3], CrossEntropy(), bias="none", non_negative=True, lambda_W=1, lambda_H=1
    )
    assert repr(loss_minimizer(relu)) == (
        "NonNegativeMinimizer(0 of 2 classes alive, objective=0.693147)"
    )


RELU = LossProblem(N_, CrossEntropy(), bias="none", non_negative=True, **EQUAL)
PLAIN = LossProblem(N_, SquaredError(), **EQUAL)
TARGETS = TargetProblem.from_targets(np.eye(3), 1, lambda_W=0.1, lambda_H=0.1)


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (lambda: LossProblem(N_, SquaredError(), **EQUAL), {"lambda_H": 0.03}),
        (lambda: loss_minimizer(PLAIN), {"objective": 7.0}),
        (lambda: loss_minimizer(RELU), {"lead": np.zeros(3)}),
        (lambda: TargetProblem([0.0], [[1.0]], 3, 1, **EQUAL), {"N": 4}),
        (lambda: target_minimizer(TARGETS), {"s": np.zeros(3)}),
        (lambda: loss_collapse_factors(PLAIN), {"total": 7.0}),
        (lambda: loss_margins(PLAIN), {"lost": np.zeros(5)}),
    ],
)
def test_records_are_equal_by_content_and_can_not_be_changed(make, change):
    record = make()
    assert record == make()
    assert dataclasses.replace(record, **change) != record
    for field in dataclasses.fields(record):
        if field.name != "_":
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(record, field.name, getattr(record, field.name))


def test_a_decayed_bias_is_decayed_like_the_last_layer_by_default():
    problem = LossProblem(
        [3, 2], SquaredError(), 3, bias="decayed", lambda_W=[0.5, 0.4, 0.2], lambda_H=0.1
    )
    assert problem.lambda_b == 0.2
