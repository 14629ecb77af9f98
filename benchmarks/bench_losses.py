"""Time the optimum of one layer with cross-entropy, in one run on one machine.

Run by ``make bench``, or by hand with ``--long`` for the largest rows too. Durations
are of the CPU (a machine that does other things at the same time does not change them much);
ratios are to a cold solve of the same problem, or of an alternative to ours. Nothing is asserted
here: machines differ, and the numbers are for reading.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import scipy
from scipy.optimize import minimize

import nclib as nc


def seconds(function: Callable[[], object], repeat: int) -> float:
    """Median CPU time of `repeat` calls; where there are several, one more goes first."""
    if repeat > 1:
        function()
    durations = []
    for _ in range(repeat):
        start = time.process_time()
        function()
        durations.append(time.process_time() - start)
    return statistics.median(durations)


def problem(n: np.ndarray, share: float, bias: str = "free") -> nc.LossProblem:
    """Cross-entropy at a share of the penalty at which the largest count's modes die."""
    lam = share * np.sqrt(n.max()) / n.sum()
    return nc.LossProblem(n, nc.CrossEntropy(), bias=bias, lambda_W=lam, lambda_H=lam)


def distinct(classes: int, values: int, low: int, high: int) -> np.ndarray:
    """Return nearly geometric counts of which so many are distinct."""
    grid = np.unique(np.round(np.geomspace(low, high, 8 * values)).astype(int))
    chosen = grid[np.unique(np.round(np.linspace(0, grid.size - 1, values)).astype(int))]
    return np.sort(np.concatenate([chosen, chosen[: classes - chosen.size]]))[::-1]


def free_descent(one: nc.LossProblem) -> float:
    """Minimise over the factors W, H and b by scipy's L-BFGS: the alternative without convexity."""
    n, K = one.counts.n, one.K

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        W, H, b = flat[: K * K].reshape(K, K), flat[K * K : 2 * K * K].reshape(K, K), flat[-K:]
        Z = W @ H + b[:, None]
        slope = one.loss.gradient(Z, one.counts)
        value = one.objective([W], H, b)
        dW = slope @ H.T + one.lambda_W[0] * W
        dH = W.T @ slope + one.lambda_H * H * n
        return value, np.concatenate([dW.ravel(), dH.ravel(), slope.sum(axis=1)])

    start = 0.5 * np.random.default_rng(0).standard_normal(2 * K * K + K)
    options = {"maxiter": 20_000, "maxfun": 30_000, "ftol": 1e-16, "gtol": 1e-10, "maxcor": 30}
    return float(minimize(objective, start, jac=True, method="L-BFGS-B", options=options).fun)


def cone_solver(one: nc.LossProblem) -> float:
    """Minimise the K x K problem by CVXPY with the cone solver that it chooses."""
    import cvxpy

    n, K = one.counts.n, one.K
    T, b = cvxpy.Variable((K, K)), cvxpy.Variable(K)
    terms = []
    for k in range(K):
        z = T[:, k] / np.sqrt(n[k]) + b
        terms.append(n[k] / one.N * (cvxpy.log_sum_exp(z) - z[k]))
    return float(cvxpy.Problem(cvxpy.Minimize(sum(terms) + one.price * cvxpy.normNuc(T))).solve())


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="the largest rows too")
    long = parser.parse_args().long
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"numpy {np.__version__}, scipy {scipy.__version__}"
    )
    rows: list[tuple[str, float, str]] = []

    def add(name: str, duration: float, note: str = "") -> None:
        rows.append((name, duration, note))
        print(f"{name:<58}{duration * 1e3:>12,.1f} ms   {note}", flush=True)

    ten = nc.ClassCounts.cifar10_paper().n
    one = problem(ten, 0.2)
    ours = seconds(lambda: nc.loss_minimizer(one), 20)
    add("10 classes in 5 groups", ours, f"gap {nc.loss_minimizer(one).certificate:.0e}")
    best = nc.loss_minimizer(one).objective
    other = seconds(lambda: free_descent(one), 1)
    error = free_descent(one) / best - 1
    add("  L-BFGS over W, H, b", other, f"{other / ours:,.0f} x, error {error:.0e}")
    if importlib.util.find_spec("cvxpy"):
        other = seconds(lambda: cone_solver(one), 1)
        error = cone_solver(one) / best - 1
        add("  CVXPY on the 10 x 10 problem", other, f"{other / ours:,.0f} x, error {error:.0e}")
    else:
        print(
            "  CVXPY on the 10 x 10 problem: left out, for it is not installed (pip install cvxpy)"
        )
    add(
        "10 classes, 1e-6 of the last death",
        seconds(lambda: nc.loss_minimizer(problem(ten, 1e-6)), 5),
    )

    hundred = nc.gallery()["cifar100-lt-100"].counts.n
    for share in (0.5, 0.1, 0.01, 1e-6):
        add(
            f"100 classes, 85 distinct counts, {share:g} of the last death",
            seconds(lambda share=share: nc.loss_minimizer(problem(hundred, share)), 1),
        )
    factors = np.geomspace(1, 0.001, 30)
    top = problem(hundred, 1.0)
    cold = seconds(lambda: nc.loss_minimizer(top.rescaled(factors[-1])), 1)
    path = seconds(lambda: list(nc.theory.loss_path(top, factors)), 1)
    add(
        "  path of 30 penalties down to 0.001", path, f"{path / cold:.1f} x a cold solve at its end"
    )

    many = np.repeat(np.round(np.geomspace(5, 1280, 20)).astype(int), 50_000)
    for share in (0.5, 0.1, 0.01, 1e-6):
        add(
            f"a million classes in 20 groups, {share:g} of the last death",
            seconds(lambda share=share: nc.loss_minimizer(problem(many, share)), 1),
        )
    for share in (0.1, 0.01):
        two = distinct(400, 200, 5, 1280)
        add(
            f"400 classes, 200 distinct counts, {share:g} of the last death, 1e-6",
            seconds(
                lambda two=two, share=share: nc.loss_minimizer(problem(two, share), tol=1e-6), 1
            ),
        )
    if long:
        three = distinct(600, 300, 5, 1280)
        for share in (0.1, 0.01):
            add(
                f"600 classes, 300 distinct counts, {share:g} of the last death, 1e-6",
                seconds(lambda share=share: nc.loss_minimizer(problem(three, share), tol=1e-6), 1),
            )
        thousand = distinct(1000, 529, 5, 1280)
        for share in (0.1, 0.01):
            add(
                f"1,000 classes, 529 distinct counts, {share:g} of the last death, 1e-6",
                seconds(
                    lambda share=share: nc.loss_minimizer(problem(thousand, share), tol=1e-6), 1
                ),
            )


if __name__ == "__main__":
    sys.exit(main())
