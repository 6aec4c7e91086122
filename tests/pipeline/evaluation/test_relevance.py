"""Retrieval scored by relevance judgements."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from preread.data.questions import JudgedQuery
from preread.pipeline import OpenDomainQA, evaluate_retrieval


def test_measures_are_those_of_their_formulas(qa: OpenDomainQA) -> None:
    hits = [qa.index.passage(h.ordinal).passage_id for h in qa.index.bm25.search("river", 100)]
    queries = [
        JudgedQuery("q1", "river", {hits[0]: 1, hits[2]: 2, "absent": 1}),
        JudgedQuery(hits[0], "river", {hits[1]: 1}),  # its own passage is left out
        JudgedQuery("q3", "xqzzvj", {hits[0]: 1}),  # nothing is found
    ]
    found = evaluate_retrieval(qa.index, queries)
    gain = 1 + 2 / math.log2(4)
    ideal = 2 + 1 / math.log2(3) + 1 / math.log2(4)
    assert found["ndcg_at_10"] == pytest.approx(100 * (gain / ideal + 1 + 0) / 3, abs=0.01)
    assert found["recall_at_100"] == pytest.approx(100 * (2 / 3 + 1 + 0) / 3, abs=0.01)
    low, high = found["ndcg_at_10_interval"]
    assert low < found["ndcg_at_10"] < high and found["n_queries"] == 3


def test_a_folder_of_beir_is_scored(
    preread: Callable[..., Any], sample_index: Path, tmp_path: Path
) -> None:
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\tpiano-1\t1\n")
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "keys of a modern piano"}\n')
    run = tmp_path / "run.txt"
    done = preread("evaluate-retrieval", sample_index, tmp_path, "--run", run, "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["recall_at_100"] == 100 and found["retriever"].startswith("BM25")
    assert run.read_text().splitlines()[0].split()[:2] == ["q", "Q0"]


def test_relevant_documents_that_are_not_in_the_index_are_counted(
    qa: OpenDomainQA, caplog: pytest.LogCaptureFixture
) -> None:
    queries = [JudgedQuery("q", "keys of a piano", {"piano-1": 1, "elsewhere": 1, "no": 0})]
    evaluate_retrieval(qa.index, queries)
    assert "1 of 2 relevant documents are not in the index" in caplog.text
