"""What exercises and the pages beyond the paper ask of every data set: one penalty for all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nclib.theory import ClassCounts, Problem, deaths_by_lambda
from nclib.theory.counts import as_counts

__all__ = ["deaths", "equal"]


def equal(counts: ClassCounts | ArrayLike, depth: int, lam: float = 1.0, **options: Any) -> Problem:
    """Return the problem in which every penalty is the same.

    Parameters
    ----------
    counts : ClassCounts or array_like of int
        The class counts.
    depth : int
        Number of layers.
    lam : float, default 1
        The penalty of every layer and of the features.
    **options
        What else `Problem` takes, such as ``bias`` and ``widths``.

    Returns
    -------
    Problem
        The problem.
    """
    return Problem(as_counts(counts), depth, lambda_W=(lam,) * depth, lambda_H=lam, **options)


def deaths(counts: ClassCounts | ArrayLike, depth: int) -> NDArray[np.float64]:
    """Return the common penalty at which each mode dies; the null mode is left out.

    Parameters
    ----------
    counts : ClassCounts or array_like of int
        The class counts.
    depth : int
        Number of layers.

    Returns
    -------
    ndarray of shape (K - 1,)
        The strongest mode first.
    """
    return deaths_by_lambda(as_counts(counts), depth)[:-1]
