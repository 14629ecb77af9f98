"""Whether the theory speaks about a network, from what was seen of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nclib._records import Record
from nclib.metrics.modes import ALIVE, MeasuredModes
from nclib.theory.optimum import Optimum, class_outcomes

Array = NDArray[np.float64]

_EDGE = 1.05
"""lambda_H may be wrong by this factor, whatever its modes say."""

Answer = Literal["not yet at rest", "applies", "roughly", "does not apply"]
"""Whether the theory speaks about a network; predictions are shown for the second and third."""


class Outside(NamedTuple):
    """Something that the theory does not cover."""

    what: str
    means: str


@dataclass(frozen=True, eq=False)
class Observation(Record):
    """What was seen of a network that tells whether the theory speaks about it.

    What was not seen is None.

    Attributes
    ----------
    rest : float or None
        How far the head is from rest: the size of its mean gradient, weight decay included, over
        that of the weight decay's part.
    lambda_H : (alive,) ndarray
        What each mode alive says of lambda_H; see `MeasuredModes`.
    gap : float or None
        The network's objective over that of the optimum for the measured lambda_H, less 1.
    within : float or None
        Share of the features' squares that is within the classes.
    mean : float or None
        Share that is their global mean; None for a head without bias, which leaves it free.
    lost_modes : int
        Modes that the optimum keeps and the network does not.
    depth : int
        Linear layers of the head.
    on_edge : tuple of str
        Classes whose fate differs within the range that was measured of lambda_H.
    outside : tuple of Outside
        What the theory does not cover.
    contradicted : tuple of str
        Classes that the network at rest gets right or wrong against the prediction.
    """

    rest: float | None
    lambda_H: Array
    gap: float | None
    within: float | None
    mean: float | None
    lost_modes: int = 0
    depth: int = 1
    on_edge: tuple[str, ...] = ()
    outside: tuple[Outside, ...] = ()
    contradicted: tuple[str, ...] = ()

    @property
    def spread(self) -> float:
        """Largest lambda_H of a mode over the smallest; NaN without modes."""
        if not self.lambda_H.size:
            return math.nan
        return float(self.lambda_H.max() / self.lambda_H.min())


AT_REST = 0.1
"""Above this the head still moves."""


class _Limit(NamedTuple):
    applies: float
    roughly: float
    what: str
    remedy: str


LIMITS = {
    "spread": _Limit(
        1.1,
        1.4,
        "lambda_H differs from mode to mode by a factor of {:.3g}",
        "in the theory one penalty holds all features back: add mu times the batch mean of |h|^2 "
        "to the loss, and leave the layers below without weight decay",
    ),
    "gap": _Limit(
        0.01,
        0.05,
        "the objective is {:.2g} % above the optimum's for this lambda_H",
        "the network stands elsewhere than at the optimum",
    ),
    "within": _Limit(
        0.005,
        0.03,
        "{:.2g} % of the features' squares are within the classes",
        "in the theory they have collapsed: train longer, with less augmentation",
    ),
    "mean": _Limit(
        0.01,
        0.03,
        "{:.2g} % of the features' squares are their global mean",
        "at the optimum with a bias it is 0",
    ),
}
"""Up to where the theory applies, and applies roughly; "Your data" says how they were set."""


@dataclass(frozen=True, eq=False)
class Validity(Record):
    """Whether the theory speaks about a network; made by `judge`.

    Attributes
    ----------
    answer : {"not yet at rest", "applies", "roughly", "does not apply"}
    reasons : tuple of Outside
        What speaks against it, and what that means or would mend it; empty where it applies.
    """

    answer: Answer
    reasons: tuple[Outside, ...]

    @property
    def may_predict(self) -> bool:
        """Whether margins and advice are shown."""
        return self.answer in ("applies", "roughly")

    def words(self) -> list[str]:
        """Say it in sentences."""
        heads = {
            "not yet at rest": "The network is not yet at rest: the theory speaks of where it "
            "comes to rest.",
            "applies": "The theory applies to this network.",
            "roughly": "The theory applies to this network roughly.",
            "does not apply": "The theory does not apply to this network: what it predicts is not "
            "shown.",
        }
        return [
            heads[self.answer],
            *(f"{what[0].upper()}{what[1:]}: {means}." for what, means in self.reasons),
        ]


def beside_the_optimum(
    best: Optimum,
    modes: MeasuredModes,
    right: Sequence[bool],
    names: Sequence[str],
    at: Callable[[float], Optimum | None],
    *,
    may_be_stuck: bool,
) -> dict[str, Any]:
    """Compare a network with the optimum: the fields of `Observation` that this gives.

    Parameters
    ----------
    best : Optimum
        For the measured lambda_H.
    modes : MeasuredModes
    right : (K,) sequence of bool
        Whether the network gets most samples of each class right.
    names : (K,) sequence of str
        Of the classes.
    at : callable
        Returns the optimum for another lambda_H, or None where it is not known.
    may_be_stuck : bool
        Whether there are other minima than the optimum: in a deep head, or after a ReLU.

    Returns
    -------
    dict
    """
    if not modes.alive:
        return {}
    wanted, used = _right(best), best.problem.lambda_H
    ends = [min(float(modes.lambda_H.min()), used) / _EDGE]
    ends.append(max(float(modes.lambda_H.max()), used) * _EDGE)
    differs = np.zeros(wanted.size, dtype=bool)
    for end in ends:
        other = at(end)
        differs |= True if other is None else _right(other) != wanted
    against = (np.array(right, dtype=bool) != wanted) & ~differs
    kept = np.count_nonzero(best.singular_values > ALIVE * best.singular_values[0])
    return {
        "lost_modes": max(0, int(kept) - modes.alive) if may_be_stuck else 0,
        "on_edge": tuple(names[k] for k in np.flatnonzero(differs).tolist()),
        "contradicted": tuple(names[k] for k in np.flatnonzero(against).tolist()),
    }


def _right(best: Optimum) -> NDArray[np.bool_]:
    outcomes = class_outcomes(best)
    return np.asarray(outcomes.right[outcomes.group] > 0.5)


def _listed(classes: tuple[str, ...]) -> str:
    more = f" and {len(classes) - 5} more" if len(classes) > 5 else ""
    return ("class " if len(classes) == 1 else "classes ") + ", ".join(classes[:5]) + more


def judge(seen: Observation) -> Validity:
    """Decide whether the theory speaks about a network.

    Parameters
    ----------
    seen : Observation

    Returns
    -------
    Validity

    Examples
    --------
    >>> import numpy as np
    >>> judge(Observation(0.01, np.array([2e-4, 2e-4]), 1e-4, 1e-3, 1e-6)).answer
    'applies'
    >>> found = judge(Observation(0.01, np.array([1e-4, 9e-4]), 0.7, 0.02, 0.1))
    >>> found.answer, found.reasons[0].what
    ('does not apply', 'lambda_H differs from mode to mode by a factor of 9')
    """
    if seen.outside:
        return Validity("does not apply", seen.outside)
    if seen.rest is not None and not seen.rest <= AT_REST:
        moving = Outside(
            f"the head's gradient and its weight decay leave {100 * seen.rest:.2g} % over",
            "at rest they add up to 0: train on, with a falling learning rate",
        )
        return Validity("not yet at rest", (moving,))
    reasons: list[tuple[bool, Outside]] = []
    for key, limit in LIMITS.items():
        value = getattr(seen, key)
        if value is not None and value > limit.applies:
            shown = value if key == "spread" else 100 * value
            reason = Outside(limit.what.format(shown), limit.remedy)
            reasons.append((value > limit.roughly, reason))
    if seen.lost_modes:
        back = "where features come out of a ReLU" if seen.depth == 1 else "of a deep head"
        stuck = Outside(
            f"modes that the optimum keeps and the network has lost: {seen.lost_modes}",
            f"a lost mode {back} does not come back by training on: begin again with small "
            "penalties and raise them slowly",
        )
        reasons.append((True, stuck))
    if seen.on_edge:
        edge = Outside(
            f"the fate of {_listed(seen.on_edge)} hangs on less than can be measured",
            "right at one end of what was measured of lambda_H, wrong at the other",
        )
        reasons.append((False, edge))
    if seen.contradicted:
        against = Outside(
            f"the network does otherwise than is predicted with {_listed(seen.contradicted)}",
            "whatever the reason, the prediction does not hold here",
        )
        reasons.append((True, against))
    if not seen.lambda_H.size:
        return Validity(
            "does not apply",
            (Outside("no mode is alive", "there is nothing to measure lambda_H from: give it"),),
        )
    unseen = [key for key in ("gap",) if getattr(seen, key) is None]
    if any(outright for outright, _ in reasons):
        return Validity("does not apply", tuple(reason for _, reason in reasons))
    if reasons or unseen:
        return Validity("roughly", tuple(reason for _, reason in reasons))
    return Validity("applies", ())
