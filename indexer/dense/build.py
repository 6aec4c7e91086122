"""Making the dense vectors of an index, and updating them when the index changes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...data.io.atomic import atomic_path
from ...reader.hub import hub_is_allowed
from ..errors import IndexMismatchError
from ..index import PassageIndex
from ..storage.files import make_folder
from ..storage.manifest import DENSE_FOLDER, CountedFile, DenseEntry, Manifest, ShardEntry
from ..storage.snapshots import publish
from ..storage.writing import writing
from .checking import check_vectors
from .encode import ShardVectors, remove_work
from .encoder import SentenceEncoder
from .kinds import VectorKind
from .vectors import (
    add_vectors,
    emptied,
    empty_index,
    merged,
    n_training_vectors,
    write_vectors,
)

Array = npt.NDArray[Any]


def build_dense(
    index: str | Path,
    encoder: SentenceEncoder,
    *,
    kind: VectorKind | None = None,
    show_progress: bool = False,
) -> Manifest:
    """Make a dense vector of every passage, so that questions find passages by meaning.

    Vectors that the index has are replaced. An interrupted call leaves the index as it was; the
    same call continues it.

    Args:
        index: The index folder.
        encoder: Computes the vectors.
        kind: How vectors are stored and searched; by default as suits their number.
        show_progress: Draw a progress bar on standard error.

    Returns:
        The new manifest, or the present one if the index has these vectors already.

    Raises:
        IndexFormatError: If there is no index, or it is damaged.
        PrereadError: If there are too few passages for ``kind``.
    """
    index = Path(index)
    with writing(index), PassageIndex(index) as opened:
        base, deleted = opened.manifest, opened.deleted
        n = base.n_passages
        chosen = kind or VectorKind.for_size(n)
        entry = DenseEntry(
            encoder=encoder.name,
            fingerprint=encoder.fingerprint,
            width=encoder.width,
            kind=chosen.value,
            query_prefix=encoder.query_prefix,
            passage_prefix=encoder.passage_prefix,
            files=(),
        )
        if base.dense is not None and _is_made(base.dense, entry, kind):
            return _renamed(index, base, base.dense, encoder.name)
        made = ShardVectors(index, encoder)
        made.make(base.shards, show_progress=show_progress)
        sample = _sample(made, base.shards, deleted, n_training_vectors(chosen, n), n)
        vectors = empty_index(chosen, encoder.width, n, sample)
        add_vectors(vectors, made.runs(base.shards, deleted))
        generation = base.generation + 1
        file = _write(index, generation, vectors)
        manifest = replace(base, generation=generation, dense=replace(entry, files=(file,)))
        publish(index, manifest)
        remove_work(index)
        return manifest


def remove_dense(index: str | Path) -> Manifest:
    """Remove the dense vectors of an index.

    Args:
        index: The index folder.

    Returns:
        The new manifest, or the present one if the index has no vectors.

    Raises:
        IndexFormatError: If there is no index.
    """
    index = Path(index)
    with writing(index):
        base = Manifest.load(index)
        remove_work(index)
        if base.dense is None:
            return base
        manifest = replace(base, generation=base.generation + 1, dense=None)
        publish(index, manifest)
        return manifest


def load_encoder(
    index: Path,
    dense: DenseEntry,
    device: str = "cpu",
    encoder: SentenceEncoder | None = None,
    *,
    allow_hub: bool | None = None,
) -> SentenceEncoder:
    """Load the encoder that made the vectors of an index.

    Args:
        index: The index folder, for messages.
        dense: The manifest's entry for the vectors.
        device: Device of the encoder.
        encoder: An encoder that is loaded already; it is only checked.
        allow_hub: Whether an encoder that is in no folder here may be fetched from the Hugging Face
            hub; by default what ``$PREREAD_ALLOW_HUB`` says.

    Raises:
        IndexMismatchError: If the encoder has other weights or settings than the one that made the
            vectors.
        PrereadError: If the encoder cannot be loaded, or would have to be fetched.
    """
    if encoder is None:
        encoder = SentenceEncoder.load(
            dense.encoder,
            device=device,
            query_prefix=dense.query_prefix,
            passage_prefix=dense.passage_prefix,
            allow_hub=hub_is_allowed() if allow_hub is None else allow_hub,
        )
    if encoder.fingerprint != dense.fingerprint:
        raise IndexMismatchError(
            f"{index}: the vectors were made by encoder {dense.encoder!r} (fingerprint "
            f"{dense.fingerprint[:12]}), but the encoder is {encoder.name!r} (fingerprint "
            f"{encoder.fingerprint[:12]}). Use that encoder, or make the vectors again with "
            f"`preread dense {index} --encoder ENCODER`."
        )
    return encoder


def extend_dense(
    index: Path,
    dense: DenseEntry,
    encoder: SentenceEncoder,
    generation: int,
    shards: Sequence[ShardEntry],
    show_progress: bool,
) -> DenseEntry:
    """Make vectors of new passages, in a file of their own.

    Args:
        index: The index folder.
        dense: The manifest's entry for the present vectors.
        encoder: The encoder that made them.
        generation: Generation of the extended index.
        shards: Shards of the new passages.
        show_progress: Draw a progress bar on standard error.

    Returns:
        The entry for all vectors.
    """
    made = ShardVectors(index, encoder)
    made.make(shards, show_progress=show_progress)
    vectors = emptied(check_vectors(index, dense)[0])
    add_vectors(vectors, made.runs(shards, np.empty(0, "<u4")))
    return replace(dense, files=(*dense.files, _write(index, generation, vectors)))


def compact_dense(index: Path, dense: DenseEntry, generation: int, deleted: Array) -> DenseEntry:
    """Write all vectors to one file, without those of deleted passages.

    Args:
        index: The index folder.
        dense: The manifest's entry for the present vectors.
        generation: Generation of the compacted index.
        deleted: Ordinals of deleted passages. Shape ``(n,)``.

    Returns:
        The entry for the new file, or ``dense`` if there is nothing to remove or to join.
    """
    if len(dense.files) == 1 and not len(deleted):
        return dense
    vectors = merged(check_vectors(index, dense), deleted)
    return replace(dense, files=(_write(index, generation, vectors),))


def _is_made(found: DenseEntry, wanted: DenseEntry, kind: VectorKind | None) -> bool:
    """Whether the index has the wanted vectors already."""
    return found.fingerprint == wanted.fingerprint and (kind is None or found.kind == kind.value)


def _renamed(index: Path, base: Manifest, dense: DenseEntry, encoder: str) -> Manifest:
    """The manifest with the present vectors and a new name for their encoder."""
    if dense.encoder == encoder:
        return base
    moved = replace(dense, encoder=encoder)
    manifest = replace(base, generation=base.generation + 1, dense=moved)
    publish(index, manifest)
    return manifest


def _write(index: Path, generation: int, vectors: Any) -> CountedFile:
    """Write a file of vectors; returns the manifest's entry for it."""
    make_folder(index / DENSE_FOLDER)
    file = f"{DENSE_FOLDER}/vectors-{generation:06d}.faiss"
    with atomic_path(index / file) as temporary:
        write_vectors(vectors, temporary)
    return CountedFile.count(index, file, int(vectors.ntotal))


def _sample(
    made: ShardVectors, shards: Sequence[ShardEntry], deleted: Array, n_wanted: int, n: int
) -> Array:
    """Vectors drawn at random from all; the same for the same index."""
    if not n_wanted:
        return np.empty((0, 0), np.float32)
    chosen = np.sort(np.random.default_rng(0).choice(n, n_wanted, replace=False))
    parts, first = [], 0
    for ordinals, vectors in made.runs(shards, deleted):
        low, high = np.searchsorted(chosen, [first, first + len(ordinals)])
        parts.append(vectors[chosen[low:high] - first])
        first += len(ordinals)
    return np.concatenate(parts).astype(np.float32)
