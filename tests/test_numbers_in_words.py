"""Numbers of arguments that no float holds, and numbers in sentences."""

import re

import numpy as np
import pytest

import nclib as nc
from nclib._text import factor_text, modes, modes_are_alive, numbers_text, percent
from nclib.diagnosis import Prediction
from nclib.theory.losses.objects import CrossEntropy, SquaredError
from nclib.theory.penalised_bias import penalised_bias_minimizer
from nclib.training.config import TrainingConfig
from nclib.views import sandbox

HUGE = 10**400


def problem(**changes):
    return nc.Problem([3, 2], 1, **{"lambda_W": 0.1, "lambda_H": 0.1} | changes)


@pytest.mark.parametrize(
    ("name", "call"),
    {
        "lambda_W": lambda: problem(lambda_W=HUGE),
        "lambda_W[0]": lambda: problem(lambda_W=[HUGE]),
        "lambda_H": lambda: problem(lambda_H=-HUGE),
        "rho_b": lambda: penalised_bias_minimizer(problem(), HUGE),
        "lambda_b": lambda: nc.LossProblem(
            [3, 2], SquaredError(), bias="decayed", lambda_b=HUGE, lambda_W=0.1, lambda_H=0.1
        ),
        "label_smoothing": lambda: SquaredError(label_smoothing=HUGE),
        "adjustment": lambda: CrossEntropy(adjustment=HUGE),
        "kick": lambda: nc.theory.sweep_lambdas(nc.global_minimizer(problem()), [1], kick=HUGE),
        "scale": lambda: nc.descend(problem(), scale=HUGE),
        "margin": lambda: nc.theory.penalties_leaving(
            nc.LossProblem([3, 2], SquaredError(), lambda_W=0.1, lambda_H=0.1), HUGE
        ),
        "learning_rate": lambda: TrainingConfig(
            depth=1, lambda_W=0.1, lambda_H=0.1, learning_rate=HUGE
        ),
        "rtol": lambda: nc.metrics.MetricsAccumulator(3, rtol=HUGE),
        "n": lambda: nc.ClassCounts([HUGE, 1]),
        "ratio": lambda: nc.ClassCounts.exponential(3, 10, HUGE),
        "depth": lambda: nc.Problem([3, 2], -HUGE, lambda_W=1, lambda_H=1),
        "vectors": lambda: nc.cosines([[HUGE, 1]]),
        "logits": lambda: SquaredError().fit([[HUGE, 0], [0, 1]], [3, 2]),
        "Z": lambda: nc.theory.cheapest_factors([[HUGE, 0], [0, 1]], problem()),
        "H": lambda: problem().objective([np.eye(2)], [[HUGE, 0], [0, 1]], [0, 0]),
        "weight_decay": lambda: nc.translate_penalties([3, 2], weight_decay=HUGE),
        "class_weights": lambda: SquaredError(class_weights=[HUGE, 1]),
        "kappa": lambda: nc.shrink([HUGE], problem()),
    }.items(),
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_number_that_no_float_holds_is_refused_by_name(name, call):
    with pytest.raises((ValueError, TypeError), match=re.escape(name)) as caught:
        call()
    assert len(str(caught.value)) < 400


def test_modes_agree_with_their_number():
    assert [modes(n) for n in (0, 1, 2)] == ["0 modes", "1 mode", "2 modes"]
    assert modes_are_alive(1, 1) == "1 of 1 mode is alive"
    assert modes_are_alive(0, 1) == "0 of 1 mode is alive"
    assert modes_are_alive(1, 3) == "1 of 3 modes is alive"
    assert modes_are_alive(0, 3) == "0 of 3 modes are alive"


@pytest.mark.parametrize("lam", [1e-3, 0.3])
@pytest.mark.parametrize("counts", [[3, 2], [30, 20, 10]])
def test_sentences_about_one_mode_or_class_are_in_the_singular(counts, lam):
    given = nc.Problem(counts, 1, lambda_W=lam, lambda_H=lam)
    said = [
        *Prediction.of(given, "here", None).verdict(),
        sandbox.optimum(np.array(counts), 1, lambda_W=lam, lambda_H=lam).words,
    ]
    for sentence in said:
        assert not re.search(r"\b1 (modes|classes)\b|\b1 of \d+ \w+ are\b", sentence)


def test_no_share_but_all_is_100_percent_with_any_digits():
    for digits in range(9):
        least = f"{10.0**-digits:.{digits}f}"
        assert percent(1e-12, digits) == least
        assert float(percent(1 - 1e-12, digits)) + float(least) == pytest.approx(100, abs=1e-12)
        assert (float(percent(0, digits)), float(percent(1, digits))) == (0, 100)
    for share, text in ((0.01, "1.00"), (0.99, "99.00"), (0.995, "99.50"), (0.99994, "99.99")):
        assert percent(share) == text


def test_numbers_that_are_the_same_are_written_once():
    assert numbers_text([0.5, 0.5000001], 3) == "0.5"
    assert numbers_text([0.5, 0.5000001], 8) == "0.5, 0.5000001"
    assert numbers_text([2], 3) == "2"


def test_factors_are_written_until_they_are_not_1():
    for factor, text in (
        (1, "1"),
        (1 + 1e-13, "1"),
        (1 + 1e-11, "1.00000000001"),
        (1 - 1e-11, "0.99999999999"),
        (2, "2"),
        (0, "0"),
        (1e-12, "1e-12"),
        (2.00001, "2"),
    ):
        assert factor_text(factor) == text
