"""The offline copy: one zip, opened from the file system in a real browser without a network."""

import re
import zipfile
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from test_site import SITE, built_pages, drive, require_browser_and_site

import nclib as nc
from nclib.views import explorables
from tools.offline_copy import LEFT_OUT, NAME, pack

SCRIPT = Path(__file__).with_name("offline_copy.mjs")


def site_without_mathjax(folder):
    (folder / "index.html").write_text("a book")


@pytest.mark.parametrize(
    ("make", "message"),
    [(lambda folder: None, "make book"), (site_without_mathjax, "install Node")],
)
def test_what_would_not_open_is_not_packed(tmp_path, make, message):
    site = tmp_path / "site"
    site.mkdir()
    make(site)
    with pytest.raises(ValueError, match=message):
        pack(site, tmp_path / "copy.zip")
    assert not (tmp_path / "copy.zip").exists()


@pytest.fixture
def small_site(tmp_path):
    """A site with a file of each kind that is left out, and a button that leads to one."""
    site = tmp_path / "site"
    for name in ("index.html", "_static/mathjax/x.js", "_sources/a.ipynb", "pagefind/b", ".c"):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text("a book")
    (site / "index.html").write_text(
        "<ul>\n<li>one</li>\n<li><a href='_sources/a.ipynb'\n class='btn "
        "btn-download-source-button'>source</a>\n</li>\n<li>two</li>\n</ul>"
    )
    return site


TEXTS = ("README.txt", "index.html")


def contents(path):
    with zipfile.ZipFile(path) as archive:
        names = [name.removeprefix(f"{NAME}/") for name in archive.namelist()]
        return names, *(archive.read(f"{NAME}/{name}").decode() for name in TEXTS)


def test_a_copy_says_what_it_is(small_site, tmp_path):
    pack(small_site, tmp_path / "copy.zip")
    names, readme, page = contents(tmp_path / "copy.zip")
    assert page == "<ul>\n<li>one</li>\n\n<li>two</li>\n</ul>"
    assert names == ["README.txt", "_static/mathjax/x.js", "index.html"]
    for said in ("Open index.html", "No server", "MIT License", "CC BY 4.0", "Open Font License"):
        assert said in readme
    assert "pdf" not in readme.lower()
    assert "{" not in readme


def test_a_copy_has_the_book_as_a_pdf(small_site, tmp_path):
    pdf = tmp_path / "printed.pdf"
    pdf.write_bytes(b"%PDF")
    pack(small_site, tmp_path / "copy.zip", pdf)
    names, readme, _ = contents(tmp_path / "copy.zip")
    assert "printed.pdf" in names
    assert "printed.pdf is the same book" in readme


def test_no_page_of_a_copy_leads_to_what_is_left_out(copy):
    """The site has a button for the source of each page; what else leads there would be noticed."""
    for page in (copy / name for name in built_pages()):
        text = page.read_text(encoding="utf-8")
        assert "btn-download-source-button" not in text
        links = re.findall(r'\bhref="([^"]*)"', text)
        assert len(links) > 50
        for link in map(unescape, links):
            address = urlsplit(link)
            if not address.scheme and not address.netloc and address.path:
                path = (page.parent / unquote(address.path)).resolve()
                assert path.relative_to(copy).parts[:1] not in {(name,) for name in LEFT_OUT}
                assert path.exists(), f"{page.name}: {link}"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    require_browser_and_site()
    folder = tmp_path_factory.mktemp("offline").resolve()
    pack(SITE, folder / "copy.zip")
    with zipfile.ZipFile(folder / "copy.zip") as archive:
        archive.extractall(folder)
    return folder / NAME


@pytest.fixture(scope="module")
def report(copy):
    return drive(SCRIPT, copy)


def test_nothing_fails_and_nothing_is_fetched(report):
    assert report["errors"] == []


def test_formulas_are_set_in_their_fonts(report):
    assert report["formulas"] == []
    assert any("MJX" in family for family in report["fonts"])


def test_the_form_answers(report):
    problem = nc.Problem([60, 10, 10], 1, lambda_W=0.039, lambda_H=0.039)
    first = nc.first_loss(problem)
    assert first.classes == (1, 2)
    assert first.factor < 1
    assert report["calculated"].startswith(
        "Lost first, and lost now: classes 2, 3 (10 samples each)"
    )
    assert report["calculated"].endswith(f"with all penalties times {first.factor:.3g}.")


def test_the_explorable_moves(report):
    shown = explorables.survival()
    first, *rest = shown.sliders
    assert report["explored"] == shown.summaries[first.values[-1], *(s.default for s in rest)]
    assert report["marks"] > 0


def test_search_finds_and_leads_there(report):
    assert any("Features collapse to a simplex" in title for title in report["found"])
    assert "Features collapse to a simplex" in report["arrived"]
