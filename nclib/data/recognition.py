"""Which loss a training script has, from the gradient that arrives at the logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, softmax

from nclib._checks import as_floats
from nclib._records import Record
from nclib.theory.counts import CountsLike, as_counts
from nclib.theory.losses.objects import CrossEntropy, SquaredError

Array = NDArray[np.float64]

_FLAT = 1e-4
"""Logits that vary by less, or whose gradient is nearly the same for all, tell losses not apart."""

_FAINT = 1e-2
"""Rows of the gradient that are smaller than this share of the largest say nothing of a factor."""


@dataclass(frozen=True, eq=False)
class RecognisedLoss(Record):
    """What the gradient at the logits says of a loss; made by `recognise_loss`.

    Attributes
    ----------
    loss : SquaredError, CrossEntropy or None
        None where it is none that the theory has. Class weights are in `factors`, and in the loss
        only where label smoothing mixes them.
    name : str
        What it is, in words.
    factors : (B,) ndarray or None
        What the loss of each sample is multiplied by; for a mean over the batch 1/B.
    """

    loss: SquaredError | CrossEntropy | None
    name: str
    factors: Array | None


def recognise_loss(
    logits: ArrayLike,
    labels: ArrayLike,
    gradient: ArrayLike,
    counts: CountsLike,
    *,
    tol: float = 1e-4,
) -> RecognisedLoss | None:
    """Find the loss of a batch from its logits, its labels and the gradient of the loss by them.

    The squared error has the gradient ``a_i (z_i - y_i)`` and cross-entropy ``a_i (p_i - y_i)``, p
    the softmax of the logits; weights, reductions and factors of the script are in a_i, label
    smoothing in y, and whatever is added to the logits in p.

    Parameters
    ----------
    logits : (B, K) array_like
    labels : (B,) array_like of int
    gradient : (B, K) array_like
    counts : ClassCounts
        Samples per class, or anything that `Problem` takes for them.
    tol : float, default 1e-4
        Relative error up to which a gradient is that of a loss; more for half precision.

    Returns
    -------
    RecognisedLoss or None
        None where this batch can't tell: all its logits are alike, or the gradient is 0.

    Raises
    ------
    TypeError, ValueError
        If the arrays do not fit together.

    Examples
    --------
    >>> z, y = np.array([[2.0, 0.5, 0.1], [0.3, 0.2, -1.0]]), np.eye(3)[[0, 1]]
    >>> found = recognise_loss(z, [0, 1], (z - y) * 2 / 6, [5, 4, 3])
    >>> found.name, found.factors.round(4).tolist()
    ('the squared error', [0.3333, 0.3333])
    """
    counts = as_counts(counts)
    Z, G = as_floats("logits", logits), as_floats("gradient", gradient)
    y = np.asarray(labels)
    if Z.ndim != 2 or Z.shape[1] != counts.K or G.shape != Z.shape or y.shape != Z.shape[:1]:
        raise ValueError(
            f"logits and gradient must have shape (B, K) with K = {counts.K}, and labels (B,); got "
            f"{Z.shape}, {G.shape} and {y.shape}"
        )
    size = np.linalg.norm(G)
    if not np.isfinite(size) or size == 0 or not np.isfinite(Z).all():
        return None
    batch = _Batch(Z, y, G, tol)
    for kind, outputs in (("squared", Z), ("softmax", softmax(Z, axis=1))):
        found = batch.smoothed(outputs)
        if found is None:
            continue
        factors, eps = found
        if batch.varies_within_classes(factors):
            return RecognisedLoss(None, _BY_SAMPLE[kind], None)
        if kind == "squared":
            return RecognisedLoss(SquaredError(None, eps), _named(kind, eps), factors)
        if eps > 0 and batch.varies(factors):
            break  # the gradient of smoothed weights can look like this for a batch of one class
        if np.ptp(Z) < _FLAT:
            return None
        return RecognisedLoss(CrossEntropy(None, eps), _named(kind, eps), factors)
    if np.ptp(Z) < _FLAT:
        return None
    if batch.fits(batch.ratio(expit(Z) - batch.Y), expit(Z) - batch.Y):
        return RecognisedLoss(None, "binary cross-entropy of each class", None)
    if not batch.sums_to_zero():
        return RecognisedLoss(None, "no loss that is known here", None)
    adjusted = batch.adjusted()
    if adjusted is not None:
        shift, factors = adjusted
        tau = _tau(shift, np.log(counts.n / counts.N), tol)
        kind = "a vector" if tau is None else f"{tau:g} log(n / N)"
        return RecognisedLoss(
            CrossEntropy(adjustment=shift if tau is None else tau),
            f"cross-entropy of logits to which {kind} is added",
            factors,
        )
    smoothed = batch.smoothed_weights()
    if smoothed is not None:
        weights, eps, factors = smoothed
        return RecognisedLoss(CrossEntropy(weights, eps), _named("softmax", eps), factors)
    # One logit a row is pulled up by a label, several by a mixture of labels.
    several = np.sum(-tol * np.abs(G).max(axis=1, keepdims=True) > G, axis=1) > 1
    mixed = "cross-entropy of mixed labels (mixup, CutMix), or another loss of the softmax"
    unknown = "a loss of the softmax that is not known here"
    return RecognisedLoss(None, mixed if several.any() else unknown, None)


def labels_of_gradient(
    logits: ArrayLike, gradient: ArrayLike, *, tol: float = 1e-4
) -> NDArray[np.int64] | None:
    """Find which classes a loss takes the samples of a batch for, from its gradient.

    Parameters
    ----------
    logits, gradient : (B, K) array_like
    tol : float, default 1e-4
        As for `recognise_loss`.

    Returns
    -------
    (B,) ndarray of int64 or None
        None where the gradient is neither that of the squared error nor of cross-entropy, of
        one-hot labels, or where it is 0. A sample whose own gradient is 0, in a batch of others, is
        taken to be learned: for the class that its outputs are nearest to.

    Examples
    --------
    >>> z = np.array([[2.0, 0.5, 0.1], [0.3, 0.2, -1.0]])
    >>> labels_of_gradient(z, z - np.eye(3)[[2, 0]]).tolist()
    [2, 0]
    """
    Z, G = as_floats("logits", logits), as_floats("gradient", gradient)
    own = np.eye(Z.shape[1])
    for outputs in (Z, softmax(Z, axis=1)):
        # For each row and each class: what a multiple of (outputs - e_k) leaves of the gradient.
        direction = outputs[:, None, :] - own
        along = np.einsum("bkc,bc->bk", direction, G)
        square = np.sum(direction**2, axis=2)
        explained = _over(np.maximum(along, 0.0) ** 2, square)
        best: NDArray[np.int64] = np.where(
            G.any(axis=1), np.argmax(explained, axis=1), np.argmin(square, axis=1)
        )
        left = np.sum(G**2) - explained[np.arange(len(Z)), best].sum()
        if left < (10 * tol) ** 2 * np.sum(G**2):
            return best
    return None


_BY_SAMPLE = {
    "squared": "the squared error with weights that differ from sample to sample",
    "softmax": "cross-entropy with weights that differ from sample to sample, as focal loss has it",
}


def _named(kind: Literal["squared", "softmax"] | str, eps: float) -> str:
    name = "the squared error" if kind == "squared" else "cross-entropy"
    return f"{name}, label smoothing {eps:g}" if eps else name


class _Batch:
    """A batch and the ways to explain its gradient."""

    def __init__(self, Z: Array, y: NDArray[np.int64], G: Array, tol: float) -> None:
        self.Z, self.y, self.G, self.tol = Z, y, G, tol
        self.K = Z.shape[1]
        self.rows = np.arange(y.size)
        self.Y = np.zeros_like(Z)
        self.Y[self.rows, y] = 1
        self.present = np.unique(y)
        length = np.linalg.norm(G, axis=1)
        self.clear = length > _FAINT * length.max()

    def ratio(self, direction: Array) -> Array:
        """Return the factor of each row by which a direction is nearest to the gradient."""
        return _over(np.sum(self.G * direction, axis=1), np.sum(direction**2, axis=1))

    def fits(self, factors: Array, direction: Array) -> bool:
        """Whether the gradient is that direction, with these factors."""
        error = np.linalg.norm(self.G - factors[:, None] * direction)
        return bool(error <= self.tol * np.linalg.norm(self.G)) and bool((factors > 0).all())

    def smoothed(self, outputs: Array) -> tuple[Array, float] | None:
        """Explain it by outputs minus one-hot labels, smoothed by one eps, or return None."""
        plain = outputs - self.Y
        factors = self.ratio(plain)
        if self.fits(factors, plain):
            return factors, 0.0
        # The least squares of two unknowns a row: a (outputs - Y) + a eps (Y - 1/K).
        smooth = self.Y - 1 / self.K
        aa, ab, bb = (np.sum(u * v, axis=1) for u, v in _pairs(plain, smooth))
        ga, gb = np.sum(self.G * plain, axis=1), np.sum(self.G * smooth, axis=1)
        det = aa * bb - ab**2
        if (det <= _FLAT**2 * aa * bb).all():
            return None
        a, b = _over(ga * bb - gb * ab, det), _over(gb * aa - ga * ab, det)
        eps = _rounded(float(np.median(_over(b, a)[det > _FLAT**2 * aa * bb])), self.tol)
        if not 0 < eps < 1:  # at 1 nothing is left of the labels
            return None
        direction = plain + eps * smooth
        factors = self.ratio(direction)
        return (factors, eps) if self.fits(factors, direction) else None

    def varies_within_classes(self, factors: Array) -> bool:
        """Whether samples of one class have different factors."""
        return any(self.varies(factors, self.y == k) for k in self.present)

    def varies(self, factors: Array, rows: NDArray[np.bool_] | bool = True) -> bool:
        """Whether factors differ by more than rounding."""
        clear = factors[self.clear & rows]
        return clear.size > 1 and bool(np.ptp(clear) > 3 * self.tol * np.abs(clear).max())

    def sums_to_zero(self) -> bool:
        """Whether each row of the gradient does, as that of a softmax."""
        return bool(np.linalg.norm(self.G.sum(axis=1)) <= self.tol * np.linalg.norm(self.G))

    def adjusted(self) -> tuple[Array, Array] | None:
        """Explain it by a vector that is added to the logits; return it and the factors."""
        if self.K < 3:
            return None
        others = self.Y == 0
        if not (self.G[others] > 0).all():
            return None
        # log G_ik - z_ik is shift_k plus a number of the row, wherever k is not the label.
        R = np.where(others, np.log(np.where(others, self.G, 1.0)) - self.Z, 0.0)
        shift = _column_effects(R, others)
        if shift is None:
            return None
        direction = softmax(self.Z + shift, axis=1) - self.Y
        factors = self.ratio(direction)
        if not self.fits(factors, direction) or self.varies_within_classes(factors):
            return None
        return shift, factors

    def smoothed_weights(self) -> tuple[Array, float, Array] | None:
        """Explain it by class weights and smoothing together, as torch computes them.

        Then ``G_i = A_y p_i - s - t_y e_y`` with ``s = a eps w / K`` and ``t_y = a (1 - eps) w_y``.
        """
        p = softmax(self.Z, axis=1)
        A = np.full(self.y.size, np.nan)
        for k in self.present:
            rows = self.y == k
            centred, moved = p[rows] - p[rows].mean(axis=0), self.G[rows]
            moved = moved - moved.mean(axis=0)
            square = np.sum(centred**2)
            if square > _FLAT**2:
                A[rows] = np.sum(moved * centred) / square
        known = ~np.isnan(A)
        rest = A[:, None] * p - self.G
        others = (self.Y == 0) & known[:, None]
        if not others.any(axis=0).all():
            return None
        s = np.array([np.median(rest[others[:, k], k]) for k in range(self.K)])
        own = rest[self.rows, self.y] - s[self.y]
        share = float(np.median(_over(own, s[self.y])[known]))
        if not (s > 0).all() or not share > 0:
            return None
        eps = _rounded(self.K / (self.K + share), self.tol)
        if eps >= 1:
            return None
        weights = s / s.mean()
        a = float(np.mean(s) * self.K / eps)
        target = eps / self.K * weights + (1 - eps) * self.Y * weights
        direction = target.sum(axis=1, keepdims=True) * p - target
        factors = np.full(self.y.size, a)
        return (weights, eps, factors) if self.fits(factors, direction) else None


def _pairs(a: Array, b: Array) -> list[tuple[Array, Array]]:
    return [(a, a), (a, b), (b, b)]


def _over(above: Array, below: Array) -> Array:
    return np.divide(above, below, out=np.zeros_like(above), where=below != 0)


def _column_effects(R: Array, known: NDArray[np.bool_]) -> Array | None:
    """Fit known entries by a number of the row and one of the column; return those of columns."""
    weight = known.astype(float)
    degree = weight.sum(axis=1)
    # The normal equations of the columns, once the rows are eliminated.
    centred = R - (weight * R).sum(axis=1, keepdims=True) / degree[:, None]
    right = (weight * centred).sum(axis=0)
    laplacian = np.diag(weight.sum(axis=0)) - weight.T @ (weight / degree[:, None])
    effects: Array = np.linalg.lstsq(laplacian, right, rcond=1e-10)[0]
    return effects - effects.max() if np.isfinite(effects).all() else None


def _tau(shift: Array, log_share: Array, tol: float) -> float | None:
    """Return tau where the shift is ``tau log_share`` up to a constant, else None."""
    x, s = log_share - log_share.mean(), shift - shift.mean()
    if not x.any():
        return None
    tau = float(x @ s / (x @ x))
    if np.linalg.norm(s - tau * x) > 10 * tol * np.linalg.norm(s):
        return None
    return _rounded(tau, tol)


def _rounded(value: float, tol: float) -> float:
    """Return the number of two digits that is as near as the tolerance lets it be, or the value."""
    near = round(value, 3)
    return near if abs(near - value) <= 10 * tol * abs(value) else value
