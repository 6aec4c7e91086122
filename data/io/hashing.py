"""Checksums of files."""

import hashlib
from pathlib import Path

from tqdm import tqdm

_BLOCK_BYTES = 1 << 20


def sha256_of(path: Path, *, show_progress: bool = False) -> str:
    """Compute the SHA-256 of a file, in lower-case hexadecimal.

    Args:
        path: The file.
        show_progress: Whether to show a progress bar after two seconds.

    Raises:
        OSError: If the file cannot be read.
    """
    digest = hashlib.sha256()
    bar = tqdm(
        total=path.stat().st_size,
        desc="checking",
        unit="B",
        unit_scale=True,
        delay=2,
        disable=not show_progress,
    )
    with path.open("rb") as file, bar:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            bar.update(len(block))
    return digest.hexdigest()
