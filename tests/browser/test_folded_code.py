"""Code of the built pages: folded, opened one by one or all at once, and remembered."""

import json
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from test_site import ROOT, SITE, built_pages, drive, require_browser_and_site

BOOK = ROOT / "book"
SCRIPT = Path(__file__).with_name("folded_code.mjs")


@pytest.fixture(scope="module")
def report():
    require_browser_and_site()
    return drive(SCRIPT, SITE)


@pytest.fixture(params=["served", "fromFiles"])
def states(report, request):
    assert report[request.param]["errors"] == []
    return report[request.param]["states"]


@pytest.mark.parametrize("page", built_pages() or ["the site"])
def test_no_code_of_a_cell_stands_outside_of_its_box(page):
    require_browser_and_site()
    text = (SITE / page).read_text(encoding="utf-8")
    boxes = re.findall(r'<details class="nc-code" data-key="[0-9a-f]{8}"(?: open)?>', text)
    inputs = re.findall(r'<div class="cell_input docutils container">', text)
    wrapped = re.findall(
        r'<details class="nc-code"[^>]*>\n<summary>Code(?: and printout)?</summary>\n'
        r'<div class="cell_input docutils container">',
        text,
    )
    assert len(boxes) == len(inputs) == len(wrapped)
    assert bool(boxes) == bool(re.search(r"book/\d\d[a-z]?-", page))


@pytest.mark.parametrize("page", built_pages() or ["the site"])
def test_the_table_of_names_is_folded_below_its_heading(page):
    require_browser_and_site()
    text = (SITE / page).read_text(encoding="utf-8")
    section = re.search(r'<section id="in-the-code">(.*?)</section>', text, re.DOTALL)
    # Every chapter has one, and the parts of two have theirs in the chapter.
    assert bool(section) == bool(re.search(r"book/\d\d-", page))
    if section:
        heading, box = section[1].split('<details class="nc-names">')
        assert re.fullmatch(r"\s*<h2>In the code.*</h2>\s*", heading)
        assert box.count("<table") == 1


@pytest.mark.parametrize("path", sorted(BOOK.glob("*.ipynb")), ids=lambda path: path.stem)
def test_the_page_has_the_cells_of_the_notebook_but_for_those_off_the_page(path):
    require_browser_and_site()
    text = (SITE / "book" / f"{path.stem}.html").read_text(encoding="utf-8")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    tags = [cell["metadata"].get("tags", []) for cell in code]
    assert len(re.findall(r'<div class="cell[ "]', text)) == sum(
        "remove-cell" not in t for t in tags
    )
    shown = sum("remove-cell" not in t and "remove-input" not in t for t in tags)
    assert text.count('<details class="nc-code"') == shown


@pytest.mark.parametrize("page", built_pages() or ["the site"])
def test_what_code_prints_is_folded_with_it_and_open_in_solutions_alone(page):
    require_browser_and_site()
    text = (SITE / page).read_text(encoding="utf-8")
    if "output stream" not in text:
        assert "Code and printout" not in text
        return
    # Pictures and scripts are most of a page, and nothing that is looked for is in them.
    text = re.sub(r"<(svg|script)\b.*?</\1>", "", text, flags=re.DOTALL)
    html = BeautifulSoup(text, "html.parser")
    folded = 0
    for printed in html.select("div.output.stream"):
        box, solution = (
            printed.find_parent("details", "nc-code"),
            printed.find_parent(class_="solution"),
        )
        assert (box is None) == (solution is not None), printed.get_text()[:80]
        folded += box is not None
    labels = [one.get_text() for one in html.select("details.nc-code > summary")]
    assert labels.count("Code and printout") <= folded
    assert bool(folded) == ("Code and printout" in labels)


def test_code_is_shut_at_first_but_for_that_of_solutions(states):
    first = states["first"]
    assert first["cells"] > first["inSolutions"] > 0
    assert first["open"] == []
    assert first["openInSolutions"] == first["inSolutions"]
    assert first["switch"] == "Show code"


def test_a_cell_opens_by_itself_and_is_remembered(states):
    assert len(set(states["two opened"]["open"])) == 2
    assert states["two, again"] == states["two opened"]


def test_the_switch_opens_all_and_a_cell_may_be_shut_again(states):
    opened, shut = states["all opened"], states["one shut"]
    assert len(opened["open"]) == opened["cells"] - opened["inSolutions"]
    assert opened["switch"] == "Hide code"
    assert len(shut["open"]) == len(opened["open"]) - 1
    assert states["one shut, again"] == shut


def test_the_switch_holds_on_every_page(states):
    other, again = states["another page"], states["shut here, too"]
    assert len(other["open"]) == other["cells"] - other["inSolutions"] > 0
    assert states["all shut"]["open"] == []
    # What was opened or shut by itself before goes with it.
    assert again == states["first"]


def test_a_page_without_code_has_no_switch(states):
    assert states["without code"]["cells"] == 0
    assert states["without code"]["switch"] is None


def test_where_nothing_can_be_kept_it_works_all_the_same(report):
    seen = report["nothingKept"]
    assert seen["errors"] == report["otherKept"]["errors"] == []
    assert len(seen["opened"]["open"]) == seen["opened"]["cells"] - seen["opened"]["inSolutions"]
    assert report["otherKept"]["first"]["open"] == []


def test_code_is_reached_without_javascript(report):
    seen = report["withoutScripts"]
    assert len(seen["seen"]["open"]) == 1
    assert seen["readable"]
    assert seen["seen"]["switch"] is None


def test_what_is_open_is_not_cut_and_what_is_shut_is_not_printed(report):
    wrapped = report["wrapped"]
    assert wrapped["onPhone"] == wrapped["onDesk"] == wrapped["onPaper"] == 0
    assert wrapped["summaries"] == 0
    # Solutions that are shut are not printed either.
    assert 0 < wrapped["printed"] <= wrapped["open"]
