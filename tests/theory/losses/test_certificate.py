"""Lower bounds by dual points, written out on all classes; and the bias they are made at."""

import math
from dataclasses import replace

import mpmath
import numpy as np
import pytest
from scipy.special import entr, softmax

from nclib.theory.losses.certificate import best_bias, dual_point, first_point
from nclib.theory.losses.groups import Point, SmoothPart
from nclib.theory.losses.objects import CrossEntropy, Sampling, SquaredError
from nclib.theory.losses.problem import LossProblem
from nclib.theory.losses.thresholds import loss_collapse_factors

VECTOR = np.array([0.5, 0.5, 1.3, 2.0, 2.0, 2.0])
LOSSES = {
    "plain": CrossEntropy(),
    "everything": CrossEntropy(
        VECTOR, 0.1, 0.7, VECTOR[::-1].copy() / 3, VECTOR**2, 1 / VECTOR + 0.3
    ),
    "negative margins": CrossEntropy(VECTOR, margins=-2 * VECTOR, sample_factors=VECTOR),
    "squared": SquaredError(VECTOR, 0.1),
}


def made(name, bias):
    return LossProblem(
        [9, 9, 4, 2, 2, 2],
        LOSSES[name],
        bias=bias,
        lambda_W=0.02,
        lambda_H=0.01,
        lambda_b=0.05 if bias == "decayed" else None,
        sampling=Sampling("sqrt", "fixed"),
    )


def drawn(problem):
    """Samples of each class in an epoch: all of them, or by the roots of the counts."""
    share = problem.counts.n ** (1.0 if problem.sampling is None else 0.5)
    return problem.N * share / share.sum()


def random_point(smooth, rng, size):
    between, inner, bias = (size * rng.standard_normal(x.shape) for x in smooth.zero)
    return Point(between, np.where(smooth.form.has_inner, inner, 0.0), bias)


def written_out(problem, others, own):
    """Of single classes, a column for a sample of each."""
    dense = others[np.ix_(problem.group, problem.group)]
    np.fill_diagonal(dense, own[problem.group])
    return dense


def pull(problem, R):
    """Derivative by the logits with their factors (K, K), from answers minus targets."""
    n = drawn(problem)
    terms = problem.loss.terms(problem.counts, n)
    return terms.logit_factor[:, None] * R * terms.sample_factor * n * terms.weight / problem.N


def dense_dual(problem, Z, lam, frozen=None):
    """Answers minus targets (K, K), and the bound by them, from logits (K, K)."""
    terms = problem.loss.terms(problem.counts, drawn(problem))
    a = drawn(problem) * terms.weight / problem.N
    Y = terms.other[:, None] + np.diag(terms.own)
    M = Y.sum(axis=0) if terms.softmax else np.ones(problem.K)
    shift = terms.shift[:, None] - np.diag(terms.margin)
    R = Z - Y
    if terms.softmax:
        u = np.outer(terms.logit_factor, terms.sample_factor) * Z + shift
        R = M * softmax(u, axis=0) - Y
    if problem.bias == "free":
        w = a * terms.sample_factor
        R = R - np.outer(R @ w, M) / (w @ M)
        Q, centre = Y + R, np.outer(Y @ w, M) / (w @ M)
        if terms.softmax and Q.min() < 0:
            kept = np.min(centre[Q < 0] / (centre - Q)[Q < 0])
            R = centre + kept * (Q - centre) - Y
    slope = pull(problem, R) / np.sqrt(problem.feature_weight)
    if frozen is not None:
        dead = frozen[problem.group]
        same = (problem.group[:, None] == problem.group) & dead
        centring = np.diag(dead) - same / np.maximum(same.sum(axis=0), 1)
        slope = slope - centring @ slope @ centring
    R = min(1.0, lam / np.linalg.norm(slope, 2)) * R
    if terms.softmax:
        value = a @ (M * entr((Y + R) / M).clip(0).sum(axis=0) + (R * shift).sum(axis=0))
    else:
        value = -a @ np.sum(R**2 / 2 + R * Y, axis=0)
    if problem.bias == "decayed":
        value -= np.sum(pull(problem, R).sum(axis=1) ** 2) / (2 * problem.lambda_b)
    return R, value


@pytest.mark.parametrize("bias", ["free", "none", "decayed"])
@pytest.mark.parametrize("name", LOSSES)
def test_a_dual_point_is_the_one_on_all_classes(name, bias):
    """Centred for a free bias, led back into the simplex no farther than needed, and shrunk."""
    problem = made(name, bias)
    smooth = SmoothPart(problem.form)
    rng = np.random.default_rng(0)
    for size in (0.0, 1.0, 1.0, 10.0, 10.0, 3000.0):
        point = random_point(smooth, rng, size)
        local = smooth.at(point)
        Z = written_out(problem, *smooth.logits(point))
        for lam in (1e-3, 0.1, 1e6):
            for frozen in (None, smooth.form.size > 1):
                found = dual_point(smooth, local, lam, frozen)
                R, value = dense_dual(problem, Z, lam, frozen)
                dense = written_out(problem, found.residual, found.own_residual)
                np.testing.assert_allclose(dense, R, rtol=1e-9, atol=1e-12 * np.abs(R).max())
                assert found.value == pytest.approx(value, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_a_dual_point_keeps_a_distance_from_its_bound_for_the_rounding(name):
    for bias in ("free", "none", "decayed"):
        problem = made(name, bias)
        smooth = SmoothPart(problem.form)
        dual = dual_point(
            smooth, smooth.at(random_point(smooth, np.random.default_rng(2), 1.0)), 0.01
        )
        slope = pull(problem, written_out(problem, dual.residual, dual.own_residual))
        norm = np.linalg.norm(slope / np.sqrt(problem.feature_weight), 2)
        assert 0.01 * (1 - 3e-14) < norm < 0.01


@pytest.mark.parametrize("name", LOSSES)
def test_no_bound_is_above_the_objective_of_any_point(name):
    """Weak duality, between points that have nothing to do with each other."""
    for bias in ("free", "none", "decayed"):
        smooth = SmoothPart(made(name, bias).form)
        rng = np.random.default_rng(1)
        points = [random_point(smooth, rng, size) for size in (0.0, 0.3, 2.0)]
        points = [best_bias(smooth, point)[0] for point in points]
        for lam in (0.01, 0.3):
            bound = max(dual_point(smooth, smooth.at(point), lam).value for point in points)
            for point in points:
                norm = np.linalg.norm(smooth.between(point), "nuc")
                norm += smooth.inner_cost @ np.abs(point.inner)
                assert bound <= (smooth.at(point).value + lam * norm) * (1 + 1e-13)


def balanced(K, n, lam, loss=None, **more):
    settings = {"bias": "none", "lambda_W": lam, "lambda_H": lam, **more}
    return LossProblem([n] * K, CrossEntropy() if loss is None else loss, **settings)


@pytest.mark.parametrize("bias", ["free", "none"])
@pytest.mark.parametrize("share", [2.0, 1.0, 0.5, 1e-3])
def test_of_equal_classes_the_bound_at_0_is_an_entropy(share, bias):
    """The derivative is ``sqrt(n)/N``, so that a share of softmax(0) - y is left of the answers."""
    K, n = 4, 9
    death = math.sqrt(n) / (K * n)
    smooth = SmoothPart(balanced(K, n, 1.0, bias=bias).form)
    value = dual_point(smooth, smooth.at(smooth.zero), share * death).value
    s = min(share, 1.0)
    expected = entr(1 - s * (K - 1) / K) + (K - 1) * entr(s / K)
    assert value == pytest.approx(expected, rel=1e-12)


def test_modes_that_are_kept_dead_bound_nothing():
    """Of equal classes nothing else can move, and the objective is log K at every price."""
    smooth = SmoothPart(balanced(3, 10, 1.0).form)
    local = smooth.at(smooth.zero)
    for lam in (1e-6, 1e6):
        dual = dual_point(smooth, local, lam, np.array([True]))
        assert dual.value == pytest.approx(math.log(3), rel=1e-14)


def test_a_weak_penalty_s_bound_keeps_its_digits():
    """All that counts is what the answers lack of 1, and 1 less that would have lost it."""
    n, lam = [300, 100, 20], 1e-12
    problem = LossProblem(n, CrossEntropy(), bias="none", lambda_W=lam, lambda_H=lam)
    smooth = SmoothPart(problem.form)
    local, _ = smooth.at_logits(np.zeros((3, 3)), np.full(3, 21.0))
    dual = dual_point(smooth, local, lam)
    value = mpmath.mpf(0)
    with mpmath.workdps(40):
        for k in range(3):
            others = [mpmath.mpf(dual.residual[c, k]) for c in range(3) if c != k]
            answers = [*others, 1 - sum(others)]
            value -= mpmath.mpf(n[k]) / 420 * sum(q * mpmath.log(q) for q in answers)
    assert dual.value == pytest.approx(float(value), rel=1e-13, abs=0)


def test_a_class_alone_answers_no_other_of_its_group():
    """Beside the margin, here a negative one, such an answer would be the farthest below 0."""
    loss = CrossEntropy(margins=[-5.0, -5.0])
    problem = LossProblem([9, 1], loss, lambda_W=1.0, lambda_H=1.0)
    smooth = SmoothPart(problem.form)
    Z = np.array([[-7.0, 1.0], [0.0, -8.0]])
    local, _ = smooth.at_logits(Z, np.diagonal(Z).copy())
    dual = dual_point(smooth, local, 1.0)
    R, value = dense_dual(problem, Z, 1.0)
    np.testing.assert_allclose(
        written_out(problem, dual.residual, dual.own_residual), R, atol=1e-12
    )
    assert dual.value == pytest.approx(value, abs=1e-10)


def test_a_sure_answer_that_is_wrong_leaves_a_bound_that_is_a_number():
    """Where the own class is left no more than rounding, and smoothing a little of its target."""
    smooth = SmoothPart(made("everything", "none").form)
    rng = np.random.default_rng(4)
    for _ in range(100):
        local = smooth.at(random_point(smooth, rng, 10 ** rng.uniform(0, 2)))
        assert math.isfinite(dual_point(smooth, local, 1e9).value)


def test_answers_are_not_led_beyond_the_mean_of_the_targets():
    """Next to nothing of the loss is about the second class, and a third of the samples answer it.

    The mean of the answers is a third of it then, and taken off it leaves those that are far from
    it below 0 by as much: all the way to the mean of the targets, and what rounding adds is less.
    """
    loss = CrossEntropy([1.0, 1e-13, 1.0])
    problem = LossProblem([12, 11, 10], loss, lambda_W=1.0, lambda_H=1.0)
    smooth = SmoothPart(problem.form)
    Z = 50.0 * np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 1]])
    local, _ = smooth.at_logits(Z, np.diagonal(Z).copy())
    dual = dual_point(smooth, local, 1.0)
    answers = dual.residual + np.diag(dual.own_residual - np.diagonal(dual.residual))
    answers += np.diag(problem.form.own)
    assert answers.min() >= 0


@pytest.mark.parametrize("name", ["everything", "plain"])
def test_the_first_point_takes_an_adjustment_back_where_that_pays(name):
    loss = replace(LOSSES[name], adjustment=np.array([30.0, 30, -7, 2, 2, 2]))
    problem = replace(made(name, "free"), loss=loss)
    form = problem.form
    smooth = SmoothPart(form)
    start = first_point(smooth)
    assert not start.between.any()
    assert not start.inner.any()
    u = form.logit_factor * smooth.bias(start) + form.shift
    np.testing.assert_allclose(u, u.mean(), atol=1e-12)
    # By the logarithms of the counts without a bias softmax answers better than evenly.
    usual = replace(problem, loss=CrossEntropy(adjustment=1.0))
    assert not first_point(SmoothPart(usual.form)).bias.any()
    # So it is where the penalty takes more than it pays.
    dear = replace(problem, bias="decayed", lambda_b=1e3)
    assert not first_point(SmoothPart(dear.form)).bias.any()
    none = SmoothPart(replace(problem, bias="none").form)
    assert [x.shape for x in first_point(none)] == [x.shape for x in none.zero]


class Counting(SmoothPart):
    """A smooth part that knows how often it was evaluated."""

    evaluations = 0

    def at(self, point):
        self.evaluations += 1
        return super().at(point)


@pytest.mark.parametrize("name", LOSSES)
def test_the_best_bias_has_no_slope_and_the_rest_stays(name):
    """Newton's full steps from so far away would leave softmax's curved part.

    In as many evaluations as were counted once, and a fifth more for rounding.
    """
    rng = np.random.default_rng(3)
    for bias, most in (("free", 1.2 * 25), ("decayed", 1.2 * 10)):
        smooth = Counting(made(name, bias).form)
        point = random_point(smooth, rng, 0.3)
        far = 3 * smooth.bias_scale * rng.standard_normal(smooth.bias_size)
        found, local = best_bias(smooth, point._replace(bias=far))
        assert smooth.evaluations <= most
        np.testing.assert_array_equal(found.between, point.between)
        np.testing.assert_array_equal(found.inner, point.inner)
        assert local.value == smooth.at(found).value
        slope = smooth.gradient(found, local.residual, local.own_residual).bias
        assert np.abs(slope).max() < 1e-13
        smooth.evaluations = 0
        best_bias(smooth, found)
        assert smooth.evaluations <= 2
    smooth = SmoothPart(made(name, "none").form)
    point = random_point(smooth, rng, 1.0)
    assert best_bias(smooth, point)[0] is point


@pytest.mark.parametrize("margin", [2.0, 20.0, 50.0, 2000.0])
def test_the_best_bias_is_found_where_softmax_is_flat(margin):
    """A large margin of two classes: the more frequent one pays it until its share is the other's.

    Its samples answer the rarer class by 40/60 then, those of the rarer one the more frequent.
    """
    loss = CrossEntropy(margins=[margin, margin])
    problem = LossProblem([60, 40], loss, lambda_W=1e-3, lambda_H=1e-3)
    smooth = SmoothPart(problem.form)
    found, _ = best_bias(smooth, smooth.zero)
    b = smooth.bias(found)
    near = 3 * math.exp(-2 * margin)  # what a margin that is not large leaves the rarer ones
    assert b[0] - b[1] == pytest.approx(margin - math.log(2), rel=1e-9, abs=3 * near)
    total = 0.4 * math.sqrt(2 / 60 + 2 / 40) / 1e-3
    assert loss_collapse_factors(problem).total == pytest.approx(total, rel=1e-9 + 3 * near)
