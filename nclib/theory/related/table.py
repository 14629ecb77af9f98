"""Many relatives at once: what figures, explorables and the table of properties draw and say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from nclib._checks import generator
from nclib._records import Record
from nclib.theory.counts import ClassCounts, as_counts
from nclib.theory.related.models import RELATIVES, rare_merger, relative_optimum
from nclib.theory.related.portraits import Portrait, portrait

Array = NDArray[np.float64]

_BEFORE = 1 - 1e-5
"""How far before the merger of the rare classes they are looked at, as a share of lambda."""


@dataclass(frozen=True, eq=False, repr=False)
class Traits(Record):
    """Measured properties of a model, of which a table can say yes or no; made by `traits`.

    Attributes
    ----------
    spread : float
        Largest distance of a feature from its class mean, over the longest class mean, after a
        descent in which every feature was free.
    excess : float
        How far that descent ended above the optimum, relative to it.
    etf_equal, etf_unequal : float
        Distance of the class means from the simplex, `Portrait.etf_error`, for equal and for
        unequal counts.
    aligned_equal, aligned_unequal : float
        Smallest cosine of a classifier and its class mean.
    before_merger : float
        Distance of two rare class means over the longest class mean, just before they merge: near 0
        where classes come together gradually, and not near 0 where they jump.
    bias_equal, bias_unequal : float
        Change of the Gram matrix of the class means, scaled to length 1, where the bias is added or
        taken away; NaN where that model is not known.
    depth_unequal : float
        The same where the depth changes, NaN where that model is not known.
    certificate : float
        0 for a closed form, else the duality gap that was reached.
    """

    spread: float
    excess: float
    etf_equal: float
    etf_unequal: float
    aligned_equal: float
    aligned_unequal: float
    before_merger: float
    bias_equal: float
    bias_unequal: float
    depth_unequal: float
    certificate: float


def portraits_over(key: str, counts: ClassCounts, lambdas: Iterable[float]) -> Iterator[Portrait]:
    """Yield the portrait of a relative's optimum for each common value of every lambda.

    Parameters
    ----------
    key, counts
        As for `relative_optimum`.
    lambdas : iterable of float

    Yields
    ------
    Portrait

    Examples
    --------
    >>> [seen.merged.sum() for seen in portraits_over("squared, bias", [9, 9, 1, 1], [0.04, 0.06])]
    [np.int64(0), np.int64(2)]
    """
    for lam in lambdas:
        yield portrait(relative_optimum(key, counts, lam))


def traits(key: str, equal: ClassCounts, unequal: ClassCounts) -> Traits:
    """Measure the properties of a model on two sets of counts.

    Parameters
    ----------
    key : str
        Of `RELATIVES`.
    equal, unequal : ClassCounts
        As many classes each; the second with two classes of its smallest count.

    Returns
    -------
    Traits
        At half of the lambda at which the rare classes merge.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    >>> found = traits("deep, bias", [30] * 4, [30, 30, 5, 5])
    >>> found.etf_equal < 1e-9, found.etf_unequal > 0.1, found.before_merger > 0.5
    (True, True, True)
    """
    equal, unequal = as_counts(equal), as_counts(unequal)
    relative, merger = RELATIVES[key], rare_merger(key, unequal)
    lam = merger / 2
    low = portrait(relative_optimum(key, equal, lam))
    best = relative_optimum(key, unequal, lam)
    seen = portrait(best)
    spread, excess = free_descent(key, unequal, lam)
    last = portrait(relative_optimum(key, unequal, _BEFORE * merger))
    rare = np.flatnonzero(unequal.n == unequal.n.min())[:2]
    apart = float(np.linalg.norm(np.diff(last.means[:, rare], axis=1)))
    return Traits(
        spread=spread,
        excess=excess,
        etf_equal=low.etf_error,
        etf_unequal=seen.etf_error,
        aligned_equal=float(low.alignment.min()),
        aligned_unequal=float(seen.alignment.min()),
        before_merger=apart / float(last.mean_lengths.max()),
        bias_equal=_change(relative.twin, low, equal, lam),
        bias_unequal=_change(relative.twin, seen, unequal, lam),
        depth_unequal=_change(relative.deeper, seen, unequal, lam),
        certificate=best.certificate,
    )


def free_descent(
    key: str, counts: ClassCounts, lam: float, seed: int | np.random.Generator = 0
) -> tuple[float, float]:
    """Go down with every feature free, and look how far features of a class end from each other.

    Parameters
    ----------
    key, counts, lam
        As for `relative_optimum`.
    seed : int or numpy.random.Generator, default 0
        Draws what is added to the start, layers and features of one axis a class. (From a small
        random start a deep head may end in another of its local minima.)

    Returns
    -------
    spread, excess : float
        As for `Traits`.

    Examples
    --------
    >>> spread, excess = free_descent("cross-entropy, bias", [6, 4, 3], 0.05)
    >>> spread < 1e-5, abs(excess) < 1e-9
    (True, True)
    """
    counts = as_counts(counts)
    relative, rng = RELATIVES[key], generator(seed)
    problem = relative.problem(counts, lam)
    K, N, L = counts.K, counts.N, problem.depth
    classes = np.repeat(np.arange(K), counts.n)
    parts = [np.eye(K)] * L + [np.eye(K)[:, classes]] + [np.zeros(K)] * relative.bias
    noisy = [part + 0.1 * rng.standard_normal(part.shape) for part in parts]
    cuts = np.cumsum([part.size for part in parts])[:-1]

    def unpacked(x: Array) -> tuple[list[Array], Array, Array | None]:
        arrays = [
            piece.reshape(part.shape) for piece, part in zip(np.split(x, cuts), parts, strict=True)
        ]
        return arrays[:L], arrays[L], arrays[L + 1] if relative.bias else None

    def function(x: Array) -> tuple[float, Array]:
        variables = unpacked(x)
        dWs, dH, db = problem.gradient(*variables)
        slopes = [*dWs, dH] if db is None else [*dWs, dH, db]
        return problem.objective(*variables), np.concatenate([one.ravel() for one in slopes])

    start = np.concatenate([part.ravel() for part in noisy])
    low = np.full(start.size, -np.inf)
    if getattr(problem, "non_negative", False):
        first = L * K * K
        low[first : first + K * N] = 0.0
    found = minimize(
        function,
        np.maximum(start, low),
        jac=True,
        method="L-BFGS-B",
        bounds=np.stack([low, np.full(start.size, np.inf)], axis=1),
        options={"maxiter": 20_000, "maxfun": 40_000, "ftol": 1e-16, "gtol": 1e-11},
    )
    _, H, _ = unpacked(found.x)
    means = np.stack([H[:, classes == k].mean(axis=1) for k in range(K)], axis=1)
    off = np.linalg.norm(H - means[:, classes], axis=0)
    best = relative_optimum(key, counts, lam).objective
    return float(off.max() / np.linalg.norm(means, axis=0).max()), float(found.fun / best - 1)


def _change(other: str | None, seen: Portrait, counts: ClassCounts, lam: float) -> float:
    if other is None:
        return float("nan")
    changed = portrait(relative_optimum(other, counts, lam))
    return float(np.linalg.norm(_shape(changed) - _shape(seen)))


def _shape(seen: Portrait) -> Array:
    """Gram matrix of the class means, scaled to length 1."""
    gram = seen.means.T @ seen.means
    return np.asarray(gram / np.linalg.norm(gram))
