"""The page for teachers: its numbers are computed again, and its links lead to what they say."""

import inspect
import json
import re
import sys
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest

import nclib as nc
from nclib.cli.grade import grade
from nclib.data.pasted import read_pasted
from nclib.teaching import EXERCISES, check, exercise
from nclib.teaching.grading import Limits

sys.path.append(str(Path(__file__).resolve().parents[1] / "views"))
from every_explorable import EXPLORABLES, explorable, stored

BOOK = Path(__file__).resolve().parents[2] / "book"
TEXT = (BOOK / "teaching.md").read_text(encoding="utf-8")

CIFAR = nc.ClassCounts.cifar10_paper()
LETTERS = nc.ClassCounts.emnist_letters_paper()
SPOTS = nc.gallery()["mammography"].counts


def equal(counts, depth, lam, bias=True):
    return nc.Problem(counts, depth, bias=bias, lambda_W=lam, lambda_H=lam)


def optimum(counts, depth, lam, bias=True):
    return nc.global_minimizer(equal(counts, depth, lam, bias))


def percent(share, digits=0):
    return f"{100 * share:.{digits}f}"


def five_classes():
    means, _ = nc.mode_coordinates(optimum([20] * 5, 1, 0.01))
    (cosine,) = {f"{value:.2f}" for value in nc.cosines(means)[~np.eye(5, dtype=bool)]}
    opposite = nc.mode_coordinates(optimum([20] * 2, 1, 0.01))[0]
    assert np.isclose(nc.cosines(opposite)[0, 1], -1)
    return "5 20 2 4 0 -1 1", [cosine, f"{-1 / 5:.2f}"]


def who_dies_first():
    lam = 0.004
    alive = optimum(CIFAR, 1, lam, bias=False).alive
    equal_counts = [optimum([300] * 10, 1, lam * k, bias=False).alive for k in (1, 2)]
    assert equal_counts == [10, 0]
    return "500 400 300 200 100 3000 0.004 10 2 0", [
        str(alive),
        f"{(CIFAR.N * lam) ** 2:.0f}",
        f"{CIFAR.N * lam:.0f}",
        f"{min(CIFAR.n) / CIFAR.N:.3f}",
        f"{min(CIFAR.n) ** 0.5:.0f}",
    ]


def alive_and_yet():
    one, two = (optimum(SPOTS, depth, 0.0015) for depth in (1, 2))
    assert one.alive == two.alive == 1
    needed = nc.theory.two_class_limits(one.problem).needed
    least = optimum(SPOTS, 2, 0.0015 * nc.collapse_factors(two.problem)[0] * (1 - 1e-9))
    assert one.training_accuracy().per_class.tolist() == [1, 0]
    return "10923 260 0.0015", [
        percent(one.training_accuracy().overall, 1),
        percent(two.training_accuracy().overall),
        percent(one.s[0]),
        percent(two.s[0]),
        percent(needed),
        percent(least.s[0]),
        percent(one.training_accuracy().per_class.mean()),
    ]


def last_moment():
    left = []
    for depth in (1, 2, 3, 6):
        for counts in (CIFAR, LETTERS):
            death = nc.collapse_factors(equal(counts, depth, 1))[-2]
            left.append(percent(optimum(counts, depth, death * (1 - 1e-9)).s[-2]))
    assert left[::2] == left[1::2]
    return "1 2 3 6", left


def more_data():
    more = nc.ClassCounts(LETTERS.n * 100)
    assert optimum(LETTERS, 3, 5e-4).alive == LETTERS.K - 1
    margins = [
        f"{nc.collapse_factors(equal(counts, 3, 5e-4))[:-1].min():.2f}"
        for counts in (LETTERS, more)
    ]
    return "100 0.0005 0", [
        *margins,
        str(LETTERS.K),
        str(LETTERS.K - 1),
        str(LETTERS.N),
        str(optimum(more, 3, 5e-4).alive),
    ]


def dead_and_merged():
    best = optimum([500, 500, 100, 100], 1, 0.012)
    means, _ = nc.mode_coordinates(best)
    assert best.alive == 1
    assert best.merged_classes() == ((2, 3),)
    assert not means[:, 2:].any()
    assert np.isclose(nc.cosines(means)[0, 1], -1)
    accuracy = best.training_accuracy()
    assert accuracy.per_class.tolist() == [1, 1, 0, 0]
    return "500 100 0.012 0", [percent(accuracy.overall, 1), str(best.problem.K - 1)]


QUESTIONS = {
    "five classes": five_classes,
    "who dies first?": who_dies_first,
    "alive, and yet": alive_and_yet,
    "the last moment": last_moment,
    "more data": more_data,
    "dead, merged": dead_and_merged,
}


def test_there_are_six_questions():
    assert re.findall(r"^### Question \d: (.+)$", TEXT, re.MULTILINE) == list(QUESTIONS)


@pytest.mark.parametrize("title", QUESTIONS)
def test_every_number_of_a_question_is_given_or_computed(title):
    question = TEXT.partition(f": {title}\n")[2].partition("\n#")[0]
    text = re.sub(r"\$[^$]*\$", "", question).replace("−", "-")
    numbers = set(re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?", text))
    given, computed = QUESTIONS[title]()
    assert set(computed) <= numbers
    assert numbers <= {*given.split(), *computed}


def links():
    return [unescape(link) for link in re.findall(r'href="([^"]+)"', TEXT)]


def test_each_link_leads_to_an_explorable_in_a_state_that_it_has():
    shown = set()
    for link in links():
        page, fragment = urlsplit(link).path, urlsplit(link).fragment
        if fragment == "your-counts":
            continue
        name = fragment.removeprefix("explorable-")
        content = re.search(
            r'<script type="application/json">(.*?)</script>', stored()[name], re.DOTALL
        )
        params = json.loads(content[1])["spec"]["params"]
        sliders = {f"{name}.{param['name']}": param["bind"]["options"] for param in params}
        state = dict(parse_qsl(urlsplit(link).query))
        assert list(state) == list(sliders), link
        for key, value in state.items():
            # As the script of the page writes it.
            known = {one if isinstance(one, str) else f"{one:g}" for one in sliders[key]}
            assert value in known, link
        source = next(BOOK.glob(page.replace(".html", ".*[bd]")))
        text = source.read_text(encoding="utf-8")
        assert f'id=\\"explorable-{name}\\"' in text, link
        shown.add(name)
    assert shown == set(EXPLORABLES)


def test_the_form_opens_with_what_it_knows():
    form = (BOOK / "_ext" / "front_box.html").read_text(encoding="utf-8")
    names = set(re.findall(r'<(?:input|textarea|select) name="(\w+)"', form))
    states = [dict(parse_qsl(urlsplit(link).query)) for link in links() if "#your-counts" in link]
    full = [state for state in states if state]
    assert len(full) == 2
    for state, depth in zip(full, ("1", "2"), strict=True):
        assert set(state) <= names
        assert read_pasted(state["counts"]).n == (10923, 260)
        assert (state["depth"], state["loss"], state["bias"]) == (depth, "paper", "free")
        # Every penalty is 0.0015.
        assert state["decay"] == "0.0015"
        assert float(state["low"]) == float(state["high"]) == pytest.approx(0.0015 * 11183)
    problems = [
        nc.Problem([10923, 260], depth, lambda_W=0.0015, lambda_H=0.0015) for depth in (1, 2)
    ]
    one, two = (nc.global_minimizer(problem).training_accuracy() for problem in problems)
    assert one.per_class[1] == 0
    assert one.overall == pytest.approx(10923 / 11183)
    assert two.per_class[1] == 1


def test_what_the_links_promise_is_seen():
    def seen(name, *state):
        return explorable(name).summaries[state]

    assert "cosine −0.20: the simplex" in seen("gram", 1, 0.003)
    assert "Two rare class means have cosine" in seen("gram", 10, 0.003)
    assert "class means are 0" in seen("gram", 100, 0.003)
    assert "starts from 0" in seen("one-rule", 1, 0.00485)
    assert "jumps" in seen("one-rule", 3, 0.00485)
    assert seen("one-rule", 1, 0.00105).startswith("7 of 7 modes")
    assert "The mode is alive" in seen("lemma", 3, 0.95)
    assert "Alive and dead cost the same" in seen("lemma", 3, 1)
    assert "The mode is dead" in seen("lemma", 3, 1.05)
    assert seen("survival", 1, 3, 0.00519).startswith("All 10 classes survive")
    head, features = (seen("norms", *state) for state in ((0.032, 0.002), (0.002, 0.032)))
    assert head.rpartition("the output")[2] == features.rpartition("the output")[2]
    assert head != features
    one, three = (seen("data-sets", "ham10000", depth, 0.001) for depth in (1, 3))
    assert "Misclassified: 1." in one
    assert three == "All 7 classes are classified right."
    ends = (drawn_at_the_end(reading) for reading in ("corrected", "as printed"))
    corrected, printed = ends
    for metric in ("NC2 WH", "NC3"):
        assert corrected[metric] < 0.01
        assert printed[metric] > 0.1
    for metric in ("NC1", "NC2 W", "NC2 H"):
        assert corrected[metric] == printed[metric]


def drawn_at_the_end(reading):
    """Each metric of the networks that the two links on the curves lead to."""
    table = explorable("curves").table
    state = ("CIFAR-10", "with", 3, reading, 600)
    names = ("images", "bias", "L", "reading", "epoch", "metric", "value")
    rows = zip(*(table[name] for name in names), strict=True)
    return {metric: value for *at, metric, value in rows if tuple(at) == state}


def test_the_example_of_a_check_says_what_stands_there():
    code, said = re.search(r"\n(check\(.*\))\n```\n\n> (.*)\n", TEXT).groups()
    assert repr(eval(code, {"check": check})) == said


def test_what_the_page_says_of_seeds_and_limits_is_so():
    parts = [one for one in EXERCISES.values() if one.given]
    assert f"for {len(parts)} parts of the exercises" in TEXT
    assert f"in two of the {len(parts)}" in " ".join(TEXT.split())  # tests/test_exercise_seeds.py
    assert f"> {exercise('05-b', seed='ada')}" in TEXT
    given = float(re.search(r'check\("05-b.2", ([\d.]+), seed="ada"\)', TEXT)[1])
    assert f"> {check('05-b.2', given, seed='ada')}" in TEXT
    limits = Limits()
    said = f"{limits.cell_time:g} seconds, {limits.time:g} seconds and {limits.memory >> 20} MB"
    assert said in " ".join(TEXT.split())
    asked = inspect.signature(grade).parameters
    assert (asked["cell_time"].default, asked["time"].default) == (limits.cell_time, limits.time)
    assert asked["memory"].default * 2**20 == limits.memory
