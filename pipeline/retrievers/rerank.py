"""BM25 finds passages, and their vectors order them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from ...indexer import Bm25Searcher, Hit
from .base import AmongRetriever, BatchRetriever
from .names import RetrieverName

if TYPE_CHECKING:
    from ...indexer.dense import DenseSearcher

DEPTH = 200
"""Least number of hits of BM25 that are ordered anew."""


@dataclass(frozen=True, slots=True)
class RerankRetriever(BatchRetriever, AmongRetriever):
    """Orders the best hits of BM25 by the similarity of their vectors, which is their score.

    No vectors but those of the hits are compared, so that a question costs little more than with
    BM25 alone, however large the index is.
    """

    bm25: Bm25Searcher
    """Finds passages."""
    dense: "DenseSearcher"
    """Orders them."""
    depth: int = DEPTH
    """Least number of hits of BM25 that are ordered anew."""

    name: ClassVar = RetrieverName.BM25_RERANK

    @property
    def encoder_fingerprint(self) -> str:
        """Fingerprint of the encoder of the similarities."""
        return self.dense.encoder_fingerprint

    @property
    def description(self) -> str:
        """The two searchers, and how many hits are ordered anew."""
        dense = self.dense.description
        return f"{self.bm25.description}, first {self.depth} reranked by {dense}"

    @override
    def search(self, query: str, k: int) -> list[Hit]:
        return self._reranked(query, self.bm25.search(query, max(k, self.depth)), k)

    @override
    def search_many(self, queries: Sequence[str], k: int, *, threads: int) -> list[list[Hit]]:
        found = self.bm25.search_many(queries, max(k, self.depth), threads=threads)
        pairs = zip(queries, found, strict=True)
        return [self._reranked(query, hits, k) for query, hits in pairs]

    @override
    def search_among(self, query: str, k: int, ordinals: Sequence[int]) -> list[Hit]:
        hits = self.bm25.search_among(query, max(k, self.depth), ordinals)
        return self._reranked(query, hits, k)

    def _reranked(self, query: str, hits: Sequence[Hit], k: int) -> list[Hit]:
        """The hits with the most similar vectors."""
        known = {hit.ordinal: hit.bm25 for hit in hits}
        return [
            Hit(hit.ordinal, hit.score, known[hit.ordinal], hit.similarity)
            for hit in self.dense.search_among(query, k, list(known))
        ]
