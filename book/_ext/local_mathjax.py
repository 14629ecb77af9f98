"""Serve MathJax from the site itself.

`npm ci` puts MathJax into node_modules. From there the parts that a page needs go into the site:
the TeX input, the CHTML output with its fonts, and hidden MathML for screen readers; no menu, which
would be the larger half. Without node_modules pages ask a content delivery network, which is what
Sphinx does by itself.
"""

import shutil
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)

# Components that a page asks for, and those that they ask for themselves.
LOADED = ["input/tex", "output/chtml", "a11y/assistive-mml"]
NEEDED = ["startup", "core", *LOADED, "output/chtml/fonts/tex"]
# Extensions of TeX and fonts: fetched when a formula needs them.
FOLDERS = ["input/tex/extensions", "output/chtml/fonts/woff-v2"]


def source(app: Sphinx) -> Path:
    """Return where npm puts MathJax."""
    return Path(app.confdir) / "node_modules" / "mathjax" / "es5"


def configure(app: Sphinx, config: Config) -> None:
    """Point the pages at the site's own copy, if there is one to be had."""
    if not source(app).is_dir():
        LOGGER.info(
            "MathJax is not installed here (`npm ci` does that): the pages will take it from a "
            "content delivery network, and show formulas as TeX without the network."
        )
        return
    # Relative to _static, as every script of a page.
    config.mathjax_path = "mathjax/startup.js"
    config.mathjax3_config = {"loader": {"load": LOADED}}


def copy(app: Sphinx) -> None:
    """Put MathJax beside the site's other scripts."""
    if not source(app).is_dir() or app.builder.format != "html":
        return
    target = Path(app.outdir) / "_static" / "mathjax"
    for name in NEEDED:
        path = target / f"{name}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source(app) / f"{name}.js", path)
    for name in FOLDERS:
        shutil.copytree(source(app) / name, target / name, dirs_exist_ok=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension. The scripts are there before Sphinx computes their checksums."""
    app.connect("config-inited", configure)
    app.connect("builder-inited", copy)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
