"""Splitting an index into partitions, which can be searched and read on different machines.

A partition is an index with some of the shards, unchanged, and its own lookup and BM25 files.
Passages keep their ordinals, and BM25 scores are those of the whole index
(``bm25/statistics.py``). The hits of all partitions, ordered by score and ordinal, are therefore
the hits of the whole index.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...data import PrereadError
from ...data.records import Metadata
from ..bm25.statistics import FieldStatistics, write_statistics
from ..builder.lookup_and_bm25 import index_live_texts, write_deleted, write_lookup_of
from ..dense.build import write_dense
from ..dense.checking import check_vectors
from ..dense.vectors import merged
from ..index import PassageIndex
from ..storage.files import atomic_folder, check_new_file, link_or_copy, sha256_of
from ..storage.manifest import (
    LOOKUP_FOLDER,
    LUCENE_PREFIX,
    MANIFEST_FILE,
    STATES_FOLDER,
    STATISTICS_FILE,
    CountedFile,
    DenseEntry,
    Manifest,
    PartitionEntry,
    ShardEntry,
)
from ..storage.metadata import write_metadata
from ..storage.snapshots import publish
from ..storage.writing import explaining_write_errors

Array = npt.NDArray[Any]


def partition_name(number: int, of: int) -> str:
    """Name of the folder of a partition.

    Args:
        number: Number of the partition, from 0.
        of: Number of partitions.
    """
    return f"part-{number + 1:05d}-of-{of:05d}"


def partitions_in(folder: str | Path) -> list[Path]:
    """List the partitions in a folder, in their order.

    Args:
        folder: A folder that `split_index` made, or any other.
    """
    folder = Path(folder)
    return sorted(folder.glob("part-?????-of-?????"))


def split_index(
    index: str | Path, folder: str | Path, n_partitions: int, *, show_progress: bool = False
) -> list[Path]:
    """Split an index into partitions of whole shards, in order; nothing is encoded again.

    Shards are hard links to the files of the index, or copies if the file system has no links. The
    folder appears when all partitions are complete. The index is not changed.

    Args:
        index: The index folder.
        folder: Folder of the new partitions; must not exist.
        n_partitions: Number of partitions, which get about the same number of tokens.
        show_progress: Draw progress bars on standard error.

    Raises:
        IndexFormatError: If there is no index, or it is damaged.
        PrereadError: If there are fewer shards than partitions, the index is a partition itself,
            ``folder`` exists, or it cannot be written.
    """
    index = Path(index)
    folder = Path(folder)
    check_new_file(folder)
    with explaining_write_errors(folder), PassageIndex(index) as opened:
        runs = _runs(index, opened.manifest, n_partitions)
        with atomic_folder(folder) as temporary:
            whole = _Whole.measure(opened, temporary, show_progress)
            for number, shards in enumerate(runs):
                _write_partition(whole, shards, temporary, number, n_partitions, show_progress)
            whole.statistics.unlink()
    return [folder / partition_name(number, n_partitions) for number in range(n_partitions)]


def _runs(index: Path, manifest: Manifest, n_partitions: int) -> list[Sequence[ShardEntry]]:
    """Divide the shards into runs whose numbers of tokens are as equal as whole shards allow."""
    shards = manifest.shards
    if manifest.part is not None:
        raise PrereadError(
            f"{index}: is a partition already. Merge the partitions, and split the result."
        )
    if not 2 <= n_partitions <= len(shards):
        several = f"2 to {len(shards)} partitions, because it has {len(shards)} shards"
        allowed = several if len(shards) > 1 else "no split, because it has one shard"
        raise PrereadError(
            f"{index}: expected {allowed}; found {n_partitions}. A shard is never cut: for more "
            "partitions, build the index with smaller shards (--passages-per-shard)."
        )
    before = np.cumsum([0] + [shard.n_tokens for shard in shards])
    ends = [0]
    for number in range(1, n_partitions):
        nearest = int(np.abs(before - before[-1] * number / n_partitions).argmin())
        # Every partition has at least one shard, the following ones as well.
        ends.append(min(max(nearest, ends[-1] + 1), len(shards) - (n_partitions - number)))
    ends.append(len(shards))
    return [shards[first:end] for first, end in zip(ends, ends[1:], strict=False)]


@dataclass(frozen=True, slots=True)
class _Whole:
    """The index that is split, and the numbers of it that every partition stores."""

    opened: PassageIndex
    sha256: str
    """SHA-256 of its manifest."""
    statistics: Path
    """File of its word statistics."""
    n_words_known: int
    """Number of distinct words in this file."""
    field: FieldStatistics

    @classmethod
    def measure(cls, opened: PassageIndex, folder: Path, show_progress: bool) -> "_Whole":
        """Write the word statistics, once for all partitions."""
        path = folder / STATISTICS_FILE
        lucene = opened.path / opened.manifest.lucene
        n, field = write_statistics(path, lucene, show_progress=show_progress)
        return cls(opened, sha256_of(opened.path / MANIFEST_FILE), path, n, field)


def _write_partition(
    whole: _Whole,
    shards: Sequence[ShardEntry],
    folder: Path,
    number: int,
    n_partitions: int,
    show_progress: bool,
) -> None:
    partition = folder / partition_name(number, n_partitions)
    base, source = whole.opened.manifest, whole.opened.path
    for name in (STATES_FOLDER, LOOKUP_FOLDER):
        (partition / name).mkdir(parents=True)
    kept = [*shards, *((base.codec_file,) if base.codec_file else ())]
    for file in kept:
        link_or_copy(source / file.file, partition / file.file)
    link_or_copy(whole.statistics, partition / STATISTICS_FILE)
    manifest = replace(
        base,
        generation=0,
        shards=tuple(shards),
        lookups=(write_lookup_of(partition, shards, 0, show_progress),),
        lucene=f"{LUCENE_PREFIX}{0:06d}",
        deleted=write_deleted(partition, _within(whole.opened.deleted, shards), 0),
        dense=_dense_of_partition(whole.opened, partition, base.dense, shards),
        metadata=write_metadata(partition, _metadata_within(whole.opened, shards), 0),
        part=PartitionEntry(
            number=number,
            of=n_partitions,
            whole=whole.sha256,
            n_documents=whole.field.n_documents,
            n_words=whole.field.n_words,
            statistics=CountedFile.count(partition, STATISTICS_FILE, whole.n_words_known),
        ),
    )
    index_live_texts(partition, manifest, show_progress)
    publish(partition, manifest)


def _within(ordinals: Array, shards: Sequence[ShardEntry]) -> Array:
    """Those of ascending ordinals that are in a run of shards."""
    bounds = [shards[0].first_ordinal, shards[-1].last_ordinal + 1]
    low, high = np.searchsorted(ordinals, bounds)
    found: Array = ordinals[low:high]
    return found


def _metadata_within(opened: PassageIndex, shards: Sequence[ShardEntry]) -> dict[int, Metadata]:
    first, last = shards[0].first_ordinal, shards[-1].last_ordinal
    found = opened.all_metadata()
    return {ordinal: fields for ordinal, fields in found.items() if first <= ordinal <= last}


def _dense_of_partition(
    opened: PassageIndex, partition: Path, dense: DenseEntry | None, shards: Sequence[ShardEntry]
) -> DenseEntry | None:
    """Write the vectors of a partition's passages, with the cells of the whole index."""
    if dense is None:
        return None
    live = opened.ordinals()
    others = np.setdiff1d(live, _within(live, shards), assume_unique=True)
    without = np.union1d(others, opened.deleted)
    vectors = merged(check_vectors(opened.path, dense), without)
    return replace(dense, files=(write_dense(partition, 0, vectors),))
