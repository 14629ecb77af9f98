"""NC2, NC3, NC4 and the effective lambda_H against dense formulas and exact minimisers."""

from functools import reduce
from itertools import pairwise

import dense_metrics as dense
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import ClosedForm

import nclib as nc
from nclib.metrics import MetricsAccumulator

CIFAR10 = nc.ClassCounts.cifar10_paper()
EMNIST = nc.ClassCounts.emnist_letters_paper()


def at_fraction_of_first_death(counts, depth, fraction, bias=True):
    problem = nc.Problem(counts, depth, bias=bias, lambda_W=1e-3, lambda_H=1e-3)
    factors = nc.collapse_factors(problem)
    lam = 1e-3 * fraction * factors[factors > 0].min()
    return nc.global_minimizer(nc.Problem(counts, depth, bias=bias, lambda_W=lam, lambda_H=lam))


def at_optimum(best, reading="corrected", seed=0, dtype=np.float64):
    """Measure a minimiser by its explicit weights, every feature at its class mean."""
    Ws, H_bar, b = best.weights(seed)
    labels = np.repeat(np.arange(best.problem.K), best.problem.counts.n)
    labels = np.random.default_rng(seed).permutation(labels)
    return nc.measure(H_bar.T.astype(dtype)[labels], labels, Ws, b, best, reading=reading)


PROBLEMS = [
    nc.Problem(n, depth, bias=bias, lambda_W=lam, lambda_H=2 * lam)
    for n in [(5, 5, 5), (6, 3, 2), (2, 9, 4, 4), (40, 40, 1, 7, 7, 7)]
    for depth in (1, 2, 4)
    for bias in (True, False)
    for lam in (1e-3, 2e-2)
]


@pytest.mark.parametrize("problem", PROBLEMS, ids=repr)
def test_zero_at_the_minimiser(problem, record_error):
    best = nc.global_minimizer(problem)
    metrics = at_optimum(best)
    if not best.alive:
        assert np.isnan([metrics.nc2_w, metrics.nc2_h, metrics.nc2_wh, metrics.nc3]).all()
        return
    for name in ("nc2_w", "nc2_h", "nc2_wh", "nc3"):
        assert record_error(f"{name} at the minimiser", getattr(metrics, name), 1e-13)
    assert metrics.nc1.value <= 1e-28 or best.alive == 0
    assert metrics.nc1.rank_as_expected
    assert metrics.target_unique
    assert record_error("lambda_H", abs(metrics.lambda_H / problem.lambda_H - 1), 1e-12)


def test_zero_at_the_minimiser_of_cross_entropy_without_bias():
    """Its modes are no classes, as those of the squared error are there."""
    problem = nc.LossProblem(
        (6, 3, 2), nc.CrossEntropy(), lambda_W=2e-3, lambda_H=2e-3, bias="none"
    )
    metrics = at_optimum(nc.loss_minimizer(problem))
    assert max(metrics.nc2_w, metrics.nc2_h, metrics.nc2_wh, metrics.nc3) < 1e-6


def test_lambda_H_is_told_by_the_penalty_of_the_first_layer():
    best = nc.global_minimizer(nc.Problem((6, 3, 2), 2, lambda_W=(4e-3, 1e-3), lambda_H=2e-3))
    assert at_optimum(best).lambda_H == pytest.approx(2e-3, rel=1e-12)


def test_cases_hold_every_kind_of_collapse():
    alive = [nc.global_minimizer(p).alive - p.K + p.bias for p in PROBLEMS]
    assert 0 in alive
    assert min(alive) < 0


@pytest.mark.parametrize("index", [1, 2, 3])
def test_zero_at_a_local_minimum_against_itself_but_not_against_the_global(index):
    minima = nc.local_minima(nc.Problem([50, 30, 20, 9], 3, lambda_W=1e-3, lambda_H=1e-3))
    minimum = minima[index]
    assert at_optimum(minimum).nc2_wh < 1e-13
    Ws, H_bar, b = minimum.weights()
    labels = np.repeat(np.arange(4), minimum.problem.counts.n)
    against = nc.measure(H_bar.T[labels], labels, Ws, b, minima.best)
    assert against.nc1.rank_as_expected == (index == minima.best.alive)
    assert (against.nc2_w > 1e-3) == (index != minima.best.alive)


@pytest.mark.parametrize(
    ("counts", "depth", "floor"),
    [
        (CIFAR10, 1, 0.21),
        (CIFAR10, 3, 0.39),
        (CIFAR10, 6, 0.45),
        (EMNIST, 1, 0.56),
        (EMNIST, 3, 0.84),
        (EMNIST, 6, 0.89),
    ],
)
def test_as_printed_has_the_published_floor(counts, depth, floor, record_error):
    """E3: with q squared, NC2^WH is not 0 at the optimum; AUDIT.md computed these by itself."""
    best = at_fraction_of_first_death(counts, depth, 0.5)
    printed, corrected = at_optimum(best, "as_printed"), at_optimum(best)
    assert record_error("NC2^WH as printed, floor", abs(printed.nc2_wh - floor), 0.00501)
    assert corrected.nc2_wh < 1e-12
    assert printed.nc2_w < 1e-12
    assert printed.nc2_h < 1e-12


@pytest.mark.parametrize("depth", [1, 3])
def test_as_printed_balanced_has_no_floor(depth):
    best = at_fraction_of_first_death((30,) * 5, depth, 0.5)
    assert at_optimum(best, "as_printed").nc2_wh < 1e-13


def test_as_printed_nc3_counts_the_direction_of_rounding_noise():
    """E5: with a bias the last row is 0/0 at the optimum: anything in [0, 2], or NaN."""
    best = at_fraction_of_first_death(CIFAR10, 3, 0.5)
    assert best.alive == 9
    corrected, printed = at_optimum(best), at_optimum(best, "as_printed")
    assert corrected.nc3 < 1e-12
    assert np.isnan(corrected.nc3_by_mode[9])
    assert not printed.nc3 < 1e-3
    np.testing.assert_allclose(printed.nc3_by_mode[:9], corrected.nc3_by_mode[:9], atol=1e-12)


def test_as_printed_nc3_of_an_exactly_zero_row_is_not_a_number():
    best = nc.global_minimizer(nc.Problem((4, 2, 1), 1, bias=False, lambda_W=0.25, lambda_H=0.25))
    assert 0 < best.alive < 3
    Ws, H_bar, b = best.weights()
    Ws[0][2], H_bar[:, 2] = 0.0, 0.0
    labels = np.array([0, 0, 0, 0, 1, 1, 2])
    printed = nc.measure(H_bar.T[labels], labels, Ws, b, best, reading="as_printed")
    assert np.isnan(printed.nc3)
    assert np.isnan(printed.nc3_by_mode[2])
    assert nc.measure(H_bar.T[labels], labels, Ws, b, best).nc3 < 1e-13


def test_total_collapse_is_not_a_number(record_error):
    """E10: the targets are 0; and so may be what is measured."""
    dead = nc.global_minimizer(nc.Problem((3, 2), 2, lambda_W=1.0, lambda_H=1.0))
    assert dead.alive == 0
    rng = np.random.default_rng(0)
    labels = np.array([0, 0, 0, 1, 1])
    alive = nc.global_minimizer(nc.Problem((3, 2), 1, lambda_W=1e-3, lambda_H=1e-3))
    for best, X, Ws in (
        (dead, rng.standard_normal((5, 4)), [rng.standard_normal((3, 4)), np.ones((2, 3))]),
        (dead, np.zeros((5, 4)), [np.zeros((3, 4)), np.zeros((2, 3))]),
        (alive, np.zeros((5, 4)), [np.zeros((2, 4))]),
    ):
        for reading in ("corrected", "as_printed"):
            metrics = nc.measure(X, labels, Ws, np.zeros(2), best, reading=reading)
            values = [metrics.nc2_w, metrics.nc2_h, metrics.nc2_wh]
            defined = np.isfinite(values).sum()
            assert record_error("NC2 that is a number at total collapse", defined, 0)
        assert np.isnan(nc.measure(X, labels, Ws, np.zeros(2), best).nc3)


@pytest.mark.parametrize("bias", [True, False])
def test_close_to_total_collapse_nothing_underflows(bias):
    best = nc.global_minimizer(nc.Problem((6, 3, 2), 1, bias=bias, lambda_W=1e-3, lambda_H=1e-3))
    Ws, H_bar, b = best.weights()
    labels = np.repeat(np.arange(3), (6, 3, 2))
    metrics = nc.measure(1e-140 * H_bar.T[labels], labels, [1e-200 * Ws[0]], b, best)
    assert max(metrics.nc2_w, metrics.nc2_h, metrics.nc2_wh, metrics.nc3) < 1e-13


@pytest.mark.parametrize("reading", ["corrected", "as_printed"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("n", [(12, 7, 4, 2), (3, 8, 5), (4, 9, 4, 9, 1)])
def test_anywhere_equals_the_dense_formulas(n, depth, bias, reading, record_error):
    """Away from the optimum: random head and features, the offset of features included."""
    rng = np.random.default_rng(depth)
    K, d = len(n), 9
    lambdas = (0.01,) * depth, 0.003
    form = ClosedForm(n, depth, bias, *lambdas)
    best = nc.global_minimizer(nc.Problem(n, depth, bias=bias, lambda_W=0.01, lambda_H=0.003))
    assert best.alive == form.survives.sum()
    X, labels = dense.samples(n, d, 0.4, rng, offset=0.5)
    widths = [d, *rng.integers(5, 8, depth - 1), K]
    Ws = [rng.standard_normal((out, into)) for into, out in pairwise(widths)]
    b = rng.standard_normal(K)
    P = reduce(lambda below, W: W @ below, Ws)
    Hbar = dense.class_means(X, labels).T
    metrics = nc.measure(X, labels, Ws, b if bias else None, best, reading=reading)
    expected = dense.nc2(P, Hbar, form, reading)
    for name, value in zip(("nc2_w", "nc2_h", "nc2_wh"), expected, strict=True):
        ours = getattr(metrics, name)
        assert record_error(f"{name}, dense formula", abs(ours - value), 1e-12 * max(value, 1))
        by_mode = getattr(metrics, f"{name}_by_mode")
        assert by_mode.shape == (K,)
        assert np.linalg.norm(by_mode) == pytest.approx(ours, rel=1e-13)
    if len(set(n)) == K and (reading == "corrected" or not bias):
        value = dense.nc3(P, Hbar, form, reading)
        assert record_error("nc3, dense formula", abs(metrics.nc3 - value), 1e-11)
    agree = dense.nc4(X, labels, P, b if bias else 0.0)
    np.testing.assert_allclose(metrics.nc4_by_class, agree, atol=1e-15)
    assert metrics.nc4 == pytest.approx(float(agree @ best.problem.counts.n) / sum(n))
    expected = 0.01 * np.sum(Ws[0] ** 2) / np.sum((Hbar * np.sqrt(n)) ** 2)
    assert metrics.lambda_H == pytest.approx(expected, rel=1e-13)
    assert metrics.lambda_H == nc.metrics.effective_lambda_H(X, labels, Ws[0], 0.01)


@settings(max_examples=20)
@given(
    n=st.lists(st.integers(1, 30), min_size=2, max_size=5, unique=True),
    bias=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_blind_to_rotation_order_and_names_of_the_classes(n, bias, seed, record_error):
    rng = np.random.default_rng(seed)
    K, d = len(n), 6
    X, labels = dense.samples(n, d, 0.4, rng)
    W, b = rng.standard_normal((K, d)), rng.standard_normal(K) if bias else None
    Q, _ = np.linalg.qr(rng.standard_normal((d, d)))
    order, names = rng.permutation(labels.size), rng.permutation(K)
    old = np.argsort(names)  # the class that is now called k

    def best(counts):
        return nc.global_minimizer(nc.Problem(counts, 2, bias=bias, lambda_W=1e-3, lambda_H=1e-3))

    # Two layers: the lower one rotates back.
    one = nc.measure(X, labels, [np.eye(d), W], b, best(n))
    b = b[old] if bias else None
    n = np.array(n)[old]
    other = nc.measure((X @ Q)[order], names[labels][order], [Q, W[old]], b, best(n))
    for name in ("nc1", "nc2_w", "nc2_h", "nc2_wh", "nc3", "nc4", "lambda_H"):
        error = abs(float(getattr(other, name)) - float(getattr(one, name)))
        scale = max(float(getattr(one, name)), 1.0)
        assert record_error(f"{name}, invariance", error / scale, 1e-9)


@pytest.mark.parametrize(("dtype", "floor"), [(np.float32, 2e-6), (np.float16, 2e-3)])
def test_floors_of_the_precisions(dtype, floor, record_error):
    """Defect 11: what rounding the features alone leaves of the metrics."""
    best = at_fraction_of_first_death(CIFAR10, 3, 0.5)
    metrics = at_optimum(best, dtype=dtype)
    assert record_error(f"nc2_h in {dtype.__name__}", metrics.nc2_h, floor)
    assert metrics.nc1.rank_as_expected


def test_dead_modes_lower_the_expected_rank():
    best = at_fraction_of_first_death(CIFAR10, 2, 1.3)
    assert best.alive < 9
    metrics = at_optimum(best)
    assert metrics.nc1.expected_rank == metrics.nc1.rank == best.alive
    assert metrics.nc3 < 1e-12
    assert np.isnan(metrics.nc3_by_mode[best.alive :]).all()


def test_nc4_counts_merged_classes_as_agreeing():
    """With dead minorities their means coincide: which of them is named is chance."""
    best = at_fraction_of_first_death((100, 100, 10, 10, 10), 2, 1.2)
    assert best.merged_classes() == ((2, 3, 4),)
    for dtype in (np.float32, np.float64):
        for seed in range(4):
            assert at_optimum(best, seed=seed, dtype=dtype).nc4_by_class.tolist() == [1] * 5


def test_nc4_tells_close_means_apart():
    """Means that differ by a ten-thousandth, and a head that calls both by the first name."""
    means = np.array([[1.0, 0.0], [1.0, 1e-4], [-2.0, 0.0]])
    labels = np.array([0, 0, 1, 1, 2, 2])
    head = np.array([[1.0, 0.0], [0.9, 0.0], [-1.0, 0.0]])
    for dtype in (np.float32, np.float64):
        metrics = nc.measure(means.astype(dtype)[labels], labels, head)
        assert metrics.nc4_by_class.tolist() == [1, 0, 1]


@pytest.mark.parametrize("within", [0.5, 2.0, 8.0])
def test_nc4_of_scattered_samples_is_that_of_distances(within):
    rng = np.random.default_rng(2)
    X, labels = dense.samples((60, 30, 30, 10), 3, within, rng, offset=1.0)
    W, b = rng.standard_normal((4, 3)), rng.standard_normal(4)
    found = nc.measure(X, labels, W, b).nc4_by_class
    np.testing.assert_allclose(found, dense.nc4(X, labels, W, b), atol=1e-15)


def test_nc4_of_means_that_are_all_the_same_agrees():
    assert nc.measure(np.zeros((4, 2)), [0, 0, 1, 1], np.ones((2, 2))).nc4 == 1


@pytest.mark.parametrize("scale", [2.0**-40, 2.0**-10, 2.0**10, 2.0**40])
def test_nc4_is_blind_to_the_scale_of_the_features(scale):
    """Of merged classes, with noise, and of means that are close: what ties, ties at any scale."""
    best = at_fraction_of_first_death((100, 100, 10, 10, 10), 2, 1.2)
    Ws, H_bar, _ = best.weights()
    labels = np.repeat(np.arange(5), best.problem.counts.n)
    noise = np.random.default_rng(0).standard_normal((labels.size, H_bar.shape[0]))
    close = np.array([[1.0, 0.0], [1.0, 1e-4], [-2.0, 0.0]])
    head = [np.array([[1.0, 0.0], [0.9, 0.0], [-1.0, 0.0]])]
    for X, y, layers, agrees in (
        ((H_bar.T[labels] + 1e-9 * noise).astype(np.float32), labels, Ws, [1] * 5),
        (close[[0, 0, 1, 1, 2, 2]], [0, 0, 1, 1, 2, 2], head, [1, 0, 1]),
    ):
        found = nc.measure(X * X.dtype.type(scale), y, layers).nc4_by_class
        assert found.tolist() == agrees


def test_nc4_one_layer_alive_but_misclassified_is_a_disagreement():
    """A minority whose head has not caught up: its own mean is nearest, the head says another."""
    n1, n2 = 90, 10
    kappa = np.sqrt(2 * n1 * n2 / (n1 + n2))
    lam = 0.9 * kappa / (n1 + n2)  # alive, and wrong: AUDIT.md (f)
    best = nc.global_minimizer(nc.Problem((n1, n2), 1, lambda_W=lam, lambda_H=lam))
    assert best.alive == 1
    assert best.training_accuracy().per_class.tolist() == [1, 0]
    assert at_optimum(best).nc4_by_class.tolist() == [1, 0]


def test_a_part_of_the_samples_measured_against_the_whole():
    best = at_fraction_of_first_death((40, 20, 10), 2, 0.5)
    Ws, H_bar, b = best.weights()
    labels = np.array([0, 1, 2, 2])
    with pytest.raises(ValueError, match=r"minimizer has 40 samples of class 0, labels have 1"):
        nc.measure(H_bar.T[labels], labels, Ws, b, best)
    part = nc.measure(H_bar.T[labels], labels, Ws, b, best, check_counts=False)
    assert max(part.nc2_w, part.nc2_h, part.nc2_wh, part.nc3) < 1e-13
    # At the minimum every layer is in balance, with the features of all 70 samples.
    assert part.lambda_H == pytest.approx(best.problem.lambda_H, rel=1e-12)
    accumulator = MetricsAccumulator(3, Ws, b)
    accumulator.update(H_bar.T[labels], labels)
    lambda_W1 = best.problem.lambda_W[0]
    effective = accumulator.effective_lambda_H(lambda_W1, [40, 20, 10])
    assert effective == pytest.approx(best.problem.lambda_H, rel=1e-12)
    assert accumulator.effective_lambda_H(lambda_W1) > 10 * effective
    with pytest.raises(ValueError, match="training_counts must be K = 3 whole numbers"):
        accumulator.effective_lambda_H(lambda_W1, [40, 20])


def test_a_minimiser_that_is_not_unique_is_told():
    """A width that cuts a block: other minimisers exist, for which NC2 is not 0."""
    best = nc.global_minimizer(nc.Problem((5, 5, 5), 1, lambda_W=0.01, lambda_H=0.01, widths=(1,)))
    assert not best.unique
    assert at_optimum(best).target_unique is False


def test_what_is_not_given_is_none():
    X, labels = dense.samples((5, 4), 3, 0.5, np.random.default_rng(0))
    best = nc.global_minimizer(nc.Problem((5, 4), 1, lambda_W=0.01, lambda_H=0.01))
    features_only = nc.measure(X, labels)
    assert features_only.nc1.rank == 1
    assert features_only.nc1.rank_as_expected is None
    for name in ("nc2_w", "nc2_h", "nc2_wh", "nc3", "nc4", "lambda_H", "target_unique"):
        assert getattr(features_only, name) is None
    no_head = nc.measure(X, labels, minimizer=best)
    assert no_head.nc2_h > 0
    assert no_head.nc2_w is None
    no_target = nc.measure(X, labels, np.ones((2, 3)), np.zeros(2))
    assert no_target.nc4 >= 0
    assert no_target.nc2_w is None


def test_lists_of_numbers_will_do_for_a_head():
    X, labels = dense.samples((5, 4), 3, 0.5, np.random.default_rng(1))
    W, b = np.arange(6.0).reshape(2, 3) - 2, np.array([0.5, -1.0])
    assert nc.measure(X, labels, [W.tolist()], b.tolist()) == nc.measure(X, labels, W, b)


def test_lambda_H_of_nothing():
    labels = [0, 1]
    assert nc.metrics.effective_lambda_H(np.zeros((2, 3)), labels, np.ones((2, 3)), 0.1) == np.inf
    assert np.isnan(nc.metrics.effective_lambda_H(np.zeros((2, 3)), labels, np.zeros((2, 3)), 0.1))
