"""Where images come from: `.npz` files, folders, and data sets by way of torchvision.

torchvision's data sets are played by small files of the same form, written here, so that its own
code reads, checks and unpacks them; nothing is downloaded.
"""

import gzip
import hashlib
import http.client
import io
import pickle
import tarfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torchvision.datasets
from PIL import Image

from nclib.training import data_sets
from nclib.training.data import (
    Normalization,
    has_test_images,
    load_images,
    load_splits,
    without_conflicts,
)
from nclib.training.engine import TrainingConfig
from nclib.training.experiments import Experiment, run

SHARED = Path(__file__).parents[3] / "shared" / "data"


def shared(name):
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"needs ../shared/data/{name}")
    return path


def md5(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


# ---------------------------------------------------------------- .npz files

IMAGES = np.random.default_rng(5).integers(0, 256, size=(6, 4, 5), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2])
SPLIT = np.array(["train", "train", "train", "test", "test", "val"])
NAMES = np.array(["cat", "dog", "größe"])


@pytest.fixture
def npz(tmp_path):
    def write(**arrays):
        path = tmp_path / "pets.npz"
        np.savez_compressed(path, **{"images": IMAGES, "labels": LABELS, **arrays})
        return path

    return write


def test_npz_with_all_arrays(npz):
    path = npz(class_names=NAMES, split=SPLIT)
    train = load_images(path)
    np.testing.assert_array_equal(train.images, IMAGES[:3])
    assert train.class_names == ("cat", "dog", "größe")
    assert repr(train).startswith("ImageData('pets, train': 3 grey images, 4 x 5, K=3")
    assert load_images(str(path), split="test").labels.tolist() == [0, 1]
    assert load_images(path, split="val").labels.tolist() == [2]


def test_npz_without_names_and_split_is_all_training(npz):
    data = load_images(npz(labels=LABELS.astype(np.uint8)))
    np.testing.assert_array_equal(data.images, IMAGES)
    assert data.class_names == ("0", "1", "2")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": IMAGES / 255}, "images must be uint8.*float64"),
        ({"images": IMAGES.astype(np.int16)}, "images must be uint8.*int16"),
        ({"images": IMAGES.reshape(6, 20)}, r"images must have shape.*\(6, 20\)"),
        ({"images": IMAGES[:, None]}, r"images must have shape.*\(6, 1, 4, 5\)"),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, r"images must have shape.*\(0, 4, 5\)"),
        ({"images": np.array(3)}, r"images must be uint8"),
        ({"labels": LABELS[:5]}, "labels must be one for each of the 6 images"),
        ({"labels": LABELS * 1.0}, "labels must be whole numbers.*float64"),
        ({"labels": np.full(6, np.nan)}, "labels must be whole numbers.*float64"),
        ({"labels": np.array(list("abcabc"))}, "labels must be whole numbers.*<U1"),
        ({"labels": LABELS + 1}, "labels must be 0 to K - 1, .* 3 distinct labels from 1 to 3"),
        ({"labels": LABELS - 1}, "labels must be 0 to K - 1, .* from -1 to 1"),
        ({"labels": LABELS * 10**12}, "labels must be 0 to K - 1, .* from 0 to 2000000000000"),
        ({"labels": LABELS, "class_names": NAMES[:2]}, r"K - 1 = 1; labels\[2\] = 2"),
        ({"labels": LABELS - 1, "class_names": NAMES}, r"labels\[0\] = -1"),
        ({"labels": LABELS * 0}, "at least two classes"),
        ({"class_names": NAMES[[0, 1, 1]]}, "names must be distinct"),
        ({"class_names": np.arange(3)}, "class_names must be one flat array of strings; got int"),
        ({"class_names": NAMES[None]}, r"class_names must be .* shape \(1, 3\)"),
        ({"class_names": np.array("cat")}, "class_names must be"),
        ({"split": SPLIT[:5]}, r"split must be one string for each of the 6 images; .*\(5,\)"),
        ({"split": LABELS}, "split must be one string for each.*int64"),
        ({"split": SPLIT[[3] * 6]}, r"split must be one of \['test'\]; got 'train'"),
    ],
)
def test_npz_with_bad_arrays_is_refused_by_name(npz, arrays, message):
    with pytest.raises(ValueError, match=rf"pets\.npz: .*{message}"):
        load_images(npz(**arrays))


def test_npz_without_split_has_no_test_images(npz):
    with pytest.raises(ValueError, match=r"pets\.npz: no array 'split', so all .*got split='test'"):
        load_images(npz(), split="test")


def test_npz_with_pickles_or_cut_short_is_refused(npz):
    with pytest.raises(ValueError, match=r"pets\.npz: array 'labels' holds Python objects"):
        load_images(npz(labels=LABELS.astype(object)))
    path = npz()
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ValueError, match=r"pets\.npz: cut short or damaged"):
        load_images(path)


def test_cifar10_subset():
    path = shared("cifar10_subset.npz")
    train = load_images(path)
    assert train.images.shape == (6000, 32, 32, 3)
    assert train.counts.n.tolist() == [600] * 10
    assert train.class_names[:3] == ("airplane", "automobile", "bird")
    assert load_images(path, split="val").counts.n.tolist() == [100] * 10
    assert load_images(path, split="test").N == 1000
    # Near the published numbers of the whole training set.
    np.testing.assert_allclose(Normalization.of(train).mean, [0.491, 0.482, 0.447], atol=0.005)
    np.testing.assert_allclose(Normalization.of(train).std, [0.247, 0.243, 0.262], atol=0.005)


def test_ocr_letters_without_the_bitmaps_of_two_labels():
    data = load_images(shared("ocr_letters.npz"))
    assert (data.N, data.K, data.images.shape[1:]) == (52152, 26, (16, 8))
    kept = without_conflicts(data)
    assert data.N - kept.N == 1537
    bitmaps = {image.tobytes() for image in data.images}
    assert len(bitmaps) - len({image.tobytes() for image in kept.images}) == 141
    assert len({(i.tobytes(), k) for i, k in zip(kept.images, kept.labels, strict=True)}) == (
        len(bitmaps) - 141
    )


# ---------------------------------------------------------------- folders


@pytest.fixture
def folder(tmp_path):
    """Writes images given as {"cat/one.png": array or PIL image}."""

    def write(files, name="pets"):
        root = tmp_path / name
        for path, image in files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(image, bytes):
                target.write_bytes(image)
            else:
                picture = Image.fromarray(image) if isinstance(image, np.ndarray) else image
                picture.save(target)
        return root

    return write


RGB = np.random.default_rng(6).integers(0, 256, size=(4, 5, 3), dtype=np.uint8)
PETS = {"dog/b.png": IMAGES[2], "dog/a.png": IMAGES[1], "cat/one.PNG": IMAGES[0]}


def test_folder_of_grey_images(folder):
    data = load_images(folder(PETS))
    np.testing.assert_array_equal(data.images, IMAGES[:3])
    assert data.labels.tolist() == [0, 1, 1]
    assert data.class_names == ("cat", "dog")
    assert data.name == "pets, train"


def test_folder_passes_over_hidden_entries_and_other_files(folder):
    others = {
        ".git/config.png": b"no image",
        "cat/.hidden.png": b"no image",
        "cat/labels.txt": b"no image",
        "readme.md": b"no image",
    }
    np.testing.assert_array_equal(load_images(folder(PETS | others)).images, IMAGES[:3])


def test_folder_with_one_image_in_colour_is_rgb(folder):
    data = load_images(folder(PETS | {"cat/two.png": RGB}))
    assert data.images.shape == (4, 4, 5, 3)
    np.testing.assert_array_equal(data.images[0], IMAGES[0][..., None].repeat(3, axis=2))
    np.testing.assert_array_equal(data.images[1], RGB)


def test_folder_of_palette_and_opaque_images(folder):
    opaque = Image.fromarray(RGB).convert("RGBA")
    palette = Image.fromarray(RGB).quantize(20)
    data = load_images(folder({"cat/a.png": opaque, "dog/b.png": palette}))
    np.testing.assert_array_equal(data.images[0], RGB)
    np.testing.assert_array_equal(data.images[1], np.asarray(palette.convert("RGB")))


def test_folder_of_splits(folder):
    root = folder({f"train/{name}": image for name, image in PETS.items()})
    folder({"test/cat/x.png": IMAGES[3], "test/dog/y.png": IMAGES[4]})
    np.testing.assert_array_equal(load_images(root).images, IMAGES[:3])
    np.testing.assert_array_equal(load_images(root, split="test").images, IMAGES[3:5])
    with pytest.raises(ValueError, match=r"split must be one of \['test', 'train'\]; got 'val'"):
        load_images(root, split="val")


@pytest.mark.parametrize("other", ["test/eel/z.png", "train/eel/z.png"])
def test_every_split_must_have_the_same_classes(folder, other):
    files = {"train/cat/a.png", "train/dog/b.png", "test/cat/c.png", "test/dog/d.png", other}
    root = folder(dict.fromkeys(files, RGB))
    with pytest.raises(ValueError, match="only one of 'test' and 'train' has a class 'eel'"):
        load_images(root, split="test")


def test_a_name_stands_for_its_data_set_beside_a_file_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("digits").touch()
    _, test = load_splits("digits")
    assert test.name == "digits, test"
    assert has_test_images("digits")


def test_a_source_has_test_images_or_none(npz, folder):
    for source, images in ((npz(), IMAGES), (folder(PETS, "no_splits"), IMAGES[:3])):
        train, test = load_splits(source)
        np.testing.assert_array_equal(train.images, images)
        assert test is None
    root = folder({f"train/{name}": image for name, image in PETS.items()})
    folder({"test/cat/x.png": IMAGES[3], "test/dog/y.png": IMAGES[4]})
    for source in (npz(split=SPLIT), root):
        train, test = load_splits(source)
        np.testing.assert_array_equal(train.images, IMAGES[:3])
        np.testing.assert_array_equal(test.images, IMAGES[3:5])


def test_folder_without_splits_has_no_test_images(folder):
    with pytest.raises(ValueError, match=r"no folders of splits, so .*got split='test'"):
        load_images(folder(PETS), split="test")


def picture(image, kind):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind)
    return buffer.getvalue()


def changed(content):
    """The last byte of the pixels is another."""
    return content[:-21] + bytes([content[-21] ^ 1]) + content[-20:]


# One pixel, and that only a little.
TRANSPARENT = Image.fromarray(np.dstack([RGB, np.where(np.arange(20) == 7, 254, 255).reshape(4, 5)])
                              .astype(np.uint8))  # fmt: skip


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"bird/big.png": IMAGES[0].T}, r"cat.one\.PNG: 5 x 4 pixels, but .*big\.png has 4 x 5"),
        ({"bird/one.png": b"no image"}, r"one\.png: cut short, damaged or not an image"),
        ({"bird/one.png": b""}, r"one\.png: cut short, damaged or not an image"),
        (
            {"bird/one.png": picture(RGB, "png")[:-20]},
            r"one\.png: cut short, damaged or not an image",
        ),
        (
            {"bird/one.png": changed(picture(RGB, "png"))},
            r"one\.png: cut short, damaged or not an image",
        ),
        ({"bird/one.jpeg": picture(RGB, "jpeg")[:-20]}, r"one\.jpeg: cut short, damaged"),
        ({"bird/one.bmp": picture(RGB, "bmp")[:-20]}, r"one\.bmp: cut short, damaged"),
        (
            {"bird/one.png": picture(RGB, "png")[:40]},
            r"one\.png: cut short, damaged or not an image",
        ),
        ({"bird/one.png": TRANSPARENT}, r"one\.png: transparent pixels"),
        ({"bird/one.png": IMAGES[0].astype(np.uint16)}, r"one\.png: more than 8 bits a channel"),
        ({"bird/one.txt": b"no image"}, r"bird: no images of this class"),
        ({"bird/deep/one.png": RGB}, r"bird: no images of this class.*it has sub-folders"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_folder_with_something_wrong_is_refused_by_file(folder, files, message):
    with pytest.raises(ValueError, match=message):
        load_images(folder(PETS | files))


@pytest.mark.parametrize("most", [4, 12])
def test_an_image_that_unpacks_to_too_much_is_called_so(folder, monkeypatch, most):
    """Of 20 pixels where pillow allows 4 (refused) or 12 (warned of)."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
    with pytest.raises(ValueError, match=r"one\.PNG: unpacks to too much") as caught:
        load_images(folder(PETS))
    assert "damaged" not in str(caught.value)


def test_which_sources_have_test_images(folder, tmp_path):
    assert has_test_images("digits")
    assert not has_test_images(folder(PETS))
    root = folder({"train/cat/a.png": RGB, "train/dog/a.png": RGB}, "split")
    assert not has_test_images(root)
    folder({"test/cat/x.png": RGB, "test/dog/y.png": RGB}, "split")
    assert has_test_images(root)
    # A class of this name is none of the splits.
    assert not has_test_images(folder({"cat/a.png": RGB, "test/b.png": RGB}, "exams"))
    arrays = {"images": IMAGES[:3], "labels": np.array([0, 1, 0])}
    for split, expected in ((None, False), (["train"] * 3, False), (["train", "a", "test"], True)):
        more = {} if split is None else {"split": np.array(split)}
        np.savez(tmp_path / "i.npz", **arrays, **more)
        assert has_test_images(tmp_path / "i.npz") is expected


@pytest.mark.parametrize("files", [{"cat/one.png": RGB}, {"one.png": RGB, "two.png": RGB}])
def test_folder_with_fewer_than_two_classes_is_refused(folder, files):
    with pytest.raises(ValueError, match="sub-folders; expected one for each class, two or more"):
        load_images(folder(files))


# ---------------------------------------------------------------- torchvision: playing the network


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """No test reaches the network; `offline.answers` says what an address gives."""

    class Network:
        answers: dict = {}  # noqa: RUF012

        def open(self, request, *args, **kwargs):
            url = request if isinstance(request, str) else request.full_url
            for ending, content in self.answers.items():
                if url.endswith(ending) and isinstance(content, Exception):
                    raise content
                if url.endswith(ending):
                    response = io.BytesIO(content)
                    response.url, response.length = url, len(content)
                    return response
            raise urllib.error.URLError("no network here")

    network = Network()
    monkeypatch.setattr(urllib.request, "urlopen", network.open)
    return network


def idx(array):
    """An array of bytes as MNIST's files hold it."""
    header = bytes([0, 0, 8, array.ndim])
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return header + sizes + array.astype(np.uint8).tobytes()


def test_a_set_that_is_not_there_says_how_to_get_it(tmp_path):
    for source in ("cifar10", "fashion-mnist", "emnist-letters"):
        for load in (load_images, load_splits):
            with pytest.raises(FileNotFoundError, match=rf"'{source}' is not there.*download=True"):
                load(source, root=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("source", ["cifar10", "fashion-mnist", "emnist-letters"])
@pytest.mark.parametrize("how", ["offline", "half-way", "broken off", "wrong"])
def test_a_download_that_fails_is_told_and_never_used(tmp_path, offline, source, how):
    if how == "half-way":
        offline.answers = {".gz": gzip.compress(b"begin")[:-4], ".zip": b"PK\x03\x04half"}
    if how == "broken off":
        offline.answers = {"": http.client.IncompleteRead(b"beg", 9)}
    if how == "wrong":
        offline.answers = {"": b"<html>The data set has moved.</html>"}
    with pytest.raises(ConnectionError, match=r"could not be fetched.*try again, or bring"):
        load_images(source, root=tmp_path, download=True)
    with pytest.raises((FileNotFoundError, ValueError), match="download=True"):
        load_images(source, root=tmp_path)


def test_a_run_fetches_nothing_unasked(tmp_path):
    plan = Experiment(
        "emnist-letters", [1] * 26, TrainingConfig(depth=1, lambda_W=1.0, lambda_H=1.0)
    )
    with pytest.raises(FileNotFoundError, match="'emnist-letters' is not there"):
        run(plan, tmp_path, root=tmp_path, progress=False)


# ---------------------------------------------------------------- EMNIST letters


def emnist_archive(root, monkeypatch, images, labels, split="test"):
    """Write `gzip.zip` as torchvision leaves it, with the letters of one split."""
    raw = root / "EMNIST" / "raw"
    raw.mkdir(parents=True)
    stem = f"gzip/emnist-letters-{split}"
    with zipfile.ZipFile(raw / "gzip.zip", "w") as archive:
        archive.writestr(f"{stem}-images-idx3-ubyte.gz", gzip.compress(idx(images)))
        archive.writestr(f"{stem}-labels-idx1-ubyte.gz", gzip.compress(idx(labels)))
    content = (raw / "gzip.zip").read_bytes()
    monkeypatch.setattr(torchvision.datasets.EMNIST, "md5", md5(content))
    return raw


def test_emnist_letters_stand_upright_and_count_from_0(tmp_path, monkeypatch):
    published = np.load(shared("emnist_letters_test_51.npz"))
    emnist_archive(tmp_path, monkeypatch, published["images"], published["labels"] + 1)
    letters = load_images("emnist-letters", split="test", root=tmp_path)
    assert letters.name == "EMNIST letters, test"
    np.testing.assert_array_equal(letters.labels, published["labels"])
    assert letters.class_names == tuple(published["class_names"])
    np.testing.assert_array_equal(letters.images, published["images"].transpose(0, 2, 1))

    # Upright, an "l" is taller than wide, and a "t" has its bar above its middle.
    def ink(letter):
        return (letters.images[letters.labels == ord(letter) - ord("a")] > 100).mean(axis=0) > 0.3

    rows, columns = np.nonzero(ink("l"))
    assert np.ptp(rows) > 1.5 * np.ptp(columns)
    rows, columns = np.nonzero(ink("t"))
    widths = [np.ptp(columns[rows == row]) for row in np.unique(rows)]
    assert np.argmax(widths) < len(widths) / 2


def test_emnist_is_unpacked_anew_from_its_checked_archive(tmp_path, monkeypatch):
    raw = emnist_archive(tmp_path, monkeypatch, IMAGES, LABELS + 1, "train")
    # What an interrupted unpacking may have left, which torchvision takes as it is.
    (raw / "emnist-letters-train-images-idx3-ubyte").write_bytes(idx(IMAGES[::-1]))
    (raw / "emnist-letters-train-labels-idx1-ubyte").write_bytes(idx(LABELS + 1))
    theirs = torchvision.datasets.EMNIST(tmp_path, "letters", train=True)
    np.testing.assert_array_equal(theirs.data, IMAGES[::-1])
    ours = load_images("emnist-letters", root=tmp_path)
    np.testing.assert_array_equal(ours.images, IMAGES.transpose(0, 2, 1))
    assert ours.K == 26


def test_emnist_with_a_damaged_archive_is_refused_and_fetched_again(tmp_path, monkeypatch, offline):
    raw = emnist_archive(tmp_path, monkeypatch, IMAGES, LABELS + 1, "train")
    archive = raw / "gzip.zip"
    whole = archive.read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 1
    for content in (bytes(damaged), whole[:-100]):
        archive.write_bytes(content)
        with pytest.raises(ValueError, match=r"gzip\.zip: cut short or damaged.*download=True"):
            load_images("emnist-letters", root=tmp_path)
        offline.answers = {"gzip.zip": whole}
        assert load_images("emnist-letters", root=tmp_path, download=True).N == 6
        assert load_images("emnist-letters", root=tmp_path).N == 6


# ---------------------------------------------------------------- Fashion-MNIST


@pytest.fixture
def fashion(tmp_path, monkeypatch):
    """Archives of a small Fashion-MNIST, known by their MD5 to torchvision and by ours to us."""
    files = {
        "train-images-idx3-ubyte": idx(IMAGES),
        "train-labels-idx1-ubyte": idx(LABELS),
        "t10k-images-idx3-ubyte": idx(IMAGES[:2]),
        "t10k-labels-idx1-ubyte": idx(LABELS[:2]),
    }
    packed = {f"{name}.gz": gzip.compress(content) for name, content in files.items()}
    known = [(name, md5(content)) for name, content in packed.items()]
    monkeypatch.setattr(torchvision.datasets.FashionMNIST, "resources", known)
    for name, content in files.items():
        monkeypatch.setitem(data_sets._FASHION_MNIST, name, md5(content))
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    return raw, files, packed


def test_fashion_mnist_from_unpacked_files(fashion, tmp_path):
    raw, files, _ = fashion
    for name, content in files.items():
        (raw / name).write_bytes(content)
    train = load_images("fashion-mnist", root=tmp_path)
    np.testing.assert_array_equal(train.images, IMAGES)
    np.testing.assert_array_equal(train.labels, LABELS)
    assert train.class_names[0] == "T-shirt/top"
    assert load_images("fashion-mnist", split="test", root=str(tmp_path)).N == 2


def test_fashion_mnist_is_downloaded_once(fashion, tmp_path, offline):
    _, _, packed = fashion
    offline.answers = packed
    for split in ("train", "test"):
        data = load_images("fashion-mnist", split=split, root=tmp_path, download=True)
        np.testing.assert_array_equal(data.images, IMAGES[: data.N])
    offline.answers = {}
    assert load_images("fashion-mnist", root=tmp_path, download=True).N == 6


@pytest.mark.parametrize("harm", ["cut short", "changed", "empty"])
@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"])
def test_fashion_mnist_half_unpacked_is_refused_and_repaired(
    fashion, tmp_path, offline, harm, name
):
    raw, files, packed = fashion
    for path, content in files.items():
        (raw / path).write_bytes(content)
    harmed = {"cut short": files[name][:-1], "changed": files[name][:-1] + b"\1", "empty": b""}
    (raw / name).write_bytes(harmed[harm])
    with pytest.raises(ValueError, match=rf"{name}: cut short or damaged.*download=True"):
        load_images("fashion-mnist", root=tmp_path)
    with pytest.raises(ConnectionError, match=rf"{name}\.gz could not be fetched") as caught:
        load_images("fashion-mnist", root=tmp_path, download=True)
    assert f"bring that file to {raw / name}.gz by other means" in str(caught.value)
    # An archive that was brought by other means is unpacked without the network.
    (raw / f"{name}.gz").write_bytes(packed[f"{name}.gz"])
    data = load_images("fashion-mnist", root=tmp_path, download=True)
    np.testing.assert_array_equal(data.images, IMAGES)


def test_torchvision_alone_reads_a_changed_file(fashion, tmp_path):
    """The gap that our checksums close: remove them when this fails."""
    raw, files, _ = fashion
    for path, content in files.items():
        (raw / path).write_bytes(content)
    changed = IMAGES.copy()
    changed[0] = 0
    (raw / "train-images-idx3-ubyte").write_bytes(idx(changed))
    theirs = torchvision.datasets.FashionMNIST(tmp_path, download=True)
    np.testing.assert_array_equal(theirs.data, changed)


# ---------------------------------------------------------------- CIFAR-10


class Trap:
    sprung = False

    def __reduce__(self):
        return (setattr, (Trap, "sprung", True))


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """The archive of a small CIFAR-10, known to torchvision by its MD5."""
    kind = torchvision.datasets.CIFAR10
    rng = np.random.default_rng(7)
    images = rng.integers(0, 256, size=(24, 3, 32, 32), dtype=np.uint8)
    labels = rng.integers(0, 10, size=24)
    batches = {}
    for n, (name, _) in enumerate([*kind.train_list, *kind.test_list]):
        rows = slice(4 * n, 4 * n + 4)
        batches[name] = {"data": images[rows].reshape(4, -1), "labels": labels[rows].tolist()}
    batches["batches.meta"] = {"label_names": [f"thing {k}" for k in range(10)]}
    files = {name: pickle.dumps(batch) for name, batch in batches.items()}
    monkeypatch.setattr(kind, "train_list", [[n, md5(files[n])] for n, _ in kind.train_list])
    monkeypatch.setattr(kind, "test_list", [[n, md5(files[n])] for n, _ in kind.test_list])
    monkeypatch.setattr(kind, "meta", {**kind.meta, "md5": md5(files["batches.meta"])})
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(f"{kind.base_folder}/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    monkeypatch.setattr(kind, "tgz_md5", md5(buffer.getvalue()))
    return images.transpose(0, 2, 3, 1), labels, tmp_path / kind.base_folder, buffer.getvalue()


# Unpacking by torchvision, on Python 3.12 and 3.13.
pythons_own = pytest.mark.filterwarnings("ignore:Python 3.14 will:DeprecationWarning")


@pythons_own
def test_cifar10_is_downloaded_once(cifar, tmp_path, offline):
    images, labels, _, archive = cifar
    offline.answers = {"cifar-10-python.tar.gz": archive}
    train = load_images("cifar10", root=tmp_path / "new", download=True)
    np.testing.assert_array_equal(train.images, images[:20])
    np.testing.assert_array_equal(train.labels, labels[:20])
    assert train.class_names == tuple(f"thing {k}" for k in range(10))
    offline.answers = {}
    test = load_images("cifar10", split="test", root=tmp_path / "new", download=True)
    np.testing.assert_array_equal(test.images, images[20:])


@pythons_own
@pytest.mark.parametrize("name", ["data_batch_3", "test_batch", "batches.meta"])
@pytest.mark.parametrize("harm", ["gone", "cut short", "trap"])
def test_cifar10_half_unpacked_is_refused_and_repaired(cifar, tmp_path, offline, name, harm):
    _, _, folder, archive = cifar
    offline.answers = {"cifar-10-python.tar.gz": archive}
    load_images("cifar10", root=tmp_path, download=True)
    offline.answers = {}
    victim = folder / name
    if harm == "gone":
        victim.unlink()
    elif harm == "cut short":
        victim.write_bytes(victim.read_bytes()[:-1])
    else:
        victim.write_bytes(pickle.dumps(Trap()))
    with pytest.raises((ValueError, FileNotFoundError), match=rf"{name}.*download=True"):
        load_images("cifar10", root=tmp_path)
    assert not Trap.sprung
    # From the archive that is still there.
    assert load_images("cifar10", root=tmp_path, download=True).N == 20
    assert not Trap.sprung
