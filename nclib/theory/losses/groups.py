"""The convex problem of one layer on groups of classes that are treated alike.

With one layer the product ``Z = W Hbar`` of head and class means may be anything, and its cheapest
factors cost ``lambda ||Z diag(d)||_*``. So the whole problem is, over ``T = Z diag(d)`` and the
bias,

    sum_k a_k l_k(z_k + b) + lambda ||T||_* + lambda_b/2 ||b||^2,

convex where the loss is. Where classes are treated alike, T has one number for a class's own logit
and one for each pair of groups: a matrix of the size of the groups, and one number for each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

Bias = Literal["free", "none", "decayed"]


@dataclass(frozen=True, eq=False)
class GroupForm:
    """A loss and a bias for G groups of classes; all arrays have one entry for each group.

    The loss of a sample of class k with logits z is, for cross-entropy,

        ``M_k logsumexp(u) - <y_k, u>``,  ``u_c = logit_factor_c sample_factor_k z_c + shift_c
        - margin_k [c = k]``,  ``y_k = own_k e_k + other``,  ``M_k`` the sum of y_k,

    and for the squared error ``1/2 ||z - y_k||^2``.

    Attributes
    ----------
    softmax : bool
        Cross-entropy, or the squared error.
    bias : {"free", "none", "decayed"}
    lambda_b : float
        Penalty on a decayed bias, else 0.
    size : (G,) ndarray
        Classes of each group.
    mass : (G,) ndarray
        Weight a_k of the loss of each class in the objective.
    scale : (G,) ndarray
        d_k: the features of class k cost ``lambda_H d_k^2 / 2 ||h_k||^2``.
    own, other : (G,) ndarray
        The targets.
    logit_factor, sample_factor, shift, margin : (G,) ndarray
        What becomes of the logits.
    """

    softmax: bool
    bias: Bias
    lambda_b: float
    size: Array
    mass: Array
    scale: Array
    own: Array
    other: Array
    logit_factor: Array
    sample_factor: Array
    shift: Array
    margin: Array

    @property
    def G(self) -> int:
        """Number of groups."""
        return self.size.size

    @cached_property
    def rivals(self) -> Array:
        """Classes of group a that are not the sample's own, for a sample of group b, (G, G)."""
        return np.repeat(self.size[:, None], self.G, axis=1) - np.eye(self.G)

    @cached_property
    def factor(self) -> Array:
        """What the logits of group a are multiplied with for a sample of group b, (G, G)."""
        return np.outer(self.logit_factor, self.sample_factor)

    @cached_property
    def total(self) -> Array:
        """M: the sum of the targets of a sample of each group."""
        total: Array = self.own + self.size @ self.other
        return total

    def merged(self, number: int) -> tuple[GroupForm, NDArray[np.int64]]:
        """Return a form of fewer groups, of neighbours in the order, and where each group went."""
        to = np.arange(self.G) * number // self.G
        size = np.bincount(to, self.size).astype(float)
        names = (
            "mass",
            "scale",
            "own",
            "other",
            "shift",
            "margin",
            "logit_factor",
            "sample_factor",
        )
        means: dict[str, Any] = {
            name: np.bincount(to, self.size * getattr(self, name)) / size for name in names
        }
        return replace(self, size=size, **means), to

    @cached_property
    def has_inner(self) -> NDArray[np.bool_]:
        """Which groups have two or more classes, and so inner modes."""
        return self.size > 1


class Point(NamedTuple):
    """Coordinates of (T, b), orthonormal for T: what is between groups, inner modes, bias.

    Each may have leading axes, one entry for each of several points.
    """

    between: Array
    inner: Array
    bias: Array

    def plus(self, other: Point, step: float = 1.0) -> Point:
        """Return self + step * other."""
        return Point(*(x + step * y for x, y in zip(self, other, strict=True)))

    def times(self, step: float) -> Point:
        """Return step * self."""
        return Point(*(step * x for x in self))

    def dot(self, other: Point) -> float:
        """Return the inner product."""
        return sum(float(np.vdot(x, y)) for x, y in zip(self, other, strict=True))


class Complement:
    """Orthonormal basis of the vectors orthogonal to a given one, by a Householder reflection.

    Of the zero vector: the whole space. `lift` takes coordinates to vectors, `drop` back.
    """

    def __init__(self, vector: Array | None, size: int) -> None:
        self.size = size if vector is None else size - 1
        self._reflector: Array | None = None
        if vector is not None:
            unit = vector / np.linalg.norm(vector)
            w = unit.copy()
            w[0] += 1.0 if unit[0] >= 0 else -1.0
            self._reflector = w / np.linalg.norm(w)

    def lift(self, x: Array, axis: int = -1) -> Array:
        """Take coordinates to vectors, along the last axis or the one before."""
        w = self._reflector
        if w is None:
            return x
        if axis == -1:
            y = np.concatenate([np.zeros((*x.shape[:-1], 1)), x], axis=-1)
            y -= (2 * (y @ w))[..., None] * w
        else:
            y = np.concatenate([np.zeros((*x.shape[:-2], 1, x.shape[-1])), x], axis=-2)
            y -= w[:, None] * (2 * (w @ y))[..., None, :]
        return y

    def drop(self, y: Array, axis: int = -1) -> Array:
        """Coordinates of the orthogonal projection: the adjoint of `lift`."""
        w = self._reflector
        if w is None:
            return y
        if axis == -1:
            return np.asarray((y - (2 * (y @ w))[..., None] * w)[..., 1:])
        return np.asarray((y - w[:, None] * (2 * (w @ y))[..., None, :])[..., 1:, :])


class Local(NamedTuple):
    """The loss at one point, by group of the class (row) and of the sample (column).

    Attributes
    ----------
    value : float
        The smooth part of the objective.
    residual : (G, G) ndarray
        Derivative of a sample's loss by a logit that is not its own, factors left out.
    own_residual : (G,) ndarray
        By its own logit: for cross-entropy minus the sum of the others.
    p, own_p : (G, G), (G,) ndarray
        Softmax of each such logit (empty for the squared error).
    """

    value: float
    residual: Array
    own_residual: Array
    p: Array
    own_p: Array


class Star(NamedTuple):
    """The second derivative of cross-entropy by T, column by column.

    For a sample of group b it is ``sum_a entries_ab T_ab^2``, and a quadratic form of three numbers
    alone: ``<pull_b, T_b>``, T_bb and the inner coordinate. (All logits are tied to the own one, as
    the rays of a star; without it they would be free of each other.)

    Attributes
    ----------
    entries : (G, G) ndarray
        On the diagonal what T_bb would cost if it were a rival.
    pull : (G, G) ndarray
        By columns; 0 on the diagonal.
    pair : (2, 2, G) ndarray
        The form by the first two of the numbers.
    mixed : (2, G) ndarray
        By one of these and the inner coordinate.
    inner : (G,) ndarray
        By the inner coordinate.
    """

    entries: Array
    pull: Array
    pair: Array
    mixed: Array
    inner: Array


class SmoothPart:
    """The loss and the bias's penalty as a function of a `Point`, with two derivatives.

    Directions that nothing depends on are left out, so that the second derivative is definite where
    the loss is: softmax does not see a common shift of the logits (so the rows of T sum to 0), and
    with a free bias the mean of the features is 0 (so ``T d = 0``).
    """

    def __init__(self, form: GroupForm) -> None:
        self.form = form
        root = np.sqrt(form.size)
        self.root = root
        self.left = Complement(root / form.logit_factor if form.softmax else None, form.G)
        self.right = Complement(root * form.scale if form.bias == "free" else None, form.G)
        self.bias_size = 0 if form.bias == "none" else self.left.size
        self.bias_scale = float(np.linalg.norm(root * form.scale))
        self._inner = np.sqrt(np.maximum(form.size - 1, 1))
        self._mass_by_group = form.mass * form.size
        self._spread = np.outer(root, root * form.mass / form.scale)

    @property
    def zero(self) -> Point:
        """The point T = 0, b = 0."""
        return Point(
            np.zeros((self.left.size, self.right.size)),
            np.zeros(self.form.G),
            np.zeros(self.bias_size),
        )

    @property
    def inner_cost(self) -> Array:
        """Nuclear norm of a unit of each inner coordinate, (G,)."""
        return np.where(self.form.has_inner, self._inner, 0.0)

    def bias(self, point: Point) -> Array:
        """Return the bias b of each group, (..., G)."""
        if not self.bias_size:
            return np.zeros((*point.inner.shape[:-1], self.form.G))
        return np.asarray(self.left.lift(point.bias) / (self.root * self.bias_scale))

    def between(self, point: Point) -> Array:
        """Matrix of T on vectors that are constant on groups, (..., G, G)."""
        return self.left.lift(self.right.lift(point.between), axis=-2)

    def inner(self, point: Point) -> Array:
        """Return the singular value alpha of each group's inner modes, with its sign, (..., G)."""
        return np.where(self.form.has_inner, point.inner / self._inner, 0.0)

    def point(self, logits: Array, own: Array, bias: Array) -> Point:
        """Return the point with these logits (G, G), (G,) less the bias (G,): `logits` inverted.

        What the coordinates leave out is projected away.
        """
        form = self.form
        index = np.arange(form.G)
        rival = logits[index, index]
        matrix = logits * np.outer(self.root, self.root * form.scale)
        matrix[index, index] = form.scale * (own + (form.size - 1) * rival)
        between = self.left.drop(self.right.drop(matrix), axis=-2)
        inner = np.where(form.has_inner, form.scale * (own - rival) * self._inner, 0.0)
        coordinates = np.zeros(0)
        if self.bias_size:
            coordinates = self.left.drop(bias * self.root) * self.bias_scale
        return Point(between, inner, coordinates)

    def logits(self, point: Point) -> tuple[Array, Array]:
        """Logits (..., G, G) of classes that are not a sample's own, and (..., G) of its own."""
        form = self.form
        alpha, matrix = self.inner(point), self.between(point)
        diagonal = np.diagonal(matrix, axis1=-2, axis2=-1)
        common = (diagonal - alpha) / form.size
        logits = matrix / np.outer(self.root, self.root * form.scale)
        index = np.arange(form.G)
        logits[..., index, index] = common / form.scale
        own = (common + alpha) / form.scale
        if self.bias_size:
            bias = self.bias(point)
            logits += bias[..., :, None]
            own = own + bias
        return logits, own

    def gradient(self, point: Point, residual: Array, own_residual: Array) -> Point:
        """Differentiate by the point, from derivatives by a sample's logits (factors left out)."""
        form = self.form
        residual = residual * form.factor
        own_residual = own_residual * (form.logit_factor * form.sample_factor)
        index = np.arange(form.G)
        rival = residual[..., index, index]
        matrix = residual * self._spread
        weight = form.mass / form.scale
        matrix[..., index, index] = weight * (own_residual + (form.size - 1) * rival)
        inner = self.inner_cost * weight * (own_residual - rival)
        bias = np.zeros((*inner.shape[:-1], 0))
        if self.bias_size:
            summed = (residual * form.rivals) @ self._mass_by_group
            summed += own_residual * self._mass_by_group
            bias = self.left.drop(summed / self.root) / self.bias_scale
            bias = bias + form.lambda_b / self.bias_scale**2 * point.bias
        return Point(self.left.drop(self.right.drop(matrix), axis=-2), inner, bias)

    def at(self, point: Point) -> Local:
        """Evaluate at one point."""
        local = self._loss(*self.logits(point))
        penalty = self.form.lambda_b / (2 * self.bias_scale**2) * float(point.bias @ point.bias)
        return local._replace(value=local.value + penalty)

    def at_logits(self, logits: Array, own: Array) -> tuple[Local, Point]:
        """Evaluate the loss alone by the logits, and its derivative by the point."""
        local = self._loss(logits, own)
        return local, self.gradient(self.zero, local.residual, local.own_residual)

    def _loss(self, logits: Array, own: Array) -> Local:
        form = self.form
        if not form.softmax:
            residual = logits - form.other[:, None]
            own_residual = own - form.own - form.other
            loss = (np.sum(form.rivals * residual**2, axis=0) + own_residual**2) / 2
            empty = np.zeros(0)
            value = float(self._mass_by_group @ loss)
            return Local(value, residual, own_residual, empty, empty)
        u = logits * form.factor + form.shift[:, None]
        own_u = own * form.logit_factor * form.sample_factor + form.shift - form.margin
        # Relative to the own logit: at weak penalties all that matters is how far below the others
        # are, and 1 - p would lose it.
        lead = u - own_u
        top = np.maximum(np.where(form.rivals > 0, lead, -np.inf).max(axis=0), 0.0)
        weights = form.rivals * np.exp(np.minimum(lead - top, 0.0))
        others = weights.sum(axis=0)
        partition = others + np.exp(-top)
        excess = np.where(top > 0, top + np.log(partition), np.log1p(others))
        p = np.exp(np.minimum(lead - top, 0.0)) / partition
        own_p = np.exp(-top) / partition
        loss = form.total * excess
        if form.other.any():
            loss -= form.other @ (form.rivals * lead)
        residual = form.total * p - form.other[:, None]
        own_residual = -np.sum(form.rivals * residual, axis=0)
        value = float(self._mass_by_group @ loss)
        return Local(value, residual, own_residual, p, own_p)

    def curvature(self, local: Local, direction: Point) -> Point:
        """Second derivative applied to a direction (or to several)."""
        form = self.form
        logits, own = self.logits(direction)
        if form.softmax:
            logits *= form.factor
            own = own * (form.logit_factor * form.sample_factor)
            mean = np.einsum("ab,...ab->...b", form.rivals * local.p, logits) + local.own_p * own
            logits = form.total * local.p * (logits - mean[..., None, :])
            own = -np.einsum("ab,...ab->...b", form.rivals, logits)
        return self.gradient(direction, logits, own)

    def bias_curvature(self, local: Local) -> Array:
        """Second derivative by the bias alone, dense."""
        form = self.form
        if form.softmax:
            weight = self._mass_by_group * form.total * form.sample_factor**2
            groups = self._group_probabilities(local)
            # Of single classes diag(p) - p p'; summed over the classes of a group.
            matrix = -(groups * weight) @ groups.T
            matrix[np.arange(form.G), np.arange(form.G)] += groups @ weight
            matrix *= np.outer(form.logit_factor, form.logit_factor)
        else:
            matrix = np.diag(form.size * self._mass_by_group.sum())
        matrix /= np.outer(self.root, self.root)
        reduced = self.left.drop(self.left.drop(matrix), axis=-2)
        reduced += form.lambda_b * np.eye(self.bias_size)
        return np.asarray(reduced / self.bias_scale**2)

    def diagonal_curvature(self, local: Local) -> tuple[Array, Array]:
        """Second derivative by single entries of T: (G, G) between groups and (G,) inner."""
        form = self.form
        weight = form.mass / form.scale**2
        if not form.softmax:
            return np.broadcast_to(weight, (form.G, form.G)), weight
        weight = weight * form.total * form.sample_factor**2
        squared = form.logit_factor**2
        groups = self._group_probabilities(local)
        rival, own = local.p.diagonal(), local.own_p
        rest, share = np.maximum(form.size - 1, 1), 1 / form.size
        # The own logit moves by (m - 1)/m and the others of the group by -1/m.
        mean = (own - rival) * (1 - share)
        second = own * (1 - share) ** 2 + rest * rival * share**2 - mean**2
        inner = np.where(form.has_inner, second / (rest * share), 1.0)
        matrix = groups * (1 - groups) / form.size[:, None]
        return matrix * np.outer(squared, weight), inner * squared * weight

    def star_curvature(self, local: Local) -> Star:
        """Take the second derivative of cross-entropy by T apart (the bias fixed); see `Star`."""
        form, p = self.form, local.p.copy()
        factor, m = form.logit_factor, form.size
        weight = form.mass / form.scale**2 * form.total * form.sample_factor**2
        if not form.has_inner.all():
            alone = np.flatnonzero(~form.has_inner)
            p[alone, alone] = _continued_diagonal(p)[alone]
        pull = (self.root * factor)[:, None] * p
        np.fill_diagonal(pull, 0.0)
        groups = form.size[:, None] * p
        rest = groups.sum(axis=0) - groups.diagonal()
        rival = p.diagonal()
        # By the pulls x = <pull, T>, the own logit o (in units of T) and alpha: what all of a
        # sample's logits cost is sum p (z - o)^2 - (sum p (z - o))^2.
        turn = (m - 1) * rival * self.root * factor
        xx, xo, oo = -np.ones(form.G), rest - 1, rest * (1 - rest)
        xa, oa = turn, -rest * turn
        aa = (m - 1) * rival * m * factor**2 - turn**2
        # o = h (T_bb + (m - 1) alpha), and inner = sqrt(m - 1) alpha.
        h = factor / self.root
        root = np.sqrt(np.maximum(m - 1, 0))
        per = 1 / np.where(form.has_inner, root, 1.0)
        inner = (aa * per + 2 * oa * h * root) * per + oo * (h * root) ** 2
        mixed = np.stack([xa * per + xo * h * root, (oa * per + oo * h * root) * h])
        pair = np.stack([np.stack([xx, xo * h]), np.stack([xo * h, oo * h**2 - rival * factor**2])])
        inner = np.where(form.has_inner, np.maximum(weight * inner, 1e-300), 1.0)
        entries = p * np.outer(factor**2, weight)
        return Star(
            entries, pull, weight * pair, np.where(form.has_inner, weight * mixed, 0.0), inner
        )

    def _group_probabilities(self, local: Local) -> Array:
        groups: Array = self.form.rivals * local.p
        groups[np.arange(self.form.G), np.arange(self.form.G)] += local.own_p
        return groups


def _continued_diagonal(p: Array) -> Array:
    """Diagonal of the product of a row and a column factor that is next to the other entries."""
    logs = np.log(np.maximum(p, 1e-300))
    np.fill_diagonal(logs, 0.0)
    G = p.shape[0]
    rest = max(G - 1, 1)
    rows, columns, mean = logs.sum(axis=1) / rest, logs.sum(axis=0) / rest, logs.sum() / (G * rest)
    return np.asarray(np.exp(np.minimum(rows + columns - mean, 0.0)))
