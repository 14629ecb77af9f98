"""Numbers by class as scripts have them: loss weights by a rule, by hand or from a file."""

from __future__ import annotations

import csv
import io
import json
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nclib.data.readers import NPY_MAGIC, decoded, first_bytes, read_counts
from nclib.theory.counts import ClassCounts

Array = NDArray[np.float64]

RULES = ("balanced", "sqrt", "effective:BETA")
"""How class weights are often made from the counts."""

_EXPECTED = "one positive number per class, below each other or as name,number"


def class_weights(counts: Any, rule: Any) -> Array | None:
    """Make the class weights of a script, by a rule, from a file, or as given.

    Parameters
    ----------
    counts : ClassCounts
        Samples per class, or anything that `read_counts` takes.
    rule : str, path-like, (K,) array_like or None
        One of

        - ``"none"``, or None;
        - ``"balanced"``: inverse to the counts, ``N / (K n_k)``, as scikit-learn has it;
        - ``"sqrt"``: inverse to their square roots;
        - ``"effective:BETA"``: inverse to the effective number of samples,
          ``(1 - BETA^n_k) / (1 - BETA)``, with BETA from 0 to 1, such as 0.999 (Cui et al. 2019);
        - a path, as for `read_by_class`;
        - one positive number per class.

    Returns
    -------
    (K,) ndarray or None
        None for ``"none"``. By a rule, such that their mean over the samples is 1, which matters
        only where torch does not divide by their sum; otherwise as they are given.

    Raises
    ------
    OSError
        If there is no such file; the message names the rules.
    TypeError, ValueError
        If the weights are not as described.

    Examples
    --------
    >>> class_weights([6, 3, 1], "balanced").round(3)
    array([0.556, 1.111, 3.333])
    """
    counts = read_counts(counts)
    n = counts.n.astype(float)
    if rule is None:
        return None
    if not isinstance(rule, str):
        given = read_by_class(rule, counts) if isinstance(rule, PathLike) else rule
        return one_per_class("class_weights", given, counts)
    if rule == "none":
        return None
    if rule == "balanced":
        weights = 1 / n
    elif rule == "sqrt":
        weights = n**-0.5
    elif rule.startswith("effective:"):
        beta = _beta(rule)
        weights = -1 / np.expm1(n * np.log(beta)) if beta > 0 else np.ones(counts.K)
    else:
        return read_by_class(rule, counts, ("none", *RULES))
    return np.asarray(weights * counts.N / (weights @ n))


def _beta(rule: str) -> float:
    text = rule.partition(":")[2]
    try:
        beta = float(text)
    except ValueError:
        beta = np.nan
    if not 0 <= beta < 1:
        raise ValueError(
            f"the number of 'effective:BETA' must be at least 0 and below 1; got {text!r:.60}"
        )
    return beta


def read_by_class(
    source: str | PathLike[str], counts: ClassCounts, words: tuple[str, ...] = ()
) -> Array:
    """Read one positive number per class from a file.

    Parameters
    ----------
    source : path-like
        A `.json` file of a list or of ``{"class": number, ...}``; an `.npy` file of one row; or,
        whatever else its name ends in, CSV: a number in each row, or a name and a number, below a
        header or not. With names, they are matched with those of the counts, in any order.
    counts : ClassCounts
    words : tuple of str
        What else the caller takes, for the message where there is no such file.

    Returns
    -------
    (K,) ndarray

    Raises
    ------
    OSError
        If the file can't be opened.
    ValueError
        If it holds anything else; the message names the file.
    """
    path = Path(source)
    try:
        data = first_bytes(path)
    except FileNotFoundError:
        also = f", and no rule; those are {', '.join(words)}" if words else ""
        raise FileNotFoundError(f"no file {str(source)[:200]!r}{also}") from None
    if path.suffix.lower() == ".npy":
        return _checked(f"{path}", _from_npy(data, f"{path}"), None, counts)
    text = decoded(data, f"{path}")
    if path.suffix.lower() == ".json":
        return _checked(f"{path}", *_from_json(text, f"{path}"), counts)
    return _checked(f"{path}", *_from_csv(text, f"{path}"), counts)


def one_per_class(name: str, values: Any, counts: ClassCounts) -> Array:
    """Return one positive, finite number per class, or raise an error that names the argument."""
    try:
        numbers = np.array(np.asarray(values), dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be one number per class; got {values!r:.60}") from None
    if numbers.ndim != 1:
        raise TypeError(f"{name} must be one number per class; got {values!r:.60}")
    if numbers.size != counts.K:
        raise ValueError(
            f"{name} must have one number for each of the {counts.K} classes; got {numbers.size}"
        )
    bad = ~(np.isfinite(numbers) & (numbers > 0))
    if bad.any():
        k = int(np.argmax(bad))
        raise ValueError(f"{name} must be positive and finite; got {name}[{k}] = {numbers[k]}")
    return numbers


def _checked(source: str, values: Any, names: list[str] | None, counts: ClassCounts) -> Array:
    if names is not None:
        if counts.names is None:
            raise ValueError(f"{source}: its numbers have names, but the classes have none")
        of_name = dict(zip(names, values, strict=True))
        if len(of_name) < len(names):
            twice = next(name for i, name in enumerate(names) if name in names[:i])
            raise ValueError(f"{source}: {twice!r:.60} is there twice")
        missing = [name for name in counts.names if name not in of_name]
        if missing:
            raise ValueError(f"{source}: no number for the class {missing[0]!r:.60}")
        if len(of_name) > counts.K:
            more = next(name for name in names if name not in set(counts.names))
            raise ValueError(f"{source}: {more!r:.60} is no class")
        values = [of_name[name] for name in counts.names]
    try:
        return one_per_class("its numbers", values, counts)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{source}: {error}") from None


def _from_npy(data: bytes, source: str) -> Any:
    if not data.startswith(NPY_MAGIC):
        raise ValueError(f"{source}: not an .npy file, which numpy.save writes")
    try:
        return np.load(io.BytesIO(data), allow_pickle=False)
    except Exception as error:  # a damaged header stops numpy with almost any
        raise ValueError(f"{source}: cut short or damaged ({error})") from None


def _from_json(text: str, source: str) -> tuple[Any, list[str] | None]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{source}: not valid JSON: {error}") from None
    if isinstance(found, dict):
        return list(found.values()), list(found)
    if isinstance(found, list):
        return found, None
    raise ValueError(f"{source}: expected {_EXPECTED}; got {found!r:.60}")


def _from_csv(text: str, source: str) -> tuple[list[float], list[str] | None]:
    names: list[str] = []
    values: list[float] = []
    columns = 0
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            fields = [field.strip() for field in row]
            if not any(fields):
                continue
            try:
                value = float(fields[-1])
            except ValueError:
                value = np.nan
            first = not columns
            columns = columns or len(fields)
            if first and columns <= 2 and np.isnan(value):
                continue  # a header
            if len(fields) != columns or columns > 2 or np.isnan(value):
                raise ValueError(
                    f"{source}, line {reader.line_num}: expected {_EXPECTED}; "
                    f"got {','.join(fields)!r:.60}"
                )
            values.append(value)
            names += fields[: columns - 1]
    except csv.Error as error:
        raise ValueError(f"{source}, line {reader.line_num}: {error}") from None
    return values, names if columns == 2 else None
