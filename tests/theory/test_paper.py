"""What the paper says in its remarks, its appendices and its review, and no other test measures.

Each formula is written here as the paper displays it, with its errata corrected, and evaluated at
minima that brute force has found, or at random points where it is to hold everywhere. The tests of
printed forms that fail are the counterexamples of the errata. `book/claims.yml` names these tests.
"""

from itertools import combinations, pairwise
from math import prod

import numpy as np
import pytest
from brute_force import (
    FreeProblem,
    curvatures,
    descend,
    minimise,
    objective_and_gradient,
    random_start,
    turned_layer,
)
from few import few
from reference import (
    alpha_threshold,
    alphas,
    collapse_factors,
    effective_label_matrix,
    largest_root,
)
from scipy.optimize import minimize, minimize_scalar
from test_theorems import (
    CASES,
    IDENTITY,
    UNIQUE,
    Case,
    brute_force,
    closed_form,
    often,
    relative,
)

import nclib as nc

# Formulas that hold everywhere, evaluated at random points: rounding alone.
ROUNDING = 1e-12

WIDE = [case for case in UNIQUE if min(case.widths) >= len(case.n) - case.bias]
FREE_ONE = [case for case in WIDE if case.depth == 1 and not case.bias]
BIAS_ONE = [case for case in WIDE if case.depth == 1 and case.bias]
BIAS = [case for case in UNIQUE if case.bias]
ALIVE = [case for case in UNIQUE if case.closed_form.survives.any()]


def seldom(cases):
    """Cases for brute force that `test_theorems.py` does not share its minima with."""
    return often(cases, most=2, large=("L3-bias-narrow",))


def weighted_means(case):
    """E = Hbar D of the minimum that brute force has found."""
    return brute_force(case).class_means(case.n) * np.sqrt(case.n)


def svd_of_labels(case):
    U, kappa, Vt = np.linalg.svd(effective_label_matrix(case.n, bias=case.bias))
    return U, kappa, Vt.T


def in_modes(case):
    """U'P and E V in the library's bases; all of the paper's geometry is said of these two."""
    spectrum = closed_form(case).spectrum
    U, V = (basis @ np.eye(len(case.n)) for basis in (spectrum.U, spectrum.V))
    return U.T @ brute_force(case).product, weighted_means(case) @ V


def off_diagonal(matrix):
    return np.linalg.norm(matrix - np.diag(np.diag(matrix))) / max(1.0, np.linalg.norm(matrix))


def plus(x):
    return np.maximum(x, 0.0)


def complex_step(function, arrays, index):
    """The gradient of `function(*arrays)` in one array: exact to rounding."""
    gradient = np.empty(arrays[index].shape)
    for place in np.ndindex(gradient.shape):
        moved = [array.astype(complex) for array in arrays]
        moved[index][place] += 1e-30j
        gradient[place] = function(*moved).imag / 1e-30
    return gradient


def random_point(case, seed=0):
    """Random layers, features and bias, of the shapes of a case."""
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(shape) for shape in case.free_problem.shapes]
    return arrays[: case.depth], arrays[case.depth], arrays[-1]


def product_of(Ws):
    P = Ws[0]
    for W in Ws[1:]:
        P = W @ P
    return P


def penalties(case, Ws, features):
    """The penalties of all layers and of the features."""
    total = case.lambda_H / 2 * (features**2).sum()
    for penalty, W in zip(case.lambda_W, Ws, strict=True):
        total = total + penalty / 2 * (W**2).sum()
    return total


# ---------------------------------------------------------------- section 3


@pytest.mark.parametrize("lambda_H", [1e-3, 0.1, 2.0])
def test_without_a_penalty_on_the_layers_no_minimiser_exists(lambda_H, record_error):
    """E15. n = (1, 1), lambda_W = 0: f(t I, I/t) = lambda_H/t^2 falls to 0, and f > 0."""
    problem = FreeProblem((1, 1), 1, False, (0.0,), lambda_H, (2,))
    eye = np.eye(2)
    for t in 10.0 ** np.arange(6):
        f, _ = objective_and_gradient([t * eye, eye / t], problem)
        assert f > 0
        assert record_error("f(tI, I/t) against lambda_H/t^2", abs(f - lambda_H / t**2), 1e-15)


# ---------------------------------------------------------------- section 4.1


@pytest.mark.parametrize("case", FREE_ONE, ids=str)
def test_theorem_4_1(case, record_error):
    n, N, lW, lH = np.array(case.n), sum(case.n), case.lambda_W[0], case.lambda_H
    W, H_bar = brute_force(case).product, brute_force(case).class_means(case.n)
    D2 = np.diag(n.astype(float))
    S = np.diag(plus(np.sqrt(n * lW / lH) - N * lW))
    inverse = np.linalg.inv(S + N * lW * np.eye(len(n)))
    for name, left, right in (
        ("W H", W @ H_bar, S @ inverse),
        ("W W'", W @ W.T, D2 @ S @ inverse @ inverse),
        ("H'H", H_bar.T @ H_bar, S @ np.linalg.inv(D2)),
    ):
        assert record_error(f"Theorem 4.1: {name}", relative(left - right, right), IDENTITY)


@pytest.mark.parametrize("case", FREE_ONE, ids=str)
def test_sigma_of_theorem_4_1_is_the_minimum_of_its_function(case, record_error):
    n, N, lW, lH = np.array(case.n), sum(case.n), case.lambda_W[0], case.lambda_H
    sigma = np.linalg.norm(weighted_means(case), axis=0)
    for count, found in zip(n, sigma, strict=True):

        def cost(square, count=count):
            return count * lW / (2 * (square + N * lW)) + lH / 2 * (square + N * lW)

        lowest = minimize_scalar(
            cost, bounds=(0, 2 * np.sqrt(count * lW / lH)), method="bounded", options={"xatol": 0}
        )
        assert record_error("Theorem 4.1: cost of sigma", cost(found**2) - lowest.fun, 1e-9)


@pytest.mark.parametrize("case", FREE_ONE, ids=str)
def test_remark_after_theorem_4_1(case, record_error):
    """Different rows and columns are orthogonal, those of one class parallel (E11), or both 0."""
    W, H_bar = brute_force(case).product, brute_force(case).class_means(case.n)
    rows, columns = np.linalg.norm(W, axis=1), np.linalg.norm(H_bar, axis=0)
    expected = np.array(case.n) > sum(case.n) ** 2 * case.lambda_W[0] * case.lambda_H
    wrong = ((rows > 1e-6) != expected).sum() + ((columns > 1e-6) != expected).sum()
    assert record_error("4.1: rows or columns that vanish unasked", wrong, 0)
    alive = rows > 1e-6
    W, H_bar = W[alive] / rows[alive, None], H_bar[:, alive] / columns[alive]
    for gram in (W @ W.T, H_bar.T @ H_bar):
        error = np.abs(gram - np.eye(alive.sum())).max(initial=0)
        assert record_error("4.1: cosines of rows, and of columns", error, IDENTITY)
    error = np.abs(W @ H_bar - np.eye(alive.sum())).max(initial=0)
    assert record_error("4.1: cosines of rows with columns", error, IDENTITY)


def test_e11_row_and_column_of_a_class_are_not_orthogonal():
    """n = (1, 1), both lambdas .01: W Hbar = .98 I."""
    run = minimise(FreeProblem((1, 1), 1, False, (0.01,), 0.01, (2,)))
    np.testing.assert_allclose(run.product @ run.class_means((1, 1)), 0.98 * np.eye(2), atol=1e-8)


@pytest.mark.parametrize("case", BIAS_ONE, ids=str)
def test_theorem_4_2(case, record_error):
    U, kappa, V = svd_of_labels(case)
    lW, lH = case.lambda_W[0], case.lambda_H
    z = np.diag(plus(kappa - sum(case.n) * np.sqrt(lW * lH)))
    W, E = brute_force(case).product, weighted_means(case)
    for name, left, right in (
        ("W H D", W @ E, U @ z @ V.T),
        ("W W'", W @ W.T, np.sqrt(lH / lW) * U @ z @ U.T),
        ("D H'H D", E.T @ E, np.sqrt(lW / lH) * V @ z @ V.T),
    ):
        assert record_error(f"Theorem 4.2: {name}", relative(left - right, right), IDENTITY)


@pytest.mark.parametrize("case", seldom(UNIQUE), ids=str)
def test_rows_and_columns_are_orthogonal_in_the_modes(case, record_error):
    """And zero together, where the mode is dead."""
    rows, columns = in_modes(case)
    assert record_error("modes: rows of U'P", off_diagonal(rows @ rows.T), IDENTITY)
    assert record_error("modes: columns of H D V", off_diagonal(columns.T @ columns), IDENTITY)
    dead = ~case.closed_form.survives
    sizes = np.linalg.norm(rows, axis=1), np.linalg.norm(columns, axis=0)
    wrong = sum(((size < 1e-6) != dead).sum() for size in sizes)
    assert record_error("modes: dead and alive ones confused", wrong, 0)


def test_e13_without_d_the_columns_are_not_orthogonal():
    """The conclusion's (2) and (3) say class-mean matrix for class-mean matrix times D.

    n = (2, 1), bias: of the two columns of Hbar V both are far from 0, and parallel.
    """
    case = Case("", (2, 1), 1, True, (0.01,), 0.01, (2,))
    _, _, V = svd_of_labels(case)
    H_bar = brute_force(case).class_means(case.n)
    first, second = (H_bar @ V).T
    assert min(np.linalg.norm(first), np.linalg.norm(second)) > 0.1
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    assert abs(cosine) > 1 - 1e-9
    assert off_diagonal((weighted_means(case) @ V).T @ weighted_means(case) @ V) < 1e-9


# ---------------------------------------------------------------- section 4.2


@pytest.mark.parametrize("case", seldom(ALIVE), ids=str)
def test_x_of_theorem_4_3_from_the_layers(case, record_error):
    """x = (c/(N lambda_H))^(1/L) sigma^2 solves the paper's equation, and is its largest root."""
    L, N, lW = case.depth, sum(case.n), case.lambda_W
    c = lW[0] ** (L - 1) / prod(lW[1:])
    sigma = np.linalg.svd(brute_force(case).Ws[0], compute_uv=False)
    for k in range(closed_form(case).alive):
        x = (c / (N * case.lambda_H)) ** (1 / L) * sigma[k] ** 2
        kappa = svd_of_labels(case)[1][k]
        alpha = N / kappa**2 * (N * case.lambda_H * prod(lW)) ** (1 / L)
        error = abs(x ** (L - 1) / (x**L + 1) ** 2 / alpha - 1)
        assert record_error("Theorem 4.3: equation for x", error, IDENTITY)
        error = abs(x / largest_root(L * alpha, L) - 1)
        assert record_error("Theorem 4.3: x against the largest root", error, IDENTITY)


def test_e16_the_width_of_the_features_limits_the_rank():
    """r = min(d_L, ..., d_1, K) leaves out d_0: n = (2, 1), d_0 = 1, d_1 = 3 has rank 1, not 2."""
    run = minimise(FreeProblem((2, 1), 2, False, (0.001, 0.001), 0.001, (1, 3)))
    wide = minimise(FreeProblem((2, 1), 2, False, (0.001, 0.001), 0.001, (3, 3)))
    ranks = [
        int((np.linalg.svd(one.product, compute_uv=False) > 1e-4).sum()) for one in (run, wide)
    ]
    assert ranks == [1, 2]


# ---------------------------------------------------------------- section 4.3


def random_groups(count=40, seed=0, fewest=1, most=6):
    """Distinct counts, falling, and how many classes have each."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        m = int(rng.integers(fewest, most + 1))
        values = np.sort(rng.choice(np.arange(1, 500), m, replace=False))[::-1]
        sizes = rng.integers(1, 6, m)
        if sizes.sum() > 1:
            yield values.astype(float), sizes


def matrix_g(values, sizes):
    """Theorem 4.4's G, with the entry in row 2, column m corrected (E8)."""
    N = (values * sizes).sum()
    outer = np.outer(values * np.sqrt(sizes), np.sqrt(values * sizes))
    return np.diag(np.sqrt(values)) - outer / N


def as_printed(values, sizes):
    """The same with sqrt(N_1) for sqrt(N_m) in row 2, column m."""
    G = matrix_g(values, sizes)
    N = (values * sizes).sum()
    G[1, -1] = -values[1] * np.sqrt(values[0]) / N * np.sqrt(sizes[1] * sizes[-1])
    return G


GROUPS = list(random_groups())


def display_of_definition_4_1(n, values, sizes):
    """Whether n, sorted, has runs of the given sizes with the given values."""
    n, ends = np.sort(n)[::-1], np.cumsum(sizes)
    runs = zip(ends - sizes, ends, values, strict=True)
    return sum(sizes) == len(n) and all((n[i:j] == value).all() for i, j, value in runs)


def test_definition_4_1(record_error):
    for values, sizes in GROUPS:
        n = np.random.default_rng(1).permutation(np.repeat(values, sizes)).astype(int)
        counts = nc.ClassCounts(n)
        found = counts.values, counts.multiplicities
        wrong = not display_of_definition_4_1(n, *found) or not (np.diff(counts.values) < 0).all()
        assert record_error("Definition 4.1: wrong groups", wrong, 0)
        np.testing.assert_array_equal(found, (values, sizes))


def test_e14_the_display_of_definition_4_1_admits_equal_groups():
    """n = (2, 2, 1) as three groups: N_1 = N_2, so N_1 > N_2 does not follow from the display."""
    assert display_of_definition_4_1((2, 2, 1), (2, 2, 1), (1, 1, 1))
    assert display_of_definition_4_1((2, 2, 1), (2, 1), (2, 1))


def test_theorem_4_4_values_in_their_places(record_error):
    for values, sizes in GROUPS:
        n = np.repeat(values, sizes)
        expected = np.sqrt(n)
        expected[np.cumsum(sizes) - 1] = np.linalg.svd(matrix_g(values, sizes), compute_uv=False)
        found = np.linalg.svd(effective_label_matrix(n, bias=True), compute_uv=False)
        error = np.abs(found - expected).max() / found[0]
        assert record_error("Theorem 4.4: values in their places", error, ROUNDING)


def test_theorem_4_4_interlacing(record_error):
    for values, sizes in GROUPS:
        s, roots = np.linalg.svd(matrix_g(values, sizes), compute_uv=False), np.sqrt(values)
        broken = (s >= roots).sum() + (s[:-1] <= roots[1:]).sum() + (s[-1] > 1e-6 * roots[0])
        assert record_error("Theorem 4.4: broken inequalities", broken, 0)


def test_e8_the_printed_g_is_wrong_from_three_groups_on():
    for values, sizes in random_groups(fewest=3):
        found = np.linalg.svd(as_printed(values, sizes), compute_uv=False)
        n = np.repeat(values, sizes)
        expected = np.linalg.svd(effective_label_matrix(n, bias=True), compute_uv=False)
        places = np.cumsum(sizes) - 1
        assert np.abs(found - expected[places]).max() > 1e-5 * found[0]


# ---------------------------------------------------------------- section 5 and appendix C


@pytest.mark.parametrize("case", seldom(ALIVE), ids=str)
def test_metrics_vanish_at_what_brute_force_finds(case, record_error):
    """NC2^WH with q (E3), NC2^H of appendix C with its norm (E9), NC3 of alive modes (E5)."""
    run = brute_force(case)
    labels = np.repeat(np.arange(len(case.n)), case.n)
    metrics = nc.measure(run.H.T, labels, run.Ws, run.b, closed_form(case), rtol=1e-6)
    for name in ("nc1", "nc2_w", "nc2_h", "nc2_wh", "nc3"):
        error = float(getattr(metrics, name))
        assert record_error(f"{name} at a brute-force minimum", error, IDENTITY)


@pytest.mark.parametrize("depth", [1, 3])
def test_e9_the_printed_norm_of_appendix_c_does_not_normalise(depth):
    best = nc.global_minimizer(
        nc.Problem((3, 2, 1), depth, bias=False, lambda_W=1e-2, lambda_H=1e-2)
    )
    _, H_bar, _ = best.weights()
    gram = H_bar.T @ H_bar
    target = np.diag(np.diag(gram)) / np.linalg.norm(gram)
    assert np.linalg.norm(gram / np.linalg.norm(H_bar.T) - target) > 0.1
    assert np.linalg.norm(gram / np.linalg.norm(gram) - target) < 1e-12


@pytest.mark.parametrize("depth", [1, 3])
def test_e3_appendix_c_has_one_target_for_two_matrices(depth):
    """Upsilon_2 is right for Hbar'Hbar, so it can't be right for P Hbar as well."""
    best = nc.global_minimizer(
        nc.Problem((3, 2, 1), depth, bias=False, lambda_W=1e-2, lambda_H=1e-2)
    )
    Ws, H_bar, _ = best.weights()
    grams = [H_bar.T @ H_bar, product_of(Ws) @ H_bar]
    one, other = (gram / np.linalg.norm(gram) for gram in grams)
    assert np.linalg.norm(one - other) > 0.1


# Figures 1 to 4, as far as the model goes: free features, not those of a network. The counts are
# the paper's divided by 50 and by 25: at fixed proportions the counts enter as N lambda_H alone.
CIFAR10, LETTERS = (10, 10, 8, 8, 6, 6, 4, 4, 2, 2), (60, *[24] * 5, *[2] * 20)
FIGURES = {1: (CIFAR10, True), 2: (LETTERS, True), 3: (CIFAR10, False), 4: (LETTERS, False)}


def centred_start(problem, seed):
    """Random features of every sample, of mean 0 where there is a bias, and orthogonal layers."""
    start = random_start(problem, np.random.default_rng(seed), problem.K, 1.0, orthogonal=True)
    if problem.bias:
        start[problem.depth] -= start[problem.depth].mean(axis=1, keepdims=True)
        start[-1] = np.array(problem.n) / problem.N
    size = np.linalg.norm(start[problem.depth - 1], 2)
    start[problem.depth - 1] = size * turned_layer(problem, start, problem.K)
    return start


@pytest.mark.parametrize("depth", few([1, 3, 6], {1, 3}))
@pytest.mark.parametrize("figure", FIGURES)
def test_metrics_of_the_figures_fall_to_zero_in_the_model(figure, depth, record_error):
    """From random features of every sample; penalties rise, so that no mode is lost on the way."""
    n, bias = FIGURES[figure]
    K = len(n)
    deaths = collapse_factors(n, depth, bias, (1.0,) * depth, 1.0)
    lam = 0.2 * float(deaths[deaths > 0].min())
    problem = nc.Problem(n, depth, bias=bias, lambda_W=lam, lambda_H=lam)
    free = FreeProblem(n, depth, bias, problem.lambda_W, lam, (K,) * depth)
    starts = [centred_start(free, seed) for seed in range(1 if depth == 1 else 4)]
    runs = [descend(free, start, maxiter=2000, warm_up=600) for start in starts]
    start, (end, _) = min(zip(starts, runs, strict=True), key=lambda pair: pair[1][1])
    Ws, H, b = end[:depth], end[depth], end[depth + 1] if bias else None
    labels = np.repeat(np.arange(K), n)
    best = nc.global_minimizer(problem)
    before = nc.measure(start[depth].T, labels, start[:depth], start[-1] if bias else None, best)
    after = nc.measure(H.T, labels, Ws, b, best)
    for name in ("nc1", "nc2_w", "nc2_h", "nc2_wh", "nc3"):
        assert float(getattr(before, name)) > 0.1
        error = float(getattr(after, name))
        assert record_error(f"figure {figure}: {name}", error, IDENTITY)
    logits = product_of(Ws) @ H + (0 if b is None else b[:, None])
    wrong = (logits.argmax(axis=0) != labels).mean()
    assert record_error(f"figure {figure}: share of samples that are wrong", wrong, 0)


# ---------------------------------------------------------------- appendix A


def random_matrices(count=8):
    rng = np.random.default_rng(5)
    for _ in range(count):
        K, N, rank = (int(v) for v in rng.integers(1, 5, 3))
        Z = rng.standard_normal((K, rank)) @ rng.standard_normal((rank, N))
        yield Z, float(np.exp(rng.uniform(-2, 2)))


def price(W, E, a):
    return ((W**2).sum() / a + a * (E**2).sum()) / 2


def cheapest_factors(Z, a):
    """Over all W = A M, E = M^-1 B of one full-rank factorisation Z = A B, by L-BFGS."""
    U, S, Vt = np.linalg.svd(Z)
    rank = int((S > 1e-10).sum())
    A, B = U[:, :rank], S[:rank, None] * Vt[:rank]

    def cost(m):
        M = m.reshape(rank, rank)
        W, E = A @ M, np.linalg.solve(M, B)
        slope = W / a, a * E  # in W and in E
        gradient = A.T @ slope[0] - np.linalg.solve(M.T, slope[1] @ E.T)
        return price(W, E, a), gradient.ravel()

    options = {"ftol": 0, "gtol": 1e-12, "maxiter": 2000}
    start = np.eye(rank) + 0.1 * np.random.default_rng(0).standard_normal((rank, rank))
    end = minimize(cost, start.ravel(), jac=True, method="L-BFGS-B", options=options)
    M = end.x.reshape(rank, rank)
    return A @ M, np.linalg.solve(M, B)


def test_lemma_a_1(record_error):
    """The least price is the nuclear norm, at W = a^(1/2) U S^(1/2) R' and its partner (E6)."""
    for Z, a in random_matrices():
        W, E = cheapest_factors(Z, a)
        nuclear = np.linalg.norm(Z, "nuc")
        error = abs(price(W, E, a) / nuclear - 1)
        assert record_error("Lemma A.1: least price", error, 1e-9)
        U, S, Vt = np.linalg.svd(Z, full_matrices=False)
        for name, left, right in (
            ("W W'", W @ W.T, a * (U * S) @ U.T),
            ("E'E", E.T @ E, (Vt.T * S) @ Vt / a),
        ):
            assert record_error(f"Lemma A.1: {name}", relative(left - right, right), IDENTITY)


@pytest.mark.parametrize("L", [2, 3, 4, 6, 10])
def test_lemma_a_2(L, record_error):
    """Least points of g on a fine grid, and between its neighbours."""
    threshold = alpha_threshold(L)

    def least(alpha):
        def g(x):
            return 1 / (x**L + 1) + alpha * x

        x = np.linspace(0, 1 + 2 / alpha, 20_001)  # g > 1 = g(0) beyond 1/alpha
        i = int(g(x).argmin())
        if i == 0:
            return 0.0, 1.0
        end = minimize_scalar(
            g, bounds=(x[i - 1], x[i + 1]), method="bounded", options={"xatol": 0}
        )
        return end.x, end.fun

    for factor in (1.0001, 1.1, 2.0, 10.0):
        x = least(factor * threshold)[0]
        assert record_error("Lemma A.2: x above the threshold", x, 0)
    root, zero = (L - 1) ** (1 / L), 1.0
    tie = abs(1 / (root**L + 1) + threshold * root - zero)
    assert record_error("Lemma A.2: g at both points of the tie", tie, 1e-14)
    below_tie = 1.0 - least(threshold)[1]
    assert record_error("Lemma A.2: anything below the tie", max(below_tie, 0.0), 1e-14)
    for factor in (0.9999, 0.9, 0.5, 0.01):
        x = least(factor * threshold)[0]
        error = abs(x / largest_root(factor * threshold, L) - 1)
        assert record_error("Lemma A.2: x below the threshold", error, 1e-6)


# ---------------------------------------------------------------- appendix B.1 and B.2


@pytest.mark.parametrize("case", [c for c in WIDE if c.depth == 1], ids=str)
def test_b_1_and_b_9_the_convex_form(case, record_error):
    """f = min over Z of g(Z), at the soft-thresholded labels."""
    U, kappa, V = svd_of_labels(case)
    N, tau = sum(case.n), np.sqrt(case.lambda_W[0] * case.lambda_H)
    Yhat = effective_label_matrix(case.n, bias=case.bias)

    def g(Z):
        return ((Z - Yhat) ** 2).sum() / (2 * N) + tau * np.linalg.norm(Z, "nuc")

    Z = U @ np.diag(plus(kappa - N * tau)) @ V.T
    equation = "B.9" if case.bias else "B.1"
    error = abs(brute_force(case).objective - g(Z))
    assert record_error(f"({equation}): least f against g(Z)", error, 1e-9)
    rng = np.random.default_rng(0)
    others = [Z + scale * rng.standard_normal(Z.shape) for scale in (1e-4, 1e-2, 1, 10)]
    lower = g(Z) - min(g(other) for other in others)
    assert record_error(f"({equation}): g lower elsewhere by", max(lower, 0), 1e-14)


@pytest.mark.parametrize("case", FREE_ONE, ids=str)
def test_b_2_b_3_and_b_4(case, record_error):
    N, lW, lH = sum(case.n), case.lambda_W[0], case.lambda_H
    D = np.diag(np.sqrt(case.n))

    def f(W, E):
        return ((W @ E - D) ** 2).sum() / (2 * N) + lW / 2 * (W**2).sum() + lH / 2 * (E**2).sum()

    (W,), H, _ = random_point(case)
    E = H[:, : len(case.n)]
    eye = np.eye(case.widths[0])
    for name, index, formula in (
        ("B.2", 0, (W @ (E @ E.T + N * lW * eye) - D @ E.T) / N),
        ("B.3", 1, ((W.T @ W + N * lH * eye) @ E - W.T @ D) / N),
    ):
        found = complex_step(f, [W, E], index)
        assert record_error(f"({name})", relative(found - formula, formula), ROUNDING)
    E = weighted_means(case)
    U, S, Vt = np.linalg.svd(E, full_matrices=False)
    formula = D @ Vt.T @ np.diag(S / (S**2 + N * lW)) @ U.T
    error = relative(brute_force(case).product - formula, formula)
    assert record_error("(B.4)", error, IDENTITY)


@pytest.mark.parametrize("case", FREE_ONE, ids=str)
def test_minimiser_formulas_of_b_1(case, record_error):
    n, N, lW, lH = np.array(case.n), sum(case.n), case.lambda_W[0], case.lambda_H
    shrunk = np.diag(plus(np.sqrt(n) - N * np.sqrt(lW * lH)))
    D_inverse = np.diag(1 / np.sqrt(n))
    W, H_bar = brute_force(case).product, brute_force(case).class_means(case.n)
    for left, right in (
        (W @ H_bar, shrunk @ D_inverse),
        (W @ W.T, np.sqrt(lH / lW) * shrunk),
        (H_bar.T @ H_bar, np.sqrt(lW / lH) * shrunk @ D_inverse @ D_inverse),
    ):
        assert record_error("B.1: the minimiser", relative(left - right, right), IDENTITY)


@pytest.mark.parametrize("case", BIAS, ids=str)
def test_b_5_b_6_and_b_11(case, record_error):
    """The best bias for given layers and features, and f with it put in; any depth."""
    n, N, K = np.array(case.n), sum(case.n), len(case.n)
    Ws, H, _ = random_point(case, seed=1)
    P, mean = product_of(Ws), H.mean(axis=1)
    Y = np.repeat(np.eye(K), n, axis=1)
    b = n / N - P @ mean
    least = np.linalg.lstsq(np.ones((N, 1)), (Y - P @ H).T, rcond=None)[0][0]
    assert record_error("(B.5)", relative(b - least, least), ROUNDING)
    centred = P @ (H - mean[:, None]) - (Y - (n / N)[:, None])
    formula = (centred**2).sum() / (2 * N) + penalties(case, Ws, H)
    f, _ = objective_and_gradient([*Ws, H, b], case.free_problem)
    equation = "B.6" if case.depth == 1 else "B.11"
    assert record_error(f"({equation})", abs(formula / f - 1), ROUNDING)


def derivative_in_features(case, P, H, labels):
    """The second line of (B.7) and (B.12), for every sample; `labels` are the columns e_k."""
    mean = H.mean(axis=1, keepdims=True)
    proportion = (np.array(case.n) / sum(case.n))[:, None]
    return P.T @ (P @ (H - mean) - labels + proportion) / sum(case.n) + case.lambda_H * H


@pytest.mark.parametrize("case", BIAS, ids=str)
def test_b_7_and_b_12(case, record_error):
    N, K = sum(case.n), len(case.n)
    Ws, H, _ = random_point(case, seed=2)
    P, Y = product_of(Ws), np.repeat(np.eye(K), case.n, axis=1)
    proportion = (np.array(case.n) / N)[:, None]

    def f(H):
        centred = P @ (H - H.mean(axis=1, keepdims=True)) - (Y - proportion)
        return (centred**2).sum() / (2 * N) + penalties(case, Ws, H)

    found, formula = complex_step(f, [H], 0), derivative_in_features(case, P, H, Y)
    equation = "B.7" if case.depth == 1 else "B.12"
    assert record_error(f"({equation})", relative(found - formula, formula), ROUNDING)
    # the step after it: the mean over all samples is lambda_H h_G
    error = found.mean(axis=1) - case.lambda_H * H.mean(axis=1)
    assert record_error(f"({equation}): mean", relative(error, found), ROUNDING)


def test_e19_b_7_with_e_k_inside_the_sum_is_another_number():
    """With e_k for e_l the labels cancel: the first line has lost the term with e_k."""
    case = Case("", (2, 1), 1, True, (0.1,), 0.1, (2,))
    (W,), H, _ = random_point(case)
    N, mean, proportion = 3, H.mean(axis=1), np.array([2, 1]) / 3
    k, i = 0, 0
    printed, right = np.zeros(2), np.zeros(2)
    for sample, label in enumerate((0, 0, 1)):
        weight = (sample == i) - 1 / N
        for total, used in ((printed, k), (right, label)):
            total += weight / N * W.T @ (W @ (H[:, sample] - mean) - np.eye(2)[used] + proportion)
    expected = derivative_in_features(case, W, H, np.repeat(np.eye(2), (2, 1), axis=1))[:, i]
    assert np.linalg.norm(right + 0.1 * H[:, i] - expected) < 1e-14
    assert np.linalg.norm(printed + 0.1 * H[:, i] - expected) > 0.01


@pytest.mark.parametrize("case", CASES, ids=str)
def test_b_8_equal_features_cost_least(case, record_error):
    """f(H) = f(class means) + within-class terms >= f(class means), with equality at equal ones."""
    Ws, H, b = random_point(case, seed=3)
    b = b if case.bias else None
    problem, free = case.problem, case.free_problem
    edges = np.cumsum((0, *case.n))
    H_bar = np.stack([H[:, i:j].mean(axis=1) for i, j in pairwise(edges)], 1)
    equal = np.repeat(H_bar, case.n, axis=1)
    extra = [b] if case.bias else []
    f, _ = objective_and_gradient([*Ws, H, *extra], free)
    f_equal, _ = objective_and_gradient([*Ws, equal, *extra], free)
    lower = f_equal - f
    assert record_error("(B.8): lower with unequal features by", max(lower, 0), 0)
    error = abs(problem.objective(Ws, H_bar, b) / f_equal - 1)
    assert record_error("(B.8): equality at equal features", error, ROUNDING)


@pytest.mark.parametrize("case", BIAS_ONE, ids=str)
def test_b_10(case, record_error):
    n, N, lW, lH = np.array(case.n), sum(case.n), case.lambda_W[0], case.lambda_H
    labels, D2 = np.eye(len(n)) - np.outer(n, np.ones(len(n))) / N, np.diag(n.astype(float))

    def f(W, H_bar):
        residual = (W @ H_bar - labels) @ np.sqrt(D2)
        penalty = lW / 2 * (W**2).sum() + lH / 2 * ((H_bar @ np.sqrt(D2)) ** 2).sum()
        return (residual**2).sum() / (2 * N) + penalty

    (W,), H, _ = random_point(case)
    H_bar = H[:, : len(n)]
    for index, formula in (
        (0, (W @ H_bar - labels) @ D2 @ H_bar.T / N + lW * W),
        (1, W.T @ (W @ H_bar - labels) @ D2 / N + lH * H_bar @ D2),
    ):
        found = complex_step(f, [W, H_bar], index)
        assert record_error("(B.10)", relative(found - formula, formula), ROUNDING)


@pytest.mark.parametrize("case", BIAS_ONE, ids=str)
def test_minimiser_formulas_of_b_2(case, record_error):
    """Through Sigma; the last line with V' where the paper prints V."""
    _, kappa, V = svd_of_labels(case)
    n, N, lW, lH = np.array(case.n), sum(case.n), case.lambda_W[0], case.lambda_H
    S = np.diag(plus(kappa * np.sqrt(lW / lH) - N * lW))
    inverse = np.linalg.inv(S + N * lW * np.eye(len(n)))
    Yhat, D_inverse = effective_label_matrix(n, bias=True), np.diag(1 / np.sqrt(n))
    W, H_bar = brute_force(case).product, brute_force(case).class_means(n)
    for left, right in (
        (W @ H_bar, Yhat @ V @ S @ inverse @ V.T @ D_inverse),
        (W @ W.T, Yhat @ V @ S @ inverse @ inverse @ V.T @ Yhat.T),
        (H_bar.T @ H_bar, D_inverse @ V @ S @ V.T @ D_inverse),
    ):
        assert record_error("B.2: the minimiser", relative(left - right, right), IDENTITY)


@pytest.mark.parametrize("case", BIAS_ONE, ids=str)
def test_value_of_b_2(case, record_error):
    """f as a sum over the modes: the paper's last line less its surplus constant (E18)."""
    N, lW, lH = sum(case.n), case.lambda_W[0], case.lambda_H
    kappa = svd_of_labels(case)[1]
    squares = np.linalg.svd(weighted_means(case), compute_uv=False) ** 2
    squares = np.pad(squares, (0, len(kappa) - len(squares))) + N * lW
    printed = (kappa**2 * lW / (2 * squares) + lH / 2 * squares).sum()
    constant = len(kappa) * N * lW * lH / 2
    error = abs(printed - constant - brute_force(case).objective)
    assert record_error("B.2: f as a sum over the modes", error, 1e-9)


def test_e18_the_constant_of_b_2_is_not_zero():
    """n = (1, 1), bias, both lambdas .1: the printed sum is K N lambda_W lambda_H / 2 too high."""
    case = Case("", (1, 1), 1, True, (0.1,), 0.1, (2,))
    f = brute_force(case).objective
    S = np.array([0.8 + 0.2, 0.2])  # sigma^2 = kappa - .2, and N lambda_W; kappa = (1, 0)
    kappa = np.array([1.0, 0.0])
    printed = (kappa**2 * 0.1 / (2 * S) + 0.05 * S).sum()
    assert f == pytest.approx(0.09, abs=1e-9)
    assert printed - f == pytest.approx(2 * 2 * 0.01 / 2, abs=1e-9)


# ---------------------------------------------------------------- appendix B.3


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradients_of_b_3(case, record_error):
    """By complex steps, for every layer and E; the products end in W_L' (E20)."""
    N, L = sum(case.n), case.depth
    Yhat = effective_label_matrix(case.n, bias=case.bias)

    def f(*arrays):
        *Ws, E = arrays
        residual = product_of(Ws) @ E - Yhat
        return (residual**2).sum() / (2 * N) + penalties(case, Ws, E)

    Ws, H, _ = random_point(case, seed=4)
    E = H[:, : len(case.n)]
    residual = (product_of(Ws) @ E - Yhat) / N
    layers = [E, *Ws]
    weights = (case.lambda_H, *case.lambda_W)
    for index in range(L + 1):
        above = product_of([np.eye(layers[index].shape[0]), *layers[index + 1 :]])
        below = product_of([np.eye(len(case.n)), *layers[:index]])
        formula = above.T @ residual @ below.T + weights[index] * layers[index]
        found = complex_step(f, [*Ws, E], index - 1 if index else L)
        assert record_error("B.3: gradients", relative(found - formula, formula), ROUNDING)


def test_e20_without_the_last_layer_the_shapes_do_not_fit():
    """L = 2, K = 2, d_1 = 3: without W_2' the gradient has two rows, W_1 three."""
    case = Case("", (2, 1), 2, True, (0.1, 0.1), 0.1, (4, 3))
    (W1, W2), H, _ = random_point(case)
    E = H[:, :2]
    residual = W2 @ W1 @ E - effective_label_matrix(case.n, bias=True)
    assert (W2.T @ residual @ E.T).shape == W1.shape
    assert (residual @ E.T).shape != W1.shape  # as printed: W_2'...W_{L-1}' is empty


@pytest.mark.parametrize("case", seldom(UNIQUE), ids=str)
def test_class_means_and_residual_of_b_3(case, record_error):
    U, kappa, V = svd_of_labels(case)
    N, lH, L = sum(case.n), case.lambda_H, case.depth
    run, E = brute_force(case), weighted_means(case)
    P, Yhat = run.product, effective_label_matrix(case.n, bias=case.bias)
    left, S, right = np.linalg.svd(P, full_matrices=False)
    formula = right.T @ np.diag(S / (S**2 + N * lH)) @ left.T @ Yhat
    assert record_error("B.3: E from the layers", relative(E - formula, formula), IDENTITY)
    c = case.lambda_W[0] ** (L - 1) / prod(case.lambda_W[1:])
    sigma2 = np.zeros(len(kappa))
    values = np.linalg.svd(run.Ws[0], compute_uv=False)[: len(kappa)] ** 2
    sigma2[: len(values)] = values
    q = c * sigma2**L + N * lH
    formula = U @ np.diag(-N * lH / q * kappa) @ V.T
    error = relative(P @ E - Yhat - formula, formula)
    assert record_error("B.3: P E less the labels", error, IDENTITY)


@pytest.mark.parametrize("case", seldom(CASES), ids=str)
def test_b_13_and_the_reduction_to_lemma_a_2(case, record_error):
    """f = 1/2 sum_{j<=r} (lambda_H kappa^2/q + L lambda_W1 sigma^2) + 1/(2N) sum_{j>r} kappa^2.

    And f = sum kappa^2/(2N) g(x), with 1 for g where the mode is cut off by the width.
    """
    _, kappa, _ = svd_of_labels(case)
    N, L, lW, lH = sum(case.n), case.depth, case.lambda_W, case.lambda_H
    r = min(*case.widths, len(case.n))
    c = lW[0] ** (L - 1) / prod(lW[1:])
    sigma2 = np.linalg.svd(brute_force(case).Ws[0], compute_uv=False)[:r] ** 2
    q = c * sigma2**L + N * lH
    value = 0.5 * (lH * kappa[:r] ** 2 / q + L * lW[0] * sigma2).sum()
    value += (kappa[r:] ** 2).sum() / (2 * N)
    objective = brute_force(case).objective
    assert record_error("(B.13), with the rest", abs(value - objective), 1e-9)
    x = (c / (N * lH)) ** (1 / L) * sigma2
    positive = kappa[:r] > 1e-12
    alpha = alphas(kappa[:r][positive], case.n, L, lW, lH)
    g = 1 / (x[positive] ** L + 1) + alpha * x[positive]
    total = (kappa[:r][positive] ** 2 * g).sum() / (2 * N) + (kappa[r:] ** 2).sum() / (2 * N)
    assert record_error("B.3: f as a sum of g", abs(total - objective), 1e-9)


def test_e18_b_13_drops_the_modes_past_the_width():
    """n = (2, 1), bias-free, d = 1: the dropped term is 1/(2N) = 1/6."""
    case = Case("", (2, 1), 1, False, (0.01,), 0.01, (1,))
    sigma2 = brute_force(case).Ws[0].T @ brute_force(case).Ws[0]
    printed = 0.5 * (0.01 * 2 / (sigma2 + 3 * 0.01) + 0.01 * sigma2).item()
    assert brute_force(case).objective - printed == pytest.approx(1 / 6, abs=1e-8)


# ---------------------------------------------------------------- appendix B.4


def test_theorem_b_1(record_error):
    """The blocks, U Sigma U', and P Sigma Q' = Lambda, step by step."""
    for values, sizes in GROUPS:
        N, m = (values * sizes).sum(), len(values)
        n = np.repeat(values, sizes)
        Yhat, G = effective_label_matrix(n, bias=True), matrix_g(values, sizes)
        ends = np.cumsum(sizes)
        U = np.zeros((n.size, n.size))
        Sigma = np.diag(np.sqrt(n))
        for end, size in zip(ends, sizes, strict=True):
            ones = np.full((size, 1), size**-0.5)
            block = np.linalg.svd(ones)[0]
            U[end - size : end, end - size : end] = np.roll(block, -1, axis=1)  # ones come last
            Sigma[end - 1, end - 1] = 0
        U[:, ends - 1] = np.abs(U[:, ends - 1])
        Sigma[np.ix_(ends - 1, ends - 1)] = G
        error = np.abs(U @ Sigma @ U.T - Yhat).max() / np.sqrt(n.max())
        assert record_error("Theorem B.1: U Sigma U'", error, ROUNDING)
        left, s, right = np.linalg.svd(G)  # G = alpha' S beta
        P, Q, Lambda = np.eye(n.size), np.eye(n.size), np.diag(np.sqrt(n))
        P[np.ix_(ends - 1, ends - 1)], Q[np.ix_(ends - 1, ends - 1)] = left.T, right
        Lambda[ends - 1, ends - 1] = s
        error = np.abs(P @ Sigma @ Q.T - Lambda).max() / np.sqrt(n.max())
        assert record_error("Theorem B.1: P Sigma Q' = Lambda", error, ROUNDING)
        p = values * np.sqrt(sizes)
        GG = np.diag(values) - np.outer(p, p) / N
        error = np.abs(G @ G.T - GG).max() / values[0]
        assert record_error("Theorem B.1: G G'", error, ROUNDING)
        for i in range(m):
            found = np.linalg.det(values[i] * np.eye(m) - GG)
            rest = np.delete(values, i)
            formula = values[i] ** 2 * sizes[i] / N * np.prod(values[i] - rest)
            size = max(abs(formula), np.prod(values) / values[-1])  # of the terms that cancel
            error = abs(found - formula) / size
            assert record_error("Theorem B.1: f(N_i)", error, 1e-9)
            assert np.sign(formula) == (-1) ** i


@pytest.mark.parametrize("m", [2, 3])
def test_theorem_b_2(m, record_error):
    for values, sizes in random_groups(count=30, seed=m, fewest=m, most=m):
        N, K = (values * sizes).sum(), sizes.sum()
        found = np.linalg.svd(matrix_g(values, sizes), compute_uv=False) ** 2
        total = (values * (N - values * sizes)).sum() / N  # a
        product = K * np.prod(values) / N  # b for three groups, the square itself for two
        expected = [product, 0] if m == 2 else [*np.roots([1, -total, product]), 0]
        error = np.abs(found - np.sort(expected)[::-1]).max() / found[0]
        assert record_error(f"Theorem B.2: m = {m}", error, 1e-10)


# ---------------------------------------------------------------- section 2


@pytest.mark.parametrize("case", often([c for c in BIAS if c.name == "balanced"]), ids=str)
def test_balanced_counts_give_the_simplex(case, record_error):
    K = len(case.n)
    simplex = (np.eye(K) - 1 / K) * K / (K - 1)
    run = brute_force(case)
    for points in (run.product.T, run.class_means(case.n)):
        error = np.abs(nc.cosines(points) - simplex).max()
        assert record_error("cosines of the simplex", error, IDENTITY)


@pytest.mark.parametrize("seed", range(12))
def test_seli_is_optimal_for_the_support_vector_problem(seed, record_error):
    """min ||Z||_* with margins of 1 or more: centred labels are a solution, whatever the counts.

    The certificate: U V' of their SVD has columns that sum to 0 and no positive entry off the
    label, so it is a subgradient made of the constraints that are met with equality.
    """
    rng = np.random.default_rng(seed)
    n = rng.integers(1, 30, rng.integers(2, 8))
    K, labels = n.size, np.repeat(np.arange(n.size), n)
    Z = (np.eye(K) - 1 / K)[:, labels]
    U, S, Vt = np.linalg.svd(Z, full_matrices=False)
    rank = K - 1
    B = U[:, :rank] @ Vt[:rank]
    assert S[rank] < 1e-12
    off = np.ones(Z.shape, dtype=bool)
    off[labels, np.arange(labels.size)] = False
    margins = Z[labels, np.arange(labels.size)] - Z
    worst = max(
        np.abs(margins[off] - 1).max(),  # every constraint is met with equality
        B[off].max(),  # multipliers are not negative
        np.abs(B.sum(axis=0)).max(),
        abs((B * Z).sum() / S.sum() - 1),  # and U V' is a subgradient at Z
    )
    assert record_error("SELI: broken conditions of optimality", max(worst, 0.0), ROUNDING)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_minority_collapse(depth, record_error):
    """Two frequent classes and three rare ones, at 1.1 times the death of their inner modes."""
    n = (8, 8, 2, 2, 2)
    deaths = np.sort(collapse_factors(n, depth, True, (1.0,) * depth, 1.0))
    lam = float(1.1 * deaths[deaths > 0][0])
    case = Case("", n, depth, True, (lam,) * depth, lam, (4,) * depth)
    run = brute_force(case)
    assert closed_form(case).alive == 2
    for points in (run.product.T, run.class_means(n)):
        rare = points[:, 2:]
        spread = np.abs(rare - rare.mean(axis=1, keepdims=True)).max() / np.abs(points).max()
        assert record_error("rare classes: distance of their vectors", spread, IDENTITY)
        assert np.linalg.norm(points[:, 0] - points[:, 1]) > 0.1


@pytest.mark.parametrize("bias", [True, False])
def test_depth_one_has_no_spurious_critical_points(bias, record_error):
    """Each set of alive modes: the global one has no descent direction, every other has."""
    n = (3, 2, 1)
    U, kappa, Vt = np.linalg.svd(effective_label_matrix(n, bias=bias))
    for lam in (0.05, 0.2, 0.4):
        free = FreeProblem(n, 1, bias, (lam,), lam, (3,))
        z = plus(kappa - 6 * lam)
        able = np.flatnonzero(z > 1e-9)
        for size in range(able.size + 1):
            for alive in combinations(able, size):
                root = np.zeros(3)
                root[list(alive)] = np.sqrt(z[list(alive)])
                H = np.repeat(np.diag(root) @ Vt / np.sqrt(n), n, axis=1)
                point = [U @ np.diag(root), H] + ([np.array(n) / 6] if bias else [])
                _, gradient = objective_and_gradient(point, free)
                assert max(np.abs(g).max() for g in gradient) < 1e-13
                lowest = curvatures(free, point)[0]
                wrong = (lowest > -1e-10) != (size == able.size)
                assert record_error("L = 1: critical points of another kind", wrong, 0)


# ---------------------------------------------------------------- section 6


@pytest.mark.parametrize("n", [(3, 2, 1), (4, 4), (5, 1, 1)])
def test_after_a_relu_the_theorems_do_not_hold(n, record_error):
    """Features that can't be negative can't have mean 0 unless they are 0: f ends higher."""
    deaths = collapse_factors(n, 1, True, (1.0,), 1.0)
    lam = float(0.3 * deaths[deaths > 0].min())
    K, N = len(n), sum(n)
    free = FreeProblem(n, 1, True, (lam,), lam, (K,))
    best = nc.global_minimizer(nc.Problem(n, 1, lambda_W=lam, lambda_H=lam))
    shapes = free.shapes
    cuts = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]

    def cost(x):
        arrays = [
            part.reshape(shape) for part, shape in zip(np.split(x, cuts), shapes, strict=True)
        ]
        f, gradient = objective_and_gradient(arrays, free)
        return f, np.concatenate([g.ravel() for g in gradient])

    bounds = [(None, None)] * cuts[0] + [(0, None)] * (K * N) + [(None, None)] * K
    lowest = np.inf
    for seed in range(5):
        rng = np.random.default_rng(seed)
        start = np.abs(rng.standard_normal(cuts[-1] + K))
        end = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=bounds)
        lowest = min(lowest, end.fun)
    reached = lowest < best.objective * (1 + 1e-3)
    assert record_error("ReLU: closed form reached all the same", reached, 0)
