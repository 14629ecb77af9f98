"""Finding and reading what students hand in."""

from __future__ import annotations

import json
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nclib.teaching.exercises import EXERCISES, find

LARGEST = 64 * 2**20
"""Bytes of a notebook, stored outputs included."""

_CALL = re.compile(r"""\bcheck\(\s*(?:exercise\s*=\s*)?["']([^"']{1,40})["']""")
_GAP = re.compile(r"write-(\d\d)-([a-z])(?:-(\d+))?")
_SOLUTIONS = re.compile(r"\bEXERCISES\b|\bteaching\.exercises\b|\.solve\(\s*\)")


class Unreadable(Exception):
    """A file that is no notebook that can be graded; the message says why."""


@dataclass(frozen=True)
class Notebook:
    """A notebook that was handed in.

    Attributes
    ----------
    chapter : str
        Number of the chapter whose exercises it answers: ``"05"``.
    cells : list of tuple
        Number, from 1, and source of each cell with code.
    parts : frozenset of str
        The exercises that its cells ask `check` about.
    looks_up : bool
        Whether its cells name the place where the solutions are.
    """

    chapter: str
    cells: list[tuple[int, str]]
    parts: frozenset[str]
    looks_up: bool


def find_hand_ins(folder: Path) -> dict[str, list[Path]]:
    """Find the notebooks of each student, by name.

    A folder in `folder` is a student's, with all notebooks in it; a notebook right in `folder` is
    the one of the student that it is named after. Copies that Jupyter keeps are passed over.

    Raises
    ------
    ValueError
        If there is no such folder, or no notebook in it.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder of hand-ins")
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*.ipynb")):
        parts = path.relative_to(folder).parts
        if not any(part.startswith(".") for part in parts) and path.is_file():
            found.setdefault(parts[0] if len(parts) > 1 else path.stem, []).append(path)
    if not found:
        raise ValueError(f"{folder}: no notebook (.ipynb) in it")
    return found


def read_notebook(path: Path) -> Notebook:
    """Read a notebook, and find out which chapter's exercises it answers.

    Raises
    ------
    Unreadable
        If it is no notebook, is too large, or has no exercise of the book.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise Unreadable(f"larger than {LARGEST >> 20} MB: clear its outputs")
        content = json.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise Unreadable(f"cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise Unreadable("is no notebook") from error
    cells = content.get("cells") if isinstance(content, dict) else None
    if not isinstance(cells, list):
        raise Unreadable("is no notebook of version 4")
    coded = [
        (number, _source(cell), str(cell.get("id", "")))
        for number, cell in enumerate(cells, start=1)
        if isinstance(cell, dict) and cell.get("cell_type") == "code"
    ]
    asked = [name for _, source, _ in coded for name in _names_in(source)]
    gaps = [match for _, _, key in coded if (match := _GAP.fullmatch(key))]
    chapters = Counter([name[:2] for name in asked] + [gap[1] for gap in gaps])
    if not chapters:
        raise Unreadable("has no exercise of this book")
    return Notebook(
        chapter=chapters.most_common(1)[0][0],
        cells=[(number, source) for number, source, _ in coded if source.strip()],
        parts=frozenset(asked),
        looks_up=any(_SOLUTIONS.search(source) for _, source, _ in coded),
    )


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""


def _names_in(source: str) -> list[str]:
    """Names of the exercises that a cell asks `check` about."""
    names = []
    for text in _CALL.findall(source):
        with suppress(ValueError):
            names.append(find(text).name)
    return names


def parts_of_chapter(chapter: str) -> list[str]:
    """Return the names of all that can be checked in a chapter."""
    return [name for name in EXERCISES if name[:2] == chapter]
