"""What the optimum means for given class counts: verdict, margins and advice, in words and data."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nclib._records import plain_values
from nclib._text import factor_text
from nclib.diagnosis.words import (
    CLOSE,
    MOST_COUNTS,
    MOST_LOGITS,
    Loss,
    Words,
    rounded_down,
)
from nclib.theory.collapse import collapse_factors
from nclib.theory.counts import ClassCounts
from nclib.theory.losses.problem import LossProblem
from nclib.theory.margins import first_loss, misclassification_factors
from nclib.theory.minimizer import Minimizer, global_minimizer
from nclib.theory.optimum import ClassOutcomes, class_outcomes
from nclib.theory.problem import Problem
from nclib.theory.sample_counts import RightCounts, right_counts

MOST_RUNS = 30
"""Up to this many also with how many samples each class would be right."""

ADVISED = 3
"""Of so many lost classes, the rarest, the advice says how many samples would do."""

WORTH = 1.1
"""Another depth is advised where it makes the margin larger by this factor."""

DEPTHS = (1, 2, 3, 4, 5, 6)
"""Depths that are compared."""

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Prediction(Words):
    """The optimum for given counts and penalties, and its margins."""

    problem: Problem
    source: str
    outcomes: ClassOutcomes[Minimizer]
    chosen: tuple[int, ...] | None
    """Classes asked about; None for all."""

    @classmethod
    def of(cls, problem: Problem, source: str, chosen: tuple[int, ...] | None) -> Prediction:
        """Solve a problem."""
        return cls(problem, source, class_outcomes(global_minimizer(problem)), chosen)

    @property
    def best(self) -> Minimizer:
        """The global minimiser."""
        return self.outcomes.minimizer

    @property
    def counts(self) -> ClassCounts:
        """Samples per class."""
        return self.problem.counts

    @property
    def has_bias(self) -> bool:
        """Whether the head has a bias."""
        return self.problem.bias

    @property
    def alive(self) -> int:
        """Modes alive."""
        return self.best.alive

    @cached_property
    def with_factor(self) -> list[int]:
        """Groups of which it is known up to which factor they are right."""
        if self.chosen is not None:
            return sorted({int(self.outcomes.group[k]) for k in self.chosen})
        return list(range(self.groups)) if self.problem.counts.m <= MOST_COUNTS else []

    @cached_property
    def right_up_to(self) -> dict[int, float]:
        """Factor on all penalties up to which a group is right, where known."""
        factors = misclassification_factors(
            self.problem, self.outcomes.representative[self.with_factor]
        )
        return dict(zip(self.with_factor, factors.tolist(), strict=True))

    @cached_property
    def right_with(self) -> dict[int, RightCounts]:
        """With how many samples a class of a group is right, where known."""
        if self.chosen is not None or self.problem.counts.m <= MOST_RUNS:
            groups = self.with_factor
        else:
            groups = np.flatnonzero(self.outcomes.right < 1)[-ADVISED:].tolist()
        runs = right_counts(self.problem, self.outcomes.representative[groups])
        return dict(zip(groups, runs, strict=True))

    @cached_property
    def first_lost(self) -> Loss:
        """What is lost first of all: its factor is the margin."""
        return self._first_of(np.arange(self.groups))

    @cached_property
    def next_lost(self) -> Loss:
        """What is lost next of what is right."""
        return self._first_of(np.flatnonzero(self.outcomes.right == 1))

    def _first_of(self, groups: NDArray[np.int64]) -> Loss:
        if not groups.size:
            return Loss(math.inf, ())
        lost = first_loss(self.problem, self.outcomes.representative[groups])
        return Loss(lost.factor, tuple(sorted({int(self.outcomes.group[k]) for k in lost.classes})))

    @cached_property
    def mode_factors(self) -> Array:
        """Factor on all penalties at which each mode dies, by mode."""
        return collapse_factors(self.problem)

    @cached_property
    def real_modes(self) -> int:
        """Number of modes with kappa > 0."""
        return self.problem.K - self.problem.bias

    def blocks(self) -> list[dict[str, Any]]:
        """List the modes, those of equal kappa as one."""
        spectrum, best = self.best.spectrum, self.best
        size = spectrum.block_size
        start = np.cumsum(size) - size
        between = spectrum.is_between[start]
        alive = np.clip(best.alive - start, 0, size)
        return [
            {
                "kappa": float(kappa),
                "modes": int(size[i]),
                "alive": int(alive[i]),
                "z": float(best.z[start[i]]),
                "s": float(best.s[start[i]]),
                "dies_at_factor": float(self.mode_factors[start[i]]),
                "kind": "between counts" if between[i] else f"classes of {round(kappa**2)}",
            }
            for i, kappa in enumerate(spectrum.block_kappa)
            if kappa > 0
        ]

    # ------------------------------------------------------------ words

    def verdict(self) -> list[str]:
        """Say in plain words what happens."""
        return [self.summary(), *self.what_is_lost(), *self.margin_words(), self.room()]

    def advice(self) -> list[str]:
        """Say what to change where a class is lost or about to be."""
        factor = self.first_lost.factor
        if factor >= CLOSE:
            return []
        weaker = rounded_down(factor / CLOSE)
        weaken = (
            f"Weaken the penalties: with all of them multiplied by {weaker:g}, every class is "
            f"right with a margin of {CLOSE:g}."
        )
        lines = [weaken]
        depth = {d: f for d, f in self.losses().items() if d != self.problem.depth}
        if depth:
            other = max(depth, key=lambda d: depth[d])
            if depth[other] > WORTH * factor:
                lines.append(
                    f"Change the head: with these penalties and {other} linear "
                    f"layer{'s' * (other > 1)} the margin is {factor_text(depth[other])} instead "
                    f"of {factor_text(factor)}."
                )
        lost = [g for g in self.right_with if self.outcomes.right[g] < 1]
        for g in lost[-ADVISED:]:
            run = self.right_with[g]
            if run.low is not None:
                alone = "each alone, " * bool(self.outcomes.size[g] > 1)
                lines.append(
                    f"Change the samples of a class: {self.named([g])} would be right with "
                    f"{run_text(run)} samples ({alone}the other counts as they are"
                    f"{'' if run.exhaustive else '; not all numbers were tried'})."
                )
        lines.append(
            "More data of all classes at once does not help by itself: only N lambda_H enters, so "
            "divide lambda_H by the factor by which N grows."
        )
        if self.problem.depth > 1:
            lines.append(
                "Train with penalties that rise: a mode that has died does not come back in "
                "training, one that is alive outlasts rising penalties."
            )
        return lines

    @cached_property
    def other_depths(self) -> dict[int, Problem]:
        """The problem with heads of other depths and the same penalties, and its own depth."""
        if len(set(self.problem.lambda_W)) > 1:
            return {}
        layer, width = self.problem.lambda_W[0], self.problem.rank_limit
        return {
            depth: replace(
                self.problem, depth=depth, lambda_W=(layer,) * depth, widths=(width,) * depth
            )
            for depth in sorted({*DEPTHS, self.problem.depth})
        }

    def losses(self) -> dict[int, float]:
        """Compare depths: the margin. Only where all margins are computed unasked."""
        if self.problem.counts.m > MOST_COUNTS:
            return {}
        classes = self.outcomes.representative
        return {d: first_loss(other, classes).factor for d, other in self.other_depths.items()}

    def deaths(self) -> dict[int, float]:
        """Compare depths: the factor at which the first mode dies."""
        return {
            d: float(collapse_factors(other)[self.real_modes - 1])
            for d, other in self.other_depths.items()
        }

    # ------------------------------------------------------------ data

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold; None stands for infinite."""
        problem, outcomes = self.problem, self.outcomes
        content = {
            **describe(problem, self.source),
            "objective": self.best.objective,
            "accuracy": outcomes.accuracy,
            "modes_alive": self.best.alive,
            "modes_total": self.real_modes,
            "classes_right": outcomes.classes_right,
            "classes_merged": outcomes.classes_merged,
            "first_class_lost_at_factor": self.first_lost.factor,
            "first_classes_lost": [outcomes.count[g] for g in self.first_lost.groups],
            "first_mode_dies_at_factor": self.first_death,
            "groups": self.group_entries(
                right_up_to_factor=self.right_up_to,
                right_with={g: run._asdict() for g, run in self.right_with.items()},
            ),
            "modes": self.blocks(),
            "first_loss_by_depth": self.losses(),
            "first_death_by_depth": self.deaths(),
            "verdict": self.verdict(),
            "advice": self.advice(),
        }
        if problem.K <= MOST_LOGITS:
            content["logits"] = self.best.logits()
        plain: dict[str, Any] = plain_values(content)
        return plain


def run_text(run: RightCounts) -> str:
    """Write the counts with which a class is right."""
    if run.low is None or run.high is None:
        return "no number of"
    if run.high == math.inf:
        return f"{run.low:,} or more"
    return f"{run.low:,}" if run.low == run.high else f"{run.low:,} to {int(run.high):,}"


def describe(problem: Problem | LossProblem, source: str) -> dict[str, Any]:
    """Say what was asked."""
    content: dict[str, Any] = {
        "source": source,
        "K": problem.K,
        "N": problem.N,
        "distinct_counts": problem.counts.m,
        "depth": problem.depth,
        "bias": problem.bias,
        "lambda_W": list(problem.lambda_W),
        "lambda_H": problem.lambda_H,
    }
    if isinstance(problem, LossProblem):
        content["bias"] = problem.bias != "none"
        content["lambda_b"] = problem.lambda_b
        content["loss"] = "cross-entropy" if problem.form.softmax else "squared error"
    return content
