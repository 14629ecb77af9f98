"""A question to guess at before looking.

:::{predict}
:covers: the next output

The question.

- **One choice**: what it means to have chosen it.
- **Another**: the same for this one.

The answer.
:::

makes two boxes of it, the question with the choices, and the answer with what each choice means.
Without JavaScript and on paper both stand open. `predict.js` makes buttons of the choices, and
covers the answer, and the outputs that `covers` names, for as long as the reader wants to guess.
What a chapter finds is said again outside of it, where nothing covers it.
"""

import hashlib
import re

from docutils import nodes
from docutils.parsers.rst.directives import unchanged_required
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

LOGGER = logging.getLogger(__name__)

NUMBERS = {"output": 1, "two outputs": 2, "three outputs": 3}
COVERS = re.compile(rf"the next ({'|'.join(NUMBERS)})")
FEWEST, MOST = 2, 4


def outputs(argument: str) -> int:
    """Return how many outputs an option covers.

    Raises
    ------
    ValueError
        If it is not one of the three that there are.
    """
    found = COVERS.fullmatch(" ".join(unchanged_required(argument).split()))
    if found is None:
        allowed = ", ".join(f"'the next {number}'" for number in NUMBERS)
        raise ValueError(f"got '{argument}', but it is one of {allowed}")
    return NUMBERS[found[1]]


class Predict(SphinxDirective):
    """Makes the two boxes."""

    has_content = True
    option_spec = {"covers": outputs}  # noqa: RUF012  (docutils has it so)

    def run(self) -> list[nodes.Node]:
        """Divide what stands in it at its list."""
        parts = self.parse_content_to_nodes()
        lists = [at for at, part in enumerate(parts) if isinstance(part, nodes.bullet_list)]
        if not lists:
            raise self.error("predict: there is no list of choices")
        at = lists[0]
        question, meanings, answer = parts[:at], parts[at], parts[at + 1 :]
        if not question:
            raise self.error("predict: there is no question before the list")
        if not answer:
            raise self.error("predict: there is no answer after the list")
        if not FEWEST <= len(meanings.children) <= MOST:
            raise self.error(
                f"predict: there must be {FEWEST} to {MOST} choices; got {len(meanings.children)}"
            )
        choices = nodes.bullet_list(classes=["nc-choices"])
        for item in meanings.children:
            choices += nodes.list_item("", nodes.paragraph("", "", *self.choice(item)))
        meanings["classes"].append("nc-meanings")
        # What is said: the same when it is moved, another when it is asked otherwise.
        said = "\n".join(part.astext() for part in (*question, choices))
        key = f"predict-{hashlib.sha256(said.encode()).hexdigest()[:8]}"
        asked = box("Predict before you look", "nc-predict", *question, choices)
        asked["ids"].append(key)
        asked["covers"] = self.options.get("covers", 0)
        told = box("Answer", "nc-predicted", *answer, meanings)
        self.set_source_info(asked)
        return [asked, told]

    def choice(self, item: nodes.Element) -> list[nodes.Node]:
        """Return what a reader may choose: the strong words with which an entry begins."""
        said = item.astext()
        first = item.children[0] if item.children else None
        # MyST puts an empty text before strong words.
        parts = [part for part in first.children if part.astext()] if first else []
        strong = parts[0] if parts else None
        if not isinstance(strong, nodes.strong):
            raise self.error(f"predict: a choice does not begin with **strong** words: {said!r}")
        if not re.match(r"\s*:\s*\S", said.removeprefix(strong.astext())):
            raise self.error(f"predict: a choice has no ': ' and what it means: {said!r}")
        return [child.deepcopy() for child in strong.children]


def box(title: str, kind: str, *parts: nodes.Node) -> nodes.admonition:
    """Make a box with a title."""
    return nodes.admonition("", nodes.title("", title), *parts, classes=["tip", kind])


def cover(app: Sphinx, doctree: nodes.document) -> None:
    """Mark the outputs that each question covers: those that follow it in its section."""
    for asked in doctree.findall(nodes.admonition):
        wanted = asked.get("covers", 0)
        if not wanted:
            continue
        behind = asked.parent.children[asked.parent.index(asked) + 1 :]
        found = [
            part
            for cell in behind
            if isinstance(cell, nodes.container)
            for part in cell.children
            if isinstance(part, nodes.container) and part.get("nb_element") == "cell_code_output"
        ]
        if len(found) < wanted:
            LOGGER.warning(
                "predict: it covers %s outputs, but %s follow in its section",
                wanted, len(found), location=asked,
            )  # fmt: skip
        for output in found[:wanted]:
            output["classes"] += ["nc-covered", asked["ids"][0]]


def load_script(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, object],
    doctree: nodes.document | None,
) -> None:
    """Load the script where there is a question, before anything of the page is seen."""
    boxes = [] if doctree is None else doctree.findall(nodes.admonition)
    if any("nc-predict" in one["classes"] for one in boxes):
        app.add_js_file("predict.js")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_directive("predict", Predict)
    app.connect("doctree-read", cover)
    app.connect("html-page-context", load_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
