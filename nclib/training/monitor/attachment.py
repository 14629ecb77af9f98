"""The hooks of a monitor on a model, and the batches that come by."""

from __future__ import annotations

import warnings
from typing import Any

from torch import Tensor, nn

from nclib.diagnosis.validity import Outside
from nclib.training.monitor.collector import Classes, Collector
from nclib.training.monitor.coverage import FeatureSource, Hook, not_covered, not_linear
from nclib.training.monitor.head import WatchedHead
from nclib.training.monitor.script import ScriptReader


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
        self._hooks: list[Hook] = []
        self._source: FeatureSource | None = None
        self._waiting: tuple[Tensor, Classes] | None = None

    def attach(self) -> None:
        """Hang hooks into the model and the optimiser."""
        if self._hooks:
            raise RuntimeError("this monitor is attached already")
        self._source = FeatureSource(self.model)
        self._hooks = [
            self._source,
            self.head.layers[0].register_forward_pre_hook(self._on_features, with_kwargs=True),
            self.head.layers[-1].register_forward_hook(self._on_logits, with_kwargs=True),
        ]
        self.reader.attach()

    def detach(self) -> None:
        """Take them off."""
        for hook in self._hooks:
            hook.remove()
        self.reader.remove()
        self._hooks, self.now, self._waiting = [], None, None

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
        """Let labels wait no longer; the first batch must have been seen."""
        now.labels = None
        if not now.batches:
            raise RuntimeError(
                "the first batch has not gone through the head's first layer, "
                f"{self.head.names[0]!r}: is the model called, and are these layers its head?"
            )

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

    def _on_features(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        now = self.now
        if now is None or now.labels is None:
            return
        features, labels = args[0] if args else kwargs["input"], now.labels
        now.take(features)
        if self._source is not None:
            self.non_negative = bool((features >= 0).all())
            for one in not_covered(features, self.head, self._source.of(features)):
                self.note(one)
            self._source = None
        self._waiting = features, labels

    def _on_logits(
        self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], logits: Tensor
    ) -> None:
        if self.now is None or self._waiting is None:
            return
        (features, labels), self._waiting = self._waiting, None
        if self.now.batches == 1:
            odd = not_linear(features, self.head, logits)
            if odd is not None:
                self.note(odd)
        self.now.take_logits(logits)
        self.reader.see(logits, args[0] if args else kwargs["input"], labels)
