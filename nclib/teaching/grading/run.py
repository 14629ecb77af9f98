"""Running a hand-in in a process of its own, with limits on its time and memory."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nclib.teaching.grading.handins import Notebook

_START = (
    "import sys; sys.path.insert(0, sys.argv.pop()); "
    "from nclib.teaching.grading.kernel import main; main()"
)

_ROOT = str(Path(__file__).resolve().parents[3])
"""Where this very nclib is, installed or not."""

MOST_ANSWERED = 8 * 2**20
"""Bytes that may leave the process of one hand-in."""

_LONGEST_NAME = 100
"""Letters that are kept of a seed or of the name of an error."""

_MOST_CELLS = 10**6
"""No notebook has a cell of this number."""

_BETWEEN_LOOKS = 0.2
"""Seconds between two looks at a running process."""

# What a process needs to start and to find its libraries. Nothing else of the teacher's
# environment, passwords say, is handed on.
_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "SYSTEMROOT", "SYSTEMDRIVE")


@dataclass(frozen=True)
class Limits:
    """What a hand-in may take.

    Attributes
    ----------
    cell_time : float
        Seconds for each cell, after which it is interrupted and the next one runs.
    time : float
        Seconds for all of it, after which it is ended.
    memory : int
        Bytes.
    """

    cell_time: float = 60.0
    time: float = 300.0
    memory: int = 4 * 2**30


@dataclass
class Outcome:
    """What came out of a hand-in.

    Attributes
    ----------
    values : dict
        For each name of an exercise the seed and the packed value that `check` was last given.
    errors : list of tuple
        Number of a cell, and the name of the error in which it ended; "late" where it took too
        long.
    ended : str
        Why it did not run to its end; "" where it did.
    """

    values: dict[str, tuple[str | None, Any]] = field(default_factory=dict)
    errors: list[tuple[int, str]] = field(default_factory=list)
    ended: str = ""


def run(
    notebook: Notebook, limits: Limits, beside: Sequence[Path], fonts: Sequence[Path]
) -> Outcome:
    """Run the cells of a hand-in and collect the values that they give to `check`.

    Parameters
    ----------
    notebook : Notebook
        The hand-in.
    limits : Limits
        What it may take.
    beside : sequence of Path
        Files and folders that are copied into the folder where it runs.
    fonts : sequence of Path
        What matplotlib knows of the fonts of this machine, which takes seconds to find out. Each
        hand-in gets a copy, since it may change what others would read.
    """
    with tempfile.TemporaryDirectory(prefix="hand-in-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        work, home, drawing = folder / "work", folder / "home", folder / "matplotlib"
        for place in (work, home, drawing):
            place.mkdir()
        for path in fonts:
            shutil.copy2(path, drawing / path.name)
        for path in beside:
            copy = shutil.copytree if path.is_dir() else shutil.copy2
            copy(path, work / path.name)
        environment = {key: os.environ[key] for key in _KEPT if key in os.environ} | {
            "HOME": str(home),
            "USERPROFILE": str(home),
            "IPYTHONDIR": str(home / "ipython"),
            "TMPDIR": str(home),
            "MPLCONFIGDIR": str(drawing),
            "MPLBACKEND": "agg",
            # The matrices are small: threads of the linear algebra get in each other's way.
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        job = {
            "cells": notebook.cells,
            "memory": limits.memory,
            "cell_time": limits.cell_time,
        }
        with tempfile.TemporaryFile() as told:
            told.write(json.dumps(job).encode())
            told.seek(0)
            process = subprocess.Popen(
                # Apart from the teacher's own settings, packages and modules in this folder.
                [sys.executable, "-I", "-B", "-c", _START, _ROOT],
                stdin=told,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=work,
                env=environment,
                start_new_session=True,
            )
        heard = _Heard(process)
        try:
            why = _watch(process, heard, limits)
        finally:
            _end(process)
        return heard.given(why)


def known_fonts() -> list[Path]:
    """Return the files in which matplotlib keeps what fonts this machine has, where it has any."""
    try:
        import matplotlib
    except ImportError:
        return []
    return sorted(Path(matplotlib.get_cachedir()).glob("fontlist-*.json"))


class _Heard:
    """Hears what a process says, up to a limit."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._bytes = bytearray()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        with suppress(OSError, ValueError):
            while not self.too_much and (more := os.read(descriptor, 65536)):
                self._bytes += more

    @property
    def too_much(self) -> bool:
        """Whether it said more than is listened to."""
        return len(self._bytes) > MOST_ANSWERED

    def given(self, why: str) -> Outcome:
        """Return what it said in whole lines; `why` it was ended, if it was."""
        # A process that it left behind may keep the line open for ever.
        self._thread.join(2)
        if self._process.stdout is not None and not self._thread.is_alive():
            self._process.stdout.close()
        given, cell, done = Outcome(), 0, False
        for line in bytes(self._bytes).split(b"\n")[:-1]:
            try:
                message = json.loads(line)
            except (ValueError, RecursionError):
                continue
            match message:
                case {"cell": int(number)} if number < _MOST_CELLS:
                    cell = number
                case {"error": [int(number), str(error)]} if number < _MOST_CELLS:
                    given.errors.append((number, error[:_LONGEST_NAME]))
                case {"value": [str(exercise), str() | None as seed, value]}:
                    # A hand-in can write here itself: of this nothing is sure but that it is text.
                    seed = None if seed is None else seed.strip()[:_LONGEST_NAME]
                    given.values[exercise] = (seed or None, value)
                case {"done": True}:
                    done = True
        if why or not done:
            why = why or f"its kernel ended ({_ending(self._process.returncode)})"
            given.ended = f"{why} in cell {cell}" if cell else f"{why} before its first cell"
        return given


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        with suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


def _watch(process: subprocess.Popen[bytes], heard: _Heard, limits: Limits) -> str:
    """Wait for a process; return why it has to be ended, or "" where it ended by itself."""
    end = time.monotonic() + limits.time
    while process.poll() is None:
        if time.monotonic() > end:
            return f"time ran out ({limits.time:g} s)"
        if heard.too_much:
            return "it gave more to check than any answer needs"
        if _memory_of_session(process.pid) > limits.memory:
            return f"memory ran out ({limits.memory >> 20} MB)"
        with suppress(subprocess.TimeoutExpired):
            process.wait(_BETWEEN_LOOKS)
    return ""


def _memory_of_session(leader: int) -> int:
    """Return how many bytes a process and those that it started hold, where the system says so."""
    total = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            # After the name in brackets, which may hold anything: state, parent, group, session.
            fields = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if int(fields[3]) == leader:
                total += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return total


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
