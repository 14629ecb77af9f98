"""What every problem shares: a linear head of L layers, its penalties, and a loss as an object."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nclib._checks import as_floats, as_sequence, as_whole, is_number, positive
from nclib.theory.counts import ClassCounts
from nclib.theory.losses.objects import Loss, LossTerms, mean_loss

Array = NDArray[np.float64]


class Layers:
    """The layers of a head and what is to be paid for them; a base of dataclasses.

    Attributes
    ----------
    N : int
        Number of samples.
    depth : int
        Number L of linear layers.
    lambda_W : tuple of float
        Penalty on each layer, W_1 first.
    lambda_H : float
        Penalty on the features.
    widths : tuple of int or None
        ``(d_0, ..., d_{L-1})``; None for no limit.
    """

    N: int
    depth: int
    lambda_W: tuple[float, ...]
    lambda_H: float
    widths: tuple[int, ...] | None

    @property
    def K(self) -> int:
        """Number of outputs of the head."""
        raise NotImplementedError

    def check_layers(self) -> None:
        """Replace the attributes by Python's own numbers, or raise an error that names one."""
        object.__setattr__(self, "depth", as_whole("depth", self.depth, 1))
        object.__setattr__(self, "lambda_W", _layer_lambdas(self.lambda_W, self.depth))
        object.__setattr__(self, "lambda_H", positive("lambda_H", self.lambda_H))
        object.__setattr__(self, "widths", _validated_widths(self.widths, self.depth))

    @property
    def rank_limit(self) -> int:
        """Largest possible rank of W_L ... W_1 H: the paper's r = min(K, d_{L-1}, ..., d_0)."""
        return min((self.K, *(self.widths or ())))

    @cached_property
    def log_Lambda(self) -> float:
        """Logarithm of Lambda = lambda_H lambda_W1 ... lambda_WL, which itself may underflow."""
        return math.log(self.lambda_H) + sum(math.log(lam) for lam in self.lambda_W)


class ClassModel(Layers):
    """A head on free features of classes: the objective, for any loss; a base of dataclasses.

    With n'_k samples of class k in an epoch and d_k^2 for how often its features' penalty counts::

        f = 1/N sum_k n'_k l_k(W_L ... W_1 h_k + b) + 1/2 sum_j lambda_Wj ||W_j||_F^2
            + lambda_H / 2 sum_k d_k^2 ||h_k||^2 + lambda_b / 2 ||b||^2

    Attributes
    ----------
    counts : ClassCounts
    loss : Loss
        An object with `terms`: nothing here knows which loss it is.

    Examples
    --------
    >>> from nclib.theory.losses.problem import LossProblem
    >>> from nclib.theory.losses.objects import CrossEntropy
    >>> problem = LossProblem([2, 1], CrossEntropy(), lambda_W=0.1, lambda_H=0.2)
    >>> W, H, b = [[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]
    >>> round(problem.objective([W], H, b), 6)
    0.713262
    >>> problem.gradient([W], H, b)[2].round(4)
    array([-0.0896,  0.0896])
    """

    counts: ClassCounts
    loss: Loss

    @property
    def has_bias(self) -> bool:
        """Whether the head has a bias."""
        raise NotImplementedError

    @property
    def bias_penalty(self) -> float:
        """Penalty on the bias; 0 for a free one, and for none."""
        return 0.0

    @property
    def K(self) -> int:
        """Number of classes."""
        return self.counts.K

    @property
    def N(self) -> int:  # type: ignore[override]
        """Number of samples."""
        return self.counts.N

    @cached_property
    def drawn(self) -> Array:
        """Samples of each class in an epoch, n', (K,)."""
        return self.counts.n.astype(float)

    @property
    def feature_weight(self) -> Array:
        """What ``lambda_H/2 ||h_k||^2`` is counted for each class, d_k^2, (K,)."""
        return self.drawn

    @cached_property
    def _terms(self) -> LossTerms:
        return self.loss.terms(self.counts, self.drawn)

    def objective(self, Ws: Sequence[ArrayLike], H: ArrayLike, b: ArrayLike | None = None) -> float:
        """Value of the objective (equation 4.3, for this loss).

        Parameters
        ----------
        Ws : sequence of L array_like
            ``[W_1, ..., W_L]``; W_j has shape (d_j, d_{j-1}), W_L has K rows.
        H : (d_0, N) or (d_0, K) array_like
            All features, ordered by class (first the n_1 samples of class 1), or one feature per
            class that all its samples share.
        b : (K,) array_like, optional
            The bias: required if the problem has one, else None.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If a shape does not fit, or a bias is missing or not expected.
        """
        weights, features, bias = self.validated_variables(Ws, H, b)
        logits, _ = _forward(weights, features, bias)
        fit, _ = mean_loss(self._terms, logits, self.counts, self.drawn)
        return fit + self._penalties(weights, features, self._priced(features), bias)

    def gradient(
        self, Ws: Sequence[ArrayLike], H: ArrayLike, b: ArrayLike | None = None
    ) -> tuple[list[Array], Array, Array | None]:
        """Gradient of the objective with respect to every variable.

        Parameters
        ----------
        Ws, H, b
            As for `objective`. With one feature per class, the derivative with respect to a
            class feature is that of all its samples moving together.

        Returns
        -------
        dWs : list of L ndarray
            Derivatives with respect to W_1, ..., W_L, shaped like them.
        dH : ndarray
            Derivative with respect to the features, shaped like `H`.
        db : (K,) ndarray or None
            Derivative with respect to the bias; None without a bias.

        Raises
        ------
        ValueError
            If a shape does not fit, or a bias is missing or not expected.
        """
        return self.value_and_gradient(Ws, H, b)[1:]

    def value_and_gradient(
        self, Ws: Sequence[ArrayLike], H: ArrayLike, b: ArrayLike | None = None
    ) -> tuple[float, list[Array], Array, Array | None]:
        """Return `objective`, then the three parts of `gradient`, for the work of one of them."""
        weights, features, bias = self.validated_variables(Ws, H, b)
        logits, inputs = _forward(weights, features, bias)
        fit, back = mean_loss(self._terms, logits, self.counts, self.drawn)
        priced = self._priced(features)
        value = fit + self._penalties(weights, features, priced, bias)
        db = None
        if bias is not None:
            db = back.sum(axis=1)
            if self.bias_penalty:
                db += self.bias_penalty * bias
        dWs: list[Array] = []
        for lam, W, below in zip(self.lambda_W[::-1], weights[::-1], inputs[::-1], strict=True):
            dWs.append(back @ below.T + lam * W)
            back = W.T @ back
        return value, dWs[::-1], back + priced, db

    def _penalties(
        self, weights: list[Array], features: Array, priced: Array, bias: Array | None
    ) -> float:
        paid = float(np.vdot(features, priced))
        for lam, W in zip(self.lambda_W, weights, strict=True):
            paid += lam * float(np.vdot(W, W))
        if bias is not None:
            paid += self.bias_penalty * float(bias @ bias)
        return paid / 2

    def class_of_column(self, features: Array) -> NDArray[np.int64]:
        """Class of each column of features (d_0, N) or (d_0, K)."""
        classes = np.arange(self.K)
        return classes if features.shape[1] == self.K else np.repeat(classes, self.counts.n)

    def _priced(self, features: Array) -> Array:
        """Differentiate the features' penalty, which counts each column as often as is meant."""
        cost = self.lambda_H * self.feature_weight
        if features.shape[1] != self.K:
            cost = (cost / self.counts.n)[self.class_of_column(features)]
        return features * cost

    def validated_variables(
        self, Ws: Sequence[ArrayLike], H: ArrayLike, b: ArrayLike | None
    ) -> tuple[list[Array], Array, Array | None]:
        """Return the arguments of `objective` as arrays, or raise where a shape does not fit."""
        weights = [as_floats("Ws", W) for W in Ws]
        features = as_floats("H", H)
        if len(weights) != self.depth:
            raise ValueError(f"Ws must hold depth = {self.depth} matrices; got {len(weights)}")
        if features.ndim != 2 or features.shape[1] not in (self.K, self.N):
            raise ValueError(
                f"H must have shape (d_0, N) or (d_0, K) with N = {self.N} and K = {self.K}; "
                f"got {features.shape}"
            )
        widths = self.widths or (features.shape[0], *(W.shape[0] for W in weights[:-1]))
        if features.shape[0] != widths[0]:
            raise ValueError(f"H must have d_0 = {widths[0]} rows; got shape {features.shape}")
        for j, (W, d_in, d_out) in enumerate(
            zip(weights, widths, (*widths[1:], self.K), strict=True), start=1
        ):
            if W.shape != (d_out, d_in):
                raise ValueError(f"W_{j} must have shape {(d_out, d_in)}; got {W.shape}")
        if not self.has_bias:
            if b is not None:
                raise ValueError("b must be None: this problem has no bias")
            return weights, features, None
        if b is None:
            raise ValueError(f"b must have shape ({self.K},): this problem has a bias; got None")
        bias = as_floats("b", b)
        if bias.shape != (self.K,):
            raise ValueError(f"b must have shape ({self.K},); got {bias.shape}")
        return weights, features, bias


def _forward(
    weights: list[Array], features: Array, bias: Array | None
) -> tuple[Array, list[Array]]:
    """Logits, and the input of each layer (H, W_1 H, ...)."""
    inputs = [features]
    for W in weights:
        inputs.append(W @ inputs[-1])
    logits = inputs.pop()
    return logits if bias is None else logits + bias[:, None], inputs


def _layer_lambdas(value: object, depth: int) -> tuple[float, ...]:
    if is_number(value):
        return (positive("lambda_W", value),) * depth
    entries = as_sequence(value)
    if entries is None:
        raise TypeError(f"lambda_W must be a number or a sequence of them; got {value!r:.60}")
    if len(entries) != depth:
        raise ValueError(
            f"lambda_W must be one number or one per layer, depth = {depth}; got {len(entries)}"
        )
    return tuple(positive(f"lambda_W[{j}]", entry) for j, entry in enumerate(entries))


def _validated_widths(value: object, depth: int) -> tuple[int, ...] | None:
    if value is None:
        return None
    entries = as_sequence(value)
    if entries is None:
        raise TypeError(
            f"widths must be a sequence (d_0, ..., d_{{L-1}}) or None; got {value!r:.60}"
        )
    if len(entries) != depth:
        raise ValueError(
            f"widths must hold depth = {depth} numbers (d_0, ..., d_{{L-1}}); got {len(entries)}"
        )
    return tuple(as_whole(f"widths[{j}]", width, 1) for j, width in enumerate(entries))
