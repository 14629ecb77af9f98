"""The table of test values for calculators: nclib's of today, and those of formulas by hand."""

import json
import math

import numpy as np
import pytest

from tools.box_values import PATH, cases, value, written

TABLE = json.loads(PATH.read_text(encoding="utf-8"))
ROWS = TABLE["rows"]
BETA = 0.999


def penalties(row, n):
    """The weight decay translated: MSELoss is 2/K of the paper's loss, its sum 2 B."""
    script, N = row["script"], sum(n)
    factor = {"cross-entropy": 1, "mse": 2 / len(n)}.get(script["loss"])
    if factor is None:
        factor = 2 * N / math.ceil(N / script["batch_size"])
    return 5e-4 / factor, 1e-2 / N


def expected_merging(row, n):
    """By the table of thresholds for one layer, by Lemma A.2's for more."""
    script, N, K = row["script"], sum(n), len(n)
    depth, eps = script.get("depth", 1), script.get("label_smoothing", 0)
    n = np.array(n, dtype=float)
    drawn = {"balanced": np.full(K, N / K), "sqrt": N * np.sqrt(n) / np.sqrt(n).sum()}.get(
        script.get("sampler"), n
    )
    w = {
        "balanced": 1 / n,
        "sqrt": 1 / np.sqrt(n),
        "effective:0.999": (1 - BETA) / (1 - BETA**n),
    }.get(script.get("class_weight"), np.ones(K))
    w = w * N / (w @ n)
    lambda_W, lambda_H = penalties(row, n.tolist())
    if depth == 1:
        return (1 - eps) * w * np.sqrt(drawn) / N / math.sqrt(lambda_W * lambda_H)
    # L^2 N (N lambda_H prod lambda_W)^(1/L) = kappa^2 (L-1)^((L-1)/L), with N / w for N.
    kappa = (1 - eps) * np.sqrt(drawn)
    M = N / w
    product = (kappa**2 * (depth - 1) ** ((depth - 1) / depth) / (depth**2 * M)) ** depth / M
    return (product / (lambda_H * lambda_W**depth)) ** (1 / (depth + 1))


@pytest.mark.parametrize("index", range(len(ROWS)))
def test_every_threshold_is_that_of_the_formula(index):
    row = ROWS[index]
    n = TABLE["counts"][row["counts"]]
    assert (row["lambda_W"], row["lambda_H"]) == pytest.approx(penalties(row, n), rel=1e-8)
    np.testing.assert_allclose(row["merging"], expected_merging(row, n), rtol=2e-8)
    # What has merged with another class is lost.
    several = [n.count(count) > 1 for count in n]
    limit = min((m for m, more in zip(row["merging"], several, strict=True) if more), default=1e9)
    assert row["factor"] <= limit * (1 + 1e-8)


def first_loss_by_hand(row, n):
    """Return which classes are lost first and at which factor, or None where no formula has it."""
    script, merging = row["script"], np.array(row["merging"])
    depth = script.get("depth", 1)
    squared, bias = script["loss"] != "cross-entropy", script["bias"]
    alike = len(set(n)) == 1 or script.get("sampler") == "balanced"
    if squared and bias == "none":
        # Each class dies by itself, and is lost by that.
        return np.flatnonzero(merging < merging.min() * (1 + 1e-6)), merging.min()
    if alike and (squared or len(set(n)) == 1) and bias == "free":
        return range(len(n)), merging.min()
    changed = {"class_weight", "sampler", "label_smoothing", "logit_adjustment"} & script.keys()
    if len(n) == 2 and bias == "free" and not changed:
        # The mode between two: kappa_1^2 = 2 n_1 n_2 / N; all penalties go with kappa^(2L/(L+1)).
        ratio = math.sqrt(2 * n[1] / sum(n)) ** (2 * depth / (depth + 1))
        lost_at = ratio * merging[0] * (sum(n) / (2 * n[0]) if depth == 1 else 1)
        return [1], lost_at
    return None


def test_first_losses_that_have_a_closed_form():
    found = 0
    for row in ROWS:
        by_hand = first_loss_by_hand(row, TABLE["counts"][row["counts"]])
        if by_hand is not None:
            found += 1
            assert row["first_lost"] == list(by_hand[0]), row
            assert row["factor"] == pytest.approx(by_hand[1], rel=1e-6), row
    assert found == 48


def test_nclib_computes_the_same_today():
    assert [(row["counts"], row["script"]) for row in ROWS] == list(cases())
    for row in ROWS:
        if row["counts"] == "lesions" and row["script"]["loss"] == "cross-entropy":
            continue  # takes seconds; what is below has the same code
        now = value(row["counts"], row["script"])
        assert now["first_lost"] == row["first_lost"]
        assert now["factor"] == pytest.approx(row["factor"], rel=1e-6)
        np.testing.assert_allclose(now["merging"], row["merging"], rtol=6e-9)


def test_the_file_is_as_the_tool_writes_it():
    assert written(TABLE) == PATH.read_text(encoding="utf-8")
