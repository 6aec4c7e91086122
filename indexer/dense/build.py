"""Making the dense vectors of an index, and updating them when the index changes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...data.io.atomic import atomic_path
from ...reader import Reader
from ...reader.hub import hub_is_allowed
from ..errors import IndexMismatchError
from ..index import PassageIndex
from ..storage.files import make_folder
from ..storage.manifest import DENSE_FOLDER, CountedFile, DenseEntry, Manifest, ShardEntry
from ..storage.snapshots import publish
from ..storage.writing import writing
from .base import VectorEncoder
from .checking import check_vectors
from .encode import make_vectors, read_vectors_of, remove_work
from .head_encoder import HeadEncoder
from .kinds import READER, VectorKind
from .vectors import (
    add_vectors,
    emptied,
    empty_index,
    merged,
    n_training_vectors,
    stored_vectors,
    write_vectors,
)

Array = npt.NDArray[Any]
Run = tuple[Array, Array]
"""Ordinals of some passages, and their vectors."""


def build_dense(
    index: str | Path,
    encoder: VectorEncoder,
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
        IndexMismatchError: If the encoder is the head of a reader with other lower layers.
        PrereadError: If there are too few passages for ``kind``.
    """
    index = Path(index)
    with writing(index), PassageIndex(index) as opened:
        base = opened.manifest
        if isinstance(encoder, HeadEncoder):
            opened.check_reader(encoder.reader)
        if base.dense is not None and _is_made(base.dense, encoder, kind):
            return _renamed(index, base, base.dense, encoder.name)
        generation = base.generation + 1
        dense = create_dense(
            index,
            encoder,
            generation,
            base.shards,
            deleted=opened.deleted,
            kind=kind,
            show_progress=show_progress,
        )
        manifest = replace(base, generation=generation, dense=dense)
        publish(index, manifest)
        remove_work(index)
        return manifest


def create_dense(
    index: Path,
    encoder: VectorEncoder,
    generation: int,
    shards: Sequence[ShardEntry],
    *,
    deleted: Array | None = None,
    kind: VectorKind | None = None,
    show_progress: bool,
) -> DenseEntry:
    """Write the vectors of all passages of an index to one file.

    Args:
        index: The index folder.
        encoder: Computes the vectors of shards that have none in the work folder.
        generation: First generation whose manifest names the file.
        shards: All shards of the index.
        deleted: Ordinals of deleted passages. Shape ``(n,)``. None if there are none.
        kind: How vectors are stored and searched; by default as suits their number.
        show_progress: Draw a progress bar on standard error.

    Raises:
        PrereadError: If there are too few passages for ``kind``.
    """
    deleted = np.empty(0, "<u4") if deleted is None else deleted
    make_vectors(index, encoder, shards, show_progress=show_progress)
    n = sum(shard.n_passages for shard in shards) - len(deleted)
    chosen = kind or VectorKind.for_size(n)
    width = encoder.width
    vectors = _index_of(lambda: read_vectors_of(index, shards, width, deleted), chosen, width, n)
    return DenseEntry(
        encoder=encoder.name,
        fingerprint=encoder.fingerprint,
        width=width,
        kind=chosen.value,
        query_prefix=encoder.query_prefix,
        passage_prefix=encoder.passage_prefix,
        files=(write_dense(index, generation, vectors),),
    )


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
    encoder: VectorEncoder | None = None,
    *,
    reader: Reader | None = None,
    allow_hub: bool | None = None,
) -> VectorEncoder:
    """Load the encoder that made the vectors of an index.

    Args:
        index: The index folder, for messages.
        dense: The manifest's entry for the vectors.
        device: Device of the encoder.
        encoder: An encoder that is loaded already; it is only checked.
        reader: The reader of the index, whose retrieval head may be the encoder; by default it is
            loaded by the name in the manifest if it is needed.
        allow_hub: Whether an encoder that is in no folder here may be fetched from the Hugging Face
            hub; by default what ``$PREREAD_ALLOW_HUB`` says.

    Raises:
        IndexMismatchError: If the encoder has other weights or settings than the one that made the
            vectors, or it was the retrieval head of the reader, which has none.
        PrereadError: If the encoder cannot be loaded, or would have to be fetched.
    """
    allow_hub = hub_is_allowed() if allow_hub is None else allow_hub
    if encoder is None and dense.encoder == READER:
        encoder = _head_encoder(index, reader, device, allow_hub)
    elif encoder is None:
        from .encoder import SentenceEncoder  # imports transformers, which the head does not need

        encoder = SentenceEncoder.load(
            dense.encoder,
            device=device,
            query_prefix=dense.query_prefix,
            passage_prefix=dense.passage_prefix,
            allow_hub=allow_hub,
        )
    if encoder.fingerprint != dense.fingerprint:
        raise IndexMismatchError(
            f"{index}: the vectors were made by encoder {dense.encoder!r} (fingerprint "
            f"{dense.fingerprint[:12]}), but the encoder is {encoder.name!r} (fingerprint "
            f"{encoder.fingerprint[:12]}). Use that encoder, make the vectors again with `preread "
            f"dense {index} --encoder ENCODER`, or remove them (--remove)."
        )
    return encoder


def _head_encoder(index: Path, reader: Reader | None, device: str, allow_hub: bool) -> HeadEncoder:
    if reader is None:
        name = Manifest.load(index).plan.reader
        reader = Reader.load(name, device=device, allow_hub=allow_hub)
    encoder = HeadEncoder.find(reader)
    if encoder is None:
        raise IndexMismatchError(
            f"{index}: the vectors were made by the retrieval head of its reader, and the reader "
            f"{reader.name!r} has none. Put the head beside its weights, make the vectors again "
            f"with `preread dense {index} --encoder ENCODER`, or remove them (--remove)."
        )
    return encoder


def extend_dense(
    index: Path,
    dense: DenseEntry,
    encoder: VectorEncoder,
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
    """
    make_vectors(index, encoder, shards, show_progress=show_progress)
    vectors = emptied(check_vectors(index, dense)[0])
    add_vectors(vectors, read_vectors_of(index, shards, encoder.width, np.empty(0, "<u4")))
    return replace(dense, files=(*dense.files, write_dense(index, generation, vectors)))


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
    return replace(dense, files=(write_dense(index, generation, vectors),))


def merge_dense(
    sources: Sequence[tuple[Path, DenseEntry, Array]], index: Path, generation: int
) -> DenseEntry:
    """Write the vectors of several indexes to one file of a new index.

    Args:
        sources: Folder, manifest's entry and ordinals of all passages of each index. Each has
            vectors of the same encoder. Passages are numbered anew, in the order of the sources.
        index: Folder of the new index.
        generation: First generation whose manifest names the file.

    Raises:
        IndexFormatError: If a file of vectors is damaged.
    """

    def runs() -> Iterator[Run]:
        first = 0
        for folder, dense, live in sources:
            for path in check_vectors(folder, dense):
                for ordinals, vectors in stored_vectors(path):
                    is_left = np.isin(ordinals, live)
                    yield first + np.searchsorted(live, ordinals[is_left]), vectors[is_left]
            first += len(live)

    entry, n = sources[0][1], sum(len(live) for _, _, live in sources)
    kind = VectorKind.for_size(n)
    vectors = _index_of(runs, kind, entry.width, n)
    return replace(entry, kind=kind.value, files=(write_dense(index, generation, vectors),))


def _is_made(found: DenseEntry, wanted: VectorEncoder, kind: VectorKind | None) -> bool:
    return found.fingerprint == wanted.fingerprint and (kind is None or found.kind == kind.value)


def _renamed(index: Path, base: Manifest, dense: DenseEntry, encoder: str) -> Manifest:
    """The manifest with the present vectors and a new name for their encoder."""
    if dense.encoder == encoder:
        return base
    moved = replace(dense, encoder=encoder)
    manifest = replace(base, generation=base.generation + 1, dense=moved)
    publish(index, manifest)
    return manifest


def write_dense(index: Path, generation: int, vectors: Any) -> CountedFile:
    """Write a file of vectors.

    Args:
        index: The index folder.
        generation: First generation whose manifest names the file.
        vectors: A faiss index of the vectors.
    """
    make_folder(index / DENSE_FOLDER)
    file = f"{DENSE_FOLDER}/vectors-{generation:06d}.faiss"
    with atomic_path(index / file) as temporary:
        write_vectors(vectors, temporary)
    return CountedFile.count(index, file, int(vectors.ntotal))


def _index_of(runs: Callable[[], Iterable[Run]], kind: VectorKind, width: int, n: int) -> Any:
    """A faiss index of ``n`` vectors, which are gone through twice if it learns from some."""
    n_wanted = n_training_vectors(kind, n)
    sample = _sample(runs(), n_wanted, n) if n_wanted else np.empty((0, 0), np.float32)
    vectors = empty_index(kind, width, n, sample)
    add_vectors(vectors, runs())
    return vectors


def _sample(runs: Iterable[Run], n_wanted: int, n: int) -> Array:
    """Some of ``n`` vectors, drawn at random; the same for the same vectors."""
    chosen = np.sort(np.random.default_rng(0).choice(n, n_wanted, replace=False))
    parts, first = [], 0
    for ordinals, vectors in runs:
        low, high = np.searchsorted(chosen, [first, first + len(ordinals)])
        parts.append(vectors[chosen[low:high] - first])
        first += len(ordinals)
    return np.concatenate(parts).astype(np.float32)
