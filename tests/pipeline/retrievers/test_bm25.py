"""Our BM25 against pyserini's own indexer and searcher."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from preread.data import Passage, read_corpus, read_questions
from preread.data.sample import sample_corpus_path, sample_questions_path
from preread.data.text.normalization import visible_text
from preread.indexer import Bm25Parameters, PassageIndex
from preread.indexer.bm25.indexer import build_bm25, contents_of, docid_of
from preread.indexer.bm25.java import java_class, leave_java
from preread.indexer.bm25.searcher import Bm25Searcher


@pytest.mark.slow
def test_hits_equal_pyserinis_own(
    sample_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # pyserini's searcher pulls in an OpenAI client, which wants a key when it is imported.
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    ours = PassageIndex(sample_index).bm25
    collection = tmp_path / "collection"
    collection.mkdir()
    with (collection / "passages.jsonl").open("w") as file:
        for ordinal, passage in enumerate(read_corpus(sample_corpus_path())):
            contents = visible_text(contents_of(passage))  # the texts that ours indexes
            record = {"id": docid_of(ordinal), "contents": contents}
            file.write(json.dumps(record) + "\n")
    arguments = ["-collection", "JsonCollection", "-generator", "DefaultLuceneDocumentGenerator"]
    arguments += ["-input", str(collection), "-index", str(tmp_path / "theirs"), "-threads", "2"]
    java_class("io.anserini.index.IndexCollection").main(arguments)

    from pyserini.search.lucene import LuceneSearcher

    theirs = LuceneSearcher(str(tmp_path / "theirs"))
    theirs.set_bm25(0.9, 0.4)
    assert theirs.num_docs == ours.n_documents
    for question in list(read_questions(sample_questions_path()))[::4]:
        query = visible_text(question.question)
        expected = [(int(h.docid), h.score) for h in theirs.search(query, k=100)]
        assert [(h.ordinal, h.score) for h in ours.search(question.question, 100)] == expected


@pytest.mark.slow
def test_threads_that_search_two_indexes_get_hits_of_their_own(tmp_path: Path) -> None:
    searchers = {}
    for number in range(2):
        ordinals = range(10 * number, 10 * number + 10)
        folder = tmp_path / str(number)
        build_bm25([(o, Passage(str(o), "a river and its bank")) for o in ordinals], folder)
        searchers[number] = Bm25Searcher(folder), list(ordinals)

    def wrong(number: int) -> int:
        searcher, own = searchers[number]
        found = 0
        for _ in range(100):
            found += [hit.ordinal for hit in searcher.search("river bank", 10)] != own
            found += [
                hit.ordinal for hit in searcher.search_many(["bank"], 10, threads=1)[0]
            ] != own
            found += 0.0 in searcher.score("river", own)
        leave_java()
        return found

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads take turns as often as they can
    try:
        with ThreadPoolExecutor(4) as threads:
            assert sum(threads.map(wrong, [0, 1, 0, 1])) == 0
    finally:
        sys.setswitchinterval(before)


def test_parameters_of_one_search_change_no_other(sample_index: Path) -> None:
    parameters = Bm25Parameters(k1=3, b=0)
    query = "which river is the longest"
    with (
        PassageIndex(sample_index) as index,
        PassageIndex(sample_index, bm25_parameters=parameters) as other,
    ):
        usual, wanted = index.bm25.search(query, 9), other.bm25.search(query, 9)
        changed = index.bm25.with_parameters(parameters)
        assert usual != wanted == changed.search(query, 9)
        assert changed.search_many([query], 9, threads=2) == [wanted]
        assert changed.score(query, [hit.ordinal for hit in wanted]) == [h.score for h in wanted]
        assert index.bm25.search(query, 9) == usual
