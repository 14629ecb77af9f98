"""Search that finds sections, by Pagefind.

`npm ci` brings Pagefind. It makes its index of the pages as they are written, and search.js asks it
on the page of the search, where the site is served. Pages that were opened as files may fetch
nothing: there, and without Node, Sphinx's own search stays, which every site has.

A page may name words that it should be found by, in the metadata of a notebook or at the head of a
Markdown page:

    "keywords": "PyTorch, my own data"
"""

import shutil
import subprocess
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

SCRIPT = Path(__file__).with_name("search_index.mjs")
# Parts of Pagefind that are none of ours: its own boxes for a page.
UNUSED = ("pagefind-*ui.*", "pagefind-highlight.js", "wasm.unknown.pagefind")


def possible(app: Sphinx) -> bool:
    """Whether there is what makes the index."""
    package = Path(app.confdir) / "node_modules" / "pagefind"
    return app.builder.format == "html" and package.is_dir() and shutil.which("node") is not None


def load_script(app: Sphinx, pagename: str, *more: object) -> None:
    """Ask the index on the page of the search, if there will be one."""
    if pagename == "search" and possible(app):
        app.add_js_file("search.js", loading_method="defer")


def write(app: Sphinx, exception: Exception | None) -> None:
    """Make the index of all pages."""
    if exception or not possible(app):
        return
    folder = Path(app.outdir) / "pagefind"
    shutil.rmtree(folder, ignore_errors=True)
    reference = map(app.builder.get_target_uri, app.config.untimed_pages)
    command = ["node", SCRIPT, app.outdir, *reference]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise ExtensionError(f"no index for the search: {run.stderr}")
    for pattern in UNUSED:
        for path in folder.glob(pattern):
            path.unlink()


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension: the index comes last, when the pages are mended."""
    app.connect("html-page-context", load_script)
    app.connect("build-finished", write, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
