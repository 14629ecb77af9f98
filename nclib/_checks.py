"""What arguments have to be: whole numbers, positive ones, sequences; as people have them."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

MAX_COUNT = 2**53
"""Counts are below this, so that every count and every difference of two is an exact float64."""


DROP_CLASS = (
    "a class without samples has to be left out: numpy.unique(labels, return_inverse=True)[1] "
    "numbers the others from 0 on, and the head keeps their outputs alone"
)
"""What to do where labels lack a class, for errors."""


def plain(value: Any) -> Any:
    """Turn a scalar of numpy, torch or the like into Python's own; leave anything else.

    Examples
    --------
    >>> plain(np.int8(3)), plain(np.array(0.5)), plain("three")
    (3, 0.5, 'three')
    """
    # A time span is no number, though numpy derives it from its integers.
    if getattr(value, "ndim", None) != 0 or isinstance(value, np.timedelta64):
        return value
    return value.item() if hasattr(value, "item") else value


def as_whole(name: str, value: Any, least: int, most: int | None = None) -> int:
    """Return a whole number as Python's int, or raise a ValueError that names the argument.

    Examples
    --------
    >>> as_whole("depth", np.int64(3), 1)
    3
    """
    number = plain(value)
    is_whole = isinstance(number, int) and not isinstance(number, bool)
    if is_whole and number >= least and (most is None or number <= most):
        return int(number)
    allowed = f", at least {least}" if most is None else f" from {least:,} to {most:,}"
    raise ValueError(f"{name} must be a whole number{allowed}; got {value!r:.60}")


def is_number(value: Any) -> bool:
    """Whether a value is one real number, of any of these kinds; True and False are none."""
    number = plain(value)
    return isinstance(number, int | float | np.floating) and not isinstance(number, bool)


def as_float(name: str, value: object) -> float:
    """Return a number as Python's float, or raise a TypeError that names it.

    What is too large for a float is infinite, as if it had been computed.

    Examples
    --------
    >>> as_float("lambda_H", np.float32(0.5)), as_float("lambda_H", 10**400)
    (0.5, inf)
    """
    if not is_number(value):
        raise TypeError(f"{name} must be a number; got {value!r:.60}")
    number = plain(value)
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def choice(name: str, value: object, choices: Any) -> str:
    """Return one of the strings that a `Literal` allows, or raise a ValueError.

    Examples
    --------
    >>> from typing import Literal
    >>> choice("side", np.str_("left"), Literal["left", "right"])
    'left'
    """
    allowed = get_args(choices)
    for each in allowed:
        if isinstance(value, str) and value == each:
            return str(each)
    raise ValueError(f"{name} must be {' or '.join(map(repr, allowed))}; got {value!r:.60}")


def between(name: str, value: Any, low: float, high: float, low_allowed: bool = True) -> float:
    """Return a number in an interval that is open above, as Python's float."""
    number = as_float(name, value)
    if not low <= number < high or (number == low and not low_allowed):
        first = f"at least {low:g}" if low_allowed else f"above {low:g}"
        below = "finite" if high == math.inf else f"below {high:g}"
        raise ValueError(f"{name} must be {first} and {below}; got {value!r:.60}")
    return number + 0.0  # of the two zeros the one without a sign


def as_floats(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return numbers as an array of floats, or raise a ValueError that names the argument."""
    try:
        return np.asarray(values, dtype=float)
    except OverflowError:
        raise ValueError(f"{name} must be finite; got a number that no float holds") from None


def positive(name: str, value: object) -> float:
    """Return a positive, finite number as Python's float, or raise an error that names it.

    Examples
    --------
    >>> positive("lambda_H", np.float32(0.5))
    0.5
    """
    number = as_float(name, value)
    if not 0 < number < math.inf:
        reason = "; the theorems divide by it, and at 0 a minimum may not exist"
        reason = reason * (number == 0 and name.startswith(("lambda", "rho")))
        raise ValueError(f"{name} must be positive and finite; got {value!r:.60}{reason}")
    if number < sys.float_info.min:
        raise ValueError(f"{name} must be at least {sys.float_info.min:.3g}; got {value!r}")
    return number


def as_sequence(value: Any) -> list[Any] | None:
    """List what a sequence holds, or an array of numpy, torch or pandas; None for all else."""
    if getattr(value, "ndim", None) == 1:
        return list(value.tolist())
    is_sequence = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    return list(value) if is_sequence else None


def generator(seed: int | np.random.Generator) -> np.random.Generator:
    """Make the random generator that `seed` stands for."""
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(as_whole("seed", seed, 0))
