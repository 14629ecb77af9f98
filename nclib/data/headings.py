"""What the columns and rows of tables of counts are called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CLASS = _words(
    "class classe clas label name category categorie categoria categoría catégorie kategorie "
    "kategoria klasse klass klasa clase classname classlabel labelname categoryname species "
    "specie espèce especie diagnosis diagnose dx target etikett étiquette etiqueta etichetta nom "
    "nome nazwa rótulo bezeichnung класс категория название метка クラス クラス名 ラベル カテゴリ "
    "カテゴリー 类别 类 类名 标签 類別 클래스 라벨 이름"
)
"""What a column of classes is called; also with an s for the plural."""

KEY = CLASS | _words(
    "id index idx code key nr no type typ kind group gruppe tag title item folder directory wnid "
    "synset breed genus family taxon"
)
"""What else the first column may be called."""

COUNT = _words(
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

LABEL = CLASS | _words(
    "y gt truth groundtruth level grade severity stage score rating outcome result"
)
"""What a column that holds the label of each sample is called."""

SAMPLE = _words(
    "image img picture photo file filename filepath path sample record patient case uuid guid row "
    "observation"
)
"""What a column that names each sample is called."""

_SMALL = _words(
    "of in per the each by for and or with all id de des du der die das von pro je par por para "
    "di da do le la les el los no"
)
"""Words that may stand beside the others."""

TOTAL = _words(
    "total totale totaal totalt totaux sum all overall gesamt insgesamt gesamtzahl summe somme "
    "ensemble suma soma razem toplam итого всего 合計 合计 总计 總計 総計 计 計 합계 σ"
)
"""What a row that adds up the others is called."""

INDEX = ("", "index")
"""What pandas calls the column of an index without a name."""

IMAGE = re.compile(r".\.(bmp|gif|jpe?g|pgm|png|ppm|tiff?|webp|dcm)\Z", re.IGNORECASE)
"""The end of a name of an image file."""

MISSING = ("", "-", "--", "?", "na", "n/a", "n.a.", "nan", "none", "null", "nil", "missing")
"""What stands where a count is missing."""


def looks_numeric(text: str) -> bool:
    """Whether a field is meant as a number, valid or not (so that it is not taken for a header)."""
    try:
        float(text.replace(",", "").replace("_", "x"))
    except ValueError:
        return False
    return True


def _has_digit(text: str) -> bool:
    return any(c.isdigit() for c in text)


def consists_of(text: str, some: frozenset[str], also: frozenset[str] = frozenset()) -> bool:
    """Whether a cell has no digits and only these words, at least one of them of the first."""
    if _has_digit(text):
        return False
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)  # className
    words = re.findall(r"[^\W\d_]+", apart.casefold())
    known = some | also | _SMALL
    forms = [{word, word.removesuffix("s")} for word in words]
    return any(form & some for form in forms) and all(form & known for form in forms)


def is_of_counts(text: str) -> bool:
    """Whether a column of this name may hold counts, by its words."""
    # In Chinese and Japanese "number of ..." ends in the one sign.
    return consists_of(text, COUNT, KEY) or text.endswith(("数", "量", "數"))


def is_header(fields: list[str]) -> bool:
    """Whether the words of a first row say that it names columns."""
    last = fields[-1]
    if looks_numeric(last) or last.casefold() in MISSING or re.match(r"\W*\d", last):
        return False
    if looks_numeric(fields[0]) and len(fields) > 1:
        return False  # a count before the name of its class
    if counts_come_first(fields):
        return True
    return (
        (len(fields) == 2 and consists_of(fields[0], KEY | SAMPLE))
        or (is_of_counts(last) and not _has_digit(last))
        or consists_of(last, LABEL, KEY)
    )


def counts_come_first(header: list[str]) -> bool:
    """Whether two headings say that the counts stand before the names."""
    if len(header) != 2 or is_of_counts(header[1]) or not consists_of(header[1], LABEL, KEY):
        return False
    # An image, a number, a case: these may as well name a sample.
    return is_of_counts(header[0]) and not consists_of(header[0], SAMPLE | KEY)


def is_total(name: str) -> bool:
    """Whether a row of this name may add up the others."""
    return "∑" in name or consists_of(name, TOTAL, COUNT | KEY | {"grand"})


def total_row(
    names: Sequence[str], counts: Sequence[Any], source: str, where: Sequence[str] | None = None
) -> int | None:
    """Find the row that adds up the others, by its name and its number, if there is one.

    Raises a ValueError for a row that might be one and might not.
    """
    largest, K = max(counts), len(counts)
    # A sum of two or more is larger than each of them.
    if K < 2 or (K > 2 and counts.count(largest) > 1):
        return None
    row = next((k for k in range(K) if counts[k] == largest and is_total(names[k])), None)
    if row is None:
        row = counts.index(largest)
        # "N" or "images" may be a class, but hardly one with as many samples as all others.
        is_sum = K > 3 and row in (0, K - 1) and 2 * largest == sum(counts)
        if is_sum and names[row] and consists_of(names[row], COUNT):
            return row
        if names[row] or K == 2:
            return None
    name, others = names[row], sum(counts) - largest
    if name and largest == others:
        return row
    at = source if where is None else where[row]
    if largest == others:
        raise ValueError(
            f"{at}: {largest:,} without a name, as many as all other rows together; leave the "
            "row out if it is their sum, or give the class a name"
        )
    if not name:
        return None
    raise ValueError(
        f"{at}: {name!r:.60} is {largest:,}, but the other rows add up to {others:,}; correct "
        "the row or leave it out if it is to be their sum, rename the class if it is one"
    )
