"""What the rows of a file of class counts mean: a header, a class, a sum, or none of these.

A row that is none is never passed over: a class that is left out without a word makes every
answer wrong. So a first row without a count is a header only where its words say so.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nclib._checks import MAX_COUNT


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CLASS = _words(
    "class classe clas label name category categorie categoria categoría catégorie kategorie "
    "kategoria klasse klass klasa clase classname classlabel labelname categoryname species "
    "specie espèce especie diagnosis diagnose dx target etikett étiquette etiqueta etichetta nom "
    "nome nazwa rótulo bezeichnung класс категория название метка クラス クラス名 ラベル カテゴリ "
    "カテゴリー 类别 类 类名 标签 類別 클래스 라벨 이름"
)
"""What a column of classes is called; also with an s for the plural."""

_KEY = _CLASS | _words(
    "id index idx code key nr no type typ kind group gruppe tag title item folder directory wnid "
    "synset breed genus family taxon"
)
"""What else the first column may be called."""

_COUNT = _words(
    "count cnt n num number nr no nb nbr qty quantity amount freq frequency frequencie size total "
    "sum support sample image img picture pic photo instance example occurrence occurence "
    "observation record row item case patient file document doc sentence token annotation box "
    "boxe point member entry entrie value population train training trainset test testset val "
    "valid validation set split imagecount samplecount classcount instancecount numimage numsample "
    "anzahl häufigkeit menge zahl stück bild bilder beispiele stichproben größe "
    "nombre effectif fréquence quantité échantillon número numero cantidad frecuencia muestra "
    "imágene imagen quantidade contagem frequência amostra conteggio frequenza quantità campioni "
    "immagini aantal antal liczba ilość количество число частота 개수 수 수량"
)
"""What a column of counts is called."""

_LABEL = _CLASS | _words(
    "y gt truth groundtruth level grade severity stage score rating outcome result"
)
"""What a column that holds the label of each sample is called."""

_SAMPLE = _words(
    "image img picture photo file filename filepath path sample record patient case uuid guid row "
    "observation"
)
"""What a column that names each sample is called."""

_SMALL = _words(
    "of in per the each by for and or with all id de des du der die das von pro je par por para "
    "di da do le la les el los no"
)
"""Words that may stand beside the others."""

_TOTAL = _words(
    "total totale totaal totalt totaux sum all overall gesamt insgesamt gesamtzahl summe somme "
    "ensemble suma soma razem toplam итого всего 合計 合计 总计 總計 総計 计 計 합계 σ"
)
"""What a row that adds up the others is called."""

_INDEX = ("", "index")
"""What pandas calls the column of an index without a name."""

_IMAGE = re.compile(r".\.(bmp|gif|jpe?g|pgm|png|ppm|tiff?|webp|dcm)\Z", re.IGNORECASE)

_NUMBER = re.compile(r"[+-]?\d[\d.]*")

_MISSING = ("", "-", "--", "?", "na", "n/a", "n.a.", "nan", "none", "null", "nil", "missing")

_HEADER = "if the line is a header, call its columns class and count"

_FROM_LABELS = (
    "of labels, one for each sample, take nclib.ClassCounts.from_labels, which counts them"
)


def columns_of_csv(text: str, source: str) -> tuple[NDArray[np.int64], list[str] | None]:
    """Return the counts and the names, if any; errors name the line of `source`."""
    names: list[str] = []
    counts: list[int] = []
    lines: list[int] = []
    header: list[str] = []
    columns = 0
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            # Of a million rows nearly all are plain, and these few tests are quick.
            if row and len(row) == columns and _is_plain(row[-1]):
                counts.append(int(row[-1]))
                lines.append(reader.line_num)
                if columns == 2:
                    names.append(row[0].strip())
                continue
            fields = [entry.strip() for entry in row]
            if not any(fields):
                continue
            where = f"{source}, line {reader.line_num}"
            if not columns:
                columns = len(fields)
                if columns > 2:
                    raise ValueError(_too_many_columns(where, fields))
                if _is_header(fields):
                    header = fields
                    _require_header_of_counts(where, header)
                    continue
            if len(fields) != columns:
                raise ValueError(_too_many_columns(where, fields, columns))
            is_first = not counts and not header
            counts.append(_count_from_text(fields[-1], where, _HEADER if is_first else ""))
            lines.append(reader.line_num)
            if columns == 2:
                names.append(fields[0])
    except csv.Error as error:
        raise ValueError(f"{source}, line {reader.line_num}: {error}") from None
    if not counts:
        raise ValueError(f"{source}: no class counts found; expected one row per class")
    if columns == 1:
        if not header:
            require_no_labels(counts, source, "put a line 'count' above them")
        return np.array(counts, dtype=np.int64), None
    total = total_row(names, counts, source, lines)
    if total is not None:
        del names[total], counts[total], lines[total]
    if header:
        _require_no_index_of_labels(f"{source}, line {lines[0]}", header, names, counts)
    else:
        _require_class(f"{source}, line {lines[0]}", names, counts)
        _require_no_thousands(source, names, counts)
    if all(map(_IMAGE.search, names)):
        raise ValueError(
            f"{source}, line {lines[0]}: {names[0]!r:.60} is an image and no class; {_FROM_LABELS}"
        )
    return np.array(counts, dtype=np.int64), names


def total_row(
    names: Sequence[str], counts: Sequence[Any], source: str, lines: Sequence[int] | None = None
) -> int | None:
    """Find the row that adds up the others, by its name and its number, if there is one.

    Raises a ValueError for a row that might be one and might not.
    """
    largest, K = max(counts), len(counts)
    # A sum of two or more is larger than each of them.
    if K < 2 or (K > 2 and counts.count(largest) > 1):
        return None
    row = next((k for k in range(K) if counts[k] == largest and _is_total(names[k])), None)
    if row is None:
        row = counts.index(largest)
        if names[row] or K == 2:
            return None
    name, others = names[row], sum(counts) - largest
    if name and largest == others:
        return row
    where = source if lines is None else f"{source}, line {lines[row]}"
    if largest == others:
        raise ValueError(
            f"{where}: {largest:,} without a name, as many as all other rows together; leave the "
            "row out if it is their sum, or give the class a name"
        )
    if not name:
        return None
    raise ValueError(
        f"{where}: {name!r:.60} is {largest:,}, but the other rows add up to {others:,}; correct "
        "the row or leave it out if it is to be their sum, rename the class if it is one"
    )


def require_no_labels(counts: ArrayLike, source: str, else_do: str) -> None:
    """Raise for bare whole numbers that look like labels: from 0 or 1 on, each of them, repeated.

    Counts of as many classes would hardly ever be so small and have no gap.
    """
    array = np.asarray(counts)
    if array.dtype.kind not in "iu" or array.ndim != 1 or array.size < 4:
        return
    low, high = int(array.min()), int(array.max())
    distinct = high - low + 1
    if low not in (0, 1) or distinct < 2 or array.size < 2 * distinct:
        return
    if np.unique(array).size == distinct:
        raise ValueError(
            f"{source}: {array.size:,} numbers, with each from {low} to {high:,} among them, look "
            f"like labels and not like counts; {_FROM_LABELS}; if they are counts, {else_do}"
        )


def _is_plain(text: str) -> bool:
    """Whether a field is surely a valid count; other valid ones exist."""
    return text.isdigit() and text.isascii() and text[0] != "0" and len(text) < len(str(MAX_COUNT))


def _looks_numeric(text: str) -> bool:
    """Whether a field is meant as a number, valid or not (so that it is not taken for a header)."""
    try:
        float(text.replace(",", "").replace("_", "x"))
    except ValueError:
        return False
    return True


def _has_digit(text: str) -> bool:
    return any(c.isdigit() for c in text)


def _consists_of(text: str, some: frozenset[str], also: frozenset[str] = frozenset()) -> bool:
    """Whether a cell has no digits and only these words, at least one of them of the first."""
    if _has_digit(text):
        return False
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)  # className
    words = re.findall(r"[^\W\d_]+", apart.casefold())
    known = some | also | _SMALL
    forms = [{word, word.removesuffix("s")} for word in words]
    return any(form & some for form in forms) and all(form & known for form in forms)


def _is_of_counts(text: str) -> bool:
    """Whether a column of this name may hold counts, by its words."""
    # In Chinese and Japanese "number of ..." ends in the one sign.
    return _consists_of(text, _COUNT, _KEY) or text.endswith(("数", "量", "數"))


def _is_header(fields: list[str]) -> bool:
    """Whether the words of a first row say that it names columns."""
    last = fields[-1]
    if _looks_numeric(last) or last.casefold() in _MISSING or re.match(r"\W*\d", last):
        return False
    return (
        (len(fields) == 2 and _consists_of(fields[0], _KEY | _SAMPLE))
        or (_is_of_counts(last) and not _has_digit(last))
        or _consists_of(last, _LABEL, _KEY)
    )


def _require_header_of_counts(where: str, header: list[str]) -> None:
    """Raise where a header says that its rows are samples, or that the counts stand elsewhere."""
    last = header[-1]
    if _is_of_counts(last):
        return
    is_labels = _consists_of(last, _LABEL, _KEY)
    # What pandas writes of value_counts: the name of the labels over their counts.
    of_pandas = len(header) == 2 and header[0].casefold() in _INDEX
    if is_labels and not of_pandas:
        raise ValueError(
            f"{where}: the last column, where the counts belong, is called {last!r:.60} as labels "
            f"are; expected one column (count) or two (name, count); {_FROM_LABELS}"
        )
    if len(header) == 2 and _consists_of(header[0], _SAMPLE, _KEY):
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
    if _is_of_counts(header[-1]) or not _consists_of(header[-1], _LABEL, _KEY):
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
    if _consists_of(first, _CLASS):
        why = f"{first!r:.60} is what headers call a column"
    elif not first and all(others):
        why = "all other rows have a name"
    elif len(others) > 1 and _NUMBER.fullmatch(first) and not any(map(_NUMBER.fullmatch, others)):
        why = "no other name is a number"
    else:
        return
    raise ValueError(
        f"{where}: a class {first!r:.60} with {counts[0]:,} samples, or a header? {why[0].upper()}"
        f"{why[1:]}; take the line out if it is a header, put one above, class,count, if it is none"
    )


def _require_no_thousands(source: str, names: list[str], counts: list[int]) -> None:
    """Raise where every row, 6,705 say, may be one number with a thousands separator."""
    if not all(
        100 <= count < 1000 and len(name) < 4 and _NUMBER.fullmatch(name) and name[0] != "0"
        for name, count in zip(names, counts, strict=True)
    ):
        return
    K = len(names)
    given = [int(name) for name in names]
    if given == list(range(1, K + 1)) or (K > 4 and sorted(given) == list(range(1, K + 1))):
        return  # the classes are numbered
    raise ValueError(
        f"{source}: is {names[0]},{counts[0]} class {names[0]}, or a number with a thousands "
        "separator? Put a header above, class,count, or write the bare digits"
    )


def _is_total(name: str) -> bool:
    return "∑" in name or _consists_of(name, _TOTAL, _COUNT | _KEY | {"grand"})


def _count_from_text(text: str, where: str, hint: str = "") -> int:
    if "," in text and _looks_numeric(text):
        raise ValueError(f"{where}: {text!r} has thousands separators; write the bare digits")
    if len(text) > 1 and text.startswith("0") and text.isdigit():
        raise ValueError(
            f"{where}: count {text!r} starts with 0; if it is the tail of a number with a "
            "thousands separator, write the bare digits"
        )
    whole = re.sub(r"\.0{1,2}\Z", "", text)  # as pandas writes counts where one was missing
    if whole.isascii() and whole.isdigit() and len(whole) <= len(str(MAX_COUNT)):
        count = int(whole)
        if 0 < count < MAX_COUNT:
            return count
    if text.casefold() in _MISSING:
        hint = "it is missing; fill it in, or leave the class out"
    elif text == "0":
        hint = f"leave out classes without samples; {_FROM_LABELS}"
    elif ";" in text or "\t" in text:
        hint = "columns must be separated by commas"
    elif re.fullmatch(r"[1-9]\d{0,2}([\s'\N{RIGHT SINGLE QUOTATION MARK}_.]\d{3})+", text):
        hint = "if it has thousands separators, write the bare digits"
    elif re.match(r"\W*\d", text) and not _looks_numeric(text):
        hint = "write the count alone or name,count, the count in bare digits"
    elif text.startswith("#"):
        hint = "comments are not read; take the line out"
    raise ValueError(
        f"{where}: count {text[:40]!r} is not a positive whole number below 2**53"
        + (f"; {hint}" if hint else "")
    )


def _too_many_columns(where: str, fields: list[str], expected: int | None = None) -> str:
    wanted = "one column (count) or two (name, count)" if expected is None else f"{expected}"
    hint = ""
    if sum(field.isdigit() for field in fields) >= 2:
        hint = "; numbers must not have thousands separators"
    return f"{where}: {len(fields)} columns, expected {wanted}{hint}"
