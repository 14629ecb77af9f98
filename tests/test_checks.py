"""True and False are no numbers, wherever one is asked for; Python takes them for 1 and 0."""

import math
import sys

import numpy as np
import pytest
import torch

import nclib as nc
from nclib._checks import (
    MAX_COUNT,
    as_float,
    as_sequence,
    as_whole,
    between,
    generator,
    is_number,
    plain,
    positive,
)
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


def test_whole_numbers_between_two():
    assert [as_whole("k", value, 2, 4) for value in (2, 3, 4)] == [2, 3, 4]
    for value in (1, 5):
        with pytest.raises(ValueError, match=f"k must be a whole number from 2 to 4; got {value}"):
            as_whole("k", value, 2, 4)
    assert as_whole("k", 2, 2) == 2
    with pytest.raises(ValueError, match="k must be a whole number, at least 2; got 1"):
        as_whole("k", 1, 2)
    with pytest.raises(ValueError, match="from 1,000 to 2,000; got 3"):
        as_whole("k", 3, 1000, 2000)


def test_counts_are_below_2_to_the_53():
    """Up to there every whole number is a float64, and 2^53 + 1 is none."""
    assert MAX_COUNT == 9_007_199_254_740_992
    assert float(MAX_COUNT - 1) + 1 == MAX_COUNT
    assert float(MAX_COUNT) + 1 == MAX_COUNT
    for make in (lambda n: nc.ClassCounts([n, 1]), lambda n: nc.ClassCounts.exponential(2, n, 1.5)):
        assert make(2**53 - 1).n[0] == 2**53 - 1
        with pytest.raises(ValueError, match=r"9,?007,?199,?254,?740,?99|2\*\*53|2\^53"):
            make(2**53)


def test_intervals_are_open_above_and_closed_below_or_not():
    assert [between("x", value, 0, 1) for value in (0, 0.5)] == [0, 0.5]
    assert math.copysign(1, between("x", -0.0, 0, 1)) == 1
    assert between("x", 0.5, 0, 1, low_allowed=False) == 0.5
    for arguments, words in (
        ((1, 0, 1), "x must be at least 0 and below 1; got 1"),
        ((-0.5, 0, 1), "x must be at least 0 and below 1; got -0.5"),
        ((math.nan, 0, 1), "x must be at least 0 and below 1; got nan"),
        ((math.inf, 0, math.inf), "x must be at least 0 and finite; got inf"),
        ((0, 0, 1, False), "x must be above 0 and below 1; got 0"),
    ):
        with pytest.raises(ValueError, match=f"^{words}$"):
            between("x", *arguments)


def test_positive_numbers_are_normal_floats():
    assert positive("margin", sys.float_info.min) == sys.float_info.min
    with pytest.raises(ValueError, match=r"margin must be at least 2\.23e-308; got 1e-310"):
        positive("margin", 1e-310)
    for name, value, reason in (
        ("lambda_W", 0, "; the theorems divide by it"),
        ("rho_b", 0.0, "; the theorems divide by it"),
        ("lambda_W", -1, "$"),
        ("margin", 0, "$"),
        ("margin", math.inf, "$"),
    ):
        words = f"^{name} must be positive and finite; got {value!r}{reason}"
        with pytest.raises(ValueError, match=words):
            positive(name, value)
    assert (as_float("x", 10**400), as_float("x", -(10**400))) == (math.inf, -math.inf)


def test_sequences_are_listed_and_nothing_else():
    for values in ((1, 2), [1, 2], np.array([1, 2]), torch.tensor([1, 2]), range(1, 3)):
        assert as_sequence(values) == [1, 2]
    for other in ("12", b"12", 12, {1: 2}, np.array(1), np.eye(2), None):
        assert as_sequence(other) is None


def test_a_seed_or_a_generator_makes_random_numbers():
    drawn = np.random.default_rng(7).random(3).tolist()
    assert generator(7).random(3).tolist() == drawn
    own = np.random.default_rng(7)
    assert generator(own) is own
    assert generator(0).random() == np.random.default_rng(0).random()
    with pytest.raises(ValueError, match="seed must be a whole number, at least 0; got -1"):
        generator(-1)


def test_scalars_become_pythons_own_and_all_else_stays():
    for value, own in ((np.float32(0.5), 0.5), (torch.tensor(3), 3), (np.array("a"), "a")):
        assert plain(value) == own
        assert type(plain(value)) is type(own)
    span = np.timedelta64(3, "s")
    for value in (span, [1], np.array([1]), None):
        assert plain(value) is value
