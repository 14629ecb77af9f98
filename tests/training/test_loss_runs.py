"""The runs of the chapter on losses: what is planned, and the tool that trains them."""

import sys

import numpy as np
import pytest

import nclib as nc
from nclib.training.config import TrainingConfig
from nclib.training.experiment import Experiment
from nclib.training.experiments import on_images
from nclib.training.loss_runs import LOSS_COUNTS, TREATMENTS, Treatment, loss_runs
from nclib.training.results import Result, result_path
from tools import losses_runs


@pytest.mark.parametrize("data", LOSS_COUNTS)
def test_every_row_is_well_away_from_where_something_changes(data, record_error):
    """So that which modes live and which classes are right does not hang on the last percent."""
    counts = LOSS_COUNTS[data]
    for row, (experiment,) in loss_runs(data).items():
        problem = experiment.optimum.problem
        margins = nc.theory.loss_margins(problem)
        factors = np.concatenate([margins.lost, margins.modes])
        factors = factors[np.isfinite(factors) & (factors > 0)]
        if problem.depth > 1:
            # A mode outlasts its death in the optimum: the branch of s ends at (L - 1)/2L, where
            # (1 - s) s^((L - 1)/(L + 1)) is largest; at the death s is (L - 1)/L.
            L, end, death = problem.depth, (problem.depth - 1) / (2 * problem.depth), 0.0
            death = 2 * end
            power = (L - 1) / (L + 1)
            lasts = (1 - end) * end**power / ((1 - death) * death**power)
            assert not ((factors < 1) & (factors * lasts > 1)).any(), row
            factors = np.concatenate([factors[factors > 1], factors[factors < 1] * lasts])
        near = float(np.abs(np.log(factors)).min())
        assert record_error("planned runs: nearness to a change, inverse", 1 / near, 20), row
        n = counts.n.astype(float)
        weights = experiment.config.loss.class_weights
        power = TREATMENTS[row].weight_power
        assert weights is None if power == 0 else np.allclose(weights, n**power, rtol=1e-9)
        strength = np.exp(problem.model.log_Lambda / (problem.depth + 1))
        assert strength == pytest.approx(TREATMENTS[row].strength[data], rel=1e-9)
        assert problem.lambda_W[0] / problem.lambda_H == pytest.approx(50)


@pytest.mark.parametrize("data", LOSS_COUNTS)
def test_the_rows_show_what_the_chapter_says(data):
    """All alive and some lost; saved by weights and sampler, not by adjusting logits."""
    optimum = {row: one.optimum for row, (one,) in loss_runs(data).items()}
    n = LOSS_COUNTS[data].n
    right = {row: best.training_accuracy().per_class for row, best in optimum.items()}
    for row in ("plain, weak", "weights 1/n", "weights 1/sqrt(n)", "balanced sampling"):
        assert (right[row] == 1).all()
    for row in ("plain", "plain, strong", "logit adjustment", "label smoothing"):
        assert (right[row][n == n.min()] < 1).all()
        assert (right[row][n == n.max()] == 1).all()
    for row in ("weights 1/n, strong", "squared, weights 1/n"):
        assert (right[row][n == n.min()] == 1).all()
        assert (right[row][n == n.max()] < 1).all()
    three = optimum["squared, 3 layers, weights n^(-3/4)"]
    s = three.singular_values / np.sort(np.sqrt(n))[::-1]
    assert np.ptp(s) < 1e-9


def test_the_name_of_a_row_says_its_treatment():
    powers = {"1/n": -1.0, "1/sqrt(n)": -0.5, "n^(-3/4)": -0.75}
    for row, treatment in TREATMENTS.items():
        power = next((p for words, p in powers.items() if f"weights {words}" in row), 0.0)
        squared = row.startswith("squared")
        assert treatment._replace(strength={}) == Treatment(
            {},
            "squared error" if squared else "cross-entropy",
            3 if "3 layers" in row else 1,
            power,
            0.2 if row == "label smoothing" else 0.0,
            1.0 if row == "logit adjustment" else 0.0,
            row == "balanced sampling",
        ), row


def test_seeds_and_scales():
    runs = loss_runs("cifar10_subset", "medium", rows=["plain"], seeds=range(3))["plain"]
    assert [run.config.seed for run in runs] == [0, 1, 2]
    sizes = {(run.config.width, run.config.epochs, run.config.learning_rate) for run in runs}
    assert sizes == {(512, 300, 1e-3)}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("mnist",), "data must be one of 'cifar10_subset', 'ocr_letters'; got 'mnist'"),
        (("ocr_letters", "paper"), "scale must be 'small' or 'medium'; got 'paper'"),
    ],
)
def test_what_is_not_planned_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        loss_runs(*arguments)
    with pytest.raises(ValueError, match=r"rows must be of .*; got focal"):
        loss_runs("ocr_letters", rows=["plain", "focal"])


# ---------------------------------------------------------------- the tool


@pytest.fixture
def dots(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (300, 4, 4), dtype=np.uint8)
    path = tmp_path / "dots.npz"
    np.savez(path, images=images, labels=np.repeat([0, 1, 2], 100))
    return path


def planned(dots, row, counts=(20, 10, 5), **settings):
    plain = {"depth": 1, "lambda_W": 5e-3, "lambda_H": 1e-4, "width": 8, "epochs": 2}
    config = TrainingConfig(**plain | {"loss": nc.CrossEntropy()} | settings)
    (experiment,) = on_images([Experiment("dots", counts, config)], dots)
    return losses_runs.Run(row, experiment, dots, "cpu")


def test_each_run_is_stored_as_it_ends_and_a_failure_stops_no_other(dots, tmp_path, capsys):
    runs = [planned(dots, "too few", counts=(20, 10, 500)), planned(dots, "good")]
    (failed,) = losses_runs.all_of(runs, tmp_path, jobs=1, limit=600.0)
    assert failed.startswith(f"too few, {runs[0].experiment.name}: ValueError: ")
    good = Result.load(result_path(runs[1].experiment, tmp_path))
    assert good.experiment == runs[1].experiment
    assert f"of {good.experiment.optimum.alive} predicted" in capsys.readouterr().out
    assert [path.stem for path in tmp_path.glob("*.json")] == [good.experiment.name]


def test_a_run_that_takes_too_long_is_stopped(dots, tmp_path):
    (failed,) = losses_runs.all_of(
        [planned(dots, "too long", epochs=10**8)], tmp_path, jobs=1, limit=0.5
    )
    assert failed.endswith(": stopped after 0.5 s")
    assert not list(tmp_path.glob("*.json"))


def test_all_planned_runs_are_listed(dots, monkeypatch):
    monkeypatch.setattr("nclib.training.experiments.on_images", lambda runs, _: list(runs))
    runs = list(losses_runs.listed(dots.parent, "cuda", 3))
    rows = len(TREATMENTS)
    assert len(runs) == rows * (1 + 3 + 3)
    assert len({run.experiment.name for run in runs}) == len(runs)
    for run in runs:
        wide = run.experiment.config.width >= 512
        assert run.device == ("cuda" if wide else "cpu")
        assert run.images.name == f"{run.experiment.data}.npz"
        assert TREATMENTS[run.row].depth == run.experiment.config.depth


def test_where_array_api_compat_is_missing_another_copy_serves(monkeypatch):
    monkeypatch.setitem(sys.modules, "array_api_compat", None)
    monkeypatch.setattr(losses_runs.importlib.util, "find_spec", lambda _: None)
    losses_runs.find_array_api()
    namespace = sys.modules["array_api_compat"].array_namespace(np.zeros(2))
    assert namespace.asarray([1.0])[0] == 1
