"""The students' copies on their way through nbgrader itself: handed out, handed in, graded."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest

from tools.copies import Style, checks_of, write_copies

pytestmark = pytest.mark.slow

CHAPTER, WEEK = "06-spectrum", "week"
EXERCISES = ("06-a", "06-b", "06-c")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course with one assignment, generated from a copy."""
    pytest.importorskip("nbgrader", reason="nbgrader is not installed (pip install nbgrader)")
    folder = tmp_path_factory.mktemp("course")
    write_copies(folder / "copies", Style(nbgrader=True))
    source = folder / "source" / WEEK
    source.mkdir(parents=True)
    (folder / "copies" / "student" / f"{CHAPTER}.ipynb").rename(source / f"{CHAPTER}.ipynb")
    nbgrader(folder, "generate_assignment", WEEK, "--create")
    return folder


def nbgrader(folder, *words):
    """Run a command of nbgrader in a course."""
    command = [sys.executable, "-m", "nbgrader", *words, "--course", "theory"]
    command += [f"--CourseDirectory.root={folder}", "--log-level=WARN"]
    # It calls alembic by its name.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "HOME": str(folder), "PATH": path}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


def released(course):
    return nbformat.read(course / "release" / WEEK / f"{CHAPTER}.ipynb", as_version=4)


def checks():
    return [one for exercise in EXERCISES for one in checks_of(exercise)]


def written(value):
    """A literal for a number, a list or a set; None for what has none."""
    if callable(value):
        return None
    if isinstance(value, set | bool | int | str):
        return repr(value)
    return repr(np.asarray(value, dtype=float).tolist())


def test_what_students_get_has_gaps_and_no_tests(course):
    notebook = released(course)
    text = "\n".join(cell.source for cell in notebook.cells)
    assert "HIDDEN TESTS" not in text
    assert "BEGIN SOLUTION" not in text
    ids = [
        cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata
    ]
    for one in checks():
        name = one.name.replace(".", "-")
        assert {f"write-{name}", f"judge-{name}"} <= set(ids)


def hand_in(course, student, answer_of):
    """Put answers into the gaps of what was handed out."""
    notebook = released(course)
    cells = {
        cell.metadata.nbgrader.grade_id: cell
        for cell in notebook.cells
        if "nbgrader" in cell.metadata
    }
    for one in checks():
        literal = answer_of(one)
        if literal is not None:
            cells[f"write-{one.name.replace('.', '-')}"].source = f"answer = {literal}"
    place = course / "submitted" / student / WEEK
    place.mkdir(parents=True)
    nbformat.write(notebook, place / f"{CHAPTER}.ipynb")


def test_each_answer_gets_the_points_that_check_would_give(course):
    from nbgrader.api import Gradebook

    literal = {one.name: written(one.solve()[0]) for one in checks()}
    told = {name for name, text in literal.items() if text is not None}
    assert len(told) >= 2
    wrong = sorted(told)[0]
    hand_in(course, "ada", lambda one: literal[one.name])
    hand_in(course, "bob", lambda one: "-12345.0" if one.name == wrong else literal[one.name])
    hand_in(course, "eve", lambda one: None)
    nbgrader(course, "autograde", WEEK, "--create")
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        points = {
            student: {
                grade.name: grade.auto_score
                for grade in book.find_submission_notebook(CHAPTER, WEEK, student).grades
            }
            for student in ("ada", "bob", "eve")
        }
    for one in checks():
        judge = f"judge-{one.name.replace('.', '-')}"
        right = float(one.name in told)
        assert points["ada"][judge] == right, one.name
        assert points["bob"][judge] == (0.0 if one.name == wrong else right), one.name
        assert points["eve"][judge] == 0.0, one.name
    # What was handed in is not what was graded: that has its tests again.
    graded = Path(course, "autograded", "ada", WEEK, f"{CHAPTER}.ipynb").read_text(encoding="utf-8")
    assert "BEGIN HIDDEN TESTS" in graded
