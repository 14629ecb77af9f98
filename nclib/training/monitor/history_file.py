"""The history of a monitor as a CSV file."""

from __future__ import annotations

import csv
import io
import logging
import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from nclib._extras import install_command
from nclib._files import write_whole

logger = logging.getLogger(__name__)


class HistoryFile:
    """A new file that has the whole history after every row.

    Raises
    ------
    FileExistsError, FileNotFoundError
        If it is there already, or its folder is not.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if self.path.exists():
            raise FileExistsError(f"csv must be a new file; {self.path} is there already")
        if not self.path.parent.is_dir():
            raise FileNotFoundError(f"csv must be in a folder that is there; got {self.path}")

    def write(self, history: Sequence[Mapping[str, float]]) -> None:
        """Write all rows; what can't be written is logged, and does not end a training."""
        table = io.StringIO(newline="")
        writer = csv.DictWriter(table, list(history[0]))
        writer.writeheader()
        for row in history:
            writer.writerow({k: "" if v != v else v for k, v in row.items()})
        try:
            write_whole(self.path, table.getvalue().encode())
        except OSError as error:
            # The rows are in the history, and the next one may find room.
            logger.warning("%s was not written (%s); training goes on", self.path, error)


def as_frame(history: Sequence[Mapping[str, float]]) -> Any:
    """Return a history as a table of pandas, or say what has the same rows without it."""
    try:
        pandas = import_module("pandas")
    except ImportError:
        raise ImportError(
            f"to_frame needs the extra pandas, {install_command('pandas')}, or pandas itself; "
            "`history` has the same rows without it"
        ) from None
    return pandas.DataFrame(list(history))
