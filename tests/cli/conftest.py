"""Runs a command in this process and looks at what it wrote where."""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import typer.main
import typer.testing

from nclib.cli import app

TESTS = Path(__file__).parents[1]


class Outcome:
    def __init__(self, result):
        self.code = result.exit_code
        self.out = result.stdout
        self.err = result.stderr
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise AssertionError("a command must report, not raise") from result.exception

    @property
    def json(self):
        assert self.code == 0, self.err
        return json.loads(self.out)

    @property
    def flat(self):
        """What it wrote, whatever lines it is wrapped into."""
        assert self.code == 0, self.err
        return " ".join(self.out.split())

    def failed(self, *words):
        """Whether it failed with one clear line on the standard error, and nothing else."""
        assert self.code == 1, (self.code, self.out)
        assert self.out == ""
        assert self.err.startswith("error: ")
        assert self.err.count("\n") == 1
        assert "Traceback" not in self.err
        for word in words:
            assert word in self.err
        return True


class Cost(NamedTuple):
    out: str
    work: float
    """CPU time, in loops of a million steps."""
    peak: int
    """Memory at most, KiB."""


_AND_SAY_THE_COST = """
import sys, time
from pathlib import Path
from nclib.cli import app
folder = sys.argv.pop(1)
app(sys.argv[1:], standalone_mode=False)
used = time.process_time()
# Not getrusage: what it calls the peak includes that of the process that started this one.
peak = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
sys.path.append(folder)
from yardstick import yardstick
print(used / yardstick(), peak, file=sys.stderr)
"""


@pytest.fixture
def cost_of():
    """Run a command in a process of its own and measure it."""
    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not say how much memory a process took")

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-c", _AND_SAY_THE_COST, TESTS, *map(str, arguments)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        work, peak = done.stderr.splitlines()[-1].split()
        cost = Cost(done.stdout, float(work), int(peak))
        print(f"the work of {cost.work:.0f} loops, {cost.peak} KiB")
        return cost

    return run


@pytest.fixture(scope="session")
def nclib():
    runner, built = typer.testing.CliRunner(), typer.main.get_command(app)

    def command(*arguments, stdin=None):
        return Outcome(runner.invoke(app, [str(a) for a in arguments], input=stdin))

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COLUMNS", raising=False)
        # To build the parser takes longer than most commands.
        patch.setattr(typer.testing, "_get_command", lambda _: built)
        yield command
