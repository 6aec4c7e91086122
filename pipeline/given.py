"""Reading passages that somebody else found: an engine's hits, by identifier or by text."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from ..reader import Span, SpanLogits, WindowTable
from .answering import locate
from .answers import Answer
from .given_states import GivenPassage, GivenStates, KnownPassage, find_given
from .qa import OpenDomainQA


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """An answer, and which of the given passages it is from."""

    place: int
    """From 0."""
    answer: Answer
    from_store: bool
    """Whether the passage's states were stored; if not, it was read in full."""


@dataclass(frozen=True, slots=True)
class RankedPassage:
    """How well one of the given passages answers."""

    place: int
    """From 0."""
    passage_id: str
    logit: float | None
    """Of its best answer; None where it has no text."""
    relevance: float
    """Between 0 and 1: softmax of the logits over the passages given; they add up to 1."""
    from_store: bool


def read_given(
    qa: OpenDomainQA,
    questions: Sequence[str],
    given: Sequence[Sequence[GivenPassage]],
    *,
    n_answers: int = 5,
    max_answer_length: int | None = None,
) -> list[list[GivenAnswer]]:
    """Answer questions from given passages, all in one batch.

    What the index knows, by identifier or by text, is read from its stored states; anything else
    goes through all layers.

    Args:
        qa: An index with its reader.
        questions: Any number.
        given: For each question the passages it is read with.
        n_answers: How many answers at most to each question.
        max_answer_length: Longest answer in wordpieces; by default the reader's.

    Returns:
        For each question its answers, best first. Answers carry the identifiers that were given,
        and those of the index where none was.

    Raises:
        UnknownPassageError: If a passage has no text, and the index not its identifier.
    """
    found = find_given(qa.index, given)
    reading = GivenStates.of(qa, [passage for of_question in found for passage in of_question])
    read = qa.reader.logits_batch(
        questions,
        reading.states,
        reading.windows,
        _numbered([len(passages) for passages in given]),
    )
    return [
        _answer_from(
            qa,
            logits,
            windows,
            passages,
            [p.score for p in of_question],
            n_answers,
            max_answer_length,
        )
        for (logits, windows), passages, of_question in zip(read, found, given, strict=True)
    ]


def _answer_from(
    qa: OpenDomainQA,
    logits: SpanLogits,
    windows: WindowTable,
    found: Sequence[KnownPassage],
    scores: Sequence[float],
    n_answers: int,
    max_answer_length: int | None,
) -> list[GivenAnswer]:
    """Answers of one question, with their places."""
    answered = qa.given_answerer.answer(
        logits,
        windows,
        [qa.bm25_weight * score for score in scores],
        lambda place: found[place].passage,
        n_answers,
        max_answer_length=max_answer_length,
    )
    return [
        GivenAnswer(place, answer, found[place].ordinal is not None)
        for place, answer in zip(answered.places, answered.answers, strict=True)
    ]


def answer_each(
    qa: OpenDomainQA, questions: Sequence[str], given: Sequence[Sequence[GivenPassage]]
) -> list[list[GivenAnswer | None]]:
    """The best answer of every given passage, whether or not others have a better one.

    Args:
        qa: As in `read_given`.
        questions: As in `read_given`.
        given: As in `read_given`.

    Returns:
        For each question and each of its passages, in the order given, its best answer; None where
        it has no text. Scores are among the spans of all the question's passages; so, unless equal
        answers are summed, the one of the highest score is the first that `read_given` gives.

    Raises:
        UnknownPassageError: As in `read_given`.
    """
    found, spans = _best_of_each(qa, questions, given)
    return [
        [
            GivenAnswer(place, locate(span, one.passage, qa.reader), one.ordinal is not None)
            if span
            else None
            for place, (span, one) in enumerate(zip(_mixed(best), passages, strict=True))
        ]
        for best, passages in zip(spans, found, strict=True)
    ]


def rank_given(
    qa: OpenDomainQA, questions: Sequence[str], given: Sequence[Sequence[GivenPassage]]
) -> list[list[RankedPassage]]:
    """Order given passages by how well they answer.

    Args:
        qa: As in `read_given`.
        questions: As in `read_given`.
        given: As in `read_given`.

    Returns:
        For each question its passages, best first.

    Raises:
        UnknownPassageError: As in `read_given`.
    """
    found, spans = _best_of_each(qa, questions, given)
    return [
        _rank([span.logit if span else None for span in best], passages)
        for best, passages in zip(spans, found, strict=True)
    ]


def _best_of_each(
    qa: OpenDomainQA, questions: Sequence[str], given: Sequence[Sequence[GivenPassage]]
) -> tuple[list[list[KnownPassage]], list[list[Span | None]]]:
    """What is known of the passages, and the best span of each, read by itself."""
    found = find_given(qa.index, given)
    flat = [passage for of_question in found for passage in of_question]
    reading = GivenStates.of(qa, flat)
    spans = qa.reader.read_batch(
        [question for question, passages in zip(questions, given, strict=True) for _ in passages],
        reading.states,
        reading.windows,
        [[number] for number in range(len(flat))],
        n_best=1,
        passage_scores=[[qa.bm25_weight * p.score] for passages in given for p in passages],
    )
    best = [of_passage[0] if of_passage else None for of_passage in spans]
    return found, [[best[n] for n in numbers] for numbers in _numbered([len(p) for p in given])]


def _mixed(spans: Sequence[Span | None]) -> list[Span | None]:
    """The same spans, their probabilities among those of all passages together."""
    known = [span for span in spans if span is not None]
    if not known:
        return list(spans)
    # Of a passage's best span, logit - log(probability) is the log of all its spans' mass.
    masses = torch.tensor([s.logit - math.log(s.probability) for s in known], dtype=torch.float64)
    log_total = float(masses.logsumexp(0))
    return [
        replace(span, probability=math.exp(span.logit - log_total)) if span else None
        for span in spans
    ]


def _numbered(sizes: Sequence[int]) -> list[list[int]]:
    """Consecutive numbers, in lists of given sizes."""
    lists, first = [], 0
    for size in sizes:
        lists.append(list(range(first, first + size)))
        first += size
    return lists


def _rank(logits: Sequence[float | None], found: Sequence[KnownPassage]) -> list[RankedPassage]:
    """Passages by their logits; those without text last, in the order given."""
    values = torch.tensor([-torch.inf if x is None else x for x in logits], dtype=torch.float64)
    has_text = any(x is not None for x in logits)
    relevance = (values.softmax(0) if has_text else torch.zeros_like(values)).tolist()
    order = torch.argsort(values, descending=True, stable=True).tolist()
    return [
        RankedPassage(
            place,
            found[place].passage.passage_id,
            logits[place],
            relevance[place],
            found[place].ordinal is not None,
        )
        for place in order
    ]
