"""What was measured: NC1 and how, and all metrics of one network."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from nclib._records import Record, html_table, require_keys
from nclib.metrics.arrays import Array, Between, Center, Labels, Reading
from nclib.metrics.registry import NUMBERS, Metric


class _Measured(Record):
    """A record that goes to plain values and back by its fields alone."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold.

        What was not asked for is left out; None stands for NaN.

        Examples
        --------
        >>> import numpy as np
        >>> from nclib import measure
        >>> metrics = measure(np.array([[3.0], [3.2], [0.1], [-0.1]]), np.array([0, 0, 1, 1]))
        >>> sorted(metrics.to_dict())
        ['counts', 'nc1', 'reading']
        >>> Metrics.from_dict(metrics.to_dict()) == metrics
        True
        """
        values = {name: getattr(self, name) for name in _described(type(self))}
        return {name: _to_plain(value) for name, value in values.items() if value is not None}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Make the record from what `to_dict` returned.

        Raises
        ------
        TypeError, ValueError
            If it is something else.
        """
        described = _described(cls)
        # What was left out has its default, or is None.
        optional = {name for name, kind in described.items() if "None" in kind}
        require_keys(cls.__name__, content, described.keys() - optional, optional)
        values: dict[str, Any] = dict.fromkeys(optional)
        for name, value in content.items():
            if isinstance(value, Mapping):
                values[name] = NC1Result.from_dict(value)
            elif "Labels" in described[name]:
                values[name] = np.array(value, dtype=np.int64)
            elif isinstance(value, list):
                values[name] = np.array(value, dtype=float)  # None becomes NaN
            else:
                values[name] = math.nan if value is None else value
        return cls(**values)


def _described(kind: type) -> dict[str, str]:
    """Return the fields of a record and their types, as they are written."""
    return {field.name: str(field.type) for field in fields(kind)}


def _to_plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [_to_plain(entry) for entry in value.tolist()]
    if isinstance(value, _Measured):
        return value.to_dict()
    return None if isinstance(value, float) and math.isnan(value) else value


@dataclass(frozen=True, eq=False, repr=False)
class NC1Result(_Measured):
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

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        expected = "" if self.rank_as_expected in (True, None) else f", not {self.expected_rank}"
        return f"NC1Result({self.value:.6g}: Sigma_B of rank {self.rank}{expected})"


@dataclass(frozen=True, eq=False, repr=False)
class Metrics(_Measured):
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
        Variability within the classes. None without a second pass; see `MetricsAccumulator`.
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
        without a second pass.
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
    counts: Labels
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

    def numbers(self) -> dict[str, float | None]:
        """Return each metric that is one number, by its key in `nclib.metrics.METRICS`.

        Returns
        -------
        dict
            "nc1", "nc2_w", ..., "nc4" and "lambda_H"; None for what was not asked for.
        """
        values = {metric.key: getattr(self, metric.key) for metric in NUMBERS}
        return {key: None if value is None else float(value) for key, value in values.items()}

    def _measured(self) -> Iterator[tuple[Metric, float]]:
        """Yield each number that was asked for."""
        for metric, value in zip(NUMBERS, self.numbers().values(), strict=True):
            if value is not None:
                yield metric, value

    def _repr_html_(self) -> str:
        rows = [(m.label, f"{value:.4g}", m.meaning) for m, value in self._measured()]
        caption = f"Metrics, {self.reading.replace('_', ' ')}: {self.counts.size:,} classes"
        return html_table(
            f"{caption}, {self.counts.sum():,} samples",
            ("metric", "value", "what it measures"),
            rows,
        )

    def __repr__(self) -> str:
        numbers = ", ".join(f"{m.label}={value:.4g}" for m, value in self._measured())
        return f"Metrics({self.reading}: {numbers or 'nothing measured'})"
