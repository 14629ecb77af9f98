"""What objects hold counts: dicts, pairs, arrays, Series and frames."""

from __future__ import annotations

import sys
from collections.abc import ItemsView, Mapping
from typing import Any

from nclib._checks import is_number, plain

_COUNT = frozenset(["count", "counts", "n", "size", "samples", "num", "frequency"])
_LABEL = frozenset(["label", "labels", "target", "targets", "y", "class", "classes", "category"])
"""What columns of counts and of labels are called, in small letters."""


def counts_and_names(source: Any) -> tuple[Any, list[str] | None]:
    """Return the counts that an object holds, in its order and not yet checked, and their names.

    Raises
    ------
    ValueError
        If a frame has more columns, or a column is called as labels are and names no classes.

    Examples
    --------
    >>> counts_and_names({"cat": 30, "dog": 5})
    ([30, 5], ['cat', 'dog'])
    >>> counts_and_names([("cat", 30), ("dog", 5)])
    ([30, 5], ['cat', 'dog'])
    """
    if isinstance(source, Mapping):
        return list(map(plain, source.values())), [str(name) for name in source]
    # An object of pandas or torch has already imported it.
    pandas, torch = sys.modules.get("pandas"), sys.modules.get("torch")
    if pandas and isinstance(source, pandas.Series | pandas.DataFrame):
        return _of_pandas(source, pandas)
    if _is_of_unique(source):
        classes, counts = (part.tolist() for part in source)
        return counts, [str(name) for name in classes]
    if isinstance(source, ItemsView):
        source = list(source)
    if isinstance(source, list) and source and all(map(_is_pair, source)):
        return [plain(count) for _, count in source], [str(plain(name)) for name, _ in source]
    if getattr(source, "ndim", None) == 2 and source.shape[1] == 1 < source.shape[0]:
        source = source[:, 0]  # a frame of one column as an array
    if torch and isinstance(source, torch.Tensor):
        source = source.tolist()
    if isinstance(source, list | tuple):
        source = list(map(plain, source))
    return source, None


def _is_of_unique(source: Any) -> bool:
    """Whether it is what ``unique`` of numpy or torch returns with the counts."""
    if not isinstance(source, tuple) or len(source) != 2:
        return False
    shapes = [getattr(part, "shape", None) for part in source]
    return shapes[0] == shapes[1] and shapes[0] is not None and len(shapes[0]) == 1


def _is_pair(entry: Any) -> bool:
    """Whether an entry is a class and its count, as ``items`` and ``most_common`` give them."""
    return isinstance(entry, tuple) and len(entry) == 2 and is_number(entry[1])


def _of_pandas(source: Any, pandas: Any) -> tuple[Any, list[str] | None]:
    index = source.index
    if isinstance(index, pandas.MultiIndex) and index.nlevels == 1:  # of frame.value_counts()
        index = index.get_level_values(0)
    names = None if isinstance(index, pandas.RangeIndex) else index
    if isinstance(source, pandas.DataFrame):
        if source.shape[1] not in (1, 2):
            raise ValueError(
                "a DataFrame must have one column (count) or two (name, count); "
                f"got {source.shape[1]}: {', '.join(map(repr, source.columns[:8]))}"
            )
        if source.shape[1] == 2:
            one, other = source.iloc[:, 0], source.iloc[:, 1]
            numeric = pandas.api.types.is_numeric_dtype
            # The counts are the numbers; of two columns of numbers their names may tell.
            first = f"{one.name}".casefold() in _COUNT and f"{other.name}".casefold() not in _COUNT
            if numeric(one) and (first or not numeric(other)):
                one, other = other, one
            names, source = one, other
        else:
            source = source.iloc[:, 0]
    if names is None and f"{source.name}".casefold() in _LABEL:
        raise ValueError(
            f"a column called {source.name!r}, as labels are, without names of classes beside it: "
            "of labels, one for each sample, take ClassCounts.from_labels, which counts them; of "
            "counts, call it 'count'"
        )
    n = list(map(plain, source.tolist()))
    return n, None if names is None else [str(e) for e in names]
