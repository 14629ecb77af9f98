"""Newton's system for cross-entropy: the curvature taken apart, and two ways to solve."""

import numpy as np
import pytest
from torch_reference import random_problem

from nclib.theory.losses import newton, solver
from nclib.theory.losses.groups import Point, SmoothPart
from nclib.theory.losses.objects import CrossEntropy
from nclib.theory.losses.optimum import loss_minimizer
from nclib.theory.losses.problem import LossProblem


def cross_entropies(number):
    """Random problems with a cross-entropy, and where their numbers come from."""
    found = []
    for seed in range(4000, 5000):
        rng = np.random.default_rng(seed)
        if (problem := random_problem(rng)).form.softmax:
            found.append((problem, rng))
        if len(found) == number:
            return found
    raise AssertionError("too few of them are cross-entropies")


@pytest.mark.parametrize("place", range(40))
def test_curvature_is_that_of_a_star_in_each_column(place):
    problem, rng = cross_entropies(place + 1)[-1]
    form, smooth = problem.form, SmoothPart(problem.form)
    shapes = [x.shape for x in smooth.zero]
    local = smooth.at(Point(*(5 * rng.standard_normal(shape) for shape in shapes)))
    between, inner = rng.standard_normal(shapes[0]), rng.standard_normal(shapes[1])
    X = Point(between, np.where(form.has_inner, inner, 0.0), np.zeros(shapes[2]))
    star, T = smooth.star_curvature(local), smooth.between(X)
    seen = np.stack([np.sum(star.pull * T, axis=0), T.diagonal()])
    value = np.sum(star.entries * T**2) + np.einsum("sg,stg,tg->", seen, star.pair, seen)
    value += np.sum((2 * np.sum(star.mixed * seen, axis=0) + star.inner * X.inner) * X.inner)
    assert value == pytest.approx(X.dot(smooth.curvature(local, X)), rel=1e-9)


@pytest.mark.parametrize("share", [0.3, 0.01])
def test_the_optimum_does_not_depend_on_how_newton_steps_are_found(share, monkeypatch):
    n = np.arange(10, 120, 3)
    lam = share * np.sqrt(n.max()) / n.sum()
    problem = LossProblem(n, CrossEntropy(), lambda_W=lam, lambda_H=lam)
    monkeypatch.setattr(newton, "_FEW_ITERATIONS", 10**4)
    monkeypatch.setattr(newton, "_MOST_ITERATIONS", 10**4)
    plain = loss_minimizer(problem)
    # From the start on by the other preconditioner, and by few steps.
    monkeypatch.setattr(newton, "_FEW_ITERATIONS", 0)
    monkeypatch.setattr(newton, "_MOST_ITERATIONS", 60)
    star = loss_minimizer(problem)
    assert star.objective == pytest.approx(plain.objective, rel=2e-9)
    np.testing.assert_allclose(star.logits(), plain.logits(), atol=1e-3)


def systems_of(problem, monkeypatch, tol=1e-12):
    """The systems that are solved on the way to an optimum, with nothing left out of them."""
    seen = []

    class Noting(newton.NewtonSystem):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            seen.append(self)

    monkeypatch.setattr(solver, "NewtonSystem", Noting)
    best = loss_minimizer(problem, tol=tol)
    for system in seen:
        system.frozen[:] = False
    return seen, best


def random_direction(system, rng):
    now = system.now
    return system.restrict(Point(*(rng.standard_normal(x.shape) for x in now.point)))


@pytest.mark.parametrize("seed", range(12))
def test_both_ways_to_solve_find_the_newton_step(seed, monkeypatch):
    """The second derivative of the step is minus the first, along the manifold."""
    rng = np.random.default_rng(6000 + seed)
    systems, _ = systems_of(random_problem(rng), monkeypatch)
    for system in systems:
        slope = system.slope()
        if slope.dot(slope) == 0:
            continue
        one, other = random_direction(system, rng), random_direction(system, rng)
        symmetric = one.dot(system.apply(other))
        scale = np.sqrt(abs(one.dot(system.apply(one)) * other.dot(system.apply(other))))
        assert other.dot(system.apply(one)) == pytest.approx(symmetric, abs=1e-9 * scale)
        step = system.solve_dense(slope)
        assert system.restrict(step).plus(step, -1.0).dot(step) == 0
        gain = -slope.dot(step)
        assert gain > 0
        assert step.dot(system.apply(step)) == pytest.approx(gain, rel=1e-6)
        # Conjugate gradients end early, but near: by the system's own norm.
        for few in (20, 0):
            monkeypatch.setattr(newton, "_FEW_ITERATIONS", few)
            off = system.solve_iteratively(slope).plus(step, -1.0)
            assert off.dot(system.apply(off)) <= 0.1 * gain


@pytest.mark.parametrize("seed", range(12))
def test_first_and_second_derivative_along_the_manifold(seed, monkeypatch):
    """By differences of the objective, at the last step; dead modes stay dead to second order."""
    rng = np.random.default_rng(7000 + seed)
    problem = random_problem(rng)
    systems, best = systems_of(problem, monkeypatch)
    if not systems or not best.alive:  # a closed form, or total collapse
        return
    system = systems[-1]
    now, r, lam = system.now, system.r, problem.price
    X = random_direction(system, rng)
    X = X.times(1e-3 * min([*now.sigma[:r], *np.abs(now.point.inner[system.alive]), 1.0]))

    def objective(t):
        between = t * X.between
        between[np.arange(r), np.arange(r)] += now.sigma[:r]
        bent = t**2 * X.between[r:, :r] @ (X.between[:r, r:] / now.sigma[:r, None])
        between[r:, r:] = bent
        moved = Point(
            now.U @ between @ now.Vt, now.point.inner + t * X.inner, now.point.bias + t * X.bias
        )
        norm = np.linalg.svd(moved.between, compute_uv=False).sum()
        norm += system.smooth.inner_cost @ np.abs(moved.inner)
        return system.smooth.at(moved).value + lam * norm

    here, plus, minus = objective(0.0), objective(1.0), objective(-1.0)
    second = X.dot(system.apply(X))
    assert plus + minus - 2 * here == pytest.approx(second, rel=1e-3, abs=1e-14 * here)
    size = np.sqrt(X.dot(X) * lam**2)
    assert (plus - minus) / 2 == pytest.approx(system.slope().dot(X), abs=1e-5 * size + 1e-14)


def test_the_better_preconditioner_takes_fewer_steps(monkeypatch):
    n = np.arange(10, 120, 3)
    lam = 0.01 * np.sqrt(n.max()) / n.sum()
    problem = LossProblem(n, CrossEntropy(), lambda_W=lam, lambda_H=lam)
    systems, _ = systems_of(problem, monkeypatch, tol=1e-9)
    system = systems[-1]
    slope, count = system.slope(), [0]
    apply = system.apply

    def counted(X):
        count[0] += 1
        return apply(X)

    system.apply = counted
    steps = {}
    for few, name in ((10**4, "plain"), (0, "star")):
        monkeypatch.setattr(newton, "_FEW_ITERATIONS", few)
        count[0], system.hard = 0, False
        system.solve_iteratively(slope)
        steps[name] = count[0]
    assert steps["star"] < steps["plain"] / 2


N_ = np.repeat(np.arange(100, 20, -8), [1, 2, 3, 1, 1, 2, 1, 1, 4, 1])


def iterations(system, slope, few, monkeypatch):
    """How often the second derivative is applied on the way to a step, and the step."""
    count, apply = [0], system.apply

    def counted(X):
        count[0] += 1
        return apply(X)

    monkeypatch.setattr(newton, "_FEW_ITERATIONS", few)
    monkeypatch.setattr(system, "apply", counted)
    system.hard, system._star = False, None
    step = system.solve_iteratively(slope)
    monkeypatch.setattr(system, "apply", apply)
    return count[0], step


@pytest.mark.parametrize(
    ("bias", "share", "plain", "star"),
    [
        ("free", 0.8, 92, 61),
        ("free", 0.3, 156, 76),
        ("free", 0.003, 218, 103),
        ("none", 0.8, 108, 38),
        ("none", 0.03, 183, 40),
        ("decayed", 0.8, 100, 70),
        ("decayed", 0.03, 213, 120),
    ],
)
def test_each_preconditioner_takes_few_iterations(bias, share, plain, star, monkeypatch):
    """As many as were counted once, for all steps to three optima, and a quarter more."""
    lam = share * np.sqrt(100) / N_.sum()
    total = np.zeros(2)
    losses = (
        CrossEntropy(),
        CrossEntropy(adjustment=1.0, label_smoothing=0.1),
        CrossEntropy(logit_factors=1 + N_ / 100),
    )
    for loss in losses:
        problem = LossProblem(
            N_, loss, bias=bias, lambda_W=lam, lambda_H=lam,
            lambda_b=lam if bias == "decayed" else None,
        )  # fmt: skip
        systems, _ = systems_of(problem, monkeypatch)
        for system in systems:
            slope, objective = system.slope(), system.now.objective
            exact = system.solve_dense(slope)
            gain = -slope.dot(exact)
            if gain < 1e-18 * objective:
                continue
            wanted = max(min(0.05**2, gain / objective), 1e-10)
            for kind, few in enumerate((10**4, 0)):
                count, step = iterations(system, slope, few, monkeypatch)
                total[kind] += count
                off = step.plus(exact, -1.0)
                assert off.dot(system.apply(off)) <= 12 * wanted * gain
    assert (total <= [1.25 * plain, 1.25 * star]).all()


@pytest.mark.parametrize("bias", ["free", "none", "decayed"])
def test_modes_that_are_frozen_stay_and_the_others_take_their_newton_step(bias, monkeypatch):
    lam = 0.1 * np.sqrt(100) / N_.sum()
    problem = LossProblem(N_, CrossEntropy(margins=N_ / 100), bias=bias, lambda_W=lam, lambda_H=lam)
    systems, _ = systems_of(problem, monkeypatch)
    system = systems[-3]
    assert system.r == 9
    modes = np.arange(9) % 4 == 1
    system.freeze(modes)
    slope = system.restrict(system.slope())
    p, q = slope.between.shape
    held = np.zeros((p, q), dtype=bool)
    held[9:, 9:] = True
    held[:9][modes], held[:, :9][:, modes] = True, True
    assert (slope.between[held] == 0).all()
    exact = system.solve_dense(slope)
    assert (exact.between[held] == 0).all()
    assert np.abs(exact.between[~held]).min() > 0
    left = system.apply(exact).plus(slope)
    assert left.dot(left) < 1e-18 * slope.dot(slope)
    gain = -slope.dot(exact)
    for few in (10**4, 0):
        _, step = iterations(system, slope, few, monkeypatch)
        assert (step.between[held] == 0).all()
        off = step.plus(exact, -1.0)
        assert off.dot(system.apply(off)) <= 0.05 * gain


def mixed_system(monkeypatch):
    """One with modes of groups of both kinds, alive and dead, in a place that is no optimum."""
    lam = 0.9 * np.sqrt(100) / N_.sum()
    problem = LossProblem(
        N_, CrossEntropy(logit_factors=1 + N_ / 100), bias="none", lambda_W=lam, lambda_H=lam
    )
    systems, _ = systems_of(problem, monkeypatch)
    return systems[3]


def test_a_system_is_small_by_its_dimension(monkeypatch):
    """Matrices of one rank and size have these; then inner modes alive, and the bias."""
    system = mixed_system(monkeypatch)
    p, q = system.now.point.between.shape
    r = int(np.linalg.matrix_rank(system.now.point.between))
    assert 0 < r < min(p, q)
    inner = int(np.count_nonzero(system.now.point.inner))
    assert inner > 0
    dimension = r * (p + q - r) + inner + system.now.point.bias.size
    for most, small in ((dimension, True), (dimension - 1, False)):
        monkeypatch.setattr(newton, "_DENSE", most)
        assert system.is_small is small


def test_damping_makes_modes_stiffer_against_turning_and_nothing_else(monkeypatch):
    """By how much: lambda over the sum of the two modes' sizes, that many times."""
    system = mixed_system(monkeypatch)
    now, lam, r = system.now, system.lam, system.r
    damped = newton.NewtonSystem(system.smooth, now, lam, 2.0, hard=False)
    X = random_direction(system, np.random.default_rng(0))
    difference = damped.apply(X).plus(system.apply(X), -1.0)
    left, right = (np.zeros(size) for size in X.between.shape)
    left[:r] = right[:r] = now.sigma[:r]
    expected = np.zeros(X.between.shape)
    for i, j in np.ndindex(expected.shape):
        if i != j and min(i, j) < r:
            expected[i, j] = 2 * lam / (left[i] + right[j]) * X.between[i, j]
    np.testing.assert_allclose(difference.between, expected, rtol=0, atol=1e-10 * lam)
    assert not difference.inner.any()


def test_where_there_is_no_slope_there_is_no_step(monkeypatch):
    system = mixed_system(monkeypatch)
    for few in (20, 0):
        _, step = iterations(system, system.slope().times(0.0), few, monkeypatch)
        assert step.dot(step) == 0
