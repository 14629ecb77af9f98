"""The book's typefaces: which letters of them a page gets.

That pages are set in them, to the last letter: tests/browser/test_site.py.
"""

import io
import itertools
import json
import subprocess
from pathlib import Path

import matplotlib
import pytest
from fontTools.ttLib import TTFont
from test_extensions import EXTENSIONS, extension

fonts = extension("local_fonts")
PACKAGES = EXTENSIONS.parents[1] / "node_modules"


def test_a_style_sheet_names_runs_of_letters():
    assert fonts.unicode_range([0x20, 0x21, 0x22, 0x3BB, 0x2212]) == ("U+20-22, U+3BB, U+2212")


def test_ranges_are_in_order_and_apart():
    ends = [end for both in fonts.RANGES for end in both]
    assert ends == sorted(ends)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(fonts.RANGES))


def test_what_is_missing_is_said(tmp_path, monkeypatch):
    assert fonts.missing(tmp_path) == (
        "source-code-pro and source-sans and subset-font not installed (`npm ci` does that)"
    )
    monkeypatch.setattr(fonts.shutil, "which", lambda name: None)
    assert fonts.missing(tmp_path) == "Node is not installed"


def test_a_face_lists_the_letters_that_it_draws():
    """DejaVu, which Matplotlib brings, has Latin, Greek and signs."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSansMono.ttf"
    found = fonts.letters(path)
    assert found == sorted(found)
    assert {ord(letter) for letter in "aλκ√−≤→"} <= set(found)
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
