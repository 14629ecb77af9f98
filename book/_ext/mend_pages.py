"""Mend what the theme and the extensions write into a page.

Each entry is one defect that a browser, an HTML validator or axe-core reports, found by the text
that causes it. `tests/browser` fails when an upstream change brings one back, and an entry that no
longer finds anything does nothing.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx

MENDS = [
    # The same id on every exercise, solution and theorem, and each theorem's own id twice.
    (r' id="(?:exercise|solution|proof)-content"', ""),
    (r'(<div class="proof admonition") id="proof"', r"\1"),
    (r'(<p class="admonition-title") id="[^"]+"(><span class="caption-number">)', r"\1\2"),
    # A list whose children are no list items; the role they have is deprecated.
    (r'role="doc-biblioentry"', 'role="listitem"'),
    # A label that hides the visible words from speech input.
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),
    (r'(search-button-field [^>]*title="Search") aria-label="Search"', r"\1"),
    (r'(<i class="theme-switch [^>]*data-mode="\w+")\s+title="[^"]+"', r"\1"),
    # An empty header cell in the corner of a table.
    (r'<th class="head"><p></p></th>', "<td></td>"),
    # The sidebar is part of no landmark.
    (r'(<div id="pst-primary-sidebar")( class)', r'\1 role="navigation" aria-label="Book"\2'),
    # Three times the same viewport: from Sphinx, docutils and the theme.
    (r'<meta name="viewport" content="width=device-width, initial-scale=1" ?/>', ""),
    # Without JavaScript these buttons do nothing either.
    (r"(\.pst-js-only)( \{ display: none !important; \})", r"\1, .bd-header-article button\2"),
    # "X - X: a companion", on the first page.
    (r"<title>(.+?) &#8212; (\1.*?)</title>", r"<title>\2</title>"),
]


def mend(text: str) -> str:
    """Return the text of a page with every entry of the list applied."""
    for pattern, replacement in MENDS:
        text = re.sub(pattern, replacement, text)
    return text


def mend_all(app: Sphinx, exception: Exception | None) -> None:
    """Mend the pages on disk: Sphinx hands out no page after its template is filled in."""
    if exception or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        before = path.read_text(encoding="utf-8")
        after = mend(before)
        if after != before:
            path.write_text(after, encoding="utf-8", newline="\n")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect("build-finished", mend_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
