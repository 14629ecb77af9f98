"""A prediction as the terminal shows it, and its tables, which the report has too."""

from __future__ import annotations

import math
from typing import Any

from nclib._text import factor_text, modes, share_text
from nclib.cli import _output as out
from nclib.diagnosis import Band, LossPrediction, Prediction, run_text
from nclib.theory.losses.problem import LossProblem
from nclib.theory.problem import Problem
from nclib.theory.sample_counts import RightCounts

ACCURACY_COLUMN = "training accuracy\nof the optimum"
"""No network has been trained, and none was tested."""

UNTRIED = (
    "* Not all numbers were tried: between the ends some may be wrong, and outside some may be "
    "right."
)


def show_band(band: Band) -> None:
    """Write the outcome over the band of lambda_H, and for the paper's model beyond it."""
    problem = band.problem
    out.show(*band.words())
    columns, rows = band_rows(band)
    out.show_table(f"Over the band: {title(problem, lambda_H=False)}", columns, rows)
    if band.beyond is None:
        out.show("One lambda_H: --lambda-H VALUE tells about every class.")
        return
    out.show(
        f"All {problem.K:,} classes are right while lambda_H is below "
        f"{band.beyond['first_class_lost_at_lambda_H']:.4g}. "
        f"{'All' if band.modes > 1 else 'The'} {modes(band.modes)} "
        f"{'are' if band.modes > 1 else 'is'} alive while lambda_H is below "
        f"{band.beyond['first_mode_dies_at_lambda_H']:.4g}, none from "
        f"{band.beyond['last_mode_dies_at_lambda_H']:.4g} on. One lambda_H: --lambda-H VALUE tells "
        "about every class."
    )
    columns, rows = range_rows(band.beyond["outcomes"])
    out.show_table("From all modes alive to none", columns, rows)


def band_rows(band: Band) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the columns and the rows of the table of the band."""
    columns, rows = range_rows(band.outcomes)
    N = band.problem.N
    values = [f"{N * outcome['lambda_H']:.3g}" for outcome in band.outcomes]
    return ["N lambda_H", *columns], [
        (value, *row) for value, row in zip(values, rows, strict=True)
    ]


def range_rows(outcomes: list[dict[str, Any]]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the columns and the rows of a table of outcomes by lambda_H."""
    return ["lambda_H", "modes alive", "classes right", "classes merged", ACCURACY_COLUMN], [
        (
            f"{row['lambda_H']:.3g}",
            row["modes_alive"],
            row["classes_right"],
            row["classes_merged"],
            share_text(row["accuracy"]),
        )
        for row in outcomes
    ]


def show_prediction(prediction: Prediction | LossPrediction) -> None:
    """Write the verdict and the tables."""
    out.show(*prediction.verdict())
    for line in prediction.advice():
        out.show(f"* {line}")
    columns, rows = class_rows(prediction, out.shortened(range(prediction.groups)))
    out.show_table(title(prediction.problem), columns, rows, total=prediction.groups)
    if not all(run.exhaustive for run in prediction.right_with.values()):
        out.show(UNTRIED)
    if len(prediction.right_up_to) < prediction.groups and prediction.chosen is None:
        out.show("More about a class (up to which factor it is right): --class NAME.")
    elif 0 < len(prediction.right_with) < prediction.groups and prediction.chosen is None:
        out.show("More about a class (up to which factor, with how many samples): --class NAME.")
    columns, rows = block_rows(prediction)
    out.show_table("Modes, strongest first", columns, rows, total=len(prediction.blocks()))


def block_rows(
    prediction: Prediction | LossPrediction, most: int = out.ROWS
) -> tuple[list[str], list[tuple[Any, ...] | None]]:
    """Return the columns and the rows of the table of modes, one row for each block of them."""
    blocks = prediction.blocks()
    shown = [key for key in ("kappa", "modes", "alive", "s", "z") if blocks and key in blocks[0]]

    def factor(row: dict[str, Any]) -> str | None:
        at = row["dies_at_factor"]
        return None if at is None else factor_text(at, 4)

    rows = [
        row and (row["kind"], *(row[key] for key in shown), factor(row))
        for row in out.shortened(blocks, most)
    ]
    return ["of", *shown, "dies at\nfactor"], rows


def title(problem: Problem | LossProblem, lambda_H: bool = True) -> str:
    """Say in a line what was asked."""
    same = len(set(problem.lambda_W)) == 1
    lambda_W = ", ".join(f"{lam:g}" for lam in problem.lambda_W[: 1 if same else None])
    given = f", lambda_H = {problem.lambda_H:g}" if lambda_H else ""
    if isinstance(problem, LossProblem):
        loss = "cross-entropy, " if problem.form.softmax else "squared error, "
        bias = {"free": "bias", "none": "no bias", "decayed": "decayed bias"}[problem.bias]
    else:
        loss, bias = "", "bias" if problem.bias else "no bias"
    return (
        f"{problem.K:,} classes, {problem.N:,} samples; {loss}L = {problem.depth}, "
        f"{bias}, lambda_W = {lambda_W}{given}"
    )


def class_rows(
    prediction: Prediction | LossPrediction, groups: list[int | None]
) -> tuple[list[str], list[tuple[Any, ...] | None]]:
    """Return the columns and the rows of the table of classes, one row for each count."""
    outcomes = prediction.outcomes
    columns = [
        "class",
        "outcome",
        "samples",
        "classes",
        ACCURACY_COLUMN,
        "own\nlogit",
        "best\nother",
    ]
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
            int(outcomes.count[g]),
            int(outcomes.size[g]),
            share_text(outcomes.right[g]),
            float(outcomes.own_logit[g]),
            float(outcomes.rival_logit[g]),
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
    text = "none" if run.low is None else run_text(run)
    return text if run.exhaustive else f"{text} *"
