"""The book as one PDF, to read and with everything, printed from the site.

`make test-all` runs it.
"""

import importlib.util
import json
import os
import re
import subprocess
from types import SimpleNamespace

import pytest
from test_site import ROOT, SITE, browser, require_browser_and_site, require_nothing_missing

from tools import contents

pytestmark = pytest.mark.slow

SCRIPT = ROOT / "tools" / "print_book.mjs"
EDITIONS = {"to read": (), "all": ("all",)}


@pytest.fixture(scope="module", params=EDITIONS)
def printed(request, tmp_path_factory):
    """What the tool says, its PDF, and how large that is."""
    require_browser_and_site()
    if importlib.util.find_spec("pypdf") is None:
        require_nothing_missing("pypdf is not installed: make test-all does that")
    import pypdf

    pdf = tmp_path_factory.mktemp("print") / "book.pdf"
    run = subprocess.run(
        ["node", SCRIPT, SITE, pdf, *EDITIONS[request.param]],
        env={**os.environ, "CHROMIUM": browser()},
        stdout=subprocess.PIPE,
        check=False,
    )
    return SimpleNamespace(
        said=json.loads(run.stdout),
        reader=pypdf.PdfReader(pdf),
        size=pdf.stat().st_size,
        all=request.param == "all",
    )


def words(text):
    """Text without spaces and ligatures: a PDF has its own idea of both."""
    return re.sub(r"\W", "", text.replace("ﬁ", "fi").replace("ﬂ", "fl"))


def test_nothing_is_clipped_or_missing_and_every_number_is_right(printed):
    said = printed.said
    assert said["problems"] == []
    assert said["wide"] == []


def test_every_page_of_the_book_is_in_it_in_order(printed):
    """But for those to look something up in, where it is there to be read."""
    said, reader = printed.said, printed.reader
    wanted = [
        page
        for page in contents.pages()
        if printed.all or not re.match(r"book/(api|claims|accessibility|teaching)\b", page)
    ]
    assert said["chapters"] == [f"{page}.html" for page in wanted]
    assert said["sheets"] == len(reader.pages)


def test_the_book_to_read_is_one_that_somebody_prints_and_sends(printed):
    if printed.all:
        assert len(printed.reader.pages) > 250
    else:
        assert 150 <= len(printed.reader.pages) <= 220
        assert printed.size < 15_000_000


def test_every_heading_stands_on_the_page_that_the_contents_name(printed):
    said, reader = printed.said, printed.reader
    texts = [words(page.extract_text()) for page in reader.pages]
    for entry in said["entries"]:
        assert words(entry["title"]) in texts[entry["page"] - 1], entry


def test_the_entry_that_cites_a_page_is_not_printed(printed):
    reader = printed.reader
    for page in reader.pages:
        assert words("Cite this page") not in words(page.extract_text())


def test_every_page_but_the_title_has_its_number(printed):
    """In the PDF the margins of a page come before its text."""
    reader = printed.reader
    title, *others = (page.extract_text() for page in reader.pages)
    assert not re.search(r"\d", title)
    for number, text in enumerate(others, 2):
        assert str(number) in text.splitlines()[:2], number


def test_links_lead_to_pages_of_the_pdf_or_to_the_web(printed):
    reader = printed.reader
    inside = 0
    for page in reader.pages:
        for note in page.get("/Annots", []):
            link = note.get_object()
            if "/Dest" in link:
                assert link["/Dest"] in reader.named_destinations
                inside += 1
            else:
                assert re.match(r"(https?|mailto):", link["/A"]["/URI"]), link
    assert inside > 300


def test_a_reader_can_jump_from_the_outline(printed):
    said, reader = printed.said, printed.reader
    titles = [words(item.title) for item in reader.outline if not isinstance(item, list)]
    chapters = [words(entry["title"]) for entry in said["entries"] if entry["level"] == 1]
    assert titles == ["Contents", *chapters]


# What of a sheet is below its text, and what a heading takes with a line below it, in points.
FOOT = 16 / 25.4 * 72
ROOM = 30


def headings(outline):
    """Those of an outline with all that is below them."""
    for item in outline:
        if isinstance(item, list):
            yield from headings(item)
        else:
            yield item


def test_no_heading_stands_alone_at_the_foot_of_a_page(printed):
    found = list(headings(printed.reader.outline))
    assert len(found) > 200
    assert [item.title for item in found if item.top < FOOT + ROOM] == []
