"""The records that travel between callers, reading and ranking."""

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
    """A passage that the caller provides to be read. It has an identifier, a text, or both."""

    passage_id: str | None = None
    text: str | None = None
    """What is read. Where it is given, the identifier is only a label."""
    title: str | None = None
    """Goes with the text. None: any title that the index knows the text by."""
    score: float = 0.0
    """Retrieval score of whoever found it; counts as a BM25 score does."""


@dataclass(frozen=True, slots=True)
class RequestedPassage:
    """A passage to be read, and where its states come from."""

    ordinal: int | None
    """Number of the passage in the index, which stores its states; None where they are computed."""
    passage: Passage | None = None
    """Text that is read and answers are cut from; None: the one the index has as ``ordinal``."""

    @property
    def is_stored(self) -> bool:
        """Whether the index has its states."""
        return self.ordinal is not None


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A question, and the passages that are read with it."""

    question: str
    passages: Sequence[RequestedPassage]
    """The most promising first, where reading may stop early."""
    scores: Sequence[float]
    """Logits that are added to the spans of each passage: what its retrieval score is worth."""


@dataclass(frozen=True, slots=True)
class Support:
    """A passage that an answer stands in."""

    passage_id: str
    title: str
    start: int
    """Offset of its best place there, in code points of the passage's text."""
    end: int
    """Exclusive."""
    score: float
    """Between 0 and 1: what the passage adds to the answer's score, or would if scores were
    summed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer and where it stands best."""

    answer: str
    """``passage[start:end]``."""
    score: float
    """Between 0 and 1: softmax over all spans of all texts read for this question; the passages'
    retrieval scores weigh in. Of a reader with ``aggregate_answers``, it is over the best spans of
    each passage, and those of equal answers are added up. Scores of one question compare with each
    other, those of different questions less well."""
    passage_id: str
    title: str
    start: int
    """Offset into ``passage``, in code points."""
    end: int
    """Exclusive."""
    passage: str
    confidence: float | None = None
    """The probability that the answer is right. Of the best answer only, and of readers for which
    that was fitted."""
    supporting: tuple[Support, ...] = ()
    """All passages that give this answer or one that holds its words, its best place's first."""
    metadata: Metadata = field(default_factory=dict)
    """What is known of the passage besides its text: document, page, line …"""

    def to_dict(self) -> dict[str, Any]:
        """The keys of ``preread ask --json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span that may be the answer, and its weight."""

    passage: int
    """Place of its passage among those that were read."""
    start: int
    """Offset into the passage's text, in code points."""
    end: int
    """Exclusive."""
    text: str
    logit: float
    """Of span, passage and retrieval together (`combined_logit`)."""
    share: float
    """Its part of all evidence, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class CandidateSpans:
    """The spans of a question's passages that may be its answer: all that ranking needs."""

    candidates: list[Candidate] = field(default_factory=list)
    """The best spans of each passage. Shares are of all spans that were read, not of these only."""
    passages: dict[int, Passage] = field(default_factory=dict)
    """The passages that have candidates, by place."""
    margins: dict[int, float] = field(default_factory=dict)
    """Logits by which the best span of each of these is ahead of "no answer in this passage"."""
    n_read: int = 0
    """How many passages were read: the first of those that were requested."""

    @property
    def log_mass(self) -> float:
        """Log of the summed exponentials of the logits of all spans; -inf where there is none."""
        if not self.candidates:
            return -math.inf
        best = max(self.candidates, key=lambda one: one.logit)
        return best.logit - math.log(best.share)

    def answer_at(self, candidate: Candidate) -> Answer:
        """A candidate as an answer, scored by its share of the evidence.

        Args:
            candidate: One of these.
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
    """What reading some of the passages would have answered."""

    n_passages: int
    """From so many passages on, up to those of the next step."""
    answer: Answer
    """Its score is among the spans of all passages that were read."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What ranking makes of a question's candidates."""

    answers: list[Answer] = field(default_factory=list)
    """Best first; none where nothing was found, or the confidence is too low."""
    places: list[int] = field(default_factory=list)
    """For each answer the place of its passage among those that were read."""
    confidence: float | None = None
    """Of the best answer, whether or not it is given; None where it was not fitted."""
    steps: list[AnswerStep] = field(default_factory=list)
    """What reading fewer passages would have answered, from one passage up; if asked for."""


@dataclass(slots=True)
class Timings:
    """Where the time of one question went, in milliseconds."""

    stages: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        """Count the time since the last lap as time of a stage.

        Args:
            stage: Its name; a stage may have several laps.
        """
        now = time.perf_counter()
        self.stages[stage] = self.stages.get(stage, 0.0) + (now - self._last) * 1000
        self._last = now

    @property
    def total_ms(self) -> float:
        """All stages."""
        return sum(self.stages.values())


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that answering a question gave."""

    answers: list[Answer]
    hits: "list[Hit]"
    """All passages found, best first; the first ``n_read`` of them were read."""
    timings: Timings
    steps: list[AnswerStep] = field(default_factory=list)
    """What reading fewer passages would have answered, from one passage up; if asked for."""
    n_read: int = 0
    """How many of the passages were read."""
    confidence: float | None = None
    """The probability that the best answer is right, also where it was held back for that; None
    where it was not fitted, or nothing was found."""


@dataclass(frozen=True, slots=True)
class ProvidedAnswer:
    """An answer, and which of the provided passages it is from."""

    place: int
    """From 0."""
    answer: Answer
    from_store: bool
    """Whether the passage's states were stored; if not, it was read in full."""


@dataclass(frozen=True, slots=True)
class RankedPassage:
    """How well one of the provided passages answers."""

    place: int
    """From 0."""
    passage_id: str
    logit: float | None
    """Of its best answer; None where it has no text."""
    relevance: float
    """Between 0 and 1: softmax of the logits over the passages provided; they add up to 1."""
    from_store: bool
    """Whether its states were stored; if not, it was read in full."""
