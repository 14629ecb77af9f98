"""The one rule behind every theorem: how much of a singular value the regularised optimum keeps.

The optimum shrinks each singular value kappa of the effective label matrix to z = s kappa by
itself. With ``theta = N Lambda / mu^L``, ``mu = kappa^2 / N`` and ``Lambda = lambda_H lambda_W1 ...
lambda_WL``, the shrink factor s is the larger root of ``theta = s^(L-1) (1-s)^(L+1)`` if theta is
below ``(L-1)^(L-1) / L^(2L)``, and 0 otherwise. Lemma A.2 says the same of ``x = (s/(1-s))^(1/L)``
and ``alpha = L theta^(1/L)``. Everything works on logarithms, so that neither 100 layers nor tiny
penalties overflow, and on the logit of s, so that s near 1 keeps its distance from 1.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from nclib._checks import as_floats, as_whole
from nclib.theory.model import Layers
from nclib.theory.problem import Problem

Array = NDArray[np.float64]

TIE_TOLERANCE = 1e-12
"""Two values of log(theta) closer than this times max(1, L) count as equal.

A mode whose theta is the threshold in this sense is tied: alive and dead cost the same. It counts
as dead. The tolerance makes the outcome independent of the last bits of kappa and the lambdas. (One
layer has no tie, but the same tolerance: there a mode that keeps less than 1e-12 counts as dead.)
"""


def log_theta(kappa: ArrayLike, problem: Layers, N: ArrayLike | None = None) -> Array:
    """Logarithm of theta = N Lambda / (kappa^2 / N)^L; infinite where kappa = 0.

    With `N` given, for the penalties and the depth of the problem and so many samples.
    """
    log_N = math.log(problem.N) if N is None else np.log(N)
    with np.errstate(divide="ignore"):
        log_mu = 2 * np.log(np.asarray(kappa, dtype=float)) - log_N
    result: Array = log_N + problem.log_Lambda - problem.depth * log_mu
    return result


def log_theta_threshold(depth: int) -> float:
    """Logarithm of the theta at which alive and dead cost the same, (L-1)^(L-1) / L^(2L)."""
    return _x_log_x(depth - 1) - 2 * depth * math.log(depth)


def log_theta_spinodal(depth: int) -> float:
    """Logarithm of the largest theta with an alive stationary point.

    It is (L-1)^(L-1) (L+1)^(L+1) / (2L)^(2L), reached at s = (L-1) / (2L).
    """
    return _x_log_x(depth - 1) + _x_log_x(depth + 1) - 2 * depth * math.log(2 * depth)


def _x_log_x(x: int) -> float:
    return x * math.log(x) if x else 0.0


def below(log_values: Array, log_limit: float, depth: int) -> NDArray[np.bool_]:
    """Whether theta is below a limit by more than the tie tolerance."""
    return log_values < log_limit - TIE_TOLERANCE * depth


def tied(log_values: Array, depth: int) -> NDArray[np.bool_]:
    """Whether theta equals the threshold to within the tie tolerance."""
    return np.abs(log_values - log_theta_threshold(depth)) <= TIE_TOLERANCE * depth


def large_root(log_values: Array, depth: int) -> Array:
    """Logit of the larger root s of ``theta = s^(L-1) (1-s)^(L+1)``.

    Parameters
    ----------
    log_values : ndarray
        log(theta), below `log_theta_spinodal`.
    depth : int
        Number of layers L.

    Returns
    -------
    ndarray
        ``log(s / (1 - s)) = L log(x)``.

    Notes
    -----
    ``h(y) = (L-1) log s + (L+1) log(1-s)`` is concave in the logit y, and falls on the branch of
    the larger root. Newton's iteration from a point to the right of it therefore comes down to it
    from the right and can't pass it, so it never returns the smaller root, which is a local
    maximum of the objective.
    """
    if depth == 1:  # s = 1 - sqrt(theta)
        half = log_values / 2
        return np.log(-np.expm1(half)) - half
    start = np.maximum(-log_values, 0.0) / (depth + 1)  # h(y) <= -(L+1) y: this is on the right
    return _root_from(start, -1.0, log_values, depth)


def small_root(log_values: Array, depth: int) -> Array:
    """Logit of the smaller root s, a local maximum of the objective; as `large_root`, depth > 1.

    There h rises, and Newton's iteration comes up to the root from the left.
    """
    start = log_values / (depth - 1)  # h(y) <= (L-1) y, so this is on the left
    return _root_from(start, 1.0, log_values, depth)


def _root_from(y: Array, sign: float, log_values: Array, depth: int) -> Array:
    """Newton's iteration in place from `y`, where h is below the value and its slope has `sign`."""
    active = np.ones(y.shape, dtype=bool)
    for _ in range(200):
        value = _log_theta_of_logit(y[active], depth) - log_values[active]
        slope = sign * ((depth - 1) - 2 * depth * logistic(y[active]))
        # Rounding can make the value positive, or the slope vanish at the spinodal: then stop.
        step = np.where((value < 0) & (slope > 0), -value / np.maximum(slope, 1e-300), 0.0)
        y[active] += sign * step
        active[active] = step > 2e-16 * np.maximum(np.abs(y[active]), 1.0)
        if not active.any():
            return y
    raise RuntimeError(f"shrinkage: {np.count_nonzero(active)} roots did not settle")


def _log_theta_of_logit(y: Array, depth: int) -> Array:
    result: Array = -(depth - 1) * np.logaddexp(0, -y) - (depth + 1) * np.logaddexp(0, y)
    return result


def logistic(y: Array) -> Array:
    """Shrink factor 1 / (1 + exp(-y)) of a logit, accurate near 0 and (for -y) near 1."""
    factor: Array = expit(y)
    return factor


def global_logit(log_values: Array, depth: int) -> Array:
    """Logit of the shrink factor of the global minimiser: minus infinity where it is 0."""
    y = np.full(log_values.shape, -np.inf)
    alive = below(log_values, log_theta_threshold(depth), depth)
    y[alive] = large_root(log_values[alive], depth)
    return y


def shrink(kappa: ArrayLike, problem: Problem) -> Array:
    r"""Apply the one rule: the singular value that the global minimiser makes of each kappa.

    Parameters
    ----------
    kappa : array_like
        Singular values, at least 0, of any shape. They need not be those of the problem.
    problem : Problem
        Gives N, the depth and the penalties.

    Returns
    -------
    ndarray
        Shaped like `kappa`: for each the z >= 0 at which `scalar_objective` is least,

        .. math:: z(\kappa) = \arg\min_{z \ge 0} \; \frac{(\kappa - z)^2}{2N}
            + \frac{L+1}{2} \Lambda^{1/(L+1)} z^{2/(L+1)},
            \qquad \Lambda = \lambda_H \lambda_{W_1} \cdots \lambda_{W_L}.

        At the threshold, where 0 and a positive z cost the same (depth at least 2), z is 0.

    Raises
    ------
    ValueError
        If a kappa is negative or not finite.

    See Also
    --------
    nclib.theory.lemma_a2_minimizer : The same in the paper's variables.

    References
    ----------
    Liu, arXiv 2411.17278, Lemma A.2 and Theorem 4.3; for one layer this is the soft thresholding
    of Theorems 4.1 and 4.2.

    Examples
    --------
    Soft thresholding by N sqrt(lambda_W lambda_H) = 0.6 for one layer:

    >>> shrink([2.0, 0.5], Problem([3, 2, 1], depth=1, lambda_W=0.1, lambda_H=0.1))
    array([1.4, 0. ])
    """
    kappa = _non_negative("kappa", kappa)
    y = global_logit(log_theta(np.atleast_1d(kappa), problem), problem.depth)
    return logistic(y).reshape(kappa.shape) * kappa


def threshold_kappa(problem: Problem) -> float:
    r"""Find the singular value below which `shrink` gives 0.

    Parameters
    ----------
    problem : Problem
        Gives N, the depth and the penalties.

    Returns
    -------
    float
        The kappa at which alive and dead cost the same; any stronger mode survives. With
        ``Lambda = lambda_H lambda_W1 ... lambda_WL`` and 0^0 = 1 it is

        .. math:: \kappa^* = \left( \frac{L^{2L} N^{L+1} \Lambda}{(L-1)^{L-1}} \right)^{1/(2L)}.

    References
    ----------
    Liu, arXiv 2411.17278, Lemma A.2, solved for kappa.

    Examples
    --------
    >>> round(threshold_kappa(Problem([3, 2, 1], depth=1, lambda_W=0.1, lambda_H=0.1)), 12)
    0.6
    """
    gap = float(log_theta(1.0, problem)) - log_theta_threshold(problem.depth)
    return math.exp(gap / (2 * problem.depth))


def scalar_objective(z: ArrayLike, kappa: ArrayLike, problem: Problem) -> Array:
    r"""Cost of answering the singular value kappa with z: what `shrink` minimises.

    Parameters
    ----------
    z, kappa : array_like
        Values, at least 0, that broadcast together.
    problem : Problem
        Gives N, the depth and the penalties.

    Returns
    -------
    ndarray
        With ``Lambda = lambda_H lambda_W1 ... lambda_WL``

        .. math:: \frac{(\kappa - z)^2}{2N} + \frac{L+1}{2} \Lambda^{1/(L+1)} z^{2/(L+1)}.

        The sum of the minima over the singular values of Yhat is the minimum of the whole
        objective.

    Raises
    ------
    ValueError
        If a z or a kappa is negative or not finite.

    Examples
    --------
    >>> problem = Problem([3, 2, 1], depth=1, lambda_W=0.1, lambda_H=0.1)
    >>> scalar_objective([0.0, 1.4], 2.0, problem).round(4)
    array([0.3333, 0.17  ])
    """
    z, kappa = _non_negative("z", z), _non_negative("kappa", kappa)
    power = 1 / (problem.depth + 1)
    penalty = (problem.depth + 1) / 2 * math.exp(power * problem.log_Lambda) * z ** (2 * power)
    return np.asarray((kappa - z) ** 2 / (2 * problem.N) + penalty)


def lemma_a2_g(x: ArrayLike, alpha: ArrayLike, depth: int) -> Array:
    r"""Evaluate the function g of Lemma A.2.

    .. math:: g(x) = \frac{1}{x^L + 1} + \alpha x

    Parameters
    ----------
    x : array_like
        Points, at least 0.
    alpha : array_like
        Positive numbers that broadcast with `x`.
    depth : int
        Number of layers L, at least 1.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    Liu, arXiv 2411.17278, Lemma A.2 (from Dang et al., ICML 2023).

    Examples
    --------
    >>> lemma_a2_g([0.0, 1.0], 0.5, depth=2)  # the tie
    array([1., 1.])
    """
    x, alpha = _non_negative("x", x), _positive_array("alpha", alpha)
    depth = as_whole("depth", depth, 1)
    with np.errstate(over="ignore"):
        return np.asarray(1 / (x**depth + 1) + alpha * x)


def lemma_a2_minimizer(alpha: ArrayLike, depth: int) -> Array:
    r"""Global minimiser of the function g of Lemma A.2.

    Parameters
    ----------
    alpha : array_like
        Positive numbers; infinity, as where kappa = 0, is allowed.
    depth : int
        Number of layers L, at least 1. (The paper states the lemma for L >= 2; with 0^0 = 1 it
        holds for L = 1 too.)

    Returns
    -------
    ndarray
        0 where alpha is above `lemma_a2_threshold`, and at it, where 0 and (L-1)^(1/L) are both
        minimisers; below it the LARGEST root of

        .. math:: \alpha = \frac{L x^{L-1}}{(x^L + 1)^2}.

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    Liu, arXiv 2411.17278, Lemma A.2.

    Examples
    --------
    >>> lemma_a2_minimizer([0.25, 1.0], depth=1)
    array([1., 0.])
    >>> lemma_a2_minimizer(0.6, depth=2)
    array(0.)
    """
    alpha = _positive_array("alpha", alpha, infinite=True)
    depth = as_whole("depth", depth, 1)
    log_values = depth * (np.log(np.atleast_1d(alpha)) - math.log(depth))
    return np.exp(global_logit(log_values, depth) / depth).reshape(alpha.shape)


def lemma_a2_threshold(depth: int) -> float:
    r"""Value alpha* of alpha, above which g of Lemma A.2 is least at 0.

    .. math:: \alpha^* = \frac{(L-1)^{(L-1)/L}}{L}

    Parameters
    ----------
    depth : int
        Number of layers L, at least 1.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If `depth` is out of range.

    Examples
    --------
    >>> lemma_a2_threshold(1), lemma_a2_threshold(2)
    (1.0, 0.5)
    """
    depth = as_whole("depth", depth, 1)
    return math.exp(_x_log_x(depth - 1) / depth) / depth


def lemma_a2_spinodal(depth: int) -> float:
    r"""Value of alpha up to which g of Lemma A.2 has stationary points.

    Parameters
    ----------
    depth : int
        Number of layers L, at least 1.

    Returns
    -------
    float
        The largest value of ``L x^(L-1) / (x^L + 1)^2``,

        .. math:: \frac{(L+1)^{(L+1)/L} (L-1)^{(L-1)/L}}{4L}.

        For L = 1 it is 1, as is `lemma_a2_threshold`. For more layers it is above the threshold,
        and in between the minimum beyond 0 is a local one only. In terms of a common factor on
        every lambda, that minimum lasts so many times as far as it is global:

        .. math:: \left( \frac{\text{spinodal}}{\text{threshold}} \right)^{L/(L+1)}
            = \frac{L+1}{4^{L/(L+1)}}.

    Raises
    ------
    ValueError
        If `depth` is out of range.

    Examples
    --------
    >>> lemma_a2_threshold(2), round(lemma_a2_spinodal(2), 4)
    (0.5, 0.6495)
    """
    depth = as_whole("depth", depth, 1)
    return depth * math.exp(log_theta_spinodal(depth) / depth)


def lemma_a2_stationary(alpha: ArrayLike, depth: int) -> tuple[Array, Array]:
    r"""Find both stationary points of the function g of Lemma A.2.

    Parameters
    ----------
    alpha : array_like
        Positive numbers.
    depth : int
        Number of layers L, at least 1.

    Returns
    -------
    smaller, larger : ndarray
        Shaped like `alpha`: the roots of

        .. math:: \alpha = \frac{L x^{L-1}}{(x^L + 1)^2};

        NaN from `lemma_a2_spinodal` on, where g has no local minimum at x > 0. The smaller root is
        a local maximum of g and the larger a local minimum, whether or not it is the global one.
        For L = 1 there is no smaller root: NaN.

    Raises
    ------
    ValueError
        If an argument is out of range.

    See Also
    --------
    lemma_a2_minimizer : The global minimiser.

    Examples
    --------
    >>> smaller, larger = lemma_a2_stationary([0.6, 0.7], depth=2)
    >>> smaller.round(4), larger.round(4)
    (array([0.4084,    nan]), array([0.7876,    nan]))
    """
    alpha = _positive_array("alpha", alpha)
    depth = as_whole("depth", depth, 1)
    log_values = depth * (np.log(np.atleast_1d(alpha)) - math.log(depth))
    exists = below(log_values, log_theta_spinodal(depth), depth)
    smaller, larger = np.full((2, *log_values.shape), np.nan)
    larger[exists] = np.exp(large_root(log_values[exists], depth) / depth)
    if depth > 1:
        smaller[exists] = np.exp(small_root(log_values[exists], depth) / depth)
    return smaller.reshape(alpha.shape), larger.reshape(alpha.shape)


def lemma_a2_alpha(kappa: ArrayLike, problem: Problem) -> Array:
    r"""Compute the paper's alpha_k of a singular value, as Lemma A.2 takes it.

    Parameters
    ----------
    kappa : array_like
        Singular values, at least 0.
    problem : Problem
        Gives N, the depth and the penalties.

    Returns
    -------
    ndarray
        Infinite where kappa = 0, and else

        .. math:: \alpha = \frac{L N}{\kappa^2}
            \left( N \lambda_H \lambda_{W_1} \cdots \lambda_{W_L} \right)^{1/L}.

        (Theorem 4.3 divides it by L, and writes the equation for x without the factor L.)

    Raises
    ------
    ValueError
        If a kappa is negative or not finite.

    Examples
    --------
    >>> problem = Problem([2, 2], depth=1, bias=False, lambda_W=0.1, lambda_H=0.1)
    >>> lemma_a2_alpha([2.0, 0.0], problem).round(6)
    array([0.04,  inf])
    """
    kappa = _non_negative("kappa", kappa)
    return problem.depth * np.exp(log_theta(kappa, problem) / problem.depth)


def _non_negative(name: str, values: ArrayLike) -> Array:
    array = as_floats(name, values)
    bad = ~((array >= 0) & np.isfinite(array))
    if bad.any():
        raise ValueError(f"{name} must be finite and at least 0; got {array[bad].flat[0]}")
    return array


def _positive_array(name: str, values: ArrayLike, infinite: bool = False) -> Array:
    array = as_floats(name, values)
    bad = ~((array > 0) & (infinite | np.isfinite(array)))
    if bad.any():
        allowed = "positive" if infinite else "positive and finite"
        raise ValueError(f"{name} must be {allowed}; got {array[bad].flat[0]}")
    return array
