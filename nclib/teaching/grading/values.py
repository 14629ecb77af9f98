"""Answers as JSON: packed where the student's code ran, and unpacked where it is judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from numbers import Real
from typing import Any

import numpy as np

from nclib.teaching._answers import Chosen, Function, Kind
from nclib.theory.counts import ClassCounts

MOST = 10_000
"""An answer has up to this many numbers; the longest right one has 64."""

_LONGEST_TEXT = 1000
_DEEPEST = 6


class _Unpackable(Exception):
    """An answer that JSON has no form for; the message says what it is."""


def packed(answer: object, kind: Kind) -> Any:
    """Turn an answer into plain values that `json.dumps` takes.

    A function becomes its values at the cases at which the exercise compares it, since functions
    do not leave their process. What no exercise asks for becomes a record that is never right.

    Parameters
    ----------
    answer : object
        What a student gave. Whatever it does when it is looked at, this does not raise.
    kind : Kind
        What the exercise asks for.
    """
    try:
        if isinstance(kind, Function) and callable(answer):
            return {"function": [[list(case), _value(answer, case)] for case in kind.cases]}
        return _plain(_listed(answer) if isinstance(kind, Chosen) else answer)
    except _Unpackable as error:
        return {"other": str(error)}
    except Exception as error:  # whatever an answer does when it is looked at
        return {"other": type(error).__name__[:_LONGEST_TEXT]}


def _listed(answer: object) -> object:
    """List a selection that comes as something else than a list, an array or a set."""
    if isinstance(answer, str | bytes | list | tuple | set | frozenset | np.ndarray):
        return answer
    return list(islice(answer, 1000)) if isinstance(answer, Iterable) else answer


def _value(function: Callable[..., object], case: tuple[float, ...]) -> Any:
    try:
        return {"value": _plain(function(*case))}
    except Exception as error:
        return {"raised": type(error).__name__[:_LONGEST_TEXT]}


def _plain(answer: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        raise _Unpackable("lists within lists")
    if answer is None or isinstance(answer, bool | np.bool_):
        return None if answer is None else bool(answer)
    if isinstance(answer, str):
        return answer[:_LONGEST_TEXT]
    if isinstance(answer, int):
        if answer.bit_length() > 1000:
            raise _Unpackable("a huge number")
        return int(answer)
    if isinstance(answer, Real) or type(answer).__name__ == "Decimal":
        return float(answer)
    if isinstance(answer, ClassCounts):
        answer = answer.n
    if isinstance(answer, set | frozenset | list | tuple | range):
        if len(answer) > MOST:
            raise _Unpackable("more than fits")
        entries = [_plain(entry, depth + 1) for entry in answer]
        return {"set": entries} if isinstance(answer, set | frozenset) else entries
    if hasattr(answer, "__array__"):
        array = np.asarray(answer)
        if array.size > MOST or array.dtype.kind not in "biufO":
            raise _Unpackable(f"an array of {array.size} {array.dtype.name}")
        return {"array": _plain(array.tolist(), depth)}
    raise _Unpackable(type(answer).__name__[:_LONGEST_TEXT])


def unpacked(value: Any, depth: int = 0) -> Any:
    """Turn what `packed` made into an answer that `nclib.teaching.check` judges.

    Nothing is trusted: `value` is any JSON. What has another form becomes an object that is no
    answer to any exercise.
    """
    if depth > 2 * _DEEPEST:
        return object()
    if isinstance(value, list):
        return [unpacked(entry, depth + 1) for entry in value]
    if not isinstance(value, dict):
        return value
    if isinstance(entries := value.get("set"), list):
        try:
            return {unpacked(entry, depth + 1) for entry in entries}
        except TypeError:
            return object()
    if "array" in value:
        try:
            return np.asarray(unpacked(value["array"], depth + 1))
        except ValueError:
            return object()
    if isinstance(rows := value.get("function"), list):
        return _tabulated(rows)
    return object()


def _tabulated(rows: list[Any]) -> Callable[..., Any]:
    """Return the function that has these values, and none anywhere else."""
    table: dict[tuple[float, ...], Any] = {}
    for row in rows:
        if (
            isinstance(row, list)
            and len(row) == 2
            and isinstance(row[0], list)
            and all(isinstance(number, int | float) for number in row[0])
        ):
            table[tuple(row[0])] = row[1]

    def function(*case: float) -> Any:
        entry = table.get(case)
        if isinstance(entry, dict) and "value" in entry:
            return unpacked(entry["value"])
        name = entry.get("raised") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not name.isidentifier():
            raise LookupError("no value came")
        # The same name, for what is said of it.
        raise type(name, (Exception,), {})("where the hand-in ran")

    return function
