"""The local extensions of the book, apart from Sphinx; the pages themselves: tests/browser."""

import ast
import importlib
import importlib.util
import io
import json
import math
import random
import re
import sys
import textwrap
from html import unescape
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from bs4 import BeautifulSoup
from docutils import nodes
from matplotlib import image
from pybtex.database import parse_string
from sphinx.application import Sphinx
from sphinx.errors import ConfigError, ExtensionError
from sphinx.util.docutils import docutils_namespace

import nclib
from nclib.data.pasted import read_pasted
from nclib.data.published import gallery

EXTENSIONS = Path(__file__).resolve().parents[2] / "book" / "_ext"
# As Jupyter Book does: one extension may use another.
sys.path.append(str(EXTENSIONS))


def extension(name):
    """An extension as Jupyter Book loads it: by its file."""
    spec = importlib.util.spec_from_file_location(name, EXTENSIONS / f"{name}.py")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", sorted(EXTENSIONS.glob("*.py")), ids=lambda path: path.stem)
def test_an_extension_takes_public_names_of_the_others(path):
    """Of another extension and of nclib; what nclib keeps for itself may change there."""
    ours = {other.stem for other in EXTENSIONS.glob("*.py")} | {"nclib", "tools"}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            first, *parts = name.split(".")
            assert first not in ours or not any(part.startswith("_") for part in parts), name


class TestMendPages:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ('<section id="exercise-content">', "<section>"),
            ('<section class="theorem-content" id="proof-content">',
             '<section class="theorem-content">'),
            ('<p class="admonition-title" id="t"><span class="caption-number">T',
             '<p class="admonition-title"><span class="caption-number">T'),
            ('<i class="theme-switch fa-sun  fa-lg" data-mode="light" title="Light">',
             '<i class="theme-switch fa-sun  fa-lg" data-mode="light">'),
            ("<td>9.0e-04</td><td>a-04</td>", '<td class="nc-number">9.0e-04</td><td>a-04</td>'),
            ('<th scope="row">1.2e-3</th>', '<th scope="row" class="nc-number">1.2e-3</th>'),
            ("<title>Sets &#8212; Sets: a book</title>", "<title>Sets: a book</title>"),
            ("<title>Sets &#8212; Numbers</title>", "<title>Sets &#8212; Numbers</title>"),
        ],
    )  # fmt: skip
    def test_what_is_mended_and_what_is_not(self, before, after):
        mend = extension("mend_pages").mend
        mended, found = mend(before)
        assert mended == after
        assert found.total() == (before != after)
        assert mend(after) == (after, {})

    @pytest.fixture
    def build(self, tmp_path, monkeypatch):
        """Build a book of two pages; return the exit status, the warnings and the pages."""
        source = tmp_path / "book"
        source.mkdir()
        (source / "index.rst").write_text("One\n===\n\n.. toctree::\n\n   two\n")
        (source / "two.rst").write_text("Two\n===\n\nRED and RED.\n")

        def run(mends, fresh=True, parallel=0):
            monkeypatch.setattr(importlib.import_module("mend_pages"), "MENDS", mends)
            warnings = io.StringIO()
            with docutils_namespace():
                app = Sphinx(
                    source, None, tmp_path / "html", tmp_path / "trees", "html", status=None,
                    confoverrides={"extensions": ["mend_pages"]}, warning=warnings,
                    freshenv=fresh, warningiserror=True, keep_going=True, parallel=parallel,
                )  # fmt: skip
                app.build(force_all=fresh)
            pages = [(tmp_path / "html" / f"{name}.html").read_text() for name in ("index", "two")]
            return app.statuscode, warnings.getvalue(), "".join(pages)

        return run

    def test_a_mend_that_finds_nothing_fails_the_build(self, build):
        status, warnings, pages = build([("RED", "green"), ("B[L]UE", "green")])
        assert (status, pages.count("green"), pages.count("RED")) == (1, 2, 0)
        assert warnings.count("no page has what mend_pages looks for") == 1
        assert "looks for: B[L]UE" in warnings

    def test_mends_that_all_find_something_do_not(self, build):
        assert build([("RED", "green")])[:2] == (0, "")

    def test_pages_are_mended_where_sphinx_may_write_side_by_side(self, build):
        assert build([("RED", "green")], parallel=2)[2].count("green") == 2

    def test_a_page_that_is_not_written_again_is_no_reason_to_warn(self, build):
        build([("RED", "green")])
        status, warnings, pages = build([("RED", "green")], fresh=False)
        assert (status, warnings, pages.count("green")) == (0, "", 2)


class TestSearchIndex:
    """What is found by it: tests/browser/test_site.py."""

    SEARCH = extension("search_index")

    @pytest.fixture
    def app(self, tmp_path):
        scripts = []
        return SimpleNamespace(
            builder=SimpleNamespace(format="html", get_target_uri="{}.html".format),
            confdir=tmp_path,
            outdir=tmp_path / "site",
            config=SimpleNamespace(untimed_pages=[]),
            add_js_file=lambda name, **_: scripts.append(name),
            scripts=scripts,
        )

    @pytest.mark.parametrize(
        ("page", "installed", "scripts"),
        [("search", True, ["search.js"]), ("search", False, []), ("book/a", True, [])],
    )
    def test_the_script_is_loaded_where_it_will_have_an_index(
        self, app, monkeypatch, page, installed, scripts
    ):
        monkeypatch.setattr(self.SEARCH.shutil, "which", "/bin/{}".format)
        if installed:
            (app.confdir / "node_modules" / "pagefind").mkdir(parents=True)
        self.SEARCH.load_script(app, page, "", {}, None)
        assert app.scripts == scripts

    def test_an_index_that_fails_fails_the_build(self, app, tmp_path, monkeypatch):
        (app.confdir / "node_modules" / "pagefind").mkdir(parents=True)
        (tmp_path / "broken.mjs").write_text("throw new Error('no such site')\n")
        monkeypatch.setattr(self.SEARCH, "SCRIPT", tmp_path / "broken.mjs")
        if not self.SEARCH.possible(app):
            pytest.skip("Node is not installed")
        with pytest.raises(ExtensionError, match="no such site"):
            self.SEARCH.write(app, None)

    def test_without_node_nothing_is_made(self, app):
        self.SEARCH.write(app, None)
        assert not app.outdir.exists()


class TestMovedPages:
    """Where an address leads in a browser: the entrance, in tests/browser/test_site.py."""

    @pytest.fixture
    def build(self, tmp_path, monkeypatch):
        (tmp_path / "book" / "new").mkdir(parents=True)
        (tmp_path / "index.rst").write_text("One\n===\n\n.. toctree::\n\n   book/new/two\n")
        (tmp_path / "book" / "new" / "two.rst").write_text("Two & three\n===========\n")

        def run(moved, split=None):
            options = {"extensions": ["moved_pages"], "moved_pages": moved}
            options["split_pages"] = split or {}
            with docutils_namespace():
                out = tmp_path / "html"
                app = Sphinx(
                    tmp_path, None, out, tmp_path / "trees", "html", options,
                    status=None, warning=None,
                )  # fmt: skip
                app.build()
            return out

        return run

    def test_an_old_address_leads_to_the_new_one(self, build):
        page = (build({"book/two": "book/new/two"}) / "book" / "two.html").read_text("utf-8")
        assert '<meta http-equiv="refresh" content="0; url=new/two.html" />' in page
        assert '<a href="new/two.html">Two &amp; three</a>' in page
        assert '<meta name="robots" content="noindex" />' in page

    def test_from_one_folder_to_another(self, build):
        page = (build({"old/a/two": "index"}) / "old" / "a" / "two.html").read_text("utf-8")
        assert 'href="../../index.html"' in page

    @pytest.mark.parametrize(
        ("moved", "problem"),
        [
            ({"index": "book/new/two"}, "index is a page of the book"),
            ({"book/two": "book/three"}, "leads to book/three, which is no page of the book"),
        ],
    )
    def test_what_leads_nowhere_or_hides_a_page_is_refused(self, build, moved, problem):
        with pytest.raises(ConfigError, match=problem):
            build(moved)

    def test_a_page_that_was_split_knows_where_its_sections_are(self, build, tmp_path):
        """What is on the page itself stays there; of two pages the first is taken."""
        (tmp_path / "index.rst").write_text(
            "One\n===\n\nMap\n---\n\n.. toctree::\n\n   book/new/two\n   book/three\n"
        )
        (tmp_path / "book" / "new" / "two.rst").write_text(
            "Two\n===\n\nSteps\n-----\n\n.. _claim:\n\nMap\n---\n\n.. [#] A note.\n"
        )
        (tmp_path / "book" / "three.rst").write_text("Three\n=====\n\nSteps\n-----\n")
        split = {"index": ["book/new/two", "book/three"]}
        for _ in range(2):  # the second time no page has changed
            out = build({}, split)
        (listed,) = re.findall(r"const pages = (.*);", (out / "index.html").read_text("utf-8"))
        assert json.loads(listed) == {
            "book/new/two.html": ["claim", "steps", "two"],
            "book/three.html": ["three"],
        }
        assert "const pages" not in (out / "book" / "three.html").read_text("utf-8")

    def test_a_page_is_not_split_into_what_is_no_page(self, build):
        with pytest.raises(ConfigError, match="split_pages: book/four is no page of the book"):
            build({}, {"index": ["book/four"]})


class TestPredict:
    """What a reader does with it: tests/browser/test_predictions.py."""

    QUESTION = "Is 2 odd, or\nis it even?"
    CHOICES = "- **Odd**: it is *not*.\n- **Even, $2 = 1 + 1$**: right."
    ANSWER = "It is even.\n\nAll doubles are."

    @pytest.fixture
    def build(self, tmp_path):
        """Build a notebook with a prediction and two cells; return the page and the warnings."""

        def run(*parts, covers="", cells=2):
            head = f"# Numbers\n\n:::{{admonition}} Predict\n:class: tip predict {covers}\n\n"
            text = head + "\n\n".join(parts) + "\n:::"
            printed = {"output_type": "stream", "name": "stdout", "text": "printed\n"}
            table = {"text/html": "<table><tr><td>shown</td></tr></table>"}
            output = {"output_type": "display_data", "data": table, "metadata": {}}
            silent = {"cell_type": "code", "id": "s", "source": "b = 1", "outputs": []}
            code = [
                {**silent, "id": f"{kind}{i}", "outputs": outputs}
                for i in range(cells)
                for kind, outputs in [("p", [printed]), ("c", [printed, output])]
            ]
            prose = {"cell_type": "markdown", "id": "p", "source": text}
            last = {"cell_type": "markdown", "id": "l", "source": "## Next"}
            after = {**silent, "id": "a", "outputs": [output]}
            listed = [prose, silent, *code, last, after]
            for cell in listed:
                cell["metadata"] = {}
                if cell["cell_type"] == "code":
                    cell["execution_count"] = 1
            metadata = {"language_info": {"name": "python", "pygments_lexer": "python"}}
            notebook = {"cells": listed, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
            (tmp_path / "index.ipynb").write_text(json.dumps(notebook))
            confoverrides = {
                "extensions": ["myst_nb", "predict", "page_files"],
                "nb_execution_mode": "off",
                "myst_enable_extensions": ["colon_fence", "dollarmath"],
            }
            warnings = io.StringIO()
            with docutils_namespace():
                app = Sphinx(
                    tmp_path, None, tmp_path / "html", tmp_path / "trees", "html", confoverrides,
                    status=None, warning=warnings, freshenv=True,
                )  # fmt: skip
                app.build(force_all=True)
            return (tmp_path / "html" / "index.html").read_text("utf-8"), warnings.getvalue()

        return run

    def boxes(self, page):
        """The text of both boxes, without formulas' fences, and the id of the first."""
        found = BeautifulSoup(page, "html.parser").select(".nc-predict, .nc-predicted")
        return [" ".join(box.get_text().split()) for box in found], found[0]["id"]

    def test_question_choices_answer_and_meanings_stand_open(self, build):
        page, warnings = build(self.QUESTION, self.CHOICES, self.ANSWER)
        assert warnings == ""
        (asked, told), _ = self.boxes(page)
        assert asked == r"Predict Is 2 odd, or is it even? Odd Even, \(2 = 1 + 1\)"
        assert told == (
            r"Answer It is even. All doubles are. Odd: it is not. Even, \(2 = 1 + 1\): right."
        )
        assert "nc-covered" not in page
        assert "predict.js" in page

    @pytest.mark.parametrize("count", [1, 2])
    def test_the_next_outputs_are_marked_and_no_more(self, build, count):
        page, warnings = build(self.QUESTION, self.CHOICES, self.ANSWER, covers=f"covers-{count}")
        assert warnings == ""
        _, key = self.boxes(page)
        outputs = BeautifulSoup(page, "html.parser").select(".cell_output")
        marked = [{"nc-covered", key} <= set(output["class"]) for output in outputs]
        # Each has a printout before it, which is covered too; the last stands in another section.
        assert marked == [True] * 2 * count + [False] * (5 - 2 * count)

    def test_it_is_known_by_what_is_asked(self, build):
        keys = [
            self.boxes(build(question, choices, answer)[0])[1]
            for question, choices, answer in [
                (self.QUESTION, self.CHOICES, self.ANSWER),
                (self.QUESTION, self.CHOICES, "Even."),
                (self.QUESTION, self.CHOICES.replace("Odd", "No"), self.ANSWER),
                ("Is 2 even?", self.CHOICES, self.ANSWER),
            ]
        ]
        assert keys[0] == keys[1]
        assert len(set(keys)) == 3

    @pytest.mark.parametrize(
        ("parts", "said"),
        [
            (("Odd?", "Even."), "there is no list of choices"),
            (("- **Odd**: no.\n- **Even**: yes.", "Even."), "there is no question before the list"),
            (("Odd?", "- **Odd**: no.\n- **Even**: yes."), "there is no answer after the list"),
            (("Odd?", "- **Odd**: no.", "Even."), "there must be 2 to 4 choices; got 1"),
            (("Odd?", "- **Odd**: no.\n" * 5, "Even."), "there must be 2 to 4 choices; got 5"),
            (("Odd?", "- Odd: no.\n- **Even**: yes.", "Even."),
             "a choice does not begin with **strong** words: 'Odd: no.'"),
            (("Odd?", "- **Odd**\n- **Even**: yes.", "Even."),
             "a choice has no ': ' and what it means: 'Odd'"),
            (("Odd?", "- **Odd** no.\n- **Even**: yes.", "Even."),
             "a choice has no ': ' and what it means: 'Odd no.'"),
        ],
    )  # fmt: skip
    def test_what_is_missing_is_named(self, build, parts, said):
        page, warnings = build(*parts)
        assert f"a question to guess at: {said}" in warnings
        assert "predict.js" not in page

    @pytest.mark.parametrize("covers", ["covers-4", "covers", "covers-1 covers-2"])
    def test_what_may_be_covered_is_named(self, build, covers):
        _, warnings = build(self.QUESTION, self.CHOICES, self.ANSWER, covers=covers)
        assert f"got '{covers}', but it is one of covers-1, covers-2, covers-3" in warnings

    def test_an_output_of_another_section_is_not_covered(self, build):
        page, warnings = build(self.QUESTION, self.CHOICES, self.ANSWER, covers="covers-3")
        assert "it covers 3 outputs, but 2 follow that are no text" in warnings
        assert "nc-covered" not in page

    def test_an_admonition_without_the_class_is_left_alone(self):
        box = nodes.admonition("", nodes.title("", "Predict"), nodes.paragraph("", "Odd?"))
        doctree = nodes.document(None, None)
        doctree += box
        importlib.import_module("predict").act(None, doctree)
        assert doctree.children == [box]

    def test_the_script_is_light(self):
        assert (EXTENSIONS.parent / "_static" / "predict.js").stat().st_size < 6000


class TestReadingTime:
    TIME = extension("reading_time")

    def page(self, *parts):
        document = nodes.document(None, None)
        section = nodes.section("", nodes.title("", "A title of six words, unread"))
        document += section
        section += parts
        return document

    def prose(self, words):
        return nodes.paragraph("", "word " * words)

    @pytest.mark.parametrize(
        ("words", "looks", "minutes"),
        [(1, 0, 1), (200, 0, 1), (201, 0, 2), (1000, 0, 5), (1000, 4, 6), (0, 4, 1), (0, 5, 2)],
    )
    def test_two_hundred_words_a_minute_and_four_things_to_look_at(self, words, looks, minutes):
        formulas = [nodes.math_block("x", "x") for _ in range(looks)]
        assert self.TIME.minutes(self.page(self.prose(words), *formulas)) == minutes

    @pytest.mark.parametrize("closed", ["dropdown", "nc-predicted"])
    def test_what_is_counted_and_what_is_not(self, closed):
        answer = nodes.admonition("", self.prose(1000))
        answer["classes"].append(closed)
        code = nodes.container("", nodes.literal_block("", "a = 1\n" * 99))
        code["nb_element"] = "cell_code_source"
        shown = nodes.container("", nodes.literal_block("", "printed " * 99), nodes.image())
        shown["nb_element"] = "cell_code_output"
        cell = nodes.container("", code, shown)
        cell["nb_element"] = "cell_code"
        sentence = nodes.paragraph("", "Four words and ", nodes.math("", r"\frac a b"))
        page = self.page(sentence, answer, cell, nodes.raw("", "<b>raw</b>", format="html"))
        assert self.TIME.count(page) == (4, 1)

    @pytest.mark.parametrize(
        ("name", "said"),
        [("book/a", "3 minutes to read"), ("first", None), ("book/list", None)],
    )
    def test_it_stands_under_the_title_but_on_pages_to_look_things_up(self, name, said):
        config = SimpleNamespace(root_doc="first", untimed_pages=["book/list"])
        app = SimpleNamespace(builder=SimpleNamespace(format="html"), config=config)
        page = self.page(self.prose(500))
        self.TIME.note(app, page, name)
        title, *rest = page.children[0].children
        assert isinstance(title, nodes.title)
        assert [part.astext() for part in rest[:-1]] == ([said] if said else [])


class TestUsedIcons:
    ICONS = extension("used_icons")

    def test_what_is_shown_is_kept_by_any_of_its_names(self):
        script = (
            'd={"42-group":[640,512,["innosoft"],"e080","M1 2z"],sun:[5,5,[9728],"f185","M3z"],'
            'house:[576,512,[63500,"home"],"f015","M4z"],moon:[3,5,[],"f186",["M5z","M6z"]]};'
            'e={sun:[1,1,[],"f185","M7z"]};'
        )
        kept = 'd={sun:[5,5,[9728],"f185","M3z"],house:[576,512,[63500,"home"],"f015","M4z"],};'
        names = self.ICONS.names_in('<i class="fa-solid fa-home"></i>') | {"sun"}
        assert self.ICONS.keep(script, names) == kept + 'e={sun:[1,1,[],"f185","M7z"]};'

    def test_most_of_the_themes_script_goes(self):
        theme = Path(find_spec("pydata_sphinx_theme").origin).parent
        (path,) = theme.rglob(f"static/scripts/{Path(self.ICONS.SCRIPT).name}")
        script = path.read_text(encoding="utf-8")
        kept = self.ICONS.keep(script, {"sun", "github", "file"})
        assert len(kept) < len(script) / 10
        # The sun and the file are there twice, filled and in outline.
        assert sorted(icon["name"] for icon in self.ICONS.ICON.finditer(kept)) == [
            "file", "file", "github", "sun", "sun",
        ]  # fmt: skip


class TestDescriptions:
    PREVIEW = extension("link_preview")

    def page(self, *paragraphs):
        document = nodes.document(None, None)
        section = nodes.section()
        document += section
        for parts in paragraphs:
            section += nodes.paragraph("", "", *parts)
        return document

    def test_a_subtitle_is_passed_over_and_whole_sentences_are_kept(self):
        first = "Some classes are common and some are rare, and that makes all the difference."
        page = self.page(
            [nodes.Text("A companion.")], [nodes.Text(f"The question. {first} {'Long ' * 40}.")]
        )
        assert self.PREVIEW.describe(page) == first

    def test_sentences_with_formulas_are_left_out(self):
        page = self.page(
            [
                nodes.Text("Each value "),
                nodes.math("", r"\kappa"),
                nodes.Text(" is shrunk. "),
                nodes.Text("What is left decides which of the classes the head can tell apart."),
            ]
        )
        described = self.PREVIEW.describe(page)
        assert described == "What is left decides which of the classes the head can tell apart."

    def test_a_sentence_that_is_too_long_ends_between_words(self):
        text = self.PREVIEW.shorten("seven " * 100)
        # 26 words of five letters and a space, and one without the space.
        assert text == "seven " * 25 + "seven…"

    @pytest.mark.parametrize("first", [*range(20, 157, 17), 158, 159, 160, 161, 170, 300])
    def test_whole_sentences_fill_160_characters_and_no_more(self, first):
        sentences = [f"{'x' * (size - 1)}." for size in (first, 39, 61, 25, 90)]
        text = self.PREVIEW.shorten(" ".join(sentences))
        assert len(text) <= 160
        fit = [" ".join(sentences[:k]) for k in range(1, 6) if len(" ".join(sentences[:k])) <= 160]
        # A word that is too long by itself has to be cut.
        assert text == (fit[-1] if fit else "x" * 159 + "…")

    @pytest.mark.parametrize("seed", range(30))
    def test_a_longer_sentence_is_cut_as_the_standard_library_cuts_it(self, seed):
        rng = random.Random(seed)
        words = ["x" * rng.randint(1, 12) for _ in range(60)]
        text = self.PREVIEW.shorten(" ".join(words))
        assert text == textwrap.shorten(" ".join(words), 160, placeholder="…")
        assert 147 <= len(text) <= 160

    def test_the_description_of_a_page_is_160_characters_at_most(self):
        sentence = "A class that is rare is lost sooner."
        assert len(" ".join([sentence] * 4)) == 147
        page = self.page([nodes.Text(" ".join([sentence] * 9))])
        assert self.PREVIEW.describe(page) == " ".join([sentence] * 4)

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (
                "What is kept, and what is lost?",
                "Neural collapse under imbalanced data: What is kept, and what is lost?",
            ),
            ("Imbalanced data lose classes.", "Imbalanced data lose classes."),
        ],
    )
    def test_a_description_says_what_the_book_is_about(self, text, said):
        assert self.PREVIEW.subject_named(text) == said

    @pytest.mark.parametrize("size", [100, 119, 120, 121, 122, 160])
    def test_with_the_subject_it_still_fits(self, size):
        said = self.PREVIEW.subject_named(f"{'Seven words ' * 20}"[: size - 1] + ".")
        assert said.startswith("Neural collapse under imbalanced data: Seven")
        assert len(said) <= 160

    def test_every_title_fits_its_picture(self, tmp_path):
        """Nothing of it comes nearer to the edge than the bars do."""
        book = EXTENSIONS.parent
        texts = [path.read_text(encoding="utf-8") for path in book.glob("*.md")]
        for path in book.glob("*.ipynb"):
            texts += ["".join(json.loads(path.read_text("utf-8"))["cells"][0]["source"])]
        titles = [found[1] for text in texts if (found := re.search(r"^# (.+)$", text, re.M))]
        assert len(titles) > 15
        for title in sorted(titles, key=len)[-3:]:
            path = tmp_path / "a" / "picture.png"
            self.PREVIEW.draw(title, path)
            pixels = image.imread(path)
            assert pixels.shape[:2] == (630, 1200)
            drawn = np.argwhere(pixels[..., :3].min(axis=2) < 0.9)
            assert drawn.min() >= 36
            assert drawn[:, 0].max() < 630 - 36
            assert drawn[:, 1].max() < 1200 - 36

    def test_a_page_without_prose_has_none(self):
        assert self.PREVIEW.describe(self.page()) == ""


class TestCitation:
    @pytest.fixture
    def build(self, tmp_path):
        """The two pages of a book and its search, with the extension."""
        pages = ("index", "a/two", "search")
        (tmp_path / "a").mkdir()
        (tmp_path / "index.rst").write_text("First\n=====\n\n.. toctree::\n\n   a/two\n")
        (tmp_path / "a" / "two.rst").write_text("Red & blue <5 %\n===============\n\nText.\n")

        def run(address=""):
            options = {
                "extensions": ["citation"],
                "html_title": "A book",
                "author": "Ann Other",
                "copyright": "2031",
                "html_baseurl": address,
                "html_theme": "basic",
            }
            with docutils_namespace():
                app = Sphinx(
                    tmp_path, None, tmp_path / "html", tmp_path / "trees", "html", options,
                    status=None, warning=None,
                )  # fmt: skip
                app.build(force_all=True)
            return [(tmp_path / "html" / f"{name}.html").read_text("utf-8") for name in pages]

        return run

    def tags(self, page):
        return dict(re.findall(r'<meta name="citation_(\w+)" content="([^"]*)" />', page))

    def entry(self, page):
        """The entry as BibTeX reads it: its kind, its key, its fields and its author."""
        (text,) = re.findall(r'<div class="highlight"><pre>(.*?)</pre>', page, re.DOTALL)
        ((key, entry),) = parse_string(unescape(text), "bibtex").entries.items()
        fields = {name: value.replace("\\", "") for name, value in entry.fields.items()}
        return entry.type, key, fields, [str(one) for one in entry.persons["author"]]

    def test_a_page_is_a_chapter_and_the_first_one_the_book(self, build):
        first, two, search = build()
        note = f"Version {nclib.__version__}"
        whole = {"title": "{A book}", "year": "2031", "note": f"{{{note}}}"}
        assert self.entry(first) == ("book", "nclib", whole, ["{Ann Other}"])
        kind, key, fields, authors = self.entry(two)
        assert (kind, key, authors) == ("incollection", "nclib-two", ["{Ann Other}"])
        chapter = {"title": "{Red & blue <5 %}", "booktitle": "{A book}"}
        assert fields == whole | chapter
        assert "<summary>Cite the book</summary>" in first
        assert "<summary>Cite this page</summary>" in two
        assert "nc-cite" not in search

    def test_what_tex_would_read_otherwise_is_escaped(self, build):
        two = build()[1]
        assert "title     = {{Red \\&amp; blue &lt;5 \\%}}" in two

    def test_the_address_is_named_where_it_is_known(self, build):
        first, two, _ = build("https://example.org/b/")
        assert self.entry(first)[2]["url"] == "https://example.org/b/index.html"
        assert self.entry(two)[2]["url"] == "https://example.org/b/a/two.html"
        assert self.tags(two)["public_url"] == "https://example.org/b/a/two.html"

    def test_programs_find_the_same_in_the_head(self, build):
        first, two, search = build()
        book = {"author": "Ann Other", "publication_date": "2031", "language": "en"}
        assert self.tags(first) == book | {"title": "A book"}
        title = "Red &amp; blue &lt;5 %"
        assert self.tags(two) == book | {"title": title, "inbook_title": "A book"}
        assert self.tags(search) == {}


class TestExplorablePages:
    """What stands in the pages themselves: tests/browser/test_explorables_in_pages.py."""

    PAGES = extension("explorable_pages")

    def test_the_script_stands_alone_and_fetches_nothing(self):
        """A classic script: module code would not load from the file system."""
        script = self.PAGES.ASSETS["vega.js"]()
        assert script.startswith("window.vegaEmbed || (() => {")
        assert "\nimport " not in script
        assert "\nexport " not in script


# What two tests have noted for one row.
NOTED = {
    "one": {
        "of x: a": {"instances": 1003, "largest": 1e-10},
        "of x: b": {"instances": 4, "largest": 0},
    },
    "two": {"of x: a": {"instances": 13, "largest": 2e-20}},
}


class TestClaims:
    CLAIMS = extension("claims")

    EVIDENCE = json.loads((EXTENSIONS.parent / "results" / "evidence.json").read_text("utf-8"))

    def cells(self, row, evidence):
        """The text of each cell of a row, as it stands on the page."""
        table = object.__new__(self.CLAIMS.Claims)
        table.paragraph = lambda text: [nodes.paragraph("", text)]
        return [cell.astext() for cell in table.row(row, evidence)]

    @pytest.mark.parametrize(
        ("value", "text"),
        [(0, "0"), (1e-5, "1e-5"), (3.4e-16, "3e-16"), (1e-12, "1e-12"), (1e-10, "1e-10"),
         (2e-20, "2e-20"), (0.03, "3e-2"), (9.7e-100, "1e-99"), (5e-101, "5e-101")],
    )  # fmt: skip
    def test_errors_are_powers_of_ten(self, value, text):
        assert self.CLAIMS.number(value) == text

    def test_instances_are_added_and_the_largest_error_is_kept(self):
        row = {"id": "x", "place": "There", "claim": "So.", "verdict": "holds", "bound": 1e-10}
        cells = self.cells(row, {"bound": 1e-10, "tests": NOTED})
        assert cells[1:5] == ["\N{CHECK MARK} holds", "1,020", "1e-10", "1e-10"]

    def test_each_verdict_has_a_sign_of_its_own(self):
        assert len(set(self.CLAIMS.VERDICTS.values())) == len(self.CLAIMS.VERDICTS) == 4

    def test_a_test_leads_to_its_file_where_there_is_a_repository(self):
        test = "tests/theory/test_x.py::test_one[a]"
        assert self.CLAIMS.source_of(test, "").astext() == test
        link = self.CLAIMS.source_of(test, "https://somewhere.org/a/b")
        assert link["refuri"] == "https://somewhere.org/a/b/blob/HEAD/tests/theory/test_x.py"
        assert link.astext() == test

    @pytest.mark.parametrize(
        ("bound", "shown"),
        [
            ({"of x: a": 1e-10, "of x: b": 0.03}, ["1e-10", "1e-10"]),
            ({"of x: a": 1e-9, "of x: b": 0}, ["1e-10", "1e-9"]),
        ],
    )
    def test_of_several_things_the_one_nearest_to_its_bound_is_shown(self, bound, shown):
        row = {"id": "x", "place": "There", "claim": "So.", "verdict": "holds", "bound": bound}
        cells = self.cells(row, {"bound": bound, "tests": NOTED})
        assert cells[2:5] == ["1,020", *shown]
        # All of them are in the box.
        assert "Largest errors:" in cells[0]
        for what, limit in bound.items():
            error = {"a": "1e-10", "b": "0"}[what[-1]]
            assert f"{what[-1]} {error} (bound {self.CLAIMS.number(limit)})" in cells[0]

    def test_a_row_without_a_measurement_has_no_numbers(self):
        row = {"id": "x", "place": "There", "claim": "So.", "verdict": "not testable"}
        assert self.cells(row, None)[2:5] == [self.CLAIMS.NOT_MEASURED] * 3

    @pytest.mark.parametrize("name", EVIDENCE["rows"])
    def test_what_the_page_shows_is_what_is_stored(self, name):
        """To half a unit of the one digit that is shown, and every instance."""
        evidence = self.EVIDENCE["rows"][name]
        compared, *shown = (cell.astext() for cell in self.CLAIMS.figures(evidence))
        measures = [(what, m) for test in evidence["tests"].values() for what, m in test.items()]
        assert int(compared.replace(",", "")) == sum(m["instances"] for _, m in measures)
        bound = evidence["bound"]
        bounds = (
            bound if isinstance(bound, dict) else dict.fromkeys((w for w, _ in measures), bound)
        )
        # One that takes no less of its bound than any other, by cross-multiplication.
        pairs = [(m["largest"], bounds[what]) for what, m in measures if what in bounds]
        nearest = [
            (error, limit)
            for error, limit in pairs
            if all(error * other >= worse * limit for worse, other in pairs)
        ]
        said = [float(text) for text in shown]
        assert any(
            all(
                abs(digits - value)
                <= 0.5001 * (10.0 ** math.floor(math.log10(value)) if value else 0)
                for digits, value in zip(said, pair, strict=True)
            )
            for pair in nearest
        )


class TestErrata:
    ERRATA = extension("errata")

    @pytest.mark.parametrize(
        ("title", "short", "rest"),
        [
            ("Erratum E2: a sign", "Erratum E2", ": a sign"),
            ("Erratum E3, in training", "Erratum E3", ", in training"),
            ("Slips in B.3", "Slips in B.3", ""),
        ],
    )
    def test_the_mark_is_what_stands_before_the_colon(self, title, short, rest):
        mark = self.ERRATA.mark(nodes.title("", title))
        assert mark.children[0].astext() == short
        assert mark.children[1].astext() == rest

    def test_formulas_of_a_title_stay_formulas(self):
        title = nodes.title("", "", nodes.Text("Erratum E8: one entry of "), nodes.math("", "G"))
        _, rest = self.ERRATA.mark(title).children
        assert [one.astext() for one in rest.findall(nodes.math)] == ["G"]


class TestSetFormulas:
    FORMULAS = extension("set_formulas")

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("kappa_k^2 <= N", r"\kappa_{k} ^{2} \le  N"),
            ("sqrt(lambda_W1 lambda_H)", r"\sqrt{\lambda_{W_1}  \lambda_{H}}"),
            ("L x^(L-1) / (x^L + 1)^2", "L  x ^{L -1} / (x ^L  + 1)^{2}"),
            ("tau ||T||_* + D^-1 Hbar'", r"\tau  \lVert T \rVert_\ast  + D ^{-1} \bar H '"),
            ("m <= m_0 + s* G", r"m  \le  m_{0}  + s ^\ast  G"),
            ("W_L ... W_1 = diag(s)", r"W_{L}  \cdots  W_{1}  = \operatorname{diag} (s )"),
            ("sum_k n_k = N", r"\sum_{k}  n_{k}  = N"),
            ("tau * sigma^2", r"\tau  \cdot  \sigma ^{2}"),
            ("s*^2", r"s ^\ast ^{2}"),
            ("* sigma = N", r"\cdot  \sigma  = N"),
            ("x^{a+b+c+d}", "x ^{a +b +c +d }"),
        ],
    )
    def test_a_formula_is_set(self, text, expected):
        lines = [f"With ``{text}``", "all is well."]
        self.FORMULAS.process(None, "", "", None, None, lines)
        assert lines == [f"With :math:`{expected}`", "all is well."]

    @pytest.mark.parametrize(
        "text",
        [
            "n", "n_k", "(K,)", "lambda_H=0", "nc.Problem(n)", "n_max * ratio**2", "^", "sqrt(n",
            "1 / power", "||T", "make evidence", 'loss="mse"', "weight_decay = 2 / K", "x^(n",
            "sum n^2", "max_k n^2", "{n}^2", "x {n} = 2 / N", "x^{a+b+c+d'}",
        ],
    )  # fmt: skip
    def test_what_is_not_known_stays_code(self, text):
        lines = [f"With ``{text}``."]
        self.FORMULAS.process(None, "", "", None, None, lines)
        assert lines == [f"With ``{text}``."]


class TestCommandLine:
    COMMANDS = extension("command_line")

    def test_an_option_says_whether_it_may_be_repeated_and_what_it_is_without(self):
        found = self.COMMANDS.typer.main.get_command(self.COMMANDS.commands).commands
        options = {one.name: one for one in found["predict"].params}
        assert self.COMMANDS.metavar(options["weight_decay"]) == "NUMBER"
        assert self.COMMANDS.about(options["weight_decay"]).endswith("given more than once.")
        assert self.COMMANDS.about(options["depth"]).endswith("Default: `1`.")
        assert "Default" not in self.COMMANDS.about(options["as_json"])


class TestSymbols:
    SYMBOLS = extension("symbols")
    # Terms of a notation page, each with its definition; the pieces in dollars are formulas.
    PAGE = (
        ("$n = (n_1, \\dots, n_K)$", "Samples in each class ($K$ numbers)."),
        ("$N = n_1 + \\dots + n_K$", "Number of samples."),
        ("$N_1 > \\dots > N_m$", "The distinct counts ($m$ numbers)."),
        ("$\\hat Y$", "Effective label matrix: $D$ without bias."),
        ("$\\lambda_{W_1}, \\dots, \\lambda_{W_L}$", "Penalties on the layers."),
        ("$\\lambda_H$", "Penalty on the features."),
        ("$U, V$", "Singular vectors of the labels."),
        ("$\\kappa_1 \\ge \\dots \\ge \\kappa_K$", "Strength of each mode; falling."),
        ("$G$", "What $\\hat Y$ does to vectors."),
        ("$g(x) = 1/(x^L + 1)$", "What Lemma A.2 makes small."),
        ("$\\alpha_k$", "Price of the mode."),
        ("$\\alpha^\\ast = 1$", "The threshold: dead above."),
        ("Head", "The last $L$ layers."),
    )

    def inline(self, text):
        """Children of a text with formulas between dollars."""
        parts = text.split("$")
        return [
            nodes.math(part, part) if odd % 2 else nodes.Text(part)
            for odd, part in enumerate(parts)
            if part
        ]

    def notation(self):
        document = nodes.document(None, None)
        terms = nodes.definition_list()
        document += terms
        for term, definition in self.PAGE:
            item = nodes.definition_list_item()
            item += nodes.term("", "", *self.inline(term))
            item += nodes.definition("", nodes.paragraph("", "", *self.inline(definition)))
            terms += item
        return document

    @pytest.fixture
    def rows(self):
        return self.SYMBOLS.rows_of(self.notation())

    def linked(self, rows, *parts, other=frozenset()):
        """Formulas and anchors that become links on a page of the given parts, in order."""
        page = nodes.document(None, None)
        page += [
            nodes.paragraph("", "", *self.inline(part)) if isinstance(part, str) else part
            for part in parts
        ]
        self.SYMBOLS.link(page, rows, "notation.html", other)
        links = [
            reference
            for reference in page.findall(nodes.reference)
            if "symbol" in reference["classes"]
        ]
        return [(link.astext(), link["refuri"].partition("#")[2]) for link in links]

    def test_every_row_of_symbols_has_an_anchor_of_its_own(self):
        page = self.notation()
        self.SYMBOLS.rows_of(page)
        assert [anchor for term in page.findall(nodes.term) for anchor in term["ids"]] == [
            "symbol-n", "symbol-N", "symbol-N-list", "symbol-hat-Y", "symbol-lambda-W",
            "symbol-lambda-H", "symbol-U", "symbol-kappa", "symbol-G", "symbol-g", "symbol-alpha",
            "symbol-alpha-ast",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("formula", "title"),
        [
            (r"\kappa", "kappa: strength of each mode, see Notation"),
            (r"\hat Y", "hat Y: effective label matrix, see Notation"),
            ("G", "G: what hat Y does to vectors, see Notation"),
            ("g", "g: what Lemma A.2 makes small, see Notation"),
            ("V", "V: singular vectors of the labels, see Notation"),
        ],
    )
    def test_a_link_says_what_the_symbol_is(self, rows, formula, title):
        assert self.SYMBOLS.row_of(formula, rows).title == title

    @pytest.mark.parametrize(
        ("formula", "anchor"),
        [
            (r"\kappa", "symbol-kappa"),
            (r"\kappa_k", "symbol-kappa"),
            (r"\kappa_{K-1}", "symbol-kappa"),
            ("N", "symbol-N"),
            ("N_2", "symbol-N-list"),
            ("N_{j+1}", "symbol-N-list"),
            ("n", "symbol-n"),
            ("n_k", "symbol-n"),
            (r"\hat{Y}", "symbol-hat-Y"),
            (r"\lambda_W", "symbol-lambda-W"),
            (r"\lambda_{W_j}", "symbol-lambda-W"),
            (r"\lambda_{H}", "symbol-lambda-H"),
            ("g(x)", "symbol-g"),
            (r"\alpha", "symbol-alpha"),
            (r"\alpha^*", "symbol-alpha-ast"),
            (r"\alpha^{\ast}", "symbol-alpha-ast"),
        ],
    )
    def test_what_is_a_symbol(self, rows, formula, anchor):
        assert self.linked(rows, f"Here ${formula}$ stands.") == [(formula, anchor)]

    @pytest.mark.parametrize(
        "formula",
        [
            r"\kappa_k^2",
            r"\lambda",
            r"\hat Y'",
            "N = 3",
            "n/N",
            r"\bar H",
            "g'(x)",
            "h_G",
            "g(0)",
            "Y",
            "-N",
            "n_k - 1",
        ],
    )
    def test_what_is_none(self, rows, formula):
        assert self.linked(rows, f"Here ${formula}$ stands.") == []

    def test_only_the_first_use_is_linked(self, rows):
        assert self.linked(
            rows, r"First $\kappa_k$ and $N$,", r"then $\kappa$, $N$ and $N_1$."
        ) == [
            (r"\kappa_k", "symbol-kappa"),
            ("N", "symbol-N"),
            ("N_1", "symbol-N-list"),
        ]

    def test_headings_captions_and_links_are_passed_over(self, rows):
        section = nodes.section("", nodes.title("", "", *self.inline("The matrix $G$")))
        figure = nodes.figure("", nodes.caption("", "", *self.inline("Of $G$")))
        old = nodes.paragraph("", "", nodes.reference("", "", *self.inline("see $G$"), refuri="x"))
        item = nodes.list_item("", nodes.paragraph("", "", *self.inline("$G$ is large")))
        choices = nodes.bullet_list("", item, classes=["nc-choices"])
        assert self.linked(rows, section, figure, old, choices) == []
        assert self.linked(rows, section.deepcopy(), figure, "Here is $G$.") == [("G", "symbol-G")]

    @pytest.mark.parametrize("closed", ["dropdown", "nc-predicted"])
    def test_a_use_in_plain_sight_comes_before_one_in_a_closed_box(self, rows, closed):
        box = nodes.admonition("", nodes.paragraph("", "", *self.inline("$G$ and $N$")))
        box["classes"].append(closed)
        assert self.linked(rows, box, "And $G$ here.") == [("N", "symbol-N"), ("G", "symbol-G")]

    @pytest.mark.parametrize("path", sorted(EXTENSIONS.parent.glob("*.ipynb")))
    def test_a_letter_that_a_chapter_excepts_would_be_linked_there(self, path):
        """What is left over from an older text would leave the letter without its link."""
        notebook = json.loads(path.read_text(encoding="utf-8"))
        prose = "".join(
            "".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"
        )
        formulas = {self.SYMBOLS.parse(formula).core for formula in re.findall(r"\$(.+?)\$", prose)}
        terms = (EXTENSIONS.parent / "notation.md").read_text(encoding="utf-8")
        known = {
            symbol.core
            for term in re.findall(r"^\$(.+)\$$", terms, re.MULTILINE)
            for symbol in self.SYMBOLS.symbols_of(term)
        }
        for letter, meaning in notebook["metadata"].get("other_meanings", {}).items():
            assert letter in formulas & known
            assert len(meaning.split()) > 1

    def test_the_metadata_of_a_chapter_name_its_exceptions(self, tmp_path):
        """As MyST-NB hands them on."""
        (tmp_path / "index.ipynb").write_text(
            json.dumps(
                {
                    "cells": [
                        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# A"}
                    ],
                    "metadata": {"other_meanings": {"c": "a cosine", "x": "any number"}},
                    "nbformat": 4,
                    "nbformat_minor": 5,
                }
            )
        )
        with docutils_namespace():
            options = {"extensions": ["myst_nb"], "nb_execution_mode": "off"}
            app = Sphinx(
                tmp_path, None, tmp_path / "out", tmp_path / "trees", "dummy", options,
                status=None, warning=None,
            )  # fmt: skip
            app.build()
        assert self.SYMBOLS.other_meanings(app, "index") == {"c", "x"}
        app.env.metadata["plain"] = {}
        assert self.SYMBOLS.other_meanings(app, "plain") == set()

    def test_a_letter_with_another_meaning_is_left_alone(self, rows):
        assert self.linked(rows, "A group $G$ of $N$.", other={"G"}) == [("N", "symbol-N")]


class TestMoving:
    """What they do in a page: tests/browser/test_moving.py."""

    MOVING = extension("moving")

    def test_the_form_offers_the_small_sets_of_the_gallery(self):
        options = re.findall(r'<option value="([\w-]+)" data-counts="([^"]+)">', self.MOVING.form())
        known = {key: entry.counts for key, entry in gallery().items() if entry.counts.K <= 100}
        assert [key for key, _ in options] == list(known)
        for key, told in options:
            found = read_pasted(unescape(told).replace("|", "\n"))
            assert found.n == tuple(known[key].n.tolist()), key
            assert found.names == known[key].names, key

    def test_what_a_picture_is_told_is_whole(self):
        """An apostrophe would end it."""
        told = []
        for path in [*EXTENSIONS.parent.glob("*.ipynb"), *EXTENSIONS.parent.glob("*.md")]:
            text = path.read_text(encoding="utf-8")
            if path.suffix == ".ipynb":
                text = "".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
            told += re.findall(r"data-told='([^']*)'", text)
        assert len(told) >= 4
        for one in told:
            assert isinstance(json.loads(unescape(one)), dict)


class TestPageFiles:
    FILES = extension("page_files")

    @pytest.mark.parametrize(
        ("html", "files"),
        [
            ("<p>", []),
            ('<form id="your-counts">', []),
            (
                '<div class="nc-explorable" id="x">',
                ["explorables.css", "vega.js", "explorables.js"],
            ),
            ('<figure class="nc-figure" id="x">', ["figures.js"]),
            ('<div class="nc-answer">', ["answers.js"]),
            ('<table class="claims docutils align-default">', ["ledger.js"]),
            ('<div class="claims-bar">', []),
            ('<div class="admonition nc-predict tip">', ["predict.js"]),
            ('<details class="nc-predicted">', []),
            ('<p data-moving="live">', ["drawing.js", "theory.js", "live.js"]),
            (
                '<p data-moving="picture"><form data-moving="box">',
                ["drawing.js", "theory.js", "front-box.js", "pictures.js"],
            ),
        ],
    )
    def test_a_page_loads_what_it_holds_and_no_more(self, html, files):
        added = {}
        app = SimpleNamespace(
            add_js_file=lambda name, loading_method: added.update({name: loading_method}),
            add_css_file=lambda name: added.update({name: "style"}),
        )
        self.FILES.load(app, "", "", {"body": html}, None)
        assert list(added) == files
        for name, when in added.items():
            at_once = None if name == "predict.js" else "defer"
            assert when == ("style" if name.endswith(".css") else at_once)

    def test_what_has_no_page_has_no_body(self):
        self.FILES.load(None, "search", "", {}, None)

    def test_every_file_is_there(self):
        made = set(extension("explorable_pages").ASSETS)
        named = {name for _, files in self.FILES.FILES for name in files}
        for name in named - made:
            assert (EXTENSIONS.parent / "_static" / name).exists(), name
        assert made <= named
