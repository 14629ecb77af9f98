"""Pack the built book into one zip that opens from the file system, without any network.

``make zip`` runs this. The same site, with the same PDF, gives the same bytes.
"""

import re
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
NAME = "neural-collapse-book"

# The earliest that a zip can hold.
MOMENT = (1980, 1, 1, 0, 0, 0)

# What only a server can use, and the sources of pages: who works on these has the repository.
LEFT_OUT = {"pagefind", "_sources"}
# What leads there: an entry of the menu of each page.
TO_SOURCE = re.compile(
    r"<li>\s*<a\b[^>]*\bbtn-download-source-button\b[^>]*>(?:(?!</a>).)*</a>\s*</li>", re.DOTALL
)

README = """\
Neural collapse under imbalanced data: an interactive companion
===============================================================

Open index.html in a browser, by a double click for example. Unpack the whole
folder first: the pages need what lies beside them, and nothing else. No server,
no network, nothing to install.{pdf}

What works from the disk
------------------------
All pages with their formulas and pictures, everything that moves, the form for
your own class counts, the answers typed into exercises, and the search. The search
names pages without quoting them; on a web server it also finds sections. Whether the
browser remembers your guesses and which code you opened depends on the browser. Links
to papers need the network. The code in the pages is to be read: to run it, take the
repository of the book, whose README says how.

Licenses
--------
Code: MIT License. Prose and figures: Creative Commons Attribution 4.0 International
(CC BY 4.0), https://creativecommons.org/licenses/by/4.0/
Typefaces: parts of Source Sans 3 and Source Code Pro, SIL Open Font License 1.1; the
license lies beside them in _static/fonts. Formulas are set by MathJax, Apache License
2.0.
"""
WITH_PDF = """

{name} is the same book to read on paper, without code."""


def readme(pdf: Path | None) -> str:
    """Return what the copy says of itself."""
    return README.format(pdf=WITH_PDF.format(name=pdf.name) if pdf else "")


def pack(site: Path, target: Path, pdf: Path | None = None) -> None:
    """Write a site, in one folder, into a zip, with a readme and, if there is one, the PDF.

    Raises
    ------
    ValueError
        If the site is not built, or would need the network for its formulas.
    """
    if not (site / "index.html").is_file():
        raise ValueError(f"there is no book in {site}: run `make book`")
    if not (site / "_static" / "mathjax").is_dir():
        raise ValueError("the book has no MathJax of its own: install Node, then run `make book`")
    contents = {"README.txt": readme(pdf).encode()}
    if pdf:
        contents[pdf.name] = pdf.read_bytes()
    for path in sorted(site.rglob("*")):
        name = path.relative_to(site)
        if path.is_file() and not name.name.startswith(".") and name.parts[0] not in LEFT_OUT:
            data = path.read_bytes()
            if path.suffix == ".html":
                data = TO_SOURCE.sub("", data.decode()).encode()
            contents[name.as_posix()] = data
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for inside, data in contents.items():
            entry = zipfile.ZipInfo(f"{NAME}/{inside}", MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)


def main() -> int:
    """Pack the book that `make book` has built, and what `make pdf` has printed of it."""
    target, pdf = SITE.parent / f"{NAME}.zip", SITE.parent / f"{NAME}.pdf"
    try:
        pack(SITE, target, pdf if pdf.exists() else None)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{target.stat().st_size / 1e6:.1f} MB: {target}")
    print("The book as a PDF is in it." if pdf.exists() else "It has no PDF of the book.")
    print(f"Unpack it anywhere, and open {NAME}/index.html.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
