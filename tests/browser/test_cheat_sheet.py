"""The cheat sheet on paper: one side of A4, with nothing cut off."""

from pathlib import Path

import pytest
from test_site import SITE, drive, require_browser_and_site

SCRIPT = Path(__file__).with_name("print_page.mjs")
A4_POINTS = (595, 842)


@pytest.fixture(scope="module")
def report():
    require_browser_and_site()
    return drive(SCRIPT, SITE / "book" / "cheat-sheet.html")


def test_it_takes_one_sheet_of_a4(report):
    assert report["sheets"] == 1
    (box,) = report["sizes"]
    size = [float(side) for side in box.strip("]").split()[-2:]]
    assert size == pytest.approx(A4_POINTS, abs=1)


def test_nothing_is_cut_off(report):
    assert not report["outside"]


def test_more_than_a_sheet_would_be_noticed(tmp_path):
    require_browser_and_site()
    page = tmp_path / "long.html"
    page.write_text("<article class='bd-article'>" + "<p>line</p>" * 200 + "</article>")
    report = drive(SCRIPT, page)
    assert report["sheets"] > 1
    assert report["outside"]
