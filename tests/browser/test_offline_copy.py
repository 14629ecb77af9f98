"""The offline copy: one zip, opened from the file system in a real browser without a network."""

import zipfile
from pathlib import Path

import pytest
from test_site import SITE, drive, require_browser_and_site

import nclib as nc
from nclib.views import explorables
from tools.offline_copy import NAME, pack

SCRIPT = Path(__file__).with_name("offline_copy.mjs")


def site_without_mathjax(folder):
    (folder / "index.html").write_text("a book")


@pytest.mark.parametrize(
    ("make", "message"),
    [(lambda folder: None, "make book"), (site_without_mathjax, "install Node")],
)
def test_what_would_not_open_is_not_packed(tmp_path, make, message):
    site = tmp_path / "site"
    site.mkdir()
    make(site)
    with pytest.raises(ValueError, match=message):
        pack(site, tmp_path / "copy.zip")
    assert not (tmp_path / "copy.zip").exists()


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    require_browser_and_site()
    folder = tmp_path_factory.mktemp("offline")
    pack(SITE, folder / "copy.zip")
    with zipfile.ZipFile(folder / "copy.zip") as archive:
        archive.extractall(folder)
    return drive(SCRIPT, folder / NAME)


def test_nothing_fails_and_nothing_is_fetched(report):
    assert report["errors"] == []


def test_formulas_are_set_in_their_fonts(report):
    assert report["formulas"] == []
    assert any("MJX" in family for family in report["fonts"])


def test_the_form_answers(report):
    problem = nc.Problem([60, 10, 10], 1, lambda_W=0.039, lambda_H=0.039)
    first = nc.first_loss(problem)
    assert first.classes == (1, 2)
    assert first.factor < 1
    assert report["calculated"].startswith(
        "Lost first, and lost now: classes 2, 3 (10 samples each)"
    )
    assert report["calculated"].endswith(f"with all penalties times {first.factor:.3g}.")


def test_the_explorable_moves(report):
    shown = explorables.survival()
    first, *rest = shown.sliders
    assert report["explored"] == shown.summaries[first.values[-1], *(s.default for s in rest)]
    assert report["marks"] > 0


def test_search_finds_and_leads_there(report):
    assert any("What neural collapse is" in title for title in report["found"])
    assert report["arrived"].startswith("What neural collapse is")
