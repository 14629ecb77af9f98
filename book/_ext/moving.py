"""The form on the landing page, and the scripts of the pictures that move.

```{front-box}
```

puts the form into a page. A picture that moves is an element with the attribute `data-moving`; a
page that has one, or the form, loads the scripts for it, and no other page does.
"""

import re
from html import escape
from pathlib import Path
from string import Template

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from nclib.data.published import gallery

# What each kind needs, in the order in which a page loads it.
SCRIPTS = {
    "box": ("drawing.js", "theory.js", "front-box.js"),
    "live": ("drawing.js", "theory.js", "live.js"),
    "picture": ("drawing.js", "theory.js", "pictures.js"),
}

# Data sets that the form offers: small enough to stand in the page.
MOST_CLASSES = 100

FORM = Template(Path(__file__).with_name("front_box.html").read_text(encoding="utf-8"))


def form() -> str:
    """Write the form, with the data sets to choose from."""
    presets = []
    for key, entry in gallery().items():
        counts = entry.counts
        if counts.K > MOST_CLASSES:
            continue
        names = counts.names or ()
        lines = [f"{names[k]},{n}" if names else f"{n}" for k, n in enumerate(counts.n.tolist())]
        told = escape("|".join(lines), quote=True)
        presets.append(f'<option value="{key}" data-counts="{told}">{key}</option>\n')
    first = gallery()["ham10000"].counts
    pasted = "\n".join(f"{name} {n}" for name, n in zip(first.names or (), first.n, strict=True))
    return FORM.substitute(counts=pasted, presets="".join(presets))


class FrontBox(SphinxDirective):
    """Puts the form into a page."""

    def run(self) -> list[nodes.Node]:
        """Hand its HTML on."""
        return [nodes.raw("", form(), format="html")]


def load_scripts(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, object],
    doctree: nodes.document | None,
) -> None:
    """Load the scripts of what a page holds."""
    if doctree is None:
        return
    text = "".join(node.astext() for node in doctree.findall(nodes.raw))
    wanted = dict.fromkeys(
        script for kind in re.findall(r'data-moving="(\w+)', text) for script in SCRIPTS[kind]
    )
    for script in wanted:
        app.add_js_file(script, loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_directive("front-box", FrontBox)
    app.connect("html-page-context", load_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
