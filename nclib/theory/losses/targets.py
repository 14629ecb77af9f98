"""Any targets with a free bias, at any depth: several labels, soft labels, regression.

Theorems 4.1 to 4.3 use nothing of the labels but the singular values of the centred label matrix.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nclib._checks import as_floats, as_whole
from nclib._records import Record
from nclib._text import modes
from nclib.theory import shrinkage
from nclib.theory.model import Layers
from nclib.theory.optimum import Factors

Array = NDArray[np.float64]

_ROUNDING = 1e-14
"""An eigenvalue of a covariance below this, relative to the largest, is 0."""


@dataclass(frozen=True, eq=False, repr=False)
class TargetProblem(Layers, Record):
    r"""The L-extended model of N samples with any targets y_i, the squared error and a free bias.

    The objective is the penalties of `Problem` and

    .. math:: \frac{1}{2N} \lVert W_L \cdots W_1 H + b \mathbf{1}' - Y \rVert_F^2.

    Parameters
    ----------
    mean : (K,) array_like
        Mean of the targets.
    covariance : (K, K) array_like
        ``1/N sum_i (y_i - mean)(y_i - mean)'``; `from_targets` computes both from a label matrix.
    N : int
        Number of samples, at least 2.
    depth, lambda_W, lambda_H, widths
        As for `Problem`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Examples
    --------
    >>> problem = TargetProblem.from_targets(
    ...     [[1, 1, 0, 0], [0, 1, 1, 0]], depth=1, lambda_W=0.01, lambda_H=0.01
    ... )
    >>> target_minimizer(problem)
    TargetMinimizer(2 of 2 modes alive, depth=1, objective=0.0196)
    """

    mean: Array
    covariance: Array
    N: int
    depth: int
    _: KW_ONLY
    lambda_W: tuple[float, ...]
    lambda_H: float
    widths: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        N = as_whole("N", self.N, 2)
        mean, covariance = (
            as_floats(name, getattr(self, name)).copy() for name in ("mean", "covariance")
        )
        if mean.ndim != 1 or not mean.size or covariance.shape != (mean.size, mean.size):
            raise ValueError(
                f"mean and covariance must have shapes (K,) and (K, K); got {mean.shape} and "
                f"{covariance.shape}"
            )
        if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
            raise ValueError("mean and covariance must be finite")
        scale = float(np.abs(covariance).max())
        if np.abs(covariance - covariance.T).max() > 1e-10 * scale:
            raise ValueError("covariance must be symmetric")
        if np.linalg.eigvalsh(covariance)[0] < -1e-10 * scale:
            raise ValueError("covariance must have no negative eigenvalue")
        for array in (mean, covariance):
            array.setflags(write=False)
        object.__setattr__(self, "N", N)
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "covariance", covariance)
        self.check_layers()

    @classmethod
    def from_targets(
        cls,
        targets: ArrayLike,
        depth: int,
        *,
        lambda_W: float,
        lambda_H: float,
        widths: tuple[int, ...] | None = None,
    ) -> TargetProblem:
        """Make the problem of a label matrix.

        Parameters
        ----------
        targets : (K, N) array_like
            One column for each sample: several ones, probabilities, or any numbers.
        depth, lambda_W, lambda_H, widths
            As for `Problem`.
        """
        Y = as_floats("targets", targets)
        if Y.ndim != 2:
            raise ValueError(f"targets must have shape (K, N); got {Y.shape}")
        mean = Y.mean(axis=1)
        centred = Y - mean[:, None]
        return cls(
            mean,
            centred @ centred.T / Y.shape[1],
            Y.shape[1],
            depth,
            lambda_W=lambda_W,  # type: ignore[arg-type]
            lambda_H=lambda_H,
            widths=widths,
        )

    @property
    def K(self) -> int:
        """Number of outputs."""
        return self.mean.size

    def __repr__(self) -> str:
        return f"TargetProblem(K={self.K}, N={self.N}, depth={self.depth})"


@dataclass(frozen=True, eq=False, repr=False)
class TargetMinimizer(Factors, Record):
    """Global minimiser of a `TargetProblem`; made by `target_minimizer`.

    Attributes
    ----------
    problem : TargetProblem
    U : (K, K) ndarray
        Modes: left singular vectors of the centred targets.
    kappa : (K,) ndarray
        Their singular values, falling.
    s : (K,) ndarray
        Share of each mode that the optimum answers with, in [0, 1).
    """

    problem: TargetProblem
    U: Array
    kappa: Array
    s: Array

    certificate = 0.0

    @property
    def singular_values(self) -> Array:
        """Singular values z of the centred predictions, (K,)."""
        return np.asarray(self.s * self.kappa)

    @property
    def b(self) -> Array:
        """The bias, the mean of the targets, (K,)."""
        return self.problem.mean

    @property
    def objective(self) -> float:  # type: ignore[override]
        """Value of the objective at the minimum."""
        cost = (1 - self.s) * (1 + self.problem.depth * self.s)
        return float(self.kappa**2 @ cost) / (2 * self.problem.N)

    def predictions(self, targets: ArrayLike) -> Array:
        """Answer to samples with given targets, (K, samples)."""
        centred = as_floats("targets", targets) - self.problem.mean[:, None]
        return np.asarray(self.problem.mean[:, None] + (self.U * self.s) @ (self.U.T @ centred))

    def features(self, targets: ArrayLike) -> Array:
        """Features of samples with given targets, up to a rotation, (K, samples).

        Samples whose targets agree on the modes alive have the same feature.
        """
        centred = as_floats("targets", targets) - self.problem.mean[:, None]
        size = np.sqrt(self.s * (1 - self.s) / (self.problem.N * self.problem.lambda_H))
        return np.asarray(size[:, None] * (self.U.T @ centred))

    def head(self) -> Array:
        """Build the head's product ``W_L ... W_1``, up to the same rotation, (K, K)."""
        size = np.sqrt(self.problem.N * self.problem.lambda_H * self.s / (1 - self.s))
        return np.asarray(self.U * size)

    def __repr__(self) -> str:
        return (
            f"TargetMinimizer({self.alive} of {modes(self.problem.K)} alive, "
            f"depth={self.problem.depth}, objective={self.objective:.6g})"
        )


def target_minimizer(problem: TargetProblem) -> TargetMinimizer:
    """Minimise the model for any targets with a free bias, in closed form.

    Parameters
    ----------
    problem : TargetProblem

    Returns
    -------
    TargetMinimizer
        Modes tied at the threshold are dead in it.

    Raises
    ------
    TypeError
        If `problem` is not as described.

    Examples
    --------
    One-hot targets, which `global_minimizer` has too:

    >>> import nclib
    >>> Y = np.repeat(np.eye(3), [5, 3, 2], axis=1)
    >>> problem = TargetProblem.from_targets(Y, depth=2, lambda_W=1e-3, lambda_H=1e-3)
    >>> best = nclib.global_minimizer(nclib.Problem([5, 3, 2], 2, lambda_W=1e-3, lambda_H=1e-3))
    >>> abs(target_minimizer(problem).objective - best.objective) < 1e-15
    True
    """
    if not isinstance(problem, TargetProblem):
        raise TypeError(f"problem must be a TargetProblem; got {problem!r:.60}")
    values, vectors = np.linalg.eigh(problem.covariance)
    values, vectors = values[::-1], vectors[:, ::-1]
    values = np.where(values > _ROUNDING * values[0], values, 0.0)
    kappa = np.sqrt(problem.N * values)
    s = shrinkage.logistic(
        shrinkage.global_logit(shrinkage.log_theta(kappa, problem), problem.depth)
    )
    s[min(problem.N, problem.rank_limit) :] = 0.0
    return TargetMinimizer(problem, vectors, kappa, s)
