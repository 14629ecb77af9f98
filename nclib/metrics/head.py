"""What the metrics need of a head: the product of its layers, the norm of W_1 and the bias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from nclib.metrics.arrays import Array, as_float64, matrix

if TYPE_CHECKING:
    from nclib.metrics.arrays import Floats, Layers


@dataclass(frozen=True)
class Head:
    """What the metrics need of a head."""

    P: Array
    """W_L ... W_1, (K, d)."""
    W_1: Array
    W_1_norm: float
    depth: int
    b: Array | None

    @classmethod
    def of(cls, Ws: Layers, b: Floats | None, K: int) -> Head:
        """Check a head and copy what is needed of it."""
        if getattr(Ws, "ndim", None) == 2:
            Ws = [cast("Floats", Ws)]
        try:
            layers = list(Ws)
        except TypeError:
            layers = []
        if not layers:
            raise TypeError("Ws must be matrices [W_1, ..., W_L], at least one")
        P: Array | None = None
        for j in range(len(layers), 0, -1):
            W = matrix(f"W_{j}", layers[j - 1])
            below = K if P is None else P.shape[1]
            if W.shape[0] != below:
                reason = "K" if P is None else f"the columns of W_{j + 1}"
                turned = f", transposed: take W_{j}.T" if W.shape[1] == below else ""
                raise ValueError(
                    f"W_{j} must have {below} rows ({reason}); got shape {W.shape}{turned}"
                )
            # From the top: K rows all the way, instead of products of wide matrices.
            with np.errstate(over="ignore", invalid="ignore"):
                P = W.copy() if P is None else P @ W
        assert P is not None
        with np.errstate(over="ignore"):
            W_1_norm = float(np.linalg.norm(W))
        if not (np.isfinite(P).all() and np.isfinite(W_1_norm)):
            largest = max(float(np.abs(matrix("W", layer)).max()) for layer in layers)
            raise ValueError(
                "Ws must be small enough for their product and the norm of W_1 to be finite; got "
                f"entries up to {largest:.1e}"
            )
        bias = None if b is None else as_float64(b, copy=True)
        if bias is not None and bias.shape != (K,):
            raise ValueError(f"b must have shape ({K},); got {bias.shape}")
        if bias is not None and not np.isfinite(bias).all():
            raise ValueError("b must be finite; got NaN or infinity")
        # Training may go on and write over its own.
        return cls(P, P if len(layers) == 1 else W.copy(), W_1_norm, len(layers), bias)


def require_width(head: Head | None, d: int | None) -> None:
    """Raise unless a head takes features of dimension d."""
    if head is not None and d is not None and head.P.shape[1] != d:
        raise ValueError(f"W_1 must have d = {d} columns, as the features; got {head.P.shape[1]}")
