"""The table of schedules: what was trained, and how far each schedule came."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import nclib as nc
from nclib.training.results import load_ways
from tools import schedules

ROOT = Path(__file__).resolve().parents[2]
WAYS = load_ways(ROOT / "book" / "results" / "schedules.json")

# Of the figures, as set before any run.
AIMS = {"gap": 1e-3, "nc2_w": 0.01, "nc2_h": 0.01, "nc2_wh": 0.01, "nc3": 0.03}


def test_the_table_has_every_schedule():
    assert {name: way.config for name, way in WAYS.items()} == {
        name: schedules.configuration(changes) for name, changes in schedules.SCHEDULES.items()
    }


@pytest.mark.parametrize("name", WAYS)
def test_a_schedule_that_came_to_the_aims_ends_within_them(name):
    way = WAYS[name]
    optimum = nc.global_minimizer(way.config.problem(nc.ClassCounts.cifar10_paper()))
    within = way.alive == optimum.alive and all(way.end[key] < aim for key, aim in AIMS.items())
    assert (way.epochs_to_aims is not None) == within
    assert way.epochs_to_aims is None or 0 < way.epochs_to_aims <= way.config.epochs


def test_the_words_below_the_table_are_those_of_its_numbers():
    notebook = json.loads((ROOT / "book" / "08-networks-bias-free.ipynb").read_text("utf-8"))
    (cell,) = [cell for cell in notebook["cells"] if cell["id"] == "schedules-words"]
    words = "".join(cell["source"])
    usual, best = WAYS["as in the figures"], WAYS["450 epochs"]
    assert f"after {best.epochs_to_aims} epochs, the schedule of the figures after" in words
    assert f"the schedule of the figures after {usual.epochs_to_aims}:" in words
    assert "**A third fewer epochs.**" in words
    assert best.epochs_to_aims / usual.epochs_to_aims == pytest.approx(2 / 3, abs=0.05)
    assert best.config.learning_rate == 1.5 * usual.config.learning_rate
    assert "half as much again in\nthe rate, over 450 epochs" in words
    fixed = [way for way in WAYS.values() if way.config.schedule == "constant"]
    assert {way.config.epochs for way in fixed} == {600, 1500}
    assert "not within the aims after 600 epochs, nor\nafter 1,500" in words
    assert all(way.epochs_to_aims is None for way in fixed)
    others = [way for way in WAYS.values() if way.epochs_to_aims]
    assert others == [usual, best]


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 700)
    pixels = rng.integers(0, 256, (labels.size, 4, 4), dtype=np.uint8)
    path = tmp_path / "noise.npz"
    np.savez(path, images=pixels, labels=labels)
    return path


def test_what_is_in_the_table_is_not_trained_again(images, tmp_path, monkeypatch):
    short = {"width": 4, "epochs": 1, "batch_size": 3000}
    few = {"first": short, "second": {**short, "seed": 1}}
    monkeypatch.setattr(schedules, "SCHEDULES", few)
    table = tmp_path / "table.json"
    trained = []

    def train(config, samples, labels, **options):
        trained.append((config.seed, samples.shape, np.bincount(labels).tolist()))
        return real(config, samples, labels, progress=False, **options)

    real = schedules.train
    monkeypatch.setattr(schedules, "train", train)

    def call(*arguments):
        monkeypatch.setattr(
            sys, "argv", ["schedules", str(images), "--out", str(table), *arguments]
        )
        schedules.main()

    counts = nc.ClassCounts.cifar10_paper().n.tolist()
    call("--only", "second")
    assert trained == [(1, (3000, 16), counts)]
    call()
    assert trained == [(1, (3000, 16), counts), (0, (3000, 16), counts)]
    call()
    assert len(trained) == 2
    assert list(json.loads(table.read_text(encoding="utf-8"))) == ["first", "second"]
    ways = load_ways(table)
    assert {name: way.config for name, way in ways.items()} == {
        name: schedules.configuration(changes) for name, changes in few.items()
    }
    assert all(way.epochs_to_aims is None and way.end["gap"] > 1 for way in ways.values())
