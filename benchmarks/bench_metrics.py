"""Time NC1 and all metrics against a plain d x d pseudo-inverse, in one run on one machine.

Run by ``make bench``. Every cell is measured in a process of its own: first the memory that one
call takes on top of the features (from the process's peak), then the median time of further calls.
Nothing is asserted here: machines differ, and the numbers are for reading.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import statistics
import subprocess
import sys
import time

import numpy as np

import nclib as nc

CASES = [
    ("paper's CIFAR-10", nc.ClassCounts.cifar10_paper(), 2048),
    ("paper's letters", nc.ClassCounts.emnist_letters_paper(), 2048),
    ("1,000 classes", nc.ClassCounts([20] * 1000), 2048),
]
METHODS = {
    "nc1": ("nc1, numpy", 5),
    "torch": ("nc1, torch", 5),
    "measure": ("all metrics, numpy", 3),
    "plain": ("d x d pseudo-inverse, numpy", 1),
}


def peak_megabytes() -> float:
    """Largest memory of this process so far."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def example(counts: nc.ClassCounts, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Make float32 features around random class means, shuffled, without large intermediates."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat(np.arange(counts.K), counts.n))
    means = rng.standard_normal((counts.K, d), dtype=np.float32)
    features = rng.standard_normal((counts.N, d), dtype=np.float32)
    features *= 0.1
    for row, k in zip(features, labels, strict=True):
        row += means[k]
    return features, labels


def plain(features: np.ndarray, labels: np.ndarray) -> float:
    """Compute NC1 as its formula stands, in float64."""
    X, K = features.astype(float), labels.max() + 1
    means = np.array([X[labels == k].mean(axis=0) for k in range(K)])
    spread, within = means - X.mean(axis=0), X - means[labels]
    Sigma_W, Sigma_B = within.T @ within / len(X), spread.T @ spread / K
    rtol = X.shape[1] * float(np.finfo(np.float32).eps)
    return float(np.trace(Sigma_W @ np.linalg.pinv(Sigma_B, rcond=rtol))) / K


def one(method: str, case: int) -> None:
    """Measure one cell and print: value, seconds, megabytes."""
    _, counts, d = CASES[case]
    features, labels = example(counts, d)
    if method == "torch":
        import torch

        features, labels = torch.from_numpy(features), torch.from_numpy(labels)
    best = nc.global_minimizer(nc.Problem(counts, 1, lambda_W=1e-5, lambda_H=1e-5))
    rng = np.random.default_rng(1)
    head, bias = rng.standard_normal((counts.K, d)), np.zeros(counts.K)

    def call() -> float:
        if method == "plain":
            return plain(features, labels)
        if method == "measure":
            return float(nc.measure(features, labels, head, bias, best).nc1)
        return float(nc.metrics.nc1(features, labels))

    small = features[:50, :3]
    (plain if method == "plain" else nc.metrics.nc1)(small, labels[:50] * 0 + np.arange(50) % 2)
    before = peak_megabytes()
    value = call()
    memory = peak_megabytes() - before
    seconds = []
    for _ in range(METHODS[method][1]):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    print(value, statistics.median(seconds), memory)


def main() -> None:
    """Print one table."""
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"numpy {np.__version__}"
    )
    methods = [m for m in METHODS if m != "torch" or importlib.util.find_spec("torch")]
    for case, (title, counts, d) in enumerate(CASES):
        size = counts.N * d * 4 / 1e6
        print(f"\n{title}: K = {counts.K}, N = {counts.N}, d = {d}; features {size:,.0f} MB")
        rows = {}
        for method in methods:
            command = [sys.executable, __file__, method, str(case)]
            output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            rows[method] = [float(cell) for cell in output.split()]
        for method, (value, seconds, memory) in rows.items():
            times = "" if method == "plain" else f"{rows['plain'][1] / seconds:8,.0f} x faster"
            print(
                f"  {METHODS[method][0]:<28}{seconds:9.3f} s {memory:8,.0f} MB   "
                f"NC1 {value:.9e}{times}"
            )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        one(sys.argv[1], int(sys.argv[2]))
    else:
        main()
