"""What a prediction says of classes, whatever the loss: names, outcomes, lost classes in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nclib._text import factor_text, modes_are_alive, share_text
from nclib.theory.counts import ClassCounts
from nclib.theory.optimum import ClassOutcomes

MOST_COUNTS = 100
"""Up to this many distinct counts the factors of all classes are computed unasked."""

NOT_SEARCHED = f"Which class is lost first is not searched above {MOST_COUNTS} groups."

MOST_LOGITS = 100
"""Up to this many classes the JSON has all logits."""

NAMES = 3
"""Classes of one count that a table names."""

LONGEST_NAME = 60
"""Letters of the name of a class that are shown; the JSON has all of them."""

CLOSE = 2.0
"""A class that is lost before all penalties have grown by this factor counts as in danger."""

ACCURACY = "training accuracy of the optimum"
"""What the share of samples classified right is called: no network has been trained."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Loss:
    """The groups that are lost first as all penalties grow, and by which factor they have then."""

    factor: float
    groups: tuple[int, ...]


class Words:
    """What predictions share, from the outcome by class and the modes alive."""

    outcomes: ClassOutcomes[Any]

    @property
    def counts(self) -> ClassCounts:
        """Samples per class."""
        raise NotImplementedError

    @property
    def has_bias(self) -> bool:
        """Whether the head has a bias."""
        raise NotImplementedError

    @property
    def alive(self) -> int:
        """Modes alive."""
        raise NotImplementedError

    @property
    def real_modes(self) -> int:
        """Modes that may be alive."""
        raise NotImplementedError

    @property
    def mode_factors(self) -> Array:
        """Factor on all penalties at which each mode dies, falling."""
        raise NotImplementedError

    @property
    def first_lost(self) -> Loss | None:
        """What is lost first of all: its factor is the margin. None where it was not searched."""
        raise NotImplementedError

    @property
    def next_lost(self) -> Loss | None:
        """What is lost next of what is right, where known."""
        raise NotImplementedError

    @property
    def groups(self) -> int:
        """Number of groups of classes that fare alike."""
        return int(self.outcomes.size.size)

    @cached_property
    def members(self) -> list[NDArray[np.intp]]:
        """Classes of each group, rising."""
        order = np.argsort(self.outcomes.group, kind="stable")
        return np.split(order, np.cumsum(self.outcomes.size)[:-1])

    def class_name(self, k: int) -> str:
        """Name of a class, or its number."""
        names = self.counts.names
        return names[k] if names else f"{k}"

    def label(self, group: int) -> str:
        """Name some classes of a group."""
        first = self.members[group][:NAMES]
        named = ", ".join(_short(self.class_name(int(k))) for k in first)
        more = int(self.outcomes.size[group]) - len(first)
        return named + (f" +{more:,}" if more else "")

    def named(self, groups: Sequence[int]) -> str:
        """Name some groups in a sentence, with their counts; a bare number would be one of it."""
        parts = []
        for g in groups[:4]:
            several = int(self.outcomes.size[g]) > 1
            kind = "" if self.counts.names else ("classes " if several else "class ")
            each = " each" * several
            parts.append(f"{kind}{self.label(g)} ({self.outcomes.count[g]:,} samples{each})")
        classes = int(self.outcomes.size[list(groups[4:])].sum())
        return "; ".join(parts) + (f"; and {classes:,} more classes" if classes else "")

    def outcome(self, group: int) -> str:
        """Say in a word or two what becomes of a group."""
        right, merged = self.outcomes.right[group], int(self.outcomes.merged[group])
        if right == 1:
            return "right"
        if right == 0:
            return f"wrong, {merged:,} merged" if merged > 1 else "wrong"
        return f"guess among {round(1 / right):,}"

    def group_entries(self, **known: Mapping[int, Any]) -> list[dict[str, Any]]:
        """List the groups for JSON: what becomes of each, and what else is known of some."""
        outcomes, names = self.outcomes, self.counts.names
        return [
            {
                "samples": outcomes.count[g],
                "classes": [names[k] for k in members] if names else members.tolist(),
                "right": outcomes.right[g],
                "merged": outcomes.merged[g],
                "own_logit": outcomes.own_logit[g],
                "rival_logit": outcomes.rival_logit[g],
                "rival_samples": outcomes.count[outcomes.rival[g]],
                **{key: values[g] for key, values in known.items() if g in values},
            }
            for g, members in enumerate(self.members)
        ]

    def summary(self) -> str:
        """Say how many modes are alive, and how many classes and samples are right."""
        outcomes = self.outcomes
        return (
            f"{modes_are_alive(self.alive, self.real_modes)}. The optimum classifies "
            f"{outcomes.classes_right:,} of {self.counts.K:,} classes right, and "
            f"{share_text(outcomes.accuracy)} of the training samples."
        )

    def what_is_lost(self) -> list[str]:
        """Name the classes that are not right, by what has become of them."""
        right, merged = self.outcomes.right, self.outcomes.merged > 1
        tie = (
            "The largest logit is another class's as well."
            if self.has_bias
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

    def margin_words(self) -> list[str]:
        """Say by which factor all penalties may grow before a class is lost."""
        first, following = self.first_lost, self.next_lost
        if first is None:
            return [NOT_SEARCHED]
        if first.factor == 0:
            return [f"No penalty leaves every class right: {self.named(first.groups)}."]
        margin, when = factor_text(first.factor), "when all penalties are multiplied by"
        if self.outcomes.classes_right == self.counts.K:
            return [f"Margin: a class is lost {when} {margin}: {self.named(first.groups)}."]
        lines = [f"Margin: every class is right only {when} less than {margin}."]
        if following is not None and following.groups:
            lines.append(
                f"The next class is lost {when} {factor_text(following.factor)}: "
                f"{self.named(following.groups)}."
            )
        return lines

    def room(self) -> str:
        """Say by which factor all penalties may grow before a mode dies."""
        factors = self.mode_factors
        alive = self.alive
        if alive == self.real_modes:
            return f"Room until a mode dies: a factor of {factor_text(self.first_death)}."
        first, last = (factor_text(float(factors[i])) for i in (self.real_modes - 1, 0))
        gone = f"The first mode has died at a factor of {first} on all penalties"
        if not alive:
            return f"{gone}, the last at {last}."
        following = factor_text(float(factors[alive - 1]))
        return f"{gone}. Room until the next one dies: a factor of {following}."

    @property
    def first_death(self) -> float:
        """Factor on all penalties at which the weakest mode dies."""
        return float(self.mode_factors[self.real_modes - 1])


def _short(name: str) -> str:
    """Write a name whole, or of a very long one the beginning."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 3]}..."


def rounded_down(value: float) -> float:
    """Round a positive number down to two digits."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.floor(value / unit) * unit:.2g}")
