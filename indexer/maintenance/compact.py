"""Compacting an index: shards are rewritten without deleted passages, small files are joined."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, islice
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ...data import Passage
from ...data.io.atomic import atomic_path
from ...reader import Window
from ..builder.encode import describe_shard, shard_file
from ..builder.lookup_and_bm25 import write_lookup_of
from ..dense.build import compact_dense
from ..index import PassageIndex
from ..storage.manifest import Manifest, ShardEntry
from ..storage.metadata import write_metadata
from ..storage.shard_reader import ShardReader, StoredPassage
from ..storage.shard_writer import ShardWriter
from ..storage.snapshots import publish
from ..storage.writing import writing

Row = tuple[ShardReader, int]
"""A shard, and the number of a passage in it."""


def compact_index(index: str | Path, *, show_progress: bool = False) -> Manifest:
    """Remove what deletions and small additions left in an index.

    Shards that hold deleted passages are rewritten, and runs of small shards are joined. Lookup
    files become one, and so do files of dense vectors and of metadata. Passages, their states,
    ordinals and the BM25 index stay as they are.

    Args:
        index: The index folder.
        show_progress: Draw progress bars on standard error.

    Returns:
        The new manifest, or the present one if there is nothing to compact.

    Raises:
        IndexFormatError: If there is no index, or bytes have changed.
    """
    index = Path(index)
    with writing(index):
        opened = PassageIndex(index)
        base = opened.manifest
        shards, next_shard = _rewrite_shards(opened, show_progress)
        generation = base.generation + 1
        dense = base.dense and compact_dense(index, base.dense, generation, opened.deleted)
        is_one_each = len(base.lookups) == 1 and len(base.metadata) <= 1
        is_compact = shards == base.shards and is_one_each and base.deleted is None
        if is_compact and dense == base.dense:
            return base
        manifest = replace(
            base,
            generation=generation,
            shards=shards,
            lookups=(write_lookup_of(index, shards, generation, show_progress),),
            deleted=None,
            next_shard=next_shard,
            dense=dense,
            metadata=write_metadata(index, opened.all_metadata(), generation),
        )
        publish(index, manifest)
        opened.close()
        return manifest


def _rewrite_shards(
    opened: PassageIndex, show_progress: bool
) -> tuple[tuple[ShardEntry, ...], int]:
    """Rewrite runs of shards that are not full; returns all shards, and the next one's number."""
    manifest = opened.manifest
    next_shard = manifest.next_shard
    shards: list[ShardEntry] = []
    total = sum(shard.n_passages for run, unfit in _runs(opened) if unfit for shard in run)
    with tqdm(
        total=total, unit=" passages", desc="compacting", disable=not show_progress, delay=1
    ) as bar:
        for run, unfit in _runs(opened):
            if not unfit:
                shards += run
                continue
            rows = live_rows(opened, run)
            while some := list(islice(rows, manifest.plan.passages_per_shard)):
                ordinals = [int(shard.ordinals[row]) for shard, row in some]
                shards.append(copy_rows(opened.path, shard_file(next_shard), some, ordinals))
                next_shard += 1
                bar.update(len(some))
    return tuple(shards), next_shard


def _runs(opened: PassageIndex) -> Iterator[tuple[list[ShardEntry], bool]]:
    """Runs of neighbouring shards, and whether a run must be rewritten."""
    full = opened.manifest.plan.passages_per_shard

    def lacks(shard: ShardEntry) -> bool:
        return shard.n_passages < full or _n_deleted(opened, shard) > 0

    for unfit, group in groupby(opened.manifest.shards, lacks):
        run = list(group)
        alone = len(run) == 1 and not _n_deleted(opened, run[0])
        yield run, unfit and not alone


def _n_deleted(opened: PassageIndex, shard: ShardEntry) -> int:
    bounds = np.searchsorted(opened.deleted, [shard.first_ordinal, shard.last_ordinal + 1])
    return int(bounds[1] - bounds[0])


def live_rows(opened: PassageIndex, run: Sequence[ShardEntry]) -> Iterator[Row]:
    """Iterate over the passages of some shards that are not deleted.

    Args:
        opened: The index.
        run: Shards of the index.
    """
    for entry in run:
        shard = ShardReader(opened.path / entry.file)
        is_live = ~np.isin(shard.ordinals, opened.deleted)
        yield from ((shard, int(row)) for row in np.flatnonzero(is_live))


def copy_rows(index: Path, file: str, rows: Sequence[Row], ordinals: Sequence[int]) -> ShardEntry:
    """Write passages of other shards as a new shard; their codes are copied unchanged.

    Args:
        index: The index folder of the new shard.
        file: Path of the new shard below the index folder.
        rows: Shards and rows of the passages; at least one.
        ordinals: Numbers of the passages in the new index.
    """
    passages: list[Passage] = [shard.passage(row) for shard, row in rows]
    stored = [shard.windows(row) for shard, row in rows]
    codes = stored[0].codes
    vocab_size = 1 << (8 * stored[0].token_ids.itemsize)
    with atomic_path(index / file) as temporary:
        with ShardWriter(
            temporary,
            ordinals,
            passages,
            [_windows(passage) for passage in stored],
            codes.dtype,
            codes.shape[1],
            vocab_size,
        ) as writer:
            number = 0
            for passage in stored:
                start = 0
                for length in passage.lengths:
                    writer.write_codes(number, passage.codes[start : start + length])
                    start += length
                    number += 1
        return describe_shard(temporary, file, ordinals, passages, writer.counts)


def _windows(stored: StoredPassage) -> list[Window]:
    """The windows of a stored passage, as the reader laid them out."""
    windows = []
    start = 0
    for length, n_prefix, first in zip(
        stored.lengths, stored.n_prefix, stored.first_token, strict=True
    ):
        ids = tuple(stored.token_ids[start : start + length].tolist())
        windows.append(Window(ids, n_prefix, first))
        start += length
    return windows
