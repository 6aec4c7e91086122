"""Files that are either whole or absent, and that no link leads out of the index."""

import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from ...data import PrereadError
from ...data.io.atomic import sync
from ...data.io.system_errors import refusal_in
from ..errors import IndexFormatError, cannot_be_read

Count = Annotated[int, Field(strict=True, ge=0, lt=1 << 63)]
"""A whole number of at least 0, as JSON must have it."""
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """A file, as the manifest lists it."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    file: str
    """Path below the index folder."""
    bytes: Count
    sha256: Sha256

    @classmethod
    def of(cls, index: str | Path, file: str) -> "FileEntry":
        """Describe a file of an index.

        Args:
            index: The index folder.
            file: Path below it.
        """
        path = Path(index) / file
        return cls(file=file, bytes=path.stat().st_size, sha256=sha256_of(path))

    def check_size(self, index: str | Path) -> None:
        """Compare the size, which is cheap; ``preread verify`` reads all bytes.

        Args:
            index: The index folder.

        Raises:
            IndexFormatError: If the file is missing, a link, or of another size.
            IndexAccessError: If the operating system does not let it be looked at.
        """
        path = os.path.join(index, self.file)  # a `Path` takes longer than the look
        try:
            status = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            found = "nothing"
        except OSError as error:
            raise cannot_be_read(Path(path), error) from error
        else:
            if not stat.S_ISREG(status.st_mode):
                raise _not_regular(Path(path), status.st_mode)
            if status.st_size == self.bytes:
                return
            found = f"{status.st_size} bytes"
        raise IndexFormatError(
            f"{path}: expected a file of {self.bytes} bytes, found {found}. Restore the file "
            "from a backup, or remove the index and build it again."
        )

    def check(self, index: str | Path) -> None:
        """Compare every byte.

        Args:
            index: The index folder.

        Raises:
            IndexFormatError: If the file is not what was written.
            IndexAccessError: If it cannot be read.
        """
        self.check_size(index)
        path = Path(index) / self.file
        if sha256_of(path) != self.sha256:
            raise IndexFormatError(
                f"{path}: its SHA-256 is not the manifest's: bytes have changed. "
                "Restore the file from a backup, or build the index again."
            )


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file for reading; a link is not followed, and a pipe is not waited for.

    Args:
        path: A file of an index.

    Raises:
        IndexFormatError: If there is something else than a file.
        IndexAccessError: If the operating system does not let it be read; the message is its own.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        with suppress(OSError):
            mode = path.lstat().st_mode
            if not stat.S_ISREG(mode):
                raise _not_regular(path, mode) from None
        raise cannot_be_read(path, error) from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):  # before `fdopen`, whose error for a folder names the descriptor
        os.close(descriptor)
        raise _not_regular(path, mode)
    return os.fdopen(descriptor, "rb")


def check_readable(path: Path) -> None:
    """Check that a file is a regular one that may be read, before its content is judged.

    Args:
        path: A file of the index.

    Raises:
        IndexFormatError: If there is something else than a file.
        IndexAccessError: If the operating system does not let it be read; the message is its own.
    """
    open_regular(path).close()


def raise_if_refused(path: Path, error: Exception) -> None:
    """Raise the error of an operating system that refuses a file, rather than call it damaged.

    Args:
        path: A file of the index.
        error: What was raised while the file was opened.

    Raises:
        IndexAccessError: If the system lacks descriptors or memory, or does not permit reading.
    """
    refusal = refusal_in(error)
    if refusal is not None:
        raise cannot_be_read(path, refusal) from error


def _not_regular(path: Path, mode: int, wanted: str = "a regular file") -> IndexFormatError:
    """The error for something else than what an index has there; ``lstat`` gave the mode."""
    kinds = {stat.S_IFLNK: "a symbolic link", stat.S_IFDIR: "a folder", stat.S_IFREG: "a file"}
    found = kinds.get(stat.S_IFMT(mode), "a device, pipe or socket")
    return IndexFormatError(
        f"{path}: expected {wanted}, found {found}. An index holds files and folders of its own, "
        "and no links: copy it with `cp -RL`, or restore it from a backup."
    )


def check_folder(path: str | Path) -> bool:
    """Whether a folder is there, which must be a folder itself and no link to one.

    Args:
        path: A folder of an index.

    Raises:
        IndexFormatError: If something else is there.
        IndexAccessError: If the operating system does not let it be looked at.
    """
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise cannot_be_read(Path(path), error) from error
    if not stat.S_ISDIR(mode):
        raise _not_regular(Path(path), mode, "a folder")
    return True


def entries_of(folder: Path) -> list[Path]:
    """List what is in a folder of an index, sorted; nothing where there is no such folder.

    Args:
        folder: The folder.

    Raises:
        IndexFormatError: If something else is there.
        IndexAccessError: If the operating system does not let it be listed.
    """
    return list_folder(folder) if check_folder(folder) else []


def list_folder(folder: Path) -> list[Path]:
    """List what is in a folder, sorted.

    Args:
        folder: The folder, such as that of an index, which may be named by a link.

    Raises:
        IndexAccessError: If the operating system does not let it be listed.
    """
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise cannot_be_read(folder, error) from error


def make_folder(path: Path) -> None:
    """Make a folder of an index, unless it is there.

    Args:
        path: The folder; its parent is there.

    Raises:
        IndexFormatError: If something else is there, such as a link to a folder.
    """
    if not check_folder(path):
        path.mkdir(exist_ok=True)


def remove_folder(folder: Path, is_ours: Callable[[str], bool]) -> None:
    """Remove a folder of files that preread or Lucene wrote; nothing is done where there is none.

    What has another name stays, and then so does the folder. Of a link, only the link is removed.

    Args:
        folder: The folder.
        is_ours: Whether a file of this name is to be removed.
    """
    if folder.is_symlink():
        folder.unlink()
        return
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_ours(entry.name) and not entry.is_dir(follow_symlinks=False):
                os.unlink(entry)
    with suppress(OSError):  # there is something else in it
        folder.rmdir()


@contextmanager
def atomic_folder(path: Path, *, replaces: bool = False) -> Iterator[Path]:
    """A temporary folder beside ``path``, renamed to it when the block ends well.

    Args:
        path: The folder to be made.
        replaces: Whether what is at ``path`` makes room, once the new folder is whole.

    Yields:
        Where to write: an empty folder.

    Raises:
        OSError: If there is something at ``path`` and it is not to be replaced.
    """
    with TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as beside:
        temporary = Path(beside) / "new"
        temporary.mkdir()
        yield temporary
        sync_folder(temporary)
        if replaces and path.exists():
            path.rename(Path(beside) / "old")
        temporary.rename(path)
        sync(path.parent)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal.

    Args:
        path: The file; no link.

    Raises:
        IndexFormatError: If it is no regular file.
        IndexAccessError: If it cannot be read.
    """
    with open_regular(path) as file:
        try:
            return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise cannot_be_read(path, error) from error


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file that is never written to again another name, or copy it where that cannot be.

    Args:
        source: The file; no link.
        target: Its other name; nothing is there.

    Raises:
        IndexFormatError: If the source is no regular file.
    """
    with open_regular(source) as file:
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError:
            with target.open("xb") as copy:
                shutil.copyfileobj(file, copy)


def sync_folder(folder: Path) -> None:
    """Flush a folder and the files in it to the disk."""
    for file in folder.iterdir():
        sync(file)
    sync(folder)


def check_new_file(path: Path) -> None:
    """Refuse a place that is taken or not there, before the work.

    Args:
        path: What is to be made.

    Raises:
        PrereadError: If there is something at ``path``, or no folder for it.
    """
    if path.is_symlink() or path.exists():
        raise PrereadError(
            f"{path}: expected nothing there, found a {'folder' if path.is_dir() else 'file'}. "
            "Remove it or name another file."
        )
    if not path.parent.is_dir():
        raise PrereadError(f"{path}: expected its folder to be there. Make the folder first.")
