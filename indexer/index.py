"""An index that is open for reading."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from ..data import Passage
from ..reader import Packed, Reader, WindowTable
from .bm25 import Bm25Searcher
from .codec import make_codec
from .errors import IndexFormatError, IndexMismatchError
from .manifest import LUCENE_FOLDER, Manifest, ShardEntry
from .shard import ShardReader


class PassageIndex:
    """Passages, their stored states, and the BM25 index over them.

    Shards are mapped into memory when they are first needed. Passages are numbered by their place
    in the corpus (``ordinal``).
    """

    def __init__(self, path: Path) -> None:
        """Open an index.

        Args:
            path: The index folder.

        Raises:
            IndexFormatError: If it is missing, unfinished, or a shard is missing or cut short.
        """
        self.path = path
        self.manifest = Manifest.load(path)
        for shard in self.manifest.shards:
            _check_size(path, shard)
        ends = np.cumsum([shard.n_passages for shard in self.manifest.shards])
        self._firsts = np.concatenate([[0], ends])
        self._codec = make_codec(self.manifest.plan.codec)
        self._shards: dict[int, ShardReader] = {}

    def __len__(self) -> int:
        """Number of passages."""
        return self.manifest.n_passages

    @cached_property
    def bm25(self) -> Bm25Searcher:
        """The BM25 index; starts Java at the first use.

        Raises:
            IndexFormatError: If it is damaged.
        """
        return Bm25Searcher(self.path / LUCENE_FOLDER)

    def check_reader(self, reader: Reader) -> None:
        """Make sure that a reader can go on from the stored states.

        Raises:
            IndexMismatchError: If another reader made them.
        """
        plan = self.manifest.plan
        if reader.fingerprint == plan.fingerprint:
            return
        raise IndexMismatchError(
            f"{self.path}: index was built with reader {plan.reader!r} "
            f"({plan.hidden_size} wide, {plan.num_lower_layers} lower layers, fingerprint "
            f"{plan.fingerprint[:12]}), but the reader is {reader.name!r} "
            f"({reader.config.hidden_size} wide, {reader.config.num_lower_layers} lower layers, "
            f"fingerprint {reader.fingerprint[:12]}). Use that reader, or build the index again "
            "with `preread index`."
        )

    def passage(self, ordinal: int) -> Passage:
        """One passage.

        Raises:
            IndexError: If the ordinal is out of range.
        """
        shard, row = self._locate(ordinal)
        return shard.passage(row)

    def fetch(self, ordinals: Sequence[int]) -> tuple[Packed, WindowTable]:
        """Stored states of some passages.

        Args:
            ordinals: Which passages.

        Returns:
            States of all their windows, one after the other, shape ``(n_rows, hidden_size)``,
            float32; and the windows' table, whose ``passage`` counts in ``ordinals``.
        """
        codes, lengths, n_prefix, first_token, passage = [], [], [], [], []
        for number, ordinal in enumerate(ordinals):
            shard, row = self._locate(ordinal)
            first, end = shard.passage_window_offsets[row : row + 2].tolist()
            offsets = shard.window_token_offsets[first : end + 1].tolist()
            codes.append(shard.states[offsets[0] : offsets[-1]])
            lengths += [b - a for a, b in zip(offsets, offsets[1:], strict=False)]
            n_prefix += shard.window_n_prefix[first:end].tolist()
            first_token += shard.window_first_token[first:end].tolist()
            passage += [number] * (end - first)
        table = WindowTable(tuple(lengths), tuple(n_prefix), tuple(first_token), tuple(passage))
        if not codes:
            return Packed(torch.empty(0, self.manifest.plan.hidden_size), ()), table
        return Packed(self._codec.decode(np.concatenate(codes)), table.lengths), table

    def _locate(self, ordinal: int) -> tuple[ShardReader, int]:
        """The shard of a passage, and its row there."""
        if not 0 <= ordinal < len(self):
            raise IndexError(f"{self.path}: no passage {ordinal}: there are {len(self)}")
        number = int(np.searchsorted(self._firsts, ordinal, side="right")) - 1
        shard = self._shards.get(number)
        if shard is None:
            shard = ShardReader(self.path / self.manifest.shards[number].file)
            self._shards[number] = shard
        return shard, ordinal - int(self._firsts[number])


def _check_size(index: Path, shard: ShardEntry) -> None:
    """A cheap check at every opening; `verify` reads all bytes."""
    path = index / shard.file
    found = path.stat().st_size if path.is_file() else None
    if found != shard.bytes:
        what = "nothing" if found is None else f"{found} bytes"
        raise IndexFormatError(
            f"{path}: expected a file of {shard.bytes} bytes, found {what}. Restore the file from "
            "a backup, or remove the index and build it again."
        )
