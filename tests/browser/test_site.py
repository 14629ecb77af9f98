"""The built site in a real browser: a test for each page, in light and dark, on desk and phone.

`check_site.mjs` looks at the pages once and reports as JSON. Nothing is built or installed here:
`make book` does that, and needs Node. Where something is missing the tests are skipped and say
what; with CI set in the environment they fail instead.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "_build" / "html"
SCRIPT = Path(__file__).with_name("check_site.mjs")

FORMS = ["light-1280", "light-390", "dark-1280", "dark-390"]
# Pages that are opened on a phone in every run: the form and pictures that move, explorables and
# predictions, tables, the reference and the search. All others are so in `make test-all`; in a
# short run they are opened on the desk, and made as narrow as a phone when they have been seen.
PHONES = ["book/intro.html", "book/five-minutes.html", "book/02-model.html", "book/claims.html"]
PHONES += ["book/api-minima.html", "search.html"]
# Those that axe looks at, in light and in the dark, in every run: one of each thing there is.
# All others are so in `make test-all`.
DARK = ["00-your-data", "07-networks", "10a-splitting", "11e-landscape", "cheat-sheet", "live"]
DARK = [*PHONES, *(f"book/{name}.html" for name in DARK)]
# Parts of the report on one page in one form; each is a list of problems.
CHECKS = [
    "console",
    "formulas",
    "pictures",
    "figures",
    "sideways",
    "touch",
    "head",
    "letters",
    "repeated",
    "axe",
]
SITUATIONS = [
    "from the file system",
    "without JavaScript",
    "less motion",
    "on paper",
    "by keyboard",
    "wide formulas and tables on a phone",
    "contents and search on a phone",
]

# What readers may look for, and the page that has the answer; sections of it must be named.
QUERIES = json.loads(Path(__file__).with_name("queries.json").read_text(encoding="utf-8"))

MAX_BYTES = 2_500_000
# Of all typefaces of the book together; those of MathJax are another matter.
MAX_TYPEFACES = 150_000
# Work of a page until it is complete, in units of a fixed calculation in the same browser: half a
# second of CPU time where this was set, and a clock would say how busy the machine is. The most has
# the chapter of proofs with its 600 formulas: 8 to 10.7.
MAX_WORK = 12

# What a page has that only sends readers on.
SENDS_ON = '<meta http-equiv="refresh"'

# Seconds for each page, after which a script counts as hung. A last resort: the scripts give each
# page less, and report it.
HANGS = 1200


def built_pages():
    """All pages that a reader stays on; templates of the theme start with an underscore."""
    paths = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))
    paths = [path for path in paths if not path.startswith("_")]
    return [path for path in paths if SENDS_ON not in (SITE / path).read_text(encoding="utf-8")]


def browser():
    """Where the browser is: in CHROMIUM, or under one of its usual names.

    The one that has no windows does half of the work.
    """
    usual = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"]
    names = [os.environ.get("CHROMIUM", ""), *usual]
    return next(filter(None, map(shutil.which, names)), None)


def missing_browser():
    """What stands in the way of driving a browser, as a sentence; None if nothing does."""
    if shutil.which("node") is None:
        return "Node is not installed"
    if not (ROOT / "node_modules" / "playwright-core").is_dir():
        return "Playwright is not installed: run `npm ci`"
    if browser() is None:
        return "no browser: install Chromium, or name one in CHROMIUM"
    return None


def require_nothing_missing(reason):
    """Skip the test for the reason, if there is one; under CI, fail it."""
    if reason and os.environ.get("CI"):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


def require_browser_and_site():
    site = None if built_pages() else "the site is not built: run `make book`"
    require_nothing_missing(site or missing_browser())


def drive(script, *arguments, told=None, pages=1):
    """What a script that drives the browser reports; `told` is what it reads."""
    run = subprocess.run(
        ["node", script, *arguments],
        input=None if told is None else json.dumps(told).encode(),
        env={**os.environ, "CHROMIUM": browser()},
        stdout=subprocess.PIPE,
        timeout=HANGS * pages,
        check=True,
    )
    return json.loads(run.stdout)


def is_long(page, form):
    """Whether this form is looked at in long runs only."""
    return page not in {"dark-1280": DARK, "dark-390": PHONES}.get(form, [page])


# The site may not be built when tests are collected: then one test of each kind says so.
PAGES_IN_FORMS = [
    pytest.param(page, form, marks=[pytest.mark.slow] if is_long(page, form) else [])
    for page in built_pages() or ["the site"]
    for form in FORMS
]


@pytest.fixture(scope="session")
def report(request):
    require_browser_and_site()
    pages = built_pages()
    chosen = {
        tuple(item.callspec.params.values())
        for item in request.session.items
        if item.path == Path(__file__) and item.originalname == "test_page"
    }
    phones = [page for page in pages if page in PHONES or (page, "dark-390") in chosen]
    dark = [page for page in pages if page in DARK or (page, "dark-1280") in chosen]
    told = {"pages": pages, "phones": phones, "dark": dark, "queries": list(QUERIES)}
    return drive(SCRIPT, SITE, told=told, pages=len(pages)) | {"dark": dark}


@pytest.mark.parametrize(("page", "form"), PAGES_IN_FORMS)
def test_page(report, page, form):
    (visit,) = [seen for seen in report["visits"] if (seen["page"], seen["form"]) == (page, form)]
    # Of a page that could not be looked at, the console says why. A theme changes colours alone.
    opened = form == "light-1280" or (form == "light-390" and page in PHONES)
    if opened and not visit["console"]:
        assert visit.keys() >= {*CHECKS} - ({"axe"} if page not in report["dark"] else set())
    problems = {check: visit[check] for check in CHECKS if visit.get(check)}
    assert not problems, json.dumps(problems, indent=1, ensure_ascii=False)


@pytest.mark.parametrize("page", built_pages() or ["the site"])
def test_first_visit_is_light_and_quick(report, page, record_first_visit):
    (cost,) = [cost for cost in report["costs"] if cost["page"] == page]
    assert cost["problems"] == []
    record_first_visit(page, cost["bytes"], cost["work"])
    assert cost["bytes"] < MAX_BYTES
    assert cost["work"] < MAX_WORK


def test_typefaces_are_light_and_come_with_their_license():
    require_browser_and_site()
    folder = SITE / "_static" / "fonts"
    assert 0 < sum(path.stat().st_size for path in folder.glob("*.woff2")) < MAX_TYPEFACES
    for name in ("source-sans", "source-code-pro"):
        text = (folder / f"{name}-LICENSE.txt").read_text(encoding="utf-8")
        assert "SIL OPEN FONT LICENSE" in text


@pytest.mark.parametrize("situation", SITUATIONS)
def test_situation(report, situation):
    (seen,) = [seen for seen in report["situations"] if seen["name"] == situation]
    assert not seen["problems"]


def test_every_situation_is_tested(report):
    assert [seen["name"] for seen in report["situations"]] == SITUATIONS


def test_links_and_anchors_lead_somewhere(report):
    assert not report["links"]


def test_the_entrance_leads_to_the_first_page(report):
    address = urlsplit(report["entrance"]["scripts"])
    assert address.path == "/book/intro.html"
    # What the address said goes along.
    assert parse_qs(address.query)["kept"] == ["1"]
    assert address.fragment == "calculator"
    assert urlsplit(report["entrance"]["none"]).path == "/book/intro.html"


@pytest.mark.parametrize("query", QUERIES)
def test_the_search_has_the_page_with_the_answer_in_the_first_three(report, query):
    (seen,) = [seen for seen in report["searches"] if seen["query"] == query]
    assert not seen["errors"]
    assert QUERIES[query] in [page["name"] for page in seen["found"][:3]]


def test_the_search_names_sections(report):
    """Most of them: a word may stand in the introduction of a page alone."""
    named = [page["sections"] for seen in report["searches"] for page in seen["found"][:3]]
    assert sum(map(bool, named)) > 0.75 * len(named)
    (seen,) = [seen for seen in report["searches"] if seen["query"] == "hysteresis"]
    (beyond,) = [page for page in seen["found"] if page["name"] == "11e-landscape.html"]
    assert "hysteresis" in beyond["sections"]


def test_the_search_works_from_the_file_system(report):
    seen = report["searchOfFiles"]
    assert not seen["errors"]
    assert "01-collapse.html" in [page["name"] for page in seen["found"]]


PAGE = """<!DOCTYPE html><html lang="en"><head><title>{name}</title><script>
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => (document.documentElement.dataset.theme = dark.matches ? "dark" : "light");
dark.addEventListener("change", follow); follow();</script></head>
<body><button class="primary-toggle">contents</button><button class="secondary-toggle">page</button>
<p class="article-header-buttons"><button class="search-button">search</button></p>
<article><p>Words.</p>{content}</article></body></html>"""


@pytest.mark.slow
def test_a_page_that_waits_for_ever_fails_alone(tmp_path):
    """It is noticed by what it does, not by how long it takes."""
    require_nothing_missing(missing_browser())
    book = tmp_path / "book"
    book.mkdir()
    (tmp_path / "index.html").write_text(f'{SENDS_ON} content="0; url=book/intro.html">')
    (tmp_path / "search.html").write_text(
        PAGE.format(name="search", content="<ul id='search-results'><li><a>x</a></li></ul>")
    )
    waiting = "<div class='nc-explorable'></div>"
    for name, content in (("intro", ""), ("five-minutes", ""), ("waiting", waiting)):
        (book / f"{name}.html").write_text(PAGE.format(name=name, content=content))
    pages = ["search.html", *(f"book/{name}.html" for name in ("intro", "five-minutes", "waiting"))]
    told = {"pages": pages, "phones": pages, "dark": pages, "queries": []}
    seen = drive(SCRIPT, tmp_path, told=told, pages=4)
    stopped = "the page stopped working before all formulas and explorables were there"
    for visit in [*seen["visits"], *seen["costs"]]:
        found = visit.get("console", visit.get("problems"))
        # Noted once: the same page is then looked at in the dark.
        first = not visit.get("form", "").startswith("dark")
        assert (stopped in found) == (first and visit["page"] == "book/waiting.html")
    assert len(seen["visits"]) == 4 * len(FORMS)
    assert urlsplit(seen["entrance"]["scripts"]).path == "/book/intro.html"
