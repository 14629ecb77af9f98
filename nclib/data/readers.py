"""Files that other people made, read without trust: whatever is wrong with one, the error names it.

No reader here ever loads a pickle: loading one can run any code.
"""

from __future__ import annotations

import math
import os
import re
import sys
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nclib.data.headings import total_row
from nclib.data.json_counts import AS_CSV, counts_of_json, listed
from nclib.data.pasted import read_pasted
from nclib.data.published import gallery
from nclib.data.shapes import table_of
from nclib.data.tables import counts_of_table, require_no_labels
from nclib.theory.counts import MAX_CLASSES, ClassCounts, as_counts
from nclib.theory.labels import in_label_order

MAX_BYTES = 2**27
"""A file of counts is no larger: 128 bytes for each of the most classes allowed."""

IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Files with these endings, in capitals or not, are images; a folder may hold others too."""

NPY_MAGIC = b"\x93NUMPY"

_ARCHIVES = {
    b"PK\x03\x04": "an archive (.npz, .xlsx, .zip)",
    b"PK\x05\x06": "an archive (.npz, .xlsx, .zip)",
    b"\x1f\x8b": "compressed by gzip; unpack it first",
    b"BZh": "compressed by bzip2; unpack it first",
    b"\xfd7zXZ": "compressed by xz; unpack it first",
    b"\x28\xb5\x2f\xfd": "compressed by zstd; unpack it first",
    b"\xd0\xcf\x11\xe0": "a workbook of old Excel (.xls)",
    b"PAR1": "a Parquet file",
    b"\x89HDF": "an HDF5 file",
    b"SQLite format 3": "a database (SQLite)",
    b"%PDF": "a PDF",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"version https://git-lfs": "a pointer of Git LFS and not the file: run git lfs pull",
}
"""What is no table of counts, by its first bytes."""


def read_counts(source: Any) -> ClassCounts:
    """Read samples per class from whatever holds them.

    Parameters
    ----------
    source : path-like or object
        One of

        - a path to a text file, UTF-8 or Excel's UTF-16, of any name that ends in none of the
          following: ``name,count`` or a bare count in each row, with or without a header whose
          words say that it is one, such as ``class,count``; between commas, semicolons, tabs or
          spaces; the count first where that is plain; a Markdown table, YAML, what ``uniq -c``,
          pandas and Python print. Where two readings are possible none is taken;
        - a path to a `.json` or `.jsonl` file: a list of counts, ``{"class": count, ...}``, or
          what pandas writes of a Series or a frame;
        - a path to an `.npy` file: one row of whole numbers;
        - a path to a folder of images, with one sub-folder for each class;
        - ``"-"``: the standard input, JSON if it begins with a bracket or a brace, `.npy` if it
          begins as such a file does, and CSV otherwise;
        - the name of an entry of `gallery`, where there is no such file;
        - a dict ``{class: count}``, or pairs of a class and a count; what ``numpy.unique`` returns
          with its counts; a sequence or an array of counts, numpy's or torch's; a pandas Series
          of counts, named by its index unless that only numbers them; a DataFrame of counts, or
          of names and counts;
        - `ClassCounts`, which are returned as they are.

    Returns
    -------
    ClassCounts
        In the order of the source; classes that are called 0 to K - 1, or 1 to K, in the order of
        these labels.

    Raises
    ------
    OSError
        If the file can't be opened; FileNotFoundError also names what else is allowed.
    TypeError
        If `source` is an object of another kind, or holds what is no number.
    ValueError
        If the file is larger than 128 MiB, no such table or a pickle, if a count is no positive
        whole number below 2**53, or if what it holds may be read in two ways or looks like the
        labels of samples. The message names the file and the line or the class.

    Notes
    -----
    A row that is called a total and adds up the others is left out.

    Examples
    --------
    >>> read_counts({"cat": 30, "dog": 5})
    ClassCounts([30, 5], names=('cat', 'dog'))
    >>> read_counts("ham10000").N
    10015
    """
    if isinstance(source, str) and source == "-":
        return _counts_from_bytes(sys.stdin.buffer.read(MAX_BYTES + 1), "<stdin>")
    if isinstance(source, str | PathLike):
        return _counts_from_path(Path(source), f"{source}")
    counts = as_counts(source)
    if counts.names is None or isinstance(source, ClassCounts):
        return counts
    n, names = counts.n.tolist(), list(counts.names)
    total = total_row(names, n, "counts")
    if total is None:
        return counts
    return ClassCounts(np.delete(counts.n, total), names[:total] + names[total + 1 :])


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
        required array or has it twice, holds Python objects where an array is asked for, or
        unpacks to more than there is memory.
    """
    source = Path(path)
    start = first_bytes(source, len(NPY_MAGIC))
    if start == NPY_MAGIC:
        raise ValueError(f"{source}: one array (.npy), not an .npz file of several")
    if start[:2] != b"PK":
        what = "an empty file" if not start else "not an .npz file"
        pickle = ", but perhaps a pickle, which nclib never loads" if start[:1] == b"\x80" else ""
        raise ValueError(f"{source}: {what}{pickle}; expected what numpy.savez writes")
    try:
        with zipfile.ZipFile(source) as archive:
            # Opening a member compares its name with the table of contents.
            members = archive.infolist()
            for member in members:
                archive.open(member).close()
            if _members_promised(archive) != len(members):
                raise ValueError("its table of contents is incomplete")
            held = [name[:-4] for name in archive.namelist() if name.endswith(".npy")]
    except Exception as error:  # zipfile raises almost any
        raise ValueError(f"{source}: cut short or damaged ({reason(error)})") from None
    twice = [name for name in (*required, *optional) if held.count(name) > 1]
    if twice:
        raise ValueError(f"{source}: two arrays {twice[0]!r}, and no saying which is meant")
    missing = [name for name in required if name not in held]
    if missing:
        raise ValueError(
            f"{source}: no array {missing[0]!r}; it has {listed(held)}, but "
            f"{listed(required)} are needed"
        )
    arrays: dict[str, NDArray[Any]] = {}
    with zipfile.ZipFile(source) as archive:
        wanted = [name for name in (*required, *optional) if name in held]
        sizes = {name: archive.getinfo(f"{name}.npy").file_size for name in wanted}
        total = sum(sizes.values())
        if total > _memory():
            raise ValueError(_too_large(source, total))
        for name, size in sizes.items():
            with archive.open(f"{name}.npy") as file:
                try:
                    arrays[name] = _array(file, f"{source}: array {name!r}", size)
                except MemoryError:
                    raise ValueError(_too_large(source, total)) from None
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
                f"{hint or '; remove the folder to leave the class out'}"
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
    file.seek(-12 - len(archive.comment), os.SEEK_END)
    return int.from_bytes(file.read(2), "little")


def _array(file: IO[bytes], what: str, size: int) -> NDArray[Any]:
    """Read an array to the end of its file of `size` bytes; `what` stands for it in errors."""
    # A damaged header or archive can stop numpy, zipfile or zlib with almost any exception.
    try:
        # numpy takes the memory that a header asks for before it reads anything.
        if _promised(file) > size:
            raise ValueError("shorter than its header says")
        file.seek(0)
        array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
        # In an archive the checksum is compared at the end, which numpy does not reach if a
        # damaged header promises too few numbers.
        if file.read(1):
            raise ValueError("longer than its header says")
    except MemoryError:
        raise
    except Exception as error:
        if "allow_pickle" in str(error):  # numpy's word for an array of Python objects
            raise ValueError(
                f"{what} holds Python objects, so it is stored as a pickle, which nclib never "
                "loads; save plain numbers or strings"
            ) from None
        raise ValueError(f"{what} is cut short or damaged ({reason(error)})") from None
    return array


def _promised(file: IO[bytes]) -> int:
    """Return how many bytes of numbers the header of an array promises."""
    version = np.lib.format.read_magic(file)
    of_version = np.lib.format.read_array_header_1_0
    if version != (1, 0):  # later ones differ in the length and the letters of the header alone
        of_version = np.lib.format.read_array_header_2_0
    shape, _, dtype = of_version(file)
    # Python objects are pickled, and may be shorter; they are refused anyway.
    return 0 if dtype.hasobject else math.prod(shape) * dtype.itemsize


def _memory() -> int:
    """Return how many bytes of memory this machine has; where it does not say, any number."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return sys.maxsize


def _too_large(source: Path, size: int) -> str:
    return (
        f"{source}: unpacks to too much: its arrays take {size / 1e9:.3g} GB, more than there is "
        f"memory; the file has {source.stat().st_size / 1e9:.3g} GB"
    )


def _counts_from_path(path: Path, given: str) -> ClassCounts:
    if path.is_dir():
        files = image_files(path)
        return _named(path, [len(of_class) for of_class in files.values()], list(files))
    try:
        data = first_bytes(path)
    except FileNotFoundError:
        if given in gallery():
            return gallery()[given].counts
        raise FileNotFoundError(
            f"no file or folder {given[:200]!r}, and no data set of that name; those with a name "
            f"are {', '.join(gallery())}"
        ) from None
    return _counts_from_bytes(data, f"{path}", path.suffix.lower())


def _counts_from_bytes(data: bytes, source: str, suffix: str | None = None) -> ClassCounts:
    """Read the content of a file; without a suffix, its beginning says of which kind."""
    for start, what in _ARCHIVES.items():
        if data.startswith(start):
            raise ValueError(f"{source}: {what}; save the counts as CSV")
    if suffix == ".npy" or (suffix is None and data.startswith(NPY_MAGIC)):
        if not data.startswith(NPY_MAGIC):
            raise ValueError(f"{source}: not an .npy file, which numpy.save writes")
        array = _array(BytesIO(data), f"{source}: the array", len(data))
        if array.ndim == 2 and array.shape[1] == 1 < array.shape[0]:
            array = array[:, 0]  # a frame of one column
        require_no_labels(array, source, AS_CSV)
        return _named(source, array)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):  # what Excel calls Unicode text
        with suppress(UnicodeDecodeError):
            data = data.decode("utf-16").encode()
    text = decoded(data, source)
    if re.match(r"\s*<(!doctype|html|\?xml)", text, re.IGNORECASE):
        raise ValueError(f"{source}: a web page or XML; save the counts as CSV")
    n: ArrayLike
    names: Sequence[str] | None
    n, names = _columns(text, source, suffix)
    try:
        n, names = in_label_order(n, names)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from None
    return _named(source, n, names)


def _columns(text: str, source: str, suffix: str | None) -> tuple[Any, list[str] | None]:
    """Read counts and names, in the order of the text."""
    text = re.sub(r"\A\s*defaultdict\(<[^>]*>,\s*(\{.*\})\)\s*\Z", r"\1", text, flags=re.DOTALL)
    start = text.lstrip()[:1]
    is_json = suffix in (".json", ".jsonl", ".ndjson") or (suffix is None and start in ("[", "{"))
    if is_json or start in ("[", "{"):
        try:
            return counts_of_json(text, source)
        except ValueError as error:
            invalid = "not valid JSON" in f"{error}" or "too deep" in f"{error}"
            if not invalid:
                raise
            if is_json and not _LITERAL.fullmatch(text):
                raise
            if is_json:
                with suppress(ValueError):  # JSON as Python writes it
                    return _counts_of_literal(text, source)
                raise
    if _LITERAL.fullmatch(text):
        return _counts_of_literal(text, source)
    table = table_of(text, source, yaml=suffix in (".yaml", ".yml"))
    return counts_of_table(table, source)


_LITERAL = re.compile(
    r"\s*(\w+\s*=\s*)?([A-Za-z_.]+\s*\()*\s*[\[{(].*[\]})]\s*(,\s*dtype=\S+\s*\))?[\s,;]*",
    re.DOTALL,
)
"""What Python writes and reads: a list, a dict, a Counter, an array."""


def _counts_of_literal(text: str, source: str) -> tuple[list[int], list[str] | None]:
    text = re.sub(r"\b(?:np|numpy)\.u?int\d*\((\d+)\)", r"\1", text)
    try:
        found = read_pasted(text)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from None
    if found.note:
        raise ValueError(f"{source}: it can be read in two ways: {found.note}")
    if found.names is None:
        require_no_labels(found.n, source, AS_CSV)
        return list(found.n), None
    names, n = list(found.names), list(found.n)
    total = total_row(names, n, source)
    if total is not None:
        del names[total], n[total]
    return n, names


def _named(source: object, n: ArrayLike, names: Sequence[str] | None = None) -> ClassCounts:
    """Make the counts; whatever is wrong with them is wrong with the source."""
    try:
        return ClassCounts(n, names)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{source}: {error}") from None


def _is_shown_folder(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".")


def reason(error: BaseException) -> str:
    """Return what an error says, or what kind it is where it says nothing."""
    return f"{error}" or type(error).__name__


def first_bytes(path: Path, most: int = MAX_BYTES + 1) -> bytes:
    """Read the first bytes of a file: by default one more than is allowed."""
    try:
        with path.open("rb") as file:
            return file.read(most)
    except ValueError as error:  # Python's word for a name that no file can have
        raise ValueError(f"{f'{path}'!r:.200} is no path: {error}") from None


def decoded(data: bytes, source: str) -> str:
    """Return the text of a file of counts or labels, or raise an error that names the file."""
    if len(data) > MAX_BYTES:
        raise ValueError(
            f"{source}: larger than {MAX_BYTES // 2**20} MiB; a file of counts has at most "
            f"{MAX_CLASSES:,} classes"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        utf_16 = " but UTF-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
        raise ValueError(
            f"{source}: not a UTF-8 text file{utf_16} ({error.reason}); save it as UTF-8"
        ) from None
    if "\0" in text:
        raise ValueError(
            f"{source}: not a UTF-8 text file: it has zero bytes, as UTF-16 and binary files do"
        )
    return text
