"""Rewriting shards without the passages that were deleted."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ...data import Passage
from ...data.io.atomic import atomic_path
from ...reader import Window
from ..builder.encode import describe_shard, shard_file
from ..index import PassageIndex
from ..storage.manifest import ShardEntry
from ..storage.shard_reader import ShardReader, StoredPassage
from ..storage.shard_writer import ShardWriter


def rewrite_shards(opened: PassageIndex, show_progress: bool) -> tuple[tuple[ShardEntry, ...], int]:
    """Rewrite runs of neighbouring shards that lack passages, each into full ones.

    Args:
        opened: The index.
        show_progress: Draw a progress bar on standard error.

    Returns:
        The shards of the index afterwards, and the number of the next one.
    """
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
            while some := take(rows, manifest.plan.passages_per_shard, bar):
                ordinals = [int(shard.ordinals[row]) for shard, row in some]
                shards.append(copy_rows(opened.path, shard_file(next_shard), some, ordinals))
                next_shard += 1
    return tuple(shards), next_shard


Row = tuple[ShardReader, int]
"""A shard and which of its passages."""


def _runs(opened: PassageIndex) -> Iterator[tuple[list[ShardEntry], bool]]:
    """Neighbouring shards, and whether they are to be rewritten."""
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
    """Rows of some of an index's shards, but for those of deleted passages."""
    for entry in run:
        shard = ShardReader(opened.path / entry.file)
        is_live = ~np.isin(shard.ordinals, opened.deleted)
        yield from ((shard, int(row)) for row in np.flatnonzero(is_live))


def take(rows: Iterator[Row], n: int, bar: "tqdm[None]") -> list[Row]:
    """The next rows, ``n`` at most, counted on a progress bar."""
    some = []
    for row in rows:
        some.append(row)
        bar.update()
        if len(some) == n:
            break
    return some


def copy_rows(index: Path, file: str, rows: Sequence[Row], ordinals: Sequence[int]) -> ShardEntry:
    """Write rows of other shards as a new one; codes are copied as they are.

    Args:
        index: The index folder that gets it.
        file: Its path there.
        rows: At least one.
        ordinals: What the passages are numbered by there.
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
    """Windows as the reader laid them out."""
    windows = []
    start = 0
    for length, n_prefix, first in zip(
        stored.lengths, stored.n_prefix, stored.first_token, strict=True
    ):
        ids = tuple(stored.token_ids[start : start + length].tolist())
        windows.append(Window(ids, n_prefix, first))
        start += length
    return windows
