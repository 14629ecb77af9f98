"""The secular equation of the groups: its roots, its sums over the poles, and logits from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    pass

Array = NDArray[np.float64]

Side = Literal["left", "right"]


_CHUNK = 2**16
"""Entries of an m x m table that are worked on at a time: few enough for a CPU's cache."""

_PANEL = 64
"""Neighbouring intervals of the secular equation that share one polynomial for the far poles."""

_NODES = 24
"""Nodes of that polynomial. Each leaves 1/5.8 of its error, so that this many reach rounding."""

_EPS = float(np.finfo(float).eps)


def row_chunks(size: int, width: int | None = None) -> Iterator[slice]:
    """Cut the rows of a table, `width` (or `size`) columns wide, into parts that fit a cache.

    Examples
    --------
    >>> list(row_chunks(3, 2**15))
    [slice(0, 2, None), slice(2, 3, None)]
    """
    step = max(1, _CHUNK // max(width or size, 1))
    for start in range(0, size, step):
        yield slice(start, min(start + step, size))


@dataclass(frozen=True)
class SecularRoots:
    """Roots of ``sum_j w_j / (N_j - t) = 0``, one between each two neighbouring poles N_j.

    This is the secular equation ``1 = sum_j p_j^2 / (N (N_j - t))`` of
    ``G G' = diag(N_j) - p p' / N`` with the root t = 0 divided out; w_j = l_j N_j. A root is kept
    as its nearest pole and the signed offset from it, so that every difference N_j - t has full
    relative accuracy.
    """

    sums: _SecularSums
    origin: NDArray[np.int64]
    offset: Array

    @property
    def poles(self) -> Array:
        """The poles N_1 > ... > N_m, shape (m,)."""
        return self.sums.poles

    @classmethod
    def solve(cls, poles: Array, weights: Array) -> SecularRoots:
        """Find all roots at once, each by a safeguarded rational interpolation.

        The poles on each side of a root are replaced by the nearest one and a constant that match
        value and slope (the iteration of Bunch, Nielsen and Sorensen): quadratic and, but for
        rounding, monotone. A bracket catches what rounding may do to it.
        """
        sums = _SecularSums.of(poles, weights)
        count = poles.size - 1
        gap = poles[:-1] - poles[1:]
        active = np.arange(count)
        at = sums(active, active, -gap / 2)
        at_lower = at.low + at.high >= 0
        origin = active + at_lower
        sign = np.where(at_lower, 1.0, -1.0)
        distance = gap / 2
        below, above = np.zeros(count), gap / 2
        for _ in range(100):
            d, g, at_low = distance[active], gap[active], at_lower[active]
            # Seen from the origin: d > 0 is the distance from it, `near` the (negative) sum over
            # the poles on its side, `far` the (positive) sum over the others.
            near, far = np.where(at_low, at.low, -at.high), np.where(at_low, at.high, -at.low)
            near_slope = np.where(at_low, at.low_slope, at.high_slope)
            far_slope = np.where(at_low, at.high_slope, at.low_slope)
            # Solve constant - p / d + q / (g - d) = 0.
            p, q = near_slope * d**2, far_slope * (g - d) ** 2
            constant = near + near_slope * d + far - far_slope * (g - d)
            B = constant * g + p + q
            root = np.hypot(constant * g - p + q, 2 * np.sqrt(p) * np.sqrt(q))
            with np.errstate(divide="ignore", invalid="ignore"):
                new = np.where(B >= 0, 2 * p * g / (B + root), (B - root) / (2 * constant))
            value = near + far
            below[active] = lo = np.where(value > 0, below[active], d)
            above[active] = hi = np.where(value > 0, d, above[active])
            new = np.where((new >= lo) & (new <= hi), new, (lo + hi) / 2)
            exact = np.abs(value) <= 2 * _EPS * (far - near)
            distance[active] = np.where(exact, d, new)
            active = active[~exact & (np.abs(new - d) > 4 * _EPS * d)]
            if not active.size:
                return cls(sums, origin, sign * distance)
            at = sums(active, origin[active], sign[active] * distance[active])
        raise RuntimeError(f"secular equation: {active.size} of {count} roots did not settle")

    @cached_property
    def slopes(self) -> Array:
        """Derivative of the secular function at each root, sum_j w_j / (N_j - t_i)^2, (m - 1,)."""
        at_lower = self.origin > np.arange(self.origin.size)
        at = self.sums(self.origin - at_lower, self.origin, self.offset)
        slopes: Array = at.low_slope + at.high_slope
        return slopes

    @property
    def roots(self) -> Array:
        """The roots t_1 > ... > t_{m-1}, shape (m - 1,)."""
        return self.poles[self.origin] + self.offset

    def _differences(self, rows: slice) -> Array:
        """N_j - t_i for the poles j in `rows` and all roots i."""
        return (self.poles[rows, None] - self.poles[self.origin]) - self.offset

    @cached_property
    def _exact_weights(self) -> Array:
        """Weights for which the computed roots are exact: Loewner's formula, relative to N.

        w_j / N is the product over the roots of |N_j - t_i| / |N_j - N_k|, where k runs through
        the other poles; pairing neighbours keeps every factor in (0, 1).
        """
        index = np.arange(self.poles.size)
        result = np.empty(self.poles.size)
        for rows in row_chunks(self.poles.size):
            # Root i lies between poles i and i + 1: pair it with the one farther from pole j.
            partner = index[:-1] + (index[rows, None] <= index[:-1])
            gaps = self.poles[rows, None] - self.poles[partner]
            result[rows] = np.prod(self._differences(rows) / gaps, axis=1)
        return result

    @cached_property
    def _norms(self) -> tuple[Array, Array]:
        """Norms of the unscaled left and right vectors of all roots."""
        left = np.zeros(self.offset.size)
        right = np.zeros(self.offset.size)
        for rows in row_chunks(self.poles.size):
            inverse_square = np.square(1 / self._differences(rows))
            right += self._exact_weights[rows] @ inverse_square
            left += (self._exact_weights[rows] * self.poles[rows]) @ inverse_square
        return np.sqrt(left), np.sqrt(right)

    def vector_rows(self, side: Side) -> Iterator[Array]:
        """Rows, a chunk at a time, of the orthogonal (m, m) matrix of between-group modes.

        Column i < m - 1 is proportional to sqrt(w_j) / (N_j - t_i) on the right and to
        sqrt(N_j w_j) / (N_j - t_i) on the left; the last column is the null mode, sqrt(w_j) and
        sqrt(w_j / N_j).
        """
        w = self._exact_weights
        left_norm, right_norm = self._norms
        if side == "left":
            scale, norm, null = np.sqrt(w * self.poles), left_norm, np.sqrt(w / self.poles)
        else:
            scale, norm, null = np.sqrt(w), right_norm, np.sqrt(w)
        null = null / np.linalg.norm(null)
        for rows in row_chunks(self.poles.size):
            vectors = scale[rows, None] / (self._differences(rows) * norm)
            yield np.column_stack([vectors, null[rows]])


class _Sums(NamedTuple):
    """What `_SecularSums` finds at each of its points."""

    low: Array
    """Sum of w_j / (N_j - t) over the poles below t: negative."""
    high: Array
    """The same over the poles above t: positive."""
    low_slope: Array
    """Derivative of `low`: the sum of w_j / (N_j - t)^2 over the poles below t."""
    high_slope: Array
    """Derivative of `high`."""


_ANGLES = np.pi * (np.arange(_NODES) + 0.5) / _NODES


class _Panel(NamedTuple):
    """Neighbouring intervals of the secular equation, numbered from the largest pole down."""

    start: int
    stop: int
    """Intervals start, ..., stop - 1: from pole `stop` up to pole `start`."""
    near: slice
    """The poles that are summed one by one."""
    nodes: Array
    """Chebyshev nodes of the panel, counted from its lowest pole, shape (_NODES,)."""
    values: Array | None
    """The four sums over all other poles at the nodes, shape (_NODES, 4)."""


@dataclass(frozen=True)
class _SecularSums:
    """Sums of w_j / (N_j - t) over the poles on each side of many points t, and their derivatives.

    Over a panel of neighbouring intervals the sum over those poles which are farther away than the
    panel is long is a smooth function. It is computed at Chebyshev nodes, once for all points, and
    interpolated; only the near poles are summed at every point. In the variable that maps the
    panel to [-1, 1] a far pole lies beyond 3: the error falls by 3 + sqrt(8) with every node.
    """

    poles: Array
    weights: Array
    panels: list[_Panel]

    @classmethod
    def of(cls, poles: Array, weights: Array) -> _SecularSums:
        """Prepare the sums for falling poles and their weights."""
        rising, count, panels = poles[::-1], poles.size - 1, []
        for start in range(0, count, _PANEL):
            stop = min(start + _PANEL, count)
            length = poles[start] - poles[stop]
            above = poles.size - int(np.searchsorted(rising, poles[start] + length))
            below = poles.size - int(np.searchsorted(rising, poles[stop] - length, side="right"))
            nodes = length * (1 + np.cos(_ANGLES)) / 2
            values = None
            if above > 0 or below < poles.size:
                values = np.zeros((_NODES, 4))
                for side, far in enumerate((slice(below, None), slice(0, above))):
                    inverse = 1.0 / ((poles[far] - poles[stop]) - nodes[:, None])
                    values[:, side] = inverse @ weights[far]
                    values[:, side + 2] = np.square(inverse) @ weights[far]
            panels.append(_Panel(start, stop, slice(above, below), nodes, values))
        return cls(poles, weights, panels)

    def __call__(
        self, interval: NDArray[np.int64], origin: NDArray[np.int64], offset: Array
    ) -> _Sums:
        """Sum at the points t = N_origin + offset.

        `interval` holds rising numbers of the intervals in which they lie (interval i: between
        poles i and i + 1); all results have its shape.
        """
        result = np.zeros((interval.size, 4))
        edges = np.searchsorted(interval, [panel.start for panel in self.panels] + [np.inf])
        for panel, begin, end in zip(self.panels, edges[:-1], edges[1:], strict=True):
            if begin == end:
                continue
            if panel.values is not None:
                rows = slice(begin, end)
                x = (self.poles[origin[rows]] - self.poles[panel.stop]) + offset[rows]
                result[rows] = _interpolation(panel.nodes, x) @ panel.values
            for part in row_chunks(end - begin, panel.near.stop - panel.near.start):
                rows = slice(begin + part.start, begin + part.stop)
                self._add(result[rows], panel.near, interval[rows], origin[rows], offset[rows])
        return _Sums(*result.T)

    def _add(
        self,
        result: Array,
        near: slice,
        interval: NDArray[np.int64],
        origin: NDArray[np.int64],
        offset: Array,
    ) -> None:
        """Add to `result` the sums over the poles in `near`."""
        weights = self.weights[near]
        inverse = 1.0 / ((self.poles[near] - self.poles[origin, None]) - offset[:, None])
        square = inverse * inverse
        # All poles up to `first` lie above every t of these rows, all from `last` on below.
        first, last = interval[0] + 1 - near.start, interval[-1] + 1 - near.start
        for side, part in enumerate((slice(last, None), slice(0, first))):
            result[:, side] += inverse[:, part] @ weights[part]
            result[:, side + 2] += square[:, part] @ weights[part]
        if last > first:
            mixed, w = inverse[:, first:last], weights[first:last]
            positive = mixed > 0
            result[:, 0] += np.minimum(mixed, 0) @ w
            result[:, 1] += np.maximum(mixed, 0) @ w
            result[:, 2] += (square[:, first:last] * ~positive) @ w
            result[:, 3] += (square[:, first:last] * positive) @ w


def _interpolation(nodes: Array, x: Array) -> Array:
    """Matrix from values at `nodes`, Chebyshev's, to those at `x` (the barycentric formula)."""
    difference = x[:, None] - nodes
    difference[difference == 0] = 1e-300  # at a node its own weight drowns the others
    matrix: Array = np.sin(_ANGLES) * (-1.0) ** np.arange(_NODES) / difference
    matrix /= matrix.sum(axis=1, keepdims=True)
    return matrix


@dataclass(frozen=True)
class FilteredModes:
    """Sums of between-group modes, a factor f_i times each, without any m x m table.

    It stands for the symmetric (m, m) matrix ``D_ab = sum_i c_i / ((N_a - t_i) (N_b - t_i))`` with
    ``c_i = f_i / sum_j w_j / (N_j - t_i)^2``. The right mode i has the entries
    ``sqrt(w_j) / (N_j - t_i)`` on the groups before it is scaled to length 1, so this is
    ``sum_i f_i v_i v_i'`` but for the factor sqrt(w_a w_b) of each entry.

    Notes
    -----
    With ``F_a = sum_i c_i / (N_a - t_i)``, partial fractions give ``(F_b - F_a) / (N_a - N_b)`` for
    D_ab: all entries from m sums. Where two counts are close and a root is far from both, its
    terms in F_a and F_b agree in nearly all digits, and may be larger than the difference by the
    ratio of the two distances. So F is summed in twice the working precision, from the differences
    N_a - t_i as the roots keep them. Then every entry is as accurate as the sum of its terms, each
    of them rounded, would be.
    """

    poles: Array
    diagonal: Array
    """The entries D_aa, shape (m,)."""
    high: Array
    low: Array
    """F_a is the sum of both, shape (m,)."""

    @classmethod
    def of(cls, secular: SecularRoots, factor: Array) -> FilteredModes:
        """Sum over the roots with a factor that is not 0."""
        poles = secular.poles
        alive = np.flatnonzero(factor)
        c = (factor[alive] / secular.slopes[alive])[:, None]
        origin, offset = poles[secular.origin[alive], None], secular.offset[alive, None]
        diagonal, high, low, rest = (np.zeros(poles.size) for _ in range(4))
        for part in row_chunks(alive.size, 4 * poles.size):  # a dozen tables are at work at once
            # N_a - t_i is exactly d + tail: the difference of two poles is exact, and it is 0 or
            # larger than the offset.
            between = poles - origin[part]
            d = between - offset[part]
            tail = (between - d) - offset[part]
            inverse = 1.0 / d
            x = c[part] * inverse
            product, error = _product(x, d)
            correction = ((c[part] - product) - error - x * tail) * inverse
            total, error = _sum_rows(x)
            high, carried = _sum(high, total)
            low += (carried + error) + correction.sum(axis=0)
            diagonal, carried = _sum(diagonal, (x * inverse).sum(axis=0))
            rest += carried
        return cls(poles, diagonal + rest, high, low)

    def rows(self, chosen: slice) -> Array:
        """Return the rows of D in a slice (of plain bounds), shape (rows, m)."""
        at = np.arange(chosen.start, chosen.stop)
        itself = (at - chosen.start, at)
        apart = self.poles - self.poles[chosen, None]
        apart[itself] = 1.0
        D = self.high[chosen, None] - self.high
        D += self.low[chosen, None] - self.low
        D /= apart
        D[itself] = self.diagonal[chosen]
        return D


def _sum(a: Array, b: Array) -> tuple[Array, Array]:
    """Sum and its rounding error, exactly (Knuth)."""
    total = a + b
    b_used = total - a
    return total, (a - (total - b_used)) + (b - b_used)


def _sum_rows(x: Array) -> tuple[Array, Array]:
    """Sum of the rows, and the sum of the rounding errors."""
    errors = np.zeros(x.shape[1:])
    while len(x) > 1:
        half = len(x) // 2
        total, error = _sum(x[:half], x[half : 2 * half])
        errors += error.sum(axis=0)
        x = np.concatenate([total, x[2 * half :]]) if len(x) % 2 else total
    return x[0], errors


def _product(a: Array, b: Array) -> tuple[Array, Array]:
    """Product and its rounding error, exactly (Dekker)."""
    product = a * b
    a_high, b_high = _upper_half(a), _upper_half(b)
    a_low, b_low = a - a_high, b - b_high
    error = a_high * b_high - product
    error += a_high * b_low
    error += a_low * b_high
    error += a_low * b_low
    return product, error


def _upper_half(x: Array) -> Array:
    """Round to the upper 26 bits (Veltkamp)."""
    scaled = (2.0**27 + 1) * x
    upper: Array = scaled - (scaled - x)
    return upper
