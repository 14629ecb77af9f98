"""``nclib predict``: what the optimum makes of given class counts."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nclib._numbers import factor_text
from nclib.cli import _output as out

if TYPE_CHECKING:
    from nclib.cli._prediction import Prediction
    from nclib.theory.prediction import RightCounts

UNTRIED = (
    "* Not all numbers were tried: between the ends some may be wrong, and outside some may be "
    "right."
)

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
            help="A class to tell more about (up to which factor and with how many samples it is "
            "right), by name or by number from 0; may be repeated. Default: all, where there are "
            "up to 30 distinct counts; the factor alone, up to 100.",
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
    merge or are misclassified, and how far each is from that. The margin is the factor by which
    all penalties may grow before a class is lost; modes may die earlier or later. And with how many
    samples a class is right, the other counts fixed: the run of numbers around its own, or the
    nearest. It need not be all from some number on, as more samples can lose a class, too.

    For example:

    - `nclib predict counts.csv --depth 3 --lambda-W 5e-4 --lambda-H 1e-5`

    - `nclib predict ham10000 -L 1 --lambda-W 5e-4` (over a range of lambda_H)

    - `echo 500,500,100 | tr , '\n' | nclib predict - -L 2 --lambda-W 1e-3 --lambda-H 1e-3 --json`

    - `nclib predict photos/ -L 1 --lambda-W 5e-4 --lambda-H 1e-5 --report report.html`

    In JSON, a factor of null means that no factor does it. In right_with a high of null means that
    there is no upper end, a low of null that no number was found, exhaustive whether all were tried
    or are proved, and smallest, where that is known, the smallest number of all.
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
        f"All {problem.K:,} classes are right while lambda_H is below "
        f"{found['first_class_lost_at_lambda_H']:.4g}. "
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
    if not all(run.exhaustive for run in prediction.right_with.values()):
        out.show(UNTRIED)
    if len(prediction.right_with) < prediction.groups and prediction.chosen is None:
        out.show("More about a class (up to which factor, with how many samples): --class NAME.")
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
        [
            row and (*(row[key] for key in keys[:-1]), factor_text(row["dies_at_factor"], 4))
            for row in rows
        ],
    )


def title(problem: Any, lambda_H: bool = True) -> str:
    """Say in a line what was asked."""
    same = len(set(problem.lambda_W)) == 1
    lambda_W = ", ".join(f"{lam:g}" for lam in problem.lambda_W[: 1 if same else None])
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
    factors, runs = prediction.right_up_to, prediction.right_with
    if factors:
        columns.append("right up\nto factor")
    if factors and runs:
        columns.append("right with\nsamples")
    rows: list[tuple[Any, ...] | None] = []
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
        if factors:
            row += (limit_text(factors[g]) if g in factors else None,)
        if factors and runs:
            row += (samples_text(runs[g]) if g in runs else None,)
        rows.append(row)
    return columns, rows


def limit_text(factor: float) -> str:
    """Write the factor up to which a class is right."""
    if factor in (0, math.inf):
        return "any" if factor else "none"
    return factor_text(factor, 4)


def samples_text(run: RightCounts) -> str:
    """Write with how many samples a class is right, with a star where not all were tried."""
    from nclib.cli._prediction import run_text

    text = "none" if run.low is None else run_text(run)
    return text if run.exhaustive else f"{text} *"
