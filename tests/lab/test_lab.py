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

# Each is a control of the chapter by its label, what is done to it, and what it should redraw.
MOVES = [
    {
        "label": "size of start",
        "actions": ["ArrowLeft", "ArrowLeft", "PageDown"],
        "shows": "img",
    },
    {"label": "layers L", "actions": ["ArrowRight"], "shows": "img"},
    {
        "label": "class counts",
        "actions": [{"fill": "60\n10\n10"}, {"fill": "60, 0"}],
        "shows": "img",
    },
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
def test_everything_done_to_a_control_redraws(report, move):
    (seen,) = [moved["seen"] for moved in report["moved"] if moved["label"] == move["label"]]
    assert [one["redrawn"] for one in seen] == [True] * len(move["actions"])
    values = [one["value"] for one in seen]
    assert len(set(values)) == len(values)


def test_the_sandbox_shows_what_the_library_says(report):
    smaller, deeper, others = [moved["seen"] for moved in report["moved"]]
    scale = 10 ** float(smaller[-1]["value"])
    assert scale < 0.3
    for seen, n, depth in (
        (smaller[-1], nc.ClassCounts.cifar10_paper(), 3),
        (deeper[-1], nc.ClassCounts.cifar10_paper(), 4),
        (others[0], [60, 10, 10], 4),
    ):
        box = sandbox.descent(n, depth, scale=scale)
        assert seen["alt"] == box.words
        assert seen["words"].endswith(box.words)


def test_bad_counts_show_the_message_of_the_library(report):
    bad = report["moved"][-1]["seen"][-1]
    assert bad["alt"] is None
    with pytest.raises(ValueError, match=r"n\[1\] = 0") as raised:
        nc.ClassCounts([60, 0])
    assert bad["words"].endswith(str(raised.value))
