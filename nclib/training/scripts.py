"""Stored runs of scripts as people write them: what the monitor said, and what became of classes.

``tools/script_runs.py`` has trained them. Neither torch nor the images are needed here.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from nclib._checks import choice
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


def verdict_table(runs: Sequence[ScriptRun]) -> str:
    """Write the verdict on each script, the classes lost beside those predicted, and the totals.

    Examples
    --------
    >>> run = {"case": {"name": "a script"}, "answer": "applies", "lost": [3], "reasons": []}
    >>> print(verdict_table([{**run, "predicted_lost": [3]}, {**run, "predicted_lost": [2, 3]}]))
    script                                                  the theory        lost  predicted
    a script                                                applies              1  1   same
    a script                                                applies              1  2 1 less
    <BLANKLINE>
    applies: 2 scripts, classes as predicted in 1
    """
    lines = [f"{'script':55} {'the theory':17} lost  predicted"]
    for run in runs:
        lines.append(
            f"{run['case']['name']:55} {run['answer']:17}{len(run['lost']):5d}  {_direction(run)}"
        )
    lines.append("")
    answers = Counter(run["answer"] for run in runs)
    for answer, number in sorted(answers.items()):
        right = sum(bool(agrees(run)) for run in runs if run["answer"] == answer)
        lines.append(f"{answer}: {number} scripts, classes as predicted in {right}")
    return "\n".join(lines)


def _direction(run: ScriptRun) -> str:
    """Return how many classes were predicted to be lost, and which way that was wrong."""
    if run["predicted_lost"] is None:
        return "  unknown"
    predicted, lost = set(run["predicted_lost"]), set(run["lost"])
    more, less = len(lost - predicted), len(predicted - lost)
    off = [f"{more} more"] * bool(more) + [f"{less} less"] * bool(less)
    return f"{len(predicted)} {', '.join(off) or 'same':>6}"


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


def rule_table(runs: Sequence[ScriptRun]) -> str:
    """Write, for each kind of network, how many classes were lost and what each rule said.

    A column has, of all classes lost in the runs of a line, those that the rule names, and after a
    plus those that it names in vain.
    """
    kinds = dict.fromkeys((run["case"]["activation"], run["case"]["below"]) for run in runs)
    lines = [f"{'':24}runs  lost" + "".join(f"{rule:>24}" for rule in RULES)]
    for activation, below in kinds:
        of_kind = [
            run
            for run in runs
            if (run["case"]["activation"], run["case"]["below"]) == (activation, below)
        ]
        name = f"{activation}, {below} below"
        line = f"{name:24}{len(of_kind):4d}{sum(len(run['lost']) for run in of_kind):6d}"
        for rule in RULES:
            named = [(predicted_by(rule, run), set(run["lost"])) for run in of_kind]
            hit = sum(len(told & lost) for told, lost in named)
            vain = sum(len(told - lost) for told, lost in named)
            line += f"{f'{hit} + {vain}':>24}"
        lines.append(line)
    for rule in RULES:
        exact = sum(predicted_by(rule, run) == set(run["lost"]) for run in runs)
        lines.append(f"{rule}: exactly the classes lost in {exact} of {len(runs)} runs")
    return "\n".join(lines)
