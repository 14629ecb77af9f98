"""The L-extended unconstrained feature model (Definition 3.1): what is minimised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nclib._records import html_table, require_keys
from nclib.theory.counts import ClassCounts, as_counts
from nclib.theory.losses.objects import Loss, SquaredError
from nclib.theory.model import ClassModel

Array = NDArray[np.float64]

_SQUARED_ERROR = SquaredError()


class ObjectiveParts(NamedTuple):
    """Four parts, none negative, that sum to the objective at a point; see `Problem.split`.

    Attributes
    ----------
    core : float
        ``1/(2N) ||P E - Yhat||^2`` and the penalties of the weights and of E, the weighted class
        means less the global mean.
    spread : float
        What the samples cost by not being at their class mean.
    mean : float
        With a bias, what the global mean of the features costs; else 0.
    bias : float
        What the bias costs by not being the best one for the features; 0 without a bias.
    """

    core: float
    spread: float
    mean: float
    bias: float


@dataclass(frozen=True)
class Problem(ClassModel):
    r"""The L-extended unconstrained feature model for given class counts.

    The variables are a linear head of L layers, the features of all samples and a bias:

    .. math::

        f = \frac{1}{2N} \lVert W_L \cdots W_1 H + b \mathbf{1}' - Y \rVert_F^2
            + \frac12 \sum_j \lambda_{W_j} \lVert W_j \rVert_F^2
            + \frac{\lambda_H}{2} \lVert H \rVert_F^2

    Parameters
    ----------
    counts : ClassCounts
        Samples per class; or numbers, a dict ``{class: count}``, a pandas Series or DataFrame.
    depth : int
        Number L of linear layers in the head, at least 1.
    bias : bool, default True
        Whether the head has a bias b. It is not penalised.
    lambda_W : float or (L,) sequence of float
        Penalty on each layer, positive: one number for all layers, or one per layer with
        ``lambda_W[0]`` for W_1, the layer nearest the features.
    lambda_H : float
        Penalty on the features, positive.
    widths : (L,) sequence of int, optional
        ``(d_0, ..., d_{L-1})``: the feature dimension, then the outputs of W_1, ..., W_{L-1}.
        Default: no limit.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Notes
    -----
    Features are columns here, (d_0, N), as in the paper, so that ``W_L ... W_1 H`` reads as it
    does there. Networks have them as rows: whatever takes those of a network, the metrics and the
    training, takes (N, d), and ``H.T`` turns one into the other.

    References
    ----------
    Liu, arXiv 2411.17278, Definition 3.1 and equations 4.1 to 4.3.

    Examples
    --------
    >>> problem = Problem([3, 2, 1], depth=2, lambda_W=0.01, lambda_H=0.001)
    >>> problem.K, problem.N, problem.lambda_W, problem.rank_limit
    (3, 6, (0.01, 0.01), 3)
    """

    counts: ClassCounts
    depth: int
    _: KW_ONLY
    bias: bool = True
    lambda_W: tuple[float, ...]
    lambda_H: float
    widths: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", as_counts(self.counts))
        self.check_layers()
        if not isinstance(self.bias, bool | np.bool_):
            raise TypeError(f"bias must be True or False; got {self.bias!r}")
        object.__setattr__(self, "bias", bool(self.bias))

    @property
    def loss(self) -> Loss:  # type: ignore[override]
        """The paper's: the squared error."""
        return _SQUARED_ERROR

    @property
    def has_bias(self) -> bool:
        """Whether the head has a bias."""
        return self.bias

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold.

        Examples
        --------
        >>> problem = Problem([3, 2, 1], depth=2, lambda_W=0.01, lambda_H=0.001)
        >>> Problem.from_dict(problem.to_dict()) == problem
        True
        """
        return {
            "counts": self.counts.to_dict(),
            "depth": self.depth,
            "bias": self.bias,
            "lambda_W": list(self.lambda_W),
            "lambda_H": self.lambda_H,
            "widths": None if self.widths is None else list(self.widths),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Make the problem from what `to_dict` returned.

        Raises
        ------
        TypeError, ValueError
            If it is something else.
        """
        require_keys(
            "Problem", content, {"counts", "depth", "lambda_W", "lambda_H"}, {"bias", "widths"}
        )
        return cls(**{**content, "counts": ClassCounts.from_dict(content["counts"])})

    def _repr_html_(self) -> str:
        counts = self.counts
        same = len(set(self.lambda_W)) == 1
        lambda_W = ", ".join(f"{lam:g}" for lam in self.lambda_W[: 1 if same else None])
        rows = [
            ("samples per class", f"{counts.values[0]:,} to {counts.values[-1]:,}"),
            ("linear layers L", self.depth),
            ("bias", "free" if self.bias else "none"),
            ("lambda_W", lambda_W if same else f"{lambda_W} (W_1 first)"),
            ("lambda_H", f"{self.lambda_H:g}"),
            ("widths", "no limit" if self.widths is None else ", ".join(map(str, self.widths))),
        ]
        caption = f"Problem: {self.K:,} classes, {self.N:,} samples"
        return html_table(caption, ("setting", "value"), rows)

    def split(
        self, Ws: Sequence[ArrayLike], H: ArrayLike, b: ArrayLike | None = None
    ) -> ObjectiveParts:
        r"""Split the objective exactly into four parts that can be made small one by one.

        With Delta the distances of the samples from their class mean, h_G the global mean of the
        features and E = (Hbar - h_G 1') D, f is the sum of

        .. math::

            & \frac{1}{2N} \lVert P E - \hat Y \rVert_F^2
              + \frac12 \sum_j \lambda_{W_j} \lVert W_j \rVert_F^2
              + \frac{\lambda_H}{2} \lVert E \rVert_F^2 && \quad \text{(core)} \\
            & \frac{1}{2N} \lVert P \Delta \rVert_F^2
              + \frac{\lambda_H}{2} \lVert \Delta \rVert_F^2 && \quad \text{(spread)} \\
            & \frac{N \lambda_H}{2} \lVert h_G \rVert^2 && \quad \text{(mean)} \\
            & \frac12 \lVert b - (n/N - P h_G) \rVert^2 && \quad \text{(bias)}

        So Delta = 0, h_G = 0 and b = n/N at every minimum. Without a bias nothing is centred:
        E = Hbar D, Yhat = D, and the last two parts are 0.

        Parameters
        ----------
        Ws, H, b
            As for `objective`, at any point.

        Returns
        -------
        ObjectiveParts
            ``core, spread, mean, bias``: their sum is ``objective(Ws, H, b)``.

        Raises
        ------
        ValueError
            If a shape does not fit, or a bias is missing or not expected.

        Examples
        --------
        >>> problem = Problem([2, 1], depth=1, lambda_W=0.1, lambda_H=0.2)
        >>> parts = problem.split([[[1.0], [0.0]]], [[1.0, 3.0, 2.0]], [0.0, 0.0])
        >>> [round(part, 4) for part in parts]
        [0.2722, 0.5333, 1.2, 0.9444]
        """
        weights, features, bias = self.validated_variables(Ws, H, b)
        n = self.counts.n
        means = features
        if features.shape[1] != self.K:
            means = np.add.reduceat(features, np.cumsum(n) - n, axis=1) / n
        spread = features - means[:, self.class_of_column(features)]
        samples = self.drawn if features.shape[1] == self.K else np.ones(features.shape[1])
        output = spread
        for W in weights:
            output = W @ output
        cost = (np.sum(output**2, axis=0) / self.N + self.lambda_H * np.sum(spread**2, axis=0)) / 2
        mean_part = bias_part = 0.0
        frequencies = None
        if bias is not None:
            frequencies = n / self.N
            mean = means @ frequencies
            means = means - mean[:, None]
            mean_part = self.N * self.lambda_H / 2 * float(mean @ mean)
            for W in weights:
                mean = W @ mean
            bias_part = float(np.sum((bias - frequencies + mean) ** 2)) / 2
        core = self.objective(weights, means, frequencies)
        return ObjectiveParts(core, float(cost @ samples), mean_part, bias_part)


def require_problem(problem: Problem) -> Problem:
    """Return `problem`, or raise if it is something else."""
    if not isinstance(problem, Problem):
        raise TypeError(f"problem must be a Problem; got {problem!r:.60}")
    return problem
