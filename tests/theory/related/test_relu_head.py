"""Heads with ReLUs: codes of low rank against deep collapse."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import nclib as nc
from nclib.theory.related import (
    ReLUCode,
    code_objective,
    collapsed_code,
    descend_with_relus,
    pair_code,
    relu_objective,
)


def problem_of(n, depth, lam):
    return nc.Problem(n, depth, bias=False, lambda_W=lam, lambda_H=0.7 * lam)


def evaluated(problem, code):
    """The objective of a code, sample by sample."""
    layer = np.repeat(code.H, problem.counts.n, axis=1)
    features = layer
    for W in code.Ws[:-1]:
        layer = np.clip(W @ layer, 0, None)
    Y = np.repeat(np.eye(problem.K), problem.counts.n, axis=1)
    value = ((code.Ws[-1] @ layer - Y) ** 2).sum() / (2 * problem.N)
    for W, lam in zip(code.Ws, problem.lambda_W, strict=True):
        value += lam / 2 * (W**2).sum()
    return value + problem.lambda_H / 2 * (features**2).sum()


def scaled(problem, code, t):
    """The code with factors that all pay the same, and the answer t I."""
    squares = [lam * (W**2).sum() for lam, W in zip(problem.lambda_W, code.Ws, strict=True)]
    squares.append(problem.lambda_H * (code.H**2 @ problem.counts.n).sum())
    common = (np.prod(squares) * t**2) ** (1 / len(squares))
    size = np.sqrt(common / np.array(squares))
    return ReLUCode([s * W for s, W in zip(size, code.Ws, strict=False)], size[-1] * code.H)


@pytest.mark.parametrize("K", [3, 4, 6, 7, 10, 15, 16])
@pytest.mark.parametrize("depth", [2, 3, 5])
def test_both_codes_answer_one_hot(K, depth):
    for code, rank in ((collapsed_code(K, depth), K), (pair_code(K, depth), None)):
        assert np.array_equal(code.answers(), np.eye(K))
        assert rank is None or code.rank == rank
    r = pair_code(K, depth).H.shape[0]
    assert (r - 1) * (r - 2) / 2 < K <= r * (r - 1) / 2


@pytest.mark.parametrize("n", [(30,) * 6, (50, 40, 30, 20, 10, 10)])
@pytest.mark.parametrize("depth", [2, 4, 5])
@pytest.mark.parametrize("lam", [2e-3, 8e-3])
def test_the_closed_form_is_the_least_over_all_scales(n, depth, lam, record_error):
    problem = problem_of(n, depth, lam)
    for code in (collapsed_code(6, depth), pair_code(6, depth)):
        at = [evaluated(problem, scaled(problem, code, t)) for t in np.linspace(1e-6, 1.0, 400)]
        start = 1e-6 + int(np.argmin(at)) / 400
        found = minimize_scalar(
            lambda t, code=code: evaluated(problem, scaled(problem, code, t)),
            bounds=(max(start - 0.01, 1e-9), min(start + 0.01, 1)),
            method="bounded",
            options={"xatol": 1e-10},
        )
        least = min(found.fun, 0.5)
        error = abs(code_objective(problem, code) - least)
        assert record_error("ReLU codes: closed form against a search over scales", error, 1e-6)


def test_collapse_on_equal_counts_is_the_optimum_of_the_linear_head():
    for K, depth in ((3, 2), (6, 4), (10, 3)):
        problem = nc.Problem([30] * K, depth, bias=False, lambda_W=2e-3, lambda_H=1e-3)
        expected = nc.global_minimizer(problem).objective
        assert code_objective(problem, collapsed_code(K, depth)) == pytest.approx(expected, 1e-12)


def test_pairs_are_better_from_four_layers_and_six_classes_on_by_the_ratio(record_error):
    for K, r in ((3, 3), (6, 4), (10, 5), (15, 6), (21, 7)):
        for depth in (2, 3, 4, 5, 6):
            problem = nc.Problem([30] * K, depth, bias=False, lambda_W=1e-3, lambda_H=1e-3)
            pair, whole = pair_code(K, depth), collapsed_code(K, depth)

            def product(code):
                return np.prod([(W**2).sum() for W in code.Ws]) * (code.H**2).sum()

            ratio = product(pair) / product(whole)
            assert ratio == pytest.approx(r ** (depth - 1) / (2 * K ** (depth - 2)), rel=1e-12)
            better = code_objective(problem, pair) < code_objective(problem, whole)
            wrong = not better == (ratio < 1) == (depth >= 4 and K >= 6)
            assert record_error("ReLU codes: better where the ratio says no", int(wrong), 0)


def test_the_gradient_is_that_of_finite_differences():
    rng = np.random.default_rng(3)
    problem = problem_of((5, 4, 2), 3, 0.05)
    shapes = ((4, 5), (6, 4), (3, 6), (5, 3))
    arrays = [rng.standard_normal(shape) for shape in shapes]
    code = ReLUCode(arrays[:-1], arrays[-1])
    value, gradient = relu_objective(problem, code)
    assert value == pytest.approx(evaluated(problem, code), rel=1e-12)
    for which, part in enumerate(gradient):
        for place in np.ndindex(part.shape):
            moved = [array.copy() for array in arrays]
            ends = []
            for step in (1e-6, -1e-6):
                moved[which][place] = arrays[which][place] + step
                ends.append(evaluated(problem, ReLUCode(moved[:-1], moved[-1])))
            slope = (ends[0] - ends[1]) / 2e-6
            assert slope == pytest.approx(part[place], abs=2e-8)


def test_a_descent_ends_below_its_start_where_its_value_is_that_of_its_own_weights():
    problem = problem_of((300,) * 10, 4, 2e-4)
    for code in (collapsed_code(10, 4), pair_code(10, 4)):
        value, end = descend_with_relus(problem, code)
        assert value == pytest.approx(evaluated(problem, end), rel=1e-12)
        assert value <= code_objective(problem, code) * (1 + 1e-9)


@pytest.mark.parametrize("depth", [2, 3])
def test_deep_collapse_goes_down_to_the_optimum_of_the_linear_head(depth):
    """Its layers stay diagonal on the way, so the ReLUs do nothing. The best scales depend on k."""
    problem = problem_of((9, 4, 2, 1), depth, 0.005)
    best = nc.global_minimizer(problem).objective
    start = collapsed_code(4, depth)
    ends = [descend_with_relus(problem, start, steps)[0] for steps in (3, 3000)]
    assert ends[1] == pytest.approx(best, rel=1e-9)
    assert best * 1.001 < ends[0] < code_objective(problem, start) * 1.1


def test_the_start_of_a_descent_answers_with_nine_tenths_and_its_factors_pay_alike():
    problem = problem_of((9, 4, 2, 1), 2, 0.005)
    (W_1, W_2), H = pair_code(4, 2).Ws, pair_code(4, 2).H
    other = ReLUCode([6 * W_1, W_2 / 42], 7 * H)
    assert code_objective(problem, other) == pytest.approx(
        code_objective(problem, pair_code(4, 2)), rel=1e-12
    )
    for code in (pair_code(4, 2), other):
        value, start = descend_with_relus(problem, code, 0)
        assert value == pytest.approx(evaluated(problem, start), rel=1e-12)
        assert start.answers() == pytest.approx(0.9 * np.eye(4), abs=1e-12)
        squares = [(W**2).sum() for W in start.Ws]
        paid = [*(0.005 * np.array(squares)), 0.0035 * (start.H**2 @ problem.counts.n).sum()]
        assert paid == pytest.approx(np.full(3, paid[0]), rel=1e-12)


def test_what_does_not_fit_is_named():
    problem = problem_of((3, 3, 3), 2, 0.1)
    with pytest.raises(ValueError, match="code must have 2 layers and 3 classes"):
        code_objective(problem, pair_code(3, 3))
    with pytest.raises(TypeError, match="code must be a ReLUCode; got 7"):
        descend_with_relus(problem, 7)
    with pytest.raises(ValueError, match="steps must be a whole number"):
        descend_with_relus(problem, pair_code(3, 2), -1)
    with pytest.raises(ValueError, match="problem must have no bias"):
        code_objective(nc.Problem([3, 3, 3], 2, lambda_W=1, lambda_H=1), pair_code(3, 2))
    with pytest.raises(ValueError, match="K must be at least 3, for pairs that differ; got 2"):
        pair_code(2, 3)
    with pytest.raises(ValueError, match="depth must be at least 2"):
        pair_code(5, 1)
