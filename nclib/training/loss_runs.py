"""Networks trained with other losses, weights and samplers: which, on what, at which penalties.

Each row is run at a strength that is at least 3 % away from where the theory says that anything
changes; with three layers, also from where a local minimum ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from nclib.theory.counts import ClassCounts
from nclib.theory.losses.objects import CrossEntropy, Sampling, SquaredError
from nclib.theory.losses.problem import LossProblem
from nclib.training.config import TrainingConfig
from nclib.training.experiment import Experiment
from nclib.training.paper import LAMBDA_H, LAMBDA_W, Scale
from nclib.training.results import Result

LOSS_COUNTS = {
    "cifar10_subset": ClassCounts.cifar10_paper(),
    "ocr_letters": ClassCounts.emnist_letters_paper(),
}
"""The images of these runs, and the counts of each class: those of the paper."""


class Treatment(NamedTuple):
    """What a script does about the imbalance, and how strong its penalties are.

    Attributes
    ----------
    strength : dict of str to float
        For each set of images the geometric mean of all penalties, Lambda^(1/(L+1)).
    loss : {"cross-entropy", "squared error"}
    depth : int
        With more than one layer, and with the squared error, there is no bias.
    weight_power : float
        Class weights n^power.
    smoothing, adjustment : float
        Of the labels, and tau.
    balanced : bool
        Whether a balanced sampler draws.
    """

    strength: dict[str, float]
    loss: str = "cross-entropy"
    depth: int = 1
    weight_power: float = 0.0
    smoothing: float = 0.0
    adjustment: float = 0.0
    balanced: bool = False


def _strength(cifar10: float, letters: float) -> dict[str, float]:
    return {"cifar10_subset": cifar10, "ocr_letters": letters}


TREATMENTS = {
    "plain, weak": Treatment(_strength(0.001, 0.0004)),
    "plain": Treatment(_strength(0.0042, 0.0017)),
    "plain, strong": Treatment(_strength(0.0053, 0.0025)),
    "weights 1/n": Treatment(_strength(0.0042, 0.0012), weight_power=-1.0),
    "weights 1/n, strong": Treatment(_strength(0.0061, 0.0019), weight_power=-1.0),
    "weights 1/sqrt(n)": Treatment(_strength(0.0053, 0.0025), weight_power=-0.5),
    "balanced sampling": Treatment(_strength(0.0053, 0.0023), balanced=True),
    "logit adjustment": Treatment(_strength(0.0053, 0.0025), adjustment=1.0),
    "label smoothing": Treatment(_strength(0.0042, 0.0012), smoothing=0.2),
    "squared, weights 1/n": Treatment(
        _strength(0.0054, 0.0019), "squared error", weight_power=-1.0
    ),
    "squared, weights 1/sqrt(n)": Treatment(
        _strength(0.0054, 0.0025), "squared error", weight_power=-0.5
    ),
    "squared, 3 layers, weights 1/n": Treatment(
        _strength(0.0045, 0.0034), "squared error", 3, weight_power=-1.0
    ),
    "squared, 3 layers, weights n^(-3/4)": Treatment(
        _strength(0.0045, 0.0026), "squared error", 3, weight_power=-0.75
    ),
    "squared, 3 layers, weights 1/sqrt(n)": Treatment(
        _strength(0.0045, 0.0036), "squared error", 3, weight_power=-0.5
    ),
}
"""The rows of the table, by name."""


LOSS_SCALES = {
    "small": Scale(width=128, epochs=300, learning_rate=1e-3),
    "medium": Scale(width=512, epochs=300, learning_rate=1e-3),
}
"""As for the paper's figures, with fewer epochs: the penalties are stronger here."""


_WARMUP = 0.25
"""Share of the epochs over which the penalties rise. With strong ones from the start a network
loses modes that the optimum has; the rest of the time is for those that die to die out."""


def loss_runs(
    data: str,
    scale: str = "small",
    *,
    rows: Iterable[str] | None = None,
    seeds: Iterable[int] = (0,),
) -> dict[str, list[Experiment]]:
    """List the experiments of a table of losses, by its rows.

    Parameters
    ----------
    data : {"cifar10_subset", "ocr_letters"}
        Name of the images.
    scale : {"small", "medium"}, default "small"
        Width 128 or 512; see `LOSS_SCALES`.
    rows : iterable of str, optional
        Which of `TREATMENTS`. Default: all.
    seeds : iterable of int, default (0,)
        Each draws its own subset, weights and order of the samples.

    Returns
    -------
    dict of str to list of Experiment
        One for each seed.

    Examples
    --------
    >>> (run,) = loss_runs("ocr_letters", rows=["plain"])["plain"]
    >>> run.name
    'ocr_letters-5500of26-L1-bias-W0.0120208-H0.000240416-w128-e300-ce-warmup0.25-s0-a2664b14d7'
    """
    if data not in LOSS_COUNTS:
        raise ValueError(f"data must be one of {', '.join(map(repr, LOSS_COUNTS))}; got {data!r}")
    if scale not in LOSS_SCALES:
        raise ValueError(f"scale must be 'small' or 'medium'; got {scale!r}")
    chosen = list(TREATMENTS if rows is None else rows)
    if unknown := [row for row in chosen if row not in TREATMENTS]:
        raise ValueError(
            f"rows must be of {', '.join(map(repr, TREATMENTS))}; got {', '.join(unknown)}"
        )
    seeds = list(seeds)
    return {
        row: [
            Experiment(data, LOSS_COUNTS[data], _config(TREATMENTS[row], data, scale, seed))
            for seed in seeds
        ]
        for row in chosen
    }


def _config(treatment: Treatment, data: str, scale: str, seed: int) -> TrainingConfig:
    t, size = treatment, LOSS_SCALES[scale]
    weights = None
    if t.weight_power:
        weights = np.array([_rounded(n**t.weight_power) for n in LOSS_COUNTS[data].n.tolist()])
    squared = t.loss == "squared error"
    # The ratio of the penalties is that of the paper's figures.
    ratio = LAMBDA_W / LAMBDA_H
    lambda_W = _rounded(t.strength[data] * ratio ** (1 / (t.depth + 1)))
    loss = (
        SquaredError(class_weights=weights, label_smoothing=t.smoothing)
        if squared
        else CrossEntropy(
            class_weights=weights, label_smoothing=t.smoothing, adjustment=t.adjustment
        )
    )
    return TrainingConfig(
        depth=t.depth,
        lambda_W=(lambda_W,) * t.depth,
        lambda_H=_rounded(lambda_W / ratio),
        bias=not squared,
        loss=loss,
        sampling=Sampling("balanced") if t.balanced else None,
        width=size.width,
        epochs=size.epochs,
        learning_rate=size.learning_rate,
        schedule="cosine",
        lambda_warmup=_WARMUP,
        seed=seed,
    )


def _rounded(value: float) -> float:
    """Round to ten digits: CPUs differ in the last, and a file is named after all of them."""
    return float(f"{value:.10g}")


class Comparison(NamedTuple):
    """How a run ended, beside what was predicted.

    Attributes
    ----------
    gap : float
        How far the objective is above the certified optimum, relative to it.
    alive, alive_predicted : int
        Modes.
    right, right_predicted : int
        Classes, of those that are not in a tie at the optimum, of which more than half of the
        training samples are right.
    otherwise : tuple of int
        The classes of these that are right or lost against the prediction.
    """

    gap: float
    alive: int
    alive_predicted: int
    right: int
    right_predicted: int
    otherwise: tuple[int, ...]


def compared(result: Result) -> Comparison:
    """Compare a run with the optimum that it aims at.

    Parameters
    ----------
    result : Result
        Of a `LossProblem`.

    Returns
    -------
    Comparison
        Classes in a tie at the optimum are left out: which of them wins is not determined.
    """
    best, final = result.experiment.optimum, result.final
    if not isinstance(best.problem, LossProblem):
        raise TypeError(f"result must be of a LossProblem; got {result.experiment.name}")
    share = best.training_accuracy().per_class
    right = np.array(final["train_accuracy_per_class"]) > 0.5
    decided = (share == 0) | (share == 1)
    otherwise = np.flatnonzero(decided & (right != (share == 1)))
    return Comparison(
        final["gap"],
        final["alive"],
        best.alive,
        int(right[decided].sum()),
        int((share == 1).sum()),
        tuple(otherwise.tolist()),
    )


def loss_results(results: Iterable[Result], data: str, scale: str) -> dict[str, list[Result]]:
    """Choose the results of the runs that `loss_runs` lists, by its rows.

    Parameters
    ----------
    results : iterable of Result
    data, scale
        As for `loss_runs`.

    Returns
    -------
    dict of str to list of Result
        By seed; rows without a result are left out.
    """
    chosen: dict[str, list[Result]] = {}
    by_config = {row: replace(one.config, seed=0) for row, (one,) in loss_runs(data, scale).items()}
    for result in results:
        experiment = result.experiment
        for row, config in by_config.items():
            if experiment.data == data and replace(experiment.config, seed=0) == config:
                chosen.setdefault(row, []).append(result)
    for runs in chosen.values():
        runs.sort(key=lambda run: run.experiment.config.seed)
    return {row: chosen[row] for row in TREATMENTS if row in chosen}


def loss_table(results: Iterable[Result], data: str, scale: str = "small") -> str:
    """Write how networks ended beside what was predicted, a line for each row of `TREATMENTS`.

    Parameters
    ----------
    results : iterable of Result
    data, scale
        As for `loss_runs`.

    Returns
    -------
    str
        The number of runs; the strength of the penalties; the largest gap of the runs to the
        optimum; modes alive and classes right as predicted, and in how many runs they are.
    """
    lines = ["                                      runs  strength      gap    modes  classes"]
    for row, runs in loss_results(results, data, scale).items():
        all_compared = [compared(run) for run in runs]
        alive = sum(one.alive == one.alive_predicted for one in all_compared)
        right = sum(not one.otherwise for one in all_compared)
        first = all_compared[0]
        lines.append(
            f"{row:36}{len(runs):6d}  {TREATMENTS[row].strength[data]:8g}"
            f"{max(one.gap for one in all_compared):9.0e}"
            f"{first.alive_predicted:5d}:{alive}/{len(runs)}"
            f"{first.right_predicted:5d}:{right}/{len(runs)}"
        )
    return "\n".join(lines)
