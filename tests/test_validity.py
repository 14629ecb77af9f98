"""The rules by which a network is judged, each at its limit."""

from dataclasses import replace

import numpy as np
import pytest

import nclib as nc
from nclib.diagnosis.validity import (
    AT_REST,
    LIMITS,
    Observation,
    Outside,
    beside_the_optimum,
    judge,
)
from nclib.metrics.modes import MeasuredModes

WELL = Observation(rest=0.01, lambda_H=np.array([2e-4, 2e-4]), gap=1e-4, within=1e-4, mean=1e-6)

BELOW, ABOVE = 1 - 1e-6, 1 + 1e-6


def with_value(key, value):
    if key == "spread":
        return replace(WELL, lambda_H=np.array([1e-4, 1e-4 * value]))
    return replace(WELL, **{key: value})


@pytest.mark.parametrize("key", LIMITS)
def test_each_measurement_at_its_limits(key):
    limit = LIMITS[key]
    wanted = [
        (limit.applies * BELOW, "applies"),
        (limit.applies * ABOVE, "roughly"),
        (limit.roughly * BELOW, "roughly"),
        (limit.roughly * ABOVE, "does not apply"),
    ]
    for value, answer in wanted:
        found = judge(with_value(key, value))
        assert found.answer == answer
        assert found.may_predict == (answer in ("applies", "roughly"))
        assert len(found.reasons) == (answer != "applies")


@pytest.mark.parametrize(
    ("key", "applies", "roughly", "beyond", "words"),
    [
        ("spread", 1.05, 1.2, 1.5, "lambda_H differs from mode to mode by a factor of 1.5"),
        ("gap", 0.005, 0.02, 0.1, "the objective is 10 % above the optimum's for this lambda_H"),
        ("within", 0.003, 0.02, 0.1, "10 % of the features' squares are within the classes"),
        ("mean", 0.005, 0.02, 0.1, "10 % of the features' squares are their global mean"),
    ],
)
def test_each_measurement_by_numbers(key, applies, roughly, beyond, words):
    found = [judge(with_value(key, value)) for value in (applies, roughly, beyond)]
    assert [one.answer for one in found] == ["applies", "roughly", "does not apply"]
    assert found[2].reasons[0].what == words


def test_a_network_that_moves_is_waited_for():
    assert judge(replace(WELL, rest=AT_REST * BELOW)).answer == "applies"
    assert judge(replace(WELL, rest=AT_REST * ABOVE)).answer == "not yet at rest"
    assert judge(replace(WELL, rest=float("nan"))).answer == "not yet at rest"
    assert judge(replace(WELL, rest=0.05)).answer == "applies"
    (moving,) = judge(replace(WELL, rest=0.2)).reasons
    assert moving.what == "the head's gradient and its weight decay leave 20 % over"
    # Not even far from the optimum: it may come nearer.
    assert judge(replace(WELL, rest=1.0, gap=3.0)).answer == "not yet at rest"
    # But what is outside will not change.
    out = Outside("a LayerNorm", "not covered")
    assert judge(replace(WELL, rest=1.0, outside=(out,))).answer == "does not apply"


def test_shares_are_told_in_percent():
    for share, text in ((0.4949, "49 %"), (0.4951, "50 %")):
        assert f" {text} " in judge(replace(WELL, rest=share)).reasons[0].what
        assert f" {text} " in judge(replace(WELL, gap=share)).reasons[0].what


def test_what_is_missing_makes_it_rough():
    assert judge(replace(WELL, gap=None)).answer == "roughly"
    assert judge(replace(WELL, rest=None)).answer == "applies"
    assert judge(replace(WELL, mean=None)).answer == "applies"
    assert judge(replace(WELL, lambda_H=np.zeros(0))).answer == "does not apply"


def test_classes_speak_last():
    assert judge(replace(WELL, on_edge=("cat",))).answer == "roughly"
    assert judge(replace(WELL, contradicted=("cat",))).answer == "does not apply"
    found = judge(replace(WELL, lost_modes=2, depth=3))
    assert found.answer == "does not apply"
    assert "of a deep head" in found.reasons[0].means
    assert "ReLU" in judge(replace(WELL, lost_modes=2)).reasons[0].means


@pytest.mark.parametrize(
    ("classes", "named"),
    [
        ("a", "class a"),
        ("ab", "classes a, b"),
        ("abcde", "classes a, b, c, d, e"),
        ("abcdef", "classes a, b, c, d, e and 1 more"),
        ("abcdefgh", "classes a, b, c, d, e and 3 more"),
    ],
)
def test_five_classes_are_named(classes, named):
    found = judge(replace(WELL, contradicted=tuple(classes)))
    assert found.reasons[0].what == f"the network does otherwise than is predicted with {named}"
    edge = judge(replace(WELL, on_edge=tuple(classes)))
    assert edge.words() == [
        "The theory applies to this network roughly.",
        (
            f"The fate of {named} hangs on less than can be measured: right at one end of what was "
            "measured of lambda_H, wrong at the other."
        ),
    ]


def test_without_modes_there_is_no_spread():
    assert np.isnan(replace(WELL, lambda_H=np.zeros(0)).spread)


# Two classes and one layer: the rare one is wrong from a lambda_H on that has a closed form.
TWO = nc.Problem([900, 100], 1, lambda_W=1e-3, lambda_H=1e-3)
LOST_AT = 1e-3 * nc.theory.two_class_limits(TWO).wrong ** 2


def beside(lambda_H, measured, right=(True, True), at=None, alive=1):
    best = nc.global_minimizer(replace(TWO, lambda_H=lambda_H))
    modes = MeasuredModes(np.array([1.0, 0.0]), alive, np.array(measured))
    at = at or (lambda other: nc.global_minimizer(replace(TWO, lambda_H=other)))
    return beside_the_optimum(best, modes, right, ("many", "few"), at, may_be_stuck=False)


@pytest.mark.parametrize(
    ("used", "measured", "edge"),
    [
        # What is measured may be wrong by 5 %.
        (1 / 1.06, [1 / 1.06], False),
        (1 / 1.04, [1 / 1.04], True),
        (1.04, [1.04], True),
        (1.06, [1.06], False),
        # From the least of a mode to the largest, and what is taken as lambda_H among them.
        (0.5, [0.4, 0.9], False),
        (0.5, [0.4, 1.1], True),
        (1.5, [0.9, 1.6], True),
        (1.5, [1.1, 1.6], False),
        (0.5, [1.5], True),
        (1.5, [0.5], True),
    ],
)
def test_a_class_is_on_the_edge_within_what_is_measured_of_lambda_H(used, measured, edge):
    found = beside(used * LOST_AT, LOST_AT * np.array(measured), right=(True, used < 1))
    assert found["on_edge"] == (("few",) if edge else ())
    assert found["contradicted"] == ()
    # On the edge nothing contradicts.
    other = beside(used * LOST_AT, LOST_AT * np.array(measured), right=(False, used > 1))
    assert other["contradicted"] == (("many",) if edge else ("many", "few"))


def test_an_optimum_that_is_not_known_leaves_all_on_the_edge():
    found = beside(LOST_AT / 2, [LOST_AT / 2], right=(False, False), at=lambda _: None)
    assert (found["on_edge"], found["contradicted"]) == (("many", "few"), ())
    assert beside(LOST_AT / 2, [], alive=0) == {}


def test_a_guess_is_no_right_answer():
    """Without a bias a dead class has no logit that is largest: one guess of two is right."""
    best = nc.global_minimizer(nc.Problem([500, 10], 1, bias=False, lambda_W=0.02, lambda_H=0.02))
    assert nc.class_outcomes(best).right.tolist() == [1, 0.5]
    modes = MeasuredModes(best.z, 1, np.array([0.02]))
    found = beside_the_optimum(
        best, modes, (True, True), ("a", "b"), lambda _: best, may_be_stuck=False
    )
    assert found["contradicted"] == ("b",)


@pytest.mark.parametrize(
    ("share", "alive", "stuck", "lost"),
    [
        (0.5, 1, True, 1),
        (0.5, 1, False, 0),
        (0.5, 2, True, 0),
        (0.5, 3, True, 0),
        # So near to its death the weaker mode would count as none of the network's either.
        (1 - 1e-4, 1, True, 0),
    ],
)
def test_modes_are_lost_that_the_optimum_keeps(share, alive, stuck, lost):
    unit = nc.Problem([900, 900, 100], 1, lambda_W=1, lambda_H=1)
    lam = share * nc.collapse_factors(unit)[1]
    best = nc.global_minimizer(replace(unit, lambda_W=lam, lambda_H=lam))
    assert best.alive == 2
    modes = MeasuredModes(best.z, alive, np.full(alive, lam))
    found = beside_the_optimum(best, modes, (True,) * 3, "abc", lambda _: best, may_be_stuck=stuck)
    assert found["lost_modes"] == lost


def test_every_reason_is_given_in_words():
    worse = replace(WELL, lambda_H=np.array([1e-4, 3e-4]), gap=0.5, on_edge=("cat", "dog"))
    found = judge(worse)
    words = found.words()
    assert len(words) == 1 + len(found.reasons) == 4
    assert "a factor of 3" in words[1]
    assert "cat, dog" in words[3]
    assert all(line[0].isupper() and line.endswith(".") for line in words)
