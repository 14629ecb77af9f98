"""From what was gathered of an epoch to the numbers of a row, and whether the theory speaks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nclib._text import modes_are_alive
from nclib.diagnosis.validity import Observation, Outside, beside_the_optimum
from nclib.metrics import COLLAPSE, MeasuredModes, Metrics
from nclib.theory.counts import ClassCounts
from nclib.theory.losses.objects import Loss
from nclib.theory.losses.optimum import loss_minimizer
from nclib.theory.losses.problem import LossProblem
from nclib.theory.minimizer import global_minimizer
from nclib.theory.optimum import Optimum
from nclib.theory.problem import Problem
from nclib.training.monitor.collector import Collector
from nclib.training.monitor.head import WatchedHead
from nclib.training.monitor.script import Script, ScriptReader

Array = NDArray[np.float64]

_METRICS = tuple(metric.key for metric in COLLAPSE)

_MOST_GROUPS = 100
"""Above so many groups an optimum that has to be solved for is left to evaluations."""


@dataclass(frozen=True, eq=False)
class Measured:
    """What was found of an epoch or an evaluation; None where there was nothing to find."""

    metrics: Metrics | None = None
    minimizer: Optimum | None = None
    lambda_H: float | None = None
    script: Script | None = None
    modes: MeasuredModes | None = None
    rest: float | None = None
    gap: float | None = None
    within: float | None = None
    mean: float | None = None
    right: tuple[bool, ...] = ()
    """Whether most samples of each class are classified right."""

    @property
    def spread(self) -> float:
        """Largest lambda_H of a mode over the smallest; NaN where there is none."""
        return math.nan if self.modes is None else self.modes.spread


class Measurer:
    """Compares what was gathered with the optimum for the counts, the head and the script.

    Parameters
    ----------
    counts : ClassCounts
    head : WatchedHead
    reader : ScriptReader
    lambda_H : float or None
        None to measure it anew each time.
    """

    def __init__(
        self,
        counts: ClassCounts,
        head: WatchedHead,
        reader: ScriptReader,
        lambda_H: float | None,
    ) -> None:
        self.counts, self.head, self.reader = counts, head, reader
        self.lambda_H = lambda_H
        self.non_negative = False

    def class_names(self) -> Sequence[str]:
        """Names of the classes, or their numbers."""
        return self.counts.names or [str(k) for k in range(self.counts.K)]

    def reason_for_none(self, now: Collector) -> str | None:
        """Say why there can be no metrics, if so."""
        if now.not_finite:
            return "features are NaN or infinite"
        if not self.head.is_finite:
            return "the head's weights are NaN or infinite"
        if not now.accumulator.counts.all():
            k = int(np.argmin(now.accumulator.counts))
            return f"no sample of class {self.class_names()[k]} was seen"
        return None

    def measure(self, now: Collector, *, evaluated: bool) -> Measured:
        """Return what was gathered comes to; an evaluation has set its head, others have not."""
        Ws, b = self.head.weights_and_bias()
        if not evaluated:
            now.accumulator.set_head(Ws, b)
        script = self.reader.script()
        found = Measured(script=script, lambda_H=self.lambda_H, rest=self.reader.at_rest(script))
        lambda_W1 = None if script.lambda_W is None else script.lambda_W[0]
        # Where the loop draws by a sampler, an evaluation sees the samples in other proportions.
        n = self.counts.n
        if not self.head.is_frozen:
            # How lambda_H differs from mode to mode is the same for every lambda_W.
            found = replace(found, modes=now.accumulator.modes(lambda_W1 or 1.0, n))
            if self.lambda_H is None and lambda_W1 is not None:
                found = replace(found, lambda_H=now.accumulator.effective_lambda_H(lambda_W1, n))
        problem = self._problem(found)
        best = None if problem is None else self._minimizer(problem, evaluated)
        source = now.second or now.accumulator
        metrics = source.compute(best, check_counts=False)
        right = tuple((now.accuracy.by_class > 0.5).tolist())
        within, mean = self._shares(now, b is not None)
        found = replace(
            found, metrics=metrics, minimizer=best, right=right, within=within, mean=mean
        )
        return replace(found, gap=self._gap(now, found))

    def _problem(self, found: Measured) -> Problem | LossProblem | None:
        script, lambda_H = found.script, found.lambda_H
        if script is None or lambda_H is None or not 0 < lambda_H < math.inf:
            return None
        return script.problem(self.counts, self.head.widths, lambda_H, self.non_negative)

    def _minimizer(self, problem: Problem | LossProblem, evaluated: bool) -> Optimum | None:
        if isinstance(problem, Problem):
            return global_minimizer(problem)
        if problem.form.G > _MOST_GROUPS and not evaluated:
            return None
        try:
            return loss_minimizer(problem)
        except (ValueError, RuntimeError):  # an optimum that is not known, or not reached
            return None

    def _shares(self, now: Collector, has_bias: bool) -> tuple[float | None, float | None]:
        """Which shares of the features' squares are within the classes, and their global mean."""
        means, counts = now.accumulator.class_means(), self.counts.n
        total = self._squares(now)
        if not 0 < total < math.inf:
            return None, None
        between = float(counts @ np.square(means).sum(axis=1))
        centre = counts @ means / counts.sum()
        mean = float(counts.sum() * centre @ centre) / total if has_bias else None
        return max(0.0, 1 - between / total), mean

    def _squares(self, now: Collector) -> float:
        """Return the sum of the squares of all features, each class as often as the counts say."""
        return float(now.squares @ (self.counts.n / now.accumulator.counts))

    def _gap(self, now: Collector, found: Measured) -> float | None:
        """How far the objective is above the optimum's, relative to it."""
        best, script = found.minimizer, found.script
        if best is None or script is None or now.losses is None or script.loss is None:
            return None
        problem, counts = best.problem, now.accumulator.counts
        Ws, b = self.head.weights_and_bias()
        fit = _class_factors(script.loss, self.reader.loss, self.counts) @ (now.losses / counts)
        objective = float(fit) + problem.lambda_H / 2 * self._squares(now)
        for W, lam in zip(Ws, problem.lambda_W, strict=True):
            objective += lam / 2 * float(W.float().square().sum())
        if b is not None:
            objective += problem.bias_penalty / 2 * float(b.square().sum())
        return float(objective / best.objective - 1)

    def observation(self, found: Measured, outside: Sequence[Outside]) -> Observation:
        """Return what tells whether the theory speaks about the network."""
        script, best, modes = found.script, found.minimizer, found.modes
        odd = (*outside, *(script.outside if script is not None else ()))
        compared = {}
        if best is not None and modes is not None:
            compared = beside_the_optimum(
                best,
                modes,
                found.right,
                self.class_names(),
                lambda lambda_H: self._at(found, lambda_H),
                may_be_stuck=best.problem.depth > 1 or self.non_negative,
            )
        return Observation(
            rest=found.rest,
            lambda_H=np.zeros(0) if modes is None else modes.lambda_H,
            gap=found.gap,
            within=found.within,
            mean=found.mean,
            depth=len(self.head.layers),
            outside=odd,
            **compared,
        )

    def _at(self, found: Measured, lambda_H: float) -> Optimum | None:
        problem = self._problem(replace(found, lambda_H=lambda_H))
        return None if problem is None else self._minimizer(problem, evaluated=True)

    def measured_words(self, row: dict[str, float], found: Measured) -> list[str]:
        """Say what was measured, whatever the theory says."""
        names = self.class_names()
        lost = [
            f"{name} ({self.counts.n[k]:,} samples)"
            for k, name in enumerate(names)
            if not row[f"accuracy {name}"] > 0.5
        ]
        what = "evaluation" if row["evaluated"] else f"epoch {row['epoch']:g}"
        lines = [str(found.script)] if found.script is not None else []
        more = f" and {len(lost) - 8:,} more" if len(lost) > 8 else ""
        wrong = f"; mostly wrong: {', '.join(lost[:8])}{more}" if lost else ""
        lines.append(f"Measured ({what}): accuracy {row['accuracy']:.3f}{wrong}.")
        if found.modes is not None:
            most = self.counts.K - (self.head.weights_and_bias()[1] is not None)
            known = found.script is not None and found.script.lambda_W is not None
            spread = ""
            if known and found.modes.alive:
                low, high = found.modes.lambda_H.min(), found.modes.lambda_H.max()
                spread = f"; lambda_H by mode {low:.3g} to {high:.3g}"
            lines.append(f"{modes_are_alive(found.modes.alive, most)}{spread}.")
        return lines

    def cells(self, now: Collector, found: Measured) -> dict[str, float]:
        """Return the numbers of a row, NaN where there is none."""
        measured = {name: _number(found.metrics, name) for name in _METRICS}
        seen = {name: getattr(found, name) for name in ("rest", "gap", "within", "mean")}
        by_class = zip(self.class_names(), now.accuracy.by_class.tolist(), strict=True)
        return {
            "accuracy": now.accuracy.overall,
            **measured,
            "lambda_H": _or_nan(found.lambda_H),
            "alive": math.nan if found.modes is None else found.modes.alive,
            "alive_optimum": math.nan if found.minimizer is None else found.minimizer.alive,
            "spread": found.spread,
            **{name: _or_nan(value) for name, value in seen.items()},
            **{f"accuracy {name}": share for name, share in by_class},
        }


def _class_factors(loss: Loss, plain: Loss | None, counts: ClassCounts) -> Array:
    """Return what the mean plain loss of each class counts in the objective, (K,)."""
    assert plain is not None
    n = counts.n.astype(float)
    terms = loss.terms(counts, n)
    share: Array = terms.weight * terms.own / plain.terms(counts, n).own * n / counts.N
    return share


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _number(metrics: Metrics | None, name: str) -> float:
    value = getattr(metrics, name, None)
    return math.nan if value is None else float(value)
