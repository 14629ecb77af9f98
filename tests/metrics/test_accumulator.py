"""Batches give the same numbers as everything at once, and what they must not do is refused."""

import itertools
import tracemalloc

import dense_metrics as dense
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nclib as nc

BEST = nc.global_minimizer(nc.Problem((40, 25, 6, 1), 2, lambda_W=1e-3, lambda_H=1e-3))
RNG = np.random.default_rng(0)
HEAD = [RNG.standard_normal((5, 7)), RNG.standard_normal((4, 5))], RNG.standard_normal(4)


def streamed(batches, classes, Ws=None, b=None, minimizer=None, **options):
    accumulator = nc.metrics.MetricsAccumulator(classes, Ws, b, **options)
    for X, labels in batches:
        accumulator.update(X, labels)
    second = accumulator.second_pass()
    for X, labels in batches[::-1]:
        second.update(X, labels)
    return second.compute(minimizer)


def split(X, labels, cuts):
    return list(zip(np.split(X, cuts), np.split(labels, cuts), strict=True))


def largest_difference(one, other):
    names = ("nc2_w", "nc2_h", "nc2_wh", "nc3", "lambda_H")
    error = max(abs(getattr(one, name) / getattr(other, name) - 1) for name in names)
    assert one.nc1.rank == other.nc1.rank
    assert one.nc4 == other.nc4
    return max(error, abs(one.nc1.value / other.nc1.value - 1))


@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, 72), max_size=12).map(sorted), offset=st.sampled_from([0, 1e6]))
def test_batches_of_any_size_equal_all_at_once(cuts, offset, record_error):
    X, labels = dense.samples((40, 25, 6, 1), 7, 0.1, np.random.default_rng(1), offset)
    whole = nc.measure(X, labels, *HEAD, BEST)
    parts = streamed(split(X, labels, cuts), 4, *HEAD, BEST)
    error = largest_difference(parts, whole)
    assert record_error(f"batches, offset {offset:g}", error, 1e-12)


def test_batches_that_lack_classes_and_come_sorted():
    """Defect 7: class means over a batch that lacks a class."""
    X, labels = dense.samples((40, 25, 6, 1), 7, 0.1, np.random.default_rng(2))
    order = np.argsort(labels)
    whole = nc.measure(X, labels, *HEAD, BEST)
    parts = streamed(split(X[order], labels[order], range(4, 72, 4)), 4, *HEAD, BEST)
    assert largest_difference(parts, whole) < 1e-12


def test_a_thousand_batches_far_from_zero_against_sixty_digits(record_error):
    X, labels = dense.samples((600, 300, 100), 3, 1e-3, np.random.default_rng(3), offset=1e6)
    result = streamed(split(X, labels, range(1, 1000)), 3)
    exact = dense.nc1_exact(X, labels, rank=2, digits=40)
    error = abs(result.nc1.value / exact - 1)
    assert record_error("1,000 batches at 1e6, 40 digits", error, 1e-12)


def test_the_options_of_nc1_are_kept():
    X, labels = dense.samples((40, 25, 6), 7, 0.1, np.random.default_rng(4))
    options = {"between": "weighted", "center": "classes", "rtol": 1e-6}
    parts = streamed(split(X, labels, [30]), 3, **options).nc1
    assert parts.value == pytest.approx(nc.metrics.nc1(X, labels, **options).value, rel=1e-12)
    assert (parts.between, parts.center, parts.rtol) == ("weighted", "classes", 1e-6)


def test_one_pass_has_all_but_nc1_and_nc4():
    X, labels = dense.samples((40, 25, 6, 1), 7, 0.1, np.random.default_rng(5))
    accumulator = nc.metrics.MetricsAccumulator(4, *HEAD)
    accumulator.update(X, labels)
    once, whole = accumulator.compute(BEST), nc.measure(X, labels, *HEAD, BEST)
    assert once.nc1 is None
    assert once.nc4 is None
    assert (once.nc2_w, once.nc2_h, once.nc3) == (whole.nc2_w, whole.nc2_h, whole.nc3)
    assert once.counts.tolist() == [40, 25, 6, 1]


def test_both_readings_from_one_accumulator():
    X, labels = dense.samples((40, 25, 6, 1), 7, 0.1, np.random.default_rng(6))
    accumulator = nc.metrics.MetricsAccumulator(4, *HEAD)
    accumulator.update(X, labels)
    values = {r: accumulator.compute(BEST, reading=r) for r in ("corrected", "as_printed")}
    assert values["corrected"].reading == "corrected"
    assert values["corrected"].nc2_wh != values["as_printed"].nc2_wh


def test_the_head_is_copied():
    Ws, b = [W.copy() for W in HEAD[0]], HEAD[1].copy()
    X, labels = dense.samples((40, 25, 6, 1), 7, 0.1, np.random.default_rng(7))
    accumulator = nc.metrics.MetricsAccumulator(4, Ws, b)
    accumulator.update(X, labels)
    before = accumulator.compute(BEST).nc2_w
    Ws[0] += 1.0
    b += [0.0, 0.0, 0.0, 1e6]
    assert accumulator.compute(BEST).nc2_w == before
    second = accumulator.second_pass()
    second.update(X, labels)
    assert second.compute(BEST) == nc.measure(X, labels, *HEAD, BEST)


@pytest.mark.parametrize("kind", ["numpy", "torch"])
@pytest.mark.parametrize(
    ("types", "eps"),
    [
        *((order, 2.0**-23) for order in sorted({*itertools.permutations(["f8", "f4", "f8"])})),
        *((order, 2.0**-23) for order in itertools.permutations(["f8", "f4", "f2"])),
        (("f4", "f4", "f4"), 2.0**-23),
        (("f8", "f8", "f8"), 2.0**-52),
    ],
    ids=str,
)
def test_the_coarsest_batch_decides_the_cut_whenever_it_comes(kind, types, eps, record_error):
    """A direction with 1e-8 of the largest eigenvalue: noise in float32, and not in float64."""
    rng = np.random.default_rng(8)
    labels = np.arange(60) % 3
    means = np.array([[0.0, 0, 0, 0], [1, 0, 0, 0], [0, 1e-4, 0, 0]])
    X = means[labels] + 1e-5 * rng.standard_normal((60, 4))
    parts = [X[:20].astype(types[0]), X[20:40].astype(types[1]), X[40:].astype(types[2])]
    batches = list(zip(parts, np.split(labels, 3), strict=True))
    if kind == "torch":
        torch = pytest.importorskip("torch")
        batches = [(torch.tensor(part), of) for part, of in batches]
    result = streamed(batches, 3).nc1
    value, rank = dense.nc1(np.concatenate([part.astype(float) for part in parts]), labels, 4 * eps)
    assert result.rtol == 4 * eps
    assert result.rank == rank == (1 if eps > 1e-10 else 2)
    assert record_error("NC1 of mixed types, dense", abs(result.value / value - 1), 1e-11)


def test_empty_batches_do_nothing():
    X, labels = dense.samples((5, 5), 3, 0.1, np.random.default_rng(9))
    batches = [(X[:0], labels[:0]), (X, labels), (X[:0], [])]
    assert streamed(batches, 2).nc1.value == nc.metrics.nc1(X, labels).value


def test_a_refused_batch_leaves_nothing_behind():
    X, labels = dense.samples((5, 5), 3, 0.1, np.random.default_rng(10))
    bad = X.copy()
    bad[7, 1] = np.nan
    first = nc.metrics.MetricsAccumulator(2)
    for added in (first, first):
        with pytest.raises(ValueError, match="row 7"):
            added.update(bad, labels)
    first.update(X, labels)
    second = first.second_pass()
    with pytest.raises(ValueError, match="row 7"):
        first.update(bad, labels)
    with pytest.raises(ValueError, match="row 7"):
        second.update(bad, labels)
    second.update(X, labels)
    with pytest.raises(ValueError, match="row 7"):
        second.update(bad, labels)
    assert first.counts.tolist() == second.counts.tolist() == [5, 5]
    assert second.compute().nc1.value == nc.metrics.nc1(X, labels).value


def test_a_refused_batch_leaves_the_class_means():
    X, labels = dense.samples((5, 5), 3, 0.1, np.random.default_rng(10))
    accumulator = nc.metrics.MetricsAccumulator(2)
    accumulator.update(X, labels)
    second = accumulator.second_pass()
    with pytest.raises(ValueError, match="in 10 rows"):
        accumulator.update(np.nan * X, labels)
    assert accumulator.class_means() == pytest.approx(dense.class_means(X, labels), rel=1e-14)
    # One that is not refused moves those of the accumulator, but not of a pass that has begun.
    accumulator.update(X + 2, labels)
    assert accumulator.class_means() == pytest.approx(dense.class_means(X + 1, labels), rel=1e-14)
    best = nc.global_minimizer(nc.Problem((5, 5), 1, lambda_W=1e-3, lambda_H=1e-3))
    second.update(X, labels)
    assert second.compute(best) == nc.measure(X, labels, minimizer=best)


@pytest.mark.parametrize("width", [3, 5])
def test_a_refused_first_batch_decides_nothing(width):
    """Neither the cut, nor the width, nor the library of those that come."""
    torch = pytest.importorskip("torch")
    bad = torch.ones((10, 3), dtype=torch.float32)
    bad[7, 1] = torch.nan
    X, labels = dense.samples((5, 5), width, 0.1, np.random.default_rng(10))
    accumulator = nc.metrics.MetricsAccumulator(2)
    with pytest.raises(ValueError, match="row 7"):
        accumulator.update(bad, labels)
    assert accumulator.d is None
    accumulator.update(X, labels)
    second = accumulator.second_pass()
    second.update(X, labels)
    whole = nc.metrics.nc1(X, labels)
    assert second.compute().nc1 == whole
    assert whole.rtol == width * 2.0**-52


def changed(labels, old, new, times):
    """Labels of which some, the first of their class, are another."""
    labels = labels.copy()
    labels[np.flatnonzero(labels == old)[:times]] = new
    return labels


@pytest.mark.parametrize("kind", ["numpy", "torch"])
@pytest.mark.parametrize(
    ("second", "says"),
    [
        # As many samples, but of other classes.
        (lambda X, y: (X, changed(y, 1, 2, 1)), "it saw 3 of class 1, not 4"),
        (lambda X, y: (X, changed(y, 0, 2, 4)), "it saw 2 of class 0, not 6"),
        (lambda X, y: (X, (y + 1) % 3), "it saw 2 of class 0, not 6"),
        # Fewer, or more.
        (lambda X, y: (X[:-1], y[:-1]), r"it saw \d of class \d, not \d"),
        (lambda X, y: (X[y != 2], y[y != 2]), "it saw 0 of class 2, not 2"),
        (lambda X, y: (np.tile(X, (2, 1)), np.tile(y, 2)), "it saw 12 of class 0, not 6"),
        (lambda X, y: (np.tile(X, (2, 1))[:13], np.tile(y, 2)[:13]), r"it saw \d of class"),
    ],
    ids=["one", "four", "all", "fewer", "lost", "twice", "more"],
)
def test_a_second_pass_over_other_classes_is_refused(kind, second, says):
    X, labels = dense.samples((6, 4, 2), 3, 0.1, np.random.default_rng(11))
    other, other_labels = second(X, labels)
    as_kind = np.asarray if kind == "numpy" else pytest.importorskip("torch").tensor
    accumulator = nc.metrics.MetricsAccumulator(3)
    accumulator.update(as_kind(X), labels)
    pass_2 = accumulator.second_pass()
    pass_2.update(as_kind(other), other_labels)
    with pytest.raises(ValueError, match=f"must see the same samples as the first; {says}"):
        pass_2.compute()


def test_the_second_pass_must_see_the_same_samples():
    X, labels = dense.samples((5, 5), 3, 0.1, np.random.default_rng(11))
    accumulator = nc.metrics.MetricsAccumulator(2)
    with pytest.raises(ValueError, match="no samples of class 0, 1"):
        accumulator.second_pass()
    accumulator.update(X, labels)
    second = accumulator.second_pass()
    # More samples of the first pass are none of the second, and change nothing of it.
    accumulator.update(X, labels)
    with pytest.raises(ValueError, match=r"saw 0 of class 0, not 5"):
        second.compute()
    second.update(X, labels)
    assert second.compute() == nc.measure(X, labels)
    assert accumulator.counts.tolist() == [10, 10]
    again = accumulator.second_pass()
    again.update(X, labels)
    with pytest.raises(ValueError, match=r"saw 5 of class 0, not 10"):
        again.compute()


def test_a_head_that_comes_last_counts_as_one_that_came_first():
    X, labels = dense.samples((40, 25, 6, 1), 7, 0.1, np.random.default_rng(13))
    learning = nc.metrics.MetricsAccumulator(4, [W + 1 for W in HEAD[0]], HEAD[1])
    learning.update(X, labels)
    learning.set_head(*HEAD)
    done = nc.metrics.MetricsAccumulator(4, *HEAD)
    done.update(X, labels)
    one, other = learning.compute(BEST), done.compute(BEST)
    for name in ("nc2_w", "nc2_h", "nc2_wh", "nc3", "lambda_H"):
        assert getattr(one, name) == getattr(other, name)
    assert learning.effective_lambda_H(1e-3) == one.lambda_H
    with pytest.raises(ValueError, match="W_1 must have d = 7 columns, as the features; got 6"):
        learning.set_head(np.ones((4, 6)))
    second = learning.second_pass()
    learning.set_head([W + 1 for W in HEAD[0]], HEAD[1])
    second.update(X, labels)
    assert second.compute(BEST) == nc.measure(X, labels, *HEAD, BEST)


def test_lambda_H_needs_a_head():
    accumulator = nc.metrics.MetricsAccumulator(2)
    with pytest.raises(ValueError, match="measured from W_1: give the accumulator a head"):
        accumulator.effective_lambda_H(1e-3)


def test_memory_does_not_grow_with_the_samples():
    rng = np.random.default_rng(12)
    labels = np.arange(512) % 10
    accumulator = nc.metrics.MetricsAccumulator(10)
    peaks = []
    tracemalloc.start()
    for batches in (1, 20):
        tracemalloc.reset_peak()
        for _ in range(batches):
            accumulator.update(rng.standard_normal((512, 1024)).astype(np.float32), labels)
        peaks.append(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]
