"""The data sets that are known by name.

torchvision checks the archives that it downloads, but of what it has unpacked from MNIST's kind of
archive it only asks whether the files exist; here their contents are checked too, every time.
"""

from __future__ import annotations

import gzip
import itertools
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nclib._extras import imported
from nclib.data.readers import reason
from nclib.training.images import ImageData, content_digest, rank_in_class

# MD5 of the four files of Fashion-MNIST, unpacked. The archives whose MD5 torchvision knows hold
# exactly these; other copies of the data set are packed differently.
_FASHION_MNIST = {
    "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
    "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
    "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
}


# Of the digits that scikit-learn brings, before they are split.
_DIGITS = "f5f7cbf6c6c8224ae7085c78be5df408fc3965f5907c17050f9a1bef8dfc47f6"


def _digits(split: str, root: Path, download: bool) -> ImageData:
    digits = imported("sklearn.datasets", "'digits'").load_digits()
    test = rank_in_class(digits.target, np.arange(digits.target.size)) % 5 == 4
    # Of 0 to 16 make 0 to 240: whole numbers without rounding.
    images = (15 * digits.images).astype(np.uint8)
    data = ImageData(f"digits, {split}", images, digits.target, tuple("0123456789"))
    if content_digest(data) != _DIGITS:
        raise ValueError("scikit-learn's digits are damaged or have changed: install it again")
    return data.take(test == (split == "test"))


def _cifar10(split: str, root: Path, download: bool) -> ImageData:
    kind, utils = _torchvision("CIFAR10", "cifar10")
    listed = [*kind.train_list, *kind.test_list, (kind.meta["filename"], kind.meta["md5"])]
    checksums = {root / kind.base_folder / name: md5 for name, md5 in listed}
    if download and not all(itertools.starmap(utils.check_integrity, checksums.items())):
        _fetch(utils.download_and_extract_archive, kind.url, root, kind.tgz_md5)
    _require_intact("cifar10", checksums, utils)
    found = kind(root, train=split == "train")
    return ImageData(f"CIFAR-10, {split}", found.data, np.array(found.targets), found.classes)


def _fashion_mnist(split: str, root: Path, download: bool) -> ImageData:
    kind, utils = _torchvision("FashionMNIST", "fashion-mnist")
    raw = root / "FashionMNIST" / "raw"
    prefix = "train" if split == "train" else "t10k"
    paths = [raw / f"{prefix}-{what}-ubyte" for what in ("images-idx3", "labels-idx1")]
    checksums = {path: _FASHION_MNIST[path.name] for path in paths}
    for path, md5 in checksums.items():
        if download and not utils.check_integrity(path, md5):
            archive = f"{path.name}.gz"
            url = f"{kind.mirrors[0]}{archive}"
            _fetch(utils.download_and_extract_archive, url, raw, dict(kind.resources)[archive])
    _require_intact("fashion-mnist", checksums, utils)
    return ImageData(f"Fashion-MNIST, {split}", *_read_idx(*paths), kind.classes)


def _emnist_letters(split: str, root: Path, download: bool) -> ImageData:
    kind, utils = _torchvision("EMNIST", "emnist-letters")
    raw = root / "EMNIST" / "raw"
    archive = raw / "gzip.zip"
    if download and not utils.check_integrity(archive, kind.md5):
        _fetch(utils.download_url, kind.url, raw, kind.md5)
    _require_intact("emnist-letters", {archive: kind.md5}, utils)
    # No MD5 of the unpacked files is published, so what others left there is not used.
    with zipfile.ZipFile(archive) as packed, tempfile.TemporaryDirectory() as folder:
        paths = []
        for what in ("images-idx3", "labels-idx1"):
            name = f"emnist-letters-{split}-{what}-ubyte"
            paths.append(Path(folder) / name)
            with (
                packed.open(f"gzip/{name}.gz") as inner,
                gzip.open(inner) as unpacked,
                paths[-1].open("wb") as file,
            ):
                shutil.copyfileobj(unpacked, file)
        images, labels = _read_idx(*paths)
    # Published on their side, and counted from 1.
    upright = np.ascontiguousarray(images.transpose(0, 2, 1))
    return ImageData(f"EMNIST letters, {split}", upright, labels - 1, tuple(ascii_lowercase))


DATA_SETS: dict[str, Callable[[str, Path, bool], ImageData]] = {
    "digits": _digits,
    "cifar10": _cifar10,
    "fashion-mnist": _fashion_mnist,
    "emnist-letters": _emnist_letters,
}


NAMES = tuple(DATA_SETS)
"""The data sets that `load_images` knows by name."""


def _torchvision(kind: str, source: str) -> tuple[Any, Any]:
    """Return the class of a data set, and torchvision's functions for files."""
    datasets = imported("torchvision.datasets", repr(source))
    return getattr(datasets, kind), datasets.utils


def _fetch(fetch: Callable[..., None], url: str, folder: Path, md5: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / url.rpartition("/")[2]
    try:
        fetch(url, folder, md5=md5)
    # torchvision raises RuntimeError where the MD5 of what has arrived is wrong.
    except (OSError, HTTPException, RuntimeError) as error:
        raise ConnectionError(
            f"{url} could not be fetched ({reason(error)}); try again, or bring that file to "
            f"{target} by other means and load with download=True: its MD5 will be checked"
        ) from error


def _require_intact(source: str, checksums: dict[Path, str], utils: Any) -> None:
    for path, md5 in checksums.items():
        if not path.is_file():
            raise FileNotFoundError(
                f"{source!r} is not there: no file {path}; "
                f"load_images({source!r}, download=True) fetches it"
            )
        if not utils.check_integrity(path, md5):
            raise ValueError(
                f"{path}: cut short or damaged (its MD5 is not {md5}); "
                f"load_images({source!r}, download=True) fetches it again"
            )


def _read_idx(images: Path, labels: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    mnist = imported("torchvision.datasets.mnist", "reading it")
    return mnist.read_image_file(str(images)).numpy(), mnist.read_label_file(str(labels)).numpy()
