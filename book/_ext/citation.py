"""How to cite a page: tags for Zotero and Google Scholar, and a BibTeX entry to copy.

A page is cited like a chapter of a book, under its own title, since what somebody refers to is a
theorem or a number that stands there. So the entry stands at the foot of each page, folded, where
whoever has read the page needs it; the first page has the entry of the whole book. The address is
part of both where the site's is known (`SITE_URL`, see link_preview.py).
"""

from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

import nclib

# What means something else to TeX.
SPECIAL = str.maketrans({character: f"\\{character}" for character in "&%$#_"})


def address(app: Sphinx, pagename: str) -> str:
    """Return where a page will be, or "" where nobody has said."""
    base: str = app.config.html_baseurl
    return base + app.builder.get_target_uri(pagename) if base else ""


def tags(app: Sphinx, pagename: str) -> str:
    """Return the tags that programs read which collect references."""
    book = app.config.html_title
    first = pagename == app.config.root_doc
    names = {
        "citation_title": book if first else app.env.titles[pagename].astext(),
        "citation_inbook_title": "" if first else book,
        "citation_author": app.config.author,
        "citation_publication_date": app.config.copyright,
        "citation_language": "en",
        "citation_public_url": address(app, pagename),
    }
    return "\n".join(
        f'<meta name="{name}" content="{escape(value)}" />'
        for name, value in names.items()
        if value
    )


def bibtex(app: Sphinx, pagename: str) -> str:
    """Return the entry of a page as a chapter of the book; of the first page, that of the book."""
    book = app.config.html_title
    first = pagename == app.config.root_doc
    fields = {
        "author": app.config.author,
        "title": book if first else app.env.titles[pagename].astext(),
        "booktitle": "" if first else book,
        "year": app.config.copyright,
        "note": f"Version {nclib.__version__}",
        "url": address(app, pagename),
    }
    # An inner pair of braces keeps capitals, and the authors' name in one piece.
    lines = [
        f"  {name:9} = {{{value}}}"
        if name in ("year", "url")
        else f"  {name:9} = {{{{{value.translate(SPECIAL)}}}}}"
        for name, value in fields.items()
        if value
    ]
    kind, key = ("book", "nclib") if first else ("incollection", f"nclib-{pagename.split('/')[-1]}")
    return "\n".join([f"@{kind}{{{key},", ",\n".join(lines), "}"])


def add(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Put the tags into the head of a page that has a text, and the entry at its foot."""
    if doctree is None:
        return
    context["metatags"] = f"{context.get('metatags', '')}\n{tags(app, pagename)}"
    what = "the book" if pagename == app.config.root_doc else "this page"
    context["body"] += (
        f'<details class="nc-cite">\n<summary>Cite {what}</summary>\n<div class="highlight">'
        f"<pre>{escape(bibtex(app, pagename), quote=False)}</pre></div>\n</details>\n"
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect("html-page-context", add)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
