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

_MODULES = {
    "bm25.indexer": ("build_bm25",),
    "bm25.searcher": ("Bm25Parameters", "Bm25Searcher", "Hit"),
    "builder.run": ("build_index",),
    "builder.scan": ("BuildEstimate",),
    "config": ("AddConfig", "IndexConfig"),
    "documents": ("StoredDocument", "stored_documents"),
    "errors": ("IndexFormatError", "IndexMismatchError"),
    "index": ("PassageIndex",),
    "maintenance.add": ("add_passages",),
    "maintenance.compact": ("compact_index",),
    "maintenance.delete": ("delete_passages",),
    "maintenance.merge": ("merge_indexes",),
    "maintenance.set_reader": ("change_reader",),
    "maintenance.split": ("split_index",),
    "maintenance.sync": ("SyncReport", "sync_folder", "watch_folder"),
    "maintenance.verify": ("bytes_to_verify", "index_info", "verify_index"),
    "storage.manifest": ("BuildPlan", "FORMAT_VERSION", "Manifest", "ShardEntry"),
    "storage.shard_reader": ("ShardReader",),
    "storage.shard_writer": ("ShardWriter",),
    "stored_windows": ("StoredWindows",),
}
"""The names of each module, imported when first used: inspecting an index does not load the
libraries of readers."""

__getattr__, __dir__ = lazy_attributes(
    __name__, {name: module for module, names in _MODULES.items() for name in names}
)
