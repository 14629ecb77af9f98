"""Losses as objects: what a training script computes, for class counts.

Every loss is given by what it does to the samples of each class; its value and gradient here, and
the convex problem of one layer, are made from the same `LossTerms`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nclib._checks import as_float, as_floats, is_number
from nclib._records import Record
from nclib.theory.counts import ClassCounts, as_counts

Array = NDArray[np.float64]


class LossTerms(NamedTuple):
    """What a loss does to the samples of each class; arrays have shape (K,).

    The objective's first term is ``1/N sum_k n_k weight_k l_k``, with l_k as `GroupForm` has it.
    """

    softmax: bool
    weight: Array
    own: Array
    other: Array
    logit_factor: Array
    sample_factor: Array
    shift: Array
    margin: Array


class Loss(Record):
    """A loss that is given by its terms; the base of those here.

    A problem asks its loss for `fit` and `gradient`, and for `terms` where it is solved by groups.
    """

    def terms(self, counts: ClassCounts, drawn: Array) -> LossTerms:
        """Say what the loss does to each class; `drawn` are the samples of an epoch, (K,)."""
        raise NotImplementedError

    def fit(self, logits: ArrayLike, counts: ClassCounts, drawn: Array | None = None) -> float:
        """Mean loss over all training samples.

        Parameters
        ----------
        logits : (K, N) or (K, K) array_like
            Of all samples, ordered by class, or one column per class that its samples share.
        counts : ClassCounts
            Samples per class (or anything that `ClassCounts` takes).
        drawn : (K,) ndarray, optional
            Samples of each class in an epoch, real numbers. Default: every sample once.

        Returns
        -------
        float
        """
        return self.fit_and_gradient(logits, counts, drawn)[0]

    def gradient(self, logits: ArrayLike, counts: ClassCounts, drawn: Array | None = None) -> Array:
        """Differentiate `fit` by the logits; shaped like them.

        With one column per class, that of all its samples moving together.
        """
        return self.fit_and_gradient(logits, counts, drawn)[1]

    def fit_and_gradient(
        self, logits: ArrayLike, counts: ClassCounts, drawn: Array | None = None
    ) -> tuple[float, Array]:
        """Both of them, for the work of one: what a descent asks at every step."""
        counts = as_counts(counts)
        Z = as_floats("logits", logits)
        if Z.ndim != 2 or Z.shape[0] != counts.K or Z.shape[1] not in (counts.K, counts.N):
            raise ValueError(
                f"logits must have shape (K, N) or (K, K) with K = {counts.K} and "
                f"N = {counts.N}; got {Z.shape}"
            )
        drawn = counts.n.astype(float) if drawn is None else drawn
        return mean_loss(self.terms(counts, drawn), Z, counts, drawn)


def mean_loss(terms: LossTerms, Z: Array, counts: ClassCounts, drawn: Array) -> tuple[float, Array]:
    """Return the mean loss of logits (K, N) or (K, K), as `Loss.fit` has it, and its gradient."""
    column, samples = np.arange(counts.K), drawn
    if Z.shape[1] != counts.K:
        column = np.repeat(column, counts.n)
        samples = (drawn / counts.n)[column]
    value, gradient = dense_loss(terms, Z, column, samples)
    return value / counts.N, gradient * (samples / counts.N)


def dense_loss(
    terms: LossTerms, Z: Array, column: NDArray[np.int64], samples: Array
) -> tuple[float, Array]:
    """Sum the losses of columns of logits, each of so many samples of class ``column``.

    Returns
    -------
    value : float
    gradient : ndarray
        Of one sample of each column; shaped like `Z`.
    """
    index = np.arange(Z.shape[1])
    weight = terms.weight[column]
    if not terms.softmax:
        residual = Z - terms.other[:, None]
        residual[column, index] -= terms.own[column]
        gradient = weight * residual
        return float(np.vdot(residual, gradient * samples)) / 2, gradient
    targets = np.repeat(terms.other[:, None], Z.shape[1], axis=1)
    targets[column, index] += terms.own[column]
    factor = np.outer(terms.logit_factor, terms.sample_factor[column])
    u = factor * Z + terms.shift[:, None]
    u[column, index] -= terms.margin[column]
    top = u.max(axis=0)
    exponentials = np.exp(u - top)
    partition = exponentials.sum(axis=0)
    log_p = u - top - np.log(partition)
    total = targets.sum(axis=0)
    value = -float(np.sum(targets * log_p, axis=0) @ (weight * samples))
    return value, weight * factor * (total * exponentials / partition - targets)


@dataclass(frozen=True, eq=False)
class SquaredError(Loss):
    r"""Half the squared distance to the one-hot label, as the paper has it.

    The mean over all samples of

    .. math:: \frac{w_y N}{\sum_k w_k n_k} \cdot
        \frac12 \left\lVert z - (1 - \varepsilon) e_y - \tfrac{\varepsilon}{K} \mathbf{1}
        \right\rVert^2

    for logits z of a sample of class y. ``torch.nn.functional.mse_loss`` is 2/K times this, with
    ``weight=`` too.

    Parameters
    ----------
    class_weights : (K,) array_like, optional
        Positive weight of the samples of each class. As torch does it, the loss is divided by the
        sum of the weights: constant weights do nothing, and the model's weights are
        ``w_k N / sum(w n)``.
    label_smoothing : float, default 0
        eps in [0, 1): the targets are ``(1 - eps) e_k + eps / K``.

    Examples
    --------
    >>> SquaredError().fit([[1.0, 0.5], [0.0, 0.5]], [3, 1])
    0.0625
    """

    class_weights: Array | None = None
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        _set_vector(self, "class_weights")
        object.__setattr__(self, "label_smoothing", _smoothing(self.label_smoothing))

    def terms(self, counts: ClassCounts, drawn: Array) -> LossTerms:
        """Say what the loss does to each class; `drawn` are the samples of an epoch, (K,)."""
        one = np.ones(counts.K)
        weight, mean = _weights(self.class_weights, counts, drawn)
        eps = self.label_smoothing
        return LossTerms(
            False, weight / mean, (1 - eps) * one, eps / counts.K * one, one, one, 0 * one, 0 * one
        )


@dataclass(frozen=True, eq=False)
class CrossEntropy(Loss):
    r"""Cross-entropy of softmax, with what people add to it against imbalance.

    As ``torch.nn.CrossEntropyLoss(weight=class_weights, label_smoothing=label_smoothing)``
    computes it over all samples at once, of the logits

    .. math:: u_c = \phi_c \, \psi_y \, z_c + a_c - m_y [c = y]

    for a sample of class y, with phi the `logit_factors`, psi the `sample_factors`, a the
    `adjustment` and m the `margins`; without weights and smoothing the mean over all samples of

    .. math:: \ell_y(u) = \log \sum_c e^{u_c} - u_y.

    Parameters
    ----------
    class_weights : (K,) array_like, optional
        Positive weights. torch divides by the sum of the weights of the batch: constant weights do
        nothing, and the model's weights are ``w_k N / sum(w n)``. (In small batches that sum
        fluctuates, and the effective weights are nearer to each other.)
    label_smoothing : float, default 0
        eps in [0, 1). With weights, torch weights the smooth part by the weight of each logit's
        class: so here.
    adjustment : float or (K,) array_like, default 0
        What training adds to the logits: a number tau stands for ``tau log(n_k / N)`` (logit
        adjustment; balanced softmax for 1).
    margins : (K,) array_like, optional
        What is taken off the own logit of a sample of each class (LDAM).
    logit_factors : (K,) array_like, optional
        Positive factor of each logit (CDT).
    sample_factors : (K,) array_like, optional
        Positive factor of all logits of a sample of each class (a temperature by label).

    Examples
    --------
    >>> round(CrossEntropy().fit([[0.0, 0.0], [0.0, 0.0]], [3, 1]), 6)
    0.693147
    """

    class_weights: Array | None = None
    label_smoothing: float = 0.0
    adjustment: Array | float = 0.0
    margins: Array | None = None
    logit_factors: Array | None = None
    sample_factors: Array | None = None

    def __post_init__(self) -> None:
        for name in ("class_weights", "logit_factors", "sample_factors"):
            _set_vector(self, name)
        _set_vector(self, "margins", positive=False)
        object.__setattr__(self, "label_smoothing", _smoothing(self.label_smoothing))
        if is_number(self.adjustment):
            tau = as_float("adjustment", self.adjustment)
            if not np.isfinite(tau):
                raise ValueError(f"adjustment must be finite; got {tau}")
            object.__setattr__(self, "adjustment", tau)
        else:
            _set_vector(self, "adjustment", positive=False)
            if self.adjustment is None:
                raise TypeError("adjustment must be a number or one number per class; got None")

    @property
    def is_plain(self) -> bool:
        """Whether it is cross-entropy with no more than class weights."""
        rest = (self.margins, self.logit_factors, self.sample_factors)
        unadjusted = isinstance(self.adjustment, float) and self.adjustment == 0
        return unadjusted and self.label_smoothing == 0 and all(x is None for x in rest)

    def terms(self, counts: ClassCounts, drawn: Array) -> LossTerms:
        """Say what the loss does to each class; `drawn` are the samples of an epoch, (K,)."""
        K, eps = counts.K, self.label_smoothing
        weight, mean = _weights(self.class_weights, counts, drawn)
        if isinstance(self.adjustment, float):
            shift = self.adjustment * np.log(counts.n / counts.N)
        else:
            shift = _of_length("adjustment", self.adjustment, K)
        one = np.ones(K)
        return LossTerms(
            True,
            one / mean,
            (1 - eps) * weight,
            eps / K * weight,
            _or_constant("logit_factors", self.logit_factors, one),
            _or_constant("sample_factors", self.sample_factors, one),
            shift,
            _or_constant("margins", self.margins, 0 * one),
        )


@dataclass(frozen=True, eq=False)
class Sampling(Record):
    """A sampler that draws the classes with other shares than they have.

    It enters by the expected counts of an epoch of N draws, real numbers: ``n'_k = N share_k``.
    (torch's ``WeightedRandomSampler`` needs ``replacement=True``: without, and with N draws, it
    only permutes the data.)

    Parameters
    ----------
    shares : {"balanced", "sqrt"} or (K,) array_like
        Share of each class: the same for all, by the square root of its count, or as given (they
        are divided by their sum).
    feature_penalty : {"sampled", "fixed"}, default "sampled"
        Whether the penalty of the features is a mean over the samples drawn, so that it follows the
        sampler, or ``lambda_H/2`` for every training sample whatever is drawn.

    Examples
    --------
    >>> Sampling("balanced").expected_counts(ClassCounts([6, 3]))
    array([4.5, 4.5])
    """

    shares: Array | str
    feature_penalty: Literal["sampled", "fixed"] = "sampled"

    def __post_init__(self) -> None:
        if isinstance(self.shares, str):
            if self.shares not in ("balanced", "sqrt"):
                raise ValueError(
                    f"shares must be 'balanced', 'sqrt' or one number per class; "
                    f"got {self.shares!r}"
                )
        else:
            _set_vector(self, "shares")
        if self.feature_penalty not in ("sampled", "fixed"):
            raise ValueError(
                f"feature_penalty must be 'sampled' or 'fixed'; got {self.feature_penalty!r}"
            )

    def expected_counts(self, counts: ClassCounts) -> Array:
        """Compute how many samples of each class an epoch of N draws has on average, (K,)."""
        if isinstance(self.shares, str):
            power = 0.0 if self.shares == "balanced" else 0.5
            shares = counts.n**power
        else:
            shares = _of_length("shares", self.shares, counts.K)
        return np.asarray(counts.N * (shares / shares.sum()))


def _weights(class_weights: Array | None, counts: ClassCounts, drawn: Array) -> tuple[Array, float]:
    """Return the weights of the classes and their mean over the samples of an epoch."""
    weight = _or_constant("class_weights", class_weights, np.ones(counts.K))
    return weight, float(weight @ drawn / drawn.sum()) if class_weights is not None else 1.0


def _or_constant(name: str, vector: Array | None, constant: Array) -> Array:
    return constant if vector is None else _of_length(name, vector, constant.size)


def _of_length(name: str, vector: Array, K: int) -> Array:
    if vector.size != K:
        raise ValueError(
            f"{name} must have one number for each of the {K} classes; got {vector.size}"
        )
    return vector


def _smoothing(value: object) -> float:
    eps = as_float("label_smoothing", value)
    if not 0 <= eps < 1:
        raise ValueError(f"label_smoothing must be at least 0 and below 1; got {value!r:.60}")
    return eps


def _set_vector(owner: object, name: str, positive: bool = True) -> None:
    """Replace a vector field by a read-only array of its own, or raise."""
    value = getattr(owner, name)
    if value is None:
        return
    allowed = "finite and positive" if positive else "finite"
    try:
        array = as_floats(name, value).copy()
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be one number per class; got {value!r:.60}") from None
    if array.ndim != 1:
        raise TypeError(f"{name} must be one number per class; got {value!r:.60}")
    bad = ~np.isfinite(array) | (positive & (array <= 0))
    if bad.any():
        k = int(np.argmax(bad))
        raise ValueError(f"{name} must be {allowed}; got {name}[{k}] = {array[k]}")
    array.setflags(write=False)
    object.__setattr__(owner, name, array)
