"""Write a student's and a teacher's copy of every chapter, from the chapter itself.

``make copies`` runs this and writes both into ``_build/copies``. The student's has a gap in place
of each solution: a cell that says what to write there, and raises until it is written. The
teacher's shows the solutions, and what students get wrong.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import nbformat
import numpy as np
from nbformat import NotebookNode

from nclib._files import write_whole
from nclib.teaching import EXERCISES, Exercise
from tools.notebooks import BOOK, dump, read
from tools.plain_markdown import plain

COPIES = BOOK.parent / "_build" / "copies"

MARK = re.compile(
    r"^:::\{(?P<what>exercise|solution-start|solution-end)\}.*?^:::$", re.DOTALL | re.MULTILINE
)


class Piece(NamedTuple):
    """A part of a chapter.

    `role` is "solution" inside of a solution and "" outside; "start" and "end" are where the
    solution of `exercise` starts and ends, and have no cells.
    """

    role: str
    exercise: str
    cells: list[NotebookNode]


def pieces(notebook: NotebookNode) -> Iterator[Piece]:
    """Cut a chapter where exercises and solutions begin and end."""
    solved = ""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            yield Piece("solution" if solved else "", solved, [cell])
            continue
        for number, (what, text) in enumerate(cut(cell.source)):
            if what == "solution-start":
                solved = re.sub(r".*\} ex-(\S+).*", r"\1", text, flags=re.DOTALL)
                yield Piece("start", solved, [])
            elif what == "solution-end":
                yield Piece("end", solved, [])
                solved = ""
            else:
                part = nbformat.v4.new_markdown_cell(text, id=f"{cell.id}-{number}")
                yield Piece("solution" if solved else "", solved, [part])


def cut(text: str) -> Iterator[tuple[str, str]]:
    """Cut Markdown into exercises, marks of solutions, and what is between."""
    position = 0
    for mark in [*MARK.finditer(text), None]:
        between = text[position : mark.start() if mark else None].strip("\n")
        if between:
            yield "", between
        if mark:
            yield mark["what"], mark[0]
            position = mark.end()


def checks_of(name: str) -> list[Exercise]:
    """Return the checks of an exercise: none for a proof, one for each of its parts."""
    return [one for one in EXERCISES.values() if one.name.partition(".")[0] == name]


def gap(name: str, what: str, then: str = "") -> NotebookNode:
    """Make a cell that raises until it is written."""
    source = f'raise NotImplementedError(\n    "Exercise {name}: write {what}"\n){then}'
    cell: NotebookNode = nbformat.v4.new_code_cell(source, id=f"write-{name.replace('.', '-')}")
    return cell


def gaps(name: str) -> Iterator[NotebookNode]:
    """Make the cells in which a student answers an exercise."""
    checks = checks_of(name)
    for one in checks:
        what = f'your answer here, as `answer = ...`: "\n    "{one.kind.asks}.'
        yield gap(one.name, what, f'\n\ncheck("{one.name}", answer)')
    if not checks:
        text = f"**Exercise {name}.** *Write your proof here, in place of this line.*"
        yield nbformat.v4.new_markdown_cell(text, id=f"proof-{name}")
        yield gap(name, "here what tries your proof on numbers.")


def shown(answer: object) -> str:
    """Write a wrong answer for a table."""
    if callable(answer):
        return "a function"
    if isinstance(answer, bool | set):
        return str(answer or "none")
    text = ", ".join(f"{number:.4g}" for number in np.ravel(np.asarray(answer, dtype=float)))
    return text if len(text) <= 40 else f"{text[:40].rpartition(',')[0]}, ..."


def usual_mistakes(name: str) -> Iterator[NotebookNode]:
    """Make the cell that tells a teacher what students get wrong."""
    for one in checks_of(name):
        rows = [
            f"| {shown(mistake.answer)} | {mistake.why} | {mistake.hint} |"
            for mistake in one.solve()[1]
        ]
        head = [f"**Wrong answers to expect at {one.name}** ({one.kind.asks})", ""]
        table = ["| answer | how one gets there | hint that `check` gives |", "|---|---|---|"]
        text = "\n".join([*head, *table, *rows])
        yield nbformat.v4.new_markdown_cell(text, id=f"mistakes-{one.name.replace('.', '-')}")


def student(notebook: NotebookNode) -> list[NotebookNode]:
    """Make the student's cells: a gap in place of each solution."""
    cells: list[NotebookNode] = []
    for role, exercise, own in pieces(notebook):
        if role == "start":
            cells += gaps(exercise)
        elif role == "":
            cells += own
    return cells


def teacher(notebook: NotebookNode) -> list[NotebookNode]:
    """Make the teacher's cells: each solution, and then what students get wrong."""
    cells: list[NotebookNode] = []
    for role, exercise, own in pieces(notebook):
        if role == "start":
            cells.append(nbformat.v4.new_markdown_cell("#### Solution", id=f"solution-{exercise}"))
        elif role == "end":
            cells += usual_mistakes(exercise)
        else:
            cells += own
    return cells


READERS = {"student": student, "teacher": teacher}


def write_copies(folder: Path = COPIES) -> None:
    """Write all notebooks of the book, and what they load, once for each kind of reader."""
    for reader, cells_for in READERS.items():
        place = folder / reader
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        shutil.copytree(BOOK / "results", place / "results")
        for path in sorted(BOOK.glob("*.ipynb")):
            notebook = read(path)
            notebook.cells = cells_for(notebook)
            for cell in notebook.cells:
                if cell.cell_type == "markdown":
                    cell.source = plain(cell.source, path.name)
            nbformat.validate(notebook)
            write_whole(place / path.name, dump(notebook))
        print(f"{place}: {len(list(place.glob('*.ipynb')))} notebooks")


if __name__ == "__main__":
    write_copies()
