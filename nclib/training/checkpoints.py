"""Checkpoints that survive a kill, a full disk and a damaged file."""

from __future__ import annotations

import logging
import os
import re
import zipfile
from pathlib import Path
from typing import IO, Any

import torch

logger = logging.getLogger(__name__)

_NAME = "epoch-{:08d}.pt"
_PATTERN = re.compile(r"epoch-(\d+)\.pt")
_UNFINISHED = "unfinished.tmp"
_FORMAT = 1


class CheckpointError(RuntimeError):
    """No checkpoint can be read, or there are some where none should be."""


class CheckpointStore:
    """A folder with the newest checkpoints of one run.

    A checkpoint is written to a file of another name, brought to the disk, and renamed: whatever
    has the name of a checkpoint was written to its end. It holds tensors and plain values only and
    is read with ``weights_only=True``; its checksums are compared first.

    Parameters
    ----------
    folder : path-like
        Made where it does not exist.
    keep : int, default 2
        How many checkpoints stay; older ones are removed once a new one is in place.

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
        self.keep = keep
        self.folder.mkdir(parents=True, exist_ok=True)

    def paths(self) -> list[Path]:
        """Return the checkpoints, oldest first."""
        found = [path for path in self.folder.iterdir() if _PATTERN.fullmatch(path.name)]
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
        OSError
            If it cannot be written: the disk is full, say. The older checkpoints are untouched.
        """
        path = self.folder / _NAME.format(epoch)
        unfinished = self.folder / _UNFINISHED
        try:
            with unfinished.open("wb") as file:
                _write({"format": _FORMAT, "state": state}, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, path)  # noqa: PTH105 (what a test holds on to)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        self._sync_folder()
        for old in self.paths()[: -self.keep]:
            old.unlink()
        return path

    def load(self) -> dict[str, Any] | None:
        """Read the newest checkpoint that is whole.

        A damaged one is renamed, to ``*.damaged``, with a warning in the log.

        Returns
        -------
        dict or None
            None where the folder has no checkpoint.

        Raises
        ------
        CheckpointError
            If there are checkpoints but none can be read.
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
        if os.name != "posix":
            return
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class _DamagedError(Exception):
    """A file is no whole checkpoint."""


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
    try:
        with zipfile.ZipFile(path) as archive:
            # torch does not compare the checksums that it writes.
            damaged = archive.testzip()
        if damaged is not None:
            raise _DamagedError(f"damaged (checksum of {damaged})")
        content = torch.load(path, map_location="cpu", weights_only=True)
        if content["format"] != _FORMAT:
            raise _DamagedError(f"of format {content['format']}, not {_FORMAT}")
        state: dict[str, Any] = content["state"]
    except _DamagedError:
        raise
    except Exception as error:
        raise _DamagedError(f"no checkpoint ({_first_line(error)})") from error
    return state


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].strip() or type(error).__name__
