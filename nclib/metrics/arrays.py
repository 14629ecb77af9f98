"""Arrays of numpy or torch on their way in, checked and brought to numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from array_api_compat import array_namespace, is_array_api_obj, is_torch_array, to_device
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from torch import Tensor

    Floats: TypeAlias = NDArray[np.floating[Any]] | Tensor
    """An array or tensor of floats, on any device."""

    Integers: TypeAlias = ArrayLike | Tensor
    """Whole numbers, one for each sample."""

    Layers: TypeAlias = Sequence[Floats] | Floats
    """The matrices of a head, W_1 first, or the only one."""

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

Block: TypeAlias = Any
"""An array of the features' own library, where they are: the array API standard has no types."""

Reading = Literal["corrected", "as_printed"]
Between = Literal["unweighted", "weighted"]
Center = Literal["samples", "classes"]

TOO_LARGE = "features must be small enough for their sums to be finite; got an overflow"


def as_float64(array: Floats | ArrayLike | Block, copy: bool = False) -> Array:
    """Bring an array of either kind to numpy, in float64."""
    if is_torch_array(array):
        array = array.detach()
    if is_array_api_obj(array) and not isinstance(array, np.ndarray):
        array = to_device(array, "cpu")
        array = np.asarray(array_namespace(array).astype(array, array_namespace(array).float64))
    return np.array(array, dtype=np.float64) if copy else np.asarray(array, dtype=np.float64)


def matrix(name: str, array: Floats) -> Array:
    """Bring a matrix of finite numbers to numpy, in float64, or raise."""
    matrix = as_float64(array)
    if matrix.ndim != 2:
        raise ValueError(f"{name} must be a matrix; got shape {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise ValueError(f"{name} must be finite; got NaN or infinity")
    return matrix


def whole_labels(labels: Integers) -> Labels:
    """Bring labels to numpy, or raise where they are no flat sequence of whole numbers."""
    if is_torch_array(labels):
        labels = labels.detach()
    if is_array_api_obj(labels) and not isinstance(labels, np.ndarray):
        labels = to_device(labels, "cpu")
    array = np.asarray(labels)
    if array.ndim != 1:
        raise ValueError(
            f"labels must be one flat sequence, one label per sample; got shape {array.shape}"
        )
    if not array.size:
        return np.zeros(0, dtype=np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(f"labels must be whole numbers; got values of type {array.dtype}")
    return array.astype(np.int64)


def inferred_classes(labels: Integers) -> int:
    """Return the largest label plus 1."""
    classes = whole_labels(labels)
    if not classes.size:
        raise ValueError("labels must hold at least one sample; got none")
    return max(int(classes.max()), 0) + 1


def not_finite(features: Floats) -> str:
    """Say why sums over features are not finite."""
    finite = as_float64(features)
    bad = np.flatnonzero(~np.isfinite(finite).all(axis=1))
    if not bad.size:
        return TOO_LARGE
    return f"features must be finite; got NaN or infinity in {bad.size} rows, first in row {bad[0]}"
