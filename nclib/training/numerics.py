"""On which device and how exactly torch computes, and on what machine."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from nclib import __version__
from nclib._checks import as_whole
from nclib.training.config import Precision
from nclib.training.history import Machine


def chosen_device(device: str | torch.device | None = None) -> torch.device:
    """Return the device that is asked for, or the best that is there."""
    if device is None:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    return torch.device(device)


@contextmanager
def matrix_products(dtype: Precision, device: torch.device) -> Iterator[None]:
    """Set how matrix products round, and make convolutions reproducible, for a while."""
    before = torch.get_float32_matmul_precision()
    # On CPUs "medium" rounds the factors to bfloat16 inside the product.
    rounded = dtype == "bfloat16" and device.type == "cpu"
    torch.set_float32_matmul_precision("medium" if rounded else "highest")
    try:
        with torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        ):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextmanager
def threads_of_torch(threads: int | None) -> Iterator[None]:
    """Give torch a number of threads on the CPU for a while; None leaves it as it is."""
    if threads is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(as_whole("threads", threads, 1))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def autocast(dtype: Precision, device: torch.device) -> Iterator[None]:
    """Round to bfloat16 inside the matrix products of a GPU, where that is asked for."""
    enabled = dtype == "bfloat16" and device.type != "cpu"
    with torch.autocast(device.type, torch.bfloat16, enabled=enabled):
        yield


def float64_device(device: torch.device) -> torch.device:
    """Where float64 is: Apple's GPUs have none."""
    return torch.device("cpu") if device.type == "mps" else device


def double(tensor: Tensor) -> Tensor:
    """Return a tensor as float64, where the device has it."""
    return tensor.to(float64_device(tensor.device)).double()


def machine_facts(device: torch.device) -> Machine:
    """Return what the numbers of a run may depend on besides its settings."""
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "processor": platform.machine(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "nclib": __version__,
    }


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory is used up, whoever raised it."""
    text = str(error)
    return (
        isinstance(error, MemoryError | torch.OutOfMemoryError)
        or "not enough memory" in text
        or "can't allocate memory" in text
    )
