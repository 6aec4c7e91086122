"""Writing files so that a crash leaves either the old content or the new, never a part."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: Path, writer: str = "") -> Iterator[Path]:
    """Give a temporary path beside ``path`` and rename it to ``path`` when the block succeeds.

    The content reaches the disk before the rename. If the block raises, ``path`` keeps what it
    held before.

    Args:
        path: The file to write.
        writer: Added to the temporary name; tells apart processes that write the same file at the
            same time.

    Yields:
        The temporary path, to which the block writes.

    Raises:
        OSError: If the file cannot be flushed or renamed.
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
    """Flush a file or a folder to the disk.

    Args:
        path: The file or folder.

    Raises:
        OSError: If it cannot be opened or flushed.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
