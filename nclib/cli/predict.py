"""``nclib predict``: what the optimum makes of given class counts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nclib.cli import _output as out

if TYPE_CHECKING:
    from nclib.theory.counts import ClassCounts

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
        from nclib import diagnosis
        from nclib.cli import prediction_tables as tables
        from nclib.data.readers import read_counts
        from nclib.theory.problem import Problem

        counts = read_counts(source)
        chosen = chosen_classes(counts, classes)
        bias = not no_bias
        if lambda_H is None:
            problem = Problem(counts, depth, bias=bias, lambda_W=lambdas, lambda_H=1.0)
            found = diagnosis.over_lambda_H(problem)
            content = found
        else:
            problem = Problem(counts, depth, bias=bias, lambda_W=lambdas, lambda_H=lambda_H)
            prediction = diagnosis.Prediction.of(problem, source, chosen)
            content = prediction.to_dict() if as_json else {}
            if report is not None:
                from nclib.cli.report import write_report

                write_report(prediction, report)
        if as_json:
            out.write_json(content)
        elif lambda_H is None:
            tables.show_range(problem, found)
        else:
            tables.show_prediction(prediction)
            if report is not None:
                out.show(f"Report: {report}")


def chosen_classes(counts: ClassCounts, asked: list[str] | None) -> tuple[int, ...] | None:
    """Find classes by name or number."""
    if not asked:
        return None
    names = {name: k for k, name in enumerate(counts.names or ())}
    result = []
    for name in asked:
        if name in names:
            result.append(names[name])
        elif name.isdecimal() and name.isascii() and len(name) < 8 and int(name) < counts.K:
            result.append(int(name))
        else:
            raise ValueError(
                f"--class {name!r:.60}: no class of that name, and no number from 0 to "
                f"{counts.K - 1}"
            )
    return tuple(result)
