"""The layer-peeled model against a minimiser over head and features that knows only the bounds."""

import numpy as np
import pytest
from scipy.optimize import brentq, minimize
from scipy.special import logsumexp, softmax

import nclib as nc
from nclib.theory.related import (
    collapse_bound,
    constrained_minimizer,
    layer_peeled_problem,
    minority_collapse_ratio,
    norm_bounds,
)


def brute_force(n, E_W, E_H, weight=None, width=None, starts=3):
    """Least cross-entropy with |W|^2 = K E_W and sum d^2 |h|^2 = E_H sum d^2, by L-BFGS.

    The bounds are met with equality: longer vectors never raise the least loss.
    """
    n = np.asarray(n, dtype=float)
    d = np.ones(n.size) if weight is None else np.sqrt(weight)
    K, r = n.size, width or n.size
    lengths = np.sqrt(K * E_W), np.sqrt(E_H * (d @ d))

    def parts(x):
        halves = x[: K * r].reshape(K, r), x[K * r :].reshape(r, K)
        return [
            size * part / np.linalg.norm(part) for size, part in zip(lengths, halves, strict=True)
        ], [np.linalg.norm(part) for part in halves]

    def value(x):
        (W, E), norms = parts(x)
        Z = W @ E / d
        loss = n @ (logsumexp(Z, axis=0) - np.diag(Z)) / n.sum()
        back = (softmax(Z, axis=0) - np.eye(K)) * n / n.sum() / d
        slopes = []
        for part, slope, size, norm in zip(
            (W, E), (back @ E.T, W.T @ back), lengths, norms, strict=True
        ):
            slopes.append((slope - part * np.vdot(part, slope) / size**2) * size / norm)
        return loss, np.concatenate([slope.ravel() for slope in slopes])

    options = {"maxiter": 30_000, "maxfun": 90_000, "ftol": 0, "gtol": 1e-12, "maxcor": 30}
    found = [
        minimize(
            value,
            np.random.default_rng(seed).standard_normal(2 * K * r),
            jac=True,
            method="L-BFGS-B",
            options=options,
        )
        for seed in range(starts)
    ]
    best = min(found, key=lambda result: result.fun)
    (W, E), _ = parts(best.x)
    return best.fun, W, E / d


CASES = [((30, 30, 3, 3), 1.0, 4.0), ((8, 5, 1), 0.7, 2.0), ((500, 20, 20, 1, 1), 1.0, 9.0)]


@pytest.mark.parametrize(("n", "E_W", "E_H"), CASES)
def test_the_optimum_under_bounds_is_that_of_free_factors(n, E_W, E_H, record_error):
    best = constrained_minimizer(layer_peeled_problem(n), E_W=E_W, E_H=E_H)
    value, W, H = brute_force(n, E_W, E_H)
    assert value >= best.objective * (1 - best.certificate) * (1 - 1e-12)
    error = abs(value / best.objective - 1)
    assert record_error("layer-peeled: loss of free factors", error, 1e-8)
    error = np.abs(W @ H - best.optimum.logits()).max()
    assert record_error("layer-peeled: logits of free factors", error, 1e-3)
    assert best.certificate < 1e-9


@pytest.mark.parametrize("bias", ["none", "free"])
def test_bounds_for_the_papers_own_model(bias):
    """Features that are counted for every sample; with a bias the loss is no larger."""
    n = (30, 30, 3)
    problem = nc.LossProblem(n, nc.CrossEntropy(), bias=bias, lambda_W=1, lambda_H=1)
    best = constrained_minimizer(problem, E_W=1, E_H=2)
    value, _, _ = brute_force(n, 1, 2, weight=n)
    if bias == "none":
        assert value == pytest.approx(best.objective, rel=1e-8)
    else:
        assert value > best.objective * (1 + 1e-3)
    Ws, H, _ = best.optimum.weights()
    assert np.sum(Ws[0] ** 2) / 3 == pytest.approx(1, rel=1e-9)
    assert np.sum(H**2 @ np.array(n)) / 63 == pytest.approx(2, rel=1e-9)


@pytest.mark.parametrize("K", [2, 3, 10])
@pytest.mark.parametrize("E", [0.5, 3.0])
def test_balanced_the_optimum_is_a_simplex(K, E, record_error):
    """Value of a simplex of the largest allowed vectors, by hand."""
    best = constrained_minimizer(layer_peeled_problem([7] * K), E_W=1, E_H=E)
    by_hand = np.log1p((K - 1) * np.exp(-K / (K - 1) * np.sqrt(E)))
    error = abs(best.objective / by_hand - 1)
    assert record_error("layer-peeled: value of the simplex", error, 1e-9)
    cosines = nc.cosines(best.optimum.class_means())
    simplex = (np.eye(K) - 1 / K) * K / (K - 1)
    assert record_error("layer-peeled: simplex", np.abs(cosines - simplex).max(), 1e-6)


@pytest.mark.parametrize(("n", "E_W", "E_H"), CASES)
def test_penalised_and_constrained_are_one_family(n, E_W, E_H, record_error):
    """There and back: the multipliers as penalties give the same point, which meets the bounds."""
    best = constrained_minimizer(layer_peeled_problem(n), E_W=E_W, E_H=E_H)
    again = nc.loss_minimizer(best.optimum.problem, tol=1e-12)
    found = norm_bounds(again)
    error = max(abs(found[0] / E_W - 1), abs(found[1] / E_H - 1))
    assert record_error("layer-peeled: bounds of the penalised optimum", error, 1e-6)
    np.testing.assert_allclose(again.logits(), best.optimum.logits(), atol=1e-5)
    paid = again.objective - best.objective
    assert paid == pytest.approx(best.multiplier * np.sqrt(E_W * E_H) * len(n), rel=1e-6)


@pytest.mark.parametrize(("n", "E_W", "E_H"), [((8, 5, 1), 0.7, 2.0), ((4, 4, 1, 1), 3.0, 0.5)])
def test_explicit_weights_meet_the_bounds_and_have_the_loss(n, E_W, E_H):
    best = constrained_minimizer(layer_peeled_problem(n), E_W=E_W, E_H=E_H)
    (W,), H, _ = best.optimum.weights()
    K = len(n)
    assert np.sum(W**2) / K == pytest.approx(E_W, rel=1e-9)
    assert np.sum(H**2) / K == pytest.approx(E_H, rel=1e-9)
    Z = W @ H
    loss = np.array(n) @ (logsumexp(Z, axis=0) - np.diag(Z)) / sum(n)
    assert loss == pytest.approx(best.objective, rel=1e-9)
    # Each factor pays half: lambda_W |W|^2 = lambda_H |H|^2 = multiplier times the nuclear norm.
    problem = best.optimum.problem
    paid = best.multiplier * np.linalg.svd(Z, compute_uv=False).sum()
    assert problem.lambda_W[0] * K * E_W == pytest.approx(paid, rel=1e-8)
    assert problem.lambda_H * K * E_H == pytest.approx(paid, rel=1e-8)
    assert norm_bounds(best.optimum) == pytest.approx((E_W, E_H), rel=1e-8)


def test_without_penalties_both_are_1():
    problem = layer_peeled_problem([8, 5, 1])
    assert (problem.lambda_W, problem.lambda_H) == ((1.0,), 1.0)


def test_bounds_next_to_nothing_have_an_optimum_as_far_as_rounding_lets_it_be_found():
    """Two equal classes: the product's norm is ``log(1/price - 1)``, and all is 0 from 1/2 on.

    The search begins at a price that is less by 1e-10. There the norm is 2e-10, give or take as
    much as rounding does to it, and may be twice the bound.
    """
    problem = layer_peeled_problem([1, 1])
    best = constrained_minimizer(problem, E_W=1.3e-10, E_H=1.3e-10)
    assert best.objective == pytest.approx(np.log(2), abs=1e-9)
    with pytest.raises(ValueError, match=r"with 4\.5e-11 and 4\.5e-11 the optimum is 0"):
        constrained_minimizer(problem, E_W=4.5e-11, E_H=4.5e-11)


@pytest.mark.parametrize(("n", "E_H"), [((8, 5, 1), 2), ((7, 7), 30)])
def test_a_gap_that_no_arithmetic_reaches_is_reported(n, E_H):
    with pytest.raises(RuntimeError, match=r"to a relative gap of \S+, not 1\.0e-20"):
        constrained_minimizer(layer_peeled_problem(n), E_W=1, E_H=E_H, tol=1e-20)


def test_rare_classes_merge_where_the_bound_of_their_collapse_says():
    problem = layer_peeled_problem([20, 20, 1, 1])
    bound = collapse_bound(problem, 1)
    for factor, merged in ((0.99, True), (1.01, False)):
        best = constrained_minimizer(problem, E_W=bound * factor, E_H=bound * factor)
        assert bool(best.optimum.inner[1] == 0) is merged
    # Those that merge last do so where all is 0.
    assert collapse_bound(problem, 0) == pytest.approx(0, abs=1e-6)


def test_the_rare_classes_merge_from_the_ratio_on():
    ratio = minority_collapse_ratio(1, 2, E_W=1, E_H=2)
    shares = [ratio, 1, 1]
    assert collapse_bound(layer_peeled_problem(shares), 1) == pytest.approx(np.sqrt(2), rel=1e-9)


def test_a_larger_penalty_means_a_smaller_norm():
    problem = layer_peeled_problem((100, 100, 10, 10, 1))
    bounds = [
        norm_bounds(best)[0] for best in nc.theory.loss_path(problem, np.geomspace(0.15, 1e-4, 25))
    ]
    assert all(np.diff(bounds) > 0)


def test_the_ratio_of_the_authors_settings():
    """Ten classes, five of them frequent, E_W = 1 and E_H = 5: the settings in their code.

    Rows of the rare classes just below and just above the ratio, by free factors.
    """
    ratio = minority_collapse_ratio(5, 5, E_W=1, E_H=5)
    assert ratio == pytest.approx(12.1924, abs=1e-3)
    for factor, merged in ((0.9, False), (1.1, True)):
        n = [factor * ratio] * 5 + [1] * 5
        _, W, _ = brute_force(n, 1, 5, starts=2)
        spread = np.ptp(W[5:], axis=0).max() / np.abs(W[5:]).max()
        assert bool(spread < 1e-3) is merged
        best = constrained_minimizer(layer_peeled_problem(n), E_W=1, E_H=5)
        assert bool(best.optimum.inner[1] == 0) is merged


@pytest.mark.parametrize(("K_A", "K_B", "E_H"), [(1, 2, 2.0), (2, 3, 5.0), (7, 3, 1.0)])
def test_the_ratio_by_bisection_over_the_optimum_itself(K_A, K_B, E_H, record_error):
    """Without the shortcut: at which ratio the inner modes of the constrained optimum die."""
    ratio = minority_collapse_ratio(K_A, K_B, E_W=1, E_H=E_H)

    def excess(log_ratio):
        problem = layer_peeled_problem(np.repeat([np.exp(log_ratio), 1.0], [K_A, K_B]))
        best = constrained_minimizer(problem, E_W=1, E_H=E_H)
        # The multiplier against the share of a rare class, n_B / N.
        return np.log(best.multiplier * (K_A * np.exp(log_ratio) + K_B))

    found = np.exp(brentq(excess, np.log(ratio) - 0.3, np.log(ratio) + 0.3, xtol=1e-10))
    error = abs(found / ratio - 1)
    assert record_error("layer-peeled: ratio of minority collapse", error, 1e-7)


def test_the_bound_rises_with_the_ratio():
    bounds = [
        collapse_bound(layer_peeled_problem([ratio] * 3 + [1] * 4), 1)
        for ratio in np.geomspace(1.01, 1e5, 30)
    ]
    assert all(np.diff(bounds) > 0)


def test_what_is_refused():
    problem = layer_peeled_problem([2, 1])
    with pytest.raises(ValueError, match="n must be one number for each of 2 classes or more"):
        layer_peeled_problem([2])
    with pytest.raises(ValueError, match="E_W must be positive"):
        constrained_minimizer(problem, E_W=0, E_H=1)
    with pytest.raises(ValueError, match="loss must be cross-entropy"):
        constrained_minimizer(
            nc.LossProblem([2, 1], nc.SquaredError(), lambda_W=1, lambda_H=1), E_W=1, E_H=1
        )
    with pytest.raises(ValueError, match="bias must be 'free' or 'none'"):
        collapse_bound(
            nc.LossProblem([2, 2], nc.CrossEntropy(), bias="decayed", lambda_W=1, lambda_H=1), 0
        )
    with pytest.raises(ValueError, match="non_negative = True"):
        constrained_minimizer(
            nc.LossProblem(
                [2, 1], nc.CrossEntropy(), bias="none", lambda_W=1, lambda_H=1, non_negative=True
            ),
            E_W=1,
            E_H=1,
        )
    for smoothed in (nc.CrossEntropy(label_smoothing=0.1), nc.CrossEntropy(margins=[1, 2])):
        made = nc.LossProblem([2, 1], smoothed, bias="none", lambda_W=1, lambda_H=1)
        with pytest.raises(ValueError, match="no more than class weights"):
            constrained_minimizer(made, E_W=1, E_H=1)
    deep = nc.LossProblem([2, 1], nc.CrossEntropy(), 2, bias="none", lambda_W=1, lambda_H=1)
    with pytest.raises(ValueError, match="depth = 2 and non_negative = False"):
        constrained_minimizer(deep, E_W=1, E_H=1)
    two_layers = nc.LossProblem([2, 1], nc.SquaredError(), 2, lambda_W=1, lambda_H=1)
    with pytest.raises(ValueError, match="best must have one layer; got depth = 2"):
        norm_bounds(nc.loss_minimizer(two_layers))
    with pytest.raises(ValueError, match="n must be one number for each"):
        layer_peeled_problem([[2, 1], [1, 1]])
    for K_A, K_B, name in ((0, 2, "K_A"), (1, 1, "K_B")):
        with pytest.raises(ValueError, match=name):
            minority_collapse_ratio(K_A, K_B, E_W=1, E_H=1)
    for group in (-1, 2):
        with pytest.raises(ValueError, match="group must be a whole number"):
            collapse_bound(problem, group)
    with pytest.raises(ValueError, match="group 1 has one"):
        collapse_bound(problem, 1)
    with pytest.raises(ValueError, match="must be smaller"):
        minority_collapse_ratio(2, 2, E_W=100, E_H=100)
    with pytest.raises(ValueError, match="must be larger"):
        constrained_minimizer(problem, E_W=1e-12, E_H=1e-12)
