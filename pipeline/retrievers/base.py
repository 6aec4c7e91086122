"""Retrievers: any object with the method of `Retriever` can find passages in place of BM25."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from ...indexer import Hit, PassageIndex


class Retriever(Protocol):
    """Finds passages for a query."""

    def search(self, query: str, k: int) -> list[Hit]:
        """Find passages, best first.

        Args:
            query: Plain words.
            k: Maximum number of passages.
        """


@runtime_checkable
class BatchRetriever(Retriever, Protocol):
    """A retriever that searches several queries faster than one after the other."""

    def search_many(self, queries: Sequence[str], k: int, *, threads: int) -> list[list[Hit]]:
        """Find passages for several queries, best first.

        Args:
            queries: The queries.
            k: Maximum number of passages per query.
            threads: Maximum number of queries that are searched at the same time.
        """


@runtime_checkable
class DescribedRetriever(Retriever, Protocol):
    """A retriever that describes itself, so that a resumed evaluation can compare settings."""

    @property
    def description(self) -> str:
        """Kind and settings of the retriever, without secrets."""


@runtime_checkable
class NamedRetriever(Retriever, Protocol):
    """A retriever with a name of its own."""

    @property
    def name(self) -> str:
        """The name by which ``open_retriever`` opens it."""


@runtime_checkable
class AmongRetriever(Retriever, Protocol):
    """A retriever that can search given passages by themselves."""

    def search_among(self, query: str, k: int, ordinals: Sequence[int]) -> list[Hit]:
        """Find passages among given ones, best first.

        Args:
            query: Plain words.
            k: Maximum number of passages.
            ordinals: Numbers of the passages that may be found.
        """


@runtime_checkable
class SimilarityRetriever(Retriever, Protocol):
    """A retriever whose hits have a similarity, by dense vectors."""

    @property
    def encoder_fingerprint(self) -> str | None:
        """Fingerprint of the encoder of the vectors, since cosines of two encoders do not compare.

        None if hits have no similarity.
        """


def encoder_of(retriever: Retriever) -> str | None:
    """The fingerprint of the encoder of a retriever's similarities; None if it has none.

    Args:
        retriever: Any retriever.
    """
    return retriever.encoder_fingerprint if isinstance(retriever, SimilarityRetriever) else None


def name_of(retriever: Retriever) -> str:
    """The name of a retriever: ``bm25``, ``hybrid`` …, or a description if it has no name.

    Args:
        retriever: Any retriever.
    """
    return str(retriever.name) if isinstance(retriever, NamedRetriever) else describe(retriever)


def describe(retriever: Retriever) -> str:
    """A retriever in words: its own description, or the name of its class.

    Args:
        retriever: Any retriever.
    """
    if isinstance(retriever, DescribedRetriever):
        return retriever.description
    return type(retriever).__name__


def search_many(
    retriever: Retriever, queries: Sequence[str], k: int, *, threads: int
) -> list[list[Hit]]:
    """Find passages for several queries, best first, together if the retriever can.

    Args:
        retriever: Any retriever.
        queries: The queries.
        k: Maximum number of passages per query.
        threads: Maximum number of queries that are searched at the same time.
    """
    if isinstance(retriever, BatchRetriever):
        return retriever.search_many(queries, k, threads=threads)
    return [retriever.search(query, k) for query in queries]


def bm25_scores(index: PassageIndex, query: str, hits: Sequence[Hit]) -> list[float]:
    """The BM25 scores of hits of any retriever.

    The scores of another engine have another scale. They order passages, and are not added to
    logits.

    Args:
        index: Index of the hits; it computes the scores that hits do not have.
        query: The query that was searched for.
        hits: The hits.

    Returns:
        The score of each hit; 0 if the passage has no word of the query.
    """
    unknown = [hit.ordinal for hit in hits if hit.bm25 is None]
    asked = dict(zip(unknown, index.bm25.score(query, unknown), strict=True)) if unknown else {}
    return [asked[hit.ordinal] if hit.bm25 is None else hit.bm25 for hit in hits]
