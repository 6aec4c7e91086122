"""Answers from the sample corpus, by the reader that ships."""

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preread.data import Passage, PrereadError, Question, read_corpus, read_questions
from preread.data.sample import sample_corpus_path, sample_questions_path
from preread.indexer import Hit, IndexFormatError, IndexMismatchError, PassageIndex
from preread.pipeline import Answer, OpenDomainQA
from preread.pipeline.qa.ranking import AnswerRule
from preread.pipeline.qa.reading import FIRST_BATCH, batch_ends
from preread.reader import Packed, Reader, WindowTable


@pytest.fixture(scope="session")
def questions() -> list[Question]:
    """Sample questions that have an answer."""
    return [q for q in read_questions(sample_questions_path()) if q.answers]


def assert_in_place(answer: Answer) -> None:
    """An answer is the slice of its passage that it says it is."""
    assert answer.passage[answer.start : answer.end] == answer.answer
    assert answer.answer.strip()


@pytest.mark.slow
def test_answers_stand_where_they_say_and_do_not_overlap(
    qa: OpenDomainQA, questions: list[Question]
) -> None:
    for question in questions[::80]:
        answers = qa(question.question, top_k=8, n_answers=10)
        assert answers == sorted(answers, key=lambda a: -a.score)
        assert all(0 < a.score <= 1 for a in answers)
        for number, answer in enumerate(answers):
            assert_in_place(answer)
            for other in answers[:number]:
                apart = answer.start >= other.end or other.start >= answer.end
                assert answer.passage_id != other.passage_id or apart


@pytest.mark.slow
@pytest.mark.parametrize("by_words", [True, False])
def test_a_batch_answers_as_one_by_one(
    qa: OpenDomainQA, questions: list[Question], by_words: bool
) -> None:
    if by_words:
        qa = OpenDomainQA(qa.index, qa.reader, qa.index.bm25)
    texts = [question.question for question in questions[::120]]
    texts = [*texts, "xqzzvj", texts[0], texts[0]]  # words find nothing for one, one comes thrice
    together = qa.answer_batch(texts, top_k=7, n_answers=3)
    assert len(together) == len(texts)
    for text, result in zip(texts, together, strict=True):
        alone = qa.answer(text, top_k=7, n_answers=3)
        assert [hit.ordinal for hit in result.hits] == [hit.ordinal for hit in alone.hits]
        assert len(result.answers) == len(alone.answers)
        for ours, theirs in zip(result.answers, alone.answers, strict=True):
            assert without_scores(ours) == without_scores(theirs)
            assert scores_of(ours) == pytest.approx(scores_of(theirs), abs=1e-4)


def without_scores(answer: Answer) -> Answer:
    supporting = tuple(replace(support, score=0.0) for support in answer.supporting)
    return replace(answer, score=0.0, confidence=None, supporting=supporting)


def scores_of(answer: Answer) -> list[float]:
    return [answer.score, answer.confidence or 0.0, *(s.score for s in answer.supporting)]


def test_a_batch_of_none_and_a_retriever_without_batches(
    qa: OpenDomainQA, questions: list[Question]
) -> None:
    class OneByOne:
        def search(self, query: str, k: int) -> list[Hit]:
            return qa.index.bm25.search(query, k)[::-1]

    assert qa.answer_batch([]) == []
    reversed_qa = OpenDomainQA(qa.index, qa.reader, OneByOne())
    text = questions[0].question
    (result,) = reversed_qa.answer_batch([text], top_k=5)
    assert result.hits == qa.index.bm25.search(text, 5)[::-1] and result.answers
    (same,) = reversed_qa.answer_batch((one for one in [text]), top_k=5)
    assert same.answers == result.answers
    for wrong, said in (
        ([text, " "], r"questions\[1\]: expected some words"),
        ([text, None], r"questions\[1\]: expected text, found None"),
        (text, "questions: expected a list of texts"),
    ):
        with pytest.raises(PrereadError, match=said):
            qa.answer_batch(wrong)  # type: ignore[arg-type]


@pytest.mark.slow
def test_reading_stops_when_an_answer_is_ahead(qa: OpenDomainQA, questions: list[Question]) -> None:
    """A margin of -inf reads one batch; an infinite one reads all and answers alike."""
    eager, patient = (
        OpenDomainQA(qa.index, qa.reader, stop_margin=margin) for margin in (-math.inf, math.inf)
    )
    for question in questions[::200]:
        whole = qa.answer(question.question, top_k=20)
        assert whole.n_read == len(whole.hits) == 20
        all_batches = patient.answer(question.question, top_k=20)
        assert all_batches.n_read == 20
        for ours, theirs in zip(all_batches.answers, whole.answers, strict=True):
            assert without_scores(ours) == without_scores(theirs)
            assert scores_of(ours) == pytest.approx(scores_of(theirs), abs=1e-4)
        one_batch = eager.answer(question.question, top_k=20)
        alone = qa.answer(question.question, top_k=FIRST_BATCH)
        assert one_batch.n_read == FIRST_BATCH and one_batch.hits == whole.hits
        assert one_batch.answers[0].passage_id == alone.answers[0].passage_id


@pytest.mark.slow
def test_a_stop_comes_only_when_the_lead_is_as_large_as_was_asked_for(
    qa: OpenDomainQA, questions: list[Question]
) -> None:
    n_read = {
        margin: sum(
            OpenDomainQA(qa.index, qa.reader, stop_margin=margin)
            .answer(question.question, top_k=24)
            .n_read
            for question in questions[::120]
        )
        for margin in (-5.0, 15.0, 60.0)
    }
    counts = list(n_read.values())
    assert counts == sorted(counts) and counts[0] < counts[-1], n_read


@given(st.integers(1, 300), st.integers(1, 20))
def test_batches_end_with_the_last_passage(n_passages: int, first: int) -> None:
    ends = list(batch_ends(n_passages, first))
    assert ends[-1] == n_passages and ends == sorted(set(ends))
    assert all(later <= 2 * earlier for earlier, later in pairwise(ends))


@pytest.mark.slow
def test_answers_equal_those_of_states_computed_on_the_spot(
    qa: OpenDomainQA, questions: list[Question]
) -> None:
    reader = qa.reader
    bm25 = qa.index.bm25
    best_span = OpenDomainQA(qa.index, reader, bm25, rule=AnswerRule())  # its score is one span's
    for question in questions[::120]:
        hits = bm25.search(question.question, 10)
        passages: list[Passage] = [qa.index.passage(hit.ordinal) for hit in hits]
        windows = reader.encoder.encode_passages(
            [p.text for p in passages], [p.title for p in passages]
        )
        flat = [(n, w) for n, of_passage in enumerate(windows) for w in of_passage]
        states = reader.window_states([w for _, w in flat])
        token_ids = Packed.from_lists([w.token_ids for _, w in flat])
        states = qa.codec.decode(qa.codec.encode(states, token_ids), token_ids)
        table = WindowTable(
            lengths=states.lengths,
            n_prefix=tuple(w.n_prefix for _, w in flat),
            first_token=tuple(w.first_token for _, w in flat),
            passage=tuple(n for n, _ in flat),
        )
        spans = reader.read(
            reader.question_states(question.question),
            states,
            table,
            n_best=1,
            passage_scores=[best_span.bm25_weight * hit.score for hit in hits],
        )
        stored = best_span(question.question, top_k=10, n_answers=1)[0]
        passage = passages[spans[0].passage]
        tokens = reader.encoder.token_map(passage.text)
        start, end = tokens.char_span(spans[0].first_token, spans[0].last_token)
        assert (passage.passage_id, start, end) == (stored.passage_id, stored.start, stored.end)
        assert spans[0].probability == pytest.approx(stored.score, rel=0.02)


@pytest.mark.slow
def test_answer_in_a_later_window_of_a_long_passage_is_found(qa: OpenDomainQA) -> None:
    long = max(read_corpus(sample_corpus_path()), key=lambda p: len(p.text))
    assert len(qa.reader.encoder.encode_passages([long.text], [long.title])[0]) > 1
    questions = [
        q
        for q in read_questions(sample_questions_path())
        if q.answers and long.text.find(q.answers[0]) > 0.7 * len(long.text)
    ]
    late = [
        answer
        for question in questions
        for answer in qa(question.question, top_k=5, n_answers=3)
        if answer.passage_id == long.passage_id and answer.start > 0.6 * len(long.text)
    ]
    assert late
    for answer in late:
        assert_in_place(answer)


def test_fewer_passages_than_asked_for_are_no_error(qa: OpenDomainQA) -> None:
    by_words = OpenDomainQA(qa.index, qa.reader, qa.index.bm25)
    answers = by_words("volcano", top_k=5_000, n_answers=3)
    assert len(answers) == 3


def test_question_without_a_word_of_the_corpus_has_no_answer(qa: OpenDomainQA) -> None:
    assert OpenDomainQA(qa.index, qa.reader, qa.index.bm25)("qwxzv") == []


@pytest.mark.parametrize("question", ["", "   ", "\n\t", "\u200b\ufeff"])
def test_empty_question_is_refused(qa: OpenDomainQA, question: str) -> None:
    with pytest.raises(PrereadError, match="expected some words"):
        qa(question)


def test_question_of_ten_thousand_words_is_answered(qa: OpenDomainQA) -> None:
    question = "which mountain is a volcano " + " ".join(f"word{i}" for i in range(10_000))
    for answer in qa(question):
        assert_in_place(answer)


@pytest.mark.parametrize(
    "question",
    [
        "¿Qué es 東京? 😀",
        "Ｗｈａｔ is Ｔｏｋｙｏ",
        "מה זה volcano",
        "volcano\x00\x01?",
        "a AND (b OR",
    ],
)
def test_questions_in_any_script_are_answered_or_not_but_never_fail(
    qa: OpenDomainQA, question: str
) -> None:
    for answer in qa(question, top_k=5):
        assert_in_place(answer)


@pytest.mark.parametrize("name", ["top_k", "n_answers"])
def test_numbers_must_be_positive(qa: OpenDomainQA, name: str) -> None:
    with pytest.raises(PrereadError, match=f"{name} must be at least 1"):
        counts: dict[str, Any] = {name: 0}
        qa("volcano", **counts)


def test_reader_that_did_not_make_the_index_is_refused(
    sample_index: Path, tiny_reader: Reader
) -> None:
    with pytest.raises(IndexMismatchError, match="Use that reader"):
        OpenDomainQA(PassageIndex(sample_index), tiny_reader)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"bm25_weight": math.nan}, "bm25_weight must be a finite number, found nan"),
        ({"bm25_weight": "x"}, "bm25_weight must be a finite number, found 'x'"),
        ({"stop_margin": math.nan}, "stop_margin must be between -inf and inf, found nan"),
        ({"stop_margin": "x"}, "stop_margin must be between -inf and inf, found 'x'"),
        ({"retriever": None}, "retriever: expected one of auto, bm25, .*; found None"),
    ],
)
def test_options_that_cannot_be_used_are_refused(
    sample_index: Path, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(PrereadError, match=said):
        OpenDomainQA.from_index(sample_index, **given)


def test_missing_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IndexFormatError, match="no such index"):
        OpenDomainQA.from_index(tmp_path / "nothing")


def test_another_retriever_can_take_bm25s_place(qa: OpenDomainQA) -> None:
    from preread.indexer import Hit

    class Always:
        """Finds the first passages, whatever the question."""

        def search(self, query: str, k: int) -> list[Hit]:
            return [Hit(ordinal, 1.0) for ordinal in range(min(k, 3))]

    other = OpenDomainQA(qa.index, qa.reader, Always())
    found = {a.passage_id for a in other("what is this", n_answers=20)}
    assert found <= {qa.index.passage(i).passage_id for i in range(3)}


@pytest.mark.parametrize("question", ["piano \ud83d", "caf\udce9"])
def test_a_question_that_is_no_unicode_text_is_refused(qa: OpenDomainQA, question: str) -> None:
    """It once came as far as Java, and then as the tokenizer."""
    for ask in (lambda: qa(question), lambda: qa.answer_batch(["who sings?", question])):
        with pytest.raises(PrereadError, match=r"question(s\[1\])?: expected UTF-8 text, found"):
            ask()


def test_one_odd_question_does_no_harm_to_others(qa: OpenDomainQA) -> None:
    """Each of these is more than Lucene takes."""
    odd = ["-".join(f"w{n}" for n in range(3000)), "".join(map(chr, range(0x4E00, 0x5A00)))]
    sound = "what is the volcano?"
    found = qa.answer_batch([odd[0], sound, odd[1]], top_k=3)
    (alone,) = qa.answer_batch([sound], top_k=3)
    assert [a.answer for a in found[1].answers] == [a.answer for a in alone.answers] != []
