"""Writing passages into a new or an existing index: the common part of building and adding."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from ...data import Passage, ReadReport
from ...data.records import Metadata
from ...data.text.normalization import TextNormalization
from ...reader import Reader
from ...reader.codecs import Codec
from ...reader.retrieval.head import RetrievalHead
from ..bm25.indexer import build_bm25
from ..dense.base import VectorEncoder
from ..dense.build import create_dense, extend_dense
from ..dense.encode import begin_work, remove_work, work_file
from ..dense.head_encoder import HeadEncoder
from ..errors import IndexMismatchError
from ..storage.cleaning import remove_unfinished
from ..storage.files import FileEntry
from ..storage.journal import Journal, hash_passages
from ..storage.manifest import (
    CODEC_FILE,
    LUCENE_PREFIX,
    STATES_FOLDER,
    BuildPlan,
    CountedFile,
    DenseEntry,
    Manifest,
    ShardEntry,
)
from ..storage.metadata import MetadataWriter
from ..storage.snapshots import publish
from .encode import LowerPass, ShardTask
from .executors.local import Executor
from .executors.processes import Encoding
from .lookup_and_bm25 import stored_passages, write_lookup_of

MAX_PASSAGES = 1 << 32
"""Ordinals have 32 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """An index that is to be extended, and how."""

    index: Path
    """The index folder."""
    base: Manifest | None
    """Manifest of the existing index; None for a new index."""
    plan: BuildPlan
    codec: Codec
    codec_file: FileEntry | None
    """File of a learned codec; None for other codecs."""
    executor: Executor
    """What encodes the shards."""
    n_shards: int
    """Greatest number of shards that will be encoded."""
    n_tokens: int
    """Estimated number of tokens, for the progress bar."""
    encoder: VectorEncoder | None = None
    """Encoder of the vectors; None if the index has none. The head of the reader makes them in the
    pass that makes the states, another encoder in one of its own."""
    new_metadata: Mapping[int, Metadata] = field(default_factory=dict)
    """New metadata of passages that the index has already, by ordinal."""

    @property
    def generation(self) -> int:
        """Generation of the extended index."""
        return self.base.generation + 1 if self.base else 0

    @property
    def codec_name(self) -> str:
        """Name or file by which a worker loads the codec."""
        return str(self.index / CODEC_FILE) if self.codec_file else self.plan.codec


def extend(
    extension: Extension,
    passages: Iterable[Passage],
    reader: Reader,
    journal: Journal,
    report: ReadReport,
    show_progress: bool,
) -> Manifest:
    """Encode passages, index their texts, and publish the new manifest.

    Args:
        extension: The index to extend, and how.
        passages: The passages to write.
        reader: Computes the states.
        journal: Journal of the finished shards, to which new ones are added.
        report: Report of the corpus, complete when the passages are read.
        show_progress: Draw progress bars on standard error.

    Raises:
        IndexMismatchError: If the passages are not those of the finished shards, or too many for
            one index.
    """
    index, base = extension.index, extension.base
    if extension.encoder is not None:
        begin_work(index, extension.encoder)
    fields = MetadataWriter()
    for ordinal, metadata in sorted(extension.new_metadata.items()):
        fields.add(ordinal, metadata)
    _encode(extension, passages, reader, journal, fields, show_progress)
    metadata_file = fields.write(index, extension.generation)
    shards = tuple(journal.shards)
    lookup, lucene = _index_texts(extension, shards, show_progress)
    manifest = Manifest(
        generation=extension.generation,
        plan=extension.plan,
        codec_file=extension.codec_file,
        lucene=lucene,
        shards=shards,
        lookups=(lookup,),
        deleted=None,
        next_ordinal=shards[-1].last_ordinal + 1,
        next_shard=_number_after(extension, len(shards)),
        n_records_skipped=report.n_skipped,
        dense=_dense(extension, shards, show_progress),
        metadata=(metadata_file,) if metadata_file else (),
    )
    if base is not None:
        manifest = replace(
            manifest,
            shards=(*base.shards, *shards),
            lookups=(*base.lookups, lookup),
            deleted=base.deleted,
            n_records_skipped=base.n_records_skipped + report.n_skipped,
            metadata=(*base.metadata, *manifest.metadata),
        )
    remove_unfinished(index)  # files of processes that were killed, and of workers that were lost
    publish(index, manifest)
    remove_work(index)
    return manifest


def head_in_pass(encoder: VectorEncoder | None) -> RetrievalHead | None:
    """The head that makes vectors in the pass that makes the states; None if there is none.

    Args:
        encoder: Encoder of the vectors; None if there are none.
    """
    return encoder.head if isinstance(encoder, HeadEncoder) else None


def has_vectors(index: Path, encoder: VectorEncoder | None) -> Callable[[ShardEntry], bool]:
    """Tells whether a finished shard has the vectors that this pass makes, if it makes any.

    Args:
        index: The index folder.
        encoder: Encoder of the vectors; None if there are none.
    """
    makes_vectors = head_in_pass(encoder) is not None
    return lambda shard: not makes_vectors or work_file(index, shard).exists()


def _dense(
    extension: Extension, shards: tuple[ShardEntry, ...], show_progress: bool
) -> DenseEntry | None:
    """Write the vectors of the new shards, if the index has vectors."""
    index, encoder, generation = extension.index, extension.encoder, extension.generation
    if encoder is None:
        return None
    if extension.base is None:
        return create_dense(index, encoder, generation, shards, show_progress=show_progress)
    assert extension.base.dense is not None  # or no encoder was loaded
    return extend_dense(index, extension.base.dense, encoder, generation, shards, show_progress)


def _number_after(extension: Extension, n_shards: int) -> int:
    return (extension.base.next_shard if extension.base else 0) + n_shards


def _encode(
    extension: Extension,
    passages: Iterable[Passage],
    reader: Reader,
    journal: Journal,
    fields: MetadataWriter,
    show_progress: bool,
) -> None:
    """Write the shards that the journal does not have yet; collect the metadata of all passages."""
    kept = {shard.file: shard for shard in journal.shards}
    with tqdm(
        total=extension.n_tokens,
        unit=" tokens",
        unit_scale=True,
        desc="reading ahead",
        disable=not show_progress,
        smoothing=0.05,
    ) as bar:

        def to_do() -> Iterator[ShardTask]:
            for task in _tasks(extension, passages):
                for ordinal, passage in enumerate(task.passages, start=task.first_ordinal):
                    if passage.metadata:
                        fields.add(ordinal, passage.metadata)
                shard = kept.pop(task.file, None)
                if shard is None:
                    yield task
                else:
                    _check_same_passages(extension.index, shard, task.passages)
                    bar.update(shard.n_tokens)

        extension.executor.encode(
            to_do(),
            Encoding(
                reader,
                extension.codec,
                extension.codec_name,
                LowerPass(extension.plan.rows_per_batch, extension.plan.precision),
                scratch=extension.index / STATES_FOLDER,
                head=head_in_pass(extension.encoder),
            ),
            n_shards=extension.n_shards,
            on_shard=journal.add,
            on_progress=bar.update,
        )
        bar.total = bar.n
    if kept:
        raise IndexMismatchError(
            f"{extension.index}: the corpus ends before {min(kept)}, which the interrupted build "
            "made from it. The corpus has changed: remove the folder and build again."
        )


def _tasks(extension: Extension, passages: Iterable[Passage]) -> Iterator[ShardTask]:
    ordinal = extension.base.next_ordinal if extension.base else 0
    number = _number_after(extension, 0)
    remaining = iter(passages)
    while run := list(islice(remaining, extension.plan.passages_per_shard)):
        if ordinal + len(run) > MAX_PASSAGES:
            raise IndexMismatchError(
                f"{extension.index}: expected at most {MAX_PASSAGES:,} passages, found more. Make "
                "several indexes."
            )
        yield ShardTask(extension.index, number, ordinal, run)
        ordinal += len(run)
        number += 1


def _check_same_passages(index: Path, shard: ShardEntry, run: Iterable[Passage]) -> None:
    """Refuse a finished shard that was made from other passages than the corpus has now."""
    if hash_passages(run) != shard.passages_blake2b:
        raise IndexMismatchError(
            f"{index}: {shard.file} was made from other passages than the corpus has there now. "
            "The corpus has changed since the build began: remove the folder and build again."
        )


def _index_texts(
    extension: Extension, shards: tuple[ShardEntry, ...], show_progress: bool
) -> tuple[CountedFile, str]:
    """Write the lookup file and the BM25 index of the passages in the new shards."""
    index, base = extension.index, extension.base
    entry = write_lookup_of(index, shards, extension.generation, show_progress)
    lucene = f"{LUCENE_PREFIX}{extension.generation:06d}"
    if not (index / lucene).exists():  # the interrupted run may have finished it
        texts = stored_passages(index, shards, "indexing for BM25", show_progress)
        build_bm25(
            texts,
            index / lucene,
            base=index / base.lucene if base else None,
            title_weight=extension.plan.title_weight,
            normalization=TextNormalization.parse(extension.plan.bm25_normalization),
        )
    return entry, lucene
