"""What the name of an experiment says, what figures are of, and when a run is within its aims."""

import math
from dataclasses import replace

import numpy as np
import pytest

import nclib as nc
from nclib import CrossEntropy, SquaredError
from nclib.theory import Sampling
from nclib.training.config import TrainingConfig
from nclib.training.experiment import Experiment, hash_of, optimum_of, reached_minimum
from nclib.training.history import WithHistory
from nclib.training.paper import AIMS, LAMBDA_H, LAMBDA_W, SCALES, paper_figure


def experiment(data="digits", names=None, **settings):
    basic = {"depth": 2, "lambda_W": 5e-4, "lambda_H": 1e-5, "width": 64, "epochs": 10}
    config = TrainingConfig(**(basic | settings))
    return Experiment(data, nc.ClassCounts([30, 20], names), config)


# ---------------------------------------------------------------- names


PLAIN = "digits-50of2-L2-bias-W0.0005-H1e-05-w64-e10-s0"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, ""),
        ({"loss": CrossEntropy()}, "-ce"),
        ({"loss": SquaredError((1, 2))}, "-mse-weights"),
        ({"loss": CrossEntropy((1, 2), 0.1)}, "-ce-weights-smooth0.1"),
        ({"loss": CrossEntropy(adjustment=1)}, "-ce-adjust1"),
        ({"loss": CrossEntropy(adjustment=(1, 2))}, "-ce-adjusted"),
        ({"loss": CrossEntropy(margins=(1, 2))}, "-ce-margins"),
        ({"loss": CrossEntropy(logit_factors=(1, 2))}, "-ce-logitfactors"),
        ({"loss": CrossEntropy(sample_factors=(1, 2))}, "-ce-samplefactors"),
        ({"sampling": Sampling("balanced")}, "-mse-balanced"),
        ({"sampling": Sampling((1, 2), "fixed")}, "-mse-sampled-fixedH"),
        ({"lambda_b": 0.25}, "-mse-b0.25"),
        ({"lambda_warmup": 0.5}, "-warmup0.5"),
        ({"backbone": "conv"}, "-backbone-conv"),
        ({"head": "relu", "dtype": "float64"}, "-head-relu-dtype-float64"),
        ({"head_scale": 2}, "-headscale2"),
        ({"last_relu": True}, "-lastrelu"),
    ],
)
def test_a_name_says_what_is_not_usual_and_no_more(settings, words):
    name, _, digits = experiment(**settings).name.rpartition("-")
    assert name == PLAIN.replace("-s0", f"{words}-s0")
    assert len(digits) == 10


def test_a_name_may_leave_depth_and_seed_to_others():
    assert "-".join(experiment().readable_parts()) == PLAIN
    assert "-".join(experiment().readable_parts(seed=False)) == PLAIN.removesuffix("-s0")
    assert "-".join(experiment().readable_parts(depth=False)) == PLAIN.replace("-L2", "")


@pytest.mark.parametrize(
    ("lambda_W", "part"),
    [
        ((0.1, 0.1, 0.1, 0.1, 0.1), "W0.1"),
        ((0.1, 0.2, 0.1), "W0.1-0.2"),
        ((0.1, 0.2, 0.3), "W0.1-0.2-0.3"),
        ((0.1, 0.2, 0.3, 0.4), "W0.1-to-0.4"),
        ((0.5, 0.2, 0.3, 0.4, 0.6), "W0.5-to-0.6"),
    ],
)
def test_up_to_three_penalties_are_named(lambda_W, part):
    assert part in experiment(depth=len(lambda_W), lambda_W=lambda_W).readable_parts()


def test_200_bytes_of_a_name_can_be_read():
    long = experiment(data="a" * 300)
    assert long.name == f"{'a' * 200}-{hash_of(long.identity())[:10]}"


def test_a_hash_is_of_the_content_and_not_of_its_order():
    assert hash_of({"a": 1, "b": 2}) == hash_of({"b": 2, "a": 1}) != hash_of({"a": 2, "b": 1})
    with pytest.raises(ValueError, match="JSON"):
        hash_of(math.nan)


def test_names_of_classes_are_stored_where_there_are_some():
    assert "names" not in experiment().to_dict()
    named = experiment(names=["cat", "dog"])
    assert named.to_dict()["names"] == ["cat", "dog"]
    assert Experiment.from_dict(named.to_dict()).counts.names == ("cat", "dog")


@pytest.mark.parametrize("config", [None, {"depth": 1}])
def test_a_config_is_one(config):
    with pytest.raises(TypeError, match="config must be a TrainingConfig"):
        replace(experiment(), config=config)


# ---------------------------------------------------------------- optima


def test_an_experiment_has_the_optimum_of_its_problem():
    paper = experiment(depth=1)
    problem = nc.Problem([30, 20], 1, lambda_W=5e-4, lambda_H=1e-5)
    assert paper.minimizer.objective == nc.global_minimizer(problem).objective
    other = experiment(depth=1, loss=CrossEntropy())
    wanted = nc.LossProblem([30, 20], CrossEntropy(), lambda_W=5e-4, lambda_H=1e-5)
    assert other.optimum.objective == nc.loss_minimizer(wanted).objective
    with pytest.raises(TypeError, match="another objective than the paper's: ask for optimum"):
        _ = other.minimizer


def test_the_minimum_reached_is_the_one_with_as_many_modes():
    problem = nc.Problem([30, 20, 10], 3, lambda_W=1e-3, lambda_H=1e-5)
    best = optimum_of(problem)
    minima = [reached_minimum(best, alive) for alive in range(5)]
    assert [minimum.alive for minimum in minima] == [0, 1, 2, 2, 2]
    assert minima[2].objective == best.objective < minima[1].objective < minima[0].objective
    loss = optimum_of(nc.LossProblem([30, 20], CrossEntropy(), lambda_W=1e-3, lambda_H=1e-5))
    assert reached_minimum(loss, 0) is loss


# ---------------------------------------------------------------- the paper's figures


@pytest.mark.parametrize(
    ("scale", "size"),
    [
        ("paper", (2048, 12_000, 1e-4)),
        ("wide", (2048, 1500, 5e-4)),
        ("medium", (512, 600, 1e-3)),
        ("small", (128, 200, 1e-3)),
    ],
)
def test_a_scale_is_this_large(scale, size):
    for experiment in paper_figure(1, scale):
        config = experiment.config
        assert (config.width, config.epochs, config.learning_rate) == size
    assert len(SCALES) == 4


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_figure_is_of_these_images_penalties_and_heads(number):
    figure = paper_figure(number)
    assert [one.config.depth for one in figure] == [1, 3, 6]
    letters = number in (2, 4)
    for one in figure:
        config = one.config
        assert one.data == ("emnist-letters" if letters else "cifar10")
        assert config.bias == (number < 3)
        assert set(config.lambda_W) == {LAMBDA_W} == {5e-4}
        assert config.lambda_H == LAMBDA_H == 1e-5
        assert (config.seed, config.lambda_warmup, config.schedule) == (0, 0.5, "cosine")
    # Six layers begin larger on the letters.
    assert [one.config.head_scale for one in figure] == [1, 1, 2 if letters else 1]
    assert [one.config.head_scale for one in paper_figure(number, depths=(5, 7))] == [1, 1]


def test_the_aims_are_those_that_were_set_before_any_run():
    (one,) = paper_figure(1, depths=(1,))
    assert one.config.is_papers
    assert AIMS == {"gap": 1e-3, "nc2_w": 0.01, "nc2_h": 0.01, "nc2_wh": 0.01, "nc3": 0.03}


# ---------------------------------------------------------------- within the aims


def a_run(gaps, nc3, alive):
    run = WithHistory()
    run.history = [
        {
            "epoch": 10 * i,
            "gap": gap,
            "alive": modes,
            "seconds": None,
            "metrics": {"corrected": {"nc3": value}, "as_printed": {"nc3": 0.5}},
        }
        for i, (gap, value, modes) in enumerate(zip(gaps, nc3, alive, strict=True))
    ]
    return run


@pytest.mark.parametrize(
    ("gaps", "nc3", "alive", "epoch"),
    [
        ([5, 5, 1, 1], [0, 0, 0, 0], [2, 2, 2, 2], 20),
        ([5, 1, 5, 1], [0, 0, 0, 0], [2, 2, 2, 2], 30),
        ([1, 1, 1, 5], [0, 0, 0, 0], [2, 2, 2, 2], None),
        ([1, 1, 1, 1], [0, 0, 0, 0], [2, 2, 2, 2], 0),
        ([1, 1, 1, 1], [9, None, 0, 0], [2, 2, 2, 2], 20),
        ([1, 1, 1, 1], [0, 0, 0, 0], [0, 1, 2, 2], 20),
        ([1, 1, 1, 1], [0, 0, 0, 0], [2, 2, 2, 3], None),
        ([1, 2, 1, 1], [0, 0, 0, 0], [2, 2, 2, 2], 20),
        ([9, 1, 1, 1], [0, 0, 0, 0], [2, 2, 2, 2], 10),
    ],
)
def test_a_run_is_within_its_aims_from_the_epoch_after_it_last_was_not(gaps, nc3, alive, epoch):
    run = a_run(gaps, nc3, alive)
    assert run.epochs_within({"gap": 2, "nc3": 1}, alive=2) == epoch
    assert run.final["epoch"] == 30


def test_a_curve_is_a_number_or_a_metric_of_a_reading():
    run = a_run([5, 1], [0.25, None], [2, 2])
    assert run.curve("gap").tolist() == [5, 1]
    np.testing.assert_array_equal(run.curve("nc3"), [0.25, math.nan])
    assert run.curve("nc3", "as_printed").tolist() == [0.5, 0.5]
    for name, reading in (("nc9", "corrected"), ("nc3", "other"), ("metrics", "corrected")):
        with pytest.raises(ValueError, match=f"no curve '{name}' with reading '{reading}'"):
            run.curve(name, reading)


def test_a_curve_that_begins_without_a_value_has_none():
    run = WithHistory()
    run.history = [{"metrics": {}, "test_accuracy": None}, {"metrics": {}, "test_accuracy": 0.5}]
    with pytest.raises(ValueError, match="no curve 'test_accuracy'"):
        run.curve("test_accuracy")
    run.history = run.history[::-1]
    np.testing.assert_array_equal(run.curve("test_accuracy"), [0.5, math.nan])
    assert run.final is run.history[1]
