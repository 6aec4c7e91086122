"""NumPy files of one array whose number format and shape are known beforehand."""

import io
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import IndexFormatError
from .dataset_offsets import Array
from .files import check_readable


def write_array(path: Path, array: Array) -> None:
    """Write an array as a NumPy file.

    Args:
        path: The file; what it held is lost.
        array: Any shape, little-endian.
    """
    with path.open("wb") as stream:
        np.save(stream, np.ascontiguousarray(array), allow_pickle=False)


def map_array(path: Path, dtype: str, shape: tuple[int, ...]) -> Array:
    """Map a NumPy file into memory.

    The file must begin with the header that an array of this form has, so that nothing which
    somebody else wrote is parsed.

    Args:
        path: What `write_array` wrote.
        dtype: Number format of the array, as NumPy writes it.
        shape: Its shape.

    Raises:
        IndexFormatError: If there is another array, or none.
        IndexAccessError: If it cannot be read.
    """
    check_readable(path)
    header = _header(dtype, shape)
    n_bytes = len(header) + int(np.dtype(dtype).itemsize) * int(np.prod(shape, dtype=object))
    with path.open("rb") as file:
        is_ours = file.read(len(header)) == header and path.stat().st_size == n_bytes
    if not is_ours:
        raise IndexFormatError(
            f"{path}: expected a NumPy file of {shape} numbers of the format {dtype}, found "
            "something else. The file is damaged: restore it from a backup, or make it again."
        )
    if n_bytes == len(header):
        return np.empty(shape, dtype)
    mapped: np.memmap[Any, Any] = np.memmap(path, dtype, "r", len(header), shape)
    return mapped


def _header(dtype: str, shape: tuple[int, ...]) -> bytes:
    """What a NumPy file of an array begins with."""
    stream = io.BytesIO()
    fields: Any = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, fields)
    return stream.getvalue()
