"""Real images with labels: known data sets, `.npz` files, folders, and imbalanced subsets of them.

Whatever is cut short, damaged or out of range is refused with the file's name. torchvision checks
the archives that it downloads, but of what it has unpacked from MNIST's kind of archive it only
asks whether the files exist; here their contents are checked too, every time.
"""

from __future__ import annotations

import gzip
import hashlib
import itertools
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPException
from importlib import import_module
from os import PathLike
from pathlib import Path
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nclib._extras import install_command
from nclib._numbers import as_whole
from nclib._records import Record
from nclib.data.readers import class_folders, image_files, read_npz, reason
from nclib.theory.counts import ClassCounts, _validated_names, as_counts

if TYPE_CHECKING:
    import torch

DEFAULT_ROOT = Path("~/.cache/nclib")
"""Where downloaded data sets are kept unless a `root` is given."""

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

_BLOCK = 2**20
"""Pixels that are worked on at a time."""


@dataclass(frozen=True, eq=False, repr=False)
class ImageData(Record):
    """Images with labels, in memory.

    Parameters
    ----------
    name : str
        What the images are.
    images : (N, H, W) or (N, H, W, 3) ndarray of uint8
        Grey or RGB. Kept as a read-only view, not copied.
    labels : (N,) ndarray of int
        Class of each image, 0 to K - 1; kept as int64.
    class_names : sequence of str
        K distinct names, at least two.

    Raises
    ------
    TypeError
        If the images are not uint8 or the labels not whole numbers.
    ValueError
        If a shape does not fit, a label is out of range or the names are not distinct.

    Examples
    --------
    >>> import numpy as np
    >>> data = ImageData("noise", np.zeros((3, 8, 8), np.uint8), np.array([0, 1, 0]), ("a", "b"))
    >>> data
    ImageData('noise': 3 grey images, 8 x 8, K=2 classes of 1 to 2)
    >>> data.counts
    ClassCounts([2, 1], names=('a', 'b'))
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        images = _validated_images(self.images)
        labels = _validated_labels(self.labels, len(images))
        names = tuple(self.class_names)
        if len(names) < 2:
            raise ValueError(f"class_names must name at least two classes; got {len(names)}")
        names = _validated_names(names, len(names)) or ()
        outside = (labels < 0) | (labels >= len(names))
        if outside.any():
            first = int(np.argmax(outside))
            raise ValueError(
                f"labels must be from 0 to K - 1 = {len(names) - 1}; "
                f"labels[{first}] = {labels[first]}"
            )
        for field, value in (("images", images), ("labels", labels), ("class_names", names)):
            object.__setattr__(self, field, value)

    @property
    def K(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def N(self) -> int:
        """Number of images."""
        return len(self.labels)

    @cached_property
    def _per_class(self) -> NDArray[np.int64]:
        return np.bincount(self.labels, minlength=self.K)

    @property
    def counts(self) -> ClassCounts:
        """Images of each class, with the names of the classes.

        Raises
        ------
        ValueError
            If a class has no images: the theory has no such class.
        """
        if not self._per_class.all():
            absent = self.class_names[int(np.argmin(self._per_class))]
            raise ValueError(f"{self.name}: no images of class {absent!r}")
        return ClassCounts(self._per_class, self.class_names)

    def take(self, index: ArrayLike) -> Self:
        """Return some of the images, the classes unchanged.

        Parameters
        ----------
        index : array_like of int or bool
            Which images, as numpy takes it: positions, or one flag for each image.

        Returns
        -------
        ImageData
        """
        chosen = np.asarray(index)
        return type(self)(self.name, self.images[chosen], self.labels[chosen], self.class_names)

    def __reduce__(self) -> tuple[Any, ...]:
        # Made anew: an array that is copied or pickled by itself can be written to.
        return type(self), (self.name, self.images, self.labels, self.class_names)

    def __repr__(self) -> str:
        colour = "grey" if self.images.ndim == 3 else "RGB"
        height, width = self.images.shape[1:3]
        low, high = int(self._per_class.min()), int(self._per_class.max())
        per_class = f"{low}" if low == high else f"{low} to {high}"
        return (
            f"ImageData({self.name!r}: {self.N} {colour} images, {height} x {width}, "
            f"K={self.K} classes of {per_class})"
        )


def load_images(
    source: str | PathLike[str] = "digits",
    *,
    split: str = "train",
    root: str | PathLike[str] | None = None,
    download: bool = False,
) -> ImageData:
    """Load images with labels.

    Parameters
    ----------
    source : str or path-like, default "digits"
        One of

        - ``"digits"``: 1,797 handwritten digits, 8 x 8, that come with scikit-learn, so nothing
          is downloaded. Every fifth image of each class, in their order, is a test image.
        - ``"cifar10"``, ``"fashion-mnist"``, ``"emnist-letters"``: by torchvision. The letters
          stand upright and their labels run from 0 to 25.
        - a path to an `.npz` file with `images` (uint8), `labels` (0 to K - 1) and perhaps
          `class_names` and `split` (the name of each image's split);
        - a path to a folder with one sub-folder of images for each class, or with such a folder
          for each split. The classes are in the order of their names.
    split : str, default "train"
        "train" or "test"; also another name that an `.npz` file or a folder has. A file or a
        folder without splits is all "train".
    root : path-like, optional
        Where torchvision keeps its data sets. Default: ``~/.cache/nclib``.
    download : bool, default False
        Whether torchvision may fetch what is missing in `root` or damaged there.

    Returns
    -------
    ImageData

    Raises
    ------
    FileNotFoundError
        If the file, the folder or a data set of torchvision is not there.
    ConnectionError
        If a data set can't be downloaded.
    ImportError
        If a package is missing that reads this source.
    ValueError
        If a file is cut short or damaged, if it holds a pickle, if images, labels or names are not
        as described, if images differ in size, or if there is no such split.

    Notes
    -----
    A name always stands for the same images. What scikit-learn brings as "digits" is compared with
    a checksum. Of "cifar10" every file is compared with the MD5 that torchvision knows before it is
    opened; of "fashion-mnist" with the MD5 of the unpacked files; of "emnist-letters" with what the
    archive ``gzip.zip`` holds, whose MD5 torchvision knows, so leave that beside them.

    References
    ----------
    Krizhevsky, Learning multiple layers of features from tiny images, 2009 (CIFAR-10).
    Cohen et al., EMNIST: Extending MNIST to handwritten letters, IJCNN 2017.
    Xiao et al., Fashion-MNIST, 2017.

    Examples
    --------
    >>> load_images("digits")
    ImageData('digits, train': 1442 grey images, 8 x 8, K=10 classes of 140 to 147)
    """
    if not isinstance(source, str | PathLike):
        raise TypeError(f"source must be a name or a path; got {source!r:.60}")
    if not isinstance(split, str):
        raise TypeError(f"split must be a string; got {split!r:.60}")
    if isinstance(source, str) and source in _BUILT_IN:
        if split not in ("train", "test"):
            raise ValueError(f"split of {source!r} must be 'train' or 'test'; got {split!r}")
        folder = Path(DEFAULT_ROOT if root is None else root).expanduser()
        return _BUILT_IN[source](split, folder, download)
    path = Path(source).expanduser()
    if path.is_dir():
        return _from_folder(path, split)
    if path.is_file():
        return _from_npz(path, split)
    raise FileNotFoundError(
        f"source must be {', '.join(map(repr, _BUILT_IN))} or the path of an .npz file or of a "
        f"folder of images by class; got {str(source)!r}, and there is no such file or folder"
    )


def load_splits(
    source: str | PathLike[str] = "digits",
    *,
    root: str | PathLike[str] | None = None,
    download: bool = False,
) -> tuple[ImageData, ImageData | None]:
    """Load the training images, and the test images if the source has any.

    Parameters
    ----------
    source, root, download
        As for `load_images`.

    Returns
    -------
    train : ImageData
    test : ImageData or None

    Raises
    ------
    FileNotFoundError, ConnectionError, ImportError, ValueError
        As for `load_images`; also for what is wrong with test images that are there.

    Examples
    --------
    >>> load_splits("digits")[1]
    ImageData('digits, test': 355 grey images, 8 x 8, K=10 classes of 34 to 36)
    """
    if source not in NAMES and Path(source).expanduser().is_file():
        of_split = _npz_splits(Path(source).expanduser())
    else:

        def of_split(split: str) -> ImageData:
            return load_images(source, split=split, root=root, download=download)

    train = of_split("train")
    try:
        return train, of_split("test")
    except _NoSplitError:
        return train, None


def data_name(path: str | PathLike[str]) -> str:
    """Return what images in a file or a folder are called: its name without the ending.

    Examples
    --------
    >>> data_name("images/letters.npz")
    'letters'
    """
    # Of "." and ".." the folder that they stand for.
    return Path(os.path.abspath(Path(path).expanduser())).stem  # noqa: PTH100 (resolves no links)


def content_digest(train: ImageData, test: ImageData | None = None) -> str:
    """Name images by what they are, whatever their file is called.

    Parameters
    ----------
    train, test : ImageData
        As `load_splits` returns them.

    Returns
    -------
    str
        SHA-256 of the pixels, the labels and the names of the classes, in hexadecimal.

    Examples
    --------
    >>> content_digest(*load_splits("digits"))[:10]
    '65bb072646'
    """
    digest = hashlib.sha256()
    for data in (train, test):
        about = None if data is None else (data.images.shape, data.class_names)
        digest.update(f"{about!r}\n".encode())
        if data is not None:
            digest.update(np.ascontiguousarray(data.images).data)
            digest.update(data.labels.astype("<i8").data)
    return digest.hexdigest()


def imbalanced_subset(
    data: ImageData, counts: ClassCounts | ArrayLike, *, seed: int | np.random.Generator
) -> ImageData:
    """Draw at random, without replacement, a given number of images of each class.

    Parameters
    ----------
    data : ImageData
        What to draw from.
    counts : ClassCounts or (K,) array_like of int
        How many of each class, in the order of ``data.class_names``.
    seed : int or numpy.random.Generator
        What the draw depends on. With the same seed, fewer images of a class are some of those
        that more would give, whatever the other classes have.

    Returns
    -------
    ImageData
        The images drawn, in the order of `data`.

    Raises
    ------
    TypeError
        If `counts` is no such thing.
    ValueError
        If `seed` is no seed, or if `counts` has not one entry for each class, names other classes,
        or asks for more images than there are; the message says of which class and how many are
        missing.

    Examples
    --------
    >>> digits = load_images("digits")
    >>> imbalanced_subset(digits, [100] * 5 + [20] * 5, seed=0).counts.n
    array([100, 100, 100, 100, 100,  20,  20,  20,  20,  20])
    """
    wanted = as_counts(counts)
    if wanted.K != data.K:
        raise ValueError(
            f"counts must have one entry for each of the {data.K} classes of {data.name}; "
            f"got {wanted.K}"
        )
    if wanted.names is not None and wanted.names != data.class_names:
        k = next(k for k in range(data.K) if wanted.names[k] != data.class_names[k])
        raise ValueError(
            f"counts must have the classes of {data.name}, in their order: class {k} is "
            f"{data.class_names[k]!r}, not {wanted.names[k]!r}"
        )
    missing = wanted.n - data._per_class
    if (missing > 0).any():
        short = [
            f"{data.class_names[k]!r} has {data._per_class[k]} of {wanted.n[k]} "
            f"({missing[k]} short)"
            for k in np.flatnonzero(missing > 0)
        ]
        more = f" and {len(short) - 5} more classes" if len(short) > 5 else ""
        raise ValueError(
            f"counts must not ask for more than {data.name} has: class {', '.join(short[:5])}{more}"
        )
    # One random key for each image; a class keeps its smallest. Raw bits are the only random
    # numbers that numpy promises never to change.
    keys = _bit_generator(seed).random_raw(data.N)
    return data.take(_rank_in_class(data.labels, keys) < wanted.n[data.labels])


def without_conflicts(data: ImageData) -> ImageData:
    """Leave out every image that occurs, pixel for pixel, under more than one label.

    No network can classify all copies of such an image right, so none reaches full training
    accuracy with them.

    Parameters
    ----------
    data : ImageData

    Returns
    -------
    ImageData
        Without all copies of those images; copies that agree on the label stay.

    Examples
    --------
    >>> import numpy as np
    >>> images = np.array([[[1]], [[2]], [[1]], [[2]], [[3]]], dtype=np.uint8)
    >>> data = ImageData("dots", images, np.array([0, 1, 0, 0, 1]), ("i", "l"))
    >>> without_conflicts(data).images.ravel()
    array([1, 1, 3], dtype=uint8)
    """
    flat = np.ascontiguousarray(data.images.reshape(data.N, -1))
    bitmaps = flat.view(np.dtype((np.void, flat.shape[1]))).ravel()
    _, which = np.unique(bitmaps, return_inverse=True)
    low = np.full(data.N, data.K)
    high = np.full(data.N, -1)
    np.minimum.at(low, which, data.labels)
    np.maximum.at(high, which, data.labels)
    return data.take((low == high)[which])


def has_test_images(source: str | PathLike[str]) -> bool:
    """Whether a source has images of a split "test".

    Parameters
    ----------
    source : str or path-like
        As for `load_images`; where it is a path, something must be there.

    Returns
    -------
    bool

    Raises
    ------
    OSError, ValueError
        If the file can't be read.

    Examples
    --------
    >>> has_test_images("digits")
    True
    """
    if source in _BUILT_IN:
        return True
    path = Path(source).expanduser()
    if path.is_dir():
        return any(entry.is_dir() for entry in path.glob("train/*")) and (path / "test").is_dir()
    split = read_npz(path, (), ("split",)).get("split")
    return split is not None and bool(np.any(split == "test"))


@dataclass(frozen=True, eq=False)
class Normalization(Record):
    """Mean and standard deviation of each channel, of pixels from 0 to 1.

    Those of the training images serve the test images too: `Normalization.of(train)`.

    Attributes
    ----------
    mean, std : (C,) ndarray
        C = 1 for grey images, 3 for RGB. `std` is 1 where all pixels are equal: then they become 0.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    @classmethod
    def of(cls, train: ImageData) -> Self:
        """Measure the training images.

        Parameters
        ----------
        train : ImageData

        Returns
        -------
        Normalization

        Examples
        --------
        >>> normalization = Normalization.of(load_images("digits"))
        >>> normalization.mean.round(3), normalization.std.round(3)
        (array([0.287]), array([0.354]))
        """
        pixels = train.images.reshape(-1, _channels(train))
        # How often each value occurs: exact, and the images are never copied as a whole.
        occurs = np.zeros((pixels.shape[1], 256), dtype=np.int64)
        for start in range(0, len(pixels), _BLOCK):
            for channel, row in enumerate(occurs):
                row += np.bincount(pixels[start : start + _BLOCK, channel], minlength=256)
        value = np.arange(256) / 255
        mean = occurs @ value / len(pixels)
        variance = (occurs * (value - mean[:, None]) ** 2).sum(axis=1) / len(pixels)
        return cls(mean, np.where(variance > 0, np.sqrt(variance), 1.0))


def to_tensors(
    data: ImageData,
    normalization: Normalization,
    *,
    flat: bool = True,
    device: str | torch.device = "cpu",
) -> tuple[torch.Tensor, torch.Tensor]:
    """Normalise images and put them, with their labels, on a device.

    Parameters
    ----------
    data : ImageData
    normalization : Normalization
        That of the training images, for the test images as well.
    flat : bool, default True
        Whether each image becomes a row of C H W numbers, channel by channel, or stays C x H x W.
    device : str or torch.device, default "cpu"

    Returns
    -------
    inputs : (N, C H W) or (N, C, H, W) tensor of float32
    labels : (N,) tensor of int64

    Raises
    ------
    ValueError
        If `normalization` has another number of channels.

    Examples
    --------
    >>> train, test = load_images("digits"), load_images("digits", split="test")
    >>> inputs, labels = to_tensors(test, Normalization.of(train))
    >>> tuple(inputs.shape), inputs.dtype, tuple(labels.shape)
    ((355, 64), torch.float32, (355,))
    """
    torch = _import("torch", "to_tensors")
    channels = _channels(data)
    if normalization.mean.shape != (channels,):
        raise ValueError(
            f"normalization must have {channels} channels like {data.name}; "
            f"got {normalization.mean.size}"
        )
    height, width = data.images.shape[1:3]
    # Over to the device as bytes, a quarter of the size; everything else happens there.
    inputs = torch.tensor(data.images, device=device).reshape(-1, height, width, channels)
    inputs = inputs.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
    scale = torch.tensor(255 * normalization.std, dtype=torch.float32, device=device)
    shift = torch.tensor(normalization.mean / normalization.std, dtype=torch.float32, device=device)
    inputs.div_(scale[:, None, None]).sub_(shift[:, None, None])
    labels = torch.tensor(data.labels, device=device)
    return (inputs.flatten(1) if flat else inputs), labels


def _channels(data: ImageData) -> int:
    return 1 if data.images.ndim == 3 else 3


def _rank_in_class(labels: NDArray[np.int64], keys: NDArray[Any]) -> NDArray[np.int64]:
    """How many samples of the same class have a smaller key, shape (N,)."""
    order = np.lexsort((keys, labels))
    per_class = np.bincount(labels)
    rank = np.empty(labels.size, dtype=np.int64)
    rank[order] = np.arange(labels.size) - np.repeat(np.cumsum(per_class) - per_class, per_class)
    return rank


def _bit_generator(seed: int | np.random.Generator) -> Any:
    if isinstance(seed, np.random.Generator):
        return seed.bit_generator
    return np.random.PCG64(as_whole("seed", seed, 0))


def _import(module: str, what: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        raise ImportError(
            f"{what} needs the package {package}: {install_command('train')}"
        ) from error


def _validated_images(images: Any) -> NDArray[np.uint8]:
    if not isinstance(images, np.ndarray):
        raise TypeError(f"images must be a numpy array; got {type(images).__name__}")
    if images.dtype != np.uint8:
        hint = "; scale them to 0 .. 255 and round" if images.dtype.kind == "f" else ""
        raise TypeError(f"images must be uint8, 0 .. 255; got {images.dtype}{hint}")
    if not (images.ndim == 3 or (images.ndim == 4 and images.shape[3] == 3)) or 0 in images.shape:
        raise ValueError(
            "images must have shape (N, H, W), grey, or (N, H, W, 3), RGB, none of them 0; "
            f"got {images.shape}"
        )
    view = images.view()
    view.setflags(write=False)
    return view


def _validated_labels(labels: Any, N: int) -> NDArray[np.int64]:
    array = np.asarray(labels)
    if array.dtype.kind not in "iu":
        raise TypeError(f"labels must be whole numbers; got values of type {array.dtype}")
    if array.shape != (N,):
        raise ValueError(f"labels must be one for each of the {N} images; got shape {array.shape}")
    if array.dtype == np.uint64:  # the one type whose values may not fit
        array = np.minimum(array, np.iinfo(np.int64).max)
    view = array.astype(np.int64, copy=False).view()
    view.setflags(write=False)
    return view


# ---------------------------------------------------------------- files and folders


class _NoSplitError(ValueError):
    """A file or a folder is as it should be, but has no such split."""


def _from_npz(path: Path, split: str) -> ImageData:
    return _npz_splits(path)(split)


def _npz_splits(path: Path) -> Callable[[str], ImageData]:
    """Read a file; return what gives its splits by name."""
    arrays = read_npz(path, ("images", "labels"), ("class_names", "split"))
    images, labels = arrays["images"], arrays["labels"]
    try:
        _validated_images(images)
        _validated_labels(labels, len(images))
        names = _class_names(arrays.get("class_names"), labels)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None

    def of_split(split: str) -> ImageData:
        try:
            data = ImageData(f"{path.stem}, {split}", images, labels, names)
            chosen = _chosen_split(arrays.get("split"), data.N, split)
        except _NoSplitError as error:
            raise _NoSplitError(f"{path}: {error}") from None
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from None
        return data if chosen is None else data.take(chosen)

    return of_split


def _class_names(names: NDArray[Any] | None, labels: NDArray[Any]) -> tuple[str, ...]:
    if names is None:
        present = np.unique(labels)
        # With names a class may lack images; without, the labels alone say how many classes are.
        if present[0] != 0 or present[-1] != present.size - 1:
            raise ValueError(
                f"labels must be 0 to K - 1, each at least once, where there are no class_names; "
                f"got {present.size} distinct labels from {present[0]} to {present[-1]}"
            )
        return tuple(str(label) for label in present)
    if names.ndim != 1 or names.dtype.kind != "U":
        raise ValueError(
            f"class_names must be one flat array of strings; got {names.dtype}, shape {names.shape}"
        )
    return tuple(str(name) for name in names)


def _chosen_split(splits: NDArray[Any] | None, N: int, split: str) -> NDArray[np.bool_] | None:
    """Flag the images of a split; None is for all."""
    if splits is None:
        if split != "train":
            raise _NoSplitError(f"no array 'split', so all images are 'train'; got split={split!r}")
        return None
    if splits.shape != (N,) or splits.dtype.kind != "U":
        raise ValueError(
            f"split must be one string for each of the {N} images; "
            f"got {splits.dtype}, shape {splits.shape}"
        )
    chosen = splits == split
    if not chosen.any():
        raise _NoSplitError(f"split must be one of {np.unique(splits).tolist()}; got {split!r}")
    return np.asarray(chosen)


def _from_folder(path: Path, split: str) -> ImageData:
    folder = path
    # A folder of splits holds folders of classes, a folder of classes holds images.
    if any(entry.is_dir() for entry in path.glob("train/*")):
        folder = path / split
        if not folder.is_dir():
            splits = sorted(entry.name for entry in path.iterdir() if entry.is_dir())
            raise _NoSplitError(f"{path}: split must be one of {splits}; got {split!r}")
        here, there = ({sub.name for sub in class_folders(path / s)} for s in (split, "train"))
        if here != there:
            other = min(here ^ there)
            raise ValueError(f"{path}: only one of {split!r} and 'train' has a class {other!r}")
    elif split != "train":
        raise _NoSplitError(
            f"{path}: no folders of splits, so all images are 'train'; got split={split!r}"
        )
    files = image_files(folder)
    pil = _import("PIL.Image", "a folder of images")
    every = [file for of_class in files.values() for file in of_class]
    size, mode = _common_size_and_mode(pil, every)
    images = np.empty((len(every), size[1], size[0], 3)[: 3 if mode == "L" else 4], dtype=np.uint8)
    for n, file in enumerate(every):
        images[n] = _pixels(pil, file, mode)
    labels = np.repeat(np.arange(len(files)), [len(of_class) for of_class in files.values()])
    return ImageData(f"{path.name}, {split}", images, labels, tuple(files))


def _common_size_and_mode(pil: Any, files: list[Path]) -> tuple[tuple[int, int], str]:
    """Width and height of all images, and "L" if all are grey, else "RGB"."""
    size = (0, 0)
    grey = True
    for file in files:
        with _opened(pil, file) as image:
            (width, height), mode = image.size, image.mode
            image.verify()  # PNG's checksums, which loading the pixels does not compare
        if mode.startswith(("I", "F")):
            raise ValueError(f"{file}: more than 8 bits a channel (mode {mode!r}); convert it")
        if file is files[0]:
            size = (width, height)
        elif (width, height) != size:
            raise ValueError(
                f"{file}: {width} x {height} pixels, but {files[0]} has {size[0]} x {size[1]}; "
                "bring all images to one size"
            )
        grey = grey and mode in ("1", "L", "LA")
    return size, "L" if grey else "RGB"


def _pixels(pil: Any, file: Path, mode: str) -> NDArray[np.uint8]:
    with _opened(pil, file) as image:
        pixels = np.asarray(image.convert(mode))
        transparent = image.has_transparency_data and image.convert("RGBA").getextrema()[3][0] < 255
    if transparent:
        raise ValueError(f"{file}: transparent pixels, whose colour is not defined; fill them")
    return pixels


@contextmanager
def _opened(pil: Any, file: Path) -> Iterator[Any]:
    # What pillow raises for a damaged image depends on its kind: OSError, SyntaxError, ...
    try:
        with pil.open(file) as image:
            yield image
    except (pil.DecompressionBombError, pil.DecompressionBombWarning, MemoryError) as error:
        raise ValueError(
            f"{file}: unpacks to too much, more pixels than pillow takes for an image ({error})"
        ) from None
    except Exception as error:
        raise ValueError(f"{file}: cut short, damaged or not an image ({reason(error)})") from None


# ---------------------------------------------------------------- data sets by name


def _digits(split: str, root: Path, download: bool) -> ImageData:
    digits = _import("sklearn.datasets", "'digits'").load_digits()
    test = _rank_in_class(digits.target, np.arange(digits.target.size)) % 5 == 4
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


_BUILT_IN: dict[str, Callable[[str, Path, bool], ImageData]] = {
    "digits": _digits,
    "cifar10": _cifar10,
    "fashion-mnist": _fashion_mnist,
    "emnist-letters": _emnist_letters,
}

NAMES = tuple(_BUILT_IN)
"""The data sets that `load_images` knows by name."""


def _torchvision(kind: str, source: str) -> tuple[Any, Any]:
    """Return the class of a data set, and torchvision's functions for files."""
    datasets = _import("torchvision.datasets", repr(source))
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
    mnist = _import("torchvision.datasets.mnist", "reading it")
    return mnist.read_image_file(str(images)).numpy(), mnist.read_label_file(str(labels)).numpy()
