"""Finding passages by identifier or by text.

A lookup file holds, for a run of passages, the hashes of their identifiers and of their texts,
sorted, each with the passage's ordinal. Hashes may collide: what is found is compared with the
passage itself (`PassageIndex.find`).
"""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ...data import Passage
from ..errors import IndexFormatError
from .dataset_offsets import Array, Column
from .files import check_readable, raise_if_refused
from .hdf5 import create_hdf5, map_columns

KEYS = ("id", "text")
_COLUMNS = {
    f"{name}_{kind}": Column((dtype,), "passages")
    for name in KEYS
    for kind, dtype in (("keys", "<u8"), ("ordinals", "<u4"))
}
_ROW = np.dtype([("id", "<u8"), ("text", "<u8"), ("ordinal", "<u4")])
_BYTES_A_PASSAGE = 24
_ROWS_SORTED_AT_ONCE = 1 << 20


def key_of(string: str) -> int:
    """BLAKE2b-64 of a string's UTF-8 bytes, as a little-endian number.

    Args:
        string: Any text.
    """
    return int.from_bytes(hashlib.blake2b(string.encode("utf-8"), digest_size=8).digest(), "little")


def write_lookup(path: Path, passages: Iterable[tuple[int, Passage]]) -> int:
    """Write the lookup file of passages in bounded memory, and count them.

    Args:
        path: The file; ``path`` with ``.rows`` is used on the way.
        passages: Ordinals and passages.
    """
    rows_path = path.with_name(path.name + ".rows")
    try:
        with rows_path.open("xb") as file:
            for block in _blocks(passages):
                file.write(block.tobytes())
        return _write_sorted(path, rows_path)
    finally:
        rows_path.unlink(missing_ok=True)


def _blocks(passages: Iterable[tuple[int, Passage]]) -> Iterator[Array]:
    """Hashes and ordinals of passages, in blocks."""
    rows = ((key_of(passage.passage_id), key_of(passage.text), o) for o, passage in passages)
    while some := list(islice(rows, _ROWS_SORTED_AT_ONCE // 16)):
        yield np.array(some, _ROW)


def _write_sorted(path: Path, rows_path: Path) -> int:
    """Sort the rows by each of the two keys, one range of keys at a time."""
    n = rows_path.stat().st_size // _ROW.itemsize
    rows = np.memmap(rows_path, _ROW, "r") if n else np.empty(0, _ROW)
    n_ranges = -(-n // _ROWS_SORTED_AT_ONCE)
    bounds = [((i << 64) // max(1, n_ranges)) for i in range(n_ranges + 1)]
    with create_hdf5(path, n * _BYTES_A_PASSAGE) as file:
        for name in KEYS:
            keys = file.create_dataset(f"{name}_keys", (n,), "<u8")
            ordinals = file.create_dataset(f"{name}_ordinals", (n,), "<u4")
            done = 0
            for low, high in zip(bounds, bounds[1:], strict=False):
                inside = rows[name] >= np.uint64(low)
                if high < 1 << 64:
                    inside &= rows[name] < np.uint64(high)
                some = rows[inside]
                some = some[np.lexsort((some["ordinal"], some[name]))]
                keys[done : done + len(some)] = some[name]
                ordinals[done : done + len(some)] = some["ordinal"]
                done += len(some)
    return n


class Lookup:
    """A lookup file, mapped into memory."""

    def __init__(self, path: Path, n: int) -> None:
        """Map the file.

        Args:
            path: The file.
            n: Its number of passages, by the manifest.

        Raises:
            IndexFormatError: If it is no lookup file with this number of passages.
            IndexAccessError: If it cannot be read.
        """
        check_readable(path)
        try:
            column = map_columns(path, _COLUMNS)
            if (found := len(column["id_keys"])) != n:
                raise ValueError(f"expected {n} passages, found {found}")
        except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
            raise_if_refused(path, error)
            raise IndexFormatError(
                f"{path}: not a lookup file ({error}). It is damaged: restore it from a backup, or "
                "build the index again."
            ) from error
        self.keys = {name: column[f"{name}_keys"] for name in KEYS}
        self.ordinals = {name: column[f"{name}_ordinals"] for name in KEYS}

    def candidates(self, name: str, key: int) -> list[int]:
        """Ordinals of the passages with a hash.

        Args:
            name: Of the identifier (``id``) or of the text (``text``).
            key: What `key_of` gives.
        """
        keys = self.keys[name]
        first, end = (int(np.searchsorted(keys, np.uint64(key), side)) for side in _SIDES)
        found: list[int] = self.ordinals[name][first:end].tolist()
        return found


_SIDES: tuple[Any, Any] = ("left", "right")
