"""What the book adds to the paper: one block for each section of the chapter, (a) to (i).

The values compared with are the tests' own: dense singular value decompositions, the paper's
formulas in `reference`, and the optimiser in `brute_force`.
"""

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from brute_force import FreeProblem, curvatures, minimise, objective_and_gradient
from few import few
from reference import (
    ClosedForm,
    alpha_spinodal,
    alpha_threshold,
    alphas,
    effective_label_matrix,
    largest_root,
    singular_values,
)
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

import nclib as nc
from nclib.theory.collapse import two_class_limits
from nclib.theory.descent import sweep_lambdas
from nclib.theory.penalised_bias import penalised_bias_minimizer, penalised_bias_threshold
from nclib.theory.shrinkage import lemma_a2_spinodal

CIFAR = (500, 500, 400, 400, 300, 300, 200, 200, 100, 100)
LETTERS = (1500, *[600] * 5, *[50] * 20)


def closed_form(n, depth, lam, bias=True):
    return ClosedForm(tuple(n), depth, bias, (lam,) * depth, lam)


def problem(n, depth, lam, bias=True, widths=None):
    return nc.Problem(n, depth, bias=bias, lambda_W=lam, lambda_H=lam, widths=widths)


def deaths(n, depth, bias=True):
    """Common lambda at which each mode dies, by the paper's alpha and its threshold."""
    alpha = alphas(singular_values(n, bias), n, depth, (1.0,) * depth, 1.0)
    return (alpha_threshold(depth) / alpha) ** (depth / (depth + 1))


def margins(logits):
    """How far each class's own logit is above the best of the others."""
    others = np.where(np.eye(len(logits), dtype=bool), -np.inf, logits)
    return np.diag(logits) - others.max(axis=0)


def random_counts(rng, largest_K=6):
    K = int(rng.integers(2, largest_K + 1))
    kinds = rng.choice([3, 10, 100, 1000])
    return tuple(int(v) for v in rng.integers(1, kinds, K, endpoint=True))


# ---------------------------------------------------------------- (a) modes and classes


def test_a_classes_merge_by_the_inner_modes_of_their_group(record_error):
    """Class means from a dense SVD; which modes are alive is all that the rule looks at."""
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(300):
        m = int(rng.integers(1, 4))
        values = rng.choice(np.arange(1, 30), m, replace=False)
        sizes = rng.integers(1, 4, m)
        n = np.repeat(values, sizes)
        if n.size < 2:
            continue
        depth = int(rng.choice([1, 2, 3]))
        death = np.unique(deaths(n, depth)[:-1])
        lam = float(np.exp(rng.uniform(np.log(0.9 * death[0]), np.log(1.1 * death[-1]))))
        form = closed_form(n, depth, lam)
        gram = form.feature_gram / np.sqrt(np.outer(n, n))
        square = np.diag(gram)[:, None] + np.diag(gram) - 2 * gram
        largest = max(np.diag(gram).max(), 1e-300)
        kappa2 = form.kappa[form.survives] ** 2
        inner = {v: np.isclose(kappa2, v, rtol=1e-9).any() for v in values.tolist()}
        between_alive = any(not np.isclose(v, values, rtol=1e-9).any() for v in kappa2)
        for k, other in itertools.combinations(range(n.size), 2):
            if n[k] == n[other]:
                merged = not inner[int(n[k])]
            else:
                merged = not between_alive and not inner[int(n[k])] and not inner[int(n[other])]
            relative = max(square[k, other], 0.0) / largest
            if merged:
                assert record_error("(a) distance of merged means", relative, 1e-12)
            else:
                assert relative > 1e-9
            seen.add((merged, bool(n[k] == n[other])))
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("n", "steps", "levels"),
    [
        (CIFAR, (0.9470, 1.3594, 1.6924, 1.9860, 2.2361), (1, 14 / 15, 0.8, 0.6, 1 / 3, 1 / 6)),
        (LETTERS, (0.9402, 3.2788), (1, 9 / 11, 3 / 11)),
    ],
)
def test_a_accuracy_of_one_layer_falls_in_these_steps(n, steps, levels, record_error):
    """Against lambda over the first death; found by bisection in dense logits."""
    first = deaths(n, 1)[:-1].min()

    def accuracy(factor):
        logits = closed_form(n, 1, factor * first).logits
        best = logits.max(axis=0)
        ties = np.isclose(logits, best, rtol=1e-9, atol=0)
        return float(np.diag(ties) / ties.sum(axis=0) @ n) / sum(n)

    for step, before, after in zip(steps, levels, levels[1:], strict=False):
        low, high = 0.98 * step, 1.02 * step
        assert accuracy(low) == pytest.approx(before, abs=1e-12)
        assert accuracy(high) == pytest.approx(after, abs=1e-12)
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if accuracy(middle) > (before + after) / 2 else (low, middle)
        assert record_error("(a) steps of accuracy, L = 1", abs(low - step), 5.1e-5)


@pytest.mark.parametrize("depth", [2, 3, 6])
@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (CIFAR, dict(zip(range(9, -1, -1), (1, 29 / 30, 14 / 15, 13 / 15, 0.8, 0.7, 0.6, 7 / 15,
                                            1 / 3, 1 / 6), strict=True))),
        (LETTERS, {25: 1, 5: 9 / 11, 1: 21 / 55, 0: 3 / 11}),
    ],
)  # fmt: skip
def test_a_accuracy_of_deeper_heads_as_modes_die(n, expected, depth, record_error):
    """Just below the death of each mode (ties count their share)."""
    death = deaths(n, depth)
    for alive, accuracy in expected.items():
        lam = 0.999 * death[alive - 1] if alive else 1.001 * death[0]
        best = nc.global_minimizer(problem(n, depth, lam))
        assert best.alive == alive
        error = abs(best.training_accuracy().overall - accuracy)
        assert record_error("(a) accuracy as modes die, L >= 2", error, 1e-12)


def leads(logits):
    """Entry (j, k): how far the answer for k is above that for j, on the samples of class k."""
    return np.diag(logits) - logits


def assert_no_class_is_mistaken_for_a_rarer_one(n, logits, alive_squares, record_error):
    """Both parts of the theorem, pair by pair of classes with different counts."""
    n = np.asarray(n, dtype=float)
    lead, bound = leads(logits), (n - n[:, None]) / n.sum()
    rarer = n > n[:, None]
    short = float((bound - lead)[rarer].max(initial=0.0))
    assert record_error("(a) lead over a rarer class: short of its bound by", short, 1e-9)
    lost = (n < n[:, None]) & (n[:, None] <= min(alive_squares, default=np.inf) * (1 + 1e-12))
    beyond = float((lead - bound)[lost].max(initial=0.0))
    assert record_error("(a) lead of a lost class: above its bound by", beyond, 1e-9)
    return int(rarer.sum()), int(lost.sum())


def test_a_no_class_is_answered_as_a_rarer_one(record_error):
    """Every local minimum (the paper's formulas, dense SVD), also where a block is cut."""
    rng = np.random.default_rng(1)
    counted = np.zeros(2, dtype=int)
    not_global = fewer = 0
    for _ in range(500):
        n = random_counts(rng, largest_K=8)
        depth = int(rng.choice([1, 2, 3, 6]))
        death = deaths(n, depth)[:-1]
        lam = float(np.exp(rng.uniform(np.log(death.min() / 2), np.log(1.3 * death.max()))))
        globally = closed_form(n, depth, lam)
        alpha = alphas(globally.kappa, n, depth, (lam,) * depth, lam)
        limit = alpha_spinodal(depth) * (1 - 1e-9)
        prefixes = range(int((alpha < limit).sum()) + 1) if depth > 1 else [None]
        for alive in prefixes:
            form = ClosedForm(n, depth, True, (lam,) * depth, lam, alive=alive)
            squares = form.kappa[form.survives] ** 2
            counted += assert_no_class_is_mistaken_for_a_rarer_one(
                n, form.logits, squares, record_error
            )
            not_global += form.survives.sum() != globally.survives.sum()
            if len(set(n)) == len(n):  # no ties: among the q + 1 largest are all that are right
                right = np.flatnonzero(margins(form.logits) > 0)
                largest = np.argsort(n)[::-1][: form.survives.sum() + 1]
                assert set(right) <= set(largest)
                fewer += right.size < largest.size
    assert counted.min() > 1000
    assert not_global > 500
    assert fewer > 0


@pytest.mark.parametrize("depth", few([1, 2, 3], {2}))
@pytest.mark.parametrize("factor", [0.6, 0.95])
def test_a_descent_answers_no_class_as_a_rarer_one(depth, factor, record_error):
    """The theorem on what the tests' own optimiser finds, every sample and a free bias."""
    n = (9, 4, 3, 2)
    lam = factor * float(deaths(n, depth)[0])
    free = FreeProblem(n, depth, True, (lam,) * depth, lam, (4,) * depth)
    found = minimise(free)
    means = found.class_means(n)
    logits = found.product @ means + found.b[:, None]
    lead = leads(logits)
    for k, j in itertools.combinations(range(4), 2):  # n falls: class j is rarer
        assert lead[j, k] >= (n[k] - n[j]) / sum(n) - 1e-4


@pytest.mark.parametrize(("factor", "right"), [(0.999, 1), (0.9, 1), (0.8, 1), (0.7, 1), (0.4, 2)])
def test_a_the_q_plus_1_largest_classes_need_not_be_right(factor, right):
    """One mode alive, six layers, far from the border: the second class waits for s > 12/13."""
    n = (10**6, *range(112, 100, -1))
    form = closed_form(n, 6, factor * float(deaths(n, 6)[0]))
    assert form.survives.sum() == 1
    assert (margins(form.logits) > 0).tolist() == [True] * right + [False] * (13 - right)


@pytest.mark.parametrize("depth", [2, 3, 6])
def test_a_as_many_rare_classes_as_layers_break_the_rule(depth):
    """In the limit the second class is right iff s > M/(M+1), and a mode lives from (L-1)/L on."""
    for rare in (depth - 1, depth, 2 * depth):
        n = (10**9, *range(10**5 + rare, 10**5, -1))
        v = np.linalg.svd(effective_label_matrix(n, bias=True))[2][0]
        needed = (1 - n[1] / n[0]) * n[0] / sum(n) / (v[1] * (v[1] - np.sqrt(n[0] / n[1]) * v[0]))
        assert needed == pytest.approx(rare / (rare + 1), abs=1e-3)
        form = closed_form(n, depth, float(deaths(n, depth)[0]) * (1 - 1e-9))
        assert form.survives.sum() == 1
        second = margins(form.logits)[1]
        if rare != depth - 1:  # there s = (L-1)/L = M/(M+1): on the border
            assert second < 0


@pytest.mark.parametrize("n", [(30, 3, 2), (26, 3, 2, 1)])
def test_a_with_two_layers_the_q_plus_1_largest_may_not_all_be_right(n, record_error):
    """Smallest counts known, for three and for more classes: s = 1/2 at the death of mode 1."""
    root = np.sqrt(n)
    v = np.linalg.svd(effective_label_matrix(n, bias=True))[2][0]
    F = np.outer(v, v) / 2 + np.outer(root, root) / sum(n)
    lead = margins(root[:, None] * F / root)
    assert lead[0] > 0 > lead[1] > -3e-3
    best = nc.global_minimizer(problem(n, 2, float(deaths(n, 2)[0]) * (1 - 1e-12)))
    assert best.alive == 1
    error = np.abs(margins(best.logits()) - lead).max()
    assert record_error("(a) margins at the death of a mode", error, 1e-5)
    assert best.training_accuracy().per_class.tolist() == [1.0] + [0.0] * (len(n) - 1)


# ---------------------------------------------------------------- (b) depth and the thresholds


@pytest.mark.parametrize("depth", [1, 2, 3, 6, 20])
@pytest.mark.parametrize(
    ("moves", "exponent"),
    [
        ("all", lambda L: 2 * L / (L + 1)),
        ("lambda_W", lambda L: 2.0),
        ("lambda_H", lambda L: 2.0 * L),
    ],
)
def test_b_how_depth_spreads_the_deaths_depends_on_what_is_held_fixed(
    depth, moves, exponent, record_error
):
    """Found by bisection on the theorem's test alpha < alpha*; the rest is held at 1e-3."""
    n = (40, 30, 12, 5)
    kappa = singular_values(n, True)[:-1]

    def alive(k, value):
        lambda_W = 1e-3 if moves == "lambda_H" else value
        lambda_H = 1e-3 if moves == "lambda_W" else value
        made = nc.Problem(n, depth, lambda_W=lambda_W, lambda_H=lambda_H)
        return bool(nc.global_minimizer(made).survives[k])

    found = []
    for k in (0, 2):
        low, high = -300.0, 300.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if alive(k, float(np.exp(middle))) else (low, middle)
        found.append(low)
    spread = (found[0] - found[1]) / np.log(kappa[0] / kappa[2])
    error = abs(spread / exponent(depth) - 1)
    assert record_error("(b) exponent of the spread of deaths", error, 1e-10)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_b_descent_agrees_on_when_a_mode_dies(depth, record_error):
    """Rank of the best point found by the tests' own optimiser, just below and above a death."""
    n = (2, 1)
    for factor, rank in ((0.985, 1), (1.015, 0)):
        lam = factor * float(deaths(n, depth)[0])
        found = minimise(FreeProblem(n, depth, True, (lam,) * depth, lam, (2,) * depth))
        values = np.linalg.svd(found.product @ found.H, compute_uv=False)
        assert int((values > 1e-4 * np.sqrt(sum(n))).sum()) == rank
        error = abs(found.objective - closed_form(n, depth, lam).objective)
        assert record_error("(b) objective beside a death", error, 1e-12)


def test_b_the_first_death_is_not_monotone_in_depth():
    first = [nc.collapse_factors(problem(CIFAR, L, 1.0))[-2] for L in (1, 2, 3, 6)]
    np.testing.assert_allclose(first, [3.333e-3, 2.850e-3, 2.869e-3, 2.526e-3], rtol=2e-4)
    assert first[2] > first[1] > first[3]


def test_b_in_a_very_deep_head_a_mode_dies_at_its_variance_over_depth(record_error):
    """One lambda for all: lambda_k L -> mu_k = kappa_k^2 / N."""
    mu = singular_values(CIFAR, True)[:-1] ** 2 / sum(CIFAR)
    errors = []
    for depth in (10, 100, 1000, 10_000):
        death = nc.collapse_factors(problem(CIFAR, depth, 1.0))[:-1]
        errors.append(np.abs(death * depth / mu - 1).max())
    assert errors == sorted(errors, reverse=True)
    assert record_error("(b) lambda_k L / mu_k at 10000 layers", errors[-1], 2e-3)


# ---------------------------------------------------------------- (c) the tie


@pytest.mark.parametrize("depth", [2, 3, 6])
@pytest.mark.parametrize("n", [(1, 1), (3, 2, 1), LETTERS])
def test_c_at_the_threshold_alive_and_dead_cost_the_same(n, depth, record_error):
    lam = float(nc.collapse_factors(problem(n, depth, 1.0))[-2])
    minima = [minimum for minimum in nc.local_minima(problem(n, depth, lam)) if minimum.is_global]
    size = int(np.isclose(singular_values(n, True), singular_values(n, True)[-2]).sum())
    assert len(minima) == size + 1
    assert minima[-1].s[minima[-1].alive - 1] == pytest.approx((depth - 1) / depth, rel=1e-6)
    assert minima[0].s[minima[-1].alive - 1] == 0
    for minimum in minima:
        value = minimum.problem.objective(*minimum.weights())
        error = abs(value / minima[0].objective - 1)
        assert record_error("(c) objective of tied minimisers", error, 1e-12)
        _, gradient, _ = minimum.problem.gradient(*minimum.weights())
        assert np.abs(gradient).max() < 1e-12


def test_c_descent_finds_nothing_below_the_tie(record_error):
    lam = 128 ** (-1 / 3)
    found = minimise(FreeProblem((1, 1), 2, True, (lam, lam), lam, (2, 2)))
    assert record_error("(c) tie of (1, 1)", abs(found.objective - 0.25), 1e-12)
    assert nc.global_minimizer(problem((1, 1), 2, lam)).objective == pytest.approx(0.25, abs=1e-14)


# ---------------------------------------------------------------- (d) the narrow head


def turned(minimum, block, Q):
    """Weights of a minimiser with the alive modes of a block replaced by turned ones."""
    form, a = minimum.problem, minimum.alive
    n = form.counts.n
    U, _, Vt = np.linalg.svd(effective_label_matrix(n, bias=form.bias))
    V = Vt.T
    U[:, block], V[:, block] = U[:, block] @ Q, V[:, block] @ Q
    factor = minimum.layer_singular_values[:, :a]
    d = (*(form.widths or (form.K,) * form.depth), form.K)
    Ws = [np.zeros((d[j + 1], d[j])) for j in range(form.depth)]
    for W, size in zip(Ws[:-1], factor, strict=False):
        W[:a, :a] = np.diag(size)
    Ws[-1][:, :a] = U[:, :a] * factor[-1]
    H = np.zeros((d[0], form.K))
    H[:a] = minimum.feature_singular_values[:a, None] * V[:, :a].T / np.sqrt(n)
    return Ws, H, n / form.N


def test_d_a_width_that_cuts_a_block_leaves_a_family_with_other_accuracies(record_error):
    """26 letters, three layers, eight places: six for the strong modes, two for nineteen weak."""
    narrow = problem(LETTERS, 3, 5e-4, widths=(8, 8, 8))
    best = nc.global_minimizer(narrow)
    assert (best.alive, best.unique) == (8, False)
    rng = np.random.default_rng(0)
    accuracies = set()
    for _ in range(20):
        Q = np.linalg.qr(rng.standard_normal((19, 19)))[0]
        Ws, H, b = turned(best, slice(6, 25), Q)
        error = abs(narrow.objective(Ws, H, b) / best.objective - 1)
        assert record_error("(d) objective in the family", error, 1e-12)
        dWs, dH, db = narrow.gradient(Ws, H, b)
        largest = max(np.abs(d).max() for d in (*dWs, dH, db))
        assert record_error("(d) gradient in the family", largest, 1e-13)
        P = Ws[2] @ Ws[1] @ Ws[0]
        right = margins(P @ H + b[:, None]) > 1e-9
        accuracies.add(round(float(right @ narrow.counts.n) / narrow.N, 6))
    assert len(accuracies) > 1


@pytest.mark.parametrize(("widths", "bias"), [((2, 4), True), ((4, 2), False)])
def test_d_the_narrowest_layer_decides(widths, bias, record_error):
    n, lam = (4, 3, 2, 1), 0.02
    form = FreeProblem(n, 2, bias, (lam, lam), lam, widths)
    found = minimise(form)
    best = nc.global_minimizer(problem(n, 2, lam, bias, widths))
    assert best.alive == 2
    error = abs(found.objective - best.objective)
    assert record_error("(d) objective of a narrow head", error, 1e-12)
    wide = nc.global_minimizer(problem(n, 2, lam, bias))
    kappa2, s = wide.kappa[2:] ** 2, wide.s[2:]
    extra = np.sum(kappa2 * (1 - (1 - s) * (1 + 2 * s))) / (2 * sum(n))
    assert record_error(
        "(d) price of a narrow head", abs(best.objective - wide.objective - extra), 1e-14
    )


def test_d_with_a_bias_k_minus_1_places_are_enough():
    n, lam = (4, 3, 2, 1), 0.02
    for depth in (1, 2, 3):
        values = [
            nc.global_minimizer(problem(n, depth, lam, widths=(d,) * depth)).objective
            for d in (2, 3, 4)
        ]
        assert values[0] > values[1] == values[2]


# ---------------------------------------------------------------- (e) the landscape


def roots(alpha, L):
    """x of a dead mode, of the large root and, for L >= 2, of the small root."""
    result = {"dead": 0.0}
    if alpha < alpha_spinodal(L):
        result["large"] = largest_root(alpha, L)
        if L > 1:
            # bisection on the rising side of L x^(L-1) / (x^L + 1)^2
            low, high = 0.0, ((L - 1) / (L + 1)) ** (1 / L)
            for _ in range(200):
                x = (low + high) / 2
                low, high = (x, high) if L * x ** (L - 1) / (x**L + 1) ** 2 < alpha else (low, x)
            result["small"] = low
    return result


def critical_points(n, depth, lam, bias, width):
    """Every choice of dead, small and large root for the modes, as arrays and as a tuple."""
    U, kappa, Vt = np.linalg.svd(effective_label_matrix(n, bias=bias))
    rank = len(n) - bias
    N = sum(n)
    alpha = alphas(kappa[:rank], n, depth, (lam,) * depth, lam)
    for kinds in itertools.product(*(roots(a, depth) for a in alpha)):
        alive = [k for k, kind in enumerate(kinds) if kind != "dead"]
        if len(alive) > width:
            continue
        Ws = [np.zeros((width, width)) for _ in range(depth - 1)] + [np.zeros((len(n), width))]
        E = np.zeros((width, len(n)))
        for place, k in enumerate(alive):
            x = roots(alpha[k], depth)[kinds[k]]
            sigma2 = (N * lam) ** (1 / depth) * x  # c = 1 for equal lambdas
            feature = np.sqrt(sigma2**depth) * kappa[k] / (sigma2**depth + N * lam)
            for W in Ws[:-1]:
                W[place, place] = np.sqrt(sigma2)
            Ws[-1][:, place] = np.sqrt(sigma2) * U[:, k]
            E[place] = feature * Vt[k]
        H = np.repeat(E / np.sqrt(n), n, axis=1)
        yield kinds, [*Ws, H] + ([np.array(n) / N] if bias else [])


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("width", [1, 2, 4])
@pytest.mark.parametrize("fraction", [0.5, 1.3, 4.0])
def test_e_one_layer_every_critical_point_is_global_or_a_strict_saddle(
    fraction, width, bias, record_error
):
    n = (4, 2, 1)
    lam = float(fraction * deaths(n, 1, bias)[: 3 - bias].min())
    form = FreeProblem(n, 1, bias, (lam,), lam, (width,))
    lowest = nc.global_minimizer(problem(n, 1, lam, bias, (width,))).objective
    points = list(critical_points(n, 1, lam, bias, width))
    globals_found = 0
    for _, arrays in points:
        f, gradient = objective_and_gradient(arrays, form)
        assert record_error("(e) gradient, L = 1", max(np.abs(g).max() for g in gradient), 1e-14)
        least = curvatures(form, arrays)[0]
        if f < lowest + 1e-12:
            globals_found += 1
            assert record_error("(e) negative curvature at minima", max(-least, 0), 1e-9)
        else:
            assert least < -1e-4
    assert globals_found == 1


@pytest.mark.parametrize(
    ("n", "depth", "bias", "width", "fraction"),
    [
        ((4, 2, 1), 2, True, 3, 0.5),
        ((4, 2, 1), 2, True, 3, 1.1),
        ((4, 2, 1), 2, True, 1, 0.5),
        ((4, 2, 1), 2, False, 3, 0.7),
        ((4, 2, 1), 3, True, 3, 0.7),
        ((4, 2, 1), 3, True, 3, 1.3),
        ((3, 1), 6, True, 2, 0.5),
    ],
)
def test_e_deeper_heads_have_exactly_the_prefixes_as_local_minima(
    n, depth, bias, width, fraction, record_error
):
    """All of dead, small root and large root; the Hessian says what each combination is."""
    lam = float(fraction * deaths(n, depth, bias)[: len(n) - bias].min())
    form = FreeProblem(n, depth, bias, (lam,) * depth, lam, (width,) * depth)
    found = []
    for kinds, arrays in critical_points(n, depth, lam, bias, width):
        f, gradient = objective_and_gradient(arrays, form)
        assert record_error("(e) gradient, L >= 2", max(np.abs(g).max() for g in gradient), 1e-13)
        least = curvatures(form, arrays)[0]
        alive = sum(kind == "large" for kind in kinds)
        prefix = all(kind == "large" for kind in kinds[:alive]) and all(
            kind == "dead" for kind in kinds[alive:]
        )
        if prefix:
            found.append(f)
            assert record_error("(e) negative curvature at minima", max(-least, 0), 1e-9)
        else:
            assert least < -1e-5
    listed = nc.local_minima(problem(n, depth, lam, bias, (width,) * depth))
    assert len(listed) == len(found)
    objectives = sorted(minimum.objective for minimum in listed)
    assert record_error(
        "(e) objective of the prefixes", np.ptp([objectives, sorted(found)], axis=0).max(), 1e-13
    )


@pytest.mark.parametrize(("depth", "ratio"), [(2, 1.191), (3, 1.414), (6, 2.133)])
def test_e_gradient_steps_hold_an_alive_mode_up_to_the_spinodal(depth, ratio, record_error):
    death = float(deaths((3, 1), depth)[0])
    alive = nc.local_minima(problem((3, 1), depth, death))[1]
    exact = (depth + 1) / 4 ** (depth / (depth + 1))
    up = sweep_lambdas(alive, [1.0, 1.1, 0.97 * exact, 0.995 * exact, 1.005 * exact])
    held = up.factors[up.z[:, 0] > 1e-3]
    assert record_error("(e) where gradient steps let go", abs(held.max() / ratio - 1), 0.006)
    # and the closed form says the same of how long
    power = depth / (depth + 1)
    exact = (lemma_a2_spinodal(depth) / nc.theory.lemma_a2_threshold(depth)) ** power
    assert record_error("(e) ratio of the spinodal", abs(exact - ratio), 5e-4)
    error = abs(lemma_a2_spinodal(depth) / alpha_spinodal(depth) - 1)
    assert record_error("(e) alpha of the spinodal", error, 1e-14)


@pytest.mark.parametrize("depth", [2, 3, 6])
def test_e_a_dead_mode_never_revives(depth):
    death = float(deaths((3, 1), depth)[0])
    dead = nc.local_minima(problem((3, 1), depth, death))[0]
    down = sweep_lambdas(dead, [1.0, 0.3, 0.1])
    assert down.z[:, 0].max() < 1e-6
    assert nc.global_minimizer(problem((3, 1), depth, 0.1 * death)).s[0] > 0.9


def test_e_with_one_layer_the_way_back_is_the_way_there(record_error):
    death = float(deaths((3, 1), 1)[0])
    start = nc.global_minimizer(problem((3, 1), 1, 1.2 * death))
    factors = np.array([1.0, 0.75, 0.5, 0.25, 0.5, 0.75, 1.0])
    sweep = sweep_lambdas(start, factors)
    kappa = singular_values((3, 1), True)[0]
    expected = np.maximum(kappa * (1 - 1.2 * factors), 0)
    error = np.abs(sweep.z[:, 0] - expected).max()
    assert record_error("(e) hysteresis of one layer", error, 1e-4)


def test_e_the_size_of_the_start_decides_where_gradient_steps_end():
    n = (3, 2, 1)
    for depth in (1, 2, 3):
        lam = float(0.5 * deaths(n, depth)[1])
        minima = nc.local_minima(problem(n, depth, lam))
        values = np.array([minimum.objective for minimum in minima])
        ends = {}
        for scale in (0.03, 1.0):
            found = nc.descend(
                problem(n, depth, lam), 4, 0, method="gradient", scale=scale, class_means=True,
                learning_rate=1.0, max_steps=800,
            )  # fmt: skip
            gap = np.abs(found.objectives[:, None] - values)
            assert gap.min(axis=1).max() < 1e-3  # every run ends at a local minimum
            ends[scale] = gap.argmin(axis=1)
        best = int(values.argmin())
        assert (ends[1.0] == best).any()
        assert (ends[0.03] == 0).all()  # nothing alive for L >= 2; the only minimum for L = 1


# ---------------------------------------------------------------- (f) a penalty on the bias


@dataclass(frozen=True)
class PenalisedProblem(FreeProblem):
    rho_b: float = 0.0

    @property
    def penalties(self):
        return [*self.lambda_W, self.lambda_H, self.rho_b]


F_CASES = [
    ((3, 2, 1), 1, (0.05,), 0.02, 0.3),
    ((3, 2, 1), 1, (0.05,), 0.02, 0.02),
    ((3, 2, 1), 1, (0.01,), 0.01, 0.1),
    ((4, 4, 1), 1, (0.03,), 0.05, 0.2),
    ((1, 2, 2), 1, (0.2,), 0.2, 0.5),
    ((2, 2, 2), 1, (0.02,), 0.03, 0.1),
    ((2, 2, 2), 2, (0.02, 0.04), 0.01, 2.0),
    ((2, 2, 2), 2, (0.02, 0.04), 0.01, 0.05),
    ((2, 2), 3, (0.02, 0.04, 0.03), 0.01, 5.0),
]


def penalised(case):
    n, depth, lambda_W, lambda_H, rho_b = case
    made = nc.Problem(n, depth, lambda_W=lambda_W, lambda_H=lambda_H)
    return penalised_bias_minimizer(made, rho_b)


@pytest.mark.parametrize("case", few(F_CASES, [*F_CASES[:7], F_CASES[-1]]), ids=str)
def test_f_descent_agrees_with_the_penalised_bias(case, record_error):
    n, depth, lambda_W, lambda_H, rho_b = case
    best = penalised(case)
    form = PenalisedProblem(n, depth, True, lambda_W, lambda_H, (len(n),) * depth, rho_b)
    found = minimise(form)
    error = abs(found.objective - best.objective)
    assert record_error("(f) objective, penalised bias", error, 1e-11)
    assert record_error("(f) bias", np.abs(found.b - best.b).max(), 1e-6)
    logits = found.product @ found.class_means(n) + found.b[:, None]
    assert record_error("(f) logits", np.abs(logits - best.logits()).max(), 1e-5)
    Ws, H_bar, b = best.weights()
    arrays = [*Ws, np.repeat(H_bar, n, axis=1), b]
    value, gradient = objective_and_gradient(arrays, form)
    assert record_error("(f) objective of the weights", abs(value - best.objective), 1e-14)
    assert record_error("(f) gradient", max(np.abs(g).max() for g in gradient), 1e-9)


@pytest.mark.parametrize("case", [case for case in F_CASES if case[1] == 1], ids=str)
def test_f_a_dual_certificate_bounds_every_network(case, record_error):
    n, _, (lambda_W,), lambda_H, rho_b = case
    best, N, tau = penalised(case), sum(n), np.sqrt(lambda_W * lambda_H)
    v = np.sqrt(np.array(n) / N)
    M = np.eye(len(n)) - np.outer(v, v) / (1 + rho_b)
    D = np.diag(np.sqrt(n))
    C = (D - best.prediction) @ M / (N * tau)
    C /= max(1.0, np.linalg.norm(C, 2))
    bound = tau * np.sum(C * D) - N * tau**2 / 2 * np.sum(C * (C @ np.linalg.inv(M)))
    assert record_error("(f) gap of the certificate", best.objective - bound, 1e-13)


def test_f_the_tempting_answer_is_too_low(record_error):
    """The singular values of D Pi_g, put through the one rule, promise what no network reaches."""
    best = penalised(F_CASES[0])
    n, N, rho_b = best.problem.counts.n, 6, best.rho_b
    gamma = np.sqrt(rho_b / (1 + rho_b))
    v = np.sqrt(n / N)
    kappa = np.linalg.svd(np.diag(np.sqrt(n)) @ (np.eye(3) - (1 - gamma) * np.outer(v, v)))[1]
    z = np.maximum(kappa - N * np.sqrt(1e-3), 0)
    tempting = np.sum((kappa - z) ** 2) / (2 * N) + np.sqrt(1e-3) * z.sum()
    error = abs(best.objective - tempting - 0.0146)
    assert record_error("(f) how far too low", error, 5.1e-5)
    assert best.objective == pytest.approx(0.1121, abs=5e-5)


@pytest.mark.parametrize("n", [(3, 2, 1), (2, 2, 2), (5, 1, 1)])
def test_f_between_a_free_bias_and_none(n, record_error):
    made = problem(n, 1, 0.02)
    free, none = (nc.global_minimizer(problem(n, 1, 0.02, bias)) for bias in (True, False))
    rhos = (1e-7, 1e-4, 1e-2, 0.1, 1.0, 1e4, 1e7)
    values = [penalised_bias_minimizer(made, rho).objective for rho in rhos]
    assert values == sorted(values)
    assert free.objective <= values[0]
    slope = (values[0] - free.objective) / rhos[0] / (np.sum(np.square(n)) / (2 * sum(n) ** 2))
    assert record_error("(f) slope at rho_b = 0", abs(slope - 1), 1e-4)
    far = penalised_bias_minimizer(made, rhos[-1])
    assert record_error("(f) limit without bias", abs(far.objective - none.objective), 1e-7)
    assert np.abs(far.b).max() < 1e-6


@pytest.mark.parametrize("n", [(3, 2, 1), (7, 7, 2, 1), CIFAR])
def test_f_beyond_rho_c_one_layer_answers_as_without_bias(n, record_error):
    lam = 0.3 / np.sqrt(sum(n)) / np.sqrt(sum(n)) * np.sqrt(min(n))
    made = problem(n, 1, lam)
    rho_c = penalised_bias_threshold(made)
    expected = np.diag(1 - sum(n) * lam / np.sqrt(n))
    for factor in (1.001, 2.0, 50.0):
        best = penalised_bias_minimizer(made, factor * rho_c)
        error = np.abs(best.logits() - expected).max()
        assert record_error("(f) logits beyond rho_c", error, 1e-12)
        error = np.abs(best.b - lam / best.rho_b * np.sqrt(n)).max()
        assert record_error("(f) bias beyond rho_c", error, 1e-12)
    below = penalised_bias_minimizer(made, 0.9 * rho_c)
    assert np.abs(below.logits() - expected).max() > 1e-4


def test_f_with_unequal_counts_the_features_keep_a_mean_at_every_penalty():
    made = problem((3, 2, 1), 1, 0.02)
    for rho in (1e-4, 1e-3, 1e-2, 1e-1):
        _, H_bar, b = penalised_bias_minimizer(made, rho).weights()
        mean = np.linalg.norm(H_bar @ made.counts.n) / made.N
        assert mean > 1e-3 * rho
        shrunk = made.counts.n / made.N / (1 + rho)
        assert np.abs(b - shrunk).max() > 1e-3 * rho


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_f_balanced_the_mean_has_a_threshold_of_its_own(depth, record_error):
    """gamma^2 takes N to N / gamma^2: the mean dies at lambda gamma^2 of the contrasts' death."""
    n, rho = (4, 4, 4), 1.5
    gamma2 = rho / (1 + rho)
    death = float(deaths(n, depth)[0])
    for factor, alive in ((0.999 * gamma2, True), (1.001 * gamma2, False)):
        made = problem(n, depth, factor * death)
        best = penalised_bias_minimizer(made, rho)
        mean = best.prediction.sum() / 3  # 1' T 1 / K: the singular value of the mean mode
        if alive:
            assert mean > 1e-4
        else:
            assert abs(mean) < 1e-12
        contrast = best.prediction[0, 0] - best.prediction[0, 1]
        error = abs(contrast - nc.global_minimizer(made).z[0])
        assert record_error("(f) contrasts of equal counts", error, 1e-13)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((None, 1.0), "problem"),
        ((problem((2, 1), 1, 0.1, False), 1.0), "bias"),
        ((problem((2, 1), 2, 0.1), 1.0), "one layer"),
        ((problem((2, 1), 1, 0.1, widths=(1,)), 1.0), "width"),
        ((problem((2, 1), 1, 0.1), 0.0), "rho_b"),
        ((problem((2, 1), 1, 0.1), -1.0), "rho_b"),
        ((problem((2, 1), 1, 0.1), "1"), "rho_b"),
    ],
)
def test_f_bad_arguments_are_refused_by_name(arguments, named):
    with pytest.raises((TypeError, ValueError), match=named):
        penalised_bias_minimizer(*arguments)
    with pytest.raises(ValueError, match="one layer"):
        penalised_bias_threshold(problem((2, 1), 2, 0.1))


# ---------------------------------------------------------------- (g) all alive, all right


def test_g_with_all_modes_alive_a_deep_optimum_is_always_right(record_error):
    """Dense logits at and below the first death; the margin is that of the worst class."""
    rng = np.random.default_rng(2)
    for _ in range(1500):
        n = random_counts(rng)
        depth = int(rng.choice([2, 2, 3, 4, 6, 10]))
        first = deaths(n, depth)[:-1].min()
        lam = first * (1 - 1e-9) * float(rng.choice([1.0, 1.0, 0.9, 0.3]))
        form = closed_form(n, depth, lam)
        assert form.survives[:-1].all()
        assert record_error("(g) samples that are wrong", -margins(form.logits).min(), 0.0)


def test_g_every_entry_obeys_the_bounds_of_the_proof(record_error):
    """F = I - A: A_ll < 1/2, and -sqrt(n_k) A_kl <= sqrt(n_l) A_ll where n_k > n_l."""
    rng = np.random.default_rng(3)
    for _ in range(500):
        n = random_counts(rng)
        depth = int(rng.choice([2, 3, 6]))
        form = closed_form(n, depth, deaths(n, depth)[:-1].min() * (1 - 1e-9))
        root = np.sqrt(n)
        logits = form.logits
        A = np.eye(len(n)) - logits / root[:, None] * root
        assert np.diag(A).max() < 0.5
        for k, rare in itertools.permutations(range(len(n)), 2):
            if n[k] > n[rare]:
                excess = -root[k] * A[k, rare] - root[rare] * A[rare, rare]
                assert record_error("(g) excess over the bound", excess / root[k], 1e-12)


def lost_share(t, depth):
    """delta in (0, (L+1)/(2L)] with delta^(L+1) (1-delta)^(L-1) = t^-L, by bisection."""
    low, high = 0.0, (depth + 1) / (2 * depth)
    for _ in range(200):
        d = (low + high) / 2
        low, high = (d, high) if d ** (depth + 1) * (1 - d) ** (depth - 1) < t**-depth else (low, d)
    return low


@pytest.mark.parametrize("depth", [2, 3, 6])
def test_g_the_lost_share_is_a_mixture_of_simple_fractions(depth, record_error):
    """The density is minus Im(delta) / pi on the cut, in the angles of the proof."""
    p, q = (depth + 1) / depth, (depth - 1) / depth  # delta^p (1 - delta)^q = 1 / t
    edge = (p / 2) ** -p * (q / 2) ** -q

    def points(alpha, beta):
        total = np.sin(alpha + beta)
        modulus = total**2 / (np.sin(beta) ** p * np.sin(alpha) ** q)
        return modulus, np.sin(alpha) * np.sin(beta) / total

    u = (np.arange(400_000) + 0.5) / 400_000
    # 0 < a < edge: (L+1) alpha = (L-1) beta; a < 0: (L+1) alpha - (L-1) beta = L pi
    alpha = (depth - 1) * np.pi / (2 * depth) * u
    right, right_density = points(alpha, (depth + 1) / (depth - 1) * alpha)
    alpha = np.pi * depth / (depth + 1) + u * np.pi * (
        (2 * depth - 1) / (2 * depth) - depth / (depth + 1)
    )
    left, left_density = points(alpha, ((depth + 1) * alpha - depth * np.pi) / (depth - 1))
    assert right[0] == pytest.approx(edge, rel=1e-4)
    assert min(right_density.min(), left_density.min()) > 0
    for t in (1.2 * edge, 2 * edge, 10 * edge):
        total = -np.trapezoid(right_density / (t - right), right) / np.pi
        total += -np.trapezoid(left_density / (t + left), left) / np.pi
        # the part of the far tail that the grid leaves out: delta ~ |a|^(-L/(L+1))
        power = depth / (depth + 1)
        total += left_density[0] / np.pi * left[0] ** power * left[0] ** -power / power
        error = abs(total / lost_share(t, depth) - 1)
        assert record_error("(g) mixture against the lost share", error, 2e-3)


@pytest.mark.parametrize("depth", [2, 3, 6])
def test_g_the_continued_share_stays_away_from_one(depth):
    """phi(delta) = delta^-p (1 - delta)^-q below the real line, mostly near 0 and 1.

    Those with phi in the upper half-plane are the continuation. They keep the distance q/2 from 1,
    where the two real roots meet, so they tend to 0 at infinity.
    """
    p, q = (depth + 1) / depth, (depth - 1) / depth
    rng = np.random.default_rng(0)
    size = 10 ** rng.uniform(-6, 1, 200_000)
    delta = rng.choice([0, 1 - q / 2, 1], size.size) + size * np.exp(
        -1j * np.pi * rng.uniform(0, 1, size.size)
    )
    t = delta**-p * (1 - delta) ** -q
    ours = t.imag > 1e-12 * np.abs(t)
    distance = np.abs(1 - delta)
    assert distance[ours].min() >= q / 2
    assert distance[ours].min() < q / 2 + 1e-4
    assert (np.abs(delta[ours]) <= (np.abs(t[ours]) * (q / 2) ** q) ** (-1 / p) * (1 + 1e-9)).all()
    # What is left out is there: close to 1, and all of it over the lower half-plane.
    assert ((distance < q / 2) & (t.imag < 0) & (np.abs(t) > 10)).sum() > 1000
    assert ours.sum() > 10_000


def test_g_signs_of_one_fraction(record_error):
    """Resolvent of Pi D^2 Pi at a: the signs off the diagonal that the proof uses."""
    rng = np.random.default_rng(4)
    single = 0
    for _ in range(300):
        n = np.array(random_counts(rng))
        _, kappa, Vt = np.linalg.svd(effective_label_matrix(n, bias=True))
        V, t = Vt[:-1].T, kappa[:-1] ** 2
        smallest = int(n.argmin())
        for a in (
            *rng.uniform(-5, n.min(), 3),
            *(n.min() + rng.uniform(0, 1, 3) * (t.min() - n.min())),
        ):
            if a >= t.min() * (1 - 1e-6):
                continue
            R = (V / (t - a)) @ V.T
            off = ~np.eye(len(n), dtype=bool)
            size = np.abs(R).max()
            if a < n.min():
                assert record_error("(g) fraction below N_m", R[off].max() / size, 1e-12)
            else:
                single += 1
                column = np.delete(R[:, smallest], smallest)
                assert record_error("(g) rarest class", column.max() / size, 1e-12)
                rest = np.delete(np.delete(R, smallest, 0), smallest, 1)
                rest = rest[~np.eye(len(rest), dtype=bool)]
                least = 0.0 if rest.size == 0 else -rest.min()
                assert record_error("(g) other classes", least / size, 1e-12)
    assert single > 100


def test_g_one_layer_is_right_up_to_half_of_the_first_death(record_error):
    rng = np.random.default_rng(6)
    for _ in range(500):
        n = random_counts(rng)
        form = closed_form(n, 1, 0.5 * deaths(n, 1)[:-1].min())
        assert record_error("(g) wrong at half of the death", -margins(form.logits).min(), 0.0)
    # and no further in general: two classes, the rare one is lost at N / (2 n_1)
    n = (10_000, 1)
    form = closed_form(n, 1, 0.501 * deaths(n, 1)[0])
    assert margins(form.logits)[1] < 0


def test_g_one_layer_can_be_all_alive_and_wrong(record_error):
    n, lam = (9, 1), 0.99 * float(deaths((9, 1), 1)[0])
    form = closed_form(n, 1, lam)
    assert form.survives[0]
    assert margins(form.logits)[1] < -0.1
    found = minimise(FreeProblem(n, 1, True, (lam,), lam, (2,)))
    logits = found.product @ found.class_means(n) + found.b[:, None]
    assert record_error("(g) logits of descent, L = 1", np.abs(logits - form.logits).max(), 1e-6)


def test_g_the_margin_can_be_as_small_as_one_likes():
    """L = 2, two classes, at the death: the margin of the rare class is n_2 / N."""
    for n_1 in (10, 1000, 100_000):
        best = nc.global_minimizer(
            problem((n_1, 1), 2, float(deaths((n_1, 1), 2)[0]) * (1 - 1e-10))
        )
        assert best.alive == 1
        assert margins(best.logits())[1] == pytest.approx(1 / (n_1 + 1), rel=2e-2)


# ---------------------------------------------------------------- (h) more data


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_h_at_fixed_proportions_only_n_lambda_h_enters(depth, record_error):
    base = nc.Problem((30, 20, 10), depth, lambda_W=3e-3, lambda_H=2e-3)
    value = nc.global_minimizer(base).objective
    for factor in (2, 7, 1000):
        more = nc.Problem(
            (30 * factor, 20 * factor, 10 * factor), depth, lambda_W=3e-3, lambda_H=2e-3 / factor
        )
        error = abs(nc.global_minimizer(more).objective / value - 1)
        assert record_error("(h) N lambda_H", error, 1e-13)


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_h_a_mode_dies_when_n_passes_its_limit(depth):
    """N_k = mu_k^L (L-1)^(L-1) / (L^(2L) Lambda), by the paper's alpha."""
    n, lam = np.array([30, 20, 10]), 4e-2 if depth > 1 else 6e-3
    mu = singular_values(n, True)[:-1] ** 2 / n.sum()
    top = 1.0 if depth == 1 else (depth - 1) ** (depth - 1)
    limit = mu**depth * top / (depth ** (2 * depth) * lam ** (depth + 1))
    for k in (0, 1):
        for factor, alive in ((0.999, True), (1.001, False)):
            # as N = limit * factor, by N lambda_H
            made = nc.Problem(
                n, depth, lambda_W=lam, lambda_H=float(lam * limit[k] * factor / n.sum())
            )
            assert bool(nc.global_minimizer(made).survives[k]) is alive


def test_h_a_sample_of_any_class_lowers_no_kappa(record_error):
    rng = np.random.default_rng(5)
    for _ in range(200):
        n = np.array(random_counts(rng))
        before = singular_values(n, True) ** 2
        for k in range(n.size):
            more = n.copy()
            more[k] += 1
            fall = (before - singular_values(more, True) ** 2).max()
            assert record_error("(h) fall of kappa^2 by a sample", fall / before[0], 1e-13)


def test_h_more_of_the_frequent_class_kills_the_others():
    alive = [
        nc.global_minimizer(nc.Problem((top, 100, 50), 2, lambda_W=5e-3, lambda_H=5e-3)).alive
        for top in (100, 1000, 100_000)
    ]
    assert alive == sorted(alive, reverse=True)
    assert alive[0] > alive[-1]


# ---------------------------------------------------------------- (i) two classes

TWO = [(1, 1), (2, 1), (9, 1), (100, 3), (10923, 260)]


@pytest.mark.parametrize("n", TWO)
@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_i_two_classes_in_closed_form(n, depth, record_error):
    """Logits and lengths by hand against the paper's formulas, dense."""
    n_1, n_2 = n
    N = n_1 + n_2
    lam = 0.7 * float(deaths(n, depth)[0])
    form = closed_form(n, depth, lam)
    kappa2 = 2 * n_1 * n_2 / N
    assert record_error("(i) kappa^2", abs(form.kappa[0] ** 2 / kappa2 - 1), 1e-13)
    theta = (N**2 / (2 * n_1 * n_2)) ** depth * N * lam ** (depth + 1)
    s = form.x[0] ** depth / (1 + form.x[0] ** depth)
    error = abs(s ** (depth - 1) * (1 - s) ** (depth + 1) / theta - 1)
    assert record_error("(i) theta", error, 1e-11)
    logits = np.array([[n_1 + s * n_2, (1 - s) * n_1], [(1 - s) * n_2, n_2 + s * n_1]]) / N
    assert record_error("(i) logits", np.abs(form.logits - logits).max(), 1e-12)
    Ws, H_bar, b = nc.global_minimizer(problem(n, depth, lam)).weights()
    P = np.linalg.multi_dot([*Ws[::-1], np.eye(2)])
    assert record_error("(i) rows of the head", np.abs(P[0] + P[1]).max() / np.abs(P).max(), 1e-12)
    row2 = N * lam * s / (2 * (1 - s))
    assert record_error("(i) length of a row", abs(P[0] @ P[0] / row2 - 1), 1e-11)
    h_1, h_2 = H_bar.T
    mean2 = 2 * s * (1 - s) * n_2**2 / (N**3 * lam)
    assert record_error("(i) length of a mean", abs(h_1 @ h_1 / mean2 - 1), 1e-11)
    error = np.abs(n_1 * h_1 + n_2 * h_2).max() / (n_2 * np.abs(h_2).max())
    assert record_error("(i) antiparallel means", error, 1e-12)
    np.testing.assert_allclose(b, [n_1 / N, n_2 / N])


@pytest.mark.parametrize("n", TWO)
@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_i_the_rare_class_is_lost_where_the_limits_say(n, depth):
    unit = problem(n, depth, 1.0)
    needed, wrong, dead = two_class_limits(unit)
    assert dead == pytest.approx(deaths(n, depth)[0], rel=1e-12)
    assert needed == pytest.approx((1 - min(n) / max(n)) / 2)
    if depth == 1:
        assert wrong == pytest.approx(np.sqrt(2 * n[0] * n[1] / sum(n)) / (2 * max(n)), rel=1e-12)
    for factor in (0.5, 0.999, 1.001, 1.5):
        lam = factor * wrong
        form = closed_form(n, depth, lam)
        s = form.x[0] ** depth / (1 + form.x[0] ** depth)
        right = bool(margins(form.logits)[1] > 1e-12)
        assert right is (factor < 1)
        assert bool(s > needed) is (factor < 1)
        assert bool(form.survives[0]) is bool(lam < dead)


def test_i_the_limits_are_for_two_classes_with_a_bias():
    for made in (problem((3, 2, 1), 1, 0.1), problem((2, 1), 1, 0.1, False)):
        with pytest.raises(ValueError, match="two classes and a bias"):
            two_class_limits(made)
    with pytest.raises(TypeError, match="problem"):
        two_class_limits((2, 1))


# ---------------------------------------------------------------- (j) cross-entropy, one layer


def cross_entropy_descent(n, lam, bias, seed):
    """W H, H and b where L-BFGS ends: mean cross-entropy, lam on W and on every feature.

    The loss is convex in the logits, so at a minimum the features of a class are equal: one for
    each class, counted n_k times.
    """
    n = np.asarray(n, dtype=float)
    K, N = n.size, n.sum()

    def value(x):
        W, H, b = x[: K * K].reshape(K, K), x[K * K : 2 * K * K].reshape(K, K), x[2 * K * K :]
        logits = W @ H + (b[:, None] if bias else 0)
        shares = softmax(logits, axis=0)
        loss = n @ (logsumexp(logits, axis=0) - np.diag(logits)) / N
        residual = (shares - np.eye(K)) * n / N
        gradient = residual @ H.T + lam * W, W.T @ residual + lam * H * n, residual.sum(1) * bias
        price = lam / 2 * (np.sum(W**2) + np.sum(H**2 * n))
        return loss + price, np.concatenate([part.ravel() for part in gradient])

    start = np.random.default_rng(seed).normal(size=2 * K * K + K)
    options = {"maxiter": 50_000, "maxfun": 200_000, "ftol": 0, "gtol": 1e-12, "maxcor": 30}
    x = minimize(value, start, jac=True, method="L-BFGS-B", options=options).x
    W, H = x[: 2 * K * K].reshape(2, K, K)
    return W @ H, H, x[2 * K * K :]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("factor", [0.97, 1.03])
def test_j_cross_entropy_merges_a_group_where_the_squared_error_does(factor, bias):
    """At sqrt(lambda_W lambda_H) = sqrt(n_k)/N, and all of the paper's other modes play no part."""
    n = (30, 30, 12, 12, 12, 5)
    lam = factor * np.sqrt(12) / sum(n)
    _, H, _ = cross_entropy_descent(n, lam, bias, seed=0)
    spread = np.ptp(H[:, 2:5], axis=1).max() / np.abs(H).max()
    assert spread < 1e-3 if factor > 1 else spread > 0.05
    assert np.abs(H[:, 0] - H[:, 1]).max() / np.abs(H).max() > 0.1


@pytest.mark.parametrize("n", [(30, 12, 5), (30, 30, 12, 12, 5)])
def test_j_cross_entropy_with_a_bias_is_lost_altogether_where_the_squared_error_is(n):
    """At kappa_1/N: with no features left the gradient in T = W H D is -Yhat/N."""
    N, kappa = sum(n), singular_values(n, True)
    shares = np.outer(np.array(n) / N, np.ones(len(n)))  # of softmax(b), b = log(n/N)
    gradient = (shares - np.eye(len(n))) * np.sqrt(n) / N
    np.testing.assert_allclose(gradient, -effective_label_matrix(n, bias=True) / N, atol=1e-15)
    for factor in (0.97, 1.03):
        product, _, b = cross_entropy_descent(n, factor * kappa[0] / N, True, seed=1)
        size = np.abs(product).max()
        assert size < 1e-4 if factor > 1 else size > 0.01
        if factor > 1:
            np.testing.assert_allclose(softmax(b), np.array(n) / N, atol=1e-4)
