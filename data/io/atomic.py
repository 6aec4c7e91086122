"""Files that hold, after a crash too, either what they held before or all of the new."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import DataError

TEMPORARY_SUFFIX = ".tmp"
"""What the names of temporary files end in."""
_RANDOM_BYTES = 8
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of writing, which name no file."""


def temporary_path(path: Path) -> Path:
    """A path beside another, whose name nobody can foresee.

    Args:
        path: The file or folder that the temporary one will become.
    """
    return path.with_name(f"{path.name}.{secrets.token_hex(_RANDOM_BYTES)}{TEMPORARY_SUFFIX}")


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary file beside ``path``, renamed to it when the block ends well.

    The temporary file is created here under a random name, and only if nothing has that name, so
    that no link that somebody put there is followed. Its mode is that of the umask. What is written
    to it reaches the disk before the rename: after a crash ``path`` holds either what it held
    before or all of the new. A link at ``path`` is replaced, and the file that it names stays as it
    is.

    Args:
        path: The file to be made.

    Yields:
        Where to write it: an empty file.

    Raises:
        DataError: If there is a device, such as ``/dev/null``, which a file must not replace.
        OSError: If it cannot be written; the error names ``path`` if it cannot be made, or the disk
            is full.
    """
    _refuse_device(path)
    temporary = temporary_path(path)
    try:
        opened = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    os.close(opened)
    try:
        with naming_output(path):
            yield temporary
            sync(temporary)
        temporary.replace(path)
        sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def naming_output(path: Path) -> Iterator[None]:
    """Have the error of a full disk name the file that is being written.

    Args:
        path: The file.

    Raises:
        OSError: In place of one that names no file.
    """
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno not in _FULL:
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


def _refuse_device(path: Path) -> None:
    """Refuse to put a file in the place of a device."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise DataError("expected a file or nothing there, found a device. Name a file.", path=path)


def sync(path: Path) -> None:
    """Flush a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
