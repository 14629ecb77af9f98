"""Buttons that lead to Binder, Colab, the repository and its issues.

They need the repository's address. It is that of the git remote `origin`, or what the environment
variable REPOSITORY_URL says, for example `make book REPOSITORY_URL=https://github.com/name/book`;
with REPOSITORY_URL= there is none. Where no address is known no page has any of these buttons.
"""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)

# The hosts that Binder and the theme know, in the forms in which git writes addresses.
ADDRESS = re.compile(
    r"(?:https://(?:[^@/]+@)?|ssh://git@|git@)(github\.com|gitlab\.com)[/:]([\w.-]+)/([\w.-]+?)"
    r"(?:\.git)?/?"
)

# Colab opens notebooks from GitHub only. Those in this branch begin with a cell that installs the
# library: tools/colab.py makes them, and CI keeps the branch up to date.
COLAB = "https://colab.research.google.com/github/{owner_and_name}/blob/colab/{notebook}"


def git_remote(root: Path) -> str:
    """Return the address of the remote `origin`; "" without git, or inside of something else's."""

    def git(*arguments: str) -> str:
        run = subprocess.run(
            ["git", "-C", root, *arguments], capture_output=True, text=True, check=False
        )
        return run.stdout.strip()

    try:
        inside = Path(git("rev-parse", "--show-toplevel"))
    except FileNotFoundError:
        return ""
    return git("remote", "get-url", "origin") if inside == root.resolve() else ""


def web_address(repository: str) -> str:
    """Return the address that a browser opens, or "" for a host without buttons."""
    match = ADDRESS.fullmatch(repository.strip())
    return "https://{}/{}/{}".format(*match.groups()) if match else ""


def remote(root: Path) -> str:
    """Return where the repository is, as the environment or git says; "" where neither does."""
    named = os.environ.get("REPOSITORY_URL")
    return git_remote(root) if named is None else named


def configure(app: Sphinx, config: Config) -> None:
    """Switch the theme's own buttons on, if there is somewhere to lead to."""
    address = web_address(remote(Path(app.confdir)))
    if not address:
        LOGGER.info("No address on GitHub or GitLab is known: pages have no buttons to one.")
        return
    config.html_theme_options |= {
        "repository_url": address,
        # The default branch, whatever its name.
        "repository_branch": "HEAD",
        "use_repository_button": True,
        "use_issues_button": True,
        "launch_buttons": {
            "binderhub_url": "https://mybinder.org",
            "notebook_interface": "jupyterlab",
        },
    }


def add_colab(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Put Colab beside Binder. The theme would open the notebook that lacks the first cell."""
    owner_and_name = app.config.html_theme_options["repository_url"].partition("github.com/")[2]
    for group in context.get("header_buttons", []):
        if group["label"] == "launch-buttons" and owner_and_name:
            notebook = f"{pagename.rpartition('/')[2]}.ipynb"
            group["buttons"].append(
                {
                    "type": "link",
                    "text": "Colab",
                    "tooltip": "Launch on Colab",
                    "icon": "_static/images/logo_colab.png",
                    "url": COLAB.format(owner_and_name=owner_and_name, notebook=notebook),
                }
            )


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension: buttons first, then the theme's reading of them, then Colab's."""
    app.connect("config-inited", configure)
    app.connect("html-page-context", add_colab, priority=502)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
