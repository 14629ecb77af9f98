"""Damaged and invented files: an answer or one clear line, never a traceback, no file half-way."""

import io
import json
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FEW, MANY = 150, 25_000
"""Examples of each kind, in `make test` and in `make test-all`."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


def settled(outcome):
    """Whether a command has answered as it should, whatever it was given."""
    if outcome.code == 0:
        json.loads(outcome.out)
        assert outcome.err == ""
    else:
        assert outcome.failed()
    return True


# ---------------------------------------------------------------- predict

counts = st.one_of(
    st.integers(-3, 10**6).map(str),
    st.sampled_from(["", "0", "nan", "inf", "1e3", "1,000", "٣", "9" * 30, "2.0", "x", '"', "\0"]),
)
names = st.text(max_size=6)
table = st.lists(st.one_of(counts, st.tuples(names, counts).map(",".join)), max_size=8)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | names,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)


def damaged(content, data):
    """Change, cut or double some bytes of a file that was whole."""
    content = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(content) - 1, 0)))
        match data.draw(st.integers(0, 3)):
            case 0:
                content[at : at + 1] = bytes([data.draw(st.integers(0, 255))])
            case 1:
                del content[at:]
            case 2:
                del content[at : at + data.draw(st.integers(1, 40))]
            case _:
                content[at:at] = content[at : at + data.draw(st.integers(1, 40))]
    return bytes(content)


def npy(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def counts_file(data):
    """Return a name and content of a file that might hold class counts."""
    kind = data.draw(st.sampled_from(["csv", "csv", "json", "npy", "bytes"]))
    if kind == "csv":
        return "c.csv", "\n".join(data.draw(table)).encode("utf-8", "surrogatepass")
    if kind == "json":
        return "c.json", json.dumps(data.draw(documents)).encode()
    if kind == "npy":
        dtype = data.draw(st.sampled_from(["<i8", ">i4", "<f8", "u1", "?", "<U3"]))
        shape = data.draw(st.sampled_from([(3,), (2, 2), (), (0,)]))
        content = npy(np.ones(shape, dtype=dtype))
        return "c.npy", damaged(content, data) if data.draw(st.booleans()) else content
    return data.draw(st.sampled_from(["c.csv", "c.json", "c.npy", "c"])), data.draw(
        st.binary(max_size=60)
    )


def predict_is_settled(nclib, place, data):
    name, content = counts_file(data)
    path = place / name
    path.write_bytes(content)
    depth = data.draw(st.sampled_from([1, 2, 6, 1000]))
    penalty = data.draw(st.sampled_from(["1e-3", "1e-300", "5e-324", "1e300", "0.5"]))
    more = data.draw(st.sampled_from([(), ("--lambda-H", penalty), ("--lambda-H", "1e-5")]))
    bias = data.draw(st.sampled_from([(), ("--no-bias",)]))
    before = {path.name for path in place.iterdir()}
    outcome = nclib("predict", path, "-L", depth, "--lambda-W", penalty, *more, *bias, "--json")
    assert settled(outcome)
    assert {path.name for path in place.iterdir()} == before


few = settings(
    max_examples=FEW, derandomize=True, suppress_health_check=list(HealthCheck), deadline=None
)
many = settings(max_examples=MANY, suppress_health_check=list(HealthCheck), deadline=None)


@few
@given(st.data())
def test_predict_survives_any_file(nclib, place, data):
    predict_is_settled(nclib, place, data)


@pytest.mark.slow
@many
@given(st.data())
def test_predict_survives_very_many_files(nclib, place, data):
    predict_is_settled(nclib, place, data)


# ---------------------------------------------------------------- measure

numbers = st.one_of(
    st.floats(-3, 3, width=32), st.sampled_from([np.nan, np.inf, 0.0, 1e38, -1e38, 1e-45, 1e300])
)
kinds = st.sampled_from(["<f8", ">f8", "<f4", "<f2", "<i4", "?", "<c16", "<U2", "<M8[s]"])


def array(data, shape):
    values = [data.draw(numbers) for _ in range(int(np.prod(shape)))]
    dtype = data.draw(st.one_of(st.just("<f8"), kinds))
    with np.errstate(all="ignore"):
        if dtype == "<M8[s]":
            return np.zeros(shape, dtype=dtype)
        finite = np.nan_to_num(values, posinf=9, neginf=-9) if dtype in ("<i4",) else values
        if dtype == "<i4":
            finite = np.clip(finite, -9, 9)
        return np.array(finite).reshape(shape).astype(dtype)


def labels(data, N):
    kind = data.draw(st.sampled_from(["classes", "any", "text", "floats"]))
    if kind == "classes":
        return np.arange(N) % data.draw(st.integers(1, 4))
    if kind == "any":
        return np.array(data.draw(st.lists(st.integers(-2, 2**40), min_size=N, max_size=N)))
    return np.array(["a", "b"] * N)[:N] if kind == "text" else np.zeros(N)


def measure_is_settled(nclib, place, data):
    N, d = data.draw(st.integers(0, 7)), data.draw(st.integers(0, 4))
    features = array(data, (N, d))
    arrays = {"features": features, "labels": labels(data, N)}
    K = data.draw(st.integers(1, 4))
    for name in data.draw(st.sets(st.sampled_from(["W", "W1", "W2", "b"]))):
        shape = (K,) if name == "b" else (K, data.draw(st.sampled_from([d, K])))
        arrays[name] = array(data, shape)
    penalties = ("--lambda-W", 1e-3, *data.draw(st.sampled_from([(), ("--lambda-H", 1e-3)])))
    before = {path.name for path in place.iterdir()}
    if data.draw(st.booleans()):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, value in arrays.items():
                archive.writestr(f"{name}.npy", npy(value))
        content = buffer.getvalue()
        path = place / "n.npz"
        path.write_bytes(damaged(content, data) if data.draw(st.booleans()) else content)
        outcome = nclib("measure", path, *penalties, "--json")
    else:
        content = npy(features)
        path, given_labels = place / "x.npy", place / "y.npy"
        path.write_bytes(damaged(content, data) if data.draw(st.booleans()) else content)
        given_labels.write_bytes(npy(arrays["labels"]))
        depth = data.draw(st.integers(1, 3))
        outcome = nclib(
            "measure", path, "--labels", given_labels, "-L", depth, *penalties, "--json"
        )
    if outcome.code == 2:  # no head where one is needed
        assert outcome.out == ""
        assert "Traceback" not in outcome.err
    else:
        assert settled(outcome)
    assert {path.name for path in place.iterdir()} - before <= {"n.npz", "x.npy", "y.npy"}


@few
@given(st.data())
def test_measure_survives_any_file(nclib, place, data):
    measure_is_settled(nclib, place, data)


@pytest.mark.slow
@many
@given(st.data())
def test_measure_survives_very_many_files(nclib, place, data):
    measure_is_settled(nclib, place, data)
