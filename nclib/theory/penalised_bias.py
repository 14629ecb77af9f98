"""A penalty on the bias: between a free bias and none at all.

The paper's Definition 3.1 has a term ``rho_b/2 ||b||^2`` and sets rho_b = 0. For rho_b > 0 nothing
is settled mode by mode any more, but where the counts are equal: the bias then leaves a part of the
label mean to the features, and that part has the direction sqrt(n), which is no singular vector of
D. With one layer the problem is convex in the prediction, and is solved as such here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nclib._checks import positive
from nclib._records import Record
from nclib.theory import shrinkage
from nclib.theory.counts import first_of_each
from nclib.theory.groups import Groups, sharing_a_mean
from nclib.theory.optimum import Optimum
from nclib.theory.problem import Problem, require_problem

Array = NDArray[np.float64]

_MOST_STEPS = 500_000

_STILL = 1e-14
"""Relative step of the convex iteration at which it has come to rest."""

_ROUNDING = 1e-13
"""A singular value below this, relative to the largest, is 0 (below the rest of the iteration)."""


LOGIT_TIE = 1e-9
"""Logits that differ by less, relative to the largest, are tied."""

_SAME_MEAN = 1e-7
"""Class means that differ by less, relative to the largest, are the same."""


@dataclass(frozen=True, eq=False, repr=False)
class PenalisedBiasMinimizer(Optimum, Record):
    r"""Global minimiser of a `Problem` with the term ``rho_b/2 ||b||^2`` added to its objective.

    Made by `penalised_bias_minimizer`.

    Attributes
    ----------
    problem : Problem
        The model with a free bias.
    rho_b : float
        Penalty on the bias.
    prediction : (K, K) ndarray
        ``P Hbar D``, the weighted class means as the head maps them. (Not centred: the mean of the
        features is not 0.)

    Notes
    -----
    With ``v = sqrt(n / N)``, ``gamma^2 = rho_b / (1 + rho_b)`` and
    ``M = I - (1 - gamma^2) v v'``, the best bias for a prediction T, and the objective that is
    left, with the singular values z of T, are

    .. math:: b &= \frac{1}{1 + \rho_b} \left( \frac{n}{N} - \frac{T v}{\sqrt N} \right), \\
        f(T) &= \frac{1}{2N} \operatorname{tr} \bigl( (T - D) M (T - D)' \bigr)
        + \frac{L+1}{2} \Lambda^{1/(L+1)} \sum_i z_i^{2/(L+1)}.
    """

    problem: Problem
    rho_b: float
    prediction: Array

    certificate = 0.0
    unique = None

    @cached_property
    def b(self) -> Array:
        """The bias, shape (K,)."""
        n, N = self.problem.counts.n, self.problem.N
        bias: Array = (n / N - self.prediction @ np.sqrt(n) / N) / (1 + self.rho_b)
        return bias

    @cached_property
    def _svd(self) -> tuple[Array, Array, Array]:
        left, z, right = np.linalg.svd(self.prediction)
        # The (L+1)-th root would make weights of the rounding of a dead mode.
        z[z <= _ROUNDING * z[0]] = 0.0
        return left, z, right

    @property
    def singular_values(self) -> Array:
        """Singular values of the prediction, falling, shape (K,)."""
        return self._svd[1]

    @property
    def modes(self) -> tuple[Array, Array]:
        """Left and right singular vectors of the prediction, in columns, shape (K, K) each."""
        return self._svd[0], self._svd[2].T

    @cached_property
    def objective(self) -> float:  # type: ignore[override]
        """Value of the objective at the minimum, the penalty on the bias included."""
        misfit = _centred(self.prediction - np.diag(np.sqrt(self.problem.counts.n)), self)
        fit = float(np.sum(misfit**2)) / (2 * self.problem.N)
        return fit + (self.problem.depth + 1) / 2 * float(self._price.sum())

    @cached_property
    def groups(self) -> Groups:
        """Logits by groups of classes of one count."""
        counts, index = self.problem.counts, np.arange(self.problem.counts.m)
        first, size = first_of_each(counts.group), counts.multiplicities
        # The last class of a group: another than the first, where there are two.
        last = counts.K - 1 - first_of_each(counts.group[::-1])
        Z = self.prediction / np.sqrt(counts.n) + self.b[:, None]
        own, others = Z[first, first], Z[np.ix_(first, first)]
        others[index, index] = Z[last, first]
        slack = LOGIT_TIE * float(np.abs(Z).max())
        lead = own - others[index, index]  # 0 for a class alone
        lead[np.abs(lead) <= slack] = 0.0
        means = self.class_means()[:, first]
        return Groups(
            group=counts.group,
            own=own,
            lead=lead,
            rows=lambda chosen: others.T[chosen].copy(),
            slack=np.full(own.size, slack),
            merged=sharing_a_mean(means, size, lead == 0, _SAME_MEAN),
            kin=index,
        )

    def __repr__(self) -> str:
        return (
            f"PenalisedBiasMinimizer(rho_b={self.rho_b:g}, depth={self.problem.depth}, "
            f"objective={self.objective:.6g})"
        )


def _centred(rows: Array, minimum: PenalisedBiasMinimizer) -> Array:
    """Take the share 1 - gamma of the component along sqrt(n) off every row."""
    gamma = math.sqrt(minimum.rho_b / (1 + minimum.rho_b))
    v = np.sqrt(minimum.problem.counts.n / minimum.problem.N)
    return rows - np.outer((1 - gamma) * (rows @ v), v)


def penalised_bias_minimizer(problem: Problem, rho_b: float) -> PenalisedBiasMinimizer:
    """Minimise the model with a penalty on the bias, ``rho_b/2 ||b||^2``.

    Parameters
    ----------
    problem : Problem
        With a bias and no width below K. One layer, or equal counts: for more layers and unequal
        counts no closed form is known, and the problem is not convex.
    rho_b : float
        Penalty on the bias, positive.

    Returns
    -------
    PenalisedBiasMinimizer
        For equal counts in closed form. For one layer and unequal counts in closed form above
        `penalised_bias_threshold`, and below it by proximal gradient steps on the convex problem
        (dense: each step takes the singular value decomposition of a K x K matrix; their number
        grows like 1 / sqrt(rho_b)).

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Notes
    -----
    Equal counts n_c: the K - 1 contrasts of the classes are as for a free bias. The direction of
    the mean, which a free bias takes over, is a mode of the same ``kappa = sqrt(n_c)`` for which
    the fit counts only ``gamma^2 = rho_b / (1 + rho_b)``: N is replaced by ``N / gamma^2`` in the
    one rule. It is alive only if the others are.

    Examples
    --------
    >>> problem = Problem([3, 2, 1], depth=1, lambda_W=0.05, lambda_H=0.02)
    >>> penalised_bias_minimizer(problem, rho_b=0.3)
    PenalisedBiasMinimizer(rho_b=0.3, depth=1, objective=0.112116)
    """
    _require_bias(problem)
    rho_b = positive("rho_b", rho_b)
    if problem.rank_limit < problem.K:
        raise ValueError(
            f"problem must have no width below K = {problem.K} for a penalised bias; "
            f"got widths = {problem.widths}"
        )
    if problem.counts.m == 1:
        prediction = _balanced(problem, rho_b)
    elif problem.depth > 1:
        raise ValueError(
            f"problem must have one layer or equal counts for a penalised bias; got depth = "
            f"{problem.depth} and {problem.counts.m} distinct counts"
        )
    elif rho_b > penalised_bias_threshold(problem):
        n, cut = problem.counts.n, problem.N * _tau(problem)
        prediction = np.diag(np.sqrt(n) - cut)
        prediction -= _tau(problem) / rho_b * np.sqrt(np.outer(n, n))
    else:
        prediction = _one_layer(problem, rho_b)
    return PenalisedBiasMinimizer(problem, rho_b, prediction)


def penalised_bias_threshold(problem: Problem) -> float:
    r"""Penalty on the bias from which on one layer answers as if it had no bias.

    Parameters
    ----------
    problem : Problem
        One layer, with a bias.

    Returns
    -------
    float
        .. math:: \rho_c = \tau \sum_k \frac{n_k}{\sqrt{n_k} - N \tau},
            \qquad \tau = \sqrt{\lambda_W \lambda_H}.

        For every ``rho_b > rho_c`` the logits are those of the same problem without bias, while the
        bias is ``tau / rho_b * sqrt(n)``. Infinite where that problem has lost a class, that is,
        where some ``sqrt(n_k) <= N tau``.

    Raises
    ------
    TypeError, ValueError
        If `problem` is not as described.

    Examples
    --------
    >>> problem = Problem([3, 2, 1], depth=1, lambda_W=0.01, lambda_H=0.01)
    >>> round(penalised_bias_threshold(problem), 4)
    0.0433
    """
    _require_bias(problem)
    if problem.depth > 1:
        raise ValueError(f"problem must have one layer; got depth = {problem.depth}")
    n, tau = problem.counts.n, _tau(problem)
    room = np.sqrt(n) - problem.N * tau
    return float(tau * np.sum(n / room)) if room.min() > 0 else math.inf


def _require_bias(problem: Problem) -> None:
    if not require_problem(problem).bias:
        raise ValueError("problem must have a bias: there is none to penalise")


def _tau(problem: Problem) -> float:
    return math.exp(problem.log_Lambda / 2)


def _balanced(problem: Problem, rho_b: float) -> Array:
    """Prediction for equal counts: two thresholds, for the contrasts and for the mean."""
    kappa = math.sqrt(problem.counts.values[0])
    # theta of the mean mode has N / gamma^2 for N: it is larger by gamma^(-2 (L+1)).
    larger = (problem.depth + 1) * math.log1p(1 / rho_b)
    log_theta = shrinkage.log_theta(kappa, problem) + np.array([0.0, larger])
    contrasts, mean = kappa * shrinkage.logistic(shrinkage.global_logit(log_theta, problem.depth))
    K = problem.K
    return np.asarray(contrasts * np.eye(K) + (mean - contrasts) / K)


def _one_layer(problem: Problem, rho_b: float) -> Array:
    """Prediction T that minimises ``1/(2N) tr((T-D) M (T-D)') + tau ||T||_*``.

    Gradient steps of length N, each followed by soft thresholding of the singular values, with the
    constant momentum that suits the strong convexity gamma^2.
    """
    n, cut = problem.counts.n, problem.N * _tau(problem)
    D, v = np.diag(np.sqrt(n)), np.sqrt(n / problem.N)
    gamma = math.sqrt(rho_b / (1 + rho_b))
    momentum = (1 - gamma) / (1 + gamma)
    still = _STILL * math.sqrt(n.max())
    T = ahead = np.zeros_like(D)
    for _ in range(_MOST_STEPS):
        # ahead - (ahead - D) M, with M = I - (1 - gamma^2) v v'
        target = D + np.outer((1 - gamma**2) * ((ahead - D) @ v), v)
        left, values, right = np.linalg.svd(target)
        new = left * np.maximum(values - cut, 0.0) @ right
        step = new - T
        T, ahead = new, new + momentum * step
        if np.abs(step).max() <= still:
            return np.asarray(T)
    raise RuntimeError(f"penalised bias: no rest after {_MOST_STEPS} steps for rho_b = {rho_b}")
