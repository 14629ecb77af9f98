"""An explorable in JupyterLab with a kernel and without network: `make test-all` runs it."""

import json
import os
import subprocess
import sys
import time
from urllib.error import URLError
from urllib.request import urlopen

import nbformat
import pytest
from test_site import ROOT, browser, require_browser_and_site

from nclib.views import explorables

SCRIPT = ROOT / "tests" / "browser" / "jupyterlab.mjs"
PATIENCE = 60


@pytest.fixture
def lab(tmp_path):
    """The address of a JupyterLab of its own, with one notebook."""
    pytest.importorskip("jupyterlab")
    require_browser_and_site()
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                "from nclib.views import explorables\nexplorables.survival()", id="only"
            )
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    (tmp_path / "one.ipynb").write_text(nbformat.writes(notebook), encoding="utf-8")
    folders = ("CONFIG", "DATA", "RUNTIME")
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--port=0"),
            *("--IdentityProvider.token=", f"--ServerApp.root_dir={tmp_path}"),
        ],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            **{f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in folders},
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield wait_for(tmp_path / "RUNTIME", server)
    finally:
        server.terminate()
        server.wait(PATIENCE)


def wait_for(folder, server):
    """The address of the server that writes its file into `folder`, once it answers."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        for file in folder.glob("jpserver-*.json"):
            try:
                address = json.loads(file.read_text(encoding="utf-8"))["url"]
                with urlopen(f"{address}api"):
                    return address
            except (URLError, json.JSONDecodeError):
                pass
        time.sleep(0.2)
    pytest.fail("JupyterLab did not start")


@pytest.mark.slow
def test_the_keys_move_an_explorable_and_nothing_is_fetched(lab):
    run = subprocess.run(
        ["node", SCRIPT, f"{lab}lab/tree/one.ipynb"],
        env={**os.environ, "CHROMIUM": browser()},
        stdout=subprocess.PIPE,
        timeout=300,
        check=True,
    )
    report = json.loads(run.stdout)
    shown = explorables.survival()
    ratio, *others = shown.sliders
    rest = tuple(slider.default for slider in others)
    assert report["first"]["summary"] == shown.summaries[ratio.default, *rest]
    assert report["moved"]["summary"] == shown.summaries[ratio.values[-2], *rest]
    assert report["moved"]["marks"] > 0
    assert report["moved"]["address"] == report["first"]["address"]
    assert not report["foreign"]
