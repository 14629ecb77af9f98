"""Running the book online: what Binder installs, what Colab opens, and the buttons to them."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from IPython.core.inputtransformer2 import TransformerManager
from packaging.requirements import Requirement
from test_extensions import extension

from tools import colab

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
ADDRESS = "https://github.com/someone/a.book"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


# nclib's own, what trains, what the notebooks import, and what shows them.
NEEDED = [
    *PROJECT["dependencies"],
    *EXTRAS["train"],
    *(line for line in EXTRAS["book"] if Requirement(line).name in colab.PACKAGES.split()),
    *(line for line in EXTRAS["all"] if line.startswith("jupyterlab")),
]
# What conda-forge calls the build without CUDA, and the one without a window system.
CONDA_NAMES = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base"}
# What brings a module of another name.
PACKAGE_OF = {"IPython": "ipywidgets", "vl_convert": "vl-convert-python"}


class TestBinder:
    ENVIRONMENT = yaml.safe_load((ROOT / ".binder" / "environment.yml").read_text())

    @pytest.mark.parametrize("line", NEEDED)
    def test_everything_that_a_notebook_needs_is_installed(self, line):
        found = dict(
            re.fullmatch(r"([\w-]+)(.*)", package).groups()
            for package in self.ENVIRONMENT["dependencies"]
        )
        wanted = Requirement(line)
        specifier = found[CONDA_NAMES.get(wanted.name, wanted.name)]
        assert Requirement(f"x{specifier}").specifier == wanted.specifier

    def test_it_comes_from_conda_forge_alone(self):
        assert self.ENVIRONMENT["channels"] == ["conda-forge", "nodefaults"]

    def test_the_library_comes_last_and_brings_nothing_along(self):
        script = ROOT / ".binder" / "postBuild"
        last = script.read_text().splitlines()[-1]
        assert last == "python -m pip install --no-deps --no-cache-dir ."
        assert os.access(script, os.X_OK)


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """What Colab opens, by name, made as CI makes it: by a Python without packages."""
    folder = tmp_path_factory.mktemp("colab")
    subprocess.run(
        [sys.executable, "-S", "-m", "tools.colab", folder, ADDRESS, COMMIT], cwd=ROOT, check=True
    )
    return {path.name: json.loads(path.read_text("utf-8")) for path in folder.iterdir()}


class TestColab:
    def test_every_notebook_has_a_copy_that_differs_in_its_first_cell_only(self, copies):
        notebooks = {
            path.name: json.loads(path.read_text("utf-8")) for path in colab.BOOK.glob("*.ipynb")
        }
        assert copies.keys() == notebooks.keys()
        for name, notebook in notebooks.items():
            first, *rest = copies[name]["cells"]
            assert first["id"] == "install"
            assert copies[name] | {"cells": rest} == notebook

    @pytest.mark.parametrize("missing", [True, False])
    def test_the_first_cell_installs_only_where_the_library_is_missing(
        self, copies, monkeypatch, missing
    ):
        done = []
        shell = SimpleNamespace(
            system=done.append, run_line_magic=lambda name, line: done.append(f"%{name} {line}")
        )
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if missing else object())
        source = "".join(copies["five-minutes.ipynb"]["cells"][0]["source"])
        exec(TransformerManager().transform_cell(source), {"get_ipython": lambda: shell})
        assert done == missing * [
            f"git clone --quiet {ADDRESS} nclib-book",
            f"git -C nclib-book checkout --quiet {COMMIT}",
            f'%pip install --quiet "./nclib-book[train]" {colab.PACKAGES}',
            "%cd -q nclib-book/book",
        ]

    def test_every_module_that_notebooks_or_views_import_is_installed(self):
        """Also where a function imports it."""
        sources = [
            "".join(cell["source"])
            for path in colab.BOOK.glob("*.ipynb")
            for cell in json.loads(path.read_text("utf-8"))["cells"]
            if cell["cell_type"] == "code"
        ]
        sources += [path.read_text("utf-8") for path in (ROOT / "nclib" / "views").rglob("*.py")]
        imported = {
            name
            for source in sources
            for name in re.findall(r"^ *(?:import|from) ([A-Za-z_]\w*)", source, re.MULTILINE)
        }
        installed = {Requirement(line).name for line in PROJECT["dependencies"] + EXTRAS["train"]}
        installed |= {*colab.PACKAGES.split(), "nclib"}
        for name in imported - set(sys.stdlib_module_names):
            assert PACKAGE_OF.get(name, name) in installed, name

    def test_ci_writes_the_branch_that_the_buttons_lead_to(self):
        jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
        script = "\n".join(step.get("run", "") for step in jobs["colab"]["steps"])
        (branch,) = re.findall(r"git push .* HEAD:refs/heads/(\S+)", script)
        assert f"/blob/{branch}/{{notebook}}" in extension("launch_buttons").COLAB


class TestAddress:
    LAUNCH = extension("launch_buttons")

    @pytest.mark.parametrize(
        ("remote", "address"),
        [
            (ADDRESS, ADDRESS),
            (f"{ADDRESS}.git", ADDRESS),
            (f"{ADDRESS}/", ADDRESS),
            ("https://name:secret@github.com/someone/a.book.git", ADDRESS),
            ("git@github.com:someone/a.book.git", ADDRESS),
            ("ssh://git@github.com/someone/a.book", ADDRESS),
            ("git@gitlab.com:someone/a.book", "https://gitlab.com/someone/a.book"),
            ("", ""),
            ("../book.git", ""),
            ("/srv/git/book.git", ""),
            ("file:///srv/git/github.com/someone/book", ""),
            ("http://localhost:3000/someone/book.git", ""),
            ("https://github.com.example.org/someone/book", ""),
            ("https://example.org/github.com/someone/book", ""),
            ("https://gitlab.com/group/part/book", ""),
        ],
    )
    def test_what_a_browser_can_open(self, remote, address):
        assert self.LAUNCH.web_address(remote) == address

    def test_the_remote_is_asked_of_this_repository_alone(self, tmp_path):
        inside = tmp_path / "unpacked"
        inside.mkdir()
        assert self.LAUNCH.git_remote(tmp_path) == ""
        for command in (["init", "--quiet"], ["remote", "add", "origin", ADDRESS]):
            subprocess.run(["git", "-C", tmp_path, *command], check=True)
        assert self.LAUNCH.git_remote(tmp_path) == ADDRESS
        assert self.LAUNCH.git_remote(inside) == ""

    def test_git_may_be_missing(self, tmp_path, monkeypatch):
        monkeypatch.setenv("PATH", str(tmp_path))
        assert self.LAUNCH.git_remote(ROOT) == ""

    def test_the_environment_comes_before_the_remote(self, monkeypatch):
        monkeypatch.setattr(self.LAUNCH, "git_remote", lambda root: "git@github.com:a/b.git")
        monkeypatch.delenv("REPOSITORY_URL", raising=False)
        assert self.LAUNCH.remote(ROOT) == "git@github.com:a/b.git"
        for address in (ADDRESS, ""):
            monkeypatch.setenv("REPOSITORY_URL", address)
            assert self.LAUNCH.remote(ROOT) == address


class TestButtons:
    """Two pages, built with the book's own configuration."""

    CONTENTS = "format: jb-book\nroot: book/notation\nchapters:\n  - file: book/cheat-sheet\n"
    HOSTS = ("github.com", "gitlab.com", "mybinder.org", "colab.research.google.com")
    ISSUE = f"{ADDRESS}/issues/new?title=Issue%20on%20page%20%2Fbook/"

    def build(self, folder, remote=None):
        """Links to those hosts from both pages: of a notebook, and of a page without code."""
        # Most pages are missing here, and with them what old addresses would lead to.
        config = (ROOT / "_config.yml").read_text(encoding="utf-8")
        config, found = re.subn(r"    (moved|split)_pages:\n( {6}.*\n)+", "", config)
        assert found == 2
        (folder / "_config.yml").write_text(config, encoding="utf-8")
        (folder / "_toc.yml").write_text(self.CONTENTS)
        (folder / "book").symlink_to(ROOT / "book")
        if remote:
            for command in (["init", "--quiet"], ["remote", "add", "origin", remote]):
                subprocess.run(["git", "-C", folder, *command], check=True)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        environment.pop("REPOSITORY_URL", None)
        subprocess.run(
            [Path(sys.executable).with_name("jupyter-book"), "build", folder, "--quiet"],
            env=environment,
            check=True,
            capture_output=True,
        )
        pages = [
            (folder / "_build" / "html" / "book" / f"{name}.html").read_text("utf-8")
            for name in ("cheat-sheet", "notation")
        ]
        hosts = "|".join(map(re.escape, self.HOSTS))
        return [re.findall(rf'href="(https://(?:{hosts})/[^"]*)"', page) for page in pages]

    @pytest.mark.slow
    def test_where_no_address_is_known_there_are_none(self, tmp_path):
        assert self.build(tmp_path) == [[], []]

    def test_where_one_is_known_they_lead_there(self, tmp_path):
        online = [
            "https://mybinder.org/v2/gh/someone/a.book/HEAD?urlpath=lab/tree/book/cheat-sheet.ipynb",
            "https://colab.research.google.com/github/someone/a.book/blob/colab/cheat-sheet.ipynb",
        ]
        notebook, page = self.build(tmp_path, remote="git@github.com:someone/a.book.git")
        *launch, repository, issue = notebook
        assert launch == online
        assert [repository, page[0]] == [ADDRESS, ADDRESS]
        assert issue.startswith(f"{self.ISSUE}cheat-sheet.html&")
        assert page[1].startswith(f"{self.ISSUE}notation.html&")
