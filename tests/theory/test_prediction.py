"""What becomes of classes, against dense logits and exhaustive search."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nclib.theory.minimizer import collapse_factors, global_minimizer, local_minima
from nclib.theory.prediction import (
    class_fates,
    collapse_lambda_H,
    fates_over_lambda_H,
    misclassification_factors,
    smallest_counts,
)
from nclib.theory.problem import Problem

TIE = 1e-11


@st.composite
def problems(draw, largest=60, widths=False):
    """A problem of few classes, somewhere between all modes alive and none."""
    n = draw(st.lists(st.integers(1, largest), min_size=2, max_size=7))
    if draw(st.booleans()):
        n[-1] = n[0]
    depth, bias = draw(st.integers(1, 4)), draw(st.booleans())
    asked = {"bias": bias, "lambda_W": 1.0, "lambda_H": draw(st.sampled_from([0.1, 1.0, 7.0]))}
    if widths and draw(st.booleans()):
        asked["widths"] = (draw(st.integers(1, len(n))),) * depth
    problem = Problem(n, depth, **asked)
    deaths = collapse_factors(problem)
    deaths = deaths[deaths > 0]
    if not deaths.size:
        return problem
    low, high = 0.3 * deaths.min(), 1.1 * deaths.max()
    return at(problem, low * (high / low) ** draw(st.floats(0, 1)))


def at(problem, factor):
    """The problem with all penalties times a factor."""
    return replace(
        problem,
        lambda_W=tuple(factor * lam for lam in problem.lambda_W),
        lambda_H=factor * problem.lambda_H,
    )


def dense_right(problem):
    """Which classes the optimum classifies right, beyond doubt, from the dense logits."""
    Z = global_minimizer(problem).logits()
    own = np.diag(Z).copy()
    np.fill_diagonal(Z, -np.inf)
    return own > Z.max(axis=0) + TIE * np.abs(own)


@given(problems(widths=True), st.data())
def test_fates_are_those_of_the_dense_logits(problem, data):
    minima = local_minima(problem)
    minimizer = minima[data.draw(st.integers(0, len(minima) - 1))]
    fates = class_fates(minimizer)
    Z = minimizer.logits()
    own, n = np.diag(Z).copy(), problem.counts.n
    others = Z.copy()
    np.fill_diagonal(others, -np.inf)
    group = fates.group
    np.testing.assert_allclose(fates.own_logit[group], own, atol=1e-12)
    np.testing.assert_allclose(fates.rival_logit[group], others.max(axis=0), atol=1e-12)
    assert (fates.count[group] == n).all()
    assert (np.bincount(group) == fates.size).all()
    assert (group[fates.representative] == np.arange(fates.size.size)).all()
    accuracy = minimizer.training_accuracy()
    assert fates.accuracy == accuracy.overall
    np.testing.assert_array_equal(fates.right[group], accuracy.per_class)
    merged = np.ones(problem.K)
    for classes in minimizer.merged_classes():
        merged[list(classes)] = len(classes)
    np.testing.assert_array_equal(fates.merged[group], merged)
    assert fates.classes_merged == sum(map(len, minimizer.merged_classes()))
    # The group of the strongest rival holds a class with that logit.
    for k in range(problem.K):
        rivals = [j for j in np.flatnonzero(group == fates.rival[group[k]]) if j != k]
        assert Z[rivals, k].max() == pytest.approx(others[:, k].max(), abs=1e-12)


@settings(max_examples=settings.default.max_examples // 4)
@given(problems())
def test_a_class_is_right_below_its_factor_and_not_above(problem):
    factors = misclassification_factors(problem)
    deaths = collapse_factors(problem)
    deaths = deaths[deaths > 0]
    grid = np.geomspace(0.01 * deaths.min(), 1.5 * deaths.max(), 40)
    for factor in np.concatenate([grid, factors[np.isfinite(factors)] * (1 - 1e-6)]):
        wanted = factor < factors
        near = np.isclose(factor, factors, rtol=1e-8)
        right = global_minimizer(at(problem, factor)).training_accuracy().per_class == 1
        assert (right == wanted)[~near].all()
    if problem.depth > 1:
        # Only the death of a mode loses a class, unless others have died before.
        assert factors.min() >= deaths.min() * (1 - 1e-12)


@settings(max_examples=settings.default.max_examples // 4)
@given(problems(largest=25), st.data())
def test_smallest_counts_are_those_of_exhaustive_search(problem, data):
    k = data.draw(st.integers(0, problem.K - 1))
    n = problem.counts.n
    largest = int(np.delete(n, k).max())
    right = []
    for samples in range(1, largest + 1):
        changed = n.copy()
        changed[k] = samples
        accuracy = global_minimizer(replace(problem, counts=changed)).training_accuracy()
        if accuracy.per_class[k] == 1:
            right.append(samples)
    (found,) = smallest_counts(problem, [k])
    assert found == (right[0] if right else 0)
    assert right == list(range(found, largest + 1)) if right else True


def test_all_modes_of_a_smaller_class_alive_is_not_needed_to_be_right():
    # The two largest classes alone would be right if "the q + 1 largest are" held for q = 1.
    problem = Problem([30, 3, 2], 2, lambda_W=1.0, lambda_H=1.0)
    deaths = collapse_factors(problem)[:2]
    between = at(problem, float(np.sqrt(deaths[0] * deaths[1])))
    assert global_minimizer(between).alive == 1
    fates = class_fates(global_minimizer(between))
    np.testing.assert_array_equal(fates.right[fates.group] == 1, dense_right(between))


def test_the_lambda_H_of_each_death():
    problem = Problem([50, 50, 20, 5], 3, lambda_W=1e-2, lambda_H=123.0)
    limits = collapse_lambda_H(problem)
    assert limits[-1] == 0
    for mode, limit in enumerate(limits[:-1]):
        for factor, alive in ((1 - 1e-9, mode + 1), (1 + 1e-9, mode)):
            one = replace(problem, lambda_H=factor * limit)
            assert global_minimizer(one).alive == alive


def test_over_lambda_H_is_one_problem_after_another():
    problem = Problem([50, 50, 20, 5], 2, bias=False, lambda_W=1e-2, lambda_H=1.0)
    values = np.geomspace(1e-6, 10, 20).tolist()
    for value, fates in zip(values, fates_over_lambda_H(problem, values), strict=True):
        expected = global_minimizer(replace(problem, lambda_H=value))
        assert fates.minimizer.alive == expected.alive
        assert fates.accuracy == expected.training_accuracy().overall
        np.testing.assert_allclose(fates.minimizer.z, expected.z, rtol=1e-14)


def test_a_width_can_make_a_class_hopeless():
    problem = Problem([10, 5, 3], 1, bias=False, lambda_W=1e-3, lambda_H=1e-3, widths=(2,))
    factors = misclassification_factors(problem)
    assert factors[2] == 0
    assert (factors[:2] > 0).all()


@pytest.mark.parametrize("classes", [[3], [-1], [1.5], ["a"]])
def test_classes_must_exist(classes):
    problem = Problem([10, 5, 3], 1, lambda_W=1e-3, lambda_H=1e-3)
    for function in (misclassification_factors, smallest_counts):
        with pytest.raises(ValueError, match="each of classes must be a whole number from 0 to 2"):
            function(problem, classes)


def test_other_arguments_are_refused():
    for function in (misclassification_factors, smallest_counts):
        with pytest.raises(TypeError, match="problem must be a Problem"):
            function([3, 2])
    with pytest.raises(TypeError, match="minimizer must be a Minimizer"):
        class_fates(Problem([3, 2], 1, lambda_W=1, lambda_H=1))
