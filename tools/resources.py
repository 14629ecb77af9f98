"""Measure what each notebook of the book takes: peak memory and time, on one core.

``make resources`` runs this, on Linux. Free services such as Binder give a reader two gigabytes and
one or two cores, so the outcome is stored, in `book/results/resources.md`: a page includes it, and
the tests hold it against `MOST_MB` and `MOST_SECONDS`.
"""

import os
import platform
import resource
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from nclib._files import write_whole
from tools import contents
from tools.notebooks import NotebookError, execute

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "book" / "results" / "resources.md"

# Of Binder's 2 GB the server takes its part, and a reader may have two notebooks open.
MOST_MB = 1200
MOST_SECONDS = 60

SECONDS_BETWEEN_LOOKS = 0.02


class Cost(NamedTuple):
    """What one notebook takes, from the start of its kernel to the end of its last cell.

    The seconds are those of the CPU: they do not grow when the machine has other work, too.
    """

    megabytes: int
    seconds: float


def descendants(process: int) -> Iterator[int]:
    """Go through the processes that a process has started, and those that they have."""
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, task.read_text(encoding="utf-8").split()):
            yield child
            yield from descendants(child)


def resident(process: int) -> tuple[int, int]:
    """Return how many kilobytes of memory a process holds, and the most that it ever held.

    The second is why Linux is asked itself: psutil does not know it.
    """
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    status = dict(line.split(":", 1) for line in lines)
    # One that has ended, but was not asked how, holds nothing.
    held, most = (int(status.get(key, "0 kB").split()[0]) for key in ("VmRSS", "VmHWM"))
    return held, most


class PeakMemory(threading.Thread):
    """Watches all processes below this one, while a `with` block runs.

    Memory that processes share counts once for each: the peak is never below the true one, but for
    what a kernel's child may take and give back between two looks.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.kilobytes = 0
        self._over = threading.Event()

    def run(self) -> None:
        """Look until the block is over."""
        while not self._over.wait(SECONDS_BETWEEN_LOOKS):
            now = 0
            try:
                for process in descendants(os.getpid()):
                    held, most = resident(process)
                    now += held
                    self.kilobytes = max(self.kilobytes, now, most)
            except (FileNotFoundError, ProcessLookupError):
                continue  # one ended while we looked

    def __enter__(self) -> "PeakMemory":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()


def cpu_seconds() -> float:
    """Return what processes that this one has started, and that have ended, took of a CPU."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(path: Path) -> Cost:
    """Run a notebook in a kernel of its own, on one core, and return what it took.

    Raises
    ------
    NotebookError
        If it does not run to its end.
    """
    cores = os.sched_getaffinity(0)
    # Whatever is started from here stays on the same core.
    os.sched_setaffinity(0, {max(cores)})
    start = cpu_seconds()
    try:
        with PeakMemory() as peak:
            execute(path)
    finally:
        os.sched_setaffinity(0, cores)
    return Cost(round(peak.kilobytes * 1024 / 1e6), cpu_seconds() - start)


def notebooks() -> list[Path]:
    """Return the notebooks of the book in the order of its contents."""
    paths = [ROOT / f"{page}.ipynb" for page in contents.pages()]
    return [path for path in paths if path.is_file()]


def table(costs: dict[str, Cost]) -> str:
    """Write the outcome as a page includes it."""
    lines = ["| Notebook | Peak memory (MB) | Time on one core (s) |", "| :-- | --: | --: |"]
    lines += [
        f"| {name} | {cost.megabytes:,} | {cost.seconds:.1f} |" for name, cost in costs.items()
    ]
    made_with = f"{platform.system()} on {platform.machine()}, Python {platform.python_version()}"
    lines += ["", f"Each in a kernel of its own on one core, its start included ({made_with})."]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure every notebook and store the table; after a failure it stays as it was."""
    os.environ.pop("MPLBACKEND", None)
    costs = {}
    for path in notebooks():
        try:
            costs[path.stem] = cost = measure(path)
        except NotebookError as error:
            print(error, file=sys.stderr)
            return 1
        print(f"{path.stem:16} {cost.megabytes:5} MB {cost.seconds:6.1f} s", flush=True)
    write_whole(TABLE, table(costs).encode())
    over = [
        name
        for name, cost in costs.items()
        if cost.megabytes > MOST_MB or cost.seconds > MOST_SECONDS
    ]
    if over:
        print(f"above {MOST_MB} MB or {MOST_SECONDS} s: {', '.join(over)}", file=sys.stderr)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
