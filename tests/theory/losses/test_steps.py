"""Steps of the solver where others would creep or lead nowhere."""

import numpy as np
import pytest

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
