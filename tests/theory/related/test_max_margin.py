"""SELI and its sister with a bias, against a support vector problem solved otherwise."""

import copy
import pickle

import numpy as np
import pytest
from scipy.optimize import minimize

import nclib as nc
from nclib.theory.related import MaxMarginGeometry

CIFAR = (500, 500, 400, 400, 300, 300, 200, 200, 100, 100)
HALVES = (300, 300, 300, 30, 30, 30)
LESIONS = (6705, 1113, 1099, 514, 327, 142, 115)

each_bias = pytest.mark.parametrize("bias", [False, True], ids=["no bias", "bias"])


def random_counts(seed):
    rng = np.random.default_rng(seed)
    kinds = rng.choice([3, 10, 100, 1000])
    return rng.integers(1, kinds, rng.integers(2, 9), endpoint=True)


@each_bias
@pytest.mark.parametrize("n", [CIFAR, HALVES, LESIONS, (3, 3, 3), (9, 1)], ids=str)
def test_singular_values_and_gram_matrices_are_those_of_a_dense_decomposition(
    n, bias, record_error
):
    """Of the simplex-encoded labels of all samples, or of the centred ones, sample by sample."""
    geometry, K = MaxMarginGeometry(n, bias=bias), len(n)
    small = n if sum(n) < 4000 else tuple(np.maximum(np.array(n) // 50, 1))
    if small != n:
        geometry = MaxMarginGeometry(small, bias=bias)
    labels = np.repeat(np.arange(K), small)
    Z = np.eye(K)[:, labels]
    Z = Z - (Z.mean(axis=1, keepdims=True) if bias else 1 / K)
    U, S, Vt = np.linalg.svd(Z, full_matrices=False)
    error = np.abs(S - geometry.singular_values).max() / S[0]
    assert record_error("SELI: singular values", error, 1e-12)
    head = (U * S) @ U.T
    first = np.unique(labels, return_index=True)[1]
    means = ((Vt.T * S) @ Vt)[np.ix_(first, first)]
    for name, ours, dense in (
        ("head", geometry.head_gram, head),
        ("means", geometry.mean_gram, means),
    ):
        error = np.abs(ours - dense).max() / np.abs(dense).max()
        assert record_error(f"SELI: Gram matrix of the {name}", error, 1e-11)
    assert geometry.nuclear_norm == pytest.approx(S.sum(), rel=1e-12)


def test_arithmetic_and_harmonic_mean(record_error):
    """Two equally large halves: the mode between them, squared."""
    for large, small, K in ((300, 30, 6), (7, 2, 4), (1000, 1, 2)):
        n = [large] * (K // 2) + [small] * (K // 2)
        means = (large + small) / 2, 2 * large * small / (large + small)
        for bias, mean in zip((False, True), means, strict=True):
            (value,) = MaxMarginGeometry(n, bias=bias).between
            error = abs(value**2 / mean - 1)
            assert record_error("SELI: arithmetic and harmonic mean", error, 1e-12)


@each_bias
@pytest.mark.parametrize("seed", range(20))
def test_the_certificate_of_the_support_vector_problem(seed, bias, record_error):
    """U V' is a subgradient made of constraints: columns sum to 0, no positive entry off the label.

    With a free bias the constraints must also cancel over the samples.
    """
    n = random_counts(seed)
    geometry = MaxMarginGeometry(n, bias=bias)
    U, S, Vt = np.linalg.svd(geometry.matrix)
    rank = n.size - 1
    B = U[:, :rank] @ Vt[:rank]
    off = ~np.eye(n.size, dtype=bool)
    logits = geometry.logits()
    product = logits - (0 if geometry.b is None else geometry.b[:, None])
    worst = max(
        np.abs((np.diag(logits) - logits)[off] - 1).max(),
        np.abs(product * np.sqrt(n) - geometry.matrix).max() / S[0],
        B[off].max(),
        np.abs(B.sum(axis=0)).max(),
        np.abs(B @ np.sqrt(n)).max() / np.sqrt(n.sum()) if bias else 0.0,
        abs(np.vdot(B, geometry.matrix) / S[:rank].sum() - 1),
    )
    assert record_error(
        "SELI and its sister: broken conditions of optimality", max(worst, 0), 1e-11
    )


@each_bias
def test_a_general_minimiser_finds_no_cheaper_factors(bias, record_error):
    """SLSQP over head, features and bias with all the constraints."""
    n = np.array([12, 4, 1])
    K, root = n.size, np.sqrt(n)
    off = ~np.eye(K, dtype=bool)

    def parts(x):
        W, E = x[: K * K].reshape(K, K), x[K * K : 2 * K * K].reshape(K, K)
        return W, E, x[2 * K * K :] * bias

    def margins(x):
        W, E, b = parts(x)
        Z = W @ E / root + b[:, None]
        return (np.diag(Z) - Z - 1)[off]

    best = min(
        minimize(
            lambda x: np.sum(x[: 2 * K * K] ** 2) / 2,
            np.random.default_rng(seed).standard_normal(2 * K * K + K),
            jac=lambda x: np.append(x[: 2 * K * K], np.zeros(K)),
            constraints={"type": "ineq", "fun": margins},
            method="SLSQP",
            options={"maxiter": 500, "ftol": 1e-12},
        ).fun
        for seed in range(3)
    )
    error = abs(best / MaxMarginGeometry(n, bias=bias).nuclear_norm - 1)
    assert record_error("SELI and its sister: price, by a general minimiser", error, 1e-6)


@each_bias
@pytest.mark.parametrize("n", [CIFAR, HALVES, LESIONS], ids=str)
def test_cross_entropy_goes_there_as_the_penalties_vanish(n, bias, record_error):
    """The angle falls along the path, like one over the logarithm of the penalty."""
    problem = nc.LossProblem(
        n, nc.CrossEntropy(), bias="free" if bias else "none", lambda_W=1, lambda_H=1
    )
    here, other = (MaxMarginGeometry(n, bias=one) for one in (bias, not bias))
    lambdas = np.geomspace(1e-4, 1e-12, 5)
    path = list(nc.theory.loss_path(problem, lambdas))
    angle = np.arccos([here.cosine(best) for best in path])
    assert (np.diff(angle) < 0).all()
    assert record_error("cross-entropy at a vanishing penalty: angle", angle[-1], 0.05)
    # One over the logarithm: from 1e-8 to 1e-12 by about two thirds.
    assert 0.6 < angle[-1] / angle[-3] < 0.75
    # And not to the other one.
    assert np.arccos(other.cosine(path[-1])) > 2 * angle[-1]
    assert MaxMarginGeometry(n, bias=bias).cosine(path[0]) < 1


def test_what_is_refused_and_what_is_kept():
    geometry = MaxMarginGeometry([3, 2], bias=True)
    assert pickle.loads(pickle.dumps(geometry)).bias is True
    assert copy.deepcopy(geometry).between == geometry.between
    strong = nc.LossProblem([3, 2], nc.CrossEntropy(), lambda_W=9, lambda_H=9)
    with pytest.raises(ValueError, match="a mode alive"):
        geometry.cosine(nc.loss_minimizer(strong))
    with pytest.raises(ValueError, match="must be for the counts"):
        MaxMarginGeometry([4, 2]).cosine(nc.loss_minimizer(strong))
