"""SHA-256 of files, and the record of a sum beside a file for which none is published."""

import re
from enum import StrEnum
from pathlib import Path

from ..io.atomic import atomic_path
from .errors import DownloadError

SUFFIX = ".sha256"

_LINE = re.compile(r"([0-9a-f]{64})  .+\n?")


class ChecksumOrigin(StrEnum):
    """What a file's bytes were compared with."""

    PUBLISHED = "published"
    """The SHA-256 in the list of downloads."""
    RECORDED = "recorded"
    """The SHA-256 of an earlier download, recorded beside the file."""
    NONE = "none"
    """Nothing: no SHA-256 is published and none was recorded before. It is recorded now."""

    @property
    def explanation(self) -> str:
        """A phrase that says it to a person."""
        return {
            ChecksumOrigin.PUBLISHED: "the published checksum",
            ChecksumOrigin.RECORDED: f"the checksum of what came the first time, in {SUFFIX}",
            ChecksumOrigin.NONE: f"nothing: no checksum is published; this one is now in {SUFFIX}",
        }[self]


def checksum_path(path: Path) -> Path:
    """Where the sum of a file is recorded.

    Args:
        path: The file.
    """
    return path.with_name(path.name + SUFFIX)


def read_checksum(path: Path) -> str | None:
    """The sum that was recorded for a file, if any.

    Args:
        path: The file.

    Raises:
        DownloadError: If the record is damaged.
    """
    record = checksum_path(path)
    try:
        text = record.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise DownloadError(f"{record}: cannot be read: {error}. Remove it.") from error
    found = _LINE.fullmatch(text)
    if found is None:
        raise DownloadError(
            f"{record}: expected one line as sha256sum writes it, found {text[:80]!r}. "
            "Remove it; the sum of what is fetched next is recorded again."
        )
    return found[1]


def record_checksum(path: Path, sha256: str) -> None:
    """Keep the sum of a file beside it, in the form that ``sha256sum --check`` reads.

    Args:
        path: The file.
        sha256: Its sum, hexadecimal.

    Raises:
        DownloadError: If the record cannot be written.
    """
    record = checksum_path(path)
    try:
        with atomic_path(record) as temporary:
            temporary.write_text(f"{sha256}  {path.name}\n", "utf-8")
    except OSError as error:
        raise DownloadError(
            f"{record}: the checksum could not be recorded: {error.strerror}. "
            "Name a folder that can be written to."
        ) from error
