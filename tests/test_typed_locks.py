"""Locks of typed answers, opened as the notes of `nclib.teaching.typed` say, without a browser."""

import json
import math
from base64 import b64decode
from hashlib import sha256

import numpy as np
import pytest

from nclib.teaching import EXERCISES
from nclib.teaching._answers import Chosen, Numbers
from nclib.teaching.exercises import Exercise
from nclib.teaching.exercises.register import Mistake
from nclib.teaching.typed import locked


def places(numbers, begins, digits):
    """How far from the beginning of its bucket each number is, in buckets; None is to be exact."""
    width = -4 * math.log(1 - digits) if digits else 1
    for number, begin in zip(numbers, begins or [0] * len(numbers), strict=True):
        exact = number == 0 or digits == 0
        yield None if exact else math.log(abs(number)) / width - begin / 1000


def opened(part, numbers, lock):
    """What a lock holds, if these numbers open it."""
    begins, sealed = lock
    names = [
        str(int(number)) if place is None else f"{'-+'[number > 0]}{math.floor(place)}"
        for number, place in zip(numbers, places(numbers, begins, part["digits"]), strict=True)
    ]
    text = b64decode(sealed)
    key, stream = f"{part['name']} {' '.join(names)}", b""
    while len(stream) < len(text):
        stream += sha256(f"{key} {len(stream) // 32}".encode()).digest()
    said = bytes(a ^ b for a, b in zip(text, stream, strict=False))
    return json.loads(said[5:]) if said.startswith(b"nclib") else None


def known(exercise):
    """Numbers of the right answer and of the mistakes, with their hints."""
    right, mistakes = exercise.solve()
    for answer, hint in [(right, ""), *((one.answer, one.hint) for one in mistakes)]:
        read = exercise.kind.read(answer)
        is_choice = isinstance(exercise.kind, Chosen)
        yield (sorted(read) if is_choice else np.ravel(read).tolist()), hint


# One number, several, in any order and with a 0, to other digits, below 0, and a choice.
SOME = ["02-a", "02-b", "03-a", "06-a", "07-a.2", "12-a.2", "13-b.1", "01-b.2", "07-c.2"]


@pytest.mark.parametrize("name", SOME)
def test_each_answer_opens_a_lock_that_holds_it_and_its_hint(name):
    part = locked(EXERCISES[name])
    answers = list(known(EXERCISES[name]))
    assert len(part["locks"]) == len(answers)
    for place, (numbers, hint) in enumerate(answers):
        held = [told for lock in part["locks"] if (told := opened(part, numbers, lock))]
        assert [place, numbers, hint] in held
        assert len(held) < len(answers)
        digits = part["digits"]
        for factor in (1 - 0.9 * digits, 1 / (1 - 0.9 * digits)):
            near = [number * factor for number in numbers]
            assert [place, numbers, hint] in [opened(part, near, lock) for lock in part["locks"]]
        if digits and any(numbers):
            far = [number * (1 + 20 * digits) for number in numbers]
            assert [place, numbers, hint] not in [opened(part, far, lock) for lock in part["locks"]]
            turned = [-number for number in numbers]
            assert [place, numbers, hint] not in [
                opened(part, turned, lock) for lock in part["locks"]
            ]


@pytest.mark.parametrize("name", SOME)
def test_an_answer_is_in_the_middle_of_its_bucket_and_locks_have_no_order(name):
    part = locked(EXERCISES[name])
    answers = [numbers for numbers, _ in known(EXERCISES[name])]
    sealed = [text for _, text in part["locks"]]
    assert sealed == sorted(sealed)
    for begins, text in part["locks"]:
        if not part["digits"]:
            assert begins == []
            continue
        assert all(0 <= begin < 1000 for begin in begins)
        held = [answer for answer in answers if opened(part, answer, (begins, text))]
        middles = [
            all(
                place is None or abs(place % 1 - 0.5) <= 0.000501
                for place in places(answer, begins, part["digits"])
            )
            for answer in held
        ]
        assert any(middles)
        for begin, number in zip(begins, held[0], strict=True):
            assert number or begin == 0


@pytest.mark.parametrize(
    ("name", "takes"),
    [
        ("02-a", {"size": 1, "ordered": True, "digits": 1e-3}),
        ("03-a", {"size": 2, "ordered": False, "digits": 1e-3}),
        ("06-a", {"size": 10, "ordered": False, "digits": 1e-3}),
        ("07-c.2", {"options": list(range(10)), "ordered": False, "digits": 0.0}),
    ],
)
def test_a_page_is_told_what_to_ask_for(name, takes):
    exercise, part = EXERCISES[name], locked(EXERCISES[name])
    told = {"name": name, "asks": exercise.kind.asks, "nudge": exercise.nudge}
    assert {key: value for key, value in part.items() if key != "locks"} == told | takes


def test_hints_are_locked_as_they_are_in_any_letters():
    mistakes = [Mistake("why", 3.0, "λ² is less")]
    exercise = Exercise("x", Numbers("a number"), "nudge", lambda: (2.0, mistakes))
    sizes = {len(b64decode(sealed)) for _, sealed in locked(exercise)["locks"]}
    texts = ('nclib[0, [2.0], ""]', 'nclib[1, [3.0], "λ² is less"]')
    assert sizes == {len(text.encode()) for text in texts}


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        (Numbers("many", (11,)), np.ones(11)),
        (Numbers("a table", (2, 2)), np.eye(2)),
        (Chosen("words", ("one", "two")), {"one"}),
        (Chosen("some words", (1, "two")), {1}),
    ],
)
def test_what_nobody_types_is_left_to_the_kernel(kind, answer):
    assert locked(Exercise("x", kind, "nudge", lambda: (answer, []))) is None
