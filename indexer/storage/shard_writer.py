"""Writing a shard."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from ...data import Passage
from ...reader import Window
from .dataset_offsets import USER_BLOCK, Array, dataset_layouts, write_dataset_layouts
from .hdf5 import create_hdf5
from .shard_reader import STRINGS, offsets_of, passage_checksum, window_checksum

_SMALL_VOCABULARY = 1 << 16


@dataclass(frozen=True, slots=True)
class ShardCounts:
    """Numbers of what a shard holds."""

    n_passages: int
    n_windows: int
    n_tokens: int
    n_text_bytes: int


class ShardWriter:
    """Writes one shard; codes may come in any order."""

    def __init__(
        self,
        path: str | Path,
        ordinals: Sequence[int],
        passages: Sequence[Passage],
        windows: Sequence[Sequence[Window]],
        code_dtype: np.dtype[Any],
        code_width: int,
        vocab_size: int,
    ) -> None:
        """Create the file with all data sets but the codes.

        Args:
            path: Where to write.
            ordinals: Number of each passage in the index, ascending.
            passages: The shard's passages, in order.
            windows: For each passage its windows.
            code_dtype: Number format of the codes.
            code_width: Numbers in a token's code.
            vocab_size: Token ids take 2 bytes if it is at most 65,536, otherwise 4.
        """
        path = Path(path)
        self._windows = [w for of_passage in windows for w in of_passage]
        self._offsets = offsets_of([len(w.token_ids) for w in self._windows])
        self._id_dtype = np.dtype("<u2" if vocab_size <= _SMALL_VOCABULARY else "<u4")
        self._checksums = np.zeros(len(self._windows), "<u4")
        n_tokens = int(self._offsets[-1])
        strings = [_strings(passage) for passage in passages]
        of_name = dict(zip(STRINGS, zip(*strings, strict=True), strict=True))
        # Columns that opening a shard reads come first, so that one read from the disk has them.
        columns: dict[str, Array] = {
            "window_lengths": np.array([len(w.token_ids) for w in self._windows], "<u2"),
            "passage_n_windows": np.array([len(of_passage) for of_passage in windows], "<u4"),
            "passage_ordinals": np.array(ordinals, "<u4"),
            "window_n_prefix": np.array([w.n_prefix for w in self._windows], "<u2"),
            "window_first_token": np.array([w.first_token for w in self._windows], "<u4"),
            "window_crc32": np.zeros(len(self._windows), "<u4"),
            "passage_crc32": np.array(
                [
                    passage_checksum(ordinal, len(of_passage), texts)
                    for ordinal, of_passage, texts in zip(ordinals, windows, strings, strict=True)
                ],
                "<u4",
            ),
        }
        for name, values in of_name.items():
            columns[f"{name}_lengths"] = np.array([len(b) for b in values], "<u4")
        joined = {name: np.frombuffer(b"".join(of_name[name]), np.uint8) for name in STRINGS}
        token_ids = (t for w in self._windows for t in w.token_ids)
        columns["id_bytes"], columns["title_bytes"] = joined["id"], joined["title"]
        columns["token_ids"] = np.fromiter(token_ids, self._id_dtype, n_tokens)
        columns["text_bytes"] = joined["text"]
        of_columns = sum(column.nbytes for column in columns.values())
        of_codes = n_tokens * code_width * np.dtype(code_dtype).itemsize
        self._path = path
        self._file = create_hdf5(path, of_columns + of_codes, user_block=USER_BLOCK)
        self._codes = self._file.create_dataset("codes", (n_tokens, code_width), code_dtype)
        for name, column in columns.items():
            self._file.create_dataset(name, data=column)
        n_text_bytes = sum(len(columns[f"{name}_bytes"]) for name in STRINGS)
        self.counts = ShardCounts(len(passages), len(self._windows), n_tokens, n_text_bytes)

    def __enter__(self) -> Self:
        """Use as a context: the file is closed at the end."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        """Write the checksums, close the file, and write where its data sets lie."""
        if kind is None:
            self._file["window_crc32"][:] = self._checksums
            layouts = dataset_layouts(self._file)
        self._file.close()
        if kind is None:
            write_dataset_layouts(self._path, layouts)

    def write_codes(self, window: int, codes: Array) -> None:
        """Store the codes of one window.

        Args:
            window: Its number in the shard.
            codes: Shape ``(n_window_tokens, code_width)``.
        """
        self._codes[self._offsets[window] : self._offsets[window + 1]] = codes
        described = self._windows[window]
        self._checksums[window] = window_checksum(
            codes,
            np.array(described.token_ids, self._id_dtype),
            described.n_prefix,
            described.first_token,
        )


def _strings(passage: Passage) -> tuple[bytes, ...]:
    """A passage's identifier, title and text in UTF-8, in the order of `STRINGS`."""
    fields = passage.passage_id, passage.title, passage.text
    return tuple(field.encode("utf-8") for field in fields)
