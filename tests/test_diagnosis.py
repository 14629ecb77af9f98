"""What is said of an optimum, whole sentences and tables, with numbers of closed forms."""

import math
from dataclasses import replace

import numpy as np
import pytest

import nclib as nc
from nclib.diagnosis import (
    BAND,
    Band,
    Loss,
    describe,
    first_lost,
    middle_of_band,
    mode_limit,
    over_lambda_H,
    penalties_for,
    predict,
    remedies,
    run_text,
)
from nclib.diagnosis.remedies import _candidates
from nclib.diagnosis.words import rounded_down
from nclib.theory.losses.objects import Sampling
from nclib.theory.margins import misclassification_factors
from nclib.theory.sample_counts import RightCounts

STEP = [300, 300, 300, 30, 30, 30]


def problem_of(n, lam, depth=1, names=None, **options):
    return nc.Problem(nc.ClassCounts(n, names), depth, lambda_W=lam, lambda_H=lam, **options)


def loss_problem(n=STEP, lam=1e-3, loss=None, **options):
    return nc.LossProblem(n, loss or nc.CrossEntropy(), lambda_W=lam, lambda_H=lam, **options)


# ---------------------------------------------------------------- the paper's loss

# One layer and a bias: z = kappa - N lambda, with kappa sqrt(10) and sqrt(22.5) for 60, 10, 10.
KAPPA = math.sqrt(22.5), math.sqrt(10)


def test_the_verdict_where_two_are_wrong_and_apart():
    problem = problem_of([60, 10, 10], 0.039)
    found = predict(problem)
    margin = misclassification_factors(problem).min()
    assert found.verdict() == [
        (
            "2 of 2 modes are alive. The optimum classifies 1 of 3 classes right, and 75 % of the "
            "training samples."
        ),
        (
            "Lost, though apart from the others: classes 1, 2 (10 samples each). Their features "
            "still differ, but the largest logit is another class's."
        ),
        (
            f"Margin: every class is right only when all penalties are multiplied by less than "
            f"{margin:.3g}."
        ),
        f"Room until a mode dies: a factor of {KAPPA[1] / (80 * 0.039):.3g}.",
    ]
    assert [found.outcome(g) for g in range(2)] == ["right", "wrong"]


def test_the_verdict_where_two_have_merged():
    found = predict(problem_of([60, 10, 10], 0.045))
    first, following = (kappa / (80 * 0.045) for kappa in KAPPA[::-1])
    words = found.verdict()
    assert words[0].startswith("1 of 2 modes is alive. ")
    assert words[1] == (
        "Lost and merged with others: classes 1, 2 (10 samples each). Their features are the same, "
        "so no later step can tell them apart."
    )
    assert words[3] == (
        f"The first mode has died at a factor of {first:.3g} on all penalties. Room until the next "
        f"one dies: a factor of {following:.3g}."
    )
    assert [found.outcome(g) for g in range(2)] == ["right", "wrong, 2 merged"]
    gone = predict(problem_of([60, 10, 10], 0.1)).room()
    first, last = (kappa / 8 for kappa in KAPPA[::-1])
    assert gone == (
        f"The first mode has died at a factor of {first:.3g} on all penalties, the last at "
        f"{last:.3g}."
    )


def test_the_verdict_of_a_tie():
    """Without a bias sqrt(n) / (N lambda) is where a class dies and is lost."""
    found = predict(problem_of([500, 500, 10], 5e-3, bias=False))
    small, large = (math.sqrt(n) / (1010 * 5e-3) for n in (10, 500))
    assert found.verdict() == [
        (
            "2 of 3 modes are alive. The optimum classifies 2 of 3 classes right, and 99.34 % of "
            "the training samples."
        ),
        "Lost in a tie: class 2 (10 samples). Their features are 0, and their logits all the same.",
        (
            f"Margin: every class is right only when all penalties are multiplied by less than "
            f"{small:.3g}."
        ),
        (
            f"The next class is lost when all penalties are multiplied by {large:.3g}: classes 0, "
            "1 (500 samples each)."
        ),
        (
            f"The first mode has died at a factor of {small:.3g} on all penalties. Room until the "
            f"next one dies: a factor of {large:.3g}."
        ),
    ]
    assert [found.outcome(g) for g in range(2)] == ["right", "guess among 3"]
    assert found.next_lost.groups == (0,)
    # Where all are lost there is no next.
    gone = predict(problem_of([500, 500, 10], 0.1, bias=False))
    assert gone.next_lost == Loss(math.inf, ())
    assert sum("lost when" in line for line in gone.verdict()) == 0


def test_modes_as_a_table():
    blocks = predict(problem_of([60, 10, 10], 0.045)).blocks()
    strong, weak = KAPPA
    assert [(row["kind"], row["modes"], row["alive"]) for row in blocks] == [
        ("between counts", 1, 1),
        ("classes of 10", 1, 0),
    ]
    for key, values in (
        ("kappa", KAPPA),
        ("z", (strong - 80 * 0.045, 0)),
        ("dies_at_factor", (strong / 3.6, weak / 3.6)),
        ("s", (1 - 3.6 / strong, 0)),
    ):
        assert [row[key] for row in blocks] == pytest.approx(values, rel=1e-12)
    # Five classes of one count: four modes of one kappa.
    (block,) = predict(problem_of([9] * 5, 0.01)).blocks()
    assert (block["kind"], block["modes"], block["alive"]) == ("classes of 9", 4, 4)
    assert block["kappa"] == pytest.approx(3)


@pytest.mark.parametrize(
    ("members", "label"), [(1, "a"), (2, "a, b"), (3, "a, b, c"), (4, "a, b, c +1")]
)
def test_three_classes_of_a_count_are_named(members, label):
    found = predict(problem_of([9] * members + [5], 1e-3, names=[*"abcd"[:members], "z"]))
    assert found.label(0) == label
    each = " each" * (members > 1)
    assert found.named([0]) == f"{label} (9 samples{each})"


def test_four_counts_are_named_in_a_sentence():
    found = predict(problem_of([9, 8, 7, 6, 5, 5, 4], 1e-3))
    four = "class 0 (9 samples); class 1 (8 samples); class 2 (7 samples); class 3 (6 samples)"
    assert found.named(range(4)) == four
    assert found.named(range(6)) == f"{four}; and 3 more classes"
    assert found.named([4]) == "classes 4, 5 (5 samples each)"


@pytest.mark.parametrize(("letters", "shown"), [(60, "x" * 60), (61, "x" * 57 + "...")])
def test_a_very_long_name_is_cut(letters, shown):
    found = predict(problem_of([9, 5], 1e-3, names=["x" * letters, "z"]))
    assert found.label(0) == shown


def test_what_is_asked_for_many_counts():
    for m in (30, 31, 100, 101):
        found = predict(problem_of(list(range(1001, 1001 + m)), 1e-9))
        assert len(found.with_factor) == (m if m <= 100 else 0)
        assert bool(found.losses()) == (m <= 100)
        assert len(found.right_with) == (m if m <= 30 else 0)


def test_logits_are_given_of_a_hundred_classes():
    for K in (100, 101):
        content = predict(problem_of([9] * K, 1e-3)).to_dict()
        assert ("logits" in content) == (K == 100)
        content = predict(loss_problem([9] * K, 1e-5)).to_dict()
        assert ("logits" in content) == (K == 100)


def test_other_depths_are_compared():
    found = predict(problem_of([60, 10, 10], 0.01))
    assert list(found.losses()) == list(found.deaths()) == [1, 2, 3, 4, 5, 6]
    deep = predict(problem_of([60, 10, 10], 1e-3, depth=8))
    assert list(deep.losses()) == [1, 2, 3, 4, 5, 6, 8]
    for depth, factor in deep.deaths().items():
        other = problem_of([60, 10, 10], 1e-3, depth=depth)
        assert factor == pytest.approx(nc.collapse_factors(other)[1], rel=1e-12)
        lost = misclassification_factors(other).min()
        assert deep.losses()[depth] == pytest.approx(lost, rel=1e-8)
    unequal = nc.Problem([60, 10, 10], 2, lambda_W=(1e-3, 2e-3), lambda_H=1e-3)
    assert predict(unequal).losses() == {}


def advised(problem, beginning):
    return [line for line in predict(problem).advice() if line.startswith(beginning)]


def test_a_head_is_advised_that_makes_the_margin_larger_by_a_tenth():
    """Two classes and one layer: the margin is N / (2 n_1) of the death."""
    gained = 0
    for ratio in (1, 2, 5, 20, 100):
        for depth in (1, 2, 3):
            unit = problem_of([100 * ratio, 100], 1.0, depth)
            problem = problem_of([100 * ratio, 100], nc.collapse_factors(unit)[0] / 1.2, depth)
            limits = {
                d: nc.theory.two_class_limits(
                    replace(problem, depth=d, lambda_W=problem.lambda_W[:1] * d, widths=(2,) * d)
                ).wrong
                for d in range(1, 7)
            }
            own, best = limits[depth], max(limits, key=lambda d: limits[d])
            lines = advised(problem, "Change the head")
            assert len(lines) == (limits[best] > 1.1 * own)
            if lines:
                gained += 1
                layers = "1 linear layer " if best == 1 else f"{best} linear layers "
                assert f"with these penalties and {layers}the margin is" in lines[0]
    assert 0 < gained < 15


def test_two_layers_are_advised_where_they_leave_the_largest_margin():
    problem = problem_of([68, 15], 0.0239)
    two = replace(problem, depth=2, lambda_W=problem.lambda_W * 2, widths=(2, 2))
    (line,) = advised(problem, "Change the head")
    margin = nc.theory.two_class_limits(two).wrong
    assert f"and 2 linear layers the margin is {margin:.2f} instead" in line


def test_advice_is_given_below_a_margin_of_2():
    factor = misclassification_factors(problem_of([60, 10, 10], 1e-3)).min() / 1e3
    for margin, given in ((1.9, True), (2.1, False)):
        found = predict(problem_of([60, 10, 10], factor / margin))
        assert bool(found.advice()) == given
    (weaker,) = advised(problem_of([60, 10, 10], factor / 1.93), "Weaken")
    assert weaker == (
        "Weaken the penalties: with all of them multiplied by 0.96, every class is right with a "
        "margin of 2."
    )


def test_more_samples_are_advised_for_the_rarest_three():
    problem = problem_of([10_000, 60, 50, 40, 40, 30], 2e-3)
    lines = advised(problem, "Change the samples of a class")
    assert [line.split(" would")[0].split(": ")[1] for line in lines] == [
        "class 2 (50 samples)",
        "classes 3, 4 (40 samples each)",
        "class 5 (30 samples)",
    ]
    assert ["each alone, the other" in line for line in lines] == [False, True, False]
    assert not advised(problem_of([10_000, 60], 2e-3), "Train with penalties that rise")
    assert advised(problem_of([10_000, 60], 2e-3, depth=2), "Train with penalties that rise")


def test_advice_on_samples_is_for_classes_that_are_lost_alone():
    """Without a bias a class is lost once sqrt(n) is not above N lambda."""
    lines = advised(problem_of([500, 500, 10], 5e-3, bias=False), "Change the samples of a class")
    assert len(lines) == 1
    assert "class 2 (10 samples) would be right with" in lines[0]
    assert "not all numbers were tried" not in lines[0]
    n = list(range(140, 100, -1))
    found = predict(problem_of(n, math.sqrt(105.5) / sum(n), bias=False))
    assert list(found.right_with) == [37, 38, 39]  # of 105 to 101 the rarest three


def test_modes_of_a_single_sample_and_dead_ones_are_listed_too():
    blocks = predict(problem_of([9, 4, 1], 10.0, bias=False)).blocks()
    assert [(row["kappa"], row["alive"]) for row in blocks] == [(3, 0), (2, 0), (1, 0)]


def test_where_all_have_merged_the_largest_class_is_not_lost():
    (lost,) = predict(problem_of([60, 10, 10], 0.1)).what_is_lost()
    assert lost.startswith("Lost and merged with others: classes 1, 2 (10 samples each).")


@pytest.mark.parametrize(
    ("run", "text"),
    [
        (RightCounts(None, None, None, True), "no number of"),
        (RightCounts(1001, math.inf, 1001, True), "1,001 or more"),
        (RightCounts(5, 5, 5, True), "5"),
        (RightCounts(778, 1945, 778, True), "778 to 1,945"),
    ],
)
def test_counts_that_are_right_in_words(run, text):
    assert run_text(run) == text


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (0.00109, 0.001),
        (0.0645, 0.064),
        (0.9999, 0.99),
        (1.0, 1.0),
        (1.29, 1.2),
        (9.99, 9.9),
        (123.0, 120.0),
    ],
)
def test_rounded_down_to_two_digits(value, rounded):
    assert rounded_down(value) == rounded


def test_what_was_asked_is_described():
    found = describe(nc.Problem([3, 2, 2], 2, lambda_W=(0.1, 0.2), lambda_H=0.3), "here")
    assert found == {
        "source": "here", "K": 3, "N": 7, "distinct_counts": 2, "depth": 2, "bias": True,
        "lambda_W": [0.1, 0.2], "lambda_H": 0.3,
    }  # fmt: skip
    for loss, name in ((nc.CrossEntropy(), "cross-entropy"), (nc.SquaredError(), "squared error")):
        for bias in ("free", "none"):
            found = describe(loss_problem([3, 2], 0.1, loss, bias=bias), "here")
            assert (found["loss"], found["bias"]) == (name, bias == "free")
            assert found["lambda_b"] is None
    found = describe(loss_problem([3, 2], 0.1, bias="decayed", lambda_b=0.2), "here")
    assert (found["bias"], found["lambda_b"]) == (True, 0.2)


# ---------------------------------------------------------------- other losses


def test_what_is_the_papers_is_told_in_its_words():
    squared = nc.SquaredError
    assert isinstance(predict(loss_problem(loss=squared(), bias="free")), type(predict(TWO)))
    for loss, options in (
        (nc.CrossEntropy(), {}),
        (squared(), {"bias": "decayed", "lambda_b": 1e-3}),
        (squared(class_weights=[1, 1, 1, 2, 2, 2]), {"bias": "free"}),
        (squared(label_smoothing=0.1), {"bias": "free"}),
        (squared(), {"bias": "free", "sampling": Sampling("balanced")}),
        (squared(), {"bias": "none", "non_negative": True}),
    ):
        problem = loss_problem(loss=loss, **options)
        assert predict(problem).problem is problem


TWO = problem_of([900, 100], 1e-3)


@pytest.mark.parametrize(
    ("problem", "limit"),
    [
        (problem_of([9, 5, 2], 1e-3), 2),
        (problem_of([9, 5, 2], 1e-3, bias=False), 3),
        (loss_problem([9, 5, 2], bias="free"), 2),
        (loss_problem([9, 5, 2], bias="none"), 2),
        (loss_problem([9, 5, 2], loss=nc.SquaredError(), bias="free"), 2),
        (loss_problem([9, 5, 2], loss=nc.SquaredError(), bias="none"), 3),
        # After a ReLU no direction is left out.
        (loss_problem([9, 5, 2], loss=nc.SquaredError(), bias="free", non_negative=True), 3),
    ],
    ids=repr,
)
def test_softmax_and_a_free_bias_leave_out_one_direction(problem, limit):
    assert mode_limit(problem) == limit


@pytest.mark.parametrize("bias", ["free", "none"])
def test_modes_of_cross_entropy_die_at_the_papers_thresholds(bias):
    """The inner ones, at sqrt(n) / N."""
    found = predict(loss_problem(lam=6e-3, bias=bias))
    rows = {row["kind"]: row for row in found.blocks()}
    assert [row["z"] for row in found.blocks()] == sorted(
        (r["z"] for r in rows.values()), reverse=True
    )
    for n in (300, 30):
        row = rows[f"classes of {n}"]
        assert row["dies_at_factor"] == pytest.approx(math.sqrt(n) / 990 / 6e-3, rel=1e-9)
        assert row["modes"] == 2
        assert row["alive"] == (2 if n == 300 else 0)
    assert [row["modes"] for row in found.blocks()] == [2, 1, 2]
    assert rows["between counts"]["alive"] == 1
    dead = predict(loss_problem(lam=0.1, bias=bias))
    assert [row["alive"] for row in dead.blocks()] == [0, 0, 0]
    assert dead.alive == 0


def test_a_class_of_its_own_has_no_inner_mode():
    found = predict(loss_problem([300, 40, 40, 5], lam=1e-3, bias="free"))
    assert sorted((row["kind"], row["modes"]) for row in found.blocks()) == [
        ("between counts", 1), ("between counts", 1), ("classes of 40", 1)
    ]  # fmt: skip


def test_modes_of_other_losses_are_alive_where_anything_is_left_of_them():
    """With weights of 1 the squared error has the paper's modes; z is small just below a death."""
    n, loss = [300, 40, 40, 5], nc.SquaredError(class_weights=[1.0] * 4)
    deaths = nc.collapse_factors(problem_of(n, 1.0))[:3]
    for mode, (kind, modes) in enumerate([("between", 2), ("classes of 40", 1), ("between", 2)]):
        found = predict(loss_problem(n, 0.99 * deaths[mode], loss, bias="free"))
        rows = found.blocks()
        assert [row["dies_at_factor"] for row in rows[: mode + 1]] == pytest.approx(
            deaths[: mode + 1] / deaths[mode] / 0.99, rel=1e-6
        )
        assert [row["alive"] for row in rows] == [1] * (mode + 1) + [0] * (2 - mode)
        assert 0 < rows[mode]["z"] < 1
        assert sum(row["kind"].startswith(kind) for row in rows) == modes
        assert found.verdict()[-1].startswith(("The first mode has died", "Room until a mode dies"))


@pytest.mark.parametrize(("bias", "has"), [("free", True), ("none", False), ("decayed", True)])
def test_whether_a_head_has_a_bias(bias, has):
    options = {"lambda_b": 1e-3} if bias == "decayed" else {}
    assert predict(loss_problem([9, 5], bias=bias, **options)).has_bias == has


def test_advice_for_other_losses_is_given_below_a_margin_of_2():
    margin = first_lost(loss_problem()).factor
    for wanted, given in ((2.1, False), (1.9, True), (0.9, True)):
        found = predict(loss_problem(lam=1e-3 * margin / wanted))
        assert bool(found.advice()) == given
        if given:
            factor = rounded_down(wanted / 2)
            assert (
                f"multiplied by {factor:g}, every class is right with a margin of 2."
                in (found.advice()[0])
            )


def test_no_advice_is_given_at_a_margin_of_2_nor_where_no_penalty_helps():
    for factor, given in ((0.0, False), (1.999, True), (2.0, False)):
        found = predict(loss_problem())
        vars(found)["first_lost"] = Loss(factor, (1,))
        assert bool(found.advice()) == given


def test_thirty_groups_are_searched_and_a_hundred_have_a_first_loss():
    for groups in (30, 31):
        n = [1000 + k for k in range(groups)]
        found = predict(loss_problem(n, 1e-7, nc.SquaredError(label_smoothing=0.1), bias="free"))
        assert (found.margins is None) == (groups == 31)
        assert len(found.right_up_to) == (30 if groups == 30 else 0)
        assert found.mode_factors.size == (29 if groups == 30 else 0)
        assert (found.next_lost is None) == (groups == 31)
    for groups in (100, 101):
        n = [1000 + k for k in range(groups)]
        found = predict(loss_problem(n, 1e-7, nc.SquaredError(label_smoothing=0.1), bias="free"))
        assert (found.first_lost is None) == (groups == 101)
        assert (first_lost(found.problem) is None) == (groups == 101)
    assert found.margin_words() == ["Which class is lost first is not searched above 100 groups."]


def test_of_classes_asked_about_the_factors_are_told():
    n = [1000 - k for k in range(31)]
    problem = loss_problem(n, 1e-7, nc.SquaredError(label_smoothing=0.1), bias="free")
    assert list(predict(problem, chosen=(4, 30)).right_up_to) == [4, 30]
    assert list(predict(problem_of(n, 1e-9), chosen=(30, 4)).right_up_to) == [4, 30]


def test_the_first_and_the_next_that_are_lost():
    """Without a bias classes of the squared error die by themselves, at sqrt(n) / N."""
    smooth = nc.SquaredError(class_weights=[1.0] * 6)
    for lam in (1e-3, 1e-2):
        found = predict(loss_problem(loss=smooth, lam=lam, bias="none"))
        factors = {n: math.sqrt(n) / 990 / lam for n in (300, 30)}
        assert found.first_lost.factor == pytest.approx(factors[30], rel=1e-7)
        assert found.first_lost.groups == (1,)
        following = 30 if lam == 1e-3 else 300
        assert found.next_lost.factor == pytest.approx(factors[following], rel=1e-7)
        assert found.next_lost.groups == ((1,) if following == 30 else (0,))
        assert first_lost(found.problem).classes == (3, 4, 5)


def test_a_class_that_is_lost_a_little_later_is_not_lost_first():
    """As above: four thirds of the factor of the first."""
    even = nc.SquaredError(class_weights=[1.0] * 4)
    found = predict(loss_problem([16, 16, 9, 9], 1e-3, even, bias="none"))
    assert found.first_lost.factor == pytest.approx(3 / 50 / 1e-3, rel=1e-7)
    assert found.first_lost.groups == (1,)


def test_the_data_of_other_losses_have_what_is_searched_and_none_for_the_rest():
    """Without a bias classes of the squared error die by themselves, at sqrt(n) / N."""
    plain = loss_problem(loss=nc.SquaredError(class_weights=[1.0] * 6), bias="none")
    content = predict(plain).to_dict()
    for key in ("first_class_lost_at_factor", "first_mode_dies_at_factor"):
        assert content[key] == pytest.approx(math.sqrt(30) / 990 / 1e-3, rel=1e-7)
    assert content["first_classes_lost"] == [30]
    many = [1000 + k for k in range(101)]
    smooth = nc.SquaredError(label_smoothing=0.1)
    content = predict(loss_problem(many, 1e-7, smooth, bias="free")).to_dict()
    for key in ("first_class_lost_at_factor", "first_classes_lost", "first_mode_dies_at_factor"):
        assert content[key] is None


# ---------------------------------------------------------------- penalties that leave a margin


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("loss_factor", [None, 3.0])
def test_penalties_that_leave_a_margin(depth, loss_factor):
    """Without a bias: lost where the product of the penalties is that of the death."""
    problem = problem_of([900, 100], 1e-4, depth, bias=False)
    factor = nc.collapse_factors(problem)[1] / 2
    found = penalties_for(problem, 2, loss_factor)
    assert found.factor == pytest.approx(factor, rel=1e-9)
    together, alone = factor * 1e-4, factor ** ((depth + 1) / depth) * 1e-4
    assert found.lambda_W == pytest.approx([together] * depth, rel=1e-9)
    assert found.lambda_H == pytest.approx(together, rel=1e-9)
    assert found.lambda_W_alone == pytest.approx([alone] * depth, rel=1e-9)
    content = found.to_dict()
    one, other = f"lambda_W = {together:.4g}", f"lambda_W = {alone:.4g}"
    if loss_factor is None:
        assert content["weight_decay"] is content["weight_decay_alone"] is None
    else:
        assert content["weight_decay"] == pytest.approx([3 * together] * depth, rel=1e-9)
        assert content["weight_decay_alone"] == pytest.approx([3 * alone] * depth, rel=1e-9)
        one = f"a weight decay of {3 * together:.4g} ({one})"
        other = f"a weight decay of {3 * alone:.4g} ({other})"
    assert found.words() == (
        f"A margin of 2 is left by {one} and lambda_H = {together:.4g} (all penalties times "
        f"{factor:.4g}), or with lambda_H as it is by {other}."
    )


def test_penalties_get_a_margin_back_where_a_class_is_lost_already():
    problem = problem_of([900, 100], 1e-4, bias=False)
    death = float(nc.collapse_factors(problem)[1])
    lost = problem_of([900, 100], 2 * death * 1e-4, bias=False)
    assert penalties_for(lost, 4).factor == pytest.approx(1 / 8, rel=1e-9)


def test_with_the_bias_decayed_too_the_penalties_of_the_weights_alone_leave_the_margin():
    loss = nc.SquaredError()
    problem = loss_problem([90, 10], 1e-3, loss, bias="decayed", lambda_b=2e-3)
    (alone,) = penalties_for(problem, 2).lambda_W_alone
    changed = replace(problem, lambda_W=(alone,), lambda_b=2 * alone)
    assert first_lost(changed).factor == pytest.approx(2, rel=1e-6)


def test_where_no_penalty_leaves_a_margin():
    """A head of one dimension and three classes: at every penalty one is wrong."""
    narrow = nc.Problem([9, 5, 2], 1, lambda_W=1e-6, lambda_H=1e-6, widths=(1,), bias=False)
    with pytest.raises(ValueError, match="can be kept: one is wrong at every penalty; got margin"):
        penalties_for(narrow, 2)
    words = predict(narrow).margin_words()
    assert words[0].startswith("No penalty leaves every class right: class")
    assert len(words) == 1
    band = Band.of(narrow)
    assert band.words()[3].startswith(
        "At N lambda_H = 0.2 no penalty leaves every class right; lost at each: class"
    )
    # It has one mode, that of the largest class, which dies where lambda_W lambda_H = n / N^2.
    assert band.beyond["first_class_lost_at_lambda_H"] == 0
    for end in ("first", "last"):
        dies = band.beyond[f"{end}_mode_dies_at_lambda_H"]
        assert dies == pytest.approx(9 / 16**2 / 1e-6, rel=1e-9)
    assert [row["modes_alive"] for row in band.beyond["outcomes"]] == [1] * 8 + [0] * 4


# ---------------------------------------------------------------- the band


def test_the_middle_of_the_band():
    assert BAND == (5e-4, 2e-1)
    assert middle_of_band(100) == pytest.approx(1e-4)  # sqrt(1e-4) / 100


def test_over_lambda_H_from_a_tenth_of_the_first_death_to_beyond_the_last():
    """One layer: a mode dies where lambda_W lambda_H = (kappa / N)^2."""
    found = over_lambda_H(problem_of([60, 10, 10], 0.039))
    last, first = (kappa**2 / 80**2 / 0.039 for kappa in KAPPA)
    assert found["first_mode_dies_at_lambda_H"] == pytest.approx(first)
    assert found["last_mode_dies_at_lambda_H"] == pytest.approx(last)
    lost = misclassification_factors(problem_of([60, 10, 10], 0.039)).min()
    assert found["first_class_lost_at_lambda_H"] == pytest.approx(0.039 * lost**2)
    values = [row["lambda_H"] for row in found["outcomes"]]
    assert values == pytest.approx(np.geomspace(first / 10, last * math.sqrt(10), 12))
    assert [row["modes_alive"] for row in found["outcomes"]] == [
        (value < first) + (value < last) for value in values
    ]


def test_over_lambda_H_there_is_room_for_a_factor_of_ten_within_the_floating_point_numbers():
    """Two layers: a mode dies at a lambda_H that goes with lambda_W^-2."""
    unit = problem_of([60, 10, 10], 1.0, depth=2)
    last, first, _ = nc.theory.collapse.collapse_lambda_H(unit).tolist()
    for death, target, fits in (
        (first, 2.3e-307, True),  # ten times the least, 2.225e-308, and some percent more
        (first, 2.1e-307, False),
        (last, 1.7e307, True),
        (last, 1.85e307, False),
        (last, 1e-310, False),
        (last, math.inf, False),
    ):
        lambda_W = math.sqrt(death) / math.sqrt(target) if target < math.inf else 1e-200
        problem = replace(unit, lambda_W=(lambda_W, lambda_W))
        if fits:
            assert len(over_lambda_H(problem)["outcomes"]) == 12
        else:
            with pytest.raises(ValueError, match="lambda_W is so small or so large that the range"):
                over_lambda_H(problem)


def test_the_band_says_whether_the_first_class_is_lost_already_and_how_many_at_its_ends():
    """Two classes and one layer: at a fixed product of the penalties the rarer one is lost."""
    product = nc.theory.two_class_limits(problem_of([900, 100], 1.0)).wrong ** 2
    for factor, words in ((1.5, "would be"), (1.01, "would be"), (0.99, "is already")):
        lambda_W = product / factor**2 / (BAND[1] / 1000)
        band = Band.of(nc.Problem([900, 100], 1, lambda_W=lambda_W, lambda_H=1.0))
        assert band.words()[3] == (
            f"At N lambda_H = 0.2 the first to go {words} lost when all penalties are multiplied "
            f"by {factor:.3g}: class 1 (100 samples)."
        )
    for N_lambda_H in (6e-4, 0.19):  # near one end, and near the other
        lambda_W = product / (N_lambda_H / 1000)
        band = Band.of(nc.Problem([900, 100], 1, lambda_W=lambda_W, lambda_H=1.0))
        assert "classifies 2 to 1 of 2 classes right" in band.words()[1]


@pytest.mark.parametrize(
    "problem",
    [
        problem_of([60, 10, 10], 0.02),
        loss_problem([60, 10, 10], 0.02, nc.SquaredError(class_weights=[1.0] * 3), bias="free"),
        loss_problem([60, 10, 10], 0.02, nc.SquaredError(), bias="free"),
    ],
    ids=["paper", "weights", "squared"],
)
def test_the_band_of_one_loss_by_three_names(problem):
    """With weights of 1 the squared error is the paper's, but found as any other loss."""
    band = Band.of(problem)
    paper = Band.of(problem_of([60, 10, 10], 0.02))
    assert band.modes == 2
    assert (band.beyond is None) == (getattr(problem, "loss", None) is not None
                                     and problem.loss.class_weights is not None)  # fmt: skip
    assert [row["lambda_H"] for row in band.outcomes] == pytest.approx(
        np.geomspace(*BAND, 7) / 80, rel=1e-12
    )
    assert band.words() == paper.words()
    for row, other in zip(band.outcomes, paper.outcomes, strict=True):
        assert row == pytest.approx(other, rel=1e-9)


def test_the_words_of_the_band():
    band = Band.of(problem_of([60, 10, 10], 0.7, names=["a", "b", "c"]))
    low, high = (
        misclassification_factors(replace(band.problem, lambda_H=end / 80)).min() for end in BAND
    )
    words = band.words()
    assert "lambda_H from 6.25e-06 to 0.0025." in words[0]
    assert words[1] == (
        "Over it the optimum classifies 3 to 1 of 3 classes right, and 2 to 1 of 2 modes are alive."
    )
    assert words[2:] == [
        (
            "At N lambda_H = 0.0005 the first to go would be lost when all penalties are "
            f"multiplied by {low:.3g}: b, c (10 samples)."
        ),
        (
            "At N lambda_H = 0.2 the first to go is already lost when all penalties are "
            f"multiplied by {high:.3g}: b, c (10 samples)."
        ),
    ]
    ends = band.to_dict()["band"]["ends"]
    assert [end["first_classes"] for end in ends] == [["b", "c"]] * 2
    assert [end["first_classes_lost"] for end in ends] == [[10, 10]] * 2
    assert [end["first_class_lost_at_factor"] for end in ends] == pytest.approx([low, high])


def test_many_classes_that_go_first_are_counted():
    for rare, named in ((1, "class 1"), (3, "classes 1, 2, 3"),
                        (4, "classes 1, 2, 3 and 1 more"),
                        (6, "classes 1, 2, 3 and 3 more")):  # fmt: skip
        band = Band.of(problem_of([60, *[10] * rare], 1e-3))
        assert band.words()[2].endswith(f": {named} (10 samples).")


@pytest.mark.parametrize(
    ("n", "named"),
    [
        ([900, 100], "classes 0, 1 (900, 100 samples)."),
        ([900, 400, 100], "classes 0, 1, 2 (900, 400, 100 samples)."),
        ([900, 400, 100, 25], "classes 0, 1, 2 and 1 more (900, 400, 100, ... samples)."),
    ],
    ids=str,
)
def test_counts_that_go_at_once_are_named(n, named):
    """Without a bias weights 1/sqrt(n) treat all alike."""
    loss = nc.SquaredError(class_weights=30 / np.sqrt(n))
    band = Band.of(loss_problem(n, 1e-3, loss, bias="none"))
    assert band.words()[3].endswith(f": {named}")


def test_the_band_of_a_hundred_and_one_counts_has_no_first_loss():
    n = [1000 + k for k in range(101)]
    band = Band.of(loss_problem(n, 1e-7, nc.SquaredError(label_smoothing=0.1), bias="free"))
    assert band.words()[2:] == [
        "Which class is lost first is not searched above 100 groups.",
    ]
    assert band.to_dict()["band"]["ends"] == [None, None]


# ---------------------------------------------------------------- remedies


def test_remedies_by_closed_forms():
    """No bias, one layer, squared error: a class is lost where it dies, at w sqrt(n) / N."""
    n = [900, 400, 400, 100, 25]
    rows = remedies(n, loss="mse", bias="none", lambda_W=1e-3, lambda_H=1e-3, over_band=True)
    rows = {row.name: row for row in rows}
    plain = rows["nothing"]
    assert plain.factor == pytest.approx(5 / 1825 / 1e-3, rel=1e-7)
    assert plain.first_lost == (4,)
    assert plain.order == (25, 100, 400, 900)
    assert plain.order_words == "rarest first"
    assert (plain.modes_alive, plain.classes_right, plain.accuracy) == (5, 5, 1.0)
    assert plain.right_over_band == (5, 5)
    few = rows["as few samples of all as of the rarest"]
    # Of 125 samples, 25 each, with the same N lambda_H.
    held = math.sqrt(1e-3 * 1e-3 * 1825 / 125)
    assert few.factor == pytest.approx(5 / 125 / held, rel=1e-7)
    assert few.first_lost == (0, 1, 2, 3, 4)
    assert rows["focal loss"].open == ("not covered: the focal loss is not convex in the logits")
    assert rows["focal loss"].factor is None
    assert rows["class weights 1/n"].order_words == "most frequent first"
    assert rows["class weights 1/n"].order == (900, 400, 100, 25)


def test_the_remedies_of_the_softmax_are_those_of_their_papers():
    """LDAM's margins go with n^(-1/4), 0.5 at most; CDT's factors are (n / n_max)^0.3."""
    n = np.array([300.0, 300, 30, 30])
    options = {"lambda_W": 2e-3, "lambda_H": 2e-3, "bias": "free"}
    rows = {row.name: row for row in remedies([300, 300, 30, 30], loss="cross-entropy", **options)}
    for name, loss in (
        ("LDAM margins, up to 0.5", nc.CrossEntropy(margins=0.5 * (30 / n) ** 0.25)),
        ("CDT, logits times n^0.3", nc.CrossEntropy(logit_factors=(n / 300) ** 0.3)),
        ("logit adjustment, tau = 1", nc.CrossEntropy(adjustment=1.0)),
        ("label smoothing 0.1", nc.CrossEntropy(label_smoothing=0.1)),
    ):
        problem = nc.LossProblem([300, 300, 30, 30], loss, **options)
        lost = first_lost(problem)
        assert rows[name].factor == pytest.approx(lost.factor, rel=1e-6)
        assert rows[name].first_lost == lost.classes
    assert rows["class weights 1/sqrt(n)"].order_words == "all at once"
    assert rows["class weights 1/sqrt(n)"].order == (30, 300)


@pytest.mark.parametrize(
    ("n", "weight", "words"),
    [
        # Classes die in the order of w sqrt(n).
        ([400, 100, 25], [1, 1, 5], "100; 400; 25"),
        ([400, 100, 25, 16], [1, 1, 1, 10], "25; 100; 400; 16"),
        ([400, 100, 25, 16, 9], [1, 1, 1, 1, 10], "16; 25; ...; 9"),
        # Those that die together say nothing of their order.
        ([400, 100, 25], [1, 2, 1], "rarest first"),
        ([400, 100, 25], [1, 8, 16], "most frequent first"),
        # Two classes of one count with two weights go one after the other.
        ([400, 100, 100], [1, 1, 1.5], "100; 100; 400"),
        ([400, 100, 100], [1, 8, 10], "400; 100; 100"),
        ([400, 300], [1, 1], "rarest first"),
    ],
    ids=str,
)
def test_an_order_without_a_pattern_is_written_out(n, weight, words):
    for penalty in (1e-5, 1e4):
        row = remedies(
            n,
            loss="mse",
            bias="none",
            lambda_W=penalty,
            lambda_H=penalty,
            class_weight=np.array(weight),
        )[0]
        assert row.order_words == words


def test_with_two_layers_weights_to_the_power_two_thirds_treat_all_alike():
    options = {"loss": "mse", "bias": "none", "lambda_W": 1e-5, "lambda_H": 1e-5}
    deep = {row.name: row for row in remedies([400, 100, 25], depth=2, **options)}
    assert deep["class weights n^(-2/3)"].order_words == "all at once"
    assert deep["class weights n^(-2/3)"].order == (25, 100, 400)
    assert not any("n^(-" in row.name for row in remedies([400, 100, 25], depth=1, **options))


def test_remedies_count_what_is_right_at_both_ends_of_the_band():
    """Without a bias and with one layer: classes of more than lambda_W (N lambda_H) N samples."""
    n = [900, 400, 400, 100, 25]
    options = {"loss": "mse", "bias": "none", "lambda_W": 0.5, "lambda_H": 1e-3}
    assert remedies(n, over_band=True, **options)[0].right_over_band == (5, 3)
    assert remedies(n, **options)[0].right_over_band is None


def test_the_margins_of_ldam_are_largest_for_the_rarest():
    n = np.array([480.0, 30.0])
    plain = loss_problem(n, 1e-3)
    made = dict(_candidates(plain.counts, plain, 1e-3, {}))["LDAM margins, up to 0.5"]()
    np.testing.assert_allclose(made.loss.margins, [0.25, 0.5], rtol=1e-14)
