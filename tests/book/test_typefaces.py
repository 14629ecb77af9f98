"""The book's typefaces: which letters of them a page gets.

That pages are set in them, to the last letter: tests/browser/test_site.py.
"""

import io
import itertools
import json
import re
import subprocess
import unicodedata
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.ttLib import TTFont
from sphinx.errors import ExtensionError
from test_extensions import EXTENSIONS, extension

fonts = extension("local_fonts")
PACKAGES = EXTENSIONS.parents[1] / "node_modules"


def test_a_style_sheet_names_runs_of_letters():
    letters = [0x20, 0x21, 0x22, 0x3BB, 0x2212, 0x2213]
    assert fonts.unicode_range(letters) == "U+20-22, U+3BB, U+2212-2213"


def test_ranges_are_in_order_and_apart():
    ends = [end for both in fonts.RANGES for end in both]
    assert ends == sorted(ends)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(fonts.RANGES))


def test_ranges_begin_and_end_with_the_letters_that_are_meant(tmp_path):
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "any"])
    builder.setupCharacterMap(dict.fromkeys(range(0x20, 0x3000), "any"))
    builder.font.save(tmp_path / "all.ttf")
    ends = [
        ("space", "tilde"),
        ("no-break space", "latin small letter y with diaeresis"),
        ("latin small letter dotless i",) * 2,
        ("latin capital ligature oe", "latin small ligature oe"),
        ("latin capital letter w with circumflex", "latin small letter y with circumflex"),
        ("combining grave accent", "combining macron"),
        ("combining diaeresis",) * 2,
        ("greek capital letter alpha", "greek small letter omega"),
        ("greek phi symbol", "greek pi symbol"),
        ("greek lunate epsilon symbol",) * 2,
        ("hyphen", "hyphenation point"),
        ("per mille sign", "single right-pointing angle quotation mark"),
        ("superscript zero", "latin subscript small letter t"),
        ("euro sign",) * 2,
        ("planck constant", "double-struck capital r"),
        ("trade mark sign",) * 2,
        ("leftwards arrow", "south west arrow"),
        ("leftwards double arrow", "up down double arrow"),
        ("for all", "z notation bag membership"),
        ("black square", "black circle"),
        ("check mark", "ballot x"),
    ]
    runs = fonts.unicode_range(fonts.letters(tmp_path / "all.ttf")).replace("U+", "").split(", ")
    pairs = [[int(code, 16) for code in f"{run}-{run}".split("-")] for run in runs]
    found = [
        tuple(unicodedata.name(chr(code)).lower() for code in (pair[0], pair[-1])) for pair in pairs
    ]
    assert found == ends


def test_what_is_missing_is_said(tmp_path, monkeypatch):
    assert fonts.missing(tmp_path) == (
        "source-code-pro and source-sans and subset-font not installed (`npm ci` does that)"
    )
    for name in ("source-code-pro", "subset-font"):
        (tmp_path / name).mkdir()
    assert fonts.missing(tmp_path) == "source-sans not installed (`npm ci` does that)"
    (tmp_path / "source-sans").mkdir()
    assert fonts.missing(tmp_path) is None
    monkeypatch.setattr(fonts.shutil, "which", lambda name: None)
    assert fonts.missing(tmp_path) == "Node is not installed"


def test_a_face_lists_the_letters_that_it_draws():
    """DejaVu, which Matplotlib brings, has Latin, Greek and signs."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSansMono.ttf"
    found = fonts.letters(path)
    assert found == sorted(found)
    assert {ord(letter) for letter in "aλκ√−≤→~ÿı"} <= set(found)
    assert set(found) < {n for a, b in fonts.RANGES for n in range(a, b + 1)}


def test_a_cut_face_keeps_its_letters_and_gets_another_name(tmp_path, monkeypatch):
    if reason := fonts.missing(PACKAGES):
        pytest.skip(reason)
    whole, small = PACKAGES / fonts.FACES["mono"][2], tmp_path / "mono.woff2"
    monkeypatch.setattr(fonts, "RANGES", [(0x61, 0x62), (0x3BB, 0x3BB), (0x2192, 0x2192)])
    codes = fonts.cut(whole, "Book Mono", small)
    assert {*map(chr, codes)} == {"a", "b", "λ", "→"}
    # Python would need another package to read what is packed for the web.
    unpack = (
        'import { convert } from "fontverter"; import { readFileSync as read } from "node:fs";'
        f'process.stdout.write(await convert(read({json.dumps(str(small))}), "truetype"));'
    )
    command = ["node", "--input-type=module", "--eval", unpack]
    run = subprocess.run(command, cwd=EXTENSIONS, stdout=subprocess.PIPE, check=True)
    with TTFont(io.BytesIO(run.stdout)) as font:
        assert sorted(font.getBestCmap()) == codes
        assert [axis.axisTag for axis in font["fvar"].axes] == ["wght"]
        names = {record.nameID: str(record) for record in font["name"].names}
        assert (names[1], names[4], names[6]) == ("BookMono", "BookMono", "BookMono")
        # What is left of the other name: the copyright, which says that it is reserved.
        assert {number for number, text in names.items() if "Source" in text} <= {0, 7}
        assert "Adobe" in names[0]
    assert small.stat().st_size < 0.1 * whole.stat().st_size


def test_a_typeface_keeps_its_copyright_and_loses_the_name_that_is_reserved(tmp_path):
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef"])
    builder.setupNameTable(
        {
            "copyright": "Adobe, with Reserved Font Name Source",
            "familyName": "Source Code",
            "psName": "SourceCode-Roman",
            "version": "Version 1",
            "trademark": "Source is a trademark of Adobe",
            "manufacturer": "The Source makers",
        }
    )
    builder.font.save(tmp_path / "source.ttf")
    fonts.renamed(tmp_path / "source.ttf", "Book Mono", tmp_path / "book.ttf")
    with TTFont(tmp_path / "book.ttf") as font:
        assert {record.nameID: str(record) for record in font["name"].names} == {
            0: "Adobe, with Reserved Font Name Source",
            1: "BookMono",
            5: "Version 1",
            6: "BookMono",
            7: "Source is a trademark of Adobe",
            8: "BookMono",
        }


@pytest.fixture
def app(tmp_path, monkeypatch):
    """What the extension asks of Sphinx, where cutting a typeface is noting it."""

    def cut(path, family, target):
        target.write_text(f"{path.name}: {family}")
        return [0x61, 0x62, 0x3BB]

    for package in ("source-sans", "source-code-pro"):
        (tmp_path / "node_modules" / package).mkdir(parents=True)
        (tmp_path / "node_modules" / package / "LICENSE.md").write_text(package)
    monkeypatch.setattr(fonts, "missing", lambda folder: None)
    monkeypatch.setattr(fonts, "cut", cut)
    styles = []
    return SimpleNamespace(
        builder=SimpleNamespace(format="html"),
        confdir=tmp_path,
        outdir=tmp_path / "site",
        add_css_file=styles.append,
        styles=styles,
    )


def test_the_site_gets_the_faces_their_licenses_and_a_style_sheet(app):
    for _ in range(2):
        fonts.copy(app)
    folder = app.outdir / "_static"
    assert app.styles == ["fonts.css"] * 2
    style = (folder / "fonts.css").read_text(encoding="utf-8")
    assert style.count("unicode-range: U+61-62, U+3BB;") == 3
    assert 'font-family: "Book Text Stand-in";' in style
    named = re.findall(r"src: url\(([^)]+)\)", style)
    assert named == ["fonts/text.woff2", "fonts/text-italic.woff2", "fonts/mono.woff2"]
    assert [(folder / name).read_text() for name in named] == [
        "SourceSans3VF-Upright.ttf: Book Text",
        "SourceSans3VF-Italic.ttf: Book Text",
        "SourceCodeVF-Upright.ttf: Book Mono",
    ]
    for package in ("source-sans", "source-code-pro"):
        assert (folder / "fonts" / f"{package}-LICENSE.txt").read_text() == package


@pytest.mark.parametrize("why", ["no pages", "no Node"])
def test_without_pages_or_node_there_are_no_faces_and_none_is_fetched(app, monkeypatch, why):
    if why == "no pages":
        app.builder.format = "latex"
    else:
        monkeypatch.setattr(fonts, "missing", lambda folder: "Node is not installed")
    fonts.copy(app)
    context = {}
    fonts.fetch_first(app, "book/a", "", context, None)
    assert not app.outdir.exists()
    assert (app.styles, context) == ([], {})


def test_a_page_fetches_the_text_face_at_once(app):
    fonts.copy(app)
    context = {
        "metatags": "<meta>",
        "pathto": lambda name, resource=False: f"../{name}" if resource else f"../{name}.html",
    }
    fonts.fetch_first(app, "book/a", "", context, None)
    assert context["metatags"].startswith("<meta>")
    assert 'href: "../_static/fonts/text.woff2"' in context["metatags"]


def test_what_keeps_a_face_from_being_cut_is_said(tmp_path, monkeypatch):
    if not fonts.shutil.which("node"):
        pytest.skip("Node is not installed")
    monkeypatch.setattr(fonts, "SCRIPT", tmp_path / "broken.mjs")
    fonts.SCRIPT.write_text("process.stderr.write('no letters'); process.exit(3);\n")
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSansMono.ttf"
    with pytest.raises(ExtensionError) as failure:
        fonts.cut(path, "Book Mono", tmp_path / "mono.woff2")
    assert str(failure.value) == "the typeface DejaVuSansMono.ttf could not be cut: no letters"
