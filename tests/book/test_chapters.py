"""The form that every theory chapter keeps: predictions, exercises that run, real counts, links."""

import json
import re
from importlib import import_module
from pathlib import Path
from string import ascii_lowercase

import pytest

from tools import contents

BOOK = Path(__file__).resolve().parents[2] / "book"
CHAPTERS = sorted(BOOK.glob("[01][0-9]-*.ipynb"))


def cells_of(path):
    """Kind and source of each cell of a chapter: first its own page, then those of its sections."""
    pages = [path, *sorted(BOOK.glob(f"{path.name[:2]}[a-z]-*.ipynb"))]
    notebooks = [json.loads(page.read_text(encoding="utf-8")) for page in pages]
    return [
        (cell["cell_type"], "".join(cell["source"]))
        for notebook in notebooks
        for cell in notebook["cells"]
    ]


def prose_of(path):
    return "\n".join(source for kind, source in cells_of(path) if kind == "markdown")


def code_of(path):
    return "\n".join(source for kind, source in cells_of(path) if kind == "code")


def exercises_of(path):
    """Label to text, for each exercise."""
    pattern = r":::\{exercise\} [^\n]+\n:label: (\S+)\n(.*?)\n:::"
    return dict(re.findall(pattern, prose_of(path), re.DOTALL))


def solutions_of(path):
    """Label to the kinds of the cells between the start and the end of each solution."""
    solutions, label = {}, None
    for kind, source in cells_of(path):
        if kind == "markdown" and "{solution-end}" in source:
            label = None
        start = re.search(r"\{solution-start\} (\S+)\n:class: dropdown\n:::", source)
        if kind == "markdown" and start:
            label = start.group(1)
            solutions[label] = []
        elif label:
            solutions[label].append(kind)
    assert label is None, "a solution without an end swallows the rest of the page"
    return solutions


def test_all_chapters_are_there():
    assert [path.name[:2] for path in CHAPTERS] == [f"{k:02}" for k in range(15)]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_three_exercises_with_purpose_difficulty_and_time(path):
    exercises = exercises_of(path)
    expected = [f"ex-{path.name[:2]}-{letter}" for letter in ascii_lowercase[: len(exercises)]]
    assert len(exercises) >= 3
    assert sorted(exercises) == expected
    for text in exercises.values():
        about = text.replace("\n", " ")
        assert re.search(r"\d+ minutes", about)
        assert "Purpose:" in about
        assert re.search(r"easy|medium|hard", about, re.IGNORECASE)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_exercise_has_a_hidden_solution_that_runs(path):
    solutions = solutions_of(path)
    assert set(solutions) == set(exercises_of(path))
    for label, kinds in solutions.items():
        assert "code" in kinds, label


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_two_predictions_or_more_and_none_without_choices(path):
    """What one must have, the extension says: `TestPredict` in test_extensions.py."""
    prose = prose_of(path)
    acted = r"^:::\{admonition\} Predict before you look\n:class: tip predict( covers-[123])?\n\n"
    predictions = len(re.findall(acted, prose, re.MULTILINE))
    assert predictions == prose.count("Predict before you look") >= 2
    assert "{admonition} Answer" not in prose


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_real_counts_the_papers_two_and_another_that_is_cited(path):
    code, prose = code_of(path), prose_of(path)
    assert "cifar10_paper" in code
    assert "emnist_letters_paper" in code
    others = r"tschandl18|cui19|cao19|horton96|dalpozzolo15|kddcup99|yao19|liu19|vanhorn18|woods93"
    assert re.search(rf"\{{cite:[pt]}}`[^`]*({others})", prose)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_links_lead_from_the_chapter_to_the_code(path):
    linked = set(re.findall(r"\{py:\w+\}`nclib\.([\w.]+)", prose_of(path)))
    assert len(linked) >= 4


def test_every_public_name_is_in_the_reference():
    packages = (
        *("nclib", "nclib.theory", "nclib.theory.related", "nclib.data", "nclib.metrics"),
        "nclib.training",
    )
    pages = [page for page in contents.pages() if page.startswith("book/api")]
    texts = [(BOOK.parent / f"{page}.md").read_text(encoding="utf-8") for page in pages]
    reference = "\n".join(texts)
    documented: dict[str, object] = {}
    for section in reference.split(".. currentmodule:: ")[1:]:
        module = section.partition("\n")[0]
        directive = r"^\.\. auto(?:class|data|function|exception):: (\w+)"
        names = re.findall(directive, section, re.MULTILINE)
        assert names
        for name in names:
            assert name not in documented, f"{name} is in the reference twice"
            documented[name] = getattr(import_module(module), name)
    # Names that only people who write metrics or read the registry need.
    inner = {"AGAINST_OPTIMUM", "BALANCED", "COLLAPSE", "DRAWN", "METRICS", "NUMBERS", "Accuracy"}
    inner |= {"Between", "Center", "Reading", "Measured", "Metric", "balanced"}
    for package in packages:
        loaded = import_module(package)
        for name in {*loaded.__all__} - inner:
            assert documented.get(name) is getattr(loaded, name), f"{package}.{name}"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_exercises_with_an_answer_say_how_to_check_it_and_their_solutions_do(path):
    from nclib.teaching import EXERCISES

    exercises, code = exercises_of(path), code_of(path)
    for name, exercise in EXERCISES.items():
        if name[:2] == path.name[:2]:
            label = f"ex-{name.partition('.')[0]}"
            assert f'`check("{name}", answer)` takes {exercise.kind.asks}.' in exercises[label]
            assert re.search(rf'check\(\s*"{re.escape(name)}", ', code)


class TestErrata:
    """The chapter of errata: in order, with a table at its head that says the same."""

    PROSE = prose_of(BOOK / "14-errata.ipynb")
    ROW = re.compile(
        r"^\| \[(E\d+)\]\(erratum-(e\d+)\) \| (.+?) \| (.+) \| (.+?) \| (.+?) \|$", re.M
    )
    ENTRY = re.compile(r"^\(erratum-(e\d+)\)=\n### (E\d+): (.+)$", re.MULTILINE)

    def test_the_entries_come_in_the_order_of_their_numbers(self):
        found = self.ENTRY.findall(self.PROSE)
        assert [number for _, number, _ in found] == [f"E{k}" for k in range(1, 22)]
        assert all(anchor == number.lower() for anchor, number, _ in found)

    def test_the_table_at_the_head_names_each_as_its_entry_does(self):
        table = self.ROW.findall(self.PROSE)
        assert [(number, anchor, what) for number, anchor, _, what, _, _ in table] == [
            (number, anchor, what) for anchor, number, what in self.ENTRY.findall(self.PROSE)
        ]
        kinds = {kind for *_, kind, _ in table}
        assert kinds <= {
            "formula", "word", "letters", "remark", "missing assumption", "missing case",
            "missing cases",
        }  # fmt: skip
        assert self.PROSE.index("## All of them at a glance") < self.PROSE.index("### E1:")

    def test_as_many_change_a_conclusion_as_the_text_says(self):
        changes = [change.partition(":")[0] for *_, change in self.ROW.findall(self.PROSE)]
        assert set(changes) == {"yes", "no"}
        assert changes.count("yes") == 7
        assert "Seven of the twenty-one." in self.PROSE

    @pytest.mark.parametrize("path", sorted(BOOK.glob("[01]*.ipynb")), ids=lambda path: path.stem)
    def test_an_erratum_in_a_chapter_is_a_mark_that_opens(self, path):
        boxes = re.findall(
            r"\{admonition\} (?:Erratum|An erratum|A slip|Slips)\b.*\n:class: (.*)", prose_of(path)
        )
        assert set(boxes) <= {"warning erratum"}


def test_how_far_adamw_ends_is_as_printed():
    notebook = json.loads((BOOK / "00-your-data.ipynb").read_text(encoding="utf-8"))
    printed = [
        "".join(output.get("text", ""))
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
    ]
    (far,) = re.findall(r"AdamW +off by ([\d.]+) times", "\n".join(printed))
    assert f"it ends {far} times" in prose_of(BOOK / "00-your-data.ipynb")
