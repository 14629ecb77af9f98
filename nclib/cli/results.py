"""``nclib results``: stored runs, listed, compared and drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nclib._text import share_text
from nclib.cli import _output as out

if TYPE_CHECKING:
    from nclib.training.results import Result


def results(
    folder: Annotated[Path, typer.Argument(help="Folder of results.")] = Path("results"),
    plot: Annotated[
        Path | None, typer.Option(help="Draw the training curves into this .svg or .png file.")
    ] = None,
    as_json: out.JsonOption = False,
) -> None:
    """List and compare stored results, and draw their curves.

    For each run: how far its objective is above the global minimum, and above the local minimum
    that has as many modes alive; the metrics; the accuracy.

    For example:

    - `nclib results`

    - `nclib results runs --plot runs.svg`

    - `nclib results runs --json | jq '.results[].gap'`
    """
    if plot is not None and plot.suffix.lower() not in (".svg", ".png"):
        raise typer.BadParameter(f"--plot writes .svg or .png; got {plot}")
    with out.reported():
        from nclib.training.results import Result

        if not folder.is_dir():
            raise ValueError(f"{folder}: no such folder of results")
        found: list[Result] = []
        for path in sorted(folder.glob("*.json")):
            try:
                found.append(Result.load(path))
            except ValueError as error:
                out.say(f"passed over: {error}")
        if plot is not None:
            from nclib.views.figures.runs import compare_runs

            if not found:
                raise ValueError(f"{folder}: no results to draw")
            save_figure(compare_runs(found), plot)
        if as_json:
            out.write_json({"folder": f"{folder}", "results": [summary(r) for r in found]})
            return
        show_results(found)
        if plot is not None:
            out.show(f"Drawn: {plot}")


def summary(result: Result) -> dict[str, Any]:
    """Return what comparisons need of a result."""
    final, reached, experiment = result.final, result.reached, result.experiment
    return {
        "name": experiment.name,
        "data": experiment.data,
        "digest": experiment.digest,
        "counts": experiment.counts.n,
        "depth": experiment.config.depth,
        "bias": experiment.config.bias,
        "seed": experiment.config.seed,
        "epochs": experiment.config.epochs,
        "objective": final["objective"],
        "gap": final["gap"],
        "modes_alive": reached["alive"],
        "modes_alive_at_global": experiment.optimum.alive,
        "is_global": reached["is_global"],
        "gap_to_reached": reached["gap"],
        "metrics": final["metrics"],
        "metrics_of_reached": reached["metrics"],
        "train_accuracy": final["train_accuracy"],
        "test_accuracy": final["test_accuracy"],
        "seconds": result.seconds,
    }


def show_results(found: Sequence[Result]) -> None:
    """Write one row for each result."""
    from nclib.metrics import DRAWN

    if not found:
        out.show("No results.")
        return
    # Of images of one name which ones, if there are several.
    of_name: dict[str, set[str | None]] = {}
    for result in found:
        of_name.setdefault(result.experiment.data, set()).add(result.experiment.digest)
    runs, metrics = [], []
    for number, result in enumerate(found, start=1):
        s = summary(result)
        which = f" [{(s['digest'] or 'by name')[:7]}]" * (len(of_name[s["data"]]) > 1)
        runs.append(
            (
                f"{number}",
                f"{s['data']}{which}, {'' if s['bias'] else 'no '}bias",
                s["depth"],
                s["seed"],
                s["epochs"],
                f"{s['modes_alive']} of {s['modes_alive_at_global']}",
                f"{100 * s['gap']:.3g} %",
                f"{100 * s['gap_to_reached']:.3g} %",
                share_text(s["train_accuracy"]),
                None if s["test_accuracy"] is None else share_text(s["test_accuracy"]),
            )
        )
        corrected = s["metrics"]["corrected"]
        values = (corrected[metric.key] for metric in DRAWN)
        metrics.append(
            (f"{number}", *(None if value is None else f"{value:.1e}" for value in values))
        )
    out.show_table(
        f"{len(found)} results",
        ["", "data", "L", "seed", "epochs", "modes\nalive", "above\nglobal", "above\nreached",
         "training\naccuracy", "test\naccuracy"],
        runs,
        left=2,
    )  # fmt: skip
    out.show_table(
        "Metrics against the global minimum, corrected",
        ["", *(metric.label for metric in DRAWN)],
        metrics,
    )
    lost = sum(not r.reached["is_global"] for r in found)
    out.show(
        "All have as many modes alive as their global minimum."
        if not lost
        else f"{lost} of {len(found)} have another number of modes alive than their global minimum."
    )


def save_figure(figure: Any, path: Path) -> None:
    """Write a figure in one step, in the format that the name says."""
    from io import BytesIO

    from nclib._files import write_whole

    kind = path.suffix[1:].lower()
    buffer = BytesIO()
    # Without the date, the same results give the same bytes.
    figure.savefig(buffer, format=kind, metadata={"Date": None} if kind == "svg" else None)
    write_whole(path, buffer.getvalue())
