"""The tool behind `make notebooks`, on notebooks made here."""

import re

import nbformat
import pytest

from tools.notebooks import NotebookError, dump, refresh


@pytest.fixture
def notebook():
    """A text, a print, a value, a figure, an empty cell, and what frontends leave behind."""
    cells = [
        nbformat.v4.new_markdown_cell("# Title", id="title"),
        nbformat.v4.new_code_cell(
            "import sys\nprint('one')\nsys.stdout.flush()\nprint('two')",
            id="print",
            metadata={"scrolled": True, "execution": {"iopub.status.busy": "2026-01-01"}},
        ),
        nbformat.v4.new_code_cell("", id="empty", execution_count=7),
        nbformat.v4.new_code_cell("2**10", id="value", metadata={"tags": ["keep"]}),
        nbformat.v4.new_code_cell(
            "from nclib.views import figures\nfigure = figures.lemma_curves(3)", id="figure"
        ),
    ]
    return nbformat.v4.new_notebook(
        cells=cells,
        metadata={
            "widgets": {"application/vnd.jupyter.widget-state+json": {}},
            "language_info": {"name": "python", "version": "3.1"},
            "other_meanings": {"c": "a cosine"},
            "keywords": "one, another",
        },
    )


def test_keeps_what_stays_and_drops_what_passes_and_a_second_run_leaves_every_byte(
    tmp_path, notebook
):
    stored = tmp_path / "small.ipynb"
    stored.write_bytes(dump(notebook))
    refresh(stored)
    first = stored.read_bytes()
    assert first.endswith(b"}\n")
    result = nbformat.read(stored, as_version=4)
    assert [cell.id for cell in result.cells] == ["title", "print", "empty", "value", "figure"]
    assert [cell.get("execution_count") for cell in result.cells] == [None, 1, None, 2, 3]
    _, printed, _, value, figure = result.cells
    assert printed.metadata == {}
    assert [output.text for output in printed.outputs] == ["one\ntwo\n"]
    assert value.metadata == {"tags": ["keep"]}
    assert value.outputs[0].data == {"text/plain": "1024"}
    assert value.outputs[0].execution_count == 2
    assert set(figure.outputs[0].data) == {"image/svg+xml", "text/plain"}
    assert "widgets" not in result.metadata
    assert "version" not in result.metadata.language_info
    assert result.metadata.other_meanings == {"c": "a cosine"}
    assert result.metadata.keywords == "one, another"
    refresh(stored)
    assert stored.read_bytes() == first


def test_a_widget_leaves_the_picture_beside_it_and_no_state(tmp_path):
    source = "from nclib.views import sandbox\nsandbox.spectrum([3, 2, 1])"
    cell = nbformat.v4.new_code_cell(source, id="sandbox")
    path = tmp_path / "sandbox.ipynb"
    path.write_bytes(dump(nbformat.v4.new_notebook(cells=[cell])))
    refresh(path)
    assert b"widget" not in path.read_bytes()
    picture, words = nbformat.read(path, as_version=4).cells[0].outputs
    assert set(picture.data) == {"image/svg+xml", "text/plain"}
    assert picture.data["text/plain"].startswith('Sandbox(counts)\naxes 1: title "3 classes')
    assert set(words.data) == {"text/markdown", "text/plain"}
    assert "`make lab`" in words.data["text/markdown"]


def test_cells_without_an_id_get_the_same_one_again(tmp_path):
    path = tmp_path / "old.ipynb"
    path.write_text(
        '{"cells": [{"cell_type": "code", "execution_count": null, "metadata": {}, "outputs": [],'
        ' "source": ["1 + 1"]}], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}'
    )
    refresh(path)
    first = path.read_bytes()
    refresh(path)
    assert path.read_bytes() == first
    assert nbformat.read(path, as_version=4).cells[0].id == "cell-0"


def test_a_failing_notebook_stays_as_it_was_and_is_named(tmp_path, notebook):
    notebook.cells[3].source = "raise ValueError('no such luck')"
    path = tmp_path / "failing.ipynb"
    before = dump(notebook)
    path.write_bytes(before)
    with pytest.raises(NotebookError, match=re.escape("failing.ipynb, cell 3 (value)")) as error:
        refresh(path)
    assert "no such luck" in str(error.value)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["failing.ipynb"]
