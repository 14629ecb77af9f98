"""Steps of the solver where others would creep or lead nowhere."""

import numpy as np
import pytest
from test_solver import Misled

from nclib.theory.losses import solver
from nclib.theory.losses.groups import SmoothPart
from nclib.theory.losses.objects import CrossEntropy
from nclib.theory.losses.problem import LossProblem
from nclib.theory.losses.solver import Solver


def test_a_mode_that_is_frozen_again_and_again_does_not_creep():
    """Just above the death of a mode between groups: 25 steps were counted, and 234 once."""
    lam = 0.0045136847545960744
    problem = LossProblem([50, 268, 268, 4, 4, 4], CrossEntropy(), lambda_W=lam, lambda_H=lam)
    found = Solver(SmoothPart(problem.form)).solve(problem.price, None, 1e-12)
    assert found.gap <= 1e-12
    assert found.steps <= 30


@pytest.mark.parametrize(("below", "error"), [(1e-10, 0.6), (1e-6, 1e-3), (1e-3, 1e-5)])
def test_an_inner_mode_that_a_step_turns_over_dies_and_grows_again(below, error):
    """Of two equal classes it is ``log(1 / price - 1)``, and dead from a price of 1/2 on."""
    problem = LossProblem([1, 1], CrossEntropy(), lambda_W=0.25, lambda_H=0.25)
    smooth = SmoothPart(problem.form)
    price = (1 - below) / 2
    far = smooth.zero._replace(inner=np.array([1.1]))
    found = Solver(smooth).solve(price, far, 1e-13)
    assert found.point.inner == pytest.approx(np.log(1 / price - 1), rel=error)
    assert found.steps <= 2


@pytest.mark.parametrize(("bias", "steps"), [("free", 46), ("decayed", 43), ("none", 29)])
def test_proximal_steps_alone_lead_to_the_optimum_in_so_many(bias, steps, monkeypatch):
    """As many as were counted, and a sixth more or less: that is what their lengths are for."""
    lam = 0.6 * np.sqrt(60) / 85
    problem = LossProblem(
        [60, 20, 5], CrossEntropy(), bias=bias, lambda_W=lam, lambda_H=lam,
        lambda_b=lam if bias == "decayed" else None,
    )  # fmt: skip
    expected = Solver(SmoothPart(problem.form)).solve(problem.price, None, 1e-11)
    monkeypatch.setattr(solver, "NewtonSystem", Misled)
    found = Solver(SmoothPart(problem.form)).solve(problem.price, None, 1e-9)
    assert found.objective == pytest.approx(expected.objective, rel=2e-9)
    assert found.gap <= 1e-9
    assert found.steps == pytest.approx(steps, rel=1 / 6)


def test_a_gap_that_rounding_does_not_allow_is_not_waited_for():
    problem = LossProblem([60, 20, 5], CrossEntropy(), lambda_W=0.02, lambda_H=0.02)
    found = Solver(SmoothPart(problem.form)).solve(problem.price, None, 1e-300)
    assert found.gap < 1e-13
    assert found.steps <= 20
