"""Files that are either whole or absent."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ...data import PrereadError
from ...data.io.atomic import atomic_path, sync
from ...data.io.hashing import sha256_of as sha256_of
from ..errors import IndexFormatError, cannot_be_read

_SEAL = "sha256"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """A file, as the manifest lists it."""

    file: str
    """Path below the index folder."""
    bytes: int
    sha256: str

    @classmethod
    def of(cls, index: str | Path, file: str) -> "FileEntry":
        """Describe a file of an index."""
        index = Path(index)
        path = index / file
        return cls(file=file, bytes=path.stat().st_size, sha256=sha256_of(path))

    def check_size(self, index: str | Path) -> None:
        """A cheap check, at every opening; ``preread verify`` reads all bytes.

        Raises:
            IndexFormatError: If the file is missing or of another size.
        """
        index = Path(index)
        path = index / self.file
        found = path.stat().st_size if path.is_file() else None
        if found != self.bytes:
            what = "nothing" if found is None else f"{found} bytes"
            raise IndexFormatError(
                f"{path}: expected a file of {self.bytes} bytes, found {what}. Restore the file "
                "from a backup, or remove the index and build it again."
            )

    def check(self, index: str | Path) -> None:
        """Compare every byte.

        Raises:
            IndexFormatError: If the file is not what was written.
            IndexAccessError: If it cannot be read.
        """
        index = Path(index)
        self.check_size(index)
        try:
            found = sha256_of(index / self.file)
        except OSError as error:
            raise cannot_be_read(index / self.file, error) from error
        if found != self.sha256:
            raise IndexFormatError(
                f"{index / self.file}: its SHA-256 is not the manifest's: bytes have changed. "
                "Restore the file from a backup, or build the index again."
            )


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


def write_json(path: Path, content: Any) -> None:
    """Write JSON, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(_render(content) + "\n", "utf-8")


def write_sealed_json(path: Path, content: dict[str, Any]) -> None:
    """Write an object and, as its last key, the SHA-256 of the rest, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(_sealed(content), "utf-8")


def read_sealed_json(path: Path) -> dict[str, Any]:
    """Read what `write_sealed_json` wrote.

    Args:
        path: The file.

    Raises:
        IndexFormatError: If a byte has changed.
        IndexAccessError: If the file cannot be read.
    """
    try:
        text = path.read_text("utf-8")
        content = json.loads(text)
        seal = content.pop(_SEAL)
    except OSError as error:
        raise cannot_be_read(path, error) from error
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise _damaged(path, repr(error)) from error
    if text != _sealed(content):
        raise _damaged(path, f"its {_SEAL} {str(seal)[:12]} is not that of its content")
    return dict(content)


def link_or_copy(source: Path, target: Path) -> None:
    """Another name for a file that is never written to again; a copy where there can be none."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def sync_folder(folder: Path) -> None:
    """Flush a folder and the files in it to the disk."""
    for file in folder.iterdir():
        sync(file)
    sync(folder)


def _render(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False)


def _sealed(content: dict[str, Any]) -> str:
    """The object with its seal, as it stands in the file."""
    body = _render(content)
    seal = hashlib.sha256(body.encode("utf-8")).hexdigest()
    return f'{body[:-2]},\n  "{_SEAL}": "{seal}"\n}}\n'


def _damaged(path: Path, reason: str) -> IndexFormatError:
    return IndexFormatError(
        f"{path}: its bytes are not those that were written ({reason}). The file is damaged; "
        "restore it from a backup, or build the index again."
    )


def check_new_file(path: Path) -> None:
    """Refuse a place that is taken or not there, before the work.

    Raises:
        PrereadError: If there is something at ``path``, or no folder for it.
    """
    if path.exists():
        raise PrereadError(
            f"{path}: expected nothing there, found a {'folder' if path.is_dir() else 'file'}. "
            "Remove it or name another file."
        )
    if not path.parent.is_dir():
        raise PrereadError(f"{path}: expected its folder to be there. Make the folder first.")
