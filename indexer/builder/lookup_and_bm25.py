"""What is made of an index's shards: files to find passages by, and the list of deleted ones."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from ...data import Passage
from ...data.io.atomic import atomic_path
from ...data.text.normalization import TextNormalization
from ..bm25.indexer import build_bm25
from ..storage.lookup import write_lookup
from ..storage.manifest import DELETED_PREFIX, LOOKUP_FOLDER, CountedFile, Manifest, ShardEntry
from ..storage.shard_reader import ShardReader


def write_lookup_of(
    index: Path, shards: Sequence[ShardEntry], generation: int, show_progress: bool
) -> CountedFile:
    """Write the look-up file of some shards.

    Args:
        index: The index folder.
        shards: In order.
        generation: The first whose manifest has it.
        show_progress: Draw a progress bar on standard error.
    """
    file = f"{LOOKUP_FOLDER}/lookup-{generation:06d}.h5"
    with atomic_path(index / file) as temporary:
        n = write_lookup(temporary, stored_passages(index, shards, "hashing", show_progress))
    return CountedFile.count(index, file, n)


def write_deleted(index: Path, ordinals: npt.NDArray[Any], generation: int) -> CountedFile | None:
    """Write which passages are in shards still, but not in the index; None where there are none.

    Args:
        index: The index folder.
        ordinals: Theirs, ascending. Shape ``(n,)``.
        generation: The first whose manifest has the file.
    """
    if not len(ordinals):
        return None
    file = f"{DELETED_PREFIX}{generation:06d}.npy"
    with atomic_path(index / file) as temporary, temporary.open("wb") as stream:
        np.save(stream, ordinals.astype("<u4"))
    return CountedFile.count(index, file, len(ordinals))


def index_live_texts(index: Path, manifest: Manifest, show_progress: bool) -> None:
    """Make the BM25 index of a new index, of all passages that are not deleted.

    Args:
        index: The index folder.
        manifest: What it will hold; its other files are there.
        show_progress: Draw a progress bar on standard error.
    """
    file = manifest.deleted
    deleted = frozenset(np.load(index / file.file).tolist()) if file else frozenset()
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
    """Ordinals and passages of shards, under a progress bar.

    Args:
        index: The index folder.
        shards: In order.
        what: The bar's words.
        show_progress: Whether it is drawn.
    """
    found = list(shards)
    total = sum(shard.n_passages for shard in found)
    with tqdm(total=total, unit=" passages", desc=what, disable=not show_progress, delay=1) as bar:
        for shard in found:
            opened = ShardReader(index / shard.file)
            for row, ordinal in enumerate(opened.ordinals.tolist()):
                yield ordinal, opened.passage(row)
                bar.update()
