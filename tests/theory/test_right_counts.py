"""With how many samples a class is right: by trying each count, and where rounding might decide."""

import math

import pytest

from nclib.theory import Problem, sample_counts
from nclib.theory.collapse import collapse_factors
from nclib.theory.minimizer import global_minimizer
from nclib.theory.sample_counts import RightCounts, right_counts


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_search_decides_at_a_death_as_the_minimiser_does(depth, monkeypatch):
    """Where a mode of the problem with its own count is at its threshold but for rounding."""
    monkeypatch.setattr(sample_counts, "_MOST_WORK", 0)
    n = [40, 30, 20]
    for lam in collapse_factors(Problem(n, depth, lambda_W=1, lambda_H=1))[:2].tolist():
        problem = Problem(n, depth, lambda_W=lam, lambda_H=lam)
        right = global_minimizer(problem).training_accuracy().per_class == 1
        for own, run, is_right in zip(n, right_counts(problem), right, strict=True):
            assert (run.low <= own <= run.high) == is_right


@pytest.mark.parametrize(
    ("n", "depth", "lam", "widths"),
    [
        ([50, 40, 10], 1, 0.04, None),
        ([9, 6, 4, 2], 1, 0.07, None),
        ([12, 6, 6, 2], 2, 0.07, None),
        ([30, 20, 10], 2, 0.05, (9, 1)),
        ([30, 20, 20, 10], 2, 0.03, (2, 9)),
    ],
)
def test_every_count_is_right_or_wrong_as_the_minimiser_says(n, depth, lam, widths):
    for k in range(len(n)):
        right, most = [], max(n[:k] + n[k + 1 :])
        for count in range(1, most + 2):
            moved = [*n[:k], count, *n[k + 1 :]]
            best = global_minimizer(
                Problem(moved, depth, lambda_W=lam, lambda_H=lam, widths=widths)
            )
            right.append(bool(best.training_accuracy().per_class[k] == 1))
        first = right.index(True) + 1
        assert all(right[first - 1 :])  # of these no run has a gap
        (found,) = right_counts(Problem(n, depth, lambda_W=lam, lambda_H=lam, widths=widths), [k])
        assert found == RightCounts(first, math.inf, first, True)
