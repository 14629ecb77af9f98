"""Set the drawings of the notebooks into the pages: numbered, captioned, in two forms.

A notebook stores a figure as one SVG with a wide and a narrow form (`nclib/views/drawing.py`). An
image element would see neither the theme of the page nor its letters, so both are written into the
page, and the style sheet shows the one that fits. The alt text and the caption, which says what the
figure shows, are metadata of the cell: `{"mystnb": {"image": {"alt": "..."}, "figure": {"caption":
"..."}}}`. The number counts the figures of a page, after the number of its chapter. `figures.js`
enlarges a figure; without it nothing is missing.
"""

import re
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree as ET

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

LOGGER = logging.getLogger(__name__)

SVG = "{http://www.w3.org/2000/svg}"
KIND = "image/svg+xml"


class DrawnFigure(nodes.General, nodes.Element):
    """A figure with its caption. `forms` is its SVG, `number` what it is called."""


def number(docname: str, count: int) -> str:
    """Return the number of a figure: of its chapter, where that has one, and on its page."""
    chapter = re.match(r"0*(\d+[a-z]?)-", PurePosixPath(docname).name)
    return f"{chapter[1]}.{count}" if chapter else str(count)


def forms(drawing: str, name: str, alt: str) -> str:
    """Take the forms out of a drawing, as elements of a page.

    Parameters
    ----------
    drawing : str
        What a notebook stores.
    name : str
        What the identifiers begin with, in this figure alone.
    alt : str
        What is seen.
    """
    ET.register_namespace("", SVG[1:-1])
    found = []
    for form in ET.fromstring(drawing).findall(f"{SVG}svg"):
        form.attrib.pop("display", None)
        form.set("role", "img")
        form.set("aria-label", alt)
        for element in form.iter():
            for key, value in element.attrib.items():
                if key == "id":
                    element.set(key, f"{name}-{value}")
                elif key == "href" and value.startswith("#"):
                    element.set(key, f"#{name}-{value[1:]}")
                elif "url(#" in value:
                    element.set(key, value.replace("url(#", f"url(#{name}-"))
        found.append(ET.tostring(form, encoding="unicode"))
    return "".join(found)


def is_drawing(node: nodes.Node) -> bool:
    """Whether a node is one of the ways to show an output, and is a drawing."""
    return isinstance(node, nodes.container) and node.get("mime_type") == KIND


def set_figures(app: Sphinx, doctree: nodes.document) -> None:
    """Put a figure in the place of each drawing, before Sphinx collects its pictures."""
    docname = app.env.docname
    stem = PurePosixPath(docname).name
    for count, drawing in enumerate(list(doctree.findall(is_drawing)), start=1):
        image = drawing.next_node(nodes.image)
        place, captions = drawing.parent, []
        if isinstance(place.parent, nodes.figure):
            place = place.parent
            captions = [child for child in place.children if isinstance(child, nodes.caption)]
        alt = image.get("alt", "")
        if not alt:
            LOGGER.warning("figure %s has no alt text", count, location=drawing)
        name = f"figure-{stem}-{count}"
        path = Path(app.srcdir, image["uri"].lstrip("/"))
        figure = DrawnFigure(
            number=number(docname, count),
            forms=forms(path.read_text(encoding="utf-8"), name, alt),
            ids=[name],
        )
        figure += captions
        place.replace_self(figure)
    # The caption of a cell is for its drawing; what else the cell shows has none.
    for other in list(doctree.findall(nodes.figure)):
        if any(isinstance(part, nodes.container) for part in other.children):
            other.replace_self([p for p in other.children if not isinstance(p, nodes.caption)])


def visit(self: HTML5Translator, node: DrawnFigure) -> None:
    """Begin a figure: its two forms."""
    self.body.append(f'<figure class="nc-figure" id="{node["ids"][0]}">\n')
    self.body.append(f'<div class="nc-drawing">{node["forms"]}</div>\n<figcaption>')
    self.body.append(f'<p><span class="caption-number">Figure {node["number"]}</span> ')


def depart(self: HTML5Translator, node: DrawnFigure) -> None:
    """End it."""
    self.body.append("</p></figcaption>\n</figure>\n")


def visit_caption(self: HTML5Translator, node: nodes.caption) -> None:
    """Begin a caption: that of a figure stands behind its number."""
    if isinstance(node.parent, DrawnFigure):
        self.body.append('<span class="caption-text">')
    else:
        HTML5Translator.visit_caption(self, node)


def depart_caption(self: HTML5Translator, node: nodes.caption) -> None:
    """End it."""
    if isinstance(node.parent, DrawnFigure):
        self.body.append("</span>")
    else:
        HTML5Translator.depart_caption(self, node)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_node(DrawnFigure, html=(visit, depart))
    app.add_node(nodes.caption, override=True, html=(visit_caption, depart_caption))
    app.connect("doctree-read", set_figures, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
