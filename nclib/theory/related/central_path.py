"""The central path of the squared error: the best head for the features as they are.

Han, Papyan and Donoho split the loss of a linear classifier into what the best one for the present
features would leave, and what the classifier misses of it. Here is that split for the model of one
layer, with its penalty on W and a free bias (or none), for any counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nclib._checks import as_floats
from nclib._records import Record
from nclib.theory.problem import Problem, require_problem
from nclib.theory.spectrum import Spectrum

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class LeastSquaresSplit(Record):
    """The loss of a head on given features, in two parts; made by `least_squares_split`.

    Attributes
    ----------
    W : (K, d) ndarray
        Best head for the features: the point of the central path.
    b : (K,) ndarray or None
        Best bias with it; None for a problem without.
    least_squares : float
        Misfit and penalty of W and b: what no head can avoid with these features.
    deviation : float
        What the present head has more than that, never negative.
    """

    W: Array
    b: Array | None
    least_squares: float
    deviation: float

    @property
    def loss(self) -> float:
        """Misfit and penalty of the present head."""
        return self.least_squares + self.deviation

    def __repr__(self) -> str:
        return (
            f"LeastSquaresSplit(least_squares={self.least_squares:.6g}, "
            f"deviation={self.deviation:.6g})"
        )


def least_squares_split(
    problem: Problem, H: ArrayLike, W: ArrayLike, b: ArrayLike | None = None
) -> LeastSquaresSplit:
    r"""Split misfit and penalty of a head into the least-squares part and the deviation.

    Parameters
    ----------
    problem : Problem
        With one layer.
    H : (d, N) or (d, K) array_like
        Features of all samples in the order of the classes, or the class means.
    W : (K, d) array_like
        The head.
    b : (K,) array_like, optional
        The bias, for a problem that has one. Default: the best one for W.

    Returns
    -------
    LeastSquaresSplit

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Notes
    -----
    With ``H_c`` the features less their mean (with a bias) or the features (without), ``Y_c`` the
    labels so too and ``S = H_c H_c' / N + lambda_W I``,

    .. math::

        W^\ast &= \tfrac1N Y_c H_c' S^{-1}, \qquad b^\ast = \tfrac nN - W^\ast h_G, \\
        \text{deviation} &= \tfrac12 \operatorname{tr} \bigl( (W - W^\ast) S (W - W^\ast)' \bigr)
        + \tfrac12 \lVert b - (\tfrac nN - W h_G) \rVert^2 .

    The loss is quadratic in W and b, so that the two parts sum to it exactly.

    References
    ----------
    Han, Papyan, Donoho, ICLR 2022, arXiv 2106.02073, for the idea and the name. There the penalty
    is on the bias as well, and counts are equal.

    Examples
    --------
    At the optimum nothing is missed.

    >>> from nclib import global_minimizer
    >>> problem = Problem([5, 3, 2], 1, lambda_W=0.02, lambda_H=0.02)
    >>> (W,), H_bar, b = global_minimizer(problem).weights()
    >>> split = least_squares_split(problem, H_bar, W, b)
    >>> split.deviation < 1e-15
    True
    >>> twice = least_squares_split(problem, H_bar, 2 * W, b)
    >>> round(twice.deviation / split.least_squares, 3)
    7.875
    """
    if require_problem(problem).depth > 1:
        raise ValueError(f"problem must have one layer; got depth = {problem.depth}")
    n, N, K = problem.counts.n, problem.N, problem.K
    features, head = as_floats("H", H), as_floats("W", W)
    if features.ndim != 2 or features.shape[1] not in (N, K):
        raise ValueError(
            f"H must have shape (d, {N}) or (d, {K}), a column for each sample or class; "
            f"got {features.shape}"
        )
    if head.shape != (K, features.shape[0]):
        raise ValueError(f"W must have shape {(K, features.shape[0])}; got {head.shape}")
    if not problem.bias and b is not None:
        raise ValueError("b must be left out: the problem has no bias")
    per_sample = features.shape[1] == N
    weight = np.full(N, 1 / N) if per_sample else n / N
    labels = np.repeat(np.eye(K), n, axis=1) if per_sample else np.eye(K)
    mean = features @ weight if problem.bias else np.zeros(features.shape[0])
    share = labels @ weight if problem.bias else np.zeros(K)
    centred, targets = features - mean[:, None], labels - share[:, None]
    S = (centred * weight) @ centred.T + problem.lambda_W[0] * np.eye(mean.size)
    best = np.linalg.solve(S, (centred * weight) @ targets.T).T
    misfit = float(np.sum((best @ centred - targets) ** 2 * weight))
    penalty = problem.lambda_W[0] * float(np.sum(best**2))
    off = head - best
    deviation = 0.5 * float(np.sum((off @ S) * off))
    if b is not None:
        bias = as_floats("b", b)
        if bias.shape != (K,):
            raise ValueError(f"b must have shape {(K,)}; got {bias.shape}")
        deviation += 0.5 * float(np.sum((bias - (share - head @ mean)) ** 2))
    return LeastSquaresSplit(
        W=np.asarray(best, dtype=float),
        b=share - best @ mean if problem.bias else None,
        least_squares=(misfit + penalty) / 2,
        deviation=deviation,
    )


def least_squares_bound(problem: Problem, singular_values: ArrayLike) -> float:
    r"""Return the least that a head can leave, from nothing but the features' singular values.

    Parameters
    ----------
    problem : Problem
        With one layer.
    singular_values : (K,) array_like
        Of the weighted class means ``Hbar D``, counted from the mean of the features where there is
        a bias: what stored runs keep as ``features``.

    Returns
    -------
    float
        .. math:: \frac{\lambda_W}{2} \sum_k \frac{\kappa_k^2}{e_k^2 + N \lambda_W},

        with both falling. It is the least-squares part itself where features have collapsed and
        have the modes' directions, and below it otherwise. So loss less this is no smaller than the
        deviation.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Notes
    -----
    The least-squares part is ``lambda_W/2 tr(Y_c (H_c'H_c + N lambda_W I)^{-1} Y_c')``. Spread
    within the classes only adds to it, and for given singular values the trace is smallest where
    the largest of both share their directions (von Neumann's trace inequality).

    Examples
    --------
    >>> from nclib import global_minimizer
    >>> problem = Problem([5, 3, 2], 1, lambda_W=0.02, lambda_H=0.02)
    >>> best = global_minimizer(problem)
    >>> (W,), H_bar, b = best.weights()
    >>> part = least_squares_split(problem, H_bar, W, b).least_squares
    >>> abs(least_squares_bound(problem, best.feature_singular_values) - part) < 1e-15
    True
    """
    if require_problem(problem).depth > 1:
        raise ValueError(f"problem must have one layer; got depth = {problem.depth}")
    e = as_floats("singular_values", singular_values)
    if e.shape != (problem.K,) or not np.isfinite(e).all() or (e < 0).any():
        raise ValueError(
            f"singular_values must be {problem.K} numbers, none negative; "
            f"got {singular_values!r:.60}"
        )
    kappa = np.sort(Spectrum(problem.counts, bias=problem.bias).kappa)[::-1]
    e = np.sort(e)[::-1]
    price = problem.lambda_W[0]
    return float(price / 2 * np.sum(kappa**2 / (e**2 + problem.N * price)))
