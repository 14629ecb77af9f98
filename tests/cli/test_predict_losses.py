"""`nclib predict` and `nclib remedies` in the words of a script, against theorems and by hand."""

import json
import math
import re

import numpy as np
import pytest

import nclib as nc
from nclib.diagnosis import BAND, remedies

STEP = [300, 300, 300, 30, 30, 30]
N = 990
"""Thresholds of one layer are sqrt(n)/N, whatever the loss."""


def write(folder, n, names=None):
    path = folder / "counts.csv"
    names = names or [f"c{k}" for k in range(len(n))]
    path.write_text("".join(f"{name},{c}\n" for name, c in zip(names, n, strict=True)))
    return path


@pytest.fixture
def step(tmp_path):
    return write(tmp_path, STEP)


def inner(found):
    """Factor at which the classes of each count merge, by count."""
    return {group["samples"]: group["merges_at_factor"] for group in found["groups"]}


def by_name(outcome):
    return {row["remedy"]: row for row in outcome.json["remedies"]}


# ---------------------------------------------------------------- the words of a script


@pytest.mark.parametrize("bias", ["free", "none", "decayed"])
def test_cross_entropy_merges_classes_at_the_papers_threshold(nclib, step, bias):
    lam = 1e-3
    found = nclib(
        "predict", step, "--weight-decay", lam, "--lambda-H", lam, "--bias", bias, "--json"
    ).json
    wanted = {n: math.sqrt(n) / N / lam for n in (300, 30)}
    assert inner(found) == pytest.approx(wanted, rel=1e-12)
    assert found["loss"] == "cross-entropy"
    assert found["lambda_W"] == [lam]
    assert found["lambda_b"] == (lam if bias == "decayed" else None)
    assert found["certificate"] < 1e-9


# Each rule against the threshold of its row: w sqrt(n)/N, sqrt(n')/N, (1 - eps) sqrt(n)/N.
MEAN_ROOT = sum(math.sqrt(n) for n in STEP)
RULES = {
    ("--class-weight", "balanced"): {n: N / (6 * n) * math.sqrt(n) / N for n in (300, 30)},
    ("--class-weight", "sqrt"): dict.fromkeys((300, 30), 1 / MEAN_ROOT),
    ("--class-weight", "effective:0.999"): {
        n: (1 / (1 - 0.999**n)) * N / (3 * sum(m / (1 - 0.999**m) for m in (300, 30)))
        * math.sqrt(n) / N for n in (300, 30)
    },
    ("--sampler", "balanced"): {n: math.sqrt(N / 6) / N for n in (300, 30)},
    ("--sampler", "sqrt"): {n: math.sqrt(N * math.sqrt(n) / MEAN_ROOT) / N for n in (300, 30)},
    ("--label-smoothing", "0.1"): {n: 0.9 * math.sqrt(n) / N for n in (300, 30)},
}  # fmt: skip


@pytest.mark.parametrize("loss", ["cross-entropy", "mse"])
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_a_rule_moves_the_thresholds_as_its_row_says(nclib, step, loss, rule):
    found = nclib(
        "predict", step, "--loss", loss, "--lambda-W", 1e-3, "--lambda-H", 1e-3, *rule, "--json"
    ).json
    assert inner(found) == pytest.approx({n: 1e3 * x for n, x in RULES[rule].items()}, rel=1e-9)


def test_logit_adjustment_moves_no_threshold_and_is_none_of_the_squared_error(nclib, step):
    words = ("predict", step, "--weight-decay", 1e-3, "--lambda-H", 1e-3, "--logit-adjustment", 1)
    found = nclib(*words, "--json").json
    assert inner(found) == pytest.approx({n: 1e3 * math.sqrt(n) / N for n in (300, 30)}, rel=1e-12)
    assert nclib(*words, "--loss", "mse").failed("logit_adjustment must be 0")


def test_weights_and_shares_come_from_files_by_name_or_in_order(nclib, tmp_path, step):
    words = ("predict", step, "--weight-decay", 1e-3, "--lambda-H", 1e-3, "--json")
    w = np.array([1, 1, 1, 4, 4, 4])
    wanted = {n: 1e3 * v * N / (w @ STEP) * math.sqrt(n) / N for n, v in ((300, 1), (30, 4))}
    (tmp_path / "w.json").write_text(json.dumps({f"c{k}": int(v) for k, v in enumerate(w)}))
    (tmp_path / "w.csv").write_text(
        "class,weight\n" + "".join(f"c{5 - k},{w[5 - k]}\n" for k in range(6))
    )
    (tmp_path / "w.txt").write_text("\n".join(map(str, w)))
    np.save(tmp_path / "w.npy", w.astype(np.float32))
    for name in ("w.json", "w.csv", "w.txt", "w.npy"):
        found = nclib(*words, "--class-weight", tmp_path / name).json
        assert inner(found) == pytest.approx(wanted, rel=1e-12), name
    found = nclib(*words, "--sampler", tmp_path / "w.txt").json
    drawn = {n: N * v / w.sum() for n, v in ((300, 1), (30, 4))}
    assert inner(found) == pytest.approx(
        {n: 1e3 * math.sqrt(value) / N for n, value in drawn.items()}, rel=1e-12
    )


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("w.txt", "1\n2\n", "one number for each of the 6 classes; got 2"),
        ("w.txt", "1\n1\n1\n1\n0\n1\n", r"must be positive and finite"),
        ("w.txt", "1\n1\nx\n1\n1\n1\n", "line 3"),
        ("w.csv", "c0,1\nc1,1\nc2,1\nc3,1\nc4,1\nc9,1\n", "no number for the class 'c5'"),
        ("w.csv", "c0,1\nc0,2\n", "'c0' is there twice"),
        ("w.json", '{"c0": 1}', "no number for the class 'c1'"),
        ("w.json", "3", "expected one positive number per class"),
        ("w.json", "[", "not valid JSON"),
        ("w.npy", "no array", "not an .npy file"),
    ],
)
def test_wrong_files_of_weights_are_named(nclib, tmp_path, step, name, content, words):
    (tmp_path / name).write_text(content)
    outcome = nclib(
        "predict", step, "--weight-decay", 1e-3, "--lambda-H", 1e-3, "--class-weight",
        tmp_path / name,
    )  # fmt: skip
    assert outcome.failed(name, words)


def test_an_unknown_rule_says_which_there_are(nclib, step):
    words = ("predict", step, "--weight-decay", 1e-3, "--lambda-H", 1e-3)
    assert nclib(*words, "--class-weight", "inverse").failed("'inverse'", "balanced, sqrt")
    assert nclib(*words, "--class-weight", "effective:1").failed("effective:BETA", "below 1")
    assert nclib(*words, "--sampler", "inverse").failed("'inverse'", "none, balanced, sqrt")


# ---------------------------------------------------------------- the weight decay, translated


@pytest.mark.parametrize(
    ("words", "factor"),
    [
        (("--loss", "cross-entropy"), 1.0),
        (("--loss", "cross-entropy", "--class-weight", "balanced"), 1.0),
        (("--loss", "mse"), 2 / 6),
        (("--loss", "mse", "--class-weight", "balanced"), 2 / 6),
        (("--loss", "mse-sum", "--batch-size", 100), 2 * N / 10),
        (("--loss", "mse-sum", "--batch-size", 100, "--drop-last"), 2 * 100),
        # Of a rule the mean weight of a sample is 1.
        (("--loss", "mse-sum", "--batch-size", 99, "--class-weight", "sqrt"), 2 * 99),
    ],
    ids=str,
)
def test_the_weight_decay_is_translated_by_the_loss(nclib, step, words, factor):
    given = ("--weight-decay", 0.5, "--lambda-H", 1e-3, "--bias", "none", "--json")
    found = nclib("predict", step, *words, *given).json
    assert found["lambda_W"] == pytest.approx([0.5 / factor], rel=1e-12)


def test_a_sum_is_multiplied_by_the_weights_of_a_file(nclib, tmp_path, step):
    (tmp_path / "w.txt").write_text("2\n2\n2\n3\n3\n3\n")
    found = nclib(
        "predict", step, "--loss", "mse-sum", "--batch-size", 99, "--weight-decay", 1,
        "--lambda-H", 1e-3, "--class-weight", tmp_path / "w.txt", "--json",
    ).json  # fmt: skip
    mean = (2 * 900 + 3 * 90) / N
    assert found["lambda_W"] == pytest.approx([1 / (2 * 99 * mean)], rel=1e-12)


def test_without_a_loss_the_penalty_decides_and_the_first_line_says_so(nclib, step):
    for penalty, said, loss, bias in (
        ("--weight-decay", "with a weight decay that is cross-entropy", "cross-entropy", "decayed"),
        ("--lambda-W", "with lambda_W that is the squared error", None, "without a penalty"),
    ):
        words = ("predict", step, penalty, 1e-3, "--lambda-H", 1e-3)
        first = nclib(*words).flat
        assert first.startswith("No loss was named: ")
        assert said in first
        assert bias in first
        assert nclib(*words, "--json").json.get("loss") == loss
    named = nclib("predict", step, "--loss", "mse", "--weight-decay", 1e-3, "--lambda-H", 1e-3).flat
    assert named.startswith("The squared error, a mean over samples and classes (MSELoss), one")
    assert "The weight decay 0.001 is lambda_W = 0.003." in named


def test_the_plain_squared_error_is_the_papers_whatever_it_is_called(nclib, step):
    """6 classes: MSELoss is a third of the paper's loss."""
    paper = nclib(
        "predict", step, "-L", 3, "--lambda-W", 3e-3, "--lambda-H", 1e-3, "--json"
    ).json  # fmt: skip
    script = nclib(
        "predict", step, "-L", 3, "--loss", "mse", "--weight-decay", 1e-3, "--lambda-H", 1e-3,
        "--bias", "free", "--json",
    ).json  # fmt: skip
    assert script.pop("script") != paper.pop("script")
    for key, value in paper.items():
        if isinstance(value, float):
            assert script[key] == pytest.approx(value, rel=1e-12), key
    assert script["verdict"] == paper["verdict"]
    assert [g["right_with"] for g in script["groups"]] == [g["right_with"] for g in paper["groups"]]


def test_a_penalised_bias_of_a_deep_head_is_open_and_says_so(nclib, step):
    words = ("predict", step, "--loss", "mse", "--weight-decay", 1e-3, "--lambda-H", 1e-3, "-L", 3)
    assert nclib(*words).failed("penalised bias", "open", "free or none")
    assert nclib(*words, "--bias", "none").code == 0
    assert nclib(*words, "--class-weight", "balanced", "--bias", "free").failed("open")
    deep = ("predict", step, "--weight-decay", 1e-3, "--lambda-H", 1e-3, "-L", 3)
    assert nclib(*deep).failed("no optimum is known for cross-entropy with depth = 3")


def test_small_batches_take_the_weights_back(nclib, tmp_path):
    """In batches of one torch's weights do nothing: the thresholds are those without weights."""
    path = write(tmp_path, [40, 40, 8, 8])
    words = ("predict", path, "--weight-decay", 1e-2, "--lambda-H", 1e-2, "--json")
    plain = nclib(*words).json
    one = nclib(*words, "--class-weight", "balanced", "--batch-size", 1).json
    assert inner(one) == pytest.approx(inner(plain), rel=1e-9)
    whole = nclib(*words, "--class-weight", "balanced", "--batch-size", 96).json
    weighted = nclib(*words, "--class-weight", "balanced").json
    assert inner(whole) == pytest.approx(inner(weighted), rel=1e-9)
    between = inner(nclib(*words, "--class-weight", "balanced", "--batch-size", 8).json)
    assert inner(plain)[8] < between[8] < inner(weighted)[8]
    text = nclib(*words[:-1], "--class-weight", "balanced", "--batch-size", 1).flat
    assert "in batches of 1 a sample of the class with the largest weight counts 1 times" in text
    assert "not 5 times" in text


# ---------------------------------------------------------------- margins


def test_two_classes_are_lost_at_the_same_factor_by_both_losses(nclib, tmp_path):
    """Proved: with a free bias, at N / (2 n_1) of kappa_1 / N, where kappa_1^2 = 2 n_1 n_2 / N."""
    path = write(tmp_path, [900, 100])
    factor = 1000 / 1800 * math.sqrt(2 * 900 * 100 / 1000) / 1000 / 1e-3
    for loss in ("cross-entropy", "mse"):
        words = ("predict", path, "--loss", loss, "--lambda-W", 1e-3, "--lambda-H", 1e-3)
        found = nclib(*words, "--json").json
        assert found["first_class_lost_at_factor"] == pytest.approx(factor, rel=1e-7)
        assert found["first_classes_lost"] == [100]
        assert f"Margin: a class is lost when all penalties are multiplied by {factor:.3g}: c1" in (
            nclib(*words).flat
        )


LOSSES = {
    "paper": ("--lambda-W", 1e-3),
    "paper, deep": ("--lambda-W", 1e-3, "-L", 3),
    "mse": ("--loss", "mse", "--weight-decay", 1e-3, "--bias", "free", "-L", 2),
    "mse-sum": ("--loss", "mse-sum", "--weight-decay", 1e-2, "--batch-size", 100, "--no-bias"),
    "cross-entropy": ("--weight-decay", 1e-3),
    "free": ("--weight-decay", 1e-3, "--bias", "free"),
    "weights": ("--weight-decay", 1e-3, "--class-weight", "balanced"),
    "deep weights": ("--loss", "mse", "--weight-decay", 1e-3, "--class-weight", "sqrt", "-L", 2,
                     "--no-bias"),
}  # fmt: skip


@pytest.mark.parametrize("words", LOSSES.values(), ids=LOSSES)
def test_a_margin_that_was_asked_for_is_left(nclib, step, words):
    """What is found is put in again, and the margin is what it was to be."""
    lambda_H = 1e-3
    found = nclib("predict", step, *words, "--lambda-H", lambda_H, "--margin", 2, "--json").json
    (left,) = found["margin"]
    at = next(i for i, word in enumerate(words) if word in ("--weight-decay", "--lambda-W"))
    key = "weight_decay" if words[at] == "--weight-decay" else "lambda_W"
    for suffix, features in (("", left["lambda_H"]), ("_alone", lambda_H)):
        again = list(words)
        again[at + 1] = left[f"{key}{suffix}"][0]
        there = nclib("predict", step, *again, "--lambda-H", features, "--json").json
        assert there["first_class_lost_at_factor"] == pytest.approx(2, rel=1e-6)
    text = nclib("predict", step, *words, "--lambda-H", lambda_H, "--margin", 2).flat
    assert f"lambda_W = {left['lambda_W'][0]:.4g}" in text
    if key == "weight_decay":
        assert f"a weight decay of {left['weight_decay_alone'][0]:.4g}" in text


# ---------------------------------------------------------------- the band


@pytest.mark.parametrize("penalty", ["--weight-decay", "--lambda-W"])
def test_without_lambda_H_a_band_is_stated_and_gone_through(nclib, step, penalty):
    words = ("predict", step, penalty, 2e-2)
    found = nclib(*words, "--json").json["band"]
    low, high = BAND
    assert found["N_lambda_H"] == [low, high]
    values = [row["lambda_H"] for row in found["outcomes"]]
    np.testing.assert_allclose(values, np.geomspace(low, high, 7) / N, rtol=1e-12)
    for row, end in ((found["outcomes"][0], found["ends"][0]),
                     (found["outcomes"][-1], found["ends"][1])):  # fmt: skip
        one = nclib(*words, "--lambda-H", row["lambda_H"], "--json").json
        for key in ("modes_alive", "classes_right", "classes_merged", "accuracy"):
            assert row[key] == one[key]
        assert end["first_class_lost_at_factor"] == pytest.approx(
            one["first_class_lost_at_factor"], rel=1e-7
        )
        assert end["first_classes"] == ["c3", "c4", "c5"]
    text = nclib(*words).flat
    assert f"Taken here is a band: N lambda_H from {low:g} to {high:g}" in text
    assert "In 49 stored networks with weight decay on all layers it was measured" in text


def test_the_report_goes_over_the_band_too(nclib, tmp_path, step):
    for number, words in enumerate((("--weight-decay", 2e-2), ("--lambda-W", 2e-2))):
        path = tmp_path / f"{number}.html"
        assert nclib("predict", step, *words, "--margin", 2, "--report", path).code == 0
        page = path.read_text(encoding="utf-8")
        assert "Over a band of lambda_H" in page
        assert "N lambda_H from 0.0005 to 0.2" in page
        assert "All that follows is for N lambda_H = 0.01" in page
        assert page.count('<script type="application/json">') == (1 if number == 0 else 2)
        # The classes' chart, at the middle of the band: what the library finds there.
        content = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)[0]
        columns = json.loads(content)["columns"]
        model = nc.script_model(
            nc.read_counts(step), lambda_H=1e-2 / N,
            **{("weight_decay", "lambda_W")[number]: 2e-2},
        )  # fmt: skip
        best = nc.loss_minimizer(model.problem)
        # Factor 1 is the eleventh, with two counts each.
        start = 20
        np.testing.assert_allclose(columns["own"][start : start + 2],
                                   nc.class_outcomes(best).own_logit, rtol=1e-4)  # fmt: skip


def test_the_share_that_is_right_is_of_training_and_of_the_optimum(nclib, tmp_path, step):
    path = tmp_path / "r.html"
    said = [nclib("remedies", step, "--weight-decay", 2e-2).flat]
    for words in (("--weight-decay", 2e-2), ("--lambda-W", 2e-2)):
        said.append(nclib("predict", step, *words).flat)
        said.append(nclib("predict", step, *words, "--lambda-H", 1e-3, "--report", path).flat)
        page = path.read_text(encoding="utf-8")
        page = re.sub(r"<(script|style)>.*?</\1>", " ", page, flags=re.DOTALL)
        said.append(" ".join(re.sub("<[^>]*>", " ", page).split()))
        assert "training accuracy of the optimum" in said[-1]
    for text in said:
        assert "training accuracy" in text
        assert "of the optimum" in text
        assert len(re.findall("accuracy", text)) == len(re.findall("training accuracy", text))


# ---------------------------------------------------------------- remedies


def test_remedies_say_who_is_lost_first_and_in_which_order(nclib, step):
    lam = 1e-3
    words = ("remedies", step, "--weight-decay", lam, "--lambda-H", lam, "--bias", "free")
    rows = by_name(nclib(*words, "--json"))
    rare, common = ["c3", "c4", "c5"], ["c0", "c1", "c2"]
    # From the table of thresholds: weights 1/n turn the order round, 1/sqrt(n) treats all alike.
    for name, order, first, threshold in (
        ("nothing", "rarest first", rare, math.sqrt(30) / N),
        ("class weights 1/n", "most frequent first", common, 1 / (6 * math.sqrt(300))),
        ("class weights 1/sqrt(n)", "all at once", None, 1 / MEAN_ROOT),
        ("balanced sampling", "all at once", None, math.sqrt(N / 6) / N),
        ("label smoothing 0.1", "rarest first", rare, 0.9 * math.sqrt(30) / N),
        ("logit adjustment, tau = 1", "rarest first", rare, math.sqrt(30) / N),
        ("CDT, logits times n^0.3", "rarest first", rare, 0.1**0.3 * math.sqrt(30) / N),
    ):
        row = rows[name]
        assert row["order"] == order
        assert row["open"] is None
        # A class is lost by merging at the latest.
        assert row["first_class_lost_at_factor"] <= threshold / lam * (1 + 1e-9)
        if first:
            names = [f"c{k}" for k in row["first_classes_lost"]]
            assert names == first
    assert rows["focal loss"]["open"].startswith("not covered")
    text = nclib(*words).flat
    assert "most frequent first" in text
    assert "* open, focal loss: not covered" in text


def test_every_row_is_what_predict_says_of_that_script(nclib, step):
    words = (step, "--weight-decay", 2e-2, "--lambda-H", 2e-3)
    rows = by_name(nclib("remedies", *words, "--json"))
    for name, options in {
        "nothing": (),
        "class weights 1/n": ("--class-weight", "balanced"),
        "class weights, effective number 0.999": ("--class-weight", "effective:0.999"),
        "square-root sampling": ("--sampler", "sqrt"),
        "balanced sampling, weights 1/n": ("--sampler", "balanced", "--class-weight", "balanced"),
        "logit adjustment, tau = 1": ("--logit-adjustment", 1),
    }.items():
        found = nclib("predict", *words, *options, "--json").json
        row = rows[name]
        for key in ("modes_alive", "classes_right", "accuracy"):
            assert row[key] == pytest.approx(found[key], rel=1e-9), (name, key)
        assert row["first_class_lost_at_factor"] == pytest.approx(
            found["first_class_lost_at_factor"], rel=1e-6
        )


def test_what_is_open_is_a_row_and_no_error(nclib, step):
    words = ("remedies", step, "--loss", "mse", "--weight-decay", 1e-3, "--lambda-H", 1e-4, "-L", 3)
    rows = by_name(nclib(*words, "--bias", "free", "--json"))
    assert rows["nothing"]["open"] is None
    assert "with a bias and depth = 3 are open" in rows["class weights 1/n"]["open"]
    assert "none of the squared error" in rows["LDAM margins, up to 0.5"]["open"]
    assert rows["class weights 1/n"]["classes_right"] is None
    # By default the bias is decayed with the rest, and with three layers nothing is known of that.
    rows = nclib(*words, "--json").json["remedies"]
    assert all(row["open"] for row in rows)
    assert nclib(*words).code == 0
    # Without a bias n^(-3/4) is the one power that treats all alike.
    rows = by_name(nclib(*words, "--bias", "none", "--json"))
    alike = [name for name, row in rows.items() if name.startswith("class") and
             row["order"] == "all at once"]  # fmt: skip
    assert alike == ["class weights n^(-3/4)"]


def test_remedies_without_lambda_H_are_for_the_middle_of_the_band(nclib, step):
    words = ("remedies", step, "--weight-decay", 0.6)
    found = nclib(*words, "--json").json
    assert found["band"] == list(BAND)
    assert N * found["lambda_H"] == pytest.approx(math.sqrt(BAND[0] * BAND[1]))
    low, high = (
        nclib("predict", step, "--weight-decay", 0.6, "--lambda-H", end / N, "--json").json
        for end in BAND
    )
    assert found["remedies"][0]["classes_right_over_band"] == [
        low["classes_right"], high["classes_right"]
    ]  # fmt: skip
    assert low["classes_right"] > high["classes_right"]
    assert "a band from 0.0005 to 0.2 around what was measured on networks" in nclib(*words).flat


def test_a_notebook_gets_the_same_rows(nclib, step):
    rows = remedies(step, weight_decay=1e-3, lambda_H=1e-3)
    found = nclib("remedies", step, "--weight-decay", 1e-3, "--lambda-H", 1e-3, "--json").json
    assert [row.name for row in rows] == [row["remedy"] for row in found["remedies"]]
    assert [row.factor for row in rows] == [
        row["first_class_lost_at_factor"] for row in found["remedies"]
    ]
