"""What has come of a file so far, and of which version of it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ..io.atomic import sync

SUFFIX = ".part"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What a server said of the file when its first bytes came."""

    url: str
    etag: str | None = None
    last_modified: str | None = None
    size_bytes: int | None = None

    @property
    def validator(self) -> str | None:
        """What may stand in ``If-Range``: a strong ETag, or else a date.

        Source: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5.
        """
        if self.etag is not None and not self.etag.startswith("W/"):
            return self.etag
        return self.last_modified

    def may_be(self, other: "Version") -> bool:
        """Whether nothing that both say differs."""
        pairs = (
            (self.etag, other.etag),
            (self.last_modified, other.last_modified),
            (self.size_bytes, other.size_bytes),
        )
        return all(pair[0] == pair[1] for pair in pairs if None not in pair)


class PartialFile:
    """A file that is being fetched: ``NAME.part``, and ``NAME.part.json`` with its version."""

    def __init__(self, path: Path) -> None:
        """Look at what is there of ``path``; nothing is made."""
        self.path = path
        self.part = path.with_name(path.name + SUFFIX)
        self._note = path.with_name(path.name + SUFFIX + ".json")

    @property
    def n_bytes(self) -> int:
        """How much has come."""
        return self.part.stat().st_size if self.part.exists() else 0

    @property
    def version(self) -> Version | None:
        """Of which version; None where that is not known."""
        try:
            return Version(**json.loads(self._note.read_text("utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None  # a note that was cut by a crash is as good as none

    def begin(self, version: Version) -> None:
        """Start afresh."""
        # First the bytes of another version go, or a crash in between would let them pass for ours.
        self.part.write_bytes(b"")
        self._note.write_text(json.dumps(asdict(version)) + "\n", "utf-8")

    def discard(self) -> None:
        """Remove what has come."""
        self.part.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def publish(self) -> None:
        """Give the file its name, once all of it is on the disk."""
        sync(self.part)
        self.part.replace(self.path)
        sync(self.path.parent)
        self._note.unlink(missing_ok=True)
