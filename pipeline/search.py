"""Finding passages without reading them."""

from dataclasses import dataclass
from typing import Any

from ..data import Passage, PrereadError
from ..indexer import PassageIndex


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage and how well it fits a query."""

    rank: int
    """From 1."""
    score: float
    """BM25 score; higher is better."""
    passage: Passage

    def to_dict(self) -> dict[str, Any]:
        """The keys of ``preread search --json``."""
        return {
            "rank": self.rank,
            "score": self.score,
            "passage_id": self.passage.passage_id,
            "title": self.passage.title,
            "passage": self.passage.text,
        }


def search_passages(index: PassageIndex, query: str, top_k: int) -> list[FoundPassage]:
    """The passages of an index that fit a query best.

    Args:
        index: An open index.
        query: Plain words.
        top_k: How many at most.

    Returns:
        Passages, best first.

    Raises:
        PrereadError: If the query is empty, or ``top_k`` is not positive.
    """
    if not query.strip():
        raise PrereadError("query: expected some words, found none.")
    if top_k < 1:
        raise PrereadError(f"top_k must be at least 1, found {top_k}.")
    return [
        FoundPassage(rank, hit.score, index.passage(hit.ordinal))
        for rank, hit in enumerate(index.bm25.search(query, top_k), start=1)
    ]
