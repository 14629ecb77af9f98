"""Optima for every loss: never above a free optimiser, and certified from below."""

from dataclasses import replace

import numpy as np
import pytest
import torch_reference
from torch_reference import free_minimum, random_problem

import nclib as nc
from nclib.theory.losses import optimum
from nclib.theory.losses.certificate import best_bias, dual_point
from nclib.theory.losses.closed import NonNegativeMinimizer
from nclib.theory.losses.groups import SmoothPart
from nclib.theory.losses.objects import CrossEntropy, Sampling, SquaredError
from nclib.theory.losses.optimum import loss_minimizer, loss_path
from nclib.theory.losses.problem import LossProblem
from nclib.theory.losses.solver import Solver

PLAIN = {"lambda_W": 0.01, "lambda_H": 0.01}


def check_against_descent(problem, seed, record_error, width=None):
    best = loss_minimizer(problem)
    reference = free_minimum(problem, seed, width=width)
    record_error("loss optimum against free descent", abs(reference / best.objective - 1), 1e-6)
    # The gap is proved: descent can't be below by more. And it comes as near as it can.
    assert reference >= best.objective * (1 - best.certificate - 1e-13)
    assert reference <= best.objective * (1 + 1e-6)
    return best


def check_dual(problem):
    """Feasible in exact terms, written out for all K classes; its value, computed here."""
    best = loss_minimizer(problem)
    smooth = SmoothPart(problem.form)
    if best.certificate == 0:
        return
    others, own = best.group_logits()
    local, _ = smooth.at_logits(others, own)
    value = check_feasible(problem, local)
    assert value <= best.objective * (1 + 1e-10)
    assert best.objective - value <= 2e-9 * best.objective


def check_feasible(problem, local):
    """Write a dual point out for all K classes: feasible, and of the value that it says."""
    group, smooth = problem.group, SmoothPart(problem.form)
    dual = dual_point(smooth, local, problem.price)
    residual = dual.residual[np.ix_(group, group)]
    np.fill_diagonal(residual, dual.own_residual[group])
    terms = problem.loss.terms(problem.counts, torch_reference.drawn(problem))
    a = torch_reference.drawn(problem) * terms.weight / problem.N
    targets = terms.other[:, None] + np.diag(terms.own)
    moved = terms.logit_factor[:, None] * residual * terms.sample_factor * a
    slope = np.linalg.norm(moved / np.sqrt(problem.feature_weight), 2)
    assert slope <= problem.price * (1 + 1e-14)
    value = 0.0
    if problem.bias == "free":
        assert np.abs(moved.sum(axis=1)).max() <= 1e-14 * a.sum()
    if problem.bias == "decayed":
        value -= np.sum(moved.sum(axis=1) ** 2) / (2 * problem.lambda_b)
    if terms.softmax:
        q, total = targets + residual, targets.sum(axis=0)
        assert q.min() >= -1e-16
        np.testing.assert_allclose(q.sum(axis=0), total, rtol=1e-13)
        share = np.maximum(q, 1e-320) / total
        shift = terms.shift[:, None] - np.diag(terms.margin)
        value += a @ (
            -total * np.sum(share * np.log(share), axis=0) + (residual * shift).sum(axis=0)
        )
    else:
        value -= a @ np.sum(residual**2 / 2 + residual * targets, axis=0)
    # The own q near 1 loses digits here that the library keeps.
    assert dual.value == pytest.approx(value, rel=1e-10, abs=1e-13)
    return dual.value


@pytest.mark.parametrize("seed", range(30))
def test_one_layer_against_free_descent(seed, record_error):
    problem = random_problem(np.random.default_rng(seed))
    check_against_descent(problem, seed, record_error)
    check_dual(problem)


@pytest.mark.parametrize("bias", ["free", "none"])
def test_one_layer_against_a_cone_solver(bias, record_error):
    cvxpy = pytest.importorskip("cvxpy")
    n, K = np.array([200, 90, 90, 30, 8]), 5
    problem = LossProblem(n, CrossEntropy(), bias=bias, lambda_W=0.004, lambda_H=0.004)
    T, b = cvxpy.Variable((K, K)), cvxpy.Variable(K)
    constraints = [b == 0] if bias == "none" else []
    objective = 0.004 * cvxpy.normNuc(T)
    for k in range(K):
        z = T[:, k] / np.sqrt(n[k]) + b
        objective += n[k] / n.sum() * (cvxpy.log_sum_exp(z) - z[k])
    found = cvxpy.Problem(cvxpy.Minimize(objective), constraints).solve(solver="CLARABEL")
    best = loss_minimizer(problem)
    assert record_error("loss optimum against CVXPY", abs(found / best.objective - 1), 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_five_hundred_random_problems(block, record_error):
    for seed in range(100 + 25 * block, 125 + 25 * block):
        problem = random_problem(np.random.default_rng(seed))
        check_against_descent(problem, seed, record_error)
        check_dual(problem)


@pytest.mark.parametrize("seed", range(40, 100))
def test_dual_point_is_feasible(seed):
    check_dual(random_problem(np.random.default_rng(seed)))


@pytest.mark.parametrize("seed", range(100, 130))
def test_dual_point_is_feasible_far_from_the_optimum_too(seed):
    # There taking the mean off the answers leaves the simplex, and they have to be led back.
    rng = np.random.default_rng(seed)
    problem = random_problem(rng)
    smooth = SmoothPart(problem.form)
    size = 5 * np.sqrt(problem.counts.n.max())
    shapes = [x.shape for x in smooth.zero]
    point = type(smooth.zero)(*(size * rng.standard_normal(shape) for shape in shapes))
    value = check_feasible(problem, smooth.at(point))
    assert value <= loss_minimizer(problem).objective * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_explicit_weights_attain_the_objective(seed):
    problem = random_problem(np.random.default_rng(1000 + seed))
    best = loss_minimizer(problem)
    Ws, H, b = best.weights()
    assert problem.objective(Ws, H, b) == pytest.approx(best.objective, rel=1e-12)
    Z = best.head() @ best.class_means() + (0 if b is None else b[:, None])
    np.testing.assert_allclose(Z, best.logits(), atol=1e-9 * max(1, np.abs(Z).max()))
    values = np.linalg.svd(
        best.head() @ best.class_means() * np.sqrt(problem.feature_weight), compute_uv=False
    )
    np.testing.assert_allclose(values, best.singular_values, atol=1e-9 * max(values.max(), 1e-6))
    assert np.linalg.matrix_rank(H, tol=1e-9) <= best.alive
    # The objective that the tests wrote themselves, at the same point.
    torch_value = problem.objective(Ws, H, b)
    assert torch_value >= free_minimum(problem, seed, starts=1) * (1 - 1e-6)


# --- deeper heads, closed forms ---


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_weighted_squared_error_without_bias_at_any_depth(depth, seed, record_error):
    rng = np.random.default_rng(seed)
    n = rng.choice([3, 8, 20], 4)
    w = rng.uniform(0.3, 3, 4)
    lam = (1 / 30) ** (2 / (depth + 1)) * rng.uniform(0.02, 0.2)
    problem = LossProblem(n, SquaredError(w), depth, bias="none", lambda_W=lam, lambda_H=lam / 3)
    best = loss_minimizer(problem)
    assert best.certificate == 0
    reference = free_minimum(problem, starts=6)
    assert reference >= best.objective * (1 - 1e-12)
    off = abs(reference / best.objective - 1)
    assert record_error("weighted squared error against free descent", off, 1e-7)
    assert problem.objective(*best.weights()) == pytest.approx(best.objective, rel=1e-13)


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("bias", ["free", "none"])
def test_plain_squared_error_is_the_papers(depth, bias):
    n = [50, 30, 30, 10, 10]
    problem = LossProblem(n, SquaredError(), depth, bias=bias, lambda_W=0.01, lambda_H=0.002)
    best = loss_minimizer(problem)
    paper = nc.global_minimizer(problem.model)
    assert best.objective == pytest.approx(paper.objective, rel=1e-13)
    assert best.alive == paper.alive
    np.testing.assert_allclose(best.logits(), paper.logits(), atol=1e-13)
    np.testing.assert_allclose(best.singular_values, paper.z, atol=1e-12)


@pytest.mark.parametrize("rho_b", [0.01, 0.3])
def test_penalised_bias_is_that_of_its_own_module(rho_b):
    n = [50, 30, 30, 10]
    problem = LossProblem(
        n, SquaredError(), bias="decayed", lambda_W=0.02, lambda_H=0.01, lambda_b=rho_b
    )
    expected = nc.theory.penalised_bias_minimizer(problem.model, rho_b)
    best = loss_minimizer(problem)
    assert best.objective == pytest.approx(expected.objective, rel=1e-9)
    np.testing.assert_allclose(best.logits(), expected.logits(), atol=1e-6)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_smoothing_with_a_bias_shrinks_every_kappa(depth, record_error):
    n, eps = [20, 8, 8, 3], 0.2
    lam = 0.02 ** (2 / (depth + 1)) * 0.3
    problem = LossProblem(n, SquaredError(None, eps), depth, lambda_W=lam, lambda_H=lam)
    best = loss_minimizer(problem)
    reference = free_minimum(problem, starts=6)
    assert reference == pytest.approx(best.objective, rel=1e-7)
    assert reference >= best.objective * (1 - 1e-12)
    np.testing.assert_allclose(best.b, (1 - eps) * np.array(n) / 39 + eps / 4, rtol=1e-12)


@pytest.mark.parametrize("bias", ["free", "none"])
@pytest.mark.parametrize("depth", [1, 3])
def test_balanced_sampling_gives_the_optimum_of_balanced_data(bias, depth):
    problem = LossProblem(
        [30, 20, 10], SquaredError(), depth, bias=bias, lambda_W=0.02, lambda_H=0.01,
        sampling=Sampling("balanced"),
    )  # fmt: skip
    balanced = LossProblem([20] * 3, SquaredError(), depth, bias=bias, lambda_W=0.02, lambda_H=0.01)
    assert loss_minimizer(problem).objective == pytest.approx(loss_minimizer(balanced).objective)


# --- features after a ReLU ---


@pytest.mark.parametrize("seed", range(6))
def test_non_negative_features_against_free_descent(seed, record_error):
    rng = np.random.default_rng(seed)
    n = rng.choice([4, 9, 15], 4)
    w = rng.uniform(0.5, 2, 4) if seed % 2 else None
    lam = np.sqrt(n.max()) / n.sum() * rng.uniform(0.1, 0.7)
    problem = LossProblem(
        n, CrossEntropy(w), bias="none", non_negative=True, lambda_W=lam, lambda_H=lam * 2
    )
    best = loss_minimizer(problem)
    assert isinstance(best, NonNegativeMinimizer)
    reference = free_minimum(problem, seed, starts=6, width=8)
    assert reference >= best.objective * (1 - 1e-12)
    assert reference <= best.objective * (1 + 1e-6)
    Ws, H, b = best.weights()
    assert H.min() >= 0
    assert problem.objective(Ws, H, b) == pytest.approx(best.objective, rel=1e-13)
    np.testing.assert_allclose(Ws[0] @ H, best.logits(), atol=1e-12)


def test_squared_error_without_bias_has_non_negative_class_means_of_its_own():
    problem = LossProblem(
        [30, 20, 10],
        SquaredError(),
        2,
        bias="none",
        non_negative=True,
        lambda_W=0.02,
        lambda_H=0.01,
    )
    best = loss_minimizer(problem)
    assert best.class_means().min() >= 0
    assert best.objective == loss_minimizer(replace(problem, non_negative=False)).objective


# --- relations between problems ---


@pytest.mark.parametrize("seed", range(6))
def test_order_of_the_classes_does_not_matter(seed):
    rng = np.random.default_rng(2000 + seed)
    n = rng.choice([5, 9, 30], 5)
    w = rng.uniform(0.5, 2, 5)
    order = rng.permutation(5)
    lam = 0.3 * np.sqrt(30) / n.sum()
    one = LossProblem(n, CrossEntropy(w, 0.1), bias="decayed", lambda_W=lam, lambda_H=lam)
    other = LossProblem(
        n[order], CrossEntropy(w[order], 0.1), bias="decayed", lambda_W=lam, lambda_H=lam
    )
    first, second = loss_minimizer(one, tol=1e-12), loss_minimizer(other, tol=1e-12)
    assert first.objective == pytest.approx(second.objective, rel=1e-10)
    Z = first.logits()[np.ix_(order, order)]
    np.testing.assert_allclose(second.logits(), Z, atol=1e-5)


@pytest.mark.parametrize("bias", ["free", "none", "decayed"])
def test_groups_split_or_not_have_one_optimum(bias):
    n = np.array([30, 30, 30, 8, 8])
    lam = 0.02
    together = LossProblem(n, CrossEntropy(), bias=bias, lambda_W=lam, lambda_H=lam)
    # Weights that differ by less than matters put every class in a group of its own.
    apart = LossProblem(
        n, CrossEntropy(1 + 1e-13 * np.arange(5)), bias=bias, lambda_W=lam, lambda_H=lam
    )
    assert together.form.G == 2
    assert apart.form.G == 5
    first, second = loss_minimizer(together, tol=1e-12), loss_minimizer(apart, tol=1e-12)
    assert first.objective == pytest.approx(second.objective, rel=1e-10)
    np.testing.assert_allclose(first.logits(), second.logits(), atol=1e-5)


def test_only_n_lambda_H_matters_at_fixed_proportions():
    one = LossProblem([30, 20, 5], CrossEntropy(), lambda_W=0.02, lambda_H=0.01)
    ten = LossProblem([300, 200, 50], CrossEntropy(), lambda_W=0.02, lambda_H=0.001)
    assert loss_minimizer(one).objective == pytest.approx(loss_minimizer(ten).objective, rel=1e-9)


def test_logit_adjustment_with_a_free_bias_changes_the_bias_alone():
    plain = LossProblem([30, 20, 5], CrossEntropy(), lambda_W=0.02, lambda_H=0.01)
    adjusted = replace(plain, loss=CrossEntropy(adjustment=1.0))
    first, second = loss_minimizer(plain, tol=1e-12), loss_minimizer(adjusted, tol=1e-12)
    assert first.objective == pytest.approx(second.objective, rel=1e-10)
    np.testing.assert_allclose(
        first.head() @ first.class_means(), second.head() @ second.class_means(), atol=1e-5
    )
    shift = first.b - second.b - np.log(np.array([30, 20, 5]) / 55)
    np.testing.assert_allclose(shift, shift.mean(), atol=1e-6)


@pytest.mark.parametrize("size", [1, 30, 300])
@pytest.mark.parametrize("bias", ["free", "decayed"])
def test_an_adjustment_may_be_as_strong_as_one_likes(bias, size):
    """A free bias takes it back, whatever it is; one that is decayed next to nothing does too."""
    n = [60, 50, 40, 30, 7]
    decayed = {"lambda_b": 1e-12 / size**2} if bias == "decayed" else {}
    settings = {"bias": bias, "lambda_W": 1e-3, "lambda_H": 1e-3, **decayed}
    plain = LossProblem(n, CrossEntropy(), **settings)
    adjustment = size * np.array([-1.2, 0.3, -0.4, 2.0, 0.9])
    adjusted = replace(plain, loss=CrossEntropy(adjustment=adjustment))
    best, expected = loss_minimizer(adjusted), loss_minimizer(plain)
    assert best.objective == pytest.approx(expected.objective, rel=1e-9)
    off = best.logits() + adjustment[:, None] - expected.logits()
    np.testing.assert_allclose(off - off.mean(), 0, atol=2e-4)
    total = nc.theory.loss_collapse_factors(adjusted).total
    assert total == pytest.approx(nc.theory.loss_collapse_factors(plain).total, rel=1e-8)


@pytest.mark.parametrize("size", [10, 40])
@pytest.mark.parametrize("lambda_b", [1e-6, 1e-3, 1.0])
def test_a_decayed_bias_takes_back_what_pays_of_a_strong_adjustment(size, lambda_b):
    problem = LossProblem(
        [60, 50, 40, 7], CrossEntropy(adjustment=size * np.array([1.0, -0.3, 0.4, 2.0])),
        bias="decayed", lambda_W=1e-3, lambda_H=1e-3, lambda_b=lambda_b,
    )  # fmt: skip
    best = loss_minimizer(problem)
    assert best.certificate <= 1e-9
    assert free_minimum(problem, starts=1) == pytest.approx(best.objective, rel=2e-9)


def test_two_classes_with_a_bias_answer_the_logits_of_the_squared_error():
    # Proved: the probabilities of the one are the logits of the other.
    for factor in (0.2, 0.6, 0.9):
        lam = factor * np.sqrt(2 * 90 * 10 / 100) / 100
        cross = LossProblem([90, 10], CrossEntropy(), lambda_W=lam, lambda_H=lam)
        squared = replace(cross, loss=SquaredError())
        Z = loss_minimizer(cross, tol=1e-13).logits()
        p = np.exp(Z) / np.exp(Z).sum(axis=0)
        np.testing.assert_allclose(p, loss_minimizer(squared).logits(), atol=1e-6)


def test_a_path_is_that_of_single_optima():
    problem = LossProblem([30, 20, 20, 5], CrossEntropy(), bias="decayed", lambda_W=1, lambda_H=1)
    factors = [0.2, 0.05, 0.01, 1e-4]
    for factor, best in zip(factors, loss_path(problem, factors), strict=True):
        alone = loss_minimizer(problem.rescaled(factor))
        assert best.objective == pytest.approx(alone.objective, rel=2e-9)
        assert best.problem == problem.rescaled(factor)


def test_each_step_of_a_path_starts_on_the_line_through_the_last_two_optima(monkeypatch):
    starts, ends = [], []

    class Noting(Solver):
        def solve(self, price, start, tol):
            found = super().solve(price, start, tol)
            starts.append(start)
            ends.append(found.point)
            return found

    monkeypatch.setattr(optimum, "Solver", Noting)
    problem = LossProblem([30, 20, 5], CrossEntropy(), **PLAIN)
    # Steps of the logarithm: 2, 1, 2, 4 (too far to go on along the line) and 2 back.
    list(loss_path(problem, np.exp([0.0, -2.0, -3.0, -5.0, -9.0, -7.0])))
    assert starts[0] is None

    def beyond(end, share):
        return ends[end].between + share * (ends[end].between - ends[end - 1].between)

    np.testing.assert_array_equal(starts[1].between, ends[0].between)
    np.testing.assert_allclose(starts[2].between, beyond(1, 1 / 2), rtol=1e-9)
    # A share of 2 is too much.
    np.testing.assert_array_equal(starts[3].between, ends[2].between)
    np.testing.assert_array_equal(starts[4].between, ends[3].between)
    np.testing.assert_array_equal(starts[5].between, ends[4].between)


def test_any_factor_of_a_path_is_one_on_the_penalties():
    problem = LossProblem([3, 2], SquaredError(), **PLAIN)
    (best,) = loss_path(problem, [2.0])
    assert best.problem.lambda_H == 2 * problem.lambda_H
    with pytest.raises(ValueError, match=r"lambda_W\[0\] must be positive"):
        list(loss_path(problem, [0.0]))


@pytest.mark.parametrize("bias", ["free", "none", "decayed"])
@pytest.mark.parametrize("loss", [CrossEntropy(), SquaredError(label_smoothing=0.1)])
def test_weak_penalties_are_certified_too(bias, loss):
    n = nc.ClassCounts.cifar10_paper().n
    lam = 1e-6 * np.sqrt(500) / 3000
    problem = LossProblem(n, loss, bias=bias, lambda_W=lam, lambda_H=lam)
    best = loss_minimizer(problem)
    assert best.certificate <= 1e-9
    assert problem.objective(*best.weights()) == pytest.approx(best.objective, rel=1e-11)


def test_a_start_from_merged_groups_ends_at_the_same_optimum():
    n = np.arange(20, 141)
    lam = 0.01 * np.sqrt(140) / n.sum()
    problem = LossProblem(n, CrossEntropy(), lambda_W=lam, lambda_H=lam)
    best = loss_minimizer(problem)
    smooth = SmoothPart(problem.form)
    cold = Solver(smooth).solve(problem.price, smooth.zero, 1e-9)
    assert best.objective == pytest.approx(cold.objective, rel=2e-9)


def test_points_and_logits_are_inverse_to_each_other():
    problem = LossProblem([30, 30, 8, 5], CrossEntropy(), bias="decayed", **PLAIN)
    smooth = SmoothPart(problem.form)
    best = loss_minimizer(problem)
    others, own = best.group_logits()
    b = best.group_bias
    point = smooth.point(others - b[:, None], own - b, b)
    back, back_own = smooth.logits(point)
    np.testing.assert_allclose(back_own, own, atol=1e-12)
    apart = ~np.eye(3, dtype=bool) | (np.bincount(problem.group) > 1)[:, None]
    np.testing.assert_allclose(back[apart], others[apart], atol=1e-12)


def test_a_million_classes():
    n = np.repeat(np.round(np.geomspace(5, 1280, 20)).astype(int), 50_000)
    lam = 0.1 * np.sqrt(1280) / n.sum()
    best = loss_minimizer(LossProblem(n, CrossEntropy(), lambda_W=lam, lambda_H=lam))
    assert best.certificate <= 1e-9
    assert nc.class_outcomes(best).size.sum() == 10**6


# --- outcomes by class ---


@pytest.mark.parametrize("seed", range(10))
def test_outcomes_are_those_of_the_dense_logits(seed):
    problem = random_problem(np.random.default_rng(3000 + seed))
    best = loss_minimizer(problem)
    Z, seen = best.logits(), nc.class_outcomes(best)
    scale = 1e-9 * np.abs(Z).max()
    for k, g in enumerate(seen.group):
        rivals = np.delete(Z[:, k], k)
        assert seen.own_logit[g] == pytest.approx(Z[k, k], abs=1e-12)
        assert seen.rival_logit[g] == pytest.approx(rivals.max(), abs=1e-12)
        ties = 1 + np.count_nonzero(np.abs(rivals - Z[k, k]) <= scale)
        expected = 0.0 if rivals.max() > Z[k, k] + scale else 1 / ties
        assert seen.right[g] == pytest.approx(expected)
        means = best.class_means()
        size = max(np.abs(means).max(), 1e-300)
        same = np.linalg.norm(means - means[:, [k]], axis=0) <= 1e-6 * size
        assert seen.merged[g] == np.count_nonzero(same)


def test_outcomes_of_the_squared_error_are_those_of_class_outcomes():
    for lam in (0.001, 0.004, 0.0045, 0.006, 0.0073, 0.01):
        problem = LossProblem(
            nc.ClassCounts.cifar10_paper(), SquaredError(), lambda_W=lam, lambda_H=lam
        )
        ours = nc.class_outcomes(loss_minimizer(problem))
        theirs = nc.class_outcomes(nc.global_minimizer(problem.model))
        np.testing.assert_allclose(ours.right[ours.group], theirs.right[theirs.group])
        np.testing.assert_array_equal(ours.merged[ours.group], theirs.merged[theirs.group])
        assert ours.accuracy == pytest.approx(theirs.accuracy)


def test_a_hair_before_its_death_a_mode_still_tells_its_classes_apart():
    lam = np.sqrt(100) / 300 * (1 - 1e-10)
    problem = LossProblem([100] * 3, SquaredError(), lambda_W=lam, lambda_H=lam)
    seen = nc.class_outcomes(loss_minimizer(problem))
    theirs = nc.class_outcomes(nc.global_minimizer(problem.model))
    np.testing.assert_array_equal(seen.right, theirs.right)
    assert seen.right[0] == 1
    assert seen.merged[0] == 1


def test_classes_that_differ_in_nothing_that_matters_share_a_mean_where_they_are_dead():
    """From the root of the count over N on; the one of the three in a group of its own, too."""
    n = np.array([300, 300, 30, 30, 30])
    lam = 1.1 * np.sqrt(30) / n.sum()
    loss = CrossEntropy(class_weights=1 + 1e-13 * np.array([0, 0, 0, 0, 1]))
    best = loss_minimizer(LossProblem(n, loss, lambda_W=lam, lambda_H=lam))
    assert best.problem.form.G == 3
    seen = nc.class_outcomes(best)
    assert seen.merged[seen.group].tolist() == [1, 1, 3, 3, 3]


def test_classes_that_are_told_apart_by_a_weak_mode_do_not_share_their_means():
    lam = 0.9 * np.sqrt(2 * 2 * 1 / 3) / 3
    best = loss_minimizer(LossProblem([2, 1], CrossEntropy(), lambda_W=lam, lambda_H=lam))
    assert 0 < best.singular_values[0] < 1
    assert nc.class_outcomes(best).merged.tolist() == [1, 1]


def test_a_class_leads_those_of_its_group_by_what_the_logits_say():
    best = loss_minimizer(LossProblem([30, 30, 8, 8], CrossEntropy(), **PLAIN))
    Z = best.logits()
    np.testing.assert_allclose(best.groups.lead, [Z[0, 0] - Z[1, 0], Z[2, 2] - Z[3, 2]], rtol=1e-12)


# --- what is not covered says what is known ---


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: LossProblem([3, 2], CrossEntropy(), 2, **PLAIN), "cross-entropy with depth = 2"),
        (
            lambda: LossProblem([3, 2], SquaredError([1, 2]), 2, **PLAIN),
            "unequal weights with a bias and depth = 2 are open.*without a bias",
        ),
        (
            lambda: LossProblem([3, 2], SquaredError(), 3, bias="decayed", **PLAIN),
            "penalised bias with depth = 3 and unequal counts is open: take it free or none",
        ),
        (
            lambda: LossProblem([3, 2], SquaredError(None, 0.1), 2, bias="none", **PLAIN),
            "label smoothing without a bias and with depth = 2 is open",
        ),
        (
            lambda: LossProblem([3, 2], CrossEntropy(), non_negative=True, **PLAIN),
            "bias must be 'none'",
        ),
        (
            lambda: LossProblem(
                [3, 2], CrossEntropy(None, 0.1), bias="none", non_negative=True, **PLAIN
            ),
            "no more than class weights",
        ),
        (
            lambda: LossProblem([3, 3], SquaredError(), 3, bias="decayed", **PLAIN),
            "equal counts is not known here, but penalised_bias_minimizer has it",
        ),
        (
            lambda: LossProblem([3, 2], CrossEntropy(), 2, bias="none", non_negative=True, **PLAIN),
            "depth must be 1 for cross-entropy; got 2",
        ),
        (
            lambda: LossProblem(
                [3, 2], SquaredError(None, 0.1), bias="none", non_negative=True, **PLAIN
            ),
            "label_smoothing must be 0 for the squared error",
        ),
        (
            lambda: LossProblem(
                [30, 20, 9], CrossEntropy(), bias="none", non_negative=True, widths=[2], **PLAIN
            ),
            "widths must leave room for the 3 classes alive",
        ),
        (
            lambda: LossProblem([30, 20, 10], CrossEntropy(), widths=[1], **PLAIN),
            "widths must leave room for the 2 modes alive",
        ),
        (
            lambda: LossProblem([30, 30, 10], SquaredError(), bias="none", widths=[1], **PLAIN),
            "cuts a block of equal ones",
        ),
    ],
)
def test_what_is_not_known_is_said(make, words):
    with pytest.raises(ValueError, match=words):
        loss_minimizer(make())


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"loss": "mse"}, TypeError, "loss must be a SquaredError or a CrossEntropy"),
        ({"bias": True}, ValueError, "bias must be 'free' or 'none' or 'decayed'"),
        ({"lambda_b": 1.0}, ValueError, "lambda_b must be None unless"),
        ({"bias": "decayed", "lambda_b": -1.0}, ValueError, "lambda_b must be positive"),
        ({"bias": "decayed", "lambda_b": "a"}, TypeError, "lambda_b must be a number"),
        ({"lambda_W": 0.0}, ValueError, "lambda_W must be positive"),
        ({"sampling": "balanced"}, TypeError, "sampling must be a Sampling"),
        ({"loss": CrossEntropy([1.0, 2.0, 3.0])}, ValueError, "each of the 2 classes"),
        ({"non_negative": 1}, TypeError, "non_negative must be True or False"),
    ],
)
def test_bad_problems_are_named(change, error, words):
    with pytest.raises(error, match=words):
        LossProblem(**{"counts": [3, 2], "loss": CrossEntropy(), **PLAIN, **change})


def test_a_width_with_just_enough_room_changes_nothing():
    for more in ({}, {"bias": "none", "non_negative": True}):
        problem = LossProblem([30, 20, 9], CrossEntropy(), **PLAIN, **more)
        best = loss_minimizer(problem)
        narrow = loss_minimizer(replace(problem, widths=(best.alive,)))
        assert narrow.objective == best.objective


def test_a_decayed_bias_is_decayed_like_the_head_by_default():
    assert LossProblem([3, 2], CrossEntropy(), bias="decayed", **PLAIN).lambda_b == 0.01


def test_the_best_bias_has_no_slope():
    problem = LossProblem([50, 5, 2], CrossEntropy(margins=[0.1, 0.5, 1.0]), **PLAIN)
    smooth = SmoothPart(problem.form)
    point, local = best_bias(smooth, smooth.zero)
    slope = smooth.gradient(point, local.residual, local.own_residual)
    assert np.abs(slope.bias).max() < 1e-14


def test_a_mode_that_newton_steps_freeze_again_and_again_still_finds_its_end():
    """Just above the death of a mode between groups, where plain Newton steps hold it and creep."""
    n = [50, 268, 268, 4, 4, 4]
    lam = 0.0045136847545960744
    best = loss_minimizer(LossProblem(n, CrossEntropy(), lambda_W=lam, lambda_H=lam), tol=1e-12)
    assert best.certificate < 1e-12
    assert best.alive == 2
    assert np.isfinite(nc.theory.loss_margins(best.problem).modes).all()
