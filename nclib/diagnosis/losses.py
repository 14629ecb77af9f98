"""The optimum for any loss, and its margins."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from nclib._records import plain_values
from nclib.diagnosis.prediction import Prediction, describe
from nclib.diagnosis.words import (
    CLOSE,
    MOST_COUNTS,
    MOST_LOGITS,
    Loss,
    Words,
    rounded_down,
)
from nclib.theory.counts import ClassCounts
from nclib.theory.losses.closed import NonNegativeMinimizer
from nclib.theory.losses.margins import loss_first_lost
from nclib.theory.losses.minimizer import LossMinimizer
from nclib.theory.losses.objects import SquaredError
from nclib.theory.losses.optimum import loss_minimizer
from nclib.theory.losses.problem import LossProblem
from nclib.theory.losses.thresholds import (
    CollapseFactors,
    LossMargins,
    loss_collapse_factors,
    loss_margins,
)
from nclib.theory.margins import FirstLoss, first_loss
from nclib.theory.minimizer import global_minimizer
from nclib.theory.optimum import ClassOutcomes, class_outcomes
from nclib.theory.problem import Problem

Array = NDArray[np.float64]

MOST_SEARCHED = 30
"""Up to this many groups the factors of all classes and modes are searched unasked."""


def predict(
    problem: Problem | LossProblem, source: str = "counts", chosen: tuple[int, ...] | None = None
) -> Prediction | LossPrediction:
    """Solve a problem, and say what its optimum means.

    Parameters
    ----------
    problem : Problem or LossProblem
    source : str, default "counts"
        What the counts are called.
    chosen : tuple of int, optional
        Classes to tell more about. Default: all, where there are not too many.

    Returns
    -------
    Prediction or LossPrediction
        The first where the loss is the squared error as the paper has it: of that more is known.
    """
    if isinstance(problem, LossProblem) and is_the_papers(problem):
        problem = problem.model
    if isinstance(problem, Problem):
        return Prediction.of(problem, source, chosen)
    return LossPrediction.of(problem, source, chosen)


def is_the_papers(problem: LossProblem) -> bool:
    """Whether a problem is the paper's: the plain squared error, and no penalty on a bias."""
    loss = problem.loss
    return (
        isinstance(loss, SquaredError)
        and loss.class_weights is None
        and loss.label_smoothing == 0
        and problem.bias != "decayed"
        and problem.sampling is None
        and not problem.non_negative
    )


def mode_limit(problem: Problem | LossProblem) -> int:
    """Count the modes that may be alive: softmax and a free bias each leave out a direction.

    (The same one, where both do.)
    """
    if isinstance(problem, Problem):
        return problem.K - problem.bias
    left_out = (problem.form.softmax or problem.bias == "free") and not problem.non_negative
    return problem.K - left_out


def first_lost(problem: Problem | LossProblem) -> FirstLoss | None:
    """Find all classes that are lost first as all penalties grow, and the factor.

    Parameters
    ----------
    problem : Problem or LossProblem

    Returns
    -------
    FirstLoss or None
        None for other losses than the paper's and more than 100 groups, where it is not searched.
    """
    if isinstance(problem, LossProblem):
        if not is_the_papers(problem):
            return None if problem.form.G > MOST_COUNTS else loss_first_lost(problem)
        problem = problem.model
    outcomes = class_outcomes(global_minimizer(problem))
    lost = first_loss(problem, outcomes.representative)
    classes = np.flatnonzero(np.isin(outcomes.group, outcomes.group[list(lost.classes)]))
    return FirstLoss(lost.factor, tuple(classes.tolist()))


@dataclass(frozen=True, eq=False)
class LossPrediction(Words):
    """The optimum for given counts, penalties and loss, and its margins."""

    problem: LossProblem
    source: str
    best: LossMinimizer | NonNegativeMinimizer
    chosen: tuple[int, ...] | None
    """Classes asked about; None for all."""

    @classmethod
    def of(
        cls, problem: LossProblem, source: str, chosen: tuple[int, ...] | None
    ) -> LossPrediction:
        """Solve a problem."""
        return cls(problem, source, loss_minimizer(problem), chosen)

    @cached_property
    def outcomes(self) -> ClassOutcomes[Any]:  # type: ignore[override]
        """What becomes of the classes."""
        return class_outcomes(self.best)

    @property
    def counts(self) -> ClassCounts:
        """Samples per class."""
        return self.problem.counts

    @property
    def has_bias(self) -> bool:
        """Whether the head has a bias."""
        return self.problem.bias != "none"

    @property
    def alive(self) -> int:
        """Modes alive."""
        return self.best.alive

    @property
    def real_modes(self) -> int:
        """Modes that may be alive."""
        return mode_limit(self.problem)

    @cached_property
    def collapse(self) -> CollapseFactors:
        """Factors at which classes merge."""
        return loss_collapse_factors(self.problem)

    @cached_property
    def margins(self) -> LossMargins | None:
        """Factors of all classes and modes; None where there are too many groups."""
        searched = self.groups <= MOST_SEARCHED or self.chosen is not None
        return loss_margins(self.problem) if searched else None

    @cached_property
    def mode_factors(self) -> Array:
        """Factor on all penalties at which each mode dies, falling; empty where not searched."""
        return self.margins.modes if self.margins is not None else np.zeros(0)

    @cached_property
    def right_up_to(self) -> dict[int, float]:
        """Factor on all penalties up to which a group is right, where known."""
        if self.margins is None:
            return {}
        first = self.problem.representative
        groups = list(range(self.groups))
        if self.chosen is not None:
            groups = sorted({int(self.outcomes.group[k]) for k in self.chosen})
        return {g: float(self.margins.lost[first[g]]) for g in groups}

    @property
    def right_with(self) -> dict[int, Any]:
        """With how many samples a class is right: not known for other losses."""
        return {}

    @cached_property
    def first_lost(self) -> Loss | None:
        """What is lost first of all; None above `MOST_COUNTS` groups."""
        if self.margins is not None:
            return self._first_of(np.ones(self.groups, dtype=bool))
        if self.groups > MOST_COUNTS:
            return None
        factor, classes = loss_first_lost(self.problem)
        return Loss(factor, tuple(sorted({int(self.outcomes.group[k]) for k in classes})))

    @cached_property
    def next_lost(self) -> Loss | None:
        """What is lost next of what is right, where known."""
        return None if self.margins is None else self._first_of(self.outcomes.right == 1)

    def _first_of(self, among: NDArray[np.bool_]) -> Loss:
        assert self.margins is not None
        lost = np.where(among, self.margins.lost[self.problem.representative], math.inf)
        factor = float(lost.min())
        if factor == math.inf:
            return Loss(factor, ())
        groups = np.flatnonzero(lost <= factor * (1 + 1e-7))
        return Loss(factor, tuple(groups.tolist()))

    def blocks(self) -> list[dict[str, Any]]:
        """List the modes: the inner ones of each group, and those between groups."""
        size = np.bincount(self.problem.group)
        count = self.problem.counts.n[self.problem.representative]
        rows = []
        if not self.problem.non_negative:
            best = cast(LossMinimizer, self.best)
            for g in np.flatnonzero(size > 1):
                rows.append(
                    {
                        "kind": f"classes of {count[g]}",
                        "modes": int(size[g] - 1),
                        "alive": int(size[g] - 1) * bool(best.inner[g] > 0),
                        "z": float(best.inner[g]),
                        "dies_at_factor": float(self.collapse.inner[g]),
                    }
                )
            for j, value in enumerate(np.sort(best.between[1])[::-1]):
                rows.append(
                    {
                        "kind": "between counts",
                        "modes": 1,
                        "alive": int(value > 0),
                        "z": float(value),
                        "dies_at_factor": (
                            None if self.margins is None else float(self.margins.between[j])
                        ),
                    }
                )
        return sorted(rows, key=lambda row: -row["z"])

    # ------------------------------------------------------------ words

    def verdict(self) -> list[str]:
        """Say in plain words what happens."""
        room = [self.room()] if self.margins is not None else []
        return [self.summary(), *self.what_is_lost(), *self.margin_words(), *room]

    def advice(self) -> list[str]:
        """Say what to change where a class is lost or about to be."""
        if self.first_lost is None or not 0 < self.first_lost.factor < CLOSE:
            return []
        factor = rounded_down(self.first_lost.factor / CLOSE)
        return [
            (
                f"Weaken the penalties: with all of them multiplied by {factor:g}, every class is "
                f"right with a margin of {CLOSE:g}."
            ),
            (
                "More data of all classes at once does not help by itself: only N lambda_H enters, "
                "so divide lambda_H by the factor by which N grows."
            ),
            "Weights, samplers and others are compared by the remedies.",
        ]

    # ------------------------------------------------------------ data

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        problem, outcomes = self.problem, self.outcomes
        first = self.first_lost
        content = {
            **describe(problem, self.source),
            "objective": self.best.objective,
            "certificate": self.best.certificate,
            "accuracy": outcomes.accuracy,
            "modes_alive": self.alive,
            "modes_total": self.real_modes,
            "classes_right": outcomes.classes_right,
            "classes_merged": outcomes.classes_merged,
            "first_class_lost_at_factor": None if first is None else first.factor,
            "first_classes_lost": (
                None if first is None else [outcomes.count[g] for g in first.groups]
            ),
            "first_mode_dies_at_factor": (self.first_death if self.margins is not None else None),
            "last_mode_dies_at_factor": self.collapse.total,
            "groups": self.group_entries(
                merges_at_factor=dict(enumerate(self.collapse.inner)),
                right_up_to_factor=self.right_up_to,
            ),
            "modes": self.blocks(),
            "verdict": self.verdict(),
            "advice": self.advice(),
        }
        if problem.K <= MOST_LOGITS:
            content["logits"] = self.best.logits()
        plain: dict[str, Any] = plain_values(content)
        return plain
