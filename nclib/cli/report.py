"""A page about given class counts: one file that needs no network, with charts to move."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from typing import Any

from nclib import __version__
from nclib._files import write_whole
from nclib._text import factor_text
from nclib.cli import _output as out
from nclib.cli.prediction_tables import UNTRIED, band_rows, block_rows, class_rows, title
from nclib.diagnosis import Band, LossPrediction, Prediction, middle_of_band
from nclib.views.explorables import explorable, own

ROWS = 200
"""A table of the page has up to this many rows."""

MOST_CHARTED = 100
"""Of other losses than the paper's a chart of up to so many groups is drawn: each position of its
slider is an optimum that has to be solved for."""

STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; font: 1rem/1.5 "Liberation Sans", Arial, sans-serif; color: CanvasText;
  background: Canvas; }
main { max-width: 56rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { margin-top: 2.5rem; font-size: 1.25rem; }
.lead { font-size: 1.1rem; }
.advice { padding: .1rem 1rem; border-left: 4px solid #e69f00; }
.advice h2 { margin-top: .5rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; text-align: right; vertical-align: bottom;
  border-bottom: 1px solid color-mix(in srgb, currentcolor 25%, transparent); }
td { white-space: nowrap; }
:is(th, td):first-child { text-align: left; white-space: normal; min-width: 6rem; }
footer { margin-top: 3rem; font-size: .9rem; }
"""


def write_report(
    prediction: Prediction | LossPrediction,
    path: str | os.PathLike[str],
    script: Sequence[str] = (),
    band: Band | None = None,
) -> None:
    """Write the page to a file, in one step.

    Parameters
    ----------
    prediction : Prediction or LossPrediction
        What `nclib predict` has found.
    path : path-like
        Where to.
    script : sequence of str, optional
        What the script was taken to be, and what else goes first.
    band : Band, optional
        Where lambda_H is not known: then the prediction is for the middle of the band.
    """
    write_whole(path, report(prediction, script, band).encode())


def report(
    prediction: Prediction | LossPrediction, script: Sequence[str] = (), band: Band | None = None
) -> str:
    """Return the page as HTML."""
    problem = prediction.problem
    head = f"What the optimum makes of {escape(out.printable(prediction.source))}"
    advice = prediction.advice()
    parts = [f"<h1>{head}</h1>"]
    if script:
        parts.append(f"<p>{escape(out.printable(' '.join(script)))}</p>")
    if band is not None:
        parts += _over_the_band(band)
    parts += [
        f"<p>{escape(title(problem))}</p>",
        "".join(
            f'<p class="lead">{escape(out.printable(line))}</p>' for line in prediction.verdict()
        ),
    ]
    if advice:
        items = "".join(f"<li>{escape(out.printable(line))}</li>" for line in advice)
        parts.append(f'<div class="advice"><h2>What to change</h2><ul>{items}</ul></div>')
    columns, rows = class_rows(prediction, out.shortened(range(prediction.groups), ROWS))
    tried = all(run.exhaustive for run in prediction.right_with.values())
    untried = "" if tried else f" {UNTRIED}"
    samples = (
        " Right with samples: how many the class may have, the others fixed: the run of numbers "
        f"around its own, or the nearest.{untried}"
        if prediction.right_with
        else ""
    )
    parts.append("<h2>Classes</h2>")
    if isinstance(prediction, Prediction) or prediction.groups <= MOST_CHARTED:
        chart = own.class_outcomes(problem, lambda group: out.printable(prediction.label(group)))
        parts.append(chart.html(scripts=False))
    parts += [
        _table(
            "Own logit: what the optimum answers for a sample's own class. Right up to factor: by "
            f"how much all penalties may grow before the class is lost.{samples}",
            columns,
            rows,
        ),
        "<h2>Modes</h2>",
    ]
    if isinstance(prediction, Prediction):
        parts.append(own.mode_outcomes(prediction.problem).html(scripts=False))
    parts.append(
        _table(
            "A mode dies when all penalties are multiplied by the last number.",
            *block_rows(prediction, ROWS),
        )
    )
    if isinstance(prediction, Prediction):
        parts += _depths(prediction)
    parts.append(_footer(prediction))
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # Whatever a page of charts might ask of the network, it does not get.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: "
        'blob:">\n'
        f"<title>{head}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n"
        f"</main>\n{explorable.live_parts()}\n</body>\n</html>\n"
    )


def _over_the_band(band: Band) -> list[str]:
    """Say what holds over the band, and that the rest is for its middle."""
    lines = "".join(f'<p class="lead">{escape(out.printable(line))}</p>' for line in band.words())
    return [
        "<h2>Over a band of lambda_H</h2>",
        lines,
        _table("The outcome for each lambda_H of the band.", *band_rows(band)),
        "<h2>In the middle of the band</h2>",
        f"<p>All that follows is for N lambda_H = {middle_of_band(1):.3g}.</p>",
    ]


def _depths(prediction: Prediction) -> list[str]:
    """Compare heads of other depths."""
    deaths, losses = prediction.deaths(), prediction.losses()
    if not deaths:
        return []
    columns = ["linear layers", *["a class is lost at factor"] * bool(losses)]
    return [
        "<h2>Depth</h2>",
        _table(
            "The factor on all penalties at which the first class is lost (the margin), and at "
            "which the first mode dies, for heads of other depths with the same penalties."
            if losses
            else "The factor on all penalties at which the first mode dies, for heads of other "
            "depths with the same penalties.",
            [*columns, "a mode dies at factor"],
            [
                (
                    str(depth),
                    *([factor_text(losses[depth], 4)] if losses else []),
                    factor_text(death, 4),
                )
                for depth, death in deaths.items()
            ],
        ),
    ]


def _footer(prediction: Prediction | LossPrediction) -> str:
    problem = prediction.problem
    layers = f"{problem.depth} layer{'s' * (problem.depth > 1)}"
    if isinstance(prediction, Prediction):
        how = "in closed form (Liu, arXiv 2411.17278)"
        loss = "mean squared error and L2"
    elif prediction.best.certificate == 0:
        how, loss = "in closed form", "the loss named above, and L2"
    else:
        how = (
            "solved as a convex problem of the groups of classes, to a relative duality gap of "
            f"{prediction.best.certificate:.0e}"
        )
        loss = "the loss named above, and L2"
    return (
        "<footer><p>The optimum is the global minimum of the unconstrained feature model with a "
        f"linear head of {layers}, {how}, computed by nclib {__version__}. A trained network comes "
        "to it when the network can fit its training data, and penalties and loss are the model's: "
        f"{loss}. Whether that holds for a network of yours, nclib.Monitor and nclib measure say. "
        "Shares of samples are the training accuracy of the optimum: nothing here speaks of new "
        "images.</p></footer>"
    )


def _table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[Any] | None]) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = []
    for row in rows:
        cells = ["..."] * len(columns) if row is None else [out.cell(value) for value in row]
        body.append(
            "<tr>" + "".join(f"<td>{escape(out.printable(c))}</td>" for c in cells) + "</tr>"
        )
    return (
        f'<p>{escape(caption)}</p>\n<div class="wide" tabindex="0" role="region" '
        f'aria-label="{escape(caption)}"><table><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )
