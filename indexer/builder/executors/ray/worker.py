"""What a worker of a Ray cluster does: encode a shard into the index folder, which all nodes share.

A worker process keeps its reader from one shard to the next. Only what the manifest says of a shard
goes back; states never leave the worker but by the file.
"""

import uuid
from dataclasses import replace
from typing import Any

import ray
import torch

from .....reader import Reader
from .....reader.codecs import Codec, find_codec
from ....storage.manifest import ShardEntry
from ...encode import ShardTask, encode_shard
from ..processes import one_thread

_kept: dict[str, tuple[Reader, Codec]] = {}
"""The reader and codec of the last build, by its name."""


def encode_task(
    task: ShardTask, build: str, reader: list[Any], codec_name: str, rows_per_batch: int
) -> ShardEntry:
    """Encode one shard.

    Args:
        task: Which.
        build: A name that no other build has.
        reader: An `ObjectRef` of the reader, in a list, lest Ray fetch it for every task.
        codec_name: What the codec is found by.
        rows_per_batch: Rows the reader sees at once.
    """
    own = _kept.get(build)
    if own is None:
        _kept.clear()
        loaded: Reader = ray.get(reader[0])
        if torch.cuda.is_available() and ray.get_gpu_ids():
            loaded = Reader(loaded.model, loaded.tokenizer, name=loaded.name, device="cuda")
        codec = find_codec(codec_name, loaded)
        assert codec is not None  # it was settled before the first task
        own = _kept[build] = (loaded, codec)
    # A worker that was given up may go on writing: each has a file of its own until it is whole.
    mine = replace(task, writer=f".{uuid.uuid4().hex}")
    with one_thread(own[0]):
        return encode_shard(mine, *own, rows_per_batch)
