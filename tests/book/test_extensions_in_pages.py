"""What the local extensions make of a small page, or of a folder, without the book around it."""

import io
import json
import re
import sys
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest
from bs4 import BeautifulSoup
from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.utils import new_document
from matplotlib import image
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import docutils_namespace

from nclib.cli import app as commands
from nclib.data.published import gallery
from nclib.teaching import EXERCISES
from nclib.teaching.typed import locked

sys.path.append(str(Path(__file__).resolve().parents[2] / "book" / "_ext"))


class Extension:
    """An extension as Sphinx finds it, also where another test has loaded it anew."""

    def __init__(self, name):
        self.name = name

    def __get__(self, instance, owner):
        return import_module(self.name)


@pytest.fixture
def build(tmp_path):
    """Build a page of reStructuredText with some extensions; return it, and what was warned of."""

    def run(extensions, text, name="page", **options):
        source = tmp_path / "source"
        path = source / f"{name}.rst"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        warnings = io.StringIO()
        with docutils_namespace():
            app = Sphinx(
                source, None, tmp_path / "html", tmp_path / "trees", "html",
                {"extensions": extensions, "root_doc": name, "html_theme": "basic", **options},
                status=None, warning=warnings, freshenv=True,
            )  # fmt: skip
            app.build(force_all=True)
        page = (tmp_path / "html" / f"{name}.html").read_text(encoding="utf-8")
        return SimpleNamespace(
            page=BeautifulSoup(page, "html.parser"), warnings=warnings.getvalue(), app=app
        )

    return run


def stand_in(folder, **more):
    """What an extension asks of Sphinx: where things are, and that pages are made."""
    return SimpleNamespace(
        builder=SimpleNamespace(format="html"),
        confdir=folder / "book",
        outdir=folder / "site",
        **more,
    )


LATEX = SimpleNamespace(format="latex")


# What was measured for two rows of a ledger.
MEASURED = {
    "rows": {
        "one": {"bound": 1e-9, "tests": {"a": {"x": {"instances": 1200, "largest": 1e-10}}}},
        "three": {
            "bound": {"gap": 1e-9, "angle": 1e-3},
            "tests": {
                "a": {
                    "gap": {"instances": 7, "largest": 2e-10},
                    "angle": {"instances": 8, "largest": 1e-4},
                }
            },
        },
    },
    "made_with": {"python": "3.12", "system": "Linux", "machine": "x86_64"},
}


class TestClaims:
    ROWS = (
        {
            "id": "one", "place": "Theorem 1", "claim": "It collapses.", "verdict": "holds",
            "tests": ["tests/test_a.py::test_b"], "errata": ["E2"],
            "where": ["03-bias-free#When a class dies", "11c-depth#Ties"],
        },
        {
            "id": "two", "place": "Eq. 2", "claim": "It merges.", "verdict": "not testable",
        },
        {"id": "three", "place": "Eq. 3", "claim": "It grows.", "verdict": "holds"},
    )  # fmt: skip

    @pytest.fixture
    def ledger(self, build, tmp_path, monkeypatch):
        monkeypatch.setenv("REPOSITORY_URL", "https://github.com/someone/a.book")
        folder = tmp_path / "source" / "book"
        (folder / "results").mkdir(parents=True)
        parts = [
            {"part": "The abstract", "rows": list(self.ROWS)},
            {"part": "The rest", "rows": [{**self.ROWS[1], "id": "four", "claim": "Unseen."}]},
        ]
        (folder / "claims.yml").write_text(json.dumps(parts))
        (folder / "results" / "evidence.json").write_text(json.dumps(MEASURED))
        return lambda text: build(["claims"], f"Ledger\n======\n\n{text}\n", "book/ledger")

    def test_a_part_is_a_table_with_a_row_for_each_claim(self, ledger):
        page = ledger(".. claims:: The abstract").page
        (table,) = page.select("table.claims")
        titles = ["Claim", "Verdict", "Instances", "Largest error", "Bound", "Where"]
        assert [cell.text.strip() for cell in table.select("thead th")] == titles
        # Shares of another whole would be fractions of a percent.
        shares = [re.findall(r"width: ([\d.]+)%", str(column)) for column in table.select("col")]
        assert sum(float(share) for (share,) in shares) == 100
        assert all(float(share).is_integer() for (share,) in shares)
        one, two, three = table.select("tbody tr")
        assert [row["id"] for row in (one, two, three)] == [
            "claim-one", "claim-two", "claim-three",
        ]  # fmt: skip
        cells = [cell.text.strip() for cell in one.select("td")]
        assert cells[1:5] == ["\N{CHECK MARK} holds", "1,200", "1e-10", "1e-9"]
        assert cells[5] == ("Counterexample: E2; Chapter 3, When a class dies; Chapter 11, Ties")
        assert "Theorem 1. It collapses." in cells[0]
        none = "\N{EM DASH}"
        assert [cell.text.strip() for cell in two.select("td")][2:] == [none] * 4
        assert "Unseen." not in page.text

    def test_a_row_leads_to_chapters_to_counterexamples_and_to_tests(self, ledger):
        page = ledger(".. claims:: The abstract").page
        row = page.find(id="claim-one")
        assert [(link["href"], link["class"]) for link in row.select("td")[5].select("a")] == [
            ("14-errata.html#erratum-e2", ["reference", "internal"]),
            ("03-bias-free.html#when-a-class-dies", ["reference", "internal"]),
            ("11c-depth.html#ties", ["reference", "internal"]),
        ]
        (link,) = row.select("details.nc-tests a")
        assert link["href"] == "https://github.com/someone/a.book/blob/HEAD/tests/test_a.py"
        assert link["class"] == ["reference", "external"]

    def test_a_box_says_what_was_compared_where_that_is_more_than_one_thing(self, ledger):
        page = ledger(".. claims:: The abstract").page
        boxes = [
            page.find(id=f"claim-{name}").select("details") for name in ("one", "two", "three")
        ]
        assert list(map(len, boxes)) == [1, 0, 1]
        assert "Measured by:" in boxes[0][0].text
        assert "Largest errors:" not in boxes[0][0].text
        listed = [item.text for item in boxes[2][0].select("li")]
        assert listed == ["gap 2e-10 (bound 1e-9)", "angle 1e-4 (bound 1e-3)"]

    def test_the_page_is_made_again_when_the_claims_or_the_evidence_change(self, ledger):
        app = ledger(".. claims:: The rest").app
        known = {Path(str(path)).name for path in app.env.dependencies["book/ledger"]}
        assert known == {"claims.yml", "evidence.json"}

    def test_a_part_that_is_not_there_is_named(self, ledger):
        assert "claims.yml has no part 'The end'" in ledger(".. claims:: The end").warnings
        assert "1 argument(s) required, 0 supplied" in ledger(".. claims::").warnings

    def test_the_summary_counts_the_whole_ledger(self, ledger):
        text = " ".join(ledger(".. claims-summary::").page.find("body").text.split())
        assert "4 claims and 1,215 compared instances:" in text
        assert "with python 3.12 (Linux on x86_64)." in text

    def test_the_bar_has_each_verdict_with_its_number(self, ledger):
        page = ledger(".. claims-bar::").page
        parts = [(part["class"], part["style"]) for part in page.select(".claims-bar span")]
        assert (["verdict-holds"], "flex-grow: 2") in parts
        assert (["verdict-not-testable"], "flex-grow: 2") in parts
        assert (["verdict-undefined-as-printed"], "flex-grow: 0") in parts
        assert [item.text for item in page.select(".claims-totals li")] == [
            "2 \N{CHECK MARK} holds",
            "0 \N{NOT EQUAL TO} holds after correction",
            "0 ? undefined as printed",
            "2 \N{WHITE CIRCLE} not testable",
        ]

    def test_one_failure_where_none_is_allowed_is_nearer_than_any_error_within_its_bound(self):
        claims = import_module("claims")
        measures = {"x": {"instances": 1, "largest": 9e-10}, "y": {"instances": 1, "largest": 1}}
        evidence = {"bound": {"x": 1e-9, "y": 0}, "tests": {"a": measures}}
        assert claims.figures(evidence)[2].astext() == "0"
        measures["y"]["largest"] = 0
        assert claims.figures(evidence)[2].astext() == "1e-9"


class TestErrata:
    def test_a_box_of_the_class_is_folded_into_its_mark_and_no_other_is(self, build):
        page = build(
            ["errata"],
            "Page\n====\n\n.. admonition:: Note\n\n   Plain.\n\n"
            ".. admonition:: Erratum E2: a sign\n   :class: erratum\n   :name: e2\n\n   It says.\n",
        ).page
        (folded,) = page.select("details")
        assert (folded["id"], "nc-erratum" in folded["class"]) == ("e2", True)
        assert folded.find("summary").text == "Erratum E2: a sign"
        assert folded.select("summary span.nc-erratum-title")[0].text == ": a sign"
        assert folded.find("p").text == "It says."
        (plain,) = page.select("div.admonition")
        assert "Plain." in plain.text


class TestExplorables:
    PAGES = Extension("explorable_pages")

    def test_a_page_has_the_html_without_the_scripts_which_the_site_has_once(
        self, build, monkeypatch
    ):
        pages = import_module("explorable_pages")
        monkeypatch.setattr(pages, "ASSETS", {})
        made = SimpleNamespace(html=lambda scripts: f"<em>{'with' if scripts else 'alone'}</em>")
        monkeypatch.setattr(pages.explorables, "survival", lambda: made)
        built = build(["explorable_pages"], "Page\n====\n\n.. explorable:: survival\n")
        assert built.warnings == ""
        assert [one.text for one in built.page.select("em")] == ["alone"]

    def test_an_explorable_has_a_name_that_is_known(self, build, monkeypatch):
        monkeypatch.setattr(import_module("explorable_pages"), "ASSETS", {})
        text = "Page\n====\n\n.. explorable:: survive\n\n.. explorable::\n"
        warnings = build(["explorable_pages"], text).warnings
        assert "there is no explorable 'survive'" in warnings
        assert "1 argument(s) required, 0 supplied" in warnings

    def test_the_scripts_are_put_beside_the_others_again_with_every_build(
        self, tmp_path, monkeypatch
    ):
        for text in ("old", "new"):
            monkeypatch.setattr(self.PAGES, "ASSETS", {"a.css": text.upper, "b.js": text.title})
            self.PAGES.write_assets(stand_in(tmp_path / "not" / "there"))
        folder = tmp_path / "not" / "there" / "site" / "_static"
        assert {path.name: path.read_text() for path in folder.iterdir()} == {
            "a.css": "NEW", "b.js": "New",
        }  # fmt: skip

    def test_what_has_no_pages_gets_no_scripts(self, tmp_path):
        app = stand_in(tmp_path)
        app.builder = LATEX
        self.PAGES.write_assets(app)
        assert not app.outdir.exists()


class TestFoldedCode:
    FOLDED = Extension("folded_code")

    def cell(self, *children):
        return nodes.container("", *children, nb_element="cell_code", hide_mode="all")

    def code(self, text):
        block = nodes.literal_block(text, text)
        return nodes.container("", block, nb_element="cell_code_source")

    def outputs(self, *children):
        return nodes.container("", *children, nb_element="cell_code_output")

    def printed(self, text, kind="stream"):
        return nodes.literal_block(text, text, classes=["output", kind])

    def folded(self, *parts):
        document = new_document("page", get_default_settings())
        document += parts
        self.FOLDED.FoldCode(document).run()
        return document

    def html(self, node):
        """What is written for a box, with a line for each thing in it."""
        writer = SimpleNamespace(body=[])
        self.FOLDED.visit(writer, node)
        writer.body += [f"{child.astext()}\n" for child in node.children]
        self.FOLDED.depart(writer, node)
        return "".join(writer.body)

    def test_the_code_and_what_it_prints_stand_in_one_box_and_what_it_shows_stands_open(self):
        table = nodes.table()
        document = self.folded(
            self.cell(self.outputs(self.printed("no code"))),
            nodes.container("", nodes.paragraph("", "prose")),
            self.cell(
                self.code("a = 1"),
                self.outputs(table),
                self.outputs(self.printed("1"), self.printed("one"), nodes.image()),
                self.outputs(self.printed("2")),
            ),
        )
        first, prose, cell = document.children
        assert first.astext() == "no code"
        assert prose.astext() == "prose"
        box, *shown = cell.children
        assert self.html(box) == (
            '<details class="nc-code" data-key="b5bc1ffd">\n<summary>Code and printout</summary>\n'
            "a = 1\n1\n\none\n2\n</details>\n"
        )
        assert [[type(part) for part in output.children] for output in shown] == [
            [nodes.table], [nodes.image],
        ]  # fmt: skip
        assert "hide_mode" not in cell

    def test_what_is_shown_as_text_is_no_printout(self):
        document = self.folded(
            self.cell(self.code("a"), self.outputs(self.printed("1", kind="text_plain")))
        )
        box, shown = document.children[0].children
        assert "<summary>Code</summary>\na\n</details>" in self.html(box)
        assert shown.astext() == "1"

    @pytest.mark.parametrize("deeper", [False, True])
    def test_in_a_solution_code_and_printout_stand_open(self, deeper):
        cell = self.cell(self.code("a"), self.outputs(self.printed("1")))
        inside = nodes.section("", cell) if deeper else cell
        document = self.folded(nodes.admonition("", inside, classes=["solution"]))
        (box,) = document.findall(self.FOLDED.FoldedCode)
        assert self.html(box).startswith('<details class="nc-code" data-key="ca978112" open>\n')
        (shown,) = document.findall(self.FOLDED.is_output)
        assert shown.astext() == "1"

    def test_the_table_of_names_is_folded_below_its_heading(self):
        names = nodes.section(
            "", nodes.title("", "In the code"), nodes.paragraph("", "one"), nodes.table(),
            ids=["in-the-code"],
        )  # fmt: skip
        other = nodes.section("", nodes.title("", "Next"), nodes.paragraph("", "two"), ids=["next"])
        self.folded(names, other)
        title, box = names.children
        assert title.astext() == "In the code"
        assert [type(part) for part in box.children] == [nodes.paragraph, nodes.table]
        assert [type(part) for part in other.children] == [nodes.title, nodes.paragraph]
        writer = SimpleNamespace(body=[])
        self.FOLDED.visit_names(writer, box)
        self.FOLDED.depart(writer, box)
        assert "".join(writer.body) == (
            '<details class="nc-names">\n<summary>Names</summary>\n</details>\n'
        )


class TestFigures:
    FIGURES = Extension("figures")

    def test_names_are_those_of_one_figure_and_nothing_else_is_changed(self):
        svg = 'xmlns="http://www.w3.org/2000/svg"'
        drawing = (
            f'<svg {svg}><svg class="wide" display="none"><defs><path id="p"/></defs>'
            '<use href="#p" fill="#0072b2"/><g clip-path="url(#p)"/>'
            '<a href="https://example.org/">x</a></svg></svg>'
        )
        written = self.FIGURES.forms(drawing, "figure-a-1", "A curve & a point")
        form = BeautifulSoup(written, "html.parser").find("svg")
        assert (form["role"], form["aria-label"]) == ("img", "A curve & a point")
        assert "display" not in form.attrs
        assert form.find("path")["id"] == "figure-a-1-p"
        assert form.find("use")["href"] == "#figure-a-1-p"
        assert form.find("use")["fill"] == "#0072b2"
        assert form.find("g")["clip-path"] == "url(#figure-a-1-p)"
        assert form.find("a")["href"] == "https://example.org/"

    def test_captions_of_what_is_no_drawing_stay_as_they_are(self, build):
        built = build(
            ["figures"], "Page\n====\n\n.. code-block:: text\n   :caption: A listing\n\n   a\n"
        )
        assert built.warnings == ""
        (caption,) = built.page.select(".code-block-caption")
        assert caption.find("span", class_="caption-text").text == "A listing"
        assert caption.find("pre") is None


class TestSearchIndex:
    SEARCH = Extension("search_index")

    @pytest.fixture
    def app(self, tmp_path, monkeypatch):
        """Of a site where Pagefind notes what it is told, and makes files of every kind."""
        app = stand_in(tmp_path, config=SimpleNamespace(untimed_pages=["book/a", "b"]))
        app.builder.get_target_uri = "{}.html".format
        (app.confdir / "node_modules" / "pagefind").mkdir(parents=True)
        (tmp_path / "stand-in.mjs").write_text(
            'import { mkdirSync, writeFileSync } from "node:fs";\n'
            "const [site, ...pages] = process.argv.slice(2);\n"
            "mkdirSync(`${site}/pagefind`, { recursive: true });\n"
            'for (const name of ["pagefind.js", "pagefind-ui.js", "pagefind-modular-ui.css",\n'
            '  "pagefind-highlight.js", "wasm.unknown.pagefind", "wasm.en.pagefind"])\n'
            "  writeFileSync(`${site}/pagefind/${name}`, JSON.stringify(pages));\n"
        )
        monkeypatch.setattr(self.SEARCH, "SCRIPT", tmp_path / "stand-in.mjs")
        if not self.SEARCH.shutil.which("node"):
            pytest.skip("Node is not installed")
        return app

    def test_the_index_is_made_anew_without_what_no_page_uses(self, app):
        folder = app.outdir / "pagefind"
        self.SEARCH.write(app, None)
        (folder / "old.pf_index").write_text("")
        self.SEARCH.write(app, None)
        assert sorted(path.name for path in folder.iterdir()) == [
            "pagefind.js", "wasm.en.pagefind",
        ]  # fmt: skip
        assert json.loads((folder / "pagefind.js").read_text()) == ["book/a.html", "b.html"]

    def test_there_is_none_where_the_build_failed_or_has_no_pages(self, app):
        self.SEARCH.write(app, ValueError("failed"))
        assert not app.outdir.exists()
        app.builder = LATEX
        assert not self.SEARCH.possible(app)

    def test_it_takes_node_and_pagefind(self, app, monkeypatch):
        assert self.SEARCH.possible(app)
        (app.confdir / "node_modules" / "pagefind").rmdir()
        assert not self.SEARCH.possible(app)
        (app.confdir / "node_modules" / "pagefind").mkdir()
        monkeypatch.setattr(self.SEARCH.shutil, "which", lambda name: None)
        assert not self.SEARCH.possible(app)

    def test_what_went_wrong_is_said_in_nodes_own_words(self, app):
        self.SEARCH.SCRIPT.write_text("process.stderr.write('no pages'); process.exit(3);\n")
        with pytest.raises(ExtensionError) as failure:
            self.SEARCH.write(app, None)
        assert str(failure.value) == "no index for the search: no pages"


class TestTypedAnswers:
    TYPED = Extension("typed_answers")

    def page(self, *texts):
        document = nodes.document(None, None)
        section = nodes.section()
        document += section
        section += [nodes.paragraph("", "", nodes.literal("", text)) for text in texts]
        return document

    def test_a_line_stands_behind_the_check_of_an_answer_in_numbers(self, tmp_path):
        page = self.page("a = 1", 'check("00-b", answer)', "b = 1")
        self.TYPED.place(stand_in(tmp_path), page, "page")
        _, check, line, other = page.children[0].children
        assert check.astext() == 'check("00-b", answer)'
        assert isinstance(line, nodes.raw)
        assert other.astext() == "b = 1"
        (script,) = BeautifulSoup(line.astext(), "html.parser").select(".nc-answer script")
        assert json.loads(script.text) == json.loads(json.dumps(locked(EXERCISES["00-b"])))

    def test_where_an_answer_is_no_number_or_no_answer_there_is_none(self, tmp_path):
        (words,) = [name for name in ("11-a.2",) if locked(EXERCISES[name]) is None]
        page = self.page(f'check("{words}", answer)', 'check("99-z", answer)', 'check("00-b")')
        self.TYPED.place(stand_in(tmp_path), page, "page")
        assert not list(page.findall(nodes.raw))

    def test_there_are_none_where_nothing_can_be_typed(self, tmp_path):
        app, page = stand_in(tmp_path), self.page('check("00-b", answer)')
        app.builder = LATEX
        self.TYPED.place(app, page, "page")
        assert not list(page.findall(nodes.raw))


class TestLocalMathJax:
    MATHJAX = Extension("local_mathjax")

    @pytest.fixture
    def app(self, tmp_path):
        """Of a site where npm has put MathJax."""
        app = stand_in(tmp_path)
        npm = app.confdir / "node_modules" / "mathjax" / "es5"
        for name in (*self.MATHJAX.NEEDED, *(f"{folder}/x" for folder in self.MATHJAX.FOLDERS)):
            path = npm / f"{name}.js"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
        (npm / "ui").mkdir()
        (npm / "ui" / "menu.js").write_text("menu")
        return app

    def test_pages_take_it_from_the_site_which_has_a_copy_of_what_they_need(self, app):
        config = SimpleNamespace()
        self.MATHJAX.configure(app, config)
        folder = app.outdir / "_static"
        for _ in range(2):
            self.MATHJAX.copy(app)
        assert (folder / config.mathjax_path).read_text() == "startup"
        copied = {
            path.relative_to(folder / "mathjax").with_suffix("").as_posix(): path.read_text()
            for path in folder.rglob("*.js")
        }
        assert all(name == text for name, text in copied.items())
        assert {"startup", "core", "a11y/assistive-mml", "input/tex/extensions/x"} <= set(copied)
        assert set(config.mathjax3_config["loader"]["load"]) <= set(copied)
        assert "ui/menu" not in copied

    def test_without_it_pages_are_as_sphinx_makes_them(self, tmp_path):
        app, config = stand_in(tmp_path), SimpleNamespace()
        self.MATHJAX.configure(app, config)
        self.MATHJAX.copy(app)
        assert vars(config) == {}
        assert not app.outdir.exists()

    def test_what_has_no_pages_gets_no_copy(self, app):
        app.builder = LATEX
        self.MATHJAX.copy(app)
        assert not app.outdir.exists()


class TestMovedPages:
    def test_where_the_build_failed_or_has_no_pages_none_is_written(self, tmp_path):
        moved, app = import_module("moved_pages"), stand_in(tmp_path)
        moved.write_all(app, ValueError("failed"))
        app.builder = LATEX
        moved.write_all(app, None)
        assert not app.outdir.exists()


class TestMendPages:
    def test_where_the_build_failed_or_has_no_pages_none_is_mended(self, tmp_path):
        mend, app = import_module("mend_pages"), stand_in(tmp_path)
        mend.mend_all(app, ValueError("failed"))
        app.builder = LATEX
        mend.mend_all(app, None)


class TestMoving:
    def test_a_quotation_mark_in_a_name_ends_no_attribute(self, monkeypatch):
        moving = import_module("moving")
        counts = SimpleNamespace(K=2, n=np.array([20, 3]), names=('the "rare" one', "b"))
        sets = {"ham10000": gallery()["ham10000"], "quoted": SimpleNamespace(counts=counts)}
        monkeypatch.setattr(moving, "gallery", lambda: sets)
        form = BeautifulSoup(moving.form(), "html.parser")
        (option,) = form.find_all("option", value="quoted")
        assert option["data-counts"] == 'the "rare" one,20|b,3'
        assert set(option.attrs) == {"value", "data-counts"}


class TestPredict:
    PREDICT = Extension("predict")

    def choice(self, word):
        said = nodes.paragraph("", "", nodes.strong("", word), nodes.Text(": why."))
        return nodes.list_item("", said, nodes.paragraph("", "More."))

    def question(self, *choices, covers=()):
        box = nodes.admonition("", nodes.title("", "Predict"), classes=["predict", *covers])
        box += nodes.paragraph("", "Odd?")
        box += nodes.bullet_list("", *map(self.choice, choices))
        box += nodes.paragraph("", "Even.")
        return box

    def output(self, text):
        shown = nodes.container("", nodes.paragraph("", text), nb_element="cell_code_output")
        return nodes.container("", shown, nb_element="cell_code")

    def page(self, *parts):
        document = new_document("page", get_default_settings())
        section = nodes.section()
        document += section
        section += parts
        self.PREDICT.act(None, document)
        return section

    def covered(self, page):
        found = [box for box in page.findall(nodes.container) if "nc-covered" in box["classes"]]
        return [node.astext() for node in found]

    def asked(self, page):
        return [box for box in page.findall(nodes.admonition) if "nc-predict" in box["classes"]]

    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_what_comes_next_is_covered_and_nothing_that_stands_before(self, number):
        box = self.question("A", "B", covers=[f"covers-{number}"])
        before, after = self.output("before"), map(self.output, ["one", "two", "three", "four"])
        page = self.page(before, box, *after)
        assert self.covered(page) == ["one", "two", "three"][:number]

    def test_what_a_reader_has_guessed_stays_known(self):
        """A page remembers a guess by this name: another would lose it."""
        (box,) = self.asked(self.page(self.question("A", "B")))
        assert box["ids"] == ["predict-73717739"]

    def test_two_to_four_choices_are_their_strong_words_alone(self):
        for words in ("AB", "ABC", "ABCD"):
            (box,) = self.asked(self.page(self.question(*words)))
            assert [item.astext() for item in box.findall(nodes.list_item)] == list(words)

    def test_every_question_of_a_page_is_divided_but_those_that_are_not_whole(self):
        note = nodes.admonition("", nodes.title("", "Note"), nodes.paragraph("", "Plain."))
        page = self.page(note, self.question("A"), self.question("A", "B"), self.question("C", "D"))
        assert len(self.asked(page)) == 2


class TestSymbols:
    SYMBOLS = Extension("symbols")

    def app(self, page, name, builder="html"):
        env = SimpleNamespace(docname=page, doc2path=lambda _: name, metadata={page: {}})
        relative = SimpleNamespace(format=builder, get_relative_uri=lambda at, to: f"{at}>{to}")
        return SimpleNamespace(env=env, builder=relative)

    def notation(self):
        document = nodes.document(None, None)
        document += nodes.definition_list(
            "",
            nodes.definition_list_item(
                "", nodes.term("", "Head"), nodes.definition("", nodes.paragraph("", "Layers."))
            ),
            nodes.definition_list_item(
                "",
                nodes.term("", "", nodes.math("n", "n")),
                nodes.definition("", nodes.paragraph("", "Samples. In each class.")),
            ),
        )
        return document

    def test_a_notebook_links_to_the_page_of_the_notation_and_no_other_page_does(self):
        read = self.app("book/notation", "notation.md")
        self.SYMBOLS.read(read, self.notation())
        other = self.app("book/a", "a.ipynb")
        self.SYMBOLS.read(other, self.notation())
        assert not hasattr(other.env, "symbols")
        for app, linked in [
            (self.app("book/a", "a.ipynb"), True),
            (self.app("book/a", "a.md"), False),
            (self.app("book/a", "a.ipynb", builder="latex"), False),
        ]:
            self.SYMBOLS.merge(app, app.env, {"book/notation"}, read.env)
            page = nodes.document(None, None)
            page += nodes.paragraph("", "", nodes.math("n", "n"))
            self.SYMBOLS.resolve(app, page, "book/a")
            links = list(page.findall(nodes.reference))
            assert len(links) == linked
            for link in links:
                assert link["refuri"] == "book/a>book/notation#symbol-n"
                assert link["reftitle"] == "n: samples, see Notation"
                assert link["internal"] is True


class TestCommandLine:
    def test_each_command_says_how_it_is_called_and_what_it_takes(self, build):
        page = build(["command_line"], "Reference\n=========\n\n.. command-line::\n").page
        sections = {section["id"]: section for section in page.select("section section")}
        names = [command.name for command in commands.registered_commands]
        assert list(sections) == [f"nclib-{name}" for name in names]
        predict = sections["nclib-predict"]
        listed = predict.select("dl")[0]
        terms = [term.text for term in listed.find_all("dt", recursive=False)]
        told = [one.text.strip() for one in listed.find_all("dd", recursive=False)]
        about = dict(zip(terms, told, strict=True))
        assert terms[0] == "COUNTS"
        assert {"--depth L, -L L", "--lambda-W NUMBER", "--json", "--no-bias"} <= set(terms)
        assert about["--depth L, -L L"] == "Linear layers L in the head. Default: 1."
        assert about["--lambda-W NUMBER"].endswith(" May be given more than once.")
        assert "more than once" not in about["COUNTS"]
        assert about["--json"] == "Write one JSON value, nothing else."
        assert predict.find("pre").text.strip() == "nclib predict COUNTS [OPTIONS]"


class TestReadingTime:
    TIME = Extension("reading_time")

    def page(self, words, looks):
        document = nodes.document(None, None)
        section = nodes.section("", nodes.title("", "Title"))
        document += section
        section += nodes.paragraph("", "word " * words)
        section += [nodes.math_block("x", "x") for _ in range(looks)]
        return document

    @pytest.mark.parametrize(
        ("words", "looks", "minutes"), [(0, 0, 1), (151, 1, 2), (0, 8, 2), (0, 61, 16)]
    )
    def test_a_quarter_of_a_minute_for_each_look_and_no_minute_is_begun_for_nothing(
        self, words, looks, minutes
    ):
        assert self.TIME.minutes(self.page(words, looks)) == minutes

    def test_what_stands_deeper_counts_as_much(self):
        document = self.page(3, 2)
        inner = self.page(5, 4).children[0]
        document.children[0] += [inner, nodes.container("", nodes.paragraph("", "two words"))]
        assert self.TIME.count(document) == (10, 6)

    @pytest.mark.parametrize(
        ("words", "said"), [(10, "1 minute to read"), (201, "2 minutes to read")]
    )
    def test_it_stands_right_under_the_title(self, tmp_path, words, said):
        page = self.page(words, 2)
        app = stand_in(tmp_path, config=SimpleNamespace(root_doc="first", untimed_pages=[]))
        self.TIME.note(app, page, "book/a")
        assert page.children[0].children[1].astext() == said


class TestCitation:
    @pytest.mark.parametrize("page", ["three", "a/three", "a/b/three"])
    def test_the_key_of_a_page_is_its_own_name(self, page):
        config = SimpleNamespace(
            html_title="A book", root_doc="index", author="A", copyright="2031", html_baseurl=""
        )
        app = SimpleNamespace(
            config=config, env=SimpleNamespace(titles={page: nodes.title("", "Three")})
        )
        entry = import_module("citation").bibtex(app, page)
        assert entry.startswith("@incollection{nclib-three,\n")


class TestSmallScripts:
    SMALL = Extension("small_scripts")

    @pytest.fixture
    def app(self, tmp_path, monkeypatch):
        """Of a site where Terser is there, and what asks it notes what it is told."""
        app = stand_in(tmp_path, config=SimpleNamespace(html_static_path=["_static", "more"]))
        (app.confdir / "node_modules" / "terser").mkdir(parents=True)
        for name in ("_static/b.js", "_static/a.css", "more/a.js"):
            (app.confdir / name).parent.mkdir(exist_ok=True)
            (app.confdir / name).write_text("")
        (app.outdir / "_static").mkdir(parents=True)
        (tmp_path / "stand-in.mjs").write_text(
            'import { writeFileSync } from "node:fs";\n'
            "const [folder, ...names] = process.argv.slice(2);\n"
            "writeFileSync(`${folder}/told.json`, JSON.stringify(names));\n"
        )
        monkeypatch.setattr(self.SMALL, "SCRIPT", tmp_path / "stand-in.mjs")
        if not self.SMALL.shutil.which("node"):
            pytest.skip("Node is not installed")
        return app

    def told(self, app):
        path = app.outdir / "_static" / "told.json"
        return json.loads(path.read_text()) if path.exists() else None

    def test_the_scripts_of_all_folders_are_made_small(self, app):
        self.SMALL.write(app, None)
        assert self.told(app) == ["a.js", "b.js"]

    @pytest.mark.parametrize("case", ["failed", "no pages", "no Node", "no Terser"])
    def test_they_stay_as_they_are(self, app, monkeypatch, case):
        if case == "no pages":
            app.builder = LATEX
        if case == "no Node":
            monkeypatch.setattr(self.SMALL.shutil, "which", lambda name: None)
        if case == "no Terser":
            (app.confdir / "node_modules" / "terser").rmdir()
        self.SMALL.write(app, ValueError("failed") if case == "failed" else None)
        assert self.told(app) is None

    def test_what_went_wrong_is_said_in_nodes_own_words(self, app):
        self.SMALL.SCRIPT.write_text("process.stderr.write('no name'); process.exit(3);\n")
        with pytest.raises(ExtensionError) as failure:
            self.SMALL.write(app, None)
        assert str(failure.value) == "a script could not be made small: no name"


class TestUsedIcons:
    ICONS = Extension("used_icons")
    SUN, MOON = 'sun:[5,5,[],"f185","M3z"],', 'moon:[3,5,[],"f186","M5z"],'

    @pytest.fixture
    def site(self, tmp_path):
        app = stand_in(tmp_path)
        script = app.outdir / self.ICONS.SCRIPT
        script.parent.mkdir(parents=True)
        # The script itself names all that it has.
        script.write_text(f'd={{{self.SUN}{self.MOON}}};"fa-sun fa-moon"')
        (app.outdir / "book").mkdir()
        (app.outdir / "book" / "page.html").write_text('<i class="fa-solid fa-sun"></i>')
        return app, script

    def test_the_script_keeps_what_pages_and_other_scripts_show(self, site):
        app, script = site
        self.ICONS.shorten(app, None)
        assert script.read_text() == f'd={{{self.SUN}}};"fa-sun fa-moon"'
        script.write_text(f"d={{{self.SUN}{self.MOON}}}")
        (app.outdir / "_static" / "page.js").write_text('"fa-moon"')
        self.ICONS.shorten(app, None)
        assert script.read_text() == f"d={{{self.SUN}{self.MOON}}}"

    def test_the_script_stays_where_the_build_failed_or_has_no_pages(self, site):
        app, script = site
        before = script.read_text()
        self.ICONS.shorten(app, ValueError("failed"))
        app.builder = LATEX
        self.ICONS.shorten(app, None)
        assert script.read_text() == before

    def test_a_theme_without_the_script_is_left_alone(self, site):
        app, script = site
        script.unlink()
        self.ICONS.shorten(app, None)
        assert not script.exists()


class TestWithoutThebe:
    def test_what_sphinx_thebe_asked_for_is_undone_and_nothing_else(self):
        def one():
            """Of this file."""

        def other():
            """Of sphinx-thebe."""

        other.__module__ = "sphinx_thebe"
        kept, gone = (SimpleNamespace(handler=handler) for handler in (one, other))
        listeners = {"builder-inited": [gone, kept], "html-page-context": [kept, gone]}
        files = [("sphinx-thebe.css", {}), ("other.css", {})]
        app = SimpleNamespace(
            events=SimpleNamespace(listeners=listeners), registry=SimpleNamespace(css_files=files)
        )
        import_module("without_thebe").switch_off(app, None)
        assert listeners == {"builder-inited": [kept], "html-page-context": [kept]}
        assert files == [("other.css", {})]


class TestLaunchButtons:
    LAUNCH = Extension("launch_buttons")

    def app(self, address):
        return SimpleNamespace(
            config=SimpleNamespace(html_theme_options={"repository_url": address}), confdir="."
        )

    def group(self, page, address):
        launch = {"label": "launch-buttons", "buttons": []}
        other = {"label": "source-buttons", "buttons": []}
        context = {"header_buttons": [other, launch]}
        self.LAUNCH.add_colab(self.app(address), page, "", context, None)
        assert other["buttons"] == []
        return launch["buttons"]

    @pytest.mark.parametrize("page", ["04-bias", "book/04-bias"])
    def test_colab_opens_the_notebook_of_the_page(self, page):
        (button,) = self.group(page, "https://github.com/someone/a.book")
        colab = "https://colab.research.google.com/github/someone/a.book/blob/colab/04-bias.ipynb"
        assert button["url"] == colab

    def test_colab_opens_nothing_from_gitlab(self):
        assert self.group("04-bias", "https://gitlab.com/someone/a.book") == []

    def test_colab_comes_after_the_theme_has_made_its_buttons(self):
        app = mock.MagicMock()
        (theme,) = entry_points(group="sphinx.html_themes", name="sphinx_book_theme")
        theme.load().setup(app)
        self.LAUNCH.setup(app)
        at = {call.args[1].__name__: call.kwargs.get("priority") for call in app.connect.mock_calls}
        assert at["add_colab"] > at["add_launch_buttons"]

    def test_the_themes_buttons_are_switched_on_where_an_address_is_known(self, monkeypatch):
        app = self.app("")
        monkeypatch.setenv("REPOSITORY_URL", "")
        self.LAUNCH.configure(app, app.config)
        assert app.config.html_theme_options == {"repository_url": ""}
        monkeypatch.setenv("REPOSITORY_URL", "git@github.com:someone/a.book.git")
        self.LAUNCH.configure(app, app.config)
        options = app.config.html_theme_options
        assert options["repository_url"] == "https://github.com/someone/a.book"
        assert options["use_repository_button"] is True
        assert options["use_issues_button"] is True


class TestLinkPreview:
    PREVIEW = Extension("link_preview")

    def test_the_bars_are_the_classes_of_the_papers_first_data_set(self, tmp_path):
        counts = gallery()["cifar10-paper"].counts.n
        assert counts.tolist() == list(self.PREVIEW.BARS)
        path = tmp_path / "a" / "b" / "picture.png"
        for _ in range(2):
            self.PREVIEW.draw("Title", path)
        pixels = image.imread(path)[..., :3]
        blue = np.abs(pixels - np.array([0x00, 0x72, 0xB2]) / 255).max(axis=2) < 0.01
        columns = np.flatnonzero(blue.any(axis=0))
        bars = np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1)
        assert len(bars) == len(counts)
        heights = np.array([blue[:, bar[len(bar) // 2]].sum() for bar in bars])
        np.testing.assert_allclose(heights / heights[0], counts / counts[0], atol=0.01)
        widths, gaps = [len(bar) for bar in bars], np.diff([bar[0] for bar in bars])
        assert max(widths) - min(widths) <= 1
        assert max(gaps) - min(gaps) <= 1
        assert max(widths) < min(gaps)
        assert heights[0] < 630 / 3

    def test_subject_title_and_bars_stand_below_one_another(self, tmp_path):
        self.PREVIEW.draw("Title", tmp_path / "picture.png")
        pixels = image.imread(tmp_path / "picture.png")[..., :3]
        rows = np.flatnonzero((pixels.min(axis=2) < 0.5).any(axis=1))
        found = np.split(rows, np.flatnonzero(np.diff(rows) > 20) + 1)
        assert len(found) == 3
        assert found[0][0] > 36

    def tags(self, tmp_path, doctree, address="", keywords=None):
        app = stand_in(
            tmp_path,
            config=SimpleNamespace(
                html_title="A book", description="Imbalanced data.", html_baseurl=address
            ),
            env=SimpleNamespace(
                titles={"a/b": nodes.title("", "Two")},
                metadata={"a/b": {"keywords": keywords} if keywords else {}},
            ),
        )
        app.builder.get_target_uri = "{}.html".format
        written = self.PREVIEW.tags(app, "a/b", doctree)
        return dict(re.findall(r'<meta (?:name|property)="([^"]+)" content="([^"]*)" />', written))

    def page(self, text):
        document = nodes.document(None, None)
        document += nodes.section("", nodes.paragraph("", text))
        return document

    def test_a_page_is_an_article_and_the_entrance_the_site(self, tmp_path):
        said = "What is imbalanced loses its rarest classes first, and nothing brings them back."
        page = self.tags(tmp_path, self.page(said), keywords="PyTorch, data")
        assert (page["og:type"], page["og:title"]) == ("article", "Two")
        assert (page["description"], page["keywords"]) == (said, "PyTorch, data")
        entrance = self.tags(tmp_path, None)
        assert (entrance["og:type"], entrance["og:title"]) == ("website", "A book")
        assert entrance["og:description"] == "Imbalanced data."
        assert "og:image" not in page
        assert "keywords" not in entrance
        assert not (tmp_path / "site").exists()

    def test_where_the_address_is_known_a_page_has_a_picture_of_the_size_that_is_said(
        self, tmp_path
    ):
        tags = self.tags(tmp_path, self.page("Short."), "https://example.org/b/")
        assert tags["og:url"] == "https://example.org/b/a/b.html"
        place = tags["og:image"].removeprefix("https://example.org/b/")
        height, width, _ = image.imread(tmp_path / "site" / place).shape
        assert (tags["og:image:width"], tags["og:image:height"]) == (str(width), str(height))
        assert (width, height) == (1200, 630)

    @pytest.mark.parametrize(("size", "kept"), [(59, False), (60, True)])
    def test_a_first_paragraph_has_60_characters(self, size, kept):
        text = "x" * (size - 1) + "."
        assert self.PREVIEW.describe(self.page(text)) == (text if kept else "")

    def test_a_paragraph_of_a_list_or_a_box_describes_no_page(self):
        document = self.page("Short.")
        long = nodes.paragraph("", "Long words that stand in a list, and say nothing of the page.")
        document.children[0] += nodes.bullet_list("", nodes.list_item("", long))
        assert self.PREVIEW.describe(document) == ""

    def test_where_the_build_failed_or_has_no_pages_there_is_no_entrance(self, tmp_path):
        app = stand_in(tmp_path)
        self.PREVIEW.write_entrance(app, ValueError("failed"))
        app.builder = LATEX
        self.PREVIEW.write_entrance(app, None)
        assert not app.outdir.exists()
