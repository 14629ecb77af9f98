"""The pages' own scripts without comments, spaces and long names, by Terser.

`npm ci` brings Terser. Without Node the pages have the scripts as they are written: twice as large,
and the same in all else.
"""

import shutil
import subprocess
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

SCRIPT = Path(__file__).with_name("small_scripts.mjs")


def write(app: Sphinx, exception: Exception | None) -> None:
    """Make the scripts of the site small."""
    if exception or app.builder.format != "html" or shutil.which("node") is None:
        return
    if not (Path(app.confdir) / "node_modules" / "terser").is_dir():
        return
    folders = [Path(app.confdir) / name for name in app.config.html_static_path]
    names = sorted(path.name for folder in folders for path in folder.glob("*.js"))
    command = ["node", SCRIPT, Path(app.outdir) / "_static", *names]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise ExtensionError(f"a script could not be made small: {run.stderr}")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension: Sphinx has written the scripts, and their checksums, by then."""
    app.connect("build-finished", write, priority=800)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
