"""The form on the landing page, and the scripts of the pictures that move.

```{front-box}
```

puts the form into a page. A picture that moves is an element with the attribute `data-moving`; a
page that has one, or the form, loads the scripts for it, and no other page does.
"""

from html import escape
from pathlib import Path
from string import Template

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from nclib.data.published import gallery

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


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_directive("front-box", FrontBox)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
