"""The squared error without bias, with a bias, and with a penalised bias between the two.

Mixon, Parshall and Pi, Tirer and Bruna, and Zhou and others studied the two ends for equal counts.
`bias_optimum` goes along the whole path for any counts of one layer; for equal counts the path has
a closed form at any depth, which is here.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nclib._checks import as_floats
from nclib.theory import shrinkage
from nclib.theory.minimizer import global_minimizer
from nclib.theory.optimum import Optimum
from nclib.theory.penalised_bias import penalised_bias_minimizer
from nclib.theory.problem import Problem, require_problem

Array = NDArray[np.float64]


def bias_optimum(problem: Problem, rho_b: float) -> Optimum:
    """Minimise with the penalty ``rho_b/2 ||b||^2``, from a free bias to none.

    Parameters
    ----------
    problem : Problem
        With a bias. Where `rho_b` is neither 0 nor infinite, as for `penalised_bias_minimizer`.
    rho_b : float
        Penalty on the bias: 0 for a free bias, infinity for none.

    Returns
    -------
    Optimum

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    >>> problem = Problem([3, 2, 1], depth=1, lambda_W=0.05, lambda_H=0.02)
    >>> [round(bias_optimum(problem, rho).objective, 4) for rho in (0, 0.3, float("inf"))]
    [0.0784, 0.1121, 0.1221]
    """
    if not require_problem(problem).bias:
        raise ValueError("problem must have a bias: there is none to penalise")
    (rho,) = _penalties([rho_b])
    if rho == 0:
        return global_minimizer(problem)
    if rho == math.inf:
        return global_minimizer(replace(problem, bias=False))
    return penalised_bias_minimizer(problem, rho)


def balanced_bias_cosines(problem: Problem, rho_b: ArrayLike) -> Array:
    r"""Cosine between any two class means, not centred, for equal counts at any depth.

    Parameters
    ----------
    problem : Problem
        With a bias and equal counts, and no width below K.
    rho_b : array_like
        Penalties on the bias, from 0 to infinity.

    Returns
    -------
    ndarray
        In the shape of `rho_b`: -1/(K-1), the simplex, up to `balanced_bias_threshold`; 0, an
        orthogonal frame, at infinity. NaN where all class means are 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Notes
    -----
    The mean of the classes is a mode of the same ``kappa = sqrt(n_0)`` as the K - 1 contrasts, for
    which the one rule has ``N (1 + 1/rho_b)`` in place of N. With z_m and z_c for what the rule
    leaves of the mean and of a contrast, the class means have squared lengths
    ``e = z^{2/(L+1)}`` along them, up to a common factor, and the cosine is

    .. math:: \frac{e_m - e_c}{e_m + (K - 1)\, e_c} .

    Massion, Makhlouf, Massart 2026, arXiv 2606.00344, state for one layer and equal counts that the
    class means go from a simplex to an orthogonal frame as the penalty grows. (Read: the abstract.)

    Examples
    --------
    >>> problem = Problem([30] * 4, depth=1, lambda_W=0.01, lambda_H=0.01)
    >>> balanced_bias_cosines(problem, [0, 0.2, 1, float("inf")]).round(4)
    array([-0.3333, -0.3333, -0.0754,  0.    ])
    """
    _require_balanced(problem)
    rho = _penalties(rho_b)
    kappa = math.sqrt(problem.counts.values[0])
    # N (1 + 1/rho) makes theta larger by (1 + 1/rho)^(L+1).
    with np.errstate(divide="ignore"):
        larger = (problem.depth + 1) * np.log1p(1 / rho)
    log_theta = float(shrinkage.log_theta(kappa, problem))
    contrast, mean = (
        shrinkage.logistic(shrinkage.global_logit(values, problem.depth))
        for values in (np.full(rho.shape, log_theta), log_theta + larger)
    )
    power = 2 / (problem.depth + 1)
    e_c, e_m = contrast**power, mean**power
    longest = e_m + (problem.K - 1) * e_c
    out = np.full(rho.shape, np.nan)
    return np.asarray(np.divide(e_m - e_c, longest, out=out, where=longest > 0))


def balanced_bias_threshold(problem: Problem) -> float:
    r"""Penalty on the bias from which on the simplex is left, for equal counts at any depth.

    Parameters
    ----------
    problem : Problem
        With a bias and equal counts, and no width below K.

    Returns
    -------
    float
        ``1 / (theta_L^{1/(L+1)} - 1)``, with theta_L how many times the theta of the labels may
        grow until a mode of them dies; infinity where they are dead already. For one layer
        ``K tau sqrt(n_0) / (1 - K tau sqrt(n_0))`` with ``tau = sqrt(lambda_W lambda_H)``, which is
        `penalised_bias_threshold`.

    Raises
    ------
    TypeError, ValueError
        If `problem` is not as described.

    Notes
    -----
    With one layer the cosine leaves -1/(K-1) there without a jump. With more layers the mean mode
    starts at the share (L-1)/L, so that the cosine jumps.

    Examples
    --------
    >>> balanced_bias_threshold(Problem([30] * 4, depth=1, lambda_W=0.01, lambda_H=0.01))
    0.2805...
    """
    _require_balanced(problem)
    kappa = math.sqrt(problem.counts.values[0])
    room = float(shrinkage.log_theta_threshold(problem.depth) - shrinkage.log_theta(kappa, problem))
    return 1 / math.expm1(room / (problem.depth + 1)) if room > 0 else math.inf


def _penalties(rho_b: ArrayLike) -> Array:
    rho = as_floats("rho_b", rho_b)
    if np.isnan(rho).any() or (rho < 0).any():
        raise ValueError(f"rho_b must be 0 or larger, or infinite; got {rho_b!r:.60}")
    return rho


def _require_balanced(problem: Problem) -> None:
    if not require_problem(problem).bias:
        raise ValueError("problem must have a bias: there is none to penalise")
    if problem.counts.m > 1:
        raise ValueError(f"problem must have equal counts; got {problem.counts.m} distinct ones")
    if problem.rank_limit < problem.K:
        raise ValueError(
            f"problem must have no width below K = {problem.K}; got widths = {problem.widths}"
        )
