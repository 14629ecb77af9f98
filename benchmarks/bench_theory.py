"""Time the closed forms against plain alternatives, in one run on one machine.

Run by ``make bench``. Every row is the median of its repetitions; ratios are of medians. Nothing
is asserted here: machines differ, and the numbers are for reading.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import scipy
from scipy.optimize import brentq

import nclib as nc


def median_seconds(function: Callable[[], object], repeat: int) -> float:
    """Median duration of `repeat` calls; where there are several, one more goes first uncounted."""
    if repeat > 1:
        function()
    durations = []
    for _ in range(repeat):
        start = time.perf_counter()
        function()
        durations.append(time.perf_counter() - start)
    return statistics.median(durations)


def peak_megabytes(function: Callable[[], object]) -> float:
    """Largest memory that Python and numpy held during one call."""
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def grouped_counts(m: int, per_group: int, seed: int = 0) -> np.ndarray:
    """Return m distinct counts up to 10^7, each `per_group` times."""
    values = np.random.default_rng(seed).choice(10**7, m, replace=False) + 1
    return np.repeat(values, per_group)


def spectrum(n: np.ndarray) -> np.ndarray:
    """Singular values, from the counts on."""
    return nc.Spectrum(nc.ClassCounts(n)).kappa


def brentq_roots(n: np.ndarray) -> list[float]:
    """Find the same roots by a call of scipy's brentq for each interval of the secular equation."""
    poles, multiplicities = np.unique(n, return_counts=True)
    weights = (poles * multiplicities).astype(float)

    def secular(t: float) -> float:
        return float(np.sum(weights / (poles - t)))

    inside = 1e-9 * np.diff(poles)
    return [
        brentq(secular, low + margin, high - margin, xtol=1e-12, rtol=1e-12)
        for low, high, margin in zip(poles[:-1], poles[1:], inside, strict=True)
    ]


def solve(n: np.ndarray) -> float:
    """Everything from the counts to the minimum: spectrum, shrinkage, all modes, objective."""
    problem = nc.Problem(nc.ClassCounts(n), depth=3, lambda_W=5e-4, lambda_H=1e-5)
    best = nc.global_minimizer(problem)
    return float(best.z.sum() + best.sigma.sum() + best.objective)


def many_alive(n: np.ndarray) -> nc.Minimizer:
    """Minimiser with most of the modes of many distinct counts alive, its spectrum new."""
    problem = nc.Problem(nc.ClassCounts(n), depth=3, lambda_W=1e-6, lambda_H=1e-8)
    return nc.global_minimizer(problem)


def dense_outcomes(best: nc.Minimizer) -> np.ndarray:
    """Own logits and strongest rivals of distinct counts, from the table of all logits."""
    modes = best.spectrum.group_modes("right")
    root = np.sqrt(best.problem.counts.values)
    logits = (modes * np.append(best.s[:-1], 1.0)) @ modes.T * np.outer(root, 1 / root)
    own = np.diag(logits).copy()
    np.fill_diagonal(logits, -np.inf)
    return np.stack([own, logits.max(axis=0)])


HELP = "from nclib.cli import app; app(['--help'], standalone_mode=False)"


def in_a_new_process(code: str) -> None:
    """Run code in a Python that starts for it."""
    subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=True)


def main() -> None:
    """Print one table."""
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"numpy {np.__version__}, scipy {scipy.__version__}"
    )
    rows: list[tuple[str, float, str]] = []

    n = grouped_counts(40, 100)
    ours = median_seconds(lambda: spectrum(n), 50)
    Yhat = nc.effective_label_matrix(nc.ClassCounts(n))
    rows.append(("spectrum, K = 4,000 in 40 groups", ours, ""))
    values_only = median_seconds(lambda: np.linalg.svd(Yhat, compute_uv=False), 1)
    rows.append(("  numpy svd, values only", values_only, f"{values_only / ours:,.0f} x"))
    full = median_seconds(lambda: np.linalg.svd(Yhat), 1)
    rows.append(("  numpy svd, with vectors", full, f"{full / ours:,.0f} x"))

    n = grouped_counts(1_000, 1)
    ours = median_seconds(lambda: spectrum(n), 10)
    rows.append(("spectrum, 1,000 distinct counts", ours, ""))
    loop = median_seconds(lambda: brentq_roots(n), 1)
    rows.append(("  scipy brentq, root by root", loop, f"{loop / ours:,.1f} x"))

    n = grouped_counts(10_000, 1)
    rows.append(("spectrum, 10,000 distinct counts", median_seconds(lambda: spectrum(n), 3), ""))

    n = grouped_counts(2_000, 1)
    ours = median_seconds(lambda: nc.class_outcomes(many_alive(n)), 3)
    memory = peak_megabytes(lambda: nc.class_outcomes(many_alive(n)))
    rows.append(("class outcomes, 2,000 distinct counts", ours, f"peak {memory:,.0f} MB"))
    dense = median_seconds(lambda: dense_outcomes(many_alive(n)), 1)
    memory = peak_megabytes(lambda: dense_outcomes(many_alive(n)))
    note = f"{dense / ours:,.1f} x, peak {memory:,.0f} MB"
    rows.append(("  by the table of all logits", dense, note))

    n = grouped_counts(10_000, 1)
    ours = median_seconds(lambda: nc.class_outcomes(many_alive(n)), 1)
    memory = peak_megabytes(lambda: nc.class_outcomes(many_alive(n)))
    rows.append(("class outcomes, 10,000 distinct counts", ours, f"peak {memory:,.0f} MB"))

    n = grouped_counts(1_000, 1_000)
    million = median_seconds(lambda: solve(n), 5)
    memory = peak_megabytes(lambda: solve(n))
    rows.append(("minimiser, K = 10^6 in 1,000 groups", million, f"peak {memory:,.0f} MB"))

    step = nc.Problem(nc.ClassCounts.step(10**6, 1000, 10), 2, lambda_W=1e-9, lambda_H=1e-9)
    minima = median_seconds(lambda: nc.local_minima(step)[500_000].objective, 5)
    rows.append(("one of its local minima, K = 10^6", minima, ""))
    best = nc.global_minimizer(step)
    merged = median_seconds(lambda: (best.merged_classes(), best.training_accuracy()), 5)
    rows.append(("merged classes and accuracy, K = 10^6", merged, ""))

    ten = nc.ClassCounts.cifar10_paper().n
    rows.append(("minimiser, 10 classes", median_seconds(lambda: solve(ten), 200), ""))

    numpy_alone = median_seconds(lambda: in_a_new_process("import numpy"), 5)
    rows.append(("Python with numpy, from the start", numpy_alone, ""))
    for name, code in (("import nclib", "import nclib"), ("nclib --help", HELP)):
        seconds = median_seconds(lambda code=code: in_a_new_process(code), 5)
        rows.append((f"  {name}", seconds, f"{seconds / numpy_alone:,.1f} x"))

    for name, seconds, note in rows:
        print(f"{name:<40}{seconds * 1e3:>14,.3f} ms   {note}")


if __name__ == "__main__":
    sys.exit(main())
