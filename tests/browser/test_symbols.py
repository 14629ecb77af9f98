"""Symbols in the built chapters: each that the notation page has is linked to its row, once."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from test_site import ROOT, SITE, built_pages, require_nothing_missing

CHAPTERS = sorted(path.stem for path in (ROOT / "book").glob("*.ipynb"))

INDEX = r"(_(\w|\{\w([+-]\d)?\}))?"
# For each row what a reader takes for its symbol: a formula that is this and nothing else.
# Not the paper's slip W_M, which the errata quote.
SYMBOLS = {
    "K": "K",
    "n": "n" + INDEX,
    "N": "N",
    "N-list": r"N_(\w|\{\w[+-]\d\})",
    "ell": r"\\ell" + INDEX,
    "m": "m",
    "D": "D",
    "Y": "Y",
    "hat-Y": r"\\hat Y|\\hat\{Y\}",
    "pi": r"\\pi" + INDEX,
    "L": "L",
    "W": r"W(?!_M$)" + INDEX,
    "d": "d" + INDEX,
    "r": "r",
    "P": "P",
    "b": "b",
    "H": "H",
    "bar-H": r"\\bar H|\\bar\{H\}",
    "h-G": "h_G",
    "E": "E",
    "lambda-W": r"\\lambda_(W|\{W(_[^M])?\})",
    "lambda-H": r"\\lambda_H",
    "rho-b": r"\\rho_b",
    "Lambda": r"\\Lambda",
    "f": "f",
    "U": "U|V",
    "kappa": r"\\kappa" + INDEX,
    "G": "G",
    "tilde-sigma": r"\\tilde\\sigma" + INDEX,
    "S": r"S|S\(t\)",
    "mu": r"\\mu" + INDEX,
    "z": "z" + INDEX,
    "s": "s" + INDEX,
    "c": "c",
    "sigma": r"\\sigma" + INDEX,
    "q": "q" + INDEX,
    "x": "x" + INDEX,
    "alpha": r"\\alpha" + INDEX,
    "g": r"g|g\(x\)",
    "theta": r"\\theta" + INDEX,
    "alpha-ast": r"\\alpha\^(\\ast|\*|\{\\ast\})",
}
# Letters that a chapter uses for something that is not on the notation page.
OTHERWISE = {
    "01-collapse": {"c"},
    "02-model": {"s"},
    "04-bias": {"x"},
    "06-spectrum": {"x"},
    "10e-labels": {"f", "x"},
    "11-beyond": {"q", "x"},
    "11a-classes": {"G", "g", "m", "q"},
    "11b-all-right": {"c"},
    "11f-bias": {"q"},
    "11g-more-data": {"f", "g", "x"},
    "12-relatives": {"r"},
    "13-relatives-cross-entropy": {"G", "P", "S", "c", "m", "q", "z"},
    "14-errata": {"f"},
}


class Page(HTMLParser):
    """Formulas that may be links (in a closed box? linked?), links of symbols, anchors."""

    # Tags that nothing closes.
    VOID = frozenset(["br", "col", "hr", "img", "input", "link", "meta"])

    def __init__(self, path):
        super().__init__()
        self.open, self.formulas, self.links, self.anchors = [], [], [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        classes = (attributes.get("class") or "").split()
        if "id" in attributes:
            self.anchors.add(attributes["id"])
        if tag == "a" and "symbol" in classes:
            self.links.append({**attributes, "formula": ""})
        if tag not in self.VOID:
            self.open.append((tag, classes))

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def inside(self, *kinds):
        return any(tag in kinds or set(kinds) & set(classes) for tag, classes in self.open)

    def handle_data(self, data):
        if not self.open or self.open[-1][0] != "span" or "math" not in self.open[-1][1]:
            return
        formula = data.strip().removeprefix(r"\(").removesuffix(r"\)").strip()
        if self.inside("symbol"):
            self.links[-1]["formula"] += formula
        if self.inside("symbol") or not self.inside(
            "a", "h1", "h2", "h3", "h4", "figcaption", "caption-text", "admonition-title", "dt",
            "nc-choices",
        ):  # fmt: skip
            closed = self.inside("dropdown", "nc-erratum", "nc-predicted")
            self.formulas.append((formula, closed, self.inside("symbol")))


@pytest.fixture(scope="module")
def pages():
    require_nothing_missing(None if built_pages() else "the site is not built: run `make book`")
    names = [*CHAPTERS, "notation"]
    return {name: Page(SITE / "book" / f"{name}.html") for name in names}


def test_the_list_here_is_that_of_the_notation_page(pages):
    anchors = {anchor for anchor in pages["notation"].anchors if anchor.startswith("symbol-")}
    assert anchors == {f"symbol-{name}" for name in SYMBOLS}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_symbol_of_a_chapter_is_linked_once_at_its_first_use(pages, chapter):
    page = pages[chapter]
    linked = []
    for name in SYMBOLS.keys() - OTHERWISE.get(chapter, set()):
        uses = [use for use in page.formulas if re.fullmatch(SYMBOLS[name], use[0])]
        if uses:
            # Of those in plain sight, or else of those in boxes that are closed.
            first = min(uses, key=lambda use: use[1])
            assert [use for use in uses if use[2]] == [first], name
            linked.append(f"notation.html#symbol-{name}")
    assert len(linked) > 2
    assert sorted(link["href"] for link in page.links) == sorted(linked)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_link_says_what_it_is_and_where_it_leads(pages, chapter):
    for link in pages[chapter].links:
        assert re.fullmatch(r"[A-Za-z ]+: [a-zA-Z].{3,80}, see Notation", link["title"]), link


def test_no_other_page_has_such_links():
    for path in map(Path, built_pages()):
        if path.stem not in CHAPTERS:
            assert not Page(SITE / path).links, path
