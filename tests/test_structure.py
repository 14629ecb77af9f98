"""Imports of the library run downwards only, without a circle, and by public names alone."""

import ast
import importlib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import nclib

ROOT = Path(nclib.__file__).parent

# From the ground up: a module imports from its own floor and from those below.
FLOORS = (
    ("_checks", "_extras", "_files", "_lazy", "_records", "_text"),
    ("theory",),
    ("data",),
    ("metrics",),
    ("diagnosis",),
    ("training",),
    ("views",),
    ("teaching", "cli"),
)

MOST_LINES = 500


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(name: str) -> list[tuple[str, str | None]]:
    """Every module of nclib that a module imports anywhere, with the name it takes of it."""
    found: list[tuple[str, str | None]] = []
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Import):
            found += [(alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports by a relative path"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.append((whole, None) if whole in MODULES else (node.module or "", alias.name))
    return [(module, taken) for module, taken in found if module.split(".")[0] == "nclib"]


def floor(name: str) -> int:
    part = name.split(".")[1]
    return next(i for i, parts in enumerate(FLOORS) if part in parts)


# The package's own face hands names on when they are asked for, from every floor.
FACE = {"nclib", "nclib.__main__"}


@pytest.mark.parametrize("name", sorted(MODULES.keys() - FACE))
def test_imports_run_downwards_and_take_public_names(name: str) -> None:
    for module, taken in imports(name):
        if module == "nclib":
            assert taken == "__version__", f"{name} takes {taken} of the package's face"
            continue
        assert floor(module) <= floor(name), f"{name} imports {module} from above"
        assert not (taken or "").startswith("_"), f"{name} takes {taken}, private to {module}"
        outside = module.rpartition(".")[0] != name.rpartition(".")[0]
        private = [part for part in module.split(".")[2:] if part.startswith("_")]
        inside = name.startswith(module.rpartition("._")[0]) if private else True
        assert inside or not outside, f"{name} imports {module}, private to its package"


def minimisers() -> dict[str, str]:
    """Every class of optima, and the module that it is from."""
    from nclib.theory.optimum import Factors

    for name in MODULES:
        if name.startswith("nclib.theory."):
            importlib.import_module(name)

    def below(kind: type) -> list[type]:
        return [kind, *(each for sub in kind.__subclasses__() for each in below(sub))]

    return {kind.__name__: kind.__module__ for kind in below(Factors)}


def names_in(node: ast.AST) -> set[str]:
    found = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    return found | {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_nobody_asks_which_optimum_it_is(name: str) -> None:
    """Outside of its own module no code asks for the class of an optimum, in any way."""
    homes = minimisers()
    assert {"Minimizer", "LossMinimizer", "PenalisedBiasMinimizer"} <= homes.keys()
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        asked: set[str] = set()
        if isinstance(node, ast.Call) and names_in(node.func) & {"isinstance", "issubclass"}:
            asked = names_in(node.args[1])
        elif isinstance(node, ast.Compare) and "type" in names_in(node):
            asked = names_in(node)
        elif isinstance(node, ast.MatchClass):
            asked = names_in(node.cls)
        elsewhere = {each for each in asked & homes.keys() if homes[each] != name}
        assert not elsewhere, f"{name}, line {getattr(node, 'lineno', '?')}, asks for {elsewhere}"


SOLVERS = {
    *("global_minimizer", "local_minima", "LocalMinima", "loss_minimizer", "loss_path"),
    *("penalised_bias_minimizer", "target_minimizer", "class_outcomes"),
    *("first_loss", "misclassification_factors", "right_counts", "descend", "sweep_lambdas"),
    *("loss_margins", "loss_collapse_factors", "measure", "MetricsAccumulator"),
}


@pytest.mark.parametrize("name", sorted(n for n in MODULES if n.startswith("nclib.views.")))
def test_views_draw_what_others_computed(name: str) -> None:
    """Tables of the theory, results that were given. The sandbox computes what a reader types."""
    if name == "nclib.views.sandbox":
        return
    taken = {taken for _, taken in imports(name)}
    assert not taken & SOLVERS, f"{name} computes by {sorted(taken & SOLVERS)}"


def test_the_solvers_are_still_called_so() -> None:
    known = {
        node.name
        for path in MODULES.values()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    assert known >= SOLVERS


def test_no_circle() -> None:
    graph = {name: {module for module, _ in imports(name)} - {name, "nclib"} for name in MODULES}
    TopologicalSorter({k: v for k, v in graph.items() if k not in FACE}).prepare()


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_file_has_one_subject(name: str) -> None:
    assert len(MODULES[name].read_text().splitlines()) <= MOST_LINES
