"""Encoding a shard in a worker of a Ray cluster, into the index folder that all nodes share.

A worker process keeps its reader from one shard to the next. It returns the manifest's entry for
the shard; the states go into the file only.
"""

from typing import Any

import ray
import torch

from .....reader import Reader
from .....reader.codecs import Codec, find_codec
from ....storage.manifest import ShardEntry
from ...encode import ShardTask, encode_shard
from ..processes import one_thread

_kept: dict[str, tuple[Reader, Codec]] = {}
"""Reader and codec of the last build, by the name of the build."""


def encode_task(
    task: ShardTask, build: str, reader: list[Any], codec_name: str, rows_per_batch: int
) -> ShardEntry:
    """Encode one shard.

    Args:
        task: The shard to encode.
        build: Unique name of the build.
        reader: `ObjectRef` of the reader, in a list, so that Ray does not fetch it for every task.
        codec_name: Name or file by which the codec is loaded.
        rows_per_batch: Number of tokens that the reader processes at once.

    Returns:
        The manifest's entry for the shard.
    """
    own = _kept.get(build)
    if own is None:
        _kept.clear()
        loaded: Reader = ray.get(reader[0])
        if torch.cuda.is_available() and ray.get_gpu_ids():
            loaded = Reader(loaded.model, loaded.tokenizer, name=loaded.name, device="cuda")
        codec = find_codec(codec_name, loaded)
        assert codec is not None  # it was learned or found before the first task
        own = _kept[build] = (loaded, codec)
    # A worker that Ray has given up may still be writing: each has a temporary file of its own.
    with one_thread(own[0]):
        return encode_shard(task, *own, rows_per_batch)
