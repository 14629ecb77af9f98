"""What the book's notebooks store: pages are built from it and nbval compares with it."""

import copy
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import nbval.plugin
import pytest
import yaml

from nclib.views import explorables
from tools.notebooks import dump, normalise, read

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
NOTEBOOKS = sorted(BOOK.glob("*.ipynb"))

# The chapters that need closed forms alone: they open in a second, and run where torch does not.
WITHOUT_TORCH = [
    path for path in NOTEBOOKS if re.match(r"five-minutes|0[1-6]-|1[0-4][a-g]?-", path.name)
]

# Other on another machine, or in another run.
PATH_OR_ADDRESS = re.compile(
    r"(?<![\w.])(/(home|root|tmp|usr|Users|work)/|[A-Z]:\\)|\b0x[0-9a-f]{6,}"
)

notebooks = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(path):
    cells = [cell for cell in read(path).cells if cell.cell_type == "code" and cell.source.strip()]
    assert cells, f"{path.name} has no code"
    return cells


def is_picture(output):
    return any(kind.startswith("image/") for kind in output.get("data", {}))


def test_the_book_has_notebooks():
    assert NOTEBOOKS


@notebooks
def test_every_cell_was_executed_in_order(path):
    counts = [cell.execution_count for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1))


@notebooks
def test_no_cell_failed_unasked(path):
    for cell in code_cells(path):
        failed = any(output.output_type == "error" for output in cell.outputs)
        assert failed == ("raises-exception" in cell.metadata.get("tags", [])), cell.id


@notebooks
def test_outputs_are_the_same_on_every_machine(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            texts = [output.get("text", ""), *output.get("traceback", [])]
            texts += [
                data for kind, data in output.get("data", {}).items() if kind.startswith("text/")
            ]
            for text in texts:
                found = PATH_OR_ADDRESS.search(text)
                assert found is None, f"{cell.id}: {found}"


@notebooks
def test_every_figure_says_what_is_seen(path):
    for cell in code_cells(path):
        if not any(map(is_picture, cell.outputs)):
            continue
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        assert len(alt.split()) >= 5, f"{cell.id}: no alt text, or none that says anything"


@notebooks
def test_every_figure_has_a_caption_that_states_a_finding(path):
    for cell in code_cells(path):
        if not any(map(is_picture, cell.outputs)):
            continue
        about = cell.metadata["mystnb"]
        caption = about.get("figure", {}).get("caption", "")
        assert len(caption.split()) >= 6, f"{cell.id}: no caption, or none that says anything"
        assert caption.endswith("."), f"{cell.id}: a caption is a sentence"
        assert caption not in about["image"]["alt"]


@notebooks
def test_every_figure_is_drawn_for_a_desk_and_for_a_phone(path):
    for cell in code_cells(path):
        for output in filter(is_picture, cell.outputs):
            drawing = "".join(output.data["image/svg+xml"])
            assert re.findall(r'<svg class="(\w+)"', drawing) == ["wide", "narrow"], cell.id


@notebooks
def test_every_picture_has_its_listing_beside_it(path):
    """It is what nbval compares of a picture."""
    for cell in code_cells(path):
        for output in filter(is_picture, cell.outputs):
            assert re.search(r"^axes 1:", output.data["text/plain"], re.MULTILINE), cell.id


@notebooks
def test_no_output_is_kept_from_the_comparison(path):
    for cell in code_cells(path):
        tags = {tag.replace("_", "-").lower() for tag in cell.metadata.get("tags", [])}
        assert not tags & {"nbval-ignore-output", "nbval-skip"}, cell.id
        assert not re.search(r"#\s*(NBVAL|PYTEST_VALIDATE)_", cell.source), cell.id


# Cells that a reader does not need, and the notebook or its tests do: `remove-cell` keeps them off
# the page, and nbval compares them as all others. None of them answers what the page asks.
OFF_THE_PAGE = {
    "01-collapse": ["setup"],
    "04-bias": ["best-bias"],
    "06-spectrum": ["vectors-check"],
    "10a-splitting": ["setup"],
    "10b-modes": ["setup", "soft-check"],
    "10c-one-layer": ["setup", "v-real", "v-tilde-evidence"],
    "10d-any-depth": ["setup"],
    "10e-labels": ["setup", "secular-check"],
    "14-errata": ["setup", "e14-code"],
    "00-your-data": ["setup"],
    "11a-classes": ["setup", "once-lost-check"],
    "11b-all-right": ["setup"],
    "11c-depth": ["setup"],
    "11d-ties": ["setup"],
    "11e-landscape": ["setup"],
    "11f-bias": ["setup"],
    "11g-more-data": ["setup"],
    "12-relatives": ["setup", "lengths-check", "bias-check", "affine", "traits-check"],
    "13-relatives-cross-entropy": ["setup", "bounds-check", "blocks-check", "earlier-check"],
    "five-minutes": ["setup", "use-check"],
}


@notebooks
def test_what_is_off_the_page_is_listed_and_is_a_check_or_has_nothing_to_show(path):
    removed = []
    for cell in code_cells(path):
        tags = {tag.replace("_", "-") for tag in cell.metadata.get("tags", [])}
        assert "remove-output" not in tags, f"{cell.id}: what it puts out nobody would see"
        if "remove-cell" in tags:
            removed.append(cell.id)
            assert all(output.output_type == "stream" for output in cell.outputs), cell.id
            printed = "".join(output.text for output in cell.outputs)
            prose = "".join(
                cell.source for cell in read(path).cells if cell.cell_type == "markdown"
            )
            for line in printed.splitlines():
                numbers = re.findall(r"\d+\.?\d*", line.replace("0.67", "two thirds"))
                said = all(number in prose for number in numbers)
                checked = re.search(r"\bTrue$|holds to|: \d+ for \d+ ", line)
                assert checked or said, f"{cell.id}: {line}"
    assert removed == OFF_THE_PAGE.get(path.stem, [])


@notebooks
def test_stored_as_make_notebooks_stores_it(path):
    notebook = read(path)
    normalise(notebook)
    nbformat.validate(notebook)
    assert path.read_bytes() == dump(notebook), "run `make notebooks`"


@pytest.mark.parametrize("path", WITHOUT_TORCH, ids=lambda path: path.stem)
def test_closed_forms_need_no_torch(path):
    for cell in code_cells(path):
        assert not re.search(r"^\s*(import|from)\s+torch", cell.source, re.MULTILINE), cell.id


class TestPictures:
    """A picture is held by the listing beside it, and readers see the picture alone."""

    CELL = "lengths-h"
    # Numbers of another penalty than the label says, another penalty than that of the numbers, and
    # each curve under the title of the other.
    FALSE = {  # noqa: RUF012
        "numbers": ("lengths(1e-4, x)", "lengths(9e-4, x)"),
        "label": (r"with $\lambda_W = 0.0001$", r"with $\lambda_W = 0.0009$"),
        "titles": (
            "rows[:, shown],\n    columns[:, shown]",
            "columns[:, shown],\n    rows[:, shown]",
        ),
    }

    def stored(self):
        """Of chapter 3 what leads to a picture, with its outputs."""
        notebook = read(BOOK / "03-bias-free.ipynb")
        wanted = ("setup", "lengths-w", self.CELL)
        notebook.cells = [cell for cell in notebook.cells if cell.id in wanted]
        return notebook

    def test_one_that_shows_something_false_fails(self, tmp_path):
        # The settings of the project, and of its files no other.
        shutil.copy(ROOT / "pyproject.toml", tmp_path)
        (tmp_path / "tests").mkdir()
        shutil.copy(ROOT / "tests" / "nbval.cfg", tmp_path / "tests")
        notebook = self.stored()
        right = len(notebook.cells)
        for name, (old, new) in self.FALSE.items():
            cell = copy.deepcopy(notebook.cells[right - 1])
            assert cell.source.count(old) == 1
            cell.update(id=name, source=cell.source.replace(old, new))
            notebook.cells.append(cell)
        (tmp_path / "book.ipynb").write_bytes(dump(notebook))
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "book.ipynb"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        results = re.findall(r"^(PASSED|FAILED) book.ipynb::Cell (\d+)", run.stdout, re.MULTILINE)
        failed = sorted(int(cell) for result, cell in results if result == "FAILED")
        assert len(results) == len(notebook.cells), run.stdout
        assert failed == list(range(right, right + len(self.FALSE)))

    def test_a_page_shows_the_picture_and_not_its_listing(self, tmp_path):
        notebook = self.stored()
        (output,) = notebook.cells[-1].outputs
        assert is_picture(output)
        assert output.data["text/plain"].startswith("axes 1: ")
        (tmp_path / "page").mkdir()
        notebook.cells.insert(0, nbformat.v4.new_markdown_cell("# Title", id="title"))
        (tmp_path / "page" / "index.ipynb").write_bytes(dump(notebook))
        settings = {"extensions": "myst_nb", "nb_execution_mode": "off"}
        subprocess.run(
            [sys.executable, "-m", "sphinx", "-q", "-C", tmp_path / "page", tmp_path / "out"]
            + [word for name, value in settings.items() for word in ("-D", f"{name}={value}")],
            check=True,
        )
        html = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
        pictures = [
            found
            for cell in notebook.cells
            for found in filter(is_picture, cell.get("outputs", []))
        ]
        assert pictures
        assert html.count("<img") + html.count("<svg") == len(pictures)
        assert "axes 1:" not in html
        # What Jupyter Book is told of it: nothing.
        config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
        assert not [name for name in config["sphinx"]["config"] if "mime" in name]

    def sanitised(self, text):
        """What nbval compares of an output."""
        patterns = nbval.plugin.get_sanitize_patterns((ROOT / "tests" / "nbval.cfg").read_text())
        for pattern, replacement in patterns:
            text = re.sub(pattern, replacement, text)
        return text

    def test_one_that_is_written_as_text_is_left_out_as_those_of_bits_are(self):
        drawings = []
        for title in ("one", "another"):
            figure, axis = plt.subplots()
            axis.set_title(title)
            file = io.StringIO()
            figure.savefig(file, format="svg")
            plt.close(figure)
            drawings.append(file.getvalue())
        assert drawings[0] != drawings[1]
        assert self.sanitised(drawings[0]) == self.sanitised(drawings[1])
        assert self.sanitised(drawings[0][drawings[0].index("<svg") :]) == "a picture"

    def test_the_listing_and_all_that_an_explorable_draws_from_are_compared(self):
        text = "axes 1: x from 0 to 1\n  words: \"y='2'\" at (1, 2)"
        assert self.sanitised(text) == text
        html = explorables.lemma_curve().html(scripts=False)
        compared = self.sanitised(html)
        content = re.compile(r'<script type="application/json">.*?</script>', re.DOTALL)
        assert content.search(compared)[0] == content.search(html)[0]
        words = re.findall(r">([^<>]+)</text>", html)
        assert len(words) > 5
        assert re.findall(r">([^<>]+)</text>", compared) == words
