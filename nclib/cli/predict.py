"""``nclib predict``: what the optimum makes of given class counts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nclib.cli import _output as out
from nclib.cli import _script as said

if TYPE_CHECKING:
    from nclib.theory.counts import ClassCounts


@said.asks_for_script()
def predict(
    source: said.CountsArgument,
    script: said.Script,
    margin: Annotated[
        float | None,
        typer.Option(
            "--margin",
            metavar="NUMBER",
            callback=out.positive,
            help="Also say which weight decay leaves this margin: the factor by which all "
            "penalties may grow before a class is lost.",
        ),
    ] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option(
            "--class",
            metavar="CLASS",
            help="A class to tell more about (up to which factor and with how many samples it is "
            "right), by name or by number from 0; may be repeated. Default: all, where there are "
            "up to 30 distinct counts; the factor alone, up to 100.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="Write a page with charts to move, readable offline, to this file."),
    ] = None,
    as_json: out.JsonOption = False,
) -> None:
    r"""Say which classes the best possible network keeps apart and classifies right.

    That is the global minimum of the model: which modes survive, which classes merge or are
    misclassified, and how far each is from that. For the squared error as the paper has it, it is
    in closed form; for other losses it is solved to a certified gap. The margin is the factor by
    which all penalties may grow before a class is lost; modes may die earlier or later. With the
    squared error it also says with how many samples a class is right, the other counts fixed: the
    run of numbers around its own, or the nearest. It need not be all from some number on, as more
    samples can lose a class, too.

    The first line says what the script was taken to be.

    For example:

    - `nclib predict counts.csv --weight-decay 5e-4` (cross-entropy, over a band of lambda_H)

    - `nclib predict ham10000 --weight-decay 5e-4 --lambda-H 1e-5 --class-weight balanced`

    - `nclib predict ham10000 --loss mse --weight-decay 5e-4 --bias free -L 3 --margin 2`

    - `nclib predict counts.csv --depth 3 --lambda-W 5e-4 --lambda-H 1e-5` (the paper's own words)

    - `echo 500,500,100 | tr , '\n' | nclib predict - -L 2 --lambda-W 1e-3 --lambda-H 1e-3 --json`

    - `nclib predict photos/ --weight-decay 5e-4 --lambda-H 1e-5 --report report.html`

    In JSON, a factor of null means that no factor does it. In right_with a high of null means that
    there is no upper end, a low of null that no number was found, exhaustive whether all were tried
    or are proved, and smallest, where that is known, the smallest number of all.
    """
    with out.reported():
        from nclib import diagnosis
        from nclib.cli import prediction_tables as tables

        counts, _, model = script.model(source)
        chosen = chosen_classes(counts, classes)
        band = diagnosis.Band.of(model.problem) if script.over_band else None
        content: dict[str, Any] = {"script": list(model.words)}
        prediction = None
        if band is None or report is not None:
            prediction = diagnosis.predict(model.problem, source, chosen)
        leaving = []
        if margin is not None:
            problems = [model.problem] if band is None else band.ends
            leaving = [
                diagnosis.penalties_for(problem, margin, model.loss_factor) for problem in problems
            ]
            content["margin"] = [found.to_dict() for found in leaving]
        if report is not None and prediction is not None:
            from nclib.cli.report import write_report

            words = [*model.words, *(found.words() for found in leaving)]
            write_report(prediction, report, words, band)
        if as_json:
            found = band or prediction
            out.write_json(content | (found.to_dict() if found is not None else {}))
            return
        out.show(" ".join(model.words))
        if band is not None:
            tables.show_band(band)
        elif prediction is not None:
            tables.show_prediction(prediction)
        out.show(*(found.words() for found in leaving))
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
