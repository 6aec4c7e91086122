"""Where passages come from: anything with these two methods can take BM25's place."""

from typing import Protocol

from ..indexer import Hit


class Retriever(Protocol):
    """Finds passages for a query."""

    def search(self, query: str, k: int) -> list[Hit]:
        """At most ``k`` passages, best first."""
