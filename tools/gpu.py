"""Check on a CUDA device what no other machine can show, in under ten minutes.

``python -m tools.gpu --images cifar10_subset.npz --out DIR`` runs the tests that need CUDA, times a
step of training against its floor (``benchmarks/bench_training.py``), and trains a network of
figure 1 at the paper's full settings: three layers, width 2048, 12,000 epochs, products in
bfloat16. Its result is stored in DIR, held against the optimum and against the aims of the figures,
and decides, with the tests, about the exit code. An interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nclib.training.experiment import Experiment
    from nclib.training.results import Result

ROOT = Path(__file__).resolve().parent.parent

TESTS = (
    "tests/training/test_epoch_graph.py",
    "tests/training/test_engine.py",
    "tests/training/test_losses.py",
    "tests/metrics/test_metrics_torch.py",
)
"""Those with cases that are skipped where there is no CUDA device."""


def paper_run(images: Path) -> Experiment:
    """Return the run of figure 1 on these images."""
    from nclib.training.experiments import on_images
    from nclib.training.paper import paper_figure

    (experiment,) = paper_figure(1, "paper", depths=(3,), data=images.stem)
    config = replace(experiment.config, dtype="bfloat16")
    (experiment,) = on_images([replace(experiment, config=config)], images)
    return experiment


def misses(result: Result) -> list[str]:
    """List the aims that a run has not come to; empty where it has come to all."""
    from nclib.training.paper import AIMS

    reached = result.reached
    found = {"gap": reached["gap"]} | {
        name: reached["metrics"].get(name) for name in AIMS if name != "gap"
    }
    lines = [] if reached["is_global"] else [f"{reached['alive']} modes alive, not the optimum's"]
    for name, aim in AIMS.items():
        value = found[name]
        if value is None or not value <= aim:
            lines.append(f"{name} is {value}, the aim is {aim}")
    return lines


def main(arguments: list[str] | None = None) -> int:
    """Run the tests, the benchmark and the network; return the exit code."""
    import torch

    from nclib.training.experiments import run

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True, help="the subset of CIFAR-10, .npz")
    parser.add_argument("--out", type=Path, required=True, help="folder of the result")
    asked = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        print("No CUDA device is here.", file=sys.stderr)
        return 2
    print(torch.cuda.get_device_name(), f"torch {torch.__version__}", flush=True)
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-m", "", *TESTS]
    failed = subprocess.run(command, cwd=ROOT).returncode
    subprocess.run([sys.executable, "benchmarks/bench_training.py"], cwd=ROOT, check=True)
    result = run(paper_run(asked.images), asked.out, images=asked.images, device="cuda")
    print(f"{result.experiment.name}: {result.final['seconds']:,.0f} s, {result.reached}")
    missed = misses(result)
    print("\n".join(missed) or "All aims are met.")
    return int(bool(failed or missed))


if __name__ == "__main__":
    sys.exit(main())
