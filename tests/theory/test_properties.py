"""Hypothesis over random problems: the certificates of a global minimum, and what follows.

200 examples each in the profile `ci`, 2,000 in `thorough` (HYPOTHESIS_PROFILE=thorough).
"""

from math import prod

import numpy as np
from brute_force import (
    flat,
    objective_and_gradient,
    random_start,
    scaled_objective,
)
from hypothesis import assume, given
from hypothesis import strategies as st
from instances import arrays_of, free
from reference import collapse_factors, effective_label_matrix
from scipy.optimize import minimize

import nclib as nc


@st.composite
def problems(draw, depths=(1, 2, 3, 4, 6), largest=40, with_widths=True):
    """Random counts (repeats likely), unequal lambdas, common scale around some mode's death."""
    pool = draw(st.lists(st.integers(1, largest), min_size=1, max_size=4))
    n = draw(st.lists(st.sampled_from(pool), min_size=2, max_size=6))
    depth, bias = draw(st.sampled_from(depths)), draw(st.booleans())
    ratios = draw(st.lists(st.floats(-1.5, 1.5), min_size=depth + 1, max_size=depth + 1))
    lambdas = [float(np.exp(r)) for r in ratios]
    deaths = collapse_factors(tuple(n), depth, bias, tuple(lambdas[:-1]), lambdas[-1])
    deaths = deaths[deaths > 0]
    reach = draw(st.floats(-5.0, 0.7))  # from 0.7 % of a death to twice a death
    factor = deaths[draw(st.integers(0, deaths.size - 1))] * np.exp(reach)
    # one part in a thousand away from every death: ties have tests of their own
    assume(np.abs(np.log(deaths / factor)).min() > 1e-3)
    widths = None
    if with_widths and draw(st.booleans()):
        widths = tuple(draw(st.lists(st.integers(1, 7), min_size=depth, max_size=depth)))
    lambdas = [float(factor * lam) for lam in lambdas]
    return nc.Problem(
        n, depth, bias=bias, lambda_W=lambdas[:-1], lambda_H=lambdas[-1], widths=widths
    )


seeds = st.integers(0, 2**32 - 1)


def product_and_logits(minimizer, seed=0):
    Ws, H_bar, b = minimizer.weights(seed=seed)
    P = Ws[0]
    for W in Ws[1:]:
        P = W @ P
    logits = P @ H_bar + (0 if b is None else b[:, None])
    return P @ H_bar @ np.diag(np.sqrt(minimizer.problem.counts.n)), logits


@given(problems(), seeds)
def test_gradient_is_zero_at_the_weights(record_error, problem, seed):
    """Relative to the data term's parts before the residual makes them cancel."""
    best = nc.global_minimizer(problem)
    point = arrays_of(best, seed)
    f, gradient = objective_and_gradient(point, free(problem))
    norms = [max(np.linalg.norm(a, 2), 1e-300) for a in point[: problem.depth + 1]]
    kappa = best.kappa[0]
    for j, g in enumerate(gradient):
        scale = kappa / problem.N  # of the bias
        if j <= problem.depth and best.alive:
            scale = problem.depth * kappa / problem.N * prod(norms) / norms[j]
            scale += free(problem).penalties[j] * norms[j]
        assert record_error("hypothesis: gradient", np.abs(g).max() / scale, 1e-13)
    assert record_error("hypothesis: objective", abs(f / best.objective - 1), 1e-12)


@given(problems(), seeds)
def test_gradient_of_the_problem_is_zero_at_the_weights(record_error, problem, seed):
    """The library's own gradient, on class means."""
    best = nc.global_minimizer(problem)
    Ws, H_bar, b = best.weights(seed=seed)
    dWs, dH, db = problem.gradient(Ws, H_bar, b)
    sizes = [lam * np.linalg.norm(W) for lam, W in zip(problem.lambda_W, Ws, strict=True)]
    scale = max(best.kappa[0] / problem.N * max(1.0, *map(np.linalg.norm, [*Ws, H_bar])), *sizes)
    largest = max(np.abs(g).max() for g in [*dWs, dH, *([] if db is None else [db])])
    assert record_error("hypothesis: library's gradient", largest / scale, 1e-12)


@given(problems(depths=(1,), with_widths=False))
def test_dual_certificate_at_depth_one(record_error, problem):
    """min 1/(2N) ||Z - Yhat||^2 + tau ||Z||_*: Z is optimal iff (Yhat - Z)/N is tau U1 V1' on
    the support of Z and has spectral norm at most tau. No singular vector of the library is used.
    """
    Z, _ = product_and_logits(nc.global_minimizer(problem))
    tau = np.sqrt(problem.lambda_H * problem.lambda_W[0])
    residual = (effective_label_matrix(problem.counts.n, bias=problem.bias) - Z) / problem.N
    size = max(tau, np.linalg.norm(Z, 2) / problem.N)
    excess = np.linalg.norm(residual, 2) - tau
    assert record_error("hypothesis: dual norm above tau", max(excess, 0) / size, 1e-13)
    U, s, Vt = np.linalg.svd(Z)
    rank = int((s > 1e-9 * problem.N * size).sum())
    assert rank == nc.global_minimizer(problem).alive
    on_support = U[:, :rank].T @ residual @ Vt[:rank].T - tau * np.eye(rank)
    off = [U[:, :rank].T @ residual @ Vt[rank:].T, U[:, rank:].T @ residual @ Vt[:rank].T]
    error = max((np.abs(m).max() for m in (on_support, *off) if m.size), default=0.0)
    # the singular vectors of the weakest alive mode are known to eps size / its own value
    weakest = s[rank - 1] / (problem.N * size) if rank else 1.0
    assert record_error("hypothesis: dual on the support", error * weakest / size, 1e-12)


@given(problems())
def test_objective_is_the_sum_of_scalar_minima_on_a_grid(record_error, problem):
    """A certificate for any depth: no point lies below the sum, and the sum is reached.

    With a width limit r, over the r largest kappa; the others stay at z = 0.
    """
    L, N = problem.depth, problem.N
    Yhat = effective_label_matrix(problem.counts.n, bias=problem.bias)
    kappa = np.linalg.svd(Yhat, compute_uv=False)
    root = (problem.lambda_H * prod(problem.lambda_W)) ** (1 / (L + 1))
    r = min([problem.K, *(problem.widths or ())])
    steps = 4000
    grid = np.linspace(0, 1, steps + 1)[:, None]
    z = grid * kappa[:r]
    values = (kappa[:r] - z) ** 2 / (2 * N) + (L + 1) / 2 * root * z ** (2 / (L + 1))
    total = values.min(axis=0).sum() + (kappa[r:] ** 2).sum() / (2 * N)
    stated = nc.global_minimizer(problem).objective
    assert stated <= total * (1 + 1e-12)
    # Half a step from a minimum in z costs half its curvature, 1/N or less for these concave
    # penalties, times the square: (kappa / 8000)^2 / (2N) a mode at the most.
    allowed = (kappa[:r] ** 2).sum() / (8 * N * steps**2) + 1e-13 * stated
    assert record_error(
        "hypothesis: grid minus objective, of its bound", max(total - stated, 0) / allowed, 1.0
    )


@given(problems(), seeds)
def test_no_random_perturbation_ends_lower(record_error, problem, seed):
    best = nc.global_minimizer(problem)
    point, rng = arrays_of(best, seed), np.random.default_rng(seed)
    labels, instance = free(problem).labels, free(problem)
    for size in (1e-3, 1e-2, 0.1, 1.0):
        moved = [
            a + size * rng.standard_normal(a.shape) * max(np.abs(a).max(), 1e-2) for a in point
        ]
        value, _ = objective_and_gradient(moved, instance, labels)
        lower = max(best.objective - value, 0) / best.objective
        assert record_error("hypothesis: lowered by a perturbation", lower, 1e-13)


@given(problems(largest=12), seeds, st.booleans(), st.floats(-1.0, 1.5))
def test_no_short_descent_ends_lower(record_error, problem, seed, orthogonal, log_scale):
    best, instance = nc.global_minimizer(problem), free(problem)
    fun, _, roots = scaled_objective(instance)
    rank = min(*instance.widths, instance.K)
    start = random_start(
        instance, np.random.default_rng(seed), rank, float(np.exp(log_scale)), orthogonal
    )
    result = minimize(
        fun, flat(start, roots), jac=True, method="L-BFGS-B", options={"maxiter": 150}
    )
    lower = max(best.objective - result.fun, 0) / best.objective
    assert record_error("hypothesis: lowered by a descent", lower, 1e-13)


@given(problems(), seeds)
def test_logits_are_those_of_the_weights(record_error, problem, seed):
    best = nc.global_minimizer(problem)
    _, logits = product_and_logits(best, seed)
    error = np.abs(best.logits() - logits).max()
    assert record_error("hypothesis: logits", error, 1e-12)


@given(problems())
def test_accuracy_is_a_weighted_mean_of_shares(problem):
    best = nc.global_minimizer(problem)
    accuracy = best.training_accuracy()
    assert accuracy.per_class.shape == (problem.K,)
    assert ((accuracy.per_class >= 0) & (accuracy.per_class <= 1)).all()
    weighted = (problem.counts.n * accuracy.per_class).sum() / problem.N
    assert abs(accuracy.overall - weighted) < 1e-14
    if problem.depth >= 2 and problem.bias and best.alive == problem.K - 1:
        assert accuracy.overall == 1.0


@given(problems())
def test_merged_classes_are_disjoint_and_share_logits_and_accuracy(problem):
    best = nc.global_minimizer(problem)
    sets = best.merged_classes()
    members = [k for group in sets for k in group]
    assert len(members) == len(set(members))
    assert all(len(group) >= 2 for group in sets)
    assert set(members) <= set(range(problem.K))
    Z, accuracy = best.logits(), best.training_accuracy().per_class
    for group in sets:
        columns = Z[:, list(group)]
        assert np.abs(columns - columns[:, :1]).max() < 1e-13
        # one output for t classes: their shares of it sum to at most one
        assert accuracy[list(group)].sum() <= 1 + 1e-12
    if best.alive >= problem.K - problem.bias:
        assert sets == ()


@given(problems())
def test_order_of_the_classes_does_not_matter(record_error, problem):
    """The same classes sorted by count: the same values, and permuted logits where unique."""
    order = np.argsort(-problem.counts.n, kind="stable")
    other = nc.Problem(
        problem.counts.n[order],
        problem.depth,
        bias=problem.bias,
        lambda_W=problem.lambda_W,
        lambda_H=problem.lambda_H,
        widths=problem.widths,
    )
    first, second = nc.global_minimizer(problem), nc.global_minimizer(other)
    np.testing.assert_array_equal(first.s, second.s)
    assert first.objective == second.objective
    error = np.abs(first.logits()[np.ix_(order, order)] - second.logits()).max()
    assert record_error("hypothesis: permuted classes", error, 1e-13)


@given(problems(depths=(2, 3, 6)))
def test_local_minima_fall_to_the_global_one_and_rise_after_it(problem):
    """The one rule is a sum over modes, so the objective falls while modes are worth keeping."""
    minima = list(nc.local_minima(problem))
    best = nc.global_minimizer(problem)
    objectives = [m.objective for m in minima]
    assert best.objective == min(objectives)
    assert [m.alive for m in minima if m.is_global] == [best.alive]
    differences = np.diff(objectives)
    assert (differences[: best.alive] < 0).all()
    assert (differences[best.alive :] > 0).all()
