"""Searching the BM25 index: Lucene, through Anserini's own searcher."""

import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...data import PrereadError
from ..errors import IndexFormatError
from .indexer import CONTENTS_FIELD, DOCID_FIELD, docid_of, lucene_files
from .java import CALLING_JAVA, java_class

_LOG = logging.getLogger(__name__)

K1 = 0.9
B = 0.4
"""Anserini's parameters for passages of Wikipedia; published figures use them."""

MAX_QUERY_WORDS = 500
"""Lucene refuses queries of more than 1,024 clauses, and one word can give two of them."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found."""

    ordinal: int
    """Number of the passage in the index, in the order of the corpus."""
    score: float
    """What hits are ordered by; higher is better. What it means is up to who found it."""
    bm25: float | None = None
    """BM25 score, where who found it knows it."""
    similarity: float | None = None
    """Cosine of its dense vector and the question's, likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bm25Parameters:
    """How BM25 weighs, chosen when an index is searched."""

    k1: float = K1
    """Saturation of a term's frequency."""
    b: float = B
    """How far long passages are held back: 0 not at all, 1 in full."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            PrereadError: If Lucene would refuse one.
        """
        if not (math.isfinite(self.k1) and self.k1 >= 0):
            raise PrereadError(f"k1 must be a number of at least 0, found {self.k1}.")
        if not 0 <= self.b <= 1:
            raise PrereadError(f"b must be between 0 and 1, found {self.b}.")


class Bm25Searcher:
    """Searches a BM25 index."""

    def __init__(self, folder: str | Path, parameters: Bm25Parameters | None = None) -> None:
        """Open the index.

        Args:
            folder: The Lucene index.
            parameters: How BM25 weighs; by default as Anserini does.

        Raises:
            IndexFormatError: If there is no Lucene index.
        """
        folder = Path(folder)
        self._folder = folder.resolve()  # Java keeps the working folder it was started in
        searcher = java_class("io.anserini.search.SimpleSearcher")
        for name, file in lucene_files(folder).items():
            path = folder / name
            if not path.is_file() or path.stat().st_size != file["bytes"]:
                raise IndexFormatError(
                    f"{path}: expected a file of {file['bytes']} bytes. It is missing or damaged: "
                    "restore it from a backup, or build the index again."
                )
        try:
            with CALLING_JAVA:
                self._searcher: Any = searcher(str(self._folder))
        except Exception as error:
            raise IndexFormatError(
                f"{folder}: not a Lucene index ({_first_line(error)}). It is missing or damaged; "
                "run `preread verify`."
            ) from error
        self.parameters = parameters or Bm25Parameters()
        with CALLING_JAVA:
            self._searcher.set_bm25(self.parameters.k1, self.parameters.b)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and other processes open the index again."""
        return type(self), (self._folder, self.parameters)

    @property
    def n_documents(self) -> int:
        """Passages in the index."""
        with CALLING_JAVA:
            return int(self._searcher.get_total_num_docs())

    @property
    def description(self) -> str:
        """How it weighs."""
        return f"BM25 (k1 = {self.parameters.k1:g}, b = {self.parameters.b:g})"

    def search(self, query: str, k: int) -> list[Hit]:
        """Find passages.

        Args:
            query: Plain words; no query language.
            k: How many passages at most.

        Returns:
            Hits, best first; none where no word of the query occurs.
        """
        with CALLING_JAVA:
            return _hits(self._searcher.search(cut_query(query), k))

    def search_many(self, queries: Sequence[str], k: int, *, threads: int) -> list[list[Hit]]:
        """Find passages for several queries at once.

        Args:
            queries: As in `search`.
            k: As in `search`, for each query.
            threads: How many queries are searched at a time.

        Returns:
            For each query what `search` finds.
        """
        make_list = java_class("java.util.ArrayList")
        with CALLING_JAVA:
            texts, names = make_list(), make_list()
            for number, query in enumerate(queries):
                texts.add(cut_query(query))
                names.add(str(number))
            found = self._searcher.batch_search(texts, names, k, threads)
            return [_hits(found.get(str(number))) for number in range(len(queries))]

    def score(self, query: str, ordinals: Sequence[int]) -> list[float]:
        """BM25 scores of given passages, whoever found them.

        Args:
            query: As in `search`.
            ordinals: Any number of passages.

        Returns:
            For each what `search` would give it; 0 where no word of the query occurs in it.
        """
        if not ordinals:
            return []
        return scores_at(self.search_among(query, len(set(ordinals)), ordinals), ordinals)

    def search_among(self, query: str, k: int, ordinals: Sequence[int]) -> list[Hit]:
        """Find passages among given ones; their scores are those that `search` gives.

        Args:
            query: Plain words; no query language.
            k: How many passages at most.
            ordinals: Of the passages that may be found.

        Returns:
            Hits, best first; none where no word of the query occurs in them.
        """
        with CALLING_JAVA:
            generator = java_class("io.anserini.search.query.BagOfWordsQueryGenerator")()
            analyzer = self._searcher.get_analyzer()
            words = generator.buildQuery(CONTENTS_FIELD, analyzer, cut_query(query))
            restricted = among(words, ordinals)
            return _hits(self._searcher.search(restricted, k))

    def words(self, query: str) -> list[str]:
        """The words of a query that are searched for: stemmed, and without stop words.

        Args:
            query: Plain words.
        """
        analyze = java_class("io.anserini.analysis.AnalyzerUtils").analyze
        with CALLING_JAVA:
            return [str(word) for word in analyze(self._searcher.get_analyzer(), query)]

    def close(self) -> None:
        """Release the files."""
        with CALLING_JAVA:
            self._searcher.close()


def cut_query(query: str) -> str:
    """A query of no more words than Lucene takes."""
    words = query.split()
    if len(words) <= MAX_QUERY_WORDS:
        return query
    _LOG.warning("query cut to its first %d of %d words", MAX_QUERY_WORDS, len(words))
    return " ".join(words[:MAX_QUERY_WORDS])


def among(words: Any, ordinals: Sequence[int]) -> Any:
    """Lucene's query for words, in some passages only."""
    occur = java_class("org.apache.lucene.search.BooleanClause$Occur")
    builder = java_class("org.apache.lucene.search.BooleanQuery$Builder")()
    builder.add(words, occur.MUST)
    builder.add(_any_of(ordinals), occur.FILTER)  # restricts, and adds nothing to a score
    return builder.build()


def scores_at(hits: Iterable[Hit], ordinals: Sequence[int]) -> list[float]:
    """Scores of passages; 0 of those that are not among the hits."""
    found = {hit.ordinal: hit.score for hit in hits}
    return [found.get(ordinal, 0.0) for ordinal in ordinals]


def _any_of(ordinals: Sequence[int]) -> Any:
    """Lucene's query for documents by their identifiers."""
    term = java_class("org.apache.lucene.util.BytesRef")
    terms = java_class("java.util.ArrayList")()
    for ordinal in ordinals:
        terms.add(term(docid_of(ordinal).encode()))
    return java_class("org.apache.lucene.search.TermInSetQuery")(DOCID_FIELD, terms)


def _hits(found: Iterable[Any]) -> list[Hit]:
    """Java's hits as ours."""
    return [Hit(int(hit.docid), score := float(hit.score), score) for hit in found]


def _first_line(error: Exception) -> str:
    """A Java exception without its stack."""
    return str(error).split("\n", 1)[0]
