"""The landing page's calculator, in a real browser, against nclib."""

from pathlib import Path

import numpy as np
import pytest
from test_site import SITE, drive, require_browser_and_site

import nclib as nc

SCRIPT = Path(__file__).with_name("calculator.mjs")
ALLOWED = 1e-9

BAD_COUNTS = ["5, 0, 3", "5, -2, 3", "1.5, 2", "5, abc", "7", "", "9007199254740992, 1"]

FRAUD = [284_315, 492]
FACTORS = [2.3456, 0.99996, 1.000012, 1 - 1e-15, 0.0123]
SHARES = [1.0, 0.99999, 0.7143, 1e-6, 0.0]


def random_problems(number=1000, seed=0):
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


def number(word):
    """A word as Python would hold it: a whole number, a fraction, or text."""
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


def by_nclib(question):
    problem = nc.Problem(
        question["n"],
        question["L"],
        bias=question["bias"],
        lambda_W=question["lambda_W"],
        lambda_H=question["lambda_H"],
    )
    best = nc.global_minimizer(problem)
    accuracy, fates = best.training_accuracy(), nc.class_fates(best)
    merged = np.ones(problem.K)
    for classes in best.merged_classes():
        merged[list(classes)] = len(classes)
    return {
        "kappa": best.kappa,
        "z": best.z,
        "dies": nc.collapse_factors(problem),
        "right": accuracy.per_class,
        "merged": merged,
        "own": fates.own_logit[fates.group],
        "best": fates.rival_logit[fates.group],
        "accuracy": accuracy.overall,
        "objective": best.objective,
        "margin": nc.first_loss(problem, fates.representative).factor,
    }


def largest_error(name, value, expected):
    """Largest error: of logits, which are shares of 1, the absolute one, else the relative one.

    Where 0 is expected, the value itself.
    """
    value, expected = np.atleast_1d(value), np.atleast_1d(expected)
    absolute = (expected == 0) | (name in ("own", "best"))
    scale = np.where(absolute, 1.0, np.abs(expected))
    return float(np.max(np.abs(value - expected) / scale))


@pytest.fixture(scope="module")
def problems():
    fraud = {"n": FRAUD, "L": 1, "bias": True, "lambda_W": 1e-5, "lambda_H": 1e-5}
    return [*random_problems(), fraud]


@pytest.fixture(scope="module")
def answers(problems):
    require_browser_and_site()
    told = {"problems": problems, "factors": FACTORS, "shares": SHARES, "texts": BAD_COUNTS}
    return drive(SCRIPT, SITE, told=told)


def test_a_thousand_random_problems_as_nclib_solves_them(problems, answers, record_error):
    assert len(answers["solved"]) == len(problems) == 1001
    for question, answer in zip(problems, answers["solved"], strict=True):
        for name, expected in by_nclib(question).items():
            error = largest_error(name, answer[name], expected)
            assert record_error(f"calculator: {name}", error, ALLOWED), (name, question)


def test_the_classes_that_are_lost_first_are_those_of_nclib(problems, answers):
    for question, answer in zip(problems[:200], answers["solved"], strict=False):
        n = question["n"]
        lambdas = {name: question[name] for name in ("lambda_W", "lambda_H")}
        lost = nc.first_loss(nc.Problem(n, question["L"], bias=question["bias"], **lambdas)).classes
        assert set(answer["lost"]) == {n[k] for k in lost}, question


def test_one_layer_and_two_classes_have_the_margin_of_the_closed_form(answers, problems):
    """The last of the problems: counts of fraud, where a class is lost at half of the death."""
    assert problems[-1]["n"] == FRAUD
    fraud = nc.Problem(FRAUD, 1, lambda_W=1e-5, lambda_H=1e-5)
    limits = nc.theory.two_class_limits(fraud)
    found = answers["solved"][-1]
    assert found["margin"] == pytest.approx(limits.wrong, rel=ALLOWED)
    assert found["dies"][0] == pytest.approx(limits.dead, rel=ALLOWED)
    assert found["lost"] == [492]


def test_numbers_near_1_and_100_keep_what_tells_them_apart(answers):
    assert answers["written"]["factors"] == ["2.35", "0.99996", "1.00001", "1", "0.0123"]
    assert answers["written"]["shares"] == ["100 %", "99.9 %", "71.4 %", "0.1 %", "0 %"]


@pytest.mark.parametrize("position", range(len(BAD_COUNTS)))
def test_bad_counts_get_the_message_that_nclib_gives(answers, position):
    words = BAD_COUNTS[position].replace(",", " ").split()
    with pytest.raises((TypeError, ValueError)) as caught:
        nc.ClassCounts([number(word) for word in words])
    # The calculator stops at 1,000 classes, the library at a million.
    said = answers["messages"][position].replace("2 to 1,000 class", "2 to 1,000,000 class")
    # A hint that helps in Python only.
    assert said == str(caught.value).removesuffix("; of labels, take ClassCounts.from_labels")


def test_the_address_sets_the_form(answers):
    """(60, 10, 10), one layer, 0.039: rare classes answered wrong, but apart (chapter 1)."""
    assert answers["said"].startswith(
        "2 of 2 modes are alive, 1 of 3 classes are classified right, and 0 have merged"
    )
    problem = nc.Problem([60, 10, 10], 1, lambda_W=0.039, lambda_H=0.039)
    margin, death = nc.first_loss(problem).factor, nc.collapse_factors(problem)[1]
    assert margin < 1 < death
    assert answers["said"].endswith(
        f"Margin: the first class (10 samples) is lost when all penalties are multiplied by "
        f"{margin:.3g}. Room until a mode dies: a factor of {death:.3g}."
    )


def test_the_form_sets_the_address(answers):
    assert answers["fromAddress"] == BAD_COUNTS[-1]
    assert "L=2" in answers["moved"]["address"]


def test_a_key_moves_the_depth_and_the_change_is_spoken(answers):
    problem = nc.Problem([60, 10, 10], 2, lambda_W=0.039, lambda_H=0.039)
    alive = nc.global_minimizer(problem).alive
    assert answers["moved"]["spoken"].startswith(f"{alive} of 2 modes are alive")


def test_the_table_downloads_as_csv(answers):
    problem = nc.Problem([60, 10, 10], 2, lambda_W=0.039, lambda_H=0.039)
    right = nc.global_minimizer(problem).training_accuracy().per_class
    rows = [line.split(",") for line in answers["table"].splitlines()]
    assert rows[0] == ["class", "count", "share_right", "classes_at_its_mean"]
    assert [row[1] for row in rows[1:]] == ["60", "10", "10"]
    np.testing.assert_allclose([float(row[2]) for row in rows[1:]], right)
