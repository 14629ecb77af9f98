"""The gallery holds the counts that its sources publish."""

import re
from pathlib import Path

import numpy as np
import pytest

from nclib.data.published import gallery
from nclib.theory.counts import ClassCounts

ROOT = Path(__file__).parents[2]

# K, N, max, min and number of distinct counts, as published or counted from the public lists.
PUBLISHED = {
    "cifar10-paper": (10, 3000, 500, 100, 5),
    "emnist-letters-paper": (26, 5500, 1500, 50, 3),
    "cifar10-lt-10": (10, 20431, 5000, 500, 10),
    "cifar10-lt-50": (10, 13996, 5000, 100, 10),
    "cifar10-lt-100": (10, 12406, 5000, 50, 10),
    "cifar10-step-100": (10, 25250, 5000, 50, 2),
    "cifar100-lt-10": (100, 19573, 500, 50, 100),
    "cifar100-lt-50": (100, 12608, 500, 10, 91),
    "cifar100-lt-100": (100, 10847, 500, 5, 85),
    "cifar100-step-100": (100, 25250, 500, 5, 2),
    "places-lt": (365, 62500, 4980, 5, 201),
    "inaturalist-2017": (13, 579184, 214295, 308, 13),
    "inaturalist-2018": (14, 437513, 143950, 16, 14),
    "ham10000": (7, 10015, 6705, 115, 7),
    "credit-card-fraud": (2, 284807, 284315, 492, 2),
    "kdd-cup-99": (23, 494021, 280790, 2, 23),
    "reuters-r8": (8, 5485, 2840, 41, 8),
    "reuters-r52": (52, 6532, 2840, 1, 37),
    "20-newsgroups": (20, 11314, 600, 377, 17),
    "ecoli": (8, 336, 143, 2, 7),
    "abalone": (28, 4177, 689, 1, 23),
    "mammography": (2, 11183, 10923, 260, 2),
    "ocr-letters": (26, 52152, 5024, 189, 26),
}


def test_every_entry_has_the_published_numbers():
    found = {name: entry.counts for name, entry in gallery().items()}
    assert all(isinstance(counts, ClassCounts) for counts in found.values())
    numbers = {
        name: (counts.K, counts.N, counts.n.max(), counts.n.min(), counts.m)
        for name, counts in found.items()
    }
    assert numbers == PUBLISHED
    assert list(numbers) == list(PUBLISHED)


def test_every_entry_is_cited_from_the_bibliography():
    keys = set(re.findall(r"^@\w+\{(\w+),", (ROOT / "book/references.bib").read_text(), re.M))
    for entry in gallery().values():
        assert entry.cite
        assert set(entry.cite) <= keys
        assert entry.how in ("rule", "table", "list")


def test_names_and_titles_are_distinct():
    assert len({entry.title for entry in gallery().values()}) == len(gallery())


def test_the_gallery_is_read_only():
    with pytest.raises(TypeError):
        gallery()["mine"] = gallery()["ecoli"]


def test_places_lt_has_the_published_shares_of_classes():
    """Many (more than 100 samples), medium (20 to 100) and few."""
    n = gallery()["places-lt"].counts.n
    assert ((n > 100).sum(), ((n >= 20) & (n <= 100)).sum(), (n < 20).sum()) == (131, 163, 71)


def test_names_of_classes_belong_to_their_counts():
    def of(entry, name):
        counts = gallery()[entry].counts
        return int(counts.n[counts.names.index(name)])

    assert of("kdd-cup-99", "normal") == 97278
    assert of("20-newsgroups", "comp.os.ms-windows.misc") == 591
    assert of("reuters-r52", "money-supply") == 123
    assert of("abalone", "9") == 689
    assert "28" not in gallery()["abalone"].counts.names


def test_ocr_letters_are_as_in_the_file():
    path = ROOT.parent / "shared/data/ocr_letters.npz"
    if not path.is_file():
        pytest.skip("needs ../shared/data/ocr_letters.npz")
    with np.load(path) as file:
        np.testing.assert_array_equal(
            gallery()["ocr-letters"].counts.n, np.bincount(file["labels"])
        )
