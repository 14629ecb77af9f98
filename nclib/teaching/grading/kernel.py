"""What runs in the process of a hand-in: its cells, and a `check` that notes and never judges.

The process gets its job as JSON on the standard input and answers by lines of JSON on what was its
standard output when it began. Cells find another one there, which leads nowhere: nothing that they
print can be taken for an answer.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

Send = Callable[[dict[str, Any]], None]

MOST_IN_A_FILE = 256 * 2**20
"""Bytes that a hand-in may write into one file."""


def main() -> None:
    """Run the cells of a hand-in, whatever each of them does, and report what they gave."""
    job = json.load(sys.stdin)
    send = _answering_line()
    _limit(int(job["memory"]))
    _note_instead_of_judging(send)
    run_cell = _new_shell()
    for number, source in job["cells"]:
        send({"cell": number})
        if error := _run(run_cell, source, float(job["cell_time"])):
            send({"error": [number, error]})
    send({"done": True})
    # Threads and exit handlers that a hand-in left behind are not waited for.
    os._exit(0)


def _answering_line() -> Send:
    """Keep the standard output for answers, and give the cells one that leads nowhere."""
    sys.stdout.flush()
    line = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    lock = threading.Lock()

    def send(message: dict[str, Any]) -> None:
        # A message that an interrupt has cut does not take the next one with it.
        rest = f"\n{json.dumps(message)}\n".encode()
        with lock:
            while rest:
                rest = rest[os.write(line, rest) :]

    return send


def _limit(memory: int) -> None:
    """Refuse memory above a number of bytes, large files and core dumps, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    limits = [("RLIMIT_CORE", 0), ("RLIMIT_FSIZE", MOST_IN_A_FILE), ("RLIMIT_DATA", memory)]
    for name, most in limits:
        which = getattr(resource, name)
        hard = resource.getrlimit(which)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with suppress(OSError, ValueError):  # not every system has each of them
            resource.setrlimit(which, (most, most))
    # Such a file is an error like any other.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def _note_instead_of_judging(send: Send) -> None:
    """Put a `check` into `nclib.teaching` that sends each answer away, and take the solutions out.

    Judging is for a process in which no line of a student's ever ran.
    """
    from nclib import teaching
    from nclib.teaching.exercises import find
    from nclib.teaching.exercises.register import seed_text
    from nclib.teaching.grading.values import packed

    def check(exercise: str, answer: object, seed: str | int | None = None) -> teaching.Verdict:
        asked = find(exercise)
        given = seed_text(seed)
        if answer is not None:  # which is the answer to no exercise, but stands for none
            send({"value": [asked.name, given, packed(answer, asked.kind)]})
        # True, so that `assert check(...)` and loops until an answer is right go on.
        return teaching.Verdict(asked.name, True, "")

    def not_here(**numbers: float) -> Any:
        raise RuntimeError("there are no solutions where hand-ins are graded")

    teaching.check = check
    for one in teaching.EXERCISES.values():
        object.__setattr__(one, "solve", not_here)


def _new_shell() -> Callable[[str], Any]:
    """Start what a notebook's cells run in: IPython, with no memory of earlier sessions."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    if shell.history_manager is not None:
        shell.history_manager.enabled = False
    # Nobody looks at what is shown, so no picture need be drawn for it.
    if shell.display_formatter is not None:
        shell.display_formatter.active_types = ["text/plain"]
    run_cell: Callable[..., Any] = shell.run_cell
    return lambda source: run_cell(source, store_history=True)


def _run(run_cell: Callable[[str], Any], source: str, seconds: float) -> str:
    """Run a cell; return the name of the error in which it ended, or "" for none."""
    late = False

    def interrupt(*_: object) -> None:
        nonlocal late
        late = True
        raise KeyboardInterrupt

    alarm = getattr(signal, "SIGALRM", None)
    if alarm is not None:
        signal.signal(alarm, interrupt)
        signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        result = run_cell(source)
        error = result.error_before_exec or result.error_in_exec
    except BaseException as raised:  # an interrupt that IPython itself was hit by
        error = raised
    finally:
        if alarm is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
    return "late" if late else "" if error is None else type(error).__name__[:100]
