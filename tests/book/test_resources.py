"""What a notebook takes: the tool that measures it, and what it has measured for the book."""

import re
import sys

import nbformat
import pytest

from tools import contents
from tools.notebooks import NotebookError, dump
from tools.resources import MOST_MB, MOST_SECONDS, ROOT, TABLE, measure

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="measured through Linux's /proc")

HOLD = "block = bytearray(300_000_000)\nblock[::4096] = bytes(len(block[::4096]))"


@pytest.fixture
def cost(tmp_path):
    """What a notebook with the given cell takes."""

    def of(source):
        path = tmp_path / "one.ipynb"
        cell = nbformat.v4.new_code_cell(source, id="only")
        path.write_bytes(dump(nbformat.v4.new_notebook(cells=[cell])))
        return measure(path)

    return of


def test_memory_of_the_kernel_and_of_what_it_starts_is_seen(cost):
    idle = cost("1")
    own = cost(f"{HOLD}\ndel block")
    # Each says when it holds its block, and keeps it until it is told.
    started = f"import sys\n{HOLD}\nprint(flush=True)\nsys.stdin.read()"
    others = cost(
        "import subprocess, sys, time\n"
        "pipes = {'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE}\n"
        f"start = lambda: subprocess.Popen([sys.executable, '-c', {started!r}], **pipes)\n"
        "two = [start(), start()]\n"
        "[one.stdout.readline() for one in two]\n"
        "time.sleep(3)\n"
        "[one.communicate() for one in two]"
    )
    assert own.megabytes - idle.megabytes == pytest.approx(300, rel=0.2)
    assert others.megabytes - idle.megabytes == pytest.approx(600, rel=0.2)


@pytest.mark.slow
def test_time_is_that_of_one_core(cost):
    spin = "end = time.process_time() + 1\nwhile time.process_time() < end: pass"
    idle = cost("import time\ntime.sleep(1)")
    two = cost(
        "import subprocess, sys, os\n"
        "assert len(os.sched_getaffinity(0)) == 1\n"
        f"spin = 'import time\\n' + {spin!r}\n"
        "two = [subprocess.Popen([sys.executable, '-c', spin]) for _ in range(2)]\n"
        "[one.wait() for one in two]"
    )
    assert two.seconds - idle.seconds == pytest.approx(2, abs=0.7)


def test_a_notebook_that_fails_is_named(cost):
    with pytest.raises(NotebookError, match=r"one\.ipynb, cell 0 \(only\)"):
        cost("1 / 0")


def test_every_notebook_of_the_book_was_measured_and_fits():
    row = re.compile(r"^\| ([\w-]+) \| ([\d,]+) \| ([\d.]+) \|$", re.MULTILINE)
    rows = row.findall(TABLE.read_text())
    pages = [page.removeprefix("book/") for page in contents.pages()]
    assert [name for name, _, _ in rows] == [
        page for page in pages if (ROOT / "book" / f"{page}.ipynb").is_file()
    ]
    for name, megabytes, seconds in rows:
        assert int(megabytes.replace(",", "")) < MOST_MB, name
        assert float(seconds) < MOST_SECONDS, name
