"""Writing files so that nobody ever sees half of one."""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from contextlib import suppress
from pathlib import Path

_DESCRIPTOR = re.compile(r"/dev/fd/(\d+)|/proc/(?:self|thread-self|\d+)/fd/(\d+)")


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file in one step: whoever reads it sees the old bytes or all of the new ones.

    After an error, a full disk say, the file is as it was. A link stays, and what it points to is
    written; a file keeps its owner and permissions, a new one gets those that the umask leaves it.
    What is no file, a pipe or a device, is written to as it is, and not replaced.

    Raises
    ------
    OSError
        If it can't be written; it names `path` as it was given.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(f"{folder}/a.txt", b"all of it")
    ...     Path(folder, "a.txt").read_bytes()
    b'all of it'
    """
    try:
        _write(os.fspath(path), content)
    except OSError as error:
        if error.errno is None:
            raise
        # The file beside it, or the end of a link, is not what was asked for.
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


def _write(path: str, content: bytes) -> None:
    descriptor = _open_descriptor(path)
    if descriptor is not None:
        # Another opening of the same file would write from its beginning on, over what is there.
        with os.fdopen(os.dup(descriptor), "wb") as stream:
            stream.write(content)
        return
    try:
        old = os.stat(path)  # noqa: PTH116 (a Path would look like the target below)
    except FileNotFoundError:
        old = None
    if old is not None and not stat.S_ISREG(old.st_mode):
        # A folder is refused here, by the system's own words.
        with open(path, "wb") as stream:  # noqa: PTH123
            stream.write(content)
        return
    target = Path(os.path.realpath(path))
    scratch = target.with_name(f".{target.name[:40]}.{secrets.token_hex(6)}")
    try:
        # Of a new file the system takes away what the umask says.
        with scratch.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if old is not None:
            if hasattr(os, "chown"):
                with suppress(PermissionError):  # only root may give files away
                    os.chown(scratch, old.st_uid, old.st_gid)
            scratch.chmod(old.st_mode & 0o777)
        os.replace(scratch, target)  # noqa: PTH105 (what a test holds on to)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """Bring the names in a folder to the disk, so that a power cut takes back no renaming."""
    if os.name != "posix":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        # Not every file system can, and who may write a folder need not be allowed to read it.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EACCES):
            raise


def _open_descriptor(path: str) -> int | None:
    """Return the number of this process's own open file that a path such as /dev/stdout means."""
    for _ in range(40):  # as many links as systems follow
        found = _DESCRIPTOR.fullmatch(os.path.abspath(path))  # noqa: PTH100 (follows no links)
        if found:
            process = re.search(r"\A/proc/(\d+)/", path)
            if process is None or int(process[1]) == os.getpid():
                return int(found[1] or found[2])
            return None
        try:
            path = os.path.join(os.path.dirname(path), os.readlink(path))  # noqa: PTH115, PTH118, PTH120
        except OSError:
            return None
    return None
