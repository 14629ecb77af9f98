"""What the literature on balanced data reports of a network: one function for each metric.

Each is a function of `Measured`. With class means ``h_1, ..., h_K``, the global mean ``h_G``, the
matrix ``M`` of the centred class means ``h_k - h_G`` and the classifiers ``w_1, ..., w_K``, the
rows of ``P = W_L ... W_1``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nclib.metrics.arrays import Array
from nclib.theory.geometry import cosines


@dataclass(frozen=True, eq=False)
class Measured:
    """What two passes over the samples leave of them, in numpy and float64.

    Attributes
    ----------
    means : (K, d) ndarray
        Centred class means, ``h_k - h_G``.
    global_mean : (d,) ndarray
        ``h_G``, the mean of all samples or of the class means.
    variances : (K,) ndarray
        Mean squared distance of the samples of each class to their class mean.
    head : (K, d) ndarray or None
        The classifiers, as rows.
    accuracy : (K,) ndarray or None
        Share of the samples of each class that the head answers right.
    training_counts : (K,) ndarray
        Training samples of each class.
    few, many : int
        Classes with fewer training samples are few-shot, with more many-shot.
    """

    means: Array
    global_mean: Array
    variances: Array
    head: Array | None
    accuracy: Array | None
    training_counts: Array
    few: int
    many: int

    @property
    def classifiers(self) -> Array:
        """The head, for metrics that need one, (K, d)."""
        assert self.head is not None
        return self.head


def cdnv(measured: Measured) -> float:
    r"""Class-distance normalised variance, the mean over all pairs of classes.

    .. math:: \frac{2}{K (K - 1)} \sum_{j < k} \frac{v_j + v_k}{2 \lVert h_j - h_k \rVert^2}

    with the variances v. Infinite where two class means are equal and their classes vary.

    References
    ----------
    Galanti, György and Hutter, On the role of neural collapse in transfer learning, arXiv
    2112.15121.
    """
    v, means, K = measured.variances, measured.means, len(measured.variances)
    total = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        for k in range(K - 1):
            # From differences: a Gram matrix would lose the digits of means that are close.
            squared = np.square(means[k + 1 :] - means[k]).sum(axis=1)
            total += float(np.sum((v[k + 1 :] + v[k]) / (2 * squared)))
        return float(np.divide(total, K * (K - 1) / 2))


def equinorm_means(measured: Measured) -> float:
    r"""Coefficient of variation of the lengths of the centred class means.

    .. math:: \frac{\operatorname{std}_k \lVert h_k - h_G \rVert}
        {\operatorname{mean}_k \lVert h_k - h_G \rVert}

    References
    ----------
    Papyan, Han and Donoho, Prevalence of neural collapse during the terminal phase of deep
    learning training, PNAS 117 (2020), Figure 2.
    """
    return _variation(measured.means)


def equinorm_head(measured: Measured) -> float:
    """Coefficient of variation of the lengths of the classifiers.

    References
    ----------
    As for `equinorm_means`.
    """
    return _variation(measured.classifiers)


def equiangle_means(measured: Measured) -> float:
    """Return the standard deviation of the cosines between centred class means, over all pairs.

    References
    ----------
    Papyan, Han and Donoho (2020), Figure 3.
    """
    return _deviation(_pair_cosines(measured.means))


def equiangle_head(measured: Measured) -> float:
    """Return the standard deviation of the cosines between classifiers, over all pairs.

    References
    ----------
    As for `equiangle_means`.
    """
    return _deviation(_pair_cosines(measured.classifiers))


def max_angle_means(measured: Measured) -> float:
    r"""Mean distance of the cosines between centred class means from ``-1/(K - 1)``.

    .. math:: \frac{2}{K (K - 1)} \sum_{j < k}
        \left\lvert \cos(h_j - h_G, h_k - h_G) + \frac{1}{K - 1} \right\rvert

    References
    ----------
    Papyan, Han and Donoho (2020), Figure 4.
    """
    return _from_largest_angle(measured.means)


def max_angle_head(measured: Measured) -> float:
    """Mean distance of the cosines between classifiers from ``-1/(K - 1)``.

    References
    ----------
    As for `max_angle_means`.
    """
    return _from_largest_angle(measured.classifiers)


def etf_means(measured: Measured) -> float:
    r"""Distance of the Gram matrix of the centred class means from that of a simplex ETF.

    .. math:: \left\lVert \frac{G}{\lVert G \rVert_F}
        - \frac{I - \mathbf{1} \mathbf{1}' / K}{\sqrt{K - 1}} \right\rVert_F,
        \qquad G = M' M

    References
    ----------
    Zhu et al., A geometric analysis of neural collapse with unconstrained features, NeurIPS 2021,
    who measure the classifiers so.
    """
    return _from_simplex(measured.means)


def etf_head(measured: Measured) -> float:
    """Distance of the Gram matrix of the classifiers from that of a simplex ETF.

    As `etf_means` with ``G = P P'``.

    References
    ----------
    As for `etf_means`.
    """
    return _from_simplex(measured.classifiers)


def self_duality(measured: Measured) -> float:
    r"""Distance of the classifiers from the centred class means, both of norm 1.

    .. math:: \left\lVert \frac{P}{\lVert P \rVert_F}
        - \frac{M'}{\lVert M \rVert_F} \right\rVert_F

    References
    ----------
    Papyan, Han and Donoho (2020), Figure 5, who report its square.
    """
    with np.errstate(invalid="ignore"):
        P, M = (A / np.linalg.norm(A) for A in (measured.classifiers, measured.means))
    return float(np.linalg.norm(P - M))


def minority_cosine(measured: Measured) -> float:
    """Mean cosine between the classifiers of minority classes, over all pairs: 1 if they merged.

    A minority class has fewer training samples than the classes have on average; where there are
    two sizes, these are the classes of the smaller. NaN of fewer than two.

    References
    ----------
    Fang et al., Exploring deep neural networks via layer-peeled model: minority collapse in
    imbalanced training, PNAS 118 (2021).
    """
    n = measured.training_counts
    return _mean(_pair_cosines(measured.classifiers[n < n.mean()]))


def global_mean_norm(measured: Measured) -> float:
    """Length of the global mean of the features: 0 where they are centred.

    References
    ----------
    Zhu et al. (2021), whose global minimisers have it at 0.
    """
    return float(np.linalg.norm(measured.global_mean))


def accuracy_many(measured: Measured) -> float:
    """Mean accuracy of the classes with more than `many` training samples.

    References
    ----------
    Liu et al., Large-scale long-tailed recognition in an open world, CVPR 2019, with 100 and 20.
    """
    return _accuracy_of(measured, measured.training_counts > measured.many)


def accuracy_medium(measured: Measured) -> float:
    """Mean accuracy of the classes with `few` to `many` training samples.

    References
    ----------
    As for `accuracy_many`.
    """
    n = measured.training_counts
    return _accuracy_of(measured, (n >= measured.few) & (n <= measured.many))


def accuracy_few(measured: Measured) -> float:
    """Mean accuracy of the classes with fewer than `few` training samples.

    References
    ----------
    As for `accuracy_many`.
    """
    return _accuracy_of(measured, measured.training_counts < measured.few)


def _variation(rows: Array) -> float:
    length = np.linalg.norm(rows, axis=1)
    with np.errstate(invalid="ignore"):
        return float(np.std(length) / np.mean(length))


def _pair_cosines(rows: Array) -> Array:
    """Cosines of all pairs of rows; none where there is no pair."""
    pairs: Array = cosines(rows.T)[np.triu_indices(len(rows), 1)]
    return pairs


def _from_largest_angle(rows: Array) -> float:
    K = len(rows)
    return _mean(np.abs(_pair_cosines(rows) + 1 / max(K - 1, 1)))


def _from_simplex(rows: Array) -> float:
    K = len(rows)
    gram = rows @ rows.T
    with np.errstate(divide="ignore", invalid="ignore"):
        simplex = (np.eye(K) - 1 / K) / np.sqrt(K - 1)
        return float(np.linalg.norm(gram / np.linalg.norm(gram) - simplex))


def _accuracy_of(measured: Measured, chosen: NDArray[np.bool_]) -> float:
    assert measured.accuracy is not None
    return _mean(measured.accuracy[chosen])


def _deviation(values: Array) -> float:
    """Return the standard deviation; NaN of none."""
    return float(np.std(values)) if values.size else float("nan")


def _mean(values: Array) -> float:
    """Return the mean; NaN of none."""
    return float(np.mean(values)) if values.size else float("nan")
