"""The central path against a least-squares solver, and the split against the loss itself."""

import numpy as np
import pytest
from scipy.linalg import lstsq

import nclib as nc
from nclib.theory.related import least_squares_bound, least_squares_split

COUNTS = nc.ClassCounts([9, 6, 3, 3])


def made(bias, seed, per_sample=True):
    rng = np.random.default_rng(seed)
    problem = nc.Problem(COUNTS, 1, bias=bias, lambda_W=0.03, lambda_H=0.01)
    H = rng.standard_normal((5, COUNTS.N if per_sample else COUNTS.K)) + 0.4
    return problem, H, rng.standard_normal((4, 5)), rng.standard_normal(4) if bias else None


def loss(problem, H, W, b):
    """Misfit and penalty on W, from samples alone."""
    Y = np.repeat(np.eye(4), COUNTS.n, axis=1)
    if H.shape[1] == 4:
        H = np.repeat(H, COUNTS.n, axis=1)
    residual = W @ H - Y + (0 if b is None else b[:, None])
    return (residual**2).sum() / (2 * COUNTS.N) + problem.lambda_W[0] / 2 * (W**2).sum()


@pytest.mark.parametrize("per_sample", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_the_two_parts_are_the_loss_and_the_first_is_that_of_least_squares(
    bias, per_sample, record_error
):
    for seed in range(4):
        problem, H, W, b = made(bias, seed, per_sample)
        split = least_squares_split(problem, H, W, b)
        off = abs(split.loss - loss(problem, H, W, b))
        assert record_error("central path: the two parts against the loss", off, 1e-11)
        # Ridge regression as an ordinary least-squares problem with more rows.
        full = H if per_sample else np.repeat(H, COUNTS.n, axis=1)
        N = COUNTS.N
        ones = np.ones((1, N)) if bias else np.zeros((0, N))
        A = np.concatenate([full, ones]).T / np.sqrt(N)
        ridge = np.sqrt(problem.lambda_W[0]) * np.eye(5, 5 + bias)
        Y = np.repeat(np.eye(4), COUNTS.n, axis=1)
        right = np.concatenate([Y.T / np.sqrt(N), np.zeros((5, 4))])
        best, *_ = lstsq(np.concatenate([A, ridge]), right)
        off = np.abs(split.W - best[:5].T).max()
        assert record_error("central path: head against least squares", off, 1e-10)
        if bias:
            assert split.b == pytest.approx(best[5], abs=1e-10)
        assert split.least_squares == pytest.approx(loss(problem, H, split.W, split.b), rel=1e-12)
        assert split.deviation > 0


def test_the_bound_from_singular_values_is_below_and_reached_at_the_optimum(record_error):
    for bias in (True, False):
        for seed in range(20):
            problem, H, W, b = made(bias, seed)
            mean = H.mean(axis=1, keepdims=True) if bias else 0
            starts = np.cumsum(COUNTS.n)[:-1]
            means = [part.mean(axis=1) for part in np.split(H - mean, starts, axis=1)]
            E = np.stack(means, axis=1) * np.sqrt(COUNTS.n)
            bound = least_squares_bound(problem, np.linalg.svd(E, compute_uv=False))
            over = max(bound - least_squares_split(problem, H, W, b).least_squares, 0.0)
            assert record_error("central path: bound above what it bounds", over, 0)
        best = nc.global_minimizer(problem)
        Ws, H_bar, b = best.weights()
        split = least_squares_split(problem, H_bar, Ws[0], b)
        assert abs(split.deviation) < 1e-14
        assert least_squares_bound(problem, best.feature_singular_values) == pytest.approx(
            split.least_squares, rel=1e-12
        )


def test_a_bias_that_is_left_out_is_the_best_one_for_the_head():
    problem, H, W, _ = made(True, 0)
    best = COUNTS.n / COUNTS.N - W @ H.mean(axis=1)
    assert least_squares_split(problem, H, W).loss == pytest.approx(
        loss(problem, H, W, best), rel=1e-12
    )


def test_what_does_not_fit_is_named():
    problem, H, W, b = made(True, 0)
    with pytest.raises(ValueError, match=r"H must have shape \(d, 21\) or \(d, 4\)"):
        least_squares_split(problem, H[:, :7], W, b)
    with pytest.raises(ValueError, match=r"W must have shape \(4, 5\); got \(5, 4\)"):
        least_squares_split(problem, H, W.T, b)
    with pytest.raises(ValueError, match=r"b must have shape \(4,\); got \(3,\)"):
        least_squares_split(problem, H, W, b[:3])
    none, H, W, _ = made(False, 0)
    with pytest.raises(ValueError, match="b must be left out: the problem has no bias"):
        least_squares_split(none, H, W, b)
    deep = nc.Problem(COUNTS, 2, lambda_W=0.1, lambda_H=0.1)
    for call in (lambda: least_squares_split(deep, H, W), lambda: least_squares_bound(deep, b)):
        with pytest.raises(ValueError, match="problem must have one layer; got depth = 2"):
            call()
    for wrong in ([1, 2, 3, -1], [1, 2, 3], [1, 2, 3, np.nan], [1, 2, 3, np.inf]):
        with pytest.raises(ValueError, match="singular_values must be 4 numbers, none negative"):
            least_squares_bound(problem, wrong)
