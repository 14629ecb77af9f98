"""The formulas of the paper, from what is left of the samples: class means, sums and the head."""

from __future__ import annotations

from typing import Any

import numpy as np

from nclib.metrics.arrays import Array, Labels, Reading, require_choice
from nclib.metrics.class_means import ClassMeans
from nclib.metrics.head import Head
from nclib.theory.minimizer import Minimizer


def nc1_by_mode(squares: Array, counts: Labels) -> Array:
    """Return the share of each direction of Sigma_B in NC1; see `nclib.nc1`.

    Parameters
    ----------
    squares : (rank,) ndarray
        Sums over all samples of the squares of their deviation from the class mean, along each
        direction and divided by its singular value.
    counts : (K,) ndarray of int64
    """
    by_mode: Array = squares / int(counts.sum()) / counts.size
    return by_mode


def nc4(agreed: Labels, counts: Labels) -> tuple[float, Array]:
    """Return the share of samples that the head gives to the nearest class mean, and by class."""
    return float(agreed.sum() / int(counts.sum())), agreed / counts


def balance(W_1_norm: float, means: Array, counts: Labels, lambda_W1: float) -> float:
    """Return the lambda_H for which W_1 and the class means (K, d) are in balance."""
    E_norm = np.linalg.norm(means * np.sqrt(counts)[:, None])
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(lambda_W1 * (W_1_norm / E_norm) ** 2)


def require_minimizer(minimizer: Minimizer) -> Minimizer:
    """Raise unless it is one."""
    if not isinstance(minimizer, Minimizer):
        raise TypeError(f"minimizer must be a Minimizer; got {minimizer!r:.60}")
    return minimizer


def require_fitting(
    minimizer: Minimizer, counts: Labels, head: Head | None, check_counts: bool
) -> None:
    """Raise unless a minimiser is of these counts and such a head."""
    problem, K = require_minimizer(minimizer).problem, counts.size
    if problem.K != K:
        raise ValueError(f"minimizer must have K = {K} classes; got {problem.K}")
    wrong = np.flatnonzero(problem.counts.n != counts)
    if check_counts and wrong.size:
        k = wrong[0]
        raise ValueError(
            f"minimizer has {problem.counts.n[k]} samples of class {k}, labels have "
            f"{counts[k]}; check_counts=False measures other samples than it was made for"
        )
    if head is None:
        return
    if head.depth != problem.depth:
        raise ValueError(
            f"Ws must hold depth = {problem.depth} matrices, as minimizer; got {head.depth}"
        )
    if problem.bias != (head.b is not None):
        raise ValueError(
            f"b must have shape ({K},): minimizer has a bias; got None"
            if problem.bias
            else "b must be None: minimizer has no bias"
        )


def first_pass_values(
    means: ClassMeans,
    head: Head | None,
    minimizer: Minimizer | None,
    reading: Reading,
    check_counts: bool,
) -> dict[str, Any]:
    """Return the fields of `Metrics` that the class means and the head are enough for."""
    require_choice("reading", reading, Reading)
    means.require_every_class()
    counts = means.counts
    values: dict[str, Any] = {"reading": reading, "counts": counts.copy()}
    if minimizer is None:
        return values
    require_fitting(minimizer, counts, head, check_counts)
    values["target_unique"] = minimizer.unique
    values |= compare(means.means(), head, minimizer, reading)
    if head is not None:
        lambda_W1 = minimizer.problem.lambda_W[0]
        values["lambda_H"] = balance(head.W_1_norm, means.means(), counts, lambda_W1)
    return values


def compare(
    means: Array, head: Head | None, minimizer: Minimizer, reading: Reading
) -> dict[str, Any]:
    """NC2 and NC3 against a minimiser, from the class means (K, d) and the head."""
    problem, printed = minimizer.problem, reading == "as_printed"
    kappa, survives = minimizer.kappa, minimizer.survives
    # With bias E = Hbar D; without, D is divided out: from here on, and from the targets.
    scale = np.sqrt(problem.counts.n) if problem.bias else np.ones(problem.K)
    divisor = np.ones(problem.K) if problem.bias else kappa
    E: Array = minimizer.spectrum.V.rmatmat(means * scale[:, None])
    target_H = (minimizer.feature_singular_values / divisor) ** 2
    target_WH = minimizer.z / divisor
    if printed:
        with np.errstate(divide="ignore", invalid="ignore"):
            product = minimizer.feature_singular_values**2 / kappa / divisor
        target_WH = np.where(survives, product, 0.0)
    # Scaled, so that near total collapse the squares do not underflow: only ratios matter.
    size_E = _largest(E)
    E_scaled = E / size_E
    # E9: as printed, without bias, the norm is that of Hbar.
    norm_H = float(np.linalg.norm(E_scaled)) / size_E if printed and not problem.bias else None
    values = _distance("nc2_h", E_scaled @ E_scaled.T, target_H, norm_H)
    if head is None:
        return values
    W: Array = minimizer.spectrum.U.rmatmat(head.P)
    W = W / _largest(W)
    values |= _distance("nc2_w", W @ W.T, minimizer.product_singular_values**2)
    values |= _distance("nc2_wh", W @ E_scaled.T, target_WH)
    with np.errstate(divide="ignore", invalid="ignore"):
        rows = [X / np.linalg.norm(X, axis=1, keepdims=True) for X in (W, E_scaled)]
    by_mode = np.linalg.norm(rows[0] - rows[1], axis=1)
    counted = np.ones(problem.K, dtype=bool) if printed else survives
    nc3 = float(np.linalg.norm(by_mode[counted])) if counted.any() else float("nan")
    values |= {"nc3": nc3, "nc3_by_mode": np.where(counted, by_mode, np.nan)}
    return values


def _distance(name: str, matrix: Array, target: Array, norm: float | None = None) -> dict[str, Any]:
    """Distance of a matrix from a diagonal, both of norm 1; in all, and by column."""
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = matrix / (np.linalg.norm(matrix) if norm is None else norm)
        difference[np.diag_indices_from(difference)] -= target / np.linalg.norm(target)
    by_mode = np.linalg.norm(difference, axis=0)
    return {name: float(np.linalg.norm(by_mode)), f"{name}_by_mode": by_mode}


def _largest(array: Array) -> float:
    """Return the largest size of an entry, or 1 where all are 0."""
    return float(np.max(np.abs(array))) or 1.0
