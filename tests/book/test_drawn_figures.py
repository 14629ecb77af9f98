"""Drawings of notebooks in a page: numbered, with a caption, in both forms, found by everyone."""

import io
import sys
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from nclib.views import figures, style
from tools.notebooks import NOTEBOOK_METADATA

EXTENSIONS = Path(__file__).resolve().parents[2] / "book" / "_ext"
sys.path.append(str(EXTENSIONS))

import figures as extension  # noqa: E402


def cell(name, alt="Three green curves over x.", caption="The lowest point *jumps*.", more=()):
    drawing = style.drawing(figures.lemma_curves(3))
    outputs = [
        nbformat.v4.new_output("display_data", {"image/svg+xml": drawing, "text/plain": "axes 1:"}),
        *(nbformat.v4.new_output("display_data", {"text/markdown": text}) for text in more),
    ]
    about = {"image": {"alt": alt}, "figure": {"caption": caption}}
    return nbformat.v4.new_code_cell("1", id=name, metadata={"mystnb": about}, outputs=outputs)


PAGES = {
    "07-small": lambda: [cell("a"), cell("b", more=["Words below."])],
    "silent": lambda: [cell("a", alt="")],
    "plain": lambda: [nbformat.v4.new_code_cell("1", id="none")],
}


@pytest.fixture
def built(tmp_path):
    """Build pages by name; return them, and the lines that Sphinx said."""

    def run(*names):
        for name in names:
            title = nbformat.v4.new_markdown_cell("# Title", id="title")
            cells = [title, *PAGES[name]()]
            notebook = nbformat.v4.new_notebook(cells=cells, metadata=NOTEBOOK_METADATA)
            nbformat.write(notebook, tmp_path / f"{name}.ipynb")
        options = {
            "extensions": ["myst_nb", "figures", "page_files"],
            "nb_execution_mode": "off",
            "root_doc": names[0],
        }
        said = io.StringIO()
        with docutils_namespace():
            app = Sphinx(
                tmp_path, None, tmp_path / "out", tmp_path / "trees", "html", options,
                status=None, warning=said,
            )  # fmt: skip
            app.build()
        pages = [(tmp_path / "out" / f"{name}.html").read_text("utf-8") for name in names]
        return [BeautifulSoup(page, "html.parser") for page in pages], said.getvalue().splitlines()

    return run


@pytest.mark.parametrize(
    ("docname", "expected"),
    [
        ("book/03-bias-free", "3.2"),
        ("book/11c-depth", "11c.2"),
        ("book/five-minutes", "2"),
        ("14-errata", "14.2"),
    ],
)
def test_the_number_is_that_of_the_chapter_and_of_the_figure(docname, expected):
    assert extension.number(docname, 2) == expected


def test_a_page_has_its_figures_in_both_forms(built):
    (page,), said = built("07-small")
    assert said == []
    assert page.find("img") is None
    assert "axes 1:" not in page.text
    found = page.find_all("figure")
    assert [one["id"] for one in found] == ["figure-07-small-1", "figure-07-small-2"]
    for place, figure in enumerate(found, start=1):
        assert figure.figcaption.text.split("\n")[0] == f"Figure 7.{place} The lowest point jumps."
        assert figure.figcaption.find("em").text == "jumps"
        forms = figure.find("div", class_="nc-drawing").find_all("svg", recursive=False)
        assert [form["class"] for form in forms] == [["wide"], ["narrow"]]
        for form in forms:
            assert form["role"] == "img"
            assert form["aria-label"] == "Three green curves over x."
            assert form.get("display") is None
    # What a cell says besides its drawing is no part of the figure.
    assert "Words below." in page.text
    assert not any("Words below." in figure.text for figure in found)
    names = [one["id"] for figure in found for one in figure.find_all(id=True)]
    assert len(names) == len(set(names)) > 10
    used = {one["href"] for figure in found for one in figure.find_all("use")}
    assert used <= {f"#{name}" for name in names}
    assert any("figures.js" in str(script) for script in page.find_all("script", src=True))


def test_a_drawing_without_words_for_those_who_do_not_see_it_is_a_warning_and_no_other_is(built):
    (silent,) = built("silent")[1]
    assert "silent" in silent
    assert "figure 1 has no alt text" in silent


def test_a_page_without_figures_loads_no_script(built):
    (page,), _ = built("plain")
    assert not any("figures.js" in str(script) for script in page.find_all("script", src=True))
