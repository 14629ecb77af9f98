"""The second pass over the samples: what varies around the class means, and what the head says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace, to_device
from numpy.typing import ArrayLike, NDArray

from nclib._checks import as_whole
from nclib.metrics._pass import Pass
from nclib.metrics.accuracy import Accuracy
from nclib.metrics.arrays import (
    TOO_LARGE,
    Array,
    Between,
    Block,
    Center,
    Labels,
    Reading,
    as_float64,
    not_finite,
)
from nclib.metrics.balanced import Measured
from nclib.metrics.class_means import ClassMeans
from nclib.metrics.formulas import nc1_by_mode, nc4
from nclib.metrics.head import Head
from nclib.metrics.registry import BALANCED
from nclib.metrics.results import NC1Result
from nclib.theory.optimum import Optimum

if TYPE_CHECKING:
    from nclib.metrics.arrays import Floats, Integers

_TIE = 8
"""Class means that differ by less, in units of their rounding, tie in NC4."""


class SecondPass(Pass):
    """The same samples again, once their class means are known; from `MetricsAccumulator`.

    Sums of squares of the deviations from the class means, along the directions of Sigma_B and by
    class, and what the head answers.

    Attributes
    ----------
    K : int
        Number of classes.
    counts : (K,) ndarray of int64
        Samples of each class that this pass has seen so far.

    Examples
    --------
    >>> import numpy as np
    >>> from nclib.metrics import MetricsAccumulator
    >>> features, labels = np.array([[3.0], [3.2], [0.1], [-0.1]]), np.array([0, 0, 1, 1])
    >>> accumulator = MetricsAccumulator(2)
    >>> accumulator.update(features, labels)
    >>> second = accumulator.second_pass()
    >>> second.update(features, labels)
    >>> second
    SecondPass(K=2: 4 of 4 samples)
    >>> second.compute().nc1.rank
    1
    """

    def __init__(
        self,
        means: ClassMeans,
        head: Head | None,
        between: Between,
        center: Center,
        rtol: float | None,
    ) -> None:
        self._means, self._head = means, head
        self._between: Between = between
        self._center: Center = center
        self._accuracy = Accuracy(means.K)
        self._agreed: Labels = np.zeros(means.K, dtype=np.int64)
        self._squares_by_class: Array = np.zeros(means.K)
        relative = as_float64(means.relative)
        share = means.counts / int(means.counts.sum())
        equal = np.full(means.K, 1 / means.K)
        middle = (share if center == "samples" else equal) @ relative
        self._centred: Array = relative - middle
        self._global_mean: Array = middle + as_float64(means.shift)
        with np.errstate(over="ignore"):
            # No squared distance is larger.
            if not np.isfinite(4 * np.square(self._centred).sum()):
                raise ValueError(TOO_LARGE)
        self._rtol = relative.shape[1] * means.eps if rtol is None else float(rtol)
        weight = share if between == "weighted" else equal
        self._singular_values, self.rank, Q = self._directions_of(
            self._centred * np.sqrt(weight)[:, None]
        )
        self._directions = means.array(Q)
        self._squares = means.zeros(self.rank)
        # A class mean is a sum, shift + relative, in two parts: the rounded sum, from which a
        # sample near it differs by exactly a float64 number, and the rest. Without the rest the
        # rounding would show once the deviations are below 1e-8 of the offset.
        self._mean: Block = means.shift + means.relative
        back = self._mean - means.shift
        rest = (means.shift - (self._mean - back)) + (means.relative - back)
        self._mean_rest: Block = rest @ self._directions
        self._rest_squares: Array = np.square(as_float64(rest)).sum(axis=1)
        self._answerer = None if head is None else _Answerer.of(means, head, self._centred)

    def _directions_of(self, weighted: Array) -> tuple[Array, int, Array]:
        """Return singular values, rank, and the kept directions over their singular values."""
        # By the features' own library: the threads of two of them would wait for each other.
        own = to_device(self._means.relative, "cpu")
        xp = array_namespace(own)
        _, s, Qt = map(np.asarray, xp.linalg.svd(xp.asarray(weighted), full_matrices=False))
        # The cut is on the eigenvalues of Sigma_B, s^2, as a pseudo-inverse of Sigma_B has it.
        largest = s[0] if s[0] > 0 else 1.0
        # What has no reciprocal is as good as 0.
        kept = ((s / largest) ** 2 > self._rtol) & (s > 1 / np.finfo(float).max)
        rank = int(np.count_nonzero(kept))
        return s, rank, Qt[:rank].T / s[:rank]

    @property
    def counts(self) -> Labels:
        """Samples of each class that this pass has seen so far, (K,)."""
        return self._accuracy.seen

    def __repr__(self) -> str:
        of = self._means.counts.sum()
        return f"SecondPass(K={self.K}: {self.counts.sum():,} of {of:,} samples)"

    def update(self, features: Floats, labels: Integers) -> None:
        """Add a batch of the samples of the first pass, in any order.

        Parameters
        ----------
        features, labels
            As for `MetricsAccumulator.update`.

        Raises
        ------
        TypeError, ValueError
            As for `measure`; nothing of the batch has then been added.
        """
        means, xp = self._means, self._means.xp
        features, classes = means.checked(features, labels)
        squares, by_class = self._squares, self._squares_by_class.copy()
        agreed = self._agreed.copy()
        answers: list[NDArray[np.intp]] = []
        answered: list[Labels] = []
        for block, of_block in means.blocks(features, classes):
            rows = means.array(of_block)
            with np.errstate(invalid="ignore", over="ignore"):
                block -= xp.take(self._mean, rows, axis=0)
                along = block @ self._directions - xp.take(self._mean_rest, rows, axis=0)
                length = as_float64(xp.sum(block * block, axis=1))
            squares = squares + xp.sum(along * along, axis=0)
            by_class += np.bincount(of_block, length, minlength=self.K)
            if not bool(xp.all(xp.isfinite(squares))):
                raise ValueError(not_finite(features))
            answered.append(of_block)
            if self._answerer is None:
                answers.append(np.full(of_block.shape, -1))
            else:
                answer, agrees = self._answerer.answers(block, of_block, length)
                agreed += np.bincount(of_block[agrees], minlength=self.K)
                answers.append(answer)
        if answered:
            self._accuracy.update(np.concatenate(answers), np.concatenate(answered))
        self._squares, self._squares_by_class, self._agreed = squares, by_class, agreed

    @property
    def squares_by_class(self) -> Array:
        """Sum of the squared distances of the samples of each class to its mean, (K,)."""
        return np.maximum(self._squares_by_class - self._rest_squares * self.counts, 0.0)

    @property
    def accuracy_by_class(self) -> Array | None:
        """Share of the samples of each class that the head answers right; None without a head."""
        return None if self._head is None else self._accuracy.by_class

    def _values(
        self, minimizer: Optimum | None, reading: Reading, check_counts: bool
    ) -> dict[str, Any]:
        values = super()._values(minimizer, reading, check_counts)
        self._require_complete()
        counts = self._means.counts
        by_mode = nc1_by_mode(as_float64(self._squares), counts)
        values["nc1"] = NC1Result(
            value=float(by_mode.sum()) if self.rank else float("nan"),
            by_mode=by_mode,
            eigenvalues=self._singular_values**2,
            rank=self.rank,
            expected_rank=None if minimizer is None else min(minimizer.alive, self.K - 1),
            rtol=self._rtol,
            between=self._between,
            center=self._center,
        )
        if self._head is not None:
            values["nc4"], values["nc4_by_class"] = nc4(self._agreed, counts)
        return values

    def balanced(
        self, *, training_counts: ArrayLike | None = None, few: int = 20, many: int = 100
    ) -> dict[str, float]:
        """Compute what the literature on balanced data reports; see `balanced_metrics`.

        Parameters
        ----------
        training_counts, few, many
            As for `balanced_metrics`.

        Returns
        -------
        dict
            Without a head only what needs none.

        Raises
        ------
        ValueError
            If this pass has not seen as many samples of each class as the first, or an argument is
            not as described.
        """
        self._require_complete()
        measured = Measured(
            means=self._centred,
            global_mean=self._global_mean,
            variances=self._variances(),
            head=None if self._head is None else self._head.P,
            accuracy=self.accuracy_by_class,
            training_counts=validated_counts(training_counts, self._means.counts),
            few=as_whole("few", few, 1),
            many=as_whole("many", many, few),
        )
        chosen = (metric for metric in BALANCED if not metric.needs_head or self._head is not None)
        return {metric.key: float(metric.formula(measured)) for metric in chosen}

    def _variances(self) -> Array:
        """Mean squared distance to the class mean, (K,)."""
        # The squares are about the rounded mean: those about the mean itself are less by its rest.
        variances = self._squares_by_class / self._means.counts - self._rest_squares
        return np.maximum(variances, 0.0)

    def _require_complete(self) -> None:
        first = self._means.counts
        if not np.array_equal(self.counts, first):
            k = int(np.flatnonzero(self.counts != first)[0])
            raise ValueError(
                f"the second pass must see the same samples as the first; it saw {self.counts[k]} "
                f"of class {k}, not {first[k]}"
            )


def validated_counts(given: ArrayLike | None, counts: Labels) -> Array:
    """Return the training counts that were given, or those of the samples, as floats."""
    if given is None:
        return counts.astype(np.float64)
    array = np.asarray(given)
    if array.shape != counts.shape or array.dtype.kind not in "iu" or (array < 0).any():
        raise ValueError(
            f"training_counts must be K = {counts.size} whole numbers, none negative; "
            f"got {given!r:.60}"
        )
    return array.astype(np.float64)


@dataclass(frozen=True)
class _Answerer:
    """What the head answers, and whether with the nearest class mean."""

    means: ClassMeans
    P: Block
    """Transposed, (d, K)."""
    mean_logits: Array
    mean_distances: Array
    """Squared, (K, K)."""
    tie: float
    tie_distance: float

    @classmethod
    def of(cls, means: ClassMeans, head: Head, centred: Array) -> _Answerer:
        """Prepare what is the same for all samples; `centred` are the class means, (K, d)."""
        size = float(np.max(np.linalg.norm(centred, axis=1)))
        gram = centred @ centred.T
        norms = np.diag(gram)
        distances = np.maximum(norms[:, None] + norms - 2 * gram, 0.0)
        np.fill_diagonal(distances, 0.0)
        return cls(
            means,
            P=means.array(head.P.T),
            mean_logits=(means.means() @ head.P.T) + (0.0 if head.b is None else head.b),
            mean_distances=distances,
            tie=_TIE * means.eps * size,
            tie_distance=_TIE * float(np.finfo(float).eps) * size**2,
        )

    def answers(
        self, deviation: Block, classes: Labels, squared_length: Array
    ) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Find what the head answers, and whether with the nearest mean (of several that tie, any).

        Both from the deviation: ``P h + b = P (h - h_c) + (P h_c + b)`` and
        ``|h - h_k|^2 = |h - h_c|^2 + 2 (h - h_c)' (h_c - h_k) + |h_c - h_k|^2``.
        """
        logits = as_float64(deviation @ self.P) + self.mean_logits[classes]
        inner = as_float64(deviation @ self.means.relative.T)
        rows = np.arange(classes.size)
        distances = 2 * (inner[rows, classes][:, None] - inner) + self.mean_distances[classes]
        answer = np.argmax(logits, axis=1)
        # How much two means that are equal but for `tie` can differ in squared distance, and how
        # exact the table of distances is.
        slack = self.tie * (self.tie + np.sqrt(squared_length)) + self.tie_distance
        return answer, distances[rows, answer] <= distances.min(axis=1) + slack
