"""How fast a device encodes passages, stage by stage and as the indexer does."""

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from on_device import Clock, layer_flops
from preread.data import Passage
from preread.indexer.builder.encode import LowerPass, ShardTask, encode_shard
from preread.indexer.storage.shard_writer import ShardWriter
from preread.reader import Packed, Reader
from preread.reader.codecs import Codec, known_codec
from preread.reader.packing import batches_by_length
from timing import spread


def index_rates(
    reader: Reader,
    codecs: Sequence[str],
    passages: list[Passage],
    clock: Clock,
    repeat: int,
    rows: int,
) -> list[dict[str, Any]]:
    """Passages a second by stage and whole, for each codec in turns."""
    shards = [passages[first : first + 2000] for first in range(0, len(passages), 2000)]
    coders = {name: known_codec(name, reader) for name in codecs}
    stages: dict[str, dict[str, list[float]]] = {name: {} for name in codecs}
    flops, n_tokens = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "states").mkdir()
        for number in range(repeat + 1):  # the first warms up
            for name, codec in coders.items():
                seconds, flops, n_tokens = _staged(reader, codec, shards, clock, rows, Path(folder))
                whole = partial(_whole, reader, codec, shards, rows, Path(folder))
                seconds["whole"] = clock.seconds(whole)
                for stage, value in seconds.items() if number else ():
                    stages[name].setdefault(stage, []).append(value)
    lower = [s for of in stages.values() for s in of["lower layers"]]
    return [
        {
            "codec": name,
            "bytes_a_token": coders[name].code_width(reader.config.hidden_size)
            * torch.empty(0, dtype=coders[name].dtype).element_size(),
            "n_passages": len(passages),
            "n_tokens": n_tokens,
            "passages_a_second": {
                stage: spread([len(passages) / s for s in values])
                for stage, values in stages[name].items()
            },
            "lower_layers_teraflops": spread([flops / s / 1e12 for s in lower]),
        }
        for name in codecs
    ]


def _staged(
    reader: Reader, codec: Codec, shards: list[list[Passage]], clock: Clock, rows: int, folder: Path
) -> tuple[dict[str, float], float, int]:
    """Seconds by stage; the operations of the lower layers, and their tokens."""
    seconds = dict.fromkeys(("tokenising", "lower layers", "codec", "to host", "shard"), 0.0)
    flops, n_tokens = 0.0, 0
    code_dtype = torch.empty(0, dtype=codec.dtype).numpy().dtype
    width = codec.code_width(reader.config.hidden_size)
    for passages in shards:
        begin = clock.now()
        encoded = reader.encoder.windows_of(passages)
        flat = [window for of_passage in encoded for window in of_passage]
        lengths = [len(window.token_ids) for window in flat]
        seconds["tokenising"] += clock.now() - begin
        begin = clock.now()
        writer = ShardWriter(
            folder / "shard.h5", range(len(passages)), passages, encoded, code_dtype, width,
            reader.config.vocab_size,
        )  # fmt: skip
        with writer:
            seconds["shard"] += clock.now() - begin
            for batch in batches_by_length(lengths, rows):
                times = [clock.now()]
                some = [flat[i] for i in batch]
                states = reader.window_states(some)
                times.append(clock.now())
                ids = Packed.from_lists([w.token_ids for w in some]).to(states.rows.device)
                codes = codec.encode(states, ids)
                times.append(clock.now())
                on_host = codes.cpu().numpy()
                times.append(clock.now())
                row = 0
                for number in batch:
                    writer.write_codes(number, on_host[row : row + lengths[number]])
                    row += lengths[number]
                times.append(clock.now())
                for stage, (first, last) in zip(
                    ("lower layers", "codec", "to host", "shard"),
                    zip(times, times[1:], strict=False),
                    strict=True,
                ):
                    seconds[stage] += last - first
            begin = clock.now()
        seconds["shard"] += clock.now() - begin
        flops += layer_flops(reader.config, lengths, reader.config.num_lower_layers)
        n_tokens += sum(lengths)
    return seconds, flops, n_tokens


def _whole(
    reader: Reader, codec: Codec, shards: list[list[Passage]], rows: int, folder: Path
) -> None:
    for number, passages in enumerate(shards):
        encode_shard(ShardTask(folder, number, 0, passages), reader, codec, LowerPass(rows))
