"""The one list of metrics says what is so, and is the only one."""

import ast
from dataclasses import fields
from pathlib import Path

import dense_metrics as dense
import numpy as np
import pytest

import nclib as nc
from nclib.metrics import AGAINST_OPTIMUM, BALANCED, COLLAPSE, DRAWN, METRICS, NUMBERS

PACKAGE = Path(nc.__file__).parent
KEYS = {metric.key for metric in METRICS}


def measured(**left_out):
    n = (40, 25, 6)
    best = nc.global_minimizer(nc.Problem(n, 1, lambda_W=1e-3, lambda_H=1e-3))
    rng = np.random.default_rng(0)
    X, labels = dense.samples(n, 5, 0.1, rng)
    arguments = {"Ws": rng.standard_normal((3, 5)), "b": rng.standard_normal(3), "minimizer": best}
    return nc.measure(X, labels, **arguments | left_out).numbers()


def test_keys_are_fields_and_unique():
    assert len(KEYS) == len(METRICS)
    assert {metric.key for metric in NUMBERS} <= {
        field.name for field in fields(nc.metrics.Metrics)
    }
    assert {*NUMBERS} | {*BALANCED} == {*METRICS}
    assert {*COLLAPSE} | {*AGAINST_OPTIMUM} | {*DRAWN} <= {*METRICS}


def test_all_numbers_are_measured_where_all_is_given():
    assert all(value is not None for value in measured().values())


def test_what_needs_a_head_is_none_without():
    none = {key for key, value in measured(Ws=None, b=None).items() if value is None}
    assert none == {metric.key for metric in NUMBERS if metric.needs_head}


def test_what_compares_with_a_minimiser_is_none_without():
    none = {key for key, value in measured(minimizer=None).items() if value is None}
    assert none == {metric.key for metric in AGAINST_OPTIMUM} | {"lambda_H"}


def test_the_labels_of_figures_and_of_plain_text():
    """As the paper's figures write them."""
    raised = [rf"NC2$^{{\mathdefault{{{letters}}}}}$" for letters in ("W", "H", "WH")]
    assert [m.title for m in DRAWN] == ["NC1", *raised, "NC3"]
    assert [m.plain for m in DRAWN] == ["NC1", "NC2 W", "NC2 H", "NC2 WH", "NC3"]
    assert len({m.color for m in DRAWN}) == len(DRAWN)


def test_every_formula_is_documented_in_its_place():
    for metric in METRICS:
        assert metric.formula.__module__ in ("nclib.metrics.formulas", "nclib.metrics.balanced")
        assert metric.formula.__doc__
    for metric in BALANCED:
        assert metric.formula.__name__ == metric.key
        assert "References" in metric.formula.__doc__


def lists_of_metrics(path):
    """Lines of the collections that name more than one metric."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Dict):
            entries = node.keys
        elif isinstance(node, ast.Tuple | ast.List | ast.Set):
            entries = node.elts
        else:
            continue
        names = [entry.value for entry in entries if isinstance(entry, ast.Constant)]
        firsts = [
            entry.elts[0].value
            for entry in entries
            if isinstance(entry, ast.Tuple)
            and entry.elts
            and isinstance(entry.elts[0], ast.Constant)
        ]
        if sum(name in KEYS for name in names) > 1 or sum(name in KEYS for name in firsts) > 1:
            yield node.lineno


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent != PACKAGE / "metrics"],
    ids=lambda path: path.relative_to(PACKAGE).as_posix(),
)
def test_no_other_module_has_a_list_of_its_own(path):
    assert list(lists_of_metrics(path)) == []
