"""Train the networks of the chapter on losses, each in a process of its own, and store them.

``python -m tools.losses_runs --data DIR --out DIR [--device cuda] [--only NAME] [--jobs J]``

DIR of the data has `cifar10_subset.npz` and `ocr_letters.npz`. What has its result already is left
alone, and what was interrupted is taken up, so it can be started again at any time. Each result is
written whole when its run ends; a run that takes longer than ``--limit`` seconds is stopped, and
named at the end with all others that failed, and why. ``--only`` takes runs whose row or file name
has these letters in it, ``--seeds`` says how many each row has at the small width.

Narrow networks wait for a GPU more than they compute: they take the CPU, one thread each, and those
of 512 and more the ``--device``.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import multiprocessing
import sys
import time
import traceback
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from nclib.training.experiment import Experiment

WIDE = 512


class Run(NamedTuple):
    """A run to do: its row, its settings, the images and the device."""

    row: str
    experiment: Experiment
    images: Path
    device: str


class Going(NamedTuple):
    """A run that goes on, and since when."""

    run: Run
    process: BaseProcess
    began: float


def find_array_api() -> None:
    """Take the copy that scipy or scikit-learn brings where the package itself is not installed."""
    if importlib.util.find_spec("array_api_compat") is not None:
        return
    for place in ("scipy._lib.array_api_compat", "sklearn.externals.array_api_compat"):
        try:
            sys.modules["array_api_compat"] = importlib.import_module(place)
        except ImportError:
            continue
        return


def listed(data: Path, device: str | None, seeds: int) -> Iterator[Run]:
    """List all runs, those that take longest first."""
    from nclib.training.experiments import on_images
    from nclib.training.loss_runs import LOSS_COUNTS, LOSS_SCALES, loss_runs

    for scale in ("medium", "small"):
        wide = LOSS_SCALES[scale].width >= WIDE
        for name in LOSS_COUNTS:
            if wide and name != "cifar10_subset":
                continue
            images = data / f"{name}.npz"
            rows = loss_runs(name, scale, seeds=range(1 if wide else seeds))
            experiments = on_images([one for row in rows.values() for one in row], images)
            names = [row for row, ones in rows.items() for _ in ones]
            for row, experiment in zip(names, experiments, strict=True):
                yield Run(row, experiment, images, (device or "cpu") if wide else "cpu")


def do(run: Run, out: Path, log: Path) -> None:
    """Do one run, in a process of its own; what goes wrong is written to its log."""
    find_array_api()
    import torch

    from nclib.training.experiments import run as run_experiment

    # What is as good as 0 (features of a dead mode, and what Adam remembers of them) takes a
    # CPU many times as long as other numbers.
    torch.set_flush_denormal(True)
    try:
        run_experiment(
            run.experiment, out, images=run.images, device=run.device, threads=1, progress=False
        )
    except BaseException:
        log.write_text(traceback.format_exc(), encoding="utf-8")
        raise


def outcome(run: Run, out: Path) -> str:
    """Say in a line how a run ended, beside what is predicted."""
    from nclib.training.results import Result, result_path

    result = Result.load(result_path(run.experiment, out))
    best, final = result.experiment.optimum, result.final
    return (
        f"gap {final['gap']:.1e}, {final['alive']} modes alive of {best.alive} predicted, "
        f"accuracy {final['train_accuracy']:.4f}, {result.seconds:.0f} s"
    )


def all_of(runs: list[Run], out: Path, jobs: int, limit: float) -> list[str]:
    """Do runs side by side; return what failed, and why."""
    from nclib.training.results import result_path

    # A fresh process each: a CUDA device can't be shared with a parent, and one can be killed.
    context = multiprocessing.get_context("spawn")
    logs = out / ".logs"
    logs.mkdir(parents=True, exist_ok=True)
    waiting, going, failed = deque(runs), list[Going](), list[str]()
    while waiting or going:
        while waiting and len(going) < jobs:
            run = waiting.popleft()
            log = logs / f"{run.experiment.name}.txt"
            log.unlink(missing_ok=True)
            process = context.Process(target=do, args=(run, out, log))
            process.start()
            going.append(Going(run, process, time.monotonic()))
        time.sleep(0.05)
        for one in list(going):
            name = one.run.experiment.name
            if one.process.is_alive() and time.monotonic() - one.began < limit:
                continue
            late = one.process.is_alive()
            if late:
                one.process.kill()
            one.process.join()
            going.remove(one)
            if result_path(one.run.experiment, out).exists():
                print(f"{one.run.row}, {name}: {outcome(one.run, out)}", flush=True)
                continue
            log = logs / f"{name}.txt"
            why = log.read_text(encoding="utf-8").splitlines()[-1] if log.exists() else ""
            why = f"stopped after {limit:g} s" if late else why or "its process died"
            failed.append(f"{one.run.row}, {name}: {why}")
            print(failed[-1], flush=True)
    return failed


def main() -> None:
    """Read the command line and do the runs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the images")
    parser.add_argument("--out", type=Path, required=True, help="folder of results")
    parser.add_argument("--device", help="of the wide networks, as cuda; default cpu")
    parser.add_argument("--only", default="", help="runs with these letters in row or name")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    parser.add_argument("--seeds", type=int, default=3, help="how many at the small width")
    parser.add_argument("--limit", type=float, default=240.0, help="seconds for each run")
    given = parser.parse_args()
    find_array_api()
    from nclib.training.results import result_path

    runs = [
        run
        for run in listed(given.data, given.device, given.seeds)
        if given.only in run.row or given.only in run.experiment.name
    ]
    todo = [run for run in runs if not result_path(run.experiment, given.out).exists()]
    print(f"{len(runs)} runs, {len(todo)} left to do, {given.jobs} at a time.", flush=True)
    failed = all_of(todo, given.out, given.jobs, given.limit)
    print(f"{len(todo) - len(failed)} done, {len(failed)} failed.", flush=True)
    for line in failed:
        print(f"  {line}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
