"""What `nclib measure` takes from torch: the printed recipe, state dicts, other data."""

import json
import pickle
import re
import struct

import numpy as np
import pytest
import torch
from torch import nn

import nclib as nc

N_PER_CLASS = [40, 20, 20, 10]
LABELS = np.repeat(np.arange(4), N_PER_CLASS)
PENALTY = ("--lambda-W", 5e-3)


@pytest.fixture(scope="module")
def trained():
    """A network of torch's that has been trained: its parameters want gradients."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 5), nn.Linear(5, 4))
    x = torch.randn(4, 3)[LABELS] + 0.3 * torch.randn(len(LABELS), 3)
    y = torch.tensor(LABELS)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, weight_decay=5e-3)
    for _ in range(200):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    return net, x, y


@pytest.fixture
def features(trained, tmp_path):
    """The inputs of the last layer, in a file of their own, and the same as an array."""
    net, x, _ = trained
    H = net[:3](x).detach().numpy()
    np.savez(tmp_path / "features.npz", features=H, labels=LABELS)
    return tmp_path / "features.npz", H


@pytest.fixture
def expected(nclib, trained, features, tmp_path):
    """What is measured with the head as arrays."""
    fc = trained[0][3]
    W, b = fc.weight.detach().numpy(), fc.bias.detach().numpy()
    np.savez(tmp_path / "arrays.npz", features=features[1], labels=LABELS, W=W, b=b)
    return measured(nclib, tmp_path / "arrays.npz")


def measured(nclib, *arguments):
    found = nclib("measure", *arguments, *PENALTY, "--json").json
    del found["source"]
    return found


def recipe(nclib):
    text = " ".join(nclib("measure", "--help").out.split())
    return re.search(r"numpy\.savez\(.*?\)\)", text).group()


@pytest.mark.parametrize("y", ["tensor", "array"])
def test_the_recipe_works_as_printed_for_a_trained_head(
    nclib, trained, expected, tmp_path, monkeypatch, y
):
    """Features with their graph as well; and on no device does numpy have to take a tensor."""
    net, x, labels = trained
    H = net[:3](x)
    assert H.requires_grad
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patch:
        # What a tensor on a GPU does.
        patch.setattr(torch.Tensor, "__array__", lambda *_: pytest.fail("numpy took a tensor"))
        names = {"H": H, "y": labels if y == "tensor" else LABELS, "fc": net[3]}
        exec(recipe(nclib), {"numpy": np} | names)
    found = measured(nclib, "network.npz")
    assert found == expected
    with torch.no_grad():
        right = net(x).argmax(dim=1) == labels
    shares = [right[labels == k].double().mean().item() for k in range(4)]
    assert found["right_by_class"] == pytest.approx(shares, abs=1e-12)


def test_where_the_recipe_fails_it_leaves_no_file(nclib, trained, tmp_path, monkeypatch):
    net, x, y = trained
    monkeypatch.chdir(tmp_path)
    H = net[:3](x).bfloat16()
    with pytest.raises(TypeError, match="BFloat16"):
        exec(recipe(nclib), {"numpy": np, "H": H, "y": y, "fc": net[3]})
    assert list(tmp_path.iterdir()) == []
    assert "of bfloat16 write H.float().numpy(force=True)" in " ".join(
        nclib("measure", "--help").out.split()
    )
    H.float().numpy(force=True)


# ---------------------------------------------------------------- state dicts


def safetensors(tensors, kind="F32"):
    """Write the format by its description: length, JSON, numbers."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, tensor in tensors.items():
        numbers = tensor.detach().float().numpy()
        if kind == "BF16":
            stored = (numbers.view("<u4") >> 16).astype("<u2").tobytes()
        else:
            stored = numbers.astype({"F64": "<f8", "F32": "<f4", "F16": "<f2"}[kind]).tobytes()
        places = [len(data), len(data) + len(stored)]
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": places}
        data += stored
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def states(net):
    own = net.state_dict()
    moments = {"param_groups": [{"lr": 0.1}], "state": {0: {"step": torch.tensor(1.0)}}}
    return {
        "state dict": own,
        "checkpoint": {"epoch": 3, "state_dict": own, "optimizer": moments},
        "model": {"model": own, "args": {"lr": 0.1}},
        "DataParallel": {f"module.{name}": tensor for name, tensor in own.items()},
        "compiled": {f"_orig_mod.{name}": tensor for name, tensor in own.items()},
        "the layer alone": net[3].state_dict(),
        "parameters": dict(net.named_parameters()),
    }


@pytest.mark.parametrize("kind", ["state dict", "checkpoint", "model", "DataParallel", "compiled",
                                  "the layer alone", "parameters"])  # fmt: skip
@pytest.mark.parametrize("suffix", [".pt", ".pth"])
def test_a_state_dict_is_a_head(nclib, trained, features, expected, tmp_path, kind, suffix):
    path = tmp_path / f"model{suffix}"
    torch.save(states(trained[0])[kind], path)
    assert measured(nclib, features[0], "--head", path) == expected
    np.save(tmp_path / "x.npy", features[1])
    np.save(tmp_path / "y.npy", LABELS)
    mapped = (tmp_path / "x.npy", "--labels", tmp_path / "y.npy")
    again = measured(nclib, *mapped, "--head", path)
    assert again["right_by_class"] == expected["right_by_class"]
    assert again["lambda_H"] == pytest.approx(expected["lambda_H"], rel=1e-12)


@pytest.mark.parametrize("kind", ["F64", "F32", "F16", "BF16"])
def test_safetensors_are_a_head(nclib, trained, features, expected, tmp_path, kind):
    path = tmp_path / "model.safetensors"
    path.write_bytes(safetensors(trained[0].state_dict(), kind))
    found = measured(nclib, features[0], "--head", path)
    if kind in ("F64", "F32"):
        assert found == expected
    else:
        fc = trained[0][3]
        of = torch.float16 if kind == "F16" else torch.bfloat16
        # Truncated, as the file was written, and not rounded.
        W, b = (
            p.detach().to(of).numpy(force=True)
            if kind == "F16"
            else (p.detach().view(torch.int32) & -65536).view(torch.float32).numpy()
            for p in (fc.weight, fc.bias)
        )
        np.savez(tmp_path / "low.npz", W=W, b=b)
        assert found == measured(nclib, features[0], "--head", tmp_path / "low.npz")


def test_several_layers_of_a_state_dict_are_a_head(nclib, trained, tmp_path):
    net, x, _ = trained
    deep = nn.Sequential(nn.Linear(6, 5, bias=False), net[3])
    H = net[:2](x).detach().numpy()
    np.savez(tmp_path / "features.npz", features=H, labels=LABELS)
    W1, W2 = deep[0].weight.detach().numpy(), deep[1].weight.detach().numpy()
    b = deep[1].bias.detach().numpy()
    np.savez(tmp_path / "head.npz", W1=W1, W2=W2, b=b)
    torch.save({"backbone.weight": torch.zeros(6, 3), **deep.state_dict()}, tmp_path / "m.pt")
    features = tmp_path / "features.npz"
    found = measured(nclib, features, "--head", tmp_path / "m.pt", "--depth", 2)
    assert found == measured(nclib, features, "--head", tmp_path / "head.npz")
    arguments = ("measure", features, *PENALTY, "--head", tmp_path / "m.pt")
    assert nclib(*arguments).failed(
        "no layer of 4 x 6 (K x d) for features of 6 columns", "'1.weight' has 4 rows and takes 5",
        "--depth",
    )  # fmt: skip
    torch.save(nn.Sequential(nn.Linear(6, 5), net[3]).state_dict(), tmp_path / "m.pt")
    assert nclib(*arguments, "--depth", 2).failed("'0.bias' is a bias below the last layer")


class Trap:
    sprung = False

    def __reduce__(self):
        return (setattr, (Trap, "sprung", True))


def layers_of(*widths):
    """A state dict of linear layers between these widths."""
    pairs = zip(widths[1:], widths[:-1], strict=True)
    return {f"{j}.weight": torch.ones(shape) for j, shape in enumerate(pairs)}


def safe(header):
    """A safetensors file of a header and no numbers."""
    return struct.pack("<Q", len(header)) + header


W = torch.ones(4, 5)
BAD_STATES = {
    "pickle": (lambda: pickle.dumps({"fc.weight": Trap()}), ".pt", "Python objects"),
    "model": (lambda: nn.Linear(5, 4), ".pt", "save model.state_dict() instead"),
    "text": (lambda: b"a,1\n", ".pth", "m.pth"),
    "empty": (lambda: b"", ".pt", "not what torch.save writes"),
    "tensor": (lambda: W, ".pt", "one tensor; expected a state dict"),
    "no tensors": (lambda: {"epoch": 3}, ".pt", "no tensors by name"),
    "weight norm as it was": (
        lambda: {"fc.weight_g": torch.ones(4, 1), "fc.weight_v": W}, ".pt",
        "'fc.weight_g' is part of a weight that is computed",
    ),
    "six others": (
        lambda: layers_of(3, 2, 3, 2, 3, 2, 3), ".pt",
        "(K x d); it has 0.weight 2 x 3, 1.weight 3 x 2, ",
    ),
    "seven others": (
        lambda: layers_of(3, 2, 3, 2, 3, 2, 3, 7), ".pt",
        "(K x d); it has ..., 1.weight 3 x 2, 2.weight 2 x 3, ",
    ),
    "two heads": (
        lambda: {"aux.weight": W, "fc.weight": W + 1}, ".pt",
        "2 times a layer of 4 x 5: 'aux.weight', 'fc.weight'; save the layers that you mean",
    ),
    "transposed": (lambda: {"fc.weight": W.T}, ".pt", "'fc.weight' is 5 x 4, d x K, and so transp"),
    "other classes": (
        lambda: {"a.weight": torch.ones(6, 3), "fc.weight": torch.ones(1000, 5)}, ".pt",
        "no linear layer of 4 x 5 (K x d); it has a.weight 6 x 3, fc.weight 1000 x 5",
    ),
    "other features": (
        lambda: {"fc.weight": torch.ones(4, 512)}, ".pt", "'fc.weight' has 4 rows and takes 512",
    ),
    "convolutions": (lambda: {"c.weight": torch.ones(4, 5, 1, 1)}, ".pt", "no linear layers"),
    "weight norm": (
        lambda: nn.utils.parametrizations.weight_norm(nn.Linear(5, 4)).state_dict(), ".pt",
        "is part of a weight that is computed",
    ),
    "integers": (lambda: {"fc.weight": W.int()}, ".pt", "must hold real floats; got torch.int32"),
    "safe: short": (lambda: safetensors({"fc.weight": W})[:-4], ".safetensors", "cut short"),
    "safe: empty": (lambda: b"", ".safetensors", "cut short, or no safetensors file"),
    "safe: text": (lambda: b"a,1\n" * 9, ".safetensors", "cut short, or no safetensors file"),
    "safe: no JSON": (lambda: struct.pack("<Q", 3) + b"{]}", ".safetensors", "no safetensors file"),
    "safe: places": (
        lambda: safetensors({"fc.weight": W}).replace(b"[0, 80]", b"[8, 80]"), ".safetensors",
        "'fc.weight' is not where it should be",
    ),
    "safe: no place": (
        lambda: safetensors({"fc.weight": W}).replace(b"[0, 80]", b"[-8,72]"), ".safetensors",
        "no whole number",
    ),
    "safe: a list": (lambda: safe(b"[]"), ".safetensors", "no safetensors file"),
    "safe: a number": (lambda: safe(b'{"fc.weight": 5}'), ".safetensors", "no safetensors file"),
    "safe: no type": (lambda: safe(b'{"fc.weight": {}}'), ".safetensors", "no safetensors file"),
    "safe: deep": (lambda: safe(b"[" * 100_000), ".safetensors", "no safetensors file"),
    "safe: no header": (lambda: safe(b""), ".safetensors", "no safetensors file (Expecting value"),
    "safe: no tensors": (lambda: safe(b"{}"), ".safetensors", "it has no linear layers"),
    "safe: integers": (
        lambda: safetensors({"fc.weight": W}).replace(b"F32", b"I32"), ".safetensors", "got I32",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_STATES)
def test_bad_state_dicts_are_one_line(nclib, features, tmp_path, name):
    make, suffix, words = BAD_STATES[name]
    content, path = make(), tmp_path / f"m{suffix}"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    assert nclib("measure", features[0], *PENALTY, "--head", path).failed(words, str(path))
    assert not Trap.sprung


def test_a_header_of_more_than_100_million_bytes_is_not_read(nclib, tmp_path):
    """The most that the format allows. The file is longer, and on the disk it is nearly empty."""
    np.savez(tmp_path / "x.npz", features=np.eye(4)[LABELS], labels=LABELS)
    path = tmp_path / "m.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 10**8 + 1))
        file.truncate(10**8 + 100)
    outcome = nclib("measure", tmp_path / "x.npz", *PENALTY, "--head", path)
    assert outcome.failed("cut short, or no safetensors file")


def test_a_square_layer_is_a_head_and_of_several_it_is_asked_how_many(nclib, tmp_path):
    np.savez(tmp_path / "x.npz", features=np.eye(4)[LABELS], labels=LABELS)
    command = ("measure", tmp_path / "x.npz", *PENALTY, "--head", tmp_path / "m.pt")
    torch.save({"fc.weight": torch.eye(4)}, tmp_path / "m.pt")
    assert nclib(*command, "--json").json["depth"] == 1
    torch.save({f"{j}.weight": torch.eye(4) for j in range(3)}, tmp_path / "m.pt")
    assert nclib(*command).failed(
        "3 times a layer of 4 x 4: '0.weight', '1.weight', '2.weight'; save",
        ", or --depth 3 if all are one head",
    )
    assert nclib(*command, "-L", 3, "--json").json["depth"] == 3
    outcome = nclib(*command, "-L", 2)
    assert outcome.failed("2 times a 2 layers from 4 to 4: '1.weight', '2.weight'; save")
    assert "all are one head" not in outcome.err
    torch.save({"a.weight": torch.ones(4, 5), "b.weight": torch.ones(4, 5)}, tmp_path / "m.pt")
    np.savez(tmp_path / "x.npz", features=np.eye(5)[LABELS], labels=LABELS)
    assert "all are one head" not in nclib(*command).err


def test_arrays_of_up_to_64_layers_are_a_head_and_no_others_are_read(nclib, tmp_path):
    path = tmp_path / "n.npz"
    command = ("measure", path, *PENALTY, "--json")
    labels = np.arange(10) % 2
    arrays = {"features": np.eye(2)[labels], "labels": labels, "b": np.zeros(2)}
    arrays |= {name: np.array([{}], dtype=object) for name in ("W0", "V", "W_1", "W66")}
    layers = {f"W{j}": np.eye(2) for j in range(1, 66)}
    np.savez(path, **arrays, **layers)
    assert nclib(*command).failed("has W65; a head has up to 64 layers")
    del layers["W65"]
    np.savez(path, **arrays, **layers)
    assert nclib(*command).json["depth"] == 64
    del layers["W63"]
    np.savez(path, **arrays, **layers)
    assert nclib(*command).failed("has W64 but not every layer from W1 up to it")


def test_a_state_dict_is_no_file_of_features(nclib, trained, tmp_path):
    path = tmp_path / "model.pt"
    torch.save(trained[0].state_dict(), path)
    assert nclib("measure", path, *PENALTY).failed("layers and no features", "this file as --head")
    missing = ("--head", tmp_path / "none.pt")
    np.savez(tmp_path / "x.npz", features=np.eye(4), labels=np.arange(4))
    assert nclib("measure", tmp_path / "x.npz", *PENALTY, *missing).failed("none.pt", "No such")


def test_transposed_arrays_are_named(nclib, features, trained, tmp_path):
    path, H = features
    W = trained[0][3].weight.detach().numpy()
    np.savez(tmp_path / "t.npz", W=W.T)
    assert nclib("measure", path, *PENALTY, "--head", tmp_path / "t.npz").failed(
        "W_1 must have 4 rows (K); got shape (5, 4), transposed: take W_1.T"
    )
    np.savez(tmp_path / "f.npz", features=H.T, labels=LABELS, W=W)
    assert nclib("measure", tmp_path / "f.npz", *PENALTY).failed(
        "(5, 90) are transposed for 90 labels; expected one row for each sample"
    )


# ---------------------------------------------------------------- features of other data


@pytest.fixture
def test_set(trained, tmp_path):
    """Balanced, as test sets are, and the counts of the training in a file."""
    net, x, _ = trained
    torch.manual_seed(1)
    rows = [torch.where(torch.tensor(LABELS) == k)[0][:10] for k in range(4)]
    x, labels = x[torch.cat(rows)], np.repeat(np.arange(4), 10)
    H = net[:3](x + 0.05 * torch.randn_like(x)).detach().numpy()
    W, b = net[3].weight.detach().numpy(), net[3].bias.detach().numpy()
    np.savez(tmp_path / "test.npz", features=H, labels=labels, W=W, b=b)
    # As value_counts writes them, where labels tie in any order.
    (tmp_path / "train.csv").write_text("label,count\n0,40\n2,20\n1,20\n3,10\n")
    return tmp_path / "test.npz", tmp_path / "train.csv", (H, labels, W, b)


def test_other_data_is_measured_against_the_optimum_of_the_training(nclib, test_set):
    path, counts, (H, labels, W, b) = test_set
    found = measured(nclib, path, "--counts", counts)
    assert found["counts"] == N_PER_CLASS
    assert found["N"] == 90
    assert found["measured_counts"] == [10, 10, 10, 10]
    assert found["counts_from"] == str(counts)
    # lambda_H is that of the training: its penalty counts the features of 90 samples.
    means = np.stack([H[labels == k].astype(float).mean(axis=0) for k in range(4)])
    squares = np.array(N_PER_CLASS) @ np.square(means).sum(axis=1)
    lambda_H = 5e-3 * np.square(W.astype(float)).sum() / squares
    assert found["lambda_H"] == pytest.approx(lambda_H, rel=1e-10)
    best = nc.global_minimizer(
        nc.Problem(N_PER_CLASS, 1, lambda_W=5e-3, lambda_H=lambda_H, widths=(5,))
    )
    metrics = nc.measure(H, labels, W, b, best, check_counts=False)
    for name in ("nc2_w", "nc2_h", "nc2_wh", "nc3", "nc4", "lambda_H"):
        value = found["metrics"]["corrected"][name]
        assert value == pytest.approx(getattr(metrics, name), rel=1e-8), name
    assert metrics.lambda_H == pytest.approx(lambda_H, rel=1e-10)
    right = (H @ W.T + b).argmax(axis=1) == labels
    assert found["right_by_class"] == [right[labels == k].mean() for k in range(4)]
    # Without them it is another optimum, that of 40 samples in equal shares.
    assert measured(nclib, path)["counts"] == [10, 10, 10, 10]


def test_the_output_says_that_the_data_is_other(nclib, test_set):
    path, counts, _ = test_set
    text = nclib("measure", path, *PENALTY, "--counts", counts).flat
    assert "Other data than the training: 40 samples are measured, against the optimum for " in text
    assert "the 90 of" in text
    assert "predicted right in training" in text
    assert "Other data" not in nclib("measure", path, *PENALTY).flat
    balanced = nclib("measure", path, *PENALTY, "--counts", counts, "--metrics", "balanced")
    assert balanced.code == 0


def test_counts_that_do_not_fit_are_one_line(nclib, test_set, tmp_path):
    path, _, _ = test_set
    (tmp_path / "few.csv").write_text("40\n20\n20\n")
    assert nclib("measure", path, *PENALTY, "--counts", tmp_path / "few.csv").failed(
        "--counts must have K = 4 classes", "got 3"
    )
    assert nclib("measure", path, *PENALTY, "--counts", tmp_path / "none.csv").failed("none.csv")
