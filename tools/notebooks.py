"""Execute the book's notebooks and store their outputs, so that a second run changes no byte.

``make notebooks`` runs this. The book shows the stored outputs and the tests compare them with a
fresh run, so they are written here and nowhere else.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from nclib._files import write_whole
from nclib.views.figures import write_main_result

BOOK = Path(__file__).resolve().parent.parent / "book"

# A last resort, for cells that hang: what they may take, `make resources` counts without the clock.
CELL_TIMEOUT_SECONDS = 1200

# What frontends write into cells, different on every machine or at every run.
PASSING_CELL_METADATA = ("ExecuteTime", "collapsed", "execution", "scrolled", "trusted")

# A widget lives in a running kernel: what is stored is the picture beside it.
WIDGET = "application/vnd.jupyter.widget-view+json"

# Enough for a frontend to start a kernel and to colour the code, and the same for every version.
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "name": "python", "pygments_lexer": "ipython3"},
}

# What a chapter says of itself to the extensions of the book, which explain it.
BOOK_METADATA = ("keywords", "other_meanings")


class NotebookError(Exception):
    """A notebook did not run; the message names the notebook and the cell."""


def normalise(notebook: NotebookNode) -> None:
    """Take out, in place, whatever may differ between two runs of an executed notebook.

    Of outputs only widgets are taken out. Execution counts become 1, 2, ... in the order of the
    cells.
    """
    kept = {key: notebook.metadata[key] for key in BOOK_METADATA if key in notebook.metadata}
    notebook.metadata = nbformat.from_dict(NOTEBOOK_METADATA | kept)
    count = 0
    for cell in notebook.cells:
        for key in PASSING_CELL_METADATA:
            cell.metadata.pop(key, None)
        if cell.cell_type != "code":
            continue
        if not cell.source.strip():  # never executed: what it holds is left over
            cell.update(execution_count=None, outputs=[])
            continue
        count += 1
        cell.execution_count = count
        for output in cell.outputs:
            output.get("data", {}).pop(WIDGET, None)
            if output.output_type == "execute_result":
                output.execution_count = count


def read(path: Path) -> NotebookNode:
    """Read a notebook and give cells without an id one that stays the same."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    # nbformat would make up random ids.
    for index, cell in enumerate(content["cells"]):
        cell.setdefault("id", f"cell-{index}")
    content["nbformat_minor"] = max(content["nbformat_minor"], 5)
    notebook: NotebookNode = nbformat.reads(json.dumps(content), as_version=4)
    return notebook


def execute(path: Path) -> NotebookNode:
    """Run a notebook in a kernel of its own, from its own folder, and normalise it.

    Raises
    ------
    NotebookError
        If a cell raises, takes too long or kills the kernel.
    """
    notebook = read(path)
    running = 0

    def note(cell_index: int, **_: object) -> None:
        nonlocal running
        running = cell_index

    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_SECONDS,
        startup_timeout=CELL_TIMEOUT_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        # How a cell's prints are cut into messages depends on the moment.
        coalesce_streams=True,
        record_timing=False,
        on_cell_start=note,
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        cell = notebook.cells[running]
        raise NotebookError(f"{path.name}, cell {running} ({cell.id}): {error}") from error
    normalise(notebook)
    nbformat.validate(notebook)
    return notebook


def dump(notebook: NotebookNode) -> bytes:
    """Turn a notebook into the bytes that are stored."""
    text: str = nbformat.writes(notebook)
    return (text.rstrip("\n") + "\n").encode()


def refresh(path: Path) -> None:
    """Execute a notebook and store it with its outputs; after a failure the file is as it was."""
    write_whole(path, dump(execute(path)))


def main() -> int:
    """Refresh every notebook of the book and its picture of the main result."""
    # The kernel draws into the notebook, whatever this shell draws to.
    os.environ.pop("MPLBACKEND", None)
    # The matrices are small: threads of the linear algebra only get in each other's way.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    status = 0
    for path in sorted(BOOK.glob("*.ipynb")):
        print(path.name, flush=True)
        try:
            refresh(path)
        except NotebookError as error:
            print(error, file=sys.stderr)
            status = 1
    write_main_result(BOOK / "_static" / "main-result.png")
    return status


if __name__ == "__main__":
    sys.exit(main())
