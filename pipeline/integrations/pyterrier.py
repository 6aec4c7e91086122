"""PyTerrier transformers. They do not start PyTerrier's Java.

Source: https://pyterrier.readthedocs.io, data model: Q (qid, query), R (docno, score, rank), and
the frames of answers of pyterrier-rag (qanswer).
"""

from collections.abc import Iterator

import pandas as pd
import pyterrier as pt

from ...indexer.filters import Filter
from ..qa.pipeline import OpenDomainQA
from ..qa.provided import read_provided
from ..qa.types import ProvidedAnswer, ProvidedPassage
from ..retrievers.search import search_passages

_FOUND = ["qid", "query", "docno", "score", "rank", "text"]
_ANSWERED = ["qid", "query", "qanswer", "docno", "start", "end", "score"]


class PrereadRetriever(pt.Transformer):
    """Turns questions (qid, query) into passages, by BM25."""

    def __init__(
        self, qa: OpenDomainQA, num_results: int = 20, *, filter: Filter | None = None
    ) -> None:
        """Retrieve from an index.

        Args:
            qa: The index with its reader.
            num_results: Number of passages for each question.
            filter: Conditions on the metadata of passages; None: no condition.
        """
        super().__init__()
        self.qa = qa
        self.num_results = num_results
        self.filter = filter

    def transform(self, inp: pd.DataFrame) -> pd.DataFrame:
        """Search for each question.

        Args:
            inp: Questions, with the columns ``qid`` and ``query``.

        Returns:
            Passages, with the columns ``qid``, ``query``, ``docno``, ``score``, ``rank`` (from 0)
            and ``text``.
        """
        pt.validate.query_frame(inp, extra_columns=["query"])
        rows = [
            (qid, query, one.passage.passage_id, one.score, one.rank - 1, one.passage.text)
            for qid, query in zip(inp["qid"], inp["query"], strict=True)
            for one in search_passages(self.qa.index, query, self.num_results, filter=self.filter)
        ]
        return pd.DataFrame(rows, columns=_FOUND)

    def fuse_rank_cutoff(self, k: int) -> "PrereadRetriever | None":
        """Combine the retriever with a rank cutoff that follows it in a pipeline (``% k``).

        Args:
            k: The cutoff.

        Returns:
            A retriever of ``k`` passages; None if this one retrieves no more than that.
        """
        if k >= self.num_results:
            return None
        return PrereadRetriever(self.qa, k, filter=self.filter)


class PrereadReader(pt.Transformer):
    """Turns passages of any retriever (qid, query, docno, score, text) into answers."""

    def __init__(self, qa: OpenDomainQA, n_answers: int = 1) -> None:
        """Use the reader of an index. Passages of the index are read from their stored states.

        Args:
            qa: The index with its reader.
            n_answers: Number of answers for each question.
        """
        super().__init__()
        self.qa = qa
        self.n_answers = n_answers

    def transform(self, inp: pd.DataFrame) -> pd.DataFrame:
        """Read the passages of all questions.

        Args:
            inp: Passages, with the columns ``qid``, ``query``, ``docno``, ``score`` and ``text``.

        Returns:
            Answers, with the columns ``qid``, ``query``, ``qanswer``, ``docno``, ``start``, ``end``
            and ``score``. A question without passages has no row.
        """
        pt.validate.result_frame(inp, extra_columns=["query", "text"])
        return pd.DataFrame(list(self._rows(inp)), columns=_ANSWERED)

    def _rows(self, inp: pd.DataFrame) -> Iterator[tuple[object, ...]]:
        for (qid, query), group in inp.groupby(["qid", "query"], sort=False):
            fields = zip(group["docno"], group["text"], group["score"], strict=True)
            provided = [
                ProvidedPassage(docno, text, score=float(score)) for docno, text, score in fields
            ]
            (found,) = read_provided(self.qa, [query], [provided], n_answers=self.n_answers)
            for one in found:
                yield qid, query, *_fields(one)


def _fields(found: ProvidedAnswer) -> tuple[object, ...]:
    answer = found.answer
    return answer.answer, answer.passage_id, answer.start, answer.end, answer.score
