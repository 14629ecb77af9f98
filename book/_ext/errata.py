"""Errata in their place: a mark at the edge of the text that opens.

A box of the class `erratum` is folded into a mark:

    :::{admonition} Erratum E2: a sign
    :class: warning erratum
    The text after the theorem says ...
    :::

The mark shows what stands before the colon of the title, and all of it once it is open. It is a
`details` element, so that it opens without JavaScript, and by keyboard. The full text of every
erratum stands in the chapter of errata.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.writers.html5 import HTML5Translator


class Erratum(nodes.General, nodes.Element):
    """A box that is folded: a mark, and then what it holds."""


class Mark(nodes.General, nodes.Element):
    """What one sees of a box that is folded."""


class FoldErrata(SphinxPostTransform):
    """Fold the boxes, on the pages alone."""

    default_priority = 400
    formats = ("html",)

    def run(self, **kwargs: object) -> None:
        """Put a mark in place of every box of the class."""
        for box in list(self.document.findall(nodes.admonition)):
            if "erratum" not in box["classes"]:
                continue
            title, *content = box.children
            folded = Erratum("", mark(title), *content, ids=box["ids"])
            box.replace_self(folded)


def mark(title: nodes.Element) -> Mark:
    """Divide a title: what stands before its first colon or comma, and the rest."""
    first, *others = (child.deepcopy() for child in title.children)
    short, sign, rest = re.match(r"([^:,]*)([:,]?)(.*)", first.astext(), re.DOTALL).groups()
    words = nodes.inline("", "", nodes.Text(sign + rest), *others, classes=["nc-erratum-title"])
    return Mark("", nodes.Text(short), words)


def visit_erratum(self: HTML5Translator, node: Erratum) -> None:
    """Begin the box."""
    self.body.append(self.starttag(node, "details", CLASS="nc-erratum"))


def depart_erratum(self: HTML5Translator, node: Erratum) -> None:
    """End it."""
    self.body.append("</details>\n")


def visit_mark(self: HTML5Translator, node: Mark) -> None:
    """Begin the mark."""
    self.body.append("<summary>")


def depart_mark(self: HTML5Translator, node: Mark) -> None:
    """End it."""
    self.body.append("</summary>\n")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_node(Erratum, html=(visit_erratum, depart_erratum))
    app.add_node(Mark, html=(visit_mark, depart_mark))
    app.add_post_transform(FoldErrata)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
