"""Minimisers of the model in closed form: Theorems 4.1, 4.2 and 4.3 by one path.

The spectrum of the effective label matrix goes through the one rule of `nclib.theory.shrinkage`;
what survives is put back together. No theorem has code of its own: without bias Yhat = D, and one
layer is depth 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from nclib._checks import as_whole
from nclib._records import Record, html_table, require_keys
from nclib._text import percent
from nclib.theory import shrinkage
from nclib.theory.problem import Problem, generator, require_problem
from nclib.theory.spectrum import FilteredModes, Spectrum, row_chunks

Array = NDArray[np.float64]

_SHOWN = 12
"""Up to this many distinct counts have a row in a notebook's table."""

_LOG_RANGE = tuple(np.log([np.finfo(float).tiny, np.finfo(float).max]))
"""Logarithms of the least and the largest number that float64 holds with all its digits."""

LOGIT_TIE = 1e-12
"""Logits of different groups that differ by less than this, relative to them, count as tied."""


class TrainingAccuracy(NamedTuple):
    """Share of training samples that an optimum classifies right.

    Attributes
    ----------
    overall : float
        Of all samples.
    per_class : (K,) ndarray
        Of each class. Where t classes tie for the largest logit, each counts 1/t.
    """

    overall: float
    per_class: Array

    # Those of a tuple would ask an array whether it is true.
    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TrainingAccuracy):
            return NotImplemented
        return self.overall == other.overall and np.array_equal(self.per_class, other.per_class)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.overall)


@dataclass(frozen=True, eq=False, repr=False)
class Minimizer(Record):
    """A local or global minimiser of a `Problem`: its `alive` strongest modes survive.

    Made by `global_minimizer` and `local_minima`. All arrays over modes are ordered by falling
    kappa; arrays over classes keep the user's order.

    Attributes
    ----------
    problem : Problem
        What it minimises.
    spectrum : Spectrum
        The singular value decomposition ``Yhat = U diag(kappa) V'``.
    alive : int
        Number of surviving modes.
    is_global : bool
        Whether no point has a lower objective.
    unique : bool
        Whether every minimiser of this value agrees with it, up to rotations between the layers.
        False where `alive` cuts a block of equal kappa (then the block can be rotated: only the
        objective and the singular values are determined, and the rest is that of the basis that
        `Spectrum` documents), and for a global minimiser where a mode is tied at the threshold.

    Notes
    -----
    With the shrink factor ``s = z / kappa`` of each mode, the product ``P = W_L ... W_1`` has
    singular values squared ``N lambda_H s / (1-s)``, the class means ``E = Hbar D`` have
    ``s (1-s) kappa^2 / (N lambda_H)``, layer j has ``s (1-s) kappa^2 / (N lambda_Wj)``, and the
    objective is ``1/2 sum mu (1-s) (1 + L s)`` with ``mu = kappa^2 / N``.

    References
    ----------
    Liu, arXiv 2411.17278, Theorems 4.1 to 4.3 (the last identity of 4.3 corrected).
    """

    problem: Problem
    spectrum: Spectrum
    alive: int
    is_global: bool
    unique: bool
    _block_logit: Array = field(repr=False)

    @property
    def kappa(self) -> Array:
        """Singular values of Yhat, falling, shape (K,)."""
        return self.spectrum.kappa

    @cached_property
    def survives(self) -> NDArray[np.bool_]:
        """Which modes are alive, shape (K,)."""
        return np.arange(self.problem.K) < self.alive

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
    def objective(self) -> float:
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

    def weights(
        self, seed: int | np.random.Generator = 0
    ) -> tuple[list[Array], Array, Array | None]:
        """Build explicit weights, class means and bias that attain the minimum.

        Parameters
        ----------
        seed : int or numpy.random.Generator, default 0
            Draws the orthonormal bases of the inner dimensions, which the problem leaves free.

        Returns
        -------
        Ws : list of L ndarray
            ``[W_1, ..., W_L]`` for the problem's widths (K each where it sets none).
        H_bar : (d_0, K) ndarray
            Class means; every feature equals that of its class.
        b : (K,) ndarray or None
            The bias n / N; None for a problem without bias.

        Examples
        --------
        >>> problem = Problem([3, 2, 1], depth=2, lambda_W=0.01, lambda_H=0.001)
        >>> best = global_minimizer(problem)
        >>> abs(problem.objective(*best.weights()) - best.objective) < 1e-15
        True
        """
        problem, a = self.problem, self.alive
        rng = generator(seed)
        chosen = np.eye(problem.K, a)
        bases = [
            np.linalg.qr(rng.standard_normal((width, a)))[0]
            for width in problem.widths or (problem.K,) * problem.depth
        ]
        bases.append(self.spectrum.U @ chosen)
        Ws = [
            (bases[j + 1] * self.layer_singular_values[j, :a]) @ bases[j].T
            for j in range(problem.depth)
        ]
        E = (bases[0] * self.feature_singular_values[:a]) @ (self.spectrum.V @ chosen).T
        n = problem.counts.n
        return Ws, E / np.sqrt(n), n / problem.N if problem.bias else None

    @cached_property
    def _groups(self) -> _GroupView:
        return _GroupView.of(self)

    def logits(self) -> Array:
        """Compute what the optimum outputs for each class, dense.

        Returns
        -------
        (K, K) ndarray
            Column l is what the head answers to a training sample of class l. With bias,
            ``D V diag(s_1, ..., s_{K-1}, 1) V' D^-1``, whose columns sum to 1; without,
            ``diag(s)`` in the order of the classes.
        """
        view, group = self._groups, self.problem.counts.group
        Z = view.between(slice(0, self.problem.counts.m)).T[np.ix_(group, group)]
        for j in np.flatnonzero(view.head_size):
            head = np.flatnonzero(view.in_head & (group == j))
            Z[np.ix_(head, head)] -= view.head_drop[j]
            Z[head, head] += view.inner_s[j]
        return Z

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

    def training_accuracy(self) -> TrainingAccuracy:
        """Share of the training samples that the optimum classifies right.

        Returns
        -------
        TrainingAccuracy
            Overall, and per class. A t-way tie for the largest logit counts 1/t.
        """
        view, counts = self._groups, self.problem.counts
        per_class = np.empty(counts.K)
        # A class of a head beats the rest of its group; one of a tail ties with all of it.
        alone, all_of_it = np.ones(counts.m), counts.multiplicities.astype(float)
        for chosen, own, ties, alike in (
            (view.in_head, view.head_logit, view.rivals.head_ties, alone),
            (~view.in_head, view.own, view.rivals.tail_ties, all_of_it),
        ):
            beaten = view.rivals.logit > own + LOGIT_TIE * np.abs(own)
            right = np.where(beaten, 0.0, 1.0 / (alike + ties))
            per_class[chosen] = right[counts.group[chosen]]
        return TrainingAccuracy(float(per_class @ counts.n) / counts.N, per_class)

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


@dataclass(frozen=True)
class _GroupView:
    """What a minimiser does to the groups of equal counts.

    A group's head is the classes that its surviving inner modes tell apart, its tail the others,
    which share one mean. Unless `alive` cuts the group's block, one of the two is the whole group.
    """

    problem: Problem
    spectrum: Spectrum
    head_size: NDArray[np.int64]
    """Classes in the head of each group, shape (m,)."""
    inner_s: Array
    """Shrink factor of each group's surviving inner modes, 0 where there are none, shape (m,)."""
    between_s: Array
    """Shrink factor of each between-group mode but the null one, shape (m - 1,)."""
    groups_apart: bool
    """Whether a between-group mode survives: one is enough to tell all groups apart."""

    @classmethod
    def of(cls, minimizer: Minimizer) -> _GroupView:
        problem = minimizer.problem
        size = problem.counts.multiplicities
        start = np.cumsum(size) - size
        # With bias, each group's last mode is the between-group (or null) one.
        inner = np.clip(minimizer.alive - start, 0, size - problem.bias)
        between = np.cumsum(size)[:-1] - 1
        return cls(
            # Not the minimiser: a cycle would keep its arrays until the garbage is collected.
            problem=problem,
            spectrum=minimizer.spectrum,
            head_size=np.where(inner > 0, inner + problem.bias, 0),
            inner_s=np.where(inner > 0, minimizer.s[start], 0.0),
            between_s=minimizer.s[between],
            groups_apart=problem.bias and bool((between < minimizer.alive).any()),
        )

    @cached_property
    def head_drop(self) -> Array:
        """What a head's wrong classes lose: with bias, inner_s / head size."""
        bias = self.problem.bias
        drop: Array = self.inner_s * bias / np.maximum(self.head_size, 1)
        return drop

    @cached_property
    def in_head(self) -> NDArray[np.bool_]:
        """Whether each class is in the head of its group, shape (K,)."""
        counts = self.problem.counts
        size = counts.multiplicities
        sorted_group = np.repeat(np.arange(counts.m), size)
        rank = np.arange(counts.K) - np.repeat(np.cumsum(size) - size, size)
        result = np.empty(counts.K, dtype=bool)
        result[counts.falling_order] = rank < self.head_size[sorted_group]
        return result

    def means(self, group: int) -> str:
        """Say in words what has become of the class means of a group."""
        size = int(self.problem.counts.multiplicities[group])
        head = int(self.head_size[group])
        if head == size or (size == 1 and self.groups_apart):
            return "apart"
        rest = "share one" if self.groups_apart else "are 0"
        return f"{head:,} apart, the others {rest}" if head else rest

    @cached_property
    def _modes(self) -> FilteredModes | None:
        """The between-group modes, as far as they survive; None without a bias."""
        return self.spectrum._filtered(self.between_s) if self.problem.bias else None

    def between(self, chosen: slice) -> Array:
        """Answers to samples of a slice of groups, inner modes apart, shape (rows, m).

        Each row holds the logit of a class of every group a, ``N_a / N + N_a D_ab`` with D of
        `FilteredModes`: the null mode gives the first term. 0 without a bias.
        """
        counts = self.problem.counts
        if self._modes is None:
            return np.zeros((chosen.stop - chosen.start, counts.m))
        logits = self._modes.rows(chosen)
        logits += 1 / counts.N
        logits *= counts.values
        return logits

    @cached_property
    def own(self) -> Array:
        """Logit of a class for samples of its own group, inner modes apart, shape (m,)."""
        counts = self.problem.counts
        if self._modes is None:
            return np.zeros(counts.m)
        logits: Array = (self._modes.diagonal + 1 / counts.N) * counts.values
        return logits

    @property
    def head_logit(self) -> Array:
        """Logit of a class of each group's head for its own samples, shape (m,)."""
        return self.own + (self.inner_s - self.head_drop)

    @cached_property
    def rivals(self) -> _Rivals:
        """The strongest class of another group for the samples of each group."""
        counts = self.problem.counts
        m, size = counts.m, counts.multiplicities
        result = _Rivals(np.zeros(m, dtype=np.int64), *(np.zeros(m) for _ in range(3)))
        for rows in row_chunks(m):
            at = np.arange(rows.start, rows.stop)
            others = self.between(rows)
            others[at - rows.start, at] = -np.inf
            result.group[rows] = strongest = others.argmax(axis=1)
            result.logit[rows] = logit = others[at - rows.start, strongest]
            for own, ties in (
                (self.head_logit[rows], result.head_ties),
                (self.own[rows], result.tail_ties),
            ):
                slack = LOGIT_TIE * np.abs(own)
                close = np.flatnonzero(np.abs(logit - own) <= slack)
                alike = np.abs(others[close] - own[close, None]) <= slack[close, None]
                ties[at[close]] = alike @ size
        return result


class _Rivals(NamedTuple):
    """For the samples of each group: who is strongest among the classes of all other groups."""

    group: NDArray[np.int64]
    """Its group, the first where several tie, shape (m,)."""
    logit: Array
    """Its logit, minus infinity where there is no other group, shape (m,)."""
    head_ties: Array
    """How many such classes tie with a class of the head, if the strongest does, shape (m,)."""
    tail_ties: Array
    """The same with a class of the tail."""


class LocalMinima(Sequence[Minimizer]):
    """The local minima of a problem, made one by one when asked for; see `local_minima`."""

    def __init__(self, problem: Problem, spectrum: Spectrum | None = None) -> None:
        self.problem = require_problem(problem)
        # The spectrum costs most; who has it already, of the same counts, gives it.
        self._spectrum = spectrum or Spectrum(problem.counts, problem.bias)
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
            alive=alive,
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


def collapse_factors(problem: Problem) -> Array:
    """Find the common factor on every lambda at which each mode dies.

    Parameters
    ----------
    problem : Problem
        Class counts, depth, bias, penalties and widths.

    Returns
    -------
    (K,) ndarray
        By mode: in the global minimiser the mode is alive below this factor and dead above it.
        0 where kappa = 0 or the width excludes the mode, and nowhere else.

    Raises
    ------
    TypeError, ValueError
        If `problem` is none, or a factor is too large or too small for a floating-point number.

    Examples
    --------
    >>> problem = Problem([500, 500, 100, 100], depth=1, lambda_W=1e-3, lambda_H=1e-3)
    >>> collapse_factors(problem).round(3)
    array([18.634, 10.758,  8.333,  0.   ])
    """
    power = 1 / (require_problem(problem).depth + 1)
    return value_at_death(problem, "factor on every lambda", 0.0, power)


def value_at_death(problem: Problem, what: str, log_now: float, power: float) -> Array:
    """Find the value at which each mode dies of a thing on whose power theta depends.

    Parameters
    ----------
    problem : Problem
        Class counts, depth, bias, penalties and widths.
    what : str
        Its name, for an error.
    log_now : float
        Logarithm of its value in the problem.
    power : float
        One over the power: theta is proportional to its value to the power ``1 / power``.

    Returns
    -------
    (K,) ndarray
        By mode; 0 where kappa = 0 or the width excludes the mode. Only this has to be a number:
        what is on the way to it stays a logarithm.

    Raises
    ------
    ValueError
        If a value is too large or too small for a floating-point number.
    """
    spectrum = Spectrum(problem.counts, problem.bias)
    gap = shrinkage.log_theta_threshold(problem.depth) - shrinkage.log_theta(
        spectrum.block_kappa, problem
    )
    logarithm = spectrum.expand(log_now + power * gap)
    logarithm[problem.rank_limit :] = -np.inf
    beyond = np.isfinite(logarithm) & ((logarithm < _LOG_RANGE[0]) | (logarithm > _LOG_RANGE[1]))
    if beyond.any():
        mode = int(np.argmax(beyond))
        raise ValueError(
            f"problem has penalties for which no floating-point number holds the {what} at which "
            f"mode {mode} dies: 10 to the power {logarithm[mode] / math.log(10):.6g}"
        )
    values: Array = np.exp(logarithm)
    return values


class TwoClassLimits(NamedTuple):
    """What becomes of the rarer of two classes; see `two_class_limits`.

    Attributes
    ----------
    needed : float
        Share s of the one mode above which the rarer class is classified right.
    wrong : float
        Common factor on every lambda from which on it is misclassified.
    dead : float
        Common factor on every lambda from which on the mode is dead, and the classes merged.
    """

    needed: float
    wrong: float
    dead: float


def two_class_limits(problem: Problem) -> TwoClassLimits:
    """Say when the optimum loses the rarer of two classes, in closed form.

    Parameters
    ----------
    problem : Problem
        Two classes, with a bias.

    Returns
    -------
    TwoClassLimits
        With counts ``n_1 >= n_2`` the rarer class is right while ``s > (1 - n_2/n_1) / 2``. For one
        layer that ends at the share ``N / (2 n_1)`` of the way to the death of the mode; for more,
        s is at least 1/2 while the mode is alive, and both ends are one.

    Raises
    ------
    TypeError, ValueError
        If `problem` is not as described.

    Examples
    --------
    >>> problem = Problem([900, 100], depth=1, lambda_W=1e-3, lambda_H=1e-3)
    >>> needed, wrong, dead = two_class_limits(problem)
    >>> round(needed, 3), round(wrong, 2), round(dead, 2)
    (0.444, 7.45, 13.42)
    """
    if not (require_problem(problem).K == 2 and problem.bias):
        raise ValueError(f"problem must have two classes and a bias; got {problem!r}")
    n_2, n_1 = sorted(problem.counts.n.tolist())
    dead = float(collapse_factors(problem)[0])
    wrong = dead * problem.N / (2 * n_1) if problem.depth == 1 else dead
    return TwoClassLimits((1 - n_2 / n_1) / 2, wrong, dead)
