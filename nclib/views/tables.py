"""Results as tables: HTML on a page, columns of text elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    for name, depth, runs in _by_depth(groups):
        most = runs[0].experiment.counts.K - runs[0].experiment.config.bias
        alive = " ".join(f"{n}" for n in sorted({run.reached["alive"] for run in runs}))
        rows.append(
            (
                name,
                depth,
                len(runs),
                f"{alive}/{most}",
                _largest([run.reached["gap"] for run in runs], ".0e"),
                _largest([run.final["metrics"]["corrected"]["nc1"] for run in runs], ".0e"),
                _largest_against(runs, "nc2"),
                _largest_against(runs, "nc3"),
            )
        )
    return table(caption, ["images", "L", "runs", "alive", "gap", "NC1", "NC2", "NC3"], rows)


def ways_of_runs(caption: str, head: str, groups: Mapping[str, Sequence[Result]]) -> Table:
    """Show how fast networks came close to the closed form, by depth.

    Parameters
    ----------
    caption : str
    head : str
        Head of the first column: in what the groups differ.
    groups : mapping of str to sequence of Result
        The name of each row, and its runs.

    Returns
    -------
    Table
        For each depth and group: the runs; their epochs; after how many all were within the aims
        of the figures to stay (`Result.epochs_within`), blank if one was not; the largest gap, NC2
        and NC3 at the end, as in `ends_of_runs`; the range of the test accuracy, in percent, blank
        where no run has one.
    """
    from nclib.training.paper import AIMS

    rows: list[tuple[object, ...]] = []
    for name, depth, runs in sorted(_by_depth(groups), key=lambda row: row[1]):
        ways = [run.epochs_within(AIMS, run.experiment.optimum.alive) for run in runs]
        right = [run.final["test_accuracy"] for run in runs]
        rows.append(
            (
                depth,
                name,
                len(runs),
                _span([run.experiment.config.epochs for run in runs], ","),
                _largest(ways, ","),
                _largest([run.reached["gap"] for run in runs], ".0e"),
                _largest_against(runs, "nc2"),
                _largest_against(runs, "nc3"),
                _span([100 * share for share in right if share is not None], ".0f"),
            )
        )
    columns = ["L", head, "runs", "epochs", "to the aims", "gap", "NC2", "NC3", "test accuracy"]
    return table(caption, columns, rows)


def _by_depth(
    groups: Mapping[str, Sequence[Result]],
) -> Iterator[tuple[str, int, list[Result]]]:
    """Name, depth and runs of each row."""
    for name, group in groups.items():
        for depth in sorted({run.experiment.config.depth for run in group}):
            yield name, depth, [run for run in group if run.experiment.config.depth == depth]


def _largest_against(runs: Sequence[Result], kind: str) -> str:
    """Write the largest metric of a kind against the minimum that each run came to."""
    keys = [metric.key for metric in AGAINST_OPTIMUM if metric.key.startswith(kind)]
    return _largest([run.reached["metrics"].get(key) for run in runs for key in keys], ".3f")


def _span(values: Sequence[float], form: str) -> str:
    """Write the least and the largest of some values, once where they read the same."""
    ends = [format(end(values), form) for end in (min, max) if values]
    return " to ".join(dict.fromkeys(ends))


def _largest(values: Sequence[float | None], form: str) -> str:
    """Write the largest of some values, or nothing if one is missing."""
    known = [value for value in values if value is not None]
    return format(max(known), form) if len(known) == len(values) else ""
