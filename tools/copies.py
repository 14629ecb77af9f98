"""Write a student's and a teacher's copy of every chapter, from the chapter itself.

``make copies`` runs this and writes both into ``_build/copies``. The student's has a gap in place
of each solution: a cell that says what to write there, and raises until it is written. The
teacher's shows the solutions, and what students get wrong.

With ``--seed`` the numbers of the exercises depend on who answers them, where they can, and with
``--nbgrader`` the students' cells carry what nbgrader wants to know: ``make copies
COPIES="--seed --nbgrader"``.
"""

import argparse
import ast
import re
import shutil
import textwrap
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


class Style(NamedTuple):
    """What students' copies have beside the gaps.

    `seeded`: numbers that depend on the student. `nbgrader`: cells with its metadata.
    """

    seeded: bool = False
    nbgrader: bool = False


PLAIN = Style()


def gap(name: str, what: str, then: str = "") -> NotebookNode:
    """Make a cell that raises until it is written."""
    source = f'raise NotImplementedError(\n    "Exercise {name}: write {what}"\n){then}'
    cell: NotebookNode = nbformat.v4.new_code_cell(source, id=f"write-{name.replace('.', '-')}")
    return cell


def gaps(name: str, style: Style = PLAIN) -> Iterator[NotebookNode]:
    """Make the cells in which a student answers an exercise."""
    checks = checks_of(name)
    if style.seeded and any(one.given for one in checks):
        source = f'exercise("{name}", seed=SEED)  # the numbers to compute with'
        yield nbformat.v4.new_code_cell(source, id=f"numbers-{name}")
    for one in checks:
        what = f'your answer here, as `answer = ...`: "\n    "{one.kind.asks}.'
        seed = ", seed=SEED" if style.seeded and one.given else ""
        cell = gap(one.name, what, f'\n\ncheck("{one.name}", answer{seed})')
        if style.nbgrader:
            keep_what_to_do(cell)
            mark_for_nbgrader(cell, solution=True)
        yield cell
        if style.nbgrader:
            yield test_of(one.name, seed)
    if not checks:
        text = f"**Exercise {name}.** *Write your proof here, in place of this line.*"
        proof = nbformat.v4.new_markdown_cell(text, id=f"proof-{name}")
        numbers = gap(name, "here what tries your proof on numbers.")
        if style.nbgrader:
            # Whoever reads the proof reads what tries it as well, and gives points once.
            proof.source = f"**Exercise {name}.**\n\n{FROM}\n*Write your proof here.*\n{TO}"
            keep_what_to_do(numbers)
            mark_for_nbgrader(proof, solution=True, points=1)
            mark_for_nbgrader(numbers, solution=True)
        yield proof
        yield numbers


# nbgrader puts a gap of its own in place of these and what is between, and of the whole cell where
# they are not in it.
FROM, TO = "### BEGIN SOLUTION", "### END SOLUTION"


def keep_what_to_do(gap: NotebookNode) -> None:
    """Say in a comment what to write into a gap, which nbgrader will put one of its own for."""
    raising, end, after = gap.source.partition("\n)")
    message = ast.literal_eval(raising.removeprefix("raise NotImplementedError") + end)
    comment = textwrap.fill(message, 98, initial_indent="# ", subsequent_indent="# ")
    gap.source = f"{comment}\n{FROM}\n{raising}{end}\n{TO}{after}"


def mark_for_nbgrader(cell: NotebookNode, *, solution: bool, points: int | None = None) -> None:
    """Write into a cell what nbgrader has to know of it, by version 3 of its schema.

    A cell with points is graded: by a person, where the student writes it, else by its tests, and
    then nobody may change it.
    """
    graded = {} if points is None else {"points": points}
    cell.metadata["nbgrader"] = nbformat.from_dict(
        {
            "schema_version": 3,
            "grade_id": cell.id,
            "grade": points is not None,
            "solution": solution,
            "locked": not solution,
            "task": False,
            **graded,
        }
    )


def test_of(name: str, seed: str) -> NotebookNode:
    """Make the cell that judges an answer under nbgrader.

    nbgrader takes out what is hidden before it hands the notebook out, and puts it back to grade.
    No answer stands there, so that nothing is given away even where it is left in.
    """
    # The next exercise shall not find this answer.
    source = (
        f'_given, answer = globals().get("answer"), None  # {name} is judged when it is graded\n'
        "### BEGIN HIDDEN TESTS\n"
        "from nclib.teaching import check as _judge\n\n"
        f'_verdict = _judge("{name}", _given{seed})\n'
        "assert _verdict, _verdict\n"
        "### END HIDDEN TESTS"
    )
    cell: NotebookNode = nbformat.v4.new_code_cell(source, id=f"judge-{name.replace('.', '-')}")
    mark_for_nbgrader(cell, solution=False, points=1)
    return cell


def seed_cell() -> NotebookNode:
    """Make the cell in which a student says who it is."""
    source = (
        "from nclib.teaching import exercise\n\n"
        'raise NotImplementedError("write here SEED = your name or number, as your teacher said")'
    )
    cell: NotebookNode = nbformat.v4.new_code_cell(source, id="seed")
    return cell


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


def student(notebook: NotebookNode, style: Style = PLAIN) -> list[NotebookNode]:
    """Make the student's cells: a gap in place of each solution."""
    cells: list[NotebookNode] = []
    for role, exercise, own in pieces(notebook):
        if role == "start":
            cells += gaps(exercise, style)
        elif role == "":
            cells += own
    if any(cell.id.startswith("numbers-") for cell in cells):
        first = next(k for k, cell in enumerate(cells) if cell.cell_type == "code")
        cells.insert(first + 1, seed_cell())
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


def write_copies(folder: Path = COPIES, style: Style = PLAIN) -> None:
    """Write all notebooks of the book, and what they load, once for each kind of reader."""
    for reader, cells_for in READERS.items():
        place = folder / reader
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        shutil.copytree(BOOK / "results", place / "results")
        for path in sorted(BOOK.glob("*.ipynb")):
            notebook = read(path)
            notebook.cells = (
                student(notebook, style) if reader == "student" else cells_for(notebook)
            )
            for cell in notebook.cells:
                if cell.cell_type == "markdown":
                    cell.source = plain(cell.source, path.name)
            nbformat.validate(notebook)
            write_whole(place / path.name, dump(notebook))
        print(f"{place}: {len(list(place.glob('*.ipynb')))} notebooks")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.copies")
    parser.add_argument("--seed", action="store_true", help="numbers depend on the student")
    parser.add_argument("--nbgrader", action="store_true", help="write metadata for nbgrader")
    chosen = parser.parse_args()
    write_copies(style=Style(seeded=chosen.seed, nbgrader=chosen.nbgrader))
