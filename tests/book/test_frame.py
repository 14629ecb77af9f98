"""The files around the book and the library agree with each other."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import contents

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text())
PAGES = contents.pages()

ENVIRONMENTS = [
    {"sys_platform": platform, "os_name": system, "python_version": python,
     "python_full_version": f"{python}.9", "platform_python_implementation": "CPython",
     "implementation_name": "cpython"}
    for platform, system in [("linux", "posix"), ("darwin", "posix"), ("win32", "nt")]
    for python in ["3.11", "3.14"]
]  # fmt: skip


def page_text(page):
    """Source of a page; citations stand in a notebook's JSON as they do in Markdown."""
    found = [path for path in ROOT.glob(f"{page}.*") if path.suffix in {".md", ".ipynb"}]
    assert len(found) == 1, f"{page} of _toc.yml: {found}"
    return found[0].read_text(encoding="utf-8")


def project_files():
    """All text files of the project, but no environment and nothing built."""
    folders = ["nclib", "book", "tests", "tools", "benchmarks", ".binder", ".ci", ".github"]
    files = [path for path in ROOT.iterdir() if path.is_file()]
    files += [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    return [path for path in files if path.suffix not in {".png", ".pyc"} and path.name != ".git"]


class TestRequirements:
    LINES = (ROOT / "requirements.txt").read_text().splitlines()

    @classmethod
    def pins(cls):
        lines = [line.partition("#")[0].strip() for line in cls.LINES[:-1]]
        return [Requirement(line) for line in lines if line]

    def test_last_line_installs_nclib(self):
        assert self.LINES[-1] == "."

    def test_every_line_is_one_exact_version(self):
        for pin in self.pins():
            assert re.fullmatch(r"==[\w.]+", str(pin.specifier)), pin

    @pytest.mark.parametrize(
        "environment",
        ENVIRONMENTS,
        ids=lambda environment: f"{environment['sys_platform']}-{environment['python_version']}",
    )
    def test_every_requirement_is_pinned_once_and_fits(self, environment):
        pinned = [p for p in self.pins() if p.marker is None or p.marker.evaluate(environment)]
        names = [canonicalize_name(pin.name) for pin in pinned]
        assert len(names) == len(set(names))
        versions = {
            name: next(iter(pin.specifier)).version for name, pin in zip(names, pinned, strict=True)
        }
        extras = PROJECT["optional-dependencies"].values()
        for line in [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]:
            wanted = Requirement(line)
            if wanted.name == PROJECT["name"]:
                continue
            assert wanted.specifier.contains(versions[canonicalize_name(wanted.name)]), line


class TestBook:
    @pytest.mark.parametrize("page", PAGES)
    def test_every_page_exists(self, page):
        assert page_text(page)

    def test_every_page_is_in_the_contents(self):
        sources = {
            str(path.relative_to(ROOT).with_suffix("").as_posix())
            for kind in ("*.md", "*.ipynb")
            for path in (ROOT / "book").glob(kind)
        }
        assert sources == set(PAGES)

    def test_every_citation_is_in_the_bibliography(self):
        text = "".join((ROOT / file).read_text("utf-8") for file in CONFIG["bibtex_bibfiles"])
        keys = re.findall(r"^@\w+\{([^,\s]+),", text, re.MULTILINE)
        assert len(keys) == len(set(keys))
        for page in PAGES:
            for group in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", page_text(page)):
                for key in group.split(","):
                    assert key.strip() in keys, f"{page} cites {key}"

    def test_the_files_that_the_configuration_names_exist(self):
        config = CONFIG["sphinx"]["config"]
        for folder in config["html_static_path"]:
            for name in config["html_css_files"] + config["html_js_files"]:
                assert (ROOT / folder / name).is_file()
        for name, folder in CONFIG["sphinx"]["local_extensions"].items():
            assert (ROOT / folder / f"{name}.py").is_file()

    def test_images_of_pages_exist(self):
        for page in PAGES:
            for name in re.findall(r"```\{figure\} (\S+)", page_text(page)):
                assert (ROOT / Path(page).parent / name).is_file(), f"{page} shows {name}"


def test_the_citation_has_what_a_citation_needs():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert all(citation[key] for key in ("message", "title", "authors", "license"))
    (paper,) = citation["references"]
    assert paper["title"] == "The Exploration of Neural Collapse under Imbalanced Data"
    assert paper["authors"] == [{"family-names": "Liu", "given-names": "Haixia"}]
    assert "2411.17278" in paper["url"]


def test_the_lock_file_of_npm_names_no_registry_and_fits():
    package = json.loads((ROOT / "package.json").read_text())
    text = (ROOT / "package-lock.json").read_text()
    assert "resolved" not in text
    packages = json.loads(text)["packages"]
    # Whom one may thank with money is part of what a package says of itself.
    named = [
        {key: value for key, value in entry.items() if key != "funding"}
        for entry in packages.values()
    ]
    assert "://" not in json.dumps(named)
    for kind in ("dependencies", "devDependencies"):
        assert packages[""][kind] == package[kind]
    for path, entry in packages.items():
        assert not path or entry["integrity"].startswith("sha512-"), path


def test_actions_are_pinned_by_commit():
    uses = [
        line
        for workflow in (ROOT / ".github" / "workflows").glob("*.yml")
        for line in re.findall(r"uses: (.*)", workflow.read_text())
    ]
    assert uses
    for line in uses:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_no_file_names_a_registry_or_a_folder_of_one_machine():
    # Put together here, so that this file does not name them either.
    hosts = [f"{name}.org" for name in ("pypi", "pythonhosted", "registry.npmjs", "deb.debian")]
    folders = [f"/{name}/" for name in ("root", "home", "Users", "work")]
    for path in project_files():
        text = path.read_text(encoding="utf-8")
        for word in hosts + folders:
            assert word not in text, f"{path.relative_to(ROOT)} holds {word}"


def test_what_contributors_are_told_to_open_is_there():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"(?<=[`('\s])([\w.-]+(?:/[\w.-]*)+)(?=[`)'\s])", text)
    assert len(named) > 20
    for path in named:
        assert path.startswith(".venv/") or (ROOT / path).exists(), path


# Put together here, too, so that this file sends nobody there either.
IMPORTED = "nc" + "lib"
# Names that some package index may have, or get, for something else.
NOT_FROM_AN_INDEX = "|".join([IMPORTED, PROJECT["name"]])


def taken_from_an_index(text):
    """Commands in a text that would install this library, by its name, from a package index."""
    text = re.sub(r"\\\n\s*", " ", text)
    text = re.sub(r"(install|download|add)\s*\n\W*", r"\1 ", text)
    found = []
    for command in re.findall(
        r"\b(?:pip3?|pipx|uv|conda|mamba|poetry|pdm)\b[^\n`]*?\b(?:install|download|wheel|add)\b[^\n`]*",
        text,
    ):
        names = re.findall(
            rf"(?<![\w./-])(?:{NOT_FROM_AN_INDEX})(?:\[[^]]*\])?(?! @ )(?![\w/\[-])", command
        )
        if names and "--no-index" not in command:
            found.append(command)
    # An extra, however it is said.
    found += [
        line
        for line in text.splitlines()
        if re.search(rf"\b{IMPORTED}\[\W*[a-z]", line) and line not in found
    ]
    return found


@pytest.mark.parametrize(
    "text",
    [
        f"pip install {IMPORTED}",
        f'pip install "{IMPORTED}[train]"',
        f"`pip install '{IMPORTED}[book]' jupyterlab`",
        f"%pip install -q {IMPORTED}",
        f"python -m pip install --upgrade numpy {IMPORTED}==1.0",
        f"pip install \\\n    {IMPORTED}",
        f"pip install\n# {IMPORTED}",
        f"uv add {IMPORTED}",
        f"conda install {IMPORTED}",
        f'fail(f"needs {IMPORTED}[{{extra}}]")',
        f"the extra `{IMPORTED}[train]`",
        f"pip install {PROJECT['name']}",
        f'pip install "{PROJECT["name"]}[train]"',
        f"pip wheel --wheel-dir wheels {PROJECT['name']}",
    ],
)
def test_what_would_fetch_another_project_is_found(text):
    assert taken_from_an_index(text)


@pytest.mark.parametrize(
    "text",
    [
        "pip install .",
        'pip install ".[train]"',
        f"`pip install .` installs {IMPORTED}",
        f'pip install "{PROJECT["name"]}[book] @ git+https://example.org/a"',
        f'pip install --no-index --find-links wheels "{PROJECT["name"]}[book]"',
        f'%pip install "./{IMPORTED}-book[train]"',
        f"pip install -r requirements.txt\nimport {IMPORTED}",
    ],
)
def test_what_installs_from_the_repository_or_a_file_is_not(text):
    assert taken_from_an_index(text) == []


def test_the_distribution_has_a_name_of_its_own():
    """On the package index the import's name is that of a library for network sockets."""
    assert canonicalize_name(PROJECT["name"]) == PROJECT["name"] != IMPORTED
    extras = PROJECT["optional-dependencies"].values()
    assert IMPORTED not in {Requirement(line).name for extra in extras for line in extra}


def test_no_file_sends_anyone_to_an_index_for_this_library():
    for path in project_files():
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            text = text.replace('\\"', '"')
        assert taken_from_an_index(text) == [], path


@pytest.fixture
def make():
    """What make says; with -n, what it would run."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")

    def run(*arguments):
        return subprocess.run(
            ["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )

    return run


def test_make_tells_pip_what_it_was_told(make):
    """A reader names the build of PyTorch once, whatever is installed first."""
    done = make("-n", "-B", "PIP_FLAGS=--as told", "book", "test", "test-all", "requirements")
    lines = done.stdout.replace("\\\n", " ").splitlines()
    calls = [line for line in lines if " -m pip " in line]
    assert len(calls) >= 4
    assert all(" install " in call and " --as told " in call for call in calls)


class TestLintOfThePages:
    BIOME = ROOT / "node_modules" / ".bin" / "biome"

    def test_make_lint_runs_biome(self, make):
        assert '"node_modules/.bin/biome" check --error-on-warnings' in make("-n", "lint").stdout

    @pytest.mark.parametrize(
        ("path", "fault", "rule"),
        [
            ("book/_static/a.js", '"use strict";\n{\n  const one = 1;\n}\n', "noUnusedVariables"),
            ("tests/browser/a.mjs", "const one = 1;\n", "noUnusedVariables"),
            ("nclib/views/a.css", "p {\n  colour: red;\n}\n", "noUnknownProperty"),
            ("book/_static/a.js", '"use strict";\nalert( 1)\n', "title=format"),
            ("book/_static/a.css", "p {color: red}\n", "title=format"),
            ("book/_static/a.js", '"use strict";\nalert(1);\n', ""),
        ],
    )
    def test_what_it_finds(self, tmp_path, path, fault, rule):
        if not self.BIOME.exists():
            pytest.skip("Biome is not installed: run `npm ci`")
        for name in ("biome.jsonc", ".gitignore"):
            shutil.copy(ROOT / name, tmp_path)
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(fault)
        command = [self.BIOME, "check", "--error-on-warnings", "--reporter=github"]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert bool(run.returncode) == bool(rule), run
        assert rule in run.stdout


def test_make_says_what_it_cannot_do_with_a_space(make):
    done = make("-n", "VENV=an environment", "test")
    assert done.returncode == 2
    assert "VENV must be one path without spaces; got 'an environment'" in done.stderr


def test_no_test_reads_a_clock():
    """It would say what else the machine does; CPU time and counts do not."""
    clocks = re.compile(r"perf_coun[t]er|monoton[i]c|time\.time\(\)|performance\.n[o]w|Date\.n[o]w")
    # One measures for `make bench`, one gives up on a notebook that hangs, one sets a clock.
    allowed = {"work.mjs", "jupyterlab.mjs", "test_checkpoints.py"}
    for path in (ROOT / "tests").rglob("*"):
        if path.suffix in {".py", ".mjs"} and path.name not in allowed:
            assert not clocks.search(path.read_text(encoding="utf-8")), path
