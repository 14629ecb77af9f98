"""Cross-entropy with features and rows of the head on a sphere: no penalties, but a temperature."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nclib._checks import as_floats, as_whole, generator, positive
from nclib._records import Record
from nclib.theory.counts import ClassCounts, as_counts
from nclib.theory.losses.objects import CrossEntropy

Array = NDArray[np.float64]

_SEARCH = {"maxiter": 20_000, "maxfun": 60_000, "ftol": 0.0, "gtol": 1e-12, "maxcor": 30}

_UNIT = 1e-8
"""How far the length of a vector may be from 1."""


class SpherePoint(NamedTuple):
    """Rows of the head as columns, features, and the value there; all columns have length 1.

    Attributes
    ----------
    W : (d, K) ndarray
    H : (d, K) or (d, N) ndarray
    objective : float
    """

    W: Array
    H: Array
    objective: float


@dataclass(frozen=True, eq=False, repr=False)
class NormalisedProblem(Record):
    r"""Cross-entropy where every feature and every row of the head has length 1.

    .. math::

        \min \frac1N \sum_i \ell_{k(i)}(\tau W' h_i) \quad\text{with}\quad
        \lVert w_k \rVert = \lVert h_i \rVert = 1

    Parameters
    ----------
    counts : ClassCounts
        Samples per class (or anything that `ClassCounts` takes).
    tau : float
        What the cosines are multiplied with, the inverse temperature; positive.

    References
    ----------
    Yaras, Wang, Zhu, Balzano and Qu, arXiv 2209.09211 (2022).

    Examples
    --------
    >>> problem = NormalisedProblem([2, 2, 2], tau=4.0)
    >>> round(problem.simplex_value, 9)  # log(1 + 2 exp(-4 * 3/2))
    0.004945256
    >>> found = problem.minimise(4, seed=0)
    >>> abs(found.objective - problem.simplex_value) < 1e-9
    True
    """

    counts: ClassCounts
    tau: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", as_counts(self.counts))
        object.__setattr__(self, "tau", positive("tau", self.tau))

    @property
    def simplex_value(self) -> float:
        r"""Value at a simplex, ``log(1 + (K - 1) exp(-tau K / (K - 1)))``.

        The minimum where all counts are equal and the vectors have K - 1 dimensions or more: the
        logits of unit vectors have a nuclear norm of at most ``tau K``, and of these the simplex is
        best.
        """
        K = self.counts.K
        return math.log1p((K - 1) * math.exp(-self.tau * K / (K - 1)))

    def objective(self, W: ArrayLike, H: ArrayLike) -> float:
        """Mean loss.

        Parameters
        ----------
        W : (d, K) array_like
            Rows of the head as columns, each of length 1.
        H : (d, N) or (d, K) array_like
            Features, ordered by class, or one for each class that its samples share; of length 1.

        Returns
        -------
        float
        """
        W, H = self._on_the_sphere(W, H)
        return CrossEntropy().fit(self.tau * W.T @ H, self.counts)

    def gradient(self, W: ArrayLike, H: ArrayLike) -> tuple[Array, Array]:
        """Riemannian gradient: what is tangent to the spheres, shaped like W and H."""
        W, H = self._on_the_sphere(W, H)
        flat_W, flat_H = self._flat_gradient(W, H)
        return _tangent(W, flat_W), _tangent(H, flat_H)

    def hessian(self, W: ArrayLike, H: ArrayLike) -> Array:
        """Riemannian Hessian as a dense matrix, over all entries of W and then of H, row by row.

        Directions that leave a sphere have eigenvalue 0. Of a critical point one negative
        eigenvalue makes it a strict saddle.

        Returns
        -------
        (d (K + M), d (K + M)) ndarray
            M is the number of columns of H.
        """
        W, H = self._on_the_sphere(W, H)
        flat_W, flat_H = self._flat_gradient(W, H)
        # Along a great circle the gradient's radial part curves down.
        radial_W, radial_H = np.sum(W * flat_W, axis=0), np.sum(H * flat_H, axis=0)
        columns = []
        for index in range(W.size + H.size):
            one = np.zeros(W.size + H.size)
            one[index] = 1.0
            dW = _tangent(W, one[: W.size].reshape(W.shape))
            dH = _tangent(H, one[W.size :].reshape(H.shape))
            change_W, change_H = self._flat_change(W, H, dW, dH)
            back_W = _tangent(W, change_W - radial_W * dW)
            back_H = _tangent(H, change_H - radial_H * dH)
            columns.append(np.concatenate([back_W.ravel(), back_H.ravel()]))
        return np.array(columns).T

    def minimise(self, width: int, *, inner: int | None = None, seed: int = 0) -> SpherePoint:
        """Minimise from a random start over the vectors themselves, by L-BFGS.

        Parameters
        ----------
        width : int
            Dimensions d of the vectors.
        inner : int, optional
            How many of them the search may use; the others stay 0, so that the point is critical
            for all, too. Default: all.
        seed : int, default 0
            Draws the start.

        Returns
        -------
        SpherePoint
            With one feature for each class.
        """
        from scipy.optimize import minimize

        width = as_whole("width", width, 1)
        r = width if inner is None else as_whole("inner", inner, 1, width)
        K = self.counts.K

        def parts(x: Array) -> tuple[Array, Array, Array]:
            columns = x.reshape(r, 2 * K)
            length = np.linalg.norm(columns, axis=0)
            unit = columns / length
            return unit[:, :K], unit[:, K:], length

        def value(x: Array) -> tuple[float, Array]:
            W, H, length = parts(x)
            slopes = np.concatenate(self.gradient(W, H), axis=1)
            return self.objective(W, H), (slopes / length).ravel()

        start = generator(seed).standard_normal(2 * K * r)
        found = minimize(value, start, jac=True, method="L-BFGS-B", options=_SEARCH)
        W, H, _ = parts(np.asarray(found.x))
        rest = np.zeros((width - r, K))
        return SpherePoint(np.vstack([W, rest]), np.vstack([H, rest]), float(found.fun))

    def _flat_gradient(self, W: Array, H: Array) -> tuple[Array, Array]:
        back = self.tau * CrossEntropy().gradient(self.tau * W.T @ H, self.counts)
        return H @ back.T, W @ back

    def _flat_change(self, W: Array, H: Array, dW: Array, dH: Array) -> tuple[Array, Array]:
        """Change of the gradient without the spheres along a direction."""
        logits = self.tau * W.T @ H
        back = self.tau * CrossEntropy().gradient(logits, self.counts)
        p = np.exp(logits - logits.max(axis=0))
        p /= p.sum(axis=0)
        change = self.tau * (dW.T @ H + W.T @ dH)
        centred = p * (change - np.sum(p * change, axis=0))
        back_change = self.tau * centred * self._weight(H)
        return dH @ back.T + H @ back_change.T, dW @ back + W @ back_change

    def _weight(self, H: Array) -> Array:
        """Weight of each column of features in the mean."""
        counts = self.counts
        if H.shape[1] == counts.K:
            return np.asarray(counts.n / counts.N)
        return np.full(counts.N, 1 / counts.N)

    def _on_the_sphere(self, W: ArrayLike, H: ArrayLike) -> tuple[Array, Array]:
        counts, arrays = self.counts, (as_floats("W", W), as_floats("H", H))
        head, features = arrays
        fits = head.ndim == features.ndim == 2 and head.shape[0] == features.shape[0]
        if not fits or head.shape[1] != counts.K or features.shape[1] not in (counts.K, counts.N):
            raise ValueError(
                f"W and H must have shapes (d, K) and (d, K) or (d, N) with K = {counts.K} and "
                f"N = {counts.N}; got {head.shape} and {features.shape}"
            )
        for name, columns in zip(("W", "H"), arrays, strict=True):
            error = float(np.abs(np.linalg.norm(columns, axis=0) - 1).max())
            if not error < _UNIT:
                raise ValueError(
                    f"columns of {name} must have length 1; got one off by {error:.2g}"
                )
        return head, features

    def __repr__(self) -> str:
        return f"NormalisedProblem({self.counts!r}, tau={self.tau})"


def _tangent(columns: Array, directions: Array) -> Array:
    """Take off what points along each column, which has length 1."""
    return np.asarray(directions - columns * np.sum(columns * directions, axis=0))
