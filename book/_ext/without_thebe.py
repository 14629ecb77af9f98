"""Switch sphinx-thebe off.

Jupyter Book loads sphinx-thebe always. Its scripts declare a constant twice, an error in the
console of every page, and point at a content delivery network and at somebody else's repository.
"""

from sphinx.application import Sphinx
from sphinx.config import Config


def switch_off(app: Sphinx, config: Config) -> None:
    """Undo what sphinx-thebe has asked Sphinx to do."""
    for listeners in app.events.listeners.values():
        listeners[:] = [call for call in listeners if call.handler.__module__ != "sphinx_thebe"]
    app.registry.css_files[:] = [
        file for file in app.registry.css_files if file[0] != "sphinx-thebe.css"
    ]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension: every other one has been set up when the configuration is ready."""
    app.connect("config-inited", switch_off)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
