"""Advice to the kernel about what will be read, so that a disk reads all of it at once.

A mapped file is read page by page, as its pages are touched; but a disk serves a hundred requests
in little more time than one. On a system that takes no advice, reading works without it.
"""

import ctypes
import mmap
import os
from pathlib import Path

OPENING_BYTES = 1 << 18
"""First bytes of a shard, which opening it reads: small columns, identifiers and titles."""

_ADVISE = getattr(ctypes.CDLL(None), "madvise", None)
if _ADVISE is not None:
    _ADVISE.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
_WILL_NEED = getattr(mmap, "MADV_WILLNEED", 3)


def will_open(path: Path) -> None:
    """Advise that a shard will be opened soon.

    Args:
        path: The shard.

    Raises:
        OSError: If it is not there.
    """
    if not hasattr(os, "posix_fadvise"):  # as on macOS
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, OPENING_BYTES, os.POSIX_FADV_WILLNEED)
    finally:
        os.close(descriptor)


def will_read(address: int, n_bytes: int) -> None:
    """Advise that a part of a mapped file will be read soon.

    Args:
        address: The address of its first byte in memory.
        n_bytes: Its size.
    """
    if _ADVISE is not None:
        before = address % mmap.PAGESIZE
        _ADVISE(address - before, n_bytes + before, _WILL_NEED)
