"""From questions of one's own to a reader that answers an index which was made before."""

import json
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from preread.data import read_corpus
from preread.data.sample import sample_corpus_path, sample_questions_path
from preread.pipeline import OpenDomainQA
from preread.pipeline.server.indexes import ReaderCache, ServedIndex
from preread.pipeline.server.metrics import Metrics

pytestmark = pytest.mark.slow
Preread = Callable[..., Any]


def write_own(path: Path, n: int) -> None:
    """Some sample questions with their passages, as the recipe reads them."""
    passages = {p.passage_id: p for p in read_corpus(sample_corpus_path())}
    with path.open("w", encoding="utf-8") as file:
        for line in sample_questions_path().read_text("utf-8").splitlines()[:n]:
            record = json.loads(line)
            passage, answer = passages[record["passage_id"]], record["answer"][0]
            own = {"question": record["question"], "title": passage.title, "answers": [answer]}
            own |= {"context": passage.text, "answer_starts": [passage.text.index(answer)]}
            file.write(json.dumps(own) + "\n")


def test_a_reader_learns_own_questions_and_takes_over_an_index(
    preread: Preread, sample_index: Path, tmp_path: Path
) -> None:
    index = copytree(sample_index, tmp_path / "index")
    write_own(tmp_path / "own.jsonl", 12)
    question = "What is the name of the huge canyon system on Mars?"
    before = OpenDomainQA.from_index(index)(question, top_k=5)[0]
    served = ServedIndex("own", index, ReaderCache(), Metrics())
    run = tmp_path / "run"
    trained = preread("train", "minilm-l6-own", run, "--data", tmp_path)
    assert trained.code == 0, trained.err
    switched = preread("set-reader", index, run / "reader", "--json")
    assert json.loads(switched.out)["generation"] == 1
    assert served.refresh()
    with served.in_use() as taken_up:
        assert taken_up.reader.name == str(run / "reader")
    served.close()
    qa = OpenDomainQA.from_index(index)
    assert qa.reader.name == str(run / "reader")
    assert qa.reader.ranking.confidence_weights
    after = qa(question, top_k=5)[0]
    assert after.answer == before.answer and after.score != before.score
    asked = preread("ask", index, question, "--top-k", 5)
    assert before.answer in asked.out
    back = preread("set-reader", index, "default", "--json")
    assert back.code == 0
    assert OpenDomainQA.from_index(index)(question, top_k=5)[0].score == before.score
