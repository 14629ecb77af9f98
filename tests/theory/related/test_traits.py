"""The table of properties, cell by cell, and descents in which nothing is collapsed beforehand."""

from types import SimpleNamespace

import numpy as np
import pytest

import nclib as nc
from nclib.theory.related import (
    RELATIVES,
    free_descent,
    portraits_over,
    rare_merger,
    relative_optimum,
    table,
    traits,
)

EQUAL, UNEQUAL = nc.ClassCounts([12] * 6), nc.ClassCounts([20, 20, 20, 4, 4, 4])

# What is known from elsewhere: jumps need two layers (Lemma A.2), equal counts are a simplex in all
# models, cross-entropy on equal counts has no use for a bias, a closed form where there is one.
JUMPS = {"deep, no bias", "deep, bias"}
SAME_WITH_OR_WITHOUT_ON_EQUAL_COUNTS = {"cross-entropy, no bias", "cross-entropy, bias"}
TWINLESS = {"cross-entropy, ReLU"}
SOLVED = {"squared, penalised bias", "cross-entropy, no bias", "cross-entropy, bias"}


@pytest.fixture(scope="module")
def measured():
    return {key: traits(key, EQUAL, UNEQUAL) for key in RELATIVES}


@pytest.mark.parametrize("key", RELATIVES)
def test_variability_collapses_and_the_descent_ends_at_the_optimum(key, measured, record_error):
    found = measured[key]
    assert record_error("relatives: spread within classes", found.spread, 1e-5)
    assert record_error("relatives: free descent above the optimum", abs(found.excess), 1e-8)


@pytest.mark.parametrize("key", RELATIVES)
def test_the_simplex_and_alignment_stand_for_equal_counts_alone(key, measured, record_error):
    found = measured[key]
    assert record_error("relatives: simplex on equal counts", found.etf_equal, 1e-9)
    assert found.etf_unequal > 0.05
    assert found.aligned_equal > 1 - 1e-9
    assert 0.5 < found.aligned_unequal < 0.99


@pytest.mark.parametrize("key", RELATIVES)
def test_rare_classes_come_together_by_a_jump_in_deep_heads_alone(key, measured, record_error):
    wrong = (measured[key].before_merger > 0.5) != (key in JUMPS)
    assert record_error("relatives: jumps in other models than said", int(wrong), 0)
    assert (measured[key].before_merger < 0.05) == (key not in JUMPS)


@pytest.mark.parametrize("key", RELATIVES)
def test_what_a_bias_and_layers_change(key, measured):
    found = measured[key]
    assert np.isnan(found.bias_equal) == (key in TWINLESS)
    if key not in TWINLESS:
        same = key in SAME_WITH_OR_WITHOUT_ON_EQUAL_COUNTS
        assert (found.bias_equal < 1e-6) == same
        assert found.bias_unequal > 0.05
    assert np.isnan(found.depth_unequal) == (RELATIVES[key].deeper is None)
    if RELATIVES[key].deeper:
        assert found.depth_unequal > 0.05


@pytest.mark.parametrize("key", RELATIVES)
def test_closed_forms_and_certificates(key, measured):
    assert (measured[key].certificate == 0) == (key not in SOLVED)
    assert measured[key].certificate < 1e-9


@pytest.mark.parametrize("key", RELATIVES)
def test_an_optimum_is_worth_what_its_own_weights_are(key):
    """By the objective of the problem, which knows nothing of the optimum."""
    for counts in (EQUAL, UNEQUAL):
        best = relative_optimum(key, counts, 0.02)
        problem = RELATIVES[key].problem(counts, 0.02)
        value = problem.objective(*best.weights())
        assert value == pytest.approx(best.objective, rel=1e-7)


def gram(best):
    """Of the class means, scaled to length 1."""
    means = best.class_means()
    return means.T @ means / np.linalg.norm(means.T @ means)


@pytest.mark.parametrize("key", ["squared, bias", "deep, no bias"])
def test_each_trait_from_the_class_means_and_the_head(key):
    equal, unequal = nc.ClassCounts([3] * 5), nc.ClassCounts([6, 6, 2, 2, 2])
    found, merger = traits(key, equal, unequal), rare_merger(key, unequal)
    twin, deeper = RELATIVES[key].twin, RELATIVES[key].deeper
    frame = (np.eye(5) - 1 / 5) / 2
    for counts, etf, aligned, bias in (
        (equal, found.etf_equal, found.aligned_equal, found.bias_equal),
        (unequal, found.etf_unequal, found.aligned_unequal, found.bias_unequal),
    ):
        best = relative_optimum(key, counts, merger / 2)
        means = best.class_means() - best.class_means().mean(axis=1, keepdims=True)
        head = best.head() - best.head().mean(axis=0)
        centred = means.T @ means
        assert etf == pytest.approx(
            np.linalg.norm(centred / np.linalg.norm(centred) - frame), abs=1e-9
        )
        cosines = np.diagonal(head @ means)
        cosines = cosines / np.linalg.norm(head, axis=1) / np.linalg.norm(means, axis=0)
        assert aligned == pytest.approx(cosines.min(), abs=1e-9)
        change = np.linalg.norm(gram(relative_optimum(twin, counts, merger / 2)) - gram(best))
        assert bias == pytest.approx(change, abs=1e-6)
    best = relative_optimum(key, unequal, merger / 2)
    if deeper:
        change = np.linalg.norm(gram(relative_optimum(deeper, unequal, merger / 2)) - gram(best))
        assert found.depth_unequal == pytest.approx(change, abs=1e-9)
    last = relative_optimum(key, unequal, merger * (1 - 1e-5)).class_means()
    apart = np.linalg.norm(last[:, 2] - last[:, 3]) / np.linalg.norm(last, axis=0).max()
    assert found.before_merger == pytest.approx(apart, rel=1e-6)
    assert found.certificate == best.certificate
    assert found.spread < 1e-5
    assert abs(found.excess) < 1e-8


@pytest.mark.parametrize("key", RELATIVES)
def test_a_descent_with_free_features_ends_at_the_optimum(key):
    spread, excess = free_descent(key, [4, 3, 2], 0.04)
    assert 0 <= spread < 1e-5
    assert abs(excess) < 1e-8


def test_a_descent_says_how_far_features_are_from_their_means(monkeypatch):
    """By hand, of a search that stays where it starts."""
    starts = []

    def stay(function, start, **settings):
        starts.append(start)
        return SimpleNamespace(x=start, fun=function(start)[0])

    monkeypatch.setattr(table, "minimize", stay)
    spread, excess = free_descent("squared, no bias", [3, 1], 0.04)
    W, H = starts[0][:4].reshape(2, 2), starts[0][4:].reshape(2, 4)
    mean = H[:, :3].mean(axis=1)
    off = [np.linalg.norm(H[:, i] - mean) for i in range(3)]
    assert spread == pytest.approx(max(off) / max(np.linalg.norm(mean), np.linalg.norm(H[:, 3])))
    Y = np.eye(2)[:, [0, 0, 0, 1]]
    value = np.sum((W @ H - Y) ** 2) / 8 + 0.02 * np.sum(W**2) + 0.02 * np.sum(H**2)
    best = nc.global_minimizer(nc.Problem([3, 1], 1, bias=False, lambda_W=0.04, lambda_H=0.04))
    assert excess == pytest.approx(value / best.objective - 1)


@pytest.mark.parametrize("key", RELATIVES)
def test_a_relative_has_the_layers_and_the_bias_of_its_label(key):
    relative = RELATIVES[key]
    problem = relative.problem(EQUAL, 0.05)
    layers = 3 if "three layers" in relative.label else 1
    assert relative.depth == problem.depth == layers
    assert problem.lambda_W == (0.05,) * layers
    assert problem.lambda_H == 0.05
    assert relative.bias is ("no bias" not in relative.label)
    assert getattr(problem, "non_negative", False) is ("ReLU" in relative.label)
    if "penalised" in key:
        assert problem.lambda_b == 0.1


def test_twins_and_deeper_heads_are_each_others():
    for key, relative in RELATIVES.items():
        assert relative.key == key
        for other in (relative.twin, relative.deeper):
            if other is not None:
                assert other in RELATIVES
        if relative.twin and "penalised" not in key:
            assert RELATIVES[relative.twin].twin == key
            assert RELATIVES[relative.twin].bias != relative.bias
        if relative.deeper:
            assert RELATIVES[relative.deeper].deeper == key
            assert RELATIVES[relative.deeper].bias == relative.bias


def test_another_start_ends_at_the_same_place():
    one, other = (free_descent("squared, bias", [5, 4, 2], 0.05, seed) for seed in (1, 2))
    assert one != other
    assert max(*one, *other) < 1e-5


def test_portraits_follow_the_lambdas():
    lambdas = [0.001, 0.01, 0.1]
    for lam, seen in zip(lambdas, portraits_over("deep, bias", UNEQUAL, lambdas), strict=True):
        alive = relative_optimum("deep, bias", UNEQUAL, lam).alive
        assert np.linalg.matrix_rank(seen.means) == alive
