"""Class means from batches, where the features lie: what every metric starts from."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import (
    array_namespace,
    device,
    is_array_api_obj,
    is_torch_array,
    to_device,
)
from numpy.typing import NDArray

from nclib._checks import DROP_CLASS
from nclib.metrics.arrays import Array, Block, Labels, as_float64, not_finite, whole_labels

if TYPE_CHECKING:
    from nclib.metrics.arrays import Floats, Integers

_BLOCK = 2**19
"""Entries of the features that are worked on at a time: 4 MB in float64."""


class ClassMeans:
    """Sums of the features of each class, in memory of the size of the class means, K x d.

    Parameters
    ----------
    K : int
        Number of classes.

    Attributes
    ----------
    K : int
    d : int or None
        Dimension of the features; None before the first batch.
    counts : (K,) ndarray of int64
        Samples of each class so far.
    shift : (d,) array of the features' library
        The first sample, from which the sums count: a large common offset costs no digits.
    relative : (K, d) array of the features' library
        Class means less the shift, in float64.
    eps : float
        Machine epsilon of the least precise type that has come: that of float32 for all but
        float64.
    """

    def __init__(self, K: int) -> None:
        self.K = K
        self.d: int | None = None
        self.counts: Labels = np.zeros(K, dtype=np.int64)
        self.eps = float(np.finfo(np.float64).eps)
        self.shift: Block = None
        self.relative: Block = None
        self._device: Any = None

    def update(self, features: Floats, classes: Labels) -> None:
        """Add a batch that `checked` has returned, or leave all as it was and raise."""
        if not classes.size:
            return
        xp, mean, counts = self.xp, self.relative, self.counts.copy()
        mean = xp.asarray(mean, copy=True)
        for block, of_block in self.blocks(features, classes):
            present, position, size = np.unique(of_block, return_inverse=True, return_counts=True)
            one_hot = (np.arange(present.size)[:, None] == position) / 1.0
            with np.errstate(invalid="ignore", over="ignore"):
                block -= self.shift
                sums = self.array(one_hot) @ block
            total = self.array((counts[present] + size)[:, None] / 1.0)
            rows = self.array(present)
            old = mean[rows]
            mean[rows] = old + (sums - self.array(size[:, None] / 1.0) * old) / total
            counts[present] += size
        if not bool(xp.all(xp.isfinite(mean))):
            if not self.counts.any():  # the first to come decides nothing where it is refused
                self.d = self.relative = self.shift = None
            raise ValueError(not_finite(features))
        self.relative, self.counts = mean, counts
        if xp.finfo(features.dtype).bits < 64:
            self.eps = float(np.finfo(np.float32).eps)

    def checked(self, features: Floats, labels: Integers) -> tuple[Floats, Labels]:
        """Return the features, detached, and the classes; fix what the first batch decides."""
        if not is_array_api_obj(features):
            raise TypeError(
                f"features must be a numpy array or a torch tensor; got {type(features).__name__}"
            )
        given: Block = features
        if is_torch_array(features):
            given = features.detach()
        xp = array_namespace(given)
        if given.ndim != 2 or not given.shape[1]:
            raise ValueError(
                f"features must have shape (N, d), one row per sample; got {tuple(given.shape)}"
            )
        if not xp.isdtype(given.dtype, "real floating"):
            raise TypeError(f"features must be real floating numbers; got {given.dtype}")
        classes = whole_labels(labels)
        if classes.size != given.shape[0]:
            raise ValueError(
                f"labels must have one entry for each of the {given.shape[0]} rows of features; "
                f"got {classes.size}"
            )
        outside = classes[(classes < 0) | (classes >= self.K)]
        if outside.size:
            raise ValueError(f"labels must be from 0 to K - 1 = {self.K - 1}; got {outside[0]}")
        if self.d is not None:
            if given.shape[1] != self.d:
                raise ValueError(
                    f"features must have d = {self.d} columns, as before; got {given.shape[1]}"
                )
            if xp is not self.xp:
                raise TypeError("features must be of the same kind, numpy or torch, as before")
        return given, classes

    def start(self, features: Floats) -> None:
        """Take the shift, the dimension and the device from the first batch."""
        d = int(features.shape[1])
        xp, there = array_namespace(features), device(features)
        # Apple's GPUs have no float64.
        self._device = "cpu" if str(there).startswith("mps") else there
        shift = xp.astype(to_device(features[0, :], self._device), xp.float64)
        if not bool(xp.all(xp.isfinite(shift))):
            raise ValueError(not_finite(features))
        self.shift = shift
        self.relative = xp.zeros((self.K, d), dtype=xp.float64, device=self._device)
        self.d = d

    def blocks(self, features: Floats, classes: Labels) -> Iterator[tuple[Block, Labels]]:
        """Yield blocks of rows, float64, where the sums are, with their classes, sorted by class.

        So that a block holds few classes, and sums over them are products with few rows. Each is a
        copy that the caller may change.
        """
        if not classes.size:
            return
        order = np.argsort(classes, kind="stable")
        xp, here = self.xp, device(features)
        rows = max(1, _BLOCK // features.shape[1])
        for start in range(0, order.size, rows):
            chosen = order[start : start + rows]
            block = xp.take(features, xp.asarray(chosen, device=here), axis=0)
            block = xp.astype(to_device(block, self._device), xp.float64)
            yield block, classes[chosen]

    def require_every_class(self) -> None:
        """Raise if a class has no samples yet."""
        missing = np.flatnonzero(self.counts == 0)
        if missing.size:
            some = ", ".join(str(k) for k in missing[:5]) + ", ..." * (missing.size > 5)
            raise ValueError(
                f"labels must hold every class from 0 to {self.K - 1}; no samples of class {some}; "
                f"{DROP_CLASS}"
            )

    def means(self) -> Array:
        """Class means, (K, d)."""
        means: Array = as_float64(self.relative) + as_float64(self.shift)
        return means

    @property
    def xp(self) -> ModuleType:
        """The features' library. A module can't be pickled, so it isn't kept."""
        return array_namespace(self.relative)

    def array(self, array: NDArray[Any]) -> Block:
        """Bring a small numpy array to where the sums are."""
        return self.xp.asarray(array, device=self._device)

    def zeros(self, size: int) -> Block:
        """Return zeros in float64 where the sums are."""
        return self.xp.zeros(size, dtype=self.xp.float64, device=self._device)
