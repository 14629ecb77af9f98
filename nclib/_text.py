"""How a few kinds of numbers are written."""

from __future__ import annotations

from collections.abc import Iterable


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


def modes(number: int) -> str:
    """Write a number of modes.

    Examples
    --------
    >>> modes(1), modes(1200)
    ('1 mode', '1,200 modes')
    """
    return f"{number:,} mode{'s' * (number != 1)}"


def modes_are_alive(alive: int, total: int) -> str:
    """Write how many modes are alive: the beginning of a sentence.

    Examples
    --------
    >>> modes_are_alive(3, 9), modes_are_alive(1, 9), modes_are_alive(0, 1)
    ('3 of 9 modes are alive', '1 of 9 modes is alive', '0 of 1 mode is alive')
    """
    return f"{alive:,} of {modes(total)} {'is' if 1 in (alive, total) else 'are'} alive"


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


def numbers_text(values: Iterable[float], digits: int) -> str:
    """Write numbers with so many digits, as one where all are the same.

    Examples
    --------
    >>> numbers_text([0.5, 0.5], 4), numbers_text([0.5, 0.25], 4), numbers_text([1 / 3], 2)
    ('0.5', '0.5, 0.25', '0.33')
    """
    numbers = [f"{value:.{digits}g}" for value in values]
    return numbers[0] if len(set(numbers)) == 1 else ", ".join(numbers)
