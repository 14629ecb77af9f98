"""Metrics of neural collapse, NC1 to NC4, on numpy arrays or torch tensors.

The samples are read in blocks where they lie (any device) and added up in float64; what remains is
the size of the class means, K x d, and is finished in numpy. No d x d matrix is formed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self, TypeVar, get_args

import numpy as np
from array_api_compat import (
    array_namespace,
    device,
    is_array_api_obj,
    is_torch_array,
    to_device,
)
from numpy.typing import NDArray

from nclib._numbers import as_whole, is_number
from nclib._records import Record, html_table, require_keys
from nclib.theory.minimizer import Minimizer
from nclib.theory.problem import _positive

Array = NDArray[np.float64]

Reading = Literal["corrected", "as_printed"]
Between = Literal["unweighted", "weighted"]
Center = Literal["samples", "classes"]

_BLOCK = 2**19
"""Entries of the features that are worked on at a time: 4 MB in float64."""

_R = TypeVar("_R", bound=Record)

_TIE = 8
"""Class means that differ by less, in units of their rounding, tie in NC4."""

_TOO_LARGE = "features must be small enough for their sums to be finite; got an overflow"


@dataclass(frozen=True, eq=False, repr=False)
class NC1Result(Record):
    """NC1, how much the features vary within their classes, and how it was measured.

    Attributes
    ----------
    value : float
        ``1/K tr(Sigma_W Sigma_B^+)``. Never negative; NaN where all class means are exactly
        equal: then no direction is left to measure along.
    by_mode : (rank,) ndarray
        The share of each direction of Sigma_B, by falling eigenvalue. They add up to `value`.
    eigenvalues : (min(K, d),) ndarray
        Eigenvalues of Sigma_B, falling, those below the cut included.
    rank : int
        How many of them were kept: the rank that the pseudo-inverse gave to Sigma_B.
    expected_rank : int or None
        The rank of Sigma_B at the minimiser that was given: as many as its surviving modes (but
        K - 1 where all K survive, without bias). None where none was given.
    rtol : float
        The cut: eigenvalues up to `rtol` times the largest count as 0.
    between : {"unweighted", "weighted"}
        How Sigma_B weighs the classes.
    center : {"samples", "classes"}
        From which mean Sigma_B counts.
    """

    value: float
    by_mode: Array
    eigenvalues: Array
    rank: int
    expected_rank: int | None
    rtol: float
    between: Between
    center: Center

    @property
    def rank_as_expected(self) -> bool | None:
        """Whether `rank` is `expected_rank`; None where nothing was expected.

        A rank too high means that directions that should have collapsed still count, with their
        tiny eigenvalues in the denominator; one too low, that some are missing.
        """
        return None if self.expected_rank is None else self.rank == self.expected_rank

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold; None stands for NaN."""
        return _to_dict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Make the result from what `to_dict` returned.

        Raises
        ------
        TypeError, ValueError
            If it is something else.
        """
        return _from_dict(cls, content)

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        expected = "" if self.rank_as_expected in (True, None) else f", not {self.expected_rank}"
        return f"NC1Result({self.value:.6g}: Sigma_B of rank {self.rank}{expected})"


@dataclass(frozen=True, eq=False, repr=False)
class Metrics(Record):
    """All metrics of one network on one set of samples; what was not asked for is None.

    Modes are those of the effective label matrix, by falling kappa, as in `Spectrum`. Inside a
    block of equal kappa their basis is a convention, so read NC2 and NC3 of its modes together.
    The squares of `nc2_w_by_mode`, `nc2_h_by_mode`, `nc2_wh_by_mode` and of the numbers (not NaN)
    in `nc3_by_mode` add up to the square of the one number.

    Attributes
    ----------
    reading : {"corrected", "as_printed"}
        Which formulas; see `measure`.
    counts : (K,) ndarray of int64
        Samples of each class.
    nc1 : NC1Result or None
        Variability within the classes. None before the second pass of a `MetricsAccumulator`.
    nc2_w, nc2_h, nc2_wh : float or None
        Distance to the geometry of the minimiser, of the head, of the class means and of their
        product. Corrected, 0 at the minimiser and at most 2. NaN where the target or what was
        measured is 0: at total collapse each is 0/0.
    nc3 : float or None
        Distance between the directions of the head and of the class means. NaN where a direction
        that counts is 0/0: at total collapse, and as printed wherever a mode has died exactly.
    nc4 : float or None
        Share of the samples, in [0, 1], for which the head answers with the class whose mean is
        nearest (of means equal up to rounding, any): 1 at full collapse. None without a head or
        before the second pass.
    lambda_H : float or None
        Effective lambda_H, from the balance of W_1 and the class means; see `effective_lambda_H`.
    nc2_w_by_mode, nc2_h_by_mode, nc2_wh_by_mode : (K,) ndarray or None
        Norm of each column of the matrix whose Frobenius norm is the metric.
    nc3_by_mode : (K,) ndarray or None
        Distance of each mode's two directions, in [0, 2]; NaN where a mode is left out.
    nc4_by_class : (K,) ndarray or None
        The share for the samples of each class.
    target_unique : bool or None
        `Minimizer.unique`. Where False, other minimisers exist for which these metrics are not 0.
    """

    reading: Reading
    counts: NDArray[np.int64]
    nc1: NC1Result | None = None
    nc2_w: float | None = None
    nc2_h: float | None = None
    nc2_wh: float | None = None
    nc3: float | None = None
    nc4: float | None = None
    lambda_H: float | None = None
    nc2_w_by_mode: Array | None = None
    nc2_h_by_mode: Array | None = None
    nc2_wh_by_mode: Array | None = None
    nc3_by_mode: Array | None = None
    nc4_by_class: Array | None = None
    target_unique: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold.

        What was not asked for is left out; None stands for NaN.

        Examples
        --------
        >>> import numpy as np
        >>> metrics = measure(np.array([[3.0], [3.2], [0.1], [-0.1]]), np.array([0, 0, 1, 1]))
        >>> sorted(metrics.to_dict())
        ['counts', 'nc1', 'reading']
        >>> Metrics.from_dict(metrics.to_dict()) == metrics
        True
        """
        return _to_dict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Make the metrics from what `to_dict` returned.

        Raises
        ------
        TypeError, ValueError
            If it is something else.
        """
        return _from_dict(cls, content)

    def _measured(self) -> Iterator[tuple[str, float, str]]:
        """Name, value and meaning of each number that was asked for."""
        for name, title, meaning in _NUMBERS:
            value = getattr(self, name)
            if value is not None:
                yield title, float(value), meaning

    def _repr_html_(self) -> str:
        rows = [(title, f"{value:.4g}", meaning) for title, value, meaning in self._measured()]
        caption = f"Metrics, {self.reading.replace('_', ' ')}: {self.counts.size:,} classes"
        return html_table(
            f"{caption}, {self.counts.sum():,} samples",
            ("metric", "value", "what it measures"),
            rows,
        )

    def __repr__(self) -> str:
        numbers = ", ".join(f"{title}={value:.4g}" for title, value, _ in self._measured())
        return f"Metrics({self.reading}: {numbers or 'nothing measured'})"


# Attribute, title and meaning of each number of `Metrics`.
_NUMBERS = (
    ("nc1", "NC1", "variability within the classes"),
    ("nc2_w", "NC2^W", "the head, from its geometry at the optimum"),
    ("nc2_h", "NC2^H", "class means, from theirs"),
    ("nc2_wh", "NC2^WH", "predictions, from theirs"),
    ("nc3", "NC3", "directions of the head, from those of the class means"),
    ("nc4", "NC4", "share that the head gives to the nearest class mean"),
    ("lambda_H", "lambda_H", "effective penalty on the features"),
)


def _to_dict(record: Any) -> dict[str, Any]:
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    return {name: _to_plain(value) for name, value in values.items() if value is not None}


def _to_plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [_to_plain(entry) for entry in value.tolist()]
    if isinstance(value, Record):
        return _to_dict(value)
    return None if isinstance(value, float) and math.isnan(value) else value


def _from_dict(kind: type[_R], content: Mapping[str, Any]) -> _R:
    """Undo `_to_dict`; what was left out has its default, or is None."""
    described = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    optional = {name for name, field in described.items() if "None" in field.type}
    require_keys(kind.__name__, content, described.keys() - optional, optional)
    values: dict[str, Any] = dict.fromkeys(optional)
    for name, value in content.items():
        if isinstance(value, Mapping):
            values[name] = NC1Result.from_dict(value)
        elif "NDArray[np.int64]" in described[name].type:
            values[name] = np.array(value, dtype=np.int64)
        elif isinstance(value, list):
            values[name] = np.array(value, dtype=float)  # None becomes NaN
        else:
            values[name] = math.nan if value is None else value
    return kind(**values)


def measure(
    features: Any,
    labels: Any,
    Ws: Any = None,
    b: Any = None,
    minimizer: Minimizer | None = None,
    *,
    classes: int | None = None,
    reading: Reading = "corrected",
    between: Between = "unweighted",
    center: Center = "samples",
    rtol: float | None = None,
    check_counts: bool = True,
) -> Metrics:
    """Measure NC1 to NC4 of a network's features and head.

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
    minimizer : Minimizer, optional
        What to compare with. Without it there is no NC2, NC3 and lambda_H.
    classes : int, optional
        Number K of classes. Default: that of `minimizer`, or the largest label plus 1.
    reading : {"corrected", "as_printed"}, default "corrected"
        "as_printed" follows the paper's formulas also where they slip; see the notes.
    between, center, rtol
        How NC1 is defined and cut; see `nc1`.
    check_counts : bool, default True
        Whether the labels must have the class counts of `minimizer`. False for a test set or for a
        part of the samples: then the class means are those of the samples given, and D is that of
        the minimiser.

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
    decomposition ``Yhat = U diag(kappa) V'`` and ``unit(A) = A / ||A||_F``, with a bias::

        NC2^W  = || unit(U' P P' U)             - unit(diag(p^2)) ||_F
        NC2^H  = || unit(V' D Hbar' Hbar D V)   - unit(diag(e^2)) ||_F
        NC2^WH = || unit(U' P Hbar D V)         - unit(diag(z))   ||_F
        NC3    = || unit rows of U' P           - unit columns of Hbar D V ||_F

    where p, e and z are the singular values of P, Hbar D and P Hbar D at the minimiser. Without
    bias, as in Appendix C, D is left out: targets ``p^2``, ``e^2 / n`` and ``s = z / sqrt(n)``.

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
            classes = _require_minimizer(minimizer).problem.K
        else:
            classes = _inferred_classes(labels)
    accumulator = MetricsAccumulator(classes, Ws, b, between=between, center=center, rtol=rtol)
    accumulator.update(features, labels)
    accumulator.second_pass()
    accumulator.update(features, labels)
    return accumulator.compute(minimizer, reading=reading, check_counts=check_counts)


def nc1(
    features: Any,
    labels: Any,
    *,
    classes: int | None = None,
    between: Between = "unweighted",
    center: Center = "samples",
    rtol: float | None = None,
) -> NC1Result:
    """Measure NC1: how much the features vary within their classes.

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
    ``NC1 = 1/K tr(Sigma_W Sigma_B^+)`` with, over samples i and classes k,
    ``Sigma_W = 1/N sum_i (h_i - h_class(i)) (h_i - h_class(i))'`` and
    ``Sigma_B = 1/K sum_k (h_k - h_G) (h_k - h_G)'``. A thin singular value decomposition of the
    centred class means gives ``Sigma_B^+ = Q diag(1/s^2) Q'``, and the trace is the sum of squares
    of ``diag(1/s) Q' (h_i - h_class(i))``, over N: a sum of squares cannot become negative.

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


def effective_lambda_H(features: Any, labels: Any, W_1: Any, lambda_W1: float) -> float:
    """Measure the lambda_H that a network behaves as if it had.

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
        ``lambda_W1 ||W_1||_F^2 / ||Hbar D||_F^2``. Infinite where every class mean is 0, and NaN
        where W_1 is 0 too.

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
    accumulator = MetricsAccumulator(_inferred_classes(labels))
    accumulator.update(features, labels)
    weight = _matrix("W_1", W_1)
    if weight.shape[1] != accumulator.d:
        raise ValueError(
            f"W_1 must have d = {accumulator.d} columns, as the features; got {weight.shape}"
        )
    return accumulator._balance(float(np.linalg.norm(weight)), lambda_W1)


class MetricsAccumulator:
    """The metrics of `measure`, from batches, in memory of the size of the class means, K x d.

    NC1 measures along the directions of the class means, which are known only when every sample
    has been seen; so it takes two passes over the same samples (in any order), and so does NC4.
    NC2, NC3 and lambda_H need the first alone.

    Parameters
    ----------
    classes : int
        Number K of classes. A batch may lack some; every class must have come at the end.
    Ws, b : optional
        The head, as for `measure`; copied, so that training may go on.
    between, center, rtol
        How NC1 is defined and cut; see `nc1`.

    Attributes
    ----------
    K : int
        Number of classes.
    d : int or None
        Dimension of the features; None before the first batch.
    counts : (K,) ndarray of int64
        Samples of each class in the first pass.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Notes
    -----
    Sums are in float64 and count from the first sample, so that a large common offset costs no
    digits; batches are merged as Chan, Golub and LeVeque do. A batch of a device without float64
    is brought to the processor block by block.

    References
    ----------
    Chan, Golub and LeVeque, Algorithms for computing the sample variance, The American
    Statistician 37 (1983).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(60) % 3
    >>> features = np.eye(3)[labels] + 0.01 * rng.standard_normal((60, 3))
    >>> accumulator = MetricsAccumulator(3)
    >>> for batch in np.split(np.arange(60), 4):
    ...     accumulator.update(features[batch], labels[batch])
    >>> accumulator.second_pass()
    >>> for batch in np.split(np.arange(60), 4):
    ...     accumulator.update(features[batch], labels[batch])
    >>> abs(accumulator.compute().nc1.value / nc1(features, labels).value - 1) < 1e-12
    True
    """

    def __init__(
        self,
        classes: int,
        Ws: Any = None,
        b: Any = None,
        *,
        between: Between = "unweighted",
        center: Center = "samples",
        rtol: float | None = None,
    ) -> None:
        _require_choice("between", between, Between)
        _require_choice("center", center, Center)
        if rtol is not None and not (is_number(rtol) and 0 <= rtol < 1):
            raise ValueError(f"rtol must be at least 0 and below 1; got {rtol!r}")
        self.K = as_whole("classes", classes, 1)
        self.d: int | None = None
        self.counts = np.zeros(self.K, dtype=np.int64)
        self._between: Between = between
        self._center: Center = center
        self._rtol = rtol
        self._head = None if Ws is None else _Head.of(Ws, b, self.K)
        if Ws is None and b is not None:
            raise ValueError("b must be None where Ws is None: a bias needs its head")
        self._coarse = False
        self._mean: Any = None
        self._shift: Any = None
        self._second: _SecondPass | None = None

    def __repr__(self) -> str:
        rows = "first pass" if self._second is None else "second pass"
        return f"MetricsAccumulator(K={self.K}, {rows}: {self.counts.sum():,} samples)"

    def update(self, features: Any, labels: Any) -> None:
        """Add a batch.

        Parameters
        ----------
        features : (B, d) array or tensor of floats
            One row per sample.
        labels : (B,) array_like of int
            Class of each sample, 0 to K - 1.

        Raises
        ------
        TypeError, ValueError
            As for `measure`; nothing of the batch has then been added.
        """
        features, classes = self._checked(features, labels)
        if self._second is not None:
            self._second.add(self, features, classes)
            return
        if not classes.size:
            return
        mean, counts = self._xp.asarray(self._mean, copy=True), self.counts.copy()
        for block, of_block in self._blocks(features, classes):
            present, position, size = np.unique(of_block, return_inverse=True, return_counts=True)
            one_hot = (np.arange(present.size)[:, None] == position) / 1.0
            with np.errstate(invalid="ignore", over="ignore"):
                block -= self._shift
                sums = self._array(one_hot) @ block
            total = self._array((counts[present] + size)[:, None] / 1.0)
            rows = self._array(present)
            old = mean[rows]
            mean[rows] = old + (sums - self._array(size[:, None] / 1.0) * old) / total
            counts[present] += size
        if not bool(self._xp.all(self._xp.isfinite(mean))):
            if not self.counts.any():  # the first to come decides nothing where it is refused
                self.d = self._mean = self._shift = None
            raise ValueError(_not_finite(features))
        self._mean, self.counts = mean, counts
        # The coarsest type that has come decides over the cut.
        self._coarse |= self._xp.finfo(features.dtype).bits < 64

    def set_head(self, Ws: Any, b: Any = None) -> None:
        """Take another head: that of the end, where it learned while the features came in.

        Parameters
        ----------
        Ws, b
            As for `measure`; copied.

        Raises
        ------
        TypeError, ValueError
            If they are not as described, or the second pass has begun already.
        """
        if self._second is not None:
            raise ValueError("the head must be set before the second pass, which measures with it")
        head = _Head.of(Ws, b, self.K)
        _require_width(head, self.d)
        self._head = head

    def effective_lambda_H(self, lambda_W1: float) -> float:
        """Measure lambda_H from what has been added and the head; see `effective_lambda_H`.

        Parameters
        ----------
        lambda_W1 : float
            The penalty on W_1.

        Returns
        -------
        float

        Raises
        ------
        TypeError, ValueError
            If there is no head, a class has no samples yet, or `lambda_W1` is not positive.
        """
        if self._head is None:
            raise ValueError("lambda_H is measured from W_1: give the accumulator a head")
        return self._balance(self._head.W_1_norm, lambda_W1)

    def second_pass(self) -> None:
        """Begin the second pass: fix the class means, and wait for the same samples again.

        Raises
        ------
        ValueError
            If a class has no samples yet, or the second pass has begun already.
        """
        if self._second is not None:
            raise ValueError("the second pass has begun already")
        self._second = _SecondPass(self)

    def compute(
        self,
        minimizer: Minimizer | None = None,
        *,
        reading: Reading = "corrected",
        check_counts: bool = True,
    ) -> Metrics:
        """Compute the metrics from what has been added.

        Parameters
        ----------
        minimizer, reading, check_counts
            As for `measure`. May be called again with others.

        Returns
        -------
        Metrics
            With `nc1` and `nc4` None where no second pass was begun.

        Raises
        ------
        ValueError
            If a class has no samples, the second pass has not seen as many samples of each class
            as the first, or `minimizer` does not fit.
        """
        _require_choice("reading", reading, Reading)
        self._require_every_class()
        values: dict[str, Any] = {"reading": reading, "counts": self.counts.copy()}
        if minimizer is not None:
            self._require_fitting(minimizer, check_counts)
            values["target_unique"] = minimizer.unique
            values |= _compare(self._means(), self._head, minimizer, reading)
            if self._head is not None:
                values["lambda_H"] = self.effective_lambda_H(minimizer.problem.lambda_W[0])
        if self._second is not None:
            values |= self._second.result(self, minimizer)
        return Metrics(**values)

    def _right_by_class(self) -> Array | None:
        """Share of the samples of each class that the head answers right, by the second pass."""
        if self._head is None or self._second is None:
            return None
        return self._second.right / self.counts

    def _balance(self, W_1_norm: float, lambda_W1: float) -> float:
        lambda_W1 = _positive("lambda_W1", lambda_W1)
        self._require_every_class()
        E_norm = np.linalg.norm(self._means() * np.sqrt(self.counts)[:, None])
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(lambda_W1 * (W_1_norm / E_norm) ** 2)

    def _checked(self, features: Any, labels: Any) -> tuple[Any, NDArray[np.int64]]:
        """Return the features, detached, and the classes; fix what the first batch decides."""
        if not is_array_api_obj(features):
            raise TypeError(
                f"features must be a numpy array or a torch tensor; got {type(features).__name__}"
            )
        if is_torch_array(features):
            features = features.detach()
        xp = array_namespace(features)
        if features.ndim != 2 or not features.shape[1]:
            raise ValueError(
                f"features must have shape (N, d), one row per sample; got {tuple(features.shape)}"
            )
        if not xp.isdtype(features.dtype, "real floating"):
            raise TypeError(f"features must be real floating numbers; got {features.dtype}")
        classes = _whole_labels(labels)
        if classes.size != features.shape[0]:
            raise ValueError(
                f"labels must have one entry for each of the {features.shape[0]} rows of features; "
                f"got {classes.size}"
            )
        outside = classes[(classes < 0) | (classes >= self.K)]
        if outside.size:
            raise ValueError(f"labels must be from 0 to K - 1 = {self.K - 1}; got {outside[0]}")
        if self.d is not None:
            if features.shape[1] != self.d:
                raise ValueError(
                    f"features must have d = {self.d} columns, as before; got {features.shape[1]}"
                )
            if xp is not self._xp:
                raise TypeError("features must be of the same kind, numpy or torch, as before")
        elif features.shape[0]:
            self._start(features)
        return features, classes

    def _start(self, features: Any) -> None:
        d = int(features.shape[1])
        _require_width(self._head, d)
        xp, home = array_namespace(features), device(features)
        # Apple's GPUs have no float64.
        self._home = "cpu" if str(home).startswith("mps") else home
        shift = xp.astype(to_device(features[0, :], self._home), xp.float64)
        if not bool(xp.all(xp.isfinite(shift))):
            raise ValueError(_not_finite(features))
        self._shift = shift
        self._mean = xp.zeros((self.K, d), dtype=xp.float64, device=self._home)
        self.d = d

    @property
    def _xp(self) -> Any:
        """The features' library. A module can't be pickled, so it isn't kept."""
        return array_namespace(self._mean)

    def _array(self, array: NDArray[Any]) -> Any:
        """Bring a small numpy array to where the sums are."""
        return self._xp.asarray(array, device=self._home)

    def _blocks(
        self, features: Any, classes: NDArray[np.int64]
    ) -> Iterator[tuple[Any, NDArray[np.int64]]]:
        """Yield blocks of rows, float64, where the sums are, with their classes, sorted by class.

        So that a block holds few classes, and sums over them are products with few rows. Each is a
        copy that the caller may change.
        """
        if not classes.size:
            return
        order = np.argsort(classes, kind="stable")
        here = device(features)
        rows = max(1, _BLOCK // features.shape[1])
        for start in range(0, order.size, rows):
            chosen = order[start : start + rows]
            block = self._xp.take(features, self._xp.asarray(chosen, device=here), axis=0)
            block = self._xp.astype(to_device(block, self._home), self._xp.float64)
            yield block, classes[chosen]

    def _require_every_class(self) -> None:
        missing = np.flatnonzero(self.counts == 0)
        if missing.size:
            some = ", ".join(str(k) for k in missing[:5]) + ", ..." * (missing.size > 5)
            raise ValueError(
                f"labels must hold every class from 0 to {self.K - 1}; no samples of class {some}"
            )

    def _require_fitting(self, minimizer: Minimizer, check_counts: bool) -> None:
        problem = _require_minimizer(minimizer).problem
        if problem.K != self.K:
            raise ValueError(f"minimizer must have K = {self.K} classes; got {problem.K}")
        wrong = np.flatnonzero(problem.counts.n != self.counts)
        if check_counts and wrong.size:
            k = wrong[0]
            raise ValueError(
                f"minimizer has {problem.counts.n[k]} samples of class {k}, labels have "
                f"{self.counts[k]}; check_counts=False measures other samples than it was made for"
            )
        head = self._head
        if head is None:
            return
        if head.depth != problem.depth:
            raise ValueError(
                f"Ws must hold depth = {problem.depth} matrices, as minimizer; got {head.depth}"
            )
        if problem.bias != (head.b is not None):
            raise ValueError(
                f"b must have shape ({self.K},): minimizer has a bias; got None"
                if problem.bias
                else "b must be None: minimizer has no bias"
            )

    def _relative_means(self) -> Array:
        """Class means less the shift, (K, d)."""
        return _as_float64(self._mean)

    def _means(self) -> Array:
        means: Array = self._relative_means() + _as_float64(self._shift)
        return means


@dataclass(frozen=True)
class _Head:
    """What the metrics need of a head."""

    P: Array
    """W_L ... W_1, (K, d)."""
    W_1_norm: float
    depth: int
    b: Array | None

    @classmethod
    def of(cls, Ws: Any, b: Any, K: int) -> _Head:
        if getattr(Ws, "ndim", None) == 2:
            Ws = [Ws]
        try:
            Ws = list(Ws)
        except TypeError:
            Ws = []
        if not Ws:
            raise TypeError("Ws must be matrices [W_1, ..., W_L], at least one")
        P: Array | None = None
        for j in range(len(Ws), 0, -1):
            W = _matrix(f"W_{j}", Ws[j - 1])
            below = K if P is None else P.shape[1]
            if W.shape[0] != below:
                reason = "K" if P is None else f"the columns of W_{j + 1}"
                raise ValueError(f"W_{j} must have {below} rows ({reason}); got shape {W.shape}")
            # From the top: K rows all the way, instead of products of wide matrices.
            P = W.copy() if P is None else P @ W
        assert P is not None
        bias = None if b is None else _as_float64(b, copy=True)
        if bias is not None and bias.shape != (K,):
            raise ValueError(f"b must have shape ({K},); got {bias.shape}")
        if bias is not None and not np.isfinite(bias).all():
            raise ValueError("b must be finite; got NaN or infinity")
        return cls(P, float(np.linalg.norm(W)), len(Ws), bias)


def _require_width(head: _Head | None, d: int | None) -> None:
    if head is not None and d is not None and head.P.shape[1] != d:
        raise ValueError(f"W_1 must have d = {d} columns, as the features; got {head.P.shape[1]}")


class _SecondPass:
    """Sums of squares of the deviations from the class means, along the directions of Sigma_B."""

    def __init__(self, first: MetricsAccumulator) -> None:
        first._require_every_class()
        means, n = first._relative_means(), first.counts
        N = int(n.sum())
        self.counts = np.zeros(first.K, dtype=np.int64)
        self.agreed = np.zeros(first.K, dtype=np.int64)
        self.right = np.zeros(first.K, dtype=np.int64)
        share = n / N
        weight = share if first._between == "weighted" else np.full(first.K, 1 / first.K)
        middle = (share if first._center == "samples" else np.full(first.K, 1 / first.K)) @ means
        centred = means - middle
        with np.errstate(over="ignore"):
            if not np.isfinite(4 * np.square(centred).sum()):  # no squared distance is larger
                raise ValueError(_TOO_LARGE)
        centred *= np.sqrt(weight)[:, None]
        # By the features' own library: the threads of two of them would wait for each other.
        own = to_device(first._mean, "cpu")
        xp = array_namespace(own)
        _, s, Qt = map(np.asarray, xp.linalg.svd(xp.asarray(centred), full_matrices=False))
        eps = float(np.finfo(np.float32 if first._coarse else np.float64).eps)
        self.rtol = means.shape[1] * eps if first._rtol is None else float(first._rtol)
        self.s = s
        # The cut is on the eigenvalues of Sigma_B, s^2, as a pseudo-inverse of Sigma_B has it.
        largest = s[0] if s[0] > 0 else 1.0
        self.rank = int(np.count_nonzero((s / largest) ** 2 > self.rtol)) if s[0] > 0 else 0
        self.directions = first._array(Qt[: self.rank].T / s[: self.rank])
        self.squares: Any = first._xp.zeros(self.rank, dtype=first._xp.float64, device=first._home)
        # A class mean is a sum, shift + relative, in two parts: the rounded sum, from which a
        # sample near it differs by exactly a float64 number, and the rest. Without the rest the
        # rounding would show once the deviations are below 1e-8 of the offset.
        shift, relative = first._shift, first._mean
        self.mean = shift + relative
        back = self.mean - shift
        self.mean_rest = ((shift - (self.mean - back)) + (relative - back)) @ self.directions
        if first._head is not None:
            head = first._head
            self.P = first._array(head.P.T)
            self.mean_logits = (first._means() @ head.P.T) + (0.0 if head.b is None else head.b)
            gram = means - middle
            size = float(np.max(np.linalg.norm(gram, axis=1)))
            self.tie = _TIE * eps * size
            self.tie_distance = _TIE * float(np.finfo(float).eps) * size**2
            gram = gram @ gram.T
            norms = np.diag(gram)
            self.mean_distances = np.maximum(norms[:, None] + norms - 2 * gram, 0.0)
            np.fill_diagonal(self.mean_distances, 0.0)

    def add(self, first: MetricsAccumulator, features: Any, classes: NDArray[np.int64]) -> None:
        xp = first._xp
        squares, agreed, right = self.squares, self.agreed.copy(), self.right.copy()
        for block, of_block in first._blocks(features, classes):
            rows = first._array(of_block)
            with np.errstate(invalid="ignore", over="ignore"):
                block -= xp.take(self.mean, rows, axis=0)
                along = block @ self.directions - xp.take(self.mean_rest, rows, axis=0)
            squares = squares + xp.sum(along * along, axis=0)
            if not bool(xp.all(xp.isfinite(squares))):
                raise ValueError(_not_finite(features))
            if first._head is not None:
                answer, agrees = self._answers(first, block, of_block)
                agreed += np.bincount(of_block[agrees], minlength=first.K)
                right += np.bincount(of_block[answer == of_block], minlength=first.K)
        self.squares, self.agreed, self.right = squares, agreed, right
        self.counts = self.counts + np.bincount(classes, minlength=first.K)

    def _answers(
        self, first: MetricsAccumulator, deviation: Any, classes: NDArray[np.int64]
    ) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Find what the head answers, and whether with the nearest mean (of several that tie, any).

        Both from the deviation: ``P h + b = P (h - h_c) + (P h_c + b)`` and
        ``|h - h_k|^2 = |h - h_c|^2 + 2 (h - h_c)' (h_c - h_k) + |h_c - h_k|^2``.
        """
        logits = _as_float64(deviation @ self.P) + self.mean_logits[classes]
        inner = _as_float64(deviation @ first._mean.T)
        rows = np.arange(classes.size)
        distances = 2 * (inner[rows, classes][:, None] - inner) + self.mean_distances[classes]
        answer = np.argmax(logits, axis=1)
        # How much two means that are equal but for `tie` can differ in squared distance, and how
        # exact the table of distances is.
        length = np.sqrt(_as_float64(first._xp.sum(deviation * deviation, axis=1)))
        slack = self.tie * (self.tie + length) + self.tie_distance
        return answer, distances[rows, answer] <= distances.min(axis=1) + slack

    def result(self, first: MetricsAccumulator, minimizer: Minimizer | None) -> dict[str, Any]:
        if not np.array_equal(self.counts, first.counts):
            k = int(np.flatnonzero(self.counts != first.counts)[0])
            raise ValueError(
                f"the second pass must see the same samples as the first; it saw {self.counts[k]} "
                f"of class {k}, not {first.counts[k]}"
            )
        N, K = int(first.counts.sum()), first.K
        by_mode = _as_float64(self.squares) / N / K
        values: dict[str, Any] = {
            "nc1": NC1Result(
                value=float(by_mode.sum()) if self.rank else float("nan"),
                by_mode=by_mode,
                eigenvalues=self.s**2,
                rank=self.rank,
                expected_rank=None if minimizer is None else min(minimizer.alive, K - 1),
                rtol=self.rtol,
                between=first._between,
                center=first._center,
            )
        }
        if first._head is not None:
            values["nc4"] = float(self.agreed.sum() / N)
            values["nc4_by_class"] = self.agreed / first.counts
        return values


def _compare(
    means: Array, head: _Head | None, minimizer: Minimizer, reading: Reading
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


def _as_float64(array: Any, copy: bool = False) -> Array:
    """Bring an array of either kind to numpy, in float64."""
    if is_torch_array(array):
        array = array.detach()
    if is_array_api_obj(array) and not isinstance(array, np.ndarray):
        array = to_device(array, "cpu")
        array = np.asarray(array_namespace(array).astype(array, array_namespace(array).float64))
    return np.array(array, dtype=np.float64) if copy else np.asarray(array, dtype=np.float64)


def _matrix(name: str, array: Any) -> Array:
    matrix = _as_float64(array)
    if matrix.ndim != 2:
        raise ValueError(f"{name} must be a matrix; got shape {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise ValueError(f"{name} must be finite; got NaN or infinity")
    return matrix


def _whole_labels(labels: Any) -> NDArray[np.int64]:
    if is_torch_array(labels):
        labels = labels.detach()
    if is_array_api_obj(labels) and not isinstance(labels, np.ndarray):
        labels = to_device(labels, "cpu")
    array = np.asarray(labels)
    if array.ndim != 1:
        raise ValueError(
            f"labels must be one flat sequence, one label per sample; got shape {array.shape}"
        )
    if not array.size:
        return np.zeros(0, dtype=np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(f"labels must be whole numbers; got values of type {array.dtype}")
    return array.astype(np.int64)


def _inferred_classes(labels: Any) -> int:
    classes = _whole_labels(labels)
    if not classes.size:
        raise ValueError("labels must hold at least one sample; got none")
    return max(int(classes.max()), 0) + 1


def _not_finite(features: Any) -> str:
    finite = _as_float64(features)
    bad = np.flatnonzero(~np.isfinite(finite).all(axis=1))
    if not bad.size:
        return _TOO_LARGE
    return f"features must be finite; got NaN or infinity in {bad.size} rows, first in row {bad[0]}"


def _require_choice(name: str, value: object, choices: Any) -> None:
    if value not in get_args(choices):
        allowed = " or ".join(repr(choice) for choice in get_args(choices))
        raise ValueError(f"{name} must be {allowed}; got {value!r}")


def _require_minimizer(minimizer: Minimizer) -> Minimizer:
    if not isinstance(minimizer, Minimizer):
        raise TypeError(f"minimizer must be a Minimizer; got {minimizer!r:.60}")
    return minimizer
