"""Encoding a shard: passages become windows, windows become states, states become codes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ...data import Passage
from ...data.io.atomic import atomic_path
from ...reader import Packed, Reader, Window
from ...reader.codecs import Codec
from ...reader.packing import batches_by_length
from ...reader.retrieval.head import RetrievalHead
from ..dense.base import Vectors
from ..dense.encode import write_shard_vectors
from ..dense.head_encoder import PassagePooling
from ..storage.files import sha256_of
from ..storage.journal import hash_passages
from ..storage.manifest import STATES_FOLDER, ShardEntry
from ..storage.shard_writer import ShardCounts, ShardWriter

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class ShardTask:
    """One shard that is to be encoded."""

    index: Path
    """The index folder."""
    number: int
    """Number of the shard."""
    first_ordinal: int
    """Number of its first passage."""
    passages: Sequence[Passage]

    @property
    def file(self) -> str:
        """Path of the shard below the index folder."""
        return shard_file(self.number)


def shard_file(number: int) -> str:
    """Path of a shard below the index folder.

    Args:
        number: Number of the shard.
    """
    return f"{STATES_FOLDER}/shard-{number:05d}.h5"


def encode_shard(
    task: ShardTask,
    reader: Reader,
    codec: Codec,
    rows_per_batch: int,
    on_progress: Progress = lambda n_tokens: None,
    *,
    head: RetrievalHead | None = None,
) -> ShardEntry:
    """Encode the passages of a shard and write it, atomically, and before it their vectors.

    A finished shard therefore has its vectors. The bytes depend on the arguments only.

    Args:
        task: The shard to encode.
        reader: Computes the states.
        codec: Turns states into codes.
        rows_per_batch: Number of tokens that the reader processes at once.
        on_progress: Called with the number of tokens of each finished batch.
        head: Makes vectors of the states, on the reader's device; None makes no vectors.

    Returns:
        The manifest's entry for the shard.
    """
    first = task.first_ordinal
    ordinals = range(first, first + len(task.passages))
    with atomic_path(task.index / task.file) as temporary:
        counts, vectors = _write(
            temporary, ordinals, task.passages, reader, codec, rows_per_batch, on_progress, head
        )
        entry = describe_shard(temporary, task.file, ordinals, task.passages, counts)
        if vectors is not None:
            write_shard_vectors(task.index, entry, vectors)
        return entry


def describe_shard(
    path: Path,
    file: str,
    ordinals: Sequence[int],
    passages: Sequence[Passage],
    counts: ShardCounts,
) -> ShardEntry:
    """Make the manifest's entry for a shard.

    Args:
        path: Present path of the file, which may be temporary.
        file: Later path of the shard below the index folder.
        ordinals: Numbers of the passages in the shard.
        passages: The passages in the shard.
        counts: Counts of the writer.
    """
    return ShardEntry(
        file=file,
        bytes=path.stat().st_size,
        sha256=sha256_of(path),
        n_passages=counts.n_passages,
        n_windows=counts.n_windows,
        n_tokens=counts.n_tokens,
        n_text_bytes=counts.n_text_bytes,
        first_ordinal=ordinals[0],
        last_ordinal=ordinals[-1],
        passages_blake2b=hash_passages(passages),
    )


def _write(
    path: Path,
    ordinals: Sequence[int],
    passages: Sequence[Passage],
    reader: Reader,
    codec: Codec,
    rows_per_batch: int,
    on_progress: Progress,
    head: RetrievalHead | None,
) -> tuple[ShardCounts, Vectors | None]:
    """Encode passages and write them to a shard; returns their vectors too, if there is a head."""
    windows = reader.encoder.encode_passages(
        [p.text for p in passages], [p.title for p in passages]
    )
    flat: list[Window] = [w for of_passage in windows for w in of_passage]
    lengths = [len(w.token_ids) for w in flat]
    code_dtype = torch.empty(0, dtype=codec.dtype).numpy().dtype
    width = codec.code_width(reader.config.hidden_size)
    vocab_size = reader.config.vocab_size
    pooling = None if head is None else PassagePooling(head, windows)
    with ShardWriter(path, ordinals, passages, windows, code_dtype, width, vocab_size) as writer:
        for batch in batches_by_length(lengths, rows_per_batch):
            some = [flat[i] for i in batch]
            states = reader.window_states(some)
            if pooling is not None:
                pooling.add(batch, states)
            ids = Packed.from_lists([w.token_ids for w in some]).to(states.rows.device)
            codes = codec.encode(states, ids).cpu().numpy()
            row = 0
            for number in batch:
                writer.write_codes(number, codes[row : row + lengths[number]])
                row += lengths[number]
            on_progress(row)
        return writer.counts, None if pooling is None else pooling.vectors()
