"""What frozen dataclasses that hold arrays have in common, and small tables for notebooks.

cattrs or msgspec would be a second way beside this one: the records of the theory do without other
packages, the constructors of all records check each value and name it, and what is left of four
``from_dict`` above the theory is `require_keys` and the digits of stored files.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, fields
from html import escape
from typing import Any

import numpy as np


class Record:
    """Equal by content, NaN to NaN; copied and pickled without what has been worked out from it.

    For dataclasses declared with ``eq=False``: Python's own comparison of two that hold arrays
    raises. Like its arrays, such a record can't be hashed.
    """

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        names = [field.name for field in fields(self)]  # type: ignore[arg-type]
        return all(_equal(getattr(self, name), getattr(other, name)) for name in names)

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
    if isinstance(one, list | tuple) and type(one) is type(other):
        return len(one) == len(other) and all(map(_equal, one, other))
    return type(one) is type(other) and bool(one == other or (one != one and other != other))


def require_keys(
    kind: str, content: Mapping[str, Any], required: Set[str], optional: Set[str] = frozenset()
) -> None:
    """Raise unless `content` is a mapping with the keys of a `kind`, all that are required."""
    if not isinstance(content, Mapping):
        raise TypeError(f"content must be what {kind}.to_dict returns; got {content!r:.60}")
    unknown = sorted(map(repr, content.keys() - required - optional))
    missing = sorted(map(repr, required - content.keys()))
    if unknown or missing:
        problem = f"has unknown {unknown[0]}" if unknown else f"lacks {missing[0]}"
        raise ValueError(f"content must be what {kind}.to_dict returns; it {problem}")


def plain_values(value: Any) -> Any:
    """Return what JSON has for a value: Python's own numbers, lists, and strings as keys.

    A number that is not finite becomes None.

    Examples
    --------
    >>> plain_values({1: np.array([1.5, np.nan]), "b": (np.int64(2), True)})
    {'1': [1.5, None], 'b': [2, True]}
    """
    if isinstance(value, str):  # names, of which there may be a million
        return value
    if isinstance(value, Mapping):
        return {str(key): plain_values(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain_values(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def html_table(
    caption: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    write: Callable[[str], str] = escape,
) -> str:
    """Write a small table as HTML; the first cell of a row names it. All text is escaped.

    Its class is that of pandas, which pages and notebooks draw in light and dark.
    """
    head = "".join(f'<th scope="col">{write(column)}</th>' for column in columns)
    body = "".join(
        f'<tr><th scope="row">{write(f"{name}")}</th>'
        + "".join(f"<td>{write(f'{cell}')}</td>" for cell in cells)
        + "</tr>\n"
        for name, *cells in rows
    )
    return (
        f'<table class="dataframe">\n<caption>{write(caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>"
    )


_GREEK = {"lambda": "λ", "kappa": "κ", "sigma": "σ"}
_INDEX = re.compile(r"(?<![\w.])(lambda|kappa|sigma|NC\d|[^\W\d_])([_^])(\w{1,2})\b")


def write_symbols(text: str) -> str:
    """Escape text for HTML, with indices and roots as in a formula.

    Examples
    --------
    >>> write_symbols("lambda_W < n_2 / sqrt(n), NC2^H")
    'λ<sub>W</sub> &lt; n<sub>2</sub> / √n, NC2<sup>H</sup>'
    """

    def index(found: re.Match[str]) -> str:
        name, sign, low = found.groups()
        tag = "sub" if sign == "_" else "sup"
        return f"{_GREEK.get(name, name)}<{tag}>{low}</{tag}>"

    return _INDEX.sub(index, re.sub(r"\bsqrt\((\w)\)", r"√\1", escape(text)))


@dataclass(frozen=True, repr=False)
class Table:
    """A table that shows itself: HTML in a notebook, columns of text where it is printed.

    Attributes
    ----------
    caption : str
    columns : tuple of str
    rows : tuple of tuple
        Of each row its name and the other cells.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def _repr_html_(self) -> str:
        return html_table(self.caption, self.columns, self.rows, write_symbols)

    def __repr__(self) -> str:
        cells = [self.columns, *(tuple(f"{cell}" for cell in row) for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        right = [
            all(isinstance(row[j], int | float) for row in self.rows)
            for j in range(len(self.columns))
        ]
        lines = [
            "  ".join(
                cell.rjust(width) if right[j] else cell.ljust(width)
                for j, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in cells
        ]
        return "\n".join([self.caption, *lines])
