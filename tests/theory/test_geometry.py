"""Class means and head as points, against explicit weights and hand-made angles."""

from __future__ import annotations

import numpy as np
import pytest

import nclib as nc


def product(Ws):
    P = Ws[0]
    for W in Ws[1:]:
        P = W @ P
    return P


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("n", [[5, 5, 5, 5], [60, 10, 10], [7, 100, 3, 100, 7, 1]])
def test_coordinates_are_the_weights_up_to_a_rotation(n, depth, bias):
    problem = nc.Problem(n, depth, bias=bias, lambda_W=2e-3, lambda_H=1e-3)
    best = nc.global_minimizer(problem)
    means, head = nc.mode_coordinates(best)
    Ws, H_bar, _ = best.weights(seed=5)
    P = product(Ws)
    np.testing.assert_allclose(means.T @ means, H_bar.T @ H_bar, atol=1e-11)
    np.testing.assert_allclose(head.T @ head, P @ P.T, atol=1e-11)
    np.testing.assert_allclose(head.T @ means, P @ H_bar, atol=1e-11)
    assert not means[best.alive :].any()
    assert not head[best.alive :].any()


def test_rows_are_the_modes():
    # Two classes of n each and a bias: one mode, in which the classes are opposite.
    best = nc.global_minimizer(nc.Problem([8, 8], 1, lambda_W=0.01, lambda_H=0.01))
    means, head = nc.mode_coordinates(best)
    assert means[0, 0] == pytest.approx(-means[0, 1])
    assert head[0, 0] == pytest.approx(-head[0, 1])
    np.testing.assert_array_equal(means[1], 0)
    np.testing.assert_array_equal(head[1], 0)


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
@pytest.mark.parametrize("K", [2, 3, 7])
def test_equal_counts_give_the_simplex_with_a_bias_and_right_angles_without(K, depth):
    simplex = np.full((K, K), -1 / (K - 1)) + np.eye(K) * K / (K - 1)
    for bias, expected in ((True, simplex), (False, np.eye(K))):
        problem = nc.Problem([50] * K, depth, bias=bias, lambda_W=1e-3, lambda_H=1e-4)
        best = nc.global_minimizer(problem)
        assert best.alive == K - bias
        for points in nc.mode_coordinates(best):
            np.testing.assert_allclose(nc.cosines(points), expected, atol=1e-12)
            lengths = np.linalg.norm(points, axis=0)
            np.testing.assert_allclose(lengths, lengths[0])


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_half_the_angle_between_two_rare_classes(depth):
    # n = (n_1, n_2, n_2): the tangent of half the angle is e_2 / e_1 * sqrt(N / n_1) with e the
    # singular values of the class means, worked out by hand from the two modes.
    n = np.array([60, 10, 10])
    problem = nc.Problem(n, depth, lambda_W=0.01, lambda_H=0.01)
    best = nc.global_minimizer(problem)
    means, _ = nc.mode_coordinates(best)
    e = best.feature_singular_values
    half = np.arctan(e[1] / e[0] * np.sqrt(80 / 60))
    assert nc.cosines(means)[1, 2] == pytest.approx(np.cos(2 * half), abs=1e-12)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_two_classes_have_lengths_in_the_inverse_ratio_of_their_counts(depth):
    problem = nc.Problem([90, 6], depth, lambda_W=1e-3, lambda_H=1e-3)
    means, _ = nc.mode_coordinates(nc.global_minimizer(problem))
    lengths = np.linalg.norm(means, axis=0)
    assert lengths[1] / lengths[0] == pytest.approx(90 / 6)


def test_cosines_of_known_angles():
    angles = np.radians([0, 60, 90, 180])
    vectors = np.array([np.cos(angles), np.sin(angles)]) * [1, 1e-3, 1e200, 1e-200]
    expected = np.cos(angles[:, None] - angles)
    np.testing.assert_allclose(nc.cosines(vectors), expected, atol=1e-15)


def test_cosines_never_leave_their_range():
    for size in range(2, 40):
        vectors = np.full((size, 4), 0.1) * [1, 1, -1, -3]
        assert np.abs(nc.cosines(vectors)).max() <= 1


def test_a_zero_vector_has_no_direction():
    result = nc.cosines([[0.0, 2.0], [0.0, 1.0]])
    assert np.isnan(result[0]).all()
    assert np.isnan(result[:, 0]).all()
    assert result[1, 1] == pytest.approx(1)


@pytest.mark.parametrize("bad", [[1.0, 2.0], [[np.nan, 1.0]], [[np.inf, 1.0]], 3.0])
def test_cosines_refuse_what_is_no_matrix_of_numbers(bad):
    with pytest.raises(ValueError, match="vectors must be a matrix"):
        nc.cosines(bad)


def test_no_vectors_have_no_angles():
    assert nc.cosines(np.zeros((3, 0))).shape == (0, 0)
    assert np.isnan(nc.cosines(np.zeros((2, 2)))).all()


@pytest.mark.parametrize("bad", [np.ones((2, 2, 2)), np.ones(3), [[1.0, -np.inf], [0.0, 1.0]]])
def test_cosines_refuse_other_shapes_and_what_is_not_finite(bad):
    with pytest.raises(ValueError, match="vectors must be a matrix of finite numbers"):
        nc.cosines(bad)


def test_vectors_without_entries_have_no_direction():
    np.testing.assert_array_equal(nc.cosines(np.empty((0, 2))), np.full((2, 2), np.nan))
