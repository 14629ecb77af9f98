"""Where one reading of a table ends and another begins: numbers on both sides of a limit."""

import pytest

from nclib import read_counts


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
