"""How tables, paragraphs, errors and JSON are written: one page at a time, in this process."""

import io
import json
import re
import sys

import numpy as np
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from pages import tables_of
from rich.cells import cell_len

from nclib import cli
from nclib.cli import _output as out


def printed(capsys, monkeypatch, width, *arguments, **options):
    monkeypatch.setenv("COLUMNS", str(width))
    out.show_table(*arguments, **options)
    return capsys.readouterr().out


words = st.text(st.sampled_from("abcdefgh0123456789.,%"), min_size=1, max_size=14)


@given(data=st.data())
def test_no_value_is_cut_whatever_the_width(capsys, monkeypatch, data):
    width = data.draw(st.integers(40, 130))
    columns = data.draw(st.lists(words, min_size=2, max_size=10))
    rows = data.draw(st.lists(st.tuples(*[words] * len(columns)), min_size=1, max_size=4))
    text = printed(capsys, monkeypatch, width, "a title", columns, rows)
    lines = text.splitlines()
    assert lines[0] == "a title"
    assert max(map(cell_len, lines)) <= width
    tables = tables_of(text)
    # Every table names the rows, and all other columns follow each other in their order.
    heads, cells = [], [[] for _ in rows]
    for head, body in tables:
        (head,) = [line.split() for line in head]
        assert head[0] == columns[0]
        heads += head[1:]
        for i, line in enumerate(body):
            name, *values = line.split()
            assert name == rows[i][0]
            cells[i] += values
    assert heads == columns[1:]
    assert cells == [list(row[1:]) for row in rows]
    # No table is begun before the one above is full.
    begun = 0
    for head, _ in tables[:-1]:
        begun += len(head[0].split()) - 1
        following = max(
            len(text) for text in (columns[begun + 1], *(row[begun + 1] for row in rows))
        )
        assert len(head[0]) + 3 + following > width


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_long_names_are_wrapped_and_all_there(capsys, monkeypatch, width):
    names = [
        "a class with a long name of many words " * 2,
        "x" * 90,
        "\N{CJK UNIFIED IDEOGRAPH-65E5}" * 40,
    ]
    rows = [(name, 123456, 0.5) for name in names]
    text = printed(capsys, monkeypatch, width, "t", ["class", "samples", "own logit"], rows)
    assert max(map(cell_len, text.splitlines())) <= width
    ((_, body),) = tables_of(text)
    assert sum(line.count("123,456") for line in body) == 3
    letters = re.sub(r"123,456|0\.5|\s", "", "".join(body))
    assert letters == re.sub(r"\s", "", "".join(names))


def test_a_page_has_the_columns_it_is_said_to_have(capsys, monkeypatch):
    columns, row = [f"column {i}" for i in range(9)], [f"value {i}" for i in range(9)]
    monkeypatch.delenv("COLUMNS", raising=False)
    for asked, pages in (("200", 1), ("60", 2), ("0", 1), ("wide", 1), ("", 1), ("45", 3)):
        monkeypatch.setenv("COLUMNS", asked)
        out.show_table("t", columns, [row])
        # 9 columns of 8 and 8 gaps of 3 are fewer than the 110 of a page that is no terminal.
        assert len(tables_of(capsys.readouterr().out)) == pages


def test_a_paragraph_has_110_columns_where_none_are_given(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    out.show("a" * 54 + " " + "b" * 55, "a" * 54 + " " + "b" * 56)
    lines = capsys.readouterr().out.splitlines()
    assert [len(line.rstrip()) for line in lines] == [110, 54, 56]


@pytest.mark.parametrize(("width", "share"), [(40, 16), (48, 16), (61, 20), (66, 22)])
def test_names_get_a_third_of_the_page_and_16_columns_at_least(capsys, monkeypatch, width, share):
    for length, parts in ((share, [share]), (share + 1, [share, 1])):
        text = printed(capsys, monkeypatch, width, "t", ["class", "n"], [("x" * length, 1)])
        ((_, body),) = tables_of(text)
        assert [line.count("x") for line in body] == parts


@pytest.mark.parametrize("left", [1, 2])
def test_columns_that_just_fit_are_in_one_table(capsys, monkeypatch, left):
    columns, row = ["class", "second", "third", "fourth"], ["abcde", "f" * 8, "g" * 9, "h" * 10]
    # Widths and gaps of 3, and a blank at either end.
    width = 5 + 8 + 9 + 10 + 3 * 3 + 2
    for page, count in ((width, 1), (width - 1, 2)):
        text = printed(capsys, monkeypatch, page, "t", columns, [row], left=left)
        assert len(tables_of(text)) == count
        assert max(map(cell_len, text.splitlines())) <= page
        assert text.count("abcde") == count
        assert text.count("f" * 8) == (count if left == 2 else 1)


def test_names_are_aligned_left_and_all_else_right(capsys, monkeypatch):
    columns, rows = ["n", "fff", "g", "h"], [("a", "b", 1, 2), ("cc", "dd", 33, 44)]
    for left, expected in (
        (1, [" a      b    1    2 ", " cc    dd   33   44 "]),
        (2, [" a    b      1    2 ", " cc   dd    33   44 "]),
    ):
        ((_, body),) = tables_of(
            printed(capsys, monkeypatch, 80, "t", columns, rows, left=left)
        )  # fmt: skip
        assert body == expected


def test_what_looks_like_an_order_to_rich_is_printed_as_it_is(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    out.show("12 of [bold]these[/bold] :cat: c")
    assert capsys.readouterr().out == "12 of [bold]these[/bold] :cat: c\n"


def test_of_more_than_30_rows_the_first_and_the_last_are_shown_and_it_says_so(capsys, monkeypatch):
    assert out.shortened(range(30)) == list(range(30))
    assert out.shortened(range(31)) == [*range(15), None, *range(16, 31)]
    assert out.shortened(range(6), 4) == [0, 1, None, 4, 5]
    for total, words in ((None, ""), (30, ""), (1031, "1,031 rows; --json has all of them.")):
        text = printed(capsys, monkeypatch, 80, "t", ["k", "n"], [(0, 1), None], total=total)
        ((_, body),) = tables_of(text)
        assert [line.split() for line in body[:2]] == [["0", "1"], ["...", "..."]]
        assert ("rows" in text) == bool(words)
        assert words in text


def test_values_are_written_as_people_write_them():
    values = [None, True, False, 1234, 0.5, 1 / 3, 12345.6, float("nan"), "as it is"]
    assert list(map(out.cell, values)) == [
        "-", "yes", "no", "1,234", "0.5", "0.3333", "1.235e+04", "-", "as it is",
    ]  # fmt: skip


def test_what_a_terminal_would_obey_is_written_as_an_escape():
    assert out.printable("a\x1b[31mb\u200bc\n") == "a\\x1b[31mb\\u200bc\\n"
    assert out.printable("na\u00efve \N{GRINNING FACE}") == "na\u00efve \N{GRINNING FACE}"


def test_positive_numbers_are_finite_and_above_0():
    for right in (5e-324, 1.0, 1e308, [0.5, 2.0], None, []):
        assert out.positive(right) == right
    for wrong in (0.0, -1.0, np.inf, np.nan, [1.0, 0.0]):
        with pytest.raises(typer.BadParameter, match="is not a positive, finite number"):
            out.positive(wrong)


def test_a_penalty_is_given_once_for_all_layers_or_once_for_each():
    assert out.per_layer([0.5], 1) == (0.5,)
    assert out.per_layer([0.5], 3) == (0.5, 0.5, 0.5)
    assert out.per_layer([0.5, 0.25, 2.0], 3) == (0.5, 0.25, 2.0)
    for wrong in (0, 2, 4):
        with pytest.raises(typer.BadParameter, match=f"once for each of the 3; got {wrong}"):
            out.per_layer([0.5] * wrong, 3)


def test_json_has_null_for_what_is_no_finite_number(capsys):
    out.write_json({"a": [np.nan, np.inf, 0.5], 1: np.int64(2)})
    text = capsys.readouterr().out
    assert json.loads(text) == {"a": [None, None, 0.5], "1": 2}
    assert text.startswith('{\n "a": [\n  null,')


# ---------------------------------------------------------------- letters, streams and errors


def test_a_way_with_letters_that_was_chosen_is_kept():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="replace")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        out.ready_streams()
        assert stream.errors == "replace"
        stream.reconfigure(errors="strict")
        out.ready_streams()
        assert stream.errors == "nclib"
        stream.write(
            "\N{BULLET} \N{HORIZONTAL ELLIPSIS}\N{GREEK SMALL LETTER BETA}\N{GRINNING FACE}"
        )
        stream.flush()
        assert stream.buffer.getvalue() == b"* ...\\u03b2\\U0001f600"


def test_in_the_place_of_closed_streams_there_are_empty_ones():
    with pytest.MonkeyPatch.context() as patch:
        for name in ("stdin", "stdout", "stderr"):
            patch.setattr(sys, name, None)
        out.ready_streams()
        assert sys.stdin.read() == ""
        for stream in (sys.stdout, sys.stderr):
            print("\N{GRINNING FACE}", file=stream)
            assert stream.errors == "nclib"
            stream.close()
        sys.stdin.close()


def test_an_error_without_words_is_named_by_its_kind(capsys):
    for error, line in (
        (MemoryError(), "MemoryError"),
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
        (FileNotFoundError(2, "No such file", "a.csv"), "a.csv: No such file"),
        (ValueError("two\n\n  lines:\nof it"), "two; lines: of it"),
        (KeyboardInterrupt(), "interrupted"),
        (ModuleNotFoundError("No module named 'x.y'", name="x.y"), "No module named 'x.y'"),
        (ModuleNotFoundError("-", name="torch.nn"), (
            "this needs the package 'torch.nn': "
            'pip install ".[train]" in a copy of the repository'
        )),
    ):  # fmt: skip
        with pytest.raises(typer.Exit) as caught, out.reported():
            raise error
        assert caught.value.exit_code == (130 if isinstance(error, KeyboardInterrupt) else 1)
        assert capsys.readouterr().err == f"error: {line}\n"


def test_what_the_help_cannot_write_to_is_one_line(monkeypatch, capsys):
    def full(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cli, "app", full)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == "error: [Errno 28] No space left on device"


def test_without_a_command_the_help_is_shown(nclib):
    outcome = nclib()
    assert "Start with  nclib predict" in " ".join((outcome.out + outcome.err).split(" "))
    assert "completion" not in outcome.out + outcome.err


def test_a_fault_of_the_library_is_shown_as_python_does(monkeypatch, capsys):
    """Not in a frame, and without the values of variables."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr("nclib.data.readers.read_counts", {}.__getitem__)
    with pytest.raises(KeyError) as caught:
        cli.app(["predict", "ecoli", "--lambda-W", "1"])
    sys.excepthook(caught.type, caught.value, caught.tb)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "KeyError: 'ecoli'"
