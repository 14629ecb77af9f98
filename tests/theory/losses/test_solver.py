"""How the convex problem is solved: in few steps, to the gap that is asked for, or not at all."""

import re

import numpy as np
import pytest
from torch_reference import random_problem

from nclib.theory.losses import solver
from nclib.theory.losses.certificate import best_bias, inner_slopes
from nclib.theory.losses.closed import squared_modes
from nclib.theory.losses.groups import Point, SmoothPart
from nclib.theory.losses.newton import NewtonSystem
from nclib.theory.losses.objects import CrossEntropy, SquaredError
from nclib.theory.losses.problem import LossProblem
from nclib.theory.losses.solver import Solver

N_ = np.repeat(np.arange(100, 20, -8), [1, 2, 3, 1, 1, 2, 1, 1, 4, 1])
LOSSES = {
    "plain": CrossEntropy(),
    "adjusted": CrossEntropy(adjustment=1.0, label_smoothing=0.1),
    "weights": CrossEntropy(class_weights=N_**-0.5),
    "factors": CrossEntropy(logit_factors=1 + N_ / 100),
    "margins": CrossEntropy(margins=N_ / 100),
    "squared": SquaredError(N_**-0.5, 0.1),
}


class Counting(SmoothPart):
    """A smooth part that knows how often it was evaluated."""

    evaluations = 0

    def at(self, point):
        self.evaluations += 1
        return super().at(point)


def made(loss, bias, share):
    """At a share of the largest class's death."""
    lam = share * np.sqrt(N_.max()) / N_.sum()
    return LossProblem(
        N_, loss, bias=bias, lambda_W=lam, lambda_H=lam, lambda_b=lam if bias == "decayed" else None
    )


def solved(problem, tol=1e-10):
    smooth = Counting(problem.form)
    return Solver(smooth).solve(problem.price, None, tol), smooth.evaluations


@pytest.mark.parametrize(
    ("share", "bias", "steps", "evaluations"),
    [
        (0.9, "free", 18, 95),
        (0.9, "none", 19, 62),
        (0.9, "decayed", 18, 92),
        (0.7, "free", 30, 121),
        (0.3, "none", 28, 80),
        (0.3, "decayed", 29, 123),
        (0.003, "free", 44, 146),
        (0.003, "none", 42, 105),
        (0.003, "decayed", 44, 147),
    ],
)
def test_few_steps_lead_to_an_optimum(share, bias, steps, evaluations):
    """As many as were counted once, of all losses together, and a quarter more for rounding."""
    counts = []
    for loss in list(LOSSES.values())[: None if share > 0.01 else -1]:
        found, count = solved(made(loss, bias, share))
        assert found.gap <= 1e-10
        counts.append((found.steps, count))
    assert (np.sum(counts, axis=0) <= [1.25 * steps, 1.25 * evaluations]).all()


def test_random_problems_are_solved_in_few_steps():
    steps = []
    for seed in range(9000, 9060):
        problem = random_problem(np.random.default_rng(seed))
        if squared_modes(problem) is None:
            steps.append(solved(problem)[0].steps)
    assert max(steps) <= 9
    assert sum(steps) <= 1.25 * 213  # so many were counted


def test_the_gap_is_as_small_as_was_asked_for_and_a_large_one_is_reached_sooner():
    problem, steps = made(LOSSES["factors"], "free", 0.003), []
    for tol in (1.0, 0.1, 1e-2, 1e-6, 1e-11):
        found, _ = solved(problem, tol)
        assert 0 <= found.gap <= tol
        steps.append(found.steps)
    assert steps == sorted(steps)
    assert steps[0] <= steps[-1] / 3


def test_a_gap_below_a_billionth_is_not_required():
    """No rounding allows this one: the smallest that was found is taken then."""
    found, _ = solved(made(LOSSES["plain"], "free", 0.1), 1e-300)
    assert 0 <= found.gap < 1e-13


@pytest.mark.parametrize("few", [1, 4])
def test_an_optimum_that_is_not_found_is_refused_with_the_gap_of_the_end(few, monkeypatch):
    problem = made(LOSSES["factors"], "free", 0.003)
    monkeypatch.setattr(solver, "_MOST_STEPS", few)
    words = rf"lambda = {problem.price:.6g} was found to a relative duality gap of (.*) only, not "
    with pytest.raises(RuntimeError, match=words + "1.0e-09") as raised:
        solved(problem, 1e-9)
    gap = float(re.search(words, str(raised.value))[1])
    assert 1e-9 < gap < 1
    found, _ = solved(problem, 1.05 * gap)
    assert found.gap == pytest.approx(gap, rel=0.05)
    assert found.steps == few - 1


def test_an_optimum_that_takes_the_last_step_allowed_is_found(monkeypatch):
    problem = made(LOSSES["plain"], "none", 0.1)
    steps = solved(problem)[0].steps
    monkeypatch.setattr(solver, "_MOST_STEPS", steps + 1)
    assert solved(problem)[0].steps == steps
    monkeypatch.setattr(solver, "_MOST_STEPS", steps)
    with pytest.raises(RuntimeError, match=r"to a relative duality gap of \d"):
        solved(problem)


class Misled(NewtonSystem):
    """Its steps promise much, and lead elsewhere."""

    def solve_dense(self, slope):
        rng = np.random.default_rng(0)
        aside = self.restrict(Point(*(rng.standard_normal(x.shape) for x in slope)))
        aside = aside.plus(slope, -aside.dot(slope) / max(slope.dot(slope), 1e-300))
        return aside.times(1e8).plus(slope, -1e6)


@pytest.mark.parametrize("bias", ["free", "none"])
def test_where_newton_steps_do_not_pay_proximal_ones_find_the_optimum_alone(bias, monkeypatch):
    lam = 0.3 * np.sqrt(9) / 21
    problem = LossProblem([9, 5, 5, 2], CrossEntropy(), bias=bias, lambda_W=lam, lambda_H=lam)
    expected = solved(problem)[0]
    monkeypatch.setattr(solver, "NewtonSystem", Misled)
    found, _ = solved(problem, 1e-6)
    assert found.steps > 10
    assert found.gap <= 1e-6
    assert found.objective == pytest.approx(expected.objective, rel=1e-6)


def test_a_bias_that_is_dear_to_move_far_still_finds_its_place():
    """Softmax is flat at first: an adjustment of this size takes all from two classes."""
    problem = LossProblem(
        [100, 40, 40, 10, 5], CrossEntropy(adjustment=40 * np.linspace(-1, 1, 5) ** 3),
        bias="decayed", lambda_W=1e-3, lambda_H=1e-3, lambda_b=1.0,
    )  # fmt: skip
    assert solved(problem, 1e-9)[0].gap <= 1e-9


@pytest.mark.parametrize("bias", ["free", "none", "decayed"])
def test_from_an_optimum_it_is_not_far_to_one_with_other_penalties(bias):
    problem = made(LOSSES["plain"], bias, 0.03)
    smooth = SmoothPart(problem.form)
    first = Solver(smooth).solve(problem.price, None, 1e-10)
    again = Solver(smooth).solve(problem.price, first.point, 1e-10)
    assert again.steps <= 1
    assert again.objective == pytest.approx(first.objective, rel=1e-10)
    near = Solver(smooth).solve(1.05 * problem.price, first.point, 1e-10)
    assert near.steps <= 4
    cold = Solver(smooth).solve(1.05 * problem.price, None, 1e-10)
    assert near.objective == pytest.approx(cold.objective, rel=1e-9)


@pytest.mark.parametrize("bias", ["free", "none", "decayed"])
@pytest.mark.parametrize("more", [{}, {"label_smoothing": 0.1}])
def test_many_groups_begin_with_the_optimum_of_merged_ones(bias, more, monkeypatch):
    """A start near the end, by the steps that are left."""
    monkeypatch.setattr(solver, "_COARSE", 35)
    n = np.arange(20, 60)
    lam = 0.03 * np.sqrt(60) / n.sum()
    decayed = {"lambda_b": lam} if bias == "decayed" else {}
    loss = CrossEntropy(margins=n / 100, **more)
    problem = LossProblem(n, loss, bias=bias, lambda_W=lam, lambda_H=lam, **decayed)
    smooth = SmoothPart(problem.form)
    near = Solver(smooth).solve(problem.price, None, 1e-9)
    cold = Solver(smooth).solve(problem.price, smooth.zero, 1e-9)
    assert near.objective == pytest.approx(cold.objective, rel=2e-9)
    assert near.steps <= 4 < cold.steps


def test_where_merged_groups_have_no_optimum_the_start_is_zero(monkeypatch):
    problem = made(LOSSES["plain"], "free", 0.03)
    smooth = SmoothPart(problem.form)
    expected = Solver(smooth).solve(problem.price, smooth.zero, 1e-9)
    solve = Solver.solve

    def failing(self, lam, start, tol):
        if self.smooth is not smooth:
            raise RuntimeError("none")
        return solve(self, lam, start, tol)

    monkeypatch.setattr(solver, "_COARSE", 1)
    monkeypatch.setattr(Solver, "solve", failing)
    found = Solver(smooth).solve(problem.price, None, 1e-9)
    assert found.steps == expected.steps
    np.testing.assert_array_equal(found.point.between, expected.point.between)


@pytest.mark.parametrize("bias", ["free", "none", "decayed"])
@pytest.mark.parametrize("name", ["plain", "margins"])
def test_inner_modes_that_are_kept_dead_cost_what_they_would_gain(name, bias):
    """Nothing, where they are dead at the optimum; and a gap is proved with them dead."""
    problem = made(LOSSES[name], bias, 0.75)
    smooth = SmoothPart(problem.form)
    free = Solver(smooth).solve(problem.price, None, 1e-11)
    dead = free.point.inner == 0
    several = problem.form.has_inner
    assert (dead & several).any()
    assert (~dead).any()
    same = Solver(smooth, dead).solve(problem.price, None, 1e-11)
    assert same.objective == pytest.approx(free.objective, rel=1e-10)
    np.testing.assert_allclose(same.point.inner, free.point.inner, rtol=1e-3)
    held = ~dead
    found = Solver(smooth, held).solve(problem.price, None, 1e-11)
    assert found.gap <= 1e-11
    assert (found.point.inner[held] == 0).all()
    assert found.objective > free.objective * (1 + 1e-6)
    # Nothing else is to be gained: along all that may move, the derivative is the price's.
    _, local = best_bias(smooth, found.point)
    slopes = np.abs(inner_slopes(smooth, smooth.gradient(found.point, *local[1:3])))
    assert (slopes[several & dead] <= problem.price * (1 + 1e-9)).all()
    assert (slopes[several & held] > problem.price).all()


def test_the_best_bias_is_found_in_few_evaluations():
    """From far away, with shortened steps; from the best one itself nothing is left to do."""
    counts = []
    for seed in range(8000, 8080):
        rng = np.random.default_rng(seed)
        smooth = Counting(random_problem(rng).form)
        if not smooth.bias_size:
            continue
        point = smooth.zero._replace(
            bias=3 * smooth.bias_scale * rng.standard_normal(smooth.bias_size)
        )
        found, local = best_bias(smooth, point)
        first, smooth.evaluations = smooth.evaluations, 0
        again, there = best_bias(smooth, found)
        assert there.value <= local.value
        counts.append((first, smooth.evaluations))
        slope = smooth.gradient(again, there.residual, there.own_residual).bias
        assert np.abs(slope).max() < 1e-13
    assert len(counts) == 36
    assert np.max(counts, axis=0)[1] == 1
    assert sum(first for first, _ in counts) <= 262  # 257 were counted
