"""Importing nclib is quick and light; every public name is there and documented."""

import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nclib
import nclib.theory

STORED = Path(__file__).parent.parent / "book/results/runs"

PACKAGES = ("nclib", "nclib.data", "nclib.metrics", "nclib.theory", "nclib.training")


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_import_loads_nothing_but_the_package_itself():
    """That is what makes it quick, on every machine."""
    code = "import sys; old = {*sys.modules}; import nclib; print(*sorted({*sys.modules} - old))"
    own = [
        name for name in run(code).split() if name.partition(".")[0] not in sys.stdlib_module_names
    ]
    assert own == ["nclib", "nclib._lazy"]


def test_the_checks_of_all_exercises_load_no_torch():
    code = (
        "import sys; from nclib.teaching import EXERCISES; "
        "[exercise.solve() for exercise in EXERCISES.values()]; print('torch' in sys.modules)"
    )
    assert run(code) == "False"


def test_stored_runs_are_read_and_shown_without_what_trains():
    heavy = ("torch", "torchvision", "joblib", "sklearn", "PIL")
    code = (
        "import sys; from nclib.training import results; "
        f"runs = results.load_results({f'{STORED}'!r}); "
        "results.results_table(results.figure_results(runs, 1)); "
        f"print(len(runs), [name for name in {heavy} if name in sys.modules])"
    )
    stored = len([*STORED.glob("*.json")])
    assert stored > 100
    assert run(code) == f"{stored} []"


def test_first_minimizer_loads_no_optimiser_and_no_plots():
    code = (
        "import nclib as nc, sys; nc.global_minimizer(nc.Problem([3, 2, 1], 2, lambda_W=.01, "
        "lambda_H=.01)).weights(); print([m for m in ('torch', 'matplotlib') "
        "if m in sys.modules])"
    )
    assert run(code) == "[]"


def public_names():
    return [(package, name) for package in PACKAGES for name in names_of(package)]


def names_of(package):
    return importlib.import_module(package).__all__


@pytest.mark.parametrize("package", [*PACKAGES, "nclib.views"])
def test_each_line_of_a_stub_is_a_name_in_order(package):
    """The stub is the one list: what is not read from it would be there for tools alone."""
    stub = Path(importlib.import_module(package).__file__).with_suffix(".pyi").read_text()
    comment, *lines = stub.rstrip().splitlines()
    assert comment.startswith("# The ")
    if package == "nclib":
        assert lines[-2:] == ["", "__version__: str"]
        lines = lines[:-2]
    names = []
    for line in lines:
        match = re.fullmatch(r"from ([\w.]+) import (\w+) as \2", line)
        assert match, line
        names.append(match[2])
    assert len(names) == len(set(names))
    assert {*names} <= {*dir(importlib.import_module(package))}
    assert lines == sorted(lines, key=lambda line: line.split()[1] != package)


def test_the_top_has_what_most_people_want_and_no_more():
    assert 18 <= len(names_of("nclib")) <= 25
    theory = {*names_of("nclib.theory"), *names_of("nclib.data"), *names_of("nclib.metrics")}
    assert {*names_of("nclib")} - theory == {"Monitor"}


@pytest.mark.parametrize(("package", "name"), public_names())
def test_public_name_resolves_and_is_documented(package, name):
    value = getattr(importlib.import_module(package), name)
    if callable(value) and not hasattr(value, "__args__"):
        assert value.__doc__
        # a dataclass without a docstring of its own gets its signature for one
        assert not value.__doc__.startswith(f"{name}(")
    assert name in dir(importlib.import_module(package))


def test_a_name_is_the_same_wherever_it_is_asked_for():
    for name in names_of("nclib"):
        for package in PACKAGES[1:]:
            if name in names_of(package):
                assert getattr(importlib.import_module(package), name) is getattr(nclib, name)


@pytest.mark.parametrize("package", PACKAGES)
def test_everything_can_be_imported_with_a_star(package):
    got = {}
    exec(f"from {package} import *", got)
    assert got.keys() >= {*names_of(package)}


def test_what_a_stub_names_is_loaded_when_first_asked_for(tmp_path, monkeypatch):
    """Modules of the package are reached as attributes, and are none of its public names."""
    folder = tmp_path / "stubbed"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from nclib._lazy import attach\n__getattr__, __dir__ = attach(__name__, __file__)\n"
    )
    (folder / "__init__.pyi").write_text(
        "from stubbed import part as part\nfrom stubbed.part import one as one\n"
    )
    (folder / "part.py").write_text("one = [1]\n")
    monkeypatch.syspath_prepend(tmp_path)
    package = importlib.import_module(folder.name)
    assert "stubbed.part" not in sys.modules
    assert {"part", "one"} <= {*dir(package)}
    assert package.part is sys.modules["stubbed.part"]
    assert package.one is package.part.one
    assert package.__all__ == ["one"]


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = nclib.no_such_name


def test_version_is_a_string_of_numbers():
    assert nclib.__version__.split(".")[0].isdigit()


def theory_modules():
    return [info.name for info in pkgutil.iter_modules(nclib.theory.__path__, "nclib.theory.")]


def test_theory_has_its_modules():
    assert set(theory_modules()) >= {
        f"nclib.theory.{name}"
        for name in ("counts", "problem", "spectrum", "shrinkage", "minimizer", "descent")
    }


@pytest.mark.parametrize("name", theory_modules())
def test_module_and_public_functions_have_docstrings(name):
    module = importlib.import_module(name)
    assert module.__doc__
    for attribute, value in vars(module).items():
        own = getattr(value, "__module__", None) == name
        if own and callable(value) and not attribute.startswith("_"):
            assert value.__doc__, f"{name}.{attribute}"


@pytest.mark.parametrize("name", theory_modules())
def test_there_are_examples_in_docstrings(name):
    """That they are right pytest finds itself, with --doctest-modules."""
    found = doctest.DocTestFinder().find(importlib.import_module(name))
    assert sum(len(one.examples) for one in found) > 0


@pytest.mark.parametrize("part", ["data", "diagnosis", "metrics", "theory", "training", "views"])
def test_a_part_of_the_package_is_there_unasked(part):
    code = f"import nclib; print(nclib.{part}.__name__, '{part}' in dir(nclib))"
    assert run(code).split() == [f"nclib.{part}", "True"]
