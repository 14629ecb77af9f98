"""Kinds of answers: what each asks for, what it reads, and how near is the same."""

import itertools
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from nclib.teaching._answers import Chosen, Decision, Directions, Example, Function, Numbers, Unfit


@pytest.mark.parametrize(
    ("kind", "asks"),
    [
        (Numbers("x"), "one number: x"),
        (Numbers("x", (3,)), "3 numbers: x"),
        (Numbers("x", (3,), ordered=False), "3 numbers, in any order: x"),
        (Numbers("x", (2, 4)), "an array of 2 x 4 numbers: x"),
        (Chosen("x", (1, 2)), "a set, which may be empty, of 1, 2: x"),
        (Decision("x"), "True or False: x"),
        (Function("x", ("n", "m"), ()), "a function of n, m that returns one number: x"),
        (
            Function("x", ("n",), (), returns=2, may_be_none=True),
            "a function of n that returns 2 numbers or None: x",
        ),
        (Directions(3), "3 vectors of equal length, the columns of an array"),
    ],
)
def test_a_kind_says_what_it_asks_for(kind, asks):
    assert kind.asks == asks


@pytest.mark.parametrize("shape", [(), (1,), (2,), (2, 2)])
def test_numbers_have_one_shape_and_one_number_may_lie_in_lists(shape):
    kind, size = Numbers("x", shape), int(np.prod(shape))
    read = kind.read(np.arange(1.0, size + 1).reshape(shape))
    assert read.shape == shape
    if shape == ():
        assert kind.read([[7]]) == 7
    else:
        with pytest.raises(Unfit):
            kind.read(5)
    with pytest.raises(Unfit, match="You gave"):
        kind.read(np.ones(size + 1))


def test_fractions_and_decimals_are_numbers():
    assert Numbers("x", (2,)).read([Fraction(1, 4), Decimal("0.5")]).tolist() == [0.25, 0.5]


def test_an_example_is_what_its_test_says_of_it():
    kind = Example("x", lambda answer: "right" if answer == 2 else "wrong")
    assert kind.asks == "x"
    assert kind.apart(kind.read(2), "right") == 0
    assert kind.apart(kind.read(3), "right") > 1


def test_order_counts_where_it_is_asked_for():
    assert Numbers("x", (3,)).read([3, 1, 2]).tolist() == [3, 1, 2]
    assert Numbers("x", (3,), ordered=False).read([3, 1, 2]).tolist() == [1, 2, 3]


@pytest.mark.parametrize("digits", [1e-3, 0.07])
def test_how_near_is_relative_to_the_larger_one_and_nothing_is_near_0(digits):
    kind = Numbers("x", (2,), digits=digits)
    for factor, same in ((1, True), (1 - 0.99 * digits, True), (1 - 1.01 * digits, False)):
        for one, other in (([5.0, 1e-9], [5.0, 1e-9 * factor]), ([-3.0, 2.0], [-3 * factor, 2.0])):
            one, other = kind.read(one), kind.read(other)
            assert (kind.apart(one, other) <= 1) == (kind.apart(other, one) <= 1) == same
    assert kind.apart(np.zeros(2), np.zeros(2)) == 0
    assert kind.apart(np.array([0, 1.0]), np.array([1e-12, 1.0])) > 1


@pytest.mark.parametrize(
    "answer",
    [True, [1.0, True], [[1.0], [True]], (1, np.True_), {True}, ["1", 2], "12", [None, 1], b"1"],
)
def test_text_and_truth_values_are_no_numbers(answer):
    with pytest.raises(Unfit, match=r"These are not real numbers\."):
        Numbers("x", (2,)).read(answer)


@pytest.mark.parametrize("answer", [[1.0, np.nan], [np.inf, 1.0]])
def test_numbers_are_finite(answer):
    with pytest.raises(Unfit, match="finite"):
        Numbers("x", (2,)).read(answer)


def test_a_selection_is_a_set_of_what_is_on_the_list():
    kind = Chosen("x", ("E1", "E2", 3))
    for answer in ({"E1", 3}, ["E1", 3, 3], ("E1", 3), iter(["E1", 3.0])):
        assert kind.read(answer) == frozenset({"E1", 3})
    assert kind.read("E2") == frozenset({"E2"})
    assert kind.read(np.array([[3]])) == frozenset({3})
    assert kind.read([]) == frozenset()
    # Without an end: enough is read of it to say what it is.
    assert kind.read(itertools.repeat(3)) == frozenset({3})
    for answer in ("E3", [3, True], [False], b"E1", 4):
        with pytest.raises(Unfit, match="is not on the list"):
            kind.read(answer)
    assert kind.apart(frozenset({3}), frozenset({3})) == 0
    assert kind.apart(frozenset({3}), frozenset()) > 1


def test_a_decision_is_a_truth_value_and_nothing_like_it():
    kind = Decision("x")
    assert kind.read(np.True_) is True
    for answer in (1, 0, "True", None, [True]):
        with pytest.raises(Unfit, match="neither"):
            kind.read(answer)
    assert kind.apart(True, True) == 0
    assert kind.apart(True, False) > 1


def test_a_function_is_its_values():
    kind = Function("x", ("n", "m"), ((1, 2), (3, 4)), returns=2)
    read = kind.read(lambda n, m: [n, n * m])
    assert read.tolist() == [[1, 2], [3, 12]]
    assert kind.apart(read, kind.read(lambda n, m: (n, m * n * 1.0009))) < 1
    assert kind.apart(read, kind.read(lambda n, m: (n, m * n * 1.002))) > 1
    for wrong, says in (
        (lambda n, m: 1, r"At n = 1, m = 2 it returned 1 numbers\."),
        (lambda n, m: None, r"At n = 1, m = 2 it returned None\."),
        (lambda n, m: n / (m - 4), r"At n = 1, m = 2 it returned 1 numbers\."),
        (lambda n, m: [n / (m - 4), 1], r"At n = 3, m = 4 it raised ZeroDivisionError"),
        (5, "This is not a function"),
    ):
        with pytest.raises(Unfit, match=says):
            kind.read(wrong)


def test_none_is_the_same_as_none_only_and_only_where_it_may_be():
    kind = Function("x", ("n",), ((1,), (2,)), may_be_none=True)
    half = kind.read(lambda n: None if n == 2 else n)
    assert np.isnan(half).tolist() == [[False], [True]]
    assert kind.apart(half, half) == 0
    assert kind.apart(half, kind.read(lambda n: n)) > 1
    assert kind.apart(half, kind.read(lambda n: None)) > 1
    assert kind.apart(half, kind.read(lambda n: None if n == 2 else 2)) > 1


def test_directions_are_known_by_their_angles():
    kind = Directions(3)
    corners = np.array([[1, -0.5, -0.5], [0, 0.75**0.5, -(0.75**0.5)]])
    expected = 1.5 * np.eye(3) - 0.5
    for vectors in (corners, 7 * corners, corners.T, -corners):
        np.testing.assert_allclose(kind.read(vectors), expected, atol=1e-12)
    # A square array has its vectors in columns.
    np.testing.assert_allclose(kind.read(np.eye(3)[[1, 2, 0]]), np.eye(3))
    skew = np.array([[1.0, 1, 0], [0, 1, 0], [0, 0, 1]])
    np.testing.assert_allclose(kind.read(skew)[0, 1] * 4 / 3, 1)
    assert kind.apart(expected, expected + 0.0009) < 1 < kind.apart(expected, expected - 0.0011)
    for wrong in (np.ones(3), np.ones((2, 2)), np.ones((3, 1, 3))):
        with pytest.raises(Unfit, match="You gave an array of shape"):
            kind.read(wrong)
    with pytest.raises(Unfit, match="have no direction"):
        kind.read(np.zeros((3, 3)))
