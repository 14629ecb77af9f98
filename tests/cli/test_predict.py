"""`nclib predict`: its numbers against theorems and the library, its errors, its report."""

import json
import math
import os
import re
import sys
import threading
from html import escape

import numpy as np
import pytest

import nclib as nc
from nclib import _files
from nclib._text import factor_text, share_text
from nclib.theory.margins import misclassification_factors
from nclib.theory.optimum import class_outcomes
from nclib.theory.sample_counts import right_counts

PAPER = ("cifar10-paper", "--depth", "3", "--lambda-W", "5e-4", "--lambda-H", "1e-5")


def write_counts(folder, n, names=None):
    path = folder / "counts.csv"
    rows = [
        f"{c}" if names is None else f"{name},{c}" for c, name in zip(n, names or n, strict=True)
    ]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_one_layer_without_bias_is_theorem_4_1(nclib, tmp_path, record_error):
    n, lambda_W, lambda_H = np.array([900, 400, 100, 25]), 6e-3, 5e-3
    found = nclib(
        "predict", write_counts(tmp_path, n), "-L", 1, "--lambda-W", lambda_W,
        "--lambda-H", lambda_H, "--no-bias", "--json",
    ).json  # fmt: skip
    N, tau = n.sum(), math.sqrt(lambda_W * lambda_H)
    alive = n > N**2 * lambda_W * lambda_H
    assert found["modes_alive"] == alive.sum() == 3
    logits = np.diag(np.maximum(1 - N * tau / np.sqrt(n), 0))
    error = np.abs(np.array(found["logits"]) - logits).max()
    assert record_error("predict: logits of Theorem 4.1", error, 1e-14)
    for group, count, lives in zip(found["groups"], n, alive, strict=True):
        factor = math.sqrt(count) / (N * tau)
        assert group["samples"] == count
        assert (group["right"] == 1) == lives
        assert group["right_up_to_factor"] == pytest.approx(factor, rel=1e-8)
        # n > (n + R)^2 lambda_W lambda_H, R the samples of the others: between two roots
        sizes = np.arange(1, 10**5)
        right = sizes[sizes > (sizes + N - count) ** 2 * lambda_W * lambda_H]
        assert group["right_with"] == {
            "low": right[0], "high": right[-1], "smallest": right[0], "exhaustive": True,
        }  # fmt: skip
    # The next death and the loss that it is are those of the weakest class alive.
    text = nclib(
        "predict", write_counts(tmp_path, n), "-L", 1, "--lambda-W", lambda_W,
        "--lambda-H", lambda_H, "--no-bias",
    ).flat  # fmt: skip
    first, second = (math.sqrt(count) / (N * tau) for count in (25, 100))
    assert (
        f"The first mode has died at a factor of {first:.3g} on all penalties. "
        f"Room until the next one dies: a factor of {second:.3g}."
    ) in text
    assert (
        f"Margin: every class is right only when all penalties are multiplied by less than "
        f"{first:.3g}. The next class is lost when all penalties are multiplied by {second:.3g}: "
        "class 2 (100 samples)."
    ) in text
    assert found["first_class_lost_at_factor"] == pytest.approx(first, rel=1e-8)
    assert found["first_classes_lost"] == [25]
    assert found["first_mode_dies_at_factor"] == pytest.approx(first, rel=1e-12)


def at_factor(n, depth, factor):
    """A common penalty at which all modes would die at this factor on it, for two classes."""
    unit = nc.Problem(n, depth, lambda_W=1, lambda_H=1)
    return float(nc.collapse_factors(unit)[0]) / factor


def test_a_class_is_lost_long_before_the_mode_dies(nclib, tmp_path):
    """Fraud: at 1.99 times the penalty, one of one modes alive, every fraud missed."""
    n = [284_315, 492]
    lam = at_factor(n, 1, 1.99)
    # Lost at N / (2 n_1) of the death.
    margin = 1.99 * 284_807 / (2 * 284_315)
    arguments = ("predict", write_counts(tmp_path, n), "-L", 1, "--lambda-W", lam, "--lambda-H")
    text = nclib(*arguments, lam).flat
    assert "1 of 1 mode is alive. The optimum classifies 1 of 2 classes right" in text
    assert "Lost, though apart from the others: class 1 (492 samples)." in text
    assert f"only when all penalties are multiplied by less than {margin:.3g}." in text
    assert "Room until a mode dies: a factor of 1.99." in text
    found = nclib(*arguments, lam, "--json").json
    assert found["first_class_lost_at_factor"] == pytest.approx(margin, rel=1e-9)
    assert found["first_mode_dies_at_factor"] == pytest.approx(1.99, rel=1e-12)
    safe = nclib(*arguments, lam / 10).flat
    assert "Margin: a class is lost when all penalties are multiplied by 3.15: class 1" in safe


def test_the_number_of_samples_is_a_run_and_no_smallest_count(nclib, tmp_path):
    """Two classes, six layers: of 1,000 and x right from 778 to 945, and from 1,001 on."""
    for own, run in ((900, (778, 945)), (950, (778, 945)), (999, (1001, None))):
        path = write_counts(tmp_path, [1000, own])
        arguments = ("predict", path, "-L", 6, "--lambda-W", 0.02736, "--lambda-H", 0.02736)
        wanted = {"low": run[0], "high": run[1], "smallest": 778, "exhaustive": True}
        assert nclib(*arguments, "--json").json["groups"][1]["right_with"] == wanted
        alone = nclib(*arguments, "--class", 1, "--json").json["groups"][1]["right_with"]
        assert alone == wanted
        text = nclib(*arguments).flat
        assert ("778 to 945" if own < 999 else "1,001 or more") in text
        assert "mallest" not in text
        assert "none" not in text


def test_a_class_with_the_largest_count_of_all_is_right_with_any_number_above_the_others(
    nclib, tmp_path
):
    # Weak penalties: the large class would be right with one sample; strong ones: from 101 on.
    for factor, low in ((1e-3, 1), (1.2, 101)):
        lam = at_factor([100, 100], 1, 1) * factor
        path = write_counts(tmp_path, [1000, 100])
        found = nclib(
            "predict", path, "-L", 1, "--lambda-W", lam, "--lambda-H", lam, "--json"
        ).json  # fmt: skip
        run = found["groups"][0]["right_with"]
        assert (run["low"], run["high"], run["exhaustive"]) == (low, None, True)


def test_counts_that_were_not_all_tried_are_marked(nclib, tmp_path):
    path = write_counts(tmp_path, [10**7, 10**6, 500, 400])
    arguments = ("predict", path, "-L", 3, "--lambda-W", 3e-3, "--lambda-H", 1e-3)
    outcome = nclib(*arguments, "--report", tmp_path / "r.html")
    assert " or more * " in outcome.flat
    assert "* Not all numbers were tried" in outcome.flat
    assert "not all numbers were tried)" in outcome.flat
    assert "* Not all numbers were tried" in (tmp_path / "r.html").read_text(encoding="utf-8")
    found = nclib(*arguments, "--json").json["groups"]
    assert [group["right_with"]["exhaustive"] for group in found] == [False] * 4
    assert {group["right_with"]["smallest"] for group in found} == {None}


def test_two_classes_are_lost_where_the_closed_form_says(nclib, tmp_path):
    problem = nc.Problem([900, 100], 1, lambda_W=1e-3, lambda_H=1e-3)
    path = write_counts(tmp_path, [900, 100])
    arguments = ("-L", 1, "--lambda-W", 1e-3, "--lambda-H", 1e-3)
    common, rare = nclib("predict", path, *arguments, "--json").json["groups"]
    assert common["right_up_to_factor"] is None  # right even at total collapse
    limits = nc.theory.two_class_limits(problem)
    assert rare["right_up_to_factor"] == pytest.approx(limits.wrong, rel=1e-10)
    rows = nclib("predict", path, *arguments).out.splitlines()
    assert any(re.match(r" *0 +right +900 +1 .* any ", row) for row in rows)


def test_the_paper_counts_are_what_the_library_says(nclib):
    found = nclib("predict", *PAPER, "--json").json
    problem = nc.Problem(nc.ClassCounts.cifar10_paper(), 3, lambda_W=5e-4, lambda_H=1e-5)
    best = nc.global_minimizer(problem)
    assert found["objective"] == best.objective
    assert found["accuracy"] == 1.0
    np.testing.assert_array_equal(found["logits"], best.logits())
    kappa = np.repeat([m["kappa"] for m in found["modes"]], [m["modes"] for m in found["modes"]])
    np.testing.assert_array_equal(kappa, best.kappa[:9])
    dies = np.repeat(
        [m["dies_at_factor"] for m in found["modes"]], [m["modes"] for m in found["modes"]]
    )
    np.testing.assert_array_equal(dies, nc.collapse_factors(problem)[:9])
    assert [g["classes"] for g in found["groups"]] == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    assert found["first_death_by_depth"]["3"] == nc.collapse_factors(problem)[8]
    text = nclib("predict", *PAPER)
    assert text.code == 0
    assert text.err == ""
    assert "9 of 9 modes are alive" in text.out
    assert "15.3" in text.out


def test_without_lambda_H_the_outcome_goes_from_all_alive_to_none(nclib):
    found = nclib("predict", *PAPER[:-2], "--json").json
    rows = found["outcomes"]
    assert rows[0]["modes_alive"] == 9
    assert rows[-1]["modes_alive"] == 0
    for row in rows:
        best = nc.global_minimizer(
            nc.Problem(nc.ClassCounts.cifar10_paper(), 3, lambda_W=5e-4, lambda_H=row["lambda_H"])
        )
        assert row["modes_alive"] == best.alive
        assert row["accuracy"] == best.training_accuracy().overall
        assert row["classes_merged"] == sum(map(len, best.merged_classes()))
    for end, alive in (("first", 9), ("last", 1)):
        at = found[f"{end}_mode_dies_at_lambda_H"]
        for factor, expected in ((1 - 1e-9, alive), (1 + 1e-9, alive - 1)):
            problem = nc.Problem(
                nc.ClassCounts.cifar10_paper(), 3, lambda_W=5e-4, lambda_H=factor * at
            )
            assert nc.global_minimizer(problem).alive in (expected, expected - 1)
    assert "All 9 modes are alive while lambda_H is below" in nclib("predict", *PAPER[:-2]).out


def test_penalties_may_differ_by_layer(nclib):
    found = nclib(
        "predict", "ecoli", "-L", 2, "--lambda-W", 1e-3, "--lambda-W", 4e-3, "--lambda-H", 1e-3,
        "--json",
    ).json  # fmt: skip
    problem = nc.Problem(nc.read_counts("ecoli"), 2, lambda_W=(1e-3, 4e-3), lambda_H=1e-3)
    assert found["objective"] == nc.global_minimizer(problem).objective
    assert found["first_death_by_depth"] == {}


def test_lost_classes_and_what_to_change_are_said(nclib):
    arguments = ("predict", "ham10000", "-L", 1, "--lambda-W", 5e-4, "--lambda-H", 5e-3)
    found = nclib(*arguments, "--json").json
    lost = [g for g in found["groups"] if g["right"] < 1]
    assert lost
    words = " ".join(found["verdict"] + found["advice"])
    for group in lost:
        assert group["classes"][0] in words
        run = group["right_with"]
        assert f"would be right with {run['low']:,} or more samples" in words
    # The factor that the advice names does what it says, rounded down.
    factor = float(re.search(r"multiplied by (\S+), every class", words).group(1))
    problem = nc.Problem(
        nc.read_counts("ham10000"), 1, lambda_W=5e-4 * factor, lambda_H=5e-3 * factor
    )
    assert 2 <= misclassification_factors(problem).min() < 2.1
    assert nc.global_minimizer(problem).training_accuracy().overall == 1
    assert "Weaken the penalties" in nclib(*arguments).out


def test_nothing_is_advised_where_nothing_is_in_danger(nclib):
    assert nclib("predict", *PAPER, "--json").json["advice"] == []


@pytest.mark.parametrize("step", [10, 1])  # with few different counts, and with many
def test_of_many_lost_classes_the_advice_names_the_rarest(nclib, tmp_path, step):
    n = [10_000, *range(60, 9, -step)]
    path = write_counts(tmp_path, n, [f"class-{c}" for c in n])
    found = nclib(
        "predict", path, "-L", 1, "--lambda-W", 2e-3, "--lambda-H", 2e-3, "--json"
    ).json  # fmt: skip
    assert sum(group["right"] < 1 for group in found["groups"]) == len(n) - 1
    advised = [line for line in found["advice"] if "Change the samples" in line]
    named = [re.search(r"class-\d+", line).group() for line in advised]
    assert named == [f"class-{c}" for c in n[-3:]]


def test_the_head_is_advised_by_the_class_that_is_lost(nclib, tmp_path):
    """One layer loses the rare of two classes at half of its mode's death; two at the death."""
    n, lam = [10_000, 100], at_factor([10_000, 100], 1, 1.5)
    path = write_counts(tmp_path, n)
    found = nclib("predict", path, "-L", 1, "--lambda-W", lam, "--lambda-H", lam, "--json").json
    for depth, margin in found["first_loss_by_depth"].items():
        problem = nc.Problem(n, int(depth), lambda_W=lam, lambda_H=lam)
        assert margin == pytest.approx(nc.theory.two_class_limits(problem).wrong, rel=1e-9)
        dead = nc.theory.two_class_limits(problem).dead
        assert found["first_death_by_depth"][depth] == pytest.approx(dead, rel=1e-12)
    margin, best = found["first_loss_by_depth"]["1"], max(found["first_loss_by_depth"].values())
    assert any(
        f"the margin is {best:.3g} instead of {margin:.3g}." in line for line in found["advice"]
    )


def test_above_a_hundred_distinct_counts_the_first_loss_is_still_said(nclib, tmp_path):
    n = [5000 - 7 * k for k in range(150)]
    names = [f"c{k}" for k in range(150)]
    path = write_counts(tmp_path, n, names)
    for factor in (0.3, 1.0):  # nothing lost, something lost
        lam = float(nc.collapse_factors(nc.Problem(n, 1, lambda_W=1, lambda_H=1))[-2]) * factor
        arguments = ("predict", path, "-L", 1, "--lambda-W", lam, "--lambda-H", lam)
        found = nclib(*arguments, "--json").json
        factors = misclassification_factors(nc.Problem(n, 1, lambda_W=lam, lambda_H=lam))
        first = int(factors.argmin())
        assert not any("right_up_to_factor" in group for group in found["groups"])
        assert found["first_class_lost_at_factor"] == pytest.approx(factors[first], rel=1e-9)
        assert found["first_classes_lost"] == [n[first]]
        text = nclib(*arguments).flat
        if factor < 0.5:
            words = f"multiplied by {factors[first]:.3g}: {names[first]} ({n[first]:,} samples)."
        else:
            following = int(np.where(factors > 1, factors, np.inf).argmin())
            assert "is right only when all penalties are multiplied by less than " in text
            words = "The next class is lost when all penalties are multiplied by "
            words += (
                f"{factor_text(factors[following])}: {names[following]} ({n[following]:,} samples)."
            )
        assert words in text


def test_classes_asked_about_alone(nclib, tmp_path):
    n = [5000 - 7 * k for k in range(150)]
    path = write_counts(tmp_path, n, [f"c{k}" for k in range(150)])
    arguments = ("predict", path, "-L", 2, "--lambda-W", 1e-5, "--lambda-H", 1e-5, "--json")
    assert not any("right_with" in g for g in nclib(*arguments).json["groups"])
    found = nclib(*arguments, "--class", "c149", "--class", 3).json["groups"]
    known = {g["classes"][0]: g for g in found if "right_with" in g}
    problem = nc.Problem(n, 2, lambda_W=1e-5, lambda_H=1e-5)
    assert list(known) == ["c3", "c149"]
    for group, run in zip(known.values(), right_counts(problem, [3, 149]), strict=True):
        assert group["right_with"]["low"] == run.low
        assert group["right_with"]["exhaustive"] == run.exhaustive
    assert nclib(*arguments, "--class", "c150").failed("'c150'", "from 0 to 149")


def test_a_class_whose_features_are_0_is_lost_in_a_tie(nclib, tmp_path):
    """Without a bias a dead class has no features to differ and no logit that is largest."""
    path = write_counts(tmp_path, [500, 500, 10])
    arguments = ("predict", path, "-L", 1, "--lambda-W", 5e-3, "--lambda-H", 5e-3, "--no-bias")
    words = nclib(*arguments).flat
    assert "Lost in a tie: class 2 (10 samples). Their features are 0" in words
    assert "differ" not in words
    assert np.abs(np.array(nclib(*arguments, "--json").json["logits"])[:, 2]).max() == 0


def test_each_lost_class_is_told_what_has_become_of_it(nclib, tmp_path):
    """With 60, 10, 10 and one layer the rare ones are first wrong, then merged."""
    path = write_counts(tmp_path, [60, 10, 10], ["a", "b", "c"])
    for lam, words in (
        (0.039, "Lost, though apart from the others: b, c (10 samples each)."),
        (0.045, "Lost and merged with others: b, c (10 samples each)."),
    ):
        text = nclib("predict", path, "-L", 1, "--lambda-W", lam, "--lambda-H", lam).flat
        assert words in text
        assert text.count("Lost") == 1


def test_unnamed_classes_are_no_numbers_of_the_sentence(nclib, tmp_path):
    path = write_counts(tmp_path, [900, 400, 100, 100])
    text = nclib("predict", path, "-L", 1, "--lambda-W", 6e-3, "--lambda-H", 5e-3).flat
    assert "classes 2, 3 (100 samples each)" in text


@pytest.mark.parametrize(
    ("given", "shown"),
    [((1e-3,), "0.001"), ((1e-3,) * 3, "0.001"), ((1e-3, 1e-3, 2e-3), "0.001, 0.001, 0.002")],
)
def test_all_penalties_of_the_layers_are_shown_or_one_for_all(nclib, given, shown):
    options = [option for lam in given for option in ("--lambda-W", lam)]
    for more in ((), ("--lambda-H", 1e-3)):
        text = nclib("predict", "ecoli", "-L", 3, *options, *more).flat
        assert re.search(rf"lambda_W = {re.escape(shown)}(, lambda_H|\s)", text)


def test_a_factor_near_1_is_not_written_as_1(nclib, tmp_path):
    n = [900, 100]
    path = write_counts(tmp_path, n)
    for factor, shown in ((0.9996, "0.9996"), (1.00004, "1.00004")):
        lam = at_factor(n, 2, factor)
        text = nclib("predict", path, "-L", 2, "--lambda-W", lam, "--lambda-H", lam).flat
        assert text.count(shown) >= 4  # the margin, the room, and both tables
        assert not re.search(r" 1\. | 1: ", text)


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (1.0, "100 %"), (0.999949, "99.99 %"), (0.99999999, "99.99 %"), (0.5, "50 %"),
        (1 / 3, "33.33 %"), (1e-9, "0.01 %"), (0.0, "0 %"),
    ],
)  # fmt: skip
def test_no_share_but_all_is_100_percent_and_none_but_none_is_0(share, shown):
    assert share_text(share) == shown


def test_one_sample_of_many_that_is_wrong_shows_in_the_accuracy(nclib, tmp_path):
    n = [10**6, 10]
    lam = at_factor(n, 1, 0.9)
    path = write_counts(tmp_path, n)
    text = nclib("predict", path, "-L", 1, "--lambda-W", lam, "--lambda-H", lam).flat
    assert "1 of 2 classes right, and 99.99 % of the training samples" in text


def test_a_range_of_lambda_H_says_where_the_first_class_is_lost(nclib, tmp_path):
    n = [900, 100]
    path = write_counts(tmp_path, n)
    found = nclib("predict", path, "-L", 1, "--lambda-W", 1e-3, "--json").json
    at = found["first_class_lost_at_lambda_H"]
    # The product of both penalties is that of the closed form.
    unit = nc.theory.two_class_limits(nc.Problem(n, 1, lambda_W=1, lambda_H=1))
    assert at == pytest.approx(unit.wrong**2 / 1e-3, rel=1e-9)
    assert found["first_mode_dies_at_lambda_H"] == pytest.approx(unit.dead**2 / 1e-3, rel=1e-9)
    text = nclib("predict", path, "-L", 1, "--lambda-W", 1e-3).flat
    assert f"All 2 classes are right while lambda_H is below {at:.4g}." in text


@pytest.mark.parametrize("lambda_W", ["1e-290", "1e290"])
def test_penalties_that_leave_no_range_of_lambda_H_are_one_line(nclib, lambda_W):
    assert nclib("predict", "ecoli", "-L", 2, "--lambda-W", lambda_W).failed("give lambda_H")


def test_counts_from_the_standard_input(nclib):
    found = nclib(
        "predict", "-", "-L", 2, "--lambda-W", 1e-3, "--lambda-H", 1e-3, "--json",
        stdin='{"cat": 30, "dog": 5}',
    ).json  # fmt: skip
    assert [g["classes"] for g in found["groups"]] == [["cat"], ["dog"]]


def test_names_cannot_give_orders_to_the_terminal(nclib, tmp_path):
    path = tmp_path / "counts.json"
    path.write_text(json.dumps({"\x1b[31m[bold]red": 30, "<b>": 10}))
    arguments = ("predict", path, "-L", 2, "--lambda-W", 1e-2, "--lambda-H", 1e-2)
    text = nclib(*arguments, "--report", tmp_path / "r.html")
    assert "\x1b" not in text.out
    assert "\\x1b[31m[bold]" in text.out
    assert "<b>" not in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert nclib(*arguments, "--json").json["groups"][0]["classes"] == ["\x1b[31m[bold]red"]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("ecoli",),
        ("ecoli", "-L", 0, "--lambda-W", 1),
        ("ecoli", "-L", 1.5, "--lambda-W", 1),
        ("ecoli", "-L", 1, "--lambda-W", 0),
        ("ecoli", "-L", 1, "--lambda-W", "nan"),
        ("ecoli", "-L", 1, "--lambda-W", "inf"),
        ("ecoli", "-L", 1, "--lambda-W", 1, "--lambda-H", -1),
        ("ecoli", "-L", 3, "--lambda-W", 1, "--lambda-W", 2),
        ("ecoli", "--lambda-W", 1, "--weight-decay", 1),
        ("ecoli", "--weight-decay", 0),
        ("ecoli", "-L", 3, "--weight-decay", 1, "--weight-decay", 2),
        ("ecoli", "--weight-decay", 1, "--loss", "hinge"),
        ("ecoli", "--weight-decay", 1, "--loss", "mse-sum"),
        ("ecoli", "--weight-decay", 1, "--drop-last"),
        ("ecoli", "--weight-decay", 1, "--bias", "some"),
        ("ecoli", "--weight-decay", 1, "--bias", "free", "--no-bias"),
        ("ecoli", "--weight-decay", 1, "--label-smoothing", 1),
        ("ecoli", "--weight-decay", 1, "--margin", 0),
        ("ecoli", "-L", 1, "--lambda-W", 1, "--colour"),
    ],
    ids=str,
)
def test_wrong_usage_is_exit_code_2(nclib, arguments):
    outcome = nclib("predict", *arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no class counts"),
        ("a,1\nb,2".encode("utf-16-le"), "UTF-16"),
        (b"a,1\nb,nan\n", "line 2"),
        (b"a,1\nb,inf\n", "line 2"),
        (b"a,1\nb,-2\n", "line 2"),
        (b"a,1\nb,two\n", "line 2"),
        (b'a,"1,000"\nb,2\n', "thousands"),
        (b"5\n", "2 to 1,000,000"),
        (b"\x80\x04\x95", "UTF-8"),
    ],
    ids=str,
)
def test_bad_counts_are_one_line(nclib, tmp_path, content, words):
    path = tmp_path / "counts.csv"
    path.write_bytes(content)
    report = tmp_path / "r.html"
    arguments = ("-L", 1, "--lambda-W", 1e-3, "--lambda-H", 1e-3, "--report", report)
    assert nclib("predict", path, *arguments).failed(words)
    assert nclib("predict", path, *arguments, "--json").failed(words)
    assert not report.exists()


def test_a_file_that_is_not_there_is_one_line(nclib, tmp_path):
    assert nclib("predict", tmp_path / "none.csv", "-L", 1, "--lambda-W", 1).failed("none.csv")
    assert nclib("predict", tmp_path, "-L", 1, "--lambda-W", 1).failed("0 sub-folders")


# ---------------------------------------------------------------- the report


@pytest.fixture(scope="module")
def page(nclib, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    outcome = nclib(
        "predict", "ham10000", "-L", 1, "--lambda-W", 5e-4, "--lambda-H", 5e-3, "--report", path
    )
    assert outcome.code == 0
    assert f"{path}" in outcome.out.replace("\n", "")
    return path.read_text(encoding="utf-8")


def test_the_report_says_what_the_command_says(nclib, page):
    found = nclib(
        "predict", "ham10000", "-L", 1, "--lambda-W", 5e-4, "--lambda-H", 5e-3, "--json"
    ).json
    for line in found["verdict"] + found["advice"]:
        assert escape(line) in page
    for group in found["groups"]:
        assert f"<td>{group['samples']:,}</td>" in page
        assert f"<td>{group['own_logit']:.4g}</td>" in page
    for mode in found["modes"]:
        assert f"<td>{mode['kappa']:.4g}</td>" in page


def test_the_report_asks_nothing_of_the_network(page):
    assert "default-src 'none'" in page
    markup = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", markup)
    assert "@import" not in markup
    assert "url(http" not in markup


def test_charts_of_the_report_hold_what_nclib_computes(page):
    blocks = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    assert len(blocks) == 2
    content = json.loads(blocks[0])
    assert content["rows"] == 6 * 21 * 7
    columns = {
        name: column if isinstance(column, list) else None
        for name, column in content["columns"].items()
    }
    # The last slider moves fastest: L = 3 is third, factor 1 in the middle.
    start = (2 * 21 + 10) * 7
    problem = nc.Problem(nc.read_counts("ham10000"), 3, lambda_W=5e-4, lambda_H=5e-3)
    outcomes = class_outcomes(nc.global_minimizer(problem))
    np.testing.assert_allclose(columns["own"][start : start + 7], outcomes.own_logit, rtol=1e-5)
    np.testing.assert_allclose(columns["other"][start : start + 7], outcomes.rival_logit, rtol=1e-5)


def test_a_report_that_fails_leaves_the_old_one(nclib, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_files.os, "fsync", full)
    assert nclib("predict", *PAPER, "--report", path).failed("No space left")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs links and named pipes")
def test_a_report_goes_through_links_and_pipes_and_leaves_them(nclib, tmp_path):
    (tmp_path / "real.html").write_text("old")
    (tmp_path / "link.html").symlink_to("real.html")
    os.mkfifo(tmp_path / "pipe")
    pages = []
    reader = threading.Thread(target=lambda: pages.append((tmp_path / "pipe").read_text("utf-8")))
    reader.start()
    for name in ("link.html", "pipe"):
        assert nclib("predict", *PAPER, "--report", tmp_path / name).code == 0
    reader.join()
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "pipe").is_fifo()
    assert pages == [(tmp_path / "real.html").read_text("utf-8")]
    assert pages[0].endswith("</html>\n")
    assert len(list(tmp_path.iterdir())) == 3


def test_a_report_that_cannot_be_written_is_named_as_it_was_given(nclib, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for name, words in (("none/r.html", "No such file"), ("folder", "Is a directory")):
        outcome = nclib("predict", *PAPER, "--report", name)
        assert outcome.failed()
        assert outcome.err.startswith(f"error: {name}: {words}")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_that_nobody_reads_to_the_end_is_named(nclib, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: os.close(os.open(pipe, os.O_RDONLY)))
    reader.start()
    assert nclib("predict", *PAPER, "--report", pipe).failed(f"{pipe}: Broken pipe")
    reader.join()
    assert pipe.is_fifo()


def test_a_report_for_which_a_package_is_missing_says_what_to_install(nclib, tmp_path, monkeypatch):
    for name in list(sys.modules):
        if name.startswith(("nclib.cli.report", "nclib.views.explorables")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "altair", None)
    outcome = nclib("predict", *PAPER, "--report", tmp_path / "r.html")
    assert outcome.failed('pip install ".[book]" in a copy of the repository')
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------- scale


@pytest.mark.slow
@pytest.mark.parametrize("more", [("--lambda-H", "1e-12"), ("--lambda-H", "1e-12", "--json"), ()])
def test_a_million_classes(cost_of, tmp_path, more):
    rng = np.random.default_rng(0)
    values = rng.choice(np.arange(1, 10**6), 1000, replace=False)
    n = np.concatenate([values, rng.choice(values, 10**6 - 1000)])
    path = tmp_path / "million.csv"
    path.write_text("name,count\n" + "".join(f"class{k},{c}\n" for k, c in enumerate(n)))
    cost = cost_of("predict", path, "-L", 3, "--lambda-W", 1e-9, *more)
    assert "1,000,000" in cost.out or "1000000" in cost.out
    assert cost.work < 80
    assert cost.peak < 10**6
