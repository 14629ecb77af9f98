"""The optimum of many problems at once: the tables that figures and explorables draw.

What costs most of an optimum depends on the counts alone, so it is computed once for all problems
in a row that have the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nclib._checks import as_floats
from nclib.theory.collapse import collapse_factors
from nclib.theory.counts import ClassCounts
from nclib.theory.losses.closed import NonNegativeMinimizer
from nclib.theory.losses.minimizer import LossMinimizer
from nclib.theory.losses.optimum import loss_path
from nclib.theory.losses.problem import LossProblem
from nclib.theory.minimizer import LocalMinima, Minimizer
from nclib.theory.optimum import ClassOutcomes, class_outcomes
from nclib.theory.problem import Problem, require_problem
from nclib.theory.spectrum import Spectrum

Array = NDArray[np.float64]


def common_lambda(
    counts: ClassCounts, depth: int, lambdas: ArrayLike, *, bias: bool = True
) -> list[Problem]:
    """Return the problem for each common value of every lambda.

    Parameters
    ----------
    counts : ClassCounts
        Samples per class (or anything that `ClassCounts` takes).
    depth : int
        Number of layers.
    lambdas : (T,) array_like
        Values of all penalties.
    bias : bool, default True
        Whether the head has a bias.

    Returns
    -------
    list of T Problem
    """
    return [
        Problem(counts, depth, bias=bias, lambda_W=lam, lambda_H=lam)
        for lam in as_floats("lambdas", lambdas).tolist()
    ]


def deaths_by_lambda(counts: ClassCounts, depth: int, *, bias: bool = True) -> Array:
    """Return the common value of every lambda at which each mode dies.

    Parameters
    ----------
    counts, depth, bias
        As for `common_lambda`.

    Returns
    -------
    (K,) ndarray
        By mode, falling; 0 where kappa = 0.

    Examples
    --------
    >>> deaths_by_lambda([500, 500, 100, 100], depth=1).round(4)
    array([0.0186, 0.0108, 0.0083, 0.    ])
    """
    (unit,) = common_lambda(counts, depth, [1.0], bias=bias)
    return collapse_factors(unit)


def kept_shares(problems: Iterable[Problem]) -> Array:
    """Return which share of each mode the optimum of each problem keeps.

    Parameters
    ----------
    problems : iterable of T Problem
        With the same number of modes.

    Returns
    -------
    (modes, T) ndarray
        z / kappa of the modes with kappa > 0, from the strongest; 0 where a mode is dead.

    Examples
    --------
    >>> kept_shares(common_lambda([500, 100], 2, [1e-3, 1e-2, 1e-1])).round(3)
    array([[0.98 , 0.785, 0.   ]])
    """
    return np.array([best.s[best.kappa > 0] for best in _optima(problems)]).T


def outcomes_over(problems: Iterable[Problem]) -> Iterator[ClassOutcomes[Minimizer]]:
    """Yield what the optimum of each problem does to the classes.

    Parameters
    ----------
    problems : iterable of Problem

    Yields
    ------
    ClassOutcomes
        Its `minimizer` is the optimum.

    Examples
    --------
    >>> over = outcomes_over(common_lambda([500, 100, 100], 3, [1e-3, 1e-2, 1]))
    >>> [outcomes.classes_right for outcomes in over]
    [3, 3, 1]
    """
    return map(class_outcomes, _optima(problems))


def outcomes_over_factors(
    problem: LossProblem, factors: Iterable[float], *, tol: float = 1e-9
) -> Iterator[ClassOutcomes[LossMinimizer | NonNegativeMinimizer]]:
    """Yield what the optimum of any loss does to the classes as all penalties grow.

    Parameters
    ----------
    problem : LossProblem
    factors : iterable of float
        On all penalties, in any order: each optimum is a start for that of the next smaller one.
    tol : float, default 1e-9
        Relative duality gap, as for `loss_path`.

    Yields
    ------
    ClassOutcomes
        In the order of `factors`; its `minimizer` is the optimum.

    Examples
    --------
    >>> from nclib.theory.losses.objects import CrossEntropy
    >>> problem = LossProblem([500, 100, 100], CrossEntropy(), lambda_W=(1e-3,), lambda_H=1e-3)
    >>> [outcomes.classes_right for outcomes in outcomes_over_factors(problem, [1, 20, 50])]
    [3, 1, 1]
    """
    asked = list(factors)
    falling = sorted(set(asked), reverse=True)
    found = dict(
        zip(falling, map(class_outcomes, loss_path(problem, falling, tol=tol)), strict=True)
    )
    yield from (found[factor] for factor in asked)


def outcomes_over_lambda_H(
    problem: Problem, lambda_H: Iterable[float]
) -> Iterator[ClassOutcomes[Minimizer]]:
    """Yield what the optimum does to the classes, for one lambda_H after another.

    Parameters
    ----------
    problem : Problem
        Class counts, depth, bias, penalties and widths; its own lambda_H does not matter.
    lambda_H : iterable of float
        Penalties on the features, positive.

    Yields
    ------
    ClassOutcomes

    Examples
    --------
    >>> problem = Problem([500, 100, 100], depth=3, lambda_W=1.5e-2, lambda_H=1)
    >>> [outcomes.classes_right for outcomes in outcomes_over_lambda_H(problem, [1e-3, 1e-2, 1])]
    [3, 1, 1]
    """
    return outcomes_over(replace(require_problem(problem), lambda_H=value) for value in lambda_H)


def accuracy_by_count(problems: Iterable[Problem]) -> Array:
    """Return the training accuracy of the classes of each distinct count.

    Parameters
    ----------
    problems : iterable of T Problem
        With as many distinct counts, m.

    Returns
    -------
    (m, T) ndarray
        By falling count: the share of the samples that the optimum of each problem classifies
        right.

    Examples
    --------
    >>> accuracy_by_count(common_lambda([500, 100, 100], 3, [1e-2, 2e-2, 1]))
    array([[1. , 1. , 1. ],
           [1. , 0.5, 0. ]])
    """
    columns = []
    for outcomes in outcomes_over(problems):
        counts = outcomes.minimizer.problem.counts
        right = np.bincount(counts.group, outcomes.right[outcomes.group])
        columns.append(right / counts.multiplicities)
    return np.array(columns).T


def _optima(problems: Iterable[Problem]) -> Iterator[Minimizer]:
    spectrum: Spectrum | None = None
    for problem in problems:
        if spectrum and (spectrum.counts, spectrum.bias) != (problem.counts, problem.bias):
            spectrum = None
        best = LocalMinima(problem, spectrum).best
        spectrum = best.spectrum
        yield best
