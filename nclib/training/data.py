"""Real images with labels: known data sets, `.npz` files, folders, and imbalanced subsets of them.

Whatever is cut short, damaged or out of range is refused with the file's name.
"""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path

import numpy as np

from nclib.data.readers import read_npz
from nclib.training.data_sets import DATA_SETS, NAMES
from nclib.training.image_sources import NoSplitError, from_folder, npz_splits
from nclib.training.images import (
    ImageData,
    content_digest,
    imbalanced_subset,
    without_conflicts,
)
from nclib.training.tensors import Normalization, to_tensors

__all__ = [
    "DEFAULT_ROOT",
    "NAMES",
    "ImageData",
    "Normalization",
    "content_digest",
    "data_name",
    "has_test_images",
    "imbalanced_subset",
    "load_images",
    "load_splits",
    "to_tensors",
    "without_conflicts",
]


DEFAULT_ROOT = Path("~/.cache/nclib")
"""Where downloaded data sets are kept unless a `root` is given."""


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
    if isinstance(source, str) and source in DATA_SETS:
        if split not in ("train", "test"):
            raise ValueError(f"split of {source!r} must be 'train' or 'test'; got {split!r}")
        folder = Path(DEFAULT_ROOT if root is None else root).expanduser()
        return DATA_SETS[source](split, folder, download)
    path = Path(source).expanduser()
    if path.is_dir():
        return from_folder(path, split)
    if path.is_file():
        return npz_splits(path)(split)
    raise FileNotFoundError(
        f"source must be {', '.join(map(repr, DATA_SETS))} or the path of an .npz file or of a "
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
        of_split = npz_splits(Path(source).expanduser())
    else:

        def of_split(split: str) -> ImageData:
            return load_images(source, split=split, root=root, download=download)

    train = of_split("train")
    try:
        return train, of_split("test")
    except NoSplitError:
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
    if source in DATA_SETS:
        return True
    path = Path(source).expanduser()
    if path.is_dir():
        return any(entry.is_dir() for entry in path.glob("train/*")) and (path / "test").is_dir()
    split = read_npz(path, (), ("split",)).get("split")
    return split is not None and bool(np.any(split == "test"))
