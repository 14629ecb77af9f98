"""Optima in closed form: the squared error at any depth, and cross-entropy after a ReLU."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nclib._records import Record
from nclib.theory import shrinkage
from nclib.theory.groups import Groups
from nclib.theory.losses.certificate import best_bias, inner_slopes
from nclib.theory.losses.groups import SmoothPart
from nclib.theory.losses.minimizer import LossMinimizer, by_group, from_coordinates
from nclib.theory.losses.objects import CrossEntropy
from nclib.theory.losses.problem import LossProblem
from nclib.theory.optimum import Optimum

Array = NDArray[np.float64]

_UNIFORM = 1e-12
"""Weights of the squared error that agree so far, relative to them, are one."""


@dataclass(frozen=True)
class SquaredModes:
    """The modes of a squared-error problem that the one rule settles one by one.

    Attributes
    ----------
    inner : (G,) ndarray
        kappa of the inner modes of each group, 0 for a group of one class.
    between : tuple of ndarray
        ``(U, kappa, V')`` of the modes between groups.
    inner_weight : (G,) ndarray
    between_weight : ndarray
        Weight of each mode's misfit, ``w (kappa - z)^2 / (2N)``.
    group_bias : (G,) ndarray
    """

    smooth: SmoothPart
    inner: Array
    between: tuple[Array, Array, Array]
    inner_weight: Array
    between_weight: Array
    group_bias: Array


def squared_modes(problem: LossProblem) -> SquaredModes | None:
    """Split a squared-error problem into modes, where that is possible; else None.

    Without a bias and with one-hot targets the modes are the classes, each with its own weight
    (any weights, any depth). With a free bias and one weight for all samples they are the singular
    vectors of the centred targets.
    """
    form = problem.form
    if form.softmax:
        return None
    smooth = SmoothPart(form)
    weight = form.mass * problem.N / form.scale**2
    if problem.bias == "none" and not form.other.any():
        identity = np.eye(form.G)
        kappa = form.own * form.scale
        return SquaredModes(
            smooth,
            np.where(form.has_inner, kappa, 0.0),
            (identity, kappa, identity),
            weight,
            weight,
            np.zeros(form.G),
        )
    if problem.bias != "free" or np.ptp(weight) > _UNIFORM * weight.max():
        return None
    point, local = best_bias(smooth, smooth.zero)
    slope = smooth.gradient(point, local.residual, local.own_residual)
    left, kappa, right = np.linalg.svd(-slope.between * (problem.N / weight[0]))
    inner = -inner_slopes(smooth, slope) * (problem.N / weight[0])
    return SquaredModes(
        smooth,
        np.where(form.has_inner, inner, 0.0),
        (left, kappa, right),
        weight,
        np.full(kappa.size, weight[0]),
        smooth.bias(point),
    )


def mode_log_theta(problem: LossProblem, kappa: Array, weight: Array) -> Array:
    """Logarithm of theta of modes with a weight: N is replaced by N / weight in the one rule."""
    result: Array = shrinkage.log_theta(kappa, problem) - (problem.depth + 1) * np.log(weight)
    return result


def squared_minimizer(problem: LossProblem, modes: SquaredModes) -> LossMinimizer:
    """Minimise mode by mode, and keep those that gain most where a width limits their number."""
    form, depth = problem.form, problem.depth

    def shares(kappa: Array, weight: Array) -> tuple[Array, Array]:
        logit = shrinkage.global_logit(mode_log_theta(problem, kappa, weight), depth)
        s, rest = shrinkage.logistic(logit), shrinkage.logistic(-logit)
        return s, kappa**2 * weight / (2 * problem.N) * (1 - rest * (1 + depth * s))

    left, kappa, right = modes.between
    inner_s, inner_gain = shares(modes.inner, modes.inner_weight)
    between_s, between_gain = shares(kappa, modes.between_weight)
    copies = np.concatenate([form.size - 1, np.ones(kappa.size)]).astype(np.int64)
    s = np.concatenate([inner_s, between_s])
    gain = np.concatenate([inner_gain, between_gain])
    copies[s == 0] = 0
    if copies.sum() > problem.rank_limit:
        keep = _largest(gain, copies, problem.rank_limit)
        s, gain = np.where(keep, s, 0.0), np.where(keep, gain, 0.0)
    inner_s, between_s = s[: form.G], s[form.G :]
    energy = float((form.size - 1) @ (modes.inner**2 * modes.inner_weight))
    energy += float(kappa**2 @ modes.between_weight)
    objective = energy / (2 * problem.N) - float(copies @ gain)
    return from_coordinates(
        problem,
        modes.smooth,
        objective,
        0.0,
        inner_s * modes.inner,
        (left, between_s * kappa, right),
        modes.group_bias,
    )


def _largest(gain: Array, copies: NDArray[np.int64], limit: int) -> NDArray[np.bool_]:
    """Choose the blocks of equal modes with the largest gains that a width has room for."""
    order = np.argsort(-np.where(copies > 0, gain, -1.0), kind="stable")
    total = np.cumsum(copies[order])
    keep = np.zeros(gain.size, dtype=bool)
    keep[order[total <= limit]] = True
    kept, left_out = gain[keep & (copies > 0)], gain[~keep & (copies > 0)]
    room = limit - int(copies[keep].sum())
    if room > 0 or (kept.size and kept.min() <= left_out.max(initial=0.0) * (1 + _UNIFORM)):
        raise ValueError(
            f"widths leave room for {limit} modes, which cuts a block of equal ones: then only the "
            "objective is determined, not which classes are told apart"
        )
    return keep


@dataclass(frozen=True, eq=False, repr=False)
class NonNegativeMinimizer(Optimum, Record):
    """Global minimiser of cross-entropy on features after a ReLU, one layer, no bias.

    The classes do not interact: the class means are orthogonal, one axis each, and class k leads
    every other one by its own number. Made by `loss_minimizer`.

    Attributes
    ----------
    problem : LossProblem
    lead : (G,) ndarray
        Own logit minus each other one, 0 for a dead class.
    """

    problem: LossProblem
    lead: Array

    certificate = 0.0
    unique = None

    @cached_property
    def _cost(self) -> Array:
        """Price of a unit of lead of each class, (G,)."""
        K = self.problem.K
        return np.asarray(self.problem.price * self.problem.form.scale * math.sqrt((K - 1) / K))

    @cached_property
    def objective(self) -> float:  # type: ignore[override]
        """Value of the objective at the minimum."""
        form = self.problem.form
        loss = form.mass * form.total * np.log1p((self.problem.K - 1) * np.exp(-self.lead))
        return float(form.size @ (loss + self._cost * self.lead))

    @property
    def b(self) -> Array | None:
        """There is no bias: None."""
        return None

    @property
    def alive(self) -> int:
        """Number of classes alive."""
        return int(np.bincount(self.problem.group)[self.lead > 0].sum())

    @cached_property
    def _svd(self) -> tuple[Array, Array, Array]:
        left, z, right = np.linalg.svd(self.logits() * self.problem.form.scale[self.problem.group])
        z[self.alive :] = 0.0
        return left, z, right.T

    @property
    def singular_values(self) -> Array:
        """Singular values of the product ``W Hbar diag(d)``, falling, (K,)."""
        return self._svd[1]

    @property
    def modes(self) -> tuple[Array, Array]:
        """Left and right singular vectors of the product, in columns, shape (K, K) each."""
        return self._svd[0], self._svd[2]

    @property
    def shares_modes(self) -> bool:
        """A ReLU asks for class means along the axes, which are not the product's modes."""
        return False

    @property
    def between_values(self) -> Array:
        """No mode between groups is found by a search: each class is settled by itself, (0,)."""
        return np.zeros(0)

    def group_logits(self) -> tuple[Array, Array]:
        """Logits by group: (G, G) of classes that are not a sample's own, and (G,) of its own."""
        K = self.problem.K
        others = np.tile(-self.lead / K, (self.lead.size, 1))
        return others, self.lead * (K - 1) / K

    @cached_property
    def groups(self) -> Groups:
        """Logits by groups of classes that the problem treats alike."""
        dead = self.lead == 0
        merged = np.where(dead, np.bincount(self.problem.group)[dead].sum(), 1)
        return by_group(self.problem, *self.group_logits(), lead=self.lead, merged=merged)

    def head(self) -> Array:
        """Build the head W, (K, K): a column for each class, its own entry against all others."""
        K, group = self.problem.K, self.problem.group
        means = self._mean_length[group]
        size = np.divide(self.lead[group], means, out=np.zeros(K), where=means > 0)
        return np.asarray((np.eye(K) - 1 / K) * size)

    def class_means(self) -> Array:
        """Features of the classes, one axis each, (K, K)."""
        return np.diag(self._mean_length[self.problem.group])

    def along_modes(self, weight: Array) -> tuple[Array, Array]:
        """Head and class means, seen along the modes of their product."""
        left, right = self.modes
        return left.T @ self.head(), (self.class_means() * weight) @ right

    def weights(
        self, seed: int | np.random.Generator = 0
    ) -> tuple[list[Array], Array, Array | None]:
        """Explicit weights and class means that attain the minimum; nothing is left to draw."""
        return [self.head()], self.class_means(), None

    @cached_property
    def _mean_length(self) -> Array:
        # Both factors pay half of the price: lambda_H d^2 h^2 = cost * lead.
        weight = self.problem.lambda_H * self.problem.form.scale**2
        return np.sqrt(self._cost * self.lead / weight)

    def __repr__(self) -> str:
        return (
            f"NonNegativeMinimizer({self.alive} of {self.problem.K} classes alive, "
            f"objective={self.objective:.6g})"
        )


def non_negative_shares(problem: LossProblem) -> Array:
    """Share c of each group: alive iff c < (K - 1)/K; c grows like the penalties."""
    K, form = problem.K, problem.form
    cost = problem.price * form.scale * math.sqrt((K - 1) / K)
    return np.asarray(cost / (form.mass * form.total))


def non_negative_minimizer(problem: LossProblem) -> NonNegativeMinimizer:
    """Minimise cross-entropy on features after a ReLU, without a bias, with one layer."""
    if not isinstance(problem.loss, CrossEntropy) or not problem.loss.is_plain:
        raise ValueError(
            "loss must be cross-entropy with no more than class weights where the features are "
            "non-negative: for anything else no closed form is known, and the problem is not convex"
        )
    K = problem.K
    share = non_negative_shares(problem)
    alive = share < (K - 1) / K
    with np.errstate(divide="ignore", invalid="ignore"):
        lead = np.where(alive, math.log(K - 1) + np.log(1 / share - 1), 0.0)
    best = NonNegativeMinimizer(problem, lead)
    if best.alive > problem.rank_limit:
        raise ValueError(
            f"widths must leave room for the {best.alive} classes alive; got {problem.widths}"
        )
    return best
