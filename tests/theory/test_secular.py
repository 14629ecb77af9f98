"""The reduced matrix, the secular function and the kinds of modes, as the chapters show them.

References: Fractions, a dense basis of the groups, the corrected and the printed formulas of the
paper.
"""

import operator
from fractions import Fraction

import numpy as np
import pytest

from nclib import ClassCounts, Spectrum, effective_label_matrix
from nclib.theory.secular import FilteredModes, _product, _SecularSums, _sum, row_chunks

COUNTS = [
    pytest.param([2, 1], id="two classes"),
    pytest.param([7] * 5, id="balanced"),
    pytest.param([3, 2, 1], id="three, distinct"),
    pytest.param([1, 4, 2, 4, 1], id="unsorted"),
    pytest.param([500, 500, 400, 400, 300, 300, 200, 200, 100, 100], id="CIFAR-10"),
    pytest.param([1500] + [600] * 5 + [50] * 20, id="letters"),
    pytest.param([6705, 1113, 1099, 514, 327, 142, 115], id="lesions"),
]


def group_basis(counts):
    """Orthonormal vectors, constant on one group and 0 elsewhere, shape (K, m)."""
    columns = [(counts.n == value) / np.sqrt((counts.n == value).sum()) for value in counts.values]
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("n", COUNTS)
def test_group_matrix_is_yhat_between_the_groups(n, bias, record_error):
    counts = ClassCounts(n)
    basis = group_basis(counts)
    expected = basis.T @ effective_label_matrix(counts, bias=bias) @ basis
    error = np.abs(Spectrum(counts, bias=bias).group_matrix() - expected).max() / np.sqrt(max(n))
    assert record_error("G against Yhat between the groups", error, 1e-13)


def test_group_matrix_entry_by_entry():
    """Theorem 4.4 for n = (9, 4, 4, 1): N = 18, l = (1, 2, 1)."""
    expected = [
        [3 * (1 - 9 / 18), -(9 * 2 / 18) * np.sqrt(2), -(9 * 1 / 18)],
        [-(4 * 3 / 18) * np.sqrt(2), 2 * (1 - 8 / 18), -(4 * 1 / 18) * np.sqrt(2)],
        [-(1 * 3 / 18), -(1 * 2 / 18) * np.sqrt(2), 1 - 1 / 18],
    ]
    np.testing.assert_allclose(Spectrum(ClassCounts([9, 4, 4, 1])).group_matrix(), expected)


def exact_sum(n, t):
    """sum_k n_k / (n_k - t) over the classes: the groups need no names."""
    return sum(Fraction(int(count)) / (int(count) - Fraction(t)) for count in n)


@pytest.mark.parametrize("n", COUNTS)
def test_secular_function_against_fractions(n):
    t = np.array([[-3.5, 0.0, 0.25], [1.25, 333.5, 20000.0]])
    result = Spectrum(ClassCounts(n)).secular_function(t)
    assert result.shape == t.shape
    for value, at in zip(result.ravel(), t.ravel(), strict=True):
        exact = exact_sum(n, at)
        size = sum(abs(Fraction(int(c)) / (int(c) - Fraction(at))) for c in n)
        assert abs(Fraction(float(value)) - exact) < Fraction(1, 10**13) * size


@pytest.mark.parametrize("n", COUNTS)
def test_zeros_of_the_secular_function_are_the_squares(n):
    spectrum = Spectrum(ClassCounts(n))
    squares = spectrum.kappa[spectrum.is_between] ** 2
    assert squares[-1] == 0
    for t in squares[:-1].tolist():
        assert exact_sum(n, t * (1 - 1e-12)) < 0 < exact_sum(n, t * (1 + 1e-12))


def test_secular_function_is_the_papers_polynomial_over_the_poles_and_its_root_zero():
    """f(t) = |t I - G G'| = prod_j (t - N_j) (1 - sum_j p_j^2 / (N (N_j - t))), -t S(t) / N."""
    counts = ClassCounts([9, 4, 4, 1])
    t = np.array([0.5, 2.0, 6.0, 30.0])
    N_j, p = np.array([9.0, 4.0, 1.0]), np.array([9.0, 4.0 * 2**0.5, 1.0])
    secular = 1 - (p**2 / (18 * (N_j - t[:, None]))).sum(axis=1)
    np.testing.assert_allclose(secular, -t / 18 * Spectrum(counts).secular_function(t))
    f = np.linalg.det(t[:, None, None] * np.eye(3) - np.diag(N_j) + np.outer(p, p) / 18)
    np.testing.assert_allclose(f, np.prod(t[:, None] - N_j, axis=1) * secular)


def test_secular_function_at_a_pole_and_at_one_number():
    spectrum = Spectrum(ClassCounts([4, 1]))
    assert np.isinf(spectrum.secular_function(4))
    assert spectrum.secular_function(2).shape == ()
    assert float(spectrum.secular_function(2)) == 1.0


def test_secular_function_needs_a_bias():
    with pytest.raises(ValueError, match="bias=True"):
        Spectrum(ClassCounts([4, 1]), bias=False).secular_function(0.0)


@pytest.mark.parametrize("n", COUNTS)
def test_between_modes_are_constant_on_groups_and_the_others_sum_to_zero(n):
    counts = ClassCounts(n)
    spectrum = Spectrum(counts)
    V = spectrum.V @ np.eye(counts.K)
    assert spectrum.is_between.sum() == counts.m
    for value in counts.values:
        rows = V[counts.n == value]
        assert np.ptp(rows[:, spectrum.is_between], axis=0).max() < 1e-12
        inner = rows[:, ~spectrum.is_between]
        assert np.abs(inner.sum(axis=0)).max(initial=0) < 1e-12


def test_without_bias_no_mode_is_between():
    assert not Spectrum(ClassCounts([4, 1, 1]), bias=False).is_between.any()


@pytest.mark.parametrize("n", COUNTS)
def test_a_mode_with_bias_lies_between_two_without(n):
    counts = ClassCounts(n)
    biased, free = (Spectrum(counts, bias=bias).kappa for bias in (True, False))
    assert (biased[:-1] <= free[:-1]).all()
    assert (biased[:-1] >= free[1:]).all()


@pytest.mark.parametrize("n", COUNTS)
def test_between_modes_change_sign_at_their_root(n):
    """v_k ~ sqrt(n_k) / (n_k - t): one sign on the classes above t, the other below."""
    counts = ClassCounts(n)
    spectrum = Spectrum(counts)
    V = spectrum.V @ np.eye(counts.K)
    for k in np.flatnonzero(spectrum.is_between)[:-1]:
        above = counts.n > spectrum.kappa[k] ** 2
        sign = np.sign(V[:, k])
        assert (sign[above] == sign[above][0]).all()
        assert (sign[~above] == -sign[above][0]).all()


@pytest.mark.parametrize("n", COUNTS)
def test_sum_and_bounds_of_the_squares(n):
    """The trace of diag(n) - n n'/N, and its largest diagonal entry."""
    squares = Spectrum(ClassCounts(n)).kappa ** 2
    n, total = np.array(n, dtype=float), float(sum(n))
    np.testing.assert_allclose(squares.sum(), total - (n**2).sum() / total, rtol=1e-13)
    assert n.max() * (1 - n.max() / total) <= squares[0] * (1 + 1e-14)
    assert squares[0] <= n.max() * (1 + 1e-14)


@pytest.mark.parametrize("n", COUNTS)
def test_squares_over_n_are_the_variances_of_the_labels(n):
    labels = np.eye(len(n))[np.repeat(np.arange(len(n)), n)]
    variances = np.linalg.eigvalsh(np.cov(labels.T, bias=True))[::-1]
    mu = Spectrum(ClassCounts(n)).kappa ** 2 / sum(n)
    np.testing.assert_allclose(mu, variances, atol=1e-13)


def test_a_growing_group_drives_the_zeros_to_the_other_counts():
    def zeros(size):
        spectrum = Spectrum(ClassCounts([500] * 2 + [300] * size + [100] * 2))
        return spectrum.kappa[spectrum.is_between][:-1] ** 2

    steps = np.array([zeros(size) for size in (1, 2, 5, 20, 100, 1000, 10**5)])
    assert (np.diff(steps[:, 0]) > 0).all()
    assert (np.diff(steps[:, 1]) < 0).all()
    np.testing.assert_allclose(steps[-1], [500, 100], rtol=2e-5)


def test_rows_are_cut_into_parts_of_65536_entries_and_at_least_one_row():
    assert list(row_chunks(3, 2**17)) == [slice(row, row + 1) for row in range(3)]
    assert list(row_chunks(2**16 + 1, 1)) == [slice(0, 2**16), slice(2**16, 2**16 + 1)]
    assert list(row_chunks(2**15 + 1, 2)) == [slice(0, 2**15), slice(2**15, 2**15 + 1)]
    assert list(row_chunks(0)) == []


# The root between 1 and 2 is nearer to the small group, of 2, while the many large classes outweigh
# it there: the quadratic equation of a step has both its coefficients below 0.
OUTWEIGHED = [1000] * 177 + [2] + [1] * 100


@pytest.mark.parametrize(
    "n",
    [
        *COUNTS,
        pytest.param(range(1, 200), id="199 groups"),
        pytest.param(OUTWEIGHED, id="outweighed"),
    ],
)
def test_the_roots_settle_quadratically(n, monkeypatch):
    """From one digit on the digits double, four times; halving the bracket takes fifty steps."""
    points = []
    sums = _SecularSums.__call__

    def counted(self, *at):
        points.append(at)
        return sums(self, *at)

    monkeypatch.setattr(_SecularSums, "__call__", counted)
    kappa = Spectrum(ClassCounts(n)).kappa
    assert len(points) <= 8
    n = np.array(n, dtype=float)
    squares = np.linalg.eigvalsh(np.diag(n) - np.outer(n, n) / n.sum())[::-1]
    np.testing.assert_allclose(kappa**2, squares, rtol=0, atol=1e-13 * n.max())


@pytest.mark.parametrize(
    "poles",
    [
        pytest.param(np.arange(300.0, 0, -1), id="even"),
        # The second panel is long: of all that is outside of it one pole alone is far, above.
        pytest.param(
            np.r_[1e6, 1000 + np.arange(63.0, -1, -1), np.arange(970.0, 70, -30)],
            id="one far above",
        ),
        pytest.param(np.r_[1e5, 9e4, np.arange(150.0, 0, -1)], id="two far above"),
        # All the small ones are near the panel of the large ones: its rows come in two parts.
        pytest.param(
            np.r_[1e6 * np.arange(65.0, 0, -1), np.arange(1100.0, 0, -1)],
            id="many near a long panel",
        ),
    ],
)
def test_sums_over_near_and_far_poles_are_those_of_all_one_by_one(poles):
    weights = np.random.default_rng(0).uniform(1, 9, poles.size)
    interval, gap = np.arange(poles.size - 1), poles[:-1] - poles[1:]
    found = _SecularSums.of(poles, weights)(interval, interval, -gap / 3)
    inverse = 1 / ((poles - poles[:-1, None]) + gap[:, None] / 3)
    above = np.arange(poles.size) <= interval[:, None]
    for power, low, high in ((1, found.low, found.high), (2, found.low_slope, found.high_slope)):
        terms = inverse**power * weights
        allowed = 1e-12 * np.abs(terms).sum(axis=1)
        assert (np.abs(low - np.where(above, 0, terms).sum(axis=1)) <= allowed).all()
        assert (np.abs(high - np.where(above, terms, 0).sum(axis=1)) <= allowed).all()


@pytest.mark.parametrize(
    ("found", "exact"), [(_sum, operator.add), (_product, operator.mul)], ids=["sum", "product"]
)
def test_a_result_and_its_rounding_error_are_exact_together(found, exact):
    a, b = np.random.default_rng(1).standard_normal((2, 2000))
    for x, y, result, error in zip(a, b, *found(a, b), strict=True):
        assert Fraction(result) + Fraction(error) == exact(Fraction(x), Fraction(y))


def test_sums_over_the_modes_have_twice_the_digits():
    """F_a, the sum of c_i / (N_a - t_i), in fractions, from the same roots and c."""
    spectrum = Spectrum(ClassCounts([9000, 5001, 5000, 4999, 300, 7, 6, 1]))
    secular, factor = spectrum._secular, np.linspace(1, 0.3, 7)
    modes = FilteredModes.of(secular, factor)
    c = factor / secular.slopes
    for a, pole in enumerate(secular.poles):
        terms = [
            Fraction(c[i])
            / (Fraction(pole) - Fraction(secular.poles[origin]) - Fraction(secular.offset[i]))
            for i, origin in enumerate(secular.origin)
        ]
        error = Fraction(modes.high[a]) + Fraction(modes.low[a]) - sum(terms)
        assert abs(error) < Fraction(2.0**-96) * sum(map(abs, terms))
