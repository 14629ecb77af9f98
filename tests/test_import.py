"""Importing nclib is quick and light; every public name is there and documented."""

import doctest
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import nclib
import nclib.theory

STORED = Path(__file__).parent.parent / "book/results/runs"

PUBLIC = {
    "ClassCounts",
    "Problem",
    "Spectrum",
    "effective_label_matrix",
    "lemma_a2_g",
    "lemma_a2_minimizer",
    "lemma_a2_threshold",
    "lemma_a2_alpha",
    "shrink",
    "scalar_objective",
    "global_minimizer",
    "local_minima",
    "collapse_factors",
    "Minimizer",
    "descend",
    "Descent",
}


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
    assert own == ["nclib"]


@pytest.mark.parametrize("heavy", ["torch", "scipy.optimize", "matplotlib", "sklearn", "pandas"])
def test_import_does_not_load(heavy):
    assert run(f"import nclib, sys; print({heavy!r} in sys.modules)") == "False"


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


def test_public_names_are_exported():
    assert set(nclib.__all__) >= PUBLIC
    assert len(nclib.__all__) == len(set(nclib.__all__))


@pytest.mark.parametrize("name", sorted(set(nclib.__all__) | PUBLIC))
def test_public_name_resolves_and_is_documented(name):
    value = getattr(nclib, name)
    assert value.__doc__
    # a dataclass without a docstring of its own gets its signature for one
    assert not value.__doc__.startswith(f"{name}(")
    assert name in dir(nclib)


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
def test_examples_in_docstrings(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("part", ["data", "diagnosis", "metrics", "theory"])
def test_a_part_of_the_package_is_there_unasked(part):
    code = f"import nclib; print(nclib.{part}.__name__, '{part}' in dir(nclib))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [f"nclib.{part}", "True"]
