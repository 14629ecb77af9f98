"""What is gathered while batches go through a network."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nclib.metrics import Accuracy, MetricsAccumulator, SecondPass
from nclib.metrics.arrays import Labels, whole_labels

Classes: TypeAlias = "Labels | Tensor | Sequence[int]"
"""The class of each sample of a batch."""

_BUFFER = 2**18
"""Numbers of features that are gathered before they are added up: small batches cost less so."""


@dataclass
class Piece:
    """What one call of the head has done: of a batch or of a part of it."""

    replica: int | None
    """Its device, where it is one of several that share a batch."""
    features: Tensor
    labels: Classes | None = None
    """Those of its rows; of a replica None until the batch is whole."""
    logits: Tensor | None = None


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
        self._pieces: list[Piece] = []
        self._rows = 0
        # Replicas of a model come from threads of their own.
        self._lock = threading.Lock()
        self._features: list[Tensor] = []
        self._of: list[Classes] = []
        self._logits: list[Tensor] = []
        self._size = 0

    def take(self, features: Tensor, replica: int | None) -> Piece | None:
        """Take what goes into the head; None where it is of no batch, or the batch again."""
        with self._lock:
            labels = self.labels
            if labels is None or (self._rows and self._rows == len(labels)):
                return None
            first, self._rows = self._rows, self._rows + len(features)
            if self._rows > len(labels):
                raise self._unequal(
                    "; of two views of a batch, give labels= a function that repeats its labels"
                    * (self._rows == 2 * len(labels))
                )
            # A copy: the model may go on and write over its own.
            piece = Piece(replica, features.detach().clone())
            if replica is None:
                piece.labels = labels[first : self._rows]
            self._pieces.append(piece)
            if replica is not None and self._rows == len(labels):
                self._label_replicas(labels)
            return piece

    def _label_replicas(self, labels: Classes) -> None:
        """Give replicas their labels: which rows are whose, only all of them together tell."""
        first = 0
        for one in sorted(self._pieces, key=lambda one: one.replica or 0):
            one.labels = labels[first : first + len(one.features)]
            first += len(one.features)

    def _unequal(self, more: str = "") -> ValueError:
        assert self.labels is not None
        return ValueError(
            f"labels must have one entry for each of the {self._rows} rows of features; "
            f"got {len(self.labels)}{more}"
        )

    def end_batch(self) -> None:
        """Gather what has been taken of a batch; its labels wait no longer."""
        labels, pieces = self.labels, [one for one in self._pieces if one.logits is not None]
        try:
            if labels is not None and pieces:
                if self._rows != len(labels):
                    raise self._unequal()
                self._gather(pieces)
        finally:
            self.labels, self._pieces, self._rows = None, [], 0

    def _gather(self, pieces: list[Piece]) -> None:
        self._of += [one.labels for one in pieces if one.labels is not None]
        there = pieces[0].features.device
        self._features += [one.features.to(there) for one in pieces]
        self._logits += [one.logits.to(there) for one in pieces if one.logits is not None]
        self._size += sum(one.features.numel() for one in pieces)
        self.batches += 1
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


def in_full(values: Tensor) -> Tensor:
    """Return values, detached and at least in float32."""
    values = values.detach()
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
