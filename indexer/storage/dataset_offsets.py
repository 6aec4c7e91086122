"""Where the data sets of a shard lie, told at the beginning of its file.

HDF5 leaves a file's user block alone. With the places there, a shard is opened by reading one page
instead of the headers of fifteen data sets, which lie apart from each other.
"""

import json
import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
DatasetLayout = tuple[str, tuple[int, ...], int | None]
"""Number format, shape, and offset in the file (None where empty) of a data set."""

USER_BLOCK = 2048
"""HDF5 takes a power of two from 512 on; fifteen places need about 700 bytes."""


def dataset_layouts(file: h5py.File) -> dict[str, DatasetLayout]:
    """Where an open file's data sets lie, by HDF5."""
    return {
        name: (dataset.dtype.str, dataset.shape, dataset.id.get_offset())
        for name, dataset in file.items()
    }


def write_dataset_layouts(path: Path, layouts: dict[str, DatasetLayout]) -> None:
    """Tell at the beginning of a file where its data sets lie.

    Args:
        path: An HDF5 file with a user block, closed.
        layouts: What `dataset_layouts` gave.
    """
    line = json.dumps(layouts, separators=(",", ":")).encode()
    block = line + b"\n%08x\n" % zlib.crc32(line)
    assert len(block) <= USER_BLOCK, len(block)
    with path.open("r+b") as file:
        file.write(block)


def read_dataset_layouts(mapped: Array) -> dict[str, DatasetLayout] | None:
    """What `write_dataset_layouts` wrote; None where it did not, or where that is damaged.

    Args:
        mapped: The file's bytes.
    """
    line, _, rest = mapped[:USER_BLOCK].tobytes().partition(b"\n")
    if not line.startswith(b"{") or rest[:9] != b"%08x\n" % zlib.crc32(line):
        return None
    found: dict[str, DatasetLayout] = json.loads(line)
    return found


def view(mapped: Array, layout: DatasetLayout) -> Array:
    """A data set as a view of the mapped file.

    Raises:
        TypeError: If it would end after the file.
    """
    dtype, shape, offset = layout
    if offset is None:  # HDF5 gives an empty data set no place
        return np.zeros(shape, dtype)
    return np.ndarray(shape, dtype, buffer=mapped, offset=offset)
