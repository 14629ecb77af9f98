"""Link symbols to the notation page where a chapter uses them first.

The notation page is a list of terms, each a formula that begins with one or more symbols. Every
such row gets an anchor. In a chapter (a notebook) the first formula that is nothing but a symbol,
bare or with an index, becomes a link to its row; the words of the row are the link's title.

A letter that means something else in a chapter stands in the metadata of its notebook:

    "other_meanings": {"c": "a cosine"}
"""

import json
import re
from typing import NamedTuple

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

NOTATION = "book/notation"

# Indices that run; any other, such as the H of lambda_H, is part of the name.
INDEX = re.compile(r"_([agijklmqrKL]|\d+|\{[aijklmqrKL][+-]\d+\})$")

# What is no place for a link, or is one already.
NO_LINKS = (nodes.title, nodes.reference, nodes.caption, nodes.rubric, nodes.term)
# Classes of what is closed, or covered, at first.
CLOSED = frozenset({"dropdown", "erratum", "nc-predicted"})


class Symbol(NamedTuple):
    """A symbol apart from its index: of N and N_1 the first is a number, the second a list."""

    core: str
    indexed: bool


class Row(NamedTuple):
    """A row of the notation page."""

    anchor: str
    title: str


def parse(tex: str) -> Symbol:
    """Take a formula for a symbol: braces, idle spaces and a function's argument mean nothing."""
    plain = re.sub(r"\\,", " ", tex).replace("*", r"\ast")
    while (bare := re.sub(r"\{([^{}+-]*)\}", r" \1 ", plain)) != plain:  # those of k+1 stay
        plain = bare
    plain = re.sub(r"(?<![A-Za-z])\s+|\s+(?![A-Za-z])", "", plain)
    plain = re.sub(r"\([a-z]\)$", "", plain)
    core = INDEX.sub("", plain)
    return Symbol(core, core != plain)


def symbols_of(term: str) -> list[Symbol]:
    """Return the symbols that a term defines: whatever it lists before an equals sign."""
    parts = re.split(r",|>|\\ge\b", term.partition("=")[0])
    return [parse(part) for part in parts if part.strip() not in ("", r"\dots")]


def spoken(tex: str) -> str:
    """Write a symbol as it is spoken: lambda W, hat Y."""
    return " ".join(re.findall(r"[A-Za-z]+|\d+", tex))


def title(symbol: Symbol, definition: nodes.Element) -> str:
    """Say what a symbol is: the first words of its row."""
    paragraph = definition.next_node(nodes.paragraph).deepcopy()
    for formula in list(paragraph.findall(nodes.math)):
        formula.replace_self(nodes.Text(spoken(formula.astext())))
    words = re.split(r"[;:(]|\.(?:\s|$)", " ".join(paragraph.astext().split()))[0].strip()
    return f"{spoken(symbol.core)}: {words[0].lower()}{words[1:]}, see Notation"


def rows_of(doctree: nodes.document) -> dict[Symbol, Row]:
    """Give every row of symbols an anchor, and return where each symbol stands."""
    rows: dict[Symbol, Row] = {}
    anchors: set[str] = set()
    for item in doctree.findall(nodes.definition_list_item):
        term, definition = item.children[0], item.children[-1]
        if not (len(term.children) == 1 and isinstance(term.children[0], nodes.math)):
            continue
        symbols = symbols_of(term.astext())
        anchor = "symbol-" + spoken(symbols[0].core).replace(" ", "-")
        anchor += "-list" * (anchor in anchors)
        anchors.add(anchor)
        term["ids"].append(anchor)
        for symbol in symbols:
            rows.setdefault(symbol, Row(anchor, title(symbol, definition)))
    return rows


def row_of(formula: str, rows: dict[Symbol, Row]) -> Row | None:
    """Find the row of a formula, if it is a symbol; n_k is an entry of n, kappa all of kappa_k."""
    symbol = parse(formula)
    return rows.get(symbol) or rows.get(symbol._replace(indexed=not symbol.indexed))


def hidden(node: nodes.Node) -> bool:
    """Whether a reader has to open something to see a node."""
    return node.parent is not None and (
        not CLOSED.isdisjoint(node.parent.get("classes", ())) or hidden(node.parent)
    )


def allowed(node: nodes.Node) -> bool:
    """Whether a link may stand where a node stands: not in what becomes a button, for example."""
    return node.parent is None or (
        not isinstance(node.parent, NO_LINKS)
        and "nc-choices" not in node.parent.get("classes", ())
        and allowed(node.parent)
    )


def link(doctree: nodes.document, rows: dict[Symbol, Row], page: str, other: set[str]) -> None:
    """Make links to the page of the first uses, those in plain sight before hidden ones."""
    uses = [formula for formula in doctree.findall(nodes.math) if allowed(formula)]
    linked = set()
    for formula in sorted(uses, key=hidden):
        row = row_of(formula.astext(), rows)
        if row is None or row.anchor in linked or parse(formula.astext()).core in other:
            continue
        linked.add(row.anchor)
        reference = nodes.reference(
            "", "", refuri=f"{page}#{row.anchor}", reftitle=row.title, internal=True
        )
        reference["classes"].append("symbol")
        formula.replace_self(reference)
        reference += formula


def other_meanings(app: Sphinx, docname: str) -> set[str]:
    """Return the letters that mean something else in a chapter."""
    # MyST-NB hands on what a notebook says of itself as JSON.
    return set(json.loads(app.env.metadata[docname].get("other_meanings", "{}")))


def read(app: Sphinx, doctree: nodes.document) -> None:
    """Keep the symbols of the notation page."""
    if app.env.docname == NOTATION:
        app.env.symbols = rows_of(doctree)


def merge(app: Sphinx, env: BuildEnvironment, docnames: set[str], other: BuildEnvironment) -> None:
    """Take over what another process has read."""
    if NOTATION in docnames:
        env.symbols = other.symbols


def resolve(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link the symbols of a chapter."""
    if app.builder.format == "html" and app.env.doc2path(docname).endswith(".ipynb"):
        page = app.builder.get_relative_uri(docname, NOTATION)
        link(doctree, app.env.symbols, page, other_meanings(app, docname))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect("doctree-read", read)
    app.connect("env-merge-info", merge)
    app.connect("doctree-resolved", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
