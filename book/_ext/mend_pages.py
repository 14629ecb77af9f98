"""Mend what the theme and the extensions write into a page.

Each entry is one defect that a browser, an HTML validator or axe-core reports, found by the text
that causes it. `tests/browser` fails when an upstream change brings one back, and an entry that
finds nothing in the whole book is a warning: upstream has mended it, or writes it in other words.
"""

import re
from collections import Counter
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)

MENDS = [
    # The same id on every exercise, solution and theorem, and each theorem's own id twice.
    (r' id="(?:exercise|solution|proof)-content"', ""),
    (r'(<div class="proof admonition") id="proof"', r"\1"),
    (r'(<p class="admonition-title") id="[^"]+"(><span class="caption-number">)', r"\1\2"),
    # A list whose children are no list items; the role they have is deprecated.
    (r'role="doc-biblioentry"', 'role="listitem"'),
    # A label that hides the visible words from speech input.
    (r'(search-button-field [^>]*title="Search") aria-label="Search"', r"\1"),
    (r'(<i class="theme-switch [^>]*data-mode="\w+")\s+title="[^"]+"', r"\1"),
    # An empty header cell in the corner of a table.
    (r'<th class="head"><p></p></th>', "<td></td>"),
    # The same of a table that a notebook shows.
    (r'<th scope="col"></th>', "<td></td>"),
    # A browser breaks a number after the minus of its exponent.
    (r'(<t[dh](?: scope="row")?)(>-?[\d.]+e-\d+</t)', r'\1 class="nc-number"\2'),
    # What opens the pages of a chapter in the sidebar has no name.
    (r'<summary>(<span class="toctree-toggle")', r'<summary aria-label="Pages of this chapter">\1'),
    # The sidebar is part of no landmark.
    (r'(<div id="pst-primary-sidebar")( class)', r'\1 role="navigation" aria-label="Book"\2'),
    # Three times the same viewport: from Sphinx, docutils and the theme.
    (r'<meta name="viewport" content="width=device-width, initial-scale=1" ?/>', ""),
    # Without JavaScript these buttons do nothing either.
    (r"(\.pst-js-only)( \{ display: none !important; \})", r"\1, .bd-header-article button\2"),
    # "X - X: a companion", on the first page.
    (r"<title>(.+?) &#8212; (\1.*?)</title>", r"<title>\2</title>"),
]


def mend(text: str) -> tuple[str, Counter[str]]:
    """Return a page with every entry applied, and how often each one that was found was found."""
    found: Counter[str] = Counter()
    for pattern, replacement in MENDS:
        text, times = re.subn(pattern, replacement, text)
        if times:
            found[pattern] += times
    return text, found


def note_page(app: Sphinx, pagename: str, *more: object) -> None:
    """Note a page that is written in this run; what stands there from another is mended already."""
    app.written_pages.append(pagename)


def start(app: Sphinx) -> None:
    """Begin with no page."""
    app.written_pages = []


def mend_all(app: Sphinx, exception: Exception | None) -> None:
    """Mend the pages on disk: Sphinx hands out no page after its template is filled in."""
    if exception or app.builder.format != "html":
        return
    found: Counter[str] = Counter()
    for name in app.written_pages:
        path = Path(app.builder.get_outfilename(name))
        before = path.read_text(encoding="utf-8")
        after, here = mend(before)
        found += here
        if after != before:
            path.write_text(after, encoding="utf-8", newline="\n")
    # A defect may stand in one page alone: without all of them there is nothing to conclude.
    if app.env.all_docs.keys() <= set(app.written_pages):
        for pattern, _ in MENDS:
            if not found[pattern]:
                LOGGER.warning("no page has what mend_pages looks for: %s", pattern)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension. Processes that write side by side could not count together."""
    app.connect("builder-inited", start)
    app.connect("html-page-context", note_page)
    app.connect("build-finished", mend_all)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
