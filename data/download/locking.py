"""One process at a time fetches a file."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from .errors import DownloadError


@contextmanager
def sole_downloader(path: Path) -> Iterator[None]:
    """Keep other processes from fetching the same file. The lock ends with the process.

    Args:
        path: The file to be fetched.

    Raises:
        DownloadError: If another process is fetching it, or its folder cannot be written to.
    """
    lock = path.with_name(path.name + ".lock")
    file = _take(lock)
    while file is None:
        file = _take(lock)
    with file:
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)  # before the lock is let go: see `_take`


def _take(lock: Path) -> TextIO | None:
    """The locked file; None if the process that held the lock has removed it meanwhile."""
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.fdopen(os.open(lock, flags, 0o666), "a")
    except OSError as error:
        raise DownloadError(
            f"{lock.parent}: expected a folder that can be written to, found: {error.strerror}. "
            "Name another with --to."
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise DownloadError(
            f"{lock.with_suffix('')}: another process is fetching this file. "
            "Wait until it is done; the file is then found here."
        ) from None
    if not _is_there(file, lock):  # a file that was removed can be locked, to no effect
        file.close()
        return None
    return file


def _is_there(file: TextIO, path: Path) -> bool:
    """Whether an open file is still the one that its path names."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
