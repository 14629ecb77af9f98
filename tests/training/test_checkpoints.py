"""Checkpoints: what is read is whole, harmless, and of the same run."""

import json
import logging
import math
import os
import pickle
import shutil
import time
import zipfile
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch

from nclib._files import sync_folder, write_whole
from nclib.training import engine
from nclib.training.checkpoints import (
    CheckpointError,
    CheckpointStore,
    Interval,
    last_good,
    newest,
)
from nclib.training.engine import TrainingConfig, train

STATE = {"epoch": 7, "weights": torch.arange(300.0), "history": [{"gap": 0.1, "none": None}]}


def data():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [9, 6, 4])
    return rng.standard_normal((3, 5))[labels], labels


def run(folder, resume=False, samples=None, test=None, **settings):
    small = {"depth": 2, "lambda_W": 0.01, "lambda_H": 0.001, "width": 8, "epochs": 5}
    return train(
        TrainingConfig(**small | settings), *(samples or data()), test=test,
        checkpoints=folder, checkpoint_epochs=1, resume=resume, progress=False,
    )  # fmt: skip


def same(first, second):
    return all(
        torch.equal(tensor, second.network.state_dict()[name])
        for name, tensor in first.network.state_dict().items()
    )


# ---------------------------------------------------------------- the store


def test_the_newest_two_are_kept(tmp_path):
    store = CheckpointStore(tmp_path / "made" / "here")
    assert store.load() is None
    for epoch in (9, 10, 100):
        store.save(epoch, STATE | {"epoch": epoch})
    assert [path.name for path in store.paths()] == ["epoch-00000010.pt", "epoch-00000100.pt"]
    loaded = store.load()
    assert loaded["epoch"] == 100
    assert loaded["history"] == STATE["history"]
    assert torch.equal(loaded["weights"], STATE["weights"])


def test_leftovers_and_other_files_are_no_checkpoints(tmp_path):
    store = CheckpointStore(tmp_path)
    store.save(1, STATE)
    (tmp_path / "unfinished.tmp").write_bytes(b"half of")
    (tmp_path / "notes.txt").write_text("mine")
    assert store.load()["epoch"] == 7
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch-00000001.pt", "notes.txt"]


def test_a_changed_byte_is_found_or_harmless(tmp_path):
    """One byte of a checkpoint changed, at 300 places: never other numbers than were written."""
    store = CheckpointStore(tmp_path)
    whole = store.save(1, STATE).read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for place in rng.choice(len(whole), 300, replace=False):
        changed = bytearray(whole)
        changed[place] ^= 1 << rng.integers(8)
        (tmp_path / "epoch-00000001.pt").write_bytes(changed)
        try:
            loaded = store.load()
        except CheckpointError:
            refused += 1
        else:
            assert loaded["history"] == STATE["history"]
            assert torch.equal(loaded["weights"], STATE["weights"])
    assert refused > 100


@pytest.mark.parametrize("damage", ["empty", "no archive", "half"])
def test_a_damaged_one_is_put_aside_and_the_one_before_it_read(tmp_path, damage, caplog):
    store = CheckpointStore(tmp_path)
    store.save(1, STATE)
    newest = store.save(2, STATE | {"epoch": 8})
    half = newest.read_bytes()[: newest.stat().st_size // 2]
    newest.write_bytes({"empty": b"", "no archive": b"PK\x03\x04 and more", "half": half}[damage])
    assert store.load()["epoch"] == 7
    assert "epoch-00000002.pt.damaged: no checkpoint (" in caplog.text
    assert "trying the checkpoint before it" in caplog.text
    assert [path.name for path in store.paths()] == ["epoch-00000001.pt"]
    assert newest.with_name("epoch-00000002.pt.damaged").exists()


def test_none_whole_is_an_error_that_names_all(tmp_path):
    store = CheckpointStore(tmp_path)
    for epoch in (1, 2):
        store.save(epoch, STATE).write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"00000002.pt.damaged: .*00000001.pt.damaged: "):
        store.load()


def test_another_format_is_named(tmp_path, monkeypatch):
    store = CheckpointStore(tmp_path)
    store.save(1, STATE)
    monkeypatch.setattr("nclib.training.checkpoints._FORMAT", 2)
    store.save(2, STATE)
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match=r"00000002\.pt is whole, .* of format 2, not 1"):
        store.load()
    assert sorted(tmp_path.iterdir()) == store.paths()
    assert len(store.paths()) == 2


class FromElsewhere:
    """What `torch.load` does not know; not harmful."""


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"format": 1, "state": {"scale": np.float64(2)}}, "holds what is never loaded"),
        ({"format": 1, "state": {"x": np.arange(3)}}, "holds what is never loaded"),
        ({"format": 1, "state": FromElsewhere()}, "holds what is never loaded"),
        ({"weights": torch.arange(3)}, "not written by nclib"),
        ([1, 2], "not written by nclib"),
    ],
    ids=["a scalar of numpy", "an array", "another class", "weights alone", "a list"],
)
def test_what_is_whole_keeps_its_name(tmp_path, content, words):
    store = CheckpointStore(tmp_path)
    store.save(1, STATE)
    torch.save(content, tmp_path / "epoch-00000002.pt")
    before = (tmp_path / "epoch-00000002.pt").read_bytes()
    for _ in range(2):
        with pytest.raises(CheckpointError, match=rf"00000002\.pt is whole, but .*{words}"):
            store.load()
    assert len(store.paths()) == len(list(tmp_path.iterdir())) == 2
    assert (tmp_path / "epoch-00000002.pt").read_bytes() == before


def test_a_checkpoint_of_a_later_torch_keeps_its_name(tmp_path):
    """Its archive says that it needs a later reader, with the right checksum."""
    store = CheckpointStore(tmp_path)
    newest = store.save(1, STATE)
    with zipfile.ZipFile(newest) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    (version,) = [name for name in members if name.endswith("/version")]
    with zipfile.ZipFile(newest, "w") as archive:
        for name, member in members.items():
            archive.writestr(name, b"999\n" if name == version else member)
    with pytest.raises(CheckpointError, match=r"is whole, but torch .*999"):
        store.load()
    assert [path.name for path in tmp_path.iterdir()] == [newest.name]


@pytest.mark.parametrize("error", [PermissionError(13, "no"), OSError(5, "I/O error")])
@pytest.mark.parametrize("when", ["open", "read"])
def test_what_the_system_refuses_keeps_its_name(tmp_path, monkeypatch, error, when):
    store = CheckpointStore(tmp_path)
    newest = store.save(1, STATE)

    def refused(*_, **__):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(*((Path, "open") if when == "open" else (zipfile.ZipFile, "read")), refused)
        if when == "read":
            patch.setattr(zipfile.ZipFile, "testzip", refused)
        with pytest.raises(type(error), match=str(error.strerror)):
            store.load()
    assert [path.name for path in tmp_path.iterdir()] == [newest.name]
    assert store.load()["epoch"] == 7


def test_scalars_of_numpy_are_written_as_numbers(tmp_path):
    store = CheckpointStore(tmp_path)
    state = {
        "f8": np.float64(0.1), "f4": np.float32(0.1), "f2": np.float16(0.1), "i": np.int8(3),
        "b": np.bool_(True), "s": np.str_("mlp"), "array": np.array(2.5),
        np.int64(4): [np.float64(1), (np.uint8(2), None)],
    }  # fmt: skip
    store.save(1, state)
    loaded = store.load()
    expected = {
        "f8": 0.1, "f4": float(np.float32(0.1)), "f2": float(np.float16(0.1)), "i": 3,
        "b": True, "s": "mlp", "array": 2.5, 4: [1.0, (2, None)],
    }  # fmt: skip
    assert loaded == expected
    assert [type(value) for value in loaded.values()] == [type(v) for v in expected.values()]


@pytest.mark.parametrize(
    ("state", "where"),
    [
        ({"a": [{"x": np.arange(2)}]}, r"state\['a'\]\[0\]\['x'\] .* got numpy.ndarray"),
        ({"a": Path("x")}, r"state\['a'\] must be a tensor or a plain value; got pathlib"),
        ({(1, object()): 2}, r"a key of state\[1\] must be"),
        ({"a": np.longdouble(1)}, r"state\['a'\] must be"),
    ],
)
def test_what_could_not_be_read_is_not_written(tmp_path, state, where):
    store = CheckpointStore(tmp_path)
    store.save(1, STATE)
    with pytest.raises(TypeError, match=where):
        store.save(2, state)
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-00000001.pt"]


@pytest.mark.parametrize("keep", [0, -1, 1.5, None, True])
def test_at_least_one_is_kept(tmp_path, keep):
    with pytest.raises(ValueError, match="keep must be a whole number, at least 1"):
        CheckpointStore(tmp_path, keep)


def test_as_many_are_kept_as_is_said(tmp_path):
    store = CheckpointStore(tmp_path, keep=1)
    for epoch in (1, 2, 3):
        store.save(epoch, STATE)
    assert [path.name for path in store.paths()] == ["epoch-00000003.pt"]
    CheckpointStore(tmp_path, keep=3).save(2, STATE)
    assert len(store.paths()) == 2


def test_the_newest_of_a_folder_is_by_its_number(tmp_path):
    assert newest(tmp_path / "nowhere") is None
    assert newest(tmp_path) is None
    for name in ("epoch-00000009.pt", "epoch-123456789.pt", "epoch-00000010.pt", "z.pt"):
        (tmp_path / name).touch()
    assert newest(tmp_path) == (tmp_path / "epoch-123456789.pt", 123456789)


def test_the_last_good_one_is_named(tmp_path):
    store = CheckpointStore(tmp_path)
    assert last_good(None) == last_good(store) == "There is no checkpoint."
    for epoch in (3, 4, 5):
        store.save(epoch, STATE)
    assert last_good(store) == f"The last good checkpoint is {tmp_path / 'epoch-00000005.pt'}."


def test_one_that_somebody_else_removes_is_not_missed(tmp_path, monkeypatch):
    store = CheckpointStore(tmp_path, keep=1)
    gone = tmp_path / "epoch-00000001.pt"
    monkeypatch.setattr(store, "paths", lambda: [gone, tmp_path / "epoch-00000002.pt"])
    assert store.save(2, STATE).exists()


def test_a_folder_that_is_gone_with_the_one_around_it_is_made_again(tmp_path):
    store = CheckpointStore(tmp_path / "runs" / "one")
    shutil.rmtree(tmp_path / "runs")
    assert store.save(1, STATE).exists()


def test_what_keeps_a_file_from_being_opened_is_what_is_said(tmp_path, monkeypatch):
    store = CheckpointStore(tmp_path)

    def refuse(path, *arguments):
        raise OSError(28, "No space left")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(OSError, match="No space left"):
        store.save(1, STATE)


def test_too_little_memory_is_no_damage(tmp_path, monkeypatch):
    store = CheckpointStore(tmp_path)
    path = store.save(1, STATE)

    def too_large(*arguments, **options):
        raise MemoryError

    monkeypatch.setattr(torch, "load", too_large)
    with pytest.raises(MemoryError):
        store.load()
    assert path.exists()


@pytest.mark.parametrize(
    ("epochs", "seconds", "due"),
    [
        (3, math.inf, [3, 6, 9]),
        (1, math.inf, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (None, math.inf, []),
        (None, 20, [2, 4, 6, 8]),
        (None, 0.5, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (None, 0, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (4, 30, [3, 4, 7, 8]),
    ],
)
def test_one_is_due_after_epochs_or_seconds(monkeypatch, epochs, seconds, due):
    """Of epochs that take ten seconds each, counted from the last checkpoint."""
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    interval, written = Interval(epochs, seconds), []
    for epoch in range(1, 10):
        now += 10
        if interval.reached(epoch):
            written.append(epoch)
            interval.restart()
    assert written == due


def test_intervals_are_positive():
    with pytest.raises(ValueError, match=r"checkpoint_epochs must be .*at least 1; got 0"):
        Interval(0, 1)
    with pytest.raises(ValueError, match=r"checkpoint_seconds must be at least 0 .*got -0\.5"):
        Interval(None, -0.5)


def test_a_folder_that_somebody_removes_costs_no_training(tmp_path, monkeypatch, caplog):
    """A second command that has finished the same run, say."""
    folder = tmp_path / "run"
    expected = run(tmp_path / "alone")
    save = CheckpointStore.save

    def removed_before(store, epoch, state):
        if epoch in (2, 3):
            shutil.rmtree(folder)
        if epoch == 3:
            monkeypatch.setattr(Path, "mkdir", refused)
        try:
            return save(store, epoch, state)
        finally:
            monkeypatch.setattr(Path, "mkdir", mkdir)

    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    mkdir = Path.mkdir
    monkeypatch.setattr(CheckpointStore, "save", removed_before)
    assert same(run(folder), expected)
    assert "no checkpoint of epoch 3 ([Errno 13] Permission denied)" in caplog.text
    assert "There is no checkpoint." in caplog.text
    assert [path.name for path in CheckpointStore(folder).paths()] == [
        "epoch-00000004.pt",
        "epoch-00000005.pt",
    ]


def watched_system_calls(monkeypatch):
    """Record what goes to the disk, in order: ("sync" or "rename", name of the file or folder)."""
    calls = []
    sync, rename = os.fsync, os.replace

    def watched_sync(descriptor):
        calls.append(("sync", Path(f"/proc/self/fd/{descriptor}").readlink().name))
        sync(descriptor)

    def watched_rename(old, new):
        calls.append(("rename", Path(old).name, Path(new).name))
        rename(old, new)

    monkeypatch.setattr(os, "fsync", watched_sync)
    monkeypatch.setattr(os, "replace", watched_rename)
    return calls


on_linux = pytest.mark.skipif(
    not Path("/proc/self/fd").exists(), reason="names of open files are asked of Linux"
)


@on_linux
def test_a_checkpoint_is_on_the_disk_before_it_has_its_name_and_before_others_go(
    tmp_path, monkeypatch
):
    store = CheckpointStore(tmp_path / "run", keep=1)
    store.save(1, STATE)
    calls = watched_system_calls(monkeypatch)
    remove = Path.unlink

    def watched_removal(path, missing_ok=False):
        calls.append(("remove", path.name))
        remove(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", watched_removal)
    store.save(2, STATE)
    assert calls == [
        ("sync", "unfinished.tmp"),
        ("rename", "unfinished.tmp", "epoch-00000002.pt"),
        ("sync", "run"),
        ("remove", "epoch-00000001.pt"),
    ]


@on_linux
def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """Else a power cut leaves an empty file under the name of the result."""
    folder = tmp_path / "results"
    folder.mkdir()
    calls = watched_system_calls(monkeypatch)
    write_whole(folder / "a.json", b"all of it")
    (sync, scratch), (rename, old, new), last = calls
    assert (sync, rename, new) == ("sync", "rename", "a.json")
    assert scratch == old != new
    assert last == ("sync", "results")


@pytest.mark.parametrize(("number", "passes"), [(22, True), (95, True), (13, True), (5, False)])
def test_file_systems_that_can_not_sync_a_folder(tmp_path, monkeypatch, number, passes):
    """EINVAL, ENOTSUP and EACCES are no error of the file, EIO is one."""

    def refused(_):
        raise OSError(number, "refused")

    monkeypatch.setattr(os, "fsync", refused)
    if passes:
        sync_folder(tmp_path)
    else:
        with pytest.raises(OSError, match="refused"):
            sync_folder(tmp_path)


class Malicious:
    """Pickles to a call."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("bare", [False, True], ids=["in a checkpoint", "a bare pickle"])
def test_code_in_a_checkpoint_is_refused_and_not_run(tmp_path, bare):
    marker, folder = tmp_path / "it ran", tmp_path / "run"
    run(folder)
    newest = CheckpointStore(folder).paths()[-1]
    attack = {"format": 1, "state": Malicious(marker)}
    newest.write_bytes(pickle.dumps(attack)) if bare else torch.save(attack, newest)
    for path in CheckpointStore(folder).paths()[:-1]:
        path.unlink()
    with pytest.raises(CheckpointError, match="no checkpoint can be read"):
        run(folder, resume=True)
    assert not marker.exists()
    # The attack is a real one. In an archive whose checksums are right nothing is damaged.
    (left,) = folder.iterdir()
    assert left.name == newest.name + ".damaged" * bare
    if bare:
        pickle.loads(left.read_bytes())
    else:
        assert zipfile.is_zipfile(left)
        torch.load(left, weights_only=False)
    assert marker.exists()


# ---------------------------------------------------------------- the run that goes on


def test_resuming_in_an_empty_folder_starts(tmp_path):
    assert same(run(tmp_path / "a", resume=True), run(tmp_path / "b"))


def test_resuming_a_finished_run_returns_it(tmp_path, monkeypatch):
    first = run(tmp_path)
    monkeypatch.delattr(engine._Trainer, "_train_epoch")
    again = run(tmp_path, resume=True)
    assert same(first, again)
    assert again.history == first.history


def test_a_run_with_a_damaged_checkpoint_ends_the_same(tmp_path):
    first = run(tmp_path)
    newest = CheckpointStore(tmp_path).paths()[-1]
    newest.write_bytes(newest.read_bytes()[:-100])
    assert same(first, run(tmp_path, resume=True))


def test_checkpoints_are_not_overwritten_unasked(tmp_path):
    run(tmp_path)
    with pytest.raises(CheckpointError, match=r"has checkpoints, the newest epoch-00000005\.pt"):
        run(tmp_path)
    with pytest.raises(ValueError, match="resume needs the folder of the checkpoints"):
        run(None, resume=True)


def test_another_run_is_not_taken_up(tmp_path):
    run(tmp_path)
    x, y = data()
    with pytest.raises(ValueError, match=r"another run: seed = 0 there, 1 here"):
        run(tmp_path, resume=True, seed=1)
    with pytest.raises(ValueError, match="another run: data = "):
        run(tmp_path, resume=True, samples=(x + 1e-6, y))
    with pytest.raises(ValueError, match="another run: data = "):
        run(tmp_path, resume=True, test=(x, y))
    assert run(tmp_path, resume=True).final["epoch"] == 5


SCALARS = [np.float64, np.float32, np.float16, np.longdouble, torch.tensor, np.array]


@pytest.mark.parametrize("scalar", SCALARS)
def test_settings_may_be_numbers_of_numpy_and_torch(tmp_path, scalar):
    """Every real setting, in every kind of number, is Python's float in the configuration."""
    values = {
        "lambda_W": 0.25, "lambda_H": 0.5, "head_scale": 2.0, "learning_rate": 0.125,
        "lambda_warmup": 0.5, "weight_decay": 0.25,
    }  # fmt: skip
    settings = {name: scalar(value) for name, value in values.items()}
    config = TrainingConfig(depth=2, **settings)
    real = {f.name for f in fields(TrainingConfig) if f.type in ("float", "tuple[float, ...]")}
    assert real == {*values, "lambda_b"}
    one = TrainingConfig(depth=1, lambda_W=1, lambda_H=1, lambda_b=scalar(0.25))
    assert type(one.lambda_b) is float
    assert one.lambda_b == 0.25
    for name, value in values.items():
        has = getattr(config, name)
        for number in has if name == "lambda_W" else (has,):
            assert type(number) is float
            assert number == value
    first = run(tmp_path, **settings)
    assert same(first, run(tmp_path, resume=True, **settings))
    assert same(first, run(tmp_path, resume=True, **values))
    assert not list(tmp_path.glob("*.damaged"))


def test_whole_numbers_flags_and_names_are_plain_too(tmp_path):
    odd = {
        "depth": np.int64(2), "width": np.uint8(8), "epochs": np.int16(3),
        "batch_size": np.array(4), "evaluations": torch.tensor(2), "seed": np.uint64(1),
        "feature_dim": np.int32(5), "bias": np.bool_(False), "last_relu": np.bool_(True),
        "backbone": np.str_("mlp"), "head": np.str_("relu"), "schedule": np.str_("step"),
        "dtype": np.str_("float64"),
    }  # fmt: skip
    others = {"lambda_W", "lambda_H", "lambda_b", "head_scale", "learning_rate", "lambda_warmup"}
    others |= {"loss", "sampling"}  # records, not numbers
    assert set(odd) == {f.name for f in fields(TrainingConfig)} - others - {"weight_decay"}
    first = run(tmp_path, **odd)
    for name in odd:
        assert type(getattr(first.config, name)) in (int, bool, str), name
    json.dumps(first.to_dict())
    assert same(first, run(tmp_path, resume=True, **odd))


def test_numbers_that_are_equal_make_configurations_that_are_equal_to_the_letter():
    a = TrainingConfig(depth=1, lambda_W=1, lambda_H=1, head_scale=2, weight_decay=-0.0)
    b = TrainingConfig(depth=1, lambda_W=1.0, lambda_H=1.0, head_scale=2.0)
    assert json.dumps(a.to_dict()) == json.dumps(b.to_dict())


def test_another_machine_is_said(tmp_path, monkeypatch, caplog):
    run(tmp_path)
    machine = engine.machine_facts
    monkeypatch.setattr(engine, "machine_facts", lambda device: machine(device) | {"threads": 64})
    with caplog.at_level(logging.WARNING):
        run(tmp_path, resume=True)
    threads = torch.get_num_threads()
    assert f"the run began elsewhere (threads {threads} -> 64): it goes on" in caplog.text
    assert "equal to rounding but not bit for bit" in caplog.text
