"""The types of a history say what is really stored, and a run just trained offers the same."""

import json
from pathlib import Path

import numpy as np
import pytest
from small_runs import COUNTS, blobs, config

from nclib import CrossEntropy
from nclib.training.engine import train
from nclib.training.history import HistoryEntry, Machine, Reached, Samples, SingularValues

STORED = Path(__file__).parents[2] / "book/results"
OPTIONAL = {"penalty_b", "product", "layers"}


def keys_fit(kind, values):
    """Whether the keys are those of a type, in its order, but for what need not be there."""
    named = [key for key in kind.__annotations__ if key in values or key not in OPTIONAL]
    return list(values) == named


def fits(entry):
    return keys_fit(HistoryEntry, entry) and keys_fit(SingularValues, entry["singular_values"])


@pytest.mark.parametrize("folder", ["runs", "losses"])
def test_stored_runs_have_the_keys_of_the_types(folder):
    paths = [*(STORED / folder).glob("*.json")]
    assert len(paths) > 40
    for path in paths:
        content = json.loads(path.read_text(encoding="utf-8"))
        assert all(map(fits, content["history"])), path.name
        for key, kind in (("reached", Reached), ("samples", Samples), ("machine", Machine)):
            assert keys_fit(kind, content[key]), path.name


@pytest.mark.parametrize(
    ("settings", "has_it"), [({}, False), ({"loss": CrossEntropy(), "lambda_b": 0.02}, True)]
)
def test_a_run_has_the_keys_of_the_types(settings, has_it):
    run = train(config(depth=1, **settings), *blobs(), progress=False)
    assert all(map(fits, run.history))
    assert keys_fit(Machine, run.machine)
    assert ("penalty_b" in run.final) == has_it
    assert [entry["epoch"] for entry in run.history] == run.epochs.tolist()
    # A curve is the history by one key; of a metric, that of a reading.
    assert run.curve("objective").tolist() == [entry["objective"] for entry in run.history]
    nc1 = [entry["metrics"]["corrected"]["nc1"] for entry in run.history]
    np.testing.assert_array_equal(run.curve("nc1"), np.array(nc1, dtype=float))
    assert len(run.final["train_accuracy_per_class"]) == len(COUNTS)
