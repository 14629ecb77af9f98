"""Figures in the built pages: the form that fits, the theme, the dialog, and what pages weigh."""

import gzip
import re
from pathlib import Path

import pytest
from test_site import SITE, built_pages, drive, require_browser_and_site, require_nothing_missing

SCRIPT = Path(__file__).with_name("figures.mjs")

PAGE = "book/03-bias-free.html"
COUNT = 5

# Bytes of a page as it is sent.
HEAVIEST = 1_500_000
# Pixels: letters of a figure on a phone.
SMALLEST_LETTERS = 7


@pytest.fixture(scope="module")
def report():
    require_browser_and_site()
    return drive(SCRIPT, SITE, PAGE)


@pytest.mark.parametrize(("width", "form"), [("1280", "wide"), ("800", "wide"), ("390", "narrow")])
def test_the_form_that_fits_is_seen(report, width, form):
    assert report["forms"][width]["seen"] == [[form]] * COUNT


@pytest.mark.parametrize("width", ["1280", "800", "390"])
def test_letters_can_be_read_and_stay_inside(report, width):
    assert report["forms"][width]["out"] == []
    assert len(report["forms"][width]["letters"]) == COUNT
    assert min(report["forms"][width]["letters"]) >= SMALLEST_LETTERS


def test_a_figure_follows_the_theme(report):
    light, dark, paper = (
        sum(map(int, re.findall(r"\d+", report["colors"][one])[:3]))
        for one in ("light", "dark", "paper")
    )
    assert light < 3 * 90 < 3 * 160 < dark
    assert paper == light


def test_a_figure_opens_by_keyboard_and_goes_back_to_its_place(report):
    assert report["name"] == "Enlarge Figure 3.1"
    assert report["opened"]["open"]
    assert report["opened"]["name"] == "Figure 3.1"
    assert "three rarest classes" in report["opened"]["words"]
    assert report["grown"] == 0
    assert report["closed"] == {"open": False, "home": "nc-drawing", "focus": "nc-enlarge"}
    assert report["again"] == COUNT


def test_a_figure_opens_wide_by_a_tap(report):
    assert report["tapped"] == {"open": True, "form": "wide"}


def test_without_javascript_figures_stay_as_they_are(report):
    assert report["still"] == {"forms": COUNT, "buttons": 0}


@pytest.mark.parametrize("page", built_pages())
def test_a_page_is_light(page):
    assert len(gzip.compress((SITE / page).read_bytes(), 6)) < HEAVIEST


def test_there_are_pages_to_weigh():
    require_nothing_missing(None if built_pages() else "the site is not built: run `make book`")
    assert PAGE in built_pages()
