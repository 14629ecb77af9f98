"""The entries of a training's history, and where it came to: plain values, as stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NotRequired, TypeAlias, TypedDict

import numpy as np
from numpy.typing import NDArray

MetricValues: TypeAlias = dict[str, float | None]
"""Metrics by their keys in the registry; None where there is no number."""


class SingularValues(TypedDict):
    """Singular values of a network, falling, K of each matrix.

    Attributes
    ----------
    features, prediction : list of float
        Of the weighted class means Hbar D, and of P Hbar D.
    product : list of float
        Of the head's product P; not there where the head is not linear.
    layers : list of list of float
        Of each layer of the head; in the last entry of a history alone.
    """

    features: list[float]
    prediction: list[float]
    product: NotRequired[list[float]]
    layers: NotRequired[list[list[float]]]


class HistoryEntry(TypedDict):
    """What a network was like after an epoch; None stands for what is no number or is not there.

    Attributes
    ----------
    epoch : int
        How many are done: 0 before the first step.
    seconds : float
        Of training so far.
    learning_rate, lambda_factor : float
        Of the next step; the share of the penalties in it.
    objective, gap : float
        With the full lambdas, and how far it is above the minimum, relative to it.
    fit, penalty_W, penalty_H, penalty_b : float
        The parts of the objective; `penalty_b` only where the bias has a penalty.
    train_accuracy, train_accuracy_per_class : float and (K,) list of float
    test_accuracy, test_accuracy_per_class : float and (K,) list of float, or None
        None where there are no test samples.
    metrics : dict of str to dict of str to float
        By reading, "corrected" and "as_printed": NC1 to NC4 and the effective lambda_H, of the
        training samples.
    singular_values : SingularValues
    alive : int
        How many modes the prediction has: which of the local minima the run is at, or on the way
        to; see `train`.
    """

    epoch: int
    seconds: float
    learning_rate: float
    lambda_factor: float
    objective: float
    gap: float
    fit: float
    penalty_W: float
    penalty_H: float
    penalty_b: NotRequired[float]
    train_accuracy: float
    train_accuracy_per_class: list[float | None]
    test_accuracy: float | None
    test_accuracy_per_class: list[float | None] | None
    metrics: dict[str, MetricValues]
    singular_values: SingularValues
    alive: int


class Reached(TypedDict):
    """Which minimum a run came to.

    Attributes
    ----------
    alive : int
        Number of modes, counted from the measured singular values of the prediction.
    objective : float
        That of the local minimum with so many.
    gap : float
        How far the run is above it, relative to it.
    is_global : bool
    metrics : dict of str to float
        NC2 and NC3 against it, corrected; empty where it cuts a block of equal kappa, which leaves
        a rotation open, or where no local minimum has so many modes alive.
    """

    alive: int
    objective: float
    gap: float
    is_global: bool
    metrics: MetricValues


class Samples(TypedDict):
    """How many images a run had.

    Attributes
    ----------
    train, test : int
    left_out : int
        Those of which the same image has several labels.
    """

    train: int
    test: int
    left_out: int


class Machine(TypedDict):
    """What the numbers of a run may depend on besides its settings.

    Attributes
    ----------
    device, processor : str
    threads : int
    python, torch, numpy, nclib : str
        Versions.
    """

    device: str
    processor: str
    threads: int
    python: str
    torch: str
    numpy: str
    nclib: str


class WithHistory:
    """What every run offers that has a history, just trained or stored."""

    history: list[HistoryEntry]

    @property
    def final(self) -> HistoryEntry:
        """The last entry of the history."""
        return self.history[-1]

    @property
    def epochs(self) -> NDArray[np.int64]:
        """Epochs of the history, shape (T,)."""
        return np.array([entry["epoch"] for entry in self.history])

    def epochs_within(self, aims: Mapping[str, float], alive: int) -> int | None:
        """Return after how many epochs a run was within all aims, and stayed there.

        Parameters
        ----------
        aims : mapping of str to float
            Below what each curve must be, those of metrics in the corrected reading.
        alive : int
            How many modes must be alive.

        Returns
        -------
        int or None
            The first such epoch of the history, which has some of the epochs only; None where the
            run does not end within the aims.
        """
        met = self.curve("alive") == alive
        for name, aim in aims.items():
            met &= self.curve(name) < aim  # what has no value does not meet it
        missed = np.flatnonzero(~met)
        first = int(missed[-1]) + 1 if missed.size else 0
        return int(self.epochs[first]) if first < met.size else None

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
        values: list[object]
        if name in first["metrics"].get(reading, {}):
            values = [entry["metrics"][reading][name] for entry in self.history]
        elif isinstance(first.get(name), int | float):
            values = [entry.get(name) for entry in self.history]
        else:
            raise ValueError(f"no curve {name!r} with reading {reading!r} in the history")
        return np.array(values, dtype=float)
