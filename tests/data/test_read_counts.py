"""Class counts from files and objects of every kind; no bad file gets further than the reader."""

import csv
import io
import json
import os
import pickle
import sys
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from few import in_parts
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nclib.data import headings
from nclib.data.published import gallery
from nclib.data.readers import MAX_BYTES, decoded, read_counts
from nclib.theory.counts import ClassCounts

PETS = ClassCounts([30, 5, 12], names=("cat", "dog", "eel"))
BARE = ClassCounts([30, 5, 12])


def npy(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


# ---------------------------------------------------------------- files

FILES = {
    "counts.csv": "class,count\ncat,30\ndog,5\neel,12\n",
    "counts.txt": "cat,30\ndog,5\neel,12",
    "counts": '"cat","30"\r\n"dog","5"\r\n"eel","12"\r\n',
    "counts.json": '{"cat": 30, "dog": 5, "eel": 12}',
    "counts.JSON": '\ufeff{"cat": 30, "dog": 5.0, "eel": 12}',
}


@pytest.mark.parametrize("name", FILES)
def test_files_of_names_and_counts(write, name):
    path = write(FILES[name], name)
    assert read_counts(path) == PETS
    assert read_counts(str(path)) == PETS


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("30\n5\n12\n", "counts.csv"),
        ("[30, 5, 12]", "counts.json"),
        (npy(np.array([30, 5, 12])), "counts.npy"),
        (npy(np.array([30, 5, 12], dtype=">u2")), "counts.NPY"),
        (npy(np.array([30.0, 5.0, 12.0])), "counts.npy"),
    ],
    ids=repr,
)
def test_files_of_bare_counts(write, content, name):
    assert read_counts(write(content, name)) == BARE


def test_names_may_begin_as_other_files_do(write):
    assert read_counts(write("PK,3\n[UNK],5\n")).names == ("PK", "[UNK]")
    assert read_counts(write("[PAD],3\n{x},5\n", "counts.txt")).names == ("[PAD]", "{x}")


def test_folder_of_images(tmp_path):
    for path in ("dog/1.jpg", "cat/1.png", "cat/2.JPEG", "cat/notes.txt", ".git/1.png"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    assert read_counts(tmp_path) == ClassCounts([2, 1], names=("cat", "dog"))


@pytest.fixture
def stdin(monkeypatch):
    def give(content):
        data = content if isinstance(content, bytes) else content.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return give


@pytest.mark.parametrize("content", [FILES["counts.csv"], FILES["counts.json"]])
def test_standard_input_of_names_and_counts(stdin, content):
    stdin(content)
    assert read_counts("-") == PETS


@pytest.mark.parametrize("content", ["30\n5\n12", " \n[30,\n5,12]", npy(np.array([30, 5, 12]))])
def test_standard_input_of_bare_counts(stdin, content):
    stdin(content)
    assert read_counts("-") == BARE


def test_standard_input_is_named_in_errors(stdin):
    stdin("cat,30\ndog,x\n")
    with pytest.raises(ValueError, match=r"^<stdin>, line 2: count 'x'"):
        read_counts("-")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_read_as_a_file(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(FILES["counts.csv"],))
    writer.start()
    assert read_counts(pipe) == PETS
    writer.join()


def test_gallery_by_name(tmp_path, monkeypatch):
    assert read_counts("places-lt") == gallery()["places-lt"].counts
    monkeypatch.chdir(tmp_path)
    (tmp_path / "places-lt").write_text("cat,30\ndog,5\neel,12\n")
    assert read_counts("places-lt") == PETS


def test_missing_files_say_what_else_has_a_name(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file or folder 'plces-lt'.*'?places-lt, "):
        read_counts("plces-lt")
    with pytest.raises(FileNotFoundError, match=r"nothing\.csv"):
        read_counts(tmp_path / "nothing.csv")


# ---------------------------------------------------------------- objects


@pytest.mark.parametrize(
    "source",
    [
        PETS,
        {"cat": 30, "dog": 5, "eel": 12},
        {"cat": np.int32(30), "dog": torch.tensor(5), "eel": np.array(12)},
        Counter(["cat"] * 30 + ["dog"] * 5 + ["eel"] * 12),
        pd.Series([30, 5, 12], index=["cat", "dog", "eel"]),
        pd.Series([30, 5, 12], index=["cat", "dog", "eel"], dtype="Int64"),
        pd.DataFrame({"count": [30, 5, 12]}, index=["cat", "dog", "eel"]),
        pd.DataFrame({"class": ["cat", "dog", "eel"], "count": [30, 5, 12]}),
        pd.Series(["cat"] * 30 + ["eel"] * 12 + ["dog"] * 5).value_counts()[["cat", "dog", "eel"]],
    ],
    ids=lambda value: type(value).__name__,
)
def test_objects_of_names_and_counts(source):
    assert read_counts(source) == PETS


@pytest.mark.parametrize(
    "source",
    [
        BARE,
        [30, 5, 12],
        (30.0, 5, np.int8(12)),
        [torch.tensor(30), torch.tensor(5), 12],
        np.array([30, 5, 12], dtype=np.uint64),
        torch.tensor([30, 5, 12]),
        torch.tensor([30, 5, 12], dtype=torch.bfloat16),
        pd.Series([30, 5, 12]),
        pd.DataFrame({"count": [30, 5, 12]}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_objects_of_bare_counts(source):
    assert read_counts(source) == BARE


def test_numbers_as_names():
    assert read_counts({3: 30, 1: 5}).names == ("3", "1")
    assert read_counts(pd.Series([7, 7, 2]).value_counts()).names == ("7", "2")


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (None, TypeError, "n must be a sequence"),
        (3, TypeError, "n must be a sequence"),
        ({1, 2}, TypeError, "n must be a sequence"),
        ({}, ValueError, "2 to 1,000,000 class counts; got 0"),
        ({"cat": 3}, ValueError, "got 1"),
        ({"cat": 3, "dog": 0}, ValueError, r"n\[1\] \(class 'dog'\) = 0: class counts are"),
        ({"cat": 3, "dog": "5"}, TypeError, r"n\[1\] \(class 'dog'\) = '5' is not a number"),
        ({"cat": 3, "dog": None}, TypeError, r"\(class 'dog'\) = None is not a number"),
        ({"cat": 3, "dog": np.True_}, TypeError, r"\(class 'dog'\) = True is not a number"),
        ({1: 3, "1": 5}, ValueError, "'1' occurs more than once"),
        (["cat", "dog"], TypeError, r"n\[0\] = 'cat'.*ClassCounts\.from_labels"),
        (pd.Series(["cat", "dog"]), TypeError, r"n\[0\] = 'cat'.*from_labels"),
        (pd.Series([3, None], index=["cat", "dog"]), ValueError, r"\(class 'dog'\) = nan"),
        (pd.Series([3, None], ["cat", "dog"], dtype="Int64"), TypeError, r"'dog'\) = <NA>"),
        (pd.Series([3, 5], index=["cat", "cat"]), ValueError, "'cat' occurs more than once"),
        (pd.DataFrame({"a": [1], "b": [2], "c": [3]}), ValueError, "got 3: 'a', 'b', 'c'"),
        (torch.tensor([[3, 5]]), ValueError, r"\(1, 2\)"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_bad_objects_are_refused_by_class(source, error, message):
    with pytest.raises(error, match=message):
        read_counts(source)


# ---------------------------------------------------------------- bad files


class Trap:
    sprung = False

    def __reduce__(self):
        return (setattr, (Trap, "sprung", True))


def bad_files():
    objects = npy(np.array([Trap(), Trap()], dtype=object), allow_pickle=True)
    numbers = npy(np.arange(1, 2000))
    return [
        ("counts.csv", "cat,30\ndog,five\n", "line 2: count 'five'"),
        ("counts.csv", 'cat,"66,900"\ndog,"33,100"\n', "line 1: .*thousands.*percent"),
        ("counts.csv", "class;count\ncat;30\n", "line 2: .*2 to 1,000,000 .*got 1, 'cat,30'"),
        ("counts.csv", "cat;30\ndog,5\n", "line 2: 2 columns, expected 1"),
        ("counts.csv", "cat,30\ndog,-5\n", "line 2: count '-5'"),
        ("counts.csv", "cat,30\ndog,inf\n", "line 2: count 'inf'"),
        ("counts.csv", "cat,30\ncat,5\n", "'cat' occurs more than once"),
        ("counts.csv", "a,b,c\n1,2,3\n", "line 1: 3 columns"),
        ("counts.csv", "a,b,c\ncat,3\ndog,5\n", "line 1: 3 columns"),
        ("counts.csv", "", "no class counts found"),
        ("counts.csv", "cat,30\n".encode("utf-16") + b"d", "not a UTF-8 text file but UTF-16"),
        ("counts.csv", "cat,30\ndog,5\n".encode("utf-32"), "not a UTF-8 text file"),
        ("counts.csv", "cat,30\ndog,5\n".encode("utf-16-le"), "zero bytes, as UTF-16"),
        ("counts.csv", "größe,30\ndog,5\n".encode("latin-1"), "not a UTF-8 text file"),
        ("counts.csv", pickle.dumps({"cat": Trap()}), "not a UTF-8 text file"),
        ("counts.pkl", pickle.dumps({"cat": 3}, protocol=0), "counts.pkl"),
        ("counts.xlsx", b"PK\x03\x04 and so on", "an archive .*save the counts as CSV"),
        ("counts.npz", b"PK\x03\x04 and so on", "an archive .*save the counts as CSV"),
        ("counts.csv", b"3\n" * 100 + b" " * MAX_BYTES, "larger than 128 MiB"),
        ("counts.csv", "1\n" * (10**6 + 1), "got 1,000,001"),
        ("counts.json", "", "not valid JSON: .*line 1"),
        ("counts.json", '{"cat": 3,\n"dog" 5}', "not valid JSON: .*line 2 column 7"),
        ("counts.json", '{"cat": 3, "dog": NaN}', "not valid JSON: NaN is no count"),
        ("counts.json", "[3, -Infinity]", "not valid JSON: -Infinity is no count"),
        ("counts.json", "[3, 1e400]", r"n\[1\] = inf"),
        ("counts.json", f"[3, {'9' * 5000}]", "not valid JSON: .*4300"),
        ("counts.json", '{"cat": 3, "cat": 5}', "'cat' occurs more than once"),
        ("counts.json", '{"cat": 3, "dog": -5}', r"n\[1\] \(class 'dog'\) = -5"),
        ("counts.json", '{"cat": 3, "dog": "5"}', r"n\[1\] \(class 'dog'\) = '5'"),
        ("counts.json", '{"cat": 3, "dog": true}', r"\(class 'dog'\) = True is not a number"),
        ("counts.json", '{"cat": 3, "dog": {"old": 2}}', "one flat sequence; got a nested one"),
        ("counts.json", '{"cat": {"old": 1}, "dog": {"old": 2}}', "one flat sequence"),
        ("counts.json", '{"cat\\ud800": 3, "dog": 5}', "names must be valid text"),
        ("counts.json", "[[3, 5], [1, 2]]", r"shape \(2, 2\)"),
        ("counts.json", "3", "expected a list of counts or .*got 3"),
        ("counts.json", '"cat"', "expected a list of counts or .*got 'cat'"),
        ("counts.json", "[" * 100_000, "too deep|not valid JSON"),
        ("counts.json", "cat,30\ndog,5\n", "not valid JSON"),
        ("counts.npy", "30\n5\n", r"not an \.npy file"),
        ("counts.npy", b"", r"not an \.npy file"),
        ("counts.npy", objects, "holds Python objects.*pickle"),
        ("counts.npy", numbers[:-9], "cut short or damaged"),
        ("counts.npy", numbers[:50], "cut short or damaged"),
        ("counts.npy", numbers + b"\0", "longer than its header says"),
        ("counts.npy", numbers.replace(b"(1999,)", b"(1000,)"), "longer than its header says"),
        ("counts.npy", numbers.replace(b"(1999,)", b"(10**9,)"[:7]), "cut short or damaged"),
        ("counts.npy", npy(np.array([[3, 5]])), r"shape \(1, 2\)"),
        ("counts.npy", npy(np.array(3)), "n must be a sequence"),
        ("counts.npy", npy(np.array([3, 0])), r"n\[1\] = 0"),
        ("counts.npy", npy(np.array([3, np.nan])), r"n\[1\] = nan"),
        ("counts.npy", npy(np.array(["3", "5"])), "is not a number"),
        ("counts.npy", npy(np.array([True, True])), "is not a number"),
        ("counts.npy", npy(np.array([(3, 5)], dtype="i4,i4")), "got 1"),
        ("counts.npy", npy(np.array([3, 5], dtype="m8[s]")), r"n\[0\] = .* is not a number"),
        ("counts.npy", npy(np.array([3, 5j])), r"n\[0\] = .* is not a number"),
        ("counts.npy", npy(np.array([3, np.inf], dtype="f2")), r"n\[1\] = inf"),
    ]


@pytest.mark.parametrize("files", in_parts(bad_files()))
def test_bad_files_are_refused_by_name(write, files):
    for name, content, message in files:
        path = write(content, name)
        with pytest.raises(ValueError, match=message) as caught:
            read_counts(path)
        assert str(path) in str(caught.value)
        assert len(str(caught.value)) < 600 + len(str(path))
        assert not Trap.sprung


def test_bad_folders_are_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match="0 sub-folders; expected one for each class"):
        read_counts(tmp_path)
    for path in ("cat", "dog"):
        (tmp_path / path).mkdir()
    with pytest.raises(ValueError, match="cat: no images of this class"):
        read_counts(tmp_path)


def test_a_name_that_no_file_can_have_is_named():
    with pytest.raises(ValueError, match=r"'no\\x00file' is no path: embedded null"):
        read_counts("no\0file")


def test_a_file_may_have_128_mib_and_no_more():
    assert len(decoded(b"1" * 2**27, "counts.csv")) == 2**27
    with pytest.raises(ValueError, match=r"counts\.csv: larger than 128 MiB"):
        decoded(b"1" * (2**27 + 1), "counts.csv")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs /dev/zero")
def test_an_endless_file_ends():
    with pytest.raises(ValueError, match="larger than 128 MiB"):
        read_counts("/dev/zero")


# ------------------------------------- what may be a header, a sum or a label, and is no class

REST = "mel,513\ndf,115\n"
NO_COUNTS = [
    "", "NA", "n/a", "nan", "none", "-", "?", "unknown", "many", "five", "VI", "x", "...",
    "67 05", "6\N{NO-BREAK SPACE}70", "6'7", "6.705", "6_70", "6705 images", "6705*", "~6705",
    "ca. 6705", "n=6705", "6k", "6705 (66 %)", "O705", "inf", "-6705", "6705.5", "0", "1e3",
]  # fmt: skip


@pytest.mark.parametrize("several", in_parts(NO_COUNTS))
def test_a_first_row_whose_count_does_not_parse_is_no_header(write, several):
    """Taken for one, it would take the largest class with it, and no word."""
    for count in several:
        with pytest.raises(ValueError, match=r"counts\.csv, line 1: count ['\"]"):
            read_counts(write(f"nv,{count}\n{REST}"))
        if count:
            with pytest.raises(ValueError, match=r"counts\.csv, line 1: count ['\"]"):
                read_counts(write(f"{count}\n513\n115\n"))
        # The same words are refused further down, as they were.
        with pytest.raises(ValueError, match=r"line 4: count ['\"]"):
            read_counts(write(f"{REST}akiec,7\nnv,{count}\n"))


@pytest.mark.parametrize(
    ("count", "advice"),
    [
        ("6.705", "thousands separators, write the bare digits"),
        ("6705 images", "in bare digits"),
        ("", "missing; fill it in"),
        ("many", "call its columns class and count"),
        ("6705;", "separated by commas"),
        ("0", "leave out classes without samples"),
    ],
)
def test_what_to_do_about_a_first_row_is_said(write, count, advice):
    with pytest.raises(ValueError, match=advice):
        read_counts(write(f"nv,{count}\n{REST}"))


@pytest.mark.parametrize(
    "headers",
    in_parts([
        "class,count", "Class,Count", "label,n", "class_name,num_images", "ClassName,imageCount",
        "#class,#count", "species,# images", "name,Number of samples", "Label,Images per class",
        "diagnosis,count", ",count", "index,count", "class,train2017", "class,whatever", "x,count",
        "Klasse,Anzahl", "Espèce,Nombre d'images", "clase,cantidad", "класс,количество",
        "クラス,枚数", "类别,样本数", "Category,Total", "letter,count", "patient,images",
    ]),
)  # fmt: skip
def test_headers_are_known_by_their_words(write, headers):
    for header in headers:
        assert read_counts(write(f"{header}\n{FILES['counts.txt']}")) == PETS, header


@pytest.mark.parametrize("header", ["count", "n", "N", "samples", "# of images", "Anzahl", "枚数"])
def test_headers_of_bare_counts(write, header):
    assert read_counts(write(f"{header}\n30\n5\n12\n")) == BARE


@pytest.mark.parametrize("name", ["Total", "total:", "SUM", "All", "All classes", "Gesamt", "Summe",
                                  "Grand total", "Total images", "合計", "Итого", "∑"])  # fmt: skip
@pytest.mark.parametrize("row", [0, 2, 3])
def test_a_row_that_adds_up_the_others_is_no_class(write, name, row):
    rows = ["cat,30", "dog,5", "eel,12"]
    rows.insert(row, f"{name},47")
    assert read_counts(write("\n".join(["class,count", *rows]))) == PETS
    assert read_counts(write("\n".join(rows))) == PETS
    pairs = ", ".join(f'"{n}": {c}' for n, c in (r.split(",") for r in rows))
    assert read_counts(write(f"{{{pairs}}}", "counts.json")) == PETS
    assert read_counts(json.loads(f"{{{pairs}}}")) == PETS


@pytest.mark.parametrize("count", [46, 48, 31, 1000])
def test_a_sum_that_is_another_is_asked_about(write, count):
    with pytest.raises(ValueError, match=f"line 4: 'Total' is {count:,}, but .* add up to 47;"):
        read_counts(write(f"{FILES['counts.txt']}\nTotal,{count}\n"))
    content = f'{{"cat": 30, "dog": 5, "eel": 12, "Total": {count}}}'
    with pytest.raises(ValueError, match=r"counts\.json: 'Total' is .* add up to 47;"):
        read_counts(write(content, "counts.json"))


def test_a_sum_may_have_no_name(write):
    with pytest.raises(ValueError, match="line 4: 47 without a name, as many as all other rows"):
        read_counts(write(f"{FILES['counts.txt']}\n,47\n"))


@pytest.mark.parametrize(
    "rows",
    [
        "cat,30\nall,5\neel,12",  # smaller than a part: no sum
        "cat,30\nTotal,30\neel,12",
        "cat,30\nowl,5\neel,35",  # as many as the others by chance
        "nan,30\ncat,5\n,12",
        "0,30\n1,5\nother,12",
        "other,30\n1,5\n2,12",
        "class 1,2017\nclass 2,2018\nclass 3,5",
        "other,2017\nowl,2018\neel,5",
        "0,705\n1,113\n2,115",
        "1,705\n2,113\n3,115",
        "6,705\n1,113\n5,15",
        "cat,1\nowl,2\neel,2\ndog,1",
        "x1,1\nx2,2\nx3,1\nx4,2",
    ],
)
def test_what_is_a_class_stays_one(write, rows):
    expected = [row.split(",") for row in rows.splitlines()]
    counts = read_counts(write(rows))
    assert counts.names == tuple(name for name, _ in expected)
    assert counts.n.tolist() == [int(count) for _, count in expected]


@pytest.mark.parametrize(
    "first", ["2017,2018", "0,1", "class,2017", "label,6705", ",2018", "name,3", "Klasse,2017"]
)
def test_a_header_of_numbers_is_asked_about(write, first):
    rows = f"{first}\nnv,6705\nmel,1113\n"
    with pytest.raises(ValueError, match=r"line 1: a class .* or a header\?.*put one above"):
        read_counts(write(rows))
    assert read_counts(write(f"class,count\n{rows}")).K == 3  # as it says


def test_thousands_separators_that_look_like_columns_are_asked_about(write):
    rows = "6,705\n1,113\n5,115\n"
    with pytest.raises(ValueError, match="is 6,705 class 6, or a number with a thousands sep"):
        read_counts(write(rows))
    assert read_counts(write(f"class,count\n{rows}")).names == ("6", "1", "5")


@pytest.mark.parametrize(
    "files",
    in_parts([
        ("label\n1\n2\n3\n1\n2\n2\n", "y.csv", "line 1"),
        ("y\n0\n1\n1\n", "y.csv", "line 1"),
        ("class\n5\n7\n", "y.csv", "line 1"),
        ("1\n2\n3\n1\n2\n2\n", "y.csv", "6 numbers"),
        ("0\n1\n1\n0\n", "y.csv", "line 1"),
        ("3\n1\n2\n0\n1\n1\n2\n3\n", "y.csv", "line 4"),
        ("[1, 2, 3, 1, 2, 2]", "y.json", "6 numbers"),
        ("[0, 1, 0, 1, 1]", "y.json", "5 numbers"),
        (npy(np.array([2, 0, 1, 1, 0, 2, 2])), "y.npy", "7 numbers"),
        (npy(np.array([2, 3, 1, 1, 3, 2], dtype="u1")), "y.npy", "6 numbers"),
        ("id_code,diagnosis\naa11,2\nbb22,4\ncc33,1\ndd44,1\n", "y.csv", "line 1"),
        ("image,level\n10_left,1\n10_right,2\n", "y.csv", "line 1"),
        ("filename,class\na,1\nb,2\n", "y.csv", "line 1"),
        ("id,target\na,1\nb,2\n", "y.csv", "line 1"),
        ("file,ripe\na,1\nb,2\n", "y.csv", "line 1"),
        ("no,class\n6705,1\n1113,2\n", "y.csv", "line 1"),
        (",label\n0,2\n1,1\n2,1\n", "y.csv", "line 2"),
        (",label\n5,2\n1,1\n2,3\n", "y.csv", "line 2"),
        ("a/1.jpg,2\nb/2.PNG,3\n", "y.csv", "line 1"),
        ("x,count\na.jpeg,2\nb.jpeg,3\n", "y.csv", "line 2"),
    ]),
)  # fmt: skip
def test_labels_of_samples_are_no_counts(write, files):
    for content, name, where in files:
        path = write(content, name)
        with pytest.raises(ValueError, match=r"from_labels") as caught:
            read_counts(path)
        assert f"{path}" in str(caught.value)
        assert where in str(caught.value)


def test_what_looks_like_labels_can_be_told_to_be_counts(write):
    assert read_counts(write("count\n1\n2\n3\n1\n2\n2\n")) == ClassCounts([1, 2, 3, 1, 2, 2])
    assert read_counts([1, 2, 3, 1, 2, 2]).N == 11  # objects are what their type says
    for counts in ([3, 2, 1], [1, 1, 1, 1], [1, 2, 2], [2, 3, 2, 3, 2, 3]):
        assert read_counts(write("\n".join(map(str, counts)))).n.tolist() == counts


@pytest.mark.parametrize("name", ["label", "dx", "class"])
def test_value_counts_of_pandas_come_back(write, name):
    """Its older versions called the counts what the labels were called."""
    counted = pd.Series(["cat"] * 30 + ["eel"] * 12 + ["dog"] * 5, name=name).value_counts()
    for header in (None, f",{name}", f"index,{name}", f"{name},count"):
        text = counted.to_csv()
        if header:
            text = text.replace(text.partition("\n")[0], header, 1)
        assert read_counts(write(text)) == ClassCounts([30, 12, 5], names=("cat", "eel", "dog"))


def test_floats_without_a_fraction_are_counts(write):
    # pandas writes them where a count was missing.
    assert read_counts(write("class,count\ncat,30.0\ndog,5.0\neel,12.00\n")) == PETS
    assert read_counts(write("30.0\n5.0\n12.0\n")) == BARE
    with pytest.raises(ValueError, match=r"line 1: count '6\.000'.*thousands"):
        read_counts(write("6.000\n5.115\n"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('[{"id": 1, "name": "a", "image_count": 60}]', "objects with the keys 'id', 'name', 'im"),
        ('{"class_counts": [6705, 1113, 115]}', "'class_counts' holds a list"),
        ('{"info": {}, "categories": []}', "'info' holds an object"),
    ],
)
def test_json_that_holds_more_says_what_to_keep(write, content, words):
    with pytest.raises(ValueError, match=words) as caught:
        read_counts(write(content, "counts.json"))
    assert '{"class": count, ...}: keep' in str(caught.value)


# ---------------------------------------------------------------- fuzzing

COUNTS = st.lists(st.integers(1, 2**53 - 1), min_size=2, max_size=8)


@st.composite
def named_counts(draw):
    n = draw(COUNTS)
    text = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8)
    # A row that is called a sum is none of the classes.
    names = text.map(str.strip).filter(lambda name: not headings.is_total(name))
    names = draw(st.lists(names, min_size=len(n), max_size=len(n), unique=True))
    return ClassCounts(n, names)


@given(named_counts())
def test_json_comes_back(tmp_path_factory, counts):
    path = tmp_path_factory.getbasetemp() / "whole.json"
    path.write_text(json.dumps(dict(zip(counts.names, counts.n.tolist(), strict=True))), "utf-8")
    assert read_counts(path) == counts


def csv_of(counts, path, header=()):
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, quoting=csv.QUOTE_ALL)
        rows.writerows([*header, *zip(counts.names, counts.n, strict=True)])
    return path


@given(named_counts())
@example(ClassCounts([3, 5, 7], names=("class", "a", "b")))
@example(ClassCounts([3, 5, 7], names=("2017", "a", "b")))
@example(ClassCounts([705, 113, 115], names=("6", "1", "5")))
def test_csv_comes_back(tmp_path_factory, counts):
    """Below a header every name and every count."""
    path = csv_of(counts, tmp_path_factory.getbasetemp() / "whole.csv", [("class", "count")])
    assert read_counts(path) == counts


@given(named_counts())
@example(ClassCounts([1, 1], names=("TARGET", "")))
@example(ClassCounts([3, 5, 7], names=("2017", "a", "b")))
def test_csv_without_a_header_comes_back_or_is_refused(tmp_path_factory, counts):
    path = csv_of(counts, tmp_path_factory.getbasetemp() / "bare.csv")
    said = ""
    try:
        assert read_counts(path) == counts
    except ValueError as error:
        said = str(error)
    if said:  # of the first row, and a header above it helps
        assert f"a class {counts.names[0]!r:.60} with {counts.n[0]:,} samples, or a header?" in said
        assert "put one above, class,count" in said
        csv_of(counts, path, [("class", "count")])
        assert read_counts(path) == counts


# No word of these letters is what a column or a sum is called.
PLAIN_NAMES = st.lists(st.text("jkqwxz", min_size=2, max_size=8), min_size=2, unique=True)


@given(PLAIN_NAMES, st.data())
def test_csv_of_plain_names_is_never_refused(tmp_path_factory, names, data):
    n = data.draw(st.lists(st.integers(1, 10**9), min_size=len(names), max_size=len(names)))
    counts = ClassCounts(n, names)
    assert read_counts(csv_of(counts, tmp_path_factory.getbasetemp() / "plain.csv")) == counts


WELL_FORMED = [content.encode() for content in FILES.values()] + [
    b"30\n5\n12\n",
    b"[30, 5, 12]",
    npy(np.array([30, 5, 12])),
]


@st.composite
def harmed(draw):
    """A good file with a few bytes changed, cut, doubled or put in."""
    data = bytearray(draw(st.sampled_from(WELL_FORMED)))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        stop = draw(st.integers(start, min(len(data), start + 8)))
        data[start:stop] = draw(
            st.one_of(
                st.binary(max_size=4),
                st.just(bytes(data[start:stop]) * 2),
                st.sampled_from([b",", b'"', b"\n", b"\r", b"-", b"0", b"9" * 30, b"1e9", b"NaN"]),
            )
        )
    return bytes(data)


ANY_FILE = st.one_of(
    harmed(),
    st.binary(max_size=60),
    st.text(st.sampled_from(list("0123456789,;.\"'\n\r\t []{}:-+eENa_\ufeff")), max_size=60).map(
        lambda text: text.encode()
    ),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3)),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode()),
)


def fuzz(content, way, path):
    """Valid counts, or an error that names the file; whatever else comes up is a defect."""
    path = path / f"fuzz{way if way.startswith('.') else ''}"
    path.write_bytes(content)
    said = ""
    try:
        if way == "stdin":
            with path.open() as file, pytest.MonkeyPatch.context() as patch:
                patch.setattr(sys, "stdin", file)
                counts = read_counts("-")
        else:
            counts = read_counts(path)
    except ValueError as error:
        said = str(error)
    if said:
        assert ("<stdin>" if way == "stdin" else f"{path}") in said
        assert len(said) < 600 + len(f"{path}")
    else:
        assert counts.n.min() >= 1
        assert counts.K >= 2


WAYS = st.sampled_from([".csv", ".json", ".npy", "stdin"])


@settings(max_examples=300)
@given(ANY_FILE, WAYS)
@example(b'"', ".csv")
@example(b"\xef\xbb\xbf", ".json")
def test_any_file_is_read_or_refused(tmp_path_factory, content, way):
    fuzz(content, way, tmp_path_factory.getbasetemp())


@pytest.mark.slow
@settings(max_examples=50_000)
@given(ANY_FILE, WAYS)
def test_many_more_files_are_read_or_refused(tmp_path_factory, content, way):
    fuzz(content, way, tmp_path_factory.getbasetemp())
