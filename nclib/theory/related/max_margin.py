"""Where cross-entropy goes as its penalties vanish: SELI without a bias, the paper's Yhat with one.

With ever smaller penalties the logits grow without bound, and what counts is their direction: that
of the smallest nuclear norm with which every sample's own logit is 1 above the others. It is a
centred label matrix, with the centre of the classes or that of the samples.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nclib._records import Record
from nclib.theory.counts import ClassCounts, as_counts
from nclib.theory.optimum import Optimum
from nclib.theory.spectrum import Spectrum, effective_label_matrix

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class MaxMarginGeometry(Record):
    r"""Cheapest head and features with which every own logit is 1 above all others.

    .. math::

        \min \tfrac12 \lVert W \rVert_F^2 + \tfrac12 \lVert H \rVert_F^2 \quad\text{with}\quad
        (e_k - e_c)' (W h_i + b) \ge 1 \ \text{ for each sample } i \text{ of class } k
        \text{ and } c \ne k

    Parameters
    ----------
    counts : ClassCounts
        Samples per class (or anything that `ClassCounts` takes).
    bias : bool, default False
        Whether there is a free bias. Without one these are the simplex-encoded labels and their
        SELI geometry; with one the paper's effective label matrix.

    Notes
    -----
    The optimal product ``W Hbar D`` is ``(I - u 1') D`` with ``u = 1/K`` without a bias, and with
    ``u = n/N``, ``b = n/N`` with one: all constraints hold with equality, and the matrix ``U V'``
    of the singular vectors has no positive entry off the diagonal, which makes it a combination of
    constraints. (Its entries are an integral of resolvents of ``D^2`` on what is orthogonal to 1
    or to ``sqrt(n)``, all of which have that sign.)

    References
    ----------
    Thrampoulidis, Kini, Vakilian and Behnia, NeurIPS 2022: SELI, without a bias. With a bias: this
    project.

    Examples
    --------
    >>> halves = [300, 300, 300, 30, 30, 30]
    >>> MaxMarginGeometry(halves).between ** 2  # the arithmetic mean of the sizes
    array([165.])
    >>> MaxMarginGeometry(halves, bias=True).between ** 2  # the harmonic mean
    array([54.54545455])
    """

    counts: ClassCounts
    _: KW_ONLY
    bias: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", as_counts(self.counts))

    @cached_property
    def matrix(self) -> Array:
        """The optimal product ``W Hbar D``, shape (K, K)."""
        if self.bias:
            return effective_label_matrix(self.counts)
        root = np.sqrt(self.counts.n)
        return np.diag(root) - root / self.counts.K

    @property
    def b(self) -> Array | None:
        """The bias, up to a constant, (K,); None without."""
        return self.counts.n / self.counts.N if self.bias else None

    @cached_property
    def between(self) -> Array:
        """Singular values of the modes between groups of equal counts, falling, (m - 1,)."""
        if self.bias:
            spectrum = Spectrum(self.counts)
            return spectrum.kappa[spectrum.is_between][:-1]
        n, size = self.counts.values.astype(float), self.counts.multiplicities.astype(float)
        groups = np.diag(np.sqrt(n)) - np.outer(np.sqrt(size), np.sqrt(size * n)) / self.counts.K
        return np.asarray(np.linalg.svd(groups, compute_uv=False)[:-1])

    @cached_property
    def singular_values(self) -> Array:
        """Singular values of the product, falling, (K,); the last is 0.

        Square roots of the counts, once less than classes have them, and those between groups.
        """
        counts = self.counts
        inner = np.repeat(np.sqrt(counts.values), counts.multiplicities - 1)
        return np.sort(np.concatenate([inner, self.between, [0.0]]))[::-1]

    @property
    def nuclear_norm(self) -> float:
        """Price of the product: ``1/2 |W|^2 + 1/2 |H|^2`` of its cheapest factors."""
        return float(self.singular_values.sum())

    @cached_property
    def _polar(self) -> tuple[Array, Array]:
        """Square roots of ``T T'`` and of ``T' T``."""
        left, z, right = np.linalg.svd(self.matrix)
        return (left * z) @ left.T, (right.T * z) @ right

    @property
    def head_gram(self) -> Array:
        """Inner products of the rows of the head, ``W W'``, (K, K)."""
        return self._polar[0]

    @property
    def mean_gram(self) -> Array:
        """Inner products of the class means, ``Hbar' Hbar``, (K, K)."""
        root = np.sqrt(self.counts.n)
        return np.asarray(self._polar[1] / np.outer(root, root))

    def logits(self) -> Array:
        """Return what is put out for a sample of each class, the bias included, (K, K).

        Own logit 1 above all others: ``I`` with a bias, ``I - 1 1'/K`` without.
        """
        K = self.counts.K
        return np.eye(K) if self.bias else np.eye(K) - 1 / K

    def cosine(self, best: Optimum) -> float:
        """Compare an optimum's product with this one: the cosine of the two as vectors.

        Parameters
        ----------
        best : Optimum
            Of a problem with the same counts, not totally collapsed.

        Returns
        -------
        float
            1 where they are equal up to a factor.

        Raises
        ------
        ValueError
            If the counts differ, or if nothing is alive.

        Examples
        --------
        >>> import nclib as nc
        >>> weak = nc.LossProblem(
        ...     [30, 30, 3], nc.CrossEntropy(), bias="none", lambda_W=1e-9, lambda_H=1e-9
        ... )
        >>> round(MaxMarginGeometry([30, 30, 3]).cosine(nc.loss_minimizer(weak)), 3)
        0.999
        """
        if not np.array_equal(best.problem.counts.n, self.counts.n):
            raise ValueError(
                f"best must be for the counts {self.counts}; got {best.problem.counts}"
            )
        if best.alive == 0:
            raise ValueError("best must have a mode alive; got an optimum that is 0")
        logits = best.logits()
        product = (logits if best.b is None else logits - best.b[:, None]) * np.sqrt(self.counts.n)
        inner = float(np.vdot(product, self.matrix))
        return inner / float(np.linalg.norm(product) * np.linalg.norm(self.matrix))

    def __reduce__(self) -> tuple[Any, ...]:
        return _with_bias, (self.counts, self.bias)

    def __repr__(self) -> str:
        return f"MaxMarginGeometry({self.counts!r}, bias={self.bias})"


def _with_bias(counts: ClassCounts, bias: bool) -> MaxMarginGeometry:
    return MaxMarginGeometry(counts, bias=bias)
