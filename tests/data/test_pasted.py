"""Counts as people paste them: one stored table of texts and readings, the form's test as well."""

import json
from pathlib import Path

import pytest

from nclib.data.pasted import read_pasted
from nclib.data.readers import read_counts
from nclib.views import sandbox

TABLE = json.loads(Path(__file__).with_name("pasted_counts.json").read_text("utf-8"))
PARTS = 12


def reading(found):
    """A reading as the table writes it."""
    told = {"n": list(found.n), "names": None if found.names is None else list(found.names)}
    return told | {"asks": bool(found.note), "other": found.other and reading(found.other)}


def expected(row):
    if row is None:
        return None
    other = row.get("other")
    asks = bool(other) or row.get("asks", False)
    return {"n": row["n"], "names": row.get("names"), "asks": asks, "other": expected(other)}


def read_or_none(text):
    try:
        return reading(read_pasted(text))
    except ValueError:
        return None


@pytest.mark.parametrize("part", range(PARTS))
def test_each_text_is_read_as_it_was_meant_or_refused(part):
    """In few cases: of a test with many, `tools.mutants` takes some."""
    for row in TABLE[part::PARTS]:
        wanted = None if "error" in row else expected(row)
        assert read_or_none(row["text"]) == wanted, row["text"]


def test_the_reader_of_files_never_reads_another_thing_in_silence(tmp_path):
    """It is stricter: what it does read, it reads as one of the readings."""
    path, read = tmp_path / "counts", 0
    for row in TABLE:
        path.write_text(row["text"], encoding="utf-8")
        try:
            found = read_counts(path)
        except (TypeError, ValueError):
            continue
        read += 1
        assert "error" not in row, row["text"]
        names = None if found.names is None else list(found.names)
        possible = [(one["n"], one.get("names")) for one in (row, row.get("other")) if one]
        assert (found.n.tolist(), names) in possible, row["text"]
    assert read > 20


def test_a_sandbox_asks_where_two_readings_are_possible():
    box = sandbox.spectrum([9, 9])
    box.controls["counts"].value = "6,705, 1,113, 1,099"
    assert box.answer.result.counts.n.tolist() == [6705, 1113, 1099]
    box.controls["counts"].value = "10,923, 260"
    assert box.words.startswith("A sign before three digits was taken for a thousands separator.")
    assert box.answer is None


@pytest.mark.parametrize(
    ("text", "n", "names"),
    [
        ("1, 1, 1, 1", (1, 1, 1, 1), None),  # one in each class
        ("1, 2, 3, 1", (1, 2, 3, 1), None),  # too few to be labels
        ("6_705.00 1_113.00", (6705, 1113), None),
        ("nv\tmel\tdf\n6,705\t1,113\t115", (6705, 1113, 115), ("nv", "mel", "df")),
    ],
)
def test_texts_with_one_reading(text, n, names):
    found = read_pasted(text)
    assert (found.n, found.names, found.other) == (n, names, None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 2 1 2", "Each number from 1 to 2 is there"),
        ('[("cat", 30), x, ("dog", 5)]', "a list within a list"),
        ('[["cat", 30], [["dog", 5]]]', "a list within a list"),
        ("[30, x, 12]", "number 2: 'x' is not the number of samples"),
        ("30\n05\n12", "'05' is not .*; is it the tail of a number with a thousands separator"),
        ("cat,30,40\ndog,5,6", "keep the names and the counts alone"),
        ("nv,6,705\nmel", "Line 2, 'mel', has no count"),
        ("cat: 30\n: 5", "Line 2, ': 5', is not a name"),
        ("cat 05\ndog 30", "Line 1, 'cat 05', is not a name"),
        ("30 cat\n5 dog 8", "Line 1, '30 cat', is not a name"),
        ("05 cat\n30 dog", "Line 1, '05 cat', is not a name"),
        ("30 ;\n5 dog", "Line 1, '30 ;', is not a name"),
    ],
)
def test_texts_without_a_reading_say_why(text, words):
    with pytest.raises(ValueError, match=words):
        read_pasted(text)
