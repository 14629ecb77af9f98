"""What is known of an exercise: what it asks, the right answer, and the usual mistakes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from nclib.teaching._answers import Kind


class Mistake(NamedTuple):
    """A typical wrong answer.

    Attributes
    ----------
    why : str
        How a student gets there.
    answer : object
        What comes out.
    hint : str
        What to look at again.
    """

    why: str
    answer: Any
    hint: str


Solved = tuple[Any, list[Mistake]]
"""A right answer, and the usual mistakes."""


@dataclass(frozen=True)
class Exercise:
    """What `check` knows of an exercise, or of one part of it.

    Attributes
    ----------
    name : str
        Label of the exercise without ``ex-``, and the part: ``"05-b.1"``.
    kind : Kind
        What kind of answer it asks for.
    nudge : str
        Hint after a wrong answer that is none of the usual mistakes.
    solve : callable
        Returns the right answer and the mistakes.
    """

    name: str
    kind: Kind
    nudge: str
    solve: Callable[[], Solved]


EXERCISES: dict[str, Exercise] = {}
"""By name, in the order of the book."""


def asks(
    name: str, kind: Kind, nudge: str
) -> Callable[[Callable[[], Solved]], Callable[[], Solved]]:
    """Register the function below as the solution of an exercise."""

    def register(solve: Callable[[], Solved]) -> Callable[[], Solved]:
        EXERCISES[name] = Exercise(name, kind, nudge, cache(solve))
        return solve

    return register
