"""True and False are no numbers, wherever one is asked for; Python takes them for 1 and 0."""

import numpy as np
import pytest
import torch

import nclib as nc
from nclib._checks import as_whole, is_number
from nclib.training.data import imbalanced_subset, load_images
from nclib.training.engine import TrainingConfig


def problem(**changes):
    return nc.Problem(
        **{"counts": [3, 2], "depth": 1, "lambda_W": 1e-3, "lambda_H": 1e-3} | changes
    )


def config(**changes):
    return TrainingConfig(**{"depth": 1, "lambda_W": 1e-3, "lambda_H": 1e-3} | changes)


def half(one):
    """Of a number; a truth value stays one."""
    return one / 2 if type(one) is int else one


FEATURES, LABELS = np.array([[0.0], [0.1], [1.0], [1.2]]), np.array([0, 0, 1, 1])
BEST = nc.global_minimizer(nc.Problem([3, 2], 1, lambda_W=1e-3, lambda_H=1e-3))

# Of each the name of the argument, and a call in which 1 (or 0) would do.
ASKED = {
    "depth": lambda one: problem(depth=one),
    "lambda_W": lambda one: problem(lambda_W=one),
    "lambda_W[0]": lambda one: problem(lambda_W=[one]),
    "lambda_H": lambda one: problem(lambda_H=one),
    "widths[0]": lambda one: problem(widths=(one,)),
    "n[0]": lambda one: nc.ClassCounts([one, 2]),
    "n[1]": lambda one: nc.read_counts({"cat": 3, "dog": one}),
    "n_max": lambda one: nc.ClassCounts.exponential(2, one, 1),
    "ratio": lambda one: nc.ClassCounts.exponential(2, 9, one),
    "majority": lambda one: nc.ClassCounts.step(2, 9, 3, one),
    "each of classes": lambda one: nc.right_counts(problem(), [one]),
    "weight_decay": lambda one: nc.translate_penalties([3, 2], weight_decay=one),
    "feature_penalty": lambda one: nc.translate_penalties([3, 2], feature_penalty=one),
    "scale": lambda one: nc.translate_penalties([3, 2], lambda_W=1, scale=one),
    "batch_size": lambda one: nc.translate_penalties(
        [3, 2], lambda_W=1, reduction="sum", batch_size=one
    ),
    "classes": lambda one: nc.metrics.MetricsAccumulator(one),
    "rtol": lambda one: nc.metrics.nc1(FEATURES, LABELS, rtol=half(one)),
    "lambda_W1": lambda one: nc.metrics.effective_lambda_H(FEATURES, LABELS, [[1.0]], one),
    "kick": lambda one: nc.theory.sweep_lambdas(BEST, [1], kick=one, max_steps=1),
    "factors": lambda one: nc.theory.sweep_lambdas(BEST, [one], max_steps=1),
    "learning_rate": lambda one: nc.theory.sweep_lambdas(BEST, [1], learning_rate=one, max_steps=1),
    "max_steps": lambda one: nc.theory.sweep_lambdas(BEST, [1], max_steps=one),
    "rho_b": lambda one: nc.theory.penalised_bias_minimizer(problem(), one),
    "seed": lambda one: imbalanced_subset(load_images("digits"), [1] * 10, seed=one),
    **{
        f"config: {name}": lambda one, name=name: config(**{name: one})
        for name in ("depth", "lambda_W", "lambda_H", "width", "feature_dim", "head_scale",
                     "epochs", "batch_size", "learning_rate", "weight_decay", "seed",
                     "evaluations")
    },
    "config: lambda_warmup": lambda one: config(lambda_warmup=half(one)),
}  # fmt: skip

TRUTHS = {
    "True": True, "False": False, "numpy's True": np.True_, "numpy's False": np.False_,
    "an array": np.array(True), "a tensor": torch.tensor(True),
}  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
def test_truth_values_are_refused_by_name(name):
    call = ASKED[name]
    call(1)  # the number is allowed
    for truth in TRUTHS.values():
        with pytest.raises((TypeError, ValueError)) as caught:
            call(truth)
        assert name.removeprefix("config: ") in str(caught.value)


@pytest.mark.parametrize("truth", TRUTHS)
def test_a_truth_value_is_neither_whole_nor_a_number(truth):
    assert not is_number(TRUTHS[truth])
    with pytest.raises(ValueError, match="depth must be a whole number, at least 0; got"):
        as_whole("depth", TRUTHS[truth], 0)


@pytest.mark.parametrize("one", [1, np.int8(1), np.uint64(1), np.array(1), torch.tensor(1)])
def test_numbers_of_all_kinds_are(one):
    assert is_number(one)
    assert as_whole("depth", one, 0) == 1


@pytest.mark.parametrize("other", [0, 1, "yes", None, np.int64(1)])
def test_numbers_are_no_truth_values(other):
    for call in (lambda: problem(bias=other), lambda: config(last_relu=other)):
        with pytest.raises(TypeError, match=r"bias|last_relu"):
            call()
