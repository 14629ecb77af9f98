"""Portraits of optima, against the metrics of the balanced literature on the same points."""

import numpy as np
import pytest

import nclib as nc
from nclib.metrics import balanced_metrics
from nclib.theory.related import (
    RELATIVES,
    MaxMarginGeometry,
    Portrait,
    max_margin_portrait,
    portrait,
    rare_merger,
    relative_optimum,
)

STEP = nc.ClassCounts([300, 300, 300, 30, 30, 30])
EQUAL = nc.ClassCounts([40] * 5)


@pytest.mark.parametrize("key", RELATIVES)
def test_a_portrait_is_what_the_metrics_say_of_its_points(key):
    for counts, lam in ((STEP, 2e-3), (EQUAL, 5e-3)):
        best = relative_optimum(key, counts, lam)
        seen = portrait(best)
        means, head = best.class_means(), best.head()
        found = balanced_metrics(
            means.T, np.arange(counts.K), [head], seen.head[:, 0] * 0, center="classes"
        )
        assert found["etf_means"] == pytest.approx(seen.etf_error, abs=1e-9)
        rows = head - head.mean(axis=0)
        columns = means - means.mean(axis=1, keepdims=True)
        for k in range(counts.K):
            by_hand = rows[k] @ columns[:, k]
            by_hand /= np.linalg.norm(rows[k]) * np.linalg.norm(columns[:, k])
            assert seen.alignment[k] == pytest.approx(by_hand, abs=1e-12)
        assert seen.mean_lengths == pytest.approx(np.linalg.norm(means, axis=0), rel=1e-12)
        assert seen.head_lengths == pytest.approx(np.linalg.norm(head, axis=1), rel=1e-12)


def test_a_vector_of_rounding_has_no_direction():
    best = relative_optimum("squared, no bias", STEP, 0.006)
    seen = portrait(best)
    dead = STEP.n == 30
    assert np.isnan(seen.mean_cosines[dead]).all()
    assert np.isnan(seen.head_cosines[dead]).all()
    assert seen.merged.tolist() == dead.tolist()
    nothing = portrait(relative_optimum("squared, bias", STEP, 1.0))
    assert np.isnan(nothing.etf_error)
    assert np.isnan(nothing.alignment).all()


@pytest.mark.parametrize("key", RELATIVES)
def test_rare_classes_merge_where_the_theorems_say(key):
    """n_g = N^2 lambda^2 with one layer; the law of Theorem 4.3 with three."""
    N, n, K = STEP.N, 30, STEP.K
    expected = np.sqrt(n) / N
    if key == "cross-entropy, ReLU":
        expected = np.sqrt(n * (K - 1) / K) / N
    if RELATIVES[key].depth == 3:
        # L^2 N (N lambda^(L+1))^(1/L) = n (L-1)^((L-1)/L)
        expected = ((n * 2 ** (2 / 3) / (9 * N)) ** 3 / N) ** (1 / 4)
    assert rare_merger(key, STEP) == pytest.approx(expected, rel=1e-6)


def test_large_counts_merge_by_the_law_of_deep_heads_as_well():
    """There at a lambda above the root of the count over N: 3 layers, as in the test before."""
    n, N = 10**6, 3 * 10**6
    expected = ((n * 2 ** (2 / 3) / (9 * N)) ** 3 / N) ** (1 / 4)
    assert expected > 2 * np.sqrt(n) / N
    assert rare_merger("deep, no bias", [n] * 3) == pytest.approx(expected, rel=1e-8)


def test_a_simplex_of_tiny_vectors_in_the_plane():
    angles = 2 * np.pi * np.arange(3) / 3
    corners = np.stack([np.cos(angles), np.sin(angles)])
    seen = Portrait(1e-20 * corners, 3 * corners.T, np.ones(3), np.zeros(3, dtype=bool))
    assert seen.K == 3
    assert seen.etf_error < 1e-15
    assert seen.alignment == pytest.approx(1.0)
    assert seen.mean_cosines[0] == pytest.approx([1, -0.5, -0.5])


@pytest.mark.parametrize(("length", "points"), [(1e-13, False), (1e-11, True)])
def test_what_is_far_shorter_than_the_longest_has_no_direction(length, points):
    means = np.array([[1.0, length], [0.0, length]])
    seen = Portrait(means, means.T, np.ones(2), np.zeros(2, dtype=bool))
    assert np.isfinite(seen.mean_cosines[1]).all() == points
    assert np.isfinite(seen.head_cosines[1]).all() == points


@pytest.mark.parametrize("n", [(9, 4, 4, 1), (5, 5, 5)])
def test_the_portrait_where_penalties_vanish_has_the_product_of_the_geometry(n):
    geometry = MaxMarginGeometry(n)
    seen = max_margin_portrait(geometry)
    product = seen.head @ seen.means * np.sqrt(n)
    np.testing.assert_allclose(product, (np.eye(len(n)) - 1 / len(n)) * np.sqrt(n), atol=1e-13)
    np.testing.assert_allclose(seen.means.T @ seen.means, geometry.mean_gram, atol=1e-13)
    np.testing.assert_allclose(seen.head @ seen.head.T, geometry.head_gram, atol=1e-13)


def test_what_is_no_relative_is_named():
    with pytest.raises(ValueError, match=r"key must be one of 'squared, no bias', .*; got 'LDAM'"):
        relative_optimum("LDAM", STEP, 0.1)
    with pytest.raises(ValueError, match="counts must have two classes of the smallest count"):
        rare_merger("squared, bias", [5, 5, 3, 3, 1])
    with pytest.raises(TypeError, match="minimizer must be"):
        portrait(3)
