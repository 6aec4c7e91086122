"""Makes an index of passages: windows, their states in shards, lookup files and BM25."""

from typing import TYPE_CHECKING

from ..data.lazy import lazy_attributes

if TYPE_CHECKING:
    from .bm25.indexer import build_bm25 as build_bm25
    from .bm25.searcher import Bm25Parameters as Bm25Parameters
    from .bm25.searcher import Bm25Searcher as Bm25Searcher
    from .bm25.searcher import Hit as Hit
    from .builder.run import build_index as build_index
    from .builder.scan import BuildEstimate as BuildEstimate
    from .config import AddConfig as AddConfig
    from .config import IndexConfig as IndexConfig
    from .documents import StoredDocument as StoredDocument
    from .documents import stored_documents as stored_documents
    from .errors import IndexFormatError as IndexFormatError
    from .errors import IndexMismatchError as IndexMismatchError
    from .index import PassageIndex as PassageIndex
    from .maintenance.add import add_passages as add_passages
    from .maintenance.compact import compact_index as compact_index
    from .maintenance.delete import delete_passages as delete_passages
    from .maintenance.merge import merge_indexes as merge_indexes
    from .maintenance.set_reader import change_reader as change_reader
    from .maintenance.split import split_index as split_index
    from .maintenance.sync import SyncReport as SyncReport
    from .maintenance.sync import sync_folder as sync_folder
    from .maintenance.sync import watch_folder as watch_folder
    from .maintenance.verify import bytes_to_verify as bytes_to_verify
    from .maintenance.verify import index_info as index_info
    from .maintenance.verify import verify_index as verify_index
    from .storage.manifest import FORMAT_VERSION as FORMAT_VERSION
    from .storage.manifest import BuildPlan as BuildPlan
    from .storage.manifest import Manifest as Manifest
    from .storage.manifest import ShardEntry as ShardEntry
    from .storage.shard_reader import ShardReader as ShardReader
    from .storage.shard_writer import ShardWriter as ShardWriter
    from .stored_windows import StoredWindows as StoredWindows

__getattr__, __dir__, __all__ = lazy_attributes(
    __name__,
    {
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
        "storage.manifest": ("FORMAT_VERSION", "BuildPlan", "Manifest", "ShardEntry"),
        "storage.shard_reader": ("ShardReader",),
        "storage.shard_writer": ("ShardWriter",),
        "stored_windows": ("StoredWindows",),
    },
)
"""The names of each module, imported when first used: inspecting an index does not load the
libraries of readers."""
