"""What the book's notebooks store: pages are built from it and nbval compares with it."""

import re
from pathlib import Path

import nbformat
import pytest

from tools.notebooks import dump, normalise, read

BOOK = Path(__file__).resolve().parents[2] / "book"
NOTEBOOKS = sorted(BOOK.glob("*.ipynb"))

# The chapters that need closed forms alone: they open in a second, and run where torch does not.
WITHOUT_TORCH = [path for path in NOTEBOOKS if re.match(r"five-minutes|0[1-69]-|1[02]-", path.name)]

# Other on another machine, or in another run.
PATH_OR_ADDRESS = re.compile(
    r"(?<![\w.])(/(home|root|tmp|usr|Users|work)/|[A-Z]:\\)|\b0x[0-9a-f]{6,}"
)

notebooks = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(path):
    cells = [cell for cell in read(path).cells if cell.cell_type == "code" and cell.source.strip()]
    assert cells, f"{path.name} has no code"
    return cells


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
        kinds = {kind for output in cell.outputs for kind in output.get("data", {})}
        if not any(kind.startswith("image/") for kind in kinds):
            continue
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        assert len(alt.split()) >= 5, f"{cell.id}: no alt text, or none that says anything"


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
