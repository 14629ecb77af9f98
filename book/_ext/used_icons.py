"""Send only the icons that the pages show.

The theme's script has all of Font Awesome, two thousand icons. They were half of what a first visit
to a page without pictures transferred.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx

SCRIPT = "_static/scripts/fontawesome.js"

# name:[width,height,["alias",...],"code","path"], after another of them or the first.
ICON = re.compile(
    r'(?<=[{,])"?(?P<name>[a-z0-9-]+)"?:'
    r'\[\d+,\d+,\[(?P<aliases>[^\]]*)\],"[0-9a-f]+",(?:"[^"]*"|\[[^\]]*\])\],?'
)


def names_in(text: str) -> set[str]:
    """Find what may be the name of an icon in a page or a script."""
    return set(re.findall(r"\bfa-([a-z0-9-]+)", text))


def keep(script: str, names: set[str]) -> str:
    """Return the script without the icons that have none of the names."""

    def chosen(icon: re.Match[str]) -> str:
        own = {icon["name"], *re.findall(r'"([^"]+)"', icon["aliases"])}
        return icon[0] if own & names else ""

    return ICON.sub(chosen, script)


def shorten(app: Sphinx, exception: Exception | None) -> None:
    """Shorten the script that Sphinx has copied, once all pages are there."""
    folder = Path(app.outdir)
    script = folder / SCRIPT
    if exception or app.builder.format != "html" or not script.exists():
        return
    names: set[str] = set()
    for kind in ("*.html", "*.js"):
        for path in folder.rglob(kind):
            if path != script:
                names |= names_in(path.read_text(encoding="utf-8"))
    script.write_text(keep(script.read_text(encoding="utf-8"), names), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect("build-finished", shorten)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
