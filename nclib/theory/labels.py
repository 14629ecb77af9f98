"""Labels as people have them: objects, Categoricals, and numbers as the names of classes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nclib._checks import plain

_TRUTH = {"False": 0, "True": 1}

_LABEL = re.compile(r"[0-9]{1,9}(\.0)?|True|False")
"""A name that is a label from 0 on, also as a column of floats or of truth values writes it."""


def in_label_order(n: Any, names: Sequence[str] | None) -> tuple[Any, Sequence[str] | None]:
    """Bring classes that are called 0 to K - 1, or 1 to K, into the order of these labels.

    What counts labels gives the most frequent one first, and each class is then in the place of
    another. Other names stay in the order of the source.

    Raises
    ------
    ValueError
        If the names stand in the order of text, 10 before 2: that is the order of labels where
        folders are classes, and not where numbers are.

    Examples
    --------
    >>> in_label_order([30, 5, 12], ["2", "0", "1"])
    ([5, 12, 30], ['0', '1', '2'])
    """
    if names is None or not 1 < len(names) == len(n):
        return n, names
    labels = []
    for name in names:
        if not _LABEL.fullmatch(name):
            return n, names
        labels.append(_TRUTH[name] if name in _TRUTH else int(name.partition(".")[0]))
    K, least = len(labels), min(labels)
    if least not in (0, 1) or max(labels) - least != K - 1 or len(set(labels)) != K:
        return n, names
    order = sorted(range(K), key=labels.__getitem__)
    if order == list(range(K)):
        return n, names
    if K > 2 and list(names) == sorted(names):
        raise ValueError(
            f"the classes {least} to {least + K - 1} stand in the order of text, {names[0]}, "
            f"{names[1]}, {names[2]}, ...: sort them by number if these are the labels; where "
            "the label is the place in this order, as torchvision's ImageFolder has it, take "
            "nclib.ClassCounts(counts, names)"
        )
    return [n[k] for k in order], [names[k] for k in order]


def plain_labels(array: NDArray[Any]) -> NDArray[Any]:
    """Make numbers or strings of labels that are stored as objects, or raise an error."""
    allowed = "labels must be whole numbers or strings"
    entries = [plain(entry) for entry in array.tolist()] if array.dtype.kind in "OT" else []
    kinds = {type(entry) for entry in entries}
    if kinds == {str} or kinds == {int}:
        return np.array(entries)
    if not entries:
        hint = ""
        if array.dtype.kind == "f" and array.size:
            missing = int(np.isnan(array).sum())
            hint = f"; {missing:,} of them are missing" if missing else ""
            if not missing and (array == np.floor(array)).all():
                hint = "; they are whole, so take labels.astype(int)"
        raise TypeError(f"{allowed}; got values of type {array.dtype}{hint}")
    most = max((str, int), key=lambda kind: sum(type(entry) is kind for entry in entries))
    k = next(k for k, entry in enumerate(entries) if type(entry) is not most)
    one = entries[k]
    # The comparison comes last: of pandas' NA with itself it is neither true nor false.
    if one is None or f"{one}" in ("<NA>", "NaT") or one != one:
        missing = sum(type(entry) is not most for entry in entries)
        raise ValueError(
            f"{allowed}; labels[{k}] is missing ({one!r}), one of {missing:,}; leave these samples "
            "out, or give them a label"
        )
    both = "all of one kind" if type(one) in (str, int) else f"not {type(one).__name__}"
    raise TypeError(f"{allowed}, {both}; labels[{k}] = {one!r:.60}")


def counts_of_categories(labels: Any) -> tuple[NDArray[np.int64], list[str]]:
    """Count the samples of each category of pandas: the codes are the labels that training has."""
    codes, names = np.asarray(labels.codes), [str(name) for name in labels.categories]
    if codes.size and codes.min() < 0:
        k = int(np.argmin(codes))
        raise ValueError(
            f"labels[{k}] is missing, one of {int((codes < 0).sum()):,}; leave these samples "
            "out, or give them a label"
        )
    counts = np.bincount(codes, minlength=len(names)).astype(np.int64)
    if len(names) > 1 and (counts == 0).any():
        empty = names[int(np.argmin(counts))]
        raise ValueError(
            f"labels have a category {empty!r:.60} without samples; drop it with "
            "remove_unused_categories(), and train with the codes that are left, 0 to K - 1"
        )
    if len(names) < 2:
        raise ValueError(f"labels must hold at least two classes; got {names}")
    return counts, names
