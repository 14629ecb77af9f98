"""What `predict` and its report say about class counts, gathered from `nclib.theory`."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nclib.cli import _output as out
from nclib.theory.counts import ClassCounts
from nclib.theory.minimizer import Minimizer, collapse_factors, global_minimizer
from nclib.theory.prediction import (
    ClassFates,
    class_fates,
    collapse_lambda_H,
    fates_over_lambda_H,
    misclassification_factors,
    smallest_counts,
)
from nclib.theory.problem import Problem

MOST_COUNTS = 100
"""Up to this many distinct counts the margins of all classes are computed unasked."""

MOST_LOGITS = 100
"""Up to this many classes the JSON has all logits."""

NAMES = 3
"""Classes of one count that a table names."""

CLOSE = 2.0
"""A class that is lost before all penalties have grown by this factor counts as in danger."""

DEPTHS = (1, 2, 3, 4, 5, 6)
"""Depths that are compared."""

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Prediction:
    """The optimum for given counts and penalties, and its margins."""

    problem: Problem
    source: str
    fates: ClassFates
    chosen: tuple[int, ...] | None
    """Classes whose margins are known; None for all or none of them."""

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
    def with_margins(self) -> list[int]:
        """Groups whose margins are known."""
        if self.chosen is not None:
            return sorted({int(self.fates.group[k]) for k in self.chosen})
        return list(range(self.groups)) if self.problem.counts.m <= MOST_COUNTS else []

    @cached_property
    def right_up_to(self) -> Array:
        """Factor on all penalties up to which each group is right; NaN where not known."""
        return self._margins(misclassification_factors)

    @cached_property
    def smallest(self) -> Array:
        """Smallest count of a class of each group that is right, 0 for none; NaN: not known."""
        return self._margins(smallest_counts)

    def _margins(self, of: Any) -> Array:
        result = np.full(self.groups, np.nan)
        known = self.with_margins
        if known:
            result[known] = of(self.problem, self.fates.representative[known])
        return result

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
        named = ", ".join(out.short(self.class_name(int(k))) for k in first)
        more = int(self.fates.size[group]) - len(first)
        return named + (f" +{more:,}" if more else "")

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
        first_line = (
            f"{self.best.alive:,} of {self.real_modes:,} modes are alive. The optimum classifies "
            f"{fates.classes_right:,} of {K:,} classes right, and "
            f"{out.percent(fates.accuracy)} of the training samples."
        )
        lines = [first_line]
        lost = np.flatnonzero(fates.right < 1)
        if lost.size:
            lines.append(
                f"Lost: {self._some(lost)}. "
                + (
                    f"{fates.classes_merged:,} classes have merged: their features are "
                    "the same, so no later step can tell them apart."
                    if fates.classes_merged
                    else "Their features still differ, but the largest logit is another class's."
                )
            )
        first = self.first_death
        if first > 0 and self.best.alive:
            weakest = self.mode_factors[self.best.alive - 1]
            lines.append(
                f"The next mode dies when all penalties are multiplied by {weakest:.3g}."
                if first >= 1
                else "The first mode has died already: all modes are alive when all penalties are "
                f"multiplied by less than {first:.3g}."
            )
        if self.with_margins:
            finite = [g for g in self.with_margins if 1 < self.right_up_to[g] < math.inf]
            if finite:
                g = min(finite, key=lambda g: float(self.right_up_to[g]))
                lines.append(
                    f"The next class is lost when all penalties are multiplied by "
                    f"{self.right_up_to[g]:.3g}: {self.label(g)}, with {fates.count[g]:,} samples."
                )
        return lines

    @property
    def first_death(self) -> float:
        """Factor on all penalties at which the weakest mode dies; 0 where a width excludes it."""
        return float(self.mode_factors[self.real_modes - 1])

    @property
    def factor_for_all(self) -> float:
        """Factor on all penalties below which nothing is lost."""
        known = self.right_up_to[self.with_margins]
        return float(known.min()) if self.chosen is None and known.size else self.first_death

    def advice(self) -> list[str]:
        """Say what to change where a class is lost or about to be."""
        factor = self.factor_for_all
        if factor >= CLOSE or factor == 0:
            return []
        weaker = (
            f"Weaken the penalties: with all of them multiplied by {factor / CLOSE:.2g}, every "
            f"class is right with a factor of {CLOSE:g} to spare."
        )
        lines = [weaker]
        depth = {d: f for d, f in self.depths().items() if d != self.problem.depth}
        if depth:
            other = max(depth, key=lambda d: depth[d])
            here = self.first_death
            if depth[other] > here:
                lines.append(
                    f"Change the head: with these penalties and {other} linear "
                    f"layer{'s' * (other > 1)} the first mode dies at the factor "
                    f"{depth[other]:.3g} instead of {here:.3g}."
                )
        needed = [g for g in self.with_margins if self.fates.right[g] < 1 and self.smallest[g] > 0]
        for g in needed[-3:]:
            lines.append(
                f"More samples of a class: {self.label(g)} (each alone, the others as they are) "
                f"would be right with {int(self.smallest[g]):,} samples instead of "
                f"{self.fates.count[g]:,}."
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

    def depths(self) -> dict[int, float]:
        """Compare depths: the factor at which the first mode dies, with the same penalties."""
        if len(set(self.problem.lambda_W)) > 1 or self.problem.widths is not None:
            return {}
        lambda_W = self.problem.lambda_W[0]
        return {
            depth: float(
                collapse_factors(replace(self.problem, depth=depth, lambda_W=(lambda_W,) * depth))[
                    self.real_modes - 1
                ]
            )
            for depth in sorted({*DEPTHS, self.problem.depth})
        }

    def _some(self, groups: NDArray[np.int64]) -> str:
        """Name some groups, the largest classes first."""
        named = [
            f"{self.label(int(g))} ({self.fates.count[g]:,} samples"
            f"{' each' * bool(self.fates.size[g] > 1)})"
            for g in groups[:4]
        ]
        classes = int(self.fates.size[groups[4:]].sum())
        return "; ".join(named) + (f"; and {classes:,} more classes" if classes else "")

    # ------------------------------------------------------------ data

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
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
            if g in self._known:
                entry["right_up_to_factor"] = self.right_up_to[g]
                entry["smallest_count"] = int(self.smallest[g]) or None
            groups.append(entry)
        content = {
            **describe(problem, self.source),
            "objective": self.best.objective,
            "accuracy": fates.accuracy,
            "modes_alive": self.best.alive,
            "modes_total": self.real_modes,
            "classes_right": fates.classes_right,
            "classes_merged": fates.classes_merged,
            "groups": groups,
            "modes": self.blocks(),
            "first_death_by_depth": self.depths(),
            "verdict": self.verdict(),
            "advice": self.advice(),
        }
        if problem.K <= MOST_LOGITS:
            content["logits"] = self.best.logits()
        return content

    @cached_property
    def _known(self) -> set[int]:
        return set(self.with_margins)


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


def chosen_classes(counts: ClassCounts, asked: list[str] | None) -> tuple[int, ...] | None:
    """Find classes by name or number."""
    if not asked:
        return None
    names = {name: k for k, name in enumerate(counts.names or ())}
    result = []
    for name in asked:
        if name in names:
            result.append(names[name])
        elif name.isdecimal() and name.isascii() and len(name) < 8 and int(name) < counts.K:
            result.append(int(name))
        else:
            raise ValueError(
                f"--class {name!r:.60}: no class of that name, and no number from 0 to "
                f"{counts.K - 1}"
            )
    return tuple(result)


def over_lambda_H(problem: Problem) -> dict[str, Any]:
    """Compute the outcome for a range of lambda_H, from all modes alive to none."""
    limits = collapse_lambda_H(problem)[: problem.K - problem.bias]
    first, last = float(limits[-1]), float(limits[0])
    if not 0 < first <= last < math.inf:
        raise ValueError(
            "--lambda-W is so small or so large that the range of lambda_H has no floating-point "
            "numbers; give --lambda-H"
        )
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
        "first_mode_dies_at_lambda_H": first,
        "last_mode_dies_at_lambda_H": last,
        "outcomes": rows,
    }
