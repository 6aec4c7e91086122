"""Searching the BM25 index: Lucene, through Anserini's own searcher."""

import logging
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data import PrereadError
from .bm25 import CONTENTS_FIELD, DOCID_FIELD, docid_of, lucene_files
from .errors import IndexFormatError
from .java import java_class
from .statistics import CorpusStatistics, FieldStatistics, inverse_document_frequency

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

    def __init__(
        self,
        folder: Path,
        parameters: Bm25Parameters | None = None,
        *,
        whole: CorpusStatistics | None = None,
    ) -> None:
        """Open the index.

        Args:
            folder: The Lucene index.
            parameters: How BM25 weighs; by default as Anserini does.
            whole: Of the corpus that the index holds a part of; scores are then those of an index
                of all of it.

        Raises:
            IndexFormatError: If there is no Lucene index.
        """
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
            self._searcher: Any = searcher(str(self._folder))
        except Exception as error:
            raise IndexFormatError(
                f"{folder}: not a Lucene index ({_first_line(error)}). It is missing or damaged; "
                "run `preread verify`."
            ) from error
        self.parameters = parameters or Bm25Parameters()
        self._whole = whole
        self._own = FieldStatistics.of(self._searcher.reader)
        set_to = self.parameters
        if whole is not None:
            set_to = parameters_of_part(self.parameters, self._own, whole.field)
        self._searcher.set_bm25(set_to.k1, set_to.b)

    @property
    def n_documents(self) -> int:
        """Passages in the index."""
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
        asked = _cut(query) if self._whole is None else self._weighed(query, self._whole)
        return _hits(self._searcher.search(asked, k))

    def search_many(self, queries: Sequence[str], k: int, *, threads: int) -> list[list[Hit]]:
        """Find passages for several queries at once.

        Args:
            queries: As in `search`.
            k: As in `search`, for each query.
            threads: How many queries are searched at a time.

        Returns:
            For each query what `search` finds.
        """
        if self._whole is not None:  # Anserini takes several as text only
            return [self.search(query, k) for query in queries]
        make_list = java_class("java.util.ArrayList")
        texts, names = make_list(), make_list()
        for number, query in enumerate(queries):
            texts.add(_cut(query))
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
        if self._whole is None:
            generator = java_class("io.anserini.search.query.BagOfWordsQueryGenerator")()
            analyzer = self._searcher.get_analyzer()
            words = generator.buildQuery(CONTENTS_FIELD, analyzer, _cut(query))
        else:
            words = self._weighed(query, self._whole)
        occur = java_class("org.apache.lucene.search.BooleanClause$Occur")
        builder = java_class("org.apache.lucene.search.BooleanQuery$Builder")()
        builder.add(words, occur.MUST)
        builder.add(_any_of(ordinals), occur.FILTER)  # restricts, and adds nothing to a score
        found = {
            hit.ordinal: hit.score
            for hit in _hits(self._searcher.search(builder.build(), len(set(ordinals))))
        }
        return [found.get(ordinal, 0.0) for ordinal in ordinals]

    def _weighed(self, query: str, whole: CorpusStatistics) -> Any:
        """Lucene's query for the words, each weighing what it does in the whole corpus.

        Lucene multiplies a word's boost by the weight it has in the part; so the boost is how often
        it is asked for, as in Anserini's own query, times the one weight by the other.
        """
        analyze = java_class("io.anserini.analysis.AnalyzerUtils").analyze
        counts = Counter(analyze(self._searcher.get_analyzer(), _cut(query)))
        lucene = "org.apache.lucene"
        term, occur = (
            java_class(f"{lucene}.{name}") for name in ("index.Term", "search.BooleanClause$Occur")
        )
        term_query, boost_query = (
            java_class(f"{lucene}.search.{name}") for name in ("TermQuery", "BoostQuery")
        )
        builder = java_class(f"{lucene}.search.BooleanQuery$Builder")()
        for word, count in counts.items():
            named = term(CONTENTS_FIELD, word)
            n_here = int(self._searcher.reader.docFreq(named))
            if n_here:
                boost = count * (
                    _weight(whole.field, whole.document_frequency(word))
                    / _weight(self._own, n_here)
                )
                builder.add(boost_query(term_query(named), boost), occur.SHOULD)
        return builder.build()

    def close(self) -> None:
        """Release the files."""
        self._searcher.close()


def parameters_of_part(
    parameters: Bm25Parameters, part: FieldStatistics, whole: FieldStatistics
) -> Bm25Parameters:
    """With which parameters a part counts a document's length as the whole corpus does.

    A word of frequency f in a document of length l scores ``f / (f + k1 * (1 - b + b * l / a))``,
    with a the average length. For a part's average a', ``k1' * (1 - b') = k1 * (1 - b)`` and
    ``k1' * b' / a' = k1 * b / a`` make it the same for every f and l.
    """
    if not part.average_length:  # nothing will be found
        return parameters
    by_length = parameters.k1 * parameters.b * part.average_length / whole.average_length
    k1 = parameters.k1 * (1 - parameters.b) + by_length
    return Bm25Parameters(k1=k1, b=by_length / k1 if k1 else parameters.b)


def _weight(statistics: FieldStatistics, document_frequency: int) -> float:
    return inverse_document_frequency(statistics.n_documents, document_frequency)


def _cut(query: str) -> str:
    """A query of no more words than Lucene takes."""
    words = query.split()
    if len(words) <= MAX_QUERY_WORDS:
        return query
    _LOG.warning("query cut to its first %d of %d words", MAX_QUERY_WORDS, len(words))
    return " ".join(words[:MAX_QUERY_WORDS])


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
