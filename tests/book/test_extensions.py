"""The local extensions of the book, apart from Sphinx; the pages themselves: tests/browser."""

import importlib.util
from pathlib import Path

import pytest
from docutils import nodes

EXTENSIONS = Path(__file__).resolve().parents[2] / "book" / "_ext"


def extension(name):
    """An extension as Jupyter Book loads it: by its file."""
    spec = importlib.util.spec_from_file_location(name, EXTENSIONS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
            ("<title>Sets &#8212; Sets: a book</title>", "<title>Sets: a book</title>"),
            ("<title>Sets &#8212; Numbers</title>", "<title>Sets &#8212; Numbers</title>"),
        ],
    )  # fmt: skip
    def test_what_is_mended_and_what_is_not(self, before, after):
        mend = extension("mend_pages").mend
        assert mend(before) == after
        assert mend(after) == after


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
        assert len(text) <= self.PREVIEW.LENGTH
        assert text.endswith("seven…")

    def test_a_page_without_prose_has_none(self):
        assert self.PREVIEW.describe(self.page()) == ""


class TestExplorablePages:
    """What stands in the pages themselves: tests/browser/test_explorables_in_pages.py."""

    PAGES = extension("explorable_pages")

    @pytest.mark.parametrize(
        ("html", "is_one"),
        [('<div class="nc-explorable" id="x">', True), ('<form id="calculator">', False)],
    )
    def test_pages_that_need_the_scripts_are_known_by_their_html(self, html, is_one):
        assert self.PAGES.is_explorable(nodes.raw("", html, format="html")) == is_one

    def test_the_script_stands_alone_and_fetches_nothing(self):
        """A classic script: module code would not load from the file system."""
        script = self.PAGES.ASSETS["vega.js"]()
        assert script.startswith("window.vegaEmbed || (() => {")
        assert "\nimport " not in script
        assert "\nexport " not in script


class TestClaims:
    CLAIMS = extension("claims")

    @pytest.mark.parametrize(
        ("value", "text"), [(0, "0"), (1e-5, "1e-5"), (3.4e-16, "3e-16"), (1e-12, "1e-12")]
    )
    def test_errors_are_powers_of_ten(self, value, text):
        assert self.CLAIMS.number(value) == text

    def test_instances_are_added_and_the_largest_error_is_kept(self):
        row = {
            "tests": {
                "one": {
                    "a": {"instances": 3, "largest": 1e-9},
                    "b": {"instances": 4, "largest": 0},
                },
                "two": {"a": {"instances": 5, "largest": 2e-8}},
            }
        }
        assert self.CLAIMS.measured(row) == (12, 2e-8)
