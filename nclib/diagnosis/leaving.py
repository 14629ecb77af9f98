"""The penalties, and the weight decay, that leave a margin."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nclib._checks import positive
from nclib._text import numbers_text
from nclib.diagnosis.losses import first_lost
from nclib.theory.losses.margins import loss_first_lost, weight_decay_leaving
from nclib.theory.losses.problem import LossProblem
from nclib.theory.problem import Problem


@dataclass(frozen=True)
class Leaving:
    """Penalties that leave a margin; made by `penalties_for`.

    Attributes
    ----------
    margin : float
        Factor on all penalties that remains until the first class is lost.
    factor : float
        Factor on all of today's penalties that leaves it.
    lambda_W : tuple of float
    lambda_H : float
        The penalties, all changed by that factor.
    lambda_W_alone : tuple of float
        Or those of the layers, with lambda_H as it is.
    loss_factor : float or None
        Weight decay over lambda, as the script's loss has it.
    """

    margin: float
    factor: float
    lambda_W: tuple[float, ...]
    lambda_H: float
    lambda_W_alone: tuple[float, ...]
    loss_factor: float | None = None

    def words(self) -> str:
        """Say it in a sentence."""
        together, alone = self._decay(self.lambda_W), self._decay(self.lambda_W_alone)
        return (
            f"A margin of {self.margin:g} is left by {together} and lambda_H = {self.lambda_H:.4g} "
            f"(all penalties times {self.factor:.4g}), or with lambda_H as it is by {alone}."
        )

    def _decay(self, lambda_W: tuple[float, ...]) -> str:
        lam = numbers_text(lambda_W, 4)
        if self.loss_factor is None:
            return f"lambda_W = {lam}"
        decay = numbers_text([self.loss_factor * value for value in lambda_W], 4)
        return f"a weight decay of {decay} (lambda_W = {lam})"

    def to_dict(self) -> dict[str, object]:
        """Return plain values that JSON can hold."""
        c = self.loss_factor
        return {
            "margin": self.margin,
            "factor": self.factor,
            "lambda_W": list(self.lambda_W),
            "lambda_H": self.lambda_H,
            "weight_decay": None if c is None else [c * lam for lam in self.lambda_W],
            "lambda_W_alone": list(self.lambda_W_alone),
            "weight_decay_alone": None if c is None else [c * lam for lam in self.lambda_W_alone],
        }


def penalties_for(
    problem: Problem | LossProblem, margin: float, loss_factor: float | None = None
) -> Leaving:
    """Find the penalties that leave a margin until the first class is lost, for any loss.

    Parameters
    ----------
    problem : Problem or LossProblem
    margin : float
        Factor on all penalties that shall remain, positive.
    loss_factor : float, optional
        Of a `ScriptModel`: then the words speak of the weight decay.

    Returns
    -------
    Leaving

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, or no penalty leaves the margin: some class is wrong at
        every one, or none is lost at any.

    Examples
    --------
    For two classes and one layer every loss loses the rarer one at the same factor:

    >>> import nclib as nc
    >>> problem = nc.LossProblem([900, 100], nc.CrossEntropy(), lambda_W=1e-3, lambda_H=1e-3)
    >>> found = penalties_for(problem, 2, loss_factor=1.0)
    >>> round(found.factor, 3), round(found.lambda_W_alone[0], 5)
    (3.727, 0.01389)
    """
    wanted = positive("margin", margin)
    lost = first_lost(problem)
    first = loss_first_lost(problem).factor if lost is None else lost.factor  # type: ignore[arg-type]
    if not 0 < first < math.inf:
        what = "is lost at any penalty" if first else "can be kept: one is wrong at every penalty"
        raise ValueError(f"none of the classes {what}; got margin = {margin!r}")
    factor = first / wanted
    power = (problem.depth + 1) / problem.depth
    if isinstance(problem, LossProblem) and problem.bias == "decayed":
        alone = weight_decay_leaving(problem, wanted).lambda_W
    else:
        alone = tuple(factor**power * lam for lam in problem.lambda_W)
    return Leaving(
        margin=wanted,
        factor=factor,
        lambda_W=tuple(factor * lam for lam in problem.lambda_W),
        lambda_H=factor * problem.lambda_H,
        lambda_W_alone=alone,
        loss_factor=loss_factor,
    )
