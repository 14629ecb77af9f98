"""The command line: ``nclib`` or ``python -m nclib``.

Nothing heavy is imported before a command needs it, so that ``--help`` answers at once.
"""

from __future__ import annotations

import sys
from contextlib import suppress

import typer

from nclib.cli import _output, grade, measure, predict, remedies, reproduce, results, train

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Neural collapse under imbalanced data: what the theory says about your class counts, and "
        "whether your network does it.\n\n"
        "Start with  `nclib predict ham10000 --weight-decay 5e-4`  and  `nclib remedies ham10000 "
        "--weight-decay 5e-4`\n\n"
        "Every command takes `--json`: one JSON value on the standard output and nothing else "
        "there. Exit codes: 0 fine, 1 bad data or a failed run, 2 wrong usage."
    ),
)
app.command("predict")(predict.predict)
app.command("remedies")(remedies.remedies)
app.command("measure")(measure.measure)
app.command("train")(train.train)
app.command("reproduce")(reproduce.reproduce)
app.command("results")(results.results)
app.command("grade")(grade.grade)


def main() -> None:
    """Run the command line."""
    _output.ready_streams()
    try:
        app(prog_name="nclib")
    except OSError as error:  # the disk is full of which the help was to take a part
        with suppress(OSError):
            _output.close_output()
        sys.exit(f"error: {error}")
