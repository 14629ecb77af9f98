"""Where training counts as diverged, what the bar shows, and defaults as they are described."""

import inspect
import re

import numpy as np
import pytest
from small_runs import blobs, config

from nclib.training import engine
from nclib.training.engine import DivergenceError, train
from nclib.training.experiments import paper_figure, run
from nclib.training.loss_runs import loss_runs
from nclib.training.tensors import to_tensors


@pytest.mark.parametrize("function", [train, run, paper_figure, loss_runs, to_tensors])
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
