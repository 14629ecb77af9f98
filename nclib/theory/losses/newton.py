"""Newton's system on the manifold of the alive modes, where the nuclear norm is smooth.

Its second derivative is a sum of two: the nuclear norm's is diagonal in the basis of the modes (but
for pairs of transposed entries), and the loss's is diagonal in the classes of each sample, but for
what ties the logits to the sample's own. Conjugate gradients are preconditioned by the same sum
with one change: the diagonal of the loss, without the own logit, is averaged over each pair of
modes. The rest is of low rank, two vectors for each group, and is added as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nclib.theory.losses.groups import Local, Point, SmoothPart

Array = NDArray[np.float64]

_DENSE = 150
"""Up to this many unknowns the Newton system is solved as a matrix."""

_FEW_ITERATIONS = 20
"""After these the cheap preconditioner is replaced by the better one."""

_MOST_ITERATIONS = 300

_ROUGHLY = 0.0025
"""Accuracy of a step far from the end, in squares, relative to the cheap preconditioner's."""

_TRUNCATED = 1e-4
"""What is left out of the inner products of the low-rank part, relative to the largest."""


class Iterate(NamedTuple):
    """A point after a proximal step, with the decomposition that came with it."""

    point: Point
    U: Array
    sigma: Array
    """Singular values of `point.between`, 0 for dead modes."""
    Vt: Array
    weight: Array
    """lambda for alive modes; for dead ones the part of it that they reach."""
    local: Local
    gradient: Point
    objective: float


class NewtonSystem:
    """Second derivative of the objective on the manifold of the alive modes.

    `hard` says that the cheap preconditioner is not enough; it is set where that shows.
    """

    def __init__(
        self, smooth: SmoothPart, now: Iterate, lam: float, damping: float, hard: bool
    ) -> None:
        self.smooth, self.now, self.lam, self.hard = smooth, now, lam, hard
        p, q = now.point.between.shape
        k = now.sigma.size
        self.r = r = int(np.count_nonzero(now.sigma))
        self.alive = now.point.inner != 0
        left, right, weight = np.zeros(p), np.zeros(q), np.zeros(max(p, q))
        left[:k], right[:k], weight[:k] = now.sigma, now.sigma, now.weight
        self.frozen = np.zeros(max(p, q), dtype=bool)
        sums = left[:, None] + right
        sums[r:, r:] = np.inf
        self._stiffness = lam / sums
        turning = ~np.eye(p, q, dtype=bool)
        self._stiffness[turning] *= 1 + damping
        self._cross = (np.minimum(weight[:p, None], weight[:q]) / sums)[:k, :k]
        self._k = k
        self._star: Callable[[Point], Point] | None = None

    @property
    def is_small(self) -> bool:
        """Whether the system is better solved as a matrix."""
        everything = Point(*(np.ones_like(x) for x in self.now.point))
        return sum(int(np.count_nonzero(x)) for x in self.restrict(everything)) <= _DENSE

    def _restricted(self, precondition: Callable[[Point], Point]) -> Callable[[Point], Point]:
        return lambda x: self.restrict(precondition(x))

    def freeze(self, modes: NDArray[np.bool_]) -> None:
        """Leave some of the alive modes out."""
        self.frozen[: self.r] |= modes

    def restrict(self, X: Point) -> Point:
        """Leave out what is not along the manifold (X.between in the basis of the modes)."""
        between = X.between.copy()
        p, q = between.shape[-2:]
        between[..., self.r :, self.r :] = 0.0
        between[..., self.frozen[:p], :] = 0.0
        between[..., :, self.frozen[:q]] = 0.0
        return Point(between, np.where(self.alive, X.inner, 0.0), X.bias)

    def slope(self) -> Point:
        """First derivative of the objective along the manifold."""
        now, lam = self.now, self.lam
        between = now.U.T @ now.gradient.between @ now.Vt.T
        index = np.arange(self.r)
        between[index, index] += lam
        inner = now.gradient.inner + lam * self.smooth.inner_cost * np.sign(now.point.inner)
        return self.restrict(Point(between, inner, now.gradient.bias))

    def apply(self, X: Point) -> Point:
        """Apply the second derivative to a direction, or to several."""
        now, k = self.now, self._k
        ambient = Point(now.U @ X.between @ now.Vt, X.inner, X.bias)
        bent = self.smooth.curvature(now.local, ambient)
        between = now.U.T @ bent.between @ now.Vt.T
        between += self._stiffness * X.between
        between[..., :k, :k] -= self._cross * np.swapaxes(X.between[..., :k, :k], -1, -2)
        return self.restrict(Point(between, bent.inner, bent.bias))

    def solve_dense(self, slope: Point) -> Point:
        """Solve the system as a matrix."""
        p, q = slope.between.shape
        free = np.ones((p, q), dtype=bool)
        free[self.r :, self.r :] = False
        free[self.frozen[:p]] = False
        free[:, self.frozen[:q]] = False
        parts = (np.flatnonzero(free), np.flatnonzero(self.alive), np.arange(slope.bias.size))
        sizes = [part.size for part in parts]
        n = sum(sizes)
        basis = [np.zeros((n, x.size)) for x in slope]
        start = 0
        for x, part in zip(basis, parts, strict=True):
            x[start + np.arange(part.size), part] = 1.0
            start += part.size
        X = Point(basis[0].reshape(n, p, q), basis[1], basis[2])
        image = self.apply(X)
        columns = [
            y.reshape(n, x.size)[:, part] for y, x, part in zip(image, slope, parts, strict=True)
        ]
        matrix = np.concatenate(columns, axis=1)
        right = np.concatenate([x.ravel()[part] for x, part in zip(slope, parts, strict=True)])
        matrix = (matrix + matrix.T) / 2
        # Scaled, since the curvatures of the modes differ by orders of magnitude; and a trace of
        # the identity, for modes near their death.
        size = np.sqrt(np.maximum(matrix.diagonal(), 1e-300))
        scaled = matrix / np.outer(size, size)
        scaled[np.arange(n), np.arange(n)] += 1e-14
        solution = -np.linalg.solve(scaled, right / size) / size
        result = []
        start = 0
        for x, part in zip(slope, parts, strict=True):
            flat = np.zeros(x.size)
            flat[part] = solution[start : start + part.size]
            result.append(flat.reshape(x.shape))
            start += part.size
        return Point(*result)

    def solve_iteratively(self, slope: Point) -> Point:
        """Solve the system by preconditioned conjugate gradients, the more exactly the nearer."""
        plain = self._preconditioner()
        X, residual = slope.times(0.0), slope.times(-1.0)
        first = residual.dot(plain(residual))
        # Superlinear: the accuracy asked for goes with the decrease in sight.
        wanted = max(min(_ROUGHLY, first / self.now.objective), 1e-10)
        may_be_hard = self.smooth.form.softmax and bool(self.r)
        done = False
        if may_be_hard and not self.hard:
            X, residual, done = self._descend(X, residual, plain, wanted * first, _FEW_ITERATIONS)
        if may_be_hard and not done:
            self.hard = True
            # Made once: where modes are frozen after, it is used on those that are left.
            if self._star is None:
                self._star = self._star_preconditioner()
            star = self._restricted(self._star)
            target = wanted * residual.dot(star(residual))
            X, residual, done = self._descend(X, residual, star, target, _MOST_ITERATIONS)
        if not done:
            X, _, _ = self._descend(X, residual, plain, wanted * first, _MOST_ITERATIONS)
        return X

    def _descend(
        self,
        X: Point,
        residual: Point,
        precondition: Callable[[Point], Point],
        target: float,
        most: int,
    ) -> tuple[Point, Point, bool]:
        """Conjugate gradients from X on; the last says whether the accuracy was reached."""
        z = precondition(residual)
        search, rz = z, residual.dot(z)
        for _ in range(most):
            image = self.apply(search)
            curved = search.dot(image)
            # Nothing is left, or the preconditioner is not positive: the averages allow it.
            if not min(rz, curved) > 0:
                break
            a = rz / curved
            X = X.plus(search, a)
            residual = residual.plus(image, -a)
            z = precondition(residual)
            rz, before = residual.dot(z), rz
            if abs(rz) <= target:
                return X, residual, True
            search = z.plus(search, rz / before)
        return X, residual, False

    def _inverse_diagonal(self, entries: Array) -> tuple[Array, Array]:
        """Inverse of curvatures of single entries (G, G), averaged by modes, and the stiffness.

        Of X it makes ``P * X + Q * X'``, the latter where both have modes; (p, q) and (k, k).
        """
        smooth, now, k = self.smooth, self.now, self._k
        left = smooth.left.lift(now.U, axis=-2) ** 2
        right = smooth.right.lift(now.Vt, axis=-1) ** 2
        own = left.T @ entries @ right.T + self._stiffness
        own[self.r :, self.r :] = np.inf
        ratio = self._cross / own[:k, :k].T
        own[:k, :k] -= self._cross * ratio
        P = 1 / own
        return P, P[:k, :k] * ratio

    def _bias_inverse(self) -> Array | None:
        if not self.smooth.bias_size:
            return None
        return np.asarray(np.linalg.inv(self.smooth.bias_curvature(self.now.local)))

    def _preconditioner(self) -> Callable[[Point], Point]:
        entries, inner = self.smooth.diagonal_curvature(self.now.local)
        P, Q = self._inverse_diagonal(entries)
        k, factor = self._k, self._bias_inverse()
        inner = np.maximum(inner, 1e-300)

        def precondition(x: Point) -> Point:
            between = P * x.between
            between[:k, :k] += Q * x.between[:k, :k].T
            bias = x.bias if factor is None else factor @ x.bias
            return Point(between, x.inner / inner, bias)

        return precondition

    def _star_preconditioner(self) -> Callable[[Point], Point]:
        """Add to the averaged diagonal what ties a sample's logits to its own, exactly."""
        smooth, now, k = self.smooth, self.now, self._k
        star = smooth.star_curvature(now.local)
        P, Q = self._inverse_diagonal(star.entries)
        left = smooth.left.lift(now.U, axis=-2)
        right = smooth.right.lift(now.Vt, axis=-1).T
        factor = self._bias_inverse()
        # Inner modes meet only the entries of their own column: they are eliminated.
        by_inner = self.alive / star.inner
        mixed = star.mixed
        C = star.pair - mixed[:, None] * mixed[None, :] * by_inner
        gram = _gram(np.concatenate([star.pull.T @ left, left]), right, P, Q)
        G = star.inner.size
        low = _blocks(C)
        # Of 1/D + Z low Z' the inverse is D - D Z K Z' D, and gram is Z' D Z.
        K = np.linalg.solve(np.eye(2 * G) + low @ gram, low)
        K = (K + K.T) / 2

        def inverse(between: Array) -> Array:
            result = P * between
            result[:k, :k] += Q * between[:k, :k].T
            return result

        def precondition(x: Point) -> Point:
            between = inverse(x.between)
            inner = x.inner * by_inner
            weights = -(mixed * inner).ravel()
            matrix = left @ between @ right.T
            seen = np.concatenate([np.sum(star.pull * matrix, axis=0), matrix.diagonal()])
            weights = weights - K @ (seen + gram @ weights)
            seen = (seen + gram @ weights).reshape(2, G)
            matrix = star.pull * weights[:G]
            matrix[np.arange(G), np.arange(G)] += weights[G:]
            between += inverse(left.T @ matrix @ right)
            inner = inner - by_inner * np.sum(mixed * seen, axis=0)
            return Point(between, inner, x.bias if factor is None else factor @ x.bias)

        return precondition


def _blocks(pair: Array) -> Array:
    """Return the matrix (2 G, 2 G) of 2 x 2 matrices (2, 2, G), one for each group."""
    G = pair.shape[-1]
    matrix = np.zeros((2, G, 2, G))
    index = np.arange(G)
    for s in range(2):
        for t in range(2):
            matrix[s, index, t, index] = pair[s, t]
    return matrix.reshape(2 * G, 2 * G)


def _gram(rows: Array, right: Array, P: Array, Q: Array) -> Array:
    """Inner products of ``rows[a] right[a]'`` by ``X -> P * X + Q * X'``, for 2 G rows.

    P and Q are sums of few products, for they are smooth functions of the two modes. In single
    precision: what the sums leave out is more.
    """
    scale = np.maximum(np.abs(rows).max(axis=1), 1e-150)
    rows, right = (rows / scale[:, None]).astype(np.float32), right.astype(np.float32)
    largest = P.max()
    n, G, k = len(rows), len(right), len(Q)
    result = np.zeros((n // G, G, n // G, G), dtype=np.float32)
    for f, g in _products(P / largest):
        first = ((rows * f) @ rows.T).reshape(result.shape)
        result += first * ((right * g) @ right.T)[:, None, :]
    for f, g in _products(Q / largest):
        one = ((rows[:, :k] * f) @ right[:, :k].T).reshape(n // G, G, G)
        two = ((rows[:, :k] * g) @ right[:, :k].T).reshape(n // G, G, G)
        # One of row a by column c, two of row c by column a.
        result += one[:, :, None, :] * two.transpose(2, 0, 1)[None]
    matrix = result.reshape(n, n) * (largest * np.outer(scale, scale))
    return np.asarray((matrix + matrix.T) / 2)


def _products(matrix: Array) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Vectors whose outer products sum to a matrix."""
    rows = np.sqrt(np.maximum(matrix.max(axis=1), 1e-300))
    columns = np.sqrt(np.maximum(matrix.max(axis=0), 1e-300))
    U, s, Vt = np.linalg.svd(matrix / np.outer(rows, columns), full_matrices=False)
    few = np.count_nonzero(s > _TRUNCATED * s[0])
    left, right = U[:, :few] * s[:few] * rows[:, None], Vt[:few] * columns
    return list(zip(left.T.astype(np.float32), right.astype(np.float32), strict=True))
