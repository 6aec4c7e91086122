"""BM25 search in a partition of an index with the scores of the whole, and merging of the hits."""

import math
from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
from typing_extensions import override

from ...data.text.normalization import TextNormalization
from ..errors import IndexFormatError
from .indexer import CONTENTS_FIELD, ordinal_of
from .java import CALLING_JAVA, java_class
from .searcher import Bm25Parameters, Bm25Searcher, Hit, among
from .statistics import CorpusStatistics, FieldStatistics, inverse_document_frequency

_SEARCH = "org.apache.lucene.search"
_NEAR = 2e-6
"""Relative difference below which two scores are equal. A score that is computed with a partition's
statistics may differ in the last digits of float32."""
_ROUNDED_TO = 1e4
_TIED, _STEP = np.float32(1e-4), np.float32(1e-6)
"""Anserini's tolerance for equal scores, and the distance at which it sets them apart."""


class PartitionSearcher(Bm25Searcher):
    """Searches the BM25 index of a partition with the statistics of the whole index.

    Scores are Lucene's own, without rounding. Anserini rounds scores and sets equal ones apart in
    the complete list of hits, so this is left to `merge_hits`, which has the hits of all
    partitions.
    """

    def __init__(
        self,
        folder: Path,
        parameters: Bm25Parameters | None = None,
        *,
        whole: CorpusStatistics,
        normalization: TextNormalization = TextNormalization.NFKC,
    ) -> None:
        """Open the Lucene index of a partition.

        Args:
            folder: Folder of the Lucene index.
            parameters: Parameters of the formula; Anserini's by default.
            whole: Statistics of the whole corpus.
            normalization: Normalization of the indexed texts, which is applied to every query.

        Raises:
            IndexFormatError: If the folder holds no Lucene index, or a file of it is missing or has
                another size, or it has more words than the whole index.
        """
        super().__init__(folder, parameters, normalization=normalization)
        self._whole = whole
        with CALLING_JAVA:
            self._reader = self._searcher.reader
            self._own = FieldStatistics.of(self._reader)
            own, of_whole = self._own, whole.field
            if own.n_documents > of_whole.n_documents or own.n_words > of_whole.n_words:
                raise IndexFormatError(
                    f"{folder}: expected at most the {of_whole.n_documents} documents and "
                    f"{of_whole.n_words} words of the whole index, found {own.n_documents} and "
                    f"{own.n_words}. Split the whole index again."
                )
            self._lucene = self._lucene_searcher(self.parameters)
            # By score, then by the passage's number, as Anserini sorts.
            self._order = java_class("io.anserini.search.SimpleSearcher").BREAK_SCORE_TIES_BY_DOCID

    @override
    def with_parameters(self, parameters: Bm25Parameters) -> Self:
        other = super().with_parameters(parameters)
        with CALLING_JAVA:
            other._lucene = self._lucene_searcher(parameters)
        return other

    def _lucene_searcher(self, parameters: Bm25Parameters) -> Any:
        """Lucene's searcher of the open files, with parameters that suit the partition."""
        lucene = java_class(f"{_SEARCH}.IndexSearcher")(self._reader)
        k1, b = _parameters_of_partition(parameters, self._own, self._whole.field)
        bm25 = java_class(f"{_SEARCH}.similarities.BM25Similarity")
        lucene.setSimilarity(bm25(k1, b))
        return lucene

    def __reduce__(self) -> tuple[Any, ...]:
        """Have copies and other processes open the index again."""
        make = partial(PartitionSearcher, whole=self._whole, normalization=self._normalization)
        return make, (self._folder, self.parameters)

    @override
    def search(self, query: str, k: int) -> list[Hit]:
        with self._calling_lucene():
            return self._run(self._words(query), k)

    @override
    def search_many(self, queries: Sequence[str], k: int, *, threads: int) -> list[list[Hit]]:
        return [self.search(query, k) for query in queries]  # one after the other

    @override
    def search_among(self, query: str, k: int, ordinals: Sequence[int]) -> list[Hit]:
        with self._calling_lucene():
            return self._run(among(self._words(query), ordinals), k)

    def _words(self, query: str) -> Any:
        """A Lucene query in which each word has its weight in the whole corpus.

        Lucene multiplies a word's boost by the word's weight in the partition. The boost is
        therefore the word's frequency in the query, as in Anserini's queries, times the ratio of
        its weights in the whole corpus and in the partition.
        """
        analyze = java_class("io.anserini.analysis.AnalyzerUtils").analyze
        counts = Counter(analyze(self._searcher.get_analyzer(), self._prepared(query)))
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
        """The best hits of a Lucene query."""
        from jnius import cast

        hits = []
        for found in self._lucene.search(query, self._capped(k), self._order, True).scoreDocs:
            score, docid = cast(f"{_SEARCH}.FieldDoc", found).fields
            hits.append(Hit(ordinal_of(docid.utf8ToString()), float(score), float(score)))
        return hits


def merge_hits(found: Sequence[tuple[int, Hit]], k: int) -> list[tuple[int, Hit]]:
    """Merge the hits of all partitions for one query.

    Args:
        found: Number of the partition and hit; the best ``k`` hits of every partition.
        k: Greatest number of hits.

    Returns:
        The hits of the whole index, best first, with the scores that the whole index returns.
    """
    ordered = sorted(found, key=lambda one: -one[1].score)
    groups, number = [0] * len(ordered), 0
    for place, ((_, better), (_, hit)) in enumerate(pairwise(ordered), start=1):
        number += better.score - hit.score > _NEAR * abs(better.score)
        groups[place] = number
    by_group = zip(groups, ordered, strict=True)
    best = [one for _, one in sorted(by_group, key=lambda g: (g[0], g[1][1].ordinal))][:k]
    shown = _settle_ties([hit.score for _, hit in best])
    return [
        (partition, Hit(hit.ordinal, score, score))
        for (partition, hit), score in zip(best, shown, strict=True)
    ]


def _settle_ties(scores: Sequence[float]) -> list[float]:
    """Round scores as Anserini does: to four decimals, with equal scores set apart by a millionth.

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


def _parameters_of_partition(
    parameters: Bm25Parameters, partition: FieldStatistics, whole: FieldStatistics
) -> tuple[float, float]:
    """k1 and b by which a partition rates the length of documents as the whole corpus does.

    A word of frequency f in a document of length l scores ``f / (f + k1 * (1 - b + b * l / a))``,
    where a is the average length. With a partition's average a', the parameters of
    ``k1' * (1 - b') = k1 * (1 - b)`` and ``k1' * b' / a' = k1 * b / a`` give the same score for
    every f and l. This k1 may be larger than a caller may choose.
    """
    if not partition.average_length:  # there is nothing to find
        return parameters.k1, parameters.b
    by_length = parameters.k1 * parameters.b * partition.average_length / whole.average_length
    k1 = parameters.k1 * (1 - parameters.b) + by_length
    return k1, by_length / k1 if k1 else parameters.b


def _weight(statistics: FieldStatistics, document_frequency: int) -> float:
    return inverse_document_frequency(statistics.n_documents, document_frequency)
