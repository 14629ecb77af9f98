"""Scripts and styles of what moves, asks or opens: loaded where it is, and on no other page."""

import re

from sphinx.application import Sphinx

# What is found in the HTML of a page, and what works it, in the order in which a page loads it.
FILES = (
    (r'data-moving="box', ("drawing.js", "theory.js", "front-box.js")),
    (r'data-moving="live', ("drawing.js", "theory.js", "live.js")),
    (r'data-moving="picture', ("drawing.js", "theory.js", "pictures.js")),
    (r'class="nc-explorable"', ("explorables.css", "vega.js", "explorables.js")),
    (r'class="nc-figure"', ("figures.js",)),
    (r'class="nc-answer"', ("answers.js",)),
    (r'<table class="(?:[^"]* )?claims\b(?!-)', ("ledger.js",)),
    # Covers answers before anything of the page is seen.
    (r'class="[^"]*\bnc-predict\b', ("predict.js",)),
)
AT_ONCE = {"predict.js"}


def wanted(body: str) -> list[str]:
    """Name the files that a page wants, each once."""
    names = (name for sign, files in FILES if re.search(sign, body) for name in files)
    return list(dict.fromkeys(names))


def load(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, object],
    doctree: object,
) -> None:
    """Load them, once all else has been done to the page."""
    for name in wanted(str(context.get("body", ""))):
        if name.endswith(".css"):
            app.add_css_file(name)
        else:
            app.add_js_file(name, loading_method=None if name in AT_ONCE else "defer")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
