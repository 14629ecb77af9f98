"""A prediction as the terminal shows it, and its tables, which the report has too."""

from __future__ import annotations

import math
from typing import Any

from nclib._text import factor_text, modes, share_text
from nclib.cli import _output as out
from nclib.diagnosis import Prediction, run_text
from nclib.theory.problem import Problem
from nclib.theory.sample_counts import RightCounts

UNTRIED = (
    "* Not all numbers were tried: between the ends some may be wrong, and outside some may be "
    "right."
)


def show_range(problem: Problem, found: dict[str, Any]) -> None:
    """Write the outcome over a range of lambda_H."""
    real = problem.K - problem.bias
    out.show(
        f"All {problem.K:,} classes are right while lambda_H is below "
        f"{found['first_class_lost_at_lambda_H']:.4g}. "
        f"{'All' if real > 1 else 'The'} {modes(real)} {'are' if real > 1 else 'is'} alive while "
        f"lambda_H is below "
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
                share_text(row["accuracy"]),
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


def title(problem: Problem, lambda_H: bool = True) -> str:
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
            share_text(fates.right[g]),
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
    text = "none" if run.low is None else run_text(run)
    return text if run.exhaustive else f"{text} *"
