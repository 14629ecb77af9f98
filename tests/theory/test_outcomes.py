"""What becomes of classes, against dense logits and exhaustive search."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nclib.theory import sample_counts
from nclib.theory.collapse import collapse_factors, collapse_lambda_H
from nclib.theory.margins import FirstLoss, first_loss, misclassification_factors
from nclib.theory.minimizer import global_minimizer, local_minima
from nclib.theory.optimum import class_outcomes
from nclib.theory.problem import Problem
from nclib.theory.sample_counts import RightCounts, right_counts
from nclib.theory.tables import outcomes_over_lambda_H

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
def test_outcomes_are_those_of_the_dense_logits(problem, data):
    minima = local_minima(problem)
    minimizer = minima[data.draw(st.integers(0, len(minima) - 1))]
    outcomes = class_outcomes(minimizer)
    Z = minimizer.logits()
    own, n = np.diag(Z).copy(), problem.counts.n
    others = Z.copy()
    np.fill_diagonal(others, -np.inf)
    group = outcomes.group
    np.testing.assert_allclose(outcomes.own_logit[group], own, atol=1e-12)
    np.testing.assert_allclose(outcomes.rival_logit[group], others.max(axis=0), atol=1e-12)
    assert (outcomes.count[group] == n).all()
    assert (np.bincount(group) == outcomes.size).all()
    assert (group[outcomes.representative] == np.arange(outcomes.size.size)).all()
    accuracy = minimizer.training_accuracy()
    assert outcomes.accuracy == accuracy.overall
    np.testing.assert_array_equal(outcomes.right[group], accuracy.per_class)
    merged = np.ones(problem.K)
    for classes in minimizer.merged_classes():
        merged[list(classes)] = len(classes)
    np.testing.assert_array_equal(outcomes.merged[group], merged)
    assert outcomes.classes_merged == sum(map(len, minimizer.merged_classes()))
    # The group of the strongest rival holds a class with that logit.
    for k in range(problem.K):
        rivals = [j for j in np.flatnonzero(group == outcomes.rival[group[k]]) if j != k]
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
@given(problems(widths=True))
def test_the_first_loss_is_the_least_of_all_factors(problem):
    factors = misclassification_factors(problem)
    factor, lost = first_loss(problem)
    assert factor == pytest.approx(factors.min(), rel=1e-9)
    assert set(lost) == set(np.flatnonzero(np.isclose(factors, factors.min(), rtol=1e-8)))
    # Asked of the classes that are right, it is the next one that is lost.
    right = np.flatnonzero(factors > 1 + 1e-9)
    if right.size:
        factor, lost = first_loss(problem, right)
        assert factor == pytest.approx(factors[right].min(), rel=1e-9)
        assert set(lost) <= set(right)


@pytest.mark.parametrize("rare", [1, 7, 300, 99_999])
def test_one_layer_of_two_classes_loses_the_rare_one_at_a_known_share_of_the_death(rare):
    """At N / (2 n_1) of it, between one half for the rarest and all of it for equal counts."""
    problem = Problem([10**5, rare], 1, lambda_W=2e-3, lambda_H=5e-4)
    N, tau = 10**5 + rare, math.sqrt(2e-3 * 5e-4)
    death = math.sqrt(2 * 10**5 * rare / N) / (N * tau)
    wanted = death * N / (2 * 10**5)
    np.testing.assert_allclose(misclassification_factors(problem), [np.inf, wanted], rtol=1e-9)
    assert first_loss(problem) == FirstLoss(pytest.approx(wanted, rel=1e-9), (1,))
    assert first_loss(problem, [0]) == FirstLoss(math.inf, ())


def test_penalties_near_the_ends_of_the_floating_point_numbers_move_all_the_same():
    # Only the product counts: these two are one problem.
    ordinary = Problem([900, 400, 100], 2, lambda_W=1e-3, lambda_H=1e-3)
    extreme = Problem([900, 400, 100], 2, lambda_W=(1e-307, 1e300), lambda_H=1e-2)
    np.testing.assert_allclose(
        misclassification_factors(extreme), misclassification_factors(ordinary), rtol=1e-9
    )


# ---------------------------------------------------------------- numbers of samples


def right_by_count(problem, k, most):
    """Whether class k is right with 1, ..., `most` samples, from dense logits."""
    right = []
    for samples in range(1, most + 1):
        changed = problem.counts.n.copy()
        changed[k] = samples
        right.append(bool(dense_right(replace(problem, counts=changed))[k]))
    return right


def runs_of(right):
    """All runs of right counts: `(low, high)`, from 1."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], right, [False]]))).tolist()
    return [(low + 1, high) for low, high in zip(edges[::2], edges[1::2], strict=True)]


def nearest(runs, own):
    """The run that holds a count, or the nearest; of two as near the upper one."""
    return min(runs, key=lambda run: (max(run[0] - own, own - run[1], 0), -run[0]))


@settings(max_examples=settings.default.max_examples // 4)
@given(problems(largest=25, widths=True), st.data())
def test_right_counts_are_those_of_exhaustive_search(problem, data):
    k = data.draw(st.integers(0, problem.K - 1))
    own = int(problem.counts.n[k])
    others = int(np.delete(problem.counts.n, k).max())
    tried = max(own, others) + 15
    right = right_by_count(problem, k, tried)
    (found,) = right_counts(problem, [k])
    assert found.exhaustive
    if problem.bias:
        assert all(right[others:])
    if not any(right):
        assert found.low is None or found.low > tried
        return
    low, high = nearest(runs_of(right), own)
    assert found.low == low
    assert found.high == high if high < tried else found.high >= tried
    assert found.smallest == runs_of(right)[0][0]


@settings(max_examples=settings.default.max_examples // 4)
@given(problems(largest=25), st.data())
def test_a_search_that_does_not_try_all_ends_where_right_ends(problem, data):
    k = data.draw(st.integers(0, problem.K - 1))
    own = int(problem.counts.n[k])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample_counts, "_MOST_WORK", 0)
        (found,) = right_counts(problem, [k])
    if problem.K == 2 or not problem.bias:
        assert found.exhaustive
        return
    assert not found.exhaustive
    assert found.smallest == (1 if found.low == 1 else None)
    others = int(np.delete(problem.counts.n, k).max())
    right = right_by_count(problem, k, max(own, others) + 2)
    high = int(min(found.high, len(right)))
    assert right[found.low - 1]
    assert right[high - 1]
    assert found.low == 1 or not right[found.low - 2]
    assert not right[high] if found.high < len(right) else found.high == math.inf
    assert (found.low <= own <= found.high) == right[own - 1]


def test_a_third_sample_kills_a_class_of_two():
    problem = Problem([3, 2], 2, lambda_W=0.14, lambda_H=0.14)
    assert right_by_count(problem, 1, 6) == [False, True, False, True, True, True]
    assert right_counts(problem, [1]) == [RightCounts(2, 2, 2, True)]


@pytest.mark.parametrize(
    ("own", "low", "high"),
    [
        (1, 778, 945),
        (900, 778, 945),
        (945, 778, 945),
        (950, 778, 945),
        (990, 1001, np.inf),
        (2000, 1001, np.inf),
    ],
)
def test_six_layers_and_two_classes_are_right_in_an_interval(own, low, high):
    """Alive while theta is below its threshold, in plain arithmetic; above 1,000 the largest."""
    lam, L = 0.02736, 6
    alive = [
        (1000 + x) * lam ** (L + 1) * ((1000 + x) ** 2 / (2 * 1000 * x)) ** L
        < (L - 1) ** (L - 1) / L ** (2 * L)
        for x in range(1, 1001)
    ]
    assert runs_of(alive) == [(778, 945)]
    problem = Problem([1000, own], L, lambda_W=lam, lambda_H=lam)
    assert right_counts(problem)[1] == RightCounts(low, high, 778, True)


@pytest.mark.parametrize(
    ("own", "low", "high"),
    [(1, 22, 23), (22, 22, 23), (24, 22, 23), (25, 27, np.inf), (30, 27, np.inf)],
)
def test_right_counts_may_have_gaps(own, low, high):
    lam = 0.029567177
    problem = Problem([21, 34, 11, own], 6, lambda_W=lam, lambda_H=lam)
    right = right_by_count(problem, 3, 34)
    assert runs_of(right) == [(22, 23), (27, 34)]
    assert right_counts(problem, [3]) == [RightCounts(low, high, 22, True)]


def test_a_class_has_one_answer_alone_or_in_company():
    problems = [
        Problem([1000, 900], 6, lambda_W=0.02736, lambda_H=0.02736),
        Problem([21, 34, 11, 23, 34], 6, lambda_W=0.029567177, lambda_H=0.029567177),
        Problem([5000, 3000, 20, 10], 1, lambda_W=1e-3, lambda_H=5e-3),
        Problem([10**6, 10**5, 500, 400], 3, lambda_W=1e-3, lambda_H=1e-3),
    ]
    for problem in problems:
        together = right_counts(problem)
        alone = [right_counts(problem, [k])[0] for k in range(problem.K)]
        assert together == alone
        assert right_counts(problem, range(problem.K - 1, -1, -1)) == alone[::-1]
        right = global_minimizer(problem).training_accuracy().per_class == 1
        for run, own, is_right in zip(together, problem.counts.n, right, strict=True):
            assert (run.low <= own <= run.high) == is_right


@pytest.mark.parametrize("largest", [9, 10**4, 10**9, 10**15])
def test_one_layer_and_two_classes_are_right_from_a_known_count_on(largest):
    """s > (1 - x/n) / 2 with s = 1 - N tau / kappa says x (1/(2n) - tau^2) > tau^2 n."""
    tau = math.sqrt(0.2 / largest)
    wanted = tau**2 * largest / (1 / (2 * largest) - tau**2)
    problem = Problem([largest, 1], 1, lambda_W=tau, lambda_H=tau)
    (found,) = right_counts(problem, [1])
    # Logits that agree to twelve digits count as tied.
    assert found.low == pytest.approx(math.floor(wanted) + 1, rel=1e-11, abs=0)
    assert found == RightCounts(found.low, math.inf, found.low, True)


@pytest.mark.parametrize("rest", [10, 10**5, 10**11])
def test_without_a_bias_and_one_layer_the_interval_is_that_of_a_quadratic(rest):
    """Theorem 4.1: right while x > (x + R)^2 lambda_W lambda_H, R the samples of the others.

    With a product of 1 / (10 R) that is x^2 - 8 R x + R^2 < 0.
    """
    low, high = 4 * rest - math.isqrt(15 * rest**2), 4 * rest + math.isqrt(15 * rest**2)
    lam = math.sqrt(0.1 / rest)
    n = [rest - rest // 3, rest // 3, 1]
    (found,) = right_counts(Problem(n, 1, bias=False, lambda_W=lam, lambda_H=lam), [2])
    # A mode within twelve digits of its death counts as dead.
    assert found.low == pytest.approx(low, rel=1e-11, abs=0)
    assert found.high == pytest.approx(high, rel=1e-11, abs=0)
    assert found == RightCounts(found.low, found.high, found.low, True)


@pytest.mark.parametrize("others", [[9, 6, 4], [30, 20, 20], [13, 11, 7, 5]])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_tie_with_classes_of_the_same_count_is_not_right(others, depth):
    """Where their inner mode is dead, rounding alone tells the logits of the two apart."""
    ties = 0
    for lam in np.geomspace(0.01, 0.3, 60):
        for own in sorted(set(others)):
            problem = Problem([*others, own], depth, lambda_W=lam, lambda_H=lam)
            (run,) = right_counts(problem, [len(others)])
            right = dense_right(problem)[-1]
            assert (run.low <= own <= run.high) == right
            ties += not right
    assert ties


def test_where_no_count_is_right_that_is_said():
    problem = Problem([30, 20, 10], 2, bias=False, lambda_W=1, lambda_H=1)
    assert right_counts(problem) == [RightCounts(None, None, None, True)] * 3


def test_the_secular_equation_and_the_dense_matrix_agree_on_every_count():
    rng = np.random.default_rng(3)
    compared = 0
    for _ in range(60):
        n, depth = rng.integers(1, 60, rng.integers(3, 9)), int(rng.choice([1, 2, 3, 6]))
        deaths = collapse_factors(Problem(n, depth, lambda_W=1, lambda_H=1))
        lam = float(deaths.max() * rng.uniform(0.3, 1))
        if not lam:
            continue
        problem = Problem(n, depth, lambda_W=lam, lambda_H=lam)
        one = sample_counts._OneCount(problem, int(rng.integers(n.size)))
        counts = np.arange(1, 80)
        by_groups = [one._is_right_by_groups(int(count)) for count in counts]
        np.testing.assert_array_equal(by_groups, one._are_right(counts))
        compared += counts.size
    assert compared > 4000


def test_counts_too_many_to_try_are_searched_and_that_is_said():
    problem = Problem([10**7, 10**6, 500, 400], 3, lambda_W=3e-3, lambda_H=1e-3)
    for k, found in enumerate(right_counts(problem)):
        assert not found.exhaustive
        changed = problem.counts.n.copy()
        for samples, right in ((found.low, True), (found.low - 1, False)):
            changed[k] = samples
            assert dense_right(replace(problem, counts=changed))[k] == right


@given(problems(widths=True), st.data())
def test_no_class_is_answered_as_one_with_fewer_samples(problem, data):
    """With a bias its lead over such a class is at least the difference of their shares."""
    problem = replace(problem, bias=True)
    minima = local_minima(problem)
    Z = minima[data.draw(st.integers(0, len(minima) - 1))].logits()
    n, N = problem.counts.n, problem.N
    lead = np.diag(Z) - Z  # of column's class over each row's
    ahead = (n - n[:, None]) / N  # of column's share over each row's
    assert (lead >= ahead - 1e-12)[ahead > 0].all()


def test_of_rivals_that_tie_the_own_group_is_named():
    # Without a bias every logit but the own is 0: all others tie.
    outcomes = class_outcomes(
        global_minimizer(Problem([9, 9, 5, 2, 2], 1, bias=False, lambda_W=0.01, lambda_H=0.01))
    )
    assert outcomes.rival_logit.tolist() == [0, 0, 0]
    assert outcomes.count[outcomes.rival].tolist() == [9, 9, 2]


def test_all_modes_of_a_smaller_class_alive_is_not_needed_to_be_right():
    # The two largest classes alone would be right if "the q + 1 largest are" held for q = 1.
    problem = Problem([30, 3, 2], 2, lambda_W=1.0, lambda_H=1.0)
    deaths = collapse_factors(problem)[:2]
    between = at(problem, float(np.sqrt(deaths[0] * deaths[1])))
    assert global_minimizer(between).alive == 1
    outcomes = class_outcomes(global_minimizer(between))
    np.testing.assert_array_equal(outcomes.right[outcomes.group] == 1, dense_right(between))


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
    for value, outcomes in zip(values, outcomes_over_lambda_H(problem, values), strict=True):
        expected = global_minimizer(replace(problem, lambda_H=value))
        assert outcomes.minimizer.alive == expected.alive
        assert outcomes.accuracy == expected.training_accuracy().overall
        np.testing.assert_allclose(outcomes.minimizer.z, expected.z, rtol=1e-14)
        assert (outcomes.minimizer.unique, outcomes.minimizer.is_global) == (expected.unique, True)


@pytest.mark.parametrize("bias", [True, False])
def test_what_is_unique_over_lambda_H_is_what_is_unique(bias):
    """Not at the tie of a mode, nor where a width cuts classes of one count; else yes."""
    problem = Problem([50, 50, 20, 5], 2, bias=bias, lambda_W=1e-2, lambda_H=1.0)
    death = float(collapse_lambda_H(problem)[0])
    for start in (problem, replace(problem, lambda_H=death)):
        found = outcomes_over_lambda_H(start, [death * 0.99, death, death * 1.01])
        assert [outcomes.minimizer.unique for outcomes in found] == [True, False, True]
    cut = replace(problem, counts=[50, 50, 50, 5], widths=(1, 1))
    death = float(collapse_lambda_H(cut)[0])
    found = outcomes_over_lambda_H(cut, [death * 0.99, death * 1.01])
    assert [outcomes.minimizer.unique for outcomes in found] == [False, True]


@pytest.mark.parametrize("lambda_W", [1e-300, 1e-150, 1e-9, 1e150, 1e295])
@pytest.mark.parametrize("lambda_H", [1e-300, 1.0, 1e300])
def test_the_lambda_H_of_a_death_by_theorem_4_1_over_all_sizes(lambda_W, lambda_H):
    """n = N^2 lambda_W lambda_H there, whatever lambda_H the problem has."""
    n = np.array([900, 400, 100])
    problem = Problem(n, 1, bias=False, lambda_W=lambda_W, lambda_H=lambda_H)
    wanted = n / 1400**2 / lambda_W
    np.testing.assert_allclose(collapse_lambda_H(problem), wanted, rtol=1e-12)


@pytest.mark.parametrize(("lambda_W", "power"), [(1e-200, "[34]..\\."), (1e200, "-[34]..\\.")])
def test_a_death_that_no_number_holds_is_an_error(lambda_W, power):
    problem = Problem([50, 20, 5], 2, lambda_W=lambda_W, lambda_H=1.0)
    words = f"lambda_H at which mode 0 dies: 10 to the power {power}"
    with pytest.raises(ValueError, match=words):
        collapse_lambda_H(problem)
    huge = Problem([2**52, 1], 1, lambda_W=1.7e308, lambda_H=1.7e308)
    with pytest.raises(ValueError, match="factor on every lambda at which mode 0 dies"):
        collapse_factors(huge)


def test_a_width_can_make_a_class_hopeless():
    problem = Problem([10, 5, 3], 1, bias=False, lambda_W=1e-3, lambda_H=1e-3, widths=(2,))
    factors = misclassification_factors(problem)
    assert factors[2] == 0
    assert (factors[:2] > 0).all()


@pytest.mark.parametrize("classes", [[3], [-1], [1.5], ["a"]])
def test_classes_must_exist(classes):
    problem = Problem([10, 5, 3], 1, lambda_W=1e-3, lambda_H=1e-3)
    for function in (misclassification_factors, first_loss, right_counts):
        with pytest.raises(ValueError, match="each of classes must be a whole number from 0 to 2"):
            function(problem, classes)


def test_other_arguments_are_refused():
    for function in (misclassification_factors, first_loss, right_counts):
        with pytest.raises(TypeError, match="problem must be a Problem"):
            function([3, 2])
    with pytest.raises(ValueError, match="classes must have at least one class"):
        first_loss(Problem([3, 2], 1, lambda_W=1, lambda_H=1), [])
    with pytest.raises(TypeError, match="minimizer must be a Minimizer"):
        class_outcomes(Problem([3, 2], 1, lambda_W=1, lambda_H=1))
