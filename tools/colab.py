"""Write the notebooks as Colab opens them: with a first cell that installs the library.

``python -m tools.colab FOLDER ADDRESS COMMIT`` writes a copy of each notebook into a folder. Colab
starts from nothing but the notebook, and opens it from a branch of a public GitHub repository, so
CI puts the copies into the branch `colab`, to which the pages' buttons lead. The notebooks of the
book itself stay without such a cell: they know no address.

Needs nothing but Python.
"""

import copy
import json
import sys
from pathlib import Path
from typing import Any

BOOK = Path(__file__).resolve().parent.parent / "book"

# What the notebooks import, besides what nclib itself and its extra `train` bring. pip leaves alone
# what Colab has.
PACKAGES = "altair anywidget ipywidgets matplotlib sympy vl-convert-python"

# The whole book is fetched: notebooks read files that lie beside them.
FIRST_CELL = """\
# Where nclib is missing, as on Colab: fetch the book and install the library that belongs to it.
import importlib.util

if importlib.util.find_spec("nclib") is None:
    !git clone --quiet {address} nclib-book
    !git -C nclib-book checkout --quiet {commit}
    %pip install --quiet "./nclib-book[train]" {packages}
    %cd -q nclib-book/book"""


def with_first_cell(notebook: dict[str, Any], address: str, commit: str) -> dict[str, Any]:
    """Return a copy of a notebook that begins by installing the library where it is missing."""
    result = copy.deepcopy(notebook)
    source = FIRST_CELL.format(address=address, commit=commit, packages=PACKAGES)
    cell: dict[str, Any] = {
        "cell_type": "code",
        "execution_count": None,
        "id": "install",
        "metadata": {},
        "outputs": [],
        "source": source.splitlines(keepends=True),
    }
    result["cells"].insert(0, cell)
    return result


def main(folder: str, address: str, commit: str) -> None:
    """Write the copies."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for path in sorted(BOOK.glob("*.ipynb")):
        notebook = with_first_cell(json.loads(path.read_text("utf-8")), address, commit)
        text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
        Path(folder, path.name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
