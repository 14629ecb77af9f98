"""With how many samples a class is right, at the ends: of counts, of work and of widths."""

import math

import numpy as np
import pytest

from nclib.theory import Problem, sample_counts
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


LOWER, UPPER = (476, 558), (601, math.inf)
"""Runs of six layers beside classes of 600 and 2, found by trying all counts."""


def beside_six_hundred(own):
    return Problem([600, 2, own], 6, lambda_W=0.0294, lambda_H=0.0294)


def test_the_runs_beside_six_hundred_are_those_of_all_counts():
    right = {}
    for own in (1, 475, 476, 500, 558, 559, 600, 601):
        best = global_minimizer(beside_six_hundred(own))
        right[own] = bool(best.training_accuracy().per_class[2] == 1)
    assert [own for own in right if right[own]] == [476, 500, 558, 601]


@pytest.mark.parametrize(
    ("own", "run"),
    [
        (1, LOWER),
        (475, LOWER),
        (500, LOWER),
        (559, LOWER),
        (579, LOWER),
        (580, UPPER),
        (600, UPPER),
        (601, UPPER),
        (900, UPPER),
    ],
)
def test_of_two_runs_the_nearer_is_told_of(own, run):
    found = right_counts(beside_six_hundred(own), [2])
    assert found == [RightCounts(*run, 476, True)]


@pytest.mark.parametrize(("own", "low"), [(23, 22), (24, 22), (25, 27), (26, 27)])
def test_of_two_runs_as_near_the_one_with_more_samples_is_told_of(own, low):
    """22 and 23 are right, and all from 27 on."""
    lam = 0.029567177
    (found,) = right_counts(Problem([21, 34, 11, own], 6, lambda_W=lam, lambda_H=lam), [3])
    assert (found.low, found.smallest) == (low, 22)


@pytest.mark.parametrize(
    ("own", "run"),
    [
        (100, UPPER),  # 512 on; half of that is too few
        (350, (476, math.inf)),  # 128 on, and from there over the gap
        (470, (476, math.inf)),
        (500, LOWER),
        (559, LOWER),  # 1 back
        (565, LOWER),  # 8 back
        (572, LOWER),  # 16 back
        (575, UPPER),  # 16 back is one too many, and 32 on is beyond the largest
        (590, UPPER),
        (601, UPPER),
        (5000, UPPER),
    ],
)
def test_a_search_doubles_its_steps_to_both_sides(own, run, monkeypatch):
    monkeypatch.setattr(sample_counts, "_MOST_WORK", 0)
    assert right_counts(beside_six_hundred(own), [2]) == [RightCounts(*run, None, False)]


def test_a_search_looks_at_the_counts_beside_the_own_one_first(monkeypatch):
    """22 alone is right, and then all from 28 on."""
    monkeypatch.setattr(sample_counts, "_MOST_WORK", 0)
    problem = Problem([21, 34, 11, 23], 6, lambda_W=0.029575, lambda_H=0.029575)
    assert right_counts(problem, [3]) == [RightCounts(22, 22, None, False)]


def test_a_search_that_reaches_one_knows_the_smallest(monkeypatch):
    monkeypatch.setattr(sample_counts, "_MOST_WORK", 0)
    for own in (1, 2, 7, 30):
        problem = Problem([9, 5, own], 1, lambda_W=1e-5, lambda_H=1e-5)
        assert right_counts(problem, [2]) == [RightCounts(1, math.inf, 1, False)]


def test_a_search_asks_for_no_count_twice_nor_beyond_the_largest(monkeypatch):
    asked = []
    by_groups = sample_counts._OneCount._is_right_by_groups

    def noting(self, count):
        asked.append(count)
        return by_groups(self, count)

    monkeypatch.setattr(sample_counts, "_MOST_WORK", 0)
    monkeypatch.setattr(sample_counts._OneCount, "_is_right_by_groups", noting)
    for own in (100, 470, 565, 590, 5000):
        right_counts(beside_six_hundred(own), [2])
        assert len(asked) == len(set(asked)) < 50
        assert 1 <= min(asked) <= max(asked) <= 600
        asked.clear()


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("own", [1, 19, 20, 30, 35, 60])
def test_a_search_heeds_widths_and_classes_of_the_same_count(own, rank, monkeypatch):
    """Right at both ends of what is found, and wrong beyond: by trying each of these counts."""
    monkeypatch.setattr(sample_counts, "_MOST_WORK", 0)
    lam = 0.012
    for place in range(4):
        n = [40, 30, 20]
        n.insert(place, own)
        problem = Problem(n, 2, lambda_W=lam, lambda_H=lam, widths=(9, rank))
        (found,) = right_counts(problem, [place])
        assert not found.exhaustive
        ends = {found.low: True, found.low - 1: False, found.high: True, found.high + 1: False}
        for count, right in ends.items():
            if 0 < count <= 60:
                n[place] = int(count)
                best = global_minimizer(Problem(n, 2, lambda_W=lam, lambda_H=lam, widths=(9, rank)))
                assert (best.training_accuracy().per_class[place] == 1) == right
