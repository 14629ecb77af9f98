"""The settings of a run: what is allowed, what they default to, and the model that they aim at."""

import ast
import json
import math
import re
from dataclasses import fields

import numpy as np
import pytest

from nclib import ClassCounts, CrossEntropy, LossProblem, Problem, SquaredError
from nclib.theory import Sampling
from nclib.training.config import TrainingConfig

COUNTS = ClassCounts([6, 3, 2])


def config(**settings):
    return TrainingConfig(**({"depth": 2, "lambda_W": 0.1, "lambda_H": 0.2} | settings))


def test_the_defaults_are_those_of_the_reference():
    said = dict(
        re.findall(r"(?m)^    (\w+) : .*\bdefault (\S+)$", TrainingConfig.__doc__),
        loss=None, sampling=None, feature_dim=None,
    )  # fmt: skip
    defaults = {name: value and ast.literal_eval(value) for name, value in said.items()}
    assert set(defaults) == {f.name for f in fields(TrainingConfig)} - {
        "depth", "lambda_W", "lambda_H",
    }  # fmt: skip
    made = config()
    assert made.loss == SquaredError()
    for name, value in defaults.items():
        if name != "loss":
            assert getattr(made, name) == value, name


@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [
        ("width", 1, 0),
        ("epochs", 1, 0),
        ("batch_size", 1, 0),
        ("evaluations", 1, 0),
        ("feature_dim", 1, 0),
        ("seed", 0, -1),
        ("learning_rate", 1e-9, 0.0),
        ("head_scale", 1e-9, 0.0),
        ("lambda_b", 0.0, -0.5),
        ("weight_decay", 0.0, -0.5),
        ("lambda_warmup", 0.0, -0.5),
        ("lambda_warmup", 0.999, 1.0),
    ],
)
def test_a_setting_at_the_end_of_its_range(name, allowed, refused):
    assert getattr(config(**{name: allowed}), name) == allowed
    with pytest.raises(ValueError, match=rf"{name} must be .*got {refused}"):
        config(**{name: refused})


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"lambda_b": 0.1, "bias": False}, ValueError, "lambda_b must be 0 without a bias"),
        ({"loss": "mse"}, TypeError, "loss must be a SquaredError or a CrossEntropy; got 'mse'"),
        ({"sampling": "balanced"}, TypeError, "sampling must be a Sampling or None; got 'bal"),
        ({"last_relu": 1}, TypeError, "last_relu must be True or False; got 1"),
        ({"head": "tanh"}, ValueError, "head must be 'linear' or 'relu'; got 'tanh'"),
    ],
)
def test_other_settings_are_named(settings, error, words):
    with pytest.raises(error, match=words):
        config(**settings)


def test_the_rate_falls_as_its_schedule_says():
    at = (0, 0.25, 0.5, 0.7499, 0.75, 1)
    expected = {
        "constant": [1, 1, 1, 1, 1, 1],
        "step": [1, 1, 0.1, 0.1, 0.01, 0.01],
        "cosine": [(1 + math.cos(math.pi * t)) / 2 for t in at],
    }
    assert expected["cosine"][2] == pytest.approx(0.5)
    for schedule, factors in expected.items():
        made = config(schedule=schedule, learning_rate=0.5)
        rates = [made.learning_rate_at(t) / 0.5 for t in at]
        assert rates == pytest.approx(factors, abs=1e-15), schedule


def test_lambdas_rise_by_three_powers_of_ten_and_stay():
    made = config(lambda_warmup=0.3)
    assert [made.lambda_factor_at(t) for t in (0, 0.1, 0.2, 0.3, 0.31, 1)] == pytest.approx(
        [1e-3, 1e-2, 1e-1, 1, 1, 1]
    )
    assert [config().lambda_factor_at(t) for t in (0, 0.5, 1)] == [1, 1, 1]


def test_the_papers_model_has_the_widths_of_the_network():
    made = config(depth=3, width=8, feature_dim=5, bias=False)
    problem = made.problem(COUNTS)
    assert made.is_papers
    assert isinstance(problem, Problem)
    assert problem.widths == (5, 8, 8)
    assert (problem.depth, problem.bias, problem.counts) == (3, False, COUNTS)
    assert config(width=7).problem(COUNTS).widths == (7, 7)


@pytest.mark.parametrize(
    ("settings", "bias", "lambda_b"),
    [
        ({"loss": CrossEntropy()}, "free", None),
        ({"loss": CrossEntropy(), "bias": False}, "none", None),
        ({"lambda_b": 0.25}, "decayed", 0.25),
        ({"sampling": Sampling("balanced")}, "free", None),
    ],
)
def test_other_objectives_aim_at_another_model(settings, bias, lambda_b):
    made = config(depth=1, **settings)
    problem = made.problem(COUNTS)
    assert not made.is_papers
    assert isinstance(problem, LossProblem)
    assert (problem.bias, problem.lambda_b) == (bias, lambda_b)
    assert problem.loss == made.loss
    assert problem.sampling == made.sampling


STORED = [
    {},
    {"loss": CrossEntropy(), "bias": False},
    {"loss": CrossEntropy(class_weights=(1, 2, 3), label_smoothing=0.1)},
    {"loss": SquaredError(class_weights=(1, 2, 3))},
    {"sampling": Sampling("sqrt", "fixed")},
    {"sampling": Sampling((1, 2, 3)), "lambda_b": 0.1},
]


@pytest.mark.parametrize("settings", STORED)
def test_settings_come_back_from_json(settings):
    made = config(**settings)
    again = TrainingConfig.from_dict(json.loads(json.dumps(made.to_dict())))
    assert again == made
    assert hash(again) == hash(made)


def test_only_what_differs_from_the_papers_objective_is_stored():
    assert not {"lambda_b", "loss", "sampling"} & set(config().to_dict())
    stored = config(loss=CrossEntropy(label_smoothing=0.1)).to_dict()
    assert stored["loss"] == {"kind": "cross-entropy", "label_smoothing": 0.1}
    weighted = config(loss=SquaredError(np.array([1.0, 2.0]))).to_dict()
    assert weighted["loss"] == {"kind": "squared error", "class_weights": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"momentum": 0.9}, r"must be those of TrainingConfig; got \['momentum'\]"),
        ({"loss": {"kind": "hinge"}}, "kind of the loss must be 'squared error' or .*got 'hinge'"),
        ({"loss": {"kind": "cross-entropy", "gamma": 2}}, r"those of cross-entropy; got \['gamma'"),
    ],
)
def test_stored_settings_that_are_unknown_are_named(changes, words):
    with pytest.raises(ValueError, match=words):
        TrainingConfig.from_dict(config().to_dict() | changes)


@pytest.mark.parametrize("name", ["depth", "lambda_W", "lambda_H"])
def test_stored_settings_that_are_missing_are_named(name):
    stored = config().to_dict()
    del stored[name]
    with pytest.raises(ValueError, match=rf"settings must have \['{name}'\]"):
        TrainingConfig.from_dict(stored)
