"""What people do about imbalance, side by side: which class is lost first, when, in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from nclib._records import plain_values
from nclib.data.readers import read_counts
from nclib.data.script import script_model
from nclib.diagnosis.band import BAND
from nclib.diagnosis.losses import first_lost
from nclib.theory.counts import ClassCounts
from nclib.theory.losses.objects import CrossEntropy
from nclib.theory.losses.optimum import loss_minimizer
from nclib.theory.losses.problem import LossProblem
from nclib.theory.losses.thresholds import loss_collapse_factors
from nclib.theory.optimum import class_outcomes

_ALIKE = 1e-9
"""Factors that agree so far are the same."""

_LDAM = 0.5
"""The largest margin of LDAM; the others go with the inverse fourth root of the counts."""

_CDT = 0.3
"""Power of the counts by which the logits are multiplied, relative to the largest count."""

_MOST_NAMED = 4
"""An order of more distinct counts than these is not written out where it has no pattern."""


@dataclass(frozen=True)
class Remedy:
    """What one remedy makes of the optimum; a row of `remedies`.

    Attributes
    ----------
    name : str
    open : str or None
        Why nothing is said, where the optimum is not known; then all else is None.
    first_lost : tuple of int or None
        Classes that are lost first as all penalties grow by one factor; None above 100 groups,
        where it is not searched.
    factor : float or None
        That factor: the margin. Below 1: they are lost today.
    order : tuple of int or None
        Counts of the classes in the order in which those of one count merge, the first to die
        first.
    order_words : str or None
        The order in a word or two.
    modes_alive, classes_right : int or None
        Today.
    accuracy : float or None
        Training accuracy of the optimum, today.
    right_over_band : tuple of int or None
        Classes right at the least and the largest N lambda_H of the band, where asked for.
    """

    name: str
    open: str | None = None
    first_lost: tuple[int, ...] | None = None
    factor: float | None = None
    order: tuple[int, ...] | None = None
    order_words: str | None = None
    modes_alive: int | None = None
    classes_right: int | None = None
    accuracy: float | None = None
    right_over_band: tuple[int, int] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        plain: dict[str, Any] = plain_values(
            {
                "remedy": self.name,
                "open": self.open,
                "first_classes_lost": self.first_lost,
                "first_class_lost_at_factor": self.factor,
                "order_of_deaths": self.order,
                "order": self.order_words,
                "modes_alive": self.modes_alive,
                "classes_right": self.classes_right,
                "accuracy": self.accuracy,
                "classes_right_over_band": self.right_over_band,
            }
        )
        return plain


def remedies(
    counts: Any, *, lambda_H: float, over_band: bool = False, **script: Any
) -> list[Remedy]:
    """Compare what people do about imbalance, one remedy at a time, all else as it is.

    Parameters
    ----------
    counts : ClassCounts
        Samples per class, or anything that `read_counts` takes.
    lambda_H : float
        Penalty on the features. (For fewer samples that with which N lambda_H is the same.)
    over_band : bool, default False
        Whether to count the classes right at the ends of the band of N lambda_H, too.
    **script
        What `script_model` takes: loss, weight_decay or lambda_W, depth, bias, batch_size,
        drop_last.

    Returns
    -------
    list of Remedy
        A case that is open is a row that says so.

    Raises
    ------
    OSError, TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    >>> found = remedies([300, 300, 30, 30], weight_decay=5e-3, bias="free", lambda_H=1e-4)
    >>> for row in found[:3]:
    ...     print(f"{row.name}: {row.order_words}")
    nothing: rarest first
    class weights 1/n: most frequent first
    class weights 1/sqrt(n): all at once
    """
    counts = read_counts(counts)
    plain = script_model(counts, lambda_H=lambda_H, **script)  # bad arguments raise here
    rows = []
    for name, make in _candidates(counts, plain.problem, lambda_H, script):
        try:
            rows.append(_row(name, make(), over_band))
        except (ValueError, RuntimeError) as error:
            rows.append(Remedy(name, open=f"{error}"))
    return rows


def _candidates(
    counts: ClassCounts, plain: LossProblem, lambda_H: float, script: dict[str, Any]
) -> Iterator[tuple[str, Callable[[], LossProblem]]]:
    """Yield every remedy with what makes its problem, or raises where it is none of the loss."""

    def model(**options: Any) -> Callable[[], LossProblem]:
        return lambda: script_model(counts, lambda_H=lambda_H, **{**script, **options}).problem

    def loss(**options: Any) -> Callable[[], LossProblem]:
        def make() -> LossProblem:
            if not isinstance(plain.loss, CrossEntropy):
                raise ValueError("none of the squared error: it is a change of the softmax")
            return replace(plain, loss=CrossEntropy(**options))

        return make

    def fewer() -> LossProblem:
        least = int(counts.n.min())
        reduced = ClassCounts([least] * counts.K, counts.names)
        held = lambda_H * counts.N / reduced.N
        return script_model(reduced, lambda_H=held, **script).problem

    def not_covered() -> LossProblem:
        raise ValueError("not covered: the focal loss is not convex in the logits")

    n = counts.n.astype(float)
    yield "nothing", model()
    yield "class weights 1/n", model(class_weight="balanced")
    yield "class weights 1/sqrt(n)", model(class_weight="sqrt")
    if plain.depth > 1:
        power = plain.depth / (plain.depth + 1)
        yield f"class weights n^(-{plain.depth}/{plain.depth + 1})", model(class_weight=n**-power)
    yield "class weights, effective number 0.999", model(class_weight="effective:0.999")
    yield "balanced sampling", model(sampler="balanced")
    yield "square-root sampling", model(sampler="sqrt")
    yield "balanced sampling, weights 1/n", model(sampler="balanced", class_weight="balanced")
    yield "as few samples of all as of the rarest", fewer
    yield "label smoothing 0.1", model(label_smoothing=0.1)
    yield "logit adjustment, tau = 1", loss(adjustment=1.0)
    yield f"LDAM margins, up to {_LDAM:g}", loss(margins=_LDAM * (n / n.min()) ** -0.25)
    yield f"CDT, logits times n^{_CDT:g}", loss(logit_factors=(n / n.max()) ** _CDT)
    yield "focal loss", not_covered


def _row(name: str, problem: LossProblem, over_band: bool) -> Remedy:
    alive, outcomes = _today(problem)
    lost = first_lost(problem)
    order, words = _order(problem)
    band = None
    if over_band:
        ends = [_today(replace(problem, lambda_H=end / problem.N))[1] for end in BAND]
        band = (ends[0].classes_right, ends[1].classes_right)
    return Remedy(
        name,
        first_lost=None if lost is None else lost.classes,
        factor=None if lost is None else lost.factor,
        order=order,
        order_words=words,
        modes_alive=alive,
        classes_right=outcomes.classes_right,
        accuracy=outcomes.accuracy,
        right_over_band=band,
    )


def _today(problem: LossProblem) -> tuple[int, Any]:
    best = loss_minimizer(problem)
    return best.alive, class_outcomes(best)


def _order(problem: LossProblem) -> tuple[tuple[int, ...] | None, str | None]:
    """Order the counts by where two classes of one would merge, and describe the order."""
    merging = loss_collapse_factors(problem).merging
    count = problem.counts.n[problem.representative]
    if np.isnan(merging).any():
        return None, None
    order = np.lexsort((count, merging))
    counts = count[order]
    ordered = tuple(counts.tolist())
    if merging.max() <= merging.min() * (1 + _ALIKE):
        return ordered, "all at once"
    # Groups that merge together say nothing of their order.
    later = np.diff(merging[order]) > _ALIKE * merging.max()
    levels = np.split(counts, np.flatnonzero(later) + 1)
    pairs = list(pairwise(levels))
    if all(before.max() < after.min() for before, after in pairs):
        return ordered, "rarest first"
    if all(before.min() > after.max() for before, after in pairs):
        return ordered, "most frequent first"
    shown = [f"{value:,}" for value in counts]
    if len(shown) > _MOST_NAMED:
        shown = [*shown[:2], "...", shown[-1]]
    return ordered, "; ".join(shown)
