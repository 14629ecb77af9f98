"""What is heard of the process of a hand-in, and when it is ended.

A script of the shell stands in for the process.
"""

import json
import signal
import sys
import time
from pathlib import Path

import pytest

from nclib.teaching.grading import run as running
from nclib.teaching.grading.handins import Notebook
from nclib.teaching.grading.run import MOST_ANSWERED, Limits, Outcome, run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a script of the shell")

HAND_IN = Notebook("05", [(2, "x = 1"), (4, "y = 2")], frozenset({"05-a"}), False)
DONE = '{"done": true}\n'


@pytest.fixture
def ended(tmp_path, monkeypatch):
    """Run a script where a hand-in would run: first the text that it says, then its commands."""

    def call(said="", commands="", *, beside=(), fonts=(), **limits):
        words, script = tmp_path / "words", tmp_path / "python"
        words.write_text(said, encoding="utf-8")
        script.write_text(f'#!/bin/sh\ncat "{words}"\n{commands}\n', encoding="utf-8")
        script.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(script))
        return run(HAND_IN, Limits(**limits), beside, fonts)

    # Below nohup the signal would be ignored, here and in all that is started here.
    kept = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield call
    signal.signal(signal.SIGHUP, kept)


def lines(*messages):
    return "".join(f"{json.dumps(message)}\n" for message in messages)


def test_a_hand_in_may_take_what_the_guide_for_teachers_says():
    guide = Path(__file__).resolve().parents[1] / "book" / "teaching.md"
    words = " ".join(guide.read_text(encoding="utf-8").split())
    limits = Limits()
    said = f"{limits.cell_time:g} seconds, {limits.time:g} seconds and {limits.memory / 2**20:g} MB"
    assert f"what a cell and a hand-in may take: {said}." in words


def test_each_line_that_is_a_message_is_heard(ended):
    said = lines(
        {"cell": 1},
        {"value": ["05-a", None, 1]},
        {"value": ["05-b.1", " A-17 ", [6]]},
        {"value": ["05-b.2", "  ", 0.5]},
        {"value": ["05-c", "s" * 101, 0]},
        {"error": [2, "E" * 101]},
        {"error": [999_999, "KeyError"]},
    )
    no_messages = "{\n" + "[" * 100_000 + "\n" + lines(5, {}, {"error": [10**6, "KeyError"]})
    cut = '{"value": ["05-a", null, 2]}'
    assert ended(no_messages + said + DONE + cut) == Outcome(
        {"05-a": (None, 1), "05-b.1": ("A-17", [6]), "05-b.2": (None, 0.5), "05-c": ("s" * 100, 0)},
        [(2, "E" * 100), (999_999, "KeyError")],
    )


@pytest.mark.parametrize(
    ("said", "commands", "words"),
    [
        ("", "", "its kernel ended (exit code 0) before its first cell"),
        (lines({"cell": 2}, {"cell": 10**6}), "exit 1", "its kernel ended (exit code 1) in cell 2"),
        (lines({"cell": 999_999}), "kill -HUP $$", "its kernel ended (SIGHUP) in cell 999999"),
        (lines({"cell": 3}, {"done": False}), "kill -9 $$", "its kernel ended (SIGKILL) in cell 3"),
    ],
)
def test_a_process_that_does_not_say_that_it_is_done_has_ended_early(ended, said, commands, words):
    assert ended(said, commands).ended == words


def test_time_runs_out(ended):
    assert (
        ended(DONE, "exec sleep 60", time=0.1).ended == "time ran out (0.1 s) before its first cell"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="only there is it told what still runs")
def test_what_a_hand_in_started_ends_with_it(ended, tmp_path, monkeypatch):
    number = tmp_path / "number"
    monkeypatch.setattr(running, "MOST_ANSWERED", 0)
    assert ended("", f'sleep 60 &\necho $! > "{number}"\necho too much\nwait').ended
    state = Path("/proc", number.read_text().strip(), "stat")
    for _ in range(500):
        # Gone, or a zombie that nobody has looked at.
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.01)
    pytest.fail("a process that the hand-in started is still there")


@pytest.mark.skipif(sys.platform != "linux", reason="only there is it told who holds how much")
def test_memory_is_for_all_that_a_hand_in_started(ended):
    # tail keeps the line that it reads, and stands in for a process with much memory.
    held = "(head -c 30000000 /dev/zero; exec sleep 60) | tail -n 1"
    ran_out = ended("", held, memory=24 << 20, time=20).ended
    assert ran_out == "memory ran out (24 MB) before its first cell"
    assert ended(DONE, "sleep 0.25", memory=24 << 20).ended == ""


def test_a_process_that_says_too_much_is_ended(ended, monkeypatch):
    assert MOST_ANSWERED == 8 * 1024**2
    monkeypatch.setattr(running, "MOST_ANSWERED", len(DONE))
    assert ended(DONE, "sleep 0.05").ended == ""
    more = ended(f"\n{DONE}", "exec sleep 60", time=20)
    assert more.ended == "it gave more to check than any answer needs before its first cell"


def test_a_hand_in_has_a_folder_of_its_own_and_nothing_else_of_the_teacher(
    ended, tmp_path, monkeypatch
):
    monkeypatch.setenv("PASSWORD", "secret")
    monkeypatch.setenv("LANG", "C")
    seen, given, fonts = (tmp_path / name for name in ("seen", "given", "fontlist-1.json"))
    seen.mkdir()
    given.mkdir()
    (given / "table.csv").write_text("1")
    (tmp_path / "notes.txt").write_text("2")
    fonts.write_text("3")
    commands = f"""
env > "{seen}/environment"
cat > "{seen}/job"
printf '%s\\n' "$@" > "{seen}/arguments"
pwd > "{seen}/folder"
cp -r . "$HOME" "$MPLCONFIGDIR" "{seen}"
"""
    beside = [given, tmp_path / "notes.txt"]
    assert ended(DONE, commands, beside=beside, fonts=[fonts], cell_time=7.0) == Outcome()
    lines = (seen / "environment").read_text().splitlines()
    environment = dict(line.split("=", 1) for line in lines)
    assert "PASSWORD" not in environment
    assert (environment["LANG"], environment["MPLBACKEND"]) == ("C", "agg")
    assert environment["IPYTHONDIR"] == f"{environment['HOME']}/ipython"
    assert json.loads((seen / "job").read_text()) == {
        "cells": [[2, "x = 1"], [4, "y = 2"]],
        "memory": 4 * 1024**3,
        "cell_time": 7.0,
    }
    *_, root = (seen / "arguments").read_text().splitlines()
    assert Path(root, "nclib", "teaching", "grading", "kernel.py").is_file()
    assert (seen / "table.csv").exists() is False
    assert (seen / "given" / "table.csv").read_text() == "1"
    assert (seen / "notes.txt").read_text() == "2"
    assert (seen / "matplotlib" / fonts.name).read_text() == "3"
    assert not Path((seen / "folder").read_text().strip()).exists()
