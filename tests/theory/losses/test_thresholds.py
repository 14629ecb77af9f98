"""Each row of the table of thresholds: alive just below, dead just above."""

from dataclasses import replace

import numpy as np
import pytest
from torch_reference import at_price

import nclib as nc
from nclib.theory.losses.objects import CrossEntropy, Sampling, SquaredError
from nclib.theory.losses.optimum import loss_minimizer
from nclib.theory.losses.problem import LossProblem
from nclib.theory.losses.thresholds import (
    loss_collapse_factors,
    loss_margins,
    penalties_leaving,
)

N_ = np.array([200, 200, 200, 50, 50, 20, 20])
TOTAL = N_.sum()
ROOT = np.sqrt(np.array([200, 50, 20])) / TOTAL
W_ = np.repeat([0.7, 1.9, 2.5], [3, 2, 2])
MODEL_W = (W_ * TOTAL / (W_ @ N_))[[0, 3, 5]]
SHARES = W_ * N_ / (W_ @ N_)
DRAWN = (TOTAL * SHARES)[[0, 3, 5]]
DELTA = np.repeat([1.0, 0.6, 0.4], [3, 2, 2])
DELTA_G = DELTA[[0, 3, 5]]
LDAM = np.repeat([0.3, 0.8, 1.2], [3, 2, 2])

ROWS = {
    # name: (losses, sampling, lambda at which the inner modes of each group die)
    "none": ([SquaredError(), CrossEntropy()], None, ROOT),
    "weights": ([SquaredError(W_), CrossEntropy(W_)], None, MODEL_W * ROOT),
    "sampler": (
        [SquaredError(), CrossEntropy()],
        Sampling(SHARES),
        np.sqrt(DRAWN) / TOTAL,
    ),
    "sampler, features' penalty fixed": (
        [SquaredError(), CrossEntropy()],
        Sampling(SHARES, "fixed"),
        DRAWN / TOTAL / np.sqrt([200, 50, 20]),
    ),
    "smoothing": (
        [SquaredError(label_smoothing=0.2), CrossEntropy(label_smoothing=0.2)],
        None,
        0.8 * ROOT,
    ),
    "weights and smoothing": (
        [SquaredError(W_, 0.2), CrossEntropy(W_, 0.2)],
        None,
        0.8 * MODEL_W * ROOT,
    ),
    "adjustment": ([CrossEntropy(adjustment=1.3), CrossEntropy(adjustment=W_**2)], None, ROOT),
    "factor by logit": ([CrossEntropy(logit_factors=DELTA)], None, DELTA_G * ROOT),
    "factor by sample": ([CrossEntropy(sample_factors=DELTA)], None, DELTA_G * ROOT),
}

CASES = [
    pytest.param(loss, sampling, expected, id=f"{name}-{type(loss).__name__}{i}")
    for name, (losses, sampling, expected) in ROWS.items()
    for i, loss in enumerate(losses)
]


@pytest.mark.parametrize(("loss", "sampling", "expected"), CASES)
def test_inner_modes_die_at_the_tables_lambda(loss, sampling, expected):
    for bias in ("free", "none", "decayed"):
        problem = LossProblem(N_, loss, bias=bias, lambda_W=1.0, lambda_H=1.0, sampling=sampling)
        np.testing.assert_allclose(loss_collapse_factors(problem).inner, expected, rtol=1e-12)
        for g, lam in enumerate(expected):
            assert loss_minimizer(at_price(problem, lam * (1 - 1e-3))).inner[g] > 0
            assert loss_minimizer(at_price(problem, lam * (1 + 1e-3))).inner[g] == 0


@pytest.mark.parametrize(
    ("bias", "expected"),
    [("free", [1.0760, 1.0811, 1.0680]), ("none", [1.0384, 1.1132, 1.1628])],
)
def test_margins_move_the_deaths_a_little_away(bias, expected):
    problem = LossProblem(N_, CrossEntropy(margins=LDAM), bias=bias, lambda_W=1.0, lambda_H=1.0)
    factors = loss_collapse_factors(problem).inner
    np.testing.assert_allclose(factors / ROOT, expected, atol=1e-4)
    for g, lam in enumerate(factors):
        assert loss_minimizer(at_price(problem, lam * (1 - 1e-3))).inner[g] > 0
        assert loss_minimizer(at_price(problem, lam * (1 + 1e-3))).inner[g] == 0


def test_a_margin_below_zero_brings_the_death_nearer():
    problem = LossProblem(N_, CrossEntropy(margins=-3 * LDAM), lambda_W=1.0, lambda_H=1.0)
    factors = loss_collapse_factors(problem).inner
    assert (factors < ROOT * [3 / 4, 1 / 2, 1 / 4]).all()
    for g, lam in enumerate(factors):
        assert loss_minimizer(at_price(problem, lam * (1 - 1e-3))).inner[g] > 0
        assert loss_minimizer(at_price(problem, lam * (1 + 1e-3))).inner[g] == 0


def test_inverse_frequency_turns_the_order_round_and_the_inverse_root_makes_all_alike():
    inverse = LossProblem(N_, CrossEntropy(1 / N_), lambda_W=1.0, lambda_H=1.0)
    root = replace(inverse, loss=CrossEntropy(1 / np.sqrt(N_)))
    deaths = loss_collapse_factors(inverse).inner
    assert deaths[0] < deaths[1] < deaths[2]
    assert np.ptp(loss_collapse_factors(root).inner) < 1e-15


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_the_power_of_n_that_treats_all_classes_alike(depth):
    # Without a bias, any depth: n^(-L/(L+1)), and then all shares agree at every Lambda.
    n = np.array([500, 100, 20])
    lam = 0.3 * (1 / 40) ** (2 / (depth + 1))
    alike = LossProblem(
        n,
        SquaredError(n ** (-depth / (depth + 1.0))),
        depth,
        bias="none",
        lambda_W=lam,
        lambda_H=lam,
    )
    best = loss_minimizer(alike)
    s = best.logits().diagonal()
    np.testing.assert_allclose(s, s[0], rtol=1e-12)
    modes = loss_margins(alike).modes
    np.testing.assert_allclose(modes, modes[0], rtol=1e-12)
    inverse = replace(alike, loss=SquaredError(1 / n))
    deaths = [
        loss_margins(replace(inverse, loss=SquaredError(w))).lost for w in (1 / n, np.ones(3))
    ]
    assert (np.diff(deaths[0]) > 0).all()
    assert (np.diff(deaths[1]) < 0).all()


def dense_norm(matrix):
    return np.linalg.norm(matrix, 2) / TOTAL


P_ADJUSTED = N_**0.7 / np.sum(N_**0.7)
P_WEIGHTED = W_ * N_ / (W_ @ N_)
D = np.diag(np.sqrt(N_))
I_ = np.eye(7)
MW = W_ * TOTAL / (W_ @ N_)


@pytest.mark.parametrize(
    ("loss", "bias", "expected"),
    [
        (CrossEntropy(), "free", dense_norm(nc.effective_label_matrix(N_))),
        (SquaredError(), "free", dense_norm(nc.effective_label_matrix(N_))),
        (CrossEntropy(), "none", dense_norm((I_ - 1 / 7) @ D)),
        (
            CrossEntropy(adjustment=0.7),
            "none",
            dense_norm((I_ - np.outer(P_ADJUSTED, np.ones(7))) @ D),
        ),
        (CrossEntropy(adjustment=0.7), "free", dense_norm(nc.effective_label_matrix(N_))),
        (
            CrossEntropy(W_),
            "free",
            dense_norm((I_ - np.outer(P_WEIGHTED, np.ones(7))) @ D @ np.diag(MW)),
        ),
        (
            CrossEntropy(logit_factors=DELTA),
            "free",
            dense_norm(np.diag(DELTA) @ nc.effective_label_matrix(N_)),
        ),
        (SquaredError(W_), "none", np.max(MW * np.sqrt(N_)) / TOTAL),
    ],
)
def test_total_collapse(loss, bias, expected):
    problem = LossProblem(N_, loss, bias=bias, lambda_W=1.0, lambda_H=1.0)
    assert loss_collapse_factors(problem).total == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("lam", "lambda_b"), [(1e-3, 1e-3), (1e-3, 1.0), (1.0, 1.0), (1.0, 30.0)])
def test_total_collapse_with_a_decayed_bias(lam, lambda_b):
    """Squared error: with nothing alive b = n / N / (1 + lambda_b), and that penalty grows too."""
    n = np.array([900, 90, 9])
    problem = LossProblem(
        n, SquaredError(), bias="decayed", lambda_W=lam, lambda_H=lam, lambda_b=lambda_b
    )
    total = loss_collapse_factors(problem).total
    b = n / n.sum() / (1 + total * lambda_b)
    slope = np.linalg.norm((b[:, None] - np.eye(3)) * np.sqrt(n), 2) / n.sum()
    assert total * lam == pytest.approx(slope, rel=1e-11)


@pytest.mark.parametrize("bias", ["free", "none", "decayed"])
@pytest.mark.parametrize(
    "loss",
    [
        CrossEntropy(margins=LDAM),
        CrossEntropy(sample_factors=DELTA),
        CrossEntropy(W_, 0.1),
        SquaredError(W_, 0.1),
    ],
)
def test_nothing_is_alive_from_the_total_collapse_on(loss, bias):
    problem = LossProblem(N_, loss, bias=bias, lambda_W=1e-3, lambda_H=2e-3)
    total = loss_collapse_factors(problem).total
    assert loss_minimizer(problem.rescaled(total * (1 + 1e-3))).alive == 0
    assert loss_minimizer(problem.rescaled(total * (1 - 1e-3))).alive > 0


def test_deaths_of_all_modes_with_a_bias():
    n = nc.ClassCounts.cifar10_paper()
    squared = LossProblem(n, SquaredError(), lambda_W=1.0, lambda_H=1.0)
    cross = replace(squared, loss=CrossEntropy())
    inner = [.007454, .006667, .005774, .004714, .003333]  # fmt: skip
    noted = sorted([*inner, .007093, .006134, .005020, .003574], reverse=True)  # fmt: skip
    np.testing.assert_allclose(loss_margins(squared).modes, noted, atol=6e-7)
    noted = sorted([*inner, .007078, .006077, .004934, .003489], reverse=True)  # fmt: skip
    modes = loss_margins(cross).modes
    np.testing.assert_allclose(modes, noted, atol=6e-7)
    for j, lam in enumerate(modes):
        assert loss_minimizer(at_price(cross, lam * (1 - 1e-3))).alive > j
        assert loss_minimizer(at_price(cross, lam * (1 + 1e-3))).alive <= j


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize(
    "n", [[900, 100], [500, 100, 100], [21, 34, 11, 11], [1000, 112, 111, 110]]
)
@pytest.mark.parametrize("bias", ["free", "none"])
def test_squared_error_loses_classes_where_misclassification_factors_says(n, depth, bias):
    problem = LossProblem(n, SquaredError(), depth, bias=bias, lambda_W=1e-3, lambda_H=2e-3)
    margins = loss_margins(problem)
    expected = nc.theory.misclassification_factors(problem.model)
    np.testing.assert_allclose(margins.lost, expected, rtol=1e-8)
    deaths = nc.collapse_factors(problem.model)
    np.testing.assert_allclose(margins.modes, deaths[: margins.modes.size], rtol=1e-9)


EQUAL = {"lambda_W": 1e-3, "lambda_H": 1e-3}
CE_PROBLEMS = {
    "plain": LossProblem([90, 40, 40, 10], CrossEntropy(), **EQUAL),
    "decayed": LossProblem([90, 40, 10], CrossEntropy(), bias="decayed", lambda_b=3e-3, **EQUAL),
    "weights": LossProblem([90, 40, 10], CrossEntropy([1, 2, 12]), **EQUAL),
    "none": LossProblem([90, 40, 10], CrossEntropy(), bias="none", **EQUAL),
    "relu": LossProblem([90, 40, 10], CrossEntropy(), bias="none", non_negative=True, **EQUAL),
}


@pytest.mark.parametrize("kind", CE_PROBLEMS)
def test_classes_are_right_below_and_lost_above_their_factor(kind):
    problem = CE_PROBLEMS[kind]
    margins = loss_margins(problem)
    for k, factor in enumerate(margins.lost):
        if np.isinf(factor):
            total = loss_collapse_factors(problem).total
            above = nc.class_outcomes(loss_minimizer(problem.rescaled(2 * total)))
            assert above.right[above.group[k]] == 1
            continue
        below = nc.class_outcomes(loss_minimizer(problem.rescaled(factor * (1 - 1e-3))))
        above = nc.class_outcomes(loss_minimizer(problem.rescaled(factor * (1 + 1e-3))))
        assert below.right[below.group[k]] == 1
        assert above.right[above.group[k]] < 1
    assert margins.first == margins.lost.min()


def test_after_a_relu_each_class_dies_and_is_lost_by_its_count():
    """n_k = N^2 lambda^2 K / (K - 1), whatever the other counts are."""
    n = np.array([90, 40, 40, 10])
    problem = LossProblem(n, CrossEntropy(), bias="none", non_negative=True, **EQUAL)
    deaths = np.sqrt(n * 3 / 4) / 180 / 1e-3
    factors, margins = loss_collapse_factors(problem), loss_margins(problem)
    np.testing.assert_allclose(factors.merging, deaths[[0, 1, 3]], rtol=1e-12)
    assert np.isnan(factors.inner).tolist() == [True, False, True]
    assert factors.total == pytest.approx(deaths[0], rel=1e-12)
    np.testing.assert_allclose(margins.modes, deaths, rtol=1e-12)
    np.testing.assert_allclose(margins.lost, deaths, rtol=1e-8)
    assert margins.between.size == 0


def test_weighted_classes_without_a_bias_are_lost_where_they_die():
    """Squared error, one layer: sqrt(n) w / N, with weights of mean 1 over the samples."""
    n, w = np.array([90, 40, 40, 10]), np.array([1.0, 2.0, 2.0, 7.0])
    problem = LossProblem(n, SquaredError(w), bias="none", **EQUAL)
    deaths = np.sqrt(n) * w / (w @ n) / 1e-3
    factors, margins = loss_collapse_factors(problem), loss_margins(problem)
    np.testing.assert_allclose(factors.merging, deaths[[0, 1, 3]], rtol=1e-12)
    assert factors.total == pytest.approx(deaths.max(), rel=1e-12)
    np.testing.assert_allclose(margins.lost, deaths, rtol=1e-8)
    np.testing.assert_allclose(margins.modes, np.sort(deaths)[::-1], rtol=1e-12)
    np.testing.assert_allclose(margins.between, np.sort(deaths[[0, 1, 3]])[::-1], rtol=1e-12)


@pytest.mark.parametrize("lambda_b", [7.0, 16.0, 40.0])
def test_the_mode_that_raises_all_logits_dies_before_the_classes_merge(lambda_b):
    """K classes of n samples, squared error, a decayed bias: arithmetic by hand.

    With all logits at a, of which the bias is c, the slope is a - 1/K, and it is lambda_b c. Where
    the mode is dead a = c = 1 / (K (1 + lambda_b)); it is alive while lambda_b c > lambda sqrt(n).
    For penalties times f that is f < 1 / (K lambda sqrt(n)) - 1 / lambda_b: never for a weak decay.
    """
    problem = LossProblem(
        [25] * 3, SquaredError(), bias="decayed", lambda_W=1.0, lambda_H=1.0, lambda_b=lambda_b
    )
    margins = loss_margins(problem)
    merge = 1 / (3 * 5)
    death = max(merge - 1 / lambda_b, 0.0)
    np.testing.assert_allclose(margins.between, [death], rtol=1e-4)
    np.testing.assert_allclose(margins.modes, [merge, merge, death], rtol=1e-4)
    np.testing.assert_allclose(margins.lost, merge, rtol=1e-8)


def test_a_class_that_is_right_again_above_is_lost_where_it_is_wrong_first():
    """Between steps of the search: beside the death of a mode, at .82 of the total collapse."""
    n = np.array([660, 640, 360])
    problem = LossProblem(n, CrossEntropy(n**-0.95), lambda_W=1.0, lambda_H=1.0)
    total = loss_collapse_factors(problem).total
    lost = loss_margins(problem).lost[0]
    right = [
        nc.class_outcomes(loss_minimizer(problem.rescaled(factor))).right[0] == 1
        for factor in (0.7 * total, lost * (1 - 1e-4), lost * (1 + 1e-4), 0.999 * total)
    ]
    assert right == [True, True, False, True]


def test_no_penalties_keep_a_class_that_is_wrong_at_every_one():
    loss = CrossEntropy(adjustment=[40.0, 0.0, 0.0])
    problem = LossProblem([60, 50, 40], loss, bias="none", **EQUAL)
    with pytest.raises(ValueError, match="can be kept: one is wrong at every penalty"):
        penalties_leaving(problem, 2, [0, 1])


def test_the_rarer_of_two_classes_is_lost_at_a_known_share():
    # Proved: death at kappa_1 / N, lost from the share N / (2 n_1) of it on, as for squared error.
    problem = LossProblem([900, 100], CrossEntropy(), lambda_W=1e-3, lambda_H=1e-3)
    kappa = np.sqrt(2 * 900 * 100 / 1000)
    margins = loss_margins(problem)
    assert margins.modes[0] == pytest.approx(kappa / 1000 / 1e-3, rel=1e-8)
    assert margins.lost[1] == pytest.approx(kappa / 1000 / 1e-3 * 1000 / 1800, rel=1e-7)
    assert np.isinf(margins.lost[0])


@pytest.mark.parametrize("kind", CE_PROBLEMS)
def test_penalties_leave_the_margin_asked_for(kind):
    changed = penalties_leaving(CE_PROBLEMS[kind], 2)
    lost = loss_margins(changed).lost
    assert lost[lost > 0].min() == pytest.approx(2, rel=1e-6)
    k = int(np.flatnonzero(np.isfinite(lost))[-1])
    last = penalties_leaving(CE_PROBLEMS[kind], 3, classes=[k])
    assert loss_margins(last).lost[k] == pytest.approx(3, rel=1e-6)


def test_a_class_that_is_wrong_at_every_penalty_is_not_waited_for():
    """Its samples hardly count: weight 1e-9."""
    problem = LossProblem([60, 50, 40], CrossEntropy([1e-9, 1.0, 1.0]), bias="decayed", **EQUAL)
    changed = penalties_leaving(problem, 2)
    for factor, right in ((1.999, [0, 1, 1]), (2.001, [0, 1, 0])):
        outcomes = nc.class_outcomes(loss_minimizer(changed.rescaled(factor)))
        np.testing.assert_array_equal(outcomes.right == 1, right)


def test_a_class_is_found_that_is_right_long_after_all_modes_are_alive():
    """Of two classes with one mode, which lives from the total collapse on."""
    loss = CrossEntropy([0.03, 1.0])
    problem = LossProblem([60, 50], loss, bias="decayed", lambda_b=0.01, **EQUAL)
    margins = loss_margins(problem)
    assert 0 < margins.lost[0] < margins.between[0] / 5
    for factor, right in ((1 - 1e-4, [1, 1]), (1 + 1e-4, [0, 1])):
        best = loss_minimizer(problem.rescaled(factor * margins.lost[0]))
        np.testing.assert_array_equal(nc.class_outcomes(best).right == 1, right)
        assert best.alive == 1


def test_penalties_at_which_all_is_lost_already_are_lowered_to_the_same():
    problem = LossProblem([900, 100, 100], SquaredError(), **EQUAL)
    beyond = problem.rescaled(1e3)
    assert loss_margins(beyond).lost[1] < 1
    for margin in (0.5, 2):
        changed = penalties_leaving(beyond, margin)
        assert changed.lambda_H == pytest.approx(
            penalties_leaving(problem, margin).lambda_H, rel=1e-8
        )


@pytest.mark.parametrize(
    ("margin", "classes", "error", "words"),
    [
        (0, None, ValueError, "margin must be positive"),
        ("2", None, TypeError, "margin must be a number"),
        (2, [4], ValueError, "each of classes"),
        (2, [-1], ValueError, "each of classes"),
        (2, [0], ValueError, "none of the classes is lost at any penalty"),
    ],
)
def test_bad_margins_are_named(margin, classes, error, words):
    with pytest.raises(error, match=words):
        penalties_leaving(CE_PROBLEMS["plain"], margin, classes)


@pytest.mark.parametrize("function", [loss_collapse_factors, loss_margins, loss_minimizer])
def test_only_a_loss_problem_will_do(function):
    with pytest.raises(TypeError, match="problem must be a LossProblem"):
        function(nc.Problem([3, 2], 1, lambda_W=1, lambda_H=1))
