"""Searching the BM25 index with Lucene, through Anserini's searcher."""

import logging
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from ...data import PrereadError
from ...data.arguments import check_count, check_number
from ...data.io.system_errors import first_line
from ...data.text.normalization import TextNormalization
from ..errors import IndexFormatError, cannot_be_read
from .indexer import CONTENTS_FIELD, DOCID_FIELD, docid_of, lucene_files, ordinal_of
from .java import CALLING_JAVA, java_class, java_exception, refusal_of

_LOG = logging.getLogger(__name__)

K1 = 0.9
B = 0.4
"""Anserini's parameters for passages of Wikipedia, with which published figures were measured."""

MAX_K1 = 1_000.0
"""Beyond, the frequency of a word counts as it is; Lucene computes in float32, which ends."""
MAX_TERMS = 1024
"""Lucene refuses a query of more distinct terms (``IndexSearcher.getMaxClauseCount``)."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that a retriever found."""

    ordinal: int
    """Number of the passage in the index."""
    score: float
    """The retriever's score, by which hits are ordered; higher is better. Scores of different
    retrievers do not compare."""
    bm25: float | None = None
    """BM25 score of the passage; None if the retriever does not know it."""
    similarity: float | None = None
    """Cosine of the passage's vector and the question's; None if the retriever does not know it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bm25Parameters:
    """Parameters of the BM25 formula, which can be chosen for each search."""

    k1: float = K1
    """Saturation of a term's frequency, from 0 to `MAX_K1`: the smaller, the less a repeated word
    counts."""
    b: float = B
    """Penalty for long passages, from 0 (none) to 1 (in proportion to the length)."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_number("k1", self.k1, 0, MAX_K1)
        check_number("b", self.b, 0, 1)


class Bm25Searcher:
    """Searches a BM25 index."""

    name = "bm25"

    def __init__(
        self,
        folder: str | Path,
        parameters: Bm25Parameters | None = None,
        *,
        normalization: TextNormalization = TextNormalization.NFKC,
    ) -> None:
        """Open a Lucene index.

        Args:
            folder: Folder of the Lucene index.
            parameters: Parameters of the formula; Anserini's by default.
            normalization: Normalization of the indexed texts, which is applied to every query.

        Raises:
            IndexFormatError: If the folder holds no Lucene index, or a file of it is missing or has
                another size.
            IndexAccessError: If the operating system does not let Lucene read a file.
        """
        folder = Path(folder)
        self._folder = folder.absolute()  # Java keeps the working folder it was started in
        self._normalization = normalization
        searcher = java_class("io.anserini.search.SimpleSearcher")
        files = lucene_files(folder)
        for file in files:
            file.check_size(folder)
        listed = {file.file for file in files}
        for found in folder.glob("segments_*"):  # Lucene opens the newest, whatever the list says
            if found.name not in listed:
                raise IndexFormatError(
                    f"{found}: is not in the list of Lucene's files. Another program put it there: "
                    "remove it, or build the index again."
                )
        try:
            with CALLING_JAVA:
                self._searcher: Any = searcher(str(self._folder))
        except Exception as error:
            refusal = refusal_of(error)
            if refusal is not None:
                raise cannot_be_read(_place_of(refusal, folder), refusal) from error
            raise IndexFormatError(
                f"{folder}: not a Lucene index ({first_line(error)}). It is missing or damaged; "
                "run `preread verify`."
            ) from error
        self.parameters = parameters or Bm25Parameters()

    def __reduce__(self) -> tuple[Any, ...]:
        """Have copies and other processes open the index again."""
        make = partial(type(self), normalization=self._normalization)
        return make, (self._folder, self.parameters)

    def with_parameters(self, parameters: Bm25Parameters) -> Self:
        """A searcher of the same open files with other parameters; closing one closes both.

        Args:
            parameters: Parameters of the formula.
        """
        other = object.__new__(type(self))
        vars(other).update(vars(self), parameters=parameters)
        return other

    @property
    def n_documents(self) -> int:
        """Number of passages in the index."""
        with CALLING_JAVA:
            return int(self._searcher.get_total_num_docs())

    @property
    def description(self) -> str:
        """The formula's name and parameters, for reports."""
        return f"BM25 (k1 = {self.parameters.k1:g}, b = {self.parameters.b:g})"

    def search(self, query: str, k: int) -> list[Hit]:
        """Find passages for a query, best first; none if no passage holds a word of it.

        Args:
            query: Plain words; there is no query language. Of a query with more than `MAX_TERMS`
                distinct terms only the beginning is searched, with a warning.
            k: Greatest number of hits.

        Raises:
            PrereadError: If ``k`` is not positive, or Lucene fails.
        """
        with self._calling_lucene():
            return _hits(self._searcher.search(self._prepared(query), self._capped(k)))

    def search_many(self, queries: Sequence[str], k: int, *, threads: int) -> list[list[Hit]]:
        """Find passages for several queries in parallel.

        Args:
            queries: Plain words, each as long as `search` takes them.
            k: Greatest number of hits for each query.
            threads: Number of queries that are searched at the same time.

        Raises:
            PrereadError: If ``k`` is not positive, or Lucene fails.
        """
        make_list = java_class("java.util.ArrayList")
        with self._calling_lucene():
            texts, names = make_list(), make_list()
            for number, query in enumerate(queries):
                texts.add(self._prepared(query))
                names.add(str(number))
            try:
                found = self._searcher.batch_search(texts, names, self._capped(k), threads)
                return [_hits(found.get(str(number))) for number in range(len(queries))]
            except java_exception():  # it does not say why, nor which query it was
                return [self.search(query, k) for query in queries]

    def score(self, query: str, ordinals: Sequence[int]) -> list[float]:
        """BM25 scores of given passages, those of `search`; 0 for one without a word of the query.

        Args:
            query: Plain words, as long as `search` takes them.
            ordinals: Numbers of the passages.

        Raises:
            PrereadError: If Lucene fails.
        """
        if not ordinals:
            return []
        return _scores_at(self.search_among(query, len(set(ordinals)), ordinals), ordinals)

    def search_among(self, query: str, k: int, ordinals: Sequence[int]) -> list[Hit]:
        """Find passages among given ones, best first; their scores are those that `search` gives.

        Args:
            query: Plain words; no query language.
            k: How many passages at most.
            ordinals: Of the passages that may be found.
        """
        with self._calling_lucene():
            generator = java_class("io.anserini.search.query.BagOfWordsQueryGenerator")()
            analyzer = self._searcher.get_analyzer()
            words = generator.buildQuery(CONTENTS_FIELD, analyzer, self._prepared(query))
            restricted = among(words, ordinals)
            return _hits(self._searcher.search(restricted, self._capped(k)))

    def search_all_words(self, query: str, k: int) -> list[Hit]:
        """Find passages that hold every word of a query, best first.

        Args:
            query: Plain words, as long as `search` takes them.
            k: Greatest number of hits.

        Raises:
            PrereadError: If ``k`` is not positive, or Lucene fails.
        """
        words = self.words(query)
        if not words:
            return []
        with self._calling_lucene():
            return _hits(self._searcher.search(_all_of(words), self._capped(k)))

    def words(self, query: str) -> list[str]:
        """The words of a query that are searched for: stemmed, and without stop words.

        Args:
            query: Plain words.
        """
        analyze = java_class("io.anserini.analysis.AnalyzerUtils").analyze
        with self._calling_lucene():
            found = analyze(self._searcher.get_analyzer(), self._prepared(query))
            return [str(word) for word in found]

    def close(self) -> None:
        """Close the files of the index."""
        with CALLING_JAVA:
            self._searcher.close()

    @contextmanager
    def _calling_lucene(self) -> Iterator[None]:
        """Hold the lock on Java's objects, and turn Java's exceptions into `PrereadError`.

        Searchers of the same files share one object of Java, which gets the parameters each time.
        """
        raised = java_exception()
        try:
            with CALLING_JAVA:
                self._searcher.set_bm25(self.parameters.k1, self.parameters.b)
                yield
        except raised as error:
            refusal = refusal_of(error)
            if refusal is not None:
                raise cannot_be_read(_place_of(refusal, self._folder), refusal) from error
            reason = first_line(error)
            if "AlreadyClosedException" in reason:
                raise PrereadError(
                    f"{self._folder}: the index is closed. Open it again with PassageIndex or "
                    "OpenDomainQA.from_index."
                ) from error
            remedy = (
                "Java's heap is too small: ask for fewer passages (top_k), or raise "
                "PREREAD_JAVA_HEAP (2g by default)."
                if "OutOfMemoryError" in reason
                else "Run `preread verify`; if the index is sound, please report this."
            )
            raise PrereadError(f"{self._folder}: Lucene failed: {reason}. {remedy}") from error

    def _prepared(self, query: str) -> str:
        """The query as Lucene gets it: valid, normalized, and of no more terms than it accepts."""
        text = self._normalization.apply(_valid(query))
        return cut_query(text, self._n_terms)

    def _n_terms(self, text: str) -> int:
        """Number of distinct terms of a text, after analysis."""
        analyze = java_class("io.anserini.analysis.AnalyzerUtils").analyze
        terms = analyze(self._searcher.get_analyzer(), text)
        return int(java_class("java.util.HashSet")(terms).size())

    def _capped(self, k: int) -> int:
        """A number of hits that fits Java's integers: at most all passages."""
        check_count("top_k", k)
        return min(k, max(1, self.n_documents))


def cut_query(query: str, n_terms: Callable[[str], int]) -> str:
    """The beginning of a query, as much of it as Lucene accepts.

    Args:
        query: A query of any length.
        n_terms: Counts the distinct terms of a text.

    Returns:
        The query; if it has more than `MAX_TERMS` distinct terms, the part before the first term
        that is too many.
    """
    fits = longer = MAX_TERMS  # in characters: a term has at least one
    while fits < len(query):
        longer = min(2 * fits, len(query))
        if n_terms(query[:longer]) > MAX_TERMS:
            break
        fits = longer
    else:
        return query
    end = bisect_right(range(longer), MAX_TERMS, fits, key=lambda end: n_terms(query[:end])) - 1
    _LOG.warning(
        "query cut to its first %d of %d characters: BM25 takes %d different words at most",
        end,
        len(query),
        MAX_TERMS,
    )
    return query[:end]


def among(words: Any, ordinals: Sequence[int]) -> Any:
    """Restrict a Lucene query to some passages; their scores stay the same.

    Args:
        words: A Lucene query.
        ordinals: Numbers of the passages.
    """
    occur = java_class("org.apache.lucene.search.BooleanClause$Occur")
    builder = java_class("org.apache.lucene.search.BooleanQuery$Builder")()
    builder.add(words, occur.MUST)
    builder.add(_any_of(ordinals), occur.FILTER)  # restricts, and adds nothing to a score
    return builder.build()


def _all_of(words: Sequence[str]) -> Any:
    """A Lucene query for passages that hold all of some words."""
    term = java_class("org.apache.lucene.index.Term")
    term_query = java_class("org.apache.lucene.search.TermQuery")
    occur = java_class("org.apache.lucene.search.BooleanClause$Occur")
    builder = java_class("org.apache.lucene.search.BooleanQuery$Builder")()
    for word in dict.fromkeys(words):
        builder.add(term_query(term(CONTENTS_FIELD, word)), occur.MUST)
    return builder.build()


def _scores_at(hits: Iterable[Hit], ordinals: Sequence[int]) -> list[float]:
    """The scores of given passages; 0 for one that was not found."""
    found = {hit.ordinal: hit.score for hit in hits}
    return [found.get(ordinal, 0.0) for ordinal in ordinals]


def _valid(query: str) -> str:
    """The query with a replacement character for each half of a surrogate pair."""
    try:
        query.encode("utf-8")
    except UnicodeEncodeError:
        _LOG.warning("query is not Unicode text: halves of surrogate pairs are left out")
        return query.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return query


def _any_of(ordinals: Sequence[int]) -> Any:
    """A Lucene query for documents by their identifiers."""
    term = java_class("org.apache.lucene.util.BytesRef")
    terms = java_class("java.util.ArrayList")()
    for ordinal in ordinals:
        terms.add(term(docid_of(ordinal).encode()))
    return java_class("org.apache.lucene.search.TermInSetQuery")(DOCID_FIELD, terms)


def _hits(found: Iterable[Any]) -> list[Hit]:
    """Hits of Anserini as `Hit` objects."""
    return [Hit(ordinal_of(hit.docid), score := float(hit.score), score) for hit in found]


def _place_of(refusal: OSError, folder: Path) -> Path:
    """The file that the operating system refuses, or else the folder that it is in."""
    return folder if refusal.filename is None else Path(refusal.filename)
