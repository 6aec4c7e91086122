"""Dividing an index into parts that can be searched and read on machines of their own.

A part is an index like any other: some of the shards as they are, and what is needed to find their
passages. Passages keep their ordinals, and BM25 scores are those of the whole index
(``bm25/statistics.py``), so that hits of parts, ordered by score and ordinal, are the hits of the
whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...data import PrereadError
from ...data.io.atomic import atomic_path
from ...data.records import Metadata
from ..bm25.statistics import FieldStatistics, write_statistics
from ..builder.lookup_and_bm25 import index_live_texts, write_deleted, write_lookup_of
from ..dense.vectors import merged, write_vectors
from ..index import PassageIndex
from ..storage.files import atomic_folder, check_new_file, link_or_copy, sha256_of
from ..storage.manifest import (
    DENSE_FOLDER,
    LOOKUP_FOLDER,
    LUCENE_PREFIX,
    MANIFEST_FILE,
    STATES_FOLDER,
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
_STATISTICS = "statistics.h5"


def partition_name(number: int, of: int) -> str:
    """What a part's folder is called.

    Args:
        number: From 0.
        of: How many parts there are.
    """
    return f"part-{number + 1:05d}-of-{of:05d}"


def partitions_in(folder: str | Path) -> list[Path]:
    """The parts in a folder that `split_index` made, in order; none where it made none."""
    folder = Path(folder)
    return sorted(folder.glob("part-?????-of-?????"))


def split_index(
    index: str | Path, folder: str | Path, n_partitions: int, *, show_progress: bool = False
) -> list[Path]:
    """Divide an index into parts, by whole shards; nothing is encoded again.

    Shards are the files of the index under another name, where the file system can do that, else
    copies. The folder appears when all parts are complete; the index stays as it is.

    Args:
        index: The index folder.
        folder: Where the parts go; must not exist.
        n_partitions: How many; about equal in tokens.
        show_progress: Draw progress bars on standard error.

    Returns:
        The parts' folders, in the order of their passages.

    Raises:
        IndexFormatError: If there is no index, or it is damaged.
        PrereadError: If there are fewer shards than parts, the index is a part itself, there is
            something at ``folder``, or the disk refuses.
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
    """Neighbouring shards for each part: cut where the tokens so far are nearest to its share."""
    shards = manifest.shards
    if manifest.part is not None:
        raise PrereadError(f"{index}: is a part already. Merge the parts, and split that.")
    if not 2 <= n_partitions <= len(shards):
        several = f"from 2 to {len(shards)} parts, for so many shards are in it"
        may_be = several if len(shards) > 1 else "no division, for its one shard holds all"
        raise PrereadError(
            f"{index}: expected {may_be}, found {n_partitions}. Shards are not cut: build with "
            "smaller ones (--passages-per-shard) for more parts."
        )
    before = np.cumsum([0] + [shard.n_tokens for shard in shards])
    ends = [0]
    for number in range(1, n_partitions):
        nearest = int(np.abs(before - before[-1] * number / n_partitions).argmin())
        # Every part has a shard at least, those that come after this one too.
        ends.append(min(max(nearest, ends[-1] + 1), len(shards) - (n_partitions - number)))
    ends.append(len(shards))
    return [shards[first:end] for first, end in zip(ends, ends[1:], strict=False)]


@dataclass(frozen=True, slots=True)
class _Whole:
    """The index that is split, and what all parts must know of it."""

    opened: PassageIndex
    sha256: str
    """Of its manifest."""
    statistics: Path
    n_words_known: int
    field: FieldStatistics

    @classmethod
    def measure(cls, opened: PassageIndex, folder: Path, show_progress: bool) -> "_Whole":
        """Count its words, once for all parts."""
        path = folder / _STATISTICS
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
    """Write one part."""
    partition = folder / partition_name(number, n_partitions)
    base, source = whole.opened.manifest, whole.opened.path
    for name in (STATES_FOLDER, LOOKUP_FOLDER):
        (partition / name).mkdir(parents=True)
    kept = [*shards, *((base.codec_file,) if base.codec_file else ())]
    for file in kept:
        link_or_copy(source / file.file, partition / file.file)
    link_or_copy(whole.statistics, partition / _STATISTICS)
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
            statistics=CountedFile.count(partition, _STATISTICS, whole.n_words_known),
        ),
    )
    index_live_texts(partition, manifest, show_progress)
    publish(partition, manifest)


def _within(ordinals: Array, shards: Sequence[ShardEntry]) -> Array:
    """Those of ascending ordinals that lie in neighbouring shards."""
    bounds = [shards[0].first_ordinal, shards[-1].last_ordinal + 1]
    low, high = np.searchsorted(ordinals, bounds)
    found: Array = ordinals[low:high]
    return found


def _metadata_within(opened: PassageIndex, shards: Sequence[ShardEntry]) -> dict[int, Metadata]:
    """Metadata of the passages of neighbouring shards."""
    first, last = shards[0].first_ordinal, shards[-1].last_ordinal
    found = opened.all_metadata()
    return {ordinal: fields for ordinal, fields in found.items() if first <= ordinal <= last}


def _dense_of_partition(
    opened: PassageIndex, partition: Path, dense: DenseEntry | None, shards: Sequence[ShardEntry]
) -> DenseEntry | None:
    """The vectors of a part's passages; they are searched with the cells of the whole."""
    if dense is None:
        return None
    live = opened.ordinals()
    others = np.setdiff1d(live, _within(live, shards), assume_unique=True)
    without = np.union1d(others, opened.deleted)
    vectors = merged([opened.path / file.file for file in dense.files], without)
    return replace(dense, files=(write_dense(partition, vectors),))


def write_dense(index: Path, vectors: Any) -> CountedFile:
    """The file of an index's vectors."""
    (index / DENSE_FOLDER).mkdir()
    file = f"{DENSE_FOLDER}/vectors-{0:06d}.faiss"
    with atomic_path(index / file) as temporary:
        write_vectors(vectors, temporary)
    return CountedFile.count(index, file, int(vectors.ntotal))
