"""Explorables in the book: their scripts once in the site, and a directive for Markdown pages.

A notebook has its explorables in its outputs. In a Markdown page,

    ```{explorable} survival
    ```

puts the same HTML there: what the function of that name in `nclib.views.explorables` returns.
"""

from functools import partial
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from nclib.views import explorables
from nclib.views.explorables.explorable import asset, vega_script

# File to what makes its text, in the order in which a page loads them.
ASSETS = {
    "explorables.css": partial(asset, "explorables.css"),
    "vega.js": vega_script,
    "explorables.js": partial(asset, "explorables.js"),
}


class ExplorableDirective(SphinxDirective):
    """Puts an explorable into a page."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make it, and hand on its HTML as a notebook's output would."""
        name = self.arguments[0]
        if name not in explorables.__all__:
            raise self.error(f"there is no explorable {name!r}; there are {explorables.__all__}")
        html = getattr(explorables, name)().html(scripts=False)
        return [nodes.raw("", html, format="html")]


def write_assets(app: Sphinx) -> None:
    """Put the scripts and the style beside the site's others, before their checksums are taken."""
    if app.builder.format != "html":
        return
    folder = Path(app.outdir) / "_static"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in ASSETS.items():
        (folder / name).write_text(text(), encoding="utf-8", newline="\n")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_directive("explorable", ExplorableDirective)
    app.connect("builder-inited", write_assets)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
