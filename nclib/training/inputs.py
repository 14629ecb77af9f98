"""Samples and labels as the training takes them: checked tensors, named by their content."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch
from torch import Tensor


def _as_tensor(values: Any) -> Tensor:
    """Make a tensor in the same memory, or of a copy where torch would warn: it can't lock one."""
    if isinstance(values, np.ndarray) and not values.flags.writeable:
        values = values.copy()
    return torch.as_tensor(values)


def checked_samples(
    name: str, samples: Any, labels: Any, real: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Return samples, as `real`, and labels, as int64, on the CPU; or raise and name them."""
    x = _as_tensor(samples)
    if x.ndim not in (2, 3, 4) or not x.numel():
        raise ValueError(
            f"{name} must have shape (N, d), (N, H, W) or (N, C, H, W); got {tuple(x.shape)}"
        )
    x = x.to("cpu", real)
    if not bool(torch.isfinite(x).all()):
        raise ValueError(f"{name} must be finite; got NaN or infinity")
    y = _as_tensor(labels)
    if y.is_floating_point() or y.is_complex() or y.dtype == torch.bool:
        raise TypeError(f"labels of {name} must be whole numbers; got {y.dtype}")
    if y.shape != (len(x),):
        raise ValueError(
            f"labels of {name} must be one for each of the {len(x)} samples; got {tuple(y.shape)}"
        )
    y = y.to("cpu", torch.int64)
    if int(y.min()) < 0:
        raise ValueError(f"labels of {name} must not be negative; got {int(y.min())}")
    return x.contiguous(), y


def fingerprint(x: Tensor, y: Tensor) -> str:
    """Name the data: a checkpoint of other data must not be taken up."""
    digest = hashlib.sha256(repr((tuple(x.shape), x.dtype)).encode())
    digest.update(x.numpy().data)
    digest.update(y.numpy().data)
    return digest.hexdigest()
