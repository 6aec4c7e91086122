"""Deleting passages from an index; this needs no reader."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...data import PrereadError
from ..bm25.indexer import delete_from_bm25
from ..builder.lookup_and_bm25 import write_deleted
from ..errors import listed
from ..index import PassageIndex
from ..storage.manifest import LUCENE_PREFIX, Manifest
from ..storage.snapshots import publish
from ..storage.writing import writing


def delete_passages(index: str | Path, passage_ids: Sequence[str]) -> tuple[Manifest, int]:
    """Delete passages from an index by their identifiers.

    Their states and texts stay on disk until `compact_index`.

    Args:
        index: The index folder.
        passage_ids: Identifiers of the passages.

    Returns:
        The new manifest, and the number of deleted passages.

    Raises:
        IndexFormatError: If there is no index.
        PrereadError: If an identifier is not in the index, or no passage would be left. Nothing is
            deleted then.
    """
    index = Path(index)
    with writing(index):
        opened = PassageIndex(index)
        found = {passage_id: opened.find(passage_id) for passage_id in dict.fromkeys(passage_ids)}
        unknown = [passage_id for passage_id, ordinals in found.items() if not ordinals]
        if unknown:
            raise PrereadError(
                f"{index}: holds no passage {listed(unknown)}. Nothing was deleted; leave out what "
                "is not in the index."
            )
        ordinals = sorted(ordinal for some in found.values() for ordinal in some)
        if not ordinals:
            return opened.manifest, 0
        if len(ordinals) == len(opened):
            raise PrereadError(
                f"{index}: no passage would be left. Remove the folder to delete the whole index."
            )
        manifest = without(index, opened.manifest, ordinals)
        publish(index, manifest)
        opened.close()
        return manifest, len(ordinals)


def without(index: Path, base: Manifest, ordinals: Sequence[int]) -> Manifest:
    """Write the files of the next generation, which lacks some passages, but do not publish it.

    Args:
        index: The index folder.
        base: The manifest of the index.
        ordinals: Numbers of the passages to delete.
    """
    generation = base.generation + 1
    with PassageIndex(index) as opened:
        deleted = np.union1d(opened.deleted, np.array(ordinals, "<u4"))
    lucene = f"{LUCENE_PREFIX}{generation:06d}"
    delete_from_bm25(ordinals, index / lucene, base=index / base.lucene)
    return replace(
        base,
        generation=generation,
        lucene=lucene,
        deleted=write_deleted(index, deleted, generation),
    )
