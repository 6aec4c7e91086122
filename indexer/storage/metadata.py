"""What is known of passages besides their texts: fields by name, compressed.

A metadata file holds the fields of some passages, by ascending ordinals. Blocks of them are JSON
arrays, each compressed with zlib, which checks what it gives back. Of a passage that is in several
files of an index, the newest tells.
"""

import json
import math
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ...data import PrereadError
from ...data.io.atomic import atomic_path
from ...data.records import Metadata
from ..errors import IndexFormatError
from .dataset_offsets import Array, Column
from .files import check_readable, make_folder, raise_if_refused
from .hdf5 import create_hdf5, integer_attribute, map_columns
from .json_files import MAX_JSON_BYTES
from .manifest import METADATA_FOLDER, CountedFile

PASSAGES_PER_BLOCK = 32
"""Larger blocks are compressed better, and take longer to get one passage from."""
_BLOCKS_KEPT = 32
"""Blocks that stay decompressed."""
_PER_BLOCK = "passages_per_block"
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_COLUMNS = {
    "ordinals": Column(("<u4",), "passages"),
    "block_offsets": Column(("<u8",), "ends of blocks"),
    "blocks": Column(("|u1",), "bytes"),
}


class MetadataWriter:
    """Collects the fields of passages, compressed in memory, and writes them as one file."""

    def __init__(self) -> None:
        """Begin without passages."""
        self._ordinals: list[int] = []
        self._rows: list[Metadata] = []
        self._blocks: list[bytes] = []

    def add(self, ordinal: int, metadata: Metadata) -> None:
        """Take the fields of a passage.

        Args:
            ordinal: Its number; higher than that of the passage before.
            metadata: Its fields; may be empty.

        Raises:
            PrereadError: If the fields of a block have more bytes than a reader accepts.
        """
        assert not self._ordinals or self._ordinals[-1] < ordinal
        self._ordinals.append(ordinal)
        self._rows.append(metadata)
        if len(self._rows) == PASSAGES_PER_BLOCK:
            self._end_block()

    def write(self, index: Path, generation: int) -> CountedFile | None:
        """Write the file; None where no passage was added.

        Args:
            index: The index folder.
            generation: The first whose manifest has the file.
        """
        if not self._ordinals:
            return None
        self._end_block()
        make_folder(index / METADATA_FOLDER)
        file = f"{METADATA_FOLDER}/metadata-{generation:06d}.h5"
        offsets = np.cumsum([0, *map(len, self._blocks)]).astype("<u8")
        columns = {
            "ordinals": np.array(self._ordinals, "<u4"),
            "block_offsets": offsets,
            "blocks": np.frombuffer(b"".join(self._blocks), np.uint8),
        }
        with atomic_path(index / file) as temporary:
            with create_hdf5(temporary, sum(c.nbytes for c in columns.values())) as created:
                created.attrs[_PER_BLOCK] = PASSAGES_PER_BLOCK
                for name, column in columns.items():
                    created.create_dataset(name, data=column)
        return CountedFile.count(index, file, len(self._ordinals))

    def _end_block(self) -> None:
        if self._rows:
            line = json.dumps(self._rows, ensure_ascii=False, separators=(",", ":"))
            content = line.encode("utf-8")
            if len(content) > MAX_JSON_BYTES:
                raise PrereadError(
                    f"metadata: expected at most {MAX_JSON_BYTES >> 20} MiB of fields besides the "
                    f"text in {len(self._rows)} passages that follow each other, found "
                    f"{len(content) >> 20:,} MiB. Leave out the long ones."
                )
            self._blocks.append(zlib.compress(content, 9))
            self._rows = []


class MetadataFile:
    """A metadata file, mapped into memory."""

    def __init__(self, path: Path) -> None:
        """Map the file.

        Args:
            path: The file.

        Raises:
            IndexFormatError: If it is none.
            IndexAccessError: If it cannot be read.
        """
        self._path = path
        check_readable(path)
        try:
            column = map_columns(path, _COLUMNS)
            self.ordinals: Array = column["ordinals"]
            self._offsets, self._blocks = column["block_offsets"], column["blocks"]
            self._per_block = integer_attribute(path, _PER_BLOCK)
            self._check()
        except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
            raise_if_refused(path, error)
            raise self._damaged(error) from error
        self._block = lru_cache(_BLOCKS_KEPT)(self._decompressed)

    def get(self, ordinal: int) -> Metadata | None:
        """The fields of a passage; None where the file does not speak of it.

        Args:
            ordinal: The passage's number.

        Raises:
            IndexFormatError: If bytes have changed since they were written.
        """
        row = int(np.searchsorted(self.ordinals, ordinal))
        if row == len(self.ordinals) or self.ordinals[row] != ordinal:
            return None
        number, place = divmod(row, self._per_block)
        return self._block(number)[place]

    def __iter__(self) -> Iterator[tuple[int, Metadata]]:
        """All passages of the file, by ascending ordinals, with their fields."""
        ordinals = iter(self.ordinals.tolist())
        for number in range(len(self._offsets) - 1):
            for metadata in self._decompressed(number):
                yield next(ordinals), metadata

    def _check(self) -> None:
        """Make sure that the numbers lead to places in the file."""
        n, n_blocks = len(self.ordinals), len(self._offsets) - 1
        if n_blocks < 0 or self._per_block < 1 or n_blocks != -(-n // self._per_block):
            raise ValueError(f"{n_blocks} blocks of {self._per_block} for {n} passages")
        ends = self._offsets
        is_ascending = bool((ends[1:] >= ends[:-1]).all())
        if int(ends[0]) != 0 or int(ends[-1]) != len(self._blocks) or not is_ascending:
            raise ValueError("block_offsets: expected them to end with the blocks")
        if not bool((self.ordinals[1:] > self.ordinals[:-1]).all()):
            raise ValueError("ordinals: expected them ascending")

    def _decompressed(self, number: int) -> list[Metadata]:
        start, end = self._offsets[number : number + 2].tolist()
        n = min(self._per_block, len(self.ordinals) - number * self._per_block)
        try:
            stream = zlib.decompressobj()
            content = stream.decompress(self._blocks[start:end].tobytes(), MAX_JSON_BYTES)
            if not stream.eof:
                raise ValueError(f"a block of more than {MAX_JSON_BYTES:,} bytes, or half of one")
            found: Any = json.loads(content)
            if not isinstance(found, list) or len(found) != n:
                raise ValueError(f"expected the fields of {n} passages")
            if not all(isinstance(fields, dict) for fields in found):
                raise ValueError("expected fields by name")
            if not all(
                _is_value(name) and _is_value(fields[name]) for fields in found for name in fields
            ):
                raise ValueError("expected texts, numbers, truth values and lists of texts")
        except (zlib.error, ValueError, RecursionError) as error:
            raise self._damaged(error) from error
        return found

    def _damaged(self, error: Exception) -> IndexFormatError:
        return IndexFormatError(
            f"{self._path}: not a metadata file, or its bytes have changed ({error}). Restore it "
            "from a backup, or build the index again."
        )


def _is_value(value: object) -> bool:
    """Whether a value is one that a field may have, and can be compared and shown."""
    if isinstance(value, str):
        return value.isascii() or _SURROGATE.search(value) is None
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list):
        return all(isinstance(one, str) and _is_value(one) for one in value)
    return isinstance(value, int)


def write_metadata(
    index: Path, metadata: Mapping[int, Metadata], generation: int
) -> tuple[CountedFile, ...]:
    """Write the fields of some passages as one file of a manifest, or none if there are none.

    Args:
        index: The index folder.
        metadata: Fields by ordinal.
        generation: The first whose manifest has the file.
    """
    writer = MetadataWriter()
    for ordinal, fields in sorted(metadata.items()):
        writer.add(ordinal, fields)
    file = writer.write(index, generation)
    return (file,) if file else ()


def newest(files: Sequence[MetadataFile]) -> dict[int, Metadata]:
    """The fields of all passages of an index, by ascending ordinals.

    Args:
        files: The index's files, the newest last.
    """
    found: dict[int, Metadata] = {}
    for file in files:
        found.update(file)
    return dict(sorted(found.items()))
