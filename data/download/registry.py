"""The list of downloads: address, description, licence, size and checksum of each file."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..io.fields import take_optional_text, take_text
from ..io.json_records import JsonObject, as_json_object
from ..io.lines import read_whole_text
from ..io.policy import SourceLocation
from ..io.redaction import redacted
from .errors import DownloadError

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """One file on the web."""

    name: str
    """Its name on the command line."""
    url: str
    description: str
    licence: str
    """The licence, as its publisher states it."""
    citation: str
    size_bytes: int | None = None
    """None where it is not published."""
    sha256: str | None = None
    """Hexadecimal; None where it is not published."""

    @property
    def shown_url(self) -> str:
        """Its address as messages show it, without credentials."""
        return redacted(self.url)

    @property
    def file(self) -> str:
        """Its file name, the last part of its address."""
        return unquote(urlsplit(self.url).path).rpartition("/")[2]


def load_registry(path: str | Path | None = None) -> dict[str, RemoteFile]:
    """Read a list of downloads: the files by name, in its order.

    Args:
        path: A JSON file in the form of ours, ``registry.json``; by default ours.

    Raises:
        DataError: If it cannot be read, or an entry lacks a field or has one of another type.
    """
    path = Path(path) if path is not None else Path(__file__).parent / "registry.json"
    top = SourceLocation(path, None)
    try:
        content = as_json_object(json.loads(read_whole_text(path)), top)
    except (ValueError, RecursionError) as error:
        raise top.error(f"expected JSON, found a fault: {error}. Correct it.") from error
    sources = _take_object(content, "sources", top)
    files = _take_object(content, "files", top)
    return {name: _parse(name, files, sources, path) for name in files}


def find_remote_file(name: str, registry: dict[str, RemoteFile] | None = None) -> RemoteFile:
    """Find a file by its name.

    Args:
        name: Its name.
        registry: The list to look in; by default ours.

    Raises:
        DownloadError: If the list has no such name.
    """
    registry = load_registry() if registry is None else registry
    if name not in registry:
        raise DownloadError(
            f"expected the name of a download ({', '.join(registry)}), found {name!r}. "
            "`preread download --list` says what they are."
        )
    return registry[name]


def _parse(name: str, files: JsonObject, sources: JsonObject, path: Path) -> RemoteFile:
    """One entry, with the licence and citation of its source."""
    location = SourceLocation(path, None, within=f"files[{name!r}]")
    entry = _take_object(files, name, SourceLocation(path, None, within="files"))
    source = take_text(entry, "source", location)
    shared_place = SourceLocation(path, None, within="sources")
    shared = _take_object(sources, source, shared_place)
    shared_place = shared_place._replace(within=f"sources[{source!r}]")
    remote = RemoteFile(
        name=name,
        url=take_text(entry, "url", location),
        description=take_text(entry, "description", location),
        licence=take_text(shared, "licence", shared_place),
        citation=take_text(shared, "citation", shared_place),
        size_bytes=_take_size(entry, location),
        sha256=take_optional_text(entry, "sha256", location) or None,
    )
    if remote.sha256 is not None and not _SHA256.fullmatch(remote.sha256):
        raise location.error(
            f"expected 64 hexadecimal digits in 'sha256', found {remote.sha256!r}. Correct it."
        )
    if urlsplit(remote.url).scheme not in {"http", "https"} or remote.file in {"", ".", ".."}:
        raise location.error(
            f"expected the http or https address of a file in 'url', found {remote.shown_url!r}. "
            "Correct it."
        )
    return remote


def _take_object(owner: JsonObject, name: str, location: SourceLocation) -> JsonObject:
    """A field that must hold a JSON object."""
    if name not in owner:
        raise location.error(f"expected an entry {name!r}, found {', '.join(owner)}. Add it.")
    return as_json_object(owner[name], location)


def _take_size(entry: JsonObject, location: SourceLocation) -> int | None:
    value = entry.get("size_bytes")
    if value is not None and (type(value) is not int or value < 0):
        raise location.error(
            f"expected 'size_bytes' to be null or a number of bytes, found {value!r}. Correct it."
        )
    return value
