"""The paper's experiments as data: what to train, sweeps of it, and the stored results.

A result is one small JSON file, named after all that its numbers depend on: the settings, the
counts, and the images by their content. A sweep leaves alone what has its result already and takes
up what was interrupted, so it can be stopped and started again at any time.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, Self

import joblib
import numpy as np
import torch
from numpy.typing import NDArray

from nclib._files import write_whole
from nclib._numbers import plain
from nclib._records import Record, require_keys
from nclib.metrics import AGAINST_OPTIMUM, measure
from nclib.theory.counts import ClassCounts, as_counts
from nclib.theory.minimizer import Minimizer, global_minimizer
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
from nclib.training.engine import TrainingConfig, TrainingResult, train

PAPER_DEPTHS = (1, 3, 6)
"""Depths of the head in figures 1 to 4."""

LAMBDA_W, LAMBDA_H = 5e-4, 1e-5
"""Our penalties, the paper names none: with them every mode is alive in all figures."""

SIGNIFICANT_DIGITS = 7
"""To which numbers are stored: a little less than float32 has."""

_NOT_IN_FILE_NAMES = set('/\\:*?"<>|')

_READABLE_BYTES = 200
"""How much of the settings goes into the name of a file, which systems limit to 255 bytes."""

_HASH_DIGITS = 10

_AGAINST_MINIMUM = tuple(metric.key for metric in AGAINST_OPTIMUM)
"""The metrics that compare with a minimum."""

_TEST_IMAGES = 50
"""Of each class, held out where a data set has no test images."""


class Scale(NamedTuple):
    """How large an experiment is.

    Attributes
    ----------
    width : int
        Width of the backbone, of the features and of the head.
    epochs : int
    learning_rate : float
        Of Adam, at the start; it falls to 0 along a cosine.
    """

    width: int
    epochs: int
    learning_rate: float


SCALES: dict[str, Scale] = {
    "paper": Scale(width=2048, epochs=12_000, learning_rate=1e-4),
    "medium": Scale(width=512, epochs=600, learning_rate=1e-3),
    "small": Scale(width=128, epochs=200, learning_rate=1e-3),
}

LAMBDA_WARMUP = 0.5
"""Share of the epochs over which the penalties rise."""


class _Figure(NamedTuple):
    data: str
    counts: ClassCounts
    bias: bool
    head_scales: Mapping[int, float]  # by depth; 1 where there is none


# From ordinary weights a head of six layers loses modes of the letters on the way.
_FIGURES = {
    1: _Figure("cifar10", ClassCounts.cifar10_paper(), True, {}),
    2: _Figure("emnist-letters", ClassCounts.emnist_letters_paper(), True, {6: 2.0}),
    3: _Figure("cifar10", ClassCounts.cifar10_paper(), False, {}),
    4: _Figure("emnist-letters", ClassCounts.emnist_letters_paper(), False, {6: 2.0}),
}


@dataclass(frozen=True)
class Experiment:
    """One network on one imbalanced subset of real images.

    Parameters
    ----------
    data : str
        Name of the images: one that `load_images` knows, or the name without ending of a file or
        folder that `run` is given.
    counts : ClassCounts or array_like of int
        Training images of each class. They are drawn with the seed of `config`. Names, if there
        are any, must be those of the images' classes.
    config : TrainingConfig
    digest : str, optional
        The `content_digest` of images in a file or a folder; `on_images` finds it. Default: None,
        for the images that `load_images` knows by name, which never change.

    Examples
    --------
    >>> config = TrainingConfig(depth=2, lambda_W=5e-4, lambda_H=1e-5, width=64, epochs=10)
    >>> experiment = Experiment("digits", [50] * 5 + [10] * 5, config)
    >>> experiment.name
    'digits-300of10-L2-bias-W0.0005-H1e-05-w64-e10-s0-ddc89dc90a'
    >>> Experiment.from_dict(experiment.to_dict()) == experiment
    True
    """

    data: str
    counts: ClassCounts
    config: TrainingConfig
    digest: str | None = None

    def __post_init__(self) -> None:
        data: object = self.data
        if not isinstance(data, str) or not data or set(data) & _NOT_IN_FILE_NAMES:
            raise ValueError(f"data must be a name that a file can have; got {self.data!r:.60}")
        if not isinstance(self.config, TrainingConfig):
            raise TypeError(f"config must be a TrainingConfig; got {self.config!r:.60}")
        digest: object = self.digest
        if digest is not None and not (
            isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest)
        ):
            raise ValueError(f"digest must be 64 hexadecimal digits or None; got {digest!r:.80}")
        object.__setattr__(self, "data", str(data))
        object.__setattr__(self, "counts", as_counts(self.counts))

    @property
    def name(self) -> str:
        """What the result's file is called.

        First the settings that are changed most, readable, then a hash of all settings, counts and
        images. The names of the classes are not in it: no number depends on them.
        """
        readable = "-".join(self._readable()).encode()[:_READABLE_BYTES].decode(errors="ignore")
        return f"{readable}-{_hash(self._identity())[:_HASH_DIGITS]}"

    def _readable(self, depth: bool = True, seed: bool = True) -> list[str]:
        c = self.config
        lambda_W = [f"{lam:g}" for lam in dict.fromkeys(c.lambda_W)]
        if len(lambda_W) > 3:
            lambda_W = [lambda_W[0], "to", lambda_W[-1]]
        parts = [self.data, f"{self.counts.N}of{self.counts.K}"]
        if depth:
            parts.append(f"L{c.depth}")
        parts += [
            "bias" if c.bias else "nobias",
            f"W{'-'.join(lambda_W)}",
            f"H{c.lambda_H:g}",
            f"w{c.width}",
            f"e{c.epochs}",
        ]
        defaults = TrainingConfig(depth=1, lambda_W=(1.0,), lambda_H=1.0)
        if c.lambda_warmup:
            parts.append(f"warmup{c.lambda_warmup:g}")
        for setting in ("backbone", "head", "dtype"):
            if getattr(c, setting) != getattr(defaults, setting):
                parts.append(f"{setting}-{getattr(c, setting)}")
        if c.head_scale != 1:
            parts.append(f"headscale{c.head_scale:g}")
        if c.last_relu:
            parts.append("lastrelu")
        if seed:
            parts.append(f"s{c.seed}")
        return parts

    def _identity(self) -> dict[str, Any]:
        """All that the numbers of a result depend on."""
        return {
            "data": self.data,
            "digest": self.digest,
            "counts": self.counts.n.tolist(),
            "config": self.config.to_dict(),
        }

    @cached_property
    def minimizer(self) -> Minimizer:
        """The closed form of what the training aims at."""
        return global_minimizer(self.config.problem(self.counts))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        names = {"names": list(self.counts.names)} if self.counts.names else {}
        return self._identity() | names

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Self:
        """Make an experiment from what `to_dict` returned.

        Raises
        ------
        TypeError, ValueError
            If a setting is unknown or missing.
        """
        required = {"data", "digest", "counts", "config"}
        require_keys("Experiment", settings, required, {"names"})
        counts = ClassCounts(settings["counts"], settings.get("names"))
        config = TrainingConfig.from_dict(settings["config"])
        return cls(settings["data"], counts, config, settings["digest"])


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


def paper_figure(
    number: int,
    scale: str = "paper",
    *,
    seeds: Iterable[int] = (0,),
    depths: Iterable[int] = PAPER_DEPTHS,
    data: str | None = None,
    lambda_factor: float = 1.0,
    lambda_warmup: float = LAMBDA_WARMUP,
    head_scale: float | None = None,
) -> list[Experiment]:
    """List the experiments of a figure of the paper.

    Parameters
    ----------
    number : {1, 2, 3, 4}
        1 and 3: the counts of the CIFAR-10 subset, with a bias and without. 2 and 4: those of the
        letters.
    scale : {"paper", "medium", "small"}, default "paper"
        12,000 epochs at width 2048, or less of the same shape; see `SCALES`.
    seeds : iterable of int, default (0,)
        Each draws its own subset, weights and order of the samples.
    depths : iterable of int, default (1, 3, 6)
    data : str, optional
        Name of other images with as many classes. Default: those of the paper.
    lambda_factor : float, default 1
        Multiplies all penalties. (The paper does not name its own; see `LAMBDA_W`, `LAMBDA_H`.)
    lambda_warmup : float, default 0.5
        See `TrainingConfig`: without it a run with more than one layer may end in another of the
        local minima.
    head_scale : float, optional
        See `TrainingConfig`. Default: 1, but 2 for the letters with six layers, which need a larger
        beginning to keep all modes.

    Returns
    -------
    list of Experiment
        First all depths for the first seed, then for the next.

    Examples
    --------
    >>> for experiment in paper_figure(3, "small", depths=(1, 6)):
    ...     print(experiment.name)
    cifar10-3000of10-L1-nobias-W0.0005-H1e-05-w128-e200-warmup0.5-s0-ac86735afd
    cifar10-3000of10-L6-nobias-W0.0005-H1e-05-w128-e200-warmup0.5-s0-128acb6bd6
    """
    if number not in _FIGURES:
        raise ValueError(f"number must be one of the paper's figures, 1 to 4; got {number!r}")
    if scale not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(map(repr, SCALES))}; got {scale!r}")
    figure, size = _FIGURES[number], SCALES[scale]
    # Numpy's own numbers may be of a lower precision, and would make the penalties so.
    lambda_factor = plain(lambda_factor)
    return [
        Experiment(
            figure.data if data is None else data,
            figure.counts,
            TrainingConfig(
                depth=depth,
                lambda_W=(lambda_factor * LAMBDA_W,) * depth,
                lambda_H=lambda_factor * LAMBDA_H,
                bias=figure.bias,
                width=size.width,
                epochs=size.epochs,
                learning_rate=size.learning_rate,
                schedule="cosine",
                lambda_warmup=lambda_warmup,
                head_scale=figure.head_scales.get(depth, 1.0) if head_scale is None else head_scale,
                seed=seed,
            ),
        )
        for seed, depth in product(seeds, depths)
    ]


@dataclass(frozen=True, eq=False, repr=False)
class Result(Record):
    """What came of an experiment, as stored.

    Attributes
    ----------
    experiment : Experiment
    history : list of dict
        As `train` returns it.
    reached : dict
        Which minimum the run came to: `alive` (number of modes, counted from the measured singular
        values of the prediction), `objective` (closed form of the local minimum with so many),
        `gap` (how far the run is above it, relative to it), `is_global`, and `metrics` (NC2 and
        NC3 against it, corrected; empty where it cuts a block of equal kappa, which leaves a
        rotation open, or where no local minimum has so many modes alive).
    samples : dict
        `train` and `test` images, and how many were `left_out` because the same image has several
        labels.
    machine : dict
        Device, threads and versions.
    seconds : float
        Time of training.
    """

    experiment: Experiment
    history: list[dict[str, Any]]
    reached: dict[str, Any]
    samples: dict[str, int]
    machine: dict[str, Any]
    seconds: float

    @property
    def final(self) -> dict[str, Any]:
        """The last entry of the history."""
        return self.history[-1]

    @property
    def epochs(self) -> NDArray[np.int64]:
        """Epochs of the history, shape (T,)."""
        return np.array([entry["epoch"] for entry in self.history])

    def curve(self, name: str, reading: str = "corrected") -> NDArray[np.float64]:
        """Return one quantity along the training.

        Parameters
        ----------
        name : str
            A metric ("nc1", "nc2_w", ...) or a number of the history ("objective", "gap",
            "train_accuracy", ...).
        reading : {"corrected", "as_printed"}, default "corrected"
            For the metrics.

        Returns
        -------
        (T,) ndarray
            NaN where there is no value.

        Raises
        ------
        ValueError
            If there is no such quantity.
        """
        first = self.history[0]
        if name in first["metrics"].get(reading, {}):
            values = [entry["metrics"][reading][name] for entry in self.history]
        elif isinstance(first.get(name), int | float):
            values = [entry[name] for entry in self.history]
        else:
            raise ValueError(f"no curve {name!r} with reading {reading!r} in the history")
        return np.array(values, dtype=float)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {
            "experiment": self.experiment.to_dict(),
            "reached": self.reached,
            "samples": self.samples,
            "machine": self.machine,
            "seconds": self.seconds,
            "history": self.history,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Make a result from what `to_dict` returned."""
        values = dict(content)
        return cls(experiment=Experiment.from_dict(values.pop("experiment")), **values)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the result to its file in a folder, in one step; return the path.

        The numbers of the training are rounded to 7 digits, the settings are not. A checksum goes
        with them.
        """
        path = result_path(self.experiment, folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = _rounded(self.to_dict()) | {"experiment": self.experiment.to_dict()}
        content["sha256"] = _hash(content)
        text = json.dumps(content, separators=(",", ":"), allow_nan=False)
        # One entry of the history a line: readable, and small in a diff.
        write_whole(path, (text.replace('{"epoch"', '\n{"epoch"') + "\n").encode())
        return path

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a result.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file does not hold a result, or not the one that was written, by its checksum;
            the message names it.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            if content.pop("sha256") != _hash(content):
                raise ValueError("it was changed after it was written (its checksum is another)")
            return cls.from_dict(content)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"{path} does not hold a result of an experiment: {error}") from error

    def __repr__(self) -> str:
        return f"Result({self.experiment.name!r}, gap={self.final['gap']:.1e})"


def result_path(experiment: Experiment, folder: str | os.PathLike[str]) -> Path:
    """Return where the result of an experiment is stored."""
    return Path(folder) / f"{experiment.name}.json"


def load_results(folder: str | os.PathLike[str]) -> list[Result]:
    """Read all results in a folder, in the order of their names.

    Parameters
    ----------
    folder : path-like
        May be missing: then there are none.

    Returns
    -------
    list of Result

    Raises
    ------
    ValueError
        If a `.json` file in it is no result.
    """
    return [Result.load(path) for path in sorted(Path(folder).glob("*.json"))]


def select(results: Iterable[Result], **settings: Any) -> list[Result]:
    """Choose the results of experiments that have the given settings.

    Parameters
    ----------
    results : iterable of Result
    **settings
        `data`, `digest`, `counts`, or settings of `TrainingConfig`. A single number for `lambda_W`
        means that of every layer; counts without names, those of any classes.

    Returns
    -------
    list of Result
        In their order.

    Raises
    ------
    ValueError
        If there is no such setting.

    Examples
    --------
    >>> select([], depth=3, bias=True)
    []
    """
    of_experiment = ("data", "digest", "counts")
    known = {*of_experiment, *(field.name for field in fields(TrainingConfig))}
    if unknown := sorted(set(settings) - known):
        raise ValueError(
            f"settings must be data, digest, counts or those of TrainingConfig; got {unknown}"
        )

    def fits(experiment: Experiment) -> bool:
        config = experiment.config
        for name, wanted in settings.items():
            has = getattr(experiment if name in of_experiment else config, name)
            if name == "counts":
                wanted = as_counts(wanted)
                if wanted.names is None:
                    has = ClassCounts(has.n)
            elif name == "lambda_W" and not isinstance(wanted, Iterable):
                wanted = (wanted,) * config.depth
            elif name == "lambda_W":
                wanted = tuple(wanted)
            if has != wanted:
                return False
        return True

    return [result for result in results if fits(result.experiment)]


def figure_results(
    results: Iterable[Result],
    number: int,
    scale: str = "medium",
    *,
    lambda_factor: float = 1.0,
    lambda_warmup: float = LAMBDA_WARMUP,
    head_scale: float | None = None,
) -> list[Result]:
    """Choose the results of a figure of the paper: any images, depths and seeds.

    Parameters
    ----------
    results : iterable of Result
    number, scale, lambda_factor, lambda_warmup, head_scale
        As for `paper_figure`.

    Returns
    -------
    list of Result
        Those of the experiments that `paper_figure` lists, in the order of `results`.
    """

    def belongs(experiment: Experiment) -> bool:
        (listed,) = paper_figure(
            number,
            scale,
            seeds=(experiment.config.seed,),
            depths=(experiment.config.depth,),
            data=experiment.data,
            lambda_factor=lambda_factor,
            lambda_warmup=lambda_warmup,
            head_scale=head_scale,
        )
        return (experiment.config, *experiment.counts.n) == (listed.config, *listed.counts.n)

    return [result for result in results if belongs(result.experiment)]


def by_sweep(results: Iterable[Result]) -> dict[str, list[Result]]:
    """Group results of experiments that differ in depth and seed only.

    Parameters
    ----------
    results : iterable of Result

    Returns
    -------
    dict of str to list of Result
        By what they have in common, as in the names of experiments, and where that is the same for
        several groups, by the other settings in which they differ; by depth, then by seed.
    """
    common: dict[str, dict[str, Any]] = {}
    groups: dict[str, list[Result]] = {}
    for result in results:
        settings = _of_sweep(result.experiment)
        key = _hash(settings)
        common[key] = settings
        groups.setdefault(key, []).append(result)
    for group in groups.values():
        group.sort(key=lambda each: (each.experiment.config.depth, each.experiment.config.seed))
    readable: dict[str, list[str]] = {}
    for key, group in groups.items():
        name = "-".join(group[0].experiment._readable(depth=False, seed=False))
        readable.setdefault(name, []).append(key)
    titles = {}
    for name, keys in readable.items():
        differ = [
            setting
            for setting in common[keys[0]]
            if len({_hash(common[key][setting]) for key in keys}) > 1
        ]
        for key in keys:
            shown = (f"{setting} {_short(common[key][setting])}" for setting in differ)
            titles[key] = ", ".join([name, *shown])
    return {titles[key]: group for key, group in groups.items()}


def _of_sweep(experiment: Experiment) -> dict[str, Any]:
    """All that experiments of a sweep have in common."""
    config = experiment.config.to_dict()
    del config["depth"], config["seed"]
    # The penalties stand there once if all layers have the same, whatever their number.
    if len(set(config["lambda_W"])) == 1:
        config["lambda_W"] = config["lambda_W"][0]
    return {"digest": experiment.digest, "counts": experiment.counts.n.tolist()} | config


def _short(value: Any) -> str:
    """Write a setting in a title: what is long by the beginning of its hash."""
    text = f"{value}"
    return text if len(text) <= 20 else _hash(value)[:_HASH_DIGITS]


def results_table(results: Iterable[Result]) -> str:
    """Write the ends of runs as a table.

    Parameters
    ----------
    results : iterable of Result

    Returns
    -------
    str
        A block for each group of `by_sweep`; in it, for each run: modes alive and how many could
        be; relative gap to the minimum with so many; NC1; NC2 and NC3 against that minimum (blank
        where it leaves them open, or where the head is not linear); accuracy on training and test
        images in percent; minutes of training.
    """
    head = " L seed  alive     gap     NC1  NC2^W  NC2^H NC2^WH    NC3  train  test   min"
    blocks = []
    for title, group in by_sweep(results).items():
        blocks.append("\n".join([title, head, *map(_table_row, group)]))
    return "\n\n".join(blocks)


def _table_row(result: Result) -> str:
    config, final, reached = result.experiment.config, result.final, result.reached

    def cell(value: float | None, width: int, form: str, factor: float = 1) -> str:
        return " " * width if value is None else f"{factor * value:{width}{form}}"

    return "".join(
        [
            f"{config.depth:2d}{config.seed:5d}",
            f"{reached['alive']}/{result.experiment.counts.K - config.bias}".rjust(7),
            cell(reached["gap"], 8, ".0e"),
            cell(final["metrics"]["corrected"]["nc1"], 8, ".0e"),
            *(cell(reached["metrics"].get(name), 7, ".3f") for name in _AGAINST_MINIMUM),
            cell(final["train_accuracy"], 7, ".1f", 100),
            cell(final["test_accuracy"], 6, ".1f", 100),
            cell(result.seconds, 6, ".0f", 1 / 60),
        ]
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
        Threads of torch on the processor. Default: as it is set.
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
        if result.experiment._identity() != experiment._identity():
            raise ValueError(
                f"{path} has the result of other settings: {result.experiment.to_dict()}"
            )
        shutil.rmtree(checkpoints, ignore_errors=True)
        return result
    if threads is not None:
        torch.set_num_threads(threads)
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
    data, test, left_out = _divided(everything, test)
    return imbalanced_subset(data, experiment.counts, seed=experiment.config.seed), test, left_out


def _divided(everything: ImageData, test: ImageData | None) -> tuple[ImageData, ImageData, int]:
    """Return what training images are drawn from, test images, and how many were left out."""
    data = without_conflicts(everything)
    left_out = everything.N - data.N
    if test is None:
        test, data = _hold_out(data)
    return data, test, left_out


def _hold_out(data: ImageData) -> tuple[ImageData, ImageData]:
    """Split off test images, the same for every seed, that do not occur among the others."""
    held_out = f"without the {_TEST_IMAGES} of each class that are held out as test images"
    try:
        test = imbalanced_subset(data, [_TEST_IMAGES] * data.K, seed=0)
    except ValueError as error:
        raise ValueError(
            f"{data.name} has no split 'test', so {_TEST_IMAGES} images of each class are held out "
            f"as test images, and that is too many: {error}"
        ) from None
    seen = {image.tobytes() for image in test.images}
    rest = data.take([image.tobytes() not in seen for image in data.images])
    # The name is what errors call them.
    return test, replace(rest, name=f"{data.name} ({held_out})")


def _reached(
    trained: TrainingResult, samples: torch.Tensor, labels: torch.Tensor
) -> dict[str, Any]:
    """Compare a run with the local minimum that has as many modes alive."""
    minimum, alive = trained.reached, trained.final["alive"]
    metrics = {}
    head = trained.network.head
    if minimum.unique and minimum.alive == alive > 0 and head.kind == "linear":
        with torch.no_grad():
            features = trained.network(samples.to(head.weights[0]))[1]  # there, and as exact
            measured = measure(features, labels, list(head.weights), head.b, minimum)
        for name in _AGAINST_MINIMUM:
            value = getattr(measured, name)
            metrics[name] = value if math.isfinite(value) else None
    return {
        "alive": alive,
        "objective": minimum.objective,
        "gap": trained.final["objective"] / minimum.objective - 1,
        "is_global": minimum.is_global and minimum.alive == alive,
        "metrics": metrics,
    }


def _hash(content: Any) -> str:
    """Hash plain values, whatever the order of the keys."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _rounded(value: Any) -> Any:
    value = plain(value)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
    return value
