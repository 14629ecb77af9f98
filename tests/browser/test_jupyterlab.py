"""A chapter in a real JupyterLab, in a real browser: blocks, cells, an explorable and a sandbox.

The server works on a copy of the chapter, with settings and a kernel of its own, and the browser
reaches nothing else.
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_site import ROOT, drive, missing_browser, require_nothing_missing

import nclib as nc
from nclib.views import explorables, sandbox
from tools.notebooks import read

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("jupyterlab.mjs")
CHAPTER = "05-deep-head"
SECONDS_TO_START = 600

SETTINGS = {
    # Cells out of sight would have no outputs to look at.
    "notebook-extension/tracker": {"windowingMode": "none"},
    # Asks on the first start, and then another host.
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


def in_sandbox(label):
    """Selector of a control beside its label."""
    controls = "*[@role='slider' or self::input or self::textarea]"
    return f"xpath=//label[normalize-space()='{label}']/..//{controls}"


# A control of the chapter, what is done to it, and the picture in the same cell that this redraws.
MOVES = {
    "explorable": {
        "control": ".nc-explorable[data-name='lemma'] input",
        "actions": ["End", "ArrowLeft"],
        "shows": ".nc-chart",
    },
    "slider": {
        "control": in_sandbox("size of start"),
        "actions": ["ArrowLeft", "ArrowLeft", "PageDown"],
        "shows": "img",
    },
    "depth": {"control": in_sandbox("layers L"), "actions": ["ArrowRight"], "shows": "img"},
    "field": {
        "control": in_sandbox("class counts"),
        "actions": [{"fill": "60\n10\n10"}, {"fill": "60, 0"}],
        "shows": "img",
    },
}


def missing():
    for module, name in (("jupyterlab", "JupyterLab"), ("jupyterlab_myst", "jupyterlab-myst")):
        if importlib.util.find_spec(module) is None:
            return f"{name} is not installed: make test-all does that"
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
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
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
        process.wait(timeout=300)


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
    seen = drive(SCRIPT, server, told=list(MOVES.values()), pages=3)
    return seen | {"moved": dict(zip(MOVES, seen["moved"], strict=True))}


def test_every_cell_runs_without_errors_or_warnings(report):
    assert report["failed"] == []


def test_theorems_and_exercises_are_set_as_blocks(report):
    cells = read(ROOT / "book" / f"{CHAPTER}.ipynb").cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    written = re.findall(r"^:::+\{(?:prf:\w+|exercise)\} (.*)", text, re.MULTILINE)
    assert len(written) >= 5
    # The title stands in brackets behind what the block is.
    shown = [re.sub(r"\s+", " ", title) for title in report["blocks"]]
    assert [title for title in written if not any(f"({title})" in one for one in shown)] == []
    assert report["raw"] == []


def test_pictures_are_shown_and_not_their_listings(report):
    cells = read(ROOT / "book" / f"{CHAPTER}.ipynb").cells
    outputs = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    figures = [data for data in outputs if data.get("text/plain", "").startswith("axes 1:")]
    assert len(figures) >= 4
    assert report["pictures"] == len(figures)
    assert report["listed"] == []


def test_nothing_is_fetched_from_elsewhere(report):
    assert report["foreign"] == []


@pytest.mark.parametrize("name", MOVES)
def test_everything_done_to_a_control_redraws(report, name):
    seen = report["moved"][name]
    assert [one["redrawn"] for one in seen] == [True] * len(MOVES[name]["actions"])
    values = [one["value"] for one in seen]
    assert len(set(values)) == len(values)


def test_the_explorable_says_what_was_computed(report):
    shown = explorables.lemma_curve()
    first, *rest = shown.sliders
    others = tuple(slider.default for slider in rest)
    for seen, value in zip(report["moved"]["explorable"], first.values[:-3:-1], strict=True):
        assert shown.summaries[value, *others] in seen["words"]


def test_the_sandbox_shows_what_the_library_says(report):
    moved = report["moved"]
    scale = 10 ** float(moved["slider"][-1]["value"])
    assert scale < 0.3
    for seen, n, depth in (
        (moved["slider"][-1], nc.ClassCounts.cifar10_paper(), 3),
        (moved["depth"][-1], nc.ClassCounts.cifar10_paper(), 4),
        (moved["field"][0], [60, 10, 10], 4),
    ):
        box = sandbox.descent(n, depth, scale=scale)
        assert seen["alt"] == box.words
        assert seen["words"].endswith(box.words)


def test_bad_counts_show_the_message_of_the_library(report):
    bad = report["moved"]["field"][-1]
    assert bad["alt"] is None
    with pytest.raises(ValueError, match=r"n\[1\] = 0") as raised:
        nc.ClassCounts([60, 0])
    assert bad["words"].endswith(str(raised.value))
