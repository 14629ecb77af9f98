"""What of a network the theory does not cover, seen from its first batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import chdtrc
from torch import Tensor, nn

from nclib.diagnosis.validity import Outside
from nclib.theory.counts import ClassCounts
from nclib.training.monitor.head import WatchedHead
from nclib.training.monitor.watching import Eye, watch

_CHANCE = 1e-6
"""An epoch that would show its classes so with less probability has a sampler."""


def not_covered(features: Tensor, head: WatchedHead, source: FeatureSource) -> Iterator[Outside]:
    """Give each thing that the theory does not cover: what was seen, and what it means.

    Parameters
    ----------
    features : (B, d) tensor
        Of the first batch.
    head : WatchedHead
    source : FeatureSource
        What they come out of; it looks no longer.
    """
    norm, dropout = source.of(features)
    if dropout is not None:
        yield Outside(
            f"the features come out of {dropout}",
            "the theory does not cover dropout before the head: in each step it sees other ones",
        )
    if norm is not None:
        yield Outside(
            f"the features come out of {norm}",
            (
                "the theory does not cover a normalisation before the head, which fixes how long "
                "the features are; in the theory they are free"
            ),
        )
    elif _of_one_length(features) or _of_unit_variance(features):
        how = "all have the same length" if _of_one_length(features) else "have mean 0, variance 1"
        yield Outside(
            f"the features {how}",
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
    if seen.sum() == 0 or chdtrc(counts.K - 1, np.sum((seen - expected) ** 2 / expected)) > _CHANCE:
        return None
    return Outside(
        "the epoch shows the classes in other proportions than counts",
        "if it resamples them, give the counts of an epoch",
    )


class FeatureSource:
    """Sees whether the features are what a normalisation or dropout has put out.

    It holds the last such outputs until the first features have come.
    """

    def __init__(self, model: nn.Module) -> None:
        self._last: tuple[str, Tensor] | None = None
        self._dropped: tuple[str, Tensor] | None = None
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
                return
            if module.training and module.p > 0:
                self._dropped = what, outputs
            if self._last is not None and _share_memory(inputs, self._last[1]):
                self._last = self._last[0], outputs

        return note

    def of(self, features: Tensor) -> tuple[str | None, str | None]:
        """Return which normalisation and which dropout the features come out of, if any."""
        norm, dropout = (
            None if one is None or not _share_memory(features, one[1]) else one[0]
            for one in (self._last, self._dropped)
        )
        self.remove()
        return norm, dropout

    def remove(self) -> None:
        """Look no longer."""
        for stop in self._stop:
            stop()
        self._stop, self._last, self._dropped = [], None, None


def _children(module: nn.Module) -> list[nn.Module]:
    return list(module.children())


def _of_one_length(features: Tensor) -> bool:
    """Whether more than one feature all have the same length, as a normalisation leaves them."""
    if features.ndim != 2 or features.shape[1] == 1:
        return False
    lengths = features.detach().double().norm(dim=1)
    return len(lengths) > 1 and bool(lengths.std() <= 1e-4 * lengths.mean())


def _of_unit_variance(features: Tensor) -> bool:
    """Whether each feature has mean 0 and variance 1 in a batch, as batch norm leaves them."""
    if features.ndim != 2 or len(features) < 8:
        return False
    values = features.detach().double()
    spread = values.var(dim=0, correction=0)
    return bool(values.mean(dim=0).abs().max() < 1e-3 and (spread - 1).abs().max() < 1e-2)


def _share_memory(one: Any, other: Tensor) -> bool:
    """Whether two tensors are the same, or views of the same."""
    return (
        isinstance(one, Tensor)
        and one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()
    )
