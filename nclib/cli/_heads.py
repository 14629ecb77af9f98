"""The head of a network from a file: arrays by name, or the state dict of torch's modules."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nclib._extras import imported
from nclib.data.readers import read_npz, reason

MOST_LAYERS = 64
"""W1 to W64 are a head; one more is looked for, to say so."""

NAMES = ["W", "b", *(f"W{j}" for j in range(1, MOST_LAYERS + 2))]
"""What arrays of a head may be called."""

STATE_DICTS = (".pt", ".pth", ".bin", ".ckpt", ".safetensors")
"""How the names of files end that hold a state dict."""

Head = tuple[list[NDArray[Any]] | None, NDArray[Any] | None]

_MOST_HEADER = 100_000_000
"""No header of a safetensors file is longer; the format says so."""

_SAFE_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
"""Numbers of a safetensors file, as numpy reads them."""

_INSTEAD = "; save the layers that you mean as W, or W1 to WL, and b in an .npz file"


def read_head(path: Path, K: int, d: int, depth: int | None) -> Head:
    """Read a head from a file of its own.

    Parameters
    ----------
    path : Path
        An .npz file of W, or W1 to WL, and b; or a state dict, of torch or safetensors.
    K, d : int
        Classes, and columns of the features.
    depth : int or None
        How many of the last layers of a state dict are the head; 1 where it is not said.

    Returns
    -------
    tuple of list of ndarray and ndarray or None

    Raises
    ------
    ImportError
        If a file of torch's is given, and there is no torch.
    OSError, ValueError
        If it can't be read, holds Python objects, or it is not plain which layers are meant; the
        message names what is there.
    """
    if path.is_dir():
        raise ValueError(f"{path}: a folder; expected an .npz file or a state dict")
    if path.suffix.lower() not in STATE_DICTS:
        head = head_of(path, read_npz(path, [], NAMES))
        if head[0] is None:
            raise ValueError(f"{path}: no array 'W' and no 'W1'")
        return head
    state = _safe(path) if path.suffix.lower() == ".safetensors" else _torch(path)
    chosen = _chosen(path, state.shapes, K, d, depth or 1)
    Ws = [state.array(name) for name in chosen]
    biases = [_bias_of(name) for name in chosen]
    below = [name for name in biases[:-1] if name in state.shapes and state.array(name).any()]
    if below:
        raise ValueError(
            f"{path}: {below[0]!r} is a bias below the last layer, where no head has one"
        )
    return Ws, state.array(biases[-1]) if biases[-1] in state.shapes else None


def head_of(path: Path, arrays: Mapping[str, NDArray[Any]]) -> Head:
    """Take the head from arrays by name, if there is one."""
    layers = [j for j in range(1, MOST_LAYERS + 2) if f"W{j}" in arrays]
    b = arrays.get("b")
    if f"W{MOST_LAYERS + 1}" in arrays:
        raise ValueError(f"{path}: has W{MOST_LAYERS + 1}; a head has up to {MOST_LAYERS} layers")
    if "W" in arrays and layers:
        raise ValueError(f"{path}: has W and W{layers[0]}; one layer is W, several W1 to WL")
    if layers != list(range(1, len(layers) + 1)):
        raise ValueError(f"{path}: has W{layers[-1]} but not every layer from W1 up to it")
    names = ["W"] if "W" in arrays else [f"W{j}" for j in layers]
    for name in [*names, *["b"] * (b is not None)]:
        if arrays[name].dtype.kind not in "fiu":
            raise ValueError(
                f"{path}: array {name!r} must hold real numbers; got {arrays[name].dtype}"
                f"{bfloat16(arrays[name])}"
            )
    if not names:
        if b is not None:
            raise ValueError(f"{path}: has the bias b but no W")
        return None, None
    return [arrays[name] for name in names], b


def bfloat16(array: NDArray[Any]) -> str:
    """Say what bytes without a type may be: numpy saves those of bfloat16 and float8 so."""
    return ", as bfloat16 is saved; convert it to float32" if array.dtype.kind == "V" else ""


@dataclass(frozen=True)
class _State:
    """A state dict: the shape of each of its tensors, and the tensors when they are asked for."""

    shapes: dict[str, tuple[int, ...]]
    array: Callable[[str], NDArray[Any]]


def _torch(path: Path) -> _State:
    """Read what torch.save wrote of tensors; nothing else is unpickled."""
    with path.open("rb"):
        pass  # a missing file is named by the system
    torch = imported("torch", f"a file of torch's such as {path}")
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file can stop torch with almost any exception
        if "eights" in f"{error}" or "nsupported" in f"{error}":
            raise ValueError(
                f"{path}: holds Python objects beside its tensors, which nclib never loads; save "
                "model.state_dict() instead"
            ) from None
        first = reason(error).splitlines()[0]
        raise ValueError(f"{path}: not what torch.save writes ({first[:120]})") from None
    if isinstance(found, torch.Tensor):
        raise ValueError(f"{path}: one tensor; expected a state dict, model.state_dict()")
    tensors = _tensors(found, torch) if isinstance(found, Mapping) else {}
    if not tensors:
        raise ValueError(f"{path}: no tensors by name; expected a state dict, model.state_dict()")

    def array(name: str) -> NDArray[Any]:
        tensor = tensors[name].detach()
        if not tensor.is_floating_point():
            raise ValueError(f"{path}: {name!r} must hold real floats; got {tensor.dtype}")
        if tensor.dtype not in (torch.float64, torch.float32, torch.float16):
            tensor = tensor.float()
        numbers: NDArray[Any] = tensor.numpy()
        return numbers

    return _State({name: tuple(tensor.shape) for name, tensor in tensors.items()}, array)


def _tensors(found: Mapping[Any, Any], torch: Any) -> dict[str, Any]:
    """Return the tensors of a state dict, also of one inside a checkpoint."""
    own = {f"{name}": value for name, value in found.items() if isinstance(value, torch.Tensor)}
    if any(tensor.ndim == 2 for tensor in own.values()):
        return own
    for name in ("state_dict", "model_state_dict", "model", "module", "net", "network"):
        inner = found.get(name)
        if isinstance(inner, Mapping):
            return _tensors(inner, torch)
    return own


def _safe(path: Path) -> _State:
    """Read the header of a safetensors file.

    The format: the length of the header in 8 bytes, little-endian; the header, JSON with the type,
    the shape and the place of each tensor; the numbers.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(size - 8, _MOST_HEADER):
            raise ValueError(f"{path}: cut short, or no safetensors file")
        try:
            header = json.loads(file.read(length))
            entries = {
                str(name): (str(entry["dtype"]), tuple(entry["shape"]), *entry["data_offsets"])
                for name, entry in header.items()
                if name != "__metadata__"
            }
            whole = all(
                isinstance(number, int) and number >= 0
                for _, shape, start, stop in entries.values()
                for number in (*shape, start, stop)
            )
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: no safetensors file ({reason(error)})") from None
    if not whole:
        raise ValueError(f"{path}: no safetensors file (a size or a place is no whole number)")

    def array(name: str) -> NDArray[Any]:
        kind, shape, start, stop = entries[name]
        if kind not in _SAFE_TYPES:
            raise ValueError(f"{path}: {name!r} must hold real floats; got {kind}")
        stored = np.dtype(_SAFE_TYPES[kind])
        count = math.prod(shape)
        if stop - start != count * stored.itemsize or 8 + length + stop > size:
            raise ValueError(f"{path}: cut short or damaged ({name!r} is not where it should be)")
        with path.open("rb") as file:
            file.seek(8 + length + start)
            numbers = np.frombuffer(file.read(stop - start), dtype=stored).reshape(shape)
        if kind == "BF16":  # the upper half of a float32
            numbers = (numbers.astype(np.uint32) << 16).view(np.float32)
        return numbers

    return _State({name: entry[1] for name, entry in entries.items()}, array)


def _bias_of(weight: str) -> str:
    return weight.removesuffix("weight") + "bias"


def _chosen(
    path: Path, shapes: Mapping[str, tuple[int, ...]], K: int, d: int, depth: int
) -> list[str]:
    """Name the weights of the head, W_1 first, or raise where that is not plain."""
    linear = [
        name
        for name, shape in shapes.items()
        if len(shape) == 2 and (name == "weight" or name.endswith(".weight"))
    ]
    there = ", ".join(f"{name} {_by(shapes[name])}" for name in linear[-6:])
    there = f"; it has {'..., ' * (len(linear) > 6)}{there}" if linear else ""
    chains = []
    for last in range(depth - 1, len(linear)):
        chain = linear[last - depth + 1 : last + 1]
        sizes = [d, *(shapes[name][0] for name in chain)]
        if sizes[-1] == K and [shapes[name][1] for name in chain] == sizes[:-1]:
            chains.append(chain)
    if len(chains) == 1:
        return chains[0]
    what = f"layer of {K} x {d}" if depth == 1 else f"{depth} layers from {d} to {K}"
    if chains:
        tops = ", ".join(repr(chain[-1]) for chain in chains)
        more = f", or --depth {len(chains)} if all are one head" if d == K and depth == 1 else ""
        raise ValueError(f"{path}: {len(chains)} times a {what}: {tops}{_INSTEAD}{more}")
    normed = [name for name in shapes if "parametrizations.weight" in name or "weight_g" in name]
    if normed:
        raise ValueError(
            f"{path}: {normed[0]!r} is part of a weight that is computed, by weight_norm say; save "
            "the weight itself as W in an .npz file"
        )
    if any(shapes[name] == (d, K) for name in linear):
        name = next(name for name in linear if shapes[name] == (d, K))
        raise ValueError(
            f"{path}: {name!r} is {d} x {K}, d x K, and so transposed; W has a row for each class: "
            "save W = its transpose, and b, in an .npz file"
        )
    ends = [name for name in linear if shapes[name][0] == K]
    if ends:
        raise ValueError(
            f"{path}: no {what} (K x d) for features of {d} columns; {ends[-1]!r} has {K} rows and "
            f"takes {shapes[ends[-1]][1]} numbers: save what goes into that layer as features, or "
            f"say with --depth how many linear layers, without ReLU, the features go through{there}"
        )
    raise ValueError(f"{path}: no linear {what} (K x d){there or '; it has no linear layers'}")


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
