"""An index in parts answers as the whole does."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from preread.data import Question, read_questions
from preread.data.sample import sample_corpus_path, sample_questions_path
from preread.indexer import IndexConfig, PassageIndex, build_index, split_index
from preread.indexer.bm25.partition_searcher import merge_hits
from preread.pipeline import OpenDomainQA
from preread.pipeline.cluster.federated import merge_candidates
from preread.pipeline.qa.ranking import AnswerRule, rank
from preread.pipeline.qa.types import Answered
from preread.reader import Reader

pytestmark = pytest.mark.slow
RULES = {
    "best span": AnswerRule(confidence_weights=(0.5, 1.0, 0.1)),
    "sums": AnswerRule(aggregate_answers=True, answer_temperature=2.0),
}


@pytest.fixture(scope="module")
def whole_and_parts(
    tiny_reader: Reader, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[Path]]:
    """The sample corpus in one index, and in three parts."""
    folder = tmp_path_factory.mktemp("divided")
    config = IndexConfig(codec="int8", passages_per_shard=20, workers=1)
    build_index(sample_corpus_path(), folder / "whole", tiny_reader, config)
    return folder / "whole", split_index(folder / "whole", folder / "parts", 3)


@pytest.fixture(scope="module")
def questions() -> list[Question]:
    """Some of the sample's."""
    return list(read_questions(sample_questions_path()))[:12]


def ask(parts: Sequence[OpenDomainQA], question: str, top_k: int, lost: int = -1) -> Answered:
    """Ask all parts but one."""
    known = {number: part for number, part in enumerate(parts) if number != lost}
    hits = merge_hits(
        [(n, hit) for n, part in known.items() for hit in part.retriever.search(question, top_k)],
        top_k,
    )
    read = {
        number: part.read(question, [hit for n, hit in hits if n == number])
        for number, part in known.items()
    }
    return rank(merge_candidates(hits, read), parts[0].rule, 5)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_answers_are_those_of_the_whole(
    whole_and_parts: tuple[Path, list[Path]],
    tiny_reader: Reader,
    questions: list[Question],
    rule: str,
) -> None:
    whole, *parts = (
        OpenDomainQA(PassageIndex(path), tiny_reader, rule=RULES[rule])
        for path in (whole_and_parts[0], *whole_and_parts[1])
    )
    n_answers = 0
    for question in questions:
        expected = whole.answer(question.question, top_k=10)
        found = ask(parts, question.question, 10)
        assert [a.answer for a in found.answers] == [a.answer for a in expected.answers]
        for one, other in zip(found.answers, expected.answers, strict=True):
            # Scores of hits are rounded to four digits behind the point, part by part.
            assert one.score == pytest.approx(other.score, rel=5e-3)
            assert (one.passage_id, one.start) == (other.passage_id, other.start)
            assert {s.passage_id for s in one.supporting} == {
                s.passage_id for s in other.supporting
            }
        if expected.confidence is not None:
            assert found.confidence == pytest.approx(expected.confidence, abs=1e-3)
        n_answers += len(found.answers)
    assert n_answers > 30


@pytest.mark.slow
def test_a_lost_part_leaves_the_answers_of_the_others(
    whole_and_parts: tuple[Path, list[Path]], tiny_reader: Reader, questions: list[Question]
) -> None:
    parts = [OpenDomainQA(PassageIndex(path), tiny_reader) for path in whole_and_parts[1]]
    lost = 1
    theirs = {parts[lost].index.passage(o).passage_id for o in parts[lost].index.ordinals()}
    full = [ask(parts, question.question, 10) for question in questions]
    some = [ask(parts, question.question, 10, lost=lost) for question in questions]
    assert not any(a.passage_id in theirs for one in some for a in one.answers)
    kept = [
        (one.answers[0], other.answers[0])
        for one, other in zip(full, some, strict=True)
        if one.answers[0].passage_id not in theirs
    ]
    assert len(kept) > 5 and all(one.answer == other.answer for one, other in kept)


def test_nothing_found_gives_no_answer(
    whole_and_parts: tuple[Path, list[Path]], tiny_reader: Reader
) -> None:
    parts = [OpenDomainQA(PassageIndex(path), tiny_reader) for path in whole_and_parts[1]]
    assert ask(parts, "zzzunknown", 10).answers == []
