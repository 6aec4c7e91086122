"""HDF5 files: created so that they cannot run out of disk half-way, read by mapping.

Of a file that somebody else made, HDF5's own library only tells where the data sets lie. It reads
no data, and follows nothing out of the file.
"""

import os
from pathlib import Path

import h5py
import numpy as np

from .dataset_offsets import Array, Columns, DatasetLayout, check_layouts, view

_METADATA_BYTES = 1 << 13
"""What HDF5 writes besides the data of our data sets, at most; it does not give the rest back."""


def create_hdf5(path: Path, n_bytes: int, *, user_block: int = 0) -> h5py.File:
    """Create a file for a number of bytes, the room for which is taken at once.

    A write that fails leaves HDF5 in a state in which closing the file may crash the process. So a
    full disk is found before HDF5 is asked to write.

    Args:
        path: The file.
        n_bytes: Of all data sets.
        user_block: Bytes at the beginning that are left to us: 0, or a power of two from 512 on.

    Raises:
        OSError: If the disk is full.
    """
    n_bytes += user_block + _METADATA_BYTES
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, n_bytes)
    created = h5py.File(_create(path, user_block))
    with path.open("r+b") as file:  # opening it anew gave the room back
        os.posix_fallocate(file.fileno(), 0, n_bytes)
    return created


def _create(path: Path, user_block: int) -> h5py.h5f.FileID:
    """An empty file whose bytes do not depend on the clock: h5py before 3.15 notes the time."""
    creation = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    creation.set_obj_track_times(False)
    creation.set_userblock(user_block)
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(h5py.h5f.LIBVER_V110, h5py.h5f.LIBVER_LATEST)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    access.set_file_locking(False, True)  # some file systems have no locks; ours is another file
    return h5py.h5f.create(os.fsencode(path), h5py.h5f.ACC_TRUNC, creation, access)


def read_layouts(path: Path, columns: Columns) -> dict[str, DatasetLayout]:
    """Where the data sets of a file lie, by HDF5's own headers.

    Args:
        path: The file.
        columns: What the format says of them.

    Raises:
        OSError: If it is no HDF5 file.
        ValueError: If it has other data sets than these, one is of another kind than ours
            (compressed, in pieces, virtual, or in another file), or one lies outside of the file.
        RuntimeError: If HDF5 cannot read a header.
    """
    with h5py.File(path, "r", locking=False) as file:
        names = list(file)
        layouts = {name: _layout(file, name) for name in names if name in columns}
    if unknown := set(names) - columns.keys():
        raise ValueError(f"expected the data sets {', '.join(columns)}, found {sorted(unknown)}")
    return check_layouts(layouts, columns, path.stat().st_size)


def map_columns(path: Path, columns: Columns) -> dict[str, Array]:
    """The data sets of a file, mapped into memory; they outlive the file's handle.

    Args:
        path: The file.
        columns: What the format says of them.

    Raises:
        OSError: If it is no HDF5 file.
        ValueError: If its data sets are not those of the format, or lie outside of the file.
        RuntimeError: If HDF5 cannot read a header.
    """
    layouts = read_layouts(path, columns)
    mapped = np.memmap(path, np.uint8, "r")
    return {name: view(mapped, layout) for name, layout in layouts.items()}


def integer_attribute(path: Path, name: str) -> int:
    """A whole number that stands in a file beside its data sets.

    Args:
        path: The file.
        name: What the number is called.

    Raises:
        OSError: If it is no HDF5 file.
        KeyError: If there is no such attribute.
        ValueError: If it is no whole number.
    """
    with h5py.File(path, "r", locking=False) as file:
        attribute = file.attrs.get_id(name)
        if attribute.shape != () or attribute.dtype.kind not in "iu":
            raise ValueError(f"{name}: expected a whole number, found another attribute")
        found = np.empty((), attribute.dtype)
        attribute.read(found)
        return int(found)


def _layout(file: h5py.File, name: str) -> DatasetLayout:
    """Number format, shape and offset of one data set."""
    # Before the object is opened, which would follow the link.
    link = file.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        raise ValueError(f"{name}: expected a data set, found a {type(link).__name__}")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset):
        raise ValueError(f"{name}: expected a data set, found a {type(dataset).__name__}")
    made = dataset.id.get_create_plist()
    if made.get_layout() != h5py.h5d.CONTIGUOUS or made.get_nfilters() or made.get_external_count():
        raise ValueError(
            f"{name}: expected its numbers in one piece of this file, found them compressed, in "
            "pieces, or elsewhere"
        )
    if dataset.id.get_type().get_class() not in (h5py.h5t.INTEGER, h5py.h5t.FLOAT):
        raise ValueError(f"{name}: expected numbers, found another type")
    if dataset.id.get_space().get_simple_extent_type() != h5py.h5s.SIMPLE:
        raise ValueError(f"{name}: expected an array, found something else")
    return dataset.dtype.str, dataset.shape, dataset.id.get_offset()
