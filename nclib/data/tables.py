"""What the rows of a table of class counts mean: a header, a class, a sum, or none of these.

A row that is none is never passed over: a class that is left out without a word makes every
answer wrong. So a first row without a count is a header only where its words say so.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nclib._checks import MAX_COUNT
from nclib.data.headings import (
    CLASS,
    IMAGE,
    INDEX,
    KEY,
    LABEL,
    MISSING,
    SAMPLE,
    consists_of,
    counts_come_first,
    is_header,
    is_of_counts,
    looks_numeric,
    total_row,
)
from nclib.data.shapes import NUMBER_LIKE, Places, Table
from nclib.theory.counts import MAX_CLASSES

_NUMBER = re.compile(r"[+-]?\d[\d.]*")

_LABEL = re.compile(r"\d+(\.0)?")
"""A whole number, as labels are, also among floats."""

_GROUPED = re.compile(
    r"[1-9]\d{0,2}([ \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}\N{FIGURE SPACE}'"
    r"\N{RIGHT SINGLE QUOTATION MARK}_])\d{3}(\1\d{3})*(\.0{1,2})?"
)
"""A number with thousands separators that are no point and no comma."""

# Counts one below the other, written as plainly as can be; other valid ones exist.
_COUNT = rf"[1-9][0-9]{{0,{len(str(MAX_COUNT)) - 2}}}"
_PLAIN = re.compile(rf"{_COUNT}(?:\n{_COUNT})*")
_POINTS = re.compile(r"[1-9]\d{0,2}(\.\d{3}){2,}|[1-9]\d{0,2}(\.\d{3})+,0{1,2}")
_COMMAS = re.compile(r"[1-9]\d{0,2}(,\d{3}){2,}|[1-9]\d{0,2}(,\d{3})+\.0{1,2}")
"""Numbers in which this sign cannot be a decimal one."""

_SHARE = re.compile(r"%|share|per ?cent|pct|prop|ratio|frac|freq|anteil|prozent")
"""What a column of shares is called."""

_TAIL = re.compile(r"(?:\A|[\s:=])([1-9]\d{0,2})\Z")
"""The end of a name that may be the thousands of the count."""

_HEADER = "if the line is a header, call its columns class and count"

_ONE_OR_TWO = "one column (count) or two (name, count)"

_FROM_LABELS = (
    "of labels, one for each sample, take nclib.ClassCounts.from_labels, which counts them"
)


def counts_of_table(table: Table, source: str) -> tuple[NDArray[np.int64], list[str] | None]:
    """Return the counts and the names, if any; errors name the line of `source`."""
    if not table.rows:
        raise ValueError(f"{source}: no class counts found; expected one row per class")
    rows, where = _of_two_columns(table), table.where
    columns = len(rows[0])
    header = rows[0] if is_header(rows[0]) else []
    swapped = table.counts_first or (columns == 2 and _is_swapped(rows, header))
    if swapped:
        rows, header = [row[::-1] for row in rows], header[::-1]
    if header:
        _require_header_of_counts(where[0], header)
        rows, where = rows[1:], where[1:]
    if not rows:
        raise ValueError(
            f"{source}: no class counts found below the header {','.join(header)!r:.60}; expected "
            "one row per class"
        )
    if not any(re.search(r"\d", cell) for row in rows for cell in row[-1:]):
        raise ValueError(
            f"{where[0]}: count {rows[0][-1][:40]!r} is not a positive whole number below "
            f"2**53, and no other row has one; {_FROM_LABELS}"
        )
    counts = _numbers([row[-1] for row in rows], where, table.separator, "" if header else _HEADER)
    if len(counts) == 1:
        raise ValueError(
            f"{where[0]}: a file must hold 2 to {MAX_CLASSES:,} class counts, one in each row; "
            f"got 1, {','.join(rows[0])!r:.60}"
        )
    if columns == 1:
        if not header:
            require_no_labels(counts, source, "put a line 'count' above them")
        return np.array(counts, dtype=np.int64), None
    names = [row[0] for row in rows]
    total = total_row(names, counts, source, where)
    if total is not None:
        del names[total], counts[total]
        where = where.without(total)
    if swapped:
        _require_no_numbering(where[0], names, counts)
    if header:
        _require_no_index_of_labels(where[0], header, names, counts)
    else:
        _require_class(where[0], names, counts)
        _require_no_thousands(source, names, counts, table.separator)
    if not (header and is_of_counts(header[-1])):
        _require_no_labels_of_samples(source, names, counts)
    if all(map(IMAGE.search, names)):
        raise ValueError(f"{where[0]}: {names[0]!r:.60} is an image and no class; {_FROM_LABELS}")
    _require_distinct(names, where)
    return np.array(counts, dtype=np.int64), names


def require_no_labels(counts: ArrayLike, source: str, else_do: str) -> None:
    """Raise for bare whole numbers that look like labels: from 0 or 1 on, each of them, repeated.

    Counts of as many classes would hardly ever be so small and have no gap.
    """
    array = np.asarray(counts)
    if array.dtype.kind not in "iuf" or array.ndim != 1 or array.size < 4:
        return
    if not np.isfinite(array).all() or (array != np.floor(array)).any():
        return
    low, high = int(array.min()), int(array.max())
    span = high - low + 1
    if low not in (0, 1) or span < 2 or 2 * array.size < 3 * span:
        return
    distinct = np.unique(array).size
    # Of many samples a few labels may be missing.
    if distinct == span or (array.size >= 4 * span and distinct >= 0.8 * span):
        each = "each" if distinct == span else "nearly each"
        raise ValueError(
            f"{source}: {array.size:,} numbers, with {each} from {low} to {high:,} among them, "
            f"look like labels and not like counts; {_FROM_LABELS}; if they are counts, {else_do}"
        )


# ---------------------------------------------------------------- columns


def _of_two_columns(table: Table) -> list[list[str]]:
    """Return the rows with one or two cells: without empty columns, numbers of rows and shares."""
    rows, where = table.rows, table.where
    width = len(rows[0])
    if any(len(row) != width for row in rows):
        filled = max(len(row) for row in rows)
        if all(not any(row[width:]) for row in rows) and all(len(row) >= width for row in rows):
            rows = [row[:width] for row in rows]
        elif width > 2 and filled >= width:
            raise ValueError(_too_many_columns(where[0], rows[0]))
        else:
            k = next(k for k, row in enumerate(rows) if len(row) != width)
            if rows[0][0].startswith("#"):
                raise ValueError(
                    f"{where[0]}: count {rows[0][-1][:40]!r} is no number; comments are not read; "
                    "take the line out"
                )
            raise ValueError(_too_many_columns(where[k], rows[k], width))
    while width > 1 and not any(row[width - 1] for row in rows):
        width -= 1
        rows = [row[:width] for row in rows]
    if width < 3:
        return rows
    keep = list(range(width))
    body = rows if any(map(NUMBER_LIKE.fullmatch, rows[0])) else rows[1:]
    if len(body) < 2:
        raise ValueError(_too_many_columns(where[0], rows[0]))
    header = rows[0] if body is not rows else [""] * width
    if _is_index(header[0], [row[0] for row in body]):
        keep.remove(0)
    counted = [k for k in keep if all(_whole(row[k], table.separator) for row in body)]
    if body is not rows and len(counted) > 1:
        counted = [k for k in counted if is_of_counts(header[k])]
    if len(counted) == 1 and body is not rows:
        counts = [_whole(row[counted[0]], table.separator) for row in body]
        for k in [k for k in keep if k not in counted]:
            if len(keep) > 2 and _is_share([row[k] for row in body], counts, header[k]):
                keep.remove(k)
    # Numbers are names only where the heading says so.
    numbers = [
        k
        for k in keep
        if k not in counted
        and NUMBER_LIKE.fullmatch(body[0][k])
        and not consists_of(header[k], CLASS)
    ]
    if len(keep) > 2 or len(counted) != 1 or numbers:
        raise ValueError(_too_many_columns(where[0], rows[0]))
    return [[row[k] for k in keep] for row in rows]


def _is_index(heading: str, cells: list[str]) -> bool:
    """Whether a first column only numbers the rows."""
    known = heading.casefold() in (*INDEX, "#", "id", "no", "no.", "nr", "nr.", "row", "unnamed: 0")
    return known and any(cells == [str(a + k) for k in range(len(cells))] for a in (0, 1))


def _is_share(cells: list[str], counts: list[int], heading: str) -> bool:
    """Whether a column holds shares: the counts over one number, to the digits written."""
    low, high = 0.0, math.inf
    for cell, count in zip(cells, counts, strict=True):
        found = re.fullmatch(r"(\d+)(?:[.,](\d+))?\s*%?", cell)
        if found is None:
            return False
        digits = found[2] or ""
        value, half = float(f"{found[1]}.{digits}0"), 0.5 * 10.0 ** -len(digits)
        low = max(low, count / (value + half))
        high = min(high, count / (value - half)) if value > half else high
    said = _SHARE.search(heading.casefold()) is not None
    written = any(re.search(r"[.,%]", cell) for cell in cells)
    return low * (1 - 1e-9) <= high and (written or said)


def _is_swapped(rows: list[list[str]], header: list[str]) -> bool:
    """Whether the counts stand before the names."""
    if header:
        return counts_come_first(header)
    # Of the usual file the first row tells already.
    counts_first = all(
        _whole(row[0], ",")
        and not NUMBER_LIKE.fullmatch(row[1])
        and row[1].casefold() not in MISSING
        for row in rows
    )
    # 6,705 nv: the comma may be within the number
    return counts_first and not all(re.match(r"\d", row[1]) for row in rows)


def _require_no_numbering(where: str, names: list[str], counts: list[int]) -> None:
    if len(counts) > 1 and all(b == a + 1 for a, b in itertools.pairwise(counts)):
        raise ValueError(
            f"{where}: the numbers {counts[0]}, {counts[1]}, ... before {names[0]!r:.60}, "
            f"{names[1]!r:.60}, ... number the rows and are no counts; expected {_ONE_OR_TWO}; "
            f"{_FROM_LABELS}"
        )


def _require_distinct(names: list[str], where: Places) -> None:
    if len(set(names)) == len(names):
        return
    twice = next(name for name, times in Counter(names).items() if times > 1)
    first = names.index(twice)
    second = names.index(twice, first + 1)
    raise ValueError(
        f"{where[second]}: names must be distinct; {twice!r:.60} occurs more than once, first "
        f"{where[first].rpartition(', ')[2]}; keep one count for each class; {_FROM_LABELS}"
    )


# ---------------------------------------------------------------- headers and rows


def _require_header_of_counts(where: str, header: list[str]) -> None:
    """Raise where a header says that its rows are samples, or that the counts stand elsewhere."""
    last = header[-1]
    if is_of_counts(last):
        return
    if re.search(r"%|share|per ?cent|pct|proportion|anteil|prozent", last.casefold()):
        raise ValueError(
            f"{where}: a column of shares, {last!r:.60}, where the counts belong; expected "
            f"{_ONE_OR_TWO}, the count as the number of samples"
        )
    is_labels = consists_of(last, LABEL, KEY)
    # What pandas writes of value_counts: the name of the labels over their counts.
    of_pandas = len(header) == 2 and header[0].casefold() in INDEX
    if is_labels and not of_pandas:
        raise ValueError(
            f"{where}: the last column, where the counts belong, is called {last!r:.60} as labels "
            f"are; expected one column (count) or two (name, count); {_FROM_LABELS}"
        )
    if len(header) == 2 and consists_of(header[0], SAMPLE, KEY):
        raise ValueError(
            f"{where}: rows of {header[0]!r:.60} and {last!r:.60} look like samples and not like "
            f"classes; {_FROM_LABELS}; {_HEADER}"
        )


def _require_no_index_of_labels(
    where: str, header: list[str], names: list[str], counts: list[int]
) -> None:
    """Raise where labels stand beside their numbers: the other file of pandas with such a header.

    Counts by `value_counts` come in falling order.
    """
    if is_of_counts(header[-1]) or not consists_of(header[-1], LABEL, KEY):
        return
    in_order = all(one >= other for one, other in itertools.pairwise(counts))
    if not in_order or names == [str(k) for k in range(len(names))]:
        raise ValueError(
            f"{where}: {counts[0]:,} in a column that is called {header[-1]!r:.60} may be a label "
            f"and may be a count; {_FROM_LABELS}; {_HEADER}"
        )


def _require_class(where: str, names: list[str], counts: list[int]) -> None:
    """Raise where the first row may be a header with a number over the counts, a year say."""
    first, others = names[0], names[1:]
    if consists_of(first, CLASS):
        why = f"{first!r:.60} is what headers call a column"
    elif not first and all(others):
        why = "all other rows have a name"
    elif len(others) > 1 and _NUMBER.fullmatch(first) and not any(map(_NUMBER.fullmatch, others)):
        why = "no other name is a number"
    elif all(map(NUMBER_LIKE.fullmatch, names)) and not all(map(_LABEL.fullmatch, names)):
        why = "all names look like counts"
    else:
        return
    raise ValueError(
        f"{where}: a class {first!r:.60} with {counts[0]:,} samples, or a header? {why[0].upper()}"
        f"{why[1:]}; take the line out if it is a header, put one above, class,count, if it is none"
    )


def _require_no_thousands(source: str, names: list[str], counts: list[int], gap: str) -> None:
    """Raise where every row, 6,705 or nv 6,705 say, may end in a number with a thousands sign."""
    K, given = len(names), []
    for name, count in zip(names, counts, strict=True):
        end = _TAIL.search(name)
        if end is None or not 100 <= count < 1000:
            return
        given.append(int(end[1]))
    if given == list(range(1, K + 1)) or (K > 4 and sorted(given) == list(range(1, K + 1))):
        return  # the classes are numbered
    raise ValueError(
        f"{source}: is {names[0]}{gap}{counts[0]} class {names[0]}, or a number with a thousands "
        "separator? Put a header above, class,count, or write the bare digits"
    )


def _require_no_labels_of_samples(source: str, names: list[str], counts: list[int]) -> None:
    """Raise where each row may be a sample with its label: many rows, each number from 1 again."""
    K, high = len(counts), max(counts)
    if min(counts) == 1 < high <= 200 and 4 * high <= K and len(set(counts)) == high:
        raise ValueError(
            f"{source}: {K:,} rows, with each number from 1 to {high:,} among them, look like the "
            f"labels of samples and not like counts; {_FROM_LABELS}; if they are counts, put a "
            "line class,count above them"
        )


# ---------------------------------------------------------------- numbers


def _numbers(cells: list[str], where: Places, separator: str, hint: str) -> list[int]:
    """Return the counts of a column; `hint` is for its first row."""
    # Of a million cells nearly all are plain; a cell may hold the sign that joins them.
    joined = "\n".join(cells)
    if _PLAIN.fullmatch(joined) and joined.count("\n") == len(cells) - 1:
        return list(map(int, cells))
    signs = ""
    # Where semicolons stand between columns, the comma is the decimal sign and no point is.
    if separator == ";" or any(map(_POINTS.fullmatch, cells)):
        signs += "."
    if separator != ";" or any(map(_COMMAS.fullmatch, cells)):
        signs += ","
    counts = [
        _count_from_text(cell, at, separator, signs, hint if k == 0 else "")
        for k, (cell, at) in enumerate(zip(cells, where, strict=True))
    ]
    marked = [cell for cell in cells if re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", cell)]
    sure = any(map(_POINTS.fullmatch, cells)) or any(map(_COMMAS.fullmatch, cells))
    if marked and not sure and all(cell.endswith("000") for cell in marked):
        k = cells.index(marked[0])
        raise ValueError(
            f"{where[k]}: {marked[0]!r} may have a thousands separator and may have three "
            "decimals; write the bare digits"
        )
    if len(marked) == len(cells) and abs(sum(counts) - 100_000) <= len(counts):
        raise ValueError(
            f"{where[0]}: {cells[0]!r} and the others may be numbers with thousands separators or "
            "shares in percent, which add up to 100; write counts in bare digits"
        )
    return counts


def _whole(text: str, separator: str) -> int:
    """Return the count that a cell is, 0 if it is none."""
    try:
        return _count_from_text(text, "", separator, "." if separator == ";" else ",")
    except ValueError:
        return 0


def _bare_digits(text: str, separator: str, signs: str) -> str:
    """Take the thousands separators off, and zeros behind a decimal sign."""
    if _GROUPED.fullmatch(text):
        text = re.sub(r"[^\d.]", "", text)
    elif "," in signs and re.fullmatch(r"[1-9]\d{0,2}(,\d{3})+(\.0{1,2})?", text):
        text = text.replace(",", "")
    elif "." in signs and re.fullmatch(r"[1-9]\d{0,2}(\.\d{3})+(,0{1,2})?", text):
        text = text.replace(".", "")
    # As pandas writes counts where one was missing; six zeros are C's.
    text = re.sub(r"(?<=\d)\.(0{1,2}|0{4,})\Z|(?<=\d{4})\.0+\Z", "", text)
    return text if separator == "," else re.sub(r"(?<=\d),0{1,2}\Z", "", text)


def _count_from_text(text: str, where: str, separator: str, signs: str, hint: str = "") -> int:
    if len(text) > 1 and text.startswith("0") and text.isdigit():
        raise ValueError(
            f"{where}: count {text!r} starts with 0; if it is the tail of a number with a "
            "thousands separator, write the bare digits"
        )
    whole = _bare_digits(text, separator, signs)
    if whole.isascii() and whole.isdigit() and len(whole) <= len(str(MAX_COUNT)):
        count = int(whole)
        if 0 < count < MAX_COUNT:
            return count
    if text.casefold() in MISSING:
        hint = "it is missing; fill it in, or leave the class out"
    elif whole == "0":
        hint = (
            "leave out classes without samples: take the line out, and the class out of the "
            f"network and the labels, which then go from 0 to K - 2; {_FROM_LABELS}"
        )
    elif re.fullmatch(r"[1-9]\d{0,2}([.,]\d{3})+", text):
        hint = "if it has thousands separators, write the bare digits; its sign may be a decimal"
    elif re.fullmatch(r"-\s*\d+(\.0*)?", text):
        hint = "there is a sign before it"
    elif text.endswith("%") or re.fullmatch(r"0?[.,]\d+", text):
        hint = "it is a share; write how many samples the class has"
    elif ";" in text or "\t" in text:
        hint = "columns must be separated by commas"
    elif re.match(r"\W*\d", text) and not looks_numeric(text):
        hint = "write the count alone or name,count, the count in bare digits"
    elif text.startswith("#"):
        hint = "comments are not read; take the line out"
    raise ValueError(
        f"{where}: count {text[:40]!r} is not a positive whole number below 2**53"
        + (f"; {hint}" if hint else "")
    )


def _too_many_columns(where: str, fields: list[str], expected: int | None = None) -> str:
    """Say that a row has too many columns, or too few."""
    wanted = _ONE_OR_TWO if expected is None else f"{expected}"
    hint = ""
    if sum(field.isdigit() for field in fields) >= 2:
        hint = "; numbers must not have thousands separators"
        if all(field.isdigit() for field in fields):
            hint += ", and each class has a row of its own"
    elif expected is None:
        shown = ", ".join(f"{field!r:.30}" for field in fields[:6])
        hint = f"; got {shown}: keep the name and the count of each class, in a row of its own"
    return f"{where}: {len(fields)} columns, expected {wanted}{hint}"
