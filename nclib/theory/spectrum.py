"""Singular values and vectors of the effective label matrix, from the groups of equal counts.

Theorem 4.4 reduces the K x K matrix Yhat to its m distinct counts N_1 > ... > N_m: sqrt(N_j) is a
singular value l_j - 1 times, and m - 1 more have squares that are the roots of a secular equation,
one between each two neighbouring counts. So nothing here costs more than m^2 plus K.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nclib._checks import as_floats, choice
from nclib.theory.counts import ClassCounts, as_counts
from nclib.theory.secular import FilteredModes, SecularRoots, Side

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator

Array = NDArray[np.float64]


def effective_label_matrix(counts: ClassCounts, *, bias: bool = True) -> Array:
    """Return the effective label matrix Yhat, dense.

    Parameters
    ----------
    counts : ClassCounts
        Samples per class (or anything that `ClassCounts` takes).
    bias : bool, default True
        With a bias, Yhat = (I - n 1'/N) D; without, Yhat = D = diag(sqrt(n)).

    Returns
    -------
    (K, K) ndarray

    References
    ----------
    Liu, arXiv 2411.17278, Theorems 4.2 and 4.4.

    Examples
    --------
    >>> effective_label_matrix(ClassCounts([4, 4]))
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    counts = as_counts(counts)
    root = np.sqrt(counts.n)
    Yhat = np.diag(root)
    if bias:
        Yhat -= np.outer(counts.n / counts.N, root)
    return Yhat


@dataclass(frozen=True)
class Spectrum:
    """Singular value decomposition ``Yhat = U diag(kappa) V'`` of the effective label matrix.

    Parameters
    ----------
    counts : ClassCounts
        Samples per class (or anything that `ClassCounts` takes).
    bias : bool, default True
        Whether the head has a bias, that is, whether the labels are centred.

    Notes
    -----
    Modes are ordered by falling kappa. Without bias, ``U = V`` is the stable permutation that
    sorts the counts. With bias, the modes of group j (classes of equal count N_j) stand together:
    l_j - 1 inner modes with kappa = sqrt(N_j) and the Helmert contrasts of the group's classes as
    left and right vectors, then one between-group mode, constant on every group, with kappa
    between sqrt(N_{j+1}) and sqrt(N_j). The last mode has kappa = 0 exactly.

    References
    ----------
    Liu, arXiv 2411.17278, Theorem 4.4. The values between the groups come from a secular equation
    (see `secular_function`), and the right vectors are rebuilt from its computed roots (Loewner's
    formula), which keeps them orthogonal however close the roots lie.

    Examples
    --------
    >>> spectrum = Spectrum(ClassCounts([4, 4, 4]))
    >>> spectrum.kappa
    array([2., 2., 0.])
    >>> spectrum.block_size
    array([2, 1])
    """

    counts: ClassCounts
    _: KW_ONLY
    bias: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", as_counts(self.counts))

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), bias=self.bias), (self.counts,)

    @cached_property
    def kappa(self) -> Array:
        """Singular values of Yhat, falling, shape (K,)."""
        return self.expand(self.block_kappa)

    @cached_property
    def block_kappa(self) -> Array:
        """One value for each block of equal kappa, falling, shape (B,)."""
        return self._blocks[0]

    @cached_property
    def block_size(self) -> NDArray[np.int64]:
        """Number of modes in each block of equal kappa, shape (B,)."""
        return self._blocks[1]

    def expand(self, per_block: Array) -> Array:
        """Repeat one value per block (B,) for each of its modes (K,)."""
        return np.repeat(per_block, self.block_size)

    @property
    def is_between(self) -> NDArray[np.bool_]:
        """Which modes are constant on every group, the null mode included, shape (K,).

        With a bias these are the between-group modes, m of them, and the others are inner modes;
        without, every mode is one class, and this is False throughout.
        """
        result = np.zeros(self.counts.K, dtype=bool)
        if self.bias:
            result[self._group_ends] = True
        return result

    @cached_property
    def _blocks(self) -> tuple[Array, NDArray[np.int64]]:
        values, multiplicities = self.counts.values, self.counts.multiplicities
        if not self.bias:
            return np.sqrt(values), multiplicities
        # sqrt(N_1) | s_1 | sqrt(N_2) | s_2 | ... | sqrt(N_m) | 0: the roots interlace.
        kappa = np.zeros(2 * values.size)
        kappa[0::2] = np.sqrt(values)
        kappa[1:-1:2] = np.sqrt(self._secular.roots)
        size = np.ones(kappa.size, dtype=np.int64)
        size[0::2] = multiplicities - 1
        return kappa[size > 0], size[size > 0]

    @cached_property
    def _secular(self) -> SecularRoots:
        poles = self.counts.values.astype(float)
        return SecularRoots.solve(poles, poles * self.counts.multiplicities)

    def group_matrix(self) -> Array:
        """Return the reduced matrix G: what Yhat does to vectors that are constant on groups.

        Returns
        -------
        (m, m) ndarray
            In the orthonormal basis of the groups' constant vectors. With a bias its singular
            values are the between-group ones of Yhat, the last of them 0; without, it is
            ``diag(sqrt(N_j))``.

        References
        ----------
        Liu, arXiv 2411.17278, Theorem 4.4, with sqrt(N_m) for sqrt(N_1) in the entry (2, m).

        Examples
        --------
        >>> Spectrum(ClassCounts([4, 4, 1])).group_matrix().round(4)
        array([[ 0.2222, -0.6285],
               [-0.3143,  0.8889]])
        """
        N_j, l_j = self.counts.values.astype(float), self.counts.multiplicities.astype(float)
        G = np.diag(np.sqrt(N_j))
        if self.bias:
            G -= np.outer(N_j * np.sqrt(l_j), np.sqrt(N_j * l_j)) / self.counts.N
        return G

    def secular_function(self, t: ArrayLike) -> Array:
        r"""Evaluate a function whose zeros are the squares of the kappa between groups.

        With m groups of l_j classes of N_j samples each, it is

        .. math:: \sum_{j=1}^m \frac{l_j N_j}{N_j - t}.

        Parameters
        ----------
        t : array_like
            Where to evaluate it, any shape. At a pole t = N_j it is infinite.

        Returns
        -------
        ndarray
            The shape of `t`. Between two neighbouring poles the function rises from minus to plus
            infinity; its m - 1 zeros are the squares of the between-group kappa, all but the
            last, 0.

        Raises
        ------
        ValueError
            Without a bias: then Yhat is diagonal, and there is no such equation.

        References
        ----------
        Golub, Some modified matrix eigenvalue problems, SIAM Review 15, 1973: the eigenvalues of
        ``G G' = diag(N_j) - p p' / N``, ``p_j = N_j sqrt(l_j)``, are the roots of the secular
        equation

        .. math:: 1 - \frac1N \sum_j \frac{p_j^2}{N_j - t}
            = -\frac{t}{N} \sum_j \frac{l_j N_j}{N_j - t} = 0,

        of which the root t = 0 is divided out here. Not in the paper (Liu, arXiv 2411.17278),
        whose Appendix B.4 has ``G G'`` and its characteristic polynomial.

        Examples
        --------
        >>> spectrum = Spectrum(ClassCounts([4, 1]))
        >>> spectrum.secular_function([0, 1.5, 2])
        array([ 2. , -0.4,  1. ])
        """
        if not self.bias:
            raise ValueError("the secular function needs bias=True: without, Yhat is diagonal")
        t = as_floats("t", t)
        N_j, l_j = self.counts.values.astype(float), self.counts.multiplicities
        result = np.zeros(t.shape)
        with np.errstate(divide="ignore"):
            for value, size in zip(N_j, l_j, strict=True):
                result += size * value / (value - t)
        return result

    def group_modes(self, side: Side) -> Array:
        """Between-group modes on the groups, shape (m, m).

        Parameters
        ----------
        side : {"left", "right"}
            Which singular vectors.

        Returns
        -------
        (m, m) ndarray
            Orthogonal. Column j is the j-th between-group mode (the last is the null mode);
            entry i is the vector's common value on the classes of group i, times sqrt(l_i).
        """
        choice("side", side, Side)
        return np.vstack(list(self._secular.vector_rows(side)))

    def _filtered(self, factor: Array) -> FilteredModes:
        """Weigh each between-group mode but the null one by a factor (m - 1,); needs a bias."""
        return FilteredModes.of(self._secular, factor)

    @property
    def U(self) -> LinearOperator:
        """Left singular vectors as an operator from modes to classes, shape (K, K)."""
        return self._basis("left")

    @property
    def V(self) -> LinearOperator:
        """Right singular vectors as an operator from modes to classes, shape (K, K)."""
        return self._basis("right")

    def _basis(self, side: Side) -> LinearOperator:
        from scipy.sparse.linalg import LinearOperator

        order = self.counts.falling_order

        def to_classes(modes: Array) -> Array:
            x = np.array(modes, dtype=float)
            if self.bias:
                last = self._group_ends
                x[last] = self._mix(side, x[last])
                self._each_group(x, _helmert)
            classes = np.empty_like(x)
            classes[order] = x
            return classes

        def to_modes(classes: Array) -> Array:
            x = np.array(classes, dtype=float)[order]
            if self.bias:
                last = self._group_ends
                self._each_group(x, _helmert_adjoint)
                x[last] = self._mix_adjoint(side, x[last])
            return x

        return LinearOperator(
            shape=(self.counts.K, self.counts.K),
            dtype=np.float64,
            matvec=to_classes,
            rmatvec=to_modes,
            matmat=to_classes,
            rmatmat=to_modes,
        )

    @cached_property
    def _group_ends(self) -> NDArray[np.int64]:
        """Position of each group's last class (sorted) and of its between-group mode."""
        return np.cumsum(self.counts.multiplicities) - 1

    def _each_group(self, x: Array, transform: Callable[[Array], Array]) -> None:
        """Apply `transform` in place to the rows of every group of two or more classes."""
        for end, size in zip(self._group_ends, self.counts.multiplicities, strict=True):
            if size > 1:
                rows = slice(end + 1 - size, end + 1)
                x[rows] = transform(x[rows])

    def _mix(self, side: Side, x: Array) -> Array:
        return np.concatenate([rows @ x for rows in self._secular.vector_rows(side)])

    def _mix_adjoint(self, side: Side, x: Array) -> Array:
        result = np.zeros_like(x)
        start = 0
        for rows in self._secular.vector_rows(side):
            result += rows.T @ x[start : start + len(rows)]
            start += len(rows)
        return result


def _helmert(x: Array) -> Array:
    """Combine l - 1 contrasts and the constant vector, coefficients `x`: (l, ...) to (l, ...)."""
    size = len(x)
    i = np.arange(1.0, size).reshape(-1, *[1] * (x.ndim - 1))
    scaled = x[:-1] / np.sqrt(i * (i + 1))
    result = np.empty_like(x)
    result[:-1] = np.cumsum(scaled[::-1], axis=0)[::-1]
    result[-1] = 0.0
    result[1:] -= i * scaled
    result += x[-1] / np.sqrt(size)
    return result


def _helmert_adjoint(x: Array) -> Array:
    """Coefficients of `x` in the Helmert basis: the inverse of `_helmert`."""
    size = len(x)
    i = np.arange(1.0, size).reshape(-1, *[1] * (x.ndim - 1))
    sums = np.cumsum(x, axis=0)
    result = np.empty_like(x)
    result[:-1] = (sums[:-1] - i * x[1:]) / np.sqrt(i * (i + 1))
    result[-1] = sums[-1] / np.sqrt(size)
    return result
