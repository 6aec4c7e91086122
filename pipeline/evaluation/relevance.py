"""Retrieval scored by relevance judgements, as BEIR does: nDCG@10 and recall@100.

The measures are those of ir-measures, which calls trec_eval. Source: MacAvaney et al. 2022
(https://doi.org/10.1007/978-3-030-99739-7_38); Thakur et al. 2021, BEIR
(https://arxiv.org/abs/2104.08663).
"""

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ...data import PrereadError, Question
from ...data.metrics.intervals import bootstrap_intervals
from ...data.questions import JudgedQuery
from ...indexer import PassageIndex
from ..retrievers import Retriever
from ..retrievers.base import describe
from ..retrievers.search import FoundPassage, search_passages_many
from .retrieved import Retrieved, check_outputs, run_writer

logger = logging.getLogger(__name__)

DEPTH = 100
"""Passages that are retrieved for each query."""
_AT_ONCE = 64
"""Queries that are searched together."""


def evaluate_retrieval(
    index: PassageIndex,
    queries: Sequence[JudgedQuery],
    retriever: Retriever | None = None,
    *,
    run: str | Path | None = None,
    threads: int = 1,
    show_progress: bool = False,
) -> dict[str, Any]:
    """Score the passages that a retriever finds by relevance judgements.

    A passage with the identifier of its query is left out, as in BEIR: some of its corpora contain
    the queries.

    Args:
        index: An index of the corpus, whose passages have the identifiers of the judgements.
        queries: Queries with judgements (`read_judged_queries`).
        retriever: A retriever of the index; by default its BM25.
        run: File to write with the passages that were found, as a TREC run.
        threads: Maximum number of queries that are searched at the same time.
        show_progress: Draw a progress bar on standard error.

    Returns:
        The keys of ``preread evaluate-retrieval --json``: ``ndcg_at_10`` and ``recall_at_100`` in
        percent, each with its 95 % bootstrap interval; ``n_queries``; ``retriever``.

    Raises:
        PrereadError: If there is no query, a file cannot be written, or ir-measures is not
            installed.
    """
    if not queries:
        raise PrereadError("expected at least one query with judgements, found none.")
    retriever = retriever if retriever is not None else index.bm25
    run = None if run is None else Path(run)
    check_outputs(run)
    measures = _measures()
    _warn_of_absent(index, queries)
    found: list[list[FoundPassage]] = []
    with ExitStack() as files:
        write = None if run is None else files.enter_context(run_writer(run))
        bar = files.enter_context(
            tqdm(total=len(queries), unit=" queries", disable=not show_progress)
        )
        for first in range(0, len(queries), _AT_ONCE):
            some = queries[first : first + _AT_ONCE]
            texts = [query.query for query in some]
            hits = search_passages_many(index, texts, DEPTH + 1, retriever, threads=threads)
            for query, of_query in zip(some, hits, strict=True):
                kept = [one for one in of_query if one.passage.passage_id != query.query_id]
                found.append(kept[:DEPTH])
                if write is not None:
                    question = Question(query.query_id, query.query)
                    rows = [Retrieved(one.passage, one.score, False) for one in found[-1]]
                    write(question, rows)
            bar.update(len(some))
    scores = _scores(measures, queries, found)
    intervals = bootstrap_intervals(100 * scores)
    summary: dict[str, Any] = {}
    for name, values, ends in zip(measures, scores, intervals, strict=True):
        summary[name] = round(100 * float(values.mean()), 2)
        summary[f"{name}_interval"] = [round(float(end), 2) for end in ends]
    return {**summary, "n_queries": len(queries), "retriever": describe(retriever)}


def _warn_of_absent(index: PassageIndex, queries: Sequence[JudgedQuery]) -> None:
    """Warn of relevant documents that are not in the index: they lower every score."""
    relevant = {
        document_id
        for query in queries
        for document_id, grade in query.relevance.items()
        if grade > 0
    }
    absent = sorted(document_id for document_id in relevant if not index.find(document_id))
    if absent:
        logger.warning(
            "%s: %d of %d relevant documents are not in the index, and count as not found (first: "
            "%r). Is it an index of the corpus that was judged?",
            index.path,
            len(absent),
            len(relevant),
            absent[0],
        )


def _measures() -> dict[str, Any]:
    """The measures of ir-measures by name, if it is installed."""
    try:
        from ir_measures import R, nDCG
    except ImportError as error:
        raise PrereadError(
            f"evaluate-retrieval: expected the package ir-measures, found none ({error}). Install "
            "it with `pip install 'preread[beir]'`."
        ) from error
    return {"ndcg_at_10": nDCG @ 10, "recall_at_100": R @ 100}


def _scores(
    measures: dict[str, Any],
    queries: Sequence[JudgedQuery],
    found: Sequence[Sequence[FoundPassage]],
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Each measure of each query; 0 where nothing was found.

    Returns:
        Shape ``(n_measures, n_queries)``, float64.
    """
    from ir_measures import Qrel, ScoredDoc, iter_calc

    judged = [
        Qrel(query.query_id, document_id, grade)
        for query in queries
        for document_id, grade in query.relevance.items()
    ]
    run = [
        ScoredDoc(query.query_id, one.passage.passage_id, one.score)
        for query, of_query in zip(queries, found, strict=True)
        for one in of_query
    ]
    columns = {query.query_id: number for number, query in enumerate(queries)}
    rows = {measure: number for number, measure in enumerate(measures.values())}
    scores = np.zeros((len(measures), len(queries)))
    for one in iter_calc(list(measures.values()), judged, run):
        scores[rows[one.measure], columns[one.query_id]] = one.value
    return scores
