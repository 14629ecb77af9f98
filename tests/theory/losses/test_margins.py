"""The class lost first, for every loss: against closed forms, all factors, and the logits there."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from torch_reference import free_optimum, random_problem

from nclib import class_outcomes, gallery
from nclib.theory.losses.margins import loss_first_lost, weight_decay_leaving
from nclib.theory.losses.objects import CrossEntropy, Sampling, SquaredError
from nclib.theory.losses.optimum import loss_minimizer
from nclib.theory.losses.problem import LossProblem
from nclib.theory.losses.thresholds import loss_collapse_factors, loss_margins
from nclib.theory.margins import misclassification_factors


def right_groups(problem, factor):
    """By the logits alone: groups whose own logit is above every other class's."""
    others, own = loss_minimizer(problem.rescaled(factor), tol=1e-12).group_logits()
    size = np.bincount(problem.group)
    rivals = others.copy()
    np.fill_diagonal(rivals, np.where(size > 1, np.diagonal(others), -np.inf))
    return own > rivals.max(axis=0) + 1e-12


@pytest.mark.parametrize("loss", [SquaredError(), CrossEntropy()])
def test_two_classes_in_closed_form(loss):
    """The rarer is answered right below the share N / (2 n_1) of the death at kappa_1 / N."""
    n, lam = [284, 16], 1e-3
    problem = LossProblem(n, loss, lambda_W=lam, lambda_H=lam)
    factor, classes = loss_first_lost(problem)
    death = math.sqrt(2 * 284 * 16 / 300) / 300 / lam
    assert factor == pytest.approx(death * 300 / (2 * 284), rel=1e-6)
    assert classes == (1,)


@pytest.mark.parametrize("bias", ["free", "none"])
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize(
    "n",
    [
        [30] * 3,
        [40, 40, 7],
        [500, 100, 100],
        [1000, 112, 111, 110],
        [1000, 45, 40, 40],
        [300, 300, 30, 30, 20, 20],
        [500, 100, 20],
        [500, 45, 45, 40],
    ],
)
def test_the_squared_error_loses_first_whom_the_paper_loses_first(n, depth, bias):
    problem = LossProblem(n, SquaredError(), depth, bias=bias, lambda_W=1e-3, lambda_H=2e-3)
    lost = misclassification_factors(problem.model)
    factor, classes = loss_first_lost(problem)
    assert factor == pytest.approx(lost.min(), rel=1e-8)
    assert classes == tuple(np.flatnonzero(lost <= lost.min() * (1 + 1e-7)))
    # From where all is lost the search goes down.
    beyond = loss_first_lost(problem.rescaled(1e4))
    assert beyond.factor == pytest.approx(1e-4 * factor, rel=1e-8)
    assert beyond.classes == classes


def test_a_class_that_ties_where_others_merge_is_lost_with_them():
    """A balanced sampler gives each of K classes one share: all modes die at 1/sqrt(K N)."""
    problem = LossProblem(
        [40, 20, 20], SquaredError(), lambda_W=1e-3, lambda_H=2e-3, sampling=Sampling("balanced")
    )
    factor, classes = loss_first_lost(problem)
    assert problem.form.G == 2
    assert factor == pytest.approx(1 / math.sqrt(3 * 80 * 2e-6), rel=1e-12)
    assert classes == (0, 1, 2)


@pytest.mark.parametrize("lambda_H", [5e-3, 5e3])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_weight_decay_of_every_layer_leaves_the_margin(depth, lambda_H):
    """Only the product of all penalties counts, so that the layers' take the power (L+1)/L."""
    problem = LossProblem([300, 300, 30], SquaredError(), depth, lambda_W=1e-3, lambda_H=lambda_H)
    here = misclassification_factors(problem.model).min()
    changed = weight_decay_leaving(problem, 3)
    np.testing.assert_allclose(
        changed.lambda_W, 1e-3 * (here / 3) ** ((depth + 1) / depth), rtol=1e-7
    )
    assert changed.lambda_H == problem.lambda_H


def test_no_weight_decay_keeps_a_class_that_is_wrong_at_every_one():
    loss = CrossEntropy(adjustment=[40.0, 0.0, 0.0])
    problem = LossProblem([60, 50, 40], loss, bias="none", lambda_W=1e-3, lambda_H=1e-3)
    assert loss_first_lost(problem) == (0.0, (0,))
    with pytest.raises(ValueError, match="is kept: one is wrong at every penalty"):
        weight_decay_leaving(problem, 2)


@pytest.mark.parametrize("n", [[300, 80, 80, 5], [300, 80, 5]])
def test_equal_weighted_roots_are_lost_all_at_once_without_a_bias(n):
    """Squared error, no bias, L layers: all classes alike for weights n^(-L/(L+1))."""
    for depth in (1, 2, 3):
        loss = SquaredError(class_weights=np.array(n) ** (-depth / (depth + 1)))
        problem = LossProblem(n, loss, depth, bias="none", lambda_W=1e-3, lambda_H=1e-3)
        factor, classes = loss_first_lost(problem)
        assert classes == tuple(range(len(n)))
        assert factor == pytest.approx(loss_collapse_factors(problem).total, rel=1e-8)


def test_random_problems_lose_first_what_the_factors_of_all_classes_say(record_error):
    rng = np.random.default_rng(20)
    for _ in range(24):
        problem = random_problem(rng)
        factor, classes = loss_first_lost(problem)
        lost = loss_margins(problem).lost
        assert record_error("first lost: factor", abs(factor / lost.min() - 1), 1e-6)
        assert set(classes) <= set(np.flatnonzero(lost <= factor * (1 + 1e-5)).tolist())
        assert right_groups(problem, factor * (1 - 1e-4)).all()
        there = right_groups(problem, factor * (1 + 1e-4))
        assert not there[problem.group[list(classes)]].any()


@pytest.mark.parametrize("N_lambda_H", [0.01, 0.03, 0.1, 1, 10, 100])
def test_a_balanced_sampler_loses_all_classes_at_the_total_collapse(N_lambda_H):
    """Of K single classes with one share each all modes die at lambda = 1/sqrt(K N), together."""
    n = [5000, 1200, 300, 40, 7]
    problem = LossProblem(
        n, CrossEntropy(), bias="decayed", lambda_W=5e-4, lambda_H=N_lambda_H / sum(n),
        sampling=Sampling("balanced"),
    )  # fmt: skip
    factor, classes = loss_first_lost(problem)
    death = np.sqrt(1 / (len(n) * sum(n)))
    assert factor == pytest.approx(death / np.sqrt(5e-4 * N_lambda_H / sum(n)), rel=1e-6)
    assert classes == (0, 1, 2, 3, 4)


def test_without_a_bias_a_class_is_lost_where_its_logits_become_all_the_same():
    """Long before the total collapse, from which on all logits are 0.

    The dead class has a tie with all others from its death on: a root search that takes the tie at
    the far end of a step for the root misses it.
    """
    n = np.array([43, 43, 44])
    loss = CrossEntropy(class_weights=1 / n)
    problem = LossProblem(n, loss, bias="none", lambda_W=1e-3, lambda_H=1e-3)
    lost = loss_margins(problem).lost
    for k in range(3):
        g = problem.group[k]
        assert right_groups(problem, lost[k] * (1 - 1e-5))[g]
        assert not right_groups(problem, lost[k] * (1 + 1e-5))[g]
    assert lost[2] < 0.993 * lost[0]


def test_single_classes_merge_where_two_of_them_would():
    """Beside the group's inner modes: doubled counts, all else the same, at that very factor."""
    n = np.array([300, 90, 90, 20])
    for loss, sampling in (
        (CrossEntropy(label_smoothing=0.1), None),
        (SquaredError(), Sampling("sqrt")),
        (SquaredError(label_smoothing=0.2), None),
    ):
        for bias in ("free", "decayed") if loss.label_smoothing else ("free", "none", "decayed"):
            problem = LossProblem(
                n, loss, bias=bias, lambda_W=1e-3, lambda_H=1e-3, sampling=sampling
            )
            found = loss_collapse_factors(problem)
            drawn = problem.drawn[problem.representative]
            eps = loss.label_smoothing
            np.testing.assert_allclose(
                found.merging, (1 - eps) * np.sqrt(drawn) / 500 / 1e-3, rtol=1e-12
            )
            assert np.isnan(found.inner).tolist() == [True, False, True]
            assert found.inner[1] == found.merging[1]


def test_a_class_that_is_wrong_at_every_penalty_leaves_no_margin():
    """A large margin of one class against a strong adjustment: it is never answered right."""
    loss = CrossEntropy(adjustment=[40.0, 0.0, 0.0])
    problem = LossProblem([60, 50, 40], loss, bias="none", lambda_W=1e-3, lambda_H=1e-3)
    factor, classes = loss_first_lost(problem)
    lost = loss_margins(problem).lost
    assert factor == pytest.approx(lost.min(), rel=1e-6)
    assert set(classes) == set(np.flatnonzero(lost <= lost.min() * (1 + 1e-6)).tolist())


@pytest.mark.parametrize("bias", ["free", "none", "decayed"])
def test_the_weight_decay_alone_leaves_the_margin(bias):
    problem = LossProblem([300, 300, 30], CrossEntropy(), bias=bias, lambda_W=1e-3, lambda_H=5e-3)
    changed = weight_decay_leaving(problem, 3)
    assert changed.lambda_H == problem.lambda_H
    assert loss_first_lost(changed).factor == pytest.approx(3, rel=1e-6)
    if bias == "decayed":
        ratio = changed.lambda_W[0] / problem.lambda_W[0]
        assert changed.lambda_b / problem.lambda_b == pytest.approx(ratio, rel=1e-12)
    with pytest.raises(ValueError, match="margin must be positive"):
        weight_decay_leaving(problem, 0)


def descended_leads(n, weights, lambda_W, lambda_H):
    """Own logit less the largest other one, at the optimum that L-BFGS finds over W, H and b."""
    n, K = np.asarray(n, dtype=float), len(n)
    a = n * weights / n.sum()

    def objective(flat):
        W, H, b = flat[: K * K].reshape(K, K), flat[K * K : -K].reshape(K, K), flat[-K:]
        residual = W @ H + b[:, None] - np.eye(K)
        slope = a * residual
        value = (np.sum(slope * residual) + lambda_W * np.sum(W**2)) / 2
        value += lambda_H / 2 * np.sum(n * H**2)
        dW, dH = slope @ H.T + lambda_W * W, W.T @ slope + lambda_H * n * H
        return value, np.concatenate([dW.ravel(), dH.ravel(), slope.sum(axis=1)])

    flat = np.random.default_rng(0).standard_normal(2 * K * K + K) / 10
    options = {"maxiter": 20_000, "maxfun": 40_000, "ftol": 0, "gtol": 1e-13, "maxcor": 40}
    for _ in range(2):  # a restart goes on where rounding stopped it
        found = minimize(objective, flat, jac=True, method="L-BFGS-B", options=options)
        flat = found.x
    Z = flat[: K * K].reshape(K, K) @ flat[K * K : -K].reshape(K, K) + flat[-K:, None]
    own = Z.diagonal().copy()
    np.fill_diagonal(Z, -np.inf)
    return own - Z.max(axis=0)


def test_skin_lesions_with_balanced_weights_are_lost_where_descent_loses_them():
    """Squared error, weights 1/n and a free bias: at every strength one after another, for good.

    With the penalty of the weights that a decay of 5e-4 and a mean over classes give, the class of
    327 images is lost at N lambda_H = 661; the last two only at the total collapse, at 947.
    """
    n = gallery()["ham10000"].counts.n
    weights = n.sum() / (7 * n)
    at = {"lambda_W": 7 / 2 * 5e-4, "lambda_H": 1 / n.sum()}
    problem = LossProblem(n, SquaredError(class_weights=weights), **at)
    # All penalties times f: as lambda_H times f^2 alone.
    lost = loss_margins(problem).lost ** 2
    for strength in (38, 39.5, 299, 305, 655, 668, 940):
        descended = descended_leads(n, weights, at["lambda_W"], strength * at["lambda_H"]) > 0
        best = loss_minimizer(replace(problem, lambda_H=strength * at["lambda_H"]))
        outcomes = class_outcomes(best)
        np.testing.assert_array_equal(outcomes.right[outcomes.group] == 1, descended)
        np.testing.assert_array_equal(lost > strength, descended)


def test_with_weights_a_class_that_is_lost_can_be_right_again():
    """Raise all penalties: the largest class is answered as the second, and then as itself again.

    (For the paper's model it is proved that no class comes back.)
    """
    n = np.array([783, 533, 223, 140])
    loss = CrossEntropy(class_weights=n**-0.9)
    problem = LossProblem(n, loss, bias="decayed", lambda_W=1e-3, lambda_H=1e-3)
    total = loss_collapse_factors(problem).total
    right = []
    for share in (0.565, 0.575, 0.595, 0.605):
        at = problem.rescaled(share * total)
        best = loss_minimizer(at)
        minimum, Z = free_optimum(at, starts=1)
        assert best.objective == pytest.approx(minimum, rel=1e-9)
        outcomes = class_outcomes(best)
        assert (outcomes.right[outcomes.group[0]] == 1) == (Z[:, 0].argmax() == 0)
        right.append(bool(Z[:, 0].argmax() == 0))
    assert right == [True, False, False, True]


def test_a_class_that_is_lost_and_right_again_is_lost_first():
    """The problem above, where free descents see the first class lost between .565 and .575."""
    n = np.array([783, 533, 223, 140])
    loss = CrossEntropy(class_weights=n**-0.9)
    problem = LossProblem(n, loss, bias="decayed", lambda_W=1e-3, lambda_H=1e-3)
    factor, classes = loss_first_lost(problem)
    assert 0.565 < factor / loss_collapse_factors(problem).total < 0.575
    assert classes == (0,)


def test_no_other_class_is_lost_where_one_is_wrong_at_every_penalty():
    """Smoothed targets take the own answer, before adjustments, log((1 - eps + eps/K) K/eps) ahead.

    That is log 8 = 2.08 here, less than the first class's 3.5 more than the second in adjustment;
    the second is 2.08 - 1.5 = 0.58 ahead of the third.
    """
    loss = CrossEntropy(label_smoothing=0.3, adjustment=[5.0, 1.5, 0.0])
    problem = LossProblem([60, 50, 40], loss, bias="none", lambda_W=1e-3, lambda_H=1e-3)
    assert loss_first_lost(problem) == (0.0, (0,))
    Z = loss_minimizer(problem.rescaled(1e-7)).logits()
    assert Z[1, 1] - Z[2, 1] == pytest.approx(math.log(8) - 1.5, abs=1e-4)


def test_the_weight_decay_leaves_the_margin_where_the_bias_s_penalty_is_strong():
    """Far from what the rule without that penalty says."""
    problem = LossProblem(
        [300, 300, 30], SquaredError(), bias="decayed", lambda_W=1e-3, lambda_H=5e-3, lambda_b=0.1
    )
    changed = weight_decay_leaving(problem, 1.05)
    assert loss_first_lost(changed).factor == pytest.approx(1.05, rel=1e-6)
    by_rule = 1e-3 * (loss_first_lost(problem).factor / 1.05) ** 2
    assert changed.lambda_W[0] > 1.5 * by_rule
