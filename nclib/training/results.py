"""Stored results: written, read, chosen and listed, all of it without torch.

A result is one small JSON file, named after all that its numbers depend on: the settings, the
counts, and the images by their content.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple, Self

from nclib._checks import plain
from nclib._files import write_whole
from nclib._records import Record
from nclib.metrics.registry import AGAINST_OPTIMUM
from nclib.theory.counts import ClassCounts, as_counts
from nclib.training.config import TrainingConfig
from nclib.training.experiment import HASH_DIGITS, Experiment, hash_of
from nclib.training.history import (
    HistoryEntry,
    Machine,
    MetricValues,
    Reached,
    Samples,
    WithHistory,
)
from nclib.training.paper import LAMBDA_WARMUP, paper_figure

SIGNIFICANT_DIGITS = 7
"""To which numbers are stored: a little less than float32 has."""


METRICS_OF_REACHED = tuple(metric.key for metric in AGAINST_OPTIMUM)
"""The metrics that compare with a minimum."""


@dataclass(frozen=True, eq=False, repr=False)
class Result(WithHistory, Record):
    """What came of an experiment, as stored.

    Attributes
    ----------
    experiment : Experiment
    history : list of HistoryEntry
        As `train` returns it.
    reached : Reached
        Which minimum the run came to.
    samples : Samples
        How many images it had.
    machine : Machine
        Device, threads and versions.
    seconds : float
        Time of training.
    """

    experiment: Experiment
    history: list[HistoryEntry]
    reached: Reached
    samples: Samples
    machine: Machine
    seconds: float

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
        content["sha256"] = hash_of(content)
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
            if content.pop("sha256") != hash_of(content):
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


class Way(NamedTuple):
    """Where a schedule of training led; see `load_ways`.

    Attributes
    ----------
    config : TrainingConfig
    epochs_to_aims : int or None
        As `Result.epochs_within` has it.
    alive : int
        Modes alive at the end.
    end : dict of str to float
        The last gap and metrics, by their names in a history; None where there is no value.
    """

    config: TrainingConfig
    epochs_to_aims: int | None
    alive: int
    end: MetricValues


def load_ways(path: str | os.PathLike[str]) -> dict[str, Way]:
    """Read the table of schedules that were tried for one network.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    dict of str to Way
        By the name of each schedule.
    """
    rows = json.loads(Path(path).read_text(encoding="utf-8"))
    return {
        name: Way(**row | {"config": TrainingConfig.from_dict(row["config"])})
        for name, row in rows.items()
    }


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
        key = hash_of(settings)
        common[key] = settings
        groups.setdefault(key, []).append(result)
    for group in groups.values():
        group.sort(key=lambda each: (each.experiment.config.depth, each.experiment.config.seed))
    readable: dict[str, list[str]] = {}
    for key, group in groups.items():
        name = "-".join(group[0].experiment.readable_parts(depth=False, seed=False))
        readable.setdefault(name, []).append(key)
    titles = {}
    for name, keys in readable.items():
        differ = [
            setting
            for setting in common[keys[0]]
            if len({hash_of(common[key][setting]) for key in keys}) > 1
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
    images = {"data": experiment.data, "digest": experiment.digest}
    return images | {"counts": experiment.counts.n.tolist()} | config


def _short(value: Any) -> str:
    """Write a setting in a title: what is long by the beginning of its hash."""
    text = f"{value}"
    return text if len(text) <= 20 else hash_of(value)[:HASH_DIGITS]


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
            *(cell(reached["metrics"].get(name), 7, ".3f") for name in METRICS_OF_REACHED),
            cell(final["train_accuracy"], 7, ".1f", 100),
            cell(final["test_accuracy"], 6, ".1f", 100),
            cell(result.seconds, 6, ".0f", 1 / 60),
        ]
    )


def _rounded(value: Any) -> Any:
    value = plain(value)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
    return value
