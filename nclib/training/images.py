"""Images with labels in memory, and imbalanced subsets of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nclib._checks import as_whole
from nclib._records import Record
from nclib.theory.counts import ClassCounts, as_counts, validated_names


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
        images = validated_images(self.images)
        labels = validated_labels(self.labels, len(images))
        names = tuple(self.class_names)
        if len(names) < 2:
            raise ValueError(f"class_names must name at least two classes; got {len(names)}")
        names = validated_names(names, len(names)) or ()
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
    >>> from nclib.training.data import load_splits
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
    >>> from nclib.training.data import load_images
    >>> digits = load_images("digits")
    >>> imbalanced_subset(digits, [100] * 5 + [20] * 5, seed=0).counts.n
    array([100, 100, 100, 100, 100,  20,  20,  20,  20,  20])
    """
    wanted = as_counts(counts)
    if wanted.names == tuple(str(k) for k in range(data.K)):
        wanted = ClassCounts(wanted.n)  # counted labels: the places of the classes
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
    return data.take(rank_in_class(data.labels, keys) < wanted.n[data.labels])


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


def rank_in_class(labels: NDArray[np.int64], keys: NDArray[Any]) -> NDArray[np.int64]:
    """Return how many samples of the same class have a smaller key, shape (N,)."""
    order = np.lexsort((keys, labels))
    per_class = np.bincount(labels)
    rank = np.empty(labels.size, dtype=np.int64)
    rank[order] = np.arange(labels.size) - np.repeat(np.cumsum(per_class) - per_class, per_class)
    return rank


def _bit_generator(seed: int | np.random.Generator) -> Any:
    if isinstance(seed, np.random.Generator):
        return seed.bit_generator
    return np.random.PCG64(as_whole("seed", seed, 0))


def validated_images(images: Any) -> NDArray[np.uint8]:
    """Return a read-only view of images, or raise and say what is wrong with them."""
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


def validated_labels(labels: Any, N: int) -> NDArray[np.int64]:
    """Return a read-only view of N labels as int64, or raise and say what is wrong with them."""
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
