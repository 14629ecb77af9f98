"""A lower bound of the convex problem by a feasible point of its dual.

A sample's loss is the largest ``<q - y, z> + what does not depend on z`` over answers q; whatever
answers are chosen, with ``||sum_k a_k (q_k - y_k) e_k' / d_k|| <= lambda`` the nuclear norm
cannot gain by them, and their value is a lower bound of the objective.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nclib.theory.losses.groups import GroupForm, Local, Point, SmoothPart

Array = NDArray[np.float64]

_SAFETY = 1e-14
"""Relative distance that the dual point keeps from its bound, for the rounding of the norm."""

_FARTHEST = 1e3
"""A step of the bias is at most about so long: where softmax is flat Newton's has no end."""


class DualPoint(NamedTuple):
    """A feasible dual point and the lower bound that it proves.

    Attributes
    ----------
    value : float
        The lower bound.
    residual : (G, G) ndarray
        ``q - y`` of the classes of group a that are not a sample's own, for one of group b.
    own_residual : (G,) ndarray
        ``q - y`` of a sample's own class.
    """

    value: float
    residual: Array
    own_residual: Array


def spectral_norm(
    smooth: SmoothPart, gradient: Point, frozen: NDArray[np.bool_] | None = None
) -> float:
    """Largest singular value of a derivative by T, inner modes and those between groups.

    Inner modes of `frozen` groups are left out: they are not free to use it.
    """
    inner = inner_slopes(smooth, gradient)
    if frozen is not None:
        inner = np.where(frozen, 0.0, inner)
    between = np.linalg.norm(gradient.between, 2) if gradient.between.size else 0.0
    return max(float(np.abs(inner).max()), float(between))


def inner_slopes(smooth: SmoothPart, gradient: Point) -> Array:
    """Differentiate by the singular value of each group's inner modes, for one of them, (G,)."""
    return np.asarray(gradient.inner / np.maximum(smooth.inner_cost, 1.0))


def first_point(smooth: SmoothPart) -> Point:
    """T = 0, with the bias that takes an adjustment back where that is better than none.

    Where an adjustment is strong softmax is flat at b = 0, and Newton's method finds no way.
    """
    zero, form = smooth.zero, smooth.form
    if not smooth.bias_size or not form.shift.any():
        return zero
    back = smooth.left.drop(-form.shift / form.logit_factor * smooth.root) * smooth.bias_scale
    return min(zero, zero._replace(bias=back), key=lambda point: smooth.at(point).value)


def best_bias(smooth: SmoothPart, point: Point, steps: int = 60) -> tuple[Point, Local]:
    """Minimise over the bias alone, by Newton's method."""
    local = smooth.at(point)
    if not smooth.bias_size:
        return point, local
    for _ in range(steps):
        slope = smooth.gradient(point, local.residual, local.own_residual).bias
        ridge = float(np.linalg.norm(slope)) / (_FARTHEST * smooth.bias_scale)
        step = np.linalg.solve(smooth.bias_curvature(local) + ridge * np.eye(slope.size), -slope)
        gain = -float(slope @ step)
        if not gain > 1e-30 * abs(local.value):
            break
        size = 1.0
        while size > 1e-10:
            moved = Point(point.between, point.inner, point.bias + size * step)
            there = smooth.at(moved)
            if there.value <= local.value - 0.1 * size * gain:
                break
            # Near the minimum rounding decides: take the step if it lowers the slope.
            slope_there = smooth.gradient(moved, there.residual, there.own_residual).bias
            if gain < 1e-9 * local.value and np.abs(slope_there).max() < np.abs(slope).max():
                break
            size /= 2
        else:
            break
        point, local = moved, there
    return point, local


def dual_point(
    smooth: SmoothPart, local: Local, lam: float, frozen: NDArray[np.bool_] | None = None
) -> DualPoint:
    """Make a feasible dual point of the answers at a primal point, and its value.

    Parameters
    ----------
    smooth : SmoothPart
    local : Local
        At a point whose bias is the best one, or near it.
    lam : float
        lambda, the price of the nuclear norm.
    frozen : (G,) ndarray of bool, optional
        Groups whose inner modes are kept dead.

    Returns
    -------
    DualPoint
    """
    form = smooth.form
    residual, own = local.residual, local.own_residual
    if form.bias == "free":
        residual, own = _without_mean(form, residual, own)
    gradient = smooth.gradient(smooth.zero, residual, own)
    norm = spectral_norm(smooth, gradient, frozen)
    share = min(1.0, lam / norm * (1 - _SAFETY)) if norm > 0 else 1.0
    residual, own = share * residual, share * own
    value = _squared(form, residual, own)
    if form.softmax:
        value = _entropy(form, residual, own)
    if form.bias == "decayed":
        slope = share * gradient.bias * smooth.bias_scale
        value -= float(slope @ slope) / (2 * form.lambda_b)
    return DualPoint(value, residual, own)


def _without_mean(form: GroupForm, residual: Array, own: Array) -> tuple[Array, Array]:
    """Repair the answers so that the free bias cannot gain: ``sum a sample_factor (q - y) = 0``."""
    by_group = form.mass * form.sample_factor * form.size
    total = form.total if form.softmax else np.ones(form.G)
    weight = form.size * (by_group @ total)
    # Summed over the classes of a group, for one of them.
    mean = ((residual * form.rivals) @ by_group + own * by_group) / weight
    residual, own = residual - np.outer(mean, total), own - mean * total
    if not form.softmax:
        return residual, own
    # That may leave the simplex. The mean of the targets is inside; go towards it.
    targets = (form.size * form.other) * by_group.sum() + form.own * by_group
    centre = targets / weight
    inside, own_inside = np.outer(centre, total), centre * total
    q, own_q = residual + form.other[:, None], own + form.own + form.other
    step = max(
        _way_in(np.where(form.rivals > 0, q, 0.0), inside),
        _way_in(own_q, own_inside),
    )
    return residual + step * (inside - q), own + step * (own_inside - own_q)


def _way_in(q: Array, inside: Array) -> float:
    """Share of the way to positive numbers after which nothing is below 0."""
    lacks = q < 0
    share = np.max(-q[lacks] / (inside - q)[lacks], initial=0.0)
    return min(1.0, float(share) * (1 + 1e-12))


def _squared(form: GroupForm, residual: Array, own: Array) -> float:
    targets = form.other[:, None]
    costs = np.sum(form.rivals * (residual**2 / 2 + residual * targets), axis=0)
    costs += own**2 / 2 + own * (form.own + form.other)
    return -float((form.mass * form.size) @ costs)


def _entropy(form: GroupForm, residual: Array, own: Array) -> float:
    """Sum of ``M Ent(q / M) + <q - y, iota>``, with 1 - q of the own class from the others."""
    q = np.maximum((residual + form.other[:, None]) / form.total, 0.0)
    others = np.sum(form.rivals * q, axis=0)
    own_q = np.maximum((own + form.own + form.other) / form.total, 0.0)
    small = others < 0.5
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(q > 0, q * np.log(q), 0.0)
        log_own = np.where(small, np.log1p(-others), np.log(own_q))
        own_logs = np.where(own_q > 0, own_q * log_own, 0.0)
    values = -form.total * (np.sum(form.rivals * logs, axis=0) + own_logs)
    values += np.sum(form.rivals * residual * form.shift[:, None], axis=0)
    values += own * (form.shift - form.margin)
    return float((form.mass * form.size) @ values)
