"""Answers typed into a page are judged as `check` judges them. It needs Node, and no browser."""

import json
import math

import numpy as np
import pytest
from test_site import ROOT
from test_theory_script import asked

from nclib.teaching import EXERCISES, check
from nclib.teaching.typed import locked

SCRIPT = ROOT / "book" / "_static" / "answers.js"
PARTS = {name: part for name, one in EXERCISES.items() if (part := locked(one))}


def judged(*questions):
    """What the page says of each (name, text)."""
    told = [[PARTS[name], text] for name, text in questions]
    return asked("answers.mjs", SCRIPT, asked=told)


def as_check(answer, kind):
    """An answer as one gives it to `check`: a number, a list, a set of whole numbers."""
    return set(map(int, answer)) if "options" in kind else answer


def samples(name):
    """Right answers, usual mistakes, and others: near the edge of what is allowed, and far."""
    part, one = PARTS[name], EXERCISES[name]
    right, mistakes = one.solve()
    known = [right, *(mistake.answer for mistake in mistakes)]
    if "options" in part:
        options = part["options"]
        yield from (sorted(answer) for answer in known)
        yield from ([], options, options[:1], options[::2], [options[1], options[0], options[1]])
        return
    rng = np.random.default_rng(0)
    for answer in known:
        x = np.ravel(np.asarray(answer, dtype=float))
        d = part["digits"]
        # What is apart by exactly d is 1 - d or 1 / (1 - d) times the other.
        factors = [1, 1 + d / 3, *((1 - d) ** (s * t) for s in (1, -1) for t in (0.999, 1.001))]
        factors += [-1, 2, math.exp(rng.normal())]
        for factor in factors:
            yield (x * factor).tolist()
            bent = x.copy()
            bent[rng.integers(x.size)] *= factor
            yield bent.tolist()
        yield x[::-1].tolist()
        yield [0.0] * x.size
        # Whatever is typed to three digits.
        yield [float(f"{number:.3g}") for number in x]


def test_numbers_have_a_line_and_others_have_none():
    kinds = {name: type(one.kind).__name__ for name, one in EXERCISES.items()}
    without = {name: kinds[name] for name in EXERCISES if name not in PARTS}
    assert set(without.values()) == {
        "Directions", "Function", "Decision", "Example", "Chosen", "Numbers",
    }  # fmt: skip
    assert [name for name, kind in without.items() if kind == "Chosen"] == ["14-a"]  # words
    assert [name for name, kind in without.items() if kind == "Numbers"] == ["11-a.2"]  # a table
    assert len(PARTS) == 60


@pytest.fixture(scope="module")
def all_samples():
    cases = [(name, answer) for name in PARTS for answer in samples(name)]
    said = judged(*((name, ", ".join(map(repr, answer)) or "none") for name, answer in cases))
    return list(zip(cases, said, strict=True))


@pytest.mark.parametrize("name", PARTS)
def test_the_page_accepts_what_check_accepts_and_has_the_same_hint(all_samples, name):
    rights = hints = 0
    for (asked_for, answer), said in all_samples:
        if asked_for != name:
            continue
        part = PARTS[name]
        one = answer[0] if part.get("size") == 1 else as_check(answer, part)
        verdict = check(name, one)
        assert (said["right"], said["message"]) == (verdict.right, verdict.message), answer
        rights += verdict.right
        hints += verdict.mistake is not None
    assert rights
    assert hints >= len(EXERCISES[name].solve()[1])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("02-a", "sqrt(1.5) - 0.04"),
        ("02-a", "(3/2)^(1/2) − 4e-2"),
        ("02-a", "[√1.5 - .04]"),
        ("02-a", "-(0.04 - 1.5**0.5)"),
        ("10-a", "1/2"),
        ("10-a", "2^-1"),
        ("10-a", "0.25*2*1"),
        ("10-a", "1/4+1/4"),
        ("10-a", "+8/4/4"),
        ("06-b.2", "(300; 1000/6)"),
        ("06-b.2", "[500/3, 3 × 100]"),
        ("05-b.1", "{6}"),
        ("01-b.2", "7, 6"),
    ],
)
def test_formulas_count_as_numbers(name, text):
    assert judged((name, text)) == [{"right": True, "message": ""}]


@pytest.mark.parametrize(
    ("name", "text", "begins"),
    [
        ("02-a", "1,18", "With a decimal point, please: 1.18."),
        ("02-a", "1, 2, 3", "You gave 3 numbers. Expected: one number"),
        ("06-b.2", "300", "You gave one number. Expected: 2 numbers"),
        ("06-b.2", "300, ", "“” cannot be read"),
        ("02-a", "alert(1)", "“alert(1)” cannot be read"),
        ("02-a", "1 2", "“1 2” cannot be read"),
        ("02-a", "(1", "“(1” cannot be read"),
        ("02-a", "1/0", "“1/0” cannot be read"),
        ("02-a", "sqrt(-1)", "“sqrt(-1)” cannot be read"),
        ("05-b.1", "8", "8 is not on the list."),
        ("05-b.1", "6.5", "6.5 is not on the list."),
    ],
)
def test_what_is_no_answer_is_told_what_is_expected(name, text, begins):
    (said,) = judged((name, text))
    assert not said["right"]
    assert said["message"].startswith(begins)
    assert said["message"].endswith(f"Expected: {EXERCISES[name].kind.asks}.")


@pytest.mark.parametrize("name", PARTS)
def test_no_answer_and_no_hint_can_be_read(name):
    part = PARTS[name]
    text = json.dumps(part["locks"], ensure_ascii=False)
    right, mistakes = EXERCISES[name].solve()
    for mistake in mistakes:
        assert mistake.hint not in text
    if "size" in part:
        for number in np.ravel(np.asarray(right, dtype=float)):
            told = f"{number:.4g}"
            assert len(told) < 4 or told not in text
    # Of a choice not even how many there are. And their order tells nothing.
    assert all(begins == [] for begins, _ in part["locks"]) or "size" in part
    assert part["locks"] == sorted(part["locks"], key=lambda lock: lock[1])


def test_the_script_is_light():
    assert SCRIPT.stat().st_size < 10_000
