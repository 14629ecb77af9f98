"""The same numbers from torch tensors, from the same code."""

import subprocess
import sys

import dense_metrics as dense
import numpy as np
import pytest

import nclib as nc

torch = pytest.importorskip("torch", reason="torch is not installed: numpy alone is tested")

N = (40, 25, 6, 1)
BEST = nc.global_minimizer(nc.Problem(N, 2, lambda_W=1e-3, lambda_H=1e-3))
NAMES = ("nc2_w", "nc2_h", "nc2_wh", "nc3", "lambda_H", "nc4")

DEVICES = ["cpu"]
if torch.cuda.is_available():
    DEVICES.append("cuda")


def example(within=0.1, offset=0.0):
    rng = np.random.default_rng(0)
    X, labels = dense.samples(N, 7, within, rng, offset)
    return X, labels, [rng.standard_normal((5, 7)), rng.standard_normal((4, 5))], np.arange(4.0)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("reading", ["corrected", "as_printed"])
def test_equals_numpy(device, dtype, reading, record_error):
    """numpy sees the same rounded features, in float64, with the cut of their type."""
    X, labels, Ws, b = example()
    tensor = torch.tensor(X).to(dtype=getattr(torch, dtype), device=device)
    same = tensor.double().cpu().numpy()
    eps = 2.0**-52 if dtype == "float64" else 2.0**-23
    theirs = nc.measure(same, labels, Ws, b, BEST, reading=reading, rtol=7 * eps)
    ours = nc.measure(
        tensor,
        torch.tensor(labels, device=device),
        [torch.tensor(W, device=device) for W in Ws],
        torch.tensor(b, device=device),
        BEST,
        reading=reading,
    )
    assert ours.nc1.rtol == theirs.nc1.rtol
    assert ours.nc1.rank == theirs.nc1.rank == 3
    error = max(abs(getattr(ours, name) / getattr(theirs, name) - 1) for name in NAMES)
    error = max(error, abs(ours.nc1.value / theirs.nc1.value - 1))
    assert record_error("torch against numpy", error, 1e-12)


@pytest.mark.parametrize("within", [1.0, 1e-6])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_small_values_and_offsets_against_sixty_digits(within, offset, record_error):
    X, labels = dense.samples((7, 4, 3), 5, within, np.random.default_rng(4), offset, 10.0)
    result = nc.metrics.nc1(torch.tensor(X), torch.tensor(labels))
    exact = dense.nc1_exact(X, labels, rank=2)
    assert record_error("NC1 of torch, 60 digits", abs(result.value / exact - 1), 1e-12)


@pytest.mark.parametrize(
    ("dtype", "floor"), [("float64", 1e-13), ("float32", 2e-6), ("bfloat16", 8e-3)]
)
def test_floors_of_the_precisions_at_the_minimiser(dtype, floor, record_error):
    """Defect 11, with the weights rounded as well."""
    Ws, H_bar, b = BEST.weights()
    labels = np.repeat(np.arange(4), N)
    round_to = getattr(torch, dtype)
    metrics = nc.measure(
        torch.tensor(H_bar.T[labels]).to(round_to),
        torch.tensor(labels),
        [torch.tensor(W).to(round_to) for W in Ws],
        torch.tensor(b).to(round_to),
        BEST,
    )
    for name in ("nc2_w", "nc2_h", "nc2_wh", "nc3"):
        assert record_error(f"at the minimiser in {dtype}", getattr(metrics, name), floor)
    assert metrics.nc1.rank_as_expected


def test_parameters_that_ask_for_gradients_are_read_and_left_alone():
    X, labels, Ws, b = example()
    tensor = torch.tensor(X, requires_grad=True)
    layers = [torch.nn.Parameter(torch.tensor(W)) for W in Ws]
    kept = tensor.detach().clone(), [W.detach().clone() for W in layers]
    ours = nc.measure(tensor, torch.tensor(labels), layers, torch.nn.Parameter(torch.tensor(b)))
    assert ours.nc1.value == pytest.approx(nc.metrics.nc1(X, labels).value, rel=1e-12)
    assert torch.equal(tensor, kept[0])
    assert all(torch.equal(W, old) for W, old in zip(layers, kept[1], strict=True))
    assert tensor.grad is None


def test_batches_of_a_loader_with_small_integer_labels():
    X, labels, Ws, b = example()
    data = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(labels.astype(np.uint8)))
    accumulator = nc.metrics.MetricsAccumulator(4, [torch.tensor(W) for W in Ws], torch.tensor(b))
    loader = torch.utils.data.DataLoader(data, batch_size=16, shuffle=True)
    for features, classes in loader:
        accumulator.update(features, classes)
    second = accumulator.second_pass()
    for features, classes in loader:
        second.update(features, classes)
    ours, theirs = second.compute(BEST), nc.measure(X, labels, Ws, b, BEST)
    assert ours.nc1.value == pytest.approx(theirs.nc1.value, rel=1e-12)
    for name in NAMES:
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=1e-12)


def test_kinds_must_not_change_between_batches():
    X, labels, *_ = example()
    accumulator = nc.metrics.MetricsAccumulator(4)
    accumulator.update(X, labels)
    with pytest.raises(TypeError, match="same kind"):
        accumulator.update(torch.tensor(X), labels)


def test_wrong_tensors_are_refused():
    X, labels, *_ = example()
    with pytest.raises(ValueError, match="first in row 0"):
        nc.metrics.nc1(torch.tensor(X) * torch.nan, labels)
    with pytest.raises(TypeError, match=r"real floating numbers; got torch.int64"):
        nc.metrics.nc1(torch.tensor(X).long(), labels)
    with pytest.raises(TypeError, match="labels must be whole numbers"):
        nc.metrics.nc1(torch.tensor(X), torch.tensor(labels).float())


def test_numpy_arrays_load_no_torch():
    code = (
        "import numpy as np, sys, nclib as nc; nc.metrics.nc1(np.eye(4), [0, 0, 1, 1]);"
        "print([m for m in ('torch', 'array_api_compat.torch') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
