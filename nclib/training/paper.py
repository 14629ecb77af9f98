"""The paper's figures as data: which networks are trained on what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import NamedTuple

from nclib._checks import plain
from nclib.metrics.registry import AGAINST_OPTIMUM
from nclib.theory.counts import ClassCounts
from nclib.training.config import TrainingConfig
from nclib.training.experiment import Experiment

PAPER_DEPTHS = (1, 3, 6)
"""Depths of the head in figures 1 to 4."""


LAMBDA_W, LAMBDA_H = 5e-4, 1e-5
"""Our penalties, the paper names none: with them every mode is alive in all figures."""


AIMS = {"gap": 1e-3} | {
    metric.key: 0.03 if metric.key == "nc3" else 0.01 for metric in AGAINST_OPTIMUM
}
"""Below what a run of the figures should end: its gap and metrics, by their names in a history."""


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
    "wide": Scale(width=2048, epochs=1500, learning_rate=5e-4),
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
    scale : {"paper", "wide", "medium", "small"}, default "paper"
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
