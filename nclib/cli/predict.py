"""``nclib predict``: what the optimum makes of given class counts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nclib.cli import _output as out

if TYPE_CHECKING:
    from nclib.cli._prediction import Prediction

DepthOption = Annotated[
    int, typer.Option("--depth", "-L", min=1, max=1000, help="Linear layers L in the head.")
]
LambdaWOption = Annotated[
    list[float],
    typer.Option(
        "--lambda-W",
        callback=out.positive,
        help="Penalty on the head's layers: once for all, or once for each, W_1 first.",
    ),
]
NoBiasOption = Annotated[bool, typer.Option("--no-bias", help="The head has no bias.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON value, nothing else.")]


def predict(
    source: Annotated[
        str,
        typer.Argument(
            metavar="COUNTS",
            help="Samples per class: a CSV, JSON or .npy file, a folder of images with one "
            "sub-folder for each class, '-' for the standard input, or a data set by name, such "
            "as ham10000.",
        ),
    ],
    depth: DepthOption,
    lambda_W: LambdaWOption,
    lambda_H: Annotated[
        float | None,
        typer.Option(
            "--lambda-H",
            callback=out.positive,
            help="Penalty on the features. Without it: the outcome over a range of it.",
        ),
    ] = None,
    no_bias: NoBiasOption = False,
    classes: Annotated[
        list[str] | None,
        typer.Option(
            "--class",
            help="A class whose margins are wanted, by name or by number from 0; may be "
            "repeated. Default: all, where there are up to 100 distinct counts.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="Write a page with charts to move, readable offline, to this file."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    r"""Say which classes the best possible network keeps apart and classifies right.

    That is the global minimum of the model, in closed form: which modes survive, which classes
    merge or are misclassified, and how far each is from that. The margins: the factor by which all
    penalties may grow before a mode dies or a class is lost, and the smallest number of samples of
    a class, the other counts fixed, with which it is still right.

    For example:

    - `nclib predict counts.csv --depth 3 --lambda-W 5e-4 --lambda-H 1e-5`

    - `nclib predict ham10000 -L 1 --lambda-W 5e-4` (over a range of lambda_H)

    - `echo 500,500,100 | tr , '\n' | nclib predict - -L 2 --lambda-W 1e-3 --lambda-H 1e-3 --json`

    - `nclib predict photos/ -L 1 --lambda-W 5e-4 --lambda-H 1e-5 --report report.html`

    In JSON, a factor of null means that no factor does it, and a smallest count of null that none
    up to the largest other count does.
    """
    lambdas = out.per_layer(lambda_W, depth)
    if report is not None and lambda_H is None:
        raise typer.BadParameter("--report needs --lambda-H")
    with out.reported():
        from nclib.cli import _prediction
        from nclib.readers import read_counts
        from nclib.theory.problem import Problem

        counts = read_counts(source)
        chosen = _prediction.chosen_classes(counts, classes)
        bias = not no_bias
        if lambda_H is None:
            problem = Problem(counts, depth, bias, lambda_W=lambdas, lambda_H=1.0)
            found = _prediction.over_lambda_H(problem)
            content = found
        else:
            problem = Problem(counts, depth, bias, lambda_W=lambdas, lambda_H=lambda_H)
            prediction = _prediction.Prediction.of(problem, source, chosen)
            content = prediction.to_dict() if as_json else {}
            if report is not None:
                from nclib.report import write_report

                write_report(prediction, report)
        if as_json:
            out.write_json(content)
        elif lambda_H is None:
            show_range(problem, found)
        else:
            show_prediction(prediction)
            if report is not None:
                out.show(f"Report: {report}")


def show_range(problem: Any, found: dict[str, Any]) -> None:
    """Write the outcome over a range of lambda_H."""
    out.show(
        f"All {problem.K - problem.bias:,} modes are alive while lambda_H is below "
        f"{found['first_mode_dies_at_lambda_H']:.4g}, none from "
        f"{found['last_mode_dies_at_lambda_H']:.4g} on. One lambda_H: --lambda-H VALUE tells "
        "about every class."
    )
    out.show_table(
        title(problem, lambda_H=False),
        ["lambda_H", "modes alive", "classes right", "classes merged", "accuracy"],
        [
            (
                f"{row['lambda_H']:.3g}",
                row["modes_alive"],
                row["classes_right"],
                row["classes_merged"],
                out.percent(row["accuracy"]),
            )
            for row in found["outcomes"]
        ],
    )


def show_prediction(prediction: Prediction) -> None:
    """Write the verdict and the tables."""
    out.show(*prediction.verdict())
    for line in prediction.advice():
        out.show(f"* {line}")
    columns, rows = class_rows(prediction, out.shortened(range(prediction.groups)))
    out.show_table(title(prediction.problem), columns, rows, total=prediction.groups)
    if not prediction.with_margins:
        out.show("Margins of a class (factor, smallest count): --class NAME.")
    columns, rows = block_rows(prediction)
    out.show_table(
        "Modes, strongest first", columns, rows, total=len(prediction.best.spectrum.block_size)
    )


def block_rows(
    prediction: Prediction, most: int = out.ROWS
) -> tuple[list[str], list[tuple[Any, ...] | None]]:
    """Return the columns and the rows of the table of modes, one row for each kappa."""
    keys = ("kind", "kappa", "modes", "alive", "s", "z", "dies_at_factor")
    rows = out.shortened(prediction.blocks(), most)
    return (
        ["of", *keys[1:-1], "dies at\nfactor"],
        [row and tuple(row[key] for key in keys) for row in rows],
    )


def title(problem: Any, lambda_H: bool = True) -> str:
    """Say in a line what was asked."""
    lambda_W = ", ".join(f"{lam:g}" for lam in dict.fromkeys(problem.lambda_W))
    given = f", lambda_H = {problem.lambda_H:g}" if lambda_H else ""
    return (
        f"{problem.K:,} classes, {problem.N:,} samples; L = {problem.depth}, "
        f"{'bias' if problem.bias else 'no bias'}, lambda_W = {lambda_W}{given}"
    )


def class_rows(
    prediction: Prediction, groups: list[int | None]
) -> tuple[list[str], list[tuple[Any, ...] | None]]:
    """Return the columns and the rows of the table of classes, one row for each count."""
    fates = prediction.fates
    columns = ["class", "outcome", "samples", "classes", "accuracy", "own\nlogit", "best\nother"]
    if prediction.with_margins:
        columns += ["right up\nto factor", "smallest\ncount"]
    rows: list[tuple[Any, ...] | None] = []
    known = set(prediction.with_margins)
    for g in groups:
        if g is None:
            rows.append(None)
            continue
        row: tuple[Any, ...] = (
            prediction.label(g),
            prediction.outcome(g),
            int(fates.count[g]),
            int(fates.size[g]),
            out.percent(fates.right[g]),
            float(fates.own_logit[g]),
            float(fates.rival_logit[g]),
        )
        if g in known:
            row += (float(prediction.right_up_to[g]), smallest_text(prediction, g))
        elif known:
            row += (None, None)
        rows.append(row)
    return columns, rows


def smallest_text(prediction: Prediction, g: int) -> str:
    """Write the smallest count, or up to where there is none."""
    smallest = int(prediction.smallest[g])
    if smallest:
        return f"{smallest:,}"
    k = prediction.fates.representative[g]
    n = prediction.problem.counts.n
    return f"none up to {max(n[:k].max(initial=0), n[k + 1 :].max(initial=0)):,}"
