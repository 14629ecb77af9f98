"""Grading without a kernel: values on their way through JSON, notebooks, marks and their table."""

import json
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import nclib as nc
from nclib.teaching import EXERCISES
from nclib.teaching._answers import Chosen, Function, Numbers
from nclib.teaching.grading import marks as grading
from nclib.teaching.grading.handins import (
    LARGEST,
    Unreadable,
    find_hand_ins,
    parts_of_chapter,
    read_notebook,
)
from nclib.teaching.grading.marks import Marks, grade_folder, read_seeds, table
from nclib.teaching.grading.run import Limits, Outcome
from nclib.teaching.grading.values import MOST, packed, unpacked

NUMBERS, CHOICE = Numbers("x", (2,)), Chosen("x", (1, 2, 3))


def nested(depth):
    return [nested(depth - 1)] if depth else 1


class TestValues:
    @pytest.mark.parametrize(
        ("answer", "plain"),
        [
            (None, None),
            (True, True),
            (np.False_, False),
            ("x" * 1001, "x" * 1000),
            (2**1000 - 1, 2**1000 - 1),
            (2**1000, {"other": "a huge number"}),
            (Fraction(1, 4), 0.25),
            (Decimal("0.5"), 0.5),
            (np.float32(0.5), 0.5),
            (nc.ClassCounts([3, 2]), {"array": [3, 2]}),
            ((1, [2]), [1, [2]]),
            (range(3), [0, 1, 2]),
            ({1}, {"set": [1]}),
            (frozenset({2}), {"set": [2]}),
            (np.eye(2), {"array": [[1.0, 0.0], [0.0, 1.0]]}),
            (np.array([1j]), {"other": "an array of 1 complex128"}),
            (np.zeros(MOST + 1), {"other": f"an array of {MOST + 1} float64"}),
            ([0] * (MOST + 1), {"other": "more than fits"}),
            (object(), {"other": "object"}),
            (nested(7), {"other": "lists within lists"}),
            (nested(6), nested(6)),
        ],
    )
    def test_an_answer_becomes_plain_values(self, answer, plain):
        found = packed(answer, NUMBERS)
        assert found == plain
        assert type(found) is type(plain)
        json.dumps(found)

    def test_an_answer_that_breaks_when_it_is_looked_at_is_told_by_its_error(self):
        class Hostile:
            def __array__(self, *_, **__):
                raise RuntimeError("look away")

        assert packed(Hostile(), NUMBERS) == {"other": "RuntimeError"}

    def test_as_much_as_fits_is_kept(self):
        assert packed([0] * MOST, NUMBERS) == [0] * MOST
        assert packed(np.zeros(MOST), NUMBERS) == {"array": [0.0] * MOST}

    def test_a_selection_may_come_from_anything_that_lists_it(self):
        assert packed(iter([1, 2]), CHOICE) == [1, 2]
        assert packed({1: "a"}, CHOICE) == [1]
        assert packed("12", CHOICE) == "12"
        assert packed(np.array([1]), CHOICE) == {"array": [1]}
        assert packed(5, CHOICE) == 5
        # Elsewhere it is no answer.
        assert packed(iter([1, 2]), NUMBERS) == {"other": "list_iterator"}

    def test_a_function_becomes_its_values(self):
        kind = Function("x", ("n",), ((1,), (0,), (4,)))
        there = json.loads(json.dumps(packed(lambda n: 2 / n, kind)))
        assert there == {
            "function": [
                [[1], {"value": 2.0}],
                [[0], {"raised": "ZeroDivisionError"}],
                [[4], {"value": 0.5}],
            ]
        }
        back = unpacked(there)
        assert (back(1), back(4)) == (2, 0.5)
        with pytest.raises(Exception, match="where the hand-in ran") as raised:
            back(0)
        assert type(raised.value).__name__ == "ZeroDivisionError"
        with pytest.raises(LookupError, match="no value came"):
            back(3)
        assert packed(5, kind) == 5
        assert packed(abs, NUMBERS) == {"other": "builtin_function_or_method"}

    @pytest.mark.parametrize(
        "answer", [None, True, "x", 5, 0.5, [1, [2, 3]], {1, 2}, np.eye(2), np.array([1, 2])]
    )
    def test_what_was_packed_comes_back(self, answer):
        back = unpacked(json.loads(json.dumps(packed(answer, NUMBERS))))
        assert type(back) is type(answer)
        np.testing.assert_equal(back, answer)

    @pytest.mark.parametrize(
        "forged", [{}, {"set": 5}, {"set": [[]]}, {"array": [[1], [1, 2]]}, {"function": 5}]
    )
    def test_what_has_no_form_is_no_answer(self, forged):
        assert type(unpacked(forged)) is object

    def test_lists_are_unpacked_down_to_some_depth(self):
        assert unpacked(nested(12)) == nested(12)
        deep = unpacked(nested(13))
        for _ in range(13):
            (deep,) = deep
        assert type(deep) is object

    def test_arrays_and_sets_are_unpacked_as_deep_as_lists(self):
        whole = unpacked({"array": nested(11)})
        assert (whole.shape, whole.dtype.kind) == ((1,) * 11, "i")
        assert unpacked({"array": nested(12)}).dtype == object
        held = {"set": [1]}
        for _ in range(11):
            held = [held]
        held = unpacked(held)
        for _ in range(11):
            (held,) = held
        assert held == {1}

    @pytest.mark.parametrize(
        "row", [5, [[1], 2, 3], [1, 2], [["a"], 2], [[1], 5], [[1], {"raised": "a b"}], [[1], {}]]
    )
    def test_forged_rows_of_a_function_are_no_values(self, row):
        with pytest.raises(LookupError, match="no value came"):
            unpacked({"function": [row]})(1)


def written(folder, name, *cells, **parts):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": list(cells), **parts}), encoding="utf-8")
    return path


def code(source, key=""):
    return {"cell_type": "code", "source": source, "id": key}


class TestHandIns:
    def test_folders_and_files_are_named_after_students(self, tmp_path):
        for name in ("ada.ipynb", "ben/b.ipynb", "ben/more/a.ipynb", "ben/.copies/c.ipynb"):
            written(tmp_path, name)
        written(tmp_path, ".hidden/x.ipynb")
        (tmp_path / "notes.txt").touch()
        (tmp_path / "folder.ipynb").mkdir()
        found = {
            student: [path.relative_to(tmp_path).as_posix() for path in paths]
            for student, paths in find_hand_ins(tmp_path).items()
        }
        assert found == {"ada": ["ada.ipynb"], "ben": ["ben/b.ipynb", "ben/more/a.ipynb"]}

    def test_without_notebooks_there_is_nothing_to_grade(self, tmp_path):
        with pytest.raises(ValueError, match="no notebook"):
            find_hand_ins(tmp_path)
        with pytest.raises(ValueError, match="no such folder"):
            find_hand_ins(tmp_path / "none")

    def test_a_notebook_is_of_the_chapter_that_most_of_it_answers(self, tmp_path):
        path = written(
            tmp_path,
            "a.ipynb",
            {"cell_type": "markdown", "source": 'check("01-a", 1)'},
            code(['check("05-b.1",', " {6})"]),
            code("  \n"),
            code("check(exercise='ex-05-a', answer=1)"),
            5,
            code('check("99-z", 1)\nx = 1', "write-03-a-2"),
            code(7),
        )
        found = read_notebook(path)
        assert found.chapter == "05"
        assert found.parts == {"05-a", "05-b.1"}
        assert not found.looks_up
        assert found.cells == [
            (2, 'check("05-b.1", {6})'),
            (4, "check(exercise='ex-05-a', answer=1)"),
            (6, 'check("99-z", 1)\nx = 1'),
        ]

    def test_a_gap_tells_the_chapter_where_nothing_is_checked(self, tmp_path):
        assert read_notebook(written(tmp_path, "a.ipynb", code("", "write-03-a"))).chapter == "03"
        with pytest.raises(Unreadable, match="no exercise"):
            read_notebook(written(tmp_path, "b.ipynb", code("", "rewrite-03-a")))

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("[1, 2", "is no notebook$"),
            ("[1, 2]", "of version 4"),
            ('{"cells": {}}', "of version 4"),
            ('{"cells": []}', "no exercise"),
            ("[" * 100_000, "is no notebook$"),
        ],
    )
    def test_what_is_no_notebook_is_told(self, tmp_path, text, words):
        path = tmp_path / "a.ipynb"
        path.write_text(text)
        with pytest.raises(Unreadable, match=words):
            read_notebook(path)

    def test_a_notebook_may_be_as_large_as_64_megabytes(self, tmp_path):
        path = tmp_path / "a.ipynb"
        path.touch()
        with pytest.raises(Unreadable, match=r"cannot be read \(No such file"):
            read_notebook(tmp_path / "none.ipynb")
        with path.open("r+b") as file:
            file.truncate(64 * 1024**2 + 1)
        assert LARGEST == 64 * 1024**2
        with pytest.raises(Unreadable, match="larger than 64 MB"):
            read_notebook(path)
        with path.open("r+b") as file:
            file.truncate(64 * 1024**2)
        with pytest.raises(Unreadable, match=r"is no notebook$"):
            read_notebook(path)

    @pytest.mark.parametrize("source", ["EXERCISES['05-a']", "x = one.solve( )"])
    def test_who_looks_solutions_up_is_told(self, tmp_path, source):
        path = written(tmp_path, "a.ipynb", code('check("05-a", 1)'), code(source))
        assert read_notebook(path).looks_up

    def test_the_parts_of_a_chapter(self):
        assert parts_of_chapter("05") == ["05-a", "05-b.1", "05-b.2", "05-c"]
        assert parts_of_chapter("0") == parts_of_chapter("99") == []


@pytest.fixture
def graded(tmp_path, monkeypatch):
    """Grade a folder of notebooks, whose outcome is told instead of run."""

    def call(outcomes, sources=(), **options):
        folder = tmp_path / f"class-{len(list(tmp_path.iterdir()))}"
        for name in outcomes:
            written(folder, f"{name}.ipynb", code(dict(sources).get(name, 'check("05-a", 1)')))
        # In the order in which they are run.
        told = iter([outcomes[name] for name in sorted(outcomes)])
        monkeypatch.setattr(grading, "run", lambda *_: next(told))
        return {one.student: one for one in grade_folder(folder, **options)}

    return call


class TestMarks:
    def test_right_wrong_and_what_is_said_of_it(self, graded):
        values = {
            "05-b.1": (None, [6]),
            "05-b.2": (None, 123.0),
            "05-a": (None, "text"),
            "01-a": (None, 1),
        }
        one = graded({"ada": Outcome(values=values)})["ada"]
        assert one.right == {"05-b.1": True, "05-b.2": False, "05-a": False}
        assert one.points == 1
        assert one.remarks["05-b.2"] == "wrong, by no known mistake"
        assert one.remarks["05-a"].startswith("This is not a function. Expected")
        assert len(one.remarks["05-a"]) <= 160
        assert one.notes == ["no cell checks 05-c"]
        said = [f"05-a: {one.remarks['05-a']}", "05-b.2: wrong, by no known mistake"]
        assert one.comment == "; ".join(["no cell checks 05-c", *said])

    def test_a_known_mistake_is_named(self, graded):
        one = graded({"ada": Outcome(values={"05-b.1": (None, [6, 7])})})["ada"]
        assert one.remarks == {"05-b.1": "counted the constant mode as lost"}

    def test_of_two_notebooks_the_better_answer_counts_in_either_order(self, graded):
        right, wrong = (Outcome(values={"05-b.1": (None, [k])}) for k in (6, 5))
        both = {"ada/1": right, "ada/2": wrong, "ben/3": wrong, "ben/4": right}
        for one in graded(both).values():
            assert one.right == {"05-b.1": True}
            assert one.remarks == {}
            assert {note.partition(":")[0] for note in one.notes} <= {
                f"{k}.ipynb" for k in range(1, 5)
            }

    def test_a_notebook_that_cannot_be_read_does_not_stand_in_the_way_of_the_next(self, graded):
        # Of the first nothing is run: what is told is of the second.
        right, unused = Outcome(values={"05-b.1": (None, [6])}), Outcome()
        one = graded({"ada/1": right, "ada/2": unused}, {"ada/1": "x = 1"})["ada"]
        assert one.right == {"05-b.1": True}
        assert one.notes[0] == "1.ipynb has no exercise of this book"

    def test_what_is_handed_to_a_run(self, tmp_path, monkeypatch):
        given = []
        monkeypatch.setattr(grading, "run", lambda *told: given.append(told) or Outcome())
        written(tmp_path / "class", "ada.ipynb", code('check("05-a", 1)'))
        beside = [tmp_path / "class"]
        list(grade_folder(tmp_path / "class"))
        list(grade_folder(tmp_path / "class", limits=Limits(memory=5), beside=beside))
        assert [told[1] for told in given] == [Limits(), Limits(memory=5)]
        assert [list(told[2]) for told in given] == [[], beside]
        with pytest.raises(ValueError, match="no such file or folder"):
            list(grade_folder(tmp_path / "class", beside=[tmp_path / "none"]))

    def test_an_answer_is_judged_by_the_seed_that_is_listed_or_else_by_its_own(self, graded):
        name = next(name for name, one in EXERCISES.items() if one.given)
        asked = EXERCISES[name]
        right = packed(asked.solve(**asked.numbers("listed"))[0], asked.kind)
        outcomes = {"ada": Outcome(values={name: ("other", right)})}
        sources = {"ada": f'check("{name}", 1)'}
        assert graded(outcomes, sources, seeds={"ada": "listed"})["ada"].right == {name: True}
        assert graded(outcomes, sources)["ada"].right == {name: False}
        outcomes = {"ada": Outcome(values={name: ("listed", right)})}
        assert graded(outcomes, sources)["ada"].right == {name: True}

    def test_what_broke_and_what_was_late(self, graded):
        late = [(1, "late"), (2, "NotImplementedError"), (3, "late")]
        broken = [(number, "KeyError") for number in range(4, 10)]
        one = graded({"ada": Outcome(ended="its kernel ended", errors=late + broken)})["ada"]
        listed = ", ".join(f"{number} (KeyError)" for number in range(4, 9))
        assert one.notes[:3] == [
            "its kernel ended",
            "time ran out in cell 1, 3",
            f"error in cell {listed} ...",
        ]
        one = graded({"ben": Outcome(errors=broken[:5])}, chapter="5")["ben"]
        assert one.notes[0] == f"error in cell {listed}"

    def test_solutions_that_are_named_are_noted(self, graded):
        sources = {
            "ada": "EXERCISES; " + "; ".join(f'check("{p}")' for p in parts_of_chapter("05"))
        }
        one = graded({"ada": Outcome()}, sources)["ada"]
        assert one.notes == ["its code names the solutions of nclib: have a look"]

    def test_another_chapter_is_not_judged(self, graded):
        one = graded({"ada": Outcome(values={"05-b.1": (None, [6])})}, chapter="3")["ada"]
        assert one.right == {}
        assert one.notes == ["ada.ipynb is of chapter 05, not 03"]

    def test_the_same_seed_twice_is_noted_with_both(self, graded):
        used = {"ada": "1", "ben": "2", "cem": "1"}
        class_ = graded(
            {name: Outcome(values={"05-b.1": (seed, [6])}) for name, seed in used.items()}
        )
        assert {name: one.seed for name, one in class_.items()} == used
        notes = {
            name: [note for note in one.notes if "seed" in note] for name, one in class_.items()
        }
        assert notes == {"ada": ["same seed as cem"], "ben": [], "cem": ["same seed as ada"]}

    def test_seeds_that_are_listed_count(self, graded):
        outcomes = {
            "ada": Outcome(values={"05-b.1": ("1", [6])}),
            "ben": Outcome(values={"05-b.1": ("other", [6])}),
            "cem": Outcome(values={"05-b.1": (None, [6])}),
        }
        class_ = graded(outcomes, seeds={"ada": "1", "ben": "2", "dan": "4"})
        notes = {
            name: [note for note in one.notes if not note.startswith("no cell")]
            for name, one in class_.items()
        }
        assert notes == {
            "ada": [],
            "ben": ["computed with another seed: other"],
            "cem": ["no seed is listed for this student"],
            "dan": ["handed in nothing"],
        }
        assert [one.seed for one in class_.values()] == ["1", "2", "", "4"]

    def test_seeds_are_read_with_and_without_a_head_and_empty_lines(self, tmp_path):
        path = tmp_path / "seeds.csv"
        path.write_text("\ufeffstudent,seed\nada , 1\n\n , \nben,2\n", encoding="utf-8")
        assert read_seeds(path) == {"ada": "1", "ben": "2"}
        path.write_text("ada,1\nstudent,seed\n", encoding="utf-8")
        assert read_seeds(path) == {"ada": "1", "student": "seed"}
        for text in ("ada,1\nada,2", "ada", "ada,", "ada,1,2"):
            path.write_text(text, encoding="utf-8")
            with pytest.raises(ValueError, match=r"seeds\.csv, line "):
                read_seeds(path)

    def test_the_table_has_a_row_for_each_and_a_column_for_each_part(self):
        ada = Marks("ada", "1", {"05-a": True, "05-c": False}, {"05-c": "no\nway"}, ["=1"])
        rows = table([ada, Marks("-ben")]).splitlines()
        assert rows == [
            "student,seed,05-a,05-b.1,05-b.2,05-c,right,of,comment",
            "ada,1,1,,,0,1,4,'=1; 05-c: no way",
            "'-ben,,,,,,0,4,",
        ]
        assert table([], "5").splitlines() == [rows[0]]
        two = Marks("x", right={"02-a": True, "03-c": True})
        assert table([two]).startswith("student,seed,02-a,02-b,03-a,")
