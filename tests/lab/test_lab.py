"""A chapter in a real JupyterLab, in a real browser: all cells run, and a control moves its figure.

The server works on a copy of the chapter, with settings and a kernel of its own.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_site import ROOT, browser, missing_browser, require_nothing_missing

import nclib as nc
from nclib.views import sandbox

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("lab.mjs")
CHAPTER = "05-deep-head"
SECONDS_TO_START = 60

# Each is a control of the chapter by its label, what is pressed on it, and what it should redraw.
MOVES = [
    {"label": "size of start", "keys": ["ArrowLeft", "ArrowLeft", "PageDown"], "shows": "img"},
    {"label": "layers L", "keys": ["ArrowRight"], "shows": "img"},
]

SETTINGS = {
    # Cells out of sight would have no outputs to look at.
    "notebook-extension/tracker": {"windowingMode": "none"},
    # Asks on the first start, and then another host.
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


def missing():
    if importlib.util.find_spec("jupyterlab") is None:
        return "JupyterLab is not installed: pip install jupyterlab"
    return missing_browser()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Address of a JupyterLab that serves a copy of the chapter."""
    require_nothing_missing(missing())
    home = tmp_path_factory.mktemp("lab")
    work = home / "work"
    work.mkdir()
    shutil.copy(ROOT / "book" / f"{CHAPTER}.ipynb", work)
    for name, content in SETTINGS.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OPENBLAS_NUM_THREADS": "1",
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }
    environment.pop("MPLBACKEND", None)
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
             "--ServerApp.port=0", f"--ServerApp.root_dir={work}"],
            env=environment, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield started(home / "runtime", process, home / "log")
    finally:
        # The server takes its kernels with it.
        process.terminate()
        process.wait(timeout=30)


def started(folder, process, log):
    """Address of the chapter, as soon as the server has said where it is."""
    for _ in range(10 * SECONDS_TO_START):
        for path in folder.glob("jpserver-*.json"):
            server = json.loads(path.read_text())
            return f"{server['url']}lab/tree/{CHAPTER}.ipynb?token={server['token']}"
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise TimeoutError(f"JupyterLab did not start: {log.read_text()}")


@pytest.fixture(scope="module")
def report(server):
    run = subprocess.run(
        ["node", SCRIPT, server],
        input=json.dumps(MOVES).encode(),
        env={**os.environ, "CHROMIUM": browser()},
        stdout=subprocess.PIPE,
        timeout=400,
        check=True,
    )
    return json.loads(run.stdout)


def test_every_cell_runs_without_errors_or_warnings(report):
    assert report["failed"] == []


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move["label"])
def test_every_key_redraws(report, move):
    (seen,) = [seen for seen in report["seen"] if seen["label"] == move["label"]]
    assert seen["redraws"] == len(move["keys"])
    assert seen["after"]["value"] != seen["before"]["value"]


def test_the_sandbox_shows_what_the_library_says(report):
    by_label = {seen["label"]: seen for seen in report["seen"]}
    scale = 10 ** float(by_label["size of start"]["after"]["value"])
    assert scale < 0.3
    for label, depth in (("size of start", 3), ("layers L", 4)):
        box = sandbox.descent(nc.ClassCounts.cifar10_paper(), depth, scale=scale)
        after = by_label[label]["after"]
        assert after["alt"] == box.words
        assert after["words"].endswith(box.words)
