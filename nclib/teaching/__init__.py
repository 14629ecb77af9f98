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
from nclib.teaching.exercises import EXERCISES, Exercise, Given, Mistake, find, parts_of
from nclib.teaching.exercises.register import seed_text

__all__ = [
    "EXERCISES",
    "Exercise",
    "Given",
    "Mistake",
    "Question",
    "Verdict",
    "check",
    "exercise",
]

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


@dataclass(frozen=True)
class Question:
    """What a seed changes in the text of an exercise.

    Attributes
    ----------
    exercise : str
        Name of the exercise.
    seed : str or None
        The seed, as it counts.
    numbers : dict
        The numbers to compute with, by name.
    message : str
        The same in words.
    """

    exercise: str
    seed: str | None
    numbers: dict[str, float]
    message: str

    def __repr__(self) -> str:
        return f"{self.exercise}: {self.message}"

    def _repr_html_(self) -> str:
        return f"<p><strong>{escape(self.exercise)}:</strong> {escape(self.message)}</p>"


def exercise(name: str, seed: str | int | None = None) -> Question:
    """Say which numbers a student has to put in place of those in the text of an exercise.

    Parameters
    ----------
    name : str
        Its name, with or without the part: the parts of an exercise share their numbers.
    seed : str or int, optional
        The student's name or number. Capital letters and spaces around it do not count.

    Returns
    -------
    Question
        The numbers by name, and in words.

    Raises
    ------
    TypeError, ValueError
        If there is no exercise of that name that can be checked, or if the seed is no text and no
        whole number.

    Examples
    --------
    >>> exercise("05-b", seed="Ada")
    05-b: lambda_W is 0.015, in place of 0.005.
    >>> exercise("05-b", seed="Ada").numbers
    {'lambda_W': 0.015}
    >>> exercise("01-a", seed="Ada")
    01-a: all is as in the book.
    """
    parts = parts_of(name) or [find(name)]
    label = parts[0].name if len(parts) == 1 else parts[0].name.partition(".")[0]
    numbers: dict[str, float] = {}
    words = []
    for part in parts:
        chosen = part.numbers(seed)
        for one in part.given:
            if one.name in chosen and one.name not in numbers:
                numbers[one.name] = chosen[one.name]
                words.append(f"{one.words} is {chosen[one.name]:g}, in place of {one.book:g}")
    message = "; ".join(words) or "all is as in the book"
    return Question(label, seed_text(seed), numbers, f"{message}.")


def check(exercise: str, answer: object, seed: str | int | None = None) -> Verdict:
    """Check the answer to an exercise.

    Parameters
    ----------
    exercise : str
        Its name: the label without ``ex-``, with the part where it has parts.
    answer : object
        The answer. What kind of thing it should be is said in the exercise, and by the verdict on
        anything else. Numbers need three digits.
    seed : str or int, optional
        Whose numbers the question has, a student's name or number, as for `exercise`. Without it,
        and where nothing in the question can vary, those of the book.

    Returns
    -------
    Verdict
        Right, or a hint. An answer of the wrong kind never raises.

    Raises
    ------
    TypeError, ValueError
        If there is no check of that name; the message lists the nearest ones. If the seed is no
        text and no whole number.

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
    asked = find(exercise)
    right, mistakes = asked.solve(**asked.numbers(seed))
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
