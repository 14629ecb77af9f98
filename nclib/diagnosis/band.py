"""Where lambda_H is not known: the outcome over a range of it, and over a band that is stated."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from nclib._records import plain_values
from nclib._text import factor_text
from nclib.diagnosis.losses import first_lost, is_the_papers, mode_limit
from nclib.diagnosis.words import NOT_SEARCHED
from nclib.theory.collapse import collapse_lambda_H
from nclib.theory.losses.optimum import loss_minimizer
from nclib.theory.losses.problem import LossProblem
from nclib.theory.margins import FirstLoss, first_loss
from nclib.theory.minimizer import global_minimizer
from nclib.theory.optimum import class_outcomes
from nclib.theory.problem import Problem
from nclib.theory.tables import outcomes_over_lambda_H

BAND = (5e-4, 2e-1)
"""N lambda_H from here to there stands for a lambda_H that nobody has measured.

A network with weight decay on all layers and no feature penalty behaves like some lambda_H. In the
49 stored ones (``book/results/scripts``) it was measured from 0.0009 to 0.11.
"""

POINTS = 7
"""Values of N lambda_H in the band."""


def middle_of_band(N: int) -> float:
    """Return the lambda_H in the middle of the band, for so many samples."""
    return math.sqrt(BAND[0] * BAND[1]) / N


def over_lambda_H(problem: Problem) -> dict[str, Any]:
    """Compute the outcome for a range of lambda_H, from all modes alive to none."""
    beyond = ValueError(
        "lambda_W is so small or so large that the range of lambda_H has no floating-point "
        "numbers; give lambda_H"
    )
    try:
        # A mode that has no place in a narrow head is alive at no lambda_H.
        limits = collapse_lambda_H(problem)[: min(problem.K - problem.bias, problem.rank_limit)]
    except ValueError:
        raise beyond from None
    first, last = float(limits[-1]), float(limits[0])
    if not (sys.float_info.min < first / 10 and 10 * last < math.inf):
        raise beyond
    # Only the product of all penalties counts: here lambda_H alone makes it what it is to be.
    lost = first_loss(problem, class_outcomes(global_minimizer(problem)).representative).factor
    lost_at = problem.lambda_H * lost ** (problem.depth + 1)
    values = np.geomspace(first / 10, last * 10**0.5, 12)
    rows = [
        {
            "lambda_H": outcomes.minimizer.problem.lambda_H,
            "modes_alive": outcomes.minimizer.alive,
            "classes_right": outcomes.classes_right,
            "classes_merged": outcomes.classes_merged,
            "accuracy": outcomes.accuracy,
        }
        for outcomes in outcomes_over_lambda_H(problem, values.tolist())
    ]
    return {
        "first_class_lost_at_lambda_H": lost_at,
        "first_mode_dies_at_lambda_H": first,
        "last_mode_dies_at_lambda_H": last,
        "outcomes": rows,
    }


@dataclass(frozen=True, eq=False)
class Band:
    """The outcome over the band of N lambda_H, and the class lost first at its ends.

    Attributes
    ----------
    problem : Problem or LossProblem
        Its own lambda_H does not matter.
    outcomes : list of dict
        What becomes of the classes at each value of lambda_H in the band.
    beyond : dict or None
        For the squared error as the paper has it: what `over_lambda_H` finds.

    Examples
    --------
    >>> import nclib as nc
    >>> model = nc.script_model("ham10000", weight_decay=0.2, lambda_H=1)
    >>> print(Band.of(model.problem).words()[1])
    Over it the optimum classifies 7 to 4 of 7 classes right, and 6 to 3 of 6 modes are alive.
    """

    problem: Problem | LossProblem
    outcomes: list[dict[str, Any]]
    beyond: dict[str, Any] | None

    @classmethod
    def of(cls, problem: Problem | LossProblem) -> Band:
        """Solve a problem at every lambda_H of the band."""
        values = (np.geomspace(*BAND, POINTS) / problem.N).tolist()
        if isinstance(problem, LossProblem) and is_the_papers(problem):
            problem = problem.model
        if isinstance(problem, Problem):
            rows = [
                _row(outcomes.minimizer.alive, outcomes, outcomes.minimizer.problem.lambda_H)
                for outcomes in outcomes_over_lambda_H(problem, values)
            ]
            return cls(problem, rows, over_lambda_H(problem))
        rows = []
        for lambda_H in values:
            best = loss_minimizer(replace(problem, lambda_H=lambda_H))
            rows.append(_row(best.alive, class_outcomes(best), lambda_H))
        return cls(problem, rows, None)

    @property
    def modes(self) -> int:
        """Modes that may be alive."""
        return mode_limit(self.problem)

    @property
    def ends(self) -> tuple[Problem | LossProblem, Problem | LossProblem]:
        """The problem at the least and at the largest lambda_H of the band."""
        low, high = (replace(self.problem, lambda_H=end / self.problem.N) for end in BAND)
        return low, high

    @cached_property
    def lost(self) -> tuple[FirstLoss | None, FirstLoss | None]:
        """Which classes are lost first at either end, and at which factor on all penalties.

        None above 100 groups, where it is not searched.
        """
        low, high = (first_lost(problem) for problem in self.ends)
        return low, high

    def words(self) -> list[str]:
        """Say what was assumed and what holds over the band."""
        low, high = BAND
        problem = self.problem
        lines = [
            (
                "No lambda_H is given. A network without a feature penalty behaves as if it had "
                "one, which differs from network to network. Taken here is a band: N lambda_H from "
                f"{low:g} to {high:g}, lambda_H from {low / problem.N:.3g} to "
                f"{high / problem.N:.3g}. In 49 stored networks with weight decay on all layers it "
                "was measured from 0.0009 to 0.11, and differed from mode to mode."
            ),
            (
                f"Over it the optimum classifies {self._span('classes_right')} of {problem.K:,} "
                f"classes right, and {self._span('modes_alive')} of {self.modes:,} modes are alive."
            ),
        ]
        for lost, at in zip(self.lost, BAND, strict=True):
            if lost is None:
                lines.append(NOT_SEARCHED)
                break
            factor = lost.factor
            if factor == math.inf:
                what = "no class is ever lost"
            elif factor == 0:
                what = f"no penalty leaves every class right; lost at each: {self._named(lost)}"
            else:
                already = "is already" if factor < 1 else "would be"
                what = (
                    f"the first to go {already} lost when all penalties are multiplied by "
                    f"{factor_text(factor)}: {self._named(lost)}"
                )
            lines.append(f"At N lambda_H = {at:g} {what}.")
        return lines

    def _named(self, lost: FirstLoss) -> str:
        counts, classes = self.problem.counts, lost.classes
        names = [counts.names[k] if counts.names else f"{k}" for k in classes[:3]]
        kind = "" if counts.names else ("classes " if len(classes) > 1 else "class ")
        more = f" and {len(classes) - 3:,} more" if len(classes) > 3 else ""
        sizes = sorted({int(counts.n[k]) for k in classes}, reverse=True)
        samples = ", ".join(f"{size:,}" for size in sizes[:3]) + ", ..." * (len(sizes) > 3)
        return f"{kind}{', '.join(names)}{more} ({samples} samples)"

    def _span(self, key: str) -> str:
        first, last = self.outcomes[0][key], self.outcomes[-1][key]
        return f"{first:,}" if first == last else f"{first:,} to {last:,}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        counts = self.problem.counts
        ends = [
            lost
            and {
                "first_class_lost_at_factor": lost.factor,
                "first_classes_lost": [counts.n[k] for k in lost.classes],
                "first_classes": [counts.names[k] if counts.names else k for k in lost.classes],
            }
            for lost in self.lost
        ]
        band = {
            "N_lambda_H": list(BAND),
            "modes_total": self.modes,
            "outcomes": self.outcomes,
            "ends": ends,
            "words": self.words(),
        }
        whole = {"outcomes": self.outcomes} if self.beyond is None else self.beyond
        plain: dict[str, Any] = plain_values({**whole, "band": band})
        return plain


def _row(alive: int, outcomes: Any, lambda_H: float) -> dict[str, Any]:
    return {
        "lambda_H": lambda_H,
        "modes_alive": alive,
        "classes_right": outcomes.classes_right,
        "classes_merged": outcomes.classes_merged,
        "accuracy": outcomes.accuracy,
    }
