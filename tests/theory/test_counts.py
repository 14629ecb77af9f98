"""ClassCounts: what it holds, from labels, the published rules, and every bad input."""

from pathlib import Path

import numpy as np
import pytest

from nclib import ClassCounts

CIFAR = [500, 500, 400, 400, 300, 300, 200, 200, 100, 100]

# ---------------------------------------------------------------- what it holds


def test_keeps_the_users_order():
    counts = ClassCounts([3, 9, 1, 9])
    assert counts.n.tolist() == [3, 9, 1, 9]
    assert counts.n.dtype == np.int64
    assert (counts.K, counts.N) == (4, 22)
    assert counts.names is None


def test_groups_equal_counts_by_falling_value():
    counts = ClassCounts([3, 9, 1, 9, 3, 9])
    assert counts.values.tolist() == [9, 3, 1]
    assert counts.multiplicities.tolist() == [3, 2, 1]
    assert counts.m == 3
    assert counts.group.tolist() == [1, 0, 2, 0, 1, 0]
    np.testing.assert_array_equal(counts.values[counts.group], counts.n)


@pytest.mark.parametrize(
    "container",
    [
        list,
        tuple,
        np.array,
        lambda n: np.array(n, float),
        lambda n: np.array(n, np.uint8),
        lambda n: np.array(n, np.float16),
        lambda n: np.array(n, object),
    ],
)
def test_takes_any_flat_sequence_of_whole_numbers(container):
    assert ClassCounts(container([2, 7, 2])).n.tolist() == [2, 7, 2]


def test_k_and_n_are_python_integers():
    counts = ClassCounts(np.array([2, 3]))
    assert type(counts.K) is int
    assert type(counts.N) is int


def test_total_beyond_int64_is_exact():
    largest = 2**53 - 1
    counts = ClassCounts(np.full(10**6, largest))
    assert counts.N == 10**6 * largest > 2**63


def test_a_million_classes_are_the_limit():
    assert ClassCounts(np.ones(10**6, dtype=int)).K == 10**6
    with pytest.raises(ValueError, match=r"\bn\b.*1,?000,?001"):
        ClassCounts(np.ones(10**6 + 1, dtype=int))


def test_two_classes_are_the_least():
    assert ClassCounts([1, 1]).K == 2
    with pytest.raises(ValueError, match=r"\bn\b"):
        ClassCounts([5])


def test_largest_count_is_2_to_the_53_minus_1():
    assert ClassCounts([2**53 - 1, 1]).n[0] == 2**53 - 1
    with pytest.raises(ValueError, match=r"\bn\b.*9007199254740992"):
        ClassCounts([1, 2**53])


def test_names_are_kept():
    assert ClassCounts([1, 2], names=["a", "b"]).names == ("a", "b")


# ---------------------------------------------------------------- immutable, equal, hashed


@pytest.mark.parametrize("attribute", ["n", "values", "multiplicities", "group", "falling_order"])
def test_arrays_are_read_only(attribute):
    array = getattr(ClassCounts([3, 1]), attribute)
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 7


@pytest.mark.parametrize("attribute", ["n", "names", "K", "N", "values", "m"])
def test_attributes_cannot_be_set(attribute):
    counts = ClassCounts([3, 1])
    with pytest.raises(AttributeError):
        setattr(counts, attribute, 1)


def test_does_not_follow_or_freeze_the_callers_array():
    given = np.array([3, 1])
    counts = ClassCounts(given)
    given[0] = 99
    assert counts.n.tolist() == [3, 1]


def test_equality_is_by_counts_names_and_order():
    assert ClassCounts([3, 1]) == ClassCounts(np.array([3.0, 1.0]))
    assert ClassCounts([3, 1]) != ClassCounts([1, 3])
    assert ClassCounts([3, 1]) != ClassCounts([3, 1, 1])
    assert ClassCounts([3, 1], names=["a", "b"]) != ClassCounts([3, 1], names=["b", "a"])
    assert ClassCounts([3, 1]) != [3, 1]


def test_equal_counts_have_equal_hashes():
    assert hash(ClassCounts([3, 1])) == hash(ClassCounts((3, 1)))
    assert len({ClassCounts([3, 1]), ClassCounts([3, 1]), ClassCounts([1, 3])}) == 2


def test_repr_shows_few_counts_and_stays_short_for_many():
    assert repr(ClassCounts([3, 1])) == "ClassCounts([3, 1])"
    text = repr(ClassCounts(np.arange(1, 10**5)))
    assert "99999" in text
    assert len(text) < 200


@pytest.mark.parametrize("K", [3, 12, 13])
def test_a_table_has_twelve_rows_at_most_and_says_so(K):
    """The largest counts: here those of the last classes."""
    html = ClassCounts(np.arange(1, K + 1))._repr_html_()
    assert html.count("<tr") == 1 + min(K, 12)
    assert ("; the 12 largest" in html) == (K > 12)
    assert f">{K - 1}</th>" in html
    assert (">0</th>" in html) == (K <= 12)


def test_a_table_has_the_share_of_each_class():
    html = ClassCounts([1, 3])._repr_html_()
    assert "25.00%" in html
    assert "75.00%" in html


def test_falling_order_keeps_the_users_order_in_ties():
    assert ClassCounts([3, 9, 1, 9, 3]).falling_order.tolist() == [1, 3, 0, 4, 2]


# ---------------------------------------------------------------- bad counts

BAD = [
    ([3, 0], ValueError, "0"),
    ([3, -1], ValueError, "-1"),
    ([3, 1.5], ValueError, "1.5"),
    ([3, float("nan")], ValueError, "nan"),
    ([3, float("inf")], ValueError, "inf"),
    ([3, 2**53], ValueError, "9007199254740992"),
    ([3, 2**70], ValueError, "1180591620717411303424"),
    ([3, 1e300], ValueError, "1e"),
    ([], ValueError, "0"),
    ([4], ValueError, "1"),
    (4, (ValueError, TypeError), ""),
    ([[1, 2], [3, 4]], (ValueError, TypeError), r"2, 2"),
    ([[1, 2], [3]], (ValueError, TypeError), "nested|flat"),
    ([1, [2]], (ValueError, TypeError), "nested|flat"),
    (["3", "4"], (ValueError, TypeError), "'?3'?"),
    (["a", 4], (ValueError, TypeError), "a"),
    ("34", (ValueError, TypeError), "34"),
    ([True, 3], (ValueError, TypeError), "True"),
    ([True, True], (ValueError, TypeError), "True"),
    ([3, None], (ValueError, TypeError), "None"),
    (None, (ValueError, TypeError), ""),
    ([3, 1 + 2j], (ValueError, TypeError), "j"),
    ({"a": 1}, (ValueError, TypeError), ""),
    (np.array([np.datetime64("2020"), np.datetime64("2021")]), (ValueError, TypeError), "2020"),
]


@pytest.mark.parametrize(("n", "error", "given"), BAD, ids=lambda v: repr(v)[:30])
def test_bad_counts_are_refused_with_argument_and_value(n, error, given):
    with pytest.raises(error, match=rf"(?s)\bn\b.*{given}") as caught:
        ClassCounts(n)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("names", [["a"], ["a", "b", "c"], ["a", "a"], [1, 2], "ab", 3])
def test_bad_names_are_refused(names):
    with pytest.raises((ValueError, TypeError), match="names"):
        ClassCounts([1, 2], names=names)


@pytest.mark.parametrize(
    "kind", [list, lambda n: np.array(n, object), lambda n: np.array(n, float)]
)
def test_only_a_class_without_samples_is_to_be_left_out(kind):
    """Entries that are numbers for numpy, or objects: the range and the hint are the same."""
    assert ClassCounts(kind([2**53 - 1, 1])).n.tolist() == [2**53 - 1, 1]
    for given, hint in ((0, True), (-1, False), (2**53, False), (1.5, False)):
        with pytest.raises(ValueError, match=r"n\[1\] = ") as caught:
            ClassCounts(kind([3, given]))
        assert ("leave out a class without samples" in str(caught.value)) == hint


@pytest.mark.parametrize(
    ("names", "where"),
    [
        (("cat", "dog", "eel"), "n[1] (class 'dog')"),
        (("cat", "dog"), "n[1] (class 'dog')"),
        (("cat",), "n[1]"),
        ("cat", "n[1]"),
        (7, "n[1]"),
    ],
)
@pytest.mark.parametrize("bad", [0, None, "3"])
def test_a_bad_count_is_named_by_its_class_where_it_has_one(names, where, bad):
    with pytest.raises((ValueError, TypeError)) as caught:
        ClassCounts([3, bad, 5], names=names)
    assert str(caught.value).startswith(f"{where} = {bad!r}")


@pytest.mark.parametrize(
    ("n", "hint"),
    [
        ({"a": 1}, "of a dict, take nclib.read_counts"),
        ("a.csv", "of a file or a published data set, take nclib.read_counts"),
        (Path("a.csv"), "of a file or a published data set, take nclib.read_counts"),
        (["a", "b"], "of labels, take ClassCounts.from_labels"),
        (4, None),
        ([None, 3], None),
    ],
    ids=repr,
)
def test_what_holds_counts_elsewhere_is_said_to_be_read_there(n, hint):
    with pytest.raises(TypeError) as caught:
        ClassCounts(n)
    assert str(caught.value).partition("one per class")[2] == (f"; {hint}" if hint else "")


def test_masked_entries_are_refused():
    masked = np.ma.masked_array([3, 4], mask=[False, True])
    with pytest.raises(ValueError, match="n must not have masked entries"):
        ClassCounts(masked)


def test_a_name_that_is_no_text_is_shown():
    with pytest.raises(ValueError, match=r"names must be valid text; got '\\udcff'"):
        ClassCounts([3, 4], names=["cat", "x\udcff"])


def test_the_name_that_occurs_twice_is_shown():
    with pytest.raises(ValueError, match="names must be distinct; 'b' occurs more than once"):
        ClassCounts([3, 4, 5], names=["a", "b", "b"])


# ---------------------------------------------------------------- published counts


def test_cifar10_of_the_paper():
    counts = ClassCounts.cifar10_paper()
    assert counts.n.tolist() == CIFAR
    assert (counts.N, counts.m) == (3000, 5)


def test_emnist_letters_of_the_paper():
    counts = ClassCounts.emnist_letters_paper()
    assert counts.n.tolist() == [1500] + 5 * [600] + 20 * [50]
    assert (counts.K, counts.N, counts.m) == (26, 5500, 3)


# Long-tailed CIFAR-10 as published with the rule of Cui et al. and Cao et al.
LONG_TAILED = [
    (10, [5000, 3871, 2997, 2320, 1796, 1391, 1077, 834, 645, 500], 20431),
    (20, [5000, 3584, 2569, 1842, 1320, 946, 678, 486, 348, 250], 17023),
    (50, [5000, 3237, 2096, 1357, 878, 568, 368, 238, 154, 100], 13996),
    (100, [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50], 12406),
    (200, [5000, 2775, 1540, 854, 474, 263, 146, 81, 45, 25], 11203),
]


@pytest.mark.parametrize(("ratio", "published", "N"), LONG_TAILED)
def test_exponential_is_long_tailed_cifar_10(ratio, published, N):
    counts = ClassCounts.exponential(10, 5000, ratio)
    assert counts.n.tolist() == published
    assert counts.N == N


@pytest.mark.parametrize(
    ("ratio", "N", "m"),
    [(10, 19573, 100), (20, 15907, None), (50, 12608, 91), (100, 10847, 85), (200, 9502, None)],
)
def test_exponential_is_long_tailed_cifar_100(ratio, N, m):
    counts = ClassCounts.exponential(100, 500, ratio)
    assert counts.N == N
    assert m is None or counts.m == m
    assert (counts.n[0], counts.n[-1]) == (500, int(500 / ratio))


@pytest.mark.parametrize("ratio", [2, 3, 7, 10, 30, 50, 100, 200, 255, 256, 1000])
@pytest.mark.parametrize(("K", "n_max"), [(2, 1000), (10, 5000), (100, 1280), (1000, 4980)])
def test_exponential_is_the_published_code(K, n_max, ratio):
    """n_max * (1/ratio)^(k/(K-1)) rounded down, as the published code computes it in floats."""
    published = [int(n_max * (1 / ratio) ** (k / (K - 1.0))) for k in range(K)]
    assert ClassCounts.exponential(K, n_max, ratio).n.tolist() == published


def test_exponential_with_ratio_one_is_balanced():
    assert ClassCounts.exponential(4, 7, 1).n.tolist() == [7, 7, 7, 7]


@pytest.mark.parametrize(("K", "n_max"), [(10, 5000), (100, 500)])
def test_step_imbalance_of_cifar(K, n_max):
    counts = ClassCounts.step(K, n_max, 100)
    assert counts.n.tolist() == K // 2 * [n_max] + K // 2 * [n_max // 100]
    assert (counts.N, counts.m) == (25250, 2)


def test_step_gives_the_odd_class_to_the_minority():
    assert ClassCounts.step(5, 10, 5).n.tolist() == [10, 10, 2, 2, 2]


def test_step_with_a_chosen_majority():
    assert ClassCounts.step(4, 9, 2, majority=1).n.tolist() == [9, 4, 4, 4]
    assert ClassCounts.step(4, 9, 2, majority=3).n.tolist() == [9, 9, 9, 4]


@pytest.mark.parametrize("rule", [ClassCounts.exponential, ClassCounts.step])
@pytest.mark.parametrize("n_max", [1, 10, 2**53 - 1])
def test_the_largest_ratio_leaves_one_sample(rule, n_max):
    assert rule(2, n_max, n_max).n.tolist() == [n_max, 1]
    assert rule(2, n_max, 1).n.tolist() == [n_max, n_max]


@pytest.mark.parametrize("rule", [ClassCounts.exponential, ClassCounts.step])
@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((1, 10, 2), "K"),
        ((0, 10, 2), "K"),
        ((2.5, 10, 2), "K"),
        ((True, 10, 2), "K"),
        ((10**6 + 1, 10, 2), "K"),
        (("3", 10, 2), "K"),
        ((3, 0, 2), "n_max"),
        ((3, -5, 2), "n_max"),
        ((3, 1.5, 2), "n_max"),
        ((3, 2**53, 2), "n_max"),
        ((3, "10", 2), "n_max"),
        ((3, 10, 0), "ratio"),
        ((3, 10, 0.5), "ratio"),
        ((3, 10, float("nan")), "ratio"),
        ((3, 10, float("inf")), "ratio"),
        ((3, 10, -2), "ratio"),
        ((3, 10, "2"), "ratio"),
        ((3, 10, 11), "ratio"),  # the smallest class would be empty
    ],
    ids=repr,
)
def test_bad_rule_arguments_are_refused_by_name(rule, arguments, name):
    with pytest.raises((ValueError, TypeError), match=rf"^{name} must"):
        rule(*arguments)


@pytest.mark.parametrize("majority", [0, 4, -1, 1.5, "1", True])
def test_bad_majority_is_refused(majority):
    with pytest.raises((ValueError, TypeError), match=r"\bmajority\b"):
        ClassCounts.step(4, 10, 2, majority=majority)


def test_a_rule_is_for_two_classes_or_more_and_counts_from_one_to_the_largest():
    assert ClassCounts.step(2, 1, 1).n.tolist() == [1, 1]
    assert ClassCounts.step(2, 2**53 - 1, 1).n.tolist() == [2**53 - 1] * 2
    for K, n_max, name in ((1, 10, "K"), (2, 0, "n_max"), (2, 2**53, "n_max")):
        with pytest.raises(ValueError, match=f"{name} must be a whole number from [12] to"):
            ClassCounts.step(K, n_max, 1)


def test_neither_all_classes_nor_none_are_a_majority():
    for majority in (0, 4):
        with pytest.raises(ValueError, match="majority must be a whole number from 1 to 3"):
            ClassCounts.step(4, 10, 2, majority=majority)


# ---------------------------------------------------------------- from labels


def test_from_labels_sorts_the_distinct_labels():
    counts = ClassCounts.from_labels([7, 3, 7, 7, 5, 3])
    assert counts.n.tolist() == [2, 1, 3]
    assert counts.names == ("3", "5", "7")


def test_from_labels_takes_strings():
    counts = ClassCounts.from_labels(["dog", "cat", "dog", "ant"])
    assert counts.names == ("ant", "cat", "dog")
    assert counts.n.tolist() == [1, 1, 2]


def test_from_labels_takes_arrays_and_negative_labels():
    counts = ClassCounts.from_labels(np.array([-1, 10, -1, 2], dtype=np.int8))
    assert counts.names == ("-1", "2", "10")
    assert counts.n.tolist() == [2, 1, 1]


@pytest.mark.parametrize(
    "labels", [[], [1, 1, 1], [[0, 1], [1, 0]], [0.5, 1.5], [0.0, float("nan")], 3, None]
)
def test_bad_labels_are_refused(labels):
    with pytest.raises((ValueError, TypeError), match="label"):
        ClassCounts.from_labels(labels)


@pytest.mark.parametrize(
    ("labels", "hint"),
    [
        ([0.5, 1.5], ""),
        ([0.0, 1.0], "; they are whole, so take labels.astype(int)"),
        ([0.0, float("nan"), 1.0], "; 1 of them are missing"),
        ([0.5, float("nan"), float("nan")], "; 2 of them are missing"),
    ],
)
def test_labels_that_are_floats_are_told_whether_they_are_whole_or_missing(labels, hint):
    with pytest.raises(TypeError) as caught:
        ClassCounts.from_labels(labels)
    assert str(caught.value).partition("float64")[2] == hint
