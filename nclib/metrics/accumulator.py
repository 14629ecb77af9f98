"""The first pass over the samples: class means, and the metrics that need no more."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from nclib._checks import as_whole, choice, is_number, positive
from nclib.metrics._pass import Pass
from nclib.metrics.arrays import Array, Between, Center, Labels
from nclib.metrics.class_means import ClassMeans
from nclib.metrics.formulas import balance
from nclib.metrics.head import Head, require_width
from nclib.metrics.modes import MeasuredModes, measured_modes
from nclib.metrics.second_pass import SecondPass, validated_counts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from nclib.metrics.arrays import Floats, Integers, Layers


class MetricsAccumulator(Pass):
    """The metrics of `measure`, from batches, in memory of the size of the class means, K x d.

    NC1 measures along the directions of the class means, which are known only when every sample
    has been seen; so it takes two passes over the same samples (in any order), and so does NC4.
    NC2, NC3 and lambda_H need the first alone. The second pass is an object of its own, from
    `second_pass`, and computes everything.

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
        Samples of each class so far.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Notes
    -----
    Sums are in float64 and count from the first sample, so that a large common offset costs no
    digits; batches are merged as Chan, Golub and LeVeque do. A batch of a device without float64
    is brought to the CPU block by block.

    References
    ----------
    Chan, Golub and LeVeque, Algorithms for computing the sample variance, The American
    Statistician 37 (1983).

    Examples
    --------
    >>> import numpy as np
    >>> from nclib.metrics import nc1
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(60) % 3
    >>> features = np.eye(3)[labels] + 0.01 * rng.standard_normal((60, 3))
    >>> accumulator = MetricsAccumulator(3)
    >>> for batch in np.split(np.arange(60), 4):
    ...     accumulator.update(features[batch], labels[batch])
    >>> second = accumulator.second_pass()
    >>> for batch in np.split(np.arange(60), 4):
    ...     second.update(features[batch], labels[batch])
    >>> abs(second.compute().nc1.value / nc1(features, labels).value - 1) < 1e-12
    True
    """

    def __init__(
        self,
        classes: int,
        Ws: Layers | None = None,
        b: Floats | None = None,
        *,
        between: Between = "unweighted",
        center: Center = "samples",
        rtol: float | None = None,
    ) -> None:
        choice("between", between, Between)
        choice("center", center, Center)
        if rtol is not None and not (is_number(rtol) and 0 <= rtol < 1):
            raise ValueError(f"rtol must be at least 0 and below 1; got {rtol!r:.60}")
        self._means = ClassMeans(as_whole("classes", classes, 1))
        self._between: Between = between
        self._center: Center = center
        self._rtol = rtol
        self._head = None if Ws is None else Head.of(Ws, b, self.K)
        if Ws is None and b is not None:
            raise ValueError("b must be None where Ws is None: a bias needs its head")

    @property
    def d(self) -> int | None:
        """Dimension of the features; None before the first batch."""
        return self._means.d

    @property
    def counts(self) -> Labels:
        """Samples of each class so far, (K,)."""
        return self._means.counts

    def __repr__(self) -> str:
        return f"MetricsAccumulator(K={self.K}: {self.counts.sum():,} samples)"

    def update(self, features: Floats, labels: Integers) -> None:
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
        features, classes = self._means.checked(features, labels)
        if self.d is None and classes.size:
            require_width(self._head, int(features.shape[1]))
            self._means.start(features)
        self._means.update(features, classes)

    def set_head(self, Ws: Layers, b: Floats | None = None) -> None:
        """Take another head: that of the end, where it learned while the features came in.

        A second pass that was begun before goes on with the head that it began with.

        Parameters
        ----------
        Ws, b
            As for `measure`; copied.

        Raises
        ------
        TypeError, ValueError
            If they are not as described.
        """
        head = Head.of(Ws, b, self.K)
        require_width(head, self.d)
        self._head = head

    def class_means(self) -> Array:
        """Return the class means of what has been added.

        Returns
        -------
        (K, d) ndarray

        Raises
        ------
        ValueError
            If a class has no samples yet.
        """
        self._means.require_every_class()
        return self._means.means()

    def effective_lambda_H(
        self, lambda_W1: float, training_counts: ArrayLike | None = None
    ) -> float:
        """Measure lambda_H from what has been added and the head; see `effective_lambda_H`.

        Parameters
        ----------
        lambda_W1 : float
            The penalty on W_1.
        training_counts : (K,) array_like of int, optional
            Samples of each class in the training, whose features the penalty counts. Default: the
            samples added are those.

        Returns
        -------
        float

        Raises
        ------
        TypeError, ValueError
            If there is no head, a class has no samples yet, or an argument is not as described.
        """
        if self._head is None:
            raise ValueError("lambda_H is measured from W_1: give the accumulator a head")
        lambda_W1 = positive("lambda_W1", lambda_W1)
        self._means.require_every_class()
        counts = validated_counts(training_counts, self.counts)
        return balance(self._head.W_1_norm, self._means.means(), counts, lambda_W1)

    def modes(self, lambda_W1: float, training_counts: ArrayLike | None = None) -> MeasuredModes:
        """Measure each mode's strength and the lambda_H that it behaves as if it had.

        Parameters
        ----------
        lambda_W1 : float
            The penalty on W_1.
        training_counts : (K,) array_like of int, optional
            As for `effective_lambda_H`.

        Returns
        -------
        MeasuredModes

        Raises
        ------
        TypeError, ValueError
            If there is no head, a class has no samples yet, or `lambda_W1` is not positive.
        """
        if self._head is None:
            raise ValueError("modes are those of a head: give the accumulator one")
        lambda_W1 = positive("lambda_W1", lambda_W1)
        self._means.require_every_class()
        counts = validated_counts(training_counts, self.counts)
        return measured_modes(self._means.means(), counts, self._head, lambda_W1)

    def second_pass(self) -> SecondPass:
        """Begin a second pass: fix the class means, and wait for the same samples again.

        Returns
        -------
        SecondPass
            To be updated with the same samples. What is added to this accumulator later does not
            change it.

        Raises
        ------
        ValueError
            If a class has no samples yet.
        """
        self._means.require_every_class()
        # Updates replace the arrays of the class means and write over none: a shallow copy stays.
        means = copy.copy(self._means)
        return SecondPass(means, self._head, self._between, self._center, self._rtol)
