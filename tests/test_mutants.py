"""`make mutants`: the faults it writes reach what runs, and the table that it keeps adds up."""

import csv
import mmap
import sys
import tomllib
import types

import pytest

from tools.mutant_sources import Mutant
from tools.mutant_transplant import transplant
from tools.mutants import COLUMNS, ROOT, TABLE, excuse, excuses

SOURCE = '''"""A module of 3 functions."""
from functools import cache, cached_property

def double(x, by=2):
    return x * by

@cache
def half(x):
    return x / 2

class Pair:
    def __init__(self, a, b):
        self.a, self.b = a, b

    @property
    def sum(self):
        return self.a + self.b

    @cached_property
    def difference(self):
        return self.a - self.b

    @staticmethod
    def least(a, b):
        return a if a < b else b
'''


@pytest.fixture
def module(monkeypatch):
    made = types.ModuleType("nclib_mutated")
    made.__file__, made.__package__ = "nclib_mutated.py", ""
    exec(SOURCE, made.__dict__)
    monkeypatch.setitem(sys.modules, "nclib_mutated", made)
    return made


def mutant(before, after):
    assert SOURCE.count(before) == 1
    source = SOURCE.replace(before, after)
    return Mutant("nclib_mutated.py", "", 1, 1, before, f"{before} -> {after}", 1, source)


@pytest.mark.parametrize(
    ("before", "after", "call", "right", "wrong"),
    [
        ("x * by", "x / by", lambda m: m.double(3), 6, 1.5),
        ("by=2", "by=3", lambda m: m.double(3), 6, 9),
        ("x / 2", "x / 3", lambda m: m.half(6), 3, 2),
        ("self.a + self.b", "self.a - self.b", lambda m: m.Pair(5, 3).sum, 8, 2),
        ("self.a - self.b", "self.a + self.b", lambda m: m.Pair(5, 3).difference, 2, 8),
        ("a < b", "a > b", lambda m: m.Pair.least(1, 2), 1, 2),
        ("self.a, self.b = a, b", "self.b, self.a = a, b", lambda m: m.Pair(5, 3).a, 5, 3),
    ],
)
def test_a_fault_reaches_functions_that_others_hold(module, before, after, call, right, wrong):
    held = types.SimpleNamespace(double=module.double, half=module.half, Pair=module.Pair)
    assert call(held) == right
    assert transplant(mutant(before, after)) == 1
    assert call(held) == wrong


def test_what_no_function_has_is_left_for_a_new_import(module):
    assert transplant(mutant("of 3 functions", "of 4 functions")) == 0


def test_a_survivor_is_excused_by_its_line_and_change(module):
    row = {"module": "nclib_mutated.py", "line": "x * by", "reason": "..."}
    fault = mutant("x * by", "x / by")
    assert excuse(fault, [row]) is row
    assert excuse(fault, [row | {"changes": ["x * by -> x / by"]}]) is not None
    assert excuse(fault, [row | {"changes": ["x * by -> x + by"]}]) is None
    assert excuse(fault, [row | {"line": "x / 2"}]) is None
    assert excuse(fault, [row | {"module": "other.py"}]) is None


def test_what_runs_the_command_line_is_not_collected():
    """Its import would end the process that tries mutants."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        areas = tomllib.load(file)["tool"]["mutants"]["areas"]
    collected = {path.name for row in areas for tests in row["tests"] for path in ROOT.glob(tests)}
    assert "_checks.py" in collected
    assert "__main__.py" not in collected


def test_every_excuse_has_a_reason():
    rows = excuses()
    assert rows
    for row in rows:
        assert set(row) <= {"module", "line", "changes", "reason"}
        assert len(row["reason"].split()) > 2


def test_the_table_adds_up():
    with TABLE.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    assert tuple(reader.fieldnames) == COLUMNS
    assert rows
    for row in rows:
        killed, excused, survived = (int(row[key]) for key in ("killed", "excused", "survived"))
        assert killed + excused + survived == int(row["tried"]) <= int(row["mutants"])
        assert (ROOT / row["module"]).is_file()


@pytest.mark.skipif(sys.platform != "linux", reason="trials are made on Linux")
def test_a_trial_from_the_import_on_has_room_to_import_torch():
    """Without that every fault in a constant would count as found."""
    from tools.mutant_trials import ROOM_FROM_THE_IMPORT_ON, _in_child

    own = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS

    def run(_):
        mmap.mmap(-1, 4 << 30, flags=own)  # what torch's libraries take, and none of it is used

    assert _in_child(run, 5)[0] == "killed"
    assert _in_child(run, 5, ROOM_FROM_THE_IMPORT_ON)[0] == "survived"

    def reserve(_):
        mmap.mmap(-1, 40 << 30, flags=own, prot=mmap.PROT_READ)  # as V8 does, which draws charts

    assert _in_child(reserve, 5)[0] == "survived"
