"""Minimisers of the model in closed form: Theorems 4.1, 4.2 and 4.3 by one path.

The spectrum of the effective label matrix goes through the one rule of `nclib.theory.shrinkage`;
what survives is put back together. No theorem has code of its own: without bias Yhat = D, and one
layer is depth 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from nclib._checks import as_whole
from nclib._records import Record, html_table, require_keys
from nclib._text import percent
from nclib.theory import shrinkage
from nclib.theory.group_view import GroupView
from nclib.theory.groups import Groups
from nclib.theory.optimum import Basis, Optimum
from nclib.theory.problem import Problem, require_problem
from nclib.theory.spectrum import Spectrum

Array = NDArray[np.float64]

_SHOWN = 12
"""Up to this many distinct counts have a row in a notebook's table."""


@dataclass(frozen=True, eq=False, repr=False)
class Minimizer(Optimum, Record):
    r"""A local or global minimiser of a `Problem`: its `alive` strongest modes survive.

    Made by `global_minimizer` and `local_minima`. All arrays over modes are ordered by falling
    kappa; arrays over classes keep the user's order.

    Attributes
    ----------
    problem : Problem
        What it minimises.
    spectrum : Spectrum
        The singular value decomposition ``Yhat = U diag(kappa) V'``.
    is_global : bool
        Whether no point has a lower objective.
    unique : bool
        Whether every minimiser of this value agrees with it, up to rotations between the layers.
        False where `alive` cuts a block of equal kappa (then the block can be rotated: only the
        objective and the singular values are determined, and the rest is that of the basis that
        `Spectrum` documents), and for a global minimiser where a mode is tied at the threshold.

    Notes
    -----
    With the shrink factor ``s = z / kappa`` of each mode, the product ``P = W_L ... W_1``, the
    class means ``E = Hbar D`` and the layers have the squared singular values

    .. math:: p^2 = \frac{N \lambda_H s}{1 - s}, \qquad
        e^2 = \frac{s (1 - s) \kappa^2}{N \lambda_H}, \qquad
        w_j^2 = \frac{s (1 - s) \kappa^2}{N \lambda_{W_j}},

    and the objective is, summed over the modes,

    .. math:: \sum \frac{\kappa^2}{2N} (1 - s) (1 + L s).

    References
    ----------
    Liu, arXiv 2411.17278, Theorems 4.1 to 4.3 (the last identity of 4.3 corrected).
    """

    problem: Problem
    spectrum: Spectrum
    _alive: int
    is_global: bool
    unique: bool
    _block_logit: Array

    certificate = 0.0

    @property
    def alive(self) -> int:
        """Number of surviving modes."""
        return self._alive

    @property
    def kappa(self) -> Array:
        """Singular values of Yhat, falling, shape (K,)."""
        return self.spectrum.kappa

    @cached_property
    def _logit(self) -> Array:
        """log(s / (1 - s)) of each mode, minus infinity for dead ones, shape (K,)."""
        return np.where(self.survives, self.spectrum.expand(self._block_logit), -np.inf)

    @cached_property
    def s(self) -> Array:
        """Shrink factor z / kappa of each mode, in [0, 1), shape (K,)."""
        return shrinkage.logistic(self._logit)

    @cached_property
    def z(self) -> Array:
        """Singular values of the centred prediction P Hbar D, shape (K,)."""
        return self.s * self.kappa

    @property
    def singular_values(self) -> Array:
        """The same as `z`, by the name that every optimum has."""
        return self.z

    @cached_property
    def _energy(self) -> Array:
        """Penalty that each factor pays for each mode, lambda times its singular value squared."""
        rest = shrinkage.logistic(-self._logit)
        energy: Array = self.z * rest * self.kappa / self.problem.N
        return energy

    @cached_property
    def layer_singular_values(self) -> Array:
        """Singular values of W_1, ..., W_L, one row a layer, shape (L, K)."""
        lambda_W = np.array(self.problem.lambda_W)[:, None]
        values: Array = np.sqrt(self._energy / lambda_W)
        return values

    @property
    def sigma(self) -> Array:
        """The paper's sigma_k: the singular values of W_1, shape (K,)."""
        return np.sqrt(self._energy / self.problem.lambda_W[0])

    @cached_property
    def product_singular_values(self) -> Array:
        """Singular values of P = W_L ... W_1, shape (K,)."""
        size = np.sqrt(self.problem.N * self.problem.lambda_H)
        values: Array = size * np.exp(self._logit / 2)
        return values

    @cached_property
    def feature_singular_values(self) -> Array:
        """Singular values of the weighted class means E = Hbar D, shape (K,)."""
        return np.sqrt(self._energy / self.problem.lambda_H)

    @cached_property
    def objective(self) -> float:  # type: ignore[override]
        """Value of the objective at the minimum."""
        size = self.spectrum.block_size
        alive = np.clip(self.alive - (np.cumsum(size) - size), 0, size)
        s, rest = shrinkage.logistic(self._block_logit), shrinkage.logistic(-self._block_logit)
        cost = alive * rest * (1 + self.problem.depth * s) + (size - alive)
        return float(np.sum(self.spectrum.block_kappa**2 * cost)) / (2 * self.problem.N)

    @property
    def stability_limit(self) -> float:
        """Common factor on every lambda up to which this minimum goes on existing.

        There its weakest surviving mode lets go: for one layer at its collapse factor, where it
        reaches 0; for more layers later, at the spinodal, since a surviving mode stays a local
        minimum for a while after it has stopped being the global one. Infinite where no mode
        survives: for two or more layers zero is a local minimum at every lambda.
        """
        if not self.alive:
            return math.inf
        depth = self.problem.depth
        weakest = shrinkage.log_theta(self.kappa[self.alive - 1], self.problem)
        return float(np.exp((shrinkage.log_theta_spinodal(depth) - weakest) / (depth + 1)))

    @property
    def b(self) -> Array | None:
        """The bias n / N, shape (K,); None for a problem without."""
        return self.problem.counts.n / self.problem.N if self.problem.bias else None

    @property
    def modes(self) -> tuple[Basis, Basis]:
        """Left and right singular vectors U and V of Yhat, as operators, shape (K, K) each."""
        return self.spectrum.U, self.spectrum.V

    @cached_property
    def _groups(self) -> GroupView:
        # Not of the minimiser: a cycle would keep its arrays until the garbage is collected.
        return GroupView.of(self.problem, self.spectrum, self.s, self.alive)

    @cached_property
    def groups(self) -> Groups:
        """Logits by groups: classes of one count, told apart by inner modes alive or not.

        With bias the logits are ``D V diag(s_1, ..., s_{K-1}, 1) V' D^-1``, whose columns sum to 1;
        without, ``diag(s)`` in the order of the classes.
        """
        return self._groups.by_outcome()

    def merged_classes(self) -> tuple[tuple[int, ...], ...]:
        """Find the classes that have become indistinguishable to the features.

        Returns
        -------
        tuple of tuple of int
            Each holds two or more classes with the same class-mean feature. Decided from which
            modes survive: the classes of one group merge when the group's inner modes are dead,
            and classes of different groups only when every between-group mode is dead too (then
            their means are 0). Without bias exactly the dead classes merge, at 0.
        """
        view, group = self._groups, self.problem.counts.group
        tail = np.flatnonzero(~view.in_head)
        if not view.groups_apart:
            return (tuple(tail.tolist()),) if tail.size > 1 else ()
        by_group = tail[np.argsort(group[tail], kind="stable")]
        edges = np.flatnonzero(np.diff(group[by_group])) + 1
        return tuple(tuple(part.tolist()) for part in np.split(by_group, edges) if part.size > 1)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold: the `problem`, and how many modes are `alive`.

        Examples
        --------
        >>> best = global_minimizer(Problem([3, 2, 1], depth=2, lambda_W=0.01, lambda_H=0.001))
        >>> Minimizer.from_dict(best.to_dict()) == best
        True
        """
        return {"problem": self.problem.to_dict(), "alive": self.alive}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Minimizer:
        """Make the minimiser from what `to_dict` returned.

        Raises
        ------
        TypeError, ValueError
            If it is something else, or if the problem has no local minimum with so many modes
            alive.
        """
        require_keys("Minimizer", content, {"problem", "alive"})
        minima = LocalMinima(Problem.from_dict(content["problem"]))
        alive = as_whole("alive", content["alive"], 0)
        if minima.best.alive == alive:
            return minima.best
        if alive >= len(minima) or minima.problem.depth == 1:
            raise ValueError(f"alive must be that of a local minimum of the problem; got {alive}")
        return minima[alive]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Minimizer):
            return NotImplemented
        return self.problem == other.problem and self.alive == other.alive

    def __hash__(self) -> int:
        return hash((self.problem, self.alive))

    def _repr_html_(self) -> str:
        counts, accuracy = self.problem.counts, self.training_accuracy().per_class
        view = self._groups
        rows: list[tuple[str, ...]] = []
        for j in range(min(counts.m, _SHOWN)):
            right = accuracy[counts.group == j].mean()
            size = f"{counts.multiplicities[j]:,}"
            rows.append((f"{counts.values[j]:,}", size, view.means(j), f"{percent(right, 1)}%"))
        more = "" if counts.m <= _SHOWN else f"; the {_SHOWN} largest of {counts.m:,} counts"
        columns = ("samples per class", "classes", "class means", "classified right")
        return html_table(f"{self!r}{more}", columns, rows)

    def __repr__(self) -> str:
        kind = "global" if self.is_global else "local"
        unique = "unique" if self.unique else "not unique"
        return (
            f"Minimizer({kind}, {unique}: {self.alive} of {self.problem.K} modes alive, "
            f"depth={self.problem.depth}, objective={self.objective:.6g})"
        )


class LocalMinima(Sequence[Minimizer]):
    """The local minima of a problem, made one by one when asked for; see `local_minima`."""

    def __init__(self, problem: Problem, spectrum: Spectrum | None = None) -> None:
        self.problem = require_problem(problem)
        # The spectrum costs most; who has it already, of the same counts, gives it.
        self._spectrum = spectrum or Spectrum(problem.counts, bias=problem.bias)
        log_theta = shrinkage.log_theta(self._spectrum.block_kappa, problem)
        depth, limit = problem.depth, problem.rank_limit
        size = self._spectrum.block_size
        spinodal = shrinkage.log_theta_spinodal(depth)
        exists = shrinkage.below(log_theta, spinodal, depth)
        cheaper = shrinkage.below(log_theta, shrinkage.log_theta_threshold(depth), depth)
        tied = shrinkage.tied(log_theta, depth) if depth > 1 else np.zeros_like(exists)
        self._logit = np.full(log_theta.shape, -np.inf)
        self._logit[exists] = shrinkage.large_root(log_theta[exists], depth)
        self._most = min(int(size[exists].sum()), limit)
        self._best = min(int(size[cheaper].sum()), limit)
        self._best_with_ties = min(int(size[cheaper | tied].sum()), limit)

    @property
    def best(self) -> Minimizer:
        """The global minimiser (of several that tie, the one with the fewest modes alive)."""
        return self._prefix(self._best)

    def _prefix(self, alive: int) -> Minimizer:
        is_global = self._best <= alive <= self._best_with_ties
        tied = is_global and self._best < self._best_with_ties
        cuts_block = alive > 0 and alive not in np.cumsum(self._spectrum.block_size)
        return Minimizer(
            problem=self.problem,
            spectrum=self._spectrum,
            _alive=alive,
            is_global=is_global,
            unique=not (tied or cuts_block),
            _block_logit=self._logit,
        )

    def __len__(self) -> int:
        return 1 if self.problem.depth == 1 else self._most + 1

    @overload
    def __getitem__(self, index: int) -> Minimizer: ...
    @overload
    def __getitem__(self, index: slice) -> list[Minimizer]: ...
    def __getitem__(self, index: int | slice) -> Minimizer | list[Minimizer]:
        chosen = range(len(self))[index]
        if isinstance(chosen, range):
            return [self[i] for i in chosen]
        return self.best if self.problem.depth == 1 else self._prefix(chosen)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LocalMinima):
            return NotImplemented
        return self.problem == other.problem

    def __hash__(self) -> int:
        return hash(self.problem)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problem,)

    def __repr__(self) -> str:
        return f"LocalMinima({len(self)} of {self.problem!r})"


def require_minimizer(name: str, value: object, else_allowed: str = "") -> Minimizer:
    """Return a `Minimizer`, or raise an error that names the argument and what else it may be."""
    if not isinstance(value, Minimizer):
        raise TypeError(f"{name} must be a Minimizer{else_allowed}; got {value!r:.60}")
    return value


def global_minimizer(problem: Problem) -> Minimizer:
    """Minimise the model in closed form.

    Parameters
    ----------
    problem : Problem
        Class counts, depth, bias, penalties and widths.

    Returns
    -------
    Minimizer
        Where modes are tied at the threshold, the minimiser in which they are dead; its `unique`
        is then False.

    References
    ----------
    Liu, arXiv 2411.17278, Theorems 4.1 (no bias, one layer), 4.2 (bias, one layer) and 4.3.

    Examples
    --------
    >>> problem = Problem([500, 500, 100, 100], depth=3, lambda_W=5e-4, lambda_H=1e-5)
    >>> global_minimizer(problem)
    Minimizer(global, unique: 3 of 4 modes alive, depth=3, objective=0.00431396)
    """
    return LocalMinima(problem).best


def local_minima(problem: Problem) -> LocalMinima:
    """List every local minimum of the model.

    For two or more layers the local minima are exactly the prefixes: item a keeps the a strongest
    modes alive, as long as the weakest of them still has an alive branch. One layer has no local
    minimum but the global one.

    Parameters
    ----------
    problem : Problem
        Class counts, depth, bias, penalties and widths.

    Returns
    -------
    LocalMinima
        A sequence of `Minimizer`. Where a prefix cuts a block of equal kappa it stands for a whole
        connected family: its `unique` is False.

    Examples
    --------
    >>> problem = Problem([500, 500, 100, 100], depth=3, lambda_W=5e-4, lambda_H=1e-5)
    >>> [round(minimum.objective, 4) for minimum in local_minima(problem)]
    [0.3194, 0.1129, 0.0448, 0.0043]
    """
    return LocalMinima(problem)
