"""The optimum of a `LossProblem`: what every way to find it has in common."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nclib._records import Record
from nclib.theory.losses.groups import SmoothPart
from nclib.theory.losses.problem import LossProblem

Array = NDArray[np.float64]

LOGIT_TIE = 1e-9
"""Logits of different groups that differ by less than this, relative to the largest, are tied."""

LOGIT_NOISE = 1e-12
"""And by less than this, where all are next to 0: that is rounding, and nothing to softmax."""

_SAME_MEAN = 1e-7
"""Class means of different groups that differ by less, relative to the largest, are the same."""


@dataclass(frozen=True, eq=False)
class ClassOutcomes(Record):
    """What an optimum answers to the classes, by groups that are treated alike.

    Arrays have one entry for each of G groups. What counts are the logits of the model itself,
    ``W h + b``: whatever the loss adds to them, margins and adjustments, it adds in training only.

    Attributes
    ----------
    group : (K,) ndarray of int64
        The group of each class.
    count, size : (G,) ndarray of int64
        Samples of each of its classes, and number of its classes.
    own_logit : (G,) ndarray
        What the optimum answers for a sample's own class.
    rival_logit : (G,) ndarray
        The largest answer for another class.
    rival : (G,) ndarray of int64
        The group of that class, which may be the same group.
    right : (G,) ndarray
        Share of the samples that are classified right; 1/t in a tie of t classes.
    merged : (G,) ndarray of int64
        How many classes share the class-mean feature; 1 where a class stands apart.
    accuracy : float
        Training accuracy of the optimum: share of all training samples classified right.
    """

    group: NDArray[np.int64]
    count: NDArray[np.int64]
    size: NDArray[np.int64]
    own_logit: Array
    rival_logit: Array
    rival: NDArray[np.int64]
    right: Array
    merged: NDArray[np.int64]
    accuracy: float

    @property
    def classes_right(self) -> int:
        """Number of classes whose samples are all classified right."""
        return int(self.size[self.right == 1].sum())

    @property
    def classes_merged(self) -> int:
        """Number of classes that share their class-mean feature with another."""
        return int(self.size[self.merged > 1].sum())


class Optimum(Record):
    """What an optimum by groups offers, from its logits by group and its factors."""

    problem: LossProblem
    objective: float
    certificate: float

    def group_logits(self) -> tuple[Array, Array]:
        """Logits by group.

        Returns
        -------
        others : (G, G) ndarray
            Entry (a, b): what a sample of group b gets for a class of group a, not its own.
        own : (G,) ndarray
            What it gets for its own.
        """
        raise NotImplementedError

    @property
    def b(self) -> Array | None:
        """The bias, (K,); None for a problem without."""
        raise NotImplementedError

    @property
    def singular_values(self) -> Array:
        """Singular values of ``W_L ... W_1 Hbar diag(d)``, falling, (K,)."""
        raise NotImplementedError

    @property
    def alive(self) -> int:
        """Number of modes alive: the rank of the product."""
        return int(np.count_nonzero(self.singular_values))

    def _merged(self) -> NDArray[np.int64]:
        raise NotImplementedError

    def logits(self) -> Array:
        """Compute what the optimum outputs for each class, dense.

        Returns
        -------
        (K, K) ndarray
            Column l is the answer to a training sample of class l.
        """
        others, own = self.group_logits()
        group = self.problem.group
        Z = others[np.ix_(group, group)]
        np.fill_diagonal(Z, own[group])
        return Z

    def outcomes(self) -> ClassOutcomes:
        """Say what becomes of the classes: which are told apart and classified right.

        Returns
        -------
        ClassOutcomes
        """
        problem = self.problem
        size = np.bincount(problem.group)
        others, own = self.group_logits()
        index = np.arange(size.size)
        rivals = others.copy()
        rivals[index[size == 1], index[size == 1]] = -np.inf
        rival = rivals.argmax(axis=0)
        slack = LOGIT_TIE * max(float(np.abs(own).max()), float(np.abs(others).max()))
        slack = max(slack, LOGIT_NOISE)
        # Inside a group there is no rounding to allow for: its inner modes are alive or dead.
        margin = np.full(rivals.shape, slack)
        margin[index, index] = 0.0
        beaten = (rivals > own + margin).any(axis=0)
        tied = size @ (np.abs(rivals - own) <= margin)
        tied -= np.abs(rivals - own)[index, index] <= 0.0
        right = np.where(beaten, 0.0, 1.0 / (1.0 + tied))
        count = problem.counts.n[problem.representative]
        return ClassOutcomes(
            group=problem.group,
            count=count,
            size=size,
            own_logit=own,
            rival_logit=rivals[rival, index],
            rival=rival,
            right=right,
            merged=self._merged(),
            accuracy=float(right @ (size * count)) / problem.N,
        )


@dataclass(frozen=True, eq=False, repr=False)
class LossMinimizer(Optimum):
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

    @cached_property
    def _price(self) -> Array:
        """What each of the L + 1 factors pays for each singular value, lambda times its square."""
        power = 1 / (self.problem.depth + 1)
        price: Array = math.exp(power * self.problem.model.log_Lambda) * self.singular_values ** (
            2 * power
        )
        return price

    @property
    def feature_singular_values(self) -> Array:
        """Singular values of the weighted class means ``Hbar diag(d)``, (K,)."""
        return np.sqrt(self._price / self.problem.lambda_H)

    @property
    def layer_singular_values(self) -> Array:
        """Singular values of W_1, ..., W_L, one row a layer, (L, K)."""
        values: Array = np.sqrt(self._price / np.array(self.problem.lambda_W)[:, None])
        return values

    @property
    def b(self) -> Array | None:
        """The bias, (K,); None for a problem without."""
        if self.problem.bias == "none":
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
    def _factors(self) -> tuple[Array, Array, Array]:
        """Singular value decomposition of the product ``W_L ... W_1 Hbar diag(d)``, dense."""
        problem = self.problem
        logits = self.logits()
        if problem.bias != "none":
            logits -= self.group_bias[problem.group][:, None]
        product = logits * problem.form.scale[problem.group]
        if not np.any(product - np.diag(product.diagonal())):
            # So that the class means are along the axes, which a ReLU asks for.
            order = np.argsort(-product.diagonal(), kind="stable")
            basis = np.eye(problem.K)[:, order]
            return basis, self.singular_values, basis.T
        left, _, right = np.linalg.svd(product)
        return left, self.singular_values, right

    def head(self) -> Array:
        """Build the head's product ``W_L ... W_1``, up to a rotation that `class_means` shares.

        Returns
        -------
        (K, K) ndarray
        """
        left, z, _ = self._factors
        size = self.feature_singular_values
        return np.asarray(left * np.divide(z, size, out=np.zeros_like(z), where=size > 0))

    def class_means(self) -> Array:
        """Features of the classes, one column each, up to the same rotation.

        Returns
        -------
        (K, K) ndarray
            Rows past `alive` are 0.
        """
        right = self._factors[2]
        scale = self.problem.form.scale[self.problem.group]
        return np.asarray(self.feature_singular_values[:, None] * right / scale)

    def weights(self) -> tuple[list[Array], Array, Array | None]:
        """Build explicit weights, class means and bias that attain the minimum.

        Returns
        -------
        Ws : list of L ndarray
            ``[W_1, ..., W_L]``, each K x K.
        H_bar : (K, K) ndarray
            Class means; every feature equals that of its class.
        b : (K,) ndarray or None
        """
        Ws = [np.diag(row) for row in self.layer_singular_values]
        Ws[-1] = self._factors[0] @ Ws[-1]
        return Ws, self.class_means(), self.b

    def _merged(self) -> NDArray[np.int64]:
        form = self.problem.form
        size = np.bincount(self.problem.group)
        together = (self.inner == 0) | (size == 1)
        _, z, right = self.between
        k = z.size
        share = np.sqrt(z / z.max())[:, None] if z.size and z.max() > 0 else np.zeros((k, 1))
        means = share * right[:k] / (np.sqrt(form.size) * form.scale)
        squares = np.sum(means**2, axis=0)
        distance = squares[:, None] + squares - 2 * means.T @ means
        same = distance <= _SAME_MEAN**2 * max(float(squares.max()), 1e-300)
        same |= np.eye(form.G, dtype=bool)
        same &= together[:, None] & together
        return np.where(together, same @ size, 1)

    def __repr__(self) -> str:
        return (
            f"LossMinimizer({self.alive} of {self.problem.K} modes alive, "
            f"objective={self.objective:.6g}, certificate={self.certificate:.1e})"
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
