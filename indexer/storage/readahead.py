"""Telling the kernel what will be read, so that a disk works on all of it at once.

A mapped file is read when it is touched, a place after the other; a disk answers a hundred requests
in little more time than one. Advice only: where the system takes none, reading is as it was.
"""

import ctypes
import mmap
import os
from pathlib import Path

OPENING_BYTES = 1 << 18
"""Of a shard's file: what opening it touches, identifiers and titles, and room to spare."""

_ADVISE = getattr(ctypes.CDLL(None), "madvise", None)
if _ADVISE is not None:
    _ADVISE.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
_WILL_NEED = getattr(mmap, "MADV_WILLNEED", 3)


def will_open(path: Path) -> None:
    """A shard will be opened soon.

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
    """Some bytes of a mapped file will be read soon.

    Args:
        address: Where they are mapped.
        n_bytes: How many.
    """
    if _ADVISE is not None:
        before = address % mmap.PAGESIZE
        _ADVISE(address - before, n_bytes + before, _WILL_NEED)
