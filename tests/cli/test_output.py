"""What reaches the page: nothing is cut, no letter and no closed stream ends a run."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from few import few
from pages import tables_of
from rich.cells import cell_len

from nclib.cli import _output as out

PENALTIES = ("-L", 1, "--lambda-W", 5e-4, "--lambda-H", 5e-3)
COMMANDS = ("predict", "measure", "remedies", "train", "reproduce", "results", "grade")

# ---------------------------------------------------------------- tables


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


@pytest.mark.parametrize("encoding", few(ENCODINGS, ["ascii", "cp932"]))
def test_the_help_is_written_in_any_encoding(encoding):
    for command in COMMANDS[:2]:
        done = run(command, "--help", environment={"PYTHONIOENCODING": encoding})
        assert (done.returncode, done.stderr) == (0, b"")
        text = done.stdout.decode(encoding)
        assert "Usage: nclib" in text
        assert "--help" in text
        assert "\\u" not in text  # what it uses is shown in other letters, not as escapes


@pytest.mark.parametrize("encoding", few(ENCODINGS, ["ascii", "cp932", "utf-8"]))
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


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
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


# ---------------------------------------------------------------- streams


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
@pytest.mark.parametrize(
    "closed",
    few([">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"], [">&-", "<&- >&- 2>&-"]),
)
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
