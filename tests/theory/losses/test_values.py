"""Objectives that two independent solvers agreed on, to the digits that were noted."""

from dataclasses import replace

import numpy as np
import pytest

import nclib as nc
from nclib.theory.losses.objects import CrossEntropy, SquaredError
from nclib.theory.losses.optimum import loss_minimizer
from nclib.theory.losses.problem import LossProblem

PLAIN = {"lambda_W": 0.01, "lambda_H": 0.01}
STEP = np.array([300] * 3 + [30] * 3)
CIFAR = nc.ClassCounts.cifar10_paper().n
W = np.sqrt(300 / STEP)
FACTORS = (STEP / 300) ** 0.3
MEAN = float(W @ STEP / STEP.sum())
"""The noted values are for a loss divided by N, not by the sum of the weights."""

VALUES = [
    # counts, loss, bias, lambda, objective, modes alive (None: not noted), mean weight
    (STEP, CrossEntropy(), "free", 0.0087477314, 1.1722992522, None, 1),
    (STEP, CrossEntropy(), "free", 0.0034990925, 0.7117026140, None, 1),
    (CIFAR, CrossEntropy(), "free", 0.00372678, 1.8250896236, 7, 1),
    (CIFAR, CrossEntropy(), "free", 0.001490712, 1.0000114432, 9, 1),
    ([10923, 260], CrossEntropy(), "free", 0.00040305577, 0.0404075409, None, 1),
    ([1000, 100, 10], CrossEntropy(), "free", 0.0024535236, 0.1626435107, 2, 1),
    (STEP, CrossEntropy(), "none", 0.0034990925, 0.8052400184, None, 1),
    (CIFAR, CrossEntropy(), "none", 0.001490712, 1.0197525226, None, 1),
    (STEP, CrossEntropy(class_weights=W), "free", 0.0034990925, 0.7841940801, None, MEAN),
    (STEP, CrossEntropy(label_smoothing=0.1), "free", 0.0034990925, 0.9635130006, None, 1),
    (STEP, CrossEntropy(adjustment=1), "none", 0.0034990925, 0.7127573046, None, 1),
    (STEP, CrossEntropy(margins=STEP**-0.25), "free", 0.0034990925, 0.7658316025, None, 1),
    (STEP, CrossEntropy(logit_factors=FACTORS), "free", 0.0034990925, 0.7537326742, None, 1),
    (STEP, CrossEntropy(sample_factors=FACTORS), "none", 0.0034990925, 0.8350430371, None, 1),
    (STEP, CrossEntropy(W, 0.1), "free", 0.0034990925, 1.3725185392, None, MEAN),
    (STEP, SquaredError(W), "free", 0.0034990925, 0.1671377270, None, MEAN),
]  # fmt: skip


@pytest.mark.parametrize(("n", "loss", "bias", "lam", "expected", "alive", "mean"), VALUES)
def test_noted_objective(n, loss, bias, lam, expected, alive, mean):
    # Weights divided by their mean: all the objective divided by it, and so every penalty.
    problem = LossProblem(n, loss, bias=bias, lambda_W=lam / mean, lambda_H=lam / mean)
    best = loss_minimizer(problem, tol=1e-11)
    assert best.certificate <= 1e-9
    # Noted with ten decimals.
    assert best.objective * mean == pytest.approx(expected, rel=1e-9, abs=0.6e-10)
    if alive is not None:
        assert best.alive == alive


@pytest.mark.parametrize(
    ("n", "lambda_W", "lambda_H", "expected", "margins"),
    [
        ([500, 400, 300, 200, 100], 0.02, 0.02 * 5 / 1500, 0.411680353,
         [3.98407, 3.86367, 3.70675, 3.48170, 3.08282]),
        ([30, 20, 10], 0.01, 0.01, 0.4118742540, None),
    ],
)  # fmt: skip
def test_noted_objective_after_a_relu(n, lambda_W, lambda_H, expected, margins):
    problem = LossProblem(
        n, CrossEntropy(), bias="none", non_negative=True, lambda_W=lambda_W, lambda_H=lambda_H
    )
    best = loss_minimizer(problem)
    assert best.objective == pytest.approx(expected, rel=1e-9, abs=0.6e-9)
    if margins:
        np.testing.assert_allclose(best.lead, margins, atol=6e-6)


def test_noted_objective_where_a_width_keeps_the_largest_gain():
    w = np.array([1, 3.5])
    mean = w @ [100, 10] / 110
    problem = LossProblem(
        [100, 10],
        SquaredError(w),
        bias="none",
        lambda_W=0.005 / mean,
        lambda_H=0.005 / mean,
        widths=[1],
    )
    best = loss_minimizer(problem)
    assert best.objective * mean == pytest.approx(0.2077159, abs=0.6e-7)
    assert best.alive == 1
    assert problem.objective(*best.weights()) == pytest.approx(best.objective, rel=1e-13)


@pytest.mark.parametrize(
    ("weights", "limit", "kept"),
    [
        ([1, 1, 1, 1], 1, [0]),
        ([1, 1, 1, 1], 2, [0, 1]),
        ([1, 2, 4, 0.1], 1, [2]),
        ([1, 2, 4, 0.1], 2, [1, 2]),
        ([0.1, 1, 1.3, 2], 2, [1, 2]),
    ],
)
def test_a_width_keeps_what_gains_most(weights, limit, kept):
    """One layer, no bias, arithmetic by hand: z = sqrt(n) - lambda N / w gains w z^2 / (2 N)."""
    n = np.array([100, 60, 50, 12])
    w, N = np.array(weights) * n.sum() / (np.array(weights) @ n), n.sum()
    lam = 3.5 / N
    problem = LossProblem(
        n, SquaredError(weights), bias="none", lambda_W=lam, lambda_H=lam, widths=[limit]
    )
    z = np.maximum(np.sqrt(n) - lam * N / w, 0.0)
    gain = w * z**2 / (2 * N)
    assert sorted(np.argsort(-gain)[:limit]) == kept
    best = loss_minimizer(problem)
    assert best.objective == pytest.approx(w @ n / (2 * N) - gain[kept].sum(), rel=1e-13)
    assert best.alive == limit
    expected = np.zeros(4)
    expected[kept] = (z / np.sqrt(n))[kept]
    np.testing.assert_allclose(best.logits(), np.diag(expected), atol=1e-14)
    assert problem.objective(*best.weights()) == pytest.approx(best.objective, rel=1e-13)


def test_modes_that_are_dead_anyway_need_no_room_in_a_width():
    """No bias, one layer: the classes of 2 samples, in one group, are dead from sqrt(2) / N on."""
    n, lam = [400, 300, 2, 2, 2, 2], 2 / 708
    problem = LossProblem(n, SquaredError(), bias="none", lambda_W=lam, lambda_H=lam)
    for limit in (2, 3):
        best = loss_minimizer(replace(problem, widths=[limit]))
        assert best.alive == 2
        logits = np.diag(np.maximum(1 - 2 / np.sqrt(n), 0))
        np.testing.assert_allclose(best.logits(), logits, atol=1e-14)
        np.testing.assert_array_equal(best.inner, np.zeros(3))
    kept = loss_minimizer(replace(problem, widths=[1]))
    assert kept.alive == 1
    assert kept.objective == pytest.approx(1 / 2 - 18**2 / (2 * 708), rel=1e-13)


@pytest.mark.parametrize("bias", ["free", "none"])
def test_only_groups_of_two_or_more_classes_have_inner_modes(bias):
    """Soft thresholding: each takes N lambda off the root of its count."""
    problem = LossProblem([40, 25, 25, 9], SquaredError(), bias=bias, **PLAIN)
    np.testing.assert_allclose(loss_minimizer(problem).inner, [0, 5 - 0.99, 0], atol=1e-14)


@pytest.mark.parametrize("weights", [[1, 1, 1, 1], [0.2, 3, 3, 8]])
def test_where_all_is_dead_half_a_unit_is_lost_whatever_the_weights(weights):
    """All logits are 0, so that a sample of class k loses w_k / 2, and the weights have mean 1."""
    problem = LossProblem(
        [40, 25, 25, 9], SquaredError(weights), bias="none", lambda_W=1, lambda_H=1
    )
    best = loss_minimizer(problem)
    assert best.alive == 0
    assert best.objective == pytest.approx(1 / 2, rel=1e-14)


class Twice(SquaredError):
    """Half the squared distance, counted twice."""

    def terms(self, counts, drawn):
        return super().terms(counts, drawn)._replace(weight=np.full(counts.K, 2.0))


@pytest.mark.parametrize("depth", [1, 2])
def test_twice_the_loss_is_the_loss_with_half_the_penalties(depth):
    n = [40, 25, 25, 9]
    twice = LossProblem(n, Twice(), depth, **PLAIN)
    paper = nc.global_minimizer(nc.Problem(n, depth, lambda_W=0.005, lambda_H=0.005))
    best = loss_minimizer(twice)
    assert best.certificate == 0
    assert best.objective == pytest.approx(2 * paper.objective, rel=1e-13)
    np.testing.assert_allclose(best.logits(), paper.logits(), atol=1e-13)


@pytest.mark.parametrize("n", [[30, 30, 10], [30, 30, 30, 10], [30, 30, 30, 30, 10]])
def test_a_width_that_cuts_a_block_of_equal_modes_is_refused(n):
    problem = LossProblem(n, SquaredError(), bias="none", lambda_W=0.01, lambda_H=0.01, widths=[1])
    with pytest.raises(ValueError, match="cuts a block of equal ones"):
        loss_minimizer(problem)


@pytest.mark.parametrize("K", [2, 4])
def test_just_below_its_death_a_class_after_a_relu_is_alive(K):
    """It dies at lambda = sqrt((K - 1) n / K) / N, and at c times that the others' softmax is
    c (K - 1) / K, so that its lead over each is log(K / c - (K - 1)).
    """
    n = [9] * K
    death = np.sqrt((K - 1) / K * 9) / (9 * K)
    for share, alive in ((0.99, K), (1.01, 0)):
        at = {"lambda_W": share * death, "lambda_H": share * death}
        problem = LossProblem(n, CrossEntropy(), bias="none", non_negative=True, **at)
        best = loss_minimizer(problem)
        assert best.alive == alive
        lead = np.log(K / share - (K - 1)) if alive else 0.0
        np.testing.assert_allclose(best.lead, lead, rtol=1e-12)


def test_classes_that_are_dead_after_a_relu_share_their_mean():
    """n_k <= N^2 lambda_W lambda_H K / (K - 1) dies: here the three of 9 and 4, below 12.5."""
    n, lam = [60, 30, 9, 4, 4], np.sqrt(10) / 107
    problem = LossProblem(
        n, CrossEntropy(), bias="none", non_negative=True, lambda_W=lam, lambda_H=lam
    )
    best = loss_minimizer(problem)
    assert best.alive == 2
    assert (best.lead > 0).tolist() == [True, True, False, False]
    outcomes = nc.class_outcomes(best)
    assert outcomes.merged[outcomes.group].tolist() == [1, 1, 3, 3, 3]
    others, own = best.group_logits()
    assert (others.shape, own.shape, best.between_values.size) == ((4, 4), (4,), 0)
    left, right = best.modes
    product = best.logits() * np.sqrt(n)
    np.testing.assert_allclose((left * best.singular_values) @ right.T, product, atol=1e-12)
    head, means = best.along_modes(np.sqrt(n))
    np.testing.assert_allclose(head @ means, np.diag(best.singular_values), atol=1e-12)
    assert (best.certificate, best.b) == (0.0, None)
