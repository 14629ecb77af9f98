"""Spectrum of the effective label matrix (Definition 4.1, Theorems 4.4, B.1, B.2).

References: mpmath to 50 digits and more, sympy for two and three groups, numpy's dense SVD.
"""

import mpmath
import numpy as np
import pytest
import sympy
from scipy.linalg import helmert

import nclib as nc
from nclib import ClassCounts, Spectrum

CIFAR = ClassCounts.cifar10_paper()
EMNIST = ClassCounts.emnist_letters_paper()

VALUES = VECTORS = 1e-12  # the bounds

COUNTS = {
    "two classes": [1, 1],
    "two classes, far apart": [10**9, 1],
    "two classes, nearly equal": [10**9, 10**9 - 1],
    "balanced": [7] * 6,
    "balanced, large": [10**9] * 4,
    "three, distinct": [3, 2, 1],
    "unsorted": [1, 4, 2, 4, 1],
    "all distinct": list(range(1, 13)),
    "neighbours that differ by one": [10**9 - i for i in range(8)],
    "neighbours, unsorted, with repeats": [1001, 1000, 1001, 999, 1000, 1002, 999],
    "from 1 to 10^9": [1, 10, 10**2, 10**3, 10**4, 10**5, 10**6, 10**7, 10**8, 10**9],
    "clusters": [10**9, 10**9 - 1, 10**9 - 2, 10**5, 10**5 - 1, 10**5 + 1, 2, 1, 3],
    "one giant": [10**9] + [1] * 20,
    "many large, one small": [10**9] * 20 + [1],
    "giant and neighbours": [10**9, 2, 1, 2, 1],
    "pair of powers": [2**30, 2**30 - 1, 1, 2],
    "largest counts": [2**53 - 1, 2**53 - 2, 1],
    "long tail": [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50],
    "the paper's CIFAR-10": CIFAR.n.tolist(),
    "the paper's EMNIST letters": EMNIST.n.tolist(),
}
ALL = [pytest.param(n, id=name) for name, n in COUNTS.items()]


def exact_squares(n, bias):
    """kappa^2 as mpmath numbers, falling: eigenvalues of diag(n) - n n'/N to 80 digits."""
    with mpmath.workdps(80):
        if not bias:
            return [mpmath.mpf(int(v)) for v in sorted(n, reverse=True)]
        N = sum(int(v) for v in n)
        A = mpmath.matrix(len(n), len(n))
        for i, a in enumerate(n):
            for j, b in enumerate(n):
                A[i, j] = (int(a) if i == j else 0) - mpmath.mpf(int(a)) * int(b) / N
        return sorted(mpmath.eigsy(A, eigvals_only=True), reverse=True)


def dense(spectrum):
    eye = np.eye(spectrum.kappa.size)
    return spectrum.U @ eye, spectrum.V @ eye


# ---------------------------------------------------------------- values


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("n", ALL)
def test_values_against_mpmath(n, bias, record_error):
    kappa = Spectrum(ClassCounts(n), bias=bias).kappa
    squares = exact_squares(n, bias)
    alive = len(n) - 1 if bias else len(n)
    with mpmath.workdps(50):
        error = max(
            abs(mpmath.mpf(float(k)) / mpmath.sqrt(t) - 1)
            for k, t in zip(kappa[:alive], squares[:alive], strict=True)
        )
    assert record_error("kappa against mpmath, relative", error, VALUES)


@pytest.mark.parametrize("n", ALL)
def test_one_value_is_exactly_zero_with_bias(n):
    kappa = Spectrum(ClassCounts(n), bias=True).kappa
    assert kappa[-1] == 0.0
    assert (kappa[:-1] > 0).all()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("n", ALL)
def test_values_fall_and_blocks_list_them(n, bias):
    spectrum = Spectrum(ClassCounts(n), bias=bias)
    assert (np.diff(spectrum.kappa) <= 0).all()
    np.testing.assert_array_equal(
        np.repeat(spectrum.block_kappa, spectrum.block_size), spectrum.kappa
    )
    if max(n) <= 10**9:  # the square roots of 2^53 - 1 and 2^53 - 2 are one float
        assert (np.diff(spectrum.block_kappa) < 0).all()


def secular_blocks(counts):
    """Positions of s_1, ..., s_m among the blocks, by the interlacing of Theorem 4.4.

    The order is: inner modes of N_1 (where l_1 > 1), s_1, inner modes of N_2, s_2, ...
    """
    inner = counts.multiplicities > 1
    return np.arange(counts.m) + np.cumsum(inner)


@pytest.mark.parametrize("n", ALL)
def test_blocks_with_bias_are_inner_modes_between_single_secular_ones(n):
    """l_j - 1 times sqrt(N_j), and m values more, once each."""
    counts = ClassCounts(n)
    spectrum = Spectrum(counts, bias=True)
    secular = np.zeros(spectrum.block_size.size, dtype=bool)
    secular[secular_blocks(counts)] = True
    repeated = counts.multiplicities > 1
    assert (spectrum.block_size[secular] == 1).all()
    np.testing.assert_array_equal(
        spectrum.block_size[~secular], counts.multiplicities[repeated] - 1
    )
    np.testing.assert_array_equal(
        spectrum.block_kappa[~secular], np.sqrt(counts.values[repeated].astype(float))
    )


@pytest.mark.parametrize("n", ALL)
def test_blocks_without_bias_are_the_groups(n):
    counts = ClassCounts(n)
    spectrum = Spectrum(counts, bias=False)
    assert spectrum.block_size.tolist() == counts.multiplicities.tolist()
    np.testing.assert_array_equal(spectrum.block_kappa, np.sqrt(counts.values.astype(float)))


@pytest.mark.parametrize("n", ALL)
def test_interlacing(n):
    """0 = s_m < sqrt(N_m) < s_(m-1) < ... < s_1 < sqrt(N_1); floats may round to equality."""
    counts = ClassCounts(n)
    secular = Spectrum(counts).block_kappa[secular_blocks(counts)]
    roots = np.sqrt(counts.values.astype(float))
    assert secular[-1] == 0.0
    assert (secular <= roots).all()
    assert (secular[:-1] >= roots[1:]).all()


def secular_sum(counts, t):
    """S(t) = sum_j N_j l_j / (N_j - t): rises from -inf to inf between neighbouring counts."""
    return mpmath.fsum(
        mpmath.mpf(int(v)) * int(size) / (int(v) - t)
        for v, size in zip(counts.values, counts.multiplicities, strict=True)
    )


@pytest.mark.parametrize(
    "counts",
    [
        pytest.param(ClassCounts(np.arange(1, 2001)), id="2000 neighbours from 1"),
        pytest.param(ClassCounts(10**9 - np.arange(1000)), id="1000 neighbours below 10^9"),
        pytest.param(ClassCounts.exponential(1000, 10**9, 10**9 / 5), id="1000 in a long tail"),
        pytest.param(
            ClassCounts(np.repeat([10**9, 10**9 - 1, 5, 4, 1], [1, 10**5, 1, 3, 10**5])),
            id="extreme multiplicities",
        ),
    ],
)
def test_many_distinct_counts_by_sign_changes(counts, record_error):
    """Where S changes sign within t (1 +- 2w), its only root there is within w of kappa.

    A bracket is cut off at the counts on both sides, where S is infinite with the sign wanted.
    """
    secular = Spectrum(counts).block_kappa[secular_blocks(counts)]
    assert secular[-1] == 0.0
    with mpmath.workdps(50):
        for i in np.unique(np.linspace(0, counts.m - 2, 40).astype(int)):
            below, above = int(counts.values[i + 1]), int(counts.values[i])
            t = mpmath.mpf(float(secular[i])) ** 2

            def brackets(width, t=t, below=below, above=above):
                low, high = t * (1 - 2 * width), t * (1 + 2 * width)
                return (low <= below < high or secular_sum(counts, low) < 0) and (
                    high >= above > low or secular_sum(counts, high) > 0
                )

            widths = (1e-15, 1e-14, 1e-13, VALUES)
            width = next((w for w in widths if brackets(mpmath.mpf(w))), np.inf)
            assert record_error("kappa of many groups, bracketed to", width, VALUES)


@pytest.mark.parametrize(
    ("counts", "squares"),
    [
        (CIFAR, [500, 452.85, 400, 338.66, 300, 226.84, 200, 114.98, 100]),
        (EMNIST, [1231.86, *[600] * 4, 172.69, *[50] * 19]),
    ],
    ids=["CIFAR-10", "EMNIST letters"],
)
def test_squares_of_the_papers_data_sets(counts, squares):
    np.testing.assert_allclose(Spectrum(counts).kappa[:-1] ** 2, squares, rtol=0, atol=0.005)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_values_of_random_counts_against_dense_svd(seed, bias, record_error):
    rng = np.random.default_rng(seed)
    n = rng.choice(rng.integers(1, 1000, 8), rng.integers(2, 40))
    D = np.diag(np.sqrt(n.astype(float)))
    Yhat = (np.eye(n.size) - np.outer(n, np.ones(n.size)) / n.sum()) @ D if bias else D
    expected = np.linalg.svd(Yhat, compute_uv=False)
    error = np.abs(Spectrum(ClassCounts(n), bias=bias).kappa - expected).max() / expected[0]
    # numpy's SVD is right to a few eps times the largest value, not relative to each
    assert record_error("kappa against dense SVD", error, 1e-13)


# ---------------------------------------------------------------- closed forms of Theorem B.2


def test_two_groups_closed_form_is_symbolic_truth():
    """The secular value of m = 2 is sqrt(K N_1 N_2 / N): sympy on the 2 x 2 matrix G."""
    N1, N2, l1, l2 = sympy.symbols("N_1 N_2 l_1 l_2", positive=True)
    N, K = N1 * l1 + N2 * l2, l1 + l2
    p = sympy.Matrix([N1 * sympy.sqrt(l1), N2 * sympy.sqrt(l2)])
    GG = sympy.diag(N1, N2) - p * p.T / N
    assert sympy.simplify(GG.trace() - K * N1 * N2 / N) == 0
    assert sympy.simplify(GG.det()) == 0


@pytest.mark.parametrize(
    "groups",
    [(5, 2, 1, 1), (500, 5, 50, 50), (10**9, 1, 1, 9), (10**9, 10**9 - 1, 3, 2), (7, 3, 1000, 1)],
)
def test_two_groups(groups, record_error):
    N1, N2, l1, l2 = groups
    spectrum = Spectrum(ClassCounts([N2] * l2 + [N1] * l1))
    exact = sympy.sqrt(sympy.Rational((l1 + l2) * N1 * N2, N1 * l1 + N2 * l2))
    found = spectrum.kappa[l1 - 1]  # after the l1 - 1 inner modes of the larger group
    error = abs(sympy.Float(float(found), 40) / exact.evalf(40) - 1)
    assert record_error("m = 2 closed form", error, VALUES)


@pytest.mark.parametrize(
    "groups",
    [(3, 2, 1, 1, 1, 1), (1500, 600, 50, 1, 5, 20), (9, 8, 7, 2, 1, 3), (10**9, 10**4, 1, 1, 1, 1)],
)
def test_three_groups(groups, record_error):
    """The squares are the roots of t^2 - a t + b (E4 corrected), solved exactly by sympy."""
    N1, N2, N3, l1, l2, l3 = groups
    N, K = N1 * l1 + N2 * l2 + N3 * l3, l1 + l2 + l3
    a = sympy.Rational(
        N1 * (N2 * l2 + N3 * l3) + N2 * (N1 * l1 + N3 * l3) + N3 * (N1 * l1 + N2 * l2), N
    )
    b = sympy.Rational(K * N1 * N2 * N3, N)
    root = sympy.sqrt(a**2 - 4 * b)
    kappa = Spectrum(ClassCounts([N1] * l1 + [N2] * l2 + [N3] * l3)).kappa
    found = kappa[l1 - 1], kappa[l1 + l2 - 1]
    for value, square in zip(found, ((a + root) / 2, (a - root) / 2), strict=True):
        exact = sympy.sqrt(square).evalf(40)
        error = abs(sympy.Float(float(value), 40) / exact - 1)
        assert record_error("m = 3 closed form", error, VALUES)


# ---------------------------------------------------------------- vectors


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("n", ALL)
def test_vectors_are_orthonormal(n, bias, record_error):
    for basis in dense(Spectrum(ClassCounts(n), bias=bias)):
        error = np.abs(basis.T @ basis - np.eye(len(n))).max()
        assert record_error("U'U = V'V = I", error, VECTORS)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("n", ALL)
def test_yhat_maps_v_to_kappa_u(n, bias, record_error):
    """In extended precision: Yhat itself has rounding errors in float64."""
    counts = ClassCounts(n)
    spectrum = Spectrum(counts, bias=bias)
    U, V = (basis.astype(np.longdouble) for basis in dense(spectrum))
    exact = counts.n.astype(np.longdouble)
    DV = np.sqrt(exact)[:, None] * V
    YV = DV - exact[:, None] / exact.sum() * DV.sum(axis=0) if bias else DV
    error = np.linalg.norm(YV - spectrum.kappa * U, axis=0).max() / spectrum.kappa[0]
    assert record_error("|Yhat v - kappa u| / kappa_1", error, VECTORS)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("n", ALL)
def test_yhat_transposed_maps_u_to_kappa_v(n, bias, record_error):
    counts = ClassCounts(n)
    spectrum = Spectrum(counts, bias=bias)
    U, V = (basis.astype(np.longdouble) for basis in dense(spectrum))
    exact = counts.n.astype(np.longdouble)
    inner = U - (exact @ U) / exact.sum() if bias else U
    YU = np.sqrt(exact)[:, None] * inner
    error = np.linalg.norm(YU - spectrum.kappa * V, axis=0).max() / spectrum.kappa[0]
    assert record_error("|Yhat' u - kappa v| / kappa_1", error, VECTORS)


@pytest.mark.parametrize("n", ALL)
def test_null_pair_with_bias(n, record_error):
    """v_K = +- sqrt(n/N), u_K = +- 1/sqrt(K)."""
    counts = ClassCounts(n)
    U, V = dense(Spectrum(counts))
    u, v = np.full(counts.K, counts.K**-0.5), np.sqrt(counts.n / counts.N)
    error = max(
        1 - abs(U[:, -1] @ u),
        1 - abs(V[:, -1] @ v),
        np.abs(np.abs(U[:, -1]) - u).max(),
        np.abs(np.abs(V[:, -1]) - v).max(),
    )
    assert record_error("null pair", error, VECTORS)


def test_bias_free_vectors_are_the_stable_sorting_permutation():
    U, V = dense(Spectrum(ClassCounts([2, 7, 2, 9, 7]), bias=False))
    expected = np.zeros((5, 5))
    expected[[3, 1, 4, 0, 2], range(5)] = 1
    np.testing.assert_array_equal(U, expected)
    np.testing.assert_array_equal(V, expected)


def test_inner_modes_of_a_group_are_the_helmert_basis():
    """First mode: first class of the group minus the second; left and right alike."""
    spectrum = Spectrum(ClassCounts([5, 9, 9, 5, 9, 9]))
    U, V = dense(spectrum)
    inner = np.flatnonzero(spectrum.kappa == 3.0)
    assert inner.tolist() == [0, 1, 2]
    expected = np.zeros((6, 3))
    expected[[1, 2, 4, 5]] = helmert(4).T
    np.testing.assert_allclose(V[:, inner], expected, rtol=0, atol=1e-15)
    np.testing.assert_allclose(U[:, inner], expected, rtol=0, atol=1e-15)
    assert V[1, 0] > 0 > V[2, 0]
    pair = np.flatnonzero(spectrum.kappa == np.sqrt(5.0))
    np.testing.assert_allclose(V[:, pair[0]], [2**-0.5, 0, 0, -(2**-0.5), 0, 0], atol=1e-15)


def test_secular_modes_are_constant_on_groups():
    counts = ClassCounts([5, 9, 9, 5, 2, 9])
    spectrum = Spectrum(counts)
    U, V = dense(spectrum)
    # 9 (3 classes), s_1, 5 (2 classes), s_2, 2, s_3: modes 0 and 1 and mode 3 are inner
    secular = [2, 4, 5]
    for basis in (U[:, secular], V[:, secular]):
        for value in (5, 9):
            rows = basis[counts.n == value]
            assert np.abs(rows - rows[0]).max() < 1e-15
    t = spectrum.kappa[secular[0]] ** 2
    v = np.sqrt(counts.n) / (counts.n - t)
    assert abs(V[:, secular[0]] @ v) / np.linalg.norm(v) == pytest.approx(1, abs=1e-14)


# ---------------------------------------------------------------- operators


@pytest.mark.parametrize("name", ["U", "V"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    "n",
    [
        COUNTS["unsorted"],
        COUNTS["clusters"],
        COUNTS["one giant"],
        COUNTS["the paper's EMNIST letters"],
    ],
    ids=lambda n: f"K={len(n)}",
)
def test_operator_directions_agree(n, bias, name, record_error):
    """matvec, rmatvec, matmat, rmatmat and the transpose are one matrix."""
    operator = getattr(Spectrum(ClassCounts(n), bias=bias), name)
    K = len(n)
    matrix = operator @ np.eye(K)
    rng = np.random.default_rng(1)
    x, X = rng.standard_normal(K), rng.standard_normal((K, 3))
    assert operator.shape == (K, K)
    found = [
        operator.matvec(x),
        operator.rmatvec(x),
        operator.matmat(X),
        operator.rmatmat(X),
        operator.T @ x,
        operator.H @ X,
        operator @ x,
    ]
    expected = [
        matrix @ x,
        matrix.T @ x,
        matrix @ X,
        matrix.T @ X,
        matrix.T @ x,
        matrix.T @ X,
        matrix @ x,
    ]
    for got, want in zip(found, expected, strict=True):
        assert got.shape == want.shape
        assert record_error("operator directions", np.abs(got - want).max(), 1e-13)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("n", [COUNTS["unsorted"], COUNTS["long tail"], [4] * 5])
def test_operators_rebuild_the_matrix(n, bias, record_error):
    spectrum = Spectrum(ClassCounts(n), bias=bias)
    U, V = dense(spectrum)
    D = np.diag(np.sqrt(np.array(n, float)))
    Yhat = D - np.outer(n, np.sqrt(n)) / sum(n) if bias else D
    error = np.abs(U @ np.diag(spectrum.kappa) @ V.T - Yhat).max() / spectrum.kappa[0]
    assert record_error("U kappa V' = Yhat", error, 1e-13)


@pytest.mark.parametrize("bias", [True, False])
def test_effective_label_matrix(bias):
    n = np.array([1, 4, 2, 4])
    expected = np.diag(np.sqrt(n)) - bias * np.outer(n, np.sqrt(n)) / 11
    matrix = nc.effective_label_matrix(ClassCounts(n), bias=bias)
    np.testing.assert_allclose(matrix, expected, rtol=0, atol=1e-15)


# ---------------------------------------------------------------- size


@pytest.mark.parametrize("bias", [True, False])
def test_a_million_classes_in_a_thousand_groups(bias, work_and_memory_of):
    """Nothing K x K: the peak stays under 1 GB, where K x K would be 8 TB."""
    rng = np.random.default_rng(0)
    values = np.sort(rng.choice(10**6, 1000, replace=False) + 1)[::-1]
    n = rng.permutation(np.repeat(values, 1000))
    counts = ClassCounts(n)
    x = rng.standard_normal(10**6)

    def decompose():
        spectrum = Spectrum(counts, bias=bias)
        coefficients = spectrum.V.rmatvec(x)
        return spectrum.kappa, coefficients, spectrum.U.matvec(spectrum.kappa * coefficients)

    (kappa, coefficients, image), work, peak = work_and_memory_of(decompose)
    assert peak < 1e9
    assert work < 50  # a guard against cost like K^2, not a benchmark
    assert (np.diff(kappa) <= 0).all()
    n = n.astype(float)
    DX = np.sqrt(n) * x
    expected = DX - bias * n / n.sum() * DX.sum()
    assert np.linalg.norm(image - expected) <= 1e-12 * kappa[0] * np.linalg.norm(x)
    assert np.linalg.norm(coefficients) == pytest.approx(np.linalg.norm(x), rel=1e-12)


def test_trace_of_many_distinct_counts():
    """sum kappa^2 = N - sum n^2 / N, for 3000 distinct counts."""
    n = np.random.default_rng(3).choice(10**6, 3000, replace=False) + 1
    kappa = Spectrum(ClassCounts(n)).kappa
    N = int(n.sum())
    assert (kappa**2).sum() == pytest.approx(N - int((n**2).sum()) / N, rel=1e-13)


@pytest.mark.parametrize("rest", [[5, 5, 5], [2**53 - 2], [1]], ids=repr)
def test_groups_of_more_samples_than_int64_holds(rest):
    """2000 classes of 2^53 - 1: N_j l_j is beyond 2^63."""
    large, small = 2**53 - 1, rest[0]
    counts = ClassCounts([large] * 2000 + rest)
    spectrum = Spectrum(counts)
    # two groups: the secular value is sqrt(K N_1 N_2 / N), in exact integers until the end
    square = counts.K * large * small / counts.N
    found = spectrum.kappa[1999]
    assert found == pytest.approx(np.sqrt(square), rel=1e-12)
    assert spectrum.kappa[0] == np.sqrt(float(large))


@pytest.mark.parametrize("counts", [3, "ab", None, [1], [3, 0]], ids=repr)
def test_bad_counts_are_refused_by_name(counts):
    with pytest.raises((ValueError, TypeError), match=r"\bcounts\b|\bn\b"):
        _ = Spectrum(counts).kappa
    with pytest.raises((ValueError, TypeError), match=r"\bcounts\b|\bn\b"):
        nc.effective_label_matrix(counts)
