"""Counts as people paste them: one stored table of texts and readings, the form's test as well."""

import json
from pathlib import Path

import pytest

from nclib.data.pasted import read_pasted
from nclib.data.readers import read_counts
from nclib.views import sandbox

TABLE = json.loads(Path(__file__).with_name("pasted_counts.json").read_text("utf-8"))


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


@pytest.mark.parametrize("row", TABLE, ids=lambda row: repr(row["text"])[:30])
def test_each_text_is_read_as_it_was_meant_or_refused(row):
    if "error" in row:
        with pytest.raises(ValueError, match=r"\w"):
            read_pasted(row["text"])
    else:
        assert reading(read_pasted(row["text"])) == expected(row)


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
