"""A network that is put at the optimum: what is said of it, and of one with something wrong."""

import math
import warnings

import numpy as np
import pytest
import torch
from torch import nn

import nclib as nc
from nclib.training.monitor import Monitor

COUNTS = (40, 15, 5)
N, K = sum(COUNTS), 3
LABELS = torch.repeat_interleave(torch.arange(K), torch.tensor(COUNTS))
LAM = 0.5 * math.sqrt(5) / N

pytestmark = pytest.mark.usefixtures("one_thread", "no_warnings")


class Features(nn.Module):
    """Free features under a linear head."""

    def __init__(self, Ws, H, b):
        super().__init__()
        self.h = nn.Parameter(torch.tensor(H.T)[LABELS].clone())
        layers = []
        for i, W in enumerate(Ws):
            bias = b is not None and i == len(Ws) - 1
            layer = nn.Linear(W.shape[1], W.shape[0], bias=bias).double()
            with torch.no_grad():
                layer.weight.copy_(torch.tensor(W))
                if bias:
                    layer.bias.copy_(torch.tensor(b))
            layers.append(layer)
        self.head = nn.Sequential(*layers)

    def forward(self, rows):
        return self.head(self.h[rows])


def half_squares(z, y):
    return (z - nn.functional.one_hot(y, K)).square().sum() / 2 / N


def watched(model):
    """Watch one step that moves nothing, with the objective of the theory."""
    groups = [
        {"params": [layer.weight for layer in model.head], "weight_decay": LAM},
        {"params": [p for name, p in model.named_parameters() if not name.endswith("weight")]},
    ]
    optimizer = torch.optim.SGD(groups, lr=1e-12)
    rows = torch.arange(N)
    with Monitor(model, COUNTS, optimizer=optimizer, head="head") as monitor:
        for x, y in monitor.watch([(rows, LABELS)]):
            optimizer.zero_grad()
            loss = half_squares(model(x), y) + LAM / 2 * model.h.square().sum()
            torch.autograd.backward(loss)
            optimizer.step()
    return monitor


def at_the_optimum(depth=1, bias=True):
    problem = nc.Problem(COUNTS, depth, bias=bias, lambda_W=LAM, lambda_H=LAM)
    best = nc.global_minimizer(problem)
    return best, Features(*best.weights())


@pytest.mark.parametrize(("depth", "bias"), [(1, True), (1, False), (2, False)])
def test_of_the_optimum_the_theory_speaks_and_is_right(depth, bias):
    best, model = at_the_optimum(depth, bias)
    monitor = watched(model)
    row = monitor.history[-1]
    assert monitor.validity.answer == "applies"
    assert row["lambda_H"] == pytest.approx(LAM, rel=1e-4)
    assert row["rest"] < 1e-3
    assert abs(row["gap"]) < 1e-5
    assert row["within"] < 1e-6
    assert row["alive"] == row["alive_optimum"] == best.alive
    seen = monitor.observation
    assert (seen.contradicted, seen.on_edge, seen.lost_modes) == ((), (), 0)
    prediction = monitor.prediction
    assert prediction.alive == best.alive
    report = monitor.report()
    assert "The theory applies to this network." in report
    assert all(line in report for line in [*prediction.verdict(), *prediction.advice()])


def test_classes_that_are_wrong_against_the_optimum_are_named():
    _, model = at_the_optimum(bias=False)
    with torch.no_grad():
        model.head[0].weight.copy_(model.head[0].weight[[1, 0, 2]])
    monitor = watched(model)
    assert monitor.observation.contradicted == ("0", "1")
    assert monitor.validity.answer != "applies"
    assert monitor.prediction is None
    assert "mostly wrong: 0 (40 samples), 1 (15 samples)" in monitor.report()


def without_the_weakest_mode(depth):
    best, model = at_the_optimum(depth, bias=False)
    directions = torch.linalg.svd(model.h.T, full_matrices=False)[0][:, : best.alive - 1]
    keep = directions @ directions.T
    with torch.no_grad():
        model.h.copy_(model.h @ keep)
        model.head[0].weight.copy_(model.head[0].weight @ keep)
    return best, model


@pytest.mark.parametrize("depth", [1, 2])
def test_only_a_deep_head_can_have_lost_a_mode(depth):
    best, model = without_the_weakest_mode(depth)
    monitor = watched(model)
    assert monitor.modes.alive == best.alive - 1
    assert monitor.observation.lost_modes == (depth > 1)


def test_after_a_relu_one_layer_can_have_lost_a_mode():
    best, _ = at_the_optimum(bias=False)
    Ws, H, _ = best.weights()
    sizes = np.linalg.norm(H, axis=0)
    assert best.alive == K
    for kept, relu, lost in ((K, True, 0), (K - 1, True, 1), (K - 1, False, 0)):
        features = np.diag(sizes)[:, :K] * (np.arange(K) < kept)
        W = np.diag(np.linalg.norm(Ws[0], axis=1) * (np.arange(K) < kept))
        if not relu:
            # The same network in other directions, where not all features are positive.
            Q = np.linalg.qr(np.random.default_rng(0).standard_normal((K, K)))[0]
            features, W = Q @ features, W @ Q.T
        monitor = watched(Features([W], features, None))
        assert monitor.modes.alive == kept
        assert monitor.observation.lost_modes == lost


def test_of_one_sample_nothing_is_said():
    head = nn.Linear(4, K)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Monitor(head, COUNTS, lambda_W=LAM) as monitor:
            monitor.begin_epoch()
            monitor.begin_batch((None, LABELS[:1]))
            head(torch.tensor([[1.0, -1.0, 2.0, -3.0]]))
            monitor.end_batch()


def test_of_more_than_100_counts_an_evaluation_knows_what_is_near_the_edge():
    classes = 101
    torch.manual_seed(0)
    counts = range(classes, 0, -1)
    y = torch.repeat_interleave(torch.arange(classes), torch.tensor(counts))
    h, head = 0.01 * torch.randn(len(y), 2), nn.Linear(2, classes)
    options = {"lambda_W": 1.0, "lambda_H": 1e3, "loss": nc.CrossEntropy()}
    with Monitor(head, counts, **options) as monitor:
        monitor.evaluate([(h, y)])
    assert monitor.minimizer.alive == 0 < monitor.modes.alive
    assert monitor.observation.on_edge == ()
