"""The landing page's calculator, in a real browser, against nclib."""

from pathlib import Path

import numpy as np
import pytest
from test_site import SITE, drive, require_browser_and_site

import nclib as nc

SCRIPT = Path(__file__).with_name("calculator.mjs")
ALLOWED = 1e-9

BAD_COUNTS = ["5, 0, 3", "5, -2, 3", "1.5, 2", "5, abc", "7", "", "9007199254740992, 1"]


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
        unit = nc.Problem(n, depth, bias, lambda_W=lambda_W, lambda_H=lambda_W)
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
        question["bias"],
        lambda_W=question["lambda_W"],
        lambda_H=question["lambda_H"],
    )
    best = nc.global_minimizer(problem)
    accuracy = best.training_accuracy()
    merged = np.ones(problem.K)
    for classes in best.merged_classes():
        merged[list(classes)] = len(classes)
    return {
        "kappa": best.kappa,
        "z": best.z,
        "dies": nc.collapse_factors(problem),
        "right": accuracy.per_class,
        "merged": merged,
        "accuracy": accuracy.overall,
        "objective": best.objective,
    }


def relative_error(value, expected):
    """Largest relative error; where 0 is expected, the value itself."""
    value, expected = np.atleast_1d(value), np.atleast_1d(expected)
    scale = np.where(expected == 0, 1.0, np.abs(expected))
    return float(np.max(np.abs(value - expected) / scale))


@pytest.fixture(scope="module")
def problems():
    return list(random_problems())


@pytest.fixture(scope="module")
def answers(problems):
    require_browser_and_site()
    return drive(SCRIPT, SITE, told={"problems": problems, "texts": BAD_COUNTS})


def test_a_thousand_random_problems_as_nclib_solves_them(problems, answers, record_error):
    assert len(answers["solved"]) == len(problems) == 1000
    for question, answer in zip(problems, answers["solved"], strict=True):
        for name, expected in by_nclib(question).items():
            error = relative_error(answer[name], expected)
            assert record_error(f"calculator: {name}", error, ALLOWED), (name, question)


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
