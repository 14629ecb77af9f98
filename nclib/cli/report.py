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
from nclib.cli.prediction_tables import UNTRIED, block_rows, class_rows, title
from nclib.diagnosis import Prediction
from nclib.views.explorables import explorable, own

ROWS = 200
"""A table of the page has up to this many rows."""

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


def write_report(prediction: Prediction, path: str | os.PathLike[str]) -> None:
    """Write the page to a file, in one step.

    Parameters
    ----------
    prediction : Prediction
        What `nclib predict` has found.
    path : path-like
        Where to.
    """
    write_whole(path, report(prediction).encode())


def report(prediction: Prediction) -> str:
    """Return the page as HTML."""
    problem = prediction.problem
    head = f"What the optimum makes of {escape(out.printable(prediction.source))}"
    advice = prediction.advice()
    parts = [
        f"<h1>{head}</h1>",
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
    parts += [
        "<h2>Classes</h2>",
        own.class_outcomes(problem, lambda group: out.printable(prediction.label(group))).html(
            scripts=False
        ),
        _table(
            "Own logit: what the optimum answers for a sample's own class. Right up to factor: by "
            "how much all penalties may grow before the class is lost. Right with samples: how "
            "many the class may have, the others fixed: the run of numbers around its own, or the "
            f"nearest.{untried}",
            columns,
            rows,
        ),
        "<h2>Modes</h2>",
        own.mode_outcomes(problem).html(scripts=False),
        _table(
            "A mode dies when all penalties are multiplied by the last number.",
            *block_rows(prediction, ROWS),
        ),
    ]
    deaths, losses = prediction.deaths(), prediction.losses()
    if deaths:
        columns = ["linear layers", *["a class is lost at factor"] * bool(losses)]
        parts += [
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
                        *[factor_text(losses[depth], 4)] * bool(losses),
                        factor_text(death, 4),
                    )
                    for depth, death in deaths.items()
                ],
            ),
        ]
    parts.append(
        "<footer><p>The optimum is the global minimum of the unconstrained feature model with a "
        f"linear head of {problem.depth} layer{'s' * (problem.depth > 1)}, in closed form (Liu, "
        f"arXiv 2411.17278), computed by nclib {__version__}. A trained network comes to it "
        "when the network can fit its training data, and penalties and loss are the model's: mean "
        "squared error and L2. What holds for other losses is another question.</p></footer>"
    )
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
