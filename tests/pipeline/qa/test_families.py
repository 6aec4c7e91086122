"""Readers of every family, from passages to answers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from preread.data import ReadingExample
from preread.data.sample import sample_corpus_path
from preread.indexer import IndexConfig, build_index
from preread.pipeline import OpenDomainQA, ReadMode, evaluate_reader
from preread.reader import DeformerForQuestionAnswering, Reader
from preread.reader.inference.window_table import window_table
from transformers import AutoTokenizer

WINDOWS: dict[str, Any] = {"window_length": 48, "window_stride": 24, "max_title_length": 8}
QUESTION = "What is an opening in the crust of a planet?"
CONTEXT = "Mount Etna (3,357 m) is a volcano on Sicily. It erupted in 2021, and in 2022. " * 4


@pytest.fixture
def split_reader(base_checkpoint: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Reader]:
    """Makes a reader of a family, split at one of three layers, through files."""

    def make(family: str) -> Reader:
        vanilla, folder = base_checkpoint(family), tmp_path / family
        model = DeformerForQuestionAnswering.from_pretrained(
            vanilla, num_lower_layers=1, max_question_length=32, **WINDOWS
        )
        model.save_pretrained(folder)
        AutoTokenizer.from_pretrained(vanilla).save_pretrained(folder)
        return Reader.load(str(folder))

    return make


@pytest.mark.parametrize(
    ("family", "codec"), [("xlnet", "float16"), ("roberta", "int8"), ("electra", "float16")]
)
def test_an_index_answers_as_the_reader_does(
    family: str, codec: str, split_reader: Callable[[str], Reader], tmp_path: Path
) -> None:
    reader = split_reader(family)
    index = tmp_path / "index"
    config = IndexConfig(codec=codec, limit=12, workers=1)
    build_index(sample_corpus_path(), index, reader, config)
    qa = OpenDomainQA.from_index(index)
    result = qa.answer(QUESTION, top_k=5, n_answers=3)
    assert len(result.answers) == 3
    for answer in result.answers:
        assert answer.passage[answer.start : answer.end] == answer.answer != ""
    hits = result.hits[:5]
    passages = [qa.index.passage(hit.ordinal) for hit in hits]
    encoded = reader.encoder.encode_passages(
        [p.text for p in passages], [p.title for p in passages]
    )
    windows = [(w, number) for number, of_passage in enumerate(encoded) for w in of_passage]
    table = window_table([(len(w.token_ids), w.n_prefix, w.first_token, n) for w, n in windows])
    (span,) = reader.read(
        reader.question_states(QUESTION),
        reader.window_states([w for w, _ in windows]),
        table,
        n_best=1,
        passage_scores=[qa.bm25_weight * hit.score for hit in hits],
    )
    text = passages[span.passage].text
    start, end = reader.encoder.token_map(text).char_span(span.first_token, span.last_token)
    assert result.answers[0].answer == text[start:end]
    assert result.answers[0].score == pytest.approx(span.probability, rel=0.1)


@pytest.mark.parametrize("family", ["xlnet", "roberta", "electra"])
def test_stored_and_computed_states_score_alike(
    family: str, split_reader: Callable[[str], Reader]
) -> None:
    reader = split_reader(family)
    examples = [
        ReadingExample(q, q, CONTEXT, (a,), (CONTEXT.index(a),))
        for q, a in (("Where is it?", "Sicily"), ("When was it?", "2021"), ("What?", "volcano"))
    ]
    scores = [
        evaluate_reader(reader, examples, mode=mode, codec="float16")
        for mode in (ReadMode.DECOMPOSED, ReadMode.STORED)
    ]
    assert scores[0]["f1"] == scores[1]["f1"] and scores[0]["n_questions"] == 3
