"""Arrays from `.npz` files: what is damaged in any way is refused, and no pickle is loaded."""

import io
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nclib.readers import read_npz
from nclib.training.data import ImageData, load_images

ARRAYS = {
    "images": np.arange(120, dtype=np.uint8).reshape(6, 4, 5),
    "labels": np.array([0, 1, 2, 0, 1, 2]),
    "class_names": np.array(["cat", "dog", "größe"]),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "made.npz"


class Trap:
    """Unpickling it is noticed."""

    sprung = False

    def __reduce__(self):
        return (setattr, (Trap, "sprung", True))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_reads_what_numpy_writes(path, save):
    save(path, **ARRAYS)
    read = read_npz(path, ("images", "labels"), ("class_names", "absent"))
    assert set(read) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)


def test_reads_only_what_is_asked_for(path):
    np.savez(path, labels=ARRAYS["labels"], notes=np.array([{"a": 1}], dtype=object))
    assert set(read_npz(path, ("labels",))) == {"labels"}


def test_names_the_missing_array_and_those_there(path):
    np.savez(path, x=[1], y=[2])
    with pytest.raises(ValueError, match=r"made\.npz: no array 'images'; it has 'x', 'y', but"):
        read_npz(path, ("images", "labels"))
    np.savez(path, **{f"array_{k}": [k] for k in range(20)})
    with pytest.raises(ValueError, match=r"'array_7' and 12 more, but 'images' are needed"):
        read_npz(path, ("images",))


def test_object_arrays_are_refused_unread(path):
    np.savez(path, images=ARRAYS["images"], labels=np.array([Trap(), Trap()], dtype=object))
    with pytest.raises(ValueError, match=r"made\.npz: array 'labels' holds Python objects.*pickle"):
        read_npz(path, ("images", "labels"))
    assert not Trap.sprung


def not_archives():
    npy = b"\x93NUMPY\x01\x00" + bytes(100)
    return [
        (b"", "an empty file"),
        (b"hello, this is text\n", "not an .npz file; expected"),
        (pickle.dumps({"images": Trap()}), "perhaps a pickle, which nclib never loads"),
        (npy, r"one array \(\.npy\)"),
        (b"PK", "cut short or damaged"),
        (b"PK\x03\x04" + bytes(200), "cut short or damaged"),
    ]


@pytest.mark.parametrize(("content", "message"), not_archives())
def test_other_files_are_refused(path, content, message):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"made\.npz: .*{message}"):
        read_npz(path, ("images",))
    assert not Trap.sprung


def test_a_name_that_no_file_can_have_is_named():
    with pytest.raises(ValueError, match=r"'no\\x00file' is no path"):
        read_npz("no\0file", ("images",))


def test_missing_files_and_folders_are_the_systems_own_errors(path):
    with pytest.raises(FileNotFoundError):
        read_npz(path, ("images",))
    path.mkdir()
    with pytest.raises(OSError, match=r"made\.npz"):
        read_npz(path, ("images",))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.9, 0.999])
def test_a_file_cut_short_is_refused(path, save, share):
    save(path, **ARRAYS)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"made\.npz: .*cut short or damaged"):
        read_npz(path, ("images", "labels"), ("class_names",))


def test_a_header_that_promises_too_few_numbers_is_found_out(path):
    """numpy stops reading where the header says, before the checksum is compared."""
    np.savez(path, images=np.arange(60000, dtype=np.uint16).reshape(6, 100, 100))
    content = path.read_bytes()
    assert content.count(b"(6, 100, 100)") == 1
    path.write_bytes(content.replace(b"(6, 100, 100)", b"(3, 100, 100)"))
    with np.load(path) as archive:
        assert archive["images"].shape == (3, 100, 100)  # numpy does not notice
    with pytest.raises(ValueError, match=r"made\.npz: array 'images' is cut short or damaged"):
        read_npz(path, ("images",))


@pytest.mark.parametrize("shape", ["(10**9, 10**9)", "(999999999999,)", "(-1,)"])
def test_a_header_that_promises_too_many_numbers_is_found_out(path, shape):
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (117 - len(header)) + b"\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", b"\x93NUMPY\x01\x00\x76\x00" + header + bytes(10))
    with pytest.raises(ValueError, match=r"made\.npz: array 'images' is cut short or damaged"):
        read_npz(path, ("images",))


@pytest.fixture(scope="module", params=[np.savez, np.savez_compressed], ids=["plain", "packed"])
def content(request, tmp_path_factory):
    whole = tmp_path_factory.mktemp("npz") / "whole.npz"
    request.param(whole, **ARRAYS)
    return whole.read_bytes()


@given(data=st.data())
def test_no_damage_changes_what_is_read(content, tmp_path_factory, data):
    """One byte changed anywhere: the right arrays or an error, never others."""
    place = data.draw(st.integers(0, len(content) - 1))
    change = data.draw(st.integers(1, 255))
    damaged = bytearray(content)
    damaged[place] ^= change
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    path.write_bytes(damaged)
    try:
        read = read_npz(path, ("images", "labels"), ("class_names",))
    except ValueError:
        return
    assert set(read) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(read[name], array, strict=True)


# ---------------------------------------------------------------- fuzzing


def archive(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
    return buffer.getvalue()


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


# Arrays of every type and of shapes that fit each other or not.
ODD_ARRAYS = [
    npy(array)
    for array in (
        *ARRAYS.values(),
        np.array(["train", "train", "test", "train", "test", "test"]),
        np.array([0, 1, 2, 0, 1, -1]),
        np.array([0, 1, 2, 0, 1, 3], dtype=np.uint64) + 2**63,
        np.array([0.0, 1.0, np.nan, np.inf, 0.0, 1.0]),
        np.array(["0", "1", "2", "0", "1", "2"]),
        np.array([b"cat", b"dog", b"cow"]),
        np.array(["cat", "cat", "dog"]),
        np.array([Trap(), 3], dtype=object),
        np.array([(3, 5)] * 6, dtype="i4,f8"),
        np.zeros(6, dtype="m8[s]"),
        np.zeros((6, 4, 5, 3), dtype=np.uint8),
        np.zeros((6, 4, 5), dtype=">f4"),
        np.zeros((0, 4, 5), dtype=np.uint8),
        np.zeros((6, 1), dtype=np.int64),
        np.array(3),
        np.array("cat"),
    )
]
NAMES = ("images.npy", "labels.npy", "class_names.npy", "split.npy", "notes.txt", "../labels.npy")
ARCHIVES = st.dictionaries(
    st.sampled_from(NAMES), st.sampled_from(ODD_ARRAYS) | st.binary(max_size=200), max_size=5
).map(archive)
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 8), st.binary(max_size=8)), max_size=4)


@st.composite
def any_npz(draw):
    """An archive of whatever arrays, then a few of its bytes replaced, taken out or put in."""
    data = bytearray(draw(ARCHIVES | st.binary(max_size=100)))
    for place, removed, added in draw(EDITS):
        start = int(place * len(data))
        data[start : start + removed] = added
    return bytes(data)


def fuzz(content, path):
    """Arrays, or an error that names the file; the same for images."""
    path = path / "fuzz.npz"
    path.write_bytes(content)
    for read, kind in (
        (lambda: read_npz(path, ("images",), ("labels", "class_names", "split")), dict),
        (lambda: load_images(path), ImageData),
    ):
        try:
            found = read()
        except ValueError as error:
            found = str(error)
        assert isinstance(found, kind) or str(path) in found
    assert not Trap.sprung


@settings(max_examples=2000)
@given(any_npz())
def test_any_file_is_read_or_refused(tmp_path_factory, content):
    fuzz(content, tmp_path_factory.getbasetemp())


@pytest.mark.slow
@settings(max_examples=50_000)
@given(any_npz())
def test_many_more_files_are_read_or_refused(tmp_path_factory, content):
    fuzz(content, tmp_path_factory.getbasetemp())
