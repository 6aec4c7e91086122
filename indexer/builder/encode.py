"""Encoding a shard: passages become windows, windows become states, states become codes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ...data import Passage
from ...data.io.atomic import atomic_path
from ...reader import Packed, Precision, Reader, Window
from ...reader.codecs import Codec
from ...reader.packing import batches_by_length
from ...reader.retrieval.head import RetrievalHead
from ..dense.encode import write_shard_vectors
from ..dense.head_encoder import PassagePooling
from ..storage.files import sha256_of
from ..storage.journal import hash_passages
from ..storage.manifest import STATES_FOLDER, ShardEntry
from ..storage.shard_writer import ShardCounts, ShardWriter

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class LowerPass:
    """How the lower layers run over passages."""

    rows_per_batch: int
    """Number of tokens that are processed at once."""
    precision: str = "float32"
    """Number format of matrix products, a `Precision`. Sums and states are float32."""


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
    lower: LowerPass,
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
        lower: How the reader's lower layers run.
        on_progress: Called with the number of tokens of each finished batch.
        head: Makes vectors of the states, on the reader's device; None makes no vectors.
    """
    first, passages = task.first_ordinal, task.passages
    ordinals = range(first, first + len(passages))
    windows = reader.encoder.windows_of(passages)
    lengths = [len(w.token_ids) for of_passage in windows for w in of_passage]
    code_dtype = torch.empty(0, dtype=codec.dtype).numpy().dtype
    width = codec.code_width(reader.config.hidden_size)
    vocab_size = reader.config.vocab_size
    pooling = None if head is None else PassagePooling(head, windows)
    with atomic_path(task.index / task.file) as temporary:
        with ShardWriter(
            temporary, ordinals, passages, windows, code_dtype, width, vocab_size
        ) as writer:
            for batch, codes in encode_windows(windows, reader, codec, lower, pooling):
                row = 0
                for number in batch:
                    writer.write_codes(number, codes[row : row + lengths[number]].numpy())
                    row += lengths[number]
                on_progress(row)
        entry = describe_shard(temporary, task.file, ordinals, passages, writer.counts)
        if pooling is not None:
            write_shard_vectors(task.index, entry, pooling.vectors())
        return entry


def encode_windows(
    windows: Sequence[Sequence[Window]],
    reader: Reader,
    codec: Codec,
    lower: LowerPass,
    pooling: PassagePooling | None,
) -> Iterator[tuple[list[int], Tensor]]:
    """Encode the windows of passages, in batches of similar length.

    Args:
        windows: Windows of each passage.
        reader: Computes the states.
        codec: Turns states into codes.
        lower: How the reader's lower layers run.
        pooling: Takes the states to make vectors of the same passages; None makes no vectors.

    Yields:
        Numbers of the windows of a batch, counted over all passages, and their codes end to end, on
        CPU. Shape ``(n_rows, code_width)``.
    """
    flat = [w for of_passage in windows for w in of_passage]
    half = lower.precision == Precision.BFLOAT16
    for batch in batches_by_length([len(w.token_ids) for w in flat], lower.rows_per_batch):
        some = [flat[number] for number in batch]
        with torch.autocast(reader.device.type, torch.bfloat16, half):
            states = reader.window_states(some)
            if pooling is not None:
                pooling.add(batch, states)
        ids = Packed.from_lists([w.token_ids for w in some]).to(states.rows.device)
        yield batch, codec.encode(states, ids).cpu()


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
