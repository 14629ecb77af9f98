"""What becomes of each class at the optimum, and how far it is from becoming something else.

The closed form is about modes; a practitioner asks about classes. Classes of one count share their
fate, so everything here costs what the distinct counts cost, however many classes there are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from nclib._checks import as_whole
from nclib.theory.collapse import value_at_death
from nclib.theory.problem import Problem, require_problem

Array = NDArray[np.float64]


def collapse_lambda_H(problem: Problem) -> Array:
    """Find the lambda_H at which each mode dies, the penalties of the weights fixed.

    Parameters
    ----------
    problem : Problem
        Class counts, depth, bias, penalties and widths; its own lambda_H does not matter.

    Returns
    -------
    (K,) ndarray
        By mode: in the global minimiser the mode is alive below this value and dead above it. 0
        where kappa = 0 or the width excludes the mode, and nowhere else.

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


def fate_of(k: int, problem: Problem) -> int:
    """Return a number that class k shares with those that fare alike whatever the penalties."""
    return int(problem.counts.group[k]) if problem.widths is None else k


def chosen_classes(problem: Problem, classes: Iterable[int] | None) -> list[int]:
    """Return the classes that were asked for, all where none were named."""
    if classes is None:
        return list(range(problem.K))
    return [as_whole("each of classes", k, 0, problem.K - 1) for k in classes]
