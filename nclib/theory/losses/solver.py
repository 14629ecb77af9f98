"""The convex problem of the groups, solved to a certified gap.

Proximal gradient steps find which modes are alive; between two of them a Newton step moves on the
manifold of matrices with just these modes, where the nuclear norm is smooth. It is the one singular
value decomposition of the proximal step that gives the coordinates in which the nuclear norm's
curvature is explicit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nclib.theory.losses.certificate import DualPoint, best_bias, dual_point
from nclib.theory.losses.groups import Local, Point, SmoothPart

Array = NDArray[np.float64]

_MOST_STEPS = 400

_REACH = 4.0
"""A Newton step changes no difference of two logits by more than this: then softmax is another."""

_REQUIRED = 1e-9
"""A smaller gap than this is aimed for where it is asked for, and not required."""

_COARSE = 100
"""With more groups than this a cold start is the optimum of a coarser problem."""

_COARSE_GAP = 1e-2
"""Relative duality gap at which that is good enough."""

_MOST_FREEZES = 8

_DENSE = 150
"""Up to this many unknowns the Newton system is solved as a matrix."""


class Solution(NamedTuple):
    """A certified minimiser.

    Attributes
    ----------
    point : Point
    between : tuple of ndarray
        ``U (p, p), sigma (min(p, q),), V' (q, q)`` of `point.between`; dead modes have sigma 0.
    objective : float
    gap : float
        Relative duality gap.
    steps : int
        Newton steps taken.
    """

    point: Point
    between: tuple[Array, Array, Array]
    objective: float
    gap: float
    steps: int


@dataclass(frozen=True, eq=False)
class _Iterate:
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


class _Steps(NamedTuple):
    """Lengths of a proximal step between groups and of each inner mode, and the bias's step."""

    between: float
    inner: Array
    bias: Array


class Solver:
    """Solve one family of problems: the same loss and bias, one lambda after another."""

    def __init__(self, smooth: SmoothPart, frozen: NDArray[np.bool_] | None = None) -> None:
        self.smooth = smooth
        self.form = smooth.form
        self.frozen = frozen
        self.may_live = smooth.form.has_inner.copy()
        if frozen is not None:
            self.may_live &= ~frozen

    def solve(self, lam: float, start: Point | None, tol: float) -> Solution:
        """Minimise for one lambda, from a starting point, to a relative duality gap."""
        smooth = self.smooth
        if start is None:
            start = self._coarse_start(lam) if self.form.G > _COARSE else smooth.zero
        point, local = best_bias(smooth, start)
        slope = self._gradient(point, local)
        now = self._proximal(point, slope, self._steps(point, local, slope), lam)
        best_gap, stalled, damping = np.inf, 0, 0.0
        best: Solution | None = None
        for count in range(_MOST_STEPS):
            direction, promise = self._newton(now, lam, damping)
            near = promise <= max(tol, 1e-13) * now.objective
            if near or count % 10 == 9:
                dual = self._certify(now, lam)
                gap = (now.objective - dual.value) / now.objective
                if gap < best_gap:
                    best_gap, stalled = gap, 0
                    best = self._solution(now, max(gap, 0.0), count)
                elif near:
                    stalled += 1
                if best is not None and (best_gap <= tol or stalled >= 4):
                    break
            now, size = self._advance(now, direction, promise, lam)
            if size == 1.0:
                damping = damping / 10 if damping > 1e-3 else 0.0
            elif size < 0.2:
                damping = min(max(10 * damping, 0.1), 1e3)
        if best is None or best_gap > max(tol, _REQUIRED):
            raise RuntimeError(
                f"the optimum at lambda = {lam:.6g} was found to a relative duality gap of "
                f"{best_gap:.1e} only, not {tol:.1e}"
            )
        return best

    def _coarse_start(self, lam: float) -> Point:
        """Start from the optimum of the problem in which neighbouring groups are merged."""
        form, to = self.form.merged(self.form.G // 4)
        coarse = SmoothPart(form)
        try:
            point = Solver(coarse).solve(lam, None, _COARSE_GAP).point
        except RuntimeError:
            return self.smooth.zero
        others, own = coarse.logits(point._replace(bias=np.zeros_like(point.bias)))
        return self.smooth.point(others[np.ix_(to, to)], own[to], coarse.bias(point)[to])

    def _solution(self, now: _Iterate, gap: float, count: int) -> Solution:
        return Solution(now.point, (now.U, now.sigma, now.Vt), now.objective, gap, count)

    def _certify(self, now: _Iterate, lam: float) -> DualPoint:
        _, local = best_bias(self.smooth, now.point)
        return dual_point(self.smooth, local, lam, self.frozen)

    def _gradient(self, point: Point, local: Local) -> Point:
        gradient = self.smooth.gradient(point, local.residual, local.own_residual)
        return Point(gradient.between, np.where(self.may_live, gradient.inner, 0.0), gradient.bias)

    def _steps(self, point: Point, local: Local, slope: Point) -> _Steps:
        """Lengths of a proximal step: by the curvatures here, as far as they can be trusted.

        The three blocks are scaled apart, for with many classes they differ by orders: inner modes
        by their own curvatures, the bias by its second derivative. (Of diag(P) - P P', weighted by
        the sizes, the norm is at most 2 P (1 - P) / size.)
        """
        smooth = self.smooth
        entries, inner = smooth.diagonal_curvature(local)
        blocks = 3.0 if smooth.bias_size else 2.0
        # With one group there is nothing between groups, and no curvature.
        weight = float((self.form.mass / self.form.scale**2).max())
        most = max((2 if self.form.softmax else 1) * float(entries.max()), 1e-12 * weight)
        step = 1 / (blocks * most)
        inner_step = np.where(self.may_live, 1 / (blocks * np.maximum(inner, 1e-300)), 0.0)
        bias_move: Array = slope.bias
        if smooth.bias_size:
            newton = np.linalg.solve(smooth.bias_curvature(local), slope.bias)
            bias_move = np.asarray(newton / blocks)
        moves = Point(step * slope.between, inner_step * slope.inner, bias_move)
        reach = self._reach(moves)
        share = min(1.0, 1 / reach) if reach > 0 else 1.0
        return _Steps(share * step, np.asarray(share * inner_step), np.asarray(share * bias_move))

    def _reach(self, direction: Point) -> float:
        """How far a direction moves what softmax sees, at most: the own logit against another."""
        if not self.form.softmax:
            return 0.0
        logits, own = self.smooth.logits(direction)
        lead = logits * self.form.factor - own * self.form.logit_factor * self.form.sample_factor
        return float(np.max(np.abs(lead), where=self.form.rivals > 0, initial=0.0))

    def _proximal(self, point: Point, gradient: Point, steps: _Steps, lam: float) -> _Iterate:
        smooth = self.smooth
        U, values, Vt = np.linalg.svd(point.between - steps.between * gradient.between)
        sigma = np.maximum(values - steps.between * lam, 0.0)
        inner = point.inner - steps.inner * gradient.inner
        cut = steps.inner * lam * smooth.inner_cost
        inner = np.sign(inner) * np.maximum(np.abs(inner) - cut, 0.0)
        inner = np.where(self.may_live, inner, 0.0)
        k = sigma.size
        new = Point((U[:, :k] * sigma) @ Vt[:k], inner, point.bias - steps.bias)
        local = smooth.at(new)
        return _Iterate(
            point=new,
            U=U,
            sigma=sigma,
            Vt=Vt,
            weight=np.where(sigma > 0, lam, values / steps.between),
            local=local,
            gradient=self._gradient(new, local),
            objective=self._objective(local, sigma, inner, lam),
        )

    def _objective(self, local: Local, sigma: Array, inner: Array, lam: float) -> float:
        norm = float(sigma.sum()) + float(self.smooth.inner_cost @ np.abs(inner))
        return local.value + lam * norm

    def _advance(
        self, now: _Iterate, direction: Point, promise: float, lam: float
    ) -> tuple[_Iterate, float]:
        """Take a Newton step and a proximal one; where it does not pay, the proximal one alone."""
        reach = self._reach(Point(now.U @ direction.between @ now.Vt, *direction[1:]))
        size = min(1.0, _REACH / reach) if reach > 0 else 1.0
        first, least = size, 0.03 * size
        slack = 1e-15 * abs(now.objective)
        while size > least:
            moved = self._retract(now, direction, size)
            local = self.smooth.at(moved)
            if np.isfinite(local.value):
                slope = self._gradient(moved, local)
                new = self._proximal(moved, slope, self._steps(moved, local, slope), lam)
                if new.objective <= now.objective - 0.05 * size * promise + slack:
                    return new, size / first
            size *= 0.35
        steps = self._steps(now.point, now.local, now.gradient)
        for _ in range(60):
            new = self._proximal(now.point, now.gradient, steps, lam)
            if new.objective <= now.objective + slack:
                break
            steps = _Steps(steps.between / 2, steps.inner / 2, steps.bias / 2)
        return new, 0.0

    def _retract(self, now: _Iterate, direction: Point, size: float) -> Point:
        """Go along a direction (given in the basis of the modes), and stay near the manifold."""
        r = int(np.count_nonzero(now.sigma))
        X = size * direction.between
        X[np.arange(r), np.arange(r)] += now.sigma[:r]
        # A mode that the step would turn over dies.
        over = np.flatnonzero(X.diagonal()[:r] < 0)
        X[over] = 0.0
        X[:, over] = 0.0
        X[r:, r:] = X[r:, :r] @ (X[:r, r:] / now.sigma[:r, None])
        inner = now.point.inner + size * direction.inner
        inner = np.where(np.sign(inner) * np.sign(now.point.inner) < 0, 0.0, inner)
        return Point(now.U @ X @ now.Vt, inner, now.point.bias + size * direction.bias)

    def _newton(self, now: _Iterate, lam: float, damping: float) -> tuple[Point, float]:
        """Newton direction on the manifold, `between` in the basis of the modes, and its promise.

        The promise is twice what the quadratic model gains. Damping keeps modes from turning by
        more than about their size against that of the other: weak ones are else turned by angles at
        which the model says nothing.
        """
        system = _NewtonSystem(self, now, lam, damping)
        slope = system.slope()
        r, own = system.r, slope.between.diagonal()[: system.r].copy()
        for _ in range(_MOST_FREEZES):
            if system.unknowns <= _DENSE:
                direction = system.solve_dense(slope)
            else:
                direction = system.solve_iteratively(slope)
            # A mode that the step would turn over is past its death, or in the way of others that
            # are: it dies, or waits, and the others move without it.
            over = now.sigma[:r] + direction.between.diagonal()[:r] < 0
            if not over.any():
                break
            system.freeze(over)
            slope = system.restrict(slope)
        promise = -slope.dot(direction)
        dying = system.frozen[:r] & (own > 0)
        index = np.flatnonzero(dying)
        direction.between[index, index] = -now.sigma[index]
        return direction, promise + float(own[dying] @ now.sigma[:r][dying])


class _NewtonSystem:
    """Second derivative of the objective on the manifold of the alive modes."""

    def __init__(self, solver: Solver, now: _Iterate, lam: float, damping: float) -> None:
        self.smooth, self.now, self.lam = solver.smooth, now, lam
        p, q = now.point.between.shape
        k = now.sigma.size
        self.r = r = int(np.count_nonzero(now.sigma))
        self.alive = now.point.inner != 0
        self.unknowns = p * q - (p - r) * (q - r) + int(self.alive.sum()) + now.point.bias.size
        left, right, weight = np.zeros(p), np.zeros(q), np.zeros(max(p, q))
        left[:k], right[:k], weight[:k] = now.sigma, now.sigma, now.weight
        self.frozen = np.zeros(max(p, q), dtype=bool)
        with np.errstate(divide="ignore"):
            self._inverse = 1 / (left[:, None] + right[None, :])
        self._inverse[r:, r:] = 0.0
        self._stiffness = (lam + damping * lam) * self._inverse
        index = np.arange(r)
        self._stiffness[index, index] = lam * self._inverse[index, index]
        cross = np.minimum(weight[:p, None], weight[None, :q])
        self._cross = (cross * self._inverse)[:k, :k]
        self._k = k

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
        precondition = self._preconditioner()
        X = slope.times(0.0)
        residual = slope.times(-1.0)
        z = precondition(residual)
        search, rz = z, residual.dot(z)
        first = rz
        # Superlinear: the accuracy asked for goes with the decrease in sight.
        wanted = min(0.05, np.sqrt(max(first, 0.0) / max(abs(self.now.objective), 1e-300))) ** 2
        wanted = max(wanted, 1e-10)
        for _ in range(300):
            image = self.apply(search)
            curved = search.dot(image)
            if not curved > 0:
                break
            a = rz / curved
            X = X.plus(search, a)
            residual = residual.plus(image, -a)
            z = precondition(residual)
            rz, before = residual.dot(z), rz
            if rz <= wanted * first:
                break
            search = z.plus(search, rz / before)
        return X

    def _preconditioner(self) -> Callable[[Point], Point]:
        smooth, now, k = self.smooth, self.now, self._k
        entries, inner = smooth.diagonal_curvature(now.local)
        left = smooth.left.lift(now.U, axis=-2) ** 2
        right = smooth.right.lift(now.Vt, axis=-1) ** 2
        own = left.T @ entries @ right.T + self._stiffness
        own[self.r :, self.r :] = 1.0
        square, cross = own[:k, :k], self._cross
        determinant = square * square.T - cross**2
        inner = np.where(self.alive, inner, 1.0)
        inner = np.maximum(inner, 1e-12 * inner.max())
        factor = None
        if smooth.bias_size:
            factor = np.linalg.inv(smooth.bias_curvature(now.local))

        def precondition(x: Point) -> Point:
            between = x.between / own
            part = x.between[:k, :k]
            between[:k, :k] = (square.T * part + cross * part.T) / determinant
            bias = x.bias if factor is None else factor @ x.bias
            return self.restrict(Point(between, x.inner / inner, bias))

        return precondition
