"""Names of the retrievers that an index has itself, and which of them is the default."""

from enum import StrEnum

from ...indexer.dense.kinds import READER
from ...indexer.storage.manifest import DenseEntry


class RetrieverName(StrEnum):
    """The retrievers that an index has itself."""

    AUTO = "auto"
    """What `default_retriever` chooses."""
    BM25 = "bm25"
    """Finds words."""
    DENSE = "dense"
    """Finds meaning, with the vectors of the index."""
    HYBRID = "hybrid"
    """Merges both by a mean of their scores."""
    BM25_RERANK = "bm25-rerank"
    """Finds words, and orders the best hits by their vectors."""


WITH_VECTORS = RetrieverName.HYBRID
"""The default for an index with vectors of its reader's retrieval head."""


def default_retriever(dense: DenseEntry | None) -> RetrieverName:
    """The retriever that is used if none is named.

    Vectors of a sentence encoder do not change it, because searching them takes a second model.

    Args:
        dense: The manifest's entry for vectors; None if the index has none.
    """
    has_own = dense is not None and dense.encoder == READER
    return WITH_VECTORS if has_own else RetrieverName.BM25
