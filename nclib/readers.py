"""Files that other people made, read without trust: whatever is wrong with one, the error names it.

No reader here ever loads a pickle: loading one can run any code.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from os import SEEK_END, PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Files with these endings, in capitals or not, are images; a folder may hold others too."""


def read_npz(
    path: str | PathLike[str], required: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, NDArray[Any]]:
    """Read arrays by name from an `.npz` file.

    Parameters
    ----------
    path : path-like
        A file that `numpy.savez` or `numpy.savez_compressed` wrote.
    required, optional : sequence of str
        Names of the arrays. Others in the file are not read.

    Returns
    -------
    dict
        The arrays; an optional one that the file lacks is left out.

    Raises
    ------
    OSError
        If the file can't be opened.
    ValueError
        If it is no `.npz` file, is cut short or damaged (every array carries a checksum), lacks a
        required array, or holds Python objects where an array is asked for.
    """
    source = Path(path)
    with source.open("rb") as file:
        start = file.read(6)
    if start == b"\x93NUMPY":
        raise ValueError(f"{source}: one array (.npy), not an .npz file of several")
    if start[:2] != b"PK":
        what = "an empty file" if not start else "not an .npz file"
        pickle = ", but perhaps a pickle, which nclib never loads" if start[:1] == b"\x80" else ""
        raise ValueError(f"{source}: {what}{pickle}; expected what numpy.savez writes")
    # A damaged archive can stop zipfile, zlib or numpy with almost any exception.
    try:
        with zipfile.ZipFile(source) as archive:
            # Opening a member compares its name with the table of contents.
            members = archive.infolist()
            for member in members:
                archive.open(member).close()
            if _members_promised(archive) != len(members):
                raise ValueError("its table of contents is incomplete")
            held = [name[:-4] for name in archive.namelist() if name.endswith(".npy")]
    except Exception as error:
        raise ValueError(f"{source}: cut short or damaged ({_reason(error)})") from None
    missing = [name for name in required if name not in held]
    if missing:
        raise ValueError(
            f"{source}: no array {missing[0]!r}; it has {_listed(held)}, but "
            f"{_listed(required)} are needed"
        )
    arrays = {}
    with zipfile.ZipFile(source) as archive:
        for name in (*required, *optional):
            if name in held:
                try:
                    arrays[name] = _array(archive, name)
                except Exception as error:
                    raise ValueError(f"{source}: {_unreadable_array(name, error)}") from None
    return arrays


def image_files(folder: str | PathLike[str]) -> dict[str, list[Path]]:
    """List the images of a folder that has one sub-folder for each class.

    Parameters
    ----------
    folder : path-like
        Its sub-folders are the classes. Hidden ones (named ``.something``) are passed over, and
        so are files without the ending of an image.

    Returns
    -------
    dict of str to list of Path
        For each class, by name, its image files, by name.

    Raises
    ------
    OSError
        If a folder can't be listed.
    ValueError
        If there are fewer than two classes, or if a class has no images.
    """
    files = {}
    for path in class_folders(folder):
        entries = sorted(path.iterdir())
        files[path.name] = [
            entry
            for entry in entries
            if entry.suffix.lower() in IMAGE_SUFFIXES
            and not entry.name.startswith(".")
            and entry.is_file()
        ]
        if not files[path.name]:
            hint = ""
            if any(_is_shown_folder(entry) for entry in entries):
                hint = "; it has sub-folders: is it the folder of classes itself?"
            raise ValueError(
                f"{path}: no images of this class (files ending in {', '.join(IMAGE_SUFFIXES)})"
                f"{hint}"
            )
    return files


def class_folders(folder: str | PathLike[str]) -> list[Path]:
    """Return the sub-folders of a folder, one for each class, by name; see `image_files`."""
    classes = sorted(path for path in Path(folder).iterdir() if _is_shown_folder(path))
    if len(classes) < 2:
        raise ValueError(
            f"{folder}: {len(classes)} sub-folders; expected one for each class, two or more"
        )
    return classes


def _members_promised(archive: zipfile.ZipFile) -> int:
    """Return how many members the end of the file counts: zipfile itself does not look."""
    file: Any = archive.fp
    file.seek(-12 - len(archive.comment), SEEK_END)
    return int.from_bytes(file.read(2), "little")


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    with archive.open(f"{name}.npy") as member:
        array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
        # The checksum is compared at the end, which numpy does not reach if a damaged header
        # promises too few numbers.
        if member.read(1):
            raise ValueError("longer than its header says")
    return array


def _is_shown_folder(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".")


def _reason(error: BaseException) -> str:
    return f"{error}" or type(error).__name__


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return (", ".join(map(repr, names[:8])) or "none") + more


def _unreadable_array(name: str, error: Exception) -> str:
    if "allow_pickle" in str(error):  # numpy's word for an array of Python objects
        return (
            f"array {name!r} holds Python objects, so it is stored as a pickle, which nclib never "
            "loads; save plain numbers or strings"
        )
    return f"array {name!r} is cut short or damaged ({_reason(error)})"
