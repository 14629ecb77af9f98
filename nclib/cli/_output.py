"""What all commands share: one way to write tables, JSON and errors, and to read penalties."""

from __future__ import annotations

import codecs
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from nclib._extras import install_command
from nclib._records import plain_values

if TYPE_CHECKING:
    from rich.console import Console

JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON value, nothing else.")]

ROWS = 30
"""A table shows up to this many rows, and of more the first and the last."""

PAGE = 110
"""Columns of a page that is no terminal, where COLUMNS does not say how many."""

KEY = 16
"""Columns that the names of rows have at least, where they need them; longer ones are wrapped."""

GAP = 3
"""Columns between two of a table; at its ends there is less."""

_SHOWN_AS = {
    "\N{BULLET}": "*",
    "\N{HORIZONTAL ELLIPSIS}": "...",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
}
"""What stands for letters of the help where an output can't show them."""

EXTRA_OF = {
    "joblib": "train",
    "PIL": "train",
    "sklearn": "train",
    "torch": "train",
    "torchvision": "train",
    "tqdm": "train",
    "altair": "book",
    "IPython": "book",
    "matplotlib": "book",
    "vl_convert": "book",
}
"""Which extra of this package brings each module that a command may need."""


_EXPECTED = (
    ArithmeticError,
    ImportError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What the library raises for bad data and failed runs."""


def _as_shown(error: UnicodeError) -> tuple[str, int]:
    """Write letters that an output can't show in others: the handler "nclib" for encodings."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(_SHOWN_AS.get(c) or repr_in_ascii(c) for c in letters), error.end


def repr_in_ascii(letter: str) -> str:
    """Write a letter as its escape sequence."""
    return letter.encode("ascii", "backslashreplace").decode("ascii")


codecs.register_error("nclib", _as_shown)


def ready_streams() -> None:
    """Make the standard streams such that writing never raises for a letter or a closed stream."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # Taking the free descriptor also keeps it from the files that are opened later.
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: PTH123, SIM115
            setattr(sys, name, stream)
    for stream in (sys.stdout, sys.stderr):
        # Whoever has chosen another way than to fail keeps it.
        if stream.errors in ("strict", "surrogateescape") and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="nclib")


def close_output() -> None:
    """Flush the standard output, and where that fails forget what is left."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


@contextmanager
def reported() -> Iterator[None]:
    """Turn what went wrong into one line on the standard error and an exit code."""
    try:
        try:
            yield
        finally:
            close_output()
    except BrokenPipeError as error:
        if error.filename is not None:  # that of a pipe which was to get the report
            fail(_words_of(error))
        raise typer.Exit(1) from None  # `nclib ... | head` has read enough
    except KeyboardInterrupt as error:
        fail(f"interrupted; {error}" if f"{error}" else "interrupted", 130)
    except ModuleNotFoundError as error:
        extra = EXTRA_OF.get((error.name or "").partition(".")[0])
        if extra is None:
            fail(_words_of(error))
        fail(f"this needs the package {error.name!r}: {install_command(extra)}")
    except _EXPECTED as error:
        fail(_words_of(error))


def fail(message: str, code: int = 1) -> NoReturn:
    """Write one line to the standard error and leave."""
    parts = [part.strip() for part in message.splitlines() if part.strip()]
    line = "; ".join(parts).replace(":; ", ": ")
    typer.echo(f"error: {printable(line)}", err=True)
    raise typer.Exit(code)


def _words_of(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__


def printable(text: str) -> str:
    """Write what a terminal would obey or can't show as an escape sequence."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def shown(text: str) -> str:
    """Write in escape sequences also what the standard output has no letters for."""
    text = printable(text)
    encoding = sys.stdout.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode(encoding, "nclib").decode(encoding)
    return text


def say(text: str) -> None:
    """Write a line about what is going on to the standard error."""
    typer.echo(printable(text), err=True)


def write_json(content: Any) -> None:
    """Write one JSON value to the standard output; what is no finite number becomes null."""
    typer.echo(json.dumps(plain_values(content), allow_nan=False, indent=1))


def console() -> Console:
    """Return where tables go: the standard output."""
    from rich.console import Console

    given = os.environ.get("COLUMNS", "")
    is_given = given.isdecimal() and int(given) > 0
    # In a file or a pipe there is room.
    width = None if sys.stdout.isatty() or is_given else PAGE
    return Console(highlight=False, markup=False, emoji=False, width=width)


def show(*paragraphs: str) -> None:
    """Write paragraphs to the standard output, wrapped."""
    for paragraph in paragraphs:
        console().print(shown(paragraph), soft_wrap=False)


def show_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any] | None],
    *,
    left: int = 1,
    total: int | None = None,
) -> None:
    """Write a table; the first `left` columns name the rows, and are aligned left, others right.

    Where the page is too narrow for all columns the others follow below, in tables that name the
    rows again: nothing is cut. A row of None stands for rows left out, of `total`.
    """
    from rich import box
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    page = console()
    texts = [
        [shown(cell(value)) for value in (["..."] * len(columns) if row is None else row)]
        for row in rows
    ]
    widths = [
        max(cell_len(line) for text in (column, *(row[i] for row in texts))
            for line in text.split("\n"))
        for i, column in enumerate(columns)
    ]  # fmt: skip
    # Names are wrapped that would take more than their share.
    for i in range(left):
        widths[i] = min(widths[i], max(KEY, page.width // 3))
    page.print(Text(shown(title), style="bold"))
    for chosen in _tables_that_fit(widths, left, page.width):
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for i in chosen:
            table.add_column(
                Text(columns[i]),
                justify="left" if i < left else "right",
                overflow="fold",
                max_width=widths[i],
            )
        for row in texts:
            table.add_row(*(Text(row[i]) for i in chosen))
        page.print(table)
    if total is not None and total > ROWS:
        show(f"{total:,} rows; --json has all of them.")


def _tables_that_fit(widths: Sequence[int], left: int, page: int) -> list[list[int]]:
    """Divide the columns after the first `left`, with which each of the tables begins."""
    tables: list[list[int]] = []
    room = 0
    for i in range(left, len(widths)):
        needed = GAP + widths[i]
        if not tables or needed > room:
            tables.append(list(range(left)))
            # There is no gap after the last, but a blank at either end.
            room = page - 2 + GAP - (sum(widths[:left]) + GAP * left)
        tables[-1].append(i)
        room -= needed
    return tables


def shortened(rows: Sequence[Any], most: int = ROWS) -> list[Any]:
    """Return all rows, or of more than `most` the first and the last with None between."""
    if len(rows) <= most:
        return list(rows)
    return [*rows[: most // 2], None, *rows[-(most // 2) :]]


def cell(value: Any) -> str:
    """Write a value in a table."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def number(value: float) -> str:
    """Write a number with four digits."""
    if math.isnan(value):
        return "-"
    return f"{value:.4g}"


def checked(allowed: Callable[[Any], bool], words: str) -> Callable[[Any], Any]:
    """Return the callback of an option that refuses what is not allowed, and says what would be.

    A range of typer's own would be written into the help of each option, and take its room.
    """

    def check(values: Any) -> Any:
        for value in values if isinstance(values, list) else [values]:
            if value is not None and not allowed(value):
                raise typer.BadParameter(f"{value} is not {words}")
        return values

    return check


positive = checked(lambda value: 0 < value < math.inf, "a positive, finite number")
"""Callback of numbers that must be positive."""


def per_layer(lambda_W: list[float], depth: int, option: str = "--lambda-W") -> tuple[float, ...]:
    """Return one penalty for each layer: all given, or the one given for all."""
    if len(lambda_W) not in (1, depth):
        raise typer.BadParameter(
            f"{option} is given once for all layers or once for each of the {depth}; "
            f"got {len(lambda_W)}"
        )
    return tuple(lambda_W) * (depth if len(lambda_W) == 1 else 1)
