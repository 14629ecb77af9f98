"""Checks for the exercises of the book: right or wrong, and a hint that fits the mistake.

An exercise is named by its label without ``ex-``: exercise b of chapter 5, ``ex-05-b``, is
``"05-b"``. Where it asks for more than one thing, its text says what the parts ``"05-b.1"``,
``"05-b.2"``, ... are. In the chapters of the paper's theorems the number of the theorem does as
well: ``"4.3-b.1"``.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from nclib.teaching._answers import Unfit
from nclib.teaching.exercises import EXERCISES, Exercise, Mistake

__all__ = ["EXERCISES", "Exercise", "Mistake", "Verdict", "check"]

_CHAPTER_OF_THEOREM = {"4.1": "03", "4.2": "04", "4.3": "05", "4.4": "06"}

# Okabe and Ito's green and orange, as in the figures.
_GREEN, _ORANGE = "#009E73", "#D55E00"


@dataclass(frozen=True)
class Verdict:
    """What `check` says of an answer. It is true where the answer is right.

    Attributes
    ----------
    exercise : str
        Name of the exercise.
    right : bool
        Whether the answer is right.
    message : str
        What is wrong, or what kind of answer is expected.
    mistake : str or None
        How one gets to a wrong answer that is a usual mistake.
    """

    exercise: str
    right: bool
    message: str
    mistake: str | None = None

    def __bool__(self) -> bool:
        return self.right

    @property
    def _title(self) -> str:
        return f"{self.exercise}: {'right' if self.right else 'not yet'}."

    def __repr__(self) -> str:
        return f"{self._title} {self.message}".rstrip()

    def _repr_html_(self) -> str:
        sign, colour = ("&#10003;", _GREEN) if self.right else ("&#10007;", _ORANGE)
        return (
            f'<p style="border-left: 0.4em solid {colour}; padding-left: 0.6em; margin: 0">'
            f'<span aria-hidden="true">{sign}</span> '
            f"<strong>{escape(self._title)}</strong> {escape(self.message)}</p>"
        )


def check(exercise: str, answer: object) -> Verdict:
    """Check the answer to an exercise.

    Parameters
    ----------
    exercise : str
        Its name: the label without ``ex-``, with the part where it has parts.
    answer : object
        The answer. What kind of thing it should be is said in the exercise, and by the verdict on
        anything else. Numbers need three digits.

    Returns
    -------
    Verdict
        Right, or a hint. An answer of the wrong kind never raises.

    Raises
    ------
    TypeError, ValueError
        If there is no check of that name; the message lists the nearest ones.

    Examples
    --------
    >>> check("02-a", 1.184745)
    02-a: right.
    >>> check("02-a", 1.214745)
    02-a: not yet. The fit is divided by 2N. What does that do to the derivative?
    >>> bool(check("04-b.2", "no"))
    False
    >>> check("04-b.2", "no").message
    'This is neither. Expected: True or False: there is such a range for two layers.'
    """
    asked = _find(exercise)
    right, mistakes = asked.solve()
    read, apart = asked.kind.read, asked.kind.apart
    try:
        given = read(answer)
    except Exception as error:  # whatever an answer does when it is looked at
        reason = str(error) if isinstance(error, Unfit) else "This cannot be read."
        return Verdict(asked.name, False, f"{reason} Expected: {asked.kind.asks}.")
    # An answer between two is taken for the nearer one.
    away = apart(given, read(right))
    distances = [apart(given, read(mistake.answer)) for mistake in mistakes]
    nearest = min(range(len(mistakes)), key=distances.__getitem__)
    if away <= min(1.0, distances[nearest]):
        return Verdict(asked.name, True, "")
    if distances[nearest] <= 1:
        return Verdict(asked.name, False, mistakes[nearest].hint, mistakes[nearest].why)
    return Verdict(asked.name, False, asked.nudge)


def _find(exercise: str) -> Exercise:
    """Find an exercise by its name, or say which ones there are."""
    if not isinstance(exercise, str):
        raise TypeError(f'exercise must be a name such as "05-b.1"; got {exercise!r}')
    name = exercise.strip().lower().removeprefix("ex-")
    theorem, _, rest = name.partition("-")
    name = f"{_CHAPTER_OF_THEOREM.get(theorem, theorem.zfill(2))}-{rest}"
    if name in EXERCISES:
        return EXERCISES[name]
    if parts := [known for known in EXERCISES if known.startswith(f"{name}.")]:
        raise ValueError(f"exercise {name!r} has parts, check each: {', '.join(parts)}")
    near = [known for known in EXERCISES if known[:2] == name[:2]] or EXERCISES
    raise ValueError(
        f"exercise {exercise!r} has no check (proofs have none); there are {', '.join(near)}"
    )
