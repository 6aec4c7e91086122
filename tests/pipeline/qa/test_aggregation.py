"""Answers from the sample corpus by a reader that sums equal answers and knows its confidence."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from preread.data import PrereadError, read_questions
from preread.data.sample import sample_questions_path
from preread.indexer import PassageIndex
from preread.pipeline import OpenDomainQA, ProvidedPassage, read_provided
from preread.pipeline.calibration.best_answers import best_answers
from preread.pipeline.calibration.fitting import RankingWeights
from preread.pipeline.calibration.reads import collect_reads
from preread.pipeline.qa.ranking import AnswerRule, answer_key, combined_logit
from preread.reader import Ranking, Reader

FITTED = Ranking(
    bm25_weight=1.5,
    passage_weight=0.3,
    aggregate_answers=True,
    answer_temperature=1.5,
    confidence_weights=(-1.0, 0.5, 0.1),
)
ASKED = [q for q in read_questions(sample_questions_path()) if q.answers][::130]
QUESTIONS = [q.question for q in ASKED]


@pytest.fixture(scope="module")
def fitted(sample_index: Path) -> OpenDomainQA:
    """The reader that ships over what words find, as if weights had been fitted."""
    index = PassageIndex(sample_index)
    return OpenDomainQA(index, Reader.load("default").with_ranking(FITTED), index.bm25)


@pytest.mark.slow
def test_weights_are_fitted_to_what_a_question_gets(fitted: OpenDomainQA) -> None:
    weights = RankingWeights(passage_weight=0.3, bm25_weight=1.5, answer_temperature=1.5)
    asked = list(zip(ASKED, collect_reads(fitted, ASKED, 10), strict=True))
    found = best_answers(asked, 10, weights, aggregate=True)
    for question, one in zip(ASKED, found, strict=True):
        best = fitted.answer(question.question, top_k=10).answers[0]
        assert one.answer is not None and one.answer.best.text == best.answer
        assert one.answer.score == pytest.approx(best.score, rel=1e-4)


@pytest.mark.slow
def test_every_supporting_passage_gives_the_answer(fitted: OpenDomainQA) -> None:
    n_supported = 0
    for question in QUESTIONS:
        result = fitted.answer(question, top_k=10, n_answers=3)
        for number, answer in enumerate(result.answers):
            assert 0 < answer.score <= 1
            assert (answer.confidence is not None) == (number == 0)
            first = answer.supporting[0]
            assert (first.passage_id, first.start, first.end) == (
                answer.passage_id,
                answer.start,
                answer.end,
            )
            ids = [one.passage_id for one in answer.supporting]
            assert len(set(ids)) == len(ids)
            for one in answer.supporting:
                (ordinal,) = fitted.index.find(one.passage_id)
                said = fitted.index.passage(ordinal).text[one.start : one.end]
                words = [f" {answer_key(text)} " for text in (said, answer.answer)]
                assert words[0] in words[1] or words[1] in words[0]
            n_supported += len(ids) > 1
        assert result.confidence == result.answers[0].confidence
        assert result.confidence is not None and 0 < result.confidence < 1
    assert n_supported


@pytest.mark.slow
def test_a_batch_and_given_passages_are_ranked_alike(fitted: OpenDomainQA) -> None:
    together = fitted.answer_batch(QUESTIONS, top_k=6)
    given = [
        [ProvidedPassage(fitted.index.passage(h.ordinal).passage_id, score=h.score) for h in r.hits]
        for r in together
    ]
    read = read_provided(fitted, QUESTIONS, given)
    for question, batched, by_id in zip(QUESTIONS, together, read, strict=True):
        alone = fitted.answer(question, top_k=6).answers
        for others in (batched.answers, [one.answer for one in by_id]):
            assert len(others) == len(alone)
            for ours, theirs in zip(others, alone, strict=True):
                plain: dict[str, Any] = {"score": 0.0, "confidence": None, "supporting": ()}
                assert replace(ours, **plain) == replace(theirs, **plain)
                assert ours.score == pytest.approx(theirs.score, abs=1e-4)
                assert ours.confidence == pytest.approx(theirs.confidence, abs=1e-4)
        for one, hits in zip(by_id, [batched.hits] * len(by_id), strict=True):
            assert fitted.index.passage(hits[one.place].ordinal).passage_id == one.answer.passage_id


@pytest.mark.slow
def test_steps_end_with_the_answer(fitted: OpenDomainQA) -> None:
    for question in QUESTIONS:
        result = fitted.answer(question, top_k=20, with_steps=True)
        assert result.steps[-1].answer.answer == result.answers[0].answer
        for step in result.steps:
            few = fitted.answer(question, top_k=step.n_passages)
            assert few.answers[0].answer == step.answer.answer


@pytest.mark.slow
def test_a_best_span_rule_is_what_the_reader_alone_says(fitted: OpenDomainQA) -> None:
    plain = OpenDomainQA(fitted.index, fitted.reader, fitted.retriever, rule=AnswerRule())
    for question in QUESTIONS[:3]:
        hits = plain.retriever.search(question, 10)
        stored = plain.index.fetch([hit.ordinal for hit in hits])
        (span,) = plain.reader.read(
            plain.reader.question_states(question),
            stored.decode(plain.codec, plain.reader.device),
            stored.windows,
            n_best=1,
            passage_scores=[plain.bm25_weight * hit.score for hit in hits],
        )
        best = plain(question, top_k=10)[0]
        assert plain.index.passage(hits[span.passage].ordinal).passage_id == best.passage_id
        assert best.score == pytest.approx(span.probability, abs=1e-4)
        assert best.confidence is None


def test_a_spans_logit_is_the_combined_one(fitted: OpenDomainQA) -> None:
    """The reader adds what `combined_logit` says."""
    reader, question = fitted.reader, QUESTIONS[0]
    hits = fitted.retriever.search(question, 10)
    stored = fitted.index.fetch([hit.ordinal for hit in hits])
    states = stored.decode(fitted.codec, reader.device)
    logits = reader.logits(reader.question_states(question), states)
    margins = reader.spans.margins(logits, stored.windows)
    scores = [0.7 * hit.score for hit in hits]
    weighed = reader.spans.best_by_passage(logits, stored.windows, 2, scores)
    plain = reader.with_ranking(Ranking())
    raw = plain.spans.best_by_passage(logits, stored.windows, 2)
    known = {(s.passage, s.first_token, s.last_token): s.logit for s in raw}
    assert len(weighed) == len(raw) > 10
    for span in weighed:
        expected = combined_logit(
            known[span.passage, span.first_token, span.last_token],
            margins[span.passage],
            hits[span.passage].score,
            passage_weight=0.3,
            bm25_weight=0.7,
        )
        assert span.logit == pytest.approx(expected, abs=1e-3)


@pytest.mark.slow
def test_below_the_threshold_nothing_is_answered(fitted: OpenDomainQA) -> None:
    known = [result.confidence or 0.0 for result in fitted.answer_batch(QUESTIONS, top_k=5)]
    middle = sorted(known)[len(known) // 2]
    careful = OpenDomainQA(fitted.index, fitted.reader, fitted.retriever, min_confidence=middle)
    for result, confidence in zip(careful.answer_batch(QUESTIONS, top_k=5), known, strict=True):
        assert result.confidence == confidence
        assert bool(result.answers) == (confidence >= middle)
    assert careful.answer("xqzzvj").confidence is None


def test_a_threshold_without_a_fitted_reader_is_refused(
    preread: Callable[..., Any], sample_index: Path
) -> None:
    index = PassageIndex(sample_index)
    reader = Reader.load(index.manifest.plan.reader).with_ranking(Ranking())
    with pytest.raises(PrereadError, match="was not fitted"):
        OpenDomainQA(index, reader, min_confidence=0.5)
    asked = preread("ask", sample_index, QUESTIONS[0], "--min-confidence", 2)
    assert asked.code == 2 and "between 0 and 1" in asked.err
