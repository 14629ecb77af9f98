"""Preconditioners of Newton's system, where what they average is the same in all entries."""

import numpy as np
import pytest

from nclib.theory.losses import newton, solver
from nclib.theory.losses.groups import SmoothPart
from nclib.theory.losses.objects import CrossEntropy, SquaredError
from nclib.theory.losses.problem import LossProblem
from nclib.theory.losses.solver import Solver

N_ = np.repeat(np.arange(100, 20, -8), [1, 2, 3, 1, 1, 2, 1, 1, 4, 1])


def systems_of(loss, share):
    """Those on the way to an optimum without a bias."""
    lam = share * np.sqrt(100) / N_.sum()
    problem = LossProblem(N_, loss, bias="none", lambda_W=lam, lambda_H=lam)
    seen = []

    class Noting(newton.NewtonSystem):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            seen.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(solver, "NewtonSystem", Noting)
        Solver(SmoothPart(problem.form)).solve(problem.price, None, 1e-9)
    return seen


def iterations(system):
    """How often conjugate gradients apply the second derivative, and how good their step is."""
    slope, apply = system.slope(), system.apply
    exact = system.solve_dense(slope)
    count, step = counted(system, slope)
    off = step.plus(exact, -1.0)
    return count, off.dot(apply(off)) / -slope.dot(exact)


def counted(system, slope):
    count, apply = [0], system.apply

    def counting(X):
        count[0] += 1
        return apply(X)

    system.apply = counting
    step = system.solve_iteratively(slope)
    system.apply = apply
    return count[0], step


@pytest.mark.parametrize("share", [0.9, 0.3, 0.03])
def test_for_the_squared_error_the_cheap_one_is_the_inverse(share):
    """Every entry costs the same: a sample's loss has its count's weight, its feature pays it."""
    for system in systems_of(SquaredError(label_smoothing=0.1), share):
        count, off = iterations(system)
        assert count == 1
        assert off < 1e-14
        assert not system.hard


@pytest.mark.parametrize("share", [0.9, 0.3, 0.03])
def test_where_all_probabilities_are_the_same_the_better_one_is_the_inverse(share):
    """At logits 0, but for single precision."""
    system = systems_of(CrossEntropy(), share)[1]
    smooth = system.smooth
    there = system.now._replace(local=smooth.at(smooth.zero))
    count, off = iterations(newton.NewtonSystem(smooth, there, system.lam, 0.5, hard=True))
    assert count == 1
    assert off < 1e-12


def test_that_the_cheap_one_is_not_enough_is_kept(monkeypatch):
    """So that the next system can begin with the better one."""
    system = systems_of(CrossEntropy(logit_factors=1 + N_ / 100), 0.03)[-1]
    monkeypatch.setattr(newton, "_FEW_ITERATIONS", 10**4)
    assert not system.hard
    counted(system, system.slope())
    assert not system.hard
    monkeypatch.setattr(newton, "_FEW_ITERATIONS", 3)
    first, _ = counted(system, system.slope())
    assert system.hard
    again, _ = counted(system, system.slope())
    assert again <= first


@pytest.mark.parametrize("hard", [False, True])
def test_without_a_slope_nothing_is_iterated(hard):
    system = systems_of(CrossEntropy(), 0.3)[1]
    system.hard = hard
    count, step = counted(system, system.slope().times(0.0))
    assert count <= 3
    assert step.dot(step) == 0
