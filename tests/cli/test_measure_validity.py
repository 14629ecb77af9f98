"""Whether `nclib measure` says that the theory speaks about a network, where it does."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import nclib as nc
from nclib.cli import app
from nclib.cli._validity import Residuals, observe
from nclib.metrics import MetricsAccumulator

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


def seen_of(problem, Ws, H, b):
    """What is observed of a network of which the samples come in blocks, the first a single one."""
    accumulator, sums = MetricsAccumulator(problem.K, Ws, b), Residuals(Ws, b)
    blocks = np.split(np.arange(LABELS.size), [1, 20])
    for rows in blocks:
        accumulator.update(H[rows], LABELS[rows])
    second = accumulator.second_pass()
    for rows in blocks:
        second.update(H[rows], LABELS[rows])
        sums.update(H[rows], LABELS[rows])
    return observe(accumulator, second, sums, nc.global_minimizer(problem))


@pytest.mark.parametrize("bias", [True, False])
def test_what_is_observed_is_what_the_objective_and_sums_over_all_samples_say(bias):
    rng = np.random.default_rng(3)
    problem = nc.Problem(COUNTS, 2, bias=bias, lambda_W=(0.03, 0.05), lambda_H=0.004, widths=(5, 4))
    Ws = [rng.standard_normal((4, 5)), rng.standard_normal((3, 4))]
    b = rng.standard_normal(3) if bias else None
    H = rng.standard_normal((LABELS.size, 5)) + 0.4
    seen = seen_of(problem, Ws, H, b)
    best = nc.global_minimizer(problem)
    assert seen.gap == pytest.approx(problem.objective(Ws, H.T, b) / best.objective - 1, rel=1e-12)
    left = np.linalg.norm(problem.gradient(Ws, H.T, b)[0][1])
    assert seen.rest == pytest.approx(left / np.linalg.norm(0.05 * Ws[1]), rel=1e-12)
    within = sum(np.square(H[k == LABELS] - H[k == LABELS].mean(axis=0)).sum() for k in range(3))
    total = np.square(H).sum()
    assert seen.within == pytest.approx(within / total, rel=1e-12)
    if bias:
        mean = LABELS.size * np.square(H.mean(axis=0)).sum()
        assert seen.mean == pytest.approx(mean / total, rel=1e-12)
    else:
        assert seen.mean is None
    assert (seen.depth, seen.outside) == (2, ())


def test_at_an_optimum_with_other_penalties_for_each_layer_it_is_at_rest():
    problem = nc.Problem(COUNTS, 2, lambda_W=(0.01, 0.04), lambda_H=0.002)
    Ws, H_bar, b = nc.global_minimizer(problem).weights()
    seen = seen_of(problem, Ws, H_bar.T[LABELS], b)
    assert (seen.rest, seen.gap, seen.mean) == pytest.approx((0, 0, 0), abs=1e-9)
    assert seen.lambda_H == pytest.approx([0.002] * 2, rel=1e-9)
    assert (seen.lost_modes, seen.contradicted) == (0, ())


def weakest_mode_lost(problem):
    """A critical point: the optimum without its weakest mode, turned to features along the axes."""
    (first, *others), H_bar, b = nc.global_minimizer(problem).weights()
    U, s, Vt = np.linalg.svd(first, full_matrices=False)
    kept = U[:, s > s[s > 1e-9].min() * (1 + 1e-9)]
    turned = U @ Vt
    Ws = [W @ kept @ kept.T for W in [first @ turned.T, *others]]
    return Ws, (kept @ kept.T @ turned @ H_bar).round(12), b


@pytest.mark.parametrize(
    ("depth", "bias", "lost"),
    # One layer comes to its optimum again, if no ReLU holds its features back.
    [(2, True, 1), (2, False, 1), (1, True, 0), (1, False, 1)],
)
def test_a_lost_mode_is_named_where_it_cannot_come_back(depth, bias, lost):
    problem = nc.Problem(COUNTS, depth, bias=bias, lambda_W=0.02, lambda_H=0.002)
    Ws, H_bar, b = weakest_mode_lost(problem)
    seen = seen_of(problem, Ws, H_bar.T[LABELS], b)
    assert seen.rest == pytest.approx(0, abs=1e-9)
    assert seen.lambda_H.size == (1 if bias else 2)
    assert seen.lost_modes == lost


@pytest.mark.parametrize(("stretch", "same"), [(1.00004, True), (1.00006, False)])
def test_lengths_are_the_same_up_to_a_ten_thousandth_of_their_squares(stretch, same):
    problem = nc.Problem(COUNTS, 1, lambda_W=0.02, lambda_H=0.002, widths=(2,))
    angles = LABELS * 2.0 + 0.01 * np.arange(LABELS.size)
    H = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for longer in (0, 30, LABELS.size - 1):
        stretched = H.copy()
        stretched[longer] *= stretch
        for features in (3 * stretched, 0.3 * stretched[::-1]):
            seen = seen_of(problem, [np.ones((3, 2))], features, None)
            assert [one.what for one in seen.outside] == [
                "the features all have the same length"
            ] * same


def test_features_of_which_some_are_0_have_other_lengths():
    problem = nc.Problem(COUNTS, 1, bias=False, lambda_W=0.02, lambda_H=0.002)
    H = np.eye(3)[LABELS]
    H[:20] = 0
    assert seen_of(problem, [np.eye(3)], H, None).outside == ()


def test_numbers_on_a_line_are_not_said_to_be_normalised():
    """With one column no direction is left where all have the same length."""
    problem = nc.Problem(COUNTS, 1, bias=False, lambda_W=0.02, lambda_H=0.002, widths=(1,))
    H = np.where(LABELS[:, None] == 0, 1.0, -1.0)
    assert seen_of(problem, [np.array([[1.0], [-1.0], [0.5]])], H, None).outside == ()


def test_a_network_of_zeros_is_far_from_rest_and_has_no_shares():
    problem = nc.Problem(COUNTS, 1, lambda_W=0.02, lambda_H=0.002, widths=(2,))
    seen = seen_of(problem, [np.zeros((3, 2))], np.zeros((LABELS.size, 2)), np.zeros(3))
    assert (seen.rest, seen.within, seen.mean) == (np.inf, None, None)
    assert [one.what for one in seen.outside] == [
        "the features are never negative",
        "the features all have the same length",
    ]


def test_features_of_0_and_more_come_from_a_relu():
    problem = nc.Problem(COUNTS, 1, lambda_W=0.02, lambda_H=0.002)
    H = np.eye(3)[LABELS] * np.linspace(1, 2, LABELS.size)[:, None]
    negative = H.copy()
    negative[-1, 0] = -0.5
    for features, words in ((H, ["the features are never negative"]), (negative, [])):
        seen = seen_of(problem, [np.eye(3)], features, np.zeros(3))
        assert [one.what for one in seen.outside] == words
