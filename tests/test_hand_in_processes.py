"""What the process of a hand-in is given, and what is believed of what it says.

Small scripts of the shell play the process, in the place of Python: their lines are all that is
known of it.
"""

import inspect
import json
import os
import shlex
import sys
import time
import warnings
from pathlib import Path

import matplotlib
import pytest

from nclib.cli.grade import grade
from nclib.teaching.grading.handins import Notebook
from nclib.teaching.grading.run import Limits, known_fonts, run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no shell")

DONE = json.dumps({"done": True})


def said(*messages):
    """Commands that say these, each in a line."""
    lines = [one if isinstance(one, str) else json.dumps(one) for one in messages]
    return "\n".join(f"printf '%s\\n' {shlex.quote(line)}" for line in lines)


@pytest.fixture
def played(tmp_path, monkeypatch):
    """Run a hand-in, whose process is played by these commands."""
    stand_in = tmp_path / "python"
    monkeypatch.setattr(sys, "executable", str(stand_in))

    def call(*commands, beside=(), fonts=(), **limits):
        stand_in.write_text("\n".join(["#!/bin/sh", *commands]))
        stand_in.chmod(0o700)
        notebook = Notebook("05", [(2, "x = 1"), (4, "y = 'ü'")], {"05-a"}, False)
        return run(notebook, Limits(**limits), beside, fonts)

    return call


@pytest.fixture
def seen(tmp_path):
    """A folder in which a process leaves what it has seen."""
    folder = tmp_path / "seen"
    folder.mkdir()
    return folder


def python():
    """The interpreter of the tests, whatever plays it."""
    return shlex.quote(str(Path(f"/proc/{os.getpid()}/exe").readlink()))


def lives(process):
    try:
        return Path("/proc", process, "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_limits_are_those_that_the_command_line_tells(played, seen):
    told = {key: one.default for key, one in inspect.signature(grade).parameters.items()}
    played(f"cat > {seen}/job", said({"done": True}))
    job = json.loads((seen / "job").read_text())
    assert job["cell_time"] == told["cell_time"]
    assert job["memory"] == told["memory"] * 2**20
    assert Limits().time == told["time"]


def test_a_process_is_given_its_cells_and_files_and_nothing_of_the_teachers(
    played, seen, tmp_path, monkeypatch
):
    monkeypatch.setenv("PASSWORD", "sesame")
    monkeypatch.setenv("LC_CTYPE", "C.UTF-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    data, results, font = tmp_path / "data.csv", tmp_path / "results", tmp_path / "fontlist-1.json"
    data.write_text("1")
    results.mkdir()
    (results / "run.json").write_text("{}")
    font.write_text("[]")
    played(
        f"cat > {seen}/job",
        f"env > {seen}/environment",
        f"printf '%s\\n' \"$@\" > {seen}/arguments",
        f"cut -d' ' -f1,6 /proc/$$/stat > {seen}/session",
        f'ls -A . "$HOME" "$MPLCONFIGDIR" results > {seen}/listed',
        f"pwd -P > {seen}/folder",
        said({"done": True}),
        beside=[data, results],
        fonts=[font],
        cell_time=1.5,
        memory=2**30,
    )
    job = json.loads((seen / "job").read_text())
    assert job == {"cells": [[2, "x = 1"], [4, "y = 'ü'"]], "memory": 2**30, "cell_time": 1.5}
    environment = dict(line.split("=", 1) for line in (seen / "environment").read_text().split())
    folder = Path((seen / "folder").read_text().strip()).parent
    assert "PASSWORD" not in environment
    assert environment["PATH"] == os.environ["PATH"]
    assert environment["LC_CTYPE"] == "C.UTF-8"
    assert Path(environment["HOME"]).name == "home"
    assert Path(environment["HOME"]).resolve().parent == folder
    listed = (seen / "listed").read_text()
    assert listed.split() == [
        ".:", "data.csv", "results",
        f"{environment['HOME']}:", f"{environment['MPLCONFIGDIR']}:", "fontlist-1.json",
        "results:", "run.json",
    ]  # fmt: skip
    # Apart from settings and packages of the teacher's, and with this very nclib.
    arguments = (seen / "arguments").read_text().split("\n")
    assert arguments[:2] == ["-I", "-B"]
    assert Path(arguments[-2]) == Path(__file__).parent.parent
    process, session = (seen / "session").read_text().split()
    assert process == session
    assert not folder.exists()


def test_what_is_known_of_fonts_is_what_matplotlib_keeps(tmp_path, monkeypatch):
    for name in ("fontlist-v390.json", "fontlist-v330.json", "tex.cache"):
        (tmp_path / name).touch()
    monkeypatch.setattr(matplotlib, "get_cachedir", lambda: str(tmp_path))
    assert [path.name for path in known_fonts()] == ["fontlist-v330.json", "fontlist-v390.json"]
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert known_fonts() == []


def test_values_and_errors_are_believed_and_what_has_another_form_is_not(played):
    outcome = played(
        said(
            {"cell": 2},
            {"value": ["05-b.1", None, [5]]},
            {"value": ["05-b.1", " Ada ", [6]]},
            {"value": ["05-a", "s" * 101, 1]},
            {"value": ["05-c", "  ", None]},
            {"value": ["05-d", 5, 1]},
            {"value": ["05-d", None]},
            {"error": [2, "E" * 101]},
            {"error": [10**6 - 1, "KeyError"]},
            {"error": [10**6, "KeyError"]},
            {"error": ["2", "KeyError"]},
            {"done": False},
            "no JSON",
            "[" * 100_000,
            "5",
            DONE,
        ),
        'printf \'{"value": ["05-d", null, 1]}\'',  # the end of a line that never came
    )
    assert outcome.values == {
        "05-b.1": ("Ada", [6]),
        "05-a": ("s" * 100, 1),
        "05-c": (None, None),
    }
    assert outcome.errors == [(2, "E" * 100), (10**6 - 1, "KeyError")]
    assert outcome.ended == ""


def test_what_a_process_spoke_through_is_closed_after_it(played):
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", ResourceWarning)
        assert played(said(DONE)).ended == ""
    assert warned == []


@pytest.mark.parametrize(
    ("commands", "words"),
    [
        (["exit 0"], "its kernel ended (exit code 0) before its first cell"),
        (
            [said({"cell": 3}, {"cell": 10**6}), "exit 1"],
            "its kernel ended (exit code 1) in cell 3",
        ),
        ([said({"cell": 10**6 - 1}), "kill -9 $$"], "its kernel ended (SIGKILL) in cell 999999"),
        ([said({"done": False})], "its kernel ended (exit code 0) before its first cell"),
    ],
)
def test_who_does_not_run_to_the_end_is_told_where_and_how(played, commands, words):
    assert played(*commands).ended == words


def test_time_runs_out(played):
    outcome = played(said({"cell": 2}), "sleep 300", time=1.25)
    assert outcome.ended == "time ran out (1.25 s) in cell 2"


@pytest.mark.parametrize(
    ("said_in_all", "ended"),
    [
        (8 * 2**20, "its kernel ended (exit code 0) before its first cell"),
        (8 * 2**20 + 1, "it gave more to check than any answer needs before its first cell"),
    ],
)
def test_8_megabytes_are_listened_to(played, said_in_all, ended):
    wait = "sleep 0.3" if said_in_all == 8 * 2**20 else "sleep 300"
    assert played(f"head -c {said_in_all} /dev/zero", wait, time=60).ended == ended


@pytest.mark.skipif(sys.platform != "linux", reason="only there is it told who holds how much")
def test_processes_that_it_starts_count_and_end_with_it(played, seen):
    hold = f"import os, time; open('{seen}/' + str(os.getpid()), 'w'); held = b'x' * (40 << 20)"
    # Nothing but its shell ends the one in a group of its own.
    alone = (
        "import os; parent = os.getppid(); os.setpgrp()\n"
        f"{hold}\nwhile os.getppid() == parent: time.sleep(0.02)"
    )
    starts = [
        f"{python()} -ISc {shlex.quote(code)} &" for code in (f"{hold}; time.sleep(300)", alone)
    ]
    outcome = played(*starts, "sleep 300", memory=70 * 2**20, time=60)
    assert outcome.ended == "memory ran out (70 MB) before its first cell"
    started = [path.name for path in seen.iterdir()]
    assert len(started) == 2
    for _ in range(500):
        if not any(lives(process) for process in started):
            return
        time.sleep(0.01)
    pytest.fail("a process that the hand-in started is still there")
