"""What is gathered while batches go through a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nclib.metrics import Accuracy, MetricsAccumulator, SecondPass
from nclib.metrics.arrays import Labels, whole_labels
from nclib.training.monitor.script import in_full

Classes: TypeAlias = "Labels | Tensor | Sequence[int]"
"""The class of each sample of a batch."""

_BUFFER = 2**18
"""Numbers of features that are gathered before they are added up: small batches cost less so."""


class Collector:
    """What has been seen of an epoch."""

    def __init__(
        self, K: int, losses: Callable[[Tensor, Tensor], Tensor | None] = lambda *_: None
    ) -> None:
        self.accumulator = MetricsAccumulator(K)
        self.losses: NDArray[np.float64] | None = np.zeros(K)
        """Sum of the losses of the samples of each class; None where there is no loss."""
        self.squares = np.zeros(K)
        """Sum of the squares of the features of each class."""
        self._losses_of = losses
        self.second: SecondPass | None = None
        self.accuracy = Accuracy(K)
        self.batches = 0
        self.not_finite = False
        self.labels: Classes | None = None
        """Of the batch that is on its way to the head."""
        self._in_head = False
        self._features: list[Tensor] = []
        self._of: list[Classes] = []
        self._logits: list[Tensor] = []
        self._size = 0

    def take(self, features: Tensor) -> None:
        """Take what goes into the head: the features of the batch whose labels wait."""
        labels, self.labels = self.labels, None
        assert labels is not None
        if len(labels) != len(features):
            raise ValueError(
                f"labels must have one entry for each of the {len(features)} rows of features; "
                f"got {len(labels)}"
            )
        # A copy: the model may go on and write over its own.
        self._features.append(features.detach().clone())
        self._of.append(labels)
        self._size += features.numel()
        self.batches += 1
        self._in_head = True

    def take_logits(self, logits: Tensor) -> None:
        """Take what comes out of the head for these features."""
        if not self._in_head:
            return
        self._in_head = False
        self._logits.append(logits.detach().clone())
        # The first at once: what is wrong shows then.
        if self.batches == 1 or self._size >= _BUFFER:
            self.add_up()

    def add_up(self) -> None:
        """Bring what has been gathered into the sums."""
        if not self._features:
            return
        features, logits = torch.cat(self._features), torch.cat(self._logits)
        classes = np.concatenate([whole_labels(labels) for labels in self._of])
        self._features, self._of, self._logits, self._size = [], [], [], 0
        try:
            (self.second or self.accumulator).update(features, classes)
        except ValueError:
            if bool(torch.isfinite(features).all()):
                raise
            self.not_finite = True
        self.accuracy.update(logits.argmax(dim=-1).cpu().numpy(), classes)
        if self.second is None:
            self._add_losses(features, logits, classes)

    def _add_losses(self, features: Tensor, logits: Tensor, classes: Labels) -> None:
        K = self.squares.size
        squares = in_full(features).square().sum(dim=1).cpu().double().numpy()
        self.squares += np.bincount(classes, squares, minlength=K)
        of_samples = self._losses_of(
            in_full(logits), torch.as_tensor(classes, device=logits.device)
        )
        if of_samples is None or self.losses is None:
            self.losses = None
            return
        weights = of_samples.cpu().double().numpy()
        self.losses += np.bincount(classes, weights, minlength=K)


def second_entry(batch: Any) -> Classes:
    """Return the labels of a batch of inputs and labels, or raise."""
    try:
        labels: Classes = batch[1]
        return labels
    except (TypeError, KeyError, IndexError):
        raise TypeError(
            "a batch must be (inputs, labels); for others give labels=, a function that takes a "
            f"batch and returns its labels; got {type(batch).__name__}"
        ) from None
