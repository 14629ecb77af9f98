"""The form of the landing page and the pictures that move, worked in a real browser."""

import csv
import io
import math
import os
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import numpy as np
import pytest
from test_site import SITE, drive, require_browser_and_site
from test_theory_script import LESIONS, leads, loss_problem

import nclib as nc
from nclib.data.published import gallery
from nclib.teaching import check

SCRIPT = Path(__file__).with_name("moving.mjs")

START = {"n": LESIONS, "loss": "cross-entropy", "decay": 5e-4, "batch": 128, "depth": 1}
START |= {"bias": "decayed", "balance": "none", "low": 0.0005, "high": 0.2}
PAPER = [500, 500, 400, 400, 300, 300, 200, 200, 100, 100]

# Every control, away from where it begins; the band and the decay such that outcomes differ.
WIDE = {"low": "0.01", "high": "10"}
CLOSED = WIDE | {"loss": "mse", "bias": "free"}
STATES = [
    {},
    CLOSED,
    CLOSED | {"loss": "mse-sum", "batch": "64", "decay": "0.5"},
    CLOSED | {"loss": "paper", "decay": "0.003"},
    CLOSED | {"bias": "none"},
    CLOSED | {"depth": "3"},
    CLOSED | {"decay": "0.01"},
    CLOSED | {"low": "6", "high": "300"},
    CLOSED | {"low": "30", "high": "30"},
    CLOSED | {"balance": "sampler:sqrt"},
    CLOSED | {"balance": "weight:sqrt", "bias": "none"},
    CLOSED | {"counts": "5000, 1200, 300, 40, 7"},
    CLOSED | {"counts": ", ".join(map(str, PAPER)), "low": "3", "high": "30", "decay": "0.001"},
    CLOSED | {"counts": "900, 900, 900, 900, 900, 40, 40"},
    CLOSED | {"counts": "5000, 40", "high": "100"},
    {"loss": "cross-entropy", "bias": "none", "high": "200"},
    {"balance": "weight:effective:0.999", "bias": "free", "high": "200"},
    WIDE | {"loss": "cross-entropy", "depth": "2"},
    {"decay": "often"},
    {"counts": "5, abc"},
]
ERRORS = {17: "one linear layer", 18: "positive number", 19: "abc"}
ANSWERED = [position for position in range(len(STATES)) if position not in ERRORS]

TEXTS = ["10,923, 260", "cat 30\ndog 5", "6,705, 1,113, 1,099, 514"]


@pytest.fixture(scope="module")
def report():
    require_browser_and_site()
    # `make mutants` has a site with a fault in one of its scripts.
    site = Path(os.environ.get("NCLIB_SITE", SITE))
    return drive(SCRIPT, site, told={"states": STATES, "texts": TEXTS}, pages=5)


def form_of(state):
    form = START | {name: value for name, value in state.items() if name != "counts"}
    for name in ("decay", "batch", "low", "high", "depth"):
        form[name] = type(START[name])(form[name])
    if "counts" in state:
        form["n"] = [int(word) for word in state["counts"].split(", ")]
    return form


def outcome(form, k, place):
    """What becomes of a class at a value of N lambda_H, by the optimum of nclib there."""
    problem = loss_problem(form, place)
    closed = form["loss"] != "cross-entropy" and form["balance"] == "none"
    if closed and form["bias"] != "decayed":
        best = nc.global_minimizer(problem.model)
        if best.training_accuracy().per_class[k] == 1:
            return "right"
        return "merged" if any(k in classes for classes in best.merged_classes()) else "wrong"
    lead = leads(problem)[k]
    return "right" if lead > 0 else "wrong" if lead < -1e-9 else "merged"


def number(text):
    return {"never": math.inf, "always": 0.0}.get(text) or float(text.replace(",", ""))


@pytest.mark.parametrize("position", range(len(STATES)))
def test_every_control_gives_the_answer_of_nclib(report, position):
    seen = report["states"][position]
    if position in ERRORS:
        assert seen["state"] == "refused"
        assert ERRORS[position] in seen["verdict"]
        assert not seen["rows"]
        return
    form = form_of(STATES[position])
    distinct = sorted(set(form["n"]), reverse=True)
    assert [number(row[1]) for row in seen["rows"]] == distinct
    for row in seen["rows"]:
        k = form["n"].index(int(number(row[1])))
        assert row[4:] == [outcome(form, k, form["low"]), outcome(form, k, form["high"])], row
    # The place in the row, and the picture's bar, in the order of the rows.
    places = [number(row[2]) for row in seen["rows"]]
    assert np.argsort(places, kind="stable")[0] == np.argmin(seen["bars"])
    lost = next(
        row for row, place in zip(seen["rows"], places, strict=True) if place == min(places)
    )
    first = form["n"].index(int(number(lost[1])))
    for x, right in ((0.99, True), (1.01, False)):
        assert (outcome(form, first, min(places) * x) == "right") == right, (row, x)
    # The verdict: the factors on all penalties, today's bias decay included.
    factors = [
        float(f) for f in re.findall(r"(?:grow |times )([\d.e+-]+)(?=-fold|[.;])", seen["verdict"])
    ]
    ends = [form["low"], form["high"]] if form["low"] < form["high"] else [form["low"]]
    assert len(factors) == len(ends), seen["verdict"]
    for end, factor in zip(ends, factors, strict=True):
        today = loss_problem(form, end)
        several = form["n"].count(form["n"][first]) > 1
        below, above = (leads(today.rescaled(factor * x))[first] for x in (0.99, 1.01))
        assert below > 0
        assert above <= 1e-12 or several
    assert f"({form['n'][first]:,} samples" in seen["verdict"]


def right_at(form, place, factor):
    """The smallest lead over all classes, with all penalties times a factor."""
    return float(leads(loss_problem(form, place).rescaled(factor)).min())


def is_lost_at(form, place, factor, close=0.01):
    before, after = (right_at(form, place, factor * (1 + x)) for x in (-close, close))
    return before > 0 and after <= 1e-12


@pytest.mark.parametrize("position", ANSWERED)
def test_what_would_help_is_what_helps(report, position):
    """Each line of advice, followed in the problem that nclib solves."""
    form, lines = form_of(STATES[position]), report["states"][position]["help"]
    high = form["high"]
    today = loss_problem(form, high)
    spare, *others, more, told = lines

    (decay,) = map(number, re.findall(r"a weight decay of ([\d.e-]+)", spare, re.IGNORECASE))
    changed, is_decayed = form | {"decay": decay}, form["bias"] == "decayed"
    assert is_lost_at(changed, high, 2, close=0.1 if is_decayed else 0.01)
    assert ("a factor of about 2 to spare" in spare) == is_decayed
    assert (
        spare.startswith("You have room")
        == (decay >= form["decay"])
        == (right_at(form, high, 2) > 0)
    )

    summed = form["loss"] == "mse" and right_at(form, high, 2) <= 0
    if form["bias"] == "free" and form["balance"].startswith("weight"):
        summed = False  # not in closed form
    sampled = form["balance"] == "none" and form["depth"] == 1 and len(set(form["n"])) > 1
    assert len(others) == summed + sampled
    if summed:
        factors = map(number, re.findall(r"from ([\d.e-]+) to ([\d.e-]+)\.", others.pop(0))[0])
        of_sums = form | {"loss": "mse-sum", "batch": 1}
        for one, factor in zip((form, of_sums), factors, strict=True):
            assert is_lost_at(one, high, factor)
    if sampled:
        (place,) = map(number, re.findall(r"at NλH = ([\d.,e-]+)\.", others.pop(0)))
        balanced = form | {"balance": "sampler:balanced"}
        assert is_lost_at(balanced, place, 1)

    assert "N acts as λH does" in more
    (lambda_W,) = map(number, re.findall(r"(?:itself,|λW is) ([\d.e-]+)[.:]", told))
    assert lambda_W == float(f"{today.lambda_W[0]:.4g}")
    times = re.findall(r"this loss is ([\d.,]+) times", told)
    assert bool(times) == (form["decay"] != pytest.approx(today.lambda_W[0], rel=1e-12))
    for factor in map(number, times):
        assert factor == float(f"{form['decay'] / today.lambda_W[0]:.4g}")


def test_classes_of_one_count_are_named_together(report):
    seen = report["states"][13]
    assert [row[0] for row in seen["rows"]] == ["classes 1, 2, 3 and 2 more", "classes 6, 7"]
    assert "Lost first: classes 6, 7 (40 samples each). They are " in seen["verdict"]
    alone = report["states"][1]["verdict"]
    assert re.search(r"\(115 samples\)\. It is ", alone)


def test_the_command_is_the_same_as_the_form(report):
    told = [seen["command"] for seen in report["states"]]
    script = "--loss cross-entropy --weight-decay 0.0005 --bias decayed --depth 1"
    assert told[0] == f"nclib predict counts.csv {script}"
    assert "--loss mse-sum --weight-decay 0.5 --batch-size 64 --bias free" in told[2]
    assert "--lambda-W 0.003 --bias free" in told[3]
    assert "--bias none --depth 1" in told[4]
    assert "--depth 3" in told[5]
    assert told[8].endswith(f"--lambda-H {30 / 10015:.6g}")
    assert "--sampler sqrt" in told[9]
    assert "--class-weight sqrt" in told[10]


def test_the_address_is_written_only_when_something_was_changed(report):
    assert report["first"]["address"] == ""
    assert report["first"]["spoken"] == ""
    query = parse_qs(urlsplit(report["restored"]["asked"]).query)
    assert query == {"counts": ["5, abc"]}
    assert report["restored"]["verdict"] == report["states"][-1]["verdict"]
    link = urlsplit(report["link"])
    assert link.fragment == "your-counts"
    assert parse_qs(link.query) == parse_qs(urlsplit(report["atEnd"]).query)
    assert parse_qs(link.query)["loss"] == ["paper"]


def test_what_changes_is_spoken(report):
    for seen in report["states"][1:]:
        assert seen["spoken"] == seen["verdict"]


def test_two_readings_are_offered_and_may_be_changed(report):
    thousands, plain, one = report["texts"]
    assert "Read: 2 classes, 11,183 samples" in thousands["first"]["found"]
    assert "thousands separator" in thousands["first"]["note"]
    assert "Read: 3 classes, 1,193 samples (10, 923, 260)" in thousands["second"]["found"]
    assert [row[1] for row in thousands["second"]["rows"]] == ["923", "260", "10"]
    assert thousands["again"]["rows"] == thousands["first"]["rows"]
    assert plain["second"] is None
    assert "(cat 30, dog 5)" in plain["first"]["found"]
    assert [row[0] for row in plain["first"]["rows"]] == ["cat", "dog"]
    assert one["second"] is None
    assert "Read: 4 classes, 9,431 samples" in one["first"]["found"]


def test_a_data_set_brings_its_names(report):
    entry = gallery()["mammography"].counts
    assert [row[0] for row in report["preset"]["rows"]] == list(entry.names)
    assert report["preset"]["command"].startswith("nclib predict mammography ")


def test_depths_stand_side_by_side(report):
    counts = gallery()["mammography"].counts
    for depth, titles in zip((1, 3, 6), report["depths"], strict=True):
        problem = nc.Problem(counts, depth, lambda_W=0.005, lambda_H=10 / counts.N)
        place = 10 * nc.first_loss(problem).factor ** (depth + 1)
        (title,) = titles
        assert float(title.rpartition(" ")[2].replace(",", "")) == pytest.approx(place, rel=6e-3)


def test_what_is_downloaded_holds_the_classes(report):
    table = list(csv.reader(io.StringIO(report["saved"]["save-table"]["text"])))
    assert table[0][:2] == ["class", "count"]
    assert [row[:2] for row in table[1:]] == [["negative", "10923"], ["calcification", "260"]]
    problem = nc.Problem([10923, 260], 1, lambda_W=0.005, lambda_H=10 / 11183)
    place = 10 * nc.first_loss(problem).factor ** 2
    assert float(table[2][2]) == pytest.approx(place, rel=1e-9)
    (path, text) = (report["saved"]["save-counts"][key] for key in ("name", "text"))
    assert path == "counts.csv"
    assert list(csv.reader(io.StringIO(text)))[1:] == [
        ["negative", "10923"],
        ["calcification", "260"],
    ]
    root = ElementTree.fromstring(report["saved"]["save-picture"]["text"])
    assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_a_thousand_different_counts_leave_the_page_free(report):
    assert report["thousand"]["state"] == "shown"
    n = [5000 - 3 * k - k % 3 for k in range(1000)]
    problem = nc.Problem(n, 1, lambda_W=1e-6 * 500, lambda_H=10 / sum(n))
    place = 10 * nc.first_loss(problem).factor ** 2
    verdict = report["thousand"]["verdict"]
    told = re.search(r"At NλH = 0.0005 all penalties may grow ([\d.]+)-fold", verdict)
    assert float(told[1]) == pytest.approx(math.sqrt(place / 0.0005), rel=6e-3)
    lost = nc.first_loss(problem).classes
    assert len(lost) == 1
    assert f"class {lost[0] + 1} ({n[lost[0]]:,} samples)" in verdict


def test_without_workers_and_from_the_file_system_it_answers_the_same(report):
    for name in ("withoutWorkers", "fromFiles"):
        assert report[name]["verdict"] == report["first"]["verdict"], name
        assert report[name]["rows"] == report["first"]["rows"], name
    assert report["fromFilesMoved"]["verdict"] != report["first"]["verdict"]


# ---------------------------------------------------------------- pictures


def survivors(lam, depth):
    problem = nc.Problem(LESIONS, depth, bias=False, lambda_W=lam, lambda_H=lam)
    return int(np.count_nonzero(nc.global_minimizer(problem).s))


def test_the_line_of_the_first_picture_follows_keyboard_and_pointer(report):
    seen = report["survival"]
    for name, depth in (("first", 3), ("end", 3), ("home", 3), ("dragged", 3), ("oneLayer", 1)):
        lam = float(re.search(r"λ = ([\d.]+)", seen[name]["says"])[1].rstrip("."))
        assert seen[name]["alive"] == survivors(lam, depth), name
    alive = [seen[name]["alive"] for name in ("home", "first", "dragged", "end")]
    assert alive == sorted(alive, reverse=True)
    assert alive[0] == 7 > alive[2]
    assert seen["played"] == seen["end"]["alive"] == survivors(0.03, 3)


def test_with_several_layers_a_dead_mode_stays_dead_and_with_one_it_comes_back(report):
    """Hysteresis: the same keys up and down again."""
    for depth, (weak, strong, back) in report["live"]["byDepth"].items():
        assert weak["alive"] == 6, depth
        assert strong["alive"] < 6, depth
        assert back["best"] == 6, depth
        assert back["alive"] == (6 if depth == "1" else strong["alive"])
        if depth == "1":
            np.testing.assert_allclose(back["strengths"], weak["strengths"], rtol=0.02)


def test_training_from_a_tiny_start_and_with_a_rising_penalty(report):
    tiny, slowly = report["live"]["tiny"], report["live"]["slowly"]
    assert tiny["alive"] < tiny["best"]
    assert slowly["alive"] >= slowly["best"] == tiny["best"]
    others = report["live"]["others"]
    assert len(others["strengths"]) == 2


def test_it_moves_only_when_it_may(report):
    still, later = report["live"]["still"]
    assert still == later
    assert report["live"]["paused"][0] == report["live"]["paused"][1]


def test_an_answer_that_is_typed_gets_what_check_says(report):
    near = check("05-b.2", 0.95)
    assert near.mistake == "left no room"
    assert report["typed"] == [f"✗ Not yet. {near.message}", "✓ Right."]


def test_nothing_goes_wrong(report):
    assert not report["errors"]


def test_the_scripts_of_the_moving_pages_are_light():
    names = ["theory", "drawing", "pictures", "front-box", "live"]
    assert sum((SITE / "_static" / f"{name}.js").stat().st_size for name in names) < 60_000
