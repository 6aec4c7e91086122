"""JSON files of an index: of limited size, and some with a seal over their content."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from ...data.io.atomic import atomic_path
from ..errors import IndexFormatError, cannot_be_read
from .files import open_regular

_SEAL = "sha256"
_SEAL_AT_END = re.compile(rb',\n  "sha256": "([0-9a-f]{64})"\n\}\n')
_SEAL_BYTES = len(',\n  "sha256": ""\n}\n') + 64
MAX_JSON_BYTES = 1 << 26
"""No JSON file of an index is larger. The manifest has some 400 bytes for each shard: 64 MiB are
enough for more than 300 million passages in shards of the default size."""


def write_json(path: Path, content: Any) -> None:
    """Write JSON, atomically.

    Args:
        path: The file.
        content: What `json` can write.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(_render(content) + "\n", "utf-8")


def write_sealed_json(path: Path, content: dict[str, Any]) -> None:
    """Write an object and, as its last key, the SHA-256 of the rest, atomically.

    Args:
        path: The file.
        content: The object, without the key ``sha256``.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(_sealed(content), "utf-8")


def read_bounded(path: Path, max_bytes: int = MAX_JSON_BYTES) -> bytes:
    """The content of a file of limited size.

    Args:
        path: The file.
        max_bytes: More is refused before it is read.

    Raises:
        IndexFormatError: If it is larger, or no regular file.
        IndexAccessError: If it cannot be read.
    """
    with open_regular(path) as file:
        try:
            content = file.read(max_bytes + 1)
        except OSError as error:
            raise cannot_be_read(path, error) from error
    if len(content) > max_bytes:
        raise IndexFormatError(
            f"{path}: expected at most {max_bytes:,} bytes, found more. No index has such a file; "
            "restore it from a backup, or build the index again."
        )
    return content


def parse_json_object(content: bytes, path: Path | str) -> dict[str, Any]:
    """A JSON object that somebody else may have written.

    Args:
        content: The JSON.
        path: Where it was found, for messages.

    Raises:
        IndexFormatError: If it is no JSON, nested too deeply, or no object.
    """
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(found, dict):
        raise _damaged(path, f"expected a JSON object, found {type(found).__name__}")
    return found


def read_sealed_json(path: Path) -> dict[str, Any]:
    """Read what `write_sealed_json` wrote, without the seal.

    Args:
        path: The file.

    Raises:
        IndexFormatError: If a byte has changed.
        IndexAccessError: If the file cannot be read.
    """
    return parse_sealed_json(read_bounded(path), path)


def parse_sealed_json(content: bytes, path: Path | str) -> dict[str, Any]:
    """The object in a sealed file's content, without the seal.

    Args:
        content: What is in the file.
        path: Where it was found, for messages.

    Raises:
        IndexFormatError: If the content is not what its seal is of.
    """
    end = len(content) - _SEAL_BYTES
    seal = _SEAL_AT_END.fullmatch(content, max(0, end))
    if seal is None:
        raise _damaged(path, f"expected a seal ({_SEAL}) at the end, found none")
    body = content[:end] + b"\n}"
    if hashlib.sha256(body).hexdigest().encode() != seal[1]:
        raise _damaged(path, f"its {_SEAL} {seal[1][:12].decode()} is not that of its content")
    return parse_json_object(body, path)


def _render(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False)


def _sealed(content: dict[str, Any]) -> str:
    """The object with its seal, as it stands in the file."""
    body = _render(content)
    seal = hashlib.sha256(body.encode("utf-8")).hexdigest()
    return f'{body[:-2]},\n  "{_SEAL}": "{seal}"\n}}\n'


def _damaged(path: Path | str, reason: str) -> IndexFormatError:
    return IndexFormatError(
        f"{path}: its bytes are not those that were written ({reason}). The file is damaged; "
        "restore it from a backup, or build the index again."
    )
