"""Retrievers: BM25, dense vectors, both combined, or a search engine."""

from .base import BatchRetriever, Retriever, search_many
from .fusion import reciprocal_rank_fusion
from .hybrid import HybridRetriever
from .selection import open_retriever

__all__ = [
    "BatchRetriever",
    "HybridRetriever",
    "Retriever",
    "open_retriever",
    "reciprocal_rank_fusion",
    "search_many",
]
