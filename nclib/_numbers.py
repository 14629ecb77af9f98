"""Whole numbers and reals as people have them, and how a few kinds of them are written."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

MAX_COUNT = 2**53
"""Counts are below this, so that every count and every difference of two is an exact float64."""


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


def positive(name: str, value: object) -> float:
    """Return a positive, finite number as Python's float, or raise an error that names it.

    Examples
    --------
    >>> positive("lambda_H", np.float32(0.5))
    0.5
    """
    if not is_number(value):
        raise TypeError(f"{name} must be a number; got {value!r}")
    number = float(plain(value))
    if not 0 < number < math.inf:
        reason = "; the theorems divide by it, and at 0 a minimum may not exist" * (number == 0)
        raise ValueError(f"{name} must be positive and finite; got {value!r}{reason}")
    if number < sys.float_info.min:
        raise ValueError(f"{name} must be at least {sys.float_info.min:.3g}; got {value!r}")
    return number


def percent(share: float, digits: int = 2) -> str:
    """Write a share in percent, without the sign: no share but all is 100, and none but none is 0.

    Examples
    --------
    >>> percent(1.0), percent(0.99999), percent(0.5, 1), percent(1e-6), percent(0.0, 0)
    ('100.00', '99.99', '50.0', '0.01', '0')
    """
    text, least = f"{100 * share:.{digits}f}", 10.0**-digits
    if share < 1 and float(text) >= 100:
        return f"{100 - least:.{digits}f}"
    if share > 0 and float(text) == 0:
        return f"{least:.{digits}f}"
    return text


def share_text(share: float) -> str:
    """Write a share in percent, with the sign and without zeros at the end.

    Examples
    --------
    >>> share_text(1.0), share_text(0.125), share_text(0.99999)
    ('100 %', '12.5 %', '99.99 %')
    """
    return f"{percent(share).rstrip('0').rstrip('.')} %"


def factor_text(factor: float, digits: int = 3) -> str:
    """Write a factor with so many digits that one above or below 1 does not look like 1.

    One that is 1 but for the last digits of its computation is 1.

    Examples
    --------
    >>> factor_text(2.3456), factor_text(0.99996), factor_text(1.000012), factor_text(1 - 1e-15)
    ('2.35', '0.99996', '1.00001', '1')
    """
    text = f"{factor:.{digits}g}"
    if float(text) == 1 and abs(factor - 1) > 1e-12:
        return factor_text(factor, digits + 1)
    return text
