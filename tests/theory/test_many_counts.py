"""Logits and outcomes of many distinct counts, without a table of all pairs.

References: eigenvectors of the labels' covariance to 80 digits (mpmath), the same by numpy's dense
decomposition, and polynomials of that matrix, which need no eigenvectors at all.
"""

import tracemalloc
from dataclasses import replace

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nclib.theory.collapse import collapse_factors
from nclib.theory.counts import ClassCounts
from nclib.theory.margins import misclassification_factors
from nclib.theory.minimizer import global_minimizer
from nclib.theory.optimum import class_outcomes
from nclib.theory.problem import Problem
from nclib.theory.secular import _SecularSums
from nclib.theory.spectrum import Spectrum

# Count: number of classes. Neighbours, huge ratios, and both at once: there, what far groups bring
# to the logits of two neighbours cancels.
HARD = {
    "neighbours below 10^9": {10**9 - i: 1 + i % 3 for i in range(16)},
    "neighbours below 2^53": {2**53 - 1 - i: 1 for i in range(12)},
    "neighbours with others far away": {
        10**9: 1,
        10**9 - 1: 1,
        5 * 10**8: 3,
        10**8: 1,
        10**8 - 1: 2,
        10**7: 50,
        1000: 1,
        1: 1,
    },
    "neighbours at every scale": {
        2**53 - 1: 1,
        2**53 - 2: 1,
        2**52: 1,
        2**52 - 1: 3,
        2**30 + 1: 1,
        2**30: 1,
        6: 2,
        5: 1,
        1: 1,
    },
    "from 1 to 10^9": {10**k: 1 for k in range(10)},
    "clusters": {base + i: 1 for base in (10**9, 10**5, 1) for i in range(7)},
    "clusters in clusters": {10**8 + 10**k * i: 1 for k in range(0, 8, 2) for i in (1, 2, 3, 4)},
    "uneven numbers of classes": {10**6: 900, 10**6 + 1: 1, 10**3: 1, 999: 2500, 2: 7, 1: 1},
    "a head and a flat tail": {1000: 1, **dict.fromkeys(range(2, 16), 200)},
}


def counts_of(groups):
    values, sizes = np.array(list(groups)), list(groups.values())
    return ClassCounts(np.random.default_rng(0).permutation(np.repeat(values, sizes)))


def exact_modes(counts):
    """Between-group eigenvectors of Yhat'Yhat, falling, to 80 digits; the last is the null mode."""
    with mpmath.workdps(80):
        m = counts.m
        N_j, l_j = ([mpmath.mpf(int(x)) for x in a] for a in (counts.values, counts.multiplicities))
        G = mpmath.matrix(m, m)
        for a in range(m):
            for b in range(m):
                G[a, b] = -N_j[a] * mpmath.sqrt(l_j[a] * l_j[b] * N_j[b]) / counts.N
            G[a, a] += mpmath.sqrt(N_j[a])
        values, vectors = mpmath.eigsy(G.T * G)
        order = sorted(range(m), key=lambda i: values[i], reverse=True)
        return [[vectors[a, i] for i in order] for a in range(m)]


def some_minima(counts):
    """Global minimisers from nearly all modes alive to few, of one layer and of three."""
    for depth in (1, 3):
        problem = Problem(counts, depth, lambda_W=1.0, lambda_H=1.0)
        deaths = collapse_factors(problem)
        for death in np.quantile(deaths[deaths > 0], (0, 0.5, 0.9)):
            yield global_minimizer(at(problem, death * (1 - 1e-9)))
        yield global_minimizer(at(problem, 1e-3 * deaths[deaths > 0].min()))


def at(problem, factor):
    """The problem with all penalties times a factor."""
    lambda_W = tuple(factor * lam for lam in problem.lambda_W)
    return replace(problem, lambda_W=lambda_W, lambda_H=factor * problem.lambda_H)


@pytest.mark.parametrize("groups", HARD.values(), ids=HARD)
def test_logits_of_hard_counts_against_80_digits(groups, record_error):
    """Each logit is as accurate as the sum of its terms, rounded, would be."""
    counts = counts_of(groups)
    modes = exact_modes(counts)
    values, sizes = (a.tolist() for a in (counts.values, counts.multiplicities))
    last = np.cumsum(sizes) - 1
    number = [np.flatnonzero(counts.group == j) for j in range(counts.m)]
    for best in some_minima(counts):
        Z, s = best.logits(), [*best.s[last[:-1]].tolist(), 1.0]
        view = best._groups
        for b in range(counts.m):
            for a in range(counts.m):
                k, j = number[a][0], number[b][-1]
                if a == b and k != j:
                    continue  # within a group the inner modes come in
                with mpmath.workdps(80):
                    terms = [f * x * y for f, x, y in zip(s, modes[a], modes[b], strict=True)]
                    scale = mpmath.sqrt(mpmath.mpf(values[a]) / (values[b] * sizes[a] * sizes[b]))
                    error = abs(mpmath.mpf(float(Z[k, j])) - scale * mpmath.fsum(terms))
                    error /= scale * mpmath.fsum(terms, absolute=True)
                assert record_error("logits against 80 digits, per size of terms", error, 1e-14)
        for b in range(counts.m):
            with mpmath.workdps(80):
                own = mpmath.fsum(f * x**2 for f, x in zip(s, modes[b], strict=True)) / sizes[b]
                error = abs(mpmath.mpf(float(view.own[b])) / own - 1)
            assert record_error("own logit against 80 digits, relative", error, 1e-14)


MANY = {
    "1500 at random": np.random.default_rng(5).choice(10**7, 1500, replace=False) + 1,
    "1000 neighbours from 1": np.arange(1, 1001),
    "700 neighbours below 2^53": 2**53 - 1 - np.arange(700),
    "600 in a long tail": np.unique(np.geomspace(1, 2**52, 600).astype(np.int64)),
    "as 1/k": np.unique(10**9 // np.arange(1, 800)),
    "three clusters": np.concatenate([base + np.arange(250) for base in (1, 10**5, 10**9)]),
    "clusters in clusters": np.unique(
        np.concatenate([10**8 + 10**k * np.arange(1, 100) for k in range(8)])
    ),
    "uneven numbers of classes": np.repeat(
        np.arange(1, 401), np.random.default_rng(6).integers(1, 50, 400) ** 2
    ),
}


@pytest.mark.parametrize("n", MANY.values(), ids=MANY)
def test_polynomials_of_many_modes_need_no_modes(n, record_error):
    """With all factors 1, and with the squares of kappa: I and Yhat'Yhat without the null mode.

    On the groups Yhat'Yhat is ``diag(N_a) - sqrt(w_a w_b) ((N_a + N_b) - sum_j w_j N_j / N) / N``,
    w_j = l_j N_j, and the null mode is sqrt(w / N).
    """
    counts = ClassCounts(n)
    spectrum = Spectrum(counts)
    N_j, N = counts.values.astype(float), float(counts.N)
    w = N_j * counts.multiplicities
    squares = spectrum.kappa[spectrum.is_between][:-1] ** 2
    mean = (w / N) @ N_j
    for factor, on_the_diagonal, elsewhere in (
        (np.ones(counts.m - 1), 1 / w, lambda a: -np.ones((a.size, counts.m)) / N),
        (squares, N_j / w, lambda a: -((N_j[a, None] + N_j) - mean) / N),
    ):
        modes = spectrum._filtered(factor)
        size = np.sqrt(on_the_diagonal)
        for start in range(0, counts.m, 100):
            rows = slice(start, min(start + 100, counts.m))
            a = np.arange(rows.start, rows.stop)
            expected = elsewhere(a)
            expected[np.arange(a.size), a] += on_the_diagonal[a]
            error = np.abs(modes.rows(rows) - expected) / (size[a, None] * size)
            assert record_error("functions of many modes, per entry", error.max(), 1e-12)


@pytest.mark.parametrize("n", MANY.values(), ids=MANY)
def test_sums_over_the_poles_are_those_term_by_term(n, record_error):
    """At random points, and at the nodes from which the far poles' sums are interpolated."""
    counts = ClassCounts(n)
    poles = counts.values.astype(float)
    weights = poles * counts.multiplicities
    sums = _SecularSums.of(poles, weights)
    assert any(panel.values is not None for panel in sums.panels)
    gap = poles[:-1] - poles[1:]
    interval = np.arange(gap.size)
    points = [(interval, interval, -gap * np.random.default_rng(7).uniform(0.01, 0.99, gap.size))]
    for panel in sums.panels:
        at_nodes = np.searchsorted(poles[panel.stop] - poles, -panel.nodes) - 1
        order = np.argsort(at_nodes, kind="stable")
        points.append((at_nodes[order], np.full(order.size, panel.stop), panel.nodes[order]))
    for interval, origin, offset in points:
        inverse = 1 / ((poles - poles[origin, None]) - offset[:, None])
        below = np.arange(poles.size) > interval[:, None]
        found = sums(interval, origin, offset)
        for name, terms in (
            ("low", np.where(below, weights * inverse, 0)),
            ("high", np.where(below, 0, weights * inverse)),
            ("low_slope", np.where(below, weights * inverse**2, 0)),
            ("high_slope", np.where(below, 0, weights * inverse**2)),
        ):
            error = np.abs(getattr(found, name) / terms.sum(axis=1) - 1).max()
            assert record_error(f"sums over poles: {name}", error, 1e-13)


def dense_logits(minimizer):
    """D V diag(s) V' D^-1 by numpy's decomposition of the dense Yhat."""
    n, N = minimizer.problem.counts.n.astype(float), minimizer.problem.N
    Yhat = np.diag(np.sqrt(n)) - minimizer.problem.bias * np.outer(n, np.sqrt(n)) / N
    _, _, Vt = np.linalg.svd(Yhat)
    s = minimizer.s.copy()
    s[-1] = 1.0 if minimizer.problem.bias else s[-1]
    return np.sqrt(n)[:, None] * ((Vt.T * s) @ Vt) / np.sqrt(n)


def assert_outcomes_are_those_of(Z, minimizer, record_error):
    outcomes, n = class_outcomes(minimizer), minimizer.problem.counts.n
    own = np.diag(Z).copy()
    others = Z.copy()
    np.fill_diagonal(others, -np.inf)
    rival = others.max(axis=0)
    size = np.maximum(np.sqrt(n.max() / n), 1)  # how the dense logits' rounding grows
    for what, found, wanted in (
        ("own", outcomes.own_logit, own),
        ("rival", outcomes.rival_logit, rival),
    ):
        error = (np.abs(found[outcomes.group] - wanted) / size).max()
        assert record_error(f"{what} logits against a dense decomposition", error, 1e-12)
    doubtful = np.abs(own - rival) < 1e-11 * size
    right = outcomes.right[outcomes.group]
    np.testing.assert_array_equal((right == 1)[~doubtful], (own > rival)[~doubtful])
    # The group of the strongest rival holds another class with that logit.
    for j in range(n.size):
        same = np.flatnonzero(outcomes.group == outcomes.rival[outcomes.group[j]])
        assert others[same, j].max() > rival[j] - 1e-11 * size[j]
    accuracy = minimizer.training_accuracy()
    assert accuracy.overall == pytest.approx((accuracy.per_class * n).sum() / n.sum())


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("quantile", [0.02, 0.3, 0.8])
def test_outcomes_of_many_counts_against_a_dense_decomposition(bias, quantile, record_error):
    """400 distinct counts, which are worked on in several blocks."""
    n = np.random.default_rng(1).choice(10**4, 400, replace=False) + 1
    n = np.concatenate([n, n[:40]])
    problem = Problem(n, 2, bias=bias, lambda_W=1.0, lambda_H=1.0)
    deaths = collapse_factors(problem)
    best = global_minimizer(at(problem, np.quantile(deaths[deaths > 0], quantile) * 0.999))
    assert 0 < best.alive < best.problem.K
    assert_outcomes_are_those_of(dense_logits(best), best, record_error)


@settings(max_examples=settings.default.max_examples // 4)
@given(
    st.lists(st.integers(1, 300), min_size=2, max_size=40, unique=True),
    st.integers(1, 3),
    st.floats(0, 1),
)
def test_outcomes_of_distinct_counts_against_a_dense_decomposition(n, depth, where):
    problem = Problem(n, depth, lambda_W=1.0, lambda_H=1.0)
    deaths = collapse_factors(problem)
    low, high = 0.1 * deaths[:-1].min(), 1.1 * deaths.max()
    best = global_minimizer(at(problem, low * (high / low) ** where))
    assert_outcomes_are_those_of(
        dense_logits(best), best, lambda _, error, allowed: error < allowed
    )


@pytest.mark.parametrize(
    ("n", "share"),
    [([900, 100, 900, 100, 900], 1 / 4), ([900, 100, 900], 1 / 3), ([300, 30] * 7, 1 / 8)],
    ids=repr,
)
def test_a_tie_with_another_group_counts_all_its_classes(n, share):
    """Where a class loses to those of the larger count: it and each of them are as strong.

    In one layer the class is still apart from others of its count there.
    """
    problem = Problem(n, 1, lambda_W=1e-3, lambda_H=1e-3)
    best = global_minimizer(at(problem, misclassification_factors(problem, [1])[0]))
    Z = dense_logits(best)
    assert np.isclose(Z[:, 1], Z[1, 1], rtol=1e-9).sum() == 1 / share
    np.testing.assert_array_equal(
        best.training_accuracy().per_class, np.where(np.equal(n, max(n)), 1.0, share)
    )


def peak_of(function):
    tracemalloc.start()
    try:
        result = function()
        return result, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("bias", [True, False])
def test_many_distinct_counts_need_no_table_of_pairs(bias, record_error):
    """3,000 distinct counts: one table of all pairs would take 72 MB."""
    n = np.random.default_rng(2).choice(10**6, 3000, replace=False) + 1
    problem = Problem(n, 2, bias=bias, lambda_W=1.0, lambda_H=1.0)
    deaths = collapse_factors(problem)

    def outcomes():
        best = global_minimizer(at(problem, float(np.median(deaths[deaths > 0]))))
        return class_outcomes(best), best.training_accuracy()

    (found, accuracy), peak = peak_of(outcomes)
    assert peak < 12e6
    # Half of the modes are alive, and with no class of a count beside it the largest are right.
    assert found.accuracy == accuracy.overall
    assert found.minimizer.alive == pytest.approx(1500, abs=2)
    order = np.argsort(-n)
    assert (accuracy.per_class[order[:1000]] == 1).all()
    assert accuracy.per_class[order[-1]] < 1


def test_limits_of_all_classes_need_no_table_of_factors():
    """200,000 classes in 40 groups: at 80 factors their shares alone would take 128 MB."""
    values = np.arange(1, 41) ** 2
    problem = Problem(np.repeat(values, 5000), 2, lambda_W=1.0, lambda_H=1.0)
    found, peak = peak_of(lambda: misclassification_factors(problem))
    assert peak < 60e6
    few = Problem(np.repeat(values, 2), 2, lambda_W=1.0, lambda_H=1.0)
    assert (found.reshape(40, 5000) == found[::5000, None]).all()
    assert (np.diff(found[::5000]) >= 0).all()
    assert np.isfinite(misclassification_factors(few)[::2][:-1]).all()
