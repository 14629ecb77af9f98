"""What a history holds, against the network that it is of, and decays while they rise."""

import logging

import numpy as np
import pytest
import torch
from small_runs import COUNTS, blobs, config

from nclib.training import engine
from nclib.training.engine import chosen_device, history_epochs, train


def trained(**settings):
    return train(config(**settings), *blobs(), progress=False)


@pytest.mark.parametrize(
    ("epochs", "evaluations", "expected"),
    [
        (100, 1, [0, 100]),
        (100, 2, [0, 1, 100]),
        (100, 3, [0, 1, 10, 100]),
        (1, 1, [0, 1]),
        (2, 60, [0, 1, 2]),
    ],
)
def test_epochs_are_spaced_evenly_by_their_logarithms(epochs, evaluations, expected):
    assert history_epochs(epochs, evaluations) == expected


def test_an_entry_has_the_rates_of_its_epoch():
    settings = {"schedule": "cosine", "lambda_warmup": 0.5, "epochs": 4, "evaluations": 60}
    run = trained(**settings)
    assert run.epochs.tolist() == [0, 1, 2, 3, 4]
    rates = [1e-3 * (1 + np.cos(np.pi * i / 4)) / 2 for i in range(5)]
    assert run.curve("learning_rate") == pytest.approx(rates, abs=1e-12)
    assert run.curve("lambda_factor") == pytest.approx([1e-3, 1e-3**0.5, 1, 1, 1])
    assert run.history[0]["seconds"] == 0
    assert (np.diff(run.curve("seconds")) >= 0).all()


@pytest.mark.parametrize("settings", [{}, {"depth": 1}, {"bias": False}, {"feature_dim": 2}])
def test_singular_values_are_those_of_the_network(settings):
    run = trained(dtype="float64", learning_rate=0.01, epochs=20, **settings)
    x, y = blobs()
    with torch.no_grad():
        logits, features = run.network(torch.tensor(x))
        product = run.network.head.product().numpy()
    D = np.sqrt(np.array(COUNTS))
    means = np.stack([features.numpy()[y == k].mean(axis=0) for k in range(3)], axis=1)
    found = run.final["singular_values"]
    assert len(found["features"]) == len(found["product"]) == 3
    for name, matrix in (
        ("features", means * D),
        ("product", product),
        ("prediction", product @ means * D),
    ):
        values = np.zeros(3)
        own = np.linalg.svd(matrix, compute_uv=False)[:3]
        values[: own.size] = own
        assert found[name] == pytest.approx(values.tolist(), rel=1e-8, abs=1e-12)
    if run.config.bias:
        # Without the bias: it is far from 0 by now.
        assert run.network.head.b.abs().max() > 0.01
    assert run.final["train_accuracy"] == np.mean(logits.argmax(dim=1).numpy() == y)


@pytest.mark.parametrize("lambda_b", [0.0, 0.3, 2.0])
def test_all_penalties_rise_and_the_decay_of_the_backbone_does_not(lambda_b):
    settings = config(depth=1, lambda_b=lambda_b, lambda_warmup=0.5, weight_decay=0.25)
    run = engine._Trainer(settings, *blobs(), None, torch.device("cpu"))
    for done, factor in ((0.0, 1e-3), (0.25, 1e-3**0.5), (0.5, 1.0), (1.0, 1.0)):
        run._set_rates(done)
        decays = {
            id(p): group["weight_decay"]
            for group in run.optimizer.param_groups
            for p in group["params"]
        }
        head = run.network.head
        assert decays[id(head.b)] == pytest.approx(factor * lambda_b)
        assert [decays[id(W)] for W in head.weights] == pytest.approx([factor * 0.01])
        assert {decays[id(p)] for p in run.network.backbone.parameters()} == {0.25}


def test_where_nothing_has_changed_nothing_is_said_of_the_machine(tmp_path, caplog):
    options = {"checkpoints": tmp_path, "progress": False}
    train(config(epochs=1), *blobs(), **options)
    with caplog.at_level(logging.WARNING):
        train(config(epochs=1), *blobs(), resume=True, **options)
    assert not caplog.text


def test_a_checkpoint_is_written_at_the_end_and_when_it_is_due(tmp_path):
    run, samples = config(epochs=4), blobs()
    seen = {}
    for name, options in (("end", {}), ("every other", {"checkpoint_epochs": 2})):
        folder = tmp_path / name
        train(run, *samples, checkpoints=folder, progress=False, **options)
        seen[name] = sorted(path.name for path in folder.glob("*.pt"))
    assert seen["end"] == ["epoch-00000004.pt"]
    assert seen["every other"] == ["epoch-00000002.pt", "epoch-00000004.pt"]


def test_the_device_is_the_best_that_is_there(monkeypatch):
    for cuda, mps, best in (
        (False, False, "cpu"),
        (False, True, "mps"),
        (True, False, "cuda"),
        (True, True, "cuda"),
    ):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=cuda: there)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda there=mps: there)
        assert chosen_device().type == best
        assert chosen_device("cpu").type == "cpu"


def test_after_an_epoch_of_a_graph_the_rates_are_numbers_that_a_checkpoint_can_hold():
    run = engine._Trainer(config(depth=1), *blobs(), None, torch.device("cpu"))
    run._as_graph().run(torch.arange(run.problem.N), 0)
    for group in run.optimizer.param_groups:
        assert isinstance(group["lr"], float)
        assert isinstance(group["weight_decay"], float)
