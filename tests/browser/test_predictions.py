"""Predictions in the built pages: guessed by keyboard, remembered, taken back, open on paper."""

from pathlib import Path

import pytest
from test_site import SITE, drive, require_browser_and_site

SCRIPT = Path(__file__).with_name("predictions.mjs")
# What chapter 2 covers, question by question; the third asks about a picture to move.
COVERED = [1, 2, 0, 2]
CHOICES = [3, 3, 3, 3]


@pytest.fixture(scope="module")
def report():
    require_browser_and_site()
    return drive(SCRIPT, SITE)


@pytest.fixture(params=["served", "fromFiles"])
def states(report, request):
    assert report[request.param]["errors"] == []
    return report[request.param]["states"]


def all_open(seen):
    return [(one["answer"], one["outputsSeen"]) for one in seen] == [(True, n) for n in COVERED]


def test_at_first_the_answers_are_covered_and_nothing_else(states):
    seen = states["first"]["seen"]
    assert [one["outputs"] for one in seen] == COVERED
    assert [one["choices"] for one in seen] == CHOICES
    for one in seen:
        assert (one["answer"], one["outputsSeen"], one["meanings"]) == (False, 0, 0)
        # Whoever opens the code reads the answer there no sooner.
        assert one["printoutsOpen"] == 0
        assert (one["pressed"], one["said"], one["listed"]) == ([], "", 0)
        assert (one["legend"], one["other"]) == ("Your prediction", "Just show me")
    assert seen[0]["printouts"] == 1


def test_a_choice_by_keyboard_uncovers_its_own_answer_and_says_what_it_meant(states):
    first, *others = states["chosen"]["seen"]
    assert first["pressed"] == ["The features"] == [states["chosen"]["focus"]]
    assert first["said"].startswith("The features: they are large, but fifty times as cheap.")
    assert (first["answer"], first["outputsSeen"], first["other"]) == (True, 1, "Guess again")
    assert first["printoutsOpen"] == 1
    # Those of the other choices would be in the way.
    assert first["meanings"] == 0
    assert others == states["first"]["seen"][1:]


def test_it_is_remembered_on_its_page_alone(states):
    assert states["chosen, again"]["seen"] == states["chosen"]["seen"]
    assert not any(one["answer"] for one in states["another page"]["seen"])


def test_it_can_be_taken_back(states):
    assert states["taken back"]["seen"] == states["first"]["seen"]
    assert states["taken back"]["focus"] == "Just show me"
    assert states["taken back, again"]["seen"] == states["first"]["seen"]


def test_it_can_be_shown_without_a_guess(states):
    first, *others = states["shown"]["seen"]
    assert (first["answer"], first["outputsSeen"], first["meanings"]) == (True, 1, 3)
    assert (first["pressed"], first["said"]) == ([], "The answer is below.")
    # The button that was pressed is gone.
    assert states["shown"]["focus"] == "output"
    assert others == states["first"]["seen"][1:]
    assert states["shown, again"]["seen"] == states["shown"]["seen"]


def test_on_paper_all_is_open_whatever_was_chosen(report, states):
    for seen in (report["printed"]["seen"], states["printed"]["seen"]):
        assert all_open(seen)
        assert [one["meanings"] for one in seen] == CHOICES
        assert [one["listed"] for one in seen] == CHOICES
        assert not any(one["choices"] or one["other"] for one in seen)
    assert report["printed"]["covers"] == 0


def test_without_javascript_all_is_open_and_there_is_no_button(report):
    seen = report["withoutScripts"]["seen"]
    assert all_open(seen)
    assert [one["meanings"] for one in seen] == CHOICES
    assert [one["listed"] for one in seen] == CHOICES
    assert not any(one["choices"] or one["other"] for one in seen)


def test_where_nothing_can_be_kept_it_works_all_the_same(report):
    seen = report["nothingKept"]["seen"]
    assert report["nothingKept"]["errors"] == report["otherKept"]["errors"] == []
    assert seen[0]["answer"]
    assert seen[0]["pressed"] == ["A layer"]
    for one in report["otherKept"]["found"]:
        assert (one["answer"], one["pressed"], one["other"]) == (False, [], "Just show me")
