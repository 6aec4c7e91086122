"""Readers keep what they opened, while writers go on.

Every generation of an index has its manifest in ``snapshots/`` too. Who reads a generation holds a
shared lock on that file; a writer removes what only generations without readers need. Locks go with
the process that holds them, however it ends.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from ...data import PrereadError
from ..errors import IndexFormatError, cannot_be_read
from .manifest import (
    CODEC_FILE,
    DELETED_PREFIX,
    DENSE_FOLDER,
    LOOKUP_FOLDER,
    LUCENE_PREFIX,
    MANIFEST_FILE,
    METADATA_FOLDER,
    SNAPSHOTS_FOLDER,
    STATES_FOLDER,
    Manifest,
)

WRITER_LOCK = "write.lock"
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
"""What ``flock`` says on file systems without locks, as NFS without its lock service."""
_TRIES = 100


def snapshot_path(index: Path, generation: int) -> Path:
    """Where a generation's manifest is kept."""
    return index / SNAPSHOTS_FOLDER / f"{generation:06d}.json"


class Lease:
    """Keeps the files of one generation from being removed, until it is released."""

    def __init__(self, index: Path) -> None:
        """Take a lease on the newest generation.

        An index that was copied without its ``snapshots`` folder, or that lies on a file system
        without locks, is read without a lease: a writer would not know of this reader.

        Raises:
            IndexFormatError: If there is no manifest, or it is damaged.
            IndexAccessError: If a file cannot be read.
        """
        self._descriptor: int | None = None
        for _ in range(_TRIES):
            self.manifest = Manifest.load(index)
            path = snapshot_path(index, self.manifest.generation)
            try:
                descriptor = os.open(path, os.O_RDONLY)
            except FileNotFoundError:
                if Manifest.load(index).generation == self.manifest.generation:
                    return
                continue  # a writer was faster
            except OSError as error:
                raise cannot_be_read(path, error) from error
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH)
            except OSError as error:
                os.close(descriptor)
                if error.errno in _NO_LOCKS:
                    return
                raise cannot_be_read(path, error) from error
            if path.exists():  # or it was removed before the lock was there
                self._descriptor = descriptor
                return
            os.close(descriptor)
        raise IndexFormatError(f"{index}: changes faster than it can be opened. Try again.")

    def release(self) -> None:
        """Let go; more than once does no harm."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __del__(self) -> None:
        """Let go with the object."""
        if hasattr(self, "_descriptor"):
            self.release()

    def __reduce__(self) -> NoReturn:
        """Refuse a copy, which would close this lease's file.

        Raises:
            PrereadError: Always.
        """
        raise PrereadError(
            "a lease on an index cannot be copied or pickled. Open the index again instead."
        )


def publish(index: Path, manifest: Manifest) -> None:
    """Make a generation the one that is opened from now on."""
    (index / SNAPSHOTS_FOLDER).mkdir(exist_ok=True)
    manifest.save(snapshot_path(index, manifest.generation))
    manifest.save(index / MANIFEST_FILE)


def remove_unused(index: Path) -> None:
    """Remove files that neither the newest generation nor one that is being read needs."""
    newest = Manifest.load(index)
    needed = [newest]
    for path in sorted((index / SNAPSHOTS_FOLDER).glob("*.json")):
        if path == snapshot_path(index, newest.generation):
            continue
        descriptor = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        except BlockingIOError:
            needed.append(Manifest.read(path))
        finally:
            os.close(descriptor)
    kept = {file.file for manifest in needed for file in manifest.files()}
    kept |= {manifest.lucene for manifest in needed}
    for path in files_of_generations(index):
        if str(path.relative_to(index)) not in kept:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def files_of_generations(index: Path) -> Iterator[Path]:
    """Files, and Lucene's folders, that some generation may need."""
    for folder in (STATES_FOLDER, LOOKUP_FOLDER, DENSE_FOLDER, METADATA_FOLDER):
        if (index / folder).is_dir():
            yield from sorted((index / folder).iterdir())
    for path in sorted(index.iterdir()):
        if path.name.startswith((LUCENE_PREFIX, DELETED_PREFIX, CODEC_FILE)):
            yield path


@contextmanager
def sole_writer(index: Path) -> Iterator[None]:
    """Hold off other writers.

    Raises:
        PrereadError: If another process is changing the index.
    """
    with (index / WRITER_LOCK).open("a") as file:
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
    """Whether a writer holds the index at this moment."""
    try:
        with (index / WRITER_LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no lock was ever taken here, or none can be
        return False
    return False
