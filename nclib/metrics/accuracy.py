"""Accuracy by class, from answers and labels in batches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nclib.metrics.arrays import Array, Labels


class Accuracy:
    """How many samples of each class came, and how many of them were answered right.

    Parameters
    ----------
    classes : int
        Number K of classes.

    Attributes
    ----------
    seen, right : (K,) ndarray of int64
    """

    def __init__(self, classes: int) -> None:
        self.seen = np.zeros(classes, dtype=np.int64)
        self.right = np.zeros(classes, dtype=np.int64)

    def update(self, answers: NDArray[np.integer], classes: Labels) -> None:
        """Add a batch: what was answered, and the classes, both (B,)."""
        K = self.seen.size
        self.seen = self.seen + np.bincount(classes, minlength=K)
        self.right = self.right + np.bincount(classes[answers == classes], minlength=K)

    @property
    def overall(self) -> float:
        """Share of all samples that was answered right; 0 of none."""
        return float(self.right.sum() / max(self.seen.sum(), 1))

    @property
    def by_class(self) -> Array:
        """Share of the samples of each class, (K,); NaN of a class without samples."""
        with np.errstate(invalid="ignore"):
            share: Array = self.right / self.seen
        return share
