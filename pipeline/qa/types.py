"""The records that callers, reading and ranking exchange."""

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ...data import Passage
from ...data.records import Metadata

if TYPE_CHECKING:
    from ...indexer import Hit  # the records alone take no search engine


@dataclass(frozen=True, slots=True)
class ProvidedPassage:
    """A passage that the caller provides. It has an identifier, a text, or both."""

    passage_id: str | None = None
    text: str | None = None
    """Text to read. With a text, the identifier is only a label."""
    title: str | None = None
    """Title of the text. None: the title that the index has for the text."""
    score: float = 0.0
    """Retrieval score of the caller; it has the weight of a BM25 score."""


@dataclass(frozen=True, slots=True)
class RequestedPassage:
    """A passage to read, and the source of its states."""

    ordinal: int | None
    """Number of the passage in the index that stores its states; None: states are computed."""
    passage: Passage | None = None
    """Text that answers are cut from; None: the text of ``ordinal`` in the index."""

    @property
    def is_stored(self) -> bool:
        """Whether the index stores its states."""
        return self.ordinal is not None


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A question, and the passages to read for it."""

    question: str
    passages: Sequence[RequestedPassage]
    """Passages, best first if reading may stop early."""
    scores: Sequence[float]
    """Logits that are added to the spans of each passage for its retrieval score."""


@dataclass(frozen=True, slots=True)
class Support:
    """A passage that supports an answer."""

    passage_id: str
    title: str
    start: int
    """Offset of the best span in the passage's text, in code points."""
    end: int
    """Exclusive."""
    score: float
    """Share of the passage's spans with the answer, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its best span."""

    answer: str
    """``passage[start:end]``."""
    score: float
    """From 0 to 1: a softmax over all spans of all passages of the question, with retrieval scores
    added. With ``aggregate_answers``, the softmax is over the best spans of each passage, and the
    shares of equal answers are added up. Scores of one question compare with each other, those of
    different questions less well."""
    passage_id: str
    title: str
    start: int
    """Offset into ``passage``, in code points."""
    end: int
    """Exclusive."""
    passage: str
    confidence: float | None = None
    """The probability that the answer is right. None if it is not the best answer, or no
    confidence was fitted."""
    supporting: tuple[Support, ...] = ()
    """All passages with this answer, or with one that contains it; that of the best span first."""
    metadata: Metadata = field(default_factory=dict)
    """What is known of the passage besides its text: document, page, line …"""

    def to_dict(self) -> dict[str, Any]:
        """The keys of ``preread ask --json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate span, with its logit and share."""

    passage: int
    """Position of its passage among those that were read."""
    start: int
    """Offset into the passage's text, in code points."""
    end: int
    """Exclusive."""
    text: str
    logit: float
    """Logit of span, passage and retrieval together (`combined_logit`)."""
    share: float
    """Share of all spans that were read, from 0 to 1."""

    def with_share(self, share: float) -> "Candidate":
        """The same span with another share, in half the time of `dataclasses.replace`.

        Args:
            share: From 0 to 1.
        """
        return Candidate(self.passage, self.start, self.end, self.text, self.logit, share)


@dataclass(frozen=True, slots=True)
class CandidateSpans:
    """The candidate spans of a question: everything that ranking needs."""

    candidates: list[Candidate] = field(default_factory=list)
    """The best spans of each passage. Shares refer to all spans that were read."""
    passages: dict[int, Passage] = field(default_factory=dict)
    """The passages with candidates, by position."""
    margins: dict[int, float] = field(default_factory=dict)
    """Logit of the best span of each passage less its no-answer score, by position."""
    n_read: int = 0
    """Number of passages that were read, from the first requested one."""

    @property
    def log_mass(self) -> float:
        """Log-sum-exp of the logits of all spans; -inf without spans."""
        if not self.candidates:
            return -math.inf
        best = max(self.candidates, key=lambda one: one.logit)
        return best.logit - math.log(best.share)

    def answer_at(self, candidate: Candidate) -> Answer:
        """A candidate as an answer whose score is its share.

        Args:
            candidate: One of the candidates.
        """
        passage = self.passages[candidate.passage]
        return Answer(
            answer=candidate.text,
            score=candidate.share,
            passage_id=passage.passage_id,
            title=passage.title,
            start=candidate.start,
            end=candidate.end,
            passage=passage.text,
            metadata=passage.shown_metadata(),
        )


@dataclass(frozen=True, slots=True)
class AnswerStep:
    """The best answer after reading some of the passages."""

    n_passages: int
    """Least number of passages with this answer; the next step has more."""
    answer: Answer
    """The answer; its score is a share of all spans that were read."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The result of ranking the candidates of a question."""

    answers: list[Answer] = field(default_factory=list)
    """Answers, best first; empty if nothing was found or the confidence is too low."""
    places: list[int] = field(default_factory=list)
    """Position of the passage of each answer among those that were read."""
    confidence: float | None = None
    """Confidence of the best answer, also if it is held back; None if it was not fitted."""
    steps: list[AnswerStep] = field(default_factory=list)
    """The best answer after each number of passages, if requested."""


@dataclass(slots=True)
class Timings:
    """The time of a question by stage, in milliseconds."""

    stages: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        """Add the time since the last call to a stage.

        Args:
            stage: Name of the stage; it may be repeated.
        """
        now = time.perf_counter()
        self.stages[stage] = self.stages.get(stage, 0.0) + (now - self._last) * 1000
        self._last = now

    @property
    def total_ms(self) -> float:
        """The time of all stages."""
        return sum(self.stages.values())


@dataclass(frozen=True, slots=True)
class Result:
    """The answers to a question, with passages and timings."""

    answers: list[Answer]
    hits: "list[Hit]"
    """All passages that were found, best first; the first ``n_read`` were read."""
    timings: Timings
    steps: list[AnswerStep] = field(default_factory=list)
    """The best answer after each number of passages, if requested."""
    n_read: int = 0
    """Number of passages that were read."""
    confidence: float | None = None
    """The probability that the best answer is right, also if the answer is held back; None if it
    was not fitted, or nothing was found."""


@dataclass(frozen=True, slots=True)
class ProvidedAnswer:
    """An answer from one of the provided passages."""

    place: int
    """Position of the passage among the provided ones, from 0."""
    answer: Answer
    from_store: bool
    """Whether the states of the passage were stored; if not, they were computed."""


@dataclass(frozen=True, slots=True)
class RankedPassage:
    """One of the provided passages, with its relevance."""

    place: int
    """Position of the passage among the provided ones, from 0."""
    passage_id: str
    logit: float | None
    """Logit of its best answer; None for a passage without text."""
    relevance: float
    """From 0 to 1: softmax of the logits over the provided passages."""
    from_store: bool
    """Whether its states were stored; if not, they were computed."""
