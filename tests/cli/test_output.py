"""What reaches the page: nothing is cut, no letter and no closed stream ends a run."""

import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from nclib import cli
from nclib.cli import _output as out

PENALTIES = ("-L", 1, "--lambda-W", 5e-4, "--lambda-H", 5e-3)
COMMANDS = ("predict", "measure", "remedies", "train", "reproduce", "results", "grade")

# ---------------------------------------------------------------- tables


RULE = "\N{BOX DRAWINGS LIGHT HORIZONTAL}"


def tables_of(text):
    """Read the tables back: of each the lines of the head, and those below the rule."""
    found, block = [], []
    for line in [*text.splitlines(), ""]:
        if line.strip():
            block.append(line)
            continue
        rules = [
            i
            for i, each in enumerate(block)
            if set(each.strip()) == {"\N{BOX DRAWINGS LIGHT HORIZONTAL}"}
        ]
        if rules:
            found.append((block[: rules[0]], block[rules[0] + 1 :]))
        block = []
    return found


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


def test_json_has_null_for_what_is_no_finite_number(capsys):
    out.write_json({"a": [np.nan, np.inf, 0.5], 1: np.int64(2)})
    text = capsys.readouterr().out
    assert json.loads(text) == {"a": [None, None, 0.5], "1": 2}
    assert text.startswith('{\n "a": [\n  null,')


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "n.npz"
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), [40, 20, 20, 10])
    features = np.eye(4)[labels] + 0.1 * rng.standard_normal((90, 4))
    np.savez(path, features=features, labels=labels, W=np.eye(4) + 0.01, b=np.zeros(4))
    return path


@pytest.fixture(scope="module")
def stored(nclib, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    quick = ("--width", 16, "--epochs", 4, "--depth", 2, "--threads", 1, "--out", folder)
    assert nclib("train", *quick).code == 0
    return folder, quick


def values_of(text):
    """All that stands in the tables of a text, without their layout."""
    return sorted(word for _, body in tables_of(text) for line in body for word in line.split())


@pytest.mark.parametrize("width", [60, 80, 100, 120])
@pytest.mark.parametrize("command", ["predict", "range", "measure", "train", "results"])
def test_every_command_shows_all_of_its_tables(nclib, network, stored, monkeypatch, command, width):
    folder, quick = stored
    arguments = {
        "predict": ("predict", "ham10000", *PENALTIES),
        "range": ("predict", "ham10000", *PENALTIES[:-2]),
        "measure": ("measure", network, "--lambda-W", 5e-3),
        "train": ("train", *quick),
        "results": ("results", folder),
    }[command]
    monkeypatch.setenv("COLUMNS", "400")
    wide = nclib(*arguments).out
    monkeypatch.setenv("COLUMNS", str(width))
    text = nclib(*arguments).out
    assert max(map(cell_len, text.splitlines())) <= width
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    # The first table that a narrow page breaks up begins again with the names of the rows.
    first = [body[0].split()[0] for _, body in tables_of(text)]
    assert set(first) == {body[0].split()[0] for _, body in tables_of(wide)}
    names = {word for word in values_of(wide) if values_of(wide).count(word) == 1}
    assert names <= set(values_of(text))
    assert set(values_of(wide)) == set(values_of(text))


@pytest.mark.parametrize("width", [60, 80, 100])
def test_names_and_what_becomes_of_them_come_first(nclib, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    head, body = tables_of(nclib("predict", "ham10000", *PENALTIES).out)[0]
    assert head[-1].split()[:3] == ["class", "outcome", "samples"]
    assert [line.split()[:3] for line in body] == [
        ["nv", "right", "6,705"], ["mel", "right", "1,113"], ["bkl", "right", "1,099"],
        ["bcc", "right", "514"], ["akiec", "wrong", "327"], ["vasc", "wrong", "142"],
        ["df", "wrong", "115"],
    ]  # fmt: skip


def test_names_of_classes_are_shown_whole(nclib, tmp_path, monkeypatch):
    names = ["squamous cell carcinoma in situ of the skin", "seborrhoeic keratosis, pigmented"]
    path = tmp_path / "counts.json"
    path.write_text(json.dumps(dict(zip([*names, "n" * 200], [500, 300, 20], strict=True))))
    for width in (60, 80, 120):
        monkeypatch.setenv("COLUMNS", str(width))
        text = nclib("predict", path, *PENALTIES).out
        ((_, body), *_) = tables_of(text)
        lines = "".join(re.sub(r"(right|wrong).*", "", line) for line in body)
        for name in names:
            assert name.replace(" ", "") in lines.replace(" ", "")
        assert "n" * 57 + "..." in lines.replace(" ", "")


# ---------------------------------------------------------------- letters

ENCODINGS = ["ascii", "gbk", "cp932", "cp437", "latin-1", "utf-8"]
NAMES = {"naïve \N{CIRCLED PLUS}": 500, "日本語のクラス": 300, "б": 20}


def run(*arguments, environment=None, **options):
    return subprocess.run(
        [sys.executable, "-m", "nclib", *map(str, arguments)],
        capture_output=True,
        env=os.environ | (environment or {}),
        **options,
    )


@pytest.fixture
def names_file(tmp_path):
    path = tmp_path / "nonascii_names.csv"
    rows = "".join(f"{name},{count}\n" for name, count in NAMES.items())
    path.write_text(rows, encoding="utf-8")
    return path


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_help_is_written_in_any_encoding(encoding):
    for command in COMMANDS[:2]:
        done = run(command, "--help", environment={"PYTHONIOENCODING": encoding})
        assert (done.returncode, done.stderr) == (0, b"")
        text = done.stdout.decode(encoding)
        assert "Usage: nclib" in text
        assert "--help" in text
        assert "\\u" not in text  # what it uses is shown in other letters, not as escapes


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_names_that_the_output_cannot_show_are_written_as_escapes(names_file, encoding):
    wide = {"PYTHONIOENCODING": encoding, "COLUMNS": "200"}
    done = run("predict", names_file, *PENALTIES, environment=wide)
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode(encoding)
    for name in NAMES:
        shown = ""
        for letter in name:
            try:
                letter.encode(encoding)
                shown += letter
            except UnicodeEncodeError:
                code = ord(letter)
                shown += f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
        assert shown in text
    done = run("predict", names_file, *PENALTIES, "--json", environment=wide)
    classes = [group["classes"] for group in json.loads(done.stdout)["groups"]]
    assert classes == [[name] for name in NAMES]


@pytest.mark.skipif(sys.platform == "win32", reason="locales of Unix")
def test_the_locale_C_is_no_obstacle(names_file, tmp_path):
    locale = {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    for arguments in (
        ("predict", "--help"),
        ("predict", names_file, *PENALTIES),
        ("predict", names_file, *PENALTIES, "--report", tmp_path / "größe.html"),
    ):
        done = run(*arguments, environment=locale)
        assert (done.returncode, done.stderr) == (0, b"")
    assert "日本語のクラス" in (tmp_path / "größe.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("encoding", ["ascii", "cp437", "utf-8"])
def test_errors_are_one_line_in_any_encoding(tmp_path, encoding):
    path = tmp_path / "日本 ß.csv"
    path.write_text("б,x\n", encoding="utf-8")
    done = run("predict", path, *PENALTIES, environment={"PYTHONIOENCODING": encoding})
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"error: ")
    assert done.stderr.count(b"\n") == 1
    assert b"line 1: count 'x'" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are bytes")
def test_a_file_whose_name_is_no_text_is_read_and_reported(nclib, tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.csv")
    path.write_text("a,30\nb,20\n")
    outcome = nclib("predict", path, *PENALTIES, "--report", tmp_path / "r.html")
    assert (outcome.code, outcome.err) == (0, "")
    assert "caf\\udce9.csv" in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert nclib("predict", path, *PENALTIES, "--json").code == 0


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


# ---------------------------------------------------------------- streams


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


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_error(network, stored, names_file, tmp_path, closed):
    report = tmp_path / "r.html"
    slow = [
        (0, ("predict", names_file, *PENALTIES, "--report", report)),
        (0, ("measure", network, "--lambda-W", 1e-3)),
        (0, ("train", *stored[1])),
        (0, ("results", stored[0])),
    ]
    for code, arguments in (
        (0, ("--help",)),
        (0, ("predict", names_file, *PENALTIES)),
        *slow * (closed == "<&- >&- 2>&-"),
        (1, ("predict", "-", *PENALTIES)),
        (2, ("predict",)),
    ):
        command = shlex.join([sys.executable, "-m", "nclib", *map(str, arguments)])
        done = subprocess.run(
            ["sh", "-c", f"{command} {closed}"], capture_output=True, stdin=subprocess.DEVNULL
        )
        assert done.returncode == code, (arguments, done.stderr)
        assert b"Traceback" not in done.stderr
        assert b"Exception" not in done.stderr
        if code == 1 and "2>" not in closed:
            assert done.stderr.startswith(b"error: ")
            assert done.stderr.count(b"\n") == 1
    # What else was opened has not got the descriptor of a stream, and its output.
    if closed == "<&- >&- 2>&-":
        page = report.read_text(encoding="utf-8")
        assert page.startswith("<!DOCTYPE html>")
        assert page.endswith("</html>\n")
    assert names_file.read_text(encoding="utf-8").count("\n") == len(NAMES)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("predict", "--help"), ("predict", "ecoli", *PENALTIES),
     ("predict", "ecoli", *PENALTIES, "--json"), ("results", ".")],
    ids=str,
)  # fmt: skip
def test_an_output_without_room_is_one_line(tmp_path, arguments):
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "nclib", *map(str, arguments)],
            stdout=full, stderr=subprocess.PIPE, cwd=tmp_path, text=True,
            env=os.environ | {"PYTHONPATH": str(Path(out.__file__).parents[2])},
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "error: [Errno 28] No space left on device\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_is_not_cut_at_60_columns(command):
    text = run(command, "--help", environment={"COLUMNS": "60"}).stdout.decode("utf-8")
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert max(map(cell_len, text.splitlines())) <= 60
