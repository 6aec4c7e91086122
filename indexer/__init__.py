"""Offline: passages become windows, states, shards and a BM25 index."""

from typing import TYPE_CHECKING

from ..data.lazy import lazy_attributes

if TYPE_CHECKING:
    from .bm25 import build_bm25
    from .build import build_index
    from .change import add_passages, change_reader, compact_index
    from .deletion import delete_passages
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

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "AddConfig": "options",
        "Bm25Parameters": "searching",
        "Bm25Searcher": "searching",
        "BuildPlan": "manifest",
        "Estimate": "scan",
        "FORMAT_VERSION": "manifest",
        "Hit": "searching",
        "IndexConfig": "options",
        "IndexFormatError": "errors",
        "IndexMismatchError": "errors",
        "Manifest": "manifest",
        "PassageIndex": "index",
        "ShardEntry": "manifest",
        "ShardReader": "shard",
        "ShardWriter": "shard_writer",
        "StoredWindows": "index",
        "add_passages": "change",
        "build_bm25": "bm25",
        "build_index": "build",
        "bytes_to_verify": "verify",
        "change_reader": "change",
        "compact_index": "change",
        "delete_passages": "deletion",
        "index_info": "verify",
        "merge_indexes": "merging",
        "split_index": "splitting",
        "verify_index": "verify",
    },
)
"""Imported when first used: to look at an index takes no reader, and none of its libraries."""
