"""What the pages of proofs and those beyond the paper compute with, against the theory."""

import numpy as np
import pytest

import nclib as nc
from nclib.teaching import beyond, proofs


@pytest.mark.parametrize("bias", [True, False])
def test_what_a_point_costs_is_what_the_problem_says(bias):
    rng = np.random.default_rng(0)
    for _ in range(50):
        problem = proofs.random_problem(rng, bias=bias)
        Ws, H, b = proofs.random_point(rng, problem)
        E = proofs.weighted_means(problem, H)
        core = problem.split(Ws, H, b).core
        assert proofs.f_hat(problem, Ws, E) == pytest.approx(core, rel=1e-12)
        assert proofs.product(Ws).shape == (problem.K, problem.K)
        assert (b is not None) == bias
        labels = np.repeat(np.arange(problem.K), problem.counts.n)
        means = [H[:, labels == k].mean(axis=1) for k in range(problem.K)]
        np.testing.assert_allclose(proofs.class_means(problem, H), np.transpose(means))


def test_a_problem_is_drawn_with_the_layers_that_are_asked_for():
    rng = np.random.default_rng(1)
    drawn = [proofs.random_problem(rng, depth=depth) for depth in (1, 2, 5)]
    assert [problem.depth for problem in drawn] == [1, 2, 5]
    assert all(len(set(problem.lambda_W)) == problem.depth for problem in drawn)


def test_problems_are_drawn_from_all_that_is_promised():
    rng = np.random.default_rng(3)
    drawn = [proofs.random_problem(rng) for _ in range(300)]
    assert {problem.K for problem in drawn} == {2, 3, 4, 5}
    assert {int(n) for problem in drawn for n in problem.counts.n} == {1, 2, 3, 4, 5, 6}
    assert {problem.depth for problem in drawn} == {1, 2, 3, 4}
    penalties = [(*problem.lambda_W, problem.lambda_H) for problem in drawn]
    assert all(len(set(one)) == len(one) for one in penalties)
    least, most = (end(map(end, penalties)) for end in (min, max))
    assert 0.01 <= least < 0.05
    assert 0.95 < most < 1


def test_layers_are_drawn_to_keep_what_goes_through_about_as_long():
    rng = np.random.default_rng(4)
    problem = beyond.equal([1] * 5, 40)
    Ws, H, b = proofs.random_point(rng, problem)
    # K^2 squares of entries have a sum of K in the mean: a row has length 1.
    assert np.mean([np.sum(W**2) for W in Ws]) == pytest.approx(5, rel=0.2)
    assert len(Ws) == 40
    assert H.shape == (5, 5)
    assert b.shape == (5,)


def test_the_product_is_that_of_the_layers_in_their_order():
    first, second = np.arange(6).reshape(2, 3), np.arange(2).reshape(1, 2)
    np.testing.assert_array_equal(proofs.product([first, second]), [[3, 4, 5]])


def test_no_step_of_the_walk_rises_and_it_ends_at_the_minimum():
    rng = np.random.default_rng(2)
    for _ in range(50):
        problem = proofs.random_problem(rng)
        heights = list(proofs.walk(problem, *proofs.random_point(rng, problem)).values())
        assert len(heights) == 6
        assert max(np.diff(heights)) <= 1e-12 * heights[0]
        minimum = problem.objective(*nc.global_minimizer(problem).weights())
        assert heights[-1] == pytest.approx(minimum, rel=1e-9)


def test_what_is_rounding_is_no_singular_value():
    Z = np.outer([1.0, 2.0, 3.0], [0.1, 0.2, 0.7])
    assert np.count_nonzero(proofs.singular_values(Z)) == 1
    assert np.count_nonzero(np.linalg.svd(Z, compute_uv=False)) > 1
    # Rounding is relative to the largest.
    for z in ([1e6, 1e3, 0], [1e-9, 1e-12, 0]):
        shown = proofs.singular_values(np.diag(z) + np.diag([0, 0, 5e-13 * z[0]]))
        np.testing.assert_allclose(shown, z, rtol=1e-12, atol=0)


def test_a_quarter_turn():
    np.testing.assert_allclose(proofs.turn(90) @ [[1, 0], [0, 1]], [[0, -1], [1, 0]], atol=1e-15)


def test_a_bound_that_is_broken_is_said(capsys):
    proofs.holds("both", [0, 1e-13])
    proofs.holds("one", [0, 1e-3], 1e-4)
    proofs.holds("not below", [1e-4], 1e-4)
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "both: holds to 1e-12 on 2 instances",
        "one: FAILS to 0.0001 on 2 instances",
        "not below: FAILS to 0.0001 on 1 instances",
    ]


@pytest.mark.parametrize("depth", [1, 3])
def test_each_mode_lives_just_below_its_death_and_not_above(depth):
    counts = [30, 20, 10, 10]
    deaths = beyond.deaths(counts, depth)
    assert deaths.shape == (3,)
    for k, death in enumerate(deaths):
        for factor, alive in ((1 - 1e-6, True), (1 + 1e-6, False)):
            best = nc.global_minimizer(beyond.equal(counts, depth, factor * death))
            assert best.survives[k] == alive


def test_a_penalty_is_1_if_none_is_given():
    problem = beyond.equal([3, 2], 2)
    assert (problem.lambda_W, problem.lambda_H) == ((1.0, 1.0), 1.0)


def test_every_penalty_is_the_same_and_options_go_along():
    problem = beyond.equal(nc.ClassCounts([3, 2]), 2, 0.25, bias=False, widths=(4, 5))
    assert problem.lambda_W == (0.25, 0.25)
    assert (problem.lambda_H, problem.bias, problem.widths) == (0.25, False, (4, 5))
