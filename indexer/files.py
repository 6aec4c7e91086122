"""Files that are either whole or absent."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..data import PrereadError

_BLOCK_BYTES = 1 << 20


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path``, renamed to it when the block ends well.

    What is written there reaches the disk before the rename, so that after a crash ``path`` holds
    either what it held before or all of the new.

    Args:
        path: The file to be made.

    Yields:
        Where to write it.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        yield temporary
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write JSON, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _sync(path: Path) -> None:
    """Flush a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
