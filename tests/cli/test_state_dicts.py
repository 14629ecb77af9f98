"""Which layers of a state dict are the head, and files of safetensors that are damaged."""

import json
import struct

import numpy as np
import pytest
import torch

LABELS = np.arange(12) % 4
PENALTY = ("--lambda-W", 5e-3)
HEAD = np.arange(20.0).reshape(4, 5)


@pytest.fixture
def measured_with(nclib, tmp_path):
    """Measure features of five columns and four classes with a head from a file."""
    features = np.eye(5)[LABELS] + 0.1 * np.random.default_rng(0).standard_normal((12, 5))
    np.savez(tmp_path / "x.npz", features=features, labels=LABELS)

    def measured(path, *more):
        return nclib("measure", tmp_path / "x.npz", *PENALTY, "--head", path, *more)

    return measured


@pytest.fixture
def saved(measured_with, tmp_path):
    """The same, with a head from a state dict."""

    def measured(state, *more):
        torch.save(state, tmp_path / "m.pt")
        return measured_with(tmp_path / "m.pt", *more)

    return measured


def test_a_checkpoint_may_have_numbers_beside_its_layers(saved):
    own = {"fc.weight": torch.tensor(HEAD), "fc.bias": torch.arange(4.0)}
    expected = saved(own, "--json").json
    assert saved({"step": torch.tensor(3.0), "net": own}, "--json").json == expected
    assert saved({"step": torch.tensor(3.0), "module": {"model": own}}, "--json").json == expected
    assert saved({"step": torch.tensor(3.0)} | own, "--json").json == expected


def test_up_to_six_layers_are_named_where_none_is_the_head(saved):
    six = [f"{j}.weight {3 - j % 2} x {2 + j % 2}" for j in range(6)]
    layers = {f"{j}.weight": torch.ones(3 - j % 2, 2 + j % 2) for j in range(6)}
    none = "no linear layer of 4 x 5 (K x d); it has "
    assert saved(layers).failed(f"{none}{', '.join(six)}\n")
    assert saved({"first.weight": torch.ones(7, 7)} | layers).failed(
        f"{none}..., {', '.join(six)}\n"
    )


def test_a_transposed_layer_is_named_among_others(saved):
    layers = {
        "a.weight": torch.ones(6, 3),
        "b.weight": torch.ones(5, 4),
        "c.weight": torch.ones(9, 9),
    }
    assert saved(layers).failed("'b.weight' is 5 x 4, d x K, and so transposed")


def safe(header, numbers=b"", length=None):
    """A file of safetensors: the length of the header, the header, the numbers."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + numbers


def layer(shape=(4, 5), places=(0, 160)):
    return {"fc.weight": {"dtype": "F64", "shape": shape, "data_offsets": places}}


NUMBERS = HEAD.tobytes()
DAMAGED = {
    "a byte short": (safe(layer(), NUMBERS[:-1]), "cut short or damaged ('fc.weight' is not where"),
    "a header cut short": (safe(b"{}")[:-1], "cut short, or no safetensors file"),
    "no header": (safe(b""), "no safetensors file (Expecting value"),
    "a place before the first": (safe(layer(places=(-1, 159)), NUMBERS), "is no whole number"),
    "a place between two": (safe(layer(places=(0, 160.0)), NUMBERS), "is no whole number"),
    "a shape of fractions": (safe(layer(shape=(4, 5.0)), NUMBERS), "is no whole number"),
    "too many numbers": (safe(layer(places=(0, 168)), NUMBERS * 2), "is not where it should be"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_file_of_safetensors_that_is_not_what_it_says_is_one_line(measured_with, tmp_path, name):
    content, words = DAMAGED[name]
    (tmp_path / "m.safetensors").write_bytes(content)
    assert measured_with(tmp_path / "m.safetensors").failed(words)


def test_numbers_of_safetensors_are_read_from_their_places(measured_with, saved, tmp_path):
    expected = saved({"fc.weight": torch.tensor(HEAD)}, "--json").json
    path = tmp_path / "m.safetensors"
    for before, after in ((0, 0), (16, 0), (0, 8), (8, 8)):
        places = (before, before + len(NUMBERS))
        path.write_bytes(safe(layer(places=places), b"x" * before + NUMBERS + b"x" * after))
        assert measured_with(path, "--json").json == expected


def test_no_header_above_100_MB_is_read(measured_with, tmp_path):
    """The format allows none; the file is sparse."""
    path = tmp_path / "m.safetensors"
    with path.open("wb") as file:
        file.write(safe(b"", length=100_000_001))
        file.truncate(200_000_000)
    assert measured_with(path).failed("cut short, or no safetensors file")
