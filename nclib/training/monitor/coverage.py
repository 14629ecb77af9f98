"""What of a network the theory does not cover, seen from its first batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import chi2
from torch import Tensor, nn

from nclib.diagnosis.validity import Outside
from nclib.theory.counts import ClassCounts
from nclib.training.monitor.head import WatchedHead
from nclib.training.monitor.watching import Eye, watch

_CHANCE = 1e-6
"""An epoch that would show its classes so with less probability has a sampler."""


def not_covered(features: Tensor, head: WatchedHead, norm: str | None) -> Iterator[Outside]:
    """Give each thing that the theory does not cover: what was seen, and what it means.

    Parameters
    ----------
    features : (B, d) tensor
        Of the first batch.
    head : WatchedHead
    norm : str or None
        Name of the normalisation that they come out of; see `FeatureSource`.
    """
    if norm is not None:
        yield Outside(
            f"the features come out of {norm}",
            (
                "the theory does not cover a normalisation before the head, which fixes how long "
                "the features are; in the theory they are free"
            ),
        )
    elif _of_one_length(features):
        yield Outside(
            "the features all have the same length",
            "the theory does not cover features that are normalised; in the theory they are free",
        )
    if head.weights_and_bias()[1] is not None and bool((features >= 0).all()):
        yield Outside(
            "the features are never negative",
            "the theory does not cover a ReLU before a head with a bias: its features have mean 0",
        )
    if head.is_frozen:
        yield Outside(
            "the head is frozen",
            (
                "the theory does not cover it, as its head learns; and since lambda_H can't be "
                "measured from a frozen head, there is no NC2 and NC3 unless it is given"
            ),
        )


def not_linear(features: Tensor, head: WatchedHead, logits: Tensor) -> Outside | None:
    """Say so where what comes out of the head is not W h + b of what went in."""
    Ws, b = head.weights_and_bias()
    out = features.detach().double()
    for W in Ws:
        out = out @ W.double().T
    if b is not None:
        out = out + b
    half = logits.dtype in (torch.float16, torch.bfloat16)
    error = float((out - logits.detach()).norm())
    # Where it is not finite, the metrics say so.
    if not error > (0.05 if half else 1e-3) * max(float(out.norm()), 1e-12):
        return None
    return Outside(
        "what comes out of the head is not W h + b",
        "the theory does not cover cosine heads, weight norm, temperatures or dropout in the head",
    )


def other_proportions(seen: NDArray[np.int64], counts: ClassCounts) -> Outside | None:
    """Say so where an epoch has shown the classes otherwise than by chance of their counts."""
    expected = counts.n * (seen.sum() / counts.N)
    if (
        seen.sum() == 0
        or chi2.sf(np.sum((seen - expected) ** 2 / expected), counts.K - 1) > _CHANCE
    ):
        return None
    return Outside(
        "the epoch shows the classes in other proportions than counts",
        "if it resamples them, give the counts of an epoch",
    )


class FeatureSource:
    """Sees whether the features are what a normalisation has put out.

    It holds one tensor, the last such output, until the first features have come.
    """

    def __init__(self, model: nn.Module) -> None:
        self._last: tuple[str, Tensor] | None = None
        self._stop = []
        for name, module in model.named_modules():
            kind = type(module).__name__
            if isinstance(module, nn.Dropout) or ("norm" in kind.lower() and not _children(module)):
                self._stop.append(watch(module, self._noting(f"{name} ({kind})")))

    def _noting(self, what: str) -> Eye:
        def note(module: nn.Module, inputs: Any, outputs: Any) -> None:
            if not isinstance(outputs, Tensor):
                return
            if not isinstance(module, nn.Dropout):
                self._last = what, outputs
            elif self._last is not None and _share_memory(inputs, self._last[1]):
                self._last = self._last[0], outputs

        return note

    def of(self, features: Tensor) -> str | None:
        """Return which normalisation has put out the features, if one has, and look no longer."""
        found = None
        if self._last is not None and _share_memory(features, self._last[1]):
            found = self._last[0]
        self.remove()
        return found

    def remove(self) -> None:
        """Look no longer."""
        for stop in self._stop:
            stop()
        self._stop, self._last = [], None


def _children(module: nn.Module) -> list[nn.Module]:
    return list(module.children())


def _of_one_length(features: Tensor) -> bool:
    """Whether more than one feature all have the same length, as a normalisation leaves them."""
    if features.ndim != 2 or features.shape[1] == 1:
        return False
    lengths = features.detach().double().norm(dim=1)
    return len(lengths) > 1 and bool(lengths.std() <= 1e-4 * lengths.mean())


def _share_memory(one: Any, other: Tensor) -> bool:
    """Whether two tensors are the same, or views of the same."""
    return (
        isinstance(one, Tensor)
        and one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()
    )
