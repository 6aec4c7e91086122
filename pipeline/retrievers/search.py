"""Search: finding passages without reading them for an answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ...data import Passage
from ...data.arguments import check_count, check_question, check_questions
from ...indexer import Bm25Parameters, Bm25Searcher, Hit, PassageIndex, build_bm25
from ...indexer.filters import Filter, parse_filter
from .base import Retriever, describe
from .filtered import search_filtered, search_many_filtered
from .parameters import with_bm25_parameters


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage that matches a query, and how well."""

    rank: int
    """Rank among the hits, from 1."""
    score: float
    """Score of the retriever; higher is better."""
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
    bm25_parameters: Bm25Parameters | None = None,
) -> list[FoundPassage]:
    """Find the passages of an index that match a query, best first.

    Args:
        index: An open index.
        query: Plain words.
        top_k: Maximum number of passages.
        retriever: A retriever of the index; by default its BM25.
        filter: Conditions on the metadata of passages; None: no condition.
        bm25_parameters: Parameters of BM25 for this search; None: those of the index.

    Raises:
        PrereadError: If the query is empty, ``top_k`` is not positive, the filter cannot be
            applied, or the retriever takes no parameters of BM25.
    """
    check_question(query, "query", "Name what you search for.")
    check_count("top_k", top_k)
    retriever = with_bm25_parameters(retriever or index.bm25, bm25_parameters)
    return _looked_up(index, search_filtered(index, retriever, query, top_k, filter))


def search_passages_many(
    index: PassageIndex,
    queries: Iterable[str],
    top_k: int,
    retriever: Retriever | None = None,
    *,
    filter: Filter | None = None,
    bm25_parameters: Bm25Parameters | None = None,
    threads: int = 1,
) -> list[list[FoundPassage]]:
    """Find the passages of an index that match each of several queries, best first.

    Args:
        index: An open index.
        queries: Plain words, each.
        top_k: Maximum number of passages of each query.
        retriever: A retriever of the index; by default its BM25.
        filter: Conditions on the metadata of passages; None: no condition.
        bm25_parameters: Parameters of BM25 for these searches; None: those of the index.
        threads: Maximum number of queries that are searched at the same time.

    Raises:
        PrereadError: If a query is empty, ``top_k`` is not positive, the filter cannot be applied,
            or the retriever takes no parameters of BM25.
    """
    queries = check_questions(queries, "queries")
    check_count("top_k", top_k)
    retriever = with_bm25_parameters(retriever or index.bm25, bm25_parameters)
    found = search_many_filtered(index, retriever, queries, top_k, filter, threads=threads)
    return [_looked_up(index, hits) for hits in found]


def _looked_up(index: PassageIndex, hits: Sequence[Hit]) -> list[FoundPassage]:
    return [
        FoundPassage(rank, hit.score, index.passage(hit.ordinal))
        for rank, hit in enumerate(hits, start=1)
    ]


def why_nothing_was_found(
    index: PassageIndex, retriever: Retriever, query: str, conditions: Sequence[str] = ()
) -> str:
    """Say why a search found no passage, and what to try.

    Args:
        index: The index that was searched.
        retriever: The retriever that searched.
        query: The query that it searched for.
        conditions: Conditions on the metadata of passages, as they are written on a command line.
    """
    if conditions and not len(index.matching(parse_filter(conditions))):
        return f"none passes the filter ({', '.join(conditions)})."
    if not isinstance(retriever, Bm25Searcher):
        return f"{describe(retriever)} found nothing. Try other words."
    words = retriever.words(query)
    if not words:
        return (
            "it has no word that BM25 searches for; stop words and punctuation are left out. Use "
            "other words, or --retriever dense."
        )
    which = "none that passes the filter" if conditions else "none"
    return (
        f"{which} has a word of it ({', '.join(dict.fromkeys(words))}). Use the words of the "
        "passages, or --retriever dense."
    )


class CorpusSearch:
    """BM25 over passages in memory, without an index; its files are temporary."""

    def __init__(self, passages: Iterable[Passage], *, threads: int = 2) -> None:
        """Index passages.

        Args:
            passages: The passages, all of which are kept in memory. For millions, build an index.
            threads: Number of indexing threads.
        """
        self.passages = list(passages)
        self._folder = TemporaryDirectory(prefix="preread-bm25-")
        lucene = Path(self._folder.name) / "bm25"
        build_bm25(enumerate(self.passages), lucene, threads=threads)
        self._searcher = Bm25Searcher(lucene)

    def __call__(self, query: str, top_k: int) -> list[FoundPassage]:
        """Find the passages that match a query, best first.

        Args:
            query: Plain words.
            top_k: Maximum number of passages.
        """
        return [
            FoundPassage(rank, hit.score, self.passages[hit.ordinal])
            for rank, hit in enumerate(self._searcher.search(query, top_k), start=1)
        ]

    def close(self) -> None:
        """Remove the temporary files."""
        self._searcher.close()
        self._folder.cleanup()
