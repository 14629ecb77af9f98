"""``nclib remedies``: what people do about imbalance, in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nclib._text import factor_text, share_text
from nclib.cli import _output as out
from nclib.cli import _script as said

if TYPE_CHECKING:
    from nclib.diagnosis import Remedy
    from nclib.theory.counts import ClassCounts

OPEN = "open"
"""What stands in the row of a remedy of which the optimum is not known; the reason goes below."""


@said.asks_for_script(
    without=("no_bias", "class_weight", "sampler", "label_smoothing", "logit_adjustment")
)
def remedies(
    source: said.CountsArgument,
    script: said.Script,
    as_json: out.JsonOption = False,
) -> None:
    """Compare what people do about imbalance: weights, samplers, smoothing, adjusted logits.

    A row for each remedy, all else as it is: the class that is lost first as all penalties grow,
    the factor at which it is, the order in which the classes of each count merge, and how many
    classes the optimum has right with today's penalties. What is open says so.

    For example:

    - `nclib remedies counts.csv --weight-decay 5e-4` (cross-entropy, over a band of lambda_H)

    - `nclib remedies ham10000 --weight-decay 5e-3 --lambda-H 1e-4 --bias free`

    - `nclib remedies ham10000 --loss mse --weight-decay 5e-3 --lambda-H 1e-4 -L 3 --bias none`

    - `nclib remedies ham10000 --weight-decay 5e-3 --batch-size 128 --json`
    """
    with out.reported():
        from nclib import diagnosis

        counts, at, model = script.model(source)
        over_band = script.over_band
        rows = diagnosis.remedies(counts, lambda_H=at, over_band=over_band, **script.settings)
        low, high = diagnosis.BAND
        assumed = (
            f"No lambda_H is given: the table is for N lambda_H = {counts.N * at:.3g}, the middle "
            f"of a band from {low:g} to {high:g} around what was measured on networks; in the last "
            "column the classes right at its two ends."
        )
        words = [*model.words, *[assumed] * over_band]
        if as_json:
            content: dict[str, Any] = {
                **diagnosis.describe(model.problem, source),
                "script": list(model.words),
                "band": list(diagnosis.BAND) if over_band else None,
                "remedies": [row.to_dict() for row in rows],
            }
            out.write_json(content)
            return
        out.show(" ".join(words))
        columns = ["remedy", "lost first", "at\nfactor", "order of\ndeaths", "modes\nalive"]
        columns += ["classes\nright", "training accuracy\nof the optimum"]
        columns += ["right over\nthe band"] * over_band
        cells = [_cells(row, counts)[: len(columns)] for row in rows]
        out.show_table(f"{counts.K:,} classes, {counts.N:,} samples", columns, cells)
        by_reason: dict[str, list[str]] = {}
        for row in rows:
            if row.open is not None:
                by_reason.setdefault(row.open, []).append(row.name)
        for reason, names in by_reason.items():
            out.show(f"* {OPEN}, {'; '.join(names)}: {reason}")


def _cells(row: Remedy, counts: ClassCounts) -> tuple[Any, ...]:
    if row.open is not None:
        return (row.name, OPEN, *[None] * 6)
    band = row.right_over_band
    return (
        row.name,
        _named(row.first_lost, counts),
        None if row.factor is None else factor_text(row.factor),
        row.order_words,
        row.modes_alive,
        row.classes_right,
        None if row.accuracy is None else share_text(row.accuracy),
        None if band is None else f"{band[0]:,} to {band[1]:,}",
    )


def _named(classes: tuple[int, ...] | None, counts: ClassCounts) -> str | None:
    """Name the classes lost first, with their samples."""
    if classes is None:
        return None
    if len(classes) == counts.K:
        return "all at once"
    if not classes:
        return "none"
    names = [counts.names[k] if counts.names else f"class {k}" for k in classes[:2]]
    more = f" +{len(classes) - 2:,}" if len(classes) > 2 else ""
    sizes = sorted({int(counts.n[k]) for k in classes})
    span = f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"
    return f"{', '.join(name[:20] for name in names)}{more} ({span})"
