"""Stored runs of scripts as people write them: what the monitor said, and what became of classes.

``tools/script_runs.py`` has trained them. Neither torch nor the images are needed here.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from nclib._checks import choice

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
    runs: list[ScriptRun] = json.loads(Path(folder, f"{kind}.json").read_text(encoding="utf-8"))
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
    a script                                                applies              1     1 same
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
    """How many classes were predicted to be lost, and which way that was wrong."""
    if run["predicted_lost"] is None:
        return "  unknown"
    predicted, lost = set(run["predicted_lost"]), set(run["lost"])
    more, less = len(lost - predicted), len(predicted - lost)
    off = [f"{more} more"] * bool(more) + [f"{less} less"] * bool(less)
    return f"{len(predicted)} {', '.join(off) or 'same':>6}"
