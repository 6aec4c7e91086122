"""Readers keep what they opened, while writers go on.

Every generation of an index has its manifest in ``snapshots/``, too. A reader of a generation holds
a shared lock on that file; a writer removes the files that only generations without readers need
(``cleaning.py``). A lock ends with the process that holds it, however that ends.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NoReturn

from ...data import PrereadError
from ..errors import IndexFormatError, cannot_be_read
from .files import make_folder, open_regular
from .manifest import MANIFEST_FILE, SNAPSHOTS_FOLDER, Manifest

WRITER_LOCK = "write.lock"
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
"""What ``flock`` says on file systems without locks, as NFS without its lock service."""
_TRIES = 100


def snapshot_path(index: Path, generation: int) -> Path:
    """Where a generation's manifest is kept.

    Args:
        index: The index folder.
        generation: Its number.
    """
    return index / SNAPSHOTS_FOLDER / f"{generation:06d}.json"


class Lease:
    """Keeps the files of one generation from being removed, until it is released."""

    def __init__(self, index: Path) -> None:
        """Take a lease on the newest generation.

        An index that was copied without its ``snapshots`` folder, or that lies on a file system
        without locks, is read without a lease: a writer would not know of this reader.

        Args:
            index: The index folder.

        Raises:
            IndexFormatError: If there is no manifest, or it is damaged.
            IndexAccessError: If a file cannot be read.
        """
        self._file: BinaryIO | None = None
        for _ in range(_TRIES):
            self.manifest = Manifest.load(index)
            path = snapshot_path(index, self.manifest.generation)
            try:
                is_there = path.exists() or path.is_symlink()
            except OSError as error:
                raise cannot_be_read(path, error) from error
            if not is_there:
                if Manifest.load(index).generation == self.manifest.generation:
                    return
                continue  # a writer was faster
            file = open_regular(path)
            try:
                fcntl.flock(file, fcntl.LOCK_SH)
            except OSError as error:
                file.close()
                if error.errno in _NO_LOCKS:
                    return
                raise cannot_be_read(path, error) from error
            if path.exists():  # or it was removed before the lock was there
                self._file = file
                return
            file.close()
        raise IndexFormatError(f"{index}: changes faster than it can be opened. Try again.")

    def release(self) -> None:
        """Let go; more than once does no harm."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __del__(self) -> None:
        """Let go with the object."""
        if hasattr(self, "_file"):
            self.release()

    def __reduce__(self) -> NoReturn:
        """Refuse a copy, which would close this lease's file."""
        raise PrereadError(
            "a lease on an index cannot be copied or pickled. Open the index again instead."
        )


def publish(index: Path, manifest: Manifest) -> None:
    """Make a generation the one that is opened from now on.

    Args:
        index: The index folder.
        manifest: Of the generation; its files are there.
    """
    make_folder(index / SNAPSHOTS_FOLDER)
    manifest.save(snapshot_path(index, manifest.generation))
    manifest.save(index / MANIFEST_FILE)


@contextmanager
def sole_writer(index: Path) -> Iterator[None]:
    """Hold off other writers.

    Args:
        index: The index folder.

    Raises:
        PrereadError: If another process is changing the index, or the file system has no locks.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(index / WRITER_LOCK, flags, 0o666), "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PrereadError(
                f"{index}: another process is changing this index. Wait until it is done."
            ) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            raise PrereadError(
                f"{index}: expected a file system with locks (flock), found one without "
                f"({error.strerror}), where two writers would damage the index. Change it on "
                "another file system and copy it here; reading needs no locks."
            ) from error
        yield


def is_being_changed(index: Path) -> bool:
    """Whether a writer holds the index at this moment.

    Args:
        index: The index folder.
    """
    try:
        with open_regular(index / WRITER_LOCK) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (OSError, PrereadError):  # no lock was ever taken here, or none can be
        return False
    return False
