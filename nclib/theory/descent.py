"""Minimise the model by gradient over free weights, features and bias, to compare with the theory.

Nothing here knows the closed form but the report at the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nclib._checks import as_whole, choice, generator, positive
from nclib._records import Record
from nclib.theory.minimizer import Minimizer, global_minimizer, require_minimizer
from nclib.theory.problem import Problem, require_problem
from nclib.theory.spectrum import Spectrum

Array = NDArray[np.float64]

Method = Literal["lbfgs", "gradient"]

_GRADIENT_TOLERANCE = 1e-9
"""Largest entry of the gradient at which a descent stops.

In the scaled variables every penalty has curvature 1, so the objective is then within about the
square of this from its limit.
"""

_SWEEP_TOLERANCE = 1e-5
"""The same for each stage of a sweep, relative to the size of a solution.

Much smaller gradients lower the objective by less than its rounding.
"""


@dataclass(frozen=True, eq=False, repr=False)
class Descent(Record):
    """The best of several descents, with its path.

    Attributes
    ----------
    problem : Problem
        What was minimised.
    best : Minimizer
        The closed form to compare with.
    Ws : list of L ndarray
        Final weights ``[W_1, ..., W_L]``.
    H : (d_0, N) or (d_0, K) ndarray
        Final features, or class means where those were the variables.
    b : (K,) ndarray or None
        Final bias.
    objective : float
        Final value: the lowest of all starts.
    objectives : (starts,) ndarray
        Final value of every start.
    path : DescentPath
        What the best start passed on its way.
    """

    problem: Problem
    best: Minimizer
    Ws: list[Array]
    H: Array
    b: Array | None
    objective: float
    objectives: Array
    path: DescentPath

    @property
    def gap(self) -> float:
        """How far the objective lies above the closed-form minimum."""
        return self.objective - self.best.objective

    @property
    def stuck(self) -> tuple[int, ...]:
        """Modes at zero that the global minimiser keeps alive.

        For two or more layers zero is a local minimum of every mode, at every lambda: a start too
        small ends there, and no descent leaves it. A mode counts as being at zero when its part of
        the prediction is under a thousandth of what the global minimiser gives it.
        """
        reached = self.path.z[-1]
        at_zero = self.best.survives & (reached < 1e-3 * self.best.z)
        return tuple(np.flatnonzero(at_zero).tolist())

    def weights(
        self, seed: int | np.random.Generator = 0
    ) -> tuple[list[Array], Array, Array | None]:
        """Return the final weights, features and bias, as a minimiser does; nothing is drawn."""
        return self.Ws, self.H, self.b

    def __repr__(self) -> str:
        stuck = f", modes stuck at zero: {list(self.stuck)}" if self.stuck else ""
        return (
            f"Descent(objective={self.objective:.6g}, gap={self.gap:.1e}, "
            f"starts={self.objectives.size}, steps={self.path.step[-1]}{stuck})"
        )


@dataclass(frozen=True, eq=False, repr=False)
class DescentPath(Record):
    """Snapshots of a descent at its recorded steps.

    Attributes
    ----------
    step : (T,) ndarray of int
        Numbers of the recorded steps, from 0; every step at first, then ever fewer.
    objective : (T,) ndarray
        Value of the objective.
    z : (T, K) ndarray
        Singular values of the centred prediction ``P Hbar D``, falling.
    variability : (T,) ndarray
        Mean squared distance of the features from their class mean, relative to the mean squared
        feature: 0 when variability has collapsed.
    """

    step: NDArray[np.int64]
    objective: Array
    z: Array
    variability: Array

    def __repr__(self) -> str:
        return (
            f"DescentPath({self.step.size} snapshots up to step {self.step[-1]}, "
            f"objective {self.objective[0]:.6g} to {self.objective[-1]:.6g})"
        )


@dataclass(frozen=True, eq=False, repr=False)
class LambdaSweep(Record):
    """What gradient steps held on to while every lambda moved; see `sweep_lambdas`.

    Attributes
    ----------
    factors : (T,) ndarray
        The common factors on every lambda, in the order in which they were taken.
    z : (T, K) ndarray
        Singular values of the centred prediction ``P Hbar D`` where the descent at each factor
        ended, falling.
    objective : (T,) ndarray
        Objective there, of the problem with that factor.
    """

    factors: Array
    z: Array
    objective: Array

    def __repr__(self) -> str:
        ends = f" from {self.factors[0]:g} to {self.factors[-1]:g}" if self.factors.size else ""
        return f"LambdaSweep({self.factors.size} factors{ends})"


def sweep_lambdas(
    start: Minimizer | Descent,
    factors: Iterable[float],
    *,
    kick: float = 1e-3,
    seed: int | np.random.Generator = 0,
    learning_rate: float = 1.0,
    max_steps: int = 10_000,
) -> LambdaSweep:
    """Follow a minimum by gradient steps while every lambda is multiplied by one factor.

    Parameters
    ----------
    start : Minimizer or Descent
        Where to begin: any local minimum, or where a descent on class means has ended.
    factors : iterable of float
        Positive factors on every lambda of the problem of `start`, one after the other. Each
        descent goes on from where the last one ended.
    kick : float, default 1e-3
        Size of a random push before each descent, relative to the size of a solution, so that
        nothing stays at a saddle.
    seed : int or numpy.random.Generator, default 0
        Draws the pushes.
    learning_rate, max_steps
        As for `descend`; the steps are those of each factor.

    Returns
    -------
    LambdaSweep

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    The mode of two classes dies at a factor of 1, but lives on till 1.19 for two layers:

    >>> from nclib import collapse_factors, local_minima
    >>> unit = Problem([2, 1], depth=2, lambda_W=1, lambda_H=1)
    >>> death = collapse_factors(unit)[0]
    >>> problem = Problem([2, 1], depth=2, lambda_W=death, lambda_H=death)
    >>> sweep_lambdas(local_minima(problem)[1], [1.0, 1.18, 1.21]).z[:, 0].round(2)
    array([0.58, 0.35, 0.  ])
    """
    if not isinstance(start, Descent):
        require_minimizer("start", start, " or a Descent")
    kick, learning_rate = positive("kick", kick), positive("learning_rate", learning_rate)
    max_steps = as_whole("max_steps", max_steps, 1)
    taken = [positive("factors", factor) for factor in factors]
    rng, problem = generator(seed), start.problem
    Ws, H, b = start.weights(rng)
    if H.shape[1] != problem.K:
        raise ValueError("start must be a descent with class_means=True; got one on all features")
    z, objective = np.empty((len(taken), problem.K)), np.empty(len(taken))
    for place, factor in enumerate(taken):
        variables = _Variables(
            replace(
                problem,
                lambda_W=tuple(factor * lam for lam in problem.lambda_W),
                lambda_H=factor * problem.lambda_H,
            ),
            problem.K,
        )
        theta = variables.pack(Ws, H, b)
        theta += kick * variables.size / math.sqrt(problem.K) * rng.standard_normal(theta.size)
        _require_finite("kick", kick, variables, theta)
        recorder = _Recorder(variables)
        tolerance = _SWEEP_TOLERANCE * variables.size
        _gradient_steps(variables, theta, max_steps, learning_rate, recorder, tolerance)
        Ws, H, b = variables.unpack(recorder.last)
        path = recorder.path()
        z[place], objective[place] = path.z[-1], path.objective[-1]
    return LambdaSweep(np.array(taken), z, objective)


def descend(
    problem: Problem,
    starts: int = 5,
    seed: int | np.random.Generator = 0,
    *,
    method: Method = "lbfgs",
    scale: float = 1.0,
    learning_rate: float = 0.1,
    max_steps: int = 10_000,
    class_means: bool = False,
) -> Descent:
    """Minimise the model over free features by gradient, from several random starts.

    Parameters
    ----------
    problem : Problem
        Where it sets no widths, every inner dimension is K.
    starts : int, default 5
        Number of random starts; the best end is returned.
    seed : int or numpy.random.Generator, default 0
        Draws the starts.
    method : {"lbfgs", "gradient"}, default "lbfgs"
        scipy's L-BFGS, which is fast but may jump over barriers, or plain gradient steps, which
        follow the slope.
    scale : float, default 1.0
        Size of the start: the singular values of each layer, relative to those of a solution that
        fits the labels.
    learning_rate : float, default 0.1
        Of plain gradient steps, relative to one over the curvature of the stiffest direction at a
        solution. Halved whenever a step would raise the objective.
    max_steps : int, default 10000
        Largest number of steps of each start.
    class_means : bool, default False
        Use one feature per class instead of one per sample: the same minima, with far fewer
        variables.

    Returns
    -------
    Descent

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    >>> found = descend(Problem([3, 2, 1], depth=1, lambda_W=0.01, lambda_H=0.01))
    >>> found.gap < 1e-9, found.stuck
    (True, ())
    """
    require_problem(problem)
    starts = as_whole("starts", starts, 1)
    max_steps = as_whole("max_steps", max_steps, 1)
    choice("method", method, Method)
    scale, learning_rate = positive("scale", scale), positive("learning_rate", learning_rate)
    variables = _Variables(problem, problem.K if class_means else problem.N)
    rng = generator(seed)
    best_value, best_recorder = math.inf, None
    objectives = np.empty(starts)
    for start in range(starts):
        recorder = _Recorder(variables)
        theta = variables.random(rng, scale)
        _require_finite("scale", scale, variables, theta)
        recorder(theta)
        if method == "lbfgs":
            _lbfgs(variables, theta, max_steps, recorder)
        else:
            _gradient_steps(variables, theta, max_steps, learning_rate, recorder)
        objectives[start] = variables.value_and_gradient(recorder.last)[0]
        if best_recorder is None or objectives[start] < best_value:
            best_value, best_recorder = objectives[start], recorder
    assert best_recorder is not None
    Ws, H, b = variables.unpack(best_recorder.last)
    return Descent(
        problem=problem,
        best=global_minimizer(problem),
        Ws=Ws,
        H=H,
        b=b,
        objective=float(best_value),
        objectives=objectives,
        path=best_recorder.path(),
    )


def _require_finite(name: str, value: float, variables: _Variables, theta: Array) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        objective, gradient = variables.value_and_gradient(theta)
    if not (math.isfinite(objective) and np.isfinite(gradient).all()):
        raise ValueError(f"{name} must leave the objective finite; got {value!r}")


class _Variables:
    """All variables as one vector, scaled so that every penalty is half a sum of squares.

    The scaling makes the curvatures of the layers and of the features alike, which is what a
    first-order method needs when lambda_W and lambda_H differ by orders of magnitude.
    """

    def __init__(self, problem: Problem, columns: int) -> None:
        self.problem = problem
        widths = problem.widths or (problem.K,) * problem.depth
        self.shapes = list(zip((*widths[1:], problem.K), widths, strict=True))
        self.shapes.append((widths[0], columns))
        samples = problem.counts.n if columns == problem.K else np.ones(1)
        self.scales = [np.full(1, np.sqrt(lam)) for lam in problem.lambda_W]
        self.scales.append(np.sqrt(problem.lambda_H * samples))
        kappa = Spectrum(problem.counts, bias=problem.bias).kappa[0]
        # Singular value of each scaled factor when all are alike and their product is kappa.
        self.size = math.exp((problem.log_Lambda / 2 + math.log(kappa)) / (problem.depth + 1))
        self.stiffness = 1 + (problem.depth + 1) * (kappa / self.size) ** 2 / problem.N

    def random(self, rng: np.random.Generator, scale: float) -> Array:
        """Orthonormal layers and Gaussian features of a given size, no bias."""
        parts = []
        for rows, columns in self.shapes[:-1]:
            tall = rng.standard_normal((max(rows, columns), min(rows, columns)))
            basis = np.linalg.qr(tall)[0]
            parts.append(basis if rows >= columns else basis.T)
        rows = self.shapes[-1][0]
        parts.append(rng.standard_normal(self.shapes[-1]) / np.sqrt(max(rows, self.problem.K)))
        theta = scale * self.size * np.concatenate([part.ravel() for part in parts])
        return np.append(theta, np.zeros(self.problem.K)) if self.problem.bias else theta

    def unpack(self, theta: Array) -> tuple[list[Array], Array, Array | None]:
        """Split into weights, features and bias in their own units."""
        parts = []
        start = 0
        for shape, scale in zip(self.shapes, self.scales, strict=True):
            size = math.prod(shape)
            parts.append(theta[start : start + size].reshape(shape) / scale)
            start += size
        return parts[:-1], parts[-1], theta[start:] if self.problem.bias else None

    def pack(self, Ws: list[Array], H: Array, b: Array | None) -> Array:
        """Join weights, features and bias in their own units: the inverse of `unpack`."""
        arrays = zip([*Ws, H], self.scales, strict=True)
        parts = [(scale * array).ravel() for array, scale in arrays]
        return np.concatenate(parts if b is None else [*parts, b])

    def value_and_gradient(self, theta: Array) -> tuple[float, Array]:
        Ws, H, b = self.unpack(theta)
        value, dWs, dH, db = self.problem.value_and_gradient(Ws, H, b)
        pieces = [(d / scale).ravel() for d, scale in zip([*dWs, dH], self.scales, strict=True)]
        if db is not None:
            pieces.append(db)
        return value, np.concatenate(pieces)


class _Recorder:
    """Keeps the last point and, at ever rarer steps, a snapshot of the path."""

    def __init__(self, variables: _Variables) -> None:
        self.variables = variables
        self.taken = -1
        self.next = 0
        self.snapshots: list[tuple[int, float, NDArray[np.floating], float]] = []

    def __call__(self, theta: Array) -> None:
        self.last = theta.copy()
        self.taken += 1
        if self.taken >= self.next:
            self._snapshot()
            self.next = math.ceil(1.1 * self.taken)

    def _snapshot(self) -> None:
        problem = self.variables.problem
        Ws, H, b = self.variables.unpack(self.last)
        n = problem.counts.n
        means, variability = H, 0.0
        if H.shape[1] != problem.K:
            starts = np.cumsum(n) - n
            means = np.add.reduceat(H, starts, axis=1) / n
            within = H - np.repeat(means, n, axis=1)
            variability = float(np.sum(within**2) / np.sum(H**2))
        if problem.bias:
            means = means - (means @ n / problem.N)[:, None]
        prediction = means * np.sqrt(n)
        for W in Ws:
            prediction = W @ prediction
        z = np.linalg.svd(prediction, compute_uv=False)
        self.snapshots.append((self.taken, problem.objective(Ws, H, b), z, variability))

    def path(self) -> DescentPath:
        if self.snapshots[-1][0] != self.taken:
            self._snapshot()
        step, objective, z, variability = zip(*self.snapshots, strict=True)
        return DescentPath(np.array(step), np.array(objective), np.array(z), np.array(variability))


def _lbfgs(
    variables: _Variables, theta: Array, max_steps: int, record: Callable[[Array], None]
) -> None:
    from scipy.optimize import minimize

    minimize(
        variables.value_and_gradient,
        theta,
        jac=True,
        method="L-BFGS-B",
        callback=record,
        options={
            "maxiter": max_steps,
            "maxfun": 10 * max_steps,
            "ftol": 0.0,
            "gtol": _GRADIENT_TOLERANCE,
        },
    )


def _gradient_steps(
    variables: _Variables,
    theta: Array,
    max_steps: int,
    learning_rate: float,
    record: Callable[[Array], None],
    tolerance: float = _GRADIENT_TOLERANCE,
) -> None:
    rate = learning_rate / variables.stiffness
    value, gradient = variables.value_and_gradient(theta)
    for _ in range(max_steps):
        trial = theta - rate * gradient
        trial_value, trial_gradient = variables.value_and_gradient(trial)
        while not trial_value <= value and rate > 0:
            # Too long a step from a large start: halve it for good.
            rate /= 2
            trial = theta - rate * gradient
            trial_value, trial_gradient = variables.value_and_gradient(trial)
        theta, value, gradient = trial, trial_value, trial_gradient
        record(theta)
        if np.abs(gradient).max() <= tolerance:
            return
