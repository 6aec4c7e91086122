"""Offline: passages become windows, states, shards and a BM25 index."""

from .bm25 import Bm25Searcher, Hit, build_bm25
from .build import IndexConfig, build_index
from .codec import Codec, CodecName, Float16Codec, make_codec
from .errors import IndexFormatError, IndexMismatchError
from .index import PassageIndex
from .manifest import FORMAT_VERSION, BuildPlan, Manifest, ShardEntry
from .shard import ShardReader, ShardWriter
from .verify import index_info, verify_index

__all__ = [
    "FORMAT_VERSION",
    "Bm25Searcher",
    "BuildPlan",
    "Codec",
    "CodecName",
    "Float16Codec",
    "Hit",
    "IndexConfig",
    "IndexFormatError",
    "IndexMismatchError",
    "Manifest",
    "PassageIndex",
    "ShardEntry",
    "ShardReader",
    "ShardWriter",
    "build_bm25",
    "build_index",
    "index_info",
    "make_codec",
    "verify_index",
]
