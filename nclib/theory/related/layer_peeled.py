"""The layer-peeled model of Fang et al.: bounds on the norms where others have penalties.

With one layer and no bias only the product of head and class means counts for the loss, and a bound
on its nuclear norm is all that two bounds on its factors say. So the constrained problem is convex
too, and its optimum is one of the penalised problem, at the penalties that are its multipliers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nclib._checks import as_floats, as_whole, positive
from nclib._records import Record
from nclib.theory.losses.minimizer import LossMinimizer
from nclib.theory.losses.objects import CrossEntropy, Sampling
from nclib.theory.losses.optimum import Walk
from nclib.theory.losses.problem import LossProblem, require_loss_problem
from nclib.theory.losses.thresholds import loss_collapse_factors

Array = NDArray[np.float64]

_GAP = 1e-13
"""Relative duality gap aimed for: an error of the norm goes like its root."""

_AGREE = 1e-10
"""Relative error of the multiplier, and so of the bounds that its optimum meets."""

_STEP = 2.0
"""Factor between multipliers, or ratios, at which the root is bracketed."""

_LARGEST_RATIO = 1e9
"""No threshold is looked for at imbalance ratios beyond this."""


def layer_peeled_problem(
    n: ArrayLike, *, lambda_W: float = 1.0, lambda_H: float = 1.0
) -> LossProblem:
    r"""Build the penalised twin of the layer-peeled model: cross-entropy, one layer, no bias.

    Each *class* pays for the mean square of its features, and not each sample as in the paper's
    model:

    .. math::

        \frac1N \sum_k n_k \, \ell_k(W h_k) + \frac{\lambda_W}{2} \lVert W \rVert_F^2
        + \frac{\lambda_H}{2} \sum_k \lVert h_k \rVert^2

    Parameters
    ----------
    n : (K,) array_like
        Samples per class, or any positive numbers in their proportion.
    lambda_W, lambda_H : float, default 1
        Penalties.

    Returns
    -------
    LossProblem
        Of K classes with one sample each, of which class k is drawn with the share ``n_k / N``.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    >>> problem = layer_peeled_problem([30, 30, 3, 3], lambda_W=0.1, lambda_H=0.1)
    >>> problem.feature_weight, problem.drawn.round(3)
    (array([1., 1., 1., 1.]), array([1.818, 1.818, 0.182, 0.182]))
    """
    shares = as_floats("n", n)
    if shares.ndim != 1 or shares.size < 2:
        raise ValueError(f"n must be one number for each of 2 classes or more; got {n!r:.60}")
    return LossProblem(
        [1] * shares.size,  # type: ignore[arg-type]
        CrossEntropy(),
        bias="none",
        lambda_W=lambda_W,  # type: ignore[arg-type]
        lambda_H=lambda_H,
        sampling=Sampling(shares, feature_penalty="fixed"),
    )


@dataclass(frozen=True, eq=False, repr=False)
class ConstrainedMinimizer(Record):
    """Global minimiser of the loss alone under bounds on the norms; see `constrained_minimizer`.

    Attributes
    ----------
    E_W, E_H : float
        The bounds, both attained.
    optimum : LossMinimizer
        The same point as the optimum of the penalised problem. Its ``problem`` has the multipliers
        as penalties.
    objective : float
        The loss.
    certificate : float
        Relative duality gap: no point within the bounds has a loss below
        ``objective (1 - certificate)``.
    """

    E_W: float
    E_H: float
    optimum: LossMinimizer
    objective: float
    certificate: float

    @property
    def multiplier(self) -> float:
        """What a unit of the product's nuclear norm is worth, ``sqrt(lambda_W lambda_H)``."""
        return self.optimum.problem.price

    def __repr__(self) -> str:
        return (
            f"ConstrainedMinimizer(E_W={self.E_W:.6g}, E_H={self.E_H:.6g}, "
            f"{self.optimum.alive} of {self.optimum.problem.K} modes alive, "
            f"objective={self.objective:.6g}, certificate={self.certificate:.1e})"
        )


def norm_bounds(best: LossMinimizer) -> tuple[float, float]:
    """Find the bounds that an optimum of the penalised problem meets: the way back.

    Parameters
    ----------
    best : LossMinimizer
        With one layer.

    Returns
    -------
    E_W, E_H : float
        As for `constrained_minimizer`.

    Examples
    --------
    >>> from nclib.theory.losses.optimum import loss_minimizer
    >>> best = loss_minimizer(layer_peeled_problem([1, 1], lambda_W=0.01, lambda_H=0.04))
    >>> E_W, E_H = norm_bounds(best)
    >>> round(E_W / E_H, 6)  # lambda_H / lambda_W
    4.0
    """
    problem = best.problem
    if problem.depth != 1:
        raise ValueError(f"best must have one layer; got depth = {problem.depth}")
    paid = problem.price * _nuclear_norm(best)  # by each of the two factors
    return (
        paid / (problem.lambda_W[0] * problem.K),
        paid / (problem.lambda_H * float(problem.feature_weight.sum())),
    )


def constrained_minimizer(
    problem: LossProblem, *, E_W: float, E_H: float, tol: float = 1e-7
) -> ConstrainedMinimizer:
    r"""Minimise cross-entropy under bounds on the norms, with a certificate.

    .. math::

        \min \frac1N \sum_k n_k w_k \, \ell_k(W h_k + b) \quad\text{with}\quad
        \frac1K \lVert W \rVert_F^2 \le E_W, \quad
        \frac{\sum_k d_k^2 \lVert h_k \rVert^2}{\sum_k d_k^2} \le E_H

    Of `layer_peeled_problem` (all ``d_k = 1``) that is the layer-peeled model; of the paper's
    model with cross-entropy (``d_k^2 = n_k``) the features' mean square is one over all samples.

    Parameters
    ----------
    problem : LossProblem
        One layer, cross-entropy with no more than class weights, a free bias or none. Its penalties
        do not count.
    E_W, E_H : float
        The bounds, positive.
    tol : float, default 1e-7
        Relative duality gap to reach.

    Returns
    -------
    ConstrainedMinimizer

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.
    RuntimeError
        If the gap was not reached.

    Notes
    -----
    At a given product ``T = W Hbar diag(d)`` two factors within the bounds exist exactly if
    ``||T||_* <= tau = sqrt(K E_W E_H sum d_k^2)``. With a multiplier lambda of this one bound the
    problem is the penalised one. Of two lambdas at which T is not 0 the larger has the smaller
    norm, strictly: a T that is optimal at both would have ``<-gradient, T>`` equal to both times
    ``||T||_*``. So tau and lambda determine each other, and a root is searched. The lower bound is
    the penalised one less ``lambda tau``. Both factors pay alike, so the penalties are
    ``lambda tau / (K E_W)`` and ``lambda tau / (E_H sum d_k^2)``.

    References
    ----------
    Fang, He, Long and Su, PNAS 118(43), 2021. The bounds are as in the authors' published code.

    Examples
    --------
    >>> best = constrained_minimizer(layer_peeled_problem([1, 1, 1, 1]), E_W=1, E_H=4)
    >>> round(best.objective, 9)  # log(1 + 3 exp(-4/3 sqrt(1 * 4))), a simplex
    0.189338839
    """
    from scipy.optimize import brentq

    require_loss_problem(problem)
    _require_unbounded(problem)
    E_W, E_H = positive("E_W", E_W), positive("E_H", E_H)
    weight = float(problem.feature_weight.sum())
    tau = math.sqrt(E_W * problem.K) * math.sqrt(E_H * weight)
    walk = Walk(problem, _GAP)

    def excess(log_factor: float) -> float:
        return math.log(_nuclear_norm(_at(walk, math.exp(log_factor))) / tau)

    # Just below the total collapse the norm is next to 0; from there on it grows without bound.
    high = math.log(loss_collapse_factors(problem).total) - _AGREE
    if excess(high) > 0:
        raise ValueError(
            f"E_W and E_H must be larger; with {E_W:.3g} and {E_H:.3g} the optimum is 0 to rounding"
        )
    low = high - math.log(_STEP)
    while excess(low) < 0:
        high, low = low, low - math.log(_STEP)
    root = brentq(excess, low, high, xtol=_AGREE * 1e-2, rtol=1e-14)
    optimum = _at(walk, math.exp(float(root)))
    norm = _nuclear_norm(optimum)
    lam = optimum.problem.price
    objective = optimum.objective - lam * norm
    # By convexity along the ray a loss at the norm tau is at most that of T / max(1, norm / tau).
    bound = optimum.objective * (1 - optimum.certificate) - lam * tau
    gap = max(objective + lam * max(norm - tau, 0.0) - bound, 0.0) / objective
    if gap > tol:
        raise RuntimeError(f"the optimum was found to a relative gap of {gap:.1e}, not {tol:.1e}")
    scaled = LossProblem(
        problem.counts,
        problem.loss,
        bias=problem.bias,
        lambda_W=(lam * tau / (problem.K * E_W),),
        lambda_H=lam * tau / (weight * E_H),
        sampling=problem.sampling,
        widths=problem.widths,
    )
    return ConstrainedMinimizer(E_W, E_H, replace(optimum, problem=scaled), objective, gap)


def collapse_bound(problem: LossProblem, group: int) -> float:
    r"""Find up to which norm of the product the classes of a group are merged under bounds.

    Parameters
    ----------
    problem : LossProblem
        As for `constrained_minimizer`.
    group : int
        A group of two or more classes that the problem treats alike, from 0.

    Returns
    -------
    float
        ``sqrt(E_W E_H)`` below which, and at which, their inner modes are dead, and above which
        they live. 0 where these modes are the last to die.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Notes
    -----
    In the penalised problem they die at the multiplier ``lambda = a_g / d_g`` whatever the counts
    are (`loss_collapse_factors`). So the bound is the norm of the optimum there: one solution, and
    no search.

    Examples
    --------
    >>> ten = layer_peeled_problem([100] * 5 + [1] * 5)
    >>> round(collapse_bound(ten, 1), 4)
    3.2621
    """
    require_loss_problem(problem)
    _require_unbounded(problem)
    form = problem.form
    group = as_whole("group", group, 0, form.G - 1)
    if not form.has_inner[group]:
        raise ValueError(f"group must have two classes or more; group {group} has one")
    factor = loss_collapse_factors(problem).inner[group]
    # They are dead there: kept so, the solver need not find out.
    optimum = _at(Walk(problem, _GAP, np.arange(form.G) == group), float(factor))
    scale = math.sqrt(problem.K) * math.sqrt(float(problem.feature_weight.sum()))
    return _nuclear_norm(optimum) / scale


def minority_collapse_ratio(K_A: int, K_B: int, *, E_W: float, E_H: float) -> float:
    r"""Find the imbalance ratio from which on the layer-peeled model merges its rare classes.

    Parameters
    ----------
    K_A, K_B : int
        Numbers of frequent classes, 1 or more, and of rare ones, 2 or more.
    E_W, E_H : float
        Bounds on the mean square of the rows of the head, and of the class means.

    Returns
    -------
    float
        ``R = n_A / n_B``: below it the rare classes have vectors of their own, from it on they
        share one row of the head and one mean.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, or if no ratio below 1e9 merges them.

    Notes
    -----
    Root of `collapse_bound` over R. (That the bound rises with R is seen in all cases that were
    computed, and not proved: of several roots one would be found.)

    Examples
    --------
    >>> round(minority_collapse_ratio(5, 5, E_W=1, E_H=5), 4)
    12.1924
    """
    from scipy.optimize import brentq

    K_A, K_B = as_whole("K_A", K_A, 1), as_whole("K_B", K_B, 2)
    goal = math.sqrt(positive("E_W", E_W)) * math.sqrt(positive("E_H", E_H))

    def excess(log_ratio: float) -> float:
        shares = np.repeat([math.exp(log_ratio), 1.0], [K_A, K_B])
        return collapse_bound(layer_peeled_problem(shares), 1) - goal

    low, high = 0.0, math.log(_STEP)  # at equal counts all modes die together, at a bound of 0
    while excess(high) < 0:
        low, high = high, high + math.log(_STEP)
        if high > math.log(_LARGEST_RATIO):
            raise ValueError(
                f"E_W and E_H must be smaller: with {E_W} and {E_H} no ratio below "
                f"{_LARGEST_RATIO:.0e} merges the rare classes"
            )
    low = max(low, 1e-9)
    return math.exp(float(brentq(excess, low, high, xtol=1e-12, rtol=1e-13)))


def _nuclear_norm(best: LossMinimizer) -> float:
    return float(best.singular_values.sum())


def _at(walk: Walk, factor: float) -> LossMinimizer:
    return cast(LossMinimizer, walk.at(factor))  # features of any sign: no other kind


def _require_unbounded(problem: LossProblem) -> None:
    """Refuse a problem whose loss has a minimum of its own: then bounds need not be attained."""
    if not isinstance(problem.loss, CrossEntropy) or not problem.loss.is_plain:
        raise ValueError(
            f"loss must be cross-entropy with no more than class weights; got {problem.loss!r:.60}"
        )
    if problem.depth != 1 or problem.non_negative:
        raise ValueError(
            "problem must have one layer and features of any sign; got "
            f"depth = {problem.depth} and non_negative = {problem.non_negative}"
        )
    if problem.bias == "decayed":
        raise ValueError(
            "bias must be 'free' or 'none': a penalised one is no bound; got 'decayed'"
        )
