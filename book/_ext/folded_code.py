"""Fold the code of every notebook cell: readers open one cell, or all by the switch in the top bar.

The code stands in a `details` element, so that it can be reached without JavaScript. page.js has
the switch, and remembers what a reader has opened. What the code prints as plain text stands in the
same box: tables, figures and what moves are for readers, and printouts for whoever reads the code.
In the solution of an exercise, which is closed by itself, both stand open. The table of names at
the end of a chapter is for whoever reads code, too, and folded below its heading.
"""

import hashlib

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.writers.html5 import HTML5Translator


class FoldedCode(nodes.Element):
    """Holds the code of one cell, and what it prints. A browser remembers it by its `key`."""


class FoldedNames(nodes.Element):
    """Holds the table that says what the code calls the things of a chapter."""


class FoldCode(SphinxPostTransform):
    """Puts the code of each cell, and the table of names, into a box that opens."""

    # MyST-NB does so at 199 for cells that are tagged.
    default_priority = 198
    formats = ("html",)

    def run(self, **options: object) -> None:
        """Wrap each code, whatever the tags of its cell ask for."""
        for cell in list(self.document.findall(is_cell)):
            code = cell.next_node(is_code)
            if code is None:
                continue
            cell.attributes.pop("hide_mode", None)
            # The code itself: it stays the same when cells are moved or another is added.
            key = hashlib.sha256(code.astext().encode()).hexdigest()[:8]
            folded = FoldedCode(key=key, open=in_solution(cell))
            printed = [] if folded["open"] else take_printouts(cell)
            folded["printed"] = bool(printed)
            code.replace_self(folded)
            folded += [code, *printed]
        for section in self.document.findall(is_of_names):
            _, *rest = section.children
            for node in rest:
                section.remove(node)
            section += FoldedNames("", *rest)


def take_printouts(cell: nodes.container) -> list[nodes.container]:
    """Take what a cell prints out of its outputs, and return it in boxes like theirs."""
    taken = []
    for output in [child for child in cell.children if is_output(child)]:
        texts = [child for child in output.children if is_printed(child)]
        if not texts:
            continue
        printed = output.copy()
        for text in texts:
            output.remove(text)
        printed += texts
        taken.append(printed)
        if not output.children:
            cell.remove(output)
    return taken


def is_cell(node: nodes.Node) -> bool:
    """Whether a node is a code cell, with its outputs."""
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def is_code(node: nodes.Node) -> bool:
    """Whether a node is the code of a cell."""
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code_source"


def is_output(node: nodes.Node) -> bool:
    """Whether a node holds the outputs of a cell."""
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code_output"


def is_printed(node: nodes.Node) -> bool:
    """Whether a node is plain text that a cell has printed."""
    return isinstance(node, nodes.literal_block) and "stream" in node["classes"]


def is_of_names(node: nodes.Node) -> bool:
    """Whether a node is the section with the table of names."""
    return isinstance(node, nodes.section) and "in-the-code" in node["ids"]


def in_solution(node: nodes.Node) -> bool:
    """Whether a node belongs to the solution of an exercise."""
    return node.parent is not None and (
        "solution" in node.parent.get("classes", ()) or in_solution(node.parent)
    )


def visit(self: HTML5Translator, node: FoldedCode) -> None:
    """Begin the box."""
    opened = " open" if node["open"] else ""
    self.body.append(f'<details class="nc-code" data-key="{node["key"]}"{opened}>\n')
    label = "Code and printout" if node["printed"] else "Code"
    self.body.append(f"<summary>{label}</summary>\n")


def visit_names(self: HTML5Translator, node: FoldedNames) -> None:
    """Begin the box of names."""
    self.body.append('<details class="nc-names">\n<summary>Names</summary>\n')


def depart(self: HTML5Translator, node: FoldedCode | FoldedNames) -> None:
    """End a box."""
    self.body.append("</details>\n")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_node(FoldedCode, html=(visit, depart))
    app.add_node(FoldedNames, html=(visit_names, depart))
    app.add_post_transform(FoldCode)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
