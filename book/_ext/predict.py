"""A question to guess at before looking.

:::{admonition} Predict before you look
:class: tip predict covers-1

The question.

- **One choice**: what it means to have chosen it.
- **Another**: the same for this one.

The answer.
:::

becomes two boxes, the question with the choices, and the answer with what each choice means.
Without JavaScript and on paper both stand open. `predict.js` makes buttons of the choices, and for
as long as the reader wants to guess it covers the answer, and as many of the next outputs as the
class says, `covers-1` to `covers-3`. Tables, pictures and what moves count; what is printed as text
up to there is covered with them, for it is folded with its code (`folded_code.py`). What a chapter
finds is said again outside of it, where nothing covers it.

It is an admonition with a class, and no directive of its own: JupyterLab shows those that it does
not know as an error, and this one as it stands.
"""

import hashlib
import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)

FEWEST, MOST = 2, 4
COVERS = {f"covers-{number}": number for number in (1, 2, 3)}


class PredictionError(ValueError):
    """A question to guess at that is not complete; the message says what is missing."""


def divide(box: nodes.admonition) -> tuple[nodes.admonition, nodes.admonition]:
    """Return the two boxes, of which the first has an id: the same wherever it is moved.

    Raises
    ------
    PredictionError
        If the question, the list, the answer, or a part of a choice is missing.
    """
    title, *parts = box.children
    lists = [at for at, part in enumerate(parts) if isinstance(part, nodes.bullet_list)]
    if not lists:
        raise PredictionError("there is no list of choices")
    at = lists[0]
    question, meanings, answer = parts[:at], parts[at], parts[at + 1 :]
    if not question:
        raise PredictionError("there is no question before the list")
    if not answer:
        raise PredictionError("there is no answer after the list")
    count = len(meanings.children)
    if not FEWEST <= count <= MOST:
        raise PredictionError(f"there must be {FEWEST} to {MOST} choices; got {count}")
    choices = nodes.bullet_list(classes=["nc-choices"])
    for item in meanings.children:
        choices += nodes.list_item("", nodes.paragraph("", "", *choice(item)))
    meanings["classes"].append("nc-meanings")
    said = "\n".join(part.astext() for part in (*question, choices))
    asked = nodes.admonition("", title, *question, choices, classes=["tip", "nc-predict"])
    asked["ids"].append(f"predict-{hashlib.sha256(said.encode()).hexdigest()[:8]}")
    told = nodes.admonition(
        "", nodes.title("", "Answer"), *answer, meanings, classes=["tip", "nc-predicted"]
    )
    return asked, told


def choice(item: nodes.list_item) -> list[nodes.Node]:
    """Return what a reader may choose: the strong words with which an entry of the list begins."""
    said = item.astext()
    # MyST puts an empty text before strong words.
    parts = [part for part in item.children[0].children if part.astext()] if said else []
    if not (parts and isinstance(parts[0], nodes.strong)):
        raise PredictionError(f"a choice does not begin with **strong** words: {said!r}")
    if not re.match(r"\s*:\s*\S", said.removeprefix(parts[0].astext())):
        raise PredictionError(f"a choice has no ': ' and what it means: {said!r}")
    return [child.deepcopy() for child in parts[0].children]


def covered(box: nodes.admonition) -> list[nodes.container]:
    """Return the outputs that a question covers: the next in its section, and printouts before.

    Raises
    ------
    PredictionError
        If they are fewer, or the class says no number that is allowed.
    """
    says = [name for name in box["classes"] if name.startswith("covers")]
    unknown = [name for name in says if name not in COVERS]
    if unknown or len(says) > 1:
        raise PredictionError(f"got {' '.join(says)!r}, but it is one of {', '.join(COVERS)}")
    wanted = COVERS[says[0]] if says else 0
    found = [
        part
        for cell in box.parent.children[box.parent.index(box) + 1 :]
        if isinstance(cell, nodes.container)
        for part in cell.children
        if isinstance(part, nodes.container) and part.get("nb_element") == "cell_code_output"
    ]
    standing = [at for at, output in enumerate(found, start=1) if stands_open(output)]
    if len(standing) < wanted:
        raise PredictionError(
            f"it covers {wanted} outputs, but {len(standing)} follow that are no text"
        )
    return found[: standing[wanted - 1]] if wanted else []


def stands_open(output: nodes.container) -> bool:
    """Whether an output has more to show than printed text."""
    return any("stream" not in part.get("classes", ()) for part in output.children)


def act(app: Sphinx, doctree: nodes.document) -> None:
    """Divide every question to guess at, and mark what it covers."""
    for box in list(doctree.findall(nodes.admonition)):
        if "predict" not in box["classes"]:
            continue
        try:
            outputs = covered(box)
            asked, told = divide(box)
        except PredictionError as error:
            LOGGER.warning("a question to guess at: %s", error, location=box)
            continue
        for output in outputs:
            output["classes"] += ["nc-covered", *asked["ids"]]
        box.replace_self([asked, told])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect("doctree-read", act)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
