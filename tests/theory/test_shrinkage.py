"""Lemma A.2 and the one rule: the threshold, the largest root, ties, extremes.

References: mpmath (50 digits) and brute minimisation on fine grids.
"""

from math import prod

import mpmath
import numpy as np
import pytest
from reference import alpha_spinodal, alpha_threshold
from scipy.optimize import minimize_scalar

import nclib as nc
from nclib.theory.shrinkage import (
    global_logit,
    lemma_a2_spinodal,
    lemma_a2_stationary,
    threshold_kappa,
    tied,
)

# overflow, division by zero or an invalid value anywhere is a failure
pytestmark = pytest.mark.filterwarnings("error")

DEPTHS = (1, 2, 3, 4, 6, 10, 31, 100)


def exact_threshold(L):
    with mpmath.workdps(50):
        return mpmath.mpf(1) if L == 1 else mpmath.mpf(L - 1) ** (mpmath.mpf(L - 1) / L) / L


def exact_root(alpha, L):
    """The largest x with alpha = L x^(L-1)/(x^L+1)^2: bisection and Newton steps in log x."""
    with mpmath.workdps(60):
        alpha = mpmath.mpf(float(alpha))
        if L == 1:
            return 1 / mpmath.sqrt(alpha) - 1

        def log_ratio(y):
            return (
                mpmath.log(L)
                + (L - 1) * y
                - 2 * mpmath.log1p(mpmath.exp(L * y))
                - mpmath.log(alpha)
            )

        low = mpmath.log(mpmath.mpf(L - 1) / (L + 1)) / L  # the right side is largest here
        high = max((mpmath.log(L) - mpmath.log(alpha)) / (L + 1), low) + 1
        assert log_ratio(low) > 0 > log_ratio(high)
        return mpmath.exp(
            mpmath.findroot(
                log_ratio, (low, high), solver="anderson", tol=1e-80, maxsteps=500, verify=False
            )
        )


def problem(n=(4, 2, 1), depth=2, bias=True, lambda_W=0.01, lambda_H=0.02, widths=None):
    return nc.Problem(n, depth, bias=bias, lambda_W=lambda_W, lambda_H=lambda_H, widths=widths)


# ---------------------------------------------------------------- the threshold


@pytest.mark.parametrize("L", DEPTHS)
@pytest.mark.parametrize("lam", [1e-6, 0.01, 2.0])
def test_threshold_of_kappa_is_where_shrink_begins(L, lam):
    p = problem(depth=L, lambda_W=lam, lambda_H=3 * lam)
    kappa = threshold_kappa(p)
    assert nc.theory.lemma_a2_alpha(kappa, p) == pytest.approx(float(exact_threshold(L)), rel=1e-13)
    dead, alive = nc.shrink([kappa * (1 - 1e-11), kappa * (1 + 1e-11)], p)
    assert dead == 0 < alive


@pytest.mark.parametrize("L", range(1, 101))
def test_threshold_against_mpmath(L):
    assert nc.theory.lemma_a2_threshold(L) == pytest.approx(float(exact_threshold(L)), rel=1e-15)


@pytest.mark.parametrize("L", [L for L in DEPTHS if L > 1])
def test_threshold_is_where_zero_ties_with_a_positive_x(L):
    """Without the formula: min over x > 0 of g equals g(0) = 1, at x = (L-1)^(1/L)."""
    alpha = nc.theory.lemma_a2_threshold(L)
    x = np.linspace(1e-3, 3, 100_001)
    g = 1 / (x**L + 1) + alpha * x
    beyond = x > 0.5
    assert g[beyond].min() == pytest.approx(1.0, abs=1e-7)
    assert x[beyond][g[beyond].argmin()] == pytest.approx((L - 1) ** (1 / L), abs=1e-3)


@pytest.mark.parametrize("L", DEPTHS)
def test_g_is_the_function_of_the_lemma(L):
    x = np.array([0.0, 0.3, 1.0, 2.5])
    np.testing.assert_allclose(
        nc.theory.lemma_a2_g(x, 0.7, L), 1 / (x**L + 1) + 0.7 * x, rtol=1e-14
    )


def test_g_survives_huge_arguments():
    assert nc.theory.lemma_a2_g(1e200, 1e-100, 100) == pytest.approx(1e100)


# ---------------------------------------------------------------- the largest root


@pytest.mark.parametrize("L", range(1, 101))
def test_minimizer_is_the_largest_root_below_the_threshold(L, record_error):
    """By the distance to the exact root that one Newton step in log x gives, in 60 digits."""
    threshold = float(exact_threshold(L))
    alpha = threshold * np.array([1e-100, 1e-37, 1e-10, 1e-3, 0.1, 0.5, 0.9, 0.999, 1 - 1e-9])
    with mpmath.workdps(60):
        for a, value in zip(alpha, nc.theory.lemma_a2_minimizer(alpha, L), strict=True):
            y, power = mpmath.log(float(value)), mpmath.mpf(float(value)) ** L
            assert power > mpmath.mpf(L - 1) / (L + 1)  # beyond the peak: the largest root
            residual = (
                mpmath.log(L)
                + (L - 1) * y
                - 2 * mpmath.log1p(power)
                - mpmath.log(mpmath.mpf(float(a)))
            )
            slope = (L - 1) - 2 * L * power / (1 + power)
            error = abs(residual / slope)
            assert record_error("Lemma A.2 root against mpmath, relative", error, 1e-12)


@pytest.mark.parametrize("alpha", [1e-100, 1e-50, 1e-8, 0.1, 0.9, 0.999])
def test_depth_one_has_the_explicit_root(alpha):
    exact = alpha**-0.5 - 1
    assert nc.theory.lemma_a2_minimizer(alpha, 1) == pytest.approx(exact, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("L", range(1, 101))
def test_minimizer_is_zero_above_the_threshold(L):
    alpha = float(exact_threshold(L)) * np.array([1 + 1e-12, 1 + 1e-6, 1.01, 2.0, 1e3, 1e100])
    np.testing.assert_array_equal(nc.theory.lemma_a2_minimizer(alpha, L), 0.0)
    assert nc.theory.lemma_a2_minimizer(1e100, L) == 0.0


@pytest.mark.parametrize("L", range(2, 101))
def test_minimizer_is_never_between_zero_and_the_jump(L):
    """Alive, x >= (L-1)^(1/L); the local maximum lies below that.

    Within 1e-11 of the threshold the library may call it a tie (documented: dead).
    """
    threshold = float(exact_threshold(L))
    alpha = np.concatenate(
        [
            np.geomspace(1e-100, 1e100, 4001),
            threshold * (1 - np.geomspace(1e-11, 0.5, 99)),
            threshold * (1 + np.geomspace(1e-11, 0.5, 99)),
        ]
    )
    x = nc.theory.lemma_a2_minimizer(alpha, L)
    below = alpha < threshold
    assert (x[below] >= (L - 1) ** (1 / L)).all()
    assert (x[~below] == 0).all()


@pytest.mark.parametrize("L", DEPTHS)
def test_minimizer_beats_a_grid(L, record_error):
    grid = np.concatenate([[0.0], np.geomspace(1e-6, 1e6, 20_001)])
    worst = 0.0
    for alpha in np.geomspace(1e-5, 5, 60):
        with np.errstate(over="ignore"):
            lowest = (1 / (grid**L + 1) + alpha * grid).min()
        x = float(nc.theory.lemma_a2_minimizer(alpha, L))
        found = 1 / (x**L + 1) + alpha * x
        worst = max(worst, found - lowest)
        # the grid's own error: spacing 1.4e-3 in log x, squared, times a curvature below L
        assert lowest - found < 2e-6 * L * lowest
    assert record_error("g(minimizer) above a grid", worst, 1e-15)


@pytest.mark.parametrize("L", DEPTHS)
def test_tie_at_the_threshold_counts_as_dead(L):
    assert nc.theory.lemma_a2_minimizer(nc.theory.lemma_a2_threshold(L), L) == 0.0


def test_minimizer_is_vectorised_and_keeps_shapes():
    alpha = np.array([[0.1, 0.2, 0.9], [0.3, 0.49, 5.0]])
    x = nc.theory.lemma_a2_minimizer(alpha, 2)
    assert x.shape == alpha.shape
    for index in np.ndindex(alpha.shape):
        assert nc.theory.lemma_a2_minimizer(alpha[index], 2) == x[index]
    assert np.ndim(nc.theory.lemma_a2_minimizer(0.1, 2)) == 0
    assert nc.theory.lemma_a2_minimizer(np.array([]), 2).shape == (0,)


@pytest.mark.parametrize("depth", [0, -1, 1.5, "2", None, True], ids=repr)
@pytest.mark.parametrize(
    "call",
    [
        lambda depth: nc.theory.lemma_a2_threshold(depth),
        lambda depth: nc.theory.lemma_a2_minimizer(0.1, depth),
        lambda depth: nc.theory.lemma_a2_g(0.1, 0.1, depth),
    ],
    ids=["threshold", "minimizer", "g"],
)
def test_bad_depth_is_refused_by_name(call, depth):
    with pytest.raises((ValueError, TypeError), match="depth"):
        call(depth)


@pytest.mark.parametrize("alpha", [-0.1, np.nan, [0.1, np.nan], [0.1, -2.0]], ids=repr)
def test_bad_alpha_is_refused_by_name(alpha):
    with pytest.raises((ValueError, TypeError), match="alpha"):
        nc.theory.lemma_a2_minimizer(alpha, 2)


# ---------------------------------------------------------------- the published defect


@pytest.mark.parametrize("bias_free_count", [100])
@pytest.mark.parametrize("lam", [3e-3, 1e-2])
def test_root_finders_that_skip_the_threshold_are_wrong_here(lam, bias_free_count):
    """L = 6, the paper's CIFAR-10 counts, class of 100, all lambdas equal.

    At 3e-3 alpha is between threshold and spinodal: a root x = 1.25 exists, but 0 is lower.
    At 1e-2 there is no root at all.
    """
    cifar = problem(nc.ClassCounts.cifar10_paper(), 6, False, lam, lam)
    kappa = np.sqrt(bias_free_count)
    alpha = 6 * 3000 / bias_free_count * (3000 * lam**7) ** (1 / 6)
    assert alpha > alpha_threshold(6)
    assert nc.theory.lemma_a2_alpha(kappa, cifar) == pytest.approx(alpha, rel=1e-14)
    assert nc.theory.lemma_a2_minimizer(alpha, 6) == 0.0
    assert nc.shrink(kappa, cifar) == 0.0
    if lam == 3e-3:
        assert alpha < alpha_spinodal(6)
        root = float(exact_root(alpha, 6))
        assert root == pytest.approx(1.25, abs=0.005)
        assert 1 / (root**6 + 1) + alpha * root > 1
    else:
        assert alpha > alpha_spinodal(6)


# ---------------------------------------------------------------- the one rule


def written_out(z, kappa, p):
    """(kappa - z)^2/(2N) + (L+1)/2 Lambda^(1/(L+1)) z^(2/(L+1))."""
    Lambda = p.lambda_H * prod(p.lambda_W)
    e = 1 / (p.depth + 1)
    return (kappa - z) ** 2 / (2 * p.N) + (p.depth + 1) / 2 * Lambda**e * z ** (2 * e)


def cases():
    rng = np.random.default_rng(0)
    for L in (1, 2, 3, 6, 10):
        for scale in (1e-4, 0.03, 0.15, 0.4):
            lambda_W = tuple(float(v) for v in scale * rng.uniform(0.5, 2, L))
            yield problem(
                (7, 3, 1, 1), L, bool(rng.integers(2)), lambda_W, float(scale * rng.uniform(0.5, 2))
            )


CASES = list(cases())
IDS = [f"L{p.depth}-{p.lambda_H:.2g}" for p in CASES]


@pytest.mark.parametrize("p", CASES, ids=IDS)
def test_scalar_objective_is_the_rule_written_out(p):
    kappa = np.array([0.0, 0.5, 1.7, 3.0])
    z = np.array([0.0, 0.4, 1.7, 5.0])
    np.testing.assert_allclose(
        nc.theory.scalar_objective(z, kappa, p), written_out(z, kappa, p), rtol=1e-14, atol=1e-300
    )


@pytest.mark.parametrize("p", CASES, ids=IDS)
def test_shrink_minimises_the_rule(p, record_error):
    """Brute: a fine grid of z, then a bounded search between the neighbours of its lowest."""
    for kappa in (0.05, 0.6, 1.0, 1.9, 2.6):
        s = np.unique(np.concatenate([np.linspace(0, 1, 4001), 1 - np.geomspace(1e-9, 0.5, 4001)]))
        values = written_out(kappa * s, kappa, p)
        i = int(values.argmin())
        z = float(nc.shrink(kappa, p))
        lowest = values[i]
        if 0 < i < s.size - 1:
            refined = minimize_scalar(
                written_out,
                args=(kappa, p),
                method="bounded",
                bounds=(kappa * s[i - 1], kappa * s[i + 1]),
                options={"xatol": 1e-13},
            )
            lowest = min(lowest, refined.fun)
        found = written_out(z, kappa, p)
        assert record_error("shrink: rule above brute minimum", found / lowest - 1, 1e-14)
        assert record_error("brute minimum of the rule above shrink", lowest / found - 1, 1e-13)
        assert (z == 0) == (i == 0)


@pytest.mark.parametrize("p", CASES, ids=IDS)
def test_shrink_is_lemma_a2_in_other_variables(p, record_error):
    """z/kappa = x^L / (1 + x^L)."""
    kappa = np.concatenate([np.linspace(0.01, 3, 200), np.geomspace(1e-3, 1e3, 50)])
    x = nc.theory.lemma_a2_minimizer(nc.theory.lemma_a2_alpha(kappa, p), p.depth)
    s = nc.shrink(kappa, p) / kappa
    np.testing.assert_array_equal(s > 0, x > 0)
    alive = x > 0
    other = 1 / (1 + x[alive] ** -float(p.depth))
    assert record_error("shrink against Lemma A.2", np.abs(s[alive] - other).max(initial=0), 1e-14)


@pytest.mark.parametrize("p", CASES, ids=IDS)
def test_alpha_is_that_of_the_lemma(p):
    kappa = np.array([0.3, 1.0, 2.2])
    expected = p.depth * p.N / kappa**2 * (p.N * p.lambda_H * prod(p.lambda_W)) ** (1 / p.depth)
    np.testing.assert_allclose(nc.theory.lemma_a2_alpha(kappa, p), expected, rtol=1e-13)


def test_zero_kappa_is_dead():
    """alpha is undefined (infinite) there; the paper leaves it out (E12)."""
    p = problem(lambda_W=1e-8, lambda_H=1e-8)
    assert nc.shrink(0.0, p) == 0.0
    assert nc.theory.lemma_a2_minimizer(nc.theory.lemma_a2_alpha(0.0, p), 2) == 0.0
    np.testing.assert_array_equal(nc.shrink(np.array([0.0, 1.0]), p) > 0, [False, True])


def test_depth_one_is_soft_thresholding():
    """Continuous: z = (kappa - N sqrt(lambda_W lambda_H))_+."""
    p = problem(depth=1, lambda_W=0.04, lambda_H=0.01)
    kappa = np.linspace(0, 2, 2001)
    expected = np.maximum(0, kappa - 7 * 0.02)
    # 1e-12: this close to the threshold the library may call a mode dead
    np.testing.assert_allclose(nc.shrink(kappa, p), expected, rtol=0, atol=1e-12)
    assert np.abs(np.diff(nc.shrink(kappa, p))).max() < 1.01e-3


@pytest.mark.parametrize("L", [2, 3, 6, 50])
def test_deeper_than_one_the_rule_jumps(L):
    """From 0 to s = (L-1)/L where kappa crosses the threshold."""
    p = problem(depth=L, lambda_W=0.01, lambda_H=0.02)
    Lambda = 0.02 * 0.01**L
    threshold = (L - 1) ** (L - 1) / L ** (2 * L)
    mu = (p.N * Lambda / threshold) ** (1 / L)  # theta = N Lambda / mu^L
    kappa = np.sqrt(mu * p.N)
    assert nc.shrink(kappa * (1 - 1e-9), p) == 0.0
    above = nc.shrink(kappa * (1 + 1e-9), p) / kappa
    # the slope ds/dtheta is finite at the threshold; 1e-9 there is below 1e-6 in s
    assert above == pytest.approx((L - 1) / L, abs=1e-6)


@pytest.mark.parametrize("p", CASES, ids=IDS)
def test_shrink_rises_with_kappa_and_stays_below_it(p):
    kappa = np.geomspace(1e-3, 1e3, 5001)
    z = nc.shrink(kappa, p)
    assert (np.diff(z) >= 0).all()
    assert (z >= 0).all()
    assert (z <= kappa).all()


def test_tie_of_audit_a3_is_dead_and_not_unique():
    """n = (1, 1), bias, L = 2: the tie is Lambda = 1/128; 0 and s = 1/2 both give 1/4."""
    p = problem((1, 1), 2, True, 0.25, 0.125)
    assert nc.theory.lemma_a2_alpha(1.0, p) == pytest.approx(0.5, rel=1e-15)
    assert nc.shrink(1.0, p) == 0.0
    np.testing.assert_allclose(
        nc.theory.scalar_objective(np.array([0.0, 0.5]), 1.0, p), 0.25, rtol=1e-15
    )
    best = nc.global_minimizer(p)
    assert (best.alive, best.unique) == (0, False)
    assert best.objective == pytest.approx(0.25, rel=1e-15)


def test_depth_one_has_no_tie():
    """At alpha = 1 exactly 0 is the only minimiser: the objective has no second lowest point."""
    best = nc.global_minimizer(problem((4, 4), 1, True, 0.0625, 1.0))  # kappa = 2 = N sqrt(lW lH)
    assert best.kappa[0] == 2.0
    assert (best.alive, best.unique) == (0, True)


@pytest.mark.parametrize(("factor", "alive"), [(1 - 1e-9, 1), (1 + 1e-9, 0)])
def test_next_to_the_tie_the_minimiser_is_unique(factor, alive):
    best = nc.global_minimizer(problem((1, 1), 2, True, 0.25 * factor, 0.125 * factor))
    assert (best.alive, best.unique) == (alive, True)


def test_equal_lambdas_at_the_tie_are_reproducible():
    """lambda = 128^(-1/3) = 0.198425 rounds to one side of the tie or the other; f is 1/4."""
    lam = 128 ** (-1 / 3)
    assert lam == pytest.approx(0.198425, abs=5e-7)
    runs = [nc.global_minimizer(problem((1, 1), 2, True, lam, lam)) for _ in range(3)]
    assert len({(run.alive, run.unique, run.objective) for run in runs}) == 1
    assert runs[0].objective == pytest.approx(0.25, rel=1e-14)


# ---------------------------------------------------------------- extremes


@pytest.mark.parametrize("L", DEPTHS)
@pytest.mark.parametrize("lam", [1e-300, 1e-100, 1e-30, 1e-5, 1e-2])
def test_products_of_many_small_lambdas_do_not_underflow(L, lam, record_error):
    """lambda^(L+1) is below the smallest float for L = 100, but s is an ordinary number."""
    p = problem((5, 3), L, False, lam, lam)
    with mpmath.workdps(60):
        theta = 8 * mpmath.mpf(lam) ** (L + 1) / (mpmath.mpf(5) / 8) ** L
        threshold = mpmath.mpf(L - 1) ** (L - 1) / mpmath.mpf(L) ** (2 * L) if L > 1 else 1
        alpha = L * mpmath.root(theta, L)
        # alpha < 1e-100 is outside the promised range, but s is then 1 to rounding
        exact = 0.0
        if theta < threshold:
            x = exact_root(alpha, L) if alpha > 1e-300 else mpmath.root(L / alpha, L + 1)
            exact = float(x**L / (1 + x**L))
    kappa = np.sqrt(5.0)
    error = abs(nc.shrink(kappa, p) / kappa - exact)
    assert record_error("s with extreme lambdas", error, 1e-13)


@pytest.mark.parametrize("lam", [1.0, 1e5, 1e100, 1e300])
@pytest.mark.parametrize("L", DEPTHS)
def test_huge_lambdas_kill_every_mode(L, lam):
    p = problem((5, 3), L, False, lam, lam)
    np.testing.assert_array_equal(nc.shrink(np.array([2.0, 1.0]), p), 0.0)


@pytest.mark.parametrize("kappa", [-1.0, np.nan, [1.0, -0.5]], ids=repr)
def test_bad_kappa_is_refused_by_name(kappa):
    with pytest.raises((ValueError, TypeError), match="kappa"):
        nc.shrink(kappa, problem())


# ---------------------------------------------------------------- both stationary points
# (that they are a hill and a valley: test_proofs.py)


@pytest.mark.parametrize("depth", [2, 3, 6, 40])
def test_both_roots_solve_the_equation_to_full_accuracy(depth, record_error):
    """From prices so low that the roots are far apart, up to where they meet."""
    alpha = np.geomspace(1e-12, 1 - 1e-6, 60) * lemma_a2_spinodal(depth)
    smaller, larger = lemma_a2_stationary(alpha, depth)
    peak = ((depth - 1) / (depth + 1)) ** (1 / depth)
    assert (smaller < peak).all()
    assert (larger > peak).all()
    for x in (smaller, larger):
        value = np.log(depth) + (depth - 1) * np.log(x) - 2 * np.log1p(x**depth)
        error = np.abs(value - np.log(alpha)).max()
        assert record_error("stationary points of g", error, 1e-12)


def test_larger_root_is_the_minimiser_below_the_threshold():
    alpha = np.linspace(0.01, 0.999, 50) * nc.theory.lemma_a2_threshold(4)
    np.testing.assert_array_equal(
        lemma_a2_stationary(alpha, 4)[1], nc.theory.lemma_a2_minimizer(alpha, 4)
    )


def test_one_layer_has_no_smaller_root():
    smaller, larger = lemma_a2_stationary([0.25, 1.0, 2.0], 1)
    assert np.isnan(smaller).all()
    np.testing.assert_array_equal(np.isnan(larger), [False, True, True])
    assert larger[0] == pytest.approx(1.0, rel=1e-14)


def test_stationary_points_keep_the_shape():
    assert [root.shape for root in lemma_a2_stationary(0.3, 2)] == [(), ()]
    assert [root.shape for root in lemma_a2_stationary(np.full((2, 3), 0.3), 2)] == [(2, 3)] * 2


def test_stationary_points_refuse_bad_input():
    with pytest.raises(ValueError, match="alpha must be positive and finite; got 0"):
        lemma_a2_stationary(0.0, 2)
    for function in (lemma_a2_spinodal, lambda depth: lemma_a2_stationary(0.1, depth)):
        with pytest.raises(ValueError, match="depth must be a whole number"):
            function(0)


@pytest.mark.parametrize("L", [2, 6, 31])
def test_the_tie_is_as_wide_as_the_depth(L):
    """A theta within L times 1e-12 of the threshold, as its logarithm, is tied, and dead."""
    with mpmath.workdps(50):
        threshold = (L - 1) * mpmath.log(L - 1) - 2 * L * mpmath.log(L)
    away = np.array([-1.1, -0.9, 0.9, 1.1]) * 1e-12 * L
    log_theta = float(threshold) + away
    np.testing.assert_array_equal(tied(log_theta, L), [False, True, True, False])
    alive = np.isfinite(global_logit(log_theta, L))
    np.testing.assert_array_equal(alive, [True, False, False, False])


def test_the_spinodal_of_one_layer_is_its_threshold():
    assert lemma_a2_spinodal(1) == nc.theory.lemma_a2_threshold(1) == 1
