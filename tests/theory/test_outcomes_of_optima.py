"""What every optimum offers, on closed forms: along its modes, as an accuracy, and in groups."""

import numpy as np
import pytest

import nclib as nc
from nclib.theory.optimum import Factors, TrainingAccuracy, class_outcomes


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("depth", [1, 3])
def test_along_its_modes_head_and_means_are_as_in_any_coordinates(depth, bias):
    """``U' P`` and ``Hbar diag(w) V``: their product is that of the matrices, whatever w is."""
    n = np.array([9, 2, 5, 5, 2, 2])
    best = nc.global_minimizer(nc.Problem(n, depth, bias=bias, lambda_W=0.02, lambda_H=0.02))
    U, V = (np.asarray(basis @ np.eye(6)) for basis in best.modes)
    P, means = best.head(), best.class_means()
    for weight in (np.sqrt(n), np.ones(6), np.arange(1.0, 7.0), np.sqrt([9, 2, 5, 5, 2, 3])):
        head, along = best.along_modes(weight)
        np.testing.assert_allclose(head @ along, U.T @ P @ means @ np.diag(weight) @ V, atol=1e-12)
        np.testing.assert_allclose(head @ head.T, U.T @ P @ P.T @ U, atol=1e-12)
        weighted = means @ np.diag(weight)
        np.testing.assert_allclose(along.T @ along, V.T @ weighted.T @ weighted @ V, atol=1e-11)
    assert best.shares_modes
    head, along = best.along_modes(np.sqrt(n))
    np.testing.assert_array_equal(head, np.diag(np.diag(head)))
    np.testing.assert_array_equal(along, np.diag(np.diag(along)))


def test_accuracies_are_equal_where_all_of_their_numbers_are():
    one, again = (TrainingAccuracy(0.5, np.array([1.0, 0.0])) for _ in range(2))
    assert one == again
    assert (one != again) is False
    assert hash(one) == hash(again)
    for overall, per_class in ((0.5, [0.0, 1.0]), (0.25, [1.0, 0.0]), (0.5, [1.0])):
        other = TrainingAccuracy(overall, np.array(per_class))
        assert one != other
    # Another tuple, too, is compared without asking an array whether it is true.
    for other in ("0.5", (0.5, 1.0), (0.5, np.array([1.0, 0.0]))):
        assert one != other
        assert (one == other) is False


@pytest.mark.parametrize("bias", [True, False])
def test_of_many_groups_a_width_cuts_one(bias):
    """Three hundred counts are worked on in two blocks; the last has the head and the tail."""
    n = np.concatenate([np.arange(1300, 1000, -1), [500] * 4])
    width = 302 - bias
    problem = nc.Problem(n, 2, bias=bias, lambda_W=2e-5, lambda_H=2e-5, widths=(width, 400))
    best = nc.global_minimizer(problem)
    assert best.alive == width
    outcomes = class_outcomes(best)
    assert outcomes.size.tolist() == [1] * 300 + [2, 2]
    Z = best.head() @ best.class_means() + (best.b[:, None] if bias else 0)
    np.testing.assert_allclose(outcomes.own_logit[outcomes.group], np.diag(Z), atol=1e-11)
    np.fill_diagonal(Z, -np.inf)
    np.testing.assert_allclose(outcomes.rival_logit[outcomes.group], Z.max(axis=0), atol=1e-11)
    right = outcomes.right[outcomes.group]
    assert (right[:302] == 1).all()
    assert (right[302:] < 1).all()
    assert outcomes.classes_right == 302
    assert outcomes.classes_merged == 2
    logits = best.logits()
    np.fill_diagonal(logits, -np.inf)
    np.testing.assert_allclose(logits, Z, atol=1e-11)


def test_without_a_bias_all_answers_but_the_own_are_zero_for_any_slice_of_groups():
    problem = nc.Problem([9, 5, 2, 2], 1, bias=False, lambda_W=0.01, lambda_H=0.01)
    groups = nc.global_minimizer(problem).groups
    for chosen, rows in ((slice(0, 3), 3), (slice(1, 3), 2), (slice(2, 3), 1)):
        np.testing.assert_array_equal(groups.rows(chosen), np.zeros((rows, 3)))


@pytest.mark.parametrize(
    ("alive", "means"),
    [(0, ["are 0", "are 0"]), (1, ["apart", "share one"]), (2, ["apart", "apart"])],
)
def test_a_class_alone_with_its_count_stands_apart_while_a_mode_between_counts_lives(alive, means):
    """Of 60, 10 and 10 samples kappa is sqrt(22.5) between the counts and sqrt(10) within one."""
    lam = (5.0, 4.0, 3.0)[alive] / 80
    best = nc.global_minimizer(nc.Problem([60, 10, 10], 1, lambda_W=lam, lambda_H=lam))
    assert best.alive == alive
    assert [best._groups.means(group) for group in range(2)] == means


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_a_product_is_shared_so_that_all_of_its_factors_pay_alike(depth):
    """A mode that is 0 costs nothing, and one of size 0.3 is no more alive than one of 2."""

    class Given(Factors):
        problem = nc.Problem([3, 2, 1], depth, lambda_W=[0.2, 0.5, 3, 2][:depth], lambda_H=0.1)
        singular_values = np.array([2.0, 0.3, 0.0])

    found = Given()
    layers, features = found.layer_singular_values, found.feature_singular_values
    assert layers.shape == (depth, 3)
    np.testing.assert_allclose(layers.prod(axis=0) * features, [2.0, 0.3, 0.0], rtol=1e-14)
    np.testing.assert_allclose(found.product_singular_values, layers.prod(axis=0), rtol=1e-14)
    for lam, values in zip(found.problem.lambda_W, layers, strict=True):
        np.testing.assert_allclose(lam * values**2, 0.1 * features**2, rtol=1e-14)
    assert found.alive == 2
    assert found.survives.tolist() == [True, True, False]
