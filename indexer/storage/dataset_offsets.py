"""Where the data sets of an HDF5 file lie, and whether they may be read there.

HDF5 leaves a file's user block alone. A shard has the places of its data sets in it, so that it is
opened by reading one page instead of the headers of fifteen data sets, which lie apart from each
other. Wherever the places come from, the user block or HDF5's own headers, they are numbers that
somebody else may have chosen: they are checked against the format and the size of the file before
memory is looked at by them.
"""

import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
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
_MOST_COLUMNS = 1 << 16
"""No code and no other row of a data set is wider."""


@dataclass(frozen=True, slots=True)
class Column:
    """What a data set of a format must be."""

    formats: tuple[str, ...]
    """Number formats that it may have, as NumPy writes them."""
    length: str
    """What its rows stand for. Data sets whose rows stand for the same are equally long."""
    rank: int = 1


Columns = Mapping[str, Column]
"""The data sets of a format, all of which must be there, by name."""


def dataset_layouts(file: h5py.File) -> dict[str, DatasetLayout]:
    """Where the data sets of a file lie that we wrote and have open, by HDF5.

    Args:
        file: The open file.
    """
    return {
        name: (dataset.dtype.str, dataset.shape, dataset.id.get_offset())
        for name, dataset in file.items()
    }


def write_dataset_layouts(path: Path, layouts: dict[str, DatasetLayout]) -> None:
    """Write at the beginning of a file where its data sets lie.

    Args:
        path: An HDF5 file with a user block, closed.
        layouts: What `dataset_layouts` gave.
    """
    line = json.dumps(layouts, separators=(",", ":")).encode()
    block = line + b"\n%08x\n" % zlib.crc32(line)
    assert len(block) <= USER_BLOCK, len(block)
    with path.open("r+b") as file:
        file.write(block)


def read_dataset_layouts(mapped: Array) -> object:
    """What `write_dataset_layouts` wrote; None where it did not, or where that is damaged.

    Args:
        mapped: The file's bytes.

    Returns:
        The JSON, which `check_layouts` checks.

    Raises:
        ValueError: If the line is whole and no JSON.
        RecursionError: If the JSON is nested too deeply.
    """
    line, _, rest = mapped[:USER_BLOCK].tobytes().partition(b"\n")
    if not line.startswith(b"{") or rest[:9] != b"%08x\n" % zlib.crc32(line):
        return None
    found: object = json.loads(line)
    return found


def check_layouts(layouts: object, columns: Columns, n_file_bytes: int) -> dict[str, DatasetLayout]:
    """Places of data sets, when a format allows them and they lie in the file.

    All is computed in whole numbers of Python, which do not overflow.

    Args:
        layouts: For each data set its number format, shape and offset, as JSON or HDF5 has them.
        columns: What the format says of them.
        n_file_bytes: Size of the file.

    Raises:
        ValueError: If a data set is missing, unknown, of another format or rank, as long as another
            should not be, or lies outside of the file.
    """
    if not isinstance(layouts, dict) or layouts.keys() != columns.keys():
        found = sorted(map(str, layouts)) if isinstance(layouts, dict) else type(layouts).__name__
        raise ValueError(f"expected the data sets {', '.join(columns)}, found {found}")
    checked: dict[str, DatasetLayout] = {}
    lengths: dict[str, int] = {}
    for name, column in columns.items():
        layout = _checked(layouts[name], name, column, n_file_bytes)
        checked[name] = layout
        length = layout[1][0]
        if lengths.setdefault(column.length, length) != length:
            raise ValueError(
                f"{name}: expected {lengths[column.length]} {column.length}, found {length}"
            )
    return checked


def _checked(layout: object, name: str, column: Column, n_file_bytes: int) -> DatasetLayout:
    if not isinstance(layout, list | tuple) or len(layout) != 3:
        raise ValueError(f"{name}: expected number format, shape and offset, found {layout!r:.80}")
    dtype, shape, offset = layout
    if dtype not in column.formats:
        wanted = " or ".join(column.formats)
        raise ValueError(f"{name}: expected numbers of the format {wanted}, found {dtype!r:.80}")
    if not isinstance(shape, list | tuple) or len(shape) != column.rank:
        raise ValueError(f"{name}: expected {column.rank} dimensions, found {shape!r:.80}")
    numbers = [*shape] if offset is None else [*shape, offset]
    if not all(type(number) is int and 0 <= number < 1 << 63 for number in numbers):
        raise ValueError(f"{name}: expected a shape and an offset, found {shape!r} at {offset!r}")
    if any(width > _MOST_COLUMNS for width in shape[1:]):
        raise ValueError(f"{name}: expected at most {_MOST_COLUMNS} columns, found {shape!r}")
    n_bytes = math.prod(shape) * int(dtype[2:])
    if n_bytes if offset is None else offset + n_bytes > n_file_bytes:
        raise ValueError(
            f"{name}: expected {n_bytes} bytes within the file's {n_file_bytes}, found them at "
            f"{offset}"
        )
    return dtype, tuple(shape), offset


def view(mapped: Array, layout: DatasetLayout) -> Array:
    """A data set as a view of the mapped file.

    Args:
        mapped: The file's bytes.
        layout: Where it lies, by `check_layouts`.
    """
    dtype, shape, offset = layout
    if offset is None:  # HDF5 gives an empty data set no place
        return np.zeros(shape, dtype)
    return np.ndarray(shape, dtype, buffer=mapped, offset=offset)
