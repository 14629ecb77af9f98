"""Train scripts as people write them, and store what the monitor says of each at its end.

``python -m tools.script_runs --data DIR --out book/results/scripts [--only WORD] [--jobs J]``

Two sets. *verdict*: does the monitor's verdict hold? The limits in `nclib.diagnosis.validity` were
set on the rows with the digits of scikit-learn; those with CIFAR-10 (`cifar10_subset.npz` in DIR)
judge them. *decay*: weight decay on all layers and no penalty on the features: which classes are
lost, and which rule would have said so? A row that has its result is left alone.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from joblib import Parallel, delayed
from torch import Tensor, nn

import nclib as nc
from nclib._files import write_whole
from nclib._records import plain_values
from nclib.diagnosis.validity import judge
from nclib.training.data import Normalization, imbalanced_subset, load_images, to_tensors
from nclib.training.monitor import Monitor

COUNTS = {
    "digits": (120, 120, 120, 40, 40, 40, 10, 10, 10, 10),
    "cifar10_subset": (500, 350, 250, 180, 130, 90, 60, 40, 30, 20),
}

RATIO = 13.0
"""lambda_W over lambda_H."""


@dataclass(frozen=True)
class Case:
    """A script: its data, loss, optimiser, penalties and network."""

    name: str
    images: str = "digits"
    loss: str = "mse"
    optimizer: str = "adam"
    strength: float | None = None
    """N sqrt(lambda_W lambda_H) over the root of the smallest count: at 1 its classes merge, for
    one layer. None: no penalty on the features, and weight_decay as it is."""
    weight_decay: float = 0.0
    everywhere: bool = False
    """Weight decay on all layers and biases, not on the head alone."""
    before_head: str = "nothing"
    bias: bool = True
    depth: int = 1
    sampler: str = "none"
    augmented: bool = False
    class_weights: bool = False
    smoothing: float = 0.0
    adjustment: float = 0.0
    warm_up: float = 0.0
    """Share of the epochs over which the penalties rise from 0.001 of their size."""
    below: int = 3
    """Layers below the head."""
    activation: str = "relu"
    width: int = 64
    epochs: int = 500
    seed: int = 0


def _verdict_cases() -> Iterator[Case]:
    weak, strong = 0.23, 1.15
    yield Case("squared error, feature penalty", strength=weak)
    yield Case("squared error, feature penalty, strong", strength=strong)
    yield Case("squared error, feature penalty, SGD", strength=0.5, optimizer="sgd")
    yield Case("squared error, feature penalty, no bias", strength=strong, bias=False)
    yield Case(
        "squared error, feature penalty, ReLU before the head", strength=weak, before_head="relu"
    )
    yield Case(
        "squared error, feature penalty, ReLU, no bias",
        strength=0.8,
        bias=False,
        before_head="relu",
    )
    yield Case("squared error, feature penalty, LayerNorm", strength=0.7, before_head="norm")
    yield Case("squared error, feature penalty, AdamW", strength=0.5, optimizer="adamw")
    yield Case("squared error, feature penalty, noise on the images", strength=0.5, augmented=True)
    yield Case("squared error, feature penalty, balanced sampler", strength=0.5, sampler="balanced")
    yield Case("squared error, feature penalty and decay everywhere", strength=0.5, everywhere=True)
    yield Case("squared error, decay everywhere", weight_decay=3e-3, everywhere=True)
    yield Case("cross-entropy, feature penalty", strength=0.5, loss="ce")
    yield Case("cross-entropy, feature penalty, strong", strength=1.2, loss="ce")
    yield Case("cross-entropy, smoothing, feature penalty", strength=1.1, loss="ce", smoothing=0.1)
    yield Case("cross-entropy, decay everywhere", weight_decay=1e-2, everywhere=True, loss="ce")
    yield Case("squared error, 3 layers, feature penalty", strength=0.23, depth=3)
    yield Case(
        "squared error, 3 layers, feature penalty, raised", strength=0.15, depth=3, warm_up=0.5
    )


def _judged_cases() -> Iterator[Case]:
    base = Case("", images="cifar10_subset", epochs=300, width=128, below=6, warm_up=0.25)
    weak, strong = 0.3, 1.3
    cases: list[tuple[str, dict[str, Any]]] = [
        ("squared error, feature penalty", {"strength": weak}),
        ("squared error, feature penalty, strong", {"strength": strong}),
        ("squared error, feature penalty, SGD", {"strength": 0.8, "optimizer": "sgd"}),
        (
            "squared error, feature penalty, ReLU before the head",
            {"strength": 0.8, "before_head": "relu"},
        ),
        (
            "squared error, feature penalty, ReLU, no bias",
            {"strength": 1.2, "bias": False, "before_head": "relu"},
        ),
        (
            "squared error, feature penalty, batch norm",
            {"strength": 0.6, "before_head": "batchnorm"},
        ),
        ("squared error, feature penalty, AdamW", {"strength": 0.8, "optimizer": "adamw"}),
        (
            "squared error, feature penalty, noise on the images",
            {"strength": 0.8, "augmented": True},
        ),
        (
            "squared error, feature penalty and decay everywhere",
            {"strength": 0.8, "everywhere": True},
        ),
        ("squared error, decay everywhere", {"weight_decay": 3e-3, "everywhere": True}),
        ("squared error, balanced sampler and its counts", {"strength": 0.6, "sampler": "counts"}),
        ("cross-entropy, feature penalty", {"strength": 0.6, "loss": "ce"}),
        ("cross-entropy, feature penalty, strong", {"strength": 1.4, "loss": "ce"}),
        (
            "cross-entropy, weights 1/n, feature penalty",
            {"strength": 1.2, "loss": "ce", "class_weights": True},
        ),
        (
            "cross-entropy, logit adjustment, feature penalty",
            {"strength": 1.4, "loss": "ce", "adjustment": 1.0},
        ),
        (
            "cross-entropy, decay everywhere",
            {"weight_decay": 1e-2, "everywhere": True, "loss": "ce"},
        ),
        ("squared error, feature penalty, all of it at once", {"strength": 0.3, "warm_up": 0.0}),
        ("squared error, 3 layers, feature penalty", {"strength": 0.2, "depth": 3, "warm_up": 0.5}),
        (
            "squared error, 3 layers, all of it at once",
            {"strength": 0.3, "depth": 3, "warm_up": 0.0},
        ),
    ]
    for name, changes in cases:
        yield replace(base, name=name, **changes)


def _decay_cases() -> Iterator[Case]:
    for activation in ("linear", "relu"):
        # One layer has no ReLU after it.
        for below in (1, 2, 4) if activation == "linear" else (2, 4):
            for weight_decay in (1e-3, 3e-3, 1e-2):
                for seed in range(3):
                    yield Case(
                        f"{activation}, {below} below, {weight_decay:g}, {seed}",
                        weight_decay=weight_decay,
                        everywhere=True,
                        activation=activation,
                        below=below,
                        seed=seed,
                    )


SETS = {
    "thresholds": _verdict_cases,
    "judged": _judged_cases,
    "decay": _decay_cases,
}


def samples(case: Case, data: Path) -> tuple[nc.ClassCounts, Tensor, Tensor]:
    """Return the counts, the images as vectors, and the labels."""
    images = load_images("digits" if case.images == "digits" else data / f"{case.images}.npz")
    counts = nc.ClassCounts(COUNTS[case.images], names=images.class_names)
    subset = imbalanced_subset(images, counts, seed=0)
    x, y = to_tensors(subset, Normalization.of(images), flat=True)
    return counts, x.float(), y


def network(case: Case, inputs: int, K: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Return layers below the head, and the head."""
    layers: list[nn.Module] = []
    for j in range(case.below):
        layers.append(nn.Linear(inputs if j == 0 else case.width, case.width))
        if j < case.below - 1 and case.activation == "relu":
            layers.append(nn.ReLU())
    extra: dict[str, list[nn.Module]] = {
        "nothing": [],
        "relu": [nn.ReLU()],
        "norm": [nn.LayerNorm(case.width)],
        "batchnorm": [nn.BatchNorm1d(case.width)],
    }
    layers += extra[case.before_head]
    inner = [nn.Linear(case.width, case.width, bias=False) for _ in range(case.depth - 1)]
    return nn.Sequential(*layers), nn.Sequential(*inner, nn.Linear(case.width, K, bias=case.bias))


def penalties(case: Case, counts: nc.ClassCounts) -> tuple[float, float]:
    """Return weight_decay and mu of the script."""
    if case.strength is None:
        return case.weight_decay, 0.0
    c = 1.0 if case.loss == "ce" else 2 / counts.K
    product = case.strength * np.sqrt(counts.n.min()) / counts.N
    lambda_H = product / np.sqrt(RATIO)
    return c * RATIO * lambda_H, c * counts.N * lambda_H / 2


def train(case: Case, data: Path) -> dict[str, Any]:
    """Train a script to rest, and return what the monitor found."""
    began = time.monotonic()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(case.seed)
    counts, X, Y = samples(case, data)
    K = counts.K
    below, head = network(case, X.shape[1], K)
    model = nn.Sequential(below, head)
    weight_decay, mu = penalties(case, counts)
    everywhere = weight_decay * case.everywhere
    head_biases = [p for n, p in head.named_parameters() if n.endswith("bias")]
    groups = [
        {"params": [p for p in head.parameters() if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [*below.parameters(), *head_biases], "weight_decay": everywhere},
    ]
    rate = {"adam": 3e-3, "adamw": 3e-3, "sgd": 0.1}[case.optimizer]
    rate /= 1 if case.images == "digits" else 3
    make: Any = {
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
        "sgd": lambda g, lr: torch.optim.SGD(g, lr=lr, momentum=0.9),
    }[case.optimizer]
    optimizer = make(groups, lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, case.epochs)
    shares = torch.as_tensor(counts.n / counts.N, dtype=torch.float32)
    weights = 1 / shares if case.class_weights else None
    full = [group["weight_decay"] for group in optimizer.param_groups]
    draws = (1 / shares)[Y].double() if case.sampler != "none" else None
    watched = nc.ClassCounts([counts.N // K] * K) if case.sampler == "counts" else counts

    def loss_of(z: Tensor, y: Tensor) -> Tensor:
        if case.loss == "mse":
            return nn.functional.mse_loss(z, nn.functional.one_hot(y, K).float())
        z = z + case.adjustment * shares.log()
        return nn.functional.cross_entropy(z, y, weight=weights, label_smoothing=case.smoothing)

    batch = 40 if case.images == "digits" else 128
    names = [f"1.{j}" for j in range(case.depth)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Monitor(model, watched, optimizer=optimizer, head=names) as monitor:
            for epoch in range(case.epochs):
                rise = 1.0
                if case.warm_up:
                    rise = 1e-3 ** max(0.0, 1 - epoch / (case.warm_up * case.epochs))
                for group, decay in zip(optimizer.param_groups, full, strict=True):
                    group["weight_decay"] = rise * decay
                order = (
                    torch.randperm(len(Y))
                    if draws is None
                    else torch.multinomial(draws, len(Y), replacement=True)
                )
                batches = [(X[rows], Y[rows]) for rows in torch.split(order, batch)]
                looked_at = epoch in (0, case.epochs - 1)
                for x, y in monitor.watch(batches) if looked_at else batches:
                    if case.augmented:
                        x = x + 0.3 * torch.randn_like(x)
                    h = below(x)
                    objective = loss_of(head(h), y) + rise * mu * h.square().sum(dim=1).mean()
                    optimizer.zero_grad()
                    objective.backward()
                    optimizer.step()
                schedule.step()
            row = monitor.evaluate([(X, Y)])
            first = first_layer_lambda_H(below[0], X, Y, monitor)
            return _result(case, monitor, row, first, time.monotonic() - began)


def first_layer_lambda_H(layer: nn.Module, X: Tensor, Y: Tensor, monitor: Monitor) -> float | None:
    """Return the lambda_H that the outputs of the first layer have through its weight decay.

    Their class means M and the layer's weight W are as if ``lambda_H ||M D||^2 = lambda_W ||W||^2``
    were the penalty on features, all layers above being the head.
    """
    script = monitor.script
    if script is None or script.lambda_W is None or not isinstance(layer, nn.Linear):
        return None
    with torch.no_grad():
        outputs = layer(X).double()
    n = torch.bincount(Y).double()
    means = torch.stack([outputs[k == Y].mean(dim=0) for k in range(len(n))])
    centred = means - n @ means / n.sum()
    size = float((n[:, None] * centred**2).sum())
    return script.lambda_W[0] * float(layer.weight.double().square().sum()) / size


def _result(
    case: Case, monitor: Monitor, row: dict[str, float], first: float | None, seconds: float
) -> dict[str, Any]:
    seen = monitor.observation
    assert seen is not None
    # The verdict without a look at the classes: else it could not be wrong.
    blind = judge(replace(seen, contradicted=()))
    names = monitor.counts.names or [str(k) for k in range(monitor.counts.K)]
    accuracy = [row[f"accuracy {name}"] for name in names]
    best = monitor.minimizer
    predicted = None if best is None else best.training_accuracy().per_class
    content = {
        "case": asdict(case),
        "counts": COUNTS[case.images],
        "script": str(monitor.script),
        "answer": blind.answer,
        "lost": [k for k, share in enumerate(accuracy) if share < 0.5],
        "predicted_lost": None if predicted is None else np.flatnonzero(predicted < 0.5),
        "accuracy_by_class": accuracy,
        "lambda_W": None if monitor.script is None else monitor.script.lambda_W,
        "lambda_H": row["lambda_H"],
        "lambda_H_of_first_layer": first,
        "observation": {
            "rest": seen.rest,
            "lambda_H": seen.lambda_H,
            "gap": seen.gap,
            "within": seen.within,
            "mean": seen.mean,
            "lost_modes": seen.lost_modes,
            "depth": seen.depth,
            "on_edge": seen.on_edge,
            "outside": [one.what for one in seen.outside],
        },
        "z": None if monitor.modes is None else monitor.modes.z,
        "seconds": round(seconds, 1),
        "torch": torch.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
    }
    plain: dict[str, Any] = plain_values(content)
    return plain


def main() -> None:
    """Read the command line and do the runs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the images")
    parser.add_argument("--out", type=Path, required=True, help="folder of results")
    parser.add_argument("--set", choices=sorted(SETS), nargs="*", default=sorted(SETS))
    parser.add_argument("--only", default="", help="rows with these letters in the name")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for name in given.set:
        path = given.out / f"{name}.json"
        done = json.loads(path.read_text(encoding="utf-8"))["runs"] if path.exists() else []
        known = [row["case"] for row in done]
        todo = [
            case for case in SETS[name]() if asdict(case) not in known and given.only in case.name
        ]
        order = [asdict(case) for case in SETS[name]()]
        for row in Parallel(n_jobs=given.jobs, return_as="generator_unordered")(
            delayed(train)(case, given.data) for case in todo
        ):
            done.append(row)
            done.sort(key=lambda row: order.index(row["case"]) if row["case"] in order else -1)
            write_whole(path, (json.dumps({"runs": done}, indent=1) + "\n").encode())
            print(
                f"{name}: {row['case']['name']}: {row['answer']}; lost {row['lost']}, predicted "
                f"{row['predicted_lost']}; {row['seconds']} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
