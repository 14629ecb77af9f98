"""Descriptions for search engines, and previews for links shared elsewhere (Open Graph).

A page's description is its first real paragraph, and says what the book is about. The standard
wants absolute addresses for a page and its picture: they are there, and the pictures are drawn,
only if the environment variable SITE_URL says where the site will be, for example
`SITE_URL=https://example.org/book make book`.

The extension sphinxext-opengraph has TeX in its descriptions and cuts them inside of a word, has no
tags for pages without text, and writes relative addresses where the site's is not known.
"""

import os
import re
import textwrap
from html import escape
from pathlib import Path

import moved_pages
from docutils import nodes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from sphinx.application import Sphinx
from sphinx.config import Config

# What search engines show, about: no description is longer, its ellipsis counted.
LENGTH = 160
# Anything shorter is a subtitle, or leads up to something else.
TOO_SHORT = 60

# Stands for a formula while sentences are told apart.
FORMULA = "\N{OBJECT REPLACEMENT CHARACTER}"

# What every page is about, whatever its own first words.
SUBJECT = "Neural collapse under imbalanced data"
SAID = "imbalanced"

# Where a page's picture goes, and its size, which is what messengers show whole.
PICTURES = "_static/previews"
PIXELS = (1200, 630)
# Samples of the classes that are drawn on it: the counts of the paper's first data set.
BARS = (500, 500, 400, 400, 300, 300, 200, 200, 100, 100)


def site_address(app: Sphinx, config: Config) -> None:
    """Take the site's address from the environment; Sphinx makes canonical links from it."""
    address = os.environ.get("SITE_URL", "").strip()
    if address:
        config.html_baseurl = address.rstrip("/") + "/"


def shorten(text: str) -> str:
    """Keep as many whole sentences as fit; of a first one that is too long, as many words."""
    text = " ".join(text.split())
    kept = ""
    for sentence in re.split(r"(?<=[.?!]) ", text):
        longer = f"{kept} {sentence}".strip()
        if len(longer) > LENGTH:
            break
        kept = longer
    # A word may end just before the room for the ellipsis; one too long for any room is cut.
    words = text[:LENGTH].rpartition(" ")[0] or text[: LENGTH - 1]
    return kept or words.rstrip(",;:") + "…"


def without_formulas(paragraph: nodes.paragraph) -> str:
    """Return the sentences that hold no TeX, which nobody can read in a list of links."""
    marked = paragraph.deepcopy()
    for formula in list(marked.findall(nodes.math)):
        formula.replace_self(nodes.Text(FORMULA))
    sentences = re.split(r"(?<=[.?!])\s+", marked.astext())
    return " ".join(sentence for sentence in sentences if FORMULA not in sentence)


def describe(doctree: nodes.document) -> str:
    """Return what the first paragraph of prose says, or nothing if there is none."""
    for paragraph in doctree.findall(nodes.paragraph):
        text = without_formulas(paragraph).removeprefix("The question. ")
        if isinstance(paragraph.parent, nodes.section) and len(text) >= TOO_SHORT:
            return shorten(text)
    return ""


def subject_named(text: str) -> str:
    """Return a description that says what the book is about, by its own words or before them."""
    return text if SAID in text.lower() else shorten(f"{SUBJECT}: {text}")


def draw(title: str, path: Path) -> None:
    """Draw the picture of a page: its title, what the book is about, and classes of many sizes."""
    width, height = PIXELS
    figure = Figure(figsize=(width / 100, height / 100), dpi=100, facecolor="white")
    figure.text(0.06, 0.86, SUBJECT, fontsize=26, color="#56606b", va="center")
    # Two parts of a title begin lines of their own.
    lines = [line for part in title.split(" · ") for line in textwrap.wrap(part, 31)]
    figure.text(
        0.06, 0.57, "\n".join(lines), fontsize=42, weight="bold", color="#14181e", va="center"
    )
    for place, count in enumerate(BARS):
        left, tall = 0.06 + 0.089 * place, 0.24 * count / max(BARS)
        figure.add_artist(Rectangle((left, 0.06), 0.075, tall, color="#0072b2"))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})


def tags(app: Sphinx, pagename: str, doctree: nodes.document | None) -> str:
    """Return the tags of one page; `doctree` is its text, if it has any of its own.

    Where the site's address is known the picture of the page is drawn, too.
    """
    book = app.config.html_title
    about = (describe(doctree) if doctree is not None else "") or shorten(app.config.description)
    about = subject_named(about)
    title = app.env.titles[pagename].astext() if doctree is not None else book
    properties = {
        "og:type": "article" if doctree is not None else "website",
        "og:site_name": book,
        "og:title": title,
        "og:description": about,
        "og:locale": "en",
    }
    names = {"description": about}
    if keywords := app.env.metadata[pagename].get("keywords"):
        names["keywords"] = keywords
    base = app.config.html_baseurl
    if base:
        picture = f"{PICTURES}/{pagename.replace('/', '-')}.png"
        draw(title, Path(app.outdir) / picture)
        properties |= {
            "og:url": base + app.builder.get_target_uri(pagename),
            "og:image": base + picture,
            "og:image:width": str(PIXELS[0]),
            "og:image:height": str(PIXELS[1]),
            "og:image:alt": f"{SUBJECT}: {title}",
        }
        names["twitter:card"] = "summary_large_image"
    return "\n".join(
        f'<meta {kind}="{name}" content="{escape(value)}" />'
        for kind, all_of_it in (("name", names), ("property", properties))
        for name, value in all_of_it.items()
    )


def add_tags(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, object],
    doctree: nodes.document | None,
) -> None:
    """Put the tags into the head of one page."""
    context["metatags"] = f"{context.get('metatags', '')}\n{tags(app, pagename, doctree)}"


def write_entrance(app: Sphinx, exception: Exception | None) -> None:
    """Write index.html, which sends readers on to the first page.

    The one that would be written otherwise is a bare redirect: nothing to show for a link to the
    site, and nothing to follow where redirects are off.
    """
    if exception or app.builder.format != "html":
        return
    first = app.config.root_doc
    target = app.builder.get_target_uri(first)
    path = Path(app.outdir) / "index.html"
    moved_pages.write(path, app.config.html_title, target, tags(app, first, None))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_config_value("description", "", "html", [str])
    app.connect("config-inited", site_address)
    app.connect("html-page-context", add_tags)
    # Before the bare redirect, which is only written where there is no index.html.
    app.connect("build-finished", write_entrance, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
