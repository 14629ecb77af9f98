"""Searches by doubling and halving find what trying every number finds, in a few steps."""

import pytest

from nclib.theory import Problem
from nclib.theory._search import chosen_classes, first_at, interval_of, last_at, outcome_of


class Counting:
    """A condition that counts how often it is asked, and only within a range."""

    def __init__(self, holds, low, high):
        self.holds, self.range, self.asked = holds, range(low, high + 1), 0

    def __call__(self, i):
        assert i in self.range
        self.asked += 1
        return self.holds(i)


@pytest.mark.parametrize("low", [0, 1, 5])
@pytest.mark.parametrize("length", [0, 1, 2, 3, 17, 64])
def test_the_first_number_is_found_in_as_many_steps_as_it_has_bits(low, length):
    for first in range(low, low + length + 1):
        holds = Counting(lambda i, first=first: i >= first, low, low + length - 1)
        assert first_at(holds, low, low + length) == first
        assert holds.asked <= length.bit_length()


@pytest.mark.parametrize("most", [0, 1, 2, 3, 17, 64])
def test_the_last_number_is_found(most):
    for last in range(most + 1):
        holds = Counting(lambda i, last=last: i <= last, 1, most)
        assert last_at(holds, most) == last
        assert holds.asked <= 2 * (last + 1).bit_length()


def test_a_last_number_far_out_takes_few_steps():
    for last in (0, 1, 2, 7, 8, 10**6, 10**15, 10**18):
        holds = Counting(lambda i, last=last: i <= last, 1, 10**18)
        assert last_at(holds, 10**18) == last
        assert holds.asked <= 2 * (last + 1).bit_length()


@pytest.mark.parametrize("least", [1, 3])
@pytest.mark.parametrize("length", [0, 1, 2, 9])
def test_an_interval_with_its_peak_or_the_number_after_it_is_found(least, length):
    most = least + length
    for low in range(least, most + 1):
        for high in range(low, most + 1):
            for peak in range(max(low - 1, least), high + 1):
                holds = Counting(lambda i, low=low, high=high: low <= i <= high, least, most)
                assert interval_of(holds, peak, most, least) == (low, high)
    for peak in range(least, most + 1):
        assert interval_of(lambda _: False, peak, most, least) == (1, 0)


def test_an_interval_starts_at_one_unless_told_otherwise():
    assert interval_of(lambda i: i <= 4, 3, 9) == (1, 4)
    assert interval_of(lambda i: i == 1, 1, 9) == (1, 1)


def test_classes_of_one_count_fare_alike_unless_a_width_tells_them_apart():
    free = Problem([5, 9, 5, 2], 1, lambda_W=0.1, lambda_H=0.1)
    narrow = Problem([5, 9, 5, 2], 1, lambda_W=0.1, lambda_H=0.1, widths=(2,))
    assert len({outcome_of(k, free) for k in range(4)}) == 3
    assert outcome_of(0, free) == outcome_of(2, free)
    assert len({outcome_of(k, narrow) for k in range(4)}) == 4


def test_all_classes_are_chosen_where_none_are_named():
    problem = Problem([5, 9, 5, 2], 1, lambda_W=0.1, lambda_H=0.1)
    assert chosen_classes(problem, None) == [0, 1, 2, 3]
    assert chosen_classes(problem, [3, 0, 3]) == [3, 0, 3]
    assert chosen_classes(problem, []) == []
    for k in (-1, 4):
        with pytest.raises(ValueError, match="each of classes must be a whole number from 0 to 3"):
            chosen_classes(problem, [k])
