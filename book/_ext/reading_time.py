"""How long a page takes to read, under its title.

Counted is what stands open: prose, formulas and pictures, but no code, and nothing that a reader
has to open. The first page has none, and neither have those that `untimed_pages` of the
configuration names: nobody reads them from top to bottom.
"""

import math

from docutils import nodes
from figures import DrawnFigure
from sphinx.application import Sphinx

# Adults read 238 words of plain English a minute (Brysbaert 2019, Journal of Memory and Language
# 109). This is none: every page has symbols to think about.
WORDS_A_MINUTE = 200
# For a formula on a line of its own, and for a picture.
SECONDS_TO_LOOK = 15

PASSED_OVER = (nodes.literal_block, nodes.raw, nodes.comment, nodes.title, nodes.target)
# Classes of what is closed, or covered, at first.
CLOSED = frozenset({"dropdown", "erratum", "nc-predicted"})
LOOKED_AT = (nodes.math_block, nodes.image, DrawnFigure)


def stands_open(node: nodes.Node) -> bool:
    """Whether a reader sees a node without opening anything, and reads it."""
    classes = node.get("classes", ()) if isinstance(node, nodes.Element) else ()
    element = node.get("nb_element", "") if isinstance(node, nodes.Element) else ""
    return not (
        isinstance(node, PASSED_OVER)
        or not CLOSED.isdisjoint(classes)
        or element in ("cell_code_source", "cell_code_output")
    )


def count(node: nodes.Node) -> tuple[int, int]:
    """Return how many words a part of a page has, and how many things to look at."""
    if isinstance(node, LOOKED_AT):
        return 0, 1
    if isinstance(node, nodes.math):
        return 1, 0
    if isinstance(node, nodes.Text):
        return len(node.split()), 0
    words = looks = 0
    for child in node.children:
        if isinstance(child, nodes.container) and child.get("nb_element") == "cell_code_output":
            looks += any(isinstance(part, LOOKED_AT) for part in child.findall())
        elif stands_open(child):
            more_words, more_looks = count(child)
            words, looks = words + more_words, looks + more_looks
    return words, looks


def minutes(doctree: nodes.document) -> int:
    """Return how many minutes a page takes, at least one."""
    words, looks = count(doctree)
    return max(1, math.ceil(words / WORDS_A_MINUTE + looks * SECONDS_TO_LOOK / 60))


def note(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write the time under the title."""
    untimed = {app.config.root_doc, *app.config.untimed_pages}
    if app.builder.format != "html" or docname in untimed:
        return
    title = doctree.next_node(nodes.title)
    if title is None:
        return
    time = minutes(doctree)
    said = nodes.paragraph("", f"{time} minute{'s' * (time > 1)} to read")
    said["classes"].append("nc-reading-time")
    title.parent.insert(title.parent.index(title) + 1, said)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_config_value("untimed_pages", [], "html", [list])
    app.connect("doctree-resolved", note)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
