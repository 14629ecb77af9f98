"""Runs that are killed again and again, by SIGKILL, and taken up each time. No test by itself.

``python killed_run.py FOLDER KILLS SETTINGS`` trains once without interruption, and once for each
way to die, killed at most KILLS times. Each run leaves its checkpoints in a folder named after its
way; printed is what lay there at each death. torch is imported once and children are forked: a kill
costs nothing but the child.
"""

import json
import os
import random
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch

from nclib.training import checkpoints
from nclib.training.engine import TrainingConfig, train

SETTINGS = {
    "depth": 2,
    "lambda_W": 0.01,
    "lambda_H": 0.001,
    "width": 24,
    "epochs": 40,
    "batch_size": 16,
    "learning_rate": 1e-3,
    "schedule": "cosine",
    "lambda_warmup": 0.25,
    "evaluations": 10,
}
WAYS = (
    "at any moment",
    "in the middle of the file",
    "before the file is renamed",
    "before old ones are removed",
)


def data():
    """Make 59 samples of 3 classes."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.repeat_interleave(torch.arange(3), torch.tensor([30, 20, 9]))
    means = torch.randn(3, 8, generator=generator)
    return means[labels] + 0.1 * torch.randn(59, 8, generator=generator), labels


def run(config, folder):
    """Train in a child, with a checkpoint after every epoch; return its process id."""
    child = os.fork()
    if child == 0:
        train(config, *data(), checkpoints=folder, checkpoint_epochs=1, resume=True, progress=False)
        os._exit(0)
    return child


def die(*_args, **_kwargs):
    """Die as by ``kill -9``."""
    os.kill(os.getpid(), signal.SIGKILL)


def half_then_die(sink, data):
    """Write half of a piece, and die."""
    sink.file.write(bytes(data)[: len(data) // 2])
    sink.file.flush()
    die()


def nth(function, n, instead):
    """`function`, but call number n is `instead`."""
    calls = iter(range(1, 10**9))

    def wrapped(*args, **kwargs):
        return (instead if next(calls) == n else function)(*args, **kwargs)

    return wrapped


def run_to_die(way, dice, config, folder, epochs):
    """Run a child that is killed within the next `epochs` epochs, or so; return its id."""
    n = dice.randint(1, epochs)
    if way == "in the middle of the file":
        writes = checkpoints._Sink.write
        checkpoints._Sink.write = nth(writes, dice.randint(1, 300 * n), half_then_die)
        child = run(config, folder)
        checkpoints._Sink.write = writes
    elif way == "before the file is renamed":
        rename = os.replace
        os.replace = nth(rename, n, die)
        child = run(config, folder)
        os.replace = rename
    elif way == "before old ones are removed":
        sync = checkpoints.CheckpointStore._sync_folder
        checkpoints.CheckpointStore._sync_folder = nth(sync, n, die)
        child = run(config, folder)
        checkpoints.CheckpointStore._sync_folder = sync
    else:
        goal = newest(folder) + n
        child = run(config, folder)
        while newest(folder) < goal and is_running(child):
            time.sleep(0.001)
        time.sleep(dice.uniform(0, 0.02))
        os.kill(child, signal.SIGKILL)
    return child


def is_running(child):
    """Tell whether a child has not ended yet, and leave it to be waited for."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def newest(folder):
    """Return the epoch of the newest checkpoint, 0 if there is none."""
    return max((int(path.stem.removeprefix("epoch-")) for path in folder.glob("*.pt")), default=0)


def main():
    """Fork, kill, and fork again."""
    folder, kills, settings = Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
    config = TrainingConfig(**SETTINGS | settings)
    torch.set_num_threads(1)
    # What torch imports only when it is needed, children would import again and again.
    train(replace(config, epochs=1), *data(), progress=False)
    # After a kill the system still writes what it was given. Only a power cut needs this, and here
    # it would take nearly all of the time.
    os.fsync = lambda _: None
    dice = random.Random()
    deaths = {}
    for way in ("never", *WAYS):
        place = folder / way
        place.mkdir()
        deaths[way] = []
        while True:
            if way == "never" or len(deaths[way]) == kills:
                child = run(config, place)
            else:
                child = run_to_die(way, dice, config, place, config.epochs // kills)
            _, status = os.waitpid(child, 0)
            if not os.WIFSIGNALED(status):
                break
            deaths[way].append(sorted(path.name for path in place.iterdir()))
        if os.WEXITSTATUS(status) != 0:
            sys.exit(f"a child failed: {way}")
    print(json.dumps(deaths))


if __name__ == "__main__":
    main()
