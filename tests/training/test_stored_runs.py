"""The stored runs of the paper's figures: enough of them, and where the book says they end."""

from pathlib import Path

import numpy as np
import pytest

import nclib as nc
from nclib.training.experiments import (
    LAMBDA_H,
    PAPER_DEPTHS,
    SCALES,
    figure_results,
    load_results,
    select,
)

RUNS = load_results(Path(__file__).resolve().parents[2] / "book" / "results" / "runs")

AIMS = {"gap": 1e-3, "nc1": 1e-5, "nc2_w": 0.01, "nc2_h": 0.01, "nc2_wh": 0.01, "nc3": 0.03}


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", PAPER_DEPTHS)
def test_networks_come_to_the_global_minimum(number, depth, record_error):
    runs = select(figure_results(RUNS, number), depth=depth)
    assert len({run.experiment.config.seed for run in runs}) >= 3
    for run in runs:
        first, last = (
            {"gap": entry["gap"]} | entry["metrics"]["corrected"]
            for entry in (run.history[0], run.final)
        )
        for name, aim in AIMS.items():
            assert first[name] > 0.1
            assert record_error(f"networks of figure {number}: {name}", abs(last[name]), aim)
        wrong = 1 - run.final["train_accuracy"]
        assert record_error(
            f"networks of figure {number}: share of images that are wrong", wrong, 0
        )


@pytest.mark.parametrize("run", RUNS, ids=[run.experiment.name for run in RUNS])
def test_what_is_stored_agrees_with_the_closed_form_of_today(run):
    """The objective is measured from losses and norms; the rest is derived from it again."""
    best, reached, objective = run.experiment.minimizer, run.reached, run.final["objective"]
    assert run.final["gap"] == pytest.approx(objective / best.objective - 1, abs=1e-6, rel=1e-3)
    if run.experiment.config.head != "linear":
        return
    minima = nc.local_minima(best.problem)
    (minimum,) = [one for one in minima if one.alive == reached["alive"]]
    assert reached["objective"] == pytest.approx(minimum.objective, rel=1e-6)
    alive, predicted = (
        np.sort(z)[::-1][: minimum.alive]
        for z in (run.final["singular_values"]["prediction"], minimum.z)
    )
    # The small ones are stopped early.
    off = 0.1 if run.experiment.config.width == SCALES["small"].width else 0.01
    np.testing.assert_allclose(alive, predicted, rtol=off)
    assert objective >= minimum.objective * (1 - 1e-5)


def test_a_predicted_collapse_has_come(record_error):
    """Penalties so strong that the optimum has dead modes, and no other minimum has more alive."""
    strong = [
        run
        for run in select(RUNS, head="linear", last_relu=False)
        if run.experiment.config.lambda_H > LAMBDA_H
    ]
    assert len(strong) >= 7
    for run in strong:
        best = run.experiment.minimizer
        assert 0 < best.alive < run.experiment.counts.K - run.experiment.config.bias
        assert max(minimum.alive for minimum in nc.local_minima(best.problem)) == best.alive
        assert run.final["alive"] == best.alive
        if run.experiment.config.bias:  # without one the lost classes are ties
            off = abs(run.final["train_accuracy"] - best.training_accuracy().overall)
            assert record_error("collapse: accuracy of the network", off, 1e-4)


def test_rising_penalties_keep_more_modes_than_constant_ones():
    shares = {}
    for warmup, head in ((0.0, 1.0), (0.5, 1.0), (0.5, 2.0)):
        runs = [
            run
            for number in (1, 2, 3, 4)
            for run in figure_results(RUNS, number, "small", lambda_warmup=warmup, head_scale=head)
        ]
        assert {run.experiment.config.width for run in runs} == {SCALES["small"].width}
        assert len(runs) == 40
        shares[warmup, head] = np.mean([run.reached["is_global"] for run in runs])
    assert shares[0.0, 1.0] < shares[0.5, 1.0] < shares[0.5, 2.0] == 1
