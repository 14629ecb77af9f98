"""``nclib train``: a network on real images, beside the closed form."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nclib._text import modes, share_text
from nclib.cli import _output as out
from nclib.cli._images import (
    HEAD_SCALE_HELP,
    DeviceOption,
    DownloadOption,
    RootOption,
    ThreadsOption,
    named_images,
    ready_folder,
    require_images,
    say_what_is_held_out,
)
from nclib.cli._script import LayersOption, NoBiasOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nclib.theory.counts import ClassCounts
    from nclib.training.results import Result


DIGITS_COUNTS = "60,60,60,60,20,20,20,20,20,20"
"""An imbalanced subset of the digits."""


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
    depth: LayersOption = 2,
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
    as_json: out.JsonOption = False,
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
        from nclib.training.checkpoints import newest
        from nclib.training.config import TrainingConfig
        from nclib.training.experiment import Experiment
        from nclib.training.experiments import on_images, run
        from nclib.training.results import result_path

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
        wanted = read_training_counts(counts or DIGITS_COUNTS)
        if wanted.names is not None:
            from nclib.training.data import load_images

            loaded = load_images(images or name, root=root, download=download)
            wanted = in_order_of(loaded.class_names, wanted)
        experiment = Experiment(name, wanted, config)
        if images is not None:
            (experiment,) = on_images([experiment], images)
        with ready_folder(folder) as place:
            stored = result_path(experiment, place).exists()
            interrupted = place / ".checkpoints" / experiment.name
            begun = newest(interrupted)
            if not stored and begun and not resume:
                raise ValueError(
                    f"{interrupted} has an interrupted run with these settings: --resume goes on "
                    "with it; remove the folder to begin anew"
                )
            if not stored:
                if resume and not begun:
                    out.say(
                        f"{place} has no interrupted run with these settings and images: it begins "
                        "anew."
                    )
                if images is None:
                    require_images(name, root, download)
            try:
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
            except KeyboardInterrupt:
                raise KeyboardInterrupt(how_to_go_on(folder, newest(interrupted), epochs)) from None
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


def how_to_go_on(folder: Path | None, checkpoint: tuple[Path, int] | None, epochs: int) -> str:
    """Say what an interrupted run has left, and what to type."""
    if folder is None:
        return "nothing is kept without --out, where checkpoints are written every two minutes"
    if checkpoint is None:
        return (
            "there is no checkpoint yet (one is written every two minutes): the same command "
            "begins anew"
        )
    path, epoch = checkpoint
    return (
        f"the checkpoint {path} has {epoch:,} of {epochs:,} epochs: the same command with --resume "
        "goes on from it"
    )


def read_training_counts(text: str) -> ClassCounts:
    """Read counts written with commas, or whatever `read_counts` takes."""
    from nclib.data.readers import read_counts
    from nclib.theory.counts import ClassCounts

    if all(part.strip().isdigit() for part in text.split(",")) and "," in text:
        return ClassCounts([int(part) for part in text.split(",")])
    return read_counts(text)


def in_order_of(class_names: Sequence[str], counts: ClassCounts) -> ClassCounts:
    """Bring counts that name the classes of the images into the order of these.

    Other names are not looked at: the first count is then of the first class.
    """
    from nclib.theory.counts import ClassCounts

    n, names = counts.n.tolist(), counts.names
    if names is not None and sorted(names) == sorted(class_names):
        n = [n[names.index(name)] for name in class_names]
    return ClassCounts(n)


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
        f"The run has {modes(reached['alive'])} alive, the global minimum "
        f"{result.experiment.minimizer.alive}: it came to another local minimum, or has not "
        f"settled. Its objective is {100 * reached['gap']:.3g} % above that local minimum and "
        f"{100 * gap:.3g} % above the global one."
    )
