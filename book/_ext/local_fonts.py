"""The typefaces of the book, served from the site itself.

`npm ci` brings Source Sans 3 and Source Code Pro, each as one file with all weights. Of them pages
need few letters: `subset_font.mjs` cuts the rest away. Both are under the Open Font License, whose
text goes with them; it reserves the name "Source" for the typefaces as they were published, so that
these parts of them are called Book Text and Book Mono. Without Node a reader's own sans-serif and
monospaced faces stand in.
"""

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from fontTools.ttLib import TTFont
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)

SCRIPT = Path(__file__).with_name("subset_font.mjs")
STYLE = "fonts.css"
FOLDER = "fonts"

# Name of the file: family, style, and where npm puts all of it.
FACES = {
    "text": ("Book Text", "normal", "source-sans/VF/SourceSans3VF-Upright.ttf"),
    "text-italic": ("Book Text", "italic", "source-sans/VF/SourceSans3VF-Italic.ttf"),
    "mono": ("Book Mono", "normal", "source-code-pro/VF/SourceCodeVF-Upright.ttf"),
}
# Every page is set in it: it is fetched with the page, and not only when letters are drawn.
FIRST = "text"

# Latin, Greek, and the signs of mathematics, prose and code, first and last of each range. A test
# finds what pages have beside these.
RANGES = [
    (0x20, 0x7E),
    (0xA0, 0xFF),
    (0x131, 0x131),  # dotless i
    (0x152, 0x153),  # ligatures of French
    (0x174, 0x177),  # W and y with a circumflex
    (0x300, 0x304),  # accents that stand above any letter: a hat, a bar
    (0x308, 0x308),
    (0x391, 0x3C9),  # Greek
    (0x3D5, 0x3D6),
    (0x3F5, 0x3F5),
    (0x2010, 0x2027),  # dashes, quotation marks, dots
    (0x2030, 0x203A),
    (0x2070, 0x209C),  # indices and powers
    (0x20AC, 0x20AC),
    (0x210E, 0x211D),
    (0x2122, 0x2122),
    (0x2190, 0x2199),  # arrows
    (0x21D0, 0x21D5),
    (0x2200, 0x22FF),  # operators and relations
    (0x25A0, 0x25CF),  # squares, triangles, disks
    (0x2713, 0x2717),  # ticks and crosses
]

# Where a file says who made it and whose name "Source" is: by the numbers of OpenType.
COPYRIGHT, TRADEMARK = 0, 7

# What stands in until the text face is there: Arial, as wide and as high as that face, so that
# nothing moves. Over the prose of the book a letter of Arial is 0.4287 em wide, and one of the text
# face 0.3962; that one reaches 1.000 em up and 0.326 em down.
STAND_IN = """\
@font-face {
  font-family: "Book Text Stand-in";
  src: local("Arial"), local("Liberation Sans"), local("Helvetica");
  size-adjust: 92.4%;
  ascent-override: 108.2%;
  descent-override: 35.3%;
  line-gap-override: 0%;
}
"""

FACE = """\
@font-face {{
  font-family: "{family}";
  font-style: {style};
  font-weight: 200 900;
  font-display: swap;
  src: url({folder}/{name}.woff2) format("woff2");
  unicode-range: {ranges};
}}
"""


def source(app: Sphinx) -> Path:
    """Return where npm puts typefaces."""
    return Path(app.confdir) / "node_modules"


def missing(folder: Path) -> str | None:
    """Say what keeps the typefaces from the pages; None where nothing does."""
    if shutil.which("node") is None:
        return "Node is not installed"
    packages = {path.split("/")[0] for *_, path in FACES.values()} | {"subset-font"}
    absent = sorted(name for name in packages if not (folder / name).is_dir())
    return f"{' and '.join(absent)} not installed (`npm ci` does that)" if absent else None


def letters(path: Path) -> list[int]:
    """Return the code points within `RANGES` that a typeface can draw, in their order."""
    with TTFont(path, lazy=True) as font:
        drawn = font.getBestCmap()
    return [code for first, last in RANGES for code in range(first, last + 1) if code in drawn]


def renamed(path: Path, family: str, target: Path) -> None:
    """Write a typeface under another name; its copyright and license stay in it."""
    with TTFont(path, lazy=True) as font:
        for record in font["name"].names:
            if "Source" in str(record) and record.nameID not in (COPYRIGHT, TRADEMARK):
                # PostScript allows no spaces.
                record.string = family.replace(" ", "")
        font.save(target)


def unicode_range(codes: list[int]) -> str:
    """Return code points as a style sheet names them: runs of neighbours together."""
    runs: list[list[int]] = []
    for code in codes:
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return ", ".join(f"U+{a:X}" if a == b else f"U+{a:X}-{b:X}" for a, b in runs)


def cut(path: Path, family: str, target: Path) -> list[int]:
    """Write the letters of a typeface that pages may need, packed for the web; return them."""
    codes = letters(path)
    with TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.ttf"
        renamed(path, family, whole)
        run = subprocess.run(
            ["node", SCRIPT, whole, target],
            input="".join(map(chr, codes)),
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
    if run.returncode:
        raise ExtensionError(f"the typeface {path.name} could not be cut: {run.stderr}")
    return codes


def copy(app: Sphinx) -> None:
    """Put the typefaces beside the site's scripts, and load the rules for them on every page."""
    if app.builder.format != "html":
        return
    if reason := missing(source(app)):
        LOGGER.info(
            "The book's own typefaces are left out: %s. Pages are set in those of the reader's "
            "system.",
            reason,
        )
        return
    target = Path(app.outdir) / "_static" / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    rules = [STAND_IN]
    for name, (family, style, file) in FACES.items():
        codes = cut(source(app) / file, family, target / f"{name}.woff2")
        rules.append(
            FACE.format(
                family=family, style=style, folder=FOLDER, name=name, ranges=unicode_range(codes)
            )
        )
        package = file.split("/")[0]
        shutil.copyfile(source(app) / package / "LICENSE.md", target / f"{package}-LICENSE.txt")
    (target.parent / STYLE).write_text("\n".join(rules), encoding="utf-8")
    app.add_css_file(STYLE)


def fetch_first(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, object],
    doctree: object,
) -> None:
    """Have a page fetch the text face at once. From a file there is nothing to wait for."""
    if not (Path(app.outdir) / "_static" / STYLE).exists():
        return
    address = context["pathto"](f"_static/{FOLDER}/{FIRST}.woff2", 1)
    context["metatags"] = f"""{context.get("metatags", "")}
<script>if (location.protocol !== "file:") document.head.append(Object.assign(
document.createElement("link"), {{ rel: "preload", as: "font", type: "font/woff2",
crossOrigin: "anonymous", href: "{address}" }}));</script>"""


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension. The files are there before Sphinx computes their checksums."""
    app.connect("builder-inited", copy)
    app.connect("html-page-context", fetch_first)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
