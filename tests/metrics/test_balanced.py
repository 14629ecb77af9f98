"""Metrics of the balanced literature: each against a value worked out by hand or by a theorem."""

import itertools
import math
import tracemalloc
from fractions import Fraction

import dense_metrics as dense
import numpy as np
import pytest
from scipy.spatial.distance import pdist

import nclib as nc
from nclib.metrics import BALANCED, MetricsAccumulator, balanced_metrics

SQUARE = [(0.0, 0.0), (2.0, 0.0)], [(4.0, 3.0), (4.0, 5.0)], [(1.0, 4.0), (1.0, 4.0)]
"""Means (1, 0), (4, 4) and (1, 4), variances 1, 1 and 0."""

LINE = [(5.0, 4.0)], [(2.0, 4.0)], [(2.0, 4.0)]
"""Centred (2, 0), (-1, 0) and (-1, 0), around (3, 4)."""

FAN = [(2.0, 0.0)], [(-1.0, 1.0)], [(-1.0, -1.0)]
"""Cosines -1/sqrt 2 twice, and 0."""

BASIS = [(1.0, 0.0, 0.0)], [(0.0, 1.0, 0.0)], [(0.0, 0.0, 1.0)]

AXES = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
"""Cosines 0, and 1/sqrt 2 twice."""

GROUPS = [(1.0, 0)] * 2, [(0, 1.0), (1.0, 0)], [(-1.0, 0), (1.0, 0), (1.0, 0), (1.0, 0)], [(0, 1.0)]
"""Of these ANSWER gets right: all, half, a quarter, none."""

ANSWER = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]
LONG_TAIL = {"training_counts": [101, 100, 20, 19]}

BY_HAND = {
    "cdnv": (SQUARE, None, {}, (2 / (2 * 25) + 1 / (2 * 16) + 1 / (2 * 9)) / 3),
    "equinorm_means": (LINE, None, {}, math.sqrt(2) / 4),
    "equinorm_head": (FAN, [[3.0, 4.0], [0.0, 1.0], [3.0, 0.0]], {}, math.sqrt(8 / 3) / 3),
    "equiangle_means": (FAN, None, {}, 1 / 3),
    "equiangle_head": (FAN, AXES, {}, 1 / 3),
    "max_angle_means": (FAN, None, {}, (math.sqrt(2) - 1 / 2) / 3),
    "max_angle_head": (FAN, AXES, {}, (3 / 2 + math.sqrt(2)) / 3),
    # Both matrices have norm 1, so the square of the distance is 2 less twice their product.
    "etf_means": (LINE, None, {}, math.sqrt(2 - math.sqrt(2))),
    "etf_head": (BASIS, np.eye(3), {}, math.sqrt(2 - 2 * math.sqrt(2 / 3))),
    "self_duality": (FAN, [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], {}, math.sqrt(1 / 2)),
    "minority_cosine": (
        FAN,
        [[-9.0, 1.0], [2.0, 0.0], [1.0, math.sqrt(3)]],
        {"training_counts": [9, 3, 2]},
        1 / 2,
    ),
    "global_mean_norm": (LINE, None, {}, 5.0),
    "accuracy_many": (GROUPS, ANSWER, LONG_TAIL, 1.0),
    "accuracy_medium": (GROUPS, ANSWER, LONG_TAIL, (1 / 2 + 1 / 4) / 2),
    "accuracy_few": (GROUPS, ANSWER, LONG_TAIL, 0.0),
}
"""For each metric samples of each class, a head, options and the value."""


def as_arrays(samples):
    labels = np.repeat(np.arange(len(samples)), [len(of_class) for of_class in samples])
    return np.array([row for of_class in samples for row in of_class], dtype=float), labels


def test_every_metric_has_a_value_here():
    assert BY_HAND.keys() == {metric.key for metric in BALANCED}


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("key", BY_HAND)
def test_values_by_hand(key, library, record_error):
    samples, W, options, expected = BY_HAND[key]
    features, labels = as_arrays(samples)
    W = None if W is None else np.array(W)
    if library == "torch":
        torch = pytest.importorskip("torch")
        features, labels = torch.tensor(features), torch.tensor(labels)
        W = None if W is None else torch.tensor(W)
    found = balanced_metrics(features, labels, W, **options)
    assert record_error("balanced, by hand", abs(found[key] - expected), 1e-14)


def by_definition(X, labels, P, b, n, center):
    """Loops over samples and pairs, and scipy's distances, as the formulas stand."""
    K = labels.max() + 1
    h = dense.class_means(X, labels)
    middle = X.mean(axis=0) if center == "samples" else h.mean(axis=0)
    M, pairs = h - middle, list(itertools.combinations(range(K), 2))
    v = [np.mean([np.sum((x - h[k]) ** 2) for x in X[labels == k]]) for k in range(K)]
    right = [np.mean([np.argmax(P @ x + b) == k for x in X[labels == k]]) for k in range(K)]
    simplex = dense.unit(np.eye(K) - np.ones((K, K)) / K)
    few = [k for k in range(K) if n[k] < np.mean(n)]

    def average(values):
        return np.mean(values) if len(values) else np.nan

    found = {
        "cdnv": np.mean([(v[i] + v[j]) / 2 / np.sum((h[i] - h[j]) ** 2) for i, j in pairs]),
        "self_duality": np.linalg.norm(dense.unit(P) - dense.unit(M)),
        "minority_cosine": average(1 - pdist(P[few], "cosine")),
        "global_mean_norm": np.linalg.norm(middle),
        "accuracy_many": average([right[k] for k in range(K) if n[k] > 100]),
        "accuracy_medium": average([right[k] for k in range(K) if 20 <= n[k] <= 100]),
        "accuracy_few": average([right[k] for k in range(K) if n[k] < 20]),
    }
    for name, A in (("means", M), ("head", P)):
        length, cosine = np.linalg.norm(A, axis=1), 1 - pdist(A, "cosine")
        found[f"equinorm_{name}"] = length.std() / length.mean()
        found[f"equiangle_{name}"] = cosine.std()
        found[f"max_angle_{name}"] = np.abs(cosine + 1 / (K - 1)).mean()
        found[f"etf_{name}"] = np.linalg.norm(dense.unit(A @ A.T) - simplex)
    return found


@pytest.mark.parametrize("center", ["samples", "classes"])
@pytest.mark.parametrize("n", [(120, 60, 21, 20, 9, 3), (30, 30, 30), (5, 2)], ids=str)
def test_equal_their_definitions(n, center, record_error):
    rng = np.random.default_rng(len(n))
    X, labels = dense.samples(n, 7, 0.8, rng, offset=1.0)
    Ws, b = [rng.standard_normal((5, 7)), rng.standard_normal((len(n), 5))], np.arange(len(n)) / 4
    found = balanced_metrics(X, labels, Ws, b, center=center)
    expected = by_definition(X, labels, Ws[1] @ Ws[0], b, n, center)
    assert found.keys() == expected.keys() == {metric.key for metric in BALANCED}
    for key, value in expected.items():
        assert math.isnan(found[key]) == math.isnan(value), key
        if not math.isnan(value):
            assert record_error("balanced, definition", abs(found[key] - value), 1e-12), key


def test_batches_and_torch_give_the_same():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    X, labels = dense.samples((40, 25, 6, 1), 7, 0.5, rng)
    W, b = rng.standard_normal((4, 7)), rng.standard_normal(4)
    whole = balanced_metrics(X, labels, W, b)
    accumulator = MetricsAccumulator(4, torch.tensor(W), torch.tensor(b))
    batches = list(zip(torch.tensor(X).split(16), torch.tensor(labels).split(16), strict=True))
    for batch in batches:
        accumulator.update(*batch)
    second = accumulator.second_pass()
    for batch in batches[::-1]:
        second.update(*batch)
    assert second.balanced() == pytest.approx(whole, rel=1e-12, abs=1e-15, nan_ok=True)


@pytest.mark.parametrize("depth", [1, 3])
def test_all_are_those_of_a_simplex_at_the_balanced_optimum(depth, record_error):
    """With a bias: Papyan, Han and Donoho's four properties, exactly."""
    best = nc.global_minimizer(nc.Problem([30] * 5, depth, lambda_W=1e-3, lambda_H=1e-3))
    Ws, H_bar, b = best.weights(seed=1)
    labels = np.repeat(np.arange(5), 30)
    found = balanced_metrics(H_bar.T[labels], labels, Ws, b)
    assert found.pop("accuracy_medium") == 1
    for key in ("accuracy_many", "accuracy_few", "minority_cosine"):
        assert math.isnan(found.pop(key))  # no class is of the kind
    for value in found.values():
        assert record_error("balanced, at the optimum", value, 1e-12)


def test_classifiers_of_minority_classes_merge_where_their_modes_die():
    """With a bias; as in Fang et al., whose minority classes merge under cross-entropy."""
    counts = [500] * 3 + [5] * 3
    best = nc.global_minimizer(nc.Problem(counts, 1, lambda_W=2e-3, lambda_H=2e-3))
    assert 3 <= best.alive < 5
    Ws, H_bar, b = best.weights()
    labels = np.repeat(np.arange(6), counts)
    found = balanced_metrics(H_bar.T[labels], labels, Ws, b)
    assert found["minority_cosine"] == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("offset", [0, 2**20])
def test_the_variance_is_exact_far_from_zero(offset, record_error):
    rng = np.random.default_rng(2)
    labels = np.arange(40) % 2
    # Steps of the spacing of float64 there: the class means are no float64 numbers.
    X = offset + labels[:, None] + 2.0**-32 * rng.integers(-2, 3, (40, 3))
    rows = [[Fraction(entry) for entry in row] for row in X.tolist()]
    means, v = [], []
    for k in (0, 1):
        mine = rows[k::2]
        means.append([sum(column) / len(mine) for column in zip(*mine, strict=True)])
        squares = (sum((x - m) ** 2 for x, m in zip(r, means[k], strict=True)) for r in mine)
        v.append(sum(squares) / len(mine))
    distance = sum((a - b) ** 2 for a, b in zip(*means, strict=True))
    exact = float((v[0] + v[1]) / 2 / distance)
    error = abs(balanced_metrics(X, labels)["cdnv"] / exact - 1)
    assert record_error("CDNV against fractions", error, 1e-12)
    accumulator = MetricsAccumulator(2)
    accumulator.update(X, labels)
    second = accumulator.second_pass()
    second.update(X, labels)
    exact = [float(20 * of_one) for of_one in v]
    assert second.squares_by_class == pytest.approx(exact, rel=1e-12, abs=0)


def test_equal_means_and_zeros_are_infinite_or_no_number():
    features, labels = np.array([[0.0], [2.0], [1.0], [1.0]]), np.array([0, 0, 1, 1])
    found = balanced_metrics(features, labels, np.zeros((2, 1)))
    assert found["cdnv"] == math.inf
    for key in ("equinorm_means", "equiangle_means", "etf_means", "self_duality", "etf_head"):
        assert math.isnan(found[key])
    one_class = balanced_metrics(features, labels * 0)
    assert math.isnan(one_class["cdnv"])
    assert math.isnan(one_class["equiangle_means"])


def test_without_a_head_only_what_needs_none():
    X, labels = dense.samples((5, 4), 3, 0.1, np.random.default_rng(3))
    needing = {metric.key for metric in BALANCED if metric.needs_head}
    assert needing
    with_head = balanced_metrics(X, labels, np.ones((2, 3)))
    assert balanced_metrics(X, labels).keys() == with_head.keys() - needing


def test_thresholds_are_arguments():
    X, labels = as_arrays(GROUPS)
    found = balanced_metrics(X, labels, np.array(ANSWER), **LONG_TAIL, few=20, many=20)
    assert found["accuracy_many"] == pytest.approx((1 + 1 / 2) / 2)
    assert found["accuracy_medium"] == 1 / 4
    # A class that the training lacked has few samples, and so few may be one.
    lacking = {"training_counts": [101, 100, 20, 0], "few": 1, "many": 1}
    found = balanced_metrics(X, labels, np.array(ANSWER), **lacking)
    assert found["accuracy_few"] == 0
    assert found["accuracy_many"] == pytest.approx((1 + 1 / 2 + 1 / 4) / 3)
    of_the_samples = balanced_metrics(X, labels, np.array(ANSWER), few=2, many=3)
    assert of_the_samples["accuracy_many"] == 1 / 4
    assert of_the_samples["accuracy_few"] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"training_counts": [3, 4, 5]}, "training_counts must be K = 2 whole numbers"),
        ({"training_counts": [3, -4]}, r"none negative; got \[3, -4\]"),
        ({"training_counts": [3, -1]}, r"none negative; got \[3, -1\]"),
        ({"training_counts": [3.5, 4]}, "training_counts must be K = 2 whole numbers"),
        ({"few": 0}, "few must be a whole number, at least 1; got 0"),
        ({"few": 9, "many": 8}, "many must be a whole number, at least 9; got 8"),
        ({"center": "median"}, "'samples' or 'classes'"),
    ],
)
def test_wrong_options_are_refused(options, message):
    X, labels = dense.samples((5, 4), 3, 0.1, np.random.default_rng(4))
    with pytest.raises(ValueError, match=message):
        balanced_metrics(X, labels, **options)


def test_an_incomplete_second_pass_is_refused():
    X, labels = dense.samples((5, 4), 3, 0.1, np.random.default_rng(5))
    accumulator = MetricsAccumulator(2)
    accumulator.update(X, labels)
    with pytest.raises(ValueError, match="saw 0 of class 0, not 5"):
        accumulator.second_pass().balanced()


def test_no_matrix_of_the_size_of_the_features_squared():
    d = 20_000  # whose square is 3.2 GB
    X = np.random.default_rng(6).standard_normal((12, d))
    labels = np.arange(12) % 3
    tracemalloc.start()
    balanced_metrics(X, labels, X[:3])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * X.nbytes
