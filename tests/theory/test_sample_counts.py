"""With how many samples a class is right, at the ends: of counts, of work and of widths."""

import math

import numpy as np
import pytest

from nclib.theory import Problem
from nclib.theory.minimizer import global_minimizer
from nclib.theory.sample_counts import RightCounts, right_counts


@pytest.mark.parametrize("depth", [1, 2, 6])
@pytest.mark.parametrize("n", [[1, 1], [1, 5], [2, 1], [1, 1, 1]])
def test_with_small_penalties_every_count_is_right(n, depth):
    for bias in (True, False):
        problem = Problem(n, depth, bias=bias, lambda_W=1e-40, lambda_H=1e-40)
        assert right_counts(problem) == [RightCounts(1, math.inf, 1, True)] * len(n)


@pytest.mark.parametrize("depth", [1, 2, 6])
@pytest.mark.parametrize("n", [[1, 1], [9, 5], [7, 1, 1], [4, 4, 2, 1]])
def test_with_large_penalties_only_more_samples_than_of_any_other_class_are_right(n, depth):
    """And only with a bias; with one more than of the others a class is right at any penalty."""
    problem = Problem(n, depth, lambda_W=1e3, lambda_H=1e3)
    for k, found in enumerate(right_counts(problem)):
        others = max(n[:k] + n[k + 1 :])
        assert found == RightCounts(others + 1, math.inf, others + 1, True)
    free = Problem(n, depth, bias=False, lambda_W=1e3, lambda_H=1e3)
    assert right_counts(free) == [RightCounts(None, None, None, True)] * len(n)


@pytest.mark.parametrize(("most", "exhaustive"), [(1_250_000, True), (1_250_001, False)])
def test_all_counts_are_tried_up_to_ten_million_times_the_cube_of_the_distinct_ones(
    most, exhaustive
):
    """One other count and the class itself: 2^3 times 1,250,000."""
    lam = 1e-12
    (found,) = right_counts(Problem([most, most, 10], 1, lambda_W=lam, lambda_H=lam), [2])
    assert found.exhaustive == exhaustive
    assert (found.low, found.high) == (1, math.inf)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("bias", [True, False])
def test_of_equal_counts_a_width_lets_the_first_through(rank, bias):
    """By trying each count; places and neighbours of the others' counts are among them."""
    problem = Problem([4, 6, 4, 6], 2, bias=bias, lambda_W=1e-30, lambda_H=1e-30, widths=(rank, 9))
    for k, found in enumerate(right_counts(problem)):
        right = []
        for count in range(1, 9):
            n = problem.counts.n.copy()
            n[k] = count
            moved = Problem(n, 2, bias=bias, lambda_W=1e-30, lambda_H=1e-30, widths=(rank, 9))
            right.append(bool(global_minimizer(moved).training_accuracy().per_class[k] == 1))
        numbers = 1 + np.flatnonzero(right)
        assert found.smallest == numbers[0]
        assert right[found.low - 1]
        assert found.low == 1 or not right[found.low - 2]
        assert found.high == math.inf
        assert found.exhaustive
