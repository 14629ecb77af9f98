"""Several labels a sample: the problem from the counts of labels that occur together.

The squared error with a free bias asks of the targets for nothing but their mean and covariance
(`nclib.theory.target_minimizer` has its optimum at any depth). Of a data set with several labels a
sample both follow from how often each pair of labels occurs together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from nclib._checks import as_floats, as_whole
from nclib.theory.losses.targets import TargetProblem


def multi_label_problem(
    together: ArrayLike, N: int, depth: int, *, lambda_W: float, lambda_H: float
) -> TargetProblem:
    r"""Make the problem of samples with several labels from the counts of their pairs.

    Parameters
    ----------
    together : (K, K) array_like of int
        How many samples have both label j and label k; on the diagonal, how many have label k.
    N : int
        Number of samples, those without a label among them.
    depth, lambda_W, lambda_H
        As for `Problem`.

    Returns
    -------
    TargetProblem
        With mean ``p = diag(together) / N`` and covariance ``together / N - p p'``: for one label a
        sample ``(diag(n) - n n'/N) / N``, the paper's.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, or no samples can have such counts.

    References
    ----------
    Ma, Yang, Li, Hui 2026, arXiv 2605.01897, whose abstract names the spectrum of the centred label
    covariance as what decides, for another loss. (Read: the abstract.)

    Examples
    --------
    Four samples with labels A, A and B, B, none:

    >>> from nclib.theory import target_minimizer
    >>> problem = multi_label_problem([[2, 1], [1, 2]], 4, depth=1, lambda_W=0.01, lambda_H=0.01)
    >>> target_minimizer(problem).kappa.round(4)
    array([1., 1.])
    """
    N = as_whole("N", N, 2)
    counts = as_floats("together", together)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ValueError(f"together must have shape (K, K); got {counts.shape}")
    if not (np.isfinite(counts).all() and (counts == np.rint(counts)).all()):
        raise ValueError("together must hold whole numbers")
    if not np.array_equal(counts, counts.T):
        raise ValueError("together must be symmetric: it counts pairs of labels")
    own = counts.diagonal()
    if (counts < 0).any() or (counts > np.minimum(own, own[:, None])).any():
        raise ValueError("together must not count a pair more often than one of its labels")
    if (own + own[:, None] - counts > N).any():
        raise ValueError(f"N must be at least the number of samples that have a label; got {N}")
    mean = own / N
    return TargetProblem(
        mean,
        counts / N - np.outer(mean, mean),
        N,
        depth,
        lambda_W=lambda_W,  # type: ignore[arg-type]
        lambda_H=lambda_H,
    )
