"""What the optimum means for given class counts: verdict, margins and advice, in words and data."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nclib._records import plain_values
from nclib._text import factor_text, modes_are_alive, share_text
from nclib.theory.collapse import collapse_factors, collapse_lambda_H
from nclib.theory.margins import first_loss, misclassification_factors
from nclib.theory.minimizer import Minimizer, global_minimizer
from nclib.theory.optimum import ClassOutcomes, class_fates
from nclib.theory.problem import Problem
from nclib.theory.sample_counts import RightCounts, right_counts
from nclib.theory.tables import fates_over_lambda_H

MOST_COUNTS = 100
"""Up to this many distinct counts the factors of all classes are computed unasked."""

MOST_RUNS = 30
"""Up to this many also with how many samples each class would be right."""

ADVISED = 3
"""Of so many lost classes, the rarest, the advice says how many samples would do."""

MOST_LOGITS = 100
"""Up to this many classes the JSON has all logits."""

NAMES = 3
"""Classes of one count that a table names."""

LONGEST_NAME = 60
"""Letters of the name of a class that are shown; the JSON has all of them."""

CLOSE = 2.0
"""A class that is lost before all penalties have grown by this factor counts as in danger."""

WORTH = 1.1
"""Another depth is advised where it makes the margin larger by this factor."""

DEPTHS = (1, 2, 3, 4, 5, 6)
"""Depths that are compared."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Loss:
    """The groups that are lost first as all penalties grow, and by which factor they have then."""

    factor: float
    groups: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Prediction:
    """The optimum for given counts and penalties, and its margins."""

    problem: Problem
    source: str
    fates: ClassOutcomes[Minimizer]
    chosen: tuple[int, ...] | None
    """Classes asked about; None for all."""

    @classmethod
    def of(cls, problem: Problem, source: str, chosen: tuple[int, ...] | None) -> Prediction:
        """Solve a problem."""
        return cls(problem, source, class_fates(global_minimizer(problem)), chosen)

    @property
    def best(self) -> Minimizer:
        """The global minimiser."""
        return self.fates.minimizer

    @property
    def groups(self) -> int:
        """Number of groups of classes that fare alike."""
        return self.fates.size.size

    @cached_property
    def with_factor(self) -> list[int]:
        """Groups of which it is known up to which factor they are right."""
        if self.chosen is not None:
            return sorted({int(self.fates.group[k]) for k in self.chosen})
        return list(range(self.groups)) if self.problem.counts.m <= MOST_COUNTS else []

    @cached_property
    def right_up_to(self) -> dict[int, float]:
        """Factor on all penalties up to which a group is right, where known."""
        factors = misclassification_factors(
            self.problem, self.fates.representative[self.with_factor]
        )
        return dict(zip(self.with_factor, factors.tolist(), strict=True))

    @cached_property
    def right_with(self) -> dict[int, RightCounts]:
        """With how many samples a class of a group is right, where known."""
        if self.chosen is not None or self.problem.counts.m <= MOST_RUNS:
            groups = self.with_factor
        else:
            groups = np.flatnonzero(self.fates.right < 1)[-ADVISED:].tolist()
        runs = right_counts(self.problem, self.fates.representative[groups])
        return dict(zip(groups, runs, strict=True))

    @cached_property
    def first_lost(self) -> Loss:
        """What is lost first of all: its factor is the margin."""
        return self._first_of(np.arange(self.groups))

    @cached_property
    def next_lost(self) -> Loss:
        """What is lost next of what is right."""
        return self._first_of(np.flatnonzero(self.fates.right == 1))

    def _first_of(self, groups: NDArray[np.int64]) -> Loss:
        if not groups.size:
            return Loss(math.inf, ())
        lost = first_loss(self.problem, self.fates.representative[groups])
        return Loss(lost.factor, tuple(sorted({int(self.fates.group[k]) for k in lost.classes})))

    @cached_property
    def mode_factors(self) -> Array:
        """Factor on all penalties at which each mode dies, by mode."""
        return collapse_factors(self.problem)

    @cached_property
    def real_modes(self) -> int:
        """Number of modes with kappa > 0."""
        return self.problem.K - self.problem.bias

    def class_name(self, k: int) -> str:
        """Name of a class, or its number."""
        names = self.problem.counts.names
        return names[k] if names else f"{k}"

    def label(self, group: int) -> str:
        """Name some classes of a group."""
        first = np.flatnonzero(self.fates.group == group)[:NAMES]
        named = ", ".join(_short(self.class_name(int(k))) for k in first)
        more = int(self.fates.size[group]) - len(first)
        return named + (f" +{more:,}" if more else "")

    def named(self, groups: Sequence[int]) -> str:
        """Name some groups in a sentence, with their counts; a bare number would be one of it."""
        parts = []
        for g in groups[:4]:
            several = int(self.fates.size[g]) > 1
            kind = "" if self.problem.counts.names else ("classes " if several else "class ")
            each = " each" * several
            parts.append(f"{kind}{self.label(g)} ({self.fates.count[g]:,} samples{each})")
        classes = int(self.fates.size[list(groups[4:])].sum())
        return "; ".join(parts) + (f"; and {classes:,} more classes" if classes else "")

    def outcome(self, group: int) -> str:
        """Say in a word or two what becomes of a group."""
        right, merged = self.fates.right[group], int(self.fates.merged[group])
        if right == 1:
            return "right"
        if right == 0:
            return f"wrong, {merged:,} merged" if merged > 1 else "wrong"
        return f"guess among {round(1 / right):,}"

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
        fates, K = self.fates, self.problem.K
        summary = (
            f"{modes_are_alive(self.best.alive, self.real_modes)}. The optimum classifies "
            f"{fates.classes_right:,} of {K:,} classes right, and "
            f"{share_text(fates.accuracy)} of the training samples."
        )
        return [summary, *self._what_is_lost(), *self._margin(), self._room()]

    def _what_is_lost(self) -> list[str]:
        """Name the classes that are not right, by what has become of them."""
        right, merged = self.fates.right, self.fates.merged > 1
        tie = (
            "The largest logit is another class's as well."
            if self.problem.bias
            else "Their features are 0, and their logits all the same."
        )
        kinds = [
            (
                (right < 1) & merged,
                "Lost and merged with others",
                "Their features are the same, so no later step can tell them apart.",
            ),
            (
                (right == 0) & ~merged,
                "Lost, though apart from the others",
                "Their features still differ, but the largest logit is another class's.",
            ),
            ((right > 0) & (right < 1) & ~merged, "Lost in a tie", tie),
        ]
        return [
            f"{what}: {self.named(np.flatnonzero(groups).tolist())}. {why}"
            for groups, what, why in kinds
            if groups.any()
        ]

    def _margin(self) -> list[str]:
        """Say by which factor all penalties may grow before a class is lost."""
        first, following = self.first_lost, self.next_lost
        margin, when = factor_text(first.factor), "when all penalties are multiplied by"
        if self.fates.classes_right == self.problem.K:
            return [f"Margin: a class is lost {when} {margin}: {self.named(first.groups)}."]
        lines = [f"Margin: every class is right only {when} less than {margin}."]
        if following.groups:
            lines.append(
                f"The next class is lost {when} {factor_text(following.factor)}: "
                f"{self.named(following.groups)}."
            )
        return lines

    def _room(self) -> str:
        """Say by which factor all penalties may grow before a mode dies."""
        alive = self.best.alive
        if alive == self.real_modes:
            return f"Room until a mode dies: a factor of {factor_text(self.first_death)}."
        first, last = (factor_text(float(self.mode_factors[i])) for i in (self.real_modes - 1, 0))
        gone = f"The first mode has died at a factor of {first} on all penalties"
        if not alive:
            return f"{gone}, the last at {last}."
        following = factor_text(float(self.mode_factors[alive - 1]))
        return f"{gone}. Room until the next one dies: a factor of {following}."

    @property
    def first_death(self) -> float:
        """Factor on all penalties at which the weakest mode dies."""
        return float(self.mode_factors[self.real_modes - 1])

    def advice(self) -> list[str]:
        """Say what to change where a class is lost or about to be."""
        factor = self.first_lost.factor
        if factor >= CLOSE:
            return []
        weaker = _rounded_down(factor / CLOSE)
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
        lost = [g for g in self.right_with if self.fates.right[g] < 1]
        for g in lost[-ADVISED:]:
            run = self.right_with[g]
            if run.low is not None:
                alone = "each alone, " * bool(self.fates.size[g] > 1)
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
        return {
            depth: replace(self.problem, depth=depth, lambda_W=(self.problem.lambda_W[0],) * depth)
            for depth in sorted({*DEPTHS, self.problem.depth})
        }

    def losses(self) -> dict[int, float]:
        """Compare depths: the margin. Only where all margins are computed unasked."""
        if self.problem.counts.m > MOST_COUNTS:
            return {}
        classes = self.fates.representative
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
        problem, fates = self.problem, self.fates
        of_group = np.split(np.argsort(fates.group, kind="stable"), np.cumsum(fates.size)[:-1])
        names = problem.counts.names
        groups = []
        for g in range(self.groups):
            members = of_group[g].tolist()
            entry = {
                "samples": fates.count[g],
                "classes": [names[k] for k in members] if names else members,
                "right": fates.right[g],
                "merged": fates.merged[g],
                "own_logit": fates.own_logit[g],
                "rival_logit": fates.rival_logit[g],
                "rival_samples": fates.count[fates.rival[g]],
            }
            if g in self.right_up_to:
                entry["right_up_to_factor"] = self.right_up_to[g]
            if g in self.right_with:
                entry["right_with"] = self.right_with[g]._asdict()
            groups.append(entry)
        content = {
            **describe(problem, self.source),
            "objective": self.best.objective,
            "accuracy": fates.accuracy,
            "modes_alive": self.best.alive,
            "modes_total": self.real_modes,
            "classes_right": fates.classes_right,
            "classes_merged": fates.classes_merged,
            "first_class_lost_at_factor": self.first_lost.factor,
            "first_classes_lost": [fates.count[g] for g in self.first_lost.groups],
            "first_mode_dies_at_factor": self.first_death,
            "groups": groups,
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


def _short(name: str) -> str:
    """Write a name whole, or of a very long one the beginning."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 3]}..."


def run_text(run: RightCounts) -> str:
    """Write the counts with which a class is right."""
    if run.low is None or run.high is None:
        return "no number of"
    if run.high == math.inf:
        return f"{run.low:,} or more"
    return f"{run.low:,}" if run.low == run.high else f"{run.low:,} to {int(run.high):,}"


def _rounded_down(value: float) -> float:
    """Round a positive number down to two digits."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.floor(value / unit) * unit:.2g}")


def describe(problem: Problem, source: str) -> dict[str, Any]:
    """Say what was asked."""
    return {
        "source": source,
        "K": problem.K,
        "N": problem.N,
        "distinct_counts": problem.counts.m,
        "depth": problem.depth,
        "bias": problem.bias,
        "lambda_W": list(problem.lambda_W),
        "lambda_H": problem.lambda_H,
    }


def over_lambda_H(problem: Problem) -> dict[str, Any]:
    """Compute the outcome for a range of lambda_H, from all modes alive to none."""
    beyond = ValueError(
        "lambda_W is so small or so large that the range of lambda_H has no floating-point "
        "numbers; give lambda_H"
    )
    try:
        limits = collapse_lambda_H(problem)[: problem.K - problem.bias]
    except ValueError:
        raise beyond from None
    first, last = float(limits[-1]), float(limits[0])
    if not (sys.float_info.min < first / 10 and 10 * last < math.inf):
        raise beyond
    # Only the product of all penalties counts: here lambda_H alone makes it what it is to be.
    lost = first_loss(problem, class_fates(global_minimizer(problem)).representative).factor
    lost_at = problem.lambda_H * math.exp((problem.depth + 1) * math.log(lost))
    values = np.geomspace(first / 10, last * 10**0.5, 12)
    rows = [
        {
            "lambda_H": fates.minimizer.problem.lambda_H,
            "modes_alive": fates.minimizer.alive,
            "classes_right": fates.classes_right,
            "classes_merged": fates.classes_merged,
            "accuracy": fates.accuracy,
        }
        for fates in fates_over_lambda_H(problem, values.tolist())
    ]
    return {
        "first_class_lost_at_lambda_H": lost_at,
        "first_mode_dies_at_lambda_H": first,
        "last_mode_dies_at_lambda_H": last,
        "outcomes": rows,
    }
