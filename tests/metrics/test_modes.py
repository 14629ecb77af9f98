"""The measured modes, against the optimum's own and against dense algebra."""

import numpy as np
import pytest
import torch

import nclib as nc
from nclib.metrics import MetricsAccumulator

COUNTS = (40, 25, 12, 5)
LABELS = np.repeat(np.arange(4), COUNTS)


def modes_of(features, labels, Ws, b=None, lambda_W1=1.0):
    accumulator = MetricsAccumulator(4, Ws, b)
    accumulator.update(features, labels)
    return accumulator.modes(lambda_W1)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("as_tensor", [False, True])
def test_at_the_minimiser_they_are_its_own_and_one_lambda_H(depth, bias, as_tensor):
    problem = nc.Problem(COUNTS, depth, bias=bias, lambda_W=0.03, lambda_H=0.001)
    best = nc.global_minimizer(problem)
    Ws, H_bar, b = best.weights()
    features = H_bar.T[LABELS]
    if as_tensor:
        features = torch.tensor(features)
    found = modes_of(features, LABELS, Ws, b, 0.03)
    assert 0 < found.alive == best.alive
    assert found.z == pytest.approx(best.z, abs=1e-10)
    assert found.lambda_H == pytest.approx(np.full(best.alive, 0.001), rel=1e-9)
    assert found.spread == pytest.approx(1.0, abs=1e-9)


def test_of_any_network_they_are_those_of_the_dense_product():
    rng = np.random.default_rng(3)
    features = rng.standard_normal((82, 6)) + rng.standard_normal(6)
    W_1, W_2, b = rng.standard_normal((5, 6)), rng.standard_normal((4, 5)), rng.standard_normal(4)
    found = modes_of(features, LABELS, [W_1, W_2], b, 0.2)
    means = np.stack([features[k == LABELS].mean(axis=0) for k in range(4)], axis=1)
    D = np.diag(np.sqrt(COUNTS))
    E = (means - features.mean(axis=0)[:, None]) @ D
    _, z, right = np.linalg.svd(W_2 @ W_1 @ E)
    assert found.z == pytest.approx(z, abs=1e-12)
    assert found.alive == 3  # the centre takes one direction of four
    for i in range(3):
        e = E @ right[i]
        u = e / np.sqrt(e @ e)
        assert found.lambda_H[i] == pytest.approx(0.2 * np.sum((W_1 @ u) ** 2) / (e @ e))
    assert found.spread == pytest.approx(max(found.lambda_H) / min(found.lambda_H))


@pytest.mark.parametrize("strongest", [0.1, 1.0, 10.0])
@pytest.mark.parametrize(("share", "alive"), [(0.02, 2), (0.005, 1)])
def test_what_is_below_a_hundredth_of_the_strongest_counts_as_dead(share, alive, strongest):
    labels = np.array([0, 1, 2, 3])
    W = strongest * np.diag([1.0, share, 0.0, 0.0])
    found = modes_of(np.eye(4), labels, W)
    assert found.z == pytest.approx(strongest * np.array([1, share, 0, 0]), abs=1e-15)
    assert found.alive == alive
    assert found.lambda_H.size == alive


def test_counts_say_how_often_a_class_is_counted():
    problem = nc.Problem(COUNTS, 1, lambda_W=0.03, lambda_H=0.001)
    best = nc.global_minimizer(problem)
    Ws, H_bar, b = best.weights()
    accumulator = MetricsAccumulator(4, Ws, b)
    # Every class as often: as of a loader that balances them.
    accumulator.update(H_bar.T, np.arange(4))
    found = accumulator.modes(0.03, COUNTS)
    assert found.z == pytest.approx(best.z, abs=1e-10)
    assert found.spread == pytest.approx(1.0, abs=1e-9)
    assert accumulator.effective_lambda_H(0.03, COUNTS) == pytest.approx(0.001, rel=1e-9)
    assert accumulator.modes(0.03).spread > 1.5
    with pytest.raises(ValueError, match="training_counts must be K = 4 whole numbers"):
        accumulator.modes(0.03, [3, 2, 1])


def test_with_no_mode_alive_nothing_is_measured():
    found = modes_of(np.zeros((82, 3)), LABELS, np.zeros((4, 3)))
    assert (found.alive, found.lambda_H.size) == (0, 0)
    assert np.isnan(found.spread)


def test_without_a_head_or_a_class_there_are_none():
    accumulator = MetricsAccumulator(4)
    accumulator.update(np.ones((82, 3)), LABELS)
    with pytest.raises(ValueError, match="give the accumulator one"):
        accumulator.modes(1.0)
    few = MetricsAccumulator(4, np.ones((4, 3)))
    few.update(np.ones((40, 3)), LABELS[:40])
    with pytest.raises(ValueError, match="no samples of class 1"):
        few.modes(1.0)
    with pytest.raises(ValueError, match="no samples of class 1"):
        few.class_means()


def test_the_head_that_was_set_stays_when_training_goes_on():
    W_1, W_2 = np.eye(4), np.eye(4)
    accumulator = MetricsAccumulator(4, [W_1, W_2])
    accumulator.update(np.eye(4)[LABELS], LABELS)
    before = accumulator.modes(1.0)
    W_1 *= 7
    assert accumulator.modes(1.0) == before
    assert accumulator.class_means() == pytest.approx(np.eye(4))
