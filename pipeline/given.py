"""Reading passages that somebody else found: an engine's hits, by identifier or by text."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch

from ..data import Passage, PrereadError
from ..indexer import PassageIndex
from ..reader import Packed, Span, SpanLogits, Window, WindowTable
from .answering import locate
from .answers import Answer
from .qa import OpenDomainQA

_ROWS_AT_ONCE = 4096
"""Tokens that go through the lower layers at a time; memory grows with them."""


class UnknownPassageError(PrereadError):
    """A passage was given by an identifier that the index does not have.

    Attributes:
        place: Which of the given passages, from 0.
    """

    def __init__(self, passage_id: str, place: int) -> None:
        """Say which."""
        self.place = place
        super().__init__(
            f"passages[{place}]: expected an identifier of the index or a text, found the unknown "
            f"identifier {passage_id!r}. Send its text too."
        )


@dataclass(frozen=True, slots=True)
class GivenPassage:
    """A passage to be read. It has an identifier, a text, or both."""

    passage_id: str | None = None
    text: str | None = None
    """What is read where it is given; the identifier is then a label."""
    title: str | None = None
    """Goes with the text. None: any title that the index knows the text by."""
    score: float = 0.0
    """Of whoever found it; weighs in as BM25's does in `OpenDomainQA.answer`."""


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
    found = _find_all(qa.index, given)
    reading = _Reading.of(qa, [passage for of_question in found for passage in of_question])
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
    found: Sequence["_Found"],
    scores: Sequence[float],
    n_answers: int,
    max_answer_length: int | None,
) -> list[GivenAnswer]:
    """Answers of one question, with their places."""
    answered = qa.answerer.answer(
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


@dataclass(frozen=True, slots=True)
class _Found:
    """A given passage, and where its states are stored, if they are."""

    passage: Passage
    ordinal: int | None


def _find_all(index: PassageIndex, given: Sequence[Sequence[GivenPassage]]) -> list[list[_Found]]:
    """What the index knows of the given passages."""
    return [
        [_find(index, passage, place) for place, passage in enumerate(passages)]
        for passages in given
    ]


def _find(index: PassageIndex, given: GivenPassage, place: int) -> _Found:
    if given.text is None:
        ordinals = index.find(given.passage_id) if given.passage_id is not None else []
        if not ordinals:
            raise UnknownPassageError(given.passage_id or "", place)
        return _Found(index.passage(ordinals[0]), ordinals[0])
    for ordinal in index.find_text(given.text):
        known = index.passage(ordinal)
        # The title is part of what was read: under another one the states would not be these.
        if given.title in (None, known.title):
            label = given.passage_id or known.passage_id
            return _Found(Passage(label, known.text, known.title), ordinal)
    return _Found(Passage(given.passage_id or "", given.text, given.title or ""), None)


def _best_of_each(
    qa: OpenDomainQA, questions: Sequence[str], given: Sequence[Sequence[GivenPassage]]
) -> tuple[list[list[_Found]], list[list[Span | None]]]:
    """What is known of the passages, and the best span of each, read by itself."""
    found = _find_all(qa.index, given)
    flat = [passage for of_question in found for passage in of_question]
    reading = _Reading.of(qa, flat)
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


@dataclass(frozen=True, slots=True)
class _Reading:
    """States of given passages; those that were stored first."""

    states: Packed
    windows: WindowTable

    @classmethod
    def of(cls, qa: OpenDomainQA, found: Sequence[_Found]) -> "_Reading":
        """Fetch what is stored, compute the rest."""
        stored = [(n, p.ordinal) for n, p in enumerate(found) if p.ordinal is not None]
        fresh = [n for n, p in enumerate(found) if p.ordinal is None]
        fetched = qa.index.fetch([ordinal for _, ordinal in stored])
        parts, tables = [], []
        if stored:
            parts.append(fetched.decode(qa.codec, qa.reader.device))
            tables.append(_renumbered(fetched.windows, [number for number, _ in stored]))
        if fresh:
            passages = [found[number].passage for number in fresh]
            windows = qa.reader.encoder.encode_passages(
                [p.text for p in passages], [p.title for p in passages]
            )
            flat = [(w, n) for n, some in zip(fresh, windows, strict=True) for w in some]
            parts += _states_of(qa, [window for window, _ in flat])
            tables.append(
                WindowTable(
                    tuple(len(w.token_ids) for w, _ in flat),
                    tuple(w.n_prefix for w, _ in flat),
                    tuple(w.first_token for w, _ in flat),
                    tuple(number for _, number in flat),
                )
            )
        if not parts:
            return cls(Packed(torch.empty(0, qa.reader.config.hidden_size), ()), fetched.windows)
        lengths = tuple(length for part in parts for length in part.lengths)
        windows_of_all = WindowTable((), (), (), ())
        for table in tables:
            windows_of_all = windows_of_all.followed_by(table, 0)
        return cls(Packed(torch.cat([part.rows for part in parts]), lengths), windows_of_all)


def _states_of(qa: OpenDomainQA, windows: Sequence[Window]) -> Iterable[Packed]:
    """Lower states of windows, some at a time, as the index would give them back.

    That is what the upper layers know, and a text has the same answers whether it is stored or not.
    """
    batch: list[Window] = []
    n_rows = 0
    for window in windows:
        if batch and n_rows + len(window.token_ids) > _ROWS_AT_ONCE:
            yield _through_codec(qa, batch)
            batch, n_rows = [], 0
        batch.append(window)
        n_rows += len(window.token_ids)
    if batch:
        yield _through_codec(qa, batch)


@torch.inference_mode()
def _through_codec(qa: OpenDomainQA, windows: Sequence[Window]) -> Packed:
    states = qa.reader.window_states(windows)
    token_ids = Packed.from_lists([w.token_ids for w in windows]).to(qa.reader.device)
    return qa.codec.decode(qa.codec.encode(states, token_ids), token_ids)


def _renumbered(windows: WindowTable, numbers: Sequence[int]) -> WindowTable:
    """The same windows, of passages with other numbers."""
    passages = tuple(numbers[passage] for passage in windows.passage)
    return WindowTable(windows.lengths, windows.n_prefix, windows.first_token, passages)


def _numbered(sizes: Sequence[int]) -> list[list[int]]:
    """Consecutive numbers, in lists of given sizes."""
    lists, first = [], 0
    for size in sizes:
        lists.append(list(range(first, first + size)))
        first += size
    return lists


def _rank(logits: Sequence[float | None], found: Sequence[_Found]) -> list[RankedPassage]:
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
