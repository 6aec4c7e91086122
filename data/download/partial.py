"""An unfinished download, and the version of the file that it belongs to."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from ..io.atomic import sync

SUFFIX = ".part"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """The server's description of the file when the download began."""

    url: str
    etag: str | None = None
    last_modified: str | None = None
    size_bytes: int | None = None

    @property
    def validator(self) -> str | None:
        """The value for ``If-Range``: a strong ETag, or else a date.

        Source: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5.
        """
        if self.etag is not None and not self.etag.startswith("W/"):
            return self.etag
        return self.last_modified

    def may_be(self, other: "Version") -> bool:
        """Whether two descriptions agree in every field that both have.

        Args:
            other: The server's description at another time.
        """
        pairs = (
            (self.etag, other.etag),
            (self.last_modified, other.last_modified),
            (self.size_bytes, other.size_bytes),
        )
        return all(pair[0] == pair[1] for pair in pairs if None not in pair)


class PartialFile:
    """An unfinished download: ``NAME.part``, and its version in ``NAME.part.json``."""

    def __init__(self, path: Path) -> None:
        """Name the files; none is made.

        Args:
            path: The path of the finished file.
        """
        self.path = path
        self.part = path.with_name(path.name + SUFFIX)
        self._note = path.with_name(path.name + SUFFIX + ".json")

    @property
    def n_bytes(self) -> int:
        """Bytes that have been downloaded."""
        return self.part.stat().st_size if self.part.exists() else 0

    @property
    def version(self) -> Version | None:
        """The version that was begun; None where that is not known."""
        try:
            return Version(**json.loads(self._note.read_text("utf-8")))
        except (OSError, ValueError, TypeError, RecursionError):
            return None  # a note that was cut by a crash is as good as none

    def begin(self, version: Version) -> None:
        """Discard what was downloaded, and begin again.

        Args:
            version: The server's description of the file now.
        """
        # Bytes of another version go first: a crash in between must not leave them with this note.
        _open(self.part, os.O_TRUNC).close()
        with _open(self._note, os.O_TRUNC) as file:
            file.write(json.dumps(asdict(version)).encode() + b"\n")

    def append(self) -> BinaryIO:
        """Open the file to append the next bytes."""
        return _open(self.part, os.O_APPEND)

    def discard(self) -> None:
        """Remove both files."""
        self.part.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def publish(self) -> None:
        """Flush the file to the disk, and give it its name."""
        sync(self.part)
        self.part.replace(self.path)
        sync(self.path.parent)
        self._note.unlink(missing_ok=True)


def _open(path: Path, flag: int) -> BinaryIO:
    """Open a file for writing; its name can be foreseen, so that a link there is refused."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | flag
    return os.fdopen(os.open(path, flags, 0o666), "ab")
