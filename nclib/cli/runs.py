"""``nclib train``, ``nclib reproduce`` and ``nclib results``: networks on real images."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nclib._numbers import share_text
from nclib.cli import _output as out
from nclib.cli.predict import DepthOption, JsonOption, NoBiasOption

if TYPE_CHECKING:
    from nclib.training.experiments import Experiment, Result

DIGITS_COUNTS = "60,60,60,60,20,20,20,20,20,20"
"""An imbalanced subset of the digits."""

RootOption = Annotated[
    Path | None, typer.Option(help="Folder of downloaded data sets. Default: ~/.cache/nclib.")
]
DownloadOption = Annotated[
    bool, typer.Option("--download", help="Fetch the images where they are missing.")
]
DeviceOption = Annotated[
    str | None, typer.Option(help="cpu, cuda or mps. Default: the best that is there.")
]
ThreadsOption = Annotated[
    int | None, typer.Option(min=1, max=1024, help="Threads of torch on the processor.")
]
HEAD_SCALE_HELP = "Factor on the head's first weights: from larger ones deep heads keep more modes."


def train(
    data: Annotated[
        str,
        typer.Argument(
            metavar="[DATA]",
            help="Images: digits (comes with scikit-learn), cifar10, fashion-mnist, "
            "emnist-letters, an .npz file, or a folder of images by class. Of a file or folder "
            "without a split 'test', 50 images of each class are held out as test images.",
        ),
    ] = "digits",
    depth: DepthOption = 2,
    counts: Annotated[
        str | None,
        typer.Option(
            help="Training images per class: numbers with commas between, or whatever "
            "`nclib predict` reads. Default for the digits: 60 each of four, 20 of the others.",
        ),
    ] = None,
    lambda_W: Annotated[
        list[float] | None,
        typer.Option(
            "--lambda-W",
            callback=out.positive,
            help="Penalty on the head's layers: once for all, or once for each. Default: 2e-2.",
        ),
    ] = None,
    lambda_H: Annotated[
        float,
        typer.Option("--lambda-H", callback=out.positive, help="Penalty on the features."),
    ] = 1e-3,
    no_bias: NoBiasOption = False,
    width: Annotated[int, typer.Option(min=1, help="Width of the backbone and head.")] = 64,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the images.")] = 1000,
    learning_rate: Annotated[
        float,
        typer.Option(
            callback=out.positive, help="Of Adam, at the start; it falls to 0 along a cosine."
        ),
    ] = 5e-3,
    lambda_warmup: Annotated[
        float,
        typer.Option(
            min=0,
            max=0.999,
            help="Share of the epochs over which the penalties rise to their values: without it "
            "a run with several layers may end in another local minimum.",
        ),
    ] = 0.5,
    head_scale: Annotated[float, typer.Option(callback=out.positive, help=HEAD_SCALE_HELP)] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Draws images, weights and order.")] = 0,
    folder: Annotated[
        Path | None,
        typer.Option("--out", help="Store the result in this folder, and checkpoints meanwhile."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the interrupted run in --out.")
    ] = False,
    root: RootOption = None,
    download: DownloadOption = False,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a network on real images and compare it with the closed form.

    The network is the paper's: six affine maps and a linear head of --depth layers, with the
    penalties of the model. Without arguments it trains on the digits for some seconds, until the
    objective is within 0.1 % of the minimum.

    For example:

    - `nclib train`

    - `nclib train digits --depth 3 --counts 100,100,100,100,100,20,20,20,20,20 --out runs`

    - `nclib train letters.npz --counts counts.csv --lambda-W 5e-4 --lambda-H 1e-5 --width 512`

    - `nclib train cifar10 --counts cifar10-paper --download --out runs --resume`
    """
    if resume and folder is None:
        raise typer.BadParameter("--resume needs the folder of the run: --out")
    if counts is None and data != "digits":
        raise typer.BadParameter("--counts is needed for other images than the digits")
    lambdas = out.per_layer(lambda_W or [2e-2], depth)
    with out.reported():
        from nclib.training.engine import TrainingConfig
        from nclib.training.experiments import Experiment, on_images, result_path, run

        config = TrainingConfig(
            depth=depth,
            lambda_W=lambdas,
            lambda_H=lambda_H,
            bias=not no_bias,
            width=width,
            epochs=epochs,
            learning_rate=learning_rate,
            schedule="cosine",
            lambda_warmup=lambda_warmup,
            head_scale=head_scale,
            seed=seed,
        )
        name, images = named_images(data)
        experiment = Experiment(name, read_training_counts(counts or DIGITS_COUNTS), config)
        if images is not None:
            (experiment,) = on_images([experiment], images)
        with ready_folder(folder) as place:
            stored = result_path(experiment, place).exists()
            interrupted = place / ".checkpoints" / experiment.name
            if not stored and interrupted.exists() and not resume:
                raise ValueError(
                    f"{interrupted} has an interrupted run with these settings: --resume goes on "
                    "with it; remove the folder to begin anew"
                )
            if not stored:
                if resume and not interrupted.exists():
                    out.say(
                        f"{place} has no interrupted run with these settings and images: it begins "
                        "anew."
                    )
                if images is None:
                    require_images(name, root, download)
            result = run(
                experiment,
                place,
                images=images,
                root=root,
                download=download,
                device=device,
                threads=threads,
                progress=not as_json,
            )
        if stored:
            out.say("This run was done already; here is its stored result.")
        else:
            say_what_is_held_out(images)
        if as_json:
            out.write_json(result.to_dict())
        else:
            show_result(result)
            if folder is not None:
                out.show(f"Stored: {result_path(experiment, folder)}")


def named_images(data: str) -> tuple[str, Path | None]:
    """Split what was given into the name that results carry and a path, if it is one."""
    from nclib.training.data import NAMES, data_name, load_images

    if data in NAMES:
        return data, None
    path = Path(data).expanduser()
    if not path.exists():
        load_images(data)  # which says so
    return data_name(path), path


def require_images(name: str, root: Path | None, download: bool) -> None:
    """Load a data set once before any run: what is wrong with it is said once."""
    from nclib.training.data import load_images

    try:
        load_images(name, root=root, download=download)
    except FileNotFoundError as error:
        hint = "" if download else "; here: --download, or another data set"
        raise FileNotFoundError(f"{error}{hint}") from None


def say_what_is_held_out(images: Path | None) -> None:
    """Say where the test images come from, if not from a split of their own."""
    from nclib.training.data import has_test_images
    from nclib.training.experiments import _TEST_IMAGES

    if images is not None and not has_test_images(images):
        out.say(
            f"{images} has no split 'test': {_TEST_IMAGES} images of each class were held out as "
            "test images."
        )


def read_training_counts(text: str) -> Any:
    """Read counts written with commas, or whatever `read_counts` takes; without names."""
    from nclib.data.readers import read_counts
    from nclib.theory.counts import ClassCounts

    if all(part.strip().isdigit() for part in text.split(",")) and "," in text:
        return ClassCounts([int(part) for part in text.split(",")])
    return ClassCounts(read_counts(text).n)


@contextmanager
def ready_folder(folder: Path | None) -> Iterator[Path]:
    """Make the folder of results, or one for the meantime."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="nclib-") as name:
        yield Path(name)


def show_result(result: Result) -> None:
    """Write what came of one run, against the closed form."""
    from nclib.metrics import COLLAPSE

    final, reached, experiment = result.final, result.reached, result.experiment
    best, total = experiment.minimizer, experiment.counts.K - experiment.config.bias
    out.show(verdict(result))
    out.show_table(
        f"{experiment.data}: L = {experiment.config.depth}, {experiment.config.epochs:,} epochs, "
        f"{result.seconds:.0f} s",
        ["", "measured", "closed form"],
        [
            ("objective", f"{final['objective']:.6g}", f"{best.objective:.6g}"),
            ("modes alive", f"{final['alive']} of {total}", f"{best.alive} of {total}"),
            (
                "training accuracy",
                share_text(final["train_accuracy"]),
                share_text(best.training_accuracy().overall),
            ),
            (
                "test accuracy",
                None if final["test_accuracy"] is None else share_text(final["test_accuracy"]),
                None,
            ),
        ],
    )
    readings = final["metrics"]
    out.show_table(
        "Metrics against the global minimum",
        ["metric", "corrected", "as printed"],
        [
            (
                metric.key,
                *(readings[reading][metric.key] for reading in ("corrected", "as_printed")),
            )
            for metric in COLLAPSE
        ],
    )
    if reached["metrics"] and not reached["is_global"]:
        out.show_table(
            "Metrics against the local minimum that was reached",
            ["metric", "corrected"],
            list(reached["metrics"].items()),
        )
    predicted = best.training_accuracy().per_class
    shown = out.shortened(range(experiment.counts.K))
    test = final["test_accuracy_per_class"] or [None] * experiment.counts.K

    def share(value: float | None) -> str | None:
        return None if value is None else share_text(value)

    out.show_table(
        "Accuracy by class",
        ["class", "samples", "training", "optimum", "test"],
        [
            k
            if k is None
            else (
                str(k),
                int(experiment.counts.n[k]),
                share(final["train_accuracy_per_class"][k]),
                share(predicted[k]),
                share(test[k]),
            )
            for k in shown
        ],
        total=experiment.counts.K,
    )


def verdict(result: Result) -> str:
    """Say in a sentence which minimum a run came to."""
    gap, reached = result.final["gap"], result.reached
    if reached["is_global"]:
        return (
            f"The run has as many modes alive as the global minimum, and its objective is "
            f"{100 * gap:.3g} % above it."
        )
    return (
        f"The run has {reached['alive']} modes alive, the global minimum "
        f"{result.experiment.minimizer.alive}: it came to another local minimum, or has not "
        f"settled. Its objective is {100 * reached['gap']:.3g} % above that local minimum and "
        f"{100 * gap:.3g} % above the global one."
    )


def reproduce(
    figure: Annotated[int, typer.Option(min=1, max=4, help="Figure of the paper.")],
    scale: Annotated[
        str,
        typer.Option(help="paper (12,000 epochs, width 2048), medium or small: the same shape."),
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
    as_json: JsonOption = False,
) -> None:
    """Run the experiments of a figure of the paper, those that are not done yet.

    Stop it at any time: each result is one file in --out, an interrupted run goes on from its
    last checkpoint, and what is done is skipped.

    For example:

    - `nclib reproduce --figure 1 --scale small --data cifar10_subset.npz`

    - `nclib reproduce --figure 2 --scale medium --seeds 3 --head-scale 2 --download --jobs 2`

    - `nclib results results --plot figure1.svg`
    """
    if scale not in ("paper", "medium", "small"):
        raise typer.BadParameter(f"--scale is paper, medium or small; got {scale!r}")
    with out.reported():
        from nclib.training.experiments import on_images, paper_figure, result_path, sweep

        name, images = (None, None) if data is None else named_images(data)
        experiments = paper_figure(
            figure, scale, seeds=range(seeds), data=name, head_scale=head_scale
        )
        if images is not None:
            experiments = on_images(experiments, images)

        def left() -> list[Experiment]:
            return [e for e in experiments if not result_path(e, folder).exists()]

        todo = left()
        if todo and images is None:
            require_images(todo[0].data, root, download)
        out.say(f"Figure {figure}: {len(experiments)} runs, {len(todo)} left to do.")
        for experiment in todo:
            started = (folder / ".checkpoints" / experiment.name).exists()
            out.say(f"  {experiment.name}{' (begun)' * started}")
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
                out.say(f"{len(remaining)} left to do; the same command goes on.")
        if todo:
            say_what_is_held_out(images)
        if as_json:
            out.write_json({"folder": f"{folder}", "results": [summary(r) for r in results]})
        else:
            show_results(results)


@contextmanager
def watched(total: int, left: Any, *, shown: bool) -> Iterator[None]:
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


def results(
    folder: Annotated[Path, typer.Argument(help="Folder of results.")] = Path("results"),
    plot: Annotated[
        Path | None, typer.Option(help="Draw the training curves into this .svg or .png file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List and compare stored results, and draw their curves.

    For each run: how far its objective is above the global minimum, and above the local minimum
    that has as many modes alive; the metrics; the accuracy.

    For example:

    - `nclib results`

    - `nclib results runs --plot runs.svg`

    - `nclib results runs --json | jq '.results[].gap'`
    """
    if plot is not None and plot.suffix.lower() not in (".svg", ".png"):
        raise typer.BadParameter(f"--plot writes .svg or .png; got {plot}")
    with out.reported():
        from nclib.training.experiments import Result

        if not folder.is_dir():
            raise ValueError(f"{folder}: no such folder of results")
        found: list[Result] = []
        for path in sorted(folder.glob("*.json")):
            try:
                found.append(Result.load(path))
            except ValueError as error:
                out.say(f"passed over: {error}")
        if plot is not None:
            from nclib.views.figures.runs import compare_runs

            if not found:
                raise ValueError(f"{folder}: no results to draw")
            save_figure(compare_runs(found), plot)
        if as_json:
            out.write_json({"folder": f"{folder}", "results": [summary(r) for r in found]})
            return
        show_results(found)
        if plot is not None:
            out.show(f"Drawn: {plot}")


def summary(result: Result) -> dict[str, Any]:
    """Return what comparisons need of a result."""
    final, reached, experiment = result.final, result.reached, result.experiment
    return {
        "name": experiment.name,
        "data": experiment.data,
        "digest": experiment.digest,
        "counts": experiment.counts.n,
        "depth": experiment.config.depth,
        "bias": experiment.config.bias,
        "seed": experiment.config.seed,
        "epochs": experiment.config.epochs,
        "objective": final["objective"],
        "gap": final["gap"],
        "modes_alive": reached["alive"],
        "modes_alive_at_global": experiment.minimizer.alive,
        "is_global": reached["is_global"],
        "gap_to_reached": reached["gap"],
        "metrics": final["metrics"],
        "metrics_of_reached": reached["metrics"],
        "train_accuracy": final["train_accuracy"],
        "test_accuracy": final["test_accuracy"],
        "seconds": result.seconds,
    }


def show_results(found: Sequence[Result]) -> None:
    """Write one row for each result."""
    from nclib.metrics import DRAWN

    if not found:
        out.show("No results.")
        return
    # Of images of one name which ones, if there are several.
    of_name: dict[str, set[str | None]] = {}
    for result in found:
        of_name.setdefault(result.experiment.data, set()).add(result.experiment.digest)
    runs, metrics = [], []
    for number, result in enumerate(found, start=1):
        s = summary(result)
        which = f" [{(s['digest'] or 'by name')[:7]}]" * (len(of_name[s["data"]]) > 1)
        runs.append(
            (
                f"{number}",
                f"{s['data']}{which}, {'' if s['bias'] else 'no '}bias",
                s["depth"],
                s["seed"],
                s["epochs"],
                f"{s['modes_alive']} of {s['modes_alive_at_global']}",
                f"{100 * s['gap']:.3g} %",
                f"{100 * s['gap_to_reached']:.3g} %",
                share_text(s["train_accuracy"]),
                None if s["test_accuracy"] is None else share_text(s["test_accuracy"]),
            )
        )
        corrected = s["metrics"]["corrected"]
        values = (corrected[metric.key] for metric in DRAWN)
        metrics.append(
            (f"{number}", *(None if value is None else f"{value:.1e}" for value in values))
        )
    out.show_table(
        f"{len(found)} results",
        ["", "data", "L", "seed", "epochs", "modes\nalive", "above\nglobal", "above\nreached",
         "training\naccuracy", "test\naccuracy"],
        runs,
        left=2,
    )  # fmt: skip
    out.show_table(
        "Metrics against the global minimum, corrected",
        ["", *(metric.label for metric in DRAWN)],
        metrics,
    )
    lost = sum(not r.reached["is_global"] for r in found)
    out.show(
        "All have as many modes alive as their global minimum."
        if not lost
        else f"{lost} of {len(found)} have another number of modes alive than their global minimum."
    )


def save_figure(figure: Any, path: Path) -> None:
    """Write a figure in one step, in the format that the name says."""
    from io import BytesIO

    from nclib._files import write_whole

    kind = path.suffix[1:].lower()
    buffer = BytesIO()
    # Without the date, the same results give the same bytes.
    figure.savefig(buffer, format=kind, metadata={"Date": None} if kind == "svg" else None)
    write_whole(path, buffer.getvalue())
