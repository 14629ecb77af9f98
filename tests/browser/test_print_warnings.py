"""What printing the book leaves out, and what it says of its outcome, tried on small books.

What the fonts of a machine make too wide is a warning, and the PDF is there; what is missing is an
error. Either is named.
"""

import json
import os
import subprocess

import pytest
from test_site import ROOT, browser, missing_browser, require_nothing_missing

SCRIPT = ROOT / "tools" / "print_book.mjs"

ENTRANCE = """<!DOCTYPE html><html><head><meta name="description" content="A book of one page.">
<meta http-equiv="refresh" content="0; url=book/only.html"></head></html>"""

PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Book</title>
<style>.box {{ overflow: hidden; }} .long {{ white-space: nowrap; }}</style>
<link rel="stylesheet" href="../only.css">
<script>window.MathJax = {{ startup: {{ promise: Promise.resolve() }},
typesetPromise: async ([article]) => article.classList.add("set") }};</script></head>
<body><nav class="bd-links"><a class="internal" href="only.html">Only</a>{links}</nav>
<article class="bd-article"><section id="only"><h1>Only</h1>{content}</section></article></body>
</html>"""

FITS = "<p class='box'>These words fit.</p>"
WIDE = "<p class='box long'>Too many words " + 200 * "and more " + "</p>"
# As MathJax leaves it for screen readers: laid out, in the fonts of the machine, and never seen.
UNSEEN = (
    "<p class='box'><mjx-container style='position: relative; display: inline-block'>x"
    "<mjx-assistive-mml style='position: absolute; white-space: nowrap; clip: rect(1px, 1px, 1px,"
    " 1px)'>" + 200 * "unseen " + "</mjx-assistive-mml></mjx-container></p>"
)


@pytest.fixture
def print_book(tmp_path):
    """Print a book with the given content; return the process and where the PDF should be."""
    require_nothing_missing(missing_browser())

    def run(content, *options, others=()):
        # A space, as folders of real people have.
        site = tmp_path / "a site"
        (site / "book").mkdir(parents=True)
        (site / "index.html").write_text(ENTRANCE)
        (site / "only.css").write_text(".box { overflow: hidden; } .long { white-space: nowrap; }")
        links = "".join(f"<a class='internal' href='{name}.html'>x</a>" for name in others)
        for name in ("only", *others):
            page = PAGE.format(content=content, links=links)
            (site / "book" / f"{name}.html").write_text(page)
        pdf = tmp_path / "the book.pdf"
        done = subprocess.run(
            ["node", SCRIPT, site, pdf, *options],
            env={**os.environ, "CHROMIUM": browser()},
            capture_output=True,
            text=True,
            check=False,
        )
        return done, pdf

    return run


def complaints(done):
    """What it says on stderr, but for what it is at."""
    return [line for line in done.stderr.splitlines() if line.startswith(("warning:", "error:"))]


@pytest.mark.parametrize("content", [FITS, FITS + UNSEEN], ids=["fits", "unseen"])
def test_a_book_that_fits_is_printed_without_complaint(print_book, content):
    done, pdf = print_book(content)
    assert (done.returncode, complaints(done)) == (0, [])
    assert json.loads(done.stdout)["wide"] == []
    assert pdf.read_bytes().startswith(b"%PDF")


def test_what_is_too_wide_is_named_and_the_book_is_printed(print_book):
    done, pdf = print_book(FITS + WIDE + FITS)
    assert done.returncode == 0
    (warning,) = complaints(done)
    assert warning.startswith(
        "warning: wider than the paper with the fonts of this machine: only: "
    )
    assert "Too many words" in warning
    said = json.loads(done.stdout)
    assert [one in warning for one in said["wide"]] == [True]
    assert said["problems"] == []
    assert pdf.read_bytes().startswith(b"%PDF")


def test_what_is_missing_is_an_error_and_named(print_book):
    """A link of the page to a place that it does not have."""
    done, _ = print_book(FITS + "<p><a href='#nowhere'>there</a></p>")
    assert done.returncode == 1
    assert complaints(done) == ["error: no such place: only--nowhere"]
    assert json.loads(done.stdout)["problems"] == ["no such place: only--nowhere"]


def test_it_says_at_which_page_it_is(print_book):
    done, _ = print_book(FITS, others=["more"])
    at = done.stderr.splitlines()
    assert at[:2] == ["formulas, page 1 of 2: Only", "formulas, page 2 of 2: Only"]
    assert [line.split(",")[0] for line in at[2:]] == ["paper", "paper"]
    assert json.loads(done.stdout)["cpu"] > 0


# What a book to read has not: code, its names, how to have an answer checked, a solution.
CODE = """<p>Before <a href="#x-solution-1">its solution</a>.</p>
<details class="nc-code"><summary>Code</summary><pre>some code</pre></details>
<details class="fold"><summary>A proof</summary><p>By hand.</p></details>
<section id="exercises"><h2>Exercises</h2><p><code>check(name, answer)</code> says so.</p>
<div class="exercise admonition"><p>Why?</p><p><em>To check:</em> call it.</p><p>Or so.</p></div>
<div class="solution admonition" id="x-solution-1"><p>Because.</p></div></section>
<section id="in-the-code"><h2>In the code</h2><p>A table.</p></section>"""
OF_CODE = ["some code", "says so", "To check", "Or so", "Because", "In the code"]
OF_THE_BOOK = ["Before", "its solution", "A proof", "By hand", "Exercises", "Why?"]


@pytest.mark.parametrize("options", [(), ("all",)], ids=["to read", "all"])
def test_a_book_to_read_has_no_code_and_what_belongs_to_it(print_book, tmp_path, options):
    done, _ = print_book(CODE, *options, others=["api", "api-losses", "accessibility", "apis"])
    assert (done.returncode, complaints(done)) == (0, [])
    name = "print-all.html" if options else "print-book.html"
    text = (tmp_path / name).read_text()
    assert all(words in text for words in OF_THE_BOOK)
    assert [words in text for words in OF_CODE] == len(OF_CODE) * [bool(options)]
    said = json.loads(done.stdout)
    pages = ["only", "api", "api-losses", "accessibility", "apis"] if options else ["only", "apis"]
    assert said["chapters"] == [f"book/{page}.html" for page in pages]
    assert ("Solutions" in [entry["title"] for entry in said["entries"]]) == bool(options)
    # Nothing is folded on paper.
    assert "<details" not in text
