"""Checkpoints where the disk is full, the folder gone, or more than one is damaged."""

import errno
import logging
import shutil
from pathlib import Path

import pytest
import torch
from small_runs import blobs, config

from nclib.training.checkpoints import CheckpointStore, last_good
from nclib.training.engine import train

FULL = Path("/dev/full")
STATE = {"weights": torch.zeros(3)}


@pytest.mark.skipif(not FULL.exists(), reason="a device that is always full is not on every system")
def test_the_error_of_a_full_disk_is_the_systems_own(tmp_path):
    store = CheckpointStore(tmp_path)
    first = store.save(1, STATE)
    unfinished = tmp_path / "unfinished.tmp"
    unfinished.symlink_to(FULL)
    with pytest.raises(OSError, match="No space left") as error:
        store.save(2, {"weights": torch.zeros(10**6)})
    assert error.value.errno == errno.ENOSPC
    assert store.paths() == [first]
    assert not unfinished.is_symlink()


def test_training_goes_on_without_a_checkpoint(tmp_path, monkeypatch, caplog):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(CheckpointStore, "save", full)
    run = config(epochs=2)
    with caplog.at_level(logging.WARNING):
        result = train(run, *blobs(), checkpoints=tmp_path, checkpoint_epochs=1, progress=False)
    assert result.final["epoch"] == 2
    for epoch in (1, 2):
        assert f"no checkpoint of epoch {epoch} ([Errno 28] No space left" in caplog.text
    assert "training goes on. There is no checkpoint." in caplog.text


def test_a_folder_that_is_gone_with_all_above_it_is_made_again(tmp_path):
    store = CheckpointStore(tmp_path / "a" / "b")
    shutil.rmtree(tmp_path / "a")
    path = store.save(1, STATE)
    assert store.paths() == [path]


def test_each_damaged_one_is_named_in_the_log(tmp_path, caplog):
    store = CheckpointStore(tmp_path, keep=3)
    paths = [store.save(epoch, STATE | {"epoch": epoch}) for epoch in (1, 2, 3)]
    for path in paths[1:]:
        path.write_bytes(b"")
    assert store.load()["epoch"] == 1
    for path in paths[1:]:
        assert f"{path.name}.damaged: no checkpoint" in caplog.text


def test_the_last_good_one_is_the_newest_however_many_there_are(tmp_path):
    store = CheckpointStore(tmp_path, keep=3)
    for epoch in (1, 2, 3, 4):
        path = store.save(epoch, STATE)
        assert last_good(store) == f"The last good checkpoint is {path}."
