"""What first rows and names of rows say: a header, counts before names, a sum."""

import pytest

from nclib.data.headings import counts_come_first, is_header, is_total, looks_numeric, total_row


@pytest.mark.parametrize(
    "header", ["class,count", "wnid,x", "x,n", "枚数", "y", "n,label", "file,z"]
)
def test_words_of_columns_make_a_header(header):
    assert is_header(header.split(","))


@pytest.mark.parametrize(
    "row",
    [
        "cat,30", "30,class", "30,n", "x,y2", "cat,NA", "cat,~5", "cat", "x,z", "x,n1", "30",
        "a,b,z", "class,NA", "label,~5", "class,inf",
    ],
)  # fmt: skip
def test_other_first_rows_are_none(row):
    assert not is_header(row.split(","))


def test_counts_come_first_only_where_both_words_say_so():
    for header in ("n,label", "count,class", "number of images,class", "Number of cases,label"):
        assert counts_come_first(header.split(",")), header
    for header in (
        "class,count", "n,n", "n", "n,label,x", "image,label", "case,class", "x,label", "n,x",
        "label,n", "images,class",
    ):  # fmt: skip
        assert not counts_come_first(header.split(",")), header


def test_words_of_sums():
    for name in ("Total", "all", "grand total", "Total images", "all classes", "∑", "∑ n", "Σ"):
        assert is_total(name), name
    for name in ("cat", "n", "images", "total cats", "Total 2", "grand", ""):
        assert not is_total(name), name


def test_what_is_meant_as_a_number():
    assert all(map(looks_numeric, ["3", "-3.5", "1e3", "6,705", "inf", "nan", "0"]))
    assert not any(map(looks_numeric, ["", "x", "6_705", "3 cats", "3%"]))


@pytest.mark.parametrize(
    ("names", "counts", "row"),
    [
        (["cat", "dog", "Total"], [30, 5, 35], 2),
        (["All", "cat", "dog"], [35, 30, 5], 0),
        (["cat", "Total", "dog"], [30, 35, 5], 1),
        (["cat", "Total"], [5, 5], 1),  # the sum of one
        (["Total"], [5], None),
        (["cat", "Total", "eel"], [30, 30, 12], None),  # a sum is larger than each of several
        (["cat", "dog", "n"], [30, 5, 35], None),  # of so few it may be chance
        (["cat", "dog", "eel", "n"], [30, 5, 12, 47], 3),
        (["n", "cat", "dog", "eel"], [47, 30, 5, 12], 0),
        (["cat", "n", "dog", "eel"], [30, 47, 5, 12], None),  # a sum stands at an end
        (["cat", "dog", "eel", "n"], [30, 5, 12, 48], None),
        (["cat", "dog", "eel", "owl"], [30, 5, 12, 47], None),
        (["", "cat"], [5, 5], None),
        (["", "cat", "dog"], [34, 30, 5], None),
    ],
)
def test_a_sum_is_known_by_its_name_and_its_number(names, counts, row):
    assert total_row(names, counts, "counts.csv") == row


@pytest.mark.parametrize(
    ("names", "counts", "words"),
    [
        (["cat", "dog", "Total"], [30, 5, 36], "f, row 2: 'Total' is 36, but .* add up to 35"),
        (["cat", "dog", ""], [30, 5, 35], "f, row 2: 35 without a name, as many as all other"),
    ],
)
def test_what_may_be_a_sum_is_asked_about_with_its_place(names, counts, words):
    with pytest.raises(ValueError, match=words):
        total_row(names, counts, "f", [f"f, row {k}" for k in range(3)])
    with pytest.raises(ValueError, match=words.replace(", row 2", "")):
        total_row(names, counts, "f")
