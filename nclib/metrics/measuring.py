"""The metrics of samples that are all at hand: both passes in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from nclib._checks import positive
from nclib.metrics.accumulator import MetricsAccumulator
from nclib.metrics.arrays import Between, Center, Reading, inferred_classes, matrix
from nclib.metrics.class_means import ClassMeans
from nclib.metrics.formulas import balance
from nclib.metrics.results import Metrics, NC1Result
from nclib.theory.optimum import Optimum, require_optimum

if TYPE_CHECKING:
    from nclib.metrics.arrays import Floats, Integers, Layers


def measure(
    features: Floats,
    labels: Integers,
    Ws: Layers | None = None,
    b: Floats | None = None,
    minimizer: Optimum | None = None,
    *,
    classes: int | None = None,
    reading: Reading = "corrected",
    between: Between = "unweighted",
    center: Center = "samples",
    rtol: float | None = None,
    check_counts: bool = True,
) -> Metrics:
    r"""Measure NC1 to NC4 of a network's features and head.

    Parameters
    ----------
    features : (N, d) array or tensor of floats
        The input of the head, one row per sample: a numpy array, or a torch tensor on any device.
    labels : (N,) array_like of int
        Class of each sample, 0 to K - 1; every class must occur.
    Ws : sequence of L arrays or tensors, or one matrix, optional
        ``[W_1, ..., W_L]``, the linear layers of the head, W_1 nearest the features: W_j has shape
        (d_j, d_{j-1}), with d_0 = d and K rows in W_L. Without it there is no NC2^W, NC2^WH, NC3,
        NC4 and lambda_H.
    b : (K,) array or tensor, optional
        Bias of the head; only NC4 uses it.
    minimizer : Minimizer, LossMinimizer or another optimum, optional
        What to compare with. Without it there is no NC2, NC3 and lambda_H.
    classes : int, optional
        Number K of classes. Default: that of `minimizer`, or the largest label plus 1.
    reading : {"corrected", "as_printed"}, default "corrected"
        "as_printed" follows the paper's formulas also where they slip; see the notes.
    between, center, rtol
        How NC1 is defined and cut; see `nc1`.
    check_counts : bool, default True
        Whether the labels must have the class counts of `minimizer`. False for a test set or for a
        part of the samples: then the class means are those of the samples given, and D, and the
        samples that the effective lambda_H counts, are those of the minimiser.

    Returns
    -------
    Metrics

    Raises
    ------
    TypeError
        If the labels are not whole numbers or the features not floats.
    ValueError
        If a class has no samples, a label is out of range, a number is NaN or infinite, or a shape
        or the class counts do not fit; the message says which.

    Notes
    -----
    With ``P = W_L ... W_1``, class means Hbar (d x K), ``D = diag(sqrt(n))``, the singular value
    decomposition ``Yhat = U diag(kappa) V'`` and u(A) = A / ||A||_F, with a bias:

    .. math::

        \mathrm{NC2}^W &= \left\lVert u(U' P P' U) - u(\operatorname{diag}(p^2)) \right\rVert_F \\
        \mathrm{NC2}^H &= \left\lVert u(V' D \bar H' \bar H D V)
            - u(\operatorname{diag}(e^2)) \right\rVert_F \\
        \mathrm{NC2}^{WH} &= \left\lVert u(U' P \bar H D V)
            - u(\operatorname{diag}(z)) \right\rVert_F \\
        \mathrm{NC3} &= \Bigl( \sum_k \Bigl\lVert \frac{a_k}{\lVert a_k \rVert}
            - \frac{c_k}{\lVert c_k \rVert} \Bigr\rVert^2 \Bigr)^{1/2}

    where, for each mode k, a_k is the row of U' P and c_k the column of Hbar D V, and p, e and z
    are the singular values of P, Hbar D and P Hbar D at the minimiser. Without bias, as in
    Appendix C, D is left out: targets ``p^2``, ``e^2 / n`` and ``s = z / sqrt(n)``.

    As printed, the target of NC2^WH is ``e^2 / kappa``, from a wrong square in the fourth identity
    of Theorem 4.3, so it stays above 0 at the optimum (for the paper's CIFAR-10 counts at .21, .39
    and .45 for L = 1, 3 and 6 with the lambdas at half of the first death); NC3 runs over all K
    modes, of which with a bias the last is always 0 at the optimum, and its direction 0/0; and
    without bias NC2^H divides ``Hbar' Hbar`` by ``||Hbar||_F``. Corrected, NC3 runs over the
    surviving modes.

    References
    ----------
    Liu, arXiv 2411.17278, Section 5 and Appendix C. NC4: Papyan, Han and Donoho, Prevalence of
    neural collapse during the terminal phase of deep learning training, PNAS 117 (2020).

    Examples
    --------
    >>> import numpy as np
    >>> from nclib import Problem, global_minimizer
    >>> best = global_minimizer(Problem([3, 2, 1], depth=2, lambda_W=0.01, lambda_H=0.001))
    >>> Ws, H_bar, b = best.weights()
    >>> labels = np.array([0, 0, 0, 1, 1, 2])
    >>> metrics = measure(H_bar.T[labels], labels, Ws, b, best)
    >>> max(metrics.nc2_w, metrics.nc2_h, metrics.nc2_wh, metrics.nc3) < 1e-14
    True
    >>> metrics.nc4, round(metrics.lambda_H, 12)
    (1.0, 0.001)
    >>> printed = measure(H_bar.T[labels], labels, Ws, b, best, reading="as_printed")
    >>> round(printed.nc2_wh, 3)
    0.224
    """
    if classes is None:
        if minimizer is not None:
            classes = require_optimum(minimizer).problem.K
        else:
            classes = inferred_classes(labels)
    accumulator = MetricsAccumulator(classes, Ws, b, between=between, center=center, rtol=rtol)
    accumulator.update(features, labels)
    second = accumulator.second_pass()
    second.update(features, labels)
    return second.compute(minimizer, reading=reading, check_counts=check_counts)


def balanced_metrics(
    features: Floats,
    labels: Integers,
    Ws: Layers | None = None,
    b: Floats | None = None,
    *,
    classes: int | None = None,
    center: Center = "samples",
    training_counts: ArrayLike | None = None,
    few: int = 20,
    many: int = 100,
) -> dict[str, float]:
    """Measure what the literature on balanced data reports.

    Parameters
    ----------
    features, labels, Ws, b, classes
        As for `measure`.
    center : {"samples", "classes"}, default "samples"
        Whether class means count from the mean of all samples or from the mean of the K class
        means. The same on balanced data.
    training_counts : (K,) array_like of int, optional
        Samples per class of the training set, where these are others. Default: of these samples.
    few, many : int, default 20 and 100
        Classes with fewer training samples than `few` are few-shot, those with more than `many`
        are many-shot, all others medium-shot.

    Returns
    -------
    dict
        For each metric of `nclib.metrics.BALANCED` its number, by key; its formula and source are
        in the function of the same name in `nclib.metrics.balanced`. Without a head only what
        needs none. NaN where a number is 0/0, or no class is of the kind.

    Raises
    ------
    TypeError, ValueError
        As for `measure`; also if `training_counts` are no K counts, or `few` and `many` are no
        whole numbers, the first at most the second.

    Examples
    --------
    A simplex equiangular tight frame, with the head that is dual to it:

    >>> import numpy as np
    >>> labels = np.repeat(np.arange(3), 50)
    >>> frame = np.eye(3) - 1 / 3
    >>> found = balanced_metrics(frame[labels], labels, 7 * frame)
    >>> max(found[key] for key in ("cdnv", "equinorm_head", "etf_means", "self_duality")) < 1e-14
    True
    >>> found["accuracy_medium"], found["accuracy_few"]
    (1.0, nan)
    """
    if classes is None:
        classes = inferred_classes(labels)
    accumulator = MetricsAccumulator(classes, Ws, b, center=center)
    accumulator.update(features, labels)
    second = accumulator.second_pass()
    second.update(features, labels)
    return second.balanced(training_counts=training_counts, few=few, many=many)


def nc1(
    features: Floats,
    labels: Integers,
    *,
    classes: int | None = None,
    between: Between = "unweighted",
    center: Center = "samples",
    rtol: float | None = None,
) -> NC1Result:
    r"""Measure NC1: how much the features vary within their classes.

    Parameters
    ----------
    features : (N, d) array or tensor of floats
        One row per sample: a numpy array, or a torch tensor on any device.
    labels : (N,) array_like of int
        Class of each sample, 0 to K - 1; every class must occur.
    classes : int, optional
        Number K of classes. Default: the largest label plus 1.
    between : {"unweighted", "weighted"}, default "unweighted"
        Whether every class mean counts 1/K in Sigma_B, as in the paper, or n_k/N.
    center : {"samples", "classes"}, default "samples"
        Whether Sigma_B counts from the mean of all samples, as in the paper, or from the mean of
        the K class means. The same on balanced data.
    rtol : float, optional
        Eigenvalues of Sigma_B up to `rtol` times the largest count as 0. Default: d times the
        machine epsilon, the usual cut of a pseudo-inverse of the d x d matrix Sigma_B; of float64
        for float64 features, of float32 for all others.

    Returns
    -------
    NC1Result

    Raises
    ------
    TypeError, ValueError
        As for `measure`.

    Notes
    -----
    Over samples i of class c(i), and classes k,

    .. math:: \mathrm{NC1} &= \tfrac1K \operatorname{tr} (\Sigma_W \Sigma_B^+), \\
        \Sigma_W &= \tfrac1N \sum_i (h_i - \bar h_{c(i)}) (h_i - \bar h_{c(i)})', \\
        \Sigma_B &= \tfrac1K \sum_k (\bar h_k - h_G) (\bar h_k - h_G)'.

    A thin singular value decomposition of the centred class means gives
    ``Sigma_B^+ = Q diag(1/s^2) Q'``, and the trace is the sum of squares of
    ``diag(1/s) Q' (h_i - h_c(i))``, over N: a sum of squares cannot become negative.

    Three definitions are in use: the paper's (the default), ``between="weighted"`` and
    ``center="classes"``. On imbalanced data they differ by factors; compare like with like.

    References
    ----------
    Liu, arXiv 2411.17278, Section 5.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.array([0, 0, 0, 0, 1, 1])
    >>> features = np.array([[3.0], [3.2], [2.9], [2.9], [0.1], [-0.1]])
    >>> result = nc1(features, labels)
    >>> round(result.value, 6), result.rank
    (0.002667, 1)
    >>> round(nc1(features, labels, between="weighted").value, 6)
    0.003333
    >>> round(nc1(features, labels, center="classes").value, 6)
    0.002963
    """
    result = measure(
        features, labels, classes=classes, between=between, center=center, rtol=rtol
    ).nc1
    assert result is not None
    return result


def effective_lambda_H(features: Floats, labels: Integers, W_1: Floats, lambda_W1: float) -> float:
    r"""Measure the lambda_H that a network behaves as if it had.

    A network trained in the usual way has weight decay but no penalty on its features. At every
    critical point of the model W_1 and the class means are in balance, so the one penalty and the
    two norms tell the other penalty.

    Parameters
    ----------
    features : (N, d) array or tensor of floats
        The input of the head, one row per sample.
    labels : (N,) array_like of int
        Class of each sample, 0 to K - 1; every class must occur.
    W_1 : (d_1, d) array or tensor
        The layer of the head nearest the features; for one layer its weight matrix.
    lambda_W1 : float
        The penalty ``lambda_W1 / 2 ||W_1||^2`` it was trained with, beside a loss of
        ``1/(2N) ||Z - Y||^2``. Not the optimiser's weight decay, which belongs to the script's
        loss: for ``MSELoss()`` it is K/2 times that; `translate_penalties` translates.

    Returns
    -------
    float
        .. math:: \lambda_H = \lambda_{W_1}
            \frac{\lVert W_1 \rVert_F^2}{\lVert \bar H D \rVert_F^2};

        infinite where every class mean is 0, and NaN where W_1 is 0 too.

    Raises
    ------
    TypeError, ValueError
        As for `measure`; also if `lambda_W1` is not positive.

    References
    ----------
    Liu, arXiv 2411.17278, Appendix B.3: ``lambda_W1 W_1' W_1 = lambda_H E E'``, ``E = Hbar D``.

    Examples
    --------
    >>> import numpy as np
    >>> from nclib import Problem, global_minimizer
    >>> best = global_minimizer(Problem([4, 2], depth=1, lambda_W=0.01, lambda_H=0.002))
    >>> Ws, H_bar, b = best.weights()
    >>> labels = np.array([0, 1, 0, 1, 0, 0])
    >>> round(effective_lambda_H(H_bar.T[labels], labels, Ws[0], 0.01), 12)
    0.002
    """
    means = ClassMeans(inferred_classes(labels))
    features, classes = means.checked(features, labels)
    means.start(features)
    means.update(features, classes)
    weight = matrix("W_1", W_1)
    if weight.shape[1] != means.d:
        raise ValueError(
            f"W_1 must have d = {means.d} columns, as the features; got {weight.shape}"
        )
    lambda_W1 = positive("lambda_W1", lambda_W1)
    means.require_every_class()
    return balance(float(np.linalg.norm(weight)), means.means(), means.counts, lambda_W1)
