"""Time first visits to the pages of the built book and redraws of its explorables, in a browser.

Run by ``make bench``; needs the built book, Node and Chromium. Every row is a median, by the clock;
ratios are to a fixed calculation in the same browser. Nothing is asserted here: the tests count
bytes, frames and work, which do not depend on what else the machine does.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"
SCRIPT = Path(__file__).with_name("bench_site.mjs")
BROWSERS = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")


def main() -> None:
    """Print two tables, or what is missing."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    modules = ROOT / "node_modules" / "playwright-core"
    if not ((SITE / "index.html").is_file() and modules.is_dir() and shutil.which("node")):
        print("the pages are not timed: that needs Node and `make book`")
        return
    if browser is None:
        print("the pages are not timed: no Chromium, or name one in CHROMIUM")
        return
    done = subprocess.run(
        ["node", SCRIPT, SITE],
        env={**os.environ, "CHROMIUM": browser},
        stdout=subprocess.PIPE,
        check=True,
    )
    times = json.loads(done.stdout)
    unit = times["unit"]
    print(f"{'fixed calculation in the browser':<48}{unit:8,.1f} ms")
    for title, rows in (
        ("first visit, until complete", times["pages"]),
        ("redraw after a key", times["explorables"]),
        ("the form and the model of the landing page", times["moving"]),
    ):
        print(title)
        for row in rows:
            print(f"  {row['name']:<46}{row['ms']:8,.1f} ms {row['ms'] / unit:9.3f} x")


if __name__ == "__main__":
    sys.exit(main())
