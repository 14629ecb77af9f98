"""A line to type an answer into, behind each check in an exercise whose answer is numbers.

In its place a page has what `nclib.teaching.typed` makes of the check; `answers.js` makes the line,
so that without JavaScript there is none.
"""

import json
import re

from docutils import nodes
from sphinx.application import Sphinx

from nclib.teaching import EXERCISES
from nclib.teaching.typed import locked

CHECK = re.compile(r'check\("([^"]+)", answer\)')


def html(name: str) -> str:
    """Write what a page needs to judge an answer; nothing where it could not."""
    part = locked(EXERCISES[name]) if name in EXERCISES else None
    if part is None:
        return ""
    told = json.dumps(part, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return f'<div class="nc-answer"><script type="application/json">{told}</script></div>'


def place(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the lines into a page."""
    if app.builder.format != "html":
        return
    for literal in list(doctree.findall(nodes.literal)):
        check = CHECK.fullmatch(literal.astext())
        text = html(check[1]) if check else ""
        if text:
            paragraph = literal.parent
            behind = paragraph.parent.index(paragraph) + 1
            paragraph.parent.insert(behind, nodes.raw("", text, format="html"))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect("doctree-resolved", place)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
