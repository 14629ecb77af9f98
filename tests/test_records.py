"""What records and small tables have in common: equal by content, plain values, keys, HTML."""

import copy
import math
import pickle
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pytest

from nclib._records import Record, Table, html_table, plain_values, require_keys, write_symbols


@dataclass(frozen=True, eq=False)
class Reading(Record):
    value: Any
    other: Any = None

    @cached_property
    def worked_out(self):
        return [self.value]


@dataclass(frozen=True, eq=False)
class Namesake(Record):
    value: Any
    other: Any = None


NAN = math.nan
SAME = [
    (1, 1),
    (NAN, float("nan")),
    (np.array([1.0, NAN]), np.array([1.0, NAN])),
    (np.array(["a", "b"]), np.array(["a", "b"])),
    (np.array([1, 2]), np.array([1, 2])),
    (np.array([1j, NAN]), np.array([1j, NAN])),
    ((1, [NAN, np.array([NAN])]), (1, [NAN, np.array([NAN])])),
    ([], []),
    (None, None),
]
DIFFERENT = [
    (1, 2),
    (1, 1.0),
    (1, True),
    (1.0, NAN),
    (NAN, 1.0),
    (np.array([1.0, NAN]), np.array([NAN, 1.0])),
    (np.array([1.0]), np.array([1.0, 1.0])),
    (np.array([1.0]), [1.0]),
    ([1.0], np.array([1.0])),
    ([1, 2], (1, 2)),
    ((1, 2), (1,)),
    ((1,), (1, 2)),
    ((1, 2), (1, 3)),
    ((), (1,)),
    ([np.array([1.0])], [np.array([2.0])]),
    (None, 0),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_records_of_equal_content_are_equal_NaN_to_NaN(one, other):
    assert Reading(one) == Reading(other)
    assert Reading(0, one) == Reading(0, other)
    assert Reading(one) != Namesake(other)
    assert Reading(one) != (one, None)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_records_of_other_content_are_not(one, other):
    assert Reading(one) != Reading(other)
    assert Reading(0, one) != Reading(0, other)


def test_what_was_worked_out_is_not_copied():
    reading = Reading(5)
    assert reading.worked_out == [5]
    for twin in (copy.copy(reading), pickle.loads(pickle.dumps(reading))):
        assert twin == reading
        assert vars(twin) == {"value": 5, "other": None}
    with pytest.raises(TypeError, match="unhashable"):
        hash(reading)


def test_keys_are_all_that_are_required_and_no_unknown_ones():
    require_keys("Reading", {"a": 1, "b": 2}, {"a", "b"})
    require_keys("Reading", {"a": 1}, {"a"}, {"b"})
    require_keys("Reading", {"a": 1, "b": 2}, {"a"}, {"b"})
    begin = "content must be what Reading.to_dict returns; it "
    for content, words in (
        ({"a": 1, "z": 2, "y": 3, "x": 4}, "has unknown 'x'"),
        ({"a": 1, "b": 2, "x": 3}, "has unknown 'x'"),
        ({"a": 1}, "lacks 'b'"),
        ({"b": 1}, "lacks 'a'"),
        ({}, "lacks 'a'"),
        ({"x": 1}, "has unknown 'x'"),
        ({1: 1, "a": 1, "b": 1}, "has unknown 1"),
    ):
        with pytest.raises(ValueError, match=f"^{begin}{words}$"):
            require_keys("Reading", content, {"a", "b"}, {"c"})
    with pytest.raises(TypeError, match=r"^content must be what Reading\.to_dict returns; got \["):
        require_keys("Reading", [("a", 1)], {"a"})


def test_plain_values_are_what_json_has():
    given = {
        1: np.array([[1.5, NAN], [np.inf, 2]]),
        "a": (np.int64(2), np.float32(0.5), [True, None]),
        "b": {"c": -np.inf, "d": "inf", "e": np.bool_(False)},
        "f": ["x", NAN, np.array(3)],
    }
    plain = plain_values(given)
    assert plain == {
        "1": [[1.5, None], [None, 2.0]],
        "a": [2, 0.5, [True, None]],
        "b": {"c": None, "d": "inf", "e": False},
        "f": ["x", None, 3],
    }
    assert [type(value) for value in plain["a"]] == [int, float, list]
    assert type(plain["b"]["e"]) is bool


def test_a_small_table_is_escaped_and_names_its_rows():
    assert html_table("a < b", ["", "n & m"], [("<x>", 1, "2 > 1"), ("y", None, 0.5)]) == (
        '<table class="dataframe">\n<caption>a &lt; b</caption>\n'
        '<thead><tr><th scope="col"></th><th scope="col">n &amp; m</th></tr></thead>\n<tbody>\n'
        '<tr><th scope="row">&lt;x&gt;</th><td>1</td><td>2 &gt; 1</td></tr>\n'
        '<tr><th scope="row">y</th><td>None</td><td>0.5</td></tr>\n'
        "</tbody>\n</table>"
    )


def test_indices_powers_and_roots_are_written_as_in_a_formula():
    for text, html in (
        ("lambda_H", "λ<sub>H</sub>"),
        ("kappa_1", "κ<sub>1</sub>"),
        ("sigma^2", "σ<sup>2</sup>"),
        ("NC1^H", "NC1<sup>H</sup>"),
        ("n_10 n^-3", "n<sub>10</sub> n^-3"),
        ("sqrt(n)", "√n"),
        ("sqrt(n_1)", "sqrt(n<sub>1</sub>)"),
        ("lambda_max", "lambda_max"),
        ("file_a.x_1", "file_a.x_1"),
        ("a_1 & <b>", "a<sub>1</sub> &amp; &lt;b&gt;"),
    ):
        assert write_symbols(text) == html


def test_a_table_shows_itself_as_text_with_its_numbers_to_the_right():
    table = Table("Counts", ("class", "n", "share"), (("a", 5, "all"), ("longer", 1200, "b")))
    assert repr(table) == (
        "Counts\nclass      n  share\na          5  all\nlonger  1200  b"
    )  # fmt: skip
    assert table._repr_html_() == html_table(table.caption, table.columns, table.rows)
