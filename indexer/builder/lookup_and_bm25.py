"""Files that are derived from shards: lookup, BM25, and the list of deleted passages."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt
from tqdm import tqdm

from ...data import Passage
from ...data.io.atomic import atomic_path
from ...data.text.normalization import TextNormalization
from ..bm25.indexer import build_bm25
from ..storage.arrays import map_array, write_array
from ..storage.lookup import write_lookup
from ..storage.manifest import DELETED_PREFIX, LOOKUP_FOLDER, CountedFile, Manifest, ShardEntry
from ..storage.shard_reader import ShardReader


def write_lookup_of(
    index: Path, shards: Sequence[ShardEntry], generation: int, show_progress: bool
) -> CountedFile:
    """Write the lookup file of some shards.

    Args:
        index: The index folder.
        shards: Shards of the index, in order.
        generation: First generation whose manifest names the file.
        show_progress: Draw a progress bar on standard error.
    """
    file = f"{LOOKUP_FOLDER}/lookup-{generation:06d}.h5"
    with atomic_path(index / file) as temporary:
        n = write_lookup(temporary, stored_passages(index, shards, "hashing", show_progress))
    return CountedFile.count(index, file, n)


def write_deleted(index: Path, ordinals: npt.NDArray[Any], generation: int) -> CountedFile | None:
    """Write the list of deleted passages with states in a shard; None if there are none.

    Args:
        index: The index folder.
        ordinals: Numbers of the deleted passages, ascending. Shape ``(n,)``.
        generation: First generation whose manifest names the file.
    """
    if not len(ordinals):
        return None
    file = f"{DELETED_PREFIX}{generation:06d}.npy"
    with atomic_path(index / file) as temporary:
        write_array(temporary, ordinals.astype("<u4"))
    return CountedFile.count(index, file, len(ordinals))


def index_live_texts(index: Path, manifest: Manifest, show_progress: bool) -> None:
    """Write the BM25 index of all passages that are not deleted.

    Args:
        index: The index folder.
        manifest: Manifest of the index, whose other files exist.
        show_progress: Draw a progress bar on standard error.
    """
    file = manifest.deleted
    deleted: frozenset[int] = frozenset()
    if file is not None:
        deleted = frozenset(map_array(index / file.file, "<u4", (file.n,)).tolist())
    texts = stored_passages(index, manifest.shards, "indexing for BM25", show_progress)
    build_bm25(
        ((ordinal, passage) for ordinal, passage in texts if ordinal not in deleted),
        index / manifest.lucene,
        title_weight=manifest.plan.title_weight,
        normalization=TextNormalization.parse(manifest.plan.bm25_normalization),
    )


def stored_passages(
    index: Path, shards: Iterable[ShardEntry], what: str, show_progress: bool
) -> Iterator[tuple[int, Passage]]:
    """Read the passages of shards, with a progress bar.

    Args:
        index: The index folder.
        shards: Shards of the index, in order.
        what: Label of the progress bar.
        show_progress: Draw the progress bar on standard error.

    Yields:
        The ordinal and the passage, for each passage.
    """
    found = list(shards)
    total = sum(shard.n_passages for shard in found)
    with tqdm(total=total, unit=" passages", desc=what, disable=not show_progress, delay=1) as bar:
        for shard in found:
            opened = ShardReader(index / shard.file)
            for row, ordinal in enumerate(opened.ordinals.tolist()):
                yield ordinal, opened.passage(row)
                bar.update()
