"""Running experiments, one or a sweep of them.

A sweep leaves alone what has its result already and takes up what was interrupted, so it can be
stopped and started again at any time.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from nclib._extras import imported
from nclib.metrics import measure
from nclib.theory.minimizer import Minimizer
from nclib.theory.problem import Problem
from nclib.training.data import (
    NAMES,
    ImageData,
    Normalization,
    content_digest,
    data_name,
    imbalanced_subset,
    load_splits,
    to_tensors,
    without_conflicts,
)
from nclib.training.engine import TrainingResult, train
from nclib.training.experiment import Experiment
from nclib.training.history import MetricValues, Reached
from nclib.training.numerics import threads_of_torch
from nclib.training.paper import (
    LAMBDA_H,
    LAMBDA_W,
    LAMBDA_WARMUP,
    PAPER_DEPTHS,
    SCALES,
    Scale,
    paper_figure,
)
from nclib.training.results import (
    METRICS_OF_REACHED,
    Result,
    by_sweep,
    figure_results,
    load_results,
    result_path,
    results_table,
    select,
)

__all__ = [
    "LAMBDA_H",
    "LAMBDA_W",
    "LAMBDA_WARMUP",
    "PAPER_DEPTHS",
    "SCALES",
    "Experiment",
    "Result",
    "Scale",
    "SweepError",
    "by_sweep",
    "figure_results",
    "load_results",
    "on_images",
    "paper_figure",
    "result_path",
    "results_table",
    "run",
    "select",
    "sweep",
]


TEST_IMAGES = 50
"""Of each class, held out where a data set has no test images."""


def on_images(
    experiments: Iterable[Experiment], images: str | os.PathLike[str]
) -> list[Experiment]:
    """Return experiments with the `digest` of images in a file or a folder.

    Parameters
    ----------
    experiments : iterable of Experiment
    images : path-like
        File or folder of images, whose name without ending is the `data` of all experiments.

    Returns
    -------
    list of Experiment

    Raises
    ------
    ValueError, OSError
        If the images can't be read, have another name, or are not those of an experiment that has
        a `digest` already.
    """
    path, listed = Path(images).expanduser(), list(experiments)
    for experiment in listed:
        _require_name(experiment, path)
    digest = content_digest(*load_splits(path))
    for experiment in listed:
        _require_digest(experiment, path, digest)
    return [replace(experiment, digest=digest) for experiment in listed]


def _require_name(experiment: Experiment, images: Path) -> None:
    if data_name(images) != experiment.data:
        raise ValueError(
            f"images must be those that the experiment names, {experiment.data!r}; got {images}"
        )


def _require_digest(experiment: Experiment, images: Path, digest: str) -> None:
    if experiment.digest not in (None, digest):
        raise ValueError(
            f"images must be those of the experiment, {experiment.digest:.10}...; {images} holds "
            f"others, {digest:.10}...: it is another file, or it has changed"
        )


def run(
    experiment: Experiment,
    folder: str | os.PathLike[str],
    *,
    images: str | os.PathLike[str] | None = None,
    root: str | os.PathLike[str] | None = None,
    download: bool = False,
    device: str | None = None,
    threads: int | None = None,
    progress: bool = True,
) -> Result:
    """Run an experiment and store its result, or load the result that is there.

    Parameters
    ----------
    experiment : Experiment
    folder : path-like
        Where results are. What an interrupted run needs to go on is kept in `.checkpoints` there,
        and removed when the result is written.
    images : path-like, optional
        File or folder of images, whose name without ending is ``experiment.data``. Default: the
        images that `load_images` knows by that name. The result is that of these very images: of
        others under the same name it is another, in another file.
    root, download
        As for `load_images`.
    device : str, optional
        As for `train`.
    threads : int, optional
        Threads of torch on the CPU for this run; afterwards they are as they were. Default: as it
        is set.
    progress : bool, default True
        Whether to show a progress bar.

    Returns
    -------
    Result
        Its `experiment` has the `digest` of the images.

    Raises
    ------
    ValueError, OSError
        If the images can't be read, are not those of the experiment's `digest`, or if a class has
        too few of them.
    DivergenceError, MemoryError
        As for `train`.

    Notes
    -----
    Of images without a split "test", 50 of each class are held out as test images, the same for
    every seed.
    """
    if images is not None and experiment.digest is None:
        (experiment,) = on_images([experiment], images)
    path = result_path(experiment, folder)
    checkpoints = Path(folder) / ".checkpoints" / experiment.name
    if path.exists():
        result = Result.load(path)
        if result.experiment.identity() != experiment.identity():
            raise ValueError(
                f"{path} has the result of other settings: {result.experiment.to_dict()}"
            )
        shutil.rmtree(checkpoints, ignore_errors=True)
        return result
    with threads_of_torch(threads):
        train_images, test_images, left_out = _draw(experiment, images, root, download)
        normalization = Normalization.of(train_images)
        flat = experiment.config.backbone == "mlp"
        samples, labels = to_tensors(train_images, normalization, flat=flat)
        trained = train(
            experiment.config,
            samples,
            labels,
            test=to_tensors(test_images, normalization, flat=flat),
            device=device,
            checkpoints=checkpoints,
            resume=True,
            progress=progress,
        )
        result = Result(
            experiment=experiment,
            history=trained.history,
            reached=_reached(trained, samples, labels),
            samples={"train": train_images.N, "test": test_images.N, "left_out": left_out},
            machine=trained.machine,
            seconds=trained.final["seconds"],
        )
    result.save(folder)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return Result.load(path)


class SweepError(RuntimeError):
    """Some experiments of a sweep failed; the message says which and why."""


def sweep(
    experiments: Sequence[Experiment],
    folder: str | os.PathLike[str],
    *,
    jobs: int | None = None,
    **options: Any,
) -> list[Result]:
    """Run experiments side by side, those whose result is not there yet.

    Parameters
    ----------
    experiments : sequence of Experiment
    folder : path-like
        Where results are; see `run`. Every worker must see it.
    jobs : int, optional
        How many run at a time. Default: what `joblib.parallel_config` says around the call, or 1.
        It also chooses the machines: with its ``backend="dask"`` they go to a Dask cluster.
    **options
        As for `run`.

    Returns
    -------
    list of Result
        In the order of `experiments`.

    Raises
    ------
    SweepError
        If some failed. The others are run to their end first, and their results stored.
    """
    images = options.get("images")
    if images is not None and any(experiment.digest is None for experiment in experiments):
        experiments = on_images(experiments, images)
    # Each once: two workers at the same run would write the same files.
    each = {experiment.name: experiment for experiment in experiments}
    joblib = imported("joblib", "sweep")
    outcomes = joblib.Parallel(n_jobs=jobs)(
        joblib.delayed(_attempt)(experiment, folder, options) for experiment in each.values()
    )
    done = dict(zip(each, outcomes, strict=True))
    failed = [f"{name}: {outcome}" for name, outcome in done.items() if isinstance(outcome, str)]
    if failed:
        raise SweepError(f"{len(failed)} of {len(done)} failed:\n" + "\n".join(failed))
    return [done[experiment.name] for experiment in experiments]


def _attempt(
    experiment: Experiment, folder: str | os.PathLike[str], options: Mapping[str, Any]
) -> Result | str:
    """Run, and return the error instead of raising it, which would end the whole sweep."""
    try:
        return run(experiment, folder, **options)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _draw(
    experiment: Experiment,
    images: str | os.PathLike[str] | None,
    root: str | os.PathLike[str] | None,
    download: bool,
) -> tuple[ImageData, ImageData, int]:
    """Training images, test images, and how many images of the source were left out."""
    source = experiment.data if images is None else Path(images).expanduser()
    # A name that load_images does not know would be taken for a path.
    if images is None and (experiment.digest is not None or source not in NAMES):
        raise ValueError(
            f"images must be the file or folder {experiment.data!r} that the experiment is about: "
            f"of the images that need none, {', '.join(map(repr, NAMES))}, it is not"
        )
    if isinstance(source, Path):
        _require_name(experiment, source)
    everything, test = load_splits(source, root=root, download=download)
    if isinstance(source, Path):
        _require_digest(experiment, source, content_digest(everything, test))
    data, test, left_out = divided_images(everything, test)
    return imbalanced_subset(data, experiment.counts, seed=experiment.config.seed), test, left_out


def divided_images(
    everything: ImageData, test: ImageData | None
) -> tuple[ImageData, ImageData, int]:
    """Return what training images are drawn from, test images, and how many were left out."""
    data = without_conflicts(everything)
    left_out = everything.N - data.N
    if test is None:
        test, data = _hold_out(data)
    return data, test, left_out


def _hold_out(data: ImageData) -> tuple[ImageData, ImageData]:
    """Split off test images, the same for every seed, that do not occur among the others."""
    held_out = f"without the {TEST_IMAGES} of each class that are held out as test images"
    try:
        test = imbalanced_subset(data, [TEST_IMAGES] * data.K, seed=0)
    except ValueError as error:
        raise ValueError(
            f"{data.name} has no split 'test', so {TEST_IMAGES} images of each class are held out "
            f"as test images, and that is too many: {error}"
        ) from None
    seen = {image.tobytes() for image in test.images}
    rest = data.take([image.tobytes() not in seen for image in data.images])
    # The name is what errors call them.
    return test, replace(rest, name=f"{data.name} ({held_out})")


def _reached(trained: TrainingResult, samples: torch.Tensor, labels: torch.Tensor) -> Reached:
    """Compare a run with the local minimum that has as many modes alive."""
    minimum, alive = trained.reached, trained.final["alive"]
    metrics: MetricValues = {}
    head = trained.network.head
    is_global = minimum.alive == alive
    if isinstance(minimum.problem, Problem):
        paper: Minimizer = minimum
        is_global = is_global and paper.is_global
        if paper.unique and paper.alive == alive > 0 and head.kind == "linear":
            metrics = _against(paper, trained, samples, labels)
    return {
        "alive": alive,
        "objective": minimum.objective,
        "gap": trained.final["objective"] / minimum.objective - 1,
        "is_global": is_global,
        "metrics": metrics,
    }


def _against(
    minimum: Minimizer, trained: TrainingResult, samples: torch.Tensor, labels: torch.Tensor
) -> MetricValues:
    """Measure how far a network is from a minimum."""
    head = trained.network.head
    with torch.no_grad():
        features = trained.network(samples.to(head.weights[0]))[1]  # there, and as exact
        measured = measure(features, labels, list(head.weights), head.b, minimum)
    values = {name: getattr(measured, name) for name in METRICS_OF_REACHED}
    return {name: value if math.isfinite(value) else None for name, value in values.items()}
