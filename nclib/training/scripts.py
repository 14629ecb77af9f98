"""Stored runs of scripts as people write them: what the monitor said, and what became of classes.

``tools/script_runs.py`` has trained them. Neither torch nor the images are needed here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from nclib._checks import choice
from nclib._records import Table
from nclib.diagnosis.validity import Answer
from nclib.theory.counts import ClassCounts
from nclib.theory.minimizer import global_minimizer
from nclib.theory.problem import Problem

ScriptSet = Literal["thresholds", "judged", "decay"]

ScriptRun = dict[str, Any]
"""What is stored of a run; its keys are described beside the files."""


def load_script_runs(folder: str | os.PathLike[str], kind: ScriptSet) -> list[ScriptRun]:
    """Read the runs of one set.

    Parameters
    ----------
    folder : path-like
    kind : {"thresholds", "judged", "decay"}
        The scripts on which the limits of the verdict were set, those that judged them, and those
        with weight decay on all layers.

    Returns
    -------
    list of dict
        In the order in which they are listed in ``tools/script_runs.py``.

    Raises
    ------
    OSError, ValueError
        If there are none.
    """
    choice("kind", kind, ScriptSet)
    stored = json.loads(Path(folder, f"{kind}.json").read_text(encoding="utf-8"))
    runs: list[ScriptRun] = stored["runs"]
    return runs


def agrees(run: ScriptRun) -> bool | None:
    """Whether the classes that are lost are those predicted; None where nothing is predicted."""
    return None if run["predicted_lost"] is None else run["predicted_lost"] == run["lost"]


def verdict_table(runs: Sequence[ScriptRun]) -> Table:
    """Put the verdict on each script beside the classes lost and those predicted.

    Examples
    --------
    >>> run = {"case": {"name": "a script"}, "answer": "applies", "lost": [3], "reasons": []}
    >>> verdict_table([{**run, "predicted_lost": [3]}, {**run, "predicted_lost": [2, 3]}])
    Verdict, classes lost and classes predicted to be lost
    script    the theory  lost  predicted  so it was
    a script  applies        1          1  as predicted
    a script  applies        1          2  1 fewer
    """
    rows = [
        (
            run["case"]["name"],
            run["answer"],
            len(run["lost"]),
            "unknown" if run["predicted_lost"] is None else len(run["predicted_lost"]),
            _direction(run),
        )
        for run in runs
    ]
    caption = "Verdict, classes lost and classes predicted to be lost"
    return Table(caption, ("script", "the theory", "lost", "predicted", "so it was"), tuple(rows))


def answers_table(runs: Sequence[ScriptRun]) -> Table:
    """Count for each answer in how many scripts the classes were as predicted."""
    rows = []
    for answer in get_args(Answer):
        of_answer = [run for run in runs if run["answer"] == answer]
        if of_answer:
            rows.append((answer, len(of_answer), sum(bool(agrees(run)) for run in of_answer)))
    return Table("By verdict", ("the theory", "scripts", "classes as predicted"), tuple(rows))


def _direction(run: ScriptRun) -> str:
    """Say how what was lost differs from what was predicted."""
    if run["predicted_lost"] is None:
        return ""
    predicted, lost = set(run["predicted_lost"]), set(run["lost"])
    more, fewer = len(lost - predicted), len(predicted - lost)
    off = [f"{more} more"] * bool(more) + [f"{fewer} fewer"] * bool(fewer)
    return ", ".join(off) or "as predicted"


def head_alone(run: ScriptRun) -> Problem:
    """Return the model of the head with the lambda_H that is measured at it."""
    return _model(run, 1, run["lambda_H"])


def hardest_mode(run: ScriptRun) -> Problem:
    """Return the model of the head with the largest lambda_H of a mode."""
    return _model(run, 1, max(run["observation"]["lambda_H"]))


def layers_counted(run: ScriptRun) -> Problem:
    """Return the model whose features are the outputs of the first layer.

    All layers above it are linear layers of the head, and the weight decay of the first is the
    penalty on the features, measured at the class means of its outputs.
    """
    return _model(run, run["case"]["below"], run["lambda_H_of_first_layer"])


RULES: dict[str, Callable[[ScriptRun], Problem]] = {
    "lambda_H of the head": head_alone,
    "the largest of a mode": hardest_mode,
    "layers below counted": layers_counted,
}
"""What may be asked which classes a network with weight decay on all layers will lose."""


def _model(run: ScriptRun, depth: int, lambda_H: float) -> Problem:
    counts = ClassCounts(run["counts"])
    return Problem(counts, depth, lambda_W=run["lambda_W"][0], lambda_H=lambda_H)


def predicted_by(rule: str, run: ScriptRun) -> set[int]:
    """Return the classes that a rule says will be lost."""
    right = global_minimizer(RULES[rule](run)).training_accuracy().per_class
    return set(np.flatnonzero(right < 0.5).tolist())


def rule_table(runs: Sequence[ScriptRun]) -> Table:
    """Put beside the classes lost those that each rule names, by kind of network.

    A cell has, of all classes lost in the networks of a row, those that the rule names, and after a
    plus those that it names in vain. The last row counts the networks of which a rule names exactly
    the classes lost.
    """
    told = {rule: [predicted_by(rule, run) for run in runs] for rule in RULES}
    lost = [set(run["lost"]) for run in runs]
    kinds = [_kind(run) for run in runs]
    rows: list[tuple[Any, ...]] = []
    for kind in dict.fromkeys(kinds):
        of_kind = [i for i, other in enumerate(kinds) if other == kind]
        cells = [
            f"{sum(len(told[rule][i] & lost[i]) for i in of_kind)} + "
            f"{sum(len(told[rule][i] - lost[i]) for i in of_kind)}"
            for rule in RULES
        ]
        rows.append((kind, len(of_kind), sum(len(lost[i]) for i in of_kind), *cells))
    exact = [
        str(sum(named == gone for named, gone in zip(told[rule], lost, strict=True)))
        for rule in RULES
    ]
    rows.append(("exactly right in", len(runs), sum(map(len, lost)), *exact))
    caption = "Classes lost, and those that a rule names + names in vain"
    return Table(caption, ("network", "runs", "lost", *RULES), tuple(rows))


def _kind(run: ScriptRun) -> str:
    case = run["case"]
    below = case["below"]
    return f"{case['activation']}, {below} layer{'s' * (below > 1)} below"
