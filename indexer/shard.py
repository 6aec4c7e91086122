"""A shard: one HDF5 file with the states, token ids and texts of a run of passages.

All data sets are contiguous and uncompressed, so that readers map the file and take rows from
memory (`ShardReader`), without HDF5's cost for every call. ``docs/index-format.md`` has the whole
layout.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
import numpy.typing as npt

from ..data import Passage
from ..reader import Window
from .codec import Codec, Codes
from .errors import IndexFormatError

Array = npt.NDArray[Any]
STRINGS = ("text", "title", "id")


@dataclass(frozen=True, slots=True)
class ShardCounts:
    """How much a shard holds."""

    n_passages: int
    n_windows: int
    n_tokens: int
    n_text_bytes: int


class ShardWriter:
    """Writes one shard; states may come in any order."""

    def __init__(
        self,
        path: Path,
        passages: Sequence[Passage],
        windows: Sequence[Sequence[Window]],
        codec: Codec,
        hidden_size: int,
    ) -> None:
        """Create the file with everything but the states.

        Args:
            path: Where to write.
            passages: The shard's passages, in order.
            windows: For each passage its windows.
            codec: How states are written.
            hidden_size: Width of the states.
        """
        self._codec = codec
        flat = [w for of_passage in windows for w in of_passage]
        self._offsets = offsets_of([len(w.token_ids) for w in flat])
        n_tokens = int(self._offsets[-1])
        self._file = h5py.File(path, "w", libver="v110")
        width = codec.code_width(hidden_size)
        self._states = self._file.create_dataset("states", (n_tokens, width), codec.dtype)
        token_ids = np.fromiter((t for w in flat for t in w.token_ids), "<u4", n_tokens)
        columns: dict[str, Array] = {
            "token_ids": token_ids,
            "window_token_offsets": self._offsets,
            "window_n_prefix": np.array([w.n_prefix for w in flat], "<u4"),
            "window_first_token": np.array([w.first_token for w in flat], "<u4"),
            "passage_window_offsets": offsets_of([len(w) for w in windows]),
        }
        n_text_bytes = 0
        for name in STRINGS:
            values = [getattr(p, "passage_id" if name == "id" else name) for p in passages]
            encoded = [value.encode("utf-8") for value in values]
            columns[f"{name}_offsets"] = offsets_of([len(b) for b in encoded])
            columns[f"{name}_bytes"] = np.frombuffer(b"".join(encoded), np.uint8)
            n_text_bytes += len(columns[f"{name}_bytes"])
        for name, column in columns.items():
            self._file.create_dataset(name, data=column)
        self.counts = ShardCounts(len(passages), len(flat), n_tokens, n_text_bytes)

    def __enter__(self) -> Self:
        """Use as a context: the file is closed at the end."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._file.close()

    def write_states(self, window: int, codes: Codes) -> None:
        """Store the codes of one window.

        Args:
            window: Its number in the shard.
            codes: Shape ``(n_window_tokens, code_width)``.
        """
        self._states[self._offsets[window] : self._offsets[window + 1]] = codes


class ShardReader:
    """A shard, mapped into memory; nothing is read before it is asked for."""

    def __init__(self, path: Path) -> None:
        """Map the file.

        Raises:
            IndexFormatError: If it is no shard.
        """
        self.path = path
        try:
            with h5py.File(path, "r") as file:
                places = {name: _place(file, name) for name in file}
            mapped = np.memmap(path, np.uint8, "r")
            columns = {name: _view(mapped, *place) for name, place in places.items()}
            self.states: Array = columns["states"]
            self.token_ids: Array = columns["token_ids"]
            self.window_token_offsets: Array = columns["window_token_offsets"]
            self.window_n_prefix: Array = columns["window_n_prefix"]
            self.window_first_token: Array = columns["window_first_token"]
            self.passage_window_offsets: Array = columns["passage_window_offsets"]
            self._strings = {
                name: (columns[f"{name}_bytes"], columns[f"{name}_offsets"]) for name in STRINGS
            }
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise IndexFormatError(
                f"{path}: not a shard of an index ({error}). The file is damaged: restore it, or "
                "delete the index folder and build it again."
            ) from error

    @property
    def n_passages(self) -> int:
        """Passages of the shard."""
        return len(self.passage_window_offsets) - 1

    def passage(self, row: int) -> Passage:
        """One passage.

        Args:
            row: Its number in the shard.
        """
        return Passage(self.string("id", row), self.string("text", row), self.string("title", row))

    def string(self, name: str, row: int) -> str:
        """Text, title or identifier of a passage.

        Args:
            name: One of `STRINGS`.
            row: The passage's number in the shard.
        """
        data, offsets = self._strings[name]
        return data[offsets[row] : offsets[row + 1]].tobytes().decode("utf-8")


def offsets_of(lengths: Sequence[int]) -> Array:
    """Running sum with a leading 0. Shape ``(n + 1,)``, uint64."""
    out = np.zeros(len(lengths) + 1, "<u8")
    np.cumsum(lengths, out=out[1:])
    return out


def _place(file: h5py.File, name: str) -> tuple[np.dtype[Any], tuple[int, ...], int | None]:
    """Number format, shape, and offset in the file (None where empty) of a data set."""
    dataset = file[name]
    return dataset.dtype, dataset.shape, dataset.id.get_offset()


def _view(mapped: Array, dtype: np.dtype[Any], shape: tuple[int, ...], offset: int | None) -> Array:
    """A data set as a view of the mapped file."""
    if offset is None:  # HDF5 gives an empty data set no place
        return np.zeros(shape, dtype)
    return np.ndarray(shape, dtype, buffer=mapped, offset=offset)
