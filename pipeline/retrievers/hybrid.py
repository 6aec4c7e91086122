"""Two retrievers' hits in one ranking: words and meaning find different passages."""

from collections.abc import Sequence

from ...indexer import Hit
from .base import Retriever, describe, encoder_of, search_many
from .fusion import K, reciprocal_rank_fusion

DEPTH = 100
"""Hits of each that are merged, at least."""


class HybridRetriever:
    """Merges what several retrievers find, by reciprocal rank fusion."""

    def __init__(self, *retrievers: Retriever, depth: int = DEPTH, k: int = K) -> None:
        """Put retrievers together.

        Args:
            retrievers: Over the same index.
            depth: Hits of each that are merged, at least.
            k: See `reciprocal_rank_fusion`.
        """
        self.retrievers = retrievers
        self._depth = depth
        self._k = k

    @property
    def encoder_fingerprint(self) -> str | None:
        """Whose similarities a hit has; None where it has none, or those of several encoders."""
        encoders = {encoder_of(retriever) for retriever in self.retrievers} - {None}
        return encoders.pop() if len(encoders) == 1 else None

    @property
    def description(self) -> str:
        """What is merged, and how."""
        parts = " + ".join(describe(retriever) for retriever in self.retrievers)
        return f"{parts} (reciprocal rank fusion, k = {self._k}, {self._depth} of each)"

    def search(self, query: str, k: int) -> list[Hit]:
        """Find passages.

        Args:
            query: Any text.
            k: How many passages at most.

        Returns:
            Hits, best first; their scores are those of the fusion.
        """
        depth = max(k, self._depth)
        return self._merged([one.search(query, depth) for one in self.retrievers], k)

    def search_many(self, queries: Sequence[str], k: int, *, threads: int) -> list[list[Hit]]:
        """Find passages for several queries at once.

        Args:
            queries: As in `search`.
            k: As in `search`, for each query.
            threads: How many queries are searched at a time.

        Returns:
            For each query what `search` finds.
        """
        depth = max(k, self._depth)
        found = [search_many(one, queries, depth, threads=threads) for one in self.retrievers]
        return [self._merged(of_query, k) for of_query in zip(*found, strict=True)]

    def _merged(self, found: Sequence[Sequence[Hit]], k: int) -> list[Hit]:
        """One query's hits of all retrievers as one ranking."""
        all_hits = [hit for hits in found for hit in hits]
        bm25 = {hit.ordinal: hit.bm25 for hit in all_hits if hit.bm25 is not None}
        known = {hit.ordinal: hit.similarity for hit in all_hits if hit.similarity is not None}
        # What vectors did not find is at most as similar as the last that they found.
        lowest = None if self.encoder_fingerprint is None else min(known.values(), default=0.0)
        ranked = reciprocal_rank_fusion([[h.ordinal for h in hits] for hits in found], k=self._k)
        return [
            Hit(ordinal, score, bm25.get(ordinal), known.get(ordinal, lowest))
            for ordinal, score in ranked[:k]
        ]
