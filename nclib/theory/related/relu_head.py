"""A deep head with ReLUs between its layers: collapse is feasible there, and not always best.

A head without a bias whose layers are linear has orthogonal class means, which fit into the
orthant, so the ReLUs let them pass: the optimum of the linear head is feasible for the head with
ReLUs. But that head may pass a code of lower rank through its inner layers, and unfold it to one
output a class at the end. Every layer then pays for fewer dimensions. `pair_code` is such a code,
and what it costs has a closed form, since a head with ReLUs is homogeneous in each of its layers.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from nclib._checks import as_whole
from nclib._records import Record
from nclib.theory import shrinkage
from nclib.theory.problem import Problem, require_problem

Array = NDArray[np.float64]

_SMALLEST_GRADIENT = 1e-9


@dataclass(frozen=True, eq=False, repr=False)
class ReLUCode(Record):
    """Layers and class means of a head with ReLUs that answers one-hot, up to scale.

    Attributes
    ----------
    Ws : list of L ndarray
        ``[W_1, ..., W_L]``, with a ReLU after each but the last.
    H : (d_0, K) ndarray
        Class means.
    """

    Ws: list[Array]
    H: Array

    @property
    def rank(self) -> int:
        """Rank of the class means."""
        return int(np.linalg.matrix_rank(self.H))

    def answers(self) -> Array:
        """Compute the head's answers to the class means, (K, K)."""
        layer = self.H
        for W in self.Ws[:-1]:
            layer = np.maximum(W @ layer, 0.0)
        return np.asarray(self.Ws[-1] @ layer)

    def __repr__(self) -> str:
        return f"ReLUCode(K={self.H.shape[1]}, depth={len(self.Ws)}, rank={self.rank})"


def collapsed_code(K: int, depth: int) -> ReLUCode:
    """Make the code of deep collapse: each class has an axis of its own in every layer."""
    return ReLUCode([np.eye(K)] * depth, np.eye(K))


def pair_code(K: int, depth: int) -> ReLUCode:
    r"""Make a code of rank r for classes that are pairs of r things.

    Parameters
    ----------
    K : int
        Number of classes, at least 3.
    depth : int
        Number of layers, at least 2.

    Returns
    -------
    ReLUCode
        With the smallest r for which r things have K pairs. Its class means, and all layers up to
        the last but one, have rank r.

    Notes
    -----
    A class mean has ones at the two things of its pair. The last layer but one is
    ``B' - 1/2 11'``, with the class means as columns of B: it answers 1 to its own pair, 0 to a
    pair with one thing in common and -1 to any other, and the ReLU leaves the identity.

    Examples
    --------
    >>> code = pair_code(10, depth=4)
    >>> code, bool(np.array_equal(code.answers(), np.eye(10)))
    (ReLUCode(K=10, depth=4, rank=5), True)
    """
    if depth < 2:
        raise ValueError(f"depth must be at least 2, for a ReLU between layers; got {depth}")
    if K < 3:
        raise ValueError(f"K must be at least 3, for pairs that differ; got {K}")
    r = math.ceil((1 + math.sqrt(1 + 8 * K)) / 2)
    B = np.zeros((r, K))
    for k, pair in enumerate(itertools.islice(itertools.combinations(range(r), 2), K)):
        B[list(pair), k] = 1.0
    inner = [np.eye(r) for _ in range(depth - 2)]
    return ReLUCode([*inner, B.T - 0.5, np.eye(K)], B)


def code_objective(problem: Problem, code: ReLUCode) -> float:
    r"""Return the lowest objective that a code reaches when each of its factors may be scaled.

    Parameters
    ----------
    problem : Problem
        Without a bias.
    code : ReLUCode
        Of as many layers and classes, with the identity for an answer.

    Returns
    -------
    float
        Nothing in it is searched: an upper bound of the optimum of the head with ReLUs.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Notes
    -----
    Scaled by factors whose product is t, the code answers ``t I``. For given t the factors share
    the price equally, and what is left is one mode of the one rule, with ``kappa^2 = N``:

    .. math:: \min_t\ \frac{(1 - t)^2}{2} + \frac{L+1}{2} \Bigl( \lambda_H \sum_k n_k
        \lVert h_k \rVert^2 \prod_j \lambda_{W_j} \lVert W_j \rVert_F^2 \Bigr)^{1/(L+1)}
        t^{2/(L+1)} .

    So of two codes the one with the smaller product of squared norms is better, at every strength
    of the penalties. Against deep collapse, on equal counts, the product of `pair_code` is
    ``r^(L-1) / (2 K^(L-2))`` times as large: with ``K = r (r-1) / 2``
    that is ``r/(r-1) > 1`` for three layers, and below 1 for four and more once K is at least 6.

    Examples
    --------
    >>> problem = Problem([30] * 10, 4, bias=False, lambda_W=0.004, lambda_H=0.004)
    >>> round(code_objective(problem, pair_code(10, 4)), 4)
    0.177
    >>> round(code_objective(problem, collapsed_code(10, 4)), 4)
    0.1942
    """
    _require_relu(problem, code)
    L = problem.depth
    squares = [float(np.sum(W**2)) for W in code.Ws]
    squares.append(float(problem.counts.n @ np.sum(code.H**2, axis=0)))
    log_price = problem.log_Lambda + sum(map(math.log, squares))
    # theta of a mode with kappa^2 = N is N Lambda: here the price.
    s = float(shrinkage.logistic(shrinkage.global_logit(np.array([log_price]), L))[0])
    return 0.5 * (1 - s) * (1 + L * s)


def descend_with_relus(
    problem: Problem, code: ReLUCode, steps: int = 3000
) -> tuple[float, ReLUCode]:
    """Go down from a code, with all entries of its layers and class means free.

    Parameters
    ----------
    problem : Problem
        Without a bias.
    code : ReLUCode
        Where to start, with the identity for an answer. Its factors are first scaled so that each
        pays the same and the answer is 0.9 times the identity.
    steps : int, default 3000
        Most iterations of L-BFGS; with 0 the end is the scaled start.

    Returns
    -------
    objective : float
        At the end: an upper bound of the optimum of the head with ReLUs, since every feature may
        equal its class mean.
    code : ReLUCode
        The end.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    >>> problem = Problem([30] * 6, 5, bias=False, lambda_W=0.005, lambda_H=0.005)
    >>> start = pair_code(6, 5)
    >>> descend_with_relus(problem, start)[0] <= code_objective(problem, start)
    True
    """
    _require_relu(problem, code)
    start = _scaled(problem, code)
    if as_whole("steps", steps, 0) == 0:  # L-BFGS always makes one
        return relu_objective(problem, start)[0], start
    shapes = [array.shape for array in (*start.Ws, start.H)]
    cuts = np.cumsum([rows * columns for rows, columns in shapes])[:-1]

    def unpacked(x: Array) -> ReLUCode:
        arrays = [
            part.reshape(shape) for part, shape in zip(np.split(x, cuts), shapes, strict=True)
        ]
        return ReLUCode(arrays[:-1], arrays[-1])

    def function(x: Array) -> tuple[float, Array]:
        value, gradient = relu_objective(problem, unpacked(x))
        return value, np.concatenate([part.ravel() for part in gradient])

    found = minimize(
        function,
        np.concatenate([array.ravel() for array in (*start.Ws, start.H)]),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": steps, "maxfun": 2 * steps, "ftol": 1e-15, "gtol": _SMALLEST_GRADIENT},
    )
    return float(found.fun), unpacked(found.x)


def relu_objective(problem: Problem, code: ReLUCode) -> tuple[float, list[Array]]:
    r"""Compute the objective of a head with ReLUs, and its gradient (one of them, at a kink).

    Parameters
    ----------
    problem : Problem
        Without a bias.
    code : ReLUCode
        Layers and class means; each feature equals its class mean.

    Returns
    -------
    objective : float
        .. math:: \frac{1}{2N} \sum_k n_k \lVert W_L \varrho(\cdots \varrho(W_1 h_k)) - e_k \rVert^2
            + \frac12 \sum_j \lambda_{W_j} \lVert W_j \rVert_F^2
            + \frac{\lambda_H}{2} \sum_k n_k \lVert h_k \rVert^2,
            \qquad \varrho(x) = \max(x, 0).
    gradient : list of L + 1 ndarray
        By each layer, then by the class means.

    Examples
    --------
    >>> problem = Problem([3, 2, 1], 2, bias=False, lambda_W=0.1, lambda_H=0.1)
    >>> round(relu_objective(problem, collapsed_code(3, 2))[0], 6)
    0.6
    """
    n, N, L = problem.counts.n, problem.N, problem.depth
    layers = [code.H]
    for j, W in enumerate(code.Ws):
        out = W @ layers[-1]
        layers.append(np.maximum(out, 0.0) if j < L - 1 else out)
    residual = layers[-1] - np.eye(problem.K)
    value = float(np.sum(residual**2 @ n)) / (2 * N)
    value += 0.5 * problem.lambda_H * float(np.sum(code.H**2 @ n))
    gradient: list[Array] = [code.H] * (L + 1)
    back = residual * (n / N)
    for j in range(L - 1, -1, -1):
        W, penalty = code.Ws[j], problem.lambda_W[j]
        value += 0.5 * penalty * float(np.sum(W**2))
        if j < L - 1:
            back = back * (layers[j + 1] > 0)
        gradient[j] = back @ layers[j].T + penalty * W
        back = W.T @ back
    gradient[L] = back + problem.lambda_H * n * code.H
    return value, gradient


def _scaled(problem: Problem, code: ReLUCode) -> ReLUCode:
    """Scale the factors so that each pays the same, and the code answers 0.9: not 0, a trap."""
    t = 0.9
    factors = [*code.Ws, code.H * np.sqrt(problem.counts.n)]
    penalties = [*problem.lambda_W, problem.lambda_H]
    costs = [lam * float(np.sum(f**2)) for lam, f in zip(penalties, factors, strict=True)]
    power = 1 / (problem.depth + 1)
    common = math.exp(power * sum(map(math.log, costs)))
    scales = [math.sqrt(common / cost) * t**power for cost in costs]
    Ws = [scale * W for scale, W in zip(scales, code.Ws, strict=False)]
    return ReLUCode(Ws, scales[-1] * code.H)


def _require_relu(problem: Problem, code: ReLUCode) -> None:
    if require_problem(problem).bias:
        raise ValueError("problem must have no bias: the codes answer without one")
    if not isinstance(code, ReLUCode):
        raise TypeError(f"code must be a ReLUCode; got {code!r:.60}")
    if len(code.Ws) != problem.depth or code.H.shape[1] != problem.K:
        raise ValueError(
            f"code must have {problem.depth} layers and {problem.K} classes; got {code!r}"
        )
