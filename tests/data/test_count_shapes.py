"""Class counts in the shapes people have them: one reading is read, two are refused.

What each text means is written beside it by hand; what pandas and Python write, they write here.
"""

import gzip
import io
import json
from collections import Counter, OrderedDict, defaultdict

import numpy as np
import pandas as pd
import pytest
import torch
from few import in_parts
from hypothesis import assume, event, given
from hypothesis import strategies as st

from nclib import ClassCounts, read_counts
from nclib.metrics import nc1
from nclib.theory.counts import as_counts
from nclib.training.images import ImageData, imbalanced_subset

PETS = ClassCounts([30, 5, 12], names=("cat", "dog", "eel"))
FALLING = ClassCounts([30, 12, 5], names=("cat", "eel", "dog"))
SKIN = ClassCounts([6705, 1113], names=("nv", "mel"))

ANIMALS = pd.Series(["cat"] * 30 + ["eel"] * 12 + ["dog"] * 5, name="label")
FRAME = pd.DataFrame({"class": ["cat", "dog", "eel"], "count": [30, 5, 12]})

LABELS = np.array([2] * 30 + [0] * 12 + [1] * 5)
BY_LABEL = ClassCounts([12, 5, 30], names=("0", "1", "2"))
"""What numpy.bincount counts of them."""

# The same in every process: it is in the name of a test.
GZIPPED = gzip.compress(b"cat,30\ndog,5\n", mtime=0)


@pytest.fixture
def read(tmp_path):
    def of(content, name="counts.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_counts(path)

    return of


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


# ---------------------------------------------------------------- which class is which


COUNTED = pd.Series(LABELS, name="label").value_counts()

OF_LABELS = {
    "Series": COUNTED,
    "frame with an index": COUNTED.to_frame(),
    "frame": COUNTED.reset_index(),
    "frame.value_counts": pd.DataFrame({"label": LABELS}).value_counts(),
    "Counter": Counter(LABELS.tolist()),
    "Counter of numpy": Counter(LABELS),
    "floats": pd.Series(LABELS.astype(float)).value_counts(),
    "old pandas": COUNTED.rename("label"),
    "category": pd.Series(LABELS).astype("category").value_counts(),
    "most_common": Counter(LABELS.tolist()).most_common(),
    "items": Counter(LABELS.tolist()).items(),
    "numpy.unique": np.unique(LABELS, return_counts=True),
    "torch.unique": torch.unique(torch.tensor(LABELS), return_counts=True),
}


@pytest.mark.parametrize("name", OF_LABELS)
def test_what_counts_labels_gives_the_counts_in_the_order_of_the_labels(name):
    """It gives the most frequent first; the loss, the monitor and subsets go by the label."""
    counts = read_counts(OF_LABELS[name])
    assert counts.n.tolist() == np.bincount(LABELS).tolist() == BY_LABEL.n.tolist()
    assert [float(label) for label in counts.names] == [0, 1, 2]


FILES_OF_LABELS = {
    "csv": (COUNTED.to_csv(), "c.csv"),
    "old pandas": (COUNTED.rename("label").rename_axis(None).to_csv(), "c.csv"),
    "with an index": (COUNTED.reset_index().to_csv(), "c.csv"),
    "json": (COUNTED.to_json(), "c.json"),
    "frame as json": (COUNTED.to_frame().to_json(), "c.json"),
    "records": (COUNTED.reset_index().to_json(orient="records"), "c.json"),
    "printed": (repr(COUNTED), "c.txt"),
    "uniq -c": ("     30 2\n     12 0\n      5 1\n", "c.txt"),
    "uniq -c, its blanks gone": ("30 2\n12 0\n5 1\n", "c.txt"),
    "yaml": ("2: 30\n0: 12\n1: 5\n", "c.yaml"),
    "Counter": (repr(Counter(LABELS.tolist())), "c.txt"),
    "swapped": ("count,label\n30,2\n12,0\n5,1\n", "c.csv"),
}


@pytest.mark.parametrize("name", FILES_OF_LABELS)
def test_files_of_counted_labels_are_in_the_order_of_the_labels(read, name):
    assert read(*FILES_OF_LABELS[name]) == BY_LABEL


def test_labels_from_one_on_are_in_their_order_too(read):
    assert read("3,5\n1,30\n2,12\n") == ClassCounts([30, 12, 5], names=("1", "2", "3"))
    assert read_counts({True: 30, False: 5}).n.tolist() == [5, 30]


def test_a_subset_for_counted_labels_has_them_of_each_class():
    images = np.zeros((120, 2, 2), dtype=np.uint8)
    data = ImageData("made", images, np.repeat(np.arange(3), 40), ("0", "1", "2"))
    named = ImageData("made", images, np.repeat(np.arange(3), 40), ("cat", "dog", "eel"))
    for source in (data, named):
        drawn = imbalanced_subset(source, read_counts(COUNTED), seed=0)
        assert np.bincount(drawn.labels).tolist() == np.bincount(LABELS).tolist()


def test_other_names_stay_where_they_are(read):
    for content in ("7,30\n2,5\n", "1,30\n0,5\nx,7\n", "10,3\n0,5\n", "b,3\na,5\n"):
        names = tuple(line.split(",")[0] for line in content.splitlines())
        assert read(content).names == names
    assert read_counts({3: 30, 1: 5}).names == ("3", "1")
    assert ClassCounts([5, 30], names=("1", "0")).names == ("1", "0")  # as it is told


def test_the_order_of_text_is_asked_about(read, tmp_path):
    """JSON with sorted keys has it, and so has a folder of classes; the labels differ."""
    names = sorted(map(str, range(12)))
    rows = "".join(f"{name},{int(name) + 5}\n" for name in names)
    for source in (rows, json.dumps(dict.fromkeys(names, 9))):
        with pytest.raises(ValueError, match=r"order of text, 0, 1, 10, .*ImageFolder"):
            read(source, "c.json" if source[0] == "{" else "c.csv")
    with pytest.raises(ValueError, match="order of text"):
        read_counts(dict.fromkeys(names, 9))
    # By number there is one reading, and of a folder as well.
    assert read("".join(f"{k},{k + 5}\n" for k in range(12))).n[2] == 7
    for name in names:
        (tmp_path / "f" / name).mkdir(parents=True)
        (tmp_path / "f" / name / "1.png").touch()
    assert read_counts(tmp_path / "f").names == tuple(names)


# ---------------------------------------------------------------- separators


@pytest.mark.parametrize(
    "texts",
    in_parts([
        "class;count\ncat;30\ndog;5\neel;12\n",
        "\ufeffclass;count\r\ncat;30\r\ndog;5\r\neel;12\r\n",
        "cat;30\ndog;5\neel;12",
        '"cat";"30"\n"dog";"5"\n"eel";"12"\n',
        "cat;30;\ndog;5;\neel;12;\n",
        "sep=;\nclass;count\ncat;30\ndog;5\neel;12\n",
        "sep=,\nclass,count\ncat,30\ndog,5\neel,12\n",
        "cat;30,0\ndog;5,0\neel;12,00\n",
        "class\tcount\ncat\t30\ndog\t5\neel\t12\n",
        "cat\t30\ndog\t5\neel\t12\nTotal\t47\n",
        "class|count\ncat|30\ndog|5\neel|12\n",
        "| class | count |\n|---|---|\n| cat | 30 |\n| dog | 5 |\n| eel | 12 |\n",
        "|class|n|\n|:--|--:|\n| cat | 30 |\n| dog | 5 |\n| eel | 12 |\n| **Total** | **47** |\n",
        " class | count \n------+-------\n cat  |    30\n dog  |     5\n eel  |    12\n(3 rows)\n",
        "cat 30\ndog 5\neel 12\n",
        "class count\ncat    30\ndog     5\neel    12\n",
        "cat: 30\ndog: 5\neel: 12\n",
        "cat=30\ndog=5\neel=12\n",
        "[counts]\ncat = 30\ndog = 5\neel = 12\n",
        "   class  count\n0    cat     30\n1    dog      5\n2    eel     12\n",
        "     30 cat\n      5 dog\n     12 eel\n",
        "  30 cat\n   5 dog\n  12 eel\n  47 total\n",
        "cat - 30\ndog - 5\neel - 12\n",
        "cat,30\rdog,5\reel,12\r",
        "30,cat\n5,dog\n12,eel\n",
        "30;cat\n5;dog\n12;eel\n",
        "30: cat\n5: dog\n12: eel\n",
        "30 = cat\n5 = dog\n12 = eel\n",
        "n,label\n30,cat\n5,dog\n12,eel\n",
        "number of images,class\n30,cat\n5,dog\n12,eel\n",
        ",class,count\n0,cat,30\n1,dog,5\n2,eel,12\n",
        "id,class,count\n1,cat,30\n2,dog,5\n3,eel,12\n",
        "0,cat,30\n1,dog,5\n2,eel,12\n",
        "class,count,share\ncat,30,63.8\ndog,5,10.6\neel,12,25.5\n",
        "class;count;Anteil\ncat;30;63,8 %\ndog;5;10,6 %\neel;12;25,5 %\n",
        "class,percent,count\ncat,64,30\ndog,11,5\neel,26,12\n",
        "class,count\ncat,30\ndog,5\neel,12\n\nN,47\n",
    ]),
)  # fmt: skip
def test_texts_with_one_reading_are_read(read, texts):
    for text in texts:
        assert read(text) == PETS, text
        assert read(text.encode("utf-16")) == PETS, text  # as Excel saves Unicode text


@pytest.mark.parametrize(
    "text",
    [
        'nv,"6,705"\nmel,"1,113"\n',
        'class,count\nnv,"6,705.00"\nmel,"1,113.00"\n',
        "nv\t6,705\nmel\t1,113\n",
        "| nv | 6,705 |\n| mel | 1,113 |\n",
        "nv;6.705\nmel;1.113\n",
        "nv;6.705,00\nmel;1.113,00\n",
        "nv;6705,0\nmel;1113,0\n",
        "nv,6 705\nmel,1 113\n",
        "nv,6\N{NO-BREAK SPACE}705\nmel,1\N{NARROW NO-BREAK SPACE}113\n",
        "nv,6'705\nmel,1\N{RIGHT SINGLE QUOTATION MARK}113\n",
        "nv,6_705\nmel,1113\n",
        "nv,6705.0\nmel,1113.0\n",
        "nv,6705.000\nmel,1113.000000\n",
        "nv\t6 705\nmel\t1 113\n",
        "nv: 6_705\nmel: 1_113\n",
        'nv,"6,705"\nmel,"1,113"\nTotal,"7,818"\n',
    ],
    ids=repr,
)
def test_thousands_with_one_reading_are_read(read, text):
    assert read(text) == SKIN


def test_a_longer_number_says_what_the_sign_is(read):
    assert read('nv,"1,234,567"\nmel,"6,000"\n').n.tolist() == [1234567, 6000]
    assert read("nv,1.234.567\nmel,6.000\n").n.tolist() == [1234567, 6000]


def test_names_keep_what_separates_elsewhere(read):
    assert read("a;b,3\nc;d,5\n").names == ("a;b", "c;d")
    assert read('"a;b";3\n"c";5\n').names == ("a;b", "c")
    assert read("golden retriever 30\ngreat dane 5\n").names == ("golden retriever", "great dane")
    assert read("     30 golden retriever\n      5 great dane\n").n.tolist() == [30, 5]
    assert read("class 1 705\nclass 2 113\n").n.tolist() == [705, 113]
    assert read("a: b: 30\nc: 5\n").names == ("a: b", "c")


@pytest.mark.parametrize(
    "refused",
    in_parts([
        ("nv 6,705\nmel 1,113\n", r"is nv 6,705 class nv 6, or a number with a thousands"),
        ("nv: 6,705\nmel: 1,113\n", r"is nv: 6,705 class nv: 6, or a number"),
        ("nv;6,705\nmel;1,113\n", r"line 1: count '6,705'.*thousands.*may be a decimal"),
        ("nv,6.705\nmel,1.113\n", r"line 1: count '6.705'.*thousands.*may be a decimal"),
        ('nv,"6,000"\nmel,5\n', r"line 1: '6,000' may have a thousands.*three decimals"),
        ("nv;513\nmel;1.000\n", r"line 2: '1.000' may have a thousands.*three decimals"),
        ("nv\t66,900\nmel\t33,100\n", r"line 1: '66,900'.*thousands.*percent"),
        ("nv;66.900\nmel;33.100\n", r"line 1: '66.900'.*thousands.*percent"),
        ("nv;0,669\nmel;0,331\n", r"line 1: count '0,669'.*a share"),
        ("nv,66.9%\nmel,33.1%\n", r"line 1: count '66.9%'.*a share"),
        ("class,percent\nnv,67\nmel,33\n", r"line 1: a column of shares, 'percent'"),
        ("6 705 nv\n1 113 mel\n", r"line 1: which of the numbers of '6 705 nv' is the count"),
        ("nv 6 705\nmel 1 113\n", r"line 1: which of the numbers of 'nv 6 705'"),
        ("nv 6705 67\nmel 1113 11\n", r"line 1: which of the numbers of 'nv 6705 67'"),
        ("6705 1\n1113 2\n115 3\n", r"line 1: which number of '6705 1' is the count"),
        ("6,705 nv\n1,113 mel\n", r"line 1: count '705 nv'"),
        ("8442,0 nv\n9,0 mel\n", r"line 1: count '0 nv'"),
        ("3.489 new york 2\n9 class 1\n", r"line 1: which of the numbers of '3.489 new york 2'"),
        ("5 star 30\n3 star 7\n", r"line 1: which of the numbers of '5 star 30'"),
        ("8,748,696;1\n5,772,305;3\n", r"line 1: a class '8,748,696' with 1 .*look like counts"),
        ("10 923 260\n", r"line 1: are the spaces of '10 923 260' gaps"),
        ("12:30\n13:45\n", r"line 1: count '12:30'"),
        ("1,cat\n2,dog\n3,eel\n", r"line 1: the numbers 1, 2, \.\.\. before 'cat'.*from_labels"),
        ("1001,cat\n1002,dog\n1003,cat\n", "number the rows .*from_labels"),
        ("9,cat\n7,dog\n8,cat\n", r"line 3: .*'cat' occurs more than once, first line 1"),
        ("no,class\n1,cat\n2,dog\n", r"line 1: the last column.* called 'class'"),
        ("class,train,test\ncat,30,3\ndog,5,1\n", r"line 1: 3 columns.*'class', 'train', 'test'"),
        ("class,count,weight\ncat,30,1.5\ndog,10,2.5\n", r"line 1: 3 columns.*'weight'"),
        ("cat,dog,eel\n30,5,12\n", r"line 1: 3 columns.*in a row of its own"),
        ("6705,1113,115\n", r"line 1: 3 columns.*a row of its own"),
        ("cat;30\ndog;5;7\n", r"line 2: 3 columns, expected 2"),
        ("# counts\nclass,count\nnv,6705\n", r"line 1: .*comments are not read; take the line"),
        ("class;count\n", r"below the header 'class;count'"),
        ("cat,30\n", r"line 1: .*2 to 1,000,000 class counts.*got 1, 'cat,30'"),
        ("cat;-5\ndog;3\n", r"line 1: count '-5'.*there is a sign before it"),
        ("cat\t30\ndog\t\n", r"line 2: count ''.*it is missing"),
        ("cat\ndog\ncat\n", r"line 1: count 'cat'.*from_labels"),
        ("a.jpg,cat\nb.jpg,dog\n", r"line 1: count 'cat'.*from_labels"),
        ("cat;30\ndog;5\neel;12\nGesamt;50\n", r"line 4: 'Gesamt' is 50, but .* add up to 47"),
    ]),
)  # fmt: skip
def test_texts_with_two_readings_or_none_are_refused(read, refused):
    for text, words in refused:
        with pytest.raises(ValueError, match=r"counts\.csv.*" + words):
            read(text)


@pytest.mark.parametrize("name", ["Sum", "All", "Gesamt", "N", "Total", "n", "# images", "TOTAL"])
def test_a_sum_is_left_out_of_objects_as_of_files(read, name):
    rows = {"cat": 30, "dog": 5, "eel": 12, name: 47}
    assert read_counts(rows) == PETS
    assert read_counts(pd.Series(rows)) == PETS
    assert read("".join(f"{n} {c}\n" for c, n in zip(rows, rows.values(), strict=True))) == PETS
    if name == "All":
        assert read_counts(pd.crosstab(ANIMALS, "n", margins=True)["All"]) == PETS


NAMES = ["cat", "dog", "k-9", "A.B", "naïve", "3D", "x_1", "10k", "golden retriever", "class 7"]
NAMES += ["x (y)", "a=b", "a;b", "5 star", "b|c", "0", "12"]
WRITTEN = {
    "plain": str,
    "with commas": "{:,}".format,
    "with points": lambda n: f"{n:,}".replace(",", "."),
    "with spaces": lambda n: f"{n:,}".replace(",", " "),
    "as floats": "{:.1f}".format,
    "with decimal commas": "{},0".format,
}
SEPARATORS = [",", ";", "\t", "|", " ", "  ", ": ", " = "]


@given(
    st.lists(st.sampled_from(NAMES), min_size=2, max_size=5, unique=True),
    st.data(),
    st.sampled_from(SEPARATORS),
    st.sampled_from(sorted(WRITTEN)),
    st.sampled_from([None, ("class", "count"), ("label", "n")]),
    st.booleans(),
    st.booleans(),
)
def test_what_is_read_is_what_was_written(
    tmp_path_factory, names, data, separator, style, header, swapped, with_total
):
    """In whatever shape: other counts or other names are worse than an error."""
    size = st.one_of(st.integers(1, 9), st.integers(100, 9999), st.integers(1000, 10**7))
    n = data.draw(st.lists(size, min_size=len(names), max_size=len(names)))
    rows = list(zip(names, n, strict=True)) + [("Total", sum(n))] * with_total
    # Between two numbers nothing says which is the count: it is the second.
    assume(not swapped or header or not all(name.isdigit() for name in names))

    def cell(text):
        return f'"{text}"' if separator in text and separator in ",;" else text

    lines = [(cell(name), cell(WRITTEN[style](count))) for name, count in rows]
    lines = [*([header] if header else []), *lines]
    text = "\n".join(separator.join(line[::-1] if swapped else line) for line in lines)
    path = tmp_path_factory.getbasetemp() / "dialect.txt"
    path.write_text(text, encoding="utf-8")
    try:
        found = read_counts(path)
    except ValueError:
        event("refused")
        return
    event("read")
    assert dict(zip(found.names, found.n.tolist(), strict=True)) == dict(zip(names, n, strict=True))


# ---------------------------------------------------------------- what programs print and write


PRINTED = {
    "value_counts": repr(ANIMALS.value_counts()),
    "to_string": ANIMALS.value_counts().to_string(),
    "frame": repr(ANIMALS.value_counts().reset_index()),
    "frame with an index": ANIMALS.value_counts().to_frame().to_string(),
    "dict": repr(ANIMALS.value_counts().to_dict()),
    "numpy's own": repr({k: np.int64(n) for k, n in ANIMALS.value_counts().items()}),
    "Counter": repr(Counter(ANIMALS)),
    "OrderedDict": repr(OrderedDict(ANIMALS.value_counts())),
    "defaultdict": repr(defaultdict(int, ANIMALS.value_counts().to_dict())),
    "pairs": repr(Counter(ANIMALS).most_common()),
    "variable": f"counts = {Counter(ANIMALS)!r}",
}


@pytest.mark.parametrize("name", PRINTED)
def test_what_pandas_and_python_print_is_read(read, name):
    assert read(PRINTED[name], "counts.txt") == FALLING


@pytest.mark.parametrize(
    "value",
    [
        [30, 5, 12], (30, 5, 12), np.array([30, 5, 12]), torch.tensor([30, 5, 12]),
        "30 5 12", "count: [30, 5, 12]"[7:], "- 30\n- 5\n- 12\n",
    ],
    ids=repr,
)  # fmt: skip
def test_lists_that_python_prints_are_read(read, value):
    text = value if isinstance(value, str) else repr(value)
    assert read(text, "counts.txt") == ClassCounts([30, 5, 12])


def test_what_was_not_printed_is_missed(read):
    for counts in (
        pd.Series(range(100, 300)),
        pd.Series(range(9, 99), [f"c{k}" for k in range(90)]),
    ):
        with pd.option_context("display.max_rows", 10):
            assert ".." in repr(counts)
            with pytest.raises(ValueError, match=r"stands for classes that were not printed"):
                read(repr(counts), "counts.txt")
    with pytest.raises(ValueError, match=r"counts\.txt: number 4: '\.\.\.'"):
        read("[100, 101, 102, ..., 299]", "counts.txt")
    with pytest.raises(ValueError, match=r"line 2: count '0\.638298'.*a share"):
        read(repr(ANIMALS.value_counts(normalize=True)), "counts.txt")


INDEXED = FRAME.set_index("class")
ORIENTS = ["columns", "index", "split", "records", "values", "table"]


@pytest.mark.parametrize("orient", ORIENTS)
def test_frames_that_pandas_writes_as_json_are_read(read, orient):
    assert read(FRAME.to_json(orient=orient), "c.json") == PETS
    if orient in ("records", "values"):  # without the index
        assert read(INDEXED.to_json(orient=orient), "c.json") == ClassCounts(PETS.n)
    else:
        assert read(INDEXED.to_json(orient=orient), "c.json") == PETS
    if orient in ("index", "split", "records", "table"):
        of_series = read(FRAME.set_index("class")["count"].to_json(orient=orient), "c.json")
        assert of_series == (ClassCounts(PETS.n) if orient == "records" else PETS)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (FRAME.to_json(orient="records", lines=True), "c.jsonl"),
        (FRAME.to_json(orient="records", lines=True), "c.json"),
        (json.dumps(FRAME.to_dict("list")), "c.json"),
        (json.dumps(PETS.to_dict()), "c.json"),
        ('{"counts": {"cat": 30, "dog": 5, "eel": 12}}', "c.json"),
        (FRAME[["count", "class"]].to_json(orient="records"), "c.json"),
        ('{"cat": 30, "dog": 5, "eel": 12}', "c.txt"),
        ("{'cat': 30, 'dog': 5, 'eel': 12}", "c.json"),
        ("{cat: 30, dog: 5, eel: 12}", "c.yaml"),
        ("counts:\n  cat: 30\n  dog: 5\n  eel: 12\n", "c.yml"),
        ("---\n# of the train set\ncat: 30  # and more\n'dog': 5\n\"eel\": 12\n", "c.yaml"),
        ("- cat: 30\n- dog: 5\n- eel: 12\n", "c.yaml"),
    ],
    ids=repr,
)  # fmt: skip
def test_json_and_yaml_with_one_reading_are_read(read, text, name):
    assert read(text, name) == PETS


CODES = pd.DataFrame({"breed": [7, 2], "n": [30, 5]})


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('{"class": "cat", "n": 30}\n{"class": "dog", "n": 5}', ("cat", "dog")),  # two lines
        ('{"n": 30, "cat": 5}', ("n", "cat")),
        ('{"n": 30, "names": 5}', ("n", "names")),
        ('{"n": [30, 5], "names": ["cat", "dog"]}', ("cat", "dog")),
        ('{"n": [30, 5]}', None),
        ('{"data": 30, "name": 5}', ("data", "name")),
        ('{"data": 30, "cat": 5}', ("data", "cat")),
        ('[{"count": 30}, {"count": 5}]', None),
        ('{"name": "n", "columns": ["n"], "index": ["a", "b"], "data": [30, 5]}', ("a", "b")),
        ('[{"class": 0, "count": 30}, {"class": 1, "count": 5}]', ("0", "1")),
        ('[{"of": "a", "n": 30, "%": 0.857}, {"of": "b", "n": 5, "%": 0.143}]', ("a", "b")),
        (CODES.to_json(), ("7", "2")),
        (CODES.set_index(pd.RangeIndex(1, 3)).to_json(), ("7", "2")),
        (CODES.reset_index().to_json(orient="records"), ("7", "2")),
    ],
    ids=lambda value: repr(value)[:50],
)  # fmt: skip
def test_the_keys_of_json_say_what_the_numbers_are(read, text, names):
    assert read(text, "c.json") == ClassCounts([30, 5], names=names)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"class": {"0": "a", "1": "b"}, "n": {"0": 3, "2": 4}}', "'class' holds an object"),
        ('[{"x": 3}, {"x": 4}]', "a list of objects with the keys 'x'"),
        ('[{"count": 3}]', "a list of objects with the keys 'count'; .*and the count of each$"),
        ('{"class": "cat", "n": 30}\n{"class": "dog" 5}', "not valid JSON"),
        ('{"cat": 3, "dog": "5"}', r"n\[1\] \(class 'dog'\) = '5' is not a number"),
        ("{}", "2 to 1,000,000 class counts; got 0"),
    ],
)
def test_json_of_other_keys_is_refused(read, text, words):
    with pytest.raises(ValueError, match=r"c\.json: .*" + words):
        read(text, "c.json")


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        ('{"a": {"x": 3}, "b": {"x": 4}}', "c.json", "'a' holds an object.*keep that part"),
        ('{"train": [3, 4], "val": [1, 2]}', "c.json", "'train' holds a list.*keep that part"),
        ('[{"class": "a", "n": null}, {"class": "b", "n": 4}]', "c.json", r"record 1: \['a', N"),
        ('[{"class": "a", "n": 3}, {"class": "b", "n": 0}]', "c.json", "record 2: count '0'"),
        (json.dumps([{"name": n, "image_count": 6, "instance_count": 9} for n in "ab"]), "c.json",
         "objects with the keys 'name', 'image_count', 'instance_count'.*keep the name and the"),
        ("train:\n  a: 3\nval:\n  a: 1\n", "c.yaml", "line 3: 'val:' has no count behind it"),
        ("- name: a\n  count: 3\n- name: b\n  count: 4\n", "c.yaml", "line 1: .*several lines"),
        (GZIPPED, "c.csv.gz", "compressed by gzip; unpack it first"),
        (b"version https://git-lfs.github.com/spec/v1\n", "c.csv", "pointer of Git LFS"),
        (b"<!DOCTYPE html>\n<html>", "c.csv", "a web page"),
        (b"cat,30\0\ndog,5\n", "c.csv", "zero bytes"),
        ("größe;30\nb;5\n".encode("cp1252"), "c.csv", "not a UTF-8 .*save it as UTF-8"),
        (repr((np.arange(3), np.array([30, 5, 12]))), "c.txt", "a list within a list"),
        ("Counter({'a': 1})", "c.txt", "1 classes: give the samples of two or more"),
    ],
    ids=repr,
)  # fmt: skip
def test_other_files_say_what_they_are(read, content, name, words):
    with pytest.raises(ValueError, match=words):
        read(content, name)


# ---------------------------------------------------------------- labels and classes of none


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("1\n2\n1\n3\n2\n", "y.txt"),
        (npy(np.array([3, 1, 2, 2, 1])), "y.npy"),
        (npy(np.array([1.0, 2, 3, 1, 2])), "y.npy"),
        ("1 2 1 2 3 1\n", "y.txt"),
        ("\n".join(str(k % 10 + 1) for k in range(300) if k % 10 != 6), "y.txt"),
        ("".join(f"s{k},{k % 3 + 1}\n" for k in range(30)), "y.csv"),
        ("".join(f"{k}\t{k % 3 + 1}\n" for k in range(30)), "y.tsv"),
        ("id;label\na;1\nb;2\n", "y.csv"),
        ("1\n" * 1_001_001, "y.txt"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_labels_in_every_shape_are_no_counts(read, content, name):
    with pytest.raises(ValueError, match=r"from_labels"):
        read(content, name)


@pytest.mark.parametrize(
    "source",
    [
        pd.Series([1, 2, 1, 3], name="label"),
        pd.DataFrame({"label": [1, 2, 1, 3]}),
        pd.DataFrame({"target": ["a", "b", "a"]}),
    ],
    ids=["Series", "frame", "frame of names"],
)
def test_columns_of_labels_are_no_counts(source):
    with pytest.raises(ValueError, match=r"from_labels.*call it 'count'"):
        read_counts(source)


def test_one_column_is_a_column_of_counts(read):
    column = np.array([[30], [5], [12]])
    for source in (
        column,
        torch.tensor(column),
        pd.DataFrame(column),
        pd.DataFrame({"n": [30, 5, 12]}),
    ):
        assert read_counts(source) == ClassCounts([30, 5, 12])
    assert read(npy(column), "c.npy") == ClassCounts([30, 5, 12])
    assert read_counts(Counter(ANIMALS).most_common()) == FALLING
    with pytest.raises(ValueError, match=r"shape \(2, 2\)"):
        read_counts([[3, 5], [1, 2]])
    with pytest.raises(ValueError, match="from_labels"):
        read(npy(np.array([[1], [2], [1], [2]])), "y.npy")


def test_frames_may_have_the_counts_first():
    swapped = FRAME[["count", "class"]]
    assert read_counts(swapped) == PETS
    numbers = pd.DataFrame({"count": [30, 5], "class": [1, 0]})
    assert read_counts(numbers) == ClassCounts([5, 30], names=("0", "1"))


@pytest.mark.parametrize(
    "labels",
    [
        pd.Series(["cat", "dog", "cat"]),
        pd.Series(["cat", "dog", "cat"], dtype=object),
        pd.Series(["cat", "dog", "cat"], dtype="string"),
        pd.Categorical(["cat", "dog", "cat"]),
        pd.Series(["cat", "dog", "cat"], dtype="category"),
        pd.DataFrame({"label": ["cat", "dog", "cat"]}),
        np.array(["cat", "dog", "cat"], dtype=object),
        pd.Index(["cat", "dog", "cat"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_labels_of_pandas_are_counted(labels):
    assert ClassCounts.from_labels(labels) == ClassCounts([2, 1], names=("cat", "dog"))


def test_objects_of_whole_numbers_are_sorted_as_numbers():
    labels = np.array([10, 2, 10], dtype=object)
    assert ClassCounts.from_labels(labels) == ClassCounts([1, 2], names=("2", "10"))
    assert ClassCounts.from_labels(pd.Series([10, 2, 10], dtype="Int64")).names == ("2", "10")


def test_the_codes_of_categories_are_the_labels():
    labels = pd.Categorical(["s", "l", "m", "s"], categories=["s", "m", "l"], ordered=True)
    counts = ClassCounts.from_labels(labels)
    assert counts.names == ("s", "m", "l")
    assert counts.n.tolist() == np.bincount(labels.codes).tolist()


@pytest.mark.parametrize(
    ("labels", "error", "words"),
    [
        (pd.Categorical(["a", "b"], ["a", "b", "c"]), ValueError, "'c' without .*remove_unused"),
        (pd.Categorical(["a", None, "b"]), ValueError, r"labels\[1\] is missing, one of 1"),
        (pd.Series(["a", None, "b", None], dtype=object), ValueError, r"\[1\] is missing .*of 2"),
        (pd.Series([1, "b", 2], dtype=object), TypeError, r"all of one kind; labels\[1\] = 'b'"),
        (pd.Series([1.5, 2, 2], dtype=object), TypeError, r"labels\[0\] = 1.5"),
        ([1.0, 2.0, 2.0], TypeError, r"float64; they are whole, so take labels.astype\(int\)"),
        ([1.0, np.nan, 2.0], TypeError, "float64; 1 of them are missing"),
        (np.array([[1], [2]]), ValueError, r"shape \(2, 1\); take its one column, labels.ravel"),
    ],
    ids=repr,
)
def test_labels_that_cannot_be_counted_say_why(labels, error, words):
    with pytest.raises(error, match=words):
        ClassCounts.from_labels(labels)


@pytest.mark.parametrize(
    "make",
    [
        lambda read: ClassCounts([5, 0, 3]),
        lambda read: ClassCounts([5.0, 0.0, 3.0]),
        lambda read: read_counts({"a": 5, "b": 0}),
        lambda read: read_counts(torch.bincount(torch.tensor([0, 2, 2]))),
        lambda read: read_counts(pd.Categorical(["a"], ["a", "b"]).value_counts()),
        lambda read: read("a,5\nb,0\n"),
        lambda read: read("a;5\nb;0\n"),
        lambda read: read('{"a": 5, "b": 0}', "c.json"),
        lambda read: read(npy(np.array([5, 0, 3])), "c.npy"),
    ],
)
def test_a_class_without_samples_says_how_to_leave_it_out(read, make):
    with pytest.raises(ValueError, match=r"0.*leave out .*from 0 to K - 2"):
        make(read)


def test_labels_without_a_class_say_how_to_number_them():
    """And what they say does it."""
    features, labels = (
        np.random.default_rng(0).standard_normal((6, 2)),
        np.array([0, 0, 3, 3, 4, 4]),
    )
    says = r"no samples of class 1, 2; .*numpy\.unique\(labels, return_inverse=True\)\[1\] numbers"
    with pytest.raises(ValueError, match=says):
        nc1(features, labels)
    assert nc1(features, np.unique(labels, return_inverse=True)[1]).rank == 2


def test_an_empty_folder_says_how_to_leave_it_out(tmp_path):
    for name in ("a/1.png", "b/1.png", "c/notes.txt"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=r"c: no images.*remove the folder to leave the class"):
        read_counts(tmp_path)
    (tmp_path / "c" / "notes.txt").unlink()
    (tmp_path / "c").rmdir()
    assert read_counts(tmp_path).names == ("a", "b")


# ---------------------------------------------------------------- containers and labels: limits


@pytest.mark.parametrize(
    "source",
    [
        (3, 5),
        [3, 5],
        (np.int64(3), np.int64(5)),
        [np.int64(3), np.int64(5)],
        (np.array(3), np.array(5)),
        (torch.tensor(3), torch.tensor(5)),
        np.array([3, 5]),
        torch.tensor([3.0, 5.0]),
        pd.Series([3, 5]),
        pd.Index([3, 5]),
        pd.DataFrame({"count": [3, 5]}),
    ],
    ids=lambda source: f"{type(source).__name__} {source!r}"[:30],
)
def test_two_counts_are_no_pair_of_a_class_and_a_count(source):
    assert as_counts(source) == ClassCounts([3, 5])


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ((np.array([7, 9]), np.array([3, 5])), ("7", "9")),
        ((np.array(["x", "y"]), np.array([3, 5])), ("x", "y")),
        ([("x", 3), ("y", 5)], ("x", "y")),
        ([(np.int64(7), np.int64(3)), (np.int64(9), np.int64(5))], ("7", "9")),
        ({"x": np.int64(3), "y": torch.tensor(5)}, ("x", "y")),
        (pd.Series([3, 5], ["x", "y"]), ("x", "y")),
        (pd.Series([3, 5], ["x", "y"], name="label"), ("x", "y")),
        (pd.DataFrame({"target": [3, 5]}, ["x", "y"]), ("x", "y")),
        (pd.DataFrame({"count": [7, 9], "n": [3, 5]}), ("7", "9")),
        (pd.DataFrame({"a": [7, 9], "count": [3, 5]}), ("7", "9")),
        (pd.DataFrame({"COUNT": [3, 5], "b": [7, 9]}), ("7", "9")),
        (pd.DataFrame({"a": [3, 5], "b": ["x", "y"]}), ("x", "y")),
        (pd.DataFrame({"n": ["x", "y"], "b": [3, 5]}), ("x", "y")),
    ],
    ids=lambda value: f"{type(value).__name__} {value!r}"[:40],
)
def test_names_and_counts_are_told_apart(source, names):
    assert as_counts(source) == ClassCounts([3, 5], names=names)


def test_names_of_two_levels_are_those_of_both():
    levels = pd.MultiIndex.from_tuples([("x", 1), ("y", 2)])
    assert as_counts(pd.Series([3, 5], levels)).names == ("('x', 1)", "('y', 2)")


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        (np.array([[3, 5]]), ValueError, r"shape \(1, 2\)"),
        (np.array([[5]]), ValueError, r"shape \(1, 1\)"),
        ((np.ones((2, 2)), np.ones((2, 2))), ValueError, r"shape \(2, 2, 2\)"),
        ((np.array([1, 2]), np.array([3])), ValueError, "nested"),
        ((np.array([1, 2]),) * 3, ValueError, r"shape \(3, 2\)"),
        ([("x", "3"), ("y", "5")], ValueError, r"shape \(2, 2\)"),
        ([], ValueError, "got 0"),
        (4, TypeError, "n must be a sequence of numbers; got 4"),
        ((("x", 3), ("y", 5)), ValueError, r"shape \(2, 2\)"),
        (
            pd.DataFrame([[1] * 9], columns=list("abcdefghi")),
            ValueError,
            "one column .count. or two .*; got 9: 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'$",
        ),
        (pd.DataFrame(index=[0, 1]), ValueError, "or two .*; got 0: $"),
    ],
    ids=lambda value: f"{value!r}"[:30],
)
def test_other_objects_are_refused_as_what_they_are(source, error, words):
    with pytest.raises(error, match=words):
        as_counts(source)


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["1", "0"], [1, 0]),
        (["2", "1"], [1, 0]),
        (["True", "False"], [1, 0]),
        (["1", "False"], [1, 0]),
        (["2.0", "0.0", "1.0"], [1, 2, 0]),
        (["1", "3", "2"], [0, 2, 1]),
        (["0", "1"], None),
        (["3", "2"], None),  # from 2 on
        (["2", "0"], None),  # without 1
        (["0.0", "0", "2"], None),  # 0 twice
        (["2", "0", "0.5"], None),
        (["1", "0", "-1"], None),
        (["1", "x"], None),
    ],
    ids=repr,
)
def test_names_that_are_labels_are_brought_into_their_order(names, labels):
    n = [30, 5, 12][: len(names)]
    order = range(len(names)) if labels is None else labels
    expected = ClassCounts([n[k] for k in order], names=[names[k] for k in order])
    assert as_counts(dict(zip(names, n, strict=True))) == expected


def test_three_names_in_the_order_of_text_are_asked_about():
    with pytest.raises(ValueError, match="the classes 0 to 2 stand in the order of text, 0, 2, Tr"):
        as_counts({"0": 3, "2": 5, "True": 7})
    names = sorted(map(str, range(1, 11)))
    with pytest.raises(ValueError, match="the classes 1 to 10 stand in the order of text, 1, 10,"):
        as_counts(dict.fromkeys(names, 3))


@pytest.mark.parametrize(
    ("labels", "error", "words"),
    [
        (np.array([]), TypeError, "values of type float64$"),
        ([True, False], TypeError, "values of type bool$"),
        ([np.nan, 1.0, np.nan], TypeError, "float64; 2 of them are missing"),
        ([1 + 2j, 2], TypeError, "values of type complex128$"),
        (np.array([[1, 2]]), ValueError, r"shape \(1, 2\)$"),
        (np.array([[[1]], [[2]]]), ValueError, r"shape \(2, 1, 1\)$"),
        (np.array([1, "b", "c"], dtype=object), TypeError, r"all of one kind; labels\[0\] = 1"),
        (np.array([True, 1, 2], dtype=object), TypeError, r"not bool; labels\[0\] = True"),
        (np.array([1, 2, np.nan], dtype=object), ValueError, r"labels\[2\] is missing .*of 1;"),
        (pd.Series(["a", None, "b"], dtype="string"), ValueError, r"labels\[1\] is missing"),
        (pd.Series([1, None, 2], dtype="Int64"), TypeError, "float64; 1 of them are missing"),
        (pd.Categorical([], ["a"]), ValueError, r"at least two classes; got \['a'\]"),
        (pd.Categorical([], []), ValueError, r"at least two classes; got \[\]"),
        (pd.Categorical(["a"]), ValueError, r"at least two classes; got \['a'\]"),
        (pd.Categorical(["a"], ["a", "b"]), ValueError, "a category 'b' without samples"),
        (pd.Categorical([None, "a", None], ["a"]), ValueError, r"\[0\] is missing, one of 2"),
        (pd.DataFrame({"a": [1, 2], "b": [1, 2]}), ValueError, r"shape \(2, 2\)$"),
    ],
    ids=repr,
)
def test_other_labels_are_refused_as_what_they_are(labels, error, words):
    with pytest.raises(error, match=words):
        ClassCounts.from_labels(labels)
