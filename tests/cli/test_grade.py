"""A class graded: what counts, what does not, and what hostile hand-ins cannot stop."""

import csv
import json
import re
import sys

import pytest

from nclib.teaching import EXERCISES, check, exercise
from nclib.teaching.grading.values import packed, unpacked
from tools import copies
from tools.notebooks import BOOK, read

SETUP = "import numpy as np\nimport nclib as nc\nfrom nclib.teaching import check"

# By hand: the test of Theorem 4.3 for two classes; the smallest collapse factor of the lesions.
RIGHT = {
    "05-a": "lambda n_0: (128 * n_0) ** (-1 / 3)",
    "05-b.1": "{6}",
    "05-b.2": "0.4756",
    "05-c": "lambda L: (L + 1) / 4 ** (L / (L + 1))",
}

# Each wrong answer, as a student writes it, and what the comment must say of it.
WRONG = {
    "05-a": [
        ("lambda n_0: (16 * n_0) ** (-1 / 3)", "forgot that N = 2 n_0, or the root in the test"),
        ("lambda n_0: (32 * n_0) ** (-1 / 3)", "took L for L^2"),
        ("lambda n_0: (128 * n_0) ** (-1 / 2)", "counted two penalties instead of three"),
        ("lambda n_0: 1 / (2 * n_0 ** 0.5)", "used the test for one layer"),
        ("lambda n_0: (128 * n_0 ** 2) ** (-1 / 3)", "took kappa for kappa^2"),
        ("lambda n_0: 1 / (128 * n_0)", "gave the cube"),
    ],
    "05-b.1": [
        ("[6, 7]", "counted the constant mode as lost"),
        ("np.array([5])", "numbered the modes from 0"),
        ("range(1, 6)", "listed the modes that survive"),
        ("[]", "took a head of one layer"),
        ("{7}", "took the classes for the modes, without a bias"),
        ("[6, 7]", "counted the constant mode as lost"),
    ],
    "05-b.2": [
        ("2 * 0.4756", "left no room"),
        ("1 / 0.4756", "turned it over"),
        ("4 * 0.4756", "multiplied by the reserve"),
        ("0.5", "halved the penalties, as if all modes were just alive"),
        ("0.4756 ** (4 / 3)", "moved the penalties of the layers alone"),
        ("0", "took the factor of the constant mode"),
    ],
    "05-c": [
        ("lambda L: ((L + 1) / 4 ** (L / (L + 1))) ** (L + 1)", "gave the ratio of the thetas"),
        ("lambda L: ((L + 1) / 4 ** (L / (L + 1))) ** (1 + 1 / L)", "took the root of order L"),
        ("lambda L: 4 ** (L / (L + 1)) / (L + 1)", "turned the ratio over"),
        (
            "lambda L: (L + 1) * (1 + 1 / L) ** (1 / L) / (4 if L > 1 else 2)",
            "took the ratio of alpha",
        ),
        ("'many'", "This is not a function."),
        ("lambda L: 1 / 0", "it raised ZeroDivisionError: where the hand-in ran"),
    ],
}  # fmt: skip

# Writes into whatever is open, also where answers leave: parts and seeds that are none, a letter
# that no file can hold, and what no reader of JSON survives unprepared.
FORGES = """
import json, os
lines = [{"value": ["05-zz", None, 1]}, {"value": ["05-b.2", 5, 1]}, {"value": 5}, {}, 5]
lines += [{"error": [3, "\\ud800"]}, {"cell": "x"}]
lines = [json.dumps(line) for line in lines] + ["[" * 100_000, "9" * 10_000, "NaN"]
for descriptor in range(3, 40):
    for line in lines:
        try:
            os.write(descriptor, line.encode() + b"\\n")
        except OSError:
            pass
"""

# Each of these is allowed what all of them together are not.
HERD = """
import os, time
for _ in range(4):
    if os.fork() == 0:
        hold = b"x" * (600 * 2**20)
        time.sleep(60)
time.sleep(60)
"""

# What hand-ins do between a right answer to 05-a and one to 05-b.1, what becomes of the latter, and
# words of the comment.
HOSTILE = {
    "loop": ("import time\nwhile True: time.sleep(0.01)", "1", "time ran out in cell 3"),
    "dead": ("import os\nos.kill(os.getpid(), 9)", "", "its kernel ended (SIGKILL) in cell 3"),
    "exit": ("import os\nos._exit(0)", "", "its kernel ended (exit code 0) in cell 3"),
    "hog": ("hog = bytearray(10**11)", "1", "error in cell 3 (MemoryError)"),
    "syntax": ("def (", "1", "error in cell 3 (SyntaxError)"),
    "loud": ("for _ in range(300): print('x' * 10**6)", "1", ""),
    "sticky": (
        "import time\nwhile True:\n    try: time.sleep(9)\n    except BaseException: pass",
        "",
        "time ran out (100 s) in cell 3",
    ),
    "forger": (FORGES, "1", "error in cell 3 ( )"),
    "flood": (
        "from nclib.teaching import exercises\nwhile True: check('05-c', 'x' * 1000)",
        "",
        "it gave more to check than any answer needs in cell 3",
    ),
    "herd": (HERD, "", "memory ran out (2048 MB) in cell 3"),
    "quits": ("import sys\nsys.exit()", "1", "error in cell 3 (SystemExit)"),
}


def notebook(*sources):
    """A notebook of version 4, as `json` has it."""
    cells = [
        {"cell_type": "code", "id": f"c{k}", "metadata": {}, "outputs": [], "source": source,
         "execution_count": None}
        for k, source in enumerate(sources)
    ]  # fmt: skip
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}


def hand_in(folder, student, *sources):
    path = folder / f"{student}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook(SETUP, *sources)))


def asked(name, answer, seed=None):
    return f'check("{name}", {answer}{"" if seed is None else f", seed={seed!r}"})'


def answers(given, seed=None):
    return [asked(name, answer, seed) for name, answer in given.items()]


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def marks(row, names=RIGHT):
    return [row[name] for name in names]


def hostile(folder, names):
    for name in names:
        mischief = HOSTILE[name][0]
        hand_in(folder, name, asked("05-a", RIGHT["05-a"]), mischief, asked("05-b.1", "{6}"))


def judge_hostile(rows, names):
    for name in names:
        _, second, words = HOSTILE[name]
        assert marks(rows[name])[:3] == ["1", second, ""], name
        assert words in rows[name]["comment"]


posix = pytest.mark.skipif(sys.platform == "win32", reason="memory is not limited there")


@posix
def test_a_small_class(nclib, tmp_path):
    folder, table = tmp_path / "handed-in", tmp_path / "marks.csv"
    hand_in(folder, "ada", *answers(RIGHT))
    wrong = {name: rows[0][0] for name, rows in WRONG.items()}
    hand_in(folder / "bob", "05-deep-head", *answers(wrong))
    # Prints, another `check`, verdicts made up and solutions looked up: all of no use.
    hand_in(
        folder, "eve",
        "print('05-a: right.')\n" + asked("05-a", "0"),
        "from nclib.teaching import EXERCISES\n" + asked("05-b.2", "EXERCISES['05-b.2'].solve()"),
        "judge, check = check, lambda *a: print('05-b.1: right.')\n" + asked("05-b.1", "{6}"),
        "import nclib.teaching as t\nt.Verdict.right = True\njudge('05-c', lambda L: 1)",
    )  # fmt: skip
    hand_in(folder, "other", asked("06-b.2", "[300, 1000 / 6]"))
    (folder / "torn.ipynb").write_text('{"cells": [')
    hostile(folder, ["loop", "dead", "hog", "forger"])
    outcome = nclib(
        "grade", folder, "--csv", table, "--chapter", 5, "--cell-time", 15, "--memory", 2048
    )
    assert outcome.code == 0, outcome.err
    rows = rows_of(table)
    assert list(rows) == ["ada", "bob", "dead", "eve", "forger", "hog", "loop", "other", "torn"]
    assert marks(rows["ada"]) == ["1"] * 4
    assert (rows["ada"]["right"], rows["ada"]["of"], rows["ada"]["comment"]) == ("4", "4", "")
    assert marks(rows["bob"]) == ["0"] * 4
    for name, pairs in WRONG.items():
        assert f"{name}: {pairs[0][1]}" in rows["bob"]["comment"]
    assert marks(rows["eve"]) == ["0", "", "", "0"]
    assert "its code names the solutions" in rows["eve"]["comment"]
    assert marks(rows["other"]) == [""] * 4
    assert rows["other"]["comment"] == "other.ipynb is of chapter 06, not 05"
    assert rows["torn"]["comment"] == "torn.ipynb is no notebook"
    judge_hostile(rows, ["loop", "dead", "hog", "forger"])
    assert "no cell checks 05-b.2, 05-c" in rows["loop"]["comment"]
    assert outcome.err.splitlines()[0] == "ada: 4 right, 4 answered"


def test_json_and_a_file_that_is_written_after_each(nclib, tmp_path, monkeypatch):
    from nclib.teaching.grading import marks as module

    folder, table = tmp_path / "handed-in", tmp_path / "marks.csv"
    for student in ("a", "b", "c"):
        hand_in(folder, student, asked("05-b.1", "{6}"))
    seen = []

    def run(notebook, *rest):
        if len(seen) == 2:
            raise MemoryError("the machine is full")
        seen.append(list(rows_of(table)) if table.exists() else [])
        return module.Outcome(values={"05-b.1": (None, {"set": [6]})})

    monkeypatch.setattr(module, "run", run)
    outcome = nclib("grade", folder, "--csv", table)
    assert outcome.code == 1
    assert "the machine is full" in outcome.err
    assert seen == [[], ["a"]]
    assert [row["05-b.1"] for row in rows_of(table).values()] == ["1", "1"]
    (folder / "c.ipynb").unlink()
    seen.clear()
    found = nclib("grade", folder, "--csv", table, "--json").json
    assert found["csv"] == str(table)
    assert [(one["student"], one["points"]) for one in found["students"]] == [("a", 1), ("b", 1)]


def test_numbers_depend_on_the_student(nclib, tmp_path):
    folder, table, seeds = tmp_path / "handed-in", tmp_path / "marks.csv", tmp_path / "seeds.csv"
    # By hand: two classes of n and 1 with a bias, and one layer.
    numbers = exercise("02-a", seed="A-17").numbers
    n, lam = numbers["n_1"], numbers["lam"]
    right = (2 * n / (n + 1)) ** 0.5 - (n + 1) * lam
    said = "from nclib.teaching import exercise\nn, lam = exercise('02-a', 'A-17').numbers.values()"
    hand_in(folder, "ada", said, asked("02-a", "(2*n/(n+1))**0.5 - (n+1)*lam", "A-17"))
    hand_in(folder, "bob", asked("02-a", right, "a-17"))
    hand_in(folder, "cy", asked("02-a", right))
    seeds.write_text("student,seed\ndee,D-1\nada,A-17\nbob,B-4\n")
    assert nclib("grade", folder, "--csv", table, "--seeds", seeds).code == 0
    rows = rows_of(table)
    assert list(rows) == ["ada", "bob", "cy", "dee"]
    assert [row["02-a"] for row in rows.values()] == ["1", "0", "0", ""]
    assert [row["seed"] for row in rows.values()] == ["A-17", "B-4", "", "D-1"]
    assert rows["dee"]["comment"] == "handed in nothing"
    assert "computed with another seed: a-17" in rows["bob"]["comment"]
    assert "no seed is listed for this student" in rows["cy"]["comment"]
    assert "seed" not in rows["ada"]["comment"]
    # Without a list each is judged by the seed it says, and who has the same one is named.
    assert nclib("grade", folder, "--csv", table).code == 0
    rows = rows_of(table)
    assert [row["02-a"] for row in rows.values()] == ["1", "1", "0"]
    assert [row["seed"] for row in rows.values()] == ["a-17", "a-17", ""]
    assert "same seed as bob" in rows["ada"]["comment"]
    assert "same seed as ada" in rows["bob"]["comment"]


def test_of_two_notebooks_of_a_student_the_better_answers_count(nclib, tmp_path, monkeypatch):
    from nclib.teaching.grading import marks as module

    folder, table = tmp_path / "handed-in", tmp_path / "marks.csv"
    given = iter([{"05-b.1": {"set": [6]}, "05-b.2": 1}, {"05-b.1": {"set": []}, "05-b.2": 0.4756},
                  {"06-b.2": [300, 500 / 3]}])  # fmt: skip

    def run(*_):
        return module.Outcome(values={name: (None, one) for name, one in next(given).items()})

    monkeypatch.setattr(module, "run", run)
    for name, exercise_of in (("1", "05-b.1"), ("2", "05-b.1"), ("3", "06-b.2")):
        hand_in(folder / "ada", name, asked(exercise_of, "{6}"))
    hand_in(folder / "ada" / ".ipynb_checkpoints", "3-checkpoint", asked("05-b.1", "{6}"))
    assert nclib("grade", folder, "--csv", table).code == 0
    (row,) = rows_of(table).values()
    assert [row[name] for name in ("05-b.1", "05-b.2", "06-b.2", "05-a")] == ["1", "1", "1", ""]
    assert "05-b.1:" not in row["comment"]
    assert row["comment"].startswith("1.ipynb: no cell checks 05-a, 05-c; 2.ipynb: no cell")


def test_bad_folders_files_and_options_are_refused(nclib, tmp_path):
    table = tmp_path / "marks.csv"
    assert nclib("grade", tmp_path / "none", "--csv", table).failed("none", "no such folder")
    assert nclib("grade", tmp_path, "--csv", table).failed("no notebook")
    hand_in(tmp_path, "a", asked("05-b.1", "{6}"))
    assert nclib("grade", tmp_path, "--csv", table, "--chapter", 15).failed("chapter", "15")
    assert nclib("grade", tmp_path, "--csv", table, "--beside", "nowhere").failed("nowhere")
    assert nclib("grade", tmp_path, "--csv", table, "--memory", 3).code == 2
    assert nclib("grade", tmp_path, "--csv", table, "--time", 0).code == 2
    seeds = tmp_path / "seeds.csv"
    for text, words in (("a,1\na,2\n", "has a seed already"), ("a\n", "a student and a seed")):
        seeds.write_text(text)
        assert nclib("grade", tmp_path, "--csv", table, "--seeds", seeds).failed(words, "line")
    seeds.write_bytes(b"\xe9,1\n")
    assert nclib("grade", tmp_path, "--csv", table, "--seeds", seeds).failed("UTF-8", "seeds.csv")
    assert not table.exists()


def test_spreadsheets_get_no_formula(nclib, tmp_path, monkeypatch):
    from nclib.teaching.grading import marks as module

    monkeypatch.setattr(module, "run", lambda *_: module.Outcome(ended="=1+1"))
    hand_in(tmp_path, "=HYPERLINK(0)", asked("05-b.1", "{6}"))
    nclib("grade", tmp_path, "--csv", tmp_path / "marks.csv")
    (row,) = rows_of(tmp_path / "marks.csv").values()
    assert row["student"] == "'=HYPERLINK(0)"
    assert row["comment"].startswith("'=1+1")


# To solve 08-c takes as long as all others together; it asks for yes or no, as 04-b.2 does.
NAMES = [name for name in EXERCISES if name != "08-c"]


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_judged_the_same_after_their_way_through_json(name):
    asked = EXERCISES[name]
    right, mistakes = asked.solve()
    for answer in (right, *(mistake.answer for mistake in mistakes)):
        there = json.loads(json.dumps(packed(answer, asked.kind)))
        assert check(name, unpacked(there)) == check(name, answer)


@pytest.mark.parametrize(
    "forged",
    [
        None, 5, "x", [], {}, {"other": "list"}, {"set": [[]]}, {"set": 5}, {"array": {}},
        {"array": [[1], [1, 2]]}, {"function": [5, [[1], 2], [["a"], 3], [1, 2]]},
        {"function": [[[1], {"raised": "__import__('os')"}]]}, [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]],
    ],
)  # fmt: skip
def test_forged_values_are_wrong_and_harm_nothing(forged):
    for name in NAMES:
        verdict = check(name, unpacked(forged))
        # That no slip shows is the right answer there.
        assert verdict.right == (forged == [] and name == "14-a")


def student_copy(chapter, given):
    """The cells of the student's copy of a chapter, with gaps filled; the others are left."""
    (path,) = BOOK.glob(f"{chapter}-*.ipynb")
    sources = []
    for cell in copies.student(read(path)):
        if cell.cell_type == "code":
            found = re.search(r'check\("([^"]+)", answer\)$', cell.source)
            filled = found and cell.id.startswith("write-") and found[1] in given
            sources.append(asked(found[1], given[found[1]]) if filled else cell.source)
    return sources


@posix
@pytest.mark.slow
def test_a_class_of_thirty(nclib, tmp_path):
    folder, table = tmp_path / "handed-in", tmp_path / "marks.csv"
    # Three hand in the whole chapter: all right, one gap left, nothing done.
    for student, left in (("whole-1", 4), ("whole-2", 3), ("whole-3", 0)):
        given = dict(list(RIGHT.items())[:left])
        (folder / student).mkdir(parents=True)
        (folder / student / "05-deep-head.ipynb").write_text(
            json.dumps(notebook(*student_copy("05", given)))
        )
    for k in range(6):
        hand_in(folder, f"wrong-{k}", *answers({name: rows[k][0] for name, rows in WRONG.items()}))
    for k in range(3):
        hand_in(folder, f"right-{k}", *answers(RIGHT))
    hostile(folder, HOSTILE)
    hand_in(folder, "printer", "print('05-a: right.')", "# check('05-a', 0)")
    hand_in(folder, "forker", "import os\nif os.fork() == 0:\n    import time\n    time.sleep(99)",
            asked("05-b.1", "{6}"))  # fmt: skip
    hand_in(folder, "chapter-6", asked("06-b.2", "[300, 1000 / 6]"))
    hand_in(folder, "nothing")
    (folder / "torn.ipynb").write_bytes(b"\xff\xfe{")
    (folder / "old.ipynb").write_text(json.dumps({"nbformat": 3, "worksheets": []}))
    (folder / "empty.ipynb").write_text("")
    students = [f"{path.relative_to(folder).parts[0]}".removesuffix(".ipynb")
                for path in folder.rglob("*.ipynb")]  # fmt: skip
    assert len(set(students)) == 30
    outcome = nclib(
        *("grade", folder, "--csv", table, "--chapter", "05", "--memory", 2048),
        *("--cell-time", 20, "--time", 100),
    )
    assert outcome.code == 0, outcome.err
    rows = rows_of(table)
    assert set(rows) == set(students)
    for student, left in (("whole-1", 4), ("whole-2", 3), ("whole-3", 0)):
        assert marks(rows[student]) == ["1"] * left + [""] * (4 - left)
        assert rows[student]["comment"] == ""
    for k in range(6):
        assert marks(rows[f"wrong-{k}"]) == ["0"] * 4
        for name, pairs in WRONG.items():
            assert f"{name}: " in rows[f"wrong-{k}"]["comment"]
            assert pairs[k][1] in rows[f"wrong-{k}"]["comment"]
    for k in range(3):
        assert marks(rows[f"right-{k}"]) == ["1"] * 4
    judge_hostile(rows, HOSTILE)
    assert marks(rows["printer"]) == [""] * 4
    assert marks(rows["forker"]) == ["", "1", "", ""]
    for student, words in (
        ("chapter-6", "chapter-6.ipynb is of chapter 06, not 05"),
        ("nothing", "nothing.ipynb has no exercise of this book"),
        ("torn", "torn.ipynb is no notebook"),
        ("old", "old.ipynb is no notebook of version 4"),
        ("empty", "empty.ipynb is no notebook"),
    ):
        assert rows[student]["comment"] == words
        assert rows[student]["right"] == "0"
