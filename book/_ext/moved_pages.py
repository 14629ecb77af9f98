"""Pages that send readers on: whatever had another address once, and the entrance of the site.

`moved_pages` of the configuration maps an old page to where its content is now, without endings:

    moved_pages:
      book/09-proofs: book/10-proofs
      book/12-beyond: book/beyond/width

What an address says behind the page, such as the counts of the calculator or a section, goes along,
unless scripts are off. For where all redirects are off there is a link.

`split_pages` maps a page that is still there to those that its sections have gone to:

    split_pages:
      book/09-proofs: [book/09a-splitting, book/09b-modes]

Whoever comes with the address of a section, or of anything else that has one, is sent to the page
that it is on now. Without scripts readers stay on the page, which has links to the others.
"""

import json
import re
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ConfigError
from sphinx.util.osutil import relative_uri

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8" />
<title>{title}</title>
<noscript><meta http-equiv="refresh" content="0; url={target}" /></noscript>
{head}
</head>
<body><p><a href="{target}">{title}</a></p>
<script>location.replace(document.links[0].href + location.search + location.hash);</script>
</body>
</html>
"""

# Stands in the head of a page whose sections are elsewhere, so that it acts before all is shown.
SECTIONS = """<script>
(() => {{
  const pages = {pages};
  const go = () => {{
    const id = decodeURIComponent(location.hash.slice(1));
    const found = Object.keys(pages).find((page) => pages[page].includes(id));
    if (found) location.replace(found + location.search + location.hash);
  }};
  go();
  addEventListener("hashchange", go);
}})();
</script>
"""


def write(path: Path, title: str, target: str, head: str) -> None:
    """Write a page that sends readers to `target`, an address relative to it.

    Title and address are text; what else goes into the head is HTML.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    page = PAGE.format(title=escape(title), target=escape(target), head=head)
    path.write_text(page, encoding="utf-8", newline="\n")


def check(app: Sphinx) -> None:
    """Refuse an old page that still is one, and a new one that is none."""
    pages = app.env.all_docs
    for old, new in app.config.moved_pages.items():
        if old in pages:
            raise ConfigError(f"moved_pages: {old} is a page of the book")
        if new not in pages:
            raise ConfigError(f"moved_pages: {old} leads to {new}, which is no page of the book")


def anchors(app: Sphinx, page: str) -> set[str]:
    """Return what an address can end in on a page, less what Sphinx has counted through."""
    elements = app.env.get_doctree(page).findall(nodes.Element)
    found = {anchor for element in elements for anchor in element.get("ids", [])}
    return {anchor for anchor in found if not re.fullmatch(r"id\d+", anchor)}


def send_on(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Give a page that was split what sends readers on to where its sections are."""
    if pagename not in app.config.split_pages:
        return
    here = anchors(app, pagename)
    pages = {}
    for page in app.config.split_pages[pagename]:
        there = anchors(app, page) - here
        pages[context["pathto"](page)] = sorted(there)
        here |= there
    # A script ends at the first "</", also within a string.
    listed = json.dumps(pages, separators=(",", ":")).replace("</", r"<\/")
    context["metatags"] = context.get("metatags", "") + SECTIONS.format(pages=listed)


def split(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Have the pages that were split written again: another page may have changed its sections."""
    pages = env.all_docs
    for old, new in app.config.split_pages.items():
        for page in (old, *new):
            if page not in pages:
                raise ConfigError(f"split_pages: {page} is no page of the book")
    return list(app.config.split_pages)


def write_all(app: Sphinx, exception: Exception | None) -> None:
    """Write a page at every old address."""
    if exception or app.builder.format != "html":
        return
    check(app)
    for old, new in app.config.moved_pages.items():
        source, target = (app.builder.get_target_uri(name) for name in (old, new))
        title = app.env.titles[new].astext()
        path = Path(app.builder.get_outfilename(old))
        write(path, title, relative_uri(source, target), '<meta name="robots" content="noindex" />')


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_config_value("moved_pages", {}, "html", [dict])
    app.add_config_value("split_pages", {}, "html", [dict])
    app.connect("env-updated", split)
    app.connect("html-page-context", send_on)
    app.connect("build-finished", write_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
