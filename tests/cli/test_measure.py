"""`nclib measure`: the library's numbers from files of every kind; bad files are one line."""

import io
import pickle
import re
from fractions import Fraction

import numpy as np
import pytest

import nclib as nc
from nclib.metrics import BALANCED, balanced_metrics

N_PER_CLASS = [40, 20, 20, 10]
LABELS = np.repeat(np.arange(4), N_PER_CLASS)


@pytest.fixture(scope="module")
def network():
    """A head of two layers near the optimum, and features near their class means."""
    problem = nc.Problem(N_PER_CLASS, 2, lambda_W=5e-3, lambda_H=1e-3)
    Ws, H, b = nc.global_minimizer(problem).weights(seed=1)
    rng = np.random.default_rng(0)
    features = H.T[LABELS] + 1e-3 * rng.standard_normal((90, 4))
    Ws = [W + 1e-3 * rng.standard_normal(W.shape) for W in Ws]
    return features, Ws, b


@pytest.fixture
def npz(network, tmp_path):
    features, (W1, W2), b = network
    path = tmp_path / "network.npz"
    np.savez(path, features=features, labels=LABELS, W1=W1, W2=W2, b=b)
    return path


def compare(found, expected):
    """Compare the JSON of a reading with `Metrics`; null stands for NaN."""
    for name in ("nc2_w", "nc2_h", "nc2_wh", "nc3", "nc4", "lambda_H", "nc2_h_by_mode",
                 "nc2_w_by_mode", "nc2_wh_by_mode", "nc3_by_mode", "nc4_by_class"):  # fmt: skip
        ours, value = found[name], getattr(expected, name)
        if value is None:
            assert ours is None
        else:
            np.testing.assert_allclose(np.array(ours, dtype=float), value, rtol=1e-9, atol=1e-13)
    assert found["nc1"] == pytest.approx(expected.nc1.value, rel=1e-9)
    assert found["nc1_rank"] == expected.nc1.rank


def test_both_readings_are_the_librarys(nclib, npz, network):
    features, Ws, b = network
    found = nclib("measure", npz, "--lambda-W", 5e-3, "--lambda-H", 1e-3, "--json").json
    best = nc.global_minimizer(
        nc.Problem(N_PER_CLASS, 2, lambda_W=5e-3, lambda_H=1e-3, widths=(4, 4))
    )
    for reading in ("corrected", "as_printed"):
        compare(
            found["metrics"][reading], nc.measure(features, LABELS, Ws, b, best, reading=reading)
        )
    assert found["counts"] == N_PER_CLASS
    assert not found["lambda_H_measured"]
    np.testing.assert_array_equal(found["z"], best.z)
    np.testing.assert_array_equal(
        found["predicted_right_by_class"], best.training_accuracy().per_class
    )
    answers = (features @ (Ws[1] @ Ws[0]).T + b).argmax(axis=1)
    right = [np.mean(answers[k == LABELS] == k) for k in range(4)]
    np.testing.assert_array_equal(found["right_by_class"], right)


def test_metrics_of_the_balanced_literature_on_request(nclib, npz, network):
    features, Ws, b = network
    arguments = ("measure", npz, "--lambda-W", 5e-3)
    plain = nclib(*arguments, "--json").json
    found = nclib(*arguments, "--metrics", "balanced", "--json").json
    expected = balanced_metrics(features, LABELS, Ws, b)
    balanced = found.pop("balanced")
    assert found == plain
    assert balanced.keys() == expected.keys()
    for key, value in expected.items():
        assert balanced[key] == (None if np.isnan(value) else pytest.approx(value, rel=1e-9))
    text, usual = nclib(*arguments, "--metrics", "balanced").out, nclib(*arguments).out
    for metric in BALANCED:
        # What it measures may go on in the next line.
        assert re.search(rf"^ {re.escape(metric.label)}  +{metric.meaning.split()[0]} ", text, re.M)
        assert metric.label not in usual
    assert nclib(*arguments, "--metrics", "other").code == 2


def test_without_lambda_H_the_effective_one_is_measured(nclib, npz, network):
    features, Ws, _ = network
    found = nclib("measure", npz, "--lambda-W", 5e-3, "--json").json
    assert found["lambda_H_measured"]
    expected = nc.metrics.effective_lambda_H(features, LABELS, Ws[0], 5e-3)
    assert found["lambda_H"] == pytest.approx(expected, rel=1e-12)
    text = nclib("measure", npz, "--lambda-W", 5e-3)
    assert f"{expected:.4g}" in text.out
    assert text.err == ""


def test_with_several_penalties_lambda_H_is_measured_by_that_of_the_first_layer(
    nclib, npz, network
):
    features, Ws, _ = network
    found = nclib("measure", npz, "--lambda-W", 5e-3, "--lambda-W", 2e-3, "--json").json
    expected = nc.metrics.effective_lambda_H(features, LABELS, Ws[0], 5e-3)
    assert found["lambda_H"] == pytest.approx(expected, rel=1e-12)
    assert (found["d"], found["lambda_W"]) == (4, [5e-3, 2e-3])


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", "<f2"])
def test_a_mapped_file_gives_the_same_numbers(nclib, network, tmp_path, monkeypatch, order, dtype):
    features, Ws, b = network
    from nclib.cli import _measurement

    monkeypatch.setattr(_measurement, "BLOCK", 4 * 7)  # seven rows at a time
    stored = np.array(features, dtype=dtype, order=order)
    np.save(tmp_path / "x.npy", stored)
    np.savez(tmp_path / "head.npz", W1=Ws[0], W2=Ws[1], b=b)
    np.save(tmp_path / "y.npy", LABELS.astype(np.uint8))
    (tmp_path / "y.txt").write_text("\n".join(map(str, LABELS)))
    best = nc.global_minimizer(
        nc.Problem(N_PER_CLASS, 2, lambda_W=5e-3, lambda_H=1e-3, widths=(4, 4))
    )
    native = stored.astype(stored.dtype.newbyteorder("="))
    expected = nc.measure(native, LABELS, Ws, b, best)
    for labels in ("y.npy", "y.txt"):
        found = nclib(
            "measure", tmp_path / "x.npy", "--labels", tmp_path / labels,
            "--head", tmp_path / "head.npz", "--lambda-W", 5e-3, "--lambda-H", 1e-3, "--json",
        ).json  # fmt: skip
        compare(found["metrics"]["corrected"], expected)


def test_one_layer_and_no_bias(nclib, network, tmp_path):
    features, Ws, _ = network
    W = Ws[1] @ Ws[0]
    np.savez(tmp_path / "n.npz", features=features, labels=LABELS, W=W)
    found = nclib("measure", tmp_path / "n.npz", "--lambda-W", 5e-3, "--json").json
    assert (found["depth"], found["bias"]) == (1, False)
    lambda_H = nc.metrics.effective_lambda_H(features, LABELS, W, 5e-3)
    best = nc.global_minimizer(
        nc.Problem(N_PER_CLASS, 1, bias=False, lambda_W=5e-3, lambda_H=lambda_H, widths=(4,))
    )
    compare(found["metrics"]["corrected"], nc.measure(features, LABELS, [W], None, best))


def test_features_alone(nclib, network, tmp_path):
    features = network[0]
    np.save(tmp_path / "x.npy", features)
    np.save(tmp_path / "y.npy", LABELS)
    arguments = ("measure", tmp_path / "x.npy", "--labels", tmp_path / "y.npy")
    penalties = ("--lambda-W", 5e-3, "--lambda-H", 1e-3)
    found = nclib(*arguments, *penalties, "-L", 2, "--json").json
    best = nc.global_minimizer(nc.Problem(N_PER_CLASS, 2, lambda_W=5e-3, lambda_H=1e-3))
    compare(found["metrics"]["corrected"], nc.measure(features, LABELS, minimizer=best))
    assert found["right_by_class"] is None
    assert "NC2^H" in nclib(*arguments, *penalties, "-L", 2, "--no-bias").out
    for wrong in ((*penalties,), ("-L", 2, *penalties[:2])):
        outcome = nclib(*arguments, *wrong)
        assert (outcome.code, outcome.out) == (2, "")


def test_the_example_of_the_help_is_what_can_be_measured(nclib, network, tmp_path, monkeypatch):
    """With torch's own layer, of which numpy takes no parameter that wants a gradient."""
    import torch

    features, Ws, b = network
    fc = torch.nn.Linear(4, 4).double()
    with torch.no_grad():
        fc.weight.copy_(torch.tensor(Ws[1] @ Ws[0]))
        fc.bias.copy_(torch.tensor(b))
    text = " ".join(nclib("measure", "--help").out.split())
    example = re.search(r"numpy\.savez\(.*?\)\)", text).group()
    monkeypatch.chdir(tmp_path)
    exec(example, {"numpy": np, "H": torch.tensor(features), "y": LABELS, "fc": fc})
    found = nclib("measure", "network.npz", "--lambda-W", 5e-3, "--json").json
    assert found["right_by_class"] == by_exact_arithmetic(features, LABELS, [Ws[1] @ Ws[0]], b)


def test_the_help_says_what_lambda_W_is_for_a_script(nclib):
    """For `MSELoss()` K/2 times the weight decay, and not the weight decay."""
    text = " ".join(nclib("measure", "--help").out.split())
    assert "with torch.nn.MSELoss() and L2 decay, lambda_W is K/2 times the weight decay" in text
    assert "translate_penalties" in text
    assert "is the L2 weight decay" not in text
    for K in (2, 10, 7):
        # MSELoss is 1/(NK) of the sum of squares: of the model's 1/(2N) it is 2/K.
        mine = nc.translate_penalties([5] * K, weight_decay=1e-3).lambda_W
        assert mine == pytest.approx(1e-3 / (1 / K) * (1 / 2))


def test_total_collapse_is_measured_too(nclib, tmp_path):
    rng = np.random.default_rng(0)
    features = 1e-9 * rng.standard_normal((90, 4))
    W = 1e-9 * rng.standard_normal((4, 4))
    np.savez(tmp_path / "n.npz", features=features, labels=LABELS, W=W, b=np.zeros(4))
    arguments = ("measure", tmp_path / "n.npz", "--lambda-W", 1, "--lambda-H", 1)
    found = nclib(*arguments, "--json").json
    assert found["modes_alive"] == 0
    assert found["metrics"]["corrected"]["nc2_w"] is None
    assert "0 of 3 modes alive" in nclib(*arguments).out
    np.savez(tmp_path / "n.npz", features=0 * features, labels=LABELS, W=W, b=np.zeros(4))
    assert nclib(*arguments[:-2]).failed("effective lambda_H", "--lambda-H")


def by_exact_arithmetic(features, labels, Ws, b):
    """Share of each class that is answered right, with fractions instead of floats."""
    P = [[Fraction(float(w)) for w in row] for row in Ws[-1]]
    for W in reversed(Ws[:-1]):
        P = [
            [sum(p * Fraction(float(w)) for p, w in zip(row, column, strict=True))
             for column in W.T]
            for row in P
        ]  # fmt: skip
    right, K = [0] * len(P), len(P)
    for h, label in zip(features, labels, strict=True):
        logits = [
            sum(p * Fraction(float(x)) for p, x in zip(row, h, strict=True))
            + Fraction(0 if b is None else float(b[k]))
            for k, row in enumerate(P)
        ]
        right[label] += max(range(K), key=logits.__getitem__) == label
    return [r / n for r, n in zip(right, np.bincount(labels), strict=True)]


def test_the_bias_counts_in_what_the_head_answers(nclib, tmp_path):
    # Logits h + b0 and b1: class 0 from h = b1 - b0 on.
    features = np.array([[0.5], [1.5], [2.5], [0.4], [1.4], [2.4], [3.4]])
    labels = np.array([0, 0, 0, 1, 1, 1, 1])
    W = np.array([[1.0], [0.0]])
    for b, right in (
        ([0.0, 0.0], [1, 0]),
        ([0.0, 1.0], [2 / 3, 1 / 4]),
        ([-1.0, 1.0], [1 / 3, 1 / 2]),
        ([0.0, 9.0], [0, 1]),
    ):
        np.savez(tmp_path / "n.npz", features=features, labels=labels, W=W, b=np.array(b))
        found = nclib("measure", tmp_path / "n.npz", "--lambda-W", 1e-3, "--json").json
        assert found["right_by_class"] == right
        assert right == by_exact_arithmetic(features, labels, [W], b)
    np.savez(tmp_path / "n.npz", features=features, labels=labels, W=W)
    found = nclib("measure", tmp_path / "n.npz", "--lambda-W", 1e-3, "--json").json
    assert found["right_by_class"] == [1, 0]


HALVES = [("<f2", "<f2"), ("<f2", "<f4"), ("<f4", "<f2"), ("<f2", "<f8"), ("<f8", "<f2"),
          (">f2", ">f2"), ("<f4", "<f4")]  # fmt: skip


@pytest.mark.parametrize(("of_features", "of_head"), HALVES)
@pytest.mark.parametrize("kind", ["logits overflow", "norm overflows", "near ties", "two layers"])
def test_half_precision_is_only_how_numbers_are_stored(nclib, tmp_path, of_features, of_head, kind):
    """What is read is computed with as any float64 is: no sum in half precision."""
    rng = np.random.default_rng(0)
    labels = np.arange(30) % 3
    if kind == "logits overflow":
        features = np.eye(3)[labels] * 300
        Ws = [np.array([[300.0, 0, 0], [0, 300, 290], [290, 0, 300]])]
    elif kind == "norm overflows":
        features = rng.standard_normal((30, 1000)) + 3 * np.eye(1000)[labels]
        Ws = [10 * rng.standard_normal((3, 1000))]
        assert np.linalg.norm(Ws[0]) > 256  # whose square is more than half precision has
    elif kind == "near ties":  # in half precision all logits round to the same
        features = 30 + 0.02 * np.eye(3)[labels]
        Ws = [1 + 0.002 * np.eye(3)]
    else:
        features = np.eye(4)[labels] * 40
        Ws = [100 * rng.standard_normal((4, 4)), 100 * rng.standard_normal((3, 4))]
    features, Ws = features.astype(of_features), [W.astype(of_head) for W in Ws]
    b = np.array([0.5, 0.25, 0.125]).astype(of_head)
    names = ["W"] if len(Ws) == 1 else ["W1", "W2"]
    head = dict(zip(names, Ws, strict=True)) | {"b": b}
    np.savez(tmp_path / "n.npz", features=features, labels=labels, **head)
    np.save(tmp_path / "x.npy", features)
    np.save(tmp_path / "y.npy", labels)
    np.savez(tmp_path / "head.npz", **head)
    wide, Ws, b = features.astype(float), [W.astype(float) for W in Ws], b.astype(float)
    means = np.stack([wide[labels == k].mean(axis=0) for k in range(3)])
    lambda_H = 1e-3 * np.sum(Ws[0] ** 2) / (10 * np.sum(means**2))
    best = nc.global_minimizer(
        nc.Problem([10] * 3, len(Ws), lambda_W=1e-3, lambda_H=lambda_H,
                   widths=tuple(W.shape[1] for W in Ws))
    )  # fmt: skip
    expected = nc.measure(wide, labels, Ws, b, best)
    right = by_exact_arithmetic(wide, labels, Ws, b)
    for files in (
        ("n.npz",),
        ("x.npy", "--labels", tmp_path / "y.npy", "--head", tmp_path / "head.npz"),
    ):
        found = nclib("measure", tmp_path / files[0], *files[1:], "--lambda-W", 1e-3, "--json").json
        assert found["lambda_H"] == pytest.approx(lambda_H, rel=1e-9)
        assert found["right_by_class"] == right
        for name in ("nc2_w", "nc2_h", "nc2_wh", "nc3", "nc4"):
            value = found["metrics"]["corrected"][name]
            assert value == pytest.approx(getattr(expected, name), rel=1e-6, abs=1e-9)


# ---------------------------------------------------------------- bad input


def saved(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def one(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


X = np.random.default_rng(0).standard_normal((6, 3))
Y = np.array([0, 0, 1, 1, 2, 2])
HOLED = X.copy()
HOLED[2, 1] = np.nan

BAD_NPZ = {
    "empty": (b"", "an empty file"),
    "text": (b"a,1\nb,2\n", "not an .npz file"),
    "utf-16": ("a,1".encode("utf-16"), "not an .npz file"),
    "pickle": (pickle.dumps({"features": 1}), "never loads"),
    "cut short": (saved(features=X, labels=Y)[:300], "cut short or damaged"),
    "no labels": (saved(features=X), "no array 'labels'"),
    "objects": (saved(features=np.array([{}], dtype=object), labels=Y), "never loads"),
    "NaN": (saved(features=HOLED, labels=Y, W=X[:3]), "NaN or infinity"),
    "infinity": (saved(features=HOLED * np.inf, labels=Y, W=X[:3]), "NaN or infinity"),
    "negative labels": (saved(features=X, labels=Y - 1, W=X[:3]), "label 0 is -1"),
    "string labels": (saved(features=X, labels=Y.astype(str), W=X[:3]), "whole numbers"),
    "float labels": (saved(features=X, labels=Y / 1.0, W=X[:3]), "whole numbers"),
    "a class missing": (saved(features=X, labels=Y * 2, W=X[:3]), "no samples of class 1"),
    "labels from 1": (saved(features=X, labels=Y + 1, W=X[:3]), "no samples of class 0"),
    "huge label": (saved(features=X, labels=Y * 10**8, W=X[:3]), "no samples of class 1"),
    "one class": (saved(features=X, labels=Y * 0, W=X[:3]), "at least two classes"),
    "too few labels": (saved(features=X, labels=Y[:5], W=X[:3]), "5 labels for 6 rows"),
    "flat features": (saved(features=X[0], labels=Y[:3], W=X[:3]), "shape (N, d)"),
    "whole features": (saved(features=Y[:, None], labels=Y, W=X[:3]), "real floats"),
    "bfloat16": (saved(features=X.astype("<f4").view("V2"), labels=Y, W=X[:3]), "as bfloat16 is"),
    "head of bfloat16": (saved(features=X, labels=Y, W=X[:3].view("V2")), "as bfloat16 is"),
    "complex features": (saved(features=X + 1j, labels=Y, W=X[:3]), "real floats"),
    "no samples": (saved(features=X[:0], labels=Y[:0], W=X[:3]), "one for each sample"),
    "head of strings": (saved(features=X, labels=Y, W=X[:3].astype(str)), "real numbers"),
    "head of NaN": (saved(features=X, labels=Y, W=HOLED[:3]), "finite"),
    "head that does not fit": (saved(features=X, labels=Y, W=X[:3, :2]), "d = 3"),
    "head of few rows": (saved(features=X, labels=Y, W=X[:2]), "3 rows"),
    "W and W1": (saved(features=X, labels=Y, W=X[:3], W1=X[:3]), "one layer is W"),
    "no W1": (saved(features=X, labels=Y, W2=X[:3]), "every layer from W1"),
    "b alone": (saved(features=X, labels=Y, b=X[0]), "no W"),
    "bias of two": (saved(features=X, labels=Y, W=X[:3], b=X[0, :2]), "(3,)"),
}


@pytest.mark.parametrize("name", BAD_NPZ)
def test_bad_npz_files_are_one_line(nclib, tmp_path, name):
    content, words = BAD_NPZ[name]
    path = tmp_path / "n.npz"
    path.write_bytes(content)
    for more in ((), ("--json",)):
        assert nclib("measure", path, "--lambda-W", 1e-3, "--lambda-H", 1e-3, *more).failed(words)
    assert list(tmp_path.iterdir()) == [path]


BAD_NPY = {
    "empty": (b"", b"0\n", "x.npy: an empty file"),
    "text": (b"1 2\n", b"0\n", "x.npy: not an .npy file"),
    "pickle": (pickle.dumps([1]), b"0\n", "never loads"),
    "objects": (one(np.array([{}, 1], dtype=object)), b"0\n", "never loads"),
    "cut short": (one(X)[:-5], b"0\n1\n", "cut short"),
    "damaged header": (one(X).replace(b"'descr'", b"'de]cr'"), b"0\n", "cut short or damaged"),
    "huge shape": (one(X).replace(b"(6, 3)", b"(6,9**9)"), b"0\n", "cut short or damaged"),
    "words": (one(X), b"cat\ndog\n", "label 1 is 'cat'"),
    "negative": (one(X), b"0\n-1\n", "label 2 is '-1'"),
    "no labels": (one(X), b"", "one for each sample"),
    "utf-16": (one(X), "0\n1\n".encode("utf-16"), "UTF-16"),
    "NaN": (one(HOLED), b"0 0 1 1 2 2", "NaN or infinity"),
    "few": (one(X), b"0 1", "2 labels for 6 rows"),
}


@pytest.mark.parametrize("name", BAD_NPY)
def test_bad_npy_files_are_one_line(nclib, tmp_path, name):
    content, labels, words = BAD_NPY[name]
    (tmp_path / "x.npy").write_bytes(content)
    (tmp_path / "y.txt").write_bytes(labels)
    assert nclib(
        "measure", tmp_path / "x.npy", "--labels", tmp_path / "y.txt", "-L", 1,
        "--lambda-W", 1e-3, "--lambda-H", 1e-3,
    ).failed(words)  # fmt: skip


def test_labels_up_to_2_to_the_31_are_looked_at(nclib, tmp_path):
    """The first that is none is named, with its place."""
    command = ("measure", tmp_path / "n.npz", "--lambda-W", 1e-3)
    for labels, words in (
        ([0, 1, 2, 2**30 + 5, -3, -4], "label 4 is -3"),
        ([0, 1, 2**31 + 1, 1, 2**31 + 2, 0], "label 2 is 2147483649"),
        ([0, 2**31, 1, 1, 0, 0], "no samples of class 2"),
        (np.zeros((6, 1), dtype=int), "labels must be one for each sample; got an array of shape"),
    ):
        np.savez(tmp_path / "n.npz", features=X, labels=labels, W=X[:3])
        assert nclib(*command).failed(words)


def test_labels_in_text_have_up_to_nine_digits(nclib, tmp_path, monkeypatch):
    from nclib.cli import _measurement

    np.save(tmp_path / "x.npy", X)
    path = tmp_path / "y.txt"
    command = ("measure", tmp_path / "x.npy", "--labels", path, "-L", 1)
    command += ("--lambda-W", 1e-3, "--lambda-H", 1e-3)
    for text, words in (
        ("0 999999999 1 1 0 0", "no samples of class 2"),
        ("0 1 1000000000", "label 3 is '1000000000'"),
        ("0 1 \N{ARABIC-INDIC DIGIT TWO}", "label 3 is '\N{ARABIC-INDIC DIGIT TWO}'"),
        ("0 1 \N{SUPERSCRIPT TWO}", "label 3 is '\N{SUPERSCRIPT TWO}'"),
        ("0 1 1.0", "label 3 is '1.0'"),
    ):
        path.write_text(text, encoding="utf-8")
        assert nclib(*command).failed(words)
    path.write_text("0\n0\n1\n1\n2\n2\n")
    monkeypatch.setattr(_measurement, "MAX_BYTES", 12)
    assert nclib(*command).code == 0
    monkeypatch.setattr(_measurement, "MAX_BYTES", 11)
    assert nclib(*command).failed("save labels as .npy")


def test_features_and_heads_that_nothing_can_be_measured_with(nclib, tmp_path):
    path = tmp_path / "n.npz"
    command = ("measure", path, "--lambda-W", 1e-3)
    np.savez(path, features=X, labels=Y, W=0 * X[:3])
    assert nclib(*command).failed("the effective lambda_H is 0.0: the class means or W_1 are 0")
    if np.dtype(np.longdouble).itemsize > 8:
        np.savez(path, features=X.astype(np.longdouble), labels=Y, W=X[:3])
        assert nclib(*command).failed("features must be float64 or less")


def test_folders_and_missing_files_are_one_line(nclib, npz, tmp_path):
    penalties = ("--lambda-W", 1e-3)
    assert nclib("measure", tmp_path, *penalties).failed("a folder")
    assert nclib("measure", tmp_path / "none.npz", *penalties).failed("none.npz", "No such file")
    np.save(tmp_path / "x.npy", X)
    missing = ("measure", tmp_path / "x.npy", "--labels", tmp_path / "none.npy", *penalties)
    assert nclib(*missing, "-L", 1, "--lambda-H", 1).failed("none.npy", "No such file")
    folder = ("measure", tmp_path / "x.npy", "--labels", tmp_path, *penalties)
    assert nclib(*folder, "-L", 1, "--lambda-H", 1).failed("a folder")
    np.savez(tmp_path / "empty.npz", x=X)
    assert nclib("measure", npz, "--head", tmp_path / "empty.npz", *penalties).failed("no 'W1'")


@pytest.mark.parametrize(
    "arguments",
    [
        ("network.npz",),
        ("network.npz", "--lambda-W", 0),
        ("network.npz", "--lambda-W", 1, "-L", 3),
        ("network.npz", "--lambda-W", 1, "--no-bias"),
        ("network.npz", "--lambda-W", 1, "--lambda-W", 1, "--lambda-W", 1),
        ("network.npz", "--lambda-W", 1, "--labels", "y.npy"),
        ("x.npy", "--lambda-W", 1),
    ],
    ids=str,
)
def test_wrong_usage_is_exit_code_2(nclib, npz, monkeypatch, arguments):
    monkeypatch.chdir(npz.parent)
    outcome = nclib("measure", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err


@pytest.mark.slow
def test_features_of_40_gigabytes_take_little_memory(cost_of, tmp_path):
    # Sparse: all but a few rows are holes, which read as zeros.
    d, size = 8192, 8
    N = 40 * 10**9 // (d * size)
    path = tmp_path / "x.npy"
    header = {"descr": "<f8", "fortran_order": False, "shape": (N, d)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        start = file.tell()
        file.truncate(start + N * d * size)
    if path.stat().st_blocks * 512 > 10**7:
        pytest.skip("the disk stores holes as zeros")
    mapped = np.load(path, mmap_mode="r+")
    mapped[0, 0] = mapped[N // 2, 1] = mapped[N - 1, 2] = 1e6
    mapped.flush()
    del mapped
    labels = np.repeat(np.arange(3), [N // 2, N // 4, N - N // 2 - N // 4]).astype(np.uint8)
    np.save(tmp_path / "y.npy", labels)
    arguments = (path, "--labels", tmp_path / "y.npy", "-L", 1, "--lambda-W", 1, "--lambda-H", 1)
    cost = cost_of("measure", *arguments, "--json")
    assert f'"N": {N}' in cost.out
    assert cost.peak < 500_000
