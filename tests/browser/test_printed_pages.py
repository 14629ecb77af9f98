"""Pages on paper, as Ctrl+P prints them: nothing cut, empty, shut or left alone.

A few in every run, and all pages of the site with `make test-all`.
"""

from pathlib import Path

import pytest
from test_site import SITE, built_pages, drive, missing_browser, require_browser_and_site
from test_site import require_nothing_missing as require

SCRIPT = Path(__file__).with_name("printed_pages.mjs")

# Nobody prints the search.
PAGES = [name for name in built_pages() if name.startswith("book/")]
# The form, moving pictures and an explorable; predictions, tables and solutions.
SAMPLE = ["book/intro.html", "book/five-minutes.html", "book/01-collapse.html"]


def printed(*paths):
    """The report on each page that was printed."""
    report = drive(SCRIPT, *paths, pages=len(paths))
    assert all(seen["complete"] for seen in report.values())
    return report


@pytest.fixture(scope="module")
def sample():
    require_browser_and_site()
    return printed(*(SITE / name for name in SAMPLE))


@pytest.fixture(scope="module")
def whole():
    require_browser_and_site()
    return printed(*(SITE / name for name in PAGES))


@pytest.mark.parametrize("name", SAMPLE)
def test_a_page_prints_whole(sample, name):
    seen = sample[str(SITE / name)]
    assert seen["problems"] == []
    # Of each heading it is known where it stands.
    assert seen["headings"] > 3


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES or ["the site"])
def test_every_page_prints_whole(whole, name):
    assert whole[str(SITE / name)]["problems"] == []


PAGE = """<!DOCTYPE html><html lang="en"><head><title>A page</title><style>
h1, h2 {{ margin: 0; font-size: 16px; line-height: 20px; break-after: auto; }}
pre {{ overflow: auto; margin: 0; }} .box {{ height: 20px; border: 1px solid; }}
</style></head><body><article>{content}</article></body></html>"""


# What a page holds, and what is to be said of it.
WRONG = {
    "fits": ("<h1>Head</h1><p>Words.</p>", None),
    "cut": ("<pre>" + 300 * "wide" + "</pre>", "wider than the paper: pre"),
    "empty": ("<div class='box'></div>", "empty: div.box"),
    "full": ("<div class='box'>full</div>", None),
    "shut": ("<details><summary></summary>Words.</details>", "shut: details"),
    "code": (
        "<details class='nc-code'><summary></summary>x</details>",
        "what is left of folded code",
    ),
    "control": ("<p>Words <input></p>", "a control: input"),
    "covered": ("<p class='nc-predicted' style='visibility: hidden'>Words.</p>", "covered: p"),
    # A sheet is 1,047 px high inside of its margins.
    "foot": (
        "<h1>Head</h1><div style='height: 995px'></div><h2>Foot</h2>",
        "alone at the foot: (Foot)",
    ),
}


@pytest.fixture(scope="module")
def wrong(tmp_path_factory):
    require(missing_browser())
    folder = tmp_path_factory.mktemp("wrong")
    for name, (content, _) in WRONG.items():
        (folder / f"{name}.html").write_text(PAGE.format(content=content), encoding="utf-8")
    report = printed(*(folder / f"{name}.html" for name in WRONG))
    return {Path(path).stem: seen["problems"] for path, seen in report.items()}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_noticed(wrong, name):
    _, problem = WRONG[name]
    if problem is None:
        assert wrong[name] == []
    else:
        assert any(one.startswith(problem) for one in wrong[name]), wrong[name]
