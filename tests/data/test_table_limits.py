"""Where one reading of a table ends and another begins: numbers on both sides of a limit."""

import numpy as np
import pytest

from nclib import read_counts
from nclib.data.tables import require_no_labels


def column(numbers):
    return "".join(f"{number}\n" for number in numbers)


def rows(names, counts):
    return "".join(f"{name},{count}\n" for name, count in zip(names, counts, strict=True))


EIGHT_OF_TEN = [1, 2, 3, 4, 5, 8, 9, 10]


@pytest.mark.parametrize(
    ("numbers", "are_labels"),
    [
        ([1, 2, 3, 4, 1, 2], True),  # half as many again as there are labels
        ([1, 2, 3, 4, 1], False),
        ([1, 2, 1], False),  # three are too few
        ([1, 2, 1, 1], True),
        ([0, 1, 1, 0, 1], True),
        ([2, 3, 2, 3, 2, 3], False),  # labels begin at 0 or 1
        ([1, 2, 4, 1, 2, 4, 1, 2], False),
        (EIGHT_OF_TEN * 5, True),  # a few labels may be missing among many samples
        ((EIGHT_OF_TEN * 5)[:-1], False),
        ([1, 2, 3, 4, 9, 8, 10] * 6, False),
    ],
)
def test_bare_numbers_that_repeat_each_label_are_labels(write, numbers, are_labels):
    path = write(column(numbers))
    if are_labels and 0 not in numbers:
        with pytest.raises(ValueError, match=r"look like labels and not like counts"):
            read_counts(path)
    elif are_labels:
        with pytest.raises(ValueError, match=r"from_labels"):
            read_counts(path)
    else:
        assert read_counts(path).n.tolist() == numbers


def test_numbers_that_are_not_whole_or_not_finite_are_no_labels():
    for numbers in ([0, 0.5, 1, 1] * 2, [0, 1, 1, np.inf], [0, 1, np.nan, 1]):
        require_no_labels(numbers, "f", "save them as CSV")


def test_it_is_said_whether_every_label_is_there():
    for numbers, there in (
        ([0, 1] * 3, "each from 0 to 1"),
        (EIGHT_OF_TEN * 5, "nearly each from 1"),
    ):
        with pytest.raises(ValueError, match=f"numbers, with {there}"):
            require_no_labels(numbers, "f", "save them as CSV")


def test_of_three_columns_a_number_is_a_name_where_the_first_row_has_one_of_letters(write):
    assert read_counts(write(",what,images\n0,cat,30\n1,7,20\n")).names == ("cat", "7")
    assert read_counts(write(",class,images\n0,7,30\n1,cat,20\n")).names == ("7", "cat")
    with pytest.raises(ValueError, match="3 columns, expected one column"):
        read_counts(write(",what,images\n0,7,30\n1,cat,20\n"))


@pytest.mark.parametrize(
    ("K", "labels", "are_labels"),
    [(12, 3, True), (11, 3, False), (8, 2, True), (7, 2, False), (800, 200, True),
     (804, 201, False)],
)  # fmt: skip
def test_named_numbers_that_repeat_each_label_four_times_are_labels(write, K, labels, are_labels):
    counts = [k % labels + 1 for k in range(K)]
    path = write(rows([f"s{k}x" for k in range(K)], counts))
    if are_labels:
        with pytest.raises(ValueError, match=f"{K:,} rows, with each number from 1 to {labels}"):
            read_counts(path)
    else:
        assert read_counts(path).n.tolist() == counts


@pytest.mark.parametrize(
    ("counts", "shares", "are_shares"),
    [
        ((11, 9), ("0.6", "0.4"), True),  # 0.55 and 0.45, each at the limit of what it rounds to
        ((11, 9), ("55", "45"), True),
        ((11, 9), ("55.0 %", "45.0 %"), True),
        ((1100, 705), ("0.6", "0.3"), False),  # of 2000 at most, and of more than 2014
        ((30, 10), ("1.5", "2.5"), False),
        ((30, 10), ("0.75", "some"), False),
    ],
)
def test_a_third_column_is_left_out_where_it_is_the_counts_over_one_number(
    write, counts, shares, are_shares
):
    text = "class,count,share\n" + "".join(
        f"{name},{count},{share}\n"
        for name, count, share in zip(("cat", "dog"), counts, shares, strict=True)
    )
    if are_shares:
        assert read_counts(write(text)).n.tolist() == list(counts)
        return
    with pytest.raises(ValueError, match=r"line 1: 3 columns, expected one column"):
        read_counts(write(text))


def test_whole_numbers_are_shares_only_below_such_a_heading(write):
    text = "class,count,%s\ncat,30,75\ndog,10,25\n"
    assert read_counts(write(text % "pct")).n.tolist() == [30, 10]
    with pytest.raises(ValueError, match=r"line 1: 3 columns"):
        read_counts(write(text % "age"))


@pytest.mark.parametrize(
    ("names", "counts", "is_read"),
    [
        (("a 6", "b 1"), (100, 113), False),
        (("a 6", "b 1"), (999, 113), False),
        (("a 6", "b 1"), (99, 113), True),
        (("a 6", "b 1"), (1000, 113), True),
        (("a 6", "b x"), (705, 113), True),
        (("a 1", "b 2"), (705, 113), True),  # the classes are numbered
        (("a 2", "b 1", "c 4", "d 3", "e 5"), (705, 113, 500, 400, 300), True),
        (("a 2", "b 1", "c 4", "d 3"), (705, 113, 500, 400), False),
    ],
)
def test_names_that_end_in_a_number_may_be_cut_at_a_thousands_sign(write, names, counts, is_read):
    path = write(rows(names, counts))
    if is_read:
        assert read_counts(path).n.tolist() == list(counts)
    else:
        with pytest.raises(ValueError, match="or a number with a thousands separator"):
            read_counts(path)


def test_a_count_of_too_many_digits_is_named_by_its_line(write):
    assert read_counts(write("9007199254740991\n5\n")).n[0] == 2**53 - 1
    for number in ("9007199254740992", "99999999999999999", "123456789012345678901234"):
        with pytest.raises(ValueError, match=f"line 2: count '{number}' is not a positive whole"):
            read_counts(write(f"5\n{number}\n"))


@pytest.mark.parametrize(
    ("text", "names", "counts"),
    [
        ("count: class\n30: cat\n5: dog\n", ("cat", "dog"), [30, 5]),
        ("wnid count\nn01 30\nn02 5\n", ("n01", "n02"), [30, 5]),
        ("level count\nlow 30\nhigh 5\n", ("low", "high"), [30, 5]),
        ("1000 113 1200\n", None, [1000, 113, 1200]),
        (" 30 cat 1\n  5 dog 2\n", ("cat 1", "dog 2"), [30, 5]),  # aligned at their ends
        ("  30 big cat 1\n   5 dog 2\n", ("big cat 1", "dog 2"), [30, 5]),
        ("cat #1,30\ndog #2,5\n", ("cat #1", "dog #2"), [30, 5]),
        ("class,count\ncat,30,\ndog,5,\n", ("cat", "dog"), [30, 5]),
        ("cat,30,\ndog,5,\n", ("cat", "dog"), [30, 5]),
        ("class,x,share\ncat,30,0.75\ndog,10,0.25\n", ("cat", "dog"), [30, 10]),
        (",label\n7,3\n2,3\n5,1\n", ("7", "2", "5"), [3, 3, 1]),  # as pandas counts, falling
        ("2020,30\ncat,5\n", ("2020", "cat"), [30, 5]),
    ],
)
def test_lines_with_one_reading(write, text, names, counts):
    found = read_counts(write(text))
    assert (found.names, found.n.tolist()) == (names, counts)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("counts:\n", "no class counts found below the header"),
        ("class count\ncat 30\n...\ndog 5\n", r"line 3: '\.\.\.' stands for classes that were not"),
        ("class count\n...\ncat 30\n", r"line 2: '\.\.\.' stands for classes that were not"),
        ("cat 30\ndog 5\n...\n", r"line 3: '\.\.\.' stands for classes that were not"),
        ("class count\nname\ncat 30\ndog 5\n", "line 2: count 'name' is not a positive whole"),
        ("cat 30\n", "line 1: count 'cat 30' is not a positive whole number"),
        ("999 113 1200\n", "line 1: are the spaces of '999 113 1200' gaps between counts"),
        (" 30 cat 1\n 5 dog 2\n", "line 1: which of the numbers of '30 cat 1' is the count"),
        ("0 1\n5 0\n7 2\n", "line 1: which number of '0 1' is the count"),
        ("class count\n 30 7\n", "line 2: which number of '30 7' is the count"),
        (",count,share\n0,30,0.75\n1,10,0.25\n", "line 1: 3 columns, expected one column"),
        ("class,count,note\ncat,30,big\ndog,5,small\n", "line 1: 3 columns, expected one column"),
        ('nv,"6,000"\nmel,"7,000"\neel,5\n', "line 1: '6,000' may have a thousands separator"),
        ("dog,7\ncat,9\neel,3\ncat,8\n", "line 4: .*'cat' occurs more than once, first line 2"),
        ("cat,30\ndog,five\n", r"line 2: count 'five' is not a positive .* below 2\*\*53$"),
    ],
)
def test_lines_with_two_readings_or_none(write, text, words):
    with pytest.raises(ValueError, match=words):
        read_counts(write(text))


def test_a_hash_begins_a_comment_in_yaml_alone(write):
    path = write("# pets\ncat: 30 # most\ndog: 5\n", "counts.yaml")
    assert read_counts(path).names == ("cat", "dog")


def test_rows_that_are_more_than_classes_may_be_are_refused(write, monkeypatch):
    monkeypatch.setattr("nclib.data.shapes.MAX_CLASSES", 10)
    text = "".join(f"a {k},{k + 5}\n" for k in range(1011))
    with pytest.raises(ValueError, match=r"more than 10 rows; a file of counts has one for each"):
        read_counts(write(text))
    assert read_counts(write(text.rpartition("a")[0])).K == 1010


def test_an_array_is_read_from_a_file_that_is_called_so(write):
    with pytest.raises(ValueError, match=r"counts\.csv: not a UTF-8 text file"):
        read_counts(write(b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '<i8', }".ljust(118)))
