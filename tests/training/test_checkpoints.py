"""Checkpoints: what is read is whole, harmless, and of the same run."""

import logging
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from nclib.training import engine
from nclib.training.checkpoints import CheckpointError, CheckpointStore
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
    monkeypatch.setattr("nclib.training.checkpoints._FORMAT", 2)
    CheckpointStore(tmp_path).save(1, STATE)
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="of format 2, not 1"):
        CheckpointStore(tmp_path).load()


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
    # The attack is a real one.
    (damaged,) = folder.glob("*.damaged")
    if bare:
        pickle.loads(damaged.read_bytes())
    else:
        assert zipfile.is_zipfile(damaged)
        torch.load(damaged, weights_only=False)
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


def test_another_machine_is_said(tmp_path, monkeypatch, caplog):
    run(tmp_path)
    machine = engine._machine
    monkeypatch.setattr(engine, "_machine", lambda device: machine(device) | {"threads": 64})
    with caplog.at_level(logging.WARNING):
        run(tmp_path, resume=True)
    threads = torch.get_num_threads()
    assert f"the run began elsewhere (threads {threads} -> 64): it goes on" in caplog.text
    assert "equal to rounding but not bit for bit" in caplog.text
