"""HDF5 files: created so that they cannot run out of disk half-way, read by mapping."""

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

_METADATA_BYTES = 1 << 13
"""What HDF5 writes besides the data of our data sets, at most; it does not give the rest back."""


def create_hdf5(path: Path, n_bytes: int, *, user_block: int = 0) -> h5py.File:
    """Create a file for so much data, the room for it taken at once.

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


def map_dataset(path: Path, dataset: h5py.Dataset) -> npt.NDArray[Any]:
    """A contiguous data set of an open file, mapped into memory; it outlives the file's handle."""
    offset = dataset.id.get_offset()
    if offset is None:  # HDF5 gives an empty data set no place
        return np.zeros(dataset.shape, dataset.dtype)
    return np.memmap(path, dataset.dtype, "r", offset, dataset.shape)
