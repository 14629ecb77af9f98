"""What a page needs to judge numbers that are typed into it, without a kernel.

A page has no nclib and no secrets: whatever judges there, a reader can look at. So that nobody
reads an answer who looks for something else, each answer, the right one and the usual mistakes, is
locked, and what opens it is the answer itself, to the digits that count. `book/_static/answers.js`
opens them.
"""

from __future__ import annotations

import json
import math
from base64 import b64encode
from hashlib import sha256
from typing import Any

import numpy as np

from nclib.teaching._answers import Chosen, Numbers
from nclib.teaching.exercises import Exercise

__all__ = ["locked"]

_MOST_NUMBERS = 10
"""Answers of more numbers are left to the kernel: nobody types them."""

_MAGIC = "nclib"
"""What is locked begins with this, so that one knows when it is open."""

_STEPS = 1000
"""In these parts of a bucket its beginning is told."""


def locked(exercise: Exercise) -> dict[str, Any] | None:
    r"""Return what a page needs to judge typed answers to an exercise as `check` does.

    The numbers are those of the book, without a seed.

    Parameters
    ----------
    exercise : Exercise
        One of `EXERCISES`.

    Returns
    -------
    dict or None
        For JSON: `name`, `asks` and `nudge` as in the exercise; how many numbers it takes
        (`size`), or from which they are chosen (`options`); whether they are `ordered`; the
        relative error that is allowed (`digits`, 0 for a choice); and the `locks`. None where the
        answer is no number, no short list and no choice of numbers.

    Notes
    -----
    Two numbers are the same to `digits` :math:`d` if they have one sign and their logarithms are no
    more than :math:`w = -\log(1 - d)` apart. Each lock cuts the logarithms into buckets of width
    :math:`4w`, such that its own answer is in the middle of one: whoever is near enough is in the
    same bucket. A lock is the beginnings of its buckets, one for each number, and text under a key
    that is made of the buckets' numbers. In the text stands the answer itself: once it is open, the
    page compares as `check` does, to the last bit.

    Examples
    --------
    >>> from nclib.teaching import EXERCISES
    >>> part = locked(EXERCISES["02-a"])
    >>> part["size"], part["digits"], len(part["locks"])
    (1, 0.001, 7)
    >>> locked(EXERCISES["05-a"]) is None  # a function
    True
    """
    kind = exercise.kind
    if isinstance(kind, Numbers) and len(kind.shape) <= 1 and sum(kind.shape) <= _MOST_NUMBERS:
        takes: dict[str, Any] = {"size": sum(kind.shape) or 1, "ordered": kind.ordered}
        digits = kind.digits
    elif isinstance(kind, Chosen) and all(isinstance(option, int) for option in kind.options):
        takes = {"options": list(kind.options), "ordered": False}
        digits = 0.0
    else:
        return None
    right, mistakes = exercise.solve()
    answers = [(right, "")] + [(mistake.answer, mistake.hint) for mistake in mistakes]
    locks: list[tuple[list[int], str]] = []
    for place, (answer, hint) in enumerate(answers):
        read: Any = kind.read(answer)
        numbers = sorted(read) if isinstance(kind, Chosen) else np.ravel(read).tolist()
        begins = [_begin(number, digits) for number in numbers]
        buckets = [_bucket(*pair, digits) for pair in zip(numbers, begins, strict=True)]
        content = _MAGIC + json.dumps([place, numbers, hint], ensure_ascii=False)
        sealed = _sealed(content, f"{exercise.name} {' '.join(buckets)}")
        locks.append((begins if digits else [], sealed))
    # Nothing is to be learnt from their order.
    locks.sort(key=lambda lock: lock[1])
    words = {"name": exercise.name, "asks": kind.asks, "nudge": exercise.nudge}
    return words | takes | {"digits": digits, "locks": locks}


def _place(number: float, digits: float) -> float:
    """Where the logarithm of a number is, in buckets."""
    return math.log(abs(number)) / (-4 * math.log1p(-digits))


def _begin(number: float, digits: float) -> int:
    """Say where buckets begin, in steps, for a number to be in the middle of one."""
    if number == 0 or digits == 0:
        return 0
    return round((_place(number, digits) - 0.5) % 1 * _STEPS) % _STEPS


def _bucket(number: float, begin: int, digits: float) -> str:
    """Name the bucket of a number. What is compared to the last bit is its own bucket."""
    if number == 0 or digits == 0:
        return str(int(number))
    return f"{'-' if number < 0 else '+'}{math.floor(_place(number, digits) - begin / _STEPS)}"


def _sealed(content: str, key: str) -> str:
    """Add a stream of hashes of the key to the content; the same again takes it away."""
    text = content.encode()
    stream = b"".join(sha256(f"{key} {k}".encode()).digest() for k in range(len(text) // 32 + 1))
    return b64encode(bytes(a ^ b for a, b in zip(text, stream, strict=False))).decode()
