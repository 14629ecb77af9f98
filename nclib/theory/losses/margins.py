"""The class that is lost first, for every loss, and the weight decay that keeps it at a distance.

`loss_margins` has the factors of all classes; here is the least of them, for a tenth of the price.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nclib._checks import positive
from nclib.theory.losses.minimizer import LOGIT_NOISE, LOGIT_TIE
from nclib.theory.losses.optimum import Walk
from nclib.theory.losses.problem import LossProblem, require_loss_problem
from nclib.theory.losses.thresholds import loss_collapse_factors
from nclib.theory.margins import FirstLoss

Array = NDArray[np.float64]

_STEP = 0.5
"""Step of the factors down which one is searched that leaves every class right."""

_WEAKEST = 1e-6
"""The search ends at this share of the total collapse."""

_BELOW = np.array([0.99, 0.97, 0.95, 0.93, 0.91, 0.88, 0.85, 0.82, 0.78, 0.74, 0.7])
"""Where below the factor that was found an earlier one is looked for, relative to it."""

_NEAR = 1e-9
"""Just below and just above a death, relative to it."""

_GAP = 1e-13
"""Relative duality gap aimed for: an error of the logits goes like its root."""

_SAME = 1e-7
"""Classes lost at factors that agree so far are lost together."""


def loss_first_lost(problem: LossProblem) -> FirstLoss:
    """Find the classes that are lost first when every penalty grows by a common factor.

    Parameters
    ----------
    problem : LossProblem

    Returns
    -------
    FirstLoss
        The factor (the margin; 0 where some class is wrong down to a millionth of the total
        collapse), and the classes that are lost there.

    Raises
    ------
    TypeError, ValueError
        If `problem` is not as described, or its optimum is not known.

    See Also
    --------
    loss_margins : The factors of all classes.

    Notes
    -----
    Classes of a group are lost to each other where their inner modes die, which
    `loss_collapse_factors` has. Below the first of these deaths a root is searched of the smallest
    lead of a class over one of another group, with class weights also at some places below it: a
    class that is lost and right again between them is not seen. (For the squared error with a bias
    and no weights it is proved that none is. With weights it happens: 783, 533, 223 and 140
    samples, cross-entropy with weights n^-0.9 and a decayed bias lose the first class at .57 of the
    total collapse, and have it back at .60.)

    Examples
    --------
    >>> from nclib.theory.losses.objects import CrossEntropy
    >>> problem = LossProblem([900, 100], CrossEntropy(), lambda_W=1e-3, lambda_H=1e-3)
    >>> factor, classes = loss_first_lost(problem)  # for two classes, as with the squared error
    >>> round(factor, 2), classes
    (7.45, (1,))
    """
    collapse = loss_collapse_factors(require_loss_problem(problem))
    walk = Walk(problem, _GAP)
    merging = np.where(np.isnan(collapse.inner), math.inf, collapse.inner)
    first_merged = float(merging.min())

    def leads(factor: float) -> Array:
        """Own logit less the largest of another group, less what passes for a tie."""
        others, own = walk.at(factor).group_logits()
        scale = max(float(np.abs(own).max()), float(np.abs(others).max()))
        np.fill_diagonal(others, -np.inf)
        return np.asarray(own - others.max(axis=0) - max(LOGIT_TIE * scale, LOGIT_NOISE))

    high = min(first_merged * (1 - _NEAR), collapse.total)
    if problem.form.G == 1 or (first_merged < math.inf and leads(high).min() > 0):
        together = merging <= first_merged * (1 + _SAME)
        if problem.form.G > 1:
            together |= leads(first_merged * (1 + _SAME)) <= 0
        return FirstLoss(first_merged, _classes(problem, together))
    low = min(1.0, high * _STEP)
    while (lead := leads(low)).min() <= 0:
        high, low = low, low * _STEP
        if low < _WEAKEST * collapse.total:
            return FirstLoss(0.0, _classes(problem, lead <= 0))

    def least_lead(factor: float) -> float:
        return float(leads(factor).min())

    # At the total collapse itself a mode may be alive to rounding.
    factor = high if least_lead(high) > 0 else _root(least_lead, low, high)
    form = problem.form
    weight = form.mass * form.total / form.scale**2  # cross-entropy has its weights in the targets
    if np.ptp(weight) > _SAME * weight.max():
        # With class weights one may be lost, and right again for a while: look at what lies below.
        before = [f for f in factor * _BELOW if f > low and least_lead(f) <= 0]
        factor = _root(least_lead, low, before[-1]) if before else factor
    lost = leads(factor * (1 + _SAME)) <= 0
    lost |= merging <= factor * (1 + _SAME)
    if not lost.any():  # a root to rounding: whoever is nearest
        lead = leads(factor)
        lost = lead == lead.min()
    return FirstLoss(factor, _classes(problem, lost))


def _root(function, low: float, high: float) -> float:  # type: ignore[no-untyped-def]
    from scipy.optimize import brentq

    found = brentq(lambda x: function(math.exp(x)), math.log(low), math.log(high), xtol=1e-10)
    return math.exp(float(found))


def _classes(problem: LossProblem, groups: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(np.flatnonzero(groups[problem.group]).tolist())


def weight_decay_leaving(problem: LossProblem, margin: float) -> LossProblem:
    """Change the weight decay alone so that a given margin is left; lambda_H stays.

    Parameters
    ----------
    problem : LossProblem
    margin : float
        Factor on all penalties that shall remain until the first class is lost, positive.

    Returns
    -------
    LossProblem
        The same problem with all `lambda_W`, and `lambda_b` of a decayed bias, times one factor.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, or if no weight decay does: a class is lost at every
        one, or none at any.

    See Also
    --------
    penalties_leaving : The same with all penalties changed together.

    Notes
    -----
    Where no bias is penalised only ``lambda_H lambda_W1 ... lambda_WL`` counts, so that a factor f
    on all penalties is one of ``f^((L+1)/L)`` on those of the weights. A penalised bias breaks
    that; then a root is searched.

    Examples
    --------
    >>> from nclib.theory.losses.objects import CrossEntropy
    >>> problem = LossProblem([900, 100], CrossEntropy(), lambda_W=1e-3, lambda_H=1e-3)
    >>> round(weight_decay_leaving(problem, 2).lambda_W[0], 5)  # 1e-3 (7.45 / 2)^2
    0.01389
    """
    wanted = positive("margin", margin)
    power = (require_loss_problem(problem).depth + 1) / problem.depth

    def at(log_factor: float) -> LossProblem:
        factor = math.exp(log_factor)
        return replace(
            problem,
            lambda_W=tuple(factor * lam for lam in problem.lambda_W),
            lambda_b=None if problem.lambda_b is None else factor * problem.lambda_b,
        )

    def excess(log_factor: float) -> float:
        first = loss_first_lost(at(log_factor)).factor
        if not 0 < first < math.inf:
            what = "is lost at any penalty" if first else "is kept: one is wrong at every penalty"
            raise ValueError(f"none of the classes {what}; got margin = {margin!r}")
        return math.log(first / wanted)

    here = excess(0.0)
    if problem.bias != "decayed":
        return at(power * here)
    # As if the bias were free, and from there by secants.
    points = [(0.0, here), (power * here, excess(power * here))]
    for _ in range(20):
        (x0, y0), (x1, y1) = points[-2:]
        if abs(y1) < 1e-8 or y1 == y0:
            break
        step = -y1 * (x1 - x0) / (y1 - y0)
        x = x1 + min(max(step, -3.0), 3.0)
        points.append((x, excess(x)))
    x, y = min(points, key=lambda point: abs(point[1]))
    if abs(y) > 1e-6:
        raise RuntimeError(f"no weight decay was found that leaves the margin {margin!r}")
    return at(x)
