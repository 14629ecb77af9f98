"""The mathematics of the pages, in JavaScript, against nclib. It needs Node, and no browser."""

import json
import math
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from test_site import ROOT, require_nothing_missing

import nclib as nc
from nclib.data.published import gallery
from nclib.theory.losses.objects import CrossEntropy, Sampling, SquaredError
from nclib.theory.losses.optimum import loss_minimizer
from nclib.theory.losses.problem import LossProblem

HERE = Path(__file__).parent
TABLE = json.loads((ROOT / "tests" / "data" / "pasted_counts.json").read_text("utf-8"))
ALLOWED = 1e-9

FRAUD = {"n": [284_315, 492], "L": 1, "bias": True, "lambda_W": 1e-5, "lambda_H": 1e-5}
LESIONS = gallery()["ham10000"].counts.n.tolist()
PAPER = [500, 500, 400, 400, 300, 300, 200, 200, 100, 100]


def scripts():
    """The folder of the scripts; `make mutants` has some with a fault in another one."""
    return Path(os.environ.get("NCLIB_SCRIPTS", ROOT / "book" / "_static"))


def asked(script, *arguments, **questions):
    """What a script for Node answers."""
    require_nothing_missing(None if shutil.which("node") else "Node is not installed")
    run = subprocess.run(
        ["node", HERE / script, *arguments],
        input=json.dumps(questions).encode(),
        stdout=subprocess.PIPE,
        timeout=1200,
        check=True,
    )
    return json.loads(run.stdout)


def answers(**questions):
    return asked("theory.mjs", scripts() / "theory.js", **questions)


def random_problems(number, seed=0):
    """Counts 1 to 10^6, up to 100 groups and 1,000 classes, depth 1 to 10, around the deaths."""
    rng = np.random.default_rng(seed)
    for _ in range(number):
        m = int(rng.integers(1, 101))
        if rng.random() < 0.7:
            pool = np.unique(np.round(10 ** rng.uniform(0, 6, m)).astype(int))
        else:  # neighbours that differ by one
            pool = int(rng.integers(1, 10**6 - m)) + np.arange(m)
        extra = int(rng.integers(0, 1001 - pool.size)) if rng.random() < 0.5 else 0
        n = np.concatenate([pool, rng.choice(pool, max(extra, 2 - pool.size, 0))])
        rng.shuffle(n)
        depth, bias = int(rng.integers(1, 11)), bool(rng.random() < 0.7)
        lambda_W = 10 ** rng.uniform(-6, 0)
        unit = nc.Problem(n, depth, bias=bias, lambda_W=lambda_W, lambda_H=lambda_W)
        deaths = nc.collapse_factors(unit)
        factor = rng.choice(deaths[deaths > 0]) * np.exp(rng.uniform(-2, 1))
        tilt = 10 ** rng.uniform(-1, 1)
        yield {
            "n": n.tolist(),
            "L": depth,
            "bias": bias,
            "lambda_W": float(lambda_W * factor * tilt ** (1 / depth)),
            "lambda_H": float(lambda_W * factor / tilt),
        }


def by_nclib(question):
    problem = problem_of(question)
    best = nc.global_minimizer(problem)
    accuracy, outcomes = best.training_accuracy(), nc.class_outcomes(best)
    merged = np.ones(problem.K)
    for classes in best.merged_classes():
        merged[list(classes)] = len(classes)
    first = nc.first_loss(problem, outcomes.representative)
    return {
        "kappa": best.kappa,
        "z": best.z,
        "dies": nc.collapse_factors(problem),
        "right": accuracy.per_class,
        "merged": merged,
        "own": outcomes.own_logit[outcomes.group],
        "best": outcomes.rival_logit[outcomes.group],
        "accuracy": accuracy.overall,
        "objective": best.objective,
        "margin": first.factor,
    }, {question["n"][k] for k in first.classes}


def problem_of(question):
    lambdas = {name: question[name] for name in ("lambda_W", "lambda_H")}
    return nc.Problem(question["n"], question["L"], bias=question["bias"], **lambdas)


def largest_error(name, value, expected):
    """Largest error: of logits, which are shares of 1, the absolute one, else the relative one.

    Where 0 is expected, the value itself.
    """
    value, expected = np.atleast_1d(value), np.atleast_1d(expected)
    absolute = (expected == 0) | (name in ("own", "best"))
    scale = np.where(absolute, 1.0, np.abs(expected))
    return float(np.max(np.abs(value - expected) / scale))


def compare(problems, record_error):
    solved = answers(problems=problems)["solved"]
    assert len(solved) == len(problems)
    for question, answer in zip(problems, solved, strict=True):
        expected, lost = by_nclib(question)
        for name, value in expected.items():
            error = largest_error(name, answer[name], value)
            assert record_error(f"in the pages: {name}", error, ALLOWED), (name, question)
        assert set(answer["lost"]) == lost, question


def test_many_random_problems_as_nclib_solves_them(record_error):
    compare([*random_problems(60), FRAUD], record_error)


@pytest.mark.slow
def test_ten_thousand_random_problems_as_nclib_solves_them(record_error):
    for seed in range(1, 11):
        compare(list(random_problems(1000, seed)), record_error)


def test_every_class_is_lost_where_nclib_says():
    problems = [problem | {"all": True} for problem in random_problems(12, seed=99)]
    problems += [FRAUD | {"all": True}]
    for question, answer in zip(problems, answers(problems=problems)["solved"], strict=True):
        expected = nc.theory.misclassification_factors(problem_of(question))
        found = [math.inf if factor is None else factor for factor in answer["losses"]]
        np.testing.assert_allclose(found, expected, rtol=ALLOWED, err_msg=str(question))


def test_with_very_many_counts_the_rest_is_known_to_a_hundredth():
    question = {"n": list(range(300, 30, -2)), "L": 2, "bias": True, "lambda_W": 1e-2}
    question |= {"lambda_H": 1e-3, "all": True}
    (answer,) = answers(problems=[question])["solved"]
    found = [math.inf if factor is None else factor for factor in answer["losses"]]
    expected = nc.theory.misclassification_factors(problem_of(question))
    np.testing.assert_allclose(found, expected, rtol=0.01)


def test_one_layer_and_two_classes_have_the_margin_of_the_closed_form():
    limits = nc.theory.two_class_limits(problem_of(FRAUD))
    (found,) = answers(problems=[FRAUD])["solved"]
    assert found["margin"] == pytest.approx(limits.wrong, rel=ALLOWED)
    assert found["dies"][0] == pytest.approx(limits.dead, rel=ALLOWED)
    assert found["lost"] == [492]


# ---------------------------------------------------------------- the words of a script

FORM = {"n": LESIONS, "loss": "mse", "decay": 5e-4, "batch": 100, "depth": 1, "bias": "free"}
FORM |= {"balance": "none", "low": 0.5, "high": 20.0}

FORMS = {
    "mean": {},
    "sum": {"loss": "mse-sum", "decay": 0.05, "batch": 128},
    "the paper's, deep": {"loss": "paper", "depth": 3},
    "no bias, deep": {"bias": "none", "depth": 2},
    "sampler": {"balance": "sampler:sqrt"},
    "sampler, no bias": {"balance": "sampler:sqrt", "bias": "none"},
    "weights": {"balance": "weight:balanced"},
    "weights, no bias, deep": {"balance": "weight:sqrt", "bias": "none", "depth": 2},
    "decayed": {"bias": "decayed"},
    "cross-entropy": {"loss": "cross-entropy"},
    "cross-entropy, groups": {"loss": "cross-entropy", "n": PAPER, "bias": "none"},
    "cross-entropy, decayed": {"loss": "cross-entropy", "bias": "decayed"},
    "cross-entropy, weights": {"loss": "cross-entropy", "balance": "weight:effective:0.999"},
    "cross-entropy, sampler": {"loss": "cross-entropy", "balance": "sampler:sqrt", "n": PAPER},
}


def loss_problem(form, place):
    """What the script minimises, at a value of N lambda_H, in the words of nclib."""
    n = np.array(form["n"], dtype=float)
    counts, N = nc.ClassCounts(form["n"]), n.sum()
    kind, _, rule = form["balance"].partition(":")
    weights = {
        "balanced": 1 / n,
        "sqrt": n**-0.5,
        "effective:0.999": (1 - 0.999) / (1 - 0.999**n),
    }.get(rule if kind == "weight" else "", np.ones(n.size))
    squared = form["loss"] != "cross-entropy"
    reduction = {"mse": "mean", "mse-sum": "sum"}.get(form["loss"])
    lambda_W = form["decay"]
    if reduction:
        batch = form["batch"] if reduction == "sum" else None
        lambda_W = nc.translate_penalties(
            counts, weight_decay=lambda_W, reduction=reduction, batch_size=batch
        ).lambda_W
    return LossProblem(
        counts,
        SquaredError(weights) if squared else CrossEntropy(weights),
        form["depth"],
        bias=form["bias"],
        lambda_W=lambda_W,
        lambda_H=place / N,
        sampling=Sampling(rule) if kind == "sampler" else None,
    )


def leads(problem):
    """By how much the classes are right, by class."""
    others, own = loss_minimizer(problem).group_logits()
    others = others.copy()
    np.fill_diagonal(others, -np.inf)
    return (own - others.max(axis=0))[problem.group]


def lost_by_merging(row):
    """Whether a class is lost where it becomes one with others, which its own logits don't say."""
    return row["lost"] is not None and math.isclose(row["lost"], row["merges"], rel_tol=1e-5)


def test_scripts_of_every_kind_lose_their_classes_where_nclib_says():
    """Just below the place a class is right, just above it is not: by the optima of nclib there."""
    forms = [FORM | change for change in FORMS.values()]
    for name, form, answer in zip(FORMS, forms, answers(forms=forms)["answered"], strict=True):
        assert "error" not in answer, (name, answer)
        for row in answer["rows"]:
            k = form["n"].index(row["count"])
            places = [row["lost"]] * (row["lost"] is not None and not lost_by_merging(row))
            for place in places:
                below, above = (
                    leads(loss_problem(form, place * (1 + x)))[k] for x in (-1e-3, 1e-3)
                )
                assert below > 0 >= above - 1e-12, (name, row, below, above)
        for end, margin in zip(("low", "high"), answer["margins"], strict=True):
            rows = [row for row in answer["rows"] if not lost_by_merging(row)]
            chosen = [form["n"].index(row["count"]) for row in rows]
            today = loss_problem(form, form[end])
            below, above = (
                leads(today.rescaled(margin * (1 + x)))[chosen].min(initial=np.inf)
                for x in (-1e-4, 1e-4)
            )
            assert below > 0, (name, end)
            assert above <= 1e-12 or len(chosen) < len(answer["rows"]), (name, end)


def test_classes_of_one_count_merge_where_the_theorem_says():
    """At lambda = w sqrt(n) / N, whatever the loss and the bias."""
    forms = [
        FORM | {"n": PAPER, "loss": loss, "bias": bias, "balance": balance}
        for loss in ("mse", "cross-entropy")
        for bias, balance in (("free", "none"), ("none", "weight:balanced"), ("decayed", "none"))
    ]
    N, n = 3000, np.array([500, 400, 300, 200, 100])
    for form, answer in zip(forms, answers(forms=forms)["answered"], strict=True):
        weights = N / (10 * n) if form["balance"] != "none" else np.ones(5)
        lambda_W = form["decay"] * (5 if form["loss"] == "mse" else 1)
        places = N * (weights**2 * n / N**2) / lambda_W
        np.testing.assert_allclose([row["merges"] for row in answer["rows"]], places, rtol=1e-12)


def test_what_the_page_does_not_solve_it_says():
    many = FORM | {"loss": "cross-entropy", "n": [*range(10, 220, 10), 500]}
    more, deep = answers(forms=[many, FORM | {"loss": "cross-entropy", "depth": 2}])["answered"]
    assert "up to 20 different counts, and these are 22" in more["error"]
    assert "For cross-entropy the theory has one linear layer" in deep["error"]


@pytest.mark.slow
def test_twenty_counts_are_solved_whole():
    form = FORM | {"loss": "cross-entropy", "n": list(range(10, 210, 10))}
    (twenty,) = answers(forms=[form])["answered"]
    today, margin = loss_problem(form, form["high"]), twenty["margins"][1]
    assert leads(today.rescaled(margin * 0.999))[0] > 0 > leads(today.rescaled(margin * 1.001))[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"decay": 0}, "Without a weight decay"),
        ({"decay": None}, "weight decay is a positive number"),
        ({"depth": 1.5}, "linear layers are a whole number"),
        ({"low": 2, "high": 1}, "The band"),
        ({"low": 0}, "The band"),
        ({"loss": "mse-sum", "batch": None}, "size of the batch"),
        ({"balance": "weight:balanced", "depth": 2}, "class weights with a bias"),
        ({"bias": "decayed", "depth": 2}, "weight decay on the bias"),
    ],
)
def test_what_is_not_known_or_not_given_is_said(change, words):
    (answer,) = answers(forms=[FORM | change])["answered"]
    assert words in answer["error"]


def cost(z, price, L):
    """What a mode of strength 1 costs: its error, and a price that counts from the tie on."""
    return (1 - z) ** 2 + price * z ** (2 / (L + 1))


def test_a_mode_on_the_slope_of_its_cost_ends_where_small_steps_down_end():
    """The hollows and the tie of the cost itself, on a fine grid."""
    grid = np.linspace(0, 1, 20_001)
    prices = [
        {"z": z, "price": price, "L": L}
        for L in (1, 2, 3, 6)
        for price in (0.3, 0.9, 0.999, 1.001, 1.05, 1.2, 3.0)
        for z in (0.004, 0.05, 0.3, 0.6, 0.95)
    ]
    for asked_for, found in zip(prices, answers(prices=prices)["prices"], strict=True):
        L, tie = asked_for["L"], found["tie"]
        of_tie = cost(grid[1:], tie, L)
        assert of_tie.min() == pytest.approx(1, abs=1e-7)  # as dear as z = 0
        costs = cost(grid, asked_for["price"] * tie, L)
        assert found["share"] == pytest.approx(grid[costs.argmin()], abs=1e-4), asked_for
        at = round(asked_for["z"] * (grid.size - 1))
        while 0 < at < grid.size - 1:
            ways = [step for step in (-1, 1) if costs[at + step] < costs[at]]
            if not ways:
                break
            at += ways[0]
        assert found["rollsTo"] == pytest.approx(grid[at], abs=1e-4), asked_for


# ---------------------------------------------------------------- texts and numbers


def test_every_pasted_text_is_read_as_the_stored_table_says():
    found = answers(texts=[row["text"] for row in TABLE])["read"]
    for row, answer in zip(TABLE, found, strict=True):
        if "error" in row:
            assert "error" in answer, row
            continue
        other = row.get("other")
        assert (answer["n"], answer["names"]) == (row["n"], row["names"]), row
        assert bool(answer.get("note")) == bool(other or row.get("asks")), row
        if other:
            given = answer["other"]
            assert (given["n"], given["names"]) == (other["n"], other.get("names")), row
        else:
            assert "other" not in answer, row


def test_the_form_takes_ten_thousand_classes_and_says_what_is_too_much():
    texts = [
        "7 " * 10_000,
        "7 " * 10_001,
        " ".join(map(str, range(1, 2002))),
        f"{2**53 - 1} 5",
    ]
    most, more, distinct, large = answers(texts=texts)["read"]
    assert len(most["n"]) == 10_000
    assert "takes 10,000: use nclib predict" in more["error"]
    assert "2,001 different counts" in distinct["error"]
    assert "2^53" in large["error"]


def test_numbers_near_1_keep_what_tells_them_apart():
    told = answers(factors=[2.3456, 0.99996, 1.000012, 1 - 1e-15, 0.0123])["factors"]
    assert told == ["2.35", "0.99996", "1.00001", "1", "0.0123"]


# ---------------------------------------------------------------- the optimum that lives


def start_of(problem, seed):
    """Weights, class means and bias after the first step of a descent."""
    return nc.descend(problem, 1, seed, method="gradient", max_steps=1, class_means=True)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_thousand_plain_steps_are_those_of_nclib(depth, bias):
    n, lam = [60, 40, 10, 10], 2e-3
    problem = nc.Problem(n, depth, bias=bias, lambda_W=lam, lambda_H=lam)
    begun = start_of(problem, 3)
    gone = nc.descend(problem, 1, 3, method="gradient", max_steps=1001, class_means=True)
    question = {"n": n, "L": depth, "bias": bias, "steps": 1000}
    question["start"] = told(begun.Ws, begun.H, begun.b)
    # From other penalties to these nothing moves but the units that the script counts in.
    begun_elsewhere = question | {"lambda": 5 * lam, "then": lam}
    for asks in (question | {"lambda": lam}, begun_elsewhere):
        (found,) = asked("live.mjs", scripts(), paths=[asks])["paths"]
        compare_ends(found, gone)


def told(Ws, H, b):
    """Weights, features and bias in the form that the script takes."""
    return {
        "Ws": [W.ravel().tolist() for W in Ws],
        "H": H.ravel().tolist(),
        "b": [] if b is None else b.tolist(),
    }


def compare_ends(found, gone):
    for name, value in (("Ws", gone.Ws), ("H", [gone.H])):
        given = np.array(found[name]).ravel()
        wanted = np.concatenate([part.ravel() for part in value])
        np.testing.assert_allclose(given, wanted, rtol=0, atol=1e-9 * np.abs(wanted).max())
    if gone.b is not None:
        np.testing.assert_allclose(found["b"], gone.b, rtol=0, atol=1e-9)
    assert found["value"] == pytest.approx(gone.objective, rel=1e-9)


@pytest.mark.parametrize("bias", [True, False])
def test_the_bars_of_the_picture_are_what_is_put_out_of_each_mode(bias):
    """Of explicit weights of local minima: the singular values of the closed form."""
    n = [50, 50, 50, 50, 20, 20, 5]
    problem = nc.Problem(n, 2, bias=bias, lambda_W=2e-3, lambda_H=2e-3)
    for minimum in (nc.local_minima(problem)[2], nc.global_minimizer(problem)):
        question = {"n": n, "L": 2, "bias": bias, "lambda": 2e-3, "steps": 0}
        question["start"] = told(*minimum.weights())
        (found,) = asked("live.mjs", scripts(), paths=[question])["paths"]
        expected = minimum.z[: len(found["strengths"])]
        np.testing.assert_allclose(found["strengths"], expected, atol=1e-9)
        assert found["value"] == pytest.approx(minimum.objective, rel=1e-12)


@pytest.mark.parametrize("bias", [True, False])
def test_the_cosines_of_the_picture_are_those_of_the_class_means(bias):
    """Off the mean of all samples where there is a bias; a class mean that is dead has none."""
    n, rng = np.array([60, 30, 9, 4]), np.random.default_rng(5)
    Ws, H, b = [rng.normal(size=(4, 4))], rng.normal(size=(4, 4)), rng.normal(size=4)
    # The third is where the mean of the others is, or zero.
    H[:, 2] = (H @ n - H[:, 2] * n[2]) / (n.sum() - n[2]) if bias else 0
    means = H - (H @ n / n.sum())[:, None] if bias else H
    question = {"n": n.tolist(), "L": 1, "bias": bias, "lambda": 1e-2, "steps": 0}
    question["start"] = told(Ws, H, b if bias else None)
    (found,) = asked("live.mjs", scripts(), paths=[question])["paths"]
    given = np.array([math.nan if x is None else x for x in found["cosines"]]).reshape(4, 4)
    alive = np.arange(4) != 2
    assert np.isnan(given[~alive]).all()
    assert np.isnan(given[:, ~alive]).all()
    units = means[:, alive] / np.linalg.norm(means[:, alive], axis=0)
    np.testing.assert_allclose(given[np.ix_(alive, alive)], units.T @ units, atol=1e-12)


def live_settings(number, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(number):
        n = np.sort(rng.integers(5, 500, int(rng.integers(2, 6))))[::-1]
        depth, bias = int(rng.integers(1, 4)), bool(rng.random() < 0.5)
        unit = nc.Problem(n, depth, bias=bias, lambda_W=1, lambda_H=1)
        deaths = nc.collapse_factors(unit)
        lam = float(deaths[0] * np.exp(rng.uniform(-3, 0.2)))
        size = float(rng.choice([0.1, 0.5, 1.0, 2.0]))
        yield {"n": n.tolist(), "L": depth, "bias": bias, "lambda": lam, "size": size,
               "seed": int(rng.integers(1, 10**6))}  # fmt: skip


def ends_at_a_listed_minimum(settings):
    for setting, end in zip(
        settings, asked("live.mjs", scripts(), ends=settings)["ends"], strict=True
    ):
        lam = setting["lambda"]
        problem = nc.Problem(
            setting["n"], setting["L"], bias=setting["bias"], lambda_W=lam, lambda_H=lam
        )
        listed = [minimum.objective for minimum in nc.local_minima(problem)]
        nearest = min(abs(end["value"] - value) for value in listed)
        assert nearest < 1e-6 * listed[0], (setting, end, listed)


def test_training_ends_at_a_listed_minimum():
    ends_at_a_listed_minimum(list(live_settings(25)))


@pytest.mark.slow
def test_training_ends_at_a_listed_minimum_in_two_hundred_settings():
    ends_at_a_listed_minimum(list(live_settings(200, seed=1)))


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_the_marks_of_the_picture_are_the_minima_of_nclib(depth):
    n = [500, 100, 20]
    unit = nc.Problem(n, depth, lambda_W=1, lambda_H=1)
    death = nc.collapse_factors(unit)[1]
    for lam in (death * 0.9, death * 1.02):
        problem = nc.Problem(n, depth, lambda_W=lam, lambda_H=lam)
        question = {"n": n, "L": depth, "bias": True, "lambda": float(lam)}
        (marks,) = asked("live.mjs", scripts(), marks=[question])["marks"]
        best = nc.global_minimizer(problem).z[:2]
        np.testing.assert_allclose([mark["best"] for mark in marks], best, rtol=1e-9)
        alive = nc.local_minima(problem)[-1].z[:2]
        np.testing.assert_allclose([mark["alive"] for mark in marks], alive, rtol=1e-9)
