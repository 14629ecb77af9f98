"""``nclib grade``: what students hand in, run apart and judged here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nclib.cli import _output as out

if TYPE_CHECKING:
    from nclib.teaching.grading import Marks


def grade(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Folder of the hand-ins: notebooks named after students, or a folder for each.",
            show_default=False,
        ),
    ],
    csv: Annotated[Path, typer.Option("--csv", metavar="FILE", help="File that gets the table.")],
    chapter: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER",
            help="Chapter that was to be handed in: a notebook of another one gets no marks. "
            "Default: each is judged by the exercises that it has.",
        ),
    ] = None,
    seeds: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="CSV file with each student and the seed that the numbers depend on. Default: the "
            "seed that the notebook itself gives to check, if any.",
        ),
    ] = None,
    beside: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="File or folder that the notebooks load (results, of the copies for students): "
            "each runs beside a copy of it. May be repeated.",
        ),
    ] = None,
    cell_time: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", callback=out.positive, help="After this a cell is interrupted."
        ),
    ] = 60.0,
    time: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", callback=out.positive, help="After this a hand-in is ended."
        ),
    ] = 300.0,
    memory: Annotated[
        int,
        typer.Option(
            metavar="MB",
            callback=out.checked(lambda value: value >= 256, "at least 256"),
            help="Memory that a hand-in may take.",
        ),
    ] = 4096,
    as_json: out.JsonOption = False,
) -> None:
    """Grade a class: run each notebook in a process of its own, and judge its values here.

    Only the values count that its cells give to `check`; what is printed, and what the notebook
    was stored with, counts for nothing. The file has a row for each student and a column for each
    part of the exercises: 1 right, 0 wrong, empty not answered. The comment says which mistake was
    recognised, and what went wrong with the hand-in. The file is written anew after each student.

    The limits keep accidents away, and no attack: whoever hands in runs code as you. Grade people
    whom you do not trust in a container or in an account that has nothing to lose.

    For example:

    - `nclib grade handed-in --csv marks.csv`

    - `nclib grade handed-in --csv marks.csv --chapter 05 --seeds seeds.csv`

    - `nclib grade handed-in --csv marks.csv --beside student/results --time 600`

    - `nclib grade handed-in --csv marks.csv --json | jq '.students[].comment'`
    """
    with out.reported():
        import IPython  # noqa: F401 (what the cells run in: better missed now than by each)

        from nclib._files import write_whole
        from nclib.teaching.grading import Limits, grade_folder, read_seeds, table

        limits = Limits(cell_time, time, memory * 2**20)
        marks: list[Marks] = []
        graded = grade_folder(
            folder,
            chapter=chapter,
            seeds=None if seeds is None else read_seeds(seeds),
            limits=limits,
            beside=beside or (),
        )
        for one in graded:
            marks.append(one)
            write_whole(csv, table(marks, chapter).encode())
            out.say(f"{one.student}: {one.points} right, {len(one.right)} answered")
        if as_json:
            out.write_json({"csv": str(csv), "students": [summary(one) for one in marks]})
            return
        rows = [(one.student, one.points, len(one.right), one.comment) for one in marks]
        out.show_table(f"Marks: {csv}", ("student", "right", "answered", "comment"), rows)


def summary(marks: Marks) -> dict[str, Any]:
    """Return the marks of a student as plain values."""
    return {
        "student": marks.student,
        "seed": marks.seed or None,
        "right": marks.right,
        "remarks": marks.remarks,
        "notes": marks.notes,
        "points": marks.points,
        "comment": marks.comment,
    }
