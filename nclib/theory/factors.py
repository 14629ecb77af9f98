"""The cheapest way to write a matrix as a product: Lemma A.1, for any number of layers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nclib._checks import as_floats, generator
from nclib.theory.problem import Problem, require_problem

Array = NDArray[np.float64]

RANK_TOLERANCE = 1e-12
"""A singular value below this, relative to the largest, counts as 0.

Z is a product as a rule, and so holds the rounding of several factors. With many layers the price
z^(2/(L+1)) of such a value would not be small at all.
"""


def cheapest_factors(
    Z: ArrayLike, problem: Problem, seed: int | np.random.Generator = 0
) -> tuple[list[Array], Array]:
    r"""Write Z as a product of the layers and the class means at the lowest penalty.

    Parameters
    ----------
    Z : (K, M) array_like
        What ``W_L ... W_1 E`` shall be.
    problem : Problem
        Gives the depth, the penalties and the widths (K each where it sets none).
    seed : int or numpy.random.Generator, default 0
        Draws the orthonormal bases of the inner dimensions, which the problem leaves free.

    Returns
    -------
    Ws : list of L ndarray
        ``[W_1, ..., W_L]``.
    E : (d_0, M) ndarray
        The factor on the right.

    Raises
    ------
    ValueError
        If Z does not have K rows, is not finite, or has a larger rank than the widths let through.

    Notes
    -----
    A singular value z of Z is shared so that each of the L + 1 factors pays the same for it,
    ``Lambda^(1/(L+1)) z^(2/(L+1)) / 2`` with ``Lambda = lambda_H lambda_W1 ... lambda_WL``. So all
    together cost

    .. math:: \frac{L+1}{2} \Lambda^{1/(L+1)} \sum_i z_i^{2/(L+1)},

    and no other factors of Z cost less. For one layer this is Lemma A.1:

    .. math:: W = \alpha^{1/2} U S^{1/2} R', \qquad E = \alpha^{-1/2} R S^{1/2} V',
        \qquad \alpha = \sqrt{\lambda_H / \lambda_W}.

    References
    ----------
    Liu, arXiv 2411.17278, Lemma A.1 (exponents corrected).

    Examples
    --------
    >>> problem = Problem([1, 1], depth=1, bias=False, lambda_W=1.0, lambda_H=16.0, widths=(1,))
    >>> (W,), E = cheapest_factors([[3.0, 0.0], [0.0, 0.0]], problem)
    >>> round(float((W**2).sum() + 16 * (E**2).sum()) / 2, 12)  # sqrt(1 * 16) * 3
    12.0
    """
    require_problem(problem)
    Z = as_floats("Z", Z)
    if Z.ndim != 2 or Z.shape[0] != problem.K or not np.isfinite(Z).all():
        raise ValueError(
            f"Z must be a matrix of finite numbers with K = {problem.K} rows; "
            f"got an array of shape {Z.shape}"
        )
    U, z, Vt = np.linalg.svd(Z, full_matrices=False)
    rank = int(np.sum(z > RANK_TOLERANCE * z.max(initial=0.0)))
    widths = problem.widths or (problem.K,) * problem.depth
    if rank > min(widths):
        raise ValueError(f"Z must have rank at most {min(widths)}, the least width; got {rank}")
    power = 1 / (problem.depth + 1)
    energy = math.exp(power * problem.log_Lambda) * z[:rank] ** (2 * power)
    rng = generator(seed)
    bases = [np.linalg.qr(rng.standard_normal((width, rank)))[0] for width in widths]
    bases.append(U[:, :rank])
    Ws = [
        (bases[j + 1] * np.sqrt(energy / lam)) @ bases[j].T
        for j, lam in enumerate(problem.lambda_W)
    ]
    return Ws, (bases[0] * np.sqrt(energy / problem.lambda_H)) @ Vt[:rank]
