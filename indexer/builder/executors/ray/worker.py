"""Encoding a shard in a worker of a Ray cluster, into the index folder that all nodes share.

A worker process keeps its reader from one shard to the next. It returns the manifest's entry for
the shard; the states go into the file only.
"""

from typing import Any

import ray
import torch

from .....reader import Reader
from .....reader.codecs import Codec, find_codec
from .....reader.retrieval.head import RetrievalHead
from ....storage.manifest import ShardEntry
from ...encode import LowerPass, ShardTask, encode_shard
from ..processes import one_thread

_kept: dict[str, tuple[Reader, Codec, RetrievalHead | None]] = {}
"""Reader, codec and retrieval head of the last build, by the name of the build."""


def encode_task(
    task: ShardTask, build: str, reader: list[Any], codec_name: str, lower: LowerPass
) -> ShardEntry:
    """Encode one shard.

    Args:
        task: The shard to encode.
        build: Unique name of the build.
        reader: `ObjectRef` of the reader and its retrieval head, in a list, so that Ray does not
            fetch them for every task.
        codec_name: Name or file by which the codec is loaded.
        lower: How the reader's lower layers run.
    """
    if build not in _kept:
        _kept.clear()
        _kept[build] = _load(reader[0], codec_name)
    loaded, codec, head = _kept[build]
    # A worker that Ray has given up may still be writing: each has a temporary file of its own.
    with one_thread(loaded):
        return encode_shard(task, loaded, codec, lower, head=head)


def _load(reader: Any, codec_name: str) -> tuple[Reader, Codec, RetrievalHead | None]:
    """Fetch reader and head, onto the GPU that Ray gave the task, and load the codec."""
    loaded: Reader
    head: RetrievalHead | None
    loaded, head = ray.get(reader)
    if torch.cuda.is_available() and ray.get_gpu_ids():
        loaded = Reader(loaded.model, loaded.tokenizer, name=loaded.name, device="cuda")
        head = None if head is None else head.to("cuda")
    codec = find_codec(codec_name, loaded)
    assert codec is not None  # it was learned or found before the first task
    return loaded, codec, head
