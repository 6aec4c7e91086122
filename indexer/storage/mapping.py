"""Files mapped into memory, without an open file for each.

``mmap.mmap`` and `numpy.memmap` keep the file open. A large index has more shards than a process
may have open files.
"""

import ctypes
import mmap
import os
import weakref
from pathlib import Path

import numpy as np

from .dataset_offsets import Array

_LIBRARY = ctypes.CDLL(None, use_errno=True)
_MAP = _LIBRARY.mmap
_MAP.restype = ctypes.c_void_p
_MAP.argtypes = (
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_longlong,
)
_UNMAP = _LIBRARY.munmap
_UNMAP.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_FAILED = ctypes.c_void_p(-1).value


def map_file(path: Path) -> Array:
    """Map a file into memory until the array and all its views are gone.

    Args:
        path: The file.

    Returns:
        Its bytes, read-only. Shape ``(n_bytes,)``, uint8.

    Raises:
        OSError: If it cannot be opened or mapped.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        size = os.fstat(descriptor).st_size
        if size == 0:
            return np.empty(0, np.uint8)
        address = _MAP(None, size, mmap.PROT_READ, mmap.MAP_SHARED, descriptor, 0)
        if address == _FAILED:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(path))
    finally:
        os.close(descriptor)
    memory = (ctypes.c_ubyte * size).from_address(address)
    # The process's end removes all mappings: other threads may still read then.
    weakref.finalize(memory, _UNMAP, address, size).atexit = False
    mapped: Array = np.frombuffer(memory, np.uint8)  # type: ignore[call-overload]
    mapped.flags.writeable = False
    return mapped
