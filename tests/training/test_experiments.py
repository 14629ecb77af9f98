"""Experiments as data, runs that are stored once, sweeps that go on where they stopped."""

import json
import shutil
from contextlib import nullcontext
from dataclasses import fields, replace
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from stored_run import assert_repeated

import nclib as nc
from nclib import CrossEntropy, SquaredError
from nclib.theory import Sampling
from nclib.training import experiments
from nclib.training.data import ImageData
from nclib.training.engine import TrainingConfig
from nclib.training.experiments import (
    Experiment,
    Result,
    SweepError,
    by_sweep,
    figure_results,
    load_results,
    paper_figure,
    result_path,
    results_table,
    run,
    select,
    sweep,
)

COUNTS = [60] * 4 + [20] * 6


def small(**settings):
    """An experiment on the digits that takes a moment."""
    config = {"depth": 2, "lambda_W": 5e-3, "lambda_H": 1e-4, "width": 16, "epochs": 4}
    return Experiment("digits", COUNTS, TrainingConfig(**config | settings))


def without_clock(result):
    content = json.loads(json.dumps(result.to_dict()))
    del content["seconds"]
    for entry in content["history"]:
        del entry["seconds"]
    return content


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    return folder, run(small(), folder, progress=False)


def test_the_papers_figures_have_the_papers_numbers():
    counts = {
        1: [500, 500, 400, 400, 300, 300, 200, 200, 100, 100],
        2: [1500] + [600] * 5 + [50] * 20,
    }
    for number in (1, 2, 3, 4):
        figure = paper_figure(number)
        assert [e.config.depth for e in figure] == [1, 3, 6]
        for experiment in figure:
            config = experiment.config
            assert experiment.counts.n.tolist() == counts[1 if number in (1, 3) else 2]
            assert config.bias == (number <= 2)
            assert (config.width, config.epochs, config.batch_size) == (2048, 12_000, 128)
            assert config.learning_rate == 1e-4
            assert config.backbone == "mlp"
            assert not config.last_relu


@pytest.mark.parametrize(("number", "scales"), [(1, [1, 1, 1]), (2, [1, 1, 2]), (4, [1, 1, 2])])
def test_six_layers_begin_larger_on_the_letters(number, scales):
    assert [e.config.head_scale for e in paper_figure(number)] == scales
    assert [e.config.head_scale for e in paper_figure(number, head_scale=1.5)] == [1.5] * 3


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_every_mode_is_alive_at_the_chosen_penalties(number):
    for experiment in paper_figure(number):
        config = experiment.config
        problem = nc.Problem(
            experiment.counts,
            config.depth,
            bias=config.bias,
            lambda_W=config.lambda_W,
            lambda_H=config.lambda_H,
        )
        margin = nc.collapse_factors(problem)
        margin = margin[: problem.K - problem.bias]
        assert margin.min() > 2.6
        assert experiment.minimizer.alive == len(margin)


@pytest.mark.parametrize("number", [1, 3])
def test_the_stored_networks_have_the_lambda_H_that_the_form_and_predict_name(number):
    for experiment in paper_figure(number, "medium"):
        assert experiment.counts.N * experiment.config.lambda_H == pytest.approx(0.03)


def test_the_smaller_scales_have_the_same_shape():
    for scale in experiments.SCALES:
        for ours, paper in zip(paper_figure(1, scale), paper_figure(1), strict=True):
            assert ours.counts == paper.counts
            changed = {"width", "epochs", "learning_rate"}
            for setting, value in ours.config.to_dict().items():
                assert setting in changed or value == paper.config.to_dict()[setting]


def test_seeds_come_one_after_the_other_and_penalties_scale():
    figure = paper_figure(4, "small", seeds=(0, 5), depths=(3,), lambda_factor=4, data="letters")
    assert [(e.config.seed, e.config.depth) for e in figure] == [(0, 3), (5, 3)]
    assert figure[0].config.lambda_W == pytest.approx((2e-3,) * 3)
    assert figure[0].config.lambda_H == pytest.approx(4e-5)
    assert figure[0].data == "letters"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((5,), "number must be"), ((1, "huge"), "scale must be one of 'paper'")],
)
def test_unknown_figures_and_scales_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        paper_figure(*arguments)


CHANGES = [
    {"depth": 3}, {"lambda_W": (5e-3, 1e-3)}, {"lambda_W": (1e-3, 5e-3)}, {"lambda_W": 5.000001e-3},
    {"lambda_H": 2e-4}, {"lambda_H": 1.000000001e-4}, {"bias": False}, {"width": 17},
    {"feature_dim": 15}, {"feature_dim": 16}, {"epochs": 5}, {"lambda_warmup": 0.5}, {"seed": 1},
    {"last_relu": True}, {"head": "relu"}, {"head_scale": 2}, {"backbone": "conv"},
    {"dtype": "float64"}, {"batch_size": 32}, {"learning_rate": 1e-3}, {"schedule": "step"},
    {"schedule": "cosine"}, {"weight_decay": 1e-4}, {"evaluations": 3}, {"lambda_b": 1e-3},
    {"loss": CrossEntropy()}, {"loss": SquaredError(class_weights=range(1, 11))},
    {"loss": SquaredError(class_weights=range(2, 12))}, {"loss": SquaredError(None, 0.1)},
    {"loss": CrossEntropy(None, 0.1)}, {"loss": CrossEntropy(adjustment=1)},
    {"loss": CrossEntropy(adjustment=range(10))}, {"loss": CrossEntropy(margins=range(10))},
    {"loss": CrossEntropy(logit_factors=range(1, 11))},
    {"loss": CrossEntropy(sample_factors=range(1, 11))},
    {"sampling": Sampling("balanced")}, {"sampling": Sampling("sqrt")},
    {"sampling": Sampling(range(1, 11))}, {"sampling": Sampling("balanced", "fixed")},
]  # fmt: skip


def test_experiments_that_differ_have_names_that_differ():
    """In any setting at all, in the counts or their order, and in the images."""
    assert {name for change in CHANGES for name in change} == {
        field.name for field in fields(TrainingConfig)
    }
    names = {small(**change).name for change in CHANGES} | {small().name}
    for counts in ([61, *COUNTS[1:]], COUNTS[::-1], [61, 59, *COUNTS[2:]], [36] * 10):
        names.add(Experiment("digits", counts, small().config).name)
    for digest in ("0" * 64, "1" * 64):
        names.add(replace(small(), digest=digest).name)
    assert len(names) == len(CHANGES) + 7


def test_a_name_is_that_of_a_file():
    """However many settings are named, and however long: 255 bytes are the limit."""
    many = {
        "lambda_W": np.geomspace(1.2345678e-5, 1, 99), "lambda_H": 1.2345678e-5, "epochs": 10**9,
        "lambda_warmup": 0.12345678, "head": "relu", "backbone": "conv", "dtype": "bfloat16",
        "head_scale": 1.2345678, "last_relu": True, "width": 2**20, "depth": 99,
    }  # fmt: skip
    config = small(**many).config
    ordinary = Experiment("photographs", [2**50] * 1000, config)
    assert ordinary.name.startswith(
        "photographs-1125899906842624000of1000-L99-bias-W1.23457e-05-to-1-H"
    )
    for long in (
        replace(ordinary, data="\N{CJK UNIFIED IDEOGRAPH-4E00}" * 80),
        replace(ordinary, config=replace(config, seed=10**300)),
    ):
        # What is written in one step is called a little longer at first.
        assert 200 < len(long.name.encode()) < 230
        assert long.name != replace(long, config=replace(config, seed=1)).name


def test_equal_settings_have_one_name_whatever_their_kind():
    odd = small(lambda_W=np.float64(5e-3), head_scale=np.int64(1), batch_size=np.int8(64))
    assert odd.name == small(batch_size=64).name
    named = Experiment("digits", dict(zip("0123456789", COUNTS, strict=True)), small().config)
    assert named.name == small().name


def test_a_result_is_stored_with_all_that_repeats_it(stored):
    folder, result = stored
    content = json.loads(result_path(small(), folder).read_text())
    again = Experiment.from_dict(content["experiment"])
    assert again == small()
    assert content["machine"]["torch"]
    assert content["seconds"] > 0
    assert content["samples"] == {"train": 360, "test": 355, "left_out": 0}
    assert [entry["epoch"] for entry in content["history"]] == [0, 1, 2, 3, 4]
    assert not (folder / ".checkpoints" / again.name).exists()
    assert result.final["gap"] == pytest.approx(
        result.final["objective"] / result.experiment.minimizer.objective - 1, rel=1e-5
    )


def test_a_run_repeated_from_its_stored_configuration_gives_the_same_numbers(stored, tmp_path):
    folder, result = stored
    content = json.loads(result_path(small(), folder).read_text())
    repeated = run(Experiment.from_dict(content["experiment"]), tmp_path, progress=False)
    assert without_clock(repeated) == without_clock(result)


def test_what_is_done_is_not_done_again(stored, monkeypatch):
    folder, result = stored
    monkeypatch.setattr(experiments, "train", None)
    assert without_clock(run(small(), folder)) == without_clock(result)
    assert len(sweep([small()] * 2, folder)) == 2


def test_another_result_under_the_same_name_is_refused(stored, tmp_path):
    _, result = stored
    other = small(learning_rate=2e-4)
    # Whoever renames files.
    result.save(tmp_path).rename(result_path(other, tmp_path))
    with pytest.raises(ValueError, match="has the result of other settings"):
        run(other, tmp_path)


SWEEPS = {
    "learning rate": [{"learning_rate": rate} for rate in (1e-4, 1.0000001e-4, 1e-3)],
    "batch size": [{"batch_size": size} for size in (64, 128, 360)],
    "schedule": [{"schedule": schedule} for schedule in ("constant", "cosine", "step")],
    "weight decay": [{"weight_decay": decay} for decay in (0.0, 1e-3)],
    "evaluations": [{"evaluations": most} for most in (1, 60)],
    "penalty": [{"lambda_W": lam} for lam in (1 / 300, 1 / 300 + 1e-9)],
}


@pytest.mark.parametrize("settings", SWEEPS.values(), ids=SWEEPS)
def test_a_sweep_over_any_setting_has_each_result(settings, tmp_path, monkeypatch):
    listed = [small(epochs=1, **changed) for changed in settings]
    results = sweep(listed, tmp_path, progress=False)
    assert [result.experiment for result in results] == listed
    assert len(load_results(tmp_path)) == len(listed)
    objectives = [result.final["objective"] for result in results]
    for objective, experiment in zip(objectives, listed, strict=True):
        alone = run(experiment, tmp_path / "alone", progress=False)
        assert alone.final["objective"] == objective
    # A second time none is trained.
    monkeypatch.setattr(experiments, "train", None)
    again = sweep(listed, tmp_path, progress=False)
    assert [result.final["objective"] for result in again] == objectives
    # Nor are they thrown together in the table.
    assert len(by_sweep(results)) == len(listed)


def test_a_sweep_over_counts_has_each_result(tmp_path, monkeypatch):
    listed = [
        Experiment("digits", counts, small(epochs=1).config)
        for counts in (COUNTS, COUNTS[::-1], [61, 59, *COUNTS[2:]])
    ]
    results = sweep(listed, tmp_path, progress=False)
    assert [result.experiment.counts for result in results] == [e.counts for e in listed]
    assert len({result.final["objective"] for result in results}) == 3
    assert len(by_sweep(results)) == 3
    monkeypatch.setattr(experiments, "train", None)
    assert len(sweep(listed, tmp_path, progress=False)) == 3


def test_what_is_listed_twice_is_run_once(tmp_path, monkeypatch):
    calls = []
    train = experiments.train

    def counted(*arguments, **options):
        calls.append(1)
        return train(*arguments, **options)

    monkeypatch.setattr(experiments, "train", counted)
    listed = [small(epochs=1), small(epochs=1, seed=1), small(epochs=1)]
    with joblib.parallel_config(backend="threading", n_jobs=2):
        results = sweep(listed, tmp_path, progress=False)
    assert len(calls) == 2
    assert [result.experiment.config.seed for result in results] == [0, 1, 0]


def interrupt_at_the_end(monkeypatch):
    """Make the next run write its checkpoints, and be interrupted before its result is."""
    train = experiments.train

    def interrupted(*arguments, **options):
        train(*arguments, **options | {"checkpoint_epochs": 1})
        monkeypatch.setattr(experiments, "train", train)
        raise KeyboardInterrupt

    monkeypatch.setattr(experiments, "train", interrupted)


@pytest.mark.parametrize("kind", ["a dict", "names"])
def test_a_run_with_named_counts_goes_on_and_is_found_again(kind, stored, tmp_path, monkeypatch):
    _, result = stored
    names = list("0123456789")
    counts = (
        dict(zip(names, COUNTS, strict=True)) if kind == "a dict" else nc.ClassCounts(COUNTS, names)
    )
    named = replace(small(), counts=counts)
    interrupt_at_the_end(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        run(named, tmp_path, progress=False)
    assert (tmp_path / ".checkpoints" / named.name).exists()
    expected = without_clock(result)
    expected["experiment"]["names"] = names
    assert without_clock(run(named, tmp_path, progress=False)) == expected
    monkeypatch.setattr(experiments, "train", None)
    again = run(named, tmp_path, progress=False)
    assert again.experiment == named
    assert again.experiment.counts.names == tuple(names)
    # No number depends on the names.
    assert without_clock(run(small(), tmp_path)) == expected
    assert select([again], counts=COUNTS) == select([again], counts=counts) == [again]
    assert select([again], counts=nc.ClassCounts(COUNTS, list("abcdefghij"))) == []


def test_names_that_are_not_those_of_the_images_are_refused(tmp_path):
    other = replace(small(), counts=nc.ClassCounts(COUNTS, list("abcdefghij")))
    with pytest.raises(ValueError, match="class 0 is '0', not 'a'"):
        run(other, tmp_path, progress=False)


def test_settings_are_stored_with_all_their_digits(tmp_path, monkeypatch):
    odd = small(epochs=1, lambda_W=5e-3 / 3, learning_rate=1e-3 / 7, head_scale=2**0.5)
    run(odd, tmp_path, progress=False)
    monkeypatch.setattr(experiments, "train", None)
    assert run(odd, tmp_path).experiment == odd


def test_numbers_of_numpy_in_the_settings_end_in_a_result(tmp_path, monkeypatch):
    odd = small(
        epochs=np.int64(1), head_scale=np.float32(1.1), learning_rate=np.float32(1e-3),
        lambda_W=np.array([5e-3, 1e-3], np.float32), last_relu=np.bool_(False),
    )  # fmt: skip
    first = run(odd, tmp_path, progress=False)
    monkeypatch.setattr(experiments, "train", None)
    assert run(odd, tmp_path).to_dict() == first.to_dict()


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("backbone", ["mlp", "conv"])
@pytest.mark.parametrize("head", ["linear", "relu"])
def test_every_kind_of_network_ends_in_a_result(dtype, backbone, head, tmp_path):
    # As many epochs as bring all modes to life.
    epochs = {"mlp": 25, "conv": 3}[backbone]
    plan = small(
        depth=1, dtype=dtype, backbone=backbone, head=head, epochs=epochs, learning_rate=3e-3,
        batch_size=60,
    )  # fmt: skip
    result = run(plan, tmp_path, progress=False)
    assert load_results(tmp_path) == [result]
    assert result.reached["is_global"]
    assert bool(result.reached["metrics"]) is (head == "linear")
    # Measured once during the training, and once against the minimum that was reached.
    for name, value in result.reached["metrics"].items():
        assert value == pytest.approx(result.final["metrics"]["corrected"][name], rel=1e-4)


def test_a_factor_of_numpy_scales_the_penalties_exactly():
    for factor in (np.float32(2), np.float16(2), np.int8(2), torch.tensor(2.0)):
        assert paper_figure(1, "small", lambda_factor=factor) == paper_figure(
            1, "small", lambda_factor=2
        )


@pytest.mark.parametrize("ends", ["well", "in an error"])
def test_a_run_gives_torch_its_threads_back(ends, tmp_path, monkeypatch):
    before = torch.get_num_threads()
    inside, train = [], experiments.train

    def watched(*arguments, **options):
        inside.append(torch.get_num_threads())
        if ends == "in an error":
            raise ArithmeticError
        return train(*arguments, **options)

    monkeypatch.setattr(experiments, "train", watched)
    with nullcontext() if ends == "well" else pytest.raises(ArithmeticError):
        result = run(small(), tmp_path, threads=before + 2, progress=False)
        assert result.machine["threads"] == before + 2
    assert inside == [before + 2]
    assert torch.get_num_threads() == before
    with pytest.raises(ValueError, match="threads must be a whole number, at least 1; got 0"):
        run(small(seed=1), tmp_path, threads=0, progress=False)


def test_an_interrupted_run_goes_on(stored, tmp_path, monkeypatch):
    _, result = stored
    train = experiments.train

    def interrupted(*arguments, **options):
        train(*arguments, **options | {"checkpoint_epochs": 1})
        raise KeyboardInterrupt

    monkeypatch.setattr(experiments, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(small(), tmp_path, progress=False)
    assert not result_path(small(), tmp_path).exists()
    checkpoints = tmp_path / ".checkpoints" / small().name
    newest = sorted(checkpoints.iterdir())[-1]
    newest.unlink()  # as if it had been stopped before the last epoch
    began_at = []

    def watched(*arguments, **options):
        began_at.append(len(list(checkpoints.iterdir())))
        return train(*arguments, **options)

    monkeypatch.setattr(experiments, "train", watched)
    assert without_clock(run(small(), tmp_path, progress=False)) == without_clock(result)
    assert began_at == [1]


def test_a_sweep_finishes_the_others_when_one_fails(tmp_path):
    greedy = Experiment("digits", [1000] * 10, small().config)
    with pytest.raises(SweepError, match=r"1 of 2 failed:\n.*10000of10.*short"):
        sweep([greedy, small()], tmp_path, progress=False)
    assert [result.experiment for result in load_results(tmp_path)] == [small()]


def test_a_sweep_runs_on_workers_that_joblib_chooses(stored, tmp_path):
    _, result = stored
    with joblib.parallel_config(backend="loky", n_jobs=2):
        results = sweep([small(), small(seed=1)], tmp_path, progress=False, threads=1)
    assert [each.experiment.config.seed for each in results] == [0, 1]
    np.testing.assert_allclose(results[0].curve("objective"), result.curve("objective"), rtol=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # Dask's and Tornado's own
def test_a_sweep_runs_on_a_dask_cluster(stored, tmp_path):
    distributed = pytest.importorskip("distributed", reason="Dask is an optional extra")
    _, result = stored
    processes = {"n_workers": 2, "threads_per_worker": 1, "processes": True}
    with (
        distributed.LocalCluster(**processes, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
        joblib.parallel_config(backend="dask", n_jobs=-1),
    ):
        results = sweep([small(seed=seed) for seed in range(3)], tmp_path, progress=False)
        trained = client.run(lambda: "nclib.training.engine" in __import__("sys").modules)
    assert len(trained) == 2
    assert any(trained.values())  # the workers trained, not this process
    assert [each.experiment.config.seed for each in results] == [0, 1, 2]
    assert len(load_results(tmp_path)) == 3
    np.testing.assert_allclose(results[0].curve("objective"), result.curve("objective"), rtol=1e-4)


def test_curves_of_metrics_and_numbers(stored):
    _, result = stored
    assert result.epochs.tolist() == [0, 1, 2, 3, 4]
    for name in ("gap", "objective", "train_accuracy", "nc1", "nc2_wh"):
        assert result.curve(name).shape == (5,)
    assert (result.curve("nc2_wh") != result.curve("nc2_wh", "as_printed")).any()
    with pytest.raises(ValueError, match="no curve 'nc5'"):
        result.curve("nc5")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"experiment": {"data": "x"}}', "\0"])
def test_a_file_that_is_no_result_is_named(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(ValueError, match=r"a\.json does not hold a result"):
        load_results(tmp_path)


def test_no_folder_no_results(tmp_path):
    assert load_results(tmp_path / "missing") == []


def test_an_error_while_writing_leaves_the_old_result(stored, tmp_path, monkeypatch):
    _, result = stored
    path = result.save(tmp_path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        result.save(tmp_path)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_images_that_are_held_out_do_not_occur_in_training(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 200)
    images = rng.integers(0, 256, (600, 2, 2), dtype=np.uint8)
    images[::4] = images[1::4]  # some twice
    path = tmp_path / "dots.npz"
    np.savez(path, images=images, labels=labels)
    experiment = Experiment("dots", [20, 10, 5], small().config)
    train, test, left_out = experiments._draw(experiment, path, None, False)
    assert train.counts.n.tolist() == [20, 10, 5]
    assert test.counts.n.tolist() == [50, 50, 50]
    assert left_out == 0
    assert not {i.tobytes() for i in train.images} & {i.tobytes() for i in test.images}
    other = replace(experiment, config=replace(experiment.config, seed=1))
    others, same, _ = experiments._draw(other, path, None, False)
    assert (same.images == test.images).all()
    assert (others.images != train.images).any()


def test_what_is_held_out_is_this_on_every_machine_and_version():
    """Drawn from raw bits of PCG64, whose stream numpy never changes; stored runs rest on it."""
    marks, labels = np.arange(240, dtype=np.uint8), np.repeat([0, 1], 120)
    data = ImageData("dots", marks[:, None, None], labels, ("a", "b"))
    rest, test, left_out = experiments.divided_images(data, None)
    keys = np.random.PCG64(0).random_raw(240)
    first, second = keys[:120].argsort(), 120 + keys[120:].argsort()
    assert set(test.images.ravel().tolist()) == {*first[:50].tolist(), *second[:50].tolist()}
    assert set(rest.images.ravel().tolist()) == {*first[50:].tolist(), *second[50:].tolist()}
    assert left_out == 0


def test_a_run_shows_its_progress_unless_told_not_to(tmp_path, monkeypatch):
    shown = []

    def train(*_, progress, **options):
        shown.append(progress)
        raise ArithmeticError

    monkeypatch.setattr(experiments, "train", train)
    for told in ({}, {"progress": False}):
        with pytest.raises(ArithmeticError):
            run(small(), tmp_path, **told)
    assert shown == [True, False]


def test_what_is_held_out_is_said_where_images_are_short(tmp_path):
    labels = np.repeat([0, 1], [90, 60])
    path = tmp_path / "dots.npz"
    images = np.arange(150 * 4, dtype=np.uint16).view(np.uint8).reshape(150, 2, 4)
    np.savez(path, images=images, labels=labels)
    # Of 90 and 60, 50 each are test images.
    assert experiments._draw(Experiment("dots", [40, 10], small().config), path, None, False)[
        0
    ].counts.n.tolist() == [40, 10]
    with pytest.raises(ValueError, match=r"without the 50 of each class that are held out .*'0' "
                       r"has 40 of 41 \(1 short\)"):  # fmt: skip
        experiments._draw(Experiment("dots", [41, 10], small().config), path, None, False)
    np.savez(path, images=images[:120], labels=labels[:120])
    with pytest.raises(ValueError, match=r"no split 'test', so 50 images of each class are held "
                       r"out .* too many: .*'1' has 30 of 50"):  # fmt: skip
        experiments._draw(Experiment("dots", [5, 5], small().config), path, None, False)
    np.savez(path, images=images, labels=labels, split=np.array(["train", "test"] * 75))
    train, test, _ = experiments._draw(
        Experiment("dots", [45, 30], small().config), path, None, False
    )
    assert (train.N, test.N) == (75, 75)


def test_images_must_be_those_that_the_experiment_names(tmp_path):
    with pytest.raises(ValueError, match="images must be those that the experiment names"):
        run(small(), tmp_path, images=tmp_path / "letters.npz")


def test_a_run_in_which_every_mode_dies_ends_at_total_collapse(tmp_path):
    # Penalties so strong, and from the start, that every mode dies.
    config = TrainingConfig(
        depth=3, lambda_W=0.3, lambda_H=0.3, width=16, epochs=150, learning_rate=1e-2
    )
    lost = run(Experiment("digits", COUNTS, config), tmp_path, progress=False)
    assert lost.reached["alive"] == 0
    assert lost.reached["is_global"]
    n = np.array(COUNTS)
    total_collapse = (1 - np.sum((n / n.sum()) ** 2)) / 2
    assert lost.reached["objective"] == pytest.approx(total_collapse, rel=1e-6)
    assert lost.reached["metrics"] == {}


def test_total_collapse_where_modes_could_live_is_not_the_global_minimum(tmp_path):
    """With several layers total collapse is a local minimum: training falls into it and stays."""
    config = TrainingConfig(
        depth=3, lambda_W=0.014, lambda_H=0.014, width=16, epochs=150, learning_rate=1e-2
    )
    stuck = run(Experiment("digits", COUNTS, config), tmp_path, progress=False)
    assert stuck.experiment.minimizer.alive > stuck.reached["alive"] == 0
    assert stuck.reached["is_global"] is False


def test_more_modes_alive_than_in_any_minimum_is_not_the_global_one(tmp_path):
    """Counted after a single epoch at penalties at which every mode is going to die."""
    config = TrainingConfig(
        depth=1, lambda_W=0.2, lambda_H=0.2, width=16, epochs=1, learning_rate=1e-2, batch_size=20
    )
    early = run(Experiment("digits", COUNTS, config), tmp_path, progress=False)
    assert early.experiment.minimizer.alive == 0
    assert early.reached["alive"] == early.final["alive"] > 0
    assert early.reached["is_global"] is False


def test_a_single_mode_is_measured_against_the_minimum_too(tmp_path, monkeypatch):
    """Of two classes there is one; and somebody has tidied up before the run did."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 80)
    images = (rng.integers(0, 60, (160, 2, 2)) + 150 * labels[:, None, None]).astype(np.uint8)
    np.savez(tmp_path / "dots.npz", images=images, labels=labels)
    config = TrainingConfig(
        depth=1, lambda_W=1e-2, lambda_H=1e-2, width=8, epochs=8, learning_rate=1e-2, batch_size=10
    )
    train = experiments.train

    def tidied(*arguments, checkpoints, **options):
        trained = train(*arguments, checkpoints=checkpoints, **options)
        shutil.rmtree(checkpoints)
        return trained

    monkeypatch.setattr(experiments, "train", tidied)
    result = run(
        Experiment("dots", [30, 20], config), tmp_path, images=tmp_path / "dots.npz", progress=False
    )
    assert (result.reached["alive"], result.reached["is_global"]) == (1, True)
    assert result.reached["gap"] == pytest.approx(result.final["gap"], rel=1e-5)
    for name, value in result.reached["metrics"].items():
        assert value == pytest.approx(result.final["metrics"]["corrected"][name], rel=1e-4)
    assert result.reached["metrics"]


def test_the_digits_come_to_the_closed_form(tmp_path, record_error):
    config = TrainingConfig(
        depth=2, lambda_W=2e-2, lambda_H=1e-3, width=64, epochs=1000, learning_rate=5e-3,
        schedule="cosine", lambda_warmup=0.5,
    )  # fmt: skip
    result = run(Experiment("digits", COUNTS, config), tmp_path, progress=False)
    (stored,) = load_results(Path(__file__).parent / "runs")
    assert_repeated(result, stored, record_error)
    assert result.reached["is_global"]
    assert record_error("training: gap to the reached minimum", result.reached["gap"], 1e-3)
    for name, value in result.reached["metrics"].items():
        assert record_error(f"training: {name} at the reached minimum", value, 0.01)


def test_results_load_as_they_were(stored):
    folder, result = stored
    (loaded,) = load_results(folder)
    assert loaded.to_dict() == result.to_dict()
    assert isinstance(loaded, Result)


def of(experiment, result):
    """The numbers of a result, as if they were those of another experiment."""
    return Result.from_dict(result.to_dict() | {"experiment": experiment.to_dict()})


class TestChoosing:
    @pytest.fixture
    def results(self, stored):
        _, result = stored
        changes = [{}, {"depth": 1}, {"lambda_W": (5e-3, 1e-3)}, {"bias": False}, {"seed": 3}]
        return [of(small(**change), result) for change in changes]

    @pytest.mark.parametrize(
        ("settings", "chosen"),
        [
            ({}, [0, 1, 2, 3, 4]),
            ({"depth": 2, "bias": True}, [0, 2, 4]),
            ({"lambda_W": 5e-3}, [0, 1, 3, 4]),
            ({"lambda_W": [5e-3, 1e-3]}, [2]),
            ({"counts": COUNTS, "data": "digits", "seed": 3}, [4]),
            ({"counts": nc.ClassCounts([3, 2])}, []),
        ],
    )
    def test_by_settings(self, results, settings, chosen):
        assert select(results, **settings) == [results[i] for i in chosen]

    def test_an_unknown_setting_is_named(self, results):
        with pytest.raises(ValueError, match=r"settings must be .*; got \['lamda_W'\]"):
            select(results, lamda_W=1)

    def test_by_figure_whatever_the_images_and_seeds(self, stored):
        _, result = stored
        right = [
            *paper_figure(3, "small", depths=(6,), seeds=(0, 7)),
            *paper_figure(3, "small", depths=(3,), data="others"),
        ]
        wrong = [
            *paper_figure(1, "small", depths=(6,)),
            *paper_figure(3, "medium", depths=(6,)),
            *paper_figure(3, "small", depths=(6,), lambda_factor=2),
            *paper_figure(3, "small", depths=(6,), lambda_warmup=0),
        ]
        results = [of(experiment, result) for experiment in right + wrong]
        assert figure_results(results, 3, "small") == results[:3]
        assert figure_results(results, 3, "small", lambda_factor=2) == [results[5]]

    def test_by_sweep(self, results):
        groups = list(by_sweep(results).values())
        assert groups == [[results[1], results[0], results[4]], [results[2]], [results[3]]]
        assert next(iter(by_sweep(results))) == "digits-360of10-bias-W0.005-H0.0001-w16-e4"


def test_the_table_has_the_numbers_of_the_files(stored):
    folder, result = stored
    content = json.loads(result_path(small(), folder).read_text())
    title, head, row = results_table([result]).split("\n")
    assert small().name.startswith(title.replace("-bias", "-L2-bias") + "-s0-")
    cells = row.split()
    final, reached = content["history"][-1], content["reached"]
    names = head.split()
    assert cells[:3] == ["2", "0", f"{reached['alive']}/9"]
    assert float(cells[names.index("gap")]) == pytest.approx(reached["gap"], rel=0.6)
    nc1 = final["metrics"]["corrected"]["nc1"]
    assert float(cells[names.index("NC1")]) == pytest.approx(nc1, rel=0.6)
    # From the right, because what a minimum leaves open is blank.
    assert cells[-3:] == [
        f"{100 * final['train_accuracy']:.1f}",
        f"{100 * final['test_accuracy']:.1f}",
        f"{content['seconds'] / 60:.0f}",
    ]
    width = len(head)
    assert len(row) == width
    for name, metric in (("NC2^W", "nc2_w"), ("NC3", "nc3")):
        at = head.index(name) + len(name)
        value = reached["metrics"].get(metric)
        assert row[at - 7 : at].strip() == ("" if value is None else f"{value:.3f}")
