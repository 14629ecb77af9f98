"""Marks: the values of each hand-in judged by `nclib.teaching.check`, and the table of a class."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nclib.teaching import check
from nclib.teaching.exercises import find
from nclib.teaching.exercises.register import seed_text
from nclib.teaching.grading.handins import (
    Notebook,
    Unreadable,
    find_hand_ins,
    parts_of_chapter,
    read_notebook,
)
from nclib.teaching.grading.run import Limits, Outcome, known_fonts, run
from nclib.teaching.grading.values import unpacked

_LONGEST_REMARK = 160

_MOST_CELLS = 5
"""Cells that a note lists."""


@dataclass
class Marks:
    """What one student gets.

    Attributes
    ----------
    student : str
        Name of the folder or of the file that was handed in.
    seed : str
        The seed that the numbers depend on; "" for those of the book.
    right : dict
        For each part of the exercises that was answered whether the answer is right.
    remarks : dict
        For each part whose answer is wrong the recognised mistake, or what is wrong.
    notes : list of str
        What else a teacher should know of the hand-in: why it did not run to its end, say.
    """

    student: str
    seed: str = ""
    right: dict[str, bool] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def points(self) -> int:
        """How many answers are right."""
        return sum(self.right.values())

    @property
    def comment(self) -> str:
        """Notes, then the remarks on each part."""
        parts = [f"{name}: {self.remarks[name]}" for name in sorted(self.remarks)]
        return "; ".join([*self.notes, *parts])


def grade_folder(
    folder: Path,
    *,
    chapter: str | None = None,
    seeds: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    beside: Sequence[Path] = (),
) -> Iterator[Marks]:
    """Run and judge each student's hand-in, one after another.

    Parameters
    ----------
    folder : Path
        Notebooks named after students, or a folder for each student with notebooks in it.
    chapter : str, optional
        Number of the chapter that was to be handed in. Without it each notebook is judged as one
        of the chapter whose exercises it has.
    seeds : mapping, optional
        The seed of each student, which numbers depend on; whoever is listed and handed in nothing
        comes last. Without it the seed is the one that the notebook gives to `check`, and the same
        one twice is noted.
    limits : Limits, optional
        What a hand-in may take.
    beside : sequence of Path
        Files and folders that notebooks load: each runs beside a copy of them.

    Yields
    ------
    Marks
        As soon as a student's are known; those of the students before may get a note by then.

    Raises
    ------
    ValueError
        If there is no such folder, chapter or file, or no notebook in the folder.
    """
    hand_ins = find_hand_ins(folder)
    if chapter is not None:
        chapter = chapter.strip().zfill(2)
        if not parts_of_chapter(chapter):
            raise ValueError(
                f"chapter must be one with exercises to check, 01 to 13; got {chapter!r}"
            )
    for path in beside:
        if not path.exists():
            raise ValueError(f"{path}: no such file or folder")
    users: dict[str, list[Marks]] = {}
    fonts = known_fonts()
    for student, paths in hand_ins.items():
        marks = Marks(student)
        if seeds is not None and student in seeds:
            marks.seed = seeds[student]
        elif seeds is not None:
            marks.notes.append("no seed is listed for this student")
        used: set[str] = set()
        for path in paths:
            try:
                notebook = read_notebook(path)
                if chapter not in (None, notebook.chapter):
                    raise Unreadable(f"is of chapter {notebook.chapter}, not {chapter}")
                outcome = run(notebook, limits or Limits(), beside, fonts)
            except Unreadable as error:
                marks.notes.append(f"{path.name} {error}")
                continue
            where = f"{path.name}: " if len(paths) > 1 else ""
            marks.notes += [where + note for note in _notes(notebook, outcome)]
            for name, (seed, value) in outcome.values.items():
                if name in parts_of_chapter(notebook.chapter):
                    used |= set() if seed is None else {seed}
                    _mark(marks, name, unpacked(value), seed if seeds is None else marks.seed)
        if seeds is None:
            marks.seed = ", ".join(sorted(used))
            _note_shared(marks, used, users)
        elif other := used - {seed_text(marks.seed or None)}:
            marks.notes.append(f"computed with another seed: {', '.join(sorted(other))}")
        yield marks
    for student, seed in (seeds or {}).items():
        if student not in hand_ins:
            yield Marks(student, seed, notes=["handed in nothing"])


def _note_shared(marks: Marks, used: set[str], users: dict[str, list[Marks]]) -> None:
    """Note who computed with a seed that somebody before had as well, with both of them."""
    for seed in sorted(used):
        for other in users.setdefault(seed, []):
            other.notes.append(f"same seed as {marks.student}")
            marks.notes.append(f"same seed as {other.student}")
        users[seed].append(marks)


def _notes(notebook: Notebook, outcome: Outcome) -> list[str]:
    """Say what a teacher should know of a hand-in beside its values."""
    notes = [outcome.ended] if outcome.ended else []
    # A gap that nobody filled raises NotImplementedError: its empty column says it.
    late = [str(number) for number, error in outcome.errors if error == "late"]
    broken = [
        f"{number} ({error})"
        for number, error in outcome.errors
        if error not in ("late", "NotImplementedError")
    ]
    for what, cells in (("time ran out", late), ("error", broken)):
        if cells:
            more = " ..." if len(cells) > _MOST_CELLS else ""
            notes.append(f"{what} in cell {', '.join(cells[:_MOST_CELLS])}{more}")
    parts = parts_of_chapter(notebook.chapter)
    met = notebook.parts | outcome.values.keys()
    if missing := [name for name in parts if name not in met]:
        notes.append(f"no cell checks {', '.join(missing)}")
    if notebook.looks_up:
        notes.append("its code names the solutions of nclib: have a look")
    return notes


def _mark(marks: Marks, name: str, answer: Any, seed: str | None) -> None:
    """Judge one answer. Of two notebooks of one student the better one counts."""
    verdict = check(name, answer, seed=seed or None)
    if marks.right.get(name):
        return
    marks.right[name] = verdict.right
    marks.remarks.pop(name, None)
    if verdict.mistake is not None:
        marks.remarks[name] = verdict.mistake
    elif not verdict.right and verdict.message == find(name).nudge:
        marks.remarks[name] = "wrong, by no known mistake"
    elif not verdict.right:
        marks.remarks[name] = " ".join(verdict.message.split())[:_LONGEST_REMARK]


def read_seeds(path: Path) -> dict[str, str]:
    """Read each student's seed from a file with a student and a seed in each line.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is no text in UTF-8, a line has other than two entries, or names a student again.
    """
    seeds: dict[str, str] = {}
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not a text in UTF-8") from error
    for number, row in enumerate(csv.reader(text.splitlines()), start=1):
        entries = [entry.strip() for entry in row]
        if not any(entries) or (number == 1 and entries == ["student", "seed"]):
            continue
        if len(entries) != 2 or not all(entries):
            raise ValueError(f"{path}, line {number}: a student and a seed, not {','.join(row)!r}")
        if entries[0] in seeds:
            raise ValueError(f"{path}, line {number}: {entries[0]!r} has a seed already")
        seeds[entries[0]] = entries[1]
    return seeds


def table(marks: Iterable[Marks], chapter: str | None = None) -> str:
    """Write the table of a class as CSV.

    A row a student: the seed, a column for each part of the exercises (1 right, 0 wrong, empty not
    answered), how many are right and of how many, and the comment. The columns are those of the
    chapter, or of all chapters that somebody answered.
    """
    rows = list(marks)
    chapters = {name[:2] for one in rows for name in one.right} if chapter is None else {chapter}
    parts = [name for each in sorted(chapters) for name in parts_of_chapter(each.zfill(2))]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["student", "seed", *parts, "right", "of", "comment"])
    for one in rows:
        cells = ["" if name not in one.right else int(one.right[name]) for name in parts]
        row = [one.student, one.seed, *cells, one.points, len(parts), one.comment]
        writer.writerow([_inert(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue()


def _inert(text: str) -> str:
    """Write text such that no spreadsheet takes it for a formula, and on one line."""
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
