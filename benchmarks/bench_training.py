"""Time the training engine against a plain PyTorch loop, in one run on one machine.

Run by ``make bench``. All train the paper's network on images of CIFAR-10's shape: width 2048, a
head of six layers, batches of 128. They take turns, a few batches each, round after round; printed
are medians over the rounds, and of ratios the median of the rounds' ratios, so that a machine with
other work to do is fair to all. Nothing is asserted here: machines differ, and the numbers are for
reading.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import VisionDataset

from nclib.training import engine
from nclib.training.config import Precision
from nclib.training.engine import TrainingConfig, chosen_device
from nclib.training.networks import Network, make_network
from nclib.training.numerics import matrix_products

SHAPE, CLASSES, BATCH = (3, 32, 32), 10, 128
SETTINGS = {"depth": 6, "lambda_W": 5e-4, "lambda_H": 1e-5}
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.247, 0.243, 0.262)
BATCHES, ROUNDS = 4, 7

Step = Callable[[], object]


# ------------------------------------------------------------ what is compared


class Images(VisionDataset):
    """Images in memory, served one by one as torchvision's CIFAR10 does."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        pipeline = transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
        super().__init__(root=".", transform=pipeline)
        self.data, self.targets = images, labels.tolist()

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.data[index])), self.targets[index]


def ordinary(network: Network) -> tuple[nn.Sequential, nn.Sequential]:
    """Return the same backbone and head, of PyTorch's own layers."""

    def linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
        layer = nn.Linear(*reversed(weight.shape), bias=bias is not None, device=weight.device)
        layer.weight.data.copy_(weight)
        if bias is not None:
            layer.bias.data.copy_(bias)
        return layer

    layers: list[nn.Module] = [nn.Flatten()]
    for weight, bias in zip(network.backbone.weights, network.backbone.biases, strict=True):
        layers += [linear(weight, bias), nn.ReLU()]
    *inner, last = network.head.weights
    head = [linear(W, None) for W in inner] + [linear(last, network.head.b)]
    return nn.Sequential(*layers[:-1]), nn.Sequential(*head)


def objective(features: Tensor, logits: Tensor, y: Tensor, N: int) -> Tensor:
    """Compute the loss of a batch; the penalty of the head is the optimiser's weight decay."""
    error = logits - nn.functional.one_hot(y, CLASSES)
    weight = N * SETTINGS["lambda_H"]
    return (error.square().sum() + weight * features.square().sum()) / (2 * len(y))


def adam(backbone: nn.Module, head: nn.Module, **how: bool) -> torch.optim.Adam:
    """Make Adam with the penalty on the head's weights."""
    decayed = [p for p in head.parameters() if p.ndim == 2]
    others = [*backbone.parameters(), *(p for p in head.parameters() if p.ndim == 1)]
    groups = [{"params": decayed, "weight_decay": SETTINGS["lambda_W"]}, {"params": others}]
    return torch.optim.Adam(groups, lr=1e-4, **how)


def plain(images: np.ndarray, labels: np.ndarray, device: torch.device) -> Step:
    """Return the loop that most people write."""
    backbone, head = ordinary(new_network(device))
    optimizer = adam(backbone, head)
    dataset = Images(images, labels)

    def endless() -> Iterator[list[Tensor]]:
        while True:
            yield from DataLoader(dataset, BATCH, shuffle=True, num_workers=1)

    loader = endless()

    def step() -> None:
        right = 0
        for _ in range(BATCHES):
            x, y = (part.to(device) for part in next(loader))
            optimizer.zero_grad()
            features = backbone(x)
            objective(features, head(features), y, len(images)).backward()
            optimizer.step()
            with torch.no_grad():
                right += (head(backbone(x)).argmax(dim=1) == y).sum().item()

    return step


def resident(x: Tensor, y: Tensor, top_down: bool) -> Step:
    """Return a loop with its data in one tensor, fused Adam and one forward pass.

    With `top_down` the head is multiplied from the top: K rows instead of a batch's.
    """
    backbone, head = ordinary(new_network(x.device))
    optimizer = adam(backbone, head, fused=True)

    def step() -> None:
        for rows in torch.randperm(len(x), device=x.device)[: BATCHES * BATCH].split(BATCH):
            optimizer.zero_grad()
            features = backbone(x[rows])
            if top_down:
                product = head[-1].weight
                for layer in reversed(head[:-1]):
                    product = product @ layer.weight
                logits = nn.functional.linear(features, product, head[-1].bias)
            else:
                logits = head(features)
            objective(features, logits, y[rows], len(x)).backward()
            optimizer.step()

    return step


def by_engine(x: Tensor, y: Tensor, dtype: Precision) -> Step:
    """Return the engine's own epochs, of as many batches."""
    few = BATCHES * BATCH
    config = TrainingConfig(**SETTINGS, dtype=dtype)
    trainer = engine._Trainer(config, x[:few], y[:few], None, x.device)
    reused = trainer.network.reused_gradients() if x.device.type == "cpu" else nullcontext()

    def endless() -> Iterator[float]:
        with reused:  # from step to step, as in a run
            while True:
                yield trainer._train_epoch()

    return endless().__next__


def new_network(device: torch.device) -> Network:
    return make_network(SHAPE, CLASSES, depth=SETTINGS["depth"]).to(device)


# ------------------------------------------------------------ what the machine can do


def product(device: torch.device, precision: str) -> tuple[Step, float]:
    """Return a large matrix product and how many operations it has."""
    size = 2048 if device.type == "cpu" else 8192
    a, b, c = (torch.rand(size, size, device=device) for _ in range(3))
    if precision == "bfloat16" and device.type != "cpu":
        a, b, c = (matrix.bfloat16() for matrix in (a, b, c))

    def step() -> None:
        with matrix_products(precision, device):
            torch.mm(a, b, out=c)

    return step, 2.0 * size**3


def stream(device: torch.device) -> tuple[Step, float]:
    """Return a sum of two long vectors and how many bytes it moves."""
    a, b, c = (torch.rand(1 << 26, device=device) for _ in range(3))
    return lambda: torch.add(a, b, out=c), 3.0 * 4 * a.numel()


def work(network: Network) -> tuple[float, float]:
    """Count operations in matrix products, and bytes moved at least, for one step of a batch.

    Forwards once, backwards twice, but for the gradient of the input. Fused Adam reads four numbers
    for each weight and writes three; products read each weight twice and write its gradient.
    """
    maps = [W.numel() for W in network.backbone.weights]
    inner = [W.numel() for W in network.head.weights]
    operations = 2.0 * BATCH * (3 * (sum(maps) + inner[-1]) - maps[0])
    operations += 2.0 * 3 * CLASSES * sum(inner[:-1])
    return operations, 10.0 * 4 * sum(p.numel() for p in network.parameters())


# ------------------------------------------------------------ measuring


def seconds(step: Step, device: torch.device) -> float:
    start = time.perf_counter()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def main() -> None:
    """Print one table."""
    device = chosen_device()
    name = torch.cuda.get_device_name() if device.type == "cuda" else platform.machine()
    print(
        f"{name}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, "
        f"Python {platform.python_version()}, torch {torch.__version__}\n"
    )
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.tile(np.arange(CLASSES), 512))
    images = rng.integers(0, 256, (labels.size, *SHAPE[1:], SHAPE[0]), dtype=np.uint8)
    x = torch.stack([sample for sample, _ in Images(images, labels)]).to(device)
    y = torch.from_numpy(labels).to(device)
    methods = {
        "plain loop": plain(images, labels, device),
        "data in one tensor, fused Adam": resident(x, y, top_down=False),
        "head from the top as well": resident(x, y, top_down=True),
        "nclib, float32": by_engine(x, y, "float32"),
        "nclib, bfloat16": by_engine(x, y, "bfloat16"),
    }
    yardsticks = {
        "memory": stream(device),
        "matrix product, float32": product(device, "float32"),
        "matrix product, bfloat16": product(device, "bfloat16"),
    }
    steps = methods | {what: step for what, (step, _) in yardsticks.items()}
    rounds = [
        {what: seconds(step, device) for what, step in steps.items()} for _ in range(ROUNDS + 1)
    ][1:]  # The first does what is only done once.
    times = {what: np.array([row[what] for row in rounds]) for what in steps}
    rates = {what: amount / times[what] for what, (_, amount) in yardsticks.items()}
    for what, rate in rates.items():
        unit = "GB/s" if what == "memory" else "Gflop/s"
        print(f"{what:<32}{np.median(rate) / 1e9:9,.0f} {unit}")
    network = new_network(torch.device("cpu"))
    operations, moved = work(network)
    for what in methods:
        step = times[what] / BATCHES
        ratio = np.median(times["plain loop"] / times[what])
        line = f"{what:<32}{np.median(BATCH / step):9,.0f} samples/s{ratio:7.2f} x"
        if what.startswith("nclib"):
            rate = rates[f"matrix product, {what.rpartition(' ')[2]}"]
            floor = operations / rate + moved / rates["memory"]
            line += (
                f"; {np.median(operations / step / rate):.0%} of the matrix product's rate, "
                f"{np.median(floor / step):.0%} of the floor"
            )
        print(line)
    # Two moments, each read and written.
    moments = 4.0 * sum(p.numel() for p in network.parameters())
    step = times["nclib, float32"] / BATCHES
    for form, saved in (("bfloat16", 2), ("8 bits", 3)):
        share = np.median(saved * moments / rates["memory"] / step)
        print(f"Adam's moments in {form} would take at most {share:.0%} off a step in float32.")


if __name__ == "__main__":
    main()
