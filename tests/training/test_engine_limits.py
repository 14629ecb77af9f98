"""Where training counts as diverged, what the bar shows, and defaults as they are described."""

import inspect
import re

import numpy as np
import pytest
import torch
from small_runs import blobs, config

from nclib import CrossEntropy, SquaredError
from nclib.theory import Sampling
from nclib.training import engine
from nclib.training.engine import DivergenceError, train
from nclib.training.experiments import paper_figure, run
from nclib.training.loss_runs import loss_runs
from nclib.training.networks import MLP, ConvNet, Head, make_network
from nclib.training.tensors import to_tensors


@pytest.mark.parametrize(
    "function",
    [train, run, paper_figure, loss_runs, to_tensors, make_network, MLP, ConvNet, Head],
)
def test_defaults_are_those_described(function):
    said = dict(re.findall(r"(?m)^    (\w+) : .*\bdefault (.+)$", function.__doc__))
    plain = {
        name: one.default
        for name, one in inspect.signature(function).parameters.items()
        if one.default not in (inspect.Parameter.empty, None)
    }
    assert said
    for name, words in said.items():
        default = plain.pop(name)
        described = eval(words, {})
        assert tuple(default) == described if name in ("depths", "seeds") else default == described
    # "As for" another function.
    assert set(plain) <= {"download"}


STILL = {"learning_rate": 1e-30, "epochs": 1}


@pytest.mark.parametrize("size", [7, 60])
def test_the_loss_that_diverges_is_the_mean_over_all_samples(size, monkeypatch):
    settings = {"depth": 1, "batch_size": size, "dtype": "float64", "lambda_H": 0.01} | STILL
    first = train(config(**settings), *blobs(), progress=False).history[0]
    monkeypatch.setattr(engine, "_DIVERGED", 1e-9)
    loss = first["fit"] + first["penalty_H"]
    with pytest.raises(DivergenceError, match=rf"epoch 1: the loss is {loss:.3g};"):
        train(config(**settings), *blobs(), progress=False)


def test_many_samples_do_not_diverge():
    x, y = blobs((900, 700, 500))
    result = train(config(depth=1, width=4, batch_size=1050, **STILL), x, y, progress=False)
    assert result.final["epoch"] == 1


def test_what_diverges_is_above_the_first_objective(monkeypatch):
    settings = {"depth": 1, "lambda_W": 1.0, "head_scale": 2, "epochs": 30, "evaluations": 30}
    quick = config(**settings, learning_rate=0.02)
    history = train(quick, *blobs(), progress=False).history
    losses = [entry["fit"] + entry["penalty_H"] for entry in history]
    # Of the last objectives a quarter is less than the loss, and of the first it is more.
    assert 0.25 * history[0]["objective"] > max(losses)
    assert 0.25 * max(0.5, history[6]["objective"]) < losses[6]
    monkeypatch.setattr(engine, "_DIVERGED", 0.25)
    assert train(quick, *blobs(), progress=False).final["epoch"] == 30


def test_the_bar_shows_the_last_objective(capsys):
    final = train(config(), *blobs()).final
    shown = capsys.readouterr().err
    assert f"objective {final['objective']:.5g}, gap {final['gap']:.1e}" in shown


def test_a_network_is_trained_on_each_of_its_layers():
    result = train(config(depth=2, epochs=3), *blobs(), progress=False)
    start = train(config(depth=2, **STILL), *blobs(), progress=False)
    after = dict(result.network.named_parameters())
    for name, before in start.network.named_parameters():
        assert not np.array_equal(before.detach().numpy(), after[name].detach().numpy()), name


@pytest.mark.parametrize("shape", [(8, 8), (3, 9, 5)])
def test_a_convolutional_backbone_is_as_described(shape):
    network = make_network(shape, 4, backbone="conv", depth=1, feature_dim=7)
    colours = shape[0] if len(shape) == 3 else 1
    kernels = [tuple(kernel.shape) for kernel in network.backbone.kernels]
    assert kernels == [(32, colours, 3, 3), (64, 32, 3, 3), (128, 64, 3, 3)]
    # The second and the third convolution halve the image, rounded up.
    height, width = (-(-size // 4) for size in shape[-2:])
    assert network.backbone.weight.shape == (7, 128 * height * width)
    logits, features = network(torch.zeros(5, *shape))
    assert (tuple(logits.shape), tuple(features.shape)) == ((5, 4), (5, 7))


def test_the_papers_backbone_has_six_maps():
    network = make_network((8,), 3, depth=2, width=5, feature_dim=4)
    shapes = [tuple(weight.shape) for weight in network.backbone.weights]
    assert shapes == [(5, 8), *[(5, 5)] * 4, (4, 5)]
    assert [bias.shape[0] for bias in network.backbone.biases] == [5, 5, 5, 5, 5, 4]
    assert [tuple(weight.shape) for weight in network.head.weights] == [(5, 4), (3, 5)]


def alive(values, **settings):
    """Count the modes of a prediction with these singular values; counts are 30, 20 and 9."""
    trainer = engine._Trainer(config(**settings), *blobs(), None, torch.device("cpu"))
    return trainer.evaluator._alive({"features": [], "prediction": values})


@pytest.mark.parametrize(
    ("settings", "cut"),
    [
        # A hundredth of a logit of the most frequent class.
        ({"depth": 1, "loss": CrossEntropy()}, 0.01 * 30**0.5),
        ({"depth": 1, "loss": CrossEntropy(), "bias": False}, 0.01 * 30**0.5),
        # Half of the least share, (L - 1)/2L, of the rarest class, and of labels as smoothed.
        ({"depth": 3, "loss": SquaredError(None, 0.1)}, 0.9 * 3 / 6),
        ({"depth": 3, "loss": SquaredError((1, 2, 3)), "bias": False}, 3 / 6),
        ({"depth": 1, "loss": SquaredError(None, 0.1)}, 0.9 * 3 / 1000),
        ({"depth": 1, "sampling": Sampling("balanced"), "bias": False}, (59 / 3) ** 0.5 / 1000),
    ],
)
def test_from_where_on_modes_of_other_objectives_are_alive(settings, cut):
    most = 3 - settings.get("bias", True)
    for number in range(4):
        values = [1.02 * cut] * number + [0.98 * cut] * (3 - number)
        assert alive(values, **settings) == min(number, most)


@pytest.mark.parametrize(("d", "bias", "most"), [(1, True, 1), (2, True, 2), (2, False, 2),
                                                 (3, True, 2), (3, False, 3)])  # fmt: skip
def test_no_more_modes_can_be_alive_than_the_features_have_directions(d, bias, most):
    assert alive([99.0] * 3, depth=1, feature_dim=d, bias=bias) == most
