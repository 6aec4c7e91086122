"""Encoding a shard: passages -> windows -> lower states -> codes."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..data import Passage
from ..reader import Reader, Window
from .codec import Codec
from .shard import ShardCounts, ShardWriter


def batches_by_length(lengths: Sequence[int], rows_per_batch: int) -> Iterator[list[int]]:
    """Cut windows into batches of like length, longest first.

    Args:
        lengths: Rows of each window.
        rows_per_batch: Most rows of a batch; a longer window makes a batch of its own.

    Yields:
        Numbers of the windows of a batch; the same for the same lengths.
    """
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    batch: list[int] = []
    rows = 0
    for number in order:
        if batch and rows + lengths[number] > rows_per_batch:
            yield batch
            batch, rows = [], 0
        batch.append(number)
        rows += lengths[number]
    if batch:
        yield batch


def write_shard(
    path: Path,
    passages: Sequence[Passage],
    reader: Reader,
    codec: Codec,
    rows_per_batch: int,
    on_progress: Callable[[int], None] = lambda n_tokens: None,
) -> ShardCounts:
    """Write the shard of some passages. The bytes depend on the arguments only.

    Args:
        path: The file to write.
        passages: What it holds, in order.
        reader: Makes the states.
        codec: Writes them as bytes.
        rows_per_batch: Rows the reader sees at once.
        on_progress: Told the tokens of each batch that is done.

    Returns:
        How much the shard holds.
    """
    windows = reader.encoder.encode_passages(
        [p.text for p in passages], [p.title for p in passages]
    )
    flat: list[Window] = [w for of_passage in windows for w in of_passage]
    lengths = [len(w.token_ids) for w in flat]
    with ShardWriter(path, passages, windows, codec, reader.config.hidden_size) as writer:
        for batch in batches_by_length(lengths, rows_per_batch):
            states = reader.window_states([flat[i] for i in batch])
            codes = codec.encode(states.rows)
            row = 0
            for number in batch:
                writer.write_states(number, codes[row : row + lengths[number]])
                row += lengths[number]
            on_progress(row)
        return writer.counts
