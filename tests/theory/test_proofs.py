"""Every step of the paper's appendices A and B, on random instances.

One test for each statement or inequality, with its equality case. The matrices of a step are
written out here as the paper has them, from the tests' own objective (`brute_force.py`), numpy's
SVD and finite differences; nclib is what is compared. Where the paper as printed is wrong or skips
a step, the test holds the corrected form and shows that the printed one fails.
"""

from dataclasses import dataclass
from itertools import pairwise, permutations
from math import prod

import numpy as np
import pytest
import sympy
from brute_force import objective_and_gradient
from instances import formula, free
from reference import alpha_spinodal, alpha_threshold, effective_label_matrix, singular_values

import nclib as nc
from nclib.theory.factors import cheapest_factors
from nclib.theory.shrinkage import lemma_a2_spinodal, lemma_a2_stationary

INSTANCES = 200
EXACT = 1e-12  # identities: rounding of a few small matrix products, relative to their size


def random_orthogonal(rng, size):
    Q, R = np.linalg.qr(rng.standard_normal((size, size)))
    return Q * np.sign(np.diag(R))


def nuclear(Z):
    return np.linalg.svd(Z, compute_uv=False).sum()


def product_of(Ws):
    P = Ws[0]
    for W in Ws[1:]:
        P = W @ P
    return P


@dataclass(frozen=True)
class Point:
    """A problem and a point of it: all features, none equal to another."""

    problem: nc.Problem
    Ws: list
    H: np.ndarray
    b: np.ndarray | None

    @property
    def n(self):
        return self.problem.counts.n

    @property
    def label(self):
        return np.repeat(np.arange(self.problem.K), self.n)

    @property
    def Y(self):
        return np.eye(self.problem.K)[:, self.label]

    @property
    def means(self):
        return self.H @ self.Y.T / self.n

    @property
    def mean(self):
        return self.H.mean(axis=1)

    @property
    def E(self):
        """Weighted class means; with a bias less the global mean."""
        means = self.means
        if self.problem.bias:
            means = means - self.mean[:, None]
        return means * np.sqrt(self.n)

    def f(self, Ws=None, H=None, b=None):
        """The objective of Definition 3.1, by the tests' own code."""
        H = self.H if H is None else H
        arrays = [*(Ws or self.Ws), H]
        if self.problem.bias:
            arrays.append(self.b if b is None else b)
        return float(objective_and_gradient(arrays, free(self.problem))[0])


def random_problem(rng, depth=None, bias=None, widths=True):
    depth = int(rng.integers(1, 5)) if depth is None else depth
    bias = bool(rng.integers(2)) if bias is None else bias
    n = rng.integers(1, 7, rng.integers(2, 6))
    lambda_W, lambda_H = rng.uniform(0.01, 1.0, depth), float(rng.uniform(0.01, 1.0))
    d = tuple(int(v) for v in rng.integers(1, len(n) + 3, depth)) if widths else None
    return nc.Problem(n, depth, bias=bias, lambda_W=lambda_W, lambda_H=lambda_H, widths=d)


def random_point(rng, problem):
    d = (*(problem.widths or (problem.K,) * problem.depth), problem.K)
    Ws = [rng.standard_normal((d[j + 1], d[j])) for j in range(problem.depth)]
    H = rng.standard_normal((d[0], problem.N))
    return Point(problem, Ws, H, rng.standard_normal(problem.K) if problem.bias else None)


def random_points(seed, count=INSTANCES, **options):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield random_point(rng, random_problem(rng, **options))


def f_hat(problem, Ws, E):
    """1/(2N) ||P E - Yhat||^2 + penalties."""
    Yhat = effective_label_matrix(problem.counts.n, bias=problem.bias)
    value = np.sum((product_of(Ws) @ E - Yhat) ** 2) / (2 * problem.N)
    value += sum(lam / 2 * np.sum(W**2) for lam, W in zip(problem.lambda_W, Ws, strict=True))
    return float(value + problem.lambda_H / 2 * np.sum(E**2))


def penalty(problem, Ws, E):
    value = sum(lam / 2 * np.sum(W**2) for lam, W in zip(problem.lambda_W, Ws, strict=True))
    return float(value + problem.lambda_H / 2 * np.sum(E**2))


def derivative(fun, x, step=1e-6):
    """Central differences of a scalar function of an array."""
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += step
        down[index] -= step
        gradient[index] = (fun(up) - fun(down)) / (2 * step)
    return gradient


def relative(difference, *terms):
    return np.linalg.norm(difference) / max([1.0, *(np.linalg.norm(term) for term in terms)])


# ---------------------------------------------------------------- Lemma A.1


def lemma_a1_price(W, E, alpha):
    return (np.sum(W**2) / alpha + alpha * np.sum(E**2)) / 2


def lemma_a1_instances(seed):
    rng = np.random.default_rng(seed)
    for _ in range(INSTANCES):
        rows, columns = rng.integers(1, 6, 2)
        rank = int(rng.integers(1, min(rows, columns) + 1))
        Z = rng.standard_normal((rows, rank)) @ rng.standard_normal((rank, columns))
        yield rng, Z, rank, rank + int(rng.integers(3)), float(np.exp(rng.uniform(-3, 3)))


def lemma_a1_minimisers(rng, Z, rank, d, alpha):
    """W = alpha^(1/2) U S^(1/2) R', E = alpha^(-1/2) R S^(1/2) V' with random R."""
    U, S, Vt = np.linalg.svd(Z, full_matrices=False)
    R = np.linalg.qr(rng.standard_normal((d, rank)))[0]
    root = np.sqrt(S[:rank])
    return np.sqrt(alpha) * (U[:, :rank] * root) @ R.T, (R * root) @ Vt[:rank] / np.sqrt(alpha)


def test_lemma_a1_no_factors_are_cheaper_than_the_nuclear_norm(record_error):
    for rng, Z, rank, d, alpha in lemma_a1_instances(1):
        W0, E0 = lemma_a1_minimisers(rng, Z, rank, d, alpha)
        for size in (0.01, 0.3, 3.0):  # Z = (W0 A) (A^-1 E0) for every invertible A
            A = np.eye(d) + size * rng.standard_normal((d, d))
            W, E = W0 @ A, np.linalg.solve(A, E0)
            below = (nuclear(W @ E) - lemma_a1_price(W, E, alpha)) / nuclear(W @ E)
            assert record_error("A.1: factors cheaper than ||Z||_* by", max(below, 0.0), EXACT)


def test_lemma_a1_minimisers_attain_the_nuclear_norm(record_error):
    """With the corrected exponents, for every R."""
    for rng, Z, rank, d, alpha in lemma_a1_instances(2):
        W, E = lemma_a1_minimisers(rng, Z, rank, d, alpha)
        assert record_error("A.1: W E = Z", relative(W @ E - Z, Z), EXACT)
        error = abs(lemma_a1_price(W, E, alpha) / nuclear(Z) - 1)
        assert record_error("A.1: price of the minimisers", error, EXACT)


def test_lemma_a1_printed_exponents_do_not_attain_it():
    for rng, Z, rank, d, alpha in lemma_a1_instances(3):
        W, E = lemma_a1_minimisers(rng, Z, rank, d, alpha)
        printed_W, printed_E = W * alpha**-0.75, E * alpha**0.75  # alpha^(-1/4), alpha^(1/4)
        assert relative(printed_W @ printed_E - Z, Z) < EXACT
        excess = lemma_a1_price(printed_W, printed_E, alpha) / nuclear(Z) - 1
        assert excess == pytest.approx(np.cosh(1.5 * np.log(alpha)) - 1, rel=1e-9, abs=1e-12)


def test_lemma_a1_every_minimiser_has_that_form(record_error):
    """The excess of the price over ||Z||_* is a sum of squares that are all 0 only in that form.

    With A = W'U and B = E V it is ||A - alpha B||^2 / (2 alpha) and what the parts of W and E cost
    that lie outside the singular vectors of Z.
    """
    for rng, Z, rank, d, alpha in lemma_a1_instances(4):
        W0, E0 = lemma_a1_minimisers(rng, Z, rank, d, alpha)
        C = np.eye(d) + 0.3 * rng.standard_normal((d, d))
        W, E = W0 @ C, np.linalg.solve(C, E0)
        U, _, Vt = np.linalg.svd(Z, full_matrices=False)
        A, B = W.T @ U[:, :rank], E @ Vt[:rank].T
        outside = np.sum(W**2) - np.sum(A**2), np.sum(E**2) - np.sum(B**2)
        excess = np.sum((A - alpha * B) ** 2) / alpha + outside[0] / alpha + alpha * outside[1]
        price = lemma_a1_price(W, E, alpha)
        error = abs(nuclear(Z) + excess / 2 - price) / price
        assert record_error("A.1: excess of the price", error, EXACT)


def test_lemma_a1_needs_room_for_the_rank_of_z():
    """d < rank Z: no factors at all."""
    problem = nc.Problem([2, 1, 1], 1, lambda_W=0.1, lambda_H=0.1, widths=(1,))
    with pytest.raises(ValueError, match=r"rank at most 1, the least width; got 2"):
        cheapest_factors(np.diag([2.0, 1.0, 0.0]), problem)


# ---------------------------------------------------------------- Lemma A.2

LEMMA_DEPTHS = (2, 3, 4, 6)


def lowest_on_grid(alpha, L):
    """Places where g is within 1e-9 of its lowest value on a fine grid, and the value."""
    high = (L / alpha) ** (1 / (L + 1)) + 1  # past the largest root
    x = np.linspace(0, high, 400_001)
    g = 1 / (x**L + 1) + alpha * x
    return x, g


@pytest.mark.parametrize("L", LEMMA_DEPTHS)
@pytest.mark.parametrize("factor", [1.001, 1.05, 1.5, 10.0])
def test_lemma_a2_above_the_threshold_zero_is_the_minimiser(L, factor):
    alpha = factor * alpha_threshold(L)
    x, g = lowest_on_grid(alpha, L)
    assert x[g.argmin()] == 0
    assert (g[1:] > g[0]).all()
    assert nc.theory.lemma_a2_minimizer(alpha, L) == 0


@pytest.mark.parametrize("L", LEMMA_DEPTHS)
def test_lemma_a2_at_the_threshold_there_are_two_minimisers(L, record_error):
    alpha, tie = alpha_threshold(L), (L - 1) ** (1 / L)
    error = abs(1 / (tie**L + 1) + alpha * tie - 1)
    assert record_error("A.2: g at (L-1)^(1/L) less g at 0", error, 1e-15)
    x, g = lowest_on_grid(alpha, L)
    near = (x < 0.01) | (abs(x - tie) < 0.01)
    assert g[~near].min() > 1 + 1e-6
    assert g.min() > 1 - 1e-14
    assert nc.theory.lemma_a2_threshold(L) == pytest.approx(alpha, rel=1e-15)


@pytest.mark.parametrize("L", LEMMA_DEPTHS)
@pytest.mark.parametrize("factor", [0.999, 0.9, 0.5, 0.01])
def test_lemma_a2_below_the_threshold_the_largest_root_is_the_minimiser(L, factor, record_error):
    alpha = factor * alpha_threshold(L)
    roots = np.roots(
        np.poly1d([1] + [0] * (L - 1) + [1]) ** 2 * alpha - np.poly1d([L] + [0] * (L - 1))
    )
    real = np.sort(roots[(abs(roots.imag) < 1e-9) & (roots.real > 0)].real)
    assert real.size == 2
    found = float(nc.theory.lemma_a2_minimizer(alpha, L))
    assert record_error("A.2: largest root", abs(found / real[1] - 1), 1e-9)
    x, g = lowest_on_grid(alpha, L)
    assert 1 / (found**L + 1) + alpha * found <= g.min() + 1e-15
    assert abs(x[g.argmin()] - found) <= 2 * x[1]


@pytest.mark.parametrize("L", LEMMA_DEPTHS)
def test_lemma_a2_smaller_root_is_a_maximum_and_larger_a_minimum(L, record_error):
    """Not in the paper. For alpha up to the spinodal, so above the threshold too."""
    alpha = np.linspace(0.05, 0.999, 40) * alpha_spinodal(L)
    for root, sign in zip(lemma_a2_stationary(alpha, L), (-1, 1), strict=True):
        slope = alpha - L * root ** (L - 1) / (root**L + 1) ** 2
        assert record_error("A.2: slope at the roots", np.abs(slope / alpha).max(), EXACT)
        step = 1e-3 * root
        here = nc.theory.lemma_a2_g(root, alpha, L)
        assert (sign * (nc.theory.lemma_a2_g(root - step, alpha, L) - here) > 0).all()
        assert (sign * (nc.theory.lemma_a2_g(root + step, alpha, L) - here) > 0).all()


@pytest.mark.parametrize("L", LEMMA_DEPTHS)
def test_lemma_a2_has_no_root_above_the_spinodal(L):
    x = np.linspace(0, 5, 500_001)
    largest = (L * x ** (L - 1) / (x**L + 1) ** 2).max()
    assert lemma_a2_spinodal(L) == pytest.approx(largest, rel=1e-9)
    assert lemma_a2_spinodal(L) == pytest.approx(alpha_spinodal(L), rel=1e-14)
    for root in lemma_a2_stationary(1.001 * lemma_a2_spinodal(L), L):
        assert np.isnan(root)
    g = nc.theory.lemma_a2_g(x, 1.001 * lemma_a2_spinodal(L), L)
    assert (np.diff(g) > 0).all()


@pytest.mark.parametrize("L", LEMMA_DEPTHS)
def test_lemma_a2_value_at_a_root_decides_the_threshold(L, record_error):
    """g = (1 - s)(1 + L s) at a root, s = x^L / (1 + x^L): below g(0) = 1 iff s > (L-1)/L."""
    alpha = np.linspace(0.05, 0.999, 200) * alpha_spinodal(L)
    _, x = lemma_a2_stationary(alpha, L)
    s = x**L / (1 + x**L)
    g = nc.theory.lemma_a2_g(x, alpha, L)
    assert record_error("A.2: g at a root", np.abs(g - (1 - s) * (1 + L * s)).max(), EXACT)
    np.testing.assert_array_equal(g < 1, s > (L - 1) / L)
    np.testing.assert_array_equal(g < 1, alpha < alpha_threshold(L))


def test_lemma_a2_holds_for_one_layer_without_a_jump(record_error):
    """The paper states it for L >= 2 only, and Theorem 4.3 uses it for L = 1: 0^0 = 1."""
    assert nc.theory.lemma_a2_threshold(1) == lemma_a2_spinodal(1) == 1
    for alpha in (0.01, 0.3, 0.999, 1.0, 1.5):
        x, g = lowest_on_grid(alpha, 1)
        expected = max(alpha**-0.5 - 1, 0.0)
        assert abs(x[g.argmin()] - expected) <= 2 * x[1]
        error = abs(float(nc.theory.lemma_a2_minimizer(alpha, 1)) - expected)
        assert record_error("A.2: one layer", error, EXACT)


# ---------------------------------------------------------------- the exact splitting (ours)


def splitting_by_hand(point):
    """The four parts of f, from the matrices."""
    problem, P, n = point.problem, product_of(point.Ws), point.n
    Delta = point.H - point.means @ point.Y
    core = f_hat(problem, point.Ws, point.E)
    spread = np.sum((P @ Delta) ** 2) / (2 * problem.N) + problem.lambda_H / 2 * np.sum(Delta**2)
    mean = bias = 0.0
    if problem.bias:
        h_G = point.mean
        mean = problem.N * problem.lambda_H / 2 * h_G @ h_G
        bias = np.sum((point.b - (n / problem.N - P @ h_G)) ** 2) / 2
    return core, spread, mean, bias


def test_splitting_is_exact(record_error):
    for point in random_points(10):
        parts = splitting_by_hand(point)
        assert min(parts) >= 0
        assert record_error("splitting: sum of the parts", abs(sum(parts) / point.f() - 1), EXACT)


def test_splitting_of_nclib_has_the_same_parts(record_error):
    for point in random_points(11):
        parts = point.problem.split(point.Ws, point.H, point.b)
        error = relative(np.subtract(parts, splitting_by_hand(point)), parts)
        assert record_error("splitting: nclib", error, EXACT)


def test_splitting_equality_case(record_error):
    """f equals its first part exactly where Delta = 0, h_G = 0 and b = n/N."""
    for point in random_points(12):
        problem, n = point.problem, point.n
        H = point.E / np.sqrt(n) @ point.Y
        core = problem.split(point.Ws, point.H, point.b).core
        at_core = point.f(H=H, b=n / problem.N)
        assert record_error("splitting: equality case", abs(at_core / core - 1), EXACT)
        nothing_to_lose = not problem.bias and (n == 1).all()
        assert core < point.f() or nothing_to_lose


def test_centred_labels_are_a_projection(record_error):
    """Yhat = D Pi, Pi = I - sqrt(n) sqrt(n)'/N an orthogonal projector; and Yhat Yhat'."""
    for point in random_points(13, bias=True):
        n, N = point.n.astype(float), point.problem.N
        Pi = np.eye(len(n)) - np.outer(np.sqrt(n), np.sqrt(n)) / N
        Yhat = effective_label_matrix(n, bias=True)
        assert record_error("Pi Pi = Pi", relative(Pi @ Pi - Pi), EXACT)
        error = relative(Yhat - np.sqrt(n)[:, None] * Pi, Yhat)
        assert record_error("Yhat = D Pi", error, EXACT)
        gram = np.diag(n) - np.outer(n, n) / N
        assert record_error("Yhat Yhat'", relative(Yhat @ Yhat.T - gram, gram), EXACT)


def test_centring_of_e_is_free(record_error):
    """f_hat falls when E is replaced by E Pi: so E sqrt(n) = 0 need not be a condition."""
    rng = np.random.default_rng(14)
    for point in random_points(14, bias=True):
        n, N = point.n.astype(float), point.problem.N
        E = rng.standard_normal(point.E.shape)
        v = np.sqrt(n / N)
        along = E @ v
        drop = np.sum((product_of(point.Ws) @ along) ** 2) / (2 * N)
        drop += point.problem.lambda_H / 2 * along @ along
        centred = f_hat(point.problem, point.Ws, E - np.outer(along, v))
        total = f_hat(point.problem, point.Ws, E)
        assert record_error("f_hat(E) - f_hat(E Pi)", abs(total - centred - drop) / total, EXACT)
        assert drop > 0


# ---------------------------------------------------------------- B.1


def test_b1_class_means_cost_no_more(record_error):
    """The inequality f(W, H) >= f~(W, Hbar), strict unless all features of a class are equal."""
    for point in random_points(20, depth=1, bias=False):
        at_means = point.f(H=point.means @ point.Y)
        single = (point.n == 1).all()
        assert (at_means == pytest.approx(point.f(), rel=EXACT)) if single else at_means < point.f()
        n, (W,), Hbar = point.n, point.Ws, point.means
        tilde = np.sum(n * np.sum((W @ Hbar - np.eye(len(n))) ** 2, axis=0)) / 2 / point.problem.N
        tilde += point.problem.lambda_W[0] / 2 * np.sum(W**2)
        tilde += point.problem.lambda_H / 2 * np.sum(n * np.sum(Hbar**2, axis=0))
        assert record_error("B.1: equality at the class means", abs(tilde / at_means - 1), EXACT)
        hat = f_hat(point.problem, point.Ws, point.E)
        assert record_error("B.1: f~ = f^ with E = Hbar D", abs(hat / tilde - 1), EXACT)


def test_b1_nuclear_norm_problem_bounds_f_hat(record_error):
    """(B.1): f^(W, E) >= g(W E), with equality for the cheapest factors of the same product."""
    for point in random_points(21, depth=1, bias=False, widths=False):
        problem, (W,), E = point.problem, point.Ws, point.E
        D = np.diag(np.sqrt(point.n))
        tau = np.sqrt(problem.lambda_W[0] * problem.lambda_H)

        def g(Z, problem=problem, D=D, tau=tau):
            return np.sum((Z - D) ** 2) / (2 * problem.N) + tau * nuclear(Z)

        Z = W @ E
        assert g(Z) <= f_hat(problem, point.Ws, E) * (1 + EXACT)
        cheap, cheap_E = cheapest_factors(Z, problem)
        error = abs(f_hat(problem, cheap, cheap_E) / g(Z) - 1)
        assert record_error("(B.1): equality for the cheapest factors", error, EXACT)


@pytest.mark.parametrize("bias", [False, True])
def test_singular_value_thresholding(bias, record_error):
    """(B.1), (B.9): Z* = U (kappa - N tau)_+ V' minimises g; its certificate C, ||C|| <= 1."""
    for point in random_points(22, depth=1, bias=bias, widths=False):
        problem, N = point.problem, point.problem.N
        Yhat = effective_label_matrix(point.n, bias=bias)
        tau = np.sqrt(problem.lambda_W[0] * problem.lambda_H)
        U, kappa, Vt = np.linalg.svd(Yhat)
        Z = U @ np.diag(np.maximum(kappa - N * tau, 0)) @ Vt
        C = (Yhat - Z) / (N * tau)
        assert record_error("thresholding: ||C|| - 1", np.linalg.norm(C, 2) - 1, EXACT)
        error = abs(np.sum(C * Z) - nuclear(Z)) / max(1, nuclear(Z))
        assert record_error("thresholding: tr(C'Z) = ||Z||_*", error, EXACT)
        other = Z + 0.1 * (point.Ws[0] @ point.E)
        least = np.sum((Z - Yhat) ** 2) / (2 * N) + tau * nuclear(Z)
        value = np.sum((other - Yhat) ** 2) / (2 * N) + tau * nuclear(other)
        # strictly convex: the distance from Z* is paid for at least in full
        assert value >= least + np.sum((other - Z) ** 2) / (2 * N) - 1e-12 * value
        z = nc.global_minimizer(problem).z
        error = np.abs(np.maximum(np.sort(kappa)[::-1] - N * tau, 0) - z).max() / kappa.max()
        assert record_error("thresholding: nclib", error, EXACT)


def test_b1_gradients(record_error):
    """(B.2) and (B.3) against finite differences."""
    for point in random_points(23, count=40, depth=1, bias=False):
        problem, (W,), E, N = point.problem, point.Ws, point.E, point.problem.N
        (lW,), lH, D = problem.lambda_W, problem.lambda_H, np.diag(np.sqrt(point.n))
        by_W = (W @ (E @ E.T + N * lW * np.eye(len(E))) - D @ E.T) / N
        by_E = ((W.T @ W + N * lH * np.eye(len(E))) @ E - W.T @ D) / N
        numeric = derivative(lambda W, E=E, p=problem: f_hat(p, [W], E), W)
        assert record_error("(B.2), finite differences", relative(by_W - numeric, by_W), 1e-7)
        numeric = derivative(lambda E, W=W, p=problem: f_hat(p, [W], E), E)
        assert record_error("(B.3), finite differences", relative(by_E - numeric, by_E), 1e-7)


def best_head(Yhat, E, N, lW):
    """(B.4): the best W for given E."""
    return Yhat @ E.T @ np.linalg.inv(E @ E.T + N * lW * np.eye(len(E)))


@pytest.mark.parametrize("bias", [False, True])
def test_b1_b2_best_head_for_given_features(bias, record_error):
    """(B.4) and its twin in B.2; both forms of it, and D^-1 Z (or Z) as a function of E'E."""
    for point in random_points(24, depth=1, bias=bias):
        problem, E, N = point.problem, point.E, point.problem.N
        (lW,), Yhat = problem.lambda_W, effective_label_matrix(point.n, bias=bias)
        W = best_head(Yhat, E, N, lW)
        U, S, Vt = np.linalg.svd(E, full_matrices=False)
        by_svd = Yhat @ Vt.T @ np.diag(S / (S**2 + N * lW)) @ U.T
        assert record_error("(B.4): by the SVD of E", relative(W - by_svd, W), 1e-10)
        assert f_hat(problem, [W], E) <= f_hat(problem, point.Ws, E)
        M = E.T @ E
        phi = np.linalg.solve(M + N * lW * np.eye(len(M)), M)
        assert record_error("Z = Yhat phi(E'E)", relative(W @ E - Yhat @ phi, Yhat), 1e-10)


@pytest.mark.parametrize("bias", [False, True])
def test_b1_b2_scalar_problem_is_off_by_a_constant(bias, record_error):
    """f^(best W, E) along E = diag(sigma) V' is the paper's sum less K N lW lH / 2."""
    rng = np.random.default_rng(25)
    for point in random_points(25, depth=1, bias=bias, widths=False):
        problem, K, N = point.problem, point.problem.K, point.problem.N
        (lW,), lH = problem.lambda_W, problem.lambda_H
        Yhat = effective_label_matrix(point.n, bias=bias)
        _, kappa, Vt = np.linalg.svd(Yhat)
        sigma = rng.uniform(0, 2, K)
        E = np.diag(sigma) @ Vt
        x = sigma**2 + N * lW
        paper = np.sum(kappa**2 * lW / (2 * x) + lH / 2 * x)
        value = f_hat(problem, [best_head(Yhat, E, N, lW)], E)
        error = abs(value - (paper - K * N * lW * lH / 2)) / paper
        assert record_error("B.1, B.2: scalar problem", error, 1e-10)
        best = np.sqrt(np.maximum(np.sqrt(kappa**2 * lW / lH) - N * lW, 0))
        kept = np.sort(nc.global_minimizer(problem).feature_singular_values)[::-1]
        assert record_error("B.1, B.2: sigma", np.abs(best - kept).max(), 1e-10)


def test_b1_gram_of_the_features_is_diagonal(record_error):
    """Where the paper says V = I: E'E = phi^-1(D^-1 Z*), a function of a diagonal matrix."""
    for point in random_points(26, depth=1, bias=False, widths=False):
        problem = point.problem
        _, H_bar, _ = nc.global_minimizer(problem).weights(seed=1)
        E = H_bar * np.sqrt(point.n)
        M = E.T @ E
        off = relative(M - np.diag(np.diag(M)), M)
        assert record_error("B.1: E'E off its diagonal", off, EXACT)


def test_b1_v_need_not_be_the_identity():
    """n = (1, 1): E = Q sigma V' with any rotation V is a minimiser, and Z* is diagonal."""
    problem = nc.Problem([1, 1], 1, bias=False, lambda_W=0.05, lambda_H=0.05)
    sigma = nc.global_minimizer(problem).feature_singular_values[0]
    V = np.array([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]])
    E = sigma * V.T  # its SVD has right singular vectors V
    W = best_head(np.eye(2), E, 2, 0.05)
    value = f_hat(problem, [W], E)
    assert value == pytest.approx(nc.global_minimizer(problem).objective, rel=1e-14)
    assert np.abs(W @ E - np.diag(np.diag(W @ E))).max() < 1e-15


# ---------------------------------------------------------------- B.2


def test_b2_best_bias(record_error):
    """(B.5): the derivative by b is 0 exactly at b = n/N - P h_G, the lowest point in b."""
    for point in random_points(30, bias=True):
        P, N = product_of(point.Ws), point.problem.N
        best = point.n / N - P @ point.mean
        slope = ((P @ point.H + best[:, None] - point.Y) @ np.ones(N)) / N
        assert record_error("(B.5): derivative by b", np.abs(slope).max(), EXACT)
        gain = point.f() - point.f(b=best)
        expected = np.sum((point.b - best) ** 2) / 2
        assert record_error("(B.5): f(b) - f(best b)", abs(gain - expected) / point.f(), EXACT)


def centred_objective(point, H):
    """(B.6), (B.11): f at the best bias, as a function of H."""
    N, P = point.problem.N, product_of(point.Ws)
    residual = P @ (H - H.mean(axis=1, keepdims=True)) - (
        point.Y - np.outer(point.n / N, np.ones(N))
    )
    return np.sum(residual**2) / (2 * N) + penalty(point.problem, point.Ws, H)


def test_b2_b3_objective_at_the_best_bias(record_error):
    """(B.6) and (B.11)."""
    for point in random_points(31, bias=True):
        best = point.n / point.problem.N - product_of(point.Ws) @ point.mean
        error = abs(centred_objective(point, point.H) / point.f(b=best) - 1)
        assert record_error("(B.6), (B.11)", error, EXACT)


def feature_derivative(point, printed=False):
    """First line of (B.7) and (B.12): e_l in it; (B.7) is printed with e_k."""
    N, P, H = point.problem.N, product_of(point.Ws), point.H
    residual = P @ (H - point.mean[:, None]) - (point.Y - np.outer(point.n / N, np.ones(N)))
    if printed:
        columns = []
        for i in range(N):
            target = point.Y[:, i] - point.n / N  # e_k for every l
            each = P.T @ (P @ (H - point.mean[:, None]) - target[:, None])
            columns.append((each[:, i] - each.sum(axis=1) / N) / N)
        return np.stack(columns, axis=1) + point.problem.lambda_H * H
    each = P.T @ residual
    return (each - each.mean(axis=1, keepdims=True)) / N + point.problem.lambda_H * H


def test_b2_b3_derivative_by_a_feature(record_error):
    """(B.7) with e_l for e_k, and (B.12); both lines, against finite differences; their sum."""
    for point in random_points(32, count=40, bias=True):
        N, P, lH = point.problem.N, product_of(point.Ws), point.problem.lambda_H
        first = feature_derivative(point)
        second = P.T @ P @ (point.H - point.mean[:, None]) / N + lH * point.H
        second = second - P.T @ (point.Y - (point.n / N)[:, None]) / N
        assert record_error("(B.7), (B.12): two lines", relative(first - second, first), EXACT)
        numeric = derivative(lambda H, point=point: centred_objective(point, H), point.H)
        error = relative(first - numeric, first)
        assert record_error("(B.7), (B.12): finite differences", error, 1e-6)
        total = first.sum(axis=1) / N
        error = relative(total - lH * point.mean, total)
        assert record_error("(B.7), (B.12): their mean is lambda_H h_G", error, EXACT)


def test_b2_printed_derivative_fails():
    """(B.7)'s first line with e_k: the labels cancel, and it isn't the derivative."""
    for point in random_points(33, count=20, bias=True):
        printed, right = feature_derivative(point, printed=True), feature_derivative(point)
        without_labels = product_of(point.Ws).T @ product_of(point.Ws)
        without_labels = without_labels @ (point.H - point.mean[:, None]) / point.problem.N
        without_labels = without_labels + point.problem.lambda_H * point.H
        assert relative(printed - without_labels, printed) < EXACT
        assert relative(printed - right, right) > 1e-3


@pytest.mark.parametrize("depth", [1, 3])
def test_b2_b3_class_means_cost_no_more(depth, record_error):
    """(B.8) and its twin in B.3, at h_G = 0 and b = n/N."""
    for point in random_points(34, depth=depth, bias=True):
        frequencies = point.n / point.problem.N
        H = point.H - point.mean[:, None]
        f = point.f(H=H, b=frequencies)
        f_means = point.f(H=H @ point.Y.T / point.n @ point.Y, b=frequencies)
        assert f_means <= f * (1 + EXACT)
        hat = f_hat(point.problem, point.Ws, point.E)
        assert record_error("(B.8): equality at the class means", abs(hat / f_means - 1), EXACT)


def test_b2_nuclear_norm_problem_bounds_f_hat(record_error):
    """(B.9), with equality for the cheapest factors."""
    for point in random_points(35, depth=1, bias=True, widths=False):
        problem, (W,), E = point.problem, point.Ws, point.E
        Yhat = effective_label_matrix(point.n, bias=True)
        tau = np.sqrt(problem.lambda_W[0] * problem.lambda_H)
        value = np.sum((W @ E - Yhat) ** 2) / (2 * problem.N) + tau * nuclear(W @ E)
        assert value <= f_hat(problem, point.Ws, E) * (1 + EXACT)
        error = abs(f_hat(problem, *cheapest_factors(W @ E, problem)) / value - 1)
        assert record_error("(B.9): equality for the cheapest factors", error, EXACT)


def test_b2_gradients(record_error):
    """(B.10) against finite differences."""
    for point in random_points(36, count=40, depth=1, bias=True):
        problem, (W,), n = point.problem, point.Ws, point.n
        Hbar, D, N = point.means, np.diag(np.sqrt(n)), point.problem.N
        Ytilde = np.eye(len(n)) - np.outer(n, np.ones(len(n))) / N
        by_W = (W @ Hbar - Ytilde) @ D**2 @ Hbar.T / N + problem.lambda_W[0] * W
        by_H = W.T @ (W @ Hbar - Ytilde) @ D**2 / N + problem.lambda_H * Hbar @ D**2
        numeric = derivative(lambda W, H=Hbar, D=D, p=problem: f_hat(p, [W], H @ D), W)
        assert record_error("(B.10) by W", relative(by_W - numeric, by_W), 1e-6)
        numeric = derivative(lambda H, W=W, D=D, p=problem: f_hat(p, [W], H @ D), Hbar)
        assert record_error("(B.10) by Hbar", relative(by_H - numeric, by_H), 1e-6)


def test_b2_right_vectors_without_cancelling_kappa(record_error):
    """Where the paper says V = V~: v_k'phi(E'E) = s_k v_k' for kappa_k > 0, and E v_K = 0."""
    for point in random_points(37, depth=1, bias=True, widths=False):
        problem, K, N = point.problem, point.problem.K, point.problem.N
        _, H_bar, _ = nc.global_minimizer(problem).weights(seed=2)
        E, (lW,) = H_bar * np.sqrt(point.n), problem.lambda_W
        M = E.T @ E
        phi = np.linalg.solve(M + N * lW * np.eye(K), M)
        _, kappa, Vt = np.linalg.svd(effective_label_matrix(point.n, bias=True))
        tau = np.sqrt(lW * problem.lambda_H)
        s = np.maximum(1 - N * tau / kappa[:-1], 0)
        error = relative(Vt[:-1] @ phi - s[:, None] * Vt[:-1])
        assert record_error("B.2: right vectors", error, 1e-10)
        null = np.sqrt(point.n / N)
        assert record_error("B.2: E v_K = 0", np.abs(E @ null).max(), EXACT)


# ---------------------------------------------------------------- B.3


def critical_points(seed, count=INSTANCES):
    """Critical points of f^ that are not minima too: any set of modes on either root or dead.

    The roots of alpha = L x^(L-1)/(x^L+1)^2 are numpy's; widths leave room for all modes.
    """
    rng = np.random.default_rng(seed)
    made = 0
    while made < count:
        problem = random_problem(rng, widths=False)
        L, K, N = problem.depth, problem.K, problem.N
        # weak enough that most modes have both roots
        factor = 0.3 * nc.collapse_factors(problem)[K - 1 - problem.bias]
        problem = nc.Problem(
            problem.counts,
            L,
            bias=problem.bias,
            lambda_W=factor * np.array(problem.lambda_W),
            lambda_H=factor * problem.lambda_H,
        )
        n = problem.counts.n
        U, kappa, Vt = np.linalg.svd(effective_label_matrix(n, bias=problem.bias))
        x = np.zeros(K)
        for k in range(K - problem.bias):
            alpha = (
                L * N / kappa[k] ** 2 * (N * problem.lambda_H * prod(problem.lambda_W)) ** (1 / L)
            )
            roots = np.roots(
                np.poly1d([1] + [0] * (L - 1) + [1]) ** 2 * alpha - np.poly1d([L] + [0] * (L - 1))
            )
            real = roots[(abs(roots.imag) < 1e-9) & (roots.real > 0)].real
            x[k] = rng.choice([0.0, *real])
        c = problem.lambda_W[0] ** (L - 1) / prod(problem.lambda_W[1:])
        sigma = np.sqrt((N * problem.lambda_H / c) ** (1 / L) * x)
        q = c * sigma ** (2 * L) + N * problem.lambda_H
        bases = [random_orthogonal(rng, K) for _ in range(L)] + [U]
        Ws = [
            np.sqrt(problem.lambda_W[0] / lam) * (bases[j + 1] * sigma) @ bases[j].T
            for j, lam in enumerate(problem.lambda_W)
        ]
        E = (bases[0] * (np.sqrt(c) * sigma**L * kappa / q)) @ Vt
        made += 1
        yield problem, Ws, E, sigma


def gradients(problem, Ws, E):
    """The derivatives of f^ by every factor, as B.3 lists them (W_L' in the last two mended)."""
    Yhat = effective_label_matrix(problem.counts.n, bias=problem.bias)
    R = (product_of(Ws) @ E - Yhat) / problem.N
    L = problem.depth
    result = []
    for j in range(L):
        left = np.eye(problem.K)
        for W in Ws[:j:-1]:
            left = left @ W  # W_L ... W_(j+2)
        right = E
        for W in Ws[:j]:
            right = W @ right
        result.append(left.T @ R @ right.T + problem.lambda_W[j] * Ws[j])
    result.append(product_of(Ws).T @ R + problem.lambda_H * E)
    return result


def test_b3_gradients(record_error):
    for point in random_points(40, count=30):
        problem, Ws, E = point.problem, point.Ws, point.E
        factors = [*Ws, E]
        for j, exact in enumerate(gradients(problem, Ws, E)):

            def moved(A, j=j, factors=factors, problem=problem):
                changed = [*factors[:j], A, *factors[j + 1 :]]
                return f_hat(problem, changed[:-1], changed[-1])

            numeric = derivative(moved, factors[j])
            error = relative(exact - numeric, exact)
            assert record_error("B.3: gradients of f^", error, 1e-6)


def balance_defect(problem, Ws, E):
    """lambda_Wj W_j'W_j - lambda_W(j-1) W_(j-1) W_(j-1)' for each pair of neighbours, E first."""
    below = problem.lambda_H * E @ E.T
    defects = []
    for lam, W in zip(problem.lambda_W, Ws, strict=True):
        defects.append(lam * W.T @ W - below)
        below = lam * W @ W.T
    return defects


def test_b3_balance_is_an_identity_of_the_gradients(record_error):
    """W_l' (df/dW_l) - (df/dW_(l-1)) W_(l-1)' = lambda_l W_l'W_l - lambda_(l-1) W_(l-1)W_(l-1)'."""
    for point in random_points(41):
        problem, Ws, E = point.problem, point.Ws, point.E
        by = gradients(problem, Ws, E)
        factors, slopes = [E, *Ws], [by[-1], *by[:-1]]
        for j, defect in enumerate(balance_defect(problem, Ws, E)):
            left = factors[j + 1].T @ slopes[j + 1]
            right = slopes[j] @ factors[j].T
            error = relative(left - right - defect, left, right)
            assert record_error("B.3: identity behind the balance", error, EXACT)


def test_b3_layers_balance_at_critical_points(record_error):
    for problem, Ws, E, sigma in critical_points(42):
        scale = max(np.linalg.norm(A) for A in (*Ws, E)) + 1e-3
        slope = max(np.abs(A).max() for A in gradients(problem, Ws, E))
        assert record_error("B.3: gradient at the critical points", slope / scale, 1e-10)
        worst = max(np.abs(defect).max() for defect in balance_defect(problem, Ws, E))
        size = problem.lambda_W[0] * (sigma**2).max() + 1e-12
        assert record_error("B.3: balance at critical points", worst / size, 1e-10)


def test_b3_critical_points_are_aligned_with_the_labels(record_error):
    """In place of the paper's "otherwise": Z'Yhat = Z'Z + N lH E'E, Yhat Z' = ZZ' + N lWL W_L W_L'.

    Both are symmetric, so Z and Yhat have singular vectors in common; no minimality is needed.
    """
    for problem, Ws, E, _ in critical_points(43):
        Yhat, Z = effective_label_matrix(problem.counts.n, bias=problem.bias), product_of(Ws) @ E
        N, W = problem.N, Ws[-1]
        right = Z.T @ Z + N * problem.lambda_H * E.T @ E
        left = Z @ Z.T + N * problem.lambda_W[-1] * W @ W.T
        error = relative(Z.T @ Yhat - right, right)
        assert record_error("B.3: Z'Yhat at critical points", error, 1e-10)
        error = relative(Yhat @ Z.T - left, left)
        assert record_error("B.3: Yhat Z' at critical points", error, 1e-10)


def test_b3_symmetric_products_give_common_singular_vectors(record_error):
    """If A'B and BA' are symmetric and semidefinite, A and B are diagonal in common bases."""
    rng = np.random.default_rng(44)
    for _ in range(INSTANCES):
        K = int(rng.integers(2, 6))
        U, V = random_orthogonal(rng, K), random_orthogonal(rng, K)
        a, b = rng.integers(0, 3, K).astype(float), rng.integers(0, 3, K).astype(float)
        A, B = U @ np.diag(a) @ V.T, U @ np.diag(b) @ V.T
        # found again from A and B alone: V from a generic combination of the commuting matrices
        mix = A.T @ A + np.sqrt(2) * B.T @ B
        _, found = np.linalg.eigh((mix + mix.T) / 2)
        left = (A + np.pi * B) @ found
        length = np.linalg.norm(left, axis=0)
        basis = left[:, length > 1e-9] / length[length > 1e-9]
        for matrix in (A, B):
            inside = basis.T @ matrix @ found[:, length > 1e-9]
            off = relative(inside - np.diag(np.diag(inside)), inside)
            assert record_error("B.3: common singular vectors", off, 1e-10)


def test_von_neumann_trace_inequality(record_error):
    """tr(A'B) <= sum of products of the singular values in the same order; equality if aligned."""
    rng = np.random.default_rng(45)
    for _ in range(INSTANCES):
        rows, columns = rng.integers(1, 7, 2)
        A, B = rng.standard_normal((2, rows, columns))
        a, b = (np.linalg.svd(matrix, compute_uv=False) for matrix in (A, B))
        over = (abs(np.sum(A * B)) - a @ b) / (a @ b)
        assert record_error("von Neumann: excess", max(over, 0.0), EXACT)
        U, _, Vt = np.linalg.svd(A, full_matrices=False)
        aligned = (U * b) @ Vt
        error = abs(np.sum(A * aligned) / (a @ b) - 1)
        assert record_error("von Neumann: equality if aligned", error, EXACT)


def test_von_neumann_needs_both_spectra_in_the_same_order():
    rng = np.random.default_rng(46)
    for _ in range(INSTANCES):
        a, b = np.sort(rng.uniform(0, 3, (2, 4)), axis=1)[:, ::-1]
        values = [a @ b[list(order)] for order in permutations(range(4))]
        assert max(values) == values[0]
        assert min(values) == pytest.approx(a @ b[::-1], rel=1e-14)


def test_b3_printed_strict_inequality_is_false(record_error):
    """ "Otherwise f^(W') > f^(W'')": with n = (1, 1) and no bias every rotation costs the same."""
    problem = nc.Problem([1, 1], 2, bias=False, lambda_W=0.02, lambda_H=0.03)
    Ws, H_bar, _ = nc.global_minimizer(problem).weights(seed=0)
    best = f_hat(problem, Ws, H_bar)
    for angle in np.linspace(0, np.pi, 13):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        value = f_hat(problem, [Ws[0], turn @ Ws[1]], H_bar @ turn.T)
        assert record_error("B.3: rotated minimiser", abs(value / best - 1), EXACT)


def test_b3_objective_of_aligned_layers(record_error):
    """(B.13), with the sum over j > r that its last line drops, and lambda_W1."""
    rng = np.random.default_rng(47)
    for point in random_points(47):
        problem, L, N = point.problem, point.problem.depth, point.problem.N
        r, lW, lH = problem.rank_limit, problem.lambda_W, problem.lambda_H
        U, kappa, Vt = np.linalg.svd(effective_label_matrix(point.n, bias=problem.bias))
        sigma = rng.uniform(0, 2, r)
        c = lW[0] ** (L - 1) / prod(lW[1:])
        bases = [random_orthogonal(rng, d)[:, :r] for d in problem.widths] + [U[:, :r]]
        Ws = [
            np.sqrt(lW[0] / lam) * (bases[j + 1] * sigma) @ bases[j].T for j, lam in enumerate(lW)
        ]
        P = product_of(Ws)
        E = np.linalg.solve(
            P.T @ P + N * lH * np.eye(P.shape[1]), P.T @ (U * kappa) @ Vt
        )  # the best E
        q = c * sigma ** (2 * L) + N * lH
        stated = np.sum(lH * kappa[:r] ** 2 / q + L * lW[0] * sigma**2) / 2
        dropped = np.sum(kappa[r:] ** 2) / (2 * N)
        error = abs(f_hat(problem, Ws, E) / (stated + dropped) - 1)
        assert record_error("(B.13)", error, 1e-9)


def test_b3_reduction_to_lemma_a2(record_error):
    """One term of (B.13) is kappa^2 / (2N) g(x) with the paper's x and alpha."""
    rng = np.random.default_rng(48)
    for point in random_points(48):
        problem, L, N = point.problem, point.problem.depth, point.problem.N
        lW, lH = problem.lambda_W, problem.lambda_H
        c = lW[0] ** (L - 1) / prod(lW[1:])
        kappa, sigma = rng.uniform(0.1, 3, 10), rng.uniform(0, 3, 10)
        term = (lH * kappa**2 / (c * sigma ** (2 * L) + N * lH) + L * lW[0] * sigma**2) / 2
        x = (c / (N * lH)) ** (1 / L) * sigma**2
        alpha = L * N / kappa**2 * (N * prod(lW) * lH) ** (1 / L)
        g = kappa**2 / (2 * N) * (1 / (x**L + 1) + alpha * x)
        assert record_error("B.3: term = kappa^2/(2N) g(x)", np.abs(term / g - 1).max(), EXACT)
        error = np.abs(nc.theory.lemma_a2_alpha(kappa, problem) / alpha - 1).max()
        assert record_error("B.3: alpha", error, EXACT)


# ---------------------------------------------------------------- the short road


def schatten_price(problem, Z):
    """(L+1)/2 Lambda^(1/(L+1)) sum sigma_i(Z)^(2/(L+1))."""
    L = problem.depth
    Lambda = problem.lambda_H * prod(problem.lambda_W)
    z = np.linalg.svd(Z, compute_uv=False)
    z = z[z > 1e-12 * z.max()]
    return (L + 1) / 2 * Lambda ** (1 / (L + 1)) * np.sum(z ** (2 / (L + 1)))


def test_price_of_a_product_is_a_lower_bound_and_attained(record_error):
    """No factors of Z cost less than its Schatten quasi-norm; `cheapest_factors` cost that."""
    for point in random_points(50):
        problem, Ws, E = point.problem, point.Ws, point.E
        Z = product_of(Ws) @ E
        price = schatten_price(problem, Z)
        below = (price - penalty(problem, Ws, E)) / price
        assert record_error("price: factors cheaper by", max(below, 0.0), EXACT)
        cheap, cheap_E = cheapest_factors(Z, problem, seed=3)
        error = relative(product_of(cheap) @ cheap_E - Z, Z)
        assert record_error("price: product of the cheapest factors", error, 1e-10)
        error = abs(penalty(problem, cheap, cheap_E) / price - 1)
        assert record_error("price: attained", error, 1e-10)
        shapes = [A.shape for A in (*Ws, E)]
        assert [A.shape for A in (*cheap, cheap_E)] == shapes


def test_horn_inequality_for_the_singular_values_of_a_product(record_error):
    """sigma_1 ... sigma_k of A B is at most the product of those of A and B, for every k."""
    rng = np.random.default_rng(51)
    for _ in range(INSTANCES):
        rows, inner, columns = rng.integers(1, 6, 3)
        A, B = rng.standard_normal((rows, inner)), rng.standard_normal((inner, columns))
        k = min(rows, inner, columns)
        a, b, ab = (np.linalg.svd(M, compute_uv=False)[:k] for M in (A, B, A @ B))
        over = np.cumprod(ab) / (np.cumprod(a) * np.cumprod(b)) - 1
        assert record_error("Horn: excess", max(over.max(), 0.0), 1e-10)


def test_f_of_z_is_bounded_by_the_scalar_costs(record_error):
    """F(Z) >= sum of phi_k(sigma_k(Z)) >= sum of their minima, both attained."""
    for point in random_points(52):
        problem, N = point.problem, point.problem.N
        Yhat = effective_label_matrix(point.n, bias=problem.bias)
        Z = product_of(point.Ws) @ point.E
        kappa, z = singular_values(point.n, problem.bias), np.linalg.svd(Z, compute_uv=False)
        z[z < 1e-12 * z[0]] = 0.0
        F = np.sum((Z - Yhat) ** 2) / (2 * N) + schatten_price(problem, Z)
        scalar = np.sum(nc.theory.scalar_objective(z, kappa, problem))
        least = formula(problem).objective
        assert record_error("F(Z) below the scalar costs by", max(scalar / F - 1, 0.0), EXACT)
        assert record_error("scalar costs below the minimum", max(least / scalar - 1, 0.0), EXACT)
        U, _, Vt = np.linalg.svd(Yhat)
        aligned = (U * z) @ Vt
        F_aligned = np.sum((aligned - Yhat) ** 2) / (2 * N) + schatten_price(problem, Z)
        assert record_error("F(Z) aligned", abs(F_aligned / scalar - 1), EXACT)


def test_staircase_from_any_point_down_to_the_minimum(record_error):
    """f >= core >= F(Z) >= scalar costs >= minimum, and nclib's minimum is the last."""
    for point in random_points(53):
        problem = point.problem
        Z = product_of(point.Ws) @ point.E
        Yhat = effective_label_matrix(point.n, bias=problem.bias)
        z = np.linalg.svd(Z, compute_uv=False)
        z[z < 1e-12 * z[0]] = 0.0
        kappa = singular_values(point.n, problem.bias)
        steps = [
            point.f(),
            problem.split(point.Ws, point.H, point.b).core,
            np.sum((Z - Yhat) ** 2) / (2 * problem.N) + schatten_price(problem, Z),
            float(np.sum(nc.theory.scalar_objective(z, kappa, problem))),
            nc.global_minimizer(problem).objective,
        ]
        rise = max(lower / upper - 1 for upper, lower in pairwise(steps))
        assert record_error("staircase: a step upwards", max(rise, 0.0), EXACT)
        error = abs(steps[-1] / formula(problem).objective - 1)
        assert record_error("staircase: last step", error, EXACT)


def test_strong_modes_gain_more(record_error):
    """phi_k's gain over z = 0 never falls with kappa: under a width limit the first r are kept."""
    for point in random_points(54):
        problem = point.problem
        kappa = np.linspace(0, 5, 60)
        z = nc.shrink(kappa, problem)
        gain = nc.theory.scalar_objective(0 * z, kappa, problem) - nc.theory.scalar_objective(
            z, kappa, problem
        )
        fall = max(0.0, -np.diff(gain).min())
        assert record_error("gain falls with kappa by", fall / max(1.0, gain.max()), EXACT)
        assert (np.diff(z) >= 0).all()


# ---------------------------------------------------------------- B.4


def random_groups(seed, count=INSTANCES, m=None):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        size = m or int(rng.integers(1, 6))
        values = np.sort(rng.choice(np.arange(1, 60), size, replace=False))[::-1]
        multiplicities = rng.integers(1 + (size == 1), 5, size)  # two classes or more
        yield values.astype(float), multiplicities


def printed_g(values, multiplicities, slip=False):
    """G of Theorem 4.4, entry by entry; with the slip in the entry (2, m)."""
    m, N = len(values), float(values @ multiplicities)
    G = np.empty((m, m))
    for i in range(m):
        for j in range(m):
            root = np.sqrt(values[0] if slip and (i, j) == (1, m - 1) else values[j])
            G[i, j] = -values[i] * root / N * np.sqrt(multiplicities[i] * multiplicities[j])
        G[i, i] = np.sqrt(values[i]) * (1 - values[i] * multiplicities[i] / N)
    return G


def group_basis(multiplicities):
    """U of B.4: in each group l - 1 contrasts and last the constant vector."""
    K = int(multiplicities.sum())
    U = np.zeros((K, K))
    start = 0
    for size in multiplicities:
        ones = np.ones((size, 1)) / np.sqrt(size)
        full = np.linalg.svd(ones)[0]
        U[start : start + size, start : start + size] = np.hstack([full[:, 1:], ones])
        start += size
    return U


def test_theorem_b1_block_factorisation(record_error):
    """Yhat = U Sigma U': Sigma holds sqrt(N_j) for each contrast, G for the constant vectors."""
    for values, sizes in random_groups(60):
        n = np.repeat(values, sizes)
        U = group_basis(sizes)
        Sigma = U.T @ effective_label_matrix(n, bias=True) @ U
        expected = np.diag(np.repeat(np.sqrt(values), sizes))
        ends = np.cumsum(sizes) - 1
        expected[np.ix_(ends, ends)] = printed_g(values, sizes)
        error = relative(Sigma - expected, expected)
        assert record_error("Theorem B.1: U Sigma U'", error, EXACT)
        G = nc.Spectrum(nc.ClassCounts(n.astype(int))).group_matrix()
        error = relative(G - printed_g(values, sizes), G)
        assert record_error("Theorem B.1: G of nclib", error, EXACT)


def test_theorem_b1_singular_values(record_error):
    for values, sizes in random_groups(61):
        n = np.repeat(values, sizes)
        inner = np.repeat(np.sqrt(values), sizes - 1)
        between = np.linalg.svd(printed_g(values, sizes), compute_uv=False)
        stated = np.sort(np.concatenate([inner, between]))
        dense = np.sort(np.linalg.svd(effective_label_matrix(n, bias=True), compute_uv=False))
        error = np.abs(stated - dense).max() / dense.max()
        assert record_error("Theorem B.1: singular values", error, EXACT)


def test_theorem_b1_printed_entry_of_g_fails():
    for values, sizes in random_groups(62, m=3):
        printed = np.linalg.svd(printed_g(values, sizes, slip=True), compute_uv=False)
        right = np.linalg.svd(printed_g(values, sizes), compute_uv=False)
        assert np.abs(printed - right).max() > 1e-6


def test_theorem_b1_gram_of_g(record_error):
    """GG' = diag(N_j) - pp'/N, p_j = N_j sqrt(l_j), as the paper prints it entry by entry."""
    for values, sizes in random_groups(63):
        N, G = float(values @ sizes), printed_g(values, sizes)
        p = values * np.sqrt(sizes)
        gram = np.diag(values) - np.outer(p, p) / N
        assert record_error("Theorem B.1: GG'", relative(G @ G.T - gram, gram), EXACT)
        diagonal = values / N * (N - values * sizes)
        error = np.abs(np.diag(gram) - diagonal).max() / values.max()
        assert record_error("Theorem B.1: diagonal of GG'", error, EXACT)


def test_theorem_b1_characteristic_polynomial():
    """f(0) = 0 and f(N_i) = N_i^2 l_i / N prod_(j != i) (N_i - N_j): exactly, in rationals."""
    t = sympy.symbols("t")
    for values, sizes in random_groups(64, count=25):
        N_j = [sympy.Integer(int(v)) for v in values]
        l_j = [sympy.Integer(int(v)) for v in sizes]
        N = sum(v * size for v, size in zip(N_j, l_j, strict=True))
        # GG' with rows and columns scaled by sqrt(l), which changes no determinant: rational
        m = len(N_j)
        similar = (
            sympy.diag(*N_j)
            - sympy.Matrix(N_j) * sympy.Matrix([[a * b for a, b in zip(N_j, l_j, strict=True)]]) / N
        )
        f = (t * sympy.eye(m) - similar).det(method="berkowitz").expand()
        assert f.subs(t, 0) == 0
        for i in range(m):
            rest = sympy.prod(N_j[i] - N_j[j] for j in range(m) if j != i)
            value = f.subs(t, N_j[i])
            assert value == N_j[i] ** 2 * l_j[i] / N * rest
            assert sympy.sign(value) == (-1) ** i


def test_theorem_b1_interlacing(record_error):
    for values, sizes in random_groups(65):
        squares = np.linalg.svd(printed_g(values, sizes), compute_uv=False) ** 2
        assert record_error("Theorem B.1: smallest value", squares[-1] / values[0], EXACT)
        assert (squares[:-1] < values[:-1]).all()
        assert (squares[:-1] > values[1:]).all()


def test_secular_equation(record_error):
    """det(tI - GG') = prod(t - N_j) (1 - sum p_j^2 / (N (N_j - t))), and its roots."""
    rng = np.random.default_rng(66)
    for values, sizes in random_groups(66):
        N, G = float(values @ sizes), printed_g(values, sizes)
        p = values * np.sqrt(sizes)
        for t in rng.uniform(0, 80, 3):
            product = np.prod(t - values)
            stated = product * (1 - np.sum(p**2 / (N * (values - t))))
            determinant = np.linalg.det(t * np.eye(len(values)) - G @ G.T)
            error = abs(stated - determinant) / max(abs(determinant), abs(product), 1.0)
            assert record_error("secular equation: determinant", error, 1e-9)
        spectrum = nc.Spectrum(nc.ClassCounts(np.repeat(values, sizes).astype(int)))
        roots = spectrum.kappa[spectrum.is_between] ** 2
        squares = np.linalg.svd(G, compute_uv=False) ** 2
        error = np.abs(roots - squares).max() / values[0]
        assert record_error("secular equation: roots of nclib", error, EXACT)


def test_theorem_b2_two_groups(record_error):
    for values, sizes in random_groups(67, m=2):
        N, K = float(values @ sizes), int(sizes.sum())
        singular = np.linalg.svd(printed_g(values, sizes), compute_uv=False)
        error = abs(singular[0] - np.sqrt(K * values.prod() / N)) / singular[0]
        assert record_error("Theorem B.2: m = 2", error, EXACT)
        assert record_error("Theorem B.2: m = 2, zero", singular[1] / singular[0], EXACT)


def three_groups(values, sizes):
    N, K, c = float(values @ sizes), int(sizes.sum()), values * sizes
    a = np.sum(values * (N - c)) / N
    return a, K * values.prod() / N


def test_theorem_b2_three_groups(record_error):
    """The SQUARES of the singular values are the roots of t^2 - a t + b."""
    for values, sizes in random_groups(68, m=3):
        a, b = three_groups(values, sizes)
        squares = np.linalg.svd(printed_g(values, sizes), compute_uv=False) ** 2
        root = np.sqrt(a * a - 4 * b)
        error = np.abs(squares[:2] - np.array([a + root, a - root]) / 2).max() / a
        assert record_error("Theorem B.2: m = 3, squares", error, EXACT)


def test_theorem_b2_roots_are_not_the_singular_values():
    for values, sizes in random_groups(69, count=50, m=3):
        a, b = three_groups(values, sizes)
        singular = np.linalg.svd(printed_g(values, sizes), compute_uv=False)[:2]
        assert np.abs(singular**2 - a * singular + b).max() > 1e-3


def test_theorem_b2_coefficient_by_minors():
    """b is the sum of the principal 2 x 2 minors of GG', each N_i N_j N_k l_k / N: exactly."""
    N1, N2, N3, l1, l2, l3 = sympy.symbols("N1 N2 N3 l1 l2 l3", positive=True)
    N = N1 * l1 + N2 * l2 + N3 * l3
    values, sizes = (N1, N2, N3), (l1, l2, l3)
    total = 0
    for i, j in ((0, 1), (0, 2), (1, 2)):
        (k,) = {0, 1, 2} - {i, j}
        diagonal = prod(values[a] / N * (N - values[a] * sizes[a]) for a in (i, j))
        minor = diagonal - values[i] ** 2 * values[j] ** 2 / N**2 * sizes[i] * sizes[j]
        assert sympy.simplify(minor - values[0] * values[1] * values[2] * sizes[k] / N) == 0
        total += minor
    assert sympy.simplify(total - sum(sizes) * N1 * N2 * N3 / N) == 0
