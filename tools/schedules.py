"""Train one network of figure 1 by many schedules, and see how far each brings it.

``python -m tools.schedules IMAGES [--only NAME]`` takes the file of the CIFAR-10 subset, trains
what `book/results/schedules.json` does not have yet, and adds it there, a row at a time. The
network has three layers and a bias, and the width 512. Epochs are stored and seconds are not, which
depend on the machine.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nclib._files import write_whole
from nclib.training.config import TrainingConfig
from nclib.training.data import Normalization, imbalanced_subset, load_splits, to_tensors
from nclib.training.engine import TrainingResult, train
from nclib.training.experiments import divided_images
from nclib.training.paper import AIMS, paper_figure

TABLE = Path(__file__).resolve().parent.parent / "book" / "results" / "schedules.json"

_SHORT = {"epochs": 100, "dtype": "bfloat16"}
_SOONER = {**_SHORT, "learning_rate": 2e-3, "lambda_warmup": 0.25}

SCHEDULES: dict[str, dict[str, Any]] = {
    "as in the figures": {"evaluations": 60},
    "one rate": {"schedule": "constant", "evaluations": 150},
    "one rate, longer": {"schedule": "constant", "epochs": 1500, "evaluations": 300},
    "one lower rate": {
        "schedule": "constant",
        "epochs": 1500,
        "evaluations": 300,
        "learning_rate": 3e-4,
    },
    "100 epochs": _SHORT,
    "twice the rate": {**_SHORT, "learning_rate": 2e-3},
    "four times the rate": {**_SHORT, "learning_rate": 4e-3},
    "and batches of 512": {**_SHORT, "learning_rate": 4e-3, "batch_size": 512},
    "penalties rise sooner": _SOONER,
    "and batches of 64": {**_SOONER, "batch_size": 64},
    "and batches of 256": {**_SOONER, "batch_size": 256},
    "200 epochs": {**_SOONER, "epochs": 200, "evaluations": 20, "learning_rate": 1e-3},
    "250 epochs": {**_SOONER, "epochs": 250, "evaluations": 40},
    "300 epochs": {**_SOONER, "epochs": 300, "evaluations": 40, "batch_size": 256},
    "400 epochs": {**_SHORT, "epochs": 400, "evaluations": 40, "learning_rate": 1.5e-3},
    "450 epochs": {**_SHORT, "epochs": 450, "evaluations": 90, "learning_rate": 1.5e-3},
}
"""What each changes of the configuration of the figure at width 512."""


def configuration(changes: Mapping[str, Any]) -> TrainingConfig:
    """Return the figure's configuration with some changes."""
    (experiment,) = paper_figure(1, "medium", depths=(3,))
    return replace(experiment.config, **{"evaluations": 15, **changes})


def row_of(config: TrainingConfig, run: TrainingResult) -> dict[str, Any]:
    """Return what is stored of a run."""
    metrics = run.final["metrics"]["corrected"]
    ends = {name: run.final["gap"] if name == "gap" else metrics[name] for name in AIMS}
    return {
        "config": config.to_dict(),
        "epochs_to_aims": run.epochs_within(AIMS, run.minimizer.alive),
        "alive": run.final["alive"],
        "end": {name: None if end is None else float(f"{end:.4g}") for name, end in ends.items()},
    }


def main() -> None:
    """Read the command line and train what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", type=Path, help="cifar10_subset.npz")
    parser.add_argument("--only", default="", help="schedules with these letters in their name")
    parser.add_argument("--out", type=Path, default=TABLE, help="the table, as JSON")
    given = parser.parse_args()
    rows = json.loads(given.out.read_text(encoding="utf-8")) if given.out.exists() else {}
    (figure,) = paper_figure(1, "medium", depths=(3,))
    everything, _, _ = divided_images(*load_splits(given.images))
    drawn = imbalanced_subset(everything, figure.counts, seed=figure.config.seed)
    samples, labels = to_tensors(drawn, Normalization.of(drawn), flat=True)
    for name, changes in SCHEDULES.items():
        config = configuration(changes)
        known = rows.get(name, {}).get("config") == config.to_dict()
        if known or given.only not in name:
            continue
        rows[name] = row_of(config, train(config, samples, labels, device="cpu"))
        ordered = {name: rows[name] for name in SCHEDULES if name in rows}
        write_whole(given.out, (json.dumps(ordered, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
