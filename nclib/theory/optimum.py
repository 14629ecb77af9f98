"""What every optimum offers, however it was found, and what it does to the classes.

Outcomes by class, metrics, figures and reports ask an `Optimum` for nothing more than is here. A
new kind of optimum gives its singular values and vectors, its bias and its `Groups`; the rest
follows from them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from nclib._checks import generator
from nclib._records import Record
from nclib.theory.counts import first_of_each
from nclib.theory.groups import Groups
from nclib.theory.model import ClassModel, Layers

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator

Array = NDArray[np.float64]

Basis: TypeAlias = "Array | LinearOperator"
"""Singular vectors as columns; large ones are never written out."""


M = TypeVar("M", bound="Optimum")


class Factors:
    """The product ``W_L ... W_1 Hbar diag(d)`` of an optimum, and how its factors share it.

    Attributes
    ----------
    problem : Layers
        What it minimises.
    objective : float
        Value of the objective.
    certificate : float
        Relative duality gap: no point has an objective below ``objective (1 - certificate)``. 0 for
        closed forms.
    """

    problem: Layers
    objective: float
    certificate: float

    @property
    def singular_values(self) -> Array:
        """Singular values z of the product, falling, (K,)."""
        raise NotImplementedError

    @property
    def alive(self) -> int:
        """Number of modes alive: the rank of the product."""
        return int(np.count_nonzero(self.singular_values))

    @property
    def survives(self) -> NDArray[np.bool_]:
        """Which modes are alive, shape (K,)."""
        return np.arange(self.problem.K) < self.alive

    @cached_property
    def _price(self) -> Array:
        """What each of the L + 1 factors pays for each mode, lambda times its square, (K,)."""
        power = 1 / (self.problem.depth + 1)
        price: Array = math.exp(power * self.problem.log_Lambda) * self.singular_values ** (
            2 * power
        )
        return price

    @property
    def layer_singular_values(self) -> Array:
        """Singular values of W_1, ..., W_L, one row a layer, shape (L, K)."""
        values: Array = np.sqrt(self._price / np.array(self.problem.lambda_W)[:, None])
        return values

    @property
    def feature_singular_values(self) -> Array:
        """Singular values of the weighted class means ``Hbar diag(d)``, shape (K,)."""
        return np.sqrt(self._price / self.problem.lambda_H)

    @property
    def product_singular_values(self) -> Array:
        """Singular values of the head's product ``P = W_L ... W_1``, shape (K,)."""
        z, e = self.singular_values, self.feature_singular_values
        return np.divide(z, e, out=np.zeros_like(z), where=e > 0)


class Optimum(Factors):
    """What every optimum for classes offers.

    Attributes
    ----------
    problem : ClassModel
        What it minimises: a `Problem` or `LossProblem`.
    unique : bool or None
        Whether every optimum of this value agrees with it; None where that is not known.
    """

    problem: ClassModel
    unique: bool | None

    @property
    def kappa(self) -> Array | None:
        """Singular values of the labels, by mode, where the one rule settles each mode; else None.

        Shape (K,).
        """
        return None

    @property
    def b(self) -> Array | None:
        """The bias, shape (K,); None for a problem without."""
        raise NotImplementedError

    @property
    def modes(self) -> tuple[Basis, Basis]:
        """Left and right singular vectors of the product, in columns, shape (K, K) each."""
        raise NotImplementedError

    @property
    def groups(self) -> Groups:
        """Logits by groups of classes that the optimum treats alike."""
        raise NotImplementedError

    @property
    def shares_modes(self) -> bool:
        """Whether head and class means have the modes' directions, so that NC3 is 0."""
        return True

    def logits(self) -> Array:
        """Return what the optimum outputs for each class, dense.

        Returns
        -------
        (K, K) ndarray
            Column l is the answer to a training sample of class l.
        """
        groups = self.groups
        everything = groups.rows(slice(0, groups.own.size)).T
        Z: Array = everything[np.ix_(groups.group, groups.group)]
        np.fill_diagonal(Z, groups.own[groups.group])
        return Z

    def head(self) -> Array:
        """Return the head's product ``W_L ... W_1``, up to a rotation that `class_means` shares.

        Returns
        -------
        (K, K) ndarray
            In the coordinates of the modes: columns past `alive` are 0.
        """
        return np.asarray(written_out(self.modes[0]) * self.product_singular_values)

    def class_means(self) -> Array:
        """Features of the classes, one column each, up to the same rotation.

        Returns
        -------
        (K, K) ndarray
            Rows past `alive` are 0.
        """
        right = written_out(self.modes[1])
        root = np.sqrt(self.problem.feature_weight)
        means: Array = self.feature_singular_values[:, None] * right.T / root
        return means

    def along_modes(self, weight: Array) -> tuple[Array, Array]:
        """Head and class means, seen along the modes.

        Parameters
        ----------
        weight : (K,) ndarray
            Of each class mean; sqrt of `feature_weight` for that of the product.

        Returns
        -------
        head, means : (K, K) ndarray
            ``U' P`` and ``Hbar diag(weight) V``, up to a rotation between the two.
        """
        p, e = self.product_singular_values, self.feature_singular_values
        relative = weight / np.sqrt(self.problem.feature_weight)
        if (relative == 1.0).all():
            return np.diag(p), np.diag(e)
        right = self.modes[1]
        return np.diag(p), e[:, None] * (right.T @ (relative[:, None] * written_out(right)))

    def weights(
        self, seed: int | np.random.Generator = 0
    ) -> tuple[list[Array], Array, Array | None]:
        """Explicit weights, class means and bias that attain the minimum.

        Parameters
        ----------
        seed : int or numpy.random.Generator, default 0
            Draws the orthonormal bases of the inner dimensions, which the problem leaves free.

        Returns
        -------
        Ws : list of L ndarray
            ``[W_1, ..., W_L]`` for the problem's widths (K each where it sets none).
        H_bar : (d_0, K) ndarray
            Class means; every feature equals that of its class.
        b : (K,) ndarray or None
            The bias; None for a problem without.
        """
        problem, a = self.problem, self.alive
        rng = generator(seed)
        chosen = np.eye(problem.K, a)
        left, right = self.modes
        bases = [
            np.linalg.qr(rng.standard_normal((width, a)))[0]
            for width in problem.widths or (problem.K,) * problem.depth
        ]
        bases.append(left @ chosen)
        Ws = [
            (bases[j + 1] * self.layer_singular_values[j, :a]) @ bases[j].T
            for j in range(problem.depth)
        ]
        E = (bases[0] * self.feature_singular_values[:a]) @ (right @ chosen).T
        return Ws, E / np.sqrt(problem.feature_weight), self.b

    def training_accuracy(self) -> TrainingAccuracy:
        """Share of the training samples that the optimum classifies right.

        Returns
        -------
        TrainingAccuracy
            Overall, and per class. A t-way tie for the largest logit counts 1/t.
        """
        outcomes = class_outcomes(self)
        return TrainingAccuracy(outcomes.accuracy, outcomes.right[outcomes.group])


class TrainingAccuracy(NamedTuple):
    """Share of training samples that an optimum classifies right.

    Attributes
    ----------
    overall : float
        Of all samples.
    per_class : (K,) ndarray
        Of each class. Where t classes tie for the largest logit, each counts 1/t.
    """

    overall: float
    per_class: Array

    # Those of a tuple would ask an array whether it is true.
    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, TrainingAccuracy)
            and self.overall == other.overall
            and np.array_equal(self.per_class, other.per_class)
        )

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.overall)


@dataclass(frozen=True, eq=False, repr=False)
class ClassOutcomes(Record, Generic[M]):
    """What an optimum does to the classes, in groups that fare alike; made by `class_outcomes`.

    Arrays have one entry for each of G groups. What counts are the logits of the model itself,
    ``P h + b``: whatever a loss adds to them, margins and adjustments, it adds in training only.

    Attributes
    ----------
    minimizer : Minimizer, LossMinimizer or another optimum
    group : (K,) ndarray of int64
        The group of each class: of one count, and treated alike by the loss. (Where a width cuts a
        block of equal kappa, those of the count that are told apart, then the others.)
    count : (G,) ndarray of int64
        Samples of each of its classes.
    size : (G,) ndarray of int64
        Number of its classes.
    own_logit : (G,) ndarray
        What the optimum answers for a sample's own class.
    rival_logit : (G,) ndarray
        The largest answer for another class.
    rival : (G,) ndarray of int64
        The group of that class, which may be the same group, and is in a tie of several.
    right : (G,) ndarray
        Share of the samples that are classified right; 1/t in a tie of t classes.
    merged : (G,) ndarray of int64
        How many classes share the class-mean feature; 1 where a class stands apart.
    accuracy : float
        Share of all training samples that are classified right.
    """

    minimizer: M
    group: NDArray[np.int64]
    count: NDArray[np.int64]
    size: NDArray[np.int64]
    own_logit: Array
    rival_logit: Array
    rival: NDArray[np.int64]
    right: Array
    merged: NDArray[np.int64]
    accuracy: float

    @cached_property
    def representative(self) -> NDArray[np.int64]:
        """One class of each group, shape (G,)."""
        return first_of_each(self.group)

    @property
    def classes_right(self) -> int:
        """Number of classes whose samples are all classified right."""
        return int(self.size[self.right == 1].sum())

    @property
    def classes_merged(self) -> int:
        """Number of classes that share their class-mean feature with another."""
        return int(self.size[self.merged > 1].sum())

    def __repr__(self) -> str:
        return (
            f"ClassOutcomes({self.classes_right} of {self.group.size} classes right, "
            f"{self.classes_merged} merged, accuracy={self.accuracy:.6g})"
        )


def class_outcomes(minimizer: M) -> ClassOutcomes[M]:
    """Return what an optimum does to the classes: which are told apart and classified right.

    Parameters
    ----------
    minimizer : Minimizer, LossMinimizer or another optimum
        Of `global_minimizer`, `local_minima`, `loss_minimizer` or `penalised_bias_minimizer`.

    Returns
    -------
    ClassOutcomes

    Raises
    ------
    TypeError
        If it is none.

    Examples
    --------
    >>> from nclib import Problem, global_minimizer
    >>> problem = Problem([500, 100, 100], depth=3, lambda_W=1.5e-2, lambda_H=1.5e-2)
    >>> outcomes = class_outcomes(global_minimizer(problem))
    >>> outcomes
    ClassOutcomes(1 of 3 classes right, 2 merged, accuracy=0.857143)
    >>> outcomes.count, outcomes.right, outcomes.merged
    (array([500, 100]), array([1. , 0.5]), array([1, 2]))
    """
    groups, counts = require_optimum(minimizer).groups, minimizer.problem.counts
    rivals = groups.rivals
    return ClassOutcomes(
        minimizer=minimizer,
        group=groups.group,
        count=counts.n[first_of_each(groups.group)],
        size=groups.size,
        own_logit=groups.own,
        rival_logit=rivals.logit,
        rival=rivals.group,
        right=rivals.right,
        merged=groups.merged,
        accuracy=float(rivals.right[groups.group] @ counts.n) / counts.N,
    )


def require_optimum(minimizer: Optimum) -> Optimum:
    """Return an optimum, or raise if it is something else."""
    if not isinstance(minimizer, Optimum):
        raise TypeError(f"minimizer must be a Minimizer or another optimum; got {minimizer!r:.60}")
    return minimizer


def written_out(basis: Basis) -> Array:
    """Return singular vectors as an array."""
    return np.asarray(basis @ np.eye(basis.shape[1]))
