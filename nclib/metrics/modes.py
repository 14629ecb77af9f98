"""The modes of a network as they are: how strong each is, and what holds its features back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nclib._records import Record
from nclib.metrics.arrays import Array
from nclib.metrics.head import Head

ALIVE = 0.01
"""A mode of a trained network counts as alive above this share of the strongest one.

Training leaves nothing exactly 0. The weakest mode alive of an optimum is weaker only within a few
per cent of its death.
"""


@dataclass(frozen=True, eq=False)
class MeasuredModes(Record):
    """The modes of a head and of class means; made by `MetricsAccumulator.modes`.

    They are the singular vectors of ``P Hbar D``, the logits less the bias (and with a bias less
    those of the global mean), weighted as the theory weights them.

    Attributes
    ----------
    z : (K,) ndarray
        Singular values, falling: those of `Optimum.singular_values` at an optimum.
    alive : int
        Modes above `ALIVE` times the strongest; 0 where all are 0.
    lambda_H : (alive,) ndarray
        What each mode alive says of lambda_H: ``lambda_W1 ||W_1 u||^2 / ||e||^2`` for its part e of
        the class means and ``u = e / ||e||``. At a minimiser all are lambda_H.

    Examples
    --------
    >>> from nclib import Problem, global_minimizer
    >>> from nclib.metrics import MetricsAccumulator
    >>> best = global_minimizer(Problem([5, 3, 2], 2, lambda_W=0.02, lambda_H=0.01))
    >>> Ws, H_bar, b = best.weights()
    >>> labels = np.repeat(np.arange(3), [5, 3, 2])
    >>> accumulator = MetricsAccumulator(3, Ws, b)
    >>> accumulator.update(H_bar.T[labels], labels)
    >>> found = accumulator.modes(0.02)
    >>> found.alive, found.lambda_H.round(9).tolist(), bool(abs(found.z - best.z).max() < 1e-9)
    (2, [0.01, 0.01], True)
    """

    z: Array
    alive: int
    lambda_H: Array

    @property
    def spread(self) -> float:
        """Largest lambda_H of a mode over the smallest: 1 at a minimiser; NaN without modes."""
        return float(self.lambda_H.max() / self.lambda_H.min()) if self.alive else float("nan")


def measured_modes(means: Array, counts: Array, head: Head, lambda_W1: float) -> MeasuredModes:
    """Measure the modes of class means (K, d) and a head."""
    if head.b is not None:
        means = means - counts @ means / counts.sum()
    E = means.T * np.sqrt(counts)
    _, z, Vt = np.linalg.svd(head.P @ E)
    alive = int(np.count_nonzero(z > ALIVE * z[0]))
    parts = E @ Vt[:alive].T
    size = np.linalg.norm(parts, axis=0)
    pulled = np.linalg.norm(head.W_1 @ (parts / size), axis=0)
    return MeasuredModes(z, alive, lambda_W1 * (pulled / size) ** 2)
