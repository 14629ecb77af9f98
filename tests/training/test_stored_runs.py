"""The stored runs of the paper's figures: enough of them, and where the book says they end.

Their numbers are held against each other, and some of the runs are repeated.
"""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import stored_run
from stored_run import CIFAR, DIGITS, LETTERS, complaints, of_entry, of_run, truth_of

import nclib as nc
from nclib.training import engine, experiments
from nclib.training.config import TrainingConfig
from nclib.training.data import content_digest, load_splits
from nclib.training.experiments import (
    LAMBDA_H,
    PAPER_DEPTHS,
    SCALES,
    Result,
    figure_results,
    load_results,
    select,
)
from tools.runs import OtherRunError, store_anew

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "book" / "results" / "runs"
RUNS = load_results(FOLDER)

# A run on the digits, which are always there.
DIGITS_RUN = Path(__file__).parent / "runs"

STORED = sorted([*FOLDER.glob("*.json"), *DIGITS_RUN.glob("*.json")])

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


# ---------------------------------------------------------------- numbers that were edited


def content_of(path):
    content = json.loads(path.read_text())
    del content["sha256"]
    return content


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_the_numbers_of_a_run_agree_with_each_other(path):
    assert list(complaints(content_of(path))) == []
    # The settings, counts and images are those that the file is named after.
    assert Result.load(path).experiment.name == path.stem


def leaves(value, path=()):
    """Every number and flag of plain values, with its place."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, (*path, key))
    elif isinstance(value, int | float):
        yield path, value


def edited(content, path, value):
    """The same with one number changed by 1 %, a whole one by 1."""
    content = copy.deepcopy(content)
    place = content
    for key in path[:-1]:
        place = place[key]
    if isinstance(value, bool):
        place[path[-1]] = not value
    elif isinstance(value, int):
        place[path[-1]] = value + 1
    else:
        place[path[-1]] = float(f"{1.01 * value:.7g}") if value else 0.01
    return content


# One run of each kind.
KINDS = [
    "cifar10_subset-3000of10-L1-bias-W0.0005-H1e-05-w512-e600-warmup0.5-s0",
    "cifar10_subset-3000of10-L6-nobias-W0.0005-H1e-05-w128-e200-s0",
    "cifar10_subset-3000of10-L3-bias-W0.0005-H1e-05-w512-e600-warmup0.5-head-relu-s0",
    "ocr_letters-5500of26-L3-bias-W0.0005-H1e-05-w512-e600-warmup0.5-s0",
    "ocr_letters-5500of26-L1-nobias-W0.0005-H1e-05-w512-e600-warmup0.5-s0",
    "digits-360of10-L2-bias-W0.02-H0.001-w64-e1000-warmup0.5-s0",
]

# Of an entry of the history, what the other numbers do not tell to 1 %; without a bias NC2^H too.
# The checksum alone holds these, and the number of threads.
FREE = {"seconds", "nc2_wh", "nc3", "features", "prediction", "product", "layers"}


@pytest.mark.parametrize("name", KINDS)
def test_a_number_that_was_edited_shows(name):
    """Any number but those that nothing else depends on, in any entry of the history."""
    (path,) = [path for path in STORED if path.stem.startswith(f"{name}-")]
    content = content_of(path)
    truth, history, reached = truth_of(content), content["history"], content["reached"]
    free = FREE if truth.config.bias else FREE | {"nc2_h"}
    checked = 0
    for t in [*range(0, len(history), 10), len(history) - 1]:
        for place, value in leaves(history[t]):
            if free & set(place):
                continue
            entry = edited(history[t], place, value)
            with_it = content | {"history": [*history[:t], entry, *history[t + 1 :]]}
            assert [*of_entry(truth, entry), *of_run(with_it)], (t, place)
            checked += 1
    # Metrics against a minimum that is not the global one stand nowhere else.
    free = set() if reached["is_global"] else {"metrics"}
    for place, value in leaves({key: content[key] for key in ("reached", "samples", "seconds")}):
        if not free & set(place):
            assert list(of_run(edited(content, place, value))), place
            checked += 1
    assert checked > 200
    for place, value in leaves(content["experiment"]):
        try:
            other = edited(content["experiment"], place, value)
            assert experiments.Experiment.from_dict(other).name != path.stem, place
        except ValueError:  # no such depth, say
            pass


def test_any_number_that_was_edited_has_another_checksum(tmp_path):
    """Also those that nothing else depends on; and what is no number."""
    (path,) = DIGITS_RUN.glob("*.json")
    content = json.loads(path.read_text())
    copied = tmp_path / path.name
    places = [
        *leaves({key: content[key] for key in ("experiment", "reached", "samples", "machine")}),
        *((("history", 3, *place), value) for place, value in leaves(content["history"][3])),
        (("seconds",), content["seconds"]),
    ]
    assert len(places) > 100
    for place, value in places:
        copied.write_text(json.dumps(edited(content, place, value)))
        with pytest.raises(ValueError, match="changed after it was written"):
            Result.load(copied)
    for change in (
        {"machine": content["machine"] | {"processor": "abacus"}},
        {"history": content["history"][:-1]},
        {"sha256": "0" * 64},
    ):
        copied.write_text(json.dumps(content | change))
        with pytest.raises(ValueError, match="changed after it was written"):
            Result.load(copied)
    # As it was, however it is laid out.
    copied.write_text(json.dumps(content, indent=1, sort_keys=True))
    assert Result.load(copied) == Result.load(path)


# ---------------------------------------------------------------- runs that are repeated


SHARED = ROOT.parent / "shared" / "data"
SOURCES = {CIFAR: "cifar10_subset.npz", LETTERS: "ocr_letters.npz", DIGITS: None}


def images_of(digest):
    """Return the file of images, or skip where it is not there."""
    if digest is None:
        return None
    path = SHARED / SOURCES[digest]
    if not path.exists():
        pytest.skip(f"needs ../shared/data/{path.name}")
    return path


@pytest.mark.parametrize("digest", SOURCES, ids=["CIFAR-10", "letters", "digits"])
def test_the_images_are_those_that_the_runs_name(digest):
    source = images_of(digest)
    train, test = load_splits("digits" if source is None else source)
    if digest is not None:
        assert content_digest(train, test) == digest
    labels_of = {}
    for image, label in zip(train.images, train.labels.tolist(), strict=True):
        labels_of.setdefault(image.tobytes(), []).append(label)
    conflicting = [of for of in labels_of.values() if len(set(of)) > 1]
    assert sum(map(len, conflicting)) == stored_run.LEFT_OUT[digest]
    of_class = [50] * train.K if test is None else np.bincount(test.labels).tolist()
    assert of_class == stored_run.TEST_IMAGES[digest]


@pytest.mark.slow
@pytest.mark.parametrize("digest", [CIFAR, LETTERS], ids=["CIFAR-10", "letters"])
def test_every_stored_run_begins_as_a_network_does_on_these_images(digest, tmp_path):
    """Before the first step: weights, subset, normalisation, losses and norms."""
    source = images_of(digest)
    for run in select(RUNS, digest=digest):
        run.save(tmp_path)
    # Nothing is to be changed, and nothing is.
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(before) >= 84
    assert store_anew(tmp_path, [source]) == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


CHEAPEST = {
    CIFAR: "cifar10_subset-3000of10-L3-bias-W0.0005-H1e-05-w128-e200-warmup0.5-s1-",
    LETTERS: "ocr_letters-5500of26-L3-bias-W0.0005-H1e-05-w128-e200-warmup0.5-headscale2-s2-",
}


@pytest.mark.slow
@pytest.mark.parametrize("digest", CHEAPEST, ids=["CIFAR-10", "letters"])
def test_a_stored_run_is_repeated(digest, tmp_path, record_error):
    """From its file and the images alone; some twenty seconds on one core that is free."""
    (stored,) = [run for run in RUNS if run.experiment.name.startswith(CHEAPEST[digest])]
    repeated = experiments.run(
        stored.experiment, tmp_path, images=images_of(digest), device="cpu", threads=1,
        progress=False,
    )  # fmt: skip
    stored_run.assert_repeated(repeated, stored, record_error)


class EnoughError(Exception):
    """Enough epochs have been seen."""


def kind(run):
    config = run.experiment.config
    return run.experiment.data, config.width, config.head, config.last_relu, config.depth


ONE_OF_EACH = {kind(run): run for run in RUNS}


@pytest.mark.slow
@pytest.mark.parametrize("stored", ONE_OF_EACH.values(), ids=map(str, ONE_OF_EACH))
def test_one_run_of_each_kind_goes_its_first_steps_again(stored, tmp_path, monkeypatch):
    """A ReLU in the head or after the features, and every width and depth too: three epochs."""
    evaluate, trainers = engine._Trainer._evaluate, []

    def until_enough(trainer):
        evaluate(trainer)
        trainers.append(trainer)
        if trainer.epoch == 3:
            raise EnoughError

    monkeypatch.setattr(engine._Trainer, "_evaluate", until_enough)
    with pytest.raises(EnoughError):
        experiments.run(
            stored.experiment, tmp_path, images=images_of(stored.experiment.digest), device="cpu",
            threads=1, progress=False,
        )  # fmt: skip
    history = trainers[-1].history
    assert [entry["epoch"] for entry in history] == [0, 1, 2, 3]
    for entry, expected in zip(history, stored.history, strict=False):
        stored_run.assert_near(entry, expected)


# ---------------------------------------------------------------- the tool that stores them anew


def test_runs_of_an_older_form_are_stored_anew(tmp_path):
    """Without a checksum, without all settings, under another name: with the same numbers."""
    images = np.random.default_rng(0).integers(0, 256, (300, 4, 4), dtype=np.uint8)
    labels = np.repeat([0, 1, 2], 100)
    source = tmp_path / "dots.npz"
    np.savez(source, images=images, labels=labels)
    config = TrainingConfig(depth=2, lambda_W=5e-3, lambda_H=1e-4, width=8, epochs=2)
    plan = experiments.Experiment("dots", [20, 10, 5], config)
    experiments.run(plan, tmp_path / "run", images=source, progress=False)
    (path,) = (tmp_path / "run").glob("*.json")
    new = path.read_bytes()
    old = json.loads(new)
    del old["sha256"], old["experiment"]["digest"], old["experiment"]["config"]["head_scale"]
    path.unlink()
    (tmp_path / "run" / "by hand.json").write_text(json.dumps(old))
    # What is of other images stays as it is.
    (digits,) = DIGITS_RUN.glob("*.json")
    (tmp_path / "run" / digits.name).write_bytes(digits.read_bytes())
    assert store_anew(tmp_path / "run", [source]) == 1
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").glob("*.json")} == {
        path.name: new,
        digits.name: digits.read_bytes(),
    }
    # Of other images under the same name it is not.
    np.savez(source, images=255 - images, labels=labels)
    with pytest.raises(OtherRunError, match="at first, stored is"):
        store_anew(tmp_path / "run", [source])
    assert path.read_bytes() == new
