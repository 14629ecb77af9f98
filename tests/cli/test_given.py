"""What is given to a command reaches what does the work; what is not given is as documented."""

import io
import os
import sys
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
import rich.progress

from nclib.cli import app
from nclib.cli.reproduce import watched
from nclib.teaching import grading
from nclib.teaching.grading import Limits, Marks
from nclib.training import data, experiments
from nclib.training.checkpoints import CheckpointStore
from nclib.training.paper import paper_figure
from nclib.training.results import result_path

IMAGES = SimpleNamespace(class_names=("cat", "dog", "eel"))


class Calls:
    """Stands for a function, and stops the command there."""

    def __init__(self):
        self.seen = []

    def __call__(self, *arguments, **options):
        self.seen.append((arguments, options))
        raise ValueError("seen enough")


class Bar:
    """Stands for a progress bar."""

    def __init__(self, *_, **options):
        self.options, self.total, self.advanced, self.completed = options, 0, 0, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def add_task(self, _, total):
        self.total = total

    def advance(self, _, steps):
        self.advanced += steps

    def update(self, _, completed):
        self.completed.append(completed)


@pytest.fixture
def bars(monkeypatch):
    """All progress bars that are begun."""
    begun = []
    monkeypatch.setattr(
        rich.progress,
        "Progress",
        lambda *columns, **options: begun.append(Bar(**options)) or begun[-1],
    )
    return begun


# ---------------------------------------------------------------- train


@pytest.fixture
def trained(monkeypatch):
    """What `run` is called with."""
    calls = Calls()
    monkeypatch.setattr(experiments, "run", calls)
    monkeypatch.setattr(data, "load_images", lambda *_, **__: IMAGES)
    return calls


def asked(calls, nclib, *arguments):
    outcome = nclib(*arguments)
    assert outcome.code == 1
    assert outcome.err.splitlines()[-1] == "error: seen enough"
    return calls.seen.pop()


def test_train_without_options_is_what_its_help_says(nclib, trained):
    (experiment, _), options = asked(trained, nclib, "train")
    config = experiment.config
    assert (experiment.data, experiment.counts.n.tolist()) == ("digits", [60] * 4 + [20] * 6)
    assert (config.depth, config.bias, config.width, config.epochs) == (2, True, 64, 1000)
    assert (config.lambda_W, config.lambda_H) == ((2e-2, 2e-2), 1e-3)
    assert (config.learning_rate, config.schedule) == (5e-3, "cosine")
    assert (config.lambda_warmup, config.head_scale, config.seed) == (0.5, 1, 0)
    assert options == {
        "images": None, "root": None, "download": False, "device": None, "threads": None,
        "progress": True,
    }  # fmt: skip


def test_train_hands_on_what_it_is_given(nclib, trained, tmp_path):
    (experiment, folder), options = asked(
        trained, nclib, "train", "digits", "-L", 3, "--counts", ",".join(["9"] * 10), "--lambda-W",
        1, "--lambda-W", 2, "--lambda-W", 3, "--lambda-H", 4, "--no-bias", "--width", 12,
        "--epochs", 5, "--learning-rate", 0.5, "--lambda-warmup", 0, "--head-scale", 6, "--seed", 7,
        "--out", tmp_path / "there" / "runs", "--root", tmp_path, "--download", "--device", "cpu",
        "--threads", 8, "--json",
    )  # fmt: skip
    config = experiment.config
    assert (config.depth, config.bias, config.width, config.epochs) == (3, False, 12, 5)
    assert (config.lambda_W, config.lambda_H) == ((1, 2, 3), 4)
    assert (config.learning_rate, config.lambda_warmup) == (0.5, 0)
    assert (config.head_scale, config.seed) == (6, 7)
    assert experiment.counts.n.tolist() == [9] * 10
    assert folder == tmp_path / "there" / "runs"
    assert folder.is_dir()
    assert options == {
        "images": None, "root": tmp_path, "download": True, "device": "cpu", "threads": 8,
        "progress": False,
    }  # fmt: skip


def test_where_nothing_is_kept_the_folder_is_gone_afterwards(nclib, trained):
    (_, folder), _ = asked(trained, nclib, "train")
    assert not folder.exists()


def test_other_images_than_the_digits_need_counts(nclib, trained):
    for name in ("cifar10", "pets.npz"):
        outcome = nclib("train", name)
        assert (outcome.code, outcome.out) == (2, "")
        assert "--counts is needed" in outcome.err
    asked(trained, nclib, "train", "digits")
    asked(trained, nclib, "train", "digits", "--counts", "5,5,5,5,5,5,5,5,5,5")


def test_counts_by_name_are_those_of_the_images_that_are_given(
    nclib, trained, tmp_path, monkeypatch
):
    loaded = []
    monkeypatch.setattr(data, "load_images", lambda name, **_: loaded.append(name) or IMAGES)
    monkeypatch.setattr(experiments, "on_images", lambda given, _: given)
    (tmp_path / "counts.csv").write_text("eel,3\ncat,2\ndog,1\n")
    (tmp_path / "pets.npz").touch()
    for name in ("digits", tmp_path / "pets.npz"):
        (experiment, _), _ = asked(
            trained, nclib, "train", name, "--counts", tmp_path / "counts.csv"
        )  # fmt: skip
        assert experiment.counts.n.tolist() == [2, 1, 3]
        # Of images known by name it is looked whether they are there.
        assert loaded == ([name, name] if name == "digits" else [name])
        loaded.clear()


def test_a_run_that_was_not_interrupted_begins_anew_and_says_so(nclib, trained, tmp_path):
    assert nclib("train", "--resume").code == 2
    words = "has no interrupted run with these settings and images: it begins anew."
    for more, said in ((("--resume",), True), ((), False)):
        outcome = nclib("train", "--out", tmp_path, *more)
        assert (words in outcome.err) == said
    (experiment, _), _ = trained.seen.pop()
    CheckpointStore(tmp_path / ".checkpoints" / experiment.name).save(3, {})
    assert nclib("train", "--out", tmp_path).failed("has an interrupted run", "--resume")
    outcome = nclib("train", "--out", tmp_path, "--resume")
    assert outcome.err == "error: seen enough\n"


def test_who_downloads_is_not_told_to_download(nclib, monkeypatch, tmp_path):
    def missing(*_, **options):
        raise FileNotFoundError(f"not there, download={options['download']}")

    monkeypatch.setattr(data, "load_images", missing)
    for more, hint in (((), True), (("--download",), False)):
        for command in (("reproduce", "--figure", 1, "--out", tmp_path), ("train",)):
            outcome = nclib(*command, *more)
            assert outcome.err.splitlines()[-1] == (
                f"error: not there, download={not hint}"
                + "; here: --download, or another data set" * hint
            )


def test_a_name_that_is_neither_known_nor_a_path_is_said_by_what_loads_images(
    nclib, monkeypatch, tmp_path
):
    def unknown(name):
        raise ValueError(f"nobody knows {name}")

    monkeypatch.setattr(data, "load_images", unknown)
    for command in (("reproduce", "--figure", 1, "--data"), ("train", "--counts", "5,5")):
        assert nclib(*command, "pets").failed("nobody knows pets")


def test_nothing_is_held_out_of_images_that_have_a_test_set(nclib, monkeypatch, tmp_path):
    monkeypatch.setattr(experiments, "sweep", lambda *_, **__: [])
    labels = np.repeat(np.arange(10), 3)
    images = np.random.default_rng(0).integers(0, 256, (60, 2, 2), dtype=np.uint8)
    split = np.repeat(["train", "test"], 30)
    whole = {"images": images, "labels": np.tile(labels, 2)}
    np.savez(tmp_path / "split.npz", **whole, split=split)
    np.savez(tmp_path / "whole.npz", **whole)
    for name, held_out in (("split", False), ("whole", True)):
        outcome = nclib(
            "reproduce", "--figure", 1, "--data", tmp_path / f"{name}.npz", "--out", tmp_path
        )
        assert ("50 images of each class were held out" in outcome.err) == held_out


# ---------------------------------------------------------------- reproduce


@pytest.fixture
def swept(monkeypatch):
    """What `sweep` is called with, of images that are all there; and whether a bar is shown."""
    seen = []

    @contextmanager
    def bar(total, left, *, shown):
        seen.append(("bar", total, left(), shown))
        yield

    def sweep(planned, folder, **options):
        seen.append(("sweep", planned, folder, options))
        return []

    monkeypatch.setattr(experiments, "sweep", sweep)
    monkeypatch.setattr(
        data, "load_images", lambda *given, **options: seen.append((given, options))
    )
    monkeypatch.setattr("nclib.cli.reproduce.watched", bar)
    return seen


def test_reproduce_without_options_is_the_small_figure_one_run_at_a_time(
    nclib, swept, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert nclib("reproduce", "--figure", 2).out == "No results.\n"
    loaded, bar, (_, planned, folder, options) = swept
    assert loaded == (("emnist-letters",), {"root": None, "download": False})
    assert bar == ("bar", 3, 3, False)
    assert planned == paper_figure(2, "small")
    assert f"{folder}" == "results"
    assert options == {
        "jobs": 1, "images": None, "root": None, "download": False, "device": None,
        "threads": None, "progress": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "jobs", "threads", "progress", "bar"),
    [
        ((), 1, None, True, False),
        (("--json",), 1, None, False, False),
        (("--threads", 3), 1, 3, True, False),
        (("--jobs", 2), 2, 1, False, True),
        (("--jobs", 2, "--json"), 2, 1, False, False),
        (("--jobs", 2, "--threads", 3), 2, 3, False, True),
    ],
)
def test_one_run_has_a_bar_of_its_own_and_several_one_for_all(
    nclib, swept, tmp_path, given, jobs, threads, progress, bar
):
    """Several at a time have one thread each, where nothing else is said."""
    nclib("reproduce", "--figure", 1, "--seeds", 2, "--out", tmp_path, "--root", tmp_path, *given)
    _, shown, (_, planned, folder, options) = swept
    assert shown == ("bar", 6, 6, bar)
    assert (len(planned), folder, options["root"]) == (6, tmp_path, tmp_path)
    assert (options["jobs"], options["threads"]) == (jobs, threads)
    assert options["progress"] is progress


def test_of_a_figure_what_is_left_is_listed_with_what_has_begun(nclib, swept, tmp_path):
    planned = paper_figure(3, "small")
    for experiment in planned[:2]:
        result_path(experiment, tmp_path).touch()
    store = CheckpointStore(tmp_path / ".checkpoints" / planned[2].name)
    for begun in (False, True):
        if begun:
            store.save(1234, {})
        outcome = nclib("reproduce", "--figure", 3, "--out", tmp_path)
        first, second, last = outcome.err.splitlines()
        assert first == "Figure 3: 3 runs, 1 left to do."
        assert second == f"  {planned[2].name}{' (begun)' if begun else ''}"
        path = store.folder / "epoch-00001234.pt"
        end = f", 1 of them from a checkpoint, the newest {path} of epoch 1,234" * begun
        assert last == f"1 left to do; the same command goes on{end}."
    result_path(planned[2], tmp_path).touch()
    swept.clear()
    assert nclib("reproduce", "--figure", 3, "--out", tmp_path).err == (
        "Figure 3: 3 runs, 0 left to do.\n"
    )
    # Nothing is left for which images would be needed.
    assert [call[0] for call in swept] == ["bar", "sweep"]


def test_the_newest_checkpoint_is_the_one_written_last(nclib, swept, tmp_path):
    one, other, _ = paper_figure(1, "small")
    stores = [CheckpointStore(tmp_path / ".checkpoints" / each.name) for each in (one, other)]
    for store, epoch in zip(stores, (7, 5), strict=True):
        store.save(epoch, {})
    for newest, older, epoch in ((stores[0], stores[1], 7), (stores[1], stores[0], 5)):
        os.utime(newest.paths()[0], (2000, 2000))
        os.utime(older.paths()[0], (1000, 1000))
        outcome = nclib("reproduce", "--figure", 1, "--out", tmp_path)
        assert f"2 of them from a checkpoint, the newest {newest.paths()[0]} of epoch {epoch}." in (
            outcome.err
        )


def test_a_bar_for_all_runs_counts_the_results_that_are_there(bars):
    left = iter(range(9, 0, -1))
    with watched(10, lambda: next(left), shown=True):
        pass
    (bar,) = bars
    assert bar.total == 10
    assert bar.completed[-1] == 10 - 9 + (len(bar.completed) - 1)
    assert bar.options["console"].stderr
    with watched(10, lambda: 3, shown=False):
        pass
    assert len(bars) == 1


def test_the_bar_moves_while_runs_are_made(bars, monkeypatch):
    class Impatient(threading.Event):
        def wait(self, timeout=None):
            return super().wait(0.001)

    left, looked = 3, threading.Event()

    def count():
        if left == 1:
            looked.set()
        return left

    module = SimpleNamespace(Event=Impatient, Thread=threading.Thread)
    monkeypatch.setattr("nclib.cli.reproduce.threading", module)
    with watched(3, count, shown=True):
        left = 1
        assert looked.wait(10)
        left = 0
    assert bars[0].completed[-1] == 3
    assert set(bars[0].completed) <= {0, 2, 3}
    assert 2 in bars[0].completed


# ---------------------------------------------------------------- measure


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("json", [False, True])
@pytest.mark.parametrize("terminal", [False, True])
def test_a_bar_is_full_when_all_was_read_and_only_in_a_terminal(
    bars, tmp_path, monkeypatch, json, terminal, capsys
):
    labels = np.repeat(np.arange(3), [5, 4, 2])
    np.savez(tmp_path / "n.npz", features=np.eye(3)[labels], labels=labels, W=np.eye(3))
    monkeypatch.setattr(sys, "stderr", Terminal() if terminal else io.StringIO())
    app(["measure", f"{tmp_path / 'n.npz'}", "--lambda-W", "0.1", *["--json"] * json],
        standalone_mode=False)  # fmt: skip
    assert len(bars) == (terminal and not json)
    for bar in bars:
        assert bar.advanced == bar.total == 2 * 11
        assert bar.options["console"].stderr
        assert bar.options["transient"]


# ---------------------------------------------------------------- grade


def test_grade_hands_on_its_limits(nclib, monkeypatch, tmp_path):
    calls = Calls()
    monkeypatch.setattr(grading, "grade_folder", calls)
    command = ("grade", tmp_path, "--csv", tmp_path / "marks.csv")
    (folder,), options = asked(calls, nclib, *command)
    assert folder == tmp_path
    assert options == {
        "chapter": None, "seeds": None, "limits": Limits(60, 300, 4096 * 1024**2), "beside": (),
    }  # fmt: skip
    (tmp_path / "seeds.csv").write_text("ada,A-1\n")
    _, options = asked(
        calls, nclib, *command, "--chapter", "05", "--seeds", tmp_path / "seeds.csv", "--cell-time",
        1.5, "--time", 20, "--memory", 256, "--beside", "a", "--beside", "b",
    )  # fmt: skip
    assert options["seeds"] == {"ada": "A-1"}
    assert options["limits"] == Limits(1.5, 20, 2**28)
    assert list(map(str, options["beside"])) == ["a", "b"]


def test_the_marks_of_a_class_are_shown_and_written_after_each(nclib, monkeypatch, tmp_path):
    table = tmp_path / "marks.csv"
    class_ = [
        Marks("ada", "A-1", {"05-b.1": True, "05-b.2": True}),
        Marks("bob", "", {"05-b.1": False}, {"05-b.1": "five"}, ["late"]),
    ]
    monkeypatch.setattr(grading, "grade_folder", lambda *_, **__: iter(class_))
    outcome = nclib("grade", tmp_path, "--csv", table)
    assert outcome.err == "ada: 2 right, 2 answered\nbob: 0 right, 1 answered\n"
    words = "student right answered comment"
    assert f"{words} " in outcome.flat
    assert "ada 2 2 bob 0 1 late; 05-b.1: five" in outcome.flat
    assert table.read_text() == grading.table(class_)
    found = nclib("grade", tmp_path, "--csv", table, "--json").json
    assert found["csv"] == str(table)
    assert [one["seed"] for one in found["students"]] == ["A-1", None]
    assert found["students"][1] == {
        "student": "bob", "seed": None, "right": {"05-b.1": False}, "remarks": {"05-b.1": "five"},
        "notes": ["late"], "points": 0, "comment": "late; 05-b.1: five",
    }  # fmt: skip


# ---------------------------------------------------------------- predict


def test_classes_are_named_or_numbered_from_0(nclib, monkeypatch):
    from nclib import diagnosis

    chosen = Calls()
    monkeypatch.setattr(diagnosis, "predict", chosen)
    command = ("predict", "-", "-L", 1, "--lambda-W", 1e-3, "--lambda-H", 1e-3)

    def classes(counts, *names):
        options = [word for name in names for word in ("--class", name)]
        outcome = nclib(*command, *options, stdin=counts)
        return chosen.seen.pop()[0][2] if outcome.failed("seen enough") else None

    named, plain = "a,30\n1,20\nb,10\n", "30\n20\n10\n"
    assert classes(plain) is None
    assert classes(named, "b", "a", "2") == (2, 0, 2)
    assert classes(named, "1") == (1,)
    assert classes(plain, "0", "0000002") == (0, 2)
    for name in ("3", "-1", "1.0", "\N{SUPERSCRIPT TWO}", "\N{ARABIC-INDIC DIGIT TWO}", "9" * 5000):
        outcome = nclib(*command, "--class", name, stdin=plain)
        assert outcome.failed("no class of that name, and no number from 0 to 2")
