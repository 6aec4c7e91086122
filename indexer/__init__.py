"""Makes an index of passages: windows, their states in shards, lookup files and BM25."""

from typing import TYPE_CHECKING

from ..data.lazy import lazy_attributes

if TYPE_CHECKING:
    from .bm25.indexer import build_bm25
    from .bm25.searcher import Bm25Parameters, Bm25Searcher, Hit
    from .builder.run import build_index
    from .builder.scan import BuildEstimate
    from .config import AddConfig, IndexConfig
    from .documents import StoredDocument, stored_documents
    from .errors import IndexFormatError, IndexMismatchError
    from .index import PassageIndex
    from .maintenance.add import add_passages
    from .maintenance.compact import compact_index
    from .maintenance.delete import delete_passages
    from .maintenance.merge import merge_indexes
    from .maintenance.set_reader import change_reader
    from .maintenance.split import split_index
    from .maintenance.sync import SyncReport, sync_folder, watch_folder
    from .maintenance.verify import bytes_to_verify, index_info, verify_index
    from .storage.manifest import FORMAT_VERSION, BuildPlan, Manifest, ShardEntry
    from .storage.shard_reader import ShardReader
    from .storage.shard_writer import ShardWriter
    from .stored_windows import StoredWindows

__all__ = [
    "FORMAT_VERSION",
    "AddConfig",
    "Bm25Parameters",
    "Bm25Searcher",
    "BuildEstimate",
    "BuildPlan",
    "Hit",
    "IndexConfig",
    "IndexFormatError",
    "IndexMismatchError",
    "Manifest",
    "PassageIndex",
    "ShardEntry",
    "ShardReader",
    "ShardWriter",
    "StoredDocument",
    "StoredWindows",
    "SyncReport",
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
    "stored_documents",
    "sync_folder",
    "verify_index",
    "watch_folder",
]

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "AddConfig": "config",
        "Bm25Parameters": "bm25.searcher",
        "Bm25Searcher": "bm25.searcher",
        "BuildEstimate": "builder.scan",
        "BuildPlan": "storage.manifest",
        "FORMAT_VERSION": "storage.manifest",
        "Hit": "bm25.searcher",
        "IndexConfig": "config",
        "IndexFormatError": "errors",
        "IndexMismatchError": "errors",
        "Manifest": "storage.manifest",
        "PassageIndex": "index",
        "ShardEntry": "storage.manifest",
        "ShardReader": "storage.shard_reader",
        "ShardWriter": "storage.shard_writer",
        "StoredDocument": "documents",
        "StoredWindows": "stored_windows",
        "SyncReport": "maintenance.sync",
        "add_passages": "maintenance.add",
        "build_bm25": "bm25.indexer",
        "build_index": "builder.run",
        "bytes_to_verify": "maintenance.verify",
        "change_reader": "maintenance.set_reader",
        "compact_index": "maintenance.compact",
        "delete_passages": "maintenance.delete",
        "index_info": "maintenance.verify",
        "merge_indexes": "maintenance.merge",
        "split_index": "maintenance.split",
        "stored_documents": "documents",
        "sync_folder": "maintenance.sync",
        "verify_index": "maintenance.verify",
        "watch_folder": "maintenance.sync",
    },
)
"""Names are imported at first use: inspecting an index does not load the libraries of readers."""
