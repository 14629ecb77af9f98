"""Kinds of answers: what may be given, and when two of them are the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DIGITS = 1e-3
"""Relative error up to which two numbers are the same: three digits will do."""


class Unfit(Exception):
    """An answer that is not of the kind that the exercise asks for; the message says why."""


class Kind(Protocol):
    """A kind of answer."""

    @property
    def asks(self) -> str:
        """What to give, in words."""

    def read(self, answer: object) -> Any:
        """Turn an answer into something that can be compared.

        Raises
        ------
        Unfit
            If it is of another kind.
        """

    def apart(self, one: Any, other: Any) -> float:
        """Return how far apart two answers are; up to 1 they count as the same."""


def _finite(answer: object) -> Array:
    """Read numbers in any shape: lists, arrays, tensors, fractions; no text, no truth values."""
    array = np.asarray(sorted(answer) if isinstance(answer, set | frozenset) else answer)
    if array.dtype.kind == "O" and not any(
        isinstance(entry, str | bytes | bool | type(None)) for entry in array.ravel()
    ):
        array = array.astype(float)
    # Of a list of both numpy makes numbers.
    if array.dtype.kind not in "iuf" or _holds_truth_values(answer):
        raise Unfit("These are not real numbers.")
    if not np.isfinite(array).all():
        raise Unfit("Not all of it is finite.")
    return array.astype(float)


def _holds_truth_values(answer: object) -> bool:
    if isinstance(answer, list | tuple | set | frozenset):
        return any(map(_holds_truth_values, answer))
    return isinstance(answer, bool | np.bool_)


def _relative(one: Array, other: Array, digits: float) -> float:
    """Largest relative difference, in units of the one that is allowed."""
    scale = np.maximum(np.abs(one), np.abs(other))
    difference = np.abs(one - other) / np.where(scale > 0, scale, 1.0)
    return float(np.max(difference, initial=0.0)) / digits


@dataclass(frozen=True)
class Numbers:
    """One or more numbers, right to `digits`.

    `shape` () is a single number. In any order, where `ordered` is False.
    """

    what: str
    shape: tuple[int, ...] = ()
    ordered: bool = True
    digits: float = DIGITS

    @property
    def asks(self) -> str:
        """What to give, in words."""
        size = {0: "one number", 1: "{} numbers", 2: "an array of {} x {} numbers"}
        order = "" if self.ordered else ", in any order"
        return f"{size[len(self.shape)].format(*self.shape)}{order}: {self.what}"

    def read(self, answer: object) -> Array:
        """Read them."""
        numbers = _finite(answer)
        if self.shape == () and numbers.size == 1:
            numbers = numbers.reshape(())
        if numbers.shape != self.shape:
            given = {0: "one number", 1: f"{numbers.size} numbers"}.get(
                numbers.ndim, f"an array of shape {numbers.shape}"
            )
            raise Unfit(f"You gave {given}.")
        return numbers if self.ordered else np.sort(numbers)

    def apart(self, one: Array, other: Array) -> float:
        """Compare the worst of them."""
        return _relative(one, other, self.digits)


@dataclass(frozen=True)
class Chosen:
    """A selection, which may be empty, from a list."""

    what: str
    options: tuple[int | str, ...]

    @property
    def asks(self) -> str:
        """What to give, in words."""
        return f"a set, which may be empty, of {', '.join(map(str, self.options))}: {self.what}"

    def read(self, answer: object) -> frozenset[int | str]:
        """Read it from a set, a list, an array, or one element alone."""
        if isinstance(answer, np.ndarray):
            answer = answer.ravel().tolist()
        if not isinstance(answer, Iterable) or isinstance(answer, str | bytes):
            answer = [answer]
        entries = list(islice(answer, 1000))
        for entry in entries:
            if isinstance(entry, bool | np.bool_) or entry not in self.options:
                raise Unfit(f"{entry!r} is not on the list.")
        return frozenset(self.options[self.options.index(entry)] for entry in entries)

    def apart(self, one: frozenset[int | str], other: frozenset[int | str]) -> float:
        """Compare the selections as a whole."""
        return 0.0 if one == other else np.inf


@dataclass(frozen=True)
class Decision:
    """Yes or no."""

    what: str

    @property
    def asks(self) -> str:
        """What to give, in words."""
        return f"True or False: {self.what}"

    def read(self, answer: object) -> bool:
        """Read it."""
        if not isinstance(answer, bool | np.bool_):
            raise Unfit("This is neither.")
        return bool(answer)

    def apart(self, one: bool, other: bool) -> float:
        """Compare."""
        return 0.0 if one == other else np.inf


@dataclass(frozen=True)
class Function:
    """A function, known by its values at `cases`.

    The values are numbers, as many as `returns` says; where `may_be_none` is True it may return
    None as well.
    """

    what: str
    arguments: tuple[str, ...]
    cases: tuple[tuple[float, ...], ...]
    returns: int = 1
    may_be_none: bool = False
    digits: float = DIGITS

    @property
    def asks(self) -> str:
        """What to give, in words."""
        value = "one number" if self.returns == 1 else f"{self.returns} numbers"
        none = " or None" if self.may_be_none else ""
        return f"a function of {', '.join(self.arguments)} that returns {value}{none}: {self.what}"

    def read(self, answer: object) -> Array:
        """Call it; None becomes NaN."""
        if not callable(answer):
            raise Unfit("This is not a function.")
        return np.array([self._value(answer, case) for case in self.cases])

    def _value(self, function: Callable[..., object], case: tuple[float, ...]) -> Array:
        where = ", ".join(
            f"{name} = {value:g}" for name, value in zip(self.arguments, case, strict=True)
        )
        try:
            value = function(*case)
        except Exception as error:
            raise Unfit(f"At {where} it raised {type(error).__name__}: {error}.") from error
        if value is None and self.may_be_none:
            return np.full(self.returns, np.nan)
        try:
            numbers = np.ravel(_finite(value))
        except Unfit as error:
            raise Unfit(f"At {where} it returned {value!r}.") from error
        if numbers.size != self.returns:
            raise Unfit(f"At {where} it returned {numbers.size} numbers.")
        return numbers

    def apart(self, one: Array, other: Array) -> float:
        """Compare the worst value; None is the same as None only."""
        if (np.isnan(one) != np.isnan(other)).any():
            return np.inf
        return _relative(np.nan_to_num(one), np.nan_to_num(other), self.digits)


@dataclass(frozen=True)
class Directions:
    """Vectors of one length, up to a rotation and a common factor: known by their Gram matrix."""

    number: int

    @property
    def asks(self) -> str:
        """What to give, in words."""
        return f"{self.number} vectors of equal length, the columns of an array"

    def read(self, answer: object) -> Array:
        """Read the Gram matrix, scaled to 1 on average on the diagonal."""
        vectors = _finite(answer)
        if vectors.ndim != 2 or self.number not in vectors.shape:
            raise Unfit(f"You gave an array of shape {vectors.shape}.")
        if vectors.shape[1] != self.number:
            vectors = vectors.T
        gram: Array = vectors.T @ vectors
        if not gram.trace() > 0:
            raise Unfit("Vectors of length 0 have no direction.")
        gram *= self.number / gram.trace()
        return gram

    def apart(self, one: Array, other: Array) -> float:
        """Compare the worst entry."""
        return float(np.abs(one - other).max()) / DIGITS


@dataclass(frozen=True)
class Example:
    """An example of something, known by what `test` says of it."""

    what: str
    test: Callable[[object], str]

    @property
    def asks(self) -> str:
        """What to give, in words."""
        return self.what

    def read(self, answer: object) -> str:
        """Put it to the test."""
        return self.test(answer)

    def apart(self, one: str, other: str) -> float:
        """Compare what the test said."""
        return 0.0 if one == other else np.inf
