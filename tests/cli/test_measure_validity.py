"""Whether `nclib measure` says that the theory speaks about a network, where it does."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import nclib as nc
from nclib.cli import app
from nclib.cli._validity import Residuals

COUNTS = (30, 12, 4)
LABELS = np.repeat(np.arange(3), COUNTS)


def saved(tmp_path, change=None, depth=1, bias=True, lam=0.02, noise=0.0):
    """Write the optimum, changed somehow, as a network."""
    problem = nc.Problem(COUNTS, depth, bias=bias, lambda_W=lam, lambda_H=lam / 10)
    Ws, H_bar, b = nc.global_minimizer(problem).weights()
    features = H_bar.T[LABELS]
    features = features + noise * np.random.default_rng(0).standard_normal(features.shape)
    network = {f"W{j + 1}": W for j, W in enumerate(Ws)} | ({"b": b} if bias else {})
    arrays = {"features": features, "labels": LABELS, **network}
    if change is not None:
        change(arrays)
    path = tmp_path / "network.npz"
    np.savez(path, **arrays)
    return path


def measured(path, lam=0.02, *more):
    arguments = ["measure", str(path), "--lambda-W", str(lam), "--json", *more]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("bias", [True, False])
def test_at_the_optimum_it_applies(tmp_path, depth, bias):
    found = measured(saved(tmp_path, depth=depth, bias=bias))
    assert found["validity"] == "applies"
    assert found["reasons"] == []
    assert found["predicted_right_by_class"] == found["right_by_class"]


def longer_head(arrays):
    arrays["W1"] = 1.5 * arrays["W1"]


def other_balance(arrays):
    # The same logits, from features half as long in the direction of the strongest mode.
    u, s, vt = np.linalg.svd(arrays["W1"], full_matrices=False)
    arrays["W1"] = arrays["W1"] + np.outer(u[:, 0] * s[0], vt[0])
    arrays["features"] = arrays["features"] - 0.5 * np.outer(arrays["features"] @ vt[0], vt[0])


def of_one_length(arrays):
    features = arrays["features"] + 1e-3
    arrays["features"] = features / np.linalg.norm(features, axis=1, keepdims=True)


def after_a_relu(arrays):
    arrays["features"] = np.maximum(arrays["features"], 0)


@pytest.mark.parametrize(
    ("change", "answer", "words"),
    [
        (longer_head, "not yet at rest", "leave"),
        (other_balance, "not yet at rest", "leave"),
        (of_one_length, "does not apply", "same length"),
        (after_a_relu, "does not apply", "never negative"),
    ],
)
def test_elsewhere_it_says_why_not_and_predicts_nothing(tmp_path, change, answer, words):
    path = saved(tmp_path, change)
    found = measured(path)
    assert found["validity"] == answer
    assert words in found["reasons"][0]
    assert found["predicted_right_by_class"] is None
    # What is measured is there.
    assert len(found["right_by_class"]) == 3
    shown = CliRunner().invoke(app, ["measure", str(path), "--lambda-W", "0.02"]).stdout
    assert "predicted right" not in shown
    assert "nearest mean" in shown


def test_where_it_is_at_rest_but_held_back_otherwise(tmp_path):
    # With two penalties in place of one, the optimum for each mode alone.
    modes = [nc.Problem(COUNTS, 1, lambda_W=0.02, lambda_H=x) for x in (0.001, 0.004)]
    best = [nc.global_minimizer(problem) for problem in modes]
    left, right = (basis @ np.eye(3) for basis in best[0].modes)
    D = np.sqrt(COUNTS)
    heads, means = np.zeros((3, 2)), np.zeros((2, 3))
    for j in range(2):
        heads[:, j] = left[:, j] * best[j].layer_singular_values[0, j]
        means[j] = right[:, j] * best[j].feature_singular_values[j] / D
    path = tmp_path / "network.npz"
    np.savez(path, features=means.T[LABELS], labels=LABELS, W=heads, b=best[0].b)
    found = measured(path)
    assert found["validity"] == "does not apply"
    assert "lambda_H differs from mode to mode by a factor of 4" in found["reasons"][0]


def test_of_other_data_nothing_is_said(tmp_path):
    path = saved(tmp_path)
    counts = tmp_path / "train.csv"
    counts.write_text("".join(f"{k},{n}\n" for k, n in enumerate((300, 120, 40))))
    assert "validity" not in measured(path, 0.02, "--counts", str(counts))


def test_the_sums_are_those_of_the_objective():
    rng = np.random.default_rng(1)
    Ws, b = [rng.standard_normal((4, 5)), rng.standard_normal((3, 4))], rng.standard_normal(3)
    H = rng.standard_normal((LABELS.size, 5))
    sums = Residuals(Ws, b)
    for rows in np.array_split(np.arange(LABELS.size), 4):
        sums.update(H[rows], LABELS[rows])
    problem = nc.Problem(COUNTS, 2, lambda_W=0.3, lambda_H=0.2)
    penalties = 0.3 / 2 * sum(sums.squares_of_weights) + 0.2 / 2 * sums.squares
    assert sums.fit / LABELS.size + penalties == pytest.approx(problem.objective(Ws, H.T, b))
    gradient = problem.gradient(Ws, H.T, b)[0][1]
    assert sums.gradient / LABELS.size + 0.3 * Ws[1] == pytest.approx(gradient)
