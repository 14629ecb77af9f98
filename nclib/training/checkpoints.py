"""Checkpoints that survive a kill, a full disk and a damaged file."""

from __future__ import annotations

import errno
import logging
import math
import os
import pickle
import re
import time
import zipfile
from pathlib import Path
from typing import IO, Any

import torch

from nclib._checks import as_whole, between, plain
from nclib._files import sync_folder

logger = logging.getLogger(__name__)

_NAME = "epoch-{:08d}.pt"
_PATTERN = re.compile(r"epoch-(\d+)\.pt")
_UNFINISHED = "unfinished.tmp"
_FORMAT = 1


class CheckpointError(RuntimeError):
    """A checkpoint can't be read, or there are some where none should be."""


class CheckpointStore:
    """A folder with the newest checkpoints of one run.

    A checkpoint is written to a file of another name, brought to the disk, and renamed: whatever
    has the name of a checkpoint was written to its end. It holds tensors and plain values only and
    is read with ``weights_only=True``; its checksums are compared first. What could not be read
    so is not written: scalars of numpy become Python's, and other objects are refused.

    Parameters
    ----------
    folder : path-like
        Made where it does not exist.
    keep : int, default 2
        How many checkpoints stay, at least one; older ones are removed once a new one is in place.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = CheckpointStore(folder)
    ...     for epoch in (10, 20, 30):
    ...         _ = store.save(epoch, {"step": torch.tensor(epoch)})
    ...     [path.name for path in store.paths()], store.load()["step"]
    (['epoch-00000020.pt', 'epoch-00000030.pt'], tensor(30))
    """

    def __init__(self, folder: str | os.PathLike[str], keep: int = 2) -> None:
        self.folder = Path(folder)
        self.keep = as_whole("keep", keep, 1)
        self.folder.mkdir(parents=True, exist_ok=True)

    def paths(self) -> list[Path]:
        """Return the checkpoints, oldest first."""
        try:
            found = [path for path in self.folder.iterdir() if _PATTERN.fullmatch(path.name)]
        except FileNotFoundError:  # somebody has removed the folder
            found = []
        return sorted(found, key=self._epoch)

    @staticmethod
    def _epoch(path: Path) -> int:
        match = _PATTERN.fullmatch(path.name)
        assert match is not None
        return int(match[1])

    def save(self, epoch: int, state: dict[str, Any]) -> Path:
        """Write a checkpoint, then remove all but the newest.

        Parameters
        ----------
        epoch : int
            What it is named after.
        state : dict
            Tensors and plain values.

        Returns
        -------
        Path

        Raises
        ------
        TypeError
            If the state holds something else; the message says where.
        OSError
            If it cannot be written: the disk is full, say. The older checkpoints are untouched.
        """
        content = {"format": _FORMAT, "state": _plain_state("state", state)}
        path = self.folder / _NAME.format(epoch)
        unfinished = self.folder / _UNFINISHED
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with unfinished.open("wb") as file:
                _write(content, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, path)  # noqa: PTH105 (what a test holds on to)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        self._sync_folder()
        for old in self.paths()[: -self.keep]:
            old.unlink(missing_ok=True)
        return path

    def load(self) -> dict[str, Any] | None:
        """Read the newest checkpoint that is whole.

        A damaged one, one that is cut short or whose checksums are wrong, is renamed, to
        ``*.damaged``, with a warning in the log. One that is whole but can't be read keeps its
        name: another version of torch or nclib, or another user, may read it.

        Returns
        -------
        dict or None
            None where the folder has no checkpoint.

        Raises
        ------
        CheckpointError
            If there are checkpoints but all are damaged, or if the newest whole one can't be read.
        OSError
            If the system does not let it be read.
        """
        (self.folder / _UNFINISHED).unlink(missing_ok=True)
        paths = self.paths()
        reasons = []
        for path in reversed(paths):
            try:
                return _read(path)
            except _DamagedError as error:
                damaged = path.with_name(f"{path.name}.damaged")
                path.replace(damaged)
                reasons.append(f"{damaged}: {error}")
                logger.warning("%s; trying the checkpoint before it", reasons[-1])
        if reasons:
            raise CheckpointError(f"no checkpoint can be read: {'; '.join(reasons)}")
        return None

    def _sync_folder(self) -> None:
        sync_folder(self.folder)


class _DamagedError(Exception):
    """A file is no whole checkpoint."""


def _plain_state(where: str, value: Any) -> Any:
    """Return a state with plain values only, or raise a TypeError that says where it has others.

    What `torch.load` with ``weights_only=True`` refuses would be found out only after a crash.
    """
    value = plain(value) if not isinstance(value, torch.Tensor) else value
    if isinstance(value, dict):
        return {
            _plain_state(f"a key of {where}", key): _plain_state(f"{where}[{key!r}]", item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        items = [_plain_state(f"{where}[{i}]", item) for i, item in enumerate(value)]
        return items if isinstance(value, list) else tuple(items)
    if value is None or isinstance(value, torch.Tensor):
        return value
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    raise TypeError(
        f"{where} must be a tensor or a plain value; got {type(value).__module__}."
        f"{type(value).__qualname__}"
    )


class _Sink:
    """Passes bytes to a file and keeps the first error for later.

    torch's writer answers an error in the middle of a file with one of its own that hides it.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        if self.error is None:
            try:
                self.file.write(data)
            except OSError as error:
                self.error = error
        return len(data)

    def flush(self) -> None:
        pass


def _write(content: dict[str, Any], file: IO[bytes]) -> None:
    sink = _Sink(file)
    torch.save(content, sink)  # type: ignore[arg-type]
    if sink.error is not None:
        raise sink.error


def _read(path: Path) -> dict[str, Any]:
    # What the system refuses is no damage: it is left to whoever may do something about it.
    with path.open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                # torch does not compare the checksums that it writes.
                damaged = archive.testzip()
        except Exception as error:
            # To seek before the beginning, as a wrong byte may ask for, is an invalid argument.
            if isinstance(error, OSError) and error.errno != errno.EINVAL:
                raise
            raise _DamagedError(f"no checkpoint ({_first_line(error)})") from error
    if damaged is not None:
        raise _DamagedError(f"damaged (checksum of {damaged})")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, MemoryError):
        raise
    except pickle.UnpicklingError as error:
        raise _unreadable(path, f"it holds what is never loaded ({_first_line(error)})") from error
    except Exception as error:
        # Its checksums are right, but torch's reader of archives finds more than they cover.
        if "PytorchStreamReader" in str(error):
            raise _DamagedError(f"no checkpoint ({_first_line(error)})") from error
        raise _unreadable(path, f"torch {torch.__version__}: {_first_line(error)}") from error
    if not isinstance(content, dict) or "format" not in content:
        raise _unreadable(path, "it was not written by nclib")
    if content["format"] != _FORMAT:
        raise _unreadable(path, f"it is of format {content['format']}, not {_FORMAT}")
    state: dict[str, Any] = content["state"]
    return state


def _unreadable(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(
        f"no checkpoint can be read: {path} is whole, but {reason}; go on with the versions that "
        "wrote it, or begin anew in another folder"
    )


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].strip() or type(error).__name__


class Interval:
    """When the next checkpoint is due."""

    def __init__(self, epochs: int | None, seconds: float) -> None:
        if epochs is not None:
            epochs = as_whole("checkpoint_epochs", epochs, 1)
        if seconds != math.inf:
            seconds = between("checkpoint_seconds", seconds, 0, math.inf)
        self.epochs, self.seconds = epochs, seconds
        self.last_time = time.monotonic()

    def reached(self, epoch: int) -> bool:
        """Whether one is due after an epoch."""
        by_epochs = self.epochs is not None and epoch % self.epochs == 0
        return by_epochs or time.monotonic() - self.last_time >= self.seconds

    def restart(self) -> None:
        """Count from now on."""
        self.last_time = time.monotonic()


def last_good(store: CheckpointStore | None) -> str:
    """Say which checkpoint of a run, if any, is the newest whole one."""
    if store is None or not store.paths():
        return "There is no checkpoint."
    return f"The last good checkpoint is {store.paths()[-1]}."


def newest(folder: str | os.PathLike[str]) -> tuple[Path, int] | None:
    """Return the newest checkpoint in a folder, which need not be there, and its epoch."""
    found = [
        (int(match[1]), path)
        for path in Path(folder).glob("*")
        if (match := _PATTERN.fullmatch(path.name))
    ]
    return max(found)[::-1] if found else None
