"""BM25 over a part of an index, scored as the whole scores, and merging what parts find."""

import math
from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from .indexer import CONTENTS_FIELD
from .java import CALLING_JAVA, java_class
from .searcher import Bm25Parameters, Bm25Searcher, Hit, among, cut_query, scores_at
from .statistics import CorpusStatistics, FieldStatistics, inverse_document_frequency

_SEARCH = "org.apache.lucene.search"
_NEAR = 2e-6
"""Scores that differ by less, in proportion, are the same: what is derived of a part's statistics
is a few last digits of float32 off."""
_ROUNDED_TO = 1e4
_TIED, _STEP = np.float32(1e-4), np.float32(1e-6)
"""Anserini's numbers; see `settle_ties`."""


class PartitionSearcher(Bm25Searcher):
    """Searches the BM25 index of a part, by the statistics of the whole.

    Scores are Lucene's own, not rounded: Anserini rounds them, and sets equal ones apart, by all
    hits of a list, so that it has to wait for those of the other parts (`merge_hits`).
    """

    def __init__(
        self,
        folder: Path,
        parameters: Bm25Parameters | None = None,
        *,
        whole: CorpusStatistics,
    ) -> None:
        """Open the index.

        Args:
            folder: The Lucene index of the part.
            parameters: How BM25 weighs; by default as Anserini does.
            whole: Statistics of the corpus that the part is of.

        Raises:
            IndexFormatError: If there is no Lucene index.
        """
        super().__init__(folder, parameters)
        self._whole = whole
        with CALLING_JAVA:
            self._reader = self._searcher.reader
            self._own = FieldStatistics.of(self._reader)
            self._lucene = java_class(f"{_SEARCH}.IndexSearcher")(self._reader)
            own = parameters_of_partition(self.parameters, self._own, whole.field)
            bm25 = java_class(f"{_SEARCH}.similarities.BM25Similarity")
            self._lucene.setSimilarity(bm25(own.k1, own.b))
            # By score, then by the passage's number, as Anserini sorts.
            self._order = java_class("io.anserini.search.SimpleSearcher").BREAK_SCORE_TIES_BY_DOCID

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and other processes open the index again."""
        return partial(PartitionSearcher, whole=self._whole), (self._folder, self.parameters)

    def search(self, query: str, k: int) -> list[Hit]:
        """See `Bm25Searcher.search`; scores are not rounded."""
        with CALLING_JAVA:
            return self._run(self._words(query), k)

    def search_many(self, queries: Sequence[str], k: int, *, threads: int) -> list[list[Hit]]:
        """See `Bm25Searcher.search_many`; one after the other, whatever ``threads``."""
        return [self.search(query, k) for query in queries]

    def score(self, query: str, ordinals: Sequence[int]) -> list[float]:
        """See `Bm25Searcher.score`; scores are not rounded."""
        if not ordinals:
            return []
        with CALLING_JAVA:
            restricted = among(self._words(query), ordinals)
            return scores_at(self._run(restricted, len(set(ordinals))), ordinals)

    def _words(self, query: str) -> Any:
        """Lucene's query for the words, each weighing what it does in the whole corpus.

        Lucene multiplies a word's boost by the weight it has in the part; so the boost is how often
        it is asked for, as in Anserini's own query, times the one weight by the other.
        """
        analyze = java_class("io.anserini.analysis.AnalyzerUtils").analyze
        counts = Counter(analyze(self._searcher.get_analyzer(), cut_query(query)))
        term = java_class("org.apache.lucene.index.Term")
        term_query, boost_query, occur, builder = (
            java_class(f"{_SEARCH}.{name}")
            for name in ("TermQuery", "BoostQuery", "BooleanClause$Occur", "BooleanQuery$Builder")
        )
        words = builder()
        for word, count in counts.items():
            named = term(CONTENTS_FIELD, word)
            n_here = int(self._reader.docFreq(named))
            if n_here:
                wanted = _weight(self._whole.field, self._whole.document_frequency(word))
                boost = count * wanted / _weight(self._own, n_here)
                words.add(boost_query(term_query(named), boost), occur.SHOULD)
        return words.build()

    def _run(self, query: Any, k: int) -> list[Hit]:
        """The best hits of a query."""
        from jnius import cast

        hits = []
        for found in self._lucene.search(query, k, self._order, True).scoreDocs:
            score, docid = cast(f"{_SEARCH}.FieldDoc", found).fields
            hits.append(Hit(int(docid.utf8ToString()), float(score), float(score)))
        return hits


def merge_hits(found: Sequence[tuple[int, Hit]], k: int) -> list[tuple[int, Hit]]:
    """What the whole index finds, out of what its parts found for the same query.

    Args:
        found: Each hit with the number of its part; of every part the best ``k``.
        k: How many at most.

    Returns:
        The hits of the whole index, best first, with the scores that it shows.
    """
    ordered = sorted(found, key=lambda one: -one[1].score)
    groups, number = [0] * len(ordered), 0
    for place, ((_, better), (_, hit)) in enumerate(pairwise(ordered), start=1):
        number += better.score - hit.score > _NEAR * abs(better.score)
        groups[place] = number
    by_group = zip(groups, ordered, strict=True)
    best = [one for _, one in sorted(by_group, key=lambda g: (g[0], g[1][1].ordinal))][:k]
    shown = settle_ties([hit.score for _, hit in best])
    return [
        (partition, Hit(hit.ordinal, score, score))
        for (partition, hit), score in zip(best, shown, strict=True)
    ]


def settle_ties(scores: Sequence[float]) -> list[float]:
    """Scores as Anserini shows them: to four decimals, equal ones set apart by a millionth.

    Args:
        scores: As Lucene gives them, best first.

    Returns:
        What is shown, each a number of float32.

    Source: ``ScoreTiesAdjusterReranker`` of Anserini (https://github.com/castorini/anserini).
    """
    shown: list[np.float32] = []
    n_ties = 0
    for score in scores:
        rounded = np.float32(math.floor(score * _ROUNDED_TO + 0.5) / _ROUNDED_TO)
        if not shown or shown[-1] - rounded > _TIED:
            n_ties = 0
        else:
            n_ties += 1
            rounded = np.float32(rounded - _STEP * np.float32(n_ties))
        shown.append(rounded)
    return [float(score) for score in shown]


def parameters_of_partition(
    parameters: Bm25Parameters, partition: FieldStatistics, whole: FieldStatistics
) -> Bm25Parameters:
    """With which parameters a part counts a document's length as the whole corpus does.

    A word of frequency f in a document of length l scores ``f / (f + k1 * (1 - b + b * l / a))``,
    with a the average length. For a part's average a', ``k1' * (1 - b') = k1 * (1 - b)`` and
    ``k1' * b' / a' = k1 * b / a`` make it the same for every f and l.
    """
    if not partition.average_length:  # nothing will be found
        return parameters
    by_length = parameters.k1 * parameters.b * partition.average_length / whole.average_length
    k1 = parameters.k1 * (1 - parameters.b) + by_length
    return Bm25Parameters(k1=k1, b=by_length / k1 if k1 else parameters.b)


def _weight(statistics: FieldStatistics, document_frequency: int) -> float:
    return inverse_document_frequency(statistics.n_documents, document_frequency)
