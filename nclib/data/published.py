"""Class counts of published data sets: how imbalanced real data are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal

from nclib.theory.counts import ClassCounts

How = Literal["rule", "table", "list"]


@dataclass(frozen=True)
class PublishedCounts:
    """Samples per class of a published data set, its training split where there is one.

    Attributes
    ----------
    title : str
        Name of the data set, and which part of it.
    counts : ClassCounts
        The counts, with the names of the classes where the source has them.
    how : {"rule", "table", "list"}
        Computed by a published rule, printed by the source, or counted in its public list of
        samples.
    cite : tuple of str
        Keys of the book's bibliography.
    """

    title: str
    counts: ClassCounts
    how: How
    cite: tuple[str, ...]


@cache
def gallery() -> Mapping[str, PublishedCounts]:
    """Return class counts of published data sets, by name.

    Returns
    -------
    mapping of str to PublishedCounts
        Read-only.

    Notes
    -----
    Counted are the training samples where there is a training split, else all. The classes of
    iNaturalist here are its super-categories, those of Abalone the numbers of rings.

    Examples
    --------
    >>> places = gallery()["places-lt"]
    >>> places.title, places.counts.K, places.counts.N, places.cite
    ('Places-LT', 365, 62500, ('liu19', 'kang20'))
    """
    return MappingProxyType(dict(_entries()))


def _entries() -> Iterator[tuple[str, PublishedCounts]]:
    for name, title, counts in (
        ("cifar10-paper", "CIFAR-10, the paper's subset", ClassCounts.cifar10_paper()),
        (
            "emnist-letters-paper",
            "EMNIST letters, the paper's subset",
            ClassCounts.emnist_letters_paper(),
        ),
    ):
        yield name, PublishedCounts(title, counts, "table", ("liu24",))
    for K, n_max in ((10, 5000), (100, 500)):
        for ratio in (10, 50, 100):
            counts = ClassCounts.exponential(K, n_max, ratio)
            title = f"CIFAR-{K}-LT, imbalance ratio {ratio}"
            yield f"cifar{K}-lt-{ratio}", PublishedCounts(title, counts, "rule", ("cui19", "cao19"))
        counts = ClassCounts.step(K, n_max, 100)
        title = f"CIFAR-{K}, step imbalance of ratio 100"
        yield f"cifar{K}-step-100", PublishedCounts(title, counts, "rule", ("cao19",))
    yield "places-lt", PublishedCounts("Places-LT", _places_lt(), "list", ("liu19", "kang20"))
    for name, (title, how, cite, text) in _NAMED.items():
        yield name, PublishedCounts(title, _named_counts(text), how, cite)


def _named_counts(text: str) -> ClassCounts:
    pairs = [entry.rsplit(" ", 1) for entry in " ".join(text.split()).split(", ")]
    return ClassCounts([int(count) for _, count in pairs], [name for name, _ in pairs])


def _places_lt() -> ClassCounts:
    runs = [entry.partition("x") for entry in _PLACES_LT.split()]
    return ClassCounts([int(count) for count, _, times in runs for _ in range(int(times or 1))])


# Largest first; 315x2 is the count 315, twice.
_PLACES_LT = """
    4980 2612 2400 1582 1530 1487 1406 1380 1085 1036 1023 841 830 725 689 668 643 605 566
    547 521 499 482 480 475 470 451 450 431 428 422 408 392 389 383 374 371 367 366 364
    334 331 318 315x2 309 298x2 291 290 287 283 280 279 265 264 263 260 253x2 250x2 242
    241 238 232 230 229x2 226 225 219 218x2 216 209 208 207 206 205 198 195x2 191 188 186
    183 181 179 177 176 173x2 171 167 164 157 156 155 153 152 149 148 147 143 141 140 138
    135 132 129x2 128 124 120 118 116x2 115 113 112 111 108x3 105 104x2 103x3 100 99x2
    98x5 97x3 95 94 93x3 92 91x2 89x2 88 87x3 86x2 85 84x2 82x2 81 80x3 79 78x3 76 74x2
    73x2 72x7 71x2 70 69 68 65x2 63 62 61 60x4 59x2 58 57 56x2 55x2 54x3 52x2 51x2 50 49
    48x4 46x5 45 44x2 43x2 42x2 41x3 40x3 39x4 38 37 36x5 35 34x7 33x6 32x2 30x2 29x2 28x4
    27 26 25x3 24x3 23x2 22x5 21x2 20x6 19x4 18x3 17x4 16x3 15x4 14x6 13x3 12x5 11x7 10x3
    9x6 8x7 7x5 6x8 5x3
"""

_NAMED: dict[str, tuple[str, How, tuple[str, ...], str]] = {
    "inaturalist-2017": (
        "iNaturalist 2017, super-categories",
        "table",
        ("vanhorn18",),
        """
        Aves 214295, Plantae 158407, Insecta 100479, Reptilia 35201, Mammalia 29333, Amphibia
        15318, Mollusca 7536, Fungi 5826, Animalia 5228, Arachnida 4873, Actinopterygii 1982,
        Chromista 398, Protozoa 308
        """,
    ),
    "inaturalist-2018": (
        "iNaturalist 2018, super-categories",
        "table",
        ("vanhorn18",),
        """
        Aves 143950, Plantae 118800, Insecta 87192, Reptilia 22754, Mammalia 20104, Amphibia
        11156, Mollusca 8007, Actinopterygii 7835, Fungi 6864, Animalia 5966, Arachnida 4037,
        Chromista 621, Protozoa 211, Bacteria 16
        """,
    ),
    "ham10000": (
        "HAM10000, skin lesions",
        "list",
        ("tschandl18",),
        "nv 6705, mel 1113, bkl 1099, bcc 514, akiec 327, vasc 142, df 115",
    ),
    "credit-card-fraud": (
        "Credit card fraud",
        "table",
        ("dalpozzolo15",),
        "genuine 284315, fraud 492",
    ),
    "kdd-cup-99": (
        "KDD Cup 1999, network intrusions, 10 percent",
        "list",
        ("kddcup99",),
        """
        smurf 280790, neptune 107201, normal 97278, back 2203, satan 1589, ipsweep 1247,
        portsweep 1040, warezclient 1020, teardrop 979, pod 264, nmap 231, guess_passwd 53,
        buffer_overflow 30, land 21, warezmaster 20, imap 12, rootkit 10, loadmodule 9,
        ftp_write 8, multihop 7, phf 4, perl 3, spy 2
        """,
    ),
    "reuters-r8": (
        "Reuters R8",
        "list",
        ("yao19",),
        "earn 2840, acq 1596, crude 253, trade 251, money-fx 206, interest 190, ship 108, grain 41",
    ),
    "reuters-r52": (
        "Reuters R52",
        "list",
        ("yao19",),
        """
        earn 2840, acq 1596, crude 253, trade 251, money-fx 206, interest 190, money-supply
        123, ship 108, sugar 97, coffee 90, gold 70, gnp 58, cpi 54, cocoa 46, grain 41,
        reserves 37, jobs 37, ipi 33, copper 31, alum 31, rubber 31, iron-steel 26, nat-gas
        24, bop 22, retail 19, veg-oil 19, tin 17, housing 15, cotton 15, wpi 14, orange 13,
        pet-chem 13, livestock 13, lei 11, gas 10, strategic-metal 9, zinc 8, lumber 7, income
        7, heat 6, carcass 6, meal-feed 6, instal-debt 5, lead 4, fuel 4, nickel 3, cpu 3, dlr
        3, potato 2, jet 2, tea 2, platinum 1
        """,
    ),
    "20-newsgroups": (
        "20 Newsgroups",
        "list",
        ("yao19",),
        """
        rec.sport.hockey 600, soc.religion.christian 599, rec.motorcycles 598,
        rec.sport.baseball 597, sci.crypt 595, rec.autos 594, sci.med 594, comp.windows.x 593,
        sci.space 593, comp.os.ms-windows.misc 591, sci.electronics 591,
        comp.sys.ibm.pc.hardware 590, misc.forsale 585, comp.graphics 584,
        comp.sys.mac.hardware 578, talk.politics.mideast 564, talk.politics.guns 546,
        alt.atheism 480, talk.politics.misc 465, talk.religion.misc 377
        """,
    ),
    "ecoli": (
        "Ecoli, sites of proteins",
        "list",
        ("horton96",),
        "cp 143, im 77, pp 52, imU 35, om 20, omL 5, imL 2, imS 2",
    ),
    "abalone": (
        "Abalone, number of rings",
        "list",
        ("nash94",),
        """
        1 1, 2 1, 3 15, 4 57, 5 115, 6 259, 7 391, 8 568, 9 689, 10 634, 11 487, 12 267, 13
        203, 14 126, 15 103, 16 67, 17 58, 18 42, 19 32, 20 26, 21 14, 22 6, 23 9, 24 2, 25 1,
        26 1, 27 2, 29 1
        """,
    ),
    "mammography": (
        "Mammography",
        "list",
        ("woods93",),
        "negative 10923, calcification 260",
    ),
    "ocr-letters": (
        "OCR letters",
        "list",
        ("taskar03",),
        """
        a 4034, b 1284, c 2114, d 1442, e 4955, f 921, g 2472, h 861, i 4913, j 189, k 909, l
        3140, m 1602, n 5024, o 3897, p 1377, q 341, r 2673, s 1394, t 2136, u 2562, v 664, w
        520, x 413, y 1221, z 1094
        """,
    ),
}
