"""Finding passages without reading them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ...data import Passage, PrereadError
from ...indexer import Bm25Searcher, PassageIndex, build_bm25
from ...indexer.filters import Filter
from . import Retriever
from .filtered import search_filtered


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage and how well it fits a query."""

    rank: int
    """From 1."""
    score: float
    """The retriever's; higher is better."""
    passage: Passage

    def to_dict(self) -> dict[str, Any]:
        """The keys of ``preread search --json``."""
        return {
            "rank": self.rank,
            "score": self.score,
            "passage_id": self.passage.passage_id,
            "title": self.passage.title,
            "passage": self.passage.text,
            "metadata": self.passage.shown_metadata(),
        }


def search_passages(
    index: PassageIndex,
    query: str,
    top_k: int,
    retriever: Retriever | None = None,
    *,
    filter: Filter | None = None,
) -> list[FoundPassage]:
    """The passages of an index that fit a query best.

    Args:
        index: An open index.
        query: Plain words.
        top_k: How many at most.
        retriever: Finds passages of the index; BM25 of the index by default.
        filter: Conditions on the metadata of passages; None lets all pass.

    Returns:
        Passages, best first.

    Raises:
        PrereadError: If the query is empty, or ``top_k`` is not positive.
    """
    if not query.strip():
        raise PrereadError("query: expected some words, found none.")
    if top_k < 1:
        raise PrereadError(f"top_k must be at least 1, found {top_k}.")
    hits = search_filtered(index, retriever or index.bm25, query, top_k, filter)
    return [
        FoundPassage(rank, hit.score, index.passage(hit.ordinal))
        for rank, hit in enumerate(hits, start=1)
    ]


class CorpusSearch:
    """BM25 over passages in memory, for what needs no stored states; nothing is left on disk."""

    def __init__(self, passages: Iterable[Passage], *, threads: int = 2) -> None:
        """Index passages.

        Args:
            passages: All of them are held in memory; a corpus of millions wants an index.
            threads: Indexing threads.
        """
        self.passages = list(passages)
        self._folder = TemporaryDirectory(prefix="preread-bm25-")
        lucene = Path(self._folder.name) / "bm25"
        build_bm25(enumerate(self.passages), lucene, threads=threads)
        self._searcher = Bm25Searcher(lucene)

    def __call__(self, query: str, top_k: int) -> list[FoundPassage]:
        """The passages that fit a query best, best first; see `search_passages`."""
        return [
            FoundPassage(rank, hit.score, self.passages[hit.ordinal])
            for rank, hit in enumerate(self._searcher.search(query, top_k), start=1)
        ]

    def close(self) -> None:
        """Remove what was written."""
        self._searcher.close()
        self._folder.cleanup()
