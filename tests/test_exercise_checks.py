"""The checks of the exercises: solutions, usual mistakes, garbage, and names that are not there."""

import itertools
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

import nclib as nc
from nclib.teaching import EXERCISES, Verdict, check
from nclib.teaching.exercises import chapter_07
from nclib.training import results

STORED = Path(__file__).parent.parent / "book/results/runs"

names = pytest.mark.parametrize("name", EXERCISES)

CIFAR, LETTERS = nc.ClassCounts.cifar10_paper(), nc.ClassCounts.emnist_letters_paper()
# What a unit of the nuclear norm is worth at a simplex of four, rows of 1 and class means of 2.
SIMPLEX_GAIN = np.exp(-8 / 3) / (1 + 3 * np.exp(-8 / 3))
LESIONS = nc.ClassCounts([6705, 1113, 1099, 514, 327, 142, 115])


def kappas(counts):
    """Singular values of the centred labels, by dense algebra."""
    roots = np.sqrt(counts.n)
    labels = np.diag(roots) - np.outer(counts.n, roots) / counts.N
    return np.linalg.svd(labels, compute_uv=False)


def death(counts, mode, depth, lambda_W=1, lambda_H=1):
    """Factor on all penalties at the tie of Theorem 4.3; mode -2 is the weakest that ever lives."""
    tie = (depth - 1) ** (depth - 1) / depth ** (2 * depth)
    price = counts.N ** (depth + 1) * lambda_W**depth * lambda_H
    return (tie * kappas(counts)[mode] ** (2 * depth) / price) ** (1 / (depth + 1))


def loss_with_one_layer(counts, lambda_W, lambda_H):
    """Factor on both penalties at which a sample is answered wrong, from Theorem 4.2, dense."""
    n, N = counts.n, counts.N
    t, U = np.linalg.eigh(np.diag(n) - np.outer(n, n) / N)

    def lead(factor):
        price = N * factor * np.sqrt(lambda_W * lambda_H)
        s = np.maximum(1 - price / np.sqrt(np.maximum(t, 1e-9)), 0)
        shares = n[:, None] / N
        Z = (U * s) @ U.T @ (np.eye(n.size) - shares) + shares
        return (np.diag(Z) - np.where(np.eye(n.size, dtype=bool), -np.inf, Z).max(axis=0)).min()

    return brentq(lead, 1e-6, death(counts, -2, 1, lambda_W, lambda_H), rtol=1e-14)


def floor_by_formula(counts, depth):
    """Distance of two directions: z, and z with q to the power 2 as printed, where 1/q = 1 - s."""
    best = nc.global_minimizer(nc.Problem(counts, depth, lambda_W=5e-4, lambda_H=1e-5))
    right, printed = best.s * best.kappa, best.s * best.kappa * (1 - best.s)
    return np.linalg.norm(right / np.linalg.norm(right) - printed / np.linalg.norm(printed))


def price_of_keeping(depth):
    """All modes on their branch at its end, over the best choice for each mode; by a fine grid."""
    end = (depth + 1) / 4 ** (depth / (depth + 1)) * death(LESIONS, -2, depth)
    kept, best = 0, 0
    for kappa in kappas(LESIONS)[:-1]:  # the last is 0 and costs nothing
        z = kappa * np.linspace((depth - 1) / (2 * depth), 1, 100_000)
        penalties = (depth + 1) / 2 * end * z ** (2 / (depth + 1))
        alive = np.min((kappa - z) ** 2 / (2 * LESIONS.N) + penalties)
        kept += alive
        best += min(alive, kappa**2 / (2 * LESIONS.N))
    return kept / best - 1


MARGINS = np.array([death(LESIONS, -2, depth, 5e-4, 1e-5) for depth in (1, 3, 6)])
LAST_LESION = np.array([death(LESIONS, -2, depth) for depth in (1, 2, 3, 6)])

# What the solutions find with pencil and paper, or by a road of their own.
BY_HAND = {
    "01-a": np.eye(5) - 1 / 5,
    "01-b.2": [6, 7],
    "01-c": 2 * np.degrees(np.arctan(3**-0.25)),
    "02-a": np.sqrt(1.5) - 0.04,
    "02-b": 5500 * death(LETTERS, -2, 2, 5e-4, 5e-4) ** 3,
    "03-a": [np.sqrt(300) / 3000, 1 / 150],
    "03-b.1": 1 / (2 * np.sqrt(10_015 * 1e-4)),
    "03-b.2": 4,
    "04-a.2": Fraction(2840, 5485),
    "04-b.1": np.sqrt(2 * 10_923 * 260 / 11_183) / [2 * 10_923, 11_183],
    "04-b.2": False,
    "05-a": lambda n_0: (128 * n_0) ** (-1 / 3),
    "05-b.1": [6],
    "05-c": lambda L: (L + 1) / 4 ** (L / (L + 1)),
    "06-a": np.sqrt([5000] * 4 + [50] * 4 + [10 * 5000 * 50 / 25_250, 0]),
    "06-b.1": int((1000 - Fraction(200, 399)) / Fraction(300, 199)) + 1,
    "06-b.2": [4 * 500 * 100 / 1200, 300],
    "07-a.1": MARGINS[1],
    "07-a.2": MARGINS / 3,
    "07-b.1": [floor_by_formula(LETTERS, depth) for depth in (1, 3, 6)],
    "07-b.2": [death(LETTERS, mode, 3, 5e-4, 1e-5) for mode in (0, 1)],
    "07-c.1": 4,
    "07-c.2": range(5, 10),
    "07-c.3": Fraction(5, 6),
    "07-c.4": True,
    "08-a.1": 9,
    "08-a.2": [9, 10],
    "08-b.1": LAST_LESION,
    "08-b.2": [(L + 1) / 4 ** (L / (L + 1)) * LAST_LESION[k] for k, L in enumerate((1, 2, 3, 6))],
    "08-b.3": [price_of_keeping(depth) for depth in (2, 3, 6)],
    "08-c": False,
    "10-a": 0.5,
    "10-b.2": {3, 4},
    # With t the root of z, t^3 - kappa t + N lambda = 0.
    "10-c": np.sort(np.roots([1, 0, -kappas(CIFAR)[1], 3000 * 2e-3]).real)[1] ** 2,
    "14-a": [],
    "14-b": 2 * np.sin(np.pi / 8),
    "00-a.1": [5e-4 / (2 * 100), 5e-4 * 26 / 2],
    "00-a.2": 2600,
    # With three layers nothing is lost before a mode dies, with one it is.
    "00-b": [
        2 / 7 * (loss_with_one_layer(LESIONS, 1, 1e-4) / 2) ** 2,
        2 / 7 * (death(LESIONS, -2, 3, 1, 1e-4) / 2) ** (4 / 3),
    ],
    "00-c": Fraction(1, 8) ** Fraction(1, 2),
    "11-a.1": 2916 ** (-1 / 4),
    "11-a.2": [[Fraction(5, 6), Fraction(1, 6)], [Fraction(1, 6), Fraction(5, 6)]],
    "11-a.3": Decimal("0.25"),
    "11-d.1": Fraction(12, 13),
    "11-d.2": (2, 30, 3),
    "09-a.1": [Decimal("0.02"), Decimal("0.01")],
    "09-a.2": [Fraction(1, 80), Fraction(1, 40)],
    "09-b.1": Fraction(2, 3),
    "09-b.2": (6705 / 115) ** (1 / 3),
    "09-c.1": {7, 8, 9, 10},
    "09-c.2": Fraction(14, 9),
    "09-c.3": False,
    "12-a.1": 1 / (50 / 360**0.5 - 1),
    "12-a.2": -3.6 / (360**0.5 - 10.8 + 9 * (360**0.5 - 7.2)),
    "12-b.1": [30**0.5 / 990, ((30 * 2 ** (2 / 3) / (9 * 990)) ** 3 / 990) ** 0.25],
    "12-b.2": {4},
    "12-c.1": Fraction(5**4, 2 * 10**3),
    "12-c.2": 4,
    "13-a.1": [100, 64],
    "13-b.1": [2 * SIMPLEX_GAIN, SIMPLEX_GAIN / 2],
    "13-b.2": [Fraction(1, 50), np.sqrt(10) / 500],
    "13-c.1": [np.sqrt(50) / 100, np.sqrt(18) / 100],
    "13-c.2": np.sqrt(50) / 2,
}


def save_a_class(M, product):
    discriminant = (1 / product - 2 * M) ** 2 - 4 * M**2
    if discriminant <= 0:
        return None
    return [(1 / product - 2 * M + sign * np.sqrt(discriminant)) / 2 for sign in (-1, 1)]


BY_HAND["03-c"] = save_a_class


class Hostile:
    """Raises at every touch."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __array__(self, *args, **kwargs):
        raise MemoryError

    def __iter__(self):
        raise OSError

    def __eq__(self, other):
        raise ZeroDivisionError

    __hash__ = None


GARBAGE = [
    None, "", "six", b"6", "0.5", [], {}, [None], [[1, 2], [3]], object(), Hostile(), 1j, np.nan,
    np.inf, -np.inf, 10**400, np.array([]), np.array(["a"]), np.zeros((2, 3, 4)), [np.nan] * 10,
    {"a": 1}, print, lambda: None, lambda *case: "x", lambda *case: 1 / 0, itertools.count(), int,
    True, ..., NotImplemented, range(3), [[0] * 5] * 5, np.datetime64("2026-01-01"), Exception(),
]  # fmt: skip


@names
def test_the_solution_is_right(name):
    right, _ = EXERCISES[name].solve()
    verdict = check(name, right)
    assert verdict
    assert (verdict.right, verdict.message, verdict.mistake) == (True, "", None)


@pytest.mark.parametrize("name", BY_HAND)
def test_what_is_found_by_hand_is_right(name):
    assert check(name, BY_HAND[name])
    if name != "03-c":  # whole numbers beside the roots
        kind, (right, _) = EXERCISES[name].kind, EXERCISES[name].solve()
        assert kind.apart(kind.read(BY_HAND[name]), kind.read(right)) < 0.05


@names
def test_each_usual_mistake_gets_its_own_hint(name):
    # Solved here and not where tests are collected: each worker of a run collects all of them.
    for mistake in EXERCISES[name].solve()[1]:
        verdict = check(name, mistake.answer)
        assert not verdict
        assert (verdict.mistake, verdict.message) == (mistake.why, mistake.hint)


@names
def test_no_mistake_is_nearly_right(name):
    kind = EXERCISES[name].kind
    right, mistakes = EXERCISES[name].solve()
    for mistake in mistakes:
        assert kind.apart(kind.read(mistake.answer), kind.read(right)) > 2, mistake.why


def test_the_penalties_are_those_of_the_stored_runs():
    runs = results.figure_results(results.load_results(STORED), 1)
    assert len(runs) > 2
    for run in runs:
        assert {*run.experiment.config.lambda_W} == {chapter_07.LAMBDA_W}
        assert run.experiment.config.lambda_H == chapter_07.LAMBDA_H


def test_three_digits_will_do_and_two_will_not_but_where_the_book_has_two():
    assert check("02-b", 44_000)
    angle = BY_HAND["01-c"]
    assert check("01-c", 74.5)
    assert check("01-c", angle * 1.0009)
    assert not check("01-c", angle * 1.002)
    assert check("01-c", angle * 1.002).mistake is None
    assert check("01-c", 120 * 1.0009).mistake == "kept the angle of the simplex"
    assert check("01-c", 120 * 1.0015).mistake is None


def test_another_wrong_answer_gets_a_nudge():
    verdict = check("05-b.2", 123.0)
    assert not verdict
    assert verdict.mistake is None
    assert verdict.message == EXERCISES["05-b.2"].nudge


@names
def test_garbage_is_answered_with_what_is_expected(name):
    expected = f"Expected: {EXERCISES[name].kind.asks}."
    for garbage in GARBAGE:
        verdict = check(name, garbage)
        # Some garbage is an answer, to some exercise.
        answered = verdict or verdict.mistake or verdict.message == EXERCISES[name].nudge
        assert answered or verdict.message.endswith(expected)
    assert check(name, Hostile()).message.endswith(expected)
    assert check(name, "six").message.endswith(expected)


@names
def test_truth_values_are_no_numbers_and_on_no_list(name):
    """Though Python and numpy take True for 1."""
    kind = EXERCISES[name].kind
    if type(kind).__name__ == "Chosen":
        assert 1 in kind.options or 0 in kind.options or "E1" in kind.options
        for one in (True, False):
            for answer in (one, {one}, [2, one], np.bool_(one), [np.bool_(one)], np.array([one])):
                verdict = check(name, answer)
                assert not verdict
                assert "is not on the list" in verdict.message
                assert verdict.message.endswith(f"Expected: {kind.asks}.")
    elif type(kind).__name__ == "Numbers":
        size = int(np.prod(kind.shape))
        for one in (True, np.True_):
            for answer in ([one] * size, [one, *[0.5] * (size - 1)], np.full(size, one)):
                given = np.asarray(answer, dtype=object) if kind.shape else answer[0]
                listed = given.reshape(kind.shape).tolist() if kind.shape else given
                message = check(name, listed).message
                assert message.startswith("These are not real numbers.")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.text()
    | st.binary() | st.fractions() | st.decimals() | st.functions(like=lambda *case: None),
    lambda children: st.lists(children) | st.tuples(children, children)
    | st.dictionaries(st.text(), children),
)  # fmt: skip


@given(name=st.sampled_from(list(EXERCISES)), answer=anything)
def test_no_answer_raises(name, answer):
    verdict = check(name, answer)
    assert isinstance(verdict, Verdict)
    assert verdict.right or verdict.message


def test_other_kinds_of_numbers_are_numbers():
    import pandas as pd
    import torch

    assert check("05-b.2", torch.tensor(0.4756))
    assert check("03-a", pd.Series([1 / 150, 300**0.5 / 3000]))
    assert check("10-a", [np.float32(0.5)])
    assert check("05-b.1", np.array([6]))
    assert check("05-b.1", 6)


def test_three_digits_tell_the_right_number_and_a_mistake_from_others():
    right, mistake = BY_HAND["02-a"], 1.214745
    assert check("02-a", 1.0009 * right)
    assert "divided by 2N" in check("02-a", 1.0009 * mistake).message
    for number in (1.0015 * right, 1.0015 * mistake):
        verdict = check("02-a", number)
        assert (verdict.right, verdict.mistake) == (False, None)


def test_vectors_may_be_turned_and_scaled_and_lie_in_rows():
    simplex = (np.eye(5) - 1 / 5) * 7
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((5, 5)))[0]
    assert check("01-a", turn @ simplex)
    four = nc.mode_coordinates(
        nc.global_minimizer(nc.Problem([2] * 5, 1, lambda_W=0.01, lambda_H=0.01))
    )[0][:4]
    assert check("01-a", four)
    assert check("01-a", four.T)
    assert not check("01-a", simplex * [1, 1, 1, 1, 2])


def test_another_counterexample_is_as_good():
    assert check("11-d.2", [36, 2, 1])
    assert check("11-d.2", nc.ClassCounts([3, 32, 4]))
    assert "You gave 2 classes" in check("11-d.2", [30, 3]).message
    for wrong in ([30, 3, -2], None):
        message = check("11-d.2", wrong).message
        assert "class counts are positive whole numbers" in message
        assert message.endswith("break the rule.")


def test_an_exercise_has_one_name_and_its_label_and_theorem_will_do():
    for name in ("05-b.1", "ex-05-b.1", "4.3-b.1", "5-b.1", " 05-B.1 "):
        assert check(name, {6}).exercise == "05-b.1"


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("05-b", ValueError, r"has parts, check each: 05-b\.1, 05-b\.2$"),
        (
            "04-c",
            ValueError,
            r"'04-c' has no check \(proofs have none\); there are 04-a\.1, .*04-b\.2$",
        ),
        ("", ValueError, r"there are 00-a\.1, 00-a\.2, 00-b, 00-c$"),
        ("x", ValueError, r"there are 00-a\.1, .*01-a, .*13-c\.2, 14-"),
        (5, TypeError, "exercise must be a name"),
        (None, TypeError, "exercise must be a name"),
    ],
)
def test_unknown_exercises_are_refused_with_the_nearest(name, error, says):
    with pytest.raises(error, match=says):
        check(name, 1)


def test_a_verdict_says_so_in_words_and_html():
    wrong, right = check("02-a", "<b>"), check("02-a", BY_HAND["02-a"])
    assert repr(right) == "02-a: right."
    assert repr(wrong).startswith("02-a: not yet. These are not real numbers. Expected: ")
    signs = {"02-a: right.": "&#10003;", "02-a: not yet.": "&#10007;"}
    for verdict, words in ((right, "02-a: right."), (wrong, "02-a: not yet.")):
        html = verdict._repr_html_()
        assert {sign for sign in signs.values() if sign in html} == {signs[words]}
        assert f"<strong>{words}</strong>" in html
        assert 'aria-hidden="true"' in html
    hint = Verdict("02-a", False, "n_1 < N & so on")._repr_html_()
    assert "n_1 &lt; N &amp; so on" in hint
