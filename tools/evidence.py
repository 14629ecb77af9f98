"""Measure every claim of the ledger: run the tests that it names, once, and store the outcome.

``make evidence`` runs this. `book/claims.yml` says what is claimed and which test measures it;
`book/results/evidence.json` gets what the tests have noted with `record_error`. The page of the
ledger joins the two. How many instances each case of a test has compared is stored as well: when
the case runs again, `tests/conftest.py` counts them, so that no number is older than its test.
"""

import json
import math
import platform
import sys
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from nclib._files import write_whole

ROOT = Path(__file__).resolve().parent.parent
CLAIMS = ROOT / "book" / "claims.yml"
EVIDENCE = ROOT / "book" / "results" / "evidence.json"

PACKAGES = ("hypothesis", "mpmath", "numpy", "pytest", "scipy", "sympy")

Row = dict[str, Any]


def load_claims(path: Path = CLAIMS) -> list[Row]:
    """Read the rows of the ledger, part after part."""
    parts = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [row for part in parts for row in part["rows"]]


def names(measures: str | list[str]) -> list[str]:
    """Return what a test measures for a claim, always as a list."""
    return [measures] if isinstance(measures, str) else measures


def named_tests(row: Row) -> list[str]:
    """Return all tests of a row: those that measure it and those that refute the printed form."""
    return [*row.get("tests", {}), *row.get("refuted_by", [])]


def bounds(row: Row) -> dict[str, float]:
    """Return the bound of each measure of a row, which may give one for all of them."""
    bound = row["bound"]
    measures = [what for test in row["tests"].values() for what in names(test)]
    return {what: bound[what] if isinstance(bound, dict) else bound for what in measures}


def is_case_of(node_id: str, named: str) -> bool:
    """Tell whether a collected test is the one that is named, or one of its cases.

    ``file.py::test`` names every case, ``file.py::test[bias-*]`` those that fit the pattern.
    """
    function, _, case = node_id.partition("[")
    wanted, _, pattern = named.partition("[")
    return function == wanted and fnmatchcase(case, pattern or "*")


class Recorder:
    """A plugin of pytest that keeps, for each test, its outcome and what it has noted."""

    def __init__(self) -> None:
        self.failed: dict[str, str] = {}
        self.noted: dict[str, list[tuple[str, float, float, int]]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the report of one phase of one test; the notes come with the last."""
        if report.outcome != "passed":
            self.failed[report.nodeid] = report.outcome
        if report.when == "teardown":
            notes: list[tuple[str, Any]] = report.user_properties
            self.noted[report.nodeid] = [value for key, value in notes if key == "largest_error"]


def two_digits(value: float) -> float:
    """Round up to two digits, so that what is stored is never below what was measured."""
    if value == 0 or not math.isfinite(value):
        return value
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    return float(f"{math.ceil(value / unit * (1 - 1e-12)) * unit:.1e}")


def measured(recorder: Recorder, test: str, what: str) -> dict[str, float]:
    """Join what all cases of a test have noted under one name.

    Raises
    ------
    ValueError
        If none of them has noted anything under that name.
    """
    noted = [
        (largest, allowed, instances)
        for node_id, notes in recorder.noted.items()
        if is_case_of(node_id, test)
        for name, largest, allowed, instances in notes
        if name == what
    ]
    if not noted:
        raise ValueError(f"{test} has noted nothing as {what!r}")
    return {
        "instances": sum(instances for _, _, instances in noted),
        "largest": two_digits(max(largest for largest, _, _ in noted)),
        "allowed": max(allowed for _, allowed, _ in noted),
    }


def join(rows: Iterable[Row], recorder: Recorder) -> dict[str, Any]:
    """Return the evidence for each row that names tests."""
    return {
        row["id"]: {
            "bound": row["bound"],
            "tests": {
                test: {what: measured(recorder, test, what) for what in names(measures)}
                for test, measures in row["tests"].items()
            },
            "refuted_by": {
                test: sum(is_case_of(node_id, test) for node_id in recorder.noted)
                for test in row.get("refuted_by", [])
            },
        }
        for row in rows
        if "tests" in row
    }


def counted(rows: Iterable[Row], recorder: Recorder) -> dict[str, dict[str, int]]:
    """Return, for each case of a test that measures a row, how many instances it compared."""
    wanted: dict[str, set[str]] = {}
    for row in rows:
        for test, measures in row.get("tests", {}).items():
            for node_id in recorder.noted:
                if is_case_of(node_id, test):
                    wanted.setdefault(node_id, set()).update(names(measures))
    return {
        node_id: {
            name: instances for name, _, _, instances in recorder.noted[node_id] if name in measures
        }
        for node_id, measures in wanted.items()
    }


@cache
def stored() -> dict[str, Any]:
    """Read the evidence as it was made last."""
    evidence: dict[str, Any] = json.loads(EVIDENCE.read_text("utf-8"))
    return evidence


def stored_instances() -> dict[str, dict[str, int]]:
    """Return what `counted` found when the evidence was made."""
    instances: dict[str, dict[str, int]] = stored()["instances"]
    return instances


def stored_tolerances(node_id: str) -> dict[str, float]:
    """Return what a case of a test may be off by, at most, for each thing it notes."""
    allowed: dict[str, float] = {}
    for row in stored()["rows"].values():
        for test, measures in row["tests"].items():
            if is_case_of(node_id, test):
                for what, noted in measures.items():
                    allowed[what] = max(noted["allowed"], allowed.get(what, 0.0))
    return allowed


def main() -> int:
    """Run the tests and write the evidence; after a failure the file is as it was."""
    rows = load_claims()
    functions = {test.partition("[")[0] for row in rows for test in named_tests(row)}
    recorder = Recorder()
    # Long runs too.
    code = pytest.main(["-m", "", "-q", *sorted(functions)], plugins=[recorder])
    if code or recorder.failed:
        print("Nothing is written:", recorder.failed or f"pytest ended with {code!r}")
        return 1
    evidence = {
        "made_with": {
            "machine": platform.machine(),
            "system": platform.system(),
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
        "rows": join(rows, recorder),
        "instances": counted(rows, recorder),
    }
    EVIDENCE.parent.mkdir(exist_ok=True)
    text = json.dumps(evidence, indent=1, sort_keys=True, allow_nan=False)
    write_whole(EVIDENCE, (text + "\n").encode())
    print(f"{len(evidence['rows'])} claims measured: {EVIDENCE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    # Under its own name: tests/conftest.py knows the recorder by its class.
    from tools import evidence

    sys.exit(evidence.main())
