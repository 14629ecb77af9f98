"""Newton's system for cross-entropy: the curvature taken apart, and two ways to solve."""

import numpy as np
import pytest
from torch_reference import random_problem

from nclib.theory.losses import newton
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
