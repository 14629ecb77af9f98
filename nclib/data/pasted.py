"""Class counts as people paste them: from a cell, a sheet, a shell, a paper.

The form in the pages reads the same texts in the same way; one stored table is the test of both.
Where two readings are possible one is taken and the other is offered: no text is read in silence as
something that its writer may not have meant.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_HEADER = frozenset(
    re.split(
        " ",
        "class classes label labels name names category categories species diagnosis dx target "
        "type code id index count counts n num number samples sample images image size total "
        "support frequency freq examples instances rows train training of per in the each klasse "
        "klassen anzahl bilder nombre classe cantidad clase",
    )
)
_TOTAL = frozenset(re.split(" ", "total totals sum all overall gesamt summe somme suma totale"))

_THIN = re.compile("[\N{NO-BREAK SPACE}\N{FIGURE SPACE}\N{THIN SPACE}\N{NARROW NO-BREAK SPACE}]")
_GAP = "\N{NARROW NO-BREAK SPACE}"
_APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"
_MARKS = f",.'{_APOSTROPHE}_ {_GAP}"
_GROUPED = rf"[1-9]\d{{0,2}}(?:(?P<mark>[{_MARKS}])\d{{3}})(?:(?P=mark)\d{{3}})*"
_ZEROS = r"(?:[.,]0{1,2})?"

_COMMAS = "A sign before three digits was taken for a thousands separator."
_SPACES = "A space before three digits was taken for a thousands separator."


@dataclass(frozen=True)
class Pasted:
    """What a text was read as; made by `read_pasted`.

    Attributes
    ----------
    n : tuple of int
        Samples of each class.
    names : tuple of str or None
        Their names, if any.
    note : str
        What was decided, where it could be otherwise; empty where there is one reading.
    other : Pasted or None
        The other reading, if it is one.
    """

    n: tuple[int, ...]
    names: tuple[str, ...] | None
    note: str = ""
    other: Pasted | None = None


Reading = Callable[[], Pasted]


def read_pasted(text: str) -> Pasted:
    """Read class counts from text as people paste it.

    Parameters
    ----------
    text : str
        Counts between commas, semicolons, tabs, spaces or lines; with names, before or behind them;
        a Python or JSON list or dict; a Markdown table; rows or columns of a sheet; what pandas and
        ``uniq -c`` print. Numbers may have thousands separators.

    Returns
    -------
    Pasted

    Raises
    ------
    ValueError
        If there is no such reading; the message says where and why.

    Examples
    --------
    >>> read_pasted("cat 6,705, dog 1,113").n
    (6705, 1113)
    >>> read_pasted("10,923, 260").other.n
    (10, 923, 260)
    """
    text = _unwrapped(text)
    if not text:
        raise ValueError("Type or paste how many samples each class has.")
    if re.match(r"\[\s*[\[(]|\(\s*\(", text):
        return _pairs(text)
    if re.fullmatch(r"\{.*\}", text, re.DOTALL):
        return _dictionary(text[1:-1])
    if re.fullmatch(r"[\[(].*[\])]", text, re.DOTALL):
        return _list(text[1:-1])
    if re.search(r"[\[\]{}]", re.sub(r"\[\w+\]", "", text)):
        raise ValueError("A bracket is open or stands alone: paste the whole list.")
    printed = re.compile(r"(Name: .*|Length: .*)?(, )?dtype: \w+|[|:+\s-]*-{3}[|:+\s-]*")
    lines = [line.strip() for line in text.split("\n")]
    lines = [line for line in lines if line and not printed.fullmatch(line)]
    if re.fullmatch(rf"[\d\s;+\-{_MARKS}]*", text):
        return _bare(lines)
    return _named(lines)


def _unwrapped(given: str) -> str:
    """Take off what programs print around counts: brackets, a variable's name, a type."""
    text = re.sub(r"\r\n?", "\n", given.replace("\N{ZERO WIDTH NO-BREAK SPACE}", ""))
    text = _THIN.sub(_GAP, text).strip()
    text = re.sub(r"\A```\w*\n(.*?)\n?```\Z", r"\1", text, flags=re.DOTALL).strip()
    text = re.sub(r"\A\w+\s*=\s*(?=[\[({]|\w+[.(])", "", text)
    kinds = "array|tensor|Counter|OrderedDict|dict|list|tuple|Tensor|LongTensor"
    before = None
    while before != text:
        before = text
        text = re.sub(r"[;,]\Z", "", text).strip()
        call = rf"\A(?:np\.|numpy\.|torch\.)?(?:{kinds})\s*\((.*)\)\Z"
        text = re.sub(call, r"\1", text, flags=re.DOTALL).strip()
        text = re.sub(r",\s*(?:dtype|device)\s*=\s*[\w.'\":]+\Z", "", text).strip()
    return text


def _whole(word: str, thousands: bool) -> float:
    """Return the number that a word is, NaN if it is none."""
    text = re.sub(r"\A([\"'])(.*)\1\Z", r"\2", word.strip())
    if re.fullmatch(r"[0-9]+(\.0{1,2})?", text) and not re.match(r"0\d", text):
        return int(text.partition(".")[0])
    if re.fullmatch(r"[1-9]\d*(_\d{3})+", text):
        return int(text.replace("_", ""))
    if not thousands or not re.fullmatch(_GROUPED + _ZEROS, text):
        return math.nan
    return int(re.sub(r"\D", "", re.sub(r"[.,]0{1,2}\Z", "", text)))


def _checked(n: Sequence[float], names: Sequence[str] | None) -> Pasted:
    counts = tuple(int(value) if value == value else 0 for value in n)
    for k, value in enumerate(n):
        if not 1 <= value < 2**53:
            of = f"{names[k]!r:.60}" if names else f"number {k + 1}"
            raise ValueError(f"The count of {of} is no positive whole number below 2**53.")
    if len(counts) < 2:
        raise ValueError(f"{len(counts)} classes: give the samples of two or more.")
    distinct, high = len(set(counts)), max(counts)
    looks_like_labels = min(counts) == 1 < high == distinct and len(counts) >= 2 * distinct
    if names is None and len(counts) > 3 and looks_like_labels:
        raise ValueError(
            f"Each number from 1 to {high} is there, most of them often: that looks like the "
            "labels of samples. Give the number of samples of each class."
        )
    if names is not None:
        twice = next((name for k, name in enumerate(names) if name in names[:k]), None)
        if twice is not None:
            raise ValueError(f"{twice!r:.60} is there twice: which count is meant?")
    return Pasted(counts, None if names is None else tuple(names))


def _attempt(reading: Reading) -> Pasted | None:
    try:
        return reading()
    except ValueError:
        return None


def _either(taken: Reading, note: str, other: Reading) -> Pasted:
    first, second = _attempt(taken), _attempt(other)
    if first is None or second is None or first == second:
        return taken() if first is not None or second is None else other()
    return Pasted(first.n, first.names, note, second)


def _counted(word: str, where: str) -> float:
    value = _whole(word, False)
    if math.isnan(value):
        raise ValueError(f"{where}: {word.strip()!r:.60} is not the number of samples of a class.")
    return value


def _pairs(text: str) -> Pasted:
    pair = r"""[\[(]\s*(?:"([^"]*)"|'([^']*)'|([^,'"\[\]()]+?))\s*,\s*([^,()\[\]]+?)\s*,?\s*[\])]"""
    found = [match.groups() for match in re.finditer(pair, text)]
    rest = re.sub(r"[\s,\[\]()]", "", re.sub(r"[\[(][^\[\]()]*[\])]", "", text))
    inner = re.findall(r"[\[(]", text[1:-1])
    if rest or not found or len(inner) != len(found) or re.search(r"\[\s*\d", text):
        raise ValueError(
            "That is a list within a list: give one flat list, or pairs of a name and a count."
        )
    names = [next(part for part in one[:3] if part is not None).strip() for one in found]
    counts = [_counted(one[3], repr(name)) for one, name in zip(found, names, strict=True)]
    return _checked(counts, names)


def _dictionary(text: str) -> Pasted:
    entry = re.compile(
        r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^:,{}"']+?))\s*:\s*(?:np\.int\d+\()?"""
        r"""\s*([^,:{}"'()]+?)\s*\)?\s*(?:,|\Z)"""
    )
    names, counts, at, text = [], [], 0, text.rstrip()
    while at < len(text):
        one = entry.match(text, at)
        if one is None:
            raise ValueError(f"{text[at:].strip()!r:.60} is not 'name: count'.")
        at = one.end()
        name = next(part for part in one.groups()[:3] if part is not None)
        names.append(re.sub(r"\\(.)", r"\1", name))
        counts.append(_counted(one[4], repr(names[-1])))
    return _checked(counts, names)


def _list(text: str) -> Pasted:
    if re.search(r"[\[\](){}]", text):
        raise ValueError("That is a list within a list: give one flat list of counts.")
    words = [word.strip() for word in (text.split(",") if "," in text else text.split())]
    return _checked(
        [_counted(w, f"number {k + 1}") for k, w in enumerate(filter(None, words))], None
    )


# ---------------------------------------------------------------- numbers alone


def _split(lines: list[str], separators: str, thousands: bool) -> Pasted:
    words = [
        re.sub(r"[,;]\Z", "", word.strip()) for line in lines for word in re.split(separators, line)
    ]
    counts = []
    for word in filter(None, words):
        value = _whole(word, thousands)
        if math.isnan(value):
            tail = "; is it the tail of a number with a thousands separator?" * (word[0] == "0")
            raise ValueError(f"{word!r:.60} is not the number of samples of a class{tail}")
        counts.append(value)
    return _checked(counts, None)


def _bare(lines: list[str]) -> Pasted:
    text = "\n".join(lines)
    if re.search(r"(^|[^\d])-\s*\d|\+", text):
        raise ValueError("A count is a positive whole number: there is a sign before one.")

    def split(separators: str, thousands: bool) -> Reading:
        return lambda: _split(lines, separators, thousands)

    rows = [[word.strip() for word in re.split(r"\t|[,;]", line)] for line in lines]
    if len(rows) > 1 and all(len(r) == 2 and r[0].isdigit() and r[1].isdigit() for r in rows):
        return _rows_of_two(lines, rows, split)
    plain = split(rf"[\s{_GAP},;]+", False)
    if not re.search(rf"\d[{_MARKS}]\d{{3}}(?!\d)", text):
        return plain()
    apart = split(r"[;\t ]+|,\s+", True)
    by_space, by_plain = _attempt(apart), _attempt(plain)
    if by_space and re.fullmatch(r"[^.]*(\d\.000(?!\d)[^.]*)+", text):
        decimals = [value if value % 1000 else value // 1000 for value in by_space.n]
        note = "The points were taken for thousands separators."
        return _either(apart, note, lambda: _checked(decimals, None))
    several = by_space and len(by_space.n) != (len(by_plain.n) if by_plain else 0)
    if several and re.search(rf"\d[,.'{_APOSTROPHE}{_GAP}]\d{{3}}", text):
        return _either(apart, _COMMAS, plain)
    within = split(r"[,;\t]+" if re.search(r"[,;\t]", text) else r"\n", True)
    by_sign = _attempt(within)
    longer = by_sign and len(by_sign.n) != (len(by_plain.n) if by_plain else 0)
    if longer and re.search(r"\d \d{3}(?!\d)", text):
        return _either(within, _SPACES, plain)
    if by_space and not by_plain:
        return by_space
    taken = plain()
    falling = all(b <= a for a, b in zip(taken.n, taken.n[1:], strict=False))
    if not falling and re.search(r"(^|\D)[1-9]\d?,\d{3}(?!\d)", text):
        note = "All commas were taken for the gaps between counts; thousands need bare digits."
        return Pasted(taken.n, None, note)
    return taken


def _rows_of_two(
    lines: list[str], rows: list[list[str]], split: Callable[[str, bool], Reading]
) -> Pasted:
    """Of two numbers in a line the first may be the name of the class."""
    names = [name for name, _ in rows]

    def numbered() -> Pasted:
        return _checked(
            [_counted(count, f"Line {k + 1}") for k, (_, count) in enumerate(rows)], names
        )

    in_order = any(names == [str(first + k) for k in range(len(rows))] for first in (0, 1))
    commas = all(re.fullmatch(_GROUPED, line) for line in lines)
    other = split(r"\s+", True) if commas else split(r"[\s,;]+", False)
    if in_order or not commas:
        note = "The first number of each line was taken for the name of its class."
        return _either(numbered, note, other)
    return _either(other, "The commas were taken for thousands separators.", numbered)


# ---------------------------------------------------------------- names and counts


def _words_of(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text.lower())


def _named(given: list[str]) -> Pasted:
    lines = _parts(given[0]) if len(given) == 1 else given
    with_digit = [bool(re.search(r"\d", line)) for line in lines]
    if not any(with_digit):
        raise ValueError("There is no number in it: give the number of samples of each class.")
    if len(lines) == 2 and not with_digit[0]:
        across = _attempt(lambda: _transposed(lines))
        if across is not None:
            return across
    if len(lines) > 2 and not with_digit[0] and all(w in _HEADER for w in _words_of(lines[0])):
        lines = lines[1:]
    lines = [re.sub(r"^\||\|$", "", line).strip() for line in lines]

    def reading(way: Callable[[str, bool, int], tuple[str, float]], thousands: bool) -> Reading:
        def read() -> Pasted:
            found = [way(line, thousands, k) for k, line in enumerate(lines)]
            return _without_total([name for name, _ in found], [count for _, count in found])

        return read

    for way in (_name_and_count, _count_and_name):
        if _attempt(reading(way, True)) or _attempt(reading(way, False)):
            return _either(reading(way, True), _COMMAS, reading(way, False))
    return reading(_name_and_count, True)()


def _parts(line: str) -> list[str]:
    cut = r"\t|;|,\s+|,(?!\d{3}(?!\d))"
    words = [word.strip() for word in re.split(cut, line) if word.strip()]
    if len(words) == 1:  # cat=30 dog=5, or cat 30 dog 5
        found = re.findall(r"[^\s\d=:][^\s=:]*\s*[=:\s]\s*\d+(?=\s|$)", line)
        whole = re.sub(r"\s", "", "".join(found)) == re.sub(r"\s", "", line)
        return found if len(found) > 1 and whole else words
    is_count = [not math.isnan(_whole(word, True)) for word in words]
    if len(words) > 2 and len(words) % 2 == 0 and is_count == [False, True] * (len(words) // 2):
        return [f"{a}\t{b}" for a, b in zip(words[::2], words[1::2], strict=True)]
    return words


def _transposed(lines: list[str]) -> Pasted:
    names, counts = (
        [w.strip() for w in re.split(r"\t|\||;|,(?!\d{3}(?!\d))", re.sub(r"^\||\|$", "", line))]
        for line in lines
    )
    if len(names) == len(counts) and math.isnan(_whole(counts[0], True)):
        names, counts = names[1:], counts[1:]
    if len(names) != len(counts) or all(name.lower() in _HEADER for name in names):
        raise ValueError("not a row of names over a row of counts")
    return _checked([_whole(word, True) for word in counts], names)


def _clean(name: str) -> str:
    name = re.sub(r"[\s,;:=|]+$|\s[–—-]+$", "", name.strip())  # noqa: RUF001 - dashes of all kinds
    name = re.sub(r"^[\s,;:=|]+", "", name).strip()
    name = re.sub(r"^([\"'])(.*)\1$", r"\2", name)
    return re.sub(rf"\s*{_GAP}\s*", " ", name)


def _refused(line: str, k: int) -> ValueError:
    if not re.search(r"\d", line):
        return ValueError(
            f"Line {k + 1}, {line!r:.60}, has no count: take it out if it is a header, give the "
            "count if it is a class."
        )
    return ValueError(f"Line {k + 1}, {line!r:.60}, is not a name and the samples of that class.")


def _name_and_count(line: str, thousands: bool, k: int) -> tuple[str, float]:
    text = re.sub(rf"\((\s*[\d{_MARKS}]+)\)$", r"\1", line)
    text = re.sub(rf'"([\d{_MARKS}]+)"$', r"\1", text)
    text = re.sub(r"[,;]$", "", text)
    grouped = (_GROUPED + _ZEROS + "|") if thousands else ""
    tail = re.match(rf"^(.*?[\s,;:=|{_GAP}])({grouped}\d+(?:\.0{{1,2}})?)$", text)
    name = _clean(tail[1]) if tail else ""
    if tail is None or not name or re.match(r"0\d", tail[2]):
        raise _refused(line, k)
    if re.search(r"(^|[\s,;:=|])[-+~≈<>]\s*$", tail[1]) and not re.search(r"\s-\s+$", tail[1]):
        raise ValueError(f"Line {k + 1}, {line!r:.60}: there is a sign before the count.")
    if re.search(r"[\t|;]|[:=]\s*\d+$|,\s*[\"']?\d[\d.]*[\"']?$|^\d[\d.]*,", name):
        raise ValueError(f"Line {k + 1}, {line!r:.60}: keep the names and the counts alone.")
    return name, _whole(tail[2], True)


def _count_and_name(line: str, thousands: bool, k: int) -> tuple[str, float]:
    grouped = (_GROUPED + "|") if thousands else ""
    head = re.match(rf"^({grouped}\d+)[\s,;:=|]+(\D.*)$", line)
    name = _clean(head.groups()[-1]) if head else ""
    if head is None or not name or re.search(r"\d$", name) or re.match(r"0\d", head[1]):
        raise _refused(line, k)
    return name, _whole(head[1], True)


def _without_total(names: list[str], n: list[float]) -> Pasted:
    """Leave a row out that is called a total and adds up the others."""
    row = next((k for k, s in enumerate(names) if set(_words_of(s) or [""]) <= _TOTAL), None)
    if row is None or len(n) < 3:
        return _checked(n, names)
    if 2 * n[row] != sum(n):
        raise ValueError(
            f"{names[row]!r:.60} does not add up the others: correct it or take it out."
        )
    keep = [k for k in range(len(n)) if k != row]
    return _checked([n[k] for k in keep], [names[k] for k in keep])
