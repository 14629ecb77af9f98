"""Several labels a sample: the problem from pairs of labels, against samples written out."""

import numpy as np
import pytest

from nclib.theory import TargetProblem, target_minimizer
from nclib.theory.related import multi_label_problem


def test_pairs_say_as_much_as_all_samples(record_error):
    rng = np.random.default_rng(0)
    for _ in range(10):
        K, N = int(rng.integers(2, 6)), int(rng.integers(8, 40))
        Y = (rng.random((K, N)) < rng.uniform(0.1, 0.7, (K, 1))).astype(int)
        pairs = multi_label_problem(Y @ Y.T, N, 2, lambda_W=1e-3, lambda_H=2e-3)
        whole = TargetProblem.from_targets(Y, 2, lambda_W=1e-3, lambda_H=2e-3)
        assert pairs.mean == pytest.approx(Y.mean(axis=1), abs=1e-15)
        one, other = target_minimizer(pairs), target_minimizer(whole)
        dense = np.linalg.svd(Y - Y.mean(axis=1, keepdims=True), compute_uv=False)[:K]
        assert one.kappa[: dense.size] == pytest.approx(dense, abs=1e-6)
        off = abs(one.objective - other.objective)
        assert record_error("several labels: pairs against samples", off, 1e-12)


def test_features_of_two_labels_add_up(record_error):
    """Less that of none, whatever the counts: against the ridge regression of the features."""
    rng = np.random.default_rng(1)
    for _ in range(10):
        Y = (rng.random((4, 30)) < rng.uniform(0.2, 0.6, (4, 1))).astype(int)
        problem = multi_label_problem(Y @ Y.T, 30, 3, lambda_W=1e-3, lambda_H=2e-3)
        best = target_minimizer(problem)
        asked = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]).T
        # The best features for the head: minimise |P h + b - y|^2 / (2N) + lambda_H |h|^2 / 2.
        P, mean = best.head(), Y.mean(axis=1)
        ridge = P.T @ P + 30 * problem.lambda_H * np.eye(4)
        h = np.linalg.solve(ridge, P.T @ (asked - mean[:, None]))
        off = np.abs(best.features(asked) - h).max()
        assert record_error("several labels: features for the head", off, 1e-10)
        off = np.abs(h[:, 0] - h[:, 1] - h[:, 2] + h[:, 3]).max()
        assert record_error("several labels: features of two labels add up", off, 1e-10)


def test_one_label_a_sample_is_the_papers_matrix():
    n = np.array([5, 3, 2])
    problem = multi_label_problem(np.diag(n), 10, 1, lambda_W=0.01, lambda_H=0.01)
    assert problem.covariance * 10 == pytest.approx(np.diag(n) - np.outer(n, n) / 10, abs=1e-14)


def test_a_label_that_never_comes_alone_and_samples_that_all_have_one():
    """Two samples with both labels, one with the second alone."""
    problem = multi_label_problem([[2, 2], [2, 3]], 3, 1, lambda_W=0.1, lambda_H=0.1)
    Y = np.array([[1, 1, 0], [1, 1, 1]])
    assert problem.mean == pytest.approx(Y.mean(axis=1))
    assert problem.covariance == pytest.approx(np.cov(Y, bias=True), abs=1e-15)
    two = multi_label_problem([[1, 0], [0, 1]], 2, 1, lambda_W=0.1, lambda_H=0.1)
    assert two.covariance == pytest.approx(np.array([[1, -1], [-1, 1]]) / 4)


@pytest.mark.parametrize(
    ("together", "N", "what"),
    [
        ([[2, 1]], 5, r"together must have shape \(K, K\); got \(1, 2\)"),
        ([[2, 1], [0, 2]], 5, "together must be symmetric"),
        ([[2, 0.5], [0.5, 2]], 5, "together must hold whole numbers"),
        ([[2, 3], [3, 4]], 9, "together must not count a pair more often"),
        ([[2, 3], [3, 4]], 5, "together must not count a pair more often"),
        ([[2, -1], [-1, 2]], 9, "together must not count a pair more often"),
        ([[2, np.nan], [np.nan, 2]], 5, "together must hold whole numbers"),
        (np.ones((2, 2, 2)), 5, r"together must have shape \(K, K\); got \(2, 2, 2\)"),
        ([[1, 0], [0, 0]], 1, "N must be .*2"),
        ([[2, 0], [0, 2]], 3, "N must be at least the number of samples that have a label; got 3"),
    ],
)
def test_counts_that_no_samples_have_are_refused(together, N, what):
    with pytest.raises(ValueError, match=what):
        multi_label_problem(together, N, 1, lambda_W=0.1, lambda_H=0.1)
