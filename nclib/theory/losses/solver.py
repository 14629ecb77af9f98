"""The convex problem of the groups, solved to a certified gap.

Proximal gradient steps find which modes are alive; between two of them a Newton step moves on the
manifold of matrices with just these modes, where the nuclear norm is smooth. It is the one singular
value decomposition of the proximal step that gives the coordinates in which the nuclear norm's
curvature is explicit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nclib.theory.losses.certificate import DualPoint, best_bias, dual_point, first_point
from nclib.theory.losses.groups import Local, Point, SmoothPart
from nclib.theory.losses.newton import Iterate, NewtonSystem

Array = NDArray[np.float64]

_MOST_STEPS = 400

_REACH = 4.0
"""A Newton step changes no difference of two logits by more than this: then softmax is another."""

_REQUIRED = 1e-9
"""A smaller gap than this is aimed for where it is asked for, and not required."""

_LEAST = 1e-13
"""Where steps promise less than this, relative to the objective, the gap is measured."""

_PATIENCE = 8
"""So often it may do so and be no smaller than before."""

_COARSE = 100
"""With more groups than this a cold start is the optimum of a coarser problem."""

_COARSE_GAP = 1e-2
"""Relative duality gap at which that is good enough."""

_SHARES = (1.0, 0.35, 0.12, 0.04, 0.0)
"""What of a Newton step is tried, one after another; with none of it the proximal step is left."""

_MISSED = 10.0
"""A step that gains so many times what the Newton step promised was the proximal one's alone."""

_DAMPING = 10.0
"""How much stiffer modes are against turning after a Newton step that was not to be trusted."""


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
        self._hard = False
        self.may_live = smooth.form.has_inner.copy()
        if frozen is not None:
            self.may_live &= ~frozen

    def solve(self, lam: float, start: Point | None, tol: float) -> Solution:
        """Minimise for one lambda, from a starting point, to a relative duality gap."""
        smooth = self.smooth
        if start is None:
            start = self._coarse_start(lam) if self.form.G > _COARSE else first_point(smooth)
        point, local = best_bias(smooth, start)
        slope = self._gradient(point, local)
        now = self._proximal(point, slope, self._steps(point, local, slope), lam)
        damping, stalled, best_gap = 0.0, 0, np.inf
        best: Solution | None = None
        for count in range(_MOST_STEPS):
            direction, promise = self._newton(now, lam, damping)
            near = promise <= max(tol, _LEAST) * now.objective
            if near or count == _MOST_STEPS - 1:
                dual = self._certify(now, lam)
                gap = (now.objective - dual.value) / now.objective
                stalled += 1
                if gap < best_gap:
                    best_gap, best, stalled = gap, self._solution(now, max(gap, 0.0), count), 0
                if gap <= tol or stalled > _PATIENCE:
                    break
            new, full = self._advance(now, direction, promise, lam)
            # The proximal step alone did it: a mode that the Newton step froze was to grow.
            missed = now.objective - new.objective > _MISSED * promise
            damping = 0.0 if full and not missed else _DAMPING
            now = new
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
            return first_point(self.smooth)
        others, own = coarse.logits(point._replace(bias=np.zeros_like(point.bias)))
        return self.smooth.point(others[np.ix_(to, to)], own[to], coarse.bias(point)[to])

    def _solution(self, now: Iterate, gap: float, count: int) -> Solution:
        return Solution(now.point, (now.U, now.sigma, now.Vt), now.objective, gap, count)

    def _certify(self, now: Iterate, lam: float) -> DualPoint:
        _, local = best_bias(self.smooth, now.point)
        return dual_point(self.smooth, local, lam, self.frozen)

    def _gradient(self, point: Point, local: Local) -> Point:
        return self.smooth.gradient(point, local.residual, local.own_residual)

    def _steps(self, point: Point, local: Local, slope: Point) -> _Steps:
        """Lengths of a proximal step: by the curvatures here, as far as they can be trusted.

        The three blocks are scaled apart, for with many classes they differ by orders: inner modes
        by their own curvatures, the bias by its second derivative. (Of diag(P) - P P', weighted by
        the sizes, the norm is at most 2 P (1 - P) / size.)
        """
        smooth = self.smooth
        entries, inner = smooth.diagonal_curvature(local)
        # With one group there is nothing between groups, and no curvature.
        step = 1 / max(2 * float(entries.max()), 1e-300)
        inner_step = 1 / np.maximum(inner, 1e-300)
        bias_move: Array = slope.bias
        if smooth.bias_size:
            bias_move = np.asarray(np.linalg.solve(smooth.bias_curvature(local), slope.bias))
        reach = self._reach(Point(step * slope.between, inner_step * slope.inner, bias_move))
        share = 1 / max(reach, 3.0 if smooth.bias_size else 2.0)
        return _Steps(share * step, share * inner_step, share * bias_move)

    def _reach(self, direction: Point) -> float:
        """How far a direction moves what softmax sees, at most: the own logit against another."""
        logits, own = self.smooth.logits(direction)
        lead = logits * self.form.factor - own * self.form.logit_factor * self.form.sample_factor
        return float(np.abs(lead).max())

    def _proximal(self, point: Point, gradient: Point, steps: _Steps, lam: float) -> Iterate:
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
        return Iterate(
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
        self, now: Iterate, direction: Point, promise: float, lam: float
    ) -> tuple[Iterate, bool]:
        """Take a Newton step and a proximal one; the last says whether all of the former paid."""
        reach = self._reach(Point(now.U @ direction.between @ now.Vt, *direction[1:]))
        for share in _SHARES:
            size = share * _REACH / max(reach, _REACH)
            moved = self._retract(now, direction, size)
            local = self.smooth.at(moved)
            slope = self._gradient(moved, local)
            new = self._proximal(moved, slope, self._steps(moved, local, slope), lam)
            if new.objective <= now.objective * (1 + 1e-15) - 0.05 * size * promise:
                break
        return new, share == 1.0

    def _retract(self, now: Iterate, direction: Point, size: float) -> Point:
        """Go along a direction (given in the basis of the modes), and stay near the manifold."""
        r = int(np.count_nonzero(now.sigma))
        X = size * direction.between
        X[np.arange(r), np.arange(r)] += now.sigma[:r]
        X[r:, r:] = X[r:, :r] @ (X[:r, r:] / now.sigma[:r, None])
        # An inner mode that the step would turn over dies.
        sign = np.sign(now.point.inner)
        inner = sign * np.maximum(sign * (now.point.inner + size * direction.inner), 0.0)
        return Point(now.U @ X @ now.Vt, inner, now.point.bias + size * direction.bias)

    def _newton(self, now: Iterate, lam: float, damping: float) -> tuple[Point, float]:
        """Newton direction on the manifold, `between` in the basis of the modes, and its promise.

        The promise is twice what the quadratic model gains. Damping keeps modes from turning by
        more than about their size against that of the other: weak ones are else turned by angles at
        which the model says nothing.
        """
        system = NewtonSystem(self.smooth, now, lam, damping, self._hard)
        slope, r = system.slope(), system.r
        sigma, own = now.sigma[:r], slope.between.diagonal()[:r]
        while True:
            left = system.restrict(slope)
            if system.is_small:
                direction = system.solve_dense(left)
            else:
                direction = system.solve_iteratively(left)
            # A mode that the step would turn over is past its death, or in the way of others that
            # are: it dies, or waits, and the others move without it.
            over = sigma + direction.between.diagonal()[:r] < 0
            if not over.any():
                break
            system.freeze(over)
        self._hard = system.hard
        dying = np.flatnonzero(system.frozen[:r] & (own > 0))
        direction.between[dying, dying] = -sigma[dying]
        return direction, -slope.dot(direction)
