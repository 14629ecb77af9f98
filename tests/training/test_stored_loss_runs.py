"""The stored runs of the chapter on losses: as predicted, and their numbers fit each other."""

import math
from pathlib import Path

import numpy as np
import pytest
from stored_run import CIFAR, LETTERS, TEST_IMAGES, close, gap_fits

import nclib as nc
from nclib.training.loss_runs import (
    LOSS_COUNTS,
    TREATMENTS,
    compared,
    loss_results,
    loss_runs,
    loss_table,
)
from nclib.training.results import load_results

FOLDER = Path(__file__).resolve().parents[2] / "book" / "results" / "losses"
RUNS = load_results(FOLDER)
DIGESTS = {"cifar10_subset": CIFAR, "ocr_letters": LETTERS}

each_data = pytest.mark.parametrize("data", LOSS_COUNTS)


def of(data):
    return [run for run in RUNS if run.experiment.data == data]


def test_every_run_is_a_planned_one():
    for data in LOSS_COUNTS:
        planned = [
            run
            for scale in ("small", "medium")
            for group in loss_results(RUNS, data, scale).values()
            for run in group
        ]
        assert sorted(run.experiment.name for run in planned) == sorted(
            run.experiment.name for run in of(data)
        )
    for path in FOLDER.glob("*.json"):
        assert path.stem in {run.experiment.name for run in RUNS}


@each_data
def test_every_row_has_a_run_at_the_small_width(data):
    assert set(loss_results(RUNS, data, "small")) == set(TREATMENTS)


@each_data
def test_networks_come_to_the_certified_optimum(data, record_error):
    for run in of(data):
        end = compared(run)
        assert record_error("loss runs: gap", abs(end.gap), 0.01), run
        off = abs(end.alive - end.alive_predicted)
        assert record_error("loss runs: modes other than predicted", off, 0), run
        assert record_error("loss runs: classes other than predicted", len(end.otherwise), 0), run
        # It has to have come there: none begins near it.
        assert run.history[0]["gap"] > 0.02


@each_data
def test_the_numbers_of_a_run_agree_with_each_other(data):
    for run in of(data):
        best, experiment = run.experiment.optimum, run.experiment
        assert best.certificate <= 1e-9
        assert experiment.digest == DIGESTS[data]
        assert run.reached["alive"] == run.final["alive"]
        assert run.reached["is_global"] == (run.final["alive"] == best.alive)
        epochs = experiment.config.epochs
        assert run.epochs[0] == 0
        assert run.epochs[-1] == epochs
        sizes = {"train": experiment.counts.n.tolist(), "test": TEST_IMAGES[experiment.digest]}
        for entry in run.history:
            parts = [entry[key] for key in ("fit", "penalty_W", "penalty_H")]
            assert close(sum(parts), entry["objective"], *parts, entry["objective"])
            assert gap_fits(entry["objective"], best.objective, entry["gap"])
            for which, size in sizes.items():
                shares = np.array(entry[f"{which}_accuracy_per_class"])
                right = np.rint(shares * size)
                np.testing.assert_allclose(right / size, shares, rtol=1e-6)
                whole = right.sum() / sum(size)
                assert close(entry[f"{which}_accuracy"], whole, entry[f"{which}_accuracy"])
            progress = entry["epoch"] / epochs
            rate = experiment.config.learning_rate * (1 + math.cos(math.pi * progress)) / 2
            assert close(entry["learning_rate"], rate, rate)


def test_one_layer_keeps_the_balance_of_its_penalties(record_error):
    """At any optimum of the product: both factors cost the same."""
    for run in RUNS:
        if run.experiment.config.depth == 1:
            ratio = run.final["penalty_W"] / run.final["penalty_H"]
            assert record_error("loss runs: balance of the penalties", abs(ratio - 1), 0.05), run


@each_data
def test_singular_values_are_those_of_the_optimum(data, record_error):
    for run in of(data):
        best = run.experiment.optimum
        z = np.array(run.final["singular_values"]["prediction"])
        off = np.abs(z - best.singular_values).max() / best.singular_values.max()
        assert record_error("loss runs: singular values", off, 0.1), run


def test_the_table_counts_the_runs_that_are_as_predicted():
    table = loss_table(RUNS, "cifar10_subset").splitlines()
    assert [line[:36].rstrip() for line in table[1:]] == list(TREATMENTS)
    runs = loss_results(RUNS, "cifar10_subset", "small")["weights 1/n, strong"]
    assert table[1 + list(TREATMENTS).index("weights 1/n, strong")].endswith(
        f"4:{len(runs)}/{len(runs)}    4:{len(runs)}/{len(runs)}"
    )
    broken = runs[0].from_dict(
        runs[0].to_dict()
        | {"history": [*runs[0].history[:-1], runs[0].final | {"alive": 7, "gap": 0.5}]}
    )
    (line,) = loss_table([broken], "cifar10_subset").splitlines()[1:]
    assert "5e-01" in line
    assert "4:0/1    4:1/1" in line


def test_a_class_that_is_right_against_the_prediction_is_named():
    (planned,) = loss_runs("cifar10_subset", rows=["plain"])["plain"]
    run = next(r for r in RUNS if loss_results([r], "cifar10_subset", "small").get("plain"))
    assert planned.config.loss == run.experiment.config.loss
    shares = list(run.final["train_accuracy_per_class"])
    shares[9], shares[0] = 1.0, 0.2
    changed = run.from_dict(
        run.to_dict() | {"history": [run.final | {"train_accuracy_per_class": shares}]}
    )
    assert compared(run).otherwise == ()
    assert compared(changed).otherwise == (0, 9)
    assert loss_table([changed], "cifar10_subset").endswith("7:1/1    8:0/1")
    paper = nc.Problem([3, 2], 1, lambda_W=1e-2, lambda_H=1e-2)
    assert nc.global_minimizer(paper).alive == 1
