"""When the modes of the global minimiser die, in closed form."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nclib.theory import shrinkage
from nclib.theory.problem import Problem, require_problem
from nclib.theory.spectrum import Spectrum

Array = NDArray[np.float64]

_LOG_RANGE = tuple(np.log([np.finfo(float).tiny, np.finfo(float).max]))
"""Logarithms of the least and the largest number that float64 holds with all its digits."""


def collapse_factors(problem: Problem) -> Array:
    r"""Find the common factor on every lambda at which each mode dies.

    Parameters
    ----------
    problem : Problem
        Class counts, depth, bias, penalties and widths.

    Returns
    -------
    (K,) ndarray
        By mode: in the global minimiser the mode is alive below this factor and dead above it.
        0 where kappa = 0 or the width excludes the mode, and nowhere else. With
        ``Lambda = lambda_H lambda_W1 ... lambda_WL`` and 0^0 = 1 it is

        .. math:: \left( \frac{(L-1)^{L-1} \kappa^{2L}}{L^{2L} N^{L+1} \Lambda}
            \right)^{1/(L+1)}.

    Raises
    ------
    TypeError, ValueError
        If `problem` is none, or a factor is too large or too small for a floating-point number.

    Examples
    --------
    >>> problem = Problem([500, 500, 100, 100], depth=1, lambda_W=1e-3, lambda_H=1e-3)
    >>> collapse_factors(problem).round(3)
    array([18.634, 10.758,  8.333,  0.   ])
    """
    power = 1 / (require_problem(problem).depth + 1)
    return value_at_death(problem, "factor on every lambda", 0.0, power)


def collapse_lambda_H(problem: Problem) -> Array:
    """Find the lambda_H at which each mode dies, the penalties of the weights fixed.

    Parameters
    ----------
    problem : Problem
        Class counts, depth, bias, penalties and widths; its own lambda_H does not matter.

    Returns
    -------
    (K,) ndarray
        By mode, as for `collapse_factors`: lambda_H times the factor there to the power L + 1.

    Raises
    ------
    TypeError, ValueError
        If `problem` is none, or a value is too large or too small for a floating-point number.

    Examples
    --------
    >>> problem = Problem([500, 500, 100, 100], depth=1, lambda_W=1e-3, lambda_H=1e-3)
    >>> collapse_lambda_H(problem).round(3)
    array([0.347, 0.116, 0.069, 0.   ])
    """
    return value_at_death(require_problem(problem), "lambda_H", math.log(problem.lambda_H), 1.0)


def value_at_death(problem: Problem, what: str, log_now: float, power: float) -> Array:
    """Find the value at which each mode dies of a thing on whose power theta depends.

    Parameters
    ----------
    problem : Problem
        Class counts, depth, bias, penalties and widths.
    what : str
        Its name, for an error.
    log_now : float
        Logarithm of its value in the problem.
    power : float
        One over the power: theta is proportional to its value to the power ``1 / power``.

    Returns
    -------
    (K,) ndarray
        By mode; 0 where kappa = 0 or the width excludes the mode. Only this has to be a number:
        what is on the way to it stays a logarithm.

    Raises
    ------
    ValueError
        If a value is too large or too small for a floating-point number.
    """
    spectrum = Spectrum(problem.counts, bias=problem.bias)
    gap = shrinkage.log_theta_threshold(problem.depth) - shrinkage.log_theta(
        spectrum.block_kappa, problem
    )
    logarithm = spectrum.expand(log_now + power * gap)
    logarithm[problem.rank_limit :] = -np.inf
    beyond = np.isfinite(logarithm) & ((logarithm < _LOG_RANGE[0]) | (logarithm > _LOG_RANGE[1]))
    if beyond.any():
        mode = int(np.argmax(beyond))
        raise ValueError(
            f"problem has penalties for which no floating-point number holds the {what} at which "
            f"mode {mode} dies: 10 to the power {logarithm[mode] / math.log(10):.6g}"
        )
    values: Array = np.exp(logarithm)
    return values


class TwoClassLimits(NamedTuple):
    """What becomes of the rarer of two classes; see `two_class_limits`.

    Attributes
    ----------
    needed : float
        Share s of the one mode above which the rarer class is classified right.
    wrong : float
        Common factor on every lambda from which on it is misclassified.
    dead : float
        Common factor on every lambda from which on the mode is dead, and the classes merged.
    """

    needed: float
    wrong: float
    dead: float


def two_class_limits(problem: Problem) -> TwoClassLimits:
    r"""Say when the optimum loses the rarer of two classes, in closed form.

    Parameters
    ----------
    problem : Problem
        Two classes, with a bias.

    Returns
    -------
    TwoClassLimits
        With counts ``n_1 >= n_2`` the rarer class is right while

        .. math:: s > \frac12 \left( 1 - \frac{n_2}{n_1} \right).

        For one layer that ends at the share ``N / (2 n_1)`` of the way to the death of the mode;
        for more, s is at least 1/2 while the mode is alive, and both ends are one.

    Raises
    ------
    TypeError, ValueError
        If `problem` is not as described.

    Examples
    --------
    >>> problem = Problem([900, 100], depth=1, lambda_W=1e-3, lambda_H=1e-3)
    >>> needed, wrong, dead = two_class_limits(problem)
    >>> round(needed, 3), round(wrong, 2), round(dead, 2)
    (0.444, 7.45, 13.42)
    """
    if not (require_problem(problem).K == 2 and problem.bias):
        raise ValueError(f"problem must have two classes and a bias; got {problem!r}")
    n_2, n_1 = sorted(problem.counts.n.tolist())
    dead = float(collapse_factors(problem)[0])
    wrong = dead * problem.N / (2 * n_1) if problem.depth == 1 else dead
    return TwoClassLimits((1 - n_2 / n_1) / 2, wrong, dead)
