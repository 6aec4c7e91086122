"""A shard: one HDF5 file with the codes, token ids and texts of a run of passages.

All data sets are contiguous and uncompressed, so that readers map the file and take rows from
memory (`ShardReader`), without HDF5's cost for every call. ``docs/reference/index-format.md`` has
the whole layout.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ...data import Passage
from ..errors import IndexFormatError
from .dataset_offsets import Array, Column, check_layouts, read_dataset_layouts, view
from .files import check_readable, raise_if_refused
from .mapping import map_file
from .readahead import will_read

STRINGS = ("id", "title", "text")
_COLUMNS = {
    "codes": Column(("<f2", "|u1"), "tokens", rank=2),
    "token_ids": Column(("<u2", "<u4"), "tokens"),
    "window_lengths": Column(("<u2",), "windows"),
    "window_n_prefix": Column(("<u2",), "windows"),
    "window_first_token": Column(("<u4",), "windows"),
    "window_crc32": Column(("<u4",), "windows"),
    "passage_n_windows": Column(("<u4",), "passages"),
    "passage_ordinals": Column(("<u4",), "passages"),
    "passage_crc32": Column(("<u4",), "passages"),
    **{f"{name}_lengths": Column(("<u4",), "passages") for name in STRINGS},
    **{f"{name}_bytes": Column(("|u1",), f"bytes of {name}s") for name in STRINGS},
}
"""The data sets of a shard (``docs/index-format.md``)."""


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """The windows of one passage, as they lie in a shard."""

    codes: Array
    """Shape ``(n_rows, code_width)``."""
    token_ids: Array
    """Shape ``(n_rows,)``, unsigned."""
    lengths: list[int]
    """Rows of each window."""
    n_prefix: list[int]
    first_token: list[int]


class ShardReader:
    """A shard, mapped into memory; nothing is read before it is asked for."""

    def __init__(self, path: str | Path) -> None:
        """Map the file.

        Args:
            path: The file.

        Raises:
            IndexFormatError: If it is no shard.
            IndexAccessError: If it cannot be read.
        """
        path = Path(path)
        self.path = path
        check_readable(path)
        try:
            mapped = map_file(path)
            told = read_dataset_layouts(mapped)
            if told is None:  # HDF5's library, which says it too, can crash at damaged headers
                raise ValueError("its user block does not say where its data sets lie")
            layouts = check_layouts(told, _COLUMNS, len(mapped))
            column = {name: view(mapped, layout) for name, layout in layouts.items()}
            self._take(column)
        except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
            raise_if_refused(path, error)
            raise IndexFormatError(
                f"{path}: not a shard of an index ({error}). The file is damaged: restore it, or "
                "delete the index folder and build it again."
            ) from error

    def _take(self, column: dict[str, Array]) -> None:
        """Take the data sets, and check the numbers that say where in them something lies."""
        self.codes: Array = column["codes"]
        self._token_ids = column["token_ids"]
        self._of_tokens = [
            (rows.ctypes.data, rows.strides[0]) for rows in (self.codes, self._token_ids)
        ]
        self._of_text: int = column["text_bytes"].ctypes.data
        self._n_prefix = column["window_n_prefix"]
        self._first_token = column["window_first_token"]
        self._window_crc32 = column["window_crc32"]
        self.ordinals: Array = column["passage_ordinals"]
        self._passage_crc32 = column["passage_crc32"]
        self._token_offsets = _offsets_in("window_lengths", column["window_lengths"], self.codes)
        self._window_offsets = _offsets_in(
            "passage_n_windows", column["passage_n_windows"], self._n_prefix
        )
        self._strings = {
            name: (column[f"{name}_bytes"], column[f"{name}_lengths"]) for name in STRINGS
        }
        if not bool((column["window_lengths"] > self._n_prefix).all()):
            raise ValueError("window_n_prefix: expected less than the window's tokens")
        if not bool(column["passage_n_windows"].all()):
            raise ValueError("passage_n_windows: expected at least one window")
        if not bool((self.ordinals[1:] > self.ordinals[:-1]).all()):
            raise ValueError("passage_ordinals: expected them ascending")

    @property
    def n_passages(self) -> int:
        """Passages of the shard."""
        return len(self.ordinals)

    @cached_property
    def _string_offsets(self) -> dict[str, Array]:
        """Where each string begins and ends."""
        try:
            return {
                name: _offsets_in(f"{name}_lengths", lengths, joined)
                for name, (joined, lengths) in self._strings.items()
            }
        except ValueError as error:
            raise self._changed(str(error)) from error

    def row_of(self, ordinal: int) -> int | None:
        """Where in the shard a passage lies; None where it is not there.

        Args:
            ordinal: The passage's number in the index.
        """
        row = int(np.searchsorted(self.ordinals, ordinal))
        return row if row < len(self.ordinals) and self.ordinals[row] == ordinal else None

    def will_read(self, row: int) -> None:
        """A passage will be asked for soon: its codes, token ids and text.

        Args:
            row: Its number in the shard.
        """
        first, end = self._token_offsets[self._window_offsets[row : row + 2]].tolist()
        for address, width in self._of_tokens:
            will_read(address + first * width, (end - first) * width)
        first, end = self._string_offsets["text"][row : row + 2].tolist()
        will_read(self._of_text + first, end - first)

    def passage(self, row: int) -> Passage:
        """One passage.

        Args:
            row: Its number in the shard.

        Raises:
            IndexFormatError: If its bytes have changed since they were written.
        """
        found = tuple(self._bytes_of(name, row) for name in STRINGS)
        n_windows = int(self._window_offsets[row + 1] - self._window_offsets[row])
        checksum = passage_checksum(int(self.ordinals[row]), n_windows, found)
        if checksum != self._passage_crc32[row]:
            raise self._changed(f"passage {row}")
        try:
            passage_id, title, text = (b.decode("utf-8") for b in found)
        except UnicodeDecodeError as error:
            raise self._changed(f"passage {row} is no UTF-8, which") from error
        return Passage(passage_id, text, title)

    def windows(self, row: int) -> StoredPassage:
        """Codes and token ids of one passage, checked.

        Args:
            row: Its number in the shard.

        Raises:
            IndexFormatError: If their bytes have changed since they were written.
        """
        first, end = self._window_offsets[row : row + 2].tolist()
        offsets = self._token_offsets[first : end + 1].tolist()
        found = StoredPassage(
            codes=self.codes[offsets[0] : offsets[-1]],
            token_ids=self._token_ids[offsets[0] : offsets[-1]],
            lengths=[b - a for a, b in zip(offsets, offsets[1:], strict=False)],
            n_prefix=self._n_prefix[first:end].tolist(),
            first_token=self._first_token[first:end].tolist(),
        )
        checksums = self._window_crc32[first:end].tolist()
        start = 0
        for number, length in enumerate(found.lengths):
            rows = slice(start, start + length)
            start += length
            checksum = window_checksum(
                found.codes[rows],
                found.token_ids[rows],
                found.n_prefix[number],
                found.first_token[number],
            )
            if checksum != checksums[number]:
                raise self._changed(f"window {first + number}")
        return found

    def _bytes_of(self, name: str, row: int) -> bytes:
        start, end = self._string_offsets[name][row : row + 2].tolist()
        return self._strings[name][0][start:end].tobytes()

    def _changed(self, what: str) -> IndexFormatError:
        return IndexFormatError(
            f"{self.path}: {what} is not what was written. The file is damaged: restore it from a "
            "backup, or build the index again."
        )


def window_checksum(codes: Array, token_ids: Array, n_prefix: int, first_token: int) -> int:
    """CRC-32 of a window's codes, token ids and place, as they lie in the file.

    Args:
        codes: Shape ``(n_window_tokens, code_width)``.
        token_ids: Shape ``(n_window_tokens,)``, unsigned.
        n_prefix: Tokens before the window's text.
        first_token: Which token of the passage's text the window's text begins with.
    """
    checksum = zlib.crc32(np.ascontiguousarray(codes).view(np.uint8).data)
    checksum = zlib.crc32(np.ascontiguousarray(token_ids).view(np.uint8).data, checksum)
    place = n_prefix.to_bytes(2, "little") + first_token.to_bytes(4, "little")
    return zlib.crc32(place, checksum)


def passage_checksum(ordinal: int, n_windows: int, strings: Iterable[bytes]) -> int:
    """CRC-32 of a passage's ordinal, number of windows, and strings with their lengths.

    Args:
        ordinal: The passage's number in the index.
        n_windows: Its windows.
        strings: Its identifier, title and text in UTF-8.
    """
    checksum = zlib.crc32(ordinal.to_bytes(4, "little") + n_windows.to_bytes(4, "little"))
    for string in strings:
        checksum = zlib.crc32(len(string).to_bytes(4, "little"), checksum)
        checksum = zlib.crc32(string, checksum)
    return checksum


def offsets_of(lengths: Sequence[int] | Array) -> Array:
    """Running sum with a leading 0. Shape ``(n + 1,)``, uint64.

    Args:
        lengths: At least 0. Shape ``(n,)``.
    """
    out = np.zeros(len(lengths) + 1, "<u8")
    np.cumsum(lengths, out=out[1:])
    return out


def _offsets_in(name: str, lengths: Array, rows: Array) -> Array:
    """Where runs of rows begin and end, by their lengths."""
    offsets = offsets_of(lengths)
    if int(offsets[-1]) != len(rows):
        raise ValueError(f"{name}: expected a sum of {len(rows)}, found {int(offsets[-1])}")
    return offsets
