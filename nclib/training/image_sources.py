"""Images in `.npz` files and in folders; whatever is damaged is refused with the file's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nclib._extras import imported
from nclib.data.readers import class_folders, image_files, read_npz, reason
from nclib.training.images import ImageData, validated_images, validated_labels


class NoSplitError(ValueError):
    """A file or a folder is as it should be, but has no such split."""


def npz_splits(path: Path) -> Callable[[str], ImageData]:
    """Read a file; return what gives its splits by name."""
    arrays = read_npz(path, ("images", "labels"), ("class_names", "split"))
    images, labels = arrays["images"], arrays["labels"]
    try:
        validated_images(images)
        validated_labels(labels, len(images))
        names = _class_names(arrays.get("class_names"), labels)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None

    def of_split(split: str) -> ImageData:
        try:
            data = ImageData(f"{path.stem}, {split}", images, labels, names)
            chosen = _chosen_split(arrays.get("split"), data.N, split)
        except NoSplitError as error:
            raise NoSplitError(f"{path}: {error}") from None
        except ValueError as error:
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
            raise NoSplitError(f"no array 'split', so all images are 'train'; got split={split!r}")
        return None
    if splits.shape != (N,) or splits.dtype.kind != "U":
        raise ValueError(
            f"split must be one string for each of the {N} images; "
            f"got {splits.dtype}, shape {splits.shape}"
        )
    chosen = splits == split
    if not chosen.any():
        raise NoSplitError(f"split must be one of {np.unique(splits).tolist()}; got {split!r}")
    return np.asarray(chosen)


def from_folder(path: Path, split: str) -> ImageData:
    """Read a split of a folder with a sub-folder for each class, or of a folder of such folders."""
    folder = path
    # A folder of splits holds folders of classes, a folder of classes holds images.
    if any(entry.is_dir() for entry in path.glob("train/*")):
        folder = path / split
        if not folder.is_dir():
            splits = sorted(entry.name for entry in path.iterdir() if entry.is_dir())
            raise NoSplitError(f"{path}: split must be one of {splits}; got {split!r}")
        here, there = ({sub.name for sub in class_folders(path / s)} for s in (split, "train"))
        if here != there:
            other = min(here ^ there)
            raise ValueError(f"{path}: only one of {split!r} and 'train' has a class {other!r}")
    elif split != "train":
        raise NoSplitError(
            f"{path}: no folders of splits, so all images are 'train'; got split={split!r}"
        )
    files = image_files(folder)
    pil = imported("PIL.Image", "a folder of images")
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
