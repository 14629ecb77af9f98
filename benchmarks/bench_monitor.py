"""Time epochs of a small convolutional network with and without the monitor, in turns.

Run by ``make bench``. CPU time of one thread, so that what else the machine does matters
less; the least of several epochs of each kind. Nothing is asserted here: the numbers are for
reading.
"""

from __future__ import annotations

import platform
import time

import torch
from torch import nn

import nclib as nc
from nclib.training.monitor import Monitor
from nclib.training.networks import ConvNet

EPOCHS = 7
CASES = [
    ("8 x 8 grey, 10 classes", (1, 8, 8), 10, 64),
    ("32 x 32 colour, 10 classes", (3, 32, 32), 10, 128),
    ("32 x 32 colour, 100 classes", (3, 32, 32), 100, 128),
]


def main() -> None:
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, one thread, {platform.machine()}")
    print(f"{'images':28}  {'epoch':>8}  {'watched':>8}  {'evaluation':>10}")
    for name, shape, K, batch_size in CASES:
        counts = nc.ClassCounts([1280 // K] * K)
        torch.manual_seed(0)
        labels = torch.arange(1280 // K * K) % K
        samples = torch.randn(len(labels), *shape)
        batches = list(zip(samples.split(batch_size), labels.split(batch_size), strict=True))
        backbone = ConvNet(shape, 64, generator=torch.Generator().manual_seed(0))
        model = nn.Sequential(backbone, nn.Linear(64, K))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)

        def epoch(batches, model=model, optimizer=optimizer):
            began = time.process_time()
            for x, y in batches:
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(x), y).backward()
                optimizer.step()
            return time.process_time() - began

        plain, watched, evaluation = [], [], []
        epoch(batches)
        monitor = Monitor(model, counts, optimizer=optimizer)
        for _ in range(EPOCHS):
            plain.append(epoch(batches))
            with monitor:
                epoch(monitor.watch(batches))
                watched.append(epoch(monitor.watch(batches)))
                began = time.process_time()
                monitor.evaluate(batches)
                evaluation.append(time.process_time() - began)
        base = min(plain)
        print(
            f"{name:28}  {base:6.3f} s  {min(watched) / base - 1:+8.1%}  "
            f"{min(evaluation) / base:+10.1%}"
        )


if __name__ == "__main__":
    main()
