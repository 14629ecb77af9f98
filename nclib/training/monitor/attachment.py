"""A monitor at a model: the layers that it watches, and the batches that come by."""

from __future__ import annotations

import warnings
from collections.abc import Callable

from torch import Tensor, nn

from nclib.diagnosis.validity import Outside
from nclib.theory.counts import ClassCounts
from nclib.training.monitor.collector import Collector, Piece
from nclib.training.monitor.coverage import (
    FeatureSource,
    not_covered,
    not_linear,
    other_proportions,
)
from nclib.training.monitor.head import WatchedHead
from nclib.training.monitor.script import ScriptReader
from nclib.training.monitor.watching import replica_of, watch


class Attachment:
    """Looks on at a model's head, and gathers what goes through it.

    Parameters
    ----------
    model : torch.nn.Module
    head : WatchedHead
    reader : ScriptReader

    Attributes
    ----------
    now : Collector or None
        What has been gathered of the epoch or the evaluation that goes on.
    outside : list of Outside
        What the theory does not cover, each once.
    non_negative : bool
        Whether the features of the first batch were never negative.
    """

    def __init__(self, model: nn.Module, head: WatchedHead, reader: ScriptReader) -> None:
        self.model, self.head, self.reader = model, head, reader
        self.now: Collector | None = None
        self.outside: list[Outside] = []
        self.non_negative = False
        self._said: set[str] = set()
        self._hooks: list[Callable[[], None]] = []
        self._source: FeatureSource | None = None
        self._open: dict[int | None, Piece | None] = {}

    def attach(self) -> None:
        """Begin to look on."""
        if self._hooks:
            raise RuntimeError("this monitor is attached already")
        self._source = FeatureSource(self.model)
        self._hooks = [self._source.remove]
        first, last = self.head.layers[0], self.head.layers[-1]
        if first is last:
            self._hooks.append(watch(first, self._whole_head))
        else:
            self._hooks += [watch(first, self._first_layer), watch(last, self._last_layer)]
        self.reader.attach()

    def detach(self) -> None:
        """Look on no longer."""
        for stop in self._hooks:
            stop()
        self.reader.remove()
        self._hooks, self.now, self._open = [], None, {}

    def begin(self) -> Collector:
        """Begin to gather; what was gathered and not used is forgotten."""
        if not self._hooks:
            raise RuntimeError("the monitor is not attached: use it in a `with` statement")
        self.now = Collector(self.head.K, self.reader.losses)
        return self.now

    def begun(self) -> Collector:
        """Return what has been begun."""
        if self.now is None:
            raise RuntimeError("no epoch has begun: call begin_epoch first")
        return self.now

    def batch_is_done(self, now: Collector) -> None:
        """Gather a batch; the first must have been seen."""
        now.end_batch()
        if now.batches:
            return
        name, layer = self.head.names[0], self.head.layers[0]
        replaced = dict(self.model.named_modules()).get(name) is not layer
        raise RuntimeError(
            f"the first batch has not gone through the head's first layer, {name!r}: "
            + (
                "the model has another there now; make the monitor when the model is complete"
                if replaced
                else "is the model called (of a copy, an average of weights say, make another "
                "monitor), and are these layers its head?"
            )
        )

    def end_epoch(self, now: Collector, counts: ClassCounts) -> None:
        """End what the reader reads, and say what was odd about the batches."""
        self.reader.end_epoch()
        if self.reader.permuted:
            self.say(
                "batches go through the model in another order than their labels",
                "taken are the classes that the loss takes them for; give labels=, a function that "
                "returns them in that order",
            )
        odd = other_proportions(now.accuracy.seen, counts)
        if odd is not None:
            self.note(odd)

    def note(self, one: Outside) -> None:
        """Say once what the theory does not cover, and remember it."""
        if one not in self.outside:
            self.outside.append(one)
        self.say(one.what, one.means)

    def say(self, where: str, what: str) -> None:
        """Warn, once of each."""
        if what not in self._said:
            self._said.add(what)
            warnings.warn(f"{where}: {what}", stacklevel=2)

    def _whole_head(self, layer: nn.Module, features: Tensor, logits: Tensor) -> None:
        self._first_layer(layer, features, logits)
        self._last_layer(layer, features, logits)

    def _first_layer(self, layer: nn.Module, features: Tensor, _: Tensor) -> None:
        if self.now is None:
            return
        replica = replica_of(layer, features)
        piece = self._open[replica] = self.now.take(features, replica)
        if piece is not None and self._source is not None:
            source, self._source = self._source, None
            self.non_negative = bool((features >= 0).all())
            for one in not_covered(features, self.head, source):
                self.note(one)

    def _last_layer(self, layer: nn.Module, inputs: Tensor, logits: Tensor) -> None:
        piece = self._open.pop(replica_of(layer, inputs), None)
        if self.now is None or piece is None:
            return
        if not self.now.batches:
            odd = not_linear(piece.features, self.head, logits)
            if odd is not None:
                self.note(odd)
        piece.logits = logits.detach().clone()
        self.reader.see(piece, logits, inputs)
