"""Samples as training takes them, and how torch computes meanwhile."""

import os
import warnings

import numpy as np
import pytest
import torch

from nclib.training.history import Machine
from nclib.training.inputs import checked_samples, fingerprint
from nclib.training.numerics import (
    autocast,
    float64_device,
    is_out_of_memory,
    machine_facts,
    matrix_products,
    threads_of_torch,
)

CPU, GPU, MPS = (torch.device(kind) for kind in ("cpu", "cuda", "mps"))


def checked(x, y):
    return checked_samples("samples", x, y, torch.float32)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 3), (2, 3, 4, 4)])
def test_samples_have_two_to_four_dimensions(shape):
    x, y = checked(np.ones(shape), [0, 1])
    assert (tuple(x.shape), x.dtype, y.dtype) == (shape, torch.float32, torch.int64)


@pytest.mark.parametrize("shape", [(), (2,), (2, 1, 1, 1, 1), (2, 0), (0, 3)])
def test_samples_of_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"samples must have shape .*; got \("):
        checked(np.ones(shape), [0, 1])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_number_that_is_not_finite_is_enough(value):
    x = np.ones((2, 3))
    x[1, 2] = value
    with pytest.raises(ValueError, match="samples must be finite"):
        checked(x, [0, 1])


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64, torch.complex64, torch.bool])
def test_labels_are_whole_numbers(dtype):
    with pytest.raises(TypeError, match=f"whole numbers; got {dtype}"):
        checked(np.ones((2, 3)), torch.tensor([0, 1]).to(dtype))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int32, torch.int64])
def test_whole_numbers_of_any_kind_are_labels(dtype):
    _, y = checked(np.ones((2, 3)), torch.tensor([0, 1]).to(dtype))
    assert y.tolist() == [0, 1]


def test_labels_begin_at_0_and_are_one_for_each_sample():
    with pytest.raises(ValueError, match="must not be negative; got -1"):
        checked(np.ones((2, 3)), [-1, 0])
    with pytest.raises(ValueError, match=r"one for each of the 2 samples; got \(2, 1\)"):
        checked(np.ones((2, 3)), [[0], [1]])


def test_arrays_that_are_locked_are_taken_without_a_warning():
    x, y = np.ones((2, 3)), np.array([0, 1])
    x.flags.writeable = y.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        taken, _ = checked(x, y)
    taken += 1
    assert (x == 1).all()


def test_arrays_that_are_not_locked_are_not_copied():
    x = np.ones((2, 3), dtype=np.float32)
    assert np.shares_memory(checked(x, [0, 1])[0].numpy(), x)


def test_data_have_the_name_of_their_content():
    x, y = torch.arange(6.0).reshape(2, 3), torch.tensor([0, 1])
    name = fingerprint(x, y)
    assert name == fingerprint(x.clone(), y.clone())
    others = [(x + 1, y), (x, 1 - y), (x.reshape(3, 2), y), (x.double(), y)]
    assert len({name} | {fingerprint(*other) for other in others}) == 5


# ---------------------------------------------------------------- how torch computes


@pytest.mark.parametrize(
    ("dtype", "device", "precision"),
    [
        ("bfloat16", CPU, "medium"),
        ("float32", CPU, "highest"),
        ("float64", CPU, "highest"),
        ("bfloat16", GPU, "highest"),
        ("float32", GPU, "highest"),
    ],
)
def test_matrix_products_round_as_asked_and_only_meanwhile(dtype, device, precision):
    flags = torch.backends.cudnn
    torch.set_float32_matmul_precision("high")
    before = (flags.enabled, flags.benchmark, flags.deterministic, flags.allow_tf32)
    try:
        with matrix_products(dtype, device):
            assert torch.get_float32_matmul_precision() == precision
            now = (flags.enabled, flags.benchmark, flags.deterministic, flags.allow_tf32)
            assert now == (True, False, True, False)
        assert torch.get_float32_matmul_precision() == "high"
        now = (flags.enabled, flags.benchmark, flags.deterministic, flags.allow_tf32)
        assert now == before
    finally:
        torch.set_float32_matmul_precision("highest")


def test_on_a_cpu_nothing_is_rounded_by_autocast():
    for dtype in ("bfloat16", "float32"):
        with autocast(dtype, CPU):
            assert not torch.is_autocast_enabled("cpu")


@pytest.mark.filterwarnings("ignore:User provided device_type of 'cuda'")
@pytest.mark.parametrize(("dtype", "rounds"), [("bfloat16", True), ("float32", False)])
def test_on_a_gpu_bfloat16_is_rounded_by_autocast(dtype, rounds, monkeypatch):
    asked = []

    class Recorded:
        def __init__(self, kind, rounding, enabled):
            asked.append((kind, rounding, enabled))

        def __enter__(self):
            pass

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(torch, "autocast", Recorded)
    with autocast(dtype, GPU):
        pass
    assert asked == [("cuda", torch.bfloat16, rounds)]


def test_float64_is_on_the_device_or_on_the_cpu():
    assert float64_device(MPS) == CPU
    assert float64_device(GPU) == GPU
    assert float64_device(CPU) == CPU


def test_threads_are_those_asked_for_meanwhile():
    before = torch.get_num_threads()
    with threads_of_torch(1):
        assert torch.get_num_threads() == 1
    with threads_of_torch(None):
        assert torch.get_num_threads() == before
    with (
        pytest.raises(ValueError, match="threads must be a whole number, at least 1; got 0"),
        threads_of_torch(0),
    ):
        pass
    assert torch.get_num_threads() == before


def test_the_facts_of_a_machine():
    facts = machine_facts(CPU)
    assert list(facts) == list(Machine.__annotations__)
    assert facts["device"] == "cpu"
    assert facts["processor"] == os.uname().machine
    assert facts["torch"] == torch.__version__


@pytest.mark.parametrize(
    ("error", "used_up"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (RuntimeError("the shapes do not fit"), False),
        (OSError("No space left"), False),
    ],
)
def test_errors_that_say_that_memory_is_used_up(error, used_up):
    assert is_out_of_memory(error) == used_up
