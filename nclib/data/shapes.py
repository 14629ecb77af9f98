"""The shapes in which people have tables of counts as text: how lines fall into cells.

Each shape is known by all of its lines, so that a name with a semicolon in it makes no table with
semicolons. What the cells mean is told in `nclib.data.tables`.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from nclib.data.headings import COUNT, KEY, LABEL, MISSING, consists_of
from nclib.theory.counts import MAX_CLASSES

NUMBER_LIKE = re.compile(r"[+-]?\d[\d.,'\N{RIGHT SINGLE QUOTATION MARK}_\s]*%?")
"""A cell that is meant as a number, of whatever kind."""

_RULE = re.compile(r"[-=|:+\s]*[-=]{2}[-=|:+\s]*")
_PRINTED = re.compile(r"\n[^\n]*\bdtype: \w+\s*\Z")
_PAIR = re.compile(r"""\s*("[^"]*"|'[^']*'|.*[^\s:=])\s*[:=]\s*([^:=]+?)\s*,?\s*""")
_COUNT_FIRST = re.compile(r"\s*(\d+)\s+(\S.*?)\s*")
_COUNT_LAST = re.compile(r"\s*(\S.*?)\s+(\d[\d.,]*)\s*")


class Places(Sequence[str]):
    """What errors call each row, written only when it is asked for: there may be a million."""

    def __init__(self, source: str, numbers: Sequence[int], unit: str = "line") -> None:
        self._source, self._numbers, self._unit = source, numbers, unit

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, key: int) -> str: ...
    @overload
    def __getitem__(self, key: slice) -> Places: ...
    def __getitem__(self, key: int | slice) -> str | Places:
        if isinstance(key, slice):
            return Places(self._source, self._numbers[key], self._unit)
        return f"{self._source}, {self._unit} {self._numbers[key]}"

    def without(self, k: int) -> Places:
        """Return the places of all rows but one."""
        kept = [*self._numbers[:k], *self._numbers[k + 1 :]]
        return Places(self._source, kept, self._unit)


@dataclass(frozen=True)
class Table:
    """Rows of cells, and where each stands.

    Attributes
    ----------
    rows : list of list of str
        The cells, without the space around them; no row is empty.
    where : Places
        For each row what an error calls it: the file and the line.
    separator : str
        What stands between the cells.
    counts_first : bool
        The shape itself says that the counts stand before the names.
    """

    rows: list[list[str]]
    where: Places
    separator: str = ","
    counts_first: bool = False


def table_of(text: str, source: str, *, yaml: bool = False) -> Table:
    """Cut the text of a file into cells.

    Parameters
    ----------
    text : str
        What the file holds.
    source : str
        Its name, for errors.
    yaml : bool
        Lines that begin with ``#`` are comments, and ``#`` after a space begins one.

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        If the lines have no shape, or more than one; the message names the line.
    """
    if yaml:
        text = re.sub(r"(?m)(^|(?<=\s))#.*$", "", text)
    hint = re.match(r"sep=([;,\t|])\r?\n", text)  # Excel's own first line
    if hint:
        text = "\n" + text[hint.end() :]
    if _PRINTED.search(text):
        table = _spaced(_numbered(_PRINTED.sub("", text)), source, printed=True)
        if table is not None:
            return table
    for separator in "|\t;":
        table = _delimited(text, source, separator) if separator in text else None
        if table is not None:
            return table
    if ("," not in text or yaml) and re.search(r"[^\S\r\n]|[:=]", text):
        lines = _numbered(text)
        table = _pairs(lines, source) or _spaced(lines, source)
        if table is not None:
            return table
    try:
        return _commas(text, source)
    except csv.Error as error:
        raise ValueError(f"{source}, line {error.args[1]}: {error.args[0]}") from None


def _numbered(text: str) -> list[tuple[int, str]]:
    """Return the lines that hold anything, numbered from 1."""
    if text.count("\n") > MAX_CLASSES + 1000:
        return []
    lines = re.split(r"\r\n|\r|\n", text)
    return [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]


def _commas(text: str, source: str, separator: str = ",") -> Table:
    rows: list[list[str]] = []
    lines: Sequence[int]
    limit = MAX_CLASSES + 1000
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        if re.search(r"[^\S\r\n]|\"", text):
            numbers = []
            for row in itertools.islice(reader, limit + 1):
                rows.append([cell.strip() for cell in row])
                numbers.append(reader.line_num)
            lines = numbers
        else:  # nothing to strip, and each line is a row: a million of them go quickly
            rows = list(itertools.islice(reader, limit + 1))
            lines = range(1, len(rows) + 1)
    except csv.Error as error:
        raise csv.Error(f"{error}", reader.line_num) from None
    if not all(map(any, rows)):
        kept = [k for k, row in enumerate(rows) if any(row)]
        rows, lines = [rows[k] for k in kept], [lines[k] for k in kept]
    if len(rows) > limit:
        raise ValueError(
            f"{source}: more than {MAX_CLASSES:,} rows; a file of counts has one for each "
            "class, and at most as many classes; of labels, one for each sample, take "
            "nclib.ClassCounts.from_labels, which counts them"
        )
    return Table(rows, Places(source, lines), separator)


def _delimited(text: str, source: str, separator: str) -> Table | None:
    """Cut at one sign, if every row has it and a column holds numbers."""
    if separator == "|":
        table = _piped(text, source)
    else:
        try:
            table = _commas(text, source, separator)
        except csv.Error:
            return None
    body = table.rows[1:] or table.rows
    if not body or min(map(len, table.rows)) < 2:
        return None
    for column in (-1, 0, 1):
        cells = [row[column] for row in body]
        numbers = [bool(NUMBER_LIKE.fullmatch(cell)) for cell in cells]
        missing = [cell.casefold() in MISSING for cell in cells]
        has_number = any(numbers) or bool(NUMBER_LIKE.fullmatch(table.rows[0][column]))
        if has_number and all(map(max, numbers, missing)):
            return table
    return None


def _piped(text: str, source: str) -> Table:
    """Cut a table of Markdown, or one that a database prints."""
    rows, lines = [], []
    for number, line in _numbered(text):
        if _RULE.fullmatch(line) or re.fullmatch(r"\s*\(\d+ rows?\)\s*", line):
            continue
        cells = re.sub(r"\A\s*\||\|\s*\Z", "", line).split("|")
        rows.append([re.sub(r"\A([*_`]{1,2})(.+)\1\Z", r"\2", cell.strip()) for cell in cells])
        lines.append(number)
    return Table(rows, Places(source, lines), "|")


def _pairs(lines: list[tuple[int, str]], source: str) -> Table | None:
    """Read ``name: count`` or ``name = count`` in each line: YAML, settings."""
    lines = [(number, line) for number, line in lines if line.strip() not in ("---", "...")]
    if not lines:
        return None
    items = [re.match(r"\s*-\s+", line) for _, line in lines]
    if all(items):
        lines = [(number, re.sub(r"\s*-\s+", "", line, count=1)) for number, line in lines]
        if all(NUMBER_LIKE.fullmatch(line.strip()) for _, line in lines):
            rows = [[line.strip()] for _, line in lines]
            return Table(rows, Places(source, [number for number, _ in lines]), ":")
    elif any(items) and ":" in lines[0][1]:
        number, line = next(one for one, item in zip(lines, items, strict=True) if item)
        raise ValueError(
            f"{source}, line {number}: {line.strip()!r:.60} begins an entry of several lines; "
            "write one line 'class: count' for each class"
        )
    is_heading = len(lines) > 1 and re.fullmatch(r"\S[^:=]*:\s*|\[[^\]]+\]\s*", lines[0][1])
    if is_heading and (lines[0][1].startswith("[") or re.match(r"\s", lines[1][1])):
        lines = lines[1:]
    heading = next((one for one in lines if re.fullmatch(r"\s*[^\s:=][^:=]*:\s*", one[1])), None)
    if heading and any(_PAIR.fullmatch(line) for _, line in lines):
        raise ValueError(
            f"{source}, line {heading[0]}: {heading[1].strip()!r:.60} has no count behind it; keep "
            "one list, a line 'class: count' for each class"
        )
    rows = []
    for _, line in lines:
        found = _PAIR.fullmatch(line)
        # 12:30 may be anything.
        if found is None or re.fullmatch(r"\s*\d+[:=]\d+\s*", line):
            return None
        rows.append([re.sub(r"\A([\"'])(.*)\1\Z", r"\2", cell) for cell in found.groups()])
    of_names, of_counts = ([row[k] for row in rows[1:] or rows] for k in (0, 1))
    # 30: cat is as good as cat: 30.
    if not any(map(NUMBER_LIKE.fullmatch, [*of_counts, rows[0][1]])) and not all(
        map(NUMBER_LIKE.fullmatch, of_names)
    ):
        return None
    return Table(rows, Places(source, [number for number, _ in lines]), ":")


def _spaced(lines: list[tuple[int, str]], source: str, *, printed: bool = False) -> Table | None:
    """Read names and counts between spaces: ``uniq -c``, what pandas prints, columns by hand."""
    if len(lines) == 1 and not printed:
        return _one_line(*lines[0], source)
    for number, line in lines:
        if line.strip() in ("..", "...") and (printed or len(lines[0][1].split()) > 1):
            raise ValueError(
                f"{source}, line {number}: {line.strip()!r} stands for classes that were not "
                "printed; write all of them, with to_csv or to_string"
            )
    header: list[str] = []
    if lines and not re.search(r"\d", lines[0][1]):
        words = lines[0][1].split()
        if printed or consists_of(words[0], KEY | LABEL | COUNT):
            header, lines = words, lines[1:]
        # pandas prints the name of an index below the names of the columns.
        if len(header) == 1 and len(lines) > 1 and not re.search(r"\d", lines[0][1]):
            lines = lines[1:] if len(lines[0][1].split()) == 1 else lines
    if not lines:
        return None
    where = Places(source, [number for number, _ in lines])
    last = [_COUNT_LAST.fullmatch(line) for _, line in lines]
    first = [_COUNT_FIRST.fullmatch(line) for _, line in lines]
    if all(last):
        rows = [list(found.groups()) for found in last if found]
        if all(first) and not printed:
            rows, counts_first = _of_two_numbers([line for _, line in lines], rows, where)
            if counts_first:
                return Table(rows, where, " ", counts_first=True)
        if len(header) == 2:  # pandas numbers the rows of a frame
            indices = [re.match(r"(\d+)\s+(?=\S)", row[0]) for row in rows]
            if [found and found[1] for found in indices] == [str(k) for k in range(len(rows))]:
                rows = [[row[0].split(None, 1)[1], row[1]] for row in rows]
        _require_one_number(rows, where)
        # cat - 30
        rows = [[re.sub(r"\s+[-\N{EN DASH}\N{EM DASH}]+\Z", "", row[0]), row[1]] for row in rows]
        return Table(rows, where, " ")
    if all(first) and not header:
        rows = [[found[1], found[2].lstrip("=:").strip()] for found in first if found]
        for k, row in enumerate(rows):
            if re.match(r"\d{3}(?!\d)", row[1]) and len(row[0]) < 4:
                raise ValueError(_two_readings(where[k], " ".join(row)))
        return Table(rows, where, " ", counts_first=True)
    return None


def _one_line(number: int, line: str, source: str) -> Table | None:
    words = line.split()
    if len(words) < 2 or not all(word.isascii() and word.isdigit() for word in words):
        return None
    where = f"{source}, line {number}"
    if any(len(a) < 4 and len(b) == 3 for a, b in itertools.pairwise(words)):
        raise ValueError(
            f"{where}: are the spaces of {line.strip()!r:.60} gaps between counts, or thousands "
            "separators? Write one count in each line, in bare digits"
        )
    return Table([[word] for word in words], Places(source, [number] * len(words)), " ")


def _of_two_numbers(
    lines: list[str], rows: list[list[str]], where: Places
) -> tuple[list[list[str]], bool]:
    """Of lines that begin and end with a number, tell which one counts: rows, and if the first."""
    ends = [re.match(r"\s*\d+(?=\s)", line) for line in lines]
    if all(line[0] == " " for line in lines) and len({found and found.end() for found in ends}) < 2:
        pairs = [line.strip().split(None, 1) for line in lines]  # uniq -c aligns its counts
        if len(pairs) > 1 or len(lines[0]) - len(lines[0].lstrip()) > 1:
            return pairs, True
    if not all(re.fullmatch(r"\d+", row[0]) for row in rows):
        return rows, False
    given = [int(row[0]) for row in rows]
    other = [row[1] for row in rows]
    numbered = sorted(given) in (list(range(len(rows))), list(range(1, len(rows) + 1)))
    numbers = [int(cell) for cell in other if cell.isdigit()]
    if sorted(numbers) == list(range(len(rows))) and 0 not in given:
        return [[row[0], row[1]] for row in rows], True
    if numbered:
        return rows, False
    raise ValueError(
        f"{where[0]}: which number of {lines[0].strip()!r:.60} is the count? Put a comma between "
        "the class and its count, and a line class,count above"
    )


def _require_one_number(rows: list[list[str]], where: Places) -> None:
    """Raise where the end of a name may be another column, or the thousands of the count."""
    if all(re.match(r"\d[\d.,]*\s", row[0]) for row in rows):
        raise ValueError(_two_readings(where[0], " ".join(rows[0])))
    ends = [re.search(r"(?:^|\s)(\d[\d.,]*)%?\Z", row[0]) for row in rows]
    if not any(ends) or all(re.fullmatch(r"\d+", row[0]) for row in rows):
        return
    if all(ends):
        found = [end[1] for end in ends if end]
        K = len(rows)
        if found in ([str(k) for k in range(K)], [str(k) for k in range(1, K + 1)]):
            return  # class 1, class 2
    k = next(k for k, end in enumerate(ends) if end)
    raise ValueError(_two_readings(where[k], " ".join(rows[k])))


def _two_readings(where: str, line: str) -> str:
    return (
        f"{where}: which of the numbers of {line!r:.60} is the count? Put a comma between the name "
        "and the count, and write it in bare digits"
    )
