"""Arrays from `.npz` files: what is damaged in any way is refused, and no pickle is loaded."""

import io
import pickle
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nclib.data import readers
from nclib.data.readers import read_npz
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


def test_an_archive_may_have_a_comment(path):
    np.savez(path, labels=ARRAYS["labels"])
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"made by hand"
    np.testing.assert_array_equal(read_npz(path, ("labels",))["labels"], ARRAYS["labels"])


def test_an_archive_may_have_more_members_than_one_byte_counts(path):
    np.savez(path, **{f"a{k}": np.array([k]) for k in range(257)})
    assert read_npz(path, ["a256"])["a256"] == [256]


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


# ---------------------------------------------------------------- the table of contents


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("contents") / "changed.npz"


def read_or_refused(path, data):
    """Whether the arrays are read as they were; False if the file is refused by name."""
    path.write_bytes(data)
    said = ""
    try:
        read = read_npz(path, ("images", "labels"), ("class_names",))
    except ValueError as error:
        said = str(error)
    if said:
        assert re.match(rf"{re.escape(str(path))}: (cut short or damaged|array .* cut short)", said)
        return False
    assert set(read) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(read[name], array, strict=True)
    return True


def test_no_byte_of_the_table_of_contents_can_hide_an_array(content, place):
    """An array that may be absent would be missed by nobody: every byte is tried."""
    start = content.index(b"PK\x01\x02")
    refused = 0
    for at in range(start, len(content)):
        for bit in (0, 3, 7):
            changed = bytearray(content)
            changed[at] ^= 1 << bit
            refused += not read_or_refused(place, changed)
    assert refused > 200  # names, places, sizes and checksums of three members


@pytest.mark.parametrize("member", list(ARRAYS))
def test_a_member_that_has_another_name_in_the_contents_is_found_out(content, place, member):
    name = f"{member}.npy".encode()
    first, last = content.index(name), content.rindex(name)
    assert first < last  # the member's own header, and the table of contents
    other = name[:-5] + b"q" + name[-4:]
    for at in (first, last):
        assert not read_or_refused(place, content[:at] + other + content[at + len(name) :])
    both = content.replace(name, other)
    assert both.count(other) == 2
    if member == "class_names":  # then it is another array, and nobody lied
        place.write_bytes(both)
        assert set(read_npz(place, ("images",), ("class_names",))) == {"images"}


def test_a_table_of_contents_that_lost_its_last_member_is_found_out(content, place):
    """zipfile reads as far as the length says, and does not count."""
    entry = content.rindex(b"PK\x01\x02")
    end = content.index(b"PK\x05\x06")
    tail = bytearray(content[end:])
    size = int.from_bytes(tail[12:16], "little") - (end - entry)
    tail[12:16] = size.to_bytes(4, "little")
    shorter = content[:entry] + bytes(tail)
    with zipfile.ZipFile(io.BytesIO(shorter)) as archive:
        assert len(archive.namelist()) == 2  # zipfile does not notice
    assert not read_or_refused(place, shorter)
    tail[8:12] = bytes([2, 0, 2, 0])  # told as well, it is an archive of two
    place.write_bytes(content[:entry] + bytes(tail))
    assert set(read_npz(place, ("images", "labels"), ("class_names",))) == {"images", "labels"}


def test_two_members_of_one_name_are_refused(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("labels.npy", npy(ARRAYS["labels"]))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("labels.npy", npy(ARRAYS["labels"][::-1]))
    with pytest.raises(ValueError, match=r"made\.npz: two arrays 'labels'"):
        read_npz(path, ("labels",))


def test_members_that_lead_out_of_the_archive_are_not_read_and_write_nothing(tmp_path):
    path = tmp_path / "a" / "b" / "made.npz"
    path.parent.mkdir(parents=True)
    members = {f"{name}.npy": npy(array) for name, array in ARRAYS.items()}
    names = ("../labels.npy", "/images.npy", "../../class_names.npy", "a/labels.npy")
    outside = {name: npy(np.arange(3)) for name in names}
    path.write_bytes(archive(outside | members))
    read = read_npz(path, ("images", "labels"), ("class_names",))
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(read[name], array)
    path.write_bytes(archive(outside))
    with pytest.raises(ValueError, match="no array 'labels'"):
        read_npz(path, ("labels",))
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]


# ---------------------------------------------------------------- what unpacks to too much


def test_an_archive_that_unpacks_to_too_much_is_called_so(path, monkeypatch):
    """Nothing about it is damaged: it says itself how large it is."""
    np.savez_compressed(path, images=np.zeros((100, 100, 100), dtype=np.uint8), labels=np.arange(9))
    assert path.stat().st_size < 10_000
    monkeypatch.setattr(readers, "_memory", lambda: 10**6)
    with pytest.raises(ValueError, match=r"made\.npz: unpacks to too much: .* 0\.001 GB") as caught:
        read_npz(path, ("images", "labels"))
    assert "damaged" not in str(caught.value)
    told = re.search(r"the file has (\S+) GB", str(caught.value))
    assert float(told[1]) * 1e9 == pytest.approx(path.stat().st_size, rel=0.01)
    assert read_npz(path, ("labels",))["labels"].size == 9  # what is not asked for is not unpacked


def test_an_archive_may_take_all_the_memory_and_no_more(path, monkeypatch):
    np.savez(path, labels=ARRAYS["labels"])
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo("labels.npy").file_size
    monkeypatch.setattr(readers, "_memory", lambda: size)
    assert read_npz(path, ("labels",))["labels"].size == 6
    monkeypatch.setattr(readers, "_memory", lambda: size - 1)
    with pytest.raises(ValueError, match="unpacks to too much"):
        read_npz(path, ("labels",))


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process")
def test_an_archive_larger_than_the_memory_left_is_called_so(path):
    np.savez_compressed(path, images=np.zeros((200, 1000, 1000), dtype=np.uint8))
    code = (
        "import resource, sys\n"
        "from nclib.data.readers import read_npz\n"
        "now = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (now + 10**8,) * 2)\n"
        "try: read_npz(sys.argv[1], ('images',))\n"
        "except ValueError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert f"{path}: unpacks to too much: its arrays take 0.2 GB" in done.stdout, done.stderr


def test_this_machine_says_how_much_memory_it_has():
    assert 10**8 < readers._memory() <= sys.maxsize


@pytest.mark.parametrize("error", [AttributeError, OSError, ValueError])
def test_where_a_machine_does_not_say_it_files_are_read(path, monkeypatch, error):
    def unknown(name):
        raise error(name)

    np.savez(path, **ARRAYS)
    monkeypatch.setattr(readers.os, "sysconf", unknown)
    np.testing.assert_array_equal(read_npz(path, ("images",))["images"], ARRAYS["images"])


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


@settings(max_examples=300)
@given(any_npz())
def test_any_file_is_read_or_refused(tmp_path_factory, content):
    fuzz(content, tmp_path_factory.getbasetemp())


@pytest.mark.slow
@settings(max_examples=50_000)
@given(any_npz())
def test_many_more_files_are_read_or_refused(tmp_path_factory, content):
    fuzz(content, tmp_path_factory.getbasetemp())
