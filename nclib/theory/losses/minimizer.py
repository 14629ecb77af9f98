"""The optimum of a `LossProblem`, by its modes inside and between groups of classes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nclib._records import Record
from nclib.theory.groups import Groups, sharing_a_mean
from nclib.theory.losses.groups import SmoothPart
from nclib.theory.losses.problem import LossProblem
from nclib.theory.optimum import Optimum

Array = NDArray[np.float64]

LOGIT_TIE = 1e-9
"""Logits of different groups that differ by less than this, relative to the largest, are tied."""

LOGIT_NOISE = 1e-12
"""And by less than this, where all are next to 0: that is rounding, and nothing to softmax."""

_SAME_MEAN = 1e-7
"""Class means of different groups that differ by less, relative to the largest, are the same."""


@dataclass(frozen=True, eq=False, repr=False)
class LossMinimizer(Optimum, Record):
    """Global minimiser of a `LossProblem`; made by `loss_minimizer`.

    Attributes
    ----------
    problem : LossProblem
    objective : float
    certificate : float
        Relative duality gap: no point has an objective below ``objective (1 - certificate)``. 0 for
        closed forms.
    inner : (G,) ndarray
        Singular value of the inner modes of each group, one less than it has classes; 0 where they
        are dead, and for groups of one class.
    between : tuple of ndarray
        ``(U, z, V')``: modes that are constant on groups, on the orthonormal basis of the groups,
        shapes (G, p), (min(p, q),), (q, G).
    group_bias : (G,) ndarray
        The bias of each group; 0 without a bias.
    """

    problem: LossProblem
    objective: float
    certificate: float
    inner: Array
    between: tuple[Array, Array, Array] = field(repr=False)
    group_bias: Array = field(repr=False)

    unique = None

    @cached_property
    def singular_values(self) -> Array:
        """Singular values z of the product ``W_L ... W_1 Hbar diag(d)``, falling, (K,).

        d is sqrt(n), or what the features' penalty counts of each class under a sampler.
        """
        inner = np.repeat(self.inner, np.bincount(self.problem.group) - 1)
        z = np.concatenate([inner, self.between[1]])
        values = np.zeros(self.problem.K)
        values[: z.size] = np.sort(z)[::-1]
        return values

    @property
    def b(self) -> Array | None:
        """The bias, (K,); None for a problem without."""
        if not self.problem.has_bias:
            return None
        return np.asarray(self.group_bias[self.problem.group])

    def group_logits(self) -> tuple[Array, Array]:
        """Logits by group: (G, G) of classes that are not a sample's own, and (G,) of its own."""
        form = self.problem.form
        root = np.sqrt(form.size)
        left, z, right = self.between
        k = z.size
        matrix = (left[:, :k] * z) @ right[:k]
        index = np.arange(form.G)
        common = (matrix[index, index] - self.inner) / form.size
        others = matrix / np.outer(root, root * form.scale) + self.group_bias[:, None]
        others[index, index] = common / form.scale + self.group_bias
        return others, (common + self.inner) / form.scale + self.group_bias

    @cached_property
    def groups(self) -> Groups:
        """Logits by groups of classes that the problem treats alike."""
        others, own = self.group_logits()
        form = self.problem.form
        size = np.bincount(self.problem.group)
        _, z, right = self.between
        share = np.sqrt(z / z.max())[:, None] if z.size and z.max() > 0 else np.zeros((z.size, 1))
        means = share * right[: z.size] / (np.sqrt(form.size) * form.scale)
        together = (self.inner == 0) | (size == 1)
        return by_group(
            self.problem,
            others,
            own,
            lead=self.inner / form.scale,
            merged=sharing_a_mean(means, size, together, _SAME_MEAN),
        )

    @property
    def between_values(self) -> Array:
        """Singular values of the modes between groups, (min(p, q),)."""
        return self.between[1]

    @cached_property
    def modes(self) -> tuple[Array, Array]:
        """Left and right singular vectors of the product, in columns, shape (K, K) each."""
        problem = self.problem
        logits = self.logits()
        if problem.has_bias:
            logits -= self.group_bias[problem.group][:, None]
        product = logits * problem.form.scale[problem.group]
        if not np.any(product - np.diag(product.diagonal())):
            # So that the class means are along the axes, which a ReLU asks for.
            order = np.argsort(-product.diagonal(), kind="stable")
            basis = np.eye(problem.K)[:, order]
            return basis, basis
        left, _, right = np.linalg.svd(product)
        return left, right.T

    def __repr__(self) -> str:
        return (
            f"LossMinimizer({self.alive} of {self.problem.K} modes alive, "
            f"objective={self.objective:.6g}, certificate={self.certificate:.1e})"
        )


def by_group(
    problem: LossProblem, others: Array, own: Array, lead: Array, merged: NDArray[np.int64]
) -> Groups:
    """Make `Groups` of a problem's groups, whose logits are known up to rounding or a gap."""
    slack = max(LOGIT_TIE * max(float(np.abs(own).max()), float(np.abs(others).max())), LOGIT_NOISE)
    return Groups(
        group=problem.group,
        own=own,
        lead=lead,
        rows=lambda chosen: others.T[chosen].copy(),
        slack=np.full(own.size, slack),
        merged=merged,
        kin=np.arange(own.size),
    )


def from_coordinates(
    problem: LossProblem,
    smooth: SmoothPart,
    objective: float,
    certificate: float,
    inner: Array,
    between: tuple[Array, Array, Array],
    group_bias: Array,
) -> LossMinimizer:
    """Make a minimiser whose modes between groups are in the coordinates of a `SmoothPart`."""
    left, z, right = between
    return LossMinimizer(
        problem,
        objective,
        certificate,
        inner,
        (smooth.left.lift(left, axis=-2), z, smooth.right.lift(right, axis=-1)),
        group_bias,
    )
