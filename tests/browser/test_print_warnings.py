"""What printing the book says of its outcome, tried on books of one page.

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
<script>window.MathJax = {{ startup: {{ promise: Promise.resolve() }} }};</script></head>
<body><nav class="bd-links"><a class="internal" href="#">Only</a></nav>
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

    def run(content):
        # A space, as folders of real people have.
        site = tmp_path / "a site"
        (site / "book").mkdir(parents=True)
        (site / "index.html").write_text(ENTRANCE)
        (site / "only.css").write_text(".box { overflow: hidden; } .long { white-space: nowrap; }")
        (site / "book" / "only.html").write_text(PAGE.format(content=content))
        pdf = tmp_path / "the book.pdf"
        done = subprocess.run(
            ["node", SCRIPT, site, pdf],
            env={**os.environ, "CHROMIUM": browser()},
            capture_output=True,
            text=True,
            check=False,
        )
        return done, pdf

    return run


@pytest.mark.parametrize("content", [FITS, FITS + UNSEEN], ids=["fits", "unseen"])
def test_a_book_that_fits_is_printed_without_a_word(print_book, content):
    done, pdf = print_book(content)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["wide"] == []
    assert pdf.read_bytes().startswith(b"%PDF")


def test_what_is_too_wide_is_named_and_the_book_is_printed(print_book):
    done, pdf = print_book(FITS + WIDE + FITS)
    assert done.returncode == 0
    (warning,) = done.stderr.splitlines()
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
    assert done.stderr == "error: no such place: only--nowhere\n"
    assert json.loads(done.stdout)["problems"] == ["no such place: only--nowhere"]
