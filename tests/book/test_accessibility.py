"""The page on accessibility says what the tests of the built site do, and no more."""

import re
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "browser"))
from test_site import CHECKS, FORMS, ROOT, SITUATIONS

TEXT = (ROOT / "book" / "accessibility.md").read_text(encoding="utf-8")
NAMED = {name: how for how, name in re.findall(r"^\|.+\| (.+) \| `(.+)` \|$", TEXT, re.MULTILINE)}
# Parts of the tests that are about other things than barriers.
OF_OTHER_THINGS = {"console", "letters", "repeated", "from the file system"}


def test_every_test_of_barriers_is_named_and_no_other():
    assert set(NAMED) == {*CHECKS, *SITUATIONS} - OF_OTHER_THINGS


@pytest.mark.parametrize("name", NAMED)
def test_each_says_on_how_many_pages(name):
    assert NAMED[name].startswith("on every page" if name in CHECKS else "on one page")


def test_the_widths_and_themes_are_those_of_the_visits():
    (widths,) = re.findall(
        r"opened in Chromium, (\d+) and (\d+) pixels wide, in light and in dark", TEXT
    )
    assert {f"{theme}-{width}" for theme in ("light", "dark") for width in widths} == set(FORMS)


def test_the_size_for_a_finger_is_the_one_that_is_asked_for():
    (least,) = re.findall(
        r"const least = (\d+);", (ROOT / "tests" / "browser" / "page_checks.mjs").read_text("utf-8")
    )
    assert f"at least {least} by {least} pixels" in TEXT


def test_formulas_carry_mathml():
    text = (ROOT / "book" / "_ext" / "local_mathjax.py").read_text("utf-8")
    assert "a11y/assistive-mml" in text
    assert "MathML" in TEXT
