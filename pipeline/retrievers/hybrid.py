"""The hybrid retriever: words and meaning find different passages, which are merged."""

from collections.abc import Sequence

from typing_extensions import override

from ...indexer import Bm25Parameters, Bm25Searcher, Hit
from .base import BatchRetriever, Retriever, describe, encoder_of, search_many
from .fusion import convex_fusion
from .names import RetrieverName

DEPTH = 100
"""Least number of hits of each retriever that are merged."""


class HybridRetriever(BatchRetriever):
    """Merges the hits of several retrievers by `convex_fusion`, whose scores they get."""

    name = RetrieverName.HYBRID

    def __init__(self, *retrievers: Retriever, depth: int = DEPTH) -> None:
        """Combine retrievers.

        Args:
            *retrievers: Retrievers of the same index.
            depth: Least number of hits of each retriever that are merged.
        """
        self.retrievers = retrievers
        self._depth = depth

    @property
    def encoder_fingerprint(self) -> str | None:
        """Fingerprint of the encoder of the similarities; None without one, or with several."""
        encoders = {encoder_of(retriever) for retriever in self.retrievers} - {None}
        return encoders.pop() if len(encoders) == 1 else None

    @property
    def description(self) -> str:
        """The retrievers that are merged, and how."""
        parts = " + ".join(describe(retriever) for retriever in self.retrievers)
        return f"{parts} (convex fusion, {self._depth} of each)"

    def with_bm25_parameters(self, parameters: Bm25Parameters) -> "HybridRetriever":
        """The same combination, with other parameters of the BM25 in it.

        Args:
            parameters: Parameters of the formula.
        """
        retrievers = [
            one.with_parameters(parameters) if isinstance(one, Bm25Searcher) else one
            for one in self.retrievers
        ]
        return HybridRetriever(*retrievers, depth=self._depth)

    @override
    def search(self, query: str, k: int) -> list[Hit]:
        depth = self.depth(k)
        return self.merged([one.search(query, depth) for one in self.retrievers], k)

    @override
    def search_many(self, queries: Sequence[str], k: int, *, threads: int) -> list[list[Hit]]:
        depth = self.depth(k)
        found = [search_many(one, queries, depth, threads=threads) for one in self.retrievers]
        return [self.merged(of_query, k) for of_query in zip(*found, strict=True)]

    def depth(self, k: int) -> int:
        """Number of hits of each retriever that are merged.

        Args:
            k: Number of passages that are wanted.
        """
        return max(k, self._depth)

    def merged(self, found: Sequence[Sequence[Hit]], k: int) -> list[Hit]:
        """Merge the hits of all retrievers for one query, with the scores of the fusion.

        Args:
            found: Hits of each retriever, best first.
            k: Maximum number of passages.
        """
        all_hits = [hit for hits in found for hit in hits]
        bm25 = {hit.ordinal: hit.bm25 for hit in all_hits if hit.bm25 is not None}
        known = {hit.ordinal: hit.similarity for hit in all_hits if hit.similarity is not None}
        # A passage that vectors did not find is at most as similar as the last one that they did.
        lowest = None if self.encoder_fingerprint is None else min(known.values(), default=0.0)
        ranked = convex_fusion([[(hit.ordinal, hit.score) for hit in hits] for hits in found])
        return [
            Hit(ordinal, score, bm25.get(ordinal), known.get(ordinal, lowest))
            for ordinal, score in ranked[:k]
        ]
