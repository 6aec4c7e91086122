"""Files that hold, after a crash too, either what they held before or all of the new."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: Path, writer: str = "") -> Iterator[Path]:
    """A temporary path beside ``path``, renamed to it when the block ends well.

    What is written there reaches the disk before the rename, so that after a crash ``path`` holds
    either what it held before or all of the new.

    Args:
        path: The file to be made.
        writer: Part of the temporary name, where several may write the same file at a time.

    Yields:
        Where to write it.
    """
    temporary = path.with_name(f"{path.name}{writer}.tmp")
    try:
        yield temporary
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Flush a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
