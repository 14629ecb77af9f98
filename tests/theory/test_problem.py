"""Problem: its fields, its objective (eq. 4.3, Definition 3.1), its gradient, every bad input."""

import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest

import nclib as nc

N_COUNTS = (3, 1, 2)


def make(counts=N_COUNTS, depth=2, bias=True, lambda_W=0.1, lambda_H=0.2, widths=None):
    return nc.Problem(counts, depth, bias=bias, lambda_W=lambda_W, lambda_H=lambda_H, widths=widths)


# ---------------------------------------------------------------- fields


def test_one_lambda_stands_for_every_layer():
    assert make(depth=3, lambda_W=0.5).lambda_W == (0.5, 0.5, 0.5)
    assert make(depth=3, lambda_W=np.float32(0.5)).lambda_W == (0.5, 0.5, 0.5)


def test_one_lambda_per_layer_keeps_its_order():
    for given in ([0.1, 0.2, 0.3], (0.1, 0.2, 0.3), np.array([0.1, 0.2, 0.3])):
        problem = make(depth=3, lambda_W=given)
        assert problem.lambda_W == (0.1, 0.2, 0.3)
        assert all(type(v) is float for v in problem.lambda_W)


def test_whole_number_lambdas_are_numbers_too():
    problem = make(depth=1, lambda_W=1, lambda_H=2)
    assert (problem.lambda_W, problem.lambda_H) == ((1.0,), 2.0)


def test_counts_may_be_class_counts_or_what_they_take():
    assert make(nc.ClassCounts(N_COUNTS)).counts == make([3, 1, 2]).counts
    problem = make(np.array([3, 1, 2]))
    assert (problem.K, problem.N) == (3, 6)


@pytest.mark.parametrize(
    ("widths", "limit"), [(None, 3), ((3, 3), 3), ((9, 7), 3), ((2, 9), 2), ((9, 1), 1)]
)
def test_rank_limit_is_the_smallest_width_or_k(widths, limit):
    problem = make(widths=widths)
    assert problem.rank_limit == limit
    assert problem.widths == widths


def test_widths_may_be_a_list_or_array():
    assert make(widths=[4, 2]).widths == (4, 2)
    assert make(widths=np.array([4, 2])).widths == (4, 2)


@pytest.mark.parametrize("field", ["counts", "depth", "bias", "lambda_W", "lambda_H", "widths"])
def test_fields_cannot_be_set(field):
    with pytest.raises((AttributeError, dataclasses.FrozenInstanceError)):
        setattr(make(), field, 1)


def test_equal_problems_are_equal():
    assert make() == make()
    assert make(lambda_W=0.1) == make(lambda_W=[0.1, 0.1])
    assert make() != make(lambda_H=0.3)
    assert make(bias=True) != make(bias=False)


# ---------------------------------------------------------------- bad arguments

BAD_LAMBDAS = [
    0,
    0.0,
    -0.1,
    math.nan,
    math.inf,
    -math.inf,
    "0.1",
    None,
    1j,
    True,
    [],
    [0.1],
    [0.1] * 3,
    [0.1, 0.0],
    [0.1, -1.0],
    [0.1, math.nan],
    [0.1, math.inf],
    [[0.1, 0.2]],
    ["a", "b"],
]


@pytest.mark.parametrize("value", BAD_LAMBDAS, ids=repr)
def test_bad_lambda_w_is_refused_by_name(value):
    with pytest.raises((ValueError, TypeError), match="lambda_W"):
        make(depth=2, lambda_W=value)


@pytest.mark.parametrize(
    "value",
    [0, 0.0, 5e-324, -0.1, math.nan, math.inf, "0.1", None, 1j, True, [0.1], [0.1, 0.1]],
    ids=repr,
)
def test_bad_lambda_h_is_refused_by_name(value):
    with pytest.raises((ValueError, TypeError), match="lambda_H"):
        make(lambda_H=value)


@pytest.mark.parametrize("value", [0.0, -0.25, math.nan, math.inf])
def test_refused_lambda_is_shown(value):
    with pytest.raises(ValueError, match=str(value)):
        make(lambda_W=value)
    with pytest.raises(ValueError, match=str(value)):
        make(lambda_H=value)


def test_wrong_number_of_lambdas_names_both_numbers():
    with pytest.raises(ValueError, match=r"(?s)lambda_W.*(3.*2|2.*3)"):
        make(depth=3, lambda_W=[0.1, 0.2])


@pytest.mark.parametrize("depth", [0, -1, 1.5, math.nan, "2", None, True, [2], 2 + 0j], ids=repr)
def test_bad_depth_is_refused_by_name(depth):
    with pytest.raises((ValueError, TypeError), match="depth"):
        make(depth=depth)


@pytest.mark.parametrize(
    "widths",
    [
        (),
        (3,),
        (3, 3, 3),
        (0, 3),
        (3, -1),
        (3, 2.5),
        (3, math.nan),
        (3, "2"),
        (True, 3),
        ((3, 3),),
        3.5,
        "33",
        (3, None),
    ],
    ids=repr,
)
def test_bad_widths_are_refused_by_name(widths):
    with pytest.raises((ValueError, TypeError), match="widths"):
        make(depth=2, widths=widths)


@pytest.mark.parametrize("bias", [None, "yes", 2, 0.5], ids=repr)
def test_bad_bias_is_refused_by_name(bias):
    with pytest.raises((ValueError, TypeError), match="bias"):
        make(bias=bias)


@pytest.mark.parametrize("counts", [[3, 0], [3], [3, 1.5], "ab", None, 7], ids=repr)
def test_bad_counts_are_refused(counts):
    with pytest.raises((ValueError, TypeError), match=r"\bn\b|counts"):
        make(counts=counts)


@pytest.mark.parametrize("missing", ["lambda_W", "lambda_H"])
def test_lambdas_have_no_default(missing):
    arguments = {"lambda_W": 0.1, "lambda_H": 0.1}
    del arguments[missing]
    with pytest.raises(TypeError, match=missing):
        nc.Problem(N_COUNTS, 2, **arguments)


# ---------------------------------------------------------------- the objective


def random_point(problem, columns, seed=0):
    rng = np.random.default_rng(seed)
    d = (*(problem.widths or (problem.K,) * problem.depth), problem.K)
    Ws = [rng.standard_normal((d[j + 1], d[j])) for j in range(problem.depth)]
    H = rng.standard_normal((d[0], columns))
    b = rng.standard_normal(problem.K) if problem.bias else None
    return Ws, H, b


def literal_objective(n, lambda_W, lambda_H, Ws, H, b):
    """Eq. 4.3 read off sample by sample, in plain Python loops."""
    N = sum(n)
    total = Fraction(0)
    sample = 0
    for k, count in enumerate(n):
        for _ in range(count):
            output = [Fraction(float(v)) for v in H[:, sample]]
            for W in Ws:
                output = [
                    sum(Fraction(float(w)) * v for w, v in zip(row, output, strict=True))
                    for row in W
                ]
            for i, value in enumerate(output):
                shift = Fraction(float(b[i])) if b is not None else 0
                total += (value + shift - (1 if i == k else 0)) ** 2 / (2 * N)
            sample += 1
    for lam, W in zip(lambda_W, Ws, strict=True):
        total += Fraction(lam) / 2 * sum(Fraction(float(w)) ** 2 for w in W.ravel())
    total += Fraction(lambda_H) / 2 * sum(Fraction(float(h)) ** 2 for h in H.ravel())
    return float(total)


SHAPES = [(1, None), (1, (2,)), (2, (4, 2)), (3, (1, 5, 2)), (3, None)]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("depth", "widths"), SHAPES)
def test_objective_is_definition_3_1(depth, widths, bias, record_error):
    lambda_W = tuple(0.1 * (j + 1) for j in range(depth))
    problem = make(depth=depth, widths=widths, bias=bias, lambda_W=lambda_W, lambda_H=0.7)
    Ws, H, b = random_point(problem, problem.N, seed=depth)
    expected = literal_objective(N_COUNTS, lambda_W, 0.7, Ws, H, b)
    error = abs(problem.objective(Ws, H, b) / expected - 1)
    assert record_error("objective, read off sample by sample", error, 1e-14)


def test_any_inner_dimensions_fit_where_no_widths_are_set():
    rng = np.random.default_rng(2)
    W1, W2 = rng.standard_normal((7, 5)), rng.standard_normal((3, 7))
    H, b = rng.standard_normal((5, 6)), rng.standard_normal(3)
    expected = literal_objective(N_COUNTS, (0.1, 0.1), 0.2, [W1, W2], H, b)
    assert make().objective([W1, W2], H, b) == pytest.approx(expected, rel=1e-14)


def test_loss_is_a_mean_over_samples_not_over_classes_as_well():
    """At W = 0, H = 0, b = 0 every sample is off by one: f = 1/2, not 1/(2K)."""
    problem = make(depth=1)
    assert problem.objective([np.zeros((3, 3))], np.zeros((3, 6)), np.zeros(3)) == 0.5


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("depth", "widths"), SHAPES)
def test_class_means_stand_for_collapsed_features(depth, widths, bias):
    problem = make(depth=depth, widths=widths, bias=bias)
    Ws, H_bar, b = random_point(problem, problem.K, seed=7)
    H = np.repeat(H_bar, N_COUNTS, axis=1)
    assert problem.objective(Ws, H_bar, b) == pytest.approx(problem.objective(Ws, H, b), rel=1e-14)


def test_features_are_ordered_by_class():
    problem = make(depth=1, bias=False, lambda_W=1e-12, lambda_H=1e-12)
    labels = np.repeat(np.eye(3), N_COUNTS, axis=1)
    assert problem.objective([np.eye(3)], labels) < 1e-11
    assert problem.objective([np.eye(3)], labels[:, ::-1]) > 0.1


def test_class_means_and_features_agree_where_every_class_has_one_sample():
    problem = make(counts=(1, 1, 1), depth=1)
    Ws, H, b = random_point(problem, 3)
    expected = literal_objective((1, 1, 1), (0.1,), 0.2, Ws, H, b)
    assert problem.objective(Ws, H, b) == pytest.approx(expected, rel=1e-14)


def test_objective_takes_lists_and_returns_a_float():
    problem = make(counts=(1, 2), depth=1, bias=True)
    value = problem.objective([[[1, 0], [0, 1]]], [[1, 0], [0, 1]], [0, 0])
    assert isinstance(value, float)
    assert value == pytest.approx(0.1 / 2 * 2 + 0.2 / 2 * 3, rel=1e-15)


# ---------------------------------------------------------------- the gradient


@pytest.mark.parametrize("columns", ["features", "class means"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("depth", "widths"), SHAPES)
def test_gradient_agrees_with_central_differences(depth, widths, bias, columns, record_error):
    lambda_W = tuple(0.1 * (j + 1) for j in range(depth))
    problem = make(depth=depth, widths=widths, bias=bias, lambda_W=lambda_W, lambda_H=0.7)
    Ws, H, b = random_point(problem, problem.N if columns == "features" else problem.K, seed=11)
    dWs, dH, db = problem.gradient(Ws, H, b)
    assert (db is None) is (not bias)
    assert [d.shape for d in dWs] == [W.shape for W in Ws]
    assert dH.shape == H.shape
    pairs = [*zip(Ws, dWs, strict=True), (H, dH)] + ([(b, db)] if bias else [])
    step, largest = 1e-5, 0.0
    size = max(np.abs(d).max() for _, d in pairs)
    for array, derivative in pairs:
        for index in np.ndindex(array.shape):
            old = array[index]
            array[index] = old + step
            up = problem.objective(Ws, H, b)
            array[index] = old - step
            down = problem.objective(Ws, H, b)
            array[index] = old
            largest = max(largest, abs((up - down) / (2 * step) - derivative[index]) / size)
    # central differences: eps/step = 2e-11 times an objective that is up to ten gradients large,
    # and step^2 = 1e-10 times a third derivative
    assert record_error("gradient against differences", largest, 2e-9)


def test_gradient_of_class_means_is_that_of_equal_features_summed_over_the_class():
    problem = make(depth=2)
    Ws, H_bar, b = random_point(problem, 3)
    dWs, dH_bar, db = problem.gradient(Ws, H_bar, b)
    full_dWs, dH, full_db = problem.gradient(Ws, np.repeat(H_bar, N_COUNTS, axis=1), b)
    for reduced, full in zip([*dWs, db], [*full_dWs, full_db], strict=True):
        np.testing.assert_allclose(reduced, full, rtol=0, atol=1e-14 * np.abs(full).max())
    summed = np.add.reduceat(dH, [0, 3, 4], axis=1)
    np.testing.assert_allclose(dH_bar, summed, rtol=0, atol=1e-14 * np.abs(summed).max())


@pytest.mark.parametrize("bias", [True, False])
def test_arguments_are_left_as_they_were(bias):
    problem = make(bias=bias)
    Ws, H, b = random_point(problem, 6)
    copies = [W.copy() for W in Ws], H.copy(), None if b is None else b.copy()
    problem.gradient(Ws, H, b)
    problem.objective(Ws, H, b)
    for W, copy in zip(Ws, copies[0], strict=True):
        np.testing.assert_array_equal(W, copy)
    np.testing.assert_array_equal(H, copies[1])
    if bias:
        np.testing.assert_array_equal(b, copies[2])


# ---------------------------------------------------------------- wrong shapes

WRONG = {
    "a layer too few": (lambda Ws, H, b: (Ws[:1], H, b), "Ws"),
    "a layer too many": (lambda Ws, H, b: ([*Ws, np.eye(3)], H, b), "Ws"),
    "no layers": (lambda Ws, H, b: ([], H, b), "Ws"),
    "layers that do not chain": (lambda Ws, H, b: ([Ws[0], Ws[1][:, :-1]], H, b), r"W_?[s2]"),
    "an output too few": (lambda Ws, H, b: ([Ws[0], Ws[1][:-1]], H, b), r"W_?[s2]"),
    "a flat layer": (lambda Ws, H, b: ([Ws[0], Ws[1][0]], H, b), r"W_?[s2]"),
    "features of another width": (lambda Ws, H, b: (Ws, H[:-1], b), r"\bH\b|W_1"),
    "a sample too few": (lambda Ws, H, b: (Ws, H[:, :-1], b), r"\bH\b"),
    "flat features": (lambda Ws, H, b: (Ws, H[0], b), r"\bH\b"),
    "no bias": (lambda Ws, H, b: (Ws, H, None), r"\bb\b"),
    "a bias too short": (lambda Ws, H, b: (Ws, H, b[:-1]), r"\bb\b"),
    "a bias column": (lambda Ws, H, b: (Ws, H, b[:, None]), r"\bb\b"),
}


@pytest.mark.parametrize("method", ["objective", "gradient"])
@pytest.mark.parametrize("name", WRONG)
def test_wrong_shapes_are_refused_by_name(name, method):
    change, message = WRONG[name]
    problem = make(widths=(4, 2))
    with pytest.raises((ValueError, TypeError), match=message):
        getattr(problem, method)(*change(*random_point(problem, problem.N)))


@pytest.mark.parametrize("method", ["objective", "gradient"])
def test_bias_is_refused_where_the_problem_has_none(method):
    problem = make(bias=False)
    Ws, H, _ = random_point(problem, 6)
    with pytest.raises((ValueError, TypeError), match=r"\bb\b"):
        getattr(problem, method)(Ws, H, np.zeros(3))


# ---------------------------------------------------------------- the exact splitting
# (on random points in test_proofs.py)


def test_split_of_one_feature_per_class_has_no_spread():
    problem = nc.Problem([3, 1], 1, lambda_W=0.1, lambda_H=0.2)
    W, H_bar, b = np.eye(2), np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([0.3, 0.1])
    parts = problem.split([W], H_bar, b)
    assert parts.spread == 0
    assert parts.mean == pytest.approx(4 * 0.2 / 2 * (1.25**2 + 0.25**2))  # mean (1.25, -0.25)
    assert parts.bias == pytest.approx(((0.3 - 0.75 + 1.25) ** 2 + (0.1 - 0.25 - 0.25) ** 2) / 2)
    assert sum(parts) == pytest.approx(problem.objective([W], H_bar, b), rel=1e-14)
    repeated = np.repeat(H_bar, [3, 1], axis=1)
    assert problem.split([W], repeated, b) == pytest.approx(parts, rel=1e-14)


def test_split_without_bias_centres_nothing():
    problem = nc.Problem([2, 1], 1, bias=False, lambda_W=0.1, lambda_H=0.2)
    parts = problem.split([np.eye(2)], [[1.0, 3.0, 1.0], [0.0, 0.0, 5.0]])
    assert parts.mean == parts.bias == 0
    assert parts.spread == pytest.approx(2 / 6 + 0.2)  # two samples, each 1 from their mean


def test_split_refuses_what_the_objective_refuses():
    problem = nc.Problem([2, 1], 1, lambda_W=0.1, lambda_H=0.2)
    with pytest.raises(ValueError, match="b must have shape"):
        problem.split([np.eye(2)], np.eye(2))
