"""The copies for students and for teachers: nothing of a solution in the one, all in the other."""

import re

import nbformat
import pytest

from nclib.teaching import EXERCISES
from tools import copies
from tools.notebooks import BOOK, NotebookError, dump, execute, read
from tools.plain_markdown import plain

CHAPTERS = sorted(BOOK.glob("[01][0-9]-*.ipynb"))
chapters = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copies")
    copies.write_copies(folder)
    return folder


def lines_inside_and_outside(path):
    """What stands in solutions, outputs included, and what stands elsewhere; no short lines."""
    inside, outside, solved = set(), set(), False
    for cell in read(path).cells:
        lines = cell.source.splitlines()
        for output in cell.get("outputs", []):
            lines += output.get("text", "").splitlines()
            for data in output.get("data", {}).values():
                lines += str(data).splitlines()
        for line in lines:
            if "{solution-end}" in line:
                solved = False
            if len(line.strip()) >= 12:
                (inside if solved else outside).add(line.strip())
            if "{solution-start}" in line:
                solved = True
    return inside, outside


def everything_in(notebook):
    """All text of a notebook, with nothing escaped."""
    parts = []

    def collect(value):
        if isinstance(value, dict):
            for key, one in value.items():
                parts.append(key)
                collect(one)
        elif isinstance(value, list):
            for one in value:
                collect(one)
        else:
            parts.append(str(value))

    collect(notebook)
    return "\n".join(parts)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@chapters
def test_students_see_nothing_of_a_solution(path, folder):
    inside, outside = lines_inside_and_outside(path)
    secret = inside - outside
    assert len(secret) > 20
    text = everything_in(read(folder / "student" / path.name))
    lines = {line.strip() for line in text.splitlines()}
    for line in secret:
        for form in (line, plain(line, path.name)):
            assert form not in lines
            assert len(form) < 25 or form not in text


@chapters
def test_students_have_all_the_rest(path, folder):
    inside, _ = lines_inside_and_outside(path)
    kept = {cell.id: cell for cell in code_cells(read(folder / "student" / path.name))}
    originals = code_cells(read(path))
    common = [cell for cell in originals if cell.id in kept]
    assert [cell.id for cell in common] == [key for key in kept if not key.startswith("write-")]
    for cell in common:
        assert cell == kept[cell.id]
    for cell in originals:
        if cell.id not in kept:
            assert inside & {line.strip() for line in cell.source.splitlines()}, cell.id


@chapters
def test_each_exercise_has_its_gaps_and_they_say_what_to_do(path, folder):
    notebook = read(folder / "student" / path.name)
    labels = re.findall(
        r"^:label: ex-(\d\d-[a-z])$", "\n".join(c.source for c in read(path).cells), re.M
    )
    gaps = {cell.id: cell for cell in notebook.cells if cell.id.startswith("write-")}
    expected = []
    for label in labels:
        checked = [name for name in EXERCISES if name.partition(".")[0] == label]
        expected += [f"write-{name.replace('.', '-')}" for name in checked or [label]]
    assert list(gaps) == expected
    for key, cell in gaps.items():
        name = re.sub(r"^write-(..-.)-?", r"\1.", key).rstrip(".")
        assert cell.outputs == []
        assert cell.execution_count is None
        with pytest.raises(
            NotImplementedError, match=rf"^Exercise {name}: write (your answer )?here"
        ):
            exec(cell.source, {})
        assert name not in EXERCISES or cell.source.endswith(f'check("{name}", answer)')


@chapters
def test_teachers_run_what_the_chapter_runs_and_see_every_mistake(path, folder):
    copy = read(folder / "teacher" / path.name)
    assert code_cells(copy) == code_cells(read(path))
    prose = "\n".join(cell.source for cell in copy.cells if cell.cell_type == "markdown")
    for name, exercise in EXERCISES.items():
        if name[:2] == path.name[:2]:
            for mistake in exercise.solve()[1]:
                assert f"| {mistake.why} | {mistake.hint} |" in prose


@pytest.mark.parametrize("reader", copies.READERS)
def test_copies_are_plain_markdown(reader, folder):
    notebooks = sorted((folder / reader).glob("*.ipynb"))
    assert [path.name for path in notebooks] == [path.name for path in sorted(BOOK.glob("*.ipynb"))]
    for path in notebooks:
        for cell in read(path).cells:
            if cell.cell_type == "markdown":
                raw = re.search(r"^:::|\{[a-z:]+\}`|\[\]\(|\$\$ \(", cell.source, re.MULTILINE)
                assert raw is None, f"{path.name}, {cell.id}: {raw}"


SMALL = [
    nbformat.v4.new_code_cell("import nclib as nc\nfrom nclib.teaching import check", id="setup"),
    nbformat.v4.new_markdown_cell(
        ":::{exercise} By hand\n:label: ex-02-a\n\nWhich z?\n:::\n\n"
        ":::{solution-start} ex-02-a\n:class: dropdown\n:::\n\nIt is easy.",
        id="exercise",
    ),
    nbformat.v4.new_code_cell(
        "problem = nc.Problem([3, 1], 1, lambda_W=0.01, lambda_H=0.01)\n"
        "assert check('02-a', nc.shrink(1.5**0.5, problem))",
        id="check",
    ),
    nbformat.v4.new_markdown_cell("So it is.\n\n:::{solution-end}\n:::\n\nOn we go.", id="end"),
    nbformat.v4.new_code_cell("print('the end')", id="last"),
]  # fmt: skip


def test_a_teachers_copy_runs_and_a_students_runs_up_to_the_gap(tmp_path):
    source = nbformat.v4.new_notebook(cells=SMALL)
    path = tmp_path / "small.ipynb"
    for reader, cells_for in copies.READERS.items():
        path.write_bytes(dump(nbformat.v4.new_notebook(cells=cells_for(source))))
        if reader == "teacher":
            assert execute(path).cells[-1].outputs[0].text == "the end\n"
        else:
            with pytest.raises(
                NotebookError, match=r"cell 2 \(write-02-a\)[\s\S]*NotImplementedError"
            ):
                execute(path)
    prose = [cell.source for cell in copies.student(source) if cell.cell_type == "markdown"]
    assert [text.splitlines()[-1] for text in prose] == [":::", "On we go."]


MARKED = copies.Style(nbgrader=True)
SEEDED = copies.Style(seeded=True)


def break_nbgraders_rules(cell):
    """What version 3 of nbgrader's schema for the metadata of a cell, and its validator, refuse."""
    meta = cell.metadata["nbgrader"]
    flags = ("grade", "solution", "locked", "task")
    if set(meta) - {*flags, "schema_version", "grade_id", "points", "checksum", "cell_type"}:
        yield "other keys"
    if type(meta["schema_version"]) is not int or meta["schema_version"] != 3:
        yield "another version"
    if any(type(meta[flag]) is not bool for flag in flags):
        yield "flags that are not true or false"
    if not re.fullmatch(r"[a-zA-Z0-9_\-]+", meta["grade_id"]):
        yield "an id with other letters"
    if meta["grade"] != ("points" in meta) or not meta.get("points", 1) >= 0:
        yield "points"
    if meta["task"] and cell.cell_type != "markdown":
        yield "a task in code"
    if not meta["task"] and cell.cell_type == "markdown" and meta["grade"] != meta["solution"]:
        yield "Markdown that is graded or a solution alone"


@chapters
def test_cells_for_nbgrader_follow_its_rules(path):
    plain_cells, marked = (copies.student(read(path), style) for style in (copies.PLAIN, MARKED))
    assert not any("nbgrader" in cell.metadata for cell in plain_cells)
    graded = [cell for cell in marked if "nbgrader" in cell.metadata]
    assert [broken for cell in graded for broken in break_nbgraders_rules(cell)] == []
    ids = [cell.metadata.nbgrader.grade_id for cell in graded]
    assert len(set(ids)) == len(ids)
    # Nothing but the tests is new, and each is right behind its answer.
    tests = [cell for cell in marked if cell.id.startswith("judge-")]
    assert [cell.id for cell in marked if cell not in tests] == [cell.id for cell in plain_cells]
    sources = {cell.id: cell.source for cell in plain_cells}
    assert all(cell in graded or cell.source == sources[cell.id] for cell in marked)
    for test in tests:
        before = marked[marked.index(test) - 1]
        assert before.id == test.id.replace("judge-", "write-")
        assert (before.metadata.nbgrader.solution, before.metadata.nbgrader.grade) == (True, False)
        assert (test.metadata.nbgrader.locked, test.metadata.nbgrader.points) == (True, 1)
    names = [name for name in EXERCISES if name[:2] == path.name[:2]]
    assert [cell.id for cell in tests] == [f"judge-{name.replace('.', '-')}" for name in names]
    proofs = [cell for cell in marked if cell.id.startswith("proof-")]
    assert all(cell.metadata.nbgrader.grade and cell.metadata.nbgrader.points for cell in proofs)


def without_what_is_hidden(source):
    return re.sub(r"### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS", "", source, flags=re.DOTALL)


@chapters
def test_after_nbgrader_made_its_gaps_students_still_read_what_to_do(path):
    """It clears solutions between its marks, and the whole cell where there are none."""
    region = re.compile(r"^### BEGIN SOLUTION$.*?^### END SOLUTION$", re.DOTALL | re.MULTILINE)
    plain_cells = {cell.id: cell.source for cell in copies.student(read(path))}
    for cell in copies.student(read(path), MARKED):
        if not cell.metadata.get("nbgrader", {}).get("solution"):
            continue
        handed_out, cleared = region.subn("raise NotImplementedError()", cell.source)
        assert cleared == 1
        name = re.match(r"(?:write|proof)-(\d\d-[a-z])(?:-(\d))?$", cell.id)
        label = name[1] + (f".{name[2]}" if name[2] else "")
        assert re.match(rf"(# |\*\*)Exercise {re.escape(label)}[:.]", handed_out)
        if cell.cell_type == "code":
            with pytest.raises(NotImplementedError):
                exec(handed_out, {})
            with pytest.raises(NotImplementedError, match=rf"^Exercise {re.escape(label)}: write"):
                exec(cell.source, {})
            if label in EXERCISES:
                said = " ".join(handed_out.replace("\n# ", " ").split())
                assert EXERCISES[label].kind.asks in said
                assert handed_out.endswith(f'\n\ncheck("{label}", answer)')
                assert cell.source.count("raise") == plain_cells[cell.id].count("raise") == 1


@pytest.mark.parametrize("style", [MARKED, copies.Style(seeded=True, nbgrader=True)])
def test_a_test_for_nbgrader_judges_and_tells_nothing(style):
    test = copies.test_of("02-a", ", seed=SEED" if style.seeded else "").source
    assert without_what_is_hidden(test) == (
        '_given, answer = globals().get("answer"), None  # 02-a is judged when it is graded\n'
    )
    # Not even what is hidden has a number, except for the names.
    assert re.findall(r"\d+", re.sub("02-a", "", test)) == []
    numbers = EXERCISES["02-a"].numbers("ada") if style.seeded else {"n_1": 3, "lam": 0.01}
    n, lam = numbers["n_1"], numbers["lam"]
    scope = {"SEED": "ada", "answer": (2 * n / (n + 1)) ** 0.5 - (n + 1) * lam}
    exec(test, scope)
    with pytest.raises(AssertionError, match="02-a: not yet"):
        exec(test, scope)  # the answer is used up: the next gap may be empty
    with pytest.raises(AssertionError, match=r"02-a: not yet\. The fit is divided by 2N\."):
        exec(test, scope | {"answer": (2 * n / (n + 1)) ** 0.5 - lam})


@chapters
def test_numbers_of_a_seed_are_said_before_they_are_needed(path):
    cells = copies.student(read(path), SEEDED)
    seeded = {
        name: one for name, one in EXERCISES.items() if name[:2] == path.name[:2] and one.given
    }
    ids = [cell.id for cell in cells]
    assert len(set(ids)) == len(ids)
    assert ("seed" in ids) == bool(seeded)
    for name, one in seeded.items():
        said = f"numbers-{name.partition('.')[0]}"
        gap = f"write-{name.replace('.', '-')}"
        assert ids.index("seed") < ids.index(said) < ids.index(gap)
        assert cells[ids.index(gap)].source.endswith(f'check("{name}", answer, seed=SEED)')
        scope = {"SEED": "ada"}
        exec("from nclib.teaching import exercise", scope)
        question = eval(cells[ids.index(said)].source, scope)
        assert {given.name for given in one.given} <= question.numbers.keys()
    plain_ids = [cell.id for cell in copies.student(read(path))]
    assert [key for key in ids if key != "seed" and not key.startswith("numbers-")] == plain_ids


@pytest.mark.slow
@pytest.mark.parametrize("reader", copies.READERS)
@chapters
def test_every_copy_runs_where_it_lies(path, reader, folder):
    copy = folder / reader / path.name
    if reader == "teacher":
        execute(copy)
    else:
        first = next(cell.id for cell in read(copy).cells if cell.id.startswith("write-"))
        with pytest.raises(NotebookError, match=rf"\({first}\)[\s\S]*NotImplementedError"):
            execute(copy)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{py:func}`nclib.shrink` and {prf:ref}`Lemma A.2 <x>`", "`nclib.shrink` and Lemma A.2"),
        ("{cite:t}`phd20` saw it.", "Papyan et al. (2020) saw it."),
        ("Seen {cite:p}`phd20,liu24`.", "Seen (Papyan et al. 2020; Liu 2024)."),
        ("In {eq}`eq-3-1`", "In (1)"),
        (
            "[](03-bias-free.ipynb)",
            "[Without a bias each class lives or dies by itself · Theorem 4.1](03-bias-free.ipynb)",
        ),
        ("$$\nx\n$$ (eq-3-1)", "$$\nx\n\\tag{1}$$"),
        (":::{admonition} Note\n:class: tip\nSo.\n:::", "> **Note**\n>\n> So."),
        (
            ":::{admonition} Answer\n:class: tip dropdown\nNo.\n:::",
            "<details><summary>Answer</summary>\n\nNo.\n\n</details>",
        ),
        (":::{prf:lemma} A.2: g\n:label: l\n\nSo.\n:::", "> **Lemma A.2: g**\n>\n> So."),
        ("(erratum-e1)=\n### E1", "### E1"),
    ],
)  # fmt: skip
def test_book_markdown_becomes_plain(text, expected):
    assert plain(text, "02-model.ipynb") == expected


def test_an_equation_of_another_chapter_says_which():
    assert plain("{eq}`eq-3-1`", "05-deep-head.ipynb") == (
        "(1) of [One rule shrinks every mode by itself · Definition 3.1](02-model.ipynb)"
    )


def test_a_question_to_guess_at_has_its_answer_in_a_closed_box():
    text = """:::{admonition} Predict
:class: tip predict covers-1

Odd or
even?

- **It is
  odd**: no, since
  it is 2.
- **Even**: right.

Even.

All are.
:::"""
    expected = """> **Predict**
>
> Odd or
> even?
>
> - It is odd
> - Even

<details><summary>Answer</summary>

Even.

All are.

- **It is
  odd**: no, since
  it is 2.
- **Even**: right.

</details>"""
    assert plain(text, "02-model.ipynb") == expected
    with pytest.raises(ValueError, match="has no list of choices or no answer: 'Odd"):
        plain(":::{admonition} Predict\n:class: predict\n\nOdd?\n\nYes.\n:::", "02-model.ipynb")
