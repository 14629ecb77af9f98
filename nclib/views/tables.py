"""Results as tables: HTML on a page, columns of text elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nclib._records import Table
from nclib.metrics.registry import AGAINST_OPTIMUM

if TYPE_CHECKING:
    from nclib.training.results import Result


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


def ends_of_runs(caption: str, groups: Mapping[str, Sequence[Result]]) -> Table:
    """Show how close networks came to the closed form: the worst of the runs of each depth.

    Parameters
    ----------
    caption : str
    groups : mapping of str to sequence of Result
        The name of each row, such as that of the images, and its runs.

    Returns
    -------
    Table
        For each group and depth: the runs; modes alive, of how many; the largest relative gap to
        the minimum with so many, and the largest NC1, NC2 and NC3 against it, blank where a run has
        none. `results_table` lists the runs one by one.
    """
    rows: list[tuple[object, ...]] = []
    for name, group in groups.items():
        for depth in sorted({run.experiment.config.depth for run in group}):
            runs = [run for run in group if run.experiment.config.depth == depth]
            most = runs[0].experiment.counts.K - runs[0].experiment.config.bias
            alive = " ".join(f"{n}" for n in sorted({run.reached["alive"] for run in runs}))
            nc2, nc3 = (
                [
                    run.reached["metrics"].get(metric.key)
                    for run in runs
                    for metric in AGAINST_OPTIMUM
                    if metric.key.startswith(kind)
                ]
                for kind in ("nc2", "nc3")
            )
            rows.append(
                (
                    name,
                    depth,
                    len(runs),
                    f"{alive}/{most}",
                    _largest([run.reached["gap"] for run in runs], ".0e"),
                    _largest([run.final["metrics"]["corrected"]["nc1"] for run in runs], ".0e"),
                    _largest(nc2, ".3f"),
                    _largest(nc3, ".3f"),
                )
            )
    return table(caption, ["images", "L", "runs", "alive", "gap", "NC1", "NC2", "NC3"], rows)


def _largest(values: Sequence[float | None], form: str) -> str:
    """Write the largest of some values, or nothing if one is missing."""
    known = [value for value in values if value is not None]
    return format(max(known), form) if len(known) == len(values) else ""
