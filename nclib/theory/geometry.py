"""Class means and the rows of the head as points: what there is to see of a minimiser."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nclib._checks import as_floats
from nclib.theory.optimum import Optimum

Array = NDArray[np.float64]


def mode_coordinates(minimizer: Optimum) -> tuple[Array, Array]:
    """Class means and rows of the head in the coordinates of the modes.

    The theory fixes both up to one rotation of the feature space. Here that rotation is chosen so
    that axis k is mode k: the same picture whatever the weights were.

    Parameters
    ----------
    minimizer : Minimizer, LossMinimizer or another optimum
        From `global_minimizer`, `local_minima` or `loss_minimizer`.

    Returns
    -------
    means : (K, K) ndarray
        Column k is the mean of class k (with bias: their sum weighted by the counts is 0). Row j is
        0 where mode j is dead.
    head : (K, K) ndarray
        Column k is row k of ``P = W_L ... W_1``, in the same coordinates.

    Notes
    -----
    With ``e`` and ``p`` the singular values of ``E = Hbar D`` and of P, ``means = diag(e) V' D^-1``
    and ``head = diag(p) U'``. So ``head' means`` is what the optimum puts out for each class, less
    the bias.

    References
    ----------
    Liu, arXiv 2411.17278, Theorems 4.1 to 4.3.

    Examples
    --------
    >>> from nclib import Problem, global_minimizer
    >>> balanced = Problem([20, 20, 20], depth=1, lambda_W=0.01, lambda_H=0.01)
    >>> means, head = mode_coordinates(global_minimizer(balanced))
    >>> cosines(means).round(6)
    array([[ 1. , -0.5, -0.5],
           [-0.5,  1. , -0.5],
           [-0.5, -0.5,  1. ]])
    """
    return minimizer.class_means(), minimizer.head().T


def cosines(vectors: ArrayLike) -> Array:
    """Cosines of the angles between the columns of a matrix.

    Parameters
    ----------
    vectors : (d, K) array_like
        One vector per column.

    Returns
    -------
    (K, K) ndarray
        In [-1, 1]; NaN in the row and the column of a vector that is exactly 0, which has no
        direction.

    Raises
    ------
    ValueError
        If `vectors` is not a matrix of finite numbers.

    Examples
    --------
    >>> cosines([[1, 1, 0], [0, 1, 0]]).round(3)
    array([[1.   , 0.707,   nan],
           [0.707, 1.   ,   nan],
           [  nan,   nan,   nan]])
    """
    array = as_floats("vectors", vectors)
    if array.ndim != 2 or not np.isfinite(array).all():
        raise ValueError(
            f"vectors must be a matrix of finite numbers, one vector per column; "
            f"got an array of shape {array.shape}"
        )
    # Scaled first, so that squares of tiny or huge entries stay within the range of float64.
    largest = np.max(np.abs(array), axis=0, initial=0.0)
    scaled = array / np.where(largest > 0, largest, 1.0)
    length = np.linalg.norm(scaled, axis=0)
    directed = length > 0
    unit = scaled / np.where(directed, length, 1.0)
    both = np.logical_and.outer(directed, directed)
    result: Array = np.where(both, np.clip(unit.T @ unit, -1.0, 1.0), np.nan)
    return result
