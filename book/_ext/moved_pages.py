"""Pages that send readers on: whatever had another address once, and the entrance of the site.

`moved_pages` of the configuration maps an old page to where its content is now, without endings:

    moved_pages:
      book/09-proofs: book/10-proofs
      book/12-beyond: book/beyond/width

What an address says behind the page, such as the counts of the calculator or a section, goes along,
unless scripts are off. For where all redirects are off there is a link.
"""

from html import escape
from pathlib import Path

from sphinx.application import Sphinx
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
    app.connect("build-finished", write_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
