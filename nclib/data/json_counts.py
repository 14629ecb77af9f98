"""Class counts as JSON has them: lists, objects, and the shapes that pandas writes frames in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from nclib._checks import MAX_COUNT
from nclib.data.headings import INDEX, is_of_counts, total_row
from nclib.data.shapes import Places, Table
from nclib.data.tables import counts_of_table, require_no_labels

AS_CSV = "save them as CSV below a line 'count'"
"""How to say that bare numbers are counts."""

_EXPECTED = 'expected a list of counts or {"class": count, ...}'

_MOST_SHOWN = 8


class _Pairs(list[tuple[str, Any]]):
    """An object of JSON with every pair, also of names that are there twice."""


def counts_of_json(text: str, source: str) -> tuple[ArrayLike, list[str] | None]:
    """Return the counts and the names, if any, of a text of JSON.

    Parameters
    ----------
    text : str
        A list of counts; ``{"class": count, ...}``; a list of pairs; what `ClassCounts.to_dict`
        returns; what pandas writes of a Series or a frame in any of its orientations; or a line of
        JSON for each class.
    source : str
        The name of the file, for errors.

    Raises
    ------
    ValueError
        If it is none of these, or if it can be read in two ways.
    """
    try:
        found = _loaded(text)
    except RecursionError:
        raise ValueError(f"{source}: brackets within brackets, too deep") from None
    except ValueError as error:
        found = _lines(text)
        if found is None:
            raise ValueError(f"{source}: not valid JSON: {error}") from None
    if isinstance(found, _Pairs):
        return _of_object(found, source)
    if isinstance(found, list):
        return _of_list(found, source)
    raise ValueError(f"{source}: {_EXPECTED}; got {found!r:.60}")


def listed(names: Sequence[str]) -> str:
    """Write the first few names of many."""
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return (", ".join(map(repr, names[:_MOST_SHOWN])) or "none") + more


def _loaded(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_Pairs, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no count")


def _lines(text: str) -> list[Any] | None:
    """Read a line of JSON for each class, if it is that."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or not all(line.lstrip().startswith("{") for line in lines):
        return None
    try:
        return [_loaded(line) for line in lines]
    except ValueError:
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _of_list(found: list[Any], source: str) -> tuple[ArrayLike, list[str] | None]:
    if found and all(isinstance(entry, _Pairs) for entry in found):
        return _of_records(found, source)
    if found and all(type(entry) is list for entry in found):
        if all(len(entry) == 1 for entry in found):
            return _of_list([entry[0] for entry in found], source)
        if all(len(entry) == 2 and isinstance(entry[0], str) for entry in found):
            return _of_object(_Pairs((name, count) for name, count in found), source)
    if all(type(count) is int and count < MAX_COUNT for count in found):
        require_no_labels(found, source, AS_CSV)
    return found, None


def _of_object(found: _Pairs, source: str) -> tuple[ArrayLike, list[str] | None]:
    keys, values = [key for key, _ in found], [value for _, value in found]
    parts = dict(found)
    if len(parts) == len(found):
        framed = _of_frame(parts, source)
        if framed is not None:
            return framed
    for key, value in found:
        if isinstance(value, list):
            what = "an object" if isinstance(value, _Pairs) else "a list"
            raise ValueError(
                f"{source}: {key!r:.60} holds {what}; counts must be one flat sequence; got a "
                f"nested one; {_EXPECTED}: keep that part of the file alone"
            )
    if values and all(isinstance(value, int | float) for value in values):
        total = total_row(keys, values, source)
        if total is not None:
            del keys[total], values[total]
    return values, keys


def _of_frame(parts: dict[str, Any], source: str) -> tuple[ArrayLike, list[str] | None] | None:
    """Read what a Series, a frame or `ClassCounts` are written as, if it is one of these."""
    if "n" in parts and parts.keys() <= {"n", "names"} and type(parts["n"]) is list:
        return parts["n"], parts.get("names")
    if parts.keys() == {"schema", "data"} and isinstance(parts["data"], list):
        return _of_list(parts["data"], source)
    if (
        "data" in parts
        and "index" in parts
        and parts.keys() <= {"columns", "index", "data", "name"}
    ):
        index = [f"{entry}" for entry in parts["index"]]
        data = [row if type(row) is list else [row] for row in parts["data"]]
        columns = parts.get("columns") or ["count"]
        if len(index) == len(data):
            rows = [[at, *row] for at, row in zip(index, data, strict=True)]
            return _of_rows(["", *columns], rows, source)
    values = list(parts.values())
    if len(parts) == 2 and all(type(value) is list for value in values):
        kinds = [all(isinstance(entry, str) for entry in value) for value in values]
        if sorted(kinds) == [False, True] and len(values[0]) == len(values[1]):
            return _of_rows(list(parts), [list(row) for row in zip(*values, strict=True)], source)
    if not values or not all(isinstance(value, _Pairs) for value in values):
        return None
    inner = [key for key, _ in values[0]]
    if any([key for key, _ in value] != inner for value in values[1:]):
        return None
    outside, inside = any(map(is_of_counts, parts)), any(map(is_of_counts, inner))
    by_column = [[entry for _, entry in value] for value in values]
    if outside and not inside:
        rows = [[at, *row] for at, *row in zip(inner, *by_column, strict=True)]
        return _of_rows(["", *parts], rows, source)
    if inside and not outside:
        rows = [[at, *row] for at, row in zip(parts, by_column, strict=True)]
        return _of_rows(["", *inner], rows, source)
    return None


def _of_records(found: list[_Pairs], source: str) -> tuple[ArrayLike, list[str] | None]:
    keys = [key for key, _ in found[0]]
    alone = len(found) > 1 and all([key for key, _ in record] == keys[:1] for record in found)
    if alone and keys and is_of_counts(keys[0]):
        return [record[0][1] for record in found], None
    same = all([key for key, _ in record] == keys for record in found)
    try:
        if not same or len(keys) < 2:
            raise ValueError
        return _of_rows(keys, [[entry for _, entry in record] for record in found], source)
    except ValueError as error:
        if same and len(keys) == 2:
            raise
        why = f" ({error})" if "record " in f"{error}" and "columns" not in f"{error}" else ""
        raise ValueError(
            f"{source}: a list of objects with the keys {listed(keys)}; {_EXPECTED}: keep the name "
            f"and the count of each{why}"
        ) from None


def _of_rows(
    header: list[Any], rows: list[list[Any]], source: str
) -> tuple[ArrayLike, list[str] | None]:
    """Read rows as a table; a first column without a heading is an index that may only number."""
    where = Places(source, range(1, len(rows) + 1), "record")
    numbers = [[f"{start + k}" for k in range(len(rows))] for start in (0, 1)]
    if len(header) > 2 and header[0] in INDEX and [str(row[0]) for row in rows] in numbers:
        header, rows = header[1:], [row[1:] for row in rows]
    cells = []
    for at, row in zip(where, rows, strict=True):
        if not all(isinstance(entry, str) or _is_number(entry) for entry in row):
            raise ValueError(f"{at}: {row!r:.60} holds what is no name and no count")
        cells.append([f"{entry}".strip() for entry in row])
    keys = list(map(str, header))
    table = Table([keys, *cells], Places(source, range(len(rows) + 1), "record"))
    return counts_of_table(table, source)
