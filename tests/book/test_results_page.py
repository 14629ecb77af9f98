"""The page that describes the stored results has each of their keys, and no other."""

import json
import re
from functools import cache
from itertools import product
from pathlib import Path

import pytest

RESULTS = Path(__file__).resolve().parents[2] / "book" / "results"
TEXT = (RESULTS / "README.md").read_text(encoding="utf-8")
FILES = {
    "Runs": [*RESULTS.glob("runs/*.json"), *RESULTS.glob("losses/*.json")],
    "Schedules": [RESULTS / "schedules.json"],
    "Scripts": [*RESULTS.glob("scripts/*.json")],
    "The evidence of the ledger": [RESULTS / "evidence.json"],
}


def alternatives(key):
    """A key once for each name between braces."""
    parts = [part.split(",") for part in re.split(r"\{([^}]*)\}", key)]
    fixed = [[",".join(part)] if place % 2 == 0 else part for place, part in enumerate(parts)]
    return ["".join(choice) for choice in product(*fixed)]


def entries(section):
    """Key, in parts, to the types that the page allows."""
    table = TEXT.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    found = {}
    for row in re.findall(r"^\| `.+", table, re.MULTILINE):
        key, types, unit, meaning = (cell.strip() for cell in row.strip("|").split("|"))
        assert meaning
        assert not unit or unit in {"s", "samples", "layers", "units", "epochs", "modes", "share"}
        for one in alternatives(key.strip("`")):
            parts = tuple(one.split("."))
            assert parts not in found, f"{key} is there twice"
            found[parts] = set(types.split(" or "))
    return found


def type_of(value):
    """The type of a value, as the page names it."""
    if isinstance(value, list):
        inner = {type_of(one) for one in value}
        if inner <= {"integer", "number"} and "number" in inner:
            inner = {"number"}
        (one,) = inner
        first, _, rest = one.partition(" ")
        return f"list of {first}s{rest and f' {rest}'}"
    names = {bool: "boolean", int: "integer", float: "number", str: "text", dict: "object"}
    return names.get(type(value), "null")


def keys_of(value, above=()):
    """Each key of a JSON object, in parts, with the type of what it holds."""
    for key, held in value.items():
        if held == []:  # of what it is a list other files show
            continue
        path = (*above, key)
        yield path, type_of(held)
        if isinstance(held, dict):
            yield from keys_of(held, path)
        elif isinstance(held, list) and held and isinstance(held[0], dict):
            for one in held:
                yield from keys_of(one, (*above, f"{key}[]"))


def fitting(path, known):
    """The entry for a key: with its own name, or else with a star for it."""
    found = [
        entry
        for entry in known
        if len(entry) == len(path)
        and all(part in ("*", name) for part, name in zip(entry, path, strict=True))
    ]
    return min(found, key=lambda entry: entry.count("*"), default=None)


@cache
def stored(section):
    """All keys in the files of a section, with their types."""
    found = {}
    for path in FILES[section]:
        for key, kind in keys_of(json.loads(path.read_text(encoding="utf-8"))):
            found.setdefault(key, set()).add(kind)
    return found


@pytest.mark.parametrize("section", FILES)
def test_every_key_has_an_entry_of_its_type(section):
    known = entries(section)
    assert len(stored(section)) > 30
    for key, kinds in stored(section).items():
        entry = fitting(key, known)
        assert entry, f"no entry for {'.'.join(key)}"
        assert kinds <= known[entry] | ({"integer"} if "number" in known[entry] else set()), (
            key,
            kinds,
        )


@pytest.mark.parametrize("section", FILES)
def test_every_entry_is_the_key_of_a_file(section):
    known = entries(section)
    used = {fitting(key, known) for key in stored(section)}
    assert set(known) == used


def test_a_key_without_an_entry_is_noticed():
    known = entries("Runs")
    run = json.loads(FILES["Runs"][0].read_text(encoding="utf-8"))
    run["history"][0]["metrics"]["corrected"]["nc5"] = 0.5
    missing = [key for key, _ in keys_of(run) if fitting(key, known) is None]
    assert missing == [("history[]", "metrics", "corrected", "nc5")]


def test_the_license_is_that_of_the_book():
    assert "CC BY 4.0" in TEXT
    assert (RESULTS.parents[1] / "LICENSE-CC-BY-4.0").is_file()
