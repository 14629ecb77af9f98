"""``nclib reproduce``: the runs of a figure of the paper."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nclib.cli import _output as out
from nclib.cli._images import (
    HEAD_SCALE_HELP,
    DeviceOption,
    DownloadOption,
    RootOption,
    ThreadsOption,
    named_images,
    require_images,
    say_what_is_held_out,
)
from nclib.cli.results import show_results, summary

if TYPE_CHECKING:
    from nclib.training.experiment import Experiment


def reproduce(
    figure: Annotated[int, typer.Option(min=1, max=4, help="Figure of the paper.")],
    scale: Annotated[
        str,
        typer.Option(help="paper (12,000 epochs, width 2048), wide (1,500), medium or small."),
    ] = "small",
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="How many seeds, from 0 on.")] = 1,
    data: Annotated[
        str | None,
        typer.Option(help="Other images with as many classes, by name or path."),
    ] = None,
    head_scale: Annotated[
        float | None,
        typer.Option(
            callback=out.positive,
            help=f"{HEAD_SCALE_HELP} Otherwise 2 for six layers on the letters, 1 elsewhere.",
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="How many runs at a time.")] = 1,
    folder: Annotated[Path, typer.Option("--out", help="Folder of results.")] = Path("results"),
    root: RootOption = None,
    download: DownloadOption = False,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    as_json: out.JsonOption = False,
) -> None:
    """Run the experiments of a figure of the paper, those that are not done yet.

    Stop it at any time: each result is one file in --out, an interrupted run goes on from its
    last checkpoint, and what is done is skipped.

    For example:

    - `nclib reproduce --figure 1 --scale small --data cifar10_subset.npz`

    - `nclib reproduce --figure 2 --scale medium --seeds 3 --head-scale 2 --download --jobs 2`

    - `nclib results results --plot figure1.svg`
    """
    if scale not in ("paper", "wide", "medium", "small"):
        raise typer.BadParameter(f"--scale is paper, wide, medium or small; got {scale!r}")
    with out.reported():
        from nclib.training.checkpoints import newest
        from nclib.training.experiments import on_images, sweep
        from nclib.training.paper import paper_figure
        from nclib.training.results import result_path

        name, images = (None, None) if data is None else named_images(data)
        experiments = paper_figure(
            figure, scale, seeds=range(seeds), data=name, head_scale=head_scale
        )
        if images is not None:
            experiments = on_images(experiments, images)

        def checkpoint_of(experiment: Experiment) -> tuple[Path, int] | None:
            return newest(folder / ".checkpoints" / experiment.name)

        def from_checkpoints(remaining: list[Experiment]) -> str:
            begun = list(filter(None, map(checkpoint_of, remaining)))
            if not begun:
                return ""
            path, epoch = max(begun, key=lambda one: one[0].stat().st_mtime)
            return f", {len(begun)} of them from a checkpoint, the newest {path} of epoch {epoch:,}"

        def left() -> list[Experiment]:
            return [e for e in experiments if not result_path(e, folder).exists()]

        todo = left()
        if todo and images is None:
            require_images(todo[0].data, root, download)
        out.say(f"Figure {figure}: {len(experiments)} runs, {len(todo)} left to do.")
        for experiment in todo:
            out.say(f"  {experiment.name}{' (begun)' * bool(checkpoint_of(experiment))}")
        try:
            with watched(len(experiments), lambda: len(left()), shown=jobs > 1 and not as_json):
                results = sweep(
                    experiments,
                    folder,
                    jobs=jobs,
                    images=images,
                    root=root,
                    download=download,
                    device=device,
                    threads=1 if threads is None and jobs > 1 else threads,
                    progress=jobs == 1 and not as_json,
                )
        finally:
            remaining = left()
            if remaining:
                begun = from_checkpoints(remaining)
                out.say(f"{len(remaining)} left to do; the same command goes on{begun}.")
        if todo:
            say_what_is_held_out(images)
        if as_json:
            out.write_json({"folder": f"{folder}", "results": [summary(r) for r in results]})
        else:
            show_results(results)


@contextmanager
def watched(total: int, left: Callable[[], int], *, shown: bool) -> Iterator[None]:
    """Show on the standard error how many results are there, while workers make them."""
    if not shown:
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    done = threading.Event()
    columns = ("runs", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("runs", total=total)

        def watch() -> None:
            while not done.wait(1.0):
                bar.update(task, completed=total - left())

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()
            bar.update(task, completed=total - left())
