"""Offline: passages become windows, states, shards and a BM25 index."""

from .bm25 import build_bm25
from .build import build_index
from .change import add_passages, change_reader, compact_index, delete_passages
from .errors import IndexFormatError, IndexMismatchError
from .index import PassageIndex, StoredWindows
from .manifest import FORMAT_VERSION, BuildPlan, Manifest, ShardEntry
from .merging import merge_indexes
from .options import AddConfig, IndexConfig
from .scan import Estimate
from .searching import Bm25Parameters, Bm25Searcher, Hit
from .shard import ShardReader
from .shard_writer import ShardWriter
from .splitting import split_index
from .verify import bytes_to_verify, index_info, verify_index

__all__ = [
    "FORMAT_VERSION",
    "AddConfig",
    "Bm25Parameters",
    "Bm25Searcher",
    "BuildPlan",
    "Estimate",
    "Hit",
    "IndexConfig",
    "IndexFormatError",
    "IndexMismatchError",
    "Manifest",
    "PassageIndex",
    "ShardEntry",
    "ShardReader",
    "ShardWriter",
    "StoredWindows",
    "add_passages",
    "build_bm25",
    "build_index",
    "bytes_to_verify",
    "change_reader",
    "compact_index",
    "delete_passages",
    "index_info",
    "merge_indexes",
    "split_index",
    "verify_index",
]
