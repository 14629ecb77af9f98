"""From what was gathered of an epoch to the numbers of a row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from nclib.metrics import COLLAPSE, Metrics
from nclib.theory.counts import ClassCounts
from nclib.theory.minimizer import Minimizer, global_minimizer
from nclib.theory.problem import Problem
from nclib.training.monitor.collector import Collector
from nclib.training.monitor.head import WatchedHead

_METRICS = tuple(metric.key for metric in COLLAPSE)


class Measured(NamedTuple):
    """Metrics, the closed form that they compare with, and the penalty that it is for."""

    metrics: Metrics | None
    minimizer: Minimizer | None
    lambda_H: float | None


class Measurer:
    """Compares what was gathered with the closed form for the counts, the head and the penalties.

    Parameters
    ----------
    counts : ClassCounts
    head : WatchedHead
    lambda_W : float or (L,) sequence of float
        As for `Problem`.
    lambda_H : float or None
        None to measure it anew each time.

    Raises
    ------
    TypeError, ValueError
        If a penalty is no positive number.
    """

    def __init__(
        self,
        counts: ClassCounts,
        head: WatchedHead,
        lambda_W: float | Sequence[float],
        lambda_H: float | None,
    ) -> None:
        self.counts, self.head = counts, head
        # What `Problem` takes: it makes one of it for each layer.
        self.lambda_W: Any = lambda_W
        self.lambda_H = lambda_H
        self._lambda_W1 = self._problem(1.0 if lambda_H is None else lambda_H, True).lambda_W[0]

    def _problem(self, lambda_H: float, bias: bool) -> Problem:
        return Problem(
            self.counts,
            len(self.head.layers),
            bias=bias,
            lambda_W=self.lambda_W,
            lambda_H=lambda_H,
            widths=self.head.widths,
        )

    def _class_names(self) -> Sequence[str]:
        return self.counts.names or [str(k) for k in range(self.counts.K)]

    def reason_for_none(self, now: Collector) -> str | None:
        """Say why there can be no metrics, if so."""
        if now.not_finite:
            return "features are NaN or infinite"
        if not self.head.is_finite:
            return "the head's weights are NaN or infinite"
        if not now.accumulator.counts.all():
            k = int(np.argmin(now.accumulator.counts))
            return f"no sample of class {self._class_names()[k]} was seen"
        return None

    def measure(self, now: Collector, *, head_is_set: bool) -> Measured:
        """Return the metrics of what was gathered, with the head as it is unless one is set."""
        Ws, b = self.head.weights_and_bias()
        if not head_is_set:
            now.accumulator.set_head(Ws, b)
        lambda_H = self.lambda_H
        if lambda_H is None and not self.head.is_frozen:
            lambda_H = now.accumulator.effective_lambda_H(self._lambda_W1)
        minimizer = None
        if lambda_H is not None and 0 < lambda_H < math.inf:
            minimizer = global_minimizer(self._problem(lambda_H, b is not None))
        metrics = (now.second or now.accumulator).compute(minimizer, check_counts=False)
        return Measured(metrics, minimizer, lambda_H)

    def cells(self, now: Collector, found: Measured) -> dict[str, float]:
        """Return the numbers of a row, NaN where there is none."""
        return {
            "accuracy": now.accuracy.overall,
            **{name: _number(found.metrics, name) for name in _METRICS},
            "lambda_H": math.nan if found.lambda_H is None else found.lambda_H,
            "alive": math.nan if found.minimizer is None else found.minimizer.alive,
            **{
                f"accuracy {name}": share
                for name, share in zip(
                    self._class_names(), now.accuracy.by_class.tolist(), strict=True
                )
            },
        }


def _number(metrics: Metrics | None, name: str) -> float:
    value = getattr(metrics, name, None)
    return math.nan if value is None else float(value)
