"""What is known of an exercise: what it asks, the right answer, and the usual mistakes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
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


class Given(NamedTuple):
    """A number in the text of an exercise that may depend on the student.

    Attributes
    ----------
    name : str
        The argument of the solution.
    words : str
        What it is in the text.
    book : float
        The number that the book has.
    others : tuple of float
        The numbers that a seed chooses from. The one of the book is not among them, since the
        book shows its solution.
    """

    name: str
    words: str
    book: float
    others: tuple[float, ...]


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
        Returns the right answer and the mistakes, for the numbers of the book or for those that
        are given by name.
    given : tuple of Given
        The numbers that may depend on the student.
    """

    name: str
    kind: Kind
    nudge: str
    solve: Callable[..., Solved]
    given: tuple[Given, ...] = ()

    def numbers(self, seed: str | int | None) -> dict[str, float]:
        """Return the numbers that a seed chooses, by name; none for those of the book.

        The parts of one exercise choose the same.

        Raises
        ------
        TypeError, ValueError
            If the seed is no text and no whole number, or empty.
        """
        text = seed_text(seed)
        if text is None:
            return {}
        whole = self.name.partition(".")[0]
        return {
            one.name: one.others[_drawn(f"{whole}/{one.name}/{text}", len(one.others))]
            for one in self.given
        }


def seed_text(seed: str | int | None) -> str | None:
    """Return what counts of a seed: its text, without spaces around it and in small letters.

    Raises
    ------
    TypeError, ValueError
        If it is no text and no whole number, or empty.
    """
    if seed is None:
        return None
    if isinstance(seed, bool) or not isinstance(seed, str | int):
        raise TypeError(f"seed must be a text or a whole number; got {seed!r}")
    text = str(seed).strip().casefold()
    if not text:
        raise ValueError("seed must not be empty; a name or a student's number will do")
    return text


def _drawn(text: str, number: int) -> int:
    """Draw from 0 to `number` - 1, the same on every machine."""
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big") % number


EXERCISES: dict[str, Exercise] = {}
"""By name, in the order of the book."""

_CHAPTER_OF_THEOREM = {"4.1": "03", "4.2": "04", "4.3": "05", "4.4": "06"}


def asks(
    name: str, kind: Kind, nudge: str, given: tuple[Given, ...] = ()
) -> Callable[[Callable[..., Solved]], Callable[..., Solved]]:
    """Register the function below as the solution of an exercise.

    Its arguments are the names of `given`, with the numbers of the book for defaults.
    """

    def register(solve: Callable[..., Solved]) -> Callable[..., Solved]:
        solved = cache(solve)
        EXERCISES[name] = Exercise(name, kind, nudge, solved, given)
        return solved

    return register


def _label(name: object) -> str:
    """Return the label of an exercise, however it was named."""
    if not isinstance(name, str):
        raise TypeError(f'exercise must be a name such as "05-b.1"; got {name!r}')
    label = name.strip().lower().removeprefix("ex-")
    theorem, _, rest = label.partition("-")
    return f"{_CHAPTER_OF_THEOREM.get(theorem, theorem.zfill(2))}-{rest}"


def parts_of(name: str) -> list[Exercise]:
    """Return an exercise that has no parts, or all of its parts; nothing for an unknown name.

    Raises
    ------
    TypeError
        If `name` is no text.
    """
    label = _label(name)
    return [one for one in EXERCISES.values() if label in (one.name, one.name.partition(".")[0])]


def find(exercise: str) -> Exercise:
    """Find an exercise, or one part of it, by its name.

    Raises
    ------
    TypeError, ValueError
        If there is no check of that name; the message lists the nearest ones.
    """
    name = _label(exercise)
    if name in EXERCISES:
        return EXERCISES[name]
    if parts := [known for known in EXERCISES if known.startswith(f"{name}.")]:
        raise ValueError(f"exercise {name!r} has parts, check each: {', '.join(parts)}")
    near = [known for known in EXERCISES if known[:2] == name[:2]] or EXERCISES
    raise ValueError(
        f"exercise {exercise!r} has no check (proofs have none); there are {', '.join(near)}"
    )
