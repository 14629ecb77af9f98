"""The rules by which a network is judged, each at its limit."""

from dataclasses import replace

import numpy as np
import pytest

from nclib.diagnosis.validity import AT_REST, LIMITS, Observation, Outside, judge

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


def test_a_network_that_moves_is_waited_for():
    assert judge(replace(WELL, rest=AT_REST * BELOW)).answer == "applies"
    assert judge(replace(WELL, rest=AT_REST * ABOVE)).answer == "not yet at rest"
    assert judge(replace(WELL, rest=float("nan"))).answer == "not yet at rest"
    # Not even far from the optimum: it may come nearer.
    assert judge(replace(WELL, rest=1.0, gap=3.0)).answer == "not yet at rest"
    # But what is outside will not change.
    out = Outside("a LayerNorm", "not covered")
    assert judge(replace(WELL, rest=1.0, outside=(out,))).answer == "does not apply"


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


def test_every_reason_is_given_in_words():
    worse = replace(WELL, lambda_H=np.array([1e-4, 3e-4]), gap=0.5, on_edge=("cat", "dog"))
    found = judge(worse)
    words = found.words()
    assert len(words) == 1 + len(found.reasons) == 4
    assert "a factor of 3" in words[1]
    assert "cat, dog" in words[3]
    assert all(line[0].isupper() and line.endswith(".") for line in words)
