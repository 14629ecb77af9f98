"""The slides: what the plan shows is on them, and each deck works alone, as one file and as PDF."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from few import chosen, few
from test_site import ROOT, browser, drive, require_browser_and_site, require_nothing_missing

import nclib as nc
from tools import slides

sys.path.append(str(Path(__file__).resolve().parents[1] / "views"))
from every_explorable import explorable

SCRIPT = Path(__file__).with_name("slides.mjs")
DECKS = ["lesson", "week-1", "week-2", "week-3", "week-4"]
# Of decks that are made alike, the lesson and one week in every run; all in `make test-all`.
OFTEN = few(DECKS, ["lesson", "week-2"])
# Letters of this height are 27 pixels on a projector of 1080 lines.
SMALLEST = 16
LARGEST_FILE = 6_000_000


@pytest.fixture(scope="module")
def decks():
    require_browser_and_site()
    return slides.decks()


@pytest.fixture(scope="module")
def files(request, decks, tmp_path_factory):
    return slides.write(tmp_path_factory.mktemp("slides"), chosen(request, "name") | {"lesson"})


@pytest.fixture(scope="module")
def report(files):
    return drive(SCRIPT, *files, pages=len(DECKS))


def test_there_is_a_deck_for_the_lesson_and_for_each_week(decks):
    assert list(decks) == DECKS


@pytest.mark.parametrize("name", OFTEN)
def test_every_moment_that_the_plan_shows_is_on_a_slide(decks, name):
    deck = decks[name]
    planned = re.findall(r'href="([^"]*\?[^"]*#[^"]*)"', str(deck.plan))
    assert planned
    shown = deck.html()
    for address in planned:
        query = address.partition("?")[2].partition("#")[0]
        assert f'data-moment="{query}"' in shown, address


def test_the_minutes_of_the_lesson_are_those_of_the_plan_in_order(decks):
    deck = decks["lesson"]
    told = [slide["minutes"] for slide in deck.told["slides"] if "minutes" in slide]
    assert told == [slides.words(row.td) for row in deck.plan.select("tbody tr")]


@pytest.mark.parametrize("name", OFTEN)
def test_exercises_in_class_are_on_the_slides_with_their_solutions(decks, name):
    deck = decks[name]
    in_class = re.search(
        r"In (?:class|pairs)\W(.*?)(?:At home|with check)", slides.words(deck.plan)
    )
    shown = [
        part.removeprefix("ex-")
        for slide in deck.told["slides"]
        for part in slide["show"]
        if part.startswith("ex-")
    ]
    assert shown == re.findall(r"\d\d-[a-z]", in_class[1])
    assert deck.html().count("<b>Solution.</b>") == len(shown) > 0


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"from": "nowhere#x", "show": []}, "no page 'nowhere'"),
        ({"from": "teaching#x", "show": []}, "no section 'x'; it has teaching-with-this-book"),
        ({"from": "01-collapse#the-four-properties", "show": ["Pigs"]}, "0 parts 'Pigs'"),
        ({"from": "05-deep-head#why-there-is-a-threshold", "show": ["picture"]}, "2 parts"),
        ({"from": "05-deep-head#why-there-is-a-threshold", "show": ["picture 3"]}, "0 parts"),
        (
            {"from": "teaching#the-exercises", "show": [], "minutes": "90 to 95"},
            "no minutes '90 to 95'; there are 0 to 10, 10 to 25",
        ),
    ],
)
def test_what_is_not_there_is_named(decks, wanted, message):
    with pytest.raises(slides.SlidesError, match=re.escape(message)):
        decks["lesson"].slide(wanted)


def test_nothing_fails_and_nothing_is_fetched(report):
    assert report["errors"] == []


@pytest.mark.parametrize("name", OFTEN)
def test_every_slide_is_there_whole_and_can_be_read(report, decks, name):
    seen = report["decks"][name]
    assert len(seen) == 1 + len(decks[name].told["slides"])
    for slide in seen:
        assert slide["cut"] == [], slide["title"]
        assert slide["size"] >= SMALLEST, slide["title"]
        assert not slide["raw"], slide["title"]
    assert sum(bool(slide["notes"]) for slide in seen) > len(seen) / 2


def test_a_deck_is_light_enough_to_carry(files):
    for path in files:
        assert path.stat().st_size < LARGEST_FILE


def test_the_speaker_has_the_notes_in_a_window(report):
    assert "With three layers it slides a little way" in report["worked"]["notes"]


def test_the_form_answers_at_the_moments_of_the_plan(report):
    for depth, said in ((1, "oneLayer"), (2, "twoLayers")):
        problem = nc.Problem([10923, 260], depth, lambda_W=0.0015, lambda_H=0.0015)
        first = nc.first_loss(problem)
        assert first.classes == (1,)
        assert f"{first.factor:.3g}" in report["worked"][said]


def test_an_explorable_is_in_the_states_of_the_plan_and_moves(report, decks):
    lemma = explorable("lemma")
    states = {
        text: tuple(float(value) for _, value in parse_qsl(query))
        for text, query in decks["lesson"].moments("explorable-lemma")
    }
    assert report["worked"]["before"] == lemma.summaries[states["before"]]
    assert report["worked"]["after"] == lemma.summaries[states["after"]]
    assert report["worked"]["moved"] == lemma.summaries[1, states["after"][1]]


def test_what_is_dragged_stays_under_the_pointer(report):
    """At one and a half times the size of the slides, to the nearest state."""
    assert report["worked"]["dragged"] == pytest.approx(-400, abs=15)


def test_the_optimum_lives(report):
    steps = [
        int(re.search(r"Step ([\d,]+)", said)[1].replace(",", ""))
        for said in report["worked"]["steps"]
    ]
    assert 0 < steps[0] < steps[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", DECKS)
def test_the_pdf_has_a_page_for_each_slide(files, decks, name):
    if importlib.util.find_spec("pypdf") is None:
        require_nothing_missing("pypdf is not installed: make test-all does that")
    import pypdf

    (path,) = (path for path in files if path.stem == name)
    subprocess.run(
        ["node", ROOT / "tools" / "print_slides.mjs", path],
        env={**os.environ, "CHROMIUM": browser()},
        check=True,
        timeout=600,
    )
    reader = pypdf.PdfReader(path.with_suffix(".pdf"))
    assert len(reader.pages) == 1 + len(decks[name].told["slides"])
    for page in reader.pages:
        assert float(page.mediabox.width / page.mediabox.height) == pytest.approx(16 / 9)
        assert re.search(r"\w", page.extract_text())
