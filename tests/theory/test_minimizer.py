"""The closed-form minimisers: factors, collapse factors, logits, merging, accuracy, landscape."""

import itertools
from math import prod

import mpmath
import numpy as np
import pytest
from brute_force import FreeProblem, curvatures, objective_and_gradient
from instances import arrays_of, formula, free
from reference import (
    ClosedForm,
    alpha_spinodal,
    alphas,
    collapse_factors,
    effective_label_matrix,
    singular_values,
)

import nclib as nc

CIFAR = (500, 500, 400, 400, 300, 300, 200, 200, 100, 100)
EMNIST = (1500, *[600] * 5, *[50] * 20)


def make(n, depth, bias=True, lambda_W=0.01, lambda_H=0.01, widths=None):
    return nc.Problem(n, depth, bias=bias, lambda_W=lambda_W, lambda_H=lambda_H, widths=widths)


def scaled(problem, factor):
    """The same problem with every lambda times `factor`."""
    return make(
        problem.counts,
        problem.depth,
        problem.bias,
        tuple(factor * lam for lam in problem.lambda_W),
        factor * problem.lambda_H,
        problem.widths,
    )


def death_factors(n, depth, bias):
    """Of equal lambdas, so a death factor is the common lambda at which a mode dies."""
    return collapse_factors(n, depth, bias, (1.0,) * depth, 1.0)


def with_alive(n, depth, bias, alive, where=0.5):
    """Equal lambdas such that the global minimiser has `alive` modes; `where` moves between
    the death of the next weaker mode (0) and of the weakest alive one (1), in the logarithm."""
    deaths = death_factors(n, depth, bias)
    upper = deaths[alive - 1] if alive else 2 * deaths[0]
    lower = deaths[alive] if alive < len(n) and deaths[alive] > 0 else upper / 10
    lam = float(lower ** (1 - where) * upper**where)
    return make(n, depth, bias, lam, lam)


def explicit_logits(minimizer, seed=0):
    Ws, H_bar, b = minimizer.weights(seed=seed)
    output = H_bar
    for W in Ws:
        output = W @ output
    return output if b is None else output + b[:, None]


def random_problems(count, seed, depths=(1, 2, 3, 6), narrow=False):
    """Random group structures, depths and lambdas; every number of alive modes occurs."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        values = rng.choice(np.arange(1, 60), rng.integers(1, 5), replace=False)
        n = rng.permutation(np.repeat(values, rng.integers(1, 4, values.size)))
        if n.size < 2:
            n = np.repeat(n, 2)
        depth, bias = int(rng.choice(depths)), bool(rng.integers(2))
        lambda_W, lambda_H = rng.uniform(0.5, 2, depth), rng.uniform(0.5, 2)
        deaths = collapse_factors(tuple(int(v) for v in n), depth, bias, tuple(lambda_W), lambda_H)
        deaths = deaths[deaths > 0]
        factor = rng.choice(deaths) * rng.uniform(0.3, 1.3)
        if np.abs(np.log(deaths / factor)).min() < 1e-3:
            factor *= 1.01
        widths = [int(d) for d in rng.integers(1, n.size + 2, depth)] if narrow else None
        yield make(
            [int(v) for v in n],
            depth,
            bias,
            tuple(float(v) for v in factor * lambda_W),
            float(factor * lambda_H),
            widths,
        )


def describe(problem):
    n = ",".join(map(str, problem.counts.n))
    widths = f"-d{min(problem.widths)}" if problem.widths else ""
    return f"L{problem.depth}-{'bias' if problem.bias else 'free'}-{n}{widths}"


RANDOM = list(random_problems(60, seed=1))
NARROW = list(random_problems(40, seed=5, narrow=True))

# ---------------------------------------------------------------- the paper's own variables


@pytest.mark.parametrize("problem", RANDOM, ids=describe)
def test_compact_form_is_the_papers_sigma_and_q(problem, record_error):
    best, form = nc.global_minimizer(problem), formula(problem)
    L, c, sigma2, q, kappa = problem.depth, form.c, form.sigma2, form.q, form.kappa
    np.testing.assert_array_equal(best.survives, form.survives)
    pairs = [
        (best.s, form.x**L / (1 + form.x**L)),
        (best.sigma**2, sigma2),
        (best.z, c * sigma2**L * kappa / q),
        (best.product_singular_values**2, c * sigma2**L),
        (best.feature_singular_values**2, c * sigma2**L * kappa**2 / q**2),
    ]
    pairs += [
        (row**2, problem.lambda_W[0] / lam * sigma2)
        for row, lam in zip(best.layer_singular_values, problem.lambda_W, strict=True)
    ]
    for found, expected in pairs:
        alive = form.survives
        assert (found[~alive] == 0).all()
        if alive.any():
            # 1e-11: brentq and numpy's SVD behind the expected values, and L = 1 near a death
            error = np.abs(found[alive] / expected[alive] - 1).max()
            assert record_error("compact form against sigma and q", error, 1e-11)


@pytest.mark.parametrize("problem", RANDOM, ids=describe)
def test_objective_is_the_sum_of_scalar_minima_on_a_grid(problem, record_error):
    """min_z (kappa - z)^2/(2N) + (L+1)/2 Lambda^(1/(L+1)) z^(2/(L+1)), mode by mode."""
    L, N = problem.depth, problem.N
    root = (problem.lambda_H * prod(problem.lambda_W)) ** (1 / (L + 1))
    total = 0.0
    for kappa in singular_values(tuple(int(v) for v in problem.counts.n), problem.bias):
        z = kappa * np.linspace(0, 1, 20_001)
        total += ((kappa - z) ** 2 / (2 * N) + (L + 1) / 2 * root * z ** (2 / (L + 1))).min()
    stated = nc.global_minimizer(problem).objective
    # a grid is above the minimum, by about (kappa / 20,000)^2 / (2N) a mode
    assert stated <= total * (1 + 1e-12)
    assert record_error("grid of scalar minima above objective", total / stated - 1, 1e-7)


@pytest.mark.parametrize("lam", [1e-4, 1e-8, 1e-15, 1e-40])
@pytest.mark.parametrize("depth", [1, 2, 3, 6, 20])
def test_tiny_lambdas_lose_no_digits(depth, lam, record_error):
    """1 - s is far below the spacing of floats near 1; objective and factors still are right."""
    n = (5, 3, 2)
    with mpmath.workdps(60):
        objective, products, features = mpmath.mpf(0), [], []
        for count in n:  # bias-free: kappa^2 = n
            mu = mpmath.mpf(count) / 10
            theta = 10 * mpmath.mpf(lam) ** (depth + 1) / mu**depth
            rest = mpmath.root(theta, depth + 1)  # 1 - s, solved by iteration for tiny theta
            for _ in range(200):
                rest = mpmath.root(theta / (1 - rest) ** (depth - 1), depth + 1)
            objective += mu * rest * (1 + depth * (1 - rest)) / 2
            products.append(float(mpmath.sqrt(10 * mpmath.mpf(lam) * (1 - rest) / rest)))
            features.append(float(mpmath.sqrt((1 - rest) * rest * count / (10 * lam))))
    best = nc.global_minimizer(make(n, depth, False, lam, lam))
    assert best.alive == 3
    assert record_error(
        "tiny lambdas: objective", float(abs(best.objective / objective - 1)), 1e-13
    )
    for found, expected in (
        (best.product_singular_values, products),
        (best.feature_singular_values, features),
    ):
        error = np.abs(found / expected - 1).max()
        assert record_error("tiny lambdas: singular values", error, 1e-12)


@pytest.mark.parametrize("depth", [1, 2, 6])
@pytest.mark.parametrize("bias", [True, False])
def test_total_collapse(depth, bias):
    problem = with_alive(CIFAR, depth, bias, 0)
    best = nc.global_minimizer(problem)
    kappa = singular_values(CIFAR, bias)
    assert best.alive == 0
    assert best.objective == pytest.approx(0.5 * (kappa**2).sum() / 3000, rel=1e-14)
    Ws, H_bar, b = best.weights(seed=0)
    assert all((W == 0).all() for W in Ws)
    assert (H_bar == 0).all()
    assert best.stability_limit == np.inf
    if bias:
        np.testing.assert_allclose(b, np.array(CIFAR) / 3000, rtol=1e-15)


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_only_n_lambda_h_enters_at_fixed_proportions(depth, record_error):
    n = np.array([7, 3, 1, 3])
    small = nc.global_minimizer(make(n, depth, True, 0.01, 0.05))
    large = nc.global_minimizer(make(12 * n, depth, True, 0.01, 0.05 / 12))
    assert small.alive == large.alive > 0
    error = max(abs(large.objective / small.objective - 1), np.abs(large.s - small.s).max())
    assert record_error("N lambda_H scaling", error, 1e-13)
    np.testing.assert_allclose(large.logits(), small.logits(), rtol=0, atol=1e-13)


def test_more_data_at_fixed_lambda_h_kills_modes():
    n = np.array([7, 3, 1, 3])
    alive = [
        nc.global_minimizer(make(c * n, 3, True, 0.02, 0.02)).alive for c in (1, 10, 100, 10_000)
    ]
    assert alive[0] > alive[-1] == 0
    assert alive == sorted(alive, reverse=True)


# ---------------------------------------------------------------- collapse factors

# First and last death on equal lambdas, as printed (text, so that the digits are known).
DEATHS = [
    (CIFAR, True, 1, "3.333e-3", "7.454e-3"),
    (CIFAR, True, 2, "2.850e-3", "8.333e-3"),
    (CIFAR, True, 3, "2.869e-3", "9.593e-3"),
    (CIFAR, True, 6, "2.526e-3", "1.004e-2"),
    (EMNIST, True, 1, "1.286e-3", "6.381e-3"),
    (EMNIST, True, 2, "9.793e-4", "8.292e-3"),
    (EMNIST, True, 3, "9.305e-4", "1.029e-2"),
    (EMNIST, True, 6, "7.607e-4", "1.186e-2"),
    (CIFAR, False, 1, "3.333e-3", "7.454e-3"),
    (CIFAR, False, 2, "2.850e-3", "8.333e-3"),
    (CIFAR, False, 3, "2.869e-3", "9.593e-3"),
    (CIFAR, False, 6, "2.526e-3", "1.004e-2"),
    (EMNIST, False, 1, "1.286e-3", "7.04e-3"),
    (EMNIST, False, 2, "9.793e-4", "9.45e-3"),
    (EMNIST, False, 3, "9.305e-4", "1.19e-2"),
    (EMNIST, False, 6, "7.607e-4", "1.40e-2"),
]


@pytest.mark.parametrize(("n", "bias", "depth", "first", "last"), DEATHS)
def test_first_and_last_death_of_the_papers_data_sets(n, bias, depth, first, last):
    factors = nc.collapse_factors(make(n, depth, bias, 1.0, 1.0))
    for printed, found in ((first, factors[factors > 0].min()), (last, factors.max())):
        digits = len(printed.split("e")[0]) - 2
        assert f"{found:.{digits}e}" == f"{float(printed):.{digits}e}"


@pytest.mark.parametrize("problem", RANDOM[:30], ids=describe)
def test_collapse_factors_against_the_paper_s_alpha(problem, record_error):
    n = tuple(int(v) for v in problem.counts.n)
    expected = collapse_factors(n, problem.depth, problem.bias, problem.lambda_W, problem.lambda_H)
    found = nc.collapse_factors(problem)
    np.testing.assert_array_equal(found == 0, expected == 0)
    alive = expected > 0
    error = np.abs(found[alive] / expected[alive] - 1).max()
    assert record_error("collapse factors", error, 1e-12)


@pytest.mark.parametrize("problem", RANDOM[:30], ids=describe)
def test_every_mode_lives_just_below_its_collapse_factor_and_is_dead_just_above(problem):
    factors = nc.collapse_factors(problem)
    for k in np.flatnonzero(factors):
        assert nc.global_minimizer(scaled(problem, factors[k] * (1 - 1e-9))).survives[k]
        assert not nc.global_minimizer(scaled(problem, factors[k] * (1 + 1e-9))).survives[k]


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
@pytest.mark.parametrize("n", [CIFAR, EMNIST, (9, 4, 1)], ids=["CIFAR", "EMNIST", "9,4,1"])
def test_depth_spreads_the_deaths(n, depth):
    """Last over first death = (kappa_1 / kappa_(K-1))^(2L/(L+1))."""
    kappa = singular_values(n, True)
    factors = nc.collapse_factors(make(n, depth, True, 0.3, 0.7))
    expected = (kappa[0] / kappa[-2]) ** (2 * depth / (depth + 1))
    assert factors[0] / factors[-2] == pytest.approx(expected, rel=1e-12)
    assert factors[-1] == 0


def test_collapse_factors_are_zero_where_the_width_excludes_a_mode():
    factors = nc.collapse_factors(make((5, 4, 3, 2), 2, False, 0.1, 0.1, widths=(2, 9)))
    assert (factors[:2] > 0).all()
    assert (factors[2:] == 0).all()
    full = nc.collapse_factors(make((5, 4, 3, 2), 2, False, 0.1, 0.1))
    np.testing.assert_array_equal(factors[:2], full[:2])


# ---------------------------------------------------------------- logits


@pytest.mark.parametrize("problem", RANDOM + NARROW, ids=describe)
def test_logits_are_those_of_the_explicit_weights(problem, record_error):
    best = nc.global_minimizer(problem)
    error = np.abs(best.logits() - explicit_logits(best, seed=5)).max()
    assert record_error("logits against explicit weights", error, 1e-12)


@pytest.mark.parametrize("problem", RANDOM, ids=describe)
def test_logits_are_those_of_theorem_4_3(problem, record_error):
    """U diag(c sigma^(2L) kappa / q) V' D^-1 + n/N 1', with numpy's SVD."""
    error = np.abs(nc.global_minimizer(problem).logits() - formula(problem).logits).max()
    assert record_error("logits against Theorem 4.3", error, 1e-11)


@pytest.mark.parametrize("problem", [p for p in RANDOM if p.bias], ids=describe)
def test_structure_of_the_logits_with_bias(problem, record_error):
    """Columns sum to 1, Z n = n, and n_l Z_kl is symmetric."""
    Z, n = nc.global_minimizer(problem).logits(), problem.counts.n
    error = max(
        np.abs(Z.sum(axis=0) - 1).max(),
        np.abs(Z @ n - n).max() / n.max(),
        np.abs(Z * n - (Z * n).T).max() / n.max(),
    )
    assert record_error("structure of the logits", error, 1e-12)


def test_logits_at_total_collapse_are_the_class_frequencies():
    best = nc.global_minimizer(with_alive((4, 2, 1), 3, True, 0))
    np.testing.assert_allclose(
        best.logits(), np.outer([4 / 7, 2 / 7, 1 / 7], np.ones(3)), rtol=0, atol=1e-15
    )


def test_logits_without_bias_are_the_shrink_factors():
    problem = make((2, 7, 4), 2, False, 0.02, 0.02)
    best = nc.global_minimizer(problem)
    np.testing.assert_allclose(best.logits(), np.diag(best.s[[2, 0, 1]]), rtol=0, atol=1e-15)


def test_logits_tend_to_the_labels():
    np.testing.assert_allclose(
        nc.global_minimizer(make((4, 2, 1), 2, True, 1e-12, 1e-12)).logits(), np.eye(3), atol=1e-6
    )


# ---------------------------------------------------------------- merged classes


def classes_with_equal_means(minimizer, seed=0):
    """From the explicit class means: sets of columns that agree to rounding."""
    _, H_bar, _ = minimizer.weights(seed=seed)
    scale = max(np.abs(H_bar).max(), 1e-300)
    K = H_bar.shape[1]
    distance = np.array(
        [[np.linalg.norm(H_bar[:, k] - H_bar[:, j]) / scale for j in range(K)] for k in range(K)]
    )
    same = distance < 1e-11
    # nothing in between: a pair is equal to rounding or clearly apart
    assert not ((distance >= 1e-11) & (distance < 1e-7)).any()
    sets = {tuple(np.flatnonzero(row).tolist()) for row in same}
    return {members for members in sets if len(members) > 1}


def merged(minimizer):
    found = minimizer.merged_classes()
    assert isinstance(found, tuple)
    assert all(isinstance(members, tuple) for members in found)
    return {tuple(sorted(members)) for members in found}


@pytest.mark.parametrize("problem", [*random_problems(80, seed=2), *NARROW], ids=describe)
def test_merged_classes_share_their_explicit_mean(problem):
    best = nc.global_minimizer(problem)
    assert merged(best) == classes_with_equal_means(best)


@pytest.mark.parametrize("problem", list(random_problems(20, seed=3, depths=(2, 3))), ids=describe)
def test_merged_classes_of_every_local_minimum(problem):
    for minimum in nc.local_minima(problem):
        assert merged(minimum) == classes_with_equal_means(minimum)


def test_groups_of_seven_classes_merge_by_their_inner_modes():
    """N sqrt(lW lH) = 6.6 lies between sqrt(40) and sqrt(100): inner modes of 40 and 10 die."""
    best = nc.global_minimizer(make([100, 100, 40, 40, 10, 10, 10], 1, True, 2.2e-2, 2.2e-2))
    assert merged(best) == {(2, 3), (4, 5, 6)}
    assert classes_with_equal_means(best) == {(2, 3), (4, 5, 6)}


def test_classes_of_different_groups_merge_only_when_every_secular_mode_is_dead():
    n = [9, 9, 4, 4, 1]  # inner 9, then secular, inner 4, secular, 0
    assert merged(nc.global_minimizer(with_alive(n, 2, True, 2))) == {(2, 3)}
    assert merged(nc.global_minimizer(with_alive(n, 2, True, 1))) == {(2, 3, 4)}
    assert merged(nc.global_minimizer(with_alive(n, 2, True, 0))) == {(0, 1, 2, 3, 4)}


def test_dead_classes_merge_at_zero_without_bias():
    n = [9, 1, 4, 2]
    assert merged(nc.global_minimizer(with_alive(n, 3, False, 3))) == set()
    assert merged(nc.global_minimizer(with_alive(n, 3, False, 2))) == {(1, 3)}
    assert merged(nc.global_minimizer(with_alive(n, 3, False, 1))) == {(1, 2, 3)}


def test_nothing_merges_while_every_mode_lives():
    assert nc.global_minimizer(with_alive(EMNIST, 3, True, 25)).merged_classes() == ()


# ---------------------------------------------------------------- accuracy


def explicit_accuracy(minimizer):
    """Argmax of the explicit logits; t logits within 1e-9 of the largest count 1/t each."""
    Z = explicit_logits(minimizer)
    largest = Z.max(axis=0)
    tied = largest - Z <= 1e-9 * np.maximum(1e-3, np.abs(largest))
    return np.diag(tied) / tied.sum(axis=0)


@pytest.mark.parametrize("problem", [*random_problems(80, seed=4), *NARROW], ids=describe)
def test_accuracy_is_the_argmax_of_the_explicit_logits(problem):
    best = nc.global_minimizer(problem)
    accuracy = best.training_accuracy()
    expected = explicit_accuracy(best)
    np.testing.assert_allclose(accuracy.per_class, expected, rtol=0, atol=1e-14)
    overall = (problem.counts.n * expected).sum() / problem.N
    assert accuracy.overall == pytest.approx(overall, abs=1e-14)
    assert tuple(accuracy) == (accuracy.overall, accuracy.per_class)


@pytest.mark.parametrize("problem", list(random_problems(20, seed=6, depths=(2, 3))), ids=describe)
def test_accuracy_of_every_local_minimum(problem):
    """Families included: that of the basis that `weights` uses too."""
    for minimum in nc.local_minima(problem):
        found = minimum.training_accuracy().per_class
        np.testing.assert_allclose(found, explicit_accuracy(minimum), rtol=0, atol=1e-14)


@pytest.mark.parametrize("problem", NARROW, ids=describe)
def test_narrow_objective_is_that_of_the_strongest_modes(problem, record_error):
    best, form = nc.global_minimizer(problem), formula(problem)
    assert best.alive == int(form.survives.sum())
    assert best.unique is (not form.cut)
    error = abs(best.objective / form.objective - 1)
    assert record_error("objective with narrow widths", error, 1e-13)


CIFAR_ACCURACY = dict(
    zip(
        range(9, -1, -1),
        (1, 0.9667, 0.9333, 0.8667, 0.8, 0.7, 0.6, 0.4667, 0.3333, 0.1667),
        strict=True,
    )
)
CIFAR_STRICT = dict(
    zip(range(9, -1, -1), (1, 0.9333, 0.9333, 0.8, 0.8, 0.6, 0.6, 0.3333, 0.3333, 0), strict=True)
)


@pytest.mark.parametrize("alive", range(10))
@pytest.mark.parametrize("depth", [2, 3, 6])
def test_accuracy_of_cifar_10_as_modes_die(depth, alive):
    best = nc.global_minimizer(with_alive(CIFAR, depth, True, alive))
    accuracy = best.training_accuracy()
    assert best.alive == alive
    assert accuracy.overall == pytest.approx(CIFAR_ACCURACY[alive], abs=5e-5)
    strict = (np.array(CIFAR) * (accuracy.per_class == 1)).sum() / 3000
    assert strict == pytest.approx(CIFAR_STRICT[alive], abs=5e-5)


# alive, position between the death of the next weaker mode (0) and of the weakest alive one (1)
EMNIST_ACCURACY = [
    *[(depth, 25, 0.9, 1.0) for depth in (2, 3, 6)],
    *[(depth, 6, 0.01, 0.8273) for depth in (2, 3, 6)],
    (2, 6, 0.99, 0.8182),
    (3, 6, 0.99, 0.8182),
    (6, 6, 0.99, 0.8273),
    *[(depth, 5, 0.5, 0.8182) for depth in (2, 3, 6)],
    *[(depth, 1, 0.5, 0.3818) for depth in (2, 3, 6)],
    *[(depth, 0, 0.5, 0.2727) for depth in (2, 3, 6)],
]


@pytest.mark.parametrize(("depth", "alive", "where", "accuracy"), EMNIST_ACCURACY)
def test_accuracy_of_emnist_letters_as_modes_die(depth, alive, where, accuracy):
    best = nc.global_minimizer(with_alive(EMNIST, depth, True, alive, where))
    assert best.alive == alive
    assert best.training_accuracy().overall == pytest.approx(accuracy, abs=5e-5)


# L = 1: tau / tau_first between which the accuracy is constant; from the argmax of the logits
# by numpy's dense SVD, bisected.
STEPS = [
    (CIFAR, [0.9470, 1.3594, 1.6924, 1.9860, 2.2361], [1, 0.9333, 0.8, 0.6, 0.3333, 0.1667]),
    (EMNIST, [0.9402, 3.2788], [1, 0.8182, 0.2727]),
]


@pytest.mark.parametrize(("n", "ends", "levels"), STEPS, ids=["CIFAR", "EMNIST"])
def test_accuracy_of_depth_one_steps_where_stated(n, ends, levels):
    first = singular_values(n, True)[-2] / sum(n)
    for i, end in enumerate(ends):
        for ratio, level in ((end - 1e-4, levels[i]), (end + 1e-4, levels[i + 1])):
            tau = float(ratio * first)
            found = nc.global_minimizer(make(n, 1, True, tau, tau)).training_accuracy().overall
            assert found == pytest.approx(level, abs=5e-5)


@pytest.mark.parametrize("depth", [2, 3, 6])
@pytest.mark.parametrize("seed", range(5))
def test_theorem_every_mode_alive_at_depth_two_means_every_sample_right(depth, seed):
    rng = np.random.default_rng(seed)
    for _ in range(40):
        n = np.unique(np.exp(rng.uniform(0, 9, rng.integers(2, 8))).astype(int) + 1)
        n = rng.permutation(np.concatenate([n, rng.choice(n, 2)]))
        problem = with_alive(
            tuple(int(v) for v in n), depth, True, n.size - 1, where=rng.uniform(0.8, 0.999)
        )
        best = nc.global_minimizer(problem)
        assert best.alive == n.size - 1
        assert best.training_accuracy().overall == 1.0


def test_depth_one_can_be_alive_and_wrong():
    """K = 2: class 2 is right iff s > (1 - n_2/n_1)/2, dead only at s = 0."""
    n1, n2 = 9, 1
    kappa = np.sqrt(2 * n1 * n2 / (n1 + n2))
    border, death = kappa / (2 * n1), kappa / (n1 + n2)
    for tau, per_class in (
        (0.99 * border, [1, 1]),
        (1.01 * border, [1, 0]),
        (0.99 * death, [1, 0]),
    ):
        best = nc.global_minimizer(make((n1, n2), 1, True, tau, tau))
        assert best.alive == 1
        assert best.training_accuracy().per_class.tolist() == per_class


def test_total_collapse_ties_the_largest_classes():
    best = nc.global_minimizer(with_alive((5, 2, 5), 2, True, 0))
    np.testing.assert_allclose(best.training_accuracy().per_class, [0.5, 0, 0.5])
    assert best.training_accuracy().overall == pytest.approx(5 / 12)
    best = nc.global_minimizer(with_alive((5, 2, 5), 2, False, 0))
    np.testing.assert_allclose(best.training_accuracy().per_class, [1 / 3] * 3)


@pytest.mark.parametrize("n", [(10**9, 10**9 - 1), (10**9, 10**9 - 1, 10**9 - 2), (10**9, 1)])
def test_nearly_equal_and_very_unequal_counts(n):
    """Different counts are different groups, however close: they never merge while one lives."""
    alive = nc.global_minimizer(with_alive(n, 2, True, len(n) - 1, 0.9))
    assert alive.merged_classes() == ()
    assert alive.training_accuracy().per_class.tolist() == [1] * len(n)
    dead = nc.global_minimizer(with_alive(n, 2, True, 0))
    assert merged(dead) == {tuple(range(len(n)))}
    assert dead.training_accuracy().per_class.tolist() == [1] + [0] * (len(n) - 1)


# ---------------------------------------------------------------- two classes


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize(("n1", "n2"), [(5, 2), (50, 1), (3, 3)])
def test_two_classes_in_closed_form(n1, n2, depth):
    N = n1 + n2
    kappa = np.sqrt(2 * n1 * n2 / N)
    lam = float(0.6 * death_factors((n1, n2), depth, True)[0])
    best = nc.global_minimizer(make((n1, n2), depth, True, lam, lam))
    s = best.s[0]
    theta = (N**2 / (2 * n1 * n2)) ** depth * N * lam ** (depth + 1)
    assert s ** (depth - 1) * (1 - s) ** (depth + 1) == pytest.approx(theta, rel=1e-12)
    assert best.kappa == pytest.approx([kappa, 0], rel=1e-15)
    np.testing.assert_allclose(
        best.logits(),
        np.array([[n1 + s * n2, (1 - s) * n1], [(1 - s) * n2, n2 + s * n1]]) / N,
        atol=1e-14,
    )
    Ws, H_bar, _ = best.weights(seed=2)
    P = Ws[0]
    for W in Ws[1:]:
        P = W @ P
    np.testing.assert_allclose(P[0], -P[1], atol=1e-13)
    assert P[0] @ P[0] == pytest.approx(N * lam * s / (2 * (1 - s)), rel=1e-12)
    h1, h2 = H_bar.T
    assert h1 @ h1 == pytest.approx(2 * s * (1 - s) * n2**2 / (N**3 * lam), rel=1e-12)
    np.testing.assert_allclose(h2, -n1 / n2 * h1, rtol=0, atol=1e-12 * np.abs(h2).max())


# ---------------------------------------------------------------- widths and uniqueness


def test_width_one_of_three_equal_classes_is_not_unique():
    best = nc.global_minimizer(make((1, 1, 1), 1, True, 0.01, 0.01, widths=(1,)))
    assert best.alive == 1
    assert best.unique is False
    assert best.objective == pytest.approx(0.176517, abs=5e-7)


@pytest.mark.parametrize(
    ("n", "bias", "limit", "unique"),
    [
        ((3, 2, 1), True, 1, True),
        ((3, 3, 1), True, 1, True),
        ((3, 1, 1), True, 1, True),
        ((3, 3, 3), True, 1, False),
        ((3, 3, 3), True, 2, True),
        ((3, 3, 1), False, 1, False),
        ((3, 3, 1), False, 2, True),
        ((3, 1, 1), False, 2, False),
        ((3, 1, 1), False, 1, True),
        ((4, 4, 4, 1), True, 1, False),
        ((4, 4, 4, 1), True, 2, True),
    ],
)
def test_unique_unless_the_width_cuts_a_block(n, bias, limit, unique):
    best = nc.global_minimizer(make(n, 2, bias, 1e-3, 1e-3, widths=(limit, 9)))
    assert best.alive == limit
    assert best.unique is unique


def test_a_block_that_is_dead_anyway_is_not_cut():
    """d = 1 would cut the two classes of 3 below, but both modes are dead."""
    n = (9, 3, 3)
    deaths = death_factors(n, 2, False)
    lam = float(np.sqrt(deaths[0] * deaths[1]))
    best = nc.global_minimizer(make(n, 2, False, lam, lam, widths=(2, 2)))
    assert (best.alive, best.unique) == (1, True)


def test_largest_classes_survive_a_narrow_head_without_bias():
    best = nc.global_minimizer(make((2, 9, 1, 4), 2, False, 1e-3, 1e-3, widths=(7, 2)))
    assert best.alive == 2
    assert np.flatnonzero(np.diag(best.logits()) > 0.5).tolist() == [1, 3]


@pytest.mark.parametrize("widths", [None, (9, 9), (3, 3), (2, 7), (5, 2), (1, 1)])
@pytest.mark.parametrize("bias", [True, False])
def test_weights_fit_widths_wider_and_narrower_than_k(widths, bias, record_error):
    problem = make((4, 1, 2), 2, bias, 0.01, 0.02, widths)
    best = nc.global_minimizer(problem)
    Ws, H_bar, _ = best.weights(seed=0)
    d0, d1 = widths or (3, 3)
    assert [W.shape for W in Ws] == [(d1, d0), (3, d1)]
    assert H_bar.shape == (d0, 3)
    f, gradient = objective_and_gradient(arrays_of(best), free(problem))
    assert record_error("objective of explicit weights", abs(f / best.objective - 1), 1e-13)
    assert record_error(
        "gradient of explicit weights", max(np.abs(g).max() for g in gradient), 1e-15
    )


def test_weights_are_determined_by_the_seed():
    best = nc.global_minimizer(make((4, 1, 2), 3, True, 0.01, 0.02, widths=(5, 4, 6)))
    first, again, other = best.weights(seed=1), best.weights(seed=1), best.weights(seed=2)
    for a, b in zip([*first[0], first[1]], [*again[0], again[1]], strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.abs(first[1] - other[1]).max() > 1e-3
    np.testing.assert_allclose(explicit_logits(best, 1), explicit_logits(best, 2), atol=1e-13)


def test_default_seed_is_zero():
    best = nc.global_minimizer(make((4, 1, 2), 2))
    np.testing.assert_array_equal(best.weights()[1], best.weights(seed=0)[1])


@pytest.mark.parametrize("call", [nc.global_minimizer, nc.local_minima, nc.collapse_factors])
@pytest.mark.parametrize("problem", [None, (3, 2, 1), nc.ClassCounts([3, 2])], ids=repr)
def test_only_problems_are_taken(call, problem):
    with pytest.raises((ValueError, TypeError), match="problem"):
        call(problem)


# ---------------------------------------------------------------- local minima

LANDSCAPES = [
    make(n, depth, bias, lam, 2 * lam, widths)
    for n, depth, bias, lam, widths in [
        ((3, 2, 1), 2, True, 0.03, None),
        ((3, 2, 1), 3, False, 0.03, None),
        ((4, 4, 1), 2, True, 0.02, None),
        ((1, 2, 2, 1), 2, True, 0.02, None),
        ((2, 2, 1), 3, True, 0.05, (2, 4, 3)),
        ((5, 1, 3), 6, True, 0.08, None),
        ((3, 3, 1), 2, False, 0.02, (2, 2)),
    ]
]


def prefix_objective(problem, alive):
    n = tuple(int(v) for v in problem.counts.n)
    return ClosedForm(
        n,
        problem.depth,
        problem.bias,
        problem.lambda_W,
        problem.lambda_H,
        problem.widths,
        alive=alive,
    ).objective


@pytest.mark.parametrize("problem", LANDSCAPES, ids=describe)
def test_there_is_one_local_minimum_for_each_prefix_below_the_spinodal(problem):
    n = tuple(int(v) for v in problem.counts.n)
    alpha = alphas(
        singular_values(n, problem.bias), n, problem.depth, problem.lambda_W, problem.lambda_H
    )[: problem.rank_limit]
    minima = nc.local_minima(problem)
    assert len(minima) == 1 + int((alpha < alpha_spinodal(problem.depth)).sum()) > 1
    assert [m.alive for m in minima] == list(range(len(minima)))


@pytest.mark.parametrize("problem", LANDSCAPES, ids=describe)
def test_objective_of_every_local_minimum(problem, record_error):
    for a, minimum in enumerate(nc.local_minima(problem)):
        error = abs(minimum.objective / prefix_objective(problem, a) - 1)
        assert record_error("objective of prefixes", error, 1e-13)
        f, _ = objective_and_gradient(arrays_of(minimum), free(problem))
        assert record_error(
            "objective of prefixes, explicit", abs(f / minimum.objective - 1), 1e-13
        )


@pytest.mark.parametrize("problem", LANDSCAPES, ids=describe)
def test_gradient_of_every_local_minimum_is_zero(problem, record_error):
    for minimum in nc.local_minima(problem):
        _, gradient = objective_and_gradient(arrays_of(minimum), free(problem))
        error = max(np.abs(g).max() for g in gradient)
        assert record_error("gradient of prefixes", error, 1e-14)


@pytest.mark.parametrize("problem", LANDSCAPES, ids=describe)
def test_no_small_perturbation_lowers_a_local_minimum(problem, record_error):
    rng = np.random.default_rng(0)
    for minimum in nc.local_minima(problem):
        point = arrays_of(minimum)
        f, _ = objective_and_gradient(point, free(problem))
        for size in (1e-4, 1e-3, 1e-2):
            for _ in range(30):
                moved = [a + size * rng.standard_normal(a.shape) for a in point]
                lower = f - objective_and_gradient(moved, free(problem))[0]
                assert record_error("prefixes lowered by perturbation", max(lower, 0.0), 1e-14)


@pytest.mark.parametrize("problem", LANDSCAPES, ids=describe)
def test_no_direction_of_negative_curvature_at_a_local_minimum(problem, record_error):
    for minimum in nc.local_minima(problem):
        values = curvatures(free(problem), arrays_of(minimum))
        assert record_error("negative curvature of prefixes", max(-values[0], 0.0), 1e-11)


def critical_point(n, alive, lam):
    """L = 2, bias: balanced factors with the modes in `alive` on their large root."""
    U, _, Vt = np.linalg.svd(effective_label_matrix(n, bias=True))
    form = ClosedForm(n, 2, True, (lam, lam), lam, alive=len(n) - 1)
    keep = np.zeros(len(n))
    keep[list(alive)] = 1
    layer = np.sqrt(form.sigma2) * keep
    feature = np.sqrt(form.c * form.sigma2**2) * form.kappa / form.q * keep
    E = np.diag(feature) @ Vt
    H = np.repeat(E / np.sqrt(n), n, axis=1)
    return [np.diag(layer), U @ np.diag(layer), H, np.array(n) / sum(n)]


def test_other_critical_points_are_saddles():
    """The same checks do find descent where a dead mode is stronger than an alive one."""
    n, lam = (3, 2, 1), 0.03
    problem = FreeProblem(n, 2, True, (lam, lam), lam, (3, 3))
    for alive, lowest_is_negative in (((), False), ((0,), False), ((0, 1), False), ((1,), True)):
        point = critical_point(n, alive, lam)
        _, gradient = objective_and_gradient(point, problem)
        assert max(np.abs(g).max() for g in gradient) < 1e-14
        assert bool(curvatures(problem, point)[0] < -1e-3) is lowest_is_negative


@pytest.mark.parametrize("problem", LANDSCAPES, ids=describe)
def test_exactly_one_local_minimum_is_global(problem):
    minima = list(nc.local_minima(problem))
    best = nc.global_minimizer(problem)
    assert [m.is_global for m in minima].count(True) == 1
    assert best.is_global
    lowest = min(minima, key=lambda m: m.objective)
    assert lowest.is_global
    assert lowest.alive == best.alive
    assert lowest.objective == best.objective


def test_zero_is_always_a_local_minimum_at_depth_two():
    minima = nc.local_minima(make((3, 2, 1), 2, True, 1e-6, 1e-6))
    assert minima[0].alive == 0
    assert not minima[0].is_global
    assert minima[0].stability_limit == np.inf


@pytest.mark.parametrize("lam", [1e-3, 0.1, 0.21, 1.0])
def test_depth_one_has_only_the_global_minimum(lam):
    problem = make((4, 2, 1), 1, True, lam, lam)
    minima = nc.local_minima(problem)
    assert len(minima) == 1
    assert minima[0].is_global
    assert minima[0].objective == nc.global_minimizer(problem).objective


def test_local_minima_behave_like_a_sequence():
    minima = nc.local_minima(LANDSCAPES[0])
    assert minima[-1].alive == len(minima) - 1
    assert [m.alive for m in reversed(minima)] == list(range(len(minima)))[::-1]
    with pytest.raises(IndexError):
        minima[len(minima)]
    with pytest.raises(IndexError):
        minima[-len(minima) - 1]


@pytest.mark.parametrize(
    ("n", "bias", "unique"),
    [
        ((3, 2, 1), True, [True, True, True]),
        ((5, 1, 1, 1), True, [True, True, False, True]),
        ((2, 2, 1, 1), False, [True, False, True, False, True]),
        ((4, 4, 4), True, [True, False, True]),
    ],
)
def test_a_prefix_that_cuts_a_block_is_a_family(n, bias, unique):
    minima = nc.local_minima(make(n, 2, bias, 1e-4, 1e-4))
    assert [m.unique for m in minima] == unique


def test_a_family_reports_the_documented_basis():
    """Bias, four classes of 5: the first Helmert mode alone separates classes 0 and 1 only."""
    minimum = nc.local_minima(make((5, 5, 5, 5), 2, True, 1e-4, 1e-4))[1]
    s = minimum.s[0]
    v = np.array([1, -1, 0, 0]) / np.sqrt(2)
    np.testing.assert_allclose(minimum.logits(), s * np.outer(v, v) + 0.25, atol=1e-14)
    assert merged(minimum) == {(2, 3)}
    np.testing.assert_allclose(minimum.training_accuracy().per_class, [1, 1, 0.25, 0.25])
    np.testing.assert_allclose(minimum.training_accuracy().per_class, explicit_accuracy(minimum))


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_only_deeper_heads_have_a_tie_at_a_death(depth):
    """With one layer a mode goes to 0 there: alive and dead are one point."""
    # kappa^2 = 4 and N = 5; theta = 5 (5/4)^L lambda^(L+1) is (L-1)^(L-1) / L^(2 L) there.
    theta = (depth - 1) ** (depth - 1) / depth ** (2 * depth)
    lam = (theta / 5 * (4 / 5) ** depth) ** (1 / (depth + 1))
    best = nc.global_minimizer(make((4, 1), depth, False, lam, lam))
    assert (best.alive, best.unique, best.is_global) == (0, depth == 1, True)
    minima = nc.local_minima(best.problem)
    # A mode lasts beyond the tie only where it has a branch to last on.
    assert [m.is_global for m in minima] == [True] * len(minima)
    assert len(minima) == (1 if depth == 1 else 2)


def test_a_slice_of_local_minima_is_a_list_of_them():
    minima = nc.local_minima(make((4, 2, 1), 2, False, 1e-3, 1e-3))
    assert [m.alive for m in minima[1:3]] == [1, 2]
    assert [m.alive for m in minima[::-2]] == [3, 1]
    assert minima[5:] == []
    only = nc.local_minima(make((4, 2, 1), 1, False, 1e-3, 1e-3))
    assert [m.alive for m in only[:]] == [3]


def test_only_a_local_minimum_comes_back():
    deep = nc.local_minima(make((4, 2, 1), 2, False, 1e-3, 1e-3))
    for minimum in deep:
        assert nc.Minimizer.from_dict(minimum.to_dict()) == minimum
    flat = nc.global_minimizer(make((4, 2, 1), 1, False, 1e-3, 1e-3))
    assert flat.alive == len(deep) - 1 == 3
    for one, others in ((deep[0], (-1, 4, 5)), (flat, (-1, 0, 1, 2, 4))):
        for alive in others:
            with pytest.raises(ValueError, match="alive must be"):
                nc.Minimizer.from_dict(one.to_dict() | {"alive": alive})


def test_minima_are_equal_where_the_problem_and_the_modes_are():
    one, other = (nc.local_minima(make((4, 2, 1), 2, False, lam, lam)) for lam in (1e-3, 2e-3))
    again = nc.local_minima(one.problem)
    for alive in range(4):
        assert one[alive] == again[alive]
        assert hash(one[alive]) == hash(again[alive])
        assert one[alive] != other[alive]
        assert one[alive] != one[(alive + 1) % 4]
    assert one == again
    assert one != other
    assert one != list(one)


def test_a_closed_form_has_no_gap():
    assert nc.global_minimizer(make((4, 2, 1), 2)).certificate == 0


def test_a_table_has_twelve_counts_at_most_and_says_so():
    for m in (1, 12, 13):
        html = nc.global_minimizer(make([2, *range(2, m + 2)], 1))._repr_html_()
        assert html.count("<tr") == 1 + min(m, 12)
        assert (f"; the 12 largest of {m} counts" in html) == (m > 12)
        assert ("largest of" in html) == (m > 12)


def test_a_table_has_the_share_that_is_right_to_a_tenth_of_a_percent():
    """Where all modes are dead and there is no bias three classes tie: a third is right."""
    assert ">33.3%<" in nc.global_minimizer(make([5, 2, 2], 1, False, 9.0, 9.0))._repr_html_()


# ---------------------------------------------------------------- how long a minimum lasts


@pytest.mark.parametrize(("depth", "ratio"), [(2, 1.191), (3, 1.414), (6, 2.133)])
def test_alive_branches_last_beyond_their_death_by_the_spinodal_ratio(depth, ratio):
    """t/t_k = (L+1)/4^(L/(L+1))."""
    problem = make((5, 3, 1), depth, True, 1e-3, 2e-3)
    deaths = nc.collapse_factors(problem)
    for minimum in list(nc.local_minima(problem))[1:]:
        weakest = deaths[minimum.alive - 1]
        assert minimum.stability_limit / weakest == pytest.approx(ratio, abs=5e-4)
        assert minimum.stability_limit / weakest == pytest.approx(
            (depth + 1) / 4 ** (depth / (depth + 1)), rel=1e-12
        )


@pytest.mark.parametrize("problem", LANDSCAPES, ids=describe)
def test_a_local_minimum_exists_up_to_its_stability_limit(problem):
    for minimum in list(nc.local_minima(problem))[1:]:
        limit = minimum.stability_limit
        below = nc.local_minima(scaled(problem, limit * (1 - 1e-9)))
        above = nc.local_minima(scaled(problem, limit * (1 + 1e-9)))
        assert len(below) > minimum.alive >= len(above)


def test_at_the_stability_limit_a_curvature_reaches_zero():
    """The first positive curvature tends to 0 as the lambdas rise to the limit."""
    problem = make((3, 1), 2, True, 0.05, 0.05)
    limit = nc.local_minima(problem)[1].stability_limit
    softest = []
    for distance in (1e-1, 1e-2, 1e-4, 1e-6):
        p = scaled(problem, limit * (1 - distance))
        values = curvatures(free(p), arrays_of(nc.local_minima(p)[1]))
        assert values[0] > -1e-12
        softest.append(values[values > 1e-9].min())
    assert softest == sorted(softest, reverse=True)
    # a square-root law: 1e-6 away the curvature is a thousandth of that 1 away
    assert softest[-1] < 3e-3


@pytest.mark.parametrize("alive", [1, 2])
def test_depth_one_lasts_up_to_the_death_of_its_weakest_mode(alive):
    problem = with_alive((4, 2, 1), 1, True, alive)
    best = nc.global_minimizer(problem)
    assert best.alive == alive
    expected = nc.collapse_factors(problem)[alive - 1]
    assert best.stability_limit == pytest.approx(expected, rel=1e-12)


# ---------------------------------------------------------------- seen on real images


def test_cifar_10_run_that_stopped_at_a_prefix():
    """Counts of the paper, bias-free, L = 6: prefix 0.0369, global 0.0222."""
    minima = nc.local_minima(make(CIFAR, 6, False, 5e-4, 1e-5))
    assert minima[9].objective == pytest.approx(0.0369, abs=5e-5)
    assert minima[10].objective == pytest.approx(0.022200, abs=5e-7)
    assert minima[10].is_global
    # the dead class has ten equal logits; any choice but its own gives the 0.9667 that was seen
    assert minima[9].training_accuracy().overall == pytest.approx(0.9667 + 0.1 / 30, abs=5e-5)


def test_letters_run_that_stopped_at_a_prefix():
    """26 letters, bias, L = 3: 10 modes alive 0.0831, global 0.0297."""
    minima = nc.local_minima(make(EMNIST, 3, True, 5e-4, 1e-5))
    assert minima[10].objective == pytest.approx(0.0831, abs=5e-5)
    assert nc.global_minimizer(minima[0].problem).objective == pytest.approx(0.0297, abs=5e-5)
    assert nc.global_minimizer(minima[0].problem).alive == 25
    assert minima[10].unique is False


# ---------------------------------------------------------------- a million classes


def test_local_minima_of_a_million_classes_are_made_when_asked_for(work_and_memory_of):
    counts = nc.ClassCounts.step(10**6, 1000, 10)

    def pick():
        minima = nc.local_minima(make(counts, 2, True, 1e-9, 1e-9))
        return len(minima), [minima[a].objective for a in (0, 1, 500_000, len(minima) - 1)]

    (count, objectives), work, peak = work_and_memory_of(pick)
    assert count > 400_000
    assert peak < 1e9
    assert work < 20  # a list of a million minima would take a million times as much
    assert objectives == sorted(objectives, reverse=True)
    n = counts.n.astype(float)
    total = 0.5 * (1 - ((n / n.sum()) ** 2).sum())
    assert objectives[0] == pytest.approx(total, rel=1e-12)


def test_global_minimizer_of_a_million_classes():
    """499,999 inner modes of each group and one secular: every s from the scalar equation."""
    problem = make(nc.ClassCounts.step(10**6, 1000, 10), 1, True, 1e-6, 4e-6)
    best = nc.global_minimizer(problem)
    N = 5 * 10**5 * 1100
    tau = N * 2e-6
    squares = {1000.0: 499_999, 10**6 * 1000 * 100 / N: 1, 100.0: 499_999}
    expected = 0.0
    for square, size in squares.items():
        s = max(0.0, 1 - tau / np.sqrt(square))
        expected += size * 0.5 * square / N * (1 - s) * (1 + s)
    assert best.objective == pytest.approx(expected, rel=1e-12)
    assert best.alive == 0  # tau = 1100 exceeds sqrt(1000)


def test_merging_and_accuracy_of_a_million_classes(work_and_memory_of):
    """The 499,999 inner modes of the minority dead, the secular mode alive.

    A minority class then shares its logits with 499,999 others, and these are the largest:
    s >= 1/2 > (l_2/K) (1 - N_2/N_1) = 0.45.
    """
    unit = make(nc.ClassCounts.step(10**6, 1000, 10), 2, True, 1.0, 1.0)
    factors = nc.collapse_factors(unit)
    factor = float(np.sqrt(factors[499_999] * factors[500_000]))

    def solve():
        best = nc.global_minimizer(scaled(unit, factor))
        return best, best.merged_classes(), best.training_accuracy()

    (best, sets, accuracy), work, peak = work_and_memory_of(solve)
    assert best.alive == 500_000
    assert [len(members) for members in sets] == [500_000]
    assert set(sets[0]) == set(range(500_000, 10**6))
    assert (accuracy.per_class[:500_000] == 1).all()
    np.testing.assert_allclose(accuracy.per_class[500_000:], 1 / 500_000, rtol=1e-14)
    assert peak < 1e9
    assert work < 20


def test_pairs_of_classes_of_a_large_problem_merge_as_a_group():
    problem = with_alive(tuple([30] * 50 + [10] * 50), 2, True, 50)
    assert [len(g) for g in nc.global_minimizer(problem).merged_classes()] == [50]


def test_every_landscape_case_is_exercised():
    """Both kinds of bias, blocks, width limits and depths are among the cases above."""
    assert {p.bias for p in LANDSCAPES} == {True, False}
    assert {p.depth for p in LANDSCAPES} == {2, 3, 6}
    kinds = itertools.chain(RANDOM, LANDSCAPES)
    assert {nc.global_minimizer(p).alive for p in kinds} >= {0, 1, 2, 3, 4}


@pytest.mark.parametrize("n", [(3, 1), (7, 2), (50, 3), (1000, 1), (284315, 492)])
def test_an_exact_tie_between_groups_counts_one_half(n):
    """K = 2, L = 1: at s = (1 - n_2/n_1)/2 both logits of the rare class are equal (AUDIT f)."""
    N = sum(n)
    kappa = np.sqrt(2 * n[0] * n[1] / N)
    lam = kappa * (1 - (1 - n[1] / n[0]) / 2) / N  # s = 1 - N lambda / kappa
    tie = nc.global_minimizer(nc.Problem(n, 1, lambda_W=lam, lambda_H=lam))
    np.testing.assert_array_equal(tie.training_accuracy().per_class, [1.0, 0.5])
