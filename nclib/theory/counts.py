"""How many samples each class has: the only thing about the data that the theory needs."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nclib._checks import MAX_COUNT, as_whole, is_number, plain
from nclib._records import html_table, require_keys
from nclib.theory.containers import counts_and_names
from nclib.theory.labels import counts_of_categories, in_label_order, plain_labels

MAX_CLASSES = 10**6

_SHOWN = 12
"""Up to this many counts are written out in full."""


_DROP = (
    "; leave out a class without samples: from the counts by n[n > 0], or of a dict by "
    "{c: n for c, n in counts.items() if n > 0}, and from the labels and the outputs of the "
    "network, which then go from 0 to K - 2"
)

CountsLike: TypeAlias = "ClassCounts | Mapping[Any, int] | ArrayLike"
"""Samples per class as people have them; pandas and torch give no types for theirs."""


@dataclass(frozen=True, init=False, eq=False, repr=False)
class ClassCounts:
    """Samples per class, in the user's order.

    Parameters
    ----------
    n : (K,) array_like of int
        Samples of each class: positive whole numbers below 2**53, 2 to 10**6 of them, in any
        order.
    names : sequence of str, optional
        One distinct name for each class.

    Attributes
    ----------
    n : (K,) ndarray of int64
        The counts, read-only.
    names : tuple of str or None
        The names, if any.

    Raises
    ------
    TypeError
        If `n` is not a flat sequence of numbers.
    ValueError
        If a count is zero, negative, fractional, not finite or too large, if there are too few or
        too many classes, or if `names` does not fit.

    Notes
    -----
    Definition 4.1 of the paper groups equal counts: `values` holds the distinct counts
    N_1 > ... > N_m and `multiplicities` says how many classes have each (l_1, ..., l_m).

    Examples
    --------
    >>> counts = ClassCounts([100, 500, 100])
    >>> counts.K, counts.N, counts.m
    (3, 700, 2)
    >>> counts.values, counts.multiplicities, counts.group
    (array([500, 100]), array([1, 2]), array([1, 0, 1]))
    """

    n: NDArray[np.int64]
    names: tuple[str, ...] | None

    def __init__(self, n: ArrayLike, names: Sequence[str] | None = None) -> None:
        counts = _validated_counts(n, names)
        counts.setflags(write=False)
        object.__setattr__(self, "n", counts)
        object.__setattr__(self, "names", validated_names(names, counts.size))

    @property
    def K(self) -> int:
        """Number of classes."""
        return self.n.size

    @cached_property
    def N(self) -> int:
        """Number of samples, exact."""
        # The sum may pass 2**63: add the two halves of each count apart.
        return (int((self.n >> 32).sum()) << 32) + int((self.n & 0xFFFFFFFF).sum())

    @cached_property
    def _grouped(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        values, inverse, multiplicities = np.unique(self.n, return_inverse=True, return_counts=True)
        grouped = (
            values[::-1].copy(),
            multiplicities[::-1].astype(np.int64),
            (values.size - 1 - inverse).astype(np.int64),
        )
        for array in grouped:
            array.setflags(write=False)
        return grouped

    @property
    def values(self) -> NDArray[np.int64]:
        """Distinct counts N_1 > ... > N_m, shape (m,)."""
        return self._grouped[0]

    @property
    def multiplicities(self) -> NDArray[np.int64]:
        """Number of classes l_j that have each distinct count, shape (m,)."""
        return self._grouped[1]

    @property
    def group(self) -> NDArray[np.int64]:
        """For each class the index of its count in `values`, shape (K,)."""
        return self._grouped[2]

    @property
    def m(self) -> int:
        """Number of distinct counts."""
        return self.values.size

    @cached_property
    def falling_order(self) -> NDArray[np.int64]:
        """Classes sorted by falling count, ties in the user's order, shape (K,)."""
        order = np.argsort(-self.n, kind="stable")
        order.setflags(write=False)
        return order

    @classmethod
    def from_labels(cls, labels: ArrayLike) -> Self:
        """Count the samples of each class.

        Parameters
        ----------
        labels : (N,) array_like of int or str
            The label of each sample; also an object array of one of these kinds, a Series, or a
            frame of one column. The sorted distinct labels are the classes, and their names; of
            pandas' Categoricals the categories are, in their order.

        Returns
        -------
        ClassCounts

        Raises
        ------
        TypeError
            If the labels are neither whole numbers nor strings.
        ValueError
            If the labels are not one flat sequence, one is missing, a category has no samples, or
            fewer than two classes occur.

        Examples
        --------
        >>> ClassCounts.from_labels(["cat", "dog", "cat"])
        ClassCounts([2, 1], names=('cat', 'dog'))
        """
        given: Any = labels
        pandas = sys.modules.get("pandas")
        if pandas and isinstance(given, pandas.DataFrame) and given.shape[1] == 1:
            given = given.iloc[:, 0]
        if pandas and isinstance(getattr(given, "dtype", None), pandas.CategoricalDtype):
            return cls(*counts_of_categories(pandas.Categorical(given)))
        array = np.asarray(given)
        if array.ndim != 1:
            hint = "; take its one column, labels.ravel()" if array.shape[1:] == (1,) else ""
            raise ValueError(
                f"labels must be one flat sequence, one label per sample; "
                f"got an array of shape {array.shape}{hint}"
            )
        if array.dtype.kind not in "iuU":
            array = plain_labels(array)
        classes, counts = np.unique(array, return_counts=True)
        if classes.size < 2:
            raise ValueError(f"labels must hold at least two classes; got {classes.tolist()}")
        return cls(counts, names=[str(c) for c in classes])

    @classmethod
    def exponential(cls, K: int, n_max: int, ratio: float) -> Self:
        """Long-tailed counts that fall exponentially from `n_max` to `n_max` / `ratio`.

        Parameters
        ----------
        K : int
            Number of classes, at least 2.
        n_max : int
            Count of the most frequent class.
        ratio : float
            Imbalance ratio, largest count over smallest, at least 1.

        Returns
        -------
        ClassCounts
            ``n_k = floor(n_max * ratio**(-k / (K - 1)))`` for k = 0, ..., K - 1: the rule of the
            long-tailed CIFAR sets.

        References
        ----------
        Cui et al., Class-balanced loss based on effective number of samples, CVPR 2019.

        Examples
        --------
        >>> ClassCounts.exponential(10, 5000, 100).n
        array([5000, 2997, 1796, 1077,  645,  387,  232,  139,   83,   50])
        """
        K, n_max, ratio = _validated_rule(K, n_max, ratio)
        return cls([int(n_max / ratio ** (k / (K - 1))) for k in range(K)])

    @classmethod
    def step(cls, K: int, n_max: int, ratio: float, majority: int | None = None) -> Self:
        """Step imbalance: the first classes have `n_max` samples, all others `n_max` / `ratio`.

        Parameters
        ----------
        K : int
            Number of classes, at least 2.
        n_max : int
            Count of each majority class.
        ratio : float
            Imbalance ratio, at least 1; minority counts are rounded down.
        majority : int, optional
            How many classes are majority classes, from 1 to K - 1. Default: K // 2.

        Returns
        -------
        ClassCounts

        References
        ----------
        Cao et al., Learning imbalanced datasets with label-distribution-aware margin loss,
        NeurIPS 2019.

        Examples
        --------
        >>> ClassCounts.step(4, 500, 5)
        ClassCounts([500, 500, 100, 100])
        """
        K, n_max, ratio = _validated_rule(K, n_max, ratio)
        frequent = K // 2 if majority is None else as_whole("majority", majority, 1, K - 1)
        return cls([n_max] * frequent + [int(n_max / ratio)] * (K - frequent))

    @classmethod
    def cifar10_paper(cls) -> Self:
        """Return the counts of the paper's CIFAR-10 subset (section 5): N = 3000, K = 10."""
        return cls([500, 500, 400, 400, 300, 300, 200, 200, 100, 100])

    @classmethod
    def emnist_letters_paper(cls) -> Self:
        """Return the counts of the paper's EMNIST letters subset (section 5): N = 5500, K = 26.

        One class of 1500, five of 600, twenty of 50. The paper does not say which letters.
        """
        return cls([1500] + [600] * 5 + [50] * 20)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold: `n`, and `names` if there are any.

        Examples
        --------
        >>> ClassCounts([30, 5], names=["cat", "dog"]).to_dict()
        {'n': [30, 5], 'names': ['cat', 'dog']}
        """
        return {"n": self.n.tolist()} | ({"names": list(self.names)} if self.names else {})

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Make the counts from what `to_dict` returned.

        Raises
        ------
        TypeError, ValueError
            If it is something else.

        See Also
        --------
        nclib.read_counts : takes ``{class: count}``.
        """
        require_keys("ClassCounts", content, {"n"}, {"names"})
        return cls(content["n"], content.get("names"))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ClassCounts):
            return NotImplemented
        return np.array_equal(self.n, other.n) and self.names == other.names

    def __hash__(self) -> int:
        return hash((self.n.tobytes(), self.names))

    def __reduce__(self) -> tuple[Any, ...]:
        # Made anew: an array that is copied or pickled by itself can be written to.
        return type(self), (self.n, self.names)

    def _repr_html_(self) -> str:
        largest = self.falling_order[:_SHOWN]
        rows = [
            (self.names[k] if self.names else k, f"{self.n[k]:,}", f"{self.n[k] / self.N:.2%}")
            for k in largest
        ]
        shown = "" if self.K <= _SHOWN else f"; the {_SHOWN} largest"
        return html_table(
            f"{self.K:,} classes, {self.N:,} samples, {self.m:,} distinct counts{shown}",
            ("class", "samples", "share"),
            rows,
        )

    def __repr__(self) -> str:
        if self.K <= _SHOWN:
            names = f", names={self.names!r}" if self.names else ""
            return f"ClassCounts({self.n.tolist()}{names})"
        head = ", ".join(map(str, self.n[:3]))
        return (
            f"ClassCounts([{head}, ..., {self.n[-1]}]: K={self.K}, N={self.N}, "
            f"m={self.m} distinct, max={self.values[0]}, min={self.values[-1]})"
        )


def first_of_each(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first class of each group, (G,), by the group of each class, (K,)."""
    first = np.zeros(int(group.max()) + 1, dtype=np.int64)
    first[group[::-1]] = np.arange(group.size)[::-1]
    return first


def as_counts(counts: CountsLike) -> ClassCounts:
    """Make `ClassCounts` of whatever holds counts in memory.

    Parameters
    ----------
    counts : object
        `ClassCounts`, returned as they are; a dict ``{class: count}``, or pairs of a class and a
        count; what ``numpy.unique`` returns with its counts; a sequence or an array of counts,
        numpy's or torch's; a pandas Series of counts, named by its index unless that only
        numbers them; a DataFrame of counts, or of names and counts.

    Returns
    -------
    ClassCounts
        In the order of the source; classes that are called 0 to K - 1, or 1 to K, in the order of
        these labels, as ``value_counts`` does not have them.

    Raises
    ------
    TypeError, ValueError
        As for `ClassCounts`, or if a DataFrame has more columns, or a column is called as labels
        are and names no classes.

    Examples
    --------
    >>> as_counts({"cat": 30, "dog": 5})
    ClassCounts([30, 5], names=('cat', 'dog'))
    """
    if isinstance(counts, ClassCounts):
        return counts
    return ClassCounts(*in_label_order(*counts_and_names(counts)))


def _validated_counts(n: ArrayLike, names: object = None) -> NDArray[np.int64]:
    """Return a fresh int64 copy of `n`, or raise an error that names the offending entry."""
    allowed = "class counts are positive whole numbers below 2**53, one per class"
    entries: Any = n
    if np.ma.is_masked(entries):
        raise ValueError(f"n must not have masked entries; {allowed}")
    try:
        array = np.asarray(n)
    except ValueError:  # numpy's own error for ragged nesting
        raise ValueError(f"n must be one flat sequence; got a nested one; {allowed}") from None
    if array.ndim == 0:
        hint = "; of a dict, take nclib.read_counts" if isinstance(entries, Mapping) else ""
        if isinstance(entries, str | PathLike):
            hint = "; of a file or a published data set, take nclib.read_counts"
        raise TypeError(f"n must be a sequence of numbers; got {n!r:.60}; {allowed}{hint}")
    if array.ndim != 1:
        raise ValueError(
            f"n must be one flat sequence; got an array of shape {array.shape}; {allowed}"
        )
    if not 2 <= array.size <= MAX_CLASSES:
        raise ValueError(
            f"n must hold 2 to {MAX_CLASSES:,} class counts; got {array.size:,}; {allowed}"
        )
    # Among numbers numpy takes True for 1.
    has_bool = not isinstance(n, np.ndarray) and any(
        isinstance(plain(entry), bool) for entry in entries
    )
    if has_bool or array.dtype.kind not in "iuf":
        _require_numbers(entries, names, allowed)
        return np.array([int(entry) for entry in array], dtype=np.int64)
    if array.dtype == np.float16:  # in which MAX_COUNT is no number
        array = array.astype(np.float32)
    bad = ~((array >= 1) & (array < MAX_COUNT) & (array == np.floor(array)))
    if bad.any():
        first = int(np.argmax(bad))
        drop = _DROP * bool(array[first] == 0)
        raise ValueError(f"{_entry(first, names)} = {array[first]}: {allowed}{drop}")
    return array.astype(np.int64)


def _require_numbers(entries: Iterable[Any], names: object, allowed: str) -> None:
    """Raise for the first entry that is not a valid count."""
    for position, entry in enumerate(entries):
        if not is_number(entry):
            hint = "; of labels, take ClassCounts.from_labels" if isinstance(entry, str) else ""
            where = _entry(position, names)
            raise TypeError(f"{where} = {entry!r:.60} is not a number; {allowed}{hint}")
        if not (1 <= entry < MAX_COUNT and entry == int(entry)):
            drop = _DROP * bool(entry == 0)
            raise ValueError(f"{_entry(position, names)} = {entry!r:.60}: {allowed}{drop}")


def _entry(position: int, names: object) -> str:
    """Name an entry of `n`, with its class where there are names, which may be bad themselves."""
    if isinstance(names, Sequence) and not isinstance(names, str) and position < len(names):
        return f"n[{position}] (class {names[position]!r:.60})"
    return f"n[{position}]"


def validated_names(names: Sequence[str] | None, K: int) -> tuple[str, ...] | None:
    """Return the names of K classes, or raise an error that says what is wrong with them."""
    if names is None:
        return None
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise TypeError(f"names must be a sequence of strings; got {names!r}")
    result = tuple(names)
    if len(result) != K:
        raise ValueError(f"names must have one name for each of the {K} classes; got {len(result)}")
    for name in result:
        if not isinstance(name, str):
            raise TypeError(f"names must be strings; got {name!r}")
    if len(set(result)) < K:
        repeated = next(name for name, times in Counter(result).items() if times > 1)
        raise ValueError(f"names must be distinct; {repeated!r:.60} occurs more than once")
    try:
        "".join(result).encode()
    except UnicodeEncodeError as error:  # half of a surrogate pair: it can't be printed or saved
        raise ValueError(f"names must be valid text; got {error.object[error.start]!r}") from None
    return result


def _validated_rule(K: int, n_max: int, ratio: float) -> tuple[int, int, float]:
    K, n_max = as_whole("K", K, 2, MAX_CLASSES), as_whole("n_max", n_max, 1, MAX_COUNT - 1)
    if not is_number(ratio):
        raise TypeError(f"ratio must be a number; got {ratio!r:.60}")
    if not 1 <= ratio <= n_max:
        raise ValueError(
            f"ratio must be from 1 to n_max = {n_max}, so that every class keeps a sample; "
            f"got {ratio!r:.60}"
        )
    return K, n_max, plain(ratio)
