"""What an optimum looks like in the terms of the balanced literature: angles, lengths, alignment.

Papyan, Han and Donoho described collapse by four properties of class means and classifiers. They
count from the mean of the class means; what stands here does the same for the optimum of any model,
so that models can be set side by side. On features and weights that were measured,
`nclib.metrics.balanced_metrics` says the same and more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nclib._checks import as_floats
from nclib._records import Record
from nclib.theory.geometry import cosines
from nclib.theory.optimum import Optimum, class_outcomes, require_optimum
from nclib.theory.related.max_margin import MaxMarginGeometry

Array = NDArray[np.float64]

_NOTHING = 1e-12
"""A vector shorter than this, relative to the longest of its kind, is 0 and has no direction."""


@dataclass(frozen=True, eq=False, repr=False)
class Portrait(Record):
    """Class means and classifiers of an optimum, seen from outside; made by `portrait`.

    Attributes
    ----------
    means : (d, K) ndarray
        Class means, one column each, as the model has them.
    head : (K, d) ndarray
        Classifiers, one row each, in the same coordinates.
    right : (K,) ndarray
        Share of each class that is classified right.
    merged : (K,) ndarray of bool
        Which classes share their class mean with another.
    """

    means: Array
    head: Array
    right: Array
    merged: NDArray[np.bool_]

    @property
    def K(self) -> int:
        """Number of classes."""
        return int(self.means.shape[1])

    @cached_property
    def centred_means(self) -> Array:
        """Class means less their mean, one column each, (d, K)."""
        return _directed(self.means - self.means.mean(axis=1, keepdims=True), self.means)

    @cached_property
    def centred_head(self) -> Array:
        """Classifiers less their mean, one column each, (d, K)."""
        rows = self.head.T
        return _directed(rows - rows.mean(axis=1, keepdims=True), rows)

    @property
    def mean_lengths(self) -> Array:
        """Length of each class mean, (K,)."""
        return np.asarray(np.linalg.norm(self.means, axis=0))

    @property
    def head_lengths(self) -> Array:
        """Length of each classifier, (K,)."""
        return np.asarray(np.linalg.norm(self.head, axis=1))

    @property
    def mean_cosines(self) -> Array:
        """Cosines between class means, not centred, (K, K); NaN where one is 0."""
        return cosines(_directed(self.means, self.means))

    @property
    def head_cosines(self) -> Array:
        """Cosines between classifiers, not centred, (K, K); NaN where one is 0."""
        return cosines(_directed(self.head.T, self.head.T))

    @property
    def etf_error(self) -> float:
        """Distance of the centred class means from a simplex equiangular tight frame.

        Frobenius distance of their Gram matrix, scaled to length 1, from that of the frame, scaled
        so too; NaN where all are one point.
        """
        gram = self.centred_means.T @ self.centred_means
        size = float(np.linalg.norm(gram))
        frame = (np.eye(self.K) - 1 / self.K) / math.sqrt(self.K - 1)
        return float(np.linalg.norm(gram / size - frame)) if size > 0 else math.nan

    @property
    def alignment(self) -> Array:
        """Cosine between each classifier and its class mean, both centred, (K,); NaN at 0."""
        own = np.sum(self.centred_means * self.centred_head, axis=0)
        sizes = np.linalg.norm(self.centred_means, axis=0)
        sizes = sizes * np.linalg.norm(self.centred_head, axis=0)
        out = np.full(self.K, np.nan)
        return np.asarray(np.divide(own, sizes, out=out, where=sizes > 0))

    def __repr__(self) -> str:
        return (
            f"Portrait(K={self.K}, {int((self.right == 1).sum())} classes right, "
            f"{int(self.merged.sum())} merged)"
        )


def portrait(optimum: Optimum) -> Portrait:
    """Take the portrait of an optimum: class means, classifiers, and what becomes of the classes.

    Parameters
    ----------
    optimum : Minimizer, LossMinimizer or another optimum

    Returns
    -------
    Portrait

    Raises
    ------
    TypeError
        If it is none.

    References
    ----------
    Papyan, Han, Donoho 2020, doi 10.1073/pnas.2015509117: the four properties, on balanced data.

    Examples
    --------
    Equal counts with a free bias: the simplex equiangular tight frame, with a dual head.

    >>> from nclib import Problem, global_minimizer
    >>> seen = portrait(global_minimizer(Problem([9, 9, 9], 1, lambda_W=0.01, lambda_H=0.01)))
    >>> seen.etf_error < 1e-12, seen.mean_cosines.round(3)[0], seen.alignment.round(6)
    (True, array([ 1. , -0.5, -0.5]), array([1., 1., 1.]))
    """
    outcomes = class_outcomes(require_optimum(optimum))
    return Portrait(
        means=as_floats("class means", optimum.class_means()),
        head=as_floats("head", optimum.head()),
        right=outcomes.right[outcomes.group],
        merged=(outcomes.merged > 1)[outcomes.group],
    )


def max_margin_portrait(geometry: MaxMarginGeometry) -> Portrait:
    """Take the portrait of where cross-entropy goes as its penalties vanish.

    Parameters
    ----------
    geometry : MaxMarginGeometry
        Without a bias SELI, the simplex-encoded labels.

    Returns
    -------
    Portrait
        All classes are right, and none has merged with another.

    Raises
    ------
    TypeError
        If it is none.

    Examples
    --------
    >>> seen = max_margin_portrait(MaxMarginGeometry([300, 300, 30, 30]))
    >>> seen.etf_error > 0.1, float(seen.mean_cosines[0, 1].round(4))
    (True, -0.1946)
    """
    if not isinstance(geometry, MaxMarginGeometry):
        raise TypeError(f"geometry must be a MaxMarginGeometry; got {geometry!r:.60}")
    left, z, right = np.linalg.svd(geometry.matrix)
    z[-1] = 0.0  # exactly: its root would make a direction of rounding
    K = geometry.counts.K
    return Portrait(
        means=np.sqrt(z)[:, None] * right / np.sqrt(geometry.counts.n),
        head=left * np.sqrt(z),
        right=np.ones(K),
        merged=np.zeros(K, dtype=bool),
    )


def _directed(columns: Array, scale: Array) -> Array:
    """Set to exactly 0 what is 0 to rounding, so that nothing reads a direction into it."""
    length = np.linalg.norm(columns, axis=0)
    longest = float(np.linalg.norm(scale, axis=0).max(initial=0.0))
    return np.where(length > _NOTHING * longest, columns, 0.0)
