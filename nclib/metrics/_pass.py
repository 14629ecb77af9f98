"""What both passes over the samples share."""

from __future__ import annotations

from typing import Any

from nclib.metrics.arrays import Reading
from nclib.metrics.class_means import ClassMeans
from nclib.metrics.formulas import first_pass_values
from nclib.metrics.head import Head
from nclib.metrics.results import Metrics
from nclib.theory.optimum import Optimum


class Pass:
    """Samples of K classes, and the metrics that they are enough for."""

    _means: ClassMeans
    _head: Head | None

    @property
    def K(self) -> int:
        """Number of classes."""
        return self._means.K

    def compute(
        self,
        minimizer: Optimum | None = None,
        *,
        reading: Reading = "corrected",
        check_counts: bool = True,
    ) -> Metrics:
        """Compute the metrics: all of them from a second pass, without it those that need one.

        Parameters
        ----------
        minimizer, reading, check_counts
            As for `measure`. May be called again with others.

        Returns
        -------
        Metrics
            Without a second pass `nc1` and `nc4` are None.

        Raises
        ------
        ValueError
            If a class has no samples, a second pass has not seen as many samples of each class as
            the first, or `minimizer` does not fit.
        """
        return Metrics(**self._values(minimizer, reading, check_counts))

    def _values(
        self, minimizer: Optimum | None, reading: Reading, check_counts: bool
    ) -> dict[str, Any]:
        """Return the fields of `Metrics`."""
        return first_pass_values(self._means, self._head, minimizer, reading, check_counts)
