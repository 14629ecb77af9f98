"""What the proofs are tried on: random problems, random points of them, and what these cost.

What a point costs is written out in the simplest way, matrix by matrix, and knows nothing of the
closed forms. Only the last two steps of `walk` ask for these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nclib.theory import (
    ClassCounts,
    Problem,
    Spectrum,
    effective_label_matrix,
    global_minimizer,
    scalar_objective,
)

__all__ = [
    "class_means",
    "f_hat",
    "holds",
    "misfit",
    "penalty",
    "product",
    "random_point",
    "random_problem",
    "singular_values",
    "turn",
    "walk",
    "weighted_means",
]

Matrix = NDArray[np.float64]


def random_problem(
    rng: np.random.Generator, depth: int | None = None, bias: bool = True
) -> Problem:
    """Draw a small problem.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where the numbers come from.
    depth : int, optional
        Number of layers; one to four, drawn, if it is not given.
    bias : bool
        Whether there is a bias.

    Returns
    -------
    Problem
        Two to five classes of one to six samples each; every penalty is drawn by itself.
    """
    counts = ClassCounts(rng.integers(1, 7, rng.integers(2, 6)))
    depth = depth or int(rng.integers(1, 5))
    lam = rng.uniform(0.01, 1, depth + 1)
    return Problem(counts, depth, bias=bias, lambda_W=tuple(lam[:-1]), lambda_H=lam[-1])


def random_point(
    rng: np.random.Generator, problem: Problem
) -> tuple[list[Matrix], Matrix, Matrix | None]:
    """Draw layers, a feature for every sample and a bias; no two features are equal.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where the numbers come from.
    problem : Problem
        Of K classes and N samples; its widths are not looked at, all layers are K x K.

    Returns
    -------
    Ws : list of ndarray of shape (K, K)
        The layers, the first one first.
    H : ndarray of shape (K, N)
        The features.
    b : ndarray of shape (K,) or None
        The bias, if the problem has one.
    """
    K, depth = problem.K, problem.depth
    Ws = [rng.standard_normal((K, K)) / np.sqrt(K) for _ in range(depth)]
    H = rng.standard_normal((K, problem.N))
    return Ws, H, rng.standard_normal(K) if problem.bias else None


def holds(name: str, errors: Sequence[float], allowed: float = 1e-12) -> None:
    """Print whether no error exceeds what is allowed.

    Parameters
    ----------
    name : str
        What was compared.
    errors : sequence of float
        An error for each instance.
    allowed : float
        What all of them must be below.
    """
    verdict = "holds" if max(errors) < allowed else "FAILS"
    print(f"{name}: {verdict} to {allowed:g} on {len(errors)} instances")


def turn(degrees: float) -> Matrix:
    """Return the 2 x 2 rotation by an angle in degrees.

    Parameters
    ----------
    degrees : float
        The angle, against the clock.

    Returns
    -------
    ndarray of shape (2, 2)
        The rotation.
    """
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s], [s, c]])


def product(Ws: Sequence[ArrayLike]) -> Matrix:
    """Multiply the layers to the head ``W_L ... W_1``.

    Parameters
    ----------
    Ws : sequence of array_like
        The layers, the first one first.

    Returns
    -------
    ndarray of shape (K, d_0)
        Their product.
    """
    P = np.asarray(Ws[0])
    for W in Ws[1:]:
        P = np.asarray(W) @ P
    return P


def class_means(problem: Problem, H: ArrayLike) -> Matrix:
    """Return the mean of the features of each class.

    Parameters
    ----------
    problem : Problem
        Of K classes and N samples.
    H : array_like of shape (d, N)
        The features, those of the first class first.

    Returns
    -------
    ndarray of shape (d, K)
        The class means.
    """
    n = problem.counts.n
    means: Matrix = np.add.reduceat(np.asarray(H), np.cumsum(n) - n, axis=1) / n
    return means


def weighted_means(problem: Problem, H: ArrayLike) -> Matrix:
    """Return E: the class means, less the global mean if there is a bias, times sqrt(n_k).

    Parameters
    ----------
    problem : Problem
        Of K classes and N samples.
    H : array_like of shape (d, N)
        The features, those of the first class first.

    Returns
    -------
    ndarray of shape (d, K)
        The matrix E.
    """
    n, means = problem.counts.n, class_means(problem, H)
    if problem.bias:
        means = means - (means @ n / problem.N)[:, None]
    return means * np.sqrt(n)


def singular_values(Z: ArrayLike) -> Matrix:
    """Return the singular values of a matrix, the largest first, and 0 for what is rounding.

    Parameters
    ----------
    Z : array_like of shape (m, n)
        The matrix.

    Returns
    -------
    ndarray of shape (min(m, n),)
        Its singular values.
    """
    z = np.linalg.svd(np.asarray(Z), compute_uv=False)
    return np.where(z > 1e-12 * z[0], z, 0.0)


def misfit(problem: Problem, Z: ArrayLike) -> float:
    """Return the first term of f_hat: the squared distance of Z from the labels over 2 N.

    Parameters
    ----------
    problem : Problem
        Of K classes and N samples.
    Z : array_like of shape (K, K)
        What the head makes of E.

    Returns
    -------
    float
        ``||Z - Y_hat||_F^2 / (2 N)``.
    """
    Y_hat = effective_label_matrix(problem.counts, bias=problem.bias)
    return float(np.sum((np.asarray(Z) - Y_hat) ** 2) / (2 * problem.N))


def penalty(problem: Problem, Ws: Sequence[ArrayLike], E: ArrayLike) -> float:
    """Return what layers and features pay.

    Parameters
    ----------
    problem : Problem
        Whose penalties count.
    Ws : sequence of array_like
        The layers, the first one first.
    E : array_like of shape (d_0, K)
        The matrix E.

    Returns
    -------
    float
        Half of every squared Frobenius norm times its penalty, summed.
    """
    squares = [float(np.sum(np.asarray(W) ** 2)) for W in Ws]
    weights = np.dot(problem.lambda_W, squares)
    return float(weights + problem.lambda_H * np.sum(np.asarray(E) ** 2)) / 2


def f_hat(problem: Problem, Ws: Sequence[ArrayLike], E: ArrayLike) -> float:
    """Return the core of the objective, misfit and penalty.

    Parameters
    ----------
    problem : Problem
        Of K classes and N samples.
    Ws : sequence of array_like
        The layers, the first one first.
    E : array_like of shape (d_0, K)
        The matrix E.

    Returns
    -------
    float
        The value of f_hat.
    """
    return misfit(problem, product(Ws) @ np.asarray(E)) + penalty(problem, Ws, E)


def walk(problem: Problem, Ws: Any, H: ArrayLike, b: ArrayLike | None) -> dict[str, float]:
    """Walk from a point to the optimum in the five steps of the proof.

    Parameters
    ----------
    problem : Problem
        Of K classes and N samples.
    Ws, H, b
        The point: layers, features of all samples, bias.

    Returns
    -------
    dict of str to float
        The objective of the point, and after each step, under the name of the step.
    """
    parts = problem.split(Ws, H, b)
    Z = product(Ws) @ weighted_means(problem, H)
    z = singular_values(Z)
    price = scalar_objective(z, z, problem).sum()  # no misfit
    kappa = Spectrum(problem.counts, bias=problem.bias).kappa
    alone = scalar_objective(z, kappa, problem).sum()
    return {
        "a random point": problem.objective(Ws, H, b),
        "1  every sample to its class mean": sum(parts) - parts.spread,
        "2  best bias, global mean 0": parts.core,
        "3  cheapest factors of Z": misfit(problem, Z) + price,
        "4  Z turned to the labels": alone,
        "5  every mode at its best": global_minimizer(problem).objective,
    }
