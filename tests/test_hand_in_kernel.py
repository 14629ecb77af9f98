"""What the cells of a hand-in can do and what they tell, with its kernel in this process."""

import atexit
import io
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from nclib import teaching
from nclib.teaching import EXERCISES
from nclib.teaching.grading import kernel

resource = pytest.importorskip("resource")

HARD_LIMITS = {resource.RLIMIT_DATA: 2**30}


class Left(BaseException):
    """Here a process would have ended."""


class Told:
    """What became of a job, of which nothing is left in this process."""

    def __init__(self, folder, cells, cell_time, anew):
        self.limits, self.ended = {}, None
        solutions = {name: one.solve for name, one in EXERCISES.items()}
        descriptors = [os.dup(descriptor) for descriptor in range(3)]
        handlers = {one: signal.getsignal(one) for one in (signal.SIGALRM, signal.SIGXFSZ)}
        job = {"cells": list(enumerate(cells, 1)), "memory": 2**31, "cell_time": cell_time}
        with (
            pytest.MonkeyPatch.context() as patch,
            (folder / "told").open("w+b") as line,
            (folder / "other").open("w+b") as other,
        ):
            patch.setenv("IPYTHONDIR", str(folder))
            patch.setattr(sys, "stdin", io.StringIO(json.dumps(job)))
            # IPython changes them, and leaves them so where it is stopped.
            patch.setattr(sys, "stdout", io.StringIO())
            patch.setattr(sys, "stderr", io.StringIO())
            patch.setattr(os, "_exit", self._leave)
            patch.setattr(resource, "setrlimit", self._limit)
            patch.setattr(resource, "getrlimit", self._limits_of)
            patch.setattr(teaching, "check", teaching.check)
            patch.setitem(sys.modules, "__main__", sys.modules["__main__"])
            for name, value in anew.items():
                patch.setitem(sys.modules, name, value)
            for descriptor, file in enumerate((other, line, other)):
                os.dup2(file.fileno(), descriptor)
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            try:
                kernel.main()
            except Left:
                self.alarm = signal.getitimer(signal.ITIMER_REAL)
                self.large_files = signal.getsignal(signal.SIGXFSZ)
                nowhere = Path(os.devnull).stat()
                self.open = [os.path.samestat(os.fstat(one), nowhere) for one in range(3)]
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                for number, handler in handlers.items():
                    signal.signal(number, handler)
                for descriptor, before in enumerate(descriptors):
                    os.dup2(before, descriptor)
                    os.close(before)
                for name, solve in solutions.items():
                    object.__setattr__(EXERCISES[name], "solve", solve)
                _forget_shell()
            line.seek(0)
            self.messages = [json.loads(text) for text in line.read().split(b"\n") if text]

    def _leave(self, code):
        self.ended = code
        raise Left

    def _limit(self, which, most):
        self.limits[which] = most
        if which == resource.RLIMIT_CORE:
            raise ValueError("not on this system")

    def _limits_of(self, which):
        return 1, HARD_LIMITS.get(which, resource.RLIM_INFINITY)

    def of_kind(self, kind):
        return [message[kind] for message in self.messages if kind in message]


def _forget_shell():
    from IPython.core.interactiveshell import InteractiveShell

    if InteractiveShell.initialized():
        shell = InteractiveShell.instance()
        atexit.unregister(shell.atexit_operations)
        shell.atexit_operations()
        InteractiveShell.clear_instance()


# Hits IPython itself, which only takes Exception and KeyboardInterrupt there.
STOPS = """
class Stop(BaseException):
    pass
def stop(_):
    here.events.unregister("post_run_cell", stop)
    raise Stop
here.events.register("post_run_cell", stop)
"""

PRINTS = """
import os
for stream in (1, 2):
    os.write(stream, b'{"value": ["05-a", null, 1]}\\n')
"""

CELLS = [
    "from nclib.teaching import EXERCISES, check",
    PRINTS,
    "assert check('ex-05-b.1', {5}, seed=' Ada ')\nassert check('4.3-b.1', {6})",
    "check('05-a', None)",
    "check('05-a', lambda n_0: n_0)",
    "EXERCISES['05-a'].solve()",
    "check('05-zz', 1)",
    "def (",
    "raise type('E' * 101, (Exception,), {})",
    "here = get_ipython()",
    "shown = here.display_formatter.active_types",
    "check('02-a', [here.history_manager.enabled, shown, len(In)])",
    STOPS,
    "check('05-b.2', 1)",
]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    return Told(tmp_path_factory.mktemp("hand-in"), CELLS, 60.0, {})


def test_cells_run_to_the_last_and_tell_what_they_give_to_check_and_nothing_they_print(told):
    assert told.of_kind("cell") == list(range(1, len(CELLS) + 1))
    values = {"function": [[[1], {"value": 1}], [[10], {"value": 10}], [[1000], {"value": 1000}]]}
    assert told.of_kind("value") == [
        ["05-b.1", "ada", {"set": [5]}],
        ["05-b.1", None, {"set": [6]}],
        ["05-a", None, values],
        # Nothing is kept of earlier sessions, no picture is drawn, and cells are numbered.
        ["02-a", None, [False, ["text/plain"], 13]],
        ["05-b.2", None, 1],
    ]
    assert told.messages[-1] == {"done": True}
    assert told.ended == 0


def test_a_cell_that_ends_in_an_error_is_told_by_its_name(told):
    assert told.of_kind("error") == [
        [6, "RuntimeError"],  # no solutions are there
        [7, "ValueError"],
        [8, "SyntaxError"],
        [9, "E" * 100],
        [13, "Stop"],  # of IPython itself
    ]


def test_what_a_process_may_take_is_limited_where_the_system_can(told):
    large = 256 * 2**20
    assert told.limits == {
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_FSIZE: (large, large),
        resource.RLIMIT_DATA: (2**30, 2**30),
    }
    assert told.large_files == signal.SIG_IGN


def test_no_alarm_and_no_way_to_the_answers_is_left_to_the_cells(told):
    assert told.alarm == (0, 0)
    assert told.open == [True, True, True]


def test_a_cell_is_interrupted_after_its_time_even_where_nothing_is_limited(tmp_path):
    told = Told(tmp_path, ["import time\ntime.sleep(5)", "x = 1"], 0.1, {"resource": None})
    assert told.of_kind("error")[0] == [1, "late"]
    assert told.limits == {}
    assert told.messages[-1] == {"done": True}
