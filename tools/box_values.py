"""Values that a calculator in a page is to agree with, whatever it is written in.

``python -m tools.box_values`` writes `tests/data/box_values.json`: for class counts and a script,
the penalties translated, the factor on all penalties at which classes of each count merge, the
classes that are lost first as all penalties grow, and the factor at which they are. A test computes
them again and checks them against formulas.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nclib as nc
from nclib.diagnosis import first_lost

PATH = Path(__file__).resolve().parent.parent / "tests" / "data" / "box_values.json"

COUNTS: dict[str, list[int]] = {
    "two": [900, 100],
    "three": [1000, 100, 10],
    "step": [300, 300, 300, 30, 30, 30],
    "equal": [40, 40, 40, 40],
    "lesions": [6705, 1113, 1099, 514, 327, 142, 115],
}

SCRIPTS: list[dict[str, Any]] = [
    {"loss": "mse", "bias": "free"},
    {"loss": "mse", "bias": "none"},
    {"loss": "mse", "bias": "free", "depth": 3},
    {"loss": "mse", "bias": "none", "depth": 3},
    {"loss": "mse", "bias": "free", "depth": 6},
    {"loss": "mse", "bias": "none", "depth": 6},
    {"loss": "mse-sum", "bias": "free", "batch_size": 32},
    {"loss": "mse", "bias": "none", "class_weight": "balanced"},
    {"loss": "mse", "bias": "none", "class_weight": "balanced", "depth": 3},
    {"loss": "mse", "bias": "free", "label_smoothing": 0.1, "depth": 3},
    {"loss": "mse", "bias": "free", "sampler": "balanced", "depth": 3},
    {"loss": "mse", "bias": "free", "sampler": "sqrt", "depth": 6},
    {"loss": "cross-entropy", "bias": "free"},
    {"loss": "cross-entropy", "bias": "none"},
    {"loss": "cross-entropy", "bias": "decayed"},
    {"loss": "cross-entropy", "bias": "free", "class_weight": "balanced"},
    {"loss": "cross-entropy", "bias": "free", "class_weight": "sqrt"},
    {"loss": "cross-entropy", "bias": "decayed", "class_weight": "effective:0.999"},
    {"loss": "cross-entropy", "bias": "free", "sampler": "balanced"},
    {"loss": "cross-entropy", "bias": "free", "sampler": "sqrt"},
    {"loss": "cross-entropy", "bias": "free", "label_smoothing": 0.1},
    {"loss": "cross-entropy", "bias": "free", "logit_adjustment": 1.0},
]

WEIGHT_DECAY = 5e-4
N_LAMBDA_H = 1e-2


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name of counts and a script, for every row of the table."""
    for script in SCRIPTS:
        for name in COUNTS:
            yield name, script


def value(name: str, script: dict[str, Any]) -> dict[str, Any]:
    """Compute one row."""
    counts = nc.ClassCounts(COUNTS[name])
    model = nc.script_model(
        counts, weight_decay=WEIGHT_DECAY, lambda_H=N_LAMBDA_H / counts.N, **script
    )
    problem = model.problem
    collapse = nc.theory.loss_collapse_factors(problem)
    lost = first_lost(problem)
    assert lost is not None
    return {
        "counts": name,
        "script": script,
        "lambda_W": problem.lambda_W[0],
        "lambda_H": problem.lambda_H,
        "merging": collapse.merging[collapse.group].tolist(),
        "first_lost": list(lost.classes),
        "factor": lost.factor,
    }


def table() -> dict[str, Any]:
    """Compute the whole table."""
    return {
        "weight_decay": WEIGHT_DECAY,
        "N_lambda_H": N_LAMBDA_H,
        "counts": COUNTS,
        "rows": [value(*case) for case in cases()],
    }


def written(content: dict[str, Any]) -> str:
    """Write the table as JSON, a row in a line; nine digits are the same on every CPU."""
    head = {key: part for key, part in content.items() if key != "rows"}
    rows = ",\n".join(f"  {json.dumps(_rounded(row))}" for row in content["rows"])
    return f'{json.dumps(head, indent=1)[:-2]},\n "rows": [\n{rows}\n ]\n}}\n'


def _rounded(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _rounded(item) for key, item in part.items()}
    if isinstance(part, list):
        return [_rounded(item) for item in part]
    return float(f"{part:.9g}") if isinstance(part, float) else part


if __name__ == "__main__":
    PATH.write_text(written(table()), encoding="utf-8")
    print(f"{len(table()['rows'])} rows: {PATH}")
