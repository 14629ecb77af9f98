"""The table of properties, cell by cell, and descents in which nothing is collapsed beforehand."""

import numpy as np
import pytest

import nclib as nc
from nclib.theory.related import RELATIVES, free_descent, portraits_over, relative_optimum, traits

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
