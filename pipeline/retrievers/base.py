"""What finds passages: anything with the one method of `Retriever` can take BM25's place."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from ...indexer import Hit, PassageIndex


class Retriever(Protocol):
    """Finds passages for a query."""

    def search(self, query: str, k: int) -> list[Hit]:
        """At most ``k`` passages, best first."""


@runtime_checkable
class BatchRetriever(Retriever, Protocol):
    """Finds passages for several queries sooner than one by one."""

    def search_many(self, queries: Sequence[str], k: int, *, threads: int) -> list[list[Hit]]:
        """`search` for each query; ``threads`` is how many to search at a time at most."""


@runtime_checkable
class DescribedRetriever(Retriever, Protocol):
    """Says what it is, so that a resumed evaluation knows whether it still is the same."""

    @property
    def description(self) -> str:
        """Its kind and settings, without secrets."""


@runtime_checkable
class SimilarityRetriever(Retriever, Protocol):
    """Says how similar each passage is to the question, by dense vectors."""

    @property
    def encoder_fingerprint(self) -> str | None:
        """Who made the vectors: cosines of other encoders do not compare.

        If there is one, every hit has a similarity.
        """


def encoder_of(retriever: Retriever) -> str | None:
    """Fingerprint of the encoder whose similarities a retriever gives; None where it gives none."""
    return retriever.encoder_fingerprint if isinstance(retriever, SimilarityRetriever) else None


def describe(retriever: Retriever) -> str:
    """What a retriever is, in words."""
    if isinstance(retriever, DescribedRetriever):
        return retriever.description
    return type(retriever).__name__


def search_many(
    retriever: Retriever, queries: Sequence[str], k: int, *, threads: int
) -> list[list[Hit]]:
    """Passages for several queries, at once where the retriever can."""
    if isinstance(retriever, BatchRetriever):
        return retriever.search_many(queries, k, threads=threads)
    return [retriever.search(query, k) for query in queries]


def bm25_scores(index: PassageIndex, query: str, hits: Sequence[Hit]) -> list[float]:
    """BM25 scores of what was found, whoever found it.

    Another engine's score has another scale, so that it orders passages and is not added to a
    logit.

    Args:
        index: Its BM25 index is asked where a hit does not say.
        query: What was searched for.
        hits: What was found.

    Returns:
        For each hit its score; 0 where no word of the query occurs in the passage.
    """
    unknown = [hit.ordinal for hit in hits if hit.bm25 is None]
    asked = dict(zip(unknown, index.bm25.score(query, unknown), strict=True)) if unknown else {}
    return [asked[hit.ordinal] if hit.bm25 is None else hit.bm25 for hit in hits]
