"""A run that is killed, or finds the disk full, and goes on, ends as if nothing had been."""

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import killed_run
import pytest
import torch

from nclib.training.checkpoints import CheckpointStore
from nclib.training.engine import TrainingConfig, train

HERE = Path(__file__).parent

if not hasattr(os, "fork"):
    pytest.skip("no fork, no SIGKILL", allow_module_level=True)


def run_python(*arguments, under=()):
    """Run Python in a process of its own, where this folder can be imported too."""
    done = subprocess.run(
        [*under, sys.executable, *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE.parent.parent), str(HERE)])},
        capture_output=True,
        text=True,
        timeout=3600,  # hangs
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def content(folder):
    """All that the last checkpoint of a run holds, as bytes and plain values, without its clock."""

    def plain(value):
        if isinstance(value, torch.Tensor):
            return str(value.dtype), tuple(value.shape), value.numpy().tobytes()
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items() if key != "seconds"}
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        return value

    return plain(CheckpointStore(folder).load())


def assert_same_to_the_bit(folder, reference, epochs):
    ours, theirs = content(folder), content(reference)
    for part in theirs:
        assert ours[part] == theirs[part], part
    assert ours.keys() == theirs.keys()
    assert ours["epoch"] == epochs


# ---------------------------------------------------------------- kill -9


def check_kills(folder, kills, **settings):
    deaths = json.loads(run_python("-m", "killed_run", folder, str(kills), json.dumps(settings)))
    # The run that nobody kills is the reference.
    assert deaths.pop("never") == []
    epochs = (killed_run.SETTINGS | settings)["epochs"]
    for way, places in deaths.items():
        assert_same_to_the_bit(folder / way, folder / "never", epochs)
        # A kill from outside may come too late.
        assert 1 <= len(places) <= kills
        assert way == "at any moment" or len(places) == kills
    # Each really struck where it says.
    for place in deaths["in the middle of the file"] + deaths["before the file is renamed"]:
        assert "unfinished.tmp" in place
    for place in deaths["before old ones are removed"]:
        assert "unfinished.tmp" not in place
    assert any(len(place) == 3 for place in deaths["before old ones are removed"])
    return sum(map(len, deaths.values()))


def test_a_killed_run_ends_bit_for_bit_as_an_uninterrupted_one(tmp_path):
    assert check_kills(tmp_path, kills=4) >= 13


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_many_kills(dtype, tmp_path):
    assert check_kills(tmp_path, kills=40, epochs=160, dtype=dtype) > 120


# ---------------------------------------------------------------- a full disk


def small_run(folder, **options):
    config = TrainingConfig(**killed_run.SETTINGS | {"epochs": 6})
    return train(
        config, *killed_run.data(), checkpoints=folder, checkpoint_epochs=1, progress=False,
        **options,
    )  # fmt: skip


def test_a_write_that_fails_half_way_loses_nothing(tmp_path, monkeypatch, caplog):
    """The system itself ends the file at half of its size."""
    import resource

    save = CheckpointStore.save

    def limited(store, epoch, state):
        if epoch < 4:
            return save(store, epoch, state)
        size = store.paths()[-1].stat().st_size
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, limits[1]))
        try:
            return save(store, epoch, state)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    monkeypatch.setattr(CheckpointStore, "save", limited)
    result = small_run(tmp_path)
    names = ["epoch-00000002.pt", "epoch-00000003.pt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == 3
    assert "no checkpoint of epoch 4 ([Errno 27] File too large)" in warnings[0]
    assert f"The last good checkpoint is {tmp_path / names[1]}" in warnings[0]

    monkeypatch.undo()
    resumed = small_run(tmp_path, resume=True)
    for name, tensor in result.network.state_dict().items():
        assert torch.equal(tensor, resumed.network.state_dict()[name]), name


NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")


def can_mount():
    """Tell whether a process may have file systems of its own."""
    mount = ["mount", "-t", "tmpfs", "tmpfs", tempfile.gettempdir()]
    if not shutil.which(NAMESPACE[0]):
        return False
    return subprocess.run([*NAMESPACE, *mount], capture_output=True, check=False).returncode == 0


def run_on_a_small_disk(folder):
    """In a process of its own: fill a disk with room for two checkpoints, then make it larger."""
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", disk], check=True)
    logging.basicConfig(filename=folder / "log")
    small_run(disk / "run")
    print(*sorted(path.name for path in (disk / "run").iterdir()))
    subprocess.run(["mount", "-o", "remount,size=10m", disk], check=True)
    small_run(disk / "run", resume=True)
    small_run(folder / "reference")
    assert content(disk / "run") == content(folder / "reference")


@pytest.mark.slow
@pytest.mark.skipif(not can_mount(), reason="may not mount a small disk")
def test_a_full_disk_loses_nothing(tmp_path):
    code = f"import test_kill_and_resume as t; t.run_on_a_small_disk(t.Path({str(tmp_path)!r}))"
    kept = run_python("-c", code, under=NAMESPACE)
    assert kept.split() == ["epoch-00000001.pt", "epoch-00000002.pt"]
    log = (tmp_path / "log").read_text()
    for epoch in (3, 4, 5, 6):
        assert f"no checkpoint of epoch {epoch} ([Errno 28] No space left on device)" in log
