"""A model with the loss, the bias and the sampler that a script trains with."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nclib._checks import choice, positive
from nclib._records import Record
from nclib.theory.counts import ClassCounts, as_counts, first_of_each
from nclib.theory.losses.groups import Bias, GroupForm
from nclib.theory.losses.objects import Loss, Sampling
from nclib.theory.model import ClassModel
from nclib.theory.problem import Problem

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class LossProblem(ClassModel, Record):
    r"""The L-extended unconstrained feature model for a loss, a bias and a sampler.

    With n'_k samples of class k in an epoch and their weight w_k the objective is

    .. math::

        \frac1N \sum_k n'_k w_k \, \ell_k(W_L \cdots W_1 h_k + b)
        + \frac12 \sum_j \lambda_{W_j} \lVert W_j \rVert_F^2
        + \frac{\lambda_H}{2} \sum_i \lVert h_i \rVert^2
        + \frac{\lambda_b}{2} \lVert b \rVert^2

    Parameters
    ----------
    counts : ClassCounts
        Samples per class (or anything that `ClassCounts` takes).
    loss : SquaredError or CrossEntropy
    depth : int, default 1
        Number L of linear layers in the head.
    bias : {"free", "none", "decayed"}, default "free"
        Whether there is a bias, and a penalty on it. (A weight decay on all parameters decays the
        bias too.)
    lambda_W, lambda_H : float
        Penalties on the weights (or one for each layer) and on the features, positive.
    lambda_b : float, optional
        Penalty on a decayed bias. Default: that of the last layer.
    sampling : Sampling, optional
        A sampler. Default: every sample once in an epoch.
    non_negative : bool, default False
        Whether the features come out of a ReLU.
    widths : (L,) sequence of int, optional
        As for `Problem`. Default: no limit.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Examples
    --------
    >>> from nclib.theory.losses.objects import CrossEntropy
    >>> problem = LossProblem([300, 30], CrossEntropy(), lambda_W=1e-3, lambda_H=1e-3)
    >>> problem
    LossProblem(K=2, N=330, CrossEntropy, depth=1, bias=free, lambda_W=0.001, lambda_H=0.001)
    """

    counts: ClassCounts
    loss: Loss
    depth: int = 1
    _: KW_ONLY
    bias: Bias = "free"
    lambda_W: tuple[float, ...]
    lambda_H: float
    lambda_b: float | None = None
    sampling: Sampling | None = None
    non_negative: bool = False
    widths: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.loss, Loss):
            raise TypeError(f"loss must be a SquaredError or a CrossEntropy; got {self.loss!r:.60}")
        object.__setattr__(self, "bias", choice("bias", self.bias, Bias))
        if self.sampling is not None and not isinstance(self.sampling, Sampling):
            raise TypeError(f"sampling must be a Sampling or None; got {self.sampling!r:.60}")
        if not isinstance(self.non_negative, bool | np.bool_):
            raise TypeError(f"non_negative must be True or False; got {self.non_negative!r}")
        object.__setattr__(self, "counts", as_counts(self.counts))
        self.check_layers()
        object.__setattr__(self, "lambda_b", self._validated_lambda_b())
        self._terms  # noqa: B018 - vectors of a wrong length are refused here

    def _validated_lambda_b(self) -> float | None:
        if self.bias != "decayed":
            if self.lambda_b is not None:
                raise ValueError(
                    f"lambda_b must be None unless bias is 'decayed'; got {self.lambda_b!r}"
                )
            return None
        if self.lambda_b is None:
            return self.lambda_W[-1]
        return positive("lambda_b", self.lambda_b)

    @property
    def has_bias(self) -> bool:
        """Whether the head has a bias."""
        return self.bias != "none"

    @property
    def bias_penalty(self) -> float:
        """Penalty on the bias; 0 for a free one, and for none."""
        return self.lambda_b or 0.0

    @property
    def model(self) -> Problem:
        """The paper's model with these counts, layers, penalties and widths."""
        return Problem(
            self.counts,
            self.depth,
            bias=self.has_bias,
            lambda_W=self.lambda_W,
            lambda_H=self.lambda_H,
            widths=self.widths,
        )

    @property
    def price(self) -> float:
        """Price of a unit of the product's singular values with one layer."""
        return math.exp(self.log_Lambda / 2)

    def rescaled(self, factor: float) -> LossProblem:
        """Return the same problem with every penalty times a factor."""
        return replace(
            self,
            lambda_W=tuple(factor * lam for lam in self.lambda_W),
            lambda_H=factor * self.lambda_H,
            lambda_b=None if self.lambda_b is None else factor * self.lambda_b,
        )

    @cached_property
    def drawn(self) -> Array:
        """Samples of each class in an epoch, n', (K,)."""
        if self.sampling is None:
            return self.counts.n.astype(float)
        return self.sampling.expected_counts(self.counts)

    @cached_property
    def feature_weight(self) -> Array:
        """What ``lambda_H/2 ||h_k||^2`` is counted for each class, d_k^2: n or n', (K,)."""
        if self.sampling is None or self.sampling.feature_penalty == "sampled":
            return self.drawn
        return self.counts.n.astype(float)

    @cached_property
    def group(self) -> NDArray[np.int64]:
        """Group of each class: those of one count that the loss treats alike, (K,)."""
        code = self.counts.group
        for vector in (self.drawn, *self._terms[1:]):
            first = first_of_each(code)
            if np.array_equal(vector, vector[first][code]):
                continue
            values, inverse = np.unique(-vector, return_inverse=True)
            _, code = np.unique(code * values.size + inverse, return_inverse=True)
        return np.asarray(code, dtype=np.int64)

    @cached_property
    def representative(self) -> NDArray[np.int64]:
        """The first class of each group, (G,)."""
        return first_of_each(self.group)

    @cached_property
    def form(self) -> GroupForm:
        """The loss, the bias and the sizes of the groups, as the convex problem needs them."""
        first, terms = self.representative, self._terms
        return GroupForm(
            softmax=terms.softmax,
            bias=self.bias,
            lambda_b=self.bias_penalty,
            size=np.bincount(self.group).astype(float),
            mass=(self.drawn * terms.weight)[first] / self.N,
            scale=np.sqrt(self.feature_weight[first]),
            own=terms.own[first],
            other=terms.other[first],
            logit_factor=terms.logit_factor[first],
            sample_factor=terms.sample_factor[first],
            shift=terms.shift[first],
            margin=terms.margin[first],
        )

    def __repr__(self) -> str:
        same = len(set(self.lambda_W)) == 1
        return (
            f"LossProblem(K={self.K}, N={self.N}, {type(self.loss).__name__}, "
            f"depth={self.depth}, bias={self.bias}, "
            f"lambda_W={self.lambda_W[0] if same else self.lambda_W}, lambda_H={self.lambda_H})"
        )


def require_loss_problem(problem: LossProblem) -> LossProblem:
    """Return `problem`, or raise if it is something else."""
    if not isinstance(problem, LossProblem):
        raise TypeError(f"problem must be a LossProblem; got {problem!r:.60}")
    return problem
