"""Reading passages that the caller provides: an engine's hits, by identifier or by text."""

from collections.abc import Sequence

import torch

from ...data import Passage, PrereadError
from ...indexer import PassageIndex
from .pipeline import OpenDomainQA
from .ranking import rank
from .reading import BeforeBlock
from .types import (
    CandidateSpans,
    ProvidedAnswer,
    ProvidedPassage,
    RankedPassage,
    ReadRequest,
    RequestedPassage,
)


class UnknownPassageError(PrereadError):
    """A passage was given by an identifier that the index does not have.

    Attributes:
        place: Which of the given passages, from 0.
    """

    def __init__(self, passage_id: str, place: int) -> None:
        """Say which.

        Args:
            passage_id: The identifier.
            place: Which of the given passages it is of, from 0.
        """
        self.place = place
        super().__init__(
            f"passages[{place}]: expected an identifier of the index or a text, found the unknown "
            f"identifier {passage_id!r}. Send its text too."
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

    What the index knows, by identifier or by text, is read from its stored states; anything else
    goes through all layers.

    Args:
        qa: An index with its reader.
        questions: Any number.
        provided: For each question the passages it is read with.
        n_answers: How many answers at most to each question.
        max_answer_length: Longest answer in wordpieces; by default the reader's.
        before_block: Called before each block of tokens is read, a few hundred milliseconds of work
            on a CPU; raises to end the reading. By default all is read at once.

    Returns:
        For each question its answers, best first. Answers carry the identifiers that were given,
        and those of the index where none was.

    Raises:
        UnknownPassageError: If a passage has no text, and the index not its identifier.
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
    """The best answer of every provided passage, whether or not others have a better one.

    Args:
        qa: An index with its reader.
        questions: Any number.
        provided: For each question the passages it is read with.
        before_block: Called before each block of tokens is read, a few hundred milliseconds of work
            on a CPU; raises to end the reading. By default all is read at once.

    Returns:
        For each question and each of its passages, in the order given, its best answer; None where
        it has no text. Scores are among the spans of all the question's passages; so, unless equal
        answers are summed, the one of the highest score is the first that `read_provided` gives.

    Raises:
        UnknownPassageError: If a passage has no text, and the index not its identifier.
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
        questions: Any number.
        provided: For each question the passages it is read with.
        before_block: Called before each block of tokens is read, a few hundred milliseconds of work
            on a CPU; raises to end the reading. By default all is read at once.

    Returns:
        For each question its passages, best first.

    Raises:
        UnknownPassageError: If a passage has no text, and the index not its identifier.
    """
    requests = _requests(qa, questions, provided)
    read = qa.passage_reader.read(requests, spans_per_passage=1, before_block=before_block)
    return [_ranked(*one) for one in zip(requests, read, strict=True)]


def _requests(
    qa: OpenDomainQA, questions: Sequence[str], provided: Sequence[Sequence[ProvidedPassage]]
) -> list[ReadRequest]:
    """Questions with what the index knows of their passages."""
    return [
        ReadRequest(
            question,
            [find_passage(qa.index, passage, place) for place, passage in enumerate(passages)],
            [qa.bm25_weight * passage.score for passage in passages],
        )
        for question, passages in zip(questions, provided, strict=True)
    ]


def find_passage(index: PassageIndex, provided: ProvidedPassage, place: int) -> RequestedPassage:
    """What an index knows of a provided passage.

    Args:
        index: Where its states may be stored.
        provided: The passage.
        place: Which of the provided passages it is, from 0.

    Raises:
        UnknownPassageError: If the passage has no text, and the index not its identifier.
    """
    if provided.text is None:
        ordinals = index.find(provided.passage_id) if provided.passage_id is not None else []
        if not ordinals:
            raise UnknownPassageError(provided.passage_id or "", place)
        return RequestedPassage(ordinals[0], index.passage(ordinals[0]))
    for ordinal in index.find_text(provided.text):
        known = index.passage(ordinal)
        # The title is part of what was read: under another one the states would not be these.
        if provided.title in (None, known.title):
            label = provided.passage_id or known.passage_id
            return RequestedPassage(ordinal, Passage(label, known.text, known.title))
    return RequestedPassage(
        None, Passage(provided.passage_id or "", provided.text, provided.title or "")
    )


def _best_of_each(request: ReadRequest, found: CandidateSpans) -> list[ProvidedAnswer | None]:
    """The candidate of each passage, of which there is one at most, as an answer."""
    answers = {one.passage: found.answer_at(one) for one in found.candidates}
    return [
        ProvidedAnswer(place, answers[place], passage.is_stored) if place in answers else None
        for place, passage in enumerate(request.passages)
    ]


def _ranked(request: ReadRequest, found: CandidateSpans) -> list[RankedPassage]:
    """Passages by the logits of their candidates; those without text last, in the order given."""
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
