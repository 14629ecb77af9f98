"""The typefaces of the book, served from the site itself.

`npm ci` puts them into node_modules, cut into ranges of letters: a page fetches the Greek ones only
where it has some. Both are under the Open Font License, whose text goes with them. Without
node_modules a reader's own sans-serif and monospaced faces stand in.
"""

import re
import shutil
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)

# Package: style sheet, and the ranges of letters that are wanted of it.
WANTED = {
    "source-sans-3": {"wght.css": ("latin", "greek"), "wght-italic.css": ("latin",)},
    "source-code-pro": {"wght.css": ("latin", "greek")},
}
STYLE = "fonts.css"

FACE = re.compile(r"@font-face \{[^}]*?url\(\./files/(?P<file>[\w.-]+)\)[^}]*\}")


def source(app: Sphinx) -> Path:
    """Return where npm puts typefaces."""
    return Path(app.confdir) / "node_modules" / "@fontsource-variable"


def faces(folder: Path) -> dict[str, str]:
    """Return the rule for each wanted file of the packages in a folder, by `PACKAGE/FILE`."""
    found = {}
    for package, sheets in WANTED.items():
        for sheet, ranges in sheets.items():
            for rule in FACE.finditer((folder / package / sheet).read_text(encoding="utf-8")):
                name = rule["file"].removeprefix(f"{package}-")
                if any(re.match(rf"{letters}-wght", name) for letters in ranges):
                    found[f"{package}/{rule['file']}"] = rule[0].replace("./files/", "fonts/")
    return found


def copy(app: Sphinx) -> None:
    """Put the typefaces beside the site's scripts, and load the rules for them on every page."""
    if app.builder.format != "html":
        return
    if not source(app).is_dir():
        LOGGER.info("The book's typefaces are not installed here (`npm ci` does that).")
        return
    target = Path(app.outdir) / "_static" / "fonts"
    target.mkdir(parents=True, exist_ok=True)
    rules = faces(source(app))
    for path in rules:
        package, file = path.split("/")
        shutil.copyfile(source(app) / package / "files" / file, target / file)
    for package in WANTED:
        shutil.copyfile(source(app) / package / "LICENSE", target / f"{package}-LICENSE.txt")
    (target.parent / STYLE).write_text("\n".join(rules.values()) + "\n", encoding="utf-8")
    app.add_css_file(STYLE)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension. The files are there before Sphinx computes their checksums."""
    app.connect("builder-inited", copy)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
