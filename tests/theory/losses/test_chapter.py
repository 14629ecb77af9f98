"""The statements of the chapter on losses, each measured for the ledger.

The right values are formulas, dense decompositions, or another problem with the same optimum.
"""

import numpy as np
import pytest

from nclib import (
    ClassCounts,
    CrossEntropy,
    LossProblem,
    Problem,
    SquaredError,
    collapse_factors,
    global_minimizer,
    loss_minimizer,
)
from nclib.theory import Sampling, loss_collapse_factors, loss_margins

CIFAR = [500, 500, 400, 400, 300, 300, 200, 200, 100, 100]
COUNTS = {
    "CIFAR-10": CIFAR,
    "letters": [1500, *[600] * 5, *[50] * 20],
    "lesions, in pairs": [6705, 6705, 1113, 1113, 115, 115],
    "two large": [300, 300, 3, 3],
}
LOSSES = {"cross-entropy": CrossEntropy, "squared error": SquaredError}

each_counts = pytest.mark.parametrize("n", COUNTS.values(), ids=COUNTS)
each_loss = pytest.mark.parametrize("make", LOSSES.values(), ids=LOSSES)


def problem(n, loss, bias="free", lam=1.0, **settings):
    return LossProblem(n, loss, bias=bias, lambda_W=lam, lambda_H=lam, **settings)


def groups(n):
    """Distinct counts, falling, and how many classes have each."""
    values, size = np.unique(n, return_counts=True)
    return values[::-1].astype(float), size[::-1]


def inner_alive(best, size):
    """Whether the inner modes of each group are alive, from the dense logits alone."""
    Z, group = best.logits(), best.problem.group
    apart = np.zeros(size.size)
    for g in np.flatnonzero(size > 1):
        i, j = np.flatnonzero(group == g)[:2]
        apart[g] = np.abs(Z[:, i] - Z[:, j]).max()
    return apart > 1e-7 * np.abs(Z).max()


def confused(n, expected, make_problem):
    """Merged classes that ought to be apart and the reverse, 1e-3 below and above each value."""
    _, size = groups(n)
    wrong = 0
    for g in np.flatnonzero(size > 1):
        for factor, alive in ((1 - 1e-3, True), (1 + 1e-3, False)):
            best = loss_minimizer(make_problem(expected[g] * factor), tol=1e-11)
            wrong += bool(inner_alive(best, size)[g]) is not alive
    return wrong


@each_counts
@each_loss
@pytest.mark.parametrize("bias", ["free", "none", "decayed"])
def test_classes_of_one_count_merge_where_the_paper_says(n, make, bias, record_error):
    expected = np.sqrt(groups(n)[0]) / sum(n)
    wrong = confused(n, expected, lambda lam: problem(n, make(), bias, lam))
    assert record_error("merging: classes merged and apart confused", wrong, 0)


@each_counts
@each_loss
def test_total_collapse_is_at_the_strongest_mode_of_the_labels(n, make, record_error):
    root = np.sqrt(n)
    labels = np.diag(root) - np.outer(n, root) / sum(n)
    expected = np.linalg.norm(labels, 2) / sum(n)
    found = loss_collapse_factors(problem(n, make())).total
    assert record_error(
        "total collapse: against a dense decomposition", abs(found / expected - 1), 1e-9
    )
    for factor, alive in ((1 - 1e-3, True), (1 + 1e-3, False)):
        best = loss_minimizer(problem(n, make(), lam=expected * factor), tol=1e-11)
        assert (best.alive > 0) is alive


@pytest.mark.parametrize("seed", range(6))
def test_two_classes_are_the_squared_errors(seed, record_error):
    """Objective apart: death, probabilities and the share at which the rare class is lost."""
    rng = np.random.default_rng(seed)
    n = np.sort(rng.integers(2, 2000, 2))[::-1]
    lam = float(rng.uniform(0.05, 0.95)) * np.sqrt(2 * n[0] * n[1] / n.sum()) / n.sum()
    Z = loss_minimizer(problem(n, CrossEntropy(), lam=lam), tol=1e-13).logits()
    probability = np.exp(Z) / np.exp(Z).sum(axis=0)
    labels = np.diag(np.sqrt(n)) - np.outer(n, np.sqrt(n)) / n.sum()
    kappa = np.linalg.norm(labels, 2)
    s = 1 - lam * n.sum() / kappa
    centred = np.eye(2) - np.outer(n, np.ones(2)) / n.sum()
    answers = s * centred + (n / n.sum())[:, None]
    off = np.abs(probability - answers).max()
    assert record_error("two classes: probabilities against the squared error", off, 1e-6)
    lost = loss_margins(problem(n, CrossEntropy())).lost
    if n[0] > n[1]:
        expected = n.sum() / (2 * n[0]) * kappa / n.sum()
        assert record_error(
            "two classes: where the rare one is lost", abs(lost[1] / expected - 1), 1e-6
        )


@each_counts
@each_loss
@pytest.mark.parametrize("bias", ["free", "none"])
def test_weights_move_the_mergers(n, make, bias, record_error):
    """To w_g sqrt(n_g) / sum(w n): turned round by 1/n, all at once by 1/sqrt(n)."""
    values, _ = groups(n)
    order = {}
    for power in (-1.0, -0.5):
        weights = np.array(n) ** power
        expected = values**power * np.sqrt(values) / (weights @ n)
        wrong = confused(
            n, expected, lambda lam, w=weights: problem(n, make(class_weights=w), bias, lam)
        )
        assert record_error("weights: classes merged and apart confused", wrong, 0)
        order[power] = loss_collapse_factors(problem(n, make(class_weights=weights), bias)).inner
    turned = order[-1.0][~np.isnan(order[-1.0])]
    assert record_error(
        "weights 1/n: pairs of groups in the usual order", (np.diff(turned) < 0).sum(), 0
    )
    alike = order[-0.5][~np.isnan(order[-0.5])]
    assert record_error("weights 1/sqrt(n): mergers apart", np.ptp(alike) / alike.max(), 1e-12)


@each_counts
@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_one_power_treats_all_classes_alike(n, depth, record_error):
    """n^(-L/(L+1)): one share s for all, at every penalty; another power has another order."""

    def shares(power, lam=1.0):
        weighted = LossProblem(
            n,
            SquaredError(class_weights=np.array(n) ** power),
            depth,
            bias="none",
            lambda_W=lam,
            lambda_H=lam,
        )
        return loss_minimizer(weighted).logits().diagonal(), loss_margins(weighted).lost

    fair = -depth / (depth + 1)
    lost = shares(fair)[1]
    assert record_error("one power: deaths apart", np.ptp(lost) / lost.max(), 1e-9)
    for factor in (0.3, 0.8, 0.99):
        s, _ = shares(fair, factor * lost.min())
        assert s.min() > 0
        assert record_error("one power: shares apart", np.ptp(s), 1e-9)
    rising = np.argsort(n)
    for off in (-0.1, 0.1):
        deaths = shares(fair + off)[1][rising]
        falls = (np.diff(deaths) * off < -1e-9).sum()
        assert record_error("one power: pairs in the other order beside it", falls, 0)
        assert np.ptp(deaths) > 1e-3 * deaths.max()
    deaths = shares(-1.0)[1]
    # Lambda at death goes with 1/n.
    product = deaths ** (depth + 1) * n
    assert record_error(
        "weights 1/n: Lambda at death times n", np.ptp(product) / product.max(), 1e-7
    )


@each_counts
@pytest.mark.parametrize("tau", [-1.0, 0.5, 1.0, 2.0])
def test_adjusted_logits_move_no_merger(n, tau, record_error):
    plain = loss_collapse_factors(problem(n, CrossEntropy()))
    adjusted = loss_collapse_factors(problem(n, CrossEntropy(adjustment=tau)))
    off = np.nanmax(np.abs(adjusted.inner / plain.inner - 1))
    off = max(off, abs(adjusted.total / plain.total - 1))
    assert record_error("adjustment: mergers and total collapse", off, 1e-9)
    lam = 0.4 * plain.total
    one, other = (
        loss_minimizer(problem(n, CrossEntropy(adjustment=t), lam=lam), tol=1e-12)
        for t in (0.0, tau)
    )
    root = np.sqrt(n)
    T = [(best.logits() - best.b[:, None]) * root for best in (one, other)]
    off = np.abs(T[0] - T[1]).max() / np.abs(T[0]).max()
    assert record_error("adjustment: head and features with a free bias", off, 1e-5)
    moved = one.b - other.b - tau * np.log(np.array(n) / sum(n))
    assert record_error("adjustment: the bias takes it up", np.ptp(moved), 1e-5)
    without = confused(
        n,
        np.sqrt(groups(n)[0]) / sum(n),
        lambda lam: problem(n, CrossEntropy(adjustment=tau), "none", lam),
    )
    assert record_error("adjustment without a bias: merged and apart confused", without, 0)


@each_counts
@each_loss
def test_smoothing_brings_every_merger_nearer(n, make, record_error):
    eps = 0.1
    expected = (1 - eps) * np.sqrt(groups(n)[0]) / sum(n)
    wrong = confused(n, expected, lambda lam: problem(n, make(label_smoothing=eps), lam=lam))
    assert record_error("smoothing: classes merged and apart confused", wrong, 0)
    plain, smooth = (loss_collapse_factors(problem(n, make(label_smoothing=e))) for e in (0, eps))
    off = abs(smooth.total / plain.total / (1 - eps) - 1)
    assert record_error("smoothing: total collapse", off, 1e-9)


@each_counts
@each_loss
def test_a_balanced_sampler_makes_all_alike_if_the_penalty_follows_it(n, make, record_error):
    """Then it is the optimum of balanced data; otherwise the order is turned round."""
    N, K = sum(n), len(n)
    followed = loss_collapse_factors(problem(n, make(), sampling=Sampling("balanced")))
    merged = followed.inner[~np.isnan(followed.inner)]
    expected = np.sqrt(N / K) / N
    off = np.abs(merged / expected - 1).max()
    assert record_error("balanced sampling: all merge at one place", off, 1e-12)
    fixed = loss_collapse_factors(problem(n, make(), sampling=Sampling("balanced", "fixed")))
    expected = 1 / (K * np.sqrt(groups(n)[0]))
    off = np.nanmax(np.abs(fixed.inner / expected - 1))
    assert record_error("balanced sampling, fixed penalty: mergers", off, 1e-12)
    equal = [120] * K
    lam = 0.5 * np.sqrt(120) / sum(equal)
    # N lambda_H and lambda_W are what counts.
    ours = LossProblem(
        n, make(), lambda_W=lam, lambda_H=lam * sum(equal) / N, sampling=Sampling("balanced")
    )
    theirs = loss_minimizer(problem(equal, make(), lam=lam))
    off = abs(loss_minimizer(ours).objective / theirs.objective - 1)
    assert record_error("balanced sampling: objective of balanced data", off, 1e-8)


@pytest.mark.parametrize("ratio", [0.9, 1.1])
def test_smoothing_with_weights_can_make_the_rarest_class_the_target(ratio, record_error):
    """Of a frequent sample, once w_max / w_min exceeds 1 + K (1 - eps) / eps."""
    K, eps = 7, 0.1
    limit = 1 + K * (1 - eps) / eps
    weights = np.ones(K)
    weights[-1] = ratio * limit
    n = [100] * K
    terms = CrossEntropy(weights, eps).terms(ClassCounts(n), np.array(n, float))
    targets = terms.other + terms.own[:, None] * np.eye(K)
    wrong = int(targets[0].argmax() == K - 1) ^ (ratio > 1)
    assert record_error("smoothing with weights: target of a frequent class", wrong, 0)
    weak = problem(n, CrossEntropy(weights, eps), lam=1e-6)
    best = loss_minimizer(weak, tol=1e-6)
    lost = best.training_accuracy().per_class < 1
    assert lost.tolist() == [ratio > 1] * (K - 1) + [False]


@each_counts
@pytest.mark.parametrize("bias", [True, False])
def test_the_squared_error_is_the_papers(n, bias, record_error):
    for depth in (1, 3):
        paper = Problem(ClassCounts(n), depth, bias=bias, lambda_W=1.0, lambda_H=1.0)
        deaths = collapse_factors(paper)
        lam = 0.6 * float(deaths[deaths > 0].min())
        settings = {"lambda_W": lam, "lambda_H": lam}
        ours = LossProblem(n, SquaredError(), depth, bias="free" if bias else "none", **settings)
        theirs = global_minimizer(Problem(ClassCounts(n), depth, bias=bias, **settings))
        off = abs(loss_minimizer(ours).objective / theirs.objective - 1)
        assert record_error("the squared error: against the paper's theorem", off, 1e-12)
