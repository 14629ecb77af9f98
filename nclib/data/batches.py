"""What the batches and the sampler of a script make of its classes and its samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nclib._checks import as_whole
from nclib.data.readers import read_counts
from nclib.data.weights import one_per_class
from nclib.theory.losses.objects import Sampling

Array = NDArray[np.float64]

_STEP = 0.2
"""Step of the integral over the logarithm of t: its integrand is smooth and falls off fast."""

_REACH = 42.0
"""What is left out of it is exp(-42) of it at most."""


def batch_shares(
    counts: Any,
    class_weights: ArrayLike,
    batch_size: int,
    *,
    drop_last: bool = False,
    drawn: ArrayLike | None = None,
) -> Array:
    r"""Compute what share of the loss each class really has where weights are divided by batch.

    ``CrossEntropyLoss(weight=w)`` divides by the sum of the weights of the batch. The mean of a
    ratio is not the ratio of the means: in small batches the weights count for less, and in batches
    of one for nothing at all.

    Parameters
    ----------
    counts : ClassCounts
        Samples per class, or anything that `read_counts` takes.
    class_weights : (K,) array_like
        The weights, positive.
    batch_size : int
        Samples in a batch, shuffled in every epoch.
    drop_last : bool, default False
        Whether a smaller last batch is left out.
    drawn : (K,) array_like, optional
        For a sampler that draws with replacement: the samples of each class in an epoch, on average
        (`Sampling.expected_counts`).

    Returns
    -------
    (K,) ndarray
        With c_k the samples of class k in a batch, the mean over the batches of

        .. math:: \frac{w_k c_k}{\sum_j w_j c_j};

        they sum to 1. Divided by the counts they are the weights that the training has.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Notes
    -----
    Of a sample with weight w in a batch whose others sum to S, the mean of ``w / (w + S)`` is the
    integral of ``w exp(-t w) E exp(-t S)`` over t; the expectation is a power where samples are
    drawn with replacement, and a coefficient of a polynomial where not, taken by Cauchy's formula
    on a circle through its saddle point.

    Examples
    --------
    With weights inverse to the counts every class should have a third:

    >>> n = [1000, 100, 10]
    >>> for size in (1, 32, 1110):
    ...     print(batch_shares(n, [1 / k for k in n], size).round(3))
    [0.901 0.09  0.009]
    [0.447 0.385 0.168]
    [0.333 0.333 0.333]
    """
    counts = read_counts(counts)
    w = one_per_class("class_weights", class_weights, counts)
    batch = as_whole("batch_size", batch_size, 1, counts.N)
    if not isinstance(drop_last, bool | np.bool_):
        raise TypeError(f"drop_last must be True or False; got {drop_last!r:.60}")
    n = counts.n.astype(float)
    if drawn is not None:
        n = one_per_class("drawn", drawn, counts)
    values, of_class = np.unique(w / w.max(), return_inverse=True)
    mass = np.asarray(np.bincount(of_class, n), dtype=float)
    full, rest = divmod(counts.N, batch)
    sizes = [(batch, full)] + [(rest, 1)] * (rest > 0 and not drop_last)
    share = np.zeros(values.size)
    for size, times in sizes:
        share += times * _shares(values, mass, size, drawn is not None)
    share /= share.sum()
    return np.asarray(share[of_class] * n / mass[of_class])


def _shares(w: Array, mass: Array, batch: int, replaced: bool) -> Array:
    """Shares of distinct weights w, of so many samples each, in batches of one size."""
    samples = mass.sum()
    if batch == 1 or w.size == 1:
        return np.asarray(mass / samples)
    if not replaced and batch == round(samples):
        return np.asarray(w * mass / (w @ mass))
    # exp(-t w) E exp(-t S) is 1 for t far below 1 / (B max w), and nothing far above 1 / min w.
    start = -_REACH - np.log(batch)
    end = np.log(_REACH / w.min())
    t = np.exp(np.arange(start, end, _STEP))
    rest = _with_replacement if replaced else _without_replacement
    values = rest(w, mass, batch - 1, t)
    integrand = (w * mass / samples)[:, None] * np.exp(-np.outer(w, t)) * values * t
    share: Array = integrand.sum(axis=1) * _STEP * batch
    return share


def _with_replacement(w: Array, mass: Array, others: int, t: Array) -> Array:
    """Mean of exp(-t S) over others drawn with replacement, the same for every first one."""
    single = (mass / mass.sum()) @ np.exp(-np.outer(w, t))
    return np.tile(single**others, (w.size, 1))


def _without_replacement(w: Array, mass: Array, others: int, t: Array) -> Array:
    """Mean of exp(-t S) over others drawn without replacement, for each weight of the first."""
    samples = float(mass.sum())
    log_e = -np.outer(w, t)  # (m, t)
    # The saddle: the radius at which the polynomial's mean degree is the coefficient's.
    low = np.full(t.size, -60.0)
    high = 60.0 + np.outer(w, t).max(axis=0)
    for _ in range(80):
        middle = (low + high) / 2
        degree = mass @ (1 / (1 + np.exp(-np.clip(log_e + middle, -700, 700))))
        low, high = np.where(degree < others, middle, low), np.where(degree < others, high, middle)
    log_r = (low + high) / 2
    points = int(min(samples + 1, 60 + 24 * np.sqrt(others)))
    angle = 2 * np.pi * np.arange(points) / points
    log_z = log_r[:, None] + 1j * angle  # (t, points)
    total = np.zeros(log_z.shape, dtype=complex)
    for weight, count in zip(log_e, mass, strict=True):
        total += count * _softplus(log_z + weight[:, None])
    total -= others * log_z
    base = np.exp(total - _log_choose(samples - 1, others))
    result = np.empty(log_e.shape)
    for i, weight in enumerate(log_e):
        x = log_z + weight[:, None]
        small = np.exp(np.where(x.real > 0, -x, x))
        # Without the first one: divided by 1 + exp(x).
        result[i] = np.mean(base * np.where(x.real > 0, small, 1.0) / (1 + small), axis=1).real
    return result


def _softplus(x: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Compute ``log(1 + exp(x))`` where exp(x) may overflow."""
    small = np.exp(np.where(x.real > 0, -x, x))
    return np.asarray(
        np.maximum(x.real, 0) + 1j * np.where(x.real > 0, x.imag, 0) + np.log1p(small)
    )


def _log_choose(n: float, k: int) -> float:
    from scipy.special import gammaln

    return float(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def last_batch_weight(samples: int, batch_size: int, *, drop_last: bool = False) -> float:
    """Compute how many times more a sample of the last batch of an epoch counts than another.

    Every batch makes one step, whatever its size, and its loss is a mean. Where the order is the
    same in every epoch it is always the same samples that count more. Shuffling shares that out
    among all; so does ``drop_last=True`` with shuffling, where no sample counts more.

    Parameters
    ----------
    samples : int
        Training samples N.
    batch_size : int
    drop_last : bool, default False
        Whether a smaller last batch is left out.

    Returns
    -------
    float
        ``batch_size`` over the size of the last batch, 1 where it is full; 0 where it is left out.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    >>> last_batch_weight(3000, 128)  # 23 batches of 128, and one of 56
    2.2857142857142856
    """
    samples = as_whole("samples", samples, 1)
    batch = as_whole("batch_size", batch_size, 1, samples)
    if not isinstance(drop_last, bool | np.bool_):
        raise TypeError(f"drop_last must be True or False; got {drop_last!r:.60}")
    rest = samples % batch
    if not rest:
        return 1.0
    return 0.0 if drop_last else batch / rest


def weighted_sampler(
    counts: Any,
    weights: ArrayLike,
    *,
    replacement: bool = True,
    num_samples: int | None = None,
) -> Sampling | None:
    """Translate torch's ``WeightedRandomSampler`` into the sampler of a `LossProblem`.

    Parameters
    ----------
    counts : ClassCounts
        Samples per class, or anything that `read_counts` takes.
    weights : (K,) array_like
        What the sampler is given for every sample of each class. (It wants one weight per sample:
        ``class_weight[labels]``.)
    replacement : bool, default True
    num_samples : int, optional
        Draws in an epoch. Default: as many as there are samples.

    Returns
    -------
    Sampling or None
        With replacement class k has the share ``n_k w_k / sum_j n_j w_j`` of the draws. Without,
        and with as many draws as samples, every sample is drawn once: that only permutes the data,
        and there is no sampler: None.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, or fewer samples are drawn without replacement: what
        that does depends on the order of the draws, and has no such form.

    Examples
    --------
    >>> weighted_sampler([6, 3], [1 / 6, 1 / 3]).expected_counts(read_counts([6, 3]))
    array([4.5, 4.5])
    """
    counts = read_counts(counts)
    w = one_per_class("weights", weights, counts)
    if not isinstance(replacement, bool | np.bool_):
        raise TypeError(f"replacement must be True or False; got {replacement!r:.60}")
    draws = counts.N if num_samples is None else as_whole("num_samples", num_samples, 1)
    if replacement:
        return Sampling(counts.n * w)
    if draws != counts.N:
        raise ValueError(
            f"num_samples must be all {counts.N:,} samples without replacement; got {draws:,}: how "
            "often each class is then drawn has no closed form (and torch refuses more)"
        )
    return None
