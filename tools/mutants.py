"""Try the tests on small faults: ``make mutants``, or a module of them as ``MODULE=``.

cosmic-ray's operators make the faults (`tools/mutant_sources.py`), and acorn those in scripts of
the book (`tools/script_mutants.mjs`), which are tried on all tests of the scripts. For all others a
process collects the tests of an area once and notes which lines each of them runs. For every
mutant it forks a child, which puts the faulty code in the place of the right one, runs the tests
that reach the statement, quick ones first, and ends at the first that fails. What has run before
the child could change it (constants, code that ran while tests were collected) is tried in a fork
that has imported nothing of nclib yet (`tools/mutant_trials.py`).

What every mutant came to is kept in ``_build/mutants``. One is tried again when its module has
changed, or the file of the test that killed it, or, where it survived, any test of its area. What
else has changed is not looked at: without ``_build/mutants`` everything is tried anew.
`tests/mutants.csv` has the counts by module; `tests/survivors.toml` says of those that may survive,
why. A sample of another seed, ``make mutants SEED=27``, says how far the counts hold for what was
not drawn: `tests/mutants_again.csv` has its counts.
"""

import argparse
import csv
import importlib
import json
import os
import random
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tools.mutant_sources import Mutant, fingerprint, mutants_of, mutants_of_script

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "_build" / "mutants"
TABLE = ROOT / "tests" / "mutants.csv"
ANOTHER = ROOT / "tests" / "mutants_again.csv"
REASONS = ROOT / "tests" / "survivors.toml"

COLUMNS = ("module", "mutants", "tried", "killed", "excused", "survived", "date", "commit")

Outcome = dict[str, str]


@dataclass(frozen=True)
class Area:
    """Modules that the same tests judge; as in ``[[tool.mutants.areas]]`` of pyproject.toml."""

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    sampled: bool
    sample: int
    """How many mutants of a module are tried where the area is sampled."""
    functions: tuple[str, ...] = ()
    """Of scripts of the book, tried by other means: the functions that get faults."""
    cases: int = 0
    """How many cases of one test judge."""

    def mutants(self, module: str, operators: Sequence[str]) -> list[Mutant]:
        """Make every mutant of one of the modules."""
        if self.functions:
            return mutants_of_script(module, ROOT, self.functions)
        return mutants_of(module, ROOT, operators)

    def files(self) -> list[str]:
        """Return the modules of the area, without those of a nested one."""
        return sorted({path for pattern in self.modules for path in _found(pattern)})

    def test_files(self) -> list[str]:
        """Return what is collected: files of tests, and modules with examples in docstrings."""
        return [path for pattern in self.tests for path in _found(pattern)]


def _found(pattern: str) -> list[str]:
    return sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern))


def _text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


class State:
    """What each mutant of an area came to, in a file between runs."""

    def __init__(self, area: Area, tests: Sequence[str]) -> None:
        self.path = KEPT / f"{area.name}.json"
        self.kept: dict[str, dict[str, Any]] = {}
        if self.path.exists():
            self.kept = json.loads(self.path.read_text(encoding="utf-8"))
        self._hashes: dict[str, str] = {}
        self.tests = fingerprint(*map(_text, tests))

    def still_holds(self, mutant: Mutant) -> bool:
        """Tell whether nothing has changed that the outcome of a mutant hangs on."""
        outcome = self.outcomes(mutant.module).get(mutant.key)
        if outcome is None:
            return False
        if outcome["outcome"] == "survived":
            return outcome["tests"] == self.tests
        return outcome["tests"] == self._hash(outcome["by"].partition("::")[0])

    def outcomes(self, module: str) -> dict[str, Outcome]:
        """Return what mutants of this source of a module came to, by their keys."""
        kept = self.kept.get(module)
        if kept is None or kept["source"] != self._hash(module):
            kept = self.kept[module] = {"source": self._hash(module), "outcomes": {}}
        outcomes: dict[str, Outcome] = kept["outcomes"]
        return outcomes

    def note(self, mutant: Mutant, outcome: str, by: str) -> None:
        """Keep an outcome, with the hash of the tests that it hangs on."""
        tests = self.tests if outcome == "survived" else self._hash(by.partition("::")[0])
        self.outcomes(mutant.module)[mutant.key] = {"outcome": outcome, "by": by, "tests": tests}

    def save(self) -> None:
        """Write the file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.kept, indent=0), encoding="utf-8")

    def _hash(self, path: str) -> str:
        if path not in self._hashes:
            exists = path and (ROOT / path).is_file()
            self._hashes[path] = fingerprint(_text(path)) if exists else ""
        return self._hashes[path]


def excuses() -> list[dict[str, Any]]:
    """Read what may survive, and why."""
    rows: list[dict[str, Any]] = tomllib.loads(REASONS.read_text(encoding="utf-8"))["survivor"]
    return rows


def excuse(mutant: Mutant, rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the row that a mutant is listed in, if any."""
    for row in rows:
        fits = row["module"] == mutant.module and row["line"] == mutant.line
        if fits and ("changes" not in row or mutant.change in row["changes"]):
            return row
    return None


def try_area(
    area: Area,
    settings: dict[str, Any],
    modules: Sequence[str],
    tests: Sequence[str],
    table: Path = TABLE,
) -> None:
    """Try the mutants of modules of an area on files of tests, and write the table."""
    state = State(area, tests)
    wanted: dict[str, list[Mutant]] = {}
    counts: dict[str, int] = {}
    for module in modules:
        mutants = area.mutants(module, settings["operators"])
        counts[module] = len(mutants)
        if area.sampled:
            chosen = random.Random(f"{settings['seed']} {module}")
            mutants = chosen.sample(mutants, min(area.sample, len(mutants)))
        wanted[module] = mutants
    todo = [one for mutants in wanted.values() for one in mutants if not state.still_holds(one)]
    print(
        f"{area.name}: {len(todo)} of {sum(map(len, wanted.values()))} mutants to try", flush=True
    )
    if todo:
        outcomes = _outcomes_of_scripts if area.functions else _outcomes
        for number, (index, outcome, by) in enumerate(outcomes(todo, tests, settings), 1):
            state.note(todo[index], outcome, by)
            if number % 20 == 0:
                state.save()
                print(f"  {number} tried", flush=True)
        state.save()
    rows = excuses()
    for module, mutants in wanted.items():
        report(module, mutants, counts[module], state, rows, table)


def _outcomes(
    todo: list[Mutant], files: Sequence[str], settings: dict[str, Any]
) -> Iterator[tuple[int, str, str]]:
    """Yield index, outcome and killing test of mutants, from a process that imports nclib."""
    from tools.mutant_trials import collected_trials, fresh_trial

    anew = []
    for index, outcome, by, tests in collected_trials(files, todo, settings):
        if outcome == "unreached":
            anew.append((index, tests))
        else:
            yield index, outcome, by
    print(f"  {len(anew)} to try from the import on", flush=True)
    for index, tests in anew:
        yield index, *fresh_trial(todo[index], tests, settings)


def _outcomes_of_scripts(
    todo: list[Mutant], files: Sequence[str], settings: dict[str, Any]
) -> Iterator[tuple[int, str, str]]:
    """Yield index, outcome and killing test of mutants of scripts of the book."""
    from tools.mutant_trials import script_trials

    yield from script_trials(files, todo)


def report(
    module: str,
    mutants: list[Mutant],
    count: int,
    state: State,
    rows: list[dict[str, Any]],
    path: Path,
) -> None:
    """Print the survivors of a module and renew its row of the table."""
    outcomes = state.outcomes(module)
    tried = [mutant for mutant in mutants if mutant.key in outcomes]
    alive = [mutant for mutant in tried if outcomes[mutant.key]["outcome"] == "survived"]
    excused = [mutant for mutant in alive if excuse(mutant, rows)]
    left = [mutant for mutant in alive if not excuse(mutant, rows)]
    for mutant in left:
        reached = "" if outcomes[mutant.key]["by"] else "   (no test reaches it)"
        print(f"{module}:{mutant.first}: {mutant.line}\n    {mutant.change}{reached}")
    lines = {line.strip() for line in _text(module).splitlines()}
    for row in rows:
        if row["module"] == module and row["line"] not in lines:
            print(f"{module}: survivors.toml speaks of a line that is gone: {row['line']}")
    command = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    numbers = (count, len(tried), len(tried) - len(alive), len(excused), len(left))
    table = {}
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            table = {row["module"]: row for row in csv.DictReader(file)}
    values = (module, *numbers, datetime.now(UTC).date().isoformat(), commit.stdout.strip())
    table[module] = dict(zip(COLUMNS, map(str, values), strict=True))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table[name] for name in sorted(table) if (ROOT / name).exists())
    print(
        f"{module}: {numbers[2]} of {len(tried)} killed, {len(excused)} excused, {len(left)} left"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Try mutants of all areas or of what is named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="modules or areas; none for everything")
    parser.add_argument("--tests", nargs="+", help="files that judge, instead of the area's")
    parser.add_argument("--seed", type=int, help="draw another sample where areas are sampled")
    parser.add_argument("--sample", type=int, help="of so many mutants of a module")
    given = parser.parse_args(arguments)
    names = given.names
    with (ROOT / "pyproject.toml").open("rb") as file:
        settings = tomllib.load(file)["tool"]["mutants"]
    # One thread: a child of a process with more has only one of them.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    os.chdir(ROOT)
    for name in settings["preload"]:
        importlib.import_module(name)
    areas = [
        Area(
            row["name"],
            tuple(row["modules"]),
            tuple(row["tests"]),
            row.get("sampled", False),
            given.sample or row.get("sample", settings["sample"]),
            tuple(row.get("functions", ())),
            row.get("cases", settings["cases"]),
        )
        for row in settings["areas"]
    ]
    known = {area.name for area in areas} | {path for area in areas for path in area.files()}
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"neither a module nor an area: {', '.join(unknown)}")
    for area in areas:
        everything = not names or area.name in names
        modules = [path for path in area.files() if everything or path in names]
        if modules:
            chosen = settings | {"cases": area.cases}
            table = TABLE
            if given.seed is not None:
                chosen["seed"], table = given.seed, ANOTHER
            try_area(area, chosen, modules, given.tests or area.test_files(), table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
