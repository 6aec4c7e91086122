"""Reading provided passages: those that the caller names by identifier, or sends as text."""

from collections.abc import Sequence

import torch

from ...data.arguments import check_questions
from .lookup import provided_request
from .pipeline import OpenDomainQA
from .ranking import rank
from .states import BeforeBlock
from .types import (
    CandidateSpans,
    ProvidedAnswer,
    ProvidedPassage,
    RankedPassage,
    ReadRequest,
)


def read_provided(
    qa: OpenDomainQA,
    questions: Sequence[str],
    provided: Sequence[Sequence[ProvidedPassage]],
    *,
    n_answers: int = 5,
    max_answer_length: int | None = None,
    before_block: BeforeBlock | None = None,
) -> list[list[ProvidedAnswer]]:
    """Answer questions from provided passages, all in one batch.

    A passage that the index has, by its identifier or by its text, is read from its stored states.
    Any other passage goes through all layers.

    Args:
        qa: An index with its reader.
        questions: The questions.
        provided: The passages of each question.
        n_answers: Maximum number of answers to each question.
        max_answer_length: Longest answer in wordpieces; by default that of the reader.
        before_block: Called before each block of tokens is read; raises to end the reading.

    Returns:
        The answers to each question, best first. An answer has the identifier that was provided
        with its passage, or else that of the index.

    Raises:
        PrereadError: If a question has no words.
        UnknownPassageError: If a passage has no text, and the index does not have its identifier.
    """
    requests = _requests(qa, questions, provided)
    read = qa.passage_reader.read(
        requests, max_answer_length=max_answer_length, before_block=before_block
    )
    answers = []
    for request, found in zip(requests, read, strict=True):
        answered = rank(found, qa.given_rule, n_answers, qa.min_confidence)
        answers.append(
            [
                ProvidedAnswer(place, answer, request.passages[place].is_stored)
                for place, answer in zip(answered.places, answered.answers, strict=True)
            ]
        )
    return answers


def answer_each(
    qa: OpenDomainQA,
    questions: Sequence[str],
    provided: Sequence[Sequence[ProvidedPassage]],
    *,
    before_block: BeforeBlock | None = None,
) -> list[list[ProvidedAnswer | None]]:
    """Find the best answer of each provided passage.

    Args:
        qa: An index with its reader.
        questions: The questions.
        provided: The passages of each question.
        before_block: Called before each block of tokens is read; raises to end the reading.

    Returns:
        The best answer of each passage of each question, in the order of the passages; None for a
        passage without text. Scores are shares of all spans of the question's passages. Unless
        equal answers are added up, the answer with the highest score is the first one that
        `read_provided` returns.

    Raises:
        PrereadError: If a question has no words.
        UnknownPassageError: If a passage has no text, and the index does not have its identifier.
    """
    requests = _requests(qa, questions, provided)
    read = qa.passage_reader.read(requests, spans_per_passage=1, before_block=before_block)
    return [_best_of_each(*one) for one in zip(requests, read, strict=True)]


def rank_provided(
    qa: OpenDomainQA,
    questions: Sequence[str],
    provided: Sequence[Sequence[ProvidedPassage]],
    *,
    before_block: BeforeBlock | None = None,
) -> list[list[RankedPassage]]:
    """Order provided passages by how well they answer.

    Args:
        qa: An index with its reader.
        questions: The questions.
        provided: The passages of each question.
        before_block: Called before each block of tokens is read; raises to end the reading.

    Returns:
        The passages of each question, best first.

    Raises:
        PrereadError: If a question has no words.
        UnknownPassageError: If a passage has no text, and the index does not have its identifier.
    """
    requests = _requests(qa, questions, provided)
    read = qa.passage_reader.read(requests, spans_per_passage=1, before_block=before_block)
    return [_ranked(*one) for one in zip(requests, read, strict=True)]


def _requests(
    qa: OpenDomainQA, questions: Sequence[str], provided: Sequence[Sequence[ProvidedPassage]]
) -> list[ReadRequest]:
    return [
        provided_request(qa.index, question, passages, qa.bm25_weight)
        for question, passages in zip(check_questions(questions), provided, strict=True)
    ]


def _best_of_each(request: ReadRequest, found: CandidateSpans) -> list[ProvidedAnswer | None]:
    """The only candidate of each passage as an answer; None where a passage has none."""
    answers = {one.passage: found.answer_at(one) for one in found.candidates}
    return [
        ProvidedAnswer(place, answers[place], passage.is_stored) if place in answers else None
        for place, passage in enumerate(request.passages)
    ]


def _ranked(request: ReadRequest, found: CandidateSpans) -> list[RankedPassage]:
    """Passages in descending order of their best logits; those without text come last."""
    logits = {one.passage: one.logit for one in found.candidates}
    values = torch.tensor(
        [logits.get(place, -torch.inf) for place in range(len(request.passages))],
        dtype=torch.float64,
    )
    relevance = (values.softmax(0) if logits else torch.zeros_like(values)).tolist()
    ranked = []
    for place in torch.argsort(values, descending=True, stable=True).tolist():
        requested = request.passages[place]
        assert requested.passage is not None  # `find_passage` looks it up
        ranked.append(
            RankedPassage(
                place,
                requested.passage.passage_id,
                logits.get(place),
                relevance[place],
                requested.is_stored,
            )
        )
    return ranked
