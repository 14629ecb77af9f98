"""Results as tables: HTML on a page, columns of text elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from nclib._records import Table


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Make a table that shows itself in a notebook.

    Parameters
    ----------
    caption : str
        What it shows.
    columns : sequence of str
        Heads of the columns.
    rows : iterable of sequence
        Of each row its name and the other cells.

    Returns
    -------
    Table
        Printed, it is text in columns.

    Examples
    --------
    >>> table("Two classes", ["class", "samples"], [("cat", 300), ("dog", 30)])
    Two classes
    class  samples
    cat        300
    dog         30
    """
    return Table(caption, tuple(columns), tuple(tuple(row) for row in rows))
