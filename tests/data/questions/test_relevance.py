"""Queries with relevance judgements in BEIR's form."""

from pathlib import Path

import pytest
from preread.data import DataError
from preread.data.questions import JudgedQuery, read_judged_queries

QUERIES = """{"_id": "q1", "text": "longest river"}
{"_id": "q2", "text": "keys of a piano"}
{"_id": "q3", "text": "not judged"}
"""
QRELS = "query-id\tcorpus-id\tscore\nq1\tdanube-1\t2\nq1\tpiano-1\t0\nq2\tpiano-1\t0\n"


def folder_of(path: Path, queries: str, qrels: str) -> Path:
    (path / "qrels").mkdir()
    (path / "queries.jsonl").write_text(queries, "utf-8")
    (path / "qrels" / "test.tsv").write_text(qrels, "utf-8")
    return path


def test_queries_with_a_relevant_document_are_read(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, QUERIES, QRELS)
    wanted = JudgedQuery("q1", "longest river", {"danube-1": 2, "piano-1": 0})
    assert read_judged_queries(folder) == [wanted]


@pytest.mark.parametrize(
    ("qrels", "split", "message"),
    [
        (QRELS, "dev", r"expected qrels/dev.tsv or qrels/dev.tsv.gz"),
        ("q1\td\tmuch\nq1\td\tmuch\n", "test", r"test.tsv:2: expected a whole number as grade"),
        ("q1\t0\td\t1\n", "test", r"test.tsv:1: expected 3 columns"),
        ("q1\td\t0\n", "test", r"expected a query of queries.jsonl with a relevant document"),
        ("q1\td\t1.0\nq1\te\t1\n", "test", r"test.tsv:1: expected a whole number as grade"),
        ("q1\td\t\nq1\te\t1\n", "test", r"test.tsv:1: expected a whole number as grade"),
    ],
)
def test_wrong_judgements_are_named(tmp_path: Path, qrels: str, split: str, message: str) -> None:
    folder = folder_of(tmp_path, QUERIES, qrels)
    with pytest.raises(DataError, match=message):
        read_judged_queries(folder, split=split)


def test_a_query_given_twice_is_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, QUERIES + '{"_id": "q1", "text": "again"}\n', QRELS)
    with pytest.raises(DataError, match=r"queries.jsonl:4: expected each identifier once"):
        read_judged_queries(folder)


def test_judged_queries_that_are_absent_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = folder_of(tmp_path, QUERIES, QRELS + "q2 \tdanube-1\t1\nq9\tdanube-1\t1\n")
    assert [query.query_id for query in read_judged_queries(folder)] == ["q1"]
    assert "2 of 4 judged queries are not in queries.jsonl, and are left out (first: 'q2 ')" in (
        caplog.text
    )
