"""Tables over many problems have what each problem has by itself."""

from dataclasses import replace

import numpy as np
import pytest

from nclib.theory.collapse import collapse_factors
from nclib.theory.counts import ClassCounts
from nclib.theory.losses.objects import CrossEntropy
from nclib.theory.losses.problem import LossProblem
from nclib.theory.minimizer import global_minimizer
from nclib.theory.optimum import class_outcomes
from nclib.theory.problem import Problem
from nclib.theory.tables import (
    accuracy_by_count,
    common_lambda,
    deaths_by_lambda,
    kept_shares,
    outcomes_over,
    outcomes_over_factors,
    outcomes_over_lambda_H,
)

COUNTS = ClassCounts([3, 40, 3, 12])
GRID = np.geomspace(1e-3, 0.3, 9)


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
def test_shares_are_those_of_a_brute_force_over_each_mode(depth, bias):
    """The best z of a fine grid, for each singular value of the dense label matrix."""
    table = kept_shares(common_lambda(COUNTS, depth, GRID, bias=bias))
    root = np.diag(np.sqrt(COUNTS.n))
    labels = root - (np.outer(COUNTS.n, np.sqrt(COUNTS.n)) / COUNTS.N if bias else 0)
    kappa = np.linalg.svd(labels, compute_uv=False)[: COUNTS.K - bias]
    assert table.shape == (kappa.size, GRID.size)
    shares = np.linspace(0, 1, 20_001)
    for lam, column in zip(GRID, table.T, strict=True):
        for value, share in zip(kappa, column, strict=True):
            cost = value**2 * (1 - shares) ** 2 / (2 * COUNTS.N)
            cost += (depth + 1) / 2 * lam * (value * shares) ** (2 / (depth + 1))
            assert share == pytest.approx(shares[cost.argmin()], abs=1e-4)
    assert (table == 0).any()
    assert (table > 0).any()


@pytest.mark.parametrize("depth", [1, 3])
def test_modes_are_alive_below_their_death_and_dead_above(depth):
    deaths = deaths_by_lambda(COUNTS, depth)
    assert deaths[-1] == 0
    assert (np.diff(deaths) <= 0).all()
    for mode, lam in enumerate(deaths[:-1]):
        below, above = kept_shares(
            common_lambda(COUNTS, depth, [lam * (1 - 1e-9), lam * (1 + 1e-9)])
        ).T
        assert below[mode] > 0 == above[mode]


def test_the_mode_of_a_single_sample_has_a_share_too():
    """Theorem 4.1: without a bias kappa is sqrt(n), less N lambda for one layer."""
    table = kept_shares(common_lambda([4, 1], 1, [0.01, 0.1], bias=False))
    np.testing.assert_allclose(table, [[0.975, 0.75], [0.95, 0.5]], rtol=1e-14)


def test_accuracies_are_those_of_the_dense_logits():
    problems = common_lambda(COUNTS, 1, GRID)
    table = accuracy_by_count(problems)
    assert table.shape == (3, GRID.size)
    for problem, column in zip(problems, table.T, strict=True):
        Z = global_minimizer(problem).logits().round(12)
        ties = (Z.max(axis=0) == Z).sum(axis=0)
        right = np.where(Z.diagonal() == Z.max(axis=0), 1 / ties, 0.0)
        expected = [right[COUNTS.n == count].mean() for count in (40, 12, 3)]
        np.testing.assert_allclose(column, expected, rtol=1e-14)


def test_problems_of_all_kinds_in_one_row():
    """A spectrum is kept from problem to problem only where it is the same."""
    problems = [
        Problem(counts, depth, bias=bias, lambda_W=lam, lambda_H=lam, widths=widths)
        for bias in (True, False)
        for counts in ([30, 5, 5], [5, 30, 5], [30, 30, 5])
        for depth, lam, widths in ((1, 0.01, None), (2, 0.02, None), (1, 0.01, (1,)))
    ]
    for problem, found in zip(problems, outcomes_over(problems), strict=True):
        assert found.minimizer.problem == problem
        assert found == class_outcomes(global_minimizer(problem))
        alive = (collapse_factors(problem) > 1).sum()
        assert found.minimizer.alive == alive
    over = list(outcomes_over_lambda_H(problems[0], [0.01, 0.1]))
    assert [each.minimizer.problem for each in over] == [
        replace(problems[0], lambda_H=value) for value in (0.01, 0.1)
    ]


def test_optima_of_other_losses_have_a_gap_of_a_billionth_at_most_unless_asked_otherwise():
    problem = LossProblem([50, 20, 10], CrossEntropy(), lambda_W=1e-3, lambda_H=1e-3)
    for options, least, most in (({}, 0, 1e-9), ({"tol": 1e-2}, 1e-9, 1e-2)):
        over = list(outcomes_over_factors(problem, [3, 1, 3], **options))
        assert all(least <= outcomes.minimizer.certificate <= most for outcomes in over)
        assert over[0] == over[2] != over[1]
