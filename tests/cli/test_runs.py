"""`nclib train`, `reproduce` and `results`: runs stored once, gone on with, and compared."""

import json
import os

import numpy as np
import pytest

import nclib as nc
from nclib import _files
from nclib.training import experiments
from nclib.training.checkpoints import CheckpointStore
from nclib.training.experiments import (
    Scale,
    load_results,
    on_images,
    paper_figure,
    result_path,
)

QUICK = ("--width", 16, "--epochs", 4, "--depth", 2, "--threads", 1)


@pytest.fixture(scope="module")
def stored(nclib, tmp_path_factory):
    """A folder with one result, and what the command wrote."""
    folder = tmp_path_factory.mktemp("runs")
    return folder, nclib("train", *QUICK, "--out", folder, "--json").json


def test_a_run_is_stored_as_it_is_shown(stored):
    folder, shown = stored
    (result,) = load_results(folder)
    assert json.loads(json.dumps(result.to_dict())) == shown
    config = result.experiment.config
    assert (config.width, config.epochs, config.depth, config.bias) == (16, 4, 2, True)
    assert result.experiment.counts.n.tolist() == [60] * 4 + [20] * 6
    problem = config.problem(result.experiment.counts)
    gap = result.final["objective"] / nc.global_minimizer(problem).objective - 1
    assert result.final["gap"] == pytest.approx(gap, rel=1e-5)


def test_what_is_done_is_shown_again(nclib, stored, monkeypatch):
    folder, shown = stored
    monkeypatch.setattr(experiments, "train", None)
    outcome = nclib("train", *QUICK, "--out", folder)
    assert outcome.code == 0
    assert "done already" in outcome.err
    objective = shown["history"][-1]["objective"]
    for words in (f"{objective:.6g}", "Accuracy by class", "Metrics against", f"{folder}"):
        assert words in outcome.out.replace("\n", "")


def test_an_interrupted_run_goes_on_when_told_to(nclib, stored, tmp_path, monkeypatch):
    _, shown = stored
    train = experiments.train

    def interrupted(*arguments, **options):
        train(*arguments, **options | {"checkpoint_epochs": 1})
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(experiments, "train", interrupted)
        outcome = nclib("train", *QUICK, "--out", tmp_path, "--json")
    assert outcome.code == 130
    assert outcome.out == ""
    assert outcome.err.splitlines()[-1].startswith("error: interrupted")
    (run,) = (tmp_path / ".checkpoints").iterdir()
    # It says where the checkpoint is, how far it is, and what to type.
    newest = sorted(run.glob("epoch-*.pt"))[-1]
    epochs = QUICK[QUICK.index("--epochs") + 1]
    assert f"the checkpoint {newest} has {epochs} of {epochs} epochs" in outcome.err
    assert "the same command with --resume goes on from it" in outcome.err
    sorted(run.iterdir())[-1].unlink()
    assert nclib("train", *QUICK, "--out", tmp_path).failed("--resume")
    again = nclib("train", *QUICK, "--out", tmp_path, "--resume", "--json").json
    for entry, expected in zip(again["history"], shown["history"], strict=True):
        assert entry["objective"] == expected["objective"]
    assert not list((tmp_path / ".checkpoints").iterdir())


def test_counts_that_name_the_classes_of_the_images_are_in_their_order(nclib, tmp_path):
    """The class with the most images is the one that the file says, wherever its line is."""
    labels = np.repeat([0, 1, 2], 120)
    images = np.random.default_rng(0).integers(0, 256, (360, 4, 4), dtype=np.uint8)
    names = np.array(["cat", "dog", "eel"])
    np.savez(tmp_path / "pets.npz", images=images, labels=labels, class_names=names)
    (tmp_path / "counts.csv").write_text("class,count\neel,30\ncat,20\ndog,10\n")
    arguments = ("train", tmp_path / "pets.npz", *QUICK, "--json", "--counts")
    found = nclib(*arguments, tmp_path / "counts.csv").json
    assert found["experiment"]["counts"] == [20, 10, 30]
    (tmp_path / "counts.csv").write_text("x,30\ny,20\nz,10\n")  # of no class of theirs
    assert nclib(*arguments, tmp_path / "counts.csv").json["experiment"]["counts"] == [30, 20, 10]


def test_what_was_interrupted_without_a_checkpoint_says_so(nclib, tmp_path, monkeypatch):
    def interrupted(*arguments, **options):
        CheckpointStore(options["checkpoints"])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(experiments, "train", interrupted)
        outcome = nclib("train", *QUICK, "--out", tmp_path)
        assert outcome.code == 130
        assert "there is no checkpoint yet" in outcome.err
        assert "the same command begins anew" in outcome.err
        without = nclib("train", *QUICK)
        assert without.code == 130
        assert "nothing is kept without --out" in without.err
    assert nclib("train", *QUICK, "--out", tmp_path).code == 0  # and so it does


def test_other_images_and_counts(nclib, tmp_path):
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 120)
    images = rng.integers(0, 256, (360, 4, 4), dtype=np.uint8)
    np.savez(tmp_path / "dots.npz", images=images, labels=labels)
    (tmp_path / "counts.csv").write_text("a,30\nb,20\nc,10\n")
    arguments = ("train", tmp_path / "dots.npz", *QUICK, "--no-bias", "--json")
    for counts in ("30,20,10", tmp_path / "counts.csv"):
        content = nclib(*arguments, "--counts", counts).json
        assert content["experiment"]["data"] == "dots"
        assert content["experiment"]["counts"] == [30, 20, 10]
        assert content["experiment"]["config"]["bias"] is False
    assert not list(tmp_path.glob("*.json"))  # nothing is kept without --out
    assert (
        "dots.npz has no split 'test': 50 images of each class were held out"
        in nclib(*arguments, "--counts", "30,20,10").err
    )
    assert nclib(*arguments, "--counts", "300,20,10").failed("short")
    assert nclib(*arguments, "--counts", "30,20").failed("one entry for each of the 3 classes")
    assert nclib(*arguments, "--counts", "30,0,1").failed("n[1] = 0")


@pytest.fixture
def same_stem(tmp_path):
    """Two files called data.npz, with other images."""
    paths = []
    for seed, name in enumerate("ab"):
        (tmp_path / name).mkdir()
        rng = np.random.default_rng(seed)
        images = rng.integers(0, 255, (600, 8, 8), dtype=np.uint8)
        paths.append(tmp_path / name / "data.npz")
        np.savez(paths[-1], images=images, labels=np.repeat([0, 1, 2], 200))
    return paths


def objectives(content):
    return [entry["objective"] for entry in content["history"]]


def test_two_files_of_one_name_have_results_of_their_own(nclib, same_stem, tmp_path):
    arguments = ("--counts", "30,20,10", *QUICK, "--json")
    one, other = (nclib("train", p, *arguments, "--out", tmp_path / "same") for p in same_stem)
    assert "done already" not in other.err
    alone = nclib("train", same_stem[1], *arguments, "--out", tmp_path / "alone").json
    assert objectives(other.json) == objectives(alone) != objectives(one.json)
    # Both are kept, and each is found again.
    for path, outcome in zip(same_stem, (one, other), strict=True):
        again = nclib("train", path, *arguments, "--out", tmp_path / "same")
        assert "done already" in again.err
        assert again.json == outcome.json
    listed = nclib("results", tmp_path / "same", "--json").json["results"]
    assert len({row["digest"] for row in listed}) == len({row["name"] for row in listed}) == 2
    shown = nclib("results", tmp_path / "same").out
    for row in listed:
        assert f"data [{row['digest'][:7]}], bias" in shown


def test_a_file_that_has_changed_is_trained_on_anew(nclib, same_stem, tmp_path):
    arguments = ("--counts", "30,20,10", *QUICK, "--out", tmp_path / "runs", "--json")
    before = nclib("train", same_stem[0], *arguments).json
    same_stem[1].replace(same_stem[0])
    after = nclib("train", same_stem[0], *arguments)
    assert "done already" not in after.err
    assert objectives(after.json) != objectives(before)


def test_an_interrupted_run_on_other_images_is_another(nclib, same_stem, tmp_path, monkeypatch):
    train = experiments.train

    def interrupted(*arguments, **options):
        train(*arguments, **options | {"checkpoint_epochs": 1})
        raise KeyboardInterrupt

    arguments = ("--counts", "30,20,10", *QUICK, "--out", tmp_path / "runs", "--json")
    with monkeypatch.context() as patch:
        patch.setattr(experiments, "train", interrupted)
        assert nclib("train", same_stem[0], *arguments).code == 130
    other = nclib("train", same_stem[1], *arguments, "--resume")
    assert "no interrupted run with these settings and images: it begins anew" in other.err
    assert nclib("train", same_stem[0], *arguments).failed("--resume")
    first = nclib("train", same_stem[0], *arguments, "--resume")
    assert "begins anew" not in first.err
    assert objectives(first.json) != objectives(other.json)
    # With its result there, what a kill may have left of it is no interrupted run.
    (tmp_path / "runs" / ".checkpoints" / f"{load_results(tmp_path / 'runs')[0].experiment.name}"
     ).mkdir()  # fmt: skip
    for path in same_stem:
        assert "done already" in nclib("train", path, *arguments).err
    assert not list((tmp_path / "runs" / ".checkpoints").iterdir())


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("--learning-rate", (5e-3, 5.000001e-3)),
        ("--lambda-W", (2e-2, 2.0000001e-2)),
        ("--counts", ("60,20,60,60,60,20,20,20,20,20", "20,60,60,60,60,20,20,20,20,20")),
        ("--head-scale", (1.0, 1.0000001)),
    ],
)
def test_settings_that_differ_little_have_results_of_their_own(nclib, tmp_path, option, values):
    settings = ("--width", 8, "--epochs", 1, "--depth", 1, "--threads", 1, "--out", tmp_path)
    for value in values:
        outcome = nclib("train", *settings, option, value, "--json")
        assert outcome.code == 0, outcome.err
        assert "done already" not in outcome.err
    assert len(load_results(tmp_path)) == 2
    for value in values:
        assert "done already" in nclib("train", *settings, option, value, "--json").err


def test_the_head_begins_larger(nclib, tmp_path):
    outcome = nclib("train", *QUICK, "--head-scale", 2, "--out", tmp_path, "--json")
    assert outcome.code == 0, outcome.err
    assert load_results(tmp_path)[0].experiment.config.head_scale == 2


def test_bad_images_are_one_line(nclib, tmp_path):
    assert nclib("train", "cifar10", *QUICK, "--counts", "5,5", "--root", tmp_path).failed(
        "'cifar10' is not there", "--download"
    )
    assert nclib("train", tmp_path / "none", *QUICK, "--counts", "5,5").failed("none")
    (tmp_path / "bad.npz").write_bytes(b"")
    assert nclib("train", tmp_path / "bad.npz", *QUICK, "--counts", "5,5").failed("bad.npz")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--resume",),
        ("cifar10",),
        ("--epochs", 0),
        ("--learning-rate", 0),
        ("--lambda-warmup", 1),
        ("--head-scale", 0),
        ("--lambda-W", 1, "--lambda-W", 2, "--lambda-W", 3),
        ("--seed", -1),
    ],
    ids=str,
)
def test_wrong_usage_is_exit_code_2(nclib, arguments):
    outcome = nclib("train", *arguments)
    assert (outcome.code, outcome.out) == (2, "")


def test_divergence_is_one_line(nclib):
    arguments = ("--learning-rate", 1e30, "--epochs", 3, "--width", 8)
    assert nclib("train", *arguments, "--json").failed("diverged", "lower learning_rate")


# ---------------------------------------------------------------- reproduce


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(experiments.SCALES, "small", Scale(8, 2, 1e-3))


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Ten classes of noise, as many of each as figure 1 asks for."""
    path = tmp_path_factory.mktemp("data") / "noise.npz"
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 560)
    np.savez(path, images=rng.integers(0, 256, (5600, 2, 2), dtype=np.uint8), labels=labels)
    return path


@pytest.mark.usefixtures("tiny")
def test_a_figure_is_run_once(nclib, images, tmp_path, monkeypatch):
    arguments = (
        "reproduce", "--figure", 1, "--data", images, "--out", tmp_path, "--threads", 1,
        "--head-scale", 2,
    )  # fmt: skip
    found = nclib(*arguments, "--json")
    assert "3 runs, 3 left to do" in found.err
    names = [r["name"] for r in found.json["results"]]
    planned = on_images(paper_figure(1, "small", data="noise", head_scale=2.0), images)
    assert names == [e.name for e in planned]
    with monkeypatch.context() as patch:
        patch.setattr(experiments, "train", None)
        again = nclib(*arguments)
    assert "3 runs, 0 left to do" in again.err
    assert "3 results" in again.out
    for result, row in zip(load_results(tmp_path), found.json["results"], strict=True):
        assert row["gap"] == result.final["gap"]
        assert row["modes_alive_at_global"] == result.experiment.minimizer.alive


@pytest.mark.usefixtures("tiny")
def test_a_figure_on_other_images_of_one_name_is_run_too(nclib, images, tmp_path):
    with np.load(images) as content:
        arrays = dict(content)
    arrays["images"] = 255 - arrays["images"]
    other = tmp_path / images.name
    np.savez(other, **arrays)
    arguments = ("reproduce", "--figure", 1, "--out", tmp_path / "r", "--threads", 1, "--json")
    first = nclib(*arguments, "--data", images).json["results"]
    found = nclib(*arguments, "--data", other)
    assert "3 runs, 3 left to do" in found.err
    assert {row["name"] for row in first}.isdisjoint(row["name"] for row in found.json["results"])
    assert "3 runs, 0 left to do" in nclib(*arguments, "--data", images).err


@pytest.mark.usefixtures("tiny")
def test_a_figure_that_was_stopped_says_what_is_left(nclib, images, tmp_path, monkeypatch):
    train, calls = experiments.train, []

    def second_fails(*arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            CheckpointStore(options["checkpoints"]).save(1, {})
            raise KeyboardInterrupt
        return train(*arguments, **options)

    monkeypatch.setattr(experiments, "train", second_fails)
    arguments = ("reproduce", "--figure", 3, "--data", images, "--out", tmp_path, "--threads", 1)
    outcome = nclib(*arguments, "--json")
    assert outcome.code == 130
    assert outcome.out == ""
    assert "2 left to do; the same command goes on, 1 of them from a checkpoint" in outcome.err
    (newest,) = tmp_path.glob(".checkpoints/*/epoch-*.pt")
    assert f"the newest {newest} of epoch 1." in outcome.err
    newest.unlink()
    assert len(nclib(*arguments, "--json").json["results"]) == 3
    assert sum(calls) == 4


@pytest.mark.usefixtures("tiny")
def test_seeds_run_side_by_side(nclib, images, tmp_path):
    # The workers have their own `SCALES`: what is run is what they are given.
    outcome = nclib(
        "reproduce", "--figure", 1, "--data", images, "--out", tmp_path, "--seeds", 2, "--jobs", 2
    )
    assert outcome.code == 0, outcome.err
    assert len(load_results(tmp_path)) == 6
    assert {r.machine["threads"] for r in load_results(tmp_path)} == {1}


def test_images_that_are_missing_are_said_once(nclib, tmp_path):
    arguments = ("reproduce", "--figure", 2, "--out", tmp_path / "r", "--root", tmp_path)
    outcome = nclib(*arguments)
    assert outcome.failed("'emnist-letters' is not there", "--download")
    assert nclib("reproduce", "--figure", 5).code == 2
    assert nclib("reproduce", "--figure", 1, "--scale", "huge").code == 2


# ---------------------------------------------------------------- results


def test_results_are_compared(nclib, stored):
    folder, shown = stored
    (row,) = nclib("results", folder, "--json").json["results"]
    final = shown["history"][-1]
    assert row["gap"] == final["gap"]
    assert row["gap_to_reached"] == shown["reached"]["gap"]
    assert row["modes_alive"] == shown["reached"]["alive"]
    assert row["metrics"] == final["metrics"]
    text = nclib("results", folder).out
    assert f"{100 * final['gap']:.3g} %" in text
    assert f"{final['metrics']['corrected']['nc2_wh']:.1e}" in text


@pytest.mark.parametrize(("name", "start"), [("p.svg", b"<?xml"), ("p.PNG", b"\x89PNG")])
def test_results_are_drawn(nclib, stored, tmp_path, name, start):
    assert nclib("results", stored[0], "--plot", tmp_path / name).code == 0
    assert (tmp_path / name).read_bytes().startswith(start)


def test_a_picture_that_fails_leaves_the_old_one(nclib, stored, tmp_path, monkeypatch):
    path = tmp_path / "p.svg"
    path.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_files.os, "fsync", full)
    assert nclib("results", stored[0], "--plot", path).failed("No space left")
    assert path.read_text() == "old"


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs links")
def test_pictures_and_results_are_written_where_links_point(nclib, stored, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "p.svg").symlink_to("there/p.svg")
    assert nclib("results", stored[0], "--plot", tmp_path / "p.svg").code == 0
    assert (tmp_path / "there" / "p.svg").read_bytes().startswith(b"<?xml")
    (result,) = load_results(stored[0])
    link = result_path(result.experiment, tmp_path)
    link.symlink_to("there/r.json")
    result.save(tmp_path)
    assert type(result).load(tmp_path / "there" / "r.json").to_dict() == result.to_dict()
    assert (tmp_path / "p.svg").is_symlink()
    assert link.is_symlink()
    outcome = nclib("results", stored[0], "--plot", tmp_path / "none" / "p.svg")
    assert outcome.failed(f"error: {tmp_path / 'none' / 'p.svg'}: No such file")


def test_other_files_beside_results_are_passed_over(nclib, stored, tmp_path):
    (tmp_path / "evidence.json").write_text("{}")
    for path in stored[0].glob("*.json"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    outcome = nclib("results", tmp_path, "--json")
    assert len(outcome.json["results"]) == 1
    assert "passed over" in outcome.err
    assert "evidence.json" in outcome.err
    # What was edited by hand is no result either, and that is said.
    edited = next(path for path in tmp_path.glob("digits*.json"))
    content = json.loads(edited.read_text())
    content["history"][-1]["objective"] *= 1.01
    edited.write_text(json.dumps(content))
    outcome = nclib("results", tmp_path, "--json")
    assert outcome.json["results"] == []
    assert "changed after it was written" in outcome.err


def test_no_results(nclib, tmp_path):
    assert nclib("results", tmp_path).out == "No results.\n"
    assert nclib("results", tmp_path, "--json").json["results"] == []
    assert nclib("results", tmp_path, "--plot", tmp_path / "p.svg").failed("no results to draw")
    assert nclib("results", tmp_path / "none").failed("no such folder")
    assert nclib("results", tmp_path, "--plot", "p.pdf").code == 2


@pytest.mark.slow
def test_the_default_run_comes_to_the_closed_form(nclib, tmp_path):
    content = nclib("train", "--threads", 1, "--out", tmp_path, "--json").json
    assert content["reached"]["is_global"]
    assert content["reached"]["gap"] < 1e-3
    assert content["history"][-1]["train_accuracy"] == 1
    assert result_path(load_results(tmp_path)[0].experiment, tmp_path).exists()
