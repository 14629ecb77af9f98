"""Class weights from files: by name or in the order of the classes; others are refused by name."""

import io

import numpy as np
import pytest

from nclib import ClassCounts
from nclib.data.weights import class_weights, read_by_class

NAMED = ClassCounts([5, 3, 2], names=("cat", "dog", "eel"))
BARE = ClassCounts([5, 3, 2])
WEIGHTS = [0.5, 2.0, 3.0]


def npy(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


class Trap:
    sprung = False

    def __reduce__(self):
        return (setattr, (Trap, "sprung", True))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("w.txt", "0.5\n2\n3\n"),
        ("w.txt", "weight\n0.5\n\n2\n3"),
        ("w.npy", npy(np.array(WEIGHTS))),
        ("w.NPY", npy(np.array(WEIGHTS, dtype=np.float16))),
        ("w.json", "[0.5, 2, 3]"),
        ("w.JSON", "[0.5, 2.0, 3.0]"),
    ],
)
def test_numbers_alone_are_in_the_order_of_the_classes(write, name, content):
    path = write(content, name)
    for counts in (BARE, NAMED):
        for rule in (path, str(path)):
            assert class_weights(counts, rule).tolist() == WEIGHTS


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("w.csv", "cat,0.5\ndog,2\neel,3\n"),
        ("w.csv", "class,weight\neel,3\ndog , 2\n,\ncat,0.5\n"),
        ("w.csv", '"eel","3"\r\n"cat","0.5"\r\n"dog","2"\r\n'),
        ("w.json", '{"eel": 3, "cat": 0.5, "dog": 2}'),
    ],
)
def test_named_numbers_are_those_of_the_classes_of_these_names(write, name, content):
    path = write(content, name)
    assert read_by_class(path, NAMED).tolist() == WEIGHTS
    with pytest.raises(ValueError, match="its numbers have names, but the classes have none"):
        read_by_class(path, BARE)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("w.csv", "1\nx\n3\n", r"line 2: expected one positive number per class.*got 'x'"),
        ("w.csv", "cat,1\ndog,2,5\neel,3\n", r"line 2: expected .*got 'dog,2,5'"),
        ("w.csv", "cat,1\ndog\neel,3\n", r"line 2: expected .*got 'dog'"),
        ("w.csv", "cat,1\n2\neel,3\n", r"line 2: expected .*got '2'"),
        ("w.csv", "a,cat,1\nb,dog,2\nc,eel,3\n", r"line 1: expected .*got 'a,cat,1'"),
        ("w.csv", "class,name,weight\na,cat,1\n", r"line 1: expected .*got 'class,name,weight'"),
        ("w.csv", "class,weight\nname,number\ncat,1\n", "line 2: expected .*got 'name,number'"),
        ("w.csv", 'cat,"1\n', "line 1: unexpected end of data"),
        ("w.csv", "cat,1\ncat,2\ndog,2\neel,3\n", "'cat' is there twice"),
        ("w.csv", "cat,1\nelk,1\neel,3\n", "no number for the class 'dog'"),
        ("w.csv", "cat,1\ndog,2\nelk,1\neel,3\n", "'elk' is no class"),
        ("w.csv", "1\n2\n3\n4\n", "its numbers must have one number for each of the 3 .*got 4"),
        ("w.csv", "1\n0\n3\n", r"must be positive and finite; got its numbers\[1\] = 0"),
        ("w.csv", "1\n-0.5\n3\n", r"got its numbers\[1\] = -0.5"),
        ("w.csv", "1\n2\ninf\n", r"got its numbers\[2\] = inf"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_bad_tables_are_refused_by_name(write, name, content, words):
    path = write(content, name)
    with pytest.raises(ValueError, match=words) as caught:
        read_by_class(path, NAMED)
    assert f"{path}" in str(caught.value)


GOOD = npy(np.array(WEIGHTS))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("w.csv", "", "got 0"),
        ("w.json", "[[1, 2, 3]]", "must be one number per class"),
        ("w.json", '[1, 2, {"x": 3}]', "must be one number per class"),
        ("w.json", '{"cat": 1, "dog": "x", "eel": 2}', "must be one number per class"),
        ("w.json", '"cat"', "expected one positive number .*got 'cat'"),
        ("w.json", "[1, 2", "not valid JSON"),
        ("w.json", "[" * 100_000, "not valid JSON"),
        ("w.npy", "1\n2\n3\n", r"not an \.npy file"),
        ("w.npy", GOOD[:-3], "cut short or damaged"),
        ("w.npy", GOOD.replace(b"(3,), }", b"(3,), {"), "cut short or damaged"),
        ("w.npy", GOOD.replace(b"'shape'", b" 7     "), "cut short or damaged"),
        ("w.npy", GOOD.replace(b"(3,), }             ", b"(9999999999999,), } "), "damaged"),
        ("w.npy", npy(np.array([[1.0, 2, 3]])), "must be one number per class"),
        ("w.npy", npy(np.array([Trap()], dtype=object), allow_pickle=True), "Object arrays"),
        ("w.csv", b"\xff\xfea,1", "not a UTF-8 text file"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_other_files_are_refused_by_name(write, name, content, words):
    path = write(content, name)
    with pytest.raises(ValueError, match=words) as caught:
        read_by_class(path, NAMED)
    assert f"{path}" in str(caught.value)
    assert not Trap.sprung


def test_a_file_that_is_not_there_may_be_a_rule(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file 'invers', and no rule; .*balanced, sqrt"):
        class_weights(NAMED, "invers")
    with pytest.raises(FileNotFoundError, match=r"w\.csv'$"):
        class_weights(NAMED, tmp_path / "w.csv")


@pytest.mark.parametrize("beta", ["1", "-0.5", "nan", "x", ""])
def test_the_number_of_a_rule_is_at_least_0_and_below_1(beta):
    with pytest.raises(ValueError, match=f"at least 0 and below 1; got '{beta}'"):
        class_weights(BARE, f"effective:{beta}")


def test_a_rule_is_by_the_counts_alone():
    """Balanced classes cost the same each: N/K; by roots, 1/sqrt(n) over its mean, by hand."""
    assert class_weights([8, 2], "balanced") * [8, 2] == pytest.approx([5, 5])
    assert class_weights([9, 1], "sqrt").tolist() == pytest.approx([10 / 12, 10 / 4])
    assert class_weights([2, 1], "effective:0.5") == pytest.approx([3 * 2 / 7, 3 * 3 / 7])
