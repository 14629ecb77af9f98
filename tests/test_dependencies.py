"""What is imported is declared, and a module needs no more than the extra that its page names."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

# Which extras there are where code of a folder or a file runs, from the most special on. What a
# function of nclib imports for itself may come from any extra that somebody can install.
OPTIONAL = ("book", "lightning", "pandas", "train")
EXTRAS_OF = {
    "nclib": OPTIONAL,
    "book/_ext": ("book",),
    # `make copies`, `make slides` and `make zip`.
    "tools/copies.py": ("book",),
    "tools/mutant": ("mutants",),
    "tools/notebooks.py": ("book",),
    "tools/offline_copy.py": ("book",),
    "tools/plain_markdown.py": ("book",),
    "tools/slides.py": ("book",),
    "tools": ("test",),
    "benchmarks": ("test",),
    "tests": ("all",),
}
# Run by CI where nothing is installed.
ALONE = ROOT / "tools" / "colab.py"
# Compared with where somebody has it.
COMPARED = {"cvxpy"}

PROVIDES = packages_distributions()


def declared(extras):
    """Distributions that the project itself names, for some of its extras."""
    lines = list(PROJECT["dependencies"])
    for extra in extras:
        lines += PROJECT["optional-dependencies"][extra]
    found = set()
    for requirement in map(Requirement, lines):
        if requirement.name == PROJECT["name"]:
            found |= declared(requirement.extras)
        else:
            found.add(canonicalize_name(requirement.name))
    return found


def brought(extras):
    """Distributions that are installed with some extras, with all that they need themselves."""
    waiting = [(name, frozenset()) for name in declared(extras)]
    seen = set()
    while waiting:
        name, own = waiting.pop()
        if (name, own) in seen:
            continue
        seen.add((name, own))
        try:
            requires = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        for requirement in map(Requirement, requires):
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in own | {""}):
                waiting.append((canonicalize_name(requirement.name), frozenset(requirement.extras)))
    return {name for name, _ in seen}


def packages(distributions):
    """What can be imported from distributions."""
    return {
        top
        for top, names in PROVIDES.items()
        if {canonicalize_name(name) for name in names} & distributions
    }


FOLDERS = ("nclib", "book/_ext", "tools", "benchmarks", "tests")
SOURCES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
# What is imported from the project itself: its packages, and files beside each other.
OWN = {"nclib", "tools", *(path.stem for path in SOURCES)}


def imported(path):
    """First part of the name of each package that a file imports, also by `import_module`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module)
        elif isinstance(node, ast.Call) and node.args:
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            first = node.args[0]
            if called in ("import_module", "imported", "importorskip") and isinstance(
                first, ast.Constant
            ):
                found.add(first.value)
    return {name.partition(".")[0] for name in found} - set(sys.stdlib_module_names)


def missing(path):
    """What a file imports and nobody declares for where it runs."""
    place = path.relative_to(ROOT).as_posix()
    if path == ALONE:
        return imported(path) - OWN
    extras = next(extras for start, extras in EXTRAS_OF.items() if place.startswith(start))
    names = declared(extras)
    found = imported(path) - OWN - COMPARED - packages(names)
    # Of what is declared not everything need be installed where this runs.
    return {name for name in found if name in PROVIDES or canonicalize_name(name) not in names}


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_imported_is_declared_for_where_it_runs(folder):
    found = {path: missing(path) for path in SOURCES if path.is_relative_to(ROOT / folder)}
    assert found
    assert not {path: names for path, names in found.items() if names}


def test_what_nobody_declares_is_found(tmp_path):
    path = tmp_path / "a.py"
    path.write_text(
        "import rich.table\nfrom pybtex import database\n"
        "def f():\n    import yaml\n    return import_module('joblib.parallel')\n"
    )
    assert imported(path) == {"rich", "pybtex", "yaml", "joblib"}
    assert {"rich"} == imported(path) & packages(declared(()))
    assert {"rich", "joblib"} == imported(path) & packages(declared(("train",)))
    assert {"rich", "pybtex", "yaml"} == imported(path) & packages(declared(("book",)))


def extras_on_the_page():
    """Which extra the page of the library names for a part of it."""
    text = (ROOT / "book" / "api.md").read_text(encoding="utf-8")
    sentences = re.findall(r"\(([^()]+)\)\s+needs\s+the\s+extra\s+`(\w+)`", text)
    named = {part: extra for parts, extra in sentences for part in re.findall(r"`(\S+)`", parts)}
    assert {"nclib.views", "nclib.training"} <= set(named)
    return named


def modules():
    found = {}
    for path in sorted((ROOT / "nclib").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name == "nclib.__main__":  # it runs the command line
            continue
        extras = extras_on_the_page().items()
        (extra,) = {extra for part, extra in extras if f"{name}.".startswith(f"{part}.")} or {""}
        found.setdefault(extra, []).append(name)
    return found


# Imports modules as where some packages are not installed. The script's own arguments: those
# packages, with commas; then the modules.
WITHOUT = """
import importlib
import sys

without, names = set(sys.argv[1].split(",")), sys.argv[2:]

class Missing:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in without:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing)
for name in names:
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(f"{name}: {error}")
"""


def import_alone(names, available):
    """What goes wrong where nothing else is installed, a line for each module."""
    without = PROVIDES.keys() - available - {"nclib"}
    command = [sys.executable, "-c", WITHOUT, ",".join(sorted(without)), *names]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


@pytest.mark.parametrize("extra", ["", "book", "train"])
def test_every_module_imports_with_what_its_page_asks_for_alone(extra):
    names = modules()[extra]
    assert len(names) > 10
    assert import_alone(names, packages(brought([extra] if extra else []))) == []


@pytest.mark.parametrize(
    ("name", "without"),
    [
        ("nclib.training.engine", "torch"),
        ("nclib.views.figures.modes", "matplotlib"),
        ("nclib.metrics.class_means", "array_api_compat"),
        ("nclib.cli.predict", "typer"),
    ],
)
def test_a_module_without_what_it_needs_is_noticed(name, without):
    allowed = packages(brought(["book", "train"]))
    assert without in allowed
    (problem,) = import_alone([name], allowed - {without})
    assert problem.startswith(f"{name}: No module named '{without}")
