"""Wrong input is refused, and the message says what is wrong."""

import numpy as np
import pytest

import nclib as nc

X = np.arange(12.0).reshape(4, 3) ** 2
LABELS = np.array([0, 1, 0, 1])
W, B = np.ones((2, 3)), np.zeros(2)
BEST = nc.global_minimizer(nc.Problem((2, 2), 1, lambda_W=0.01, lambda_H=0.01))
FREE = nc.global_minimizer(nc.Problem((2, 2), 1, bias=False, lambda_W=0.01, lambda_H=0.01))
DEEP = nc.global_minimizer(nc.Problem((2, 2), 2, lambda_W=0.01, lambda_H=0.01))
THREE = nc.global_minimizer(nc.Problem((2, 2, 1), 1, lambda_W=0.01, lambda_H=0.01))


def with_entry(value):
    features = X.copy()
    features[2, 1] = value
    return features


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((X, [0, 2, 0, 2]), {}, ValueError, r"every class from 0 to 2; no samples of class 1"),
        ((X, LABELS), {"classes": 9}, ValueError, r"no samples of class 2, 3, 4, 5, 6, \.\.\.;"),
        ((X, LABELS), {"classes": 8}, ValueError, r"no samples of class 2, 3, 4, 5, 6, \.\.\.;"),
        ((X, LABELS), {"classes": 7}, ValueError, r"no samples of class 2, 3, 4, 5, 6;"),
        ((X, [0, 1, 2, 1]), {"classes": 2}, ValueError, r"from 0 to K - 1 = 1; got 2"),
        ((X, [0, 1, -1, 1]), {}, ValueError, r"from 0 to K - 1 = 1; got -1"),
        ((X, [-1] * 4), {}, ValueError, r"from 0 to K - 1 = 0; got -1"),
        ((X, [1, 2, 1, 2]), {}, ValueError, r"no samples of class 0"),
        ((X, [0.0, 1, 0, 1]), {}, TypeError, r"labels must be whole numbers; .* float64"),
        ((X, [False, True, False, True]), {}, TypeError, r"labels must be whole numbers; .* bool"),
        ((X, list("abab")), {}, TypeError, r"labels must be whole numbers"),
        ((X, LABELS[:, None]), {}, ValueError, r"labels must be one flat sequence.*\(4, 1\)"),
        ((X, LABELS[:3]), {}, ValueError, r"one entry for each of the 4 rows of features; got 3"),
        ((X.T, LABELS), {}, ValueError, r"one entry for each of the 3 rows of features; got 4"),
        ((X, []), {}, ValueError, r"labels must hold at least one sample"),
        ((X[:0], []), {"classes": 2}, ValueError, r"no samples of class 0, 1"),
    ],
)
def test_measure_refuses_labels(arguments, options, error, message):
    with pytest.raises(error, match=message):
        nc.measure(*arguments, **options)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((X[0], LABELS), {}, ValueError, r"features must have shape \(N, d\).*\(3,\)"),
        ((X[:, :0], LABELS), {}, ValueError, r"features must have shape \(N, d\).*\(4, 0\)"),
        ((X.tolist(), LABELS), {}, TypeError, r"numpy array or a torch tensor; got list"),
        ((X.astype(int), LABELS), {}, TypeError, r"real floating numbers; got int64"),
        ((X + 1j, LABELS), {}, TypeError, r"real floating numbers; got complex128"),
        (
            (with_entry(np.nan), LABELS),
            {},
            ValueError,
            r"NaN or infinity in 1 rows, first in row 2",
        ),
        (
            (with_entry(np.inf), LABELS),
            {},
            ValueError,
            r"NaN or infinity in 1 rows, first in row 2",
        ),
        ((1.7e308 * np.sign(X - 20), LABELS), {}, ValueError, r"features must be small enough"),
        ((1e200 * X, LABELS), {}, ValueError, r"features must be small enough"),
        ((np.full((4, 3), np.nan), LABELS), {}, ValueError, r"in 4 rows, first in row 0"),
    ],
)
def test_measure_refuses_features(arguments, options, error, message):
    with pytest.raises(error, match=message):
        nc.measure(*arguments, **options)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((X, LABELS, 1e300 * W, B), {}, ValueError, r"Ws must be small enough.*up to 1\.0e\+300"),
        (
            (X, LABELS, [1e200 * W, np.full((2, 2), 1e150)], B),
            {},
            ValueError,
            r"Ws must be small enough for their product",
        ),
        ((X, LABELS, np.ones((3, 3)), B), {}, ValueError, r"W_1 must have 2 rows \(K\)"),
        ((X, LABELS, np.ones((2, 4)), B), {}, ValueError, r"W_1 must have d = 3 columns.*got 4"),
        (
            (X, LABELS, [np.ones((5, 3)), np.ones((2, 4))], B),
            {},
            ValueError,
            r"W_1 must have 4 rows \(the columns of W_2\); got shape \(5, 3\)$",
        ),
        (
            (X, LABELS, [np.ones((3, 5)), np.ones((2, 5))], B),
            {},
            ValueError,
            r"W_1 must have 5 rows .*; got shape \(3, 5\), transposed: take W_1\.T$",
        ),
        ((X, LABELS, [np.ones(3)], B), {}, ValueError, r"W_1 must be a matrix; got shape \(3,\)"),
        ((X, LABELS, [], B), {}, TypeError, r"Ws must be matrices"),
        ((X, LABELS, 3, B), {}, TypeError, r"Ws must be matrices"),
        ((X, LABELS, W * np.nan, B), {}, ValueError, r"W_1 must be finite"),
        ((X, LABELS, W, np.ones(3)), {}, ValueError, r"b must have shape \(2,\); got \(3,\)"),
        ((X, LABELS, W, B + np.inf), {}, ValueError, r"b must be finite"),
        ((X, LABELS, None, B), {}, ValueError, r"b must be None where Ws is None"),
    ],
)
def test_measure_refuses_a_head(arguments, options, error, message):
    with pytest.raises(error, match=message):
        nc.measure(*arguments, **options)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((X, LABELS, W, None, BEST), {}, ValueError, r"minimizer has a bias; got None"),
        ((X, LABELS, W, B, FREE), {}, ValueError, r"b must be None: minimizer has no bias"),
        ((X, LABELS, W, B, DEEP), {}, ValueError, r"depth = 2 matrices, as minimizer; got 1"),
        ((X, [0, 0, 0, 1], W, B, BEST), {}, ValueError, r"has 2 samples of class 0, labels have 3"),
        ((X, LABELS, None, None, THREE), {"classes": 2}, ValueError, r"K = 2 classes; got 3"),
        (
            (X, LABELS, None, None, 7),
            {},
            TypeError,
            r"minimizer must be a Minimizer or another optimum; got 7",
        ),
    ],
)
def test_measure_refuses_a_minimizer(arguments, options, error, message):
    with pytest.raises(error, match=message):
        nc.measure(*arguments, **options)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((X, LABELS), {"reading": "printed"}, ValueError, r"'corrected' or 'as_printed'"),
        ((X, LABELS), {"between": "equal"}, ValueError, r"'unweighted' or 'weighted'; got 'equal'"),
        ((X, LABELS), {"center": "median"}, ValueError, r"'samples' or 'classes'; got 'median'"),
        ((X, LABELS), {"rtol": -1.0}, ValueError, r"rtol must be at least 0 and below 1"),
        ((X, LABELS), {"rtol": -0.5}, ValueError, r"rtol must be at least 0 and below 1"),
        ((X, LABELS), {"rtol": 1.0}, ValueError, r"rtol must be at least 0 and below 1; got 1.0"),
        ((X, LABELS), {"rtol": "0.1"}, ValueError, r"rtol must be at least 0 and below 1"),
        ((X, LABELS), {"rtol": float("nan")}, ValueError, r"rtol must be"),
        ((X, LABELS), {"classes": 2.5}, ValueError, r"classes must be a whole number"),
        ((X, LABELS), {"classes": 0}, ValueError, r"classes must be a whole number, at least 1"),
    ],
)
def test_measure_refuses_options(arguments, options, error, message):
    with pytest.raises(error, match=message):
        nc.measure(*arguments, **options)


def test_lambda_H_refuses():
    with pytest.raises(ValueError, match=r"W_1 must have d = 3 columns, as the features; got"):
        nc.metrics.effective_lambda_H(X, LABELS, np.ones((2, 4)), 0.1)
    with pytest.raises(ValueError, match=r"lambda_W1 must be positive"):
        nc.metrics.effective_lambda_H(X, LABELS, W, 0.0)


def test_batches_of_another_width_are_refused():
    accumulator = nc.metrics.MetricsAccumulator(2)
    accumulator.update(X, LABELS)
    with pytest.raises(ValueError, match=r"d = 3 columns, as before; got 2"):
        accumulator.update(X[:, :2], LABELS)


def test_a_batch_without_the_last_class_is_no_error():
    accumulator = nc.metrics.MetricsAccumulator(2)
    accumulator.update(X, [0, 0, 0, 0])
    accumulator.update(X, LABELS)
    assert accumulator.counts.tolist() == [6, 2]
    with pytest.raises(ValueError, match="no samples of class 1"):
        nc.metrics.nc1(X, [0, 0, 0, 0], classes=2)
