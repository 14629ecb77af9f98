"""The formulas of the paper, from what is left of the samples: class means, sums and the head."""

from __future__ import annotations

from typing import Any

import numpy as np

from nclib._checks import choice
from nclib.metrics.arrays import Array, Labels, Reading
from nclib.metrics.class_means import ClassMeans
from nclib.metrics.head import Head
from nclib.theory.optimum import Optimum, require_optimum


def nc1_by_mode(squares: Array, counts: Labels) -> Array:
    """Return the share of each direction of Sigma_B in NC1; see `nclib.metrics.nc1`.

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


def balance(W_1_norm: float, means: Array, weight: Array | Labels, lambda_W1: float) -> float:
    """Return the lambda_H for which W_1 and the class means (K, d) are in balance.

    The weight of each class mean is how often the penalty of the features counts it, (K,): without
    a sampler the samples of its class.
    """
    E_norm = np.linalg.norm(means * np.sqrt(weight)[:, None])
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(lambda_W1 * (W_1_norm / E_norm) ** 2)


def require_fitting(
    minimizer: Optimum, counts: Labels, head: Head | None, check_counts: bool
) -> None:
    """Raise unless a minimiser is of these counts and such a head."""
    problem, K = require_optimum(minimizer).problem, counts.size
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
    if problem.has_bias != (head.b is not None):
        raise ValueError(
            f"b must have shape ({K},): minimizer has a bias; got None"
            if problem.has_bias
            else "b must be None: minimizer has no bias"
        )


def first_pass_values(
    means: ClassMeans,
    head: Head | None,
    minimizer: Optimum | None,
    reading: Reading,
    check_counts: bool,
) -> dict[str, Any]:
    """Return the fields of `Metrics` that the class means and the head are enough for."""
    choice("reading", reading, Reading)
    means.require_every_class()
    counts = means.counts
    values: dict[str, Any] = {"reading": reading, "counts": counts.copy()}
    if minimizer is None:
        return values
    require_fitting(minimizer, counts, head, check_counts)
    values["target_unique"] = minimizer.unique
    values |= compare(means.means(), head, minimizer, reading)
    if head is not None:
        problem = minimizer.problem
        # The penalty counts the features of the training, also where these are others; under a
        # sampler a sample more or less than once.
        weight = problem.feature_weight
        values["lambda_H"] = balance(head.W_1_norm, means.means(), weight, problem.lambda_W[0])
    return values


def compare(
    means: Array, head: Head | None, minimizer: Optimum, reading: Reading
) -> dict[str, Any]:
    """Return NC2 and NC3 against an optimum, from the class means (K, d) and the head.

    All are distances of Gram matrices and products, which no rotation of the features changes; only
    for their parts by mode, and for NC3, they are written in the coordinates of the modes.
    """
    problem, printed = minimizer.problem, reading == "as_printed"
    left, right = minimizer.modes
    # With bias E = Hbar D; without, D is divided out: from here on, and from the targets.
    weighted = problem.has_bias
    scale = np.sqrt(problem.feature_weight) if weighted else np.ones(problem.K)
    E: Array = right.T @ (means * scale[:, None])
    head_there, means_there = minimizer.along_modes(scale)
    target_WH = head_there @ means_there
    if printed:
        target_WH = _printed_product(minimizer, weighted)
    # Scaled, so that near total collapse the squares do not underflow: only ratios matter.
    size_E = _largest(E)
    E_scaled = E / size_E
    # E9: as printed, without bias, the norm is that of Hbar.
    norm_H = float(np.linalg.norm(E_scaled)) / size_E if printed and not weighted else None
    values = _distance("nc2_h", E_scaled @ E_scaled.T, means_there.T @ means_there, norm_H)
    if head is None:
        return values
    W: Array = left.T @ head.P
    W = W / _largest(W)
    values |= _distance("nc2_w", W @ W.T, head_there @ head_there.T)
    values |= _distance("nc2_wh", W @ E_scaled.T, target_WH)
    # The head's rows have the directions of Hbar D V; where V are the classes, also of Hbar V.
    directions = E_scaled
    if not weighted:
        directions = right.T @ (means * np.sqrt(problem.feature_weight)[:, None])
        directions = directions / _largest(directions)
    with np.errstate(divide="ignore", invalid="ignore"):
        rows = [X / np.linalg.norm(X, axis=1, keepdims=True) for X in (W, directions)]
    by_mode = np.linalg.norm(rows[0] - rows[1], axis=1)
    counted = minimizer.survives & minimizer.shares_modes
    if printed:
        counted = np.ones(problem.K, dtype=bool)
    nc3 = float(np.linalg.norm(by_mode[counted])) if counted.any() else float("nan")
    values |= {"nc3": nc3, "nc3_by_mode": np.where(counted, by_mode, np.nan)}
    return values


def _printed_product(minimizer: Optimum, weighted: bool) -> Array:
    """Return the target of NC2^WH as the paper prints it, for its own model only."""
    kappa = minimizer.kappa
    if kappa is None:
        raise ValueError(
            "reading must be 'corrected' but for the paper's own model: it prints no formula for "
            f"{type(minimizer).__name__}; got 'as_printed'"
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        product = minimizer.feature_singular_values**2 / kappa / (1.0 if weighted else kappa)
    return np.diag(np.where(minimizer.survives, product, 0.0))


def _distance(name: str, matrix: Array, target: Array, norm: float | None = None) -> dict[str, Any]:
    """Return the distance of two matrices, both of norm 1; in all, and by column."""
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = matrix / (np.linalg.norm(matrix) if norm is None else norm)
        difference -= target / np.linalg.norm(target)
    by_mode = np.linalg.norm(difference, axis=0)
    return {name: float(np.linalg.norm(by_mode)), f"{name}_by_mode": by_mode}


def _largest(array: Array) -> float:
    """Return the largest size of an entry, or 1 where all are 0."""
    return float(np.max(np.abs(array))) or 1.0
