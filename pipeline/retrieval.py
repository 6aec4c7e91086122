"""Where passages come from: anything with the one method of `Retriever` can take BM25's place."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from ..indexer import Hit


class Retriever(Protocol):
    """Finds passages for a query."""

    def search(self, query: str, k: int) -> list[Hit]:
        """At most ``k`` passages, best first."""


@runtime_checkable
class BatchRetriever(Retriever, Protocol):
    """Finds passages for several queries sooner than one by one."""

    def search_many(self, queries: Sequence[str], k: int, *, threads: int) -> list[list[Hit]]:
        """`search` for each query; ``threads`` is how many to search at a time at most."""


def search_many(
    retriever: Retriever, queries: Sequence[str], k: int, *, threads: int
) -> list[list[Hit]]:
    """Passages for several queries, at once where the retriever can."""
    if isinstance(retriever, BatchRetriever):
        return retriever.search_many(queries, k, threads=threads)
    return [retriever.search(query, k) for query in queries]
