"""Retrievers: BM25, dense vectors, both combined, or a search engine."""

from typing import TYPE_CHECKING

from ...data.lazy import lazy_attributes

if TYPE_CHECKING:
    from .base import BatchRetriever, Retriever, search_many
    from .fusion import convex_fusion
    from .hybrid import HybridRetriever
    from .names import RetrieverName
    from .rerank import RerankRetriever
    from .selection import open_retriever

__all__ = [
    "BatchRetriever",
    "HybridRetriever",
    "RerankRetriever",
    "Retriever",
    "RetrieverName",
    "open_retriever",
    "convex_fusion",
    "search_many",
]

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "BatchRetriever": "base",
        "HybridRetriever": "hybrid",
        "RerankRetriever": "rerank",
        "Retriever": "base",
        "RetrieverName": "names",
        "open_retriever": "selection",
        "convex_fusion": "fusion",
        "search_many": "base",
    },
)
"""Names are imported at first use: the default of an index is known without loading PyTorch."""
