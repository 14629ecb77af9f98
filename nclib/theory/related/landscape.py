"""Critical points with cross-entropy: global minimum or strict saddle, and a way down.

With more inner dimensions than the product has rank, one number tells a global minimum from a
saddle: the largest singular value of the loss's derivative by the product, against the price of the
nuclear norm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nclib._checks import as_whole, generator
from nclib._records import Record
from nclib.theory.losses.problem import LossProblem, require_loss_problem

Array = NDArray[np.float64]

_RANK = 1e-7
"""Singular values of a point that was searched are 0 below this, relative to the largest."""

_CRITICAL = 1e-5
"""A gradient below this, relative to the penalties' part of it, is one of a critical point."""

_GLOBAL = 1e-6
"""The derivative may exceed the price by this share at a global minimum, for rounding."""

_SEARCH = {"maxiter": 20_000, "maxfun": 60_000, "ftol": 0.0, "gtol": 1e-11, "maxcor": 30}


@dataclass(frozen=True, eq=False, repr=False)
class CriticalPoint(Record):
    """What kind of critical point it is; made by `critical_point`.

    Attributes
    ----------
    objective : float
    rank : int
        Of head and class means together.
    slope : float
        Largest singular value of the derivative of the loss by the product ``W Hbar diag(d)``,
        relative to the price ``sqrt(lambda_W lambda_H)`` of its nuclear norm.
    is_global : bool
        Whether the slope is at most 1: then the point is a global minimiser.
    curvature : float
        Second derivative of the objective along `direction`. Below 0 at every other point.
    direction : tuple of ndarray or None
        ``(dW, dH)`` of length 1 along which the objective curves down; None at a minimum.
    """

    objective: float
    rank: int
    slope: float
    is_global: bool
    curvature: float
    direction: tuple[Array, Array] | None

    def __repr__(self) -> str:
        kind = "global minimum" if self.is_global else "strict saddle"
        return (
            f"CriticalPoint({kind}, rank={self.rank}, objective={self.objective:.6g}, "
            f"slope={self.slope:.4g}, curvature={self.curvature:.3g})"
        )


def critical_point(
    problem: LossProblem, W: ArrayLike, H: ArrayLike, b: ArrayLike | None = None
) -> CriticalPoint:
    r"""Tell whether a critical point is a global minimum, and else find a way down.

    Parameters
    ----------
    problem : LossProblem
        One layer, any loss that it takes, any counts, with or without a bias.
    W : (K, d) array_like
        The head.
    H : (d, K) array_like
        Class means. (At a critical point all features of a class are equal: given the head, their
        problem is strictly convex.)
    b : (K,) array_like, optional
        The bias, if the problem has one.

    Returns
    -------
    CriticalPoint

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, if the gradient is not 0, or if W and H leave no inner
        dimension free, as where d is more than their rank: then nothing is known.

    Notes
    -----
    Let G be the derivative by ``T = W E``, ``E = H diag(d)``. A gradient of 0 says
    ``lambda_W W = -G E'`` and ``lambda_H E = -W' G``, so that ``-G = lambda U V'`` on the modes of
    T. If no singular value of G exceeds lambda, -G is a subgradient of ``lambda ||T||_*``, and T is
    optimal by convexity. Otherwise let u and v be the vectors of ``sigma_1(G) > lambda``, and a a
    unit vector with ``W a = 0`` and ``a' E = 0``. Along ``dW = x u a'``, ``dE = -a v' / x`` with
    ``x^4 = lambda_H / lambda_W`` the product changes by ``-t^2 u v'`` alone, and the second
    derivative is ``2 (lambda - sigma_1) < 0``. Nothing in it asks for equal counts.

    References
    ----------
    Zhu, Ding, Zhou, Li, You, Sulam and Qu, NeurIPS 2021, have it for equal counts, according to
    their abstract and code; the proof for any counts is in the Notes.

    Examples
    --------
    >>> from nclib.theory.losses.objects import CrossEntropy
    >>> problem = LossProblem([3, 1], CrossEntropy(), bias="none", lambda_W=0.1, lambda_H=0.1)
    >>> critical_point(problem, np.zeros((2, 3)), np.zeros((3, 2)))
    CriticalPoint(strict saddle, rank=0, objective=0.693147, slope=3.536, curvature=-0.338)
    """
    require_loss_problem(problem)
    if problem.depth != 1 or problem.non_negative:
        raise ValueError(
            "problem must have one layer and features of any sign; got "
            f"depth = {problem.depth} and non_negative = {problem.non_negative}"
        )
    (head,), means, bias = problem.validated_variables([W], H, b)
    if means.shape[1] != problem.K or head.shape[1] != means.shape[0]:
        raise ValueError(f"H must have shape (d, K) and W (K, d); got {means.shape}, {head.shape}")
    (dW,), dH, db = problem.gradient([head], means, bias)
    lam_W, lam_H, lam = problem.lambda_W[0], problem.lambda_H, problem.price
    scale = np.sqrt(problem.feature_weight)
    E, dE = means * scale, dH / scale
    # Relative to what the penalties alone would do at the size of a solution.
    size = math.sqrt(lam_W * np.sum(head**2)) + math.sqrt(lam_H * np.sum(E**2))
    error = math.sqrt(np.sum(dW**2) / lam_W) + math.sqrt(np.sum(dE**2) / lam_H)
    error += 0.0 if db is None else math.sqrt(np.sum(db**2) / lam)
    if error > _CRITICAL * max(size, math.sqrt(lam)):
        raise ValueError(
            f"W, H and b must be a critical point; got a gradient of {error:.2g}, relative to "
            f"penalties of {size:.2g}"
        )
    logits = head @ means + (0.0 if bias is None else bias[:, None])
    G = problem.loss.gradient(logits, problem.counts, problem.drawn) / scale
    left, sigma, right = np.linalg.svd(G)
    slope = float(sigma[0]) / lam
    both = np.concatenate([math.sqrt(lam_W) * head, math.sqrt(lam_H) * E.T])
    _, spread, inner = np.linalg.svd(both)
    rank = int((spread > _RANK * max(float(spread[0]), math.sqrt(lam))).sum())
    objective = problem.objective([head], means, bias)
    if slope <= 1 + _GLOBAL:
        return CriticalPoint(objective, rank, slope, True, 0.0, None)
    if rank == head.shape[1]:
        raise ValueError(
            f"W and H must leave an inner dimension free, d > {rank}; got d = {head.shape[1]}: "
            "without one nothing is known of it"
        )
    x, a = float((lam_H / lam_W) ** 0.25), inner[-1]
    step_W, step_H = x * np.outer(left[:, 0], a), -np.outer(a, right[0]) / x / scale
    length = math.sqrt(float(np.sum(step_W**2) + np.sum(step_H**2)))
    curvature = 2 * (lam - float(sigma[0])) / length**2
    return CriticalPoint(
        objective, rank, slope, False, curvature, (step_W / length, step_H / length)
    )


class FoundPoint(NamedTuple):
    """Where a search ended: head, class means, bias, and the value there."""

    W: Array
    H: Array
    b: Array | None
    objective: float


def minimise_factors(
    problem: LossProblem, width: int, *, inner: int | None = None, seed: int = 0
) -> FoundPoint:
    """Minimise over head, class means and bias themselves, from a random start, by L-BFGS.

    It knows nothing of the convex problem. With fewer inner dimensions than the problem is given,
    the point that is found is critical for all of them: a start for `critical_point`.

    Parameters
    ----------
    problem : LossProblem
        One layer.
    width : int
        Inner dimensions d of the point returned.
    inner : int, optional
        How many of them the search may use; the others stay 0. Default: all.
    seed : int, default 0
        Draws the start.

    Returns
    -------
    FoundPoint
        Shapes (K, d), (d, K), (K,).

    Examples
    --------
    >>> from nclib.theory.losses.objects import CrossEntropy
    >>> problem = LossProblem([9, 9, 3], CrossEntropy(), lambda_W=0.05, lambda_H=0.05)
    >>> narrow = minimise_factors(problem, 4, inner=1)
    >>> critical_point(problem, *narrow[:3]).is_global
    False
    >>> critical_point(problem, *minimise_factors(problem, 4)[:3]).is_global
    True
    """
    from scipy.optimize import minimize

    require_loss_problem(problem)
    if problem.depth != 1:
        raise ValueError(f"problem must have one layer; got depth = {problem.depth}")
    width = as_whole("width", width, 1)
    r = width if inner is None else as_whole("inner", inner, 1, width)
    K, scale = problem.K, np.sqrt(problem.feature_weight)

    def parts(x: Array) -> tuple[Array, Array, Array | None]:
        W, E = x[: K * r].reshape(K, r), x[K * r : 2 * K * r].reshape(r, K)
        return W, E / scale, x[2 * K * r :] if problem.has_bias else None

    def value(x: Array) -> tuple[float, Array]:
        W, H, b = parts(x)
        objective, (dW,), dH, db = problem.value_and_gradient([W], H, b)
        slopes = [dW.ravel(), (dH / scale).ravel()] + ([] if db is None else [db])
        return objective, np.concatenate(slopes)

    start = generator(seed).standard_normal(2 * K * r + (K if problem.has_bias else 0))
    found = minimize(value, start, jac=True, method="L-BFGS-B", options=_SEARCH)
    W, H, b = parts(np.asarray(found.x))
    wide_W, wide_H = np.zeros((K, width)), np.zeros((width, K))
    wide_W[:, :r], wide_H[:r] = W, H
    return FoundPoint(wide_W, wide_H, b, float(found.fun))
