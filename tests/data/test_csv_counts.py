"""Class counts from CSV files: names, counts, headers, and every bad table."""

import pytest

from nclib import read_counts

CIFAR = [500, 500, 400, 400, 300, 300, 200, 200, 100, 100]


@pytest.fixture
def csv(tmp_path):
    def write(text, encoding="utf-8", newline=None):
        path = tmp_path / "counts.csv"
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(text, encoding=encoding, newline=newline)
        return path

    return write


READABLE = {
    "header": "class,count\ncat,3\ndog,5\n",
    "no header": "cat,3\ndog,5\n",
    "no newline at the end": "cat,3\ndog,5",
    "CRLF": b"class,count\r\ncat,3\r\ndog,5\r\n",
    "byte order mark": "\ufeffclass,count\ncat,3\ndog,5\n",
    "byte order mark, no header": "\ufeffcat,3\ndog,5\n",
    "blank lines": "\nclass,count\n\ncat,3\n\n\ndog,5\n\n",
    "spaces": "cat , 3\ndog, 5 \n",
    "quoted": '"class","count"\n"cat","3"\n"dog","5"\n',
}


@pytest.mark.parametrize("name", READABLE)
def test_reads_names_and_counts(name, csv):
    counts = read_counts(csv(READABLE[name]))
    assert counts.names == ("cat", "dog")
    assert counts.n.tolist() == [3, 5]


@pytest.mark.parametrize(
    "text",
    ["3\n5\n", "count\n3\n5\n", "\ufeff3\n5", b"count\r\n3\r\n5\r\n", "\n3\n\n5\n"],
    ids=repr,
)
def test_reads_a_bare_column(text, csv):
    counts = read_counts(csv(text))
    assert counts.names is None
    assert counts.n.tolist() == [3, 5]


def test_keeps_quoted_commas_in_names(csv):
    counts = read_counts(csv('name,count\n"cat, black",3\n"say ""dog""",5\n'))
    assert counts.names == ("cat, black", 'say "dog"')


def test_keeps_names_that_look_like_numbers(csv):
    counts = read_counts(csv("0,3\n1,5\n"))
    assert counts.names == ("0", "1")
    assert counts.n.tolist() == [3, 5]


def test_takes_a_string_path_and_other_alphabets(csv):
    counts = read_counts(str(csv("größe,3\n猫,5\n")))
    assert counts.names == ("größe", "猫")


REFUSED = [
    ("cat,3\ndog,5,7\n", "line 2"),
    ("class,count\ncat,3\ndog\n", "line 3"),
    ("a,b,count\n1,2,3\n", "line 1"),
    ("class,count\ncat,3\ndog,five\n", "line 3.*five"),
    ("class,count\ncat,3\n\ndog,-5\n", "line 4.*-5"),
    ("cat,3\ndog,0\n", "line 2.*0"),
    ("cat,3\ndog,1.5\n", "line 2.*1.5"),
    ("cat,3\ndog,\n", "line 2"),
    ("cat,3\ndog,nan\n", "line 2.*nan"),
    ("cat,3\ndog,9007199254740992\n", "line 2.*9007199254740992"),
    ("3\nfive\n", "line 2.*five"),
    ("class;count\ncat;3\n", "line 2"),
    ("cat,3\ndog,5_0\n", "line 2.*5_0"),
    ("cat,3\ndog,٥\n", "line 2"),  # a digit, but not one that int() should read here
    ('cat,3\n"dog,5\n', "line"),
    ("cat,3\ncat,5\n", "cat"),
    ("", "counts.csv"),
    ("\n\n", "counts.csv"),
    ("class,count\n", "counts.csv"),
    ("class,count\ncat,3\n", "counts.csv"),
    (",3\n,5\n", ""),
]


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=lambda v: repr(v))
def test_refuses_bad_tables(text, message, csv):
    with pytest.raises(ValueError, match=rf"(?s){message}") as caught:
        read_counts(csv(text))
    assert "counts.csv" in str(caught.value)


@pytest.mark.parametrize(
    "text", ["cat,1,234\ndog,5,678\n", "1,234\n5,678\n9,113\n", "cat,1.234\ndog,5\n"], ids=repr
)
def test_refuses_thousands_separators_with_a_hint(text, csv):
    with pytest.raises(ValueError, match=r"(?s:.*)thousands"):
        read_counts(csv(text))


def test_refuses_other_encodings(csv):
    for encoding in ("utf-16-le", "utf-32", "latin-1"):
        with pytest.raises(ValueError, match=r"counts\.csv.*(?i:utf-8)"):
            read_counts(csv("größe,3\ndog,5\n", encoding=encoding))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_that_is_cut_short_is_called_so(csv, encoding):
    path = csv("\ufeffcat,30\ndog,5\n", encoding=encoding)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"counts\.csv: not a UTF-8 text file but UTF-16"):
        read_counts(path)


def test_refuses_utf_16_without_a_mark(csv):
    """Plain letters in UTF-16 are valid UTF-8 with zero bytes between them."""
    with pytest.raises(ValueError, match=r"counts\.csv"):
        read_counts(csv("cat,3\ndog,5\n", encoding="utf-16-le"))


def test_names_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.csv"):
        read_counts(tmp_path / "nothing.csv")


def test_refuses_a_folder(tmp_path):
    with pytest.raises((OSError, ValueError), match=tmp_path.name):
        read_counts(tmp_path)


def test_reads_what_a_spreadsheet_program_writes(csv):
    rows = "".join(f"class {k},{c}\r\n" for k, c in enumerate(CIFAR))
    counts = read_counts(csv(("name,n\r\n" + rows).encode("utf-8-sig")))
    assert counts.n.tolist() == CIFAR
    assert counts.names[-1] == "class 9"
